"""/jobs: submit, read, list, clone, move, cancel, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ionq_toolkit_fake.api import query, record
from ionq_toolkit_fake.api.payload import read_clone, read_ids, read_submission
from ionq_toolkit_fake.api.responses import Refusal, bad_query, json_response, not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from ionq_toolkit_fake.api.request import Request
    from ionq_toolkit_fake.api.responses import Response
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.models.submission import Submission


#: How many jobs a page has: schema pagination-limit of the API document.
MIN_PAGE, MAX_PAGE = 1, 25


def create(request: Request) -> Response:
    """POST /jobs."""
    return _created(request, read_submission(request, request.body))


def clone(request: Request) -> Response:
    """POST /jobs/{id}/clone: another job of the same input, with the changes that are asked for."""
    return _created(request, read_clone(request, _named(request), request.body))


def move(request: Request) -> Response:
    """POST /jobs/{id}/move: as a clone, in the place of the original.

    What IonQ does is not published. Here the original is canceled; one that has started or is
    final cannot be moved, nor a child.
    """
    job = _named(request)
    if job.parent_id is not None or job.status not in {"submitted", "ready"}:
        raise Refusal(400, "Bad Request", f"A job that is {job.status} cannot be moved.")
    return _created(request, read_clone(request, job, request.body, replacing=job), replacing=job)


def get(request: Request) -> Response:
    """GET /jobs/{id}."""
    job = _found(request.project.jobs.poll(request.parameters["job_id"]))
    return json_response(record.full(job, request.cloud))


def list_some(request: Request) -> Response:
    """GET /jobs: the newest first, as many as asked for, and the id that the next page begins with.

    Child jobs are shown to those who ask for them, by their parent or their ids. Filters by a
    status or a session that there is not find nothing: what IonQ makes of them is not known.
    Parameters that there are not are let pass.
    """
    return listing(request)


def listing(request: Request, session_id: str | None = None) -> Response:
    """Return a page of the project's jobs, or of those of a session."""
    limit = query.integer(request, "limit", MAX_PAGE, MIN_PAGE, MAX_PAGE)
    jobs = list(request.project.jobs)
    start = query.text(request, "next")
    if start:  # found before anything is filtered: its status may have changed since
        ids = [job.id for job in jobs]
        if start not in ids:
            raise bad_query("next is not the id of a batch", "next")
        jobs = jobs[ids.index(start) :]
    jobs = [
        job
        for job in jobs
        if _matches(job, request) and session_id in {None, job.submission.session_id}
    ]
    following = jobs[limit].id if len(jobs) > limit else None
    bodies = [record.base(job, request.cloud) for job in jobs[:limit]]
    return json_response({"jobs": bodies, "next": following})


def cancel(request: Request) -> Response:
    """PUT /jobs/{id}/status/cancel. A job that has failed stays so; the reply is the same."""
    job = _found(request.project.jobs.cancel(request.parameters["job_id"]))
    return json_response({"id": job.id, "status": "canceled"})


def cancel_several(request: Request) -> Response:
    """PUT /jobs/status/cancel: all of them or, if one is not there, none."""
    return _changed(request, request.project.jobs.cancel, "canceled")


def delete(request: Request) -> Response:
    """DELETE /jobs/{id}: from then on, it is not there."""
    job = _found(request.project.jobs.delete(request.parameters["job_id"]))
    return json_response({"id": job.id, "status": "deleted"})


def delete_several(request: Request) -> Response:
    """DELETE /jobs: all of them or, if one is not there, none."""
    return _changed(request, request.project.jobs.delete, "deleted")


def _created(request: Request, submission: Submission, *, replacing: Job | None = None) -> Response:
    job = request.project.submit(submission, request.owner, replacing=replacing)
    body = {"id": job.id, "status": "submitted", "session_id": submission.session_id}
    return json_response(body, 201)


def _named(request: Request) -> Job:
    """Return the job that the path names, as it was last shown: being cloned moves none on."""
    return _found(request.project.jobs.peek(request.parameters["job_id"]))


def _matches(job: Job, request: Request) -> bool:
    """Return whether a job passes every filter of the query."""
    shown = {
        "ids": job.id,
        "status": job.status,
        "target": job.submission.device.name,
        "parent_job_id": job.parent_id,
        "session_id": job.submission.session_id,
        "submitter_id": job.owner.submitter_id,
    }
    if job.parent_id is not None and not {"ids", "parent_job_id"} & set(request.query):
        return False
    for name, value in shown.items():
        wanted = query.several(request, name)
        if wanted and value not in wanted:
            return False
    return True


def _changed(request: Request, change: Callable[[str], object], status: str) -> Response:
    """Change each job that the body names; refuse before the first if one is not there."""
    ids = read_ids(request.body)
    for job_id in ids:
        _found(request.project.jobs.find(job_id))
    for job_id in ids:
        change(job_id)
    return json_response({"ids": ids, "status": status})


def _found(job: Job | None) -> Job:
    if job is None:
        raise not_found()
    return job
