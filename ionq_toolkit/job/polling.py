"""Polling a job until it is final or its result is read."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, cast

import numpy as np

from ionq_toolkit.clock import SHORTEST_REQUEST_S, Deadline, TimeIsUpError, sleep_on
from ionq_toolkit.errors import IonQAPIError, IonQConnectionError, IonQError, IonQRetriableError
from ionq_toolkit.events import PollFailed
from ionq_toolkit.transport.base import ReplyTooLargeError, UnusableURLError
from ionq_toolkit.transport.retry import DEFAULT_POLICY, REFUSALS, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qiskit.providers.jobstatus import JobStatus

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.clock import Clock, Deadline
    from ionq_toolkit.job.progress import ProgressLine
    from ionq_toolkit.job.state import JobState
    from ionq_toolkit.results.fetch import Reader
    from ionq_toolkit.results.result import IonQResult


Found = TypeVar("Found")

#: Seconds between polls, where nobody says how many: the first at the least and the most, the
#: growth of each next, the longest. A first pause of a tenth of a second finds short jobs soon;
#: where a request takes longer than that, asking more often than it takes finds nothing sooner.
FIRST_PAUSE_S, LONGEST_FIRST_PAUSE_S, PAUSE_GROWTH, LONGEST_PAUSE_S = 0.1, 1.0, 1.5, 5.0

#: The part of a pause that chance may take off, so that many jobs are not asked for at once.
JITTER = 0.1

#: Seconds between polls at the least: some time has to pass for a deadline to come.
SHORTEST_PAUSE_S = 0.001

#: Seconds that are none: a clock might not move on by less.
_NONE_S = 1e-6


class Pauses:
    """The seconds to wait before each next poll of a job, without end.

    They begin with twice the time that the first request took, within bounds, and grow to a limit.
    """

    def __init__(self, wait: float | None, job_id: str) -> None:
        """Make pauses of `wait` seconds each or, if it is None, such as grow.

        Raises:
            ValueError: `wait` is negative or not a number.
        """
        if wait is not None and not 0 <= wait < float("inf"):  # NaN is not either
            raise ValueError(f"wait={wait} must not be negative, or without end")
        self._fixed = None if wait is None else max(wait, SHORTEST_PAUSE_S)
        self._next: float | None = None
        # The same for a job each time, and different from those of the others.
        seed = int.from_bytes(hashlib.sha256(job_id.encode()).digest()[:8])
        self._random = np.random.default_rng(seed)

    @property
    def least(self) -> float:
        """The seconds that pass at the least before a request after one that failed."""
        return FIRST_PAUSE_S if self._fixed is None else self._fixed

    def next(self, round_trip_s: float) -> float:
        """Return the next one, after a request that took `round_trip_s`."""
        if self._fixed is not None:
            return self._fixed
        if self._next is None:
            self._next = min(max(2 * round_trip_s, FIRST_PAUSE_S), LONGEST_FIRST_PAUSE_S)
        pause = self._next * (1 - JITTER * float(self._random.random()))
        self._next = min(self._next * PAUSE_GROWTH, LONGEST_PAUSE_S)
        return pause


class _Pause(NamedTuple):
    """Seconds to sleep, after an answer or after none."""

    seconds: float
    answered: bool


class Wait(Generic[Found]):
    """One wait: asks and sleeps, by turns, until there is what is asked for."""

    def __init__(
        self,
        clock: Clock,
        deadline: Deadline,
        pauses: Pauses,
        outage: Outage,
        *,
        ask: Callable[[], Found | None],
        too_late: Callable[[IonQError | None], Exception],
        tell: Callable[[], object] = lambda: None,
    ) -> None:
        """Prepare to wait.

        Args:
            clock: What to sleep on.
            deadline: When to give up.
            pauses: How long to sleep after an answer.
            outage: How long to sleep after a failure, and whether to go on.
            ask: Returns what is waited for, or None if it is not there yet.
            too_late: Makes what is raised when there is no time left, of the failure of the last
                request, if it is that which has used it up.
            tell: Called after each answer.
        """
        self._clock = clock
        self._deadline = deadline
        self._pauses = pauses
        self._outage = outage
        self._ask = ask
        self._too_late = too_late
        self._tell = tell
        self._found: Found | None = None

    def run(self) -> Found:
        """Wait in this thread, and return what was waited for."""
        for pause in self._polls():
            if pause.answered:
                self._tell()
            if pause.seconds:
                self._clock.sleep(pause.seconds)
        return cast("Found", self._found)

    async def run_async(self) -> Found:
        """Wait in this task: what asks runs in a thread, what tells in the task.

        A task that is cancelled asks no more.
        """
        import asyncio  # noqa: PLC0415 - slow to import, and loaded where there is a task

        polls = self._polls()
        while (pause := await asyncio.to_thread(next, polls, None)) is not None:
            if pause.answered:
                self._tell()
            if pause.seconds:
                await sleep_on(self._clock, pause.seconds)
        return cast("Found", self._found)

    def _polls(self) -> Iterator[_Pause]:
        """Ask until there is what is waited for, and yield after each time how long to sleep."""
        failure: IonQError | None = None
        while True:
            began = self._clock.monotonic()
            try:
                self._found = self._ask()
            except TimeIsUpError:
                raise self._too_late(failure) from failure
            except IonQError as error:
                # The last request after one that failed is begun early enough to end in time.
                left = self._left(SHORTEST_REQUEST_S)
                over = passes(error) and not self._left()
                if over or self._outage.outlasts(left, error):
                    raise self._too_late(error) from error
                failure = error
                pause = max(self._outage.failed(error, began), self._pauses.least)
                yield _Pause(min(pause, left), answered=False)
            else:
                failure = None
                self._outage.end()
                if self._found is not None:
                    yield _Pause(0.0, answered=True)
                    return
                left = self._left()
                pause = self._pauses.next(self._clock.monotonic() - began)
                yield _Pause(min(pause, left), answered=True)
                if left <= 0:
                    raise self._too_late(None)

    def _left(self, reserved_s: float = 0.0) -> float:
        """Return the seconds that are left, but for those reserved."""
        left = self._deadline.left() - reserved_s
        return left if left >= _NONE_S else 0.0


_SERVER_ERROR = 500


def passes(error: IonQError) -> bool:
    """Return whether a request that ended in `error` may be answered later.

    It may where there was no answer, and where there was one of a service that is in trouble: of
    those that `IonQRetriableError` stands for, or any of 5xx that is no refusal. 500 is one of
    them here: what the service never takes it has refused before there was a job to wait for.
    """
    if isinstance(error, IonQConnectionError):
        return not isinstance(error.__cause__, UnusableURLError | ReplyTooLargeError)
    if isinstance(error, IonQAPIError):
        unwell = error.status_code >= _SERVER_ERROR and error.status_code not in REFUSALS
        return unwell or isinstance(error, IonQRetriableError)
    return False


class Outage:
    """The failures since the service last answered a wait, if it has not since."""

    def __init__(self, client: IonQClient, clock: Clock, deadline: Deadline, job_id: str) -> None:
        """Watch a wait for a job; there is no outage yet.

        How long to go on is the deadline's to say and, where there is none, the policy's of the
        client's transport: `RetryPolicy.outage_s`.
        """
        self._tell = client.events
        self._clock = clock
        self._deadline = deadline
        self._job_id = job_id
        policy = getattr(client.transport, "policy", None)
        self._policy = policy if isinstance(policy, RetryPolicy) else DEFAULT_POLICY
        self._since: float | None = None
        self._failures = 0
        # The same for a job each time, and different from those of the others.
        seed = int.from_bytes(hashlib.sha256(job_id.encode()).digest()[8:16])
        self._random = np.random.default_rng(seed)

    def end(self) -> None:
        """Take the service for well: it has answered."""
        self._since, self._failures = None, 0

    def outlasts(self, seconds: float, error: IonQError) -> bool:
        """Return whether nothing is to be asked again within so many seconds.

        There may be none left, or the service has asked for more with ``Retry-After``.
        """
        return self._goes_on(error) and _retry_after_s(error) >= seconds

    def _goes_on(self, error: IonQError) -> bool:
        return passes(error) and self._policy.outage_s != 0

    def failed(self, error: IonQError, began: float) -> float:
        """Return how many seconds to wait before asking again.

        Args:
            error: What came of a request.
            began: The time on the clock when that was begun.

        Raises:
            IonQError: `error`, if it does not pass, or has lasted for too long.
        """
        if not self._goes_on(error):
            raise error
        self._since = began if self._since is None else self._since
        self._failures += 1
        now = self._clock.monotonic()
        lasts = now - self._since
        left = float("inf")
        if self._deadline.timeout is None and self._policy.outage_s is not None:
            left = self._policy.outage_s - lasts
        # Nor is anything asked again before the service allows it, only because the time is over.
        if left <= _retry_after_s(error):
            error.message = (
                f"{error.message} There was no other answer for {lasts:.0f} s, so that job "
                f"{self._job_id} is not waited for any longer. It is not lost: once the service is "
                f"well, backend.retrieve_job({self._job_id!r}) has it."
            )
            raise error
        # What was sent `attempts` times by now is not sent as often as at the beginning.
        pause = self._policy.pause_s(
            self._policy.attempts + self._failures - 1,
            float(self._random.random()),
            _retry_after_s(error),
        )
        pause = min(pause, left)
        self._tell(
            PollFailed(
                job_id=self._job_id,
                seconds=pause,
                reason=_reason(error),
                failures=self._failures,
                away_s=lasts,
            )
        )
        return pause


def _retry_after_s(error: IonQError) -> float:
    """Return the seconds that the service asks to be left alone; 0 if it does not."""
    return getattr(error, "retry_after_s", None) or 0.0


def _reason(error: IonQError) -> str:
    """Return what happened without any text of the service's, which may echo anything."""
    if isinstance(error, IonQAPIError):
        return f"status {error.status_code}"
    return type(error.__cause__ or error).__name__


#: Seconds after which a wait without a timeout gives up a job whose status is a word that is not
#: known and whose record does not change: it may be one for an end.
UNKNOWN_S = 3600.0


def until_final(
    state: JobState,
    deadline: Deadline,
    wait: float | None,
    line: ProgressLine,
    tell: Callable[[], object],
) -> Wait[JobStatus]:
    """Return a wait for the job to be final, which begins when it is run.

    Args:
        state: How the job stands.
        deadline: When to give up.
        wait: Seconds between polls, or None.
        line: Where to show how the job stands.
        tell: Called after each answer.
    """

    def ask() -> JobStatus | None:
        answered = False
        try:
            status = state.refresh(deadline.for_request())
            answered = True
        finally:
            if line.visible:
                line.show(state.in_a_line(deadline, answered=answered))
        if deadline.timeout is None and state.unknown_for >= UNKNOWN_S and not state.over:
            raise state.stuck()
        return status if state.over else None

    outage = Outage(state.client, state.clock, deadline, state.record.job_id)
    return _wait(state, deadline, Pauses(wait, state.record.job_id), outage, ask, tell=tell)


def until_read(state: JobState, reader: Reader, deadline: Deadline) -> Wait[IonQResult]:
    """Return a wait for the result of a job that is final."""
    outage = Outage(state.client, state.clock, deadline, state.record.job_id)

    def ask() -> IonQResult:
        before = reader.parts_read()
        try:
            return reader.read()
        except IonQError:
            if reader.parts_read() > before:
                outage.end()  # it has answered some requests
            raise

    return _wait(state, deadline, Pauses(None, state.record.job_id), outage, ask)


def _wait(
    state: JobState,
    deadline: Deadline,
    pauses: Pauses,
    outage: Outage,
    ask: Callable[[], Found | None],
    *,
    tell: Callable[[], object] = lambda: None,
) -> Wait[Found]:
    return Wait(
        state.clock,
        deadline,
        pauses,
        outage,
        ask=ask,
        too_late=lambda failure: state.too_late(deadline, failure),
        tell=tell,
    )
