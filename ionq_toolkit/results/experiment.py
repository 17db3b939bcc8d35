"""One circuit's numbers as arrays, and Qiskit's dictionaries on demand."""

from __future__ import annotations

from collections.abc import ItemsView, Mapping, ValuesView
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from qiskit.result import Counts
from qiskit.result.models import ExperimentResult, ExperimentResultData

from ionq_toolkit.errors import IonQJobError
from ionq_toolkit.forks import cached_property
from ionq_toolkit.results.histogram import (
    apportion,
    bit_strings,
    measure,
    parse_histogram,
    parse_shots,
    sample,
    to_clbits,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray


#: More outcomes than these are written as strings when they are read, so many at a time: a dict of
#: a million strings takes longer than everything else together.
_WRITTEN_AT_ONCE = 2**16


class ExperimentData(ExperimentResultData):
    """The data of one experiment as arrays, from which Qiskit's dicts are built when read.

    `counts` and `probabilities` are dicts and `memory` is a list, with hexadecimal outcomes, as
    Qiskit defines them. After one of them is set or deleted, as `qiskit.result.marginal_counts`
    does, all of them keep their values and `arrays` is None.
    """

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        self.__dict__["arrays"] = arrays
        there = {"counts": arrays.counts, "memory": arrays.shots, "probabilities": arrays.values}
        self._data_attributes = [name for name, array in there.items() if array is not None]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a dict or a list
        # Only called for an attribute that is not built yet.
        arrays: Arrays | None = self.__dict__.get("arrays")
        if arrays is None or name not in self._data_attributes:
            if name == "memory" and arrays is not None and arrays.memory_wanted:
                # An AttributeError would make Qiskit's sampler take every shot for zeros.
                raise arrays.no_memory()
            raise AttributeError(f"There is no {name} in the data of this experiment.")
        built = self.__dict__[name] = arrays.hexadecimal(name)
        return built

    def __setattr__(self, name: str, value: object) -> None:
        if name in {"counts", "memory", "probabilities"}:
            self._drop_arrays()
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self._drop_arrays()
        super().__delattr__(name)
        self._data_attributes.remove(name)

    def _drop_arrays(self) -> None:
        self.to_dict()
        self.__dict__["arrays"] = None


class Arrays(NamedTuple):
    """The numbers of one experiment, over its classical bits.

    Attributes:
        values: The outcomes, in increasing order; shape (n,).
        probabilities: The probability of each; shape (n,).
        counts: (values, how often each was sampled), in increasing order, none of them zero;
            shapes (m,) and (m,). None if the shots are not known.
        shots: The outcome of each shot, in order; shape (shots,). None if that is not kept.
        memory_wanted: Whether the job was submitted with ``memory=True``.
    """

    values: NDArray[Any]
    probabilities: NDArray[np.float64]
    counts: tuple[NDArray[Any], NDArray[np.int64]] | None
    shots: NDArray[Any] | None
    memory_wanted: bool

    def hexadecimal(self, name: str) -> dict[str, Any] | list[str]:
        """Return Qiskit's `counts`, `probabilities` or `memory`, with hexadecimal outcomes."""
        if name == "memory" and self.shots is not None:
            return _per_shot(self.shots, _hexadecimal)
        values: NDArray[Any]
        numbers: NDArray[Any]
        values, numbers = self.values, self.probabilities
        if name == "counts" and self.counts is not None:
            values, numbers = self.counts
        return dict(zip(_hexadecimal(values), numbers.tolist(), strict=True))

    def to_probabilities(self, header: Mapping[str, Any]) -> Mapping[str, float]:
        """Return bit strings and their probabilities; a lazy mapping if there are very many."""
        found = LazyProbabilities(self, header)
        return found if len(found) > _WRITTEN_AT_ONCE else dict(found.pairs())

    def most_frequent(self, header: Mapping[str, Any], most: int) -> list[tuple[str, float]]:
        """Return the bit strings of the most frequent outcomes, in order, and their counts.

        Without counts, their probabilities.
        """
        values: NDArray[Any]
        numbers: NDArray[Any]
        values, numbers = self.counts or (self.values, self.probabilities)
        kept = np.sort(np.argsort(-numbers, kind="stable")[:most])
        return list(zip(_written(values[kept], header), numbers[kept].tolist(), strict=True))

    def to_memory(self, header: Mapping[str, Any], job_id: str | None) -> list[str]:
        """Return the bit string of each shot of a job."""
        if self.shots is None:
            raise self.no_memory(job_id)
        return _per_shot(self.shots, lambda values: _written(values, header))

    def no_memory(self, job_id: str | None = None) -> IonQJobError:
        """Return the error for outcomes of single shots that are not kept."""
        if self.memory_wanted:
            text = "IonQ kept no outcome of each shot of this job; its counts are get_counts()."
        else:
            text = (
                "The job was not run with memory=True. Of noisy simulations and machines, "
                "get_memory() of the job itself asks IonQ for it all the same."
            )
        return IonQJobError(f"No memory: {text}", job_id=job_id)


class LazyProbabilities(Mapping[str, float]):
    """Very many probabilities, whose bit strings are written when they are read.

    Iteration writes some at a time and keeps none. A look-up by key needs a dict of all.
    """

    def __init__(self, arrays: Arrays, header: Mapping[str, Any]) -> None:
        self._arrays, self._header = arrays, header

    @cached_property
    def _dict(self) -> dict[str, float]:
        return dict(self.pairs())

    def __len__(self) -> int:
        return len(self._arrays.values)

    def __getitem__(self, key: str) -> float:
        return self._dict[key]

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self.pairs())

    def items(self) -> ItemsView[str, float]:
        """Return a view that writes outcomes as it is read."""
        return _Items(self)

    def values(self) -> ValuesView[float]:
        """Return a view that writes no outcomes."""
        return _Values(self)

    def __repr__(self) -> str:
        return f"<probabilities of {len(self)} outcomes>"

    def pairs(self) -> Iterator[tuple[str, float]]:
        """Yield each outcome and its probability."""
        for begin in range(0, len(self), _WRITTEN_AT_ONCE):
            part = slice(begin, begin + _WRITTEN_AT_ONCE)
            keys = _written(self._arrays.values[part], self._header)
            yield from zip(keys, self._arrays.probabilities[part].tolist(), strict=True)

    def numbers(self) -> Iterator[float]:
        """Yield each probability."""
        return iter(self._arrays.probabilities.tolist())


class _Items(ItemsView[str, float]):
    _mapping: LazyProbabilities

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return self._mapping.pairs()


class _Values(ValuesView[float]):
    _mapping: LazyProbabilities

    def __iter__(self) -> Iterator[float]:
        return self._mapping.numbers()


def experiment(
    histogram: object,
    header: Mapping[str, Any],
    *,
    shots: int | None,
    seed: int | None,
    memory: bool,
    raw_shots: object = None,
    fewer: bool = False,
) -> dict[str, Any]:
    """Return one experiment of a result, for `IonQResult.from_dict`.

    Args:
        histogram: The histogram as IonQ sends it.
        header: `n_qubits`, `meas_mapped`, `creg_sizes`, and other fields for Qiskit's header.
        shots: The number of shots; None if that is not known.
        seed: The seed for sampling exact probabilities; None if the histogram
            counts shots already. Not used with `raw_shots`.
        memory: Whether to keep each shot. Without `seed` and `raw_shots` this is not possible,
            and reading the memory raises an IonQJobError.
        raw_shots: The outcome of each shot as IonQ sends them. Counts and memory are then
            taken from these, also if the histogram is mitigated.
        fewer: Whether `raw_shots` can be fewer than `shots`.

    Raises:
        IonQJobError: The histogram or the shots are unusable.
    """
    width, measured = header["n_qubits"], header["meas_mapped"]
    outcomes, probabilities = parse_histogram(histogram, width)
    values, probabilities = measure(outcomes, probabilities, measured)
    counts = each_shot = None
    if raw_shots is not None:
        each_shot = to_clbits(parse_shots(raw_shots, width, shots, fewer=fewer), measured)
        shots = len(each_shot)
        seen, numbers = np.unique(each_shot, return_counts=True)
        counts = seen, numbers.astype(np.int64, copy=False)
    elif shots is not None:
        if seed is None:
            numbers = apportion(probabilities, shots)
        else:
            drawn = sample(probabilities, shots, seed)
            numbers = np.bincount(drawn, minlength=len(values)).astype(np.int64, copy=False)
            each_shot = values[drawn]
        some = np.flatnonzero(numbers)
        counts = values[some], numbers[some]
    arrays = Arrays(values, probabilities, counts, each_shot if memory else None, memory)
    return {
        "shots": shots or 0,
        "success": True,
        "data": ExperimentData(arrays),
        "header": {**header, "memory_slots": len(measured)},
        "seed": seed,
    }


def to_experiment_result(one: Mapping[str, Any]) -> ExperimentResult:
    """Return Qiskit's model of an experiment that `experiment` or `to_dict` returns."""
    fields = dict(one)
    data = fields.pop("data")
    if not isinstance(data, ExperimentResultData):
        data = ExperimentResultData.from_dict(data)
    return ExperimentResult(data=data, **fields)


def arrays_of(one: ExperimentResult) -> Arrays | None:
    """Return the arrays of an experiment, or None if it has Qiskit's dicts alone."""
    return one.data.arrays if isinstance(one.data, ExperimentData) else None


def qiskit_counts(values: NDArray[Any], numbers: NDArray[np.int64], one: ExperimentResult) -> Any:  # noqa: ANN401 - Qiskit is untyped
    """Return Qiskit's `Counts`, without its slow way from the data to the keys."""
    counts, listed = Counts({}, **described(one.header)), numbers.tolist()
    if len(listed) <= _WRITTEN_AT_ONCE:
        counts.hex_raw = dict(one.data.counts)
        counts.int_raw = dict(zip(values.tolist(), listed, strict=True))
    else:  # Qiskit makes them when they are read
        counts.hex_raw = counts.int_raw = None
    counts.update(zip(_written(values, one.header), listed, strict=True))
    return counts


def described(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a header that Qiskit's `Counts` takes."""
    return {k: header[k] for k in ("time_taken", "creg_sizes", "memory_slots") if k in header}


def _hexadecimal(values: NDArray[Any]) -> list[str]:
    return [hex(value) for value in values.tolist()]


def _written(values: NDArray[Any], header: Mapping[str, Any]) -> list[str]:
    """Return values as Qiskit's bit strings for a circuit with this header."""
    sizes = [size for _, size in header.get("creg_sizes") or ()]
    # Qiskit writes "0" for zero bits.
    return bit_strings(values, header["memory_slots"] or 1, sizes)


def _per_shot(shots: NDArray[Any], write: Callable[[NDArray[Any]], Sequence[str]]) -> list[str]:
    """Write the value of each shot, but each value only once."""
    values, which = np.unique(shots, return_inverse=True)
    texts = np.array(write(values), dtype=object)
    written: list[str] = texts[which].tolist()
    return written
