"""cirq-ionq, unmodified, on the fake."""

import cirq
import cirq_ionq
import numpy as np
import pytest

from ionq_toolkit_fake import FakeServer, mock_ionq

Q = cirq.LineQubit.range(3)
BELL = cirq.Circuit(cirq.H(Q[0]), cirq.CNOT(Q[0], Q[1]), cirq.measure(Q[0], Q[1], key="m"))


@pytest.fixture(params=["interception", "socket"])
def service(request, cloud):
    if request.param == "interception":
        with mock_ionq(cloud):
            yield cirq_ionq.Service(api_key="any-key", default_target="simulator")
    else:
        with FakeServer(cloud) as server:
            yield cirq_ionq.Service(
                remote_host=server.url.removesuffix("/v0.4"),
                api_key="any-key",
                default_target="simulator",
            )


def test_a_bell_pair(service):
    histogram = service.run(BELL, repetitions=100, seed=1).histogram(key="m")
    assert set(histogram) == {0b00, 0b11}
    assert sum(histogram.values()) == 100


def test_a_job_with_name_and_metadata_is_found_again(service):
    job = service.create_job(BELL, repetitions=100, name="mine", metadata={"a": "b"})
    again = service.get_job(job.job_id())
    assert (again.status(), again.name()) == ("completed", "mine")
    assert (again.num_qubits(), again.target()) == (2, "simulator")
    assert again.results().probabilities() == pytest.approx({0: 0.5, 3: 0.5})


def test_gates_are_those_of_cirqs_own_simulator(service):
    circuit = cirq.Circuit(
        cirq.H.on_each(*Q),
        cirq.X(Q[0]) ** 0.5,
        cirq.Y(Q[1]) ** 0.3,
        cirq.Z(Q[2]) ** 0.7,
        cirq.T(Q[0]),
        cirq.S(Q[1]) ** -1,
        cirq.XX(Q[0], Q[1]) ** 0.3,
        cirq.YY(Q[1], Q[2]) ** 0.2,
        cirq.ZZ(Q[0], Q[2]) ** 0.4,
        cirq.SWAP(Q[0], Q[1]),
        cirq.rx(0.4)(Q[2]),
        cirq.ry(0.9)(Q[0]),
        cirq.CNOT(Q[2], Q[0]),
    )
    state = cirq.Simulator(dtype=np.complex128).simulate(circuit).final_state_vector
    # Both write the first qubit as the most significant bit of an outcome.
    expected = {n: p for n, p in enumerate(np.abs(state) ** 2) if p > 1e-12}
    circuit.append(cirq.measure(*Q, key="m"))

    job = service.create_job(circuit, repetitions=100)

    assert job.results().probabilities() == pytest.approx(expected, abs=1e-7)


def test_a_batch_pairs_each_circuit_with_its_result(service):
    flips = [cirq.Circuit(cirq.X(Q[n]), cirq.measure(Q[0], Q[1], key="m")) for n in (0, 1)]
    results = service.run_batch([BELL, *flips], repetitions=50, seed=1)
    histograms = [result.histogram(key="m") for result in results]
    assert set(histograms[0]) == {0b00, 0b11}
    assert histograms[1:] == [{0b10: 50}, {0b01: 50}]


def test_cancelling_listing_and_deleting(service):
    jobs = [service.create_job(BELL, repetitions=10) for _ in range(3)]
    jobs[0].cancel()
    assert jobs[0].status() == "canceled"
    assert {job.job_id() for job in service.list_jobs(limit=3)} == {j.job_id() for j in jobs}
    assert [job.job_id() for job in service.list_jobs(status="canceled", limit=1)] == [
        jobs[0].job_id()
    ]
    jobs[1].delete()
    with pytest.raises(cirq_ionq.IonQNotFoundException):
        service.get_job(jobs[1].job_id())


def test_a_failed_job_raises_with_its_reason(service):
    wide = cirq.Circuit(cirq.X.on_each(*cirq.LineQubit.range(30)), cirq.measure(Q[0], key="m"))
    job = service.create_job(wide, repetitions=10)
    with pytest.raises(RuntimeError, match="requires 30 qubits"):
        job.results()
    assert job.status() == "failed"


def test_refusals_are_its_exceptions(service):
    with pytest.raises(cirq_ionq.IonQNotFoundException):
        service.get_job("no-such-job")
    with pytest.raises(cirq_ionq.IonQException, match="backend must be one of"):
        service.create_job(BELL, repetitions=10, target="qpu.none")
