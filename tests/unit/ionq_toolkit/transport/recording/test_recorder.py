"""Recording of the exchanges of a transport."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from recordings import KEY, PROJECT, URL, USER, Script, ask, entries, reply

from ionq_toolkit import (
    HttpTransport,
    InProcessTransport,
    RecordingTransport,
    ReplayTransport,
    Transport,
)
from ionq_toolkit.transport import RecordingFileError
from ionq_toolkit_fake import FakeIonQ


def test_request_and_response_pass_unchanged(path):
    answer = reply({"project_id": PROJECT, "echo": KEY}, Set_Cookie="a=b")
    script = Script(answer)
    body = b'{"user_id": "me",  "key": 1.0}'
    assert ask(RecordingTransport(script, path), "POST", "/jobs?b=1&a=2", body, timeout=3) is answer
    headers = {"Authorization": f"apiKey {KEY}", "Cookie": "session=mine"}
    assert script.sent == [("POST", f"{URL}/jobs?b=1&a=2", headers, body, 3)]


def test_recorder_has_the_attributes_of_its_transport(path, cloud):
    inner = InProcessTransport(cloud)
    recorder = RecordingTransport(inner, path)
    assert isinstance(recorder, Transport)
    assert recorder.requires_key is False
    assert recorder.clock is cloud.clock
    script = Script(reply([]))
    other = RecordingTransport(script, path.with_name("other.jsonl"))
    assert other.requires_key is True
    assert other.clock is None
    other.close()
    assert script.outcomes == []
    assert str(path) in repr(recorder)
    assert "InProcessTransport" in repr(recorder)


@pytest.mark.parametrize("inner", [None, KEY, FakeIonQ, HttpTransport])
def test_recorder_rejects_a_non_transport_before_it_creates_a_file(path, inner):
    with pytest.raises(TypeError, match="is no transport: that is an object with send") as caught:
        RecordingTransport(inner, path)
    assert KEY not in str(caught.value)
    assert not path.exists()


def test_only_headers_that_a_client_uses_are_recorded(path):
    answer = reply(
        {},
        Authorization="apiKey other",
        Set_Cookie="session=theirs",
        X_Amzn_Token="theirs",
        Date="Thu, 01 Jan 2026 00:00:00 GMT",
        Retry_After="3",
        X_RateLimit_Remaining="7",
    )
    ask(RecordingTransport(Script(answer), path))
    text = path.read_text().lower()

    assert not any(word in text for word in ("cookie", "authorization", "session", "theirs"))
    played = ask(ReplayTransport(path))
    assert dict(played.headers) == {
        "content-type": "application/json",
        "date": "Thu, 01 Jan 2026 00:00:00 GMT",
        "retry-after": "3",
        "x-ratelimit-remaining": "7",
    }


def test_other_errors_are_not_recorded(path):
    transport = RecordingTransport(Script(TypeError("a mistake")), path)
    with pytest.raises(TypeError, match="a mistake"):
        ask(transport)
    assert len(entries(path)) == 1


def test_each_exchange_is_written_before_the_next(path):
    transport = RecordingTransport(Script(*(reply([n]) for n in range(5))), path)
    for n in range(5):
        ask(transport, "GET", f"/jobs/{n}")
        assert ask(ReplayTransport(path), "GET", f"/jobs/{n}").body == b"[%d]" % n


def test_a_killed_process_leaves_its_recording(path):
    script = """
import os, sys
from ionq_toolkit import InProcessTransport, RecordingTransport
class Cloud:
    def handle(self, method, url, headers, body, timeout):
        if url.endswith("/3"):
            os.kill(os.getpid(), 9)
        return 200, {}, b"[1]"
transport = RecordingTransport(InProcessTransport(Cloud()), sys.argv[1])
for n in range(9):
    transport.send("GET", f"http://x/jobs/{n}", {}, None, None)
"""
    done = subprocess.run([sys.executable, "-c", script, str(path)], timeout=120, check=False)
    assert done.returncode == -9
    assert [one["request"]["url"] for one in entries(path)[1:]] == [f"/jobs/{n}" for n in range(3)]


@pytest.mark.slow
def test_a_full_disk_loses_neither_response_nor_recording(path):
    script = """
import resource, signal, sys
from ionq_toolkit import InProcessTransport, RecordingTransport
from ionq_toolkit.transport import RecordingError
class Cloud:
    def handle(self, method, url, headers, body, timeout):
        return 201, {}, b'{"id": "job-%d", "submitter_id": "64b03577072d45001c85e9c4"}' % len(url)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
transport = RecordingTransport(InProcessTransport(Cloud()), sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
for n in range(9):
    try:
        transport.send("POST", "http://x/jobs/" + "9" * n, {}, b"{}", None)
    except RecordingError as error:
        print(n, type(error).__name__, error)
        break
"""
    out = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        timeout=120,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    recorded = entries(path)[1:]
    count = len(recorded)
    assert count >= 1
    assert path.stat().st_size <= 700
    assert out.startswith(f"{count} RecordingFileError {path} could not be written (")
    assert f"POST /jobs/{'9' * count} was answered 201" in out
    assert f'{{"id":"job-{14 + count}","submitter_id":"0000' in out


@pytest.mark.parametrize("failure", [TimeoutError(110, "Connection timed out"), OSError(5, "I/O")])
def test_a_disk_error_is_not_an_os_error(path, monkeypatch, failure):
    transport = RecordingTransport(Script(reply({"id": "j"}, 201)), path)

    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(RecordingFileError, match=r'answered 201 \{"id":"j"\}') as caught:
        ask(transport, "POST", "/jobs", {})
    assert not isinstance(caught.value, OSError)
    assert caught.value.__cause__ is failure


def test_a_deleted_recording_is_not_created_again(path):
    transport = RecordingTransport(Script(reply([1]), reply([2])), path)
    path.unlink()
    with pytest.raises(RecordingFileError, match="could not be written"):
        ask(transport)
    assert not path.exists()


def test_an_existing_recording_is_not_overwritten(record, path):
    before = record((("GET", "/jobs/j"), reply({})))
    script = Script(reply({}))
    with pytest.raises(FileExistsError, match=r"delete it to record anew.*recording\.jsonl"):
        RecordingTransport(script, path)
    assert path.read_text() == before
    assert not script.sent


def test_an_unwritable_path_fails_before_a_request(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        RecordingTransport(Script(), tmp_path / "file" / "recording.jsonl")


def test_folders_are_created_and_the_working_directory_may_change(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    transport = RecordingTransport(Script(reply([1])), "some/where/recording.jsonl")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    ask(transport)
    assert len(entries(tmp_path / "some" / "where" / "recording.jsonl")) == 2


def test_threads_record_and_replay_concurrently(path):
    workers, polls = 8, 20
    barrier = threading.Barrier(workers)

    class Cloud:
        def __init__(self):
            self.polls = dict.fromkeys(range(workers), 0)

        def handle(self, method, url, headers, body, timeout):
            worker = int(url.rsplit("/", 1)[1])
            self.polls[worker] += 1
            content = {"poll": self.polls[worker], "worker": worker, "project_id": PROJECT}
            return 200, {}, json.dumps(content).encode()

    def poll(transport, worker):
        barrier.wait(30)
        bodies = [ask(transport, "GET", f"/jobs/{worker}", key=KEY * 2).body for _ in range(polls)]
        return [(body["poll"], body["worker"]) for body in map(json.loads, bodies)]

    expected = [[(n + 1, worker) for n in range(polls)] for worker in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        recorder = RecordingTransport(InProcessTransport(Cloud()), path)
        assert list(pool.map(poll, [recorder] * workers, range(workers))) == expected
        assert len(entries(path)) == 1 + workers * polls
        replay = ReplayTransport(path)
        assert list(pool.map(poll, [replay] * workers, range(workers))) == expected
    assert PROJECT not in path.read_text()


def test_a_slow_request_does_not_block_another(path):
    """One that is slow keeps nobody else from being sent."""
    meet = threading.Barrier(2)

    class Cloud:
        def handle(self, method, url, headers, body, timeout):
            meet.wait(30)
            return 200, {}, b"[]"

    recorder = RecordingTransport(InProcessTransport(Cloud()), path)
    with ThreadPoolExecutor(2) as pool:
        assert [r.status for r in pool.map(ask, [recorder] * 2)] == [200, 200]


def test_no_file_stays_open(path):
    opened = Path("/proc/self/fd")
    if not opened.exists():
        pytest.skip("what is open cannot be seen here")
    before = len(list(opened.iterdir()))
    for n in range(20):
        name = path.with_name(f"{n}.jsonl")
        ask(RecordingTransport(Script(reply([1])), name))
        ask(ReplayTransport(name))
    assert len(list(opened.iterdir())) <= before


def test_a_replay_can_be_recorded(record, path):
    record((("GET", f"/jobs?submitter_id={USER}"), reply({"project_id": PROJECT})))
    again = path.with_name("again.jsonl")
    ask(RecordingTransport(ReplayTransport(path), again), "GET", f"/jobs?submitter_id={USER}")
    assert again.read_text() == path.read_text()
