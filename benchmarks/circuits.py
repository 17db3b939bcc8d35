"""Circuits that several rows run."""

from __future__ import annotations

import itertools

import numpy as np
from qiskit import QuantumCircuit


def bell() -> QuantumCircuit:
    """Return a Bell pair, measured."""
    return ghz(2)


def ghz(width: int) -> QuantumCircuit:
    """Return a GHZ state, measured."""
    circuit = QuantumCircuit(width)
    circuit.h(0)
    for qubit in range(width - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def dense(width: int, seed: int = 1, layers: int = 3) -> QuantumCircuit:
    """Return layers of rotations and CNOTs: every outcome has a probability."""
    generator, circuit = np.random.default_rng(seed), QuantumCircuit(width)
    for _ in range(layers):
        for qubit in range(width):
            circuit.ry(float(generator.uniform(0.3, 2.8)), qubit)
            circuit.rz(float(generator.uniform(0, 6)), qubit)
        for control, target in itertools.pairwise(generator.permutation(width).tolist()):
            circuit.cx(control, target)
    circuit.measure_all()
    return circuit


def long(width: int, gates: int) -> QuantumCircuit:
    """Return a circuit of so many gates, every other of them a CNOT."""
    generator, circuit = np.random.default_rng(2), QuantumCircuit(width)
    for angle in generator.uniform(0, 6, gates // 2).tolist():
        one, other = generator.choice(width, 2, replace=False).tolist()
        circuit.ry(angle, one)
        circuit.cx(one, other)
    circuit.measure_all()
    return circuit
