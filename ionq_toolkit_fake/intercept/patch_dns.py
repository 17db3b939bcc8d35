"""The patches of DNS and tunnels: what is not intercepted cannot connect to a mocked IonQ."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.intercept.patching import Patch
from ionq_toolkit_fake.intercept.scope import interception
from ionq_toolkit_fake.intercept.unanswered import UnansweredRequest

if TYPE_CHECKING:
    from collections.abc import Callable


def patches() -> list[Patch]:
    """Return the patch that stops connections of Python's own sockets to IonQ."""
    return [
        Patch(socket, "getaddrinfo", _guarded),
        Patch(http.client.HTTPConnection, "set_tunnel", _without_tunnel),
    ]


def _guarded(getaddrinfo: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: object, port: object, *args: object, **options: object) -> object:
        name = host.decode("latin-1") if isinstance(host, bytes) else host
        if isinstance(name, str):
            _check(name, _number(port))
        return getaddrinfo(host, port, *args, **options)

    return guarded


def _without_tunnel(set_tunnel: Callable[..., Any]) -> Callable[..., Any]:
    def checking(
        connection: object, host: str, port: object = None, *args: object, **options: object
    ) -> object:
        _check(host.partition(":")[0], _number(port))
        return set_tunnel(connection, host, port, *args, **options)

    return checking


def _check(name: str, port: int | None) -> None:
    """Let nothing connect to a host that is answered for.

    Raises:
        UnansweredRequest: It is one.
    """
    if interception.covers(name, port):
        interception.scope_of(name, port)  # raises where it says more than we do
        raise UnansweredRequest(
            f"Something was about to connect to {name} while mock_ionq is active, by a library "
            "that it does not intercept (it does requests, urllib3 and httpx). Let a FakeServer "
            "answer it: `with FakeServer() as server:` and the client's base URL server.url."
        )


def _number(port: object) -> int | None:
    try:
        return int(port)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return None  # unset, or the name of a service
