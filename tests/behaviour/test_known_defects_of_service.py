"""Hangs, lost reasons and doubled jobs of IonQ's clients, as they showed where a service failed."""

import contextlib
from urllib.parse import urlsplit

import pytest
import requests
from clouds import RECORD, Scripted
from qiskit import transpile
from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, Session, errors
from ionq_toolkit.api import metadata
from ionq_toolkit_fake import FakeIonQ, Transitions

STORED = metadata.encode(
    {"name": "c", "n_qubits": 2, "meas_mapped": [0, 1]}, shots=100, seed=1, memory=False
)
HALVES = (200, {"0": 0.5, "3": 0.5})


def going(status, **fields):
    """Return the reply of a job that stands so."""
    return 200, {"id": "job-1", "status": status, "backend": "simulator", "failure": None, **fields}


def posts(cloud):
    return [url for method, url, *_ in cloud.requests if method == "POST"]


@pytest.fixture
def backend_at(scripted, instant_clock):
    """Return a backend whose service gives these replies, and the scripted service."""

    def build(*replies, name="simulator", **more):
        cloud = scripted(*replies, **more)
        provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
        return provider.get_backend(name), cloud

    return build


# --- statuses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["started", "running"])
def test_a_job_that_runs_in_the_word_of_either_api_is_waited_for(job_of, word):
    """Clients that knew one of the words broke on every job that ran."""
    job, _ = job_of(
        going("submitted"), going("ready"), going(word), going(word), (200, RECORD), HALVES
    )
    seen = []
    job.wait_for_final_state(callback=lambda _, status, __: seen.append(status))
    assert seen == [
        JobStatus.INITIALIZING,
        JobStatus.QUEUED,
        JobStatus.RUNNING,
        JobStatus.RUNNING,
        JobStatus.DONE,
    ]
    assert sum(job.get_counts().values()) == 100


@pytest.mark.parametrize(
    ("last", "error", "words"),
    [
        (
            going("failed", failure={"code": "NotEnoughQubits", "message": "needs 30, has 29"}),
            errors.IonQJobFailureError,
            "NotEnoughQubits: needs 30, has 29",
        ),
        (going("failed"), errors.IonQJobFailureError, "gives no reason"),
        (going("canceled"), errors.IonQJobStateError, "was cancelled"),
    ],
)
def test_a_job_that_fails_or_is_cancelled_while_it_runs_ends_the_wait(job_of, last, error, words):
    """It was asked for without end, or there was a TypeError or None where nobody said why."""
    job, cloud = job_of(going("submitted"), going("started"), last)
    for ask in (job.result, job.get_counts, job.status, job.result):
        with pytest.raises(error, match=words) as caught:
            ask()
        assert caught.value.job_id == "job-1"
    assert len(cloud.requests) == 3


def test_a_job_that_is_not_final_in_time_and_has_not_failed_says_where_it_stands(job_of):
    job, _ = job_of(going("ready"))
    with pytest.raises(errors.IonQJobTimeoutError, match="job-1 is ready after waiting 2 s"):
        job.result(timeout=2)


def test_a_final_status_that_nobody_knows_is_asked_for_a_few_times_and_then_named(
    job_of, instant_clock
):
    """It was asked for 912 times in a second, without end."""
    job, cloud = job_of(going("expired"))
    with pytest.raises(errors.IonQJobError, match="'expired'"):
        job.result(timeout=1)
    assert instant_clock.time == pytest.approx(1)
    assert len(cloud.requests) <= 16


def test_cancelling_a_job_says_that_it_is_cancelled_and_the_job_knows(bell, instant_clock):
    cloud = FakeIonQ(seed=1, transitions=Transitions.polls(3))
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    job = provider.get_backend("simulator").run(bell)
    assert job.cancel() is True
    assert job.cancelled()
    assert job.in_final_state()


# --- jobs by their ids -------------------------------------------------------------------------


def test_a_failed_and_a_cancelled_job_do_not_keep_the_others_from_being_retrieved(instant_clock):
    failure = {"code": "InternalError", "message": "a laser was off"}
    cloud = Scripted(
        routes={
            "/jobs/a": RECORD | {"id": "a", "status": "failed", "failure": failure},
            "/jobs/b": RECORD | {"id": "b", "status": "canceled", "failure": None},
            "/jobs/c": RECORD | {"id": "c"},
            "/jobs/c/results/probabilities": {"3": 1},
        }
    )
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    failed, cancelled, completed = provider.get_backend("simulator").retrieve_jobs("abc")

    assert [job.in_final_state() for job in (failed, cancelled, completed)] == [True] * 3
    assert failed.error_message() == "InternalError: a laser was off"
    assert failed.metadata == cancelled.metadata == {"shots": "100"}
    assert (failed.cancelled(), cancelled.cancelled()) == (False, True)
    assert completed.get_counts() == {"11": 100}


@pytest.mark.parametrize(
    "nothing",
    [
        {"warning": None},
        {"stats": None, "metadata": STORED},
        {"stats": {}, "metadata": STORED},
        {"metadata": {"shots": "100", "sampler_seed": None, "qiskit_header": None}},
        {"execution_duration_ms": None},
        {"failure": None, "settings": None, "output": None, "results": None, "name": None},
        {"child_job_ids": None, "parent_job_id": None, "session_id": None},
    ],
)
def test_null_in_the_record_of_a_completed_job_keeps_nobody_from_its_result(job_of, nothing):
    job, _ = job_of((200, RECORD | nothing), (200, {"3": 1}))
    assert job.get_counts() == {"11": 100}
    assert job.status() is JobStatus.DONE
    assert job.result().time_taken is None


def test_a_result_lost_on_the_way_is_there_at_the_next_call(job_of):
    job, _ = job_of((200, RECORD), ConnectionResetError("reset"), (200, {"3": 1}))
    with contextlib.suppress(errors.IonQConnectionError):
        job.result()
    assert job.get_counts() == {"11": 100}


def test_a_result_that_never_appears_is_an_error_and_no_endless_wait(instant_clock):
    cloud = Scripted(routes={"/jobs/job-1": RECORD})
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    with pytest.raises(errors.IonQAPIError) as caught:
        job.result(timeout=1)
    assert (caught.value.status_code, caught.value.job_id) == (404, "job-1")
    assert instant_clock.time <= 1


# --- time --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply", [(503, b"<html>busy</html>"), (429, {}), ConnectionResetError("x"), TimeoutError("x")]
)
def test_a_timeout_of_one_second_ends_the_wait_for_a_service_that_never_answers(
    job_of, instant_clock, reply
):
    """It was still waiting after 12."""
    job, cloud = job_of(reply)
    with pytest.raises(errors.IonQError):
        job.result(timeout=1)
    assert instant_clock.time <= 1
    assert len(cloud.requests) <= 20


def test_retrieving_from_a_service_that_refuses_connections_ends(backend_at):
    backend, cloud = backend_at(ConnectionRefusedError("refused"))
    with pytest.raises(errors.IonQConnectionError, match="was not reached"):
        backend.retrieve_job("job-1")
    assert len(cloud.requests) <= 20


# --- nothing is done twice ---------------------------------------------------------------------

UNKNOWN_OUTCOMES = [
    (500, {"error": "Internal Server Error", "message": "the project is archived"}),
    (502, b"<html>Bad gateway</html>"),
    (504, b"<html>Gateway timeout</html>"),
    (520, b""),
    ConnectionResetError("reset"),
    TimeoutError("late"),
]


@pytest.mark.parametrize("reply", UNKNOWN_OUTCOMES)
def test_a_job_whose_outcome_is_not_known_is_posted_once(backend_at, bell, reply):
    """It was posted five times where each was answered 504, four times where each was late."""
    backend, cloud = backend_at(reply)
    with pytest.raises(errors.IonQError):
        backend.run(bell)
    assert len(posts(cloud)) == 1


@pytest.mark.parametrize("reply", UNKNOWN_OUTCOMES)
def test_a_session_whose_outcome_is_not_known_is_posted_no_second_time(backend_at, reply):
    backend, cloud = backend_at(reply, name="forte-1")
    with pytest.raises(errors.IonQError):
        Session(backend)
    assert len(posts(cloud)) <= 1


def test_the_key_of_an_archived_project_is_told_so_and_not_asked_with_again(
    backend_at, bell, instant_clock
):
    """The service answers 500 to it, which is no reason to try again."""
    backend, cloud = backend_at(UNKNOWN_OUTCOMES[0])
    with pytest.raises(errors.IonQAPIError, match="the project is archived") as caught:
        backend.retrieve_job("job-1")
    assert not isinstance(caught.value, errors.IonQRetriableError)
    assert (len(cloud.requests), instant_clock.slept) == (1, [])
    with pytest.raises(errors.IonQError, match="the project is archived"):
        backend.run(bell)


# --- sessions and backends ---------------------------------------------------------------------


def test_details_of_a_session_taken_up_by_its_id_make_no_other_session(provider):
    forte = provider.get_backend("forte-1")
    session = Session(forte, max_jobs=3)
    again = Session.from_id(session.session_id, backend=forte)
    assert again.details()["id"] == session.session_id
    assert again.status() == "created"
    assert [one["id"] for one in provider.client.list_sessions()] == [session.session_id]


def test_a_session_is_not_taken_up_with_a_key_that_is_refused(backend_at):
    backend, _ = backend_at((401, {"error": "Unauthorized"}), name="forte-1")
    with pytest.raises(errors.IonQAPIError, match="Unauthorized") as caught:
        Session.from_id("0c2ac5b4-6078-40a0-9574-91f7aeab0b7e", backend=backend)
    assert caught.value.status_code == 401


def test_a_provider_of_another_url_asks_that_url_alone(bell, monkeypatch):
    """Clients asked the real service for the number of qubits all the same."""

    def nothing_else(*_, **__):
        raise AssertionError("a request went past the transport")

    monkeypatch.setattr(requests.Session, "send", nothing_else)
    cloud = Scripted(otherwise=FakeIonQ(seed=1))
    provider = IonQProvider(
        "any-key", "http://127.0.0.1:9/v0.4", transport=InProcessTransport(cloud), seed=1
    )
    for backend in provider.backends():
        assert backend.num_qubits > 4
    forte = provider.get_backend("forte-1")
    assert forte.status() is True
    forte.calibration()
    forte.estimate(bell, shots=100)
    with Session(forte):
        job = forte.run(transpile(bell, forte), shots=100)
        assert forte.retrieve_job(job.job_id()).get_counts() == job.get_counts()
        job.cost()
    assert {urlsplit(request[1]).netloc for request in cloud.requests} == {"127.0.0.1:9"}
