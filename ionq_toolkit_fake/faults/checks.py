"""Checks of what rules and faults are made with, which may come from a file."""

from __future__ import annotations

import math
import sys

from ionq_toolkit_fake.names import wrong

#: A whole number beyond it is finite, and no float.
_LARGEST = sys.float_info.max


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
    if numeric and abs(value) <= _LARGEST and least <= value <= most and value > above:  # type: ignore[arg-type, operator]
        return value  # type: ignore[return-value]
    bounds = [
        f"above {above:g}" if above > -math.inf else "",
        f"at least {least:g}" if least > -math.inf else "",
        f"at most {most:g}" if most < math.inf else "",
    ]
    wanted = " and ".join(filter(None, bounds))
    raise wrong(name, f"a finite number {wanted}", value)


def whole(name: str, value: object, least: int, most: int | None = None) -> int:
    """Return `value` if it is a whole number within its bounds.

    Raises:
        ValueError: It is not.
    """
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and value >= least and (most is None or value <= most):  # type: ignore[operator]
        return value  # type: ignore[return-value]
    bounds = f"at least {least}" if most is None else f"from {least} to {most}"
    raise wrong(name, f"a whole number {bounds}", value)
