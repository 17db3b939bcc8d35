"""The patch of DNS: a library that is not intercepted cannot look up the host of a mocked IonQ."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.intercept.patching import Patch
from ionq_toolkit_fake.intercept.scope import interception
from ionq_toolkit_fake.intercept.unanswered import UnansweredRequest

if TYPE_CHECKING:
    from collections.abc import Callable


def patches() -> list[Patch]:
    """Return the patch that stops connections of Python's own sockets to IonQ."""
    return [Patch(socket, "getaddrinfo", _guarded)]


def _guarded(getaddrinfo: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: object, port: object, *args: object, **options: object) -> object:
        name = host.decode("latin-1") if isinstance(host, bytes) else host
        if isinstance(name, str) and interception.covers(name, _number(port)):
            interception.scope_of(name, _number(port))  # raises where it says more than we do
            raise UnansweredRequest(
                f"Something was about to connect to {name} while mock_ionq is active, by a library "
                "that it does not intercept (it does requests, urllib3 and httpx). Let a "
                "FakeServer answer it: `with FakeServer() as server:` and the client's base URL "
                "server.url."
            )
        return getaddrinfo(host, port, *args, **options)

    return guarded


def _number(port: object) -> int | None:
    try:
        return int(port)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return None  # unset, or the name of a service
