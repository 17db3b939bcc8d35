"""Where simulations run."""

import contextlib
import multiprocessing
import os
import pickle
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future
from multiprocessing.connection import wait
from pathlib import Path
from pickle import PicklingError

import numpy as np
import pytest
from distributed import Client, LocalCluster

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.api.results import as_map
from ionq_toolkit_fake.simulation.executors import (
    InlineExecutor,
    ProcessExecutor,
    simulate,
    simulate_several,
)
from ionq_toolkit_fake.simulation.outcome import SimulationFailure
from ionq_toolkit_fake.simulation.program import (
    Energy,
    Gate,
    MaxCut,
    Noise,
    Program,
    Qasm3,
    Qpu,
    Task,
)

BELL = Task(Program(2, (Gate("h", (0,)), Gate("x", (1,), (0,)))), seed=1)


def running(future):
    """Return a future when its call runs."""
    while not future.running():
        os.sched_yield()
    return future


def running_or_done(future):
    while not (future.running() or future.done()):
        os.sched_yield()


def histogram(outcome):
    return as_map(outcome.distribution)


def test_a_failure_survives_the_way_between_processes():
    failure = pickle.loads(pickle.dumps(SimulationFailure("TooManyGates", "too many")))
    assert (failure.code, str(failure)) == ("TooManyGates", "too many")


@pytest.fixture
def processes():
    executor = ProcessExecutor()
    yield executor
    executor.shutdown(wait=False, cancel_futures=True)


def test_the_function_and_what_it_takes_can_be_pickled():
    function, argument = pickle.loads(pickle.dumps((simulate, BELL)))
    found = pickle.loads(pickle.dumps(function(argument)))
    assert histogram(found) == histogram(simulate(BELL))


def test_the_inline_executor_keeps_errors_for_who_asks():
    future = InlineExecutor().submit(lambda: 1 / 0)
    assert isinstance(future.exception(), ZeroDivisionError)
    assert InlineExecutor().submit(divmod, 7, 2).result() == (3, 1)


def test_another_process_gives_the_same_distribution(processes):
    found = processes.submit(simulate, BELL).result()
    assert histogram(found) == histogram(simulate(BELL))
    pids = [processes.submit(os.getpid).result() for _ in range(2)]
    assert pids[0] == pids[1] != os.getpid()


def test_a_process_that_dies_fails_its_call_and_is_replaced(processes):
    first = processes.submit(os.getpid).result()
    assert isinstance(processes.submit(os._exit, 3).exception(), BrokenExecutor)
    assert processes.submit(os.getpid).result() not in {first, os.getpid()}


def test_a_call_that_never_ends_is_given_up_and_no_process_stays():
    executor = ProcessExecutor()
    before = set(multiprocessing.active_children())
    assert executor.submit(os.getpid).result()
    stuck = running(executor.submit(time.sleep, 3600))
    with end_of_worker(before) as end:
        executor.shutdown(wait=False)

        assert isinstance(stuck.exception(), BrokenExecutor)
        # Not by its exit code: the pool's own thread may be the one that the system told of it.
        assert wait([end], timeout=30)


def end_of_worker(before):
    """Return a file that is at its end when the only new child process is."""
    (worker,) = set(multiprocessing.active_children()) - before
    return os.fdopen(os.dup(worker.sentinel), "rb")


def test_an_executor_that_nobody_has_any_more_leaves_no_process_and_no_thread():
    executor = ProcessExecutor()
    before = set(multiprocessing.active_children())
    waiting = [executor.submit(abs, -n) for n in range(3)]
    assert waiting[0].result() == 0
    with end_of_worker(before) as end:
        (thread,) = executor._threads
        del executor
        assert wait([end], timeout=30)
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert [future.result() for future in waiting] == [0, 1, 2]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads the open files of Linux")
def test_a_shutdown_leaves_no_open_files():
    folder = Path("/proc/self/fd")
    with ProcessExecutor() as executor:  # multiprocessing keeps files of its own from now on
        assert executor.submit(abs, -1).result() == 1
    before = set(folder.iterdir())
    with ProcessExecutor() as executor:
        assert executor.submit(abs, -1).result() == 1
        assert isinstance(executor.submit(os._exit, 3).exception(), BrokenExecutor)
        assert executor.submit(abs, -1).result() == 1
        running(executor.submit(time.sleep, 3600)).cancel()
    # The folder itself is open while it is read; other tests' threads have sockets and files of
    # their own in this process, and a worker has a pipe.
    left = [file for file in set(folder.iterdir()) - before if file.exists()]
    assert not [file for file in left if "pipe:" in str(file.readlink())]


#: The parent forks while a worker waits for its next call.
FORKS = """if True:
    import os, sys
    from ionq_toolkit_fake.simulation.executors import ProcessExecutor

    executor = ProcessExecutor()
    pid = executor.submit(os.getpid).result()
    theirs, ours = os.pipe()
    child = os.fork()
    if not child:
        os.close(ours)
        os.read(theirs, 1)
        sys.exit()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "then",
    [
        "executor.shutdown(); os.close(ours)",
        "os.close(ours); os.waitpid(child, 0); assert executor.submit(os.getpid).result() == pid",
    ],
    ids=["a shutdown does not wait for the child", "a child that exits leaves the workers alone"],
)
def test_a_forked_child_of_the_parent_does_no_harm(then):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"{FORKS}\n    {then}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_shutting_down_what_never_ran_is_nothing():
    ProcessExecutor().shutdown()


def test_a_shutdown_that_waits_brings_the_running_call_to_its_end():
    with ProcessExecutor() as executor:
        future = executor.submit(divmod, 7, 2)
    assert future.result() == (3, 1)


def test_only_the_call_that_kills_its_process_fails(processes):
    running = processes.submit(os._exit, 3)
    waiting = [processes.submit(divmod, 7, n) for n in (1, 2, 3)]
    assert isinstance(running.exception(), BrokenExecutor)
    assert [future.result() for future in waiting] == [(7, 0), (3, 1), (2, 1)]


def test_a_running_call_that_is_cancelled_is_given_up_and_the_next_runs(processes):
    assert processes.submit(os.getpid).result()
    stuck = running(processes.submit(time.sleep, 3600))
    after = processes.submit(divmod, 7, 2)
    stuck.cancel()
    assert isinstance(stuck.exception(timeout=60), BrokenExecutor)
    assert after.result(timeout=60) == (3, 1)


@pytest.mark.parametrize("ends_with", ["result", "error"])
def test_cancel_of_a_call_that_has_just_ended_spares_the_next_one(processes, ends_with):
    """Between the end of a call and its cancellation, the worker may have taken the next one."""
    work = (divmod, 7, 2) if ends_with == "result" else (divmod, 7, 0)
    for _ in range(20):
        ended = processes.submit(*work)
        ended.add_done_callback(Future.cancel)
        ended.add_done_callback(type(ended).cancel)
        pid = processes.submit(os.getpid)
        ended.exception()
        ended.cancel()
        assert pid.result() == processes.submit(os.getpid).result()


def test_cancel_at_any_moment_spares_the_next_call(processes):
    for spins in range(0, 2000, 100):
        first, second = processes.submit(divmod, 7, 1), processes.submit(divmod, 7, 2)
        running_or_done(first)
        for _ in range(spins):
            os.sched_yield()
        first.cancel()
        assert second.result(timeout=60) == (3, 1)


def test_errors_and_results_that_cannot_be_pickled_fail_their_call_alone(processes):
    with pytest.raises((AttributeError, TypeError, PicklingError)):
        processes.submit(lambda: 1).result()
    with pytest.raises(TypeError, match="cannot pickle"):
        processes.submit(open, os.devnull).result()
    with pytest.raises(RuntimeError, match="ValueError\\('bad'\\)"):
        processes.submit(exec, "e = ValueError('bad'); e.f = lambda: 1; raise e").result()
    assert processes.submit(divmod, 7, 2).result() == (3, 1)


def test_a_waiting_call_that_is_cancelled_never_runs(processes, tmp_path):
    gate = processes.submit(os.getpid)
    waiting = [processes.submit((tmp_path / str(n)).write_text, "") for n in range(3)]
    cancelled = [future for future in waiting if future.cancel()]
    gate.result()
    assert processes.submit(os.getpid).result()
    assert len(list(tmp_path.iterdir())) == 3 - len(cancelled)
    assert cancelled


def test_several_workers_run_at_the_same_time(tmp_path):
    """The one reads what the other writes: a single worker would never come to its end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ProcessExecutor(workers=2) as executor:
        reader = executor.submit(pipe.read_text)
        executor.submit(pipe.write_text, "met")
        assert reader.result(timeout=60) == "met"


def test_one_call_after_the_other_runs_in_one_worker():
    """Each new worker takes seconds to import Aer."""
    with ProcessExecutor(workers=3) as executor:
        assert len({executor.submit(os.getpid).result() for _ in range(20)}) == 1


def test_no_workers_are_an_error():
    with pytest.raises(ValueError, match="workers must be at least 1"):
        ProcessExecutor(workers=0)


def test_what_was_shut_down_takes_no_call(processes):
    processes.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        processes.submit(os.getpid)


def test_a_shutdown_that_does_not_wait_cancels_what_waits():
    executor = ProcessExecutor()
    assert executor.submit(os.getpid).result()
    stuck = running(executor.submit(time.sleep, 3600))
    waiting = executor.submit(os.getpid)
    executor.shutdown(wait=False)
    assert waiting.cancelled()
    assert isinstance(stuck.exception(timeout=60), BrokenExecutor)


# --- whoever runs them, the same results -----------------------------------------------------

WIDE = Program(
    15,
    (
        *(Gate("ry", (q,), parameters=(0.3 + q,)) for q in range(15)),
        *(Gate("cnot", (q + 1,), (q,)) for q in range(14)),
        *(Gate("rx", (q,), parameters=(0.9 - q,)) for q in range(15)),
    ),
)
NATIVE = Program(
    2,
    (Gate("gpi2", (0,), parameters=(0.1,)), Gate("ms", (1, 0), parameters=(0.2, 0.4, 0.25))),
    "native",
)
MIDWAY = Qasm3(
    'OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; bit[3] c; bit m; h q; m = measure q[0];'
    "reset q[0]; cx q[1], q[0]; ry(0.7) q[2]; c = measure q;"
)
ANSATZ = Qasm3("OPENQASM 3.0; input float a; qubit[2] q; ry(a) q[0]; cx q[0], q[1];", (0.8,))
ERRORS = Noise(0.01, 0.05, 0.02)
LINE = Qpu(15, "ms", tuple((n, n + 1) for n in range(14)))


def mixed_tasks():
    """Return tasks of every kind, many of them with the same seed, and one that fails."""
    tasks = []
    for seed in (1, 2, 2**31 - 1):
        exact = Task(WIDE, seed)
        tasks += [
            exact,
            exact._replace(circuit=NATIVE),
            exact._replace(circuit=MIDWAY, width=29),
            exact._replace(shots=150, noise=ERRORS),
            exact._replace(circuit=BELL.circuit, shots=700, noise=ERRORS),
            exact._replace(circuit=MIDWAY, width=29, shots=300, noise=ERRORS),
            exact._replace(shots=100, noise=ERRORS, qpu=LINE, hardware=True, variants=32),
            exact._replace(circuit=MIDWAY, width=3, shots=50, qpu=LINE, hardware=True),
            Energy(ANSATZ, (("ZX", 0.4), ("YY", -0.7)), seed, 29, shots=200, noise=ERRORS),
            MaxCut(3, ((0, 1, 1.0), (1, 2, 0.5)), exact._replace(shots=60, noise=ERRORS)),
        ]
    return [*tasks, Task(Qasm3("qubit q; nonsense"), 1, width=29)]


def contents(value):
    """Return what an outcome consists of, arrays as their bytes."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, Exception):
        return type(value), value.args
    if isinstance(value, dict):
        return [(key, contents(part)) for key, part in value.items()]
    if isinstance(value, (tuple, list)):
        return [contents(part) for part in value]
    return value


def all_of(executor, tasks):
    """Run tasks one by one, and those of circuits together."""
    with executor:
        single = [executor.submit(simulate, task) for task in tasks]
        circuits = [task for task in tasks if isinstance(task, Task)]
        batch = executor.submit(simulate_several, circuits)
        found = [future.exception() or future.result() for future in single]
        return contents(found), contents(batch.result())


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_results_are_the_same_bits_whatever_the_number_of_workers(workers):
    """Not in their order either: what is handed out first need not be done first."""
    tasks = mixed_tasks()
    inline, batch = all_of(InlineExecutor(), tasks)
    assert batch == [one for one, task in zip(inline, tasks, strict=True) if isinstance(task, Task)]
    assert all_of(ProcessExecutor(workers), tasks[::-1]) == (inline[::-1], batch[::-1])
    seeds = {task.seed for task in tasks if isinstance(task, Task)}
    assert len(seeds) == 3
    assert len({str(one) for one in inline}) > len(tasks) / 2


# --- any other executor ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    """The executor of a Dask cluster, whose worker is a thread behind a socket."""
    options = {"processes": False, "n_workers": 1, "threads_per_worker": 1}
    where = {"protocol": "tcp", "host": "127.0.0.1", "dashboard_address": None}
    with LocalCluster(**options, **where) as workers, Client(workers) as client:
        yield client.get_executor(pure=False)


def test_cloud_accepts_the_executor_of_a_cluster(cluster, sender, job_body):
    def replies(executor):
        cloud = FakeIonQ(seed=3, executor=executor)
        send, found = sender(cloud), []
        for noise in ({"model": "ideal"}, {"model": "aria-1", "seed": 5}):
            _, created = send("POST", "/jobs", job_body(noise=noise, shots=50))
            wait_until_simulated(cloud)
            found.append(send("GET", f"/jobs/{created['id']}")[1])
            found.append(send("GET", f"/jobs/{created['id']}/results/probabilities")[1])
        return found

    assert replies(cluster) == replies(InlineExecutor())


def test_failure_of_a_job_crosses_a_cluster_with_its_code(cluster, sender):
    """Dask pickles an error with the errors that led to it, here those of a parser."""
    cloud = FakeIonQ(seed=3, executor=cluster)
    send = sender(cloud)
    data = "OPENQASM 3; qubit[0"
    body = {"type": "ionq.qasm3.v1", "backend": "simulator", "input": {"data": data}}
    _, created = send("POST", "/jobs", body)
    wait_until_simulated(cloud)
    job = send("GET", f"/jobs/{created['id']}")[1]
    assert (job["status"], job["failure"]["code"]) == ("failed", "PreflightError")


def test_cancelling_a_job_cancels_its_call_on_any_executor(sender, job_body):
    class Holding(Executor):
        def __init__(self):
            self.futures = []

        def submit(self, *_, **__):
            self.futures.append(Future())
            return self.futures[-1]

    executor = Holding()
    send = sender(FakeIonQ(executor=executor))
    _, created = send("POST", "/jobs", job_body())
    send("PUT", f"/jobs/{created['id']}/status/cancel")
    assert [future.cancelled() for future in executor.futures] == [True]


def test_a_cancelled_circuit_of_a_batch_takes_no_other_with_it(sender):
    """Circuits of a job are simulated together, in one call."""

    class Holding(Executor):
        def __init__(self):
            self.calls = []

        def submit(self, *call):
            self.calls.append((Future(), call))
            return self.calls[-1][0]

    executor = Holding()
    send = sender(FakeIonQ(seed=1, executor=executor))
    circuits = [{"circuit": [{"gate": "x", "target": 0}]}] * 3
    body = {"type": "ionq.multi-circuit.v1", "backend": "simulator"}
    _, created = send("POST", "/jobs", {**body, "input": {"qubits": 1, "circuits": circuits}})
    first, *others = send("GET", f"/jobs/{created['id']}")[1]["child_job_ids"]
    assert send("PUT", f"/jobs/{first}/status/cancel")[0] == 200
    ((future, (function, *arguments)),) = executor.calls
    assert not future.cancelled()
    future.set_result(function(*arguments))
    statuses = [send("GET", f"/jobs/{one}")[1]["status"] for one in (first, *others)]
    assert statuses == ["canceled", "completed", "completed"]
    for one in others:
        assert send("GET", f"/jobs/{one}/results/probabilities")[1] == {"1": 1.0}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name")
def test_a_cancelled_job_takes_no_neighbour_on_a_cluster_with_it(
    cluster, sender, job_body, tmp_path
):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    cloud = FakeIonQ(seed=1, executor=cluster)
    send, holds = sender(cloud), cluster.submit(pipe.read_text)  # the one thread of the worker
    first, second = (send("POST", "/jobs", job_body())[1]["id"] for _ in range(2))
    assert send("PUT", f"/jobs/{first}/status/cancel")[0] == 200
    pipe.write_text("go on")
    assert holds.result(60) == "go on"
    wait_until_simulated(cloud)
    assert [send("GET", f"/jobs/{one}")[1]["status"] for one in (first, second)] == [
        "canceled",
        "completed",
    ]


def wait_until_simulated(cloud):
    for job in cloud.jobs:
        simulation = job._simulation
        if simulation is not None:
            with contextlib.suppress(SimulationFailure):
                simulation.result()
