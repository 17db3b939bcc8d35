"""Error messages for invalid settings, with the valid choices and the closest match."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


#: Of what is given, messages quote so many characters; of what is allowed, so many names.
_LONGEST, _MOST_NAMED = 200, 100


class InvalidSettingError(ValueError):
    """A setting is invalid. pytest and IPython show where it was made, not where it was found."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        frame = sys._getframe(1)  # noqa: SLF001 - the way to the calling frame
        while frame is not None:
            name = str(frame.f_globals.get("__name__"))
            optimized = frame.f_code.co_flags & inspect.CO_OPTIMIZED  # no module's or class's
            if optimized and name.partition(".")[0] == "ionq_toolkit_fake":
                frame.f_locals.update({"__tracebackhide__": True, "_rich_traceback_omit": True})
            frame = frame.f_back  # type: ignore[assignment]


def unknown(kind: str, name: object, allowed: Collection[str]) -> ValueError:
    """Return the error for a name that is not allowed.

    Args:
        kind: The kind of the name, such as ``status``.
        name: The name that was given.
        allowed: The allowed names.
    """
    text = str(name)
    named = list(islice(allowed, _MOST_NAMED))
    # The search takes time in proportion to the square of the length.
    near = get_close_matches(text, named, n=1) if len(text) <= _LONGEST else []
    hint = f" Did you mean {near[0]!r}?" if near else ""
    more = f" and {len(allowed) - len(named)} more" if len(allowed) > len(named) else ""
    have = f"there are {', '.join(named)}{more}" if named else "there are none"
    return InvalidSettingError(f"there is no {kind} {_quoted(name)}; {have}.{hint}")


def wrong(what: str, expected: str, given: object) -> ValueError:
    """Return the error for a setting of another kind than is expected.

    A `ValueError` whatever its type: settings come from files and over the network as well.
    """
    return InvalidSettingError(f"{what} must be {expected}, is {_quoted(given)}")


def _quoted(given: object) -> str:
    text = repr(given)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


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
    """Return a finite number within its bounds, `above` itself excluded, or raise ValueError."""
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
    """Return a whole number within its bounds, or raise ValueError."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and value >= least and (most is None or value <= most):  # type: ignore[operator]
        return value  # type: ignore[return-value]
    bounds = f"at least {least}" if most is None else f"from {least} to {most}"
    raise wrong(name, f"a whole number {bounds}", value)


def only(data: object, allowed: Collection[str], kind: str) -> None:
    """Raise ValueError for data that is no object, or has other keys than those allowed."""
    if not isinstance(data, Mapping):
        raise wrong(f"a {kind}", f"an object with {', '.join(allowed)}", data)
    for key in data:
        if key not in allowed:
            raise unknown(kind, key, allowed)
