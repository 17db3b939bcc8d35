"""All that can be brought about, each in one line, through every way in; and its page."""

import importlib.util
from pathlib import Path

import pytest

from ionq_toolkit import IonQProvider, RetryPolicy, errors
from ionq_toolkit_fake import FAILURES, FakeIonQ, Transitions, after, canceled, failed, faults

ROOT = Path(__file__).parents[2]


def test_the_page_is_that_of_the_code():
    source = ROOT / "scripts" / "everything.py"
    spec = importlib.util.spec_from_file_location("everything", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text() == module.page(), "python scripts/everything.py"


@pytest.fixture
def backend(way, cloud):
    return way.provider(cloud, retry=None).get_backend("forte-1")


@pytest.mark.parametrize("code", FAILURES)
def test_a_failure_code(backend, cloud, bell, code):
    cloud.transitions.set(Transitions(end=failed(code)))
    job = backend.run(bell, shots=10)
    for ask in (job.result, job.status):
        with pytest.raises(errors.IonQJobFailureError, match=FAILURES[code].message) as caught:
            ask()
        assert caught.value.code == code


@pytest.mark.parametrize("at", ["submitted", "ready", "started"])
def test_a_job_that_the_system_cancels(backend, cloud, bell, at):
    cloud.transitions.set(Transitions(end=canceled(at=at)))
    with pytest.raises(errors.IonQJobStateError, match="cancelled"):
        backend.run(bell, shots=10).result()


def test_a_status_that_nobody_knows(backend, cloud, bell):
    cloud.transitions.set(Transitions(end="paused"))
    with pytest.raises(errors.IonQJobError, match="unknown status 'paused'"):
        backend.run(bell, shots=10).result(timeout=5)


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ({"ready": "never"}, "INITIALIZING"),
        ({"started": "never"}, "QUEUED"),
        ({"finished": "never"}, "RUNNING"),
        ({"started": after(seconds=10**6)}, "QUEUED"),
    ],
)
def test_a_job_that_stays_where_it_is(backend, cloud, bell, steps, status):
    cloud.transitions.set(Transitions(**steps))
    job = backend.run(bell, shots=10)
    with pytest.raises(errors.IonQJobTimeoutError):
        job.result(timeout=60)
    assert job.status().name == status


#: The statuses with which the client says that the same request may be taken later.
RETRIABLE = {408, 425, 429, 502, 503, 504, *range(520, 530)}


def test_the_retry_policy_repeats_the_retriable_statuses():
    assert set(RetryPolicy().statuses) == RETRIABLE


@pytest.mark.parametrize("status", [*faults.STATUSES, 418, 519])
def test_an_http_status(backend, cloud, status):
    cloud.faults.add(faults.http(status, retry_after=3), on="GET /backends")
    with pytest.raises(errors.IonQAPIError) as caught:
        backend.status()
    assert caught.value.status_code == status
    assert isinstance(caught.value, errors.IonQRetriableError) == (status in RETRIABLE)
    if status in RETRIABLE:
        assert caught.value.retry_after_s == 3
    assert len(cloud.faults.fired) == 1


#: What a client without retries sees of each kind of fault in the answer to GET /backends.
SEEN = {
    "http": (faults.http(429, retry_after=3), errors.IonQRetriableError),
    "latency": (faults.latency(2), None),
    "timeout": (faults.timeout(), errors.IonQConnectionError),
    "refused": (faults.refused(), errors.IonQConnectionError),
    "reset": (faults.reset(), errors.IonQConnectionError),
    "lost_answer": (faults.lost_answer(), errors.IonQConnectionError),
    "truncated": (faults.truncated(), errors.IonQConnectionError),
    "dribble": (faults.dribble(bytes=4096, seconds=0.01), None),
    "malformed": (faults.malformed(), errors.IonQResponseError),
    "empty": (faults.empty(), errors.IonQResponseError),
    "html": (faults.html(), errors.IonQResponseError),
    "content_type": (faults.content_type(), None),
    "stale": (faults.stale(), None),
}


@pytest.mark.parametrize("kind", SEEN)
def test_a_fault(way, cloud, kind):
    fault, error = SEEN[kind]
    backend = way.provider(cloud, retry=None, timeout=30).get_backend("forte-1")
    assert backend.status()  # something to be stale
    cloud.faults.add(fault, on="GET /backends", times=1)
    if error is None:
        assert backend.status()
    else:
        # Silence on a socket lasts until the client gives up.
        limit = 1.0 if kind == "timeout" and way.name == "socket" else 30
        hasty = way.provider(cloud, retry=None, timeout=limit).get_backend("forte-1")
        with pytest.raises(error):
            hasty.status()
    assert [fired.fault for fired in cloud.faults.fired] == [fault]
    assert backend.status()


def test_every_kind_of_fault_is_tried():
    assert {*SEEN, "duplicated"} == set(faults.KINDS)


def test_a_duplicated_delivery(way, cloud, bell):
    backend = way.provider(cloud, retry=None).get_backend("simulator")
    cloud.faults.add(faults.duplicated(), on="POST /jobs")
    job = backend.run(bell)
    assert len(cloud.jobs) == 2
    assert job.job_id() in {one.id for one in cloud.jobs}


def test_the_embedded_fake_is_not_touched_by_other_clouds(bell):
    other = FakeIonQ(seed=1)
    other.transitions.set(Transitions(end=failed("InternalError")))
    job = IonQProvider(transport="fake").get_backend("simulator").run(bell, shots=10)
    assert sum(job.get_counts().values()) == 10
