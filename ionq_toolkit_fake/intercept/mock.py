"""mock_ionq: a fake cloud answers the requests of this process to api.ionq.co."""

from __future__ import annotations

import contextlib
import inspect
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from ionq_toolkit_fake.cloud import FakeIonQ
from ionq_toolkit_fake.intercept import decorators, patch_dns, patch_urllib3, sleeping
from ionq_toolkit_fake.intercept.keys import DEFAULT, held_keys
from ionq_toolkit_fake.intercept.patch_aiohttp import AiohttpPatch
from ionq_toolkit_fake.intercept.scope import Hosts, Settings, interception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ionq_toolkit_fake.intercept.scope import Scope, Sleep

interception.register([*patch_urllib3.patches(), *patch_dns.patches()])
_AIOHTTP = AiohttpPatch()
interception.register([*sleeping.patches(), *held_keys.patches(), _AIOHTTP])
if find_spec("httpx") is not None:
    from ionq_toolkit_fake.intercept import patch_httpx

    interception.register(patch_httpx.patches())

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
    key: str | None = DEFAULT,
    sleep: Sleep = "virtual",
    **options: Any,  # noqa: ANN401 - as FakeIonQ has them
) -> _Mock: ...


def mock_ionq(
    target: Any = None,
    /,
    *,
    hosts: str | Iterable[str] = (),
    strict: bool = True,
    key: str | None = DEFAULT,
    sleep: Sleep = "virtual",
    **options: Any,
) -> Any:
    """Answer every request that this process sends to api.ionq.co with a fake cloud.

    Requests of `requests`, urllib3 and httpx, and of all clients that use them, are answered. A
    request of another library is stopped before it looks up the host. Requests to other hosts
    pass. Clients in C or in other processes are out of reach. The controls of the cloud are below
    ``https://api.ionq.co/_fake``.

    No API key is needed: the environment has a fake one, and a real one never reaches a test.
    Sleeping takes no time: it moves the clock of the cloud. If hundreds of polls find neither a
    change nor that the clock has moved, a `StandstillError` ends the test.

    Each call of a decorated function, each test of a decorated class, and each ``with`` has a
    new cloud, unless one is given. They may be nested, and overlap in threads and tasks: the
    innermost one of the thread or task that sends a request answers it; if the thread has entered
    none, the only active one does.

    ::

        @mock_ionq
        def test_one(): ...

        @mock_ionq(seed=7, transitions="predicted")
        class TestSeveral: ...

        with mock_ionq() as cloud:  # or `async with`
            ...

        mock = mock_ionq()  # in a `setUp`, with `self.addCleanup(mock.stop)`
        cloud = mock.start()
        mock.stop()

    A test of a class has its cloud from ``setUp`` or ``setup_method`` to the last of its cleanups;
    if the class has a ``setUpClass`` or ``setup_class``, all of its tests share one cloud. The
    ``__init__`` of a `unittest.TestCase` runs before the test, with another cloud; that of any
    other class has the cloud of the instance. Each instance has its cloud as `self.ionq_cloud`,
    and a class with a set-up of its own as `cls.ionq_cloud`. A class derived from a decorated one
    is decorated as well, with the same settings; so is a class within it that is a
    `unittest.TestCase` or whose name begins with ``test``, in any case. Fixtures and generators are
    not decorated.

    Args:
        target: The function or class to decorate, or the cloud to answer with.
        hosts: Further hosts that are answered for: names, with or without a port, or base URLs.
        strict: Whether a request for an unknown path raises `UnansweredRequest`; otherwise it
            gets 404, as from IonQ.
        key: The API key that all clients find in the environment meanwhile, in each variable that
            one of them reads; variables with another base URL are unset. By default the first of
            `keys`, or a fake one; for a cloud of your own that has keys, give one of them. None:
            the environment stays as it is.
        sleep: `"virtual"`: if the clock of the cloud is virtual, sleeping moves it, at once, and
            `time.time` and `time.monotonic` count it. This holds for `time.sleep`,
            `asyncio.sleep`, `anyio.sleep` and timeouts of `threading.Event.wait` in the threads and
            tasks that have entered the scope, but not in the standard library and in test runners.
            After 400 polls without a change, a sleep of a second or less lasts until the next
            change: so do an hour's polls of pennylane-ionq, one every 10 ms, take no minutes.
            `"exact"`: it never lasts longer than the client asked for, as a test needs of a client
            that counts its own sleeps. `"real"`: sleeping takes real time.
        options: The arguments of `FakeIonQ`, for the new clouds.

    Raises:
        TypeError: The target is not a function, a coroutine function or a class, or `FakeIonQ`
            does not take the options.
        ValueError: One of the hosts is not a host, or `key` or `sleep` is not valid.
    """
    cloud = target if isinstance(target, FakeIonQ) else None
    mock = _Mock(Settings(cloud, options, Hosts(hosts), strict, key, sleep))
    return mock if target is None or cloud is not None else mock(target)


class _Mock(
    contextlib.AbstractContextManager[FakeIonQ], contextlib.AbstractAsyncContextManager[FakeIonQ]
):
    """The context manager and decorator that `mock_ionq` returns."""

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

    def start(self) -> FakeIonQ:
        """Begin a scope for this thread and all of its tasks, and return its cloud."""
        scope = replace(self._settings, ambient=True).scope()
        interception.enter(scope)
        self._scopes.append(scope)
        return scope.cloud

    def stop(self) -> None:
        """End the scope that `start` began; one that was ended, or not begun, is no error."""
        if self._scopes:
            self.__exit__()

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
            return decorators.decorate_class(target, self._settings)
        if not inspect.isroutine(target) or decorators.yields(target):
            raise decorators.not_decorated(target)
        return decorators.decorate(target, lambda *_: self._settings.scope(), of_class=False)
