"""The command `ionq-fake serve`, as a process of its own."""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import sysconfig
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner
from distributed import LocalCluster

from ionq_toolkit import HttpTransport, IonQProvider
from ionq_toolkit_fake import FakeIonQ, FakeServer, Scenario
from ionq_toolkit_fake.cli import main

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
        assert process.stdout.readline() == f"console: {match[1].removesuffix('/v0.4')}/\n"
        return process, match[1]

    yield serve
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
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


def ask(url, path, body=None):
    headers = {"Authorization": "apiKey k", "Content-Type": "application/json"}
    request = urllib.request.Request(
        url + path, body and json.dumps(body).encode(), headers, method="POST" if body else "GET"
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


@pytest.mark.slow
def test_it_answers_and_ends_at_once_while_a_job_is_simulated(serve, job_body):
    process, url = serve()
    quick = ask(url, "/jobs", job_body())["id"]
    while ask(url, f"/jobs/{quick}")["status"] != "completed":
        pass
    # Minutes of work: rotations between entangling layers, so that nothing can be merged.
    layer = [{"gate": "ry", "target": q, "rotation": 0.3} for q in range(24)]
    layer += [{"gate": "cnot", "control": q, "target": q + 1} for q in range(23)]
    long = ask(url, "/jobs", job_body(layer * 200, qubits=24))["id"]

    # A server that is kept from answering would need more than the time it has for these.
    assert {ask(url, f"/jobs/{long}")["status"] for _ in range(200)} == {"started"}
    process.terminate()
    _, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (0, "ionq-fake stopped\n")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="reads the process table of Linux")
def test_no_process_stays_behind_when_it_is_killed(serve, job_body):
    process, url = serve()
    job = ask(url, "/jobs", job_body())["id"]
    while ask(url, f"/jobs/{job}")["status"] != "completed":
        pass
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # a process of somebody else's that has just ended
            fields = path.read_text().rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(fields[1])
    children = [os.pidfd_open(pid) for pid, parent in parents.items() if parent == process.pid]
    assert children

    process.kill()

    for child in children:
        assert select.select([child], [], [], 30)[0]  # readable when the process has ended
        os.close(child)


@pytest.mark.slow
def test_ids_follow_the_seed(serve, job_body):
    def project(url):
        job_id = ask(url, "/jobs", job_body())["id"]
        return ask(url, f"/jobs/{job_id}")["project_id"]

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


@pytest.mark.slow
def test_help_and_version_are_there():
    asked = ionq_fake("--help")
    assert "serve" in asked.stdout
    assert (asked.returncode, asked.stderr) == (0, "")
    version = ionq_fake("--version")
    assert re.search(r"\d+\.\d+\.\d+", version.stdout)


@pytest.mark.slow
def test_listening_beyond_this_machine_is_warned_of():
    process = subprocess.Popen(
        [COMMAND, "serve", "--host", "0.0.0.0", "--port", "0", "--insecure"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    assert process.stdout.readline().startswith("ionq-fake listening on http://0.0.0.0:")
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert "can be reached from other machines" in err
    assert "Token of /_fake: " in err


def test_the_status_of_a_backend_can_be_set(serve):
    _, url = serve("--status", "qpu.aria-1=available", "--status", "qpu.forte-1=unavailable")
    with urllib.request.urlopen(url + "/backends", timeout=30) as reply:
        statuses = {body["backend"]: body["status"] for body in json.load(reply)}
    assert (statuses["qpu.aria-1"], statuses["qpu.forte-1"]) == ("available", "unavailable")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("qpu.aria-1", "is not BACKEND=STATUS"),
        ("aria=available", "there is no backend"),
        ("qpu.aria-1=x", "no status of a backend 'x'"),
    ],
)
def test_a_status_that_is_none_is_one_line(value, message):
    done = ionq_fake("serve", "--status", value)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


DEVICES = """
[qpu.next-1]
qubits = 4
fidelity = {1q = 0.9999, 2q = 0.999, spam = 0.999}
"""


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--scenario", "noisy-forte")])
def test_described_qpus_are_served(serve, tmp_path, more):
    file = tmp_path / "devices.toml"
    file.write_text(DEVICES)
    _, url = serve("--devices", str(file), *more)
    with urllib.request.urlopen(url + "/backends/qpu.next-1", timeout=30) as reply:
        assert json.load(reply)["qubits"] == 4


def test_serve_names_the_line_of_a_bad_description(tmp_path):
    file = tmp_path / "devices.toml"
    file.write_text(DEVICES.replace("4", "many"))
    done = CliRunner().invoke(main, ["serve", "--port", "0", "--devices", str(file)])
    assert done.exit_code == 2
    assert "Invalid value for --devices" in done.stderr
    file.write_text(DEVICES.replace("qubits", "qubit"))
    done = CliRunner().invoke(main, ["serve", "--port", "0", "--devices", str(file)])
    assert "line 3" in done.stderr
    assert "Did you mean 'qubits'?" in done.stderr


@pytest.mark.slow
def test_time_stands_still_until_it_is_moved_over_the_socket(serve, job_body):
    _, url = serve("--clock", "virtual", "--transitions", "predicted", "--seed", "5")
    control = url.removesuffix("/v0.4") + "/_fake"
    job = ask(url, "/jobs", job_body(backend="qpu.forte-1"))["id"]
    assert ask(url, f"/jobs/{job}")["submitted_at"] == "2026-01-01T00:00:00.000Z"
    assert {ask(url, f"/jobs/{job}")["status"] for _ in range(20)} == {"started"}

    assert ask(control, "/clock", {"seconds": 3600})["now"] == "2026-01-01T01:00:00.000Z"

    while ask(url, f"/jobs/{job}")["status"] != "completed":  # until it is simulated
        pass
    assert ask(control, "/state")["seed"] == 5


def test_it_serves_a_scenario(serve):
    _, url = serve("--scenario", "rate-limited", "--seed", "4")
    direct = Scenario.of("rate-limited").cloud(seed=4)
    headers = {"Authorization": "apiKey any"}
    transport = HttpTransport()
    for _ in range(8):
        found = transport.send("GET", f"{url}/whoami", headers, None, 30.0)
        assert found.status == direct.handle("GET", "/v0.4/whoami", headers).status
    transport.close()
    assert {request.status for request in direct.requests} == {200, 429}


@pytest.mark.parametrize("address", ["nonsense://x", "tcp://nowhere", "", "tcp://127.0.0.1:1"])
def test_serve_rejects_the_address_of_no_dask_scheduler(address, monkeypatch):
    monkeypatch.setattr("ionq_toolkit_fake.cli.serve.CONNECT_TIMEOUT_S", 0.2)
    done = CliRunner().invoke(main, ["serve", "--port", "0", "--dask", address])
    assert done.exit_code == 2
    assert f"Invalid value for --dask: {address}: " in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.slow
def test_serve_on_a_cluster_ends_cleanly(serve, job_body):
    where = {"protocol": "tcp", "host": "127.0.0.1", "dashboard_address": None}
    with LocalCluster(processes=False, n_workers=1, threads_per_worker=1, **where) as cluster:
        process, url = serve("--dask", cluster.scheduler_address)
        job = ask(url, "/jobs", job_body())["id"]
        while ask(url, f"/jobs/{job}")["status"] != "completed":
            pass
        process.terminate()
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "ionq-fake stopped\n")


def test_serve_names_the_package_that_dask_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = CliRunner().invoke(main, ["serve", "--port", "0", "--dask", "tcp://127.0.0.1:8786"])
    assert done.exit_code == 1
    assert "pip install distributed" in done.stderr


def submitted(url):
    request = urllib.request.Request(
        f"{url}/jobs",
        b'{"type":"ionq.circuit.v1","backend":"simulator","input":{"qubits":1,"circuit":[]}}',
        {"Authorization": "apiKey test", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["id"]


@pytest.mark.slow
def test_state_survives_the_server_and_refuses_a_second_one(serve, tmp_path):
    file = tmp_path / "lab.db"
    process, url = serve("--state", str(file), "--seed", "3")
    job_id = submitted(url)
    second = ionq_fake("serve", "--port", "0", "--state", str(file))
    assert second.returncode == 1
    assert f"{file} is used by the cloud of process {process.pid}" in second.stderr
    process.kill()
    process.wait()
    with contextlib.closing(FakeIonQ(state=file)) as cloud:
        assert [job.id for job in cloud.jobs] == [job_id]
        assert cloud.seed == 3


def test_state_that_cannot_be_used_is_refused(tmp_path):
    (tmp_path / "diary.txt").write_text("a diary, " * 500)
    done = CliRunner().invoke(main, ["serve", "--state", str(tmp_path / "diary.txt")])
    assert (done.exit_code, "is damaged, or no state of a cloud" in done.output) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["werkzeug", "h11", "starlette", "qiskit_aer"])
def test_serve_without_the_extra_names_the_extra(missing):
    script = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {missing!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Missing())
sys.argv = ["ionq-fake", "serve"]
from ionq_toolkit_fake.cli import main
main()
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 1
    assert run.stderr == (
        f"ionq-fake needs the module {missing!r}, which is not installed. "
        "Install the extra: pip install 'ionq-toolkit[fake]'\n"
    )
