"""IonQ's gates as Qiskit's, each the unitary that IonQ documents."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Gate as QiskitGate
from qiskit.circuit.library import (
    DiagonalGate,
    HGate,
    IGate,
    PauliEvolutionGate,
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
from qiskit.quantum_info import Pauli, SparsePauliOp
from qiskit.synthesis import (
    LieTrotter,
    OneQubitEulerDecomposer,
    TwoQubitWeylDecomposition,
)
from scipy.linalg import schur

from ionq_toolkit_fake.simulation.outcome import SimulationFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from ionq_toolkit_fake.simulation.program import Gate, Program

#: The widest gate whose matrix is written out: of 2^10 rows it takes 16 MiB.
WIDEST_MATRIX = 10

#: The widest whose matrix is decomposed into gates: beyond, there are thousands of them.
WIDEST_SPLIT = 2

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

#: The same, as methods of a circuit that append them: by name, number of controls, of parameters.
_METHODS: Mapping[tuple[str, int, int], Callable[..., object]] = MappingProxyType(
    {
        **{(name, 0, 0): getattr(QuantumCircuit, kind().name) for name, kind in _FIXED.items()},
        **{
            (name, 0, 1): getattr(QuantumCircuit, kind(0).name) for name, kind in _ROTATIONS.items()
        },
        **{(name, 1, 0): QuantumCircuit.cx for name in ("x", "not", "cnot")},
        ("z", 1, 0): QuantumCircuit.cz,
    }
)

#: Qiskit's gates on one and two qubits that Aer knows.
BASIS = (
    *("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "rx", "ry", "rz", "p", "u"),
    *("cx", "cz", "swap", "rxx", "ryy", "rzz"),
)

_euler_angles = OneQubitEulerDecomposer("U3").angles_and_phase


class TooWideError(ValueError):
    """A gate acts on more qubits than can be simulated in one step."""


def qiskit_gate(gate: Gate, gateset: str = "qis") -> QiskitGate:
    """Return a gate that Aer knows without transpilation, for the controls and then the targets.

    Aer applies a one-qubit gate with any number of controls, and a controlled swap, in
    place; other controlled gates go as their matrix.

    Raises:
        TooWideError: The gate has no exact form that is small enough.
    """
    if gateset == "native":
        return _native_gate(gate)
    operation = uncontrolled(gate)
    controls = len(gate.controls)
    if not controls:
        return operation
    width = controls + len(gate.targets)
    if gate.name == "swap":
        return QiskitGate("mcswap", width, [])
    if operation.num_qubits == 1 and width > WIDEST_SPLIT:  # Aer's tensor networks have no mcu
        theta, phi, lam, phase = _euler_angles(operation.to_matrix())
        return QiskitGate("mcu", width, [theta, phi, lam, phase])
    if width > WIDEST_MATRIX:
        raise _too_wide(gate)
    acted_on = _acted_on(controls, operation.num_qubits)
    matrix = np.eye(2**width, dtype=complex)
    matrix[np.ix_(acted_on, acted_on)] = operation.to_matrix()
    return UnitaryGate(matrix, check_input=False)


def _acted_on(controls: int, targets: int) -> NDArray[np.int64]:
    """Return the indices where all controls, which are the low bits, are 1."""
    indices: NDArray[np.int64] = np.arange(2**targets) * 2**controls + 2**controls - 1
    return indices


def _too_wide(gate: Gate) -> TooWideError:
    return TooWideError(
        f"a controlled {gate.name} on {len(gate.qubits)} qubits; at most {WIDEST_MATRIX} are "
        "supported"
    )


def uncontrolled(gate: Gate) -> QiskitGate:
    """Return a gate of the `qis` gateset without its controls."""
    if gate.name == "pauliexp":
        return _pauli_exponential(gate)
    if gate.parameters:
        return _ROTATIONS[gate.name](gate.parameters[0])
    return _FIXED[gate.name]()


def append_program(
    circuit: QuantumCircuit,
    program: Program,
    places: Sequence[int],
    narrow: Callable[[Gate], QuantumCircuit] | None = None,
) -> None:
    """Append a program to a circuit, as gates that Aer knows without transpilation.

    Args:
        circuit: The circuit.
        program: The program.
        places: The qubits of the program that the qubits of the circuit stand for.
        narrow: Returns a gate on three or more qubits, controls first, as narrower gates; None:
            such a gate is appended as it is.

    Raises:
        TooWideError: A gate has no form that is small enough.
        SimulationFailure: An angle is infinite or not a number.
    """
    place = {qubit: index for index, qubit in enumerate(places)}
    for gate in program.gates:
        qubits = [place[qubit] for qubit in gate.controls]
        qubits += [place[qubit] for qubit in gate.targets]
        if narrow is not None and len(qubits) > WIDEST_SPLIT:
            circuit.compose(narrow(gate), qubits, inplace=True)
        else:
            append(circuit, gate, program.gateset, qubits)


def append(
    circuit: QuantumCircuit, gate: Gate, gateset: str, qubits: list[int], *, split: bool = False
) -> None:
    """Append a gate to a circuit, as gates that Aer knows without transpilation.

    Args:
        circuit: Where to append it.
        gate: The gate.
        gateset: `qis` or `native`.
        qubits: Where its controls and then its targets are in the circuit.
        split: Whether it is for a QPU, or for noise, which take it gate by gate: then few
            gates count for more than exactness.

    Raises:
        TooWideError: The gate has no form that is small enough.
        SimulationFailure: One of its angles is infinite or none.
    """
    angles = gate.parameters
    if len(angles) > 1:
        angles = (*angles, *(angles[0] * value for value in angles[1:]))
    if angles and not all(map(math.isfinite, angles)):
        raise SimulationFailure("SimulationError", f"an angle of a {gate.name} is not a number")
    if gateset == "qis":
        method = _METHODS.get((gate.name, len(gate.controls), len(gate.parameters)))
        if method is not None:  # many times as fast as the way below
            method(circuit, *gate.parameters, *qubits)
            return
    if gate.name == "pauliexp" and not gate.controls:
        hamiltonian, time = _hamiltonian(gate)
        # Several terms on two qubits are fewer gates if put together.
        if len(gate.targets) > WIDEST_SPLIT or _commutes(hamiltonian):
            evolution = PauliEvolutionGate(hamiltonian, time, synthesis=LieTrotter())
            circuit.compose(evolution.definition, qubits, inplace=True)
            return
    operation = qiskit_gate(gate, gateset)
    if split and isinstance(operation, UnitaryGate):
        circuit.compose(_split(operation.to_matrix()), qubits, inplace=True)
    else:
        circuit.append(operation, qubits)


def _split(matrix: NDArray[np.complex128]) -> QuantumCircuit:
    """Return a unitary as a circuit, on two qubits of rotations.

    Left to `transpile`, one on two that is nearly of a simpler kind is taken for that: 1e-5 off.
    """
    if len(matrix) == 2**WIDEST_SPLIT:
        return TwoQubitWeylDecomposition(matrix, fidelity=1.0).circuit()
    circuit = QuantumCircuit(len(matrix).bit_length() - 1)
    circuit.unitary(matrix, circuit.qubits)
    return circuit


def controlled_exponential(gate: Gate) -> QuantumCircuit:
    """Return a controlled `pauliexp`, on its controls and then its targets.

    Where it is diagonal, so is what is controlled; and there and back goes without.

    Raises:
        TooWideError: It is on too many qubits.
    """
    controls, width = len(gate.controls), len(gate.qubits)
    if width > WIDEST_MATRIX:
        raise _too_wide(gate)
    turns, states = _spectrum(gate)
    phases = np.ones(2**width, dtype=complex)
    phases[_acted_on(controls, len(gate.targets))] = turns
    circuit = QuantumCircuit(width)
    targets = circuit.qubits[controls:]
    circuit.compose(_split(states.conj().T), targets, inplace=True)
    circuit.append(DiagonalGate(phases), circuit.qubits)
    circuit.compose(_split(states), targets, inplace=True)
    return circuit


def _hamiltonian(gate: Gate) -> tuple[SparsePauliOp, float]:
    """Return H and t of a `pauliexp`, which is exp(-i t H), H = sum(coefficient * term).

    That is how the encoders of Qiskit, Cirq and PennyLane agree to use it. Of terms that do not
    commute, IonQ takes one Trotter step of first order, in their order: PennyLane-IonQ's tests,
    which run with a key, compare with that.
    """
    time, *coefficients = gate.parameters
    return SparsePauliOp(list(gate.terms), np.array(coefficients)), time


def _commutes(hamiltonian: SparsePauliOp) -> bool:
    return len(hamiltonian.paulis.group_commuting()) == 1


def _pauli_exponential(gate: Gate) -> QiskitGate:
    if len(gate.targets) > WIDEST_MATRIX:
        raise _too_wide(gate)
    return UnitaryGate(_trotter_step(gate), check_input=False)


def _trotter_step(gate: Gate) -> NDArray[np.complex128]:
    """Return the product of the exponentials of the terms, of which the first acts first."""
    matrix: NDArray[np.complex128] = np.eye(2 ** len(gate.targets), dtype=np.complex128)
    time, *coefficients = gate.parameters
    for term, coefficient in zip(gate.terms, coefficients, strict=True):
        turned = Pauli(term).to_matrix(sparse=True) @ matrix
        matrix = np.cos(time * coefficient) * matrix - 1j * np.sin(time * coefficient) * turned
    return matrix


def _spectrum(gate: Gate) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return the eigenvalues and eigenvectors of a `pauliexp`."""
    hamiltonian, time = _hamiltonian(gate)
    if _commutes(hamiltonian):
        energies, states = np.linalg.eigh(hamiltonian.to_matrix())
        return np.exp(-1j * time * energies), states
    triangle, states = schur(_trotter_step(gate), output="complex")
    return np.diag(triangle), states


def _native_gate(gate: Gate) -> QiskitGate:
    if gate.name == "nop":
        return IGate()
    return UnitaryGate(native_matrix(gate.name, gate.parameters), check_input=False)


def native_matrix(name: str, parameters: tuple[float, ...]) -> NDArray[np.complex128]:
    """Return the matrix of a native gate, its first target the least significant bit.

    Phases and angles are in turns: https://docs.ionq.com/api-reference/v0.3/native-gates-api.
    """
    if name == "ms":
        first, second, angle = parameters
        cosine, sine = np.cos(np.pi * angle), -1j * np.sin(np.pi * angle)
        both, difference = (np.exp(2j * np.pi * (first + s * second)) for s in (1, -1))
        return np.array(
            [
                [cosine, 0, 0, sine / both],
                [0, cosine, sine * difference, 0],
                [0, sine / difference, cosine, 0],
                [sine * both, 0, 0, cosine],
            ]
        )
    if name == "zz":
        diagonal = np.exp(1j * np.pi * parameters[0] * np.array([-1, 1, 1, -1]))
        matrix: NDArray[np.complex128] = np.diag(diagonal)
        return matrix
    turn = complex(np.exp(2j * np.pi * parameters[0]))
    if name == "gpi":
        return np.array([[0, 1 / turn], [turn, 0]], dtype=np.complex128)
    root = math.sqrt(0.5)
    return np.array([[root, -1j * root / turn], [-1j * root * turn, root]], dtype=np.complex128)
