"""What a circuit on the wire means, read from IonQ's documents once more, in numpy and SciPy.

It shares nothing with the fake but JSON: https://docs.ionq.com/api-reference/v0.3 has the gates
(writing-quantum-programs, native-gates-api), https://docs.ionq.com/guides/simulation-with-noise-models
the noise.
"""

from __future__ import annotations

import itertools
from functools import cache, reduce

import numpy as np
from qiskit.quantum_info import Kraus, Pauli, SuperOp
from scipy.linalg import expm

PAULIS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}
ROOT = np.sqrt(0.5)
V = np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2
FIXED = {
    **dict.fromkeys(("x", "not", "cnot"), PAULIS["X"]),
    "y": PAULIS["Y"],
    "z": PAULIS["Z"],
    "h": ROOT * np.array([[1, 1], [1, -1]]),
    "s": np.diag([1, 1j]),
    "si": np.diag([1, -1j]),
    "t": np.diag([1, np.exp(0.25j * np.pi)]),
    "ti": np.diag([1, np.exp(-0.25j * np.pi)]),
    "v": V,
    "vi": V.conj().T,
    "swap": np.eye(4)[[0, 2, 1, 3]],
}


def pauli(term):
    """Return a Pauli string as a matrix, its last letter for the least significant qubit."""
    return reduce(np.kron, [PAULIS[letter] for letter in term])


def _turn(phase):
    return np.exp(2j * np.pi * phase)


def _native(gate):
    """Return the published matrix of a native gate, in which the first qubit is the left one."""
    name = gate["gate"]
    if name == "nop":
        return np.eye(2)
    if name == "zz":
        angle = gate["angle"] if "angle" in gate else gate["phase"]
        return np.diag(np.exp(1j * np.pi * angle * np.array([-1, 1, 1, -1])))
    if name == "ms":
        (a, b), angle = gate["phases"], gate.get("angle", 0.25)
        matrix = np.cos(np.pi * angle) * np.eye(4, dtype=complex)
        for row, phase in enumerate((-(a + b), -(a - b), a - b, a + b)):
            matrix[row, 3 - row] = -1j * np.sin(np.pi * angle) * _turn(phase)
        return matrix
    there, back = _turn(-gate["phase"]), _turn(gate["phase"])
    if name == "gpi":
        return np.array([[0, there], [back, 0]])
    return ROOT * np.array([[1, -1j * there], [-1j * back, 1]])


def _qis(gate):
    name, angle = gate["gate"], gate.get("rotation")
    if name == "pauliexp":
        # One Trotter step, the first term first: PennyLane-IonQ's tests with a key have that.
        terms = zip(gate["terms"], gate["coefficients"], strict=True)
        parts = [expm(-1j * gate["time"] * value * pauli(term)) for term, value in terms]
        return reduce(np.matmul, reversed(parts))
    if name == "z" and angle is not None:
        return np.diag([1, np.exp(1j * angle)])
    if name in FIXED:
        return FIXED[name]
    generator = pauli(name.upper().removeprefix("R"))
    return np.cos(angle / 2) * np.eye(len(generator)) - 1j * np.sin(angle / 2) * generator


def _operands(gate, name):
    return [gate[name]] if name in gate else list(gate.get(f"{name}s") or [])


def steps(gates, gateset="qis"):
    """Yield what gates on the wire do, as (matrix, qubits), qubits[0] the least significant.

    The controls come first: where they are all 1, the matrix acts on the others.
    """
    for gate in gates:
        targets, controls = _operands(gate, "target"), _operands(gate, "control")
        matrix = _native(gate) if gateset == "native" else _qis(gate)
        if gateset == "native":
            targets.reverse()  # the published matrices have the first qubit on the left
        block = np.eye(len(matrix) << len(controls), dtype=complex)
        ones = (np.arange(len(matrix)) + 1 << len(controls)) - 1
        block[np.ix_(ones, ones)] = matrix
        width = len(matrix).bit_length() - 1
        for start in range(0, len(targets), width):
            yield block, [*controls, *targets[start : start + width]]


def apply(matrix, tensor, axes):
    """Let a matrix act on some axes of a tensor of twos, the first the least significant."""
    axes, width = axes[::-1], len(axes)
    acted = np.tensordot(matrix.reshape((2,) * 2 * width), tensor, (range(width, 2 * width), axes))
    return np.moveaxis(acted, range(width), axes)


def unitary(gates, width, gateset="qis"):
    """Return the matrix of gates on so many qubits, qubit 0 the least significant."""
    tensor = np.eye(2**width, dtype=complex).reshape((2,) * width + (2**width,))
    for matrix, qubits in steps(gates, gateset):
        tensor = apply(matrix, tensor, [width - 1 - qubit for qubit in qubits])
    return tensor.reshape(2**width, 2**width)


def _on(active, gates, gateset):
    """Yield the steps of gates on some qubits, numbered by their place among them."""
    place = {qubit: index for index, qubit in enumerate(active)}
    for matrix, qubits in steps(gates, gateset):
        yield matrix, [place[qubit] for qubit in qubits]


def touched(gates):
    """Return the qubits that gates on the wire name, in increasing order."""
    return sorted(
        {q for gate in gates for role in ("target", "control") for q in _operands(gate, role)}
    )


def probabilities(gates, gateset="qis", active=None):
    """Return how probable each outcome is of some qubits, all that a gate touches by default."""
    active = touched(gates) if active is None else active
    width = len(active)
    state = np.zeros((2,) * width, dtype=complex)
    state[(0,) * width] = 1
    for matrix, qubits in _on(active, gates, gateset):
        state = apply(matrix, state, [width - 1 - qubit for qubit in qubits])
    return np.abs(state.reshape(-1)) ** 2


def spread(probabilities, active):
    """Return {outcome: probability} of all qubits, those that are not active being 0."""
    return {
        sum((value >> place & 1) << qubit for place, qubit in enumerate(active)): float(probability)
        for value, probability in enumerate(probabilities)
    }


@cache
def depolarizing(rate, width):
    """Return the channel after a gate, of Kraus operators as documented, as a superoperator.

    They are sqrt(1 - (d^2-1) r / d^2) 1 and sqrt(r / d^2) P, for each Pauli P but 1.
    """
    paulis = ["".join(letters) for letters in itertools.product("IXYZ", repeat=width)]
    share = rate / len(paulis)
    first = np.sqrt(1 - (len(paulis) - 1) * share) * np.eye(2**width)
    others = (np.sqrt(share) * Pauli(name).to_matrix() for name in paulis[1:])
    return SuperOp(Kraus([first, *others])).data


def noisy_probabilities(gates, rates, gateset="qis", active=None, readout=0.0):
    """Return the same with errors: a density matrix, a channel after each gate, wrong readings.

    Args:
        gates: The gates, none of them on more than two qubits.
        rates: The depolarising rates on one qubit and on two.
        gateset: Their gateset.
        active: The qubits, all that a gate touches by default.
        readout: How often a bit is read wrongly.
    """
    active = touched(gates) if active is None else active
    width = len(active)
    rho = np.zeros((2,) * 2 * width, dtype=complex)
    rho[(0,) * 2 * width] = 1
    for matrix, qubits in _on(active, gates, gateset):
        rows = [width - 1 - qubit for qubit in qubits]
        columns = [2 * width - 1 - qubit for qubit in qubits]
        # A superoperator acts on the columns of rho, one below the other: rows come first.
        channel = np.kron(matrix.conj(), matrix)
        channel = depolarizing(rates[len(qubits) - 1], len(qubits)) @ channel
        rho = apply(channel, rho, [*rows, *columns])
    found = np.diagonal(rho.reshape(2**width, 2**width)).real.copy()
    flip = np.array([[1 - readout, readout], [readout, 1 - readout]])
    for axis in range(width):
        found = apply(flip, found.reshape((2,) * width), [axis]).reshape(-1)
    return found
