"""Simulations on a Dask cluster: two workers, each a process, on this machine."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import sysconfig
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
from click.testing import CliRunner
from qiskit import QuantumCircuit

from ionq_toolkit import IonQProvider
from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.cli import main
from ionq_toolkit_fake.simulation import DaskExecutor, Gate, Program, SimulationFailure, Task
from ionq_toolkit_fake.simulation import simulate as run

COMMAND = Path(sysconfig.get_path("scripts")) / "ionq-fake"
KEY = {"Authorization": "apiKey any"}


CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    options = dict(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None)
    with LocalCluster(**options) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Return the address of a cluster in a process of its own.

    It is killed with all of its workers: its own end may wait for a worker that it has just
    started anew, for ever.
    """
    script = tmp_path_factory.mktemp("cluster") / "cluster.py"
    script.write_text(CLUSTER)
    with subprocess.Popen(
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
        start_new_session=True,
    ) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def executor(cluster):
    executor = DaskExecutor(cluster)
    yield executor
    executor.shutdown(cancel_futures=True)


def bodies():
    """Return jobs of all kinds: exact, noisy, on a machine, of several circuits, failing."""
    gates = [
        {"gate": "h", "target": 0},
        {"gate": "cnot", "control": 0, "target": 1},
        {"gate": "ry", "target": 2, "rotation": 0.3},
    ]
    single = {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "shots": 200,
        "input": {"qubits": 3, "circuit": gates},
    }
    return [
        single,
        {**single, "noise": {"model": "aria-1", "seed": 5}},
        {**single, "backend": "qpu.forte-1"},
        {
            **single,
            "type": "ionq.multi-circuit.v1",
            "input": {"circuits": [{"qubits": 3, "circuit": gates[:n]} for n in (1, 2, 3)]},
        },
        {**single, "type": "ionq.qasm3.v1", "input": {"data": "OPENQASM 3; qubit[0"}},
    ]


def replies(cloud):
    """Return the records and results of the jobs, as bytes."""
    found = []
    for body in bodies():
        created = cloud.handle("POST", "/v0.4/jobs", KEY, json.dumps(body).encode())
        path = f"/v0.4/jobs/{json.loads(created.body)['id']}"
        several = "/aggregated" if "multi" in body["type"] else ""
        for job in cloud.jobs:  # they come to their end when they are looked at, not before
            if job._simulation is not None:
                _wait_for(job._simulation)
        found += [
            cloud.handle("GET", path, KEY).body,
            cloud.handle("GET", f"{path}/results/probabilities{several}", KEY).body,
        ]
    return found


def _wait_for(simulation):
    with contextlib.suppress(SimulationFailure):
        simulation.result()


def test_a_cluster_gives_the_same_replies_as_this_process(executor):
    here, there = FakeIonQ(seed=3), FakeIonQ(seed=3, executor=executor)
    expected = replies(here)
    assert replies(there) == expected
    assert [job.status for job in here.jobs] == [job.status for job in there.jobs]
    assert {job.status for job in here.jobs} == {"completed", "failed"}


def test_it_runs_in_another_process(executor):
    assert executor.submit(os.getpid).result() != os.getpid()


def test_the_failure_of_a_job_comes_back_with_its_code(executor):
    task = Task(Program(2, (Gate("rx", (0,), (), (float("nan"),)),)), seed=1)
    with pytest.raises(SimulationFailure, match="is not a number") as caught:
        executor.submit(run, task).result()
    assert caught.value.code == "SimulationError"


def test_a_call_that_kills_every_worker_fails_and_the_next_one_runs(executor):
    # Dask tells its workers' deaths by a warning of its logger, and starts new ones.
    assert "KilledWorker" in type(executor.submit(os._exit, 3).exception()).__name__
    assert executor.submit(divmod, 7, 2).result() == (3, 1)


def test_what_was_shut_down_takes_no_call(cluster):
    executor = DaskExecutor(cluster)
    waiting = executor.submit(divmod, 7, 2)
    executor.shutdown()
    assert waiting.result() == (3, 1)
    with pytest.raises(RuntimeError):
        executor.submit(divmod, 7, 2)


def test_equal_calls_are_cancelled_one_by_one(executor, tmp_path):
    release = tmp_path / "release"
    release.touch()
    blocked, other = (executor.submit(_until_gone, str(release)) for _ in range(2))
    assert blocked.cancel()
    release.unlink()
    assert other.result() == "done"
    with pytest.raises(CancelledError):
        blocked.result()


def _until_gone(path):
    while Path(path).exists():
        os.sched_yield()
    return "done"


@pytest.mark.parametrize("address", ["nonsense://x", "tcp://nowhere", "", "tcp://127.0.0.1:1"])
def test_the_command_says_what_is_wrong_with_an_address(address, monkeypatch):
    monkeypatch.setattr("ionq_toolkit_fake.simulation.executors.CONNECT_TIMEOUT_S", 0.2)
    done = CliRunner().invoke(main, ["serve", "--port", "0", "--dask", address])
    assert done.exit_code == 2
    assert f"Invalid value for --dask: {address}: " in done.stderr
    assert "Traceback" not in done.output


def test_without_dask_the_command_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = CliRunner().invoke(main, ["serve", "--port", "0", "--dask", "tcp://127.0.0.1:8786"])
    assert done.exit_code == 1
    assert "pip install 'ionq-toolkit[dask]'" in done.stderr


def test_the_command_simulates_on_a_cluster(cluster):
    with subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--dask", cluster],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        url = process.stdout.readline().split()[-1]
        circuit = QuantumCircuit(1)
        circuit.x(0)
        circuit.measure_all()
        with IonQProvider("any-key", url=url) as provider:
            counts = provider.get_backend("simulator").run(circuit, shots=10).get_counts()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == "ionq-fake stopped\n"
    assert counts == {"1": 10}
    assert process.returncode == 0
