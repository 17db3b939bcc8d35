"""Ids of IonQ's forms, from a seeded generator."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING

from ionq_toolkit_fake.forks import ForkLock

if TYPE_CHECKING:
    from datetime import datetime


class Identifiers:
    """Makes ids; with the same seed and the same times, the same ids."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311 - ids of a fake, reproducible on purpose
        self._lock = ForkLock()

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

    def _bits(self, count: int) -> int:
        with self._lock:
            return self._random.getrandbits(count)
