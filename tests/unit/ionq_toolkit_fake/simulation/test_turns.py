"""Turns: no project waits for all jobs of another."""

import gc
import json
from concurrent.futures import Future, wait

from hypothesis import given
from hypothesis import strategies as st

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.simulation.executors import ProcessExecutor
from ionq_toolkit_fake.simulation.turns import Turns


def all_of(turns):
    return [turns.get() for _ in range(len(turns))]


def test_a_single_item_passes_a_thousand():
    turns = Turns()
    for number in range(1000):
        turns.put(("many", number), "many")
    turns.put(("one", 0), "one")
    assert all_of(turns)[:3] == [("many", 0), ("one", 0), ("many", 1)]


@given(st.lists(st.sampled_from("abcd"), max_size=60))
def test_each_party_keeps_its_order_and_none_gets_two_turns_while_another_waits(parties):
    turns, left = Turns(), {}
    for number, party in enumerate(parties):
        turns.put((party, number), party)
        left.setdefault(party, []).append(number)
    since = {}
    for party, number in all_of(turns):
        assert number == left[party].pop(0)
        for other, rest in left.items():
            since[other] = 0 if other == party or not rest else since.get(other, 0) + 1
        assert max(since.values()) < len(left)
    assert not any(left.values())


def test_the_end_comes_after_all_items_before_it():
    turns = Turns()
    turns.put("item")
    turns.end()
    assert [turns.get(), turns.get()] == ["item", None]
    assert len(turns) == 0


def test_the_end_may_come_while_the_queue_is_in_use():
    """As the collection of garbage ends an executor in whatever thread it runs in."""

    class Ends:
        def __del__(self):
            turns.end()

    turns = Turns()
    turns.put(Ends())
    turns.get()
    gc.collect()
    assert turns.get() is None


def test_workers_take_turns_between_lanes():
    order = []
    executor = ProcessExecutor(1)
    try:
        calls = [executor.lane("many").submit(int, n) for n in range(30)]
        calls.append(executor.lane("one").submit(int, 99))
        for call in calls:
            call.add_done_callback(lambda call: order.append(call.result()))
        wait(calls, timeout=60)
        assert order.index(99) <= 3
        assert [n for n in order if n != 99] == list(range(30))
        assert executor.load() == (1, 0, 0)
    finally:
        executor.shutdown()


def test_each_project_has_its_lane(job_body, monkeypatch):
    parties = []

    def submit(_, party, *__):
        parties.append(party)
        return Future()

    monkeypatch.setattr(ProcessExecutor, "_submit", submit)
    cloud = FakeIonQ(executor=ProcessExecutor(1), keys={"key-of-a": "a", "key-of-b": "b"})
    for key in ("key-of-a", "key-of-b", "key-of-a"):
        headers = {"Authorization": f"apiKey {key}"}
        body = json.dumps(job_body()).encode()
        assert cloud.handle("POST", "/v0.4/jobs", headers, body).status == 201
    first, second, third = parties
    assert first == third != second
