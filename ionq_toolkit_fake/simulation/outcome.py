"""The outcome of a simulated task: distributions, values, or a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ionq_toolkit_fake.simulation.program import Gate


#: The register that holds all qubits, where a job names none: examples of the API document.
WHOLE = "output_all"

#: The most bits an outcome can have: Python reads and writes numbers of so many as decimals.
MOST_BITS = 10_000

#: Wider outcomes are Python ints in arrays of objects: NumPy's integers have 64 bits.
_INT64_BITS = 62

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
        outcomes: Shape `(n,)`, increasing; qubit 0 is the least significant bit. Of int64, or of
            Python ints where that is too narrow, as all outcomes are.
        probabilities: Shape `(n,)`, none of them zero.
    """

    outcomes: NDArray[Any]
    probabilities: NDArray[np.float64]

    @classmethod
    def of_shots(cls, shots: NDArray[Any]) -> Distribution:
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
    shots: NDArray[Any]


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
    shots: NDArray[Any] | None = None
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


def integer_type(bits: int) -> type:
    """Return the type of an array of outcomes of so many bits."""
    return np.int64 if bits <= _INT64_BITS else object


def take(outcomes: NDArray[Any], bits: Sequence[int | None]) -> NDArray[Any]:
    """Return the numbers that the given bits of each outcome make, the first least significant."""
    moved: dict[int, int] = {}  # bits that move by the same distance move together
    for place, bit in enumerate(bits):
        if bit is not None:
            moved[place - bit] = moved.get(place - bit, 0) | 1 << bit
    final = integer_type(len(bits))
    source = outcomes.astype(object if object in (final, outcomes.dtype) else np.int64)
    values = np.zeros_like(source)
    for distance, mask in moved.items():
        part = source & mask
        values |= part << distance if distance >= 0 else part >> -distance
    return values.astype(final, copy=False)


def merged(
    values: NDArray[Any], weights: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return the different values, and the sum of the weights of each."""
    found, where = np.unique(values, return_inverse=True)
    return found, clean(np.bincount(where, weights=weights).astype(np.float64))


def spread(values: NDArray[Any], bits: Sequence[int]) -> NDArray[Any]:
    """Put bit `k` of each value at place ``bits[k]``: the inverse of `take`."""
    places: list[int | None] = [None] * (1 + max(bits, default=-1))
    for place, bit in enumerate(bits):
        places[bit] = place
    return take(values, places)


def bitstrings(values: NDArray[Any], width: int) -> list[str]:
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
