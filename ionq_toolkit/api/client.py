"""One method per operation of IonQ's REST API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ionq_toolkit.api.connection import DEFAULT_TIMEOUT_S, Connection, encode, query_text
from ionq_toolkit.errors import IonQClientError, IonQError, IonQResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


__all__ = ["DEFAULT_TIMEOUT_S", "IonQClient"]

#: What can be put into a path as it is; IonQ's ids are UUIDs.
_JOB_ID = re.compile("[0-9A-Za-z_-]{1,200}")


class IonQClient(Connection):
    """Speaks IonQ's REST API v0.4 over a transport.

    Replies are returned as decoded JSON, as IonQ sends them.
    """

    def submit_job(
        self, payload: Mapping[str, Any] | bytes, *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Submit a job: POST /jobs.

        The request is sent again only if it was certainly not taken. When it ends in
        `IonQConnectionError` the job may exist all the same.

        Args:
            payload: The body, of the shape `JobCreationPayload` of IonQ's API document; bytes are
                sent as they are.
            timeout: Seconds the request may take.

        Returns:
            `{"id": ..., "status": "submitted", "session_id": ...}`.

        Raises:
            IonQAPIError: IonQ refused the job.
            IonQConnectionError: The answer did not arrive.
            IonQResponseError: The answer cannot be read, or names no id.
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
        """Return the record of a job: GET /jobs/{id}."""
        reply = self._request("GET", _job_path(job_id), job_id=job_id, timeout=timeout)
        return self._json_object(reply, "GET /jobs/{id}", job_id=job_id)

    def get_results(
        self,
        job_id: str,
        *,
        query: Mapping[str, str] | None = None,
        as_ints: bool = False,
        timeout: float | None = None,
    ) -> dict[Any, Any]:
        """Return a completed job's histogram: GET /jobs/{id}/results/probabilities.

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

        GET /jobs/{id}/results/probabilities/aggregated, which is where a job's record points;
        the API document does not have it. Arguments as of `get_results`.
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
        reply = self._request("GET", path, job_id=job_id, timeout=timeout)
        operation = f"GET /jobs/{{id}}/results/{part}"
        return self._json_object(reply, operation, job_id=job_id, form=form)

    def get_shots(self, job_id: str, *, timeout: float | None = None) -> list[Any]:
        """Return the outcome of each shot of a completed job: GET /jobs/{id}/results/shots.

        It is where a job's record points; the API document does not have it. An ideal
        simulation has no shots, and a job of several circuits has them in its child jobs.

        Returns:
            Decimal strings over the qubits, in the order of the shots.
        """
        path = f"{_job_path(job_id)}/results/shots"
        reply = self._request("GET", path, job_id=job_id, timeout=timeout)
        shots = self._json(reply, "GET /jobs/{id}/results/shots", job_id=job_id)
        if not isinstance(shots, list):
            self._not_promised(reply, "GET /jobs/{id}/results/shots", "a list", job_id)
        return shots

    def get_artifact(self, job_id: str, artifact_id: str, *, timeout: float | None = None) -> Any:  # noqa: ANN401 - JSON, text or bytes
        """Return something that a job has: GET /jobs/{id}/artifacts/{artifact}.

        Args:
            job_id: The job.
            artifact_id: The `id` of a descriptor in the job's record.
            timeout: Seconds the request may take.

        Returns:
            Decoded JSON; a str where the service says that it is text; bytes of anything else.
        """
        if not _JOB_ID.fullmatch(artifact_id):
            raise IonQClientError(f"{artifact_id!r} is not the id of an artifact.")
        path = f"{_job_path(job_id)}/artifacts/{artifact_id}"
        reply = self._request("GET", path, job_id=job_id, timeout=timeout)
        kind = (reply.header("content-type") or "application/json").lower()
        if "json" in kind:
            return self._json(reply, "GET /jobs/{id}/artifacts/{artifact}", job_id=job_id)
        if kind.startswith("text/"):
            return reply.body.decode("utf-8", errors="replace")
        return reply.body

    def get_job_cost(self, job_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Return what a job costs: GET /jobs/{id}/cost. 404 as long as none was computed."""
        reply = self._request("GET", f"{_job_path(job_id)}/cost", job_id=job_id, timeout=timeout)
        return self._json_object(reply, "GET /jobs/{id}/cost", job_id=job_id)

    def cancel_job(self, job_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Cancel a job: PUT /jobs/{id}/status/cancel. Returns its id and new status."""
        path = f"{_job_path(job_id)}/status/cancel"
        reply = self._request("PUT", path, job_id=job_id, timeout=timeout)
        return self._json_object(reply, "PUT /jobs/{id}/status/cancel", job_id=job_id)

    def delete_job(self, job_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Delete a job with its results: DELETE /jobs/{id}. Returns its id and new status.

        Raises:
            IonQAPIError: IonQ refused; with `status_code` 404 there is no such job, or not any
                more: if the answer to a first request was lost, that has deleted it.
        """
        reply = self._request("DELETE", _job_path(job_id), job_id=job_id, timeout=timeout)
        return self._json_object(reply, "DELETE /jobs/{id}", job_id=job_id)

    def cancel_jobs(
        self, job_ids: Iterable[str], *, timeout: float | None = None
    ) -> list[dict[str, Any]]:
        """Cancel jobs one by one, each of them whatever becomes of the others.

        Returns:
            For each its id and new status, as `cancel_job` does.

        Raises:
            IonQError: Some were not cancelled: the first reason, with the others as notes.
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
            ids: Only these.
            status: Only those of this status, such as ``"ready"``.
            target: Only those of this backend, such as ``"qpu.forte-1"``, or of one of these.
            parent_job_id: Only the child jobs of this one.
            session_id: Only those of this session.
            submitter_id: Only those of this user of the project.
            limit: How many jobs a page has; all pages are gone through.
            timeout: Seconds each request may take, or a function that says so before each.
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
        job_type: str = "ionq.circuit.v1",
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Return what a job would cost: GET /jobs/estimate.

        Args:
            backend: IonQ's name of the backend.
            oneq_gates: How many gates on one qubit it has.
            twoq_gates: How many gates on two qubits.
            qubits: How many qubits.
            shots: How many shots.
            error_mitigation: Whether its errors are mitigated.
            job_type: Its type.
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
        path = f"/jobs/estimate?{urlencode(query)}"
        return self._json_object(self._request("GET", path, timeout=timeout), "GET /jobs/estimate")

    def get_backends(self, *, timeout: float | None = None) -> list[dict[str, Any]]:
        """Return what IonQ says of each of its backends: GET /backends."""
        reply = self._request("GET", "/backends", timeout=timeout)
        return self._objects(self._json(reply, "GET /backends"), reply, "GET /backends")

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
        """Return a page of what a backend was measured to be like, the newest first.

        GET /backends/{backend}/characterizations

        Args:
            backend: IonQ's name of the backend.
            start: The first day, such as ``2025-12-31``.
            end: The last day.
            limit: How many records a page has, 1 to 10.
            page: Which page, from 1 on.
            timeout: Seconds the request may take.

        Returns:
            The records; none for a backend that has none, for which IonQ sends null.
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

        The request is sent again only if it was certainly not taken. When it ends in
        `IonQConnectionError` the session may exist all the same: `list_sessions(active=True)`
        shows it.

        Args:
            payload: The body, of the shape `CreateSessionRequest` of IonQ's API document.
            timeout: Seconds the request may take.

        Raises:
            IonQAPIError: IonQ refused the session.
            IonQConnectionError: The answer did not arrive.
            IonQResponseError: The answer cannot be read, or names no id.
        """
        reply = self._request("POST", "/sessions", body=encode(payload), timeout=timeout)
        session = self._json_object(reply, "POST /sessions")
        if not isinstance(session.get("id"), str) or not _JOB_ID.fullmatch(session["id"]):
            self._not_promised(reply, "POST /sessions", "a session with an id")
        return session

    def get_session(self, session_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Return the record of a session: GET /sessions/{id}."""
        reply = self._request("GET", _session_path(session_id), timeout=timeout)
        return self._json_object(reply, "GET /sessions/{id}")

    def end_session(self, session_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """End a session: POST /sessions/{id}/end. Returns its record; once more is no error."""
        path = f"{_session_path(session_id)}/end"
        reply = self._request("POST", path, timeout=timeout)
        return self._json_object(reply, "POST /sessions/{id}/end")

    def list_sessions(
        self, *, active: bool | None = None, timeout: float | None = None
    ) -> list[dict[str, Any]]:
        """Return the records of the sessions: GET /sessions.

        Args:
            active: Only those that go on (True) or that have ended (False).
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
