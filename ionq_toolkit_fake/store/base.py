"""Store: keeps entries of bytes, and changes them all at once or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


class StateError(ValueError):
    """The state of a cloud cannot be read or written; the message says what to do."""


class StateInUseError(StateError):
    """Another cloud uses the file."""


class StateFormatError(StateError):
    """The file is damaged, of another program, or of a newer version."""


class Entry(NamedTuple):
    """The name of an entry.

    Attributes:
        kind: Its kind, such as `job`.
        key: Tells it from others of its kind.
    """

    kind: str
    key: str = ""


class Store(ABC):
    """Keeps entries, each of some bytes.

    It is used by one cloud, which holds its lock meanwhile.
    """

    #: Where the entries are, for messages.
    place: str

    @abstractmethod
    def read(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """Yield the key and the bytes of each entry of a kind, in no particular order.

        Raises:
            StateError: The entries cannot be read.
        """

    @abstractmethod
    def get(self, kind: str, key: str) -> bytes | None:
        """Return the bytes of an entry, or None.

        Raises:
            StateError: It cannot be read.
        """

    @abstractmethod
    def get_several(self, kind: str, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the bytes of several entries of a kind by their keys; leave missing ones out.

        Raises:
            StateError: They cannot be read.
        """

    @abstractmethod
    def keys(self, kind: str) -> set[str]:
        """Return the keys of all entries of a kind.

        Raises:
            StateError: They cannot be read.
        """

    @abstractmethod
    def write(self, changes: Mapping[Entry, bytes | None], *, clear: bool = False) -> None:
        """Write entries, and remove those that are None: all of them, or none if it fails.

        Args:
            changes: The entries.
            clear: Remove all other entries.

        Raises:
            StateError: They cannot be written.
        """

    def close(self) -> None:  # noqa: B027 - a store without resources has nothing to do
        """Release its resources. It is not used afterwards."""


def missing_folder(path: Path) -> StateError:
    """Return the error for a file whose folder does not exist."""
    return StateError(f"{path}: there is no folder {path.parent}. Make it, or give another file.")
