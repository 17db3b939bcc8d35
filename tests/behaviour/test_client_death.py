"""The end of a client in the middle of a submission: by an interrupt at any line, or a kill."""

import contextlib
import gc
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from qiskit import QuantumCircuit

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, Session, errors
from ionq_toolkit.backend import IonQBackend
from ionq_toolkit.journal import Journal
from ionq_toolkit_fake import FakeIonQ, FakeServer

ROOT = Path(__file__).parents[2]
KEY = "k-0123456789abcdef"
CLIENT = f"{ROOT / 'ionq_toolkit'}/"


class Interrupter:
    """Raises KeyboardInterrupt at a line of the client, counted from 1.

    A line counts when it is reached first, and each time as long as something may be on its way.
    """

    def __init__(self, at, is_sent=lambda: False, rooms=(CLIENT,)):
        self.at, self.is_sent, self.rooms = at, is_sent, rooms
        self.lines, self.seen = 0, set()

    def trace(self, frame, event, argument):
        name = frame.f_code.co_filename
        if not name.startswith(self.rooms):
            return None
        line = name, frame.f_lineno
        if event == "line" and (line not in self.seen or self.is_sent()):
            self.seen.add(line)
            self.lines += 1
            if self.lines == self.at:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self.trace

    def __enter__(self):
        sys.settrace(self.trace)
        return self

    def __exit__(self, *_):
        sys.settrace(None)


@pytest.fixture(scope="module")
def measured():
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    return circuit


def places(start, act, sent, rooms=(CLIENT,)):
    """Yield what `act` does when it is interrupted at each line, with all that `sent` tells of."""
    at = 0
    while True:
        at += 1
        subject = start()
        with Interrupter(at, lambda: bool(sent()), rooms) as interrupter:
            try:
                done = act(subject)
            except KeyboardInterrupt as error:
                done = error
        if interrupter.lines < at:
            assert at > 100, "lines of a submission"
            return
        yield subject, done


def told(error):
    return " ".join(getattr(error, "__notes__", ()))


@pytest.mark.slow
def test_run_that_is_interrupted_at_any_line_tells_the_tag_or_sent_nothing(measured, tmp_path):
    clouds = []

    def start():
        clouds.append(FakeIonQ(seed=1))
        provider = IonQProvider(transport=InProcessTransport(clouds[-1]))
        return provider.get_backend("simulator")

    act, jobs = partial(IonQBackend.run, run_input=measured, shots=10), lambda: clouds[-1].jobs
    for backend, done in places(start, act, jobs):
        sent = clouds[-1].jobs
        if isinstance(done, KeyboardInterrupt) and sent:
            (job,) = sent
            assert job.submission.metadata["toolkit_tag"] in told(done)
            found = backend.find_submission(job.submission.metadata["toolkit_tag"])
            assert found.job_id() == job.id


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # open sockets
def test_interrupt_at_any_line_of_transport_and_journal_leaves_a_line_in_the_journal(
    measured, tmp_path
):
    path, rooms = tmp_path / "journal", (f"{CLIENT}transport/", f"{CLIENT}journal.py")
    with FakeServer(FakeIonQ(seed=1)) as server:
        provider = IonQProvider(KEY, server.url, journal=path, retry=None)
        backend = provider.get_backend("simulator")
        backend.run(measured, shots=10)
        act = partial(IonQBackend.run, run_input=measured, shots=10)
        interrupted = {
            told(done).rpartition("tag ")[2].rstrip(".")
            for _, done in places(lambda: backend, act, list, rooms)
            if isinstance(done, KeyboardInterrupt)
        }
        provider.close()
        for _ in range(5):  # sockets that tracebacks hold; closing a generator brings some back
            gc.collect()
        left = {entry.tag for entry in Journal(path).open_entries()}
    made = {job.submission.metadata["toolkit_tag"] for job in server.cloud.jobs}
    assert len(interrupted) > 100
    lines = path.read_text()
    assert all(tag in lines for tag in interrupted & made)
    assert left <= interrupted


@pytest.mark.slow
def test_submit_that_is_interrupted_at_any_line_can_be_called_again_and_pays_once(measured):
    clouds = []

    def start():
        clouds.append(FakeIonQ(seed=1))
        provider = IonQProvider(transport=InProcessTransport(clouds[-1]))
        return IonQJob(provider.get_backend("simulator"), None, None, measured, {"shots": 10})

    for job, done in places(start, IonQJob.submit, lambda: clouds[-1].jobs):
        assert job.submission_tag
        if isinstance(done, KeyboardInterrupt):
            with contextlib.suppress(
                errors.IonQJobStateError,  # it is known by its id
                errors.IonQSubmissionUnknownError,  # it may be on its way, for all that is known
            ):
                job.submit()
        if not job.job_id():
            assert not clouds[-1].jobs
            continue
        assert [one.id for one in clouds[-1].jobs] == [job.job_id()]
        assert job.get_counts() == {"1": 10}


def test_session_that_is_interrupted_at_any_line_is_named_or_nothing_was_sent():
    clouds = []

    def start():
        clouds.append(FakeIonQ(seed=1))
        provider = IonQProvider(transport=InProcessTransport(clouds[-1]))
        return provider.get_backend("forte-1")

    def sessions():
        return [one for project in clouds[-1].projects for one in project.sessions]

    for _, done in places(start, partial(Session, max_jobs=3), sessions):
        created = [one.id for one in sessions()]
        if isinstance(done, KeyboardInterrupt) and created:
            assert created[0] in told(done) or "list_sessions(active=True)" in told(done)
        elif isinstance(done, KeyboardInterrupt):
            assert "was created" not in told(done)
        else:
            assert created == [done.session_id]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_after_kills_of_client_and_server_a_recovery_knows_all_submissions():
    """scripts/kills.py kills 200 of them."""
    command = [sys.executable, ROOT / "scripts" / "kills.py", "--kills", "10", "--seed", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 kills; recovered {'" in done.stdout
