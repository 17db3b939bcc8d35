"""A server, files of circuits, and a function that runs the command line."""

import json

import pytest
from click.testing import CliRunner

from ionq_toolkit_fake import FakeIonQ, FakeServer
from ionq_toolkit_fake.cli import main

QASM2 = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[2];
creg c[2];
h q[0];
cx q[0], q[1];
measure q -> c;
"""

BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]


@pytest.fixture
def server():
    with FakeServer(FakeIonQ(seed=5, clock="virtual", transitions="immediately")) as server:
        yield server


@pytest.fixture
def run(server, monkeypatch, tmp_path):
    """Run `ionq-fake` in a folder with circuits, against the server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IONQ_FAKE_URL", server.url)
    (tmp_path / "bell.qasm").write_text(QASM2)
    (tmp_path / "bell.json").write_text(json.dumps(BELL))

    def run(*arguments, code=0, stdin=None, **environment):
        words = [str(word) for word in arguments]
        result = CliRunner().invoke(
            main, words, input=stdin, env=environment, prog_name="ionq-fake"
        )
        assert "Traceback" not in result.output
        assert result.exit_code == code, result.output
        return result

    return run
