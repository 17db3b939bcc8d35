"""mitiq: error mitigation over the noise of `aria-1`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mitiq import MeasurementResult, cdr, ddd, pec, rem, zne
from mitiq.pec.representations import represent_operations_in_circuit_with_local_depolarizing_noise
from mitiq.rem import generate_inverse_confusion_matrix
from mitiq.zne.inference import LinearFactory, PolyFactory, RichardsonFactory
from mitiq.zne.scaling import fold_global
from probe import attempt, done, near, seeded
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import Statevector

if TYPE_CHECKING:
    from collections.abc import Callable

BACKEND = seeded().get_backend("simulator")
BACKEND.set_options(noise_model="aria-1")


def identity(depth: int) -> QuantumCircuit:
    """Return a circuit that does nothing, with 2 x depth gates on two qubits."""
    circuit = QuantumCircuit(2)
    for _ in range(depth):
        circuit.rx(0.3, 0)
        circuit.cx(0, 1)
        circuit.cx(0, 1)
        circuit.rx(-0.3, 0)
    return circuit


def counts_of(circuit: QuantumCircuit, shots: int = 8000) -> dict[str, int]:
    """Run a circuit on the noisy simulator."""
    circuit = circuit.copy()
    if not circuit.num_clbits:
        circuit.measure_all()
    return (
        BACKEND.run(transpile(circuit, BACKEND, optimization_level=0), shots=shots)
        .result()
        .get_counts()
    )


def ground(circuit: QuantumCircuit) -> float:
    """Return how often both qubits are 0."""
    counts = counts_of(circuit)
    return counts.get("00", 0) / sum(counts.values())


def bits(circuit: QuantumCircuit) -> MeasurementResult:
    """Return the outcomes of all shots."""
    rows = [
        [int(b) for b in outcome[::-1]]
        for outcome, n in counts_of(circuit).items()
        for _ in range(n)
    ]
    return MeasurementResult(rows)


def noiseless(circuit: QuantumCircuit) -> float:
    """Return how often both qubits are 0 without noise."""
    return float(Statevector(circuit).probabilities()[0])


def extrapolate(factory: object) -> None:
    """Zero-noise extrapolation is nearer to 1 than the noisy value is, or within 0.1."""
    settings = {"scale_noise": fold_global, "factory": factory}
    near(zne.execute_with_zne(identity(3), ground, **settings), 1.0, 0.1)


def readout() -> None:
    """Correct measurement errors by their confusion matrix."""
    circuit = QuantumCircuit(2)
    circuit.x([0, 1])
    matrix = generate_inverse_confusion_matrix(2, 0.004, 0.004)
    from mitiq.observable import Observable, PauliString  # noqa: PLC0415 - this case's only

    value = rem.execute_with_rem(
        circuit, bits, Observable(PauliString("ZZ")), inverse_confusion_matrix=matrix
    )
    near(np.real(value), 1.0, 0.1)


def decoupling() -> None:
    """Insert pulses into idle times."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    for _ in range(8):
        circuit.x(1)
    circuit.h(0)
    near(ddd.execute_with_ddd(circuit, ground, rule=ddd.rules.xx), 1.0, 0.2)


def cancellation() -> None:
    """Cancel errors by quasi-probabilities."""
    circuit = identity(1)
    operations = represent_operations_in_circuit_with_local_depolarizing_noise(circuit, 0.01)
    value = pec.execute_with_pec(
        circuit, ground, representations=operations, num_samples=40, random_state=1
    )
    near(np.real(value), 1.0, 0.2)


def regression() -> None:
    """Learn the noise from circuits close to Clifford ones."""
    circuit = transpile(identity(2), basis_gates=["rz", "sx", "x", "cx"], optimization_level=0)
    value = cdr.execute_with_cdr(
        circuit, ground, simulator=noiseless, num_training_circuits=6, random_state=1
    )
    near(np.real(value), 1.0, 0.2)


if __name__ == "__main__":
    cases: dict[str, Callable[[], None]] = {
        "ZNE, linear": lambda: extrapolate(LinearFactory([1.0, 2.0, 3.0])),
        "ZNE, Richardson": lambda: extrapolate(RichardsonFactory([1.0, 2.0, 3.0])),
        "ZNE, polynomial": lambda: extrapolate(PolyFactory([1.0, 2.0, 3.0, 4.0], order=2)),
        "REM": readout,
        "DDD": decoupling,
        "PEC": cancellation,
        "CDR": regression,
    }
    for name, function in cases.items():
        attempt(name, function)
    done()
