"""The results of one job: each fetched once, and the same at every call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit.readout import Readout
from ionq_toolkit.result import IonQResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ionq_toolkit.backend import IonQBackend
    from ionq_toolkit.state import JobState
    from ionq_toolkit.waiting import Deadline


class Reader(NamedTuple):
    """Fetches one result.

    Attributes:
        read: Returns it. After an error it can be called again, and fetches what is missing.
        parts_read: Returns how many parts of it there are so far.
    """

    read: Callable[[], IonQResult]
    parts_read: Callable[[], int]


def query_of(sharpen: bool | None, extra_query_params: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the query for the results of a job; see `IonQJob.result`.

    Raises:
        ValueError: `sharpen` is neither True, False nor None.
    """
    if not (sharpen is None or isinstance(sharpen, bool | np.bool_)):
        raise ValueError(f"sharpen={sharpen!r} must be True, False or None")
    query = {name: str(value) for name, value in (extra_query_params or {}).items()}
    if sharpen is not None:
        query["sharpen"] = "true" if sharpen else "false"
    return query


class Results:
    """What was fetched of the results of a final job."""

    def __init__(self, backend: IonQBackend, state: JobState) -> None:
        """Have nothing yet of the job of `state`."""
        self._backend = backend
        self._state = state
        self._kept: dict[tuple[tuple[str, str], ...], IonQResult] = {}
        #: What was begun to be read, and ended in an error or before all circuits were final.
        self._begun: dict[tuple[tuple[str, str], ...], Readout] = {}

    def reader(
        self,
        deadline: Deadline,
        query: Mapping[str, str],
        *,
        partial: bool,
        memory: bool = False,
    ) -> Reader:
        """Return what fetches the result for a query, as `query_of` returns it.

        With `memory`, the outcome of each shot is part of it although the job did not ask for it.

        Raises:
            IonQJobFailureError: The job failed.
            IonQJobStateError: The job was cancelled.
        """
        state = self._state
        partial = partial and state.record.is_parent
        if state.status is not JobStatus.DONE and not partial:
            raise state.fate()
        key = (*sorted(query.items()), ("partial", str(partial)), ("memory", str(memory)))
        readout = Readout(
            state.client,
            state.record,
            lambda: state.child_records(deadline),
            query=query,
            deadline=deadline,
            memory=memory,
        )
        if key in self._begun:
            readout.go_on_from(self._begun[key])
        if key not in self._kept:
            self._begun[key] = readout

        def read() -> IonQResult:
            if key not in self._kept:
                experiments = readout.experiments(partial=partial)
                if not any(experiment["success"] for experiment in experiments):
                    raise state.fate()
                found = self._result(experiments)
                if not readout.final:
                    return found
                # Of two threads that come here at once, both return what is there first.
                self._kept.setdefault(key, found)
                self._begun.pop(key, None)
            return self._kept[key]

        return Reader(read, lambda: readout.parts_read)

    def _result(self, experiments: list[dict[str, Any]]) -> IonQResult:
        failed = sum(not experiment["success"] for experiment in experiments)
        result: IonQResult = IonQResult.from_dict(
            {
                "backend_name": self._backend.name,
                "backend_version": self._backend.backend_version,
                "job_id": self._state.record.job_id,
                "success": not failed,
                "status": f"{failed} of {len(experiments)} circuits failed" if failed else None,
                "results": experiments,
                "time_taken": self._state.record.time_taken_s,
            }
        )
        return result
