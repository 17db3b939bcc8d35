"""Chaos tests of the client: it breaks no check, and each of its safeguards is needed."""

import asyncio
import base64
import gc
import importlib
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
import warnings
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace

import pytest
import requests
from click.testing import CliRunner
from qiskit import QuantumCircuit

from ionq_toolkit import InProcessTransport, IonQProvider, errors
from ionq_toolkit.api import connection
from ionq_toolkit.clock import Deadline
from ionq_toolkit.job import polling, recovery, search, submission
from ionq_toolkit.journal import Journal
from ionq_toolkit.service import Service
from ionq_toolkit.transport import retry
from ionq_toolkit.transport.recording import recorder
from ionq_toolkit_fake import Scenario, mock_ionq
from ionq_toolkit_fake.chaos import CHECKS, ChaosTest, StuckError, network, run_chaos
from ionq_toolkit_fake.cli import main

flip = QuantumCircuit(1, 1)
flip.x(0)
flip.measure(0, 0)

#: These seeds find each missing safeguard. Those that find most of them come first.
SEEDS = (3, 16, 32, 7, *range(400))

CALM = Scenario(seed=0)


def broken(program="ionq-toolkit", seeds=SEEDS, **options):
    """Return the first failure, as the checks that it breaks."""
    test = ChaosTest(program, **options)
    for seed in seeds:
        run = test.run(seed)
        if run.violations:
            return run.broken
    return set()


# --- the client ---


def test_client_breaks_no_check():
    """scripts/check.py goes on with a thousand seeds."""
    report = run_chaos("ionq-toolkit", range(25))
    assert report.ok, report
    # The runs contain enough faults and enough results.
    assert min(report.faults[kind] for kind in ("lost_answer", "http", "reset", "late")) > 1
    assert report.endings["result"] > 10
    assert report.endings["IonQSubmissionUnknownError"] > 1
    assert report.unsure >= report.endings["IonQSubmissionUnknownError"]
    assert report.endings["killed"] > 10


@pytest.mark.slow
def test_qiskit_ionq_breaks_several_checks():
    report = run_chaos("qiskit-ionq", range(40))
    assert report.endings["result"] > 10
    assert report.violations["known"] > 0
    assert report.violations["typed"] > 0
    assert report.violations["in_time"] > 0
    assert report.jobs > 40


@pytest.mark.slow
def test_same_seed_gives_the_same_run():
    for seed in range(10):
        one, other = ChaosTest("ionq-toolkit").run(seed), ChaosTest("ionq-toolkit").run(seed)
        assert one.trace == other.trace
        assert one == other


@pytest.mark.slow
def test_same_seed_gives_the_same_run_in_another_process():
    script = (
        "from ionq_toolkit_fake.chaos import ChaosTest; import hashlib\n"
        "traces = [ChaosTest('ionq-toolkit').run(seed).trace for seed in range(20)]\n"
        "print(hashlib.sha256('\\n'.join(traces).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hashseed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for hashseed in ("1", "2")
    }
    assert len(digests) == 1


@pytest.mark.slow
def test_number_of_processes_does_not_change_the_report():
    one = run_chaos("ionq-toolkit", range(60))
    assert run_chaos("ionq-toolkit", range(60), workers=2) == one


# --- processes that are killed, threads and tasks ---


def test_journal_that_is_not_written_loses_the_jobs_of_killed_processes(monkeypatch):
    monkeypatch.setattr(Journal, "begin", lambda *_: None)
    assert broken() == {"known"}


def test_journal_that_is_written_after_the_request_loses_jobs(monkeypatch):
    begin, sent = Journal.begin, submission.Submission._send
    begun = []
    monkeypatch.setattr(Journal, "begin", lambda self, *entry: begun.append((self, entry)))

    def send(self, deadline):
        try:
            return sent(self, deadline)
        finally:
            while begun:
                journal, entry = begun.pop()
                begin(journal, *entry)

    monkeypatch.setattr(submission.Submission, "_send", send)
    assert "known" in broken()


def test_recovery_that_sends_again_pays_twice(monkeypatch):
    monkeypatch.setattr(recovery, "find_job", lambda *_: None)
    assert "known" in broken()


def test_files_are_those_of_the_moment_of_the_death():
    seen = []

    def recover(folder):
        seen.append((folder / "file").read_text())
        return []

    def program(caller):
        caller.folder.mkdir()
        file = caller.folder / "file"
        file.write_text("before")
        caller.recovers(recover)
        try:
            post(caller)
        finally:
            file.write_text("after")  # a killed process does not come here

    run = ChaosTest(program, scenario=CALM, deaths=True).run(5)  # both callers die
    assert [ending.outcome for ending in run.endings] == ["result", "killed"]
    assert seen == ["before"]


def test_killed_process_without_recovery_loses_its_job():
    assert broken(post, scenario=CALM, deaths=True) == {"known"}
    endings = ChaosTest(post, scenario=CALM).run(5).endings  # unless it is asked for
    assert [ending.outcome for ending in endings] == ["result"] * 2


def test_threads_of_a_caller_take_turns_and_raise_where_they_are_waited_for():
    order = []

    def work(caller, number):
        for _ in range(3):
            order.append((number, round(caller.cloud.clock.monotonic(), 3)))
            caller.sleep(number)
        if number == 2:
            raise KeyError("of a thread")

    def program(caller):
        ends = [caller.start(partial(work, caller, number)) for number in (1, 2)]
        for end in ends:
            end()

    test = ChaosTest(program, callers=1, scenario=CALM)
    one, first = test.run(0), list(order)
    order.clear()
    assert test.run(0) == one
    assert order == first
    assert sorted(first) == [(1, 0.0), (1, 1.0), (1, 2.0), (2, 0.0), (2, 2.0), (2, 4.0)]
    assert one.endings[0].error == "KeyError: 'of a thread'"


def test_tasks_are_cancelled_while_they_wait(monkeypatch):
    waits = polling.Poll.run_async

    async def hides_it(self):
        try:
            return await waits(self)
        except asyncio.CancelledError:
            raise RuntimeError("cancelled") from None

    monkeypatch.setattr(polling.Poll, "run_async", hides_it)
    assert broken() == {"typed"}


# --- the client without one of its safeguards ---


def test_client_without_search_loses_jobs(monkeypatch):
    monkeypatch.setattr(submission, "may_have_taken_effect", lambda error: False)
    assert "known" in broken()


def test_client_that_resends_instead_of_searching_pays_twice(monkeypatch):
    monkeypatch.setattr(
        submission.Submission, "_find", lambda self, deadline: self._send(deadline.for_request())
    )
    assert "once" in broken()


def test_transport_that_retries_submissions_pays_twice(monkeypatch):
    monkeypatch.setattr(retry, "is_idempotent", lambda method, path: True)
    assert "once" in broken()


def test_search_without_the_tag_adopts_the_job_of_another_caller(monkeypatch):
    monkeypatch.setattr(
        search.Search, "look", lambda self, deadline: next(self._client.list_jobs(), None)
    )
    assert "known" in broken()


def test_reused_tag_adopts_the_job_of_another_caller(monkeypatch):
    monkeypatch.setattr(Service, "draw_tag", lambda self: "0" * 32)
    assert "known" in broken()


def test_client_without_deadline_is_late(monkeypatch):
    monkeypatch.setattr(Deadline, "left", lambda self: float("inf"))
    assert "in_time" in broken()


def test_transport_without_total_limit_is_late(monkeypatch):
    monkeypatch.setattr(retry, "Deadline", lambda clock, timeout: Deadline(clock, None))
    assert "in_time" in broken()


def test_retries_without_jitter_come_in_step(monkeypatch):
    monkeypatch.setattr(
        retry.RetryPolicy,
        "pause_s",
        lambda self, attempt, chance, retry_after_s=None: (
            (retry_after_s or 0.0) + self.first_delay_s * self.growth ** (attempt - 1)
        ),
    )
    assert "spread" in broken()


def test_searches_without_jitter_come_in_step(monkeypatch):
    even = SimpleNamespace(random=lambda: 0.5)
    monkeypatch.setattr(submission, "random", SimpleNamespace(Random=lambda tag: even))
    assert "spread" in broken()


def test_client_without_retry_after_is_impatient(monkeypatch):
    pause_s = retry.RetryPolicy.pause_s
    monkeypatch.setattr(
        retry.RetryPolicy,
        "pause_s",
        lambda self, attempt, chance, retry_after_s=None: pause_s(self, attempt, chance),
    )
    assert "patient" in broken()


def test_unchecked_body_raises_an_unexpected_error(monkeypatch):
    monkeypatch.setattr(
        connection.Connection, "_json", lambda self, reply, *_: json.loads(reply.body)
    )
    assert "typed" in broken()


# --- custom programs ---


def run_plainly(caller):
    seed = caller.random.getrandbits(32)
    provider = IonQProvider(caller.key, transport=InProcessTransport(caller.cloud), seed=seed)
    job = provider.get_backend("simulator").run(flip, shots=10)
    caller.knows(job.job_id())
    assert job.result().get_counts() == {"1": 10}


def post(caller):
    """Submit a job with requests alone."""
    body = {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "name": f"caller {caller.number}",
        "input": {"qubits": 1, "circuit": [{"gate": "x", "target": 0}]},
    }
    headers = {"Authorization": f"apiKey {caller.key}"}
    return requests.post(f"{caller.url}/jobs", json=body, headers=headers, timeout=10)


def test_program_may_raise_expected_errors_only():
    report = run_chaos(run_plainly, range(5), scenario=CALM, deadline_s=900)
    assert report.ok, report
    assert report.endings == {
        "result": sum(ChaosTest(run_plainly).plan(s).callers for s in range(5))
    }
    refusing = Scenario(faults=[{"fault": "http", "status": 401, "on": "POST /jobs"}])
    assert not run_chaos(run_plainly, range(3), scenario=refusing).ok
    report = run_chaos(run_plainly, range(3), scenario=refusing, expected=errors.IonQError)
    assert report.ok, report
    assert set(report.endings) == {"IonQAPIError"}


def test_lost_response_without_search_is_a_lost_job():
    def submit(caller):
        caller.knows(post(caller).json()["id"])

    assert run_chaos(submit, range(3), scenario=CALM).ok
    losing = Scenario(faults=[{"fault": "lost_answer", "on": "POST /jobs", "times": 1}])
    report = run_chaos(submit, range(3), scenario=losing, expected=requests.ConnectionError)
    assert report.violations == {"known": 3}


def test_loop_around_a_submission_pays_twice():
    def insist(caller):
        for _ in range(3):
            try:
                caller.knows(post(caller).json()["id"])
            except requests.ConnectionError:
                time.sleep(caller.random.random())
            else:
                return

    losing = Scenario(faults=[{"fault": "lost_answer", "on": "POST /jobs", "times": 1}])
    report = run_chaos(insist, range(3), scenario=losing)
    assert report.violations == {"once": 3}
    assert report.jobs == report.endings["result"] + 3


def test_unsure_submission_is_resolved_after_the_run():
    def submit(caller):
        try:
            caller.knows(post(caller).json()["id"])
        except requests.ConnectionError:
            caller.unsure(find_of(caller))

    def find_of(caller):
        def find():
            headers = {"Authorization": f"apiKey {caller.key}"}
            listed = requests.get(f"{caller.url}/jobs", headers=headers, timeout=10).json()["jobs"]
            own = [job["id"] for job in listed if job["name"] == f"caller {caller.number}"]
            return own[0] if own else None

        return find

    scenario = Scenario.of("flaky-network")
    report = run_chaos(
        submit, range(20), scenario=scenario, expected=(requests.Timeout, ValueError)
    )
    assert report.unsure > 5
    assert set(report.violations) <= {"known"}  # of those that timed out
    assert run_chaos(submit, range(20), scenario=CALM).ok


def test_error_while_resolving_is_reported():
    def submit(caller):
        caller.unsure(lambda: 1 / 0)

    report = run_chaos(submit, [0], scenario=CALM, callers=1)
    assert report.violations == {"typed": 1}
    assert "ZeroDivisionError" in report.failures[0].violations[0].text


@pytest.mark.parametrize("scope", [nullcontext, mock_ionq])
def test_program_runs_in_virtual_time(scope):
    def wait(caller):
        began, moment = time.monotonic(), time.time()
        time.sleep(50)
        assert time.monotonic() - began == pytest.approx(50)
        assert time.time() - moment == pytest.approx(50)
        assert caller.left_s() == pytest.approx(10)
        caller.sleep(5)
        assert caller.left_s() == pytest.approx(5)

    with scope():
        report = run_chaos(wait, range(3), deadline_s=60)
    assert report.ok, report
    assert report.virtual_s == pytest.approx(3 * 55)


def hang(caller):
    time.sleep(10**6)


def pause(caller):
    while True:
        time.sleep(1)


def poll(caller):
    while True:
        requests.get(f"{caller.url}/backends", timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("endless", [hang, pause, poll])
def test_endless_program_is_stopped(endless, monkeypatch):
    monkeypatch.setattr(network, "MOST_REQUESTS", 50)
    report = run_chaos(endless, [0], scenario=CALM, callers=2, deadline_s=5)
    assert report.violations == {"in_time": 2}
    assert report.endings == {"stopped": 2}
    reason = "more than 50 requests" if endless is poll else "has not ended after 70 s"
    assert reason in report.failures[0].violations[0].text


def test_request_without_timeout_waits_for_ever():
    def ask(caller):
        requests.get(f"{caller.url}/backends")

    silent = Scenario(faults=[{"fault": "timeout"}])
    report = run_chaos(ask, [0], scenario=silent, callers=1)
    assert "waits for ever" in report.failures[0].violations[0].text


def test_program_that_waits_in_real_time_is_located():
    release = threading.Event()

    def wait_here(caller):
        release.wait()

    try:
        with pytest.raises(StuckError, match="wait_here"):
            ChaosTest(wait_here, stuck_after_s=0.05).run(0)
    finally:
        release.set()


@pytest.mark.parametrize(
    ("leak", "where"),
    [
        (lambda key: logging.getLogger("mine").debug("with %s", key), "the log of mine"),
        (lambda key: warnings.warn(f"with {key}", stacklevel=1), "a warning"),
        (print, "the output"),
        (lambda key: print(key, file=sys.stderr), "the output"),  # noqa: T201
        (lambda key: requests.get(f"https://api.ionq.co/v0.4/{key}", timeout=9), "the path of GET"),
    ],
)
def test_leaked_key_is_found(leak, where, capsys):
    report = run_chaos(lambda caller: leak(caller.key), [0], scenario=CALM, callers=1)
    assert report.violations == {"secret": 1}
    assert where in report.failures[0].violations[0].text
    assert len(capsys.readouterr().out) == 0


def test_key_in_the_cause_of_an_error_is_found():
    def raises(caller):
        raise RuntimeError("no") from KeyError(caller.key)

    report = run_chaos(raises, [0], scenario=CALM, callers=1, expected=RuntimeError)
    assert report.violations == {"secret": 1}
    assert "the error RuntimeError" in report.failures[0].violations[0].text
    # The report names the place, not the text.
    assert "KeyError" not in str(report)


@pytest.mark.parametrize("form", ["plain", "base64"])
def test_key_in_a_file_of_a_caller_is_found(form):
    def keeps(caller):
        key = caller.key if form == "plain" else base64.b64encode(b"u:" + caller.key.encode())
        caller.folder.mkdir()
        (caller.folder / "notes.txt").write_text(str(key))

    report = run_chaos(keeps, [0], scenario=CALM, callers=1)
    assert report.violations == {"secret": 1}
    assert "the file notes.txt" in report.failures[0].violations[0].text


def test_recording_that_is_not_redacted_shows_the_key(monkeypatch):
    send = recorder.RecordingTransport.send

    def keeps_headers(self, method, url, headers, body, timeout):
        with self._path.with_name("headers").open("a") as file:
            file.write(str(dict(headers)["Authorization"]) + "\n")
        return send(self, method, url, headers, body, timeout)

    monkeypatch.setattr(recorder.RecordingTransport, "send", keeps_headers)
    assert broken() == {"secret"}


def test_program_that_returns_a_coroutine_is_reported():
    def program(caller):
        return waiting(caller)

    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        report = run_chaos(program, [0], scenario=CALM)
        gc.collect()  # it was never awaited
    assert "which nothing runs" in report.failures[0].violations[0].text


def test_error_without_text_is_reported():
    class SilentError(Exception):
        def __str__(self):
            raise RuntimeError("no words")

        __repr__ = __str__

    def program(caller):
        raise SilentError

    report = run_chaos(program, [0], scenario=CALM)
    assert set(report.violations) == {"typed"}
    assert "SilentError, whose text cannot be had" in report.failures[0].violations[0].text


def test_module_imported_during_a_run_sleeps_in_virtual_time(tmp_path, monkeypatch):
    (tmp_path / "lazy_naps.py").write_text(
        "from time import monotonic, sleep\n"
        "def nap():\n"
        "    began = monotonic()\n"
        "    sleep(1000)\n"
        "    return monotonic() - began\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    slept = []

    def program(caller):
        slept.append(importlib.import_module("lazy_naps").nap())

    run_chaos(program, range(3), scenario=CALM, callers=1, deadline_s=2000)
    assert slept == [1000, 1000, 1000]


def test_foreign_patch_of_sleep_stays(tmp_path, monkeypatch):
    (tmp_path / "other_naps.py").write_text("from time import sleep\n")
    monkeypatch.syspath_prepend(tmp_path)
    module, naps = importlib.import_module("other_naps"), []

    def program(caller):
        module.sleep(1)

    run_chaos(program, [0], scenario=CALM)
    monkeypatch.setattr(module, "sleep", naps.append)
    run_chaos(program, [0], scenario=CALM, callers=1)
    assert (naps, module.sleep) == ([1], naps.append)


def test_run_restores_the_process():
    before = (time.sleep, time.time, time.monotonic, logging.getLogger().handlers[:])
    run_chaos(run_plainly, [0], scenario=CALM)
    release, threads = threading.Event(), set(threading.enumerate())
    with pytest.raises(StuckError):
        ChaosTest(lambda caller: release.wait(), stuck_after_s=0.01).run(0)
    release.set()  # so that the thread ends, and its interception with it
    for thread in set(threading.enumerate()) - threads:
        thread.join(60)
    assert (time.sleep, time.time, time.monotonic, logging.getLogger().handlers[:]) == before


async def waiting(caller):
    pass


def yielding(caller):
    yield


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"program": "ionq-tolkit"}, "Did you mean 'ionq-toolkit'"),
        ({"program": "no_such_module:program"}, "cannot be imported"),
        ({"program": "no_such_file.py:program"}, "cannot be read"),
        ({"program": "ionq_toolkit_fake.chaos.programs.toolkit:progam"}, "Did you mean 'program'"),
        ({"program": "ionq-toolkit", "without": ["jitter"]}, "there is no check 'jitter'"),
        ({"program": "ionq-toolkit", "callers": 0}, "one at least"),
        ({"program": "ionq-toolkit", "expected": "IonQError"}, "kinds of errors, is 'IonQError'"),
        ({"program": waiting}, "does nothing when it is called"),
        ({"program": yielding}, "does nothing when it is called"),
        ({"program": "ionq-toolkit", "deadline_s": 0}, "some time"),
    ],
)
def test_chaos_test_rejects_invalid_setting(options, message):
    with pytest.raises(ValueError, match=message):
        ChaosTest(**options)


def test_several_processes_reject_a_function():
    with pytest.raises(ValueError, match="module:function"):
        run_chaos(run_plainly, range(200), workers=2)


# --- the command ---

NAIVE = '''
import requests

EXPECTED = requests.RequestException

def submit(caller):
    """Submit once, and ignore lost responses."""
    body = {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "input": {"qubits": 1, "circuit": [{"gate": "x", "target": 0}]},
    }
    headers = {"Authorization": f"apiKey {caller.key}"}
    reply = requests.post(f"{caller.url}/jobs", json=body, headers=headers, timeout=2)
    reply.raise_for_status()
    caller.knows(reply.json()["id"])

def nothing(caller):
    """Do nothing."""
'''


def command(*words):
    return CliRunner().invoke(main, ["chaos", *words])


def test_command_reports_success():
    result = command("--runs", "20", "--workers", "1")
    assert result.exit_code == 0, result.output
    assert "20 runs (none failed)" in result.output
    table = result.output.split("requirement\n")[1].splitlines()
    assert [line.split()[:3] for line in table] == [[name, "0", "-"] for name in CHECKS]


def test_command_prints_the_plan_and_requests_of_one_seed():
    result = command("--seed", "3")
    assert result.exit_code == 0, result.output
    assert "seed 3 breaks no check" in result.output
    assert "  fault: " in result.output
    assert "POST /v0.4/jobs" in result.output.split("requests:")[1]


@pytest.mark.slow
def test_command_prints_a_reduced_run_and_its_replay(tmp_path):
    file = tmp_path / "naive.py"
    file.write_text(NAIVE)
    result = command(f"{file}:submit", "--runs", "60", "--workers", "1")
    assert result.exit_code == 1
    assert re.search(r"known +[1-9]\d* +\d+ ", result.output)
    words = result.output.split("replay: ")[1].splitlines()[0].split()
    assert words[:2] == ["ionq-fake", "chaos"]
    again = command(*words[2:])
    assert again.exit_code == 1
    story = result.output.split("\nseed ")[1].split("\nreplay:")[0]
    assert "POST /v0.4/jobs" in story
    assert again.output.split("\nseed ")[1] == story
    # One caller and one fault are enough.
    assert "  1 caller of" in result.output
    assert result.output.count("  fault: ") <= 1


@pytest.mark.slow
def test_command_runs_a_file_in_several_processes(tmp_path):
    file = tmp_path / "naive.py"
    file.write_text(NAIVE)
    result = command(f"{file}:submit", "--runs", "120", "--workers", "2", "--json")
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert found["runs"] == 120
    assert found["violations"]["known"] > 0
    alone = command(f"{file}:submit", "--runs", "120", "--workers", "1", "--json")
    assert alone.output == result.output
    assert command(f"{file}:nothing", "--runs", "5").exit_code == 0


MODERN = '''
from __future__ import annotations

from dataclasses import dataclass
from time import monotonic, sleep

@dataclass
class Nap:
    seconds: float

def submit(caller):
    """Sleep in virtual time."""
    began = monotonic()
    sleep(Nap(3.0).seconds)
    assert monotonic() - began == 3.0
'''


def test_command_loads_a_file_as_a_module(tmp_path):
    file = tmp_path / "modern_chaos_program.py"
    file.write_text(MODERN)
    result = command(f"{file}:submit", "--runs", "2")
    assert result.exit_code == 0, result.output


def test_command_leaves_out_checks(tmp_path):
    file = tmp_path / "naive.py"
    file.write_text(NAIVE)
    left_out = [word for name in CHECKS for word in ("--without", name)]
    result = command(f"{file}:submit", "--runs", "30", "--workers", "1", *left_out)
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ionq-tolkit"], "Did you mean 'ionq-toolkit'"),
        (["--scenario", "busy-cue"], "Did you mean 'busy-queue'"),
        (["--runs", "0"], "not in the range"),
        (["--seed", "1", "--runs", "5"], "it excludes --runs"),
        (["--seed", "1", "--workers", "2"], "it excludes --workers"),
        (["--deadline", "0"], "not in the range"),
        (["--without", "jitter"], "is not one of"),
    ],
)
def test_command_rejects_invalid_option(words, message):
    result = command(*words)
    assert result.exit_code == 2
    assert message in result.output
