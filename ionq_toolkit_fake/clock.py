"""The cloud's time: every date in a reply comes from here."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from ionq_toolkit_fake.forks import ForkLock
from ionq_toolkit_fake.validation import unknown

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where a virtual clock begins, so that a seeded run gives the same bytes whenever it runs.
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

#: The last day that a virtual clock gets to: dates end with the year 9999, and jobs may take years.
LAST_DAY = datetime(9900, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """A source of time for the cloud, which a client in this process can wait on."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock."""
        ...


class VirtualClock:
    """Time that moves only when a caller sleeps on it; sleeping takes no real time."""

    def __init__(self, start: datetime = EPOCH) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._lock = ForkLock()

    def now(self) -> datetime:
        """Return the virtual time."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the virtual seconds since the start."""
        with self._lock:
            return self._elapsed_s

    def sleep(self, seconds: float) -> None:
        """Move the time on by `seconds`, at once.

        Raises:
            ValueError: The time is negative, not finite, or beyond the year 9900.
        """
        if not 0 <= seconds < math.inf:  # NaN is not either
            raise ValueError(f"cannot sleep for {seconds} s")
        with self._lock:
            if seconds > (LAST_DAY - self._start).total_seconds() - self._elapsed_s:
                raise ValueError(f"{seconds} s more are beyond {LAST_DAY.date()}")
            self._elapsed_s += seconds

    def reset(self) -> None:
        """Go back to the start."""
        with self._lock:
            self._elapsed_s = 0.0


class ClientClock:
    """A virtual clock as a client in this process sleeps on it, while simulations run elsewhere.

    A simulation takes real time. While one runs, a sleep lasts until it ends, but no longer than
    its seconds on this computer's clock. So a wait neither asks without a pause nor times out
    before a simulation had the time.
    """

    def __init__(self, clock: VirtualClock, wait: Callable[[float], object]) -> None:
        """Sleep on `clock`.

        Args:
            clock: The virtual clock.
            wait: Waits until a simulation ends, for so many real seconds at most; not at all if
                none runs.
        """
        self.now, self.monotonic = clock.now, clock.monotonic
        self._clock, self._wait = clock, wait

    def sleep(self, seconds: float) -> None:
        """Give simulations their time, and move the virtual time on by `seconds`.

        Raises:
            ValueError: As `VirtualClock.sleep` does.
        """
        if 0 < seconds < math.inf:
            self._wait(seconds)
        self._clock.sleep(seconds)


class SystemClock:
    """The time of this computer."""

    def now(self) -> datetime:
        """Return the time of this computer in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the monotonic time of this computer in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block this thread for `seconds`."""
        time.sleep(seconds)


#: The clocks by name. `instant` and `virtual` are the same clock: what differs is how long jobs
#: take by default, no time or the predicted one.
CLOCKS = {"instant": VirtualClock, "virtual": VirtualClock, "real": SystemClock}


def clock_named(name: str) -> Clock:
    """Return a new clock.

    Raises:
        ValueError: The name is unknown.
    """
    if name not in CLOCKS:
        raise unknown("clock", name, CLOCKS)
    clock: Clock = CLOCKS[name]()
    return clock


def give_way() -> None:
    """Let a thread go on that waits for a lock, which this one has just released. Takes no time."""
    time.sleep(0)


def iso_or_none(moment: datetime | None) -> str | None:
    """Write a moment as IonQ does, or None."""
    return None if moment is None else iso(moment)


def iso(moment: datetime) -> str:
    """Write a moment as IonQ does: ``2026-01-01T00:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
