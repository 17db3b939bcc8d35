"""The two waits of a job: until it is final, and until its result is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ionq_toolkit.errors import IonQError
from ionq_toolkit.outage import Outage
from ionq_toolkit.waiting import Pauses, Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from qiskit.providers.jobstatus import JobStatus

    from ionq_toolkit.progress import ProgressLine
    from ionq_toolkit.result import IonQResult
    from ionq_toolkit.results import Reader
    from ionq_toolkit.state import JobState
    from ionq_toolkit.waiting import Deadline, Found

#: Seconds after which a wait without a timeout gives up a job whose status is a word that is not
#: known and whose record does not change: it may be one for an end.
UNKNOWN_S = 3600.0


def until_final(
    state: JobState,
    deadline: Deadline,
    wait: float | None,
    line: ProgressLine,
    tell: Callable[[], object],
) -> Wait[JobStatus]:
    """Return a wait for the job to be final, which begins when it is run.

    Args:
        state: How the job stands.
        deadline: When to give up.
        wait: Seconds between polls, or None.
        line: Where to show how the job stands.
        tell: Called after each answer.
    """

    def ask() -> JobStatus | None:
        answered = False
        try:
            status = state.refresh(deadline.for_request())
            answered = True
        finally:
            if line.visible:
                line.show(state.in_a_line(deadline, answered=answered))
        if deadline.timeout is None and state.unknown_for >= UNKNOWN_S and not state.over:
            raise state.stuck()
        return status if state.over else None

    outage = Outage(state.client, state.clock, deadline, state.record.job_id)
    return _wait(state, deadline, Pauses(wait, state.record.job_id), outage, ask, tell=tell)


def until_read(state: JobState, reader: Reader, deadline: Deadline) -> Wait[IonQResult]:
    """Return a wait for the result of a job that is final."""
    outage = Outage(state.client, state.clock, deadline, state.record.job_id)

    def ask() -> IonQResult:
        before = reader.parts_read()
        try:
            return reader.read()
        except IonQError:
            if reader.parts_read() > before:
                outage.end()  # it has answered some requests
            raise

    return _wait(state, deadline, Pauses(None, state.record.job_id), outage, ask)


def _wait(
    state: JobState,
    deadline: Deadline,
    pauses: Pauses,
    outage: Outage,
    ask: Callable[[], Found | None],
    *,
    tell: Callable[[], object] = lambda: None,
) -> Wait[Found]:
    return Wait(
        state.clock,
        deadline,
        pauses,
        outage,
        ask=ask,
        too_late=lambda failure: state.too_late(deadline, failure),
        tell=tell,
    )
