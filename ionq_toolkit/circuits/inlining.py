"""Parts of a circuit that IonQ takes only in place: boxes, static loops, parts that measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qiskit.circuit import ControlFlowOp, ForLoopOp, Measure, QuantumCircuit

from ionq_toolkit.circuits.gates import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qiskit.circuit import CircuitInstruction


#: Longer loops stay loops: no job has so many gates (operation CreateJob of the API document).
_MOST = 150_000


def inlined(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a circuit with its boxes and static loops, and parts that measure, in place.

    Other control flow stays. The circuit itself is returned if it has none of these.
    """
    if not any(_is_part(item) for item in circuit.data):
        return circuit
    flat: QuantumCircuit = circuit.copy_empty_like()
    for item in circuit.data:
        placed = _placed(item, flat) if _is_part(item) else None
        if placed is None:
            flat.append(item)
        else:
            flat = placed
    return flat


def _is_part(item: CircuitInstruction) -> bool:
    if item.is_control_flow():
        return True
    return bool(item.clbits) and kind_of(item.operation) is not Measure


def _placed(item: CircuitInstruction, flat: QuantumCircuit) -> QuantumCircuit | None:
    """Return `flat` with the operation in place behind it, or None if that is not possible."""
    before = flat
    for body in _bodies(item):
        if body is None or flat.size() > _MOST or [*body.iter_captured_vars()]:
            return None
        flat = flat.compose(inlined(body), item.qubits, item.clbits)
    return None if flat is before and not isinstance(item.operation, ForLoopOp) else flat


def _bodies(item: CircuitInstruction) -> Iterator[QuantumCircuit | None]:
    """Yield what an operation does, one after the other; None: it depends on a measurement."""
    operation = item.operation
    if isinstance(operation, ForLoopOp):
        rounds, parameter, body = operation.params
        static = isinstance(rounds, range | tuple | list) and not _jumps(body)
        if not static or len(rounds) * max(1, body.size()) > _MOST:
            yield None
            return
        for number in rounds:
            used = parameter is not None and parameter in body.parameters
            yield body.assign_parameters({parameter: number}) if used else body
    elif operation.name == "box" and isinstance(operation, ControlFlowOp):
        yield operation.params[0]
    else:
        yield None if isinstance(operation, ControlFlowOp) else operation.definition


def _jumps(body: QuantumCircuit) -> bool:
    """Return whether a loop may be left or a round be cut short."""
    return any(
        item.name in {"break_loop", "continue_loop"}
        or any(_jumps(block) for block in getattr(item.operation, "blocks", ()))
        for item in body.data
    )
