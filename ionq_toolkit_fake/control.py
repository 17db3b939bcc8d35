"""The controls of a cloud on a server or under `mock_ionq`: paths below /_fake/, in plain JSON.

They need no API key and do not count as polls. Invalid requests get 400, and unknown paths 404, in
the form of IonQ's refusals.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import msgspec

from ionq_toolkit_fake import faults as kinds
from ionq_toolkit_fake.api.responses import Refusal, Response, internal_error, json_response
from ionq_toolkit_fake.clock import SystemClock, VirtualClock, iso
from ionq_toolkit_fake.cloud import FakeIonQ
from ionq_toolkit_fake.store.base import StateError
from ionq_toolkit_fake.transitions.rules import TransitionRule
from ionq_toolkit_fake.transitions.spec import end_from_data
from ionq_toolkit_fake.validation import only, unknown, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ionq_toolkit_fake.api.request import LoggedRequest
    from ionq_toolkit_fake.models.job import Job

logger = logging.getLogger(__name__)

#: The most jobs that the state lists, and the most rules and faults after one was added.
_MOST_LISTED, _MOST_AFTER_ADDING = 1000, 100

_PATH = re.compile(r"/_fake(/.*)?")

#: The largest body of a control.
MAX_CONTROL_BYTES = 64 * 1024


def takes(url: str) -> bool:
    """Return whether a request is for the controls, by its URL."""
    try:
        return _PATH.fullmatch(urlsplit(url).path) is not None
    except ValueError:
        return False


def answer(cloud: FakeIonQ, method: str, url: str, body: bytes) -> Response | None:
    """Return the response to a request for the controls of a cloud; None: it is not for them."""
    if not takes(url):
        return None
    with cloud.lock:
        path = unquote(urlsplit(url).path).rstrip("/")
        response = _response(cloud, method.upper(), path, body)
        if method.upper() not in {"GET", "HEAD"}:
            cloud.changes.note("controls")
        try:
            cloud.save()
        except StateError as error:
            response = Refusal(500, "Internal Server Error", str(error)).response()
    return response if method.upper() != "HEAD" else response._replace(body=b"")


FakeIonQ.controls = staticmethod(answer)


def index(_: FakeIonQ) -> object:
    """GET /_fake: the controls."""
    return {"controls": list(CONTROLS)}


def state(cloud: FakeIonQ) -> object:
    """GET /_fake/state: the seed, the time, the transitions, and jobs, the oldest first.

    They are the newest 1000; `job_count` is how many jobs there are.
    """
    cloud.settle()
    return {
        "seed": cloud.seed,
        "clock": clock(cloud),
        "transitions": cloud.transitions.as_list(),
        "job_count": sum(len(project.jobs) for project in cloud.projects),
        "jobs": [_job(one) for one in cloud.newest_jobs(_MOST_LISTED)],
    }


def reset(cloud: FakeIonQ, body: Mapping[str, Any]) -> object:
    """POST /_fake/reset: reset the cloud to its initial state."""
    only(body, (), "part of a reset")
    cloud.reset()
    return state(cloud)


def clock(cloud: FakeIonQ) -> object:
    """GET /_fake/clock: the time, and the seconds since the cloud began."""
    now = cloud.clock.now()
    virtual = isinstance(cloud.clock, VirtualClock)
    real = isinstance(cloud.clock, SystemClock)
    return {
        "clock": "virtual" if virtual else "real" if real else "another",
        "now": iso(now),
        "elapsed_s": (now - cloud.started_at).total_seconds(),
    }


def move_clock(cloud: FakeIonQ, body: Mapping[str, Any]) -> object:
    """POST /_fake/clock: ``{"seconds": 60}`` or ``{"until": "2026-01-02T00:00Z"}`` moves it on."""
    only(body, ("seconds", "until"), "way to move the clock")
    if len(body) != 1:
        raise ValueError("the clock is moved by seconds or until a moment: give one of them")
    if not isinstance(cloud.clock, VirtualClock):
        raise ValueError(  # noqa: TRY004 - nothing is wrong with a type
            "only a virtual clock can be moved: ionq-fake serve --clock virtual"
        )
    seconds = body.get("seconds")
    if "until" in body:
        seconds = (_moment(body["until"]) - cloud.clock.now()).total_seconds()
        if seconds < 0:
            raise ValueError(f"the time does not go back: it is {iso(cloud.clock.now())}")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise wrong("seconds", "a number", seconds)
    cloud.clock.sleep(seconds)
    return clock(cloud)


def transitions(cloud: FakeIonQ) -> object:
    """GET /_fake/transitions: those for all jobs, followed by the rules for some."""
    return {"transitions": cloud.transitions.as_list()}


def set_transitions(cloud: FakeIonQ, body: Mapping[str, Any]) -> object:
    """POST /_fake/transitions: set those of jobs that are submitted from now on."""
    cloud.transitions.add(TransitionRule.from_dict(body))
    return transitions(cloud)


def clear_transitions(cloud: FakeIonQ) -> object:
    """DELETE /_fake/transitions: forget those that were set."""
    cloud.transitions.clear()
    return transitions(cloud)


def faults(cloud: FakeIonQ) -> object:
    """GET /_fake/faults: the rules, their counts, and the faults that fired."""
    return _faults(cloud)


def _faults(cloud: FakeIonQ, most: int = 10_000) -> object:
    rules = [
        {
            "number": armed.number,
            **kinds.to_dict(armed.rule),
            "reached": armed.reached,
            "fired": armed.fired,
        }
        for armed in cloud.faults.rules[-most:]
    ]
    fired = [
        {"number": one.rule.number, "fault": one.fault.kind, "request": _request(one.request)}
        for one in cloud.faults.fired[-most:]
    ]
    return {"rules": rules, "fired": fired}


def add_fault(cloud: FakeIonQ, body: Mapping[str, Any]) -> object:
    """POST /_fake/faults: ``{"fault": "http", "status": 429, "on": "POST /jobs", "times": 2}``.

    The response is that of GET /_fake/faults with the newest 100 rules and faults.
    """
    cloud.faults.arm(kinds.from_dict(body))
    return _faults(cloud, most=_MOST_AFTER_ADDING)


def clear_faults(cloud: FakeIonQ) -> object:
    """DELETE /_fake/faults: remove all rules; the faults that fired stay listed."""
    cloud.faults.clear()
    return faults(cloud)


def requests(cloud: FakeIonQ) -> object:
    """GET /_fake/requests: the requests of clients, in order; the last 10 000."""
    return {"requests": [_request(one) for one in cloud.requests]}


def snapshot(cloud: FakeIonQ) -> Response:
    """GET /_fake/snapshot: everything that the cloud remembers, as a file that it can begin with.

    The body is not JSON: ``ionq-fake serve --state FILE`` takes it.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "snapshot.db"
        cloud.snapshot(file)
        return Response(200, {"content-type": "application/vnd.sqlite3"}, file.read_bytes())


def job(cloud: FakeIonQ, job_id: str) -> object:
    """GET /_fake/jobs/{id}: the job, without polling it."""
    return _job(cloud.peek(job_id))


def change_job(cloud: FakeIonQ, body: Mapping[str, Any], job_id: str) -> object:
    """POST /_fake/jobs/{id}: end, hold or release it.

    ``{"end": "completed"}``, or an end as transitions have it; ``{"hold": true}``, or a status;
    ``{"release": true}``.
    """
    only(body, ("end", "hold", "release"), "change of a job")
    if len(body) != 1:
        raise ValueError("give one of end, hold, release")
    ((change, value),) = body.items()
    if change == "end":
        cloud.end(job_id, end_from_data(value))
    elif change == "hold" and (value is True or isinstance(value, str)):
        cloud.hold(job_id, None if value is True else value)
    elif change == "release" and value is True:
        cloud.release(job_id)
    else:
        raise wrong(change, "true", value)
    return job(cloud, job_id)


#: Every control, by its method and path; the argument of a POST is its body.
CONTROLS: Mapping[str, Callable[..., object]] = {
    "GET /_fake": index,
    "GET /_fake/state": state,
    "POST /_fake/reset": reset,
    "GET /_fake/clock": clock,
    "POST /_fake/clock": move_clock,
    "GET /_fake/transitions": transitions,
    "POST /_fake/transitions": set_transitions,
    "DELETE /_fake/transitions": clear_transitions,
    "GET /_fake/faults": faults,
    "POST /_fake/faults": add_fault,
    "DELETE /_fake/faults": clear_faults,
    "GET /_fake/requests": requests,
    "GET /_fake/snapshot": snapshot,
    "GET /_fake/jobs/<job_id>": job,
    "POST /_fake/jobs/<job_id>": change_job,
}


def _response(cloud: FakeIonQ, method: str, path: str, body: bytes) -> Response:
    try:
        handler, job_ids = _route(method, path)
        decoded = _decoded(body)
        bodies = [decoded] if method == "POST" else []
        found = handler(cloud, *bodies, *job_ids)
        return found if isinstance(found, Response) else json_response(found)
    except Refusal as refusal:
        return refusal.response()
    except ValueError as error:
        return Refusal(400, "Bad Request", str(error)).response()
    except Exception:
        logger.exception("no answer to %s %s", method, path)
        return internal_error().response()


def _route(method: str, path: str) -> tuple[Callable[..., object], list[str]]:
    job_ids = re.findall("^/_fake/jobs/([^/]+)$", path)
    name = f"{method} {'/_fake/jobs/<job_id>' if job_ids else path}"
    if name not in CONTROLS:
        raise Refusal(404, "Not Found Error", str(unknown("control", name, CONTROLS)))
    return CONTROLS[name], job_ids


def _decoded(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_CONTROL_BYTES:
        message = f"the body of a control is at most {MAX_CONTROL_BYTES} bytes"
        raise Refusal(413, "Payload Too Large", message)
    try:
        return msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"the body must be a JSON object: {error}") from error


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError as error:
        raise wrong("until", "a date and time", text) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _request(one: LoggedRequest) -> dict[str, Any]:
    return {**one._asdict(), "at": iso(one.at)}


def _job(one: Job) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "status": one.status,
        "backend": one.submission.device.name,
        "parent_job_id": one.parent_id,
        "project_id": one.owner.project_id,
        "held": one.position.held_at is not None,
    }
