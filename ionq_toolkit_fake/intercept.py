"""mock_ionq: requests to api.ionq.co are answered in this process."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
import re
import threading
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from ionq_toolkit_fake.cloud import FakeIonQ

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import PreparedRequest
    from responses import RequestsMock

P = ParamSpec("P")
R = TypeVar("R")

_IONQ = re.compile(r"^https?://([^/?#]*@)?api\.ionq\.co\.?(:\d*)?([/?#]|$)", re.IGNORECASE)
_ANYTHING_ELSE = re.compile(rf"(?!{_IONQ.pattern})", re.IGNORECASE)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT")


@overload
def mock_ionq(target: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def mock_ionq(target: FakeIonQ | None = None, /) -> _Mock: ...


def mock_ionq(target: Callable[P, R] | FakeIonQ | None = None, /) -> Callable[P, R] | _Mock:
    """Answer every request that the `requests` library sends to api.ionq.co with a fake cloud.

    Whatever client sends it, no key is needed but the client's own, and nothing leaves the
    process. Requests to other hosts pass. Each call of a decorated function, and each
    ``with``, has a new cloud, unless one is given. They may be nested, and overlap in
    threads and tasks: a request is answered by the innermost one of the thread or task that
    sends it; that of a thread which entered none, by the only one there is.

    ::

        @mock_ionq
        def test_one(): ...

        @mock_ionq(FakeIonQ(seed=7))
        def test_two(): ...

        with mock_ionq() as cloud:
            ...

    Args:
        target: The function to decorate, plain or ``async``, or the cloud to answer with.

    Raises:
        TypeError: What is decorated is neither a function nor a coroutine function.
    """
    if target is None or isinstance(target, FakeIonQ):
        return _Mock(target)
    return _Mock(None)(target)


class _Mock(contextlib.AbstractContextManager[FakeIonQ]):
    """What `mock_ionq` returns: a context manager that is a decorator as well."""

    def __init__(self, cloud: FakeIonQ | None) -> None:
        self._cloud = cloud
        self._scopes: list[_Scope] = []

    def __enter__(self) -> FakeIonQ:
        scope = _Scope(self._cloud or FakeIonQ())
        _interception.enter(scope)
        self._scopes.append(scope)
        return scope.cloud

    def __exit__(self, *exc_info: object) -> None:
        # The innermost of this thread or task; a fixture may end in another than it began in.
        own = [scope for scope in _entered.get() if scope in self._scopes]
        scope = (own or self._scopes)[-1]
        self._scopes.remove(scope)
        _interception.leave(scope)

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        if inspect.iscoroutinefunction(function):
            return self._asynchronous(function)
        if not inspect.isroutine(function) or _yields(function):
            # Its body would run outside of the interception, unnoticed.
            raise TypeError(
                f"mock_ionq decorates functions and coroutine functions, not {function!r}. "
                "In a fixture or a class, use `with mock_ionq() as cloud:`."
            )
        return self._plain(function)

    def _plain(self, function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def plain(*args: P.args, **kwargs: P.kwargs) -> R:
            with _Mock(self._cloud):
                return function(*args, **kwargs)

        return plain

    def _asynchronous(self, function: Callable[P, Any]) -> Callable[P, Any]:
        @functools.wraps(function)
        async def asynchronous(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - the function's own
            with _Mock(self._cloud):
                return await function(*args, **kwargs)

        return asynchronous


def _yields(function: Callable[..., Any]) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


class _Scope:
    """One entered ``with``, or one call of a decorated function."""

    def __init__(self, cloud: FakeIonQ) -> None:
        self.cloud = cloud


#: The scopes entered by the running thread or task, outermost first.
_entered: contextvars.ContextVar[tuple[_Scope, ...]] = contextvars.ContextVar(
    "mock_ionq_scopes", default=()
)


class _Interception:
    """The one patch of `requests` in this process, for as long as any scope is active.

    Scopes may overlap in any order, in threads and tasks; each request is answered by
    the innermost scope of the thread or task that sends it.
    """

    def __init__(self) -> None:
        self._active: list[_Scope] = []
        self._lock = threading.Lock()
        self._mock: RequestsMock | None = None

    def enter(self, scope: _Scope) -> None:
        """Begin a scope."""
        with self._lock:
            self._active.append(scope)
            if self._mock is None:
                self._mock = self._patched()
        _entered.set((*_entered.get(), scope))

    def leave(self, scope: _Scope) -> None:
        """End a scope; the last one takes the patch away."""
        _entered.set(tuple(s for s in _entered.get() if s is not scope))
        with self._lock:
            self._active.remove(scope)
            if not self._active and self._mock is not None:
                self._mock.stop(allow_assert=False)
                self._mock = None

    def _patched(self) -> RequestsMock:
        # The cloud itself needs neither of these.
        from requests.adapters import HTTPAdapter  # noqa: PLC0415
        from responses import RequestsMock  # noqa: PLC0415

        # What passes goes to whatever is in place now, which may be a mock of the user's own.
        mock = RequestsMock(assert_all_requests_are_fired=False, real_adapter_send=HTTPAdapter.send)
        for method in _METHODS:
            mock.add_callback(method, _IONQ, callback=self._answer, content_type=None)
        mock.add_passthru(_ANYTHING_ELSE)
        mock.start()
        return mock

    def _cloud(self) -> FakeIonQ:
        with self._lock:
            own = [scope for scope in _entered.get() if scope in self._active]
            # A thread inherits no scope of whoever started it.
            candidates = own[-1:] or self._active
        clouds = {id(scope.cloud): scope.cloud for scope in candidates}
        if len(clouds) != 1:
            raise RuntimeError(
                "This thread or task has entered no mock_ionq, and several are active, so it is "
                "not clear which cloud should answer. Enter mock_ionq in the thread itself."
            )
        return clouds.popitem()[1]

    def _answer(self, request: PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        import requests  # noqa: PLC0415 - the cloud itself does not need it

        given: dict[str, Any] = dict(request.headers)
        headers = {
            name: value.decode("latin-1") if isinstance(value, bytes) else value
            for name, value in given.items()
        }
        try:
            return self._cloud().handle(
                request.method or "GET",
                request.url or "/",
                headers,
                _bytes(request.body),
                _timeout_s(request),
            )
        except TimeoutError as error:
            raise requests.ReadTimeout(str(error), request=request) from error
        except ConnectionError as error:
            raise requests.ConnectionError(str(error), request=request) from error


def _timeout_s(request: Any) -> float | None:  # noqa: ANN401 - responses adds what was passed
    """Return how long the client waits for each part of the answer, or None."""
    timeout = request.req_kwargs.get("timeout")
    if isinstance(timeout, tuple):
        timeout = timeout[1]
    return timeout if isinstance(timeout, int | float) else None


def _bytes(body: Any) -> bytes | None:  # noqa: ANN401 - whatever requests takes for a body
    if isinstance(body, str):
        return body.encode()
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, bytearray | memoryview):
        return bytes(body)
    if hasattr(body, "read"):
        return _bytes(body.read())
    return b"".join(_bytes(part) or b"" for part in body)


_interception = _Interception()
