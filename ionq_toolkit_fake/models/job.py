"""A job: its record and its lifecycle."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ionq_toolkit_fake.display import Table, shown
from ionq_toolkit_fake.facts.devices import execution_ms
from ionq_toolkit_fake.facts.failures import JobFailure
from ionq_toolkit_fake.models.submission import MULTI_CIRCUIT
from ionq_toolkit_fake.simulation.outcome import Optimum, Outcome, SimulationFailure, Value
from ionq_toolkit_fake.transitions.lifecycle import (
    FINAL,
    FINISHED,
    LIFECYCLE,
    SECONDS,
    STARTED,
    SUBMITTED,
    End,
    JobPlan,
    Position,
    expected,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.models.accounts import ApiKey
    from ionq_toolkit_fake.models.sessions import Session
    from ionq_toolkit_fake.models.submission import Circuit, Submission


logger = logging.getLogger(__name__)


class Simulation(Protocol):
    """The simulation of a job: a future, or a part of one."""

    def done(self) -> bool:
        """Return whether it has ended."""

    def result(self) -> Outcome | Value | Optimum:
        """Return its result, or raise its error."""

    def cancel(self) -> bool:
        """Cancel it if possible."""

    def add_done_callback(self, fn: Callable[..., object], /) -> None:
        """Call `fn` when it has ended."""


@dataclass(eq=False, slots=True, weakref_slot=True)
class Job:
    """One job: of one circuit or function, or the parent of several that have a circuit each.

    Attributes:
        circuit: Its circuit; None for a parent, and for a quantum function.
        children: Its child jobs, in the order of their circuits.
        status: The status that it shows.
        rejection: Why it will fail before it runs; None: it will run.
        result: Its result, once it is completed; None for a parent of several circuits.
        outcome: Its result, if that is the outcome of a circuit.
        ran: Whether it ran to its end, and was charged for; it may be canceled since.
        ended_at: When it was first seen at its end, whichever; of a child, None.
        plan: When it goes on, and its end.
        position: How far it is; a child is as far as its parent, unless it is `detached`.
        lead: When a child that was released came to where its parent was not yet.
        shown_status: The status that it shows as long as it is held.
        number: Its place among the jobs that its project ever had.
        place: Which of the simulated circuits of its parent it is, from 0.
        session: The session that it counts for, or None.
        committed: The cents that its project and its session count for it.
        is_charged: Whether it is among the charges of its project.
        stored_as: The hash of the record that is stored of it; 0: it is not stored.
        has_stored_result: Whether its result is stored.
    """

    id: str
    type: str
    submission: Submission
    owner: ApiKey
    submitted_at: datetime
    name: str | None
    plan: JobPlan
    position: Position
    circuit: Circuit | None = None
    parent_id: str | None = None
    children: tuple[Job, ...] = ()
    status: str = LIFECYCLE[SUBMITTED]
    started_at: datetime | None = None
    completed_at: datetime | None = None
    failure: JobFailure | None = None
    rejection: JobFailure | None = None
    result: Outcome | Value | Optimum | None = None
    outcome: Outcome | None = None
    ran: bool = False
    ended_at: datetime | None = None
    detached: bool = False
    lead: tuple[datetime, ...] = ()
    shown_status: str | None = None
    number: int = 0
    place: int = 0
    session: Session | None = field(default=None, repr=False)
    committed: int = 0
    is_charged: bool = False
    stored_as: int = 0
    has_stored_result: bool = False
    _simulation: Simulation | None = field(default=None, repr=False)
    _simulated_at: datetime | None = field(default=None, repr=False)

    #: The header of a table of jobs.
    COLUMNS = ("id", "name", "status", "failure", "backend", "shots", "submitted")

    def row(self) -> tuple[object, ...]:
        """Return the row of the job in a table of jobs."""
        device, shots = self.submission.device.name, self.submission.shots
        failure = self.failure and ": ".join(self.failure)
        when = f"{self.submitted_at:%Y-%m-%d %H:%M:%S}"
        return self.id, self.name, self.status, failure, device, shots, when

    def __repr__(self) -> str:
        return f"<Job {self.id} of the fake on {self.submission.device.name}: {self.status}>"

    _repr_html_, _repr_pretty_ = shown(
        lambda self: Table("Job of the fake", self.COLUMNS, [self.row()])
    )

    @property
    def billed(self) -> tuple[float, float]:
        """How many gates on one and on two qubits it is billed as."""
        if self.outcome is not None and self.outcome.size is not None:
            counts = self.outcome.size[1]
            return counts["1q"], counts["2q"]
        return self.submission.billed if self.circuit is None else self.circuit.billed

    @property
    def price(self) -> float:
        """Its cost in US dollars; that of a child is part of its parent's, and 0 here."""
        tariff = self.submission.device.price
        if tariff is None or self.parent_id is not None:
            return 0.0
        return tariff.of(*self.billed, self.submission.shots, mitigated=self.submission.mitigated)

    @property
    def cost(self) -> float:
        """The charge for it: nothing for a dry run, or before it is completed."""
        return self.price if self.ran else 0.0

    @property
    def commitment(self) -> float:
        """The charge for it, or the future charge as long as it may still run."""
        if self.submission.is_rehearsal or (self.status in FINAL and not self.ran):
            return 0.0
        return self.price

    @property
    def execution_ms(self) -> int:
        """How long it takes to run, in milliseconds: as planned, or by its gates and shots."""
        run = self.plan.steps[STARTED]
        if run.kind != SECONDS:
            device, shots = self.submission.device, self.submission.shots
            return execution_ms(device, *self.billed, shots) if device.is_qpu else 0
        if self.started_at is None or self.completed_at is None:
            return round(1000 * (run.amount - self.plan.after_s))
        took_s = (self.completed_at - self.started_at).total_seconds() - self.plan.after_s
        return round(1000 * max(0.0, took_s))

    @property
    def planned_end(self) -> End:
        """Its end, unless its simulation fails."""
        rejection, planned = self.rejection, self.plan.end
        first = planned.status != LIFECYCLE[FINISHED] and planned.at == LIFECYCLE[SUBMITTED]
        if rejection is None or first:
            return planned
        return End("failed", rejection, LIFECYCLE[SUBMITTED])

    def expected(self, place: int) -> datetime | None:
        """Return when it comes to a place of its life, if time alone decides; or None."""
        return expected(self.plan.steps, self.position, place)

    @property
    def ends_at(self) -> datetime | None:
        """When it comes to its end, if time alone decides; or None."""
        if not any(step.kind == SECONDS for step in self.plan.steps):
            return None
        return self.expected(self.planned_end.place)

    def begin(
        self, simulation: Simulation, clock: Clock, on_end: Callable[[], object] = lambda: None
    ) -> None:
        """Take a simulation that was begun; its outcome shows when the job's time has come.

        Args:
            simulation: The simulation.
            clock: The time.
            on_end: Called when it has ended, from any thread.
        """

        def note(_: object) -> None:
            self._simulated_at = clock.now()
            on_end()

        self._simulation = simulation
        simulation.add_done_callback(note)

    def follow(self, position: Position, now: datetime) -> None:
        """Come to where it stands, as far as its simulation is, and its children with it."""
        if self.status in FINAL:
            return
        self.position = position
        for child in self.children:
            if child.lead and position.place + 1 >= len(child.lead):
                child.detached = False
            if child.detached:
                theirs = child.position
            else:  # its own moments before its parent's stay
                entered = (*child.lead, *position.entered[len(child.lead) :])
                theirs = position._replace(entered=entered)
            child.follow(theirs, now)
        if self.shown_status is not None:
            self.status = self.shown_status
            return
        end = self.planned_end
        if position.place < end.place:
            self._show(position.place)
        elif end.status == LIFECYCLE[FINISHED]:
            self._show(STARTED)
            self._finish(now)
        else:
            self._show(end.place - 1)
            self.conclude(end)

    def conclude(self, end: End) -> None:
        """Come to an end other than `completed`, and the children with it."""
        if end.failure is not None:
            self._fail(end.failure)
        elif end.status == "canceled":
            self.cancel()
        else:
            self.status = end.status

    def cancel(self) -> None:
        """Cancel the job and its children; one that has failed stays as it is.

        A completed job too: cirq-ionq documents that v0.4 then shows it as canceled.
        """
        if self.status == "failed":
            return
        for child in self.children:
            child.cancel()
        self.status = "canceled"
        self.give_up()

    def give_up(self) -> None:
        """Cancel the simulation."""
        if self._simulation is not None:
            self._simulation.cancel()
            self._simulation = None  # an outcome that no one reads would be kept with it

    def _show(self, place: int) -> None:
        """Show a status on the way; a dry run never waits and never runs."""
        if self.submission.is_rehearsal:
            place = SUBMITTED
        self.status = LIFECYCLE[place]
        self.started_at = self.position.entered[STARTED] if place >= STARTED else None

    def _finish(self, now: datetime) -> None:
        """Be completed, or fail, if there is what it waits for."""
        due = self.position.entered[FINISHED]
        if self.type == MULTI_CIRCUIT:
            done = self._finish_children()
            due = max([due, *(c.completed_at for c in self.children if c.completed_at is not None)])
        else:
            if self._simulation is not None:
                due = max(due, self._simulated_at or now)
            done = self._finish_simulation(due)
        if done and self.failure is None:
            self.status, self.completed_at = LIFECYCLE[FINISHED], due
            self.ran = not self.submission.is_rehearsal

    def _finish_simulation(self, due: datetime) -> bool:
        """Take over the outcome of the simulation, if it has ended."""
        simulation = self._simulation
        if simulation is None or not simulation.done():
            return False
        self._simulation = None
        try:
            self.result = result = simulation.result()
            self.outcome = result if isinstance(result, Outcome) else None
        except SimulationFailure as failure:
            self._fail(JobFailure(failure.code, failure.message))
        except (Exception, CancelledError) as error:
            logger.warning("the simulation of job %s failed: %s", self.id, error)
            logger.debug("the simulation of job %s failed here:", self.id, exc_info=error)
            self._fail(JobFailure("SimulationError", f"could not execute simulation: {error}"))
        iterations = self.result.iterations if isinstance(self.result, Optimum) else ()
        for child, outcome in zip(self.children, iterations, strict=False):
            if child.status not in FINAL:
                child.result = child.outcome = outcome
                child.status, child.completed_at = LIFECYCLE[FINISHED], due
        return True

    def _finish_children(self) -> bool:
        """Take over the ends of the children, if all are final.

        IonQ does not publish the status of a parent whose child fails: here, it fails as well.
        The results of the other children can be had from themselves.
        """
        if any(child.status not in FINAL for child in self.children):
            return False
        failed = next((child for child in self.children if child.failure is not None), None)
        if failed is not None and failed.failure is not None:
            code, message = failed.failure
            self._fail(JobFailure(code, f"child job {failed.id}: {message}"))
        return True

    def _fail(self, failure: JobFailure) -> None:
        """Fail, and with the job those of its children that have not come to an end."""
        self.status, self.failure = "failed", failure
        for child in self.children:
            if child.status not in FINAL:
                child._fail(failure)  # noqa: SLF001 - one of its own
        self.give_up()
