"""Replacing a function of somebody else's, with care for others who replace it as well."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


class Patch:
    """One function of a class or module, replaced for as long as it is installed.

    Others may replace the same one before, meanwhile and afterwards, and put back what they found
    in any order. What was put on top of ours is never taken away; ours then stays below it
    and passes everything on, until it is on top again.
    """

    def __init__(
        self,
        owner: type | ModuleType,
        name: str,
        replace: Callable[[Callable[..., Any]], Callable[..., Any]],
    ) -> None:
        """Prepare to replace `owner.name` by what `replace` makes of it."""
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
        """Take ours away, as far as it is on top."""
        while (current := getattr(self._owner, self._name)) in self._replaced:
            setattr(self._owner, self._name, self._replaced.pop(current))
