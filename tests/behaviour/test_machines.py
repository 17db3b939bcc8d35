"""Jobs on machines, over HTTP: what was compiled, what it did, how noisy it was, what it cost.

What a machine runs is its compiled circuit, which is an artifact of the job; how often it errs, its
newest characterization says. From these two alone follows the distribution that its shots are
drawn from, held against them by Pearson's test as in `test_noisy_circuits.py`.
"""

from collections import Counter
from functools import cache
from random import Random

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from random_gates import native_gate, qis_gate, turned
from wire import Wire

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.assertions import p_value

LEVEL = 1e-6
SEEDS = st.integers(0, 2**64 - 1)
STATUSES = dict.fromkeys(("qpu.aria-1", "qpu.harmony", "qpu.tempo-1"), "available")
ENTANGLER = {
    "qpu.forte-1": "zz",
    "qpu.forte-enterprise-1": "zz",
    "qpu.aria-1": "ms",
    "qpu.harmony": "ms",
    "qpu.tempo-1": "zz",
}
PLAIN = {"error_mitigation": {"debiasing": False}}


@cache
def seed_of(name):
    """Return the seed of a cloud on which nothing is missing from what was measured last."""
    for seed in range(100):
        medians = newest(Wire(FakeIonQ(seed=seed)), name)["fidelity"]
        if all(one["median"] for one in medians.values()):
            return seed
    raise AssertionError(name)


def cloud_of(name):
    return Wire(FakeIonQ(characterization="nominal", seed=seed_of(name), statuses=STATUSES))


def newest(wire, name):
    return wire.ask("GET", f"/backends/{name}/characterizations?limit=1")["characterizations"][0]


def rates_of(wire, name):
    """Return the rates of a machine on one qubit and on two, and how often it reads wrongly.

    A channel of rate r on d dimensions leaves a fidelity of 1 - r (d^2 - 1) / d^2.
    """
    fidelity = newest(wire, name)["fidelity"]
    one, two, spam = (1 - fidelity[key]["median"] for key in ("1q", "2q", "spam"))
    return one * 4 / 3, two * 16 / 15, spam


def counts_of(histogram, size):
    counts = np.zeros(size)
    counts[[int(outcome) for outcome in histogram]] = list(histogram.values())
    return counts


# --- noise -----------------------------------------------------------------------------------

RUNS, SHOTS = 4, 10_000


def undone(gate):
    """Return the native gate on one qubit that undoes another: a gpi2 half a turn on."""
    if gate["gate"] != "gpi2":
        return gate
    return {**gate, "phase": gate["phase"] - 0.5 if gate["phase"] > 0 else gate["phase"] + 0.5}


def circuit_for(wrong, rates, entangler):
    """Make a circuit on four qubits, one of them idle, whose result depends on one of the rates."""
    random = Random(wrong)
    used = (0, 1, 3)
    if wrong == "readout":
        return {"qubits": 4, "circuit": [{"gate": "x", "targets": [0, 3]}]}
    if wrong == "one qubit":
        number = round(0.2 / rates[0] / len(used))
        there = [native_gate(random, [q]) for q in used for _ in range(number)]
        gates = [*there, *map(undone, reversed(there))]
        return {"qubits": 4, "gateset": "native", "circuit": gates}
    gates = [qis_gate(random, used, widest=3) for _ in range(max(8, round(0.25 / rates[1])))]
    layer = turned(random, used)
    return {"qubits": 4, "circuit": [*layer, *gates, *layer]}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["one qubit", "two qubits", "readout"])
@pytest.mark.parametrize("name", ENTANGLER)
def test_shots_follow_from_the_compiled_circuit_and_the_characterization_alone(name, wrong):
    wire = cloud_of(name)
    rates = rates_of(wire, name)
    circuit = circuit_for(wrong, rates, ENTANGLER[name])

    job = wire.run([circuit] * RUNS, name, shots=SHOTS, settings=PLAIN)

    counts, compiled = np.zeros(16), []
    for child_id in job["child_job_ids"]:
        child = wire.ask("GET", f"/jobs/{child_id}")
        counts += counts_of(wire.result(child, "histogram"), 16)
        compiled.append(wire.compiled(child)["circuit"])
    assert counts.sum() == RUNS * SHOTS
    assert all(gates == compiled[0] for gates in compiled)
    gates = [gate for gate in compiled[0] if gate["gate"] != "nop"]

    def p(rates):
        *of_gates, readout = rates
        expected = reference.noisy_probabilities(gates, of_gates, "native", range(4), readout)
        return p_value(counts, expected)

    assert p(rates) > LEVEL
    place = ["one qubit", "two qubits", "readout"].index(wrong)
    assert p([rate * (1.5 if n == place else 1) for n, rate in enumerate(rates)]) < LEVEL


# --- the compiled circuit --------------------------------------------------------------------


@st.composite
def circuits(draw):
    """Choose gates on up to four qubits; of `pauliexp`, those that are compiled exactly."""
    qubits = range(draw(st.integers(1, 4)))
    gates = [
        qis_gate(Random(seed), qubits, widest=4, widest_sum=2)
        for seed in draw(st.lists(SEEDS, max_size=8))
    ]
    return {"qubits": len(qubits), "circuit": gates}


def assert_can_be_sent(gates, entangler, pairs):
    """Check the names, the limits and the qubits of native gates."""
    assert {gate["gate"] for gate in gates} <= {"gpi", "gpi2", entangler}
    for gate in gates:
        if gate["gate"] == "ms":
            assert 0 <= gate["angle"] <= 0.25
        assert all(abs(phase) <= 1 for phase in gate.get("phases", [gate.get("phase", 0)]))
        assert abs(gate.get("angle", 0)) <= 1
        if "targets" in gate:
            assert sorted(gate["targets"]) in pairs


@pytest.mark.slow
@settings(max_examples=60)
@given(circuits(), st.sampled_from(["qpu.forte-1", "qpu.aria-1"]))
def test_a_compiled_circuit_is_the_same_unitary_but_for_phases_that_no_measurement_sees(
    circuit, name
):
    wire = cloud_of(name)
    job = wire.run(circuit, name, dry_run=True)
    compiled = wire.compiled(job)["circuit"]

    assert_can_be_sent(compiled, ENTANGLER[name], newest(wire, name)["connectivity"])
    width = circuit["qubits"]
    ours = reference.unitary(circuit["circuit"], width)
    theirs = reference.unitary(compiled, width, "native")
    phases = theirs @ ours.conj().T
    assert np.abs(phases - np.diag(np.diag(phases))).max() < 1e-6

    kinds = Counter(gate["gate"] for gate in compiled)
    pairs = kinds[ENTANGLER[name]]
    by_kind = {f"{kind.upper()}q": count for kind, count in kinds.items()}
    totals = {"1q": len(compiled) - pairs, "2q": pairs}
    assert job["stats"]["gate_counts"] == {**totals, **by_kind}


def where_they_ended(compiled, used, wanted):
    """Return the qubits whose chances of being 1 are those that the used ones should have.

    A machine on which not all qubits are connected moves them about, and its circuit does not
    say where to.
    """
    touched = reference.touched(compiled)
    chances = ones(reference.probabilities(compiled, "native"), len(touched))
    ends = []
    for chance in ones(wanted, len(used)):
        alike = [q for q, other in zip(touched, chances, strict=True) if abs(other - chance) < 1e-6]
        assert len(alike) == 1, "the circuit must tell its qubits apart"
        ends += alike
    return ends


def ones(probabilities, width):
    outcomes = np.arange(len(probabilities))
    return [probabilities[outcomes >> place & 1 == 1].sum() for place in range(width)]


def on_some(probabilities, width, places):
    """Add up a distribution over the others of its bits."""
    outcomes, values = np.arange(2**width), np.zeros(2**width, dtype=int)
    for bit, place in enumerate(places):
        values |= (outcomes >> place & 1) << bit
    return np.bincount(values, weights=probabilities, minlength=2 ** len(places))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_qubits_of_several_parcels_meet_on_links_and_are_read_where_they_end(seed):
    name = "qpu.tempo-1"
    wire, random = cloud_of(name), Random(seed)
    used = [*random.sample(range(25), 2), *random.sample(range(25, 50), 2)]
    gates = [qis_gate(random, used, widest=3, widest_sum=2) for _ in range(6)]
    layer = turned(random, used)
    circuit = {"qubits": 51, "circuit": [*layer, *gates, *layer]}

    job = wire.run(circuit, name, shots=SHOTS, settings=PLAIN)

    compiled = wire.compiled(job)["circuit"]
    measured = newest(wire, name)
    assert_can_be_sent(compiled, "zz", measured["connectivity"])
    used.sort()
    wanted = reference.probabilities(circuit["circuit"], active=used)
    ends = where_they_ended(compiled, used, wanted)
    touched = reference.touched(compiled)
    places = [touched.index(qubit) for qubit in ends]
    found = on_some(reference.probabilities(compiled, "native"), len(touched), places)
    assert np.abs(found - wanted).sum() / 2 < 1e-6

    *rates, readout = rates_of(wire, name)
    expected = reference.noisy_probabilities(compiled, rates, "native", touched, readout)
    counts = np.zeros(2 ** len(used))
    for outcome, count in wire.result(job, "histogram").items():
        counts[sum((int(outcome) >> q & 1) << n for n, q in enumerate(used))] += count
    assert p_value(counts, on_some(expected, len(touched), places)) > LEVEL
    assert p_value(counts, wanted) < LEVEL


# --- shots and variants ----------------------------------------------------------------------


def shots_of(wire, results):
    rows = wire.artifact(*results)["shots"]
    return [sum(bit << n for n, bit in enumerate(row["registers"]["output_all"])) for row in rows]


def most_frequent(shots):
    """Return the shots, replaced by the most frequent of them if there is one."""
    (best, count), *others = [*Counter(shots).most_common(2), (None, 0)]
    return shots if others[0][1] == count else [best] * len(shots)


def majorities(shots, width):
    bits = [2 * sum(shot >> n & 1 for shot in shots) > len(shots) for n in range(width)]
    return [sum(bit << n for n, bit in enumerate(bits))] * len(shots)


@pytest.mark.parametrize("seed", range(3))
def test_each_aggregation_is_made_of_the_shots_of_the_variants(seed):
    """On the noisiest machine, so that variants differ and some of them have no winner."""
    name, random = "qpu.harmony", Random(seed)
    wire = cloud_of(name)
    qubits = range(4)
    layer = turned(random, qubits)
    circuit = {
        "qubits": 4,
        "circuit": [*layer, *(qis_gate(random, qubits, widest=2) for _ in "abc")],
    }

    job = wire.run(circuit, name, shots=700)

    mitigation = job["output"]["error_mitigation"]
    variants = mitigation["debiasing"]["variants"]
    groups = [
        shots_of(wire, (job, one["results"]["ionq.result.shots.json.v2"])) for one in variants
    ]
    assert [len(group) for group in groups] == [one["shots"] for one in variants]
    assert all(len(set(one["qubit_map"])) == 4 for one in variants)
    assert all(0 <= qubit < 11 for one in variants for qubit in one["qubit_map"])
    everything = [shot for group in groups for shot in group]
    memory = wire.result(job, "shots")
    assert memory == [str(shot) for shot in everything]
    assert len(memory) == 700
    assert wire.result(job, "histogram") == Counter(memory)

    def averaged(groups):
        counts = Counter(shot for group in groups for shot in group)
        return {str(outcome): count / 700 for outcome, count in counts.items()}

    winners = [most_frequent(group) for group in groups]
    assert {len(set(group)) == 1 for group in winners} == {True, False}
    share = {shot: sum(shot in group for group in groups) / len(groups) for shot in set(everything)}
    average = averaged(groups)
    weights = {key: value * share[int(key)] ** 2 for key, value in average.items()}
    expected = {
        "average": average,
        "voting": averaged(winners),
        "majority": averaged(majorities(group, 4) for group in groups),
        "dnl": {key: value / sum(weights.values()) for key, value in weights.items()},
    }
    for how, wanted in expected.items():
        query = f"?aggregation={how}"
        assert wire.result(job, "probabilities", query) == pytest.approx(wanted), how
        registers = wire.artifact(job, mitigation["aggregations"][how])["histogram"]["registers"]
        found = {int(key, 2): count for key, count in registers["output_all"].items()}
        assert sum(found.values()) == 700
        assert all(abs(found.get(int(key), 0) - 700 * p) < 1 for key, p in wanted.items())
    assert wire.result(job) == pytest.approx(average)
    assert wire.result(job, "probabilities", "?sharpen=true") == pytest.approx(expected["voting"])
