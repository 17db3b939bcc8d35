"""Compilation of a program to the native gates and the connectivity of a QPU."""

from __future__ import annotations

import math
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import CXGate, HGate, SdgGate, XGate
from qiskit.converters import circuit_to_dag
from qiskit.quantum_info import Operator
from qiskit.synthesis import TwoQubitBasisDecomposer, TwoQubitWeylDecomposition
from qiskit.transpiler import CouplingMap, PassManager
from qiskit.transpiler.basepasses import TransformationPass
from qiskit.transpiler.passes import (
    Collect2qBlocks,
    CommutativeInverseCancellation,
    ConsolidateBlocks,
    Optimize1qGatesDecomposition,
)

from ionq_toolkit_fake.simulation.gates import append, controlled_exponential, uncontrolled
from ionq_toolkit_fake.simulation.program import Gate, Program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qiskit.circuit import CircuitInstruction
    from qiskit.dagcircuit import DAGCircuit

    from ionq_toolkit_fake.simulation.program import Qpu

#: Rotations below this are left out: compilation settings of IonQ's jobs say a precision of 1E-3.
SMALLEST_TURN = 1e-9

#: Gates on one qubit of a compiled circuit: only `rz` is no pulse.
_PULSES = ("rz", "sx", "x")

#: How far the trace fidelity of a block may be from 1: Qiskit takes a block that is within 1e-9 of
#: a simpler kind for that.
_INEXACT = 1e-13

#: How many gates are compared with one another, to find those that cancel.
_LONGEST_PIECE = 1000

#: How often a circuit is gone through: each time, blocks that have become neighbours are merged.
_MOST_ROUNDS = 10


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
    if qpu.connectivity is None:
        compiled = pulses(circuit, qpu, seed)
        program = Program(qpu.num_qubits, tuple(_native_gates(compiled, qpu.entangler)))
        return _moved(program, qpu, layout), tuple(layout)
    pairs = [pair for a, b in qpu.connectivity for pair in ((a, b), (b, a))]
    routed = transpile(
        circuit,
        basis_gates=[*_PULSES, "cx" if qpu.quarter_turns else "rzz"],
        coupling_map=CouplingMap(pairs),
        initial_layout=list(layout),
        optimization_level=1,
        seed_transpiler=seed,
    )
    final = tuple(routed.layout.final_index_layout(filter_ancillas=True))
    gates = _native_gates(_optimised(routed, qpu), qpu.entangler)
    return Program(qpu.num_qubits, tuple(gates), "native"), final


def pulses(circuit: QuantumCircuit, qpu: Qpu, seed: int) -> QuantumCircuit:
    """Return a circuit as pulses: `sx`, `x`, and `rzz` or `rxx`; `rz` turns the later ones.

    Measurements and resets stay where they are. Of the connectivity it takes no notice.
    """
    basis = [*_PULSES, "cx" if qpu.quarter_turns else "rzz"]
    unrolled = transpile(circuit, basis_gates=basis, optimization_level=1, seed_transpiler=seed)
    return _optimised(unrolled, qpu)


def _optimised(circuit: QuantumCircuit, qpu: Qpu) -> QuantumCircuit:
    """Merge gates and resynthesise blocks on two qubits as long as that takes fewer of them.

    IonQ does not publish its passes. Its compiled circuits of 2023
    (github.com/ionq-publications/forte_aq29_data) have as many gates on two qubits, a tenth more
    or less.
    """
    merge = _merging(qpu.quarter_turns)
    count = circuit.num_nonlocal_gates()
    for _ in range(_MOST_ROUNDS):
        circuit = merge.run(circuit)
        if circuit.num_nonlocal_gates() >= count:
            break
        count = circuit.num_nonlocal_gates()
    entangled = circuit.copy_empty_like()
    for item in circuit.data:
        _entangled(entangled, item.operation.name, item, ms=qpu.entangler == "ms")
    return PassManager([Optimize1qGatesDecomposition(list(_PULSES))]).run(entangled)


@cache
def _merging(quarter_turns: bool) -> PassManager:
    return PassManager(
        [
            _Cancellation(),
            Collect2qBlocks(),
            ConsolidateBlocks(kak_basis_gate=CXGate(), force_consolidate=not quarter_turns),
            _Resynthesis(quarter_turns),
            Optimize1qGatesDecomposition(list(_PULSES)),
        ]
    )


def _entangled(circuit: QuantumCircuit, name: str, item: CircuitInstruction, *, ms: bool) -> None:
    """Append an instruction, a `cx` or `rzz` by means of the entangling gate of the QPU."""
    if name not in {"cx", "rzz"}:
        circuit.append(item)
        return
    first, second = item.qubits
    turned = [second] if name == "cx" else []
    angle = math.pi / 2 if name == "cx" else item.operation.params[0]
    for qubit in turned:
        circuit.h(qubit)
    if ms:
        circuit.h([first, second])
        circuit.rxx(angle, first, second)
        circuit.h([first, second])
    else:
        circuit.rzz(angle, first, second)
    if name == "cx":
        circuit.sdg([first, second])
    for qubit in turned:
        circuit.h(qubit)


class _Cancellation(TransformationPass):
    """Cancels a gate and its inverse where those between them commute.

    Qiskit compares each gate with all before it. A long circuit is taken in pieces, so that the
    time grows with its length and not with the square of it.
    """

    def run(self, dag: DAGCircuit) -> DAGCircuit:
        """Run the pass."""
        cancel = CommutativeInverseCancellation()
        if dag.size() <= _LONGEST_PIECE:
            return cancel.run(dag)
        whole = dag.copy_empty_like()
        nodes = dag.topological_op_nodes()
        while piece_nodes := list(islice(nodes, _LONGEST_PIECE)):
            piece = dag.copy_empty_like()
            piece.global_phase = 0
            for node in piece_nodes:
                piece.apply_operation_back(node.op, node.qargs, node.cargs)
            whole.compose(cancel.run(piece))
        return whole


class _Resynthesis(TransformationPass):
    """Puts gates in the place of consolidated blocks on two qubits."""

    def __init__(self, quarter_turns: bool) -> None:
        super().__init__()
        self._synthesis = _of_quarter_turns if quarter_turns else _of_any_turns

    def run(self, dag: DAGCircuit) -> DAGCircuit:
        """Run the pass."""
        for node in dag.named_nodes("unitary"):
            if len(node.qargs) == 2:  # noqa: PLR2004 - those on one are merged later
                block = self._synthesis(node.op.to_matrix())
                dag.substitute_node_with_dag(node, circuit_to_dag(block))
        return dag


@cache
def _decomposer() -> TwoQubitBasisDecomposer:
    return TwoQubitBasisDecomposer(CXGate())


def _of_quarter_turns(matrix: NDArray[np.complex128]) -> QuantumCircuit:
    """Return a unitary on two qubits as a circuit with as few `cx` as there can be."""
    found: QuantumCircuit = _decomposer()(matrix, approximate=False)
    overlap = np.trace(Operator(found).data.conj().T @ matrix) / len(matrix)
    if abs(overlap) > 1 - _INEXACT:
        return found
    exact = QuantumCircuit(2)
    for item in _of_any_turns(matrix).data:
        if item.operation.name == "rzz":
            exact.cx(0, 1)
            exact.rz(item.operation.params[0], 1)
            exact.cx(0, 1)
        else:
            exact.append(item)
    return exact


#: The gates that turn Z into X, Y and Z: exp(i a XX), exp(i b YY) and exp(i c ZZ) by `rzz`.
_AXES = (
    HGate().to_matrix(),
    HGate().to_matrix() @ SdgGate().to_matrix(),
    np.eye(2, dtype=np.complex128),
)


def _of_any_turns(matrix: NDArray[np.complex128]) -> QuantumCircuit:
    """Return a unitary on two qubits as a circuit with at most three `rzz`, of 0 to pi/2."""
    weyl = TwoQubitWeylDecomposition(matrix, fidelity=1.0)
    circuit = QuantumCircuit(2)
    for qubit, unitary in enumerate((weyl.K2r, weyl.K2l)):
        circuit.unitary(unitary, qubit)
    for angle, axis in zip((weyl.a, weyl.b, weyl.c), _AXES, strict=True):
        if abs(angle) < SMALLEST_TURN / 10:
            continue
        flip = np.eye(2) if angle < 0 else XGate().to_matrix()  # rzz(2 a) is exp(-i a ZZ)
        for qubit in (0, 1):
            circuit.unitary(axis, qubit)
        circuit.unitary(flip, 0)
        circuit.rzz(2 * abs(angle), 0, 1)
        circuit.unitary(flip, 0)
        for qubit in (0, 1):
            circuit.unitary(axis.conj().T, qubit)
    for qubit, unitary in enumerate((weyl.K1r, weyl.K1l)):
        circuit.unitary(unitary, qubit)
    return circuit


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
        elif name in {"rzz", "rxx"}:  # from 0 to pi/2, but for rounding
            angle = min(0.25, instruction.operation.params[0] / math.tau)
            axes = phases if entangler == "ms" else ()
            gates.append(Gate(entangler, qubits, parameters=(*axes, angle)))
        else:
            raise ValueError(f"cannot compile the operation {name}")
    return gates


def _turn(phase: float) -> float:
    """Return a phase in turns, from -0.5 up to 0.5."""
    return (phase + 0.5) % 1.0 - 0.5


def _in_turns(angle: float) -> float:
    """Return an angle in turns, from -0.5 to 0.5; sine and cosine know even that of 1e20."""
    return math.atan2(math.sin(angle), math.cos(angle)) / math.tau
