"""What Qiskit's transpiler is told of a backend: its gates, and which qubits they connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qiskit.circuit import Delay, Measure, Parameter, Reset
from qiskit.circuit.library import (
    CCXGate,
    CCZGate,
    CHGate,
    CRXGate,
    CRYGate,
    CRZGate,
    CXGate,
    CYGate,
    CZGate,
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
)
from qiskit.transpiler import Target

from ionq_toolkit.circuits.gates import GPI2Gate, GPIGate, MSGate, ZZGate, add_equivalences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qiskit.circuit import Instruction

    from ionq_toolkit.devices import Device


#: Gates of the `qis` gateset. Those of any width are not among them: the transpiler would leave
#: an `MCXGate` of more controls than IonQ takes as it is, and a `PauliEvolutionGate` that IonQ
#: approximates in its own way instead of Qiskit's. Circuits may have them all the same.
_FIXED = (
    *(XGate, YGate, ZGate, HGate, SGate, SdgGate, TGate, TdgGate, SXGate, SXdgGate),
    *(CXGate, CYGate, CZGate, CHGate, SwapGate, CCXGate, CCZGate),
)
_ROTATIONS = (
    *(RXGate, RYGate, RZGate, PhaseGate, CRXGate, CRYGate, CRZGate),
    *(RXXGate, RYYGate, RZZGate),
)


def target_for(device: Device, gateset: str, noise_model: str | None = "ideal") -> Target:
    """Return the gates that a device takes, and the qubits that it takes them on.

    `circuits.to_wire` accepts what the transpiler makes of a circuit for it, or else
    `circuits.to_qasm3` where the circuit measures or resets midway.

    Args:
        device: The backend.
        gateset: `qis` or `native`. A native target has one gate on two qubits: that of the
            machine, or that of the machine which the noise model stands for; without noise the
            simulator takes two, and the one of the machines in service, ZZ, is it.
        noise_model: The simulator's noise model, which may make it narrower.
    """
    device = device.under(noise_model)
    target = Target(num_qubits=device.num_qubits, description=f"{device.name}, {gateset} gates")
    for instruction in _instructions(device, gateset):
        places = _places(device, instruction.num_qubits)
        if places is None or places:
            target.add_instruction(instruction, places)
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
        for gate in _FIXED:
            yield gate()
        for rotation in _ROTATIONS:
            yield rotation(Parameter("theta"))
    yield IGate()
    yield Delay(Parameter("duration"))
    yield Measure()
    yield Reset()


def _places(device: Device, width: int) -> dict[tuple[int, ...], None] | None:
    """Return where an instruction can be; None: everywhere, where all qubits are connected.

    Where they are not, no gate on more than two qubits is: IonQ says nothing of such gates.
    """
    if device.connectivity is None:
        return None
    if width == 1:
        return {(qubit,): None for qubit in range(device.num_qubits)}
    if width == 2:  # noqa: PLR2004 - a pair
        return {pair: None for a, b in device.connectivity for pair in ((a, b), (b, a))}
    return {}
