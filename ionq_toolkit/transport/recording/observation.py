"""An entry for the table of recorded observations, made from the recording of a job."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ionq_toolkit.transport.recording.exchange import Exchange

#: Parts of a job's record that an entry compares, each with how far it may be off, in parts.
_COMPARED = {
    "status": 0.0,
    "shots": 0.0,
    "cost_model": 0.0,
    "execution_duration_ms": 0.25,
    "predicted_execution_duration_ms": 0.25,
    "stats.qubits": 0.0,
    "stats.kwh": 0.25,
    "stats.gate_counts.1q": 0.2,
    "stats.gate_counts.2q": 0.1,
    "output.compilation.opt": 0.0,
    "output.compilation.precision": 0.0,
    "output.compilation.gate_basis": 0.0,
    "output.compilation.service_version": 0.0,
}

#: A value agrees within so many standard deviations.
_SIGMAS = 4.0


def observation(exchanges: Sequence[Exchange], *, title: str, source: str) -> str:
    """Return a job that was recorded as an entry of TOML.

    It has the circuit and the settings of the job, parts of its record, its probabilities and its
    cost. It has no ids, and no names or metadata of jobs and circuits.

    Args:
        exchanges: Of a `RecordingTransport`: one job of one circuit, to its results.
        title: The observation in a sentence.
        source: The person or the place it is from.

    Raises:
        ValueError: There is no completed job in the recording.
    """
    body = next((e.request.body for e in exchanges if _is(e, "POST", "/jobs")), None)
    record = next(
        (e.body for e in reversed(exchanges) if _completed(e) and _is(e, "GET", "/jobs/*")), None
    )
    if body is None or record is None:
        raise ValueError("the recording has no job that was submitted and is completed")
    sent = {key: value for key, value in body.items() if key not in {"name", "metadata"}}
    sent["input"] = {key: value for key, value in body["input"].items() if key != "name"}
    lines = [
        "[[observation]]",
        f"title = {json.dumps(title)}",
        f"source = {json.dumps(source)}",
        f"date = {json.dumps(str(record.get('completed_at'))[:10])}",
        'sure = "recorded"',
        "[[observation.steps]]",
        'send = "POST /jobs"',
        f"body = {json.dumps(json.dumps(sent))}",
        "status = 201",
        'save = "job"',
        *_step("GET /jobs/{job}", _record_checks(record)),
    ]
    for path, checks in (
        ("/results/probabilities", lambda found: _outcome_checks(found, record.get("shots"))),
        ("/cost", lambda found: [["cost.value", "is", found["cost"]["value"]]]),
    ):
        found = next((e.body for e in exchanges if _is(e, "GET", f"/jobs/*{path}")), None)
        if isinstance(found, dict) and (path != "/cost" or "cost" in found):
            lines += _step(f"GET /jobs/{{job}}{path}", checks(found))
    return "\n".join(lines) + "\n"


def _step(send: str, checks: Iterable[Sequence[object]]) -> list[str]:
    expect = [f"  {json.dumps(check)}," for check in checks]
    return ["[[observation.steps]]", f'send = "{send}"', "expect = [", *expect, "]"]


def _is(exchange: Exchange, method: str, path: str) -> bool:
    """Return whether a request succeeded; `*` in its path stands for an id."""
    parts = exchange.request.path.split("/")[2:]
    wanted = path.split("/")[1:]
    same = len(parts) == len(wanted) and all(
        w in {"*", part} for part, w in zip(parts, wanted, strict=True)
    )
    return same and exchange.request.method == method and exchange.status in {200, 201}


def _completed(exchange: Exchange) -> bool:
    return isinstance(exchange.body, dict) and exchange.body.get("status") == "completed"


def _record_checks(record: dict[str, Any]) -> Iterable[list[object]]:
    for path, parts in _COMPARED.items():
        value: Any = record
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None and parts:
            yield [path, "about", value, max(1e-3, parts * value)]
        elif value is not None:
            yield [path, "is", value]


def _outcome_checks(probabilities: dict[str, float], shots: int | None) -> Iterable[list[object]]:
    for outcome, p in probabilities.items():
        each = math.sqrt(2 * max(p * (1 - p), 1 / shots) / shots) if shots else 0.0
        yield [outcome, "about", p, max(1e-9, _SIGMAS * each)]
