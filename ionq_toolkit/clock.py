"""A clock to wait on, and the one deadline of a call."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A clock to wait on.

    It may also have a coroutine ``sleep_async(seconds)``, which tasks wait on; without one they
    wait for `sleep` in a thread.
    """

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock."""
        ...


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


#: Seconds that are as good as for ever, some thirty years: clocks and sockets take no more.
FOR_EVER_S = 1e9

#: Seconds that a request is given at the least, however near the deadline is.
SHORTEST_REQUEST_S = 0.1


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
