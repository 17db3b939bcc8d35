"""Wrong answers that clients of IonQ have given, each with the numbers with which it showed."""

import json
from collections import Counter
from urllib.parse import urlsplit

import numpy as np
import pytest
from clouds import submit
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qasm2, qasm3, transpile
from qiskit.circuit.random import random_circuit
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.quantum_info import Operator, SparsePauliOp
from qiskit_aer import AerSimulator

from ionq_toolkit import InProcessTransport, IonQProvider, errors

PLACES = ["ideal simulator", "noisy simulator", "machine"]


class Foretold:
    """A cloud that completes each job at once, each of its circuits with the same outcomes.

    It keeps the bodies that were sent and the paths that were asked for.
    """

    def __init__(self, histogram, shots=None):
        self.histogram = histogram
        self.shots = shots
        self.sent = []
        self.asked = []

    def handle(self, method, url, headers, body, timeout):
        path = urlsplit(url).path.removeprefix("/v0.4")
        if method == "POST":
            self.sent.append(json.loads(body))
            reply = {"id": "job", "status": "submitted", "session_id": None}
        else:
            self.asked.append(path)
            reply = self._replies().get(path)
        status = 404 if reply is None else 200
        return status, {"Content-Type": "application/json"}, json.dumps(reply).encode()

    def _replies(self):
        sent = self.sent[-1]
        circuits = sent["input"].get("circuits", [sent["input"]])
        children = [f"child-{n}" for n in range(len(circuits))] if len(circuits) > 1 else []
        ideal = sent["backend"] == "simulator" and sent.get("noise", {}).get("model") in (
            None,
            "ideal",
        )
        common = {
            "status": "completed",
            "backend": sent["backend"],
            "noise": sent.get("noise", {"model": "ideal"} if ideal else None),
            **({} if ideal else {"shots": sent["shots"]}),
        }
        replies = {}
        for job_id, circuit in zip(children or ["job"], circuits, strict=True):
            where = f"/jobs/{job_id}"
            results = {"probabilities": {"url": f"/v0.4{where}/results/probabilities"}}
            if not ideal:
                results["shots"] = {"url": f"/v0.4{where}/results/shots"}
                replies[f"{where}/results/shots"] = self.shots
            replies[where] = {
                **common,
                "id": job_id,
                "type": "ionq.circuit.v1",
                "metadata": None if children else sent["metadata"],
                "stats": {"qubits": circuit["qubits"]},
                "results": results,
            }
            replies[f"{where}/results/probabilities"] = self.histogram
        if children:
            url = "/jobs/job/results/probabilities/aggregated"
            replies["/jobs/job"] = {
                **common,
                "id": "job",
                "type": "ionq.multi-circuit.v1",
                "metadata": sent["metadata"],
                "stats": {},
                "child_job_ids": children,
                "results": {"probabilities": {"url": f"/v0.4{url}"}},
            }
            replies[url] = dict.fromkeys(children, self.histogram)
        return replies


def backend_of(cloud, place="ideal simulator"):
    provider = IonQProvider(transport=InProcessTransport(cloud), seed=7)
    backend = provider.get_backend("forte-1" if place == "machine" else "simulator")
    if place == "noisy simulator":
        backend.set_options(noise_model="aria-1")
    return backend


def flipped(*qubits, width=2, name=None):
    circuit = QuantumCircuit(width, name=name)
    for qubit in qubits:
        circuit.x(qubit)
    circuit.measure_all()
    return circuit


def spread(width):
    circuit = QuantumCircuit(width)
    circuit.h(range(width))
    circuit.measure_all()
    return circuit


# --- Qiskit's own primitives -------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("circuits", [1, 2])
def test_two_flipped_qubits_are_11_in_every_shot_that_qiskits_sampler_sees(place, circuits):
    """It was 00 where there was no memory, and 01 where 11 was taken for hexadecimal."""
    backend = backend_of(Foretold({"3": 1.0}, shots=[3] * 100), place)
    result = BackendSamplerV2(backend=backend).run([flipped(0, 1)] * circuits, shots=100).result()
    assert [pub.data.meas.get_counts() for pub in result] == [{"11": 100}] * circuits


@pytest.mark.parametrize("place", PLACES)
def test_two_flipped_qubits_are_down_for_qiskits_estimator(place):
    backend = backend_of(Foretold({"3": 1.0}), place)
    flip = QuantumCircuit(2)
    flip.x([0, 1])
    observables = [SparsePauliOp(["IZ"]), SparsePauliOp(["ZI"]), SparsePauliOp(["ZZ"])]
    job = BackendEstimatorV2(backend=backend).run([(flip, observables)], precision=0.1)
    assert job.result()[0].data.evs == pytest.approx([-1, -1, 1])


@pytest.mark.parametrize("place", PLACES)
def test_a_list_of_one_circuit_has_its_memory(place):
    job = backend_of(Foretold({"3": 1}, shots=["3"] * 100), place).run(
        [flipped(0, 1)], shots=100, memory=True
    )
    assert job.get_memory() == ["11"] * 100
    assert job.get_counts() == {"11": 100}


@pytest.mark.parametrize("place", PLACES)
def test_a_parent_of_one_circuit_has_the_memory_of_its_child(provider, place):
    """Another client's job of a list of one: the parent's own shots are none."""
    noise = {"noise": {"model": "aria-1", "seed": 3}} if place == "noisy simulator" else {}
    where = "qpu.forte-1" if place == "machine" else "simulator"
    job = submit(provider, [flipped(0, 1)], where, shots=60, memory=True, **noise)
    assert len(job.child_jobs()) == 1
    assert len(job.get_memory()) == 60
    assert Counter(job.get_memory()) == job.get_counts()
    assert job.get_memory().count("11") > 45


# --- counts and shots --------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("shots", [4, 100, 1001])
def test_uniform_probabilities_of_4_100_and_1001_shots_add_up_to_the_shots(place, shots):
    """Rounded one by one, they came to 0, 96 and 1000."""
    backend = backend_of(Foretold({str(n): 1 / 8 for n in range(8)}), place)
    assert sum(backend.run(spread(3), shots=shots).get_counts().values()) == shots


@pytest.mark.parametrize("place", PLACES)
def test_a_bell_pair_of_1233_shots_has_1233_counts_and_not_1232(place, bell):
    backend = backend_of(Foretold({"0": 0.5, "3": 0.5}), place)
    assert sum(backend.run(bell, shots=1233).get_counts().values()) == 1233


@pytest.mark.parametrize("noise", ["ideal", "aria-1"])
def test_a_job_of_500_shots_made_elsewhere_counts_500_and_not_1024(job_of, noise):
    record = {"id": "job-1", "status": "completed", "backend": "simulator", "shots": 500}
    more = {"noise": {"model": noise}, "stats": {"qubits": 2}, "metadata": None}
    job, _ = job_of((200, record | more), (200, {"0": 0.5, "3": 0.5}))
    assert sum(job.get_counts().values()) == 500


def test_probabilities_of_20_shots_have_the_outcomes_that_no_shot_had():
    histogram = {"0": 0.98, "1": 0.01, "2": 0.005, "3": 0.005}
    job = backend_of(Foretold(histogram)).run(spread(2), shots=20)
    assert sum(job.get_counts().values()) == 20
    assert job.get_probabilities() == pytest.approx(
        {"00": 0.98, "01": 0.01, "10": 0.005, "11": 0.005}
    )


@pytest.mark.parametrize("drift", [1e-5, -1e-5])
def test_probabilities_whose_sum_drifts_by_1e_5_can_be_drawn_from(drift):
    """numpy refuses them as IonQ sends them."""
    sent = {"0": 0.5 + drift, "1": 0.25, "2": 0.125, "3": 0.125}
    with pytest.raises(ValueError, match="do not sum to 1"):
        np.random.default_rng(1).choice(4, p=list(sent.values()))

    job = backend_of(Foretold(sent)).run(spread(2), shots=1000, memory=True)

    assert Counter(job.get_memory()) == job.get_counts()
    assert sum(job.get_counts().values()) == 1000
    probabilities = job.get_probabilities()
    drawn = np.random.default_rng(1).choice(list(probabilities), p=list(probabilities.values()))
    assert drawn in probabilities


def test_a_numpy_number_of_shots_is_sent_as_a_number(bell):
    cloud = Foretold({"0": 1})
    backend_of(cloud).run(bell, shots=np.int64(100), seed_simulator=np.int64(3))
    assert type(cloud.sent[0]["shots"]) is int
    assert cloud.sent[0]["shots"] == 100


def test_a_run_neither_uses_nor_changes_numpys_global_generator(backend, bell):
    before = np.random.get_state()[1].tolist()
    assert sum(backend.run(bell, shots=100).get_counts().values()) == 100
    assert np.random.get_state()[1].tolist() == before


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("histogram", "complaint"),
    [
        ({}, "The histogram is empty"),
        ({"0": 0.0}, "sum to 0"),
        ({"0": "0.5", "3": "0.5"}, "a probability is a string"),
        ({"5": 1.0}, "which 2 qubits do not have"),
    ],
)
def test_what_is_no_histogram_of_two_qubits_is_an_error_that_names_the_job(
    place, histogram, complaint
):
    """There was an IndexError, a ValueError, a TypeError, and 5 was counted as 01."""
    backend = backend_of(Foretold(histogram), place)
    with pytest.raises(errors.IonQJobError, match=f"Job job .*{complaint}") as caught:
        backend.run(spread(2), shots=100).get_counts()
    assert caught.value.job_id == "job"

    with pytest.raises(errors.IonQJobError, match=f"child-0, circuit 0 of job job,.*{complaint}"):
        backend.run([spread(2)] * 2, shots=100).get_counts()


def test_shots_that_two_qubits_do_not_have_are_an_error_that_names_the_job():
    backend = backend_of(Foretold({"3": 1.0}, shots=[5] * 100), "machine")
    with pytest.raises(errors.IonQJobError, match=r"Job job .*shots.*2 qubits do not") as caught:
        backend.run(spread(2), shots=100, memory=True).get_counts()
    assert caught.value.job_id == "job"


# --- noise and what a job was ------------------------------------------------------------------


def test_noise_given_to_one_run_is_read_as_noise_whatever_the_backend_is_set_to():
    """Its counts were drawn again at each reading, and its memory was not there."""
    shots = ["0", "3"] * 50
    backend = backend_of(Foretold({"0": 0.5, "3": 0.5}, shots))
    job = backend.run(spread(2), shots=100, noise_model="aria-1", memory=True)
    for model in ("ideal", "harmony", None):
        backend.set_options(noise_model=model)
        for read in (job, backend.retrieve_job(job.job_id())):
            assert read.get_counts() == {"00": 50, "11": 50}
            assert read.get_memory() == ["00", "11"] * 50


def test_an_ideal_job_stays_ideal_when_its_backend_is_set_to_noise(backend, bell):
    job = backend.run(bell, shots=100, memory=True, seed_simulator=3)
    counts = job.get_counts()
    backend.set_options(noise_model="aria-1", seed_simulator=99, shots=7, memory=False)
    again = backend.retrieve_job(job.job_id())
    assert again.get_counts() == counts == job.get_counts()
    assert again.get_memory() == job.get_memory()


def test_a_lone_s_gate_on_the_noisy_simulator_has_counts(backend):
    circuit = QuantumCircuit(1, 1)
    circuit.s(0)
    circuit.measure(0, 0)
    counts = backend.run(circuit, noise_model="aria-1", shots=200).get_counts()
    assert sum(counts.values()) == 200
    assert counts["0"] > 150


# --- which bit is which ------------------------------------------------------------------------


def test_a_flipped_first_qubit_of_three_is_the_last_character_wherever_it_is_read(backend):
    """A client that writes the first qubit first says 100."""
    circuit = flipped(0, width=3)
    job = backend.run(circuit, shots=10, memory=True)
    sampled = BackendSamplerV2(backend=backend).run([circuit], shots=10).result()[0].data.meas
    aer = AerSimulator().run(circuit, shots=10, seed_simulator=1).result()
    assert job.get_counts() == sampled.get_counts() == aer.get_counts() == {"001": 10}
    assert job.get_probabilities() == {"001": 1.0}
    assert job.get_memory() == ["001"] * 10


@pytest.mark.parametrize("noise", ["ideal", "aria-1"])
def test_registers_measured_midway_are_no_zeros_and_have_their_memory(backend, noise):
    """They were zeros for who looked for c0 and c1, and no shots in an ideal simulation."""
    circuit = QuantumCircuit(
        QuantumRegister(1), ClassicalRegister(1, "early"), ClassicalRegister(2, "late")
    )
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(0, 1)
    circuit.x(0)
    circuit.measure(0, 2)
    job = backend.run(circuit, shots=200, memory=True, noise_model=noise)
    counts = job.get_counts()
    assert Counter(job.get_memory()) == counts
    assert sum(counts.values()) == 200
    assert max(counts, key=counts.get) == "10 1"
    if noise == "ideal":
        assert counts == {"10 1": 200}


def test_one_circuit_of_two_has_its_own_probabilities(backend):
    first, second = flipped(0, name="first"), flipped(1, name="second")
    job = backend.run([first, second])
    for which in (second, "second", 1):
        assert job.get_probabilities(which) == {"10": 1.0}
    assert job.get_probabilities() == [{"01": 1.0}, {"10": 1.0}]


def test_what_a_tomography_stores_with_its_circuits_comes_back_with_their_results(backend):
    several = [flipped(0), flipped(1)]
    for place, circuit in enumerate(several):
        circuit.metadata = {"m_idx": [place, 1], "clbits": [0, 1]}
    job = backend.run(several)
    for result in (job.result(), backend.retrieve_job(job.job_id()).result()):
        assert [e.header["metadata"] for e in result.results] == [c.metadata for c in several]


# --- what is sent ------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", ["ideal", "harmony"])
def test_a_transpiled_circuit_of_two_qubits_is_not_sent_as_wide_as_its_backend(bell, noise):
    """As wide as the ideal simulator, it was refused by smaller ones."""
    cloud = Foretold({"0": 0.5, "3": 0.5})
    backend = backend_of(cloud)
    backend.run(transpile(bell, backend), noise_model=noise)
    assert cloud.sent[0]["input"]["qubits"] == 2


@pytest.mark.parametrize("name", ["simulator", "forte-1", "forte-enterprise-1", "aria-1"])
@pytest.mark.parametrize("gateset", ["qis", "native"])
def test_five_qubits_are_transpiled_without_network_or_key(name, gateset):
    ghz = QuantumCircuit(5, 5)
    ghz.h(0)
    for qubit in range(4):
        ghz.cx(qubit, qubit + 1)
    ghz.measure(range(5), range(5))
    backend = IonQProvider().get_backend(name, gateset=gateset)
    assert set(transpile(ghz, backend, optimization_level=1).count_ops()) <= {
        *backend.operation_names
    }


def test_a_circuit_of_u_and_rzz_takes_at_most_three_native_gates_for_each_u_and_a_zz_for_each_rzz():
    """Eight qubits, forty deep, took 25 gates on one qubit for each ZZ."""
    circuit = random_circuit(8, 40, max_operands=2, seed=1)
    short = transpile(circuit, basis_gates=["u", "rzz"], optimization_level=2, seed_transpiler=1)
    backend = IonQProvider().get_backend("forte-1", gateset="native")
    native = transpile(short, backend, optimization_level=1, seed_transpiler=1).count_ops()
    assert native["zz"] <= short.count_ops()["rzz"]
    assert native["gpi"] + native["gpi2"] <= 3 * short.count_ops()["u"]


@pytest.mark.parametrize("name", ["forte-1", "aria-1"])
def test_native_gates_can_be_written_as_openqasm_and_read_again(name):
    """The gates of Aria were sent to Forte, and could be written by no exporter."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cry(0.3, 0, 1)
    backend = IonQProvider().get_backend(name, gateset="native")
    native = transpile(circuit, backend, optimization_level=1)
    entangling = {"forte-1": "zz", "aria-1": "ms"}[name]
    assert set(native.count_ops()) <= {"gpi", "gpi2", entangling}
    second, third = qasm2.dumps(native), qasm3.dumps(native)
    for read in (QuantumCircuit.from_qasm_str(second), qasm3.loads(third)):
        assert Operator(read).equiv(Operator(circuit))


@pytest.mark.slow
def test_5000_circuits_of_20_qubits_are_described_within_what_ionq_stores():
    cloud = Foretold({"0": 1})
    circuit = flipped(0, width=20)
    backend_of(cloud).run([circuit] * 5000)
    assert len(cloud.sent[0]["input"]["circuits"]) == 5000
    assert max(map(len, cloud.sent[0]["metadata"].values())) <= 40_000


# --- how often is asked ------------------------------------------------------------------------


def test_counts_and_memory_of_50_circuits_take_52_requests_and_then_none():
    """They took 203."""
    cloud = Foretold({"3": 1}, shots=["3"] * 10)
    job = backend_of(cloud, "noisy simulator").run([flipped(0, 1)] * 50, shots=10, memory=True)
    assert job.get_counts() == [{"11": 10}] * 50
    assert job.get_memory(0) == ["11"] * 10
    asked = len(cloud.asked)
    assert asked <= 2 + 50
    assert (job.get_memory(), len(job.get_probabilities())) == ([["11"] * 10] * 50, 50)
    assert len(cloud.asked) == asked
