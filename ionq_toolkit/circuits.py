"""QuantumCircuit -> IonQ's JSON, and what is needed to read the result back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from qiskit.circuit import Barrier, ControlledGate, Delay, Gate, Measure
from qiskit.circuit.library import (
    HGate,
    IGate,
    PhaseGate,
    RXGate,
    RXXGate,
    RYGate,
    RYYGate,
    RZGate,
    RZZGate,
    SdgGate,
    SGate,
    SwapGate,
    SXdgGate,
    SXGate,
    TdgGate,
    TGate,
    XGate,
    YGate,
    ZGate,
    get_standard_gate_name_mapping,
)

from ionq_toolkit.errors import IonQGateError, IonQJobError, IonQMidCircuitMeasurementError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction, Operation, ParameterExpression, Qubit

#: Qiskit's uncontrolled gates -> IonQ's names in the `qis` gateset. Rotations carry one
#: angle in radians. The table goes by class: a gate of somebody's own that is merely
#: called "x" is not in it. `PhaseGate` goes as `rz`, which differs by a global phase
#: only: what the service makes of a `z` with an angle is not documented.
QIS_GATES: Mapping[type[Operation], str] = MappingProxyType(
    {
        XGate: "x",
        YGate: "y",
        ZGate: "z",
        HGate: "h",
        SGate: "s",
        SdgGate: "si",
        TGate: "t",
        TdgGate: "ti",
        SXGate: "v",
        SXdgGate: "vi",
        RXGate: "rx",
        RYGate: "ry",
        RZGate: "rz",
        PhaseGate: "rz",
        SwapGate: "swap",
        RXXGate: "xx",
        RYYGate: "yy",
        RZZGate: "zz",
    }
)

#: Qiskit's names of its own gates and their classes. Its transpiler goes by the names, and
#: takes a gate of somebody's own for the one that it shares its name with.
_STANDARD_KINDS: Mapping[str, type[Operation]] = MappingProxyType(
    {
        "barrier": Barrier,
        **{name: gate.base_class for name, gate in get_standard_gate_name_mapping().items()},
    }
)

#: Gates that may carry controls: those whose IonQ meaning has no loose global phase,
#: which a control would turn into a relative one. A swap takes none.
_CONTROLLABLE = frozenset({XGate, YGate, ZGate, HGate, RXGate, RYGate, RZGate})

#: "Up to seven controls": https://docs.ionq.com/api-reference/v0.3/writing-quantum-programs
MAX_CONTROLS = 7

#: What changes nothing in a circuit whose idle qubits keep their state.
_NO_OPERATION = frozenset({Barrier, Delay, IGate})


@dataclass(frozen=True)
class WireCircuit:
    """A circuit as IonQ takes it, and the measurement map that reads its outcomes.

    Attributes:
        num_qubits: Width of the register; the outcomes are over all of its qubits.
        gates: IonQ's gate objects, in order.
        measured: For each classical bit of the circuit the qubit measured into it, or
            None for a bit that nothing was measured into.
    """

    num_qubits: int
    gates: list[dict[str, Any]]
    measured: tuple[int | None, ...]


def to_wire(circuit: QuantumCircuit) -> WireCircuit:
    """Translate a circuit of gates and final measurements into IonQ's `qis` gateset.

    Raises:
        IonQJobError: The circuit has no qubits or no measurement, or free parameters.
        IonQGateError: A gate has no counterpart in the gateset.
        IonQMidCircuitMeasurementError: A measured qubit is used again.
    """
    if circuit.parameters:
        names = ", ".join(sorted(p.name for p in circuit.parameters))
        raise IonQJobError(
            f"Circuit {circuit.name!r} has parameters without a value: {names}. "
            "Bind them first: circuit.assign_parameters({...})."
        )
    position = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    clbit_position = {clbit: index for index, clbit in enumerate(circuit.clbits)}
    gates: list[dict[str, Any]] = []
    measured: list[int | None] = [None] * len(circuit.clbits)
    done: set[Qubit] = set()
    for instruction in circuit.data:
        operation = instruction.operation
        kind = _kind(operation)
        if kind in _NO_OPERATION:
            continue
        if kind is Measure:
            done.update(instruction.qubits)
            measured[clbit_position[instruction.clbits[0]]] = position[instruction.qubits[0]]
            continue
        again = next((qubit for qubit in instruction.qubits if qubit in done), None)
        if again is not None:
            raise IonQMidCircuitMeasurementError(
                f"{operation.name!r} acts on qubit {position[again]} of circuit {circuit.name!r} "
                "after its measurement. Move the measurement to the end of the circuit.",
                qubit_index=position[again],
            )
        gates.append(_gate(instruction, [position[qubit] for qubit in instruction.qubits]))
    if all(qubit is None for qubit in measured):
        raise IonQJobError(
            f"Circuit {circuit.name!r} measures nothing, so it has no counts. "
            "Add circuit.measure_all() or circuit.measure(...)."
        )
    return WireCircuit(circuit.num_qubits, gates, tuple(measured))


def _kind(operation: Operation) -> type[Operation]:
    """Return the class of an operation; Qiskit's gates have one for each way to make them."""
    kind: type[Operation] = getattr(operation, "base_class", type(operation))
    return kind


def _gate(instruction: CircuitInstruction, qubits: Sequence[int]) -> dict[str, Any]:
    operation, controls = instruction.operation, 0
    kind = _kind(operation)
    if isinstance(operation, ControlledGate):
        kind, controls = _kind(operation.base_gate), operation.num_ctrl_qubits
        all_ones = operation.ctrl_state == 2**controls - 1
        if not (kind in _CONTROLLABLE and all_ones and controls <= MAX_CONTROLS):
            raise _unsupported(operation)
    if kind not in QIS_GATES:
        raise _unsupported(operation)
    gate: dict[str, Any] = {"gate": QIS_GATES[kind], "targets": list(qubits[controls:])}
    if controls:
        gate["controls"] = list(qubits[:controls])
    if operation.params:
        gate["rotation"] = _angle(operation.params[0], operation.name)
    return gate


def _angle(value: ParameterExpression | float, gate_name: str) -> float:
    angle = float(value)
    if not math.isfinite(angle):
        raise IonQGateError(
            f"The angle of a gate {gate_name!r} is {angle}; it must be a finite number of radians.",
            gate_name=gate_name,
        )
    return angle


def _unsupported(operation: Operation) -> IonQGateError:
    name = operation.name
    if not isinstance(operation, Gate):
        advice = "A circuit for IonQ is made of gates, and of measurements at its end."
    elif _STANDARD_KINDS.get(name, _kind(operation)) is not _kind(operation):
        advice = (
            f"It is a gate of your own: circuit.decompose([{name!r}]) puts in what it is made of."
        )
    else:
        advice = "Rewrite the circuit for the backend first: qiskit.transpile(circuit, backend)."
    return IonQGateError(f"{name!r} is not in IonQ's qis gateset. {advice}", gate_name=name)


def header(circuit: QuantumCircuit, wire: WireCircuit) -> dict[str, Any]:
    """Return what a reader of the job's result needs to know of the circuit.

    The keys are those that qiskit-ionq stores with its jobs, so that each can
    read the other's.
    """
    described: dict[str, Any] = {
        "name": circuit.name,
        "n_qubits": wire.num_qubits,
        "memory_slots": circuit.num_clbits,
        "creg_sizes": _creg_sizes(circuit),
        "clbit_labels": _labels(circuit.cregs),
        "qreg_sizes": [[register.name, register.size] for register in circuit.qregs],
        "qubit_labels": _labels(circuit.qregs),
        "global_phase": float(circuit.global_phase),
        "meas_mapped": list(wire.measured),
    }
    if circuit.metadata:
        described["metadata"] = circuit.metadata
    return described


def _creg_sizes(circuit: QuantumCircuit) -> list[list[str | int]]:
    """Return the registers that split the classical bits, or [] if they do not split them.

    Registers may share bits, and bits may be in none: there is no way then to write
    an outcome register by register.
    """
    if [bit for register in circuit.cregs for bit in register] != circuit.clbits:
        return []
    return [[register.name, register.size] for register in circuit.cregs]


def _labels(registers: Sequence[Any]) -> list[list[str | int]]:
    return [[register.name, index] for register in registers for index in range(register.size)]


def payload(
    wire: WireCircuit, backend: str, *, name: str, shots: int, metadata: Mapping[str, str]
) -> dict[str, Any]:
    """Return the body of POST /jobs for one circuit.

    Args:
        wire: What to run.
        backend: IonQ's name of the backend, such as ``qpu.forte-1``.
        name: What to call the job.
        shots: How often to run it.
        metadata: What to store with the job.
    """
    return {
        "type": "ionq.circuit.v1",
        "name": name,
        "backend": backend,
        "shots": shots,
        "metadata": dict(metadata),
        "input": {"gateset": "qis", "qubits": wire.num_qubits, "circuit": wire.gates},
    }
