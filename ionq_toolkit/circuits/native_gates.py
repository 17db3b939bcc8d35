"""IonQ's native gates as Qiskit gates, and their equivalences with Qiskit's gates.

Phases and angles are in turns (1 turn is 2 pi radians), as on the wire. Matrices:
https://docs.ionq.com/api-reference/v0.3/native-gates-api, here in Qiskit's order, in which
the first qubit is the least significant bit.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter, library
from qiskit.circuit.equivalence_library import SessionEquivalenceLibrary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike, NDArray
    from qiskit.circuit.parameterexpression import ParameterValueType


_TURN = 2 * math.pi


class _NativeGate(Gate):
    """A gate that an ion trap implements directly."""

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[np.generic]:
        """Return the matrix.

        Raises:
            TypeError: A parameter has no value.
        """
        if copy is False:
            raise ValueError("A matrix that is computed cannot be given without a copy.")
        matrix = self._matrix(*map(float, self.params))
        return matrix if dtype is None else matrix.astype(dtype)

    @staticmethod
    def _matrix(*parameters: float) -> NDArray[np.complex128]:
        raise NotImplementedError


class GPIGate(_NativeGate):
    r"""A half turn about an axis in the equator of the Bloch sphere.

    .. math::

        GPI(\phi) = \begin{pmatrix}
            0 & e^{-2\pi i\phi} \\
            e^{2\pi i\phi} & 0
        \end{pmatrix}

    ::

        native = QuantumCircuit(1, 1)
        native.append(GPIGate(0.25), [0])  # a quarter turn: pi/2 radians
        native.measure(0, 0)
        backend.run(native, gateset="native", shots=10).get_counts()  # -> {'1': 10}
    """

    def __init__(self, phi: ParameterValueType, label: str | None = None) -> None:
        """Make the gate.

        Args:
            phi: The axis, in turns from X: 0 is an X, 0.25 a Y.
            label: The name in drawings.
        """
        super().__init__("gpi", 1, [phi], label=label)

    def _define(self) -> None:
        (phi,) = self.params
        self.definition = QuantumCircuit(1, name=self.name)
        self.definition.u(math.pi, _TURN * phi, math.pi - _TURN * phi, 0)

    def inverse(self, annotated: bool = False) -> GPIGate:  # noqa: ARG002 - it is never needed
        """Return the gate itself: two half turns are the identity."""
        return GPIGate(self.params[0])

    @staticmethod
    def _matrix(*parameters: float) -> NDArray[np.complex128]:
        (phi,) = parameters
        phase = np.exp(1j * _TURN * phi)
        return np.array([[0, 1 / phase], [phase, 0]], dtype=np.complex128)


class GPI2Gate(_NativeGate):
    r"""A quarter turn about an axis in the equator of the Bloch sphere.

    .. math::

        GPI2(\phi) = \frac{1}{\sqrt{2}} \begin{pmatrix}
            1 & -i e^{-2\pi i\phi} \\
            -i e^{2\pi i\phi} & 1
        \end{pmatrix}

    ::

        native = QuantumCircuit(1, 1)
        native.append(GPI2Gate(0), [0])
        native.append(GPI2Gate(0), [0])
        native.measure(0, 0)
        backend.run(native, gateset="native", shots=10).get_counts()  # -> {'1': 10}
    """

    def __init__(self, phi: ParameterValueType, label: str | None = None) -> None:
        """Make the gate.

        Args:
            phi: The axis, in turns from X: 0 is RX(pi/2), 0.25 is RY(pi/2).
            label: The name in drawings.
        """
        super().__init__("gpi2", 1, [phi], label=label)

    def _define(self) -> None:
        (phi,) = self.params
        self.definition = QuantumCircuit(1, name=self.name)
        self.definition.u(math.pi / 2, _TURN * phi - math.pi / 2, math.pi / 2 - _TURN * phi, 0)

    def inverse(self, annotated: bool = False) -> GPI2Gate:  # noqa: ARG002 - it is never needed
        """Return the quarter turn about the opposite axis."""
        return GPI2Gate(self.params[0] + 0.5)

    @staticmethod
    def _matrix(*parameters: float) -> NDArray[np.complex128]:
        (phi,) = parameters
        phase = np.exp(1j * _TURN * phi)
        return np.array([[1, -1j / phase], [-1j * phase, 1]], dtype=np.complex128) / math.sqrt(2)


class MSGate(_NativeGate):
    r"""The Moelmer-Soerensen gate, with which Aria and Harmony entangle.

    .. math::

        MS(\phi_0, \phi_1, \theta) = \begin{pmatrix}
            \cos\pi\theta & 0 & 0 & -i e^{-2\pi i(\phi_0 + \phi_1)}\sin\pi\theta \\
            0 & \cos\pi\theta & -i e^{2\pi i(\phi_0 - \phi_1)}\sin\pi\theta & 0 \\
            0 & -i e^{-2\pi i(\phi_0 - \phi_1)}\sin\pi\theta & \cos\pi\theta & 0 \\
            -i e^{2\pi i(\phi_0 + \phi_1)}\sin\pi\theta & 0 & 0 & \cos\pi\theta
        \end{pmatrix}

    ::

        native = QuantumCircuit(2)
        native.append(MSGate(0, 0, 0.25), [0, 1])
        native.measure_all()
        sorted(backend.run(native, gateset="native").get_counts())  # -> ['00', '11']
    """

    def __init__(
        self,
        phi0: ParameterValueType,
        phi1: ParameterValueType,
        theta: ParameterValueType = 0.25,
        label: str | None = None,
    ) -> None:
        """Make the gate.

        Args:
            phi0: The axis on the first qubit, in turns from X.
            phi1: The axis on the second qubit, in turns from X.
            theta: The angle, in turns; at 0.25 it entangles fully.
            label: The name in drawings.
        """
        super().__init__("ms", 2, [phi0, phi1, theta], label=label)

    def _define(self) -> None:
        phi0, phi1, theta = self.params
        self.definition = QuantumCircuit(2, name=self.name)
        self.definition.rz(-_TURN * phi0, 0)
        self.definition.rz(-_TURN * phi1, 1)
        self.definition.rxx(_TURN * theta, 0, 1)
        self.definition.rz(_TURN * phi0, 0)
        self.definition.rz(_TURN * phi1, 1)

    def inverse(self, annotated: bool = False) -> MSGate:  # noqa: ARG002 - it is never needed
        """Return the gate about the opposite axis: IonQ takes no angles below 0."""
        phi0, phi1, theta = self.params
        return MSGate(phi0 + 0.5, phi1, theta)

    @staticmethod
    def _matrix(*parameters: float) -> NDArray[np.complex128]:
        phi0, phi1, theta = parameters
        cosine, sine = math.cos(math.pi * theta), -1j * math.sin(math.pi * theta)
        both, between = np.exp(1j * _TURN * (phi0 + phi1)), np.exp(1j * _TURN * (phi0 - phi1))
        return np.array(
            [
                [cosine, 0, 0, sine / both],
                [0, cosine, sine * between, 0],
                [0, sine / between, cosine, 0],
                [sine * both, 0, 0, cosine],
            ],
            dtype=np.complex128,
        )


# QPY stores a gate by the name of its class and reads it as Qiskit's own of that name, of which
# there is an `MSGate`. A class of another name is read as a gate with a definition.
MSGate.__name__ = "IonQMSGate"


class ZZGate(_NativeGate):
    r"""The gate with which Forte entangles.

    .. math::

        ZZ(\theta) = \mathrm{diag}(e^{-i\pi\theta}, e^{i\pi\theta}, e^{i\pi\theta}, e^{-i\pi\theta})

    ::

        native = QuantumCircuit(2)
        native.append(ZZGate(0.25), [0, 1])
        native.measure_all()
        backend.run(native, gateset="native", shots=10).get_counts()  # -> {'00': 10}
    """

    def __init__(self, theta: ParameterValueType, label: str | None = None) -> None:
        """Make the gate.

        Args:
            theta: The angle, in turns; at 0.25 it entangles fully.
            label: The name in drawings.
        """
        super().__init__("zz", 2, [theta], label=label)

    def _define(self) -> None:
        (theta,) = self.params
        self.definition = QuantumCircuit(2, name=self.name)
        self.definition.rzz(_TURN * theta, 0, 1)

    def inverse(self, annotated: bool = False) -> ZZGate:  # noqa: ARG002 - it is never needed
        """Return the gate of the opposite angle."""
        return ZZGate(-self.params[0])

    @staticmethod
    def _matrix(*parameters: float) -> NDArray[np.complex128]:
        (theta,) = parameters
        signs = np.array([-1, 1, 1, -1])
        return np.diag(np.exp(1j * math.pi * theta * signs)).astype(np.complex128)


@functools.cache
def add_equivalences() -> None:
    """Add the equivalences of Qiskit's gates and native gates to Qiskit's session library, once.

    A native target needs them; `target_for` calls this.

    ::

        from qiskit import transpile
        from qiskit.circuit.library import Measure
        from qiskit.transpiler import Target

        target = Target(num_qubits=2)
        for instruction in (GPIGate(0), GPI2Gate(0), MSGate(0, 0, 0.25), Measure()):
            target.add_instruction(instruction)
        add_equivalences()
        transpile(circuit, target=target).count_ops()["ms"]  # -> 1
    """
    for gate, circuit in _equivalences():
        SessionEquivalenceLibrary.add_equivalence(gate, circuit)


def _equivalences() -> Iterator[tuple[Gate, QuantumCircuit]]:
    """Yield gates, each with a circuit that is equal to it with its global phase.

    They are Qiskit's gates in native ones, from which the transpiler derives the rest, and native
    gates in Qiskit's: the transpiler ignores the definition of a gate that is in the library. A
    turn about Z is two half turns about axes that differ by half of it.
    """
    theta, phi, lam = (Parameter(name) for name in ("theta", "phi", "lam"))

    for gate in (GPIGate(phi), GPI2Gate(phi), MSGate(phi, lam, theta), ZZGate(theta)):
        yield gate, gate.definition

    yield library.XGate(), _circuit(1, (GPIGate(0), 0))
    yield library.YGate(), _circuit(1, (GPIGate(0.25), 0))
    yield library.HGate(), _circuit(1, (GPI2Gate(0.25), 0), (GPIGate(0), 0))
    yield library.SXGate(), _circuit(1, (GPI2Gate(0), 0), phase=math.pi / 4)
    yield library.SXdgGate(), _circuit(1, (GPI2Gate(0.5), 0), phase=-math.pi / 4)
    about_z = ((GPIGate(0), 0), (GPIGate(theta / (2 * _TURN)), 0))
    yield library.RZGate(theta), _circuit(1, *about_z)
    yield library.PhaseGate(theta), _circuit(1, *about_z, phase=theta / 2)
    yield (
        library.UGate(theta, phi, lam),
        _circuit(
            1,
            (GPI2Gate(0.5 - lam / _TURN), 0),
            (GPIGate((theta + phi - lam) / (2 * _TURN)), 0),
            (GPI2Gate(0.5 + phi / _TURN), 0),
            phase=(phi + lam) / 2 - math.pi / 2,
        ),
    )

    turns = theta / _TURN
    yield library.RXXGate(theta), _circuit(2, (MSGate(0, 0, turns), 0, 1))
    yield library.RYYGate(theta), _circuit(2, (MSGate(0.25, 0.25, turns), 0, 1))
    yield library.RZZGate(theta), _between(GPI2Gate(0.75), MSGate(0, 0, turns))
    yield library.RXXGate(theta), _between(GPI2Gate(0.75), ZZGate(turns))
    yield library.RYYGate(theta), _between(GPI2Gate(0), ZZGate(turns))
    yield library.RZZGate(theta), _circuit(2, (ZZGate(turns), 0, 1))

    def back(qubit: int) -> tuple[tuple[Gate, int], ...]:
        """Return a quarter turn about Z, backwards."""
        return (GPIGate(0), qubit), (GPIGate(-0.125), qubit)

    eighth = -math.pi / 4
    by_zz = ((ZZGate(0.25), 0, 1), *back(0), *back(1))
    yield library.CZGate(), _circuit(2, *by_zz, phase=eighth)
    by_zz = ((GPI2Gate(0.75), 1), (ZZGate(0.25), 0, 1), (GPI2Gate(0.25), 1), (GPI2Gate(0.5), 1))
    yield library.CXGate(), _circuit(2, *by_zz, *back(0), phase=eighth)
    by_ms = ((GPI2Gate(0.25), 0), (MSGate(0, 0), 0, 1), (GPI2Gate(0.5), 0), (GPI2Gate(0.5), 1))
    yield library.CXGate(), _circuit(2, *by_ms, (GPI2Gate(0.75), 0), phase=eighth)


def _circuit(
    width: int, *gates: tuple[Gate | int, ...], phase: ParameterValueType = 0.0
) -> QuantumCircuit:
    circuit = QuantumCircuit(width, global_phase=phase)
    for gate, *qubits in gates:
        circuit.append(gate, qubits)
    return circuit


def _between(turn: GPI2Gate, entangler: Gate) -> QuantumCircuit:
    """Return a gate on two qubits between a turn of both and its inverse."""
    turns = [(turn, 0), (turn, 1)]
    back = [(turn.inverse(), 0), (turn.inverse(), 1)]
    return _circuit(2, *turns, (entangler, 0, 1), *back)


__all__ = ["GPI2Gate", "GPIGate", "MSGate", "ZZGate", "add_equivalences"]
