"""Typed fields of untrusted JSON; a value of the wrong type is None."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec


def decode(body: bytes | str, form: Any = Any) -> Any:  # noqa: ANN401 - any JSON
    """Decode JSON, as values of the type `form` where the body fits it.

    msgspec refuses some of what Python's own decoder reads, such as NaN, 1e999, lone surrogates and
    UTF-16. Such a body, or one that does not fit `form`, is decoded by that.

    Raises:
        ValueError: The body is not JSON.
        RecursionError: It is nested too deeply.
    """
    with contextlib.suppress(ValueError, RecursionError):
        return msgspec.json.decode(body, type=form)
    return json.loads(body)


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object, or an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[Any]:
    """Return a list, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Return a str."""
    return value if isinstance(value, str) else None


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
    """Return a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def milliseconds(value: object) -> float | None:
    """Return a number of milliseconds, in seconds."""
    found = number(value)
    return None if found is None else found / 1000


def moment(value: object) -> datetime | None:
    """Return a moment in UTC that is written in ISO 8601."""
    try:
        found = datetime.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
