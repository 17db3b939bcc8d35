"""The controls below /_fake/, and the cloud that is made as new."""

import json

import pytest

from ionq_toolkit import HttpTransport
from ionq_toolkit_fake import Access, FakeIonQ, FakeServer, Transitions, after, failed, faults
from ionq_toolkit_fake.clock import SystemClock
from ionq_toolkit_fake.control import CONTROLS, answer

QPU = "qpu.forte-1"


@pytest.fixture(params=["socket", "interception"])
def way(request, ways_in):
    """The ways in that have the controls; in process, a test has the cloud itself."""
    return ways_in(request.param)


@pytest.fixture
def connect(way):
    """Make a function that sends a request to a cloud by the way in, and returns (status, JSON)."""

    def connect(cloud):
        transport, base = way.transport(cloud)

        def send(method, path, body=None):
            content = None if body is None else json.dumps(body).encode()
            headers = {"Authorization": "apiKey k", "Content-Type": "application/json"}
            url = base.removesuffix("/v0.4") + ("" if path.startswith("/_fake") else "/v0.4") + path
            reply = transport.send(method, url, headers, content, 30.0)
            return reply.status, json.loads(reply.body)

        return send

    return connect


@pytest.fixture
def control(cloud):
    def control(method, path, body=None):
        content = None if body is None else json.dumps(body).encode()
        reply = answer(cloud, method, path, content or b"")
        return reply.status, json.loads(reply.body)

    return control


def test_moving_the_clock_passes_an_hour_in_the_queue(connect, job_body):
    cloud = FakeIonQ(seed=1, transitions=Transitions(started=after(seconds=3600)))
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    assert send("GET", path)[1]["status"] == "ready"

    assert send("POST", "/_fake/clock", {"seconds": 3599.5})[1] == {
        "clock": "virtual",
        "now": "2026-01-01T00:59:59.500Z",
        "elapsed_s": 3599.5,
    }

    assert send("GET", path)[1]["status"] == "ready"
    assert send("POST", "/_fake/clock", {"until": "2026-01-01T01:00Z"})[1]["elapsed_s"] == 3600
    job = send("GET", path)[1]
    assert (job["status"], job["started_at"]) == ("completed", "2026-01-01T01:00:00.000Z")
    assert send("GET", "/_fake/clock")[1]["now"] == "2026-01-01T01:00:00.000Z"


def test_moving_the_clock_expires_a_session(connect):
    send = connect(FakeIonQ(seed=1))
    body = {"backend": QPU, "settings": {"duration_limit_min": 60}}
    path = "/sessions/" + send("POST", "/sessions", body)[1]["id"]
    send("POST", "/_fake/clock", {"seconds": 3599})
    assert send("GET", path)[1]["active"] is True
    send("POST", "/_fake/clock", {"seconds": 1})
    ended = send("GET", path)[1]
    assert (ended["active"], ended["ended_at"]) == (False, "2026-01-01T01:00:00.000Z")


def test_transitions_are_set_shown_and_forgotten(connect, job_body):
    send = connect(FakeIonQ(seed=1, transitions=Transitions.polls(1)))
    polls = {"polls": 1}
    for_all = {"ready": polls, "started": polls, "finished": polls}
    rule = {"ready": "immediately", "end": {"code": "SystemCancel"}, "match": {"name": "n"}}

    status, reply = send("POST", "/_fake/transitions", rule)

    message = "The service took the job out of its queue."
    end = {"status": "failed", "code": "SystemCancel", "message": message, "at": "ready"}
    assert (status, reply) == (200, {"transitions": [for_all, {**rule, "end": end}]})
    assert send("GET", "/_fake/transitions") == (200, reply)
    path = "/jobs/" + send("POST", "/jobs", job_body(name="n"))[1]["id"]
    assert [send("GET", path)[1]["status"] for _ in range(2)] == ["ready", "failed"]
    assert send("DELETE", "/_fake/transitions") == (200, {"transitions": [for_all]})
    path = "/jobs/" + send("POST", "/jobs", job_body(name="n"))[1]["id"]
    assert send("GET", path)[1]["status"] == "submitted"


def test_faults_are_added_shown_and_taken_away(connect, job_body):
    send = connect(FakeIonQ(seed=1))
    rule = {"fault": "http", "status": 503, "on": "POST /jobs", "times": 1}

    status, reply = send("POST", "/_fake/faults", rule)

    assert status == 200
    assert reply == {"rules": [{"number": 1, **rule, "reached": 0, "fired": 0}], "fired": []}
    assert [send("POST", "/jobs", job_body())[0] for _ in range(2)] == [503, 201]
    reply = send("GET", "/_fake/faults")[1]
    assert (reply["rules"][0]["fired"], len(reply["fired"])) == (1, 1)
    assert (reply["fired"][0]["fault"], reply["fired"][0]["number"]) == ("http", 1)
    assert reply["fired"][0]["request"] == send("GET", "/_fake/requests")[1]["requests"][0]
    assert send("DELETE", "/_fake/faults")[1]["rules"] == []


def test_requests_lists_requests_to_the_api_only(connect, job_body):
    send = connect(FakeIonQ(seed=1))
    job_id = send("POST", "/jobs", job_body())[1]["id"]
    send("GET", f"/jobs/{job_id}")
    send("GET", "/_fake/state")
    requests = send("GET", "/_fake/requests")[1]["requests"]
    assert [(one["operation"], one["status"], one["at"]) for one in requests] == [
        ("POST /jobs", 201, "2026-01-01T00:00:00.000Z"),
        ("GET /jobs/<job_id>", 200, "2026-01-01T00:00:00.000Z"),
    ]
    assert send("POST", "/_fake/reset")[0] == 200
    assert send("GET", "/_fake/requests")[1] == {"requests": []}


def test_a_living_job_is_ended_held_and_released(connect, job_body):
    send = connect(FakeIonQ(seed=1))
    one, two = (send("POST", "/jobs", job_body(name=name))[1]["id"] for name in "ab")
    assert send("POST", f"/_fake/jobs/{one}", {"hold": "paused"})[1]["status"] == "paused"
    assert send("GET", f"/jobs/{one}")[1]["status"] == "paused"
    assert send("POST", f"/_fake/jobs/{one}", {"hold": "started"})[1]["held"] is True
    assert send("GET", f"/jobs/{one}")[1]["status"] == "started"
    assert send("POST", f"/_fake/jobs/{one}", {"release": True})[1]["held"] is False
    assert send("GET", f"/jobs/{one}")[1]["status"] == "completed"
    end = {"code": "InternalError", "message": "Oh."}
    assert send("POST", f"/_fake/jobs/{two}", {"end": end}) == (
        200,
        {
            "id": two,
            "name": "b",
            "status": "failed",
            "backend": "simulator",
            "parent_job_id": None,
            "project_id": send("GET", "/whoami")[1]["project_id"],
            "held": False,
        },
    )
    assert send("GET", f"/jobs/{two}")[1]["failure"]["message"] == "Oh."


def test_the_state_shows_jobs_without_asking_for_them(connect, job_body):
    cloud = FakeIonQ(seed=3, transitions=Transitions.polls(1))
    send = connect(cloud)
    ids = [send("POST", "/jobs", job_body())[1]["id"] for _ in range(2)]
    for _ in range(5):
        state = send("GET", "/_fake/state")[1]
        assert [(job["id"], job["status"]) for job in state["jobs"]] == [
            (job_id, "submitted") for job_id in ids
        ]
        assert send("GET", f"/_fake/jobs/{ids[0]}")[1] == state["jobs"][0]
    assert (state["seed"], state["clock"]["elapsed_s"]) == (3, 0)
    assert send("GET", f"/jobs/{ids[0]}")[1]["status"] == "submitted"


def test_the_state_is_that_of_the_present_time(connect, job_body):
    send = connect(FakeIonQ(seed=1, transitions=Transitions(finished=after(seconds=60))))
    path = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    send("GET", path)
    for seconds, status in ((59, "started"), (1, "completed")):
        send("POST", "/_fake/clock", {"seconds": seconds})
        assert send("GET", "/_fake/state")[1]["jobs"][0]["status"] == status


def test_a_cloud_that_is_reset_gives_the_same_bytes_again(way, job_body):
    keys = {"k": "physics", "other": Access("chemistry")}
    cloud = FakeIonQ(seed=1, keys=keys, transitions=Transitions(started=after(seconds=60)))
    transport, base = way.transport(cloud)
    headers = {"Authorization": "apiKey k", "Content-Type": "application/json"}
    body = json.dumps(job_body(noise={"model": "aria-1"}, shots=50)).encode()

    def run():
        replies = []

        def send(method, path, content=None):
            reply = transport.send(method, base + path, headers, content, 30.0)
            replies.append((reply.status, reply.body, reply.header("x-request-id")))
            return json.loads(reply.body)

        send("POST", "/sessions", json.dumps({"backend": QPU}).encode())
        path = "/jobs/" + send("POST", "/jobs", body)["id"]
        cloud.clock.sleep(61)
        send("GET", path)
        send("GET", path + "/results/probabilities")
        send("GET", "/jobs")
        send("GET", "/sessions")
        send("GET", f"/backends/{QPU}")
        send("GET", "/whoami")
        return replies

    first = run()
    cloud.transitions.set(Transitions(end=failed("InternalError")))
    cloud.faults.add(faults.http(500))
    cloud.clock.sleep(86_400)
    control = base.removesuffix("/v0.4") + "/_fake/reset"
    reply = json.loads(transport.send("POST", control, {}, None, 30.0).body)
    assert (reply["jobs"], reply["clock"]["elapsed_s"], len(reply["transitions"])) == ([], 0, 1)
    assert run() == first


def test_a_reset_forgets_keys_and_jobs_and_gives_up_what_is_simulated(sender, job_body):
    from concurrent.futures import Executor, Future  # noqa: PLC0415

    class Held(Executor):
        def submit(self, fn, /, *args, **kwargs):
            futures.append(Future())
            return futures[-1]

    futures = []
    cloud = FakeIonQ(seed=1, executor=Held())
    _, created = sender(cloud)("POST", "/jobs", job_body(backend=QPU))
    project = sender(cloud)("GET", "/whoami")[1]["project_id"]
    cloud.reset()
    assert futures[0].cancelled()
    assert (cloud.jobs, cloud.projects) == ([], [])
    assert sender(cloud, "another")("GET", "/whoami")[1]["project_id"] == project
    assert sender(cloud)("GET", f"/backends/{QPU}")[1]["average_queue_time"] == 0
    assert sender(cloud)("GET", f"/jobs/{created['id']}")[0] == 404


def test_controls_are_not_logged(send, cloud, control):
    other = FakeIonQ(seed=7)
    control("GET", "/_fake/state")
    control("GET", "/_fake/nothing")
    ids = [c.handle("GET", "/v0.4/health", {}).headers["x-request-id"] for c in (cloud, other)]
    assert ids[0] == ids[1]
    assert send("GET", "/_fake/state")[0] == 404  # that is /v0.4/_fake/state


def test_index_lists_controls(control):
    assert control("GET", "/_fake") == (200, {"controls": list(CONTROLS)})
    assert control("GET", "/_fake/")[1] == {"controls": list(CONTROLS)}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/_fake/stat", None, 404, "Did you mean 'GET /_fake/state'"),
        ("PUT", "/_fake/clock", {}, 404, "there is no control 'PUT /_fake/clock'"),
        ("POST", "/_fake/clock", {}, 400, "give one of them"),
        ("POST", "/_fake/clock", {"seconds": 1, "until": "2026-02-01"}, 400, "give one of them"),
        ("POST", "/_fake/clock", {"second": 1}, 400, "Did you mean 'seconds'"),
        ("POST", "/_fake/clock", {"seconds": -1}, 400, "cannot sleep for -1"),
        ("POST", "/_fake/clock", {"seconds": "1"}, 400, "seconds must be a number"),
        ("POST", "/_fake/clock", {"seconds": True}, 400, "seconds must be a number"),
        ("POST", "/_fake/clock", {"seconds": 10**300}, 400, "beyond 9900-01-01"),
        ("POST", "/_fake/clock", {"until": "tomorrow"}, 400, "until must be a date and time"),
        ("POST", "/_fake/clock", {"until": 7}, 400, "until must be a date and time"),
        ("POST", "/_fake/clock", {"until": "2025-12-31"}, 400, "the time does not go back"),
        ("POST", "/_fake/clock", [], 400, "the body must be a JSON object"),
        ("POST", "/_fake/reset", {"seed": 3}, 400, "no part of a reset 'seed'"),
        ("POST", "/_fake/faults", {"fault": "htp"}, 400, "there is no fault 'htp'; there are http"),
        ("POST", "/_fake/faults", {}, 400, "at least the key 'fault'"),
        ("POST", "/_fake/transitions", {}, 400, "say nothing"),
        ("POST", "/_fake/transitions", {"end": {"code": "X"}}, 400, "no failure code 'X'"),
        ("POST", "/_fake/transitions", {"end": {"code": []}}, 400, "no failure code"),
        ("POST", "/_fake/transitions", {"match": {"nth": 1}}, 400, "say nothing"),
        ("GET", "/_fake/jobs/none", None, 400, "there is no job 'none'; there are none"),
        ("POST", "/_fake/jobs/none", {"end": "completed"}, 400, "there is no job 'none'"),
        ("POST", "/_fake/jobs/none", {}, 400, "give one of end, hold, release"),
        ("POST", "/_fake/jobs/none", {"hold": 3}, 400, "hold must be true"),
        ("POST", "/_fake/jobs/none", {"release": False}, 400, "release must be true"),
    ],
)
def test_control_rejects_invalid_request(control, cloud, method, path, body, status, message):
    before = control("GET", "/_fake/state")
    found, reply = control(method, path, body)
    assert (found, reply["statusCode"]) == (status, status)
    assert message in reply["message"]
    assert control("GET", "/_fake/state") == before


def test_other_requests_are_no_controls(cloud):
    assert answer(cloud, "GET", "/v0.4/jobs", b"") is None
    assert answer(cloud, "GET", "http://[", b"") is None


def test_head_is_answered_without_a_body(cloud):
    whole, reply = (answer(cloud, method, "/_fake/state", b"") for method in ("GET", "HEAD"))
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["content-length"] == str(len(whole.body))
    assert answer(cloud, "HEAD", "/_fake/none", b"").status == 404


def test_control_rejects_body_that_is_not_json(cloud):
    reply = answer(cloud, "POST", "/_fake/clock", b"\xff{")
    assert reply.status == 400


def test_a_real_clock_is_not_moved():
    cloud = FakeIonQ(clock=SystemClock())
    reply = answer(cloud, "POST", "/_fake/clock", b'{"seconds": 60}')
    assert reply.status == 400
    assert b"--clock virtual" in reply.body
    assert json.loads(answer(cloud, "GET", "/_fake/clock", b"").body)["clock"] == "real"


def test_no_key_is_shown(cloud, sender, job_body, control):
    sender(cloud, "a-secret-key")("POST", "/jobs", job_body(metadata={"a": "b"}))
    assert "a-secret-key" not in json.dumps(control("GET", "/_fake/state"))


def test_a_client_in_another_thread_sees_time_move(job_body):
    cloud = FakeIonQ(seed=1, clock="virtual")
    with FakeServer(cloud) as server:
        transport = HttpTransport()
        headers = {"Authorization": "apiKey k", "Content-Type": "application/json"}
        body = json.dumps(job_body(backend=QPU)).encode()
        reply = transport.send("POST", server.url + "/jobs", headers, body, 30.0)
        url = f"{server.url}/jobs/{json.loads(reply.body)['id']}"
        seen = []
        for seconds in (0, 60):
            cloud.clock.sleep(seconds)
            seen.append(json.loads(transport.send("GET", url, headers, None, 30.0).body)["status"])
        transport.close()
    assert seen == ["started", "completed"]


def test_a_cloud_in_this_process_answers_the_controls_too():
    cloud = FakeIonQ(seed=1)
    moved = cloud.handle("POST", "/_fake/clock", {}, b'{"seconds": 60}')
    assert (moved.status, json.loads(moved.body)["elapsed_s"]) == (200, 60)
    assert not cloud.requests  # it is no request of a client
