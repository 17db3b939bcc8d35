"""Kit: the jobs and the money of one run, and how checks are made of them."""

from __future__ import annotations

import contextlib
import json
import math
import re
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.conformance.shapes import ANY, differences, quoted
from ionq_toolkit_fake.conformance.wire import (
    OWN,
    WRONG,
    NoJsonError,
    Reply,
    StoppedError,
    is_loopback,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.conformance.wire import Wire

    #: One check: yields the differences that it finds.
    Probe = Callable[["Kit"], Iterable[str]]

FINAL = ("completed", "failed", "canceled")

#: The statuses of a job and their order: https://docs.ionq.com/user-manual/jobs, in both versions.
_ORDER = {"submitted": 0, "ready": 1, "started": 2, "running": 2, **dict.fromkeys(FINAL, 3)}

#: Seconds between polls, at first and at most, and how long a job of the simulator may take.
_FIRST_S, _LONGEST_S, PATIENCE_S = 0.2, 5.0, 180.0

#: The pause before cleaning up after a 429, in seconds: without a Retry-After, and at most.
_PAUSE_S, _LONGEST_PAUSE_S = 10.0, 60.0

#: The fields that a body of POST /jobs leaves out.
LEFT_OUT = object()

ERROR = {"statusCode": int, "error": str, "message": str, "validation?": dict}


class DifferenceError(Exception):
    """A check cannot go on: its arguments are the differences."""


class NotApplicableError(Exception):
    """The cloud does not have what a check is about, as it may."""


class NotRunError(Exception):
    """A check is not run: it would cost too much, or was not asked for."""


class Kit:
    """One run of checks.

    Attributes:
        wire: The way to the cloud.
        tag: In the name and the metadata of each job of the run.
        qpu: The QPU that may be used; None: the simulator alone.
        max_cost: The most US dollars that the run may spend.
        spent: What it has spent, by the estimates of the cloud.
        jobs: The ids of jobs that it made, and whether the cloud showed each with the tag.
        sessions: The ids of sessions that it made.
    """

    def __init__(
        self, wire: Wire, clock: Clock, *, tag: str, qpu: str | None, max_cost: float
    ) -> None:
        self.wire, self._clock, self.tag = wire, clock, tag
        self.qpu, self.max_cost, self.spent = qpu, max_cost, 0.0
        self.jobs: dict[str, bool] = {}
        self.sessions: list[str] = []
        self._lost = False
        self._simulator_usd: object = None
        self._afforded: set[str] = set()

    def body(self, change: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the body of a job of a Bell pair on the simulator, with other fields."""
        gates = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]
        body = {
            "type": "ionq.circuit.v1",
            "backend": "simulator",
            "shots": 100,
            "name": self.tag,
            "metadata": {"conformance": self.tag},
            "input": {"gateset": "qis", "qubits": 2, "circuit": gates},
            **(change or {}),
        }
        return {name: value for name, value in body.items() if value is not LEFT_OUT}

    def post(self, body: object, path: str = "/jobs", version: str = "v0.4") -> Reply:
        """Send a request that may make a job, and remember the job.

        Raises:
            NotRunError: It is for a QPU, and `afford` was not asked; or the simulator is not free.
        """
        if self._simulator_usd is None:
            reply = self.wire.ask("GET", "/jobs/estimate?backend=simulator&shots=100&qubits=2")
            found = reply.json() if reply.status == 200 else {}  # noqa: PLR2004 - a success
            # Some keys may not ask; IonQ documents that the simulator is free.
            self._simulator_usd = found.get("estimated_total_cost") or 0
        if self._simulator_usd != 0:
            raise NotRunError(f"a job of the simulator costs {quoted(self._simulator_usd)} here")
        fields = body if isinstance(body, dict) else {}
        text = json.dumps(body) if isinstance(body, dict) else ""
        where = str(fields.get("backend", fields.get("target", "simulator")))
        if where.startswith("qpu") and not fields.get("dry_run") and text not in self._afforded:
            raise NotRunError("jobs on a QPU were not asked for")
        self._afforded.discard(text)
        try:
            reply = self.wire.ask("POST", path, body, version=version)
        except OSError:
            self._lost = True
            raise
        with contextlib.suppress(NoJsonError, AttributeError, TypeError):
            made = reply.json().get("id")
            if reply.status < 300 and re.fullmatch("[A-Za-z0-9_-]{1,100}", made):  # noqa: PLR2004 - a success
                self.jobs[made] = False
        return reply

    def afford(self, body: dict[str, Any], one_qubit: int, two_qubits: int) -> None:
        """Ask for the price of a job, and count it as spent.

        Raises:
            NotRunError: The price is not known, or too high.
        """
        path = f"/jobs/estimate?backend={body['backend']}&shots={body['shots']}&qubits=2"
        reply = self.wire.ask("GET", f"{path}&1q_gates={one_qubit}&2q_gates={two_qubits}")
        found = reply.json() if reply.status == 200 else {}  # noqa: PLR2004 - a success
        given, unit = found.get("estimated_total_cost"), found.get("estimated_unit")
        number = isinstance(given, int | float) and not isinstance(given, bool)
        price = float(given or 0) if number else math.nan
        if not 0 <= price < math.inf or str(unit).lower() != "usd":
            raise NotRunError(f"the price is not known: {reply.status}, {quoted(given)} {unit}")
        if self.spent + price > self.max_cost:
            left = self.max_cost - self.spent
            raise NotRunError(f"it would cost {price:.2f} USD, and {left:.2f} are left to spend")
        self.spent += price
        self._afforded.add(json.dumps(body))

    def made(self, change: Mapping[str, Any] | None = None) -> str:
        """Submit a job, and return its id.

        Raises:
            DifferenceError: It was not accepted.
        """
        reply = self.post(self.body(change))
        if reply.status != 201:  # noqa: PLR2004 - created
            raise DifferenceError(f"POST /jobs is answered by {reply.status}: {reply.body[:200]!r}")
        return str(reply.json()["id"])

    def record(self, job_id: str, version: str = "v0.4") -> dict[str, Any]:
        """Return the record of a job."""
        reply = self.wire.ask("GET", f"/jobs/{job_id}", version=version)
        if reply.status != 200:  # noqa: PLR2004 - a success
            raise DifferenceError(f"GET /jobs/ID is answered by {reply.status}")
        found: dict[str, Any] = reply.json()
        if job_id in self.jobs:
            self.jobs[job_id] |= self.is_ours(found)
        return found

    def own(self, *ids: str) -> None:
        """See that jobs have the tag, before anything is done to them.

        Raises:
            DifferenceError: One has not: the cloud named it as a job of this run, and it may be
                another's.
        """
        for job_id in ids:
            if not self.jobs.get(job_id):
                self.record(job_id)
            if not self.jobs.get(job_id):
                raise DifferenceError(f"job {job_id} was named as ours, and has not our tag")

    def is_ours(self, record: Mapping[str, Any]) -> bool:
        """Return whether a record has the tag of this run."""
        metadata = record.get("metadata")
        tagged = isinstance(metadata, dict) and metadata.get("conformance") == self.tag
        return tagged or record.get("name") == self.tag

    def finished(self, job_id: str, version: str = "v0.4") -> dict[str, Any]:
        """Return the record of a job when it is final.

        Raises:
            NotRunError: It takes too long.
            DifferenceError: Its status is unknown, or one that it had left.
        """
        until, pause, last = self._clock.monotonic() + PATIENCE_S, _FIRST_S, "submitted"
        while True:
            record = self.record(job_id, version)
            status = record["status"]
            if _ORDER.get(status, -1) < _ORDER[last]:
                raise DifferenceError(f"the status of a job went from {last} to {quoted(status)}")
            if status in FINAL:
                return record
            last = status
            if self._clock.monotonic() > until:
                raise NotRunError(f"the job is {status} after {PATIENCE_S:g} s")
            self._clock.sleep(pause)
            pause = min(1.5 * pause, _LONGEST_S)

    def completed(self, change: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run a job, and return its record.

        Raises:
            DifferenceError: It was not accepted, or not completed.
        """
        record = self.finished(self.made(change))
        if record["status"] != "completed":
            raise DifferenceError(f"the job is {record['status']}: {quoted(record.get('failure'))}")
        return record

    def get(self, path: str, shape: object = ANY, *, version: str = "v0.4") -> Any:  # noqa: ANN401
        """Return the JSON of a GET that succeeds, in a shape.

        Raises:
            DifferenceError: It does not succeed, or has another shape.
        """
        reply = self.wire.ask("GET", path, version=version)
        if reply.status != 200:  # noqa: PLR2004 - a success
            raise DifferenceError(f"GET {path} is answered by {reply.status}, not 200")
        found = reply.json()
        if wrong := list(differences(shape, found)):
            raise DifferenceError(*(f"GET {path}: {one}" for one in wrong))
        return found

    def results(self, job_id: str, kind: str = "probabilities") -> Any:  # noqa: ANN401 - JSON
        """Return results of a job."""
        return self.get(f"/jobs/{job_id}/results/{kind}")

    def clean_up(self) -> list[str]:
        """Delete the jobs that show the tag and end the sessions; return the ids that stay."""
        if self.wire.stopped:
            self._clock.sleep(min(self.wire.wait_s or _PAUSE_S, _LONGEST_PAUSE_S))
            self.wire.stopped = ""
        stay = [one for one in self.sessions if not self._done(self._ended, one)]
        if self._lost:
            self._done(self._find_lost, "")
        return [*stay, *(one for one in self.jobs if not self._done(self._removed, one))]

    def _done(self, action: Callable[[str], bool], name: str) -> bool:
        try:
            return action(name)
        except (StoppedError, OSError, NoJsonError, DifferenceError):
            return False
        except (AttributeError, KeyError, TypeError, ValueError):  # a response of another form
            return False

    def _ended(self, session_id: str) -> bool:
        return self.wire.ask("POST", f"/sessions/{session_id}/end").status in {200, 404}

    def _find_lost(self, _: str) -> bool:
        """Find jobs whose creation was not answered, by the tag."""
        for record in self.get("/jobs?limit=25")["jobs"]:
            if self.is_ours(record):
                self.jobs.setdefault(record["id"], True)
        return True

    def _removed(self, job_id: str) -> bool:
        reply = self.wire.ask("GET", f"/jobs/{job_id}")
        if reply.status == 404:  # noqa: PLR2004 - gone
            return True
        record = reply.json()
        if not (self.jobs[job_id] or self.is_ours(record)):
            return False  # not to be told from another's
        if record.get("status") not in FINAL:
            self.wire.ask("PUT", f"/jobs/{job_id}/status/cancel")
        return self.wire.ask("DELETE", f"/jobs/{job_id}").status in {200, 404}


# --- checks of one request or one job, as values -------------------------------------------------


def asks(
    request: str,
    status: int,
    shape: object = ANY,
    body: object = None,
    *,
    key: str = OWN,
    version: str = "v0.4",
) -> Probe:
    """Return a check: a request is answered by a status, and in a shape."""
    method, path = request.split()

    def probe(kit: Kit) -> Iterator[str]:
        reply = kit.wire.ask(method, path, body, key=key, version=version)
        if key == WRONG and reply.status != status and is_loopback(kit.wire.root):
            raise NotApplicableError("this cloud takes every key, as a local one may")
        if reply.status != status:
            yield f"{request} is answered by {reply.status}, not {status}: {reply.body[:120]!r}"
            return
        yield from differences(ERROR if status >= 400 and shape is ANY else shape, reply.json())  # noqa: PLR2004

    return probe


def refuses(field: str, change: Mapping[str, Any] | bytes, version: str = "v0.4") -> Probe:
    """Return a check: POST /jobs refuses a body with 400, and the error names a field."""

    def probe(kit: Kit) -> Iterator[str]:
        body = change if isinstance(change, bytes) else kit.body(change)
        reply = kit.post(body, version=version)
        if reply.status != 400:  # noqa: PLR2004 - a refusal
            yield f"POST /jobs is answered by {reply.status}, not 400: {reply.body[:120]!r}"
            return
        found = reply.json()
        yield from differences(ERROR | {"statusCode": 400}, found)
        keys = (found.get("validation") or {}).get("keys") or []
        if field and not any(field in str(text) for text in (*keys, found.get("message"))):
            yield f"the error does not name {field}: {quoted(found)}"

    return probe


def takes(change: Mapping[str, Any], shape: object = ANY) -> Probe:
    """Return a check: a job with other fields runs to its end, and its record has a shape."""
    return lambda kit: differences(shape, kit.completed(change))


def fails(change: Mapping[str, Any], *codes: str, **more: object) -> Probe:
    """Return a check: a job is accepted, and fails with one of some codes, and more fields."""

    def probe(kit: Kit) -> Iterator[str]:
        record = kit.finished(kit.made(change))
        if record["status"] != "failed":
            yield f"the job is {record['status']}, not failed"
            return
        wanted = {"code": codes, "message": str, **more}
        yield from differences(wanted, record["failure"], "$.failure")

    return probe


def gives(
    gates: list[dict[str, Any]],
    expected: Mapping[int, float],
    gateset: str = "qis",
    qubits: int = 2,
) -> Probe:
    """Return a check: a circuit has probabilities on the simulator without noise."""

    def probe(kit: Kit) -> Iterator[str]:
        circuit = {"gateset": gateset, "qubits": qubits, "circuit": gates}
        found = kit.results(kit.completed({"input": circuit})["id"])
        yield from unlike(expected, found)

    return probe


def unlike(expected: Mapping[int, float], found: Mapping[str, float]) -> Iterator[str]:
    """Yield the outcomes whose probabilities differ from exact ones."""
    wanted = {str(outcome): probability for outcome, probability in expected.items()}
    for outcome in sorted({*wanted, *found}):
        have, want = found.get(outcome, 0.0), wanted.get(outcome, 0.0)
        if abs(have - want) > 1e-6:  # noqa: PLR2004 - the service may round
            yield f"outcome {outcome} has the probability {have:.6g}, not {want:.6g}"
