"""Error mitigation: groups of shots on other qubits, and their aggregation.

Debiasing runs variants of a circuit that would be the same on a QPU without errors, and
averages them; sharpening takes only the most frequent outcome of each variant:
https://docs.ionq.com/guides/error-mitigation-debiasing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ionq_toolkit_fake.simulation.outcome import Distribution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ionq_toolkit_fake.simulation.outcome import Variant

#: How many variants a job has: what IonQ's jobs of 500 shots and more were seen to have.
VARIANTS = 32


def split(shots: int, groups: int) -> list[int]:
    """Return how many shots each group gets: as even as can be, the first ones more."""
    groups = min(groups, shots)
    return [shots // groups + (index < shots % groups) for index in range(groups)]


def layouts(
    num_qubits: int, available: int, count: int, generator: np.random.Generator
) -> list[tuple[int, ...]]:
    """Return random assignments of a circuit's qubits to those of a QPU."""
    return [tuple(generator.permutation(available)[:num_qubits].tolist()) for _ in range(count)]


def voted(variants: Sequence[Variant]) -> NDArray[Any]:
    """Return the shots with those of each variant replaced by its most frequent outcome.

    Where two outcomes are equally frequent, the variant's shots stay.
    """
    groups = []
    for variant in variants:
        outcomes, counts = np.unique(variant.shots, return_counts=True)
        best = np.flatnonzero(counts == counts.max())
        clear = len(best) == 1
        groups.append(np.full_like(variant.shots, outcomes[best[0]]) if clear else variant.shots)
    return np.concatenate(groups)


def majority(variants: Sequence[Variant]) -> NDArray[Any]:
    """Return the shots with those of each variant replaced by the majority of each bit.

    IonQ lists this aggregation and does not say what it does: this is the usual meaning. A bit
    without a majority is 0.
    """
    groups = []
    for variant in variants:
        width = int(variant.shots.max()).bit_length()
        ones = [2 * int((variant.shots >> n & 1).sum()) > len(variant.shots) for n in range(width)]
        value = sum(1 << n for n, one in enumerate(ones) if one)
        groups.append(np.full_like(variant.shots, value))
    return np.concatenate(groups)


#: The power that `filtered` weighs outcomes with. IonQ does not publish it.
FILTER_POWER = 2


def filtered(variants: Sequence[Variant]) -> Distribution:
    """Return the average of the variants, without outcomes that only few of them have.

    That is debiasing with nonlinear filtering, which qiskit-ionq describes as a power law. The
    power is ours.
    """
    average = Distribution.of_shots(np.concatenate([variant.shots for variant in variants]))
    seen = np.concatenate([np.unique(variant.shots) for variant in variants])
    parts = np.unique(seen, return_counts=True)[1] / len(variants)
    weights = average.probabilities * parts**FILTER_POWER
    return Distribution(average.outcomes, weights / weights.sum())
