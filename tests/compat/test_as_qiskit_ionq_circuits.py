"""A program written for qiskit-ionq, with one import changed: gates and circuits."""

from math import pi

import numpy as np
import pytest
import qiskit_ionq
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qasm2, qasm3, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.library import CPhaseGate, MCPhaseGate, RXGate, RZGate
from qiskit.quantum_info import Operator, Statevector, random_unitary
from qiskit.synthesis import synth_qft_full
from qiskit_ionq.exceptions import IonQGateError, IonQMidCircuitMeasurementError
from qiskit_ionq.helpers import decompress_metadata_string, qiskit_circ_to_ionq_circ

import ionq_toolkit
from ionq_toolkit import errors
from ionq_toolkit.api import metadata
from ionq_toolkit.circuits.wire import to_wire
from ionq_toolkit_fake import FakeIonQ, mock_ionq

pytestmark = pytest.mark.filterwarnings("ignore::qiskit_ionq.exceptions.IonQTranspileLevelWarning")


@pytest.fixture
def cloud():
    with mock_ionq(FakeIonQ(seed=7)) as cloud:
        yield cloud


@pytest.fixture
def get_backend(package, cloud):
    return package.IonQProvider("the key").get_backend


@pytest.fixture
def get_our_backend(cloud):
    """Look backends up here only.

    What qiskit-ionq makes of a circuit for native gates depends on Qiskit's version and on what
    else the session's library of equivalences holds, and it sends phases beyond one turn, which
    IonQ refuses.
    """
    return ionq_toolkit.IonQProvider("the key").get_backend


def serialised(circuit, gateset="qis"):
    """Return the gates that each package sends, qiskit-ionq's first."""
    theirs, _, _ = qiskit_circ_to_ionq_circ(circuit, gateset)
    return theirs, to_wire(circuit, gateset).gates


def measured(circuit):
    circuit.measure(range(circuit.num_clbits), range(circuit.num_clbits))
    return circuit


# --- what is sent ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gate", "arguments"),
    [
        *[(gate, [3]) for gate in ["x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "id"]],
        *[(gate, [angle, 3]) for gate in ["rx", "ry", "rz"] for angle in (0, 0.5, -7.0)],
        *[
            (gate, [angle, 3, 1])
            for gate in ["rxx", "ryy", "rzz", "crx", "cry", "crz"]
            for angle in (0, 2)
        ],
        *[(gate, [3, 1]) for gate in ["cx", "cy", "cz", "ch", "swap"]],
        ("ccx", [3, 1, 4]),
        *[("mcx", [list(range(controls)), 7]) for controls in (1, 2, 3, 4, 5, 6, 7)],
    ],
)
def test_a_gate_is_sent_as_there(gate, arguments):
    circuit = QuantumCircuit(8, 8)
    getattr(circuit, gate)(*arguments)
    theirs, ours = serialised(measured(circuit))
    assert ours == theirs


def test_native_gates_are_sent_as_there():
    circuit = QuantumCircuit(3, 3)
    circuit.append(ionq_toolkit.GPIGate(0.1), [0])
    circuit.append(ionq_toolkit.GPI2Gate(-0.2), [1])
    circuit.append(ionq_toolkit.MSGate(0.2, 0.3), [1, 2])
    circuit.append(ionq_toolkit.MSGate(0.2, 0.3, 0.1), [2, 0])
    circuit.append(ionq_toolkit.ZZGate(0.2), [0, 2])
    theirs, ours = serialised(measured(circuit), "native")
    assert ours == theirs


@pytest.mark.parametrize("name", ["ecr", "iswap", "dcx", "u", "cu", "cswap", "cs"])
def test_what_is_sent_by_none_is_refused_by_its_name(name):
    circuit = QuantumCircuit(3, 3)
    arguments = {"u": (1, 2, 3, 0), "cu": (1, 2, 3, 4, 0, 1), "cswap": (0, 1, 2)}
    getattr(circuit, name)(*arguments.get(name, (0, 1)))
    measured(circuit)
    with pytest.raises(IonQGateError) as theirs:
        qiskit_circ_to_ionq_circ(circuit)
    with pytest.raises(errors.IonQGateError) as ours:
        to_wire(circuit)
    for caught in (theirs, ours):
        assert (caught.value.gate_name, caught.value.gateset) == (name, "qis")


@pytest.mark.parametrize(
    ("gateset", "build", "gate"),
    [
        ("native", lambda c: c.cx(0, 1), "cx"),
        ("qis", lambda c: c.append(qiskit_ionq.GPIGate(0.1), [0]), "gpi"),
        ("qis", lambda c: c.append(ionq_toolkit.GPIGate(0.1), [0]), "gpi"),
    ],
)
def test_a_gate_of_the_other_gateset_is_refused_by_both(package, get_backend, gateset, build, gate):
    error = IonQGateError if package is qiskit_ionq else errors.IonQGateError
    circuit = QuantumCircuit(2, 2)
    build(circuit)
    with pytest.raises(error) as caught:
        get_backend("ionq_simulator", gateset=gateset).run(measured(circuit))
    assert (caught.value.gate_name, caught.value.gateset) == (gate, gateset)


def test_a_gate_after_a_measurement_is_named_with_its_qubit():
    circuit = QuantumCircuit(2, 2)
    circuit.measure(1, 1)
    circuit.x(1)
    with pytest.raises(IonQMidCircuitMeasurementError) as theirs:
        qiskit_circ_to_ionq_circ(circuit)
    with pytest.raises(errors.IonQMidCircuitMeasurementError) as ours:
        to_wire(circuit)
    for caught in (theirs, ours):
        assert (caught.value.gate_name, caught.value.qubit_index) == ("x", 1)


def registers():
    circuit = QuantumCircuit(
        QuantumRegister(2, "q0"),
        QuantumRegister(2, "q1"),
        ClassicalRegister(2, "c0"),
        ClassicalRegister(2, "c1"),
        name="registers",
    )
    circuit.h(range(4))
    circuit.measure([2, 3, 2], [2, 3, 0])
    circuit.global_phase = 0.25
    circuit.metadata = {"run": 7}
    return circuit


def test_a_circuit_is_described_as_there(cloud):
    described = []
    for package, read in ((qiskit_ionq, decompress_metadata_string), (ionq_toolkit, None)):
        job = package.IonQProvider("k").get_backend("ionq_simulator").run(registers(), shots=5)
        stored = cloud.jobs[-1].submission.metadata
        assert stored["shots"] == "5"
        if read is None:
            (header,) = metadata.decode_headers(stored, job.job_id())
        else:
            header = read(stored["qiskit_header"])
        described.append(header)
    assert described[0] == described[1]
    assert described[1]["meas_mapped"] == [2, None, 2, 3]


def test_a_job_of_several_circuits_is_called_after_their_number(get_backend):
    first, second = (QuantumCircuit(2, 2, name=name) for name in ("first", "second"))
    first.h(0)
    second.x(1)
    backend = get_backend("ionq_simulator")
    job = backend.run([measured(first), measured(second)], shots=10)
    record = backend.client.retrieve_job(job.job_id())
    assert (record["name"], record["type"]) == ("2 circuits", "ionq.multi-circuit.v1")
    assert job.get_counts()[1] == {"10": 10}


# --- phases under control --------------------------------------------------------------------


def phases(width):
    circuit = QuantumCircuit(width, width)
    for qubit in range(width):
        circuit.ry(0.4 + qubit, qubit)
    for controls in range(1, width):
        circuit.append(MCPhaseGate(0.7 * controls, controls), range(controls + 1))
    circuit.csx(1, 0)
    circuit.cp(-2.9, 0, 2)
    circuit.csx(2, 1)
    for qubit in range(width):
        circuit.rx(1.1, qubit)
    return circuit


def test_a_circuit_of_phases_under_control_needs_no_transpiling(get_backend):
    """There they go as `z` with an angle and as a controlled `v`; here as documented rotations."""
    circuit = phases(5)
    expected = Statevector(circuit).probabilities_dict()
    job = get_backend("ionq_simulator").run(measured(circuit), shots=1_000_000, sampler_seed=1)
    assert job.get_probabilities() == pytest.approx(expected, abs=1e-9)


def test_phases_under_control_are_sent_as_gates_that_are_documented():
    circuit = phases(5)
    sent = to_wire(measured(circuit)).gates
    assert {(gate["gate"], "controls" in gate) for gate in sent} == {
        ("ry", False),
        ("rx", False),
        ("rx", True),
        ("rz", True),
        ("rz", False),
    }


def test_a_controlled_phase_is_two_rotations():
    circuit = QuantumCircuit(2, 2)
    circuit.cp(0.5, 1, 0)
    assert to_wire(measured(circuit)).gates == [
        {"gate": "rz", "targets": [0], "controls": [1], "rotation": 0.5},
        {"gate": "rz", "targets": [1], "rotation": 0.25},
    ]


def rotations(gates, width):
    circuit = QuantumCircuit(width)
    for gate in gates:
        operation = {"rx": RXGate, "rz": RZGate}[gate["gate"]](gate["rotation"])
        controls = gate.get("controls", [])
        if controls:
            operation = operation.control(len(controls), annotated=False)
        circuit.append(operation, [*controls, *gate["targets"]])
    return circuit


@pytest.mark.slow
@pytest.mark.parametrize("angle", [0, 0.5, pi, -2.0, 9.0])
@pytest.mark.parametrize("controls", [1, 2, 3, 7])
def test_a_phase_under_any_controls_is_itself_but_for_a_global_phase(angle, controls):
    circuit = QuantumCircuit(controls + 1, controls + 1)
    circuit.mcp(angle, list(range(controls)), controls)
    expected = Operator(circuit)
    sent = to_wire(measured(circuit)).gates
    assert Operator(rotations(sent, controls + 1)).equiv(expected)


def test_a_controlled_square_root_of_x_is_itself_but_for_a_global_phase():
    circuit = QuantumCircuit(2, 2)
    circuit.csx(1, 0)
    expected = Operator(circuit)
    sent = to_wire(measured(circuit)).gates
    assert Operator(rotations(sent, 2)).equiv(expected)


@pytest.mark.parametrize(
    ("gate", "qubits", "complaint"),
    [
        (CPhaseGate(0.3, ctrl_state=0), 2, r"qiskit\.transpile"),
        (CPhaseGate(float("nan")), 2, "finite number of radians"),
    ],
)
def test_a_phase_under_control_that_cannot_be_sent_is_refused(gate, qubits, complaint):
    circuit = QuantumCircuit(qubits, qubits)
    circuit.append(gate, range(qubits))
    with pytest.raises(errors.IonQGateError, match=complaint):
        to_wire(measured(circuit))


def test_a_fourier_transform_and_back_needs_no_transpiling(get_backend):
    there = synth_qft_full(4)
    circuit = QuantumCircuit(4, 4)
    circuit.x([0, 2])
    circuit.compose(there, inplace=True)
    circuit.compose(there.inverse(), inplace=True)
    assert circuit.count_ops()["cp"] == 12
    counts = get_backend("ionq_simulator").run(measured(circuit), shots=20).get_counts()
    assert counts == {"0101": 20}


# --- native gates and transpiling ------------------------------------------------------------


@pytest.mark.parametrize("phase", [-0.5, 0, 0.1, 0.25, 1, pi])
def test_gates_have_the_matrices_that_they_have_there(phase):
    for name, parameters in (
        ("GPIGate", [phase]),
        ("GPI2Gate", [phase]),
        ("MSGate", [phase, 0.3]),
        ("MSGate", [0.3, phase, 0.125]),
        ("ZZGate", [phase]),
    ):
        theirs, ours = (
            getattr(package, name)(*parameters) for package in (qiskit_ionq, ionq_toolkit)
        )
        np.testing.assert_allclose(ours.to_matrix(), theirs.to_matrix(), atol=1e-12)
        assert (ours.name, ours.num_qubits, ours.params) == (
            theirs.name,
            theirs.num_qubits,
            theirs.params,
        )


def test_a_hadamard_is_made_of_native_gates(package):
    product = (
        package.GPI2Gate(0.5).to_matrix()
        @ package.GPIGate(-0.125).to_matrix()
        @ package.GPI2Gate(0).to_matrix()
    )
    np.testing.assert_allclose(product, np.array([[1, 1], [1, -1]]) / np.sqrt(2), atol=1e-12)


def without_idle_qubits(circuit):
    used = [qubit for qubit in circuit.qubits if any(qubit in i.qubits for i in circuit.data)]
    plain = QuantumCircuit(used, circuit.clbits, global_phase=circuit.global_phase)
    for instruction in circuit.data:
        plain.append(instruction)
    return plain


@pytest.mark.parametrize("seed", range(6))
def test_any_gate_on_one_qubit_is_at_most_three_native_ones(get_backend, seed):
    circuit = QuantumCircuit(1)
    circuit.unitary(random_unitary(2, seed=seed), [0])
    backend = get_backend("ionq_simulator", gateset="native")
    ready = transpile(circuit, backend, optimization_level=1, seed_transpiler=1)
    assert set(ready.count_ops()) <= {"gpi", "gpi2"}
    assert ready.size() <= 3
    assert Operator(without_idle_qubits(ready)).equiv(Operator(circuit))


def test_parameters_can_be_given_after_transpiling_to_native_gates(get_backend):
    theta = Parameter("theta")
    circuit = QuantumCircuit(2)
    circuit.rx(theta, 0)
    circuit.cx(0, 1)
    circuit.rz(theta, 1)
    backend = get_backend("ionq_simulator", gateset="native")
    backend.set_options(noise_model="forte-1")
    ready = without_idle_qubits(
        transpile(circuit, backend, optimization_level=1, initial_layout=[0, 1], seed_transpiler=1)
    )
    assert set(ready.count_ops()) <= {"gpi", "gpi2", "zz"}
    for value in (0.37, -1.2):
        bound, expected = (c.assign_parameters({theta: value}) for c in (ready, circuit))
        assert Operator(bound).equiv(Operator(expected))


def test_a_turn_about_zz_is_one_zz_on_a_machine(get_our_backend):
    circuit = QuantumCircuit(2, 2)
    circuit.rzz(0.7, 0, 1)
    ready = transpile(
        circuit,
        get_our_backend("ionq_qpu.forte-1", gateset="native"),
        optimization_level=1,
        seed_transpiler=1,
    )
    assert ready.count_ops()["zz"] == 1
    assert "ms" not in ready.count_ops()


@pytest.mark.parametrize(
    ("machine", "gate"),
    [("forte-1", "zz"), ("forte-enterprise-1", "zz"), ("aria-1", "ms"), ("aria-2", "ms")],
)
def test_a_machine_has_its_familys_gate_on_two_qubits(get_backend, machine, gate):
    names = set(get_backend(f"ionq_qpu.{machine}", gateset="native").target.operation_names)
    assert {"ms", "zz"} & names == {gate}


@pytest.mark.slow
@pytest.mark.parametrize("gateset", ["qis", "native"])
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_transpiled_circuit_runs_as_it_would_have(get_our_backend, gateset, level):
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.u(0.2, 0.4, 0.6, 1)
    circuit.ecr(0, 1)
    circuit.cs(1, 2)
    circuit.iswap(0, 2)
    circuit.cu(0.1, 0.2, 0.3, 0.4, 2, 1)
    circuit.sxdg(1)
    expected = Statevector(circuit).probabilities_dict()
    circuit.measure_all()
    backend = get_our_backend("ionq_simulator", gateset=gateset)
    ready = transpile(circuit, backend, optimization_level=level, seed_transpiler=1)
    found = backend.run(ready, shots=1_000_000, sampler_seed=1).get_probabilities()
    assert found == pytest.approx(expected, abs=1e-9)


def test_native_circuits_can_be_written_as_openqasm(get_backend):
    circuit = QuantumCircuit(1)
    circuit.u(0.1, 0.2, 0.3, 0)
    backend = get_backend("simulator", gateset="native")
    ready = transpile(circuit, backend, optimization_level=1, seed_transpiler=1)
    for text in (qasm2.dumps(ready), qasm3.dumps(ready)):
        assert "gate gpi2(" in text
