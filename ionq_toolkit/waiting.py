"""Waiting for a job: one deadline for everything, and the pauses between polls."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, cast

import numpy as np

from ionq_toolkit.clock import sleep_on
from ionq_toolkit.errors import IonQError
from ionq_toolkit.outage import passes
from ionq_toolkit.transport.base import FOR_EVER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ionq_toolkit.clock import Clock
    from ionq_toolkit.outage import Outage

Found = TypeVar("Found")

#: Seconds between polls, where nobody says how many: the first at the least and the most, the
#: growth of each next, the longest. A first pause of a tenth of a second finds short jobs soon;
#: where a request takes longer than that, asking more often than it takes finds nothing sooner.
FIRST_PAUSE_S, LONGEST_FIRST_PAUSE_S, PAUSE_GROWTH, LONGEST_PAUSE_S = 0.1, 1.0, 1.5, 5.0

#: The part of a pause that chance may take off, so that many jobs are not asked for at once.
JITTER = 0.1

#: Seconds between polls at the least: some time has to pass for a deadline to come.
SHORTEST_PAUSE_S = 0.001

#: Seconds that a request is given at the least, however near the deadline is.
SHORTEST_REQUEST_S = 0.1

#: Seconds that are none: a clock might not move on by less.
_NONE_S = 1e-6


class TimeIsUpError(Exception):
    """There is no time left for a request that was not begun."""


class Deadline:
    """The moment at which a wait of `timeout` seconds ends, if it ever does."""

    def __init__(self, clock: Clock, timeout: float | None) -> None:
        """Begin to wait for `timeout` seconds, or for ever.

        Raises:
            ValueError: `timeout` is negative or not a number.
        """
        if timeout is not None and not timeout >= 0:  # NaN is not either
            raise ValueError(f"timeout={timeout} must not be negative")
        #: Seconds; None for a wait for ever, which one of thirty years is as well.
        self.timeout = timeout = None if timeout is None or timeout >= FOR_EVER_S else timeout
        self._clock = clock
        self._begin = clock.monotonic()
        self._end = float("inf") if timeout is None else self._begin + timeout

    def elapsed(self) -> float:
        """Return the seconds that have passed."""
        return self._clock.monotonic() - self._begin

    def left(self) -> float:
        """Return the seconds that are left."""
        return self._end - self._clock.monotonic()

    def within(self, seconds: float) -> Deadline:
        """Return a deadline that ends in so many seconds, and not after this one."""
        return Deadline(self._clock, min(seconds, max(0.0, self.left())))

    def for_request(self) -> float | None:
        """Return the seconds that a request may take: None for the client's own limit.

        What the client sends again after a failure has no more than that in all.
        """
        return None if self.timeout is None else max(self.left(), SHORTEST_REQUEST_S)

    def for_one_of_many(self) -> float | None:
        """Return what `for_request` does, for requests that are only made while there is time.

        Raises:
            TimeIsUpError: There is none left.
        """
        if self.left() < 0:
            raise TimeIsUpError
        return self.for_request()


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
