"""/jobs: submit, read, results, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.api.payload import read_submission
from ionq_toolkit_fake.api.wire import json_response, not_found
from ionq_toolkit_fake.clock import iso

if TYPE_CHECKING:
    from datetime import datetime

    from ionq_toolkit_fake.api.wire import Request, Response
    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.jobs import Job


def create(cloud: FakeIonQ, request: Request) -> Response:
    """POST /jobs."""
    job = cloud.jobs.submit(read_submission(request.body))
    return json_response({"id": job.id, "status": "submitted", "session_id": None}, 201)


def get(cloud: FakeIonQ, request: Request) -> Response:
    """GET /jobs/{id}."""
    return json_response(_body(_found(cloud.jobs.poll(request.parameters["job_id"]))))


def probabilities(cloud: FakeIonQ, request: Request) -> Response:
    """GET /jobs/{id}/results/probabilities: 404 as long as the job is not completed."""
    job = _found(cloud.jobs.find(request.parameters["job_id"]))
    if job.status != "completed" or job.distribution is None:
        raise not_found()
    return json_response(job.distribution)


def cancel(cloud: FakeIonQ, request: Request) -> Response:
    """PUT /jobs/{id}/status/cancel."""
    job = _found(cloud.jobs.cancel(request.parameters["job_id"]))
    return json_response({"id": job.id, "status": job.status})


def _found(job: Job | None) -> Job:
    if job is None:
        raise not_found()
    return job


def _body(job: Job) -> dict[str, Any]:
    """Return a job as GET /jobs/{id} shows it.

    An ideal simulation shows no `shots`; `noise` is there whether it was sent or not.
    Of a failure, the API document says `message` and IonQ's own clients read `error`: it has both.
    """
    submission = job.submission
    completed = job.status == "completed"
    url = f"/v0.4/jobs/{job.id}/results/probabilities"
    failure = None
    if job.failure is not None:
        failure = {
            "code": job.failure.code,
            "message": job.failure.message,
            "error": job.failure.message,
        }
    return {
        "id": job.id,
        "status": job.status,
        "type": submission.type,
        "backend": submission.backend,
        "dry_run": submission.dry_run,
        "submitter_id": job.submitter_id,
        "project_id": job.project_id,
        "parent_job_id": None,
        "child_job_ids": None,
        "session_id": None,
        "metadata": submission.metadata,
        "name": submission.name,
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
        "stats": {
            "qubits": submission.program.num_qubits,
            "circuits": 1,
            "gate_counts": submission.gate_counts,
            "kwh": 0,
        },
        "results": {"probabilities": {"url": url}} if completed else None,
    }


def _iso_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
