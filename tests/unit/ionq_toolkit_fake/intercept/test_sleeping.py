"""Sleeping in a scope moves the clock of its cloud, and no other."""

import asyncio
import importlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from time import monotonic, sleep

import anyio
import pytest

from ionq_toolkit_fake import FakeIonQ, mock_ionq

HOUR = 3600.0
SLEEPS = (time.sleep, asyncio.sleep, threading.Event.wait, time.time, time.monotonic)


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    originals = (time.sleep, asyncio.sleep, threading.Event.wait, time.time, time.monotonic)
    began = time.perf_counter()
    yield
    assert (
        originals
        == SLEEPS
        == (
            time.sleep,
            asyncio.sleep,
            threading.Event.wait,
            time.time,
            time.monotonic,
        )
    )
    assert (sleep, monotonic) == (time.sleep, time.monotonic)
    assert time.perf_counter() - began < 60  # an hour was not slept


def by_time():
    time.sleep(HOUR)


def by_name():
    sleep(HOUR)


def by_asyncio():
    assert asyncio.run(asyncio.sleep(HOUR, "found")) == "found"


def by_anyio():
    anyio.run(anyio.sleep, HOUR)


def by_event():
    assert threading.Event().wait(HOUR) is False
    assert threading.Event().wait(timeout=0) is False


@pytest.mark.parametrize("way", [by_time, by_name, by_asyncio, by_anyio, by_event])
def test_sleeping_moves_the_clock(way):
    with mock_ionq() as cloud:
        way()
    assert cloud.clock.monotonic() == HOUR


def test_the_times_that_a_client_reads_agree_with_the_clock():
    with mock_ionq() as cloud:
        began = time.time(), time.monotonic(), monotonic()
        sleep(HOUR)
        passed = time.time() - began[0], time.monotonic() - began[1], monotonic() - began[2]
        assert all(HOUR <= seconds < HOUR + 60 for seconds in passed)
        cloud.clock.sleep(HOUR)
        assert time.monotonic() - began[1] >= 2 * HOUR


def test_an_event_that_is_set_is_seen_and_one_that_a_thread_sets_soon_as_well():
    with mock_ionq() as cloud:
        event, go = threading.Event(), threading.Event()
        event.set()
        assert event.wait(HOUR)
        thread = threading.Thread(target=lambda: event.set() if go.wait(5) else None)
        event.clear()
        thread.start()
        go.set()
        assert event.wait(HOUR)
        thread.join()
    assert cloud.clock.monotonic() == 0


@pytest.mark.parametrize(("seconds", "error"), [(-1, ValueError), ("x", TypeError)])
def test_seconds_that_the_original_refuses_are_refused(seconds, error):
    with mock_ionq(), pytest.raises(error):
        time.sleep(seconds)


@pytest.mark.parametrize("options", [{"sleep": "real"}, {"clock": "real"}])
def test_where_sleeping_is_real_the_clock_is_left_alone(options):
    with mock_ionq(transitions="immediately", **options) as cloud:
        before = cloud.clock.now()
        real = time.perf_counter()
        time.sleep(0.02)
        assert time.perf_counter() - real >= 0.02
        assert (cloud.clock.now() - before).total_seconds() < 30


def test_the_innermost_scope_decides():
    with mock_ionq() as outer, mock_ionq() as inner:
        sleep(5)
        with mock_ionq(sleep="real"):
            sleep(0.001)
    assert (outer.clock.monotonic(), inner.clock.monotonic()) == (0, 5)


def test_another_thread_sleeps_really_and_moves_nothing():
    took = []

    def work():
        began = time.perf_counter()
        time.sleep(0.02)
        took.append(time.perf_counter() - began)

    with mock_ionq() as cloud:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert took[0] >= 0.02
    assert cloud.clock.monotonic() == 0


def test_a_thread_of_a_task_is_in_its_scope():
    async def main():
        with mock_ionq() as cloud:
            await asyncio.to_thread(time.sleep, HOUR)
            await asyncio.to_thread(by_time)
        return cloud.clock.monotonic()

    assert asyncio.run(main()) == 2 * HOUR


def test_a_task_outside_of_the_scope_moves_nothing():
    async def outside(began):
        await began.wait()
        real = time.perf_counter()
        await asyncio.sleep(0.02)
        return time.perf_counter() - real

    async def main():
        began = asyncio.Event()
        task = asyncio.create_task(outside(began))
        with mock_ionq() as cloud:
            began.set()
            await asyncio.sleep(HOUR)
            assert await task >= 0.02
        return cloud.clock.monotonic()

    assert asyncio.run(main()) == HOUR


def test_sleeps_at_the_same_time_do_not_add_up_and_wake_in_order():
    async def poll(name, seconds, times, seen):
        for _ in range(times):
            await asyncio.sleep(seconds)
            seen.append(name)

    async def main():
        seen = []
        with mock_ionq() as cloud:
            await asyncio.gather(
                poll("a", 3, 2, seen), poll("b", 2, 4, seen), poll("c", 7, 1, seen)
            )
        return seen, cloud.clock.monotonic()

    # At 2 b, 3 a, 4 b, 6 a (which began to sleep first) and b, 7 c, 8 b.
    assert asyncio.run(main()) == (["b", "a", "b", "a", "b", "c", "b"], 8)


def test_a_task_that_is_cancelled_does_not_move_the_clock():
    async def main():
        with mock_ionq() as cloud:
            task = asyncio.create_task(asyncio.sleep(HOUR))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.sleep(5)
            return cloud.clock.monotonic()

    assert asyncio.run(main()) == 5


def test_the_standard_library_keeps_its_own_time():
    """`concurrent.futures.wait` waits for an event with a timeout; a thread sets it."""
    with mock_ionq() as cloud, ThreadPoolExecutor(1) as executor:
        gate = threading.Event()
        future = executor.submit(gate.wait)
        gate.set()
        assert wait([future], timeout=30).done == {future}
    assert cloud.clock.monotonic() == 0


def test_a_module_that_is_imported_within_gets_the_original_back(tmp_path, monkeypatch):
    (tmp_path / "late_sleeper.py").write_text("from time import sleep\n")
    monkeypatch.syspath_prepend(tmp_path)
    with mock_ionq() as cloud:
        late_sleeper = importlib.import_module("late_sleeper")
        late_sleeper.sleep(HOUR)
        assert late_sleeper.sleep is not SLEEPS[0]
    assert late_sleeper.sleep is SLEEPS[0]
    assert cloud.clock.monotonic() == HOUR


def test_a_sleep_that_the_test_has_replaced_itself_stays(monkeypatch):
    found = []
    monkeypatch.setattr(time, "sleep", found.append)
    with mock_ionq() as cloud:
        time.sleep(HOUR)
    assert (found, cloud.clock.monotonic()) == ([HOUR], 0)
    monkeypatch.undo()


def test_an_unknown_sleep_is_refused():
    with pytest.raises(ValueError, match="no sleep 'never'"):
        mock_ionq(sleep="never")  # type: ignore[call-overload]


def test_a_cloud_may_be_used_again_after_time_has_passed():
    cloud = FakeIonQ(seed=1)
    for _ in range(2):
        with mock_ionq(cloud):
            began = time.monotonic()
            sleep(HOUR)
            assert HOUR <= time.monotonic() - began < HOUR + 60
    assert cloud.clock.monotonic() == 2 * HOUR
