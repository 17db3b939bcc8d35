"""Forks while other threads hold locks. A child that hangs is killed by its own alarm."""

import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here"),
]

#: `fork` returns how the child ended.
BEGIN = """
import os, signal, threading
from ionq_toolkit import forks

def fork(work):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            work()
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]

def held_by_a_thread(inside, then=lambda: None):
    entered, leave = threading.Event(), threading.Event()
    def stay():
        with inside:
            entered.set()
            leave.wait()
            then()
    thread = threading.Thread(target=stay, daemon=True)
    thread.start()
    entered.wait()
    def end():
        leave.set()
        thread.join()
    return leave, end

def take(lock):
    with lock:
        pass

lock = forks.ForkLock()
"""


def run(program):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BEGIN + program],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_lock_that_another_thread_holds_is_free_in_the_child_and_held_in_the_parent():
    run("""
_, end = held_by_a_thread(lock)
assert fork(lambda: take(lock)) == 0
assert fork(lambda: fork(lambda: take(lock))) == 0
assert not lock.acquire(0)
end()
assert lock.acquire(0)
""")


def test_a_lock_that_the_forking_thread_holds_stays_its_own():
    run("""
def in_child():
    taken = []
    other = threading.Thread(target=lambda: taken.append(lock.acquire(0)))
    other.start()
    other.join()
    assert taken == [False]
    lock.release()
    take(lock)

with lock:
    assert fork(in_child) == 0
take(lock)
""")


def test_a_fork_waits_for_a_thread_that_leaves():
    """The child sees the data after the change, not in the middle of it."""
    run("""
steps = ["begun"]
leave, end = held_by_a_thread(lock, lambda: steps.append("ended"))
os.register_at_fork(before=leave.set)  # the last that is registered is the first that is called

def in_child():
    assert steps == ["begun", "ended"]

assert fork(in_child) == 0
end()
""")


def test_threads_that_fork_at_the_same_time_leave_every_lock_free():
    run("""
together = threading.Barrier(4)
ends = []
def work():
    together.wait()
    ends.append(fork(lambda: take(lock)))
threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert ends == [0] * 4
assert lock.acquire(0)
assert not forks._held
""")


def test_locks_that_are_gone_are_forgotten():
    run("""
import gc
before = len(forks._LOCKS)
locks = [forks.ForkLock() for _ in range(10)]
assert len(forks._LOCKS) == before + 10
del locks
gc.collect()
assert len(forks._LOCKS) == before
""")


def test_a_cached_property_that_a_thread_computes_is_computed_in_the_child_as_well():
    run("""
class Record:
    def __init__(self, inside):
        self.inside = inside

    @forks.cached_property
    def value(self):
        self.inside()
        return []

entered, leave = threading.Event(), threading.Event()
slow = Record(lambda: (entered.set(), leave.wait()))
thread = threading.Thread(target=lambda: slow.value, daemon=True)
thread.start()
entered.wait()
quick = Record(lambda: None)
assert fork(lambda: quick.value) == 0
leave.set()
thread.join()
assert quick.value is quick.value is vars(quick)["value"]
assert isinstance(Record.value, forks.cached_property)
""")
