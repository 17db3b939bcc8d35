"""mock_ionq as a decorator of functions and of classes."""

from __future__ import annotations

import functools
import inspect
import unittest
from typing import TYPE_CHECKING, Any, TypeVar

from ionq_toolkit_fake.intercept.scope import interception

if TYPE_CHECKING:
    from collections.abc import Callable

    from ionq_toolkit_fake.intercept.scope import Scope, Settings

C = TypeVar("C", bound=type)

#: Attributes: the settings of a class, those with the cloud of an instance or class, and a mark.
_SETTINGS, _HELD, _MARK = "_mock_ionq_settings", "_mock_ionq_held", "_mock_ionq"

#: The attribute of an instance or class by which its tests find their cloud.
_CLOUD = "ionq_cloud"

#: Methods that unittest and pytest call once a class, and those that pytest may pass the test to.
_ONCE_A_CLASS = frozenset({"setUpClass", "setup_class", "tearDownClass", "teardown_class"})
_WITH_THE_TEST = frozenset({"setup_method", "teardown_method"})


def yields(function: Callable[..., Any]) -> bool:
    """Return whether a call only makes a generator, whose body runs later."""
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def decorate(
    function: Callable[..., Any], scope_of: Callable[..., Scope], *, of_class: bool = True
) -> Callable[..., Any]:
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
        if not of_class and (inspect.isgenerator(found) or inspect.isasyncgen(found)):
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

    A `TestCase` runs each test with its set-up and clean-ups in one scope. Each method is wrapped
    as well: asyncio runs those of a `TestCase` in another context.
    """
    inherited = getattr(cls, _SETTINGS, None)
    if _SETTINGS not in vars(cls):
        _decorate_derived(cls)
    setattr(cls, _SETTINGS, settings)
    members = {name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()}
    for name, value in members.items():
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if inspect.isclass(value):
            tests = name.lower().startswith("test") or issubclass(value, unittest.TestCase)
            own = vars(value).get(_SETTINGS, inherited) is not inherited
            if tests and not own and value.__qualname__ == f"{cls.__qualname__}.{name}":
                decorate_class(value, settings)
        elif inspect.isfunction(function) and not yields(function) and not hasattr(function, _MARK):
            wrapper = _wrapper(cls, name, function, bound=function is value)
            if wrapper is not None:
                setattr(wrapper, _MARK, True)
                setattr(cls, name, wrapper if function is value else type(value)(wrapper))
    return cls


def _decorate_derived(cls: Any) -> None:  # noqa: ANN401
    """Change a class so that each class derived from it is decorated, with the same settings."""
    name = "__init_subclass__"
    own = vars(cls).get(name)

    def __init_subclass__(derived: Any, /, **options: object) -> None:  # noqa: ANN401, N807
        if own is None:  # a dataclass with slots is a copy of `cls`
            owner = next(base for base in derived.__mro__ if vars(base).get(name) is hook)
            super(owner, derived).__init_subclass__(**options)
        else:
            own.__get__(None, derived)(**options)
        decorate_class(derived, getattr(derived, _SETTINGS))

    cls.__init_subclass__ = hook = classmethod(__init_subclass__)


def _wrapper(
    cls: type, name: str, function: Callable[..., Any], *, bound: bool
) -> Callable[..., Any] | None:
    """Return the wrapper of a member of a class, if it needs one."""
    if name.startswith("__") and name != "__init__":
        return None
    if str(function.__module__).partition(".")[0] in {"unittest", "typing"}:
        return decorate(function, _new_scope) if name in {"run", "debug"} else None
    if name in _ONCE_A_CLASS:
        wrapper = decorate(function, lambda cls: _class_scope(cls, begins="setup" in name.lower()))
    elif bound:
        wrapper = decorate(function, _scope)
    else:
        is_test = name.lower().startswith("test")
        return decorate(function, lambda *_: getattr(cls, _SETTINGS).scope()) if is_test else None
    if name not in _ONCE_A_CLASS | _WITH_THE_TEST:
        return wrapper

    @functools.wraps(function)
    def alone(first: object) -> object:
        return wrapper(first)

    @functools.wraps(function)
    def with_test(first: object, test: object = _MARK, **named: object) -> object:
        return wrapper(first, **named) if test is _MARK else wrapper(first, test, **named)

    # pytest counts the parameters of the wrapper.
    return alone if len(inspect.signature(function).parameters) == 1 else with_test


def _class_scope(cls: type, *, begins: bool) -> Scope:
    """Return the scope of a class, which all of its tests share."""
    held: Settings | None = vars(cls).get(_HELD)
    # A set-up that calls that of its base class goes on with the same cloud.
    entered = [scope.cloud for scope in interception.entered()]
    if held is None or (begins and held.cloud not in entered):
        held = _held_by(cls, getattr(cls, _SETTINGS))
    return held.scope()


def _new_scope(test: object, *_: object) -> Scope:
    """Return the scope of a test that unittest is about to run."""
    held = vars(test).pop(_HELD, None)
    if held is not None and vars(test).get(_CLOUD) is held.cloud:
        del vars(test)[_CLOUD]
    return _scope(test)


def _scope(instance: object, *_: object) -> Scope:
    """Return the scope of an instance, or of its class if that has one."""
    held: Settings | None = vars(instance).get(_HELD) or vars(type(instance)).get(_HELD)
    if held is None:
        held = _held_by(instance, getattr(type(instance), _SETTINGS))
    return held.scope()


def _held_by(owner: object, settings: Settings) -> Settings:
    """Return settings with a cloud, which an instance or class shows if the name is free."""
    held = settings.with_cloud()
    before = vars(owner).get(_HELD)
    shown = getattr(owner, _CLOUD, None)
    if shown is None or (before is not None and shown is before.cloud):
        setattr(owner, _CLOUD, held.cloud)
    setattr(owner, _HELD, held)
    return held
