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


class SharedPatches:
    """Functions that are replaced in every module that has imported them under their own name."""

    def __init__(self) -> None:
        self._functions: dict[str, list[tuple[object, object]]] = {}
        self._scanned: dict[str, int] = {}
        self._holders: list[tuple[dict[str, Any], str, object, object]] = []
        self._installed = False
        self._state: tuple[int, str, int] | None = None

    def add(
        self,
        owner: ModuleType,
        name: str,
        replace: Callable[[Callable[..., Any]], Callable[..., Any]],
    ) -> None:
        """Replace `owner.name` by the function that `replace` returns for it."""
        original = getattr(owner, name)
        ours = functools.wraps(original)(replace(original))
        self._functions.setdefault(name, []).append((original, ours))

    def install(self) -> None:
        """Put ours in the place of the originals."""
        if not self._installed:
            self._installed = True
            self._scan()
            for names, name, original, ours in self._holders:
                if names.get(name) is original:
                    names[name] = ours

    def remove(self) -> None:
        """Put the originals back, also in modules that were imported meanwhile."""
        if self._installed:
            self._installed = False
            self._scan()
            for names, name, original, ours in self._holders:
                if names.get(name) is ours:
                    names[name] = original

    def _scan(self) -> None:
        """Find the places of the functions in new modules, of which there are many.

        In such a place may be the function of another patch, which gives the original back later.
        """
        last = next(reversed(sys.modules))
        state = len(sys.modules), last, id(sys.modules[last])
        if state == self._state:
            return
        self._state = state
        for place, module in list(sys.modules.items()):
            if self._scanned.get(place) == id(module):
                continue
            self._scanned[place] = id(module)
            names = getattr(module, "__dict__", {})
            for name, pairs in self._functions.items():
                if callable(names.get(name)):
                    self._holders += [(names, name, *pair) for pair in pairs]
