"""qiskit-algorithms: its algorithms over Qiskit's primitives and ours, on several backends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from probe import attempt, done, near, seeded
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import efficient_su2
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_algorithms import (
    QAOA,
    VQE,
    AmplificationProblem,
    EstimationProblem,
    Grover,
    IterativeAmplitudeEstimation,
    PhaseEstimation,
)
from qiskit_algorithms.gradients import (
    FiniteDiffEstimatorGradient,
    ParamShiftEstimatorGradient,
    SPSAEstimatorGradient,
)
from qiskit_algorithms.optimizers import COBYLA
from qiskit_algorithms.utils import algorithm_globals

from ionq_toolkit.primitives import EstimatorV2, SamplerV2

#: H = ZZ + X1 + X2, whose lowest eigenvalue is -sqrt(5).
HAMILTONIAN = SparsePauliOp.from_list([("ZZ", 1), ("IX", 1), ("XI", 1)])
LOWEST = -math.sqrt(5)


def vqe(estimator: Any, transpiler: Any, tolerance: float) -> None:  # noqa: ANN401 - any of two packages
    """Find the lowest eigenvalue: the best of all values and starts, since shots mislead an optimizer."""
    ansatz = efficient_su2(2, su2_gates=["ry"], reps=1)
    found: list[float] = []
    for start in (0.4, -0.6, 1.2):
        solver = VQE(
            estimator,
            ansatz,
            COBYLA(maxiter=40),
            initial_point=[start] * ansatz.num_parameters,
            callback=lambda _count, _point, value, _metadata: found.append(float(np.real(value))),
            transpiler=transpiler,
        )
        solver.compute_minimum_eigenvalue(HAMILTONIAN)
        if min(found) < LOWEST + tolerance:
            break
    near(min(found), LOWEST, tolerance)


def qaoa(sampler: Any, transpiler: Any) -> None:  # noqa: ANN401 - any of two packages
    """Find the state that minimizes a diagonal operator: 01 or 10."""
    solver = QAOA(sampler, COBYLA(maxiter=15), reps=1, transpiler=transpiler)
    found = solver.compute_minimum_eigenvalue(SparsePauliOp("ZZ"))
    best = found.best_measurement["bitstring"]
    if best not in ("01", "10"):
        raise AssertionError(best)


def grover(sampler: Any, transpiler: Any) -> None:  # noqa: ANN401 - any of two packages
    """Amplify 11."""
    oracle = QuantumCircuit(2)
    oracle.cz(0, 1)
    problem = AmplificationProblem(oracle, is_good_state=["11"])
    settings = {"transpiler": transpiler} if transpiler else {}
    found = Grover(iterations=1, sampler=sampler, **settings).amplify(problem)
    if not found.oracle_evaluation or found.top_measurement != "11":
        raise AssertionError(found.top_measurement)


def phase(sampler: Any, transpiler: Any) -> None:  # noqa: ANN401 - any of two packages
    """Find the phase 1/4 of S on |1>."""
    unitary, state = QuantumCircuit(1), QuantumCircuit(1)
    unitary.s(0)
    state.x(0)
    settings = {"transpiler": transpiler} if transpiler else {}
    near(PhaseEstimation(3, sampler, **settings).estimate(unitary, state).phase, 0.25, 1e-9)


def amplitude(sampler: Any, transpiler: Any) -> None:  # noqa: ANN401 - any of two packages
    """Find a probability of 0.3."""
    state = QuantumCircuit(1)
    state.ry(2 * math.asin(math.sqrt(0.3)), 0)
    problem = EstimationProblem(state, objective_qubits=[0], grover_operator=None)
    settings = {"transpiler": transpiler} if transpiler else {}
    found = IterativeAmplitudeEstimation(0.05, 0.05, sampler=sampler, **settings).estimate(problem)
    near(found.estimation, 0.3, 0.12)


def gradient(kind: type, estimator: Any, transpiler: Any, **settings: Any) -> None:  # noqa: ANN401 - any of two
    """Find the slope of <Z> after RX: -sin."""
    theta = Parameter("theta")
    circuit = QuantumCircuit(1)
    circuit.rx(theta, 0)
    if transpiler:
        settings["transpiler"] = transpiler
    found = kind(estimator, **settings).run([circuit], [SparsePauliOp("Z")], [[0.7]]).result()
    near(found.gradients[0][0], -math.sin(0.7), 0.35)


if __name__ == "__main__":
    algorithm_globals.random_seed = 7
    provider = seeded()
    places = {
        "ideal": provider.get_backend("simulator"),
        "native": provider.get_backend("simulator", gateset="native"),
        "QPU": provider.get_backend("forte-1"),
    }
    for place, backend in places.items():
        passes = generate_preset_pass_manager(1, backend=backend)
        for whose, estimator, sampler in (
            ("Qiskit's", BackendEstimatorV2(backend=backend), BackendSamplerV2(backend=backend)),
            ("ours", EstimatorV2(backend), SamplerV2(backend)),
        ):
            for what, function, *arguments in (
                ("VQE", vqe, estimator, passes, 0.4),
                ("QAOA", qaoa, sampler, passes),
                ("Grover", grover, sampler, passes),
                ("phase estimation", phase, sampler, passes),
                ("amplitude estimation", amplitude, sampler, passes),
                ("parameter shift", gradient, ParamShiftEstimatorGradient, estimator, passes),
            ):
                attempt(f"{what}, {place}, {whose} primitives", function, *arguments)
            attempt(
                f"finite differences, {place}, {whose} primitives",
                lambda e=estimator, p=passes: gradient(
                    FiniteDiffEstimatorGradient, e, p, epsilon=0.5
                ),
            )
            attempt(
                f"SPSA gradient, {place}, {whose} primitives",
                lambda e=estimator, p=passes: gradient(
                    SPSAEstimatorGradient, e, p, epsilon=0.5, seed=1
                ),
            )
    done()
