"""mock_ionq as a decorator of functions and of classes."""

from __future__ import annotations

import functools
import inspect
import unittest
from typing import TYPE_CHECKING, Any, TypeVar

from ionq_toolkit_fake.intercept.scope import interception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ionq_toolkit_fake.intercept.scope import Scope, Settings

C = TypeVar("C", bound=type)

#: Attributes: the settings of a class, those of an instance or class with its cloud, and the mark
#: of a wrapper.
_SETTINGS, _HELD, _MARK = "_mock_ionq_settings", "_mock_ionq_held", "_mock_ionq"

#: Methods that unittest and pytest call once a class, and those that pytest may pass the test to.
_ONCE_A_CLASS = frozenset({"setUpClass", "setup_class", "tearDownClass", "teardown_class"})
_WITH_THE_TEST = frozenset({"setup_method", "teardown_method"})


def yields(function: Callable[..., Any]) -> bool:
    """Return whether a call only makes a generator, whose body runs later."""
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def decorate(function: Callable[..., Any], scope_of: Callable[..., Scope]) -> Callable[..., Any]:
    """Return a function that runs in the scope that `scope_of` returns for its arguments."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def asynchronous(*args: object, **kwargs: object) -> object:
            with interception.inside(scope_of(*args)):
                return await function(*args, **kwargs)

        return asynchronous

    @functools.wraps(function)
    def plain(*args: object, **kwargs: object) -> object:
        scope = scope_of(*args)
        with interception.inside(scope):
            found = function(*args, **kwargs)
        if inspect.isgenerator(found) or inspect.isasyncgen(found):
            raise not_decorated(function)
        return _finish(found, scope) if inspect.iscoroutine(found) else found

    return plain


async def _finish(coroutine: Any, scope: Scope) -> object:  # noqa: ANN401
    """Await the coroutine that a plain function returned, in its scope."""
    with interception.inside(scope):
        return await coroutine


def not_decorated(target: object) -> TypeError:
    """Return the error for a target whose body would run outside of the scope."""
    return TypeError(
        f"mock_ionq decorates functions, coroutine functions and classes, not {target!r}. "
        "In a fixture, use `with mock_ionq() as cloud:`."
    )


def decorate_class(cls: C, settings: Settings) -> C:
    """Change a class so that its tests run in scopes, with one cloud for each instance.

    A `TestCase`, or a class derived from it, runs each test with its set-up and clean-ups in one
    scope. Each method is wrapped as well: asyncio runs those of a `TestCase` in another context.
    """
    setattr(cls, _SETTINGS, settings)
    for name, value in list(_members(cls)):
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if inspect.isclass(value) and value.__qualname__ == f"{cls.__qualname__}.{name}":
            decorate_class(value, settings)  # a class of tests within this one
        elif inspect.isfunction(function) and not yields(function) and not hasattr(function, _MARK):
            wrapper = _wrapper(name, function, settings, bound=function is value)
            if wrapper is not None:
                setattr(wrapper, _MARK, True)
                setattr(cls, name, wrapper if function is value else type(value)(wrapper))
    return cls


def _members(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the members of a class, also inherited ones, that may be wrapped."""
    bases = [base for base in reversed(cls.__mro__) if base.__module__ != "builtins"]
    own = [base for base in bases if base.__module__.partition(".")[0] != "unittest"]
    found = {name: value for base in own for name, value in vars(base).items()}
    if issubclass(cls, unittest.TestCase):
        found |= {"run": cls.run, "debug": cls.debug}  # each runs a whole test
    yield from ((name, value) for name, value in found.items() if not name.startswith("__"))


def _wrapper(
    name: str, function: Callable[..., Any], settings: Settings, *, bound: bool
) -> Callable[..., Any] | None:
    """Return the wrapper of a member of a class, if it needs one."""
    if name in _ONCE_A_CLASS:
        begins = name.lower().startswith("setup")
        hook = decorate(function, lambda cls: _class_scope(cls, begins=begins))

        @functools.wraps(function)
        def once(cls: type) -> object:  # pytest counts the parameters
            return hook(cls)

        return once
    if not bound:
        is_test = name.lower().startswith("test")
        return decorate(function, lambda *_: settings.scope()) if is_test else None
    if function.__module__.startswith("unittest."):
        return decorate(function, _new_scope)
    wrapper = decorate(function, _scope)
    if name not in _WITH_THE_TEST:
        return wrapper
    count = len(inspect.signature(function).parameters)
    return functools.wraps(function)(lambda self, test: wrapper(*(self, test)[:count]))


def _class_scope(cls: type, *, begins: bool) -> Scope:
    """Return the scope of a class, which all of its tests share."""
    held: Settings | None = vars(cls).get(_HELD)
    # A set-up that calls that of its base class goes on with the same cloud.
    entered = [scope.cloud for scope in interception.entered()]
    if held is None or (begins and held.cloud not in entered):
        held = getattr(cls, _SETTINGS).with_cloud()
        setattr(cls, _HELD, held)
    return held.scope()


def _new_scope(test: object, *_: object) -> Scope:
    """Return the scope of a test that unittest is about to run."""
    vars(test).pop(_HELD, None)
    return _scope(test)


def _scope(instance: object, *_: object) -> Scope:
    """Return the scope of an instance, or of its class if that has one."""
    held: Settings | None = vars(instance).get(_HELD) or vars(type(instance)).get(_HELD)
    if held is None:
        held = vars(instance)[_HELD] = getattr(type(instance), _SETTINGS).with_cloud()
    return held.scope()
