"""/sessions: create, read, list and end sessions, and list their jobs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from ionq_toolkit_fake.api import jobs, query
from ionq_toolkit_fake.api.payload import target
from ionq_toolkit_fake.api.request import decode
from ionq_toolkit_fake.api.responses import Refusal, bad_request, not_found
from ionq_toolkit_fake.clock import iso, iso_or_none
from ionq_toolkit_fake.models.accounts import ORGANIZATION

if TYPE_CHECKING:
    from ionq_toolkit_fake.api.request import Request
    from ionq_toolkit_fake.models.sessions import Session

_MAX_INTEGER = 2**31 - 1


class _CostLimit(msgspec.Struct):
    value: float | str
    unit: str = "usd"


class _SessionSettings(msgspec.Struct):
    #: qiskit-ionq documents that numbers may be strings.
    job_count_limit: int | str | None = None
    duration_limit_min: int | str | None = None
    cost_limit: _CostLimit | None = None


class _Create(msgspec.Struct):
    backend: str
    settings: _SessionSettings | None = None


def create(request: Request) -> object:
    """POST /sessions. The simulator has them too: IonQ's own tests of ionq-core open one."""
    body = decode(request.body, _Create, "")
    target(request, body.backend)
    _check_capacity(request, body.backend)
    settings = body.settings or _SessionSettings()
    limit = settings.cost_limit
    session = request.project.sessions.create(
        body.backend,
        request.owner,
        job_count_limit=_positive(settings.job_count_limit, "settings.job_count_limit"),
        duration_limit_min=_positive(settings.duration_limit_min, "settings.duration_limit_min"),
        cost_limit=None if limit is None else _amount(limit.value, "settings.cost_limit.value"),
        cost_unit="usd" if limit is None else limit.unit,
    )
    return _body(session)


def list_all(request: Request) -> object:
    """GET /sessions: all of them, or those that are active, or those that are not."""
    active = query.boolean(request, "active")
    sessions = request.project.sessions
    found = sessions.active() if active else sessions
    bodies = [_body(one) for one in found if active is not False or one.ended_at is not None]
    return {"organization_id": ORGANIZATION, "sessions": bodies}


def get(request: Request) -> object:
    """GET /sessions/{id}."""
    return _body(_found(request))


def end(request: Request) -> object:
    """POST /sessions/{id}/end. A session that has ended stays as it is."""
    session = _found(request)
    request.project.sessions.end(session, request.owner)
    return _body(session)


def list_jobs(request: Request) -> object:
    """GET /sessions/{id}/jobs: GET /jobs for one session."""
    return jobs.listing(request, _found(request).id)


def _found(request: Request) -> Session:
    session = request.project.sessions.find(request.arguments["session_id"])
    if session is None:
        raise not_found()
    return session


def _check_capacity(request: Request, backend: str) -> None:
    """Refuse a session with 409 while as many are active as the QPU has room for."""
    capacity = request.facility.session_capacity
    if capacity is None:
        return
    active = sum(project.sessions.active_on(backend) for project in request.projects)
    if active >= capacity:
        raise Refusal(409, "Conflict", f"There is no capacity for a session on {backend} now.")


def _amount(value: float | str, key: str) -> float:
    try:
        amount = float(value)
    except ValueError as error:
        raise bad_request(f"{key} must be of type number", key) from error
    if not 0 < amount < math.inf:
        raise bad_request(f"{key} must be greater than 0", key)
    return amount


def _positive(value: int | str | None, key: str) -> int | None:
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= 10):  # noqa: PLR2004 - fits
            raise bad_request(f"{key} must be of type integer", key)
        value = int(value)
    if value is not None and not 1 <= value <= _MAX_INTEGER:
        raise bad_request(f"{key} must be between 1 and {_MAX_INTEGER}", key)
    return value


def _body(session: Session) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if session.job_count_limit is not None:
        settings["job_count_limit"] = session.job_count_limit
    if session.duration_limit_min is not None:
        settings["duration_limit_min"] = session.duration_limit_min
    if session.cost_limit is not None:
        settings["cost_limit"] = {"unit": session.cost_unit, "value": session.cost_limit}
    if session.expires_at is not None:
        settings["expires_at"] = iso(session.expires_at)
    return {
        "id": session.id,
        "created_at": iso(session.created_at),
        "organization_id": ORGANIZATION,
        "backend": session.backend,
        "project_id": session.creator.project_id,
        "creator_id": session.creator.submitter_id,
        "ended_at": iso_or_none(session.ended_at),
        "ender_id": session.ender_id,
        "settings": settings,
        "active": session.ended_at is None,
        "status": session.status,
        "started_at": iso_or_none(session.started_at),
    }
