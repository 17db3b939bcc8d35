"""The parameters of a query: a wrong one raises a `Refusal`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from ionq_toolkit_fake.api.responses import bad_query

if TYPE_CHECKING:
    from collections.abc import Collection

    from ionq_toolkit_fake.api.request import Request


def text(request: Request, name: str) -> str | None:
    """Return the last value of a parameter that is not empty, or None."""
    return request.query.get(name, [""])[-1] or None


def several(request: Request, name: str) -> list[str]:
    """Return all values of a parameter, repeated or separated by commas."""
    return [part for value in request.query.get(name, ()) for part in value.split(",")]


def integer(request: Request, name: str, default: int, least: int, most: int) -> int:
    """Return a whole number within limits."""
    value = request.query.get(name, [str(default)])[-1]
    number = int(value) if re.fullmatch("[0-9]{1,12}", value) else least - 1
    if not least <= number <= most:
        raise bad_query(f"{name} must be an integer from {least} to {most}", name)
    return number


def boolean(request: Request, name: str) -> bool | None:
    """Return `true` or `false`, in any case of letters, or None if the query does not have it."""
    value = text(request, name)
    if value is None:
        return None
    if value.lower() not in {"true", "false"}:
        raise bad_query(f"{name} must be of type boolean", name)
    return value.lower() == "true"


def choice(request: Request, name: str, allowed: Collection[str]) -> str | None:
    """Return one of the allowed values, or None if the query does not have it."""
    value = text(request, name)
    if value is not None and value not in allowed:
        raise bad_query(f"{name} must be one of [{', '.join(allowed)}]", name)
    return value


def required(request: Request, name: str) -> str:
    """Return a required parameter."""
    value = text(request, name)
    if value is None:
        raise bad_query(f"{name} is required", name)
    return value


def day(value: str, name: str) -> date:
    """Return a date."""
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise bad_query(f"{name} must be a date such as 2025-12-31", name) from error


def moment(request: Request, name: str) -> datetime | None:
    """Return a date and time, or the midnight that a date begins with; None if it is not given."""
    value = text(request, name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return datetime.combine(day(value, name), time(), UTC)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
