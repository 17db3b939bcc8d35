"""Every kind of fault, brought about through every way in."""

import contextlib
import json
import math
import threading
from datetime import timedelta

import pytest
import requests

from ionq_toolkit import errors
from ionq_toolkit_fake import FakeIonQ, Transitions, faults, mock_ionq

KEY = {"Authorization": "apiKey any-key", "Content-Type": "application/json"}
JOB = {
    "type": "ionq.circuit.v1",
    "backend": "simulator",
    "input": {"qubits": 1, "gateset": "qis", "circuit": [{"gate": "h", "target": 0}]},
}
POST, READ = "POST /jobs", "GET /jobs/<job_id>"


@pytest.fixture
def taken(cloud, monkeypatch):
    """Return an event that is set whenever the cloud has taken a request."""
    taken, exchange = threading.Event(), cloud.exchange

    def watched(*request):
        try:
            return exchange(*request)
        finally:
            taken.set()

    monkeypatch.setattr(cloud, "exchange", watched)
    return taken


@pytest.fixture
def submit(way, cloud):
    """Send POST /jobs by the way in, and return the reply."""
    transport, base = way.transport(cloud)

    def submit(timeout=30.0):
        return transport.send("POST", base + "/jobs", KEY, json.dumps(JOB).encode(), timeout)

    submit.transport, submit.base = transport, base
    return submit


@pytest.fixture
def read(submit):
    """Send GET for a path by the same way in, and return the reply."""
    return lambda path, timeout=30.0: submit.transport.send(
        "GET", submit.base + path, KEY, None, timeout
    )


def passed(cloud):
    return cloud.clock.now() - cloud.started_at


@pytest.mark.parametrize("kind", faults.KINDS)
def test_every_kind_happens_by_its_example_and_is_known_to_have(kind, submit, read, cloud, taken):
    job_id = json.loads(submit().body)["id"]
    usual = read(f"/jobs/{job_id}")
    row = faults.KINDS[kind]
    fault = eval(row.example, {"faults": faults})
    assert fault.kind == kind
    assert row.summary.endswith(".")
    on = READ if row.methods == ("GET",) else POST

    # Silence lasts until the client gives up: on a socket, it has to have sent something first.
    wait_s = 1.0 if kind == "timeout" else 30.0

    taken.clear()
    armed = cloud.faults.add(fault, on=on, times=1)
    with contextlib.suppress(ConnectionError, TimeoutError):
        read(f"/jobs/{job_id}", wait_s) if on == READ else submit(wait_s)
    assert taken.wait(30)  # the client may have given up sooner
    assert armed.fired == 1
    assert [(one.rule, one.fault, one.request.operation) for one in cloud.faults.fired] == [
        (armed, fault, on)
    ]
    assert cloud.requests[-1].faults == (fault.kind,)
    assert submit().status == 201
    assert read(f"/jobs/{job_id}").status == usual.status == 200
    assert len(cloud.faults.fired) == 1


# --- answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 418, 429, 499, 500, 503, 519, 520, 529])
def test_a_status_is_answered_in_the_manner_of_who_answers_it(status, submit, cloud):
    cloud.faults.add(faults.http(status, retry_after=3), on=POST, times=1)

    reply = submit()

    assert (reply.status, reply.header("retry-after")) == (status, "3")
    if status < 520:
        body = json.loads(reply.body)
        assert body["statusCode"] == status
        assert set(body) == {"statusCode", "error", "message"}
        assert reply.header("content-type").startswith("application/json")
        assert reply.header("x-request-id") == cloud.requests[-1].request_id
    else:
        assert reply.header("content-type").startswith("text/html")
        assert reply.header("server") == "cloudflare"
        assert reply.body.startswith(b"<!DOCTYPE html>")
        assert str(status).encode() in reply.body
        assert reply.header("x-request-id") is None
    assert cloud.jobs == []
    assert cloud.requests[-1].status == status


@pytest.mark.parametrize(
    ("path", "key", "status"), [("/jobs", "wrong", 401), ("/backends/none", "right", 404)]
)
def test_a_status_has_the_words_of_the_cloud_itself(sender, path, key, status):
    cloud = FakeIonQ(seed=1, keys={"right": "p"})
    refusal = sender(cloud, key)("GET", path)
    cloud.faults.add(faults.http(status))
    assert sender(cloud, "right")("GET", "/backends") == refusal
    assert refusal[0] == status


@pytest.mark.parametrize(
    ("given", "sent"),
    [(3, "3"), (0, "0"), (0.5, "0.5"), ("Thu, 01 Jan 2026 00:01:00 GMT",) * 2, (None, None)],
)
def test_a_retry_after_is_sent_as_it_is_given(given, sent, submit, cloud):
    cloud.faults.add(faults.http(503, retry_after=given))
    assert submit().header("Retry-After") == sent


def test_an_answer_after_the_effect_hides_a_job(submit, cloud):
    cloud.faults.add(faults.http(504), on=POST, times=1, after_effect=True)
    assert submit().status == 504
    assert len(cloud.jobs) == 1


# --- no answer -------------------------------------------------------------------------------


def test_a_reset_comes_before_the_effect(submit, cloud):
    cloud.faults.add(faults.reset(), on=POST, times=1)
    with pytest.raises(ConnectionError) as caught:
        submit()
    assert not isinstance(caught.value, ConnectionRefusedError)
    assert cloud.jobs == []
    assert cloud.requests[-1].status is None


def test_a_refused_connection_carries_nothing(way, submit, cloud):
    cloud.faults.add(faults.refused(), on=POST, times=1)
    with pytest.raises(ConnectionRefusedError if way.name == "in process" else ConnectionError):
        submit()
    assert cloud.jobs == []


def test_a_timeout_is_the_clients_own(way, submit, cloud, taken):
    cloud.faults.add(faults.timeout(), on=POST, times=1)
    with pytest.raises(TimeoutError):
        submit(timeout=1.0)
    assert taken.wait(30)
    assert cloud.jobs == []
    if way.name != "socket":  # there the client waits by its own clock
        assert passed(cloud) == timedelta(seconds=1)


def test_a_long_timeout_passes_without_anybody_waiting(cloud, sender):
    cloud.faults.add(faults.timeout(), on=READ)
    with pytest.raises(TimeoutError, match="within 30 s"):
        sender(cloud)("GET", "/jobs/x")
    assert passed(cloud) == timedelta(seconds=30)


def test_a_client_without_a_timeout_is_told_that_it_would_hang(cloud):
    cloud.faults.add(faults.timeout())
    with pytest.raises(TimeoutError, match="would hang"):
        cloud.handle("GET", "/v0.4/backends", {}, None, None)
    assert passed(cloud) == timedelta(0)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.lost_answer(), ConnectionError),
        (faults.lost_answer("reset"), ConnectionError),
        (faults.lost_answer(status=504), None),
        (faults.lost_answer(status=524), None),
    ],
    ids=repr,
)
def test_a_lost_answer_leaves_a_job_that_the_client_does_not_know(fault, error, submit, cloud):
    cloud.faults.add(fault, on=POST, times=1)
    if error is None:
        assert submit().status == fault.parameters["status"]
    else:
        with pytest.raises(error):
            submit()
    assert len(cloud.jobs) == 1
    lost = cloud.jobs[0].id
    assert json.loads(submit().body)["id"] != lost
    assert len(cloud.jobs) == 2


@pytest.mark.slow
def test_an_answer_that_is_lost_in_silence_leaves_a_job_too(submit, cloud, taken):
    cloud.faults.add(faults.lost_answer("timeout"), on=POST, times=1)
    with pytest.raises(TimeoutError):
        submit(timeout=1.0)  # on a socket, these are real: enough to be sent on any machine
    assert taken.wait(30)
    assert len(cloud.jobs) == 1


def test_the_client_finds_the_job_whose_answer_was_lost(way, cloud, bell):
    backend = way.provider(cloud).get_backend("simulator")
    cloud.faults.add(faults.lost_answer(), on=POST, times=1)
    job = backend.run(bell, shots=100)
    assert [job.job_id()] == [one.id for one in cloud.jobs]
    assert sum(job.get_counts().values()) == 100


@pytest.mark.parametrize("list_fault", [faults.http(503), faults.stale()], ids=repr)
def test_the_client_does_not_submit_again_what_it_cannot_find(list_fault, way, cloud, bell):
    backend = way.provider(cloud).get_backend("simulator")
    cloud.faults.add(faults.lost_answer(), on=POST, times=1)
    cloud.faults.add(list_fault, on="GET /jobs")
    with pytest.raises(errors.IonQSubmissionUnknownError, match="may have taken effect"):
        backend.run(bell)
    assert len(cloud.jobs) == 1
    assert [one.operation for one in cloud.requests].count(POST) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.refused(), requests.ConnectionError),
        (faults.reset(), requests.ConnectionError),
        (faults.lost_answer(), requests.ConnectionError),
        (faults.timeout(), requests.ReadTimeout),
        (faults.latency(60), requests.ReadTimeout),
        (faults.truncated(10), requests.RequestException),
    ],
    ids=repr,
)
def test_requests_raises_its_own_errors_where_it_is_intercepted(fault, error, cloud):
    cloud.faults.add(fault, times=1)
    with mock_ionq(cloud):
        with pytest.raises(error):
            requests.get("https://api.ionq.co/v0.4/backends", timeout=(3, 5))
        assert requests.get("https://api.ionq.co/v0.4/backends", timeout=(3, 5)).ok
    assert cloud.clock.monotonic() == (5 if error is requests.ReadTimeout else 0)


# --- late answers ----------------------------------------------------------------------------


def test_latency_passes_on_the_clouds_clock(submit, cloud):
    cloud.faults.add(faults.latency(3), on=POST)
    cloud.faults.add(faults.latency(0.5))
    assert submit().status == 201
    assert passed(cloud) == timedelta(seconds=3.5)
    assert cloud.requests[-1].faults == ("latency", "latency")


# A socket needs a clock that takes its time: test_faults_socket.py.
@pytest.mark.parametrize("way", ["in process", "interception"], indirect=True)
def test_latency_beyond_the_clients_timeout_is_a_timeout_after_the_effect(submit, cloud):
    cloud.faults.add(faults.latency(60), on=POST, times=1)
    with pytest.raises(TimeoutError):
        submit(timeout=30.0)
    assert len(cloud.jobs) == 1
    assert passed(cloud) == timedelta(seconds=30)


def test_jitter_is_drawn_from_the_seed_within_its_bounds(sender):
    def delays(seed):
        cloud = FakeIonQ(seed=seed)
        cloud.faults.add(faults.latency(2, jitter=0.5))
        for _ in range(200):
            before = cloud.clock.monotonic()
            sender(cloud)("GET", "/health")
            yield cloud.clock.monotonic() - before

    drawn = list(delays(7))
    assert drawn == list(delays(7)) != list(delays(8))
    assert 1.5 <= min(drawn) < 1.6
    assert 2.4 < max(drawn) <= 2.5
    assert math.fsum(drawn) / 200 == pytest.approx(2, abs=0.1)


def test_a_late_fault_is_late(submit, cloud):
    cloud.faults.add(faults.latency(3))
    cloud.faults.add(faults.http(503), on=POST)
    assert submit().status == 503
    assert passed(cloud) == timedelta(seconds=3)


# --- damaged answers -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, 0, 10, 10_000])
def test_a_truncated_body_is_a_broken_connection(size, submit, cloud):
    cloud.faults.add(faults.truncated(size), on=POST, times=1)
    with pytest.raises(
        ConnectionError, match=r"IncompleteRead|broke before the reply was complete"
    ):
        submit()
    assert len(cloud.jobs) == 1
    assert submit().status == 201


def test_a_dribbled_body_arrives_whole(submit, cloud):
    cloud.faults.add(faults.dribble(bytes=10, seconds=2), on=POST)
    body = submit(timeout=60.0).body
    assert json.loads(body)["status"] == "submitted"
    assert passed(cloud) == timedelta(seconds=2 * ((len(body) - 1) // 10))


def test_a_dribbled_body_is_too_late_in_all_or_for_each_part(cloud, job_body):
    cloud.faults.add(faults.dribble(bytes=10, seconds=2), on=POST)
    post = ("POST", "/v0.4/jobs", KEY, json.dumps(job_body()).encode(), 3.0)
    with pytest.raises(TimeoutError, match="within 3 s"):
        cloud.handle(*post)
    assert passed(cloud) == timedelta(seconds=3)
    # Each pause is shorter than the timeout; all together are not.
    assert cloud.handle(*post, in_parts=True).status == 201
    assert len(cloud.jobs) == 2


def test_a_pause_beyond_the_clients_timeout_is_a_timeout(cloud):
    cloud.faults.add(faults.dribble(bytes=10, seconds=2))
    with pytest.raises(TimeoutError):
        cloud.handle("GET", "/v0.4/backends", {}, None, 1.0)
    assert passed(cloud) == timedelta(seconds=1)


@pytest.mark.parametrize("path", ["/backends", "/jobs", "/backends/simulator", "/projects"])
def test_a_malformed_body_is_no_json(path, read, cloud):
    whole = read(path).body
    cloud.faults.add(faults.malformed())
    reply = read(path)
    assert whole.startswith(reply.body)
    assert reply.body
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)


@pytest.mark.parametrize(
    "fault", [faults.malformed(), faults.empty(), faults.html()], ids=lambda fault: fault.kind
)
def test_the_client_refuses_to_read_what_is_no_json(fault, way, cloud):
    client = way.provider(cloud).client
    cloud.faults.add(fault, on="GET /backends", times=1)
    with pytest.raises(errors.IonQResponseError, match="is not JSON"):
        client.get_backends()
    assert client.get_backends()


def test_an_empty_body_leaves_the_rest_as_it_is(submit, cloud):
    usual = submit()
    cloud.faults.add(faults.empty(), on=POST)
    reply = submit()
    assert (reply.status, reply.body) == (usual.status, b"")
    assert reply.header("content-type") == usual.header("content-type")


@pytest.mark.parametrize("status", [200, 403])
def test_a_page_of_somebody_else_comes_instead(status, submit, cloud):
    cloud.faults.add(faults.html(status), on=POST)
    reply = submit()
    assert (reply.status, reply.header("content-type")) == (status, "text/html; charset=UTF-8")
    assert b"<html" in reply.body
    assert cloud.jobs == []


def test_a_content_type_can_be_wrong(read, cloud):
    usual = read("/backends")
    cloud.faults.add(faults.content_type("application/octet-stream"), times=1)
    reply = read("/backends")
    assert (reply.body, reply.header("content-type")) == (usual.body, "application/octet-stream")
    assert read("/backends").header("content-type") == usual.header("content-type")


# --- other states, other effects --------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "status"), [(1, "started"), (2, "ready"), (3, "submitted"), (4, None), (9, None)]
)
def test_a_stale_read_is_of_an_earlier_state(by, status, way):
    cloud = FakeIonQ(seed=7, transitions=Transitions.polls(1))
    transport, base = way.transport(cloud)

    def send(method, path, body=None):
        return json.loads(transport.send(method, base + path, KEY, body, 30.0).body)

    path = f"/jobs/{send('POST', '/jobs', json.dumps(JOB).encode())['id']}"
    assert [send("GET", path)["status"] for _ in range(3)] == ["submitted", "ready", "started"]
    cloud.faults.add(faults.stale(by), on=READ, times=2)

    for _ in range(2):  # a replica that lags behind knows of no polls
        assert send("GET", path).get("status") == status
    assert send("GET", path)["status"] == "completed"


def test_a_replica_does_not_know_a_new_job_yet(submit, read, cloud):
    job_id = json.loads(submit().body)["id"]
    cloud.faults.add(faults.stale(), on="GET /jobs*", times=2)
    assert read(f"/jobs/{job_id}").status == 404
    assert json.loads(read("/jobs").body)["jobs"] == []
    assert read(f"/jobs/{job_id}").status == 200
    assert len(json.loads(read("/jobs").body)["jobs"]) == 1


def test_a_stale_list_is_as_it_was_last_read(submit, read, cloud):
    first = json.loads(submit().body)["id"]
    read("/jobs?limit=5")
    submit()
    cloud.faults.add(faults.stale(), on="GET /jobs", times=1)
    listed = json.loads(read("/jobs?limit=5").body)["jobs"]
    assert [job["id"] for job in listed] == [first]


def test_stale_read_is_of_the_same_key(cloud, sender, job_body):
    mine, other = sender(cloud, "mine"), sender(cloud, "other")
    mine("POST", "/jobs", job_body())
    assert len(mine("GET", "/jobs")[1]["jobs"]) == 1
    cloud.faults.add(faults.stale(), on="GET /jobs")
    assert other("GET", "/jobs")[1]["jobs"] == []


def test_a_request_that_arrives_twice_makes_two_jobs_and_one_answer(submit, cloud):
    cloud.faults.add(faults.duplicated(), on=POST, times=1)
    reply = submit()
    assert (reply.status, len(cloud.jobs)) == (201, 2)
    direct = FakeIonQ(seed=7).handle("POST", "/v0.4/jobs", KEY, json.dumps(JOB).encode())
    assert reply.body == direct.body  # that of the first
    assert len(cloud.requests) == 1


def test_a_cancellation_that_arrives_twice_is_one(submit, cloud):
    job_id = json.loads(submit().body)["id"]
    cloud.faults.add(faults.duplicated(), on="PUT *")
    path = f"/jobs/{job_id}/status/cancel"
    reply = submit.transport.send("PUT", submit.base + path, KEY, None, 30.0)
    assert (reply.status, json.loads(reply.body)["status"]) == (200, "canceled")


# --- the same for a seed ---------------------------------------------------------------------


def test_rules_that_do_not_fire_change_no_byte(way, bell):
    def run(cloud):
        client = way.provider(cloud, seed=5).client
        ids = [client.submit_job(JOB)["id"] for _ in range(3)]
        return ids, [client.retrieve_job(job_id) for job_id in ids]

    plain, armed = FakeIonQ(seed=7), FakeIonQ(seed=7)
    armed.faults.add(faults.http(500), on="DELETE *", probability=0.5)
    armed.faults.add(faults.latency(5, jitter=2), skip=1000)
    armed.faults.add(faults.reset(), key="another-key")
    assert run(armed) == run(plain)


def test_faults_before_the_effect_change_no_id(submit, cloud):
    cloud.faults.add(faults.http(429), on=POST, times=2)
    cloud.faults.add(faults.reset(), on=POST, times=1)
    for _ in range(2):
        assert submit().status == 429
    with pytest.raises(ConnectionError):
        submit()
    direct = FakeIonQ(seed=7).handle("POST", "/v0.4/jobs", KEY, json.dumps(JOB).encode())
    assert submit().body == direct.body


def test_chance_is_the_same_through_every_way_in(read, cloud):
    cloud.faults.add(faults.http(503), on="GET /health", probability=0.3)
    drawn = [read("/health").status for _ in range(40)]
    other = FakeIonQ(seed=7)
    other.faults.add(faults.http(503), on="GET /health", probability=0.3)
    assert drawn == [other.handle("GET", "/v0.4/health", {}).status for _ in range(40)]
    assert 4 <= drawn.count(503) <= 20


@pytest.mark.parametrize(
    ("seconds", "text"), [(3, "3"), (0.5, "0.5"), (1e-5, "0.00001"), (1e16, "10000000000000000")]
)
def test_retry_after_is_written_as_http_has_it(cloud, seconds, text):
    cloud.faults.add(faults.http(429, retry_after=seconds))
    assert cloud.handle("GET", "/v0.4/backends", {}).headers["retry-after"] == text


def test_a_number_of_any_size_is_refused_or_taken():
    with pytest.raises(ValueError, match="finite number"):
        faults.http(429, retry_after=10**400)
