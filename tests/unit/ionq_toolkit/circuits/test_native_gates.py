import itertools
import subprocess
import sys

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.equivalence_library import SessionEquivalenceLibrary
from qiskit.circuit.library import (
    CXGate,
    CZGate,
    HGate,
    PhaseGate,
    RXXGate,
    RYYGate,
    RZGate,
    RZZGate,
    UGate,
    XGate,
    YGate,
)
from qiskit.quantum_info import Operator
from scipy.linalg import expm

import ionq_toolkit
from ionq_toolkit import GPI2Gate, GPIGate, MSGate, ZZGate, add_equivalences
from ionq_toolkit.circuits.target import target_for
from ionq_toolkit.devices import Device

X, Y, Z = (np.array(m) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]))
TURN = 2 * np.pi


def equatorial(turns):
    """The Pauli matrix of the axis that is so many turns from X."""
    return np.cos(TURN * turns) * X + np.sin(TURN * turns) * Y


def rotation(axis, turns):
    return expm(-0.5j * TURN * turns * axis)


GATES = [
    GPIGate(0.13),
    GPIGate(-0.7),
    GPI2Gate(0.3),
    GPI2Gate(-0.21),
    MSGate(0.1, 0.23),
    MSGate(0.1, 0.23, 0.17),
    MSGate(-0.4, 0.9, -0.6),
    ZZGate(0.3),
    ZZGate(-0.11),
]


@pytest.mark.parametrize("phi", [0, 0.1, 0.25, -0.4, 0.8])
def test_gpi_is_a_half_turn_and_gpi2_a_quarter_turn_about_an_axis_in_the_equator(phi):
    axis = equatorial(phi)
    assert np.allclose(np.array(GPIGate(phi)), axis)
    assert np.allclose(np.array(GPI2Gate(phi)), rotation(axis, 0.25))


@pytest.mark.parametrize(("phi0", "phi1", "theta"), [(0, 0, 0.25), (0.1, 0.3, 0.2), (-0.6, 0.9, 1)])
def test_ms_turns_about_the_product_of_both_axes_the_first_qubits_the_least_significant(
    phi0, phi1, theta
):
    axis = np.kron(equatorial(phi1), equatorial(phi0))
    assert np.allclose(np.array(MSGate(phi0, phi1, theta)), rotation(axis, theta))


def test_an_ms_entangles_fully_by_default():
    assert MSGate(0.1, 0.2) == MSGate(0.1, 0.2, 0.25)
    assert np.allclose(np.array(MSGate(0, 0)), np.array(RXXGate(np.pi / 2)))


@pytest.mark.parametrize("theta", [0.25, -0.1, 0.7])
def test_zz_turns_about_z_on_both(theta):
    assert np.allclose(np.array(ZZGate(theta)), rotation(np.kron(Z, Z), theta))


@pytest.mark.parametrize("gate", GATES, ids=repr)
def test_each_gate_equals_its_definition_and_its_inverse_undoes_it(gate):
    inverse = gate.inverse()
    assert type(inverse) is type(gate)
    assert np.allclose(Operator(gate.definition).data, np.array(gate))
    assert np.allclose(np.array(inverse) @ np.array(gate), np.eye(2**gate.num_qubits))
    assert np.allclose(Operator(gate).data, np.array(gate))


def test_the_inverse_of_an_ms_keeps_an_angle_that_ionq_takes():
    assert MSGate(0.1, 0.2, 0.15).inverse().params[2] == 0.15


@pytest.mark.parametrize("gate", GATES, ids=repr)
def test_a_gate_can_be_controlled_raised_to_a_power_and_made_of_another_type(gate):
    controlled = Operator(gate.control(1)).data  # the control is the least significant bit
    assert np.allclose(controlled[1::2, 1::2], np.array(gate))
    assert np.allclose(Operator(gate.power(2)).data, np.array(gate) @ np.array(gate))
    assert np.array(gate, dtype=np.complex64).dtype == np.complex64
    with pytest.raises(ValueError, match="without a copy"):
        gate.__array__(copy=False)  # as NumPy 2 asks


def test_parameters_can_be_given_later():
    phi, theta = Parameter("phi"), Parameter("theta")
    circuit = QuantumCircuit(2)
    circuit.append(GPIGate(phi), [0])
    circuit.append(GPI2Gate(phi / 2), [1])
    circuit.append(MSGate(phi, 0.5 - phi, theta), [0, 1])
    circuit.append(ZZGate(theta).inverse(), [0, 1])
    circuit.append(MSGate(phi, 0.1, theta).inverse(), [1, 0])
    assert set(circuit.parameters) == {phi, theta}

    bound = circuit.assign_parameters({phi: 0.2, theta: 0.15})

    direct = QuantumCircuit(2)
    direct.append(GPIGate(0.2), [0])
    direct.append(GPI2Gate(0.1), [1])
    direct.append(MSGate(0.2, 0.3, 0.15), [0, 1])
    direct.append(ZZGate(-0.15), [0, 1])
    direct.append(MSGate(0.7, 0.1, 0.15), [1, 0])
    assert np.allclose(Operator(bound).data, Operator(direct).data)
    unrolled = circuit.decompose().assign_parameters({phi: 0.2, theta: 0.15})
    assert np.allclose(Operator(unrolled).data, Operator(direct).data)
    with pytest.raises(TypeError):
        np.array(GPIGate(phi))


def test_native_circuits_can_be_rewritten_in_qiskits_own_gates():
    add_equivalences()
    circuit = QuantumCircuit(2)
    for gate in GATES:
        circuit.append(gate, range(gate.num_qubits))
    plain = transpile(circuit, basis_gates=["rz", "sx", "cx"], optimization_level=1)
    assert set(plain.count_ops()) <= {"rz", "sx", "cx"}
    assert Operator(plain).equiv(Operator(circuit))


ANGLES = tuple(Parameter(name) for name in ("a", "b", "c"))
EQUIVALENT = [
    *(XGate(), YGate(), HGate(), RZGate(*ANGLES[:1]), PhaseGate(*ANGLES[:1]), UGate(*ANGLES)),
    *(CXGate(), CZGate(), RXXGate(ANGLES[0]), RYYGate(ANGLES[0]), RZZGate(ANGLES[0])),
]


def native_entries(gate):
    return [
        circuit
        for circuit in SessionEquivalenceLibrary.get_entry(gate)
        if {type(item.operation).__module__ for item in circuit.data}
        == {"ionq_toolkit.circuits.native_gates"}
    ]


@pytest.mark.parametrize("gate", EQUIVALENT, ids=lambda gate: gate.name)
def test_an_equivalence_is_the_gate_itself_with_its_global_phase(gate):
    add_equivalences()
    values = dict(zip(gate.params, (0.7, -2.1, 4.9), strict=False))
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.append(gate, range(gate.num_qubits))
    expected = Operator(circuit.assign_parameters(values)).data
    entries = native_entries(gate)
    assert entries
    for entry in entries:
        assert np.allclose(Operator(entry.assign_parameters(values)).data, expected)


def test_equivalences_are_added_once_however_often_they_are_asked_for():
    add_equivalences()
    before = [len(SessionEquivalenceLibrary.get_entry(gate)) for gate in EQUIVALENT]
    add_equivalences()
    assert [len(SessionEquivalenceLibrary.get_entry(gate)) for gate in EQUIVALENT] == before


@pytest.mark.parametrize("entangler", ["ms", "zz"])
@pytest.mark.parametrize("gate", [CXGate(), CZGate(), RZZGate(0.3), RXXGate(0.3), RYYGate(0.3)])
def test_a_gate_on_two_qubits_takes_one_entangling_gate(gate, entangler):
    machine = Device("qpu.two", 2, native_gates=("gpi", "gpi2", entangler))
    circuit = QuantumCircuit(2)
    circuit.append(gate, [0, 1])
    native = transpile(circuit, target=target_for(machine, "native"), optimization_level=0)
    assert native.count_ops()[entangler] == 1
    # Where qiskit-ionq has filled the library after us, its rules are off by a global phase.
    assert Operator.from_circuit(native).equiv(Operator(circuit))


def run_alone(program):
    """Run a program in a process of its own: the library is that of a session."""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=120)


@pytest.mark.slow
def test_importing_the_package_adds_nothing_to_qiskits_library():
    run_alone("""
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.equivalence_library import SessionEquivalenceLibrary
from qiskit.circuit.library import XGate
from ionq_toolkit import MSGate
for circuit in SessionEquivalenceLibrary.get_entry(XGate()):
    assert "gpi" not in circuit.count_ops()
circuit = QuantumCircuit(2)
circuit.append(MSGate(0.1, 0.2), [0, 1])
assert set(transpile(circuit, basis_gates=["rz", "sx", "cx"]).count_ops()) <= {"rz", "sx", "cx"}
""")


@pytest.mark.slow
@pytest.mark.parametrize("first", ["ionq_toolkit", "qiskit_ionq"])
def test_qiskit_ionq_can_be_in_use_in_the_same_session(first):
    run_alone(f"""
import importlib
importlib.import_module({first!r}).add_equivalences()
import ionq_toolkit, qiskit_ionq
from ionq_toolkit.circuits import wire as to_ionq
from ionq_toolkit.circuits.target import target_for
from ionq_toolkit.devices import Device
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import Operator
ionq_toolkit.add_equivalences()
qiskit_ionq.add_equivalences()
circuit = QuantumCircuit(3)
circuit.h(0)
circuit.cx(0, 1)
circuit.ry(0.3, 2)
circuit.cp(0.7, 2, 0)
circuit.swap(1, 2)
for entangler in ("ms", "zz"):
    device = Device("qpu.three", 3, native_gates=("gpi", "gpi2", entangler))
    for gateset in ("native", "qis"):
        ready = transpile(circuit, target=target_for(device, gateset), optimization_level=3)
        assert Operator.from_circuit(ready).equiv(Operator(circuit))
        ready.measure_all()
        wire = to_ionq.to_wire(ready, gateset)
        to_ionq.check_native(wire, device)
theirs = QuantumCircuit(2)
theirs.append(qiskit_ionq.MSGate(0.1, 0.2), [0, 1])
theirs.append(qiskit_ionq.GPIGate(0.3), [1])
theirs.measure_all()
assert to_ionq.to_wire(theirs, "native").gates == [
    dict(gate="ms", targets=[0, 1], phases=[0.1, 0.2], angle=0.25),
    dict(gate="gpi", target=1, phase=0.3),
]
""")


def test_the_names_are_those_of_qiskit_ionq():
    import qiskit_ionq  # noqa: PLC0415 - it fills the session's library of equivalences

    for name in ("GPIGate", "GPI2Gate", "MSGate", "ZZGate"):
        ours, theirs = getattr(ionq_toolkit, name), getattr(qiskit_ionq, name)
        arguments = (0.1, 0.2, 0.15)[: len(theirs(*[0.1] * (3 if name == "MSGate" else 1)).params)]
        assert np.allclose(np.array(ours(*arguments)), np.array(theirs(*arguments)))
        assert ours(*arguments, label="l").label == "l"
        assert ours(*arguments).name == theirs(*arguments).name


def test_half_turns_about_two_axes_are_a_turn_about_z():
    for a, b in itertools.product((0, 0.1, -0.3), repeat=2):
        product = np.array(GPIGate(b)) @ np.array(GPIGate(a))
        assert np.allclose(product, rotation(Z, 2 * (b - a)))


def test_native_gates_go_into_openqasm_3_where_qiskit_ionq_has_filled_the_library():
    run_alone("""
import qiskit_ionq
from qiskit import QuantumCircuit
from ionq_toolkit import MSGate
from ionq_toolkit.circuits.qasm3 import to_qasm3
qiskit_ionq.add_equivalences()
circuit = QuantumCircuit(2, 2)
circuit.append(MSGate(0.1, 0.2), [0, 1])
circuit.append(qiskit_ionq.MSGate(0.1, 0.2, 0.1), [0, 1])
circuit.measure(0, 0)
circuit.x(0)
circuit.measure([0, 1], [0, 1])
assert to_qasm3(circuit).count("rxx(") == 3  # with its definition
""")
