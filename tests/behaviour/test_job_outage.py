"""Waiting while the service is away: until the deadline, and no longer than anybody wants."""

import asyncio
import itertools
import logging
import pickle
import re
import sys

import pytest
from clouds import RECORD, Scripted

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, RetryPolicy, errors
from ionq_toolkit.events import Finished, Polled, PollFailed, Retried

READY = RECORD | {"status": "ready"}

#: What a service in trouble does.
TROUBLE = [
    ConnectionRefusedError("refused"),
    ConnectionResetError("reset"),
    TimeoutError("slow"),
    *((status, {}) for status in (408, 425, 429, 500, 502, 503, 504, 520, 529)),
]

WAYS = {
    "result": lambda job, **limit: job.result(**limit),
    "result_async": lambda job, **limit: asyncio.run(job.result_async(**limit)),
    "wait_for_final_state": lambda job, **limit: job.wait_for_final_state(**limit),
    "wait_async": lambda job, **limit: asyncio.run(job.wait_async(**limit)),
}


class Away(Scripted):
    """A cloud that is in trouble in a span of time, for paths of an ending; well otherwise."""

    def __init__(self, clock, trouble, begin, end, ending=""):
        super().__init__(routes={"/jobs/j/results/probabilities": {"0": 1}}, before=self.be_away)
        self.clock, self.trouble, self.begin, self.end = clock, trouble, begin, end
        self.ending = ending
        self.times = []
        self.record, self.after = READY, RECORD

    def be_away(self, method, url, *_):
        now = self.clock.time
        self.clock.time += 0.01
        self.times.append(now)
        self.routes["/jobs/j"] = self.after if now >= self.end else self.record
        return self.trouble if self.begin <= now < self.end and url.endswith(self.ending) else None


@pytest.fixture
def away(instant_clock):
    def build(trouble, begin=0.0, end=float("inf"), ending="", **options):
        cloud = Away(instant_clock, trouble, begin, end, ending)
        provider = IonQProvider(
            transport=InProcessTransport(cloud), clock=instant_clock, seed=1, **options
        )
        return IonQJob(provider.get_backend("simulator"), "j"), cloud

    return build


# --- with a timeout --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("trouble", TROUBLE, ids=repr)
def test_an_outage_of_an_hour_does_not_end_a_wait_of_two(away, instant_clock, way, trouble):
    job, cloud = away(trouble, begin=5, end=3605)
    WAYS[way](job, timeout=7200)
    assert job.done()
    assert 3605 <= instant_clock.time < 3605 + 40
    # In an hour of trouble it is asked less often than it would be in one of waiting.
    assert len(cloud.asked) < 3600 / 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("trouble", TROUBLE, ids=repr)
def test_a_deadline_in_an_outage_is_kept_and_says_why(away, instant_clock, way, trouble):
    job, _ = away(trouble, begin=5)
    with pytest.raises(errors.IonQJobTimeoutError) as caught:
        WAYS[way](job, timeout=1000)
    assert 999.9 <= instant_clock.time <= 1000.1
    cause = caught.value.__cause__
    assert isinstance(cause, errors.IonQAPIError | errors.IonQConnectionError)
    text = str(caught.value)
    assert text.startswith("Job j was last seen as ready after waiting 1000 s.")
    assert text.endswith(f"At the end the service gave no answer: {cause}")
    assert caught.value.job_id == cause.job_id == "j"


def test_a_deadline_before_any_answer_says_that_there_was_none(away):
    job, _ = away(ConnectionResetError("reset"))
    with pytest.raises(errors.IonQJobTimeoutError, match="Job j was not seen yet after waiting 60"):
        job.result(timeout=60)


def test_an_outage_that_has_passed_is_not_the_reason_of_a_timeout(away):
    job, cloud = away((503, {}), begin=5, end=50)
    cloud.after = READY
    with pytest.raises(errors.IonQJobTimeoutError, match=r"Job j is ready after") as caught:
        job.result(timeout=100)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("retry_after", [1, 45, 100_000])
def test_retry_after_is_obeyed_but_not_beyond_the_deadline(away, instant_clock, way, retry_after):
    job, cloud = away((429, {}, {"Retry-After": str(retry_after)}))
    with pytest.raises(errors.IonQJobTimeoutError, match=f"alone for {retry_after} s"):
        WAYS[way](job, timeout=400)
    times = cloud.times
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert all(gap >= retry_after for gap in gaps)
    # The wait ends as soon as nothing can come of it: not before the last second that could.
    assert 400 - retry_after - 0.2 <= instant_clock.time <= 400.1 or len(times) == 1


def test_a_wait_that_cannot_be_long_enough_ends_at_once(away, instant_clock):
    job, _ = away((429, {}, {"Retry-After": "500"}), begin=5)
    with pytest.raises(errors.IonQJobTimeoutError) as caught:
        job.wait_for_final_state(timeout=400)
    assert instant_clock.time < 20
    assert re.match(
        r"Job j was last seen as ready after waiting \d+\.\d of 400 s", str(caught.value)
    )
    assert caught.value.__cause__.status_code == 429


def test_a_pause_that_is_asked_for_is_not_cut_short_by_a_failure(away, instant_clock):
    job, cloud = away((503, {}), end=500, retry=RetryPolicy(attempts=1))
    job.wait_for_final_state(timeout=1000, wait=60)
    times = cloud.times
    assert all(b - a >= 60 for a, b in itertools.pairwise(times))


# --- without one -----------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("trouble", TROUBLE, ids=repr)
def test_without_a_timeout_ten_minutes_of_failures_are_enough(away, instant_clock, way, trouble):
    job, _ = away(trouble, begin=5)
    with pytest.raises((errors.IonQAPIError, errors.IonQConnectionError)) as caught:
        WAYS[way](job)
    assert 600 <= instant_clock.time < 5 + 600 + 2 * 120
    assert caught.value.job_id == "j"
    text = str(caught.value)
    assert "job j is not waited for any longer" in text
    assert "It is not lost" in text
    assert "retrieve_job('j')" in text
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (type(copied), str(copied)) == (type(caught.value), text)


def test_without_a_timeout_nine_minutes_are_waited_out(away):
    job, _ = away((503, {}), begin=5, end=540)
    assert sum(job.result().get_counts().values()) == 100


def test_each_answer_begins_the_ten_minutes_anew(instant_clock):
    """For hours, the service answers only every eighth minute."""

    def rarely(*_):
        instant_clock.time += 0.01
        if instant_clock.time % 480 > 60:
            raise ConnectionResetError("reset")
        return RECORD if instant_clock.time > 20_000 else READY

    cloud = Scripted(before=rarely)
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock, seed=1)
    IonQJob(provider.get_backend("simulator"), "j").wait_for_final_state()
    assert instant_clock.time > 20_000


def test_the_policy_says_how_long_failures_are_borne(away, instant_clock):
    job, _ = away((503, {}), begin=5, end=86_000, retry=RetryPolicy(outage_s=None))
    job.wait_for_final_state()
    assert instant_clock.time >= 86_000
    job, _ = away((503, {}), retry=RetryPolicy(outage_s=20))
    began = instant_clock.time
    with pytest.raises(errors.IonQRetriableError, match="not waited for any longer"):
        job.wait_for_final_state()
    assert 20 <= instant_clock.time - began < 60


@pytest.mark.parametrize("limit", [{}, {"timeout": 1000}])
@pytest.mark.parametrize("retry", [None, RetryPolicy(outage_s=0)])
def test_who_wants_nothing_sent_again_gets_the_first_failure(away, instant_clock, retry, limit):
    job, _ = away(ConnectionResetError("reset"), retry=retry)
    with pytest.raises(errors.IonQConnectionError, match="reset") as caught:
        job.result(**limit)
    assert "waited for" not in str(caught.value)
    assert instant_clock.time < 60


def test_retry_after_beyond_ten_minutes_is_not_waited_for(away, instant_clock):
    job, _ = away((503, {}, {"Retry-After": "86400"}))
    with pytest.raises(errors.IonQRetriableError, match="not waited for any longer"):
        job.result()
    assert instant_clock.time < 10


@pytest.mark.parametrize("timeout", [0.05, 50])
def test_who_wants_no_patience_gets_the_failure_itself(away, timeout):
    job, _ = away((503, {}), retry=None)
    with pytest.raises(errors.IonQRetriableError):
        job.result(timeout=timeout)


# --- what does not pass ----------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 501, 505, 511])
def test_a_refusal_ends_a_wait_at_once(away, instant_clock, way, status):
    job, cloud = away((status, {}))
    with pytest.raises(errors.IonQAPIError) as caught:
        WAYS[way](job, timeout=1000)
    assert (caught.value.status_code, len(cloud.asked)) == (status, 1)
    assert instant_clock.time < 1


@pytest.mark.parametrize("kind", ["UnusableURLError", "ReplyTooLargeError"])
def test_what_will_be_the_same_the_next_time_ends_a_wait_at_once(away, instant_clock, kind):
    error = getattr(sys.modules["ionq_toolkit.transport.base"], kind)("the same again")
    job, cloud = away(error)
    with pytest.raises(errors.IonQConnectionError, match="the same again"):
        job.result(timeout=1000)
    assert len(cloud.asked) == 1


# --- results ---------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["result", "result_async"])
@pytest.mark.parametrize("trouble", TROUBLE, ids=repr)
def test_the_result_is_waited_for_as_well(away, instant_clock, way, trouble):
    job, cloud = away(trouble, end=3605, ending="/results/probabilities")
    cloud.record = RECORD
    assert WAYS[way](job, timeout=7200).get_counts() == {"00": 100}
    assert 3605 <= instant_clock.time < 3605 + 40


def test_a_result_that_does_not_come_in_time_says_why(away, instant_clock):
    job, cloud = away((502, {}), ending="/results/probabilities")
    cloud.record = RECORD
    with pytest.raises(errors.IonQJobTimeoutError, match="what it came to was not there") as caught:
        job.result(timeout=500)
    assert caught.value.__cause__.status_code == 502
    assert "answered 502" in str(caught.value)
    assert 499.9 <= instant_clock.time <= 500.1


def test_of_several_circuits_what_was_read_is_not_fetched_again(instant_clock):
    """The shots of the third child are not to be had for an hour."""
    ids = [f"c{n}" for n in range(5)]
    noisy = RECORD | {"noise": {"model": "aria-1"}, "shots": 2}
    noisy["metadata"] = {"shots": "2", "memory": "true"}
    replies = {"/jobs/p": noisy | {"type": "ionq.multi-circuit.v1", "child_job_ids": ids}}
    replies["/jobs/p/results/probabilities/aggregated"] = {child: {"0": 1} for child in ids}
    for child in ids:
        replies[f"/jobs/{child}"] = noisy
        replies[f"/jobs/{child}/results/shots"] = ["0", "0"]
    answered = []

    def limp(method, url, *_):
        instant_clock.time += 0.01
        if "/c2/results" in url and instant_clock.time < 3600:
            return 503, b""
        answered.append(url)
        return None

    cloud = Scripted(routes=replies, before=limp)
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock, seed=1)
    result = IonQJob(provider.get_backend("simulator"), "p").result(timeout=7200)
    assert all(result.get_memory(n) == ["00", "00"] for n in range(5))
    assert len(answered) == len(set(answered)) == 1 + 1 + 5 + 5


def test_progress_in_reading_many_circuits_is_no_outage(instant_clock):
    """One of twenty histograms of shots is to be had in each quarter of an hour."""
    ids = [f"c{n}" for n in range(20)]
    noisy = RECORD | {"noise": {"model": "aria-1"}, "metadata": {"shots": "1", "memory": "true"}}
    replies = {"/jobs/p": noisy | {"type": "ionq.multi-circuit.v1", "child_job_ids": ids}}
    replies["/jobs/p/results/probabilities/aggregated"] = {child: {"0": 1} for child in ids}
    for child in ids:
        replies |= {f"/jobs/{child}": noisy, f"/jobs/{child}/results/shots": ["0"]}
    done = []

    def slow(method, url, *_):
        instant_clock.time += 0.01
        if not url.endswith("/shots"):
            return None
        if instant_clock.time < 480 * (1 + len(done)):
            return 503, b""
        done.append(url)
        return None

    cloud = Scripted(routes=replies, before=slow)
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock, seed=1)
    assert len(IonQJob(provider.get_backend("simulator"), "p").result().results) == 20
    assert instant_clock.time > 20 * 480


# --- what is told ----------------------------------------------------------------------------


def test_each_failed_poll_is_an_event_and_none_a_warning(away, caplog, recwarn):
    caplog.set_level(logging.INFO, "ionq_toolkit")
    told = []
    seen = []
    job, _ = away((503, {}), begin=5, end=300, on_event=told.append)
    job.wait_for_final_state(callback=lambda *_: seen.append(job.metadata))
    failed = [event for event in told if isinstance(event, PollFailed)]
    assert [event.failures for event in failed] == list(range(1, len(failed) + 1))
    assert len(failed) > 3
    assert {(event.job_id, event.reason) for event in failed} == {("j", "status 503")}
    aways = [event.away_s for event in failed]
    assert aways == sorted(aways)
    assert 250 < aways[-1] < 300
    assert {type(event) for event in told} == {Polled, PollFailed, Retried, Finished}
    # The callback is called for answers alone.
    assert len(seen) == sum(isinstance(event, Polled) for event in told)
    assert not recwarn.list
    assert {record.levelname for record in caplog.records} == {"INFO"}
    assert sum(record.getMessage().startswith("pollfailed job_id=j") for record in caplog.records)


def test_an_event_of_a_failure_quotes_nothing_that_was_said(away):
    told = []
    job, _ = away(ConnectionResetError("sesame"), on_event=told.append)
    with pytest.raises(errors.IonQJobTimeoutError):
        job.result(timeout=50)
    assert {e.reason for e in told if isinstance(e, PollFailed)} == {"ConnectionResetError"}
    assert "sesame" not in repr(told)


def test_progress_says_that_there_is_no_answer(away, monkeypatch, capsys):
    monkeypatch.setattr("ionq_toolkit.job.progress._is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "100")
    job, _ = away((503, {}), begin=5, end=300)
    job.wait_for_final_state(progress=True)
    shown = capsys.readouterr().err
    assert "QUEUED  no answer from the service  waited" in shown
    assert shown.index("no answer") < shown.index("DONE")


def test_a_task_that_is_cancelled_in_an_outage_asks_no_more(instant_clock):
    cloud = Scripted(routes={"/jobs/j": RECORD, "/jobs/j/results/probabilities": (503, {})})

    class Forever(type(instant_clock)):
        async def sleep_async(self, seconds):
            asleep.set()
            await asyncio.Event().wait()

    async def give_up():
        task = asyncio.create_task(job.result_async(timeout=10_000))
        await asleep.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asleep = asyncio.Event()
    provider = IonQProvider(
        transport=InProcessTransport(cloud), clock=Forever(), retry=RetryPolicy(attempts=1)
    )
    job = IonQJob(provider.get_backend("simulator"), "j")
    asyncio.run(give_up())
    assert len(cloud.asked) == 2


def test_a_policy_without_pauses_asks_a_service_in_trouble_ten_times_a_second(away):
    policy = RetryPolicy(attempts=1, first_delay_s=0, longest_delay_s=0)
    job, cloud = away((503, {}), retry=policy)
    with pytest.raises(errors.IonQJobTimeoutError):
        job.wait_for_final_state(timeout=5)
    assert 40 <= len(cloud.times) <= 51
