"""A job as it shows itself: by its last record, without a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit.api.metadata import OWN
from ionq_toolkit.api.record import in_words
from ionq_toolkit.display import Step, View, moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qiskit import QuantumCircuit

    from ionq_toolkit.api.models import JobCost
    from ionq_toolkit.job.state import JobState

#: A circuit with more qubits or operations is not drawn.
_MOST_QUBITS, _MOST_OPERATIONS = 10, 60

#: Characters of a text of the caller's or the service's that are shown.
_MOST_TEXT = 300

_TONES = {JobStatus.DONE: "good", JobStatus.ERROR: "bad", JobStatus.CANCELLED: "bad"}
_WORDS = {
    JobStatus.INITIALIZING: "submitted",
    JobStatus.QUEUED: "ready",
    JobStatus.RUNNING: "started",
    JobStatus.DONE: "completed",
    JobStatus.ERROR: "failed",
    JobStatus.CANCELLED: "canceled",
}
#: How many of the steps submitted, ready, started a status has reached at the least.
_REACHED = {JobStatus.INITIALIZING: 1, JobStatus.QUEUED: 2}


class JobFacts(NamedTuple):
    """The known facts of a job; nothing is asked.

    Attributes:
        kind: The name of its class.
        backend: The name of its backend.
        state: Its last state.
        circuits: Its circuits, if it was made here.
        shots: Its shots, as its metadata have them.
        cost: Its cost, if that was asked for.
    """

    kind: str
    backend: str
    state: JobState
    circuits: Sequence[QuantumCircuit]
    shots: object
    cost: JobCost | None

    @property
    def status(self) -> str:
        """The last known status, as a word."""
        if not self.state.job_id:
            return "not submitted"
        word = self.state.unknown_word or _WORDS[self.state.status]
        return word if self.state.record else f"{word}, not asked yet"


def job_view(facts: JobFacts) -> View:
    """Return the view of a job. Texts of the caller's and the service's hold no API key."""
    state, record = facts.state, facts.state.record

    def shown(text: object) -> str:
        found = state.client.redact(str(text))
        return found if len(found) <= _MOST_TEXT else f"{found[:_MOST_TEXT]}..."

    names = [shown(circuit.name) for circuit in facts.circuits]
    own = {key: value for key, value in record.metadata.items() if key not in OWN}
    times, cost = record.timings, facts.cost
    return View(
        f"{facts.kind} {state.job_id or '(not submitted)'}",
        badge=shown(facts.status),
        tone=_TONES.get(state.status, "busy"),
        steps=list(_steps(facts)),
        facts={
            "backend": facts.backend,
            "name": shown(record.name) if record.name else None,
            "circuit" if len(names) == 1 else "circuits": _listed(names),
            "shots": None if facts.shots is None else shown(facts.shots),
            "failed": shown(in_words(*record.failure)) if record.has_failure else None,
            "warnings": shown("; ".join(record.warnings)) if record.warnings else None,
            "cost": None if cost is None else str(cost),
            "execution": _seconds(times.execution_s),
            "predicted wait": None if state.over else _seconds(times.predicted_wait_s),
            "metadata": shown(", ".join(f"{key}: {value}" for key, value in own.items()))
            if own
            else None,
        },
        drawing=_drawing(facts.circuits),
        note="" if state.over else "As last seen; status() asks the service.",
    )


def _steps(facts: JobFacts) -> Iterator[Step]:
    state, times = facts.state, facts.state.record.timings
    if not state.job_id:
        return
    reached = _REACHED.get(state.status, 3)
    if state.status in (JobStatus.ERROR, JobStatus.CANCELLED) and times.started_at is None:
        reached = 1
    for place, (word, when) in enumerate(
        [("submitted", times.submitted_at), ("ready", None), ("started", times.started_at)]
    ):
        if place < reached or not state.over:  # of a job that has ended, only what it went through
            yield Step(word, moment(when) or "", reached=place < reached)
    end = _WORDS[state.status] if state.over else "completed"
    yield Step(end, moment(times.completed_at) or "", reached=state.over)


def _listed(names: Sequence[str]) -> str | None:
    if len(names) <= 1:
        return "".join(names) or None
    rest = ", ..." if len(names) > 4 else ""  # noqa: PLR2004 - enough to recognise them
    return f"{len(names)}: {', '.join(names[:4])}{rest}"


def _seconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:g} s"


def _drawing(circuits: Sequence[QuantumCircuit]) -> str:
    if len(circuits) != 1:
        return ""
    circuit = circuits[0]
    if circuit.num_qubits > _MOST_QUBITS or circuit.size() > _MOST_OPERATIONS:
        depth = circuit.depth()
        return f"{circuit.num_qubits} qubits, depth {depth}, {circuit.size()} operations"
    try:
        return str(circuit.draw("text", fold=100))
    except Exception:  # noqa: BLE001 - of a gate that anybody has defined; a repr never fails
        return ""
