"""The client under fault injection: it breaks nothing, and needs each of its safeguards."""

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
from types import SimpleNamespace

import pytest
import requests
from click.testing import CliRunner
from qiskit import QuantumCircuit

from ionq_toolkit import InProcessTransport, IonQProvider, errors
from ionq_toolkit.api import connection
from ionq_toolkit.clock import Deadline
from ionq_toolkit.job import search, submission
from ionq_toolkit.service import Service
from ionq_toolkit.transport import retry
from ionq_toolkit_fake import Scenario
from ionq_toolkit_fake.chaos import CHECKS, ChaosTest, StuckError, run_chaos
from ionq_toolkit_fake.cli import main

flip = QuantumCircuit(1, 1)
flip.x(0)
flip.measure(0, 0)

#: So many runs are enough to miss each safeguard.
SEEDS = range(400)

CALM = Scenario(seed=0)


def broken(program="ionq-toolkit", seeds=SEEDS, **options):
    """Return the first failure, as the checks that it breaks."""
    test = ChaosTest(program, **options)
    for seed in seeds:
        run = test.run(seed)
        if run.violations:
            return {violation.check for violation in run.violations}
    return set()


# --- the client ---


def test_the_client_breaks_nothing():
    report = run_chaos("ionq-toolkit", range(300))
    assert report.ok, report
    # And that was not for want of trouble, or of success.
    assert min(report.faults[kind] for kind in ("lost_answer", "http", "reset", "late")) > 50
    assert report.endings["result"] > 100
    assert report.endings["IonQSubmissionUnknownError"] > 30
    assert report.unsure >= report.endings["IonQSubmissionUnknownError"]


def test_another_client_is_driven_as_well():
    report = ChaosTest("qiskit-ionq").over(range(40))
    assert report.endings["result"] > 10
    assert report.violations["known"] > 0
    assert report.violations["typed"] > 0
    assert report.violations["in_time"] > 0
    assert report.jobs > 40


def test_two_runs_of_a_seed_are_the_same_to_the_byte():
    for seed in range(30):
        one, other = ChaosTest("ionq-toolkit").run(seed), ChaosTest("ionq-toolkit").run(seed)
        assert one.trace == other.trace
        assert [str(ending.error) for ending in one.endings] == [
            str(ending.error) for ending in other.endings
        ]


def test_a_seed_is_the_same_in_another_process():
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


def test_several_processes_report_as_one_does():
    one = run_chaos("ionq-toolkit", range(120)).as_dict()
    assert run_chaos("ionq-toolkit", range(120), workers=2).as_dict() == one


# --- the client without one of its safeguards ---


def test_without_looking_for_what_was_lost_jobs_are_lost(monkeypatch):
    monkeypatch.setattr(submission, "may_have_taken_effect", lambda error: False)
    assert "known" in broken()


def test_sending_again_instead_of_looking_makes_jobs_twice(monkeypatch):
    monkeypatch.setattr(
        submission.Submission, "_find", lambda self, deadline: self._send(deadline.for_request())
    )
    assert "once" in broken()


def test_taking_a_submission_for_idempotent_makes_jobs_twice(monkeypatch):
    monkeypatch.setattr(retry, "is_idempotent", lambda method, path: True)
    assert "once" in broken()


def test_adopting_a_job_by_anything_but_its_tag_takes_that_of_another(monkeypatch):
    monkeypatch.setattr(
        search.Search, "look", lambda self, deadline: next(self._client.list_jobs(), None)
    )
    assert "known" in broken()


def test_a_tag_that_is_not_drawn_anew_takes_the_job_of_another(monkeypatch):
    monkeypatch.setattr(Service, "draw_tag", lambda self: "0" * 32)
    assert "known" in broken()


def test_without_a_deadline_callers_are_late(monkeypatch):
    monkeypatch.setattr(Deadline, "left", lambda self: float("inf"))
    assert "in_time" in broken()


def test_a_transport_that_knows_no_total_is_late(monkeypatch):
    monkeypatch.setattr(retry, "Deadline", lambda clock, timeout: Deadline(clock, None))
    assert "in_time" in broken()


def test_without_jitter_callers_come_back_together(monkeypatch):
    monkeypatch.setattr(
        retry.RetryPolicy,
        "pause_s",
        lambda self, attempt, chance, retry_after_s=None: (
            (retry_after_s or 0.0) + self.first_delay_s * self.growth ** (attempt - 1)
        ),
    )
    assert "spread" in broken()


def test_without_jitter_lookups_come_together(monkeypatch):
    even = SimpleNamespace(random=lambda: 0.5)
    monkeypatch.setattr(submission, "random", SimpleNamespace(Random=lambda tag: even))
    assert "spread" in broken()


def test_without_retry_after_callers_are_impatient(monkeypatch):
    pause_s = retry.RetryPolicy.pause_s
    monkeypatch.setattr(
        retry.RetryPolicy,
        "pause_s",
        lambda self, attempt, chance, retry_after_s=None: pause_s(self, attempt, chance),
    )
    assert "patient" in broken()


def test_a_body_that_is_none_must_be_an_error_of_the_client_s(monkeypatch):
    monkeypatch.setattr(
        connection.Connection, "_json", lambda self, reply, *_: json.loads(reply.body)
    )
    assert "typed" in broken()


# --- programs of one's own ---


def run_plainly(caller):
    seed = caller.random.getrandbits(32)
    provider = IonQProvider(caller.key, transport=InProcessTransport(caller.cloud), seed=seed)
    job = provider.get_backend("simulator").run(flip, shots=10)
    caller.knows(job.job_id())
    assert job.result().get_counts() == {"1": 10}


def post(caller):
    """Submit as a script does that knows only requests."""
    body = {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "name": f"caller {caller.number}",
        "input": {"qubits": 1, "circuit": [{"gate": "x", "target": 0}]},
    }
    headers = {"Authorization": f"apiKey {caller.key}"}
    return requests.post(f"{caller.url}/jobs", json=body, headers=headers, timeout=10)


def test_a_program_is_a_function_and_its_errors_are_said():
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


def test_requests_go_to_the_cloud_and_a_lost_answer_is_a_lost_job():
    def submit(caller):
        caller.knows(post(caller).json()["id"])

    assert run_chaos(submit, range(3), scenario=CALM).ok
    losing = Scenario(faults=[{"fault": "lost_answer", "on": "POST /jobs", "times": 1}])
    report = run_chaos(submit, range(3), scenario=losing, expected=requests.ConnectionError)
    assert report.violations == {"known": 3}


def test_a_loop_around_a_submission_makes_it_twice():
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


def test_what_is_not_sure_can_be_found_out_later():
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


def test_an_error_in_finding_out_is_told():
    def submit(caller):
        caller.unsure(lambda: 1 / 0)

    report = run_chaos(submit, [0], scenario=CALM, callers=1)
    assert report.violations == {"typed": 1}
    assert "ZeroDivisionError" in report.failures[0].violations[0].text


def test_time_of_a_program_is_virtual():
    def wait(caller):
        began, moment = time.monotonic(), time.time()
        time.sleep(50)
        assert time.monotonic() - began == pytest.approx(50)
        assert time.time() - moment == pytest.approx(50)
        assert caller.left_s() == pytest.approx(10)
        caller.sleep(5)
        assert caller.left_s() == pytest.approx(5)

    report = run_chaos(wait, range(3), deadline_s=60)
    assert report.ok, report
    assert report.virtual_s == pytest.approx(3 * 55)


def test_a_program_that_never_ends_is_stopped():
    def hang(caller):
        time.sleep(10**6)

    def poll(caller):
        while True:
            requests.get(f"{caller.url}/backends", timeout=60)

    def pause(caller):
        while True:
            time.sleep(1)

    for endless in (hang, poll, pause):
        report = run_chaos(endless, [0], scenario=CALM, callers=2, deadline_s=5)
        assert report.violations == {"in_time": 2}
        assert report.endings == {"stopped": 2}


def test_silence_without_a_timeout_is_waiting_for_ever():
    def ask(caller):
        requests.get(f"{caller.url}/backends")

    silent = Scenario(faults=[{"fault": "timeout"}])
    report = run_chaos(ask, [0], scenario=silent, callers=1)
    assert "waits for ever" in report.failures[0].violations[0].text


def test_a_program_that_waits_for_something_else_is_told_where():
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
def test_a_key_that_shows_itself_is_found(leak, where, capsys):
    report = run_chaos(lambda caller: leak(caller.key), [0], scenario=CALM, callers=1)
    assert report.violations == {"secret": 1}
    assert where in report.failures[0].violations[0].text
    assert len(capsys.readouterr().out) == 0


def test_a_key_in_an_error_or_its_cause_is_found():
    def raises(caller):
        raise RuntimeError("no") from KeyError(caller.key)

    report = run_chaos(raises, [0], scenario=CALM, callers=1, expected=RuntimeError)
    assert report.violations == {"secret": 1}
    assert "the error RuntimeError" in report.failures[0].violations[0].text
    # What is reported says where, and not what.
    assert "KeyError" not in str(report)


def test_a_program_that_returns_what_nobody_runs_is_found_out():
    def program(caller):
        return waiting(caller)

    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        report = run_chaos(program, [0], scenario=CALM)
        gc.collect()  # it was never awaited
    assert "which nobody runs" in report.failures[0].violations[0].text


def test_an_error_that_cannot_be_shown_is_judged_all_the_same():
    class SilentError(Exception):
        def __str__(self):
            raise RuntimeError("no words")

        __repr__ = __str__

    def program(caller):
        raise SilentError

    report = run_chaos(program, [0], scenario=CALM)
    assert set(report.violations) == {"typed"}
    assert "SilentError, whose text cannot be had" in report.failures[0].violations[0].text


def test_what_a_module_imports_of_time_in_a_run_is_virtual_in_all_of_them(tmp_path, monkeypatch):
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


def test_what_somebody_else_has_put_in_the_place_of_sleep_stays(tmp_path, monkeypatch):
    (tmp_path / "other_naps.py").write_text("from time import sleep\n")
    monkeypatch.syspath_prepend(tmp_path)
    module, naps = importlib.import_module("other_naps"), []

    def program(caller):
        module.sleep(1)

    run_chaos(program, [0], scenario=CALM)
    monkeypatch.setattr(module, "sleep", naps.append)
    run_chaos(program, [0], scenario=CALM, callers=1)
    assert (naps, module.sleep) == ([1], naps.append)


def test_nothing_is_left_of_a_run():
    before = (time.sleep, time.time, time.monotonic, logging.getLogger().handlers[:])
    run_chaos(run_plainly, [0], scenario=CALM)
    release, threads = threading.Event(), set(threading.enumerate())
    with pytest.raises(StuckError):
        ChaosTest(lambda caller: release.wait(), stuck_after_s=0.01).run(0)
    release.set()  # or what it intercepts would be intercepted for ever
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
def test_a_wrong_setting_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ChaosTest(**options)


def test_a_function_cannot_be_given_to_other_processes():
    with pytest.raises(ValueError, match="module:function"):
        run_chaos(run_plainly, range(200), workers=2)


# --- the command ---

NAIVE = '''
import requests

EXPECTED = requests.RequestException

def submit(caller):
    """Submit, and know only of what was answered."""
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


def test_the_command_says_that_nothing_was_broken():
    result = command("--runs", "20", "--workers", "1")
    assert result.exit_code == 0, result.output
    assert "20 runs" in result.output
    assert result.output.splitlines()[-1] == "checks    " + "  ".join(
        f"{name} ok" for name in CHECKS
    )


def test_the_command_shows_a_failure_and_how_to_see_it_again(tmp_path):
    file = tmp_path / "naive.py"
    file.write_text(NAIVE)
    result = command(f"{file}:submit", "--runs", "60", "--workers", "1")
    assert result.exit_code == 1
    assert re.search(r"known \d+ BROKEN", result.output)
    words = result.output.split("replay: ")[1].splitlines()[0].split()
    assert words[:2] == ["ionq-fake", "chaos"]
    again = command(*words[2:])
    assert again.exit_code == 1
    story = result.output.split("what was sent:")[1].split("replay:")[0]
    assert "POST /v0.4/jobs" in story
    assert again.output.split("what was sent:")[1].split("replay:")[0] == story
    # What it takes is little: one caller and one fault.
    assert "under: 1 caller" in result.output
    assert result.output.count("  fault: ") <= 1


def test_the_command_runs_a_function_of_a_file_in_several_processes(tmp_path):
    file = tmp_path / "naive.py"
    file.write_text(NAIVE)
    result = command(f"{file}:submit", "--runs", "120", "--workers", "2", "--json")
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert found["runs"] == 120
    assert found["violations"]["known"] > 0
    alone = command(f"{file}:submit", "--runs", "120", "--workers", "1", "--json")
    assert alone.output == result.output  # in the same order, too
    assert command(f"{file}:nothing", "--runs", "5").exit_code == 0


def test_checks_can_be_left_out(tmp_path):
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
        (["--deadline", "0"], "not in the range"),
        (["--without", "jitter"], "is not one of"),
    ],
)
def test_a_wrong_word_is_refused(words, message):
    result = command(*words)
    assert result.exit_code == 2
    assert message in result.output
