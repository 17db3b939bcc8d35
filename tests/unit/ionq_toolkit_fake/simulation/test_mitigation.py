"""Groups of shots: how they are made, and what each aggregation makes of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionq_toolkit_fake.api.results import as_map
from ionq_toolkit_fake.simulation.executors import simulate
from ionq_toolkit_fake.simulation.mitigation import (
    VARIANTS,
    filtered,
    layouts,
    majority,
    split,
    voted,
)
from ionq_toolkit_fake.simulation.outcome import Distribution, Variant, integer_type
from ionq_toolkit_fake.simulation.program import Gate, Noise, Program, Qpu, Task

BELL = Program(2, (Gate("h", (0,)), Gate("cnot", (1,), (0,))))
FORTE = Qpu(36, "zz")
ERRORS = Noise(0.0, 0.05, 0.01)


def variants(*groups):
    return [
        Variant((0, 1), np.array(group, integer_type(max(group).bit_length()))) for group in groups
    ]


def mitigated(program, shots=1000, noise=ERRORS, **run):
    run = {"qpu": FORTE, "hardware": True, "variants": VARIANTS, **run}
    return simulate(Task(program, 5, shots, noise, **run))


# --- groups ----------------------------------------------------------------------------------


@given(st.integers(1, 10_000), st.integers(1, 64))
def test_shots_are_split_evenly_and_completely_with_none_left_empty(shots, groups):
    sizes = split(shots, groups)
    assert sum(sizes) == shots
    assert len(sizes) == min(shots, groups)
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)


@given(st.integers(1, 36), st.integers(0, 40), st.integers(0, 2**31))
def test_a_layout_gives_each_qubit_one_of_its_own(width, count, seed):
    found = layouts(width, 36, count, np.random.default_rng(seed))
    assert len(found) == count
    for layout in found:
        assert len(layout) == len(set(layout)) == width
        assert set(layout) <= set(range(36))


def test_layouts_differ_and_are_the_same_for_the_same_seed():
    first, again = (layouts(5, 36, 32, np.random.default_rng(3)) for _ in range(2))
    assert first == again
    assert len(set(first)) == 32


# --- aggregations ----------------------------------------------------------------------------


def test_voting_replaces_each_groups_shots_by_its_most_frequent_outcome():
    groups = variants([3, 3, 0, 3], [1, 0, 0], [2])
    assert voted(groups).tolist() == [3, 3, 3, 3, 0, 0, 0, 2]


def test_a_group_without_a_winner_stays_as_it_is():
    groups = variants([0, 3, 3, 0], [1, 2, 3], [1, 1, 2])
    assert voted(groups).tolist() == [0, 3, 3, 0, 1, 2, 3, 1, 1, 1]


def test_sharpening_is_the_distribution_of_the_votes():
    groups = variants([3, 3, 0], [0, 0, 3, 1], [1, 2, 1])
    assert as_map(Distribution.of_shots(voted(groups))) == pytest.approx(
        {"0": 0.4, "1": 0.3, "3": 0.3}
    )


def test_a_majority_is_taken_of_each_bit_on_its_own():
    """No shot is 7, and yet each of its bits is 1 in two of three."""
    assert majority(variants([0b011, 0b101, 0b110])).tolist() == [7, 7, 7]
    assert majority(variants([0b100, 0b010, 0b001], [5, 5, 1])).tolist() == [0, 0, 0, 5, 5, 5]


def test_a_bit_without_a_majority_is_0():
    assert majority(variants([0b11, 0b00], [0b10, 0b11])).tolist() == [0, 0, 2, 2]


def test_a_majority_reaches_the_highest_bit():
    for high in (2**61 + 1, 2**129 + 1):
        assert majority(variants([high, high, 0])).tolist() == [high] * 3


def test_filtering_weighs_an_outcome_by_how_many_groups_have_it():
    """On average 0 has 5/8, 3 has 2/8 and 1 has 1/8; they are in all, in half, in a quarter."""
    groups = variants([0, 0], [0, 3], [3, 0], [0, 1])
    weights = np.array([5 / 8, 1 / 8 / 16, 2 / 8 / 4])
    found = as_map(filtered(groups))
    assert list(found) == ["0", "1", "3"]
    assert list(found.values()) == pytest.approx((weights / weights.sum()).tolist())


def test_filtering_keeps_what_all_groups_have_in_common():
    assert as_map(filtered(variants([0, 3], [3, 0]))) == {"0": 0.5, "3": 0.5}


# --- a debiased task -------------------------------------------------------------------------


def test_the_variants_of_a_job_have_all_its_shots_in_their_order():
    outcome = mitigated(BELL)
    assert [len(variant.shots) for variant in outcome.variants] == split(1000, VARIANTS)
    together = np.concatenate([variant.shots for variant in outcome.variants])
    assert together.tolist() == outcome.shots.tolist()


def test_each_variant_has_a_layout_of_its_own_on_the_machine():
    layouts = [variant.qubit_map for variant in mitigated(BELL).variants]
    assert all(len(set(layout)) == 2 and set(layout) <= set(range(36)) for layout in layouts)
    assert len(set(layouts)) > VARIANTS / 2


def test_fewer_shots_than_variants_make_as_many_variants():
    outcome = mitigated(BELL, shots=20)
    assert [len(variant.shots) for variant in outcome.variants] == [1] * 20


def test_the_distribution_is_the_average_over_the_variants():
    outcome = mitigated(BELL)
    found = as_map(outcome.distribution)
    ones = [np.count_nonzero(variant.shots == 3) for variant in outcome.variants]
    assert found["3"] == pytest.approx(sum(ones) / 1000)
    assert sum(found.values()) == pytest.approx(1.0)


def test_a_task_without_variants_has_none():
    assert mitigated(BELL, variants=0).variants == ()
    assert mitigated(BELL, qpu=None, hardware=False).variants == ()


# --- symmetry verification -------------------------------------------------------------------


def test_symmetry_verification_drops_what_an_ideal_machine_would_not_show():
    plain = mitigated(BELL)
    verified = mitigated(BELL, symmetry_verification=True)
    kept = [shot for shot in plain.shots.tolist() if shot in {0, 3}]
    assert verified.shots.tolist() == kept
    assert 0 < len(kept) < 1000
    assert verified.allowed_states == 2
    assert plain.allowed_states is None
    assert sum(len(variant.shots) for variant in verified.variants) == len(kept)
    assert sum(as_map(verified.distribution).values()) == pytest.approx(1.0)


def test_symmetry_verification_that_would_leave_nothing_is_not_applied():
    wrong = mitigated(
        BELL._replace(gates=()), noise=Noise(0.0, 0.0, 1.0), symmetry_verification=True
    )
    assert set(wrong.shots.tolist()) == {3}
    assert len(wrong.shots) == 1000
    assert wrong.allowed_states is None


# --- against the papers --------------------------------------------------------------------------


def plurality(groups, threshold=7):
    """Return the plurality vote as IonQ published it, with arXiv:2301.07233 and 2308.05071.

    One shot is drawn of each variant. The vote of an outcome is the probability that at least so
    many variants show it, normalised: the tail of a Poisson binomial distribution.
    """
    seen = sorted({int(shot) for group in groups for shot in group.shots})
    votes = {}
    for outcome in seen:
        counts = np.array([1.0])
        for group in groups:
            part = np.mean(group.shots == outcome)
            counts = np.convolve(counts, [1 - part, part])
        votes[outcome] = counts[threshold:].sum()
    total = sum(votes.values())
    return {outcome: vote / total for outcome, vote in votes.items()}


def distance(first, second):
    """Return the total variation distance of two distributions."""
    return sum(abs(first.get(k, 0) - second.get(k, 0)) for k in {*first, *second}) / 2


def aggregated(groups):
    """Return the groups averaged, sharpened and by IonQ's published vote."""
    shots = np.concatenate([group.shots for group in groups])
    average, sharpened = (
        {int(k): p for k, p in as_map(Distribution.of_shots(each)).items()}
        for each in (shots, voted(groups))
    )
    return average, sharpened, plurality(groups)


GHZ = Program(3, (Gate("h", (0,)), Gate("cnot", (1,), (0,)), Gate("cnot", (2,), (1,))))
FLIP = Program(4, (Gate("x", (0,)), Gate("x", (2,)), Gate("cnot", (3,), (2,))))


def test_sharpening_of_one_peak_is_the_published_plurality_vote():
    """Which is nearly certain of a peak of 0.8, and so is the most frequent outcome."""
    outcome = mitigated(FLIP, shots=2560, noise=Noise(0.01, 0.1, 0.02))
    average, sharpened, published = aggregated(outcome.variants)
    assert 0.7 < average[13] < 0.95
    assert sharpened == {13: 1.0}
    assert distance(sharpened, published) < 1e-3


def test_sharpening_of_two_peaks_leaves_what_the_published_vote_leaves():
    outcome = mitigated(GHZ, shots=6400, noise=Noise(0.01, 0.1, 0.02))
    average, sharpened, published = aggregated(outcome.variants)
    assert 0.75 < average[0] + average[7] < 0.95
    assert set(sharpened) == {0, 7}
    assert published[0] + published[7] > 0.999
    assert distance(published, {0: 0.5, 7: 0.5}) < 0.01


@pytest.mark.parametrize("seed", range(5))
def test_votes_are_nearer_to_the_ideal_than_the_average_where_noise_depends_on_the_qubits(seed):
    """A variant on other qubits errs in another way, as the paper's symmetries have it."""
    random = np.random.default_rng(seed)
    groups = []
    for qubits in layouts(3, 36, VARIANTS, random):
        flips = 0.05 + 0.2 * random.random(3)  # on these qubits
        bits = random.integers(0, 2, 100)[:, None] ^ (random.random((100, 3)) < flips)
        groups.append(Variant(qubits, bits @ [1, 2, 4]))
    ideal = {0: 0.5, 7: 0.5}
    average, _, published = aggregated(groups)
    nonlinear = {int(k): p for k, p in as_map(filtered(groups)).items()}
    assert distance(published, ideal) < distance(average, ideal) / 2
    assert distance(nonlinear, ideal) <= distance(average, ideal)


def test_averaging_over_variants_reduces_the_error_of_qubits_by_the_root_of_their_number():
    """Each qubit of the QPU errs by its own amount, and each variant is on other ones."""
    random = np.random.default_rng(4)
    errors = random.normal(0, 0.1, 36)

    def spread(variants):
        """Return how much the average over the variants of a job differs from job to job."""
        jobs = [
            [errors[place[0]] for place in layouts(3, 36, variants, random)] for _ in range(300)
        ]
        return np.std(np.mean(jobs, axis=1))

    assert spread(1) == pytest.approx(np.std(errors), rel=0.15)
    for variants in (4, VARIANTS):
        assert spread(variants) == pytest.approx(np.std(errors) / np.sqrt(variants), rel=0.15)


def test_the_average_of_variants_is_the_mean_of_their_histograms():
    groups = variants([0, 0, 3, 3], [3, 3, 3, 0], [1, 0, 0, 0])
    average = as_map(Distribution.of_shots(np.concatenate([group.shots for group in groups])))
    each = [as_map(Distribution.of_shots(group.shots)) for group in groups]
    for outcome in ("0", "1", "3"):
        assert average[outcome] == pytest.approx(np.mean([one.get(outcome, 0) for one in each]))


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.25])
def test_symmetry_verification_is_postselection_on_the_allowed_outcomes(rate):
    """Of a GHZ state under depolarising noise, all that is kept is 0 or 7; their ratio stays."""
    noise = Noise(0.0, rate)
    plain = mitigated(GHZ, shots=4000, noise=noise, variants=0)
    verified = mitigated(GHZ, shots=4000, noise=noise, variants=0, symmetry_verification=True)
    allowed = np.isin(plain.shots, [0, 7])
    assert len(verified.shots) == allowed.sum() < 4000
    kept, before = as_map(verified.distribution), as_map(plain.distribution)
    assert set(kept) == {"0", "7"}
    assert kept["0"] / kept["7"] == pytest.approx(before["0"] / before["7"])


def test_debiased_shots_have_the_distribution_of_those_that_are_not():
    """Here noise is the same on all qubits: nothing systematic is there to be averaged away."""
    one, other = (mitigated(GHZ, shots=4000, variants=number) for number in (0, VARIANTS))
    assert one.shots.tolist() == other.shots.tolist()
