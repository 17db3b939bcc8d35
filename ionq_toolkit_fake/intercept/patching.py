"""Patches of functions that other libraries may patch as well."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


class Installable(Protocol):
    """Something that is in place for as long as a scope is active."""

    def install(self) -> None:
        """Put it in place, where it is not."""

    def remove(self) -> None:
        """Take it away."""


class Patch:
    """One function of a class or module, replaced for as long as it is installed.

    Other libraries may replace the same function before, meanwhile and afterwards, and restore it
    in any order. A replacement on top of ours is never removed; ours then stays below it and
    passes all calls on, until it is on top again.
    """

    def __init__(
        self,
        owner: type | ModuleType,
        name: str,
        replace: Callable[[Callable[..., Any]], Callable[..., Any]],
    ) -> None:
        """Prepare to replace `owner.name` by the function that `replace` returns for it."""
        self._owner, self._name, self._replace = owner, name, replace
        self._replaced: dict[Callable[..., Any], Callable[..., Any]] = {}

    def install(self) -> None:
        """Put ours on top, if it is not."""
        current = getattr(self._owner, self._name)
        if current not in self._replaced:
            ours = functools.wraps(current)(self._replace(current))
            self._replaced[ours] = current
            setattr(self._owner, self._name, ours)

    def remove(self) -> None:
        """Remove ours, if it is on top."""
        while (current := getattr(self._owner, self._name)) in self._replaced:
            setattr(self._owner, self._name, self._replaced.pop(current))


class SharedPatch:
    """One function, replaced in every module that has imported it under its own name."""

    def __init__(
        self,
        owner: ModuleType,
        name: str,
        replace: Callable[[Callable[..., Any]], Callable[..., Any]],
    ) -> None:
        self._name, self._original = name, getattr(owner, name)
        self._ours = functools.wraps(self._original)(replace(self._original))

    def install(self) -> None:
        """Put ours in the place of the original."""
        self._exchange(self._original, self._ours)

    def remove(self) -> None:
        """Put the original back, also in modules that were imported meanwhile."""
        self._exchange(self._ours, self._original)

    def _exchange(self, old: object, new: object) -> None:
        for module in list(sys.modules.values()):
            names = getattr(module, "__dict__", {})
            if names.get(self._name) is old:
                names[self._name] = new
