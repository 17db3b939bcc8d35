"""Typed fields of untrusted JSON; a value of the wrong type is None."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any


def mapping(value: object) -> dict[str, Any]:
    """Return an object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """Return a list, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Return a str that is not empty."""
    return value if isinstance(value, str) and value else None


def number(value: object) -> float | None:
    """Return a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def integer(value: object) -> int | None:
    """Return a whole number of 0 to 2**63 - 1, or a decimal string of one, as metadata has it."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,19}", value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    return None


def milliseconds(value: object) -> float | None:
    """Return a number of milliseconds, in seconds."""
    found = number(value)
    return None if found is None or found < 0 else found / 1000


def moment(value: object) -> datetime | None:
    """Return a time in ISO 8601 as one in UTC."""
    try:
        found = datetime.fromisoformat(value)  # type: ignore[arg-type]
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):  # the last at either end of the calendar
        return None
