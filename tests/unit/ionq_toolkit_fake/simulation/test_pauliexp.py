"""exp(-i t H), term by term, against SciPy's exponentials of matrices, and against closed forms.

Of terms that do not commute, IonQ takes one Trotter step of first order: PennyLane-IonQ's tests,
which run with a key, hold the service to that.
"""

from functools import reduce
from math import cos, pi, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Operator, Statevector
from scipy.linalg import expm
from scipy.sparse import kron
from scipy.sparse.linalg import expm_multiply

from ionq_toolkit_fake.simulation.executors import simulate
from ionq_toolkit_fake.simulation.outcome import SimulationFailure
from ionq_toolkit_fake.simulation.program import Gate, Noise, Program, Qpu, Task

PAULIS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def pauliexp(targets, time, hamiltonian, controls=()):
    """Build the gate of a Hamiltonian {term: coefficient}."""
    parameters = (time, *hamiltonian.values())
    return Gate("pauliexp", tuple(targets), tuple(controls), parameters, tuple(hamiltonian))


def unitary_of(gate):
    """Exponentiate each term; the left letter is that of the most significant qubit, as in kron."""
    time, *coefficients = gate.parameters
    matrix = np.eye(2 ** len(gate.targets))
    for coefficient, term in zip(coefficients, gate.terms, strict=True):
        generator = reduce(np.kron, [PAULIS[letter] for letter in term])
        matrix = expm(-1j * time * coefficient * generator) @ matrix
    return matrix


def controlled(matrix, controls):
    """Let a matrix act where the low bits of the index, the controls, are all 1."""
    ones = np.arange(len(matrix)) * 2**controls + 2**controls - 1
    block = np.eye(len(matrix) * 2**controls, dtype=complex)
    block[np.ix_(ones, ones)] = matrix
    return block


def turned(width):
    """Gates that turn each qubit by another angle, and then its phase, and the state they make."""
    gates = []
    for q in range(width):
        gates += [Gate("ry", (q,), parameters=(0.4 + q,)), Gate("rx", (q,), parameters=(0.9 - q,))]
    state = Statevector.from_int(0, 2**width)
    for gate in gates:
        pauli = PAULIS[gate.name[1].upper()]
        state = state.evolve(Operator(expm(-0.5j * gate.parameters[0] * pauli)), gate.targets)
    return gates, state


def probabilities(num_qubits, gates, **run):
    found = np.zeros(2**num_qubits)
    distribution = simulate(Task(Program(num_qubits, tuple(gates)), 0, **run)).distribution
    found[distribution.outcomes] = distribution.probabilities
    return found


def assert_acts_as_its_exponential(gate, width, tolerance=1e-10):
    """Put a gate between two layers of rotations that make every phase show."""
    layer, expected = between_layers(gate, width)
    found = probabilities(width, [*layer, gate, *layer])
    assert np.allclose(found, expected, atol=tolerance)


def between_layers(gate, width):
    """Return a layer of rotations, and the probabilities after layer, gate and layer."""
    layer, state = turned(width)
    matrix = controlled(unitary_of(gate), len(gate.controls))
    state = state.evolve(Operator(matrix), list(gate.qubits))
    for again in layer:
        pauli = PAULIS[again.name[1].upper()]
        state = state.evolve(Operator(expm(-0.5j * again.parameters[0] * pauli)), again.targets)
    return layer, state.probabilities()


@st.composite
def gates(draw, most_controls):
    controls = draw(st.integers(0, most_controls))
    targets = draw(st.integers(1, 5 - controls))
    qubits = draw(st.permutations(range(5)))
    terms = draw(
        st.lists(st.text("IXYZ", min_size=targets, max_size=targets), min_size=1, max_size=5)
    )
    parameters = draw(st.tuples(st.floats(0, 3), *[st.floats(-2, 2)] * len(terms)))
    places = tuple(qubits[controls : controls + targets]), tuple(qubits[:controls])
    return Gate("pauliexp", *places, parameters, tuple(terms))


@pytest.mark.slow
@settings(max_examples=40)
@given(gates(most_controls=3))
def test_any_terms_act_one_after_the_other_with_and_without_controls(gate):
    assert_acts_as_its_exponential(gate, 5)


@pytest.mark.slow
@settings(max_examples=15)
@given(gates(most_controls=2), st.sampled_from(["ms", "zz"]))
def test_any_terms_act_one_after_the_other_as_compiled_and_shot_by_shot(gate, entangler):
    """The total variation of 20,000 shots over 32 outcomes is 0.016 on average, sd 0.002."""
    layer, expected = between_layers(gate, 5)
    program = [*layer, gate, *layer]
    for run in ({}, {"qpu": Qpu(5, entangler), "hardware": True}):
        found = probabilities(5, program, shots=20_000, noise=Noise(0.0, 0.0), **run)
        assert np.abs(found - expected).sum() / 2 < 0.035


def test_terms_that_do_not_commute_act_in_the_order_they_have():
    """X and then Z by a quarter turn each leave |0> in between; Z first does nothing to it."""
    quarter = pi / 4
    one = [pauliexp((0,), quarter, {"X": 1.0, "Z": 1.0}), Gate("rx", (0,), (), (pi / 2,))]
    other = [pauliexp((0,), quarter, {"Z": 1.0, "X": 1.0}), Gate("rx", (0,), (), (pi / 2,))]
    assert probabilities(1, one)[1] == pytest.approx(0.5)
    assert probabilities(1, other)[1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "hamiltonian",
    [
        {"XX": 0.7, "ZZ": -0.4, "YY": 0.3},
        {"XI": 0.7, "ZI": -0.4},
        {"ZX": 1.1, "XY": 0.2, "YI": -0.9},
        {"XY": 0.3, "YX": 0.3},
        {"XZ": 0.3, "ZY": -0.8},
    ],
    ids=["commuting", "anticommuting", "mixed", "symmetric", "not symmetric"],
)
@pytest.mark.parametrize("controls", [(), (1,), (1, 3)])
def test_two_targets_in_either_order_act_as_the_exponential(hamiltonian, controls):
    for targets in ((0, 2), (2, 0)):
        assert_acts_as_its_exponential(pauliexp(targets, 0.8, hamiltonian, controls), 4)


def test_the_last_letter_is_for_the_first_target():
    half_turn = pi / 2
    assert probabilities(3, [pauliexp((2, 0), half_turn, {"IX": 1.0})])[4] == pytest.approx(1)
    assert probabilities(3, [pauliexp((2, 0), half_turn, {"XI": 1.0})])[1] == pytest.approx(1)


def test_time_is_not_halved_as_angles_are():
    assert probabilities(1, [pauliexp((0,), 0.3, {"X": 1.0})])[1] == pytest.approx(sin(0.3) ** 2)


def test_the_sign_of_a_coefficient_is_the_direction_of_time():
    there = [Gate("h", (0,)), pauliexp((0,), 0.3, {"Z": 1.0}), Gate("rx", (0,), (), (pi / 2,))]
    back = [Gate("h", (0,)), pauliexp((0,), 0.3, {"Z": -1.0}), Gate("rx", (0,), (), (pi / 2,))]
    assert probabilities(1, there)[1] == pytest.approx(0.5 - sin(0.6) / 2)
    assert probabilities(1, back)[1] == pytest.approx(0.5 + sin(0.6) / 2)


def test_an_identity_is_a_phase_that_a_control_shows():
    """Between two h, a controlled phase is a rotation of the control."""
    interference = [Gate("h", (1,)), pauliexp((0,), 0.7, {"I": 1.0}, (1,)), Gate("h", (1,))]
    assert probabilities(2, interference)[0] == pytest.approx(cos(0.35) ** 2)
    assert probabilities(2, [interference[1]])[0] == pytest.approx(1)


def test_no_time_is_no_change():
    layer, state = turned(2)
    found = probabilities(2, [*layer, pauliexp((0, 1), 0.0, {"XZ": 5.0, "ZZ": -3.0})])
    assert np.allclose(found, state.probabilities())


@pytest.mark.parametrize("width", [11, 13])
def test_wide_terms_that_commute_are_exact(width):
    hamiltonian = {"X" * width: 0.4, "I" * (width - 2) + "XX": 0.9}
    found = probabilities(width, [pauliexp(range(width), 0.7, hamiltonian)])
    everything, pair = 2**width - 1, 3
    long, short = 0.28, 0.63
    expected = {
        0: (cos(long) * cos(short)) ** 2,
        pair: (cos(long) * sin(short)) ** 2,
        everything: (sin(long) * cos(short)) ** 2,
        everything - pair: (sin(long) * sin(short)) ** 2,
    }
    assert np.allclose(found[list(expected)], list(expected.values()), atol=1e-10)
    assert found[list(expected)].sum() == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize("time", [1.3, 1e6])
def test_wide_terms_that_anticommute_are_a_single_step(time):
    """The Z before acts on |0> alone: the X after it flips as if it were not there."""
    width, a, b = 11, 0.9, -0.5
    gate = pauliexp(range(width), time, {"I" * (width - 1) + "Z": b, "X" * width: a})
    found = probabilities(width, [gate])
    assert found[-1] == pytest.approx(sin(time * a) ** 2, abs=1e-8)
    assert found[0] == pytest.approx(cos(time * a) ** 2, abs=1e-8)


@pytest.mark.slow
def test_many_wide_terms_act_one_after_the_other():
    width, time = 11, 0.4
    generator = np.random.default_rng(5)
    terms = ["".join(row) for row in generator.choice(list("IXYZ"), (6, width))]
    coefficients = generator.uniform(-1, 1, len(terms))
    layer, state = turned(width)
    data = state.data
    for term, coefficient in zip(terms, coefficients, strict=True):
        generator = reduce(kron, [PAULIS[letter] for letter in term])
        data = expm_multiply(-1j * time * coefficient * generator, data)
    evolved = Statevector(data)
    for gate in layer:
        pauli = PAULIS[gate.name[1].upper()]
        evolved = evolved.evolve(Operator(expm(-0.5j * gate.parameters[0] * pauli)), gate.targets)

    hamiltonian = dict(zip(terms, coefficients.tolist(), strict=True))
    found = probabilities(width, [*layer, pauliexp(range(width), time, hamiltonian), *layer])

    assert 0.5 * np.abs(found - evolved.probabilities()).sum() < 1e-9


def test_a_controlled_one_that_is_too_wide_fails_the_job_with_a_reason():
    gate = pauliexp(range(1, 12), 0.3, {"X" * 11: 1.0}, (0,))
    with pytest.raises(SimulationFailure, match="controlled pauliexp on") as caught:
        simulate(Task(Program(12, (gate,)), 0))
    assert caught.value.code == "QuantumCircuitComplexityError"


@pytest.mark.parametrize("controls", [(), (3,)])
def test_shot_by_shot_it_acts_as_its_exponential_too(controls):
    """A frequency of 4000 shots is off by 0.05, six standard deviations, once in 10^9."""
    gate = pauliexp((2, 0, 1), 0.6, {"XYZ": 0.8, "ZZI": -0.5, "IXX": 0.4}, controls)
    layer, _ = turned(4)
    program = [*layer, gate, *layer]
    exact = probabilities(4, program)
    found = probabilities(4, program, shots=4000, noise=Noise(0.0, 0.0))
    assert np.abs(found - exact).max() < 0.05
