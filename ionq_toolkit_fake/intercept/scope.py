"""Scopes: the time, the threads and tasks, and the hosts that a cloud answers for."""

from __future__ import annotations

import contextlib
import contextvars
import inspect
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ionq_toolkit_fake import control
from ionq_toolkit_fake.api.request import without_secret
from ionq_toolkit_fake.cloud import FakeIonQ
from ionq_toolkit_fake.faults.exchange import CutShort
from ionq_toolkit_fake.forks import ForkLock
from ionq_toolkit_fake.intercept.unanswered import UnansweredRequest, is_operation, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ionq_toolkit_fake.api.responses import Response
    from ionq_toolkit_fake.intercept.patching import Patch

_IONQ = "api.ionq.co"
PORTS = {"http": 80, "https": 443}
_NOT_FOUND = 404


class Hosts:
    """The hosts whose requests are answered: IonQ's, on any port, and those that are named."""

    def __init__(self, named: str | Iterable[str] = ()) -> None:
        """Take names of hosts, with or without a port, or whole base URLs."""
        names = [named] if isinstance(named, str) else named
        self._hosts = {(_IONQ, None), *map(_host_and_port, names)}

    def cover(self, host: str, port: int | None) -> bool:
        """Return whether a host, in any spelling, is among them."""
        host = host.lower().rstrip(".")
        return (host, None) in self._hosts or (host, port) in self._hosts


def _host_and_port(name: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(name if "://" in name else f"//{name}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(f"{name!r} is not a host: {error}") from error
    if not host or host.strip() != host or " " in host:
        raise ValueError(
            f"{name!r} is not a host; write 'ionq.example', 'ionq.example:8443' or a base URL"
        )
    return host.rstrip("."), port or PORTS.get(parts.scheme)


def address(url: str) -> tuple[str, int | None]:
    """Return the host of a URL, and its port."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or PORTS.get(parts.scheme)


class Scope:
    """One entered ``with``, or one call of something decorated."""

    def __init__(self, cloud: FakeIonQ, hosts: Hosts, *, strict: bool) -> None:
        self.cloud, self.hosts, self._strict = cloud, hosts, strict

    def answer(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float | None,
    ) -> Response:
        """Return the cloud's response, with the Content-Length that a socket adds.

        The body is shorter than that if the connection ends before all of it has arrived.

        Args:
            method: HTTP method.
            target: Path and query, as they would be sent.
            headers: Request headers.
            body: The bytes of the body; empty if it has no body.
            timeout: Seconds that the client waits for each part of the response; None: for ever.

        Raises:
            UnansweredRequest: The API does not have the path.
            ConnectionError: As `FakeIonQ.handle`.
            TimeoutError: As `FakeIonQ.handle`.
        """
        response = control.answer(self.cloud, method, target, body)
        if response is not None:
            return _with_length(response, len(response.body))
        try:
            response = self.cloud.handle(
                method, target, headers, body or None, timeout, in_parts=True
            )
        except ConnectionError as error:
            cut = error.__cause__
            if not isinstance(cut, CutShort):
                raise
            return _with_length(cut.response._replace(body=cut.partial), len(cut.response.body))
        path = target.partition("?")[0]
        if self._strict and response.status == _NOT_FOUND and not is_operation(path):
            path = without_secret(path, _credential(headers))
            near = "\n".join(f"  {operation}" for operation in nearest(method, path))
            raise UnansweredRequest(
                f"{method} {path} is no operation of IonQ's API that the fake has. Near:\n{near}\n"
                "To have it answered with 404, as IonQ does: mock_ionq(strict=False)."
            )
        return _with_length(response, len(response.body))


def _with_length(response: Response, length: int) -> Response:
    if any(name.lower() == "content-length" for name in response.headers):
        return response
    return response._replace(headers={**response.headers, "content-length": str(length)})


@dataclass(frozen=True)
class Settings:
    """The settings of a scope: a cloud, or the options of a new one."""

    cloud: FakeIonQ | None
    options: Mapping[str, Any] = field(repr=False)  # there may be keys in it
    hosts: Hosts
    strict: bool

    def __post_init__(self) -> None:
        if self.cloud is not None and self.options:
            raise TypeError("give mock_ionq a cloud, or the options of a new one, not both")
        inspect.signature(FakeIonQ).bind(**self.options)

    def with_cloud(self) -> Settings:
        """Return settings whose scopes have one cloud in common."""
        if self.cloud is not None:
            return self
        return replace(self, cloud=FakeIonQ(**self.options), options={})

    def scope(self) -> Scope:
        """Return a new scope."""
        return Scope(self.cloud or FakeIonQ(**self.options), self.hosts, strict=self.strict)


def _credential(headers: Mapping[str, str]) -> str | None:
    fields = {name.lower(): value for name, value in headers.items()}
    return fields.get("authorization", "").rpartition(" ")[2] or None


#: The scopes entered by the running thread or task, outermost first.
_entered: contextvars.ContextVar[tuple[Scope, ...]] = contextvars.ContextVar(
    "mock_ionq_scopes", default=()
)


class Interception:
    """The one set of patches in this process, in place for as long as any scope is active.

    Scopes may overlap in any order, in threads and tasks; each request is answered by
    the innermost scope of the thread or task that sends it.
    """

    def __init__(self) -> None:
        self._active: tuple[Scope, ...] = ()
        self._lock = ForkLock()
        self._patches: list[Patch] = []

    def register(self, patches: Iterable[Patch]) -> None:
        """Add patches, which are in place for as long as any scope is active."""
        self._patches.extend(patches)

    @contextlib.contextmanager
    def inside(self, scope: Scope) -> Iterator[None]:
        """Be in a scope."""
        self.enter(scope)
        try:
            yield
        finally:
            self.leave(scope)

    def enter(self, scope: Scope) -> None:
        """Begin a scope."""
        with self._lock:
            for patch in self._patches:
                patch.install()
            self._active = (*self._active, scope)
        _entered.set((*_entered.get(), scope))

    def leave(self, scope: Scope) -> None:
        """End a scope; the last one takes the patches away."""
        _entered.set(_without(_entered.get(), scope))
        with self._lock:
            self._active = _without(self._active, scope)
            if not self._active:
                for patch in self._patches:
                    patch.remove()

    def entered(self) -> tuple[Scope, ...]:
        """Return the active scopes that this thread or task has entered, outermost first."""
        active = self._active
        return tuple(scope for scope in _entered.get() if scope in active)

    def covers(self, host: str, port: int | None) -> bool:
        """Return whether a scope answers for a host: no request to it may leave the process."""
        return any(scope.hosts.cover(host, port) for scope in self._active)

    def scope_of(self, host: str, port: int | None) -> Scope | None:
        """Return the scope that answers for a host, or None if it is left alone."""
        active = [scope for scope in self._active if scope.hosts.cover(host, port)]
        own = [scope for scope in _entered.get() if scope in active]
        # A thread does not inherit the scopes of the thread that started it.
        candidates = own[-1:] or active
        if len({id(scope.cloud) for scope in candidates}) > 1:
            raise UnansweredRequest(
                "This thread or task has entered no mock_ionq, and several are active, so it is "
                f"not clear which cloud should answer for {host}. "
                "Enter mock_ionq in the thread itself."
            )
        return candidates[-1] if candidates else None


def _without(scopes: tuple[Scope, ...], left: Scope) -> tuple[Scope, ...]:
    return tuple(scope for scope in scopes if scope is not left)


interception = Interception()
