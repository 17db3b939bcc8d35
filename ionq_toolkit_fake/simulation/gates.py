"""The `qis` gates as Qiskit's, each the unitary that IonQ documents."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from qiskit.circuit import Gate as QiskitGate
from qiskit.circuit.library import (
    HGate,
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
    UnitaryGate,
    XGate,
    YGate,
    ZGate,
)
from qiskit.synthesis import OneQubitEulerDecomposer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ionq_toolkit_fake.simulation.program import Gate

#: https://docs.ionq.com/api-reference/v0.3/writing-quantum-programs: v is the square root
#: of x; si, ti and vi are inverses; not and cnot are x.
_FIXED: Mapping[str, Callable[[], QiskitGate]] = MappingProxyType(
    {
        "x": XGate,
        "not": XGate,
        "cnot": XGate,
        "y": YGate,
        "z": ZGate,
        "h": HGate,
        "s": SGate,
        "si": SdgGate,
        "t": TGate,
        "ti": TdgGate,
        "v": SXGate,
        "vi": SXdgGate,
        "swap": SwapGate,
    }
)

#: Angles in radians: rx = exp(-i angle X/2), xx = exp(-i angle XX/2), and so on. A `z` with an
#: angle is what qiskit-ionq sends for a phase gate.
_ROTATIONS: Mapping[str, Callable[[float], QiskitGate]] = MappingProxyType(
    {
        "rx": RXGate,
        "ry": RYGate,
        "rz": RZGate,
        "z": PhaseGate,
        "xx": RXXGate,
        "yy": RYYGate,
        "zz": RZZGate,
    }
)

_euler_angles = OneQubitEulerDecomposer("U3").angles_and_phase


def qiskit_gate(gate: Gate) -> QiskitGate:
    """Return a gate that Aer knows without transpilation, for the controls and then the targets.

    Aer applies a one-qubit gate with any number of controls, and a controlled swap, in
    place; other controlled gates go as their matrix.
    """
    if gate.rotation is not None and gate.name in _ROTATIONS:
        operation = _ROTATIONS[gate.name](gate.rotation)
    else:
        operation = _FIXED[gate.name]()
    controls = len(gate.controls)
    if not controls:
        return operation
    width = controls + len(gate.targets)
    if gate.name == "swap":
        return QiskitGate("mcswap", width, [])
    if operation.num_qubits == 1:
        theta, phi, lam, phase = _euler_angles(operation.to_matrix())
        return QiskitGate("mcu", width, [theta, phi, lam, phase])
    # Controls are the low bits of an index: where they are all 1, the block acts.
    acted_on = np.arange(2**operation.num_qubits) * 2**controls + 2**controls - 1
    matrix = np.eye(2**width, dtype=complex)
    matrix[np.ix_(acted_on, acted_on)] = operation.to_matrix()
    return UnitaryGate(matrix, check_input=False)
