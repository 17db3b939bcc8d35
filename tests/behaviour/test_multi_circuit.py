"""Jobs of several circuits: a parent, and a child for each circuit."""

import pytest

from ionq_toolkit_fake import FakeIonQ, Transitions

X0 = [{"gate": "x", "target": 0}]
X1 = [{"gate": "x", "target": 1}]
H0 = [{"gate": "h", "target": 0}]


@pytest.fixture
def multi_body(job_body):
    """Build the body of a job of several circuits, each a list of gates or an object."""

    def build(*circuits, qubits=2, **fields):
        body = job_body(**fields)
        body["type"] = "ionq.multi-circuit.v1"
        body["input"] = {
            "gateset": "qis",
            "qubits": qubits,
            "circuits": [c if isinstance(c, dict) else {"circuit": c} for c in circuits],
        }
        return body

    return build


def children_of(send, parent_id):
    return [
        send("GET", f"/jobs/{i}")[1] for i in send("GET", f"/jobs/{parent_id}")[1]["child_job_ids"]
    ]


def test_a_parent_shows_its_children_and_where_their_results_are(send, multi_body):
    body = multi_body(
        {"name": "first", "circuit": X0}, X1, H0, name="three", metadata={"a": "b"}, shots=9
    )
    status, created = send("POST", "/jobs", body)
    assert (status, created["status"]) == (201, "submitted")

    parent = send("GET", f"/jobs/{created['id']}")[1]

    assert (parent["status"], parent["type"]) == ("completed", "ionq.multi-circuit.v1")
    assert (parent["name"], parent["metadata"]) == ("three", {"a": "b"})
    assert (parent["stats"], parent["output"], parent["parent_job_id"]) == ({}, {}, None)
    assert len(set(parent["child_job_ids"])) == 3
    descriptor = parent["results"]["ionq.result.probabilities-aggregate.json.v1"]
    url = parent["results"]["probabilities"]["url"]
    assert url == f"/v0.4/jobs/{parent['id']}/results/probabilities/aggregated"
    aggregated = send("GET", url.removeprefix("/v0.4"))[1]
    assert list(aggregated) == parent["child_job_ids"]
    artifact = send("GET", f"/jobs/{parent['id']}/artifacts/{descriptor['id']}")[1]
    assert list(artifact.items()) == list(aggregated.items())
    assert list(aggregated.values())[:2] == [{"1": 1.0}, {"2": 1.0}]
    assert aggregated[parent["child_job_ids"][2]] == pytest.approx({"0": 0.5, "1": 0.5})


def test_a_child_is_a_job_of_its_own(send, multi_body):
    body = multi_body({"name": "wide", "circuit": X1, "qubits": 5}, X0, metadata={"a": "b"})
    _, created = send("POST", "/jobs", body)
    wide, plain = children_of(send, created["id"])
    assert (wide["type"], wide["status"]) == ("ionq.circuit.v1", "completed")
    assert (wide["name"], plain["name"]) == ("wide", None)
    assert (wide["stats"]["qubits"], plain["stats"]["qubits"]) == (5, 2)
    assert wide["parent_job_id"] == plain["parent_job_id"] == created["id"]
    assert (wide["child_job_ids"], wide["metadata"]) == (None, None)
    assert send("GET", f"/jobs/{wide['id']}/results/probabilities") == (200, {"2": 1.0})
    assert send("GET", f"/jobs/{wide['id']}/results/probabilities/aggregated")[0] == 404
    # Of the parent itself there is no one distribution.
    assert send("GET", f"/jobs/{created['id']}/results/probabilities")[0] == 404


def test_a_parent_whose_child_fails_fails_with_it_and_the_others_have_results(send, multi_body):
    _, created = send("POST", "/jobs", multi_body(X0, {"circuit": X1, "qubits": 30}))
    parent = send("GET", f"/jobs/{created['id']}")[1]
    good, bad = children_of(send, created["id"])
    assert (good["status"], bad["status"], parent["status"]) == ("completed", "failed", "failed")
    assert bad["failure"]["code"] == parent["failure"]["code"] == "NotEnoughQubits"
    assert bad["id"] in parent["failure"]["message"]
    assert parent["results"] is None
    assert send("GET", f"/jobs/{parent['id']}/results/probabilities/aggregated")[0] == 404
    assert send("GET", f"/jobs/{good['id']}/results/probabilities")[0] == 200


def test_parent_and_children_go_on_together(sender, multi_body):
    send = sender(FakeIonQ(seed=1, transitions=Transitions.polls(1)))
    parent = send("POST", "/jobs", multi_body(X0, X1))[1]["id"]
    for status in ("submitted", "ready", "started", "completed"):
        assert send("GET", f"/jobs/{parent}")[1]["status"] == status
        listed = send("GET", f"/jobs?parent_job_id={parent}")[1]["jobs"]
        assert [job["status"] for job in listed] == [status] * 2


def test_asking_for_a_child_moves_all_of_them_on(sender, multi_body):
    send = sender(FakeIonQ(seed=1, transitions=Transitions.polls(1)))
    parent = send("POST", "/jobs", multi_body(X0, X1))[1]["id"]
    one, two = (job["id"] for job in send("GET", f"/jobs?parent_job_id={parent}")[1]["jobs"])
    for status in ("submitted", "ready", "started", "completed"):
        assert send("GET", f"/jobs/{one}")[1]["status"] == status
        children = send("GET", f"/jobs?parent_job_id={parent}")[1]["jobs"]
        everything = [*children, *send("GET", "/jobs")[1]["jobs"]]
        assert {job["id"]: job["status"] for job in everything} == dict.fromkeys(
            (parent, one, two), status
        )


def test_asking_for_a_family_by_its_ids_moves_it_on_once(sender, multi_body):
    send = sender(FakeIonQ(seed=1, transitions=Transitions.polls(1)))
    parent = send("POST", "/jobs", multi_body(X0, X1))[1]["id"]
    ids = ",".join(job["id"] for job in send("GET", f"/jobs?parent_job_id={parent}")[1]["jobs"])
    for status in ("submitted", "ready", "started", "completed"):
        family = send("GET", f"/jobs?ids={parent},{ids}")[1]["jobs"]
        assert [job["status"] for job in family] == [status] * 3


def test_what_became_of_a_child_shows_in_its_parent(send, multi_body):
    _, created = send("POST", "/jobs", multi_body(X0, X1, H0))
    path = f"/jobs/{created['id']}"
    one, two, three = send("GET", path)[1]["child_job_ids"]
    send("PUT", f"/jobs/{one}/status/cancel")
    send("DELETE", f"/jobs/{two}")
    assert send("GET", path)[1]["child_job_ids"] == [one, three]
    assert list(send("GET", f"{path}/results/probabilities/aggregated")[1]) == [three]


def test_cancelling_a_failed_parent_leaves_its_children_their_results(send, multi_body):
    _, created = send("POST", "/jobs", multi_body(X0, {"circuit": X1, "qubits": 30}))
    send("GET", f"/jobs/{created['id']}")
    send("PUT", f"/jobs/{created['id']}/status/cancel")
    good, _ = children_of(send, created["id"])
    assert good["status"] == "completed"


def test_cancelling_and_deleting_a_parent_includes_its_children(send, multi_body):
    _, created = send("POST", "/jobs", multi_body(X0, X1))
    ids = send("GET", f"/jobs/{created['id']}")[1]["child_job_ids"]
    send("PUT", f"/jobs/{created['id']}/status/cancel")
    assert [job["status"] for job in children_of(send, created["id"])] == ["canceled"] * 2
    send("DELETE", f"/jobs/{created['id']}")
    assert [send("GET", f"/jobs/{i}")[0] for i in ids] == [404, 404]


def test_children_are_listed_for_those_who_ask_for_them(send, multi_body, job_body):
    _, parent = send("POST", "/jobs", multi_body(X0, X1))
    _, single = send("POST", "/jobs", job_body())
    children = send("GET", f"/jobs/{parent['id']}")[1]["child_job_ids"]

    def listed(query=""):
        return [job["id"] for job in send("GET", f"/jobs?{query}")[1]["jobs"]]

    assert listed() == [single["id"], parent["id"]]
    assert listed(f"parent_job_id={parent['id']}") == children[::-1]
    assert listed(f"ids={children[0]}") == children[:1]


@pytest.mark.parametrize(
    ("change", "message", "keys"),
    [
        (lambda i: i.pop("circuits"), "input.circuits is required", ["input.circuits"]),
        (lambda i: i.update(circuits=[]), "between 1 and 5000", ["input.circuits"]),
        (lambda i: i.update(circuits=[{"circuit": []}] * 5001), "between 1", ["input.circuits"]),
        (
            lambda i: i.update(circuits=[{"circuit": X0 * 1000}] * 150 + [{"circuit": X0}]),
            "not contain more than 150000 gates",
            ["input.circuits"],
        ),
        (
            lambda i: i.update(circuit=X0),
            "must not be given together",
            ["input.circuit", "input.circuits"],
        ),
        (lambda i: i.update(circuits=[X0]), "type object", ["input.circuits.0"]),
        (
            lambda i: i.update(circuits=[{"circuit": X0}, {"name": "empty"}]),
            "input.circuits.1.circuit is required",
            ["input.circuits.1.circuit"],
        ),
        (
            lambda i: i["circuits"][1].update(circuit=[{"gate": "x", "target": 7}]),
            "names qubit 7",
            ["input.circuits.1.circuit.0"],
        ),
        (
            lambda i: i["circuits"][0].update(gateset="ibm"),
            "must be one of",
            ["input.circuits.0.gateset"],
        ),
        (
            lambda i: i["circuits"][0].update(qubits=0),
            "greater than or equal to 1",
            ["input.circuits.0.qubits"],
        ),
    ],
)
def test_what_is_no_list_of_circuits_is_400_and_says_where(
    send, cloud, multi_body, change, message, keys
):
    body = multi_body(X0, X1)
    change(body["input"])
    status, reply = send("POST", "/jobs", body)
    assert status == 400
    assert message in reply["message"]
    assert reply["validation"]["keys"] == keys
    assert cloud.jobs == []


@pytest.mark.slow
def test_the_most_circuits_that_are_taken(send, multi_body):
    _, created = send("POST", "/jobs", multi_body(*[{"circuit": []}] * 5000, qubits=1))
    _, aggregated = send("GET", f"/jobs/{created['id']}/results/probabilities/aggregated")
    assert len(aggregated) == 5000


def test_a_gateset_of_its_own_goes_before_the_parents(send, multi_body):
    body = multi_body({"circuit": X0, "gateset": "qis"})
    body["input"]["gateset"] = "native"
    assert send("POST", "/jobs", body)[0] == 201
    body["input"]["circuits"] = [{"circuit": X0}]
    status, reply = send("POST", "/jobs", body)
    assert (status, reply["validation"]["keys"]) == (400, ["input.circuits.0.circuit.0.gate"])
