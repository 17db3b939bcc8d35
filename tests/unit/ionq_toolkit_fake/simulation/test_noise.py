"""Noise against density matrices: every channel is written out here as IonQ documents it.

Samples have fixed seeds. They are held to their distribution by Pearson's chi-square, at a
level that a right simulation misses once in a million samples.
"""

import itertools
from collections import Counter

import numpy as np
import pytest
from qiskit.circuit.library import HGate, RXGate, RYGate, SwapGate, XGate
from qiskit.quantum_info import DensityMatrix, Kraus, Operator, Pauli, process_fidelity
from scipy.stats import chi2

from ionq_toolkit_fake.api.results import as_map
from ionq_toolkit_fake.facts.devices import DEVICES
from ionq_toolkit_fake.simulation.executors import simulate
from ionq_toolkit_fake.simulation.gates import native_matrix
from ionq_toolkit_fake.simulation.noise import NOISE_MODELS, of_fidelities
from ionq_toolkit_fake.simulation.program import Gate, Noise, Program, Qpu, Task

UNLIKELY = 1e-6
FORTE = Qpu(36, "zz")
BELL = (Gate("h", (0,)), Gate("cnot", (1,), (0,)))


def depolarizing(rate, width):
    """Kraus operators sqrt(1 - (d^2-1) r / d^2) 1 and sqrt(r / d^2) P: IonQ's documentation."""
    paulis = ["".join(letters) for letters in itertools.product("IXYZ", repeat=width)]
    share = rate / len(paulis)
    first = np.sqrt(1 - (len(paulis) - 1) * share) * np.eye(2**width)
    return Kraus([first, *(np.sqrt(share) * Pauli(pauli).to_matrix() for pauli in paulis[1:])])


def after(noise, *steps, width=2):
    """Apply (matrix, qubits) in turn, each followed by the channel of its width."""
    state = DensityMatrix.from_label("0" * width)
    for matrix, *qubits in steps:
        rate = noise.one_qubit if len(qubits) == 1 else noise.two_qubits
        state = state.evolve(Operator(matrix), qubits)
        state = state.evolve(depolarizing(rate, len(qubits)), qubits)
    return state.probabilities()


def shots_of(num_qubits, gates, noise, shots, seed=1, **run):
    gateset = run.pop("gateset", "qis")
    program = Program(num_qubits, tuple(gates), gateset)
    return simulate(Task(program, seed, shots, noise, **run)).shots


def assert_drawn_from(probabilities, shots):
    """Pearson's statistic of the counts is below what it exceeds once in a million."""
    counts = np.bincount(shots, minlength=len(probabilities))
    possible = probabilities > 1e-12
    assert not counts[~possible].any()
    expected = len(shots) * probabilities[possible]
    statistic = float(np.sum((counts[possible] - expected) ** 2 / expected))
    assert statistic < chi2.isf(UNLIKELY, possible.sum() - 1)


# --- rates -----------------------------------------------------------------------------------


def test_the_rates_of_the_guide_are_those_that_ionq_publishes():
    rates = {name: model.documented[:2] for name, model in NOISE_MODELS.items() if model.published}
    assert rates == {
        "aria-1": (0.0005, 0.0133),
        "aria-2": (0.0006573333333333332, 0.01856),
        "forte-1": (0.0002666666666666667, 0.004949333333333333),
    }


def test_forte_1_is_served_with_other_rates_than_those_of_the_guide():
    """Fits to native circuits of 1,000,000 shots: 0.01413 +- 0.00004 on two qubits."""
    assert NOISE_MODELS["forte-1"].noise[:2] == (1.33e-4, 0.01413)
    assert [rates.since for rates in NOISE_MODELS["forte-1"].rates] == ["2024-06", "2026-08"]


def test_models_of_which_nothing_is_published_say_so():
    estimated = {name for name, model in NOISE_MODELS.items() if not model.published}
    assert estimated == {"harmony", "harmony-1", "harmony-2", "forte-enterprise-1"}


def test_no_model_has_readout_errors():
    assert {model.noise.readout for model in NOISE_MODELS.values()} == {0.0}


def test_a_model_is_as_wide_as_its_machine_and_has_its_entangler():
    models = {name: (model.qubits, model.entangler) for name, model in NOISE_MODELS.items()}
    assert models == {
        "harmony": (11, "ms"),
        "harmony-1": (11, "ms"),
        "harmony-2": (11, "ms"),
        "aria-1": (25, "ms"),
        "aria-2": (25, "ms"),
        "forte-1": (29, "zz"),
        "forte-enterprise-1": (29, "zz"),
    }


@pytest.mark.parametrize(("one_qubit", "two_qubits"), [(0.9998, 0.99536), (0.95, 0.7)])
def test_a_device_has_the_rates_that_give_its_gates_their_fidelities(one_qubit, two_qubits):
    noise = of_fidelities(one_qubit, two_qubits, 0.98)
    found = [process_fidelity(depolarizing(rate, n)) for n, rate in ((1, noise[0]), (2, noise[1]))]
    assert found == pytest.approx([one_qubit, two_qubits])
    assert noise.readout == pytest.approx(0.02)


def test_the_model_of_forte_and_the_device_agree():
    device = DEVICES["qpu.forte-1"].performance
    noise = of_fidelities(device.one_qubit, device.two_qubits, device.spam)
    assert noise[:2] == pytest.approx(NOISE_MODELS["forte-1"].documented[:2])


# --- the channel after a gate ----------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.02, 0.3, 1.0])
def test_a_bell_pair_disagrees_half_as_often_as_its_rate(rate):
    shots = shots_of(2, BELL, Noise(0.0, rate), 40_000)
    half = rate / 2
    assert_drawn_from(np.array([0.5 - half / 2, half / 2, half / 2, 0.5 - half / 2]), shots)


@pytest.mark.parametrize("rate", [0.01, 0.2, 1.0])
def test_a_flipped_qubit_is_wrong_half_as_often_as_its_rate(rate):
    shots = shots_of(1, [Gate("x", (0,))], Noise(rate, 1.0), 40_000)
    assert_drawn_from(np.array([rate / 2, 1 - rate / 2]), shots)


#: Gates with their matrices, for qubits 0 and 1 in the order of Qiskit.
NOISY = {
    "x": (Gate("x", (1,)), XGate().to_matrix(), 1),
    "v": (Gate("v", (0,)), RXGate(np.pi / 2).to_matrix(), 0),
    "z with an angle": (Gate("z", (0,), (), (0.7,)), np.diag([1, np.exp(0.7j)]), 0),
    "cnot": (Gate("cnot", (1,), (0,)), XGate().control(1).to_matrix(), 0, 1),
    "controlled h": (Gate("h", (0,), (1,)), HGate().control(1).to_matrix(), 1, 0),
    "controlled ry": (Gate("ry", (0,), (1,), (0.7,)), RYGate(0.7).control(1).to_matrix(), 1, 0),
    "controlled phase": (Gate("z", (1,), (0,), (0.7,)), np.diag([1, 1, 1, np.exp(0.7j)]), 0, 1),
    "swap": (Gate("swap", (1, 0)), SwapGate().to_matrix(), 1, 0),
    "zz": (
        Gate("zz", (0, 1), (), (0.7,)),
        np.diag(np.exp(-0.35j * np.array([1, -1, -1, 1]))),
        *(0, 1),
    ),
}


@pytest.mark.parametrize("name", NOISY)
def test_a_gate_has_the_channel_of_its_width_once(name):
    gate, *step = NOISY[name]
    noise = Noise(0.1, 0.25)
    before = [Gate("ry", (0,), (), (0.8,)), Gate("ry", (1,), (), (1.9,))]
    later = [Gate("rx", (0,), (), (0.5,)), Gate("rx", (1,), (), (0.9,))]
    expected = after(
        noise,
        (RYGate(0.8).to_matrix(), 0),
        (RYGate(1.9).to_matrix(), 1),
        step,
        (RXGate(0.5).to_matrix(), 0),
        (RXGate(0.9).to_matrix(), 1),
    )
    assert_drawn_from(expected, shots_of(2, [*before, gate, *later], noise, 10_000))


@pytest.mark.parametrize("name", ["cnot", "swap", "zz"])
def test_a_gate_has_the_same_channel_in_a_wide_circuit(name):
    """The others are turned back and forth, so that they are simulated and always 0."""
    gate, *step = NOISY[name]
    noise, width = Noise(0.0, 0.25), 16
    layer = [Gate("ry", (0,), (), (0.8,)), Gate("ry", (1,), (), (1.9,))]
    others = [Gate("rx", (q,), (), (a,)) for q in range(2, width) for a in (0.7, -0.7)]
    turns = [(RYGate(0.8).to_matrix(), 0), (RYGate(1.9).to_matrix(), 1)]
    expected = after(noise, *turns, step, *turns)
    assert_drawn_from(expected, shots_of(width, [*layer, gate, *others, *layer], noise, 2000))


def test_native_gates_have_the_channels_of_their_widths():
    noise = Noise(0.1, 0.25)
    gates = [
        Gate("gpi2", (0,), parameters=(0.1,)),
        Gate("gpi", (1,), parameters=(0.2,)),
        Gate("gpi2", (1,), parameters=(0.3,)),
        Gate("ms", (0, 1), parameters=(0.1, 0.3, 0.2)),
        Gate("zz", (1, 0), parameters=(0.2,)),
        Gate("gpi2", (0,), parameters=(0.4,)),
    ]
    steps = [(native_matrix(gate.name, gate.parameters), *gate.targets) for gate in gates]
    expected = after(noise, *steps)
    assert_drawn_from(expected, shots_of(2, gates, noise, 20_000, gateset="native"))


def test_a_gate_on_many_qubits_is_as_noisy_as_the_gates_it_is_made_of():
    """A cnot would be wrong at most as often as its rate; a toffoli takes five such gates or more.

    1000 errors of 20,000 are 25 standard deviations above the 400 of a rate of 0.02.
    """
    flip = [Gate("x", (0,)), Gate("x", (1,)), Gate("x", (2,), (0, 1))]
    shots = shots_of(3, flip, Noise(0.0, 0.02), 20_000)
    assert np.count_nonzero(shots != 7) > 1000
    assert not np.count_nonzero(shots_of(3, flip, Noise(0.0, 0.0), 100) != 7)


def test_the_most_noise_leaves_nothing_of_a_gate():
    gates = [Gate("x", (0,)), Gate("x", (1,)), Gate("x", (2,), (0, 1))]
    assert_drawn_from(np.full(8, 1 / 8), shots_of(3, gates, Noise(1.0, 1.0), 8000))


def test_more_qubits_than_a_state_has_room_for_are_as_noisy():
    """Each of 27 qubits is flipped once, at a rate that makes it wrong in one case out of ten."""
    width, shots = 27, 200
    gates = [Gate("ry", (q,), (), (np.pi,)) for q in range(width)]
    found = shots_of(width, gates, Noise(0.2, 0.0), shots)
    wrong = sum(int(np.count_nonzero(found >> q & 1 == 0)) for q in range(width))
    expected = 0.1 * width * shots
    assert (wrong - expected) ** 2 / (expected * 0.9) < chi2.isf(UNLIKELY, 1)


def test_entangled_qubits_agree_however_many_they_are():
    width = 28
    half = Gate("ry", (0,), (), (np.pi / 2,))
    gates = [half, *(Gate("cnot", (q + 1,), (q,)) for q in range(width - 1))]
    shots = shots_of(width, gates, Noise(0.0, 0.0), 100)
    assert set(shots.tolist()) == {0, 2**width - 1}


# --- readout ---------------------------------------------------------------------------------


def test_each_bit_is_read_wrongly_on_its_own():
    shots = shots_of(2, [Gate("x", (1,))], Noise(0.0, 0.0, 0.1), 20_000)
    assert_drawn_from(np.array([0.09, 0.01, 0.81, 0.09]), shots)


def test_qubits_without_gates_never_flip_on_a_simulator():
    shots = shots_of(5, [Gate("x", (2,))], Noise(1.0, 1.0), 500)
    assert set(shots.tolist()) == {0, 4}


def test_qubits_without_gates_are_read_wrongly_by_a_machine():
    noise = Noise(0.0, 0.0, 0.05)
    shots = shots_of(4, [Gate("x", (2,))], noise, 10_000, qpu=FORTE, hardware=True)
    one, zero = np.array([0.05, 0.95]), np.array([0.95, 0.05])
    assert_drawn_from(np.kron(zero, np.kron(one, np.kron(zero, zero))), shots)


def test_a_program_without_gates_is_only_read_out():
    assert shots_of(3, [], Noise(1.0, 1.0), 50).tolist() == [0] * 50
    assert shots_of(3, [], Noise(1.0, 1.0, 1.0), 50).tolist() == [7] * 50


# --- what is noisy: the circuit itself, or what it is compiled to -----------------------------


def test_a_machine_turns_phases_without_noise():
    """A simulator adds noise to the gates as they are; a machine has no gate for a phase."""
    phases, noise = [Gate("s", (0,)), Gate("rz", (0,), (), (0.4,))], Noise(1.0, 1.0)
    on_machine = shots_of(1, phases, noise, 200, qpu=FORTE, hardware=True)
    assert set(on_machine.tolist()) == {0}
    assert_drawn_from(np.array([0.5, 0.5]), shots_of(1, phases, noise, 200))


def test_a_circuit_may_be_compiled_and_run_as_it_is():
    phases, noise = [Gate("s", (0,))], Noise(1.0, 1.0)
    assert_drawn_from(np.array([0.5, 0.5]), shots_of(1, phases, noise, 200, qpu=FORTE))


def test_an_exact_distribution_has_no_noise():
    task = Task(Program(2, BELL), seed=1, noise=Noise(1.0, 1.0, 1.0))
    assert as_map(simulate(task).distribution) == pytest.approx({"0": 0.5, "3": 0.5})


def test_shots_without_noise_are_right():
    outcome = simulate(Task(Program(2, (Gate("x", (1,)),)), seed=1, shots=30))
    assert outcome.shots.tolist() == [2] * 30


# --- seeds -----------------------------------------------------------------------------------

SPREAD = [*(Gate("h", (q,)) for q in range(4)), Gate("cnot", (0,), (3,))]
ERRORS = Noise(0.05, 0.1, 0.02)


def test_a_seed_gives_the_same_shots_in_the_same_order():
    first, second = (shots_of(4, SPREAD, ERRORS, 300, seed=11) for _ in range(2))
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize("seed", [0, 12, 2**31 - 1])
def test_another_seed_gives_other_shots(seed):
    other = shots_of(4, SPREAD, ERRORS, 300, seed=seed)
    assert sorted(other.tolist()) != sorted(shots_of(4, SPREAD, ERRORS, 300, seed=11).tolist())


def test_neighbouring_seeds_have_nothing_in_common():
    """Of 100 shots among 1024 outcomes, two runs have 10 +- 3 in common, and not ten times sigma.

    The circuit is wide and its shots are few, so that they are simulated one by one.
    """
    halves = [Gate("ry", (q,), (), (np.pi / 2,)) for q in range(10)]
    runs = [
        Counter(shots_of(10, halves, Noise(0.05, 0.0), 100, seed=seed).tolist())
        for seed in (40, 41, 42, 43)
    ]
    assert all((a & b).total() < 40 for a, b in itertools.combinations(runs, 2))


def test_the_order_of_the_shots_means_nothing():
    """Of 1999 neighbours in a fair coin's tosses, 1000 +- 22 differ; six of these are allowed."""
    shots = shots_of(1, [Gate("h", (0,))], Noise(0.0, 0.0), 2000)
    assert abs(np.count_nonzero(shots[1:] != shots[:-1]) - 999.5) < 6 * 22.4
