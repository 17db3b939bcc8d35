"""qiskit-ionq, unmodified, on the fake; and its jobs and ours read by each other."""

from collections import Counter
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
import qiskit_ionq
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.providers.jobstatus import JobStatus
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector
from qiskit_ionq import ErrorMitigation, GPI2Gate, GPIGate, MSGate, Session, ZZGate
from qiskit_ionq.exceptions import IonQAPIError, IonQJobError, IonQJobFailureError
from sampling import as_often_as
from scipy.linalg import expm

from ionq_toolkit import InProcessTransport, IonQProvider
from ionq_toolkit_fake import Access, FakeIonQ, FakeServer, Transitions, mock_ionq

# It advises against Qiskit's own default when a backend is built.
pytestmark = pytest.mark.filterwarnings("ignore::qiskit_ionq.exceptions.IonQTranspileLevelWarning")

#: The gate of a compiled circuit, as qiskit-ionq has it.
NATIVE = {
    "gpi": lambda gate: GPIGate(gate["phase"]),
    "gpi2": lambda gate: GPI2Gate(gate["phase"]),
    "ms": lambda gate: MSGate(*gate["phases"], gate["angle"]),  # type: ignore[call-arg]
    "zz": lambda gate: ZZGate(gate["angle"]),
}


@pytest.fixture(params=["interception", "socket"])
def connect(request, monkeypatch):
    """Put qiskit-ionq in front of a cloud."""
    with ExitStack() as stack:

        def connect(cloud, key="any-key"):
            if request.param == "interception":
                stack.enter_context(mock_ionq(cloud))
            else:
                # It asks for the width of a backend at this address, whatever its provider's is.
                url = stack.enter_context(FakeServer(cloud)).url
                monkeypatch.setenv("IONQ_API_URL", url)
            return qiskit_ionq.IonQProvider(key)

        yield connect


@pytest.fixture
def stock(connect, cloud):
    return connect(cloud)


@pytest.fixture
def theirs(stock):
    return stock.get_backend("ionq_simulator")


@pytest.fixture
def forte(stock):
    return stock.get_backend("ionq_qpu.forte-1")


@contextmanager
def refused(status, text):
    with pytest.raises(IonQAPIError, match=text) as caught:
        yield
    assert caught.value.status_code == status


def ask(backend, *path, **params):
    """Send a GET for what the client has no method for, as it sends its own."""
    client = backend.client
    response = client.get_with_retry(client.make_path(*path), params, client.api_headers)
    IonQAPIError.raise_for_status(response)
    return response.json()


def result_of(job, part):
    """Fetch a part of a job's results where its record says it is."""
    client = job.backend().client
    return client.get_results(client.retrieve_job(job.job_id())["results"][part]["url"])


def flips(width, flipped):
    circuit = QuantumCircuit(width, name=f"flip {flipped}")
    for qubit in flipped:
        circuit.x(qubit)
    circuit.measure_all()
    return circuit


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
    with pytest.raises(IonQAPIError, match="Resource not found"):
        theirs.retrieve_job(ids[2])


def test_statuses_on_the_way(bell):
    with mock_ionq(FakeIonQ(seed=1, transitions=Transitions.polls(1))):
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
    with pytest.raises(IonQJobFailureError, match=r"NotEnoughQubits: .*30 qubits"):
        theirs.retrieve_job(job_id)


def test_a_cancelled_job_is_seen_as_such(theirs, bell):
    job = theirs.run(bell)
    job.cancel()
    with pytest.warns(UserWarning, match="cancelled"):
        assert job.status() is JobStatus.CANCELLED


def test_an_unknown_job_and_a_bad_body_are_its_api_errors(theirs):
    with pytest.raises(IonQAPIError, match="Resource not found"):
        theirs.retrieve_job("no-such-job")
    with pytest.raises(IonQAPIError, match="type is required"):
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
    assert job.submission_tag is not None  # which they let pass
    assert theirs.retrieve_job(job.job_id()).get_counts() == job.get_counts() == {"11 0": 250}


# --- native gates ----------------------------------------------------------------------------


@pytest.fixture
def native_circuit():
    circuit = QuantumCircuit(3)
    circuit.append(GPI2Gate(0.1), [0])
    circuit.append(GPIGate(0.3), [1])
    circuit.append(GPI2Gate(0.45), [1])
    circuit.append(MSGate(0.1, 0.3, 0.2), [1, 0])
    circuit.append(GPI2Gate(-0.2), [2])
    circuit.append(ZZGate(0.15), [1, 2])
    circuit.append(MSGate(0.2, -0.35), [0, 2])
    for qubit in range(3):
        circuit.append(GPI2Gate(0.7), [qubit])
    return circuit


def test_native_gates_have_the_matrices_that_it_gives_them(stock, native_circuit):
    expected = Statevector(native_circuit).probabilities_dict()
    native_circuit.measure_all()
    backend = stock.get_backend("ionq_simulator", gateset="native")
    found = backend.run(native_circuit, shots=1_000_000, sampler_seed=1).get_probabilities()
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("name", "entangler"), [("forte-1", "zz"), ("aria-1", "ms")])
def test_native_circuits_run_on_the_machine_that_they_are_transpiled_for(
    connect, bell, name, entangler
):
    cloud = FakeIonQ(seed=7, statuses={"qpu.aria-1": "available"})
    backend = connect(cloud).get_backend(f"ionq_qpu.{name}", gateset="native")
    ready = transpile(bell, backend, optimization_level=1)
    assert ready.count_ops()[entangler] == 1

    job = backend.run(ready, shots=1000)
    counts = job.get_counts()

    assert sum(counts.values()) == 1000
    assert 0 < counts["01"] + counts["10"] < 50
    assert ask(backend, "jobs", job.job_id())["stats"]["gate_counts"]["2q"] == 1


def test_a_native_gate_that_a_machine_does_not_have_fails_its_job(connect):
    provider = connect(FakeIonQ(seed=7, statuses={"qpu.aria-1": "available"}))
    gates = {"zz": ZZGate(0.25), "ms": MSGate(0, 0)}
    for name, has, other in (("forte-1", "zz", "ms"), ("aria-1", "ms", "zz")):
        circuit = QuantumCircuit(2)
        circuit.append(gates[other], [0, 1])
        circuit.measure_all()
        job = provider.get_backend(f"ionq_qpu.{name}", gateset="native").run(circuit)
        text = f"UnsupportedGate: The backend has no native gate {other}; it has {has}."
        with pytest.raises(IonQJobFailureError, match=text):
            job.result()


def test_a_noise_model_has_the_native_gate_of_its_machine(stock, bell):
    for model, has, other in (("forte-1", "zz", "ms"), ("aria-1", "ms", "zz")):
        backend = stock.get_backend("ionq_simulator", gateset="native")
        backend.set_options(noise_model=model)
        ready = transpile(bell, backend, optimization_level=1)
        assert ready.count_ops()[has] == 1
        assert sum(backend.run(ready, shots=100).get_counts().values()) == 100
        circuit = QuantumCircuit(2)
        circuit.append({"zz": ZZGate(0.25), "ms": MSGate(0, 0)}[other], [0, 1])
        circuit.measure_all()
        with pytest.raises(IonQJobFailureError, match=f"no native gate {other}"):
            backend.run(circuit).result()


# --- noise models ----------------------------------------------------------------------------


def test_a_noisy_simulation_counts_its_shots(theirs, bell):
    job = theirs.run(bell, shots=300, noise_model="harmony")
    histogram = result_of(job, "histogram")
    assert sum(histogram.values()) == 300
    assert set(histogram) == {"0", "1", "2", "3"}
    assert result_of(job, "probabilities") == {k: n / 300 for k, n in histogram.items()}
    assert ask(theirs, "jobs", job.job_id())["noise"] == {"model": "harmony"}


@pytest.mark.parametrize(
    ("model", "rate"), [("forte-1", 0.01413), ("aria-1", 0.0133), ("aria-2", 0.01856)]
)
@mock_ionq
def test_a_noise_model_errs_as_often_as_its_rate_says(bell, model, rate):
    backend = qiskit_ionq.IonQProvider("any-key").get_backend("ionq_simulator")
    backend.set_options(noise_model=model, sampler_seed=11)
    counts = backend.run(bell, shots=100_000).get_counts()
    # Depolarising noise spreads the rate over four outcomes; a wrong H stays within the pair.
    assert counts["01"] + counts["10"] == as_often_as(rate / 2, 100_000)
    assert counts["00"] == as_often_as(1 / 2 - rate / 4, 100_000)


def test_a_seed_of_the_noise_decides_the_shots(connect, bell):
    def memory(cloud_seed, noise_seed):
        backend = connect(FakeIonQ(seed=cloud_seed)).get_backend("ionq_simulator")
        backend.set_options(noise_model="aria-1", sampler_seed=noise_seed)
        job = backend.run(bell, shots=200, memory=True)
        assert ask(backend, "jobs", job.job_id())["noise"] == {
            "model": "aria-1",
            "seed": noise_seed,
        }
        return job.get_memory()

    assert memory(1, 5) == memory(2, 5)
    assert memory(1, 5) != memory(1, 6)


def test_an_unknown_noise_model_is_refused(theirs, bell):
    with refused(400, "noise.model must be one of"):
        theirs.run(bell, noise_model="aria-7")


# --- machines --------------------------------------------------------------------------------


def test_a_job_on_a_machine_has_whole_counts_and_is_retrieved_by_its_id(forte, bell):
    job = forte.run(bell, shots=400)
    counts = job.get_counts()
    assert sum(counts.values()) == 400
    assert counts["00"] + counts["11"] > 380
    histogram = result_of(job, "histogram")
    assert {format(int(k), "02b"): n for k, n in histogram.items()} == counts
    assert forte.retrieve_job(job.job_id()).get_counts() == counts
    record = ask(forte, "jobs", job.job_id())
    assert (record["backend"], record["shots"]) == ("qpu.forte-1", 400)
    assert "noise" not in record


def test_jobs_of_a_machine_are_not_the_same_twice(forte, bell):
    jobs = [forte.run(bell, shots=200, memory=True) for _ in range(2)]
    assert jobs[0].get_memory() != jobs[1].get_memory()


def test_a_whole_machine_can_be_filled(forte):
    circuit = QuantumCircuit(36)
    circuit.x(range(0, 36, 2))
    circuit.cx(range(0, 36, 4), range(3, 36, 4))
    circuit.rx(0.0, range(36))
    circuit.measure_all()
    counts = forte.run(circuit, shots=100).get_counts()
    assert sum(counts.values()) == 100
    assert max(counts, key=counts.get) == "1101" * 9


def test_a_machine_errs_as_often_as_its_calibration_says(forte):
    calibration = forte.calibration()
    readout = 1 - calibration.median_spam_fidelity
    # Half of what a depolarised qubit shows is wrong; its rate is 4/3 of the infidelity.
    gate = (1 - calibration.fidelity["1q"]["median"]) * 4 / 3 / 2
    wrong = readout * (1 - gate) + gate * (1 - readout)

    job = forte.run(flips(8, range(8)), shots=10_000, error_mitigation=ErrorMitigation.NO_DEBIASING)

    zeros = sum(key.count("0") * n for key, n in job.get_counts().items())
    assert zeros == as_often_as(wrong, 80_000)


def test_a_batch_on_a_machine_pairs_each_circuit_with_its_result(forte):
    job = forte.run([flips(3, [0]), flips(3, [1, 2]), flips(2, [])], shots=100)
    counts = job.get_counts()
    assert [sum(found.values()) for found in counts] == [100, 100, 100]
    assert [max(found, key=found.get) for found in counts] == ["001", "110", "00"]
    assert [max(found.values()) > 90 for found in counts] == [True, True, True]
    assert forte.retrieve_job(job.job_id()).get_counts() == counts


# --- per-shot memory -------------------------------------------------------------------------


@pytest.fixture(params=["ionq_simulator", "ionq_qpu.forte-1"])
def sampling(request, stock):
    """Return a backend that has shots: the simulator with a noise model, and a machine."""
    backend = stock.get_backend(request.param)
    backend.set_options(noise_model="harmony")
    return backend


def test_memory_has_the_shots_that_the_counts_count(sampling):
    circuit = QuantumCircuit(
        QuantumRegister(3), ClassicalRegister(1, "a"), ClassicalRegister(2, "b")
    )
    circuit.x([0, 2])
    circuit.h(1)
    circuit.measure([0, 1, 2], [2, 0, 1])
    job = sampling.run(circuit, shots=250, memory=True)
    memory = job.get_memory()
    assert len(memory) == 250
    assert Counter(memory) == job.get_counts()
    assert {"11 0", "11 1"} <= set(memory)
    raw = [format(int(shot), "03b") for shot in result_of(job, "shots")]
    # A shot has qubits 2, 1, 0; they were measured to bits 1, 0, 2.
    assert memory == [f"{bits[2]}{bits[0]} {bits[1]}" for bits in raw]


def test_each_circuit_of_a_batch_has_its_memory(sampling):
    job = sampling.run([flips(2, [0]), flips(3, [2])], shots=60, memory=True)
    for index, outcome in enumerate(("01", "100")):
        memory = job.get_memory(index)
        assert Counter(memory) == job.get_counts(index)
        assert Counter(memory).most_common(1)[0][0] == outcome


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize("backend", ["ionq_simulator", "ionq_qpu.forte-1"])
def test_its_shots_are_memory_for_us(connect, cloud, backend, memory):
    """It does not store with a job whether it was run with memory=True."""
    theirs = connect(cloud).get_backend(backend)
    theirs.set_options(noise_model="harmony")
    both = [flips(2, [0]), flips(3, [2])]
    job = theirs.run(both, shots=60, memory=memory)
    job.wait_for_final_state()
    provider = IonQProvider("any-key", transport=InProcessTransport(cloud))
    ours = provider.get_backend(backend).retrieve_job(job.job_id())
    found = ours.get_memory()
    assert [len(shots) for shots in found] == [60, 60]
    assert [Counter(shots) for shots in found] == job.get_counts()
    if memory:
        assert found == [job.get_memory(index) for index in (0, 1)]


def test_an_ideal_simulation_has_no_shots(theirs, bell):
    job = theirs.run(bell, memory=True)
    assert ask(theirs, "jobs", job.job_id())["results"].keys() == {
        "probabilities",
        "ionq.result.probabilities.json.v1",
        "ionq.result.probabilities.json.v2",
    }
    with refused(404, "Resource not found"):
        ask(theirs, "jobs", job.job_id(), "results", "shots")


# --- OpenQASM 3: measurement and reset anywhere ----------------------------------------------


@pytest.fixture
def reused():
    """Return a circuit that measures its first qubit, resets it and uses it again."""
    circuit = QuantumCircuit(
        QuantumRegister(2, "q"), ClassicalRegister(1, "before"), ClassicalRegister(3, "after")
    )
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.reset(0)
    circuit.measure(0, 1)
    circuit.x(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [2, 3])
    return circuit


def test_a_qubit_is_measured_reset_and_used_again(sampling, reused):
    job = sampling.run(reused, shots=500, memory=True)
    counts = job.get_counts()
    assert sum(counts.values()) == 500
    assert counts["110 1"] > 350
    assert Counter(job.get_memory()) == counts
    assert ask(sampling, "jobs", job.job_id())["type"] == "ionq.qasm3.v1"
    assert sampling.retrieve_job(job.job_id()).get_counts() == counts


def test_what_is_measured_midway_is_what_the_rest_goes_on_with(theirs):
    circuit = QuantumCircuit(
        QuantumRegister(2, "q"), ClassicalRegister(1, "first"), ClassicalRegister(2, "last")
    )
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.cx(0, 1)
    circuit.measure(1, 1)
    circuit.h(0)
    circuit.measure(0, 2)
    theirs.set_options(noise_model="forte-1", sampler_seed=3)
    counts = Counter(theirs.run(circuit, shots=4_000).get_counts())
    # The first two bits agree, and the third is 0 or 1 by chance.
    agreeing = {key: n for key, n in counts.items() if key[1] == key[3]}
    assert len(agreeing) == 4
    for number in agreeing.values():
        assert number == as_often_as(1 / 4, 4_000)
    assert sum(agreeing.values()) > 3_960


def test_an_ideal_simulation_midway_has_a_distribution_and_no_shots(theirs):
    circuit = QuantumCircuit(2, 3)
    circuit.ry(1.1, 0)
    circuit.measure(0, 0)
    circuit.ry(0.6, 0)
    circuit.cx(0, 1)
    circuit.reset(0)
    circuit.ry(0.4, 0)
    circuit.cx(1, 0)
    circuit.measure([0, 1], [1, 2])
    job = theirs.run(circuit)
    with pytest.raises(IonQJobError, match="no per-register shot data"):
        job.result()

    # The same, with what is measured midway kept on qubit 2, and the reset qubit a new one, 3.
    deferred = QuantumCircuit(4)
    deferred.ry(1.1, 0)
    deferred.cx(0, 2)
    deferred.ry(0.6, 0)
    deferred.cx(0, 1)
    deferred.ry(0.4, 3)
    deferred.cx(1, 3)
    expected = Statevector(deferred).probabilities([2, 3, 1])
    found = result_of(job, "probabilities")
    assert [found.get(str(k), 0) for k in range(8)] == pytest.approx(list(expected), abs=1e-9)


def test_every_kind_of_gate_gets_through_openqasm_3(theirs):
    gates = QuantumCircuit(3)
    gates.h([0, 1, 2])
    for name in ("rxx", "ryy", "rzz", "cp", "crx", "cry", "crz"):
        getattr(gates, name)(0.7, 0, 1)
        gates.ry(0.3, [0, 1])
    for name in ("sx", "sxdg", "sdg", "t", "tdg", "y"):
        getattr(gates, name)(2)
        gates.rx(0.2, 2)
    for name in ("ch", "csx", "cy", "cz", "swap", "ecr", "iswap"):
        getattr(gates, name)(1, 2)
        gates.ry(0.5, [1, 2])
    gates.ccx(0, 1, 2)
    gates.append(PauliEvolutionGate(SparsePauliOp(["XXI", "IZZ"], [0.3, -0.4]), 0.9), [2, 0, 1])
    gates.u(0.1, 0.2, 0.3, 0)
    circuit = QuantumCircuit(3, 3)
    circuit.reset(0)
    circuit.compose(gates, inplace=True)
    circuit.measure(range(3), range(3))

    found = result_of(theirs.run(circuit), "probabilities")

    expected = Statevector(gates.decompose("PauliEvolution")).probabilities()
    assert [found.get(str(k), 0) for k in range(8)] == pytest.approx(list(expected), abs=1e-9)


def test_a_branch_is_taken_and_fails_with_the_reason(theirs):
    circuit = QuantumCircuit(1, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.x(0)
    circuit.measure(0, 1)
    job = theirs.run(circuit, noise_model="forte-1")
    with pytest.raises(
        IonQJobFailureError, match=r"CompilationError: 7,0: .*'if.*' is not supported"
    ):
        job.result()


def test_openqasm_3_for_too_many_qubits_fails(forte):
    circuit = QuantumCircuit(37, 1)
    circuit.measure(36, 0)
    circuit.reset(36)
    with pytest.raises(IonQJobFailureError, match=r"NotEnoughQubits: .* 37 qubits .* has 36"):
        forte.run(circuit).result()


# --- jobs: cancel, list, delete --------------------------------------------------------------


def test_a_cancelled_batch_cancels_its_circuits(connect):
    backend = connect(FakeIonQ(seed=1, transitions=Transitions.polls(1))).get_backend(
        "ionq_simulator"
    )
    job = backend.run([flips(1, [0]), flips(1, [])])
    children = ask(backend, "jobs", job.job_id())["child_job_ids"]
    job.cancel()
    statuses = [ask(backend, "jobs", job_id)["status"] for job_id in (job.job_id(), *children)]
    assert statuses == ["canceled"] * 3


def test_jobs_are_listed_newest_first_by_pages_and_by_status(theirs, bell):
    ids = [theirs.run(bell).job_id() for _ in range(5)]
    theirs.cancel_job(ids[1])
    first = ask(theirs, "jobs", limit=3)
    second = ask(theirs, "jobs", limit=3, next=first["next"])
    assert [job["id"] for job in first["jobs"] + second["jobs"]] == ids[::-1]
    assert second["next"] is None
    assert [job["id"] for job in ask(theirs, "jobs", status="canceled")["jobs"]] == [ids[1]]


def test_a_deleted_batch_takes_its_circuits_with_it(theirs):
    job = theirs.run([flips(1, [0]), flips(1, [])])
    (child, _) = ask(theirs, "jobs", job.job_id())["child_job_ids"]
    assert theirs.client.delete_job(job.job_id())["status"] == "deleted"
    for job_id in (job.job_id(), child):
        with refused(404, "Resource not found"):
            theirs.client.retrieve_job(job_id)


def test_several_jobs_are_retrieved_at_once(theirs, two_registers):
    ids = [theirs.run(two_registers, shots=shots).job_id() for shots in (10, 20)]
    counts = [job.get_counts() for job in theirs.retrieve_jobs(ids)]
    assert counts == [{"11 0": 10}, {"11 0": 20}]


# --- sessions --------------------------------------------------------------------------------


def test_jobs_in_a_session_are_its_jobs(forte, bell):
    outside = forte.run(bell).job_id()
    with Session(forte, max_jobs=5) as session:
        assert session.details()["status"] == "created"
        inside = [forte.run(bell).job_id() for _ in range(2)]
        assert session.details()["status"] == "started"
    for listing in (
        ask(forte, "jobs", session_id=session.session_id),
        ask(forte, "sessions", session.session_id, "jobs"),
    ):
        assert [job["id"] for job in listing["jobs"]] == inside[::-1]
    again = forte.run(bell).job_id()
    assert ask(forte, "jobs", again)["session_id"] is None
    assert ask(forte, "jobs", outside)["session_id"] is None


def test_a_session_that_was_ended_takes_no_jobs(forte, bell):
    with Session(forte) as session:
        assert session.details()["active"] is True
    ended = session.details()
    assert (ended["status"], ended["active"]) == ("ended", False)
    assert ended["ender_id"] == ended["creator_id"]
    with refused(400, "session .* has ended"):
        session.run(bell)
    session.close()
    assert session.details() == ended


def test_a_session_takes_as_many_jobs_as_it_was_made_for(forte, bell):
    session = Session(forte, max_jobs=2)
    assert session.details()["settings"] == {"job_count_limit": 2}
    assert [session.run(bell).status() for _ in range(2)] == [JobStatus.DONE] * 2
    with refused(400, "has had its 2 jobs"):
        session.run(bell)


def test_a_session_ends_when_its_time_is_over(forte, bell, cloud):
    session = Session(forte, max_time="10")
    assert session.details()["settings"]["expires_at"] == "2026-01-01T00:10:00.000Z"
    cloud.clock.sleep(599)
    session.run(bell)
    cloud.clock.sleep(1)
    with refused(400, "has ended"):
        session.run(bell)
    assert session.details()["ended_at"] == "2026-01-01T00:10:00.000Z"


def test_a_session_takes_no_job_beyond_its_cost(forte, bell):
    session = Session(forte, max_cost=60)
    assert session.details()["settings"] == {"cost_limit": {"unit": "usd", "value": 60.0}}
    for _ in range(2):  # each costs the minimum, 25.79
        session.run(bell, shots=100)
    with refused(400, "has a cost limit of 60.0 usd"):
        session.run(bell, shots=100)
    assert session.details()["status"] == "ended"  # IonQ told a user that the limit ends it


def test_a_session_is_found_again_by_its_id(forte, bell):
    session = Session(forte, max_jobs=1)
    again = Session.from_id(session.session_id, backend=forte)
    job = again.run(bell)
    assert ask(forte, "jobs", job.job_id())["session_id"] == session.session_id
    again.close()
    assert session.details()["status"] == "ended"
    assert [s["id"] for s in ask(forte, "sessions", active="false")["sessions"]] == [
        session.session_id
    ]


def test_a_session_ends_with_an_error_in_its_block(forte):
    session = Session(forte)
    with pytest.raises(ZeroDivisionError), session:
        raise ZeroDivisionError
    assert session.details()["status"] == "ended"


def test_sessions_that_cannot_be_are_refused(stock, theirs, forte, bell):
    with refused(400, "settings.job_count_limit must be between 1 and"):
        Session(forte, max_jobs=0)
    with refused(400, "settings.duration_limit_min must be of type integer"):
        Session(forte, max_time="soon")
    with refused(400, "backend qpu.aria-1 is retired"):
        Session(stock.get_backend("ionq_qpu.aria-1"))
    with refused(400, "backend must be one of"):  # it names the simulator as itself does
        Session(theirs)
    session = Session(forte)
    other = stock.get_backend("ionq_qpu.forte-enterprise-1")
    with refused(400, "is for qpu.forte-1, not for qpu.forte-enterprise-1"):
        other.run(bell, session_id=session.session_id)
    with refused(400, "there is no session"):
        forte.run(bell, session_id="0")


# --- calibration and estimates ---------------------------------------------------------------


def test_a_machine_shows_how_well_it_works(forte):
    found = forte.calibration()
    assert (found.backend, found.qubits) == ("qpu.forte-1", 36)
    assert found.date == datetime(2026, 1, 1, tzinfo=UTC)
    assert found.connectivity == list(combinations(range(36), 2))
    assert found.median_spam_fidelity == pytest.approx(0.9962, abs=0.0004)
    assert found.fidelity["2q"]["median"] == pytest.approx(0.99536, abs=0.0005)
    assert (found.timing["1q"], found.timing["2q"]) == (0.00013, 0.00097)
    assert forte.status() is True


def test_calibrations_go_back_a_day_at_a_time(forte):
    found = forte.client.get_calibration_data("qpu.forte-1", limit=3)
    newest = datetime(2026, 1, 1, tzinfo=UTC)
    assert [one.date for one in found] == [newest - timedelta(days=days) for days in range(3)]
    assert found[0] == forte.client.get_latest_calibration("qpu.forte-1")
    assert len({one.id for one in found}) == 3
    assert len(forte.client.get_calibration_data("qpu.forte-1")) == 10


def test_a_retired_machine_keeps_its_last_calibration(stock):
    harmony = stock.get_backend("ionq_qpu.harmony").calibration()
    assert (harmony.qubits, harmony.date) == (11, datetime(2024, 8, 31, tzinfo=UTC))


def test_the_simulator_has_no_calibration(theirs):
    assert theirs.calibration() is None
    nothing = {"characterizations": None, "pages": 0}
    assert ask(theirs, "backends", "simulator", "characterizations") == nothing
    assert theirs.client.get_calibration_data("simulator") == []
    assert theirs.client.get_latest_calibration("qpu.qpu") is None


@pytest.mark.parametrize(
    ("shots", "mitigated", "cost"),
    [(400, False, 25.79), (500, True, 168.20), (5000, True, 284.32), (10_000, True, 568.64)],
)
def test_an_estimate_is_what_such_a_job_was_seen_to_cost(theirs, shots, mitigated, cost):
    found = theirs.client.estimate_job(
        backend="ionq_qpu.forte-1",
        oneq_gates=128,
        twoq_gates=32,
        qubits=8,
        shots=shots,
        error_mitigation=mitigated,
    )
    # Its own field for the cost is of an older reply.
    assert found.to_dict()["estimated_total_cost"] == pytest.approx(cost, abs=0.005)
    assert found.to_dict()["estimate_context"]["error_mitigation"] is mitigated
    assert found.exec_time == 669 + round(shots * (128 * 0.13 + 32 * 0.97 + 0.2))
    assert found.estimated_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_an_estimate_is_what_the_job_costs(forte):
    circuit = QuantumCircuit(4)
    circuit.h([0, 1, 2])
    for _ in range(20):
        circuit.cx(0, 3)
    circuit.measure_all()
    estimate = forte.client.estimate_job(
        backend="qpu.forte-1", oneq_gates=3, twoq_gates=20, qubits=4, shots=2000
    )
    assert estimate.to_dict()["estimated_total_cost"] == 45.82
    amount = {"unit": "usd", "value": 45.82}
    options = {"shots": 2000, "error_mitigation": ErrorMitigation.NO_DEBIASING}
    rehearsal = forte.run(circuit, dry_run=True, **options)
    job = forte.run(circuit, **options)
    assert ask(forte, "jobs", rehearsal.job_id(), "cost") == {
        "dry_run": True,
        "estimated_cost": amount,
    }
    assert ask(forte, "jobs", job.job_id(), "cost")["cost"] == amount


def test_the_simulator_is_free_and_an_unknown_backend_has_no_estimate(theirs, bell):
    sizes = {"oneq_gates": 1, "twoq_gates": 1, "qubits": 2, "shots": 100}
    free = theirs.client.estimate_job(backend="simulator", **sizes).to_dict()
    assert (free["estimated_total_cost"], free["rate_card"]["rates"]) == (0.0, [])
    assert ask(theirs, "jobs", theirs.run(bell).job_id(), "cost") == {"dry_run": False}
    with refused(400, "backend must be one of"):
        theirs.client.estimate_job(backend="qpu.none", **sizes)


# --- dry runs --------------------------------------------------------------------------------


@pytest.fixture
def mixed():
    circuit = QuantumCircuit(3)
    circuit.h([0, 1])
    circuit.cp(0.7, 0, 2)
    circuit.rxx(-2.1, 0, 1)
    circuit.ryy(2.9, 2, 1)
    circuit.t(1)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XYZ"], [0.6]), 0.8), [1, 2, 0])
    circuit.ccx(0, 1, 2)
    circuit.ry(0.4, [0, 1, 2])
    return circuit


@pytest.mark.parametrize(("name", "entangler"), [("forte-1", "zz"), ("aria-1", "ms")])
def test_a_dry_run_compiles_to_native_gates_that_do_the_same(connect, mixed, name, entangler):
    provider = connect(FakeIonQ(seed=7, statuses={"qpu.aria-1": "available"}))
    expected = Statevector(mixed.decompose("PauliEvolution")).probabilities_dict()
    mixed.measure_all()
    job = provider.get_backend(f"ionq_qpu.{name}").run(mixed, dry_run=True)
    assert job.status() is JobStatus.DONE

    compiled = job.compiled_circuit("native")

    assert {gate["gate"] for gate in compiled["circuit"]} <= {"gpi", "gpi2", entangler}
    circuit = QuantumCircuit(compiled["qubits"])
    for gate in compiled["circuit"]:
        circuit.append(NATIVE[gate["gate"]](gate), gate.get("targets") or [gate["target"]])
    assert Statevector(circuit).probabilities_dict() == pytest.approx(expected, abs=1e-6)
    circuit.measure_all()
    simulator = provider.get_backend("ionq_simulator", gateset="native")
    again = simulator.run(circuit, shots=1_000_000, sampler_seed=1).get_probabilities()
    assert again == pytest.approx(expected, abs=1e-6)


def test_a_dry_run_has_no_results(forte, bell):
    job = forte.run(bell, shots=50, dry_run=True)
    record = ask(forte, "jobs", job.job_id())
    assert (record["status"], record["dry_run"], record["shots"]) == ("completed", True, 50)
    assert (record["results"], record["started_at"]) == (None, None)
    assert forte.retrieve_job(job.job_id()).dry_run is True
    with pytest.raises(IonQJobError, match="dry_run=True"):
        job.result()
    with pytest.raises(IonQJobError, match=r"Available formats: ionq\.native\.v1"):
        job.compiled_circuit("ore")


def test_a_dry_run_never_waits(connect, bell):
    provider = connect(FakeIonQ(seed=1, transitions=Transitions.polls(1)))
    job = provider.get_backend("ionq_qpu.forte-1").run(bell, dry_run=True)
    statuses = [job.status() for _ in range(4)]
    assert statuses == [JobStatus.INITIALIZING] * 3 + [JobStatus.DONE]


def test_a_dry_run_of_too_wide_a_circuit_fails(forte):
    job = forte.run(flips(37, [0]), dry_run=True)
    with pytest.raises(IonQJobFailureError, match="NotEnoughQubits"):
        job.compiled_circuit()


def test_the_simulator_shows_what_the_new_compiler_makes_of_a_circuit(theirs, bell):
    settings = {"compilation": {"service_version": "v0.4"}}
    job = theirs.run(bell, job_settings=settings)
    assert sum(gate["gate"] == "zz" for gate in job.compiled_circuit()["circuit"]) == 1
    assert job.get_probabilities() == pytest.approx({"00": 0.5, "11": 0.5})
    with pytest.raises(IonQJobError, match="Available formats: none"):
        theirs.run(bell).compiled_circuit()


# --- evolutions ------------------------------------------------------------------------------

COMMUTING = SparsePauliOp(["XXI", "ZZI", "IIY"], [0.3, -0.5, 0.8])
NOT_COMMUTING = SparsePauliOp(["XXI", "ZIX", "IYZ"], [0.3, -0.5, 0.8])


@pytest.mark.parametrize("time", [0.0, 0.7])
@pytest.mark.parametrize("operator", [COMMUTING, NOT_COMMUTING])
def test_an_evolution_takes_its_terms_one_after_the_other(theirs, operator, time):
    before = QuantumCircuit(4)
    before.h([0, 2])
    before.rx(0.4, [1, 3])
    state = Statevector(before)
    expected = state
    for term in operator:  # one Trotter step of first order, as the service takes it
        unitary = Operator(expm(-1j * time * term.to_matrix()))
        expected = expected.evolve(unitary, [2, 0, 3])
    before.append(PauliEvolutionGate(operator, time), [2, 0, 3])
    after = QuantumCircuit(4)
    after.ry(0.9, range(4))
    expected = expected.evolve(after).probabilities_dict()
    before.compose(after, inplace=True)
    before.measure_all()

    # Without the flag, it sends no terms that do not commute.
    flag = {"ionq_compiler_synthesis": "true"}
    job = theirs.run(before, shots=1_000_000, sampler_seed=1, extra_metadata=flag)

    assert job.get_probabilities() == pytest.approx(expected, abs=1e-9)


def test_an_evolution_runs_on_a_machine(forte):
    circuit = QuantumCircuit(2)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XX"]), 3.141592653589793 / 2), [0, 1])
    circuit.measure_all()
    counts = forte.run(circuit, shots=200).get_counts()
    assert sum(counts.values()) == 200
    assert counts["11"] > 180


# --- error mitigation ------------------------------------------------------------------------


def test_debiasing_needs_500_shots(forte, bell):
    with refused(400, "debiasing requires at least 500 shots"):
        forte.run(bell, shots=499, error_mitigation=ErrorMitigation.DEBIASING)
    assert forte.run(bell, shots=500, error_mitigation=ErrorMitigation.DEBIASING).result().success


def test_a_debiased_job_has_variants_that_can_be_sharpened(forte):
    job = forte.run(flips(2, [0, 1]), shots=1000, error_mitigation=ErrorMitigation.DEBIASING)

    counts = job.get_counts()
    assert sum(counts.values()) == 1000
    assert 900 < counts["11"] < 1000
    assert job.result(sharpen=False).get_counts() == counts
    assert job.result(sharpen=True).get_counts() == {"11": 1000}
    with pytest.warns(UserWarning, match="not checked by default"):
        voted = job.result(extra_query_params={"aggregation": "majority"})
    assert voted.get_counts() == {"11": 1000}

    mitigation = ask(forte, "jobs", job.job_id())["output"]["error_mitigation"]
    variants = mitigation["debiasing"]["variants"]
    assert len(variants) == 32
    assert sum(variant["shots"] for variant in variants) == 1000
    assert len({tuple(variant["qubit_map"]) for variant in variants}) > 16
    histograms = [
        forte.client.get_artifact(
            job.job_id(), variant["results"]["ionq.result.histogram.json.v2"]["id"]
        )["histogram"]["registers"]["output_all"]
        for variant in variants
    ]
    assert sum(map(Counter, histograms), Counter()) == counts


def test_a_sharpened_batch_is_sharpened_circuit_by_circuit(forte):
    job = forte.run([flips(2, [0]), flips(2, [1])], shots=600)
    assert job.result(sharpen=True).get_counts() == [{"01": 600}, {"10": 600}]
    assert [600 in found.values() for found in job.get_counts()] == [False, False]


def test_a_machine_debiases_from_500_shots_on_unless_it_is_told_not_to(stock, forte, bell):
    def debiased(backend, circuit, **options):
        job_id = backend.run(circuit, **options).job_id()
        return ask(backend, "jobs", job_id)["output"]["error_mitigation"]["debiasing"] is not False

    assert debiased(forte, bell, shots=500)
    assert not debiased(forte, bell, shots=499)
    assert not debiased(forte, bell, shots=500, error_mitigation=ErrorMitigation.NO_DEBIASING)
    native = stock.get_backend("ionq_qpu.forte-1", gateset="native")
    assert not debiased(native, transpile(bell, native, optimization_level=1), shots=500)
    simulator = stock.get_backend("ionq_simulator")
    assert not debiased(simulator, bell, shots=500, noise_model="forte-1")


def test_symmetry_verification_leaves_the_outcomes_that_can_be(forte):
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, [1, 2])
    circuit.measure_all()
    options = {"shots": 2000, "error_mitigation": ErrorMitigation.NO_DEBIASING}
    settings = {"error_mitigation": {"symmetry_verification": True}}
    assert set(forte.run(circuit, **options).get_counts()) > {"000", "111"}

    job = forte.run(circuit, job_settings=settings, **options)

    assert set(job.get_counts()) == {"000", "111"}
    mitigation = ask(forte, "jobs", job.job_id())["output"]["error_mitigation"]
    assert mitigation["symmetry_verification"] == {"applied": True, "num_allowed_states": 2}
    assert mitigation["debiasing"] is False


# --- failures and refusals -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "width", "options", "text"),
    [
        ("simulator", 30, {}, "NotEnoughQubits: The job requires 30 qubits and .* has 29."),
        ("simulator", 26, {"noise_model": "aria-1"}, "requires 26 qubits and .* has 25."),
        ("simulator", 12, {"noise_model": "harmony"}, "requires 12 qubits and .* has 11."),
        ("qpu.forte-1", 37, {}, "requires 37 qubits and .* has 36."),
        ("qpu.forte-1", 1, {"shots": 10_001}, "TooManyShots: qpu.forte-1 takes 10000 shots"),
    ],
)
def test_a_job_that_asks_for_too_much_fails_with_the_reason(stock, name, width, options, text):
    job = stock.get_backend(f"ionq_{name}").run(flips(width, [0]), **options)
    with pytest.raises(IonQJobFailureError, match=text):
        job.result()
    assert job.status() is JobStatus.ERROR


def test_a_batch_fails_with_its_first_circuit_that_fails(stock):
    circuits = []
    for gate in (ZZGate(0.1), MSGate(0, 0)):
        circuit = QuantumCircuit(2)
        circuit.append(gate, [0, 1])
        circuit.measure_all()
        circuits.append(circuit)
    forte = stock.get_backend("ionq_qpu.forte-1", gateset="native")
    job = forte.run(circuits)
    good, bad = ask(forte, "jobs", job.job_id())["child_job_ids"]
    with pytest.raises(IonQJobFailureError, match=f"UnsupportedGate: child job {bad}: .* ms"):
        job.result()
    assert ask(forte, "jobs", good)["status"] == "completed"


def test_a_project_without_money_fails_its_jobs(connect, bell):
    provider = connect(FakeIonQ(seed=1, keys={"key": Access("poor", quota=30)}), "key")
    forte = provider.get_backend("ionq_qpu.forte-1")
    assert sum(forte.run(bell, shots=100).get_counts().values()) == 100
    with pytest.raises(
        IonQJobFailureError, match=r"QuotaExhaustedError: .* 25.79 USD; 4.21 USD are left"
    ):
        forte.run(bell, shots=100).result()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("qpu", r"backend must be one of \[simulator, qpu.forte-1"),
        ("qpu.none", r"backend must be one of \[simulator, qpu.forte-1"),
        ("qpu.aria-1", "backend qpu.aria-1 is retired"),
        ("qpu.forte-enterprise-2", "backend qpu.forte-enterprise-2 is unavailable"),
    ],
)
def test_a_backend_that_takes_no_jobs_is_a_bad_request(stock, bell, name, text):
    backend = stock.get_backend(f"ionq_{name}")
    with refused(400, text):
        backend.run(bell)


def test_a_key_that_is_not_known_is_unauthorized(connect, bell):
    backend = connect(FakeIonQ(seed=1, keys={"good": "mine"}), "bad").get_backend("simulator")
    assert backend.num_qubits == 29  # for which it needs no key
    with refused(401, "Invalid key provided"):
        backend.run(bell)
    with refused(401, "Invalid key provided"):
        backend.retrieve_job("0")


def test_a_key_without_the_scope_is_forbidden(connect, bell):
    keys = {"all": "mine", "reader": Access("mine", scopes=["jobs:read"])}
    cloud = FakeIonQ(seed=1, keys=keys)
    job = connect(cloud, "all").get_backend("simulator").run(bell, shots=10, sampler_seed=1)
    reader = connect(cloud, "reader").get_backend("simulator")

    assert reader.retrieve_job(job.job_id()).get_probabilities() == job.get_probabilities()
    with refused(403, "Insufficient Scope"):
        reader.run(bell)
    with refused(403, "Insufficient Scope"):
        reader.cancel_job(job.job_id())
    with refused(403, "Insufficient Scope"):
        reader.client.delete_job(job.job_id())
    with refused(403, "Insufficient Scope"):
        Session(connect(cloud, "reader").get_backend("ionq_qpu.forte-1"))
    with refused(403, "Insufficient Scope"):
        reader.client.estimate_job(
            backend="simulator", oneq_gates=1, twoq_gates=1, qubits=1, shots=1
        )


def test_a_key_for_the_simulator_is_not_for_machines(connect, bell):
    cloud = FakeIonQ(seed=1, keys={"key": Access("mine", targets=["simulator"])})
    provider = connect(cloud, "key")
    assert provider.get_backend("simulator").run(bell).status() is JobStatus.DONE
    with refused(403, "no access to qpu.forte-1"):
        provider.get_backend("ionq_qpu.forte-1").run(bell)


def test_jobs_of_another_project_are_not_there(connect, bell):
    cloud = FakeIonQ(seed=1, keys={"one": "first", "two": "second", "three": "first"})
    job_id = connect(cloud, "one").get_backend("simulator").run(bell).job_id()
    assert connect(cloud, "three").get_backend("simulator").retrieve_job(job_id)
    with refused(404, "Resource not found"):
        connect(cloud, "two").get_backend("simulator").retrieve_job(job_id)
