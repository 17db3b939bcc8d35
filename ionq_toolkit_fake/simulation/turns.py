"""Turns: a queue in which none waits for all that another one has put there."""

from __future__ import annotations

import queue
from collections import OrderedDict, deque
from typing import Generic, TypeVar

from ionq_toolkit_fake.forks import ForkLock

T = TypeVar("T")


class Turns(Generic[T]):
    """A queue of several parties, which take turns: each has a line of its own.

    A party with a thousand items lets another one's single item pass after the next of its own.
    """

    def __init__(self) -> None:
        """Make an empty queue."""
        self._lines: OrderedDict[str, deque[T]] = OrderedDict()
        self._lock = ForkLock()
        # One True for each item, and one False for each end. A SimpleQueue may be put into within
        # its own `get`, as the collection of garbage does.
        self._signals: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def __len__(self) -> int:
        """Return how many items wait."""
        with self._lock:
            return sum(map(len, self._lines.values()))

    def put(self, item: T, party: str = "") -> None:
        """Add an item at the end of the line of a party."""
        with self._lock:
            self._lines.setdefault(party, deque()).append(item)
        self._signals.put(True)

    def end(self) -> None:
        """Let one `get` return None, after the items that wait now."""
        self._signals.put(False)

    def get(self) -> T | None:
        """Wait for an item, and return that of the party whose turn it is; None: the end."""
        if not self._signals.get():
            return None
        with self._lock:
            party, line = self._lines.popitem(last=False)
            item = line.popleft()
            if line:
                self._lines[party] = line
            return item
