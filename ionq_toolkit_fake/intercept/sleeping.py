"""Virtual time: in a scope, sleeping moves the clock of the cloud.

The functions that sleep or read the time are replaced in every module. The replacements act as the
originals outside of a scope, in threads that have entered none, and for callers that do not wait
for the cloud: the standard library, test runners, and urllib3 on its way to other hosts.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ionq_toolkit_fake.intercept.patching import Patch, SharedPatches
from ionq_toolkit_fake.intercept.scope import interception

if TYPE_CHECKING:
    from collections.abc import Callable

    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.intercept.patching import Installable
    from ionq_toolkit_fake.intercept.scope import Scope

#: Packages whose waits and times are those of this computer.
_APART = {
    *sys.stdlib_module_names,
    *("_pytest", "pytest", "pytest_asyncio", "pytest_randomly", "pytest_timeout", "pluggy"),
    *("coverage", "distributed", "execnet", "hypothesis", "pebble", "psutil", "urllib3", "xdist"),
    "ionq_toolkit_fake",
}

#: The module of the standard library that calls functions for others, as `asyncio.to_thread` does.
_FOR_OTHERS = "concurrent.futures.thread"

#: How often the other tasks of an event loop get their turn before the clock moves: enough for one
#: that has just woken to send its request and to sleep again.
_TURNS = 8

#: Real seconds that waits for one event take in all while other threads run, which may set it.
_PATIENCE_S = 0.1


def _scope(caller: Any) -> Scope | None:  # noqa: ANN401 - a frame
    """Return the scope whose clock a caller's sleep moves, or None."""
    scope = interception.sleeping()
    if scope is None:
        return None
    name = caller.f_globals.get("__name__", "")
    return None if name.partition(".")[0] in _APART and name != _FOR_OTHERS else scope


def _seconds(given: Any) -> float:  # noqa: ANN401 - whatever a caller gives
    """Return the seconds that a sleep takes, or 0 if it is none or the original refuses them."""
    try:
        seconds = float(given)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return seconds if 0 < seconds < math.inf else 0.0


def _sleeping(original: Callable[..., Any]) -> Callable[..., Any]:
    def sleep(*args: Any) -> None:  # noqa: ANN401
        scope = _scope(sys._getframe(1))  # noqa: SLF001 - as `warnings` and `logging` find callers
        seconds = _seconds(args[0]) if args else 0.0
        if scope is None or not seconds:
            original(*args)
        else:
            scope.sleep(seconds)

    return sleep


class _Alarms:
    """The tasks of one event loop that sleep on one clock; the first to wake moves the clock.

    Sleeps at the same time do not add up, and tasks wake in the order of their times.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        self._loop, self._clock = loop, clock
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def after(self, seconds: float) -> asyncio.Future[None]:
        """Return a future that is done in so many seconds."""
        future = self._loop.create_future()
        if not self._waiting:
            self._loop.call_soon(self._ring, _TURNS)
        until = self._clock.monotonic() + seconds
        heapq.heappush(self._waiting, (until, next(self._count), future))
        return future

    def _ring(self, turns: int) -> None:
        if turns:
            self._loop.call_soon(self._ring, turns - 1)
            return
        until, _, future = heapq.heappop(self._waiting)
        if not future.done():  # its task was not cancelled
            self._clock.sleep(max(0.0, until - self._clock.monotonic()))
            future.set_result(None)
        if self._waiting:
            self._loop.call_soon(self._ring, _TURNS)


_alarms: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Clock, _Alarms]] = WeakKeyDictionary()


def _sleeping_in_a_task(original: Callable[..., Any]) -> Callable[..., Any]:
    def sleep(delay: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        scope = _scope(sys._getframe(1))  # noqa: SLF001
        seconds = _seconds(delay)
        if scope is None or not seconds:
            return original(delay, *args, **options)
        return virtual(scope, seconds, *args, **options)

    async def virtual(scope: Scope, seconds: float, result: object = None) -> object:
        loop, clock = asyncio.get_running_loop(), scope.cloud.clock
        clocks = _alarms.setdefault(loop, {})
        await clocks.setdefault(clock, _Alarms(loop, clock)).after(scope.stretched(seconds))
        return result

    return sleep


def _timed(original: Callable[..., Any]) -> Callable[..., Any]:
    def read() -> float:
        scope = _scope(sys._getframe(1))  # noqa: SLF001
        now: float = original()
        return now if scope is None else now + scope.passed()

    return read


def _waiting(original: Callable[..., Any]) -> Callable[..., Any]:
    patience: WeakKeyDictionary[threading.Event, float] = WeakKeyDictionary()

    def wait(event: threading.Event, timeout: float | None = None) -> bool:
        scope = _scope(sys._getframe(1))  # noqa: SLF001
        seconds = _seconds(timeout)
        if scope is None or not seconds or event.is_set():
            found: bool = original(event, timeout)
            return found
        left = patience.get(event, _PATIENCE_S) if threading.active_count() > 1 else 0.0
        real = min(seconds, left)
        began = time.perf_counter()
        if real and original(event, real):
            return True
        patience[event] = left - min(left, time.perf_counter() - began)
        scope.sleep(seconds)
        return event.is_set()

    return wait


def patches() -> list[Installable]:
    """Return the patches of the functions that sleep or read the time."""
    shared = SharedPatches()
    shared.add(time, "sleep", _sleeping)
    shared.add(time, "time", _timed)
    shared.add(time, "monotonic", _timed)
    shared.add(asyncio, "sleep", _sleeping_in_a_task)
    return [shared, Patch(threading.Event, "wait", _waiting)]
