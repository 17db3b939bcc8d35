"""FakeServer: the cloud on a socket, for clients in other processes and languages."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from ionq_toolkit_fake.cloud import FakeIonQ
from ionq_toolkit_fake.server.guard import Guard
from ionq_toolkit_fake.server.limits import ServerLimits

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Callable, Collection, Iterator

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
        limits: ServerLimits = ServerLimits(),  # noqa: B008 - a value that does not change
        tls_cert: str | os.PathLike[str] | None = None,
        tls_key: str | os.PathLike[str] | None = None,
    ) -> None:
        """Serve `cloud`, or a new one.

        Args:
            cloud: The cloud.
            host: The address to listen on; loopback by default.
            port: The port to listen on; 0 takes a free one.
            token: The token of the controls on an address that is not loopback; None: it is drawn.
            hosts: Further names of the server, which clients may call it by.
            insecure: Whether to serve a cloud that takes every key to other machines.
            limits: How much it takes, and how long it waits.
            tls_cert: A PEM file with its certificate, for https; None: it speaks plain HTTP.
            tls_key: A PEM file with the key; None: that of the certificate has it.

        Raises:
            UnsafeAddressError: Other machines can reach the address, and the cloud takes every key.
            TlsFileError: The certificate or the key cannot be used.
            ValueError: A limit is not above 0.
        """
        self.cloud = cloud or FakeIonQ()
        self._limits = limits.checked()
        self._tls = None
        if tls_cert is not None:
            from ionq_toolkit_fake.server.tls import tls_context  # noqa: PLC0415 - ssl is slow

            self._tls = tls_context(tls_cert, tls_key)
        scheme = "http" if self._tls is None else "https"
        self.guard = Guard(host, hosts=hosts, token=token, scheme=scheme)
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
        loop, self._loop = self._loop, None
        if loop is not None and self._stop is not None:
            loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(_THREAD_TIMEOUT_S)

    @contextlib.contextmanager
    def serving(self, cloud: FakeIonQ) -> Iterator[Self]:
        """Serve another cloud at the same URL, for the duration of a ``with``.

        ::

            with FakeServer() as server, server.serving(FakeIonQ(seed=7)):
                IonQProvider("any-key", server.url).get_backend("simulator").status()  # -> True
        """
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
            limits=self._limits,
            tls=self._tls,
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
    limits: ServerLimits = ServerLimits(),  # noqa: B008 - a value that does not change
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve a cloud until `stop` is set, and then finish its requests and close every connection.

    Args:
        serving: Returns the cloud for the next request.
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        stop: Ends the server.
        on_listening: Called with the API's base URL once connections are accepted.
        guard: Refuses requests.
        limits: What it takes, and how long it waits.
        tls: Its certificate; None: it speaks plain HTTP.

    Raises:
        OSError: The address cannot be listened on.
        ValueError: A limit is not above 0.
    """
    from ionq_toolkit_fake.server.listening import listen  # noqa: PLC0415 - uvicorn and Starlette

    await listen(
        serving,
        host,
        port,
        stop=stop,
        on_listening=on_listening,
        guard=guard,
        limits=limits,
        tls=tls,
    )
