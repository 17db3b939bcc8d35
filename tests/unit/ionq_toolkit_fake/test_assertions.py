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


@pytest.fixture
def asked(cloud, send):
    for path in ("/jobs/a?limit=3", "/jobs/a?limit=3", "/jobs/b", "/backends"):
        send("GET", path)
    send("POST", "/jobs", {})
    return cloud


@pytest.mark.parametrize(
    ("request_", "times", "status"),
    [
        ("POST /jobs", 1, None),
        ("post /v0.4/jobs", 1, 400),
        ("GET /jobs/<job_id>", 3, 404),
        ("GET /jobs/{id}", 3, None),
        ("GET /jobs/a", 2, None),
        ("GET /jobs/a?limit=3", 2, None),
        ("GET /jobs/a?limit=4", 0, None),
        ("GET *", 4, None),
        ("GET /jobs", 0, None),
        ("GET /backends", None, 200),
    ],
)
def test_a_request_is_counted(asked, request_, times, status):
    pattern = request_.replace("GET *", "GET /*")
    asked.assert_requested(pattern, times=times, status=status)
    with pytest.raises(AssertionError):
        asked.assert_requested(pattern, times=7, status=status)


def test_each_near_miss_has_its_reason(asked):
    with pytest.raises(AssertionError) as caught:
        asked.assert_requested("GET /jobs", times=1, status=200)
    assert str(caught.value).splitlines() == [
        "GET /jobs was requested 0 times, not 1, with status 200",
        "  GET /v0.4/jobs/a?limit=3 -> 404: another path (2 times)",
        "  GET /v0.4/jobs/b -> 404: another path",
        "  GET /v0.4/backends -> 200: another path",
        "  POST /v0.4/jobs -> 400: the method is not GET",
    ]
    with pytest.raises(AssertionError) as caught:
        asked.assert_requested("POST /jobs", status=201)
    lines = str(caught.value).splitlines()
    assert lines[0] == "POST /jobs was requested 0 times, not at least once, with status 201"
    assert lines[1] == "  POST /v0.4/jobs -> 400: the status is not 201"
    assert lines[2].endswith("another method and path (2 times)")


@pytest.mark.parametrize("text", ["", "/jobs", "POST jobs", "POST"])
def test_what_is_no_request_is_refused(cloud, text):
    with pytest.raises(ValueError, match="is not a method and a path"):
        cloud.assert_requested(text)
    with pytest.raises(ValueError, match="must not be negative"):
        cloud.assert_requested("POST /jobs", times=-1)


def test_no_request_is_said(cloud):
    with pytest.raises(
        AssertionError, match=r"^POST /jobs was requested 0 times, not at least once$"
    ):
        cloud.assert_requested("POST /jobs")
