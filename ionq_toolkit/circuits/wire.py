"""From a QuantumCircuit to IonQ's circuit JSON, and to the header that its result is read by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from qiskit.circuit import Measure, Reset

from ionq_toolkit.circuits.gates import (
    NO_OPERATION,
    kind_of,
    native_gates,
    plain_gate,
    qis_gates,
    unsupported,
)
from ionq_toolkit.circuits.inlining import read
from ionq_toolkit.errors import IonQGateError, IonQJobError, IonQMidCircuitMeasurementError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction, Operation, Qubit

    from ionq_toolkit.devices import Device


@dataclass(frozen=True)
class WireCircuit:
    """A circuit as IonQ's gate objects, and the measurement map for its outcomes.

    Attributes:
        num_qubits: Width of the register; the outcomes cover all of its qubits.
        gates: IonQ's gate objects, in order.
        measured: For each classical bit of the circuit the qubit measured into it, or
            None for a bit without a measurement.
        gateset: `qis` or `native`.
    """

    num_qubits: int
    gates: list[dict[str, Any]]
    measured: tuple[int | None, ...]
    gateset: str = "qis"


def to_wire(
    circuit: QuantumCircuit, gateset: str = "qis", *, compiler_synthesis: bool = False
) -> WireCircuit:
    """Translate a circuit of gates and final measurements into one of IonQ's gatesets.

    A reset of an unused qubit, or as the last operation on one, is left out: it changes no outcome.

    Args:
        circuit: The circuit.
        gateset: `qis` or `native`.
        compiler_synthesis: Whether IonQ is to approximate a `PauliEvolutionGate` whose terms do not
            commute, in a way that it does not publish. Otherwise it is sent as its own synthesis.

    Raises:
        IonQJobError: The circuit has no qubits or no measurement, or free parameters.
        IonQGateError: A gate has no counterpart in the gateset, or is control flow.
        IonQMidCircuitMeasurementError: A measured or reset qubit is used again (`needs_qasm3`).
    """
    circuit, items = read(circuit)
    check_circuit(circuit, items, gateset)
    position = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    reused = _first_reuse(circuit, items)
    if reused is not None:
        operation, qubit = reused
        raise IonQMidCircuitMeasurementError(
            f"{operation.name!r} acts on qubit {position[qubit]} of circuit {circuit.name!r} "
            "after its measurement or reset. Move those to the end of the circuit, or run it "
            "in a job of its own, which goes as OpenQASM 3.",
            qubit_index=position[qubit],
            gate_name=operation.name,
        )
    clbit_position = {clbit: index for index, clbit in enumerate(circuit.clbits)}
    gates: list[dict[str, Any]] = []
    measured: list[int | None] = [None] * len(circuit.clbits)
    for instruction in items:
        qubits = list(map(position.__getitem__, instruction.qubits))
        if gateset == "qis" and (plain := plain_gate(instruction, qubits)) is not None:
            gates.append(plain)
            continue
        operation = instruction.operation
        kind = kind_of(operation)
        if kind is Measure:
            measured[clbit_position[instruction.clbits[0]]] = qubits[0]
        elif kind in NO_OPERATION or kind is Reset:
            continue
        elif gateset == "native":
            gates.extend(native_gates(operation, qubits))
        else:
            gates.extend(qis_gates(operation, qubits, compiler_synthesis=compiler_synthesis))
    return WireCircuit(circuit.num_qubits, gates, tuple(measured), gateset)


def check_native(wire: WireCircuit, device: Device) -> None:
    """Check that a device has the native gates of a circuit; IonQ does not compile them.

    Args:
        wire: The circuit; one of the `qis` gateset passes.
        device: The device; the simulator as it is under its noise model (`Device.under`).

    Raises:
        IonQGateError: The device has another gate on two qubits, or does not connect a pair.
    """
    if wire.gateset != "native":
        return
    pairs = None if device.connectivity is None else set(map(frozenset, device.connectivity))
    advice = "Rewrite the circuit for the backend first: qiskit.transpile(circuit, backend)."
    for gate in wire.gates:
        name, targets = gate["gate"], gate.get("targets", ())
        if name not in device.native_gates:
            known = ", ".join(device.native_gates)
            problem = f"{name!r} is not a native gate of {device.name}, which has {known}."
        elif targets and pairs is not None and frozenset(targets) not in pairs:
            problem = f"{device.name} has no {name!r} on qubits {targets[0]} and {targets[1]}."
        else:
            continue
        raise IonQGateError(f"{problem} {advice}", gate_name=name, gateset="native")


def check_circuit(
    circuit: QuantumCircuit, items: Sequence[CircuitInstruction], gateset: str
) -> None:
    """Raise IonQJobError for free parameters, no qubits or no measurements.

    Raises:
        IonQGateError: It has control flow, or nothing but a part of it may measure.
    """
    for item in items:
        if item.is_control_flow():
            raise unsupported(item.operation, gateset)
    if circuit.parameters:
        names = ", ".join(sorted(p.name for p in circuit.parameters))
        raise IonQJobError(
            f"Circuit {circuit.name!r} has parameters without a value: {names}. "
            "Bind them first: circuit.assign_parameters({...})."
        )
    if not circuit.num_qubits:
        raise IonQJobError(f"Circuit {circuit.name!r} has no qubits.")
    if "measure" not in circuit.count_ops():
        part = next((item.operation for item in items if item.clbits), None)
        if part is not None:
            raise unsupported(part, gateset)
        raise IonQJobError(
            f"Circuit {circuit.name!r} measures nothing, so it has no counts. "
            "Add circuit.measure_all() or circuit.measure(...)."
        )


#: Names of the operations that `_first_reuse` does not count as gates; a custom gate may share one.
_SPECIAL = frozenset({"measure", "reset", "barrier", "delay", "id"})


def circuit_header(circuit: QuantumCircuit, wire: WireCircuit | None) -> dict[str, Any]:
    """Return the header that a job's result is read by.

    The keys are those of qiskit-ionq, so that each client can read the other's jobs.
    NumPy's numbers and arrays in the circuit's metadata become plain ones.

    Args:
        circuit: The circuit.
        wire: The circuit as sent; None for OpenQASM 3, whose outcomes are over the classical
            bits already and need no `meas_mapped`.
    """
    described: dict[str, Any] = {
        "name": circuit.name,
        "n_qubits": circuit.num_qubits,
        "memory_slots": circuit.num_clbits,
        "creg_sizes": creg_sizes(circuit),
        "clbit_labels": _labels(circuit.cregs, None if wire else program_names(circuit)),
        "qreg_sizes": [[register.name, register.size] for register in circuit.qregs],
        "qubit_labels": _labels(circuit.qregs),
        "global_phase": float(circuit.global_phase),
    }
    if wire is not None:
        described["meas_mapped"] = list(wire.measured)
    if circuit.metadata:
        described["metadata"] = _plain(circuit.metadata)
    return described


def _plain(value: Any) -> Any:  # noqa: ANN401 - any metadata of a circuit
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def creg_sizes(circuit: QuantumCircuit) -> list[list[str | int]]:
    """Return the registers that split the classical bits, or [] if they do not split them.

    Registers may share bits, and bits may be outside all of them: an outcome then cannot be
    written register by register.
    """
    if [bit for register in circuit.cregs for bit in register] != circuit.clbits:
        return []
    return [[register.name, register.size] for register in circuit.cregs]


def _labels(registers: Sequence[Any], names: Sequence[str] | None = None) -> list[list[str | int]]:
    names = names or [register.name for register in registers]
    return [
        [name, index]
        for name, register in zip(names, registers, strict=True)
        for index in range(register.size)
    ]


_WORDS = (
    "OPENQASM include defcalgrammar def cal defcal gate extern box let break continue if else end "
    "return for while in switch case default nop pragma opaque input output const readonly mutable "
    "qreg qubit creg bool bit int uint float angle complex array void duration stretch gphase inv "
    "pow ctrl negctrl dim durationof sizeof delay reset measure barrier true false im pi tau euler "
    "U CX p x y z h s sdg t tdg sx rx ry rz cx cy cz cp crx cry crz ch swap ccx cswap cu phase "
    "cphase id u1 u2 u3 rxx ryy rzz output_all"
)
#: The names that a register of an OpenQASM 3 program cannot have: words and constants of the
#: language, gates of ``stdgates.inc`` and those that a program of ours defines, and the register
#: of all qubits that IonQ adds to the shots.
_RESERVED = frozenset(_WORDS.split())


def program_names(circuit: QuantumCircuit) -> list[str]:
    """Return the name of each classical register in the circuit's OpenQASM 3 program.

    It is the circuit's own, if the language has it.
    """
    own = {register.name for register in circuit.cregs}
    names: list[str] = []
    for register in circuit.cregs:
        name = register.name
        if name in _RESERVED or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            name = "c_" + re.sub(r"\W", "_", name, flags=re.ASCII)
            while name in own or name in names:
                name += "_"
        names.append(name)
    return names


def needs_qasm3(circuit: QuantumCircuit) -> bool:
    """Return whether a circuit has to be sent as OpenQASM 3: it measures or resets midway."""
    return _first_reuse(*read(circuit)) is not None


def _first_reuse(
    circuit: QuantumCircuit, items: Iterable[CircuitInstruction]
) -> tuple[Operation, Qubit] | None:
    """Return the first operation on a qubit that was measured or reset before, and the qubit.

    Measuring twice in a row gives the same twice. An unused qubit is 0 already, so that
    resetting it does nothing.
    """
    resets = "reset" in circuit.count_ops()
    used: set[Qubit] = set()
    measured: set[Qubit] = set()
    reset: set[Qubit] = set()
    for instruction in items:
        kind = kind_of(instruction.operation) if instruction.name in _SPECIAL else None
        if kind in NO_OPERATION:
            continue
        if kind is Measure:
            if reset and instruction.qubits[0] in reset:
                return instruction.operation, instruction.qubits[0]
            measured.update(instruction.qubits)
        elif kind is Reset:
            reset.update(used.intersection(instruction.qubits))
        elif not instruction.is_control_flow():  # `check_circuit` refuses that
            if measured or reset:
                for qubit in instruction.qubits:
                    if qubit in measured or qubit in reset:
                        return instruction.operation, qubit
            if resets:
                used.update(instruction.qubits)
    return None
