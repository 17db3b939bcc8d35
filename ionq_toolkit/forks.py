"""Locks and cached properties that a forked process can use, whatever other threads did."""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from functools import cached_property as cached_property  # noqa: PLC0414 - exported
else:

    class cached_property:  # noqa: N801 - as in functools
        """`functools.cached_property` of Python 3.12, without the lock that 3.11 takes."""

        def __init__(self, function: Callable[[Any], Any]) -> None:
            self._function, self.__doc__ = function, function.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self._name = name

        def __get__(self, instance: object, owner: type | None = None) -> object:
            if instance is None:
                return self
            value = vars(instance)[self._name] = self._function(instance)
            return value


#: Seconds that a fork waits for other threads to leave their locks.
_PATIENCE_S = 1.0

_LOCKS: set[weakref.ref[ForkLock]] = set()

#: The locks that each thread holds while it forks.
_held: dict[int, list[ForkLock]] = {}


class ForkLock:
    """A reentrant lock that is never left locked in a forked process.

    Before a fork, other threads get time to leave, so that the forked process sees the data as they
    should be. If a thread does not, the forked process gets a new lock.
    """

    def __init__(self) -> None:
        """Make a lock that is free."""
        self._lock = threading.RLock()
        _LOCKS.add(weakref.ref(self, _LOCKS.discard))

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self, timeout: float = -1) -> bool:
        """Take the lock, and return whether that was possible within `timeout` seconds."""
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        """Leave the lock."""
        self._lock.release()

    def renew(self) -> None:
        """Become free, whoever holds it."""
        self._lock = threading.RLock()


def _live() -> list[ForkLock]:
    return [lock for reference in list(_LOCKS) if (lock := reference()) is not None]


def _before() -> None:
    end = time.monotonic() + _PATIENCE_S
    _held[threading.get_ident()] = [
        lock for lock in _live() if lock.acquire(max(0.0, end - time.monotonic()))
    ]


def _after_in_parent() -> None:
    for lock in _held.pop(threading.get_ident(), ()):
        lock.release()


def _after_in_child() -> None:
    held = {id(lock) for lock in _held.get(threading.get_ident(), ())}
    for lock in _live():
        if id(lock) not in held:
            lock.renew()
    _after_in_parent()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
