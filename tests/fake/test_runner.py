"""Where simulations run."""

import multiprocessing
import os
import pickle
import time
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

import pytest

from ionq_toolkit_fake.simulation import (
    Gate,
    InlineExecutor,
    ProcessExecutor,
    Program,
    SimulationFailure,
    Task,
    simulate,
)

BELL = Task(Program(2, (Gate("h", (0,)), Gate("x", (1,), (0,)))), seed=1)


def histogram(outcome):
    return outcome.distribution.as_map()


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
    assert isinstance(processes.submit(os._exit, 3).exception(), BrokenProcessPool)
    assert processes.submit(os.getpid).result() not in {first, os.getpid()}


def test_a_call_that_never_ends_is_given_up_and_no_process_stays():
    executor = ProcessExecutor()
    before = set(multiprocessing.active_children())
    assert executor.submit(os.getpid).result()
    stuck = executor.submit(time.sleep, 3600)
    (worker,) = set(multiprocessing.active_children()) - before

    executor.shutdown(wait=False)

    assert isinstance(stuck.exception(), BrokenProcessPool)
    # Not by its exit code: the pool's own thread may be the one that the system told of it.
    assert wait([worker.sentinel], timeout=30)


def test_shutting_down_what_never_ran_is_nothing():
    ProcessExecutor().shutdown()


def test_a_shutdown_that_waits_brings_the_running_call_to_its_end():
    with ProcessExecutor() as executor:
        future = executor.submit(divmod, 7, 2)
    assert future.result() == (3, 1)


def test_only_the_call_that_kills_its_process_fails(processes):
    running = processes.submit(os._exit, 3)
    waiting = [processes.submit(divmod, 7, n) for n in (1, 2, 3)]
    assert isinstance(running.exception(), BrokenProcessPool)
    assert [future.result() for future in waiting] == [(7, 0), (3, 1), (2, 1)]


def test_a_running_call_that_is_cancelled_is_given_up_and_the_next_runs(processes):
    assert processes.submit(os.getpid).result()
    stuck = processes.submit(time.sleep, 3600)
    after = processes.submit(divmod, 7, 2)
    stuck.cancel()
    assert isinstance(stuck.exception(timeout=60), BrokenProcessPool)
    assert after.result(timeout=60) == (3, 1)


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
    stuck = executor.submit(time.sleep, 3600)
    waiting = executor.submit(os.getpid)
    executor.shutdown(wait=False)
    assert waiting.cancelled()
    assert isinstance(stuck.exception(timeout=60), BrokenProcessPool)
