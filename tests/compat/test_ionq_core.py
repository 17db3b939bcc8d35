"""ionq-core, IonQ's own generated client: the life of its jobs, one by one and many at once."""

import asyncio
import json

import pytest
from ionq_core import (
    JobFailedError,
    JobTimeoutError,
    aiter_jobs,
    async_wait_for_job,
    iter_jobs,
    polling,
    wait_for_job,
)
from ionq_core.api.default import (
    cancel_job,
    cancel_jobs,
    clone_job,
    create_job,
    delete_job,
    delete_jobs,
    get_job,
    get_job_artifact,
    get_job_probabilities,
    get_jobs,
    move_job,
)
from ionq_core.exceptions import BadRequestError, NotFoundError
from ionq_core.models import CloneJobPayload, JobsBulkOperationRequest

from ionq_toolkit_fake import FakeIonQ, Transitions

# It warns of a URL that is not https.
pytestmark = pytest.mark.filterwarnings("ignore:base_url .* does not use HTTPS:UserWarning")


@pytest.fixture
def payload(payload_of, job_body):
    return payload_of(job_body(name="mine", metadata={"a": "b"}))


@pytest.fixture
def slow_cloud():
    """A cloud whose jobs show each of their statuses once."""
    return FakeIonQ(seed=7, transitions=Transitions.polls(1))


def test_a_job_from_submission_to_result(client, payload):
    created = create_job.sync(client=client, body=payload)
    assert created.status == "submitted"
    job = get_job.sync(created.id, client=client)
    assert (job.id, job.status, job.name) == (created.id, "completed", "mine")
    assert job.metadata.to_dict() == {"a": "b"}
    histogram = get_job_probabilities.sync(created.id, client=client)
    assert histogram.to_dict() == pytest.approx({"0": 0.5, "1": 0.5})


def test_a_failed_job_is_parsed(client, run, job_body):
    job = run(client, job_body(qubits=30))
    assert (job.status, job.failure.code) == ("failed", "NotEnoughQubits")
    assert "30 qubits" in job.failure.message


def test_the_results_are_artifacts_beside_the_urls_of_the_live_service(
    client, client_of, run, fetch, job_body
):
    job = run(client, job_body())
    name = "ionq.result.probabilities.json.v1"
    assert job.results["probabilities"]["url"] == f"/v0.4/jobs/{job.id}/results/probabilities"
    assert fetch(client, job, job.results[name]) == pytest.approx({"0": 0.5, "1": 0.5})
    by_the_document = run(client_of(FakeIonQ(seed=7, deviations=())), job_body())
    assert "probabilities" not in by_the_document.results
    assert by_the_document.results[name].media_type == "application/json"


def test_the_same_asynchronously(cloud, asynchronously, payload):
    async def work(client):
        created = await asyncio.gather(
            *(create_job.asyncio(client=client, body=payload) for _ in range(10))
        )
        jobs = await asyncio.gather(*(get_job.asyncio(c.id, client=client) for c in created))
        histogram = await get_job_probabilities.asyncio(created[0].id, client=client)
        artifact = jobs[0].results["ionq.result.probabilities.json.v1"]["id"]
        reply = await get_job_artifact.asyncio_detailed(jobs[0].id, artifact, client=client)
        deleted = await delete_job.asyncio(created[0].id, client=client)
        statuses = {job.id: job.status for job in jobs}
        return statuses, histogram.to_dict(), json.loads(reply.content), deleted.status

    statuses, histogram, artifact, deleted = asynchronously(cloud, work)
    assert list(statuses.values()) == ["completed"] * 10
    assert histogram == artifact == pytest.approx({"0": 0.5, "1": 0.5})
    assert deleted == "deleted"


# --- lists -----------------------------------------------------------------------------------


def test_every_job_is_found_by_paging(client, payload):
    ids = [create_job.sync(client=client, body=payload).id for _ in range(60)]
    assert [job.id for job in iter_jobs(client)] == ids[::-1]
    assert [job.id for job in iter_jobs(client, status="completed", limit=7)] == ids[::-1]
    assert get_jobs.sync(client=client, status="failed").jobs == []
    assert [job.id for job in get_jobs.sync(client=client, ids=ids[:2]).jobs] == ids[1::-1]


def test_every_job_is_found_by_paging_asynchronously(cloud, asynchronously, payload):
    async def work(client):
        made = [(await create_job.asyncio(client=client, body=payload)).id for _ in range(9)]
        return made, [job.id async for job in aiter_jobs(client, limit=4)]

    made, found = asynchronously(cloud, work)
    assert found == made[::-1]


def test_jobs_are_filtered_by_status_target_and_submitter(client, run, job_body):
    good = run(client, job_body())
    bad = run(client, job_body(qubits=30))
    machine = run(client, job_body(backend="qpu.forte-1", shots=10))

    def found(**filters):
        return [job.id for job in iter_jobs(client, **filters)]

    assert found(status="failed") == [bad.id]
    assert found(target="qpu.forte-1") == [machine.id]
    assert found(target="simulator", status="completed") == [good.id]
    assert found(submitter_id=good.submitter_id) == [machine.id, bad.id, good.id]
    assert found(submitter_id="somebody else") == []


# --- cancel and delete -----------------------------------------------------------------------


def test_cancelling_and_deleting_one_and_several(client, payload):
    ids = [create_job.sync(client=client, body=payload).id for _ in range(4)]
    assert cancel_job.sync(ids[0], client=client).status == "canceled"
    several = JobsBulkOperationRequest(ids=ids[1:3])
    assert cancel_jobs.sync(client=client, body=several).ids == ids[1:3]
    assert get_job.sync(ids[2], client=client).status == "canceled"
    assert delete_job.sync(ids[3], client=client).status == "deleted"
    assert delete_jobs.sync(client=client, body=several).ids == ids[1:3]
    assert [job.id for job in iter_jobs(client)] == ids[:1]


def test_a_canceled_or_deleted_job_has_no_results(client, payload):
    canceled, deleted = (create_job.sync(client=client, body=payload).id for _ in range(2))
    cancel_job.sync(canceled, client=client)
    delete_job.sync(deleted, client=client)
    for job_id in (canceled, deleted):
        with pytest.raises(NotFoundError):
            get_job_probabilities.sync(job_id, client=client)
    with pytest.raises(NotFoundError):
        get_job.sync(deleted, client=client)
    assert get_job.sync(canceled, client=client).results is None


# --- clone and move --------------------------------------------------------------------------


def test_a_clone_is_another_job_with_the_changes(client, run, job_body):
    body = job_body(shots=30, metadata={"a": "b"}, noise={"model": "aria-1", "seed": 4})
    original = run(client, body)
    changes = CloneJobPayload.from_dict({"name": "copy", "noise": {"model": "forte-1"}})
    created = clone_job.sync(original.id, client=client, body=changes)
    clone = get_job.sync(created.id, client=client)
    assert clone.id != original.id
    assert (clone.name, clone.noise.to_dict()) == ("copy", {"model": "forte-1"})
    assert (clone.shots, clone.metadata.to_dict()) == (30, {"a": "b"})
    assert get_job.sync(original.id, client=client) == original
    # Made without from_dict, the client's object says 100 shots.
    created = clone_job.sync(original.id, client=client, body=CloneJobPayload(dry_run=True))
    clone = get_job.sync(created.id, client=client)
    assert (clone.name, clone.shots, clone.dry_run) == (None, 100, True)
    assert clone.noise == original.noise


def test_a_clone_of_a_child_runs_its_circuit_alone(client, run, job_body, bell_gates):
    body = job_body(type="ionq.multi-circuit.v1")
    circuits = [{"circuit": bell_gates}, {"circuit": [{"gate": "x", "target": 1}]}]
    body["input"] = {"gateset": "qis", "qubits": 2, "circuits": circuits}
    second = run(client, body).child_job_ids[1]
    created = clone_job.sync(second, client=client, body=CloneJobPayload.from_dict({}))
    clone = get_job.sync(created.id, client=client)
    assert (clone.type_, clone.parent_job_id) == ("ionq.circuit.v1", None)
    assert get_job_probabilities.sync(clone.id, client=client).to_dict() == {"2": 1.0}


def test_a_moved_job_runs_elsewhere_and_the_original_is_canceled(
    slow_cloud, client_of, instant_clock, monkeypatch, payload
):
    monkeypatch.setattr(polling, "time", instant_clock)
    client = client_of(slow_cloud)
    original = create_job.sync(client=client, body=payload)
    changes = CloneJobPayload.from_dict({"backend": "qpu.forte-1", "shots": 20})
    moved = move_job.sync(original.id, client=client, body=changes)
    assert get_job.sync(original.id, client=client).status == "canceled"
    job = wait_for_job(client, moved.id)
    assert (job.backend, job.shots, job.name) == ("qpu.forte-1", 20, "mine")
    with pytest.raises(BadRequestError, match="completed cannot be moved"):
        move_job.sync(moved.id, client=client, body=changes)


# --- waiting ---------------------------------------------------------------------------------


def test_waiting_for_a_job_sees_each_of_its_statuses(
    slow_cloud, client_of, instant_clock, monkeypatch, payload, caplog
):
    monkeypatch.setattr(polling, "time", instant_clock)
    caplog.set_level("DEBUG", "ionq_core")
    client = client_of(slow_cloud)
    job = wait_for_job(client, create_job.sync(client=client, body=payload).id)
    assert job.status == "completed"
    seen = [record.args[1] for record in caplog.records if "status" in record.msg]
    assert seen == ["submitted", "ready", "started", "completed"]
    assert instant_clock.slept == [1.0, 1.5, 2.25]


def test_waiting_for_a_job_asynchronously(
    slow_cloud, asynchronously, instant_clock, monkeypatch, payload
):
    class InstantAsyncio:
        @staticmethod
        async def sleep(seconds):
            instant_clock.sleep(seconds)

    monkeypatch.setattr(polling, "time", instant_clock)
    monkeypatch.setattr(polling, "asyncio", InstantAsyncio)

    async def work(client):
        created = await create_job.asyncio(client=client, body=payload)
        return await async_wait_for_job(client, created.id, poll_interval=2.0)

    assert asynchronously(slow_cloud, work).status == "completed"
    assert instant_clock.slept == [2.0, 3.0, 4.5]


def test_waiting_for_a_job_that_fails_or_takes_too_long(
    client_of, instant_clock, monkeypatch, submit, job_body
):
    monkeypatch.setattr(polling, "time", instant_clock)
    client = client_of(FakeIonQ(seed=7, transitions=Transitions.polls(5)))
    job_id = submit(client, job_body(qubits=30))
    with pytest.raises(JobTimeoutError, match="last status: submitted"):
        wait_for_job(client, job_id, timeout=2.0)
    with pytest.raises(JobFailedError) as caught:
        wait_for_job(client, job_id)
    assert caught.value.failure.code == "NotEnoughQubits"
    assert wait_for_job(client, job_id, raise_on_failure=False).status == "failed"
