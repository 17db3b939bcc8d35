"""A deadline for one HTTP request as a whole, from the connection to the last byte received.

The timeout of a socket bounds one operation, so a response that arrives byte by byte never meets
it. Here each operation gets the time that the whole request has left.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError
from urllib3.poolmanager import PoolManager, pool_classes_by_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from ionq_toolkit.clock import Deadline

#: The deadline of the request that this thread is sending.
_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextlib.contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """Apply a deadline to the request that is sent in this context."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def left() -> float | None:
    """Return the seconds that the request has left, or None without a limit."""
    deadline = _deadline.get()
    if deadline is None or deadline.timeout is None:
        return None
    seconds = deadline.left()
    if seconds <= 0:
        raise TimeoutError(f"no complete reply within {deadline.timeout:g} s")
    return seconds


def enforce(session: requests.Session) -> None:
    """Make the connections of a session obey deadlines, except those of a caller's own pools."""
    for adapter in session.adapters.values():
        if isinstance(adapter, HTTPAdapter):
            for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
                _enforce(manager)


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections obey deadlines from the first request through a proxy on."""

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as in requests
        """Return the pools of connections to a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        _enforce(manager)
        return manager


def _enforce(manager: PoolManager) -> None:
    if manager.pool_classes_by_scheme is pool_classes_by_scheme:
        manager.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}


def _limit(sock: socket.socket) -> None:
    """Give the next operation on a socket the time that is left."""
    seconds = left()
    if seconds is not None:
        sock.settimeout(seconds)


def _look_up(host: str, port: int) -> list[Any]:
    """Return what `socket.getaddrinfo` does, within the time that is left.

    The operating system's lookup has no timeout. A thread waits for it, unless `host` is an address
    or this machine.

    Raises:
        TimeoutError: The deadline has passed.
    """
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - raised below
            found.append(error)

    seconds = left()
    if host == "localhost" or host.replace(".", "").isdigit() or ":" in host:
        look_up()
    else:
        thread = threading.Thread(target=look_up, name="ionq-toolkit DNS", daemon=True)
        thread.start()
        thread.join(seconds)
    if not found:
        raise TimeoutError(f"the name {host} was not resolved in time")
    if isinstance(found[0], Exception):
        raise found[0]
    answer: list[Any] = found[0]
    return answer


class _LimitedFile(io.RawIOBase):
    """The file that a response reads from a socket; each read gets the time that is left."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file: Any = sock.makefile("rb", buffering=0)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a buffer of this file: `http.client.HTTPResponse` asks its socket for one."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - a writable buffer
        _limit(self._sock)
        count: int | None = self._file.readinto(buffer)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as in http.client
        _limit(sock)
        super().__init__(_LimitedFile(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Connection(HTTPConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        """Connect to the addresses of the host in turn, within the time that is left for all."""
        if left() is None:
            return super()._new_conn()
        host = self._dns_host
        try:
            found = _look_up(host.strip("[]"), self.port)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, str(error)) from error
        except (OSError, UnicodeError):
            return super()._new_conn()  # which reports the error
        failure: Exception | None = None
        try:
            for *_, address in found:
                try:
                    self._dns_host, self.timeout = str(address[0]), left()
                    return super()._new_conn()
                except (HTTPError, TimeoutError) as error:
                    failure = error
        finally:
            self._dns_host = host
        raise failure if isinstance(failure, HTTPError) else ConnectTimeoutError(self, str(failure))

    def send(self, data: Any) -> None:  # noqa: ANN401 - as in http.client
        if self.sock is None:
            self.connect()
        _limit(self.sock)
        super().send(data)


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class HTTPPool(HTTPConnectionPool):
    """Connections to a host; error messages contain this name."""

    ConnectionCls = _Connection


class HTTPSPool(HTTPSConnectionPool):
    """Connections to a host over TLS; likewise."""

    ConnectionCls = _TLSConnection
