"""What the transpiler makes for a target is accepted, and is the circuit it was made of."""

import itertools

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.library import (
    C3SXGate,
    HGate,
    MCPhaseGate,
    MCXGate,
    PauliEvolutionGate,
    QFTGate,
    RXGate,
    RYGate,
    RZGate,
    UnitaryGate,
    XGate,
    YGate,
    ZGate,
)
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector, random_unitary
from qiskit.synthesis import SuzukiTrotter
from qiskit.transpiler import generate_preset_pass_manager

from ionq_toolkit import GPI2Gate, GPIGate, MSGate, ZZGate
from ionq_toolkit.circuits.target import target_for
from ionq_toolkit.circuits.wire import check_native, needs_qasm3, to_wire
from ionq_toolkit.devices import DEVICES, RETIRED_DEVICES, Device, find_device

ZZ, MS = ("gpi", "gpi2", "zz"), ("gpi", "gpi2", "ms")
#: Two triangles, and a bridge between them.
PARCELS = ((0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5))
MACHINES = {
    "zz": Device("qpu.zz-1", 6, native_gates=ZZ),
    "ms": Device("qpu.ms-1", 6, native_gates=MS),
    "parcels": Device("qpu.parcels-1", 6, native_gates=ZZ, connectivity=PARCELS),
}
MACHINE = Device("qpu.wide-1", 12)
TARGETS = [
    ("zz", "qis"),
    ("zz", "native"),
    ("ms", "native"),
    ("parcels", "qis"),
    ("parcels", "native"),
]


def crossed(others):
    """Return each target with each level of optimization, and with one of the others each."""
    return [
        (machine, gateset, level, next(others))
        for machine, gateset in TARGETS
        for level in range(4)
    ]


def distribution_of(wire, send):
    """Run a circuit in the cloud, and return the probability of each outcome of its bits."""
    program = {"gateset": wire.gateset, "qubits": wire.num_qubits, "circuit": wire.gates}
    body = {"type": "ionq.circuit.v1", "backend": "simulator", "input": program}
    status, job = send("POST", "/jobs", body)
    assert status == 201, job
    status, found = send("GET", f"/jobs/{job['id']}/results/probabilities")
    assert status == 200, (found, send("GET", f"/jobs/{job['id']}")[1]["failure"])
    probabilities = np.zeros(2 ** len(wire.measured))
    for outcome, probability in found.items():
        bits = [int(outcome) >> q & 1 if q is not None else 0 for q in wire.measured]
        probabilities[sum(bit << place for place, bit in enumerate(bits))] += probability
    return probabilities


def check(original, ready, machine, gateset, send):
    """Check that a circuit for a machine is accepted, and is as good as the original."""
    device = MACHINES[machine]
    if device.connectivity is not None:
        pairs = set(map(frozenset, device.connectivity))
        for item in ready.data:
            if item.operation.name != "barrier" and len(item.qubits) > 1:
                assert frozenset(ready.find_bit(q).index for q in item.qubits) in pairs
    bare = original.remove_final_measurements(inplace=False)
    wire = to_wire(ready, gateset)
    check_native(wire, device)
    expected = Statevector(Operator(bare).data[:, 0]).probabilities()
    assert np.allclose(distribution_of(wire, send), expected, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "gateset", "level", "seed"), crossed(itertools.count()))
def test_random_circuits_are_accepted_and_the_same_at_every_level(
    machine, gateset, level, seed, send
):
    circuit = random_circuit(5, 5, max_operands=4, seed=seed)
    target = target_for(MACHINES[machine], gateset)
    without = transpile(circuit, target=target, optimization_level=level, seed_transpiler=seed)
    idle = Operator(np.eye(2 ** (without.num_qubits - circuit.num_qubits)))
    assert Operator.from_circuit(without).equiv(Operator(idle.tensor(Operator(circuit)).data))
    circuit.measure_all()
    manager = generate_preset_pass_manager(level, target=target, seed_transpiler=seed)
    check(circuit, manager.run(circuit), machine, gateset, send)


def high_level():
    """Circuits of what no target has: each has to be taken apart."""
    circuit = QuantumCircuit(5)
    circuit.h(range(5))
    circuit.rz(0.3, range(5))
    circuit.append(MCXGate(4), [0, 1, 2, 3, 4])
    circuit.append(XGate().control(3, ctrl_state=2, annotated=False), [4, 3, 2, 1])
    circuit.append(C3SXGate(), [0, 2, 1, 4])
    yield circuit.copy("controls")
    circuit.append(HGate().control(2, annotated=True), [0, 1, 2])
    circuit.append(RZGate(0.4).control(2, annotated=False), [3, 1, 2])
    circuit.append(QFTGate(3), [4, 2, 0])
    circuit.cswap(0, 1, 2)
    circuit.mcp(0.7, [0, 1, 2], 3)
    yield circuit.copy("annotated")
    circuit = QuantumCircuit(4)
    circuit.h([0, 2])
    operator = SparsePauliOp(["XXIZ", "ZZII", "IIYY"], [0.3, -0.8, 0.5])
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XXIZ", "YYII"], [0.3, 0.4]), -0.7), range(4))
    circuit.append(PauliEvolutionGate(operator, 0.2), [3, 1, 0, 2])
    yield circuit.decompose("PauliEvolution").copy("evolution")
    circuit.append(UnitaryGate(random_unitary(8, seed=3)), [2, 0, 3])
    circuit.append(UnitaryGate(random_unitary(4, seed=4)), [1, 0])
    circuit.prepare_state(Statevector([0.6, 0.8]).data, 1)
    yield circuit.decompose("PauliEvolution").copy("unitaries")
    circuit = QuantumCircuit(3)
    for gate in (GPIGate(0.3), GPI2Gate(0.1), MSGate(0.1, 0.7, 0.4), ZZGate(0.8), MSGate(0, 0.2)):
        circuit.append(gate, range(gate.num_qubits))
        circuit.append(gate, [2, 1][: gate.num_qubits])
    circuit.ecr(0, 2)
    circuit.u(0.1, 0.2, 0.3, 1)
    yield circuit.copy("native")


@pytest.mark.parametrize(
    ("machine", "gateset", "level", "circuit"), crossed(itertools.cycle(high_level()))
)
def test_the_transpiler_decomposes_gates_outside_the_target(circuit, machine, gateset, level, send):
    circuit = circuit.copy()
    circuit.measure_all()
    target = target_for(MACHINES[machine], gateset)
    ready = transpile(circuit, target=target, optimization_level=level, seed_transpiler=1)
    check(circuit, ready, machine, gateset, send)


@pytest.mark.parametrize("gateset", ["qis", "native"])
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_an_initialized_circuit_needs_no_openqasm_3(gateset, level, send):
    circuit = QuantumCircuit(3)
    circuit.initialize([0.6, 0, 0, 0.8j], [0, 2])
    circuit.cx(0, 1)
    circuit.measure_all()
    target = target_for(MACHINES["zz"], gateset)

    ready = transpile(circuit, target=target, optimization_level=level, seed_transpiler=1)

    assert not needs_qasm3(ready)
    found = distribution_of(to_wire(ready, gateset), send)
    assert np.allclose(found, [0.36, 0, 0, 0, 0, 0, 0, 0.64])


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("gateset", ["qis", "native"])
def test_parameters_can_be_given_after_transpiling(gateset, level, send):
    theta, phi = Parameter("theta"), Parameter("phi")
    circuit = QuantumCircuit(2)
    circuit.ry(theta, 0)
    circuit.cx(0, 1)
    circuit.rzz(phi, 0, 1)
    circuit.rxx(theta * phi, 0, 1)
    circuit.crx(phi, 1, 0)
    circuit.measure_all()
    target = target_for(MACHINES["ms"], gateset)

    ready = transpile(circuit, target=target, optimization_level=level, seed_transpiler=1)

    values = {theta: -9.7, phi: 4.1}
    check(circuit.assign_parameters(values), ready.assign_parameters(values), "ms", gateset, send)


@pytest.mark.parametrize("gateset", ["qis", "native"])
@pytest.mark.parametrize("device", [*DEVICES, *RETIRED_DEVICES], ids=lambda device: device.name)
def test_every_operation_of_a_target_is_accepted(device, gateset):
    target = target_for(device, gateset)
    for operation in target.operations:
        if isinstance(operation, type):
            continue
        width = operation.num_qubits
        circuit = QuantumCircuit(width, width)
        if operation.name != "measure":
            circuit.append(operation, range(width))
            for parameter in circuit.parameters:
                circuit.assign_parameters({parameter: 1}, inplace=True)
        circuit.measure(range(width), range(width))
        wire = to_wire(circuit, gateset)
        check_native(wire, device)
        assert bool(wire.gates) == (operation.name not in {"measure", "id", "delay", "reset"})


@pytest.mark.parametrize(
    ("name", "model", "entangler", "width"),
    [
        ("forte-1", "ideal", "zz", 36),
        ("forte-enterprise-2", "aria-1", "zz", 36),
        ("aria-1", None, "ms", 25),
        ("harmony", "ideal", "ms", 11),
        ("simulator", "ideal", "zz", 29),
        ("simulator", None, "zz", 29),
        ("simulator", "aria-1", "ms", 25),
        ("simulator", "harmony", "ms", 11),
        ("simulator", "forte-1", "zz", 29),
        ("simulator", "a-model-of-next-year", "zz", 29),
    ],
)
def test_a_native_target_has_one_gate_on_two_qubits(name, model, entangler, width):
    target = target_for(find_device(name), "native", model)
    assert target.num_qubits == width
    assert set(target.operation_names) == {
        *("gpi", "gpi2", entangler),
        *("id", "delay", "measure", "reset", "box", "for_loop"),
    }


def test_all_qubits_are_connected_where_a_device_says_nothing_else():
    for gateset in ("qis", "native"):
        target = target_for(find_device("forte-1"), gateset)
        assert target.build_coupling_map() is None
        assert target.instruction_supported("measure", (35,))


def test_a_target_has_the_connectivity_of_its_device_in_both_directions():
    for gateset in ("qis", "native"):
        coupling = target_for(MACHINES["parcels"], gateset).build_coupling_map()
        assert set(coupling.get_edges()) == {*PARCELS, *((b, a) for a, b in PARCELS)}
    target = target_for(MACHINES["parcels"], "qis")
    assert not {"ccx", "ccz"} & set(target.operation_names)
    assert target.num_qubits == 6


COMMUTING = SparsePauliOp(["XXII", "YYII", "ZZII"], [0.1, 0.2, 0.3])
CLASHING = SparsePauliOp(["XIZI", "ZIXI", "YYII"], [0.4, -0.3, 0.7])


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("gate", "size"),  # size: gates that IonQ is sent; None: more than one
    [
        (MCXGate(4), 1),
        (MCPhaseGate(0.3, 3), 4),  # as rotations: three controlled ones and a last one
        *((kind().control(3, annotated=False), 1) for kind in (YGate, ZGate, HGate)),
        *((kind(0.7).control(n, annotated=False), 1) for kind in (RXGate, RZGate) for n in (2, 4)),
        (RYGate(Parameter("a")).control(3, annotated=False), 1),
        (PauliEvolutionGate(COMMUTING, 0.4), 1),
        (PauliEvolutionGate(CLASHING, 0.4), None),
        (PauliEvolutionGate(CLASHING, 0.4, synthesis=SuzukiTrotter(order=2, reps=2)), None),
        (MCXGate(8), None),
        (MCPhaseGate(0.3, 8), None),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_transpiler_keeps_what_goes_as_one_gate(gate, size, level, send):
    # Truth: Qiskit's state vector of the gate's definition, which is its own synthesis.
    width = gate.num_qubits
    circuit = QuantumCircuit(width)
    for qubit in range(width):
        circuit.ry(1.9 + 0.1 * qubit, qubit)
    circuit.append(gate, range(width))
    circuit.rx(0.9, range(width))
    ready = transpile(circuit, target=target_for(MACHINE, "qis"), optimization_level=level)
    assert ready.count_ops()[gate.name] == 1
    circuit, ready = (one.assign_parameters([0.4] * one.num_parameters) for one in (circuit, ready))
    expected = Statevector(circuit.decompose([gate.name])).probabilities()
    ready.measure_all()
    wire = to_wire(ready, "qis")
    assert np.allclose(distribution_of(wire, send), expected, atol=1e-7)
    sent = len(wire.gates) - 2 * width
    assert sent == size if size else sent > 1
