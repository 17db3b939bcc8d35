"""ionq-core, unmodified and at its own address, under mock_ionq: from submission to results."""

import asyncio
import json

import pytest
from ionq_core import (
    APIConnectionError,
    APITimeoutError,
    IonQClient,
    NotFoundError,
    RateLimitError,
    async_wait_for_job,
    iter_jobs,
    polling,
    wait_for_job,
)
from ionq_core.api.backends import get_backends
from ionq_core.api.default import create_job, get_job, get_job_artifact, get_job_probabilities

from ionq_toolkit_fake import Transitions, UnansweredRequest, faults, mock_ionq


@pytest.fixture(autouse=True)
def _no_certificates(monkeypatch, tmp_path):
    # None is needed, and httpx takes longer to read them than a test.
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))


@pytest.fixture
def payload(payload_of, job_body, bell_gates):
    return payload_of(job_body(gates=bell_gates, name="bell"))


@mock_ionq
def test_a_job_from_submission_to_result(payload):
    with IonQClient(api_key="k") as client:
        created = create_job.sync(client=client, body=payload)
        job = wait_for_job(client, created.id)
        histogram = get_job_probabilities.sync(job.id, client=client)
        artifact = job.results["ionq.result.probabilities.json.v1"]["id"]
        content = get_job_artifact.sync_detailed(job.id, artifact, client=client).content
        assert [one.id for one in iter_jobs(client)] == [created.id]
    assert (job.status, job.name) == ("completed", "bell")
    assert histogram.to_dict() == pytest.approx({"0": 0.5, "3": 0.5})
    assert json.loads(content) == histogram.to_dict()


def test_the_same_asynchronously(payload):
    @mock_ionq(seed=7)
    async def work():
        async with IonQClient(api_key="k") as client:
            created = await create_job.asyncio(client=client, body=payload)
            job = await async_wait_for_job(client, created.id)
            return job, await get_job_probabilities.asyncio(job.id, client=client)

    job, histogram = asyncio.run(work())
    assert job.status == "completed"
    assert histogram.to_dict() == pytest.approx({"0": 0.5, "3": 0.5})


def test_overlapping_tasks_each_have_their_own_cloud(payload):
    async def work(seed):
        async with mock_ionq(seed=seed) as cloud, IonQClient(api_key="k") as client:
            created = [(await create_job.asyncio(client=client, body=payload)).id for _ in range(3)]
            await asyncio.gather(*(get_job.asyncio(one, client=client) for one in created))
            return created, [job.id for job in cloud.jobs][::-1]

    async def both():
        return await asyncio.gather(work(1), work(2), work(1))

    (one, in_one), (two, in_two), (again, _) = asyncio.run(both())
    assert (one, two) == (in_one, in_two)
    assert one == again
    assert not set(one) & set(two)


def test_waiting_for_a_job_sees_each_of_its_statuses(payload, instant_clock, monkeypatch, caplog):
    monkeypatch.setattr(polling, "time", instant_clock)
    caplog.set_level("DEBUG", "ionq_core")
    with mock_ionq(transitions=Transitions.polls(1)), IonQClient(api_key="k") as client:
        wait_for_job(client, create_job.sync(client=client, body=payload).id)
    seen = [record.args[1] for record in caplog.records if "status" in record.msg]
    assert seen == ["submitted", "ready", "started", "completed"]


def test_a_refusal_is_its_own_error():
    with mock_ionq(), IonQClient(api_key="k") as client:
        assert get_backends.sync(client=client)
        with pytest.raises(NotFoundError) as caught:
            get_job.sync("unknown", client=client)
    assert len(caught.value.request_id) == 36


@pytest.mark.parametrize(
    ("fault", "error", "passed"),
    [
        (faults.timeout(), APITimeoutError, 60),
        (faults.reset(), APIConnectionError, 0),
        (faults.refused(), APIConnectionError, 0),
        (faults.http(429, retry_after=1), RateLimitError, 0),
    ],
    ids=repr,
)
def test_its_retries_see_faults_of_the_network(monkeypatch, cloud, fault, error, passed):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with mock_ionq(cloud), IonQClient(api_key="k", max_retries=2) as client:
        cloud.faults.add(fault, on="GET /backends", times=2)
        assert get_backends.sync(client=client)
        assert len(cloud.requests) == 3
        # It waits for an answer for 60 s, on the cloud's clock.
        assert cloud.clock.monotonic() == 2 * passed
        cloud.faults.add(fault, on="GET /backends", times=3)
        with pytest.raises(error):
            get_backends.sync(client=client)


def test_a_submission_whose_answer_is_lost_is_sent_again_by_it(monkeypatch, cloud, payload):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    cloud.faults.add(faults.lost_answer(), on="POST /jobs", times=1)
    with mock_ionq(cloud), IonQClient(api_key="k") as client:
        created = create_job.sync(client=client, body=payload)
    assert cloud.jobs[0].id == created.id
    assert len(cloud.jobs) == 2


def test_its_retries_do_not_swallow_what_cannot_be_placed():
    client = IonQClient(api_key="k", base_url="https://api.ionq.co/v0.5")
    with mock_ionq(), client, pytest.raises(UnansweredRequest, match=r"GET /v0\.4/backends"):
        get_backends.sync(client=client)
