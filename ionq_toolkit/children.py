"""The child jobs of a job of several circuits: asked for together, and kept once they are final."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

from ionq_toolkit import parallel
from ionq_toolkit.record import JobRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ionq_toolkit.client import IonQClient
    from ionq_toolkit.waiting import Deadline

#: How many circuits of a failed job an error message tells of.
_MOST_TOLD = 10


class Children:
    """The records of the child jobs of one job."""

    def __init__(self, client: IonQClient) -> None:
        self._client = client
        self._final: dict[str, JobRecord] = {}

    def records(self, parent: JobRecord, deadline: Deadline | None = None) -> list[JobRecord]:
        """Return the record of each child of `parent` as it is now, in the order of the circuits.

        Raises:
            IonQJobError: The record of the parent does not name them as it should.
            IonQAPIError: The service refused.
            IonQConnectionError: The service was not reached.
            TimeIsUpError: They could not all be asked for before the deadline.
        """

        def ask(index: int) -> JobRecord:
            child_id = parent.child_ids[index]
            if child_id in self._final:
                return self._final[child_id]
            timeout = None if deadline is None else deadline.for_one_of_many()
            body = self._client.retrieve_job(child_id, timeout=timeout)
            record = JobRecord(child_id, body, parent=parent, index=index)
            if record.state in JOB_FINAL_STATES:
                self._final[child_id] = record
            return record

        return parallel.each(self._client.transport, ask, range(len(parent.child_ids)))

    def why_they_failed(self, parent: JobRecord) -> list[str]:
        """Return how many of the circuits failed and, of the first of these, why each did."""
        records = self.records(parent)
        failed = [record for record in records if record.apparent_state is JobStatus.ERROR]
        told = [f"{len(failed)} of {len(records)} circuits failed"]
        for record in failed[:_MOST_TOLD]:
            reason = self._client.redact(in_words(*record.failure))
            told.append(f"circuit {record.index} (job {record.job_id}): {reason}")
        if len(failed) > _MOST_TOLD:
            told.append(f"and {len(failed) - _MOST_TOLD} more")
        return told


def summary(statuses: Sequence[JobStatus]) -> dict[str, Any]:
    """Return the detailed status of circuits with these statuses; the keys are qiskit-ionq's."""
    completed = statuses.count(JobStatus.DONE)
    return {
        "total": len(statuses),
        "completed": completed,
        "failed": statuses.count(JobStatus.ERROR),
        "percentage_complete": completed / len(statuses),
        "statuses": list(statuses),
    }


def in_words(code: str | None, text: str) -> str:
    """Return a failure as people read it."""
    return f"{code}: {text}" if code else text
