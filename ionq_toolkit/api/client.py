"""One method per operation of IonQ's REST API."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ionq_toolkit.api.connection import Connection, encode, query_text
from ionq_toolkit.api.record import SINGLE_CIRCUIT
from ionq_toolkit.errors import IonQClientError, IonQError, IonQResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


#: Ids that can be part of a path without encoding; IonQ's are UUIDs.
_JOB_ID = re.compile("[0-9A-Za-z_-]{1,200}")


class IonQClient(Connection):
    """IonQ's REST API v0.4 over a transport.

    Responses are returned as decoded JSON, as IonQ sends them.

    ::

        client = provider.client
        record = client.retrieve_job(job.job_id())
        record["status"]  # -> 'completed'
    """

    def submit_job(
        self, payload: Mapping[str, Any] | bytes, *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Submit a job: POST /jobs.

        The request is sent again only if it certainly had no effect. After an
        `IonQConnectionError` the job may exist.

        ::

            gates = [{"gate": "h", "target": 0}]
            job = provider.client.submit_job({
                "type": "ionq.circuit.v1",
                "backend": "simulator",
                "input": {"gateset": "qis", "qubits": 1, "circuit": gates},
            })
            job["status"]  # -> 'submitted'

        Args:
            payload: The body, of the shape `JobCreationPayload` of IonQ's API document; bytes are
                sent as they are.
            timeout: Seconds the request may take.

        Returns:
            `{"id": ..., "status": "submitted", "session_id": ...}`.

        Raises:
            IonQAPIError: IonQ refused the job.
            IonQConnectionError: The response did not arrive.
            IonQResponseError: The response cannot be read, or has no id.
        """
        body = payload if isinstance(payload, bytes) else encode(payload)
        reply = self._request("POST", "/jobs", body=body, timeout=timeout)
        job = self._json_object(reply, "POST /jobs")
        if not isinstance(job.get("id"), str) or not _JOB_ID.fullmatch(job["id"]):
            raise IonQResponseError(
                "The reply to POST /jobs carries no job id; the job may exist all the same. "
                "Look for it at https://cloud.ionq.com before submitting it again.",
                status_code=reply.status,
                request_id=self._request_id(reply),
            )
        return job

    def retrieve_job(self, job_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Return the record of a job: GET /jobs/{id}.

        ::

            provider.client.retrieve_job(job.job_id())["backend"]  # -> 'simulator'
        """
        return self._object("GET /jobs/{id}", _job_path(job_id), job_id, timeout)

    def get_results(
        self,
        job_id: str,
        *,
        query: Mapping[str, str] | None = None,
        as_ints: bool = False,
        timeout: float | None = None,
    ) -> dict[Any, Any]:
        """Return a completed job's histogram: GET /jobs/{id}/results/probabilities.

        ::

            provider.client.get_results(job.job_id())  # -> {'0': 0.5, '3': 0.5}

        Args:
            job_id: The job.
            query: Parameters of the query, such as ``{"sharpen": "true"}``.
            as_ints: Return outcomes as ints, which is several times faster for very many. A reply
                that is not a histogram is returned as it is.
            timeout: Seconds the request may take.

        Returns:
            Outcomes and their probabilities. An outcome is a decimal string whose
            least significant bit is qubit 0; outcomes of probability zero are left out.
        """
        form = dict[int, float] if as_ints else Any
        return self._results(job_id, "probabilities", query, form, timeout)

    def get_aggregated_results(
        self,
        job_id: str,
        *,
        query: Mapping[str, str] | None = None,
        as_ints: bool = False,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Return the histograms of a job of several circuits, by the ids of its child jobs.

        GET /jobs/{id}/results/probabilities/aggregated, a path that a job's record names and
        the API document does not have. Arguments as of `get_results`.
        """
        form = dict[str, dict[int, float]] if as_ints else Any
        return self._results(job_id, "probabilities/aggregated", query, form, timeout)

    def _results(
        self,
        job_id: str,
        part: str,
        query: Mapping[str, str] | None,
        form: Any,  # noqa: ANN401 - a type
        timeout: float | None,
    ) -> dict[Any, Any]:
        path = f"{_job_path(job_id)}/results/{part}{query_text(query or {})}"
        return self._object(f"GET /jobs/{{id}}/results/{part}", path, job_id, timeout, form)

    def get_shots(self, job_id: str, *, timeout: float | None = None) -> list[Any]:
        """Return the outcome of each shot of a completed job: GET /jobs/{id}/results/shots.

        A job's record names this path; the API document does not have it. An ideal
        simulation has no shots, and a job of several circuits has them in its child jobs.

        Returns:
            Decimal strings over the qubits, in the order of the shots.
        """
        path = f"{_job_path(job_id)}/results/shots"
        reply = self._request("GET", path, job_id=job_id, timeout=timeout)
        shots = self._json(reply, "GET /jobs/{id}/results/shots", job_id)
        if not isinstance(shots, list):
            self._not_promised(reply, "GET /jobs/{id}/results/shots", "a list", job_id)
        return shots

    def get_artifact(self, job_id: str, artifact_id: str, *, timeout: float | None = None) -> Any:  # noqa: ANN401 - JSON, text or bytes
        """Return an artifact of a job: GET /jobs/{id}/artifacts/{artifact}.

        Args:
            job_id: The job.
            artifact_id: The `id` of a descriptor in the job's record.
            timeout: Seconds the request may take.

        Returns:
            Decoded JSON; a str if the content type is text; bytes otherwise.
        """
        if not _JOB_ID.fullmatch(artifact_id):
            raise IonQClientError(f"{artifact_id!r} is not the id of an artifact.")
        path = f"{_job_path(job_id)}/artifacts/{artifact_id}"
        reply = self._request("GET", path, job_id=job_id, timeout=timeout)
        kind = (reply.header("content-type") or "application/json").lower()
        if "json" in kind:
            return self._json(reply, "GET /jobs/{id}/artifacts/{artifact}", job_id)
        if kind.startswith("text/"):
            return reply.body.decode("utf-8", errors="replace")
        return reply.body

    def get_job_cost(self, job_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Return the cost of a job: GET /jobs/{id}/cost. 404 until it is computed."""
        return self._object("GET /jobs/{id}/cost", f"{_job_path(job_id)}/cost", job_id, timeout)

    def cancel_job(self, job_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Cancel a job: PUT /jobs/{id}/status/cancel. Returns its id and new status."""
        path = f"{_job_path(job_id)}/status/cancel"
        return self._object("PUT /jobs/{id}/status/cancel", path, job_id, timeout)

    def delete_job(self, job_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Delete a job with its results: DELETE /jobs/{id}. Returns its id and new status.

        Raises:
            IonQAPIError: IonQ refused. `status_code` 404: the job does not exist, perhaps because
                a first request, whose response was lost, deleted it.
        """
        return self._object("DELETE /jobs/{id}", _job_path(job_id), job_id, timeout)

    def cancel_jobs(
        self, job_ids: Iterable[str], *, timeout: float | None = None
    ) -> list[dict[str, Any]]:
        """Cancel jobs one by one, also if some of them fail.

        Returns:
            The id and new status of each, as `cancel_job` does.

        Raises:
            IonQError: Some were not cancelled: the first error, with the others as notes.
        """
        replies, refused = [], []
        for job_id in job_ids:
            try:
                replies.append(self.cancel_job(job_id, timeout=timeout))
            except IonQError as error:
                refused.append(error)
        if refused:
            first, *others = refused
            for other in others:
                first.add_note(str(other))
            raise first
        return replies

    def list_jobs(
        self,
        *,
        ids: Iterable[str] | None = None,
        status: str | None = None,
        target: str | Iterable[str] | None = None,
        parent_job_id: str | None = None,
        session_id: str | None = None,
        submitter_id: str | None = None,
        limit: int | None = None,
        timeout: float | Callable[[], float | None] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the records of the project's jobs, the newest first, page by page: GET /jobs.

        Args:
            ids: Only these jobs.
            status: Only jobs of this status, such as ``"ready"``.
            target: Only jobs of this backend, such as ``"qpu.forte-1"``, or of one of several.
            parent_job_id: Only the child jobs of this job.
            session_id: Only jobs of this session.
            submitter_id: Only jobs of this user of the project.
            limit: The number of jobs on a page; all pages are read.
            timeout: Seconds each request may take, or a function that returns them.
        """
        query = {
            "ids": ids,
            "status": status,
            "target": target,
            "parent_job_id": parent_job_id,
            "session_id": session_id,
            "submitter_id": submitter_id,
            "limit": limit,
        }
        return self._pages("/jobs", query, timeout)

    def estimate_job(
        self,
        *,
        backend: str,
        oneq_gates: int,
        twoq_gates: int,
        qubits: int,
        shots: int,
        error_mitigation: bool = False,
        job_type: str = SINGLE_CIRCUIT,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Return an estimate of a job's cost and times: GET /jobs/estimate.

        Args:
            backend: IonQ's name of the backend.
            oneq_gates: The number of gates on one qubit.
            twoq_gates: The number of gates on two qubits.
            qubits: The number of qubits.
            shots: The number of shots.
            error_mitigation: Whether errors are mitigated.
            job_type: The type of the job.
            timeout: Seconds the request may take.

        Returns:
            The schema `GetJobEstimateResponse` of the API document; times in milliseconds.
        """
        query = {
            "backend": backend,
            "type": job_type,
            "qubits": qubits,
            "shots": shots,
            "1q_gates": oneq_gates,
            "2q_gates": twoq_gates,
            "error_mitigation": "true" if error_mitigation else "false",
        }
        path = f"/jobs/estimate{query_text(query)}"
        return self._object("GET /jobs/estimate", path, timeout=timeout)

    def get_backends(self, *, timeout: float | None = None) -> list[dict[str, Any]]:
        """Return IonQ's record of each of its backends: GET /backends."""
        reply = self._request("GET", "/backends", timeout=timeout)
        return self._objects(self._json(reply, "GET /backends"), reply, "GET /backends")

    def get_fidelity_notes(self, backend: str, *, timeout: float | None = None) -> list[str]:
        """Return the guesses of a simulated service about a backend: GET /backends/{backend}.

        A simulated service names them in the header ``x-ionq-fake-notes``, a JSON list of text.

        Args:
            backend: IonQ's name of the backend.
            timeout: Seconds the request may take.

        Returns:
            The guesses; empty of a service that sends no such header, as IonQ's own.

        Raises:
            IonQAPIError: The service refused; it has no such backend.
        """
        path = f"/backends/{quote(backend, safe='')}"
        header = self._request("GET", path, timeout=timeout).header("x-ionq-fake-notes")
        try:
            found = json.loads(header or "[]")
        except ValueError:
            return []
        return [note for note in found if isinstance(note, str)] if isinstance(found, list) else []

    def get_characterizations(
        self,
        backend: str,
        *,
        start: str | None = None,
        end: str | None = None,
        limit: int | None = None,
        page: int | None = None,
        timeout: float | None = None,
    ) -> list[dict[str, Any]]:
        """Return a page of a backend's characterizations, the newest first.

        GET /backends/{backend}/characterizations

        Args:
            backend: IonQ's name of the backend.
            start: The first day, such as ``2025-12-31``.
            end: The last day.
            limit: The number of records on the page, 1 to 10.
            page: The number of the page, from 1 on.
            timeout: Seconds the request may take.

        Returns:
            The records; an empty list for a backend without any, for which IonQ sends null.
        """
        query = {"start": start, "end": end, "limit": limit, "page": page}
        path = f"/backends/{quote(backend, safe='')}/characterizations{query_text(query)}"
        operation = "GET /backends/{backend}/characterizations"
        reply = self._request("GET", path, timeout=timeout)
        records = self._json_object(reply, operation).get("characterizations")
        return self._objects([] if records is None else records, reply, operation)

    def create_session(
        self, payload: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Begin a session: POST /sessions. Returns its record.

        The request is sent again only if it certainly had no effect. After an
        `IonQConnectionError` the session may exist: `list_sessions(active=True)` shows it.

        Args:
            payload: The body, of the shape `CreateSessionRequest` of IonQ's API document.
            timeout: Seconds the request may take.

        Raises:
            IonQAPIError: IonQ refused the session.
            IonQConnectionError: The response did not arrive.
            IonQResponseError: The response cannot be read, or has no id.
        """
        reply = self._request("POST", "/sessions", body=encode(payload), timeout=timeout)
        session = self._json_object(reply, "POST /sessions")
        if not isinstance(session.get("id"), str) or not _JOB_ID.fullmatch(session["id"]):
            self._not_promised(reply, "POST /sessions", "a session with an id")
        return session

    def get_session(self, session_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Return the record of a session: GET /sessions/{id}."""
        return self._object("GET /sessions/{id}", _session_path(session_id), timeout=timeout)

    def end_session(self, session_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """End a session, once or again: POST /sessions/{id}/end. Returns its record."""
        path = f"{_session_path(session_id)}/end"
        return self._object("POST /sessions/{id}/end", path, timeout=timeout)

    def list_sessions(
        self, *, active: bool | None = None, timeout: float | None = None
    ) -> list[dict[str, Any]]:
        """Return the records of the sessions: GET /sessions.

        Args:
            active: Only active sessions (True) or ended ones (False).
            timeout: Seconds the request may take.
        """
        query = {"active": None if active is None else str(bool(active)).lower()}
        reply = self._request("GET", f"/sessions{query_text(query)}", timeout=timeout)
        sessions = self._json_object(reply, "GET /sessions").get("sessions")
        return self._objects(sessions, reply, "GET /sessions")

    def list_session_jobs(
        self, session_id: str, *, timeout: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the records of a session's jobs, page by page: GET /sessions/{id}/jobs."""
        return self._pages(f"{_session_path(session_id)}/jobs", {}, timeout)


def _job_path(job_id: str) -> str:
    return f"/jobs/{_checked_id(job_id, 'job')}"


def _session_path(session_id: str) -> str:
    return f"/sessions/{_checked_id(session_id, 'session')}"


def _checked_id(value: str, kind: str) -> str:
    if not isinstance(value, str) or not _JOB_ID.fullmatch(value):
        raise IonQClientError(f"{value!r} is not the id of a {kind}: that is a UUID.")
    return value
