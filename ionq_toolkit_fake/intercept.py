"""mock_ionq: requests to api.ionq.co are answered in this process."""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from ionq_toolkit_fake.cloud import FakeIonQ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from requests import PreparedRequest

P = ParamSpec("P")
R = TypeVar("R")

_IONQ = re.compile(r"^https?://api\.ionq\.co(:\d+)?(/|$)", re.IGNORECASE)
_ANYTHING_ELSE = re.compile(rf"(?!{_IONQ.pattern})", re.IGNORECASE)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


@overload
def mock_ionq(target: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def mock_ionq(target: FakeIonQ | None = None, /) -> _Mock: ...


def mock_ionq(target: Callable[P, R] | FakeIonQ | None = None, /) -> Callable[P, R] | _Mock:
    """Answer every request that the `requests` library sends to api.ionq.co with a fake cloud.

    Whatever client sends it, no key is needed but the client's own, and nothing leaves the
    process. Requests to other hosts pass. Each call of a decorated function, and each
    ``with``, has a new cloud, unless one is given.

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
        self._active: list[AbstractContextManager[FakeIonQ]] = []

    def __enter__(self) -> FakeIonQ:
        scope = _intercepted(self._cloud or FakeIonQ())
        cloud = scope.__enter__()
        self._active.append(scope)
        return cloud

    def __exit__(self, *exc_info: Any) -> None:  # noqa: ANN401 - three, passed on
        self._active.pop().__exit__(*exc_info)

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
            with _intercepted(self._cloud or FakeIonQ()):
                return function(*args, **kwargs)

        return plain

    def _asynchronous(self, function: Callable[P, Any]) -> Callable[P, Any]:
        @functools.wraps(function)
        async def asynchronous(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - the function's own
            with _intercepted(self._cloud or FakeIonQ()):
                return await function(*args, **kwargs)

        return asynchronous


def _yields(function: Callable[..., Any]) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


@contextlib.contextmanager
def _intercepted(cloud: FakeIonQ) -> Iterator[FakeIonQ]:
    import requests  # noqa: PLC0415 - the cloud itself needs neither
    import responses  # noqa: PLC0415

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        body = request.body
        if isinstance(body, str):
            body = body.encode()
        try:
            return cloud.handle(
                request.method or "GET", request.url or "/", dict(request.headers), body
            )
        except TimeoutError as error:
            raise requests.ReadTimeout(str(error), request=request) from error
        except ConnectionError as error:
            raise requests.ConnectionError(str(error), request=request) from error

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in _METHODS:
            mock.add_callback(method, _IONQ, callback=answer, content_type=None)
        mock.add_passthru(_ANYTHING_ELSE)
        yield cloud
