"""Quantum functions: energies against the matrix of the Hamiltonian, cuts against all of them."""

import itertools
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, qasm3
from qiskit.quantum_info import Statevector

from ionq_toolkit_fake.api.results import as_map
from ionq_toolkit_fake.simulation.executors import simulate
from ionq_toolkit_fake.simulation.outcome import SimulationFailure
from ionq_toolkit_fake.simulation.program import (
    Energy,
    Gate,
    MaxCut,
    Noise,
    Program,
    Qasm3,
    Qpu,
    Task,
)

PAULIS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}
HEADER = 'OPENQASM 3.0; include "stdgates.inc"; '
ZERO, BELL = HEADER + "qubit[2] q;", HEADER + "qubit[2] q; h q[0]; cx q[0], q[1];"


def energy(source, hamiltonian, parameters=(), **task):
    ansatz = Qasm3(source, tuple(parameters))
    terms = tuple(hamiltonian.items())
    return simulate(Energy(ansatz, terms, **{"seed": 3, "width": 8, **task}))


def refused(source, hamiltonian, **task):
    with pytest.raises(SimulationFailure) as caught:
        energy(source, hamiltonian, **task)
    return caught.value


# --- energies --------------------------------------------------------------------------------


@st.composite
def observed(draw):
    width = draw(st.integers(1, 4))
    term = st.text("IXYZ", min_size=width, max_size=width)
    hamiltonian = draw(st.dictionaries(term, st.floats(-3, 3), min_size=1, max_size=5))
    circuit = QuantumCircuit(width)
    for _ in range(2):
        for q in range(width):
            circuit.ry(draw(st.floats(-4, 4)), q)
            circuit.rz(draw(st.floats(-4, 4)), q)
        for q in range(width - 1):
            circuit.cx(q, q + 1)
    return circuit, hamiltonian


@settings(max_examples=40)
@given(observed())
def test_an_energy_is_the_expectation_of_the_matrix(case):
    circuit, hamiltonian = case
    state = Statevector(circuit).data
    terms = [reduce(np.kron, [PAULIS[letter] for letter in term]) for term in hamiltonian]
    means = [np.vdot(state, term @ state).real for term in terms]
    coefficients = list(hamiltonian.values())
    found = energy(qasm3.dumps(circuit), hamiltonian)
    assert found.value == pytest.approx(np.dot(coefficients, means), abs=1e-9)
    variances = np.square(coefficients) * (1 - np.square(means))
    assert found.variance == pytest.approx(variances.sum(), abs=1e-9)


def test_the_last_letter_is_for_qubit_0():
    flipped = HEADER + "qubit[3] q; x q[0];"
    energies = [energy(flipped, {term: 1.0}).value for term in ("IIZ", "IZI", "ZII")]
    assert energies == pytest.approx([-1.0, 1.0, 1.0])


def test_an_identity_is_its_coefficient_whatever_the_state():
    assert energy(BELL, {"II": -2.5, "ZI": 7.0}).value == pytest.approx(-2.5)
    assert energy(BELL, {"II": -2.5}) == (-2.5, 0.0)


def test_a_bell_pair_has_the_energies_of_the_textbook():
    for term, expected in {"XX": 1.0, "YY": -1.0, "ZZ": 1.0, "XY": 0.0, "IX": 0.0}.items():
        assert energy(BELL, {term: 2.0}).value == pytest.approx(2 * expected, abs=1e-12)


def test_measurements_at_the_end_of_the_ansatz_make_no_difference():
    measured = BELL + " bit[2] c; c = measure q;"
    assert energy(measured, {"XX": 1.0, "ZZ": 1.0}).value == pytest.approx(2.0)


def test_the_inputs_of_the_ansatz_take_their_values_in_order():
    source = HEADER + "input float second; input float first; qubit[2] q; ry(second) q[0]; "
    found = energy(source + "rx(first) q[1];", {"IZ": 1.0, "ZI": 10.0}, (0.3, 1.1))
    assert found.value == pytest.approx(np.cos(0.3) + 10 * np.cos(1.1))


def test_shots_estimate_the_energy():
    """With 4000 shots the mean of a sign is off by 1/63 at most on average; six of it are allowed.

    Depolarising a pair at a rate keeps the rest of its correlations.
    """
    noise = Noise(0.0, 0.2)
    found = energy(BELL, {"XX": 1.0, "ZZ": -3.0, "YY": 0.5}, shots=4000, noise=noise)
    expected, error = 0.8 * (1 - 3 - 0.5), np.sqrt((1 + 9 + 0.25) * (1 - 0.64) / 4000)
    assert abs(found.value - expected) < 6 * error
    assert found.variance == pytest.approx((1 + 9 + 0.25) * (1 - 0.64), rel=0.1)


def test_readout_errors_take_from_the_energy():
    """Each of the two bits that make the sign is wrong in one case of ten: 0.8 squared is left."""
    found = energy(ZERO, {"ZZ": 1.0}, shots=4000, noise=Noise(0.0, 0.0, 0.1))
    assert abs(found.value - 0.64) < 6 * np.sqrt((1 - 0.64**2) / 4000)


def test_the_same_seed_gives_the_same_energy_and_another_one_another():
    run = {"shots": 500, "noise": Noise(0.05, 0.1)}
    first, again, other = (energy(BELL, {"XZ": 1.0}, seed=seed, **run) for seed in (8, 8, 9))
    assert first == again
    assert first != other


# --- constraints and cvar --------------------------------------------------------------------

#: Outcomes 00, 01, 10, 11, each with a probability of one quarter.
EVEN = HEADER + "qubit[2] q; h q;"
#: Their energies: -3, -1, 1, 3.
LADDER = {"IZ": -1.0, "ZI": -2.0}


def test_a_linear_constraint_costs_its_violation_squared():
    """x0 + 2 x1 <= 1 is broken by 10, by one, and by 11, by two."""
    found = energy(EVEN, LADDER, constraints=(((), (1.0, 2.0), 1.0),), penalty=10.0)
    energies = np.array([-3.0, -1.0, 1.0 + 10, 3.0 + 40])
    assert found == pytest.approx((energies.mean(), energies.var()))


def test_a_quadratic_constraint_sees_pairs():
    """x0 x1 * 3 - x1 <= 0 is broken by 11 alone, by two."""
    constraint = (((0.0, 1.0), (2.0, 0.0)), (0.0, -1.0), 0.0)
    found = energy(EVEN, LADDER, constraints=(constraint,), penalty=0.5)
    energies = np.array([-3.0, -1.0, 1.0, 3.0 + 2])
    assert found == pytest.approx((energies.mean(), energies.var()))


def test_each_constraint_costs_on_its_own():
    both = (((), (0.0, 1.0), 0.0), ((), (1.0, 1.0), 1.0))
    found = energy(EVEN, LADDER, constraints=both, penalty=2.0)
    assert found.value == pytest.approx(np.mean([-3.0, -1.0, 1.0 + 2, 3.0 + 2 + 2]))


def test_a_constraint_that_is_kept_costs_nothing():
    found = energy(EVEN, LADDER, constraints=(((), (1.0, 1.0), 2.0),), penalty=1e6)
    assert found == pytest.approx((0.0, 5.0))


@pytest.mark.parametrize(
    ("alpha", "mean"),
    [(1.0, 0.0), (0.25, -3.0), (0.1, -3.0), (0.5, -2.0), (0.375, -7 / 3), (0.75, -1.0)],
)
def test_cvar_is_the_mean_over_the_best_part(alpha, mean):
    assert energy(EVEN, LADDER, cvar_alpha=alpha).value == pytest.approx(mean)


def test_the_variance_of_cvar_is_that_of_the_best_part():
    assert energy(EVEN, LADDER, cvar_alpha=0.5).variance == pytest.approx(1.0)
    assert energy(EVEN, LADDER, cvar_alpha=0.2).variance == pytest.approx(0.0)


def test_cvar_counts_penalties():
    """00 has an energy of -3 and costs 100, so that 01 and 10 are the best half."""
    constraint = ((), (-1.0, -1.0), -1.0)
    found = energy(EVEN, LADDER, constraints=(constraint,), penalty=100.0, cvar_alpha=0.5)
    assert found == pytest.approx((0.0, 1.0))


def test_cvar_of_shots_is_that_of_their_frequencies():
    """One shot in two is 00: a quarter of them are sure to be below half of 2000 shots."""
    found = energy(EVEN, LADDER, cvar_alpha=0.2, shots=2000, noise=Noise(0.0, 0.0))
    assert found == pytest.approx((-3.0, 0.0))


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize("term", ["Z", "ZZZ"])
def test_a_term_of_another_length_is_refused(term):
    failure = refused(BELL, {"ZZ": 1.0, term: 1.0})
    assert failure.code == "InvalidInput"
    assert failure.message == f"the term {term} is not for the 2 qubits of the ansatz"


@pytest.mark.parametrize("asked", [{"cvar_alpha": 0.5}, {"constraints": (((), (1.0, 1.0), 0.0),)}])
def test_letters_that_have_no_bits_are_refused_with_constraints_and_cvar(asked):
    assert refused(BELL, {"ZZ": 1.0, "XI": 1.0}, **asked).code == "InvalidInput"


@pytest.mark.parametrize(
    "constraint",
    [
        ((), (1.0,), 0.0),
        ((), (1.0, 1.0, 1.0), 0.0),
        (((1.0,),), (1.0, 1.0), 0.0),
        (((1.0, 0.0, 0.0),) * 3, (1.0, 1.0), 0.0),
        (((1.0, 0.0),), (1.0, 1.0), 0.0),
    ],
)
def test_a_constraint_of_another_size_is_refused(constraint):
    failure = refused(BELL, {"ZZ": 1.0}, constraints=(constraint,), penalty=1.0)
    assert failure.code == "InvalidInput"
    assert failure.message == "a constraint is not for the 2 qubits of the ansatz"


@pytest.mark.parametrize("values", [(), (0.1, 0.2)])
def test_another_number_of_values_than_inputs_is_refused(values):
    source = HEADER + "input float a; qubit q; rx(a) q;"
    assert refused(source, {"Z": 1.0}, parameters=values).code == "InvalidInput"


def test_an_ansatz_that_is_too_wide_is_refused():
    assert refused(BELL, {"ZZ": 1.0}, width=1).code == "NotEnoughQubits"


def test_an_ansatz_that_cannot_be_read_is_refused():
    assert refused("qubit[2 q;", {"ZZ": 1.0}).code == "PreflightError"


# --- maxcut ----------------------------------------------------------------------------------


def maxcut(num_nodes, edges, **run):
    return simulate(MaxCut(num_nodes, tuple(edges), Task(Program(num_nodes, ()), 4, **run)))


def cost_of(bits, edges):
    return -sum(weight for a, b, weight in edges if bits[a] != bits[b])


GRAPHS = {
    "an edge": (2, [(0, 1, 1.0)]),
    "a triangle": (3, [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0)]),
    "a square": (4, [(0, 1, 1.0), (1, 2, 1.0), (2, 3, 1.0), (0, 3, 1.0)]),
    "a star": (5, [(2, node, 1.0) for node in (0, 1, 3, 4)]),
    "weights": (4, [(0, 1, 0.5), (1, 2, 3.0), (2, 3, 0.25), (0, 3, 2.0), (0, 2, 2.5)]),
    "negative weights": (4, [(0, 1, -1.5), (1, 2, 2.0), (2, 3, -0.5), (0, 3, 1.0)]),
    "isolated nodes": (5, [(1, 3, 2.0)]),
    "two parts": (5, [(0, 4, 1.0), (1, 3, 4.0)]),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_best_cut_is_found_with_its_cost(name):
    num_nodes, edges = GRAPHS[name]
    best = min(cost_of(bits, edges) for bits in itertools.product("01", repeat=num_nodes))
    found = maxcut(num_nodes, edges)
    assert found.cost == pytest.approx(best)
    assert len(found.bitstring) == num_nodes
    assert cost_of(found.bitstring, edges) == pytest.approx(found.cost)


def test_the_first_character_is_for_the_first_node():
    """Only the first node is on another side than the heavy rest, or the other way round."""
    heavy = [(a, b, -10.0) for a, b in itertools.combinations((1, 2, 3), 2)]
    assert maxcut(4, [(0, 2, 1.0), *heavy]).bitstring in {"1000", "0111"}


@pytest.mark.parametrize("edges", [[], [(0, 1, -1.0), (1, 2, -2.0)]])
def test_a_graph_that_is_better_left_whole_is_not_cut(edges):
    found = maxcut(3, edges)
    assert found.cost == 0
    assert len(set(found.bitstring)) == 1 or not edges


def test_one_node_has_nothing_to_cut():
    assert maxcut(1, []).cost == 0


def test_each_circuit_that_was_run_is_an_iteration():
    task = MaxCut(2, ((0, 1, 1.0),), Task(Program(2, ()), 4))
    assert len(simulate(task).iterations) == task.num_circuits == 9


def test_iterations_are_what_one_layer_of_qaoa_prepares():
    """A single edge is cut with a probability of (1 + sin 4 beta sin gamma) / 2."""
    quarters = np.pi * np.array([0.25, 0.5, 0.75])
    expected = [(1 + np.sin(2 * b) * np.sin(g)) / 2 for g in quarters for b in quarters]
    iterations = maxcut(2, [(0, 1, 1.0)]).iterations
    found = [as_map(outcome.distribution) for outcome in iterations]
    cut = [histogram.get("1", 0.0) + histogram.get("2", 0.0) for histogram in found]
    assert cut == pytest.approx(expected)


def test_iterations_have_shots_of_their_own():
    found = maxcut(3, [(0, 1, 1.0), (1, 2, 1.0)], shots=200, noise=Noise(0.01, 0.05))
    assert {len(outcome.shots) for outcome in found.iterations} == {200}
    assert len({tuple(outcome.shots.tolist()) for outcome in found.iterations}) == 9
    assert found.cost == -2.0
    assert found.bitstring in {"010", "101"}


def test_only_cuts_that_were_seen_are_found():
    """Readout that is always wrong leaves a cut a cut, and an edge that is never cut uncut."""
    found = maxcut(2, [(0, 1, 1.0)], shots=1, noise=Noise(0.0, 0.0, 1.0))
    seen = {outcome.shots[0] for outcome in found.iterations}
    assert found.cost == (-1.0 if seen & {1, 2} else 0.0)


def test_a_machine_compiles_each_circuit():
    run = {"shots": 100, "noise": Noise(0.0, 0.0), "qpu": Qpu(36, "zz"), "hardware": True}
    found = maxcut(2, [(0, 1, 1.0)], **run)
    assert found.cost == -1.0
    for outcome in found.iterations:
        assert {gate.name for gate in outcome.compiled} <= {"gpi", "gpi2", "zz"}


def test_the_circuit_of_the_run_does_not_matter():
    edges = ((0, 1, 1.0),)
    blank, other = Program(2, ()), Program(5, (Gate("x", (4,)),))
    found = [simulate(MaxCut(2, edges, Task(program, 4))) for program in (blank, other)]
    assert found[0][:2] == found[1][:2]
