"""Schemathesis makes requests from a document, good ones and bad ones: no reply may be wrong."""

import pytest
import requests
import schemathesis
from document import BODIES, QUERIES, openapi
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from shapes import successes

from ionq_toolkit_fake import FakeIonQ, FakeServer
from ionq_toolkit_fake.api.operations import OPERATIONS
from ionq_toolkit_fake.models.accounts import ORGANIZATION

HEADERS = {"Authorization": "apiKey any-key", "User-Agent": "fuzz"}
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
BELL = {
    "type": "ionq.circuit.v1",
    "input": {
        "gateset": "qis",
        "qubits": 2,
        "circuit": [{"gate": "h", "target": 0}, {"gate": "cnot", "target": 1, "control": 0}],
    },
}


@pytest.fixture(scope="module")
def server():
    cloud = FakeIonQ(seed=3, statuses={"qpu.aria-1": "available"})
    with FakeServer(cloud) as server:
        yield server


def post(server, path, body):
    return requests.post(server.url + path, json=body, headers=HEADERS, timeout=30).json()


@pytest.fixture
def schema(server):
    """Return a document that knows of some jobs, a session, and a characterization."""
    jobs = [
        post(server, "/jobs", {**BELL, "backend": "simulator"}),
        post(server, "/jobs", {**BELL, "backend": "qpu.forte-1", "shots": 500}),
    ]
    several = {"gateset": "qis", "circuits": [BELL["input"]]}
    jobs.append(
        post(
            server,
            "/jobs",
            {"type": "ionq.multi-circuit.v1", "backend": "simulator", "input": several},
        )
    )
    session = post(server, "/sessions", {"backend": "qpu.forte-1"})
    records = requests.get(server.url + "/backends/qpu.forte-1/characterizations", timeout=30)
    known = {
        "job_id": [*(job["id"] for job in jobs), "unknown"],
        "artifact_id": ["probabilities", "unknown"],
        "session_id": [session["id"], "unknown"],
        "backend": ["simulator", "qpu.forte-1", "qpu.none"],
        "characterization_id": [records.json()["characterizations"][0]["id"], "unknown"],
        "organization_id": [ORGANIZATION, "unknown"],
    }
    return schemathesis.openapi.from_dict(openapi(known))


#: Each operation with good requests, and with bad ones if it takes anything that can be bad.
CASES = [
    (operation, mode)
    for operation in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.name in {*BODIES, *QUERIES}
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("operation", "mode"), CASES, ids=[f"{o.name} {m.value}" for o, m in CASES]
)
def test_no_request_gets_a_reply_outside_the_document(server, schema, operation, mode):
    path = operation.path.replace("<", "{").replace(">", "}")
    described = schema[path][operation.method]
    replies = []

    @given(described.as_strategy(generation_mode=mode))
    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    def probe(case):
        response = case.call(base_url=server.url, headers=HEADERS)
        case.validate_response(response, checks=CHECKS)
        replies.append(response.status_code)

    probe()
    if mode is GenerationMode.POSITIVE:
        assert successes()[operation.name][0] in replies
