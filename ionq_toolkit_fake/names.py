"""How a wrong setting is refused: with what there is instead, and the nearest of it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def unknown(kind: str, name: object, allowed: Collection[str]) -> ValueError:
    """Return the error for a name that is none of those allowed.

    Args:
        kind: What it should name, such as ``status``.
        name: What was given.
        allowed: What there is.
    """
    near = get_close_matches(str(name), allowed, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    have = f"there are {', '.join(allowed)}" if allowed else "there are none"
    return ValueError(f"there is no {kind} {name!r}; {have}.{hint}")


def wrong(what: str, expected: str, given: object) -> ValueError:
    """Return the error for a setting of another kind than is expected.

    A `ValueError` whatever its type: settings come from files and over the network as well.
    """
    return ValueError(f"{what} must be {expected}, is {given!r}")
