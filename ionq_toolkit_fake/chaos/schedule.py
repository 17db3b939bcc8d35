"""Callers that take turns on one virtual clock: of all threads, one runs at a time."""

from __future__ import annotations

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
    """Raised in a turn that is not to go on: it has taken too long, or asked too often."""


class StuckError(RuntimeError):
    """A turn does not end: it waits for something that no clock of ours has."""


class Turn:
    """One function in a thread of its own, which runs when it is its turn.

    Attributes:
        due: When it goes on, in virtual seconds; infinite: it waits for ever.
        why: Why it was stopped, if it was.
        ended_at: When it came to its end, in virtual seconds.
    """

    def __init__(self, function: Callable[[], object], due: float) -> None:
        self.due = due
        self.why: str | None = None
        self.ended_at = math.nan
        self.function = function
        self.baton = threading.Semaphore(0)
        self.thread: threading.Thread | None = None


class Schedule:
    """A virtual clock on which several turns sleep.

    Time passes when all of them sleep, and then to the moment at which the first wakes. Of those
    who could go on at the same moment, chance chooses. So what happens follows from the functions
    and the chance alone, in whatever order the machine would run their threads.
    """

    def __init__(self, chance: random.Random, *, stuck_after_s: float = 60.0) -> None:
        """Begin at the same moment each time, without turns.

        Args:
            chance: What chooses whose turn it is.
            stuck_after_s: How many real seconds `run` waits for turns that do not end.
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
        """Return the virtual seconds since the beginning."""
        return self._elapsed_s

    def sleep(self, seconds: float) -> None:
        """Let the others run until `seconds` have passed, or for ever if it is infinite.

        A thread that has no turn, such as one that a program has begun itself, moves the time on.

        Raises:
            ValueError: That is no time to sleep.
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
        """Call `function` at a moment, in virtual seconds, in whatever thread runs then."""
        self._numbers += 1
        heapq.heappush(self._events, (moment_s, self._numbers, function))

    def add(self, function: Callable[[], object]) -> Turn:
        """Let `function` have turns from now on. It must not raise anything but `Stopped`."""
        turn = Turn(function, self._elapsed_s)
        self._turns.append(turn)
        return turn

    def mine(self) -> Turn | None:
        """Return the turn of the thread that asks, or None: it has none."""
        turn = self._running
        current = threading.current_thread()
        return turn if turn is not None and turn.thread is current else None

    def stop(self, why: str) -> None:
        """End the turn of the thread that asks.

        Raises:
            Stopped: Always, and whenever it sleeps from now on.
        """
        turn = self.mine()
        if turn is not None:
            turn.why = turn.why or why
        raise Stopped(why)

    def run(self, until_s: float) -> None:
        """Let all turns run to their ends.

        Args:
            until_s: When those that have not ended are stopped, in virtual seconds.

        Raises:
            StuckError: One of them waits for something else than the clock.
        """
        self._until_s = until_s
        if not self._turns:
            return
        for turn in self._turns:
            turn.thread = threading.Thread(target=self._live, args=(turn,), daemon=True)
            turn.thread.start()
        self._pass_on(self._choose())
        if not self._all_ended.acquire(timeout=self._stuck_after_s):
            raise StuckError(self._where())
        if self._broken is not None:
            raise self._broken

    def settle(self) -> None:
        """Let everything happen that is still to come without a turn."""
        while self._events:
            moment_s, _, function = heapq.heappop(self._events)
            self._elapsed_s = max(self._elapsed_s, moment_s)
            function()

    def _live(self, turn: Turn) -> None:
        turn.baton.acquire()
        try:
            if turn.why is None:
                turn.function()
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - of the harness: run() raises it
            self._broken = self._broken or error
        turn.ended_at = self._elapsed_s
        self._turns.remove(turn)
        try:
            following = self._choose() if self._turns else None
        except BaseException as error:  # noqa: BLE001 - likewise
            self._broken = self._broken or error
            following = None
        if following is None:
            self._running = None
            self._all_ended.release()
        else:
            self._pass_on(following)

    def _next(self, turn: Turn) -> None:
        """Let the next turn run, and return when it is this one's again."""
        if turn.why is not None:
            raise Stopped(turn.why)
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
        """Return whose turn it is, once time has passed to where one can go on."""
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
        """Say what the turn that runs is doing."""
        turn, frames = self._running, sys._current_frames()  # noqa: SLF001 - the only way
        ident = None if turn is None or turn.thread is None else turn.thread.ident
        frame = None if ident is None else frames.get(ident)
        place = "".join(traceback.format_stack(frame, limit=6)) if frame is not None else ""
        return (
            f"after {self._stuck_after_s:g} real seconds a caller still runs, or waits for "
            f"something else than the clock:\n{place}"
        )
