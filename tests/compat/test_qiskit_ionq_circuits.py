"""Random circuits through qiskit-ionq, unmodified, against Qiskit's own state vector.

Each gate follows from a seed of its own, so that what hypothesis shrinks is their number.
"""

import itertools
from random import Random

import numpy as np
import pytest
import qiskit_ionq
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import (
    CHGate,
    CPhaseGate,
    CRXGate,
    CRYGate,
    CRZGate,
    CSXGate,
    CXGate,
    CYGate,
    CZGate,
    HGate,
    IGate,
    MCPhaseGate,
    PauliEvolutionGate,
    PhaseGate,
    RXGate,
    RXXGate,
    RYGate,
    RYYGate,
    RZGate,
    RZZGate,
    SdgGate,
    SGate,
    SwapGate,
    SXdgGate,
    SXGate,
    TdgGate,
    TGate,
    UnitaryGate,
    XGate,
    YGate,
    ZGate,
)
from qiskit.quantum_info import SparsePauliOp, Statevector
from random_gates import angle_of, pauli_terms
from scipy.linalg import expm

from ionq_toolkit_fake import FakeIonQ, mock_ionq

# It advises against Qiskit's own default when a backend is built.
pytestmark = pytest.mark.filterwarnings("ignore::qiskit_ionq.exceptions.IonQTranspileLevelWarning")

LISTS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=12)

ONE = (*(XGate, YGate, ZGate, HGate, SGate, SdgGate, TGate, TdgGate, SXGate, SXdgGate, IGate),)
TURNS, PAIRS = (RXGate, RYGate, RZGate, PhaseGate), (RXXGate, RYYGate, RZZGate)
CONTROLLED = (CXGate, CYGate, CZGate, CHGate, CSXGate)
CONTROLLED_TURNS = (CRXGate, CRYGate, CRZGate, CPhaseGate)

#: With a million shots, qiskit-ionq drops the outcomes that it has not sampled: one in e^50 that
#: are more probable than this.
DROPPED = 5e-5


def qiskit_gate(random, width):
    """Return one of the gates that qiskit-ionq sends, for up to so many qubits."""
    kinds = ["one", "turn", "evolution", *(["pair", "controlled", "swap"] if width > 1 else [])]
    kind = random.choice([*kinds, *(["many"] if width > 2 else [])])
    if kind == "evolution":
        count = random.randrange(1, min(4, width) + 1)
        terms = pauli_terms(random, count, commuting=random.choice([True, False]))
        return PauliEvolutionGate(SparsePauliOp(*terms), random.uniform(0, 2))
    if kind == "many":
        controls = random.randrange(2, min(7, width - 1) + 1)
        flip = XGate().control(controls, annotated=False)
        return random.choice([flip, MCPhaseGate(angle_of(random), controls)])
    angle, fixed = angle_of(random), random.randrange(2)
    if kind == "controlled":
        return random.choice(CONTROLLED)() if fixed else random.choice(CONTROLLED_TURNS)(angle)
    if kind == "one":
        return random.choice(ONE)()
    return (
        SwapGate() if kind == "swap" else random.choice(PAIRS if kind == "pair" else TURNS)(angle)
    )


def exactly(gate):
    """Return a gate, an evolution as the matrix of one Trotter step, its terms in their order."""
    if not isinstance(gate, PauliEvolutionGate):
        return gate
    matrix = np.eye(2**gate.num_qubits)
    for term in gate.operator:
        matrix = expm(-1j * gate.time * term.to_matrix()) @ matrix
    return UnitaryGate(matrix)


@st.composite
def qiskit_circuits(draw, most=8):
    """Make a circuit that measures some qubits to some bits, and its distribution."""
    width = draw(st.integers(1, most))
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    registers = [ClassicalRegister(size, f"c{n}") for n, size in enumerate(sizes)]
    circuit = QuantumCircuit(QuantumRegister(width, "q"), *registers)
    known = QuantumCircuit(width)
    turns = [
        (turn(draw(st.floats(0.3, 2.8))), [qubit])
        for qubit, turn in itertools.product(range(width), (RYGate, RXGate))
    ]
    randoms = map(Random, draw(LISTS))
    gates = [(qiskit_gate(random, width), random) for random in randoms]
    drawn = [(gate, random.sample(range(width), gate.num_qubits)) for gate, random in gates]
    # With all qubits turned first and last, every control is on, and every phase shows.
    for gate, qubits in [*turns, *drawn, *turns] if draw(st.booleans()) else drawn:
        circuit.append(gate, qubits)
        known.append(exactly(gate), qubits)
    bits = draw(st.lists(st.integers(0, sum(sizes) - 1), min_size=1, unique=True))
    measured = {bit: draw(st.integers(0, width - 1)) for bit in bits}
    for bit, qubit in measured.items():
        circuit.measure(qubit, bit)
    probabilities = Statevector(known).probabilities()
    return circuit, probabilities, by_bits(probabilities, measured, sum(sizes))


def by_bits(probabilities, measured, size):
    """Return the distribution of so many bits, some of them measured; the first is the last."""
    found = {}
    for outcome, probability in enumerate(probabilities):
        value = sum((outcome >> qubit & 1) << bit for bit, qubit in measured.items())
        key = format(value, f"0{size}b")
        found[key] = found.get(key, 0) + probability
    return found


def distribution_of(job, child=None):
    """Return what qiskit-ionq is sent for a job, or for one of its circuits."""
    client = job.backend().client
    record = client.retrieve_job(job.job_id())
    if child is not None:
        record = client.retrieve_job(record["child_job_ids"][child])
    return client.get_results(record["results"]["probabilities"]["url"])


def assert_same(found, probabilities):
    wanted = {n: p for n, p in enumerate(probabilities) if p > 1e-15}
    found = {int(key): value for key, value in found.items()}
    assert sum(abs(found.get(k, 0) - wanted.get(k, 0)) for k in {*found, *wanted}) / 2 < 1e-9


def run_in_qiskit(circuits):
    # Without the flag, it sends no terms that do not commute.
    flag = {"ionq_compiler_synthesis": "true"}
    backend = qiskit_ionq.IonQProvider("key").get_backend("ionq_simulator")
    return backend.run(circuits, shots=1_000_000, sampler_seed=1, extra_metadata=flag)


def assert_read(found, wanted):
    """Compare what qiskit-ionq made of a distribution by the bits that were measured."""
    found = {key.replace(" ", ""): probability for key, probability in found.items()}
    for key, probability in wanted.items():
        least = 0 if probability < DROPPED else probability
        assert least - 1e-4 < found.get(key, 0) < probability + 1e-4
    assert set(found) <= set(wanted)


@pytest.mark.slow
@settings(max_examples=60)
@given(qiskit_circuits())
def test_qiskit_ionq_gets_the_distribution_of_qiskits_own_state_vector(case):
    circuit, probabilities, wanted = case
    with mock_ionq(FakeIonQ(seed=1)):
        job = run_in_qiskit(circuit)
        assert_same(distribution_of(job), probabilities)
        assert_read(job.get_probabilities(), wanted)


@pytest.mark.slow
@settings(max_examples=10)
@given(st.lists(qiskit_circuits(most=4), min_size=2, max_size=4))
def test_qiskit_ionq_pairs_the_circuits_of_a_job_with_their_distributions(cases):
    with mock_ionq(FakeIonQ(seed=1)):
        job = run_in_qiskit([circuit for circuit, _, _ in cases])
        found = job.get_probabilities()
        for index, (_, probabilities, wanted) in enumerate(cases):
            assert_same(distribution_of(job, index), probabilities)
            assert_read(found[index], wanted)


@st.composite
def qiskit_native_circuits(draw):
    """Make a circuit of the native gates that qiskit-ionq has, with the matrices it gives them."""
    width = draw(st.integers(2, 4))
    circuit = QuantumCircuit(width)
    for seed in draw(LISTS):
        random = Random(seed)
        first, second, angle = (random.uniform(-1, 1) for _ in range(3))
        gates = [
            *(qiskit_ionq.GPIGate(first), qiskit_ionq.GPI2Gate(second)),
            *(
                qiskit_ionq.ZZGate(abs(angle) / 4),
                qiskit_ionq.MSGate(first, second, abs(angle) / 4),
            ),
        ]
        gate = random.choice([*gates, qiskit_ionq.MSGate(first, second)])
        circuit.append(gate, random.sample(range(width), gate.num_qubits))
    return circuit


@settings(max_examples=40)
@given(qiskit_native_circuits())
def test_qiskit_ionqs_native_gates_have_the_matrices_that_it_gives_them(circuit):
    probabilities = Statevector(circuit).probabilities()
    circuit.measure_all()
    with mock_ionq(FakeIonQ(seed=1)):
        provider = qiskit_ionq.IonQProvider("key")
        backend = provider.get_backend("ionq_simulator", gateset="native")
        assert_same(distribution_of(backend.run(circuit)), probabilities)
