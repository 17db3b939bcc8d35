"""The command `ionq-fake`, as a process of its own."""

import json
import os
import re
import signal
import subprocess
import sysconfig
import urllib.request
from pathlib import Path

import pytest

from ionq_toolkit import IonQProvider
from ionq_toolkit_fake import FakeServer

COMMAND = Path(sysconfig.get_path("scripts")) / "ionq-fake"


def ionq_fake(*arguments):
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def serve():
    processes = []

    def serve(*options):
        process = subprocess.Popen(
            [COMMAND, "serve", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        line = process.stdout.readline()
        match = re.fullmatch(r"ionq-fake listening on (http://127\.0\.0\.1:\d+/v0\.4)\n", line)
        assert match, (line, process.stderr.read() if process.poll() is not None else "")
        return process, match[1]

    yield serve
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop_and_then_ends_cleanly(
    serve, bell, instant_clock, number
):
    process, url = serve()
    with IonQProvider("any-key", url=url, clock=instant_clock) as provider:
        job = provider.get_backend("ionq_simulator").run(bell, shots=1000)
        counts = job.get_counts()
        assert set(counts) == {"00", "11"}
        assert sum(counts.values()) == 1000

        process.send_signal(number)  # with the client's connection still open
        out, err = process.communicate(timeout=30)

    assert process.returncode == 0
    assert out == ""
    assert err == "ionq-fake stopped\n"


def test_it_ends_at_once_while_a_job_is_simulated(serve):
    process, url = serve()
    layer = [{"gate": "h", "target": q} for q in range(24)]
    body = json.dumps(
        {
            "type": "ionq.circuit.v1",
            "backend": "simulator",
            "input": {"qubits": 24, "gateset": "qis", "circuit": layer * 400},
        }
    ).encode()
    headers = {"Authorization": "apiKey k"}
    request = urllib.request.Request(f"{url}/jobs", body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as reply:
        job_id = json.load(reply)["id"]
    request = urllib.request.Request(f"{url}/jobs/{job_id}", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert json.load(reply)["status"] == "started"

    process.terminate()
    process.communicate(timeout=30)

    assert process.returncode == 0


def test_ids_follow_the_seed(serve):
    def project(url):
        body = b'{"type":"ionq.circuit.v1","backend":"simulator","input":{"circuit":[]}}'
        headers = {"Authorization": "apiKey k"}
        request = urllib.request.Request(f"{url}/jobs", body, headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as reply:
            job_id = json.load(reply)["id"]
        request = urllib.request.Request(f"{url}/jobs/{job_id}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)["project_id"]

    first, second, other = (project(serve("--seed", seed)[1]) for seed in ("5", "5", "6"))
    assert first == second != other


def test_a_port_in_use_is_one_line():
    with FakeServer() as server:
        port = server.url.split(":")[2].split("/", maxsplit=1)[0]
        done = ionq_fake("serve", "--port", port)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: cannot listen on 127.0.0.1:{port}: ")
    assert "--port 0" in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_and_version_are_there():
    asked = ionq_fake("--help")
    assert "serve" in asked.stdout
    assert (asked.returncode, asked.stderr) == (0, "")
    version = ionq_fake("--version")
    assert re.search(r"\d+\.\d+\.\d+", version.stdout)


def test_listening_beyond_this_machine_is_warned_of():
    process = subprocess.Popen(
        [COMMAND, "serve", "--host", "0.0.0.0", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    assert process.stdout.readline().startswith("ionq-fake listening on http://0.0.0.0:")
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert "can be reached from other machines" in err
