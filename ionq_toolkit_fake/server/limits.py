"""The limits of a server: each with its number, and the option that changes it."""

from __future__ import annotations

import sys
from typing import NamedTuple

from ionq_toolkit_fake.api.responses import Refusal, Response

if sys.platform != "win32":
    import resource

#: File descriptors that connections leave to files, pipes and the listening socket.
_SPARE_DESCRIPTORS = 64

#: Seconds after which a refused client may repeat its request.
_RETRY_AFTER_S = 1


#: The option of `ionq-fake serve` that changes each limit.
OPTIONS = {
    "connections": "--max-connections",
    "requests": "--max-requests",
    "body_bytes": "--max-body-bytes",
    "path_bytes": "--max-path-bytes",
    "head_bytes": "--max-head-bytes",
    "headers": "--max-headers",
    "idle_s": "--idle-seconds",
    "head_s": "--head-seconds",
    "body_s": "--body-seconds",
    "send_s": "--send-seconds",
    "stop_s": "--stop-seconds",
}


class ServerLimits(NamedTuple):
    """How much a server takes, and how long it waits.

    Attributes:
        connections: The most connections at a time. The next client is answered by 503.
        requests: The most requests at a time that wait for the cloud. The next is answered by 503.
        body_bytes: The most bytes of request bodies at a time, of all connections together. The
            next request is answered by 503.
        path_bytes: The longest path with its query. A longer one is answered by 414.
        head_bytes: The longest request line with its headers. A longer one is answered by 400.
        headers: The most headers of a request. More are answered by 431.
        idle_s: Seconds that a connection stays open between two requests.
        head_s: Seconds from the first byte of a request to the end of its headers, then 408.
        body_s: Seconds from there to the end of its body, then 408.
        send_s: Seconds that a client may take nothing of its response, before it is disconnected.
        stop_s: Seconds that requests have to be finished when the server stops.
    """

    connections: int = 1000
    requests: int = 500
    body_bytes: int = 128 * 1024 * 1024
    path_bytes: int = 16 * 1024
    head_bytes: int = 64 * 1024
    headers: int = 100
    idle_s: float = 75.0
    head_s: float = 15.0
    body_s: float = 60.0
    send_s: float = 60.0
    stop_s: float = 10.0

    def checked(self) -> ServerLimits:
        """Return the limits, with no more connections than the process may have files.

        Raises:
            ValueError: A limit is not above 0.
        """
        for name, value in self._asdict().items():
            if not value > 0:
                raise ValueError(f"a limit of the server is above 0: {name}={value!r}")
        most = _most_descriptors()
        if most is None:
            return self
        return self._replace(
            connections=max(1, min(self.connections, max(most // 2, most - _SPARE_DESCRIPTORS)))
        )


def _most_descriptors() -> int | None:
    """Return how many files this process may have open; None: no limit is known."""
    if sys.platform == "win32":
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def too_long_path(length: int, limits: ServerLimits) -> Refusal:
    """Refuse a path that is too long."""
    return Refusal(
        414,
        "URI Too Long",
        f"The path has {length} bytes, and this server takes {limits.path_bytes}: "
        f"{_raise('path_bytes')}",
    )


def too_many_headers(count: int, limits: ServerLimits) -> Refusal:
    """Refuse a request with too many headers."""
    return Refusal(
        431,
        "Request Header Fields Too Large",
        f"The request has {count} headers, and this server takes {limits.headers}: "
        f"{_raise('headers')}",
    )


def too_long_head(limits: ServerLimits) -> Refusal:
    """Refuse a request whose line and headers are too long, so that it is not read to its end."""
    return Refusal(
        400,
        "Bad Request",
        f"The request line and the headers have more than {limits.head_bytes} bytes, which is as "
        f"many as this server takes: {_raise('head_bytes')}",
    )


def too_slow(limit: str, limits: ServerLimits) -> Refusal:
    """Refuse a request whose head or body does not arrive.

    Args:
        limit: The name of the limit, `head_s` or `body_s`.
        limits: The limits.
    """
    return Refusal(
        408,
        "Request Timeout",
        f"The {limit.removesuffix('_s')} of the request did not arrive within "
        f"{getattr(limits, limit):g} s: {_raise(limit)}",
    )


def too_many_connections(limits: ServerLimits) -> Response:
    """Refuse a client while as many others are connected as the server takes."""
    return _busy(f"{limits.connections} clients are connected", "connections")


def too_many_requests(limits: ServerLimits) -> Response:
    """Refuse a request while as many others wait as the server takes."""
    return _busy(f"{limits.requests} requests wait already", "requests")


def too_many_bytes(limits: ServerLimits) -> Response:
    """Refuse a body while the server holds as many bytes of others as it takes."""
    return _busy(f"The bodies of other requests have {limits.body_bytes} bytes", "body_bytes")


def _busy(why: str, limit: str) -> Response:
    message = f"{why}, which is as many as this server takes: repeat the request; {_raise(limit)}"
    response = Refusal(503, "Service Unavailable", message).response()
    return response._replace(headers={**response.headers, "retry-after": str(_RETRY_AFTER_S)})


def _raise(limit: str) -> str:
    """Say how to raise a limit."""
    return f"ionq-fake serve {OPTIONS[limit]} raises the limit"
