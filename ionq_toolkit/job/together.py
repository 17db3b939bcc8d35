"""Several jobs waited for together: one request for all of them, and not one for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from ionq_toolkit.api.connection import each
from ionq_toolkit.errors import IonQError, IonQJobStateError
from ionq_toolkit.job.polling import Poll, UntilAllFinal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ionq_toolkit.job.job import IonQJob
    from ionq_toolkit.results.result import IonQResult


def wait(
    jobs: Iterable[IonQJob], timeout: float | None = None, *, wait: float | None = None
) -> None:
    """Wait until all jobs are completed, failed or cancelled.

    The service is asked for lists of jobs, so that hundreds of jobs cost few more requests than
    one. Jobs of several providers are waited for one provider after the other. A job that has
    failed is no error here: its `status` and its `result` say so.

    ::

        jobs = [backend.run(circuit) for circuit in circuits]
        ionq_toolkit.wait(jobs, timeout=3600)

    Args:
        jobs: The jobs; each was submitted.
        timeout: Seconds for all of them; None: as of the first job's provider.
        wait: Seconds between polls, as of `IonQJob.wait_for_final_state`.

    Raises:
        IonQJobStateError: A job is not submitted yet.
        IonQJobTimeoutError: A job is not final after `timeout`; it names the first of these.
        IonQError: As of `IonQJob.wait_for_final_state`.
        ValueError: `timeout` or `wait` is negative or not a number.
    """
    jobs = list(jobs)
    for job in jobs:
        if not job.job_id():
            raise IonQJobStateError("A job is not submitted yet; call its submit() first.")
    groups: dict[int, list[IonQJob]] = {}
    for job in jobs:
        groups.setdefault(id(job.state.client), []).append(job)
    if not groups:
        return
    limit, elapsed = jobs[0].backend().service.deadline(timeout).timeout, 0.0
    for group in groups.values():
        left = None if limit is None else max(0.0, limit - elapsed)
        deadline = group[0].backend().service.deadline(left)
        Poll(UntilAllFinal([job.state for job in group], deadline), wait).run()
        elapsed += deadline.elapsed()
        for job in group:
            if job.state.settled:
                job.wait_for_final_state()  # nothing is sent, and its metadata are known then


@overload
def gather(
    jobs: Iterable[IonQJob],
    timeout: float | None = None,
    *,
    return_exceptions: Literal[False] = False,
) -> list[IonQResult]: ...


@overload
def gather(
    jobs: Iterable[IonQJob], timeout: float | None = None, *, return_exceptions: bool
) -> list[IonQResult | IonQError]: ...


def gather(
    jobs: Iterable[IonQJob], timeout: float | None = None, *, return_exceptions: bool = False
) -> Sequence[IonQResult | IonQError]:
    """Wait for all jobs as `wait` does, and return the result of each, in their order.

    ::

        results = gather([backend.run(one, shots=100) for one in circuits])
        [sum(result.get_counts().values()) for result in results]  # -> [100, 100]

    Args:
        jobs: The jobs; each was submitted.
        timeout: Seconds to wait, and again for each result; None: as of the provider.
        return_exceptions: Whether the error of a job stands in the place of its result, as of
            `asyncio.gather`; otherwise it is raised, the first one in the order of the jobs.

    Raises:
        IonQJobFailureError: A job failed.
        IonQError: As of `wait` and of `IonQJob.result`.
    """
    jobs = list(jobs)
    wait(jobs, timeout)
    if not jobs:
        return []

    def read(job: IonQJob) -> IonQResult | IonQError:
        try:
            return job.result(timeout=timeout)
        except IonQError as error:
            if return_exceptions:
                return error
            raise

    return each(jobs[0].state.client.transport, read, jobs)
