"""qiskit-nature: the ground state of H2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from probe import attempt, done, near, seeded
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_algorithms import VQE
from qiskit_algorithms.optimizers import COBYLA
from qiskit_nature.second_q.circuit.library import UCCSD, HartreeFock
from qiskit_nature.second_q.drivers import PySCFDriver
from qiskit_nature.second_q.mappers import JordanWignerMapper, ParityMapper

from ionq_toolkit.primitives import EstimatorV2

if TYPE_CHECKING:
    from ionq_toolkit.backend import IonQBackend


def ground_state(backend: IonQBackend, kind: str, tolerance: float) -> None:
    """Find the electronic energy, and compare it with exact diagonalization."""
    problem = PySCFDriver(atom="H 0 0 0; H 0 0 0.735").run()
    mapper = {
        "parity": ParityMapper(num_particles=problem.num_particles),
        "Jordan-Wigner": JordanWignerMapper(),
    }[kind]
    hamiltonian = mapper.map(problem.hamiltonian.second_q_op())
    exact = np.linalg.eigvalsh(hamiltonian.to_matrix())[0]
    sizes = problem.num_spatial_orbitals, problem.num_particles, mapper
    ansatz = UCCSD(*sizes, initial_state=HartreeFock(*sizes))
    passes = generate_preset_pass_manager(1, backend=backend)
    estimator = EstimatorV2(backend, options={"default_precision": 0.02})
    solver = VQE(
        estimator,
        passes.run(ansatz),
        COBYLA(maxiter=25),
        initial_point=[0.0] * ansatz.num_parameters,
    )
    observable = hamiltonian
    if solver.ansatz.layout is not None:
        observable = hamiltonian.apply_layout(solver.ansatz.layout)
    near(solver.compute_minimum_eigenvalue(observable).eigenvalue.real, exact, tolerance)


if __name__ == "__main__":
    provider = seeded()
    simulator = provider.get_backend("simulator")
    for kind in ("parity", "Jordan-Wigner"):
        attempt(f"H2, {kind}, ideal", ground_state, simulator, kind, 0.1)
    native = provider.get_backend("simulator", gateset="native")
    attempt("H2, parity, native", ground_state, native, "parity", 0.1)
    attempt("H2, parity, QPU", ground_state, provider.get_backend("forte-1"), "parity", 0.25)
    done()
