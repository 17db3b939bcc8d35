"""Circuits run with Qiskit Aer: exactly, or shot by shot with noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

from ionq_toolkit_fake.simulation.compiler import circuit_of
from ionq_toolkit_fake.simulation.gates import BASIS, append
from ionq_toolkit_fake.simulation.outcome import Distribution, spread
from ionq_toolkit_fake.simulation.program import Program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qiskit.result import Result

    from ionq_toolkit_fake.simulation.program import Gate, Noise

#: Probabilities below this are rounding errors of amplitudes that are zero: double
#: precision leaves about 1e-33, a deep circuit 1e-28. IonQ's own limit is not published.
ZERO = 1e-20

#: Up to so many qubits a noisy circuit is simulated as a state; beyond, as a tensor network.
WIDEST_STATE = 26

#: What gates are labelled with, for Aer to add noise to them.
_LABELS = {1: "noisy on one qubit", 2: "noisy on two qubits"}
_NOISELESS = frozenset({"barrier", "reset", "id"})


def exact(program: Program) -> Distribution:
    """Return the exact distribution of a program over all its qubits.

    Outcomes of probability zero are absent. Only qubits that a gate touches are simulated.
    """
    active = program.active_qubits
    circuit = QuantumCircuit(max(1, len(active)))
    place = {qubit: index for index, qubit in enumerate(active)}
    for gate in program.gates:
        append(circuit, gate, program.gateset, [place[qubit] for qubit in gate.qubits])
    found = exact_circuit(circuit, range(circuit.num_qubits))
    return Distribution(spread(found.outcomes, active or (0,)), found.probabilities)


def exact_circuit(circuit: QuantumCircuit, qubits: Sequence[int]) -> Distribution:
    """Return the exact distribution of some qubits of a circuit without measurements.

    Args:
        circuit: Of gates that Aer knows.
        qubits: The qubits that an outcome consists of, the least significant first.
    """
    circuit = circuit.copy()
    circuit.save_probabilities(list(qubits))
    result = _finished(AerSimulator(method="statevector").run(circuit, shots=1).result())
    probabilities = result.data(0)["probabilities"]
    if not np.isclose(probabilities.sum(), 1.0):  # an angle beyond what a float can turn
        raise RuntimeError("the probabilities do not add up to 1")
    outcomes = np.flatnonzero(probabilities > ZERO)
    return Distribution(outcomes, probabilities[outcomes])


def sampled(program: Program, shots: int, noise: Noise, seed: int) -> NDArray[np.int64]:
    """Return the outcomes of `shots` runs of a program with noise, over all its qubits.

    Readout errors are not added.
    """
    active = program.active_qubits
    circuit = QuantumCircuit(max(1, len(active)))
    place = {qubit: index for index, qubit in enumerate(active)}
    for gate in program.gates:
        qubits = [place[qubit] for qubit in gate.qubits]
        if len(qubits) <= max(_LABELS):
            append(circuit, gate, program.gateset, qubits)
        else:
            circuit.compose(_narrow(gate), qubits, inplace=True)
    circuit.measure_all()
    values = sampled_circuit(circuit, shots, noise, seed)
    return spread(values, active or (0,))


def _narrow(gate: Gate) -> QuantumCircuit:
    """Return a gate, on its controls and then its targets, as gates on one and two qubits."""
    controls, width = len(gate.controls), len(gate.qubits)
    alone = gate._replace(controls=tuple(range(controls)), targets=tuple(range(controls, width)))
    circuit = circuit_of(Program(width, (alone,)))
    return transpile(circuit, basis_gates=list(BASIS), optimization_level=0)


def sampled_circuit(
    circuit: QuantumCircuit, shots: int, noise: Noise, seed: int
) -> NDArray[np.int64]:
    """Return the classical bits, as a number, that each of `shots` runs of a circuit ends with.

    Every gate gets the noise of its width. Readout errors are not added.
    """
    model = NoiseModel()
    labelled = circuit.copy_empty_like()
    for item in circuit.data:
        operation = item.operation
        label = _LABELS.get(operation.num_qubits)
        if label and operation.num_clbits == 0 and operation.name not in _NOISELESS:
            operation = operation.to_mutable()
            operation.label = label
        labelled.append(operation, item.qubits, item.clbits)
    for width, rate in ((1, noise.one_qubit), (2, noise.two_qubits)):
        if rate > 0:
            error = depolarizing_error(rate, width)
            model.add_all_qubit_quantum_error(error, _LABELS[width])
    wide = circuit.num_qubits > WIDEST_STATE
    simulator = AerSimulator(
        method="matrix_product_state" if wide else "automatic", noise_model=model
    )
    job = simulator.run(labelled, shots=shots, seed_simulator=seed)
    counts = _finished(job.result()).data(0)["counts"]
    values = np.array([int(key, 16) for key in counts], dtype=np.int64)
    each = np.repeat(values, np.array(list(counts.values()), dtype=np.int64))
    return np.random.default_rng(seed).permutation(each)  # Aer only counts: any order is as likely


def with_readout_errors(
    outcomes: NDArray[np.int64], bits: Sequence[int], noise: Noise, seed: int
) -> NDArray[np.int64]:
    """Return the outcomes with each of the bits read wrongly as often as the noise says."""
    if noise.readout <= 0:
        return outcomes
    generator = np.random.default_rng([seed, 1])
    flips = np.zeros_like(outcomes)
    for bit in bits:
        flips |= (generator.random(len(outcomes)) < noise.readout).astype(np.int64) << bit
    return outcomes ^ flips


def _finished(result: Result) -> Result:
    if not result.success:
        details = result.results[0].status if result.results else result.status
        raise RuntimeError(f"Aer could not simulate the circuit: {details}")
    return result
