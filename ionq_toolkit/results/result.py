"""IonQResult: the counts, probabilities and memory of a job."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeVar, overload

from qiskit import QuantumCircuit
from qiskit.result import Counts, Result

from ionq_toolkit.display import Bar, View, plots, shown
from ionq_toolkit.errors import IonQJobError, IonQJobFailureError
from ionq_toolkit.results.experiment import (
    arrays_of,
    described,
    qiskit_counts,
    to_experiment_result,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qiskit.result.models import ExperimentResult


_T = TypeVar("_T")

#: How many experiments, and outcomes of each, a result shows.
_MOST_EXPERIMENTS, _MOST_OUTCOMES = 4, 16


class IonQResult(Result):
    """A Qiskit result that also has the probabilities behind the counts.

    Each `get_...` takes one experiment: its index, its name, or the circuit. Without one, it
    returns a list for all experiments, or the value of the only one. All of them, like
    `data`, raise:

    - IonQJobError: the result has no such experiment, or the experiment no such data;
    - IonQJobFailureError: that circuit of the job failed.

    ::

        result = job.result()
        result.get_probabilities()  # -> {'00': 0.5, '11': 0.5}
    """

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> IonQResult:
        """Create a result from the return value of `to_dict`, or from ones of `experiment`.

        ::

            kept = job.result().to_dict()
            IonQResult.from_dict(kept).get_counts() == job.get_counts()  # -> True
        """
        fields = dict(data)
        results = [to_experiment_result(one) for one in fields.pop("results")]
        return cls(results=results, **fields)

    def __repr__(self) -> str:
        count = len(self.results)
        several = "experiment" if count == 1 else "experiments"
        return f"<{type(self).__name__} of job {self.job_id}: {count} {several}>"

    def _view(self) -> View:
        bars: list[Bar] = []
        notes = [f"{len(self.results) - _MOST_EXPERIMENTS} more experiments"]
        notes = notes if len(self.results) > _MOST_EXPERIMENTS else []
        for one in self.results[:_MOST_EXPERIMENTS]:
            name = f"{_experiment_name(one)}  " if len(self.results) > 1 else ""
            if not one.success:
                notes.append(f"{_experiment_name(one)} failed: {getattr(one, 'status', '')}")
                continue
            outcomes, total = _outcomes(one)
            longest = max((number for _, number in outcomes), default=1) or 1
            for bits, number in outcomes:
                whole = f"{number}  {number / total:.1%}" if total > 1 else f"{number:.4f}"
                bars.append(Bar(f"{name}{bits}", number / longest, whole))
            if len(outcomes) == _MOST_OUTCOMES:
                notes.append(f"{name}the {_MOST_OUTCOMES} most frequent outcomes")
        shots = {getattr(one, "shots", None) for one in self.results}
        return View(
            f"{type(self).__name__} of job {self.job_id}",
            badge="completed" if self.success else "failed in part",
            tone="good" if self.success else "bad",
            facts={
                "backend": self.backend_name,
                "shots": shots.pop() if len(shots) == 1 else None,
            },
            bars=bars,
            note="; ".join(notes),
        )

    _repr_html_, _repr_pretty_ = shown(_view)

    def plot(self, **options: Any) -> Any:  # noqa: ANN401 - Qiskit's options, and a figure
        """Return Qiskit's histogram of the counts; without shots, of the probabilities.

        ::

            job.result().plot(title="Bell state").savefig("bell.png")

        Args:
            options: Those of ``qiskit.visualization.plot_histogram``, such as `title`.

        Raises:
            IonQClientError: matplotlib, of the extra `notebook`, is not installed.
            IonQJobFailureError: A circuit failed.
        """
        counted = all(hasattr(one.data, "counts") for one in self.results)
        found = self.get_counts() if counted else self.get_probabilities()
        return plots.histogram(found, **options)

    @overload
    def get_counts(self, experiment: QuantumCircuit | str | int) -> Counts: ...

    @overload
    def get_counts(self, experiment: None = None) -> Counts | Any: ...  # noqa: ANN401 - a list for several

    def get_counts(self, experiment: QuantumCircuit | str | int | None = None) -> Any:
        """Return the counts, as `qiskit.result.Result.get_counts` does.

        ::

            result = backend.run(circuits, shots=10).result()
            result.get_counts(1)  # -> {'1': 10}

        Returns:
            Qiskit's `Counts`, a dict from bit strings (bit 0 on the right, registers apart
            by a space) to how often each was sampled, in increasing order of the outcomes.
        """
        return self._each(self._counts_of, experiment)

    @overload
    def get_probabilities(self, experiment: QuantumCircuit | str | int) -> Mapping[str, float]: ...

    @overload
    def get_probabilities(self, experiment: None = None) -> Mapping[str, float] | Any: ...  # noqa: ANN401 - a list for several

    def get_probabilities(self, experiment: QuantumCircuit | str | int | None = None) -> Any:
        """Return outcomes and their probabilities: every outcome, sampled or not.

        ::

            result = backend.run(circuits).result()
            result.get_probabilities("bell")  # -> {'00': 0.5, '11': 0.5}

        Returns:
            A dict from bit strings, written as in `get_counts`, to probabilities that sum
            to one. More than 65,536 outcomes are a read-only mapping whose bit strings
            are written when it is read; ``dict(found.items())`` makes it a dict.
        """
        return self._each(self._probabilities_of, experiment)

    @overload
    def get_memory(self, experiment: QuantumCircuit | str | int) -> list[str]: ...

    @overload
    def get_memory(self, experiment: None = None) -> list[str] | Any: ...  # noqa: ANN401 - a list for several

    def get_memory(self, experiment: QuantumCircuit | str | int | None = None) -> Any:
        """Return the outcome of each shot, in order, of a job run with ``memory=True``.

        ::

            result = backend.run(circuits, shots=3, memory=True).result()
            result.get_memory(1)  # -> ['1', '1', '1']

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
        arrays = arrays_of(one)
        if arrays is None:
            if hasattr(one.data, "counts") or not hasattr(one.data, "probabilities"):
                return super().get_counts(key)
        elif arrays.counts is not None:
            return qiskit_counts(*arrays.counts, one)
        raise IonQJobError(
            f"The record of job {self.job_id} does not say how many shots it had (an ideal "
            "simulation keeps none), so it has no counts. Use get_probabilities().",
            job_id=self.job_id,
        )

    def _probabilities_of(self, key: QuantumCircuit | str | int) -> Mapping[str, float]:
        one = self._get_experiment(key)
        arrays = arrays_of(one)
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
            return dict(Counts(one.data.probabilities, **described(header)))
        return arrays.to_probabilities(one.header)

    def _memory_of(self, key: QuantumCircuit | str | int) -> Any:  # noqa: ANN401 - Qiskit is untyped
        one = self._get_experiment(key)
        arrays = arrays_of(one)
        if arrays is None:
            return super().get_memory(key)
        return arrays.to_memory(one.header, self.job_id)

    def _get_experiment(self, key: QuantumCircuit | str | int | None = None) -> ExperimentResult:
        """Return one experiment. All methods of Qiskit's `Result` read through this one."""
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


def _outcomes(one: ExperimentResult) -> tuple[list[tuple[str, float]], float]:
    """Return the most frequent outcomes of an experiment and their numbers, and the total."""
    arrays = arrays_of(one)
    if arrays is not None:
        total = 1.0 if arrays.counts is None else float(arrays.counts[1].sum())
        return arrays.most_frequent(one.header, _MOST_OUTCOMES), total
    found = getattr(one.data, "counts", None) or getattr(one.data, "probabilities", {})
    counts = Counts(found, **described(getattr(one, "header", None) or {})) if found else {}
    kept = sorted(sorted(counts, key=lambda key: -counts[key])[:_MOST_OUTCOMES])
    return [(key, counts[key]) for key in kept], sum(counts.values())


def _name(key: QuantumCircuit | str | int | None) -> str | int | None:
    if isinstance(key, QuantumCircuit):
        return str(key.name)
    return int(key) if isinstance(key, Integral) else key


def _experiment_name(one: ExperimentResult) -> str:
    return str((getattr(one, "header", None) or {}).get("name", ""))
