"""A project: the jobs and sessions that its keys share, what they run as, and what they cost."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ionq_toolkit_fake.facts.devices import execution_ms
from ionq_toolkit_fake.facts.failures import Failure
from ionq_toolkit_fake.models.jobs import Jobs
from ionq_toolkit_fake.models.sessions import Sessions
from ionq_toolkit_fake.models.submission import MULTI_CIRCUIT
from ionq_toolkit_fake.models.tasks import Part, batches
from ionq_toolkit_fake.simulation import (
    NOISE_MODELS,
    Energy,
    Machine,
    MaxCut,
    Noise,
    Task,
    simulate,
    simulate_several,
)
from ionq_toolkit_fake.simulation.mitigation import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.models.accounts import ApiKey
    from ionq_toolkit_fake.models.facility import Facility
    from ionq_toolkit_fake.models.identifiers import Identifiers
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.models.submission import Submission
    from ionq_toolkit_fake.transitions.rules import TransitionRules


class Project:
    """One project.

    Attributes:
        id: Its id.
        name: Its name.
        quota: What its jobs may cost together, in US dollars; None: any amount.
        jobs: Its jobs.
        sessions: Its sessions.
        ledger: All jobs it ever had but children, for what they cost.
    """

    def __init__(
        self,
        key: ApiKey,
        *,
        clock: Clock,
        identifiers: Identifiers,
        facility: Facility,
        executor: Executor,
        transitions: TransitionRules,
    ) -> None:
        """Make a project without jobs for the first of its keys that is used."""
        self.id, self.name, self.quota = key.project_id, key.access.project, key.access.quota
        self.jobs = Jobs(clock=clock, identifiers=identifiers)
        self.sessions = Sessions(clock=clock, identifiers=identifiers)
        self.ledger: list[Job] = []
        self._clock = clock
        self._facility = facility
        self._executor = executor
        self._transitions = transitions

    @property
    def spent(self) -> float:
        """What its jobs cost, those that still wait included, in US dollars."""
        return sum(job.commitment for job in self.ledger)

    def submit(self, submission: Submission, owner: ApiKey) -> Job:
        """Make a job and begin it, or let it fail if the project cannot pay for it."""
        spent = self.spent
        job = self._planned(submission, owner)
        if self.quota is not None and spent + job.price > self.quota:
            job.doomed = Failure(
                "QuotaExhaustedError",
                f"The job costs {job.price} USD; {max(0.0, self.quota - spent):.2f} USD are left.",
            )
            for child in job.children:
                child.doomed = job.doomed
        self.ledger.append(job)
        if submission.device.is_qpu and not submission.is_rehearsal:
            self._facility.enqueue(job)
        session = self.sessions.find(submission.session_id or "")
        if session is not None:
            self.sessions.add(session, job)
        parts = [
            part
            for part in (job.children if submission.type == MULTI_CIRCUIT else (job,))
            if part.doomed is None and (part.circuit is None or part.circuit.doomed is None)
        ]
        if submission.type != MULTI_CIRCUIT:
            for part in parts:
                part.begin(self._executor.submit(simulate, self._task(part)), self._clock)
            return job
        tasks = [self._circuit_task_of(part, place) for place, part in enumerate(parts)]
        for batch in batches(tasks):
            outcomes = self._executor.submit(simulate_several, tasks[batch])
            left: set[int] = set()
            for index, part in enumerate(parts[batch]):
                part.begin(Part(outcomes, index, left), self._clock)
        return job

    def _planned(self, submission: Submission, owner: ApiKey) -> Job:
        """Make a job with the plan that the cloud has for it."""
        device = submission.device
        plan, ends = self._transitions.plan(
            submission,
            wait_s=lambda: self._facility.queue_ms(device.name) / 1000,
            run_s=lambda: execution_ms(device, *submission.billed, submission.shots) / 1000,
            number=f"{self.id} {len(self.ledger)}",
        )
        job = self.jobs.create(submission, owner, plan)
        for place, child in enumerate(job.children, 1):
            for which, end in ends.items():  # of several that are of it, the last one counts
                if which in (place, child.name):
                    child.plan = plan._replace(end=end)
        return job

    @contextmanager
    def without(self, job: Job) -> Iterator[None]:
        """Cancel a job for another that is made in its place, unless none comes of that."""
        status = job.status
        session = self.sessions.find(job.submission.session_id or "")
        jobs = [] if session is None else list(session.jobs)
        job.status = "canceled"
        if session is not None:
            session.jobs.remove(job)
        try:
            yield
        except BaseException:
            job.status = status
            if session is not None:
                session.jobs[:] = jobs
            raise
        job.status = status
        job.cancel()

    def _task(self, job: Job) -> Task | Energy | MaxCut:
        """Return what to simulate for a job."""
        task, function = self._circuit_task_of(job), job.submission.function
        if isinstance(function, Energy):
            return function._replace(seed=task.seed, noise=task.noise, shots=task.shots)
        if isinstance(function, MaxCut) and not job.submission.is_rehearsal:
            return function._replace(run=task)
        return task

    def _circuit_task_of(self, job: Job, place: int = 0) -> Task:
        """Return what to simulate for a job's circuit, or the first of a function's.

        Circuits of one job have one noise seed and are told apart by their place.
        """
        submission, machine = job.submission, None
        device, circuit = submission.device, job.circuit or submission.circuits[0]
        seed = submission.noise_seed
        if seed is None:
            seed = uuid.UUID(job.id).int
        seed = (seed + place) % 2**31
        compilation = submission.settings.get("compilation") or {}
        if device.is_qpu or compilation.get("service_version") == "v0.4":
            machine = Machine(device.qubits, device.entangler, device.connectivity)
        return Task(
            circuit.program,
            seed,
            shots=None if submission.is_exact else submission.shots,
            noise=self._noise(submission),
            machine=machine,
            hardware=device.is_qpu,
            variants=VARIANTS if submission.mitigated else 0,
            symmetry_verification=bool(submission.symmetry_verification) and device.is_qpu,
            registers=circuit.registers,
            execute=not submission.is_rehearsal,
            width=device.qubits,
        )

    def _noise(self, submission: Submission) -> Noise | None:
        if submission.device.is_qpu:
            return self._facility.noise(submission.device)
        if submission.noise_model == "ideal":
            return None
        return NOISE_MODELS[submission.noise_model].noise
