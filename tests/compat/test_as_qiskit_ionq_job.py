"""A program written for qiskit-ionq, with one import changed: jobs and their results.

Each test is a user's program, run through both packages on the same fake.
"""

import pytest
import qiskit_ionq
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.providers import JobError, JobV1
from qiskit.providers.exceptions import JobTimeoutError
from qiskit.providers.jobstatus import JobStatus
from qiskit.result import Result, marginal_counts

import ionq_toolkit
from ionq_toolkit import errors
from ionq_toolkit_fake import FakeIonQ, Transitions, failed, mock_ionq

# What qiskit-ionq warns of, and we do not.
pytestmark = [
    pytest.mark.filterwarnings("ignore::qiskit_ionq.exceptions.IonQTranspileLevelWarning"),
    pytest.mark.filterwarnings("ignore:Unable to retrieve result:UserWarning"),
]


def test_a_job_goes_its_way_and_has_counts_and_probabilities(package, crossed):
    with mock_ionq(FakeIonQ(seed=1, transitions=Transitions.polls(1))):
        backend = package.IonQProvider("k").get_backend("ionq_simulator")
        job = backend.run(crossed, shots=50)
        assert isinstance(job, JobV1)
        assert job.backend() is backend
        assert job.circuit is crossed
        assert job.job_id()
        assert [job.status() for _ in range(4)] == [
            JobStatus.INITIALIZING,
            JobStatus.QUEUED,
            JobStatus.RUNNING,
            JobStatus.DONE,
        ]
        assert job.done()
        assert job.in_final_state()
        assert not job.running()
        assert not job.cancelled()
        assert job.get_counts() == job.get_counts(crossed) == {"10": 50}
        assert job.get_probabilities() == {"10": 1.0}


def test_a_result_is_qiskits_with_probabilities(simulator, crossed):
    job = simulator.run(crossed, shots=50)
    result = job.result(timeout=60, wait=0.01)
    assert isinstance(result, Result)
    assert (result.job_id, result.backend_name) == (job.job_id(), "ionq_simulator")
    assert result.success
    assert result.time_taken == 0.0
    (experiment,) = result.results
    assert (experiment.shots, experiment.success) == (50, True)
    header = experiment.header
    described = header if isinstance(header, dict) else header.to_dict()
    assert described == {
        "name": "crossed",
        "n_qubits": 2,
        "memory_slots": 2,
        "creg_sizes": [["c", 2]],
        "clbit_labels": [["c", 0], ["c", 1]],
        "qreg_sizes": [["q", 2]],
        "qubit_labels": [["q", 0], ["q", 1]],
        "global_phase": 0.0,
        "meas_mapped": [1, 0],
    }
    assert result.get_counts() == result.get_counts(0) == {"10": 50}
    assert result.get_probabilities() == result.get_probabilities(0) == {"10": 1.0}


def test_bits_that_are_measured_twice_or_not_at_all_have_their_places(simulator):
    circuit = QuantumCircuit(
        QuantumRegister(3), ClassicalRegister(2, "a"), ClassicalRegister(3, "b"), name="bits"
    )
    circuit.x(2)
    circuit.measure([2, 0, 2, 2], [1, 2, 4, 2])  # bit 2 is overwritten; 0 and 3 stay as they are
    counts = simulator.run(circuit, shots=9).get_counts()
    assert counts == {"101 10": 9}
    assert marginal_counts(dict(counts), indices=[0, 1]) == {"10": 9}


def test_several_circuits_are_one_job_with_a_list_of_counts(simulator, crossed):
    flipped = QuantumCircuit(1, 1, name="flipped")
    flipped.x(0)
    flipped.measure(0, 0)
    job = simulator.run([crossed, flipped], shots=11)
    assert len(job.circuit) == 2
    assert job.get_counts() == [{"10": 11}, {"1": 11}]
    assert [job.get_counts(which) for which in (0, 1)] == job.get_counts()
    assert job.get_counts("flipped") == job.get_counts(flipped) == {"1": 11}
    assert list(job.get_probabilities()) == [{"10": 1.0}, {"1": 1.0}]
    assert job.status(detailed=True) == {
        "total": 2,
        "completed": 2,
        "failed": 0,
        "percentage_complete": 1.0,
        "statuses": [JobStatus.DONE, JobStatus.DONE],
    }


def test_jobs_are_retrieved_by_their_ids(simulator, crossed):
    ids = [simulator.run(crossed, shots=shots).job_id() for shots in (10, 20)]
    assert simulator.retrieve_job(ids[0]).get_counts() == {"10": 10}
    jobs = simulator.retrieve_jobs(ids)
    assert [job.job_id() for job in jobs] == ids
    assert [job.get_counts() for job in jobs] == [{"10": 10}, {"10": 20}]


def test_a_job_is_cancelled_and_has_no_result(simulator, crossed, exceptions):
    jobs = [simulator.run(crossed) for _ in range(3)]
    jobs[0].cancel()
    assert simulator.cancel_job(jobs[1].job_id())["status"] == "canceled"
    assert [reply["status"] for reply in simulator.cancel_jobs([jobs[2].job_id()])] == ["canceled"]
    for job in jobs:
        assert job.cancelled()
        with pytest.raises(exceptions.IonQJobStateError, match="cancel"):
            job.result()


def test_the_status_of_a_cancelled_job_is_returned_there_and_raised_here(crossed):
    with mock_ionq(FakeIonQ(seed=7)):
        theirs, ours = (
            package.IonQProvider("k").get_backend("ionq_simulator").run(crossed)
            for package in (qiskit_ionq, ionq_toolkit)
        )
        for job in (theirs, ours):
            job.cancel()
        assert theirs.status() is JobStatus.CANCELLED
        for _ in range(2):
            with pytest.raises(errors.IonQJobStateError, match="cancelled"):
                ours.status()
        assert ours.cancelled()


def test_a_job_that_is_not_done_in_time_is_a_timeout_of_qiskits(package, exceptions, crossed):
    with mock_ionq(FakeIonQ(seed=1, transitions=Transitions.polls(10**6))):
        job = package.IonQProvider("k").get_backend("ionq_simulator").run(crossed)
        with pytest.raises(exceptions.IonQJobTimeoutError):
            job.result(timeout=0.02, wait=0.01)
        with pytest.raises(JobTimeoutError):
            job.wait_for_final_state(timeout=0.02, wait=0.01)


def test_the_callback_of_a_wait_is_told_of_the_job(package, crossed):
    with mock_ionq(FakeIonQ(seed=1, transitions=Transitions.polls(1))):
        job = package.IonQProvider("k").get_backend("ionq_simulator").run(crossed)
        told = []
        job.wait_for_final_state(60, 0.001, lambda *args: told.append(args))
        assert {(job_id, which) for job_id, _, which in told} == {(job.job_id(), job)}
        statuses = [status for _, status, _ in told]
        assert JobStatus.RUNNING in statuses
        assert statuses == sorted(statuses, key=list(JobStatus).index)


def test_a_job_without_a_circuit_cannot_be_submitted(package, exceptions, simulator, crossed):
    """There it is an IonQJobError, here an IonQJobStateError: both are a JobError of Qiskit's."""
    job = simulator.retrieve_job(simulator.run(crossed).job_id())
    error = exceptions.IonQJobError if package is qiskit_ionq else exceptions.IonQJobStateError
    with pytest.raises(error):
        job.submit()


def test_memory_is_a_bit_string_for_each_shot_in_its_order(simulator, crossed):
    simulator.set_options(noise_model="aria-1")
    job = simulator.run([crossed, crossed], shots=5, memory=True)
    for which, counts in enumerate(job.get_counts()):
        memory = job.get_memory(which)
        assert {outcome: memory.count(outcome) for outcome in set(memory)} == counts
        assert job.result().get_memory(which) == memory


def test_memory_that_was_not_asked_for_is_an_error(package, simulator, crossed, exceptions):
    """There it is an IonQBackendError, here an IonQJobError: both are an IonQError.

    Here only an ideal simulation has none: what IonQ has of others is fetched.
    """
    noise_model = "aria-1" if package is qiskit_ionq else "ideal"
    job = simulator.run(crossed, noise_model=noise_model)
    with pytest.raises(exceptions.IonQError, match="memory=True"):
        job.get_memory()


def test_a_dry_run_is_known_as_one_and_has_a_compiled_circuit_and_no_result(
    forte, crossed, exceptions
):
    job = forte.run(crossed, dry_run=True)
    assert job.dry_run is True
    assert job.status() is JobStatus.DONE
    with pytest.raises(exceptions.IonQJobError, match="compiled_circuit"):
        job.result()
    compiled = job.compiled_circuit()
    assert compiled == job.compiled_circuit(lang="native")
    assert compiled == job.compiled_circuit("ionq.native.v1")
    assert {gate["gate"] for gate in compiled["circuit"]} <= {"gpi", "gpi2", "zz"}
    with pytest.raises(exceptions.IonQJobError, match=r"ionq\.native\.v1"):
        job.compiled_circuit("mir")
    assert forte.run(crossed).dry_run is False


def test_what_is_told_with_a_run_is_stored_with_the_job(package, simulator, crossed):
    crossed.metadata = {"experiment": "abc"}
    job = simulator.run(
        crossed, name="mine", extra_metadata={"iteration": "10"}, extra_query_params={"x": None}
    )
    job.wait_for_final_state(wait=0.001)
    record = simulator.client.retrieve_job(job.job_id())
    assert record["name"] == "mine"
    assert record["metadata"]["iteration"] == "10"
    assert job.result().results[0].header["metadata"] == {"experiment": "abc"}
    if package is ionq_toolkit:  # there it is job.extra_metadata, and only until it is retrieved
        assert job.metadata["iteration"] == "10"
        assert simulator.retrieve_job(job.job_id()).metadata["iteration"] == "10"


@pytest.mark.parametrize("debiasing", [True, False])
def test_mitigation_can_be_chosen(package, forte, crossed, debiasing):
    chosen = (
        package.ErrorMitigation.DEBIASING if debiasing else package.ErrorMitigation.NO_DEBIASING
    )
    for options in (
        {"error_mitigation": chosen},
        {"job_settings": {"error_mitigation": {"debiasing": debiasing}}},
    ):
        job = forte.run(crossed, shots=500, **options)
        settings = forte.client.retrieve_job(job.job_id())["settings"]
        assert settings["error_mitigation"] == {"debiasing": debiasing}


def test_a_seed_repeats_a_run_within_each_package_and_not_between_them(bell):
    """Each samples with a generator of its own; the probabilities are the same."""
    with mock_ionq(FakeIonQ(seed=7)):
        counts = {}
        for package in (qiskit_ionq, ionq_toolkit):
            backend = package.IonQProvider("k").get_backend("ionq_simulator")
            runs = [backend.run(bell, shots=1000, sampler_seed=3) for _ in range(2)]
            assert runs[0].get_counts() == runs[1].get_counts()
            assert dict(runs[0].get_probabilities()) == pytest.approx({"00": 0.5, "11": 0.5})
            counts[package] = runs[0].get_counts()
    assert counts[qiskit_ionq] != counts[ionq_toolkit]


def test_a_failed_job_says_why(package, exceptions, crossed):
    """There in all but its text, which IonQ has called `message` since v0.4."""
    with mock_ionq(FakeIonQ(seed=1)) as cloud:
        cloud.transitions.set(Transitions(end=failed("InternalError")))
        job = package.IonQProvider("k").get_backend("ionq_simulator").run(crossed)
        with pytest.raises(exceptions.IonQJobFailureError, match="InternalError") as caught:
            job.result(wait=0.001)
        assert isinstance(caught.value, JobError)
