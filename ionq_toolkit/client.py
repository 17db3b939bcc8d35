"""One method per operation of IonQ's REST API."""

from __future__ import annotations

import json
import platform
import re
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, urlencode

import qiskit

from ionq_toolkit._version import __version__
from ionq_toolkit.errors import (
    IonQAPIError,
    IonQClientError,
    IonQConnectionError,
    IonQResponseError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ionq_toolkit.transport import Response, Transport

#: Seconds to wait for a connection and for each part of a reply.
DEFAULT_TIMEOUT_S = 30.0

#: What to do about an HTTP status, beyond what IonQ's own message says.
_ADVICE: Mapping[int, str] = {
    401: "Check the API key: token=... or IONQ_API_KEY.",
    403: "The API key is valid but may not do this; check its permissions and project.",
    404: "Check the id, and that the API key belongs to the project it was made in.",
    413: "Send fewer gates or circuits in one job.",
    429: "Send requests less often.",
}
_SERVER_ADVICE = "The service has trouble: try again later; https://status.ionq.co may say more."

#: Statuses of a service that has trouble: the API document's, and those of Cloudflare before it.
_OUTAGES = frozenset({500, 502, 503, 504, *range(520, 530)})

#: What can be put into a path as it is; IonQ's ids are UUIDs.
_JOB_ID = re.compile("[0-9A-Za-z_-]{1,200}")

#: What is shorter than this is no key, and may be part of any word.
_SHORTEST_KEY = 8

#: How much of a body that is not JSON is quoted in an error.
_EXCERPT_CHARS = 200


class IonQClient:
    """Speaks IonQ's REST API v0.4 over a transport.

    Replies are returned as decoded JSON, as IonQ sends them.
    """

    def __init__(
        self,
        token: str,
        url: str,
        transport: Transport,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        """Talk to the API at `url` with the key `token`.

        Args:
            token: The API key.
            url: Base URL with the version, such as ``https://api.ionq.co/v0.4``.
            transport: What carries the requests.
            timeout: Seconds a request may take, where a call does not say otherwise.
        """
        self._token = token
        self._url = url.rstrip("/")
        self._transport = transport
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self._url!r}, transport={self._transport!r})"

    @property
    def url(self) -> str:
        """The base URL of the API."""
        return self._url

    @property
    def transport(self) -> Transport:
        """What carries the requests."""
        return self._transport

    def submit_job(
        self, payload: Mapping[str, Any], *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Submit a job: POST /jobs.

        The request is sent once. When it ends in `IonQConnectionError` the job may
        exist all the same.

        Args:
            payload: The body, of the shape `CircuitJobCreationPayload` of IonQ's API document.
            timeout: Seconds the request may take.

        Returns:
            `{"id": ..., "status": "submitted", "session_id": ...}`.

        Raises:
            IonQAPIError: IonQ refused the job.
            IonQConnectionError: The answer did not arrive.
            IonQResponseError: The answer cannot be read, or names no id.
        """
        body = json.dumps(payload, allow_nan=False, separators=(",", ":")).encode()
        reply = self._request("POST", "/jobs", body=body, timeout=timeout)
        job = self._json_object(reply, "POST /jobs")
        if not isinstance(job.get("id"), str) or not _JOB_ID.fullmatch(job["id"]):
            raise IonQResponseError(
                "The reply to POST /jobs carries no job id; the job may exist all the same. "
                "Look for it at https://cloud.ionq.com before submitting it again.",
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
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Return a completed job's histogram: GET /jobs/{id}/results/probabilities.

        Args:
            job_id: The job.
            query: Parameters of the query, such as ``{"sharpen": "true"}``.
            timeout: Seconds the request may take.

        Returns:
            Outcomes and their probabilities. An outcome is a decimal string whose
            least significant bit is qubit 0; outcomes of probability zero are left out.
        """
        path = f"{_job_path(job_id)}/results/probabilities"
        if query:
            path = f"{path}?{urlencode(query)}"
        reply = self._request("GET", path, job_id=job_id, timeout=timeout)
        return self._json_object(reply, "GET /jobs/{id}/results/probabilities", job_id=job_id)

    def get_aggregated_results(
        self,
        job_id: str,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Return the histograms of a job of several circuits, by the ids of its child jobs.

        GET /jobs/{id}/results/probabilities/aggregated, which is where a job's record points;
        the API document does not have it. Arguments as of `get_results`.
        """
        path = f"{_job_path(job_id)}/results/probabilities/aggregated"
        if query:
            path = f"{path}?{urlencode(query)}"
        reply = self._request("GET", path, job_id=job_id, timeout=timeout)
        operation = "GET /jobs/{id}/results/probabilities/aggregated"
        return self._json_object(reply, operation, job_id=job_id)

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

    def get_backends(self, *, timeout: float | None = None) -> list[dict[str, Any]]:
        """Return what IonQ says of each of its backends: GET /backends."""
        reply = self._request("GET", "/backends", timeout=timeout)
        backends = self._json(reply, "GET /backends")
        if not isinstance(backends, list) or not all(isinstance(b, dict) for b in backends):
            self._not_promised(reply, "GET /backends", "a list of objects")
        return backends

    def close(self) -> None:
        """Close the transport's connections."""
        self._transport.close()

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        job_id: str | None = None,
        timeout: float | None = None,
    ) -> Response:
        headers = {
            "Authorization": f"apiKey {self._token}",
            "Accept": "application/json",
            "User-Agent": (
                f"ionq-toolkit/{__version__} qiskit/{qiskit.__version__} "
                f"python/{platform.python_version()}"
            ),
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        if timeout is None:
            timeout = self._timeout
        try:
            reply = self._transport.send(method, self._url + path, headers, body, timeout)
        except (ConnectionError, TimeoutError) as error:
            # Without the cause where that would show the key.
            cause = error if self.redact(str(error)) == str(error) else None
            raise self._no_answer(error, method, path, job_id) from cause
        if not 200 <= reply.status < 300:  # noqa: PLR2004 - HTTP's range of success
            raise self._refusal(reply, method, path, job_id)
        return reply

    def _no_answer(
        self, error: Exception, method: str, path: str, job_id: str | None
    ) -> IonQConnectionError:
        what = "did not answer in time" if isinstance(error, TimeoutError) else "was not reached"
        message = (
            f"{self._url} {what} ({method} {path}): {self.redact(str(error))}. "
            "Check url=... or IONQ_API_URL, and the network; "
            "transport='fake' needs neither network nor key."
        )
        if method == "POST" and not isinstance(error, ConnectionRefusedError):
            message += " The request may have taken effect: look before sending it again."
        return IonQConnectionError(message, job_id=job_id)

    def _refusal(self, reply: Response, method: str, path: str, job_id: str | None) -> IonQAPIError:
        # Before its end is cut off, and again with what was escaped in JSON.
        text = self.redact(reply.body.decode("utf-8", errors="replace"))
        error_type, detail = _error_body(text)
        error_type, detail = error_type and self.redact(error_type), self.redact(detail)
        request_id = self._request_id(reply)
        advice = _ADVICE.get(reply.status, _SERVER_ADVICE if reply.status in _OUTAGES else "")
        parts = [f"{method} {path} was answered {reply.status}"]
        if error_type:
            parts.append(f" {error_type}")
        parts.append(f": {detail}" if detail else " without a message")
        if advice:
            parts.append(f" {advice}" if detail.endswith((".", "!", "?")) else f". {advice}")
        if request_id:
            parts.append(f" (request id {request_id})")
        return IonQAPIError(
            "".join(parts),
            status_code=reply.status,
            error_type=error_type,
            detail=detail,
            request_id=request_id,
            job_id=job_id,
        )

    def redact(self, text: str) -> str:
        """Return `text` without the API key, should a server or a library have echoed it."""
        if len(self._token) < _SHORTEST_KEY:
            return text
        for form in (self._token, quote(self._token, safe=""), quote(self._token)):
            text = text.replace(form, "[API key]")
        return text

    def _request_id(self, reply: Response) -> str | None:
        request_id = reply.header("x-request-id")
        return None if request_id is None else self.redact(request_id)

    def _json_object(
        self, reply: Response, operation: str, *, job_id: str | None = None
    ) -> dict[str, Any]:
        decoded = self._json(reply, operation, job_id=job_id)
        if not isinstance(decoded, dict):
            self._not_promised(reply, operation, "an object", job_id)
        return decoded

    def _json(self, reply: Response, operation: str, *, job_id: str | None = None) -> Any:  # noqa: ANN401 - any JSON
        try:
            return json.loads(reply.body)
        except (ValueError, RecursionError):
            self._not_promised(reply, operation, "JSON", job_id)

    def _not_promised(
        self, reply: Response, operation: str, promised: str, job_id: str | None = None
    ) -> NoReturn:
        kind = self.redact(reply.header("content-type") or "no content type")
        raise IonQResponseError(
            f"The reply to {operation} is not {promised} ({kind}, {len(reply.body)} bytes). "
            "Check that url=... or IONQ_API_URL is the base URL of an IonQ API, such as "
            "https://api.ionq.co/v0.4.",
            request_id=self._request_id(reply),
            job_id=job_id,
        )


def _job_path(job_id: str) -> str:
    if not _JOB_ID.fullmatch(job_id):
        raise IonQClientError(f"{job_id!r} is not the id of a job: that is a UUID.")
    return f"/jobs/{job_id}"


def _error_body(text: str) -> tuple[str | None, str]:
    """Return (error type, message) of an error's body, whatever it looks like."""
    text = text.strip()
    decoded: Any
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        decoded = text
    if isinstance(decoded, dict):
        error: Any = decoded.get("error")
        message: Any = decoded.get("message")
        if isinstance(error, dict):  # {"error": {"type": ..., "message": ...}}
            message = message or error.get("message")
            error = error.get("type")
        if isinstance(message, str) and message:
            return (error if isinstance(error, str) else None), message
        if isinstance(error, str):
            return None, error
    if isinstance(decoded, str):
        text = decoded
    return None, text[:_EXCERPT_CHARS]
