"""From one operation of a Qiskit circuit to IonQ's JSON, in either gateset."""

from __future__ import annotations

import math
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from qiskit import transpile
from qiskit.circuit import (
    Barrier,
    ControlFlowOp,
    ControlledGate,
    Delay,
    Gate,
    Instruction,
    Measure,
    Reset,
    library,
)
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Operator, SparsePauliOp
from qiskit.synthesis import OneQubitEulerDecomposer

from ionq_toolkit.circuits.native_gates import GPI2Gate, GPIGate, MSGate, ZZGate
from ionq_toolkit.errors import IonQGateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction, Operation


#: Qiskit's uncontrolled gates -> IonQ's names in the `qis` gateset. Rotations carry one
#: angle in radians. The table goes by class: a custom gate that is merely
#: called "x" is not in it. `PhaseGate` is sent as `rz`, which differs by a global phase
#: only: the service's meaning of a `z` with an angle is not documented.
QIS_GATES: Mapping[type[Operation], str] = MappingProxyType(
    {
        library.XGate: "x",
        library.YGate: "y",
        library.ZGate: "z",
        library.HGate: "h",
        library.SGate: "s",
        library.SdgGate: "si",
        library.TGate: "t",
        library.TdgGate: "ti",
        library.SXGate: "v",
        library.SXdgGate: "vi",
        library.RXGate: "rx",
        library.RYGate: "ry",
        library.RZGate: "rz",
        library.PhaseGate: "rz",
        library.SwapGate: "swap",
        library.RXXGate: "xx",
        library.RYYGate: "yy",
        library.RZZGate: "zz",
    }
)

#: Native gates -> IonQ's names: https://docs.ionq.com/api-reference/v0.3/native-gates-api
NATIVE_GATES: Mapping[type[Operation], str] = MappingProxyType(
    {GPIGate: "gpi", GPI2Gate: "gpi2", MSGate: "ms", ZZGate: "zz"}
)

#: Gates that may carry controls: those whose IonQ meaning has no loose global phase,
#: which a control would turn into a relative one. A swap takes none.
_CONTROLLABLE = frozenset(
    (
        *(library.XGate, library.YGate, library.ZGate, library.HGate),
        *(library.RXGate, library.RYGate, library.RZGate),
    )
)

#: The frequent controlled gates -> IonQ's name of the gate under control, number of controls.
_CONTROLLED: Mapping[type[Operation], tuple[str, int]] = MappingProxyType(
    {
        library.CXGate: ("x", 1),
        library.CYGate: ("y", 1),
        library.CZGate: ("z", 1),
        library.CHGate: ("h", 1),
        library.CRXGate: ("rx", 1),
        library.CRYGate: ("ry", 1),
        library.CRZGate: ("rz", 1),
        library.CCXGate: ("x", 2),
        library.CCZGate: ("z", 2),
    }
)

#: Controlled gates whose IonQ meaning has a loose global phase: sent as two gates or more.
_LOOSE_PHASES = frozenset({library.CPhaseGate, library.MCPhaseGate, library.CSXGate})

#: "Up to seven controls": https://docs.ionq.com/api-reference/v0.3/writing-quantum-programs
MAX_CONTROLS = 7

#: Operations without effect in a circuit whose idle qubits keep their state.
NO_OPERATION = frozenset({Barrier, Delay, library.IGate})

_STANDARD = library.get_standard_gate_name_mapping()

#: Qiskit's names of the gates above that have a name of their own.
QIS_NAMES = tuple(
    name
    for name, gate in _STANDARD.items()
    if gate.base_class in QIS_GATES or gate.base_class in _CONTROLLED
)

#: Qiskit's names of its gates that go as one gate -> IonQ's name of the gate under control, and how
#: many controls there are.
_PLAIN: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        name: _CONTROLLED.get(gate.base_class) or (QIS_GATES[gate.base_class], 0)
        for name, gate in _STANDARD.items()
        if name in QIS_NAMES
    }
)

#: Gates that go into a job as one gate, and are of any width.
WIDE_GATES: Mapping[str, type[Operation]] = MappingProxyType(
    {
        "mcx": library.MCXGate,
        "mcphase": library.MCPhaseGate,
        "PauliEvolution": library.PauliEvolutionGate,
    }
)

#: Qiskit's names of its own operations and their classes. Its transpiler goes by the names, and
#: takes a custom gate for the standard gate of the same name.
_STANDARD_KINDS: Mapping[str, type[Operation]] = MappingProxyType(
    {
        "barrier": Barrier,
        **{name: gate.base_class for name, gate in _STANDARD.items()},
        **{name: kind for kind, name in NATIVE_GATES.items()},
    }
)

#: Limits of native gates, in turns; the same page. A gate beyond them equals one within, but for a
#: global phase.
_MAX_PHASE, _MAX_ANGLE = 1.0, 0.25


#: What Qiskit appends to the name of a gate in OpenQASM if it comes with other parameters, too.
_NUMBERED = re.compile(r"_\d+$")

#: The angles of a gate on one qubit, and the turn that is none.
_EULER, _NO_TURN = OneQubitEulerDecomposer("U"), 1e-12

#: Number of terms that are compared with all others at a time, which bounds the memory.
_ROWS = 1024


def kind_of(operation: Operation) -> type[Operation]:
    """Return the class of an operation; Qiskit's gates have one for each way to make them."""
    kind: type[Operation] = getattr(operation, "base_class", type(operation))
    return kind


def native_kind(operation: Operation) -> type[Gate] | None:
    """Return the native gate that an operation is, if it is one.

    A gate that went through a file, or is of another package, has neither the class nor always the
    very name: Qiskit numbers the gates of OpenQASM. It is known by name, parameters and matrix, or
    by name and parameters if it is opaque.
    """
    if kind_of(operation) in NATIVE_GATES:
        return kind_of(operation)
    name = _NUMBERED.sub("", operation.name)
    kind = next((kind for kind, native in NATIVE_GATES.items() if native == name), None)
    if kind is None or not isinstance(operation, Instruction):
        return None
    try:
        gate: Gate = kind(*map(float, operation.params))
    except (TypeError, ValueError):
        return None
    if (operation.num_qubits, len(operation.params)) != (gate.num_qubits, len(gate.params)):
        return None
    try:
        same = Operator(operation).equiv(Operator(gate))
    except QiskitError:
        same = operation.definition is None and operation.name == name
    return kind if same else None


def plain_gate(item: CircuitInstruction, qubits: list[int]) -> dict[str, Any] | None:
    """Return a standard gate of Qiskit in the `qis` gateset: the frequent and fast case.

    Returns:
        The gate; None if `qis_gates` has to look at it.
    """
    found = _PLAIN.get(item.name)
    if found is None or not item.is_standard_gate():  # a custom gate may have the same name
        return None
    name, controls = found
    gate: dict[str, Any] = {"gate": name, "targets": qubits[controls:]}
    if controls:
        gate["controls"] = qubits[:controls]
    if item.params:
        (angle,) = item.params
        if type(angle) is not float or not math.isfinite(angle):
            return None
        gate["rotation"] = angle
    return gate


def qis_gates(
    operation: Operation, qubits: Sequence[int], *, compiler_synthesis: bool = False
) -> list[dict[str, Any]]:
    """Return a gate in the `qis` gateset, mostly as one gate.

    A gate with more controls than IonQ takes, and the exponential of terms that do not commute, are
    sent as what Qiskit makes of them. A controlled phase is sent as rotations, and so is a
    controlled square root of X: IonQ's meaning of a controlled `z` with an angle, or of a
    controlled `v`, is not documented.

    Args:
        operation: The gate.
        qubits: The indices of its qubits.
        compiler_synthesis: Whether IonQ is to approximate the exponential of terms that do not
            commute, instead of Qiskit.

    Raises:
        IonQGateError: The gate has no counterpart in the gateset, or a parameter is not a number.
    """
    kind = kind_of(operation)
    if kind is library.PauliEvolutionGate:
        hamiltonian = _hamiltonian(operation)
        if compiler_synthesis or _commute(hamiltonian):
            return [_pauli_exponential(operation, hamiltonian, qubits)]
        return _synthesized(operation, qubits)
    if _too_wide(operation):
        return _synthesized(operation, qubits)
    if kind in _LOOSE_PHASES:
        return _controlled_phase(operation, kind, qubits)
    name, controls = QIS_GATES.get(kind), 0
    if name is None:
        name, controls = _CONTROLLED.get(kind) or _controlled(operation)
        if operation.ctrl_state + 1 != 1 << controls:
            raise unsupported(operation, "qis")
    gate: dict[str, Any] = {"gate": name, "targets": list(qubits[controls:])}
    if controls:
        gate["controls"] = list(qubits[:controls])
    if operation.params:
        gate["rotation"] = _number(operation.params[0], operation, "The angle", "qis")
    return [gate]


def _controlled_phase(
    operation: ControlledGate, kind: type[Operation], qubits: Sequence[int]
) -> list[dict[str, Any]]:
    """Return rotations that are a controlled phase or square root of X, but for a global phase.

    Under control, a rotation lacks a phase where all controls are 1. That is a phase of the last
    of them under control of the others, and so on.
    """
    controls = operation.num_ctrl_qubits
    if controls > MAX_CONTROLS or operation.ctrl_state + 1 != 1 << controls:
        raise unsupported(operation, "qis")
    if kind is library.CSXGate:
        name, angle, phase = "rx", math.pi / 2, math.pi / 4
    else:
        angle = _number(operation.params[0], operation, "The angle", "qis")
        name, phase = "rz", angle / 2
    gates: list[dict[str, Any]] = []
    *others, target = qubits
    while others:
        gates.append({"gate": name, "targets": [target], "controls": others, "rotation": angle})
        *others, target = others
        name, angle, phase = "rz", phase, phase / 2
    return [*gates, {"gate": "rz", "targets": [target], "rotation": angle}]


def _controlled(operation: Operation) -> tuple[str, int]:
    if isinstance(operation, ControlledGate):
        kind, controls = kind_of(operation.base_gate), operation.num_ctrl_qubits
        if kind in _CONTROLLABLE and controls <= MAX_CONTROLS:
            return QIS_GATES[kind], controls
    raise unsupported(operation, "qis")


def _too_wide(operation: Operation) -> bool:
    """Return whether only the number of its controls keeps a gate from being sent whole."""
    if not isinstance(operation, ControlledGate) or operation.num_ctrl_qubits <= MAX_CONTROLS:
        return False
    return kind_of(operation.base_gate) in {*_CONTROLLABLE, library.PhaseGate}


def _synthesized(operation: Instruction, qubits: Sequence[int]) -> list[dict[str, Any]]:
    """Return what Qiskit's transpiler makes of a gate; of an evolution, by its own synthesis."""
    plain = transpile(operation.definition, basis_gates=[*QIS_NAMES], optimization_level=1)
    return [
        gate
        for item in plain.data
        for gate in qis_gates(
            item.operation, [qubits[plain.find_bit(qubit).index] for qubit in item.qubits]
        )
    ]


def _hamiltonian(gate: library.PauliEvolutionGate) -> SparsePauliOp:
    """Return the sum of Pauli strings that an evolution is under.

    Raises:
        IonQGateError: A coefficient or the time is not a number.
    """
    parts = gate.operator if isinstance(gate.operator, list) else [gate.operator]
    hamiltonian = SparsePauliOp.sum(
        [
            part if isinstance(part, SparsePauliOp) else SparsePauliOp.from_sparse_observable(part)
            for part in parts
        ]
    )
    _number(gate.time, gate, "The time", "qis")
    hamiltonian.coeffs = np.array(
        [
            _number(value.real if value.imag == 0 else value, gate, "A coefficient", "qis")
            for value in hamiltonian.coeffs.tolist()
        ]
    )
    return hamiltonian


def _pauli_exponential(
    gate: library.PauliEvolutionGate, hamiltonian: SparsePauliOp, qubits: Sequence[int]
) -> dict[str, Any]:
    """Return exp(-i t H) as a `pauliexp`, H being a sum of Pauli strings.

    The last character of a term is for its first target, and the time is not negative: the
    encoders of Qiskit, Cirq and PennyLane agree on this.
    """
    time = float(gate.time)
    coefficients = hamiltonian.coeffs.real.tolist()
    return {
        "gate": "pauliexp",
        "targets": list(qubits),
        "terms": hamiltonian.paulis.to_labels(),
        "coefficients": [math.copysign(1, time) * value for value in coefficients],
        "time": abs(time),
    }


def _commute(operator: SparsePauliOp) -> bool:
    """Return whether all terms commute: no two have an odd number of clashing letters."""
    x, z = (half.astype(np.float32) for half in (operator.paulis.x, operator.paulis.z))
    for start in range(0, len(x), _ROWS):
        rows = slice(start, start + _ROWS)
        clashes = x[rows] @ z.T + z[rows] @ x.T
        if (clashes.astype(np.int32) & 1).any():
            return False
    return True


def native_gates(operation: Operation, qubits: Sequence[int]) -> list[dict[str, Any]]:
    """Return a gate in the `native` gateset, mostly as one gate.

    A gate on one qubit of the `qis` gateset becomes native ones that equal it, but for a global
    phase: Qiskit's estimators append such gates to native circuits, too. A gate beyond IonQ's
    limits is sent as the same gate within them: an `ms` or `zz` of more than a quarter turn becomes
    one of less, and a half turn of either qubit.

    Raises:
        IonQGateError: The gate is not native, or a parameter is not a number.
    """
    kind = native_kind(operation)
    if kind is None:
        return [
            {"gate": name, "target": qubits[0], "phase": _within(_MAX_PHASE, phase)}
            for name, phase in _rotation(operation)
        ]
    name = NATIVE_GATES[kind]
    turns = [_number(value, operation, "A parameter", "native") for value in operation.params]
    if name == "ms":
        return _ms(*turns, targets=list(qubits))
    if name == "zz":
        return _zz(turns[0], targets=list(qubits))
    return [{"gate": name, "target": qubits[0], "phase": _within(_MAX_PHASE, turns[0])}]


def _rotation(operation: Operation) -> list[tuple[str, float]]:
    """Return native gates, with their phases, that are a gate of Qiskit's on one qubit.

    U(theta, phi, lambda) is a quarter turn, a half turn and a quarter turn; some need less.
    """
    kind = kind_of(operation)
    if operation.num_qubits != 1 or not (kind in QIS_GATES or kind is library.UGate):
        raise unsupported(operation, "native")
    for value in operation.params:
        _number(value, operation, "The angle", "native")
    if kind is library.HGate:
        return [("gpi2", 0.25), ("gpi", 0.0)]
    theta, phi, lam = (angle / (2 * math.pi) for angle in _EULER.angles(operation.to_matrix()))
    if math.isclose(theta, 0, abs_tol=_NO_TURN):
        return [("gpi", 0.0), ("gpi", (phi + lam) / 2)]
    if math.isclose(theta, 0.5, abs_tol=_NO_TURN):
        return [("gpi", (phi - lam + 0.5) / 2)]
    if math.isclose(theta, 0.25, abs_tol=_NO_TURN) and math.isclose(phi, -lam, abs_tol=_NO_TURN):
        return [("gpi2", phi + 0.25)]
    return [("gpi2", 0.5 - lam), ("gpi", (theta + phi - lam) / 2), ("gpi2", 0.5 + phi)]


def _ms(first: float, second: float, angle: float, *, targets: list[int]) -> list[dict[str, Any]]:
    half_turns: list[dict[str, Any]] = []
    if not 0 <= angle <= _MAX_ANGLE:
        angle = math.remainder(angle, 1.0)
        if abs(angle) > _MAX_ANGLE:
            half_turns = [
                {"gate": "gpi", "target": target, "phase": _within(_MAX_PHASE, phase)}
                for target, phase in zip(targets, (first, second), strict=True)
            ]
            angle -= math.copysign(0.5, angle)
        if angle < 0:
            first, angle = first + 0.5, -angle
    phases = [_within(_MAX_PHASE, phase) for phase in (first, second)]
    return [{"gate": "ms", "targets": targets, "phases": phases, "angle": angle}, *half_turns]


def _zz(angle: float, *, targets: list[int]) -> list[dict[str, Any]]:
    """Return a `zz` with an angle that IonQ takes: it was seen to refuse -0.25 and 1.75."""
    if 0 <= angle <= _MAX_ANGLE:
        return [{"gate": "zz", "targets": targets, "angle": angle}]
    angle = math.remainder(angle, 1.0)
    half_turns: list[dict[str, Any]] = []
    if abs(angle) > _MAX_ANGLE:
        half_turns = [
            {"gate": "gpi", "target": target, "phase": phase}
            for target in targets
            for phase in (0.0, 0.25)
        ]
        angle -= math.copysign(0.5, angle)
    gates: list[dict[str, Any]] = [{"gate": "zz", "targets": targets, "angle": abs(angle)}]
    if angle < 0:  # a flipped qubit changes the sign
        flip = {"gate": "gpi", "target": targets[0], "phase": 0.0}
        gates = [flip, *gates, flip]
    return [*gates, *half_turns]


def _within(limit: float, turns: float) -> float:
    """Return an angle equal up to whole turns, within a limit of half a turn or more."""
    return turns if abs(turns) <= limit else math.remainder(turns, 1.0)


def _number(value: Any, operation: Operation, what: str, gateset: str) -> float:  # noqa: ANN401
    """Return a parameter as a float."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        unit = " of radians" if (what, gateset) == ("The angle", "qis") else ""
        raise IonQGateError(
            f"{what} of a gate {operation.name!r} is {value}; it must be a finite number{unit}.",
            gate_name=operation.name,
            gateset=gateset,
        )
    return number


_CONTROLLED_INSTEAD = (
    "A gate that the qubit controls, before the qubit is measured, does the same: "
    "circuit.cx(qubit, target) for an X where the bit is 1."
)

#: Control flow by Qiskit's name: its name for people, and the way out.
_CONTROL_FLOW: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "if_else": ("a branch", _CONTROLLED_INSTEAD),
        "switch_case": ("a branch", _CONTROLLED_INSTEAD),
        "while_loop": (
            "a loop whose end a measurement decides",
            "A for_loop over a fixed range, without break or continue, is unrolled.",
        ),
        "for_loop": (
            "a loop that cannot be unrolled",
            "One over a fixed range of no more than 150,000 gates, without break or continue, is.",
        ),
        "box": ("a box that uses variables", "Boxes without them are put in place."),
    }
)


def unsupported(operation: Operation, gateset: str) -> IonQGateError:
    """Return the error for an operation that a gateset does not have, with advice."""
    name, kind = operation.name, kind_of(operation)
    transpilable = isinstance(operation, Gate | library.Initialize)
    takes_its_name = _STANDARD_KINDS.get(name, kind) is not kind
    if gateset == "qis" and native_kind(operation):
        advice = (
            "It is a native gate, and a circuit is of one gateset. Ask for the backend with "
            "gateset='native', or rewrite the circuit: qiskit.transpile(circuit, backend)."
        )
    elif isinstance(operation, ControlFlowOp):
        what, way_out = _CONTROL_FLOW.get(name, ("control flow", "IonQ takes none."))
        advice = f"It is {what}, and IonQ takes no control flow. {way_out}"
    elif not isinstance(operation, Instruction) or (transpilable and not takes_its_name):
        advice = "Rewrite the circuit for the backend first: qiskit.transpile(circuit, backend)."
    elif transpilable or operation.definition is not None:
        what = "gate" if transpilable else "part"
        advice = (
            f"It is a {what} of your own: circuit.decompose([{name!r}]) puts in what it is made of."
        )
    else:
        advice = "A circuit for IonQ is made of gates, measurements and resets."
    return IonQGateError(
        f"{name!r} is not in IonQ's {gateset} gateset. {advice}", gate_name=name, gateset=gateset
    )


#: Operations that are not billed.
_FREE = (Barrier, Delay, library.IGate, Measure, Reset)


class GateCounts(NamedTuple):
    """The number of gates of all circuits of a job, by which a job on a QPU is billed.

    Attributes:
        one_qubit: Gates on one qubit.
        two_qubits: Gates on two qubits.
    """

    one_qubit: int
    two_qubits: int


def count_gates(circuits: Iterable[QuantumCircuit]) -> GateCounts:
    """Count the gates of circuits as they are billed.

    A gate on N > 2 qubits is billed as 6 (N - 2) gates on two: Microsoft's page on IonQ's prices
    (https://learn.microsoft.com/azure/quantum/pricing, December 2024).
    """
    widths = [
        len(instruction.qubits)
        for circuit in circuits
        for instruction in circuit.data
        if not isinstance(instruction.operation, _FREE)
    ]
    return GateCounts(
        widths.count(1),
        sum(1 if width == 2 else 6 * (width - 2) for width in widths if width > 1),  # noqa: PLR2004
    )
