"""Jobs made from other jobs."""

import pytest

from ionq_toolkit_fake import Access, FakeIonQ, Transitions
from ionq_toolkit_fake.simulation.executors import InlineExecutor

X = {"gate": "x", "target": 0}


@pytest.fixture
def clone(send):
    def clone(job_id, changes=None):
        status, created = send("POST", f"/jobs/{job_id}/clone", changes or {})
        assert status == 201, created
        return send("GET", f"/jobs/{created['id']}")[1]

    return clone


def test_a_clone_is_another_job_of_the_same_input(send, completed, clone):
    original = completed([X], 1, name="first", metadata={"a": "b"}, shots=7)
    again = clone(original["id"])
    assert again["id"] != original["id"]
    changing = ("id", "results")
    assert {k: v for k, v in again.items() if k not in changing} == {
        k: v for k, v in original.items() if k not in changing
    }
    assert send("GET", f"/jobs/{again['id']}/results/probabilities")[1] == {"1": 1}


def test_a_clone_may_differ(completed, clone):
    original = completed([X], 1, name="first", metadata={"a": "b"}, shots=7)
    changes = {
        "name": "second",
        "metadata": {"c": "d"},
        "shots": 9,
        "backend": "qpu.forte-1",
        "settings": {"error_mitigation": {"debiasing": False}},
        "dry_run": True,
    }
    found = clone(original["id"], changes)
    assert {key: found[key] for key in changes} == changes
    noisy = clone(original["id"], {"noise": {"model": "aria-1"}})
    assert (noisy["noise"], noisy["shots"]) == ({"model": "aria-1"}, 7)
    assert clone(noisy["id"])["noise"] == {"model": "aria-1"}


def test_a_clone_of_nothing_a_wrong_change_and_no_json(send, completed):
    path = f"/jobs/{completed()['id']}/clone"
    assert send("POST", "/jobs/unknown/clone", {})[0] == 404
    for body, keys in (
        ({"shots": 0}, ["shots"]),
        ({"backend": "qpu.none"}, ["backend"]),
        ({"metadata": {"a": 1}}, ["metadata.a"]),
        ([], ["value"]),
    ):
        status, reply = send("POST", path, body)
        assert (status, reply["validation"]["keys"]) == (400, keys)
    assert send("POST", path, b"{")[0] == 400
    assert send("POST", path, b"")[0] == 201


def test_a_child_is_cloned_as_a_job_of_its_own(send, clone):
    circuits = [{"circuit": [X]}, {"circuit": [X, {"gate": "x", "target": 1}]}]
    body = {
        "type": "ionq.multi-circuit.v1",
        "backend": "simulator",
        "input": {"gateset": "qis", "qubits": 2, "circuits": circuits},
    }
    _, created = send("POST", "/jobs", body)
    children = send("GET", f"/jobs/{created['id']}")[1]["child_job_ids"]
    for child, outcome in zip(children, ("1", "3"), strict=True):
        alone = clone(child)
        assert (alone["type"], alone["parent_job_id"]) == ("ionq.circuit.v1", None)
        assert send("GET", f"/jobs/{alone['id']}/results/probabilities")[1] == {outcome: 1}
    whole = clone(created["id"])
    assert len(whole["child_job_ids"]) == 2


def test_equal_circuits_of_one_job_are_told_apart(send, clone):
    circuits = [{"circuit": [X], "name": "a"}, {"circuit": [X], "name": "b"}]
    body = {
        "type": "ionq.multi-circuit.v1",
        "backend": "simulator",
        "input": {"gateset": "qis", "qubits": 1, "circuits": circuits},
    }
    _, created = send("POST", "/jobs", body)
    children = send("GET", f"/jobs/{created['id']}")[1]["child_job_ids"]
    names = [send("GET", f"/jobs/{child}")[1]["name"] for child in children]
    assert names == ["a", "b"]
    assert clone(children[1])["stats"]["qubits"] == 1


def test_a_move_puts_a_clone_in_the_originals_place(send, job_body):
    _, created = send("POST", "/jobs", job_body([X], 1))
    status, moved = send("POST", f"/jobs/{created['id']}/move", {"backend": "qpu.forte-1"})
    assert (status, moved["status"]) == (201, "submitted")
    assert send("GET", f"/jobs/{created['id']}")[1]["status"] == "canceled"
    found = send("GET", f"/jobs/{moved['id']}")[1]
    assert (found["backend"], found["status"]) == ("qpu.forte-1", "completed")


def test_a_wrong_move_leaves_the_original_alone(send, job_body):
    _, created = send("POST", "/jobs", job_body())
    assert send("POST", f"/jobs/{created['id']}/move", {"backend": "qpu.none"})[0] == 400
    assert send("GET", f"/jobs/{created['id']}")[1]["status"] == "completed"


def test_a_job_that_has_started_is_not_moved(sender, job_body):
    send = sender(FakeIonQ(seed=1, transitions=Transitions.polls(1)))
    _, created = send("POST", "/jobs", job_body())
    path = f"/jobs/{created['id']}"
    for _ in range(3):
        shown = send("GET", path)[1]["status"]
    assert shown == "started"
    status, reply = send("POST", path + "/move", {})
    assert (status, reply["message"]) == (400, "A job that is started cannot be moved.")
    assert len(send("GET", "/jobs")[1]["jobs"]) == 1


@pytest.mark.parametrize("backend", ["simulator", "qpu.forte-1"])
def test_a_move_that_cannot_be_simulated_leaves_the_original_alone(sender, job_body, backend):
    executor = InlineExecutor()
    send = sender(FakeIonQ(seed=1, executor=executor))
    _, created = send("POST", "/jobs", job_body(backend=backend))

    def submit(*_):
        raise RuntimeError("the executor was shut down")

    executor.submit = submit
    for path in (f"/jobs/{created['id']}/move", f"/jobs/{created['id']}/clone"):
        assert send("POST", path, {"backend": "qpu.forte-1"})[0] == 500
    (job,) = send("GET", "/jobs")[1]["jobs"]
    assert (job["id"], job["status"]) == (created["id"], "completed")


def test_a_move_needs_no_more_quota_than_the_original(sender, job_body):
    send = sender(FakeIonQ(seed=1, keys={"k": Access("p", quota=30)}), "k")
    _, created = send("POST", "/jobs", job_body(backend="qpu.forte-1"))
    path = f"/jobs/{created['id']}/move"
    _, moved = send("POST", path, {"backend": "qpu.forte-enterprise-1"})
    assert send("GET", f"/jobs/{moved['id']}")[1]["status"] == "completed"


def test_a_wrong_move_leaves_a_job_in_its_session(send, job_body):
    _, session = send("POST", "/sessions", {"backend": "qpu.forte-1"})
    body = job_body(backend="qpu.forte-1", session_id=session["id"])
    _, created = send("POST", "/jobs", body)
    assert send("POST", f"/jobs/{created['id']}/move", {"shots": 0})[0] == 400
    assert send("GET", f"/jobs/{created['id']}")[1]["status"] == "completed"
    (job,) = send("GET", f"/sessions/{session['id']}/jobs")[1]["jobs"]
    assert job["id"] == created["id"]
