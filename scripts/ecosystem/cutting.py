"""qiskit-addon-cutting: a circuit is cut, its parts are run, and the values are put together again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe import attempt, done, near, seeded
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_addon_cutting import (
    generate_cutting_experiments,
    partition_problem,
    reconstruct_expectation_values,
)

from ionq_toolkit.primitives import SamplerV2

if TYPE_CHECKING:
    from ionq_toolkit.backend import IonQBackend


def gate_cut(backend: IonQBackend, tolerance: float) -> None:
    """Cut the CX between two pairs of qubits."""
    circuit = QuantumCircuit(4)
    for qubit in range(4):
        circuit.ry(0.4 + 0.1 * qubit, qubit)
    for pair in ((0, 1), (2, 3), (1, 2)):
        circuit.cx(*pair)
    observable = SparsePauliOp(["ZZII", "IZZI", "IIZZ"])
    parts = partition_problem(circuit, partition_labels="AABB", observables=observable.paulis)
    experiments, coefficients = generate_cutting_experiments(
        parts.subcircuits, parts.subobservables, num_samples=1000
    )
    passes = generate_preset_pass_manager(1, backend=backend)
    sampler = SamplerV2(backend)
    results = {
        label: sampler.run(passes.run(some), shots=4000).result()
        for label, some in experiments.items()
    }
    values = reconstruct_expectation_values(results, coefficients, parts.subobservables)
    exact = Statevector(circuit).expectation_value(observable).real
    near(sum(c * v for c, v in zip(observable.coeffs.real, values, strict=True)), exact, tolerance)


if __name__ == "__main__":
    provider = seeded()
    attempt("gate cut, ideal", gate_cut, provider.get_backend("simulator"), 0.2)
    attempt("gate cut, native", gate_cut, provider.get_backend("simulator", gateset="native"), 0.2)
    attempt("gate cut, QPU", gate_cut, provider.get_backend("forte-1"), 0.5)
    done()
