"""The last changes of a cloud, numbered: a page that watches it asks for those after a number."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

#: How many changed things are remembered.
MOST_CHANGES = 10_000


class Change(NamedTuple):
    """One thing that has changed.

    Attributes:
        kind: `job`, `requests`, `controls`, or `reset` of the whole cloud.
        name: The id of the job, or of its parent; empty otherwise.
    """

    kind: str
    name: str = ""


class Changes:
    """Numbers changes. Of each thing, the newest change alone is remembered, and of all, the last.

    Attributes:
        number: The number of the newest change; 0: nothing has changed.
    """

    def __init__(self, most: int = MOST_CHANGES) -> None:
        """Begin without changes.

        Args:
            most: How many changed things are remembered.
        """
        self.number = 0
        self._most = most
        self._forgotten = 0
        self._latest: OrderedDict[Change, int] = OrderedDict()

    def note(self, kind: str, name: str = "") -> None:
        """Take notice of a change, under the lock of the cloud."""
        change = Change(kind, name)
        self.number += 1
        self._latest[change] = self.number
        self._latest.move_to_end(change)
        if len(self._latest) > self._most:
            self._forgotten = self._latest.popitem(last=False)[1]

    def since(self, number: int, most: int) -> list[Change] | None:
        """Return things that changed after a number, the newest first, under the cloud's lock.

        Args:
            number: The number of the last change that is known.
            most: The most of them.

        Returns:
            The changes; None: there are more, or they are no longer known.
        """
        if not self._forgotten <= number <= self.number:
            return None
        found: list[Change] = []
        for change in reversed(self._latest):
            if self._latest[change] <= number:
                return found
            if len(found) == most:
                return None
            found.append(change)
        return found
