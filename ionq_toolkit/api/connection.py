"""One request to IonQ's REST API, and its response or error of any shape."""

from __future__ import annotations

import contextlib
import contextvars
import json
import platform
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar
from urllib.parse import urlencode

import msgspec
import qiskit

from ionq_toolkit import events
from ionq_toolkit._version import __version__
from ionq_toolkit.api.credentials import ApiKey
from ionq_toolkit.errors import (
    IonQAPIError,
    IonQConnectionError,
    IonQResponseError,
    IonQRetriableError,
)
from ionq_toolkit.events import EventLog
from ionq_toolkit.tracebacks import hide_cause
from ionq_toolkit.transport.base import SHORTEST_KEY, HiddenText, UnusableSettingError, as_transport
from ionq_toolkit.transport.retry import (
    ATTEMPT_S,
    RETRIABLE_STATUSES,
    UNCERTAIN_STATUSES,
    is_idempotent,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ionq_toolkit.transport import Response, Transport


#: Seconds that a request may take, where neither the call nor a retry policy says otherwise.
DEFAULT_TIMEOUT_S = ATTEMPT_S

#: Advice by HTTP status, beyond IonQ's own message.
_ADVICE: Mapping[int, str] = {
    401: "Check the API key: token=... or IONQ_API_KEY.",
    403: "The API key is valid but may not do this; check its permissions and project.",
    404: "Check the id, and that the API key belongs to the project it was made in.",
    413: "Send fewer gates or circuits in one job.",
    429: "Send requests less often.",
}
_SERVER_ADVICE = "The service has trouble: try again later; https://status.ionq.co may say more."

#: Statuses of a service that has trouble: the API document's, and those of Cloudflare before it.
_OUTAGES = UNCERTAIN_STATUSES - {408}

#: Advice after a request that changes something and has an unknown outcome.
_LOOK_FIRST = "The request may have taken effect: look before sending it again."

#: The end of the base URL, and advice where another URL may be the fault.
_VERSION = "/v0.4"
_URL_ADVICE = (
    "Check url=... or IONQ_API_URL: the base URL of the API ends in /v0.4, as "
    "https://api.ionq.co/v0.4 does, and {url} does not."
)

_OTHER_VERSION = re.compile(r"/v\d[\d.]*$")
_NOT_FOUND = 404

#: Statuses of an address at which there is no such API.
_ELSEWHERE = frozenset({301, 302, 303, 307, 308, 404, 405, 410})

#: The shortest key that is taken out of a response before it is read: a shorter one may be a word
#: that IonQ uses, such as "completed".
_SHORTEST_IN_REPLIES = 16

#: The headers of every request, without the key.
_HEADERS = {
    "Accept": "application/json",
    "User-Agent": (
        f"ionq-toolkit/{__version__} qiskit/{qiskit.__version__} python/{platform.python_version()}"
    ),
}

#: Replaces the key.
_REDACTED = "[API key]"

#: The most pages of one list, the most in a row without an entry, and the longest name of one.
_MOST_PAGES, _MOST_EMPTY, _LONGEST_NAME = 40_000, 100, 4096

#: How much of a body that is not JSON is quoted in an error.
_EXCERPT_CHARS = 200


class Connection:
    """Sends requests with a key over a transport, and raises typed errors."""

    def __init__(
        self,
        token: str | ApiKey,
        url: str,
        transport: Transport,
        *,
        timeout: float | None = DEFAULT_TIMEOUT_S,
        events: EventLog | None = None,
    ) -> None:
        """Talk to the API at `url` with the key `token`.

        Args:
            token: The API key.
            url: Base URL with the version, such as ``https://api.ionq.co/v0.4``.
            transport: Carries the requests.
            timeout: Seconds a request may take, unless a call names others; None: unlimited.
            events: Reports events; if None, they are only logged.

        Raises:
            IonQCredentialsError: No key is found, or it cannot be used.
        """
        # From here on the key is in an object that does not show it, also in captured locals.
        token = HiddenText(token) if isinstance(token, str) else token
        self._key = token if isinstance(token, ApiKey) else ApiKey(token)
        self._key.reveal()
        self._url = url.rstrip("/")
        self._transport = as_transport(transport)
        self._timeout = timeout
        # A gateway may have the API at a URL of any form, which its first success proves.
        self._proven = self._url.endswith(_VERSION)
        #: Reports events.
        self.events = events or EventLog()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self._url!r}, transport={self._transport!r})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    @property
    def url(self) -> str:
        """The base URL of the API."""
        return self._url

    @property
    def transport(self) -> Transport:
        """The transport that carries the requests."""
        return self._transport

    def account(self, salt: str) -> str:
        """Return a text that tells the account at this service from others, and no key."""
        return self._key.digest(f"{salt} {self._url}".encode())

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
        if not self._key.header:  # in another process than the one that made the connection
            self._key.reveal()
        headers = {**_HEADERS, "Authorization": self._key.header}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if timeout is None:
            timeout = self._timeout
        with events.span(method, path, job_id) as span:
            failure: Exception | None = None
            try:
                reply = self._transport.send(method, self._url + path, headers, body, timeout)
            except (ConnectionError, TimeoutError) as error:
                failure = error
            if failure is not None:
                # Without the cause where that would show the key, and out of its context.
                cause = None if self._shows_key(failure) else failure
                raise self._no_answer(failure, method, path, job_id) from hide_cause(cause)
            if span is not None:
                span.set_attribute("http.response.status_code", reply.status)
            if not 200 <= reply.status < 300:  # noqa: PLR2004 - HTTP's range of success
                raise self._refusal(reply, method, path, job_id)
        return reply

    def _advice(self, reply: Response, job_id: str | None) -> str:
        """Return advice on a refusal: on the base URL, if that may be the fault, and the status."""
        by_status = _ADVICE.get(reply.status, _SERVER_ADVICE if reply.status in _OUTAGES else "")
        is_json = reply.body.lstrip().startswith((b"{", b"["))
        client_error = 300 <= reply.status < 500  # noqa: PLR2004 - HTTP's ranges
        suspect = client_error and (not is_json or _OTHER_VERSION.search(self._url))
        if self._proven or not (suspect or reply.status in _ELSEWHERE):
            return by_status
        if reply.status == _NOT_FOUND and job_id is None:
            by_status = ""  # it is about an id
        return f"{_URL_ADVICE.format(url=self._url)} {by_status}".rstrip()

    def _no_answer(
        self, error: Exception, method: str, path: str, job_id: str | None
    ) -> IonQConnectionError:
        what = "did not answer in time" if isinstance(error, TimeoutError) else "was not reached"
        why = self.redact(str(error)).rstrip(".") or "the connection failed"
        parts = [f"{self._url} {what} ({method} {path}): {why}"]
        if not isinstance(error, UnusableSettingError):
            parts.append("check url=... or IONQ_API_URL, and the network")
        if not (is_idempotent(method, path) or isinstance(error, ConnectionRefusedError)):
            parts.append("the request may have taken effect, so look before sending it again")
        return IonQConnectionError(
            f"{'; '.join(parts)}.",
            nothing_sent=isinstance(error, ConnectionRefusedError),
            job_id=job_id,
        )

    def _shows_key(self, error: BaseException | None) -> bool:
        """Return whether an error, or one behind it that a traceback prints, contains the key."""
        if error is None:
            return False
        texts = (str(error), repr(error))
        return any(self.redact(text) != text for text in texts) or self._shows_key(
            error.__cause__ or error.__context__
        )

    def _refusal(self, reply: Response, method: str, path: str, job_id: str | None) -> IonQAPIError:
        # Redacted before the end is cut off, and again after JSON's escapes are decoded.
        text = self.redact(reply.body.decode("utf-8", errors="replace"))
        error_type, code, detail = _error_body(text)
        error_type, code = error_type and self.redact(error_type), code and self.redact(code)
        detail = self.redact(detail)
        request_id = self._request_id(reply)
        advice = self._advice(reply, job_id)
        parts = [f"{method} {path} was answered {reply.status}"]
        if error_type:
            parts.append(f" {error_type}")
        parts.append(f": {detail}" if detail else " without a message")
        if advice:
            parts.append(f" {advice}" if detail.endswith((".", "!", "?")) else f". {advice}")
        if not is_idempotent(method, path) and reply.status in UNCERTAIN_STATUSES:
            parts.append(f" {_LOOK_FIRST}")
        if request_id:
            parts.append(f" (request id {request_id})")
        carried: dict[str, Any] = {
            "status_code": reply.status,
            "error_type": error_type,
            "code": code,
            "detail": detail,
            "request_id": request_id,
            "job_id": job_id,
        }
        if reply.status not in RETRIABLE_STATUSES:
            return IonQAPIError("".join(parts), **carried)
        return IonQRetriableError("".join(parts), **carried, retry_after_s=reply.retry_after_s())

    def redact(self, text: str) -> str:
        """Return `text` without the API key, should a server or a library have echoed it."""
        for form in (*self._key.forms, *self._key.encoded):
            if len(form) >= SHORTEST_KEY:
                text = text.replace(form, _REDACTED)
        return text

    def _request_id(self, reply: Response) -> str | None:
        request_id = reply.header("x-request-id")
        return None if request_id is None else self.redact(request_id)

    def _object(
        self,
        operation: str,
        path: str,
        job_id: str | None = None,
        timeout: float | None = None,
        form: Any = Any,  # noqa: ANN401 - a type
    ) -> dict[Any, Any]:
        """Send a request without a body and return the JSON object of its response."""
        method = operation.partition(" ")[0]
        reply = self._request(method, path, job_id=job_id, timeout=timeout)
        return self._json_object(reply, operation, job_id, form)

    def _json_object(
        self,
        reply: Response,
        operation: str,
        job_id: str | None = None,
        form: Any = Any,  # noqa: ANN401
    ) -> dict[Any, Any]:
        decoded = self._json(reply, operation, job_id, form)
        if not isinstance(decoded, dict):
            self._not_promised(reply, operation, "an object", job_id)
        return decoded

    def _objects(self, found: object, reply: Response, operation: str) -> list[dict[str, Any]]:
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self._not_promised(reply, operation, "a list of objects")
        return found

    def _pages(
        self,
        path: str,
        query: Mapping[str, Any],
        timeout: float | Callable[[], float | None] | None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the jobs of all pages of a list; each page names the next.

        `timeout` is for each request, or a function that returns it.
        """
        operation = f"GET {path}"
        seen: set[str] = set()
        following: Any = None
        empty = 0
        while True:
            page = {**query} if following is None else {**query, "next": following}
            reply = self._request(
                "GET", path + query_text(page), timeout=timeout() if callable(timeout) else timeout
            )
            body = self._json_object(reply, operation)
            yield from self._objects(body.get("jobs"), reply, operation)
            following = body.get("next")
            if not following:
                return
            empty = 0 if body["jobs"] else empty + 1
            named = isinstance(following, str) and len(following) <= _LONGEST_NAME
            if not named or following in seen or empty > _MOST_EMPTY or len(seen) >= _MOST_PAGES:
                self._not_promised(reply, operation, "a page that names one that comes after it")
            seen.add(following)

    def _json(
        self,
        reply: Response,
        operation: str,
        job_id: str | None = None,
        form: Any = Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401 - any JSON
        body = reply.body
        with contextlib.suppress(ValueError, RecursionError):
            body = self._without_key(body)
            decoded = _decode(body, form)
            self._proven = True
            return decoded
        # Raised outside the context of the decoder's error, which carries the body.
        return self._not_promised(reply, operation, "JSON", job_id)

    def _without_key(self, body: bytes) -> bytes:
        for key in map(str.encode, self._key.forms):
            # `in` first: a copy of 40 MB is made only if necessary.
            if len(key) >= _SHORTEST_IN_REPLIES and key in body:
                body = body.replace(key, _REDACTED.encode())
        return body

    def _not_promised(
        self, reply: Response, operation: str, promised: str, job_id: str | None = None
    ) -> NoReturn:
        kind = self.redact(reply.header("content-type") or "no content type")
        message = (
            f"The reply to {operation} is not {promised} ({kind}, {len(reply.body)} bytes). "
            "Check that url=... or IONQ_API_URL is the base URL of an IonQ API, such as "
            "https://api.ionq.co/v0.4."
        )
        if operation.startswith("POST "):
            message += f" {_LOOK_FIRST}"
        raise IonQResponseError(
            message,
            status_code=reply.status,
            request_id=self._request_id(reply),
            job_id=job_id,
        )


def encode(payload: Mapping[str, Any]) -> bytes:
    """Return the JSON of a request's body."""
    return json.dumps(payload, allow_nan=False, separators=(",", ":")).encode()


def _decode(body: bytes | str, form: Any = Any) -> Any:  # noqa: ANN401 - a type, and any JSON
    """Decode JSON, as values of the type `form` where the body fits it.

    msgspec refuses some of what Python's own decoder reads, such as NaN, 1e999, lone surrogates and
    UTF-16. Such a body, or one that does not fit `form`, is decoded by that.
    """
    # The oldest version of msgspec that is allowed has a DecodeError that is not a ValueError.
    with contextlib.suppress(msgspec.DecodeError, ValueError, RecursionError):
        return msgspec.json.decode(body, type=form)
    return json.loads(body)


def query_text(parameters: Mapping[str, Any]) -> str:
    """Return the query of a URL with its question mark, without parameters that are None."""
    given = {
        name: value if isinstance(value, str | int) else ",".join(value)
        for name, value in parameters.items()
        if value is not None
    }
    return f"?{urlencode(given)}" if given else ""


def _error_body(text: str) -> tuple[str | None, str | None, str]:
    """Return (error type, code, message) of the body of an error, of any shape."""
    text = text.strip()
    decoded: Any
    try:
        decoded = _decode(text)
    except (ValueError, RecursionError):
        decoded = text
    code: str | None = None
    if isinstance(decoded, dict):
        error: Any = decoded.get("error")
        message: Any = decoded.get("message")
        if isinstance(error, dict):  # {"error": {"type": ..., "message": ...}}
            message = message or error.get("message")
            code = _code(error)
            error = error.get("type")
        code = _code(decoded) or code
        if isinstance(message, str) and message:
            return (error if isinstance(error, str) else None), code, message
        if isinstance(error, str):
            return None, code, error
    if isinstance(decoded, str):
        text = decoded
    return None, code, text[:_EXCERPT_CHARS]


def _code(body: Mapping[str, Any]) -> str | None:
    code = body.get("code")
    return str(code) if isinstance(code, str | int) and code != "" else None


#: Maximum of concurrent requests. `requests` keeps ten connections open to a host.
MOST_AT_A_TIME = 8

Item = TypeVar("Item")
Found = TypeVar("Found")


def each(
    transport: Transport, function: Callable[[Item], Found], items: Sequence[Item]
) -> list[Found]:
    """Return `function` of each item, in their order.

    A transport in this process gains nothing from threads, and gets one request after another.

    Args:
        transport: Carries the requests that `function` makes.
        function: The function; called from several threads if the transport has `concurrent`.
        items: Its arguments.

    Raises:
        Exception: The first error of `function`, in the order of the items. Calls that have not
            begun by then are not made.
    """
    workers = min(len(items), MOST_AT_A_TIME)
    if workers < 2 or not transport.concurrent:  # noqa: PLR2004
        return [function(item) for item in items]
    with ThreadPoolExecutor(workers, thread_name_prefix="ionq-toolkit") as pool:
        # In the caller's context, which selects one of several mocked clouds.
        futures = [pool.submit(contextvars.copy_context().run, function, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
