"""Parts of a circuit that IonQ takes only in place: boxes, static loops, parts that measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qiskit.circuit import ControlFlowOp, ForLoopOp, Measure, QuantumCircuit

from ionq_toolkit.circuits.gates import kind_of

if TYPE_CHECKING:
    from qiskit.circuit import CircuitInstruction


#: Longer loops stay loops: no job has so many gates (operation CreateJob of the API document).
_MOST = 150_000


def inlined(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a circuit with its boxes and static loops, and parts that measure, in place.

    Other control flow stays. The circuit itself is returned if it has none of these.
    """
    return read(circuit)[0]


def read(circuit: QuantumCircuit) -> tuple[QuantumCircuit, list[CircuitInstruction]]:
    """Return a circuit as `inlined` does, and its instructions: Qiskit makes them for each pass."""
    items = list(circuit.data)
    if not any(map(_is_part, items)):
        return circuit, items
    flat: QuantumCircuit = circuit.copy_empty_like()
    for item in items:
        bodies = _bodies(item) if _is_part(item) else None
        if bodies is None:
            flat.append(item)
        for body in bodies or ():
            flat.compose(body, item.qubits, item.clbits, inplace=True)
    return flat, list(flat.data)


def _is_part(item: CircuitInstruction) -> bool:
    if item.is_control_flow():
        return True
    if not item.clbits or type(item.operation) is Measure:  # nearly all
        return False
    return kind_of(item.operation) is not Measure


def _bodies(item: CircuitInstruction) -> list[QuantumCircuit] | None:
    """Return what an operation does, one after the other; None if that is not known before."""
    operation = item.operation
    body = operation.definition
    if isinstance(operation, ControlFlowOp):
        body = operation.blocks[0] if operation.name in {"box", "for_loop"} else None
    if body is None or any(body.iter_captured_vars()):
        return None
    body = inlined(body)
    if not isinstance(operation, ForLoopOp):
        return [body]
    rounds, parameter, _ = operation.params
    static = isinstance(rounds, range | tuple | list) and not _jumps(body)
    if not static or len(rounds) * max(1, body.size()) > _MOST:
        return None
    if parameter not in body.parameters:
        return [body] * len(rounds)
    return [body.assign_parameters({parameter: number}) for number in rounds]


def _jumps(body: QuantumCircuit) -> bool:
    """Return whether a loop may be left or a round be cut short."""
    return any(
        item.name in {"break_loop", "continue_loop"}
        or any(_jumps(block) for block in getattr(item.operation, "blocks", ()))
        for item in body.data
    )
