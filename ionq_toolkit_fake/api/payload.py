"""The body of POST /jobs: decoded, checked, and turned into a submission."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ionq_toolkit_fake.api.wire import bad_request, not_simulated
from ionq_toolkit_fake.devices import DEVICES
from ionq_toolkit_fake.jobs import (
    MULTI_CIRCUIT,
    SINGLE_CIRCUIT,
    Circuit,
    Failure,
    Submission,
)
from ionq_toolkit_fake.simulation.program import QIS_GATES, Gate, Program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ionq_toolkit_fake.api.wire import Refusal

T = TypeVar("T")

#: Shots a job may ask for: schema CircuitJobCreationPayload of the API document.
MIN_SHOTS, MAX_SHOTS, DEFAULT_SHOTS = 1, 1_000_000, 100

#: "Up to seven": https://docs.ionq.com/api-reference/v0.3/writing-quantum-programs
MAX_CONTROLS = 7

#: "At most 5,000 circuits and 150,000 gates in total across them": operation CreateJob.
MAX_CIRCUITS, MAX_GATES = 5_000, 150_000

#: Job types of the API document.
_TYPES = (
    *(SINGLE_CIRCUIT, MULTI_CIRCUIT, "ionq.qasm3.v1"),
    *("quantum-function", "qctrl.qaoa.v1"),
)
_NOISE_MODELS = (
    *("ideal", "harmony", "harmony-1", "harmony-2", "aria-1", "aria-2"),
    *("forte-1", "forte-enterprise-1"),
)


class _Gate(msgspec.Struct):
    """A gate as clients write it: fields that do not concern it are let pass."""

    gate: str
    target: int | None = None
    targets: list[int] | None = None
    control: int | None = None
    controls: list[int] | None = None
    rotation: float | None = None


class _Circuit(msgspec.Struct):
    circuit: list[_Gate]
    #: Required in practice, but its absence is only found out when the job is compiled.
    qubits: int | None = None
    gateset: str | None = None
    name: str | None = None
    registers: dict[str, Any] | None = None


class _SingleInput(_Circuit):
    circuits: Any = None


class _MultiInput(msgspec.Struct):
    circuits: list[_Circuit]
    #: For the circuits that do not say it themselves.
    qubits: int | None = None
    gateset: str | None = None
    circuit: Any = None


class _Noise(msgspec.Struct):
    model: str = "ideal"
    #: qiskit-ionq always sends one, null when it has none.
    seed: int | None = None


class _Job(msgspec.Struct):
    type: str
    backend: str
    input: msgspec.Raw
    #: cirq-ionq sends a string.
    shots: int | str = DEFAULT_SHOTS
    name: str | None = None
    metadata: dict[str, str] | None = None
    noise: _Noise | None = None
    settings: dict[str, Any] | None = None
    session_id: str | None = None
    dry_run: bool = False


class _Ids(msgspec.Struct):
    ids: list[str]


def read_ids(body: bytes) -> list[str]:
    """Return the ids in the body of an operation on several jobs, each once.

    Raises:
        Refusal: The body is not JSON, or has no list of ids.
    """
    return list(dict.fromkeys(_decode(body, _Ids, "").ids))


def read_submission(body: bytes) -> Submission:
    """Return what the body of POST /jobs asks for.

    Raises:
        Refusal: The body is not JSON, or not a job that the API takes (400), or one that
            this fake cannot play (501).
    """
    job = _decode(body, _Job, "")
    _one_of(job.type, _TYPES, "type")
    _one_of(job.backend, DEVICES, "backend")
    if job.type not in (SINGLE_CIRCUIT, MULTI_CIRCUIT):
        raise not_simulated(f"jobs of type {job.type}")
    if job.backend != "simulator":
        raise not_simulated(f"jobs on {job.backend}")
    if job.session_id is not None:
        raise not_simulated("sessions")
    if job.noise is not None:
        _one_of(job.noise.model, _NOISE_MODELS, "noise.model")
        if job.noise.model != "ideal":
            raise not_simulated(f"the noise model {job.noise.model}")
    _check_shots(job.shots)
    available = DEVICES[job.backend].qubits
    return Submission(
        type=job.type,
        backend=job.backend,
        name=job.name,
        metadata=job.metadata,
        settings=job.settings or {},
        dry_run=job.dry_run,
        circuits=tuple(
            _circuit(circuit, path, available) for path, circuit in _circuits(job.type, job.input)
        ),
    )


def _circuits(kind: str, body: msgspec.Raw) -> list[tuple[str, _Circuit]]:
    """Return the circuits of a job's input, each with its path, and what it inherits filled in."""
    if kind == SINGLE_CIRCUIT:
        single = _decode(body, _SingleInput, "input")
        if single.circuits is not None:
            raise _both_circuit_and_circuits()
        return [("input", single)]
    several = _decode(body, _MultiInput, "input")
    if several.circuit is not None:
        raise _both_circuit_and_circuits()
    if not 1 <= len(several.circuits) <= MAX_CIRCUITS:
        raise bad_request(
            f"input.circuits must contain between 1 and {MAX_CIRCUITS} circuits", "input.circuits"
        )
    if sum(len(circuit.circuit) for circuit in several.circuits) > MAX_GATES:
        raise bad_request(
            f"input.circuits must not contain more than {MAX_GATES} gates", "input.circuits"
        )
    for circuit in several.circuits:
        circuit.gateset = circuit.gateset or several.gateset
        circuit.qubits = several.qubits if circuit.qubits is None else circuit.qubits
    return [(f"input.circuits.{n}", circuit) for n, circuit in enumerate(several.circuits)]


def _both_circuit_and_circuits() -> Refusal:
    return bad_request(
        "input.circuit and input.circuits must not be given together",
        "input.circuit",
        "input.circuits",
    )


def _circuit(circuit: _Circuit, path: str, available: int) -> Circuit:
    gateset = circuit.gateset or "qis"
    _one_of(gateset, ("qis", "native"), f"{path}.gateset")
    if gateset == "native":
        raise not_simulated("the native gateset")
    if circuit.registers:
        raise not_simulated("registers")
    program = _program(circuit, path)
    single = sum(len(gate.targets) + len(gate.controls) == 1 for gate in program.gates)
    return Circuit(
        name=circuit.name,
        program=program,
        gate_counts={"1q": single, "2q": len(program.gates) - single},
        doomed=_doom(circuit, program, available),
    )


def _check_shots(shots: int | str) -> None:
    if isinstance(shots, str):
        if not re.fullmatch(r"[+-]?\d{1,18}", shots, re.ASCII):
            raise bad_request("shots must be of type integer", "shots")
        shots = int(shots)
    if not MIN_SHOTS <= shots <= MAX_SHOTS:
        raise bad_request(f"shots must be between {MIN_SHOTS} and {MAX_SHOTS}", "shots")


def _doom(circuit: _Circuit, program: Program, available: int) -> Failure | None:
    """Return why a job that the API takes will fail before it runs, or None."""
    if circuit.qubits is None:
        return Failure("UnexpectedCompilationError", "input.qubits is missing")
    if circuit.qubits > available:
        return Failure(
            "NotEnoughQubits",
            f"The job requires {circuit.qubits} qubits and the backend has {available}.",
        )
    most = max((len(gate.controls) for gate in program.gates), default=0)
    if most > MAX_CONTROLS:
        return Failure(
            "TooManyControls", f"A gate has {most} controls; at most {MAX_CONTROLS} are supported."
        )
    return None


def _program(circuit: _Circuit, path: str) -> Program:
    if circuit.qubits is not None and circuit.qubits < 1:
        raise bad_request(f"{path}.qubits must be greater than or equal to 1", f"{path}.qubits")
    gates: list[Gate] = []
    for index, gate in enumerate(circuit.circuit):
        gates.extend(_gates(gate, f"{path}.circuit.{index}", circuit.qubits))
    return Program(circuit.qubits or 1, tuple(gates))


def _gates(gate: _Gate, path: str, num_qubits: int | None) -> Iterator[Gate]:
    """Yield what one gate of the wire means: one gate, or one for each of its targets."""
    if gate.gate == "pauliexp":
        raise not_simulated("the gate pauliexp")
    _one_of(gate.gate, QIS_GATES, f"{path}.gate")
    kind = QIS_GATES[gate.gate]
    targets = _operands(gate.target, gate.targets, f"{path}.target")
    controls = _operands(gate.control, gate.controls, f"{path}.control")
    if len(controls) < kind.controls:
        raise bad_request(f"{path}.control is required", f"{path}.control")
    if len(targets) < kind.targets or len(targets) % kind.targets:
        raise bad_request(f"{path}.targets must name {kind.targets} qubit(s)", f"{path}.targets")
    if kind.targets > 1 and len(targets) != kind.targets:
        raise bad_request(f"{path}.targets must name {kind.targets} qubits", f"{path}.targets")
    _check_qubits((*targets, *controls), num_qubits, path)
    rotation = gate.rotation
    if kind.rotation is True and rotation is None:
        raise bad_request(f"{path}.rotation is required", f"{path}.rotation")
    if kind.rotation is False:
        rotation = None
    for start in range(0, len(targets), kind.targets):
        yield Gate(gate.gate, targets[start : start + kind.targets], controls, rotation)


def _operands(one: int | None, several: list[int] | None, path: str) -> tuple[int, ...]:
    if one is not None and several is not None:
        raise bad_request(f"{path} and {path}s must not be given together", path, f"{path}s")
    if one is not None:
        return (one,)
    return tuple(several or ())


def _check_qubits(qubits: Sequence[int], num_qubits: int | None, path: str) -> None:
    for qubit in qubits:
        if qubit < 0 or (num_qubits is not None and qubit >= num_qubits):
            raise bad_request(f"{path} names qubit {qubit}, which the circuit does not have", path)
    if len(set(qubits)) != len(qubits):
        raise bad_request(f"{path} names a qubit twice", path)


def _one_of(value: str, allowed: Sequence[str] | Any, key: str) -> None:  # noqa: ANN401 - any container of names
    if value not in allowed:
        raise bad_request(f"{key} must be one of [{', '.join(allowed)}]", key)


def _decode(body: bytes | msgspec.Raw, model: type[T], prefix: str) -> T:
    try:
        return msgspec.json.decode(body, type=model)
    except msgspec.ValidationError as error:
        raise _explained(str(error), prefix) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request("Invalid request payload JSON format") from error


_TYPE_NAMES = {"int": "integer", "str": "string", "float": "number", "bool": "boolean"}


def _explained(message: str, prefix: str) -> Refusal:
    """Put msgspec's message in the words that IonQ was seen to use."""
    where = re.search(r" - at `\$(.*?)`$", message)
    path = re.sub(r"\[(\d+)\]", r".\1", where[1] if where else "").replace("[...]", "")
    path = (prefix + path).strip(".")
    if missing := re.match(r"Object missing required field `(\w+)`", message):
        key = f"{path}.{missing[1]}".strip(".")
        return bad_request(f"{key} is required", key)
    if wrong := re.match(r"Expected `(\w+)", message):
        kind = _TYPE_NAMES.get(wrong[1], wrong[1])
        return bad_request(f"{path or 'value'} must be of type {kind}", path or "value")
    return bad_request(f"{path}: {message.split(' - at ', maxsplit=1)[0]}", path)
