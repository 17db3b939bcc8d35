"""The jobs of the cloud: one job's record and life, and the place where they are kept."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ionq_toolkit_fake.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Executor
    from datetime import datetime

    from ionq_toolkit_fake.accounts import ApiKey
    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.identifiers import Identifiers
    from ionq_toolkit_fake.simulation import Program

logger = logging.getLogger(__name__)

#: The types of jobs that are played.
SINGLE_CIRCUIT, MULTI_CIRCUIT = "ionq.circuit.v1", "ionq.multi-circuit.v1"

#: The statuses of a job that goes well, in order: https://docs.ionq.com/user-manual/jobs
LIFE = ("submitted", "ready", "started", "completed")

#: The statuses that a job stays in.
FINAL = frozenset({"completed", "failed", "canceled"})


class Failure(NamedTuple):
    """Why a job failed.

    Attributes:
        code: One of IonQ's failure codes.
        message: What a person should know.
    """

    code: str
    message: str


class Circuit(NamedTuple):
    """One circuit of a submission, checked.

    Attributes:
        name: What its sender calls it, or None.
        program: What to simulate.
        gate_counts: How many gates act on one qubit (`1q`) and on more (`2q`).
        doomed: Why it will fail before it runs; None if it can run.
    """

    name: str | None
    program: Program
    gate_counts: Mapping[str, int]
    doomed: Failure | None


class Submission(NamedTuple):
    """What somebody asked for, checked.

    Attributes:
        circuits: One for a job of type `ionq.circuit.v1`; for `ionq.multi-circuit.v1` one or
            more, each of which becomes a child job.
    """

    type: str
    backend: str
    name: str | None
    metadata: Mapping[str, str] | None
    settings: Mapping[str, Any]
    dry_run: bool
    circuits: tuple[Circuit, ...]


@dataclass
class Job:
    """One job: of one circuit, or the parent of several that have one each.

    Attributes:
        circuit: Its circuit; None for a parent.
        children: Its child jobs, in the order of their circuits.
        distribution: Its histogram, once it is completed; None for a parent.
        polls: How often it was asked for.
    """

    id: str
    type: str
    submission: Submission
    owner: ApiKey
    submitted_at: datetime
    name: str | None
    circuit: Circuit | None = None
    parent_id: str | None = None
    children: tuple[Job, ...] = ()
    status: str = "submitted"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    failure: Failure | None = None
    distribution: Mapping[str, float] | None = None
    polls: int = 0
    _simulation: Future[dict[str, float]] | None = field(default=None, repr=False)

    def begin(self, executor: Executor) -> None:
        """Hand the simulation to `executor`; its outcome shows when the job's time has come."""
        for child in self.children:
            child.begin(executor)
        if self.circuit is not None and self.circuit.doomed is None:
            self._simulation = executor.submit(simulate, self.circuit.program)

    def advance(self, step: int, clock: Clock) -> None:
        """Bring the job to `LIFE[step]`, or as far towards it as its simulation is."""
        if self.status in FINAL or step <= LIFE.index(self.status):
            return
        for child in self.children:
            child.advance(step, clock)
        if self.circuit is not None and self.circuit.doomed is not None:
            self._fail(self.circuit.doomed)
            return
        self.status = LIFE[step]
        if step >= LIFE.index("started") and self.started_at is None:
            self.started_at = clock.now()
        if self.status == "completed":
            self._finish(clock)

    def cancel(self) -> None:
        """Cancel the job and its children; one that has failed stays as it is.

        A completed job too: cirq-ionq documents that v0.4 then shows it as canceled.
        """
        if self.status == "failed":
            return
        for child in self.children:
            child.cancel()
        self.status = "canceled"
        if self._simulation is not None:
            self._simulation.cancel()

    def _finish(self, clock: Clock) -> None:
        finish = self._finish_simulation if self.circuit is not None else self._finish_children
        if not finish():
            self.status = "started"
        elif self.status == "completed":
            self.completed_at = clock.now()

    def _finish_simulation(self) -> bool:
        """Take over the outcome of the simulation, if there is one yet."""
        simulation = self._simulation
        if simulation is None or not simulation.done():
            return False
        try:  # whatever goes wrong fails this job alone
            self.distribution = simulation.result()
        except (Exception, CancelledError) as error:
            logger.warning("the simulation of job %s failed: %s", self.id, error)
            logger.debug("the simulation of job %s failed here:", self.id, exc_info=error)
            self._fail(Failure("SimulationError", f"could not execute simulation: {error}"))
        return True

    def _finish_children(self) -> bool:
        """Take over what became of the children, if all are final.

        What IonQ makes of a parent when a child fails is not published: here, it fails with it.
        The results of the other children can be had from themselves.
        """
        if any(child.status not in FINAL for child in self.children):
            return False
        failed = next((child for child in self.children if child.failure is not None), None)
        if failed is not None and failed.failure is not None:
            code, message = failed.failure
            self._fail(Failure(code, f"child job {failed.id}: {message}"))
        return True

    def _fail(self, failure: Failure) -> None:
        self.status, self.failure = "failed", failure


class Jobs:
    """The jobs of one project, and the pace at which they go on."""

    def __init__(
        self,
        *,
        clock: Clock,
        identifiers: Identifiers,
        executor: Executor,
        polls_per_status: int,
    ) -> None:
        """Keep no jobs yet.

        Args:
            clock: The time.
            identifiers: What makes the ids.
            executor: What simulates.
            polls_per_status: How many times a job shows each status to those who ask for it,
                before it goes on to the next; 0: it is final when it is first asked for.
        """
        self._clock = clock
        self._identifiers = identifiers
        self._executor = executor
        self._polls_per_status = polls_per_status
        self._jobs: dict[str, Job] = {}

    def __iter__(self) -> Iterator[Job]:
        """Go through the jobs as they stand now, the newest first."""
        for job_id in reversed(list(self._jobs)):
            job = self.find(job_id)
            if job is not None:
                yield job

    def submit(self, submission: Submission, owner: ApiKey) -> Job:
        """Make a job, with its children if it has several circuits, and begin it."""
        several = submission.type == MULTI_CIRCUIT
        job = self._new(submission, owner, submission.type, submission.name)
        if several:
            children = []
            for circuit in submission.circuits:
                child = self._new(submission, owner, SINGLE_CIRCUIT, circuit.name)
                child.circuit, child.parent_id = circuit, job.id
                children.append(child)
            job.children = tuple(children)
        else:
            job.circuit = submission.circuits[0]
        job.begin(self._executor)
        return job

    def _new(self, submission: Submission, owner: ApiKey, kind: str, name: str | None) -> Job:
        job = Job(
            id=self._identifiers.uuid7(),
            type=kind,
            submission=submission,
            owner=owner,
            submitted_at=self._clock.now(),
            name=name,
        )
        self._jobs[job.id] = job
        return job

    def find(self, job_id: str) -> Job | None:
        """Return the job of that id as it stands now, or None."""
        job = self._jobs.get(job_id)
        if job is not None and self._polls_per_status == 0:
            self._leader(job).advance(len(LIFE) - 1, self._clock)
        return job

    def poll(self, job_id: str) -> Job | None:
        """Return the job of that id, after moving it on if it was asked for often enough."""
        job = self.find(job_id)
        if job is not None and self._polls_per_status > 0:
            leader = self._leader(job)
            step = leader.polls // self._polls_per_status
            leader.polls += 1
            leader.advance(min(step, len(LIFE) - 1), self._clock)
        return job

    def _leader(self, job: Job) -> Job:
        """Return the job that this one goes on with: its parent, or itself."""
        return self._jobs.get(job.parent_id or "", job)

    def cancel(self, job_id: str) -> Job | None:
        """Cancel the job of that id and return it, or None."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.cancel()
        return job

    def delete(self, job_id: str) -> Job | None:
        """Forget the job of that id and its children, and return it, or None."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.cancel()
            parent = self._leader(job)
            parent.children = tuple(child for child in parent.children if child is not job)
            for gone in (job, *job.children):
                self._jobs.pop(gone.id, None)
        return job
