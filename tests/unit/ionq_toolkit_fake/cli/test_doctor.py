import contextlib
import json
import os
import socket
import sqlite3
from datetime import UTC, datetime, timedelta
from importlib import metadata

import pytest
from click.testing import CliRunner

from ionq_toolkit_fake import FakeIonQ, FakeServer
from ionq_toolkit_fake.cli import doctor as module
from ionq_toolkit_fake.cli import main
from ionq_toolkit_fake.clock import SystemClock


def diagnose(*arguments, **environment):
    """Return the findings by their checks, and the exit code."""
    done = CliRunner().invoke(main, ["doctor", "--quick", "--json", *arguments], env=environment)
    report = json.loads(done.stdout)
    assert report["ok"] is (done.exit_code == 0)
    assert all(one["mend"] for one in report["findings"] if one["state"] == "wrong")
    return {one["check"]: one for one in report["findings"] if one["state"] != "ok"}, done.exit_code


@pytest.fixture
def port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in list(os.environ):
        if name.startswith("IONQ_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(module, "DEFAULT_URL", "http://127.0.0.1:9")


def test_nothing_is_wrong_with_a_good_set_up(port, tmp_path):
    assert diagnose("--port", port, "--state", str(tmp_path / "new.db")) == ({}, 0)


def test_a_port_that_is_taken_is_wrong():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        found, code = diagnose("--port", str(one.getsockname()[1]))
    assert (code, found["port"]["state"]) == (1, "wrong")
    assert "--port 0" in found["port"]["mend"]


def test_a_server_is_checked_with_its_key_and_token(port):
    cloud = FakeIonQ(keys={"right": "p"}, clock="virtual")
    with FakeServer(cloud, host="0.0.0.0", token="t") as server:
        url = server.url.removesuffix("/v0.4").replace("0.0.0.0", "127.0.0.1")
        arguments = ("--url", url, "--port", port)
        clients = {"IONQ_API_URL": f"{url}/v0.4", "IONQ_FAKE_TOKEN": "t"}
        found, code = diagnose(*arguments)
        assert (code, "IONQ_FAKE_TOKEN" in found["server"]["mend"]) == (1, True)
        found, code = diagnose(*arguments, IONQ_FAKE_TOKEN="t")
        assert (code, found["client"]["mend"]) == (0, f"export IONQ_API_URL={url}/v0.4")
        found, code = diagnose(*arguments, **clients)
        assert (code, "is empty" in found["key"]["finding"]) == (1, True)
        found, code = diagnose(*arguments, **clients, IONQ_API_KEY="a-wrong-key")
        assert (code, "does not accept" in found["key"]["finding"]) == (1, True)
        assert "a-wrong-key" not in str(found)
        assert diagnose(*arguments, **clients, IONQ_API_KEY="right") == ({}, 0)


def test_a_server_that_has_to_run_and_does_not_is_wrong(port):
    found, code = diagnose("--url", "http://127.0.0.1:9", "--port", port)
    assert (code, "ionq-fake serve" in found["server"]["mend"]) == (1, True)


def test_a_clock_that_differs_is_wrong(port, monkeypatch):
    with FakeServer(FakeIonQ(clock="real")) as server:
        now = datetime.now(UTC)
        times = iter([now + timedelta(hours=1)] + [now] * 99)
        monkeypatch.setattr(SystemClock, "now", lambda _: next(times))
        found, code = diagnose("--url", server.url, "--port", port)
    assert (code, "3,600 s ahead" in found["clock"]["finding"]) == (1, True)


@pytest.mark.parametrize(
    ("environment", "mend"),
    [
        ({"IONQ_TRANSPORT": "fake", "IONQ_API_URL": "http://127.0.0.1:1/v0.4"}, "unset IONQ_TRAN"),
        ({"IONQ_TRANSPORT": "fake", "IONQ_API_KEY": "k"}, "unset IONQ_TRANSPORT # to use"),
        ({"IONQ_API_URL": "http://lab:1/v0.4"}, "export IONQ_ALLOW_HTTP=lab"),
        ({"IONQ_ALLOW_HTTP": "lab"}, "unset IONQ_ALLOW_HTTP"),
        ({"IONQ_API_URL": "http://127.0.0.1:1"}, "export IONQ_API_URL=http://127.0.0.1:1/v0.4"),
        (
            {"HTTP_PROXY": "http://p", "IONQ_API_URL": "http://127.0.0.1:1/v0.4"},
            "export NO_PROXY=127.0.0.1",
        ),
        ({"IONQ_FAKE_PORT": "1"}, "unset IONQ_FAKE_PORT, or rename it to IONQ_FAKE_SERVE_PORT"),
        ({"IONQ_API_URL": "https://127.0.0.1:1/v0.4"}, "export IONQ_API_KEY=any-key"),
    ],
)
def test_variables_that_contradict_are_found(environment, mend):
    findings = list(module.variables(environment))
    assert [one for one in findings if one.mend.startswith(mend)]
    key = {"IONQ_API_KEY": "k", "NO_PROXY": "127.0.0.1", "HTTP_PROXY": "http://p"}
    good = {"IONQ_API_URL": "http://127.0.0.1:1/v0.4", "IONQ_FAKE_URL": "x", **key}
    assert {one.state for one in module.variables(good)} == {"ok"}


def test_a_state_that_cannot_be_used_is_wrong(port, tmp_path):
    file = tmp_path / "lab.db"
    with contextlib.closing(FakeIonQ(state=file)):
        found, code = diagnose("--port", port, "--state", str(file))
        assert (code, f"process {os.getpid()}" in found["state"]["finding"]) == (1, True)
    assert diagnose("--port", port, "--state", str(file)) == ({}, 0)
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    found, code = diagnose("--port", port, "--state", str(file))
    assert (code, "damaged" in found["state"]["finding"]) == (1, True)
    found, code = diagnose("--port", port, "--state", str(tmp_path / "none" / "lab.db"))
    assert (code, found["state"]["mend"].startswith("mkdir")) == (1, True)


def test_missing_and_old_packages_are_found(port, monkeypatch):
    real = metadata.version
    versions = {"werkzeug": None, "qiskit": "2.5.0", "qiskit-aer": "0.1"}

    def version(name):
        if name in versions and versions[name] is None:
            raise metadata.PackageNotFoundError(name)
        return versions.get(name) or real(name)

    required = ["qiskit!=2.5.0,>=2.0", "qiskit-aer>=0.17; extra == 'fake'",
                "werkzeug>=3.0; extra == 'fake'", "mypy>=99; extra == 'dev'"]  # fmt: skip
    monkeypatch.setattr(metadata, "requires", lambda _: required)
    monkeypatch.setattr(metadata, "version", version)
    findings = [one.finding for one in module.packages()]
    assert findings == [
        "qiskit 2.5.0 is not qiskit!=2.5.0,>=2.0",
        "qiskit-aer 0.1 is not qiskit-aer>=0.17",
        "werkzeug is not installed",
    ]


def test_little_memory_and_workers_that_do_not_start_are_wrong(port, monkeypatch):
    monkeypatch.setattr("ionq_toolkit_fake.simulation.limits.share", lambda _: 0.1)
    found, code = diagnose("--port", port)
    assert (code, "--workers 1" in found["memory"]["mend"]) == (1, True)

    def broken(*_):
        raise OSError("no processes")

    monkeypatch.setattr("ionq_toolkit_fake.simulation.executors.ProcessExecutor.submit", broken)
    done = CliRunner().invoke(main, ["doctor", "--port", port])
    assert done.exit_code == 1
    assert (
        "wrong    workers      a worker process does not simulate: OSError: no processes"
        in done.stdout
    )
    assert "2 wrong" in done.stderr


@pytest.mark.slow
def test_a_worker_process_simulates(port):
    done = CliRunner().invoke(main, ["doctor", "--port", port])
    assert "a worker process simulates" in done.stdout
