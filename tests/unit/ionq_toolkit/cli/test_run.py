import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from qiskit.utils import optionals

from ionq_toolkit import IonQProvider
from ionq_toolkit.cli import main
from ionq_toolkit.cli.common import text_histogram
from ionq_toolkit.clock import SHORTEST_REQUEST_S
from ionq_toolkit.transport import Transport
from ionq_toolkit.transport.in_process import new_fake
from ionq_toolkit_fake import FakeIonQ, FakeServer

EXAMPLES = Path(__file__).parents[4] / "examples"


@pytest.fixture
def run():
    def run(*arguments, **environment):
        return CliRunner().invoke(main, ["run", *map(str, arguments)], env=environment)

    return run


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("bell", {"00", "11"}),
        ("ghz5", {"00000", "11111"}),
        ("qft4", {"0000", "0100", "1000", "1100"}),
    ],
)
def test_each_example_runs_on_the_fake_without_a_key(run, name, outcomes):
    result = run(EXAMPLES / f"{name}.qasm", "--shots", 500, "--json")
    assert result.exit_code == 0, result.output
    counts = json.loads(result.stdout)
    assert set(counts) == outcomes
    assert sum(counts.values()) == 500
    assert result.stderr == ""


def test_statuses_are_shown_as_they_change_and_then_the_histogram(run):
    result = run(EXAMPLES / "bell.qasm", "--seed", 1)
    assert [line.split()[0] for line in result.stderr.splitlines()] == [
        "bell.qasm:",
        "job",
        "INITIALIZING",
        "QUEUED",
        "RUNNING",
        "DONE",
    ]
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == ["00", "11"]
    assert sum(int(row[2]) for row in rows) == 1000


def test_a_seed_repeats_the_run_to_the_letter(run):
    first, second, other = (run(EXAMPLES / "qft4.qasm", "--seed", s) for s in (1, 1, 2))
    assert (first.stdout, first.stderr) == (second.stdout, second.stderr)
    assert first.stdout != other.stdout


def test_the_same_command_runs_over_http(run):
    with FakeServer() as server:
        result = run(
            EXAMPLES / "bell.qasm",
            "--transport",
            "http",
            IONQ_API_KEY="any-key",
            IONQ_API_URL=server.url,
        )
        assert result.exit_code == 0, result.output
        assert server.url in result.stderr
        assert len(server.cloud.jobs) == 1


def always(instance):
    """Return a class whose only instance this is."""
    return type("Always", (), {"__new__": lambda cls: instance})


@pytest.mark.parametrize(
    ("arguments", "environment", "complaint"),
    [
        (["--transport", "http"], {}, "set IONQ_API_KEY"),
        ([], {"IONQ_TRANSPORT": "http"}, "set IONQ_API_KEY"),
        (
            ["--transport", "http"],
            {"IONQ_API_KEY": "k", "IONQ_API_URL": "http://127.0.0.1:9/v0.4"},
            "was not reached",
        ),
        (["--backend", "fort-1"], {}, "Did you mean 'forte-1'"),
        (["--backend", "forte-enterprise-2"], {}, "400 Bad Request"),
    ],
)
def test_run_reports_errors_in_one_line_without_a_traceback(
    run, arguments, environment, complaint, monkeypatch, instant_clock
):
    monkeypatch.setattr("ionq_toolkit.transport.retry.SystemClock", always(instant_clock))
    result = run(EXAMPLES / "bell.qasm", *arguments, **environment)
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_run_reports_retries(run, monkeypatch, instant_clock):
    monkeypatch.setattr("ionq_toolkit.transport.retry.SystemClock", always(instant_clock))
    environment = {"IONQ_API_KEY": "k", "IONQ_API_URL": "http://127.0.0.1:9/v0.4"}
    result = run(EXAMPLES / "bell.qasm", "--transport", "http", **environment)
    told = [line for line in result.stderr.splitlines() if "trying again" in line]
    assert len(told) == len(instant_clock.slept) == 6
    assert told[0] == (f"  ConnectionRefusedError: trying again in {instant_clock.slept[0]:.1f} s")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"not qasm", "spoilt.qasm cannot be read: it is not valid OpenQASM 3"),
        (b" \n", "it is empty"),
        (b"// a comment\nOPENQASM 4.0;\nqreg q[1];", "it is OpenQASM 4.0"),
        (b"// a comment\nOPENQASM 2.0;\nqreg q[1];", "measures nothing"),
        (b"OPENQASM 2.0;\nqreg q[1];\nfoo q;", "line 3, column 0: 'foo' is not defined"),
        (b"OPENQASM 3.0; def f() {}", "SubroutineDefinition is not supported"),
        (b"OPENQASM 3.0; qubit q; bit c; c = measure q; if (c) { U(0,0,0) q; }", "cannot be run"),
        (b"OPENQASM 3.0;\nqubit q;\nfrobnicate q;\n", "frobnicate"),
        (b"\xff\xfe", "can't decode"),
        (b"OPENQASM 3.0; qubit[2] q;", "measures nothing"),
    ],
)
def test_run_rejects_unusable_files(run, tmp_path, content, complaint):
    file = tmp_path / "spoilt.qasm"
    file.write_bytes(content)
    result = run(file)
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert isinstance(result.exception, SystemExit)  # no traceback


def test_run_takes_openqasm_2(run, tmp_path):
    """A GHZ state: all bits are alike."""
    (tmp_path / "cat.qasm").write_text(
        'OPENQASM 2.0;\ninclude "qelib1.inc";\ngate link a,b { cx a,b; }\nqreg q[3];\ncreg c[3];\n'
        "h q[0];\nlink q[0],q[1];\nlink q[1],q[2];\nbarrier q;\nmeasure q -> c;\n"
    )
    result = run(tmp_path / "cat.qasm", "--json")
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.stdout)) == {"000", "111"}


class Slow(Transport):
    """A cloud that answers all requests but some: these take all the time that they are given."""

    def __init__(self, clock, silent, error):
        transitions = {step: {"polls": 1} for step in ("ready", "started", "finished")}
        self.inner, self.clock = new_fake(seed=1, transitions=transitions), clock
        self.silent, self.error = silent, error

    def send(self, method, url, headers, body, timeout):
        if re.search(self.silent, f"{method} {url}"):
            self.clock.time += timeout
            raise self.error("nothing came")
        self.clock.time += min(timeout, 0.25)
        if timeout < 0.25:
            raise TimeoutError("too slow")
        return self.inner.send(method, url, headers, body, timeout)


@pytest.mark.parametrize("error", [TimeoutError, ConnectionError, ConnectionRefusedError])
@pytest.mark.parametrize("silent", ["POST", "GET", "results", "/jobs/", "."])
def test_a_timeout_is_for_submission_wait_and_results_together(
    run, monkeypatch, instant_clock, silent, error
):
    def provider(**options):
        return IonQProvider("k", **options | {"transport": Slow(instant_clock, silent, error)})

    monkeypatch.setattr("ionq_toolkit.cli.run.IonQProvider", provider)
    result = run(EXAMPLES / "bell.qasm", "--transport", "http", "--timeout", 2)
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert instant_clock.time <= 2 + SHORTEST_REQUEST_S


@pytest.mark.parametrize("timeout", ["-1", "nan", "soon"])
def test_run_rejects_invalid_timeouts(run, timeout):
    assert run(EXAMPLES / "bell.qasm", "--timeout", timeout).exit_code == 2


def test_run_rejects_a_custom_gate_with_a_standard_name(run, tmp_path):
    file = tmp_path / "own.qasm"
    file.write_text("OPENQASM 3.0; gate id a {U(pi,0,pi) a;} qubit q; bit c; id q; c=measure q;")
    result = run(file)
    assert result.exit_code == 1
    assert "It is a gate of your own" in result.stderr


def test_run_rejects_a_missing_file(run):
    assert run("no-such-file.qasm").exit_code == 2


def test_run_names_the_extra_that_reads_qasm(run, monkeypatch):
    monkeypatch.setattr(optionals.HAS_QASM3_IMPORT, "_bool", False)
    result = run(EXAMPLES / "bell.qasm")
    assert result.exit_code == 1
    assert "pip install 'ionq-toolkit[qasm3]'" in result.stderr


def test_run_names_the_extra_of_the_fake(run, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("ionq_toolkit_fake")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("h11", "psutil", "qiskit_aer", "werkzeug"):
        monkeypatch.setitem(sys.modules, name, None)
    result = run(EXAMPLES / "bell.qasm")
    assert result.exit_code == 1
    assert "pip install 'ionq-toolkit[fake]'" in result.stderr


def test_a_histogram_has_bars_to_scale():
    assert text_histogram({"11": 75, "00": 25}, width=6).splitlines() == [
        "  00  ##      25   25.0%",
        "  11  ######  75   75.0%",
    ]


def test_a_long_histogram_keeps_its_most_frequent_outcomes():
    counts = {format(i, "06b"): i + 1 for i in range(64)}
    lines = text_histogram(counts).splitlines()
    assert len(lines) == 33
    assert lines[0].split()[0] == format(32, "06b")
    assert lines[-1] == f"  and 32 more outcomes in {sum(range(1, 33))} shots"


def test_a_saved_account_pays(run, monkeypatch, tmp_path):
    monkeypatch.setattr("ionq_toolkit.api.credentials.KEY_FILE", str(tmp_path / "ionq"))
    IonQProvider.save_account("work", "the-key-of-work", keyring=False)
    cloud = FakeIonQ(keys={"the-key-of-work": "work", "another": "home"})
    with FakeServer(cloud) as server:
        environment = {"IONQ_API_URL": server.url, "IONQ_API_KEY": "another"}
        command = (EXAMPLES / "bell.qasm", "--transport", "http", "--account")
        paid = run(*command, "work", **environment)
        unknown = run(*command, "wrok", **environment)
    assert paid.exit_code == 0, paid.output
    assert [len(project.jobs.shown()) for project in cloud.projects] == [1]
    assert unknown.exit_code == 1
    assert "There is no saved account 'wrok'. Did you mean 'work'?" in unknown.stderr
