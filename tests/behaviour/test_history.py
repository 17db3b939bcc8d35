"""A request takes no more work the more jobs a cloud keeps, and deleted jobs leave nothing."""

import gc
import json
import sys
import weakref
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionq_toolkit_fake import FakeIonQ, Retention, control, faults

KEY = {"Authorization": "apiKey test"}
BODY = {
    "type": "ionq.circuit.v1",
    "backend": "simulator",
    "shots": 10,
    "input": {"qubits": 1, "circuit": [{"gate": "h", "target": 0}]},
}
#: Jobs that nothing is simulated for: one fails, as the simulator has 29 qubits; one is a dry run.
WIDE = {**BODY, "input": {"qubits": 99, "circuit": [{"gate": "h", "target": 0}]}}
DRY = {**BODY, "backend": "qpu.forte-1", "dry_run": True}


def ask(cloud, method, path, body=None):
    content = None if body is None else json.dumps(body).encode()
    if path.startswith("/_fake"):
        response = control.answer(cloud, method, path, content or b"")
    else:
        response = cloud.handle(method, f"/v0.4{path}", KEY, content)
    assert response.status < 300, (method, path, response)
    return json.loads(response.body)


def work(*request):
    """Return how many calls a request makes, in Python and in C."""
    calls = count()

    def note(frame, event, argument):
        if event in {"call", "c_call"}:
            next(calls)

    gc.disable()  # it calls what others have to tidy up
    sys.setprofile(note)
    try:
        ask(*request)
    finally:
        sys.setprofile(None)
        gc.enable()
    return next(calls)


def kept(number, state=None):
    """Return a cloud with so many final jobs, of which each tenth is in a session."""
    cloud = FakeIonQ(3, retention=Retention(jobs=None), state=state)
    session = ask(cloud, "POST", "/sessions", {"backend": "simulator"})["id"]
    for index in range(number):
        ask(cloud, "POST", "/jobs", {**WIDE, **({} if index % 10 else {"session_id": session})})
    ask(cloud, "GET", "/jobs")  # all come to their end
    return cloud, session


@pytest.fixture(scope="module", params=["in memory", "in a file"])
def clouds(request, tmp_path_factory):
    if request.param == "in memory":
        yield kept(50), kept(1500)
        return
    folder = tmp_path_factory.mktemp("states")
    made = [kept(n, folder / f"{n}.db") for n in (50, 1500)]
    for cloud, _ in made:
        cloud.close()
    again = [FakeIonQ(state=folder / f"{n}.db") for n in (50, 1500)]
    yield tuple((cloud, session) for cloud, (_, session) in zip(again, made, strict=True))
    for cloud in again:
        cloud.close()


USAGE = "start_date=2026-01-01&end_date=2026-12-31&group_by=job&modality=daily"
REQUESTS: dict[str, tuple] = {
    "submit": ("POST", "/jobs", WIDE),
    "page": ("GET", "/jobs"),
    "page of the rarer of two filters": ("GET", "/jobs?status=completed&target=simulator"),
    "status": ("GET", "/jobs?status=failed&limit=5"),
    "jobs of a session": ("GET", "/jobs?session_id={session}&limit=5"),
    "session's own list": ("GET", "/sessions/{session}/jobs?limit=5"),
    "next page": ("GET", "/jobs?next={first}"),
    "ids": ("GET", "/jobs?ids={first},{last}"),
    "parent": ("GET", "/jobs?parent_job_id={first}"),
    "job": ("GET", "/jobs/{first}"),
    "clone": ("POST", "/jobs/{first}/clone", {}),
    "cancel": ("PUT", "/jobs/{first}/status/cancel"),
    "delete": ("DELETE", "/jobs/{second}"),
    "usage": ("GET", f"/organizations/com.example/usage?{USAGE}"),
    "project": ("GET", "/projects"),
    "backends": ("GET", "/backends"),
    "characterizations": ("GET", "/backends/qpu.forte-1/characterizations"),
    "control of a job": ("GET", "/_fake/jobs/{first}"),
    "control of a page": ("GET", "/_fake/jobs?next={first}&limit=5&status=failed"),
    "session": ("GET", "/sessions/{session}"),
    "new session": ("POST", "/sessions", {"backend": "simulator"}),
    "active sessions": ("GET", "/sessions?active=true"),
    "fault": ("POST", "/_fake/faults", {"fault": "http", "status": 429, "times": 1, "key": "a"}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_takes_as_much_work_with_many_jobs_as_with_few(clouds, name):
    method, path, *body = REQUESTS[name]
    amounts = []
    for cloud, session in clouds:
        jobs = cloud.projects[0].jobs.shown()
        names = {
            "session": session,
            "first": jobs[20].id,
            "second": jobs[21].id,
            "last": jobs[-1].id,
        }
        amounts.append(work(cloud, method, path.format(**names), *body))
    few, many = amounts
    assert many <= 1.5 * few + 30, f"{few} calls with 50 jobs, {many} with 1500"


def test_jobs_that_no_request_asks_for_are_kept_no_longer_than_others():
    cloud = FakeIonQ(1, retention=Retention(jobs=100))
    for _ in range(1000):
        ask(cloud, "POST", "/jobs", WIDE)
    assert len(cloud.projects[0].jobs) < 500


def test_a_list_asks_for_the_jobs_that_go_on_and_not_for_those_that_are_final(cloud, monkeypatch):
    asked = []
    proceed = sys.modules["ionq_toolkit_fake.models.jobs"].proceed

    def noting(steps, position, *args, **kwargs):
        asked.append(position)
        return proceed(steps, position, *args, **kwargs)

    for _ in range(5):
        ask(cloud, "POST", "/jobs", WIDE)
    monkeypatch.setattr("ionq_toolkit_fake.models.jobs.proceed", noting)
    assert {job["status"] for job in ask(cloud, "GET", "/jobs")["jobs"]} == {"failed"}
    assert len(asked) == 5
    ask(cloud, "POST", "/jobs", WIDE)
    ask(cloud, "GET", "/jobs")
    assert len(asked) == 6


def test_jobs_that_time_moves_on_are_looked_at_when_their_time_has_come(monkeypatch):
    cloud = FakeIonQ(1, clock="virtual", transitions={"started": {"seconds": 60}})
    settled = []
    proceed = sys.modules["ionq_toolkit_fake.models.jobs"].proceed

    def noting(*args, **kwargs):
        settled.append(args)
        return proceed(*args, **kwargs)

    monkeypatch.setattr("ionq_toolkit_fake.models.jobs.proceed", noting)
    for _ in range(4):
        ask(cloud, "POST", "/jobs", DRY | {"dry_run": False, "shots": 1})
    ask(cloud, "GET", "/health")  # their simulations have ended
    settled.clear()
    for _ in range(10):
        ask(cloud, "GET", "/health")
    assert settled == []
    cloud.clock.sleep(61)
    ask(cloud, "GET", "/health")
    assert len(settled) == 4


def test_deleted_jobs_leave_nothing(cloud):
    made = ask(cloud, "POST", "/jobs", BODY)["id"]
    ask(cloud, "GET", f"/jobs/{made}")
    (job,) = cloud.projects[0].jobs.shown()
    kept = weakref.ref(job)
    del job
    ask(cloud, "DELETE", f"/jobs/{made}")
    gc.collect()
    assert kept() is None


def test_the_costs_of_deleted_jobs_stay():
    cloud = FakeIonQ(1)
    job = {**BODY, "backend": "qpu.forte-1", "shots": 100}
    ids = [ask(cloud, "POST", "/jobs", job)["id"] for _ in range(2)]
    costs = [ask(cloud, "GET", f"/jobs/{one}/cost")["cost"]["value"] for one in ids]
    before = ask(cloud, *REQUESTS["usage"])
    for one in ids:
        ask(cloud, "DELETE", f"/jobs/{one}")
    after = ask(cloud, *REQUESTS["usage"])
    assert before == after
    assert (after["amount_total"], after["job_count"]) == (round(sum(costs), 2), 2)
    assert {group["group_id"] for group in after["usage_data"][0]["group_usages"]} == set(ids)


def test_the_jobs_that_ended_first_are_deleted_when_there_are_too_many():
    cloud = FakeIonQ(1, retention=Retention(jobs=3))
    ids = [ask(cloud, "POST", "/jobs", WIDE)["id"] for _ in range(5)]
    for one in [ids[4], *ids[:4]]:  # ends in this order
        ask(cloud, "GET", f"/jobs/{one}")
    listed = [job["id"] for job in ask(cloud, "GET", "/jobs")["jobs"]]
    assert listed == [ids[3], ids[2], ids[1]]
    assert cloud.handle("GET", f"/v0.4/jobs/{ids[4]}", KEY).status == 404


def test_jobs_that_have_not_ended_are_never_deleted_by_themselves():
    cloud = FakeIonQ(1, retention=Retention(jobs=0, days=0), transitions={"ready": "never"})
    ids = [ask(cloud, "POST", "/jobs", BODY)["id"] for _ in range(3)]
    cloud.clock.sleep(10**8)
    assert {job["id"] for job in ask(cloud, "GET", "/jobs")["jobs"]} == set(ids)


def test_jobs_are_deleted_so_many_days_after_their_end():
    cloud = FakeIonQ(1, retention=Retention(days=2))
    made = ask(cloud, "POST", "/jobs", WIDE)["id"]
    cloud.clock.sleep(10 * 86400)
    ask(cloud, "GET", f"/jobs/{made}")  # ends now
    cloud.clock.sleep(2 * 86400)
    ask(cloud, "GET", f"/jobs/{made}")
    cloud.clock.sleep(1)
    assert cloud.handle("GET", f"/v0.4/jobs/{made}", KEY).status == 404


@pytest.mark.parametrize(
    ("retention", "message"),
    [
        (Retention(sessions=-1), "the number of sessions to keep must be a whole number"),
        (Retention(jobs=-1), "the number of jobs to keep must be a whole number at least 0"),
        (Retention(jobs=1.5), "the number of jobs to keep"),
        (Retention(days=-1), "the number of days to keep jobs must be a finite number"),
        (Retention(days=float("nan")), "the number of days"),
    ],
)
def test_invalid_retention_is_refused(retention, message):
    with pytest.raises(ValueError, match=message):
        FakeIonQ(retention=retention)


def test_unknown_job_among_many_is_refused_in_few_words(clouds):
    (_, _), (cloud, _) = clouds
    with pytest.raises(ValueError, match="there is no job 'none'; the newest is ") as refused:
        cloud.peek("none")
    assert len(str(refused.value)) < 200


def test_the_state_lists_the_newest_jobs_and_counts_all(clouds):
    (_, _), (cloud, _) = clouds
    state = ask(cloud, "GET", "/_fake/state")
    jobs = cloud.projects[0].jobs.shown()
    assert [job["id"] for job in state["jobs"]] == [job.id for job in jobs[-200:]]
    assert state["job_count"] == len(jobs)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from([WIDE, BODY, DRY]), st.booleans()),
        st.tuples(
            st.sampled_from(["cancel", "delete", "hold", "release", "poll", "list"]),
            st.integers(0, 30),
        ),
    ),
    max_size=25,
)
FILTERS = [
    *({"status": status} for status in ("submitted", "completed", "failed", "canceled", "other")),
    *({"target": target} for target in ("simulator", "qpu.forte-1")),
    {"status": "failed,canceled", "target": "simulator"},
    {"session_id": "SESSION"},
    {"session_id": "SESSION", "status": "failed,completed"},
    {"submitter_id": "unknown"},
    {},
]


@settings(max_examples=60)
@given(STEPS)
def test_lists_are_those_of_a_search_through_all_jobs(steps):
    cloud = FakeIonQ(5, transitions={"started": {"polls": 1}})
    session = ask(cloud, "POST", "/sessions", {"backend": "simulator"})["id"]
    ids = []
    for what, which, *rest in steps:
        if what == "submit":
            inside = rest[0] and which["backend"] == "simulator"
            body = {**which, **({"session_id": session} if inside else {})}
            ids.append(ask(cloud, "POST", "/jobs", body)["id"])
            continue
        if what == "list":
            ask(cloud, "GET", "/jobs")
        if what == "list" or not ids:
            continue
        one = ids[which % len(ids)]
        if what == "cancel":
            ask(cloud, "PUT", f"/jobs/{one}/status/cancel")
        elif what == "delete":
            ask(cloud, "DELETE", f"/jobs/{one}")
            ids.remove(one)
        elif what == "poll":
            ask(cloud, "GET", f"/jobs/{one}")
        elif cloud.peek(one).status not in {"failed", "completed", "canceled"}:
            getattr(cloud, what)(one)
    for filters in FILTERS:
        query = "&".join(f"{k}={v}" for k, v in filters.items()).replace("SESSION", session)
        listed, following = [], ""
        while following is not None:
            page = ask(cloud, "GET", f"/jobs?limit=2&{query}&next={following}")
            listed += page["jobs"]
            following = page["next"]
        expected = [
            job.id
            for job in cloud.jobs
            if job.status in filters.get("status", job.status).split(",")
            and job.submission.device.name in filters.get("target", job.submission.device.name)
            and ("session_id" not in filters or job.submission.session_id == session)
            and "submitter_id" not in filters
        ]
        assert [job["id"] for job in listed] == expected, filters


def test_sessions_take_as_much_work_after_many():
    def amounts(number):
        cloud = FakeIonQ(1, session_capacity=3)
        new = ("POST", "/sessions", {"backend": "simulator", "settings": {"duration_limit_min": 1}})
        for _ in range(number):
            last = ask(cloud, *new)["id"]
            cloud.clock.sleep(60)
        requests = (new, ("GET", "/sessions?active=true"), ("GET", f"/sessions/{last}"))
        job = ("POST", "/jobs", {**WIDE, "session_id": ask(cloud, *new)["id"]})
        return [work(cloud, *one) for one in (*requests, job)]

    for few, many in zip(amounts(10), amounts(900), strict=True):
        assert many <= 1.5 * few + 30, (few, many)


@pytest.mark.parametrize("state", [None, "lab.db"])
def test_the_sessions_that_ended_first_are_not_kept_when_there_are_too_many(tmp_path, state):
    state = state and tmp_path / state
    cloud = FakeIonQ(1, retention=Retention(sessions=2), state=state)
    ids = [ask(cloud, "POST", "/sessions", {"backend": "simulator"})["id"] for _ in range(5)]
    for number in (3, 0, 2):
        ask(cloud, "POST", f"/sessions/{ids[number]}/end")
        cloud.clock.sleep(1)
    kept = [ids[4], ids[2], ids[1], ids[0]]  # the newest first; 3 ended first
    for _ in range(2):
        assert [one["id"] for one in ask(cloud, "GET", "/sessions")["sessions"]] == kept
        active = ask(cloud, "GET", "/sessions?active=true")["sessions"]
        assert [one["id"] for one in active] == [ids[4], ids[1]]
        assert cloud.handle("GET", f"/v0.4/sessions/{ids[3]}", KEY).status == 404
        if state is None:
            return
        cloud.close()
        cloud = FakeIonQ(1, retention=Retention(sessions=2), state=state)
    ask(cloud, "POST", f"/sessions/{ids[1]}/end")
    assert cloud.handle("GET", f"/v0.4/sessions/{ids[0]}", KEY).status == 404
    cloud.close()


def test_a_clock_that_is_ten_years_ahead_costs_nothing(cloud):
    requests: list[tuple[Any, ...]] = [
        ("GET", path) for path in ("/backends", "/sessions", "/health")
    ]
    usage = "start_date=2026-01-01&end_date=2036-12-31&group_by=user&modality=daily"
    requests += [
        ("GET", "/backends/qpu.forte-1/characterizations"),
        ("GET", f"/organizations/com.example/usage?{usage}"),
        ("POST", "/jobs", {**DRY, "dry_run": False, "shots": 1}),
    ]
    ask(cloud, "GET", "/backends")
    now = [work(cloud, *one) for one in requests]
    ask(cloud, "POST", "/_fake/clock", {"seconds": 10 * 365 * 86400})
    ask(cloud, "GET", "/backends")  # the characterizations of the day
    for request, before in zip(requests, now, strict=True):
        assert work(cloud, *request) <= 1.5 * before + 200, request


def test_pages_of_all_projects_have_each_job_once(cloud):
    made = []
    for number in range(23):
        key = {"Authorization": f"apiKey key-number-{number * 7 % 3}"}
        body = json.dumps(WIDE).encode()
        made.append(json.loads(cloud.handle("POST", "/v0.4/jobs", key, body).body)["id"])
        cloud.clock.sleep(0.001 * (number % 2))
    for limit in (1, 2, 5):
        listed, page = [], {"next": None}
        while listed == [] or page["next"]:
            after = f"&next={page['next']}" if page["next"] else ""
            page = ask(cloud, "GET", f"/_fake/jobs?limit={limit}{after}")
            listed += [job["id"] for job in page["jobs"]]
        assert sorted(listed) == sorted(made)
        assert [one[:13] for one in listed] == sorted((one[:13] for one in made), reverse=True)


def test_arming_a_fault_takes_as_much_work_after_many(cloud):
    def armed(number):
        for _ in range(number):
            cloud.faults.add(faults.http(503), on="GET /health", times=1)
            cloud.handle("GET", "/v0.4/health", {})
        rule = {"fault": "http", "status": 503, "on": "GET /backends", "times": 1}
        return work(cloud, "POST", "/_fake/faults", rule), work(cloud, "GET", "/health")

    few, many = armed(10), armed(1500)
    assert all(b <= 2 * a + 5000 for a, b in zip(few, many, strict=True)), (few, many)
