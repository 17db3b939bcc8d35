import base64
import copy
import gzip
import json
import pickle

import pytest
from clouds import RECORD
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.exceptions import QiskitError
from qiskit.providers import JobV1
from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, errors
from ionq_toolkit_fake import FakeIonQ, FakeServer, Transitions, after, faults


def test_it_is_a_qiskit_job(backend, bell):
    job = backend.run(bell)
    assert isinstance(job, JobV1)
    assert job.backend() is backend
    assert job.circuit is bell
    assert len(job.job_id()) == 36


def test_it_needs_a_circuit_or_an_id(backend):
    for job_id in (None, "", 5):
        with pytest.raises(errors.IonQJobError, match=r"circuit.*job_id"):
            IonQJob(backend, job_id)


def test_it_is_made_submitted_and_asked_step_by_step(backend, bell):
    job = IonQJob(backend, circuit=bell, passed_args={"shots": 10})
    assert job.status() is JobStatus.INITIALIZING
    assert job.job_id() == ""
    for ask in (job.cancel, job.result, job.wait_for_final_state):
        with pytest.raises(errors.IonQJobStateError, match=r"submit\(\)"):
            ask()

    job.submit()

    assert sum(job.get_counts().values()) == 10
    with pytest.raises(errors.IonQJobStateError, match="submitted already"):
        job.submit()


def test_the_arguments_of_the_caller_are_left_alone(backend, bell):
    arguments = {"shots": 10, "memory": True}
    IonQJob(backend, circuit=bell, passed_args=arguments).submit()
    assert arguments == {"shots": 10, "memory": True}


def test_a_submission_that_is_refused_leaves_the_job_to_be_submitted_again(scripted, bell):
    cloud = scripted((403, {"message": "not now"}), (201, {"id": "job-1"}))
    backend = IonQProvider(transport=InProcessTransport(cloud)).get_backend("simulator")
    job = IonQJob(backend, circuit=bell)
    with pytest.raises(errors.IonQAPIError):
        job.submit()
    job.submit()
    assert job.job_id() == "job-1"


# --- results are values ----------------------------------------------------------------------


def test_a_result_is_fetched_once_and_is_the_same_for_ever(job_of):
    job, cloud = job_of((200, RECORD), (200, {"0": 0.5, "3": 0.5}))
    first = job.get_counts()
    assert [job.get_counts() for _ in range(5)] == [first] * 5
    assert job.result() is job.result()
    assert job.get_probabilities() == {"00": 0.5, "11": 0.5}
    assert len(cloud.requests) == 2


def test_another_client_object_draws_the_same_counts_even_where_no_seed_is_stored(job_of):
    replies = [(200, RECORD), (200, {"0": 0.5, "3": 0.5})]
    counts = [job_of(*replies, seed=seed)[0].get_counts() for seed in (1, 2, None)]
    assert counts[0] == counts[1] == counts[2]
    assert sum(counts[0].values()) == 100


def test_jobs_without_a_stored_seed_do_not_all_draw_alike(scripted):
    drawn = set()
    for number in range(6):
        cloud = scripted((200, RECORD), (200, {"0": 0.5, "3": 0.5}))
        backend = IonQProvider(transport=InProcessTransport(cloud)).get_backend("simulator")
        drawn.add(IonQJob(backend, f"job-{number}").get_counts()["00"])
    assert len(drawn) > 1


def test_a_seeded_run_is_repeated_and_an_unseeded_one_is_not(backend, bell):
    seeded = [backend.run(bell, seed_simulator=5).get_counts() for _ in range(2)]
    as_in_qiskit_ionq = backend.run(bell, sampler_seed=5).get_counts()
    unseeded = [backend.run(bell).get_counts() for _ in range(6)]
    assert seeded[0] == seeded[1] == as_in_qiskit_ionq
    assert len({counts["00"] for counts in unseeded}) > 1


def test_sharpen_and_other_parameters_are_sent_and_kept_apart(job_of):
    job, cloud = job_of(
        (200, RECORD), (200, {"0": 1}), (200, {"3": 1}), (200, {"1": 1}), (200, {"2": 1})
    )
    assert job.result().get_counts() == {"00": 100}
    assert job.result(sharpen=True).get_counts() == {"11": 100}
    assert job.result(sharpen=False).get_counts() == {"01": 100}
    assert job.result(extra_query_params={"aggregation": "dnl"}).get_counts() == {"10": 100}
    assert job.get_counts() == {"00": 100}
    queries = [url.partition("?")[2] for _, url, *_ in cloud.requests[1:]]
    assert queries == ["", "sharpen=true", "sharpen=false", "aggregation=dnl"]


@pytest.mark.parametrize("sharpen", ["true", 1, "blah"])
def test_sharpen_is_a_choice_that_is_checked_before_anything_is_asked(job_of, sharpen):
    job, cloud = job_of()
    with pytest.raises(ValueError, match=r"sharpen=.* must be True, False or None"):
        job.result(sharpen=sharpen)
    assert not cloud.requests


def test_a_device_job_counts_its_own_shots_and_is_not_sampled(job_of):
    record = {**RECORD, "backend": "qpu.forte-1", "shots": 1000, "metadata": {"shots": "7"}}
    job, _ = job_of((200, record), (200, {"0": 0.497, "1": 0.003, "3": 0.5}))
    assert job.get_counts() == {"00": 497, "01": 3, "11": 500}


def test_a_noisy_simulation_is_not_sampled_again(job_of):
    record = {**RECORD, "noise": {"model": "aria-1"}, "shots": 100}
    job, _ = job_of((200, record), (200, {"0": 0.5, "3": 0.5}))
    assert job.get_counts() == {"00": 50, "11": 50}


def test_the_time_taken_is_in_seconds(job_of):
    for duration_ms, seconds in ((4200, 4.2), (0, 0), (None, None), (10**400, None), ("x", None)):
        record = {**RECORD, "execution_duration_ms": duration_ms}
        job, _ = job_of((200, record), (200, {"0": 1}))
        assert job.result().time_taken == seconds


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        ({"stats": None}, "how many qubits"),
        ({"stats": {"qubits": "2"}}, "how many qubits"),
        ({"stats": [2]}, "how many qubits"),
        ({"metadata": {"qiskit_header": "garbage"}}, "qiskit_header"),
        ({"metadata": "text"}, "how many shots"),
        ({"shots": 10**25, "metadata": {}}, "how many shots"),
        ({"shots": 10**12}, "1000000000000 shots"),
        ({"metadata": {"shots": "9" * 5000}}, "how many shots"),
        ({"stats": {"qubits": 10**8}}, "how many qubits"),
    ],
)
def test_a_record_that_cannot_be_read_is_a_job_error(job_of, record, complaint):
    job, _ = job_of((200, {**RECORD, **record}), (200, {"0": 1}))
    with pytest.raises(errors.IonQJobError, match=complaint):
        job.get_counts()


def header(**fields):
    packed = gzip.compress(json.dumps({"n_qubits": 2, **fields}).encode())
    return {"metadata": {"shots": "8", "qiskit_header": base64.b64encode(packed).decode()}}


@pytest.mark.parametrize("measured", [[0, 2], [-1], ["0"], "01", 5, {"a": 1}])
def test_a_measurement_map_that_is_none_is_a_job_error(job_of, measured):
    job, _ = job_of((200, {**RECORD, **header(meas_mapped=measured)}), (200, {"0": 1}))
    with pytest.raises(errors.IonQJobError, match="measurement map"):
        job.result()


@pytest.mark.parametrize("measured", [None, [], [None, None]])
def test_without_a_measurement_map_all_qubits_are_measured(job_of, measured):
    job, _ = job_of((200, {**RECORD, **header(meas_mapped=measured)}), (200, {"2": 1}))
    assert job.get_counts() == {"10": 8}


@pytest.mark.parametrize(
    "sizes",
    [
        [["a", 1]],
        [["a", 3]],
        "a",
        [1, 2],
        None,
        7,
        [["a", "b"]],
        [["a", 2.0]],
        [["a", -1], ["b", 3]],
    ],
)
def test_registers_that_do_not_make_up_the_bits_are_left_out(job_of, sizes):
    fields = header(meas_mapped=[0, 1], creg_sizes=sizes)
    job, _ = job_of((200, {**RECORD, **fields}), (200, {"2": 1}))
    assert job.get_counts() == {"10": 8}


def test_noise_that_cannot_be_read_is_not_taken_for_none(job_of):
    job, _ = job_of((200, {**RECORD, "noise": "aria-1"}), (200, {"0": 0.5, "3": 0.5}))
    assert job.get_counts() == {"00": 50, "11": 50}


@pytest.mark.parametrize("missing", ["metadata", "noise", "stats"])
def test_null_where_there_should_be_an_object_is_not_a_crash(job_of, missing):
    job, _ = job_of((200, {**RECORD, "shots": 10, missing: None}), (200, {"0": 1}))
    if missing == "stats":
        with pytest.raises(errors.IonQJobError):
            job.get_counts()
    else:
        assert job.get_counts() == {"00": 10}


def test_a_histogram_that_does_not_fit_the_circuit_is_a_job_error(job_of):
    job, _ = job_of((200, RECORD), (200, {"5": 1.0}))
    with pytest.raises(errors.IonQJobError, match="2 qubits do not have"):
        job.get_counts()


def test_memory_that_was_not_asked_for_is_qiskits_error(backend, bell):
    with pytest.raises(QiskitError, match="No memory"):
        backend.run(bell).get_memory()


# --- what became of it -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "code", "message"),
    [
        ({"code": "InternalError", "message": "broke"}, "InternalError", "InternalError: broke"),
        ({"code": "InternalError", "error": "broke"}, "InternalError", "InternalError: broke"),
        ({"message": "broke"}, None, "broke"),
        ({"code": "InternalError"}, "InternalError", "InternalError: IonQ gives no reason"),
        (None, None, "IonQ gives no reason"),
        ("broke", None, "broke"),
        ({}, None, "IonQ gives no reason"),
    ],
)
def test_the_failure_text_always_reaches_the_user(job_of, failure, code, message):
    job, _ = job_of((200, {**RECORD, "status": "failed", "failure": failure}))
    assert job.error_message() == message
    for _ in range(2):
        with pytest.raises(errors.IonQJobFailureError, match=message) as caught:
            job.result()
        assert caught.value.code == code
        assert caught.value.job_id == "job-1"


def test_a_job_that_goes_well_has_no_error_message(backend, bell):
    assert backend.run(bell).error_message() is None


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_only_status_and_results_raise_for_what_became_of_a_job(job_of, status):
    job, _ = job_of((200, {**RECORD, "status": status}))
    job.wait_for_final_state()
    assert job.in_final_state()
    assert not job.done()
    assert not job.running()
    assert job.cancelled() is (status == "canceled")
    assert job.metadata == {"shots": "100"}


@pytest.mark.parametrize(
    ("status", "completed", "failed"),
    [("completed", 1, 0), ("failed", 0, 1), ("canceled", 0, 0), ("started", 0, 0)],
)
def test_the_detailed_status_is_told_whatever_became_of_the_job(job_of, status, completed, failed):
    job, _ = job_of((200, {**RECORD, "status": status}))
    detail = job.status(detailed=True)
    assert (detail["total"], detail["completed"], detail["failed"]) == (1, completed, failed)
    assert detail["percentage_complete"] == completed
    assert len(detail["statuses"]) == 1


def test_a_final_job_is_not_asked_about_again(job_of):
    job, cloud = job_of((200, RECORD))
    assert [job.done(), job.status(), job.in_final_state()] == [True, JobStatus.DONE, True]
    assert job.cancel() is False
    assert len(cloud.requests) == 1


def test_cancelling_a_job_that_turns_out_to_be_done_says_so(job_of):
    job, cloud = job_of((200, {"id": "job-1", "status": "completed"}), (200, RECORD))
    assert job.cancel() is False
    assert [method for method, *_ in cloud.requests] == ["PUT", "GET"]


# --- retrieved by id ---


def test_registers_survive_retrieval_by_another_provider(cloud):
    circuit = QuantumCircuit(QuantumRegister(2), ClassicalRegister(1, "a"), ClassicalRegister(1))
    circuit.x(1)
    circuit.measure([0, 1], [0, 1])
    job = IonQProvider(transport=InProcessTransport(cloud)).get_backend("simulator").run(circuit)
    other = IonQProvider(transport=InProcessTransport(cloud)).get_backend("simulator")
    assert other.retrieve_job(job.job_id()).get_counts() == {"1 0": 1024}


# --- pickles ---------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", [InProcessTransport(FakeIonQ(seed=1)), "fake"])
def test_a_job_on_a_cloud_in_this_process_cannot_be_pickled(transport):
    provider = IonQProvider("sesame-sesame-sesame", transport=transport)
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    with pytest.raises(TypeError, match=r"Keep job.job_id\(\), and call backend.retrieve_job"):
        pickle.dumps(job)
    assert copy.copy(job).job_id() == "job-1"


def test_a_job_over_the_network_is_pickled_without_its_key(bell, monkeypatch):
    """Where it is read, the key is looked for anew."""
    key = "sesame-sesame-sesame"
    with FakeServer(FakeIonQ(seed=1)) as server, IonQProvider(key, server.url) as provider:
        job = provider.get_backend("simulator").run(bell, shots=100)
        job.wait_for_final_state(timeout=60)
        packed = pickle.dumps(job)
        assert b"sesame" not in packed
        read = pickle.loads(packed)
        with pytest.raises(errors.IonQCredentialsError, match="IONQ_API_KEY"):
            read.result()
        monkeypatch.setenv("IONQ_API_KEY", key)
        assert pickle.loads(packed).result(timeout=60).get_counts() == job.get_counts()


# --- facts, queue, deletion ------------------------------------------------------------------


def test_a_job_knows_its_name_and_shots_before_it_is_submitted(backend, bell):
    job = IonQJob(backend, circuit=bell, passed_args={"shots": 10, "name": "mine"})
    assert (job.name, job.shots, job.session_id, job.creation_date) == ("mine", 10, None, None)
    job.submit()
    assert (job.name, job.shots) == ("mine", 10)
    assert job.creation_date is not None
    assert backend.run([bell, bell]).name == "2 circuits"


def test_queue_info_predicts_the_wait_and_ends_with_it(bell):
    cloud = FakeIonQ(
        seed=1, transitions=Transitions(ready=after(polls=1), started=after(seconds=60))
    )
    job = IonQProvider(transport=InProcessTransport(cloud)).get_backend("forte-1").run(bell)
    cloud.clock.sleep(5)
    job.status()
    found = job.queue_info()
    assert (found.status, found.position) == ("ready", None)
    assert found.predicted_wait_s == pytest.approx(60, abs=6)
    assert found.submitted_at == job.creation_date
    cloud.clock.sleep(60)
    job.wait_for_final_state()
    assert job.queue_info() is None
    assert job.usage() == job.timings().execution_s > 0


def test_usage_of_a_job_that_has_not_run_is_zero(cloud, forte, bell):
    job = forte.run(bell)
    assert job.cancel()
    assert job.usage() == 0.0


def test_queue_usage_and_deletion_need_a_submitted_job(backend, bell):
    job = IonQJob(backend, circuit=bell)
    for ask in (job.queue_info, job.usage, job.delete):
        with pytest.raises(errors.IonQJobStateError, match=r"submit\(\)"):
            ask()


def test_a_deleted_job_is_gone_and_its_result_stays(cloud, provider, backend, bell):
    job = backend.run(bell, shots=100)
    counts = job.get_counts()
    job.delete()
    assert job.get_counts() == counts
    assert provider.jobs() == []
    with pytest.raises(errors.IonQAPIError) as caught:
        backend.retrieve_job(job.job_id())
    assert caught.value.status_code == 404
    job.delete()  # once more is no error: the response to the first may have been lost


def test_a_deletion_whose_response_is_lost_is_one(cloud, provider, backend, bell):
    job = backend.run(bell)
    cloud.faults.add(faults.lost_answer(), on="DELETE /jobs/<job_id>", times=1)
    job.delete()
    assert provider.jobs() == []


def test_a_job_that_never_existed_cannot_be_deleted(backend):
    job = IonQJob(backend, "00000000-0000-0000-0000-000000000000")
    with pytest.raises(errors.IonQAPIError) as caught:
        job.delete()
    assert caught.value.status_code == 404


def test_errored_tells_a_failed_job(cloud, backend, bell):
    job = backend.run(bell)
    cloud.fail(job.job_id(), "TooManyGates")
    assert job.errored()
    assert not backend.run(bell).errored()
