"""Caller: the object that a chaos test hands to a program, which reports its jobs to it."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ionq_toolkit_fake.chaos.network import Network
    from ionq_toolkit_fake.chaos.schedule import Schedule


#: The base URL of the service.
URL = "https://api.ionq.co/v0.4"

#: What a program can say later of a submission whose outcome it does not know: the id of what came
#: of it, ids of which one may be, or None: nothing came of it.
Found = str | Iterable[str] | None


class Caller:
    """One of several callers of a cloud, each of which runs the program once.

    Attributes:
        number: Which one it is, from 0.
        key: Its API key. All callers are of one project.
        cloud: The cloud, as it reaches it: ``InProcessTransport(caller.cloud)``.
        url: The base URL of the API. What a client sends to it by requests, urllib3 or httpx goes
            the same way, and does not leave the process.
        random: Chance of its own, which follows from the seed.
        deadline_s: How many seconds it has in all.
    """

    def __init__(
        self,
        number: int,
        key: str,
        cloud: Network,
        schedule: Schedule,
        *,
        seed: int,
        deadline_s: float,
    ) -> None:
        self.number, self.key, self.cloud, self.url = number, key, cloud, URL
        self.random = random.Random(f"caller {seed} {number}")  # noqa: S311 - a fake
        self.deadline_s = deadline_s
        self._schedule = schedule
        self._began_s = schedule.monotonic()
        self.known: list[str] = []
        self.open: list[Callable[[], Found]] = []
        self.suspected: set[str] = set()

    def left_s(self) -> float:
        """Return how many seconds there are until its deadline, at least 0."""
        return max(0.0, self._began_s + self.deadline_s - self._schedule.monotonic())

    def sleep(self, seconds: float) -> None:
        """Wait, as ``time.sleep`` does within a program."""
        self._schedule.sleep(seconds)

    def knows(self, made: str) -> None:
        """Say the id of a job or a session that it made: it can ask for it, and end it.

        Once for each that it has asked for: who is told of one job for two submissions has lost
        the other.
        """
        self.known.append(made)

    def unsure(self, find: Callable[[], Found]) -> None:
        """Say that it does not know what came of a submission, but how to find out.

        It is instead of `knows`, for whoever gives up.

        Args:
            find: Called when everybody has come to an end and nothing goes wrong any more. It
                returns the id of what was made, or ids of which one may be it, or None.
        """
        self.open.append(find)

    def resolve(self) -> None:
        """Find out what came of the submissions that it is not sure of."""
        for find in self.open:
            found = find()
            if isinstance(found, str):
                self.known.append(found)
            elif found is not None:
                self.suspected.update(found)
