"""Time for waiting, handed in so that a test never waits."""

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
