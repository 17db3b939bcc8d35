"""The same IonQJob, unchanged, through every way in."""

import json
import os
import subprocess
import sys

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit import InProcessTransport, IonQProvider, errors
from ionq_toolkit_fake import FakeIonQ, FakeServer, Scenario, Transitions
from ionq_toolkit_fake.scenario import names

KEY = {"Authorization": "apiKey any-key", "Content-Type": "application/json"}


def test_a_bell_pair_runs_from_circuit_to_counts(way, cloud, bell):
    backend = way.provider(cloud).get_backend("ionq_simulator")

    job = backend.run(bell, shots=1000)

    assert job.status() is JobStatus.DONE
    counts = job.get_counts()
    assert set(counts) == {"00", "11"}
    assert sum(counts.values()) == 1000
    assert job.get_probabilities() == pytest.approx({"00": 0.5, "11": 0.5})


def test_seeds_fix_ids_and_counts_whatever_the_way_in(way, bell):
    def run(provider):
        job = provider.get_backend("simulator").run(bell, shots=1000, memory=True)
        return job.job_id(), job.get_counts(), job.get_memory()

    reference = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=7)), seed=11)
    other_seeds = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=8)), seed=12)

    found = run(way.provider(FakeIonQ(seed=7), seed=11))

    assert found == run(reference)
    assert all(a != b for a, b in zip(found, run(other_seeds), strict=True))


def test_the_replies_are_the_same_bytes_through_every_way_in(way):
    transport, base = way.transport(FakeIonQ(seed=7))
    direct = FakeIonQ(seed=7)
    body = json.dumps(
        {
            "type": "ionq.circuit.v1",
            "backend": "simulator",
            "input": {"qubits": 1, "gateset": "qis", "circuit": [{"gate": "h", "target": 0}]},
        }
    ).encode()

    def both(method, path, content=None):
        got = transport.send(method, base + path, KEY, content, 30.0)
        expected = direct.handle(method, "/v0.4" + path, KEY, content, 30.0)
        assert (got.status, got.body) == (expected.status, expected.body)
        for name, value in expected.headers.items():
            assert got.header(name) == value
        return got

    job_id = json.loads(both("POST", "/jobs", body).body)["id"]
    for method, path in [
        ("GET", f"/jobs/{job_id}"),
        ("GET", f"/jobs/{job_id}/results/probabilities?sharpen=true"),
        ("PUT", f"/jobs/{job_id}/status/cancel"),
        ("GET", "/backends"),
        ("GET", "/jobs/unknown"),
        ("POST", "/jobs"),
        ("GET", "/no/such/path"),
    ]:
        both(method, path)


@pytest.mark.parametrize("scenario", names())
def test_a_scenario_is_the_same_bytes_through_every_way_in(way, scenario):
    """All that is answered, and all that is not, follow from the seed."""
    expected_of, cloud_of_way = (Scenario.of(scenario).cloud(seed=9) for _ in range(2))
    transport, base = way.transport(cloud_of_way)
    body = json.dumps(
        {
            "type": "ionq.circuit.v1",
            "backend": "qpu.forte-enterprise-1",
            "shots": 100,
            "input": {"qubits": 1, "circuit": [{"gate": "h", "target": 0}]},
        }
    ).encode()

    def ask(method, path, content=None):
        silent = False
        try:
            expected = expected_of.handle(method, "/v0.4" + path, KEY, content, 30.0)
        except (ConnectionError, TimeoutError) as error:
            expected, silent = None, isinstance(error, TimeoutError)
        # Silence on a socket lasts until the client gives up, in none of the cloud's time.
        short = silent and way.name == "socket"
        try:
            got = transport.send(method, base + path, KEY, content, 1.0 if short else 30.0)
        except (ConnectionError, TimeoutError):
            got = None
        if short:
            cloud_of_way.clock.sleep(30.0)
        if expected is None or got is None:
            assert got is expected
            return
        assert (got.status, got.body) == (expected.status, expected.body)
        for name, value in expected.headers.items():
            assert got.header(name) == value

    for _ in range(6):
        ask("POST", "/jobs", body)
        for job in expected_of.jobs:
            ask("GET", f"/jobs/{job.id}")
            ask("GET", f"/jobs/{job.id}/results/probabilities")
        for cloud in (expected_of, cloud_of_way):
            cloud.clock.sleep(7000)
    ask("GET", "/jobs")

    told = [
        [(one.method, one.path, one.status, one.faults) for one in cloud.requests]
        for cloud in (expected_of, cloud_of_way)
    ]
    assert told[0] == told[1]
    assert [job.status for job in expected_of.jobs] == [job.status for job in cloud_of_way.jobs]


def test_every_status_on_the_way_is_seen(way, bell):
    backend = way.provider(FakeIonQ(seed=7, transitions=Transitions.polls(1))).get_backend(
        "simulator"
    )
    seen = []

    job = backend.run(bell)
    job.wait_for_final_state(timeout=60, callback=lambda _id, status, _job: seen.append(status))

    assert seen == [
        JobStatus.INITIALIZING,
        JobStatus.QUEUED,
        JobStatus.RUNNING,
        JobStatus.DONE,
    ]


def test_a_job_is_retrieved_by_its_id_with_the_same_counts(way, cloud, bell):
    backend = way.provider(cloud).get_backend("simulator")
    job = backend.run(bell, shots=777, memory=True)

    again = backend.retrieve_job(job.job_id())

    assert again.get_counts() == job.get_counts()
    assert again.get_memory() == job.get_memory()
    assert sum(again.get_counts().values()) == 777


def test_a_job_is_cancelled(way, bell):
    backend = way.provider(FakeIonQ(seed=7, transitions=Transitions.polls(2))).get_backend(
        "simulator"
    )
    job = backend.run(bell)
    assert job.status() is JobStatus.INITIALIZING

    assert job.cancel() is True

    assert job.cancelled()
    for _ in range(2):
        with pytest.raises(errors.IonQJobStateError, match="cancelled"):
            job.status()
        with pytest.raises(errors.IonQJobStateError, match="cancelled"):
            job.result()


def test_a_failed_job_says_why_and_says_it_again(way, cloud, job_body):
    provider = way.provider(cloud)
    # The client itself refuses so wide a circuit; another one might not.
    job_id = provider.client.submit_job(job_body(qubits=30))["id"]

    job = provider.get_backend("simulator").retrieve_job(job_id)

    assert job.in_final_state()
    assert not job.done()
    assert job.error_message().startswith("NotEnoughQubits: ")
    for ask in (job.status, job.result, job.get_counts, job.get_probabilities) * 2:
        with pytest.raises(errors.IonQJobFailureError, match="requires 30 qubits") as caught:
            ask()
        assert caught.value.code == "NotEnoughQubits"
        assert caught.value.job_id == job_id


def test_an_unknown_job_is_an_api_error_with_all_it_carries(way, cloud):
    backend = way.provider(cloud).get_backend("simulator")

    with pytest.raises(errors.IonQAPIError, match="Resource not found") as caught:
        backend.retrieve_job("no-such-job")

    assert caught.value.status_code == 404
    assert caught.value.error_type == "Not Found Error"
    assert caught.value.job_id == "no-such-job"
    assert len(caught.value.request_id) == 36


def test_several_registers_and_an_unmeasured_qubit_come_back_in_their_places(way, cloud):
    qubits, one, two = QuantumRegister(4), ClassicalRegister(1, "one"), ClassicalRegister(2, "two")
    circuit = QuantumCircuit(qubits, one, two)
    circuit.x([0, 3])
    circuit.measure(qubits[3], two[1])
    circuit.measure(qubits[1], one[0])
    circuit.measure(qubits[0], two[0])
    backend = way.provider(cloud).get_backend("simulator")

    assert backend.run(circuit, shots=10).get_counts() == {"11 0": 10}


def test_a_deleted_job_is_gone(way, cloud, bell):
    provider = way.provider(cloud)
    job = provider.get_backend("simulator").run(bell)
    assert provider.client.delete_job(job.job_id())["id"] == job.job_id()
    with pytest.raises(errors.IonQAPIError) as caught:
        provider.client.delete_job(job.job_id())
    assert caught.value.status_code == 404
    assert list(provider.client.list_jobs()) == []


FORKS = """
import os, sys
from qiskit import QuantumCircuit
from ionq_toolkit import IonQProvider

circuit = QuantumCircuit(1)
circuit.measure_all()
backend = IonQProvider("any key", sys.argv[1], seed=3).get_backend("simulator")

def run():
    job_id = backend.run(circuit, shots=10).job_id()
    os.write(1, (job_id + "\\n").encode())  # at once, whoever else writes

run()
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        run()
        os._exit(0)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
run()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_forked_processes_submit_jobs_of_their_own():
    """What forks share, such as generators of random numbers, makes no two submissions alike."""
    cloud = FakeIonQ(seed=7)
    with FakeServer(cloud) as server:
        # In a process of its own: a lock that another thread holds at a fork is held for ever.
        done = subprocess.run(
            [sys.executable, "-c", FORKS, server.url],
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
    assert done.returncode == 0, done.stderr
    tags = [job.submission.metadata["toolkit_tag"] for job in cloud.jobs]
    assert len(set(tags)) == len(tags) == 5
    assert sorted(done.stdout.split()) == sorted(job.id for job in cloud.jobs)
