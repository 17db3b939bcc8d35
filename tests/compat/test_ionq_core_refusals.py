"""ionq-core raises its own errors for what the cloud refuses, and keys keep projects apart."""

import socket
from concurrent.futures import Executor
from contextlib import suppress
from datetime import date
from types import ModuleType
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from ionq_core.api.backends import get_backend, get_backends
from ionq_core.api.characterizations import (
    get_characterization,
    get_characterizations_for_backend,
)
from ionq_core.api.default import (
    cancel_job,
    cancel_jobs,
    clone_job,
    create_job,
    create_session,
    delete_job,
    delete_jobs,
    end_session,
    estimate_job_cost,
    get_job,
    get_job_artifact,
    get_job_cost,
    get_job_probabilities,
    get_jobs,
    get_session,
    get_session_jobs,
    get_sessions,
    move_job,
)
from ionq_core.api.schemas import get_format_schema
from ionq_core.api.usage import get_usages
from ionq_core.api.whoami import get_whoami
from ionq_core.exceptions import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
    ServerError,
)
from ionq_core.models import (
    CircuitJobCreationPayload,
    CloneJobPayload,
    CreateSessionRequest,
    JobsBulkOperationRequest,
    SessionSettingsRequest,
)

from ionq_toolkit_fake import Access, FakeIonQ, FakeServer, Transitions

# It warns of a URL that is not https.
pytestmark = pytest.mark.filterwarnings("ignore:base_url .* does not use HTTPS:UserWarning")

NO_CHANGES = CloneJobPayload.from_dict({})
MONTH = {
    "organization_id": "com.example",
    "start_date": date(2026, 1, 1),
    "end_date": date(2026, 1, 31),
    "group_by": "job",
    "modality": "daily",
}
SCOPES = {"jobs:read", "jobs:write", "sessions:read", "sessions:write", "billing"}


@pytest.fixture
def submitting(client, job_body):
    """Submit a job with some fields changed."""

    def submitting(**fields):
        payload = CircuitJobCreationPayload.from_dict(job_body(**fields))
        return create_job.sync(client=client, body=payload)

    return submitting


# --- 400 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"backend": "qpu.none"}, "backend must be one of"),
        ({"backend": "qpu.aria-1"}, "backend qpu.aria-1 is retired"),
        ({"shots": 0}, "shots must be between 1 and 1000000"),
        ({"noise": {"model": "loud"}}, "noise.model must be one of"),
        ({"gates": [{"gate": "x", "target": 2}]}, "names qubit 2"),
        ({"gates": [{"gate": "rx", "target": 0}]}, "rotation is required"),
        ({"metadata": {"k" * 41: "v"}}, "metadata keys"),
        ({"session_id": "none"}, "there is no session none"),
        (
            {
                "backend": "qpu.forte-1",
                "shots": 499,
                "settings": {"error_mitigation": {"debiasing": True}},
            },
            "requires at least 500 shots",
        ),
    ],
)
def test_a_job_that_is_wrong_is_a_bad_request(submitting, fields, message):
    with pytest.raises(BadRequestError) as caught:
        submitting(**fields)
    assert message in caught.value.message
    assert (caught.value.status_code, caught.value.body["statusCode"]) == (400, 400)
    assert caught.value.body["validation"]["source"] == "payload"


def test_a_refusal_has_the_id_of_its_request(submitting):
    ids = set()
    for _ in range(2):
        with pytest.raises(BadRequestError) as caught:
            submitting(shots=-1)
        ids.add(caught.value.request_id)
    assert len(ids) == 2
    assert None not in ids


def named(value):
    """Name a case after its operation."""
    return value.__name__.rpartition(".")[2] if isinstance(value, ModuleType) else None


NO_JOBS = SessionSettingsRequest(job_count_limit=0)


@pytest.mark.parametrize(
    ("operation", "arguments", "key"),
    [
        (get_jobs, {"limit": 251}, "limit"),
        (get_jobs, {"next_": "nothing"}, "next"),
        (get_characterizations_for_backend, {"backend": "qpu.forte-1", "limit": 11}, "limit"),
        (get_characterizations_for_backend, {"backend": "qpu.forte-1", "start": "today"}, "start"),
        (estimate_job_cost, {"backend": "qpu.none"}, "backend"),
        (get_usages, {**MONTH, "modality": "hourly"}, "modality"),
        (get_usages, {**MONTH, "end_date": date(2025, 12, 31)}, "end_date"),
        (
            create_session,
            {"body": CreateSessionRequest(backend="qpu.forte-1", settings=NO_JOBS)},
            "settings.job_count_limit",
        ),
    ],
    ids=named,
)
def test_a_bad_request_says_which_key_is_wrong(client, operation, arguments, key):
    with pytest.raises(BadRequestError) as caught:
        operation.sync(client=client, **arguments)
    assert caught.value.body["validation"]["keys"] == [key]


# --- 401, 403 --------------------------------------------------------------------------------


def test_a_key_that_is_not_known_may_read_what_is_public_and_nothing_else(client_of):
    stranger = client_of(FakeIonQ(seed=7, keys={"right": "project"}), "wrong")
    assert get_backends.sync(client=stranger)[0].backend == "simulator"
    assert get_backend.sync("simulator", client=stranger).qubits == 29
    for call in (get_whoami.sync, get_jobs.sync, get_sessions.sync):
        with pytest.raises(AuthenticationError, match="Invalid key provided") as caught:
            call(client=stranger)
        assert caught.value.status_code == 401


@pytest.mark.parametrize(
    ("scope", "operation", "arguments"),
    [
        ("jobs:read", get_jobs, {}),
        ("jobs:read", get_job, {"uuid": "none"}),
        ("jobs:read", get_job_cost, {"uuid": "none"}),
        ("jobs:read", get_job_probabilities, {"uuid": "none"}),
        ("jobs:read", get_job_artifact, {"uuid": "none", "artifact_id": "none"}),
        ("jobs:write", cancel_job, {"uuid": "none"}),
        ("jobs:write", delete_jobs, {"body": JobsBulkOperationRequest(ids=[])}),
        ("jobs:write", clone_job, {"uuid": "none", "body": NO_CHANGES}),
        ("jobs:write", move_job, {"uuid": "none", "body": NO_CHANGES}),
        ("sessions:read", get_sessions, {}),
        ("sessions:read", get_session_jobs, {"session_id_path": "none"}),
        ("sessions:write", create_session, {"body": CreateSessionRequest(backend="qpu.forte-1")}),
        ("sessions:write", end_session, {"session_id": "none"}),
        ("billing", estimate_job_cost, {"backend": "qpu.forte-1"}),
        ("billing", get_usages, MONTH),
    ],
    ids=named,
)
def test_a_key_without_the_scope_is_not_permitted(client_of, scope, operation, arguments):
    keys = {
        "with": Access("one", scopes={scope}),
        "without": Access("one", scopes=SCOPES - {scope}),
    }
    cloud = FakeIonQ(seed=7, keys=keys)
    with pytest.raises(PermissionDeniedError, match="Insufficient Scope"):
        operation.sync_detailed(client=client_of(cloud, "without"), **arguments)
    with suppress(NotFoundError):  # it is let through, and there is nothing
        operation.sync_detailed(client=client_of(cloud, "with"), **arguments)


def test_a_key_may_use_the_machines_of_its_project_only(client_of, run, job_body):
    keys = {"key": Access("one", targets={"simulator"})}
    client = client_of(FakeIonQ(seed=7, keys=keys), "key")
    assert run(client, job_body()).status == "completed"
    with pytest.raises(PermissionDeniedError, match=r"no access to qpu\.forte-1"):
        run(client, job_body(backend="qpu.forte-1"))


# --- 404, 413, 5xx, none ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        (get_job, {"uuid": "none"}),
        (get_job, {"uuid": "../whoami"}),
        (get_job_cost, {"uuid": "none"}),
        (get_job_artifact, {"uuid": "none", "artifact_id": "none"}),
        (cancel_job, {"uuid": "none"}),
        (cancel_jobs, {"body": JobsBulkOperationRequest(ids=["none"])}),
        (delete_job, {"uuid": "none"}),
        (clone_job, {"uuid": "none", "body": NO_CHANGES}),
        (move_job, {"uuid": "none", "body": NO_CHANGES}),
        (get_session, {"session_id": "none"}),
        (end_session, {"session_id": "none"}),
        (get_session_jobs, {"session_id_path": "none"}),
        (get_backend, {"backend": "qpu.none"}),
        (get_characterization, {"backend": "qpu.forte-1", "uuid": UUID(int=0)}),
        (get_format_schema, {"format_": "ionq.none.v1"}),
        (get_usages, {**MONTH, "organization_id": "org.example"}),
    ],
    ids=named,
)
def test_what_is_not_there_is_not_found(client, operation, arguments):
    with pytest.raises(NotFoundError, match="Resource not found") as caught:
        operation.sync_detailed(client=client, **arguments)
    assert caught.value.body["statusCode"] == 404


def test_results_and_artifacts_are_not_found_before_a_job_is_completed(client_of, submit, job_body):
    client = client_of(FakeIonQ(seed=7, transitions=Transitions.polls(1)))
    job_id = submit(client, job_body())
    for _ in range(4):
        with pytest.raises(NotFoundError):
            get_job_probabilities.sync(job_id, client=client)
        with pytest.raises(NotFoundError):
            get_job_artifact.sync_detailed(job_id, "probabilities", client=client)
        job = get_job.sync(job_id, client=client)
    assert job.status == "completed"
    assert get_job_probabilities.sync(job_id, client=client).to_dict() != {}


def test_one_job_that_is_not_there_spares_the_others(client, submit, job_body):
    job_id = submit(client, job_body())
    with pytest.raises(NotFoundError):
        delete_jobs.sync(client=client, body=JobsBulkOperationRequest(ids=[job_id, "none"]))
    assert get_job.sync(job_id, client=client).status == "completed"


def test_a_body_of_more_than_10_mb_is_too_large(submitting):
    with pytest.raises(APIError, match="maximum allowed") as caught:
        submitting(name="n" * 10 * 1024 * 1024)
    assert caught.value.status_code == 413


def test_a_defect_of_the_cloud_itself_is_a_server_error(client_of, submit, job_body):
    class Broken(Executor):
        def submit(self, fn, /, *args, **kwargs):
            raise RuntimeError("out of order")

    client = client_of(FakeIonQ(seed=7, executor=Broken()))
    with pytest.raises(ServerError, match="defect of the fake") as caught:
        submit(client, job_body())
    assert caught.value.status_code == 500


def test_a_server_that_has_ended_is_a_connection_error(cloud, new_client):
    with FakeServer(cloud) as server:
        url = server.url
    with socket.socket() as nothing:  # that listens, and no server of another test can
        nothing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        nothing.bind(("127.0.0.1", urlsplit(url).port))
        with new_client(url) as client, pytest.raises(APIConnectionError):
            get_backends.sync(client=client)


# --- projects --------------------------------------------------------------------------------


@pytest.fixture
def project_keys(client_of):
    """Clients with three keys of two projects of one cloud: mine, mine again, and theirs."""
    cloud = FakeIonQ(seed=7, keys={"mine": "one", "again": "one", "theirs": "two"})
    return [client_of(cloud, key) for key in ("mine", "again", "theirs")]


def test_keys_of_one_project_see_its_jobs_and_sessions(project_keys, run, job_body):
    mine, again, _ = project_keys
    job = run(mine, job_body())
    session = create_session.sync(client=mine, body=CreateSessionRequest(backend="qpu.forte-1"))
    assert get_job.sync(job.id, client=again) == job
    assert get_session.sync(session.id, client=again) == session
    who = [get_whoami.sync(client=client) for client in (mine, again)]
    assert who[0].project_id == who[1].project_id
    assert who[0].key_id != who[1].key_id


def test_a_key_of_another_project_sees_none_of_them(project_keys, run, job_body):
    mine, _, theirs = project_keys
    job = run(mine, job_body())
    session = create_session.sync(client=mine, body=CreateSessionRequest(backend="qpu.forte-1"))
    assert get_jobs.sync(client=theirs).jobs == []
    assert get_jobs.sync(client=theirs, ids=[job.id]).jobs == []
    assert get_sessions.sync(client=theirs).sessions == []
    for call, wanted in (
        (get_job.sync, job.id),
        (get_job_cost.sync, job.id),
        (get_job_probabilities.sync, job.id),
        (cancel_job.sync, job.id),
        (get_session.sync, session.id),
        (end_session.sync, session.id),
    ):
        with pytest.raises(NotFoundError):
            call(wanted, client=theirs)
    body = JobsBulkOperationRequest(ids=[job.id])
    with pytest.raises(NotFoundError):
        delete_jobs.sync(client=theirs, body=body)
    with pytest.raises(BadRequestError, match="there is no session"):
        run(theirs, job_body(backend="qpu.forte-1", session_id=session.id))
    assert get_job.sync(job.id, client=mine) == job
    assert get_session.sync(session.id, client=mine) == session
