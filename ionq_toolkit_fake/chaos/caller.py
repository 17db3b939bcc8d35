"""Caller: the object that a chaos test hands to a program, which reports its jobs to it."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ionq_toolkit_fake.chaos.network import Network
    from ionq_toolkit_fake.chaos.plan import RunPlan


#: The base URL of the service.
URL = "https://api.ionq.co/v0.4"

#: The outcome of a submission that was unknown at first: the id of the job or session, several ids
#: of which one may be it, or None: the service did not accept it.
Found = str | Iterable[str] | None


class Caller:
    """One of several callers of a cloud, each of which runs the program once.

    Attributes:
        number: Its number, from 0.
        key: Its API key. All callers belong to one project.
        cloud: The cloud behind a faulty network: ``InProcessTransport(caller.cloud)``.
        url: The base URL of the API. Requests that a client sends there by requests, urllib3 or
            httpx go to the same cloud, and do not leave the process.
        random: Its own random numbers, which depend on the seed.
        deadline_s: Seconds that it has in all.
    """

    def __init__(self, number: int, key: str, plan: RunPlan, network: Network) -> None:
        self.number, self.key, self.cloud, self.url = number, key, network, URL
        self.random = random.Random(f"caller {plan.seed} {number}")  # noqa: S311 - a fake
        self.deadline_s = plan.deadline_s
        self._clock = network.clock
        self._began_s = self._clock.monotonic()
        self.known: list[str] = []
        self.open: list[Callable[[], Found]] = []
        self.suspected: set[str] = set()

    def left_s(self) -> float:
        """Return the seconds until its deadline, at least 0."""
        return max(0.0, self._began_s + self.deadline_s - self._clock.monotonic())

    def sleep(self, seconds: float) -> None:
        """Sleep in virtual time, as ``time.sleep`` does within a program."""
        self._clock.sleep(seconds)

    def knows(self, made: str) -> None:
        """Report the id of a job or session that the program created.

        Report one id for each submission: two submissions that report the same id break the check
        ``known``, because the program has lost the other job.
        """
        self.known.append(made)

    def unsure(self, find: Callable[[], Found]) -> None:
        """Report that the outcome of a submission is unknown, and how to find it.

        Call it instead of `knows` when the program gives up.

        Args:
            find: Called after all callers have ended and all faults are removed. It returns the id
                of the job or session, several ids of which one may be it, or None.
        """
        self.open.append(find)

    def resolve(self) -> None:
        """Find the outcomes that `unsure` reported."""
        for find in self.open:
            found = find()
            if isinstance(found, str):
                self.known.append(found)
            elif found is not None:
                self.suspected.update(found)
