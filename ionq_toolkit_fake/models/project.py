"""A project: the jobs and sessions that its keys share, and their cost."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ionq_toolkit_fake.facts.devices import execution_ms
from ionq_toolkit_fake.facts.failures import JobFailure
from ionq_toolkit_fake.models.charges import Charges, cents
from ionq_toolkit_fake.models.jobs import Jobs
from ionq_toolkit_fake.models.sessions import Sessions
from ionq_toolkit_fake.models.submission import MULTI_CIRCUIT
from ionq_toolkit_fake.models.tasks import Part, batches, circuit_task_of, task_of
from ionq_toolkit_fake.simulation.executors import simulate, simulate_several
from ionq_toolkit_fake.transitions.lifecycle import FINAL, PREDICTED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.models.accounts import ApiKey
    from ionq_toolkit_fake.models.agenda import Agenda
    from ionq_toolkit_fake.models.facility import Facility
    from ionq_toolkit_fake.models.identifiers import Identifiers
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.models.submission import Submission
    from ionq_toolkit_fake.transitions.rules import TransitionRules


#: What sums of prices may be wrong by: a millionth of a cent.
_ROUNDING_USD = 1e-8


def _nothing(job_id: str, _: Sequence[str]) -> Job:
    raise KeyError(job_id)


class Project:
    """One project.

    Attributes:
        quota: The limit of the cost of all its jobs, in US dollars; None: no limit.
        charges: The costs of its jobs, deleted ones too.
        committed: The cost of its jobs, those that still wait included, in cents.
        key_id: The id of the key that it was made for.
        submitted: How many jobs were submitted to it.
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
        agenda: Agenda,
        load: Callable[[Project, str, Sequence[str]], Job] | None = None,
    ) -> None:
        """Make a project without jobs for the first of its keys that is used.

        Args:
            key: The key.
            clock: The time.
            identifiers: Makes the ids.
            facility: The backends.
            executor: Runs the simulations.
            transitions: When its jobs go on.
            agenda: The agenda of the cloud.
            load: Reads a job of the project from a store; None: all are in memory.
        """
        self.key_id = key.id
        self.id, self.name, self.quota = key.project_id, key.access.project, key.access.quota
        self.jobs = Jobs(
            clock=clock,
            identifiers=identifiers,
            agenda=agenda,
            on_change=self._changed,
            load=_nothing if load is None else partial(load, self),
        )
        leaves = self._leave_queue if "session-end-cancels" in facility.deviations else None
        self.sessions = Sessions(
            clock=clock,
            identifiers=identifiers,
            most=agenda.retention.sessions,
            on_end=leaves,
        )
        self.charges = Charges()
        self.committed = 0
        self.submitted = 0
        self._clock = clock
        self._facility = facility
        self._executor = executor
        self._transitions = transitions

    @property
    def spent(self) -> float:
        """The cost of its jobs, those that still wait included, in US dollars."""
        return self.committed / 100

    def submit(self, submission: Submission, owner: ApiKey, replacing: Job | None = None) -> Job:
        """Make a job and begin it, or let it fail if the project cannot pay for it.

        Args:
            submission: The circuits or the function, and how to run them.
            owner: The key of the request.
            replacing: A job that this one replaces: it does not count, and is canceled as soon as
                this one has begun.
        """
        job = self._planned(submission, owner, replacing)
        if self.quota is not None:
            replaced = 0.0 if replacing is None else replacing.commitment
            self._check_quota(job, self.quota, self.spent - replaced)
        try:
            self._begin(job)
        except Exception:
            self.jobs.delete(job.id)
            raise
        if replacing is not None:
            self.sessions.remove(replacing)
            self.jobs.cancel(replacing.id)
        self.submitted += 1
        if submission.device.is_qpu and not submission.is_rehearsal:
            self._facility.enqueue(job)
        if submission.session_id is not None:
            self.sessions.add(job)
        self.jobs.changed(job)
        return job

    def _leave_queue(self, session_id: str) -> None:
        """Cancel the jobs of a session that have not begun."""
        waiting = {"submitted", "ready"}
        for job in list(self.jobs.search(sessions={session_id}, statuses=waiting)):
            self.jobs.find(job.id)
            if job.status in waiting:
                self.jobs.cancel(job.id)

    def _changed(self, job: Job) -> None:
        """Keep the sums of a project up to date with a job."""
        committed = cents(job.commitment)
        self.committed += committed - job.committed
        if job.session is not None:
            job.session.committed += committed - job.committed
            job.session.ran |= job.ran
            self.sessions.changed.add(job.session.id)
        job.committed = committed
        if job.ran and not job.is_charged:
            job.is_charged = True
            self.charges.add(job)
        if job.status in FINAL:
            self._facility.dequeue(job)

    def _check_quota(self, job: Job, quota: float, spent: float) -> None:
        """Reject a job that costs more than is left of the quota."""
        if spent + job.price > quota + _ROUNDING_USD:
            job.rejection = JobFailure(
                "QuotaExhaustedError",
                f"The job costs {job.price} USD; {max(0.0, quota - spent):.2f} USD are left.",
            )
            for child in job.children:
                child.rejection = job.rejection

    def resume(self, job: Job) -> None:
        """Begin the simulations of a job again that was stored before it came to its end."""
        self._begin(job, resumed=True)
        if job.submission.device.is_qpu and not job.submission.is_rehearsal:
            self._facility.enqueue(job)
        self.jobs.changed(job)

    def _begin(self, job: Job, *, resumed: bool = False) -> None:
        """Hand the simulations of a job to the executor."""
        if job.type != MULTI_CIRCUIT:
            if job.rejection is None and job.status not in FINAL:
                task = task_of(job, self._facility)
                simulation = self._executor.submit(simulate, task)
                job.begin(simulation, self._clock, partial(self.jobs.simulated, job))
            return
        parts = [child for child in job.children if child.rejection is None]
        if not resumed:
            for place, part in enumerate(parts):
                part.place = place
        parts = [part for part in parts if part.status not in FINAL]
        tasks = [circuit_task_of(part, self._facility) for part in parts]
        for batch in batches(tasks):
            outcomes = self._executor.submit(simulate_several, tasks[batch])
            left: set[int] = set()
            for index, part in enumerate(parts[batch]):
                simulated = partial(self.jobs.simulated, part)
                part.begin(Part(outcomes, index, left), self._clock, simulated)

    def _planned(self, submission: Submission, owner: ApiKey, replacing: Job | None) -> Job:
        """Make a job with the plan that the cloud has for it."""
        device = submission.device
        plan, ends = self._transitions.plan(
            submission.name,
            device.name,
            submission.metadata,
            rehearsal=submission.is_rehearsal,
            number=f"{self.id} {self.submitted}",
        )
        if any(step.kind == PREDICTED for step in plan.steps):
            longer = device.pace if "prediction-is-short" in self._facility.deviations else None
            after_ms = 0.0 if longer is None else longer.after_ms
            plan = plan.with_predictions(
                wait_s=self._facility.queue_ms(
                    device.name, without=replacing, session_id=submission.session_id
                )
                / 1000,
                run_s=execution_ms(device, *submission.billed, submission.shots) / 1000,
                after_s=after_ms / 1000,
            )
        job = self.jobs.create(submission, owner, plan)
        for place, child in enumerate(job.children, 1):
            for which, end in ends.items():  # of several that are of it, the last one counts
                if which in (place, child.name):
                    child.plan = plan._replace(end=end)
        return job
