"""qiskit-ionq, unmodified, on the fake; and its jobs and ours read by each other."""

import pytest
import qiskit_ionq
import qiskit_ionq.exceptions
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.providers.jobstatus import JobStatus
from qiskit.quantum_info import Statevector

from ionq_toolkit import InProcessTransport, IonQProvider
from ionq_toolkit_fake import FakeIonQ, FakeServer, mock_ionq

# It advises against Qiskit's own default when a backend is built.
pytestmark = pytest.mark.filterwarnings("ignore::qiskit_ionq.exceptions.IonQTranspileLevelWarning")


@pytest.fixture(params=["interception", "socket"])
def theirs(request, cloud, monkeypatch):
    """Return qiskit-ionq's simulator backend in front of the cloud."""
    if request.param == "interception":
        with mock_ionq(cloud):
            yield qiskit_ionq.IonQProvider("any-key").get_backend("ionq_simulator")
    else:
        with FakeServer(cloud) as server:
            # It asks for the width of a backend at this address, whatever its provider's is.
            monkeypatch.setenv("IONQ_API_URL", server.url)
            yield qiskit_ionq.IonQProvider("any-key").get_backend("ionq_simulator")


@pytest.fixture
def ours(cloud):
    provider = IonQProvider("any-key", transport=InProcessTransport(cloud))
    return provider.get_backend("ionq_simulator")


@mock_ionq
def test_a_bell_pair_under_the_decorator(bell):
    backend = qiskit_ionq.IonQProvider("any-key").get_backend("ionq_simulator")

    job = backend.run(bell, shots=1000)

    assert job.status() is JobStatus.DONE
    counts = job.get_counts()
    assert set(counts) == {"00", "11"}
    assert sum(counts.values()) == 1000
    assert job.get_probabilities() == pytest.approx({"00": 0.5, "11": 0.5})


def test_a_bell_pair(theirs, bell):
    assert theirs.num_qubits == 29
    assert set(theirs.run(bell, shots=1000).get_counts()) == {"00", "11"}


def test_every_gate_that_it_sends_is_simulated_as_qiskit_does(theirs):
    circuit = QuantumCircuit(4)
    circuit.h([0, 1, 2])
    for name in ("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg"):
        getattr(circuit, name)(0)
        circuit.ry(0.4, 0)
    for name in ("rx", "ry", "rz", "p"):
        getattr(circuit, name)(0.3, 1)
        getattr(circuit, f"c{name}")(0.7, 1, 2)
        circuit.rx(0.2, 2)
    for name in ("cx", "cy", "cz", "ch", "csx", "swap"):
        getattr(circuit, name)(2, 3)
        circuit.ry(0.5, [2, 3])
    for name in ("rxx", "ryy", "rzz"):
        getattr(circuit, name)(0.9, 0, 3)
        circuit.rx(0.1, 0)
    circuit.ccx(0, 1, 2)
    circuit.mcx([0, 1, 2], 3)
    expected = Statevector(circuit).probabilities_dict()
    circuit.measure_all()

    found = theirs.run(circuit, shots=1_000_000, sampler_seed=1).get_probabilities()

    assert found == pytest.approx(expected, abs=1e-9)


def test_a_transpiled_circuit_of_other_gates(theirs):
    circuit = QuantumCircuit(3)
    circuit.x(0)
    circuit.ecr(0, 1)
    circuit.ecr(0, 1)
    circuit.u(3.141592653589793, 0, 0, 2)
    circuit.measure_all()
    ready = transpile(circuit, theirs, optimization_level=1)
    assert theirs.run(ready, shots=10).get_counts() == {"101": 10}


def test_a_list_of_circuits_pairs_each_with_its_result(theirs, bell):
    circuits = [bell]
    for flipped in ((0,), (1,), (0, 1)):
        circuit = QuantumCircuit(2, 2, name=f"flip {flipped}")
        circuit.x(flipped)
        circuit.measure([0, 1], [0, 1])
        circuits.append(circuit)

    job = theirs.run(circuits, shots=100)

    counts = job.get_counts()
    assert set(counts[0]) == {"00", "11"}
    assert counts[1:] == [{"01": 100}, {"10": 100}, {"11": 100}]
    detail = job.status(detailed=True)
    assert (detail["total"], detail["completed"], detail["failed"]) == (4, 4, 0)
    again = theirs.retrieve_job(job.job_id()).get_counts()
    assert again[1:] == counts[1:]


def test_its_backend_deletes_cancels_and_reports_health(theirs, bell):
    ids = [theirs.run(bell).job_id() for _ in range(3)]
    assert [r["status"] for r in theirs.cancel_jobs(ids[:2])] == ["canceled"] * 2
    assert theirs.client.delete_job(ids[2])["status"] == "deleted"
    with pytest.raises(qiskit_ionq.exceptions.IonQAPIError, match="Resource not found"):
        theirs.retrieve_job(ids[2])


def test_statuses_on_the_way(bell):
    with mock_ionq(FakeIonQ(seed=1, polls_per_status=1)):
        job = qiskit_ionq.IonQProvider("k").get_backend("simulator").run(bell)
        assert [job.status() for _ in range(4)] == [
            JobStatus.INITIALIZING,
            JobStatus.QUEUED,
            JobStatus.RUNNING,
            JobStatus.DONE,
        ]


def test_a_failure_reaches_it_with_code_and_text(theirs, job_body):
    client = theirs.client
    job_id = client.post("jobs", json_body=job_body(qubits=30))["id"]
    with pytest.raises(
        qiskit_ionq.exceptions.IonQJobFailureError, match=r"NotEnoughQubits: .*30 qubits"
    ):
        theirs.retrieve_job(job_id)


def test_a_cancelled_job_is_seen_as_such(theirs, bell):
    job = theirs.run(bell)
    job.cancel()
    with pytest.warns(UserWarning, match="cancelled"):
        assert job.status() is JobStatus.CANCELLED


def test_an_unknown_job_and_a_bad_body_are_its_api_errors(theirs):
    with pytest.raises(qiskit_ionq.exceptions.IonQAPIError, match="Resource not found"):
        theirs.retrieve_job("no-such-job")
    with pytest.raises(qiskit_ionq.exceptions.IonQAPIError, match="type is required"):
        theirs.client.post("jobs", json_body={})


@pytest.fixture
def two_registers():
    circuit = QuantumCircuit(
        QuantumRegister(3), ClassicalRegister(1, "a"), ClassicalRegister(2, "b"), name="two"
    )
    circuit.x([0, 2])
    circuit.measure([0, 1, 2], [2, 0, 1])
    return circuit


def test_we_read_their_jobs(theirs, ours, two_registers):
    job = theirs.run(two_registers, shots=250)
    again = ours.retrieve_job(job.job_id())
    assert again.get_counts() == job.get_counts() == {"11 0": 250}
    assert again.result().results[0].header["name"] == "two"


def test_they_read_our_jobs(theirs, ours, two_registers):
    job = ours.run(two_registers, shots=250)
    assert theirs.retrieve_job(job.job_id()).get_counts() == job.get_counts() == {"11 0": 250}
