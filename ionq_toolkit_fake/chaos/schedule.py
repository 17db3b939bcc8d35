"""Schedule: threads that take turns on one virtual clock. One of them runs at a time."""

from __future__ import annotations

import functools
import heapq
import math
import sys
import threading
import traceback
from datetime import timedelta
from typing import TYPE_CHECKING

from ionq_toolkit_fake.clock import EPOCH

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from datetime import datetime


class Stopped(BaseException):
    """Raised in a turn to end it: it took too long, or sent too many requests."""


class Died(BaseException):
    """Raised in a turn whose process is killed: what follows it there has no effect any more."""


class StuckError(RuntimeError):
    """A turn does not end: it computes, or waits for something other than the virtual clock."""


class Turn(threading.Thread):
    """A thread of a schedule.

    Attributes:
        due: When it continues, in virtual seconds; infinite: it waits for ever.
        why: Why it was stopped; None: it was not.
        ended_at: When it ended, in virtual seconds.
    """

    def __init__(self, live: Callable[[Turn], object], due: float) -> None:
        super().__init__(target=live, args=(self,), daemon=True)
        self.due = due
        self.why: str | None = None
        self.ended_at = math.nan
        self.baton = threading.Semaphore(0)


class Schedule:
    """A virtual clock on which several turns sleep.

    When all turns sleep, time moves to the moment at which the first of them wakes. If several
    wake at that moment, `chance` selects one. So the order of events depends on the functions and
    on `chance` alone, not on the operating system's scheduler.
    """

    def __init__(self, chance: random.Random, *, stuck_after_s: float = 60.0) -> None:
        """Create a clock at time 0 without turns.

        Args:
            chance: Selects the next turn.
            stuck_after_s: Real seconds that `run` waits for turns that do not end.
        """
        self._chance, self._stuck_after_s = chance, stuck_after_s
        self._elapsed_s = 0.0
        self._turns: list[Turn] = []
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = 0
        self._all_ended = threading.Semaphore(0)
        self._running: Turn | None = None
        self._broken: BaseException | None = None

    # --- the clock ---

    def now(self) -> datetime:
        """Return the virtual time."""
        return EPOCH + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        """Return the virtual seconds since the start."""
        return self._elapsed_s

    def sleep(self, seconds: float) -> None:
        """Let other turns run until `seconds` have passed; infinite: for ever.

        A thread without a turn, such as one that a program started itself, moves the time.

        Raises:
            ValueError: `seconds` is negative or NaN.
            TimeoutError: A thread without a turn would wait for ever.
        """
        if not seconds >= 0:  # NaN is not either
            raise ValueError(f"cannot sleep for {seconds} s")
        turn = self.mine()
        if turn is not None:
            turn.due = self._elapsed_s + seconds
            self._next(turn)
        elif seconds < math.inf:
            self._elapsed_s += seconds
        else:
            raise TimeoutError("a thread without a turn would wait for ever")

    # --- the turns ---

    def at(self, moment_s: float, function: Callable[[], object]) -> None:
        """Call `function` at a moment, in virtual seconds, in the thread that runs then."""
        self._numbers += 1
        heapq.heappush(self._events, (moment_s, self._numbers, function))

    def add(self, function: Callable[[], object]) -> Turn:
        """Add a turn that runs `function`, which must raise nothing but `Stopped`."""
        self._turns.append(Turn(functools.partial(self._live, function), self._elapsed_s))
        return self._turns[-1]

    def mine(self) -> Turn | None:
        """Return the turn of the calling thread, or None."""
        return self._running if self._running is threading.current_thread() else None

    def stop(self, why: str) -> None:
        """End the turn of the calling thread."""
        turn = self.mine()
        if turn is not None:
            turn.why = turn.why or why
        raise Stopped(why)

    def run(self, until_s: float) -> None:
        """Run all turns until they end.

        Args:
            until_s: When the remaining turns are stopped, in virtual seconds.

        Raises:
            StuckError: A turn waits for something other than the clock.
        """
        self._until_s = until_s
        if not self._turns:
            return
        for turn in self._turns:
            turn.start()
        self._pass_on(self._choose())
        if not self._all_ended.acquire(timeout=self._stuck_after_s):
            raise StuckError(self._where())
        if self._broken is not None:
            raise self._broken

    def settle(self) -> None:
        """Call the remaining functions of `at`, each at its moment."""
        while self._events:
            moment_s, _, function = heapq.heappop(self._events)
            self._elapsed_s = max(self._elapsed_s, moment_s)
            function()

    def _live(self, function: Callable[[], object], turn: Turn) -> None:
        turn.baton.acquire()
        try:
            if turn.why is None:
                function()
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - run() raises it
            self._broken = self._broken or error
        turn.ended_at = self._elapsed_s
        self._turns.remove(turn)
        self._running = None
        try:
            if self._turns:
                self._pass_on(self._choose())
        except BaseException as error:  # noqa: BLE001 - likewise
            self._broken = self._broken or error
        if self._running is None:
            self._all_ended.release()

    def _next(self, turn: Turn) -> None:
        """Run other turns, and return when this one continues."""
        if turn.why is None:
            following = self._choose()
            if following is not turn:
                self._pass_on(following)
                turn.baton.acquire()
        if turn.why is not None:
            raise Stopped(turn.why)

    def _pass_on(self, turn: Turn) -> None:
        self._running = turn
        turn.baton.release()

    def _choose(self) -> Turn:
        """Move the time to where a turn can continue, and return that turn."""
        while True:
            due = min(turn.due for turn in self._turns)
            event_s = self._events[0][0] if self._events else math.inf
            moment_s = max(self._elapsed_s, min(due, event_s))
            if moment_s > self._until_s:
                for turn in self._turns:
                    hangs = "waits for ever" if turn.due == math.inf else "has not ended"
                    turn.why = turn.why or f"{hangs} after {self._until_s:g} s"
                    turn.due = self._elapsed_s
                continue
            self._elapsed_s = moment_s
            if event_s <= moment_s:
                heapq.heappop(self._events)[2]()
                continue
            able = [turn for turn in self._turns if turn.due <= moment_s]
            return able[0] if len(able) == 1 else self._chance.choice(able)

    def _where(self) -> str:
        """Return the message for a turn that does not end, with its stack."""
        frames = sys._current_frames()  # noqa: SLF001 - the only way
        frame = frames.get(self._running.ident or 0) if self._running else None
        place = "".join(traceback.format_stack(frame, limit=6)) if frame else ""
        return (
            f"after {self._stuck_after_s:g} real seconds a caller still runs, or waits for "
            f"something other than the clock:\n{place}"
        )
