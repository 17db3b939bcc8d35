"""/jobs: submit, read, list, clone, move, cancel and delete jobs."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.api import query, record
from ionq_toolkit_fake.api.large import LARGE_BYTES, Later
from ionq_toolkit_fake.api.payload import read_clone, read_ids, read_submission
from ionq_toolkit_fake.api.responses import Refusal, bad_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ionq_toolkit_fake.api.request import Request
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.models.submission import Submission


#: How many jobs a page has: schema pagination-limit of the API document; and the largest number
#: that a program that works was seen to ask for.
MIN_PAGE, MAX_PAGE, MAX_PAGE_SEEN = 1, 25, 250


def create(request: Request) -> object:
    """POST /jobs."""
    return _created(request, read_submission(request))


def clone(request: Request) -> object:
    """POST /jobs/{id}/clone: a new job of the same input, with the changes of the body."""
    return _created(request, read_clone(request, _named(request)))


def move(request: Request) -> object:
    """POST /jobs/{id}/move: a clone that replaces the original.

    IonQ does not publish how it moves a job. Here the original is canceled. A job that has started
    or is final cannot be moved, and neither can a child.
    """
    job = _named(request)
    if job.parent_id is not None or job.status not in {"submitted", "ready"}:
        raise Refusal(400, "Bad Request", f"A job that is {job.status} cannot be moved.")
    return _created(request, read_clone(request, job, replacing=job), replacing=job)


def get(request: Request) -> object:
    """GET /jobs/{id}."""
    job = request.project.jobs.poll(request.arguments["job_id"])
    return record.full(request.found(job), request)


def listing(request: Request, session_id: str | None = None) -> object:
    """GET /jobs: a page; see `page`."""
    found = page(request, session_id)
    size = sum(map(_size, found["jobs"]))
    return Later(lambda: found) if size > LARGE_BYTES else found


def _size(body: Mapping[str, Any]) -> int:
    """Return how many characters the metadata of a record has: the rest of it is small."""
    metadata = body["metadata"] or {}
    return sum(len(value) for value in metadata.values() if isinstance(value, str))


def page(request: Request, session_id: str | None = None) -> dict[str, Any]:
    """Return a page of the project's jobs, newest first, and the id that the next begins with.

    Child jobs are listed only if the query names their parent or their ids. A filter by an unknown
    status or session finds no jobs: IonQ's response to it is not known. Unknown parameters are
    ignored.

    Args:
        request: The request.
        session_id: List only the jobs of this session.
    """
    most = MAX_PAGE_SEEN if "list-limit" in request.deviations else MAX_PAGE
    limit = query.integer(request, "limit", MAX_PAGE, MIN_PAGE, most)
    jobs = request.project.jobs
    jobs.poll_several(query.several(request, "ids"))  # to ask for jobs by name is to poll them
    jobs.ask()
    start, newest = query.text(request, "next"), None
    if start:  # found before anything is filtered: its status may have changed since
        first = jobs.peek(start)
        if first is None:
            raise bad_query("next is not the id of a batch", "next")
        newest = first.number
    found = list(islice(_matching(request, newest, session_id), limit + 1))
    following = found[limit].id if len(found) > limit else None
    bodies = [record.base(job, request) for job in found[:limit]]
    return {"jobs": bodies, "next": following}


def cancel(request: Request) -> object:
    """PUT /jobs/{id}/status/cancel. A failed job stays failed; the response is the same."""
    job = request.found(request.project.jobs.cancel(request.arguments["job_id"]))
    return {"id": job.id, "status": "canceled"}


def cancel_several(request: Request) -> object:
    """PUT /jobs/status/cancel: 404 if one of the jobs does not exist, and then none changes."""
    return _changed(request, request.project.jobs.cancel, "canceled")


def delete(request: Request) -> object:
    """DELETE /jobs/{id}. From then on, requests for the job get 404."""
    job = request.found(request.project.jobs.delete(request.arguments["job_id"]))
    return {"id": job.id, "status": "deleted"}


def delete_several(request: Request) -> object:
    """DELETE /jobs: 404 if one of the jobs does not exist, and then none is deleted."""
    return _changed(request, request.project.jobs.delete, "deleted")


def _created(request: Request, submission: Submission, *, replacing: Job | None = None) -> object:
    job = request.project.submit(submission, request.owner, replacing=replacing)
    return {"id": job.id, "status": "submitted", "session_id": submission.session_id}


def _named(request: Request) -> Job:
    """Return the job of the path as it was last shown: a clone does not move it on."""
    return request.found(request.project.jobs.peek(request.arguments["job_id"]))


def _matching(request: Request, newest: int | None, session_id: str | None) -> Iterator[Job]:
    """Yield the jobs that pass every filter of the query, the newest first.

    Args:
        request: The request.
        newest: The number of the first job; None: begin with the newest.
        session_id: Only jobs of this session; None: of any, and those without.
    """
    jobs = request.project.jobs
    names = ("status", "target", "submitter_id", "session_id", "ids", "parent_job_id")
    wanted = {name: set(query.several(request, name)) for name in names if name in request.query}
    if session_id is not None:
        wanted["session_id"] = {session_id} & wanted.get("session_id", {session_id})
    if not {"ids", "parent_job_id"} & set(wanted):
        yield from jobs.search(
            newest=newest,
            statuses=wanted.get("status", ()),
            targets=wanted.get("target", ()),
            submitters=wanted.get("submitter_id", ()),
            sessions=wanted.get("session_id"),
        )
        return
    if "ids" in wanted:
        named = [jobs.peek(one) for one in wanted["ids"]]
        found = [job for job in named if job is not None]
    else:
        parents = [jobs.peek(one) for one in wanted["parent_job_id"]]
        found = [child for parent in parents if parent is not None for child in parent.children]
    for job in sorted(found, key=lambda job: -job.number):
        shown = {
            "ids": job.id,
            "status": job.status,
            "target": job.submission.device.name,
            "parent_job_id": job.parent_id,
            "session_id": job.submission.session_id,
            "submitter_id": job.owner.submitter_id,
        }
        if (newest is None or job.number <= newest) and all(
            shown[name] in values for name, values in wanted.items()
        ):
            yield job


def _changed(request: Request, change: Callable[[str], object], status: str) -> object:
    """Change each job that the body names, or refuse before the first if one does not exist."""
    ids = read_ids(request.body)
    for job_id in ids:
        request.found(request.project.jobs.find(job_id))
    for job_id in ids:
        change(job_id)
    return {"ids": ids, "status": status}
