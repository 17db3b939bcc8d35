"""Qiskit's `Target` of a backend: its gates, and the qubits that they connect."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from qiskit.circuit import Delay, Measure, Parameter, Reset
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
from qiskit.transpiler import Target

from ionq_toolkit.circuits.gates import MAX_CONTROLS, QIS_NAMES, WIDE_GATES
from ionq_toolkit.circuits.native_gates import GPI2Gate, GPIGate, MSGate, ZZGate, add_equivalences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qiskit.circuit import Instruction

    from ionq_toolkit.devices import Device


#: Gates that IonQ takes under any number of controls up to its limit; with one control, and X
#: with any number, they have names of their own.
_CONTROLLED = (
    *(YGate(), ZGate(), HGate()),
    *(kind(Parameter("angle")) for kind in (RXGate, RYGate, RZGate)),
)


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
