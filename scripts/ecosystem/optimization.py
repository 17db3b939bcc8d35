"""qiskit-optimization: QAOA and Grover's optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe import attempt, done, near, seeded
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_optimization import QuadraticProgram
from qiskit_optimization.algorithms import GroverOptimizer, MinimumEigenOptimizer
from qiskit_optimization.minimum_eigensolvers import QAOA
from qiskit_optimization.optimizers import COBYLA
from qiskit_optimization.utils import algorithm_globals

from ionq_toolkit.primitives import SamplerV2

if TYPE_CHECKING:
    from ionq_toolkit.backend import IonQBackend


def triangle() -> QuadraticProgram:
    """Return the maximum cut of a triangle: 2."""
    program = QuadraticProgram()
    for name in "abc":
        program.binary_var(name)
    pairs = {("a", "b"): -2, ("b", "c"): -2, ("a", "c"): -2}
    program.maximize(linear=dict.fromkeys("abc", 2), quadratic=pairs)
    return program


def qaoa(backend: IonQBackend) -> None:
    """Cut the triangle by QAOA."""
    passes = generate_preset_pass_manager(1, backend=backend)
    solver = QAOA(sampler=SamplerV2(backend), optimizer=COBYLA(maxiter=15), pass_manager=passes)
    near(MinimumEigenOptimizer(solver).solve(triangle()).fval, 2, 1e-9)


def grover(backend: IonQBackend) -> None:
    """Maximize 2a - b by Grover's search."""
    program = QuadraticProgram()
    program.binary_var("a")
    program.binary_var("b")
    program.maximize(linear={"a": 2, "b": -1})
    passes = generate_preset_pass_manager(1, backend=backend)
    solver = GroverOptimizer(3, num_iterations=8, sampler=SamplerV2(backend), pass_manager=passes)
    near(solver.solve(program).fval, 2, 1e-9)


if __name__ == "__main__":
    algorithm_globals.random_seed = 7
    provider = seeded()
    places = {
        "ideal": provider.get_backend("simulator"),
        "native": provider.get_backend("simulator", gateset="native"),
        "QPU": provider.get_backend("forte-1"),
    }
    for place, backend in places.items():
        attempt(f"QAOA, {place}", qaoa, backend)
        attempt(f"Grover, {place}", grover, backend)
    done()
