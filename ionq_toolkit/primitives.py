"""Qiskit's primitives on IonQ's backends, with the IonQ jobs that they run as.

`qiskit.primitives.BackendSamplerV2` and `BackendEstimatorV2` are right on these backends as they
are. What they return has an id of its own that IonQ knows nothing of, and submits in a thread.
These submit at once, so that what is wrong with a circuit is raised by `run`, and their jobs say
which IonQ jobs they are: these can be retrieved when the process is long gone. Circuits that can
only go as OpenQASM 3 programs, of which IonQ takes one a job, are submitted one by one.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import math
from typing import TYPE_CHECKING, Any, NoReturn

from qiskit.primitives import (
    BackendEstimatorV2,
    BackendSamplerV2,
    BasePrimitiveJob,
    PrimitiveResult,
)
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

from ionq_toolkit.circuits.wire import needs_qasm3
from ionq_toolkit.errors import IonQError, IonQJobError, IonQJobFailureError, IonQJobStateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from qiskit import QuantumCircuit

    from ionq_toolkit.backend import IonQBackend
    from ionq_toolkit.clock import Deadline
    from ionq_toolkit.job.job import IonQJob

logger = logging.getLogger(__name__)


class IonQPrimitiveJob(BasePrimitiveJob):
    """What a primitive was asked for: one IonQ job, or several if one does not take it all."""

    def __init__(
        self,
        backend: IonQBackend,
        jobs: Sequence[IonQJob],
        collect: Callable[[Deadline], PrimitiveResult],
    ) -> None:
        """Stand for `jobs`, whose results `collect` puts together."""
        super().__init__(jobs[0].job_id() if jobs else "")
        self._backend = backend
        self._jobs = tuple(jobs)
        self._collect = collect
        self._result: PrimitiveResult | None = None

    @property
    def jobs(self) -> tuple[IonQJob, ...]:
        """The IonQ jobs, in the order in which they were submitted."""
        return self._jobs

    def job_ids(self) -> list[str]:
        """Return the ids of the IonQ jobs, for `IonQBackend.retrieve_job`.

        `job_id` is the first of them.
        """
        return [job.job_id() for job in self._jobs]

    def result(self, timeout: float | None = None) -> PrimitiveResult:
        """Wait for all of the jobs and return what they come to; the same at every call.

        Args:
            timeout: Seconds for all of them together, results included; None: as of the provider.

        Raises:
            IonQJobFailureError: One of them failed.
            IonQJobStateError: One of them was cancelled.
            IonQJobTimeoutError: One of them is not final after `timeout`.
        """
        if self._result is None:
            deadline = self._backend.service.deadline(timeout)
            for job in self._jobs:
                job.wait_for_final_state(max(0.0, deadline.left()))
            self._result = self._collect(deadline)
        return self._result

    def status(self) -> JobStatus:
        """Return where the jobs stand together: one that failed or was cancelled stands for all."""
        found = [_status(job) for job in self._jobs]
        for status in (JobStatus.ERROR, JobStatus.CANCELLED, JobStatus.RUNNING):
            if status in found:
                return status
        waiting = [status for status in found if status is not JobStatus.DONE]
        return waiting[0] if waiting else JobStatus.DONE

    def done(self) -> bool:
        """Return whether all of the jobs are completed."""
        return self.status() is JobStatus.DONE

    def running(self) -> bool:
        """Return whether one of the jobs is being executed."""
        return self.status() is JobStatus.RUNNING

    def cancelled(self) -> bool:
        """Return whether one of the jobs was cancelled, and none failed."""
        return self.status() is JobStatus.CANCELLED

    def in_final_state(self) -> bool:
        """Return whether nothing can change any more."""
        return self.status() in JOB_FINAL_STATES

    def cancel(self) -> bool:
        """Ask IonQ to cancel the jobs, and return whether all of them are."""
        return all([job.cancel() for job in self._jobs])  # noqa: C419 - each is to be cancelled


class SamplerV2(BackendSamplerV2):
    """Qiskit's sampler, whose jobs are IonQ's."""

    def __init__(self, backend: IonQBackend, *, options: dict[str, Any] | None = None) -> None:
        """Run on `backend`, with the options of `qiskit.primitives.BackendSamplerV2`."""
        super().__init__(backend=backend, options=options)

    def run(self, pubs: Iterable[Any], *, shots: int | None = None) -> IonQPrimitiveJob:
        """Submit the circuits of `pubs`, and return a job for all of them.

        Args:
            pubs: Circuits, or tuples of a circuit, parameter values and shots.
            shots: Shots of those that name none; if None, the option `default_shots`.

        Raises:
            IonQError: As of `IonQBackend.run`. What was submitted before that is cancelled.
        """
        shots = self.options.default_shots if shots is None else shots
        coerced = [SamplerPub.coerce(pub, shots) for pub in pubs]
        self._validate_pubs(coerced)
        kept = [
            SamplerPub(pub.circuit.copy(), pub.parameter_values, pub.shots, validate=False)
            for pub in coerced
        ]
        return _submit(self, kept, [pub.shots for pub in kept])


class EstimatorV2(BackendEstimatorV2):
    """Qiskit's estimator, whose jobs are IonQ's."""

    def __init__(self, backend: IonQBackend, *, options: dict[str, Any] | None = None) -> None:
        """Run on `backend`, with the options of `qiskit.primitives.BackendEstimatorV2`."""
        super().__init__(backend=backend, options=options)

    def run(self, pubs: Iterable[Any], *, precision: float | None = None) -> IonQPrimitiveJob:
        """Submit the circuits of `pubs`, and return a job for all of them.

        Args:
            pubs: Tuples of a circuit, observables, parameter values and a precision.
            precision: The standard error that those are to have which name none; if None, the
                option `default_precision`. A circuit has 1/precision**2 shots.

        Raises:
            IonQError: As of `IonQBackend.run`. What was submitted before that is cancelled.
        """
        precision = self.options.default_precision if precision is None else precision
        coerced = [EstimatorPub.coerce(pub, precision) for pub in pubs]
        self._validate_pubs(coerced)
        kept = [
            EstimatorPub(
                pub.circuit.copy(),
                pub.observables,
                pub.parameter_values,
                pub.precision,
                validate=False,
            )
            for pub in coerced
        ]
        return _submit(self, kept, [math.ceil(1.0 / pub.precision**2) for pub in kept])


class _AllSubmitted(Exception):  # noqa: N818 - it is no error
    """Raised by the first result that a primitive asks for while it only submits."""


class _Pending:
    """Stands for a job of a primitive that only submits."""

    def result(self) -> NoReturn:
        raise _AllSubmitted


class _Joined:
    """The results of several jobs, in the place of the one that a primitive has asked for."""

    def __init__(self, jobs: Iterable[IonQJob], deadline: Deadline) -> None:
        self._found = [job.result(timeout=max(0.0, deadline.left())) for job in jobs]

    def result(self) -> _Joined:
        return self

    @property
    def results(self) -> list[Any]:
        """All experiments: what the sampler reads."""
        return [experiment for found in self._found for experiment in found.results]

    def get_counts(self) -> list[Any]:
        """The counts of all experiments: what the estimator reads."""
        return [found.get_counts(n) for found in self._found for n in range(len(found.results))]


def _parts(circuits: Sequence[QuantumCircuit]) -> list[list[QuantumCircuit]]:
    """Return the circuits that go into each job: one alone where some are OpenQASM 3 programs."""
    if any(needs_qasm3(circuit) for circuit in circuits):
        return [[circuit] for circuit in circuits]
    return [list(circuits)]


def _submit(
    primitive: SamplerV2 | EstimatorV2, pubs: Sequence[Any], shots: Sequence[int]
) -> IonQPrimitiveJob:
    """Submit the circuits of all pubs, those of equal shots together.

    Qiskit's primitives submit, wait and read in one go. Here they are run twice: the first time up
    to where they would wait, the second time on the jobs of the first. Between the two, nothing may
    change: `pubs` have circuits of their own, and the options are copied.
    """
    backend = primitive.backend
    primitive = copy.copy(primitive)
    primitive._options = copy.deepcopy(primitive.options)  # noqa: SLF001 - it has no other way
    groups: dict[int, list[int]] = {}
    for place, number in enumerate(shots):
        groups.setdefault(number, []).append(place)
    jobs: dict[int, list[IonQJob]] = {number: [] for number in groups}

    def submitting(number: int) -> Callable[..., _Pending]:
        def run(circuits: Sequence[QuantumCircuit], **options: Any) -> _Pending:  # noqa: ANN401 - those of `run`
            for part in _parts(circuits):
                jobs[number].append(backend.run(part, **options))
            return _Pending()

        return run

    def reading(number: int, deadline: Deadline) -> Callable[..., _Joined]:
        submitted = iter(jobs[number])

        def run(circuits: Sequence[QuantumCircuit], **_: Any) -> _Joined:  # noqa: ANN401 - as above
            return _Joined([next(submitted) for _ in _parts(circuits)], deadline)

        return run

    def collect(deadline: Deadline) -> PrimitiveResult:
        results: list[Any] = [None] * len(pubs)
        for number, places in groups.items():
            again = _running_by(primitive, reading(number, deadline))
            found = again._run_pubs([pubs[place] for place in places], number)  # noqa: SLF001
            for place, pub_result in zip(places, found, strict=True):
                results[place] = pub_result
        return PrimitiveResult(results, metadata={"version": 2})

    try:
        for number, places in groups.items():
            first = _running_by(primitive, submitting(number))
            with contextlib.suppress(_AllSubmitted):
                first._run_pubs([pubs[place] for place in places], number)  # noqa: SLF001
    except BaseException:
        _give_up([job for submitted in jobs.values() for job in submitted])
        raise
    return IonQPrimitiveJob(backend, [job for group in jobs.values() for job in group], collect)


def _running_by(primitive: SamplerV2 | EstimatorV2, run: Callable[..., object]) -> Any:  # noqa: ANN401
    """Return a primitive whose backend runs by `run`."""
    twin, backend = copy.copy(primitive), copy.copy(primitive.backend)
    backend.run = run
    twin._backend = backend  # noqa: SLF001 - there is no other way to give it another
    return twin


def _give_up(jobs: Iterable[IonQJob]) -> None:
    """Cancel what was submitted for nothing."""
    for job in jobs:
        logger.warning("cancelling job %s: the others of its run were not submitted", job.job_id())
        with contextlib.suppress(IonQError):
            job.cancel()


def _status(job: IonQJob) -> JobStatus:
    try:
        status = job.status()
    except (IonQJobFailureError, IonQJobError):
        return JobStatus.ERROR
    except IonQJobStateError:
        return JobStatus.CANCELLED
    return status
