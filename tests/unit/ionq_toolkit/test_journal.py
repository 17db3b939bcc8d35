"""Submissions that are written down before they are sent."""

import json
import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from qiskit import QuantumCircuit

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, errors, journal
from ionq_toolkit.cli import main
from ionq_toolkit.events import Submitted, Submitting
from ionq_toolkit.journal import Journal
from ionq_toolkit_fake import FakeIonQ, FakeServer, faults

KEY = "a-key-that-is-a-secret-0123456789"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "jobs.journal"


def circuit():
    made = QuantumCircuit(1, 1)
    made.measure(0, 0)
    return made


def on(cloud, path, transport=InProcessTransport, **options):
    return IonQProvider(KEY, transport=transport(cloud), journal=path, **options)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def left_by_another(path):
    """Let the submissions in a journal be those of a process that is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    text = path.read_text().replace(f'"pid": {os.getpid()}', f'"pid": {gone.pid}')
    path.write_text(text)


def test_a_submission_is_on_the_disk_and_told_before_its_first_byte(path, monkeypatch):
    synced, told, seen = [], [], []
    monkeypatch.setattr(journal.os, "fsync", synced.append)

    class Watched(InProcessTransport):
        def send(self, method, url, headers, body, timeout):
            if method == "POST":
                (line,) = lines(path)
                tag = json.loads(body)["metadata"]["toolkit_tag"]
                seen.append((line["tag"] == tag == job.submission_tag, len(synced), [*told]))
            return super().send(method, url, headers, body, timeout)

    provider = on(FakeIonQ(seed=1), path, Watched, on_event=told.append)
    backend = provider.get_backend("simulator")
    job = IonQJob(backend, circuit=circuit(), passed_args={"shots": 10})
    tag = job.submission_tag
    job.submit()
    assert seen == [(True, 1, [Submitting(job_id=None, seconds=0.0, tag=tag)])]
    assert isinstance(told[1], Submitted)
    assert lines(path)[1] == {"tag": tag, "end": "submitted", "job_id": job.job_id()}
    assert KEY not in path.read_text()
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def interrupted(cloud, path, *, sent):
    """Submit a job, and be killed before or after it is sent."""

    class Killed(InProcessTransport):
        def send(self, *request, **named):
            if sent:
                super().send(*request, **named)
            raise SystemExit

    with pytest.raises(SystemExit) as caught:
        on(cloud, path, Killed).get_backend("simulator").run(circuit(), shots=10)
    (line,) = lines(path)
    assert line["tag"] in caught.value.__notes__[-1]
    return line["tag"]


@pytest.mark.parametrize("sent", [True, False])
def test_recovery_finds_or_settles_what_a_killed_process_left(path, sent):
    cloud = FakeIonQ(seed=1)
    tag = interrupted(cloud, path, sent=sent)
    left_by_another(path)
    provider = on(cloud, path)
    (found,) = provider.recover()
    assert (found.tag, found.outcome) == (tag, "adopted" if sent else "not sent")
    assert found.job_id == (cloud.jobs[0].id if sent else None)
    if not sent:  # five minutes on the cloud's clock, after which a job does not appear any more
        assert 290 < cloud.clock.monotonic() <= 300
    assert provider.recover() == []
    assert len(cloud.jobs) == int(sent)


def test_a_recovery_without_the_time_to_settle_leaves_it_for_the_next(path):
    cloud = FakeIonQ(seed=1)
    tag = interrupted(cloud, path, sent=False)
    left_by_another(path)
    provider = on(cloud, path)
    for _ in range(2):
        (found,) = provider.recover(timeout=10)
        assert (found.tag, found.outcome, found.job_id) == (tag, "unknown", None)
        assert "may in the next" in found.reason
    cloud.faults.add(faults.http(500), "GET /jobs")
    (found,) = on(cloud, path, retry=None).recover()
    assert (found.outcome, "500" in found.reason) == ("unknown", True)


def test_a_refused_submission_is_not_open(path):
    cloud = FakeIonQ(seed=1)
    cloud.faults.add(faults.http(400), "POST /jobs")
    with pytest.raises(errors.IonQAPIError):
        on(cloud, path).get_backend("simulator").run(circuit())
    assert lines(path)[1]["end"] == "not sent"


def test_recovery_leaves_other_accounts_and_processes_that_live_alone(path):
    cloud = FakeIonQ(seed=1)
    interrupted(cloud, path, sent=True)
    fields = lines(path)[0]
    parent = {**fields, "pid": os.getppid(), "started": 0}
    if Path("/proc/self/stat").exists():
        parent["started"] = journal._started(os.getppid())
    path.write_text(json.dumps(parent) + "\n")
    assert on(cloud, path).recover() == []  # a live process
    path.write_text(json.dumps({**parent, "started": 1}) + "\n")  # its id is another's by now
    other = IonQProvider("another-key-0123456789", transport=InProcessTransport(cloud))
    other.service.journal = Journal(path)
    assert other.recover() == []
    assert [one.outcome for one in on(cloud, path).recover()] == ["adopted"]


def test_an_unknown_submission_of_this_process_is_recovered(path):
    cloud = FakeIonQ(seed=1)
    cloud.faults.add(faults.reset(), "POST /jobs", times=1)
    cloud.faults.add(faults.http(500), "GET /jobs", times=50)
    provider = on(cloud, path)
    with pytest.raises(errors.IonQSubmissionUnknownError) as unknown:
        provider.get_backend("simulator").run(circuit())
    cloud.faults.clear()
    (found,) = provider.recover()
    assert found.tag == unknown.value.tag
    assert found.outcome == ("adopted" if cloud.jobs else "not sent")


def test_a_journal_that_cannot_be_written_keeps_a_job_from_being_sent(path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    cloud = FakeIonQ(seed=1)
    job = IonQJob(on(cloud, path).get_backend("simulator"), circuit=circuit())
    with monkeypatch.context() as patched:
        patched.setattr(journal.os, "fsync", full)
        with pytest.raises(errors.IonQJournalError, match="No space left on device"):
            job.submit()
    assert not cloud.jobs
    job.submit()
    assert len(cloud.jobs) == 1


def test_a_torn_line_and_lines_of_others_are_passed_over(path):
    cloud = FakeIonQ(seed=1)
    tag = interrupted(cloud, path, sent=True)
    junk = ["{", "[]", '{"tag": 7, "at": "x"}', "[" * 9999, "\0", '{"end": "submitted"}']
    torn = path.read_text().rstrip("\n")[:-9]
    path.write_text("\n".join([*junk, path.read_text(), torn]))
    assert [entry.tag for entry in Journal(path).open_entries()] == [tag]
    on(cloud, path).get_backend("simulator").run(circuit(), shots=10)  # begins a line of its own
    assert [entry.tag for entry in Journal(path).open_entries()] == [tag]


def many(path, count):
    for number in range(count):
        tag = f"{os.getpid()}-{number}"
        Journal(path).begin(tag, "account")
        if number:
            Journal(path).end(tag, journal.SUBMITTED, "x" * 36)


@pytest.mark.slow
def test_processes_share_a_journal_whose_growth_is_bounded(path, monkeypatch):
    monkeypatch.setattr(journal, "_LARGE", 8192)
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "fork")
    writers = [context.Process(target=many, args=(path, 100)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    expected = {f"{writer.pid}-0" for writer in writers}
    assert {entry.tag for entry in Journal(path).open_entries()} == expected
    assert path.stat().st_size < 3 * 8192


@pytest.mark.parametrize("wrong", ["", "missing/jobs.journal", "."])
def test_a_journal_needs_the_path_of_a_file(tmp_path, monkeypatch, wrong):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.IonQJournalError, match="path of a file"):
        IonQProvider(transport="fake", journal=wrong)


def test_recovery_needs_a_journal():
    with pytest.raises(errors.IonQClientError, match="journal="):
        IonQProvider(transport="fake").recover()


def test_the_command_recovers(path, monkeypatch):
    cloud = FakeIonQ(seed=1)
    with FakeServer(cloud) as server:
        monkeypatch.setenv("IONQ_API_KEY", KEY)
        backend = IonQProvider(url=server.url, journal=path).get_backend("simulator")
        job = backend.run(circuit(), shots=10)
        path.write_text(path.read_text().splitlines()[0] + "\n")
        left_by_another(path)
        arguments = ["recover", str(path), "--url", server.url]
        done = CliRunner().invoke(main, arguments)
        assert (done.exit_code, done.output) == (
            0,
            f"{job.submission_tag} adopted {job.job_id()}\n",
        )
        assert CliRunner().invoke(main, arguments).output == ""
