"""Ids of IonQ's forms, from a seeded generator."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING

from ionq_toolkit_fake.forks import ForkLock

if TYPE_CHECKING:
    from datetime import datetime


#: Python's generator makes bits in words of so many.
_WORD = 32


class Identifiers:
    """Makes ids; with the same seed and the same times, the same ids.

    Attributes:
        words: How many words of random bits were made.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311 - ids of a fake, reproducible on purpose
        self._lock = ForkLock()
        self.words = 0

    def uuid7(self, moment: datetime) -> str:
        """Return a UUID of version 7 (RFC 9562), which sorts by time, as job ids do."""
        milliseconds = int(moment.timestamp() * 1000)
        value = (milliseconds & (2**48 - 1)) << 80 | 0x7 << 76 | self._bits(12) << 64
        return str(uuid.UUID(int=value | 0b10 << 62 | self._bits(62)))

    def uuid4(self) -> str:
        """Return a random UUID of version 4."""
        return str(uuid.UUID(int=self._bits(128), version=4))

    def hex24(self) -> str:
        """Return 24 hexadecimal digits, the form of a user's id."""
        return f"{self._bits(96):024x}"

    def reset(self) -> None:
        """Make the same ids again, from the first."""
        with self._lock:
            self._random.seed(self._seed)
            self.words = 0

    def skip(self, words: int) -> None:
        """Go on where a generator of the same seed is that made so many `words`."""
        with self._lock:
            if words > self.words:
                self._random.getrandbits(_WORD * (words - self.words))
                self.words = words

    def _bits(self, count: int) -> int:
        with self._lock:
            self.words += -(-count // _WORD)
            return self._random.getrandbits(count)
