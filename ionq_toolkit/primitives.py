"""Qiskit's SamplerV2 and EstimatorV2 on IonQ's backends, with the ids of their IonQ jobs.

`qiskit.primitives.BackendSamplerV2` and `BackendEstimatorV2` work on these backends unchanged, but
submit in a thread, and their jobs have random ids that IonQ does not know. These primitives submit
in `run`, which raises errors of a circuit, and their jobs report the ids of the IonQ jobs.
Circuits that need OpenQASM 3, of which IonQ takes one a job, are submitted one by one.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import logging
import math
import warnings
from types import SimpleNamespace
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
from ionq_toolkit.display import View, shown
from ionq_toolkit.errors import IonQError, IonQJobError, IonQJobFailureError, IonQJobStateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from qiskit import QuantumCircuit
    from qiskit.result import Result

    from ionq_toolkit.backend import IonQBackend
    from ionq_toolkit.job.job import IonQJob

logger = logging.getLogger(__name__)


class IonQPrimitiveJob(BasePrimitiveJob):
    """One run of a primitive: the IonQ jobs that it was submitted as.

    ::

        from ionq_toolkit.primitives import SamplerV2

        run = SamplerV2(backend).run([circuit], shots=100)
        backend.retrieve_job(run.job_ids()[0]).shots  # -> 100
    """

    def __init__(
        self,
        backend: IonQBackend,
        jobs: Sequence[IonQJob],
        combine: Callable[[list[Result]], PrimitiveResult],
    ) -> None:
        """Report on `jobs`, whose results `combine` makes one result of."""
        super().__init__(jobs[0].job_id() if jobs else "")
        self._backend = backend
        self._jobs = tuple(jobs)
        self._combine = combine
        self._result: PrimitiveResult | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self._backend.name}: {list(self._jobs)}>"

    _repr_html_, _repr_pretty_ = shown(
        lambda self: View(
            f"{type(self).__name__} of {len(self.jobs)} jobs",
            columns=("IonQ job",),
            rows=[[repr(job)] for job in self.jobs],
            note="As last seen; status() asks the service.",
        )
    )

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
        """Wait for all of the jobs and return their combined result; the same at every call.

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
            self._result = self._combine(
                [job.result(timeout=max(0.0, deadline.left())) for job in self._jobs]
            )
        return self._result

    def status(self) -> JobStatus:
        """Return the status of the jobs together; that of one failed or cancelled if there is."""
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

    def errored(self) -> bool:
        """Return whether one of the jobs failed."""
        return self.status() is JobStatus.ERROR

    def usage(self) -> float:
        """Return the seconds that the jobs have run so far; see `IonQJob.usage`."""
        return math.fsum(job.usage() for job in self._jobs)

    def cancelled(self) -> bool:
        """Return whether one of the jobs was cancelled, and none failed."""
        return self.status() is JobStatus.CANCELLED

    def in_final_state(self) -> bool:
        """Return whether all of the jobs are final, or one of them failed or was cancelled."""
        return self.status() in JOB_FINAL_STATES

    def cancel(self) -> bool:
        """Ask IonQ to cancel the jobs, and return whether all of them are."""
        return all([job.cancel() for job in self._jobs])  # noqa: C419 - each is to be cancelled


class SamplerV2(BackendSamplerV2):
    """A Qiskit `BackendSamplerV2` whose jobs report the ids of their IonQ jobs.

    ::

        from ionq_toolkit.primitives import SamplerV2

        (result,) = SamplerV2(backend).run([circuit], shots=100).result()
        sorted(result.data.c.get_counts())  # -> ['00', '11']
    """

    def __init__(self, backend: IonQBackend, *, options: dict[str, Any] | None = None) -> None:
        """Run on `backend`, with the options of `qiskit.primitives.BackendSamplerV2`."""
        super().__init__(backend=backend, options=options)

    def run(self, pubs: Iterable[Any], *, shots: int | None = None) -> IonQPrimitiveJob:
        """Submit the circuits of `pubs`, and return a job for all of them.

        ::

            SamplerV2(backend).run([(circuit, None, 50), (circuit, None, 200)])

        Args:
            pubs: Circuits, or tuples of a circuit, parameter values and shots.
            shots: Shots of pubs that name none; if None, the option `default_shots`.

        Raises:
            IonQError: As of `IonQBackend.run`. Jobs submitted before that are cancelled.
        """
        shots = self.options.default_shots if shots is None else shots
        kept = [
            SamplerPub(pub.circuit.copy(), pub.parameter_values, pub.shots, validate=False)
            for pub in (SamplerPub.coerce(pub, shots) for pub in pubs)
        ]
        return _submit(BackendSamplerV2, self, kept, [pub.shots for pub in kept])


class EstimatorV2(BackendEstimatorV2):
    """A Qiskit `BackendEstimatorV2` whose jobs report the ids of their IonQ jobs.

    ::

        from ionq_toolkit.primitives import EstimatorV2
        from qiskit.quantum_info import SparsePauliOp

        bell = circuit.remove_final_measurements(inplace=False)
        (result,) = EstimatorV2(backend).run([(bell, SparsePauliOp("ZZ"))]).result()
        float(result.data.evs)  # -> 1.0
    """

    def __init__(self, backend: IonQBackend, *, options: dict[str, Any] | None = None) -> None:
        """Run on `backend`, with the options of `qiskit.primitives.BackendEstimatorV2`."""
        super().__init__(backend=backend, options=options)

    def run(self, pubs: Iterable[Any], *, precision: float | None = None) -> IonQPrimitiveJob:
        """Submit the circuits of `pubs`, and return a job for all of them.

        ::

            bell = circuit.remove_final_measurements(inplace=False)
            EstimatorV2(backend).run([(bell, ["ZZ", "XX"])], precision=0.05)

        Args:
            pubs: Tuples of a circuit, observables, parameter values and a precision.
            precision: The standard error for pubs that name none; if None, the option
                `default_precision`. A circuit has 1/precision**2 shots.

        Raises:
            ValueError: A precision is not positive.
            IonQError: As of `IonQBackend.run`. Jobs submitted before that are cancelled.
        """
        precision = self.options.default_precision if precision is None else precision
        kept = [
            EstimatorPub(
                *(pub.circuit.copy(), pub.observables, pub.parameter_values, pub.precision),
                validate=False,
            )
            for pub in (EstimatorPub.coerce(pub, precision) for pub in pubs)
        ]
        # Qiskit refuses precisions that are not positive.
        shots = [math.ceil(pub.precision**-2) if pub.precision > 0 else 0 for pub in kept]
        return _submit(BackendEstimatorV2, self, kept, shots)


class _Collected(Exception):  # noqa: N818 - not an error
    """Ends the first of two runs of a primitive, which only collects its circuits."""


class _Pending:
    """A job that is not submitted yet."""

    def result(self) -> NoReturn:
        raise _Collected


def _submit(
    kind: type[BackendSamplerV2 | BackendEstimatorV2],
    primitive: SamplerV2 | EstimatorV2,
    pubs: Sequence[Any],
    shots: Sequence[int],
) -> IonQPrimitiveJob:
    """Submit the circuits of all pubs, those of equal shots together.

    Qiskit's primitives submit, wait and read in one go. Here they run twice on a copy of the
    backend: once up to where they would wait, to collect the circuits, and once on the results of
    the jobs. Between the two, `pubs` keep their own circuits and the options are copied.
    """
    backend, options = primitive.backend, dataclasses.asdict(primitive.options)
    places: dict[int, list[int]] = {}
    for place, number in enumerate(shots):
        places.setdefault(number, []).append(place)

    def run_by(run: Callable[..., object], group: Sequence[int]) -> Iterable[Any]:
        proxy = copy.copy(backend)
        proxy.run = run
        found: Iterable[Any] = (
            kind(backend=proxy, options=options).run([pubs[place] for place in group]).result()
        )
        return found

    calls: list[tuple[list[list[QuantumCircuit]], dict[str, Any]]] = []

    def collect(circuits: Sequence[QuantumCircuit], **run_options: Any) -> _Pending:  # noqa: ANN401 - those of `run`
        calls.append((_parts(circuits), run_options))
        return _Pending()

    for group in places.values():
        with contextlib.suppress(_Collected):
            run_by(collect, group)

    jobs: list[IonQJob] = []
    try:
        jobs.extend(backend.run(part, **opts) for parts, opts in calls for part in parts)
    except BaseException:
        for job in jobs:
            job_id = job.job_id()
            logger.warning("cancelling job %s: the others of its run were not submitted", job_id)
            with contextlib.suppress(IonQError):
                job.cancel()
        raise
    sizes = [len(parts) for parts, _ in calls]

    def combine(found: list[Result]) -> PrimitiveResult:
        left, size = iter(found), iter(sizes)

        def read(*_: object, **__: object) -> SimpleNamespace:
            several = [next(left) for _ in range(next(size))]
            joined = copy.copy(several[0])
            joined.results = [experiment for one in several for experiment in one.results]
            return SimpleNamespace(result=lambda: joined)

        results: list[Any] = [None] * len(pubs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `run` has given them
            for group in places.values():
                for place, one in zip(group, run_by(read, group), strict=True):
                    results[place] = one
        return PrimitiveResult(results, metadata={"version": 2})

    return IonQPrimitiveJob(backend, jobs, combine)


def _parts(circuits: Sequence[QuantumCircuit]) -> list[list[QuantumCircuit]]:
    """Return the circuits of each job: one alone where some are OpenQASM 3 programs."""
    if any(needs_qasm3(circuit) for circuit in circuits):
        return [[circuit] for circuit in circuits]
    return [list(circuits)]


def _status(job: IonQJob) -> JobStatus:
    try:
        return job.status()
    except (IonQJobFailureError, IonQJobError):
        return JobStatus.ERROR
    except IonQJobStateError:
        return JobStatus.CANCELLED
