"""A clock to wait on, and the one deadline of a call."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from ionq_toolkit.tracebacks import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """A clock to wait on.

    It may also have a coroutine ``sleep_async(seconds)``, which tasks wait on; without one they
    wait for `sleep` in a thread. It may have ``now()``, which returns its date and time; without
    it, a journal has those of the machine.
    """

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock."""
        ...


def utc_now() -> datetime:
    """Return the date and time of the machine: for what later processes read."""
    return datetime.now(UTC)


def now_on(clock: Clock) -> datetime:
    """Return the date and time on a clock; those of the machine if it has none."""
    now: Callable[[], datetime] = getattr(clock, "now", utc_now)
    return now()


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Return the machine's monotonic time in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block this thread for `seconds`."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Suspend this task for `seconds`."""
        import asyncio  # noqa: PLC0415 - slow to import, and loaded where there is a task

        await asyncio.sleep(seconds)


async def sleep_on(clock: Clock, seconds: float) -> None:
    """Suspend this task until `seconds` have passed on a clock."""
    sleep_async = getattr(clock, "sleep_async", None)
    if sleep_async is not None:
        await sleep_async(seconds)
    else:
        import asyncio  # noqa: PLC0415 - slow to import, and loaded where there is a task

        await asyncio.to_thread(clock.sleep, seconds)


#: Seconds that mean no limit, some thirty years: clocks and sockets take no more.
FOR_EVER_S = 1e9

#: Seconds that a request is given at the least, however near the deadline is.
SHORTEST_REQUEST_S = 0.1


class TimeIsUpError(Exception):
    """The deadline has passed before a request was begun."""


class Deadline:
    """The moment at which a call of `timeout` seconds ends, on its clock.

    Attributes:
        clock: The clock, which every wait of the call sleeps on.
        timeout: The seconds; None for no limit, as for any time from thirty years on.
    """

    def __init__(self, clock: Clock, timeout: float | None) -> None:
        """Begin now, for `timeout` seconds or without a limit.

        Raises:
            ValueError: `timeout` is negative or not a number.
        """
        if timeout is not None and not timeout >= 0:  # NaN is not either
            raise InvalidValueError(f"timeout={timeout} must not be negative")
        self.clock = clock
        self.timeout = timeout = None if timeout is None or timeout >= FOR_EVER_S else timeout
        self._begin = clock.monotonic()
        self._end = float("inf") if timeout is None else self._begin + timeout

    def elapsed(self) -> float:
        """Return the seconds that have passed."""
        return self.clock.monotonic() - self._begin

    def left(self) -> float:
        """Return the seconds that are left."""
        return self._end - self.clock.monotonic()

    def within(self, seconds: float) -> Deadline:
        """Return a deadline that ends in so many seconds, but not after this one."""
        return Deadline(self.clock, min(seconds, max(0.0, self.left())))

    def for_request(self) -> float | None:
        """Return the seconds for a request and its retries; None: the client's default."""
        return None if self.timeout is None else max(self.left(), SHORTEST_REQUEST_S)

    def for_one_of_many(self) -> float | None:
        """Return what `for_request` does, for a request that must begin before the deadline.

        Raises:
            TimeIsUpError: The deadline has passed.
        """
        if self.left() < 0:
            raise TimeIsUpError
        return self.for_request()
