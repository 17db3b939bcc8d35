"""The forms in which jobs, sessions and projects are stored: MessagePack, which runs no code."""
# ruff: noqa: TC001, TC003 - msgspec reads the annotations

from __future__ import annotations

from datetime import date, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ionq_toolkit_fake.facts.failures import JobFailure
from ionq_toolkit_fake.models.charges import DayCharges, Sum, TopJob
from ionq_toolkit_fake.models.job import Job
from ionq_toolkit_fake.models.sessions import Session
from ionq_toolkit_fake.models.submission import Circuit, Submission
from ionq_toolkit_fake.simulation.outcome import Distribution, Optimum, Outcome, Value, Variant
from ionq_toolkit_fake.simulation.program import Energy, Gate, MaxCut, Program, Qasm3, Qir, Task
from ionq_toolkit_fake.store.base import StateError
from ionq_toolkit_fake.transitions.lifecycle import JobPlan, Position

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ionq_toolkit_fake.facts.devices import Device
    from ionq_toolkit_fake.models.accounts import ApiKey

Registers = dict[str, list[int | None]]


class CircuitRecord(msgspec.Struct, array_like=True):
    """A circuit of a submission; one of its programs is None."""

    name: str | None
    program: Program | None
    qasm3: Qasm3 | None
    num_qubits: int | None
    gate_counts: dict[str, int]
    billed: tuple[float, float]
    registers: Registers | None
    rejection: JobFailure | None
    qir: Qir | None = None

    @classmethod
    def of(cls, circuit: Circuit) -> CircuitRecord:
        """Return the record of a circuit."""
        program = circuit.program
        return cls(
            circuit.name,
            program if isinstance(program, Program) else None,
            program if isinstance(program, Qasm3) else None,
            circuit.num_qubits,
            dict(circuit.gate_counts),
            circuit.billed,
            None if circuit.registers is None else {k: [*v] for k, v in circuit.registers.items()},
            circuit.rejection,
            program if isinstance(program, Qir) else None,
        )

    def circuit(self) -> Circuit:
        """Return the circuit."""
        program = self.program or self.qasm3 or self.qir
        assert program is not None, "a circuit has a program"  # noqa: S101
        return Circuit(
            self.name,
            program,
            self.num_qubits,
            self.gate_counts,
            self.billed,
            self.registers,
            self.rejection,
        )


class SubmissionRecord(msgspec.Struct, array_like=True):
    """A submission; equal circuits in a row are one, with their number."""

    type: str
    device: str
    qubits: int
    name: str | None
    metadata: dict[str, str] | None
    settings: dict[str, Any]
    dry_run: bool
    shots: int
    noise_model: str
    noise_seed: int | None
    mitigated: bool
    symmetry_verification: bool | None
    session_id: str | None
    circuits: list[CircuitRecord]
    repeated: int
    energy: Energy | None
    cut: tuple[int, tuple[tuple[int, int, float], ...]] | None
    source: bytes
    is_exact: bool
    is_rehearsal: bool


#: The fields that a submission has in the same form.
_SAME = (
    *("type", "name", "metadata", "settings", "dry_run", "shots", "noise_model", "noise_seed"),
    *("mitigated", "symmetry_verification", "session_id", "source", "is_exact", "is_rehearsal"),
)
_the_same = attrgetter(*_SAME)


def submission_record(submission: Submission) -> SubmissionRecord:
    """Return the record of a submission."""
    function, circuits = submission.function, submission.circuits
    repeated = 1
    if len(circuits) > 1 and all(circuit is circuits[0] for circuit in circuits):
        circuits, repeated = circuits[:1], len(circuits)
    return SubmissionRecord(
        device=submission.device.name,
        qubits=submission.device.qubits,
        circuits=[CircuitRecord.of(circuit) for circuit in circuits],
        repeated=repeated,
        energy=function if isinstance(function, Energy) else None,
        cut=(function.num_nodes, function.edges) if isinstance(function, MaxCut) else None,
        **dict(zip(_SAME, _the_same(submission), strict=True)),
    )


def submission_of(record: SubmissionRecord, devices: Mapping[str, Device]) -> Submission:
    """Return the submission of a record.

    Raises:
        StateError: The backend is not known.
    """
    if record.device not in devices:
        raise StateError(
            f"a job is on {record.device}, which this cloud does not have: give it the file that "
            "describes its QPUs (devices=..., or --devices of ionq-fake serve)"
        )
    circuits = tuple(one.circuit() for one in record.circuits) * record.repeated
    function: Energy | MaxCut | None = record.energy
    if record.cut is not None:
        nodes, edges = record.cut
        function = MaxCut(nodes, edges, Task(Program(nodes, ()), 0))
    return Submission(
        device=devices[record.device]._replace(qubits=record.qubits),
        circuits=circuits,
        function=function,
        **dict(zip(_SAME, _the_same(record), strict=True)),
    )


class ArrayRecord(msgspec.Struct, array_like=True):
    """An array of whole numbers, of as few bytes each as will do, or as decimals."""

    data: bytes | None
    wide: list[str]
    width: int = 8

    @classmethod
    def of(cls, array: NDArray[Any]) -> ArrayRecord:
        """Return the record of an array."""
        if array.dtype == object:
            return cls(None, [str(value) for value in array.tolist()])
        least, most = (array.min(), array.max()) if len(array) else (0, 0)
        width = next(w for w in (1, 2, 4, 8) if -(1 << 8 * w - 1) <= least <= most < 1 << 8 * w - 1)
        return cls(array.astype(f"<i{width}").tobytes(), [], width)

    def array(self) -> NDArray[Any]:
        """Return the array."""
        if self.data is not None:
            return np.frombuffer(self.data, f"<i{self.width}").astype(np.int64, copy=False)
        found = np.empty(len(self.wide), object)
        found[:] = [int(value) for value in self.wide]
        return found


class OutcomeRecord(msgspec.Struct, array_like=True):
    """The outcome of a circuit."""

    outcomes: ArrayRecord | None
    probabilities: bytes
    registers: Registers
    shots: ArrayRecord | None
    compiled: tuple[Gate, ...] | None
    variants: list[tuple[tuple[int, ...], ArrayRecord]]
    allowed_states: int | None
    size: tuple[int, dict[str, int]] | None

    @classmethod
    def of(cls, outcome: Outcome) -> OutcomeRecord:
        """Return the record of an outcome."""
        found, size = outcome.distribution, outcome.size
        return cls(
            None if found is None else ArrayRecord.of(found.outcomes),
            b"" if found is None else found.probabilities.astype("<f8").tobytes(),
            {name: [*bits] for name, bits in outcome.registers.items()},
            None if outcome.shots is None else ArrayRecord.of(outcome.shots),
            outcome.compiled,
            [(tuple(one.qubit_map), ArrayRecord.of(one.shots)) for one in outcome.variants],
            outcome.allowed_states,
            None if size is None else (size[0], dict(size[1])),
        )

    def outcome(self) -> Outcome:
        """Return the outcome."""
        distribution = None
        if self.outcomes is not None:
            weights = np.frombuffer(self.probabilities, "<f8").astype(np.float64, copy=False)
            distribution = Distribution(self.outcomes.array(), weights)
        return Outcome(
            distribution,
            self.registers,
            None if self.shots is None else self.shots.array(),
            self.compiled,
            tuple(Variant(qubits, shots.array()) for qubits, shots in self.variants),
            self.allowed_states,
            self.size,
        )


class ResultRecord(msgspec.Struct, array_like=True):
    """The result of a job; one of them is not None."""

    outcome: OutcomeRecord | None = None
    value: tuple[float, float] | None = None
    optimum: tuple[float, str, list[OutcomeRecord]] | None = None

    @classmethod
    def of(cls, result: Outcome | Value | Optimum) -> ResultRecord:
        """Return the record of a result."""
        if isinstance(result, Outcome):
            return cls(outcome=OutcomeRecord.of(result))
        if isinstance(result, Value):
            return cls(value=(float(result.value), float(result.variance)))
        runs = [OutcomeRecord.of(one) for one in result.iterations]
        return cls(optimum=(float(result.cost), result.bitstring, runs))

    def result(self) -> Outcome | Value | Optimum:
        """Return the result."""
        if self.value is not None:
            return Value(*self.value)
        if self.optimum is not None:
            cost, bitstring, runs = self.optimum
            return Optimum(cost, bitstring, tuple(one.outcome() for one in runs))
        assert self.outcome is not None, "a result is one of three"  # noqa: S101
        return self.outcome.outcome()


class FiledRecord(msgspec.Struct, array_like=True):
    """The beginning of the record of a job: everything by which it is listed and kept."""

    project: str
    key: str
    number: int
    parent: str | None
    status: str
    backend: str
    session_id: str | None
    ended_at: datetime | None


class JobRecord(FiledRecord, array_like=True):
    """A job without its submission and its result, which do not change."""

    type: str
    submitted_at: datetime
    name: str | None
    plan: JobPlan
    position: Position
    started_at: datetime | None
    completed_at: datetime | None
    failure: JobFailure | None
    rejection: JobFailure | None
    ran: bool
    detached: bool
    lead: tuple[datetime, ...]
    shown_status: str | None
    place: int
    in_session: bool
    committed: int
    is_charged: bool


#: The fields that a job has in the same form.
_SAME_OF_JOB = tuple(
    name
    for name in JobRecord.__struct_fields__
    if name not in {"project", "key", "parent", "backend", "session_id", "in_session"}
)
_the_same_of_job = attrgetter(*_SAME_OF_JOB)


def job_record(job: Job) -> JobRecord:
    """Return the record of a job."""
    return JobRecord(
        project=job.owner.project_id,
        key=job.owner.id,
        parent=job.parent_id,
        backend=job.submission.device.name,
        session_id=job.submission.session_id,
        in_session=job.session is not None,
        **dict(zip(_SAME_OF_JOB, _the_same_of_job(job), strict=True)),
    )


def job_of(job_id: str, record: JobRecord, submission: Submission, owner: ApiKey) -> Job:
    """Return the job of a record, without result, children, circuit and session."""
    return Job(
        id=job_id,
        submission=submission,
        owner=owner,
        parent_id=record.parent,
        **dict(zip(_SAME_OF_JOB, _the_same_of_job(record), strict=True)),
    )


class DayRecord(msgspec.Struct, array_like=True):
    """The charges of a day in a project."""

    project: str
    day: date
    users: dict[str, Sum]
    top: list[TopJob]

    def charges(self) -> DayCharges:
        """Return the charges."""
        found = DayCharges()
        found.users.update(self.users)
        found.top = self.top
        return found


class SessionRecord(msgspec.Struct, array_like=True):
    """A session, without what its jobs add up to."""

    project: str
    key: str
    backend: str
    created_at: datetime
    job_count_limit: int | None
    duration_limit_min: int | None
    cost_limit: float | None
    cost_unit: str
    started_at: datetime | None
    ended_at: datetime | None
    ender_id: str | None
    count: int
    committed: int
    ran: bool = False
    number: int = 0

    @classmethod
    def of(cls, project: str, session: Session) -> SessionRecord:
        """Return the record of a session."""
        same = {name: getattr(session, name) for name in cls.__struct_fields__[2:]}
        return cls(project=project, key=session.creator.id, **same)

    def session(self, session_id: str, creator: ApiKey) -> Session:
        """Return the session."""
        same = {name: getattr(self, name) for name in self.__struct_fields__[2:]}
        return Session(id=session_id, creator=creator, **same)


class ProjectRecord(msgspec.Struct, array_like=True):
    """The sums of a project."""

    key: str
    committed: int
    submitted: int
    count: int
