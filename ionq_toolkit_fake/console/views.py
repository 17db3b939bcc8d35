"""The data of the console: what a cloud has, as plain data, without changing it."""

from __future__ import annotations

import heapq
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec
import numpy as np

from ionq_toolkit_fake import control
from ionq_toolkit_fake.api import backends as backends_api
from ionq_toolkit_fake.api import billing
from ionq_toolkit_fake.api import sessions as sessions_api
from ionq_toolkit_fake.api.request import Request
from ionq_toolkit_fake.clock import give_way, iso, iso_or_none
from ionq_toolkit_fake.console import snippets
from ionq_toolkit_fake.console.recorder import recorder
from ionq_toolkit_fake.models.accounts import ORGANIZATION
from ionq_toolkit_fake.simulation.outcome import Optimum, Outcome, Value
from ionq_toolkit_fake.simulation.program import Program, Qasm3
from ionq_toolkit_fake.transitions.lifecycle import FINAL, LIFECYCLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.models.project import Project
    from ionq_toolkit_fake.simulation.program import Gate

#: The most jobs and requests on a page, outcomes of a histogram, gates of a drawing, child jobs.
MOST_ROWS, MOST_OUTCOMES, MOST_GATES, MOST_CHILDREN = 200, 1024, 1000, 200

#: How many jobs a search reads from the store: each takes up to a millisecond.
MOST_READ = 2000

#: The longest source that is shown, in characters.
MOST_SOURCE = 64 * 1024

#: The id of a job, and its project.
_Listed: TypeAlias = "tuple[str, Project]"

#: How many jobs are read under the lock of the cloud at once.
_CHUNK = 500


class Missing(Exception):  # noqa: N818 - a 404, not an error of the console
    """There is no such job or request."""


class JobFilter(NamedTuple):
    """Which jobs to list; empty fields take all.

    Attributes:
        statuses: Their statuses.
        backends: Their backends.
        text: A part of their id, name, metadata, failure code or project.
    """

    statuses: Collection[str] = ()
    backends: Collection[str] = ()
    text: str = ""

    def has_text(self, job: Job) -> bool:
        """Return whether a job has the text, beside its id."""
        wanted, failure = self.text, job.failure
        return (
            (job.name is not None and wanted in job.name.lower())
            or (failure is not None and wanted in failure.code.lower())
            or wanted in job.owner.access.project.lower()
            or any(wanted in value.lower() for value in (job.submission.metadata or {}).values())
        )


class _Search:
    """A search for a text, which reads a number of jobs from the store and no more."""

    def __init__(self, cloud: FakeIonQ, wanted: JobFilter) -> None:
        self._cloud, self._wanted = cloud, wanted
        self.left = MOST_READ

    def takes(self, listed: _Listed) -> bool:
        """Return whether a job has the text, as far as that is known without reading too many."""
        job_id, project = listed
        if self._wanted.text in job_id:
            return True
        with self._cloud.lock:
            here = project.jobs.is_here(job_id)
            if not here and self.left == 0:
                return False
            self.left -= not here
            job = project.jobs.peek(job_id)
        return job is not None and self._wanted.has_text(job)


def settle(cloud: FakeIonQ) -> None:
    """Move on the jobs whose time has come and those that go on when asked for, as a list does."""
    with cloud.lock:
        cloud.settle()
        for project in cloud.projects:
            project.jobs.ask()


def summary(cloud: FakeIonQ) -> dict[str, Any]:
    """Return the clock, and how many jobs there are of each status."""
    with cloud.lock:
        sizes: Counter[str] = Counter()
        for project in cloud.projects:
            sizes.update(project.jobs.index.counts())
        return {
            "clock": control.clock(cloud),
            "counts": sizes,
            "total": sizes.total(),
            "requests": len(cloud.requests),
            "rules": sum(not armed.spent for armed in cloud.faults.rules),
            "transitions": len(cloud.transitions.rules),
        }


def jobs(cloud: FakeIonQ, wanted: JobFilter, offset: int, limit: int) -> dict[str, Any]:
    """Return a page of the jobs of all projects that are no children, the newest first.

    Args:
        cloud: The cloud.
        wanted: Which jobs.
        offset: How many of them to leave out, the newest.
        limit: The most jobs of the page.

    Returns:
        `jobs`; `more`: whether there are further ones; `partial`: whether the text was looked for
        in the newest jobs alone, and otherwise in ids, because the others are in the store.
    """
    wanted = wanted._replace(text=wanted.text.strip().lower())
    settle(cloud)
    streams = [_ids_of(cloud, project, wanted) for project in cloud.projects]
    # An id begins with the time at which the job was submitted.
    found: Iterable[_Listed] = heapq.merge(*streams, key=lambda one: one[0][:13], reverse=True)
    if len(streams) == 1:
        found = streams[0]
    search = _Search(cloud, wanted)
    if wanted.text:
        found = filter(search.takes, found)
    page = list(islice(found, offset, offset + limit + 1))
    with cloud.lock:
        jobs = [project.jobs.peek(job_id) for job_id, project in page[:limit]]
        rows = [_row(job) for job in jobs if job is not None]
        cloud.save()  # leaves jobs to the store that were read from it
    partial = search.left == 0
    return {"jobs": rows, "more": len(page) > limit, "partial": partial, **summary(cloud)}


def _ids_of(cloud: FakeIonQ, project: Project, wanted: JobFilter) -> Iterator[_Listed]:
    """Yield the ids of a project's jobs, the newest first. The lock is held for some at a time."""
    newest: int | None = None
    while True:
        with cloud.lock:
            found = project.jobs.index.find(
                newest=newest, statuses=wanted.statuses, targets=wanted.backends
            )
            chunk = list(islice(found, _CHUNK))
            last = project.jobs.peek(chunk[-1]) if len(chunk) == _CHUNK else None
        yield from ((job_id, project) for job_id in chunk)
        if last is None:
            return
        newest = last.number - 1
        give_way()  # other threads wait for the lock


def _row(job: Job) -> dict[str, Any]:
    submission = job.submission
    return {
        "id": job.id,
        "name": job.name,
        "status": job.status,
        "type": job.type,
        "backend": submission.device.name,
        "shots": None if submission.is_exact else submission.shots,
        "project": job.owner.access.project,
        "submitted_at": iso(job.submitted_at),
        "cost": job.cost if job.ran and submission.device.price is not None else None,
        "failure": None if job.failure is None else job.failure._asdict(),
        "held": job.position.held_at is not None,
        "children": len(job.children),
        "dry_run": submission.is_rehearsal,
        "final": job.status in FINAL,
    }


def job(cloud: FakeIonQ, job_id: str, base: str) -> dict[str, Any]:
    """Return everything about a job: row, record, timeline, circuit, source, copies, children.

    Args:
        cloud: The cloud.
        job_id: Its id.
        base: The base URL of the API, for the copies.

    Raises:
        Missing: There is no such job.
    """
    settle(cloud)
    with cloud.lock:
        one = _find(cloud, job_id)
        source = one.submission.source.decode("utf-8", "replace")
        return {
            **_row(one),
            "record": cloud.record(job_id),
            "price": one.price if one.submission.device.price is not None else None,
            "timeline": _timeline(one),
            "parent": one.parent_id,
            "metadata": one.submission.metadata or {},
            "circuit": _circuit(one),
            "compiled": _compiled(one),
            "source": source[:MOST_SOURCE],
            "source_size": len(source),
            "copies": snippets.of_job(one, base),
            "child_jobs": [_row(child) for child in one.children[:MOST_CHILDREN]],
            "has_histogram": one.outcome is not None and one.outcome.distribution is not None,
            "value": _value(one),
        }


def _find(cloud: FakeIonQ, job_id: str) -> Job:
    for project in cloud.projects:
        found = project.jobs.peek(job_id)
        if found is not None:
            return found
    raise Missing(f"There is no job {job_id:.60}")


def _timeline(one: Job) -> list[dict[str, Any]]:
    """Return the statuses of a job in order, each with its moment, up to its end.

    `current` marks the status that it shows. Those after it are expected `at` their moments, or at
    no known time.
    """
    entered, *_ = one.position
    open_statuses = LIFECYCLE[:-1]
    if one.status in FINAL:
        end = one.planned_end.place if one.status == one.planned_end.status else len(entered)
        reached = open_statuses[: min(end, len(open_statuses))]
        steps = [
            (status, entered[n] if n < len(entered) else None) for n, status in enumerate(reached)
        ]
        last = one.completed_at or (entered[len(reached)] if len(entered) > len(reached) else None)
        steps.append((one.status, last))
        current = len(steps) - 1
    else:
        steps = [(status, one.expected(place)) for place, status in enumerate(LIFECYCLE)]
        current = min(one.position.place, len(open_statuses) - 1)
        if one.status != LIFECYCLE[current]:  # a word of its own, or not simulated yet
            steps.insert(current + 1, (one.status, None))
            current += 1
    return [
        {"status": status, "at": iso_or_none(at), "current": n == current}
        for n, (status, at) in enumerate(steps)
    ]


def _circuit(one: Job) -> dict[str, Any] | None:
    """Return the circuit of a job: gates to draw, or the source of OpenQASM 3."""
    program = None if one.circuit is None else one.circuit.program
    if isinstance(program, Qasm3):
        return {"qasm3": program.source[:MOST_SOURCE]}
    if not isinstance(program, Program):
        return None
    return {"qubits": program.num_qubits, "gateset": program.gateset, **_gates(program.gates)}


def _compiled(one: Job) -> dict[str, Any] | None:
    if one.outcome is None or not one.outcome.compiled:
        return None
    gates = one.outcome.compiled
    qubits = 1 + max(qubit for gate in gates for qubit in gate.qubits)
    return {"qubits": qubits, "gateset": "native", **_gates(gates)}


def _gates(gates: Sequence[Gate]) -> dict[str, Any]:
    shown = [
        [gate.name, gate.targets, gate.controls, gate.parameters, gate.terms[:8]]
        for gate in gates[:MOST_GATES]
    ]
    return {"gates": shown, "count": len(gates)}


def _value(one: Job) -> dict[str, Any] | None:
    """Return the result of a quantum function or an optimisation."""
    if isinstance(one.result, Value):
        return {"value": one.result.value, "variance": one.result.variance}
    if isinstance(one.result, Optimum):
        return {"cost": one.result.cost, "bitstring": one.result.bitstring}
    return None


def histogram(cloud: FakeIonQ, job_id: str, top: int, order: str) -> dict[str, Any]:
    """Return the most probable outcomes of a job.

    Args:
        cloud: The cloud.
        job_id: Its id.
        top: How many outcomes.
        order: `outcome` sorts them by their bits, everything else by their probability.

    Returns:
        `outcomes`: each with its `bits`, qubit 0 last, `probability` and `count` (None without
        shots); `total`: how many there are; `rest`: the probability of the others; `shots`.

    Raises:
        Missing: There is no such job, or it has no histogram.
    """
    settle(cloud)
    with cloud.lock:
        one = _find(cloud, job_id)
        outcome = one.outcome
    if not isinstance(outcome, Outcome) or outcome.distribution is None:
        raise Missing(f"Job {job_id:.60} has no histogram")
    values, weights = outcome.distribution
    chosen = np.arange(len(values))
    if len(values) > top:
        chosen = np.argpartition(-weights, top - 1)[:top]
    if order != "outcome":
        chosen = chosen[np.lexsort((chosen, -weights[chosen]))]
    else:
        chosen = np.sort(chosen)
    width = max(_width(one, outcome), max((int(v).bit_length() for v in values[chosen]), default=1))
    shots = None if outcome.shots is None else len(outcome.shots)
    return {
        "outcomes": [
            {
                "bits": f"{int(values[n]):0{width}b}",
                "value": str(values[n]),
                "probability": float(weights[n]),
                "count": None if shots is None else round(float(weights[n]) * shots),
            }
            for n in chosen.tolist()
        ],
        "total": len(values),
        "rest": max(0.0, 1.0 - float(weights[chosen].sum())) if len(values) > top else 0.0,
        "shots": shots,
        "largest": float(weights.max()) if len(weights) else 0.0,
    }


def _width(one: Job, outcome: Outcome) -> int:
    if outcome.registers:
        return max(1 + max((bit for bit in bits if bit is not None), default=0)
                   for bits in outcome.registers.values())  # fmt: skip
    return (one.circuit.num_qubits if one.circuit is not None else None) or 1


def requests(cloud: FakeIonQ, text: str, offset: int, limit: int) -> dict[str, Any]:
    """Return a page of the requests of clients, the newest first.

    Args:
        cloud: The cloud.
        text: A part of the method, path, status or fault.
        offset: How many to leave out, the newest.
        limit: The most requests of the page.
    """
    text = text.strip().lower()
    found = [
        one
        for one in reversed(cloud.requests)
        if text in f"{one.method} {one.path} {one.status} {' '.join(one.faults)}".lower()
    ]
    rows = [{**one._asdict(), "at": iso(one.at)} for one in found[offset : offset + limit]]
    return {"requests": rows, "more": len(found) > offset + limit, "total": len(found)}


def request(cloud: FakeIonQ, request_id: str, base: str) -> dict[str, Any]:
    """Return a request with its bodies, and its copies.

    Args:
        cloud: The cloud.
        request_id: The cloud's id of it.
        base: The base URL of the API, for the copies.

    Raises:
        Missing: It is not in the log.
    """
    found = next((one for one in reversed(cloud.requests) if one.request_id == request_id), None)
    if found is None:
        raise Missing(f"There is no request {request_id:.60} in the log")
    rules = [
        fired.rule.rule for fired in cloud.faults.fired if fired.request.request_id == request_id
    ]
    kept = recorder(cloud).find(request_id)
    body = "" if kept is None else kept.body
    copies = snippets.of_request(found.method, found.path, body, base, rules, found.status)
    return {
        **found._asdict(),
        "at": iso(found.at),
        "bodies": None if kept is None else kept._asdict(),
        "complete": kept is not None and len(body.encode()) == kept.size,
        "copies": copies,
    }


def rules(cloud: FakeIonQ) -> dict[str, Any]:
    """Return the transitions, and the rules of faults with the last that fired."""
    known: Any = control.faults(cloud)
    return {
        "transitions": cloud.transitions.as_list(),
        "rules": known["rules"][-MOST_ROWS:][::-1],
        "fired": known["fired"][-MOST_ROWS:][::-1],
    }


def backends(cloud: FakeIonQ) -> dict[str, Any]:
    """Return the backends as the API lists them, each with its characterizations, day by day."""
    with cloud.lock:
        listed = msgspec.to_builtins(backends_api.list_all(_request(cloud)))
        for body in listed:
            days = cloud.facility.days(body["backend"])
            found = [cloud.facility.characterization(body["backend"], day) for day in days[-60:]]
            body["characterizations"] = [
                {"day": one.day.isoformat(), "1q": one.one_qubit, "2q": one.two_qubits,
                 "spam": one.spam}
                for one in found
            ]  # fmt: skip
            speed = cloud.facility.devices[body["backend"]].performance
            body["timing"] = None if speed is None else speed._asdict()
        return {"backends": listed}


def account(cloud: FakeIonQ) -> dict[str, Any]:
    """Return the projects, their sessions, and the usage since the cloud began."""
    settle(cloud)
    with cloud.lock:
        now = cloud.clock.now().date()
        first = min(cloud.started_at.date(), now).isoformat()
        query = {"start_date": [first], "end_date": [now.isoformat()], "group_by": ["project"],
                 "modality": ["daily"]}  # fmt: skip
        asked = _request(cloud)._replace(query=query, arguments={"organization_id": ORGANIZATION})
        some = next(iter(cloud.projects), None)  # the usage is grouped by project: it shows no job
        usage = billing.usage(asked._replace(project_of_key=some))
        sessions: list[Any] = []
        for project in cloud.projects:
            listed: Any = sessions_api.list_all(asked._replace(query={}, project_of_key=project))
            sessions += [{**one, "project": project.name} for one in listed["sessions"]]
        projects = [
            {"id": one.id, "name": one.name, "quota": one.quota, "spent": one.spent,
             "submitted": one.submitted}
            for one in cloud.projects
        ]  # fmt: skip
        return {"projects": projects, "sessions": sessions, "usage": usage}


def _request(cloud: FakeIonQ) -> Request:
    """Return a request of the API that the console asks on its own account: it is not logged."""
    return Request("GET", "", None, {}, {}, b"", None, None, cloud.facility,
                   cloud.deviations, cloud.clock, projects=cloud.projects)  # fmt: skip
