"""What is simulated: a circuit with every spelling of the wire resolved."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Gate(NamedTuple):
    """One gate of the `qis` gateset.

    Attributes:
        name: IonQ's name of it, such as ``rx``.
        targets: The qubits it acts on, as many as `QIS_GATES` says.
        controls: The qubits that must be 1 for it to act.
        rotation: Its angle in radians, where it has one.
    """

    name: str
    targets: tuple[int, ...]
    controls: tuple[int, ...] = ()
    rotation: float | None = None


class Program(NamedTuple):
    """A circuit to simulate; all its qubits are measured at its end."""

    num_qubits: int
    gates: tuple[Gate, ...]


class GateKind(NamedTuple):
    """What a gate of the gateset takes.

    Attributes:
        targets: How many qubits one application acts on, controls apart.
        rotation: Whether it must have an angle; None where it may.
        controls: The least number of controls.
    """

    targets: int
    rotation: bool | None = False
    controls: int = 0


_ONE, _ROTATED_ONE, _ROTATED_TWO = (
    GateKind(1),
    GateKind(1, rotation=True),
    GateKind(2, rotation=True),
)

#: The `qis` gates that are simulated: schema QisGate of the API document without pauliexp. A `z`
#: with an angle is sent by qiskit-ionq.
QIS_GATES: Mapping[str, GateKind] = MappingProxyType(
    {
        **dict.fromkeys(("x", "not", "y", "h", "s", "si", "t", "ti", "v", "vi"), _ONE),
        **dict.fromkeys(("rx", "ry", "rz"), _ROTATED_ONE),
        **dict.fromkeys(("xx", "yy", "zz"), _ROTATED_TWO),
        "z": GateKind(1, rotation=None),
        "cnot": GateKind(1, controls=1),
        "swap": GateKind(2),
    }
)
