"""/jobs: submit, read, list, results, cancel, delete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ionq_toolkit_fake.api.formats import PROBABILITIES_AGGREGATE_V1, PROBABILITIES_V1
from ionq_toolkit_fake.api.payload import read_ids, read_submission
from ionq_toolkit_fake.api.wire import bad_query, json_response, not_found
from ionq_toolkit_fake.clock import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ionq_toolkit_fake.api.wire import Request, Response
    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.jobs import Job, Jobs


#: How many jobs a page has: schema pagination-limit of the API document.
MIN_PAGE, MAX_PAGE = 1, 25


def create(cloud: FakeIonQ, request: Request) -> Response:
    """POST /jobs."""
    job = cloud.jobs_of(request.owner).submit(read_submission(request.body), request.owner)
    return json_response({"id": job.id, "status": "submitted", "session_id": None}, 201)


def get(cloud: FakeIonQ, request: Request) -> Response:
    """GET /jobs/{id}."""
    job = _found(cloud.jobs_of(request.owner).poll(request.parameters["job_id"]))
    children = [child.id for child in job.children] or None
    return json_response({**_body(job), "child_job_ids": children})


def list_some(cloud: FakeIonQ, request: Request) -> Response:
    """GET /jobs: the newest first, as many as asked for, and the id that the next page begins with.

    Child jobs are shown to those who ask for them, by their parent or their ids. Filters by a
    status or a session that there is not find nothing: what IonQ makes of them is not known.
    Parameters that there are not are let pass.
    """
    limit = _limit(request)
    jobs = list(cloud.jobs_of(request.owner))
    start = request.query.get("next", [""])[-1]
    if start:  # found before anything is filtered: its status may have changed since
        ids = [job.id for job in jobs]
        if start not in ids:
            raise bad_query("next is not the id of a batch", "next")
        jobs = jobs[ids.index(start) :]
    jobs = [job for job in jobs if _matches(job, request)]
    following = jobs[limit].id if len(jobs) > limit else None
    return json_response({"jobs": [_body(job) for job in jobs[:limit]], "next": following})


def probabilities(cloud: FakeIonQ, request: Request) -> Response:
    """GET /jobs/{id}/results/probabilities: 404 as long as the job is not completed."""
    return json_response(_result(cloud, request, _PROBABILITIES))


def aggregated(cloud: FakeIonQ, request: Request) -> Response:
    """GET /jobs/{id}/results/probabilities/aggregated: of a parent, by the ids of its children.

    Not in the API document any more, but where a parent's record points, and cirq-ionq asks.
    """
    return json_response(_result(cloud, request, _AGGREGATE))


def artifact(cloud: FakeIonQ, request: Request) -> Response:
    """GET /jobs/{id}/artifacts/{artifact}."""
    known = {a.id: a for a in (_PROBABILITIES, _AGGREGATE)}.get(request.parameters["artifact_id"])
    if known is None:
        raise not_found()
    return json_response(_result(cloud, request, known))


def cancel(cloud: FakeIonQ, request: Request) -> Response:
    """PUT /jobs/{id}/status/cancel. A job that has failed stays so; the reply is the same."""
    job = _found(cloud.jobs_of(request.owner).cancel(request.parameters["job_id"]))
    return json_response({"id": job.id, "status": "canceled"})


def cancel_several(cloud: FakeIonQ, request: Request) -> Response:
    """PUT /jobs/status/cancel: all of them or, if one is not there, none."""
    jobs = cloud.jobs_of(request.owner)
    return _changed(jobs, request, jobs.cancel, "canceled")


def delete(cloud: FakeIonQ, request: Request) -> Response:
    """DELETE /jobs/{id}: from then on, it is not there."""
    job = _found(cloud.jobs_of(request.owner).delete(request.parameters["job_id"]))
    return json_response({"id": job.id, "status": "deleted"})


def delete_several(cloud: FakeIonQ, request: Request) -> Response:
    """DELETE /jobs: all of them or, if one is not there, none."""
    jobs = cloud.jobs_of(request.owner)
    return _changed(jobs, request, jobs.delete, "deleted")


def _limit(request: Request) -> int:
    text = request.query.get("limit", [str(MAX_PAGE)])[-1]
    limit = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
    if not MIN_PAGE <= limit <= MAX_PAGE:
        raise bad_query(f"limit must be an integer from {MIN_PAGE} to {MAX_PAGE}", "limit")
    return limit


def _matches(job: Job, request: Request) -> bool:
    """Return whether a job passes every filter of the query."""
    shown = {
        "ids": job.id,
        "status": job.status,
        "target": job.submission.backend,
        "parent_job_id": job.parent_id,
        "session_id": None,
        "submitter_id": job.owner.submitter_id,
    }
    if job.parent_id is not None and not {"ids", "parent_job_id"} & set(request.query):
        return False
    for name, value in shown.items():
        wanted = [part for text in request.query.get(name, ()) for part in text.split(",")]
        if wanted and value not in wanted:
            return False
    return True


def _changed(
    jobs: Jobs, request: Request, change: Callable[[str], object], status: str
) -> Response:
    """Change each job that the body names; refuse before the first if one is not there."""
    ids = read_ids(request.body)
    for job_id in ids:
        _found(jobs.find(job_id))
    for job_id in ids:
        change(job_id)
    return json_response({"ids": ids, "status": status})


class _Artifact(NamedTuple):
    """A result that a completed job has.

    Attributes:
        id: What to ask for.
        format: Its format.
        path: Where it is too, below the job's results.
    """

    id: str
    format: str
    path: str


#: The ids: examples of the operations GetJobs and GetJob of the API document.
_PROBABILITIES = _Artifact("probabilities", PROBABILITIES_V1, "probabilities")
_AGGREGATE = _Artifact(
    "probabilities-aggregate", PROBABILITIES_AGGREGATE_V1, "probabilities/aggregated"
)


def _artifact_of(job: Job) -> _Artifact:
    return _PROBABILITIES if job.circuit is not None else _AGGREGATE


def _result(cloud: FakeIonQ, request: Request, wanted: _Artifact) -> Mapping[str, Any]:
    """Return what a job has of an artifact, or refuse: it is not there, or not yet."""
    job = _found(cloud.jobs_of(request.owner).find(request.parameters["job_id"]))
    if job.status != "completed" or wanted is not _artifact_of(job):
        raise not_found()
    if job.circuit is None:
        completed = (child for child in job.children if child.status == "completed")
        return {child.id: child.distribution for child in completed}
    return job.distribution or {}


def _results(job: Job) -> dict[str, Any]:
    """Return where the results are: as IonQ's clients look for it, and as the API document says."""
    artifact = _artifact_of(job)
    return {
        "probabilities": {"url": f"/v0.4/jobs/{job.id}/results/{artifact.path}"},
        artifact.format: {
            "id": artifact.id,
            "format": artifact.format,
            "media_type": "application/json",
        },
    }


def _found(job: Job | None) -> Job:
    if job is None:
        raise not_found()
    return job


def _body(job: Job) -> dict[str, Any]:
    """Return a job as a list of jobs shows it.

    An ideal simulation shows no `shots`; `noise` is there whether it was sent or not. A parent's
    `stats` are empty: the gates are counted in its children.
    Of a failure, the API document says `message` and IonQ's own clients read `error`: it has both.
    """
    submission, circuit = job.submission, job.circuit
    completed = job.status == "completed"
    stats, failure = {}, None
    if circuit is not None:
        stats = {
            "qubits": circuit.program.num_qubits,
            "circuits": 1,
            "gate_counts": circuit.gate_counts,
            "kwh": 0,
        }
    if job.failure is not None:
        failure = {
            "code": job.failure.code,
            "message": job.failure.message,
            "error": job.failure.message,
        }
    return {
        "id": job.id,
        "status": job.status,
        "type": job.type,
        "backend": submission.backend,
        "dry_run": submission.dry_run,
        "submitter_id": job.owner.submitter_id,
        "project_id": job.owner.project_id,
        "parent_job_id": job.parent_id,
        "session_id": None,
        "metadata": submission.metadata if job.parent_id is None else None,
        "name": job.name,
        "submitted_at": iso(job.submitted_at),
        "started_at": _iso_or_none(job.started_at),
        "completed_at": _iso_or_none(job.completed_at),
        "predicted_wait_time_ms": None,
        "predicted_execution_duration_ms": None,
        "execution_duration_ms": 0 if completed else None,
        "noise": {"model": "ideal"},
        "failure": failure,
        "settings": submission.settings,
        "output": {},
        "stats": stats,
        "results": _results(job) if completed else None,
    }


def _iso_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
