"""The application of Starlette around one cloud: its API, its controls, and what an operator asks.

Every request passes `Application`, which applies the limits and the guard, counts it and logs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from ionq_toolkit_fake import console, control
from ionq_toolkit_fake.api.large import IN_PARTS
from ionq_toolkit_fake.api.request import route, without_secret
from ionq_toolkit_fake.api.responses import Refusal, Response, internal_error
from ionq_toolkit_fake.api.service import health
from ionq_toolkit_fake.clock import SystemClock
from ionq_toolkit_fake.facts.limits import MAX_BODY_BYTES
from ionq_toolkit_fake.faults.exchange import Delivery, Exchange
from ionq_toolkit_fake.server import limits as refusals
from ionq_toolkit_fake.server.guard import METRICS
from ionq_toolkit_fake.server.logs import ACCESS_LOG
from ionq_toolkit_fake.server.metrics import CONTENT_TYPE, Metrics
from ionq_toolkit_fake.store.base import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Executor

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import Message, Receive, Scope, Send

    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.server.connection import Connection
    from ionq_toolkit_fake.server.guard import Guard
    from ionq_toolkit_fake.server.limits import ServerLimits

logger = logging.getLogger("ionq_toolkit_fake.server")

access_logger = logging.getLogger(ACCESS_LOG)

_CHUNK_BYTES = 64 * 1024

#: The number of bytes of a body that are read to keep a connection, although it is too long.
_MOST_IGNORED = 4 * MAX_BODY_BYTES

#: The longest path in the access log.
_LONGEST_PATH = 200


class Application:
    """An ASGI application: a cloud behind limits and a guard.

    Attributes:
        busy: The tasks of requests that the server finishes before it stops.
    """

    def __init__(
        self,
        serving: Callable[[], FakeIonQ],
        guard: Guard,
        limits: ServerLimits,
        metrics: Metrics,
        threads: Executor,
    ) -> None:
        """Make the application.

        Args:
            serving: Returns the cloud for the next request.
            guard: Refuses requests.
            limits: What the server takes.
            metrics: Counts the requests.
            threads: Run requests to the cloud.
        """
        self.busy: set[asyncio.Task[Any]] = set()
        self._guard, self._limits, self._metrics = guard, limits, metrics
        cloud = _Cloud(serving, limits, metrics, threads, self.busy)
        self._starlette = Starlette(routes=_routes(serving, metrics))
        self._starlette.router.default = cloud
        self._starlette.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        connection: Connection = scope["state"]["connection"]
        began, status, sent = time.perf_counter(), None, 0

        async def counted(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                sent += len(message.get("body", b""))
            await send(message)

        try:
            refusal = self._refusal(scope, connection)
            if refusal is not None:
                await respond(counted, refusal)
            else:
                await self._starlette(scope, receive, counted)
        except asyncio.CancelledError:  # the server stops
            connection.cut()
        except Exception:  # Starlette has answered it
            logger.exception("no answer to %s", scope["method"])
        finally:
            seconds = time.perf_counter() - began
            method, path = scope["method"], scope["raw_path"].decode("latin-1")
            self._metrics.answered(_label(method, path), status, seconds)
            if access_logger.isEnabledFor(logging.INFO):
                client = (scope.get("client") or ("-",))[0]
                shown = _without_key(path, scope)
                access_logger.info(
                    '%s "%s %s" %s %d B %.1f ms',
                    client,
                    method,
                    shown,
                    "no response" if status is None else status,
                    sent,
                    1000 * seconds,
                )

    def _refusal(self, scope: Scope, connection: Connection) -> Response | None:
        """Return the response to a request that meets a limit or the guard, or None."""
        if connection.is_above_limit:
            connection.cycle.keep_alive = False
            return refusals.too_many_connections(self._limits)
        url = url_of(scope)
        if len(url) > self._limits.path_bytes:
            return refusals.too_long_path(len(url), self._limits).response()
        if len(scope["headers"]) > self._limits.headers:
            return refusals.too_many_headers(len(scope["headers"]), self._limits).response()
        if self._metrics.waiting >= self._limits.requests:
            return refusals.too_many_requests(self._limits)
        return self._guard.refusal(scope["method"], url, headers_of(scope))


def _routes(serving: Callable[[], FakeIonQ], metrics: Metrics) -> list[BaseRoute]:
    """Return the routes that are neither the API's nor the controls'."""

    async def healthy(_: Request) -> JSONResponse:
        return JSONResponse(health(None))  # type: ignore[arg-type]

    async def measured(_: Request) -> PlainTextResponse:
        text = await asyncio.to_thread(metrics.text, serving())
        return PlainTextResponse(text, media_type=CONTENT_TYPE)

    return [
        Route("/health", healthy),
        Route(METRICS, measured),
        *console.routes(serving),
    ]


class _Cloud:
    """The API and the controls: every path that is not another route's."""

    def __init__(
        self,
        serving: Callable[[], FakeIonQ],
        limits: ServerLimits,
        metrics: Metrics,
        threads: Executor,
        busy: set[asyncio.Task[Any]],
    ) -> None:
        self._serving, self._limits, self._metrics = serving, limits, metrics
        self._threads, self._busy = threads, busy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        cloud, connection = self._serving(), scope["state"]["connection"]
        method, url, headers = scope["method"], url_of(scope), headers_of(scope)
        task = _task()
        self._busy.add(task)
        self._metrics.waiting += 1
        held = bytearray()
        try:
            try:
                most = _most_bytes(cloud, method, url, headers)
                if not await self._read(held, most, receive, connection):
                    return
                body = bytes(held)
                exchange = await self._in_thread(_exchange, cloud, method, url, headers, body)
            except Refused as refused:
                await respond(send, refused.response)
                return
            except Exception:
                logger.exception("no answer to %s %s", method, _label(method, url))
                exchange = Exchange("", internal_error().response())
            finally:
                self._metrics.waiting -= 1
                self._metrics.body_bytes -= len(held)
                held.clear()
            await self._deliver(exchange, cloud, connection, receive=receive, send=send)
        finally:
            self._busy.discard(task)

    async def _in_thread(self, function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401
        """Call a function in a thread, so that the loop serves other connections meanwhile."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)

    async def _read(
        self, held: bytearray, most: int, receive: Receive, connection: Connection
    ) -> bool:
        """Read the body of a request, of which `most` bytes are held; False: the client left."""
        seen, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            chunk, more = message.get("body", b""), message.get("more_body", False)
            seen += len(chunk)
            kept = chunk[: max(0, most - len(held))]
            if self._metrics.body_bytes + len(kept) > self._limits.body_bytes:
                connection.cycle.keep_alive = not more
                raise Refused(refusals.too_many_bytes(self._limits))
            held += kept
            self._metrics.body_bytes += len(kept)
            if seen > _MOST_IGNORED:
                connection.cycle.keep_alive = False
                break
        return True

    async def _deliver(
        self,
        exchange: Exchange,
        cloud: FakeIonQ,
        connection: Connection,
        *,
        receive: Receive,
        send: Send,
    ) -> None:
        """Deliver the response; only a whole one leaves the client connected."""
        if exchange.silent:
            connection.is_silent = True
            with self._idle():
                while (await receive())["type"] != "http.disconnect":
                    pass  # until the client gives up
            connection.cut()
            return
        with self._idle():
            await _wait(cloud, exchange.delay_s)
        if exchange.response is None or exchange.delivery in {Delivery.RESET, Delivery.REFUSED}:
            connection.reset()
        elif exchange.rest is not None:
            await self._stream(exchange.response, exchange.rest, connection, send)
        elif exchange.delivery is Delivery.WHOLE:
            await respond(send, exchange.response)
        else:
            await send(_start(exchange.response))
            for index, piece in enumerate(exchange.pieces):
                if index:
                    with self._idle():
                        await _wait(cloud, exchange.pause_s)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            if exchange.delivery is Delivery.CUT:
                connection.cut()
            else:
                await send({"type": "http.response.body"})

    async def _stream(
        self, response: Response, rest: Iterator[bytes], connection: Connection, send: Send
    ) -> None:
        """Send a large response while it is made: each part in a thread, when the last is sent."""
        await send(_start(response, sized=False))
        part = response.body
        while part and not connection.cycle.disconnected:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            try:
                part = await self._in_thread(next, rest, b"")
            except Exception:
                logger.exception("a large response ends in the middle")
                connection.cut()
                return
        await send({"type": "http.response.body"})

    @contextlib.contextmanager
    def _idle(self) -> Iterator[None]:
        """Wait for what the server does not wait for before it stops."""
        task = _task()
        self._busy.discard(task)
        try:
            yield
        finally:
            self._busy.add(task)


def _task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None, "a request has a task"  # noqa: S101
    return task


class Refused(Exception):  # noqa: N818 - not an error of the server
    """A request is not taken."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def url_of(scope: Scope) -> str:
    """Return the path and the query of a request, as they were sent."""
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers of a request, their names in lower case."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def respond(send: Send, response: Response) -> None:
    """Send a whole response."""
    await send(_start(response))
    body = response.body
    for start in range(0, len(body), _CHUNK_BYTES):  # others are answered in between
        chunk = body[start : start + _CHUNK_BYTES]
        more = start + _CHUNK_BYTES < len(body)
        await send({"type": "http.response.body", "body": chunk, "more_body": more})
    if not body:
        await send({"type": "http.response.body"})


def _start(response: Response, *, sized: bool = True) -> Message:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers.items()
    ]
    if sized and "content-length" not in response.headers:
        headers.append((b"content-length", str(len(response.body)).encode()))
    return {"type": "http.response.start", "status": response.status, "headers": headers}


async def _wait(cloud: FakeIonQ, seconds: float) -> None:
    """Wait on the cloud's clock: for real if it is the system's clock."""
    if not seconds:
        return
    if isinstance(cloud.clock, SystemClock):
        await asyncio.sleep(seconds)  # which ends when the server does
    else:
        await asyncio.to_thread(cloud.clock.sleep, seconds)


def _most_bytes(cloud: FakeIonQ, method: str, url: str, headers: Mapping[str, str]) -> int:
    """Return how many bytes of a body are kept: one more than the limit, or none."""
    if control.takes(url):
        return control.MAX_CONTROL_BYTES + 1
    return MAX_BODY_BYTES + 1 if cloud.takes_body(method, url, headers) else 0


def _exchange(
    cloud: FakeIonQ, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> Exchange:
    response = control.answer(cloud, method, url, body)
    if response is not None:
        return Exchange("", response)
    IN_PARTS.set(True)  # this thread is the server's own
    try:
        return cloud.exchange(method, url, headers, body)
    except StateError as error:
        logger.error("%s", error)  # noqa: TRY400 - it says what to do
        return Exchange("", Refusal(500, "Internal Server Error", str(error)).response())


def _label(method: str, path: str) -> str:
    """Return the name of a route, of which there are few."""
    if path in {"/health", METRICS}:
        return f"GET {path}"
    if control.takes(path):
        return "controls"
    if path == "/" or console.takes(path) or path.startswith("/_static/"):
        return "console"
    try:
        found = route(method.replace("HEAD", "GET"), urlsplit(path).path)
    except ValueError:
        found = None
    return "other" if found is None else f"{found[0].method} {found[0].url}"


def _without_key(path: str, scope: Scope) -> str:
    """Return a path as it is logged: without its query, and without the key that was sent."""
    secret = headers_of(scope).get("authorization", "").partition(" ")[2].strip()
    return without_secret(path, secret[:256] or None)[:_LONGEST_PATH]
