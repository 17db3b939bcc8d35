"""Polls that never see a change end in an error; polls that will see one go on."""

import threading
import time

import pytest
import requests

from ionq_toolkit_fake import FakeIonQ, Transitions, UnansweredRequest, after, mock_ionq
from ionq_toolkit_fake.intercept.polls import StandstillError

URL = "https://api.ionq.co/v0.4"
HEADERS = {"Authorization": "apiKey k"}
QUEUED = Transitions(started=after(seconds=3600))


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False  # its look at the environment takes most of the time of a poll
        yield session


@pytest.fixture
def submit(session, job_body):
    def submit():
        response = session.post(f"{URL}/jobs", json=job_body(), headers=HEADERS, timeout=5)
        return response.json()["id"]

    return submit


@pytest.fixture
def status(session):
    def status(job):
        path = f"{URL}/jobs/{job}"
        return session.get(path, headers=HEADERS, timeout=5).json()["status"]

    return status


def poll(status, job, seconds=0.0):
    polls = 1
    while status(job) != "completed":
        polls += 1
        if seconds:
            time.sleep(seconds)
    return polls


def test_a_clock_that_stands_still_ends_the_wait_and_says_so(submit, status):
    with mock_ionq(transitions=QUEUED) as cloud, pytest.raises(StandstillError) as caught:
        poll(status, submit())
    assert len(cloud.requests) == 501  # the submission and the polls
    text = str(caught.value)
    assert "showed 'ready', while the virtual clock of the cloud stood still" in text
    assert "cloud.clock.sleep(seconds)" in text
    assert issubclass(StandstillError, UnansweredRequest)


def test_a_thread_whose_sleeping_moves_nothing_is_told(submit, status):
    caught = []

    def wait(job):
        try:
            poll(status, job)
        except StandstillError as error:
            caught.append(error)

    with mock_ionq(transitions=QUEUED):
        thread = threading.Thread(target=wait, args=(submit(),))
        thread.start()
        thread.join()
    assert "not in other threads" in str(caught[0])


def test_polls_that_move_a_job_on_are_no_standstill(submit, status):
    with mock_ionq(transitions=Transitions.polls(300)):
        assert poll(status, submit()) == 901


@pytest.mark.parametrize("seconds", [0.01, 1])
def test_a_client_that_polls_without_end_is_taken_to_the_next_change(submit, status, seconds):
    with mock_ionq(transitions=QUEUED) as cloud:
        polls = poll(status, submit(), seconds)
    assert 400 <= polls <= 403
    assert cloud.clock.monotonic() == pytest.approx(3600)


def test_a_sleep_that_is_exact_or_longer_than_a_second_is_never_stretched(submit, status):
    with mock_ionq(transitions=QUEUED) as cloud:
        assert poll(status, submit(), 6) == 601
        assert cloud.clock.monotonic() == 3600
    with mock_ionq(transitions=Transitions(started=after(seconds=500)), sleep="exact") as cloud:
        assert poll(status, submit(), 1) == 501
        assert cloud.clock.monotonic() == 500


def test_a_job_that_no_time_moves_on_ends_the_wait_in_the_end(submit, status, monkeypatch):
    monkeypatch.setattr("ionq_toolkit_fake.intercept.polls._HOPELESS_POLLS", 600)
    with mock_ionq() as cloud:
        job = submit()
        cloud.hold(job, "ready")
        with pytest.raises(StandstillError, match="the job is held"):
            poll(status, job, 0.01)


def test_a_real_clock_does_not_stand_still(submit, status):
    cloud = FakeIonQ(clock="real", transitions=QUEUED)
    with mock_ionq(cloud):
        job = submit()
        assert {status(job) for _ in range(600)} == {"ready"}


def test_a_look_at_many_jobs_at_once_is_no_standstill(submit, status):
    with mock_ionq(transitions=QUEUED):
        jobs = [submit() for _ in range(60)]
        for _ in range(10):
            assert {status(job) for job in jobs} == {"ready"}
