"""The network between one caller and the cloud: it delays requests, and records them."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from ionq_toolkit_fake.chaos.record import Accepted, SentRequest
from ionq_toolkit_fake.chaos.schedule import Died

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ionq_toolkit_fake.api.responses import Response
    from ionq_toolkit_fake.chaos.plan import RunPlan
    from ionq_toolkit_fake.chaos.schedule import Schedule, Turn
    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.faults.exchange import Exchange


#: The most requests that a caller may send: more are taken for an endless loop.
MOST_REQUESTS = 5_000

#: A request: method, URL, headers and body.
Request = tuple[str, str, "Mapping[str, str]", bytes | None]


class Network:
    """The cloud as one caller reaches it. It has the members of `FakeIonQ` that clients use.

    Attributes:
        clock: The virtual clock of all callers.
        conditions: The delays of requests and responses.
        death: When the caller is killed; None: it is not.
        dead: Whether it was.
        on_death: Called at that moment.
    """

    def __init__(
        self,
        cloud: FakeIonQ,
        schedule: Schedule,
        plan: RunPlan,
        caller: int,
        *,
        sent: list[SentRequest],
        accepted: list[Accepted],
    ) -> None:
        self.clock, self.conditions = schedule, plan.conditions
        self.death = plan.death(caller)
        self.dead = False
        self.on_death: Callable[[], object] = lambda: None
        self._threads: dict[Turn | None, int] = {}
        self._later: list[tuple[int, Callable[[], object]]] = []
        self._cloud, self._caller, self._count = cloud, caller, 0
        self._sent, self._accepted = sent, accepted
        self._chance = random.Random(f"network {plan.seed} {caller}")  # noqa: S311 - a fake

    def handle(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout: float | None = None,
        *,
        in_parts: bool = False,  # noqa: ARG002 - a timeout covers the whole response
    ) -> Response:
        """Send a request to the cloud and return the response; see `FakeIonQ.handle`.

        Raises:
            Died: The caller is killed at this request, or was before.
        """
        self._count += 1
        if self.dead or self.death == (self._count, False):
            self._die()
        if self._count > MOST_REQUESTS:
            self.clock.stop(f"has sent more than {MOST_REQUESTS} requests")
        number, parts = self._count, urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        digest = hashlib.sha256(body).hexdigest()[:16] if body else ""
        sent = SentRequest(self._caller, self.clock.monotonic(), method, path, digest)
        sent.thread = self._threads.setdefault(self.clock.mine(), len(self._threads))
        self._sent.append(sent)
        try:
            response = self._carry(sent, (method, url, dict(headers), body), timeout)
        except BaseException as error:
            sent.error = type(error).__name__
            raise
        finally:
            sent.until_s = self.clock.monotonic()
            if self.death == (number, True):
                self._die()
        for moment, function in self._later:
            if moment == number:
                function()
        sent.status = response.status
        sent.retry_after = next(
            (value for name, value in response.headers.items() if name.lower() == "retry-after"),
            None,
        )
        return response

    def after(self, requests: int, function: Callable[[], object]) -> None:
        """Call a function when so many more requests have got their responses."""
        self._later.append((self._count + requests, function))

    def revive(self) -> None:
        """Carry the requests of the process that comes after a killed one."""
        self.death, self.dead = None, False

    def _die(self) -> NoReturn:
        if not self.dead:
            self.dead = True
            self.on_death()
        raise Died("the process of this caller was killed")

    def _carry(self, sent: SentRequest, request: Request, timeout: float | None) -> Response:
        schedule = self.clock
        there_s, back_s = self.conditions.sample_s(self._chance)
        limit_s = float("inf") if timeout is None else timeout
        if there_s >= limit_s:
            sent.faults = ("late",)
            schedule.at(schedule.monotonic() + there_s, lambda: self._take(sent, request))
            self._give_up(sent, limit_s)
        schedule.sleep(there_s)
        exchange = self._take(sent, request)
        sent.faults = exchange.faults
        if exchange.silent and timeout is None:
            schedule.sleep(float("inf"))
        left_s = limit_s - there_s
        response = exchange.deliver(schedule, None if timeout is None else left_s)
        if schedule.monotonic() + back_s >= sent.at_s + limit_s:
            self._give_up(sent, limit_s)
        schedule.sleep(back_s)
        return response

    def _take(self, sent: SentRequest, request: Request) -> Exchange:
        """Hand a request to the cloud, and record the jobs and sessions that it creates."""
        if sent.method.upper() != "POST":
            return self._cloud.exchange(*request)
        before = {one.id for one in self._accepted}
        exchange = self._cloud.exchange(*request)
        for project in self._cloud.projects:
            jobs = [job.id for job in project.jobs if job.parent_id is None]
            sessions = [session.id for session in project.sessions]
            for kind, ids in (("job", jobs), ("session", sessions)):
                self._accepted += [
                    Accepted(one, kind, self._caller, sent.body) for one in ids if one not in before
                ]
        return exchange

    def _give_up(self, sent: SentRequest, limit_s: float) -> NoReturn:
        self.clock.sleep(max(0.0, sent.at_s + limit_s - self.clock.monotonic()))
        raise TimeoutError(f"nothing came within {limit_s:g} s")
