"""mock_ionq on a function: what it does, now or when it is awaited, is done in a scope."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.intercept.scope import interception

if TYPE_CHECKING:
    from collections.abc import Callable

    from ionq_toolkit_fake.intercept.scope import Scope, Settings


def yields(function: Callable[..., Any]) -> bool:
    """Return whether what is called only makes a generator, and its body runs later."""
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def decorate(function: Callable[..., Any], settings: Settings) -> Callable[..., Any]:
    """Return a function, each call of which is in a scope of its own."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def asynchronous(*args: object, **kwargs: object) -> object:
            with interception.inside(settings.scope()):
                return await function(*args, **kwargs)

        return asynchronous

    @functools.wraps(function)
    def plain(*args: object, **kwargs: object) -> object:
        scope = settings.scope()
        with interception.inside(scope):
            found = function(*args, **kwargs)
        if inspect.isgenerator(found) or inspect.isasyncgen(found):
            raise not_decorated(function)
        return _finish(found, scope) if inspect.iscoroutine(found) else found

    return plain


async def _finish(coroutine: Any, scope: Scope) -> object:  # noqa: ANN401
    """Await what a plain function has returned, where its requests are answered."""
    with interception.inside(scope):
        return await coroutine


def not_decorated(target: object) -> TypeError:
    """Return the error for what makes something whose body would run outside, unnoticed."""
    return TypeError(
        f"mock_ionq decorates functions, coroutine functions and classes, not {target!r}. "
        "In a fixture, use `with mock_ionq() as cloud:`."
    )
