"""A project: the jobs and sessions that its keys share, what they run as, and what they cost."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ionq_toolkit_fake.devices import execution_ms
from ionq_toolkit_fake.failures import Failure
from ionq_toolkit_fake.jobs import Jobs
from ionq_toolkit_fake.sessions import Sessions
from ionq_toolkit_fake.simulation import (
    NOISE_MODELS,
    Energy,
    Machine,
    MaxCut,
    Noise,
    Program,
    Task,
    simulate,
    simulate_several,
)
from ionq_toolkit_fake.simulation.mitigation import VARIANTS
from ionq_toolkit_fake.submission import MULTI_CIRCUIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor, Future

    from ionq_toolkit_fake.accounts import ApiKey
    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.facility import Facility
    from ionq_toolkit_fake.identifiers import Identifiers
    from ionq_toolkit_fake.job import Job
    from ionq_toolkit_fake.simulation import Outcome
    from ionq_toolkit_fake.submission import Submission
    from ionq_toolkit_fake.transition_rules import TransitionRules


#: How many circuits of one job are simulated in one call, and how many amplitudes they have.
BATCH, BATCH_AMPLITUDES = 128, 2**20


def _batches(tasks: Sequence[Task]) -> Iterator[slice]:
    """Cut tasks into runs that are small enough to be simulated together."""
    start = amplitudes = 0
    for index, task in enumerate(tasks):
        circuit = task.circuit
        width = len(circuit.active_qubits) if isinstance(circuit, Program) else task.width
        full = index - start >= BATCH or amplitudes + 2**width > BATCH_AMPLITUDES
        if full and index > start:
            yield slice(start, index)
            start, amplitudes = index, 0
        amplitudes += 2**width
    if start < len(tasks):
        yield slice(start, len(tasks))


class _Part:
    """What one of several tasks that are simulated together comes to."""

    def __init__(
        self, outcomes: Future[list[Outcome | Exception]], index: int, left: set[int]
    ) -> None:
        """Take the outcomes of all, and the set of those that somebody waits for."""
        self._outcomes, self._index, self._left = outcomes, index, left
        left.add(index)

    def done(self) -> bool:
        """Return whether all of them have come to their end."""
        return self._outcomes.done()

    def result(self) -> Outcome:
        """Return what this one came to, or raise why it came to nothing."""
        found = self._outcomes.result()[self._index]
        if isinstance(found, Exception):
            raise found
        return found

    def cancel(self) -> bool:
        """Give up; the last one to do so ends the simulation of all."""
        self._left.discard(self._index)
        return not self._left and self._outcomes.cancel()

    def add_done_callback(self, fn: Callable[..., object], /) -> None:
        """Call `fn` when all of them have come to their end."""
        self._outcomes.add_done_callback(fn)


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
        for batch in _batches(tasks):
            outcomes = self._executor.submit(simulate_several, tasks[batch])
            left: set[int] = set()
            for index, part in enumerate(parts[batch]):
                part.begin(_Part(outcomes, index, left), self._clock)
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
