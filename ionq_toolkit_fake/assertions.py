"""Assertions on requests, and on counts by Pearson's chi-squared test at a known significance.

::

    assert_counts_follow(job.get_counts(), {"00": 0.5, "11": 0.5})
    assert_counts_agree(noisy.get_counts(), measured.get_counts())

The shots of this fake are seeded, so that such an assertion holds in every run or in none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from numpy.typing import NDArray

#: Outcomes that are expected less often are combined: Pearson's statistic of rarer ones does not
#: have a chi-squared distribution.
LEAST_EXPECTED = 10

#: The default level of significance.
SIGNIFICANCE = 1e-6

#: The tolerance for the sum of probabilities, and the probability below which an outcome is
#: impossible.
_SUM_TOLERANCE, _IMPOSSIBLE = 1e-3, 1e-12

#: The number of outcomes that a failure shows.
_MOST_SHOWN = 16


def assert_counts_follow(
    counts: Mapping[Hashable, int],
    probabilities: Mapping[Hashable, float],
    *,
    significance: float = SIGNIFICANCE,
) -> None:
    """Assert that counts are statistically consistent with a distribution.

    ::

        assert_counts_follow(job.get_counts(), {"00": 0.5, "11": 0.5})

    Args:
        counts: The number of times that each outcome was seen.
        probabilities: The probability of each outcome; zero for an outcome that is not given.
        significance: The probability that counts sampled from the distribution fail.

    Raises:
        AssertionError: The counts are not consistent with it; the message shows both.
        ValueError: The counts are empty, or the probabilities do not add up to one.
    """
    seen = _counts(counts, "counts")
    weights = np.array(list(probabilities.values()), dtype=float)
    if not ((weights >= 0).all() and abs(weights.sum() - 1) <= _SUM_TOLERANCE):
        raise ValueError(f"these are not probabilities: they add up to {weights.sum():.6g}")
    outcomes = [*probabilities, *(outcome for outcome in counts if outcome not in probabilities)]
    weights = np.append(weights / weights.sum(), np.zeros(len(outcomes) - len(weights)))
    observed = np.array([counts.get(outcome, 0) for outcome in outcomes])
    p = p_value(observed, weights)
    if p < significance:
        raise AssertionError(
            f"{seen.sum()} shots hardly follow these probabilities (p = {p:.2g}):\n"
            + _shown(outcomes, observed, weights * seen.sum(), "expected")
        )


def assert_counts_agree(
    counts: Mapping[Hashable, int],
    others: Mapping[Hashable, int],
    *,
    significance: float = SIGNIFICANCE,
) -> None:
    """Assert that the counts of two runs are statistically consistent with each other.

    ::

        other = backend.run(circuit, shots=5000)
        assert_counts_agree(job.get_counts(), other.get_counts())

    Args:
        counts: The number of times that each outcome was seen in one run.
        others: The same of another run, which may have another number of shots.
        significance: The probability that counts sampled from one distribution fail.

    Raises:
        AssertionError: The counts are not consistent; the message shows both.
        ValueError: The counts are empty.
    """
    totals = [_counts(run, name).sum() for run, name in ((counts, "counts"), (others, "others"))]
    outcomes = [*counts, *(outcome for outcome in others if outcome not in counts)]
    table = np.array([[run.get(o, 0) for o in outcomes] for run in (counts, others)])
    p = _p_value_of_two(table)
    if p < significance:
        scaled = table[1] * (totals[0] / totals[1])
        raise AssertionError(
            f"{totals[0]} and {totals[1]} shots are hardly of one distribution (p = {p:.2g}):\n"
            + _shown(outcomes, table[0], scaled, f"others, of {totals[0]}")
        )


def p_value(counts: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Return the probability of counts that fit a distribution no better than these.

    Args:
        counts: The number of times that each outcome was seen; shape (n,).
        probabilities: The probability of each outcome; shape (n,).
    """
    from scipy.stats import chisquare  # noqa: PLC0415 - slow to import, and needed here only

    counts, probabilities = np.asarray(counts), np.asarray(probabilities)
    possible = probabilities > _IMPOSSIBLE
    if counts[~possible].any():
        return 0.0
    observed, weights = counts[possible], probabilities[possible]
    expected = observed.sum() * weights / weights.sum()
    bins = _bins(expected)
    if not bins.any():
        return 1.0
    return float(chisquare(np.bincount(bins, observed), np.bincount(bins, expected)).pvalue)


def _p_value_of_two(table: NDArray[np.int64]) -> float:
    """Return the p-value of the counts of two runs; shape (2, n)."""
    from scipy.stats import chi2_contingency  # noqa: PLC0415 - as above

    totals = table.sum(axis=1)
    bins = _bins(totals.min() * table.sum(axis=0) / totals.sum())
    if not bins.any():
        return 1.0
    sums = np.array([np.bincount(bins, row) for row in table])
    return float(chi2_contingency(sums, correction=False).pvalue)


def _bins(expected: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each outcome; the rarest are combined until they are expected enough."""
    bins = np.zeros(len(expected), dtype=np.int64)
    last, total = 0, 0.0
    for place in np.argsort(expected, kind="stable"):
        if total >= LEAST_EXPECTED:
            last, total = last + 1, 0.0
        bins[place] = last
        total += expected[place]
    if total < LEAST_EXPECTED and last:  # the rest joins the bin before
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
    """Return a table of both, the largest differences first."""
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


class Received(Protocol):
    """A request that a cloud received."""

    @property
    def method(self) -> str:
        """Its HTTP method."""

    @property
    def path(self) -> str:
        """Its path and query."""

    @property
    def status(self) -> int | None:
        """The status of its response."""


def assert_requested(
    received: Sequence[Received],
    request: str,
    *,
    times: int | None = None,
    status: int | None = None,
) -> None:
    """Assert that a request is among those that a cloud received.

    Args:
        received: The requests, in order.
        request: Its method and path, as `FakeIonQ.assert_requested` takes them.
        times: How often it is among them; None: at least once.
        status: The HTTP status of the responses that count; None: any, or no response.

    Raises:
        AssertionError: It is there another number of times.
        ValueError: `request` is not a method and a path, or `times` is negative.
    """
    __tracebackhide__ = True
    method, _, path = request.strip().partition(" ")
    path = path.strip()
    if not method.isalpha() or not path.startswith("/"):
        raise ValueError(f"{request!r} is not a method and a path, such as 'POST /jobs'")
    if times is not None and times < 0:
        raise ValueError(f"times={times} must not be negative")
    texts = {"<": "[^/?]+", "{": "[^/?]+", "*": ".*"}
    parts = re.split(r"(<\w+>|\{\w+\}|\*)", path)
    pattern = "".join(texts.get(part[:1], re.escape(part)) for part in parts)
    wanted = re.compile(pattern if pattern.startswith("/v") else rf"(/v[\d.]+)?{pattern}")
    reasons = [_mismatch(one, method.upper(), wanted, "?" in path, status) for one in received]
    found = reasons.count(None)
    if found == times or (times is None and found):
        return
    often = "once" if found == 1 else f"{found} times"
    lines = [f"{request} was requested {often}, not {'at least once' if times is None else times}"]
    lines[0] += "" if status is None else f", with status {status}"
    misses: dict[str, int] = {}
    for one, why in zip(received, reasons, strict=True):
        if why is not None:
            miss = f"  {one.method} {one.path} -> {one.status or 'no response'}: {why}"
            misses[miss] = misses.get(miss, 0) + 1
    shown = sorted(misses, key=lambda miss: miss.endswith(_OTHER))[:_MOST_SHOWN]
    lines += [miss + (f" ({misses[miss]} times)" if misses[miss] > 1 else "") for miss in shown]
    if len(misses) > len(shown):
        lines.append(f"  and {len(misses) - len(shown)} other requests")
    raise AssertionError("\n".join(lines))


#: The reason why a request is not even similar.
_OTHER = "another method and path"


def _mismatch(
    one: Received, method: str, wanted: re.Pattern[str], query: bool, status: int | None
) -> str | None:
    """Return why a request does not count, or None if it does."""
    path = one.path if query else one.path.partition("?")[0]
    same = wanted.fullmatch(path) is not None
    if one.method != method:
        return f"the method is not {method}" if same else _OTHER
    if not same:
        return "another path"
    return None if status in {None, one.status} else f"the status is not {status}"
