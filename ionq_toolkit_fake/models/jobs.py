"""The jobs of one project."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from ionq_toolkit_fake.models.index import Index
from ionq_toolkit_fake.models.job import Job
from ionq_toolkit_fake.models.submission import MULTI_CIRCUIT, QAOA, QAOA_CIRCUIT, SINGLE_CIRCUIT
from ionq_toolkit_fake.transitions.lifecycle import (
    FINAL,
    FINISHED,
    IMMEDIATELY,
    LIFECYCLE,
    SECONDS,
    Position,
    proceed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.models.accounts import ApiKey
    from ionq_toolkit_fake.models.agenda import Agenda
    from ionq_toolkit_fake.models.identifiers import Identifiers
    from ionq_toolkit_fake.models.submission import Submission
    from ionq_toolkit_fake.transitions.lifecycle import End, JobPlan


#: How many jobs may wait for being asked for: more would be too many to move on for one list.
_MOST_DUE = 256


class Jobs:
    """Keeps the jobs of one project, and moves them on.

    A request takes time for the jobs that it asks for and for those that go on, and not for those
    that are kept. Where there is a store, jobs that are final can be there alone: they are read
    when they are asked for.

    Attributes:
        index: The jobs that are no children, for lists.
        count: How many jobs it ever had, child jobs included.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        identifiers: Identifiers,
        agenda: Agenda,
        on_change: Callable[[Job], object],
        load: Callable[[str, Sequence[str]], Job],
    ) -> None:
        """Keep no jobs yet.

        Args:
            clock: The time.
            identifiers: Makes the ids.
            agenda: The agenda of the cloud.
            on_change: Called with a job that is no child, when it or a child of it has changed.
            load: Reads a job from the store: its id, and those of its children.
        """
        self._clock = clock
        self._identifiers = identifiers
        self._agenda = agenda
        self._on_change = on_change
        self._load = load
        #: Of a job that is in the store alone: its number, or the id of its parent.
        self._jobs: dict[str, Job | int | str] = {}
        self._children: dict[str, list[str]] = {}
        #: Those of the jobs that others still hold: a job is one object.
        self._held: WeakValueDictionary[str, Job] = WeakValueDictionary()
        self._due: dict[str, Job] = {}
        self.index = Index()
        self.count = 0

    def __iter__(self) -> Iterator[Job]:
        """Go through the jobs as they stand now, the newest first."""
        self.ask()
        yield from reversed(self.shown())

    def __len__(self) -> int:
        """Return how many jobs are kept, child jobs included."""
        return len(self._jobs)

    def ask(self) -> None:
        """Move on the jobs that go on when they are asked for, as a list asks for all."""
        due, self._due = self._due, {}
        for job in due.values():
            self._settle(job, asked=True)

    def newest(self, count: int) -> list[Job]:
        """Return the newest jobs as they were last shown, the oldest of them first."""
        newest = list(itertools.islice(reversed(self._jobs), count))[::-1]
        return [job for job in map(self.peek, newest) if job is not None]

    def search(self, **filters: Any) -> Iterator[Job]:  # noqa: ANN401 - those of `Index.find`
        """Go through the jobs that `Index.find` finds as they were last shown, the newest first."""
        for job_id in self.index.find(**filters):
            job = self.peek(job_id)
            assert job is not None, "the index has jobs that are kept"  # noqa: S101
            yield job

    def create(self, submission: Submission, owner: ApiKey, plan: JobPlan) -> Job:
        """Make a job, with a child for each circuit if it has several; nothing runs yet."""
        job = self._new(submission, owner, submission.type, submission.name, plan)
        if submission.type == MULTI_CIRCUIT or (
            submission.type == QAOA and not submission.is_rehearsal
        ):
            kind = SINGLE_CIRCUIT if submission.type == MULTI_CIRCUIT else QAOA_CIRCUIT
            children = []
            for circuit in submission.circuits:
                child = self._new(submission, owner, kind, circuit.name, plan)
                child.circuit, child.parent_id = circuit, job.id
                child.rejection = circuit.rejection
                children.append(child)
            job.children = tuple(children)
        elif submission.function is None:
            job.circuit = submission.circuits[0]
            job.rejection = job.circuit.rejection
        return job

    def _new(
        self, submission: Submission, owner: ApiKey, kind: str, name: str | None, plan: JobPlan
    ) -> Job:
        now = self._clock.now()
        self.count += 1
        job = Job(
            id=self._identifiers.uuid7(now),
            type=kind,
            submission=submission,
            owner=owner,
            submitted_at=now,
            name=name,
            plan=plan,
            position=Position((now,), now),
            number=self.count,
        )
        self._jobs[job.id] = job
        return job

    def restore(self, job_id: str, number: int, parent: str | None) -> None:
        """Know a job again that is in the store; its parent comes before it."""
        self.count = max(self.count, number)
        if parent is None:
            self._jobs[job_id] = number
        else:
            self._jobs[job_id] = parent
            self._children.setdefault(parent, []).append(job_id)

    def shelve(self, job_id: str) -> None:
        """Leave a job that is no child, and is final and stored, to the store."""
        job = self._jobs.get(job_id)
        if not isinstance(job, Job):
            return
        self._jobs[job_id] = job.number
        for child in job.children:
            self._jobs[child.id] = job_id
        if job.children:
            self._children[job_id] = [child.id for child in job.children]
        self._held[job_id] = job

    def unshelve(self, job_id: str) -> Job:
        """Return a job that is no child, from the store if it is not here."""
        job = self._jobs[job_id]
        if not isinstance(job, Job):
            children = self._children.pop(job_id, ())
            job = self._held.get(job_id) or self._load(job_id, children)
            self._jobs[job_id] = job
            self._jobs.update((child.id, child) for child in job.children)
        return job

    def changed(self, job: Job) -> None:
        """Take notice that a job, or a child of it, is new or was changed."""
        leader = self._leader(job)
        self.index.file(leader)
        self._on_change(leader)
        self._agenda.update(self, leader)
        self._due.pop(leader.id, None)
        if leader.status in FINAL or leader.position.held_at is not None:
            return
        place = leader.position.place
        if place < FINISHED and leader.plan.steps[place].kind == IMMEDIATELY:
            self._due[leader.id] = leader
            if len(self._due) > _MOST_DUE:
                self.ask()

    def settle_one(self, job_id: str) -> None:
        """Move a job on whose time has come, asked for or not."""
        if (job := self.peek(job_id)) is not None:
            self._settle(job)

    def ripen(self, job_id: str) -> None:
        """Move a job on that may come to its end now: at once, or when it is next asked for."""
        job = self.peek(job_id)
        if job is None or job.status in FINAL:
            return
        if any(step.kind == SECONDS for step in job.plan.steps):
            self._settle(job)
        elif job.position.place == FINISHED:
            self._due[job_id] = job

    def simulated(self, job: Job) -> None:
        """Take notice that a simulation of a job, or of a child, has ended; from any thread."""
        self._agenda.simulated(self, job.parent_id or job.id)

    def give_up(self) -> None:
        """End the simulations that jobs still wait for."""
        for job in self._jobs.values():
            if isinstance(job, Job) and job.status not in FINAL:
                job.give_up()

    def find(self, job_id: str) -> Job | None:
        """Return the job of that id as it stands now, or None."""
        job = self.peek(job_id)
        if job is not None:
            self._settle(self._leader(job), asked=True)
        return job

    def poll(self, job_id: str) -> Job | None:
        """Return the job of that id, after moving it on if it was asked for often enough."""
        job = self.peek(job_id)
        if job is not None:
            self._settle(self._leader(job), asked=True, polled=True)
        return job

    def poll_several(self, job_ids: Iterable[str]) -> None:
        """Move jobs on that were asked for together: each once, and its children with it."""
        found = (self.peek(job_id) for job_id in job_ids)
        leaders = {leader.id: leader for job in found if job for leader in [self._leader(job)]}
        for leader in leaders.values():
            self._settle(leader, asked=True, polled=True)

    def peek(self, job_id: str) -> Job | None:
        """Return the job of that id as it was last shown, or None."""
        found = self._jobs.get(job_id)
        if found is None or isinstance(found, Job):
            return found
        leader = self.unshelve(job_id if isinstance(found, int) else found)
        return next(job for job in (leader, *leader.children) if job.id == job_id)

    def is_here(self, job_id: str) -> bool:
        """Return whether the job of that id is in memory."""
        return isinstance(self._jobs.get(job_id), Job)

    def shown(self) -> list[Job]:
        """Return the jobs as they were last shown, the oldest first."""
        return [job for job in map(self.peek, list(self._jobs)) if job is not None]

    def _settle(self, job: Job, *, asked: bool = False, polled: bool = False) -> None:
        """Move a job that is no child on to where it stands now."""
        if job.status not in FINAL:
            now = self._clock.now()
            steps, position = job.plan.steps, job.position
            job.follow(proceed(steps, position, now, asked=asked, polled=polled), now)
            self.changed(job)

    def _moved(self, job: Job) -> None:
        """Take notice that a job was moved by hand; its parent may come to its end by that."""
        self.changed(job)
        self._agenda.simulated(self, job.parent_id or job.id)

    def _leader(self, job: Job) -> Job:
        """Return the job that this one goes on with: its parent, or itself."""
        return job if job.parent_id is None else self.peek(job.parent_id) or job

    def cancel(self, job_id: str) -> Job | None:
        """Cancel the job of that id and return it, or None."""
        job = self.peek(job_id)
        if job is not None:
            job.cancel()
            self._moved(job)
        return job

    def delete(self, job_id: str) -> Job | None:
        """Forget the job of that id and its children, and return it, or None."""
        job = self.peek(job_id)
        if job is not None:
            if job.status not in FINAL:
                job.cancel()
                self._moved(job)
            parent = self._leader(job)
            parent.children = tuple(child for child in parent.children if child is not job)
            for gone in (job, *job.children):
                self._jobs.pop(gone.id, None)
            self._agenda.remove(job.id, [child.id for child in job.children])
            if parent is job:
                self._due.pop(job.id, None)
                self.index.remove(job.number)
        return job

    def forget(self, job_id: str) -> None:
        """Forget a job that is final and no child, and its children, without reading it."""
        number = self._jobs[job_id]
        if not isinstance(number, int):
            self.delete(job_id)
            return
        children = self._children.pop(job_id, ())
        for gone in (job_id, *children):
            del self._jobs[gone]
        self._agenda.remove(job_id, children)
        self.index.remove(number)

    def end(self, job: Job, end: End) -> None:
        """Bring a job, or a child by itself, to an end now; it is not held any more."""
        if job.status in FINAL:
            raise ValueError(f"job {job.id} is {job.status} already")
        now = self._clock.now()
        job.shown_status = None
        if end.status != LIFECYCLE[FINISHED]:
            job.conclude(end)
            self._moved(job)
            return
        job.plan = job.plan._replace(end=end)
        job.detached = job.parent_id is not None
        job.follow(job.position.moved(FINISHED, now), now)
        self._moved(job)

    def hold(self, job: Job, status: str | None) -> None:
        """Keep a job, or a child by itself, from going on: in its status, or in another."""
        if job.status in FINAL:
            raise ValueError(f"job {job.id} is {job.status} already")
        now = self._clock.now()
        position = job.position
        job.shown_status = None
        if status in LIFECYCLE:
            if LIFECYCLE.index(status) < position.place:
                raise ValueError(f"job {job.id} is {job.status}: it does not go back to {status}")
            place, end = LIFECYCLE.index(status), job.planned_end
            if place >= end.place and end.status != LIFECYCLE[FINISHED]:
                raise ValueError(
                    f"job {job.id} comes to its end, {end.status}, from {end.at}: it can be held "
                    "there, and never is " + status
                )
            if place > position.place:
                position = position.moved(place, now)
        elif status is not None:
            job.shown_status = status
        job.detached, job.lead = job.parent_id is not None, ()
        job.follow(position.held(now), now)
        self._moved(job)

    def release(self, job: Job) -> None:
        """Let a job go on that is held, or a child go on with its parent."""
        if job.status not in FINAL:
            now = self._clock.now()
            leader, job.shown_status = self._leader(job), None
            # A child that is ahead of its parent stays there until that has come as far.
            job.detached = leader.position.place < job.position.place
            job.lead = job.position.entered if job.detached else ()
            own = leader is job or job.detached
            job.follow(job.position.released(now) if own else leader.position, now)
            self._moved(job)
