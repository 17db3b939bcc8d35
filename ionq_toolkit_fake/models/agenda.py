"""The agenda of a cloud: which of its jobs go on by themselves, and which are old."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sortedcontainers import SortedList

from ionq_toolkit_fake.models.changes import Changes
from ionq_toolkit_fake.transitions.lifecycle import FINAL, wakes_at
from ionq_toolkit_fake.validation import number, unknown, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.models.job import Job


class Retention(NamedTuple):
    """How long a cloud keeps jobs that are final; it deletes the ones that ended first.

    A deleted job is as after ``DELETE /jobs/{id}``: requests for it get 404. Its cost stays in the
    usage of its project.

    ::

        cloud = FakeIonQ(retention=Retention(jobs=1000, days=7))

    Attributes:
        jobs: The most final jobs that are kept, child jobs included; None: any number.
        days: How many days a final job is kept, on the cloud's clock; None: for ever.
        sessions: The most sessions that have ended which a project keeps; None: any number.
    """

    jobs: int | None = 100_000
    days: float | None = None
    sessions: int | None = 1000

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Retention:
        """Return the retention of plain data, with the defaults for those that it does not name.

        ::

            Retention.of({"days": 7}).jobs  # -> 100000

        Raises:
            ValueError: It names another, or a value is not valid.
        """
        for name in table:
            if name not in cls._fields:
                raise unknown("part of a retention", name, cls._fields)
        found = cls(**table)
        found.check()
        return found

    def check(self) -> None:
        """Raise ValueError if a value is not valid."""
        if self.jobs is not None:
            whole("the number of jobs to keep", self.jobs, 0)
        if self.sessions is not None:
            whole("the number of sessions to keep", self.sessions, 0)
        if self.days is not None:
            number("the number of days to keep jobs", self.days, least=0, most=10**6)


class Shelf(Protocol):
    """Where jobs are: those of one project."""

    def settle_one(self, job_id: str) -> None:
        """Move a job on whose time has come."""

    def ripen(self, job_id: str) -> None:
        """Take notice that a job may come to its end."""

    def forget(self, job_id: str) -> object:
        """Forget a job that is final, and its children."""


class Agenda:
    """When the jobs of a cloud go on by themselves, and when they are forgotten.

    Nothing here takes time in proportion to the jobs that are kept.

    Attributes:
        retention: How long final jobs are kept.
        changed: The jobs that are no children and were changed, by their ids; None: not recorded.
        deleted: The ids of the jobs that were deleted since, child jobs included.
        changes: The numbered changes of the cloud, for pages that watch it.
    """

    def __init__(self, clock: Clock, retention: Retention, *, record: bool = False) -> None:
        """Begin without jobs.

        Raises:
            ValueError: A value of the retention is not valid.
        """
        retention.check()
        self.retention = retention
        self._record = record
        self._clock = clock
        self.changes = Changes()
        self.clear()

    def clear(self) -> None:
        """Forget all jobs."""
        self._wakes: SortedList = SortedList()
        self._entries: dict[str, tuple[datetime, str, Shelf]] = {}
        self._ripe: deque[tuple[Shelf, str]] = deque()
        self._final: OrderedDict[str, tuple[datetime, int, Shelf]] = OrderedDict()
        self._count = 0
        self.changed: dict[str, Job] | None = {} if self._record else None
        self.deleted: list[str] = []
        self.changes.note("reset")

    def simulated(self, shelf: Shelf, job_id: str) -> None:
        """Take notice that a simulation of a job has ended; from any thread."""
        self._ripe.append((shelf, job_id))

    def update(self, shelf: Shelf, job: Job) -> None:
        """Take notice of the position of a job that is no child."""
        self.changes.note("job", job.id)
        if self.changed is not None:
            self.changed[job.id] = job
        final = job.status in FINAL
        moment = None if final else wakes_at(job.plan.steps, job.position)
        entry = self._entries.get(job.id)
        if entry is not None and entry[0] != moment:
            self._wakes.remove(self._entries.pop(job.id))
        if moment is not None and job.id not in self._entries:
            self._entries[job.id] = (moment, job.id, shelf)
            self._wakes.add(self._entries[job.id])
        if final and job.id not in self._final:
            job.ended_at = job.ended_at or self._clock.now()
            self.restore(shelf, job.id, job.ended_at, 1 + len(job.children))

    def restore(self, shelf: Shelf, job_id: str, ended_at: datetime, count: int) -> None:
        """Know a final job; those that ended before it come first.

        Args:
            shelf: Where it is.
            job_id: Its id.
            ended_at: When it ended.
            count: How many jobs it and its children are.
        """
        self._final[job_id] = (ended_at, count, shelf)
        self._count += count

    def remove(self, job_id: str, children: Iterable[str]) -> None:
        """Forget a job, and its children."""
        self.changes.note("job", job_id)
        if self.changed is not None:
            self.changed.pop(job_id, None)
            self.deleted += [job_id, *children]
        if (entry := self._entries.pop(job_id, None)) is not None:
            self._wakes.remove(entry)
        if (kept := self._final.pop(job_id, None)) is not None:
            self._count -= kept[1]

    def run(self) -> None:
        """Move on every job whose time has come, and forget those that are kept no longer."""
        while self._ripe:
            shelf, job_id = self._ripe.popleft()
            shelf.ripen(job_id)
        if self._wakes:
            now = self._clock.now()
            while self._wakes and self._wakes[0][0] <= now:
                _, job_id, shelf = self._wakes.pop(0)
                del self._entries[job_id]
                shelf.settle_one(job_id)
        self._forget()

    def _forget(self) -> None:
        most, days = self.retention.jobs, self.retention.days
        while self._final:
            job_id, (ended, _, shelf) = next(iter(self._final.items()))
            old = days is not None and self._clock.now() - ended > timedelta(days=days)
            if not old and (most is None or self._count <= most):
                break
            shelf.forget(job_id)
