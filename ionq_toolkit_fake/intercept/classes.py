"""mock_ionq on a class: each of its tests has a cloud, from set-up to clean-up."""

from __future__ import annotations

import functools
import inspect
import unittest
from typing import TYPE_CHECKING, Any, TypeVar

from ionq_toolkit_fake.intercept import decorators
from ionq_toolkit_fake.intercept.scope import interception

if TYPE_CHECKING:
    from collections.abc import Callable

    from ionq_toolkit_fake.intercept.scope import Settings

C = TypeVar("C", bound=type)

#: Attributes: of a decorated class, its settings; of a class or an instance, those with its cloud.
_SETTINGS, _HELD = "_mock_ionq_settings", "_mock_ionq_held"

#: An attribute of what is wrapped already.
_MARK = "_mock_ionq"

#: What unittest and pytest call once a class. Its cloud begins with the first two.
_BEGIN_CLASS = frozenset({"setUpClass", "setup_class"})
_ONCE_A_CLASS = _BEGIN_CLASS | {"tearDownClass", "teardown_class"}

#: What pytest calls with an argument if, and only if, it looks as if it took one.
_OPTIONAL_ARGUMENT = frozenset({"setup_method", "teardown_method"})


def decorate(cls: C, settings: Settings) -> C:
    """Change a class so that its methods, and those of classes derived from it, run in scopes."""
    owner: Any = cls
    setattr(owner, _SETTINGS, settings)
    _wrap_all(owner)
    for name, value in list(vars(owner).items()):
        if inspect.isclass(value) and _is_tests(name) and value.__qualname__.endswith(f".{name}"):
            decorate(value, settings)  # a class of tests within this one
    own = vars(owner).get("__init_subclass__")

    def __init_subclass__(derived: type, /, **options: object) -> None:  # noqa: N807
        if own is None:
            super(owner, derived).__init_subclass__(**options)
        else:
            own.__get__(None, derived)(**options)
        _wrap_all(derived)

    owner.__init_subclass__ = classmethod(__init_subclass__)
    return cls


def _wrap_all(cls: type) -> None:
    seen = set()
    for base in cls.__mro__:
        for name, value in list(vars(base).items()):
            if name in seen:
                continue
            seen.add(name)
            if base is object or base.__module__.partition(".")[0] == "unittest":
                continue
            function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            if not inspect.isfunction(function) or decorators.yields(function):
                continue
            if name in _ONCE_A_CLASS:
                hook = _class_hook(function, begins=name in _BEGIN_CLASS)
                _put(cls, name, classmethod(hook) if isinstance(value, classmethod) else hook)
            elif function is not value:
                if _is_tests(name):
                    _put(cls, name, type(value)(decorators.decorate(function, _settings(cls))))
            elif name == "__init__" or not name.startswith("__"):
                _put(cls, name, _method(name, function))
    if issubclass(cls, unittest.TestCase):
        for name in ("run", "debug"):
            _put(cls, name, _whole_test(getattr(cls, name)))


def _put(cls: type, name: str, wrapper: Any) -> None:  # noqa: ANN401
    """Give a class a wrapper, unless what it wraps is one already, such as a base class's."""
    if not hasattr(wrapper.__wrapped__, _MARK):
        inner = isinstance(wrapper, classmethod | staticmethod)
        setattr(wrapper.__func__ if inner else wrapper, _MARK, True)
        setattr(cls, name, wrapper)


def _is_tests(name: str) -> bool:
    """Return whether pytest or unittest take what is called so for tests."""
    return name.lower().startswith("test")


def _method(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def asynchronous(self: object, *args: object, **kwargs: object) -> object:
            with interception.inside(_held(self).scope()):
                return await function(self, *args, **kwargs)

        return asynchronous

    @functools.wraps(function)
    def plain(self: object, *args: object, **kwargs: object) -> object:
        with interception.inside(_held(self).scope()):
            return function(self, *args, **kwargs)

    if name not in _OPTIONAL_ARGUMENT or len(inspect.signature(function).parameters) == 1:
        return plain

    @functools.wraps(function)
    def with_argument(self: object, argument: object) -> object:
        return plain(self, argument)

    return with_argument


def _whole_test(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `TestCase.run` or `debug` in one scope, of a cloud that begins with it."""

    @functools.wraps(function)
    def whole_test(self: object, *args: object, **kwargs: object) -> object:
        vars(self).pop(_HELD, None)
        with interception.inside(_held(self).scope()):
            return function(self, *args, **kwargs)

    return whole_test


def _class_hook(function: Callable[..., Any], *, begins: bool) -> Callable[..., Any]:
    @functools.wraps(function)
    def hook(cls: type, *args: object, **kwargs: object) -> object:
        held: Settings | None = vars(cls).get(_HELD)
        # One that calls that of its base class goes on with the same cloud.
        entered = [scope.cloud for scope in interception.entered()]
        if held is None or (begins and held.cloud not in entered):
            held = _settings(cls).with_cloud()
            setattr(cls, _HELD, held)
        with interception.inside(held.scope()):
            return function(cls, *args, **kwargs)

    return hook


def _settings(cls: type) -> Settings:
    settings: Settings = getattr(cls, _SETTINGS)
    return settings


def _held(instance: object) -> Settings:
    """Return the settings of an instance, with the cloud that is its own or its class's."""
    held: Settings | None = vars(instance).get(_HELD) or vars(type(instance)).get(_HELD)
    if held is None:
        held = vars(instance)[_HELD] = _settings(type(instance)).with_cloud()
    return held
