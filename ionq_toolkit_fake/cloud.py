"""FakeIonQ: the cloud, as one object with one method."""

from __future__ import annotations

import copy
import logging
import secrets
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ionq_toolkit_fake import control
from ionq_toolkit_fake.api import responses
from ionq_toolkit_fake.api.request import Call, LoggedRequest, Request, without_secret
from ionq_toolkit_fake.api.responses import Refusal, Response
from ionq_toolkit_fake.clock import Clock, VirtualClock, clock_named
from ionq_toolkit_fake.facts.deviations import DEVIATIONS
from ionq_toolkit_fake.faults import FaultRules
from ionq_toolkit_fake.faults.exchange import Exchange
from ionq_toolkit_fake.faults.history import History
from ionq_toolkit_fake.models.accounts import Accounts
from ionq_toolkit_fake.models.facility import Facility
from ionq_toolkit_fake.models.identifiers import Identifiers
from ionq_toolkit_fake.models.project import Project
from ionq_toolkit_fake.simulation import InlineExecutor
from ionq_toolkit_fake.transitions.plan import FINAL, LIFECYCLE, PREDICTED, End
from ionq_toolkit_fake.transitions.rules import TransitionRules
from ionq_toolkit_fake.transitions.spec import Transitions, end_of, failed
from ionq_toolkit_fake.validation import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from concurrent.futures import Executor

    from ionq_toolkit_fake.faults import Fault
    from ionq_toolkit_fake.models.accounts import Access, ApiKey
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.models.jobs import Jobs

logger = logging.getLogger(__name__)

#: The largest body that the API takes: "the request body may not exceed 10MB".
MAX_BODY_BYTES = 10 * 1024 * 1024


class FakeIonQ:
    """IonQ's cloud in this process.

    It answers requests as ``https://api.ionq.co/v0.4`` does, simulates what it is sent,
    and forgets everything when it is dropped. It may be used from several threads.

    Attributes:
        seed: What seeds everything random in it, whether given or drawn: with it, the same
            requests get the same replies.
        clock: Its time.
        transitions: When its jobs go on, and what becomes of them.
        started_at: When it began.
        facility: Its machines.
        deviations: In what it does as the service rather than as its document.
        faults: What goes wrong, and when: ``cloud.faults.add(faults.http(429), on="POST /jobs")``.
    """

    def __init__(
        self,
        seed: int | None = None,
        *,
        clock: Clock | str | None = None,
        executor: Executor | None = None,
        polls_per_status: int = 0,
        keys: Mapping[str, str | Access] | None = None,
        statuses: Mapping[str, str] | None = None,
        deviations: Collection[str] = frozenset(DEVIATIONS),
        transitions: Transitions | str | None = None,
        fidelities: Mapping[str, Mapping[str, float]] | None = None,
        prepare: Callable[[FakeIonQ], object] | None = None,
    ) -> None:
        """Make an empty cloud.

        Args:
            seed: Seeds everything random; if None, it is drawn.
            clock: The time: `"instant"`, which None stands for, `"virtual"` or `"real"`, or a clock
                of your own. The first two begin on 1 January 2026 and stand still until somebody
                sleeps on them, or moves them over a socket; the third is the machine's. Where
                nothing is said of it, jobs take no time on the first, and on the others that which
                a machine predicts.
            executor: What simulates; if None, each job is simulated when it is submitted.
            polls_per_status: How many times a job shows each status to those who ask for it,
                before it goes on to the next; 0: it is final when it is first asked for. Short for
                `transitions` with ``after(polls=...)``, for the steps that those do not give.
            keys: The API keys that are taken, each with the name of its project or its whole
                `Access`. Keys of one project see the same jobs, and those of others none of
                them. If None, every key is taken and has a project of its own.
            statuses: Statuses of backends that differ from the catalogue's: a retired one can be
                ``{"qpu.aria-1": "available"}``.
            deviations: In which of the `DEVIATIONS` the service's ways go before its document's.
            transitions: When jobs go on, and what becomes of them; `"immediately"` or `"predicted"`
                stand for whole ones. More can be set on the attribute, for some jobs too.
            fidelities: Median fidelities of machines that differ from the catalogue's:
                ``{"qpu.forte-1": {"1q": 0.999, "2q": 0.97, "spam": 0.98}}``.
            prepare: What sets the cloud up, now and after each reset, such as rules of faults.

        Raises:
            ValueError: `polls_per_status` is negative, a key is empty or has a scope that there is
                not, or there is no such clock, backend, status, deviation or pace.
        """
        if polls_per_status < 0:
            raise ValueError(f"polls_per_status must not be negative, is {polls_per_status}")
        for name in sorted(set(deviations) - set(DEVIATIONS)):
            raise unknown("deviation", name, DEVIATIONS)
        passes = isinstance(clock, str) and clock != "instant"
        if passes and transitions is None and not polls_per_status:
            transitions = PREDICTED
        self.seed = secrets.randbits(32) if seed is None else seed
        self.clock: Clock = (
            clock_named(clock) if isinstance(clock, str) else clock or VirtualClock()
        )
        self.started_at = self.clock.now()
        self.deviations = frozenset(deviations)
        self.facility = Facility(self.seed, self.clock, statuses, fidelities)
        self._identifiers = Identifiers(self.seed)
        self._accounts = Accounts(self._identifiers, keys)
        self.faults = FaultRules(self.seed, self._accounts.takes)
        self._history = History()
        self._executor = executor or InlineExecutor()
        self.transitions = TransitionRules(
            Transitions.of(transitions), polls_per_status=polls_per_status
        )
        self._projects: dict[str, Project] = {}
        self._lock = threading.RLock()
        self._prepare = prepare
        if prepare is not None:
            prepare(self)

    def __repr__(self) -> str:
        count = sum(len(project.jobs.shown()) for project in self.projects)
        return f"<{type(self).__name__} seed={self.seed}, {count} jobs>"

    @property
    def jobs(self) -> list[Job]:
        """All jobs of all projects as they stand now, child jobs included."""
        with self._lock:
            self.settle()
            return [job for project in self.projects for job in project.jobs]

    @property
    def projects(self) -> list[Project]:
        """The projects that a key was used of."""
        return list(self._projects.values())

    def project_of(self, key: ApiKey) -> Project:
        """Return the project of a key."""
        if key.project_id not in self._projects:
            self._projects[key.project_id] = Project(
                key,
                clock=self.clock,
                identifiers=self._identifiers,
                facility=self.facility,
                executor=self._executor,
                transitions=self.transitions,
            )
        return self._projects[key.project_id]

    @property
    def requests(self) -> list[LoggedRequest]:
        """The requests that it got, in order; the last 10 000."""
        return self._history.requests

    def settle(self) -> None:
        """Move on every job whose time has come."""
        with self._lock:
            for project in self.projects:
                project.jobs.settle()

    def peek(self, job_id: str) -> Job:
        """Return a job as it stands, without asking for it: nobody sees its status.

        Raises:
            ValueError: There is no such job.
        """
        with self._lock:
            return self._job(job_id)[1]

    def end(self, job_id: str, end: End | str = LIFECYCLE[-1]) -> None:
        """Bring a job, or a child job by itself, to its end now.

        Args:
            job_id: Its id.
            end: `"completed"`, which it is as soon as it is simulated, `"canceled"`, or
                `failed(...)`, from whatever status.

        Raises:
            ValueError: There is no such job, it has come to its end, or that is no end.
        """
        found = end_of(end)
        if found.status not in FINAL:
            raise ValueError(
                f"{found.status!r} is no end: show it by hold(job_id, {found.status!r})"
            )
        with self._lock:
            jobs, job = self._job(job_id)
            jobs.end(job, found)

    def fail(self, job_id: str, code: str, message: str | None = None) -> None:
        """Let a job, or a child job by itself, fail now.

        Args:
            job_id: Its id.
            code: One of IonQ's failure codes.
            message: What is said with it; None: what there is for the code.

        Raises:
            ValueError: There is no such job or code, or the job has come to its end.
        """
        self.end(job_id, failed(code, message))

    def hold(self, job_id: str, status: str | None = None) -> None:
        """Keep a job, or a child job by itself, from going on until it is released.

        Args:
            job_id: Its id.
            status: What it shows meanwhile: a status that it goes on to now, or any word that is
                none; None: the status that it has.

        Raises:
            ValueError: There is no such job, it has come to its end or gone past that status.
        """
        if status in FINAL:
            raise ValueError(f"a job is not held {status}: end(job_id, {status!r}) ends it")
        if status is not None and status not in LIFECYCLE:
            end_of(status)
        with self._lock:
            jobs, job = self._job(job_id)
            jobs.hold(job, status)

    def release(self, job_id: str) -> None:
        """Let a job go on that was held; the time that it was does not count.

        Raises:
            ValueError: There is no such job.
        """
        with self._lock:
            jobs, job = self._job(job_id)
            jobs.release(job)

    def reset(self) -> None:
        """Be as new: the same requests get the same replies once more.

        Jobs, sessions, keys that were not given, requests, and what was set of transitions and
        faults are forgotten, and a virtual clock goes back to its start; then it is prepared again.
        """
        with self._lock:
            for project in self.projects:
                project.jobs.give_up()
            self._projects.clear()
            self.transitions.clear()
            if isinstance(self.clock, VirtualClock):
                self.clock.reset()
            self.facility.reset()
            self._identifiers.reset()
            self._accounts.reset()
            self.faults.reset()
            self._history.clear()
            if self._prepare is not None:
                self._prepare(self)

    def _job(self, job_id: str) -> tuple[Jobs, Job]:
        """Return the job of an id as it stands now, and the jobs that it is among."""
        self.settle()
        for project in self.projects:
            job = project.jobs.peek(job_id)
            if job is not None:
                return project.jobs, job
        ids = [job.id for project in self.projects for job in project.jobs.shown()]
        raise unknown("job", job_id, ids)

    def handle(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout: float | None = None,
        *,
        in_parts: bool = False,
    ) -> Response:
        """Answer one request of a client in this process.

        Args:
            method: HTTP method.
            url: URL or path; its host does not matter.
            headers: Request headers, names in any case.
            body: The bytes of the body, or None.
            timeout: Seconds that the client would wait, on the cloud's clock.
            in_parts: Whether it would wait so long for each part of the answer, and not for all.

        Returns:
            A named tuple `(status, headers, body)`.

        Raises:
            ConnectionError: A fault breaks the connection, or there is none; see `Exchange.play`.
            TimeoutError: A fault keeps the answer back for longer than `timeout`.
        """
        return self.exchange(method, url, headers, body).play(
            self.clock, timeout, in_parts=in_parts
        )

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Exchange:
        """Take one request, and return the answer and what happens to it on its way.

        Args:
            method: HTTP method.
            url: URL or path; its host does not matter.
            headers: Request headers, names in any case.
            body: The bytes of the body, or None.
        """
        with self._lock:
            if control.is_control(url):
                return Exchange("", control.answer(self, method, url, body or b""))
            at, call = self.clock.now(), Call.read(method, url, headers, body, self._accounts)
            name = None if call.operation is None else call.operation.name
            due = [] if name is None else self.faults.due(name, call.secret)
            exchange = Exchange(self._identifiers.request())
            if all(armed.rule.keeps_effect for armed in due):
                response = self._take(call, [armed.rule.fault for armed in due])
                response.headers["x-request-id"] = exchange.request_id
                exchange = replace(exchange, response=response)
            for armed in due:
                exchange = armed.act(exchange)
            request = LoggedRequest(
                at=at,
                method=call.method,
                path=without_secret(call.path, call.secret),
                operation=name,
                key_id=None if call.key is None else call.key.id,
                request_id=exchange.request_id,
                status=exchange.status,
                faults=exchange.faults,
            )
            self._history.asked(request)
            self.faults.note(due, request)
            return exchange

    def _take(self, call: Call, due: Iterable[Fault]) -> Response:
        """Return the answer to a request, which takes effect as faults have it."""
        faults = {fault.kind: fault for fault in due}
        read = (call.key and call.key.id, call.path)
        if "stale" in faults:
            known = self._history.earlier(read, faults["stale"].parameters["by"])
            return known or self._response_at_the_beginning(call)
        response = self._response(call)
        if "duplicated" in faults:
            self._response(call)
        if call.operation is not None and call.method == "GET":
            self._history.answered(read, response)
        return response

    def _response_at_the_beginning(self, call: Call) -> Response:
        """Return the answer to a read before the projects had anything."""
        beginning = copy.copy(self)
        beginning._projects = {}  # noqa: SLF001 - its own
        return beginning._response(call)  # noqa: SLF001 - its own

    def _response(self, call: Call) -> Response:
        try:
            response = self._answer(call)
        except Refusal as refusal:
            response = refusal.response()
        except Exception:
            path = without_secret(call.path, call.secret)
            logger.exception("no answer to %s %s", call.method, path)
            response = responses.internal_error().response()
        return response if call.method != "HEAD" else response._replace(body=b"")

    def _answer(self, call: Call) -> Response:
        operation, key = call.operation, call.key
        if operation is None:
            raise responses.not_found()
        if key is None and not operation.public:
            raise responses.unauthorized()
        if operation.scope and key is not None and not key.may(operation.scope):
            raise responses.forbidden("Insufficient Scope")
        if len(call.body) > MAX_BODY_BYTES:
            raise responses.too_large()
        self.settle()
        return operation.handler(Request(self, call.parameters, call.query, call.body, key))
