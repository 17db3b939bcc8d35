"""qiskit-experiments: its documented flows, `experiment.run(backend)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from probe import attempt, done, near, seeded
from qiskit import QuantumCircuit
from qiskit.circuit.library import CXGate
from qiskit_experiments import library
from qiskit_experiments.framework import BatchExperiment, ParallelExperiment

if TYPE_CHECKING:
    from collections.abc import Callable

    from qiskit_experiments.framework import BaseExperiment

    from ionq_toolkit.backend import IonQBackend


def bell() -> QuantumCircuit:
    """Return a Bell pair, without a measurement."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def run(make: Callable[[], BaseExperiment], backend: IonQBackend, check: str | None) -> None:
    """Run an experiment as its documentation does, and check a fidelity that it reports."""
    data = make().run(backend, shots=1000).block_for_results()
    failed = [error for error in (data.errors(),) if error]
    if failed or data.job_status().name not in ("DONE",) or not str(data.status()).endswith("DONE"):
        raise AssertionError(f"{data.status()}: {failed}")
    if check:
        frame = data.analysis_results(check, dataframe=False)
        value = frame[0].value if isinstance(frame, list) else frame.value
        near(float(getattr(value, "nominal_value", value)), 1.0, 0.2)


FLOWS = {
    "StateTomography": (lambda: library.StateTomography(bell()), "state_fidelity"),
    "ProcessTomography": (lambda: library.ProcessTomography(bell()), "process_fidelity"),
    "MitigatedStateTomography": (
        lambda: library.MitigatedStateTomography(bell()),
        "state_fidelity",
    ),
    "StandardRB 1q": (lambda: library.StandardRB((0,), [1, 5, 10], num_samples=2, seed=1), None),
    "StandardRB 2q": (lambda: library.StandardRB((0, 1), [1, 3, 6], num_samples=2, seed=1), None),
    "InterleavedRB": (
        lambda: library.InterleavedRB(CXGate(), (0, 1), [1, 3, 6], num_samples=2, seed=1),
        None,
    ),
    "T1": (lambda: library.T1((0,), list(np.linspace(1e-3, 0.1, 5))), None),
    "T2Hahn": (lambda: library.T2Hahn((0,), list(np.linspace(1e-3, 0.1, 5))), None),
    "T2Ramsey": (
        lambda: library.T2Ramsey((0,), list(np.linspace(1e-6, 1e-4, 8)), osc_freq=2e4),
        None,
    ),
    "QuantumVolume": (lambda: library.QuantumVolume((0, 1), trials=5, seed=1), None),
    "LocalReadoutError": (lambda: library.LocalReadoutError((0, 1)), None),
    "CorrelatedReadoutError": (lambda: library.CorrelatedReadoutError((0, 1)), None),
    "ParallelExperiment": (
        lambda: ParallelExperiment(
            [library.StateTomography(QuantumCircuit(1), physical_qubits=(q,)) for q in (0, 1)],
            flatten_results=True,
        ),
        None,
    ),
    "BatchExperiment": (
        lambda: BatchExperiment(
            [library.LocalReadoutError((0, 1)), library.StateTomography(bell())],
            flatten_results=True,
        ),
        None,
    ),
}
PROVIDER = seeded()


def backends() -> dict[str, IonQBackend]:
    """Return the backends: ideal, noisy, a QPU, and native ones."""
    noisy = PROVIDER.get_backend("simulator")
    noisy.set_options(noise_model="aria-1")
    native = PROVIDER.get_backend("simulator", gateset="native")
    native.set_options(noise_model="forte-1")
    return {
        "ideal": PROVIDER.get_backend("simulator"),
        "noisy": noisy,
        "QPU": PROVIDER.get_backend("forte-1"),
        "native": native,
    }


if __name__ == "__main__":
    for where, backend in backends().items():
        for name, (make, check) in FLOWS.items():
            attempt(f"{name}, {where}", run, make, backend, check)
    done()
