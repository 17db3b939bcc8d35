"""Qiskit's `Target` of a backend: its gates, and the qubits that they connect."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from qiskit.circuit import BoxOp, Delay, ForLoopOp, Gate, Measure, Parameter, Reset
from qiskit.circuit.library import (
    HGate,
    IGate,
    RXGate,
    RYGate,
    RZGate,
    YGate,
    ZGate,
    get_standard_gate_name_mapping,
)
from qiskit.transpiler import InstructionProperties, QubitProperties, Target

from ionq_toolkit.circuits.gates import MAX_CONTROLS, QIS_NAMES, WIDE_GATES
from ionq_toolkit.circuits.native_gates import GPI2Gate, GPIGate, MSGate, ZZGate, add_equivalences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from qiskit.circuit import Instruction

    from ionq_toolkit.devices import Device


#: Gates that IonQ takes under any number of controls up to its limit; with one control, and X
#: with any number, they have names of their own.
_CONTROLLED = (
    *(YGate(), ZGate(), HGate()),
    *(kind(Parameter("angle")) for kind in (RXGate, RYGate, RZGate)),
)


#: Rotations about Z, which QPUs carry out by changing the phase of later gates, and the identity.
_VIRTUAL = frozenset({"id", "p", "rz", "s", "sdg", "t", "tdg", "z"})

#: The unit of time of Qiskit's scheduling, in seconds: IonQ states times in whole microseconds.
_DT_S = 1e-6

#: Gates that take one entangling gate of IonQ's; the others on two qubits are compiled to them.
_ENTANGLING = frozenset({"cx", "rzz", "ms", "zz"})


def target_for(device: Device, gateset: str, noise_model: str | None = "ideal") -> Target:
    """Return the gates of a device, and the qubits that each can act on.

    A circuit that is transpiled for the target is accepted by `to_wire`, or by `to_qasm3` if it
    measures or resets midway.

    Args:
        device: The backend.
        gateset: `qis` or `native`. A native target has one gate on two qubits: that of the QPU, or
            of the QPU that the noise model describes. Without noise the simulator takes two, and
            the target has ZZ, which is that of the QPUs in service.
        noise_model: The simulator's noise model, which may make it narrower.
    """
    device = device.under(noise_model)
    target = Target(num_qubits=device.num_qubits, description=f"{device.name}, {gateset} gates")
    for instruction in _instructions(device, gateset):
        places = _places(device, instruction.num_qubits)
        if places is None or places:
            target.add_instruction(instruction, places)
    _add_control_flow(target)
    if gateset == "qis" and device.connectivity is None:
        # The transpiler keeps them whatever they hold; `qis_gates` takes apart those that IonQ
        # would not take whole.
        for name, kind in WIDE_GATES.items():
            target.add_instruction(kind, name=name)
        for gate, controls in itertools.product(_CONTROLLED, range(2, MAX_CONTROLS + 1)):
            wide = gate.control(controls, annotated=False)
            if wide.name not in target:
                target.add_instruction(wide)
    return target


def calibrated_target(
    device: Device,
    gateset: str,
    fidelity: Mapping[str, float | None],
    timing: Mapping[str, float | None],
) -> Target:
    """Return a target with the qubits, durations and error rates that IonQ measured.

    It has `cx` and `rzz` alone of the `qis` gates on several qubits: Aer's noise model takes
    milliseconds for each gate on each pair, and Qiskit's layout refuses wider gates beside pairs.

    Args:
        device: The backend.
        gateset: `qis` or `native`.
        fidelity: The medians of ``"spam"``, ``"1q"`` and ``"2q"``, as of `Characterization`. An
            instruction without one has no error rate. That of a rotation about Z is 0, as its
            duration: IonQ's QPUs only change the phase of later gates
            (https://docs.ionq.com/guides/getting-started-with-native-gates).
        timing: The seconds of `Characterization.timing`.
    """
    width = device.num_qubits
    errors = {name: None if found is None else 1 - found for name, found in fidelity.items()}
    of_qubit = QubitProperties(t1=timing["t1"], t2=timing["t2"])
    target = Target(
        description=f"{device.name}, {gateset} gates, as characterized",
        num_qubits=width,
        dt=_DT_S,
        qubit_properties=[of_qubit] * width,
    )
    pairs = device.connectivity or tuple(itertools.combinations(range(width), 2))
    both = [pair for a, b in pairs for pair in ((a, b), (b, a))]
    for instruction in _instructions(device, gateset):
        if instruction.num_qubits > 1 and instruction.name not in _ENTANGLING:
            continue
        properties = None
        if isinstance(instruction, Measure):
            properties = InstructionProperties(timing["readout"], errors["spam"])
        elif isinstance(instruction, Reset):
            properties = InstructionProperties(timing["reset"])
        elif isinstance(instruction, Gate) and instruction.name in _VIRTUAL:
            properties = InstructionProperties(0.0, 0.0)
        elif isinstance(instruction, Gate) and instruction.num_qubits == 1:
            properties = InstructionProperties(timing["1q"], errors["1q"])
        elif isinstance(instruction, Gate):
            properties = InstructionProperties(timing["2q"], errors["2q"])
        places = both if instruction.num_qubits > 1 else [(qubit,) for qubit in range(width)]
        target.add_instruction(instruction, dict.fromkeys(places, properties))
    _add_control_flow(target)
    return target


def _add_control_flow(target: Target) -> None:
    """Let the transpiler keep boxes and loops, which `inlined` puts in place."""
    for kind, name in ((BoxOp, "box"), (ForLoopOp, "for_loop")):
        target.add_instruction(kind, name=name)


def _instructions(device: Device, gateset: str) -> Iterator[Instruction]:
    if gateset == "native":
        add_equivalences()
        yield GPIGate(Parameter("phi"))
        yield GPI2Gate(Parameter("phi"))
        if "zz" in device.native_gates:
            yield ZZGate(Parameter("theta"))
        else:
            yield MSGate(Parameter("phi0"), Parameter("phi1"), Parameter("theta"))
    else:
        standard = get_standard_gate_name_mapping()
        yield from (standard[name] for name in QIS_NAMES)
    yield IGate()
    yield Delay(Parameter("duration"))
    yield Measure()
    yield Reset()


def _places(device: Device, width: int) -> dict[tuple[int, ...], None] | None:
    """Return the places of an instruction; None: everywhere, since all qubits are connected.

    Otherwise gates on more than two qubits have no place: IonQ does not document them.
    """
    if device.connectivity is None:
        return None
    if width == 1:
        return {(qubit,): None for qubit in range(device.num_qubits)}
    if width == 2:  # noqa: PLR2004 - a pair
        return {pair: None for a, b in device.connectivity for pair in ((a, b), (b, a))}
    return {}
