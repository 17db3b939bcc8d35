"""Qiskit's `Target` of a backend: its gates, and the qubits that they connect."""

from __future__ import annotations

import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from qiskit.circuit import BoxOp, Delay, ForLoopOp, Measure, Parameter, Reset
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

#: How many native gates make one of Qiskit's, if not one. A turn about z is a change of the phases
#: of later gates (https://docs.ionq.com/guides/getting-started-with-native-gates), and an idle
#: qubit has no gate.
_PULSES: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("id", "p", "rz", "s", "sdg", "t", "tdg", "z"), 0),
        **dict.fromkeys(("rx", "ry"), 2),
    }
)

#: Seconds of a step of Qiskit's schedules: IonQ's times are multiples of ten of them.
_STEP_S = 1e-6

#: Gates on two qubits that a target with figures has: tools take some 10 ms for each pair of qubits
#: and each gate.
_PAIRED = frozenset(("cx", "rzz", "ms", "zz"))


class Figures(NamedTuple):
    """The measured properties of a device, with the keys of `Characterization`.

    Attributes:
        fidelity: Medians, by ``"spam"``, ``"1q"`` and ``"2q"``; one that is missing is unknown.
        timing: Seconds, by ``"readout"``, ``"reset"``, ``"1q"``, ``"2q"``, ``"t1"``, ``"t2"``.
    """

    fidelity: Mapping[str, float | None]
    timing: Mapping[str, float | None]


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


def with_figures(target: Target, figures: Figures) -> Target:
    """Return a target with a coupling map, durations and error rates, for tools that read them.

    It has the gates on one qubit, and on two CX and RZZ, or the native one: Qiskit's transpiler
    takes no wider gates where there is a coupling map. The figures are medians, the same for all
    qubits. Gates that take several native ones have the duration and the error of all of them.

    Args:
        target: That of `target_for`.
        figures: The properties of the device; without a figure, durations or errors are unknown.
    """
    width = target.num_qubits
    timing = figures.timing
    known = Target(
        num_qubits=width,
        description=target.description,
        dt=_STEP_S if timing else None,
        qubit_properties=[QubitProperties(timing.get("t1"), timing.get("t2"))] * width,
    )
    for name in target.operation_names:
        operation = target.operation_from_name(name)
        size = 0 if isinstance(operation, type) else operation.num_qubits
        if size == 1 or name in _PAIRED:
            places = list(target[name])
            if None in places:  # everywhere
                places = list(itertools.permutations(range(width), size))
            properties = _properties(name, size, figures)
            known.add_instruction(operation, dict.fromkeys(places, properties), name=name)
    _add_control_flow(known)
    return known


def _add_control_flow(target: Target) -> None:
    """Let the transpiler keep boxes and loops, which `inlined` puts in place."""
    for kind, name in ((BoxOp, "box"), (ForLoopOp, "for_loop")):
        target.add_instruction(kind, name=name)


def _properties(name: str, size: int, figures: Figures) -> InstructionProperties | None:
    """Return the duration and the error of an operation; None: those of a delay are its own."""
    fidelity, timing = figures
    if name == "delay":
        return None
    if name == "reset":
        return InstructionProperties(timing.get("reset"))
    if name == "measure":
        # Aer takes no measurement whose error is unknown.
        spam = fidelity.get("spam")
        return InstructionProperties(timing.get("readout"), 0.0 if spam is None else 1 - spam)
    pulses = _PULSES.get(name, 1)
    if not pulses:
        return InstructionProperties(0.0, 0.0)
    one, seconds = fidelity.get(f"{size}q"), timing.get(f"{size}q")
    return InstructionProperties(
        None if seconds is None else pulses * seconds, None if one is None else 1 - one**pulses
    )


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
