"""ionq-core, IonQ's own generated client, calls each operation of the API document in each form."""

import asyncio
import datetime
import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple
from uuid import UUID

import ionq_core.api
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
from ionq_core.models import (
    CircuitJobCreationPayload,
    CloneJobPayload,
    CreateSessionRequest,
    JobsBulkOperationRequest,
)

from ionq_toolkit_fake import FakeIonQ, FakeServer, Transitions
from ionq_toolkit_fake.api.operations import OPERATIONS
from ionq_toolkit_fake.simulation.executors import InlineExecutor

# It warns of a URL that is not https.
pytestmark = pytest.mark.filterwarnings("ignore:base_url .* does not use HTTPS:UserWarning")

FORMS = ("sync", "sync_detailed", "asyncio", "asyncio_detailed")
DAY = datetime.date(2026, 1, 1)
X1 = {
    "type": "ionq.circuit.v1",
    "backend": "qpu.forte-1",
    "shots": 10,
    "input": {"gateset": "qis", "qubits": 2, "circuit": [{"gate": "x", "target": 1}]},
}


class World(NamedTuple):
    """What there is in the cloud before an operation is called."""

    done: str
    waiting: str
    session: str
    artifact: str
    characterization: str
    key: Mapping[str, str]


class Row(NamedTuple):
    """How an operation is called, what is looked at in its parsed reply, and what that must be."""

    document: str
    operation: ModuleType
    arguments: Callable[[World], Mapping[str, Any]]
    shown: Callable[[Any], object]
    expected: Callable[[World], object]
    status: int = 200


def _ids(world):
    return JobsBulkOperationRequest(ids=[world.done, world.waiting])


ROWS = [
    Row(
        "getWhoami",
        get_whoami,
        lambda w: {},
        lambda r: (str(r.key_id), r.key_name, str(r.project_id)),
        lambda w: (w.key["key_id"], "key 1", w.key["project_id"]),
    ),
    Row(
        "getBackends",
        get_backends,
        lambda w: {},
        lambda r: [(b.backend, b.qubits, b.status) for b in r][:2],
        lambda w: [("simulator", 29, "available"), ("qpu.forte-1", 36, "available")],
    ),
    Row(
        "getBackend",
        get_backend,
        lambda w: {"backend": "qpu.forte-1"},
        lambda r: (r.backend, r.characterization_id, r.supported_native_gates, r.degraded),
        lambda w: ("qpu.forte-1", w.characterization, ["gpi", "gpi2", "zz"], False),
    ),
    Row(
        "getCharacterizationsForBackend",
        get_characterizations_for_backend,
        lambda w: {"backend": "qpu.forte-1", "limit": 1},
        lambda r: [(str(c.id), c.date, c.qubits) for c in r.characterizations],
        lambda w: [(w.characterization, "2026-01-01T00:00:00Z", 36)],
    ),
    Row(
        "getCharacterization",
        get_characterization,
        lambda w: {"backend": "qpu.forte-1", "uuid": UUID(w.characterization)},
        lambda r: (str(r.id), r.backend, len(r.connectivity), r.timing.t1),
        lambda w: (w.characterization, "qpu.forte-1", 36 * 35 // 2, 100),
    ),
    Row(
        "CreateJob",
        create_job,
        lambda w: {"body": CircuitJobCreationPayload.from_dict({**X1, "session_id": w.session})},
        lambda r: (r.status, r.session_id, UUID(r.id).version),
        lambda w: ("submitted", w.session, 7),
        status=201,
    ),
    Row(
        "GetJobs",
        get_jobs,
        lambda w: {"limit": 1},
        lambda r: ([job.id for job in r.jobs], r.next_),
        lambda w: ([w.waiting], w.done),
    ),
    Row(
        "DeleteJobs",
        delete_jobs,
        lambda w: {"body": _ids(w)},
        lambda r: (r.ids, r.status),
        lambda w: ([w.done, w.waiting], "deleted"),
    ),
    Row(
        "CancelJobs",
        cancel_jobs,
        lambda w: {"body": _ids(w)},
        lambda r: (r.ids, r.status),
        lambda w: ([w.done, w.waiting], "canceled"),
    ),
    Row(
        "EstimateJobCost",
        estimate_job_cost,
        lambda w: {"backend": "qpu.forte-1", "field_1q_gates": 128, "field_2q_gates": 32},
        lambda r: (r.estimated_total_cost, r.estimated_unit, r.estimate_context.field_2q_gates),
        lambda w: (56.86, "usd", 32),
    ),
    Row(
        "GetJob",
        get_job,
        lambda w: {"uuid": w.done},
        lambda r: (r.id, r.type_, r.status, r.shots, r.session_id, r.cost_model),
        lambda w: (w.done, "ionq.circuit.v1", "completed", 10, w.session, "2QGE_operations"),
    ),
    Row(
        "DeleteJob",
        delete_job,
        lambda w: {"uuid": w.done},
        lambda r: (r.id, r.status),
        lambda w: (w.done, "deleted"),
    ),
    Row(
        "CloneJob",
        clone_job,
        lambda w: {"uuid": w.done, "body": CloneJobPayload(name="again")},
        lambda r: (r.status, r.session_id),
        lambda w: ("submitted", w.session),
        status=201,
    ),
    Row(
        "MoveJob",
        move_job,
        lambda w: {
            "uuid": w.waiting,
            "body": CloneJobPayload.from_dict({"session_id": w.session, "backend": "qpu.forte-1"}),
        },
        lambda r: (r.status, r.session_id),
        lambda w: ("submitted", w.session),
        status=201,
    ),
    Row(
        "GetJobCost",
        get_job_cost,
        lambda w: {"uuid": w.done},
        lambda r: (r.dry_run, r.cost.value, r.cost.unit, r.estimated_cost.value),
        lambda w: (False, 25.79, "usd", 25.79),
    ),
    Row(
        "CancelJob",
        cancel_job,
        lambda w: {"uuid": w.waiting},
        lambda r: (r.id, r.status),
        lambda w: (w.waiting, "canceled"),
    ),
    Row(
        "GetJobProbabilities",
        get_job_probabilities,
        lambda w: {"uuid": w.done, "sharpen": True},
        lambda r: r.to_dict(),
        lambda w: {"2": 1.0},
    ),
    Row(
        "GetJobArtifact",
        get_job_artifact,
        lambda w: {"uuid": w.done, "artifact_id": w.artifact},
        lambda r: r,
        lambda w: {"histogram": {"registers": {"output_all": {"10": 10}}}},
    ),
    Row(
        "CreateSession",
        create_session,
        lambda w: {"body": CreateSessionRequest(backend="qpu.forte-1")},
        lambda r: (r.status, r.active, r.backend, r.project_id, r.started_at),
        lambda w: ("created", True, "qpu.forte-1", w.key["project_id"], None),
        status=201,
    ),
    Row(
        "GetSessions",
        get_sessions,
        lambda w: {"active": True},
        lambda r: (r.organization_id, [session.id for session in r.sessions]),
        lambda w: ("com.example", [w.session]),
    ),
    Row(
        "GetSession",
        get_session,
        lambda w: {"session_id": w.session},
        lambda r: (r.id, r.status, r.started_at.date(), r.ended_at),
        lambda w: (w.session, "started", DAY, None),
    ),
    Row(
        "EndSession",
        end_session,
        lambda w: {"session_id": w.session},
        lambda r: (r.status, r.active, r.ended_at.date(), r.ender_id == r.creator_id),
        lambda w: ("ended", False, DAY, True),
    ),
    Row(
        "GetSessionJobs",
        get_session_jobs,
        lambda w: {"session_id_path": w.session},
        lambda r: ([job.id for job in r.jobs], r.next_),
        lambda w: ([w.done], None),
    ),
    Row(
        "GetFormatSchema",
        get_format_schema,
        lambda w: {"format_": "ionq.native.v1"},
        lambda r: (r.id, r.type_, r["required"]),
        lambda w: ("ionq.native.v1", "object", ["qubits", "circuit"]),
    ),
    Row(
        "get-usages",
        get_usages,
        lambda w: {
            "organization_id": "com.example",
            "start_date": DAY,
            "end_date": DAY,
            "group_by": "job",
            "modality": "daily",
        },
        lambda r: (r.amount_total, [g.group_id for g in r.usage_data[0].group_usages]),
        lambda w: (25.79, [w.done]),
    ),
]
CASES = [
    pytest.param(row, form, id=f"{row.document}-{form}")
    for row in ROWS
    for form in FORMS
    if hasattr(row.operation, form)
]


@cache
def simulated(function, *arguments):
    return InlineExecutor().submit(function, *arguments)


class Remembering(InlineExecutor):
    """Simulates only once what is the same in every world, which takes most of their time."""

    def submit(self, fn, /, *args, **kwargs):
        return simulated(fn, *args)


def new_cloud(**options):
    return FakeIonQ(seed=7, transitions=Transitions.polls(1), executor=Remembering(), **options)


def build_world(cloud, sender):
    """Put a job that is done into a session, and another that waits behind it."""
    send = sender(cloud)
    session = send("POST", "/sessions", {"backend": "qpu.forte-1"})[1]["id"]
    done = send("POST", "/jobs", {**X1, "session_id": session})[1]["id"]
    job = next(job for _ in range(9) if (job := send("GET", f"/jobs/{done}")[1])["results"])
    return World(
        done=done,
        waiting=send("POST", "/jobs", {**X1, "backend": "simulator"})[1]["id"],
        session=session,
        artifact=job["results"]["ionq.result.histogram.json.v2"]["id"],
        characterization=send("GET", "/backends/qpu.forte-1")[1]["characterization_id"],
        key=send("GET", "/whoami")[1],
    )


async def call_asynchronously(function, client, arguments):
    async with client:
        return await function(client=client, **arguments)


def call(row, form, client, world):
    """Call an operation in one of its forms; return what it replies, parsed if it is."""
    function, arguments = getattr(row.operation, form), row.arguments(world)
    if form.startswith("sync"):
        with client:
            reply = function(client=client, **arguments)
    else:
        reply = asyncio.run(call_asynchronously(function, client, arguments))
    if not form.endswith("detailed"):
        return reply
    assert reply.status_code == row.status
    return json.loads(reply.content) if reply.parsed is None else reply.parsed


@pytest.mark.parametrize(("row", "form"), CASES)
def test_each_operation_is_called_and_its_reply_parsed(row, form, new_client, sender):
    cloud = new_cloud()
    world = build_world(cloud, sender)
    with FakeServer(cloud) as server:
        reply = call(row, form, new_client(server.url), world)
    assert row.shown(reply) == row.expected(world)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.document)
def test_nothing_is_lost_of_a_reply_that_follows_the_document(row, new_client, sender, same_json):
    cloud = new_cloud(deviations=())
    world = build_world(cloud, sender)
    with FakeServer(cloud) as server, new_client(server.url) as client:
        response = row.operation.sync_detailed(client=client, **row.arguments(world))
    sent, parsed = json.loads(response.content), response.parsed
    if parsed is None:
        assert row.document == "GetJobArtifact"  # the document does not say what it returns
    else:
        several = isinstance(parsed, list)
        again = [part.to_dict() for part in parsed] if several else parsed.to_dict()
        assert same_json(again, sent)


def test_the_table_has_each_operation_of_the_document_once():
    documented = [operation.document for operation in OPERATIONS if operation.document]
    assert sorted(row.document for row in ROWS) == sorted(documented)
    assert len(documented) == 25


def test_the_table_has_each_operation_of_the_client_once():
    packages = pkgutil.walk_packages(ionq_core.api.__path__, "ionq_core.api.")
    modules = [importlib.import_module(name) for _, name, is_package in packages if not is_package]
    assert {row.operation for row in ROWS} == set(modules)
    assert len(modules) == len(ROWS)
