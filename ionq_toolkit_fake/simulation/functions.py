"""Quantum functions: the energy of a Hamiltonian, and maxcut by QAOA."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit

from ionq_toolkit_fake.simulation import aer, qasm3
from ionq_toolkit_fake.simulation.compiler import pulses
from ionq_toolkit_fake.simulation.limits import check_midway
from ionq_toolkit_fake.simulation.outcome import (
    Distribution,
    Optimum,
    SimulationFailure,
    Value,
    merged,
    take,
)
from ionq_toolkit_fake.simulation.program import GRID, Gate, Noise, Program
from ionq_toolkit_fake.simulation.run import distribution_of
from ionq_toolkit_fake.simulation.run import run as simulate_circuits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ionq_toolkit_fake.simulation.program import Energy, MaxCut

_NOISELESS = Noise(0.0, 0.0)


def energy(task: Energy) -> Value:
    """Return the expected energy of the state that an ansatz prepares.

    Pauli strings are written as Qiskit does: the last character is for qubit 0. The variance is
    that of the estimate by single shots, each term measured on its own.

    Raises:
        SimulationFailure: The ansatz is no OpenQASM 3, or does not fit the Hamiltonian.
    """
    circuit = qasm3.load(task.ansatz, task.width).circuit
    check_midway(circuit, task.qpu)
    circuit = qasm3.before_measurement(circuit)
    width = circuit.num_qubits
    for term, _ in task.hamiltonian:
        if len(term) != width:
            raise SimulationFailure(
                "InvalidInput",
                f"the term {term} is not for the {width} qubits of the ansatz",
            )
    if task.constraints or task.cvar_alpha is not None:
        return _penalised(task, circuit)
    value = variance = 0.0
    for index, (term, coefficient) in enumerate(task.hamiltonian):
        mean = _mean_sign(term, circuit, task, task.seed + index)
        value += coefficient * mean
        variance += coefficient**2 * (1 - mean**2)
    return Value(value, variance)


def _mean_sign(term: str, circuit: QuantumCircuit, task: Energy, seed: int) -> float:
    """Return the expectation of a Pauli string."""
    letters = [(q, letter) for q, letter in enumerate(reversed(term)) if letter != "I"]
    if not letters:
        return 1.0
    rotated = circuit.copy()
    for qubit, letter in letters:
        if letter == "Y":
            rotated.sdg(qubit)
        if letter in "XY":
            rotated.h(qubit)
    found = _distribution(rotated, [qubit for qubit, _ in letters], task, seed)
    odd = np.zeros_like(found.outcomes)
    for place in range(len(letters)):
        odd ^= (found.outcomes >> place) & 1
    return float(np.sum(found.probabilities * (1 - 2 * odd.astype(float))))


def _distribution(
    circuit: QuantumCircuit, qubits: Sequence[int], task: Energy, seed: int
) -> Distribution:
    bits = range(len(qubits))  # one more is for what is measured midway
    measured = QuantumCircuit(circuit.num_qubits, len(qubits) + 1)
    measured.compose(circuit, circuit.qubits, [len(qubits)], inplace=True)
    measured.measure(qubits, bits)
    if task.shots is None:
        found = distribution_of(measured, seed).distribution
        return Distribution(*merged(take(found.outcomes, bits), found.probabilities))
    noise = task.noise or _NOISELESS
    if task.qpu is not None:
        measured = pulses(measured, task.qpu, seed)
    compiled = task.qpu is not None
    shots = take(aer.sampled_circuit(measured, task.shots, noise, seed, pulses=compiled), bits)
    shots = aer.with_readout_errors(shots, range(len(qubits)), noise, seed)
    return Distribution.of_shots(shots)


def _penalised(task: Energy, circuit: QuantumCircuit) -> Value:
    """Return the energy of a classical Hamiltonian under constraints, or of its best part.

    Each outcome x has the energy of its terms and `penalty` times the squared violation of every
    constraint; of all outcomes, or of those with the lowest energy that make up `cvar_alpha`
    of the probability, the mean is taken. IonQ does not publish the form of the penalty.
    """
    if any(set(term) - {"I", "Z"} for term, _ in task.hamiltonian):
        raise SimulationFailure(
            "InvalidInput", "constraints and cvar_alpha need a Hamiltonian of I and Z alone"
        )
    qubits = range(circuit.num_qubits)
    found = _distribution(circuit, qubits, task, task.seed)
    bits = (found.outcomes[:, None] >> np.arange(len(qubits)) & 1).astype(np.int64)
    energies = np.zeros(len(bits))
    for term, coefficient in task.hamiltonian:
        mask = np.array([letter == "Z" for letter in reversed(term)])
        energies += coefficient * (1 - 2 * (bits[:, mask].sum(axis=1) % 2))
    for quadratic, linear, bound in task.constraints:
        if len(linear) != len(qubits) or (
            quadratic and [len(row) for row in quadratic] != [len(qubits)] * len(qubits)
        ):
            raise SimulationFailure(
                "InvalidInput", f"a constraint is not for the {len(qubits)} qubits of the ansatz"
            )
        sides = bits @ np.array(linear) - bound
        if quadratic:
            sides += np.einsum("ni,ij,nj->n", bits, np.array(quadratic), bits)
        energies += task.penalty * np.maximum(0.0, sides) ** 2
    weights = found.probabilities
    if task.cvar_alpha is not None:
        order = np.argsort(energies, kind="stable")
        before = np.cumsum(weights[order]) - weights[order]
        weights = np.zeros_like(weights)
        weights[order] = np.clip(task.cvar_alpha - before, 0.0, found.probabilities[order])
        weights /= weights.sum()
    mean = float(np.sum(weights * energies))
    return Value(mean, float(np.sum(weights * (energies - mean) ** 2)))


def maxcut(task: MaxCut) -> Optimum:
    """Solve maxcut by a QAOA of one layer, its angles searched on a grid.

    The cost of a cut is the number of its edges, or the sum of their weights, with the sign
    changed: the lower the better.
    """
    best: tuple[float, int] = (np.inf, 0)
    outcomes = []
    for index, (gamma, beta) in enumerate(qaoa_angles()):
        program = qaoa_circuit(task, gamma, beta)
        run = task.run._replace(circuit=program, seed=task.run.seed + index)
        outcome = simulate_circuits(run)
        outcomes.append(outcome)
        assert outcome.distribution is not None, "an executed task has a distribution"  # noqa: S101
        costs = _cut_costs(task, outcome.distribution.outcomes)
        place = int(np.argmin(costs))
        best = min(best, (float(costs[place]), int(outcome.distribution.outcomes[place])))
    cost, value = best
    bits = "".join(str((value >> node) & 1) for node in range(task.num_nodes))
    return Optimum(cost, bits, tuple(outcomes))


def qaoa_angles() -> list[tuple[float, float]]:
    """Return the angles that are tried, as (gamma, beta) in radians."""
    steps = [(step + 1) / (GRID + 1) for step in range(GRID)]
    return [(gamma * np.pi, beta * np.pi / 2) for gamma, beta in itertools.product(steps, steps)]


def qaoa_circuit(task: MaxCut, gamma: float, beta: float) -> Program:
    """Return the circuit of one layer: a phase for each edge, then a mixer."""
    nodes = range(task.num_nodes)
    gates = [Gate("h", (node,)) for node in nodes]
    gates += [Gate("zz", (a, b), parameters=(-gamma * weight,)) for a, b, weight in task.edges]
    gates += [Gate("rx", (node,), parameters=(2 * beta,)) for node in nodes]
    return Program(task.num_nodes, tuple(gates))


def _cut_costs(task: MaxCut, outcomes: np.ndarray) -> np.ndarray:
    costs = np.zeros(len(outcomes))
    for a, b, weight in task.edges:
        costs -= weight * (((outcomes >> a) ^ (outcomes >> b)) & 1).astype(np.int64)
    return costs
