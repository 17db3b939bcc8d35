"""jobs, backends, estimate and account, against a server; and the examples of every help."""

import json
import re
import shlex
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from mkdocs_click._docs import make_command_docs
from qiskit import QuantumCircuit

from ionq_toolkit import HttpTransport, IonQProvider, RecordingTransport
from ionq_toolkit.cli import main
from ionq_toolkit_fake import FakeIonQ, FakeServer

EXAMPLES = Path(__file__).parents[4] / "examples"


@pytest.fixture
def server():
    with FakeServer(FakeIonQ(seed=5, clock="virtual", transitions="immediately")) as server:
        yield server


@pytest.fixture
def run(server, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ionq_toolkit.api.credentials.KEY_FILE", str(tmp_path / "ionq"))
    (tmp_path / "bell.qasm").write_text((EXAMPLES / "bell.qasm").read_text())

    def run(*arguments, code=0, stdin=None, **environment):
        given = {"IONQ_API_URL": server.url, "IONQ_API_KEY": "k", **environment}
        words = [str(word) for word in arguments]
        done = CliRunner().invoke(main, words, input=stdin, env=given, prog_name="ionq-toolkit")
        assert "Traceback" not in done.output
        assert done.exit_code == code, done.output
        return done

    return run


@pytest.fixture
def job_id(run, server):
    run("run", "bell.qasm", "--transport", "http", "--shots", 100)
    return server.cloud.jobs[0].id


def test_jobs_are_listed_and_shown(run, job_id):
    (row,) = json.loads(run("jobs", "list", "--json").stdout)
    assert (row["id"], row["status"], row["shots"], row["name"]) == (job_id, "DONE", 100, "bell")
    assert row["backend"] == "ionq_simulator"
    lines = run(
        "jobs", "list", "--backend", "simulator", "--status", "completed"
    ).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ID", job_id]
    assert run("jobs", "list", "--status", "failed").stdout == ""
    counts = json.loads(run("jobs", "show", job_id, "--json").stdout)["counts"]
    assert sum(counts[0].values()) == 100
    assert run("jobs", "show", job_id).stdout.count("%") == 2


def test_jobs_are_canceled(run, server, job_id):
    assert "final already" in run("jobs", "cancel", job_id, code=1).stdout
    server.cloud.transitions.set("predicted")
    with IonQProvider("k", url=server.url) as provider:
        circuit = QuantumCircuit(1, 1)
        circuit.measure(0, 0)
        open_job = provider.get_backend("forte-1").run(circuit).job_id()
    run("jobs", "cancel", open_job, "no-such-job", code=1)
    assert server.cloud.peek(open_job).status != "canceled"
    assert json.loads(run("jobs", "cancel", open_job, "--json").stdout) == {open_job: True}
    assert server.cloud.peek(open_job).status == "canceled"


def test_backends_are_listed_as_the_service_has_them(run, server):
    names = [one["backend"] for one in json.loads(run("backends", "--json").stdout)]
    lines = run("backends", "--url", server.url).stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == names == list(server.cloud.facility.devices)


def test_an_estimate_submits_nothing(run, server):
    found = json.loads(run("estimate", "bell.qasm", "--backend", "forte-1", "--json").stdout)
    assert (found["backend"], found["shots"], found["qubits"]) == ("qpu.forte-1", 1000, 2)
    assert found["cost"] > 0
    assert list(server.cloud.jobs) == []


def test_a_key_comes_from_standard_input_and_is_never_shown(run, tmp_path):
    saved = run("account", "save", "work", "--file", stdin="the-secret-key\n")
    assert "the-secret-key" in (tmp_path / "ionq").read_text()
    listed = run("account", "list", "--json")
    assert list(json.loads(listed.stdout)) == ["work"]
    again = run("account", "save", "work", "--file", stdin="another-secret\n", code=1)
    deleted = run("account", "delete", "work")
    assert "the-secret-key" not in (tmp_path / "ionq").read_text()
    missing = run("account", "delete", "work", code=1)
    empty = run("account", "save", "work", stdin="\n", code=2)
    shown = "".join(one.output for one in (saved, listed, again, deleted, missing, empty))
    assert "secret" not in shown
    options = {name for one in COMMANDS["ionq-toolkit account save"].params for name in one.opts}
    assert options == {"name", "--overwrite", "--keyring"}


def test_a_key_is_asked_for_on_a_terminal_without_showing_it(run, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "ionq_toolkit.cli.account.sys",
        type("Sys", (), {"stdin": type("T", (), {"isatty": lambda: True})}),
    )
    done = run("account", "save", "work", "--file", stdin="the-secret-key\n")
    assert "the-secret-key" not in done.output
    assert "the-secret-key" in (tmp_path / "ionq").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["jobs", "show", "no-such-job"], 1, "404"),
        (
            ["backends", "--url", "http://127.0.0.1:9/v0.4", "--timeout", "0.1"],
            1,
            "was not reached",
        ),
        (["jobs", "list", "--account", "wrok"], 1, "no saved account"),
        (["jobs", "list", "--backend", "fort-1"], 1, "Did you mean 'forte-1'"),
        (["run", "bell.qasm", "--transport", "fake", "--account", "a"], 2, "has no --account"),
        (["run", "bell.qasm", "--transport", "fak"], 2, "is not one of"),
    ],
)
def test_an_error_is_one_line(run, arguments, code, message):
    errors = run(*arguments, code=code).stderr
    assert message in errors.splitlines()[-1]


def test_run_takes_an_url_and_a_fake_in_a_file(run, server, tmp_path):
    run("run", "bell.qasm", "--url", server.url)
    assert len(server.cloud.jobs) == 1
    run("run", "bell.qasm", IONQ_TRANSPORT=f"fake:{tmp_path / 'lab.db'}")
    listed = json.loads(
        run("jobs", "list", "--json", IONQ_TRANSPORT=f"fake:{tmp_path / 'lab.db'}").stdout
    )
    assert [job["name"] for job in listed] == ["bell"]


def test_interrupted_run_names_the_job_and_exits_with_130(run, server, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ionq_toolkit.job.job.IonQJob.wait_for_final_state", interrupt)
    done = run("run", "bell.qasm", "--url", server.url, code=130)
    assert f"job {server.cloud.jobs[0].id} goes on" in done.stderr


def commands(group=main, name="ionq-toolkit"):
    for word, command in group.commands.items():
        yield f"{name} {word}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")


COMMANDS = dict(commands())
LINES = [
    line.strip()
    for command in [main, *COMMANDS.values()]
    for line in re.findall(r"^ +ionq-toolkit .*$", command.help, re.MULTILINE)
]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example_of_its_command(name):
    assert re.search(rf"^ +{name}\b", COMMANDS[name].help, re.MULTILINE)


@pytest.mark.parametrize("example", dict.fromkeys(LINES))
def test_an_example_runs(example, run, server, monkeypatch, tmp_path):
    words = shlex.split(example.replace("http://127.0.0.1:8080/v0.4", server.url))[1:]
    stdin = "a-key\n"
    if "<" in words:
        words = words[: words.index("<")]
    if words[0] == "record":
        with (
            RecordingTransport(HttpTransport(), tmp_path / "run.jsonl") as transport,
            IonQProvider("k", url=server.url, transport=transport) as provider,
        ):
            provider.client.get_backends()
        run(*words, code=1)  # no job in it
        return
    if words[0] == "recover":
        (tmp_path / "jobs.journal").write_text("")
    if words[:2] == ["account", "delete"] or "--account" in words:
        run("account", "save", "work", "--file", stdin=stdin)
    code = 0
    if "$JOB" in words:
        run("run", "bell.qasm", "--url", server.url)
        words[words.index("$JOB")] = server.cloud.jobs[0].id
        code = 1 if "cancel" in words else 0  # it is final
    if words[:2] == ["account", "save"] and "--file" not in words:
        words.append("--file")  # not in the keyring of who runs the tests
    run(*words, code=code, stdin=stdin)


def test_every_option_is_documented():
    text = re.sub(r"\s+", " ", " ".join(make_command_docs("ionq-toolkit", main, style="plain")))
    for name, command in COMMANDS.items():
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help or option.show_default, (name, option.opts)
                assert option.opts[0] in text
    assert sys.modules["ionq_toolkit.cli.run"]
