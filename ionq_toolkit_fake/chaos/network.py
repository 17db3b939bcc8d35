"""The network between one caller and the cloud: what is sent takes time, and is written down."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ionq_toolkit_fake.api.responses import Response
    from ionq_toolkit_fake.chaos.plan import Weather
    from ionq_toolkit_fake.chaos.schedule import Schedule
    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.faults.exchange import Exchange


#: How many requests a caller may send: more is an endless loop.
MOST_REQUESTS = 5_000

#: Statuses of a service, or of what is in front of it, in trouble.
_IN_TROUBLE = {408, 425, 429, *range(500, 600)}


@dataclass(slots=True)
class Sent:
    """One request of a caller.

    Attributes:
        caller: Whose it is.
        at_s: When it was sent, in virtual seconds.
        method: Its HTTP method.
        path: Its path and query.
        body: A digest of its body; empty: it has none.
        until_s: When the caller knew what came of it.
        status: The HTTP status that the caller got; None: none.
        error: The name of the error that it got instead; empty: none.
        retry_after: The header ``Retry-After`` of the answer, if it had any.
        faults: The kinds of faults that happened to it; ``late``: it was under way for longer than
            its caller waited.
    """

    caller: int
    at_s: float
    method: str
    path: str
    body: str
    until_s: float = 0.0
    status: int | None = None
    error: str = ""
    retry_after: str | None = None
    faults: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the caller got no answer, or that of a service in trouble."""
        return self.status is None or self.status in _IN_TROUBLE

    def __str__(self) -> str:
        came = self.error or str(self.status)
        after = f", Retry-After: {self.retry_after}" if self.retry_after else ""
        faults = f"  [{' '.join(self.faults)}]" if self.faults else ""
        return (
            f"{self.at_s:10.3f} s  caller {self.caller}  {self.method} {self.path} -> {came}{after}"
            f" at {self.until_s:.3f} s{faults}"
        )


class Made(NamedTuple):
    """A job or a session that the cloud took.

    Attributes:
        id: Its id.
        kind: ``"job"`` or ``"session"``.
        caller: Who made it.
        body: The digest of the body of the request that made it.
    """

    id: str
    kind: str
    caller: int
    body: str


@dataclass
class Ledger:
    """What was sent in a run, and what came of it at the cloud.

    Attributes:
        sent: The requests, in order.
        made: The jobs, but those of other jobs, and the sessions.
    """

    sent: list[Sent] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)


#: A request: method, URL, headers and body.
Request = tuple[str, str, "Mapping[str, str]", bytes | None]


class Network:
    """The cloud as one caller reaches it: what `FakeIonQ` has that a client needs.

    Attributes:
        clock: The clock of all.
        weather: What it is like.
    """

    def __init__(
        self,
        cloud: FakeIonQ,
        schedule: Schedule,
        weather: Weather,
        ledger: Ledger,
        *,
        caller: int,
        seed: int,
    ) -> None:
        self.clock = schedule
        self.weather = weather
        self._cloud, self._schedule, self._ledger = cloud, schedule, ledger
        self._caller, self._count = caller, 0
        self._chance = random.Random(f"network {seed} {caller}")  # noqa: S311 - a fake

    def handle(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout: float | None = None,
        *,
        in_parts: bool = False,  # noqa: ARG002 - an answer that drips does not take longer either
    ) -> Response:
        """Carry a request to the cloud and the answer back; see `FakeIonQ.handle`."""
        self._count += 1
        if self._count > MOST_REQUESTS:
            self._schedule.stop(f"has sent more than {MOST_REQUESTS} requests")
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        digest = hashlib.sha256(body).hexdigest()[:16] if body else ""
        sent = Sent(self._caller, self._schedule.monotonic(), method, path, digest)
        self._ledger.sent.append(sent)
        try:
            response = self._carry(sent, (method, url, dict(headers), body), timeout)
        except BaseException as error:
            sent.error = type(error).__name__
            raise
        finally:
            sent.until_s = self._schedule.monotonic()
        sent.status = response.status
        sent.retry_after = next(
            (value for name, value in response.headers.items() if name.lower() == "retry-after"),
            None,
        )
        return response

    def _carry(
        self,
        sent: Sent,
        request: Request,
        timeout: float | None,
    ) -> Response:
        schedule = self._schedule
        there_s, back_s = self.weather.draw_s(self._chance)
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

    def _take(self, sent: Sent, request: Request) -> Exchange:
        """Let the cloud take a request, and see what it makes of it."""
        if sent.method.upper() != "POST":
            return self._cloud.exchange(*request)
        before = {made.id for made in self._ledger.made}
        exchange = self._cloud.exchange(*request)
        for project in self._cloud.projects:
            jobs = [job.id for job in project.jobs if job.parent_id is None]
            sessions = [session.id for session in project.sessions]
            for kind, ids in (("job", jobs), ("session", sessions)):
                self._ledger.made += [
                    Made(one, kind, self._caller, sent.body) for one in ids if one not in before
                ]
        return exchange

    def _give_up(self, sent: Sent, limit_s: float) -> NoReturn:
        self._schedule.sleep(max(0.0, sent.at_s + limit_s - self._schedule.monotonic()))
        raise TimeoutError(f"nothing came within {limit_s:g} s")
