"""Pearson's test: whether counts may well have been drawn from a distribution."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

#: Outcomes that are expected less often are put together until they are: the statistic of
#: rarer ones does not have the distribution that it is held against.
LEAST_EXPECTED = 10


def p_value(counts, probabilities):
    """Return how probable counts are that are no better than these, if the distribution is right.

    Args:
        counts: How often each outcome was seen, or its sum over several runs.
        probabilities: How probable each outcome is.
    """
    counts, probabilities = np.asarray(counts), np.asarray(probabilities)
    possible = probabilities > 1e-12
    if counts[~possible].any():
        return 0.0
    expected = counts.sum() * probabilities[possible]
    order = np.argsort(expected)
    bins, last = np.zeros(len(order), dtype=int), 0
    total = 0.0
    for place in order:  # the rarest first; what is left over joins the last
        if total >= LEAST_EXPECTED:
            last, total = last + 1, 0.0
        bins[place] = last
        total += expected[place]
    if total < LEAST_EXPECTED and last:
        bins[bins == last] = last - 1
        last -= 1
    wanted = np.bincount(bins, weights=expected)
    seen = np.bincount(bins, weights=counts[possible])
    if last == 0:
        return 1.0
    return float(chi2.sf(np.sum((seen - wanted) ** 2 / wanted), last))
