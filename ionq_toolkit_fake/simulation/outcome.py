"""The outcome of a simulated task: distributions, values, or a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ionq_toolkit_fake.simulation.program import Gate


#: The register that holds all qubits, where a job names none: examples of the API document.
WHOLE = "output_all"

#: The most bits an outcome can have: it is kept as a signed integer of 64 bits.
MOST_BITS = 62

#: How many digits of a probability are kept: the service shows 0.5 and 0.25 for equal outcomes, and
#: a thousand gates leave errors of 1e-14 in double precision.
DIGITS = 13

#: More outcomes than that keep all digits: to clean them would take as long as to simulate them.
_MOST_CLEANED = 2**16


def clean(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities without rounding errors in their last digits, however small they are."""
    if len(probabilities) > _MOST_CLEANED:
        return probabilities
    scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(probabilities)))
    rounded: NDArray[np.float64] = np.round(probabilities * scale) / scale
    return rounded


class Distribution(NamedTuple):
    """Outcomes and how probable each is.

    Attributes:
        outcomes: Shape `(n,)`, increasing; qubit 0 is the least significant bit.
        probabilities: Shape `(n,)`, none of them zero.
    """

    outcomes: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @classmethod
    def of_shots(cls, shots: NDArray[np.int64]) -> Distribution:
        """Return how often each outcome is among `shots`, as a part of them all."""
        outcomes, counts = np.unique(shots, return_counts=True)
        return cls(outcomes, counts / max(1, len(shots)))

    def marginal(self, bits: Sequence[int | None]) -> dict[str, float]:
        """Return the distribution of some of the bits, by strings with the first bit last."""
        values = take(self.outcomes, bits)
        found, weights = merged(values, self.probabilities)
        return dict(zip(bitstrings(found, len(bits)), weights.tolist(), strict=True))


class Variant(NamedTuple):
    """One of the groups of shots that error mitigation splits a job into.

    Attributes:
        qubit_map: The qubit of the QPU for each qubit of the circuit.
        shots: The outcome of each of its shots.
    """

    qubit_map: tuple[int, ...]
    shots: NDArray[np.int64]


class Outcome(NamedTuple):
    """The outcome of a task.

    Attributes:
        distribution: How probable each outcome is; None if it was only compiled.
        shots: Shape `(shots,)`: the outcome of each, in their order; None if it is exact.
        registers: The bits of an outcome that each register consists of.
        compiled: The native gates it was compiled to; None if it was not.
        variants: The groups of shots that error mitigation made; empty without.
        allowed_states: How many outcomes symmetry verification let pass; None without it.
        size: How many qubits and gates it has, where that is known only now.
    """

    distribution: Distribution | None
    registers: Mapping[str, Sequence[int | None]]
    shots: NDArray[np.int64] | None = None
    compiled: tuple[Gate, ...] | None = None
    variants: tuple[Variant, ...] = ()
    allowed_states: int | None = None
    size: tuple[int, Mapping[str, int]] | None = None


class Value(NamedTuple):
    """The value of a quantum function.

    Attributes:
        value: The value.
        variance: The estimated variance of it over the shots.
    """

    value: float
    variance: float


class Optimum(NamedTuple):
    """The result of an optimisation.

    Attributes:
        cost: The best cost found.
        bitstring: The solution that has it; its first character is for the first node.
        iterations: The outcome of each circuit that was run.
    """

    cost: float
    bitstring: str
    iterations: tuple[Outcome, ...]


def take(outcomes: NDArray[np.int64], bits: Sequence[int | None]) -> NDArray[np.int64]:
    """Return the numbers that the given bits of each outcome make, the first least significant."""
    values = np.zeros_like(outcomes)
    for place, bit in enumerate(bits):
        if bit is not None:
            values |= ((outcomes >> bit) & 1) << place
    return values


def merged(
    values: NDArray[np.int64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the different values, and the sum of the weights of each."""
    found, where = np.unique(values, return_inverse=True)
    return found, clean(np.bincount(where, weights=weights).astype(np.float64))


def spread(values: NDArray[np.int64], bits: Sequence[int]) -> NDArray[np.int64]:
    """Put bit `k` of each value at place ``bits[k]``: the inverse of `take`."""
    outcomes = np.zeros_like(values)
    for place, bit in enumerate(bits):
        outcomes |= ((values >> place) & 1) << bit
    return outcomes


def bitstrings(values: NDArray[np.int64], width: int) -> list[str]:
    """Return each value in binary, with `width` digits."""
    return [format(value, f"0{width}b") if width else "" for value in values.tolist()]


class SimulationFailure(Exception):  # noqa: N818 - not an error of the fake: the job fails
    """The job cannot be run as it is; it fails with one of IonQ's failure codes.

    Attributes:
        code: The code.
        message: The reason, for a person.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message

    def __str__(self) -> str:
        return self.message
