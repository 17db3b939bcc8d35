"""The syntax of one-line arguments: faults as in Python, and durations."""

from __future__ import annotations

import ast
import inspect
import re

from ionq_toolkit_fake.faults import KINDS, FaultRule
from ionq_toolkit_fake.validation import unknown

_EXAMPLE = 'faults.http(429), on="POST /jobs", times=2'

#: Seconds of each unit.
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def fault_rule(line: str) -> FaultRule:
    """Return the rule of a line of Python, without running it.

    ::

        >>> fault_rule('faults.http(429), on="POST /jobs", times=2').times
        2

    Args:
        line: The arguments of ``cloud.faults.add``, or that call.

    Raises:
        ValueError: It is not such a line, or no valid rule.
    """
    text = line.strip()
    is_whole = re.match(r"(\w+\.)?faults\.add\s*\(", text) is not None
    try:
        node = ast.parse(text if is_whole else f"add({text})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{line!r:.200} is not a line of Python like {_EXAMPLE}") from None
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Call):
        raise ValueError(f"a rule begins with a fault, such as {_EXAMPLE}")
    made = node.args[0]
    kind = made.func.attr if isinstance(made.func, ast.Attribute) else getattr(made.func, "id", "")
    if kind not in KINDS:
        raise unknown("fault", kind, KINDS)
    try:
        fault = KINDS[kind].make(*_values(made.args), **_named(made.keywords))
        arguments = inspect.signature(FaultRule).bind(
            fault, *_values(node.args[1:]), **_named(node.keywords)
        )
    except TypeError as error:
        raise ValueError(f"{line!r:.200}: {error}") from None
    return FaultRule(*arguments.args, **arguments.kwargs)


def _values(nodes: list[ast.expr]) -> list[object]:
    return [_value(node) for node in nodes]


def _named(keywords: list[ast.keyword]) -> dict[str, object]:
    return {str(word.arg): _value(word.value) for word in keywords}


def _value(node: ast.expr) -> object:
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError):
        raise ValueError(f"{ast.unparse(node):.200} is not a number or a text in quotes") from None
    return value


def seconds(text: str) -> float:
    """Return the seconds of a duration such as ``90``, ``1.5h`` or ``2h30m``.

    Raises:
        ValueError: It is not a duration.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise ValueError(f"{text!r:.100} is not a duration such as 90, 15m, 2h30m or 1d")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
