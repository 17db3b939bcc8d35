"""Scopes: the time, the threads and tasks, and the hosts that a cloud answers for."""

from __future__ import annotations

import contextlib
import contextvars
import inspect
from dataclasses import dataclass, field, replace
from threading import get_ident
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from ionq_toolkit_fake import control
from ionq_toolkit_fake.api.request import without_secret
from ionq_toolkit_fake.clock import VirtualClock
from ionq_toolkit_fake.cloud import FakeIonQ
from ionq_toolkit_fake.faults.exchange import CutShort
from ionq_toolkit_fake.forks import ForkLock
from ionq_toolkit_fake.intercept.keys import DEFAULT, FAKE_KEY, held_keys, key_of
from ionq_toolkit_fake.intercept.polls import Polls
from ionq_toolkit_fake.intercept.unanswered import UnansweredRequest, is_operation, nearest
from ionq_toolkit_fake.validation import unknown

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterable, Iterator, Mapping

    from ionq_toolkit_fake.api.responses import Response
    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.intercept.patching import Installable

#: The hosts of IonQ are below this name.
_IONQ = "ionq.co"
PORTS = {"http": 80, "https": 443}
_NOT_FOUND = 404

#: Sleeping moves the clock of the cloud, if that is virtual, or takes real time. If it is exact, it
#: always moves it by the seconds of the sleep.
Sleep = Literal["virtual", "exact", "real"]


#: The seconds that clients have slept on each clock.
_slept: WeakKeyDictionary[Clock, float] = WeakKeyDictionary()
_slept_lock = ForkLock()


class Hosts:
    """The hosts whose requests are answered: IonQ's, on any port, and those that are named."""

    def __init__(self, named: str | Iterable[str] = ()) -> None:
        """Take names of hosts, with or without a port, or whole base URLs."""
        names = [named] if isinstance(named, str) else named
        self._hosts = set(map(_host_and_port, names))

    def cover(self, host: str, port: int | None) -> bool:
        """Return whether a host, in any spelling, is among them."""
        host = host.lower().rstrip(".")
        if host == _IONQ or host.endswith(f".{_IONQ}"):
            return True
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
    """One entered ``with``, or one call of something decorated.

    Attributes:
        cloud: The cloud that answers.
        hosts: The hosts that it answers for.
        key: The API key that the environment has meanwhile; None: the environment stays as it is.
        thread: The thread that is in the scope with all of its tasks; None: only the context that
            entered it is.
    """

    def __init__(self, cloud: FakeIonQ, settings: Settings) -> None:
        self.cloud, self.hosts, self._strict = cloud, settings.hosts, settings.strict
        self.key, self._sleep = settings.key, settings.sleep
        self.thread = get_ident() if settings.ambient else None
        self._virtual = isinstance(cloud.clock, VirtualClock)
        self._began_s = _slept.get(cloud.clock, 0.0) if self._virtual else 0.0
        self._polls = Polls(cloud)

    @property
    def sleeps(self) -> bool:
        """Whether sleeping moves the clock of the cloud."""
        return self._virtual and self._sleep != "real"

    def sleep(self, seconds: float) -> None:
        """Move the clock of the cloud as a client that sleeps for so long."""
        self.move(self.stretched(seconds))

    def move(self, seconds: float) -> None:
        """Move the clock of the cloud, for a client that sleeps."""
        clock = self.cloud.clock
        self.cloud.client_clock.sleep(seconds)
        with _slept_lock:
            _slept[clock] = _slept.get(clock, 0.0) + seconds

    def stretched(self, seconds: float) -> float:
        """Return for how long a client sleeps: longer than it asked if it polls without end."""
        return seconds if self._sleep == "exact" else self._polls.stretched(seconds)

    def passed(self) -> float:
        """Return the seconds that clients have slept since the scope began.

        Controls and faults move the clock too, within a request, whose timeout must not see that.
        """
        return _slept.get(self.cloud.clock, 0.0) - self._began_s

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
        if self._virtual:
            self._polls.saw(method, path, response)
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
    hosts: Hosts = field(default_factory=Hosts)
    strict: bool = True
    key: str | None = field(default=DEFAULT, repr=False)
    sleep: Sleep = "virtual"
    ambient: bool = False

    def __post_init__(self) -> None:
        if self.cloud is not None and self.options:
            raise TypeError("give mock_ionq a cloud, or the options of a new one, not both")
        inspect.signature(FakeIonQ).bind(**self.options)
        if self.sleep not in get_args(Sleep):
            raise unknown("sleep", self.sleep, get_args(Sleep))
        object.__setattr__(self, "key", key_of(self.key, self.options.get("keys")))

    def with_cloud(self) -> Settings:
        """Return settings whose scopes have one cloud in common."""
        if self.cloud is not None:
            return self
        return replace(self, cloud=FakeIonQ(**self.options), options={})

    def scope(self, cloud: FakeIonQ | None = None) -> Scope:
        """Return a new scope, of a given cloud or else of its own."""
        return Scope(cloud or self.cloud or FakeIonQ(**self.options), self)


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

    Attributes:
        seen: The clouds of the scopes that were entered last, for the report of a test; None: they
            are not kept.
    """

    def __init__(self) -> None:
        self._active: tuple[Scope, ...] = ()
        self._lock = ForkLock()
        self._patches: list[Installable] = []
        self._refusals: tuple[str, ...] = ()
        self.seen: deque[FakeIonQ] | None = None

    def register(self, patches: Iterable[Installable]) -> None:
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

    @contextlib.contextmanager
    def refusing(self, reason: str) -> Iterator[None]:
        """Refuse requests to IonQ that no scope answers, for a reason."""
        with self._lock:
            self._refusals = (*self._refusals, reason)
            self._install()
        try:
            yield
        finally:
            with self._lock:
                self._refusals = self._refusals[:-1]
                self._remove()

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Hold the fake key in the environment."""
        owner = object()
        with self._lock:
            held_keys.hold(owner, FAKE_KEY)
        try:
            yield
        finally:
            with self._lock:
                held_keys.release(owner)

    def enter(self, scope: Scope) -> None:
        """Begin a scope."""
        with self._lock:
            self._active = (*self._active, scope)
            self._install()
            if scope.key is not None:
                held_keys.hold(scope, scope.key)
            if self.seen is not None and scope.cloud not in self.seen:
                self.seen.append(scope.cloud)
        _entered.set((*_entered.get(), scope))

    def leave(self, scope: Scope) -> None:
        """End a scope; the last one takes the patches away."""
        _entered.set(_without(_entered.get(), scope))
        with self._lock:
            self._active = _without(self._active, scope)
            held_keys.release(scope)
            self._remove()

    def _install(self) -> None:
        for patch in self._patches:
            patch.install()

    def _remove(self) -> None:
        if not self._active and not self._refusals:
            for patch in self._patches:
                patch.remove()

    def entered(self) -> tuple[Scope, ...]:
        """Return the active scopes that this thread or task has entered, outermost first."""
        active = self._active
        return tuple(scope for scope in _entered.get() if scope in active)

    def covers(self, host: str, port: int | None) -> bool:
        """Return whether no request to a host may leave the process."""
        refused = self._refusals and _IONQS.cover(host, port)
        return bool(refused) or self.answers(host, port)

    def answers(self, host: str, port: int | None) -> bool:
        """Return whether a scope answers for a host."""
        return any(scope.hosts.cover(host, port) for scope in self._active)

    def sleeping(self) -> Scope | None:
        """Return the scope whose clock moves when this thread or task sleeps, or None."""
        active = self._active
        if not active:
            return None
        own = [scope for scope in _entered.get() if scope in active]
        if not own:
            thread = get_ident()
            own = [scope for scope in active if scope.thread == thread]
        return own[-1] if own and own[-1].sleeps else None

    def scope_of(self, host: str, port: int | None) -> Scope | None:
        """Return the scope that answers for a host, or None if it is left alone."""
        active = [scope for scope in self._active if scope.hosts.cover(host, port)]
        own = [scope for scope in _entered.get() if scope in active]
        # A thread does not inherit the scopes of the thread that started it.
        explicit = [scope for scope in active if scope.thread is None]
        candidates = own[-1:] or explicit or active
        if len({id(scope.cloud) for scope in candidates}) > 1:
            raise UnansweredRequest(
                "This thread or task has entered no mock_ionq, and several are active, so it is "
                f"not clear which cloud should answer for {host}. "
                "Enter mock_ionq in the thread itself."
            )
        if not candidates and self._refusals and _IONQS.cover(host, port):
            raise UnansweredRequest(f"A request to {host} was stopped: {self._refusals[-1]}")
        return candidates[-1] if candidates else None


def _without(scopes: tuple[Scope, ...], left: Scope) -> tuple[Scope, ...]:
    return tuple(scope for scope in scopes if scope is not left)


_IONQS = Hosts()
interception = Interception()
