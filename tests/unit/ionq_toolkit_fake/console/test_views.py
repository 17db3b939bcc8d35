"""The data of the console: pages of jobs, timelines, circuits, histograms."""

import json

import pytest
from consoles import BELL, KEY, body, post

from ionq_toolkit_fake import FakeIonQ, Retention, Transitions, after, canceled, failed, faults
from ionq_toolkit_fake.console import views
from ionq_toolkit_fake.console.recorder import recorder
from ionq_toolkit_fake.console.views import JobFilter

BASE = "http://127.0.0.1:8080/v0.4"


def listed(cloud, *, offset=0, limit=50, **wanted):
    return views.jobs(cloud, JobFilter(**wanted), offset, limit)


def test_jobs_of_all_projects_are_paged_the_newest_first():
    cloud = FakeIonQ(seed=1, clock="virtual", transitions="immediately")
    ids = []
    for n in range(12):
        ids.append(post(cloud, body(name=f"job {n}"), key=f"key of {n % 3}"))
        cloud.clock.sleep(1)
    pages = [listed(cloud, offset=offset, limit=5) for offset in (0, 5, 10)]
    assert [job["id"] for page in pages for job in page["jobs"]] == ids[::-1]
    assert [page["more"] for page in pages] == [True, True, False]
    assert pages[0]["total"] == 12
    assert pages[0]["counts"] == {"completed": 12}


def test_a_page_deep_in_many_jobs_reads_them_in_pieces(monkeypatch):
    monkeypatch.setattr(views, "_CHUNK", 4)
    cloud = FakeIonQ(seed=1)
    ids = [post(cloud) for _ in range(15)]
    assert [job["id"] for job in listed(cloud, offset=9, limit=4)["jobs"]] == ids[2:6][::-1]
    assert listed(cloud, offset=15)["jobs"] == []
    assert listed(cloud, offset=10**9)["jobs"] == []


def test_filters_and_search():
    cloud = FakeIonQ(seed=1)
    cloud.transitions.set(Transitions(end=failed("SystemCancel")), name="Broken")
    ideal = post(cloud, body(metadata={"experiment": "Ramsey"}))
    broken = post(cloud, body(name="Broken"))
    forte = post(cloud, body(backend="qpu.forte-1", name="ANGLE"))

    def ids(**wanted):
        return [job["id"] for job in listed(cloud, **wanted)["jobs"]]

    assert ids() == [forte, broken, ideal]
    assert ids(statuses=["failed"]) == [broken]
    assert ids(statuses=["failed", "completed"]) == [forte, broken, ideal]
    assert ids(backends=["qpu.forte-1"]) == [forte]
    assert ids(text="ramsey ") == [ideal]
    assert ids(text="angle") == [forte]
    assert ids(text="systemcancel") == [broken]
    assert ids(text=ideal[-12:]) == [ideal]
    assert ids(text="project 1") == [forte, broken, ideal]
    assert ids(text="nothing like it") == []


def test_a_search_reads_few_jobs_from_the_store_and_all_ids(tmp_path, monkeypatch):
    monkeypatch.setattr(views, "MOST_READ", 3)
    file = tmp_path / "lab.db"
    cloud = FakeIonQ(seed=1, state=file)
    ids = [post(cloud, body(name=f"job {n}")) for n in range(6)]
    listed(cloud)
    cloud.close()
    cloud = FakeIonQ(state=file)
    found = listed(cloud, text="job")
    assert [job["id"] for job in found["jobs"]] == ids[3:][::-1]
    assert found["partial"]
    assert [job["id"] for job in listed(cloud, text=ids[0])["jobs"]] == ids[:1]
    assert not listed(cloud)["partial"]
    cloud.close()


def test_looking_is_no_poll_and_no_request():
    cloud = FakeIonQ(seed=1)
    cloud.transitions.set(Transitions.polls(1))
    job = post(cloud)
    for _ in range(5):
        assert listed(cloud)["jobs"][0]["status"] == "submitted"
        assert views.job(cloud, job, BASE)["status"] == "submitted"
    assert len(cloud.requests) == 1


def steps(cloud, job):
    return [(one["status"], one["current"]) for one in views.job(cloud, job, BASE)["timeline"]]


def test_timeline_has_the_moment_of_each_status_and_what_is_expected():
    cloud = FakeIonQ(seed=1, clock="virtual")
    plan = Transitions(ready=after(seconds=1), started=after(seconds=60), finished=after(seconds=5))
    cloud.transitions.set(plan)
    job = post(cloud)
    cloud.clock.sleep(30)
    found = views.job(cloud, job, BASE)["timeline"]
    assert [(one["status"], one["at"][14:19], one["current"]) for one in found] == [
        ("submitted", "00:00", False),
        ("ready", "00:01", True),
        ("started", "01:01", False),
        ("completed", "01:06", False),
    ]
    cloud.clock.sleep(60)
    assert steps(cloud, job)[-1] == ("completed", True)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("completed", ["submitted", "ready", "started", "completed"]),
        (failed("QuotaExhaustedError"), ["submitted", "failed"]),
        (failed("SystemCancel"), ["submitted", "ready", "failed"]),
        (failed("InternalError"), ["submitted", "ready", "started", "failed"]),
        (canceled(at="ready"), ["submitted", "ready", "canceled"]),
    ],
)
def test_timeline_ends_with_the_end(end, expected):
    cloud = FakeIonQ(seed=1)
    cloud.transitions.set(Transitions(end=end))
    found = steps(cloud, post(cloud))
    assert [status for status, _ in found] == expected
    assert [current for _, current in found] == [False] * (len(expected) - 1) + [True]


def test_timeline_of_a_job_that_shows_a_word_of_its_own_or_was_ended_by_hand():
    cloud = FakeIonQ(seed=1)
    cloud.transitions.set(Transitions(ready="never"))
    job = post(cloud)
    cloud.hold(job, "paused")
    assert steps(cloud, job)[:2] == [("submitted", False), ("paused", True)]
    cloud.release(job)
    cloud.fail(job, "InternalError")
    assert steps(cloud, job) == [("submitted", False), ("failed", True)]


def test_circuits_come_as_gates_or_as_source():
    cloud = FakeIonQ(seed=1)
    found = views.job(cloud, post(cloud), BASE)["circuit"]
    assert (found["qubits"], found["gateset"], found["count"]) == (2, "qis", 2)
    assert [gate[:3] for gate in found["gates"]] == [["h", (0,), ()], ["cnot", (1,), (0,)]]
    qasm = "OPENQASM 3.0; qubit[1] q; U(1, 2, 3) q[0];"
    content = {"type": "ionq.qasm3.v1", "backend": "simulator", "input": {"data": qasm}}
    assert views.job(cloud, post(cloud, content), BASE)["circuit"] == {"qasm3": qasm}
    on_qpu = views.job(cloud, post(cloud, body(backend="qpu.forte-1")), BASE)
    assert on_qpu["compiled"]["gateset"] == "native"
    assert {gate[0] for gate in on_qpu["compiled"]["gates"]} <= {"gpi", "gpi2", "zz", "nop"}
    assert on_qpu["cost"] == 25.79  # the minimum of Forte in facts/devices.py


def test_large_circuits_and_sources_are_cut(monkeypatch):
    monkeypatch.setattr(views, "MOST_GATES", 3)
    monkeypatch.setattr(views, "MOST_SOURCE", 50)
    cloud = FakeIonQ(seed=1)
    found = views.job(cloud, post(cloud, body(BELL * 4)), BASE)
    assert (len(found["circuit"]["gates"]), found["circuit"]["count"]) == (3, 8)
    assert len(found["source"]) == 50 < found["source_size"]


def test_histogram_has_the_largest_outcomes_and_the_rest():
    cloud = FakeIonQ(seed=1)
    wide = [{"gate": "ry", "target": n, "rotation": 0.5 + n} for n in range(6)]
    job = post(cloud, body(wide, 6, noise={"model": "aria-1"}, shots=1000))
    everything = views.histogram(cloud, job, 1024, "")
    assert sum(one["count"] for one in everything["outcomes"]) == 1000
    assert everything["rest"] == 0
    counts = [one["count"] for one in everything["outcomes"]]
    assert counts == sorted(counts, reverse=True)
    top = views.histogram(cloud, job, 3, "outcome")
    bits = [one["bits"] for one in top["outcomes"]]
    assert bits == sorted(bits)
    assert {len(one) for one in bits} == {6}
    assert sorted(one["count"] for one in top["outcomes"]) == sorted(counts[:3])
    assert top["rest"] == pytest.approx(sum(counts[3:]) / 1000)
    assert top["total"] == len(counts)


def test_bits_of_an_outcome_have_qubit_0_last():
    cloud = FakeIonQ(seed=1)
    job = post(cloud, body([{"gate": "x", "target": 0}], 3))
    found = views.histogram(cloud, job, 8, "")
    assert [(one["bits"], one["probability"]) for one in found["outcomes"]] == [("001", 1.0)]
    assert found["shots"] is None
    assert found["outcomes"][0]["count"] is None


def test_requests_have_bodies_and_the_faults_that_happened():
    cloud = FakeIonQ(seed=1)
    recorder(cloud)
    cloud.faults.add(faults.http(429, retry_after=3), on="GET /jobs", times=1)
    post(cloud)
    cloud.handle("GET", "/v0.4/jobs", {"Authorization": f"apiKey {KEY}"})
    page = views.requests(cloud, "", 0, 1)
    assert (page["more"], page["total"], page["requests"][0]["status"]) == (True, 2, 429)
    assert views.requests(cloud, "post /v0.4", 0, 9)["total"] == 1
    found = views.request(cloud, page["requests"][0]["request_id"], BASE)
    assert json.loads(found["bodies"]["response"])["statusCode"] == 429
    assert (
        'faults.http(status=429, retry_after=3), on="GET /jobs", times=1'
        in found["copies"]["pytest"]
    )
    (sent,) = views.requests(cloud, "post", 0, 9)["requests"]
    whole = views.request(cloud, sent["request_id"], BASE)
    assert whole["complete"]
    assert json.loads(whole["bodies"]["body"]) == body()


def test_account_and_backends_are_those_of_the_api():
    cloud = FakeIonQ(seed=1)
    headers = {"Authorization": f"apiKey {KEY}"}
    made = cloud.handle("POST", "/v0.4/sessions", headers, b'{"backend": "qpu.forte-1"}')
    post(cloud, body(backend="qpu.forte-1"))
    found = views.account(cloud)
    assert found["usage"]["amount_total"] == 25.79
    assert [one["id"] for one in found["sessions"]] == [json.loads(made.body)["id"]]
    assert found["projects"][0]["spent"] == 25.79
    listed = json.loads(cloud.handle("GET", "/v0.4/backends", {}).body)
    shown = json.loads(json.dumps(views.backends(cloud)["backends"]))
    assert [
        {k: v for k, v in one.items() if k in first}
        for one, first in zip(shown, listed, strict=True)
    ] == listed
    forte = next(one for one in shown if one["backend"] == "qpu.forte-1")
    assert len(forte["characterizations"]) == 31  # facility.HISTORY_DAYS and today


def test_a_deleted_job_is_gone_from_the_lists():
    cloud = FakeIonQ(seed=1, retention=Retention(jobs=2))
    ids = [post(cloud) for _ in range(4)]
    listed(cloud)  # they come to their ends
    assert [job["id"] for job in listed(cloud)["jobs"]] == ids[2:][::-1]
    with pytest.raises(views.Missing):
        views.job(cloud, ids[0], BASE)
