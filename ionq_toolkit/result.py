"""A job's histogram and shots -> counts, probabilities and memory."""

from __future__ import annotations

import warnings
from collections.abc import ItemsView, Mapping, ValuesView
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from qiskit import QuantumCircuit
from qiskit.result import Counts, Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

from ionq_toolkit.errors import IonQJobError, IonQJobFailureError
from ionq_toolkit.histogram import (
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

_T = TypeVar("_T")

#: More probabilities than these are only written as strings when somebody looks, so many at a
#: time: a million of them in a dict take longer than everything else together.
_WRITTEN_AT_ONCE = 2**16


class IonQResult(Result):
    """A Qiskit result that also has the probabilities behind the counts.

    Each `get_...` takes one experiment: its index, its name, or the circuit. Without, it
    returns a list of all of them, or what there is of the only one. All of them, like
    `data`, raise:

    - IonQJobError: there is no such experiment, or nothing of that kind in it;
    - IonQJobFailureError: that circuit of the job failed.
    """

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> IonQResult:
        """Create a result from what `to_dict` returns, or from experiments of `experiment`."""
        fields = dict(data)
        results = [_experiment_result(one) for one in fields.pop("results")]
        return cls(results=results, **fields)

    def get_counts(self, experiment: QuantumCircuit | str | int | None = None) -> Any:  # noqa: ANN401 - Qiskit's Counts, or a list of them
        """Return the counts, as `qiskit.result.Result.get_counts` does.

        Returns:
            Qiskit's `Counts`, a dict from bit strings (bit 0 on the right, registers apart
            by a space) to how often each was drawn, in increasing order of the outcomes.
        """
        return self._each(self._counts_of, experiment)

    def get_probabilities(
        self, experiment: QuantumCircuit | str | int | None = None
    ) -> Mapping[str, float] | list[Mapping[str, float]]:
        """Return outcomes and their probabilities: every outcome, sampled or not.

        Returns:
            A dict from bit strings, written as in `get_counts`, to probabilities that sum
            to one. More than 65,536 outcomes are a read-only mapping, which is only
            written out when it is read; ``dict(found.items())`` makes it a dict.
        """
        return self._each(self._probabilities_of, experiment)

    def get_memory(self, experiment: QuantumCircuit | str | int | None = None) -> Any:  # noqa: ANN401 - a list, or a list of lists
        """Return the outcome of each shot, in order, of a job run with ``memory=True``.

        Returns:
            A list of bit strings, written as in `get_counts`.
        """
        return self._each(self._memory_of, experiment)

    def _each(
        self,
        read: Callable[[QuantumCircuit | str | int], _T],
        experiment: QuantumCircuit | str | int | None,
    ) -> _T | list[_T]:
        keys = range(len(self.results)) if experiment is None else [experiment]
        found = [read(key) for key in keys]
        return found[0] if len(found) == 1 else found

    def _counts_of(self, key: QuantumCircuit | str | int) -> Any:  # noqa: ANN401 - Qiskit is untyped
        one = self._get_experiment(key)
        arrays = _arrays(one)
        if arrays is None:
            if hasattr(one.data, "counts") or not hasattr(one.data, "probabilities"):
                return super().get_counts(key)
        elif arrays.counts is not None:
            return _counts(*arrays.counts, one)
        raise IonQJobError(
            f"The record of job {self.job_id} does not say how many shots it had (an ideal "
            "simulation keeps none), so it has no counts. Use get_probabilities().",
            job_id=self.job_id,
        )

    def _probabilities_of(self, key: QuantumCircuit | str | int) -> Mapping[str, float]:
        one = self._get_experiment(key)
        arrays = _arrays(one)
        if arrays is None:
            header = getattr(one, "header", None) or {}
            # Qiskit's marginal_counts narrows the register, and leaves the probabilities.
            bits = len(header.get("meas_mapped", ()))
            narrowed = bits and header.get("memory_slots") != bits
            if narrowed or not hasattr(one.data, "probabilities"):
                raise IonQJobError(
                    f"Experiment {_name(key)!r} of job {self.job_id} has no probabilities"
                    f"{', being one of marginal counts' if narrowed else ''}.",
                    job_id=self.job_id,
                )
            return dict(Counts(one.data.probabilities, **_described(header)))
        if len(arrays.values) > _WRITTEN_AT_ONCE:
            return _ProbabilitiesToWrite(arrays.values, arrays.probabilities, one.header)
        keys = _written(arrays.values, one.header)
        return dict(zip(keys, arrays.probabilities.tolist(), strict=True))

    def _memory_of(self, key: QuantumCircuit | str | int) -> Any:  # noqa: ANN401 - Qiskit is untyped
        one = self._get_experiment(key)
        arrays = _arrays(one)
        if arrays is None:
            return super().get_memory(key)
        if arrays.shots is None:
            raise _no_memory(arrays.memory_wanted, self.job_id)
        return _per_shot(arrays.shots, lambda values: _written(values, one.header))

    def _get_experiment(self, key: QuantumCircuit | str | int | None = None) -> ExperimentResult:
        """Return one experiment. Qiskit reads all that it returns through this."""
        found = self._find(_name(key))
        if not found.success:
            name, reason = _experiment_name(found), getattr(found, "status", None)
            failure = getattr(found, "failure", {})
            raise IonQJobFailureError(
                f"Circuit {name!r} of job {self.job_id} failed: {reason or 'no reason is known'}",
                job_id=failure.get("job_id", self.job_id),
                code=failure.get("code"),
                failure=failure.get("message", str(reason or "")),
            )
        return found

    def _find(self, key: str | int | None) -> ExperimentResult:
        count = len(self.results)
        if key is None and count != 1:
            raise IonQJobError(
                f"Job {self.job_id} has {count} experiments: say which, by index, name or circuit.",
                job_id=self.job_id,
            )
        if isinstance(key, int) or key is None:
            index = key or 0
            if not -count <= index < count:
                raise IonQJobError(
                    f"Job {self.job_id} has {count} experiments, and none with index {index}.",
                    job_id=self.job_id,
                )
            return self.results[index]
        named = [one for one in self.results if _experiment_name(one) == key]
        if not named:
            names = ", ".join(repr(_experiment_name(one)) for one in self.results[:5])
            raise IonQJobError(
                f"Job {self.job_id} has no experiment of the name {key!r}, but {names}"
                f"{', ...' if count > 5 else ''}. An index also works.",  # noqa: PLR2004
                job_id=self.job_id,
            )
        if len(named) > 1:
            warnings.warn(
                f"{len(named)} experiments have the name {key!r}; this is the first. "
                "An index tells them apart.",
                stacklevel=4,
            )
        return named[0]


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


def _name(key: QuantumCircuit | str | int | None) -> str | int | None:
    if isinstance(key, QuantumCircuit):
        return str(key.name)
    return int(key) if isinstance(key, Integral) else key


def _experiment_name(one: ExperimentResult) -> str:
    return str((getattr(one, "header", None) or {}).get("name", ""))


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
