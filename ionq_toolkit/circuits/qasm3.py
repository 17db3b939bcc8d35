"""From a QuantumCircuit to OpenQASM 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qasm3, transpile
from qiskit.circuit import Measure, Reset

from ionq_toolkit.circuits.gates import (
    NO_OPERATION,
    kind_of,
    native_gates,
    native_kind,
    qis_gates,
)
from ionq_toolkit.circuits.inlining import read
from ionq_toolkit.circuits.wire import check_circuit, creg_sizes, program_names

if TYPE_CHECKING:
    from qiskit.circuit import Clbit, Qubit


#: The gates of an OpenQASM 3 program. All but the last three are of its ``stdgates.inc``; those
#: are defined in the program.
_QASM3_GATES = (
    *("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "rx", "ry", "rz", "p"),
    *("cx", "cy", "cz", "ch", "crx", "cry", "crz", "swap", "ccx"),
    *("rxx", "ryy", "rzz"),
)


def to_qasm3(circuit: QuantumCircuit) -> str:
    """Return a circuit as an OpenQASM 3 program, in the part of the language that IonQ takes.

    It has one register of virtual qubits, and the circuit's registers of classical bits, named as
    `program_names` says, or one for all bits if the registers do not split them in order: either
    way, an outcome is over the bits of the circuit in their order. Its gates are those of
    ``stdgates.inc`` and rotations about XX, YY and ZZ, which it defines; IonQ compiles them, also
    from native gates.
    A `PauliEvolutionGate` is sent as Qiskit synthesizes it.

    Raises:
        IonQJobError: The circuit has no qubits or no measurement, or free parameters.
        IonQGateError: A gate is in neither gateset, or is control flow.
    """
    circuit, items = read(circuit)
    check_circuit(circuit, items, "qis")
    pairs = zip(circuit.cregs, program_names(circuit), strict=True)
    registers = [ClassicalRegister(old.size, name) for old, name in pairs if old.size]
    if not creg_sizes(circuit):
        registers = [ClassicalRegister(circuit.num_clbits, "c")]
    names = [register.name for register in registers]
    qubit_name = "q"
    while qubit_name in names:
        qubit_name += "_"
    plain = QuantumCircuit(QuantumRegister(circuit.num_qubits, qubit_name), *registers)
    qubits: dict[Qubit, Qubit] = dict(zip(circuit.qubits, plain.qubits, strict=True))
    clbits: dict[Clbit, Clbit] = dict(zip(circuit.clbits, plain.clbits, strict=True))
    for instruction in items:
        operation = instruction.operation
        kind = kind_of(operation)
        if kind in NO_OPERATION:
            continue
        native = native_kind(operation)
        if native is not None:
            native_gates(operation, range(operation.num_qubits))  # raises where IonQ takes none
            places = [qubits[qubit] for qubit in instruction.qubits]
            # Its definition is independent of the session's equivalence library.
            plain.compose(native(*operation.params).definition, places, inplace=True)
            continue
        if kind not in (Measure, Reset):
            qis_gates(operation, range(operation.num_qubits), compiler_synthesis=True)
        plain.append(
            operation,
            [qubits[qubit] for qubit in instruction.qubits],
            [clbits[clbit] for clbit in instruction.clbits],
        )
    plain = transpile(plain, basis_gates=[*_QASM3_GATES], optimization_level=0)
    program: str = qasm3.dumps(plain, disable_constants=True)
    return program
