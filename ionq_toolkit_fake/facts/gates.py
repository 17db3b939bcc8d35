"""The gates that the API knows, in either gateset."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class GateKind(NamedTuple):
    """The operands of a gate of a gateset.

    Attributes:
        targets: How many qubits one application acts on, controls apart; None: any number.
        rotation: Whether it must have an angle; None where it may.
        controls: The least number of controls.
    """

    targets: int | None
    rotation: bool | None = False
    controls: int = 0


_ONE, _ROTATED_ONE, _ROTATED_TWO = (
    GateKind(1),
    GateKind(1, rotation=True),
    GateKind(2, rotation=True),
)

#: The `qis` gates: schema QisGate of the API document. A `z` with an angle is sent by qiskit-ionq.
QIS_GATES: Mapping[str, GateKind] = MappingProxyType(
    {
        **dict.fromkeys(("x", "not", "y", "h", "s", "si", "t", "ti", "v", "vi"), _ONE),
        **dict.fromkeys(("rx", "ry", "rz"), _ROTATED_ONE),
        **dict.fromkeys(("xx", "yy", "zz"), _ROTATED_TWO),
        "z": GateKind(1, rotation=None),
        "cnot": GateKind(1, controls=1),
        "swap": GateKind(2),
        "pauliexp": GateKind(None),
    }
)

#: The native gates: schema NativeGate of the API document. `nop` is not documented;
#: its name means no operation.
NATIVE_GATES: Mapping[str, GateKind] = MappingProxyType(
    {
        "gpi": GateKind(1),
        "gpi2": GateKind(1),
        "ms": GateKind(2),
        "zz": GateKind(2),
        "nop": GateKind(1),
    }
)
