"""Compilation of a program to the native gates and the connectivity of a QPU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qiskit import QuantumCircuit, transpile
from qiskit.transpiler import CouplingMap

from ionq_toolkit_fake.simulation.gates import append, controlled_exponential, uncontrolled
from ionq_toolkit_fake.simulation.program import Gate, Program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ionq_toolkit_fake.simulation.program import Qpu

#: Rotations below this are left out: compilation settings of IonQ's jobs say a precision of 1E-3.
SMALLEST_TURN = 1e-9


def compile_program(
    program: Program, qpu: Qpu, layout: Sequence[int], seed: int
) -> tuple[Program, tuple[int, ...]]:
    """Compile a program to native gates.

    Args:
        program: The program; one of the native gateset only moves to its qubits.
        qpu: The QPU.
        layout: The qubit of the QPU that each qubit of the program begins on.
        seed: Seeds the search for a route where not all qubits are connected.

    Returns:
        The native program, on the qubits of the QPU, and the qubit of the QPU on which each
        qubit of the program ends.
    """
    if program.gateset == "native":
        return _moved(program, qpu, layout), tuple(layout)
    return compile_circuit(circuit_of(program), qpu, layout, seed)


def circuit_of(program: Program) -> QuantumCircuit:
    """Return a program as a circuit that Qiskit can transpile."""
    circuit = QuantumCircuit(program.num_qubits)
    for gate in program.gates:
        if gate.controls and gate.name == "pauliexp":
            circuit.compose(controlled_exponential(gate), list(gate.qubits), inplace=True)
        elif gate.controls:
            operation = uncontrolled(gate).control(len(gate.controls), annotated=False)
            circuit.append(operation, list(gate.qubits))
        else:
            append(circuit, gate, program.gateset, list(gate.qubits), split=True)
    return circuit


def compile_circuit(
    circuit: QuantumCircuit, qpu: Qpu, layout: Sequence[int], seed: int
) -> tuple[Program, tuple[int, ...]]:
    """Compile a circuit without measurements; see `compile_program`."""
    basis = ["rz", "sx", "x", "rzz" if qpu.entangler == "zz" else "rxx"]
    if qpu.connectivity is None:
        compiled = transpile(circuit, basis_gates=basis, optimization_level=1, seed_transpiler=seed)
        program = Program(qpu.num_qubits, tuple(_native_gates(compiled, qpu.entangler)))
        return _moved(program, qpu, layout), tuple(layout)
    pairs = [pair for a, b in qpu.connectivity for pair in ((a, b), (b, a))]
    compiled = transpile(
        circuit,
        basis_gates=basis,
        coupling_map=CouplingMap(pairs),
        initial_layout=list(layout),
        optimization_level=1,
        seed_transpiler=seed,
    )
    gates = _native_gates(compiled, qpu.entangler)
    final = tuple(compiled.layout.final_index_layout(filter_ancillas=True))
    return Program(qpu.num_qubits, tuple(gates), "native"), final


def _moved(program: Program, qpu: Qpu, layout: Sequence[int]) -> Program:
    gates = (
        gate._replace(targets=tuple(layout[qubit] for qubit in gate.targets))
        for gate in program.gates
    )
    return Program(qpu.num_qubits, tuple(gates), "native")


def _native_gates(circuit: QuantumCircuit, entangler: str) -> list[Gate]:
    """Return the native gates of a circuit of rz, sx, x and rzz or rxx.

    A rotation about Z is no pulse: it turns the phases of the gates that follow on its qubit, and
    the rest of it at the end makes no difference to a measurement.
    """
    gates: list[Gate] = []
    frame = [0.0] * circuit.num_qubits  # in turns
    for instruction in circuit.data:
        name = instruction.operation.name
        qubits = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        if name == "barrier":
            continue
        if name == "rz":
            frame[qubits[0]] += _in_turns(instruction.operation.params[0])
            continue
        phases = tuple(_turn(-frame[qubit]) for qubit in qubits)
        if name == "sx":
            gates.append(Gate("gpi2", qubits, parameters=phases))
        elif name == "x":
            gates.append(Gate("gpi", qubits, parameters=phases))
        elif name in {"rzz", "rxx"}:
            angle = _in_turns(instruction.operation.params[0])
            gates.extend(_entangle(entangler, qubits, phases, angle))
        else:
            raise ValueError(f"cannot compile the operation {name}")
    return gates


def _entangle(
    entangler: str, qubits: tuple[int, ...], phases: tuple[float, ...], angle: float
) -> list[Gate]:
    """Return a rotation by `angle` turns as gates with angles that the QPU has.

    `ms` takes 0 to 0.25 turns; half a turn and a half turn of either sign are one-qubit gates.
    """
    angle = (angle + 0.5) % 1.0 - 0.5  # the sign of the state apart, a whole turn is nothing
    if abs(angle) < SMALLEST_TURN:
        return []
    if entangler == "zz":
        return [Gate("zz", qubits, parameters=(angle,))]
    first, second = phases
    if angle < 0:  # the other way round the first qubit's axis
        first, angle = _turn(first + 0.5), -angle
    if angle > 0.25:  # noqa: PLR2004 - the largest angle of an ms
        halves = [Gate("ms", qubits, parameters=(first, second, angle / 2))]
        return halves * 2
    return [Gate("ms", qubits, parameters=(first, second, angle))]


def _turn(phase: float) -> float:
    """Return a phase in turns, from -0.5 up to 0.5."""
    return (phase + 0.5) % 1.0 - 0.5


def _in_turns(angle: float) -> float:
    """Return an angle in turns, from -0.5 to 0.5; sine and cosine know even that of 1e20."""
    return math.atan2(math.sin(angle), math.cos(angle)) / math.tau
