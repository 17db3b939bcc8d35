"""The jobs of the cloud: one job's record and life, and the place where they are kept."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ionq_toolkit_fake.devices import execution_ms
from ionq_toolkit_fake.simulation import Optimum, Outcome, SimulationFailure, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from ionq_toolkit_fake.accounts import ApiKey
    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.devices import Device
    from ionq_toolkit_fake.identifiers import Identifiers
    from ionq_toolkit_fake.simulation import Energy, MaxCut, Program, Qasm3

logger = logging.getLogger(__name__)

#: The types of jobs.
SINGLE_CIRCUIT, MULTI_CIRCUIT, QASM3 = "ionq.circuit.v1", "ionq.multi-circuit.v1", "ionq.qasm3.v1"
QUANTUM_FUNCTION, QAOA, QAOA_CIRCUIT = "quantum-function", "qctrl.qaoa.v1", "qctrl.qaoa-circuit.v1"

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
        program: What to run.
        num_qubits: How many qubits it has; None as long as it is not known.
        gate_counts: How many gates act on one qubit (`1q`) and on more (`2q`).
        billed: How many gates on one and on two qubits it is billed as.
        registers: Parts of its outcome, as `Task.registers`; None: none are named.
        doomed: Why it will fail before it runs; None if it can run.
    """

    name: str | None
    program: Program | Qasm3
    num_qubits: int | None
    gate_counts: Mapping[str, int]
    billed: tuple[float, float] = (0, 0)
    registers: Mapping[str, Sequence[int | None]] | None = None
    doomed: Failure | None = None


class Submission(NamedTuple):
    """What somebody asked for, checked.

    Attributes:
        device: Where to run it, as it was when the job was submitted.
        shots: How many runs were asked for; an ideal simulation has none.
        noise_model: The noise model; `ideal` on a machine, which is noisy by itself.
        noise_seed: What seeds it, or None.
        mitigated: Whether the job is debiased.
        symmetry_verification: Whether symmetries of the circuit are used, or None.
        circuits: One for a job of one circuit; for `ionq.multi-circuit.v1` one or more, each of
            which becomes a child job; for `qctrl.qaoa.v1` those that it will run.
        function: What to evaluate, for a job that is no circuit; its `seed`, `noise` and `shots`
            are filled in when it begins.
        source: The body that it was sent as.
    """

    type: str
    device: Device
    name: str | None
    metadata: Mapping[str, str] | None
    settings: Mapping[str, Any]
    dry_run: bool
    shots: int
    noise_model: str
    noise_seed: int | None
    mitigated: bool
    symmetry_verification: bool | None
    session_id: str | None
    circuits: tuple[Circuit, ...]
    function: Energy | MaxCut | None
    source: bytes

    @property
    def is_exact(self) -> bool:
        """Whether it is an ideal simulation, which has no shots."""
        return not self.device.is_qpu and self.noise_model == "ideal"

    @property
    def is_rehearsal(self) -> bool:
        """Whether it is only compiled and priced: a dry run, which the simulator knows none of."""
        return self.dry_run and self.device.is_qpu

    @property
    def billed(self) -> tuple[float, float]:
        """How many gates on one and on two qubits all its circuits are billed as."""
        single, double = zip(*(circuit.billed for circuit in self.circuits), strict=True)
        return sum(single), sum(double)


class Simulation(Protocol):
    """What a job waits for: a future, or a part of one."""

    def done(self) -> bool:
        """Return whether it has come to its end."""

    def result(self) -> Outcome | Value | Optimum:
        """Return what it came to, or raise why it came to nothing."""

    def cancel(self) -> bool:
        """Give it up if possible."""


@dataclass
class Job:
    """One job: of one circuit or function, or the parent of several that have a circuit each.

    Attributes:
        circuit: Its circuit; None for a parent, and for a quantum function.
        children: Its child jobs, in the order of their circuits.
        result: What it came to, once it is completed; None for a parent of several circuits.
        ran: Whether it ran to its end, and was charged for; it may be canceled since.
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
    doomed: Failure | None = None
    result: Outcome | Value | Optimum | None = None
    ran: bool = False
    polls: int = 0
    _simulation: Simulation | None = field(default=None, repr=False)

    @property
    def outcome(self) -> Outcome | None:
        """What its circuit came to, if it has one and is completed."""
        return self.result if isinstance(self.result, Outcome) else None

    @property
    def billed(self) -> tuple[float, float]:
        """How many gates on one and on two qubits it is billed as."""
        if self.outcome is not None and self.outcome.size is not None:
            counts = self.outcome.size[1]
            return counts["1q"], counts["2q"]
        return self.submission.billed if self.circuit is None else self.circuit.billed

    @property
    def price(self) -> float:
        """What it costs in US dollars; a child has a part in its parent's and none of its own."""
        tariff = self.submission.device.price
        if tariff is None or self.parent_id is not None:
            return 0.0
        return tariff.of(*self.billed, self.submission.shots, mitigated=self.submission.mitigated)

    @property
    def cost(self) -> float:
        """What was charged for it: nothing for a dry run, or before it is completed."""
        return self.price if self.ran else 0.0

    @property
    def commitment(self) -> float:
        """What was charged for it or, as long as it may still run, will be."""
        if self.submission.is_rehearsal or (self.status in FINAL and not self.ran):
            return 0.0
        return self.price

    @property
    def execution_ms(self) -> int:
        """How long it takes to run, in milliseconds."""
        return execution_ms(self.submission.device, *self.billed, self.submission.shots)

    def begin(self, simulation: Simulation) -> None:
        """Take a simulation that was begun; its outcome shows when the job's time has come."""
        self._simulation = simulation

    def advance(self, step: int, clock: Clock) -> None:
        """Bring the job to `LIFE[step]`, or as far towards it as its simulation is."""
        if self.status in FINAL or step <= LIFE.index(self.status):
            return
        if self.submission.is_rehearsal and LIFE[step] != "completed":
            return  # a dry run never waits and never runs
        for child in self.children:
            child.advance(step, clock)
        doomed = self.doomed or (self.circuit and self.circuit.doomed)
        if doomed is not None:
            self._fail(doomed)
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
        several = self.type == MULTI_CIRCUIT
        if not (self._finish_children() if several else self._finish_simulation(clock)):
            self.status = "started" if not self.submission.is_rehearsal else "submitted"
        elif self.status == "completed":
            self.completed_at = clock.now()
            self.ran = not self.submission.is_rehearsal

    def _finish_simulation(self, clock: Clock) -> bool:
        """Take over the outcome of the simulation, if there is one yet."""
        simulation = self._simulation
        if simulation is None or not simulation.done():
            return False
        try:  # whatever goes wrong fails this job alone
            self.result = simulation.result()
        except SimulationFailure as failure:
            self._fail(Failure(failure.code, failure.message))
        except (Exception, CancelledError) as error:
            logger.warning("the simulation of job %s failed: %s", self.id, error)
            logger.debug("the simulation of job %s failed here:", self.id, exc_info=error)
            self._fail(Failure("SimulationError", f"could not execute simulation: {error}"))
        iterations = self.result.iterations if isinstance(self.result, Optimum) else ()
        for child, outcome in zip(self.children, iterations, strict=False):
            if child.status not in FINAL:
                child.result, child.status, child.completed_at = outcome, "completed", clock.now()
        if self.failure is not None:
            for child in self.children:
                child._fail(self.failure)  # noqa: SLF001 - one of its own
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

    def __init__(self, *, clock: Clock, identifiers: Identifiers, polls_per_status: int) -> None:
        """Keep no jobs yet.

        Args:
            clock: The time.
            identifiers: What makes the ids.
            polls_per_status: How many times a job shows each status to those who ask for it,
                before it goes on to the next; 0: it is final when it is first asked for.
        """
        self._clock = clock
        self._identifiers = identifiers
        self._polls_per_status = polls_per_status
        self._jobs: dict[str, Job] = {}

    def __iter__(self) -> Iterator[Job]:
        """Go through the jobs as they stand now, the newest first."""
        for job_id in reversed(list(self._jobs)):
            job = self.find(job_id)
            if job is not None:
                yield job

    def create(self, submission: Submission, owner: ApiKey) -> Job:
        """Make a job, with a child for each circuit if it has several; nothing runs yet."""
        job = self._new(submission, owner, submission.type, submission.name)
        if submission.type == MULTI_CIRCUIT or (
            submission.type == QAOA and not submission.is_rehearsal
        ):
            kind = SINGLE_CIRCUIT if submission.type == MULTI_CIRCUIT else QAOA_CIRCUIT
            children = []
            for circuit in submission.circuits:
                child = self._new(submission, owner, kind, circuit.name)
                child.circuit, child.parent_id = circuit, job.id
                children.append(child)
            job.children = tuple(children)
        elif submission.function is None:
            job.circuit = submission.circuits[0]
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

    def peek(self, job_id: str) -> Job | None:
        """Return the job of that id as it was last shown, or None."""
        return self._jobs.get(job_id)

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
            if job.status not in FINAL:
                job.cancel()
            parent = self._leader(job)
            parent.children = tuple(child for child in parent.children if child is not job)
            for gone in (job, *job.children):
                self._jobs.pop(gone.id, None)
        return job
