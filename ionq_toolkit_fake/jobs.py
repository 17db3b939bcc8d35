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


class Submission(NamedTuple):
    """What somebody asked for, checked.

    Attributes:
        program: What to simulate.
        gate_counts: How many gates act on one qubit (`1q`) and on more (`2q`).
        doomed: Why the job will fail before it runs; None if it can run.
    """

    type: str
    backend: str
    name: str | None
    metadata: Mapping[str, str] | None
    settings: Mapping[str, Any]
    dry_run: bool
    program: Program
    gate_counts: Mapping[str, int]
    doomed: Failure | None


@dataclass
class Job:
    """One job."""

    id: str
    submission: Submission
    submitter_id: str
    project_id: str
    submitted_at: datetime
    status: str = "submitted"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    failure: Failure | None = None
    distribution: Mapping[str, float] | None = None
    polls: int = 0
    _simulation: Future[dict[str, float]] | None = field(default=None, repr=False)

    def begin(self, executor: Executor) -> None:
        """Hand the simulation to `executor`; its outcome shows when the job's time has come."""
        if self.submission.doomed is None:
            self._simulation = executor.submit(simulate, self.submission.program)

    def advance(self, step: int, clock: Clock) -> None:
        """Bring the job to `LIFE[step]`, or as far towards it as its simulation is."""
        if self.status in FINAL or step <= LIFE.index(self.status):
            return
        if self.submission.doomed is not None:
            self._fail(self.submission.doomed)
            return
        self.status = LIFE[step]
        if step >= LIFE.index("started") and self.started_at is None:
            self.started_at = clock.now()
        if self.status == "completed":
            self._finish(clock)

    def cancel(self) -> None:
        """Cancel the job, unless it has failed.

        A completed job too: cirq-ionq documents that v0.4 then shows it as canceled.
        """
        if self.status != "failed":
            self.status = "canceled"
            if self._simulation is not None:
                self._simulation.cancel()

    def _finish(self, clock: Clock) -> None:
        simulation = self._simulation
        if simulation is None or not simulation.done():
            self.status = "started"
            return
        try:  # whatever goes wrong fails this job alone
            self.distribution = simulation.result()
        except (Exception, CancelledError) as error:
            logger.warning("the simulation of job %s failed", self.id, exc_info=error)
            self._fail(Failure("SimulationError", f"could not execute simulation: {error}"))
            return
        self.completed_at = clock.now()

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
        """Make a job and begin it."""
        job = Job(
            id=self._identifiers.uuid7(),
            submission=submission,
            submitter_id=owner.submitter_id,
            project_id=owner.project_id,
            submitted_at=self._clock.now(),
        )
        job.begin(self._executor)
        self._jobs[job.id] = job
        return job

    def find(self, job_id: str) -> Job | None:
        """Return the job of that id as it stands now, or None."""
        job = self._jobs.get(job_id)
        if job is not None and self._polls_per_status == 0:
            job.advance(len(LIFE) - 1, self._clock)
        return job

    def poll(self, job_id: str) -> Job | None:
        """Return the job of that id, after moving it on if it was asked for often enough."""
        job = self.find(job_id)
        if job is not None and self._polls_per_status > 0:
            step = job.polls // self._polls_per_status
            job.polls += 1
            job.advance(min(step, len(LIFE) - 1), self._clock)
        return job

    def cancel(self, job_id: str) -> Job | None:
        """Cancel the job of that id and return it, or None."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.cancel()
        return job

    def delete(self, job_id: str) -> Job | None:
        """Forget the job of that id, whatever its status, and return it, or None."""
        job = self._jobs.pop(job_id, None)
        if job is not None:
            job.cancel()
        return job
