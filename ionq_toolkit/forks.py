"""Locks and cached properties that a forked process can use, whatever other threads did."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

if TYPE_CHECKING or sys.version_info >= (3, 12):
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


#: The type of `threading.RLock()`, which is written in C.
_RLock: Any = type(threading.RLock())

#: Seconds that a fork waits for other threads to leave their locks.
_PATIENCE_S = 1.0

_LOCKS: set[weakref.ref[ForkLock]] = set()

#: The locks that each thread holds while it forks.
_held: dict[int, list[ForkLock]] = {}


class ForkLock(_RLock):
    """A reentrant lock that is never left locked in a forked process.

    Before a fork, other threads get time to leave, so that the forked process sees the data as they
    should be. If a thread does not, the lock becomes free in the forked process. It is a subclass
    of Python's lock, as a method in Python would make each `with` slower.
    """

    def __new__(cls) -> Self:
        """Make a lock that is free."""
        made: Self = super().__new__(cls)
        _LOCKS.add(weakref.ref(made, _LOCKS.discard))
        return made


def _live() -> list[ForkLock]:
    return [lock for reference in list(_LOCKS) if (lock := reference()) is not None]


def _before() -> None:
    end = time.monotonic() + _PATIENCE_S
    _held[threading.get_ident()] = [
        lock for lock in _live() if lock.acquire(timeout=max(0.0, end - time.monotonic()))
    ]


def _after_in_parent() -> None:
    for lock in _held.pop(threading.get_ident(), ()):
        lock.release()


def _after_in_child() -> None:
    held = {id(lock) for lock in _held.get(threading.get_ident(), ())}
    for lock in _live():
        if id(lock) not in held:
            lock._at_fork_reinit()  # noqa: SLF001 - as `threading` and `logging` do
    _after_in_parent()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
