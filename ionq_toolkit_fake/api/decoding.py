"""JSON bodies, decoded against a model, and what is wrong with them in IonQ's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ionq_toolkit_fake.api.responses import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ionq_toolkit_fake.api.responses import Refusal

T = TypeVar("T")

_TYPE_NAMES = {"int": "integer", "str": "string", "float": "number", "bool": "boolean"}


def decode(body: bytes | msgspec.Raw, model: type[T], prefix: str) -> T:
    """Return a body, or the part of one that is found at `prefix`.

    Raises:
        Refusal: It is no JSON, or not what the model says.
    """
    try:
        return msgspec.json.decode(body, type=model)
    except msgspec.ValidationError as error:
        raise _explained(str(error), prefix) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request("Invalid request payload JSON format") from error


def one_of(value: str, allowed: Iterable[str] | Any, key: str) -> None:  # noqa: ANN401 - any container of names
    """Refuse a value that is not among the allowed.

    Raises:
        Refusal: It is not.
    """
    if value not in allowed:
        raise bad_request(f"{key} must be one of [{', '.join(allowed)}]", key)


def _explained(message: str, prefix: str) -> Refusal:
    """Put msgspec's message in the words that IonQ was seen to use."""
    where = re.search(r" - at `\$(.*?)`$", message)
    path = re.sub(r"\[(\d+)\]", r".\1", where[1] if where else "").replace("[...]", "")
    path = (prefix + path).strip(".")
    if missing := re.match(r"Object missing required field `(\w+)`", message):
        key = f"{path}.{missing[1]}".strip(".")
        return bad_request(f"{key} is required", key)
    if wrong := re.match(r"Expected `(\w+)", message):
        kind = _TYPE_NAMES.get(wrong[1], wrong[1])
        return bad_request(f"{path or 'value'} must be of type {kind}", path or "value")
    return bad_request(f"{path}: {message.split(' - at ', maxsplit=1)[0]}", path)
