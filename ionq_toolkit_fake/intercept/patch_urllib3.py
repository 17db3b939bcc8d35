"""The patches of urllib3, which `requests` and generated clients use, and of `requests`."""

from __future__ import annotations

import importlib.util
import io
import warnings
from dataclasses import dataclass
from http.client import IncompleteRead
from http.client import responses as REASONS  # noqa: N812 - a constant
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests.adapters
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPResponse, Retry, Timeout
from urllib3.exceptions import (
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from ionq_toolkit_fake.intercept.patching import Patch
from ionq_toolkit_fake.intercept.scope import PORTS, address, interception

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ionq_toolkit_fake.intercept.scope import Scope


def patches() -> list[Patch]:
    """Return the patches of `requests` and urllib3.

    They replace `urlopen`, so that adapters, timeouts, decoding and errors are those of the
    libraries. Not `_make_request` below it: there, urllib3 has connected to an HTTPS proxy already,
    and waits between retries on the system's clock instead of the cloud's.
    Other mocks replace `HTTPAdapter.send`, and would refuse requests to IonQ; requests within a
    scope pass them by.
    """
    return [
        Patch(requests.adapters.HTTPAdapter, "send", _past_other_mocks),
        Patch(HTTPConnectionPool, "urlopen", _answering),
    ]


def _past_other_mocks(send: Callable[..., Any]) -> Callable[..., Any]:
    genuine = _genuine_send()

    def past(
        adapter: object, request: requests.PreparedRequest, *args: object, **options: object
    ) -> object:
        chosen = genuine if interception.answers(*address(request.url or "")) else send
        return chosen(adapter, request, *args, **options)

    return past


def _genuine_send() -> Callable[..., Any]:
    """Return the `HTTPAdapter.send` of `requests`, even if another mock has replaced it."""
    module: Any = requests.adapters
    if module.HTTPAdapter.send.__module__ != module.__name__:
        spec = importlib.util.find_spec(module.__name__)
        assert spec is not None and spec.loader is not None, "it is imported"  # noqa: S101, PT018
        module = importlib.util.module_from_spec(spec)
        with warnings.catch_warnings(action="ignore"):  # of what it lacks, for the second time
            spec.loader.exec_module(module)
    send: Callable[..., Any] = module.HTTPAdapter.send
    return send


def _answering(urlopen: Callable[..., Any]) -> Callable[..., Any]:
    def answering(  # noqa: PLR0917 - urllib3's signature
        pool: HTTPConnectionPool,
        method: str,
        url: str,
        body: object = None,
        headers: Mapping[str, Any] | None = None,
        retries: Retry | bool | int | None = None,
        *args: object,
        **options: Any,  # noqa: ANN401
    ) -> object:
        # What goes through a proxy in clear is a whole URL, and the pool is the proxy's.
        host, port = pool.host, pool.port or PORTS.get(pool.scheme or "")
        if not url.startswith("/"):
            host, port = address(url)
        scope = interception.scope_of(host, port)
        if scope is None:
            return urlopen(pool, method, url, body, headers, retries, *args, **options)
        fields = {name: _text(value) for name, value in (headers or pool.headers).items()}
        return _Urllib3Call(scope, pool, method, url, fields, _bytes(body), options).run(retries)

    return answering


@dataclass(frozen=True)
class _Urllib3Call:
    """One call of `urlopen` that a cloud answers: one request, with its retries."""

    scope: Scope
    pool: HTTPConnectionPool
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    options: Mapping[str, Any]

    def run(self, retries: Retry | bool | int | None) -> HTTPResponse:
        """Return the response of the last attempt, or raise its error."""
        if not isinstance(retries, Retry):
            redirect = self.options.get("redirect", True)
            retries = Retry.from_int(retries, redirect=redirect, default=self.pool.retries)
        while True:
            response = None
            try:
                response = self._attempt()
                again = "Retry-After" in response.headers
                if not retries.is_retry(self.method, response.status, again):
                    return response
                retries = self._count(retries, response=response)
            except MaxRetryError:
                if response is None or retries.raise_on_status:
                    raise
                return response
            except HTTPError as error:
                retries = self._count(retries, error=error, _stacktrace=error.__traceback__)
            self._wait(retries, response)

    def _count(self, retries: Retry, **outcome: Any) -> Retry:  # noqa: ANN401
        """Return the retries that are left."""
        return retries.increment(self.method, self.url, _pool=self.pool, **outcome)

    def _attempt(self) -> HTTPResponse:
        """Return the cloud's response."""
        parts = urlsplit(self.url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        timeout = _read_timeout(self.options.get("timeout", self.pool.timeout))
        try:
            reply = self.scope.answer(self.method, target, self.headers, self.body, timeout)
        except TimeoutError as error:
            message = f"Read timed out. (read timeout={timeout})"
            raise ReadTimeoutError(self.pool, self.url, message) from error
        except ConnectionRefusedError as error:
            message = f"Failed to establish a new connection: {error}"
            raise NewConnectionError(self.pool, message) from error  # type: ignore[arg-type]
        except ConnectionError as error:
            raise ProtocolError("Connection aborted.", error) from error
        missing = int(CaseInsensitiveDict(reply.headers)["content-length"]) - len(reply.body)
        return HTTPResponse(
            _Urllib3Body(reply.body, missing),
            headers=reply.headers,
            status=reply.status,
            version=11,
            reason=REASONS.get(reply.status, ""),
            preload_content=self.options.get("preload_content", True),
            decode_content=self.options.get("decode_content", True),
            request_method=self.method,
            request_url=self.url,
        )

    def _wait(self, retries: Retry, response: HTTPResponse | None) -> None:
        """Wait for the next attempt as urllib3 does, but on the cloud's clock."""
        seconds = None
        if response is not None and retries.respect_retry_after_header:
            seconds = retries.get_retry_after(response)
        self.scope.cloud.client_clock.sleep(seconds or retries.get_backoff_time())


class _Urllib3Body(io.BytesIO):
    """A body as urllib3 reads it from `http.client`, of which some bytes may be missing."""

    def __init__(self, body: bytes, missing: int) -> None:
        super().__init__(body)
        self._missing = missing

    def read(self, size: int | None = -1, /) -> bytes:
        """Read the body."""
        data = super().read(size)
        if self._missing > 0 and (size is None or size < 0):
            raise IncompleteRead(data, self._missing)
        return data


def _read_timeout(timeout: object) -> float | None:
    """Return the timeout for a part of the response, in seconds."""
    if isinstance(timeout, Timeout):
        timeout = timeout.clone()
        timeout.start_connect()  # connecting takes no time: all of it is left to read
        timeout = timeout.read_timeout
    return float(timeout) if isinstance(timeout, int | float) else None


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _bytes(body: Any) -> bytes:  # noqa: ANN401 - whatever these libraries take for a body
    if isinstance(body, str):
        return body.encode()
    if body is None:
        return b""
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    if hasattr(body, "read"):
        return _bytes(body.read())
    return b"".join(_bytes(part) for part in body)
