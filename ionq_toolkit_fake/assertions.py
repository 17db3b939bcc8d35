"""Assertions on counts, by Pearson's test, with a known rate of false alarms.

::

    assert_counts_follow(job.get_counts(), {"00": 0.5, "11": 0.5})
    assert_counts_agree(noisy.get_counts(), measured.get_counts())

With seeded shots, as this fake's are, such an assertion holds in every run or in none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from numpy.typing import NDArray

#: Outcomes that are expected less often are put together until they are: Pearson's statistic of
#: rarer ones does not have the distribution that it is held against.
LEAST_EXPECTED = 10

#: How often right counts of unseeded shots are taken for wrong.
FALSE_ALARMS = 1e-6

#: How far probabilities may be from adding up to one; below what an outcome is impossible.
_SUM_TOLERANCE, _IMPOSSIBLE = 1e-3, 1e-12

#: How many outcomes a failure shows.
_MOST_SHOWN = 16


def assert_counts_follow(
    counts: Mapping[Hashable, int],
    probabilities: Mapping[Hashable, float],
    *,
    false_alarms: float = FALSE_ALARMS,
) -> None:
    """Assert that counts may well have been drawn from a distribution.

    Args:
        counts: How often each outcome was seen.
        probabilities: How probable each outcome is; of probability zero if it is left out.
        false_alarms: How often counts that were drawn from it may fail.

    Raises:
        AssertionError: They hardly were; the message shows both.
        ValueError: There are no counts, or `probabilities` is no distribution.
    """
    seen = _counts(counts, "counts")
    weights = np.array(list(probabilities.values()), dtype=float)
    if not ((weights >= 0).all() and abs(weights.sum() - 1) <= _SUM_TOLERANCE):
        raise ValueError(f"these are not probabilities: they add up to {weights.sum():.6g}")
    outcomes = [*probabilities, *(outcome for outcome in counts if outcome not in probabilities)]
    weights = np.append(weights / weights.sum(), np.zeros(len(outcomes) - len(weights)))
    observed = np.array([counts.get(outcome, 0) for outcome in outcomes])
    p = p_value(observed, weights)
    if p < false_alarms:
        raise AssertionError(
            f"{seen.sum()} shots hardly follow these probabilities (p = {p:.2g}):\n"
            + _shown(outcomes, observed, weights * seen.sum(), "expected")
        )


def assert_counts_agree(
    counts: Mapping[Hashable, int],
    others: Mapping[Hashable, int],
    *,
    false_alarms: float = FALSE_ALARMS,
) -> None:
    """Assert that two counts may well have been drawn from one distribution, whichever it is.

    Args:
        counts: How often each outcome was seen in one run.
        others: How often in another, which may have another number of shots.
        false_alarms: How often counts that were drawn from one may fail.

    Raises:
        AssertionError: They hardly were; the message shows both.
        ValueError: There are no counts.
    """
    totals = [_counts(run, name).sum() for run, name in ((counts, "counts"), (others, "others"))]
    outcomes = [*counts, *(outcome for outcome in others if outcome not in counts)]
    table = np.array([[run.get(o, 0) for o in outcomes] for run in (counts, others)])
    shares = table.sum(axis=0) / sum(totals)
    p = _pearson(table, np.outer(totals, shares))
    if p < false_alarms:
        scaled = table[1] * (totals[0] / totals[1])
        raise AssertionError(
            f"{totals[0]} and {totals[1]} shots are hardly of one distribution (p = {p:.2g}):\n"
            + _shown(outcomes, table[0], scaled, f"others, of {totals[0]}")
        )


def p_value(counts: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Return how probable counts are that are no better than these, if the distribution is right.

    Args:
        counts: How often each outcome was seen; shape (n,).
        probabilities: How probable each outcome is; shape (n,).
    """
    counts, probabilities = np.asarray(counts), np.asarray(probabilities)
    possible = probabilities > _IMPOSSIBLE
    if counts[~possible].any():
        return 0.0
    return _pearson(counts[None, possible], counts.sum() * probabilities[None, possible])


def _pearson(observed: NDArray[np.int64], expected: NDArray[np.float64]) -> float:
    """Return the p-value of one or two rows of counts; of two, the totals are given."""
    from scipy.stats import chi2  # noqa: PLC0415 - slow to import, and needed here only

    bins = _bins(expected.min(axis=0))
    count = int(bins.max(initial=0)) + 1
    if count == 1:
        return 1.0
    sums = [
        np.array([np.bincount(bins, weights=row, minlength=count) for row in rows])
        for rows in (observed, expected)
    ]
    statistic = np.sum((sums[0] - sums[1]) ** 2 / sums[1])
    return float(chi2.sf(statistic, count - 1))


def _bins(expected: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return which bin each outcome is in, the rarest ones together; each is expected enough."""
    bins = np.zeros(len(expected), dtype=np.int64)
    last, total = 0, 0.0
    for place in np.argsort(expected, kind="stable"):
        if total >= LEAST_EXPECTED:
            last, total = last + 1, 0.0
        bins[place] = last
        total += expected[place]
    if total < LEAST_EXPECTED and last:  # what is left over joins those before
        bins[bins == last] = last - 1
    return bins


def _counts(counts: Mapping[Hashable, int], name: str) -> NDArray[np.int64]:
    found = np.array(list(counts.values()))
    if not len(found) or found.sum() <= 0 or (found < 0).any() or (found % 1 != 0).any():
        raise ValueError(f"{name} must be how often each outcome was seen: {dict(counts)!r}")
    return found.astype(np.int64)


def _shown(
    outcomes: list[Hashable],
    observed: NDArray[np.int64],
    expected: NDArray[np.float64],
    title: str,
) -> str:
    """Return a table of both, what differs most first."""
    distance = (observed - expected) ** 2 / np.maximum(expected, _IMPOSSIBLE)
    order = np.argsort(-distance, kind="stable")[:_MOST_SHOWN]
    width = max([len("outcome"), *(len(str(outcomes[place])) for place in order)])
    rows = [f"  {'outcome':>{width}}  {'seen':>8}  {title}"]
    rows += [
        f"  {outcomes[place]!s:>{width}}  {observed[place]:8d}  {expected[place]:.1f}"
        for place in order
    ]
    if len(outcomes) > len(order):
        rows.append(f"  and {len(outcomes) - len(order)} more")
    return "\n".join(rows)
