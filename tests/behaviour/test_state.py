"""A cloud with a state begins where an earlier one ended, in memory and in a file alike."""

import json
import os
import subprocess
import sys
from threading import Thread

import msgspec
import pytest

from ionq_toolkit_fake import FakeIonQ, Retention, Transitions, control, faults
from ionq_toolkit_fake.models.accounts import Access
from ionq_toolkit_fake.store.base import Entry, StateError, StateFormatError
from ionq_toolkit_fake.store.memory import MemoryStore
from ionq_toolkit_fake.store.sqlite import SqliteStore

KEY = "a-key-of-this-test"
COIN = {"qubits": 1, "circuit": [{"gate": "h", "target": 0}]}
ONE = {"type": "ionq.circuit.v1", "backend": "simulator", "shots": 100, "input": COIN}
NOISY = {**ONE, "noise": {"model": "aria-1"}, "metadata": {"for": "a test"}, "name": "noisy"}
QPU = {**ONE, "backend": "qpu.forte-1", "shots": 1000}
SEVERAL = {
    "type": "ionq.multi-circuit.v1",
    "backend": "qpu.forte-1",
    "shots": 100,
    "input": {"qubits": 1, "circuits": [{**COIN, "name": "a"}, {**COIN, "name": "b"}]},
}
QASM = {
    "type": "ionq.qasm3.v1",
    "backend": "simulator",
    "input": {"data": "OPENQASM 3.0; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;"},
}
ENERGY = {
    "type": "quantum-function",
    "backend": "simulator",
    "input": {
        "data": {
            "type": "hamiltonian-energy",
            "data": {
                "hamiltonian": [{"pauli_string": "Z", "coefficient": 0.5}],
                "ansatz": {"data": "OPENQASM 3.0; input float a; qubit[1] q; ry(a) q[0];"},
            },
        },
        "params": [0.3],
    },
}
CUT = {
    "type": "qctrl.qaoa.v1",
    "backend": "simulator",
    "external_settings": {"api_credentials": "secret"},
    "input": {
        "problem_type": "maxcut",
        "problem": {
            "nodes": [{"id": 0}, {"id": 1}],
            "adjacency": [[{"id": 1}], [{"id": 0}]],
        },
    },
}
FAILING = {**ONE, "input": {"qubits": 99, "circuit": [{"gate": "h", "target": 0}]}}
DRY = {**QPU, "dry_run": True}
JOBS = {
    "ideal": ONE,
    "noisy": NOISY,
    "qpu": QPU,
    "several": SEVERAL,
    "qasm": QASM,
    "energy": ENERGY,
    "cut": CUT,
    "failing": FAILING,
    "dry run": DRY,
}


def ask(cloud, method, path, body=None, key=KEY):
    content = None if body is None else json.dumps(body).encode()
    return cloud.handle(method, f"/v0.4{path}", {"Authorization": f"apiKey {key}"}, content)


def told(cloud, method, path, body=None, key=KEY):
    response = ask(cloud, method, path, body, key)
    assert response.status < 300, (method, path, response)
    return json.loads(response.body)


def seen(cloud, job_id):
    """Return everything that a client can read of a job."""
    record = told(cloud, "GET", f"/jobs/{job_id}")
    paths = [f"/jobs/{job_id}/results/probabilities", f"/jobs/{job_id}/results/histogram"]
    paths += [f"/jobs/{job_id}/results/shots", f"/jobs/{job_id}/cost"]
    paths += [
        f"/jobs/{job_id}/artifacts/{one['id']}"
        for one in (record["results"] or {}).values()
        if isinstance(one, dict) and "id" in one
    ]
    children = [seen(cloud, child) for child in record["child_job_ids"] or ()]
    return record, [ask(cloud, "GET", path)[::2] for path in paths], children


class Place:
    """Where a state is kept; each cloud of it ends before the next one begins."""

    def __init__(self, kind, folder):
        self._memory = MemoryStore() if kind == "memory" else None
        self.path = folder / "lab.db"
        self._cloud = None

    def cloud(self, **options):
        self.end()
        self._cloud = FakeIonQ(state=self._memory or self.path, **options)
        return self._cloud

    def end(self):
        if self._cloud is not None:
            self._cloud.close()


@pytest.fixture(params=["memory", "file", "file alone"])
def place(request, tmp_path, monkeypatch):
    if request.param == "file alone":  # final jobs do not stay in memory
        monkeypatch.setattr("ionq_toolkit_fake.models.state.MOST_SHELVED_BYTES", 0)
    made = Place(request.param, tmp_path)
    yield made
    made.end()


@pytest.mark.parametrize("name", JOBS)
def test_completed_job_is_read_alike_by_a_later_cloud(place, name):
    first = place.cloud(seed=7)
    job_id = told(first, "POST", "/jobs", JOBS[name])["id"]
    before = seen(first, job_id)
    later = place.cloud()
    assert seen(later, job_id) == before
    assert later.seed == 7
    assert before[0]["status"] == ("failed" if name == "failing" else "completed")


@pytest.mark.parametrize("name", JOBS)
def test_unfinished_job_comes_to_the_result_that_it_would_have_had(place, name):
    usual = FakeIonQ(7)
    job_id = told(usual, "POST", "/jobs", JOBS[name])["id"]
    told(place.cloud(seed=7), "POST", "/jobs", JOBS[name])
    assert seen(place.cloud(), job_id) == seen(usual, job_id)


def test_costs_quota_keys_and_sessions_survive(place):
    keys = {KEY: Access("team", quota=60.0), "another-key-of-it": "team", "a-third-key": "other"}
    first = place.cloud(keys=keys)
    session = told(
        first, "POST", "/sessions", {"backend": "qpu.forte-1", "settings": {"job_count_limit": 2}}
    )
    done = told(first, "POST", "/jobs", {**QPU, "session_id": session["id"]})["id"]
    told(first, "GET", f"/jobs/{done}")
    waits = told(first, "POST", "/jobs", {**QPU, "session_id": session["id"]})["id"]
    deleted = told(first, "POST", "/jobs", DRY)["id"]
    told(first, "DELETE", f"/jobs/{deleted}")
    days = "start_date=2026-01-01&end_date=2026-12-31"
    usage = f"/organizations/com.example/usage?{days}&group_by=user&modality=daily"
    paths = ("/whoami", "/projects", f"/sessions/{session['id']}", usage)
    before = [told(first, "GET", path) for path in paths]
    later = place.cloud(keys=keys)
    assert [told(later, "GET", path) for path in paths] == before
    listed = told(later, "GET", "/jobs", key="another-key-of-it")["jobs"]
    assert [job["id"] for job in listed] == [waits, done]
    assert told(later, "GET", "/jobs", key="a-third-key")["jobs"] == []
    refused = ask(later, "POST", "/jobs", {**QPU, "session_id": session["id"]})
    assert b"has had its 2 jobs" in refused.body
    third = told(later, "POST", "/jobs", QPU)["id"]
    assert told(later, "GET", f"/jobs/{third}")["failure"]["code"] == "QuotaExhaustedError"


def test_ids_go_on_and_are_those_of_a_cloud_that_was_not_ended(place):
    usual = FakeIonQ(3)
    wanted = [told(usual, "POST", "/jobs", ONE)["id"] for _ in range(6)]
    made = [
        told(place.cloud(seed=3 if not n else None), "POST", "/jobs", ONE)["id"] for n in range(6)
    ]
    assert made == wanted


def test_clock_transitions_and_faults_survive(place):
    first = place.cloud(clock="virtual", transitions="immediately")
    first.transitions.set(Transitions(started="never"), nth=2)
    first.faults.add(faults.http(503), on="GET /health", times=3)
    first.faults.add(faults.http(418 + 11), on="GET /backends", key=KEY)
    removed = first.faults.add(faults.http(500), on="GET /jobs")
    first.save()
    first.faults.remove(removed)
    assert ask(first, "GET", "/health").status == 503
    told(first, "POST", "/jobs", ONE)
    first.clock.sleep(3600)
    now = first.clock.now()
    first.save()
    later = place.cloud(clock="virtual")
    assert later.clock.now() == now
    assert later.started_at == first.started_at
    assert [ask(later, "GET", "/health").status for _ in range(3)] == [503, 503, 200]
    assert ask(later, "GET", "/backends").status == 429
    second = told(later, "POST", "/jobs", ONE)["id"]
    assert told(later, "GET", f"/jobs/{second}")["status"] == "ready"
    assert [armed.number for armed in later.faults.rules] == [1, 2]
    assert later.faults.add(faults.http(500), on="GET /jobs").number == 3


def test_held_polled_and_canceled_jobs_stay_where_they_are(place):
    first = place.cloud(transitions=Transitions.polls(2))
    ids = [told(first, "POST", "/jobs", body)["id"] for body in (ONE, ONE, ONE, SEVERAL)]
    told(first, "GET", f"/jobs/{ids[0]}")
    first.hold(ids[1], "started")
    told(first, "PUT", f"/jobs/{ids[2]}/status/cancel")
    (a, b) = told(first, "GET", f"/jobs/{ids[3]}")["child_job_ids"]
    first.fail(a, "InternalError")
    later = place.cloud()
    statuses = [later.peek(one).status for one in (*ids, a, b)]
    assert statuses == ["submitted", "started", "canceled", "submitted", "failed", "submitted"]
    polled = [told(later, "GET", f"/jobs/{ids[0]}")["status"] for _ in range(3)]
    assert polled == ["submitted", "ready", "ready"]  # one poll of two was before
    later.release(ids[1])
    assert later.peek(ids[1]).status == "started"


def test_deleted_and_retired_jobs_leave_no_entries(place):
    cloud = place.cloud(retention=Retention(jobs=1))
    kept = [told(cloud, "POST", "/jobs", ONE)["id"] for _ in range(3)]
    for one in kept:
        told(cloud, "GET", f"/jobs/{one}")
    told(cloud, "GET", "/jobs")
    several = told(cloud, "POST", "/jobs", SEVERAL)["id"]
    told(cloud, "DELETE", f"/jobs/{several}")
    store = cloud._keeper.store
    for kind in ("job", "submission", "result"):
        assert [key for key, _ in store.read(kind)] == [kept[-1]]


def test_reset_leaves_a_new_cloud(place):
    cloud = place.cloud(seed=4)
    first = told(cloud, "POST", "/jobs", ONE)["id"]
    cloud.faults.add(faults.http(503), on="GET /health")
    cloud.reset()
    later = place.cloud()
    assert (later.jobs, later.faults.rules) == ([], ())
    assert told(later, "POST", "/jobs", ONE)["id"] == first


def test_settings_that_are_not_given_are_those_of_the_state(place):
    place.cloud(
        seed=5,
        statuses={"qpu.aria-1": "available"},
        fidelities={"qpu.forte-1": {"1q": 0.9}},
        transitions=Transitions.polls(1),
    )
    later = place.cloud()
    assert later.facility.devices["qpu.aria-1"].status == "available"
    assert later.facility.devices["qpu.forte-1"].performance.one_qubit == 0.9
    assert later.transitions.base.as_dict()["ready"] == {"polls": 1}
    place.end()
    with pytest.raises(StateError, match="has the seed 5, not 6: leave seed out"):
        place.cloud(seed=6)


def test_no_key_is_in_a_state(place, tmp_path):
    cloud = place.cloud(keys={KEY: "team"})
    cloud.faults.add(faults.http(503), on="GET /health", key=KEY)
    told(cloud, "POST", "/jobs", CUT)
    cloud.snapshot(tmp_path / "copy.db")
    for path in tmp_path.iterdir():
        assert KEY.encode() not in path.read_bytes()
        assert b'"api_credentials":"secret"' not in path.read_bytes()


def test_snapshot_is_the_whole_cloud_and_is_there_as_a_whole(place, tmp_path):
    cloud = place.cloud(seed=9)
    ids = [told(cloud, "POST", "/jobs", body)["id"] for body in JOBS.values()]
    told(cloud, "GET", "/jobs")
    cloud.faults.add(faults.http(503), on="GET /health", times=1)
    copy = tmp_path / "copy.db"
    cloud.snapshot(copy)
    assert sorted(path.name for path in tmp_path.iterdir() if "copy" in path.name) == ["copy.db"]
    before = [seen(cloud, one) for one in ids]
    place.end()
    restored = FakeIonQ(state=copy)
    assert [seen(restored, one) for one in ids] == before
    assert ask(restored, "GET", "/health").status == 503
    with pytest.raises(StateError, match="exists already"):
        restored.snapshot(copy)
    restored.close()


def test_requests_are_answered_while_a_snapshot_is_copied(tmp_path, monkeypatch):
    cloud = FakeIonQ(state=tmp_path / "lab.db")
    statuses, copy = [], SqliteStore.snapshot

    def copying(store, path):
        other = Thread(target=lambda: statuses.append(ask(cloud, "POST", "/jobs", ONE).status))
        other.start()
        other.join(30)
        copy(store, path)

    monkeypatch.setattr(SqliteStore, "snapshot", copying)
    response = control.answer(cloud, "GET", "/_fake/snapshot", b"")
    assert (response.status, statuses) == (200, [201])
    (tmp_path / "copy.db").write_bytes(response.body)
    cloud.close()
    restored = FakeIonQ(state=tmp_path / "copy.db")
    assert len(restored.jobs) == 1
    restored.close()


def test_cloud_without_a_state_has_snapshots_too(cloud, tmp_path):
    job_id = told(cloud, "POST", "/jobs", NOISY)["id"]
    before = seen(cloud, job_id)
    cloud.snapshot(tmp_path / "copy.db")
    restored = FakeIonQ(state=tmp_path / "copy.db")
    assert seen(restored, job_id) == before
    restored.close()


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        (Entry("job", "x"), b"\xc1"),
        (Entry("job", "x"), msgspec.msgpack.encode(["too", "short"])),
        (Entry("cloud"), b""),
        (
            Entry("fault", "1"),
            msgspec.msgpack.encode({"rule": {"fault": "no"}, "reached": 0, "fired": 0}),
        ),
    ],
)
def test_entries_that_cannot_be_read_are_refused(place, entry, value):
    cloud = place.cloud()
    told(cloud, "POST", "/jobs", ONE)
    cloud._keeper.store.write({entry: value})
    with pytest.raises(StateFormatError, match=r"is damaged \(.*restore a snapshot"):
        place.cloud()


def test_jobs_whose_submission_is_missing_are_refused(place):
    cloud = place.cloud()
    job_id = told(cloud, "POST", "/jobs", ONE)["id"]
    cloud._keeper.store.write({Entry("submission", job_id): None})
    with pytest.raises(StateFormatError, match="is damaged"):
        place.cloud()


class Full(MemoryStore):
    """A store whose disk is full for a while."""

    is_full = False

    def write(self, changes, *, clear=False):
        if self.is_full:
            raise StateError("lab.db cannot be written: make room on its disk.")
        super().write(changes, clear=clear)


def test_request_that_cannot_be_stored_is_not_accepted_and_nothing_is_lost():
    store = Full()
    cloud = FakeIonQ(1, state=store)
    store.is_full = True
    with pytest.raises(StateError, match="make room on its disk"):
        ask(cloud, "POST", "/jobs", ONE)
    store.is_full = False
    job_id = told(cloud, "POST", "/jobs", ONE)["id"]
    assert len(FakeIonQ(state=store).jobs) == 2
    assert told(FakeIonQ(state=store), "GET", f"/jobs/{job_id}")["status"] == "completed"


def test_keys_that_are_not_given_any_more_are_not_taken(place):
    first = place.cloud(keys={KEY: "team", "a-key-that-leaves": "team"})
    left = told(first, "POST", "/jobs", ONE, key="a-key-that-leaves")["id"]
    later = place.cloud(keys={KEY: "team"})
    assert ask(later, "GET", "/jobs", key="a-key-that-leaves").status == 401
    assert [job["id"] for job in told(later, "GET", "/jobs")["jobs"]] == [left]


def test_start_reads_no_job_that_is_final(place, monkeypatch):
    first = place.cloud(transitions=Transitions.polls(1))
    done, waits = (told(first, "POST", "/jobs", body)["id"] for body in (SEVERAL, ONE))
    first.end(done)
    told(first, "GET", f"/jobs/{done}")
    read = []
    for kind in (MemoryStore, SqliteStore):
        get, get_several = kind.get, kind.get_several

        def noting(self, kind, key, get=get):
            read.append(key)
            return get(self, kind, key)

        def noting_several(self, kind, keys, get_several=get_several):
            read.extend(keys)
            return get_several(self, kind, keys)

        monkeypatch.setattr(kind, "get", noting)
        monkeypatch.setattr(kind, "get_several", noting_several)
    later = place.cloud()
    assert set(read) == {waits}
    assert repr(later).endswith(" 4 jobs>")
    assert told(later, "GET", f"/jobs/{done}")["status"] == "completed"
    assert done in read


def test_a_job_is_one_object_for_as_long_as_it_is_held(place):
    cloud = place.cloud()
    job_id = told(cloud, "POST", "/jobs", SEVERAL)["id"]
    told(cloud, "GET", f"/jobs/{job_id}")
    job = cloud.peek(job_id)
    told(cloud, "GET", "/health")
    told(cloud, "PUT", f"/jobs/{job_id}/status/cancel")
    told(cloud, "GET", "/health")
    assert job.status == cloud.peek(job_id).status == "canceled"
    assert cloud.peek(job.children[0].id) is job.children[0]


def test_damage_that_is_found_late_is_said_and_other_jobs_are_read(place):
    cloud = place.cloud()
    bad, good = (told(cloud, "POST", "/jobs", ONE)["id"] for _ in range(2))
    told(cloud, "GET", "/jobs")
    cloud._keeper.store.write({Entry("result", bad): b"x"})
    later = place.cloud()
    with pytest.raises(StateFormatError, match=r"is damaged \(job .*restore a snapshot"):
        later.peek(bad)
    assert told(later, "GET", f"/jobs/{good}")["status"] == "completed"


def test_age_of_a_job_is_counted_from_its_end_and_not_from_a_start(place):
    first = place.cloud(clock="virtual", transitions="immediately")
    job_id = told(first, "POST", "/jobs", ONE)["id"]
    told(first, "GET", f"/jobs/{job_id}")
    first.clock.sleep(86400)
    first.save()
    later = place.cloud(clock="virtual", retention=Retention(days=1.5))
    assert ask(later, "GET", f"/jobs/{job_id}").status == 200
    later.clock.sleep(43201)
    assert ask(later, "GET", f"/jobs/{job_id}").status == 404


def test_smaller_retention_deletes_at_the_start_without_reading(place, monkeypatch):
    first = place.cloud()
    ids = [told(first, "POST", "/jobs", body)["id"] for body in (SEVERAL, *[FAILING] * 8)]
    told(first, "GET", "/jobs")
    for kind in (MemoryStore, SqliteStore):
        monkeypatch.setattr(kind, "get", None)
    later = place.cloud(retention=Retention(jobs=2))
    later.settle()
    assert len(later.projects[0].jobs) == 2
    later.save()
    assert later._keeper.store.keys("job") == {*ids[-2:]}
    assert later._keeper.store.keys("result") == set()


def test_requests_that_change_nothing_write_nothing():
    writes = []

    class Noting(MemoryStore):
        def write(self, changes, *, clear=False):
            writes.append(sorted(changes))
            super().write(changes, clear=clear)

    cloud = FakeIonQ(1, state=Noting())
    job_id = told(cloud, "POST", "/jobs", ONE)["id"]
    assert {entry.kind for entry in writes[-1]} == {"cloud", "key", "project", "submission", "job"}
    told(cloud, "GET", f"/jobs/{job_id}")
    assert {entry.kind for entry in writes[-1]} == {"job", "result"}
    writes.clear()
    for path in ("", f"/{job_id}", f"/{job_id}/results/probabilities", "?status=completed"):
        told(cloud, "GET", f"/jobs{path}")
    assert writes == []


NOTEBOOK = """
import sys
from qiskit import QuantumCircuit
from ionq_toolkit import IonQProvider
bell = QuantumCircuit(2)
bell.h(0); bell.cx(0, 1); bell.measure_all()
backend = IonQProvider(transport="fake:lab.db", seed=1).get_backend("ionq_simulator")
job = backend.run(bell, shots=100)
print(job.job_id(), job.get_counts())
"""
NEXT_DAY = """
import sys
from ionq_toolkit import IonQProvider
job = IonQProvider(transport="fake:lab.db").get_backend("ionq_simulator").retrieve_job(sys.argv[1])
print(job.job_id(), job.get_counts())
"""


@pytest.mark.slow
def test_job_of_a_notebook_is_read_the_next_day_in_a_new_process(tmp_path):
    def python(code, *arguments):
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout

    first = python(NOTEBOOK)
    assert python(NEXT_DAY, first.split()[0]) == first


def test_state_of_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(StateError, match="there is no folder"):
        FakeIonQ(state=tmp_path / "none" / "lab.db")


def test_invalid_setting_leaves_the_file_free(tmp_path):
    with pytest.raises(ValueError, match="there is no backend"):
        FakeIonQ(state=tmp_path / "lab.db", statuses={"none": "available"})
    FakeIonQ(state=tmp_path / "lab.db").close()
    SqliteStore(tmp_path / "lab.db").close()
