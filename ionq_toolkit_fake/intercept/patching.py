"""Patches of functions that other libraries may patch as well."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


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
