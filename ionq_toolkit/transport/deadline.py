"""One deadline for a request over sockets, from the connection to the last byte of the reply.

A timeout of a socket is for one operation on it: a reply that comes byte by byte never meets it.
Here every operation gets what is left of the time of the whole request.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.poolmanager import PoolManager, pool_classes_by_scheme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from ionq_toolkit.clock import Clock

    #: Returns the seconds that are left, or None for any time; raises TimeoutError if none are.
    Left = Callable[[], float | None]

#: What is left of the time of the request that this thread is sending.
_left: ContextVar[Left] = ContextVar("left", default=lambda: None)


@contextlib.contextmanager
def within(clock: Clock, timeout: float | None) -> Iterator[Left]:
    """Give the request that is sent within this context so many seconds, or any time."""
    end = None if timeout is None else clock.monotonic() + timeout

    def left() -> float | None:
        if end is None:
            return None
        seconds = end - clock.monotonic()
        if seconds <= 0:
            raise TimeoutError(f"no complete reply within {timeout:g} s")
        return seconds

    token = _left.set(left)
    try:
        yield left
    finally:
        _left.reset(token)


def heed(session: requests.Session) -> None:
    """Let the connections of a session of any kind heed deadlines, where they are urllib3's."""
    for adapter in session.adapters.values():
        if isinstance(adapter, HTTPAdapter):
            for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
                _heed(manager)


class HeedingAdapter(HTTPAdapter):
    """An adapter whose connections heed deadlines, those to proxies included."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as of requests
        """Make the pools of connections to hosts."""
        super().init_poolmanager(*args, **kwargs)
        _heed(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as of requests
        """Return the pools of connections to a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        _heed(manager)
        return manager


def _heed(manager: PoolManager) -> None:
    if manager.pool_classes_by_scheme is pool_classes_by_scheme:  # and not a caller's own
        manager.pool_classes_by_scheme = _POOLS


class _Readable:
    """What `http.client.HTTPResponse` needs of a socket: a file to read from."""

    def __init__(self, sock: socket.socket, left: Left) -> None:
        self._sock, self._left = sock, left

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self._sock, self._left))


class _Reading(io.RawIOBase):
    """Reads from a socket, and waits each time for no longer than is left."""

    def __init__(self, sock: socket.socket, left: Left) -> None:
        self._sock, self._left = sock, left
        self._file: Any = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._sock.fileno()

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - a writable buffer
        left = self._left()
        if left is not None:
            self._sock.settimeout(left)
        count: int | None = self._file.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            super().close()


class _HeedingResponse(http.client.HTTPResponse):
    """A response whose every wait for a part is bounded by what is left."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - http.client's own
        super().__init__(_Readable(sock, _left.get()), *args, **kwargs)  # type: ignore[arg-type]


class _Heeding(HTTPConnection):
    """A connection whose every wait is bounded by what is left."""

    response_class = _HeedingResponse

    def _new_conn(self) -> socket.socket:
        """Connect to the addresses of the host by turns, all of them within the time."""
        if _left.get()() is None:
            return super()._new_conn()
        name = self._dns_host
        try:
            found = socket.getaddrinfo(name.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return super()._new_conn()  # which says what is wrong with the name
        failure: Exception | None = None
        try:
            for *_, address in found:
                try:
                    self.timeout = _left.get()()
                except TimeoutError as error:
                    raise ConnectTimeoutError(self, str(error)) from failure
                self._dns_host = str(address[0])
                try:
                    return super()._new_conn()
                except (ConnectTimeoutError, NewConnectionError) as error:
                    failure = error
        finally:
            self._dns_host = name
        raise failure or NewConnectionError(self, f"{name} has no address")

    def send(self, data: Any) -> None:  # noqa: ANN401 - whatever http.client sends
        if self.sock is None:
            self.connect()
        self._allow_what_is_left()
        super().send(data)

    def getresponse(self) -> Any:  # noqa: ANN401 - as of each version
        self._allow_what_is_left()
        return super().getresponse()

    def _allow_what_is_left(self) -> None:
        left = _left.get()()
        if left is not None:
            self.timeout = left
            self.sock.settimeout(left)


class _HeedingTLS(_Heeding, HTTPSConnection):
    """The same over TLS."""


class HTTPPool(HTTPConnectionPool):
    """Connections to a host; its name is in messages."""

    ConnectionCls = _Heeding


class HTTPSPool(HTTPSConnectionPool):
    """Connections to a host over TLS; likewise."""

    ConnectionCls = _HeedingTLS


_POOLS = {"http": HTTPPool, "https": HTTPSPool}
