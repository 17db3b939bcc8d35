"""MemoryStore: entries in the memory of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ionq_toolkit_fake.store.base import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ionq_toolkit_fake.store.base import Entry


class MemoryStore(Store):
    """Keeps entries as long as this process lives: a cloud of its own can begin with them."""

    place = "memory"

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, bytes]] = {}

    def read(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """Yield the key and the bytes of each entry of a kind."""
        yield from list(self._kinds.get(kind, {}).items())

    def get(self, kind: str, key: str) -> bytes | None:
        """Return the bytes of an entry, or None."""
        return self._kinds.get(kind, {}).get(key)

    def get_several(self, kind: str, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the bytes of several entries of a kind by their keys; leave missing ones out."""
        entries = self._kinds.get(kind, {})
        return {key: entries[key] for key in keys if key in entries}

    def keys(self, kind: str) -> set[str]:
        """Return the keys of all entries of a kind."""
        return set(self._kinds.get(kind, ()))

    def write(self, changes: Mapping[Entry, bytes | None], *, clear: bool = False) -> None:
        """Write entries, and remove those that are None."""
        if clear:
            self._kinds.clear()
        for (kind, key), value in changes.items():
            entries = self._kinds.setdefault(kind, {})
            if value is None:
                entries.pop(key, None)
            else:
                entries[key] = value
