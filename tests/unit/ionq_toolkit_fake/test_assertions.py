"""Assertions on counts: how often they fail, and what they then show."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare

from ionq_toolkit_fake.assertions import (
    LEAST_EXPECTED,
    assert_counts_agree,
    assert_counts_follow,
    p_value,
)

BELL = {"00": 0.5, "11": 0.5}


def drawn(probabilities, shots, seed):
    generator = np.random.default_rng(seed)
    return dict(
        zip(
            probabilities,
            generator.multinomial(shots, list(probabilities.values())).tolist(),
            strict=True,
        )
    )


def test_the_p_value_is_that_of_pearsons_test():
    counts, weights = np.array([120, 80, 95, 105]), np.array([0.3, 0.2, 0.25, 0.25])
    assert p_value(counts, weights) == pytest.approx(chisquare(counts, weights * 400).pvalue)


def test_rare_outcomes_are_combined():
    weights = np.array([0.5, 0.49, *[0.001] * 10])  # of 1000 shots: the last ten are one bin
    counts = np.array([500, 488, 12, *[0] * 9])
    together = chisquare([500, 488, 12], [500, 490, 10]).pvalue
    assert p_value(counts, weights) == pytest.approx(together)
    assert LEAST_EXPECTED == 10


@pytest.mark.parametrize("alarms", [0.05, 0.2])
def test_right_counts_fail_with_the_given_significance(alarms):
    weights = {str(n): (n + 1) / 36 for n in range(8)}

    def fails(seed):
        try:
            assert_counts_follow(drawn(weights, 2000, seed), weights, significance=alarms)
        except AssertionError:
            return True
        return False

    found = sum(map(fails, range(1000)))
    assert abs(found - 1000 * alarms) < 4 * np.sqrt(1000 * alarms * (1 - alarms))


def test_counts_of_one_distribution_disagree_with_the_given_significance():
    weights = {str(n): (n + 1) / 36 for n in range(8)}

    def fails(seed):
        one, other = drawn(weights, 3000, seed), drawn(weights, 1000, 10_000 + seed)
        try:
            assert_counts_agree(one, other, significance=0.1)
        except AssertionError:
            return True
        return False

    found = sum(map(fails, range(1000)))
    assert abs(found - 100) < 4 * np.sqrt(90)


def test_two_counts_are_compared_as_a_table_is():
    one, other = {"a": 130, "b": 70, "c": 100}, {"a": 90, "b": 110, "c": 100}
    p = chi2_contingency([list(one.values()), list(other.values())], correction=False).pvalue
    assert_counts_agree(one, other, significance=p * 0.999)
    with pytest.raises(AssertionError):
        assert_counts_agree(one, other, significance=p * 1.001)


def test_wrong_counts_fail_and_both_are_shown():
    with pytest.raises(AssertionError) as caught:
        assert_counts_follow({"00": 700, "11": 300}, BELL)
    assert str(caught.value).splitlines() == [
        "1000 shots hardly follow these probabilities (p = 1.1e-36):",
        "  outcome      seen  expected",
        "       00       700  500.0",
        "       11       300  500.0",
    ]


def test_a_single_impossible_outcome_is_wrong():
    with pytest.raises(AssertionError, match=r"p = 0"):
        assert_counts_follow({"00": 500, "11": 499, "01": 1}, BELL)
    with pytest.raises(AssertionError, match=r"p = 0"):
        assert_counts_follow({"00": 500, "11": 499, "01": 1}, {**BELL, "01": 0.0})


def test_counts_of_two_distributions_are_shown_in_one_measure():
    with pytest.raises(AssertionError) as caught:
        assert_counts_agree({"0": 100, "1": 900}, {"0": 100, "1": 100})
    assert "0       100  500.0" in str(caught.value)
    assert "others, of 1000" in str(caught.value)


def test_of_many_outcomes_those_that_differ_most_are_shown():
    weights = {str(n): 1 / 100 for n in range(100)}
    counts = dict.fromkeys(weights, 100) | {"7": 10_000}
    with pytest.raises(AssertionError) as caught:
        assert_counts_follow(counts, weights)
    lines = str(caught.value).splitlines()
    assert lines[2].split()[0] == "7"
    assert lines[-1] == "  and 84 more"


@pytest.mark.parametrize("counts", [{}, {"0": 0}, {"0": -1, "1": 2}, {"0": 0.5}])
def test_assertions_reject_invalid_counts(counts):
    with pytest.raises(ValueError, match="how often each outcome was seen"):
        assert_counts_follow(counts, {"0": 1.0})
    with pytest.raises(ValueError, match="others must be"):
        assert_counts_agree({"0": 1}, counts)


@pytest.mark.parametrize("weights", [{}, {"0": 0.5}, {"0": 1.5, "1": -0.5}, {"0": float("nan")}])
def test_assertions_reject_invalid_distribution(weights):
    with pytest.raises(ValueError, match="not probabilities"):
        assert_counts_follow({"0": 10}, weights)
