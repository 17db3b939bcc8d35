"""What IonQ's record of a job says, read with care: any of it may be null, missing or strange."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

from ionq_toolkit.api import metadata
from ionq_toolkit.api.metadata import CircuitHeader
from ionq_toolkit.errors import IonQJobError

if TYPE_CHECKING:
    from collections.abc import Mapping


#: Types of jobs, of the API document: of several circuits, and of a program in OpenQASM 3.
MULTI_CIRCUIT, PROGRAM = "ionq.multi-circuit.v1", "ionq.qasm3.v1"

#: Types of jobs that have no histogram, and how they begin: those of the API document.
_FUNCTIONS = ("quantum-function", "qctrl.")

#: More than these, and a record is not true: they would only use up memory and time.
_MOST_SHOTS = 10**9


class JobTimings(NamedTuple):
    """When a job was where, and what IonQ predicts; None where it does not say.

    Attributes:
        submitted_at: When it was submitted.
        started_at: When it began to run.
        completed_at: When it was completed.
        predicted_wait_s: How long it is to wait in the queue, in seconds.
        predicted_execution_s: How long it is to run, in seconds.
        execution_s: How long it ran, in seconds.
    """

    submitted_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    predicted_wait_s: float | None
    predicted_execution_s: float | None
    execution_s: float | None


class JobRecord:
    """The body of GET /jobs/{id}, and of its parent where it is a child job.

    IonQ keeps what was stored with a job of several circuits with the parent alone.

    Attributes:
        job_id: The job it is of.
        index: The place of its circuit in the parent's job.
        status: IonQ's word for where the job stands; any JSON in a record that is strange.
        metadata: What is stored with the job.
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
        self.metadata = _object(body.get("metadata"))
        self._body = body
        self._parent = parent

    def __bool__(self) -> bool:
        """Return whether anything is known of the job."""
        return bool(self._body)

    @property
    def parent_id(self) -> str | None:
        """The id of the job whose circuit this one is, as the record says, or None."""
        return _text(self._body.get("parent_job_id"))

    @property
    def is_child(self) -> bool:
        """Whether the job is that of one circuit of another."""
        return self._parent is not None

    @property
    def place(self) -> str:
        """Which circuit of which job it is, in words; nothing for a job of its own."""
        return f", circuit {self.index} of job {self._parent.job_id}," if self._parent else ""

    def child(self, index: int) -> JobRecord:
        """Return what is known of the child job at `index` without asking for it."""
        return JobRecord(self.child_ids[index], {}, parent=self, index=index)

    @property
    def type(self) -> str | None:
        """IonQ's name of the kind of job, such as ``ionq.circuit.v1``, or None."""
        return _text(self._body.get("type"))

    @property
    def state(self) -> JobStatus | None:
        """Where the job stands, or None if that is a word that is not known."""
        return JOB_STATUS.get(self.status) if isinstance(self.status, str) else None

    @property
    def apparent_state(self) -> JobStatus | None:
        """The state or, of a word that is not known, `ERROR` where the record shows an end."""
        return self.state or (JobStatus.ERROR if self.has_ended else None)

    @property
    def has_ended(self) -> bool:
        """Whether the job is over, also where the word for its status is not known.

        What tells are the time of its completion and a failure: the API document has null for
        both as long as a job goes on. Results alone do not, since those of a job of several
        circuits may be there one after another.
        """
        if self.state is not None:
            return self.state in JOB_FINAL_STATES
        return bool(self._body.get("completed_at") or self._body.get("failure"))

    def differs(self, other: JobRecord) -> bool:
        """Return whether IonQ says anything else of the job than in `other`."""
        return self._body != other._body

    @property
    def backend(self) -> str | None:
        """IonQ's name of the backend, or None."""
        return _text(self._of_the_job("backend"))

    @cached_property
    def child_ids(self) -> tuple[str, ...]:
        """The ids of the child jobs, in the order of the circuits; none for a single circuit.

        Raises:
            IonQJobError: They are no list of ids.
        """
        ids = self._named_children or []
        if not (isinstance(ids, list) and all(isinstance(i, str) and i for i in ids)):
            raise self._strange(f"names its child jobs by {ids!r:.200}")
        return tuple(ids)

    @property
    def is_parent(self) -> bool:
        """Whether the job is of several circuits, each with a child job."""
        return self.type == MULTI_CIRCUIT or bool(self._named_children)

    @property
    def is_program(self) -> bool:
        """Whether the job is a program in OpenQASM 3, whose outcomes are of classical bits."""
        return self.type == PROGRAM

    @property
    def is_function(self) -> bool:
        """Whether the job is a quantum function, which comes to a number and not a histogram."""
        return (self.type or "").startswith(_FUNCTIONS)

    @property
    def dry_run(self) -> bool:
        """Whether the job was only to be compiled and priced."""
        return self._body.get("dry_run") is True

    @property
    def has_results(self) -> bool:
        """Whether the record says that there are results."""
        return bool(self._body.get("results"))

    @property
    def has_failure(self) -> bool:
        """Whether the record says that the job failed."""
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
        """What IonQ warns of."""
        messages = _object(self._body.get("warning")).get("messages")
        return tuple(map(str, messages)) if isinstance(messages, list) else ()

    @property
    def shots(self) -> int | None:
        """How many shots the job had, or None. Of an ideal simulation IonQ keeps none itself."""
        shots = metadata.whole_number(self._body.get("shots"))
        if shots is None:
            shots = metadata.whole_number(self.metadata.get("shots"))
        if shots is None and self._parent is not None:
            return self._parent.shots
        if shots is not None and shots > _MOST_SHOTS:
            raise self._strange(f"says that it had {shots} shots")
        return shots

    @property
    def memory(self) -> bool:
        """Whether each shot is to be kept."""
        stored = self.metadata.get("memory") == "true"
        return stored or (self._parent is not None and self._parent.memory)

    @property
    def time_taken_s(self) -> float | None:
        """How long the job took to run, or None."""
        return self._seconds("execution_duration_ms")

    @property
    def timings(self) -> JobTimings:
        """When the job was where, and what IonQ predicts."""
        return JobTimings(
            self._moment("submitted_at"),
            self._moment("started_at"),
            self._moment("completed_at"),
            self._seconds("predicted_wait_time_ms"),
            self._seconds("predicted_execution_duration_ms"),
            self.time_taken_s,
        )

    @property
    def is_ideal(self) -> bool:
        """Whether the job was simulated without noise, so that its histogram counts no shots.

        Where the record does not say, what tells is that an ideal simulation has no `shots` in it.
        """
        if self.backend != "simulator":
            return False
        noise = self._of_the_job("noise")
        if not noise:
            return self._of_the_job("shots") is None
        return bool(_object(noise).get("model") == "ideal")

    @property
    def sampling_seed(self) -> int:
        """What seeds the counts of an ideal simulation: as stored, else fixed by the job's id.

        Each circuit of a job has its own, so that two that are equal are not drawn alike.
        """
        stored = metadata.whole_number(self.metadata.get("sampler_seed"))
        if stored is not None:
            return stored
        if self._parent is None:
            return _hash(self.job_id)
        return _hash(f"{self._parent.sampling_seed}/{self.index}")

    @cached_property
    def headers(self) -> list[dict[str, Any]] | None:
        """What is stored of each circuit of the job, or None if nothing is.

        Raises:
            IonQJobError: It cannot be read, or is of another number of circuits.
        """
        headers = metadata.decode_headers(self.metadata, self.job_id)
        circuits = len(self.child_ids) if self.is_parent else 1
        if headers is not None and len(headers) != circuits:
            raise self._strange(
                f"is of {circuits} circuits and {len(headers)} are stored with it, so that "
                "nobody can say which is which. client.get_results(job_id) of each of its "
                "child_jobs() has its histogram, over all qubits"
            )
        return headers

    @cached_property
    def header(self) -> CircuitHeader:
        """What is known of the circuit, stored with it or with its parent.

        Raises:
            IonQJobError: What is stored cannot be read.
        """
        headers, place = self.headers, 0
        if headers is None and self._parent is not None:
            headers, place = self._parent.headers, self.index
        counted = _object(self._body.get("stats")).get("qubits")
        return CircuitHeader(self.job_id, None if headers is None else headers[place], counted)

    def names_url(self, part: str) -> bool:
        """Return whether the record says where a part of the results is, such as ``shots``."""
        return bool(_object(_object(self._body.get("results")).get(part)).get("url"))

    def names_any_url(self) -> bool:
        """Return whether the record says of any part of the results where it is."""
        return any(self.names_url(part) for part in _object(self._body.get("results")))

    def artifact(self, form: str) -> str | None:
        """Return the id of a result in a format such as ``ionq.result.shots.json.v2``, or None."""
        return _text(_object(_object(self._body.get("results")).get(form)).get("id"))

    def compiled_circuit(self, lang: str) -> str:
        """Return the id of the compiled circuit in a format.

        Args:
            lang: The format, such as ``ionq.native.v1``, or its short name, such as ``native``.

        Raises:
            IonQJobError: There is none; the message names those that there are.
        """
        compilation = _object(_object(self._body.get("output")).get("compilation"))
        circuits = _object(compilation.get("compiled_circuits"))
        ids = {form: _text(_object(circuit).get("id")) for form, circuit in circuits.items()}
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

    def _of_the_job(self, name: str) -> object:
        """Return what the record says or, where it does not, that of the parent."""
        value: object = self._body.get(name)
        if value is None and self._parent is not None:
            return self._parent._of_the_job(name)  # noqa: SLF001 - one of its own
        return value

    @property
    def _named_children(self) -> object:
        return self._body.get("child_job_ids") or self._body.get("children")

    def _seconds(self, name: str) -> float | None:
        duration_ms = metadata.whole_number(self._body.get(name))
        return None if duration_ms is None else duration_ms / 1000

    def _moment(self, name: str) -> datetime | None:
        try:
            return datetime.fromisoformat(self._body.get(name))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None

    def _strange(self, what: str) -> IonQJobError:
        return IonQJobError(f"The record of job {self.job_id} {what}.", job_id=self.job_id)


def _object(value: object) -> dict[str, Any]:
    """Return a JSON object, or an empty one where there is something else."""
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


#: IonQ's word for a job's state -> Qiskit's. The six words of the v0.4 API document
#: (schema JobStatus), and `running`, which v0.3 and the web console say for `started`.
JOB_STATUS = MappingProxyType(
    {
        "submitted": JobStatus.INITIALIZING,
        "ready": JobStatus.QUEUED,
        "started": JobStatus.RUNNING,
        "running": JobStatus.RUNNING,
        "completed": JobStatus.DONE,
        "failed": JobStatus.ERROR,
        "canceled": JobStatus.CANCELLED,
    }
)


def in_words(code: str | None, text: str) -> str:
    """Return a failure as people read it."""
    return f"{code}: {text}" if code else text
