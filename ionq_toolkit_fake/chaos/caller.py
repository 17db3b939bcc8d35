"""Caller: the object that a chaos test hands to a program, which reports its jobs to it."""

from __future__ import annotations

import contextvars
import math
import random
import shutil
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ionq_toolkit_fake.chaos.schedule import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ionq_toolkit_fake.chaos.network import Network
    from ionq_toolkit_fake.chaos.plan import RunPlan


#: The base URL of the service.
URL = "https://api.ionq.co/v0.4"

#: Virtual seconds between two looks whether a thread has ended.
_PAUSE_S = 0.05

#: The outcome of a submission that was unknown at first: the id of the job or session, several ids
#: of which one may be it, or None: the service did not accept it.
Found = str | Iterable[str] | None


class Caller:
    """One of several callers of a cloud, each of which runs the program once.

    ::

        def program(caller):
            provider = IonQProvider(caller.key, caller.url, timeout=caller.left_s())
            caller.knows(provider.get_backend("simulator").run(circuit).job_id())

        run_chaos(program, range(3), expected=IonQError).ok  # -> True

    Attributes:
        number: Its number, from 0.
        key: Its API key. All callers belong to one project.
        cloud: The cloud behind a faulty network: ``InProcessTransport(caller.cloud)``.
        url: The base URL of the API. Requests that a client sends there by requests, urllib3 or
            httpx go to the same cloud, and do not leave the process.
        random: Its own random numbers, which depend on the seed.
        deadline_s: Seconds that it has in all.
        folder: A folder of its own, for the files that its process leaves.
        died: Whether its process was killed.
    """

    def __init__(
        self, number: int, key: str, plan: RunPlan, network: Network, folder: Path
    ) -> None:
        self.number, self.key, self.cloud, self.url = number, key, network, URL
        self.random = random.Random(f"caller {plan.seed} {number}")  # noqa: S311 - a fake
        self.deadline_s = plan.deadline_s
        self._clock = network.clock
        self._began_s = self._clock.monotonic()
        self.known: list[str] = []
        self.open: list[Callable[[], Found]] = []
        self.suspected: set[str] = set()
        self.folder = folder / f"caller {number}"
        self.died = False
        self._recover: Callable[[Path], Iterable[Found]] | None = None
        network.on_death = self._keep_files

    @property
    def is_mortal(self) -> bool:
        """Whether its process is killed during the run, in which it should leave a trace."""
        return self.cloud.death is not None

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
        if not self.died:
            self.known.append(made)

    def unsure(self, find: Callable[[], Found]) -> None:
        """Report that the outcome of a submission is unknown, and how to find it.

        Call it instead of `knows` when the program gives up.

        Args:
            find: Called after all callers have ended and all faults are removed. It returns the id
                of the job or session, several ids of which one may be it, or None.
        """
        if not self.died:
            self.open.append(find)

    def recovers(self, recover: Callable[[Path], Iterable[Found]]) -> None:
        """Say what a new process does after this one was killed.

        Args:
            recover: Called after all callers have ended and all faults are removed, with a copy of
                `folder` as it was at that moment. It yields what `unsure` returns, for each
                submission whose outcome the files leave open.
        """
        self._recover = recover

    def start(self, function: Callable[[], object]) -> Callable[[], None]:
        """Run a function in a thread of this caller, which takes turns with all others.

        Returns:
            A function that waits for its end, and raises the error that it has raised.
        """
        raised: list[BaseException] = []
        context = contextvars.copy_context()

        def run() -> None:
            try:
                context.run(function)
            except Stopped:
                raise
            except BaseException as error:  # noqa: BLE001 - raised where the thread is waited for
                raised.append(error)

        turn = self._clock.add(run)
        turn.start()

        def join() -> None:
            while math.isnan(turn.ended_at):
                self._clock.sleep(_PAUSE_S)
            if raised:
                raise raised[0]

        return join

    def after(self, requests: int, function: Callable[[], object]) -> None:
        """Call a function when so many more requests have got their responses.

        Such as one that cancels the task that sends them.
        """
        self.cloud.after(requests, function)

    def resolve(self) -> None:
        """Find the outcomes that `unsure` reported, and those that a killed process left."""
        found = [find() for find in self.open]
        if self.died and self._recover is not None:
            found += self._recover(self._kept)
        for one in found:
            if isinstance(one, str):
                self.known.append(one)
            elif one is not None:
                self.suspected.update(one)

    @property
    def _kept(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}, at its death")

    def _keep_files(self) -> None:
        """Copy the files as they are: what the client does afterwards did not happen."""
        self.died = True
        self.folder.mkdir(exist_ok=True)
        shutil.copytree(self.folder, self._kept)
