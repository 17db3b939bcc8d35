"""One job in several threads, and interrupted calls: what is known stays known."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from clouds import RECORD, Scripted
from qiskit import QuantumCircuit
from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, errors
from ionq_toolkit.events import Finished, Submitted
from ionq_toolkit_fake import FakeIonQ


class Held(Scripted):
    """A cloud that keeps its first response until it is let go, and gives others at once."""

    def __init__(self, first, *others):
        super().__init__(*({**RECORD, "status": status} for status in others), before=self.hold)
        self.begun, self.go = threading.Event(), threading.Event()
        self.first = {**RECORD, "status": first}

    def hold(self, *_):
        if len(self.requests) > 1:
            return None
        self.begun.set()
        assert self.go.wait(60)
        return self.first


@pytest.mark.parametrize("late", ["submitted", "started", "canceled", "odd"])
def test_a_late_answer_changes_no_end(late):
    told = []
    cloud = Held(late, "completed")
    provider = IonQProvider(transport=InProcessTransport(cloud), on_event=told.append)
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(job.status)
        assert cloud.begun.wait(60)
        assert job.done()
        cloud.go.set()
        assert slow.result(60) is JobStatus.DONE
    assert job.status() is JobStatus.DONE
    assert job.cancel() is False
    assert [request[0] for request in cloud.requests] == ["GET", "GET"]
    assert len([event for event in told if isinstance(event, Finished)]) == 1


@pytest.mark.parametrize(
    ("first", "second", "seen"),
    [
        ("submitted", "started", JobStatus.RUNNING),  # asked for sooner, answered later
        ("completed", "started", JobStatus.DONE),  # an end is one, whenever it is heard of
    ],
)
def test_of_two_answers_the_one_that_was_asked_for_later_counts(first, second, seen):
    cloud = Held(first, second)
    provider = IonQProvider(transport=InProcessTransport(cloud))
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(job.status)
        assert cloud.begun.wait(60)
        assert job.status() is JobStatus.RUNNING
        cloud.go.set()
        assert slow.result(60) is seen


def test_an_end_that_is_taken_back_is_told_once(scripted):
    ended = {**RECORD, "status": "odd", "completed_at": "2026-01-01T00:00:00Z"}
    replies = [ended, {**RECORD, "status": "odd"}, RECORD]
    told = []
    provider = IonQProvider(
        transport=InProcessTransport(scripted(*[(200, reply) for reply in replies])),
        on_event=told.append,
    )
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    assert [job.in_final_state() for _ in replies] == [True, False, True]
    assert len([event for event in told if isinstance(event, Finished)]) == 1


# --- submitting ------------------------------------------------------------------------------


def job_on(cloud, **options):
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    provider = IonQProvider(transport=InProcessTransport(cloud), **options)
    return IonQJob(provider.get_backend("simulator"), circuit=circuit, passed_args={"shots": 10})


def test_an_interruption_of_who_is_told_does_not_pay_twice():
    cloud, interruptions = FakeIonQ(seed=1), [KeyboardInterrupt]

    def hook(event):
        if isinstance(event, Submitted) and interruptions:
            raise interruptions.pop()

    job = job_on(cloud, on_event=hook)
    with pytest.raises(KeyboardInterrupt):
        job.submit()
    assert job.job_id() == cloud.jobs[0].id
    with pytest.raises(errors.IonQJobStateError, match="submitted already"):
        job.submit()
    assert job.get_counts() == {"1": 10}
    assert len(cloud.jobs) == 1


@pytest.mark.parametrize("where", ["begin", "event"])
def test_an_interruption_between_the_answer_and_the_end_does_not_pay_twice(where, monkeypatch):
    cloud = FakeIonQ(seed=1)
    job = job_on(cloud)
    whose = job._state if where == "begin" else job._submission

    def interrupted(*_):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(whose, where, interrupted)
    with pytest.raises(KeyboardInterrupt):
        job.submit()
    with contextlib.suppress(errors.IonQJobStateError):  # it may be known by its id already
        job.submit()
    assert job.get_counts() == {"1": 10}
    assert [job.job_id()] == [one.id for one in cloud.jobs]


def test_of_several_threads_that_submit_a_job_one_does():
    cloud, begun, go = FakeIonQ(seed=1), threading.Event(), threading.Event()

    def slow(method, *_):
        if method == "POST":
            begun.set()
            assert go.wait(60)

    job = job_on(Scripted(before=slow, otherwise=cloud))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(job.submit)
        assert begun.wait(60)
        for _ in range(3):
            with pytest.raises(errors.IonQJobStateError, match="by another thread"):
                job.submit()
        go.set()
        first.result(60)
    with pytest.raises(errors.IonQJobStateError, match="submitted already"):
        job.submit()
    assert len(cloud.jobs) == 1
    assert job.get_counts() == {"1": 10}


def test_interrupted_run_names_job_and_tag():
    cloud = FakeIonQ(seed=1)

    def hook(event):
        if isinstance(event, Submitted):
            raise KeyboardInterrupt

    provider = IonQProvider(transport=InProcessTransport(cloud), on_event=hook)
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with pytest.raises(KeyboardInterrupt) as caught:
        provider.get_backend("simulator").run(circuit)
    (job,) = cloud.jobs
    (note,) = caught.value.__notes__
    assert note == f"Job {job.id}, tag {job.submission.metadata['toolkit_tag']}."


def test_thread_that_was_interrupted_while_it_submits_may_submit_again():
    job = job_on(FakeIonQ(seed=1))
    job._submission.claimed().__enter__()  # its end was interrupted
    job.submit()
    assert job.get_counts() == {"1": 10}
