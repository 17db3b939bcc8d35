"""The state of a cloud: everything that it remembers, as entries of a store."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from ionq_toolkit_fake.models.accounts import ApiKey
from ionq_toolkit_fake.models.records import (
    DayRecord,
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
from ionq_toolkit_fake.simulation.outcome import Outcome
from ionq_toolkit_fake.store.base import Entry, StateError, StateFormatError
from ionq_toolkit_fake.transitions.lifecycle import FINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ionq_toolkit_fake.facts.devices import Device
    from ionq_toolkit_fake.models.accounts import Accounts
    from ionq_toolkit_fake.models.agenda import Agenda
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.models.project import Project
    from ionq_toolkit_fake.models.sessions import Session
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
def _decoder(kind: str) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(KINDS[kind])


def read(store: Store, kind: str) -> dict[str, Any]:
    """Return all entries of a kind, by their keys.

    Raises:
        StateError: They cannot be read.
        StateFormatError: One of them is not of this version.
    """
    decoder, entries = _decoder(kind), list(store.read(kind))
    try:
        return {key: decoder.decode(value) for key, value in entries}
    except msgspec.DecodeError as error:
        raise damaged(store, f"an entry of kind {kind!r}: {error}") from error


def damaged(store: Store, reason: str) -> StateFormatError:
    """Return the error for entries that do not fit together."""
    return StateFormatError(
        f"{store.place} is damaged ({reason}): restore a snapshot, or give another file."
    )


class Keeper:
    """Writes the changes of a cloud to its store, and reads them when it starts again."""

    def __init__(self, store: Store) -> None:
        """Keep the state in a store."""
        self.store = store
        self._written: dict[Entry, bytes] = {}

    def settings(self) -> CloudRecord | None:
        """Return the settings of the cloud, or None if the store is new.

        Raises:
            StateError: They cannot be read.
        """
        found: CloudRecord | None = read(self.store, "cloud").get("")
        return found

    def restore(
        self,
        accounts: Accounts,
        project_of: Callable[[ApiKey], Project],
        devices: Mapping[str, Device],
    ) -> None:
        """Know everything again but the settings and the rules, and begin unfinished jobs again.

        Args:
            accounts: The keys.
            project_of: Makes or returns the project of a key.
            devices: The backends.

        Raises:
            StateError: The store cannot be read.
        """
        keys = read(self.store, "key")
        try:
            accounts.restore({bytes.fromhex(digest): key for digest, key in keys.items()})
            by_id = {key.id: key for _, key in accounts}
            by_id = {key.id: key for key in keys.values()} | by_id
            projects = {
                project_id: self._project(record, project_of(by_id[record.key]))
                for project_id, record in read(self.store, "project").items()
            }
            for day in read(self.store, "day").values():
                projects[day.project].charges.restore(day.day, day.charges())
            sessions = {}
            for session_id, one in read(self.store, "session").items():
                sessions[session_id] = one.session(session_id, by_id[one.key])
            for session_id, one in read(self.store, "session").items():
                projects[one.project].sessions.restore(sessions[session_id])
                projects[one.project].sessions.changed.clear()
            self._jobs(projects, by_id, sessions, devices)
        except (KeyError, IndexError, ValueError) as error:
            if isinstance(error, StateError):
                raise
            raise damaged(self.store, f"{type(error).__name__}: {error}") from error

    @staticmethod
    def _project(record: ProjectRecord, project: Project) -> Project:
        project.committed, project.submitted = record.committed, record.submitted
        project.jobs.count = record.count
        return project

    def _jobs(
        self,
        projects: Mapping[str, Project],
        keys: Mapping[str, ApiKey],
        sessions: Mapping[str, Session],
        devices: Mapping[str, Device],
    ) -> None:
        submissions = {
            job_id: submission_of(record, devices)
            for job_id, record in read(self.store, "submission").items()
        }
        results = read(self.store, "result")
        leaders: list[Job] = []
        parents: dict[str, Job] = {}
        records = sorted(read(self.store, "job").items(), key=lambda item: item[1].number)
        for job_id, record in records:
            parent = parents[record.parent] if record.parent is not None else None
            submission = submissions[job_id] if parent is None else parent.submission
            job = job_of(job_id, record, submission, keys[record.key])
            if parent is not None:
                job.circuit = submission.circuits[job.number - parent.number - 1]
            else:
                leaders.append(job)
                parents[job_id] = job
                if job.type != MULTI_CIRCUIT and submission.function is None:
                    job.circuit = submission.circuits[0]
                if record.in_session:
                    job.session = sessions[submission.session_id or ""]
            if job_id in results:
                job.result = results.pop(job_id).result()
                job.outcome = job.result if isinstance(job.result, Outcome) else None
                job.has_stored_result = True
            job.stored_as = hash(msgspec.msgpack.encode(record))
            projects[record.project].jobs.restore(job)
        for job in leaders:
            if job.status in FINAL:
                projects[job.owner.project_id].jobs.changed(job)
        unfinished = [job for job in leaders if job.status not in FINAL]
        for job in sorted(unfinished, key=lambda job: (job.submitted_at, job.id)):
            projects[job.owner.project_id].resume(job)

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
        mine = {name: value for name, value in entries.items() if value != self._written.get(name)}
        changes: dict[Entry, bytes | None] = dict(mine)
        changes.update(of_keys(accounts.made.items()))
        for job_id in agenda.deleted:
            changes.update((Entry(kind, job_id), None) for kind in ("job", "submission", "result"))
        jobs = list((agenda.changed or {}).values())
        stored: list[tuple[Job, int]] = []
        for job in jobs:
            changes.update(of_job(job, stored))
        names = {*touched, *(job.owner.project_id for job in jobs)}
        changed = [projects[name] for name in names if name in projects]
        for project in changed:
            changes.update(
                (name, value)
                for name, value in of_project(project)
                if value != self._written.get(name)
            )
        if not changes and not clear:
            return
        self.store.write(changes, clear=clear)
        for name, value in changes.items():
            if value is not None and name.kind in {"cloud", "project"}:
                self._written[name] = value
        for job, form in stored:
            job.stored_as, job.has_stored_result = form, job.result is not None
        agenda.deleted.clear()
        accounts.made.clear()
        if agenda.changed is not None:
            agenda.changed.clear()
        for project in changed:
            project.charges.changed.clear()
            project.sessions.changed.clear()


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


def of_project(project: Project, *, everything: bool = False) -> Iterator[tuple[Entry, bytes]]:
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
    for session_id in named:
        session = sessions.find(session_id)
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
