"""Fetch the results of a completed job, once."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import numpy as np
from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

from ionq_toolkit.api.connection import each
from ionq_toolkit.api.record import JobRecord, in_words
from ionq_toolkit.errors import IonQAPIError, IonQJobError
from ionq_toolkit.results.experiment import experiment
from ionq_toolkit.results.histogram import WHOLE_REGISTER, fold, registers_of, with_qubits
from ionq_toolkit.results.result import IonQResult
from ionq_toolkit.tracebacks import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.clock import Deadline


#: Formats of results that are read: schema Formats of the API document.
AGGREGATE_V1 = "ionq.result.probabilities-aggregate.json.v1"
SHOTS_V1, SHOTS_V2 = "ionq.result.shots.json.v1", "ionq.result.shots.json.v2"


class Children:
    """The records of the child jobs of one job."""

    def __init__(self, client: IonQClient) -> None:
        """Fetch nothing yet."""
        self._client = client
        self._final: dict[str, JobRecord] = {}

    def records(self, parent: JobRecord, deadline: Deadline | None = None) -> list[JobRecord]:
        """Return the record of each child as it is now, in the order of the circuits."""

        def ask(index: int) -> JobRecord:
            child_id = parent.child_ids[index]
            if child_id in self._final:
                return self._final[child_id]
            timeout = None if deadline is None else deadline.for_one_of_many()
            body = self._client.retrieve_job(child_id, timeout=timeout)
            record = JobRecord(child_id, body, parent=parent, index=index)
            if record.state in JOB_FINAL_STATES:
                self._final[child_id] = record
            return record

        return each(self._client.transport, ask, range(len(parent.child_ids)))


class Results:
    """The results of one job, each fetched once."""

    def __init__(self, client: IonQClient, children: Children, backend: tuple[str, str]) -> None:
        """Have no results yet.

        Args:
            client: The client of the service.
            children: The records of the child jobs.
            backend: The name and the version of the backend, which a result names.
        """
        self._client, self._children, self._backend = client, children, backend
        self._fetches: dict[tuple[object, ...], Fetch] = {}

    def fetch(self, query: Mapping[str, str], *, partial: bool, memory: bool = False) -> Fetch:
        """Return the fetch of a result, the same for the same arguments.

        Args:
            query: The query, as of `query_of`.
            partial: Whether circuits without a result become experiments that say why.
            memory: Whether to read the outcome of each shot although the job did not ask for it.
        """
        key = (*sorted(query.items()), partial, memory)
        if key not in self._fetches:
            fetch = Fetch(
                self._client, self._children, self._backend, query, partial=partial, memory=memory
            )
            self._fetches.setdefault(key, fetch)  # of two threads, both take the first
        return self._fetches[key]


class Fetch:
    """One result of one job, and the parts of it that were read so far."""

    def __init__(
        self,
        client: IonQClient,
        children: Children,
        backend: tuple[str, str],
        query: Mapping[str, str],
        *,
        partial: bool,
        memory: bool,
    ) -> None:
        """Read nothing yet; see `Results.fetch`."""
        self.client, self.children, self._backend = client, children, backend
        self.query, self.partial, self.memory = query, partial, memory
        self._result: IonQResult | None = None
        #: The histograms of all child jobs, in one response; and the experiments, by child job.
        self.histograms: dict[str, Any] | None = None
        self.experiments: dict[str, dict[str, Any]] = {}

    @property
    def parts_read(self) -> int:
        """The number of parts that were read, for a job of several circuits."""
        return len(self.experiments) + (self.histograms is not None)

    def read(self, record: JobRecord, deadline: Deadline) -> IonQResult | None:
        """Return the result, or None if no circuit has one.

        After an error it can be called again, and does not fetch again the parts that were read.
        The result is kept once all circuits are final.

        Args:
            record: The record of the job, which is final.
            deadline: The deadline of the call.

        Raises:
            IonQJobError: There are no results, or they cannot be read.
            IonQAPIError: The service refused.
            IonQConnectionError: The service was not reached.
            TimeIsUpError: The results could not all be read before the deadline.
        """
        if self._result is not None:
            return self._result
        reading = _Reading(self, record, deadline)
        experiments = reading.experiments(partial=self.partial)
        failed = sum(not experiment["success"] for experiment in experiments)
        if failed == len(experiments):
            return None
        name, version = self._backend
        result: IonQResult = IonQResult.from_dict(
            {
                "backend_name": name,
                "backend_version": version,
                "job_id": record.job_id,
                "success": not failed,
                "status": f"{failed} of {len(experiments)} circuits failed" if failed else None,
                "results": experiments,
                "time_taken": record.time_taken_s,
            }
        )
        if not reading.final:
            return result
        if self._result is None:  # of two threads, both return the first
            self._result = result
        self.histograms, self.experiments = None, {}
        return self._result


class _Reading:
    """One attempt to read the results of one job, within one deadline."""

    def __init__(
        self,
        store: Fetch,
        record: JobRecord,
        deadline: Deadline,
    ) -> None:
        """Read the job of `record`, and keep the parts in `store`.

        With a query, histograms are not those of the single shots, so shots are not read.
        """
        self._store = store
        self._client, self._children = store.client, store.children
        self._query, self._memory = store.query, store.memory
        self._record = record
        self._deadline = deadline
        self._timeout = deadline.for_request
        #: Whether all circuits were final, so that the next reading finds no more.
        self.final = True

    def experiments(self, *, partial: bool = False) -> list[dict[str, Any]]:
        """Return an experiment for each circuit, in their order; see `Fetch.read`."""
        record = self._record
        if record.is_function:
            raise IonQJobError(
                f"Job {record.job_id} is a {record.type!r}, which comes to a value and no counts; "
                "client.retrieve_job(job_id)['results'] has it.",
                job_id=record.job_id,
            )
        if record.dry_run and not record.has_results:
            raise IonQJobError(
                f"Job {record.job_id} was a dry run: it was compiled and priced, and did not run. "
                "Use compiled_circuit() and cost(); run it without dry_run=True for a result.",
                job_id=record.job_id,
            )
        if record.is_parent:
            return self._of_children(partial=partial)
        return [self._of_circuit(record)]

    def _of_children(self, *, partial: bool) -> list[dict[str, Any]]:
        """Return the experiments of the child jobs, paired with their results by their ids."""
        record = self._record
        ids = record.child_ids
        if not ids:
            raise IonQJobError(
                f"Job {record.job_id} is of several circuits and names no child jobs, so that "
                "its results cannot be told apart.",
                job_id=record.job_id,
            )
        histograms, found = self._store.histograms, self._store.experiments
        if histograms is None:
            histograms = self._aggregated() if record.state is JobStatus.DONE else {}
        surplus = sorted(set(histograms) - set(ids))
        missing = [child_id for child_id in ids if child_id not in histograms]
        if surplus or (missing and not partial):
            raise self._not_paired(missing, surplus)
        self._store.histograms = histograms
        # If the metadata of the job describe its circuits, its own record stands for those of its
        # child jobs.
        known = record.headers is not None and record.shots is not None
        named = record.names_any_url() or not self._wants_shots(record)
        if known and named and not missing:
            children: Sequence[JobRecord] = [record.child(n) for n in range(len(ids))]
        else:
            children = self._children.records(record, self._deadline)

        def read(child: JobRecord) -> dict[str, Any]:
            if child.job_id not in found:
                histogram = histograms.get(child.job_id)
                if histogram is None and child.state is not JobStatus.DONE:
                    return self._failed(child)
                found[child.job_id] = self._of_circuit(child, histogram)
            return found[child.job_id]

        self._timeout = self._deadline.for_one_of_many
        if not missing and not self._wants_shots(record):
            return [read(child) for child in children]  # nothing more to ask for
        several = each(self._client.transport, read, children)
        self.final = all(
            child.job_id in found or child.apparent_state in JOB_FINAL_STATES for child in children
        )
        return several

    def _aggregated(self) -> dict[str, Any]:
        record = self._record
        artifact = record.artifact(AGGREGATE_V1)
        if artifact and not self._query and not record.names_url("probabilities"):
            found = self._artifact(record, artifact)
        else:
            found = self._client.get_aggregated_results(
                record.job_id, query=self._query, as_ints=True, timeout=self._timeout()
            )
        if not isinstance(found, dict) or not all(isinstance(h, dict) for h in found.values()):
            raise IonQJobError(
                f"The results of job {record.job_id} are not a histogram for each child job.",
                job_id=record.job_id,
            )
        return found

    def _not_paired(self, missing: Sequence[str], surplus: Sequence[str]) -> IonQJobError:
        record = self._record
        complaints = []
        if missing:
            which = ", ".join(f"{record.child_ids.index(i)} ({i})" for i in missing[:5])
            complaints.append(
                f"nothing for {len(missing)} of {len(record.child_ids)} circuits: {which}"
                f"{', ...' if len(missing) > 5 else ''}. "  # noqa: PLR2004
                "result(partial=True) reads the others"
            )
        if surplus:
            complaints.append(f"something for jobs that are none of its: {', '.join(surplus[:5])}")
        return IonQJobError(
            f"The results of job {record.job_id} have {', and '.join(complaints)}.",
            job_id=record.job_id,
        )

    def _of_circuit(
        self, record: JobRecord, histogram: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        if record.is_program:
            return self._of_program(record)
        shots = self._shots(record) if self._wants_shots(record) else None
        header = record.header.of_qubits()
        if histogram is None:
            histogram = self._histogram(record)
        return self._experiment(record, header, histogram, shots)

    def _histogram(self, record: JobRecord) -> dict[str, Any]:
        return self._client.get_results(
            record.job_id, query=self._query, as_ints=True, timeout=self._timeout()
        )

    def _wants_shots(self, record: JobRecord) -> bool:
        return (record.memory or self._memory) and not record.is_ideal and not self._query

    def _shots(self, record: JobRecord) -> Sequence[int | str]:
        """Return the outcome of each shot over the qubits.

        They are where the record says, at a path of their own or among the artifacts; those of a
        child job that was not asked for, at the path.
        """
        by_path = not record or record.names_url("shots")
        first, second = (record.artifact(form) for form in (SHOTS_V1, SHOTS_V2))
        if by_path or not (first or second):
            return self._shots_by_path(record)
        if first:
            found = self._artifact(record, first)
            if not isinstance(found, list):
                raise IonQJobError(
                    f"The shots of job {record.job_id} are not a list.", job_id=record.job_id
                )
            return found
        assert second is not None, "one of the two is there"  # noqa: S101
        shots = registers_of(self._artifact(record, second), record.job_id)
        width = record.header.of_qubits()["n_qubits"]
        values = fold(shots, [(WHOLE_REGISTER, place) for place in range(width)], record.job_id)
        return list(values.tolist())

    def _shots_by_path(self, record: JobRecord) -> list[Any]:
        try:
            return self._client.get_shots(record.job_id, timeout=self._timeout())
        except IonQAPIError as error:
            if record.memory or error.status_code != HTTPStatus.NOT_FOUND:
                raise
            raise IonQJobError(
                f"No memory: job {record.job_id} was not run with memory=True, and IonQ has no "
                "outcome of each of its shots.",
                job_id=record.job_id,
            ) from error

    def _experiment(
        self,
        record: JobRecord,
        header: Mapping[str, Any],
        histogram: Mapping[str, Any],
        raw_shots: Sequence[int | str] | None,
    ) -> dict[str, Any]:
        """Return the results of the circuit of `record` as an experiment of a Qiskit result."""
        shots, seed = record.shots, record.sampling_seed if record.is_ideal else None
        memory = record.memory or self._memory
        try:
            return experiment(
                histogram,
                header,
                shots=shots,
                seed=seed,
                memory=memory,
                raw_shots=raw_shots,
                fewer=record.is_verified,
            )
        except IonQJobError as error:  # what reads it does not know whose it is
            raise IonQJobError(
                f"Job {record.job_id}{record.place} has no result to be read. {error}",
                job_id=record.job_id,
            ) from error

    def _of_program(self, record: JobRecord) -> dict[str, Any]:
        """Return the experiment of an OpenQASM 3 program, whose outcomes are over classical bits.

        Shots are read register by register, if IonQ has them; an ideal simulation has no shots.
        """
        artifact = record.artifact(SHOTS_V2)
        if record.is_ideal or self._query or artifact is None:
            header = record.header.of_program()
            shots = self._shots(record) if self._wants_shots(record) else None
            histogram = self._histogram(record)
            return with_qubits(record, self._experiment(record, header, histogram, shots))
        found = registers_of(self._artifact(record, artifact), record.job_id)
        # The shots name the registers of the program, and one more of all qubits.
        own = {name: value for name, value in found[0].items() if name != WHOLE_REGISTER} or found[
            0
        ]
        registers = [(n, len(v) if isinstance(v, list) else 0) for n, v in own.items()]
        header = record.header.of_program(registers)
        bits = record.header.bits() or []
        if len(bits) != header["memory_slots"] or any(name not in own for name, _ in bits):
            bits = [(name, place) for name, size in registers for place in range(size)]
            # Without stored registers, those of the program count, in their order. A circuit whose
            # registers are not its program's can only be read if the program has a single one.
            alone = len(registers) == 1 and len(bits) == header["memory_slots"]
            if record.header.stored is not None and not alone:
                raise IonQJobError(
                    f"The circuit of job {record.job_id} has {header['memory_slots']} classical "
                    "bits, and which of them are which in the registers of its shots cannot be "
                    f"told: {', '.join(own)}.",
                    job_id=record.job_id,
                )
        values = fold(found, bits, record.job_id)
        outcomes, counts = np.unique(values, return_counts=True)
        histogram = {
            str(outcome): count / len(values)
            for outcome, count in zip(outcomes.tolist(), counts.tolist(), strict=True)
        }
        return with_qubits(record, self._experiment(record, header, histogram, values.tolist()))

    def _failed(self, record: JobRecord) -> dict[str, Any]:
        """Return an experiment without results that says why."""
        code, text = record.failure if record.has_failure else (None, "")
        if record.state is not JobStatus.ERROR:
            status = f"its status is {record.status!r}"
            text = f"{text} ({status})" if text else status
        code, text = code and self._client.redact(code), self._client.redact(text)
        text = text or record.failure[1]
        return {
            "shots": record.shots or 0,
            "success": False,
            "status": in_words(code, text),
            "data": {},
            "header": dict(record.header.stored or {}),
            "failure": {"code": code, "message": text, "job_id": record.job_id},
        }

    def _artifact(self, record: JobRecord, artifact_id: str) -> Any:  # noqa: ANN401 - any JSON
        return self._client.get_artifact(record.job_id, artifact_id, timeout=self._timeout())


def query_of(sharpen: bool | None, extra_query_params: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the query for the results of a job; see `IonQJob.result`."""
    if not (sharpen is None or isinstance(sharpen, bool | np.bool_)):
        raise InvalidValueError(f"sharpen={sharpen!r} must be True, False or None")
    query = {name: str(value) for name, value in (extra_query_params or {}).items()}
    if sharpen is not None:
        query["sharpen"] = "true" if sharpen else "false"
    return query
