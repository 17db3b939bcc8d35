"""IonQJob: the life of one submitted job."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, NoReturn

from qiskit.providers import JobV1
from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

from ionq_toolkit import submission
from ionq_toolkit.client import DEFAULT_TIMEOUT_S
from ionq_toolkit.errors import (
    IonQConnectionError,
    IonQJobError,
    IonQJobFailureError,
    IonQJobStateError,
    IonQJobTimeoutError,
)
from ionq_toolkit.record import JobRecord
from ionq_toolkit.result import IonQResult
from ionq_toolkit.status import JOB_STATUS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from qiskit import QuantumCircuit

    from ionq_toolkit.backend import IonQBackend
    from ionq_toolkit.client import IonQClient
    from ionq_toolkit.clock import Clock

logger = logging.getLogger(__name__)

#: Seconds between polls when `wait` is None: the first, the growth of each next, the longest.
FIRST_WAIT_S, WAIT_GROWTH, LONGEST_WAIT_S = 0.1, 1.5, 5.0

#: Seconds between polls at the least: some time has to pass for a deadline to come.
_SHORTEST_WAIT_S = 0.001

#: Seconds that a request is given at the least, however near the deadline is.
_SHORTEST_REQUEST_S = 0.1


class IonQJob(JobV1):
    """One job on the IonQ Cloud: submitted by `IonQBackend.run`, or retrieved by its id.

    Attributes:
        circuit: The circuit of a job made here, or the list of them; None for one retrieved by
            its id.
        metadata: What is stored with the job at IonQ, as last seen.
    """

    def __init__(
        self,
        backend: IonQBackend,
        job_id: str | None = None,
        client: IonQClient | None = None,
        circuit: QuantumCircuit | Sequence[QuantumCircuit] | None = None,
        passed_args: Mapping[str, Any] | None = None,
    ) -> None:
        """Describe a job to submit (`circuit`) or one that exists (`job_id`).

        Args:
            backend: Where it runs.
            job_id: IonQ's id of a job that exists.
            client: What asks the service; the backend's own if None.
            circuit: What to run: a circuit, or several in one job. A list of one is that one.
            passed_args: Options of the run, as `IonQBackend.run` takes them.

        Raises:
            IonQJobError: Neither `circuit` nor `job_id` is given.
            IonQBackendError: The backend cannot run the circuits so.
            IonQCredentialsError: There is no API key.
        """
        if circuit is None and not (isinstance(job_id, str) and job_id):
            raise IonQJobError("A job needs a circuit to submit, or the job_id of one that exists.")
        super().__init__(backend, job_id or "")
        self._job_id: str
        self.circuit: QuantumCircuit | list[QuantumCircuit] | None = None
        if circuit is not None:
            self._circuits = submission.circuits_of(circuit)
            self.circuit = self._circuits if len(self._circuits) > 1 else self._circuits[0]
            self._options = backend.preflight(self._circuits, passed_args or {})
        self._client = client or backend.client
        self._clock = backend.clock
        self._record = JobRecord(self._job_id, {})
        self._status = JobStatus.INITIALIZING
        self._unknown_word: str | None = None
        self._results: dict[tuple[tuple[str, str], ...], IonQResult] = {}
        self._result: IonQResult | None = None

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self._job_id or '(not submitted)'} on {self._backend.name}>"
        )

    def submit(self) -> None:
        """Send the job to IonQ.

        The seed that samples its counts is fixed now and stored with the job, so that they
        are the same whenever and from wherever they are asked for.

        Raises:
            IonQJobStateError: The job was submitted before.
            IonQGateError: A circuit has a gate that IonQ does not take.
            IonQJobError: The circuits are too many or too large for a job.
            IonQAPIError: IonQ refused the job.
            IonQConnectionError: The answer did not arrive; the job may exist all the same.
        """
        if self._job_id:
            raise IonQJobStateError(
                f"Job {self._job_id} is submitted already; run the circuit again for a new one.",
                job_id=self._job_id,
            )
        seed = self._options.seed
        made = submission.build(
            self._circuits,
            self._backend.device,
            self._options,
            seed=self._backend.draw_seed() if seed is None else seed,
        )
        self._job_id = self._client.submit_job(made.body)["id"]
        self.metadata = made.metadata
        logger.debug("submitted job %s", self._job_id)

    def status(self, detailed: bool = False) -> JobStatus | dict[str, Any]:
        """Return where the job stands.

        Args:
            detailed: Return a dict instead, with the number of circuits (`total`), how many
                of them are `completed` and `failed`, the `percentage_complete` (0 to 1),
                and the `statuses`. It is told for a failed or cancelled job as well.

        Raises:
            IonQJobFailureError: The job failed; the same at every call.
            IonQJobStateError: The job was cancelled; the same at every call.
        """
        self._refresh()
        if detailed:
            done, failed = (self._status is s for s in (JobStatus.DONE, JobStatus.ERROR))
            return {
                "total": 1,
                "completed": int(done),
                "failed": int(failed),
                "percentage_complete": float(done),
                "statuses": [self._status],
            }
        if self._status in (JobStatus.ERROR, JobStatus.CANCELLED):
            self._raise_fate()
        return self._status

    def done(self) -> bool:
        """Return whether the job is completed."""
        return self._refresh() is JobStatus.DONE

    def running(self) -> bool:
        """Return whether the job is being executed."""
        return self._refresh() is JobStatus.RUNNING

    def cancelled(self) -> bool:
        """Return whether the job was cancelled."""
        return self._refresh() is JobStatus.CANCELLED

    def in_final_state(self) -> bool:
        """Return whether the job is completed, failed or cancelled."""
        return self._refresh() in JOB_FINAL_STATES

    def error_message(self) -> str | None:
        """Return why the job failed, in IonQ's words, or None if it has not."""
        if self._refresh() is not JobStatus.ERROR:
            return None
        code, text = self._why_failed()
        return f"{code}: {text}" if code else text

    def api_backend(self) -> str | None:
        """Return IonQ's name of the backend that the job is of, as its record says."""
        self._refresh()
        return self._record.backend

    def cancel(self) -> bool:
        """Ask IonQ to cancel the job.

        Returns:
            Whether it is cancelled. A job that is known to be final is left alone.

        Raises:
            IonQJobStateError: The job is not submitted yet.
            IonQAPIError: IonQ refused.
        """
        self._need_id()
        if self._status not in JOB_FINAL_STATES:
            self._client.cancel_job(self._job_id)
            self._refresh()
        return self._status is JobStatus.CANCELLED

    def wait_for_final_state(
        self,
        timeout: float | None = None,
        wait: float | None = None,
        callback: Callable[[str, JobStatus, IonQJob], object] | None = None,
    ) -> None:
        """Wait until the job is completed, failed or cancelled, whichever of these it is.

        Args:
            timeout: Seconds to wait in all, polls included; None waits for ever.
            wait: Seconds between polls, at least 0.001; None starts with short waits that grow.
            callback: Called as `callback(job_id, status, job)` after each poll, the last
                one included.

        Raises:
            IonQJobTimeoutError: The job is not final after `timeout`. It goes on, and can
                be waited for again.
            IonQJobError: Likewise, and its status is a word that is not known.
            IonQConnectionError: The service was not reached.
            ValueError: `timeout` or `wait` is negative or not a number.
        """
        self._wait(_Deadline(self._clock, timeout), wait, callback)

    def result(
        self,
        sharpen: bool | None = None,
        extra_query_params: Mapping[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401 - those of wait_for_final_state
    ) -> IonQResult:
        """Wait for the job and return its result: fetched once, the same at every call.

        Args:
            sharpen: Whether a debiased job's histogram is combined by plurality vote
                (True) or by averaging (False); None leaves it to IonQ.
            extra_query_params: Further parameters for IonQ's results endpoint.
            **kwargs: `timeout`, `wait` and `callback` of `wait_for_final_state`.

        Raises:
            IonQJobFailureError: The job failed; the message says why.
            IonQJobStateError: The job was cancelled.
            IonQJobTimeoutError: The job is not final after `timeout`.
            IonQJobError: The result cannot be read.
        """
        deadline = _Deadline(self._clock, kwargs.pop("timeout", None))
        self._wait(deadline, **kwargs)
        if self._status is not JobStatus.DONE:
            self._raise_fate()
        query = {k: str(v) for k, v in (extra_query_params or {}).items()}
        if sharpen is not None:
            query["sharpen"] = "true" if sharpen else "false"
        key = tuple(sorted(query.items()))
        if key not in self._results:
            with self._in_time(deadline):
                histogram = self._client.get_results(
                    self._job_id, query=query, timeout=deadline.for_request()
                )
            self._results[key] = self._read(histogram)
        self._result = self._results[key]
        return self._result

    def get_counts(self, circuit: QuantumCircuit | None = None) -> Any:  # noqa: ANN401 - Qiskit's Counts, or a list of them
        """Wait for the job and return its counts, which add up to its shots.

        An ideal simulation has exact probabilities: its counts are drawn from them once.
        """
        return self.result().get_counts(circuit)

    def get_probabilities(
        self, circuit: QuantumCircuit | None = None
    ) -> Mapping[str, float] | list[Mapping[str, float]]:
        """Wait for the job and return the probability of every outcome, drawn or not."""
        return self.result().get_probabilities(circuit)

    def get_memory(self, circuit: QuantumCircuit | None = None) -> list[str]:
        """Wait for the job and return the outcome of each shot, in order.

        Raises:
            QiskitError: The job was not run with ``memory=True``.
        """
        memory: list[str] = self.result().get_memory(circuit)
        return memory

    def _refresh(self, timeout: float | None = None) -> JobStatus:
        """Ask the service how the job stands, unless that is settled, and return it."""
        if not self._job_id or self._status in JOB_FINAL_STATES:
            return self._status
        self._record = JobRecord(
            self._job_id, self._client.retrieve_job(self._job_id, timeout=timeout)
        )
        self.metadata = self._record.metadata
        word = self._record.status
        if isinstance(word, str) and word in JOB_STATUS:
            self._status, self._unknown_word = JOB_STATUS[word], None
        elif self._unknown_word != (text := self._client.redact(str(word))):
            self._unknown_word = text
            logger.warning(
                "IonQ says %r of job %s, which is no status known here; taken as not final yet",
                self._unknown_word,
                self._job_id,
            )
        return self._status

    def _wait(
        self,
        deadline: _Deadline,
        wait: float | None = None,
        callback: Callable[[str, JobStatus, IonQJob], object] | None = None,
    ) -> None:
        self._need_id()
        for pause in _pauses(wait):
            with self._in_time(deadline):
                status = self._refresh(deadline.for_request())
            if callback is not None:
                callback(self._job_id, status, self)
            if status in JOB_FINAL_STATES:
                return
            if deadline.left() <= 0:
                raise self._too_late(deadline.timeout)
            self._clock.sleep(min(pause, deadline.left()))

    @contextlib.contextmanager
    def _in_time(self, deadline: _Deadline) -> Iterator[None]:
        """Say of a request that used up the time that it is too late, not that it got no answer."""
        try:
            yield
        except IonQConnectionError as error:
            if deadline.left() > 0:
                raise
            raise self._too_late(deadline.timeout) from error

    def _read(self, histogram: Mapping[str, Any]) -> IonQResult:
        result: IonQResult = IonQResult.from_dict(
            {
                "backend_name": self._backend.name,
                "backend_version": self._backend.backend_version,
                "job_id": self._job_id,
                "success": True,
                "results": [self._record.experiment(histogram)],
                "time_taken": self._record.time_taken_s,
            }
        )
        return result

    def _need_id(self) -> None:
        if not self._job_id:
            raise IonQJobStateError("The job is not submitted yet; call submit() first.")

    def _too_late(self, timeout: float | None) -> IonQJobError | IonQJobTimeoutError:
        if self._unknown_word is not None:
            return IonQJobError(
                f"Job {self._job_id} has the unknown status {self._unknown_word!r} after waiting "
                f"{timeout} s. A newer version of ionq-toolkit may know it.",
                job_id=self._job_id,
            )
        return IonQJobTimeoutError(
            f"Job {self._job_id} is {self._record.status or 'not seen yet'} after waiting "
            f"{timeout} s. It goes on: ask again with a longer timeout, or cancel it.",
            job_id=self._job_id,
        )

    def _why_failed(self) -> tuple[str | None, str]:
        code, text = self._record.failure
        return code, self._client.redact(text)

    def _raise_fate(self) -> NoReturn:
        if self._status is JobStatus.CANCELLED:
            raise IonQJobStateError(
                f"Job {self._job_id} was cancelled, so it has no result.", job_id=self._job_id
            )
        code, text = self._why_failed()
        raise IonQJobFailureError(
            f"Job {self._job_id} failed: {f'{code}: ' if code else ''}{text}",
            job_id=self._job_id,
            code=code,
            failure=text,
        )


class _Deadline:
    """The moment at which a wait of `timeout` seconds ends, if it ever does."""

    def __init__(self, clock: Clock, timeout: float | None) -> None:
        if timeout is not None and not timeout >= 0:  # NaN is not either
            raise ValueError(f"timeout={timeout} must not be negative")
        self.timeout = timeout
        self._clock = clock
        self._end = float("inf") if timeout is None else clock.monotonic() + timeout

    def left(self) -> float:
        """Return the seconds that are left."""
        return self._end - self._clock.monotonic()

    def for_request(self) -> float | None:
        """Return the seconds that a request may take: None for the client's own limit."""
        left = self.left()
        return None if left >= DEFAULT_TIMEOUT_S else max(left, _SHORTEST_REQUEST_S)


def _pauses(wait: float | None) -> Iterator[float]:
    """Yield the seconds to wait before each next poll, without end."""
    if wait is not None and not 0 <= wait < float("inf"):  # NaN is not either
        raise ValueError(f"wait={wait} must not be negative, or without end")
    pause = FIRST_WAIT_S if wait is None else max(wait, _SHORTEST_WAIT_S)
    while True:
        yield pause
        if wait is None:
            pause = min(pause * WAIT_GROWTH, LONGEST_WAIT_S)
