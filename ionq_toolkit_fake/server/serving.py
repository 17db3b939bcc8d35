"""FakeServer: the cloud on a socket, for clients in other processes and languages."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
import threading
from http.client import responses as REASONS  # noqa: N812 - a constant
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import h11

from ionq_toolkit_fake import control
from ionq_toolkit_fake.api.responses import Refusal, bad_request
from ionq_toolkit_fake.clock import SystemClock
from ionq_toolkit_fake.cloud import FakeIonQ
from ionq_toolkit_fake.facts.limits import MAX_BODY_BYTES
from ionq_toolkit_fake.faults.exchange import Delivery, Exchange
from ionq_toolkit_fake.server.guard import Guard
from ionq_toolkit_fake.store.base import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from ionq_toolkit_fake.api.responses import Response

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024

#: The longest request line and headers.
_MAX_HEAD_BYTES = 64 * 1024

#: The number of chunks that are read from a client after a malformed request.
_MOST_CHUNKS_IGNORED = 1024

#: SO_LINGER with no time: closing a socket resets the connection.
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)

#: The timeout in seconds for a server in a thread to begin to listen, and to end.
_THREAD_TIMEOUT_S = 30.0


class FakeServer:
    """A server for a cloud, in a thread of its own, for the duration of a ``with``.

    It serves IonQ's API below ``/v0.4`` and the controls of the cloud below ``/_fake``.

    ::

        with FakeServer() as server:
            IonQProvider("any-key", url=server.url)

    Attributes:
        cloud: The cloud that it serves.
        url: The base URL of the API; set when the server listens.
        guard: Refuses requests of web pages, and controls without its `token`.
    """

    def __init__(
        self,
        cloud: FakeIonQ | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        hosts: Collection[str] = (),
        insecure: bool = False,
    ) -> None:
        """Serve `cloud`, or a new one.

        Args:
            cloud: The cloud.
            host: The address to listen on; loopback by default.
            port: The port to listen on; 0 takes a free one.
            token: The token of the controls on an address that is not loopback; None: it is drawn.
            hosts: Further names of the server, which clients may call it by.
            insecure: Whether to serve a cloud that takes every key to other machines.

        Raises:
            UnsafeAddressError: Other machines can reach the address, and the cloud takes every key.
        """
        self.cloud = cloud or FakeIonQ()
        self.guard = Guard(host, hosts=hosts, token=token)
        self.guard.check_cloud(self.cloud, insecure=insecure)
        self.url = ""
        self._address = (host, port)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Begin to listen.

        Raises:
            OSError: The address cannot be listened on.
        """
        self._ready.clear()
        self._failure = None
        self._thread = threading.Thread(target=self._run, name="ionq-fake", daemon=True)
        self._thread.start()
        if not self._ready.wait(_THREAD_TIMEOUT_S):
            raise TimeoutError("the server did not begin to listen")
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections and stop listening."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(_THREAD_TIMEOUT_S)

    @contextlib.contextmanager
    def serving(self, cloud: FakeIonQ) -> Iterator[Self]:
        """Serve another cloud at the same URL, for the duration of a ``with``."""
        before, self.cloud = self.cloud, cloud
        try:
            yield self
        finally:
            self.cloud = before

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """End all connections and refuse new ones, for the duration of a ``with``.

        The cloud stays as it is, and is served at the same URL afterwards.

        Raises:
            OSError: Another process took the port meanwhile.
        """
        given, url = self._address, urlsplit(self.url)
        host, port = url.hostname or "", url.port or 0
        self.__exit__(None, None, None)
        # Bound but not listening: the port stays taken, and the system refuses connections.
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as placeholder:
            placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            placeholder.bind((host, port))
            try:
                yield
            finally:
                placeholder.close()
                self._address = (given[0], port)
                self.__enter__()
                self._address = given

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - raised again by __enter__, in the caller's thread
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await serve(
            lambda: self.cloud,
            *self._address,
            stop=self._stop,
            on_listening=self._listening,
            guard=self.guard,
        )

    def _listening(self, url: str) -> None:
        self.url = url
        self._ready.set()


async def serve(
    serving: Callable[[], FakeIonQ],
    host: str,
    port: int,
    *,
    stop: asyncio.Event,
    on_listening: Callable[[str], None],
    guard: Guard,
) -> None:
    """Serve a cloud until `stop` is set, and then close every connection.

    Args:
        serving: Returns the cloud for the next request.
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        stop: Ends the server.
        on_listening: Called with the API's base URL once connections are accepted.
        guard: Refuses requests.

    Raises:
        OSError: The address cannot be listened on.
    """
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_Connection(serving, guard, reader, writer).run())
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, host, port)
    try:
        on_listening(_base_url(server.sockets[0].getsockname()))
        await stop.wait()
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


def _base_url(address: tuple[str, int]) -> str:
    host, port = address[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v0.4"


class _Connection:
    """One connection: requests in, responses out, until either side ends it."""

    def __init__(
        self,
        serving: Callable[[], FakeIonQ],
        guard: Guard,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._serving, self._reader, self._writer = serving, reader, writer
        self._guard = guard
        self._cloud = serving()
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)

    async def run(self) -> None:
        try:
            while await self._one_request():
                self._http.start_next_cycle()
        except (OSError, asyncio.CancelledError):
            pass  # the client is gone, or the server stops
        finally:
            self._writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._writer.wait_closed()

    async def _one_request(self) -> bool:
        """Answer one request and return whether another may follow."""
        try:
            request = await self._next_event()
            if not isinstance(request, h11.Request):
                return False
            method, url = request.method.decode("ascii"), request.target.decode("latin-1")
            headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in request.headers}
            self._cloud = self._serving()
            refusal = self._guard.refusal(method, url, headers)
            body = await self._body(0 if refusal else self._most_bytes(method, url, headers))
        except h11.RemoteProtocolError as error:
            if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                await self._send(bad_request(str(error)).response(), close=True)
                await self._let_the_client_finish()
            return False
        if refusal is not None:
            await self._send(refusal)
            return self._may_follow()
        # In a thread: a request that takes time must not keep the loop from other connections.
        await self._deliver(await asyncio.to_thread(self._exchange, method, url, headers, body))
        return self._may_follow()

    def _may_follow(self) -> bool:
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    def _most_bytes(self, method: str, url: str, headers: dict[str, str]) -> int:
        """Return how many bytes of a body are kept: one more than the limit, or none."""
        if control.takes(url):
            return control.MAX_CONTROL_BYTES + 1
        return MAX_BODY_BYTES + 1 if self._cloud.takes_body(method, url, headers) else 0

    def _exchange(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Exchange:
        response = control.answer(self._cloud, method, url, body)
        if response is not None:
            return Exchange("", response)
        try:
            return self._cloud.exchange(method, url, headers, body)
        except StateError as error:
            logger.error("%s", error)  # noqa: TRY400 - it says what to do
            return Exchange("", Refusal(500, "Internal Server Error", str(error)).response())

    async def _deliver(self, exchange: Exchange) -> None:
        """Deliver the response; only a whole one leaves the client connected."""
        if exchange.silent:
            while await self._reader.read(_CHUNK_BYTES):
                pass  # until the client gives up
            return
        await self._wait(exchange.delay_s)
        if exchange.response is None or exchange.delivery in {Delivery.RESET, Delivery.REFUSED}:
            self._writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER
            )
            self._writer.transport.abort()
        elif exchange.delivery is Delivery.WHOLE:
            await self._send(exchange.response)
        else:
            head = self._head(exchange.response)
            for index, piece in enumerate(exchange.pieces):
                if index:
                    await self._wait(exchange.pause_s)
                await self._write(*([] if index else [head]), h11.Data(data=piece))
            if exchange.delivery is not Delivery.CUT:
                await self._write(h11.EndOfMessage())

    async def _wait(self, seconds: float) -> None:
        """Wait on the cloud's clock: for real if it is the system's clock."""
        if not seconds:
            return
        if isinstance(self._cloud.clock, SystemClock):
            await asyncio.sleep(seconds)  # which ends when the server does
        else:
            await asyncio.to_thread(self._cloud.clock.sleep, seconds)

    async def _body(self, most: int) -> bytes:
        """Return the request's body, or the first bytes of a longer one."""
        if self._http.they_are_waiting_for_100_continue:
            await self._write(h11.InformationalResponse(status_code=100, headers=[]))
        body = bytearray()
        while isinstance(event := await self._next_event(), h11.Data):  # until EndOfMessage
            body += event.data[: max(0, most - len(body))]
        return bytes(body)

    async def _let_the_client_finish(self) -> None:
        """Read the rest of the request: closing the connection earlier would lose the response."""
        self._writer.write_eof()
        for _ in range(_MOST_CHUNKS_IGNORED):
            if not await self._reader.read(_CHUNK_BYTES):
                break

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_CHUNK_BYTES))
        return event  # type: ignore[return-value]

    @staticmethod
    def _head(response: Response, *, close: bool = False) -> h11.Response:
        headers = [*response.headers.items(), ("content-length", str(len(response.body)))]
        if close:
            headers.append(("connection", "close"))
        reason = REASONS.get(response.status, "")
        return h11.Response(status_code=response.status, headers=headers, reason=reason)

    async def _send(self, response: Response, *, close: bool = False) -> None:
        head, body = self._head(response, close=close), response.body
        if len(body) <= _CHUNK_BYTES:
            await self._write(head, *([h11.Data(data=body)] if body else []), h11.EndOfMessage())
            return
        await self._write(head)
        for start in range(0, len(body), _CHUNK_BYTES):  # others are answered in between
            await self._write(h11.Data(data=body[start : start + _CHUNK_BYTES]))
        await self._write(h11.EndOfMessage())

    async def _write(self, *events: h11.Event) -> None:
        # In one piece: small pieces would wait for each other on the network.
        self._writer.write(b"".join(self._http.send(event) or b"" for event in events))
        await self._writer.drain()
