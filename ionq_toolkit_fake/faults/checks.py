"""Checks of what rules and faults are made with, which may come from a file."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def number(
    name: str,
    value: object,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float = -math.inf,
) -> float:
    """Return `value` if it is a finite number within its bounds, `above` itself excluded.

    Raises:
        ValueError: It is not.
    """
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if numeric and math.isfinite(value) and least <= value <= most and value > above:  # type: ignore[arg-type, operator]
        return value  # type: ignore[return-value]
    bounds = [
        f"above {above:g}" if above > -math.inf else "",
        f"at least {least:g}" if least > -math.inf else "",
        f"at most {most:g}" if most < math.inf else "",
    ]
    wanted = " and ".join(filter(None, bounds))
    raise ValueError(f"{name} must be a finite number {wanted}; is {value!r}")


def whole(name: str, value: object, least: int, most: int | None = None) -> int:
    """Return `value` if it is a whole number within its bounds.

    Raises:
        ValueError: It is not.
    """
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and value >= least and (most is None or value <= most):  # type: ignore[operator]
        return value  # type: ignore[return-value]
    bounds = f"at least {least}" if most is None else f"from {least} to {most}"
    raise ValueError(f"{name} must be a whole number, {bounds}; is {value!r}")


def choose(name: str, value: object, known: Iterable[str]) -> str:
    """Return `value` if it is one of `known`.

    Raises:
        ValueError: It is not; the message says which are near, or all.
    """
    names = list(known)
    if isinstance(value, str) and value in names:
        return value
    near = get_close_matches(str(value), names, cutoff=0.6) or names
    raise ValueError(f"there is no {name} {value!r}; there is {', '.join(near)}")
