"""The last known state of a job and of its child jobs."""

from __future__ import annotations

import copy
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypedDict

from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

from ionq_toolkit.api.record import JobRecord
from ionq_toolkit.clock import TimeIsUpError
from ionq_toolkit.errors import IonQAPIError, IonQError
from ionq_toolkit.events import Finished, Polled
from ionq_toolkit.forks import ForkLock
from ionq_toolkit.job.progress import describe
from ionq_toolkit.results.fetch import Children

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.clock import Clock, Deadline


logger = logging.getLogger(__name__)

#: Of how many circuits a progress display says how many are done: each has to be asked about. In
#: how many seconds that has to be found out, and for how many it is let be where it was not.
_MOST_WATCHED, _SHOWING_S, _NOT_SHOWN_S = 64, 1.0, 30.0

#: The part of its way that a job has come before it runs, and when it begins to.
_WAITING, _RUNNING = {JobStatus.INITIALIZING: 0.0, JobStatus.QUEUED: 0.25}, 0.5

#: Held while an answer is taken, and never while one is waited for. One for all jobs, since a
#: lock of its own would keep a job from being pickled.
_TAKING = ForkLock()


class Ticket(NamedTuple):
    """A request for a record: its number among those of the job, and when it was sent."""

    number: int
    asked: float


class DetailedStatus(TypedDict):
    """The progress of the circuits of a job; the keys are qiskit-ionq's.

    Attributes:
        total: The number of circuits.
        completed: How many are done.
        failed: How many failed.
        percentage_complete: The completed share of all, from 0 to 1.
        statuses: The status of each, in the order of the circuits.
    """

    total: int
    completed: int
    failed: int
    percentage_complete: float
    statuses: list[JobStatus]


class JobState:
    """A job as last seen.

    Attributes:
        client: The client of the service.
        job_id: The id of the job; empty before it is submitted.
        record: IonQ's record of the job; empty before the first poll.
        status: The status of the job. A final one stays, and is not asked for again.
        children: The records of the child jobs.
        unknown_word: The status as IonQ calls it, if it is not known.
    """

    def __init__(
        self,
        client: IonQClient,
        clock: Clock,
        job_id: str,
        parent: JobRecord | None = None,
        index: int = 0,
    ) -> None:
        """Describe a job that was not seen yet, possibly the child `index` of `parent`."""
        self.client = client
        self.job_id = job_id
        self.record = JobRecord(job_id, {}, parent=parent, index=index)
        self.status = JobStatus.INITIALIZING
        self.children = Children(client)
        self.unknown_word: str | None = None
        self._clock = clock
        self._parent = parent
        self._index = index
        self._begin = clock.monotonic()
        self._unchanged_since = 0.0
        self._warned_of: frozenset[str] = frozenset()
        self._asked = self._taken = 0
        self._told_of_end = self._listed = False
        self._not_shown_until = 0.0

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        memo[id(self._clock)] = self._clock  # a copy of it would show another time
        twin = copy.copy(self)
        vars(twin).update(copy.deepcopy(vars(self), memo))
        return twin

    @property
    def over(self) -> bool:
        """Whether the job is known to have ended, in whatever way."""
        return self.status in JOB_FINAL_STATES

    @property
    def settled(self) -> bool:
        """Whether the status can no longer change; an unknown final status can."""
        return self.over and self.unknown_word is None and not self._listed

    def begin(self, job_id: str, since: float) -> None:
        """Take the id of the job, which was submitted at the time `since` of the clock."""
        self.record = JobRecord(job_id, {}, parent=self._parent, index=self._index)
        self._begin = since
        self.job_id = job_id

    def show(self, body: Mapping[str, Any]) -> None:
        """Show a record from a list of jobs until the service is asked: it may have less in it."""
        self.record = JobRecord(self.job_id, body)
        self.status = self.record.state or self.status
        self._listed = True

    def refresh(self, deadline: Deadline | None = None) -> JobStatus:
        """Ask the service for the status, unless it is settled, and return it.

        When polls overlap, the most recently sent request wins. A final status always wins.
        """
        if not self.job_id or self.settled:
            return self.status
        ticket = self.asking()
        body = self.client.retrieve_job(self.job_id, timeout=_of(deadline))
        return self.answered(ticket, body, deadline)

    def asking(self) -> Ticket:
        """Begin a request for the record, and return what `answered` needs."""
        with _TAKING:
            self._asked += 1
            return Ticket(self._asked, self._clock.monotonic())

    def answered(
        self, ticket: Ticket, body: dict[str, Any], deadline: Deadline | None = None
    ) -> JobStatus:
        """Take the record that the service has answered with, and return the status."""
        job_id, answered, (number, asked) = self.job_id, self._clock.monotonic(), ticket
        record = JobRecord(job_id, body, parent=self._parent, index=self._index)
        if self._parent is None and record.parent_id is not None:
            self._find_parent(record, deadline)
            record = JobRecord(job_id, body, parent=self._parent, index=self._index)
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

    def _find_parent(self, record: JobRecord, deadline: Deadline | None) -> None:
        """Fetch the parent of a child job that was retrieved by its own id.

        The parent's metadata hold the shots and the classical bits of the child.
        """
        parent = JobRecord(record.parent_id or "", {})
        try:
            body = self.client.retrieve_job(parent.job_id, timeout=_of(deadline))
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
        """Take over a record."""
        self._listed = False
        before, self.record = self.record, record
        if record.state is not None:
            self.status, self.unknown_word = record.state, None
            return
        if self.unknown_word != word or record.differs(before):
            self._unchanged_since = now
        self.unknown_word = word
        if record.has_ended:
            self.status = JobStatus.ERROR
        elif self.status is JobStatus.ERROR:  # it was over, and is not any more
            self.status = JobStatus.INITIALIZING

    def _pass_on(self, record: JobRecord, word: str) -> None:
        """Log the warnings of a record, once each."""
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
        """The seconds for which the record, with an unknown status, has not changed."""
        return 0.0 if self.unknown_word is None else self._clock.monotonic() - self._unchanged_since

    def child_records(self, deadline: Deadline | None = None) -> list[JobRecord]:
        """Return the records of the child jobs; see `Children.records`."""
        return self.children.records(self.record, deadline)

    def statuses(self, circuits: int) -> list[JobStatus]:
        """Return the status of each circuit; `circuits`: how many, where IonQ does not say."""
        children = self.child_records()
        if not children:
            # One circuit, or several that IonQ has not made jobs of yet.
            return [self.status] * circuits
        return [child.apparent_state or JobStatus.INITIALIZING for child in children]

    def in_a_line(
        self, deadline: Deadline, children: tuple[int, int] | None, *, answered: bool = True
    ) -> str:
        """Return the progress line.

        Args:
            deadline: The deadline of the wait.
            children: How many of its circuits are done, and of how many.
            answered: Whether the service answered the last poll.
        """
        waiting = self.status in _WAITING
        return describe(
            self.job_id,
            self.status.name,
            elapsed_s=deadline.elapsed(),
            predicted_wait_s=self.record.timings.predicted_wait_s if waiting else None,
            children=children,
            answered=answered,
        )

    def part_done(self, children: tuple[int, int] | None) -> float:
        """Return the part of its way that the job has come, from 0 to 1: by statuses, circuits."""
        if self.over:
            return 1.0
        if self.status in _WAITING:
            return _WAITING[self.status]
        return (
            _RUNNING if children is None else _RUNNING + (1 - _RUNNING) * children[0] / children[1]
        )

    def children_done(self, deadline: Deadline) -> tuple[int, int] | None:
        """Return how many circuits are done and how many there are, if that takes little time.

        A display must neither end the wait nor delay it.
        """
        if self.over or self.status in _WAITING or self._clock.monotonic() < self._not_shown_until:
            return None
        try:
            if not 0 < len(self.record.child_ids) <= _MOST_WATCHED:
                return None
            children = self.child_records(deadline.within(_SHOWING_S))
        except (IonQError, TimeIsUpError) as error:
            logger.debug("circuits of job %s cannot be shown: %s", self.record.job_id, error)
            self._not_shown_until = self._clock.monotonic() + _NOT_SHOWN_S
            return None
        return sum(child.state is JobStatus.DONE for child in children), len(children)


def _of(deadline: Deadline | None) -> float | None:
    return None if deadline is None else deadline.for_request()


def summary(statuses: Sequence[JobStatus]) -> DetailedStatus:
    """Return the detailed status of circuits with these statuses."""
    completed = statuses.count(JobStatus.DONE)
    return {
        "total": len(statuses),
        "completed": completed,
        "failed": statuses.count(JobStatus.ERROR),
        "percentage_complete": completed / len(statuses),
        "statuses": list(statuses),
    }
