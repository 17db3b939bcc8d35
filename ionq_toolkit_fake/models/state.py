"""The state of a cloud: everything that it remembers, as entries of a store."""

from __future__ import annotations

import gc
from collections import Counter, OrderedDict
from datetime import date, datetime
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from ionq_toolkit_fake.models.accounts import ApiKey
from ionq_toolkit_fake.models.index import Filing
from ionq_toolkit_fake.models.records import (
    DayRecord,
    FiledRecord,
    JobRecord,
    ProjectRecord,
    ResultRecord,
    SessionRecord,
    SubmissionRecord,
    job_of,
    job_record,
    submission_of,
    submission_record,
)
from ionq_toolkit_fake.models.submission import MULTI_CIRCUIT
from ionq_toolkit_fake.simulation.outcome import Optimum, Outcome
from ionq_toolkit_fake.store.base import Entry, StateError, StateFormatError
from ionq_toolkit_fake.transitions.lifecycle import FINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from ionq_toolkit_fake.facts.devices import Device
    from ionq_toolkit_fake.models.accounts import Accounts
    from ionq_toolkit_fake.models.agenda import Agenda
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.models.jobs import Jobs
    from ionq_toolkit_fake.models.project import Project
    from ionq_toolkit_fake.models.sessions import Session
    from ionq_toolkit_fake.models.submission import Submission
    from ionq_toolkit_fake.store.base import Store


class CloudRecord(msgspec.Struct):
    """The settings of a cloud and its place in time.

    Attributes:
        seed: Its seed.
        started_at: When it began.
        now: The time of its clock.
        words: How many words of random bits its ids took.
        statuses: Statuses of backends that differ from the catalogue's.
        fidelities: Median fidelities of QPUs that differ from the catalogue's.
        devices: The QPUs that a user described, as a file has them.
        transitions: Those for all jobs, followed by the rules for some, as `as_list` returns them.
        seen: How many jobs fitted each of the rules.
    """

    seed: int
    started_at: datetime
    now: datetime
    words: int = 0
    statuses: dict[str, str] = {}
    fidelities: dict[str, dict[str, float]] = {}
    devices: dict[str, Any] = {}
    transitions: list[dict[str, Any]] = []
    seen: list[int] = []


class FaultRecord(msgspec.Struct):
    """A rule of faults, as `faults.to_dict` returns it, and its counts."""

    rule: dict[str, Any]
    reached: int
    fired: int


#: The kinds of entries, and the type of each.
KINDS: Mapping[str, Any] = {
    "cloud": CloudRecord,
    "key": ApiKey,
    "project": ProjectRecord,
    "day": DayRecord,
    "session": SessionRecord,
    "submission": SubmissionRecord,
    "job": JobRecord,
    "result": ResultRecord,
    "fault": FaultRecord,
}


@cache
def _decoder(kind: str, type_: Any = None) -> msgspec.msgpack.Decoder[Any]:  # noqa: ANN401
    return msgspec.msgpack.Decoder(type_ or KINDS[kind])


def read(store: Store, kind: str, type_: Any = None) -> dict[str, Any]:  # noqa: ANN401 - a type
    """Return all entries of a kind, by their keys.

    Args:
        store: The store.
        kind: The kind.
        type_: The type to read them as; None: that of the kind.

    Raises:
        StateError: They cannot be read.
        StateFormatError: One of them is not of this version.
    """
    decoder, entries = _decoder(kind, type_), list(store.read(kind))
    try:
        return {key: decoder.decode(value) for key, value in entries}
    except msgspec.DecodeError as error:
        raise damaged(store, f"an entry of kind {kind!r}: {error}") from error


def damaged(store: Store, reason: str) -> StateFormatError:
    """Return the error for entries that do not fit together."""
    return StateFormatError(
        f"{store.place} is damaged ({reason}): restore a snapshot, or give another file."
    )


#: How much memory the jobs may take that are in the store as well, by an estimate, in bytes.
MOST_SHELVED_BYTES = 64 * 2**20


class Keeper:
    """Writes the changes of a cloud to its store, and reads them when it starts again.

    Jobs that are final are read when they are asked for, and some stay in memory after that.
    """

    def __init__(self, store: Store) -> None:
        """Keep the state in a store."""
        self.store = store
        self._written: dict[Entry, bytes] = {}
        self._devices: Mapping[str, Device] = {}
        self._keys: dict[str, ApiKey] = {}
        self._shelf: OrderedDict[str, tuple[int, Jobs]] = OrderedDict()
        self._shelved = 0
        self._ahead: dict[str, dict[str, bytes]] = {}

    def attach(self, accounts: Accounts, devices: Mapping[str, Device]) -> None:
        """Know the keys and the backends that entries name."""
        self._keys, self._devices = accounts.known, devices

    def settings(self) -> CloudRecord | None:
        """Return the settings of the cloud, or None if the store is new.

        Raises:
            StateError: They cannot be read.
        """
        found: CloudRecord | None = read(self.store, "cloud").get("")
        return found

    def restore(
        self, accounts: Accounts, agenda: Agenda, project_of: Callable[[ApiKey], Project]
    ) -> None:
        """Know everything again but the settings and the rules, and begin unfinished jobs again.

        Args:
            accounts: The keys.
            agenda: Gets the jobs that are final.
            project_of: Makes or returns the project of a key.

        Raises:
            StateError: The store cannot be read.
        """
        collects = gc.isenabled()
        gc.disable()  # it would look again and again at what is kept
        try:
            self._restore(accounts, agenda, project_of)
        finally:
            if collects:
                gc.enable()

    def _restore(
        self, accounts: Accounts, agenda: Agenda, project_of: Callable[[ApiKey], Project]
    ) -> None:
        keys = read(self.store, "key")
        try:
            accounts.restore({bytes.fromhex(digest): key for digest, key in keys.items()})
            projects = {
                project_id: self._project(record, project_of(accounts.known[record.key]))
                for project_id, record in read(self.store, "project").items()
            }
            for day in read(self.store, "day").values():
                projects[day.project].charges.restore(day.day, day.charges())
            sessions: dict[str, list[Session]] = {name: [] for name in projects}
            for session_id, one in read(self.store, "session").items():
                session = one.session(session_id, accounts.known[one.key])
                sessions[one.project].append(session)
            for name, project in projects.items():
                project.sessions.restore(sessions[name])
            self._jobs(projects, agenda)
        except (KeyError, IndexError, ValueError, msgspec.MsgspecError) as error:
            if isinstance(error, StateError):
                raise
            raise damaged(self.store, f"{type(error).__name__}: {error}") from error

    @staticmethod
    def _project(record: ProjectRecord, project: Project) -> Project:
        project.committed, project.submitted = record.committed, record.submitted
        project.jobs.count = record.count
        return project

    def _jobs(self, projects: Mapping[str, Project], agenda: Agenda) -> None:
        """File all jobs without reading more than the beginning of their records."""
        filed = sorted(read(self.store, "job", FiledRecord).items(), key=lambda one: one[1].number)
        counts = Counter(record.parent for _, record in filed)
        listed: dict[str, list[tuple[int, str, Filing]]] = {name: [] for name in projects}
        final: list[tuple[datetime, int, str, Project]] = []
        unfinished: list[tuple[str, Project]] = []
        missing = {job_id for job_id, record in filed if record.parent is None}
        missing -= self.store.keys("submission")
        if missing:
            raise damaged(self.store, f"job {min(missing)} has no submission")
        for job_id, record in filed:
            project = projects[record.project]
            project.jobs.restore(job_id, record.number, record.parent)
            if record.parent is None:
                submitter = self._keys[record.key].submitter_id
                filing = Filing(record.status, record.backend, submitter, record.session_id)
                listed[record.project].append((record.number, job_id, filing))
                if record.status in FINAL and record.ended_at is not None:
                    final.append((record.ended_at, record.number, job_id, project))
                else:
                    unfinished.append((job_id, project))
        for name, project in projects.items():
            project.jobs.index.restore(listed[name])
        for ended_at, _, job_id, project in sorted(final, key=itemgetter(0, 1)):
            agenda.restore(project.jobs, job_id, ended_at, 1 + counts[job_id])
        self._read_ahead([job_id for job_id, _ in unfinished], filed)
        try:
            jobs = [(project.jobs.unshelve(job_id), project) for job_id, project in unfinished]
        finally:
            self._ahead.clear()
        for job, project in sorted(jobs, key=lambda one: (one[0].submitted_at, one[0].id)):
            project.resume(job)

    def _read_ahead(self, job_ids: list[str], filed: Iterable[tuple[str, FiledRecord]]) -> None:
        """Read the entries of jobs and of their children at once: 10,000 jobs may be unfinished."""
        leaders = set(job_ids)
        children = [job_id for job_id, record in filed if record.parent in leaders]
        for kind in ("submission", "job", "result"):
            named = job_ids if kind == "submission" else job_ids + children
            self._ahead[kind] = self.store.get_several(kind, named)

    def _value(self, kind: str, key: str) -> bytes | None:
        return self._ahead[kind].get(key) if self._ahead else self.store.get(kind, key)

    def load(self, project: Project, job_id: str, children: Sequence[str]) -> Job:
        """Return a job of a project from the store, with its children.

        Raises:
            StateError: It cannot be read.
        """
        try:
            submission = submission_of(self._get("submission", job_id), self._devices)
            job = self._job(project, job_id, submission)
            if job.type != MULTI_CIRCUIT and submission.function is None:
                job.circuit = submission.circuits[0]
            for child_id in children:
                child = self._job(project, child_id, submission)
                child.circuit = submission.circuits[child.number - job.number - 1]
                job.children = (*job.children, child)
        except (KeyError, IndexError, ValueError, msgspec.MsgspecError) as error:
            if isinstance(error, StateError):
                raise
            raise damaged(self.store, f"job {job_id}: {error}") from error
        if job.status in FINAL:
            self._shelve(project.jobs, job)
        return job

    def _job(self, project: Project, job_id: str, submission: Submission) -> Job:
        record: JobRecord = self._get("job", job_id)
        job = job_of(job_id, record, submission, self._keys[record.key])
        if record.in_session:
            job.session = project.sessions.peek(submission.session_id or "")
        result = self._value("result", job_id)
        if result is not None:
            job.result = _decoder("result").decode(result).result()
            job.outcome = job.result if isinstance(job.result, Outcome) else None
            job.has_stored_result = True
        job.stored_as = hash(msgspec.msgpack.encode(record))
        return job

    def _get(self, kind: str, key: str) -> Any:  # noqa: ANN401 - by its kind
        value = self._value(kind, key)
        if value is None:
            raise KeyError(f"there is no entry of kind {kind!r}")
        return _decoder(kind).decode(value)

    def _shelve(self, jobs: Jobs, job: Job) -> None:
        """Take notice of a job in memory that is final and in the store."""
        self._shelved -= self._shelf.pop(job.id, (0,))[0]
        self._shelf[job.id] = (weight(job), jobs)
        self._shelved += self._shelf[job.id][0]

    def _trim(self) -> None:
        """Leave those to the store that have been in memory longest."""
        while self._shelved > MOST_SHELVED_BYTES:
            job_id, (bytes_, jobs) = self._shelf.popitem(last=False)
            self._shelved -= bytes_
            jobs.shelve(job_id)

    def save(
        self,
        entries: Mapping[Entry, bytes | None],
        accounts: Accounts,
        agenda: Agenda,
        projects: Mapping[str, Project],
        touched: Collection[str] = (),
        *,
        clear: bool = False,
    ) -> None:
        """Write everything that has changed, in one transaction.

        Args:
            entries: Further entries, which are written if they have changed.
            accounts: The keys.
            agenda: Has the jobs that have changed.
            projects: All projects.
            touched: The ids of projects of which sessions may have changed.
            clear: Remove everything else.

        Raises:
            StateError: It cannot be written; it stays to be written.
        """
        if clear:
            self._written.clear()
            self._shelf.clear()
            self._shelved = 0
        changes: dict[Entry, bytes | None] = dict(of_keys(accounts.made.items()))
        for job_id in agenda.deleted:
            changes.update((Entry(kind, job_id), None) for kind in ("job", "submission", "result"))
        jobs = list((agenda.changed or {}).values())
        stored: list[tuple[Job, int]] = []
        for job in jobs:
            changes.update(of_job(job, stored))
        names = {*touched, *(job.owner.project_id for job in jobs)}
        changed = [projects[name] for name in names if name in projects]
        found = chain(entries.items(), *map(of_project, changed))
        changes.update(one for one in found if one[1] != self._written.get(one[0], b""))
        if not changes and not clear:
            self._trim()
            return
        self.store.write(changes, clear=clear)
        for name, value in changes.items():
            if value is not None and name.kind in {"cloud", "project"}:
                self._written[name] = value
        for job, form in stored:
            job.stored_as, job.has_stored_result = form, job.result is not None
        for job in jobs:
            if job.status in FINAL:
                self._shelve(projects[job.owner.project_id].jobs, job)
        self._trim()
        agenda.deleted.clear()
        accounts.made.clear()
        if agenda.changed is not None:
            agenda.changed.clear()
        for project in changed:
            project.charges.changed.clear()
            project.sessions.changed.clear()
            project.sessions.gone.clear()


def weight(job: Job) -> int:
    """Return about how many bytes of memory a job takes, with its children."""
    found = 4000 + 8 * len(job.submission.source)
    for one in (job, *job.children):
        runs = one.result.iterations if isinstance(one.result, Optimum) else (one.outcome,)
        found += 1500
        for outcome in runs:
            if outcome is not None:
                arrays = [*(outcome.distribution or ()), outcome.shots]
                arrays += [variant.shots for variant in outcome.variants]
                sizes = (0 if array is None else array.nbytes for array in arrays)
                found += sum(sizes) + 100 * len(outcome.compiled or ())
    return found


def everything(
    accounts: Accounts, projects: Mapping[str, Project]
) -> Iterator[tuple[Entry, bytes | None]]:
    """Yield the entries of all keys, projects and jobs."""
    yield from of_keys(accounts)
    for project in projects.values():
        yield from of_project(project, everything=True)
        for job in project.jobs.shown():
            if job.parent_id is None:
                yield from of_job(job, [], everything=True)


def of_keys(keys: Iterable[tuple[bytes, ApiKey]]) -> Iterator[tuple[Entry, bytes]]:
    """Yield the entries of keys, by their digests."""
    for digest, key in keys:
        access = key.access
        plain = access._replace(
            scopes=None if access.scopes is None else list(access.scopes),
            targets=None if access.targets is None else list(access.targets),
        )
        yield Entry("key", digest.hex()), msgspec.msgpack.encode(key._replace(access=plain))


def of_project(
    project: Project, *, everything: bool = False
) -> Iterator[tuple[Entry, bytes | None]]:
    """Yield the entries of a project without its jobs: those that have changed, or all."""
    body = ProjectRecord(project.key_id, project.committed, project.submitted, project.jobs.count)
    yield Entry("project", project.id), msgspec.msgpack.encode(body)
    charges, sessions = project.charges, project.sessions
    days = charges.between(date.min, date.max)
    for day, found in days if everything or charges.changed else ():
        if everything or day in charges.changed:
            record = DayRecord(project.id, day, dict(found.users), found.top)
            yield Entry("day", f"{project.id} {day}"), msgspec.msgpack.encode(record)
    named = [session.id for session in sessions] if everything else list(sessions.changed)
    for session_id in sessions.gone:
        yield Entry("session", session_id), None
    for session_id in named:
        session = sessions.peek(session_id)
        if session is not None:
            one = SessionRecord.of(project.id, session)
            yield Entry("session", session_id), msgspec.msgpack.encode(one)


def of_job(
    job: Job, stored: list[tuple[Job, int]], *, everything: bool = False
) -> Iterator[tuple[Entry, bytes]]:
    """Yield the entries of a job that is no child and of its children: those that have changed.

    Args:
        job: The job.
        stored: Gets the jobs whose entries are among them, each with the hash of its record.
        everything: Yield all entries.
    """
    if everything or not job.stored_as:
        body = msgspec.msgpack.encode(submission_record(job.submission))
        yield Entry("submission", job.id), body
    for one in (job, *job.children):
        body = msgspec.msgpack.encode(job_record(one))
        if everything or hash(body) != one.stored_as:
            yield Entry("job", one.id), body
            stored.append((one, hash(body)))
            if one.result is not None and (everything or not one.has_stored_result):
                result = msgspec.msgpack.encode(ResultRecord.of(one.result))
                yield Entry("result", one.id), result
