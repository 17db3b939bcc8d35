"""Turns on one virtual clock: the seed decides their order, and their sleeps the time."""

import random
import threading
from datetime import timedelta

import pytest

from ionq_toolkit_fake.chaos.schedule import Schedule, Stopped, StuckError
from ionq_toolkit_fake.clock import EPOCH


def schedule_of(seed=0, **options):
    return Schedule(random.Random(seed), **options)


def wakes(seed, *, until_s=1000.0):
    """Return the times at which three turns wake, each with its own sleeps."""
    schedule, woken = schedule_of(seed), []

    def turn(name, pauses):
        def go():
            for pause in pauses:
                schedule.sleep(pause)
                woken.append((name, schedule.monotonic()))

        return go

    for name, pauses in (("a", (1, 1, 2)), ("b", (2, 1, 1)), ("c", (0, 0, 4))):
        schedule.add(turn(name, pauses))
    schedule.run(until_s)
    return woken


def test_time_moves_to_the_first_turn_that_wakes():
    woken = wakes(0)
    assert [moment for _, moment in woken] == sorted(moment for _, moment in woken)
    by_name = {name: [m for n, m in woken if n == name] for name in "abc"}
    assert by_name == {"a": [1, 2, 4], "b": [2, 3, 4], "c": [0, 0, 4]}


def test_seed_decides_the_order_of_turns():
    assert all(wakes(seed) == wakes(seed) for seed in range(5))
    assert len({tuple(wakes(seed)) for seed in range(20)}) > 3


def test_one_turn_runs_at_a_time():
    schedule, running, most = schedule_of(), [], []

    def go():
        for _ in range(50):
            running.append(threading.get_ident())
            most.append(len(running))
            running.pop()
            schedule.sleep(0)

    for _ in range(4):
        schedule.add(go)
    schedule.run(1.0)
    assert set(most) == {1}
    assert len(most) == 200


def test_now_returns_a_date():
    schedule = schedule_of()
    schedule.sleep(90)  # a thread without a turn moves the time on
    assert schedule.now() == EPOCH + timedelta(seconds=90)


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_sleep_rejects_invalid_seconds(seconds):
    with pytest.raises(ValueError, match="cannot sleep"):
        schedule_of().sleep(seconds)


def test_thread_without_turn_cannot_wait_for_ever():
    with pytest.raises(TimeoutError, match="without a turn"):
        schedule_of().sleep(float("inf"))


def test_event_happens_before_turns_of_the_same_moment():
    schedule, woken = schedule_of(), []
    schedule.at(2.0, lambda: woken.append(("event", schedule.monotonic())))

    def go():
        schedule.sleep(2.0)
        woken.append(("turn", schedule.monotonic()))

    schedule.add(go)
    schedule.run(10.0)
    assert woken == [("event", 2.0), ("turn", 2.0)]


def test_settle_calls_events_after_the_last_turn():
    schedule, woken = schedule_of(), []
    schedule.at(20.0, lambda: woken.append(schedule.monotonic()))
    schedule.add(lambda: schedule.sleep(1.0))
    schedule.run(10.0)
    assert woken == []
    schedule.settle()
    assert woken == [20.0]


def test_turn_that_waits_for_ever_is_stopped_alone():
    schedule, ended = schedule_of(), []

    def patient():
        schedule.sleep(float("inf"))
        ended.append("never")

    def quick():
        schedule.sleep(3.0)
        ended.append("quick")

    waits, quickly = schedule.add(patient), schedule.add(quick)
    schedule.run(100.0)
    assert ended == ["quick"]
    assert waits.why == "waits for ever after 100 s"
    assert (quickly.why, quickly.ended_at) == (None, 3.0)


def test_turn_that_sleeps_beyond_the_limit_is_stopped():
    schedule = schedule_of()
    turn = schedule.add(lambda: schedule.sleep(101.0))
    schedule.run(100.0)
    assert turn.why == "has not ended after 100 s"


def test_turn_that_catches_stopped_is_stopped_again():
    schedule, tried = schedule_of(), []

    def deaf():
        for _ in range(3):
            try:
                schedule.sleep(1000.0)
            except BaseException as error:  # noqa: BLE001 - that is the point
                tried.append(type(error))

    schedule.add(deaf)
    schedule.run(100.0)
    assert tried == [Stopped] * 3


def test_turn_that_waits_in_real_time_is_located():
    schedule = schedule_of(stuck_after_s=0.05)
    release = threading.Event()
    schedule.add(release.wait)
    try:
        with pytest.raises(StuckError, match=r"(?s)something other than the clock.*wait"):
            schedule.run(10.0)
    finally:
        release.set()


def test_error_of_a_turn_is_raised_after_the_others_end():
    schedule, ended = schedule_of(), []

    def breaks():
        raise RuntimeError("broken")

    def goes_on():
        schedule.sleep(1.0)
        ended.append(schedule.monotonic())

    schedule.add(breaks)
    schedule.add(goes_on)
    with pytest.raises(RuntimeError, match="broken"):
        schedule.run(10.0)
    assert ended == [1.0]
