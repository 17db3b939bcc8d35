"""Waiting: how often, how long, in threads and in tasks, and what is shown meanwhile."""

import asyncio
import io
import logging
import sys
import threading
import types

import pytest
from clouds import RECORD, Scripted
from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, errors
from ionq_toolkit._version import __version__
from ionq_toolkit.clock import SystemClock
from ionq_toolkit.events import Finished
from ionq_toolkit.job.polling import (
    FIRST_S,
    JITTER,
    LONGEST_FIRST_S,
    LONGEST_S,
)
from ionq_toolkit.job.progress import duration
from ionq_toolkit_fake import FakeIonQ, Transitions


def test_waiting_begins_short_and_grows_to_a_limit(job_of, instant_clock):
    job, _ = job_of(*[(200, {**RECORD, "status": "ready"})] * 30, (200, RECORD))
    job.wait_for_final_state()
    slept = instant_clock.slept
    assert slept[:8] == sorted(slept[:8])
    assert FIRST_S * (1 - JITTER) <= slept[0] <= FIRST_S
    assert all(LONGEST_S * (1 - JITTER) <= pause <= LONGEST_S for pause in slept[17:])
    assert len(slept) == 30


def test_a_number_to_wait_is_that_many_seconds(job_of, instant_clock):
    job, _ = job_of(*[(200, {**RECORD, "status": "ready"})] * 3, (200, RECORD))
    job.wait_for_final_state(wait=2)
    assert instant_clock.slept == [2, 2, 2]


@pytest.mark.parametrize("wait", [None, 0.3, 60])
def test_a_timeout_is_kept_to_the_second(job_of, instant_clock, wait):
    job, _ = job_of((200, {**RECORD, "status": "started"}))
    with pytest.raises(errors.IonQJobTimeoutError, match=r"started after waiting 1\.5 s") as caught:
        job.result(timeout=1.5, wait=wait)
    assert instant_clock.time == pytest.approx(1.5)
    assert caught.value.job_id == "job-1"


def test_a_timeout_of_zero_asks_once(job_of):
    job, cloud = job_of((200, {**RECORD, "status": "started"}))
    with pytest.raises(errors.IonQJobTimeoutError):
        job.wait_for_final_state(timeout=0)
    assert len(cloud.requests) == 1


def test_after_a_timeout_the_job_can_be_waited_for_again(job_of):
    job, _ = job_of(*[(200, {**RECORD, "status": "started"})] * 2, (200, RECORD), (200, {"0": 1}))
    with pytest.raises(errors.IonQJobTimeoutError):
        job.result(timeout=0.005)
    assert job.result(timeout=10).get_counts() == {"00": 100}


def test_a_request_is_given_no_more_time_than_is_left(job_of):
    job, cloud = job_of((200, {**RECORD, "status": "started"}))
    with pytest.raises(errors.IonQJobTimeoutError):
        job.wait_for_final_state(timeout=60, wait=20)
    assert [request[4] for request in cloud.requests] == pytest.approx([60, 40, 20, 0.1])


def test_a_request_that_uses_up_the_time_is_a_job_timeout(scripted, instant_clock):
    cloud = scripted(
        TimeoutError("no answer"), before=lambda *request: instant_clock.sleep(request[4])
    )
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    with pytest.raises(errors.IonQJobTimeoutError, match="not seen yet"):
        job.result(timeout=4)
    assert instant_clock.time == pytest.approx(4)


def test_fetching_the_result_is_part_of_the_wait(scripted, instant_clock):
    def slow(method, url, headers, body, timeout):
        if url.endswith("/results/probabilities"):
            instant_clock.time += timeout
            raise TimeoutError("no answer")
        instant_clock.time += 1

    cloud = scripted((200, RECORD), before=slow)
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    with pytest.raises(errors.IonQJobTimeoutError):
        job.result(timeout=4)
    assert instant_clock.time == pytest.approx(4)


def test_waits_of_zero_come_to_the_deadline_all_the_same(job_of, instant_clock):
    job, cloud = job_of((200, {**RECORD, "status": "started"}))
    with pytest.raises(errors.IonQJobTimeoutError):
        job.result(timeout=0.5, wait=0)
    assert instant_clock.time == pytest.approx(0.5, abs=2e-6)
    assert len(cloud.requests) <= 502


@pytest.mark.parametrize(
    "arguments",
    [
        {"timeout": -1},
        {"wait": -0.1},
        {"timeout": float("nan")},
        {"wait": float("nan")},
        {"wait": float("inf")},
    ],
)
def test_negative_times_are_refused(job_of, arguments):
    with pytest.raises(ValueError, match="negative"):
        job_of((200, RECORD))[0].wait_for_final_state(**arguments)


def test_the_callback_sees_every_poll(job_of):
    seen = []
    job, _ = job_of((200, {**RECORD, "status": "ready"}), (200, RECORD))
    job.wait_for_final_state(callback=lambda *arguments: seen.append(arguments))
    assert seen == [("job-1", JobStatus.QUEUED, job), ("job-1", JobStatus.DONE, job)]


def test_an_unknown_status_is_not_final_and_is_warned_of_once(job_of, caplog):
    caplog.set_level(logging.WARNING, "ionq_toolkit")
    paused = (200, {**RECORD, "status": "paused"})
    job, _ = job_of(*[paused] * 3, (200, RECORD))
    job.wait_for_final_state(timeout=60)
    assert job.done()
    assert [record.getMessage() for record in caplog.records] == [
        "IonQ says 'paused' of job job-1, which is no status known here; taken as not final yet"
    ]


@pytest.mark.parametrize("word", ["paused", None, 7, ["ready"], {"a": 1}])
def test_an_unknown_status_at_the_deadline_is_a_job_error_that_names_it(job_of, word):
    job, _ = job_of((200, {**RECORD, "status": word}))
    with pytest.raises(errors.IonQJobError, match="unknown status") as caught:
        job.result(timeout=3)
    assert str(word) in str(caught.value)


ENDS = [
    {"completed_at": "2026-01-01T00:00:00Z"},
    {"failure": {"code": "NewCode", "message": "why"}},
    {"failure": {"error": "why"}, "completed_at": "2026-01-01T00:00:00Z"},
]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("limit", [{}, {"timeout": 60}])
def test_a_job_that_is_over_is_not_waited_for_whatever_its_status_is_called(
    job_of, instant_clock, end, limit
):
    job, cloud = job_of((200, RECORD | {"status": "archived"} | end))
    job.wait_for_final_state(**limit)
    assert len(cloud.requests) == 1
    for ask in (job.result, job.status, job.get_counts):
        with pytest.raises(errors.IonQJobError) as caught:
            ask()
        text = str(caught.value)
        assert text.startswith("Job job-1 is over")
        assert "'archived'" in text
        assert f"ionq-toolkit {__version__}" in text
        assert ("why" in text) == ("failure" in end)
        assert caught.value.job_id == "job-1"
    assert "why" in job.error_message() or "archived" in job.error_message()
    assert (job.in_final_state(), job.done(), job.cancelled()) == (True, False, False)
    assert instant_clock.time == 0


def test_an_end_by_an_unknown_word_is_told_once_and_asked_anew(job_of, caplog):
    """What the word means may turn out."""
    caplog.set_level(logging.WARNING, "ionq_toolkit")
    told = []
    over = RECORD | {"status": "archiving", "completed_at": "2026-01-01T00:00:00Z"}
    job, _ = job_of(*[(200, over)] * 2, (200, RECORD), (200, {"0": 1}), on_event=told.append)
    assert job.in_final_state()
    assert not job.done()
    assert job.result().get_counts() == {"00": 100}
    assert [record.getMessage() for record in caplog.records] == [
        "IonQ says 'archiving' of job job-1, which is no status known here; taken as over"
    ]
    assert [event.status for event in told if isinstance(event, Finished)] == ["archiving"]


def test_what_is_over_is_not_cancelled(job_of):
    job, cloud = job_of((200, RECORD | {"status": "archived", "completed_at": "2026-01-01"}))
    assert job.in_final_state()
    assert job.cancel() is False
    assert {request[0] for request in cloud.requests} == {"GET"}


def test_an_unknown_status_that_goes_on_is_not_over_any_more(job_of):
    over = RECORD | {"status": "retrying", "failure": {"code": "X", "message": "y"}}
    job, _ = job_of((200, over), (200, over | {"failure": None}), (200, RECORD))
    assert [job.in_final_state() for _ in range(3)] == [True, False, True]
    assert job.done()


def test_results_alone_are_no_end(job_of):
    urls = {"probabilities": {"url": "/v0.4/jobs/job-1/results/probabilities"}}
    job, _ = job_of((200, RECORD | {"status": "collecting", "results": urls}), (200, RECORD))
    assert not job.in_final_state()
    assert job.done()


@pytest.mark.parametrize(
    "way",
    [
        lambda job: job.result(),
        lambda job: asyncio.run(job.result_async()),
        lambda job: job.wait_for_final_state(),
        lambda job: asyncio.run(job.wait_async()),
    ],
)
def test_an_unknown_status_that_never_changes_is_waited_for_an_hour(job_of, instant_clock, way):
    job, _ = job_of((200, RECORD | {"status": "paused"}))
    with pytest.raises(errors.IonQJobError) as caught:
        way(job)
    assert 3600 <= instant_clock.time <= 3605
    assert "unknown status 'paused'" in str(caught.value)
    assert f"than {__version__}" in str(caught.value)
    assert "With a timeout it is waited for longer" in str(caught.value)


def test_with_a_timeout_an_unknown_status_is_waited_for_as_long(job_of, instant_clock):
    job, _ = job_of((200, RECORD | {"status": "paused"}))
    with pytest.raises(errors.IonQJobError, match=r"'paused' after waiting 10000 s"):
        job.result(timeout=10_000)
    assert instant_clock.time == pytest.approx(10_000)


def test_an_unknown_status_is_waited_for_as_long_as_the_record_changes(job_of, instant_clock):
    queued = [
        (200, RECORD | {"status": "paused", "predicted_wait_time_ms": 1000 * left})
        for left in range(20_000, 0, -1000)
    ]
    job, _ = job_of(*queued, (200, RECORD))
    job.wait_for_final_state(wait=1000)
    assert job.done()
    assert instant_clock.time == pytest.approx(20_000)


def test_known_statuses_are_waited_for_without_end(job_of, instant_clock):
    job, _ = job_of(*[(200, RECORD | {"status": "ready"})] * 100, (200, RECORD))
    job.wait_for_final_state(wait=1000)
    assert instant_clock.time == 100_000


def test_the_client_waits_on_the_clock_of_a_cloud_in_this_process(bell):
    cloud = FakeIonQ(seed=1, transitions=Transitions.polls(4))
    before = cloud.clock.monotonic()
    job = IonQProvider(transport=InProcessTransport(cloud)).get_backend("simulator").run(bell)
    job.wait_for_final_state(wait=600)
    assert cloud.clock.monotonic() - before == 12 * 600


# --- how often -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_s", "first"),
    [(0, FIRST_S), (0.002, FIRST_S), (0.02, 0.04), (0.3, 0.6), (20, LONGEST_FIRST_S)],
)
def test_the_first_pause_is_twice_the_round_trip_within_bounds(instant_clock, request_s, first):
    def slow(*_):
        instant_clock.time += request_s

    cloud = Scripted(routes={"/jobs/j": [RECORD | {"status": "ready"}, RECORD]}, before=slow)
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    IonQJob(provider.get_backend("simulator"), "j").wait_for_final_state()
    assert first * (1 - JITTER) <= instant_clock.slept[0] <= first


def test_pauses_of_a_job_are_repeatable_and_differ_from_those_of_others(scripted, instant_clock):
    def pauses(job_id):
        cloud = scripted(*[(200, RECORD | {"id": job_id, "status": "ready"})] * 10, (200, RECORD))
        instant_clock.slept = []
        provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
        IonQJob(provider.get_backend("simulator"), job_id).wait_for_final_state()
        return instant_clock.slept

    assert len(pauses("a")) == 10
    assert pauses("a") == pauses("a")
    assert pauses("a") != pauses("b")


def test_a_job_of_a_fifth_of_a_second_is_seen_within_an_eighth_of_a_second_more(instant_clock):
    """The server takes 0.2 s; the client's waits are counted on its own clock."""

    def record(*_):
        instant_clock.time += 0.005
        return RECORD | {"status": "completed" if instant_clock.time >= 0.2 else "started"}

    cloud = Scripted(before=record)
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    for number in range(50):
        instant_clock.time = 0.0
        IonQJob(provider.get_backend("simulator"), f"j-{number}").wait_for_final_state()
        assert instant_clock.time <= 0.325


# --- tasks -----------------------------------------------------------------------------------


def test_a_result_is_awaited_while_other_tasks_go_on(provider, bell):
    job = provider.get_backend("simulator").run(bell, shots=50)

    async def both():
        return await asyncio.gather(job.result_async(), job.result_async(timeout=60))

    one, other = asyncio.run(both())
    assert one is other is job.result()
    assert sum(one.get_counts().values()) == 50


def test_tasks_wait_on_the_clock_and_tell_in_their_own_thread(job_of, instant_clock):
    job, _ = job_of(*[(200, RECORD | {"status": "ready"})] * 3, (200, RECORD))
    seen = []

    def see(job_id, status, of):
        seen.append((job_id, status, of is job, threading.get_ident()))

    asyncio.run(job.wait_async(wait=2, callback=see))
    assert instant_clock.slept == [2, 2, 2]
    here = threading.get_ident()
    waiting = ("job-1", JobStatus.QUEUED, True, here)
    assert seen == [waiting] * 3 + [("job-1", JobStatus.DONE, True, here)]


@pytest.mark.parametrize("timeout", [0, 1.5])
def test_a_task_that_is_too_late_says_so(job_of, instant_clock, timeout):
    job, _ = job_of((200, RECORD | {"status": "started"}))
    for wait in (job.wait_async, job.result_async):
        began = instant_clock.time
        with pytest.raises(errors.IonQJobTimeoutError, match="started after waiting"):
            asyncio.run(wait(timeout=timeout))
        assert instant_clock.time - began == pytest.approx(timeout)


def test_what_a_job_came_to_is_raised_in_the_task(job_of):
    job, _ = job_of((200, RECORD | {"status": "failed", "failure": {"code": "X", "message": "y"}}))
    asyncio.run(job.wait_async())
    with pytest.raises(errors.IonQJobFailureError, match="X: y"):
        asyncio.run(job.result_async())


def test_a_task_refuses_what_is_no_time(job_of):
    for arguments in ({"timeout": -1}, {"wait": float("nan")}):
        with pytest.raises(ValueError, match="negative"):
            asyncio.run(job_of((200, RECORD))[0].wait_async(**arguments))


def test_a_cancelled_task_asks_no_more(scripted, instant_clock):
    """It is cancelled while it sleeps on a clock that wakes nobody up."""
    asleep = threading.Event()

    class Forever(type(instant_clock)):
        async def sleep_async(self, seconds):
            asleep.set()
            await asyncio.Event().wait()

    cloud = scripted((200, RECORD | {"status": "started"}))
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=Forever())
    job = IonQJob(provider.get_backend("simulator"), "job-1")

    async def give_up():
        task = asyncio.create_task(job.result_async())
        await asyncio.to_thread(asleep.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    assert len(cloud.requests) == 1


def test_the_machines_clock_lets_other_tasks_go_on():
    async def asleep():
        done = []
        task = asyncio.create_task(SystemClock().sleep_async(0.001))
        task.add_done_callback(done.append)
        assert not done
        await task
        return task.done()

    assert asyncio.run(asleep())


# --- progress --------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


PREDICTED = {"status": "ready", "predicted_wait_time_ms": 125_000}
PARENT = RECORD | {"type": "ionq.multi-circuit.v1", "child_job_ids": ["a", "b"]}


def test_a_terminal_shows_how_the_job_stands_in_one_line(job_of, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    job, _ = job_of((200, RECORD | PREDICTED), (200, RECORD | {"status": "started"}), (200, RECORD))
    job.wait_for_final_state(wait=70, progress=True)
    shown = terminal.getvalue()
    assert shown.startswith("\r")
    assert shown.endswith("\n")
    assert shown.count("\n") == 1
    assert [line.rstrip() for line in shown.strip().split("\r")] == [
        "[###         ] job job-1  QUEUED  in the queue for about 2 min 5 s  waited 0 s",
        "[######      ] job job-1  RUNNING  waited 1 min 10 s",
        "[############] job job-1  DONE  waited 2 min 20 s",
    ]


@pytest.mark.parametrize(("wait", "progress", "lines"), [(4, None, 1), (2, None, 0), (4, False, 0)])
def test_a_long_wait_shows_its_progress_unless_told_not_to(
    job_of, monkeypatch, wait, progress, lines
):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    started = RECORD | {"status": "started"}
    job, cloud = job_of((200, started), (200, started), (200, RECORD))
    job.wait_for_final_state(wait=wait, progress=progress)  # polls at 0, `wait` and twice `wait`
    assert terminal.getvalue().count("\r") == lines
    assert len(cloud.requests) == 3


def test_progress_says_how_many_circuits_are_done(instant_clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    started = {"status": "started"}
    cloud = Scripted(
        routes={
            "/jobs/p": [PARENT | started, PARENT | started, PARENT],
            "/jobs/a": RECORD,
            "/jobs/b": [RECORD | started, RECORD],
        }
    )
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    IonQJob(provider.get_backend("simulator"), "p").wait_for_final_state(progress=True)
    shown = terminal.getvalue()
    assert shown.index("1 of 2 circuits done") < shown.index("2 of 2 circuits done")
    assert cloud.asked.count("/jobs/a") == 1


def test_progress_that_cannot_be_found_out_does_not_end_the_wait(instant_clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    cloud = Scripted(routes={"/jobs/p": [PARENT | {"status": "started"}, PARENT]})
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    job = IonQJob(provider.get_backend("simulator"), "p")
    job.wait_for_final_state(progress=True)
    assert job.done()
    assert "RUNNING" in terminal.getvalue()
    assert "circuits" not in terminal.getvalue()


def test_circuits_are_shown_only_while_there_is_time(instant_clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    replies = {"/jobs/p": PARENT, "/jobs/a": RECORD, "/jobs/b": RECORD}
    cloud = Scripted(routes=replies, before=lambda *_: instant_clock.sleep(3))
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    job = IonQJob(provider.get_backend("simulator"), "p")
    job.wait_for_final_state(timeout=4, progress=True)
    assert job.done()
    assert "circuits" not in terminal.getvalue()


def test_circuits_that_hang_hold_up_no_wait(instant_clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    def hang(method, url, headers, body, timeout):
        if url.endswith(("/a", "/b")):
            instant_clock.time += timeout
            raise TimeoutError("no answer")

    started = PARENT | {"status": "started"}
    cloud = Scripted(routes={"/jobs/p": [started, started, started, PARENT]}, before=hang)
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    job = IonQJob(provider.get_backend("simulator"), "p")
    job.wait_for_final_state(progress=True)
    assert job.done()
    assert instant_clock.time < 10
    assert "DONE" in terminal.getvalue()


class Breaking(Terminal):
    def write(self, text):
        raise RuntimeError("reentrant call")


@pytest.mark.parametrize("where", ["terminal", "notebook", "half a notebook"])
def test_what_cannot_be_shown_ends_no_wait(job_of, monkeypatch, where):
    monkeypatch.setattr("sys.stderr", Breaking())

    def display(*_, **__):
        raise RuntimeError("no front end")

    if where != "terminal":
        shell = types.SimpleNamespace(kernel=object())
        ipython = types.SimpleNamespace(get_ipython=lambda: shell)
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        showing = types.SimpleNamespace(display=display) if where == "notebook" else None
        monkeypatch.setitem(sys.modules, "IPython.display", showing)
    job, _ = job_of((200, RECORD | PREDICTED), (200, RECORD), (200, {"0": 1}))
    assert job.result(wait=1, progress=True).get_counts() == {"00": 100}


def test_children_of_a_large_job_are_not_asked_for_to_be_shown(instant_clock, monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    cloud = Scripted(routes={"/jobs/p": PARENT | {"child_job_ids": [f"c{n}" for n in range(1000)]}})
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    IonQJob(provider.get_backend("simulator"), "p").wait_for_final_state(progress=True)
    assert cloud.asked == ["/jobs/p"]


def test_progress_is_quiet_where_there_is_no_terminal(job_of, capsys, recwarn):
    job, cloud = job_of((200, RECORD | PREDICTED), (200, RECORD), (200, {"0": 1}))
    job.result(progress=True)
    assert capsys.readouterr() == ("", "")
    assert not recwarn.list
    assert len(cloud.requests) == 3


@pytest.mark.parametrize("stream", [None, io.StringIO])
def test_progress_without_standard_error_is_quiet(job_of, monkeypatch, stream):
    if stream is None:  # as under pythonw
        monkeypatch.setattr("sys.stderr", None)
    else:
        closed = Terminal()
        closed.close()
        monkeypatch.setattr("sys.stderr", closed)
    job_of((200, RECORD))[0].wait_for_final_state(progress=True)


def test_a_notebook_shows_one_output_that_is_updated(job_of, monkeypatch):
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append((data["text/plain"], raw))

    def display(data, *, raw, display_id):
        shown.append((data["text/plain"], raw, display_id))
        return Handle()

    shell = types.SimpleNamespace(kernel=object())
    ipython = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=display))
    job, _ = job_of((200, RECORD | PREDICTED), (200, RECORD))
    job.wait_for_final_state(wait=1, progress=True)
    assert shown == [
        ("job job-1  QUEUED  in the queue for about 2 min 5 s  waited 0 s", True, True),
        ("job job-1  DONE  waited 1 s", True),
    ]


def test_ipython_on_a_terminal_is_a_terminal(job_of, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    shell = types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    job_of((200, RECORD))[0].wait_for_final_state(progress=True)
    assert "DONE" in terminal.getvalue()


def test_tasks_show_progress_too(job_of, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    job, _ = job_of((200, RECORD), (200, {"0": 1}))
    asyncio.run(job.result_async(progress=True))
    assert "DONE" in terminal.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (0.4, "0 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (7_800, "2 h 10 min")],
)
def test_durations_are_written_as_people_do(seconds, text):
    assert duration(seconds) == text


def test_nothing_that_is_told_is_a_warning(instant_clock, recwarn, caplog):
    """Under -W error, that would end the wait."""
    caplog.set_level(logging.WARNING, "ionq_toolkit")
    warned = RECORD | {"warning": {"messages": ["slow today", "slow today", 7]}}
    cloud = Scripted(routes={"/jobs/j": [warned | {"status": "ready"}, warned]})
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    IonQJob(provider.get_backend("simulator"), "j").wait_for_final_state()
    assert [r.getMessage() for r in caplog.records] == [
        "IonQ warns of job j: slow today",
        "IonQ warns of job j: 7",
    ]
    assert not recwarn.list


@pytest.mark.parametrize("warning", [None, "x", [], {}, {"messages": None}, {"messages": "x"}])
def test_warnings_that_are_none_are_let_pass(job_of, warning, caplog):
    job_of((200, RECORD | {"warning": warning}))[0].wait_for_final_state()
    assert not caplog.records
