"""The controls of a cloud on a server or under `mock_ionq`: paths below /_fake/, in plain JSON.

They need no API key and do not count as polls. Invalid requests get 400, and unknown paths 404, in
the form of IonQ's refusals.
"""

from __future__ import annotations

import functools
import heapq
import importlib.metadata
import logging
import operator
import re
from collections import Counter
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from itertools import dropwhile, islice, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
import numpy as np

from ionq_toolkit_fake import faults as kinds
from ionq_toolkit_fake.api.responses import Refusal, Response, internal_error, json_response
from ionq_toolkit_fake.clock import SystemClock, VirtualClock, iso, iso_or_none
from ionq_toolkit_fake.cloud import FakeIonQ
from ionq_toolkit_fake.simulation.outcome import Distribution
from ionq_toolkit_fake.store.base import StateError
from ionq_toolkit_fake.transitions.rules import TransitionRule
from ionq_toolkit_fake.transitions.spec import end_from_data
from ionq_toolkit_fake.validation import only, unknown, whole, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ionq_toolkit_fake.api.request import LoggedRequest
    from ionq_toolkit_fake.models.job import Job

logger = logging.getLogger(__name__)

#: The most jobs of one list and of the state, and the most rules and faults after one was added.
_MOST_LISTED, _MOST_IN_STATE, _MOST_AFTER_ADDING = 1000, 200, 100

#: The most requests that one list has, and the most outcomes of a job's record.
_MOST_REQUESTS, _MOST_OUTCOMES = 10_000, 1000

#: The header of every response to a control: the version of the server.
VERSION_HEADER = "x-ionq-fake-version"

_PATH = re.compile(r"/_fake(/.*)?")

#: It takes the lock for a moment by itself: others need not wait until a large file is copied.
_WITHOUT_LOCK = "GET /_fake/snapshot"

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
    path = unquote(urlsplit(url).path).rstrip("/")
    waits = f"{method.upper()} {path}" != _WITHOUT_LOCK
    with cloud.lock if waits else nullcontext():
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        asked = "GET" if method.upper() == "HEAD" else method.upper()
        response = _response(cloud, asked, path, query, body)
        if asked != "GET":
            cloud.changes.note("controls")
        try:
            cloud.save()
        except StateError as error:
            response = Refusal(500, "Internal Server Error", str(error)).response()
    response.headers[VERSION_HEADER] = version()
    return response if method.upper() != "HEAD" else response.without_body()


FakeIonQ.controls = staticmethod(answer)


@functools.cache
def version() -> str:
    """Return the version of this package, or "unknown" if it is not installed."""
    try:
        return importlib.metadata.version("ionq-toolkit")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def index(_: FakeIonQ) -> object:
    """GET /_fake: the controls."""
    return {"controls": list(CONTROLS)}


def status(cloud: FakeIonQ) -> object:
    """GET /_fake/status: the version, the seed, the clock, the backends, and how much is kept."""
    cloud.settle()
    counts: Counter[str] = Counter()
    for project in cloud.projects:
        project.jobs.ask()
        counts.update(project.jobs.index.counts())
    return {
        "version": version(),
        "seed": cloud.seed,
        "started_at": iso(cloud.started_at),
        "clock": clock(cloud),
        "takes_every_key": cloud.takes_every_key,
        "projects": len(cloud.projects),
        "jobs": dict(sorted(counts.items())),
        "requests": len(cloud.requests),
        "fault_rules": sum(not armed.spent for armed in cloud.faults.rules),
        "faults_fired": len(cloud.faults.fired),
        "transition_rules": len(cloud.transitions.as_list()) - 1,
        "backends": {one.name: one.status for one in cloud.facility.devices.values()},
    }


def state(cloud: FakeIonQ) -> object:
    """GET /_fake/state: the seed, the time, the transitions, and jobs, the oldest first.

    They are the newest 200; `job_count` is how many jobs there are, and /_fake/jobs has them all.
    """
    cloud.settle()
    return {
        "seed": cloud.seed,
        "clock": clock(cloud),
        "transitions": cloud.transitions.as_list(),
        "job_count": sum(len(project.jobs) for project in cloud.projects),
        "jobs": [_job(one) for one in cloud.newest_jobs(_MOST_IN_STATE)],
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


def clear_fault(cloud: FakeIonQ, number: str) -> object:
    """DELETE /_fake/faults/{number}: remove one rule."""
    armed = cloud.faults.find(int(number)) if _DIGITS.fullmatch(number) else None
    if armed is None:
        raise unknown("rule", number, [str(one.number) for one in cloud.faults.rules])
    cloud.faults.remove(armed)
    return _faults(cloud, most=_MOST_AFTER_ADDING)


def requests(cloud: FakeIonQ, query: Mapping[str, str]) -> object:
    """GET /_fake/requests: the requests of clients, in order; the last 10 000.

    ``?limit=20`` returns the last 20, ``?after=REQUEST_ID`` those after one, if it is still known.
    """
    only(query, ("limit", "after"), "parameter of a list of requests")
    limit, after = _limit(query, "limit", _MOST_REQUESTS, _MOST_REQUESTS), query.get("after")
    newest = takewhile(lambda one: one.request_id != after, reversed(cloud.requests))
    return {"requests": [_request(one) for one in islice(newest, limit)][::-1]}


def snapshot(cloud: FakeIonQ) -> Response:
    """GET /_fake/snapshot: everything that the cloud remembers, as a file that it can begin with.

    The body is not JSON: ``ionq-fake serve --state FILE`` takes it.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "snapshot.db"
        cloud.snapshot(file)
        return Response(200, {"content-type": "application/vnd.sqlite3"}, file.read_bytes())


def jobs(cloud: FakeIonQ, query: Mapping[str, str]) -> object:
    """GET /_fake/jobs: a page of the jobs of all projects, the newest first; no child jobs.

    ``?limit=25&status=failed&backend=simulator&next=ID``; ``next`` is that of the page before.
    """
    only(query, ("limit", "status", "backend", "next"), "parameter of a list of jobs")
    cloud.settle()
    for project in cloud.projects:
        project.jobs.ask()
    statuses = [query["status"]] if "status" in query else []
    targets = [query["backend"]] if "backend" in query else []
    for target in targets:
        if target not in cloud.facility.devices:
            raise unknown("backend", target, cloud.facility.devices)
    limit = _limit(query, "limit", 25, _MOST_LISTED)
    first = cloud.peek(query["next"]) if "next" in query else None
    ids: list[Iterator[str]] = []
    passed = False
    for project in cloud.projects:
        own = first is not None and project.id == first.owner.project_id
        newest = first.number if first is not None and own else None
        found = project.jobs.index.find(newest=newest, statuses=statuses, targets=targets)
        if first is not None and not own:  # of one moment, those of earlier projects were before it
            since = operator.gt if passed else operator.ge
            found = dropwhile(partial(_is_after, since, first.id), found)
        passed |= own
        ids.append(found)
    page = list(islice(heapq.merge(*ids, key=_moment_of, reverse=True), limit + 1))
    return {
        "jobs": [_listed(cloud.peek(one)) for one in page[:limit]],
        "next": page[limit] if len(page) > limit else None,
    }


def _moment_of(job_id: str) -> str:
    """Return the part of a job's id that is the time of its submission: RFC 9562, version 7."""
    return job_id[:13]


def _is_after(since: Callable[[str, str], bool], first: str, job_id: str) -> bool:
    return since(_moment_of(job_id), _moment_of(first))


def delete_job(cloud: FakeIonQ, job_id: str) -> object:
    """DELETE /_fake/jobs/{id}: forget the job and its children, as DELETE /jobs/{id} does."""
    deleted = job(cloud, job_id)
    cloud.delete(job_id)
    return deleted


def job_record(cloud: FakeIonQ, query: Mapping[str, str], job_id: str) -> object:
    """GET /_fake/jobs/{id}/record: the record that the API shows, and the most frequent outcomes.

    It does not poll the job. ``?outcomes=32`` are as many outcomes, in the order of their bit
    strings, qubit 0 last; `count` is null for an exact simulation.
    """
    only(query, ("outcomes",), "parameter of a record")
    most = _limit(query, "outcomes", 32, _MOST_OUTCOMES)
    record = cloud.record(job_id)
    one = cloud.peek(job_id)
    outcome = one.outcome if one.status == "completed" else None
    if outcome is None or outcome.distribution is None:
        return {"record": record, "outcome_count": 0, "outcomes": []}
    shots = outcome.shots
    total = None if shots is None else len(shots)
    found = outcome.distribution if shots is None else Distribution.of_shots(shots)
    chances = found.probabilities
    kept = np.arange(len(chances))
    if len(chances) > most:
        kept = np.sort(np.argpartition(-chances, most)[:most])
    bits = [bit for bits in outcome.registers.values() for bit in bits if bit is not None]
    width = max(bits, default=0) + 1
    outcomes = [
        {
            "outcome": format(int(found.outcomes[place]), f"0{width}b"),
            "probability": float(chances[place]),
            "count": None if total is None else round(float(chances[place]) * total),
        }
        for place in kept.tolist()
    ]
    return {"record": record, "outcome_count": len(chances), "outcomes": outcomes}


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
    "GET /_fake/status": status,
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
    "DELETE /_fake/faults/<number>": clear_fault,
    "GET /_fake/requests": requests,
    "GET /_fake/snapshot": snapshot,
    "GET /_fake/jobs": jobs,
    "GET /_fake/jobs/<job_id>": job,
    "POST /_fake/jobs/<job_id>": change_job,
    "DELETE /_fake/jobs/<job_id>": delete_job,
    "GET /_fake/jobs/<job_id>/record": job_record,
}

#: The controls that read the query; the others ignore it.
_WITH_QUERY = frozenset({jobs, requests, job_record})

#: A number, not too long to be one of ours.
_DIGITS = re.compile("[0-9]{1,9}")

#: A path with the id of a job or the number of a rule.
_ONE = re.compile(r"/_fake/(jobs|faults)/([^/]+)(/record)?")


def _response(
    cloud: FakeIonQ, method: str, path: str, query: Mapping[str, str], body: bytes
) -> Response:
    try:
        handler, names = _route(method, path)
        decoded = _decoded(body)
        queries = [query] if handler in _WITH_QUERY else []
        bodies = [decoded] if method == "POST" else []
        found = handler(cloud, *queries, *bodies, *names)
        return found if isinstance(found, Response) else json_response(found)
    except Refusal as refusal:
        return refusal.response()
    except ValueError as error:
        return Refusal(400, "Bad Request", str(error)).response()
    except Exception:
        logger.exception("no answer to %s %s", method, path)
        return internal_error().response()


def _route(method: str, path: str) -> tuple[Callable[..., object], list[str]]:
    one = _ONE.fullmatch(path)
    name, names = f"{method} {path}", []
    if one is not None:
        variable = "<job_id>" if one[1] == "jobs" else "<number>"
        name, names = f"{method} /_fake/{one[1]}/{variable}{one[3] or ''}", [one[2]]
    if name not in CONTROLS:
        raise Refusal(404, "Not Found Error", str(unknown("control", name, CONTROLS)))
    return CONTROLS[name], names


def _limit(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name, str(default))
    return whole(name, int(text) if _DIGITS.fullmatch(text) else text, 1, most)


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


def _listed(one: Job) -> dict[str, Any]:
    failure = one.failure
    return {
        **_job(one),
        "type": one.type,
        "shots": one.submission.shots,
        "submitted_at": iso(one.submitted_at),
        "completed_at": iso_or_none(one.completed_at),
        "failure": None if failure is None else {"code": failure.code, "message": failure.message},
    }
