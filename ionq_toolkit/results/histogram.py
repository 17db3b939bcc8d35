"""IonQ's histograms and shots as arrays, mapped from the qubits to the classical bits.

All functions work on whole arrays: a histogram may have a million outcomes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ionq_toolkit.errors import IonQJobError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from ionq_toolkit.api.record import JobRecord


#: How far a histogram may be from summing to one. Live ones have been off by 1e-5.
SUM_TOLERANCE = 1e-3

#: Wider outcomes are Python ints: they do not fit NumPy's 64-bit integers.
_INT64_BITS = 62

#: Values up to this many times their number are put in order by counting, not by sorting.
_DENSE = 4


def parse_histogram(histogram: object, num_qubits: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return (outcomes, probabilities) of a histogram as IonQ sends it.

    Args:
        histogram: A JSON object from outcomes, as decimal strings or ints, qubit 0 the least
            significant bit, to probabilities.
        num_qubits: The width of the register.

    Returns:
        Two arrays of shape (number of outcomes,), in the order of the histogram. The
        outcomes are int64, or Python ints if these are too narrow; the probabilities
        sum to one.

    Raises:
        IonQJobError: The histogram is not one, is empty, is not a distribution, or has
            outcomes that `num_qubits` qubits do not have.
    """
    if not isinstance(histogram, dict):
        raise IonQJobError(
            f"The histogram cannot be read: it is no JSON object but {_kind(histogram)}."
        )
    if not histogram:
        raise IonQJobError("The histogram is empty.")
    odd = next((kind for kind in set(map(type, histogram.values())) - {int, float}), None)
    if odd is not None:
        several = " It may be of several circuits." if odd is dict else ""
        raise IonQJobError(
            f"The histogram cannot be read: a probability is {_KINDS.get(odd, odd.__name__)}, "
            f"not a number.{several}"
        )
    outcomes = _parse_outcomes(histogram, num_qubits, "histogram")
    try:
        probabilities = np.fromiter(histogram.values(), np.float64, len(histogram))
    except OverflowError as error:
        raise IonQJobError(f"The histogram cannot be read: {error}.") from error
    total = float(probabilities.sum())
    # NaN compares false with everything, so that this refuses it.
    if not (bool((probabilities >= 0).all()) and abs(total - 1) <= SUM_TOLERANCE):
        raise IonQJobError(
            f"The histogram is no distribution: its probabilities sum to {total:.6g}, the "
            f"smallest is {probabilities.min():.6g}."
        )
    return outcomes, probabilities / total


def parse_shots(
    raw_shots: object, num_qubits: int, shots: int | None, *, fewer: bool = False
) -> NDArray[Any]:
    """Return the outcome of each shot of a list as IonQ sends it.

    Args:
        raw_shots: A JSON array of outcomes in the order of the shots: decimal strings
            or ints, qubit 0 the least significant bit.
        num_qubits: The width of the register.
        shots: The expected number of shots; None if that is not known.
        fewer: Whether there can be fewer, as symmetry verification drops some.

    Returns:
        An array of shape (shots,), of int64, or of Python ints if these are too narrow.

    Raises:
        IonQJobError: It is not a list, has another length, or holds something else than outcomes
            of `num_qubits` qubits.
    """
    if not isinstance(raw_shots, list):
        raise IonQJobError(
            f"The shots cannot be read: they are no JSON array but {_kind(raw_shots)}."
        )
    if shots is not None and len(raw_shots) != shots and not (fewer and 0 < len(raw_shots) < shots):
        raise IonQJobError(f"There are outcomes of {len(raw_shots)} shots; the job had {shots}.")
    kinds = set(map(type, raw_shots))
    odd = next((kind for kind in kinds - {int, str}), None)
    if odd is not None:
        raise IonQJobError(
            f"The shots cannot be read: an outcome is {_KINDS.get(odd, odd.__name__)}, "
            "not a decimal number."
        )
    if len(kinds) > 1:
        raw_shots = [str(outcome) for outcome in raw_shots]
    return _parse_outcomes(raw_shots, num_qubits, "shots")


def _parse_outcomes(
    found: Collection[str] | Collection[int], num_qubits: int, where: str
) -> NDArray[Any]:
    try:
        outcomes = _integers(found)
    except (TypeError, ValueError) as error:
        raise IonQJobError(
            f"The {where} cannot be read: an outcome is not written as a decimal number."
        ) from error
    largest = max(outcomes, default=0)
    if largest >= 2**num_qubits:
        raise IonQJobError(
            f"The {where} cannot be right: an outcome has {largest.bit_length()} bits, which "
            f"{num_qubits} qubits do not have."
        )
    return np.fromiter(outcomes, _integer_type(num_qubits), len(outcomes))


def _integers(found: Collection[Any]) -> Collection[int]:
    """Return ints, or decimal numbers as ints: digits alone, where `int` takes signs and spaces."""
    if set(map(type, found)) - {int}:
        digits = "".join(found)
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError(digits[:100])
        return list(map(int, found))  # raises for "", and for more digits than Python reads
    if min(found, default=0) < 0:
        raise ValueError(min(found))
    return found


#: Types of decoded JSON, in words.
_KINDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), type(value).__name__)


def _integer_type(bits: int) -> type:
    return np.int64 if bits <= _INT64_BITS else object


def to_clbits(outcomes: NDArray[Any], measured: Sequence[int | None]) -> NDArray[Any]:
    """Map outcomes over the qubits to the classical bits.

    Args:
        outcomes: Outcomes over the qubits, qubit 0 the least significant bit; shape (n,).
        measured: For each classical bit the qubit measured into it, or None: it stays 0.

    Returns:
        For each outcome the value of the classical bits, bit 0 the least significant; shape (n,).
    """
    final = _integer_type(len(measured))
    working = object if outcomes.dtype == object else final
    # Bits that move by the same distance move together.
    moved: dict[int, int] = {}
    for bit, qubit in enumerate(measured):
        if qubit is not None:
            moved[bit - qubit] = moved.get(bit - qubit, 0) | 1 << qubit
    source: NDArray[Any] = outcomes.astype(working, copy=False)
    values: NDArray[Any] = np.zeros(len(outcomes), dtype=working)
    for distance, mask in moved.items():
        bits = source & mask
        values |= bits << distance if distance >= 0 else bits >> -distance
    return values.astype(final, copy=False)


def measure(
    outcomes: NDArray[Any], probabilities: NDArray[np.float64], measured: Sequence[int | None]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Map a distribution over the qubits to the classical bits.

    Args:
        outcomes: Outcomes over the qubits, qubit 0 the least significant bit; shape (n,).
        probabilities: Their probabilities; shape (n,).
        measured: For each classical bit the qubit measured into it, or None: it stays 0.

    Returns:
        Values of the classical bits, bit 0 the least significant, in increasing order, and
        their probabilities; shapes (m,), m <= n.
    """
    values = to_clbits(outcomes, measured)
    if (values[1:] > values[:-1]).all():
        return values, probabilities
    if values.dtype != object and values.max() < _DENSE * len(values):
        there = np.flatnonzero(np.bincount(values))
        return there, _sums(values, probabilities)[there]
    distinct, which = np.unique(values, return_inverse=True)
    return distinct, _sums(which, probabilities)


def _sums(which: NDArray[Any], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the weights of each index in `which`."""
    return np.bincount(which, weights=weights).astype(np.float64, copy=False)


#: From so many edges on, points in increasing order are searched faster: twice, among a million.
_MANY_EDGES = 4096


def sample(probabilities: NDArray[np.float64], shots: int, seed: int) -> NDArray[np.intp]:
    """Sample shots from a distribution.

    Returns:
        For each shot, in order, the index of its outcome; shape (shots,).
    """
    edges = np.cumsum(probabilities)
    edges /= edges[-1]
    points = np.random.default_rng(seed).random(shots)
    if len(edges) < _MANY_EDGES:
        return np.searchsorted(edges, points, side="right")
    order = np.argsort(points)
    drawn = np.empty(shots, dtype=np.intp)
    drawn[order] = np.searchsorted(edges, points[order], side="right")
    return drawn


def apportion(probabilities: NDArray[np.float64], shots: int) -> NDArray[np.int64]:
    """Turn probabilities into whole counts that add up to `shots` (largest remainder).

    Of equal remainders the earlier is rounded up. If every probability is a whole number
    of shots, as in a QPU's histogram, the result is those numbers.
    """
    exact = probabilities * shots
    counts = np.floor(exact).astype(np.int64)
    missing = shots - int(counts.sum())
    if missing:
        remainders = exact - counts
        least = np.partition(remainders, -missing)[-missing]
        above = remainders > least
        counts[above] += 1
        equal = np.flatnonzero(remainders == least)
        counts[equal[: missing - np.count_nonzero(above)]] += 1
    return counts


def bit_strings(values: NDArray[Any], width: int, register_sizes: Sequence[int]) -> list[str]:
    """Return values of classical bits as Qiskit's strings: last register first, spaces between.

    Args:
        values: Values of the classical bits, bit 0 the least significant; shape (n,).
        width: The number of bits.
        register_sizes: The sizes of the registers, which add up to `width`; empty if registers
            do not split the bits.

    Returns:
        n strings of `width` digits and the spaces.
    """
    size = (width + 7) // 8
    if values.dtype == object:
        raw = b"".join(value.to_bytes(size, "big") for value in values)
        table = np.frombuffer(raw, dtype=np.uint8).reshape(len(values), size)
    else:
        table = values.astype(">i8").view(np.uint8).reshape(len(values), 8)[:, 8 - size :]
    digits = np.unpackbits(table, axis=1)[:, -width:]
    registers = list(reversed(register_sizes)) or [width]
    text = np.full((len(values), width + len(registers)), ord(" "), dtype=np.uint8)
    done = 0
    for number, bits in enumerate(registers):
        text[:, done + number : done + number + bits] = digits[:, done : done + bits] + ord("0")
        done += bits
    text[:, -1] = ord("\n")
    return text.tobytes().decode("ascii").split("\n")[:-1]


#: The register of all qubits in the API document's examples.
WHOLE_REGISTER = "output_all"


def fold(
    shots: Sequence[Mapping[str, Any]], bits: Sequence[tuple[str, int]], job_id: str
) -> NDArray[Any]:
    """Return the number that is made of bits of each shot.

    Args:
        shots: For each shot, the bits of each register, bit 0 first.
        bits: Register and place of each bit of the number, the least significant first.
        job_id: The job of the shots.

    Returns:
        Shape (shots,), of int64 or, if that is too narrow, of Python ints.

    Raises:
        IonQJobError: The shots lack a register, or it has another size or bits other than 0 and 1.
    """
    values: NDArray[Any] = np.zeros(len(shots), dtype=_integer_type(len(bits)))
    columns: dict[str, NDArray[np.int64]] = {}
    for name in dict.fromkeys(name for name, _ in bits):
        size = 1 + max(place for register, place in bits if register == name)
        try:
            column = np.array([shot[name] for shot in shots])
            usable = column.ndim == 2 and bool(np.isin(column, (0, 1)).all())  # noqa: PLR2004
        except (KeyError, ValueError, TypeError):
            usable = False
        if not usable or column.shape[1] != size:
            there = ", ".join(sorted({register for shot in shots for register in shot}))
            raise IonQJobError(
                f"The shots of job {job_id} do not all have {size} bits of register {name!r}; "
                f"they have: {there or 'nothing'}.",
                job_id=job_id,
            )
        columns[name] = column.astype(np.int64)
    for index, (name, place) in enumerate(bits):
        values |= columns[name][:, place].astype(values.dtype) << index
    return values


def registers_of(body: object, job_id: str) -> list[dict[str, Any]]:
    """Return the registers of each shot that did not leak.

    Leaked shots have `leakage_bits`, and are surplus: IonQ counts them in no histogram.
    """
    shots = body.get("shots") if isinstance(body, dict) else None
    if not isinstance(shots, list) or not all(
        isinstance(shot, dict) and isinstance(shot.get("registers"), dict) for shot in shots
    ):
        raise IonQJobError(f"The shots of job {job_id} are not a list of registers.", job_id=job_id)
    kept = [shot["registers"] for shot in shots if not shot.get("leakage_bits")]
    if not kept:
        raise IonQJobError(
            f"Job {job_id} has no shots to be read: {len(shots)} of {len(shots)} leaked.",
            job_id=job_id,
        )
    return kept


def with_qubits(record: JobRecord, found: dict[str, Any]) -> dict[str, Any]:
    """Return a program's experiment with its number of qubits in place of that of its bits."""
    header = {k: v for k, v in found["header"].items() if k != "meas_mapped"}
    return {**found, "header": {**header, "n_qubits": record.header.num_qubits}}
