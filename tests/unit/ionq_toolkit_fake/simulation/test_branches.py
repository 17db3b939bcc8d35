"""Circuits measured and reset midway: closed forms, and bare Aer by total variation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from ionq_toolkit_fake.simulation import branches
from ionq_toolkit_fake.simulation.executors import simulate
from ionq_toolkit_fake.simulation.program import Energy, Qasm3
from ionq_toolkit_fake.simulation.run import distribution_of

SHOTS = 20_000


def of_aer(circuit, shots=SHOTS):
    """Return the distribution of shots of bare Aer."""
    counts = AerSimulator(seed_simulator=7).run(circuit, shots=shots).result().get_counts()
    return {int(key, 2): count / shots for key, count in counts.items()}


def distance(found, other):
    """Return the total variation between a distribution and a map."""
    pairs = zip(found.outcomes.tolist(), found.probabilities.tolist(), strict=True)
    left = dict(pairs)
    return sum(abs(left.get(key, 0) - other.get(key, 0)) for key in {*left, *other}) / 2


def most(outcomes, shots=SHOTS):
    """Return what the total variation of shots over so many outcomes exceeds once in 10^9.

    Its mean is at most sqrt(outcomes / shots) / 2; each shot moves it by 1 / shots at most, so
    that McDiarmid's inequality has exp(-2 shots t^2) for what exceeds the mean by t.
    """
    return 0.5 * np.sqrt(outcomes / shots) + np.sqrt(np.log(1e9) / 2 / shots)


def chain(rounds, width=2, bits=None):
    """Make rounds of gates that do not commute, each with a measurement and a reset."""
    circuit = QuantumCircuit(width, bits or rounds)
    for n in range(rounds):
        circuit.rx(0.4, 0)
        for qubit in range(width - 1):
            circuit.rxx(0.3 + 0.1 * qubit, qubit, qubit + 1)
            circuit.rz(0.2, qubit)
        circuit.measure(width - 1, n % (bits or rounds))
        circuit.reset(width - 1)
    return circuit


@st.composite
def circuits(draw):
    """Make a circuit of up to 4 qubits, with many measurements and resets in its midst."""
    width = draw(st.integers(1, 4))
    circuit = QuantumCircuit(width, 3)
    for _ in range(draw(st.integers(1, 60))):
        what = draw(st.sampled_from(["h", "ry", "t", "cx", "rxx", "measure", "measure", "reset"]))
        places = [*draw(st.permutations(range(width))), width]
        first, second = places[:2]
        if what == "measure":
            circuit.measure(first, draw(st.integers(0, 2)))
        elif what == "ry":
            circuit.ry(draw(st.floats(-3, 3)), first)
        elif what in {"cx", "rxx"}:
            if second < width:
                getattr(circuit, what)(*([0.7] if what == "rxx" else []), first, second)
        else:
            getattr(circuit, what)(first)
    circuit.measure(0, draw(st.integers(0, 2)))
    return circuit


@pytest.mark.slow
@settings(max_examples=25)
@given(circuits())
def test_any_circuit_is_exact_and_that_of_bare_aer(circuit):
    found = distribution_of(circuit, 1)
    assert found.exact
    assert found.distribution.probabilities.sum() == pytest.approx(1, abs=1e-9)
    assert distance(found.distribution, of_aer(circuit)) < most(8)


@pytest.mark.slow
@settings(max_examples=15)
@given(circuits())
def test_shots_that_are_drawn_have_the_exact_distribution(circuit):
    exact = distribution_of(circuit, 1).distribution
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(branches, "MOST_AMPLITUDES", 2**circuit.num_qubits)
        drawn = distribution_of(circuit, 2)
    right = dict(zip(exact.outcomes.tolist(), exact.probabilities.tolist(), strict=True))
    assert distance(drawn.distribution, right) < most(8, branches.MOST_SHOTS)


@pytest.mark.slow
@pytest.mark.parametrize("width", [2, 4])
def test_hundreds_of_measurements_and_resets_into_few_bits_are_exact(width):
    circuit = chain(200, width, bits=3)
    found = distribution_of(circuit, 1)
    assert found.exact
    assert distance(found.distribution, of_aer(circuit, 1000)) < most(8, 1000)


def test_a_stabiliser_measured_again_and_again_is_always_0():
    circuit = QuantumCircuit(2, 60)
    circuit.h(0)
    circuit.cx(0, 1)
    for n in range(60):
        circuit.cx(0, 1)
        circuit.measure(1, n)
        circuit.cx(0, 1)
    found = distribution_of(circuit, 1)
    assert found.exact
    assert (found.distribution.outcomes.tolist(), found.distribution.probabilities.tolist()) == (
        [0],
        [1.0],
    )


@pytest.mark.slow
@pytest.mark.parametrize("by_aer", [False, True])
def test_too_many_outcomes_are_shots_that_depend_on_the_seed_alone(monkeypatch, by_aer):
    rounds = 30
    if by_aer:
        monkeypatch.setattr(branches, "WIDEST_DRAWN", 1)
    circuit = chain(rounds)
    first, again, other = (distribution_of(circuit, seed) for seed in (1, 1, 2))
    assert not first.exact
    assert first.distribution.outcomes.tolist() == again.distribution.outcomes.tolist()
    assert first.distribution.outcomes.tolist() != other.distribution.outcomes.tolist()
    shots = 4096 if by_aer else branches.MOST_SHOTS
    right, ones = of_aer(circuit, 1000), np.zeros(rounds)
    for outcome, value in right.items():
        ones += value * (outcome >> np.arange(rounds) & 1)
    bits = first.distribution.outcomes[:, None] >> np.arange(rounds) & 1
    # Hoeffding's inequality, for both samples: each of up to 60 bits is off by more once in 10^9.
    allowed = np.sqrt(np.log(120e9) / 2 / shots) + np.sqrt(np.log(120e9) / 2 / 1000)
    assert (np.abs(first.distribution.probabilities @ bits - ones) < allowed).all()


def test_idle_qubits_cost_nothing():
    circuit = QuantumCircuit(29, 1)
    circuit.x(28)
    for _ in range(40):
        circuit.rxx(0.4, 27, 28)
        circuit.reset(27)
    circuit.measure(28, 0)
    assert distribution_of(circuit, 1).exact


def test_the_energy_of_an_ansatz_that_resets_a_qubit_many_times():
    """Each reset of the bath keeps cos(0.3)^2 of the one: exchange by 0.3, 40 times over."""
    turn = "rxx(0.3) q[0], q[1]; ryy(0.3) q[0], q[1]; reset q[1];"
    source = f'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; x q[0]; {turn * 40}'
    energy = Energy(Qasm3(source), (("IZ", 1.0), ("ZI", 0.5)), seed=1, width=29)
    assert simulate(energy).value == pytest.approx(1.5 - 2 * np.cos(0.3) ** 80, abs=1e-9)


def test_more_bits_than_64_are_counted_where_there_are_too_many_outcomes():
    """Each round writes a fair coin and its complement: shots are balanced, bit by bit."""
    circuit = QuantumCircuit(2, 160)
    for n in range(80):
        circuit.h(0)
        circuit.measure(0, 2 * n)
        circuit.x(0)
        circuit.measure(0, 2 * n + 1)
        circuit.reset(0)
    found = distribution_of(circuit, 5)
    assert not found.exact
    bits = np.array([[v >> n & 1 for n in range(160)] for v in found.distribution.outcomes])
    assert (bits[:, ::2] + bits[:, 1::2] == 1).all()
    means = found.distribution.probabilities @ bits[:, ::2]
    assert abs(means - 0.5).max() < 5 * 0.5 / np.sqrt(branches.FEWEST_SHOTS)


def test_more_outcomes_than_can_be_sent_are_shots_on_a_wide_circuit_too():
    circuit = QuantumCircuit(12, 24)
    for n in range(24):
        circuit.h(n % 12)
        circuit.measure(n % 12, n)
    found = distribution_of(circuit, 5)
    assert not found.exact
    assert len(found.distribution.outcomes) > 4000  # of 4,096 shots over 2^24 outcomes
