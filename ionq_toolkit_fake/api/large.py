"""Large responses: made when the cloud takes other requests again, a little at a time."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ionq_toolkit_fake.simulation.outcome import Distribution

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: How many outcomes make a response large.
LARGE = 2**14

#: How many characters make a page of jobs large.
LARGE_BYTES = 256 * 1024

#: How many entries are written at once: all that while, no other thread runs.
_CHUNK = 2**12

#: A part of a content has at least as many bytes, but for the last.
_PART_BYTES = 256 * 1024

#: Whether the caller sends a large content in parts, as a server does.
IN_PARTS: ContextVar[bool] = ContextVar("IN_PARTS", default=False)


class Later(NamedTuple):
    """A large content, not made yet. It may be made without the lock of the cloud.

    Attributes:
        content: Returns JSON, in which a `Distribution` is a map of decimal outcomes.
    """

    content: Callable[[], object]

    def encode(self) -> bytes:
        """Return it as JSON."""
        return b"".join(self.parts())

    def begin(self) -> tuple[bytes, Iterator[bytes]]:
        """Return its first part as JSON, and what makes the others."""
        parts = self.parts()
        return next(parts), parts

    def parts(self) -> Iterator[bytes]:
        """Yield it as JSON in parts, each of which is made when it is asked for."""
        gathered = bytearray()
        for part in _parts(self.content()):
            gathered += part
            if len(gathered) >= _PART_BYTES:
                yield bytes(gathered)
                gathered.clear()
        yield bytes(gathered)


def as_map(distribution: Distribution) -> dict[str, float]:
    """Return a distribution as IonQ writes it: decimal outcomes and their probabilities."""
    found: dict[str, float] = {}
    for chunk in _chunks(distribution):
        found.update(chunk)
    return found


def _chunks(distribution: Distribution) -> Iterator[dict[str, float]]:
    outcomes, probabilities = distribution
    for start in range(0, len(outcomes), _CHUNK):
        part = slice(start, start + _CHUNK)
        keys = map(str, outcomes[part].tolist())
        yield dict(zip(keys, probabilities[part].tolist(), strict=True))


def _parts(found: object) -> Iterator[bytes]:
    """Yield the JSON of a content in parts."""
    if isinstance(found, Distribution):
        yield from _joined(b"{", _chunks(found), b"}")
    elif isinstance(found, Mapping) and len(found) > _CHUNK:
        items = iter(found.items())
        yield from _joined(b"{", iter(lambda: dict(islice(items, _CHUNK)), {}), b"}")
    elif isinstance(found, list) and len(found) > _CHUNK:
        slices = (found[start : start + _CHUNK] for start in range(0, len(found), _CHUNK))
        yield from _joined(b"[", slices, b"]")
    elif isinstance(found, list) and found and isinstance(found[0], Mapping):
        yield from _joined(b"[", ([one] for one in found), b"]")  # each may be large
    elif isinstance(found, Mapping):
        opening = b"{"
        for name, value in found.items():
            yield opening + msgspec.json.encode(name) + b":"
            yield from _parts(value)
            opening = b","
        yield b"}" if found else b"{}"
    else:
        yield msgspec.json.encode(found)


def _joined(opening: bytes, parts: Iterable[object], closing: bytes) -> Iterator[bytes]:
    """Yield one object or array that has the entries of all parts."""
    yield opening
    for index, part in enumerate(parts):
        yield (b"," if index else b"") + msgspec.json.encode(part)[1:-1]
    yield closing
