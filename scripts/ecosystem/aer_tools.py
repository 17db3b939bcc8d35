"""Tools of Aer and Qiskit that read a backend."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import matplotlib as mpl
from probe import attempt, done, near, seeded
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import XGate
from qiskit.exceptions import MissingOptionalLibraryError
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.quantum_info import SparsePauliOp
from qiskit.result import Result
from qiskit.transpiler import InstructionDurations, PassManager, generate_preset_pass_manager
from qiskit.transpiler.passes import (
    ALAPScheduleAnalysis,
    PadDynamicalDecoupling,
    VF2PostLayout,
)
from qiskit.visualization import plot_gate_map
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

if TYPE_CHECKING:
    from ionq_toolkit.backend import IonQBackend

mpl.use("Agg")


def bell() -> QuantumCircuit:
    """Return a measured Bell pair."""
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def from_backend(backend: IonQBackend) -> None:
    """Simulate a device on Aer: mostly 00 and 11."""
    simulator = AerSimulator.from_backend(backend)
    counts = simulator.run(transpile(bell(), simulator), shots=2000).result().get_counts()
    near((counts.get("00", 0) + counts.get("11", 0)) / 2000, 1.0, 0.05)


def noise_model(backend: IonQBackend) -> None:
    """Read a noise model that has errors."""
    model = NoiseModel.from_backend(backend)
    if model.is_ideal():
        raise AssertionError("The noise model has no errors.")


def gate_map(backend: IonQBackend) -> None:
    """Draw the map of the gates."""
    try:
        plot_gate_map(backend)
    except MissingOptionalLibraryError as error:
        if "Graphviz" not in str(error):  # it has read the pairs, and cannot draw them
            raise


def decoupling(backend: IonQBackend) -> None:
    """Fill the idle time of a qubit with pulses."""
    circuit = QuantumCircuit(3, 3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.measure(range(3), range(3))
    durations = backend.target.durations()
    if not isinstance(durations, InstructionDurations):
        raise TypeError(durations)
    sent = transpile(circuit, backend, optimization_level=0)
    pulses = (
        XGate()
        if backend.gateset() == "qis"
        else backend.target.operation_from_name("gpi").__class__(0)
    )
    passes = PassManager(
        [
            ALAPScheduleAnalysis(target=backend.target),
            PadDynamicalDecoupling(target=backend.target, dd_sequence=[pulses, pulses]),
        ]
    )
    if passes.run(sent).count_ops()[pulses.name] <= sent.count_ops().get(pulses.name, 0):
        raise AssertionError("No pulse was inserted.")


def layout(backend: IonQBackend) -> None:
    """Let the transpiler choose qubits by their errors."""
    if backend.target["measure"][(0,)].error is None:
        raise AssertionError("The target has no errors.")
    sent = transpile(bell(), backend, optimization_level=3, seed_transpiler=1)
    VF2PostLayout(target=backend.target, seed=1, strict_direction=False)
    near(sum(backend.run(sent, shots=200).result().get_counts().values()), 200, 0)


def level(backend: IonQBackend, number: int) -> None:
    """Transpile and run."""
    sent = transpile(bell(), backend, optimization_level=number, seed_transpiler=1)
    near(sum(backend.run(sent, shots=200).result().get_counts().values()), 200, 0)


def round_trip(backend: IonQBackend) -> None:
    """Read a result from its dict."""
    result = backend.run(transpile(bell(), backend), shots=200).result()
    if Result.from_dict(result.to_dict()).get_counts() != result.get_counts():
        raise AssertionError("The counts differ.")


def primitives(backend: IonQBackend) -> None:
    """Run Qiskit's primitives."""
    passes = generate_preset_pass_manager(1, backend=backend)
    sent = passes.run(bell())
    data = BackendSamplerV2(backend=backend).run([sent], shots=200).result()[0].data
    near(sum(data.c.get_counts().values()), 200, 0)
    pair = passes.run(bell().remove_final_measurements(inplace=False))
    observable = SparsePauliOp("ZZ")
    if pair.layout is not None:
        observable = observable.apply_layout(pair.layout)
    value = BackendEstimatorV2(backend=backend).run([(pair, observable)]).result()[0].data.evs
    near(float(value), 1.0, 0.1)


def pickled(backend: IonQBackend) -> None:
    """Send the target to another process."""
    if pickle.loads(pickle.dumps(backend.target)).num_qubits != backend.num_qubits:  # noqa: S301 - its own
        raise AssertionError("The target is another one.")


if __name__ == "__main__":
    provider = seeded()
    plain = {
        "simulator": provider.get_backend("simulator"),
        "simulator, native": provider.get_backend("simulator", gateset="native"),
        "QPU": provider.get_backend("forte-1"),
    }
    for name, backend in plain.items():
        for number in range(4):
            attempt(f"level {number}, {name}", level, backend, number)
        for function in (round_trip, primitives, pickled):
            attempt(f"{function.__name__}, {name}", function, backend)
    for gateset in ("qis", "native"):
        backend = provider.get_backend("forte-1", gateset=gateset).calibrated(num_qubits=6)
        for function in (
            from_backend,
            noise_model,
            gate_map,
            decoupling,
            layout,
            primitives,
            pickled,
        ):
            attempt(f"{function.__name__}, calibrated QPU, {gateset}", function, backend)
    ideal = provider.get_backend("simulator").calibrated(num_qubits=6)
    for function in (from_backend, gate_map):
        attempt(f"{function.__name__}, simulator", function, ideal)
    done()
