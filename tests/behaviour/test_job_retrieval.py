"""Jobs retrieved by their ids, ours and of other clients, and what else IonQ says of them."""

from datetime import UTC, datetime

import pytest
from clouds import RECORD, Scripted, submit
from qiskit import QuantumCircuit
from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit import InProcessTransport, IonQClient, IonQJob, IonQProvider, errors
from ionq_toolkit.api import metadata
from ionq_toolkit.api.models import JobCost
from ionq_toolkit.api.record import JobRecord
from ionq_toolkit_fake import FakeIonQ, FakeServer, mock_ionq

ARIA = {"noise": {"model": "aria-1", "seed": 3}}


@pytest.fixture
def job_at(instant_clock):
    """Return a job whose service has this record and these other replies, and the service."""

    def build(record, replies=None):
        cloud = Scripted(routes={"/jobs/j": RECORD | record, **(replies or {})})
        provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
        return IonQJob(provider.get_backend("simulator"), "j"), cloud

    return build


# --- by id -----------------------------------------------------------------------------------


def test_making_a_job_of_an_id_asks_nothing(job_at):
    job, cloud = job_at({})
    assert (job.job_id(), job.circuit, cloud.asked) == ("j", None, [])


@pytest.mark.parametrize("status", ["failed", "canceled", "completed", "started", "paused", None])
def test_any_job_is_retrieved_whatever_became_of_it(status, instant_clock):
    """Only what asks for its result fails for a failed job."""
    cloud = Scripted(
        routes={"/jobs/j": RECORD | {"status": status, "metadata": None, "stats": None}}
    )
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=instant_clock)
    job = provider.get_backend("simulator").retrieve_job("j")
    assert (job.job_id(), job.metadata) == ("j", {})


def test_a_job_is_read_with_another_client_than_the_backends(cloud, bell):
    made = submit(IonQProvider(transport=InProcessTransport(cloud)), bell)
    keyless = IonQProvider().get_backend("simulator")  # it has no key, and asks for none
    client = IonQClient("k", "https://api.ionq.co/v0.4", InProcessTransport(cloud))
    with pytest.raises(errors.IonQAPIError):  # a project of its own
        IonQJob(keyless, made.job_id(), client).status()
    client = IonQClient("no-key-needed", "https://api.ionq.co/v0.4", InProcessTransport(cloud))
    assert IonQJob(keyless, made.job_id(), client).get_counts() == made.get_counts()


@pytest.mark.filterwarnings("ignore:Transpiler default optimization_level")
def test_jobs_of_qiskit_ionq_are_read_with_their_registers_and_shots(bell):
    import qiskit_ionq  # noqa: PLC0415 - it fills the session's library of equivalences

    with mock_ionq(FakeIonQ(seed=1)), IonQProvider("the key") as ours:
        theirs = qiskit_ionq.IonQProvider("the key").get_backend("ionq_simulator")
        theirs.set_options(noise_model="aria-1", sampler_seed=3)
        one = theirs.run(bell, shots=80, memory=True)
        several = theirs.run([bell, bell], shots=80, memory=True)
        backend = ours.get_backend("simulator")

        read = backend.retrieve_job(one.job_id())
        assert read.get_counts() == dict(one.get_counts())
        assert read.result().results[0].header["name"] == bell.name
        read = backend.retrieve_job(several.job_id())
        assert read.get_counts() == [dict(counts) for counts in several.get_counts()]


def test_jobs_of_cirq_ionq_are_read(instant_clock):
    needs = "Cirq needs newer versions than the oldest that are allowed"
    cirq = pytest.importorskip("cirq", reason=needs)
    cirq_ionq = pytest.importorskip("cirq_ionq", reason=needs)
    qubits = cirq.LineQubit.range(2)
    circuit = cirq.Circuit(cirq.X(qubits[1]), cirq.measure(*qubits, key="m"))
    with mock_ionq(FakeIonQ(seed=1)), IonQProvider("the key", clock=instant_clock) as ours:
        service = cirq_ionq.Service(api_key="the key", default_target="simulator")
        job = service.create_job(circuit, repetitions=30)
        backend = ours.get_backend("simulator")
        assert backend.retrieve_job(job.job_id()).get_probabilities() == {"10": 1.0}


def test_a_job_in_a_body_sent_by_hand_is_read(send, job_body, cloud):
    made = send("POST", "/jobs", job_body(gates=[{"gate": "x", "target": 1}]))[1]["id"]
    provider = IonQProvider("any-key", transport=InProcessTransport(cloud))
    job = provider.get_backend("simulator").retrieve_job(made)
    assert job.get_probabilities() == {"10": 1.0}
    with pytest.raises(errors.IonQJobError, match="how many shots"):
        job.get_counts()


def test_a_child_job_is_retrieved_by_its_own_id(provider, bell):
    parent = submit(provider, [bell, bell])
    child = provider.get_backend("simulator").retrieve_job(parent.child_jobs()[0].job_id())
    assert child.get_probabilities() == pytest.approx({"00": 0.5, "11": 0.5})


def test_a_url_in_a_record_is_never_followed(job_at):
    url = {"url": "https://evil.example/v0.4/jobs/j/results/probabilities"}
    job, cloud = job_at(
        {"results": {"probabilities": url}}, {"/jobs/j/results/probabilities": {"0": 1}}
    )
    assert job.get_counts() == {"00": 100}
    assert cloud.asked == ["/jobs/j", "/jobs/j/results/probabilities"]


# --- kinds without counts --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["quantum-function", "qctrl.qaoa.v1"])
def test_a_function_has_a_value_and_no_counts(job_at, kind):
    job, cloud = job_at({"type": kind, "results": {"value": 1.5}})
    with pytest.raises(errors.IonQJobError, match=f"{kind}.*retrieve_job"):
        job.result()
    assert cloud.asked == ["/jobs/j"]


def test_a_dry_run_has_no_result_and_a_compiled_circuit(provider, bell):
    job = submit(provider, bell, "qpu.forte-1", dry_run=True)
    assert job.dry_run is True
    with pytest.raises(errors.IonQJobError, match=r"dry run.*compiled_circuit"):
        job.result()
    assert {gate["gate"] for gate in job.compiled_circuit()["circuit"]} <= {"gpi", "gpi2", "zz"}


def test_a_dry_run_of_several_circuits_is_compiled_too(provider, bell):
    job = submit(provider, [bell, bell], "qpu.forte-1", dry_run=True)
    with pytest.raises(errors.IonQJobError, match="dry run"):
        job.result()
    assert len(job.compiled_circuit()) == 2


def test_a_job_that_ran_was_no_dry_run(provider, bell):
    assert submit(provider, bell).dry_run is False
    assert IonQJob(provider.get_backend("simulator"), circuit=bell).dry_run is False


# --- compiled circuits -----------------------------------------------------------------------


def test_a_machine_says_what_it_compiled(provider, bell):
    job = submit(provider, bell, "qpu.forte-1")
    compiled = job.compiled_circuit()
    assert compiled == job.compiled_circuit("native") == job.compiled_circuit("ionq.native.v1")
    assert [gate["gate"] for gate in compiled["circuit"]].count("zz") == 1


def test_each_of_several_circuits_was_compiled(provider, bell):
    two = QuantumCircuit(2, 2)
    two.cx(0, 1)
    two.cx(0, 1)
    two.h(0)
    two.measure([0, 1], [0, 1])
    job = submit(provider, [bell, two], "qpu.forte-1")
    zz = [[g["gate"] for g in c["circuit"]].count("zz") for c in job.compiled_circuit()]
    assert zz[0] == 1
    assert len(zz) == 2


def test_a_compiled_circuit_that_is_not_there_is_an_error_that_says_what_is(provider, bell):
    with pytest.raises(errors.IonQJobError, match=r"'native'.*There are: none"):
        submit(provider, bell).compiled_circuit()
    with pytest.raises(errors.IonQJobError, match=r"'mir'.*There are: ionq.native.v1"):
        submit(provider, bell, "qpu.forte-1").compiled_circuit("mir")


@pytest.mark.parametrize(
    ("content_type", "body", "found"),
    [
        ("application/json; charset=utf-8", b'{"a": 1}', {"a": 1}),
        ("text/plain", b"OPENQASM 3.0;", "OPENQASM 3.0;"),
        ("application/octet-stream", b"\x00\xff", b"\x00\xff"),
    ],
)
def test_a_compiled_circuit_is_what_its_content_type_says(job_at, content_type, body, found):
    output = {"compilation": {"compiled_circuits": {"ionq.mir.v1": {"id": "c"}}}}
    reply = (200, body, {"Content-Type": content_type})
    job, _ = job_at({"output": output}, {"/jobs/j/artifacts/c": reply})
    assert job.compiled_circuit("mir") == found


def test_an_artifact_that_is_refused_says_so(job_at):
    output = {"compilation": {"compiled_circuits": {"ionq.native.v1": {"id": "c"}}}}
    body = {"statusCode": 403, "error": "Forbidden", "message": "no access to this artifact"}
    job, _ = job_at({"output": output}, {"/jobs/j/artifacts/c": (403, body)})
    with pytest.raises(errors.IonQAPIError, match="no access to this artifact"):
        job.compiled_circuit()


@pytest.mark.parametrize("artifact", ["../../backends", "a/b", "a?b", "a" * 300])
def test_an_id_that_leads_elsewhere_is_not_asked_for(job_at, artifact):
    output = {"compilation": {"compiled_circuits": {"ionq.native.v1": {"id": artifact}}}}
    job, cloud = job_at({"output": output})
    with pytest.raises(errors.IonQClientError, match="artifact"):
        job.compiled_circuit()
    assert cloud.asked == ["/jobs/j"]


# --- cost and times --------------------------------------------------------------------------


def test_a_machines_job_costs_what_ionq_says(provider, bell, send):
    job = submit(provider, bell, "qpu.forte-1")
    job.wait_for_final_state()
    body = provider.client.get_job_cost(job.job_id())
    expected = JobCost(body["cost"]["value"], body["estimated_cost"]["value"], "usd")
    assert job.cost() == expected
    assert job.cost().charged > 0


def test_a_simulation_costs_nothing_and_a_dry_run_would(provider, bell):
    free = submit(provider, bell)
    free.wait_for_final_state()
    assert free.cost() == JobCost(None, None, None)
    rehearsed = submit(provider, bell, "qpu.forte-1", dry_run=True)
    rehearsed.wait_for_final_state()
    cost = rehearsed.cost()
    assert cost.estimated > 0
    assert not cost.charged


def test_a_cost_that_is_not_computed_yet_is_none(job_at):
    assert job_at({})[0].cost() is None


@pytest.mark.parametrize(
    "body",
    [
        {"cost": 5},
        {"cost": {"value": "5", "unit": "usd"}},
        {"cost": {"value": True, "unit": "usd"}},
        {"cost": {"value": 5}},
        {"cost": {"value": 5, "unit": "usd"}, "estimated_cost": {"value": 5, "unit": "credit"}},
    ],
)
def test_a_cost_that_cannot_be_read_is_a_job_error(job_at, body):
    with pytest.raises(errors.IonQJobError, match="cost"):
        job_at({}, {"/jobs/j/cost": body})[0].cost()


def test_times_are_as_ionq_says_them(job_at):
    job, _ = job_at(
        {
            "submitted_at": "2026-08-23T10:21:08Z",
            "started_at": "2026-08-23T10:21:09.5Z",
            "completed_at": None,
            "predicted_wait_time_ms": 125_000,
            "predicted_execution_duration_ms": 2500,
            "execution_duration_ms": 669,
        }
    )
    found = job.timings()
    assert found.submitted_at == datetime(2026, 8, 23, 10, 21, 8, tzinfo=UTC)
    assert found.started_at == datetime(2026, 8, 23, 10, 21, 9, 500_000, tzinfo=UTC)
    assert found.completed_at is None
    assert (found.predicted_wait_s, found.predicted_execution_s, found.execution_s) == (
        *(125.0, 2.5, 0.669),
    )


@pytest.mark.parametrize("value", [None, 5, "yesterday", [], {}, True])
def test_times_that_are_none_are_none(job_at, value):
    job, _ = job_at({"submitted_at": value, "predicted_wait_time_ms": value and str(value)})
    assert job.timings().submitted_at is None


def test_the_fakes_job_has_times(provider, bell):
    job = submit(provider, bell)
    job.wait_for_final_state()
    found = job.timings()
    assert found.submitted_at <= found.started_at <= found.completed_at
    assert found.execution_s >= 0


# --- the record ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "ideal"),
    [
        ({"backend": "simulator", "noise": {"model": "ideal"}}, True),
        ({"backend": "simulator", "noise": {"model": "aria-1"}}, False),
        ({"backend": "simulator", "noise": "aria-1"}, False),
        ({"backend": "simulator", "noise": {"seed": 1}}, False),
        ({"backend": "simulator"}, True),
        ({"backend": "simulator", "noise": None, "shots": 100}, False),
        ({"backend": "simulator", "noise": {}}, True),
        ({"backend": "qpu.forte-1"}, False),
        ({}, False),
    ],
)
def test_only_an_ideal_simulation_is_drawn_from(body, ideal):
    assert JobRecord("j", body).is_ideal is ideal


def test_a_child_takes_what_it_does_not_say_from_its_parent():
    stored = metadata.encode([{"name": "a"}, {"name": "b"}], shots=7, seed=3, memory=True)
    body = {
        "backend": "simulator",
        "noise": {"model": "aria-1"},
        "metadata": stored,
        "child_job_ids": ["x", "y"],
    }
    child = JobRecord("p", body).child(1)
    assert (child.job_id, child.index, child.state) == ("y", 1, None)
    assert (child.shots, child.memory, child.is_ideal, child.backend) == (
        *(7, True, False, "simulator"),
    )
    own = {"noise": {"model": "ideal"}, "shots": 9, "status": "completed"}
    child = JobRecord("y", own, parent=JobRecord("p", body), index=1)
    assert (child.shots, child.is_ideal, child.state) == (9, True, JobStatus.DONE)


# --- connections -----------------------------------------------------------------------------


def test_many_circuits_with_memory_are_fetched_over_few_connections(bell):
    """A request a circuit, and few connections for all of them."""
    with FakeServer(FakeIonQ(seed=1)) as server, IonQProvider("any-key", server.url) as provider:
        job = submit(provider, [bell] * 60, memory=True, shots=5, **ARIA)
        job.wait_for_final_state(timeout=120)
        result = job.result()
        assert all(len(result.get_memory(n)) == 5 for n in range(60))
        session = provider.client.transport.inner._session
        pools = session.get_adapter(server.url).poolmanager.pools
        (pool,) = (pools[key] for key in pools.keys())  # noqa: SIM118 - it is no dict
        assert pool.num_requests == 1 + 1 + 1 + 60
        assert pool.num_connections <= 10
