"""Sessions: begun, joined, left whatever fails; what the service sends is what is told."""

import json
from datetime import timedelta

import pytest
from qiskit.primitives import BackendSamplerV2

from ionq_toolkit import InProcessTransport, IonQProvider, Session, errors
from ionq_toolkit_fake import FakeIonQ, Transitions


@pytest.fixture
def slow():
    """A machine whose jobs do not come to an end unless they are asked about often."""
    provider = IonQProvider(
        transport=InProcessTransport(FakeIonQ(seed=7, transitions=Transitions.polls(99)))
    )
    return provider.get_backend("forte-1")


class Breaking:
    """A cloud of which some requests fail: `failing` has a reply for a method and end of a path."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.failing = {}
        self.requests = []

    def handle(self, method, url, headers, body, timeout):
        self.requests.append((method, url.split("/v0.4")[1]))
        for (of, end), reply in self.failing.items():
            if method == of and url.split("?")[0].endswith(end):
                if isinstance(reply, Exception):
                    raise reply
                return reply[0], {}, json.dumps(reply[1]).encode()
        return self.cloud.handle(method, url, headers, body, timeout)


@pytest.fixture
def breaking():
    return Breaking(FakeIonQ(seed=7, transitions=Transitions.polls(99)))


@pytest.fixture
def fragile(breaking, instant_clock):
    provider = IonQProvider(transport=InProcessTransport(breaking), clock=instant_clock)
    return provider.get_backend("forte-1")


def session_of(backend, job):
    return backend.client.retrieve_job(job.job_id())["session_id"]


def test_within_a_session_its_backend_runs_in_it_and_after_it_does_not(forte, bell):
    before = forte.run(bell)
    with Session(forte) as session:
        inside = forte.run(bell)
    after = forte.run(bell)

    ids = [session_of(forte, job) for job in (before, inside, after)]
    assert ids == [None, session.session_id, None]
    assert session.status() == "ended"
    assert not session.active()


def test_other_backends_are_not_in_it(provider, forte, bell):
    with Session(forte):
        other = provider.get_backend("forte-1").run(bell)
        simulated = provider.get_backend("simulator").run(bell)
    assert session_of(forte, other) is None
    assert session_of(forte, simulated) is None


def test_primitives_run_in_the_session_of_their_backend(forte, bell, cloud):
    with Session(forte) as session:
        BackendSamplerV2(backend=forte).run([bell], shots=10).result()
    assert [job.submission.session_id for job in cloud.jobs] == [session.session_id]


def test_nothing_is_patched(forte):
    before = dict(vars(forte))
    with Session(forte):
        assert "run" not in vars(forte)
    assert vars(forte) == before


def test_sessions_nest_and_the_innermost_is_joined(forte, bell):
    with Session(forte) as outer:
        with Session(forte) as inner:
            deep = forte.run(bell)
        shallow = forte.run(bell)
    assert session_of(forte, deep) == inner.session_id
    assert session_of(forte, shallow) == outer.session_id


def test_a_session_that_is_named_or_none_wins_over_the_one_around(forte, bell):
    named = Session(forte)
    with Session(forte):
        assert session_of(forte, forte.run(bell, session_id=named.session_id)) == named.session_id
        assert session_of(forte, named.run(bell)) == named.session_id
        assert session_of(forte, forte.run(bell, session_id=None)) is None


def test_limits_are_sent_as_numbers(scripted):
    cloud = scripted((404, {}), (201, {"id": "s-1"}))
    backend = IonQProvider(transport=InProcessTransport(cloud)).get_backend("forte-1")
    session = Session(backend, max_time="60", max_cost="99.5", max_jobs=10)
    _, (method, url, _, body, _) = cloud.requests
    assert (method, url) == ("POST", "https://api.ionq.co/v0.4/sessions")
    assert json.loads(body) == {
        "backend": "qpu.forte-1",
        "settings": {
            "job_count_limit": 10,
            "duration_limit_min": 60,
            "cost_limit": {"unit": "usd", "value": 99.5},
        },
    }
    assert session.session_id == "s-1"
    Session(backend)
    assert json.loads(cloud.requests[-1][3]) == {"backend": "qpu.forte-1"}


@pytest.mark.parametrize(
    "limits",
    [
        {"max_time": 0},
        {"max_time": 1.5},
        {"max_time": "1.5"},
        {"max_time": True},
        {"max_jobs": -1},
        {"max_jobs": "many"},
        {"max_cost": 0},
        {"max_cost": "free"},
        {"max_cost": float("nan")},
        {"max_cost": float("inf")},
        {"max_cost": True},
        {"max_cost": [1]},
        {"session_id": "s-1", "max_time": 5},
        {"create_new": False},
    ],
)
def test_what_is_no_limit_is_refused_before_anything_is_sent(scripted, limits):
    cloud = scripted((201, {"id": "s-1"}))
    backend = IonQProvider(transport=InProcessTransport(cloud)).get_backend("forte-1")
    with pytest.raises(errors.IonQBackendError):
        Session(backend, **limits)
    assert cloud.requests == []


def test_a_limit_is_kept_by_the_service(forte, bell):
    with Session(forte, max_jobs=1) as session:
        forte.run(bell)
        with pytest.raises(errors.IonQAPIError, match="has had its 1 jobs"):
            forte.run(bell)
        assert len(list(session.jobs())) == 1


def test_a_session_that_takes_no_job_is_refused_before_anything_is_sent(
    forte, provider, cloud, bell
):
    session = Session(forte)
    sent = len(cloud.requests)
    with pytest.raises(errors.IonQBackendError, match=r"is on 'qpu\.forte-1', not on 'simulator'"):
        provider.get_backend("simulator").run(bell, session_id=session.session_id)
    assert len(cloud.requests) == sent
    session.close()
    sent = len(cloud.requests)
    for run in (session.run, lambda *one: forte.run(*one, session_id=session.session_id)):
        with pytest.raises(errors.IonQBackendError, match="has ended"):
            run(bell)
    assert len(cloud.requests) == sent
    assert cloud.jobs == []


def test_status_is_what_the_service_says(forte, bell):
    session = Session(forte, max_time=30)
    assert (session.status(), session.active()) == ("created", True)
    session.run(bell)
    assert session.status() == "started"
    assert session.details()["settings"]["duration_limit_min"] == 30
    session.close()
    session.close()  # once more is no error
    assert (session.status(), session.active()) == ("ended", False)


@pytest.mark.parametrize(
    ("record", "status", "active"),
    [
        ({"status": "created"}, "created", True),
        ({"status": None, "ended_at": "2026-01-01T00:00:00Z"}, None, False),
        ({}, None, True),
        ({"status": 7, "active": False}, None, False),
    ],
)
def test_a_strange_record_of_a_session_is_read_with_care(scripted, record, status, active):
    cloud = scripted((200, {"sessions": []}), (201, {"id": "s-1"}), (200, record))
    session = Session(IonQProvider(transport=InProcessTransport(cloud)).get_backend("forte-1"))
    assert (session.status(), session.active()) == (status, active)


def test_usage_is_what_its_jobs_ran(forte, bell, cloud):
    session = Session(forte)
    assert session.usage() == 0
    for _ in range(30):  # more than a page
        forte.client.retrieve_job(session.run(bell).job_id())
    ran_ms = [job.execution_ms for job in cloud.jobs]
    assert session.usage() == pytest.approx(sum(ran_ms) / 1000)
    assert len(ran_ms) == 30


# --- taken up by id ----------------------------------------------------------------------------


def test_a_session_is_taken_up_by_its_id(forte, bell):
    session = Session(forte)
    again = Session.from_id(session.session_id, backend=forte)
    with again:
        assert session_of(forte, forte.run(bell)) == session.session_id
    assert session.status() == "ended"


def test_a_session_that_there_is_not_is_refused(forte):
    with pytest.raises(errors.IonQAPIError) as caught:
        Session.from_id("0c2ac5b4-6078-40a0-9574-91f7aeab0b7e", backend=forte)
    assert caught.value.status_code == 404


@pytest.mark.parametrize("session_id", ["", "../jobs", 7])
def test_what_is_no_id_of_a_session_is_refused(forte, session_id):
    with pytest.raises(errors.IonQClientError, match="is not the id of a session"):
        Session.from_id(session_id, backend=forte)


def test_a_session_is_not_taken_up_on_another_backend(provider, forte):
    session = Session(forte)
    with pytest.raises(errors.IonQBackendError, match=r"on 'qpu.forte-1', not on 'qpu.forte-ent"):
        Session.from_id(session.session_id, backend=provider.get_backend("forte-enterprise-1"))


# --- cancelling and what fails -----------------------------------------------------------------


def test_cancel_reaches_the_jobs_of_all_pages_that_are_not_final(slow, bell):
    other = slow.run(bell)
    with Session(slow) as session:
        done = slow.run(bell)
        slow.client.cancel_job(done.job_id())
        jobs = [slow.run(bell) for _ in range(30)]
        session.cancel()
        states = {slow.client.retrieve_job(job.job_id())["status"] for job in jobs}
    assert states == {"canceled"}
    assert slow.client.retrieve_job(other.job_id())["status"] != "canceled"


def test_final_jobs_are_left_alone_by_cancel(fragile, breaking, bell):
    session = Session(fragile)
    jobs = [session.run(bell) for _ in range(3)]
    fragile.client.cancel_job(jobs[1].job_id())
    breaking.requests.clear()
    session.cancel()
    cancelled = [path for method, path in breaking.requests if method == "PUT"]
    assert cancelled == [f"/jobs/{jobs[n].job_id()}/status/cancel" for n in (2, 0)]


def test_one_job_that_cannot_be_cancelled_does_not_keep_the_others(fragile, breaking, bell):
    session = Session(fragile)
    jobs = [session.run(bell) for _ in range(3)]
    breaking.failing["PUT", f"{jobs[1].job_id()}/status/cancel"] = (403, {"message": "not yours"})
    with pytest.raises(errors.IonQAPIError, match="not yours") as caught:
        session.cancel()
    assert caught.value.job_id == jobs[1].job_id()
    states = [fragile.client.retrieve_job(job.job_id())["status"] for job in jobs]
    assert [state == "canceled" for state in states] == [True, False, True]


def test_an_error_within_cancels_the_jobs_and_ends_the_session(slow, bell):
    ran = []

    def fails():
        with Session(slow) as session:
            ran.extend([session, slow.run(bell)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    session, job = ran
    assert slow.client.retrieve_job(job.job_id())["status"] == "canceled"
    assert session.status() == "ended"
    assert session_of(slow, slow.run(bell)) is None


@pytest.mark.parametrize(
    "reply", [(500, {"message": "trouble"}), ConnectionResetError("trouble"), (200, [])]
)
def test_a_session_that_cannot_be_ended_is_left_all_the_same(fragile, breaking, bell, reply):
    breaking.failing["POST", "/end"] = reply
    with pytest.raises(errors.IonQError) as caught, Session(fragile) as session:
        pass
    assert f"Session {session.session_id} may still go on" in caught.value.__notes__[0]
    assert session_of(fragile, fragile.run(bell)) is None


def test_the_error_within_is_the_one_that_is_told_whatever_fails_at_the_end(
    fragile, breaking, bell, caplog
):
    breaking.failing["POST", "/end"] = (500, {"message": "no end"})
    breaking.failing["GET", "/jobs"] = (503, {"message": "no list"})
    with pytest.raises(KeyError, match="first") as caught, Session(fragile):
        raise KeyError("first")
    listing, ending = caught.value.__notes__
    assert "no list" in listing
    assert "no end" in ending
    assert "no end" in caplog.text
    assert session_of(fragile, fragile.run(bell)) is None


def test_the_session_is_ended_although_its_jobs_could_not_be_cancelled(fragile, breaking):
    breaking.failing["GET", "/jobs"] = (503, {"message": "no list"})
    with pytest.raises(KeyError), Session(fragile) as session:
        raise KeyError
    assert session.status() == "ended"


def test_a_session_whose_making_fails_leaves_nothing(fragile, breaking, bell):
    breaking.failing["POST", "/sessions"] = ConnectionResetError("gone")
    with pytest.raises(errors.IonQSubmissionUnknownError, match="may have taken effect"):
        Session(fragile)
    breaking.failing["POST", "/sessions"] = (201, {"no": "id"})
    with pytest.raises(errors.IonQSubmissionUnknownError, match="session with an id"):
        Session(fragile)
    assert session_of(fragile, fragile.run(bell)) is None


def test_a_session_that_runs_out_refuses_jobs_with_the_words_of_the_service(forte, bell, cloud):
    with Session(forte, max_time=1) as session:
        cloud.clock.sleep(timedelta(minutes=2).total_seconds())
        with pytest.raises(errors.IonQAPIError, match="has ended"):
            forte.run(bell)
    assert session.status() == "ended"


def test_a_job_of_a_session_can_be_of_several_circuits(forte, bell):
    with Session(forte) as session:
        job = forte.run([bell, bell], shots=10)
    assert session_of(forte, job) == session.session_id


def test_a_repr_shows_session_and_backend(forte):
    session = Session(forte)
    assert repr(session) == f"<Session {session.session_id} on ionq_qpu.forte-1>"
    assert session.backend is forte


def test_a_session_and_a_job_of_several_circuits_go_through_every_way_in(way, cloud, bell):
    forte = way.provider(cloud).get_backend("forte-1")
    with Session(forte, max_jobs=2) as session:
        job = forte.run([bell, bell], shots=10)
        assert [record["id"] for record in session.jobs()] == [job.job_id()]
    assert session.status() == "ended"
    assert len(forte.client.retrieve_job(job.job_id())["child_job_ids"]) == 2
    assert forte.status()
    assert forte.calibration().qubits == 36
    assert forte.estimate(bell, shots=100).cost == 25.79
