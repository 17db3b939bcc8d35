"""FakeIonQ: the cloud, which takes one request at a time."""

from __future__ import annotations

import logging
import random
import secrets
import uuid
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from ionq_toolkit_fake.api import record, responses
from ionq_toolkit_fake.api.large import IN_PARTS, Later
from ionq_toolkit_fake.api.request import LoggedRequest, Request, takes_body
from ionq_toolkit_fake.api.responses import JSON, Refusal, Response
from ionq_toolkit_fake.api.routes import HANDLERS
from ionq_toolkit_fake.assertions import assert_requested
from ionq_toolkit_fake.clock import ClientClock, Clock, VirtualClock, clock_named
from ionq_toolkit_fake.display import MOST_ROWS, ShownList, Table, shown
from ionq_toolkit_fake.facts.described import described_devices, load_devices
from ionq_toolkit_fake.facts.deviations import DEVIATIONS
from ionq_toolkit_fake.facts.guesses import notes_of
from ionq_toolkit_fake.facts.limits import MAX_BODY_BYTES
from ionq_toolkit_fake.faults import FaultRules
from ionq_toolkit_fake.faults import from_dict as rule_from_dict
from ionq_toolkit_fake.faults import to_dict as rule_to_dict
from ionq_toolkit_fake.faults.exchange import Exchange
from ionq_toolkit_fake.forks import ForkLock
from ionq_toolkit_fake.models.accounts import Accounts
from ionq_toolkit_fake.models.agenda import Agenda, Retention
from ionq_toolkit_fake.models.facility import Facility
from ionq_toolkit_fake.models.identifiers import Identifiers
from ionq_toolkit_fake.models.job import Job
from ionq_toolkit_fake.models.project import Project
from ionq_toolkit_fake.models.state import (
    CloudRecord,
    FaultRecord,
    Keeper,
    damaged,
    everything,
    read,
)
from ionq_toolkit_fake.simulation.executors import InlineExecutor, Running, lane
from ionq_toolkit_fake.store.base import Entry, StateError, Store
from ionq_toolkit_fake.store.sqlite import SqliteStore, write_snapshot
from ionq_toolkit_fake.transitions.lifecycle import FINAL, LIFECYCLE, PREDICTED, End
from ionq_toolkit_fake.transitions.rules import TransitionRules
from ionq_toolkit_fake.transitions.spec import Transitions, end_of, failed
from ionq_toolkit_fake.validation import unknown

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from datetime import datetime

    from responses import RequestsMock

    from ionq_toolkit_fake.facts.failures import FailureWord
    from ionq_toolkit_fake.faults import ArmedRule, Fault
    from ionq_toolkit_fake.models.accounts import Access, ApiKey
    from ionq_toolkit_fake.models.changes import Changes
    from ionq_toolkit_fake.models.jobs import Jobs
    from ionq_toolkit_fake.transitions.lifecycle import OpenStatus


logger = logging.getLogger(__name__)

#: How good QPUs are; see `FakeIonQ`.
CHARACTERIZATIONS = (AS_RUN, NOMINAL) = ("as run", "nominal")

#: An error message names as many jobs.
_MOST_NAMED = 20

#: The log keeps as many requests.
_MOST_REQUESTS = 10_000

#: How many reads are remembered, how many responses to each, and the size of the largest.
_MOST_READS, _MOST_RESPONSES, _LARGEST_BYTES = 256, 4, 64 * 1024


class FakeIonQ:
    """IonQ's cloud in this process.

    It answers requests as ``https://api.ionq.co/v0.4`` does, simulates the jobs, and keeps
    everything in memory. It may be used from several threads.

    ::

        cloud = FakeIonQ(seed=7, transitions=Transitions.polls(2))
        provider = IonQProvider(transport=InProcessTransport(cloud))
        job = provider.get_backend("simulator").run(circuit)
        cloud.fail(job.job_id(), "SystemCancel")
        job.errored()  # -> True

    Attributes:
        seed: The seed of everything random, given or drawn: with the same seed, the same requests
            get the same responses.
        clock: Its clock.
        transitions: When its jobs go on, and how they end.
        started_at: When it began.
        facility: Its QPUs.
        deviations: The `DEVIATIONS` from IonQ's document that it follows.
        faults: The rules of faults: ``cloud.faults.add(faults.http(429), on="POST /jobs")``.
        lock: Held while it takes a request.
    """

    #: Called with each request and its exchange, after it was taken: method, URL, headers, body.
    observer: Callable[[str, str, Mapping[str, str], bytes | None, Exchange], object] | None = None

    #: Answers requests for the controls; the module `control`, which is above this one, sets it.
    controls: ClassVar[Callable[[FakeIonQ, str, str, bytes], Response | None] | None] = None

    def __init__(
        self,
        seed: int | None = None,
        *,
        clock: Clock | str | None = None,
        executor: Executor | None = None,
        keys: Mapping[str, str | Access] | None = None,
        statuses: Mapping[str, str] | None = None,
        deviations: Collection[str] = frozenset(DEVIATIONS),
        transitions: Transitions | Mapping[str, Any] | str | None = None,
        fidelities: Mapping[str, Mapping[str, float]] | None = None,
        characterization: str = AS_RUN,
        session_capacity: int | None = None,
        prepare: Callable[[FakeIonQ], object] | None = None,
        retention: Retention = Retention(),  # noqa: B008 - a value that does not change
        state: str | os.PathLike[str] | Store | None = None,
        devices: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    ) -> None:
        """Make an empty cloud.

        Args:
            seed: Seeds everything random; None: it is drawn.
            clock: `"instant"` (the default), `"virtual"`, `"real"`, or your own clock. The first
                two begin on 1 January 2026 and stand still until a client sleeps on them or a
                control moves them; the third is the system's. Without `transitions`, jobs take no
                time on the first, and on the others the time that a QPU predicts.
            executor: Runs the simulations; None: each job is simulated when it is submitted. While
                one runs elsewhere, a virtual clock moves no faster than the real time for clients.
            keys: The accepted API keys, each with the name of its project or its `Access`. Keys of
                one project share its jobs. None: every key is accepted and has its own project.
            statuses: Statuses of backends that differ from the catalogue's: a retired one can be
                ``{"qpu.aria-1": "available"}``.
            deviations: The names of the `DEVIATIONS` in which to follow the service, not the
                document.
            transitions: When jobs go on, and how they end: `"immediately"`, `"predicted"`,
                ``Transitions.polls(2)`` for two polls in each status, other `Transitions`, or plain
                data as `Transitions.from_dict` reads it. The attribute takes rules for some jobs.
            fidelities: Median fidelities of QPUs that differ from the catalogue's:
                ``{"qpu.forte-1": {"1q": 0.999, "2q": 0.97, "spam": 0.98}}``.
            characterization: `"as run"`: QPUs lose signal as jobs on Forte-1 were seen to;
                `"nominal"`: they are as good as their characterization says. Leaves out the
                deviation ``qpu-loses-signal``.
            session_capacity: How many sessions a QPU has room for at a time: beyond, POST /sessions
                is answered by 409; None: any number.
            prepare: Called with the cloud now and after each reset, to add rules for example.
            retention: How many final jobs it keeps, and how long; by default the newest 100 000,
                for ever. Older ones are deleted.
            state: A file that keeps everything, and is made if it does not exist: a cloud of a
                later process begins with it. Seed, statuses, fidelities and transitions that are
                not given are those in the file. Or a `Store`. None: it is gone with the process.
            devices: QPUs beside the catalogue's: a TOML file, or its tables. See
                docs/how-to/plan-a-qpu.md. A state keeps them, and the jobs that ran on them.

        Raises:
            DeviceFileError: The description of a QPU is not valid.
            ValueError: A key is empty, or the name of a scope, clock, backend, status, deviation
                or pace is unknown, or a value of the retention is not valid.
            StateError: The file cannot be used: it is in use, damaged, of another program or seed,
                of a newer version, or cannot be written.
        """
        for name in sorted(set(deviations) - set(DEVIATIONS)):
            raise unknown("deviation", name, DEVIATIONS)
        if characterization not in CHARACTERIZATIONS:
            raise unknown("characterization", characterization, CHARACTERIZATIONS)
        left_out = set() if characterization == AS_RUN else {"qpu-loses-signal"}
        self.deviations = frozenset(deviations) - left_out
        keeper = None if state is None else Keeper(_store_of(state))
        try:
            self._begin(
                keeper,
                seed=seed,
                clock=clock,
                executor=executor,
                keys=keys,
                statuses=statuses,
                session_capacity=session_capacity,
                transitions=transitions,
                fidelities=fidelities,
                prepare=prepare,
                retention=retention,
                devices=None if devices is None else load_devices(devices),
            )
        except BaseException:
            if keeper is not None:
                keeper.store.close()
            raise

    def _begin(
        self,
        keeper: Keeper | None,
        *,
        seed: int | None,
        clock: Clock | str | None,
        executor: Executor | None,
        keys: Mapping[str, str | Access] | None,
        statuses: Mapping[str, str] | None,
        session_capacity: int | None,
        transitions: Transitions | Mapping[str, Any] | str | None,
        fidelities: Mapping[str, Mapping[str, float]] | None,
        prepare: Callable[[FakeIonQ], object] | None,
        retention: Retention,
        devices: Mapping[str, Any] | None,
    ) -> None:
        """Begin with what is kept, or with nothing."""
        kept = None if keeper is None else keeper.settings()
        if keeper is not None and kept is not None:
            if seed not in {None, kept.seed}:
                raise StateError(
                    f"{keeper.store.place} has the seed {kept.seed}, not {seed}: leave seed out, "
                    "or give another file."
                )
            seed, statuses = kept.seed, kept.statuses if statuses is None else statuses
            fidelities = kept.fidelities if fidelities is None else fidelities
            transitions = kept.transitions[0] if transitions is None else transitions
            if kept.devices:  # jobs of the state may have run on each of them
                machines = {**kept.devices["qpu"], **(devices or {}).get("qpu", {})}
                devices = {"qpu": machines}
        elif isinstance(clock, str) and clock != "instant" and transitions is None:
            transitions = PREDICTED
        self.seed = secrets.randbits(32) if seed is None else seed
        self.clock: Clock = (
            clock_named(clock) if isinstance(clock, str) else clock or VirtualClock()
        )
        if kept is not None and isinstance(self.clock, VirtualClock):
            self.clock.sleep(max(0.0, (kept.now - self.clock.now()).total_seconds()))
        self.facility = Facility(
            self.seed,
            self.clock,
            statuses,
            fidelities,
            deviations=self.deviations,
            session_capacity=session_capacity,
            started_at=None if kept is None else kept.started_at,
            devices=described_devices(devices) if devices else None,
        )
        self.started_at = self.facility.started_at
        self._settings = (
            dict(statuses or {}),
            {k: {**v} for k, v in (fidelities or {}).items()},
            dict(devices or {}),
        )
        self._identifiers = Identifiers(self.seed)
        if kept is not None:
            self._identifiers.skip(kept.words)
        self._accounts = Accounts(self._identifiers, keys)
        self.faults = FaultRules(self.seed, self._accounts.takes)
        self._log: deque[LoggedRequest] = deque(maxlen=_MOST_REQUESTS)
        self._reads = _Reads()
        # Of their own: job ids and noise must not depend on the number of requests.
        begun = "" if kept is None else f" {kept.words}"
        self._request_ids = random.Random(f"requests {self.seed}{begun}")  # noqa: S311 - a fake
        self._executor = executor or InlineExecutor()
        self._running = Running()
        #: `clock` as a client in this process waits on it: simulations elsewhere get their time.
        self.client_clock: Clock = self.clock
        elsewhere = not isinstance(self._executor, InlineExecutor)
        if elsewhere and isinstance(self.clock, VirtualClock):
            self.client_clock = ClientClock(self.clock, self._running.wait)
        self.transitions = TransitionRules(Transitions.of(transitions), self.facility.devices)
        self._projects: dict[str, Project] = {}
        self._agenda = Agenda(self.clock, retention, record=keeper is not None)
        self.lock = ForkLock(outer=True)
        self._prepare = prepare
        self._keeper = keeper
        if keeper is not None:
            keeper.attach(self._accounts, self.facility.devices)
        if keeper is None or kept is None:
            if prepare is not None:
                prepare(self)
        else:
            self._restore(keeper, kept)
        self.save()

    def _restore(self, keeper: Keeper, kept: CloudRecord) -> None:
        """Know everything again that was kept."""
        try:
            self.transitions.restore(kept.transitions[1:], kept.seen)
            for number, one in sorted(read(keeper.store, "fault").items(), key=lambda x: int(x[0])):
                rule = rule_from_dict(one.rule)
                self.faults.restore(int(number), rule, one.reached, one.fired)
        except ValueError as error:
            if isinstance(error, StateError):
                raise
            raise damaged(keeper.store, f"a rule: {error}") from error
        keeper.restore(self._accounts, self._agenda, lambda key: self._project(key, self._projects))

    def save(self) -> None:
        """Write everything that has changed to the state, if the cloud has one.

        Each request does so by itself, before its response is delivered.

        Raises:
            StateError: It cannot be written; it stays to be written.
        """
        with self.lock:
            self._save()

    def _save(self, project_id: str | None = None, *, clear: bool = False) -> None:
        if self._keeper is None:
            self.faults.changed.clear()
            return
        self._keeper.save(
            self._entries(self.faults.changed),
            self._accounts,
            self._agenda,
            self._projects,
            () if project_id is None else (project_id,),
            clear=clear,
        )
        self.faults.changed.clear()

    def _entries(self, faults: Collection[int]) -> dict[Entry, bytes | None]:
        """Return the entries of the settings and of some rules of faults."""
        virtual = isinstance(self.clock, VirtualClock)
        settings = CloudRecord(
            seed=self.seed,
            started_at=self.started_at,
            now=self.clock.now() if virtual else self.started_at,
            words=self._identifiers.words,
            statuses=self._settings[0],
            fidelities=self._settings[1],
            devices=self._settings[2],
            transitions=self.transitions.as_list(),
            seen=self.transitions.seen(),
        )
        found: dict[Entry, bytes | None] = {Entry("cloud"): msgspec.msgpack.encode(settings)}
        for number in faults:
            armed = self.faults.find(number)
            found[Entry("fault", str(number))] = None
            if armed is not None:
                record = FaultRecord(rule_to_dict(armed.rule), armed.reached, armed.fired)
                found[Entry("fault", str(number))] = msgspec.msgpack.encode(record)
        return found

    def snapshot(self, path: str | os.PathLike[str]) -> None:
        """Write everything that the cloud remembers into one new file.

        A cloud can begin with it: ``FakeIonQ(state=path)``. The file has the circuits and the
        metadata of all jobs, and of API keys their digests alone.

        ::

            cloud.snapshot("monday.db")
            again = FakeIonQ(state="monday.db")
            len(again.jobs)  # -> 1
            again.close()

        Args:
            path: The file.

        Raises:
            StateError: The file exists, or cannot be written.
        """
        with self.lock:
            self.settle()
            self._save()
            store = None if self._keeper is None else self._keeper.store
            if not isinstance(store, SqliteStore):
                entries = self._entries([armed.number for armed in self.faults.rules])
                entries.update(everything(self._accounts, self._projects))
                write_snapshot(path, entries)
                return
        store.snapshot(path)  # others need not wait until it is copied

    def close(self) -> None:
        """Write the state and release its file, if the cloud has one. It is not used afterwards."""
        with self.lock:
            if self._keeper is not None:
                try:
                    self._save()
                finally:
                    self._keeper.store.close()

    def __repr__(self) -> str:
        count = sum(len(project.jobs) for project in self.projects)
        return f"<{type(self).__name__} seed={self.seed}, {count} jobs>"

    def _table(self) -> Table:
        count = sum(len(project.jobs) for project in self.projects)
        title = (
            f"FakeIonQ: IonQ's cloud in this process, seed {self.seed}, "
            f"{self.clock.now():%Y-%m-%d %H:%M:%S} UTC by its clock, {len(self._log)} requests, "
            f"{count} jobs"
        )
        with self.lock:
            jobs = self.newest_jobs(MOST_ROWS + 1)
        return Table(title, Job.COLUMNS, [job.row() for job in jobs[::-1]])

    _repr_html_, _repr_pretty_ = shown(_table)

    @property
    def takes_every_key(self) -> bool:
        """Whether every API key is accepted, since no keys were given."""
        return self._accounts.takes_every_key

    @property
    def jobs(self) -> ShownList[Job]:
        """All jobs of all projects in their current state, child jobs included.

        ::

            cloud.jobs[0].status  # -> 'completed'
        """
        with self.lock:
            self.settle()
            return ShownList(job for project in self.projects for job in project.jobs)

    @property
    def executor(self) -> Executor:
        """The executor of its simulations."""
        return self._executor

    @property
    def projects(self) -> list[Project]:
        """The projects whose keys have been used."""
        return list(self._projects.values())

    @property
    def requests(self) -> list[LoggedRequest]:
        """The requests that it received, in order; the last 10 000.

        ::

            cloud.requests[-1].method  # -> 'GET'
        """
        with self.lock:
            return list(self._log)

    @property
    def changes(self) -> Changes:
        """The numbered changes of jobs, requests and controls, for pages that watch the cloud."""
        return self._agenda.changes

    def fidelity_notes(self, backend: str) -> list[str]:
        """Return the simulated values of a backend that rest on a guess, each with its basis.

        ::

            for note in cloud.fidelity_notes("forte-1"):
                print(note)

        Args:
            backend: Its name: ``"simulator"``, ``"qpu.forte-1"`` or ``"forte-1"``.

        Raises:
            ValueError: The backend is unknown.
        """
        name = backend if backend in self.facility.devices else f"qpu.{backend}"
        if name not in self.facility.devices:
            raise unknown("backend", backend, self.facility.devices)
        return notes_of(name, described=self.facility.devices[name].described)

    def settle(self) -> None:
        """Move on every job whose time has come."""
        with self.lock:
            self._agenda.run()

    def peek(self, job_id: str) -> Job:
        """Return a job in its current state, without polling it.

        ::

            cloud.peek(job.job_id()).status  # -> 'completed'

        Raises:
            ValueError: The id is unknown.
        """
        with self.lock:
            return self._job(job_id)[1]

    def record(self, job_id: str) -> dict[str, Any]:
        """Return the record of a job as GET /jobs/{id} has it, without polling it.

        ::

            cloud.record(job.job_id())["name"]  # -> 'bell'

        Raises:
            ValueError: The id is unknown.
        """
        with self.lock:
            jobs, job = self._job(job_id)
            jobs.find(job_id)
            return record.full(job, self._read("GET", "", {}, None))

    def delete(self, job_id: str) -> None:
        """Forget a job and its children, as DELETE /jobs/{id} does.

        ::

            cloud.delete(job.job_id())
            len(cloud.jobs)  # -> 0

        Raises:
            ValueError: The id is unknown.
        """
        with self.lock:
            jobs, job = self._job(job_id)
            jobs.delete(job.id)
            self._save()

    def end(self, job_id: str, end: End | str = LIFECYCLE[-1]) -> None:
        """Bring a job, or a child job by itself, to its end now.

        ::

            job = backend.run(circuit)
            cloud.end(job.job_id(), canceled())
            job.cancelled()  # -> True

        Args:
            job_id: Its id.
            end: `"completed"`, which it is as soon as it is simulated, `"canceled"`, or
                `failed(...)`, from whatever status.

        Raises:
            ValueError: The id is unknown, the job has ended, or a job cannot end so.
        """
        found = end_of(end)
        if found.status not in FINAL:
            raise ValueError(
                f"{found.status!r} is no end: show it by hold(job_id, {found.status!r})"
            )
        with self.lock:
            jobs, job = self._job(job_id)
            jobs.end(job, found)
            self._save()

    def fail(self, job_id: str, code: FailureWord, message: str | None = None) -> None:
        """Let a job, or a child job by itself, fail now.

        ::

            job = backend.run(circuit)
            cloud.fail(job.job_id(), "SystemCancel")
            job.errored()  # -> True

        Args:
            job_id: Its id.
            code: One of IonQ's failure codes.
            message: The message of the failure; None: the one of the code.

        Raises:
            ValueError: The id or the code is unknown, or the job has ended.
        """
        self.end(job_id, failed(code, message))

    def hold(self, job_id: str, status: OpenStatus | str | None = None) -> None:
        """Keep a job, or a child job by itself, from going on until it is released.

        ::

            job = backend.run(circuit)
            cloud.hold(job.job_id(), "ready")
            job.status().name  # -> 'QUEUED'

        Args:
            job_id: Its id.
            status: The status that it shows meanwhile: one that it goes on to now, or any other
                word; None: its current status.

        Raises:
            ValueError: The id is unknown, or the job has ended or is past that status.
        """
        if status in FINAL:
            raise ValueError(f"a job is not held {status}: end(job_id, {status!r}) ends it")
        if status is not None and status not in LIFECYCLE:
            end_of(status)
        with self.lock:
            jobs, job = self._job(job_id)
            jobs.hold(job, status)
            self._save()

    def release(self, job_id: str) -> None:
        """Let a held job go on; the time that it was held does not count.

        ::

            job = backend.run(circuit)
            cloud.hold(job.job_id())
            cloud.release(job.job_id())
            job.done()  # -> True

        Raises:
            ValueError: The id is unknown.
        """
        with self.lock:
            jobs, job = self._job(job_id)
            jobs.release(job)
            self._save()

    def change_backends(
        self,
        statuses: Mapping[str, str] | None = None,
        fidelities: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        """Change statuses and median fidelities of backends until the cloud is reset.

        ::

            cloud.change_backends(statuses={"qpu.forte-1": "unavailable"})
            provider.get_backend("forte-1").status()  # -> False

        Args:
            statuses: New statuses, as `FakeIonQ` takes them.
            fidelities: New fidelities, as `FakeIonQ` takes them.

        Raises:
            ValueError: A backend, a status or a fidelity is unknown.
        """
        with self.lock:
            self.facility.change(statuses or {}, fidelities or {})
            self.changes.note("controls")

    def reset(self) -> None:
        """Reset to the initial state: the same requests get the same responses again.

        Removes jobs, sessions, keys that were not given, the log, and the rules of transitions and
        faults, moves a virtual clock back to its start, and prepares the cloud again.

        ::

            cloud.reset()
            len(cloud.jobs), len(cloud.requests)  # -> (0, 0)
        """
        with self.lock:
            for project in self.projects:
                project.jobs.give_up()
            self._projects.clear()
            self._agenda.clear()
            self.transitions.clear()
            if isinstance(self.clock, VirtualClock):
                self.clock.reset()
            self.facility.reset()
            self._identifiers.reset()
            self._accounts.reset()
            self.faults.reset()
            self._request_ids.seed(f"requests {self.seed}")
            self._log.clear()
            self._reads.clear()
            if self._prepare is not None:
                self._prepare(self)
            self._save(clear=True)

    def _job(self, job_id: str) -> tuple[Jobs, Job]:
        """Return the job of an id in its current state, and the jobs of its project."""
        self.settle()
        for project in self.projects:
            job = project.jobs.peek(job_id)
            if job is not None:
                return project.jobs, job
        newest = [job.id for job in self.newest_jobs(_MOST_NAMED + 1)]
        if len(newest) <= _MOST_NAMED:
            raise unknown("job", job_id, newest)
        raise ValueError(f"there is no job {job_id!r}; the newest is {newest[-1]}")

    def newest_jobs(self, count: int) -> list[Job]:
        """Return the newest jobs of all projects as they were last shown, the oldest first."""
        jobs = [job for project in self.projects for job in project.jobs.newest(count)]
        if len(self._projects) > 1:
            jobs.sort(key=lambda job: job.submitted_at)
        return jobs[-count:]

    def takes_body(self, method: str, url: str, headers: Mapping[str, str]) -> bool:
        """Return whether the body of a request is read: for an operation, with a key."""
        return takes_body(method, url, headers, self._accounts)

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

        Requests below ``/_fake/`` are for the controls of the cloud.

        ::

            headers = {"Authorization": "apiKey a-key"}
            cloud.handle("GET", "/v0.4/backends", headers).status  # -> 200

        Args:
            method: HTTP method.
            url: URL or path; its host does not matter.
            headers: Request headers, names in any case.
            body: The bytes of the body, or None.
            timeout: Seconds that the client would wait, on the cloud's clock.
            in_parts: Whether it would wait so long for each part of the response, and not for all.

        Returns:
            A named tuple `(status, headers, body)`.

        Raises:
            ConnectionError: A fault breaks or refuses the connection; see `Exchange.deliver`.
            TimeoutError: A fault delays the response for longer than `timeout`.
            StateError: The changes of the request cannot be written to the state.
        """
        controls = type(self).controls
        if controls is not None:
            controlled = controls(self, method, url, body or b"")
            if controlled is not None:
                return controlled
        exchange = self.exchange(method, url, headers, body)
        if exchange.response is not None and not exchange.faults:
            return exchange.response
        return exchange.deliver(self.clock, timeout, in_parts=in_parts)

    def add_to(self, stubs: RequestsMock) -> None:
        """Answer IonQ's hosts from among the stubs of `responses`.

        The user's own stubs go before it, whatever the order, and need not be for IonQ. Unlike
        `mock_ionq`, it leaves the environment and sleeping alone, and answers `requests` only::

            with responses.RequestsMock() as stubs:
                stubs.get("https://example.com/settings", json={"shots": 100})
                cloud.add_to(stubs)
                shots = requests.get("https://example.com/settings").json()["shots"]
                IonQProvider().get_backend("simulator").run(circuit, shots=shots)

        Args:
            stubs: A `responses.RequestsMock`, or the module `responses` for its default one.

        Raises:
            TypeError: It is neither.
        """
        from ionq_toolkit_fake.stubs import add  # noqa: PLC0415 - `requests` is slow to import

        add(stubs, self.handle)

    def assert_requested(
        self, request: str, *, times: int | None = None, status: int | None = None
    ) -> None:
        """Assert that the cloud received a request.

        The path is one of the API, such as `GET /jobs/<job_id>`, or that of one request, with or
        without the version; `*` stands for any text. A query counts if `request` has one::

            cloud.assert_requested("POST /jobs", times=1)

        Args:
            request: Its method and path.
            times: How often it was received; None: at least once.
            status: The HTTP status of the responses that count; None: any, or no response.

        Raises:
            AssertionError: It was received another number of times. The message has the reason why
                each request that is similar does not count.
            ValueError: `request` is not a method and a path, or `times` is negative.
        """
        assert_requested(self.requests, request, times=times, status=status)

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Exchange:
        """Take one request, and return the response and its delivery.

        Args:
            method: HTTP method.
            url: URL or path; its host does not matter.
            headers: Request headers, names in any case.
            body: The bytes of the body, or None.

        Raises:
            StateError: The changes of the request cannot be written to the state.
        """
        exchange = self._exchange(method, url, headers, body)
        if self.observer is not None:
            self.observer(method, url, headers, body, exchange)
        return exchange

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Exchange:
        with self.lock:
            at = self.clock.now()
            request = self._read(method, url, headers, body)
            name = None if request.operation is None else request.operation.name
            due: Sequence[ArmedRule] = ()
            if name is not None:
                due = self.faults.due(name, request.digest)
            request_id = str(uuid.UUID(int=self._request_ids.getrandbits(128), version=4))
            response, later = None, None
            if not due or all(armed.rule.keeps_effect for armed in due):
                response, later = self._take(request, [armed.rule.fault for armed in due])
                response.headers["x-request-id"] = request_id
            if later is None:
                return self._finish(request, at, request_id, response, due)
            self._save(None if request.key is None else request.key.project_id)
        # Without the lock: others need not wait until a large response is made.
        rest = None
        if IN_PARTS.get() and not due and request.method != "HEAD":
            response, rest = self._begun(request, response, later.begin)
        else:
            response = self._made(request, response, later)
        with self.lock:
            return self._finish(request, at, request_id, response, due)._replace(rest=rest)

    def _read(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Request:
        return Request.read(
            method,
            url,
            headers,
            body,
            accounts=self._accounts,
            facility=self.facility,
            deviations=self.deviations,
            clock=self.clock,
        )

    def _finish(
        self,
        request: Request,
        at: datetime,
        request_id: str,
        response: Response | None,
        due: Sequence[ArmedRule],
    ) -> Exchange:
        """Return the response and its delivery, and log the request."""
        if request.method == "HEAD" and response is not None:
            response = response.without_body()
        exchange = Exchange(request_id, response)
        status = None if response is None else response.status
        for armed in due:
            exchange = armed.act(exchange)
            status = exchange.status
        logged = LoggedRequest(
            at=at,
            method=request.method,
            path=request.path,
            operation=None if request.operation is None else request.operation.name,
            key_id=None if request.key is None else request.key.id,
            request_id=request_id,
            status=status,
            faults=exchange.faults,
        )
        self._log.append(logged)
        self.changes.note("requests")
        if due:
            self.faults.note(due, logged)
        self._save(None if request.key is None else request.key.project_id)
        return exchange

    def _take(self, request: Request, due: Sequence[Fault]) -> tuple[Response, Later | None]:
        """Return the response to a request that takes effect, as faults have it.

        With a large content, the response has no body yet.
        """
        read = (request.key and request.key.id, request.path)
        by = {fault.kind: fault.parameters for fault in due}
        if "stale" in by:
            earlier = self._reads.earlier(read, by["stale"]["by"])
            if earlier is not None:
                return earlier, None
            return self._response(request, {})  # before the projects had any jobs
        response, later = self._response(request, self._projects)
        if "duplicated" in by:
            self._response(request, self._projects)
        if request.operation is not None and request.method == "GET" and later is None:
            self._reads.answered(read, response)
        return response, later

    def _response(
        self, request: Request, projects: dict[str, Project]
    ) -> tuple[Response, Later | None]:
        later = None
        try:
            status, found = self._answer(request, projects)
            if isinstance(found, Later):
                later = found
            more: Mapping[str, str] = {}
            if isinstance(found, responses.Headed):
                found, more = found
            if isinstance(found, responses.Text):
                headers = {"content-type": "text/plain; charset=utf-8"}
                response = Response(status, headers, found.encode())
            else:
                body = b"" if later is not None else msgspec.json.encode(found)
                response = Response(status, {**JSON, **more}, body)
        except Refusal as refusal:
            response = refusal.response()
        except Exception:
            logger.exception("no answer to %s %s", request.method, request.path)
            response = responses.internal_error().response()
        return response, later

    def _made(self, request: Request, response: Response | None, later: Later) -> Response:
        """Return a response with its large content."""
        return self._begun(request, response, lambda: (later.encode(), iter(())))[0]

    def _begun(
        self,
        request: Request,
        response: Response | None,
        make: Callable[[], tuple[bytes, Iterator[bytes]]],
    ) -> tuple[Response, Iterator[bytes]]:
        """Return a response with the beginning of a large content, and what makes the rest."""
        assert response is not None, "a large content belongs to a response"  # noqa: S101
        try:
            body, rest = make()
            return response._replace(body=body), rest
        except Exception:
            logger.exception("no answer to %s %s", request.method, request.path)
            failed = responses.internal_error().response()
            return failed._replace(headers={**response.headers, **failed.headers}), iter(())

    def _answer(self, request: Request, projects: dict[str, Project]) -> tuple[int, object]:
        """Return the status and the content of the response, or raise a `Refusal`."""
        operation, key = request.operation, request.key
        if operation is None:
            raise responses.not_found()
        if key is None and not operation.public:
            raise responses.unauthorized()
        versions = None if key is None else key.access.versions
        if versions is not None and operation.version not in versions:
            raise responses.forbidden(f"This key has no access to {operation.version}")
        scopes = None if key is None else key.access.scopes
        if scopes is not None and operation.scope not in {None, *scopes}:
            raise responses.forbidden("Insufficient Scope")
        if len(request.body) > MAX_BODY_BYTES:
            raise responses.too_large()
        self.settle()
        project = None if key is None else self._project(key, projects)
        request = request._replace(projects=projects.values(), project_of_key=project)
        return operation.status, HANDLERS[operation.name](request)

    def _project(self, key: ApiKey, projects: dict[str, Project]) -> Project:
        """Return the project of a key, which its first request creates."""
        if key.project_id not in projects:
            projects[key.project_id] = Project(
                key,
                clock=self.clock,
                identifiers=self._identifiers,
                facility=self.facility,
                executor=self._running.watched(lane(self._executor, key.project_id)),
                transitions=self.transitions,
                agenda=self._agenda,
                load=None if self._keeper is None else self._keeper.load,
            )
        return projects[key.project_id]


def _store_of(state: str | os.PathLike[str] | Store) -> Store:
    return state if isinstance(state, Store) else SqliteStore(state)


class _Reads:
    """The last responses to each read, for `faults.stale`."""

    def __init__(self) -> None:
        self._responses: OrderedDict[object, deque[Response]] = OrderedDict()

    def answered(self, read: object, response: Response) -> None:
        """Remember the response to a read, if it differs from the last one."""
        if len(response.body) > _LARGEST_BYTES:
            return
        responses = self._responses.setdefault(read, deque(maxlen=_MOST_RESPONSES))
        self._responses.move_to_end(read)
        if not responses or (responses[-1].status, responses[-1].body) != response[::2]:
            responses.append(response._replace(headers={**response.headers}))
        if len(self._responses) > _MOST_READS:
            self._responses.popitem(last=False)

    def earlier(self, read: object, by: int) -> Response | None:
        """Return the response to a read `by` states ago, or None if it is not known."""
        responses = self._responses.get(read, ())
        if by > len(responses):
            return None
        response = responses[-by]
        return response._replace(headers={**response.headers})

    def clear(self) -> None:
        """Forget all reads."""
        self._responses.clear()
