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
