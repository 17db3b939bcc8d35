"""Processes that fork while a thread is inside the client or the fake: the child does not hang.

The programs run in processes of their own, since a lock that another thread holds at a fork, in any
library, is held for ever. A child that hangs is killed by its own alarm.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ionq_toolkit
import ionq_toolkit_fake
from ionq_toolkit_fake import FakeServer

needs_forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")

BEGIN = """
import contextlib, gc, os, signal, sys, threading
from concurrent.futures import BrokenExecutor
from qiskit import QuantumCircuit
from ionq_toolkit import *
from ionq_toolkit import forks as client_forks
from ionq_toolkit_fake import FakeIonQ, mock_ionq
from ionq_toolkit_fake import forks as fake_forks
from ionq_toolkit_fake.simulation.executors import InlineExecutor, ProcessExecutor

circuit = QuantumCircuit(1)
circuit.x(0)
circuit.measure_all()

def fork(work):
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        try:
            work()
            gc.collect()
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status:
        print("the child ended with", status, flush=True)
        os._exit(1)  # at once: threads still hold locks

def inside(*locks):
    "Have a thread hold locks; return a function that ends it."
    entered, leave = threading.Event(), threading.Event()
    def stay():
        with contextlib.ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            entered.set()
            leave.wait()
    thread = threading.Thread(target=stay, daemon=True)
    thread.start()
    entered.wait()
    def end():
        leave.set()
        thread.join()
    return end

def run(backend):
    job = backend.run(circuit, shots=5)
    assert backend.retrieve_job(job.job_id()).get_counts() == {"1": 5}
"""


def run(program, *arguments):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BEGIN + program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@needs_forks
def test_a_child_works_whichever_locks_of_ours_a_thread_holds(tmp_path):
    run(
        """
os.chdir(sys.argv[1])
cloud = FakeIonQ(seed=1, clock="virtual")
provider = IonQProvider(transport=InProcessTransport(cloud), seed=3)
shared = IonQProvider(transport="fake").get_backend("simulator")
recording = IonQProvider(transport=RecordingTransport(InProcessTransport(cloud), "a.jsonl"))
run(recording.get_backend("simulator"))
replay = IonQProvider(transport=ReplayTransport("a.jsonl"))
backend = provider.get_backend("simulator")
job = backend.run(circuit, shots=5)
with mock_ionq():
    mocked = IonQProvider("a key").get_backend("simulator")
    run(mocked)
locks = [*client_forks._live(), *fake_forks._live()]
assert len(locks) > 12, len(locks)
end = inside(*locks)

def in_child():
    run(backend)
    assert job.get_counts() == {"1": 5}
    run(shared)
    run(replay.get_backend("simulator"))
    run(recording.get_backend("simulator"))
    assert len(cloud.jobs) == 4, cloud.jobs
    cloud.reset()
    with mock_ionq():
        run(mocked)
    noisy = provider.get_backend("forte-1")
    noisy.run([circuit] * 2, shots=5).result()

fork(in_child)
end()
run(backend)
""",
        str(tmp_path),
    )


@pytest.mark.slow
@needs_forks
def test_a_child_works_while_a_thread_of_the_parent_is_in_the_middle_of_a_request():
    """One thread is simulating inside the cloud, another in the response to a poll."""
    run("""
parent, entered, leave = os.getpid(), threading.Semaphore(0), threading.Event()

def stay(*_):
    if os.getpid() == parent and not leave.is_set():
        entered.release()
        leave.wait()

class Executor(InlineExecutor):
    def submit(self, fn, /, *args, **kwargs):
        stay()
        return super().submit(fn, *args, **kwargs)

slow = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=1, executor=Executor())))
quick = IonQProvider(transport="fake", on_event=stay)
found = []
threads = [
    threading.Thread(target=run, args=[one.get_backend("simulator")], daemon=True)
    for one in (slow, quick)
]
for thread in threads:
    thread.start()
entered.acquire()
entered.acquire()
fork(lambda: [run(one.get_backend("simulator")) for one in (slow, quick)])
leave.set()
for thread in threads:
    thread.join()
run(slow.get_backend("simulator"))
""")


@pytest.mark.slow
@needs_forks
@pytest.mark.parametrize("own", ["own", "given"])
def test_a_child_sends_requests_whichever_locks_of_its_connections_a_thread_holds(own):
    """A pool's locks, which urllib3 also takes to close it, and that of the cookies."""
    with FakeServer() as server:
        run(
            """
import requests
url, own = sys.argv[1:]
session = requests.Session()
transport = HttpTransport(session if own == "given" else None)
backend = IonQProvider("any key", url, transport=transport).get_backend("simulator")
run(backend)
session = transport._session
pools = session.get_adapter(url).poolmanager.pools
pool = next(iter(pools._container.values()))
end = inside(pools.lock, pool.pool.mutex, session.cookies._cookies_lock)
del pool, pools

def in_child():
    run(backend)
    transport.close()
    run(backend)

fork(in_child)
end()
run(backend)
""",
            server.url,
            own,
        )


@pytest.mark.slow
@needs_forks
def test_a_child_has_workers_of_its_own_and_loses_the_calls_of_its_parent():
    run("""
executor = ProcessExecutor(1)
cloud = FakeIonQ(seed=1, executor=executor)
backend = IonQProvider(transport=InProcessTransport(cloud)).get_backend("simulator")
assert executor.submit(abs, -1).result() == 1
call = executor.submit(signal.pause)
end = inside(call._condition)

def in_child():
    assert isinstance(call.exception(), BrokenExecutor)
    run(backend)
    executor.shutdown()

fork(in_child)
end()
assert not call.done()
executor.shutdown(wait=False)
""")


#: Where a lock may be one that a fork copies as it is.
EXCEPTIONS = {
    "forks.py",  # the locks themselves
    "transport/http.py",  # renews those of urllib3 in a forked process
    "simulation/executors.py",  # likewise that of a future
}


@pytest.mark.parametrize("package", [ionq_toolkit, ionq_toolkit_fake], ids=lambda p: p.__name__)
def test_every_lock_is_free_after_a_fork(package):
    """Chaos has threads that run in turns and never fork."""
    root = Path(package.__file__).parent
    bad = re.compile(r"(threading\.R?(Lock|Condition)\b|functools.*\bcached_property)")
    for path in root.rglob("*.py"):
        name = path.relative_to(root).as_posix()
        if name not in EXCEPTIONS and not name.startswith("chaos/"):
            assert not bad.search(path.read_text("utf-8")), path
