"""qiskit-machine-learning: kernels, networks and a classifier over the toolkit's primitives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from probe import attempt, done, near, seeded
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_machine_learning.algorithms import QSVC, VQC
from qiskit_machine_learning.kernels import FidelityQuantumKernel
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN
from qiskit_machine_learning.optimizers import COBYLA
from qiskit_machine_learning.state_fidelities import ComputeUncompute

from ionq_toolkit.primitives import EstimatorV2, SamplerV2

if TYPE_CHECKING:
    from ionq_toolkit.backend import IonQBackend

POINTS = np.array([[0.1, 0.2], [0.2, 0.1], [2.0, 2.1], [2.1, 1.9]])
LABELS = np.array([0, 0, 1, 1])


def kernel(backend: IonQBackend) -> None:
    """Train a classifier on a kernel: 1 on its diagonal, symmetric."""
    passes = generate_preset_pass_manager(1, backend=backend)
    fidelity = ComputeUncompute(SamplerV2(backend), pass_manager=passes)
    found = FidelityQuantumKernel(feature_map=zz_feature_map(2, reps=1), fidelity=fidelity)
    matrix = found.evaluate(POINTS)
    near(np.abs(matrix - matrix.T).max(), 0, 0.1)
    if QSVC(quantum_kernel=found).fit(POINTS, LABELS).score(POINTS, LABELS) < 0.75:  # noqa: PLR2004
        raise AssertionError("The points are separable.")


def estimator_network(backend: IonQBackend) -> None:
    """Evaluate <Z> after two rotations, and its slope."""
    x, w = Parameter("x"), Parameter("w")
    circuit = QuantumCircuit(1)
    circuit.rx(x, 0)
    circuit.rx(w, 0)
    network = EstimatorQNN(
        circuit=circuit,
        observables=SparsePauliOp("Z"),
        input_params=[x],
        weight_params=[w],
        estimator=EstimatorV2(backend),
        pass_manager=generate_preset_pass_manager(1, backend=backend),
    )
    near(network.forward([0.3], [0.4])[0][0], np.cos(0.7), 0.2)
    near(network.backward([0.3], [0.4])[1].ravel()[0], -np.sin(0.7), 0.25)


def sampler_network(backend: IonQBackend) -> None:
    """Evaluate the probabilities of one rotation, and their slopes."""
    w = Parameter("w")
    circuit = QuantumCircuit(1)
    circuit.rx(w, 0)
    network = SamplerQNN(
        circuit=circuit,
        weight_params=[w],
        sampler=SamplerV2(backend),
        pass_manager=generate_preset_pass_manager(1, backend=backend),
    )
    near(network.forward([], [0.7])[0][1], np.sin(0.35) ** 2, 0.15)
    network.backward([], [0.7])


def classifier(backend: IonQBackend) -> None:
    """Train a variational classifier for some steps."""
    found = VQC(
        feature_map=zz_feature_map(2, reps=1),
        ansatz=real_amplitudes(2, reps=1),
        optimizer=COBYLA(maxiter=5),
        sampler=SamplerV2(backend),
        pass_manager=generate_preset_pass_manager(1, backend=backend),
    )
    found.fit(POINTS, np.array([[1, 0], [1, 0], [0, 1], [0, 1]]))
    found.predict(POINTS)


if __name__ == "__main__":
    provider = seeded()
    places = {
        "ideal": provider.get_backend("simulator"),
        "native": provider.get_backend("simulator", gateset="native"),
        "QPU": provider.get_backend("forte-1"),
    }
    for place, backend in places.items():
        for function in (kernel, estimator_network, sampler_network, classifier):
            attempt(f"{function.__name__}, {place}", function, backend)
    done()
