"""Every public method of a job, against everything that may have become of it: one table."""

import asyncio
import json
import operator
from itertools import product

import pytest
from clouds import RECORD
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.exceptions import QiskitError
from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit import InProcessTransport, IonQBackend, IonQJob, IonQProvider, IonQResult, errors
from ionq_toolkit.api.models import JobCost
from ionq_toolkit.api.record import JobTimings, QueueInfo
from ionq_toolkit.job.state import JobState


class StillWaitingError(Exception):
    """Raised by the clock, for those who wait without end."""


class Impatient:
    def monotonic(self):
        return 0.0

    def sleep(self, seconds):
        raise StillWaitingError


API, CONNECTION, RESPONSE = (
    errors.IonQAPIError,
    errors.IonQConnectionError,
    errors.IonQResponseError,
)
FAILURE, STATE, JOB = errors.IonQJobFailureError, errors.IonQJobStateError, errors.IonQJobError
LATE, NONE = errors.IonQJobTimeoutError, type(None)
NO_REPLY = (API, CONNECTION, RESPONSE)

#: Method -> what it returns or raises of a job that is going on, has an unknown status, is
#: completed, failed, cancelled; and where the service refuses, is not reached, or replies with
#: something else than it promises.
TABLE = {
    "backend": (IonQBackend,) * 8,
    "job_id": (str,) * 8,
    "submit": (STATE,) * 8,
    "cancel": (bool, bool, bool, bool, bool, *NO_REPLY),
    "cancelled": (bool, bool, bool, bool, bool, *NO_REPLY),
    "done": (bool, bool, bool, bool, bool, *NO_REPLY),
    "running": (bool, bool, bool, bool, bool, *NO_REPLY),
    "in_final_state": (bool, bool, bool, bool, bool, *NO_REPLY),
    "status": (JobStatus, JobStatus, JobStatus, FAILURE, STATE, *NO_REPLY),
    "detailed_status": (dict, dict, dict, dict, dict, *NO_REPLY),
    "errored": (bool, bool, bool, bool, bool, *NO_REPLY),
    "name": (NONE,) * 5 + NO_REPLY,
    "shots": (int,) * 5 + NO_REPLY,
    "session_id": (NONE,) * 5 + NO_REPLY,
    "creation_date": (NONE,) * 5 + NO_REPLY,
    "queue_info": (QueueInfo | None, NONE, NONE, NONE, NONE, *NO_REPLY),
    "usage": (float,) * 5 + NO_REPLY,
    "delete": (NONE,) * 5 + NO_REPLY,
    "from_record": (IonQJob,) * 8,
    "state": (JobState,) * 8,
    "error_message": (NONE, NONE, NONE, str, NONE, *NO_REPLY),
    "api_backend": (str, str, str, str, str, *NO_REPLY),
    "child_jobs": (list, list, list, list, list, *NO_REPLY),
    "timings": (JobTimings,) * 5 + NO_REPLY,
    "dry_run": (bool, bool, bool, bool, bool, *NO_REPLY),
    "submission_tag": (NONE,) * 8,
    "cost": (JobCost,) * 5 + NO_REPLY,
    "compiled_circuit": (STATE, STATE, JOB, JOB, JOB, *NO_REPLY),
    "wait_for_final_state": (LATE, JOB, NONE, NONE, NONE, *NO_REPLY),
    "wait_async": (LATE, JOB, NONE, NONE, NONE, *NO_REPLY),
    "result": (LATE, JOB, IonQResult, FAILURE, STATE, *NO_REPLY),
    "partial_result": (LATE, JOB, IonQResult, FAILURE, STATE, *NO_REPLY),
    "result_async": (LATE, JOB, IonQResult, FAILURE, STATE, *NO_REPLY),
    "get_counts": (StillWaitingError, StillWaitingError, dict, FAILURE, STATE, *NO_REPLY),
    "get_probabilities": (StillWaitingError, StillWaitingError, dict, FAILURE, STATE, *NO_REPLY),
    "get_memory": (StillWaitingError, StillWaitingError, list, FAILURE, STATE, *NO_REPLY),
}
GOING, UNKNOWN, COMPLETED, FAILED, CANCELED, REFUSED, BROKEN, GARBLED = range(8)

#: What differs for one reply alone: IonQ says with 404 that it has computed no cost yet.
EXCEPTIONS = {("cost", 404): NONE}

#: Statuses of a service that may answer later. With no time left, what is late is the job.
UNWELL = {408, 425, 429, *range(500, 530)} - {501, 505, 511}

#: The methods that read a result after the record.
READING = [
    "result",
    "partial_result",
    "result_async",
    "get_counts",
    "get_probabilities",
    "get_memory",
]

PROPERTIES = ("dry_run", "submission_tag", "name", "shots", "session_id", "creation_date", "state")

#: Those whose name is not that of the method, or that need arguments.
CALLS = {
    "detailed_status": lambda job: job.status(detailed=True),
    **{name: operator.attrgetter(name) for name in PROPERTIES},
    "from_record": lambda job: IonQJob.from_record(job.backend(), {"id": "j"}),
    "wait_for_final_state": lambda job: job.wait_for_final_state(timeout=0),
    "wait_async": lambda job: asyncio.run(job.wait_async(timeout=0)),
    "result": lambda job: job.result(timeout=0),
    "partial_result": lambda job: job.result(timeout=0, partial=True),
    "result_async": lambda job: asyncio.run(job.result_async(timeout=0)),
}

WORDS = {
    "submitted": GOING,
    "ready": GOING,
    "started": GOING,
    "completed": COMPLETED,
    "failed": FAILED,
    "canceled": CANCELED,
    "paused": UNKNOWN,
}

#: Schema Failure of the API document.
CODES = (
    *("InvalidInput", "CompilationError", "ContractExpiredError", "DebiasingError"),
    *("InternalError", "NotEnoughQubits", "OptimizationError", "PreflightError"),
    *("QuantumCircuitComplexityError", "QuantumComputerError", "QuotaExhaustedError"),
    *("SimulationError", "SimulationTimeout", "SystemCancel", "TooLongPredictedExecutionTime"),
    *("TooManyControls", "TooManyGates", "TooManyShots", "UnknownBillingError", "UnsupportedGate"),
)

BODIES = (
    b"",
    b"null",
    b"[]",
    b'["x"]',
    b'"text"',
    b"7",
    b"<html>Bad gateway</html>",
    b"\xff\xfe",
    b"{}",
    b'{"error": "Unauthorized"}',
    b'{"error": {"type": "x", "message": "y"}}',
    b'{"statusCode": 400, "error": "Bad Request", "message": "no"}',
    b'{"message": null, "error": 7}',
)
NO_OBJECTS = (b"", b"null", b"[]", b'"text"', b"7", b"<html>", b"\xff", b"[" * 10_000)

BREAKS = (
    ConnectionError("broken"),
    ConnectionRefusedError("refused"),
    ConnectionResetError("reset"),
    BrokenPipeError("pipe"),
    TimeoutError("slow"),
)


class Service:
    """Answers with a record, and with one reply in the place of what a path part is in."""

    def __init__(self, record, reply=None, only=""):
        self.record, self.reply, self.only = record, reply, only

    def handle(self, method, url, headers, body, timeout):
        if self.reply is not None and self.only in url:
            if isinstance(self.reply, Exception):
                raise self.reply
            return self.reply
        if url.endswith("/results/probabilities"):
            found = {"0": 0.5, "3": 0.5}
        elif url.endswith("/results/shots"):
            found = ["0", "3"] * 50
        elif url.endswith("/status/cancel"):
            found = {"id": "j", "status": "canceled"}
        elif url.endswith("/cost"):
            found = {"dry_run": False}
        else:
            found = self.record
        return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()


def job_at(service, backend="simulator"):
    provider = IonQProvider(transport=InProcessTransport(service), clock=Impatient(), retry=None)
    return IonQJob(provider.get_backend(backend), "j")


def outcome(method, job):
    """Return what a method returns or raises."""
    call = CALLS.get(method, lambda of: getattr(of, method)())
    try:
        return call(job)
    except Exception as error:  # noqa: BLE001 - the table says which it has to be
        return error


def record(word, code, backend="simulator"):
    stored = {"shots": "100", "memory": "true"}
    failure = {"code": code, "message": f"why: {code}"} if word == "failed" else None
    machine = {"backend": backend, "noise": None} if backend != "simulator" else {}
    return RECORD | {"status": word, "failure": failure, "metadata": stored} | machine


def assert_is(found, expected, *context):
    assert isinstance(found, expected), (*context, found)
    assert not isinstance(found, Exception) or issubclass(expected, Exception), (*context, found)


def test_the_table_has_every_public_method():
    others = {"version", "metadata", "plot"}  # a plot is a drawing of get_counts
    assert {name for name in dir(IonQJob) if not name.startswith("_")} - others <= set(TABLE)
    assert len(set(CODES)) == 20


@pytest.mark.parametrize("backend", ["simulator", "qpu.forte-1"])
@pytest.mark.parametrize("method", TABLE)
def test_whatever_became_of_a_job(method, backend):
    for word, code in product(WORDS, CODES):
        job = job_at(Service(record(word, code, backend)), backend)
        for _ in range(2):  # the same at each call
            found = outcome(method, job)
            assert_is(found, TABLE[method][WORDS[word]], word, code)
            if isinstance(found, errors.IonQJobFailureError):
                assert (found.code, found.failure) == (code, f"why: {code}")
                assert f"{code}: why: {code}" in str(found)
            if isinstance(found, errors.IonQError) and method != "submit":
                assert found.job_id == "j"
            if method == "error_message" and word == "failed":
                assert found == f"{code}: why: {code}"


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["simulator", "qpu.forte-1"])
@pytest.mark.parametrize("method", TABLE)
def test_whatever_the_service_refuses_with(method, backend):
    for place, status in enumerate(range(400, 530)):
        reply = (status, {"x-request-id": "r-1"}, BODIES[place % len(BODIES)])
        found = outcome(method, job_at(Service(None, reply), backend))
        late = status in UNWELL and TABLE[method][GOING] is LATE
        expected = LATE if late else TABLE[method][REFUSED]
        assert_is(found, EXCEPTIONS.get((method, status), expected), status)
        found = found.__cause__ if late else found
        if isinstance(found, errors.IonQAPIError):
            assert (found.status_code, found.request_id, found.job_id) == (status, "r-1", "j")


@pytest.mark.parametrize("method", TABLE)
def test_whatever_breaks_on_the_way(method):
    for error in BREAKS:
        found = outcome(method, job_at(Service(None, error)))
        # With no time left, what is late is the job.
        late = TABLE[method][GOING] is LATE
        assert_is(found, LATE if late else TABLE[method][BROKEN], error)


@pytest.mark.parametrize("method", TABLE)
def test_whatever_else_the_service_replies(method):
    for body in NO_OBJECTS:
        found = outcome(method, job_at(Service(None, (200, {}, body))))
        assert_is(found, TABLE[method][GARBLED], body)


@pytest.mark.parametrize("method", READING)
def test_whatever_becomes_of_the_results(method):
    completed = record("completed", None)
    for place, status in enumerate(range(400, 530)):
        reply = (status, {}, BODIES[place % len(BODIES)])
        found = outcome(method, job_at(Service(completed, reply, "/results/")))
        late = status in UNWELL and TABLE[method][GOING] is LATE
        assert_is(found, LATE if late else TABLE[method][REFUSED], status)
        assert (found.__cause__ if late else found).status_code == status
    for error in BREAKS:
        found = outcome(method, job_at(Service(completed, error, "/results/")))
        assert_is(found, LATE if TABLE[method][GOING] is LATE else TABLE[method][BROKEN], error)
    for body in NO_OBJECTS:
        found = outcome(method, job_at(Service(completed, (200, {}, body), "/results/")))
        assert_is(found, TABLE[method][GARBLED], body)


#: What is different of a job of two circuits: its methods return one of a thing for each.
OF_A_PARENT = {
    "compiled_circuit": (STATE, STATE, JOB, JOB, JOB),
    "get_counts": (StillWaitingError, StillWaitingError, list, FAILURE, STATE),
    "get_probabilities": (StillWaitingError, StillWaitingError, list, FAILURE, STATE),
    "error_message": (NONE, NONE, NONE, str, NONE),
}


class Family(Service):
    """A job of two circuits: what is asked of it, and of its children."""

    def handle(self, method, url, headers, body, timeout):
        if url.endswith("/aggregated"):
            found = {"a": {"0": 0.5, "3": 0.5}, "b": {"1": 1.0}}
        elif url.endswith(("/jobs/a", "/jobs/b")):
            found = RECORD | {"status": self.record["status"], "failure": self.record["failure"]}
        else:
            return super().handle(method, url, headers, body, timeout)
        return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()


@pytest.mark.slow
@pytest.mark.parametrize("method", TABLE)
def test_whatever_became_of_a_job_of_several_circuits(method):
    parent = {"type": "ionq.multi-circuit.v1", "child_job_ids": ["a", "b"]}
    for word, code in product(WORDS, CODES):
        job = job_at(Family(record(word, code) | parent))
        for _ in range(2):
            found = outcome(method, job)
            assert_is(found, OF_A_PARENT.get(method, TABLE[method])[WORDS[word]], word, code)
            if isinstance(found, errors.IonQJobFailureError):
                assert (found.code, found.failure) == (code, f"why: {code}")


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["completed", "j", "true", "url", "id", "qubits", "ideal", "simulator"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["url", "id", "model", "qubits", "code", "message", "messages", "shots"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        *("status", "backend", "noise", "stats", "metadata", "shots", "type", "child_job_ids"),
        *("children", "failure", "results", "output", "warning", "dry_run", "submitted_at"),
        *("execution_duration_ms", "predicted_wait_time_ms"),
    ]
)
KINDS = st.sampled_from(
    [
        {},
        {"type": "ionq.multi-circuit.v1", "child_job_ids": ["j", "k"]},
        {"type": "ionq.qasm3.v1", "noise": {"model": "aria-1"}},
        {"backend": "qpu.forte-1", "metadata": {"memory": "true", "shots": "3"}},
        {"status": "failed"},
    ]
)


@pytest.mark.slow
@settings(max_examples=200)
@given(KINDS, st.dictionaries(FIELDS, ANYTHING, min_size=1, max_size=4))
def test_a_strange_record_ends_in_an_error_of_ours(kind, strange):
    """It is never an AttributeError, a KeyError or a TypeError."""
    service = Service(json.loads(json.dumps(RECORD | kind | strange)))
    for method in set(TABLE) - {"wait_async", "result_async"}:
        job = job_at(service)
        found = outcome(method, job)
        # Qiskit says itself that there is no memory.
        allowed = (errors.IonQError, StillWaitingError, QiskitError)
        assert not isinstance(found, Exception) or isinstance(found, allowed), (method, found)


@pytest.mark.slow
@settings(max_examples=200)
@given(KINDS, ANYTHING)
def test_strange_results_end_in_an_error_of_ours(kind, strange):
    reply = (200, {}, json.dumps(strange).encode())
    for part in ("/results/", "/artifacts/"):
        results = {"ionq.result.shots.json.v2": {"id": "s"}} if part == "/artifacts/" else {}
        service = Service(RECORD | {"results": results} | kind, reply, part)
        for method in ("result", "partial_result", "get_counts"):
            found = outcome(method, job_at(service))
            allowed = (errors.IonQError, StillWaitingError)
            assert not isinstance(found, Exception) or isinstance(found, allowed), (method, found)
