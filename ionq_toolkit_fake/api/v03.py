"""Version 0.3 of the API: the same jobs and backends, by its paths, names and units.

IonQ still answered it in September 2026, and some keys are good for it alone. Each handler
translates a request, lets that of v0.4 answer, and translates the response. The names are those
of https://docs.ionq.com/api-reference/v0.3 and of records that qiskit-ionq's and qBraid's tests
keep. Times are seconds since 1970, durations milliseconds.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from ionq_toolkit_fake.api import backends, jobs, query, results, service
from ionq_toolkit_fake.api.request import decode
from ionq_toolkit_fake.api.responses import Refusal, bad_query, not_found, not_one_of
from ionq_toolkit_fake.clock import iso
from ionq_toolkit_fake.models.facility import midnight
from ionq_toolkit_fake.models.submission import MULTI_CIRCUIT, QIR, SINGLE_CIRCUIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ionq_toolkit_fake.api.request import Request
    from ionq_toolkit_fake.models.facility import Characterization
    from ionq_toolkit_fake.models.job import Job

#: The formats of a circuit, or of several, in JSON, and of a QIR module. Of the others, OpenQASM 2
#: and Quipper are not simulated here.
_CIRCUITS, _MODULE = "ionq.circuit.v0", "qir"

#: The format of results that CUDA-Q asks for. It reads probabilities by decimal outcomes of all
#: qubits, as without a format.
_QUANTUM_LOG = "qir.quantum-log.v0"

#: The statuses of v0.4 by those of v0.3; the others are the same.
_STATUSES: Mapping[str, str] = MappingProxyType({"submitted": "ready", "started": "running"})


#: Cirq asks for pages of 1,000 calibrations, in the body; one without `next` is the last.
_MOST_CALIBRATIONS = 1000


class _OldErrorMitigation(msgspec.Struct):
    debias: bool | None = None


class _OldJob(msgspec.Struct):
    """The body of POST /v0.3/jobs; v0.4 reads the fields that it has as well."""

    input: dict[str, msgspec.Raw]
    target: str = "simulator"
    shots: msgspec.Raw = msgspec.Raw(b"null")
    name: msgspec.Raw = msgspec.Raw(b"null")
    metadata: msgspec.Raw = msgspec.Raw(b"null")
    noise: msgspec.Raw = msgspec.Raw(b"null")
    dry_run: msgspec.Raw = msgspec.Raw(b"null")
    session_id: msgspec.Raw = msgspec.Raw(b"null")
    error_mitigation: _OldErrorMitigation | None = None


def create(request: Request) -> object:
    """POST /v0.3/jobs."""
    old = decode(request.body, _OldJob, "")
    circuits = dict(old.input)
    form = decode(circuits.pop("format", msgspec.Raw(b'"' + _CIRCUITS.encode() + b'"')), str, "")
    if form not in {_CIRCUITS, _MODULE}:
        raise not_one_of([_CIRCUITS, _MODULE], "input.format")
    kind = QIR if form == _MODULE else MULTI_CIRCUIT if "circuits" in circuits else SINGLE_CIRCUIT
    mitigation = old.error_mitigation or _OldErrorMitigation()
    body = {
        "type": kind,
        "backend": old.target,
        "input": circuits,
        "settings": {"error_mitigation": {"debiasing": mitigation.debias}},
        **{
            name: getattr(old, name)
            for name in ("shots", "name", "metadata", "noise", "dry_run", "session_id")
        },
    }
    try:
        created: Any = jobs.create(request._replace(body=msgspec.json.encode(body)))
    except Refusal as refusal:
        if list(refusal.keys or ()) == ["backend"]:
            refusal.message, refusal.keys = refusal.message.replace("backend", "target"), ["target"]
        raise
    return {"id": created["id"], "status": "ready", "request": _now(request)}


def get(request: Request) -> object:
    """GET /v0.3/jobs/{id}."""
    return _record(jobs.get(request), request)


def listing(request: Request) -> object:
    """GET /v0.3/jobs, with ids as `id`: CUDA-Q polls by it."""
    asked = {name: values for name, values in request.query.items() if name not in {"id", "status"}}
    if "id" in request.query:
        asked["ids"] = request.query["id"]
    wanted = {
        new
        for old in query.several(request, "status")
        for new in ({old} - {*_STATUSES} | {new for new, name in _STATUSES.items() if name == old})
    }
    if wanted:
        asked["status"] = sorted(wanted)
    page = jobs.page(request._replace(query=asked))
    return {"jobs": [_record(body, request) for body in page["jobs"]], "next": page["next"]}


def job_results(request: Request) -> object:
    """GET /v0.3/jobs/{id}/results: probabilities; of several circuits by the ids of their jobs."""
    form = query.text(request, "format")
    job = request.project.jobs.peek(request.arguments["job_id"])
    if form is not None and not (form == _QUANTUM_LOG and job is not None and job.type == QIR):
        raise bad_query(f"format: results are a histogram, or {_QUANTUM_LOG} of QIR", "format")
    several = job is not None and job.type == MULTI_CIRCUIT
    return results.aggregated(request) if several else results.probabilities(request)


def list_backends(request: Request) -> object:
    """GET /v0.3/backends."""
    listed: Any = backends.list_all(request)
    return [_backend(body, request) for body in listed]


def characterizations(request: Request) -> object:
    """GET /v0.3/characterizations/backends/{backend}: from `start` to `end`, in milliseconds."""
    return {"characterizations": [_characterization(one) for one in _characterized(request)]}


def current(request: Request) -> object:
    """GET /v0.3/characterizations/backends/{backend}/current."""
    found = _characterized(request)
    if not found:
        raise not_found()
    return _characterization(found[0])


def characterization(request: Request) -> object:
    """GET /v0.3/characterizations/{id}."""
    for name in request.facility.devices:
        wanted = request.arguments["characterization_id"]
        record = request.facility.characterization_of(name, wanted)
        if record is not None:
            return _characterization(record)
    raise not_found()


def calibrations(request: Request) -> object:
    """GET /v0.3/calibrations, as Cirq asked for them: those of the first QPU that takes jobs."""
    found = _characterized(request, _MOST_CALIBRATIONS)
    return {"calibrations": [_calibration(one) for one in found]}


def current_calibration(request: Request) -> object:
    """GET /v0.3/calibrations/current."""
    return _calibration(_characterized(request)[0])


def _characterized(request: Request, limit: int = 10) -> list[Characterization]:
    """Return the records of a backend, the newest first, of the times that the query names.

    Args:
        request: The request.
        limit: How many, if the query does not say.
    """
    device = request.arguments.get("backend")
    if device is None:
        machines = (d for d in request.facility.devices.values() if d.is_qpu)
        device = next(d.name for d in machines if d.status == "available")
    if device not in request.facility.devices:
        raise not_found()
    start, end = _moment(request, "start"), _moment(request, "end")
    limit = query.integer(request, "limit", limit, 1, _MOST_CALIBRATIONS)
    days = request.facility.days(device)
    days = days[bisect_left(days, 1, key=lambda day: start is None or _day_ms(day) >= start) :]
    days = days[: bisect_left(days, 1, key=lambda day: end is not None and _day_ms(day) >= end)]
    return [request.facility.characterization(device, day) for day in days[::-1][:limit]]


def _moment(request: Request, name: str) -> int | None:
    """Return a time in milliseconds since 1970, or None if the query does not have it."""
    value = query.text(request, name)
    if value is None:
        return None
    if not re.fullmatch("[0-9]{1,15}", value):
        raise bad_query(f"{name} must be milliseconds since 1970", name)
    return int(value)


def _milliseconds(record: Characterization) -> int:
    return _day_ms(record.day.toordinal())


def _day_ms(day: int) -> int:
    return round(midnight(date.fromordinal(day)).timestamp() * 1000)


def _characterization(record: Characterization) -> dict[str, Any]:
    speed = record.device.performance
    assert speed is not None, "only a machine is characterized"  # noqa: S101
    medians = {"spam": record.spam, "1q": record.one_qubit, "2q": record.two_qubits}
    return {
        "id": record.id,
        "backend": record.device.name,
        "date": _milliseconds(record) // 1000,
        "qubits": record.device.qubits,
        "connectivity": record.device.pairs,
        "fidelity": {name: {"mean": mean} for name, mean in medians.items() if mean is not None},
        "timing": {
            "readout": speed.readout_s,
            "reset": speed.reset_s,
            "1q": speed.one_qubit_s,
            "2q": speed.two_qubits_s,
            "t1": speed.t1_s,
            "t2": speed.t2_s,
        },
    }


def _calibration(record: Characterization) -> dict[str, Any]:
    """Return a record as Cirq's `Calibration` reads it: `target`, and the date as text."""
    body = _characterization(record)
    body["target"] = body.pop("backend")
    return {**body, "date": iso(midnight(record.day))}  # with milliseconds: Cirq needs them


def _backend(body: dict[str, Any], request: Request) -> dict[str, Any]:
    old: dict[str, Any] = {
        name: body[name]
        for name in ("backend", "status", "qubits", "average_queue_time", "degraded")
        if name in body
    }
    targets = None if request.key is None else request.key.access.targets
    old["last_updated"] = _seconds(body["last_updated"])
    old["has_access"] = request.key is not None and (targets is None or body["backend"] in targets)
    if "characterization_id" in body:
        old["characterization_url"] = f"/characterizations/{body['characterization_id']}"
    if "noise_models" in body:
        old["noise_models"] = body["noise_models"]
    return old


def _record(body: Any, request: Request) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the record of a job of v0.4 as v0.3 writes it."""
    job = request.project.jobs.peek(body["id"])
    assert job is not None, "it has just been found"  # noqa: S101
    asked = (body["settings"].get("error_mitigation") or {}).get("debiasing")
    mitigated = job.submission.mitigated if asked is None else asked
    old = {
        "id": job.id,
        "name": body["name"],
        "submitted_by": body["submitter_id"],
        "status": _STATUSES.get(job.status, job.status),
        "target": body["backend"],
        "type": "circuit",
        "qubits": _width(job),
        "circuits": len(job.submission.circuits) if job.circuit is None else 1,
        "shots": job.submission.shots,
        "metadata": body["metadata"],
        "dry_run": body["dry_run"],
        # A record of September 2026 has one beside `noise`; its value there is not known.
        "cost_model": body.get("cost_model", "quantum_compute_time"),
        "gate_counts": body["stats"].get("gate_counts", {"1q": 0, "2q": 0}),
        "cost_usd": job.cost,
        "project_id": body["project_id"],
        "request": _seconds(body["submitted_at"]),
        "error_mitigation": {"debias": mitigated},
        "children": [child.id for child in job.children],
    }
    optional = {
        "noise": body.get("noise"),
        "failure": _old_failure(body["failure"]),
        "start": _seconds(body["started_at"]),
        "response": _seconds(body["completed_at"]),
        "execution_time": body["execution_duration_ms"],
        "predicted_execution_time": body["predicted_execution_duration_ms"],
        "results_url": f"/v0.3/jobs/{job.id}/results" if job.status == "completed" else None,
    }
    return {**old, **{name: value for name, value in optional.items() if value is not None}}


def _old_failure(failure: dict[str, str] | None) -> dict[str, str] | None:
    return failure and {"error": failure["message"], "code": failure["code"]}


def _width(job: Job) -> int:
    if job.outcome is not None and job.outcome.size is not None:
        return job.outcome.size[0]
    circuits = job.submission.circuits if job.circuit is None else (job.circuit,)
    return max((circuit.num_qubits or 0 for circuit in circuits), default=0)


def _seconds(moment: str | None) -> int | None:
    return None if moment is None else int(datetime.fromisoformat(moment).timestamp())


def _now(request: Request) -> int:
    return int(request.clock.now().astimezone(UTC).timestamp())


#: Handlers, by the names in `OPERATIONS_V03`.
HANDLERS_V03: Mapping[str, Callable[[Request], object]] = MappingProxyType(
    {
        "GET /v0.3/whoami": service.whoami,
        "GET /v0.3/projects": service.projects,
        "GET /v0.3/backends": list_backends,
        "GET /v0.3/calibrations": calibrations,
        "GET /v0.3/calibrations/current": current_calibration,
        "GET /v0.3/characterizations/backends/<backend>": characterizations,
        "GET /v0.3/characterizations/backends/<backend>/current": current,
        "GET /v0.3/characterizations/<characterization_id>": characterization,
        "POST /v0.3/jobs": create,
        "GET /v0.3/jobs": listing,
        "DELETE /v0.3/jobs": jobs.delete_several,
        "PUT /v0.3/jobs/status/cancel": jobs.cancel_several,
        "GET /v0.3/jobs/<job_id>": get,
        "DELETE /v0.3/jobs/<job_id>": jobs.delete,
        "PUT /v0.3/jobs/<job_id>/status/cancel": jobs.cancel,
        "GET /v0.3/jobs/<job_id>/results": job_results,
    }
)
