"""Locks that a forked process, which has one thread, can take whichever thread held them."""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

#: The type of `threading.RLock()`, which is written in C.
_RLock: Any = type(threading.RLock())

#: Seconds that a fork waits for other threads to leave their locks.
_PATIENCE_S = 1.0

_LOCKS: set[weakref.ref[ForkLock]] = set()
_METHODS: set[weakref.WeakMethod[Callable[[], Any]]] = set()

#: The locks that each thread holds while it forks.
_held: dict[int, list[ForkLock]] = {}


class ForkLock(_RLock):
    """A reentrant lock that is never left locked in a forked process.

    Before a fork, other threads get time to leave, so that the forked process sees the data as they
    should be. If a thread does not, the lock becomes free in the forked process. It is a subclass
    of Python's lock, as a method in Python would make each `with` slower.
    """

    def __new__(cls, *, outer: bool = False) -> Self:
        """Make a lock that is free.

        Args:
            outer: Whether a thread that holds it takes others, before which a fork takes it then.
        """
        made: Self = super().__new__(cls)
        made.outer = outer
        _LOCKS.add(weakref.ref(made, _LOCKS.discard))
        return made

    outer: bool


def call_in_child(method: Callable[[], Any]) -> None:
    """Call a bound method in each forked process, once locks are free, while its object lives."""
    _METHODS.add(weakref.WeakMethod(method, _METHODS.discard))


def _live() -> list[ForkLock]:
    found = [lock for reference in list(_LOCKS) if (lock := reference()) is not None]
    return sorted(found, key=lambda lock: not lock.outer)


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
    for reference in list(_METHODS):
        if (method := reference()) is not None:
            method()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
