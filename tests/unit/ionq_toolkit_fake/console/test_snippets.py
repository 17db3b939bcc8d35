"""Copies of jobs and requests: they run, and do what they say."""

import contextlib
import json
import shlex

import pytest
from consoles import BELL, KEY, body, post

from ionq_toolkit import InProcessTransport, IonQProvider
from ionq_toolkit.errors import IonQJobFailureError
from ionq_toolkit_fake import FakeIonQ, FakeServer, Transitions, canceled, failed, faults
from ionq_toolkit_fake.console import snippets, views
from ionq_toolkit_fake.console.recorder import MOST_BYTES, MOST_REQUESTS, Recorder, recorder
from ionq_toolkit_fake.faults.exchange import Exchange

BASE = "http://127.0.0.1:8080/v0.4"
QASM = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[1] q;\nbit[1] c;\nx q[0];\nc = measure q;\n'


def run(text):
    """Run a copied test, as pytest does with the fixtures of the plugin; return its cloud."""
    names = {}
    exec(compile(text, "test_copied.py", "exec"), names)
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    cloud = FakeIonQ(seed=2)
    arguments = {"ionq_cloud": cloud}
    if "ionq_provider" in test.__code__.co_varnames:
        arguments["ionq_provider"] = IonQProvider(transport=InProcessTransport(cloud))
    test(**arguments)
    return cloud


def copies(cloud, job):
    return views.job(cloud, job, BASE)["copies"]


ONE_OF_EACH = [
    *(
        {"gate": name, "target": 0}
        for name in ("x", "not", "y", "z", "h", "s", "si", "t", "ti", "v", "vi")
    ),
    *({"gate": name, "target": 1, "rotation": 0.3} for name in ("rx", "ry", "rz", "z")),
    *({"gate": name, "targets": [0, 2], "rotation": 0.7} for name in ("xx", "yy", "zz")),
    {"gate": "swap", "targets": [0, 1]},
    {"gate": "cnot", "control": 2, "target": 0},
    *({"gate": name, "control": 1, "target": 0} for name in ("y", "z", "h", "x")),
    *({"gate": name, "control": 1, "target": 2, "rotation": 1.1} for name in ("rx", "ry", "rz")),
    {"gate": "x", "controls": [1, 2], "target": 0},
    {"gate": "x", "controls": [1, 2, 3], "target": 0},
    {"gate": "z", "controls": [1, 2], "target": 0},
]


@pytest.mark.parametrize(
    "content",
    [
        body(),
        body(noise={"model": "aria-1"}),
        body(backend="qpu.forte-1", shots=600),
        body(
            [
                {
                    "gate": "pauliexp",
                    "targets": [0, 1],
                    "terms": ["XX"],
                    "coefficients": [1],
                    "time": 0.3,
                }
            ]
        ),
        body(BELL * 40),
        body([{"gate": "swap", "control": 2, "targets": [0, 1]}], 3),
        {"type": "ionq.qasm3.v1", "backend": "simulator", "shots": 100, "input": {"data": QASM}},
        {
            **body(),
            "input": {
                "gateset": "native",
                "qubits": 1,
                "circuit": [{"gate": "gpi", "target": 0, "phase": 0}],
            },
        },
    ],
    ids=["qis", "noise", "QPU", "pauliexp", "long", "no method", "OpenQASM 3", "native"],
)
def test_the_test_of_a_job_submits_it_again_and_passes(content):
    cloud = FakeIonQ(seed=1)
    again = run(copies(cloud, post(cloud, content))["pytest"])
    (job,) = again.jobs
    sent, original = job.submission, cloud.jobs[0].submission
    assert (sent.device.name, sent.shots, sent.noise_model) == (
        original.device.name,
        original.shots,
        original.noise_model,
    )
    if sent.is_exact:
        outcomes = [one.outcome.distribution.outcomes.tolist() for one in (job, cloud.jobs[0])]
        assert outcomes[0] == outcomes[1]


def test_every_gate_is_written_as_qiskit_has_it():
    cloud = FakeIonQ(seed=1)
    spread = [{"gate": "ry", "target": n, "rotation": 0.4 + n} for n in range(4)]
    job = post(cloud, body(spread + ONE_OF_EACH, 4))
    text = copies(cloud, job)["pytest"]
    assert "BODY" not in text
    assert "mcx([1, 2, 3], 0)" in text
    again = run(text).jobs[0].outcome.distribution
    first = cloud.peek(job).outcome.distribution
    assert again.outcomes.tolist() == first.outcomes.tolist()
    assert again.probabilities == pytest.approx(first.probabilities, abs=1e-9)


@pytest.mark.parametrize(
    "end",
    [failed("QuantumComputerError"), failed("SystemCancel", 'no "way"'), canceled(at="ready")],
)
def test_the_tests_of_a_job_that_failed_pass_and_fail_as_promised(end):
    cloud = FakeIonQ(seed=1)
    cloud.transitions.set(Transitions(end=end))
    found = copies(cloud, post(cloud))
    again = run(found["pytest"]).jobs[0]
    assert (again.status, again.failure) == (end.status, end.failure)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - compared below
        run(found["pytest, failing"])
    assert type(caught.value).__name__ in {"IonQJobFailureError", "IonQJobStateError"}


def test_the_test_of_a_failure_by_hand_fails_with_its_code():
    cloud = FakeIonQ(seed=1)
    cloud.transitions.set(Transitions(ready="never"))
    job = post(cloud)
    cloud.fail(job, "InternalError")
    found = copies(cloud, job)
    run(found["pytest"])
    with pytest.raises(IonQJobFailureError) as caught:
        run(found["pytest, failing"])
    assert caught.value.code == "InternalError"


def test_parents_children_dry_runs_and_functions_have_tests_that_pass():
    several = {
        "type": "ionq.multi-circuit.v1",
        "backend": "simulator",
        "shots": 50,
        "noise": {"model": "aria-1"},
        "input": {"qubits": 2, "circuits": [{"circuit": BELL}, {"circuit": BELL[:1]}]},
    }
    cloud = FakeIonQ(seed=1)
    jobs = [post(cloud, several), post(cloud, body(backend="qpu.forte-1", dry_run=True))]
    jobs += [child.id for child in cloud.peek(jobs[0]).children]
    for job in jobs:
        assert run(copies(cloud, job)["pytest"]).jobs


def test_python_in_the_copies_compiles_and_names_no_key():
    cloud = FakeIonQ(seed=1)
    for content in (body(), body(name="';--\"", metadata={"a": "\\\n'\""})):
        found = copies(cloud, post(cloud, content))
        compile(found["python"], "copied.py", "exec")
        assert "$IONQ_API_KEY" in found["curl"]
        assert KEY not in str(found)


def test_curl_keeps_any_body_in_one_word():
    text = json.dumps({"name": 'it\'s $(rm -rf /) `x` "y" \\ \n'})
    words = shlex.split(snippets.curl("POST", BASE + "/jobs?a=b&c=d", text))
    assert words[words.index("--data-raw") + 1] == text
    assert BASE + "/jobs?a=b&c=d" in words


@pytest.mark.parametrize(
    ("fault", "method", "path"),
    [
        (faults.http(429, retry_after=3), "GET", "/v0.4/jobs"),
        (faults.html(502), "GET", "/v0.4/backends"),
        (faults.reset(), "POST", "/v0.4/jobs"),
        (faults.lost_answer(), "POST", "/v0.4/jobs"),
    ],
)
def test_the_test_of_a_request_has_its_faults_and_its_response(fault, method, path):
    cloud = FakeIonQ(seed=1)
    recorder(cloud)
    cloud.faults.add(fault, on="*", times=1)
    content = json.dumps(body()).encode() if method == "POST" else None
    with contextlib.suppress(ConnectionError):
        cloud.handle(method, path, {"Authorization": f"apiKey {KEY}"}, content)
    found = views.request(cloud, cloud.requests[0].request_id, BASE)["copies"]
    again = run(found["pytest"])
    assert [one.faults for one in again.requests] == [cloud.requests[0].faults]
    assert len(again.jobs) == len(cloud.jobs)
    compile(found["python"], "copied.py", "exec")


def test_python_of_the_copies_runs_against_the_server(monkeypatch, capsys):
    monkeypatch.setenv("IONQ_API_KEY", KEY)
    with FakeServer(FakeIonQ(seed=1)) as server:
        recorder(server.cloud)
        job = post(server.cloud)
        (asked,) = server.cloud.requests
        programs = [
            views.job(server.cloud, job, server.url)["copies"]["python"],
            views.request(server.cloud, asked.request_id, server.url)["copies"]["python"],
        ]
        for program in programs:
            exec(compile(program, "copied.py", "exec"), {})
        assert [one.status for one in server.cloud.jobs] == ["completed"] * 3
    assert capsys.readouterr().out.count('"status":"submitted"') == 1


def test_bodies_are_bounded_and_without_the_key_even_where_they_are_cut():
    keep = Recorder()
    secret = "k" * 40
    headers = {"authorization": f"apiKey {secret}"}
    for cut in range(0, 80, 7):
        content = b"a" * (MOST_BYTES - cut) + secret.encode() + b"b" * 100
        keep("POST", "/", headers, content, Exchange("one"))
        found = keep.find("one")
        assert "kkkk" not in found.body
        assert len(found.body) <= MOST_BYTES
        assert found.size == len(content)
    for n in range(MOST_REQUESTS):
        keep("GET", "/", headers, None, Exchange(str(n)))
    assert keep.find("one") is None
    assert keep.find("0") is not None
