"""The line of Python that does the same as a control."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake import faults
from ionq_toolkit_fake.faults import FaultRule
from ionq_toolkit_fake.scenario import names
from ionq_toolkit_fake.transitions.lifecycle import End, Step
from ionq_toolkit_fake.transitions.rules import TransitionRule
from ionq_toolkit_fake.transitions.spec import STEPS, end_from_data
from ionq_toolkit_fake.validation import only, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def python(value: object) -> str:
    r"""Return plain data as Python writes it, texts in double quotes.

    ::

        >>> python({"a": [True, None, 'b"']})
        '{"a": [True, None, "b\\""]}'
    """
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{python(k)}: {python(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(python, value)) + "]"
    return repr(value)


def call(name: str, /, *args: str, **kwargs: object) -> str:
    """Return a call: its positional arguments as they are, the others as plain data."""
    named = [f"{key}={python(value)}" for key, value in kwargs.items()]
    return f"{name}({', '.join([*args, *named])})"


def fault_of(example: str) -> faults.Fault:
    """Return the fault of an example such as ``faults.http(429)``, without running it."""
    node = ast.parse(example, mode="eval").body
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        raise TypeError(f"{example} is no call of a constructor of faults")  # a defect of KINDS
    args = [ast.literal_eval(arg) for arg in node.args]
    kwargs = {word.arg or "": ast.literal_eval(word.value) for word in node.keywords}
    return faults.KINDS[node.func.attr].make(*args, **kwargs)


def add_fault(rule: FaultRule) -> str:
    """Return the line that adds a rule of faults."""
    made = call(f"faults.{rule.fault.kind}", **rule.fault.parameters)
    plain = faults.to_dict(rule)
    others = {k: v for k, v in plain.items() if k in FaultRule.__dataclass_fields__}
    others.pop("fault")
    if others.get("on") == "*":
        others.pop("on")
    return call("cloud.faults.add", made, **others)


def end(given: End) -> str:
    """Return the expression of an end."""
    if given.failure is not None:
        usual = end_from_data({"code": given.failure.code})
        message = {} if given.failure == usual.failure else {"message": given.failure.message}
        at = {} if given.at == usual.at else {"at": given.at}
        return call("failed", python(given.failure.code), **message, **at)
    if given.status == "canceled":
        return "canceled()" if given.at == End().at else call("canceled", at=given.at)
    return python(given.status)


def set_transitions(rule: TransitionRule) -> str:
    """Return the line that sets transitions."""
    given = rule.transitions.steps
    steps = [f"{name}={_step(given[name])}" for name in STEPS if name in given]
    if rule.transitions.end is not None:
        steps.append(f"end={end(rule.transitions.planned_end)}")
    match = rule.as_dict().get("match", {})
    return call("cloud.transitions.set", f"Transitions({', '.join(steps)})", **match)


def _step(step: Step) -> str:
    if step.kind not in {"polls", "seconds"}:
        return python(step.kind)
    amounts: dict[str, object] = {step.kind: step.amount}
    if step.jitter:
        amounts["jitter"] = step.jitter
    return call("after", **amounts)


def _move_clock(body: Mapping[str, Any]) -> str:
    only(body, ("seconds",), "way to move the clock")
    return call("cloud.clock.sleep", python(body.get("seconds", 0)))


def _change_job(body: Mapping[str, Any], job_id: str) -> str:
    only(body, ("end", "hold", "release"), "change of a job")
    if "end" in body:
        return call("cloud.end", python(job_id), end(end_from_data(body["end"])))
    if "hold" in body:
        status = [] if body["hold"] is True else [python(body["hold"])]
        return call("cloud.hold", python(job_id), *status)
    return call("cloud.release", python(job_id))


def _scenario(body: Mapping[str, Any]) -> str:
    only(body, ("scenario",), "part of a scenario to apply")
    name = body.get("scenario")
    if name not in names():  # a file or a token is not for a page to read
        raise unknown("scenario", name, names())
    return f"Scenario.of({python(name)}).apply(cloud)"


#: The control that applies a scenario, which the console has alone.
SCENARIO = "POST /_console/scenario"

#: A control of one job or rule.
_ONE = re.compile(r"([A-Z]+ /_fake/(?:jobs|faults))/([^/]+)")

#: The line of each control that changes a cloud, by the control's name.
LINES: Mapping[str, Callable[..., str]] = {
    "POST /_fake/reset": lambda _: "cloud.reset()",
    "POST /_fake/clock": _move_clock,
    "POST /_fake/transitions": lambda body: set_transitions(TransitionRule.from_dict(body)),
    "DELETE /_fake/transitions": lambda _: "cloud.transitions.clear()",
    "POST /_fake/faults": lambda body: add_fault(faults.from_dict(body)),
    "DELETE /_fake/faults": lambda _: "cloud.faults.clear()",
    "DELETE /_fake/faults/<number>": lambda _, number: (
        f"cloud.faults.remove(cloud.faults.find({int(number)}))"
    ),
    "POST /_fake/jobs/<job_id>": _change_job,
    "DELETE /_fake/jobs/<job_id>": lambda _, job_id: call("cloud.delete", python(job_id)),
    SCENARIO: _scenario,
}


def line(control: str, body: Mapping[str, Any]) -> str:
    """Return the line of Python that does the same as a control with a body.

    Args:
        control: Its method and path, such as ``POST /_fake/faults``.
        body: Its body.

    Raises:
        ValueError: There is no such control, or the body is not valid for it.
    """
    one = _ONE.fullmatch(control)
    names: tuple[str, ...] = ()
    if one is not None and control not in LINES:
        control = f"{one[1]}/<{'job_id' if one[1].endswith('jobs') else 'number'}>"
        names = (one[2],)
    if control not in LINES:
        raise unknown("control", control, LINES)
    return LINES[control](body, *names)
