"""How jobs go on: the schedule by itself, and what a client sees of it through every way in."""

import json
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionq_toolkit_fake import FAILURES, FakeIonQ, Transitions, after, canceled, failed
from ionq_toolkit_fake.clock import VirtualClock
from ionq_toolkit_fake.simulation.outcome import Distribution, Outcome
from ionq_toolkit_fake.transitions.lifecycle import Position, Step, expected, proceed

QPU = "qpu.forte-1"
START = datetime(2026, 1, 1, tzinfo=UTC)
AN_HOUR = Transitions(
    ready=after(seconds=5), started=after(seconds=3600), finished=after(seconds=30)
)
X0, X1 = [{"gate": "x", "target": 0}], [{"gate": "x", "target": 1}]


def at(seconds):
    return START + timedelta(seconds=seconds)


def iso(seconds):
    return at(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def connect(way):
    """Make a function that sends a request to a cloud by the way in, and returns (status, JSON)."""

    def connect(cloud):
        transport, base = way.transport(cloud)

        def send(method, path, body=None):
            content = None if body is None else json.dumps(body).encode()
            headers = {"Authorization": "apiKey k", "Content-Type": "application/json"}
            reply = transport.send(method, base + path, headers, content, 30.0)
            return reply.status, json.loads(reply.body)

        return send

    return connect


@pytest.fixture
def several():
    def several(count=3, **fields):
        return {
            "type": "ionq.multi-circuit.v1",
            "backend": "simulator",
            "input": {
                "gateset": "qis",
                "qubits": 2,
                "circuits": [{"circuit": X0, "name": f"c{n + 1}"} for n in range(count)],
            },
            **fields,
        }

    return several


# --- the schedule ----------------------------------------------------------------------------

NOW, TWO, NEVER = Step("immediately"), Step("polls", 2), Step("never")
NEW = Position((START,), START)


def test_seconds_count_from_the_step_before_whoever_looks_when():
    steps = tuple(Step("seconds", seconds) for seconds in (5, 3600, 30))
    submitted = NEW
    for seconds, places in ((4.999, 0), (5, 1), (3604, 1), (3605, 2), (3634.9, 2), (3635, 3)):
        assert proceed(steps, submitted, at(seconds)).place == places
    late = proceed(steps, submitted, at(10**6))
    assert late.entered == (START, at(5), at(3605), at(3635))
    assert proceed(steps, proceed(steps, submitted, at(7)), at(10**6)) == late


def test_polls_show_each_status_so_often():
    position, seen = NEW, []
    for second in range(8):
        position = proceed((TWO, TWO, TWO), position, at(second), asked=True, polled=True)
        seen.append(position.place)
    assert seen == [0, 0, 1, 1, 2, 2, 3, 3]
    assert position.entered == (START, at(2), at(4), at(6))


def test_a_machines_clock_that_is_put_back_puts_no_moment_back():
    position = proceed((NOW, TWO, TWO), NEW._replace(polls=2), at(9), asked=True)
    position = proceed((NOW, TWO, TWO), position._replace(polls=2), at(-5), asked=True, polled=True)
    assert position.entered == (START, START, START)


def test_asking_is_not_polling_and_being_there_is_neither():
    shown = proceed((TWO, TWO, TWO), NEW._replace(polls=9), at(1), asked=True)
    assert shown.place == 0
    assert proceed((NOW, NOW, NOW), NEW, at(99)).place == 0
    assert proceed((NOW, NOW, NOW), NEW, at(99), asked=True).entered == (START,) * 4


def test_an_immediate_step_is_carried_along_by_a_later_ones_seconds():
    steps = (NOW, Step("seconds", 10), NOW)
    assert proceed(steps, NEW, at(9)).place == 0
    assert proceed(steps, NEW, at(9), asked=True).place == 1
    assert proceed(steps, NEW, at(11)).entered == (START, START, at(10))
    assert proceed(steps, NEW, at(11), asked=True).entered[-1] == at(10)


def test_seconds_after_polls_count_from_the_poll():
    steps = (Step("polls", 1), Step("seconds", 10), NEVER)
    position = proceed(steps, NEW, at(0), asked=True, polled=True)
    position = proceed(steps, position, at(100), asked=True, polled=True)
    assert (position.place, position.entered[-1]) == (1, at(100))
    assert expected(steps, position, 2) == at(110)
    assert proceed(steps, position, at(10**8), asked=True, polled=True).place == 2


def test_the_time_that_a_job_is_held_does_not_count():
    steps = (Step("seconds", 10),) * 3
    held = proceed(steps, NEW, at(4)).held(at(4))
    assert proceed(steps, held, at(500), asked=True) == held
    assert expected(steps, held, 1) is None
    released = held.released(at(1000))
    assert expected(steps, released, 1) == at(1006)
    assert proceed(steps, released, at(1006)).place == 1


STEP = st.one_of(
    st.just(NOW),
    st.just(NEVER),
    st.builds(Step, st.just("polls"), st.integers(1, 3)),
    st.builds(Step, st.just("seconds"), st.floats(0, 1000)),
)


@given(
    st.tuples(STEP, STEP, STEP),
    st.lists(st.tuples(st.floats(0, 500), st.booleans()), max_size=8),
)
def test_a_job_never_goes_back_and_its_moments_are_in_order(steps, looks):
    position, now = NEW, START
    for seconds, polled in looks:
        now += timedelta(seconds=seconds)
        found = proceed(steps, position, now, asked=polled, polled=polled)
        assert found.entered[: len(position.entered)] == position.entered
        assert list(found.entered) == sorted(found.entered)
        assert found.entered[-1] <= now
        position = found


@given(st.tuples(*[st.floats(0, 1000)] * 3), st.lists(st.floats(0, 500), max_size=8))
def test_how_often_anybody_looks_changes_no_moment(seconds, looks):
    steps = tuple(Step("seconds", number) for number in seconds)
    position, now = NEW, START
    for pause in looks:
        now += timedelta(seconds=pause)
        position = proceed(steps, position, now, asked=True, polled=True)
    end = at(10_000)
    once = proceed(steps, NEW, end)
    assert proceed(steps, position, end).entered == once.entered
    assert once.entered[-1] == expected(steps, NEW, 3)


# --- what a client sees ----------------------------------------------------------------------


def test_a_job_is_where_time_has_brought_it(connect, job_body):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    seen = []
    for seconds in (0, 4, 1, 3599, 1, 29, 1):
        cloud.clock.sleep(seconds)
        job = send("GET", path)[1]
        assert send("GET", "/jobs")[1]["jobs"][0]["status"] == job["status"]
        assert send("GET", path + "/results/probabilities")[0] == (
            200 if job["status"] == "completed" else 404
        )
        seen.append((job["status"], job["started_at"], job["completed_at"]))
    waiting = [("submitted", None, None)] * 2 + [("ready", None, None)] * 2
    started = iso(3605)
    assert seen == [
        *waiting,
        *[("started", started, None)] * 2,
        ("completed", started, iso(3635)),
    ]


def test_moments_are_those_of_the_schedule_however_late_somebody_asks(connect, job_body):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body(backend=QPU))[1]["id"]
    cloud.clock.sleep(86_400)
    job = send("GET", path)[1]
    assert (job["submitted_at"], job["started_at"], job["completed_at"]) == (
        iso(0),
        iso(3605),
        iso(3635),
    )
    assert job["execution_duration_ms"] == 30_000


def test_a_client_that_waits_on_the_clouds_clock_brings_the_end_about(bell):
    from ionq_toolkit import InProcessTransport, IonQProvider  # noqa: PLC0415

    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    provider = IonQProvider(transport=InProcessTransport(cloud), seed=1)
    job = provider.get_backend("simulator").run(bell, shots=100)
    seen = []

    job.wait_for_final_state(callback=lambda _id, status, _job: seen.append(status.name))

    assert list(dict.fromkeys(seen)) == ["INITIALIZING", "QUEUED", "RUNNING", "DONE"]
    assert at(3635) <= cloud.clock.now() < at(3700)
    assert sum(job.get_counts().values()) == 100


def test_predictions_come_true(connect, job_body):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body(backend=QPU))[1]["id"]
    cloud.clock.sleep(100)
    job = send("GET", path)[1]
    assert (job["predicted_wait_time_ms"], job["predicted_execution_duration_ms"]) == (
        3_505_000,
        30_000,
    )
    # The machine is free when that job has ended.
    estimate = f"/jobs/estimate?backend={QPU}&1q_gates=1"
    assert send("GET", estimate)[1]["current_predicted_queue_time"] == 3_535_000
    assert send("GET", f"/backends/{QPU}")[1]["average_queue_time"] == 3_535_000
    cloud.clock.sleep(3535)
    assert send("GET", estimate)[1]["current_predicted_queue_time"] == 0


def test_as_predicted_the_jobs_of_a_machine_run_one_after_the_other(connect, job_body):
    cloud = FakeIonQ(seed=1, clock="virtual")
    send = connect(cloud)
    paths = [
        "/jobs/" + send("POST", "/jobs", job_body(X0, backend=QPU, shots=1000))[1]["id"]
        for _ in range(3)
    ]
    jobs = [send("GET", path)[1] for path in paths]
    # 1000 shots of one gate of 130 us and 200 us of readout and reset, and 669 ms a job; jobs on
    # Forte-1 took 5.5 ms more for each gate and 3.4 ms for each shot.
    assert {job["predicted_execution_duration_ms"] for job in jobs} == {999}
    assert [job["predicted_wait_time_ms"] for job in jobs[1:]] == [4404, 8808]
    assert [job["status"] for job in jobs] == ["started", "ready", "ready"]
    cloud.clock.sleep(5)
    assert [send("GET", path)[1]["status"] for path in paths] == ["completed", "started", "ready"]
    cloud.clock.sleep(60)
    jobs = [send("GET", path)[1] for path in paths]
    assert [job["started_at"] for job in jobs] == [iso(0), iso(4.404), iso(8.808)]
    assert jobs[2]["completed_at"] == iso(13.212)
    # Nothing waits for the simulator.
    simulated = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    assert send("GET", simulated)[1]["status"] == "completed"


def test_polls_and_seconds_go_together(connect, job_body):
    paced = Transitions(ready=after(polls=2), started=after(seconds=60), finished=after(polls=1))
    cloud = FakeIonQ(seed=1, transitions=paced)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    assert [send("GET", path)[1]["status"] for _ in range(4)] == ["submitted"] * 2 + ["ready"] * 2
    cloud.clock.sleep(61)
    job = [send("GET", path)[1] for _ in range(2)][-1]
    assert (job["status"], job["started_at"], job["completed_at"]) == (
        "completed",
        iso(60),
        iso(61),
    )


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"ready": "never"}, "submitted"),
        ({"started": "never"}, "ready"),
        ({"finished": "never"}, "started"),
    ],
)
def test_a_job_never_ends(connect, job_body, given, status):
    cloud = FakeIonQ(seed=1, transitions=Transitions(**given))
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    for _ in range(3):
        assert send("GET", path)[1]["status"] == status
        cloud.clock.sleep(10**6)
    assert send("PUT", path + "/status/cancel")[0] == 200
    assert send("GET", path)[1]["status"] == "canceled"


@pytest.mark.parametrize("code", FAILURES)
def test_a_job_fails_with_any_code(sender, job_body, code):
    cloud = FakeIonQ(seed=1, transitions=Transitions.polls(1, end=failed(code)))
    send = sender(cloud)
    _, created = send("POST", "/jobs", job_body(backend=QPU))
    path = f"/jobs/{created['id']}"
    seen = [send("GET", path)[1] for _ in range(5)]
    message, status = FAILURES[code]
    life = ["submitted", "ready", "started"]
    before = life[: life.index(status) + 1]
    assert [job["status"] for job in seen] == [*before, "failed", "failed", "failed", "failed"][:5]
    assert seen[-1]["failure"] == {"code": code, "message": message, "error": message}
    assert (seen[-1]["started_at"] is None) is (status != "started")
    assert (seen[-1]["completed_at"], seen[-1]["results"]) == (None, None)
    # A job that failed costs nothing and is out of the queue.
    assert send("GET", path + "/cost")[0] == 404
    assert send("GET", f"/backends/{QPU}")[1]["average_queue_time"] == 0


def test_the_message_of_a_failure_and_when_it_comes_can_be_said(connect, job_body):
    end = failed("QuantumComputerError", "An ion was lost.", at="ready")
    send = connect(FakeIonQ(seed=1, transitions=Transitions.polls(1, end=end)))
    path = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    seen = [send("GET", path)[1] for _ in range(3)]
    assert [job["status"] for job in seen] == ["submitted", "ready", "failed"]
    assert seen[-1]["failure"]["message"] == "An ion was lost."


def test_a_job_is_canceled_by_the_system(connect, job_body):
    waiting = Transitions(started=after(seconds=60), end=canceled(at="ready"))
    cloud = FakeIonQ(seed=1, transitions=waiting)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    assert send("GET", path)[1]["status"] == "ready"
    cloud.clock.sleep(60)
    job = send("GET", path)[1]
    assert (job["status"], job["failure"], job["started_at"]) == ("canceled", None, None)


def test_a_job_shows_a_status_that_nobody_knows(connect, job_body):
    send = connect(FakeIonQ(seed=1, transitions=Transitions(end="calibrating")))
    path = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    for _ in range(3):
        job = send("GET", path)[1]
        assert (job["status"], job["completed_at"]) == ("calibrating", None)
    send("PUT", path + "/status/cancel")
    assert send("GET", path)[1]["status"] == "canceled"


def test_a_client_says_of_an_unknown_status_what_it_is_and_keeps_its_deadline(way, bell):
    from ionq_toolkit import errors  # noqa: PLC0415

    cloud = FakeIonQ(seed=1, transitions=Transitions(end="calibrating"))
    job = way.provider(cloud).get_backend("simulator").run(bell)
    with pytest.raises(errors.IonQJobError, match="calibrating"):
        job.result(timeout=60)


def test_a_job_that_cannot_run_fails_of_itself_first(connect, job_body):
    send = connect(FakeIonQ(seed=1, transitions=Transitions(end=failed("InternalError"))))
    path = "/jobs/" + send("POST", "/jobs", job_body(qubits=30))[1]["id"]
    assert send("GET", path)[1]["failure"]["code"] == "NotEnoughQubits"


def test_of_two_failures_from_one_status_the_one_that_was_told_comes(connect, job_body):
    send = connect(FakeIonQ(seed=1, transitions=Transitions(end=failed("TooManyControls"))))
    path = "/jobs/" + send("POST", "/jobs", job_body(qubits=30))[1]["id"]
    assert send("GET", path)[1]["failure"]["code"] == "TooManyControls"


# --- parents and children --------------------------------------------------------------------


@pytest.mark.parametrize("child", [2, "c2"])
def test_a_parent_fails_with_the_child_that_is_told_to(connect, several, child):
    cloud = FakeIonQ(seed=1, transitions=Transitions.polls(1))
    cloud.transitions.set(Transitions(end=failed("QuantumComputerError")), child=child)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", several())[1]["id"]
    assert [send("GET", path)[1]["status"] for _ in range(3)] == ["submitted", "ready", "started"]
    parent = send("GET", path)[1]
    jobs = [send("GET", f"/jobs/{one}")[1] for one in parent["child_job_ids"]]
    assert [job["status"] for job in jobs] == ["completed", "failed", "completed"]
    assert (parent["status"], parent["failure"]["code"]) == ("failed", "QuantumComputerError")
    assert jobs[1]["id"] in parent["failure"]["message"]
    assert send("GET", f"/jobs/{jobs[2]['id']}/results/probabilities") == (200, {"1": 1.0})


def test_a_child_may_fail_before_its_parent_comes_to_the_end(connect, several):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    cloud.transitions.set(Transitions(end=failed("TooManyGates")), child=1)
    send = connect(cloud)
    _, created = send("POST", "/jobs", several())
    cloud.clock.sleep(5)
    parent = send("GET", f"/jobs/{created['id']}")[1]
    statuses = [send("GET", f"/jobs/{one}")[1]["status"] for one in parent["child_job_ids"]]
    assert (parent["status"], statuses) == ("ready", ["failed", "ready", "ready"])
    cloud.clock.sleep(3630)
    assert send("GET", f"/jobs/{created['id']}")[1]["status"] == "failed"


@pytest.mark.parametrize("end", [failed("SystemCancel"), canceled(), "calibrating"])
def test_children_share_the_end_of_their_parent(connect, several, end):
    send = connect(FakeIonQ(seed=1, transitions=Transitions(end=end)))
    parent = send("GET", "/jobs/" + send("POST", "/jobs", several())[1]["id"])[1]
    statuses = [send("GET", f"/jobs/{one}")[1]["status"] for one in parent["child_job_ids"]]
    assert statuses == [parent["status"]] * 3
    assert parent["status"] == (end if isinstance(end, str) else end.status)


def test_parent_and_children_have_the_same_moments(connect, several):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    _, created = send("POST", "/jobs", several())
    cloud.clock.sleep(86_400)
    listed = send("GET", f"/jobs?parent_job_id={created['id']}")[1]["jobs"]
    parent = send("GET", f"/jobs/{created['id']}")[1]
    moments = {(job["started_at"], job["completed_at"]) for job in (parent, *listed)}
    assert moments == {(iso(3605), iso(3635))}


# --- cancel, delete, clone, move, dry runs, sessions -----------------------------------------


@pytest.mark.parametrize(
    ("seconds", "before"),
    [(0, "submitted"), (5, "ready"), (3605, "started"), (3635, "completed")],
)
def test_a_job_is_canceled_in_every_status_and_stays_so(connect, job_body, seconds, before):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body(backend=QPU))[1]["id"]
    cloud.clock.sleep(seconds)
    assert send("PUT", path + "/status/cancel")[0] == 200
    cloud.clock.sleep(10**6)
    job = send("GET", path)[1]
    assert (job["status"], job["results"]) == ("canceled", None)
    assert (job["started_at"] is not None) is (before in {"started", "completed"})
    # What it cost is known only if it ran, asked for or not.
    assert send("GET", path + "/cost")[0] == (200 if before == "completed" else 404)


def test_a_failed_job_is_not_canceled(connect, job_body):
    send = connect(FakeIonQ(seed=1, transitions=Transitions(end=failed("InternalError"))))
    path = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    assert send("GET", path)[1]["status"] == "failed"
    send("PUT", path + "/status/cancel")
    assert send("GET", path)[1]["status"] == "failed"


def test_a_deleted_job_never_comes_back_and_leaves_the_queue(connect, job_body):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body(backend=QPU))[1]["id"]
    send("DELETE", path)
    assert send("GET", f"/backends/{QPU}")[1]["average_queue_time"] == 0
    cloud.clock.sleep(10**6)
    assert send("GET", path)[0] == 404


def test_a_job_is_moved_while_it_waits_and_not_once_time_has_started_it(connect, job_body):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    one, two = (f"/jobs/{send('POST', '/jobs', job_body(backend=QPU))[1]['id']}" for _ in range(2))
    cloud.clock.sleep(3604)
    status, moved = send("POST", one + "/move", {"backend": "qpu.forte-enterprise-1"})
    assert status == 201
    assert send("GET", one)[1]["status"] == "canceled"
    cloud.clock.sleep(1)
    status, reply = send("POST", two + "/move", {})
    assert (status, reply["message"]) == (400, "A job that is started cannot be moved.")
    # It waits from the beginning.
    cloud.clock.sleep(3603)
    assert send("GET", f"/jobs/{moved['id']}")[1]["status"] == "ready"
    cloud.clock.sleep(1)
    assert send("GET", f"/jobs/{moved['id']}")[1]["started_at"] == iso(3604 + 3605)


def test_a_clone_has_the_transitions_of_the_moment(connect, job_body):
    cloud = FakeIonQ(seed=1)
    send = connect(cloud)
    _, first = send("POST", "/jobs", job_body(name="n"))
    cloud.transitions.set(Transitions(end=failed("SimulationTimeout")), name="n")
    _, clone = send("POST", f"/jobs/{first['id']}/clone", {})
    assert send("GET", f"/jobs/{clone['id']}")[1]["failure"]["code"] == "SimulationTimeout"
    assert send("GET", f"/jobs/{first['id']}")[1]["status"] == "completed"


def test_a_dry_run_waits_to_be_checked_and_for_no_machine(connect, job_body):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body(backend=QPU, dry_run=True))[1]["id"]
    cloud.clock.sleep(4)
    assert send("GET", path)[1]["status"] == "submitted"
    assert send("GET", f"/backends/{QPU}")[1]["average_queue_time"] == 0
    cloud.clock.sleep(1)
    job = send("GET", path)[1]
    assert (job["status"], job["started_at"], job["completed_at"]) == ("completed", None, iso(5))


def test_a_session_expires_while_its_jobs_wait_and_they_are_canceled(connect, job_body):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    _, session = send("POST", "/sessions", {"backend": QPU, "settings": {"duration_limit_min": 10}})
    body = job_body(backend=QPU, session_id=session["id"])
    _, created = send("POST", "/jobs", body)
    cloud.clock.sleep(600)
    ended = send("GET", f"/sessions/{session['id']}")[1]
    assert (ended["status"], ended["ended_at"]) == ("ended", iso(600))
    status, reply = send("POST", "/jobs", body)
    assert status == 400
    assert "has ended" in reply["message"]
    assert send("GET", f"/jobs/{created['id']}")[1]["status"] == "canceled"


def test_usage_counts_jobs_that_ended_unseen(connect, job_body):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    send("POST", "/jobs", job_body(backend=QPU))
    query = "?start_date=2026-01-01&end_date=2026-01-31&group_by=job&modality=daily"
    cloud.clock.sleep(3634)
    assert send("GET", "/organizations/com.example/usage" + query)[1]["job_count"] == 0
    cloud.clock.sleep(1)
    report = send("GET", "/organizations/com.example/usage" + query)[1]
    assert (report["job_count"], report["amount_total"]) == (1, 25.79)
    assert report["time_us_total"] == 30_000_000


# --- the simulation --------------------------------------------------------------------------


class Held(Executor):
    """Simulates nothing until it is told to."""

    def __init__(self):
        self.futures = []

    def submit(self, fn, /, *args, **kwargs):
        self.futures.append(Future())
        return self.futures[-1]

    def finish(self, *, together=False):
        found = Distribution(np.array([0]), np.array([1.0]))
        outcome = Outcome(found, {"output_all": [0]})
        self.futures[-1].set_result([outcome] if together else outcome)


def test_a_job_is_never_completed_before_it_is_simulated(connect, job_body):
    executor = Held()
    cloud = FakeIonQ(seed=1, executor=executor, transitions=AN_HOUR)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body(qubits=1))[1]["id"]
    cloud.clock.sleep(4000)
    job = send("GET", path)[1]
    assert (job["status"], job["started_at"], job["completed_at"]) == ("started", iso(3605), None)
    cloud.clock.sleep(100)
    executor.finish()
    cloud.clock.sleep(100)
    job = send("GET", path)[1]
    assert (job["status"], job["completed_at"]) == ("completed", iso(4100))
    assert job["execution_duration_ms"] == 495_000


def test_parent_and_child_are_not_completed_before_the_child_is_simulated(connect, several):
    executor = Held()
    cloud = FakeIonQ(seed=1, executor=executor, transitions=AN_HOUR)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", several(1))[1]["id"]
    (child,) = send("GET", path)[1]["child_job_ids"]
    cloud.end(child)
    assert send("GET", f"/jobs/{child}")[1]["status"] == "started"
    cloud.clock.sleep(100)
    executor.finish(together=True)
    cloud.clock.sleep(100)
    done = send("GET", f"/jobs/{child}")[1]
    assert (done["status"], done["completed_at"]) == ("completed", iso(100))
    assert send("GET", path)[1]["status"] == "ready"
    cloud.clock.sleep(4000)
    assert send("GET", path)[1]["completed_at"] == iso(3635)


def test_a_parent_is_completed_with_the_last_of_its_children(connect, several):
    executor = Held()
    cloud = FakeIonQ(seed=1, executor=executor, transitions=AN_HOUR)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", several(1))[1]["id"]
    cloud.clock.sleep(4000)
    assert send("GET", path)[1]["status"] == "started"
    executor.finish(together=True)
    cloud.clock.sleep(100)
    assert send("GET", path)[1]["completed_at"] == iso(4000)


def test_a_simulation_that_is_done_early_does_not_show_before_its_time(connect, job_body):
    executor = Held()
    cloud = FakeIonQ(seed=1, executor=executor, transitions=AN_HOUR)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body(qubits=1))[1]["id"]
    executor.finish()
    cloud.clock.sleep(3634)
    assert send("GET", path)[1]["status"] == "started"
    cloud.clock.sleep(5000)
    assert send("GET", path)[1]["completed_at"] == iso(3635)


def test_what_is_told_to_fail_is_not_simulated_any_more(connect, job_body):
    executor = Held()
    cloud = FakeIonQ(seed=1, executor=executor)
    cloud.transitions.set(Transitions(end=failed("TooManyGates")))
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    assert send("GET", path)[1]["status"] == "failed"
    assert executor.futures[0].cancelled()


def test_a_slow_simulation_of_an_instant_job_ends_when_it_does(connect, job_body):
    executor, clock = Held(), VirtualClock()
    send = connect(FakeIonQ(seed=1, executor=executor, clock=clock))
    path = "/jobs/" + send("POST", "/jobs", job_body(qubits=1))[1]["id"]
    assert send("GET", path)[1]["status"] == "started"
    clock.sleep(7)
    executor.finish()
    clock.sleep(7)
    assert send("GET", path)[1]["completed_at"] == iso(7)


# --- one living job --------------------------------------------------------------------------


def test_a_living_job_is_let_fail(connect, job_body):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    ids = [send("POST", "/jobs", job_body())[1]["id"] for _ in range(2)]
    cloud.clock.sleep(4000)
    other, third = (send("POST", "/jobs", job_body())[1]["id"] for _ in range(2))
    cloud.clock.sleep(6)

    cloud.fail(other, "SystemCancel", "The machine is warm.")
    cloud.end(third)

    job = send("GET", f"/jobs/{other}")[1]
    assert (job["status"], job["failure"]["code"]) == ("failed", "SystemCancel")
    assert (job["failure"]["message"], job["started_at"]) == ("The machine is warm.", None)
    job = send("GET", f"/jobs/{third}")[1]
    assert (job["status"], job["started_at"], job["completed_at"]) == (
        "completed",
        iso(4006),
        iso(4006),
    )
    with pytest.raises(ValueError, match=f"job {ids[0]} is completed already"):
        cloud.fail(ids[0], "SystemCancel")


def test_a_living_job_is_held_and_released(connect, job_body):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    job_id = send("POST", "/jobs", job_body())[1]["id"]
    cloud.clock.sleep(1000)

    cloud.hold(job_id)

    cloud.clock.sleep(10**6)
    assert send("GET", f"/jobs/{job_id}")[1]["status"] == "ready"
    cloud.release(job_id)
    cloud.clock.sleep(3605 - 1000)
    job = send("GET", f"/jobs/{job_id}")[1]
    assert (job["status"], job["started_at"]) == ("started", iso(10**6 + 3605))


def test_a_living_job_is_brought_to_a_status_or_shows_another_word(connect, job_body):
    cloud = FakeIonQ(seed=1, transitions=Transitions.polls(1))
    send = connect(cloud)
    job_id = send("POST", "/jobs", job_body())[1]["id"]
    path = f"/jobs/{job_id}"

    cloud.hold(job_id, "started")
    assert [send("GET", path)[1]["status"] for _ in range(3)] == ["started"] * 3
    cloud.hold(job_id, "paused")
    assert [send("GET", path)[1]["status"] for _ in range(3)] == ["paused"] * 3
    cloud.release(job_id)
    assert [send("GET", path)[1]["status"] for _ in range(2)] == ["started", "completed"]


def test_a_held_job_is_ended(connect, job_body):
    cloud = FakeIonQ(seed=1)
    send = connect(cloud)
    for end, status in (("completed", "completed"), ("canceled", "canceled")):
        job_id = send("POST", "/jobs", job_body())[1]["id"]
        cloud.hold(job_id, "paused")
        cloud.end(job_id, end)
        assert send("GET", f"/jobs/{job_id}")[1]["status"] == status


def test_children_fail_with_a_parent_that_is_let_fail(connect, several):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", several())[1]["id"]
    cloud.hold(send("GET", path)[1]["child_job_ids"][0])
    cloud.fail(path.removeprefix("/jobs/"), "QuantumComputerError")
    children = send("GET", f"/jobs?parent_job_id={path.removeprefix('/jobs/')}")[1]["jobs"]
    assert [job["failure"]["code"] for job in children] == ["QuantumComputerError"] * 3


def test_a_child_is_let_fail_and_held_by_itself(connect, several):
    cloud = FakeIonQ(seed=1, transitions=AN_HOUR)
    send = connect(cloud)
    path = "/jobs/" + send("POST", "/jobs", several())[1]["id"]
    one, two, three = send("GET", path)[1]["child_job_ids"]

    cloud.hold(two)
    cloud.end(three)
    statuses = [send("GET", f"/jobs/{child}")[1]["status"] for child in (one, two, three)]
    assert statuses == ["submitted", "submitted", "completed"]
    cloud.clock.sleep(4000)
    statuses = [send("GET", f"/jobs/{child}")[1]["status"] for child in (one, two, three)]
    assert statuses == ["completed", "submitted", "completed"]
    assert send("GET", path)[1]["status"] == "started"
    cloud.fail(two, "InternalError")
    assert send("GET", path)[1]["failure"]["code"] == "InternalError"


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda cloud, job: cloud.fail("none", "InternalError"), "there is no job 'none'"),
        (lambda cloud, job: cloud.fail(job, "InternalEror"), "mean 'InternalError'"),
        (lambda cloud, job: cloud.end(job, "failed"), "has a code"),
        (lambda cloud, job: cloud.end(job, "paused"), "hold"),
        (lambda cloud, job: cloud.end(job, "ready"), "does not end 'ready'"),
        (lambda cloud, job: cloud.hold(job, "completed"), "is not held completed"),
        (lambda cloud, job: cloud.hold(job, "submitted"), "does not go back to submitted"),
        (lambda cloud, job: cloud.hold(job, "cancelled"), "near to 'canceled'"),
    ],
)
def test_what_cannot_be_done_to_a_job_is_refused_and_does_nothing(
    send, cloud, job_body, act, message
):
    cloud.transitions.set(Transitions(finished="never"))
    job_id = send("POST", "/jobs", job_body())[1]["id"]
    assert send("GET", f"/jobs/{job_id}")[1]["status"] == "started"
    with pytest.raises(ValueError, match=message):
        act(cloud, job_id)
    assert send("GET", f"/jobs/{job_id}")[1]["status"] == "started"
