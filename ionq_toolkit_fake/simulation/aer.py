"""A program -> its exact distribution, with Qiskit Aer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from ionq_toolkit_fake.simulation.gates import qiskit_gate

if TYPE_CHECKING:
    from ionq_toolkit_fake.simulation.program import Program

#: Probabilities below this are rounding errors of amplitudes that are zero: double
#: precision leaves about 1e-33, a deep circuit 1e-28. IonQ's own limit is not published.
ZERO = 1e-20


def distribution(program: Program) -> dict[str, float]:
    """Return the program's exact distribution, as IonQ writes it.

    Returns:
        Decimal outcomes, qubit 0 the least significant bit, in increasing order, and their
        probabilities. Outcomes of probability zero are absent.
    """
    circuit = QuantumCircuit(program.num_qubits)
    for gate in program.gates:
        circuit.append(qiskit_gate(gate), [*gate.controls, *gate.targets])
    circuit.save_probabilities()
    simulator = AerSimulator(method="statevector")
    result = simulator.run(circuit, shots=1).result()
    if not result.success:
        raise RuntimeError(f"Aer could not simulate the circuit: {result.status}")
    probabilities = result.data(0)["probabilities"]
    outcomes = np.flatnonzero(probabilities > ZERO)
    return {
        str(outcome): probability
        for outcome, probability in zip(
            outcomes.tolist(), probabilities[outcomes].tolist(), strict=True
        )
    }
