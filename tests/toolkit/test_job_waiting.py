import logging

import pytest
from clouds import RECORD
from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, errors
from ionq_toolkit.client import DEFAULT_TIMEOUT_S
from ionq_toolkit.waiting import FIRST_PAUSE_S, JITTER, LONGEST_PAUSE_S
from ionq_toolkit_fake import FakeIonQ


def test_waiting_begins_short_and_grows_to_a_limit(job_of, instant_clock):
    job, _ = job_of(*[(200, {**RECORD, "status": "ready"})] * 30, (200, RECORD))
    job.wait_for_final_state()
    slept = instant_clock.slept
    assert slept[:8] == sorted(slept[:8])
    assert FIRST_PAUSE_S * (1 - JITTER) <= slept[0] <= FIRST_PAUSE_S
    assert all(LONGEST_PAUSE_S * (1 - JITTER) <= pause <= LONGEST_PAUSE_S for pause in slept[12:])
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
        job.result(timeout=0.05)
    assert job.result(timeout=10).get_counts() == {"00": 100}


def test_a_request_is_given_no_more_time_than_is_left(job_of):
    job, cloud = job_of((200, {**RECORD, "status": "started"}))
    with pytest.raises(errors.IonQJobTimeoutError):
        job.wait_for_final_state(timeout=60, wait=20)
    assert [request[4] for request in cloud.requests] == [DEFAULT_TIMEOUT_S] * 2 + [20, 0.1]


def test_a_request_that_uses_up_the_time_is_a_job_timeout(scripted, instant_clock):
    class Slow(scripted):
        def handle(self, *request):
            instant_clock.time += request[4]
            return super().handle(*request)

    provider = IonQProvider(
        transport=InProcessTransport(Slow(TimeoutError("no answer"))), clock=instant_clock
    )
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    with pytest.raises(errors.IonQJobTimeoutError, match="not seen yet"):
        job.result(timeout=4)
    assert instant_clock.time == pytest.approx(4)


def test_fetching_the_result_is_part_of_the_wait(scripted, instant_clock):
    class SlowResults(scripted):
        def handle(self, method, url, headers, body, timeout):
            if url.endswith("/results/probabilities"):
                instant_clock.time += timeout
                raise TimeoutError("no answer")
            instant_clock.time += 1
            return super().handle(method, url, headers, body, timeout)

    provider = IonQProvider(
        transport=InProcessTransport(SlowResults((200, RECORD))), clock=instant_clock
    )
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    with pytest.raises(errors.IonQJobTimeoutError):
        job.result(timeout=4)
    assert instant_clock.time == pytest.approx(4)


def test_a_broken_connection_while_there_is_time_is_said_as_such(job_of):
    job, _ = job_of(ConnectionResetError("reset"))
    with pytest.raises(errors.IonQConnectionError, match="reset"):
        job.result(timeout=4)


def test_waits_of_zero_come_to_the_deadline_all_the_same(job_of, instant_clock):
    job, cloud = job_of((200, {**RECORD, "status": "started"}))
    with pytest.raises(errors.IonQJobTimeoutError):
        job.result(timeout=0.5, wait=0)
    assert instant_clock.time == pytest.approx(0.5)
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


def test_the_client_waits_on_the_clock_of_a_cloud_in_this_process(bell):
    cloud = FakeIonQ(seed=1, polls_per_status=4)
    before = cloud.clock.monotonic()
    job = IonQProvider(transport=InProcessTransport(cloud)).get_backend("simulator").run(bell)
    job.wait_for_final_state(wait=600)
    assert cloud.clock.monotonic() - before == 12 * 600
