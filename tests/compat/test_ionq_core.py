"""ionq-core, IonQ's own generated client: its parsers must accept every reply."""

import asyncio
import json

import pytest
from ionq_core import IonQClient, iter_jobs
from ionq_core.api.backends import get_backend, get_backends
from ionq_core.api.default import (
    cancel_job,
    cancel_jobs,
    create_job,
    delete_job,
    delete_jobs,
    get_job,
    get_job_artifact,
    get_job_probabilities,
    get_jobs,
)
from ionq_core.api.schemas import get_format_schema
from ionq_core.api.whoami import get_whoami
from ionq_core.exceptions import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
)
from ionq_core.models import (
    CircuitJobCreationPayload,
    JobsBulkOperationRequest,
    JSONMultiCircuitJob,
    MultiCircuitJob,
    SingleCircuitJob,
)

from ionq_toolkit_fake import FakeIonQ, FakeServer

# It warns of a URL that is not https.
pytestmark = pytest.mark.filterwarnings("ignore:base_url .* does not use HTTPS:UserWarning")


@pytest.fixture
def url(cloud):
    with FakeServer(cloud) as server:
        yield server.url


@pytest.fixture
def client(url):
    with IonQClient(api_key="any-key", base_url=url, max_retries=0) as client:
        yield client


@pytest.fixture
def payload(job_body):
    return CircuitJobCreationPayload.from_dict(job_body(name="mine", metadata={"a": "b"}))


def test_a_job_from_submission_to_result(client, payload):
    created = create_job.sync(client=client, body=payload)
    assert created.status == "submitted"
    job = get_job.sync(created.id, client=client)
    assert (job.id, job.status, job.name) == (created.id, "completed", "mine")
    assert job.metadata.to_dict() == {"a": "b"}
    histogram = get_job_probabilities.sync(created.id, client=client)
    assert histogram.to_dict() == pytest.approx({"0": 0.5, "1": 0.5})


def test_a_failed_job_is_parsed(client, job_body):
    body = CircuitJobCreationPayload.from_dict(job_body(qubits=30))
    job = get_job.sync(create_job.sync(client=client, body=body).id, client=client)
    assert (job.status, job.failure.code) == ("failed", "NotEnoughQubits")
    assert "30 qubits" in job.failure.message


def test_a_job_of_several_circuits_is_parsed(client):
    body = JSONMultiCircuitJob.from_dict(
        {
            "type": "ionq.multi-circuit.v1",
            "backend": "simulator",
            "input": {
                "gateset": "qis",
                "qubits": 2,
                "circuits": [
                    {"name": "one", "circuit": [{"gate": "x", "target": 0}]},
                    {"name": "two", "circuit": [{"gate": "x", "target": 1}]},
                ],
            },
        }
    )
    parent = get_job.sync(create_job.sync(client=client, body=body).id, client=client)
    assert isinstance(parent, MultiCircuitJob)
    children = [get_job.sync(i, client=client) for i in parent.child_job_ids]
    assert all(isinstance(child, SingleCircuitJob) for child in children)
    assert [child.name for child in children] == ["one", "two"]
    histograms = [get_job_probabilities.sync(child.id, client=client) for child in children]
    assert [histogram.to_dict() for histogram in histograms] == [{"1": 1}, {"2": 1}]
    listed = get_jobs.sync(client=client, parent_job_id=parent.id).jobs
    assert [job.id for job in listed] == [child.id for child in reversed(children)]


def test_every_job_is_found_by_paging(client, payload):
    ids = [create_job.sync(client=client, body=payload).id for _ in range(60)]
    assert [job.id for job in iter_jobs(client)] == ids[::-1]
    assert [job.id for job in iter_jobs(client, status="completed", limit=7)] == ids[::-1]
    assert get_jobs.sync(client=client, status="failed").jobs == []
    assert [job.id for job in get_jobs.sync(client=client, ids=ids[:2]).jobs] == ids[1::-1]


def test_cancelling_and_deleting_one_and_several(client, payload):
    ids = [create_job.sync(client=client, body=payload).id for _ in range(4)]
    assert cancel_job.sync(ids[0], client=client).status == "canceled"
    several = JobsBulkOperationRequest(ids=ids[1:3])
    assert cancel_jobs.sync(client=client, body=several).ids == ids[1:3]
    assert get_job.sync(ids[2], client=client).status == "canceled"
    assert delete_job.sync(ids[3], client=client).status == "deleted"
    assert delete_jobs.sync(client=client, body=several).ids == ids[1:3]
    assert [job.id for job in iter_jobs(client)] == ids[:1]


def test_artifacts_and_their_schemas(client, payload):
    job = get_job.sync(create_job.sync(client=client, body=payload).id, client=client)
    descriptor = job.results["ionq.result.probabilities.json.v1"]
    response = get_job_artifact.sync_detailed(job.id, descriptor["id"], client=client)
    assert response.status_code == 200
    assert json.loads(response.content) == pytest.approx({"0": 0.5, "1": 0.5})
    schema = get_format_schema.sync(descriptor["format"], client=client)
    assert schema.to_dict()["$id"] == descriptor["format"]


def test_backends_and_key_are_parsed(client):
    names = {backend.backend: backend for backend in get_backends.sync(client=client)}
    assert names["simulator"].qubits == 29
    assert get_backend.sync("qpu.forte-1", client=client).qubits == 36
    assert get_whoami.sync(client=client).key_name == "key 1"


def test_it_raises_its_own_errors_for_refusals(client, payload):
    with pytest.raises(NotFoundError, match="Resource not found"):
        get_job.sync("no-such-job", client=client)
    payload.backend = "qpu.none"
    with pytest.raises(BadRequestError, match="backend must be one of"):
        create_job.sync(client=client, body=payload)
    with (
        FakeServer(FakeIonQ(keys={"right": "project"})) as server,
        IonQClient(api_key="wrong", base_url=server.url, max_retries=0) as stranger,
        pytest.raises(AuthenticationError, match="Invalid key"),
    ):
        get_whoami.sync(client=stranger)


def test_the_same_asynchronously(url, payload):
    async def run():
        async with IonQClient(api_key="any-key", base_url=url, max_retries=0) as client:
            created = await asyncio.gather(
                *(create_job.asyncio(client=client, body=payload) for _ in range(10))
            )
            jobs = await asyncio.gather(*(get_job.asyncio(c.id, client=client) for c in created))
            histogram = await get_job_probabilities.asyncio(created[0].id, client=client)
            deleted = await delete_job.asyncio(created[0].id, client=client)
            return [job.status for job in jobs], histogram.to_dict(), deleted.status

    statuses, histogram, deleted = asyncio.run(run())
    assert statuses == ["completed"] * 10
    assert histogram == pytest.approx({"0": 0.5, "1": 0.5})
    assert deleted == "deleted"
