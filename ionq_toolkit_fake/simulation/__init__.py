"""Wire circuit -> QuantumCircuit -> Aer -> distribution.

Importing this package imports neither Qiskit nor Aer: the first simulation does.
"""

from ionq_toolkit_fake.simulation.program import Gate, Program
from ionq_toolkit_fake.simulation.runner import InlineExecutor, ProcessExecutor, simulate

__all__ = ["Gate", "InlineExecutor", "ProcessExecutor", "Program", "simulate"]
