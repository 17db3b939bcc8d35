"""The wire of the fake: routes, keys, refusals, and the shapes of its replies."""

import itertools
import json
import logging
import re
import threading
from concurrent.futures import Executor, Future

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionq_toolkit_fake import FakeIonQ, Transitions
from ionq_toolkit_fake.api.operations import OPERATIONS
from ionq_toolkit_fake.simulation.outcome import Distribution, Outcome

#: What the API document requires of a job: its schemas BaseJob and SingleCircuitJob.
JOB_KEYS = {
    *("id", "status", "type", "backend", "dry_run", "submitter_id", "project_id", "parent_job_id"),
    *("session_id", "metadata", "name", "submitted_at", "started_at", "completed_at"),
    *("predicted_wait_time_ms", "predicted_execution_duration_ms", "execution_duration_ms"),
    *("failure", "output", "settings", "stats", "results", "child_job_ids"),
}
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
INVALID_KEY = (
    "Invalid key provided. See https://docs.ionq.com/#authentication for details, or email "
    "support@ionq.co for help."
)
NOT_FOUND = (
    "Resource not found. See https://docs.ionq.com/ for details, or email support@ionq.co for help."
)


def test_a_job_is_created_as_submitted(send, job_body):
    status, reply = send("POST", "/jobs", job_body())
    assert status == 201
    assert reply == {"id": reply["id"], "status": "submitted", "session_id": None}
    assert UUID7.fullmatch(reply["id"])


def test_a_completed_job_has_every_property_of_the_document(send, job_body):
    _, created = send("POST", "/jobs", job_body(name="n", metadata={"a": "b"}, shots=7))
    status, job = send("GET", f"/jobs/{created['id']}")
    assert status == 200
    # What an ideal simulation has beside them, and has not: `noise`, and no `shots`.
    assert set(job) == JOB_KEYS | {"noise"}
    expected = {
        "id": created["id"],
        "status": "completed",
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "dry_run": False,
        "name": "n",
        "metadata": {"a": "b"},
        "noise": {"model": "ideal"},
        "failure": None,
        "submitted_at": "2026-01-01T00:00:00.000Z",
        "completed_at": "2026-01-01T00:00:00.000Z",
        "stats": {"qubits": 2, "circuits": 1, "gate_counts": {"1q": 1, "2q": 0}, "kwh": 0},
        # As all clients read it today, and as the API document has it.
        "results": {
            "probabilities": {"url": f"/v0.4/jobs/{created['id']}/results/probabilities"},
            "ionq.result.probabilities.json.v1": {
                "id": "probabilities",
                "format": "ionq.result.probabilities.json.v1",
                "media_type": "application/json",
            },
            "ionq.result.probabilities.json.v2": {
                "id": job["results"]["ionq.result.probabilities.json.v2"]["id"],
                "format": "ionq.result.probabilities.json.v2",
                "media_type": "application/json",
            },
        },
    }
    assert {key: job[key] for key in expected} == expected
    assert re.fullmatch(r"[0-9a-f]{24}", job["submitter_id"])


def test_probabilities_are_decimal_outcomes_without_zeros(send, job_body):
    body = job_body([{"gate": "h", "target": 2}, {"gate": "x", "target": 0}], qubits=3)
    _, job = send("POST", "/jobs", body)
    status, histogram = send("GET", f"/jobs/{job['id']}/results/probabilities")
    assert status == 200
    assert list(histogram) == ["1", "5"]
    assert list(histogram.values()) == pytest.approx([0.5, 0.5])


def test_there_are_no_results_before_completion(job_body):
    cloud = FakeIonQ(seed=1, transitions=Transitions.polls(1))

    def send(method, path, body=None):
        reply = cloud.handle(method, "/v0.4" + path, {"authorization": "apiKey k"}, body, None)
        return reply.status, json.loads(reply.body)

    _, job = send("POST", "/jobs", json.dumps(job_body()).encode())
    path = f"/jobs/{job['id']}"
    seen = [
        (send("GET", path)[1]["status"], send("GET", path + "/results/probabilities")[0])
        for _ in range(5)
    ]
    assert seen == [
        ("submitted", 404),
        ("ready", 404),
        ("started", 404),
        ("completed", 200),
        ("completed", 200),
    ]


@pytest.mark.parametrize("polls", [1, 3])
def test_dates_and_results_belong_to_the_status_shown(job_body, polls):
    cloud = FakeIonQ(seed=1, transitions=Transitions.polls(polls))
    headers = {"authorization": "apiKey k"}
    reply = cloud.handle("POST", "/v0.4/jobs", headers, json.dumps(job_body()).encode(), None)
    path = f"/v0.4/jobs/{json.loads(reply.body)['id']}"
    for status in ("submitted", "ready", "started", "completed"):
        for _ in range(polls):
            cloud.clock.sleep(10)
            job = json.loads(cloud.handle("GET", path, headers).body)
            assert job["status"] == status
            assert (job["started_at"] is None) is (status in {"submitted", "ready"})
            assert (job["completed_at"] is None) is (status != "completed")
            assert (job["results"] is None) is (status != "completed")
    assert job["submitted_at"] < job["started_at"] < job["completed_at"]


def test_a_cancelled_job_stays_cancelled_and_has_no_results(send, job_body):
    _, job = send("POST", "/jobs", job_body())
    assert send("PUT", f"/jobs/{job['id']}/status/cancel") == (
        200,
        {"id": job["id"], "status": "canceled"},
    )
    status, shown = send("GET", f"/jobs/{job['id']}")
    assert (status, shown["status"], shown["results"]) == (200, "canceled", None)
    assert send("GET", f"/jobs/{job['id']}/results/probabilities")[0] == 404


def test_a_completed_job_can_be_cancelled_as_v04_does(send, job_body):
    _, job = send("POST", "/jobs", job_body())
    assert send("GET", f"/jobs/{job['id']}")[1]["status"] == "completed"
    assert send("PUT", f"/jobs/{job['id']}/status/cancel")[1]["status"] == "canceled"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"qubits": 30}, "NotEnoughQubits"),
        ({"qubits": None}, "UnexpectedCompilationError"),
        (
            {
                "qubits": 9,
                "gates": [{"gate": "x", "target": 8, "controls": list(range(8))}],
            },
            "TooManyControls",
        ),
    ],
)
def test_a_job_that_cannot_run_is_taken_and_fails_with_its_code(send, job_body, changes, code):
    body = job_body(changes.get("gates", [{"gate": "h", "target": 0}]), changes["qubits"])
    if changes["qubits"] is None:
        del body["input"]["qubits"]
    status, created = send("POST", "/jobs", body)
    assert (status, created["status"]) == (201, "submitted")
    _, job = send("GET", f"/jobs/{created['id']}")
    assert (job["status"], job["failure"]["code"]) == ("failed", code)
    # The API document says `message`; qiskit-ionq, cirq-ionq and qBraid read `error`.
    assert job["failure"]["message"] == job["failure"]["error"] != ""
    assert (job["results"], job["started_at"]) == (None, None)
    # A failed job is not cancelled, though the document knows no other reply.
    assert send("PUT", f"/jobs/{created['id']}/status/cancel")[1]["status"] == "canceled"
    assert send("GET", f"/jobs/{created['id']}")[1]["status"] == "failed"


def test_a_simulation_that_breaks_fails_its_job_alone(job_body):
    class Broken(Executor):
        def submit(self, function, /, *arguments):
            future = Future()
            future.set_exception(MemoryError("no room for the state"))
            return future

    cloud = FakeIonQ(seed=1, executor=Broken())
    headers = {"authorization": "apiKey k"}
    reply = cloud.handle("POST", "/v0.4/jobs", headers, json.dumps(job_body()).encode(), None)
    job = json.loads(
        cloud.handle("GET", f"/v0.4/jobs/{json.loads(reply.body)['id']}", headers).body
    )
    assert job["status"] == "failed"
    assert job["failure"]["code"] == "SimulationError"
    assert "no room for the state" in job["failure"]["message"]


def test_a_job_is_started_for_as_long_as_it_is_simulated(job_body):
    class Slow(Executor):
        def submit(self, function, /, *arguments):
            self.future = Future()
            self.future.set_running_or_notify_cancel()
            return self.future

    executor = Slow()
    cloud = FakeIonQ(seed=1, executor=executor)
    headers = {"authorization": "apiKey k"}
    reply = cloud.handle("POST", "/v0.4/jobs", headers, json.dumps(job_body()).encode(), None)
    path = f"/v0.4/jobs/{json.loads(reply.body)['id']}"
    assert json.loads(cloud.handle("GET", path, headers).body)["status"] == "started"
    outcome = Outcome(Distribution(np.array([0]), np.array([1.0])), {"output_all": (0, 1)})
    executor.future.set_result(outcome)
    assert json.loads(cloud.handle("GET", path, headers).body)["status"] == "completed"


# --- backends --------------------------------------------------------------------------------


def test_backends_are_a_bare_list_that_needs_no_key(send):
    status, backends = send("GET", "/backends", headers={})
    assert status == 200
    assert isinstance(backends, list)
    by_name = {backend["backend"]: backend for backend in backends}
    assert (by_name["simulator"]["qubits"], by_name["simulator"]["status"]) == (29, "available")
    assert (by_name["qpu.forte-1"]["qubits"], by_name["qpu.aria-1"]["status"]) == (36, "retired")
    required = {"backend", "status", "qubits", "average_queue_time", "last_updated"}
    assert all(required <= set(backend) for backend in backends)
    assert send("GET", "/backends/qpu.forte-1", headers={}) == (200, by_name["qpu.forte-1"])
    assert send("GET", "/backends/qpu.none", headers={})[0] == 404


# --- refusals --------------------------------------------------------------------------------


#: Headers without a usable key.
KEYLESS = [
    {},
    {"Authorization": ""},
    {"Authorization": "apiKey"},
    {"Authorization": "apiKey  "},
    {"Authorization": "Bearer abc"},
    {"Authorization": "abc"},
    {"X-Api-Key": "abc"},
]


@pytest.mark.parametrize(
    ("name", "method", "path", "headers"),
    [
        (o.name, o.method, o.path, headers)
        for o, headers in zip(
            [o for o in OPERATIONS if not o.public], itertools.cycle(KEYLESS), strict=False
        )
    ],
)
def test_no_usable_key_is_401(send, name, method, path, headers):
    assert send(method, path.replace("<job_id>", "some-id"), headers=headers) == (
        401,
        {"statusCode": 401, "error": "Unauthorized Error", "message": INVALID_KEY},
    )


@pytest.mark.parametrize("value", [None, 5, "apiKey \ud800"])
def test_a_header_of_any_kind_is_no_defect(cloud, value):
    assert cloud.handle("GET", "/v0.4/whoami", {"Authorization": value}).status in {200, 401}


def test_the_name_of_the_header_has_no_case(send, job_body):
    assert send("POST", "/jobs", job_body(), headers={"AUTHORIZATION": "APIKEY k"})[0] == 201


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs/unknown"),
        ("GET", "/jobs/unknown/results/probabilities"),
        ("PUT", "/jobs/unknown/status/cancel"),
        ("GET", "/nothing/here"),
        ("PATCH", "/jobs"),
        ("DELETE", "/jobs/unknown"),
        ("GET", ""),
        ("GET", "//jobs"),
        ("GET", "/jobs/%2e%2e%2fbackends"),
        ("GET", "/jobs/id%2Fresults%2Fprobabilities"),
        ("BREW", "/jobs"),
    ],
)
def test_unknown_path_or_id_is_404(send, method, path):
    status, reply = send(method, path)
    message = reply.pop("message")
    assert (status, reply) == (404, {"statusCode": 404, "error": "Not Found Error"})
    assert message.startswith(NOT_FOUND)
    assert ("ionq_toolkit_fake" in message) == ("unknown" in path)


def test_head_is_as_get_without_the_body(cloud):
    whole = cloud.handle("GET", "/v0.4/backends", {})
    reply = cloud.handle("HEAD", "/v0.4/backends", {})
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["content-length"] == str(len(whole.body))


def test_head_of_a_large_content_has_its_length(cloud, job_body):
    key = {"Authorization": "apiKey k"}
    made = cloud.handle("POST", "/v0.4/jobs", key, json.dumps(job_body()).encode())
    path = f"/v0.4/jobs/{json.loads(made.body)['id']}/results/probabilities"
    cloud.handle("GET", path.partition("/results")[0], key)
    whole, reply = (cloud.handle(method, path, key) for method in ("GET", "HEAD"))
    assert (whole.status, reply.status, reply.body) == (200, 200, b"")
    assert reply.headers["content-length"] == str(len(whole.body)) != "0"


@pytest.mark.parametrize(
    "url", ["http://[", "/jobs", "/v0.2/jobs", "", "v0.4/jobs", "?x", "http://h"]
)
def test_urls_that_are_none_of_the_api_are_404(cloud, url):
    assert cloud.handle("GET", url, {"authorization": "apiKey k"}).status == 404


def gate(**fields):
    return {"gate": "x", "target": 0, **fields}


@pytest.mark.parametrize(
    ("change", "message", "keys"),
    [
        (lambda b: b.pop("type"), "type is required", ["type"]),
        (lambda b: b.pop("backend"), "backend is required", ["backend"]),
        (lambda b: b.pop("input"), "input is required", ["input"]),
        (lambda b: b["input"].pop("circuit"), "input.circuit is required", ["input.circuit"]),
        (lambda b: b.update(input=[]), "input must be of type object", ["input"]),
        (lambda b: b.update(input=None), "input must be of type object", ["input"]),
        (lambda b: b.update(type=7), "type must be of type string", ["type"]),
        (lambda b: b.update(type="circuit"), "type must be one of", ["type"]),
        (lambda b: b.update(backend="qpu.none"), "backend must be one of", ["backend"]),
        (lambda b: b.update(shots=0), "shots must be between 1 and 1000000", ["shots"]),
        (lambda b: b.update(shots=1_000_001), "shots must be between", ["shots"]),
        (lambda b: b.update(shots="0"), "shots must be between", ["shots"]),
        (lambda b: b.update(shots="many"), "shots must be of type integer", ["shots"]),
        (lambda b: b.update(shots=1.5), "shots must be of type integer", ["shots"]),
        (lambda b: b.update(shots=10**30), "shots", ["shots"]),
        (
            lambda b: b.update(metadata={"a": 1}),
            "metadata.a must be of type string",
            ["metadata.a"],
        ),
        (lambda b: b.update(metadata=[]), "metadata must be of type object", ["metadata"]),
        (
            lambda b: b.update(noise={"model": "loud"}),
            "noise.model must be one of",
            ["noise.model"],
        ),
        (lambda b: b.update(dry_run="yes"), "dry_run must be of type boolean", ["dry_run"]),
        (
            lambda b: b["input"].update(qubits="2"),
            "input.qubits must be of type integer",
            ["input.qubits"],
        ),
        (lambda b: b["input"].update(qubits=0), "greater than or equal to 1", ["input.qubits"]),
        (lambda b: b["input"].update(gateset="ibm"), "input.gateset must be", ["input.gateset"]),
        (
            lambda b: b["input"].update(circuits=[]),
            "must not be given together",
            ["input.circuit", "input.circuits"],
        ),
        (
            lambda b: b["input"].update(circuit=[{}]),
            "input.circuit.0.gate is required",
            ["input.circuit.0.gate"],
        ),
    ],
)
def test_a_body_that_is_no_job_is_400_and_says_where(send, cloud, job_body, change, message, keys):
    body = job_body()
    change(body)
    status, reply = send("POST", "/jobs", body)
    assert status == 400
    assert (reply["statusCode"], reply["error"]) == (400, "Bad Request")
    assert message in reply["message"]
    assert reply["validation"] == {"source": "payload", "keys": keys}
    assert len(cloud.jobs) == 0


@pytest.mark.parametrize(
    ("wrong", "message", "key"),
    [
        (gate(gate="frobnicate"), "must be one of", "gate"),
        (gate(gate=3), "must be of type string", "gate"),
        (gate(target=None), "must name 1 qubit", "targets"),
        (gate(target="0"), "must be of type integer", "target"),
        (gate(target=2), "names qubit 2", None),
        (gate(target=-1), "names qubit -1", None),
        (gate(target=0.5), "must be of type integer", "target"),
        (gate(targets=[0]), "must not be given together", "target"),
        (gate(target=None, targets=[]), "must name 1 qubit", "targets"),
        (gate(control=0), "names a qubit twice", None),
        (gate(control=7), "names qubit 7", None),
        (gate(control=1, controls=[1]), "must not be given together", "control"),
        (gate(gate="cnot"), "control is required", "control"),
        (gate(gate="swap"), "must name 2 qubit", "targets"),
        (gate(gate="swap", target=None, targets=[0, 0]), "names a qubit twice", None),
        (gate(gate="rx"), "rotation is required", "rotation"),
        (gate(gate="rx", rotation="pi"), "must be of type number", "rotation"),
        (gate(gate="xx", rotation=1), "must name 2 qubit", "targets"),
    ],
)
def test_submit_rejects_invalid_gate_with_its_path(send, job_body, wrong, message, key):
    status, reply = send("POST", "/jobs", job_body([gate(), wrong]))
    assert status == 400
    assert message in reply["message"]
    path = "input.circuit.1" + (f".{key}" if key else "")
    assert path in reply["message"]
    assert reply["validation"]["keys"][0] == path


RX = (
    b'{"type": "ionq.circuit.v1", "backend": "simulator", "input": {"qubits": 1, '
    b'"circuit": [{"gate": "rx", "target": 0, "rotation": %s}]}}'
)


def test_an_angle_is_read_as_it_stands(cloud):
    reply = cloud.handle("POST", "/v0.4/jobs", {"authorization": "apiKey k"}, RX % b"1e-3")
    assert reply.status == 201


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b"\xff\xfe",
        RX % b"NaN",
        RX % b"1e999",
        b"[" * 100_000,
        b"[]",
        b"null",
        b'"text"',
    ],
    ids=["empty", "cut", "text", "binary", "NaN", "overflow", "deep", "list", "null", "string"],
)
def test_submit_rejects_body_that_is_not_a_json_object(send, body):
    status, reply = send("POST", "/jobs", body)
    assert (status, reply["error"]) == (400, "Bad Request")


def test_a_body_over_10_mb_is_413(send):
    status, reply = send("POST", "/jobs", b" " * (10 * 1024 * 1024 + 1))
    assert (status, reply["statusCode"]) == (413, 413)


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b.update(shots="100"),
        lambda b: b.update(noise={"model": "ideal", "seed": None}),
        lambda b: b.update(name=None, metadata=None, settings=None, dry_run=False),
        lambda b: b.update(lang="json", something={"else": 1}),
        lambda b: b["input"].update(format="ionq.circuit.v0"),
        lambda b: b["input"].pop("gateset"),
        lambda b: b["input"].update(circuit=[{"gate": "x", "targets": [0, 1]}]),
        lambda b: b["input"].update(circuit=[{"gate": "x", "targets": [0], "controls": [1]}]),
        lambda b: b["input"].update(circuit=[{"gate": "h", "target": 0, "rotation": 1.0}]),
        lambda b: b["input"].update(circuit=[]),
    ],
)
def test_submit_takes_undocumented_fields_of_clients(send, job_body, change):
    body = job_body()
    change(body)
    status, created = send("POST", "/jobs", body)
    assert status == 201
    assert send("GET", f"/jobs/{created['id']}")[1]["status"] == "completed"


# --- the object ------------------------------------------------------------------------------


def test_a_defect_of_the_fake_is_said_to_be_one(cloud, monkeypatch, caplog):
    caplog.set_level(logging.ERROR, "ionq_toolkit_fake")
    monkeypatch.setattr(cloud, "settle", lambda: 1 / 0)
    reply = cloud.handle("GET", "/v0.4/jobs/x", {"authorization": "apiKey k"})
    assert reply.status == 500
    assert b"defect of the fake" in reply.body
    assert "ZeroDivisionError" in caplog.text


def test_a_drawn_seed_can_be_used_again(job_body):
    first = FakeIonQ()
    again = FakeIonQ(seed=first.seed)
    body = json.dumps(job_body()).encode()
    replies = [
        c.handle("POST", "/v0.4/jobs", {"authorization": "apiKey k"}, body) for c in (first, again)
    ]
    assert replies[0] == replies[1]
    assert FakeIonQ().seed != FakeIonQ().seed


def test_threads_lose_no_job(cloud, job_body):
    body = json.dumps(job_body()).encode()
    ids = []

    def submit():
        for _ in range(20):
            reply = cloud.handle("POST", "/v0.4/jobs", {"authorization": "apiKey k"}, body)
            ids.append(json.loads(reply.body)["id"])

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == len(cloud.jobs) == 80


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
NEARLY_A_GATE = st.fixed_dictionaries(
    {"gate": st.sampled_from(["x", "cnot", "swap", "rx", "zz", "z", "pauliexp"]) | JSON},
    optional={
        "target": st.integers(-1, 4) | JSON,
        "targets": st.lists(st.integers(-1, 4), max_size=3) | JSON,
        "control": st.integers(-1, 4) | JSON,
        "controls": st.lists(st.integers(-1, 4), max_size=3) | JSON,
        "rotation": st.floats() | JSON,
    },
)
NEARLY_A_JOB = st.fixed_dictionaries(
    {
        "type": st.just("ionq.circuit.v1") | JSON,
        "backend": st.just("simulator") | JSON,
        "input": st.fixed_dictionaries(
            {"circuit": st.lists(NEARLY_A_GATE, max_size=4) | JSON},
            optional={"qubits": st.integers(-1, 5) | JSON, "gateset": st.just("qis") | JSON},
        )
        | JSON,
    },
    optional={"shots": JSON, "noise": JSON, "metadata": JSON, "settings": JSON, "name": JSON},
)


@pytest.mark.slow
@settings(max_examples=300)
@given(NEARLY_A_JOB)
def test_any_body_gets_a_response_in_ionqs_form(body):
    cloud = FakeIonQ(seed=1)
    headers = {"authorization": "apiKey k"}
    good = (
        b'{"type":"ionq.circuit.v1","backend":"simulator","input":{"qubits":1,"circuit":'
        b'[{"gate":"x","target":0}]}}'
    )
    earlier = json.loads(cloud.handle("POST", "/v0.4/jobs", headers, good).body)["id"]

    reply = cloud.handle("POST", "/v0.4/jobs", headers, json.dumps(body).encode())

    decoded = json.loads(reply.body)
    if reply.status == 201:
        job = json.loads(cloud.handle("GET", f"/v0.4/jobs/{decoded['id']}", headers).body)
        assert job["status"] in {"completed", "failed"}
    else:
        assert reply.status == 400
        assert decoded["statusCode"] == reply.status
        assert decoded["message"]
    url = f"/v0.4/jobs/{earlier}/results/probabilities"
    assert json.loads(cloud.handle("GET", url, headers).body) == {"1": 1.0}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs/{id}"),
        ("DELETE", "/jobs/{id}"),
        ("PUT", "/jobs/{id}/status/cancel"),
        ("GET", "/jobs/{id}/results/probabilities"),
        ("GET", "/jobs/{id}/cost"),
    ],
)
def test_the_404_of_a_job_says_that_it_is_the_fakes_and_what_it_keeps(send, job_body, method, path):
    send("POST", "/jobs", job_body())
    status, reply = send(method, path.format(id="a-job-of-the-real-service"))
    assert (status, set(reply)) == (404, {"statusCode", "error", "message"})
    assert reply["message"].startswith(NOT_FOUND)
    assert "ionq_toolkit_fake" in reply["message"]
    assert "since 2026-01-01 00:00 UTC" in reply["message"]
    assert "it keeps 1," in reply["message"]


def test_a_cloud_says_which_values_of_a_backend_are_guesses():
    cloud = FakeIonQ(seed=1)
    assert any("7.3 times" in note for note in cloud.fidelity_notes("forte-1"))
    assert cloud.fidelity_notes("qpu.forte-1") == cloud.fidelity_notes("forte-1")
    assert any("forte-enterprise-1 is that" in note for note in cloud.fidelity_notes("simulator"))
    with pytest.raises(ValueError, match="Did you mean"):
        cloud.fidelity_notes("qpu.fort-1")


def test_a_characterization_is_as_run_or_nominal():
    assert "qpu-loses-signal" in FakeIonQ(seed=1).deviations
    assert "qpu-loses-signal" not in FakeIonQ(seed=1, characterization="nominal").deviations
    with pytest.raises(ValueError, match="there is no characterization"):
        FakeIonQ(characterization="perfect")
