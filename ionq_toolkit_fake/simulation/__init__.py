"""Wire circuit -> QuantumCircuit -> Aer -> outcome.

Importing this package imports neither Qiskit nor Aer: the first simulation does.
"""

from ionq_toolkit_fake.simulation.executors import (
    InlineExecutor,
    ProcessExecutor,
    simulate,
    simulate_several,
)
from ionq_toolkit_fake.simulation.noise import NOISE_MODELS, NoiseModel, of_fidelities
from ionq_toolkit_fake.simulation.outcome import (
    Distribution,
    Optimum,
    Outcome,
    SimulationFailure,
    Value,
    Variant,
)
from ionq_toolkit_fake.simulation.program import (
    NATIVE_GATES,
    QIS_GATES,
    Energy,
    Gate,
    GateKind,
    MaxCut,
    Noise,
    Program,
    Qasm3,
    Qpu,
    Task,
)

__all__ = [
    "NATIVE_GATES",
    "NOISE_MODELS",
    "QIS_GATES",
    "Distribution",
    "Energy",
    "Gate",
    "GateKind",
    "InlineExecutor",
    "MaxCut",
    "Noise",
    "NoiseModel",
    "Optimum",
    "Outcome",
    "ProcessExecutor",
    "Program",
    "Qasm3",
    "Qpu",
    "SimulationFailure",
    "Task",
    "Value",
    "Variant",
    "of_fidelities",
    "simulate",
    "simulate_several",
]
