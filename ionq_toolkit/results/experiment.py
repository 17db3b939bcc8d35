"""The numbers of one circuit as arrays, and Qiskit's dictionaries on demand."""

from __future__ import annotations

from collections.abc import ItemsView, Mapping, ValuesView
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from qiskit.result import Counts
from qiskit.result.models import ExperimentResult, ExperimentResultData

from ionq_toolkit.errors import IonQJobError
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


#: More probabilities than these are only written as strings when somebody looks, so many at a
#: time: a million of them in a dict take longer than everything else together.
_WRITTEN_AT_ONCE = 2**16


class ExperimentData(ExperimentResultData):
    """What is known of one experiment, as arrays; Qiskit's dicts are written when they are read.

    `counts` and `probabilities` are dicts and `memory` a list, with hexadecimal outcomes, as
    Qiskit defines them. Once one of them is set or deleted, as `qiskit.result.marginal_counts`
    does, all are what they then are, and the arrays are gone.
    """

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        self.__dict__["arrays"] = arrays
        there = {"counts": arrays.counts, "memory": arrays.shots, "probabilities": arrays.values}
        self._data_attributes = [name for name, array in there.items() if array is not None]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a dict or a list
        # Only called for what is not written yet.
        arrays: Arrays | None = self.__dict__.get("arrays")
        if arrays is None or name not in self._data_attributes:
            if name == "memory" and arrays is not None and arrays.memory_wanted:
                # An AttributeError would make Qiskit's sampler take every shot for zeros.
                raise _no_memory(wanted=True, job_id=None)
            raise AttributeError(f"There is no {name} in the data of this experiment.")
        written = self.__dict__[name] = arrays.write(name)
        return written

    def __setattr__(self, name: str, value: object) -> None:
        if name in {"counts", "memory", "probabilities"}:
            self._let_go()
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self._let_go()
        super().__delattr__(name)
        self._data_attributes.remove(name)

    def _let_go(self) -> None:
        self.to_dict()
        self.__dict__["arrays"] = None


class Arrays(NamedTuple):
    """The numbers of one experiment, over its classical bits.

    Attributes:
        values: What was or could have been measured, in increasing order; shape (n,).
        probabilities: The probability of each; shape (n,).
        counts: (values, how often each was drawn), in increasing order, none of them zero;
            shapes (m,) and (m,). None if the shots are not known.
        shots: What each shot measured, in order; shape (shots,). None if that is not kept.
        memory_wanted: Whether the job was to keep each shot.
    """

    values: NDArray[Any]
    probabilities: NDArray[np.float64]
    counts: tuple[NDArray[Any], NDArray[np.int64]] | None
    shots: NDArray[Any] | None
    memory_wanted: bool

    def write(self, name: str) -> dict[str, Any] | list[str]:
        """Return what Qiskit calls `counts`, `probabilities` or `memory`."""
        if name == "memory" and self.shots is not None:
            return _per_shot(self.shots, _hexadecimal)
        values: NDArray[Any]
        numbers: NDArray[Any]
        values, numbers = self.values, self.probabilities
        if name == "counts" and self.counts is not None:
            values, numbers = self.counts
        return dict(zip(_hexadecimal(values), numbers.tolist(), strict=True))


class _ProbabilitiesToWrite(Mapping[str, float]):
    """Very many probabilities, which are written as strings when they are read.

    Reading them one after another writes some at a time, and keeps none: to put a million strings
    into a dict takes Python longer than to make them. Looking one up by its key needs the dict.
    """

    def __init__(
        self,
        values: NDArray[Any],
        probabilities: NDArray[np.float64],
        header: Mapping[str, Any],
    ) -> None:
        self._values, self._probabilities, self._header = values, probabilities, header

    @cached_property
    def _dict(self) -> dict[str, float]:
        keys = _written(self._values, self._header)
        return dict(zip(keys, self._probabilities.tolist(), strict=True))

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, key: str) -> float:
        return self._dict[key]

    def __iter__(self) -> Iterator[str]:
        for part in self._parts():
            yield from _written(self._values[part], self._header)

    def items(self) -> ItemsView[str, float]:
        return _Items(self)

    def values(self) -> ValuesView[float]:
        return _Values(self)

    def __repr__(self) -> str:
        return f"<probabilities of {len(self)} outcomes>"

    def pairs(self) -> Iterator[tuple[str, float]]:
        """Yield each outcome and its probability."""
        for part in self._parts():
            keys = _written(self._values[part], self._header)
            yield from zip(keys, self._probabilities[part].tolist(), strict=True)

    def numbers(self) -> Iterator[float]:
        """Yield each probability."""
        return iter(self._probabilities.tolist())

    def _parts(self) -> Iterator[slice]:
        for begin in range(0, len(self), _WRITTEN_AT_ONCE):
            yield slice(begin, begin + _WRITTEN_AT_ONCE)


class _Items(ItemsView[str, float]):
    _mapping: _ProbabilitiesToWrite

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return self._mapping.pairs()


class _Values(ValuesView[float]):
    _mapping: _ProbabilitiesToWrite

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
) -> dict[str, Any]:
    """Return one experiment of a result, for `IonQResult.from_dict`.

    Args:
        histogram: The histogram as IonQ sends it.
        header: `n_qubits`, `meas_mapped`, `creg_sizes`, and what else Qiskit should know.
        shots: How many shots the job had; None if that is not known.
        seed: What seeds the sampling of exact probabilities; None if the histogram
            counts shots already. Not used with `raw_shots`.
        memory: Whether to keep each shot. Without `seed` and `raw_shots` there are none to
            keep: then what asks for them gets an IonQJobError.
        raw_shots: The outcome of each shot as IonQ sends them. Counts and memory are then
            what these say, also where the histogram is a mitigated one.

    Raises:
        IonQJobError: The histogram or the shots are unusable.
    """
    width, measured = header["n_qubits"], header["meas_mapped"]
    outcomes, probabilities = parse_histogram(histogram, width)
    values, probabilities = measure(outcomes, probabilities, measured)
    counts = each_shot = None
    if raw_shots is not None:
        each_shot = to_clbits(parse_shots(raw_shots, width, shots), measured)
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


def _experiment_result(one: Mapping[str, Any]) -> ExperimentResult:
    fields = dict(one)
    data = fields.pop("data")
    if not isinstance(data, ExperimentResultData):
        data = ExperimentResultData.from_dict(data)
    return ExperimentResult(data=data, **fields)


def _arrays(one: ExperimentResult) -> Arrays | None:
    return one.data.arrays if isinstance(one.data, ExperimentData) else None


def _counts(values: NDArray[Any], numbers: NDArray[np.int64], one: ExperimentResult) -> Any:  # noqa: ANN401 - Qiskit is untyped
    """Make Qiskit's `Counts`, whose own way from the data to the keys takes them one by one."""
    counts, listed = Counts({}, **_described(one.header)), numbers.tolist()
    if len(listed) <= _WRITTEN_AT_ONCE:
        counts.hex_raw = dict(one.data.counts)
        counts.int_raw = dict(zip(values.tolist(), listed, strict=True))
    else:  # Qiskit makes them when they are asked for
        counts.hex_raw = counts.int_raw = None
    counts.update(zip(_written(values, one.header), listed, strict=True))
    return counts


def _described(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Qiskit's `Counts` takes of a header."""
    return {k: header[k] for k in ("time_taken", "creg_sizes", "memory_slots") if k in header}


def _hexadecimal(values: NDArray[Any]) -> list[str]:
    return [hex(value) for value in values.tolist()]


def _written(values: NDArray[Any], header: Mapping[str, Any]) -> list[str]:
    """Write values as Qiskit does for a circuit of this header."""
    sizes = [size for _, size in header.get("creg_sizes") or ()]
    # Of no bits at all Qiskit writes "0".
    return bit_strings(values, header["memory_slots"] or 1, sizes)


def _per_shot(shots: NDArray[Any], write: Callable[[NDArray[Any]], Sequence[str]]) -> list[str]:
    """Write the value of each shot, but each value only once."""
    values, which = np.unique(shots, return_inverse=True)
    texts = np.array(write(values), dtype=object)
    written: list[str] = texts[which].tolist()
    return written


def _no_memory(wanted: bool, job_id: str | None) -> IonQJobError:
    if wanted:
        text = "IonQ kept no outcome of each shot of this job; its counts are get_counts()."
    else:
        text = (
            "The job was not run with memory=True. Of noisy simulations and machines, get_memory() "
            "of the job itself asks IonQ for it all the same."
        )
    return IonQJobError(f"No memory: {text}", job_id=job_id)
