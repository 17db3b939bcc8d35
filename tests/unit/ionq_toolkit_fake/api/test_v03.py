"""Version 0.3: the jobs of v0.4 by other paths, names and units."""

import json
import random

import pytest

from ionq_toolkit_fake import Access, FakeIonQ, Transitions, after, failed, faults

BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]
BODY = {
    "target": "simulator",
    "shots": 100,
    "name": "a bell",
    "metadata": {"experiment": "7"},
    "input": {"format": "ionq.circuit.v0", "gateset": "qis", "qubits": 2, "circuit": BELL},
}


@pytest.fixture
def cloud():
    return FakeIonQ(seed=1)


@pytest.fixture
def ask(cloud):
    """Return a function that sends a request with a key, and returns status and JSON."""

    def send(method, path, body=None, key="k"):
        headers = {"Authorization": f"apiKey {key}"} if key else {}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        response = cloud.handle(method, path, headers, data)
        return response.status, json.loads(response.body)

    return send


def test_a_job_from_its_submission_to_its_result(ask):
    status, created = ask("POST", "/v0.3/jobs", BODY)
    assert (status, created["status"]) == (200, "ready")
    job_id = created["id"]
    record = ask("GET", f"/v0.3/jobs/{job_id}")[1]
    assert record | {"id": job_id, "project_id": "", "submitted_by": ""} == {
        "id": job_id,
        "name": "a bell",
        "submitted_by": "",
        "status": "completed",
        "target": "simulator",
        "type": "circuit",
        "qubits": 2,
        "circuits": 1,
        "shots": 100,
        "metadata": {"experiment": "7"},
        "dry_run": False,
        "cost_model": "quantum_compute_time",
        "gate_counts": {"1q": 1, "2q": 1},
        "cost_usd": 0.0,
        "project_id": "",
        "request": created["request"],
        "error_mitigation": {"debias": False},
        "children": [],
        "noise": {"model": "ideal"},
        "start": created["request"],
        "response": created["request"],
        "execution_time": 0,
        "results_url": f"/v0.3/jobs/{job_id}/results",
    }
    assert ask("GET", record["results_url"]) == (200, {"0": 0.5, "3": 0.5})
    assert ask("GET", f"/v0.3/jobs?id={job_id}")[1]["jobs"] == [record]


def test_both_versions_see_the_same_jobs(ask):
    old = ask("POST", "/v0.3/jobs", BODY)[1]["id"]
    body = {"type": "ionq.circuit.v1", "backend": "simulator", "input": {**BODY["input"]}}
    del body["input"]["format"]
    new = ask("POST", "/v0.4/jobs", body)[1]["id"]
    for version in ("v0.3", "v0.4"):
        assert [job["id"] for job in ask("GET", f"/{version}/jobs")[1]["jobs"]] == [new, old]
    record = ask("GET", f"/v0.4/jobs/{old}")[1]
    assert (record["type"], record["metadata"]) == ("ionq.circuit.v1", {"experiment": "7"})
    assert ask("POST", f"/v0.4/jobs/{old}/clone")[0] == 201


@pytest.mark.parametrize(
    ("transitions", "seen"),
    [
        (Transitions(started="never"), "ready"),
        (Transitions(finished="never"), "running"),
        (Transitions(end=failed("SimulationError", "no luck")), "failed"),
        (Transitions(finished=after(seconds=1)), "completed"),
    ],
)
def test_statuses_have_their_old_names(cloud, ask, transitions, seen):
    cloud.transitions.set(transitions)
    job_id = ask("POST", "/v0.3/jobs", BODY)[1]["id"]
    if seen == "completed":
        cloud.clock.sleep(2)
    record = ask("GET", f"/v0.3/jobs/{job_id}")[1]
    assert record["status"] == seen
    assert ask("GET", f"/v0.3/jobs?status={seen}")[1]["jobs"] == [record]
    others = {"ready", "running", "failed", "completed", "canceled", "started"} - {seen}
    assert ask("GET", f"/v0.3/jobs?status={','.join(others)}")[1]["jobs"] == []
    if seen == "failed":
        assert record["failure"] == {"code": "SimulationError", "error": "no luck"}
    if seen != "completed":
        assert ask("GET", f"/v0.3/jobs/{job_id}/results")[0] == 404


def test_several_circuits_are_one_job_with_children(ask):
    circuits = [{"name": "x", "circuit": [{"gate": "x", "target": 0}]}, {"circuit": []}]
    body = {**BODY, "input": {"format": "ionq.circuit.v0", "qubits": 1, "circuits": circuits}}
    job_id = ask("POST", "/v0.3/jobs", body)[1]["id"]
    record = ask("GET", f"/v0.3/jobs/{job_id}")[1]
    assert (record["circuits"], record["qubits"]) == (2, 1)
    one, other = record["children"]
    found = ask("GET", f"/v0.3/jobs/{job_id}/results")[1]
    assert found == {one: {"1": 1.0}, other: {"0": 1.0}}
    assert ask("GET", f"/v0.3/jobs/{one}/results")[1] == {"1": 1.0}


def test_a_debiased_job_of_a_qpu_and_its_sharpened_result(ask):
    body = {**BODY, "target": "qpu.forte-1", "shots": 600, "error_mitigation": {"debias": True}}
    job_id = ask("POST", "/v0.3/jobs", body)[1]["id"]
    record = ask("GET", f"/v0.3/jobs/{job_id}")[1]
    assert record["error_mitigation"] == {"debias": True}
    assert record["cost_usd"] == ask("GET", f"/v0.4/jobs/{job_id}/cost")[1]["cost"]["value"] > 0
    plain, sharp = (
        ask("GET", f"/v0.3/jobs/{job_id}/results?sharpen={word}")[1] for word in ("false", "true")
    )
    assert plain["0"] + plain["3"] < sharp["0"] + sharp["3"] <= 1


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"shots": 499}, False),
        ({"shots": 500}, True),  # IonQ debiases from there on, unless it is asked not to
        ({"shots": 500, "error_mitigation": {"debias": False}}, False),
        ({"shots": 500, "error_mitigation": {}}, True),
        ({"shots": 500, "target": "simulator"}, False),
    ],
)
def test_a_record_shows_whether_its_job_is_debiased(ask, fields, shown):
    body = {**BODY, "target": "qpu.forte-1", "dry_run": True, **fields}
    job_id = ask("POST", "/v0.3/jobs", body)[1]["id"]
    assert ask("GET", f"/v0.3/jobs/{job_id}")[1]["error_mitigation"] == {"debias": shown}


def test_lists_have_filters_and_pages(ask):
    ids = [ask("POST", "/v0.3/jobs", {**BODY, "noise": {"model": "aria-1", "seed": 5}})[1]["id"]]
    ids += [ask("POST", "/v0.3/jobs", BODY)[1]["id"] for _ in range(2)]

    def listed(query):
        page = ask("GET", f"/v0.3/jobs?{query}")[1]
        return [ids.index(job["id"]) for job in page["jobs"]], page["next"]

    assert listed(f"id={ids[0]}&id={ids[2]}") == ([2, 0], None)
    assert listed(f"id={ids[0]},{ids[2]}&status=completed") == ([2, 0], None)
    assert listed("target=qpu.forte-1") == ([], None)
    assert listed("limit=2") == ([2, 1], ids[0])
    assert listed(f"limit=2&next={ids[0]}") == ([0], None)
    record = ask("GET", f"/v0.3/jobs/{ids[0]}")[1]
    assert record["noise"] == {"model": "aria-1", "seed": 5}


@pytest.mark.parametrize(
    ("request_", "status", "keys"),
    [
        ("GET /v0.3/jobs/none", 404, None),
        ("GET /v0.3/jobs/none/results", 404, None),
        ("DELETE /v0.3/jobs/none", 404, None),
        ("PUT /v0.3/jobs/none/status/cancel", 404, None),
        ("GET /v0.3/nothing", 404, None),
        ("GET /v0.3/jobs?limit=0", 400, ["limit"]),
        ("GET /v0.3/jobs?next=none", 400, ["next"]),
        ("GET /v0.3/characterizations/backends/qpu.forte-1?start=x", 400, ["start"]),
    ],
)
def test_errors_have_the_body_of_the_api(ask, request_, status, keys):
    found, body = ask(*request_.split())
    assert (found, body["statusCode"]) == (status, status)
    assert body["error"]
    assert body["message"]
    assert body.get("validation", {}).get("keys") == keys


def test_jobs_are_canceled_and_deleted(cloud, ask):
    cloud.transitions.set(Transitions(started="never"))
    ids = [ask("POST", "/v0.3/jobs", BODY)[1]["id"] for _ in range(3)]
    assert ask("PUT", f"/v0.3/jobs/{ids[0]}/status/cancel")[1]["status"] == "canceled"
    assert ask("GET", f"/v0.3/jobs/{ids[0]}")[1]["status"] == "canceled"
    assert ask("DELETE", "/v0.3/jobs", {"ids": ids[:2]})[0] == 200
    assert ask("DELETE", f"/v0.3/jobs/{ids[2]}")[0] == 200
    assert ask("GET", "/v0.3/jobs")[1]["jobs"] == []


def test_backends_and_characterizations(ask):
    listed = {one["backend"]: one for one in ask("GET", "/v0.3/backends", key=None)[1]}
    forte = listed["qpu.forte-1"]
    newest = ask("GET", f"/v0.3{forte['characterization_url']}", key=None)[1]
    path = "/v0.3/characterizations/backends/qpu.forte-1"
    assert ask("GET", f"{path}/current", key=None) == (200, newest)
    assert newest["fidelity"]["spam"]["mean"] > 0.9
    assert isinstance(newest["date"], int)
    end = newest["date"] * 1000
    earlier = ask("GET", f"{path}?end={end}&limit=2")[1]["characterizations"]
    day = 24 * 3600
    assert [newest["date"] - one["date"] for one in earlier] == [day, 2 * day]
    assert ask("GET", f"{path}?start={end}")[1]["characterizations"] == [newest]
    calibration = ask("GET", "/v0.3/calibrations/current")[1]
    assert (calibration["target"], calibration["timing"]) == ("qpu.forte-1", newest["timing"])
    assert ask("GET", "/v0.3/calibrations")[1]["calibrations"][0] == calibration
    assert len(ask("GET", "/v0.3/calibrations")[1]["calibrations"]) == 31  # a page of Cirq's
    assert ask("GET", "/v0.3/characterizations/backends/qpu.none/current")[0] == 404
    assert ask("GET", "/v0.3/characterizations/none")[0] == 404


def test_a_key_may_be_good_for_one_version_alone(ask):
    cloud = FakeIonQ(keys={"old": Access("p", versions={"v0.3"}), "new": "p"})
    asked = {
        (key, version): cloud.handle(
            "GET", f"/{version}/jobs", {"Authorization": f"apiKey {key}"}
        ).status
        for key in ("old", "new", "none")
        for version in ("v0.3", "v0.4")
    }
    assert asked == {
        ("old", "v0.3"): 200,
        ("old", "v0.4"): 403,
        ("new", "v0.3"): 200,
        ("new", "v0.4"): 200,
        ("none", "v0.3"): 401,
        ("none", "v0.4"): 401,
    }


def test_faults_name_its_operations(cloud, ask):
    cloud.faults.add(faults.http(503), on="POST /v0.3/jobs", times=1)
    assert ask("GET", "/v0.3/jobs")[0] == 200
    assert ask("POST", "/v0.3/jobs", BODY)[0] == 503
    assert ask("POST", "/v0.3/jobs", BODY)[0] == 200


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"target": None}, "target"),
        ({"target": "qpu.none"}, "target"),
        ({"input": {"format": "quipper", "data": "AAAA"}}, "input.format"),
        ({"input": {"format": "qir", "data": 7}}, "input.data"),
        ({"input": {"format": "qir"}}, "input.data"),
        ({"input": []}, "input"),
        ({"shots": 0}, "shots"),
        ({"noise": {"model": "none"}}, "noise.model"),
        ({"error_mitigation": {"debias": "yes"}}, "error_mitigation.debias"),
        ({"input": {"qubits": 1, "circuit": [{"gate": "no"}]}}, "input.circuit.0.gate"),
    ],
)
def test_a_refusal_names_the_field_of_this_version(ask, change, key):
    status, body = ask("POST", "/v0.3/jobs", BODY | change)
    assert (status, body["validation"]["keys"]) == (400, [key])


def test_malformed_bodies_are_refused(cloud, ask):
    generator = random.Random(3)
    text = json.dumps(BODY).encode()
    for _ in range(100):
        damaged = bytearray(text)
        for _ in range(generator.randint(1, 6)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        if generator.random() < 0.3:
            damaged = damaged[: generator.randrange(len(damaged))]
        status, body = ask("POST", "/v0.3/jobs", bytes(damaged))
        assert status in {200, 400}, body
    assert ask("POST", "/v0.3/jobs", BODY)[0] == 200
