"""Sessions: their life, their limits, and whose they are."""

import pytest

from ionq_toolkit_fake import FakeIonQ

QPU = "qpu.forte-1"


@pytest.fixture
def session(send):
    def create(**settings):
        body = {"backend": QPU, "settings": settings} if settings else {"backend": QPU}
        status, created = send("POST", "/sessions", body)
        assert status == 201, created
        return created

    return create


@pytest.fixture
def submit(send, job_body):
    def submit(session, **fields):
        body = job_body(backend=QPU, session_id=session["id"], **fields)
        return send("POST", "/jobs", body)

    return submit


def test_a_session_is_created_started_by_its_first_job_and_ended(send, session, submit):
    created = session()
    assert (created["status"], created["active"], created["started_at"]) == ("created", True, None)
    status, reply = submit(created)
    assert (status, reply["session_id"]) == (201, created["id"])
    started = send("GET", f"/sessions/{created['id']}")[1]
    assert (started["status"], started["active"]) == ("started", True)
    assert started["started_at"] == "2026-01-01T00:00:00.000Z"
    status, ended = send("POST", f"/sessions/{created['id']}/end")
    assert (status, ended["status"], ended["active"]) == (200, "ended", False)
    assert ended["ender_id"] == ended["creator_id"]
    assert ended["ended_at"] is not None


def test_a_job_says_which_session_it_is_of(send, session, submit):
    mine, other = session(), session()
    _, created = submit(mine)
    submit(other)
    assert send("GET", f"/jobs/{created['id']}")[1]["session_id"] == mine["id"]
    for path in (f"/sessions/{mine['id']}/jobs", f"/jobs?session_id={mine['id']}"):
        assert [job["id"] for job in send("GET", path)[1]["jobs"]] == [created["id"]]


def test_an_ended_session_takes_no_job_and_keeps_what_it_had(send, session, submit):
    created = session()
    _, job = submit(created)
    send("POST", f"/sessions/{created['id']}/end")
    status, reply = submit(created)
    assert (status, reply["validation"]["keys"]) == (400, ["session_id"])
    assert "has ended" in reply["message"]
    assert send("GET", f"/jobs/{job['id']}")[1]["status"] == "completed"


def test_ending_twice_changes_nothing(send, cloud, session):
    path = f"/sessions/{session()['id']}/end"
    first = send("POST", path)[1]
    cloud.clock.sleep(60)
    assert send("POST", path) == (200, first)


def test_it_takes_as_many_jobs_as_its_limit(send, session, submit):
    created = session(job_count_limit=2)
    assert [submit(created)[0] for _ in range(3)] == [201, 201, 400]
    assert "2 jobs" in submit(created)[1]["message"]


def test_a_deleted_job_was_one_of_its_jobs(send, session, submit):
    created = session(job_count_limit=1)
    _, job = submit(created)
    send("DELETE", f"/jobs/{job['id']}")
    assert submit(created)[0] == 400


def test_it_ends_when_its_minutes_are_over(send, cloud, session, submit):
    created = session(duration_limit_min=5)
    assert created["settings"]["expires_at"] == "2026-01-01T00:05:00.000Z"
    cloud.clock.sleep(299)
    assert submit(created)[0] == 201
    cloud.clock.sleep(1)
    ended = send("GET", f"/sessions/{created['id']}")[1]
    assert (ended["status"], ended["ended_at"]) == ("ended", "2026-01-01T00:05:00.000Z")
    assert (ended["ender_id"], submit(created)[0]) == (None, 400)


def test_its_jobs_cost_no_more_than_its_limit(send, session, submit):
    created = session(cost_limit={"unit": "usd", "value": 60})  # a job costs 25.79
    assert [submit(created)[0] for _ in range(3)] == [201, 201, 400]
    assert "has ended" in submit(created)[1]["message"]  # IonQ told a user so


def test_a_canceled_job_costs_its_session_nothing(send, session, submit):
    created = session(cost_limit={"value": 30})
    _, job = submit(created)
    send("PUT", f"/jobs/{job['id']}/status/cancel")
    assert submit(created)[0] == 201


def test_it_is_for_its_backend_alone(send, session, job_body):
    body = job_body(backend="qpu.forte-enterprise-1", session_id=session()["id"])
    status, reply = send("POST", "/jobs", body)
    assert (status, reply["validation"]["keys"]) == (400, ["session_id"])
    assert "is for qpu.forte-1" in reply["message"]


def test_a_job_of_a_session_that_there_is_not_is_refused(submit):
    status, reply = submit({"id": "none"})
    assert (status, reply["validation"]["keys"]) == (400, ["session_id"])


def test_lists_are_of_all_or_those_that_are_active_or_not(send, session):
    first, second = session(), session()
    send("POST", f"/sessions/{first['id']}/end")

    def listed(query=""):
        return [entry["id"] for entry in send("GET", "/sessions" + query)[1]["sessions"]]

    assert listed() == [second["id"], first["id"]]
    assert (listed("?active=true"), listed("?active=false")) == ([second["id"]], [first["id"]])
    assert send("GET", "/sessions?active=perhaps")[1]["validation"]["keys"] == ["active"]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({}, "backend"),
        ({"backend": "qpu.none"}, "backend"),
        ({"backend": "qpu.aria-1"}, "backend"),
        ({"backend": QPU, "settings": {"job_count_limit": 0}}, "settings.job_count_limit"),
        ({"backend": QPU, "settings": {"job_count_limit": "many"}}, "settings.job_count_limit"),
        ({"backend": QPU, "settings": {"duration_limit_min": -1}}, "settings.duration_limit_min"),
        ({"backend": QPU, "settings": {"cost_limit": {}}}, "settings.cost_limit.value"),
        ({"backend": QPU, "settings": {"cost_limit": {"value": 0}}}, "settings.cost_limit.value"),
    ],
)
def test_a_body_that_is_no_session_is_refused(send, body, key):
    status, reply = send("POST", "/sessions", body)
    assert (status, reply["validation"]["keys"]) == (400, [key])
    assert send("GET", "/sessions")[1]["sessions"] == []


def test_limits_may_be_strings_as_qiskit_ionq_documents(session):
    settings = session(job_count_limit="3", duration_limit_min="7")["settings"]
    assert (settings["job_count_limit"], settings["duration_limit_min"]) == (3, 7)


def test_other_projects_do_not_see_a_session(sender):
    cloud = FakeIonQ(seed=1, keys={"a": "mine", "b": "mine", "c": "theirs"})
    created = sender(cloud, "a")("POST", "/sessions", {"backend": QPU})[1]
    path = f"/sessions/{created['id']}"
    assert sender(cloud, "b")("GET", path)[0] == 200
    for method, part in (("GET", ""), ("POST", "/end"), ("GET", "/jobs")):
        assert sender(cloud, "c")(method, path + part)[0] == 404
    assert sender(cloud, "c")("GET", "/sessions")[1]["sessions"] == []


def test_a_dry_run_costs_its_session_nothing(session, submit):
    created = session(cost_limit={"value": 30})
    assert [submit(created, dry_run=dry)[0] for dry in (True, True, False)] == [201] * 3


def test_the_only_job_of_a_session_can_be_moved(send, session, submit):
    created = session(job_count_limit=1)
    _, job = submit(created)
    status, moved = send("POST", f"/jobs/{job['id']}/move", {"name": "again"})
    assert status == 201
    jobs = send("GET", f"/sessions/{created['id']}/jobs")[1]["jobs"]
    assert {entry["id"]: entry["status"] for entry in jobs} == {
        job["id"]: "canceled",
        moved["id"]: "completed",
    }
    assert submit(created)[0] == 400


def test_a_session_that_ran_a_job_is_billed_an_hour_at_least(cloud, send, session, submit):
    idle, used, long = session(), session(), session()
    for created, minutes in ((used, 5), (long, 90)):
        _, job = submit(created)
        send("GET", f"/jobs/{job['id']}")
        cloud.clock.sleep(60 * minutes)
        send("POST", f"/sessions/{created['id']}/end")
    send("POST", f"/sessions/{idle['id']}/end")
    (project,) = cloud.projects
    hours = [
        project.sessions.find(created["id"]).billed.total_seconds() / 3600
        for created in (idle, used, long)
    ]
    assert hours == [0, 1, pytest.approx(95 / 60)]


def test_sessions_beyond_the_capacity_of_a_qpu_are_409_until_one_ends(sender):
    send = sender(FakeIonQ(seed=1, session_capacity=1))
    body = {"backend": "qpu.forte-1"}
    first = send("POST", "/sessions", body)[1]
    assert send("POST", "/sessions", body)[0] == 409
    assert send("POST", "/sessions", {"backend": "qpu.forte-enterprise-1"})[0] == 201
    send("POST", f"/sessions/{first['id']}/end")
    assert send("POST", "/sessions", body)[0] == 201
