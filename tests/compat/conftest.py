"""Fixtures of the compatibility tests: ionq-core, qiskit-ionq and this client."""

import asyncio
import importlib
import json
from contextlib import ExitStack, suppress
from datetime import datetime

import pytest
from ionq_core import IonQClient
from ionq_core.api.default import create_job, get_job, get_job_artifact
from ionq_core.models import (
    CircuitJobCreationPayload,
    JSONMultiCircuitJob,
    QctrlQaoaJobCreationPayload,
    QuantumFunctionJobCreationPayload,
)
from qiskit import QuantumCircuit

from ionq_toolkit_fake import FakeIonQ, FakeServer, mock_ionq

#: The packages that a program is run through, and the module of their errors.
PACKAGES = {"qiskit_ionq": "qiskit_ionq.exceptions", "ionq_toolkit": "ionq_toolkit.errors"}

PAYLOADS = {
    "ionq.circuit.v1": CircuitJobCreationPayload,
    "ionq.qasm3.v1": CircuitJobCreationPayload,
    "ionq.multi-circuit.v1": JSONMultiCircuitJob,
    "quantum-function": QuantumFunctionJobCreationPayload,
    "qctrl.qaoa.v1": QctrlQaoaJobCreationPayload,
}


@pytest.fixture
def new_client(monkeypatch, tmp_path):
    """Make a client of a URL that takes no status but those of the API document."""
    # On loopback, no certificate is needed, and httpx takes longer to read them than a test.
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    def new_client(url, key="any-key"):
        return IonQClient(api_key=key, base_url=url, max_retries=0, raise_on_unexpected_status=True)

    return new_client


@pytest.fixture
def client_of(new_client):
    """Serve a cloud, and return a client of it with a key, as long as the test lasts."""
    with ExitStack() as stack:

        def client_of(cloud, key="any-key"):
            url = stack.enter_context(FakeServer(cloud)).url
            return stack.enter_context(new_client(url, key))

        yield client_of


@pytest.fixture
def client(cloud, client_of):
    return client_of(cloud)


@pytest.fixture
def asynchronously(new_client):
    """Serve a cloud, and run a coroutine function with an asynchronous client of it."""

    async def run(url, work):
        async with new_client(url) as client:
            return await work(client)

    def asynchronously(cloud, work):
        with FakeServer(cloud) as server:
            return asyncio.run(run(server.url, work))

    return asynchronously


@pytest.fixture
def payload_of():
    """Make the client's own object of a body, which must not lose anything of it."""

    def payload_of(body):
        payload = PAYLOADS[body["type"]].from_dict(body)
        assert payload.to_dict() == body
        return payload

    return payload_of


@pytest.fixture
def submit(payload_of):
    """Submit a body and return the id of the job."""

    def submit(client, body):
        return create_job.sync(client=client, body=payload_of(body)).id

    return submit


@pytest.fixture
def run(submit):
    """Submit a body and return the job as it is then."""

    def run(client, body):
        return get_job.sync(submit(client, body), client=client)

    return run


@pytest.fixture
def fetch():
    """Download an artifact of a job, which its descriptor names, as JSON."""

    def fetch(client, job, descriptor):
        artifact_id = descriptor["id"] if isinstance(descriptor, dict) else descriptor.id
        response = get_job_artifact.sync_detailed(job.id, artifact_id, client=client)
        if response.headers["content-type"].startswith("text/plain"):
            return response.content.decode()
        assert response.headers["content-type"].startswith("application/json")
        return json.loads(response.content)

    return fetch


@pytest.fixture
def bell_gates():
    return [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]


def _normal(value):
    """Return JSON with each date in one spelling."""
    if isinstance(value, dict):
        return {key: _normal(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_normal(part) for part in value]
    if isinstance(value, str):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    return value


@pytest.fixture
def same_json():
    """Compare what the client parsed with what it was sent, whose dates it writes differently."""

    def same_json(parsed, sent):
        return _normal(parsed) == _normal(sent)

    return same_json


@pytest.fixture
def nothing_is_lost(client_of, submit, same_json):
    """Run a body on a cloud that follows its document; the client's objects must hold all of it."""
    client = client_of(FakeIonQ(seed=7, deviations=()))

    def nothing_is_lost(body):
        response = get_job.sync_detailed(submit(client, body), client=client)
        return same_json(response.parsed.to_dict(), json.loads(response.content))

    return nothing_is_lost


@pytest.fixture(params=PACKAGES)
def package(request):
    """Return what the program imports: qiskit-ionq, or this package in its place."""
    return importlib.import_module(request.param)


@pytest.fixture
def exceptions(package):
    return importlib.import_module(PACKAGES[package.__name__])


@pytest.fixture
def get_backend(package):
    """Return what gets a backend of the package."""
    with mock_ionq(FakeIonQ(seed=7)):
        yield package.IonQProvider("the key").get_backend


@pytest.fixture
def simulator(get_backend):
    return get_backend("ionq_simulator")


@pytest.fixture
def forte(get_backend):
    return get_backend("ionq_qpu.forte-1")


@pytest.fixture
def crossed():
    """X on the first of two qubits, which is measured into the second bit."""
    circuit = QuantumCircuit(2, 2, name="crossed")
    circuit.x(0)
    circuit.measure([0, 1], [1, 0])
    return circuit
