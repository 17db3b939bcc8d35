"""The last known state of a job and of its child jobs."""

from __future__ import annotations

import logging
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

from ionq_toolkit._version import __version__
from ionq_toolkit.api import connection
from ionq_toolkit.api.record import JobRecord, in_words
from ionq_toolkit.clock import SHORTEST_REQUEST_S, Deadline, TimeIsUpError
from ionq_toolkit.errors import (
    IonQAPIError,
    IonQError,
    IonQJobError,
    IonQJobFailureError,
    IonQJobStateError,
    IonQJobTimeoutError,
)
from ionq_toolkit.events import Finished, Polled
from ionq_toolkit.job.progress import describe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.clock import Clock


logger = logging.getLogger(__name__)

#: Of how many circuits a progress display says how many are done: each has to be asked about. In
#: how many seconds that has to be found out, and for how many it is let be where it was not.
_MOST_WATCHED, _SHOWING_S, _NOT_SHOWN_S = 64, 1.0, 30.0

#: Held while an answer is taken, and never while one is waited for. One for all jobs, since a
#: lock of its own would keep a job from being pickled.
_TAKING = threading.Lock()

#: What to do about a status that is not known.
_NEWER = f"A newer version of ionq-toolkit than {__version__} may know it."


class JobState:
    """What was last seen of one job.

    Attributes:
        client: What asks the service.
        clock: What tells the time.
        record: IonQ's record of the job; empty as long as nobody has asked.
        status: Where the job stands. What is final stays so, and is not asked for again.
        children: The jobs of the circuits of a job of several.
    """

    def __init__(
        self, client: IonQClient, clock: Clock, parent: JobRecord | None = None, index: int = 0
    ) -> None:
        """Know nothing yet, of a job of its own or of one circuit of `parent`."""
        self.client = client
        self.record = JobRecord("", {})
        self.status = JobStatus.INITIALIZING
        self.children = Children(client)
        self.clock = clock
        self._parent = parent
        self._index = index
        self._begin = clock.monotonic()
        self._unknown_word: str | None = None
        self._unchanged_since = 0.0
        self._warned_of: frozenset[str] = frozenset()
        self._asked = self._taken = 0
        self._told_of_end = False
        self._not_shown_until = 0.0

    @property
    def over(self) -> bool:
        """Whether the job is known to have ended, in whatever way."""
        return self.status in JOB_FINAL_STATES

    @property
    def settled(self) -> bool:
        """Whether nothing can change any more; an end whose word is not known is no such state."""
        return self.over and self._unknown_word is None

    def begin(self, job_id: str, since: float | None = None) -> None:
        """Know the job by its id, submitted at a time of the clock."""
        self.record = self._record_of(job_id, {})
        if since is not None:
            self._begin = since

    def _record_of(self, job_id: str, body: Mapping[str, Any]) -> JobRecord:
        return JobRecord(job_id, body, parent=self._parent, index=self._index)

    def refresh(self, timeout: float | None = None) -> JobStatus:
        """Ask the service how the job stands, unless that is settled, and return it.

        Of two who ask at once, the one who asked later is told what counts, whichever answer comes
        last; but an end is one, whenever it is heard of.
        """
        job_id = self.record.job_id
        if not job_id or self.settled:
            return self.status
        with _TAKING:
            self._asked += 1
            number = self._asked
        deadline = Deadline(self.clock, timeout)
        asked = self.clock.monotonic()
        body = self.client.retrieve_job(job_id, timeout=timeout)
        answered = self.clock.monotonic()
        self._find_parent(JobRecord(job_id, body), deadline)
        record = self._record_of(job_id, body)
        word = self.client.redact(str(record.status))
        with _TAKING:
            stale = number < self._taken and record.state not in JOB_FINAL_STATES
            late = self.settled or stale
            if not late:
                self._taken = max(self._taken, number)
                self._take(record, word, answered)
            status = self.status
            ends = self.over and not self._told_of_end
            self._told_of_end |= ends
        if not late:
            self._pass_on(record, word)
        self.client.events(Polled(job_id=job_id, status=word, seconds=answered - asked))
        if ends:
            seconds = answered - self._begin
            self.client.events(Finished(job_id=job_id, status=word, seconds=seconds))
        return status

    def _find_parent(self, record: JobRecord, deadline: Deadline) -> None:
        """Know of which job this is one circuit, as one that is asked for by its own id may be.

        How many shots it had, and which qubits were measured into which bits, is stored there.
        """
        if self._parent is not None or record.parent_id is None:
            return
        parent = JobRecord(record.parent_id, {})
        try:
            body = self.client.retrieve_job(parent.job_id, timeout=deadline.for_request())
        except IonQAPIError as error:
            if error.status_code != HTTPStatus.NOT_FOUND:
                raise
        else:
            parent = JobRecord(parent.job_id, body)
        if record.job_id in parent.child_ids:
            with _TAKING:
                self._parent, self._index = parent, parent.child_ids.index(record.job_id)
        elif parent.job_id not in self._warned_of:
            self._warned_of |= {parent.job_id}
            logger.warning(
                "Job %s is one circuit of job %s, which does not know of it: its outcomes are "
                "read as those of all its qubits",
                record.job_id,
                self.client.redact(parent.job_id),
            )

    def _take(self, record: JobRecord, word: str, now: float) -> None:
        """Know what a record says."""
        before, self.record = self.record, record
        if record.state is not None:
            self.status, self._unknown_word = record.state, None
            return
        if self._unknown_word != word or record.differs(before):
            self._unchanged_since = now
        self._unknown_word = word
        if record.has_ended:
            self.status = JobStatus.ERROR
        elif self.status is JobStatus.ERROR:  # it was over, and is not any more
            self.status = JobStatus.INITIALIZING

    def _pass_on(self, record: JobRecord, word: str) -> None:
        """Log what somebody should know of a record, once each."""
        job_id = record.job_id
        if record.state is None and word not in self._warned_of:
            self._warned_of |= {word}
            logger.warning(
                "IonQ says %r of job %s, which is no status known here; taken as %s",
                word,
                job_id,
                "over" if record.has_ended else "not final yet",
            )
        for warning in record.warnings:
            if warning not in self._warned_of:
                self._warned_of |= {warning}
                told = self.client.redact(warning)
                logger.warning("IonQ warns of job %s: %s", job_id, told)

    @property
    def unknown_for(self) -> float:
        """How many seconds the record has been the same, with a status that is not known."""
        return 0.0 if self._unknown_word is None else self.clock.monotonic() - self._unchanged_since

    def child_records(self, deadline: Deadline | None = None) -> list[JobRecord]:
        """Return the records of the child jobs, as of `Children.records`."""
        return self.children.records(self.record, deadline)

    def statuses(self, circuits: int) -> list[JobStatus]:
        """Return the status of each circuit; `circuits`: how many, where IonQ does not say."""
        children = self.child_records()
        if not children:
            # One circuit, or several that IonQ has not made jobs of yet.
            return [self.status] * circuits
        return [child.apparent_state or JobStatus.INITIALIZING for child in children]

    def in_a_line(self, deadline: Deadline, *, answered: bool = True) -> str:
        """Return a line that says how the job stands; `answered`: whether the service does."""
        waiting = self.status in (JobStatus.INITIALIZING, JobStatus.QUEUED)
        return describe(
            self.record.job_id,
            self.status.name,
            elapsed_s=deadline.elapsed(),
            predicted_wait_s=self.record.timings.predicted_wait_s if waiting else None,
            children=None if waiting or not answered else self._children_done(deadline),
            answered=answered,
        )

    def _children_done(self, deadline: Deadline) -> tuple[int, int] | None:
        """Return how many circuits are done, and of how many, where that is quickly found out.

        What is only shown must neither end the wait nor hold it up.
        """
        if self.over or self.clock.monotonic() < self._not_shown_until:
            return None
        try:
            if not 0 < len(self.record.child_ids) <= _MOST_WATCHED:
                return None
            children = self.child_records(deadline.within(_SHOWING_S))
        except (IonQError, TimeIsUpError) as error:
            logger.debug("circuits of job %s cannot be shown: %s", self.record.job_id, error)
            self._not_shown_until = self.clock.monotonic() + _NOT_SHOWN_S
            return None
        return sum(child.state is JobStatus.DONE for child in children), len(children)

    def error_message(self) -> str | None:
        """Return why the job failed, of several circuits each; None if it has not."""
        if self.status is not JobStatus.ERROR:
            return None
        if self._unknown_word is not None and not self.record.has_failure:
            return str(self.fate())
        text = in_words(*self._why_failed())
        if not self.record.is_parent:
            return text
        try:
            told = self.children.why_they_failed(self.record)
        except IonQError as error:
            told = [f"which circuits failed cannot be told: {error}"]
        return "; ".join([text, *told])

    def _why_failed(self) -> tuple[str | None, str]:
        code, text = self.record.failure
        return code and self.client.redact(code), self.client.redact(text)

    def fate(self) -> IonQJobFailureError | IonQJobStateError | IonQJobError:
        """Return the error that says why a final job has no result."""
        job_id = self.record.job_id
        if self._unknown_word is not None:
            code, text = self._why_failed()
            why = f", and failed: {in_words(code, text)}" if self.record.has_failure else ""
            return IonQJobError(
                f"Job {job_id} is over{why}. What its status {self._unknown_word!r} means is not "
                f"known to ionq-toolkit {__version__}: a newer version may read it. "
                "client.retrieve_job(job_id) returns what IonQ says of the job, and "
                "client.get_results(job_id) its bare histogram, if it has one.",
                job_id=job_id,
            )
        if self.status is JobStatus.CANCELLED:
            why = f" ({in_words(*self._why_failed())})" if self.record.has_failure else ""
            return IonQJobStateError(
                f"Job {job_id} was cancelled{why}, so it has no result.", job_id=job_id
            )
        if not self.over:
            return IonQJobStateError(
                f"Job {job_id} is not final: it was last seen as {self.status.name}. Wait for it.",
                job_id=job_id,
            )
        if self.status is JobStatus.DONE:
            return IonQJobError(
                f"Job {job_id} is completed, and none of its circuits has a result.", job_id=job_id
            )
        code, text = self._why_failed()
        hint = ""
        if self.record.is_parent:
            hint = (
                f"{'' if text.endswith(('.', '!')) else '.'} error_message() says which circuits "
                "failed, and result(partial=True) has what the others came to."
            )
        return IonQJobFailureError(
            f"Job {job_id} failed: {in_words(code, text)}{hint}",
            job_id=job_id,
            code=code,
            failure=text,
        )

    def stuck(self) -> IonQJobError:
        """Return the error that says that a status that is not known does not change."""
        job_id = self.record.job_id
        return IonQJobError(
            f"Job {job_id} has the unknown status {self._unknown_word!r}, and nothing in its "
            f"record has changed for {self.unknown_for:.0f} s. With a timeout it is waited for "
            f"longer. {_NEWER}",
            job_id=job_id,
        )

    def too_late(
        self, deadline: Deadline, failure: IonQError | None = None
    ) -> IonQJobError | IonQJobTimeoutError:
        """Return the error that says that the time was too short.

        Args:
            deadline: How long it was.
            failure: Why there was no answer at the end of it, if there was none.
        """
        job_id, timeout = self.record.job_id, deadline.timeout
        if self._unknown_word is not None and failure is None and not self.over:
            return IonQJobError(
                f"Job {job_id} has the unknown status {self._unknown_word!r} after waiting "
                f"{timeout} s. {_NEWER}",
                job_id=job_id,
            )
        if self.over:
            word = self.client.redact(str(self.record.status))
            text = (
                f"Job {job_id} is {word}, and what it came to was not there after {timeout} s: "
                "ask again with a longer timeout."
            )
        else:
            seen = "was last seen as" if failure else "is"
            last = self.client.redact(str(self.record.status)) if self.record else None
            standing = f"{seen} {last}" if last else "was not seen yet"
            waited = f"{timeout} s"
            if failure is not None and deadline.left() > SHORTEST_REQUEST_S:
                waited = f"{deadline.elapsed():.1f} of {waited}"
            text = (
                f"Job {job_id} {standing} after waiting {waited}. It goes on: ask again with a "
                "longer timeout, or cancel it."
            )
        if failure is not None:
            retry_after_s = getattr(failure, "retry_after_s", None)
            if retry_after_s:
                text += f" The service asks to be left alone for {retry_after_s:g} s."
            text += f" At the end the service gave no answer: {failure}"
        return IonQJobTimeoutError(text, job_id=job_id)


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

        return connection.each(self._client.transport, ask, range(len(parent.child_ids)))

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
