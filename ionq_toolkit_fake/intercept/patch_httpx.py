"""The patches of httpx; imported only if it is installed."""

from __future__ import annotations

from http.client import responses as REASONS  # noqa: N812 - a constant
from typing import TYPE_CHECKING, Any

import httpx

from ionq_toolkit_fake.intercept.patching import Patch
from ionq_toolkit_fake.intercept.scope import PORTS, interception

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from ionq_toolkit_fake.intercept.scope import Scope


_PIECE_BYTES = 64 * 1024


def patches() -> list[Patch]:
    """Return the patches of the two transports that go to the network.

    Layers above them, such as retrying transports, stay as they are, and so do transports that do
    not use the network, such as an application's.
    """
    return [
        Patch(httpx.HTTPTransport, "handle_request", _synchronous),
        Patch(httpx.AsyncHTTPTransport, "handle_async_request", _asynchronous),
    ]


def _synchronous(handle_request: Callable[..., Any]) -> Callable[..., Any]:
    def answering(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        scope = _scope_of(request)
        if scope is None:
            response: httpx.Response = handle_request(transport, request)
            return response
        assert isinstance(request.stream, httpx.SyncByteStream), "the client has checked"  # noqa: S101
        return _answer(scope, request, b"".join(request.stream))

    return answering


def _asynchronous(handle_async_request: Callable[..., Any]) -> Callable[..., Any]:
    async def answering(
        transport: httpx.AsyncHTTPTransport, request: httpx.Request
    ) -> httpx.Response:
        scope = _scope_of(request)
        if scope is None:
            response: httpx.Response = await handle_async_request(transport, request)
            return response
        from anyio.lowlevel import checkpoint  # noqa: PLC0415 - httpx imports it no sooner

        assert isinstance(request.stream, httpx.AsyncByteStream), "the client has checked"  # noqa: S101
        # As on a network, others get their turn, and a task that was cancelled ends here. The cloud
        # itself runs in the loop: in threads, the order of requests would be left to chance.
        await checkpoint()
        return _answer(scope, request, b"".join([part async for part in request.stream]))

    return answering


def _scope_of(request: httpx.Request) -> Scope | None:
    port = request.url.port or PORTS.get(request.url.scheme)
    return interception.scope_of(request.url.host, port)


def _answer(scope: Scope, request: httpx.Request, body: bytes) -> httpx.Response:
    """Return the cloud's response."""
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in request.headers.raw}
    target = request.url.raw_path.decode("ascii")
    timeout = request.extensions.get("timeout", {}).get("read")
    try:
        reply = scope.answer(request.method, target, headers, body, timeout)
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except ConnectionRefusedError as error:
        raise httpx.ConnectError(str(error)) from error
    except ConnectionError as error:
        raise httpx.ReadError(str(error)) from error
    reason = REASONS.get(reply.status, "").encode("ascii")
    length = int(httpx.Headers(reply.headers)["content-length"])
    return httpx.Response(
        reply.status,
        headers=reply.headers,
        stream=_HttpxBody(reply.body, 0 if request.method.upper() == "HEAD" else length),
        extensions={"http_version": b"HTTP/1.1", "reason_phrase": reason},
    )


class _HttpxBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body as it comes from a socket, piece by piece; bytes may be missing at its end."""

    def __init__(self, body: bytes, length: int) -> None:
        self._body, self._length = body, length

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._body), _PIECE_BYTES):
            yield self._body[start : start + _PIECE_BYTES]
        if len(self._body) < self._length:
            raise httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body "
                f"(received {len(self._body)} bytes, expected {self._length})"
            )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece
