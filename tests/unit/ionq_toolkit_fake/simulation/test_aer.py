"""The histogram against Qiskit's own state vector, and the gates against IonQ's definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import PhaseGate, RXGate, RXXGate, RYGate, RYYGate, RZGate, RZZGate
from qiskit.quantum_info import Operator, Statevector

from ionq_toolkit import InProcessTransport, IonQProvider
from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.api.results import as_map
from ionq_toolkit_fake.facts.gates import QIS_GATES
from ionq_toolkit_fake.simulation.executors import simulate
from ionq_toolkit_fake.simulation.gates import qiskit_gate
from ionq_toolkit_fake.simulation.program import Gate, Noise, Program, Task

ROOT = 1 / np.sqrt(2)
X = np.array([[0, 1], [1, 0]])
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1, -1])


def exponential(pauli, angle):
    """exp(-i angle P / 2) for a P that is its own inverse."""
    return np.cos(angle / 2) * np.eye(len(pauli)) - 1j * np.sin(angle / 2) * pauli


def histogram_of(num_qubits, *gates):
    """Simulate gates exactly, as IonQ writes the result."""
    return as_map(simulate(Task(Program(num_qubits, gates), seed=0)).distribution)


#: The gates whose matrix is written out here; `pauliexp` has tests of its own.
GATES = {name: kind for name, kind in QIS_GATES.items() if kind.targets}


def parameters_of(name):
    return (0.7,) if GATES[name].rotation is True else ()


#: IonQ's definitions, written out: the square of v is x, rotations are exp(-i angle P / 2).
MATRICES = {
    "x": X,
    "not": X,
    "cnot": X,
    "y": Y,
    "z": Z,
    "h": ROOT * np.array([[1, 1], [1, -1]]),
    "s": np.diag([1, 1j]),
    "si": np.diag([1, -1j]),
    "t": np.diag([1, np.exp(0.25j * np.pi)]),
    "ti": np.diag([1, np.exp(-0.25j * np.pi)]),
    "v": 0.5 * np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]),
    "vi": 0.5 * np.array([[1 - 1j, 1 + 1j], [1 + 1j, 1 - 1j]]),
    "swap": np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]),
    "rx": exponential(X, 0.7),
    "ry": exponential(Y, 0.7),
    "rz": exponential(Z, 0.7),
    "xx": exponential(np.kron(X, X), 0.7),
    "yy": exponential(np.kron(Y, Y), 0.7),
    "zz": exponential(np.kron(Z, Z), 0.7),
}


@pytest.mark.parametrize("name", GATES)
def test_each_gate_is_the_unitary_that_ionq_documents(name):
    gate = Gate(name, tuple(range(GATES[name].targets)), parameters=parameters_of(name))
    assert np.allclose(qiskit_gate(gate).to_matrix(), MATRICES[name])


def test_a_z_with_an_angle_is_a_phase():
    gate = Gate("z", (0,), parameters=(0.7,))
    assert np.allclose(qiskit_gate(gate).to_matrix(), np.diag([1, np.exp(0.7j)]))


@pytest.mark.slow
@pytest.mark.parametrize("controls", range(1, 8))
@pytest.mark.parametrize("name", GATES)
def test_controls_add_a_block_to_the_unitary_phase_included(name, controls):
    """Put every input through the gate, in a superposition that shows its phases."""
    kind = GATES[name]
    width = controls + kind.targets
    qubits = np.random.default_rng(controls).permutation(width).tolist()
    gate = Gate(name, tuple(qubits[controls:]), tuple(qubits[:controls]), parameters_of(name))
    prepare = [Gate("ry", (q,), parameters=(0.3 + q,)) for q in range(width)]
    read_out = [Gate("rx", (q,), parameters=(0.5 + q,)) for q in range(width)]

    histogram = histogram_of(width, *prepare, gate, *read_out)

    block = np.eye(2**width, dtype=complex)
    block[-(2**kind.targets) :, -(2**kind.targets) :] = MATRICES[name]
    # Targets are the most significant in a block that acts where all controls are 1.
    order = [*qubits[controls:], *qubits[:controls]]
    expected = QuantumCircuit(width)
    for q in range(width):
        expected.ry(0.3 + q, q)
    expected.unitary(Operator(block), order)
    for q in range(width):
        expected.rx(0.5 + q, q)
    probabilities = Statevector(expected).probabilities()
    found = np.zeros(2**width)
    for outcome, probability in histogram.items():
        found[int(outcome)] = probability
    assert 0.5 * np.abs(found - probabilities).sum() < 1e-9


def test_qubit_0_is_the_least_significant_bit():
    assert histogram_of(5, Gate("x", (1,)), Gate("x", (4,))) == {"18": 1.0}


def test_outcomes_of_probability_zero_are_absent_after_many_gates():
    wiggle = tuple(Gate("rx", (0,), parameters=(0.1,)) for _ in range(1000))
    back = tuple(Gate("rx", (0,), parameters=(-0.1,)) for _ in range(1000))
    assert list(histogram_of(3, *wiggle, *back)) == ["0"]


def test_small_probabilities_are_present():
    histogram = histogram_of(1, Gate("rx", (0,), parameters=(2e-8,)))
    assert histogram["1"] == pytest.approx(1e-16, rel=1e-6)


def test_equal_outcomes_have_equal_round_probabilities_however_many_gates_there_are():
    """Recorded of the service: 0.5 and 0.5 for a Bell pair, 0.25 for four alike."""
    bell = (Gate("h", (0,)), Gate("cnot", (1,), (0,)))
    assert histogram_of(2, *bell) == {"0": 0.5, "3": 0.5}
    folded = bell + (Gate("h", (0,)), Gate("h", (0,)), Gate("swap", (0, 1))) * 500
    assert histogram_of(2, *folded) == {"0": 0.5, "3": 0.5}
    for width in range(1, 12):
        layer = (Gate("rx", (q,), parameters=(np.pi / 2,)) for q in range(width))
        assert set(histogram_of(width, *layer).values()) == {0.5**width}
    turns = Gate("gpi2", (0,), parameters=(0.0,)), Gate("ms", (0, 1), parameters=(0.0, 0.5, 0.25))
    found = simulate(Task(Program(2, turns, "native"), seed=0)).distribution
    assert as_map(found) == dict.fromkeys("0123", 0.25)


@given(st.floats(1e-9, 3.1), st.floats(1e-9, 3.1))
def test_probabilities_keep_twelve_digits_however_small_they_are(one, other):
    found = histogram_of(
        2, *(Gate("rx", (q,), parameters=(a,)) for q, a in enumerate((one, other)))
    )
    ones = np.sin(np.array([one, other]) / 2) ** 2
    for outcome, value in found.items():
        bits = np.array([int(outcome) & 1, int(outcome) >> 1], dtype=bool)
        zeros = np.cos(np.array([one, other]) / 2) ** 2
        assert value == pytest.approx(np.where(bits, ones, zeros).prod(), rel=1e-12, abs=0)
    assert sum(found.values()) == pytest.approx(1, abs=1e-12)


def test_no_gates_leave_all_qubits_at_zero():
    assert histogram_of(2) == {"0": 1.0}


def test_a_gate_with_several_targets_acts_on_each(send, job_body):
    gates = [
        {"gate": "x", "target": 0},
        {"gate": "x", "targets": [1, 3], "control": 0},
        {"gate": "h", "targets": [2, 4]},
        {"gate": "z", "targets": [2, 4]},
        {"gate": "h", "targets": [2, 4]},
    ]
    _, job = send("POST", "/jobs", job_body(gates, qubits=5))
    assert list(send("GET", f"/jobs/{job['id']}/results/probabilities")[1]) == ["31"]


# --- circuit -> client -> wire -> fake -> result ---------------------------------------------

ANGLES = st.floats(-7, 7)


@st.composite
def circuits(draw):
    """Random circuits over everything that the client sends, with random measure maps."""
    width = draw(st.integers(1, 5))
    registers = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    circuit = QuantumCircuit(QuantumRegister(width))
    for size in registers:
        circuit.add_register(ClassicalRegister(size))
    for _ in range(draw(st.integers(0, 12))):
        qubits = draw(st.permutations(range(width)))
        one = draw(st.sampled_from(["x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg"]))
        getattr(circuit, one)(qubits[0])
        turn = draw(st.sampled_from([RXGate, RYGate, RZGate, PhaseGate]))
        circuit.append(turn(draw(ANGLES)), [qubits[-1]])
        if width > 1:
            pair = draw(st.sampled_from([RXXGate, RYYGate, RZZGate]))
            circuit.append(pair(draw(ANGLES)), qubits[:2])
            getattr(circuit, draw(st.sampled_from(["cx", "cy", "cz", "ch", "swap"])))(*qubits[:2])
        if width > 2:
            circuit.ccx(*qubits[:3])
            circuit.append(RYGate(draw(ANGLES)).control(2, annotated=False), qubits[:3])
    bits = draw(st.lists(st.sampled_from(range(sum(registers))), min_size=1, unique=True))
    measured = {bit: draw(st.integers(0, width - 1)) for bit in bits}
    return circuit, measured


@pytest.mark.slow
@settings(max_examples=60)
@given(circuits())
def test_probabilities_are_those_of_the_state_vector_over_any_circuit_and_map(case):
    circuit, measured = case
    state = Statevector(circuit)
    for bit, qubit in measured.items():
        circuit.measure(qubit, bit)
    sizes = [register.size for register in circuit.cregs]
    expected = {}
    for outcome, probability in enumerate(state.probabilities()):
        value = sum((outcome >> qubit & 1) << bit for bit, qubit in measured.items())
        text, key = format(value, f"0{sum(sizes)}b"), []
        for size in sizes:
            text, part = text[:-size], text[-size:]
            key.insert(0, part)
        expected[" ".join(key)] = expected.get(" ".join(key), 0) + probability

    backend = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=1))).get_backend("simulator")
    job = backend.run(circuit, shots=100)
    found = job.get_probabilities()

    assert sum(job.get_counts().values()) == 100
    distance = sum(abs(found.get(k, 0) - expected.get(k, 0)) for k in {*found, *expected}) / 2
    assert distance < 1e-9


# --- which method --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_wide_chain_with_many_weak_gates_runs_as_a_tensor_network():
    """Its bonds stay at a few, whatever the number of gates.

    Two neighbours in the middle are held against a state of eight qubits.
    """

    def middle(width):
        turns = [Gate("ry", (q,), (), (0.4 + 0.1 * abs(2 * q - width + 1),)) for q in range(width)]
        links = [Gate("zz", (q, q + 1), (), (0.1,)) for q in range(width - 1)]
        program = Program(width, tuple([*turns, *links] * 3))
        shots = simulate(Task(program, 7, 600, Noise(0.0, 0.05))).shots
        pair = shots >> width // 2 - 1 & 3
        return np.bincount(pair.astype(int), minlength=4) / len(pair)

    assert np.abs(middle(16) - middle(8)).max() < 0.12  # five standard deviations
