"""mock_ionq: requests to api.ionq.co are answered in this process."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from ionq_toolkit_fake.cloud import FakeIonQ
from ionq_toolkit_fake.intercept import classes, decorators
from ionq_toolkit_fake.intercept.scope import Hosts, Settings, interception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ionq_toolkit_fake.intercept.scope import Scope

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)


@overload
def mock_ionq(target: C, /) -> C: ...
@overload
def mock_ionq(target: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def mock_ionq(
    target: FakeIonQ | None = None,
    /,
    *,
    hosts: str | Iterable[str] = (),
    strict: bool = True,
    **options: Any,  # noqa: ANN401 - as FakeIonQ has them
) -> _Mock: ...


def mock_ionq(
    target: Any = None,
    /,
    *,
    hosts: str | Iterable[str] = (),
    strict: bool = True,
    **options: Any,
) -> Any:
    """Answer every request that this process sends to api.ionq.co with a fake cloud.

    What `requests`, urllib3 and httpx send, whatever client uses them, is answered; no key is
    needed but the client's own. What another library sends is stopped before it looks up the host.
    Requests to other hosts pass. Clients in C or in other processes are out of reach.

    Each call of a decorated function, each test of a decorated class, and each ``with``, has a
    new cloud, unless one is given. They may be nested, and overlap in threads and tasks: a
    request is answered by the innermost one of the thread or task that sends it; that of a
    thread which entered none, by the only cloud there is.

    ::

        @mock_ionq
        def test_one(): ...

        @mock_ionq(seed=7, transitions="predicted")
        class TestSeveral: ...

        with mock_ionq() as cloud:  # or `async with`
            ...

    A test of a class has its cloud from ``setUp`` or ``setup_method`` to the last of its cleanups;
    where there is a ``setUpClass`` or ``setup_class``, all tests of the class share that of it.
    Classes derived from a decorated one are decorated. Fixtures and generators in a class are
    not.

    Args:
        target: The function or class to decorate, or the cloud to answer with.
        hosts: Further hosts that are answered for: names, with or without a port, or base URLs.
        strict: Whether a path that is no operation's raises `UnansweredRequest`; otherwise it
            is answered with 404, as IonQ does.
        options: What `FakeIonQ` takes, for the new clouds.

    Raises:
        TypeError: What is decorated is neither a function, a coroutine function nor a class,
            or `FakeIonQ` does not take the options.
        ValueError: One of the hosts is none.
    """
    cloud = target if isinstance(target, FakeIonQ) else None
    mock = _Mock(Settings(cloud, options, Hosts(hosts), strict))
    return mock if target is None or cloud is not None else mock(target)


class _Mock(
    contextlib.AbstractContextManager[FakeIonQ], contextlib.AbstractAsyncContextManager[FakeIonQ]
):
    """What `mock_ionq` returns: a context manager that is a decorator as well."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._scopes: list[Scope] = []

    def __enter__(self) -> FakeIonQ:
        scope = self._settings.scope()
        interception.enter(scope)
        self._scopes.append(scope)
        return scope.cloud

    def __exit__(self, *exc_info: object) -> None:
        # The innermost of this thread or task; a fixture may end in another than it began in.
        own = [scope for scope in interception.entered() if scope in self._scopes]
        scope = (own or self._scopes)[-1]
        self._scopes.remove(scope)
        interception.leave(scope)

    async def __aenter__(self) -> FakeIonQ:
        return self.__enter__()

    async def __aexit__(self, *exc_info: object) -> None:
        self.__exit__(*exc_info)

    @overload
    def __call__(self, target: C, /) -> C: ...
    @overload
    def __call__(self, target: Callable[P, R], /) -> Callable[P, R]: ...

    def __call__(self, target: Any, /) -> Any:
        if inspect.isclass(target):
            return classes.decorate(target, self._settings)
        if not inspect.isroutine(target) or decorators.yields(target):
            raise decorators.not_decorated(target)
        return decorators.decorate(target, self._settings)
