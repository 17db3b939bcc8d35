"""Turns on one virtual clock: who runs when follows from chance alone, and time from the sleeps."""

import random
import threading
from datetime import timedelta

import pytest

from ionq_toolkit_fake.chaos.schedule import Schedule, Stopped, StuckError
from ionq_toolkit_fake.clock import EPOCH


def schedule_of(seed=0, **options):
    return Schedule(random.Random(seed), **options)


def told(seed, *, until_s=1000.0):
    """Return what three turns say, each of which sleeps for times of its own."""
    schedule, said = schedule_of(seed), []

    def turn(name, pauses):
        def go():
            for pause in pauses:
                schedule.sleep(pause)
                said.append((name, schedule.monotonic()))

        return go

    for name, pauses in (("a", (1, 1, 2)), ("b", (2, 1, 1)), ("c", (0, 0, 4))):
        schedule.add(turn(name, pauses))
    schedule.run(until_s)
    return said


def test_time_passes_to_where_the_first_wakes_and_no_further():
    said = told(0)
    assert [moment for _, moment in said] == sorted(moment for _, moment in said)
    by_name = {name: [m for n, m in said if n == name] for name in "abc"}
    assert by_name == {"a": [1, 2, 4], "b": [2, 3, 4], "c": [0, 0, 4]}


def test_whose_turn_it_is_follows_from_the_seed():
    assert all(told(seed) == told(seed) for seed in range(5))
    assert len({tuple(told(seed)) for seed in range(20)}) > 3


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


def test_the_clock_gives_dates_as_well():
    schedule = schedule_of()
    schedule.sleep(90)  # a thread without a turn moves the time on
    assert schedule.now() == EPOCH + timedelta(seconds=90)


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_a_time_that_is_none_is_refused(seconds):
    with pytest.raises(ValueError, match="cannot sleep"):
        schedule_of().sleep(seconds)


def test_a_thread_without_a_turn_does_not_wait_for_ever():
    with pytest.raises(TimeoutError, match="without a turn"):
        schedule_of().sleep(float("inf"))


def test_what_is_due_at_a_moment_happens_before_anybody_wakes_then():
    schedule, said = schedule_of(), []
    schedule.at(2.0, lambda: said.append(("event", schedule.monotonic())))

    def go():
        schedule.sleep(2.0)
        said.append(("turn", schedule.monotonic()))

    schedule.add(go)
    schedule.run(10.0)
    assert said == [("event", 2.0), ("turn", 2.0)]


def test_what_is_due_after_all_have_ended_happens_when_it_is_settled():
    schedule, said = schedule_of(), []
    schedule.at(20.0, lambda: said.append(schedule.monotonic()))
    schedule.add(lambda: schedule.sleep(1.0))
    schedule.run(10.0)
    assert said == []
    schedule.settle()
    assert said == [20.0]


def test_who_waits_for_ever_is_stopped_and_the_others_are_not():
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


def test_who_sleeps_for_longer_than_there_is_time_is_stopped():
    schedule = schedule_of()
    turn = schedule.add(lambda: schedule.sleep(101.0))
    schedule.run(100.0)
    assert turn.why == "has not ended after 100 s"


def test_who_takes_no_notice_of_being_stopped_is_stopped_again():
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


def test_who_waits_for_something_else_is_found():
    schedule = schedule_of(stuck_after_s=0.05)
    release = threading.Event()
    schedule.add(release.wait)
    try:
        with pytest.raises(StuckError, match=r"(?s)something else than the clock.*wait"):
            schedule.run(10.0)
    finally:
        release.set()


def test_an_error_of_a_turn_is_raised_and_the_others_run_to_their_ends():
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
