import json

import pytest

from ionq_toolkit_fake.cli.jobs import job_body
from ionq_toolkit_fake.clock import SystemClock

QASM3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\n'


def test_submit_prints_the_id_of_a_job(run, server):
    job_id = run("submit", "bell.json", "--backend", "qpu.forte-1", "--name", "pair").stdout.strip()
    (job,) = server.cloud.jobs
    assert (job.id, job.name, job.submission.device.name) == (job_id, "pair", "qpu.forte-1")
    assert run("submit", "bell.json", "--json").stdout.count('"id"') == 1


@pytest.mark.parametrize("file", ["bell.qasm", "bell.json", "-"])
def test_submit_waits_and_shows_the_histogram(run, file):
    """A Bell pair, without noise: half of the probability is on each of 00 and 11."""
    stdin = QASM3 + "c = measure q;\n" if file == "-" else None
    shown = run("submit", file, "--wait", stdin=stdin).stdout
    rows = [line.split() for line in shown.splitlines() if line.endswith("%")]
    assert [(row[0], row[-1]) for row in rows] == [("00", "50%"), ("11", "50%")]


def test_submit_waits_through_faults_of_the_server(run, monkeypatch):
    monkeypatch.setattr(SystemClock, "sleep", lambda *_: None)
    for rule in (
        'faults.http(503), on="GET /jobs/<job_id>", times=2',
        'faults.reset(), on="GET /jobs/<job_id>", times=2',
        'faults.html(), on="GET /jobs/<job_id>", times=1',
    ):
        run("faults", "add", rule)
    assert '"completed"' in run("submit", "bell.json", "--wait", "--json").stdout


def test_submit_exits_with_1_if_the_job_does_not_complete(run, server, monkeypatch):
    def cancel(*_):
        server.cloud.end(server.cloud.jobs[0].id, "canceled")

    monkeypatch.setattr(SystemClock, "sleep", cancel)
    server.cloud.transitions.set("predicted")
    done = run("submit", "bell.json", "--backend", "qpu.forte-1", "--wait", code=1)
    assert "is canceled" in done.stderr


def test_submit_names_the_clock_if_the_job_does_not_end_in_time(run, server):
    server.cloud.transitions.set("predicted")
    given = ("bell.json", "--backend", "qpu.forte-1", "--wait", "--timeout", 0.05)
    done = run("submit", *given, code=1)
    assert "ionq-fake clock advance 1h" in done.stderr


def test_interrupted_submit_names_the_job_and_exits_with_130(run, server, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(SystemClock, "sleep", interrupt)
    server.cloud.transitions.set("predicted")
    done = run("submit", "bell.json", "--backend", "qpu.forte-1", "--wait", code=130)
    assert f"ionq-fake jobs show {server.cloud.jobs[0].id}" in done.stderr


def test_submit_whose_answer_is_lost_says_that_the_job_may_be_there(run, server):
    run("faults", "add", 'faults.lost_answer(), on="POST /jobs", times=1')
    assert "may have taken effect" in run("submit", "bell.json", code=3).stderr
    assert len(server.cloud.jobs) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["bell.json", "--backend", "qpu.fort-1"], 1, "400 Bad Request"),
        (["none.json"], 2, "No such file"),
        (["bell.json", "--timeout", "5"], 2, "--timeout is for --wait"),
    ],
)
def test_submit_explains_a_refusal_in_one_line(run, arguments, code, message):
    errors = [line for line in run("submit", *arguments, code=code).stderr.splitlines() if line]
    assert message in errors[-1]


@pytest.mark.parametrize(
    ("text", "kind", "given"),
    [
        ('{"input": {"qubits": 1, "circuit": []}, "shots": 7}', "ionq.circuit.v1", {"shots": 7}),
        ('{"circuit": [{"gate": "x", "target": 3}]}', "ionq.circuit.v1", {}),
        ('{"qubits": 1, "circuits": [{"circuit": []}]}', "ionq.multi-circuit.v1", {}),
        ("// a comment\n OPENQASM 3;", "ionq.qasm3.v1", {}),
        ('include "stdgates.inc"; qubit q;', "ionq.qasm3.v1", {}),
    ],
)
def test_job_body_reads_every_form(text, kind, given):
    body = job_body(text)
    assert body["type"] == kind
    assert given.items() <= body.items()
    assert body["input"].get("qubits") in {None, 1, 4}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n", "it is empty"),
        ("OPENQASM 4.0;", "it is OpenQASM 4"),
        ("OPENQASM 2.0;\nqreg q[1];\nfoo q;", "'foo' is not defined"),
        ("hello", "neither OpenQASM"),
        ("5", "neither an input nor a circuit"),
        ("[" * 100_000, "neither OpenQASM"),
    ],
)
def test_job_body_rejects_other_texts(text, message):
    with pytest.raises(ValueError, match=message):
        job_body(text)


def test_jobs_of_all_keys_are_listed_newest_first_in_pages(run):
    ids = [
        run("submit", "bell.json", IONQ_FAKE_KEY=key, IONQ_FAKE_SUBMIT_NAME=key).stdout.strip()
        for key in ("a", "b", "a")
    ]
    page = json.loads(run("jobs", "list", "--limit", 2, "--json").stdout)
    rest = json.loads(run("jobs", "list", "--next", page["next"], "--json").stdout)
    assert {one["id"] for one in page["jobs"] + rest["jobs"]} == set(ids)
    assert (len(page["jobs"]), len(rest["jobs"]), rest["next"]) == (2, 1, None)
    lines = run("jobs", "list", "--status", "completed").stdout.splitlines()
    assert lines[0].split() == ["ID", "STATUS", "BACKEND", "SHOTS", "TIME", "NAME"]
    assert sorted(line.split()[0] for line in lines[1:]) == sorted(ids)
    assert run("jobs", "list", "--backend", "qpu.forte-1").stdout == ""


def test_a_backend_that_does_not_exist_is_refused(run):
    assert "Did you mean 'simulator'" in run("jobs", "list", "--backend", "simulatr", code=1).stderr


def test_show_has_the_record_and_does_not_poll(run, server):
    job_id = run("submit", "bell.json", "--noise", "aria-1", "--shots", 500).stdout.strip()
    before = len(server.cloud.requests)
    found = json.loads(run("jobs", "show", job_id, "--json").stdout)
    assert found["record"]["id"] == job_id
    assert found["record"]["shots"] == 500
    assert sum(one["count"] for one in found["outcomes"]) == 500
    assert found["outcome_count"] == len(found["outcomes"])
    fewer = json.loads(run("jobs", "show", "--outcomes", 1, "--json").stdout)
    assert fewer["outcomes"][0]["outcome"] in {"00", "11"}
    assert "more outcomes" in run("jobs", "show", "--outcomes", 1).stdout
    assert len(server.cloud.requests) == before


def test_jobs_are_canceled_and_deleted(run, server):
    server.cloud.transitions.set("predicted")
    first = run("submit", "bell.json", "--backend", "qpu.forte-1").stdout.strip()
    assert run("jobs", "cancel", first).stdout == f"{first} canceled\n"
    assert server.cloud.peek(first).status == "canceled"
    assert "is canceled already" in run("jobs", "cancel", first, code=1).stderr
    assert run("jobs", "delete", first, "no-such-job", code=5).stdout == ""
    assert [job.id for job in server.cloud.jobs] == [first]
    assert json.loads(run("jobs", "delete", first, "--json").stdout)["ids"] == [first]
    assert list(server.cloud.jobs) == []


def test_the_children_of_a_job_are_shown(run, server):
    circuit = {"circuit": [{"gate": "x", "target": 0}]}
    many = {"input": {"qubits": 1, "circuits": [circuit] * 22}, "type": "ionq.multi-circuit.v1"}
    lines = run("submit", "--wait", stdin=json.dumps(many)).stdout.splitlines()
    assert lines[-1].strip() == "and 2 more: --json has them all"
    children = server.cloud.peek(lines[0].split()[1]).children
    assert [line.strip() for line in lines[-21:-1]] == [child.id for child in children[:20]]


def test_an_unknown_job_is_one_line_with_exit_code_5(run):
    done = run("jobs", "show", "no/such?job", code=5)
    assert done.stderr == "Error: there is no job or rule 'no/such?job'\n"
    assert "there is no job 'such?job'" in run("jobs", "show", "such?job", code=5).stderr
    assert run("jobs", "show", code=5).stderr.count("\n") == 1


def test_names_cannot_move_the_cursor_of_a_terminal(run):
    run("submit", "bell.json", "--name", "\x1b[2J")
    assert "\x1b" not in run("jobs", "list").stdout + run("jobs", "show").stdout
