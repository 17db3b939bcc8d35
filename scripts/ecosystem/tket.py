"""pytket: circuits that it compiles, on the backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe import attempt, done, same_as_aer, seeded
from pytket.circuit import Circuit, OpType
from pytket.extensions.qiskit import qiskit_to_tk, tk_to_qiskit
from pytket.passes import AutoRebase, FullPeepholeOptimise, SynthesiseTket
from qiskit import QuantumCircuit

if TYPE_CHECKING:
    from ionq_toolkit.backend import IonQBackend


def example() -> QuantumCircuit:
    """Return a circuit with gates of several kinds."""
    circuit = QuantumCircuit(3, 3)
    circuit.h(0)
    circuit.ccx(0, 1, 2)
    circuit.rzz(0.4, 0, 1)
    circuit.ry(0.7, 1)
    circuit.cx(1, 2)
    circuit.measure(range(3), range(3))
    return circuit


def written(backend: IonQBackend) -> None:
    """Run a circuit that was written for pytket."""
    circuit = Circuit(3, 3).H(0).CX(0, 1).CX(1, 2).Rz(0.3, 2).H(2).measure_all()
    same_as_aer(tk_to_qiskit(circuit), backend)


def optimized(backend: IonQBackend, passes: object) -> None:
    """Run a circuit of Qiskit that pytket has optimized."""
    circuit = qiskit_to_tk(example())
    passes.apply(circuit)
    same_as_aer(tk_to_qiskit(circuit), backend)


if __name__ == "__main__":
    provider = seeded()
    rebased = AutoRebase({OpType.CX, OpType.Rz, OpType.Ry, OpType.H})
    for gateset in ("qis", "native"):
        backend = provider.get_backend("simulator", gateset=gateset)
        attempt(f"written for pytket, {gateset}", written, backend)
        for name, passes in (
            ("FullPeepholeOptimise", FullPeepholeOptimise()),
            ("SynthesiseTket", SynthesiseTket()),
            ("AutoRebase", rebased),
        ):
            attempt(f"{name}, {gateset}", optimized, backend, passes)
    done()
