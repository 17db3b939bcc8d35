"""IonQ's record of a job; any field may be null, missing or of the wrong type."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

from ionq_toolkit.api import fields
from ionq_toolkit.api.metadata import CircuitHeader, decode_headers
from ionq_toolkit.api.statuses import JOB_STATUS
from ionq_toolkit.display import View, html, moment, text
from ionq_toolkit.errors import IonQJobError
from ionq_toolkit.forks import cached_property

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ionq_toolkit.display.view import Printer


#: Types of jobs in the API document: one circuit, several, and a program in OpenQASM 3.
SINGLE_CIRCUIT, MULTI_CIRCUIT = "ionq.circuit.v1", "ionq.multi-circuit.v1"
PROGRAM = "ionq.qasm3.v1"

#: Prefixes of the types of jobs in the API document that have no histogram.
_FUNCTIONS = ("quantum-function", "qctrl.")

#: Upper bound; larger numbers of shots are treated as corrupt.
_MOST_SHOTS = 10**7


class JobTimings(NamedTuple):
    """Times of a job, measured and predicted; None where IonQ reports none.

    Attributes:
        submitted_at: When it was submitted, in UTC.
        started_at: When it began to run, in UTC.
        completed_at: When it was completed, in UTC.
        predicted_wait_s: Predicted time in the queue, in seconds.
        predicted_execution_s: Predicted time of execution, in seconds.
        execution_s: Time of execution, in seconds.
    """

    submitted_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    predicted_wait_s: float | None
    predicted_execution_s: float | None
    execution_s: float | None

    def __str__(self) -> str:
        return f"submitted {moment(self.submitted_at)}, completed {moment(self.completed_at)}"

    def _view(self) -> View:
        found = self._asdict().items()
        times = {name: moment(at) for name, at in found if name.endswith("_at")}
        lengths = {n: None if s is None else f"{s:g} s" for n, s in found if n.endswith("_s")}
        labels = {n: n.removesuffix("_s").removesuffix("_at").replace("_", " ") for n, _ in found}
        return View("JobTimings", facts={labels[n]: v for n, v in {**times, **lengths}.items()})

    def _repr_html_(self) -> str:
        return html.render(self._view())

    def _repr_pretty_(self, printer: Printer, cycle: bool) -> None:  # noqa: ARG002 - it holds itself nowhere
        printer.text(text.render(self._view()))


@dataclass(frozen=True)
class QueueInfo:
    """The wait of a job that has not started; None where IonQ reports nothing.

    Attributes:
        status: IonQ's status: ``submitted`` while it is checked and compiled, then ``ready``.
        position: The number of jobs before it. IonQ reports none so far: it is None.
        predicted_wait_s: Predicted time until it starts, in seconds.
        predicted_execution_s: Predicted time of execution, in seconds.
        submitted_at: When it was submitted, in UTC.
    """

    status: str
    position: int | None
    predicted_wait_s: float | None
    predicted_execution_s: float | None
    submitted_at: datetime | None


class JobRecord:
    """The body of GET /jobs/{id}, and the record of its parent if it is a child job.

    IonQ keeps the metadata of a job of several circuits with the parent alone.

    Attributes:
        job_id: The id of the job.
        index: The place of its circuit in the parent's job.
        status: IonQ's status of the job; any JSON in a corrupt record.
    """

    def __init__(
        self,
        job_id: str,
        body: Mapping[str, Any],
        *,
        parent: JobRecord | None = None,
        index: int = 0,
    ) -> None:
        self.job_id = job_id
        self.index = index
        self.status: object = body.get("status")
        self._body = body
        self._parent = parent

    def __bool__(self) -> bool:
        """Return whether the record has any field."""
        return bool(self._body)

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The metadata stored with the job."""
        return fields.mapping(self._body.get("metadata"))

    @property
    def parent_id(self) -> str | None:
        """The id of the job whose circuit this one is, according to the record, or None."""
        return fields.text(self._body.get("parent_job_id"))

    @property
    def name(self) -> str | None:
        """The name of the job, or None."""
        return fields.text(self._body.get("name"))

    @property
    def is_child(self) -> bool:
        """Whether the job is one circuit of another job."""
        return self._parent is not None

    @property
    def place(self) -> str:
        """Index and parent of a child job, for an error message; empty for other jobs."""
        return f", circuit {self.index} of job {self._parent.job_id}," if self._parent else ""

    def child(self, index: int) -> JobRecord:
        """Return the record of the child job at `index` without asking the service for it."""
        return JobRecord(self.child_ids[index], {}, parent=self, index=index)

    @property
    def type(self) -> object:
        """IonQ's type of the job, such as ``ionq.circuit.v1``, or None; any JSON if corrupt."""
        return self._body.get("type")

    @cached_property
    def state(self) -> JobStatus | None:
        """Qiskit's status of the job, or None if IonQ's status is unknown."""
        return JOB_STATUS.get(self.status) if isinstance(self.status, str) else None

    @property
    def apparent_state(self) -> JobStatus | None:
        """The state or, for an unknown status, `ERROR` if the record shows an end."""
        return self.state or (JobStatus.ERROR if self.has_ended else None)

    @property
    def has_ended(self) -> bool:
        """Whether the job is over, also if its status is unknown.

        The time of completion and the failure are the evidence: the API document has null for
        both until a job ends. Results alone are not, since a job of several circuits may get them
        one after another.
        """
        if self.state is not None:
            return self.state in JOB_FINAL_STATES
        return bool(self._body.get("completed_at") or self._body.get("failure"))

    def differs(self, other: JobRecord) -> bool:
        """Return whether any field differs from that of `other`."""
        return self._body != other._body

    @property
    def backend(self) -> str | None:
        """IonQ's name of the backend, or None."""
        return fields.text(self._inherited("backend"))

    @cached_property
    def child_ids(self) -> tuple[str, ...]:
        """The ids of the child jobs, in the order of the circuits; empty for a single circuit."""
        ids = self._named_children or []
        if not (isinstance(ids, list) and all(isinstance(i, str) and i for i in ids)):
            raise self._corrupt(f"names its child jobs by {ids!r:.200}")
        return tuple(ids)

    @property
    def is_parent(self) -> bool:
        """Whether the job is of several circuits, each with a child job."""
        return self.type == MULTI_CIRCUIT or bool(self._named_children)

    @property
    def is_program(self) -> bool:
        """Whether the job is a program in OpenQASM 3, whose outcomes are over classical bits."""
        return self.type == PROGRAM

    @property
    def is_function(self) -> bool:
        """Whether the job is a quantum function, whose result is a number and not a histogram."""
        return isinstance(self.type, str) and self.type.startswith(_FUNCTIONS)

    @property
    def session_id(self) -> str | None:
        """The id of the session that the job is part of, or None."""
        return fields.text(self._inherited("session_id"))

    @property
    def dry_run(self) -> bool:
        """Whether the job was only compiled and priced."""
        return self._body.get("dry_run") is True

    @property
    def has_results(self) -> bool:
        """Whether the record names results."""
        return bool(self._body.get("results"))

    @property
    def has_failure(self) -> bool:
        """Whether the record names a failure."""
        return bool(self._body.get("failure"))

    @property
    def failure(self) -> tuple[str | None, str]:
        """(code, text) of why the job failed.

        The API document calls the text `message`, IonQ's own clients read `error`.
        """
        failure = self._body.get("failure")
        if not isinstance(failure, dict):
            failure = {"message": failure}
        text = failure.get("message") or failure.get("error") or "IonQ gives no reason"
        code = failure.get("code")
        return (str(code) if code else None), str(text)

    @property
    def warnings(self) -> tuple[str, ...]:
        """IonQ's warnings about the job."""
        warning = fields.mapping(self._body.get("warning"))
        return tuple(map(str, fields.items(warning.get("messages"))))

    @cached_property
    def shots(self) -> int | None:
        """The number of shots, or None. IonQ itself keeps none for an ideal simulation."""
        shots = fields.integer(self._body.get("shots"))
        if shots is None:
            shots = fields.integer(self.metadata.get("shots"))
        if shots is None and self._parent is not None:
            return self._parent.shots
        if shots is not None and shots > _MOST_SHOTS:
            raise self._corrupt(f"says that it had {shots} shots")
        return shots

    @property
    def is_verified(self) -> bool:
        """Whether IonQ drops shots of the job that break a symmetry of its circuit."""
        for part in ("settings", "output"):
            mitigation = fields.mapping(
                fields.mapping(self._inherited(part)).get("error_mitigation")
            )
            found = mitigation.get("symmetry_verification")
            if found is True or fields.mapping(found).get("applied") is True:
                return True
        return False

    @property
    def memory(self) -> bool:
        """Whether the job was submitted with ``memory=True``."""
        stored = self.metadata.get("memory") == "true"
        return stored or (self._parent is not None and self._parent.memory)

    @property
    def time_taken_s(self) -> float | None:
        """The time of execution, in seconds, or None."""
        return fields.milliseconds(self._body.get("execution_duration_ms"))

    @property
    def timings(self) -> JobTimings:
        """When the job was submitted, started and completed, and IonQ's predictions."""
        get = self._body.get
        return JobTimings(
            fields.moment(get("submitted_at")),
            fields.moment(get("started_at")),
            fields.moment(get("completed_at")),
            fields.milliseconds(get("predicted_wait_time_ms")),
            fields.milliseconds(get("predicted_execution_duration_ms")),
            self.time_taken_s,
        )

    @property
    def queue(self) -> QueueInfo | None:
        """The wait of the job, or None if it waits no longer."""
        if self.state not in (JobStatus.INITIALIZING, JobStatus.QUEUED):
            return None
        found = self.timings
        return QueueInfo(
            str(self.status),
            None,
            found.predicted_wait_s,
            found.predicted_execution_s,
            found.submitted_at,
        )

    @cached_property
    def is_ideal(self) -> bool:
        """Whether the job was simulated without noise, so that its histogram counts no shots.

        A record without a noise model is of an ideal simulation if it has no `shots` either.
        """
        if self.backend != "simulator":
            return False
        noise = self._inherited("noise")
        if not noise:
            return self._inherited("shots") is None
        return bool(fields.mapping(noise).get("model") == "ideal")

    @property
    def sampling_seed(self) -> int:
        """The seed for the counts of an ideal simulation: stored, or derived from the job's id.

        Each circuit of a job has a different one, so that equal circuits get different samples.
        """
        stored = fields.integer(self.metadata.get("sampler_seed"))
        if stored is not None:
            return stored
        if self._parent is None:
            return _hash(self.job_id)
        return _hash(f"{self._parent.sampling_seed}/{self.index}")

    @cached_property
    def headers(self) -> list[dict[str, Any]] | None:
        """The stored header of each circuit of the job, or None."""
        headers = decode_headers(self.metadata, self.job_id)
        circuits = len(self.child_ids) if self.is_parent else 1
        if headers is not None and len(headers) != circuits:
            raise self._corrupt(
                f"is of {circuits} circuits and {len(headers)} are stored with it, so that "
                "it is unknown which is which. client.get_results(job_id) of each of its "
                "child_jobs() has its histogram, over all qubits"
            )
        return headers

    @cached_property
    def header(self) -> CircuitHeader:
        """The header of the circuit, stored with the job or with its parent."""
        headers, place = self.headers, 0
        if headers is None and self._parent is not None:
            headers, place = self._parent.headers, self.index
        counted = fields.mapping(self._body.get("stats")).get("qubits")
        return CircuitHeader(self.job_id, None if headers is None else headers[place], counted)

    def names_url(self, part: str) -> bool:
        """Return whether the record has a URL for a part of the results, such as ``shots``."""
        return bool(fields.mapping(self._results.get(part)).get("url"))

    def names_any_url(self) -> bool:
        """Return whether the record has a URL for any part of the results."""
        return any(map(self.names_url, self._results))

    def artifact(self, form: str) -> str | None:
        """Return the id of a result in a format such as ``ionq.result.shots.json.v2``, or None."""
        return fields.text(fields.mapping(self._results.get(form)).get("id"))

    def compiled_circuit(self, lang: str) -> str:
        """Return the id of the compiled circuit in a format.

        Args:
            lang: The format, such as ``ionq.native.v1``, or its short name, such as ``native``.

        Raises:
            IonQJobError: The job has none in that format; the message names the formats it has.
        """
        compilation = fields.mapping(fields.mapping(self._body.get("output")).get("compilation"))
        circuits = fields.mapping(compilation.get("compiled_circuits"))
        ids = {form: fields.text(fields.mapping(one).get("id")) for form, one in circuits.items()}
        there = {form: found for form, found in ids.items() if found}
        for form, found in there.items():
            if lang in (form, *form.split(".")[1:2]):
                return found
        raise IonQJobError(
            f"Job {self.job_id} has no compiled circuit in the format {lang!r}. There are: "
            f"{', '.join(sorted(there)) or 'none'}. Machines compile what they run; the simulator "
            "does so if the job asks for the compiler's service_version 'v0.4'.",
            job_id=self.job_id,
        )

    def _inherited(self, name: str) -> object:
        """Return a field of the record or, if it has none, of its parent."""
        value: object = self._body.get(name)
        if value is None and self._parent is not None:
            return self._parent._inherited(name)  # noqa: SLF001 - of the same class
        return value

    @property
    def _results(self) -> dict[str, Any]:
        return fields.mapping(self._body.get("results"))

    @property
    def _named_children(self) -> object:
        return self._body.get("child_job_ids") or self._body.get("children")

    def _corrupt(self, what: str) -> IonQJobError:
        return IonQJobError(f"The record of job {self.job_id} {what}.", job_id=self.job_id)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def in_words(code: str | None, text: str) -> str:
    """Return the code and text of a failure as one string."""
    return f"{code}: {text}" if code else text
