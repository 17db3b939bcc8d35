"""Clients in the process of a cloud whose simulations run elsewhere, and take real time."""

import asyncio
import contextlib
import time
from concurrent.futures import FIRST_COMPLETED, Executor, Future

import pytest
import requests
from qiskit import QuantumCircuit
from requests.adapters import HTTPAdapter
from urllib3 import Retry

import ionq_toolkit
from ionq_toolkit import InProcessTransport, IonQProvider
from ionq_toolkit.errors import IonQJobTimeoutError
from ionq_toolkit_fake import FakeIonQ, faults, mock_ionq
from ionq_toolkit_fake.clock import ClientClock, VirtualClock
from ionq_toolkit_fake.simulation import executors
from ionq_toolkit_fake.simulation.executors import InlineExecutor


class Elsewhere(Executor):
    """Runs a call when there were so many real waits for it; None: never.

    Attributes:
        waits: How long each of the real waits was to be, in seconds.
    """

    def __init__(self, after):
        self.after, self.waits, self.calls = after, [], []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.calls.append((future, lambda: fn(*args, **kwargs)))
        return future

    def wait(self, futures, timeout, return_when):
        assert futures == {future for future, _ in self.calls if not future.done()}
        assert return_when == FIRST_COMPLETED
        self.waits.append(timeout)
        if len(self.waits) == self.after:
            for future, call in self.calls:
                future.set_result(call())


@pytest.fixture
def elsewhere(monkeypatch):
    def make(after):
        executor = Elsewhere(after)
        monkeypatch.setattr(executors, "wait", executor.wait)
        return executor

    return make


def flipped():
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    return circuit


@contextlib.contextmanager
def in_process(cloud):
    yield IonQProvider(transport=InProcessTransport(cloud), seed=1)


@contextlib.contextmanager
def intercepted(cloud):
    with mock_ionq(cloud):
        yield IonQProvider("any key", seed=1)


@pytest.mark.parametrize("way", [in_process, intercepted])
def test_a_wait_gives_a_simulation_its_time(elsewhere, way):
    executor = elsewhere(after=5)
    cloud = FakeIonQ(seed=1, executor=executor)
    with way(cloud) as provider:
        job = provider.get_backend("simulator").run(flipped(), shots=10)
        assert job.result(timeout=60).get_counts() == {"1": 10}
    assert len(executor.waits) == 5
    assert len(cloud.requests) == 1 + 5 + 1 + 1  # POST, a poll before each wait, one after, results
    assert cloud.clock.monotonic() == pytest.approx(sum(executor.waits))


def test_a_simulation_that_never_ends_takes_as_long_as_the_timeout(elsewhere):
    executor = elsewhere(after=None)
    with in_process(FakeIonQ(seed=1, executor=executor)) as provider:
        job = provider.get_backend("simulator").run(flipped())
        with pytest.raises(IonQJobTimeoutError):
            job.result(timeout=60)
    assert sum(executor.waits) == pytest.approx(60)


def test_jobs_that_are_waited_for_together_wait_for_the_first_that_ends(elsewhere):
    executor = elsewhere(after=3)
    with in_process(FakeIonQ(seed=1, executor=executor)) as provider:
        backend = provider.get_backend("simulator")
        jobs = [backend.run(flipped(), shots=10) for _ in range(3)]
        ionq_toolkit.wait(jobs, timeout=60)
        assert [job.get_counts() for job in jobs] == [{"1": 10}] * 3
    assert len(executor.waits) == 3


def test_a_task_waits_as_well(elsewhere):
    executor = elsewhere(after=2)
    with in_process(FakeIonQ(seed=1, executor=executor)) as provider:
        job = provider.get_backend("simulator").run(flipped(), shots=10)
        assert asyncio.run(job.result_async(timeout=60)).get_counts() == {"1": 10}
    assert len(executor.waits) == 2


def test_a_program_of_another_client_that_sleeps_waits_as_well(elsewhere):
    executor = elsewhere(after=1)
    with intercepted(FakeIonQ(seed=1, executor=executor)) as provider:
        provider.get_backend("simulator").run(flipped())
        time.sleep(7)
        assert executor.waits == [7]
        time.sleep(7)
        assert executor.waits == [7]  # all have ended


def test_a_pause_between_retries_of_urllib3_waits_as_well(elsewhere):
    executor = elsewhere(after=None)
    cloud = FakeIonQ(seed=1, executor=executor)
    cloud.faults.add(faults.http(503), on="GET /backends", times=2)
    session = requests.Session()
    retries = Retry(total=2, backoff_factor=1, status_forcelist=[503])
    session.mount("https://", HTTPAdapter(max_retries=retries))
    with intercepted(cloud) as provider:
        provider.get_backend("simulator").run(flipped())
        assert session.get("https://api.ionq.co/v0.4/backends", timeout=9).status_code == 200
    assert executor.waits == [2]  # the first retry is at once


def test_a_control_that_moves_the_clock_does_not_wait(elsewhere):
    executor = elsewhere(after=None)
    cloud = FakeIonQ(seed=1, executor=executor)
    with in_process(cloud) as provider:
        provider.get_backend("simulator").run(flipped())
        cloud.clock.sleep(3600)
    assert executor.waits == []


def test_a_canceled_job_is_not_waited_for(elsewhere):
    executor = elsewhere(after=None)
    cloud = FakeIonQ(seed=1, executor=executor)
    with in_process(cloud) as provider:
        provider.get_backend("simulator").run(flipped()).cancel()
        cloud.client_clock.sleep(10)
    assert executor.waits == []


@pytest.mark.parametrize("executor", [None, InlineExecutor()])
def test_without_simulations_elsewhere_a_client_sleeps_on_the_clock_itself(executor):
    cloud = FakeIonQ(seed=1, executor=executor)
    assert cloud.client_clock is cloud.clock
    assert InProcessTransport(cloud).clock is cloud.clock


def test_on_real_time_a_client_sleeps_on_the_clock_itself(elsewhere):
    cloud = FakeIonQ(seed=1, clock="real", executor=elsewhere(after=None))
    assert cloud.client_clock is cloud.clock


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_no_time_that_a_clock_refuses_is_waited(seconds):
    waits = []
    clock = ClientClock(VirtualClock(), waits.append)
    with pytest.raises(ValueError, match="cannot sleep"):
        clock.sleep(seconds)
    clock.sleep(0)
    assert waits == []
    clock.sleep(2)
    assert (waits, clock.monotonic(), clock.now().second) == ([2], 2, 2)
