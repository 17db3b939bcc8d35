"""Circuits that measure and reset midway: every result followed, or drawn where they are many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from qiskit.circuit import Measure, Reset

from ionq_toolkit_fake.simulation.aer import ZERO
from ionq_toolkit_fake.simulation.gates import BASIS
from ionq_toolkit_fake.simulation.outcome import (
    Distribution,
    integer_type,
    merged,
    spread,
    take,
)
from ionq_toolkit_fake.simulation.qasm3 import last_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

#: The most qubits of a circuit that is followed here, and of one whose shots are drawn here.
WIDEST_FOLLOWED, WIDEST_DRAWN = 18, 10

#: The most amplitudes of all branches together, of 64 MiB, and the most branches; and the most
#: amplitudes of all shots that are drawn.
MOST_AMPLITUDES, MOST_BRANCHES, MOST_DRAWN = 2**22, 2**13, 2**21

#: The most shots that are drawn: a probability of one half is off by 0.002; and as many as are
#: drawn of a circuit with very many instructions, of which there are so many in all shots together.
MOST_SHOTS, FEWEST_SHOTS, MOST_STEPS = 2**16, 2**12, 2**23


class Followed(NamedTuple):
    """The distribution of a circuit.

    Attributes:
        distribution: The distribution over its classical bits.
        exact: Whether every result was followed; otherwise it is one of shots.
    """

    distribution: Distribution
    exact: bool


def follow(circuit: QuantumCircuit, seed: int) -> Followed | None:
    """Return the distribution of a circuit of gates of `BASIS`, measurements and resets.

    Returns:
        The distribution; None: it has too many branches, or too many qubits.
    """
    width = circuit.num_qubits
    if width > WIDEST_FOLLOWED:
        return None
    places = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    bits = {bit: index for index, bit in enumerate(circuit.clbits)}
    changed = last_change(circuit)
    written = {bit: index for index, item in enumerate(circuit.data) for bit in item.clbits}
    branches = _Branches(width, len(bits), np.random.default_rng([seed, 3]))
    final: dict[int, int] = {}  # the qubit that is measured at the end into each bit
    for index, item in enumerate(circuit.data):
        qubits = [places[qubit] for qubit in item.qubits]
        if isinstance(item.operation, Measure):
            counts = written[item.clbits[0]] == index
            bit = bits[item.clbits[0]] if counts else None
            if changed.get(item.qubits[0], -1) > index:
                branches.split(qubits[0], bit, reset=False)
            elif bit is not None:
                final[bit] = qubits[0]
        elif isinstance(item.operation, Reset):
            branches.split(qubits[0], None, reset=True)
        elif item.operation.name in BASIS:
            branches.apply(item.operation.to_matrix(), qubits)
        if branches.too_many:
            if width > WIDEST_DRAWN:
                return None
            steps = max(FEWEST_SHOTS, MOST_STEPS // len(circuit.data))
            branches.draw(min(MOST_SHOTS, MOST_DRAWN >> width, steps))
    return Followed(branches.distribution(final), branches.exact)


class _Branches:
    """States of all qubits, each with the bits that were seen on the way to it.

    The norm of a state is how probable its branch is. Of shots that are drawn, each is as probable.
    """

    def __init__(self, width: int, bits: int, generator: np.random.Generator) -> None:
        self._width = width
        self._states: NDArray[np.complex128] = np.zeros((1,) + (2,) * width, dtype=np.complex128)
        self._states[(0,) * (width + 1)] = 1
        self._seen: NDArray[Any] = np.zeros(1, dtype=integer_type(bits))
        self._generator = generator
        self._merged = 1  # how many there were when they were last merged
        self.exact = True

    @property
    def too_many(self) -> bool:
        rows = len(self._seen)
        return self.exact and (rows > MOST_BRANCHES or self._states.size > MOST_AMPLITUDES)

    def _part(self, qubits: Sequence[int], value: int) -> tuple[slice | int, ...]:
        """Return the index of the amplitudes where the qubits have the bits of a value."""
        index: list[slice | int] = [slice(None)] * (self._width + 1)
        for place, qubit in enumerate(qubits):
            index[self._width - qubit] = value >> place & 1
        return tuple(index)

    def apply(self, matrix: NDArray[np.complex128], qubits: Sequence[int]) -> None:
        """Let a gate act on every state."""
        parts = [self._part(qubits, value) for value in range(len(matrix))]
        before = [self._states[part].copy() for part in parts]
        for part, row in zip(parts, matrix, strict=True):
            self._states[part] = sum(row[value] * before[value] for value in np.flatnonzero(row))

    def split(self, qubit: int, bit: int | None, *, reset: bool) -> None:
        """Follow both results of a measurement, or one of them drawn for each shot."""
        axes = tuple(range(1, self._width))
        parts = [self._states[self._part([qubit], value)] for value in (0, 1)]
        weights = [(np.abs(part) ** 2).sum(axis=axes) for part in parts]
        taken = [weight > ZERO for weight in weights]
        if not self.exact:
            ones = self._generator.random(len(self._seen)) * sum(weights) >= weights[0]
            taken = [~ones, ones]
        states, seen = [], []
        for value, (part, weight, rows) in enumerate(zip(parts, weights, taken, strict=True)):
            kept = np.zeros((np.count_nonzero(rows), *self._states.shape[1:]), dtype=np.complex128)
            scale = 1.0 if self.exact else np.sqrt(weight[rows]).reshape(-1, *[1] * len(axes))
            kept[self._part([qubit], 0 if reset else value)] = part[rows] / scale
            states.append(kept)
            seen.append(self._seen[rows] | (0 if bit is None else value << bit))
        self._states, self._seen = np.concatenate(states), np.concatenate(seen)
        if self.exact and len(self._seen) > self._merged:
            self._merge()

    def _merge(self) -> None:
        """Let as few states as possible stand for all that have seen the same.

        Only the sum of their density matrices matters, which has no more eigenvectors than there
        are amplitudes in a state, and one where all states are equal.
        """
        rows = self._states.reshape(len(self._seen), -1)
        values, where, counts = np.unique(self._seen, return_inverse=True, return_counts=True)
        order, ends = np.argsort(where, kind="stable"), np.cumsum(counts)
        states, seen = [], []
        for count in np.unique(counts):
            chosen = np.flatnonzero(counts == count)
            if count == 1:
                states.append(rows[order[(ends - counts)[chosen]]])
                seen.append(values[chosen])
                continue
            places = order[(ends - counts)[chosen][:, None] + np.arange(count)]
            _, sizes, vectors = np.linalg.svd(rows[places], full_matrices=False)
            found = sizes**2 > ZERO
            states.append((sizes[:, :, None] * vectors)[found])
            seen.append(np.repeat(values[chosen], found.sum(axis=1)))
        self._seen = np.concatenate(seen)
        self._states = np.concatenate(states).reshape(-1, *self._states.shape[1:])
        self._merged = len(self._seen)

    def draw(self, shots: int) -> None:
        """Go on with shots, each in one of the branches."""
        rows = self._states.reshape(len(self._seen), -1)
        weights = (np.abs(rows) ** 2).sum(axis=1)
        chosen = self._generator.choice(len(rows), shots, p=weights / weights.sum())
        rows = rows[chosen] / np.sqrt(weights[chosen])[:, None]
        self._states = rows.reshape(shots, *self._states.shape[1:])
        self._seen, self.exact = self._seen[chosen], False

    def distribution(self, final: dict[int, int]) -> Distribution:
        """Return the distribution of the bits, those included that qubits are measured into now."""
        probabilities = np.abs(self._states.reshape(len(self._seen), -1)) ** 2
        rows, outcomes = np.nonzero(probabilities > ZERO)
        values = self._seen[rows] | spread(take(outcomes, list(final.values())), list(final))
        weights = probabilities[rows, outcomes]
        return Distribution(*merged(values, weights / weights.sum()))
