"""From a job to the tasks that simulate it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ionq_toolkit_fake.simulation import (
    Program,
    Task,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from ionq_toolkit_fake.simulation import Outcome


#: How many circuits of one job are simulated in one call, and how many amplitudes they have.
BATCH, BATCH_AMPLITUDES = 128, 2**20


def batches(tasks: Sequence[Task]) -> Iterator[slice]:
    """Cut tasks into runs that are small enough to be simulated together."""
    start = amplitudes = 0
    for index, task in enumerate(tasks):
        circuit = task.circuit
        width = len(circuit.active_qubits) if isinstance(circuit, Program) else task.width
        full = index - start >= BATCH or amplitudes + 2**width > BATCH_AMPLITUDES
        if full and index > start:
            yield slice(start, index)
            start, amplitudes = index, 0
        amplitudes += 2**width
    if start < len(tasks):
        yield slice(start, len(tasks))


class Part:
    """What one of several tasks that are simulated together comes to."""

    def __init__(
        self, outcomes: Future[list[Outcome | Exception]], index: int, left: set[int]
    ) -> None:
        """Take the outcomes of all, and the set of those that somebody waits for."""
        self._outcomes, self._index, self._left = outcomes, index, left
        left.add(index)

    def done(self) -> bool:
        """Return whether all of them have come to their end."""
        return self._outcomes.done()

    def result(self) -> Outcome:
        """Return what this one came to, or raise why it came to nothing."""
        found = self._outcomes.result()[self._index]
        if isinstance(found, Exception):
            raise found
        return found

    def cancel(self) -> bool:
        """Give up; the last one to do so ends the simulation of all."""
        self._left.discard(self._index)
        return not self._left and self._outcomes.cancel()

    def add_done_callback(self, fn: Callable[..., object], /) -> None:
        """Call `fn` when all of them have come to their end."""
        self._outcomes.add_done_callback(fn)
