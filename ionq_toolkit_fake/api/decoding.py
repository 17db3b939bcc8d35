"""Decoding of JSON bodies against a model, with IonQ's wording for what does not fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ionq_toolkit_fake.api.responses import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ionq_toolkit_fake.api.responses import Refusal

T = TypeVar("T")

_TYPE_NAMES = {"int": "integer", "str": "string", "float": "number", "bool": "boolean"}


def decode(body: bytes | msgspec.Raw, model: type[T], prefix: str) -> T:
    """Return a body, or the part of it at `prefix`, as a model.

    Raises:
        Refusal: The body is not JSON, or does not fit the model.
    """
    try:
        return msgspec.json.decode(body, type=model)
    except msgspec.ValidationError as error:
        raise _explained(str(error), prefix) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request("Invalid request payload JSON format") from error


def not_one_of(allowed: Iterable[str], key: str) -> Refusal:
    """Return the refusal of a value that is not among the allowed ones."""
    return bad_request(f"{key} must be one of [{', '.join(allowed)}]", key)


def _explained(message: str, prefix: str) -> Refusal:
    """Return msgspec's message in the wording that IonQ was seen to use."""
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
