"""A job's histogram -> counts, probabilities and memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from qiskit.exceptions import QiskitError
from qiskit.result import Result

from ionq_toolkit.errors import IonQJobError, IonQJobFailureError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

#: How far a histogram may be from summing to one. Live ones have been off by 1e-5.
SUM_TOLERANCE = 1e-3

#: Outcomes wider than this do not fit NumPy's 64-bit integers.
_INT64_BITS = 62


class IonQResult(Result):
    """A Qiskit result that also has the probabilities behind the counts."""

    def get_probabilities(
        self, experiment: QuantumCircuit | str | int | None = None
    ) -> dict[str, float] | list[dict[str, float]]:
        """Return outcomes and their probabilities: every outcome, sampled or not.

        Args:
            experiment: Which one: its index, name or circuit; None for all.

        Returns:
            A dict from bit strings, written as in `get_counts`, to probabilities
            that sum to one; a list of them if there are several experiments.

        Raises:
            QiskitError: There is no such experiment.
            IonQJobError: The experiment has no probabilities.
        """
        keys = range(len(self.results)) if experiment is None else [experiment]
        found = [self._probabilities_of(key) for key in keys]
        return found[0] if len(found) == 1 else found

    def _probabilities_of(self, key: QuantumCircuit | str | int) -> dict[str, float]:
        try:
            probabilities = self.data(key)["probabilities"]
        except KeyError as error:
            raise IonQJobError(f"Experiment {key!r} has no probabilities.") from error
        header = self._get_experiment(key).header or {}
        sizes = [size for _, size in header.get("creg_sizes", ())]
        width = header.get("memory_slots", 0)
        return {_bit_string(int(k, 16), width, sizes): p for k, p in probabilities.items()}

    def get_counts(self, experiment: QuantumCircuit | str | int | None = None) -> Any:  # noqa: ANN401 - Qiskit's Counts, or a list of them
        """Return the counts, as `qiskit.result.Result.get_counts` does.

        Raises:
            IonQJobError: The job's shots are not known, so that there are only probabilities.
        """
        try:
            return super().get_counts(experiment)
        except IonQJobFailureError:
            raise
        except QiskitError as error:
            if any("counts" in e.data.to_dict() for e in self.results):
                raise
            raise IonQJobError(
                f"The record of job {self.job_id} does not say how many shots it had (an ideal "
                "simulation keeps none), so it has no counts. Use get_probabilities().",
                job_id=self.job_id,
            ) from error

    def _get_experiment(self, key: Any = None) -> Any:  # noqa: ANN401 - Qiskit's ExperimentResult
        """Return one experiment, as Qiskit does; of one that failed, say why it did."""
        try:
            return super()._get_experiment(key)
        except QiskitError as error:
            found = self._named(key)
            if found is None or found.success:
                raise
            failure = getattr(found, "failure", {})
            raise IonQJobFailureError(
                f"Circuit {found.header.get('name', key)!r} of job {self.job_id} has no result: "
                f"{found.status}",
                job_id=failure.get("job_id", self.job_id),
                code=failure.get("code"),
                failure=failure.get("message", ""),
            ) from error

    def _named(self, key: QuantumCircuit | str | int | None) -> Any:  # noqa: ANN401 - as above
        """Return the experiment of that index, name or circuit, however it went, or None."""
        if key is None:
            key = 0
        if isinstance(key, int):
            return self.results[key] if -len(self.results) <= key < len(self.results) else None
        name = getattr(key, "name", key)
        return next((e for e in self.results if (e.header or {}).get("name") == name), None)


def _bit_string(value: int, width: int, register_sizes: Sequence[int]) -> str:
    """Write an outcome as Qiskit does: last register first, registers apart by a space."""
    bits = format(value, f"0{width}b") if width else ""
    parts, end = [], len(bits)
    for size in register_sizes:
        parts.append(bits[end - size : end])
        end -= size
    return " ".join(reversed(parts)) if parts else bits


def parse_histogram(
    histogram: Mapping[str, Any], num_qubits: int
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return (outcomes, probabilities) of a histogram as IonQ sends it.

    Args:
        histogram: Decimal outcomes, qubit 0 the least significant bit, and probabilities.
        num_qubits: The width of the register.

    Returns:
        Two arrays of shape (number of outcomes,), in increasing order of the outcomes. The
        outcomes are int64, or Python ints where these are too narrow; the probabilities
        sum to one.

    Raises:
        IonQJobError: The histogram is empty, is no distribution, or has outcomes that
            `num_qubits` qubits do not have.
    """
    try:
        numbers = [int(outcome) for outcome in histogram]
        probabilities = np.array([float(p) for p in histogram.values()], dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise IonQJobError(f"The histogram cannot be read: {error}.") from error
    if not numbers:
        raise IonQJobError("The histogram is empty.")
    if not 0 <= min(numbers) <= max(numbers) < 2**num_qubits:
        raise IonQJobError(
            f"The histogram has outcomes from {min(numbers)} to {max(numbers)}, which "
            f"{num_qubits} qubits do not have."
        )
    total = float(probabilities.sum())
    # Written so that NaN, which compares false with everything, is refused.
    if not (bool((probabilities >= 0).all()) and abs(total - 1) <= SUM_TOLERANCE):
        raise IonQJobError(
            f"The histogram is no distribution: its probabilities sum to {total:.6g}, the "
            f"smallest is {probabilities.min():.6g}."
        )
    outcomes: NDArray[Any] = np.array(numbers, dtype=_integer_type(num_qubits))
    order = np.argsort(outcomes)
    return outcomes[order], probabilities[order] / total


def measure(
    outcomes: NDArray[Any], probabilities: NDArray[np.float64], measured: Sequence[int | None]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Carry a distribution over qubits to the classical bits.

    Args:
        outcomes: Outcomes over the qubits, qubit 0 the least significant bit; shape (n,).
        probabilities: Their probabilities; shape (n,).
        measured: For each classical bit the qubit measured into it, or None: it stays 0.

    Returns:
        Values of the classical bits, bit 0 the least significant, in increasing order, and
        their probabilities; shapes (m,), m <= n.
    """
    dtype = _integer_type(max(len(measured), 64 if outcomes.dtype == object else 0))
    values: NDArray[Any] = np.zeros(len(outcomes), dtype=dtype)
    source: NDArray[Any] = outcomes.astype(dtype)
    for bit, qubit in enumerate(measured):
        if qubit is not None:
            values |= ((source >> qubit) & 1) << bit
    distinct, inverse = np.unique(values, return_inverse=True)
    summed = np.bincount(inverse, weights=probabilities, minlength=len(distinct))
    return distinct, summed.astype(np.float64, copy=False)


def _integer_type(bits: int) -> type:
    return np.int64 if bits <= _INT64_BITS else object


def sample(probabilities: NDArray[np.float64], shots: int, seed: int) -> NDArray[np.intp]:
    """Draw shots from a distribution.

    Returns:
        For each shot, in order, the index of its outcome; shape (shots,).
    """
    generator = np.random.default_rng(seed)
    return generator.choice(len(probabilities), size=shots, p=probabilities)


def apportion(probabilities: NDArray[np.float64], shots: int) -> NDArray[np.int64]:
    """Turn probabilities into whole counts that add up to `shots` (largest remainder).

    Where every probability is a whole number of shots, as for a device's histogram,
    these are those numbers.
    """
    exact = probabilities * shots
    counts = np.floor(exact).astype(np.int64)
    missing = shots - int(counts.sum())
    if missing:
        counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    return counts


def _keys_of_shots(raw_shots: Sequence[int | str], header: Mapping[str, Any]) -> list[str]:
    """Return the value of the classical bits in each shot, in hexadecimal."""
    if not raw_shots:
        raise IonQJobError("There is not a single shot.")
    try:
        numbers = [int(shot) for shot in raw_shots]
    except (TypeError, ValueError) as error:
        raise IonQJobError(f"The shots cannot be read: {error}.") from error
    histogram = {str(number): n / len(numbers) for number, n in Counter(numbers).items()}
    outcomes, _ = parse_histogram(histogram, header["n_qubits"])
    hexadecimal = {
        outcome: hex(measure(outcomes[[place]], np.ones(1), header["meas_mapped"])[0].item())
        for place, outcome in enumerate(outcomes.tolist())
    }
    return [hexadecimal[number] for number in numbers]


def experiment(
    histogram: Mapping[str, Any],
    header: Mapping[str, Any],
    *,
    shots: int | None,
    seed: int | None,
    memory: bool,
    raw_shots: Sequence[int | str] | None = None,
) -> dict[str, Any]:
    """Return one experiment of a Qiskit result, as a dict for `Result.from_dict`.

    Args:
        histogram: The histogram as IonQ sends it.
        header: `n_qubits`, `memory_slots`, `meas_mapped`, and what else Qiskit should know.
        shots: How many shots the job had; None if that is not known.
        seed: What seeds the sampling of exact probabilities; None if the histogram
            counts shots already.
        memory: Whether to keep each shot. Only where `seed` or `raw_shots` is given.
        raw_shots: The outcome of each shot over the qubits, in order, where there are any: counts
            and memory are theirs then.

    Raises:
        IonQJobError: The histogram is unusable.
    """
    outcomes, probabilities = parse_histogram(histogram, header["n_qubits"])
    values, probabilities = measure(outcomes, probabilities, header["meas_mapped"])
    keys = [hex(value) for value in values.tolist()]
    data: dict[str, Any] = {"probabilities": dict(zip(keys, probabilities.tolist(), strict=True))}
    if raw_shots is not None:
        drawn_keys = _keys_of_shots(raw_shots, header)
        data["counts"] = dict(Counter(drawn_keys))
        shots = len(drawn_keys)
        if memory:
            data["memory"] = drawn_keys
    elif shots is not None:
        if seed is None:
            counts = apportion(probabilities, shots)
        else:
            drawn = sample(probabilities, shots, seed)
            counts = np.bincount(drawn, minlength=len(keys))
            if memory:
                data["memory"] = [keys[index] for index in drawn.tolist()]
        data["counts"] = {k: n for k, n in zip(keys, counts.tolist(), strict=True) if n}
    return {
        "shots": shots or 0,
        "success": True,
        "data": data,
        "header": dict(header),
        "seed": seed,
    }
