"""IonQJob: the life of one submitted job."""

from __future__ import annotations

from contextlib import nullcontext
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, overload

from qiskit.providers import JobV1
from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

from ionq_toolkit.api.connection import each
from ionq_toolkit.api.metadata import TAG
from ionq_toolkit.api.models import read_cost
from ionq_toolkit.display import plots, shown
from ionq_toolkit.errors import IonQAPIError, IonQJobError, IonQJobStateError
from ionq_toolkit.job.errors import error_message, final_error
from ionq_toolkit.job.polling import Poll, UntilFinal, UntilRead
from ionq_toolkit.job.progress import LONG_S, ProgressLine
from ionq_toolkit.job.state import JobState, summary
from ionq_toolkit.job.submission import JobSubmission
from ionq_toolkit.job.view import JobFacts, job_view
from ionq_toolkit.results.fetch import Results, query_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from qiskit import QuantumCircuit
    from qiskit.result import Counts

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.api.models import JobCost
    from ionq_toolkit.api.record import JobRecord, JobTimings, QueueInfo
    from ionq_toolkit.clock import Deadline
    from ionq_toolkit.job.payload import Payload
    from ionq_toolkit.job.state import DetailedStatus
    from ionq_toolkit.results.result import IonQResult
    from ionq_toolkit.service import Service

    class Backend(Protocol):
        """The backend of a job: it names itself, and prepares runs."""

        name: str
        backend_version: str
        service: Service

        def prepare(self, run_input: object, options: Mapping[str, Any]) -> Payload:
            """Check a run and return the job to submit."""

    Callback = Callable[[str, JobStatus, "IonQJob"], object]


class IonQJob(JobV1):
    """One job on the IonQ Cloud: submitted by `IonQBackend.run`, or retrieved by its id.

    A job of several circuits is a parent with a child job for each of them.

    ::

        job = backend.run(circuit, shots=1000)
        job.get_counts()  # -> {'00': ..., '11': ...}
        again = provider.job(job.job_id())  # tomorrow, from another process

    Attributes:
        circuit: The circuit of a job made here, or the list of them; None for one retrieved by
            its id.
        metadata: The metadata stored with the job at IonQ, as last seen.
    """

    def __init__(
        self,
        backend: Backend,
        job_id: str | None = None,
        client: IonQClient | None = None,
        circuit: QuantumCircuit | Sequence[QuantumCircuit] | None = None,
        passed_args: Mapping[str, Any] | None = None,
        *,
        state: JobState | None = None,
    ) -> None:
        """Describe a job to submit (`circuit`) or one that exists (`job_id`).

        Args:
            backend: The backend that it runs on.
            job_id: IonQ's id of a job that exists.
            client: The client of the service; the backend's own if None.
            circuit: A circuit, or several for one job. A list of one is that one.
            passed_args: Options of the run, as `IonQBackend.run` takes them.
            state: The job as last seen, for a job that exists.

        Raises:
            IonQJobError: Neither `circuit` nor `job_id` is given, or the circuits are too many or
                too large for a job.
            IonQBackendError: An option is unknown or out of range, or a circuit too wide.
            IonQGateError: IonQ does not take a gate of a circuit.
            IonQCredentialsError: There is no API key.
        """
        if circuit is None and not (isinstance(job_id, str) and job_id):
            raise IonQJobError("A job needs a circuit to submit, or the job_id of one that exists.")
        super().__init__(backend, job_id or "")
        self.circuit: QuantumCircuit | list[QuantumCircuit] | None = None
        self._service = backend.service
        self._client = client or self._service.client
        self._submission: JobSubmission | None = None
        if circuit is not None:
            payload = backend.prepare(circuit, passed_args or {})
            self._submission = JobSubmission(self._client, payload, self._service.journal)
            several = list(payload.circuits)
            self.circuit = several if len(several) > 1 else several[0]
            self.metadata = dict(payload.metadata)
        self._state = state or JobState(self._client, self._service.clock, job_id or "")
        backend_is = (backend.name, backend.backend_version)
        self._results = Results(self._client, self._state.children, backend_is)
        self._child_jobs: tuple[IonQJob, ...] = ()
        self._cost: JobCost | None = None

    @classmethod
    def from_record(cls, backend: Backend, body: Mapping[str, Any]) -> Self:
        """Return the job of a record in a list of jobs, of which nothing is asked yet.

        Args:
            backend: The backend that it runs on.
            body: IonQ's record, with its `id`.
        """
        client = backend.service.client
        state = JobState(client, backend.service.clock, body["id"])
        state.show(body)
        job = cls(backend, body["id"], client, state=state)
        job.metadata = state.record.metadata
        return job

    def job_id(self) -> str:
        """Return IonQ's id of the job; empty before it is submitted.

        ::

            provider.job(job.job_id()).shots  # -> 1000
        """
        return self._state.job_id

    @property
    def state(self) -> JobState:
        """The job as last seen; nothing is sent."""
        return self._state

    def __repr__(self) -> str:
        job_id, facts = self._state.job_id or "", self._facts()
        parts = [type(self).__name__, job_id, f"on {self._backend.name}:", facts.status]
        return f"<{' '.join(filter(None, parts))}>"

    def _facts(self) -> JobFacts:
        several = self.circuit if isinstance(self.circuit, list) else [self.circuit]
        circuits = [one for one in several if one is not None]
        name, state = type(self).__name__, self._state
        shots = self.metadata.get("shots")
        return JobFacts(name, self._backend.name, state, circuits, shots, self._cost)

    _repr_html_, _repr_pretty_ = shown(lambda self: job_view(self._facts()))

    def submit(self, timeout: float | None = None) -> None:
        """Send the job to IonQ.

        The metadata hold the seed that samples the counts, so that they are the same whenever and
        from wherever they are asked for. `IonQBackend.run` says what the client does when the
        response is lost. Afterwards, `submit` does not send the job again but searches for it
        again.

        ::

            job = IonQJob(backend, circuit=circuit, passed_args={"shots": 100})
            job.submit()

        Args:
            timeout: Seconds for everything; None: as of the provider.

        Raises:
            IonQJobStateError: The job was submitted before, or is by another thread.
            IonQAPIError: IonQ refused the job.
            IonQSubmissionUnknownError: The response was lost, and the job not found: it may exist.
            IonQConnectionError: The service was not reached, so that nothing was sent.
            ValueError: `timeout` is negative or not a number.
        """
        deadline, submission = self._service.deadline(timeout), self._submission
        if submission is None:
            raise self._submitted_already()
        with submission.claimed():
            if self._state.job_id:
                raise self._submitted_already()
            # In this order: an interruption anywhere leaves a job that can be submitted again, and
            # is then found, or one that is known by its id.
            job_id = submission.run(deadline)
            self._state.begin(job_id, submission.began or 0.0)
            self._submission = None
        self._client.events(submission.event(deadline.clock.monotonic()))

    def _submitted_already(self) -> IonQJobStateError:
        return IonQJobStateError(
            f"Job {self._state.job_id} is submitted already; run the circuit again for a new one.",
            job_id=self._state.job_id,
        )

    @property
    def submission_tag(self) -> str | None:
        """The tag by which a job is found whose id is not known; None if it is not known either.

        See `IonQProvider.find_submission`.
        """
        tag = self.metadata.get(TAG)
        return tag if isinstance(tag, str) else None

    @overload
    def status(self, detailed: Literal[False] = False) -> JobStatus: ...

    @overload
    def status(self, detailed: Literal[True]) -> DetailedStatus: ...

    @overload
    def status(self, detailed: bool) -> JobStatus | DetailedStatus: ...

    def status(self, detailed: bool = False) -> JobStatus | DetailedStatus:
        """Return the status of the job.

        ::

            job.status().name  # -> 'DONE'
            backend.run(circuits).status(detailed=True)["total"]  # -> 2

        Args:
            detailed: Return a dict instead, with the number of circuits (`total`), how many
                of them are `completed` and `failed`, the `percentage_complete` (0 to 1),
                and the `statuses` in the order of the circuits. It is also returned for a
                failed or cancelled job.

        Raises:
            IonQJobFailureError: The job failed; the same at every call.
            IonQJobStateError: The job was cancelled; the same at every call.
            IonQJobError: The job is over, and its status is unknown.
        """
        self._refresh()
        if detailed:
            circuits = len(self.circuit) if isinstance(self.circuit, list) else 1
            return summary(self._state.statuses(circuits))
        if self._state.status in (JobStatus.ERROR, JobStatus.CANCELLED):
            raise final_error(self._state)
        return self._state.status

    def done(self) -> bool:
        """Return whether the job is completed."""
        return self._refresh() is JobStatus.DONE

    def running(self) -> bool:
        """Return whether the job is being executed."""
        return self._refresh() is JobStatus.RUNNING

    def errored(self) -> bool:
        """Return whether the job failed."""
        return self._refresh() is JobStatus.ERROR

    def cancelled(self) -> bool:
        """Return whether the job was cancelled."""
        return self._refresh() is JobStatus.CANCELLED

    def in_final_state(self) -> bool:
        """Return whether the job is completed, failed or cancelled."""
        return self._refresh() in JOB_FINAL_STATES

    def error_message(self) -> str | None:
        """Return why the job failed, in IonQ's words, or None if it has not.

        Of a job of several circuits, it says which of them failed, and why each did.

        ::

            job = backend.run(circuit)
            cloud.fail(job.job_id(), "SystemCancel")
            job.error_message()  # -> '...'
        """
        self._refresh()
        return error_message(self._state)

    def api_backend(self, timeout: float | None = None) -> str | None:
        """Return IonQ's name of the job's backend, within `timeout` seconds."""
        self._state.refresh(None if timeout is None else self._service.deadline(timeout))
        self._seen()
        return self._record.backend

    def cancel(self) -> bool:
        """Ask IonQ to cancel the job.

        ::

            job = backend.run(circuit)
            job.cancel()  # -> True

        Returns:
            Whether it is cancelled. A job that is known to be final is left alone.

        Raises:
            IonQJobStateError: The job is not submitted yet.
            IonQAPIError: IonQ refused.
        """
        self._need_id()
        if not self._state.over:
            self._client.cancel_job(self._state.job_id)
            self._refresh()
        return self._state.status is JobStatus.CANCELLED

    @property
    def dry_run(self) -> bool:
        """Whether the job is only compiled and priced, and not run."""
        if self._submission is not None:
            return self._submission.payload.dry_run
        if not self._record:
            self._refresh()
        return self._record.dry_run

    @property
    def name(self) -> str | None:
        """The name of the job: that of its circuit, unless it was given one."""
        if self._submission is not None:
            return self._submission.payload.name
        return self._seen_record().name

    @property
    def shots(self) -> int | None:
        """The number of shots of each circuit; None if it is not known.

        IonQ keeps none for an ideal simulation; the toolkit and qiskit-ionq store them with a job.

        Raises:
            IonQJobError: The record of the job has no possible number.
        """
        if self._submission is not None:
            return int(self._submission.payload.metadata["shots"])
        return self._seen_record().shots

    @property
    def session_id(self) -> str | None:
        """The id of the session that the job is part of; None without one, or before `submit`."""
        return self._seen_record().session_id if self._state.job_id else None

    @property
    def creation_date(self) -> datetime | None:
        """When the job was submitted, in UTC; None before, or if IonQ does not report it."""
        return self._seen_record().timings.submitted_at if self._state.job_id else None

    def queue_info(self) -> QueueInfo | None:
        """Return how long IonQ predicts that the job waits; None if it does not wait any more.

        ::

            cloud.transitions.set(Transitions(started="never"))
            job = provider.get_backend("forte-1").run(circuit)
            job.queue_info()  # -> QueueInfo(...)

        Raises:
            IonQJobStateError: The job is not submitted yet.
            IonQAPIError: IonQ refused.
        """
        self._need_id()
        self._refresh()
        return self._record.queue

    def usage(self) -> float:
        """Return the seconds that the job has run so far; 0.0 if IonQ reports none.

        `timings` tells a job that has not run from one that took no time.

        Raises:
            IonQJobStateError: The job is not submitted yet.
            IonQAPIError: IonQ refused.
        """
        self._need_id()
        self._refresh()
        return self._record.time_taken_s or 0.0

    def delete(self, timeout: float | None = None) -> None:
        """Delete the job with its results at IonQ, for good.

        This object keeps a final status and a result that it has seen. All else that it asks IonQ
        is then an `IonQAPIError` with `status_code` 404.

        ::

            job.delete()
            provider.jobs()  # -> []

        Args:
            timeout: Seconds for everything; None: the provider's default.

        Raises:
            IonQJobStateError: The job is not submitted yet.
            IonQAPIError: IonQ refused, or never had a job of this id for this key.
            IonQConnectionError: The service was not reached. The job may be deleted.
        """
        self._need_id()
        deadline = self._service.deadline(timeout)
        try:
            self._client.delete_job(self._state.job_id, timeout=deadline.for_request())
        except IonQAPIError as error:
            existed = self._record or self.circuit is not None
            if error.status_code != HTTPStatus.NOT_FOUND or not existed:
                raise  # else it is deleted: a request whose response was lost may have done so

    def timings(self) -> JobTimings:
        """Return when the job was where, and how long IonQ predicts that it waits and runs.

        ::

            job.timings().submitted_at  # -> datetime.datetime(2026, 1, 1, ...)
        """
        self._refresh()
        return self._record.timings

    def child_jobs(self) -> list[IonQJob]:
        """Return the jobs of the circuits, in their order; none for a job of one circuit.

        Each is a job as any other: its result is that of its circuit in the result of the whole.

        ::

            job = backend.run(circuits)
            [child.get_counts() for child in job.child_jobs()]  # -> [{...}, {...}]

        Raises:
            IonQJobError: The record of the job does not name them as it should.
        """
        self._refresh()
        ids = self._record.child_ids
        if [child.job_id() for child in self._child_jobs] != list(ids):
            self._child_jobs = tuple(self._child_job(index) for index in range(len(ids)))
        return list(self._child_jobs)

    def _child_job(self, index: int) -> IonQJob:
        child_id = self._record.child_ids[index]
        state = JobState(self._client, self._service.clock, child_id, self._record, index)
        return type(self)(self._backend, child_id, self._client, state=state)

    def compiled_circuit(self, lang: str = "native") -> Any:  # noqa: ANN401 - any JSON, or bytes
        """Return the circuit as IonQ compiled it, or a list of them for several circuits.

        ::

            job = provider.get_backend("forte-1").run(circuit)
            job.wait_for_final_state()
            job.compiled_circuit()["qubits"]  # -> 2

        Args:
            lang: The format: a short name such as ``native``, or the whole of it, such as
                ``ionq.native.v1``.

        Returns:
            Decoded JSON, a str or bytes, according to the format. ``ionq.native.v1`` is a dict
            with `qubits` and `circuit`, a list of gates.

        Raises:
            IonQJobStateError: The job is not final yet.
            IonQJobError: There is no compiled circuit in that format; the message names those that
                there are.
        """
        self._need_id()
        if self._refresh() not in JOB_FINAL_STATES:
            raise IonQJobStateError(
                f"Job {self._state.job_id} is not final yet, so that its compiled circuit cannot "
                "be fetched. Call wait_for_final_state() first.",
                job_id=self._state.job_id,
            )
        if self._record.is_parent and not self._record.is_child:
            return each(
                self._client.transport,
                lambda child: child.compiled_circuit(lang),
                self.child_jobs(),
            )
        return self._client.get_artifact(self._state.job_id, self._record.compiled_circuit(lang))

    def cost(self) -> JobCost | None:
        """Return what the job costs, or None as long as IonQ has computed nothing.

        ::

            job.wait_for_final_state()
            job.cost()  # -> JobCost(...)

        Raises:
            IonQJobStateError: The job is not submitted yet.
            IonQJobError: IonQ's response cannot be read.
        """
        self._need_id()
        try:
            body = self._client.get_job_cost(self._state.job_id)
        except IonQAPIError as error:
            if error.status_code != HTTPStatus.NOT_FOUND:
                raise
            return None
        self._cost = read_cost(body, self._state.job_id)
        return self._cost

    def wait_for_final_state(
        self,
        timeout: float | None = None,
        wait: float | None = None,
        callback: Callback | None = None,
        *,
        progress: bool | None = None,
    ) -> None:
        """Wait until the job is completed, failed or cancelled, whichever of these it is.

        A status that is not known here is not final yet, unless the record says when the job was
        completed, or why it failed: then it is over, as `JobStatus.ERROR`.

        An outage of the service does not end the wait: without a response, after 429 and after most
        statuses of 5xx it polls again later, until `timeout` or, without one, for as long as
        `RetryPolicy.outage_s`.

        ::

            job = backend.run(circuit)
            job.wait_for_final_state(timeout=3600)
            job.state.status.name  # -> 'DONE'

        Args:
            timeout: Seconds to wait in all, polls included; None: the provider's default, without
                a limit unless it was set.
            wait: Seconds between polls, at least 0.001; None starts with short waits, by the
                time that a request takes, and lets them grow.
            callback: Called as `callback(job_id, status, job)` after each poll, the last
                one included.
            progress: Show a progress bar on a terminal (standard error) or in a notebook: True at
                once, None after 5 s and without further requests, False never.

        Raises:
            IonQJobTimeoutError: The job is not final after `timeout`. It goes on, and can
                be waited for again. If the service gave no answer at the end, the cause says why.
            IonQJobError: Likewise, and its status is a word that is not known; without a timeout,
                once nothing in the job's record has changed for an hour.
            IonQConnectionError: The service was not reached for as long as `outage_s` allows.
            IonQAPIError: IonQ refused or, as a service in trouble, for as long as that.
            ValueError: `timeout` or `wait` is negative or not a number.
        """
        with _line(progress) as line:
            self._until_final(line, self._service.deadline(timeout), wait, callback).run()

    async def wait_async(
        self,
        timeout: float | None = None,
        wait: float | None = None,
        callback: Callback | None = None,
        *,
        progress: bool | None = None,
    ) -> None:
        """Wait as `wait_for_final_state` does, and let other tasks go on meanwhile.

        Requests are made in a thread; `callback` is called in the task. A task that is cancelled
        asks no more, once a request under way is answered; the job itself goes on.

        ::

            async def main():
                await asyncio.gather(*(backend.run(one).wait_async() for one in circuits))

            asyncio.run(main())
        """
        with _line(progress) as line:
            deadline = self._service.deadline(timeout)
            await self._until_final(line, deadline, wait, callback).run_async()

    def result(
        self,
        sharpen: bool | None = None,
        timeout: float | None = None,
        wait: float | None = None,
        callback: Callback | None = None,
        extra_query_params: Mapping[str, Any] | None = None,
        *,
        partial: bool = False,
        progress: bool | None = None,
    ) -> IonQResult:
        """Wait for the job and return its result: fetched once, the same at every call.

        ::

            result = backend.run(circuit).result(timeout=3600)
            result.success  # -> True

        Args:
            sharpen: Whether a debiased job's histogram is combined by plurality vote
                (True) or by averaging (False); None leaves it to IonQ.
            timeout: Seconds for everything: to wait, and to fetch the result; None: as of the
                provider.
            wait: As of `wait_for_final_state`.
            callback: As of `wait_for_final_state`.
            extra_query_params: Further parameters for IonQ's results endpoint. With any, and with
                `sharpen`, counts are those of the histogram, and there is no memory on devices.
            partial: For a job of several circuits, return the results of some even if others
                failed: the experiments of these have `success` False and a `status` that says why,
                as does the error that `get_counts(i)` raises for them.
            progress: As of `wait_for_final_state`.

        Raises:
            IonQJobFailureError: The job failed; the message says why.
            IonQJobStateError: The job was cancelled.
            IonQJobTimeoutError: The job is not final after `timeout`.
            IonQJobError: The result cannot be read, or the job is over and the word for its status
                is not known.
            IonQConnectionError: As of `wait_for_final_state`, and likewise of the result.
            IonQAPIError: Likewise.
        """
        deadline, query = self._service.deadline(timeout), query_of(sharpen, extra_query_params)
        with _line(progress) as line:
            self._until_final(line, deadline, wait, callback).run()
        reading = self._until_read(deadline, query, partial=partial)
        return reading.run()

    async def result_async(
        self,
        sharpen: bool | None = None,
        timeout: float | None = None,
        wait: float | None = None,
        callback: Callback | None = None,
        extra_query_params: Mapping[str, Any] | None = None,
        *,
        partial: bool = False,
        progress: bool | None = None,
    ) -> IonQResult:
        """Return what `result` does, and let other tasks go on meanwhile; see `wait_async`.

        ::

            async def main():
                jobs = [backend.run(one) for one in circuits]
                return await asyncio.gather(*(job.result_async() for job in jobs))

            len(asyncio.run(main()))  # -> 2
        """
        deadline, query = self._service.deadline(timeout), query_of(sharpen, extra_query_params)
        with _line(progress) as line:
            await self._until_final(line, deadline, wait, callback).run_async()
        reading = self._until_read(deadline, query, partial=partial)
        return await reading.run_async()

    @overload
    def get_counts(self, circuit: QuantumCircuit | str | int) -> Counts: ...

    @overload
    def get_counts(self, circuit: None = None) -> Counts | Any: ...  # noqa: ANN401 - a list for several

    def get_counts(self, circuit: QuantumCircuit | str | int | None = None) -> Any:
        """Wait for the job and return its counts, which add up to its shots.

        An ideal simulation has exact probabilities: its counts are sampled from them once.

        ::

            backend.run(circuit, shots=1000).get_counts()  # -> {'00': ..., '11': ...}
            backend.run(circuits).get_counts(1)  # -> {'1': 1024}

        Args:
            circuit: Which circuit of several: itself, or its name or index; None for all, as a
                list in their order.
        """
        return self.result().get_counts(circuit)

    @overload
    def get_probabilities(self, circuit: QuantumCircuit | str | int) -> Mapping[str, float]: ...

    @overload
    def get_probabilities(self, circuit: None = None) -> Mapping[str, float] | Any: ...  # noqa: ANN401 - a list for several

    def get_probabilities(self, circuit: QuantumCircuit | str | int | None = None) -> Any:
        """Wait for the job and return the probability of every outcome, sampled or not.

        `circuit` as of `get_counts`.

        ::

            job.get_probabilities()  # -> {'00': 0.5, '11': 0.5}
        """
        return self.result().get_probabilities(circuit)

    @overload
    def get_memory(self, circuit: QuantumCircuit | str | int) -> list[str]: ...

    @overload
    def get_memory(self, circuit: None = None) -> list[str] | Any: ...  # noqa: ANN401 - a list for several

    def get_memory(self, circuit: QuantumCircuit | str | int | None = None) -> Any:
        """Wait for the job and return the outcome of each shot, in order.

        Of a noisy simulation or a machine, it is fetched where IonQ has it, also for a job that was
        not run with ``memory=True``, such as one that qiskit-ionq has submitted. Of a mitigated
        histogram, `get_counts` may then say something else than the shots do.

        `circuit` as of `get_counts`.

        ::

            backend.run(circuit, shots=3, memory=True).get_memory()  # -> ['...', '...', '...']

        Raises:
            IonQJobError: IonQ has no memory, or the job was an ideal simulation without
                ``memory=True``.
        """
        deadline = self._service.deadline(None)
        found = self.result(timeout=deadline.timeout)
        if not (self._record.memory or self._record.is_ideal):
            found = self._until_read(deadline, {}, partial=False, memory=True).run()
        return found.get_memory(circuit)

    def plot(self, **options: Any) -> Any:  # noqa: ANN401 - Qiskit's options, and a figure
        """Wait for the job and return Qiskit's histogram of its counts; see `IonQResult.plot`.

        ::

            job.plot(title="Bell state").savefig("bell.png")
        """
        plots.check()
        return self.result().plot(**options)

    @property
    def _record(self) -> JobRecord:
        return self._state.record

    def _seen_record(self) -> JobRecord:
        """Return the record as last seen, and ask for one that has none, or lacks its parent."""
        if not self._record or (self._record.parent_id and not self._record.is_child):
            self._refresh()
        return self._record

    def _refresh(self) -> JobStatus:
        """Ask the service for the status, unless it is settled, and return it."""
        status = self._state.refresh()
        self._seen()
        return status

    def _seen(self) -> None:
        if self._record:
            self.metadata = self._record.metadata

    def _until_final(
        self,
        line: ProgressLine | None,
        deadline: Deadline,
        wait: float | None,
        callback: Callback | None,
    ) -> Poll[JobStatus]:
        def tell() -> None:
            self._seen()
            if callback is not None:
                callback(self._state.job_id, self._state.status, self)

        self._need_id()
        return Poll(UntilFinal(self._state, deadline, line, tell), wait)

    def _until_read(
        self,
        deadline: Deadline,
        query: Mapping[str, str],
        *,
        partial: bool,
        memory: bool = False,
    ) -> Poll[IonQResult]:
        partial = partial and self._record.is_parent
        if self._state.status is not JobStatus.DONE and not partial:
            raise final_error(self._state)
        fetch = self._results.fetch(query, partial=partial, memory=memory)
        return Poll(UntilRead(self._state, deadline, fetch))

    def _need_id(self) -> None:
        if not self._state.job_id:
            raise IonQJobStateError("The job is not submitted yet; call submit() first.")


def _line(progress: bool | None) -> AbstractContextManager[ProgressLine | None]:
    if progress is None:
        return ProgressLine(after_s=LONG_S)
    return ProgressLine() if progress else nullcontext()
