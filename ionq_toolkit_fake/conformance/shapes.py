"""Shapes of JSON, written as Python: what a value must look like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Any value.
ANY = object
NUMBER = (int, float)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OUTCOME = re.compile("0|[1-9][0-9]*")

#: A difference quotes so much of a value.
_LONGEST = 160


def differences(shape: Any, value: Any, path: str = "$") -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield how a value differs from a shape.

    Args:
        shape: A type (`int` is no bool); a pattern of a whole text; a tuple of shapes, of which one
            must fit; a list of one shape, for all items; a dict of shapes by key, where ``"k?"``
            may be missing and ``"*"`` is for the other keys: a pattern of these keys, and a shape.
            Another value stands for itself.
        value: The value.
        path: Where it is.
    """
    if isinstance(shape, tuple):
        if all(any(differences(one, value, path)) for one in shape):
            yield from differences(shape[0], value, path)
    elif isinstance(shape, dict):
        yield from _of_object(shape, value, path)
    elif isinstance(shape, list):
        if not isinstance(value, list) or (value and not shape):
            yield f"{path} is {quoted(value)}, not {'a list' if shape else 'an empty list'}"
            return
        for place, item in enumerate(value):
            yield from differences(shape[0], item, f"{path}[{place}]")
    elif isinstance(shape, type):
        fits = isinstance(value, shape) and not (isinstance(value, bool) and shape is int)
        if not fits:
            yield f"{path} is {quoted(value)}, not {shape.__name__}"
    elif isinstance(shape, re.Pattern):
        if not isinstance(value, str) or not shape.fullmatch(value):
            yield f"{path} is {quoted(value)}, not text like {shape.pattern}"
    elif shape != value or isinstance(shape, bool) is not isinstance(value, bool):
        yield f"{path} is {quoted(value)}, not {quoted(shape)}"


def _of_object(shape: Mapping[str, Any], value: object, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path} is {quoted(value)}, not an object"
        return
    others = set(value)
    for name, inner in shape.items():
        key = name.removesuffix("?")
        others.discard(key)
        if key in value:
            yield from differences(inner, value[key], f"{path}.{key}")
        elif name == key and name != "*":
            yield f"{path} has no {key}"
    pattern, inner = shape["*"] if "*" in shape else (re.compile(".*"), ANY)
    for key in sorted(others):
        yield from differences(pattern, key, f"{path} key")
        yield from differences(inner, value[key], f"{path}.{key}")


def quoted(value: object) -> str:
    """Return the beginning of a value, for a message."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
