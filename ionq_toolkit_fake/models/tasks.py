"""The tasks that simulate a job."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ionq_toolkit_fake.simulation.mitigation import VARIANTS
from ionq_toolkit_fake.simulation.noise import NOISE_MODELS
from ionq_toolkit_fake.simulation.program import Energy, MaxCut, Program, Qpu, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from ionq_toolkit_fake.models.facility import Facility
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.simulation.outcome import Outcome


#: How many circuits of one job are simulated in one call, and how many amplitudes they have.
BATCH, BATCH_AMPLITUDES = 128, 2**20


def task_of(job: Job, facility: Facility) -> Task | Energy | MaxCut:
    """Return the task of a job that is no parent of several circuits."""
    task, function = circuit_task_of(job, facility), job.submission.function
    if isinstance(function, Energy):
        qpu = task.qpu if task.hardware else None
        return function._replace(seed=task.seed, noise=task.noise, shots=task.shots, qpu=qpu)
    if isinstance(function, MaxCut) and not job.submission.is_rehearsal:
        return function._replace(run=task)
    return task


def circuit_task_of(job: Job, facility: Facility) -> Task:
    """Return the task of a job's circuit, or of the first circuit of a function.

    Circuits of one job have one seed for the noise of the simulator; on a QPU, the place of each
    makes its seed differ.
    """
    submission, deviations = job.submission, facility.deviations
    device, circuit = submission.device, job.circuit or submission.circuits[0]
    shares = "one-noise-seed" in deviations and not device.is_qpu
    seed = uuid.UUID((shares and job.parent_id) or job.id).int
    if submission.noise_seed is not None:
        seed = submission.noise_seed
    noise, qpu, entangler = None, None, device.entangler
    if device.is_qpu:
        noise = facility.noise(device, job.submitted_at.date())
    elif not submission.is_exact:
        model = NOISE_MODELS[submission.noise_model]
        noise = model.noise if "forte-1-rates" in deviations else model.documented
        entangler = model.entangler
    compiles = noise is not None and (device.is_qpu or "noise-on-compiled" in deviations)
    compilation = submission.settings.get("compilation") or {}
    if compiles or compilation.get("service_version") == "v0.4":
        any_turns = device.is_qpu and entangler == "zz" and "forte-any-turns" in deviations
        quarter = "compiled-quarter-turns" in deviations and not any_turns
        qpu = Qpu(device.qubits, entangler, device.connectivity, quarter, device.mid_circuit)
    return Task(
        circuit.program,
        (seed + (0 if shares else job.place)) % 2**31,
        shots=None if submission.is_exact else submission.shots,
        noise=noise,
        qpu=qpu,
        hardware=compiles,
        variants=VARIANTS if submission.mitigated else 0,
        symmetry_verification=bool(submission.symmetry_verification) and device.is_qpu,
        registers=circuit.registers,
        execute=not submission.is_rehearsal,
        width=device.qubits,
    )


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
    """The future of one of several tasks that are simulated together."""

    def __init__(
        self, outcomes: Future[list[Outcome | Exception]], index: int, left: set[int]
    ) -> None:
        """Take the outcomes of all, and the set of the parts that are not given up."""
        self._outcomes, self._index, self._left = outcomes, index, left
        left.add(index)

    def done(self) -> bool:
        """Return whether all of them have ended."""
        return self._outcomes.done()

    def result(self) -> Outcome:
        """Return the outcome of this one, or raise its error."""
        found = self._outcomes.result()[self._index]
        if isinstance(found, Exception):
            raise found
        return found

    def cancel(self) -> bool:
        """Give up; the last one to do so ends the simulation of all."""
        self._left.discard(self._index)
        return not self._left and self._outcomes.cancel()

    def add_done_callback(self, fn: Callable[..., object], /) -> None:
        """Call `fn` when all of them have ended."""
        self._outcomes.add_done_callback(fn)
