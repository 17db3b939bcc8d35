"""The circuits of a submission, read into programs."""

from __future__ import annotations

import math
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ionq_toolkit_fake.api.request import decode
from ionq_toolkit_fake.api.responses import bad_request, not_one_of
from ionq_toolkit_fake.facts.failures import JobFailure
from ionq_toolkit_fake.facts.gates import NATIVE_GATES, QIS_GATES
from ionq_toolkit_fake.facts.limits import MAX_CIRCUITS, MAX_GATES
from ionq_toolkit_fake.models.submission import MULTI_CIRCUIT, QASM3, QIR, SINGLE_CIRCUIT, Circuit
from ionq_toolkit_fake.simulation.outcome import MOST_BITS
from ionq_toolkit_fake.simulation.program import Gate, Program, Qasm3, Qir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ionq_toolkit_fake.api.responses import Refusal


#: "Up to seven": https://docs.ionq.com/api-reference/v0.3/writing-quantum-programs
MAX_CONTROLS = 7

#: The terms of one pauliexp: to simulate it, each is compared with each.
MAX_TERMS = 5_000

#: Limits of native gates: https://docs.ionq.com/api-reference/v0.3/native-gates-api. The angle of
#: an ms is a quarter turn unless it says otherwise. The service refuses a zz of -0.25 and
#: of 1.75. A phase may go beyond one turn, as Cirq's gateset for Forte has it.
MAX_ZZ_ANGLE, MAX_ANGLE, DEFAULT_ANGLE = 1.0, 0.25, 0.25

_GATESETS = ("qis", "native")

#: The gates that act on each of their targets by itself.
_ON_ONE = frozenset({"nop", *(name for name, kind in QIS_GATES.items() if kind.targets == 1)})


class _Gate(msgspec.Struct):
    """A gate as clients write it; fields that do not concern it are ignored."""

    gate: str
    target: int | None = None
    targets: list[int] | None = None
    control: int | None = None
    controls: list[int] | None = None
    rotation: float | None = None
    phase: float | None = None
    phases: list[float] | None = None
    angle: float | None = None
    terms: list[str] | None = None
    coefficients: list[float] | None = None
    time: float | None = None


class _Circuit(msgspec.Struct):
    circuit: list[_Gate]
    #: Required in practice: a job without it fails when it is compiled.
    qubits: int | None = None
    gateset: str | None = None
    name: str | None = None
    registers: dict[str, list[int | None]] | None = None


class _SingleInput(_Circuit):
    circuits: Any = None


class _MultiInput(msgspec.Struct):
    circuits: list[_Circuit]
    #: Defaults for the circuits.
    qubits: int | None = None
    gateset: str | None = None
    circuit: Any = None


class _SourceInput(msgspec.Struct):
    data: str


class Limits(NamedTuple):
    """The limits of a backend.

    Attributes:
        qubits: How many qubits it has.
        entanglers: Its native gates on two qubits.
        connectivity: The pairs of qubits that these act on; None: all of them.
        signed_angles: Whether the angle of a zz may have either sign, and be up to a turn.
    """

    qubits: int
    entanglers: tuple[str, ...]
    connectivity: tuple[tuple[int, int], ...] | None = None
    signed_angles: bool = False


def read_circuits(kind: str, body: msgspec.Raw, limits: Limits) -> tuple[Circuit, ...]:
    """Return the circuits of a job's input.

    Args:
        kind: The type of the job: of one circuit, of several, OpenQASM 3 or QIR.
        body: The input.
        limits: The limits of the backend.

    Raises:
        Refusal: The input is not of that type.
    """
    if kind in {QASM3, QIR}:
        source = decode(body, _SourceInput, "input").data
        return (Circuit(None, Qasm3(source) if kind == QASM3 else Qir(source), None, {}),)
    return tuple(_circuit(circuit, path, limits) for path, circuit in _inputs(kind, body))


def _inputs(kind: str, body: msgspec.Raw) -> list[tuple[str, _Circuit]]:
    """Return the circuits of a job's input, each with its path and its defaults filled in."""
    if kind == SINGLE_CIRCUIT:
        single = decode(body, _SingleInput, "input")
        if single.circuits is not None:
            raise _both_circuit_and_circuits()
        return [("input", single)]
    assert kind == MULTI_CIRCUIT, kind  # noqa: S101 - no other type has circuits
    several = decode(body, _MultiInput, "input")
    if several.circuit is not None:
        raise _both_circuit_and_circuits()
    if not 1 <= len(several.circuits) <= MAX_CIRCUITS:
        raise bad_request(
            f"input.circuits must contain between 1 and {MAX_CIRCUITS} circuits", "input.circuits"
        )
    if sum(map(_size, several.circuits)) > MAX_GATES:
        raise bad_request(
            f"input.circuits must not contain more than {MAX_GATES} gates", "input.circuits"
        )
    for circuit in several.circuits:
        circuit.gateset = circuit.gateset or several.gateset
        circuit.qubits = several.qubits if circuit.qubits is None else circuit.qubits
    return [(f"input.circuits.{n}", circuit) for n, circuit in enumerate(several.circuits)]


def _size(circuit: _Circuit) -> int:
    """Return how many gates a circuit has: one for each target, where a gate is on one qubit."""
    return sum(
        len(gate.targets) if gate.targets and gate.gate in _ON_ONE else 1
        for gate in circuit.circuit
    )


def _both_circuit_and_circuits() -> Refusal:
    return bad_request(
        "input.circuit and input.circuits must not be given together",
        "input.circuit",
        "input.circuits",
    )


def _circuit(circuit: _Circuit, path: str, limits: Limits) -> Circuit:
    gateset = circuit.gateset or "qis"
    if gateset not in _GATESETS:
        raise not_one_of(_GATESETS, f"{path}.gateset")
    if circuit.qubits is not None and circuit.qubits < 1:
        raise bad_request(f"{path}.qubits must be greater than or equal to 1", f"{path}.qubits")
    signed = limits.signed_angles
    read = partial(_native_gates, signed=signed) if gateset == "native" else _qis_gates
    gates: list[Gate] = []
    for index, gate in enumerate(circuit.circuit):
        found = read(gate, f"{path}.circuit.{index}", circuit.qubits)
        gates.extend(islice(found, MAX_GATES + 1 - len(gates)))
        if len(gates) > MAX_GATES:
            break  # it fails: more of its gates change nothing
    program = Program(circuit.qubits or 1, tuple(gates), gateset)
    widths = [len(g.targets) + len(g.controls) for g in gates if g.name != "nop"]
    single = widths.count(1)
    return Circuit(
        name=circuit.name,
        program=program,
        num_qubits=program.num_qubits,
        gate_counts={"1q": single, "2q": len(widths) - single},
        billed=(single, sum(_billed(width) for width in widths)),
        registers=_registers(circuit, path),
        rejection=next(_rejections(circuit, program, limits), None),
    )


def _billed(width: int) -> int:
    """Return how many gates on two qubits a gate is billed as.

    On N > 2 qubits as 6 (N - 2) of them: Microsoft's price list of December 2024.
    """
    return 0 if width == 1 else max(1, 6 * (width - 2))


def _registers(circuit: _Circuit, path: str) -> Mapping[str, tuple[int | None, ...]] | None:
    if not circuit.registers:
        return None
    for name, qubits in circuit.registers.items():
        for qubit in qubits:
            if qubit is not None and not 0 <= qubit < (circuit.qubits or 1):
                key = f"{path}.registers.{name}"
                raise bad_request(
                    f"{key} names qubit {qubit}, which the circuit does not have", key
                )
    return {name: tuple(qubits) for name, qubits in circuit.registers.items()}


def _rejections(circuit: _Circuit, program: Program, limits: Limits) -> Iterator[JobFailure]:
    """Yield the reasons why a job that the API takes fails before it runs."""
    if circuit.qubits is None:
        yield JobFailure("UnexpectedCompilationError", "input.qubits is missing")
    if program.num_qubits > limits.qubits:
        message = (
            f"The job requires {program.num_qubits} qubits and the backend has {limits.qubits}."
        )
        yield JobFailure("NotEnoughQubits", message)
    if len(program.gates) > MAX_GATES:
        yield JobFailure("TooManyGates", f"A circuit may have {MAX_GATES} gates.")
    most = max((len(gate.controls) for gate in program.gates), default=0)
    if most > MAX_CONTROLS:
        message = f"A gate has {most} controls; at most {MAX_CONTROLS} are supported."
        yield JobFailure("TooManyControls", message)
    if any(len(gate.terms) > MAX_TERMS for gate in program.gates):
        message = f"ionq_toolkit_fake takes pauliexp gates of up to {MAX_TERMS} terms."
        yield JobFailure("QuantumCircuitComplexityError", message)
    if any(len(qubits) > MOST_BITS for qubits in (circuit.registers or {}).values()):
        message = f"ionq_toolkit_fake has registers of up to {MOST_BITS} bits."
        yield JobFailure("SimulationError", message)
    if program.gateset == "native":
        yield from _native_rejections(program, limits)


def _native_rejections(program: Program, limits: Limits) -> Iterator[JobFailure]:
    """Yield the reasons why native gates, which are not compiled, cannot run."""
    pairs = limits.connectivity and {frozenset(pair) for pair in limits.connectivity}
    for gate in program.gates:
        if len(gate.targets) < 2:  # noqa: PLR2004 - on two qubits
            continue
        if gate.name not in limits.entanglers:
            has = " and ".join(limits.entanglers)
            message = f"The backend has no native gate {gate.name}; it has {has}."
            yield JobFailure("UnsupportedGate", message)
        if pairs and frozenset(gate.targets) not in pairs:
            message = "The backend has no gate on qubits {} and {}.".format(*gate.targets)
            yield JobFailure("UnsupportedGate", message)


def _qis_gates(gate: _Gate, path: str, num_qubits: int | None) -> Iterator[Gate]:
    """Yield the gates that one gate of the wire stands for: one for each group of targets."""
    kind = QIS_GATES.get(gate.gate)
    if kind is None:
        raise not_one_of(QIS_GATES, f"{path}.gate")
    targets = _operands(gate.target, gate.targets, f"{path}.target")
    controls = _operands(gate.control, gate.controls, f"{path}.control")
    if len(controls) < kind.controls:
        raise bad_request(f"{path}.control is required", f"{path}.control")
    if kind.targets is None:
        yield _pauli_exponential(gate, path, targets, controls, num_qubits)
        return
    if len(targets) < kind.targets or (kind.targets > 1 and len(targets) != kind.targets):
        raise bad_request(f"{path}.targets must name {kind.targets} qubit(s)", f"{path}.targets")
    _check_qubits((*targets, *controls), num_qubits, path)
    if kind.rotation is True and gate.rotation is None:
        raise bad_request(f"{path}.rotation is required", f"{path}.rotation")
    rotates = kind.rotation is not False and gate.rotation is not None
    parameters = (gate.rotation,) if rotates and gate.rotation is not None else ()
    if len(targets) == kind.targets:  # nearly always
        yield Gate(gate.gate, targets, controls, parameters)
        return
    for start in range(0, len(targets), kind.targets):
        yield Gate(gate.gate, targets[start : start + kind.targets], controls, parameters)


def _pauli_exponential(
    gate: _Gate,
    path: str,
    targets: tuple[int, ...],
    controls: tuple[int, ...],
    num_qubits: int | None,
) -> Gate:
    """Return a `pauliexp`; the API document has its name but not its fields."""
    terms, coefficients, time = gate.terms, gate.coefficients, gate.time
    if terms is None or coefficients is None or time is None:
        field = "terms" if terms is None else "coefficients" if coefficients is None else "time"
        raise bad_request(f"{path}.{field} is required", f"{path}.{field}")
    if not targets:
        raise bad_request(f"{path}.targets must name 1 qubit(s)", f"{path}.targets")
    _check_qubits((*targets, *controls), num_qubits, path)
    for index, term in enumerate(terms):
        if len(term) != len(targets) or set(term) - set("IXYZ"):
            key = f"{path}.terms.{index}"
            raise bad_request(f"{key} must consist of {len(targets)} letters of I, X, Y and Z", key)
    if not terms or len(terms) != len(coefficients):
        key = f"{path}.coefficients"
        raise bad_request(f"{key} must have as many values as there are terms", key)
    if time < 0:
        raise bad_request(f"{path}.time must be greater than or equal to 0", f"{path}.time")
    return Gate("pauliexp", targets, controls, (time, *coefficients), tuple(terms))


def _native_gates(
    gate: _Gate, path: str, num_qubits: int | None, *, signed: bool
) -> Iterator[Gate]:
    """Yield one native gate."""
    if gate.gate not in NATIVE_GATES:
        raise not_one_of(NATIVE_GATES, f"{path}.gate")
    targets = _operands(gate.target, gate.targets, f"{path}.target")
    if gate.control is not None or gate.controls:
        raise bad_request(f"{path}.control is not for native gates", f"{path}.control")
    wanted = NATIVE_GATES[gate.gate].targets
    if gate.gate != "nop" and len(targets) != wanted:
        raise bad_request(f"{path}.targets must name {wanted} qubit(s)", f"{path}.targets")
    _check_qubits(targets, num_qubits, path)
    if gate.gate == "nop":
        for target in targets:
            yield Gate("nop", (target,))
        return
    if gate.gate == "ms":
        phases = gate.phases
        if phases is None or len(phases) != 2:  # noqa: PLR2004 - one for each qubit
            raise bad_request(f"{path}.phases must have 2 values", f"{path}.phases")
        angle = DEFAULT_ANGLE if gate.angle is None else gate.angle
        _check_angle(angle, 0.0, MAX_ANGLE, f"{path}.angle")
        parameters: tuple[float, ...] = (*_turns(phases, f"{path}.phases"), angle)
    elif gate.gate == "zz":  # cirq-ionq calls its angle `phase`
        angle_or_phase = gate.phase if gate.angle is None else gate.angle
        if angle_or_phase is None:
            raise bad_request(f"{path}.angle is required", f"{path}.angle")
        most = MAX_ZZ_ANGLE if signed else MAX_ANGLE
        _check_angle(angle_or_phase, -most if signed else 0.0, most, f"{path}.angle")
        parameters = (angle_or_phase,)
    else:
        if gate.phase is None:
            raise bad_request(f"{path}.phase is required", f"{path}.phase")
        parameters = _turns([gate.phase], f"{path}.phase")
    yield Gate(gate.gate, targets, parameters=parameters)


def _check_angle(angle: float, least: float, most: float, key: str) -> None:
    if not least <= angle <= most:
        raise bad_request(f"{key} must be from {least:g} to {most:g}", key)


def _turns(phases: Sequence[float], key: str) -> tuple[float, ...]:
    """Return phases without their whole turns."""
    if not all(map(math.isfinite, phases)):
        raise bad_request(f"{key} must be finite", key)
    return tuple(math.fmod(phase, 1.0) for phase in phases)


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
    if len(qubits) > 1 and len(set(qubits)) != len(qubits):
        raise bad_request(f"{path} names a qubit twice", path)
