"""The first test of a user of each client: no key, no network, and an hour in the queue.

qBraid, which reads `IONQ_API_KEY` and polls by `requests` every 5 s, is not a dependency here.
"""

import asyncio
import importlib
import os
import socket

import pytest
import qiskit_ionq
from ionq_core import IonQClient
from ionq_core.api.default import create_job
from ionq_core.models import CircuitJobCreationPayload
from ionq_core.polling import JobTimeoutError, async_wait_for_job, wait_for_job

import ionq_toolkit
from ionq_toolkit_fake import Transitions, after, mock_ionq

HOUR = Transitions(started=after(seconds=3600))
SHOTS = 100


def of_qiskit(package, bell):
    backend = package.IonQProvider().get_backend("ionq_simulator")
    return backend.run(bell, shots=SHOTS).result().get_counts()


def by_qiskit_ionq(bell):
    return set(of_qiskit(qiskit_ionq, bell))


def by_ionq_toolkit(bell):
    return set(of_qiskit(ionq_toolkit, bell))


def imported(*names):
    """Import modules; Cirq and PennyLane are left out of the tests with the oldest versions."""
    return (
        pytest.importorskip(name, reason="needs newer versions than these")
        if name.startswith(("cirq", "pennylane"))
        else importlib.import_module(name)
        for name in names
    )


def by_cirq_ionq(bell):
    cirq, cirq_ionq = imported("cirq", "cirq_ionq")
    one, two = cirq.LineQubit.range(2)
    circuit = cirq.Circuit(cirq.H(one), cirq.CNOT(one, two), cirq.measure(one, two, key="m"))
    service = cirq_ionq.Service(default_target="simulator")
    counts = service.run(circuit, repetitions=SHOTS).histogram(key="m")
    return {f"{outcome:02b}" for outcome in counts}


def by_pennylane_ionq(bell):
    qml, _ = imported("pennylane", "pennylane_ionq")
    device = qml.device("ionq.simulator", wires=2)

    @qml.set_shots(SHOTS)
    @qml.qnode(device)
    def circuit():
        qml.Hadamard(0)
        qml.CNOT([0, 1])
        return qml.probs(wires=[0, 1])

    return {f"{place:02b}" for place, probability in enumerate(circuit()) if probability}


BELL = {
    "type": "ionq.circuit.v1",
    "backend": "simulator",
    "shots": SHOTS,
    "input": {
        "gateset": "qis",
        "qubits": 2,
        "circuit": [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}],
    },
}


def by_ionq_core(bell, timeout=7200):
    client = IonQClient()
    job = create_job.sync(client=client, body=CircuitJobCreationPayload.from_dict(BELL)).id
    assert wait_for_job(client, job, timeout=timeout).status == "completed"
    return {"00", "11"}


def by_ionq_core_asynchronously(bell):
    async def run():
        async with IonQClient() as client:
            body = CircuitJobCreationPayload.from_dict(BELL)
            job = (await create_job.asyncio(client=client, body=body)).id
            return (await async_wait_for_job(client, job, timeout=7200)).status

    assert asyncio.run(run()) == "completed"
    return {"00", "11"}


CLIENTS = [
    by_qiskit_ionq,
    by_cirq_ionq,
    by_pennylane_ionq,
    by_ionq_core,
    by_ionq_core_asynchronously,
    by_ionq_toolkit,
]

pytestmark = pytest.mark.filterwarnings("ignore:Transpiler default")


@pytest.fixture(autouse=True)
def addresses(monkeypatch, tmp_path):
    """Record every address that something looks up or connects to, and refuse it."""
    # httpx takes longer to read the certificates than a test.
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    found = []

    def refuse(*address, **_):
        found.append(address)
        raise OSError("the network is cut")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    yield found
    assert not found


@pytest.fixture(params=CLIENTS)
def run(request, bell):
    return lambda: request.param(bell)


@mock_ionq
def test_the_first_test_needs_no_key(run):
    assert run() == {"00", "11"}


KEYS = ("IONQ_API_KEY", "QISKIT_IONQ_API_TOKEN", "CIRQ_IONQ_API_KEY", "PENNYLANE_IONQ_API_KEY")


def test_a_real_key_and_host_reach_neither_the_test_nor_the_network(run, monkeypatch):
    for name in KEYS:
        monkeypatch.setenv(name, "a-real-looking-key")
    monkeypatch.setenv("IONQ_API_URL", "https://staging.example/v0.4")
    monkeypatch.setenv("IONQ_REMOTE_HOST", "https://staging.example")
    with mock_ionq(keys={"of-the-fake": "project"}) as cloud:  # it takes no other
        assert "a-real-looking-key" not in os.environ.values()
        assert run() == {"00", "11"}
    assert {os.environ[name] for name in KEYS} == {"a-real-looking-key"}
    assert 401 not in {request.status for request in cloud.requests}


def test_an_hour_in_the_queue_takes_no_time(run):
    with mock_ionq(transitions=HOUR) as cloud:
        assert run() == {"00", "11"}
    assert 3600 <= cloud.clock.monotonic() < 3700
    assert len(cloud.requests) < 800  # none takes a millisecond


def test_a_wait_that_is_too_short_ends_as_with_the_service(bell):
    with mock_ionq(transitions=HOUR) as cloud:
        job = qiskit_ionq.IonQProvider().get_backend("ionq_simulator").run(bell, shots=SHOTS)
        with pytest.raises(qiskit_ionq.exceptions.IonQJobTimeoutError):
            job.result(timeout=60)
        assert 60 <= cloud.clock.monotonic() <= 65
    with mock_ionq(transitions=HOUR) as cloud:
        with pytest.raises(JobTimeoutError):
            by_ionq_core(bell, timeout=300)
        assert 299 <= cloud.clock.monotonic() <= 330
