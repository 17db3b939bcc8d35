"""Circuits that are too large or would take too long."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import psutil

from ionq_toolkit_fake.simulation.outcome import SimulationFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

    from ionq_toolkit_fake.simulation.program import Noise


#: A state of fewer qubits takes less than 100 MiB.
_ALWAYS_FITS = 22

#: What an exact simulation takes in all, for each of 2^n amplitudes: 16 bytes for itself, and 8 for
#: its probability, once in Aer and once handed over.
_BYTES_PER_AMPLITUDE = 28


class _Share:
    """What this process may take of the machine's memory.

    Attributes:
        gibibytes: So much of it.
    """

    gibibytes = math.inf


def share(workers: int) -> float:
    """Return what each of so many processes may take of the memory that is free now, in GiB."""
    return psutil.virtual_memory().available / workers / 2**30


def keep_to(gibibytes: float) -> None:
    """Take no more than this in this process."""
    _Share.gibibytes = gibibytes


def check_memory(num_qubits: int, *, mixed: bool = False) -> None:
    """Refuse a state that does not fit into memory, before anything is killed for it.

    Args:
        num_qubits: How many qubits it is of.
        mixed: Whether it is a density matrix.

    Raises:
        SimulationFailure: It does not.
    """
    doublings = 2 * num_qubits if mixed else num_qubits
    if doublings < _ALWAYS_FITS:
        return
    needed = 2**doublings * _BYTES_PER_AMPLITUDE / 2**30
    needs = f"a state of {num_qubits} qubits needs {needed:.1f} GiB of memory"
    free = psutil.virtual_memory().available / 2**30
    if needed > free:
        raise SimulationFailure("SimulationError", f"{needs}; {free:.1f} GiB are free")
    if needed > _Share.gibibytes:
        raise SimulationFailure(
            "SimulationError",
            f"{needs}; each worker may take {_Share.gibibytes:.1f} GiB: fewer workers, more each",
        )


#: The longest that a simulation may take by its estimate.
MOST_SECONDS = 3600.0

#: Seconds for one gate: in any case, for each amplitude of a state, and for each of a density
#: matrix, whose noise is applied as well.
_PER_GATE, _PER_AMPLITUDE, _PER_MIXED_AMPLITUDE = 5e-5, 2e-9, 6e-9

#: Seconds to decompose two tensors, for each number of a matrix of the bond's size, cubed.
_PER_BOND_CUBED = 1e-8

#: Bonds that are tried out, where it is not known how many a circuit needs.
_BONDS = (16, 32, 64, 128)

#: The widest bond that is told apart from wider ones.
_MOST_BITS = 40


def check_exact(num_qubits: int, gates: int) -> None:
    """Refuse an exact state that would take hours.

    Raises:
        SimulationFailure: It would.
    """
    _check(gates * (_PER_GATE + _PER_AMPLITUDE * 2**num_qubits), num_qubits, gates, None)


def check_shots(circuit: QuantumCircuit, shots: int, noise: Noise, *, mixed: bool) -> None:
    """Refuse shots of a noisy circuit that would take hours as states, or as a density matrix.

    Shots are one state until something goes wrong in one of them: after half of the gates, taken
    over all of them.

    Raises:
        SimulationFailure: They would.
    """
    gates, width = _gates(circuit), circuit.num_qubits
    if mixed:
        each = _PER_GATE + _PER_MIXED_AMPLITUDE * 4**width
        _check(sum(gates.values()) * each, width, sum(gates.values()), shots)
        return
    each = _PER_GATE + _PER_AMPLITUDE * 2**width
    fine = (1 - noise.one_qubit) ** gates[1] * (1 - noise.two_qubits) ** gates[2]
    states = 1 + shots * (1 - fine) / 2
    states = max(states, min(shots, 2 ** min(_measured_midway(circuit), _MOST_BITS)) / 2)
    _check(sum(gates.values()) * each * states, width, sum(gates.values()), shots)


def check_bonds(circuit: QuantumCircuit, shots: int, widest: Callable[[int], int]) -> None:
    """Refuse shots of a circuit that would take hours as a matrix product state.

    Args:
        circuit: What is to be run.
        shots: How often: each is a state of its own.
        widest: Returns the widest bond without noise, where none is allowed to be wider than it is
            told. Errors of single qubits change it little.

    Raises:
        SimulationFailure: They would.
    """
    gates = sum(_gates(circuit).values())
    steps = sum(max(places) - min(places) for places in _pairs(circuit))

    def seconds(bond: int) -> float:
        return shots * (gates * _PER_GATE + steps * _PER_BOND_CUBED * float(bond) ** 3)

    if seconds(2 ** bits_of_bonds(circuit)) <= MOST_SECONDS:
        return
    for bond in _BONDS:
        _check(seconds(bond), circuit.num_qubits, gates, shots)
        if widest(bond) < bond:
            return
    _check(math.inf, circuit.num_qubits, gates, shots)


def bits_of_bonds(circuit: QuantumCircuit) -> int:
    """Return to which power of two the bonds of a circuit's matrix product state may grow.

    Each gate across a cut between two qubits at most doubles what has to be kept there, twice: k
    gates across make matrices of 4^k, or as many as the smaller side has.
    """
    width: int = circuit.num_qubits
    crossing: NDArray[np.int64] = np.zeros(width, dtype=np.int64)
    for places in _pairs(circuit):
        crossing[min(places) : max(places)] += 2
    cuts = np.arange(1, width + 1)
    return int(np.minimum(crossing, np.minimum(cuts, width - cuts)).max())


def _pairs(circuit: QuantumCircuit) -> list[list[int]]:
    """Return the qubits of each gate that is on several."""
    place = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    return [
        [place[qubit] for qubit in item.qubits]
        for item in circuit.data
        if len(item.qubits) > 1 and item.operation.name != "barrier"
    ]


def _gates(circuit: QuantumCircuit) -> dict[int, int]:
    """Return how many gates are on one qubit, and how many on several."""
    alone = sum(
        len(item.qubits) == 1 and not item.clbits and item.operation.name != "barrier"
        for item in circuit.data
    )
    return {1: alone, 2: len(_pairs(circuit))}


def _measured_midway(circuit: QuantumCircuit) -> int:
    """Return how often a qubit that gates were on is reset, or measured with more gates to come."""
    touched: set[object] = set()
    measured: set[object] = set()
    midway = 0
    for item in circuit.data:
        name, qubits = item.operation.name, set(item.qubits)
        if name == "reset":
            midway += len(qubits & touched)
            touched -= qubits
            measured -= qubits
        elif name == "measure":
            measured |= qubits & touched
        elif name != "barrier":
            midway += len(qubits & measured)
            measured -= qubits
            touched |= qubits
    return midway


def _check(seconds: float, num_qubits: int, gates: int, shots: int | None) -> None:
    if seconds <= MOST_SECONDS:
        return
    how_long = f"{math.ceil(seconds / 3600)} hours or more" if seconds < math.inf else "many hours"
    what = "exactly" if shots is None else f"{shots} shots with noise"
    less = "fewer gates" if shots is None else "fewer shots"
    raise SimulationFailure(
        "SimulationTimeout",
        f"{gates} gates on {num_qubits} qubits, {what}, would take {how_long}; ionq_toolkit_fake "
        f"gives up at one. Use fewer qubits or {less}",
    )
