from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.providers import BackendV2
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import Target

from ionq_toolkit import (
    InProcessTransport,
    IonQProvider,
    RecordingTransport,
    ReplayTransport,
    errors,
)
from ionq_toolkit import backend as backend_module
from ionq_toolkit.circuits.gates import count_gates
from ionq_toolkit.circuits.wire import to_wire
from ionq_toolkit_fake import FakeIonQ, FakeServer, Transitions


@pytest.fixture
def slow():
    """A backend whose jobs do not come to an end unless they are asked about often."""
    cloud = FakeIonQ(seed=7, transitions=Transitions.polls(99))
    return IonQProvider(transport=InProcessTransport(cloud)).get_backend("simulator")


def test_it_is_a_qiskit_backend_with_all_of_its_qubits_connected(backend):
    assert isinstance(backend, BackendV2)
    assert (backend.name, backend.num_qubits) == ("ionq_simulator", 29)
    assert backend.coupling_map is None
    assert "measure" in backend.operation_names


def test_every_gate_of_the_target_can_be_sent(backend):
    for name in backend.operation_names:
        operation = backend.target.operation_from_name(name)
        if isinstance(operation, type):  # a gate of any width
            continue
        circuit = QuantumCircuit(operation.num_qubits, operation.num_qubits)
        if name != "measure":
            angles = dict.fromkeys(operation.params, 1)
            circuit.append(operation, range(operation.num_qubits))
            circuit = circuit.assign_parameters(angles)
        circuit.measure(range(operation.num_qubits), range(operation.num_qubits))
        nothing = {"measure", "id", "delay", "reset"}
        assert len(to_wire(circuit).gates) == (name not in nothing), name


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_transpiled_circuits_are_accepted_and_right_at_every_level(backend, level):
    circuit = QuantumCircuit(4)
    circuit.x(1)
    circuit.cswap(1, 0, 3)
    circuit.ecr(0, 2)
    circuit.ecr(0, 2)
    circuit.cp(np.pi, 1, 2)
    circuit.u(np.pi, 0, np.pi, 0)
    circuit.swap(0, 3)
    circuit.measure_all()

    ready = transpile(circuit, backend, optimization_level=level, seed_transpiler=1)

    assert backend.run(ready, shots=10).get_counts() == {"1010": 10}


def test_a_circuit_that_is_too_wide_is_refused_before_anything_is_sent(backend, cloud):
    circuit = QuantumCircuit(30)
    circuit.measure_all()
    with pytest.raises(errors.IonQBackendError, match="30 qubits, ionq_simulator has 29"):
        backend.run(circuit)
    assert len(cloud.jobs) == 0


def test_5000_circuits_go_into_a_job(backend):
    assert backend.max_circuits == 5000


def test_a_native_simulator_is_what_its_noise_model_imitates(provider, monkeypatch):
    asked = []

    def target_for(device, gateset, noise_model):
        asked.append((device.api_name, gateset, noise_model))
        return Target(num_qubits=3)

    monkeypatch.setattr(backend_module, "target_for", target_for)
    native = provider.get_backend("simulator", gateset="native")
    assert native.target is native.target
    native.set_options(noise_model="aria-1")
    assert native.target.num_qubits == 3
    native.set_options(noise_model=None)
    _ = native.target
    assert asked == [("simulator", "native", "ideal"), ("simulator", "native", "aria-1")]


# --- jobs by their ids -------------------------------------------------------------------------


def test_a_job_is_not_retrieved_through_another_backend(provider, backend, bell):
    job_id = backend.run(bell).job_id()
    with pytest.raises(errors.IonQBackendError, match=r"get_backend\('simulator'\)"):
        provider.get_backend("forte-1").retrieve_job(job_id)


def test_jobs_are_retrieved_in_their_order(backend, bell):
    ids = [backend.run(bell).job_id() for _ in range(3)]
    assert [job.job_id() for job in backend.retrieve_jobs(ids[::-1])] == ids[::-1]
    with pytest.raises(errors.IonQAPIError):
        backend.retrieve_jobs([ids[0], "nobody-knows"])


def test_jobs_are_cancelled_by_their_ids(slow, bell):
    first, second, third = (slow.run(bell).job_id() for _ in range(3))
    assert slow.cancel_job(first) == {"id": first, "status": "canceled"}
    replies = slow.cancel_jobs([second, third])
    assert replies == [{"id": job, "status": "canceled"} for job in (second, third)]


def test_each_job_is_cancelled_whatever_becomes_of_the_others(slow, bell):
    job = slow.run(bell)
    with pytest.raises(errors.IonQAPIError) as caught:
        slow.cancel_jobs(["first-unknown", job.job_id(), "second-unknown"])
    assert caught.value.job_id == "first-unknown"
    assert "second-unknown" in caught.value.__notes__[0]
    assert slow.retrieve_job(job.job_id()).cancelled()


# --- what the service says of a backend --------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "available"),
    [("simulator", True), ("forte-1", True), ("forte-enterprise-2", False), ("aria-1", False)],
)
def test_a_backend_is_available_if_the_service_says_so(provider, name, available):
    assert provider.get_backend(name).status() is available


@pytest.mark.parametrize(
    ("listing", "available"),
    [
        ([], False),
        ([{"backend": "qpu.forte-1"}], False),
        ([{"backend": "qpu.forte-1", "status": None}], False),
        ([{"backend": "qpu.forte-1", "status": "reserved"}], False),
        ([{"backend": "simulator", "status": "available"}], False),
        ([{"status": "available"}, {"backend": "qpu.forte-1", "status": "available"}], True),
    ],
)
def test_a_strange_list_of_backends_is_read_with_care(scripted, listing, available):
    provider = IonQProvider(transport=InProcessTransport(scripted((200, listing))))
    assert provider.get_backend("forte-1").status() is available


def test_a_calibration_is_the_newest_that_there_is(provider, send):
    forte = provider.get_backend("forte-1")
    found = forte.calibration()
    newest = send("GET", "/backends/qpu.forte-1/characterizations?limit=1")[1]
    (record,) = newest["characterizations"]

    assert (found.id, found.backend, found.qubits) == (record["id"], "qpu.forte-1", 36)
    assert found.date == datetime.fromisoformat(record["date"])
    assert found.fidelity == {name: f["median"] for name, f in record["fidelity"].items()}
    assert found.median_spam_fidelity == record["fidelity"]["spam"]["median"]
    assert found.timing == record["timing"]
    assert len(found.connectivity) == 36 * 35 // 2
    assert found == forte.calibration()


def test_the_simulator_has_no_calibration(provider, cloud):
    assert provider.get_backend("simulator").calibration() is None


@pytest.mark.parametrize(
    "body", [{"characterizations": None, "pages": 0}, {"characterizations": []}]
)
def test_no_characterization_is_no_calibration(scripted, body):
    provider = IonQProvider(transport=InProcessTransport(scripted((200, body))))
    assert provider.get_backend("forte-1").calibration() is None


def test_what_was_not_measured_is_none(scripted):
    record = {
        "id": "c-1",
        "date": "2026-09-28T00:00:00Z",
        "backend": "qpu.forte-1",
        "qubits": 36,
        "connectivity": [[0, 1], [2], "x", None, [1, 2]],
        "fidelity": {
            "spam": {"median": 0.99},
            "1q": {"median": None, "stderr": 0},
            "2q": {"median": "high"},
        },
        "timing": {"readout": 0.00015, "t1": 100, "t2": None},
    }
    provider = IonQProvider(
        transport=InProcessTransport(scripted((200, {"characterizations": [record]})))
    )
    found = provider.get_backend("forte-1").calibration()
    assert found.fidelity == {"spam": 0.99, "1q": None, "2q": None}
    assert (found.median_1q_fidelity, found.median_2q_fidelity) == (None, None)
    assert found.timing["readout"] == 0.00015
    assert (found.timing["t1"], found.timing["t2"], found.timing["2q"]) == (100, None, None)
    assert found.connectivity == ((0, 1), (1, 2))


@pytest.mark.parametrize("record", [{}, {"date": "yesterday", "fidelity": [], "timing": None}])
def test_a_record_that_says_nothing_is_no_error(scripted, record):
    provider = IonQProvider(
        transport=InProcessTransport(scripted((200, {"characterizations": [record]})))
    )
    found = provider.get_backend("forte-1").calibration()
    assert (found.id, found.date, found.connectivity) == (None, None, ())
    assert set(found.fidelity.values()) == {None}


@pytest.mark.parametrize("body", [[], {"characterizations": [1]}, {"characterizations": {}}, None])
def test_characterizations_of_another_shape_are_a_response_error(scripted, body):
    provider = IonQProvider(transport=InProcessTransport(scripted((200, body))))
    with pytest.raises(errors.IonQResponseError):
        provider.get_backend("forte-1").calibration()


# --- money -------------------------------------------------------------------------------------


def layered(ones, twos):
    """Return a circuit of so many gates on one qubit and on two."""
    circuit = QuantumCircuit(8)
    for index in range(ones):
        circuit.rx(0.1, index % 8)
    for index in range(twos):
        circuit.cx(index % 7, index % 7 + 1)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize(
    ("shots", "cost"), [(100, 25.79), (400, 25.79), (500, 168.20), (5000, 284.32), (10_000, 568.64)]
)
def test_an_estimate_is_what_ionq_was_seen_to_charge(provider, shots, cost):
    """The prices that a user saw for this circuit on Forte in August 2026."""
    found = provider.get_backend("forte-1").estimate(layered(128, 32), shots=shots)
    assert (found.cost, found.cost_unit) == (pytest.approx(cost, abs=0.005), "usd")
    assert (found.oneq_gates, found.twoq_gates, found.qubits) == (128, 32, 8)
    assert (found.backend, found.shots) == ("qpu.forte-1", shots)
    assert found.error_mitigation is (shots >= 500)


@pytest.mark.parametrize("shots", [100, 1000])
@pytest.mark.parametrize("mitigation", [None, False])
def test_an_estimate_is_what_a_dry_run_costs(provider, cloud, sender, shots, mitigation):
    forte, circuit = provider.get_backend("forte-1"), layered(0, 200)
    circuit.barrier()
    circuit.id(0)
    options = {"shots": shots, "error_mitigation": mitigation}
    estimate = forte.estimate([circuit, circuit], **options)
    job = forte.run([circuit, circuit], dry_run=True, **options)
    assert provider.client.retrieve_job(job.job_id())["status"] == "completed"
    cost = sender(cloud, "no-key-needed")("GET", f"/jobs/{job.job_id()}/cost")[1]
    assert cost["estimated_cost"] == {"unit": "usd", "value": pytest.approx(estimate.cost)}
    assert estimate.twoq_gates == 400


@pytest.mark.parametrize(
    ("mitigation", "options", "gateset", "asked"),
    [
        (None, {"shots": 499}, "qis", "false"),
        (None, {"shots": 500}, "qis", "true"),
        (None, {"shots": 500}, "native", "false"),
        (None, {"shots": 500, "error_mitigation": False}, "qis", "false"),
        (True, {"shots": 500, "error_mitigation": False}, "qis", "true"),
        ({"symmetry_verification": True}, {"shots": 100}, "qis", "false"),
    ],
)
def test_an_estimate_mitigates_errors_as_the_run_would(
    scripted, bell, mitigation, options, gateset, asked
):
    cloud = scripted((200, {}))
    provider = IonQProvider(transport=InProcessTransport(cloud))
    forte = provider.get_backend("forte-1", gateset=gateset)
    forte.set_options(**options)
    forte.estimate(bell, error_mitigation=mitigation)
    assert parse_qs(urlsplit(cloud.requests[0][1]).query) == {
        "backend": ["qpu.forte-1"],
        "type": ["ionq.circuit.v1"],
        "qubits": ["2"],
        "shots": [str(options["shots"])],
        "1q_gates": ["1"],
        "2q_gates": ["1"],
        "error_mitigation": [asked],
    }


def test_gates_on_more_than_two_qubits_are_billed_as_several():
    circuit = QuantumCircuit(5)
    circuit.h(0)
    circuit.ccx(0, 1, 2)
    circuit.mcx([0, 1, 2, 3], 4)
    circuit.reset(0)
    circuit.measure_all()
    assert count_gates([circuit]) == (1, 6 * 1 + 6 * 3)


def test_the_simulator_is_free_and_says_when_it_was_asked(provider, bell, cloud):
    found = provider.get_backend("simulator").estimate(bell, shots=100)
    assert (found.cost, found.execution_time_s, found.queue_time_s, found.rates) == (0, 0, 0, ())
    assert found.estimated_at == cloud.clock.now()


def test_times_of_an_estimate_are_in_seconds_and_its_rates_are_told(scripted, bell):
    body = {
        "estimate_context": {"backend": "qpu.forte-1", "organization": None, "project": None},
        "estimated_at": "2026-08-23T10:00:00+02:00",
        "estimated_unit": "credit",
        "rate_card": {"id": "r", "rates": [{"sku": "s", "unit": "gates", "cost_1q_gate": 0.1}, 7]},
        "estimated_total_cost": 12,
        "estimated_execution_time": 96250,
        "current_predicted_queue_time": 397577,
    }
    provider = IonQProvider(transport=InProcessTransport(scripted((200, body))))
    found = provider.get_backend("forte-1").estimate(bell)
    assert (found.execution_time_s, found.queue_time_s) == (96.25, 397.577)
    assert (found.cost, found.cost_unit) == (12, "credit")
    assert found.rates == ({"sku": "s", "unit": "gates", "cost_1q_gate": 0.1},)
    assert found.estimated_at == datetime(2026, 8, 23, 8, tzinfo=UTC)
    assert found.to_dict() == body


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"estimate_context": None, "rate_card": [], "estimated_total_cost": "much"},
        {"estimated_at": 5, "estimated_execution_time": True, "rate_card": {"rates": None}},
        {"estimated_total_cost": 10**400, "estimated_at": "soon"},
    ],
)
def test_an_estimate_that_says_nothing_is_no_error(scripted, bell, body):
    provider = IonQProvider(transport=InProcessTransport(scripted((200, body))))
    found = provider.get_backend("forte-1").estimate(bell)
    assert (found.cost, found.execution_time_s, found.estimated_at) == (None, None, None)
    assert found.rates == ()


def test_an_estimate_of_what_cannot_be_run_is_refused(provider, bell):
    forte = provider.get_backend("forte-1")
    for arguments, options in (
        ([QuantumCircuit(37)], {}),
        ([bell], {"shots": 0}),
        ([bell], {"shots": 100, "error_mitigation": True}),
        (["circuit"], {}),
    ):
        with pytest.raises(errors.IonQBackendError):
            forte.estimate(*arguments, **options)


# --- Qiskit's own primitives -----------------------------------------------------------------


def flips():
    """Return four circuits of two qubits, and the only outcome that each has."""
    circuits_ = []
    for flipped in ((0, 1), (0,), (1,), ()):
        circuit = QuantumCircuit(2)
        for qubit in flipped:
            circuit.x(qubit)
        circuit.measure_all()
        circuits_.append(circuit)
    return circuits_, ["11", "01", "10", "00"]


def test_the_sampler_is_right_for_one_circuit(backend):
    for circuit, outcome in zip(*flips(), strict=True):
        result = BackendSamplerV2(backend=backend).run([circuit], shots=100).result()
        assert result[0].data.meas.get_counts() == {outcome: 100}


def test_the_sampler_is_right_for_many_circuits(backend):
    several, outcomes = flips()
    result = BackendSamplerV2(backend=backend).run(several, shots=100).result()
    assert [pub.data.meas.get_counts() for pub in result] == [{o: 100} for o in outcomes]


def test_primitives_send_one_job_for_many_circuits(backend, cloud):
    several, _ = flips()
    BackendSamplerV2(backend=backend).run(several, shots=100).result()
    assert [job.type for job in cloud.jobs if job.parent_id is None] == ["ionq.multi-circuit.v1"]


def test_the_sampler_keeps_registers_apart(backend):
    circuit = QuantumCircuit(
        QuantumRegister(3), ClassicalRegister(2, "left"), ClassicalRegister(9, "right")
    )
    circuit.x([0, 2])
    circuit.measure([0, 1, 2], [1, 4, 10])
    data = BackendSamplerV2(backend=backend).run([circuit], shots=20).result()[0].data
    assert data.left.get_counts() == {"10": 20}
    assert data.right.get_counts() == {"100000000": 20}


def test_the_estimator_is_right(backend):
    circuit = QuantumCircuit(2)
    circuit.x(0)
    observables = [SparsePauliOp("IZ"), SparsePauliOp("ZI"), SparsePauliOp("ZZ", 0.5)]
    values = BackendEstimatorV2(backend=backend).run([(circuit, observables)]).result()[0].data.evs
    assert values.tolist() == [-1, 1, -0.5]


def test_the_estimator_is_right_where_it_takes_several_circuits(backend):
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    observables = [SparsePauliOp("XX"), SparsePauliOp("ZZ"), SparsePauliOp("YY", 0.5)]
    values = BackendEstimatorV2(backend=backend).run([(circuit, observables)]).result()[0].data.evs
    assert values.tolist() == [1, 1, -0.5]


def test_no_number_of_shots_is_the_one_of_the_backend(provider, bell):
    backend = provider.get_backend("simulator")
    backend.set_options(shots=77)
    assert sum(backend.run(bell, shots=None).get_counts().values()) == 77


# --- values of a simulation that rest on a guess --------------------------------------------------


def test_a_backend_names_the_guesses_of_its_simulation(backend):
    """By HTTP alone: a header that IonQ's service does not send."""
    notes = backend.fidelity_notes()
    assert notes
    assert any("forte-enterprise-1 is that of forte-1" in note for note in notes)


def test_the_notes_are_those_of_the_backend(provider):
    forte, harmony = (provider.get_backend(name) for name in ("forte-1", "qpu.harmony"))
    assert any("7.3 times" in note for note in forte.fidelity_notes())
    assert not any("7.3 times" in note for note in harmony.fidelity_notes())


@pytest.mark.parametrize(
    "header", [{}, {"X-IonQ-Fake-Notes": "no JSON"}, {"x-ionq-fake-notes": "1"}]
)
def test_a_service_that_sends_no_notes_has_none(header):
    class Service(InProcessTransport):
        def send(self, method, url, headers, body, timeout):
            reply = super().send(method, url, headers, body, timeout)
            kept = {k: v for k, v in reply.headers.items() if "notes" not in k.lower()}
            return reply._replace(headers={**kept, **header})

    provider = IonQProvider("key", transport=Service(FakeIonQ(seed=1)))
    assert provider.get_backend("simulator").fidelity_notes() == []


def test_a_recording_keeps_the_guesses(tmp_path):
    file = tmp_path / "forte.jsonl"
    recorder = RecordingTransport(InProcessTransport(FakeIonQ(seed=1)), file)
    with IonQProvider("a-key-of-nobody", transport=recorder) as provider:
        recorded = provider.get_backend("forte-1").fidelity_notes()
    with IonQProvider("another-key", transport=ReplayTransport(file)) as provider:
        assert provider.get_backend("forte-1").fidelity_notes() == recorded != []


def test_guesses_reach_a_client_over_a_socket_without_the_token_of_the_controls():
    with FakeServer(FakeIonQ(seed=1, keys={"the-only-key": "lab"})) as server:
        provider = IonQProvider("the-only-key", url=server.url)
        assert provider.get_backend("forte-1").fidelity_notes()
