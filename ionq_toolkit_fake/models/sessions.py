"""Sessions: exclusive use of a QPU, for so many jobs, minutes or dollars."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING

from sortedcontainers import SortedList

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.models.accounts import ApiKey
    from ionq_toolkit_fake.models.identifiers import Identifiers
    from ionq_toolkit_fake.models.job import Job


#: The least that a session is billed for that ran a job: IonQ told the author of flux-quantum.
SHORTEST_BILLED = timedelta(hours=1)


@dataclass
class Session:
    """One session.

    Attributes:
        job_count_limit: The most jobs it takes; None: any number.
        duration_limit_min: How many minutes after its creation it ends; None: it does not.
        cost_limit: The most its jobs may cost, in `cost_unit`; None: any amount.
        count: How many jobs it had, without dry runs and child jobs.
        committed: The cost of its jobs, those that still wait included, in cents.
        ran: Whether one of its jobs ran.
        number: Its place among the sessions that its project ever had.
    """

    id: str
    backend: str
    creator: ApiKey
    created_at: datetime
    job_count_limit: int | None = None
    duration_limit_min: int | None = None
    cost_limit: float | None = None
    cost_unit: str = "usd"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    ender_id: str | None = None
    count: int = 0
    committed: int = 0
    ran: bool = False
    number: int = 0

    @property
    def expires_at(self) -> datetime | None:
        """When it ends by itself; None: when it is ended."""
        if self.duration_limit_min is None:
            return None
        return self.created_at + timedelta(minutes=self.duration_limit_min)

    @property
    def status(self) -> str:
        """`created`, `started` with its first job, or `ended`: schema SessionStatusEnum."""
        if self.ended_at is not None:
            return "ended"
        return "created" if self.started_at is None else "started"

    @property
    def billed(self) -> timedelta:
        """How long it is billed for, once it has ended: an hour at least, if it ran a job."""
        if self.ended_at is None or not self.ran:
            return timedelta()
        return max(SHORTEST_BILLED, self.ended_at - self.created_at)

    @property
    def spent(self) -> float:
        """The cost of its jobs, those that still wait included."""
        return self.committed / 100

    def refusal(self, backend: str, price: float, replacing: Job | None = None) -> str | None:
        """Return why it does not take a job, or None if it does.

        Args:
            backend: The backend of the job.
            price: The price of the job.
            replacing: A job that the new one replaces, and that does not count; None: no job.
        """
        if self.ended_at is not None:
            return f"session {self.id} has ended"
        if backend != self.backend:
            return f"session {self.id} is for {self.backend}, not for {backend}"
        count, committed = self.count, self.committed
        if replacing is not None and replacing.session is self:
            count -= not replacing.submission.is_rehearsal
            committed -= replacing.committed
        if self.job_count_limit is not None and count >= self.job_count_limit:
            return f"session {self.id} has had its {self.job_count_limit} jobs"
        if self.cost_limit is not None and committed / 100 + price > self.cost_limit:
            return f"session {self.id} has a cost limit of {self.cost_limit} {self.cost_unit}"
        return None


class Sessions:
    """The sessions of one project.

    Those that are active, and the last ones that ended: a request takes no more time the more
    sessions there were.

    Attributes:
        changed: The ids of the sessions that are new or were changed.
        gone: The ids of those that are not kept any more.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        identifiers: Identifiers,
        most: int | None,
        on_end: Callable[[str], object] | None = None,
    ) -> None:
        """Keep no sessions yet.

        Args:
            clock: The time.
            identifiers: Makes the ids.
            most: How many sessions that have ended are kept, the last ones; None: all.
            on_end: Called with the id of a session that has ended: it cancels the jobs in the
                queue; None: they stay there.
        """
        self._on_end = on_end
        self._clock = clock
        self._identifiers = identifiers
        self._most = most
        self._count = 0
        self._sessions: dict[str, Session] = {}
        self._active: dict[str, Session] = {}
        self._on: Counter[str] = Counter()
        self._ends: SortedList = SortedList()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self.changed: set[str] = set()
        self.gone: list[str] = []

    def __iter__(self) -> Iterator[Session]:
        """Go through the sessions as they stand now, the newest first."""
        self._expire()
        yield from reversed(list(self._sessions.values()))

    def active(self) -> list[Session]:
        """Return the sessions that have not ended, the newest first."""
        self._expire()
        return list(reversed(self._active.values()))

    def active_on(self, backend: str) -> int:
        """Return how many sessions on a backend have not ended."""
        self._expire()
        return self._on[backend]

    def create(
        self,
        backend: str,
        creator: ApiKey,
        *,
        job_count_limit: int | None,
        duration_limit_min: int | None,
        cost_limit: float | None,
        cost_unit: str,
    ) -> Session:
        """Begin a session."""
        session = Session(
            id=self._identifiers.uuid4(),
            backend=backend,
            creator=creator,
            created_at=self._clock.now(),
            job_count_limit=job_count_limit,
            duration_limit_min=duration_limit_min,
            cost_limit=cost_limit,
            cost_unit=cost_unit,
            number=self._count + 1,
        )
        self.changed.add(session.id)
        self._keep_active(session)
        return session

    def restore(self, sessions: Collection[Session]) -> None:
        """Keep the sessions of an earlier time."""
        for session in sorted(sessions, key=lambda one: (one.created_at, one.number)):
            self._sessions[session.id] = session
            if session.ended_at is None:
                self._keep_active(session)
        ended = [(one.ended_at, one.number, one) for one in sessions if one.ended_at is not None]
        for _, _, session in sorted(ended, key=itemgetter(0, 1)):
            self._keep_ended(session)

    def _keep_active(self, session: Session) -> None:
        self._count = max(self._count, session.number)
        self._sessions[session.id] = session
        self._active[session.id] = session
        self._on[session.backend] += 1
        if session.expires_at is not None:
            self._ends.add((session.expires_at, session.id))

    def find(self, session_id: str) -> Session | None:
        """Return the session of that id as it stands now, or None."""
        session = self._sessions.get(session_id)
        return None if session is None else self._now(session)

    def peek(self, session_id: str) -> Session | None:
        """Return the session of that id as it was last shown, or None."""
        return self._sessions.get(session_id)

    def add(self, job: Job) -> None:
        """Give a job to its session, if it has one; with the first one it starts."""
        session = self._sessions.get(job.submission.session_id or "")
        if session is not None:
            if session.started_at is None:
                session.started_at = self._clock.now()
            job.session = session
            session.count += not job.submission.is_rehearsal
            session.committed += job.committed

    def remove(self, job: Job) -> None:
        """Take a job from its session, if it has one."""
        if job.session is not None:
            job.session.count -= not job.submission.is_rehearsal
            job.session.committed -= job.committed
            job.session = None

    def end(self, session: Session, ender: ApiKey | None) -> None:
        """End a session; one that has ended stays as it is. Jobs that have begun go on."""
        if session.ended_at is None:
            session.ender_id = None if ender is None else ender.submitter_id
            self._close(session, self._clock.now())

    def _expire(self) -> None:
        """End the sessions whose time is over."""
        while self._ends and self._ends[0][0] <= self._clock.now():
            self._now(self._sessions[self._ends[0][1]])

    def _keep_ended(self, session: Session) -> None:
        self._count = max(self._count, session.number)
        self._ended[session.id] = None
        while self._most is not None and len(self._ended) > self._most:
            first, _ = self._ended.popitem(last=False)
            del self._sessions[first]
            self.changed.discard(first)
            self.gone.append(first)

    def _close(self, session: Session, at: datetime) -> None:
        session.ended_at = at
        self.changed.add(session.id)
        del self._active[session.id]
        self._on[session.backend] -= 1
        if session.expires_at is not None:
            self._ends.remove((session.expires_at, session.id))
        self._keep_ended(session)
        if self._on_end is not None:
            self._on_end(session.id)

    def _now(self, session: Session) -> Session:
        """End a session whose time is over."""
        expires = session.expires_at
        if session.ended_at is None and expires is not None and self._clock.now() >= expires:
            self._close(session, expires)
        return session
