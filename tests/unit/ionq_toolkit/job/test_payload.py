"""What is sent for a run: one circuit, several, OpenQASM 3; and what is refused before."""

import base64
import gzip
import json
import logging

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.quantum_info import SparsePauliOp

from ionq_toolkit import (
    ErrorMitigation,
    GPI2Gate,
    InProcessTransport,
    IonQProvider,
    MSGate,
    ZZGate,
    errors,
)
from ionq_toolkit.devices import find_device
from ionq_toolkit.job import payload
from ionq_toolkit.job.options import RunOptions

SIMULATOR, FORTE = find_device("simulator"), find_device("forte-1")


def flips(*qubits, width=2, name=None):
    """Return a circuit whose outcome has ones at these qubits."""
    circuit = QuantumCircuit(width, name=name or f"flips {qubits}")
    for qubit in qubits:
        circuit.x(qubit)
    circuit.measure_all()
    return circuit


@pytest.fixture
def sent(scripted):
    """Run on a backend, and return the body that arrives."""

    def sent(run_input, device="simulator", in_gateset="qis", **options):
        cloud = scripted((201, {"id": "job-1"}))
        provider = IonQProvider(transport=InProcessTransport(cloud), seed=7)
        provider.get_backend(device, gateset=in_gateset).run(run_input, **options)
        ((method, url, _, body, _),) = cloud.requests
        assert (method, url) == ("POST", "https://api.ionq.co/v0.4/jobs")
        return json.loads(body)

    return sent


def unpack(body):
    return json.loads(gzip.decompress(base64.b64decode(body["metadata"]["qiskit_header"])))


def test_the_least_that_is_sent_for_a_circuit(sent, bell):
    body = sent(bell, "forte-1", shots=10, seed_simulator=3)
    header = body["metadata"].pop("qiskit_header")
    assert len(body["metadata"].pop("toolkit_tag")) == 32
    assert body == {
        "type": "ionq.circuit.v1",
        "name": "bell",
        "backend": "qpu.forte-1",
        "shots": 10,
        "metadata": {"shots": "10", "sampler_seed": "3"},
        "input": {
            "gateset": "qis",
            "qubits": 2,
            "circuit": [
                {"gate": "h", "targets": [0]},
                {"gate": "x", "targets": [1], "controls": [0]},
            ],
        },
    }
    assert json.loads(gzip.decompress(base64.b64decode(header)))["meas_mapped"] == [0, 1]


def test_every_option_finds_its_place(sent, bell):
    body = sent(
        bell,
        "forte-1",
        shots=500,
        memory=True,
        error_mitigation=ErrorMitigation.NO_DEBIASING,
        session_id="session-1",
        dry_run=True,
        name="mine",
        job_settings={"compilation": {"opt": 0}},
        extra_query_params={"parent": "p"},
        extra_metadata={"experiment": "7"},
    )
    assert body["settings"] == {
        "compilation": {"opt": 0},
        "error_mitigation": {"debiasing": False},
    }
    assert (body["session_id"], body["dry_run"], body["name"]) == ("session-1", True, "mine")
    assert body["parent"] == "p"
    assert body["metadata"]["experiment"] == "7"
    assert body["metadata"]["memory"] == "true"
    assert "noise" not in body


def test_a_list_is_one_job_of_several_circuits(sent):
    body = sent([flips(0, name="a"), flips(2, width=3, name="b")], shots=10)
    assert (body["type"], body["name"]) == ("ionq.multi-circuit.v1", "2 circuits")
    assert body["input"] == {
        "gateset": "qis",
        "qubits": 3,
        "circuits": [
            {"name": "a", "qubits": 2, "circuit": [{"gate": "x", "targets": [0]}]},
            {"name": "b", "qubits": 3, "circuit": [{"gate": "x", "targets": [2]}]},
        ],
    }
    assert [header["name"] for header in unpack(body)] == ["a", "b"]
    assert [header["meas_mapped"] for header in unpack(body)] == [[0, 1], [0, 1, 2]]


@pytest.mark.parametrize("wrap", [list, tuple])
def test_a_list_of_one_is_a_job_of_one_circuit(sent, backend, bell, wrap):
    body = sent(wrap([bell]))
    assert (body["type"], unpack(body)["name"]) == ("ionq.circuit.v1", "bell")
    assert backend.run(wrap([bell])).circuit is bell


def test_a_job_of_several_circuits_runs_each_of_them(provider, cloud):
    several = [flips(0), flips(1), flips(0, 1), flips(2, width=3)]
    job = provider.get_backend("simulator").run(several, shots=5)

    assert job.circuit == several
    record = provider.client.retrieve_job(job.job_id())
    assert record["status"] == "completed"
    outcomes = [provider.client.get_results(child) for child in record["child_job_ids"]]
    assert outcomes == [{"1": 1}, {"2": 1}, {"3": 1}, {"4": 1}]
    assert len(cloud.jobs) == 1 + 4


def test_a_circuit_that_measures_midway_goes_as_openqasm_3(sent, provider):
    circuit = QuantumCircuit(1, 2, name="again")
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(0, 1)

    body = sent(circuit, shots=10, noise_model="forte-1")
    assert body["type"] == "ionq.qasm3.v1"
    assert list(body["input"]) == ["data"]
    assert "OPENQASM 3" in body["input"]["data"]
    assert body["settings"] == {"compilation": {"service_version": "v0.4"}}
    assert "meas_mapped" not in unpack(body)
    job = provider.get_backend("simulator").run(circuit, shots=10, noise_model="forte-1")
    assert provider.client.retrieve_job(job.job_id())["status"] == "completed"


def test_the_compiler_of_openqasm_3_can_be_chosen(sent):
    circuit = QuantumCircuit(1, 1)
    circuit.reset(0)
    circuit.measure(0, 0)
    asked = {"compilation": {"service_version": "v0.5", "opt": 0}}
    assert sent(circuit, job_settings=asked)["settings"] == asked


def test_openqasm_3_goes_alone(backend, bell, cloud):
    midway = QuantumCircuit(1, 1, name="midway")
    midway.measure(0, 0)
    midway.x(0)
    with pytest.raises(errors.IonQJobError, match=r"'midway' measures or resets.*by itself"):
        backend.run([bell, midway])
    assert cloud.jobs == []


# --- noise and seeds ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "noise_seed"),
    [
        (1, 1),
        (7, 7),
        (2**31 - 1, 2**31 - 1),
        (2**31, 1),
        (0, 2**31 - 1),
        (2**63 - 1, (2**63 - 2) % (2**31 - 1) + 1),
    ],
)
def test_noise_has_the_seed_of_the_run_where_that_can_be_one(sent, bell, seed, noise_seed):
    body = sent(bell, noise_model="aria-1", sampler_seed=seed)
    assert body["noise"] == {"model": "aria-1", "seed": noise_seed}
    assert body["metadata"]["sampler_seed"] == str(seed)


def test_a_run_without_a_seed_has_one_drawn_for_counts_and_noise(sent, bell):
    first, second = (sent(bell, noise_model="aria-1") for _ in range(2))
    assert first["noise"]["seed"] == payload.noise_seed(int(first["metadata"]["sampler_seed"]))
    assert first["noise"] == second["noise"]  # providers of one seed


def test_noise_with_a_seed_is_the_same_noise(provider, bell):
    backend = provider.get_backend("simulator")
    backend.set_options(noise_model="harmony", shots=200)
    histograms = [
        provider.client.get_results(job.job_id())
        for job in (backend.run(bell, seed_simulator=seed) for seed in (5, 5, 6))
        if provider.client.retrieve_job(job.job_id())["status"] == "completed"
    ]
    assert histograms[0] == histograms[1]
    assert histograms[0] != histograms[2]
    assert set(histograms[0]) - {"0", "3"}  # it is noisy


def test_no_noise_is_sent_for_an_ideal_simulation(sent, bell):
    assert "noise" not in sent(bell)


# --- native gates ------------------------------------------------------------------------------


def entangled(gate):
    circuit = QuantumCircuit(2, 2)
    circuit.append(GPI2Gate(0.25), [0])
    circuit.append(gate, [0, 1])
    circuit.measure([0, 1], [0, 1])
    return circuit


MS, ZZ = MSGate(0, 0, 0.25), ZZGate(0.25)


@pytest.mark.parametrize(
    ("device", "gate", "noise", "taken"),
    [
        ("forte-1", ZZ, "ideal", True),
        ("forte-1", MS, "ideal", False),
        ("simulator", MS, "ideal", True),
        ("simulator", ZZ, "ideal", True),
        ("simulator", MS, "aria-1", True),
        ("simulator", ZZ, "aria-1", False),
        ("simulator", ZZ, "forte-1", True),
        ("simulator", MS, "forte-1", False),
    ],
)
def test_native_gates_are_those_of_the_device_or_its_model(sent, device, gate, noise, taken):
    if taken:
        body = sent(entangled(gate), device, "native", noise_model=noise)
        assert body["input"]["gateset"] == "native"
        assert [g["gate"] for g in body["input"]["circuit"]] == ["gpi2", gate.name]
        return
    with pytest.raises(errors.IonQGateError, match=f"'{gate.name}' is not a native") as caught:
        sent(entangled(gate), device, "native", noise_model=noise)
    assert (caught.value.gate_name, caught.value.gateset) == (gate.name, "native")
    notes = getattr(caught.value, "__notes__", [])
    assert notes == ([] if noise == "ideal" else [f"The noise model is {noise!r}."])


def test_a_run_may_be_in_another_gateset_than_its_backend(sent, backend):
    body = sent(entangled(ZZ), in_gateset="qis", gateset="native")
    assert body["input"]["gateset"] == "native"
    counts = backend.run(entangled(ZZ), gateset="native", shots=40).get_counts()
    assert sum(counts.values()) == 40


@pytest.mark.parametrize(
    "asked", [{"compiler_synthesis": True}, {"extra_metadata": {"ionq_compiler_synthesis": True}}]
)
def test_what_ionq_would_approximate_is_sent_to_those_who_ask_for_it(sent, asked):
    circuit = QuantumCircuit(1, 1)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["X", "Z"]), time=0.5), [0])
    circuit.measure(0, 0)
    assert [gate["gate"] for gate in sent(circuit)["input"]["circuit"]] == ["rx", "rz"]
    body = sent(circuit, **asked)
    assert body["input"]["circuit"][0]["gate"] == "pauliexp"
    assert set(body["metadata"]) == {"shots", "sampler_seed", "qiskit_header", "toolkit_tag"}


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "noise", "width"),
    [
        ("simulator", "ideal", 29),
        ("simulator", "harmony", 11),
        ("simulator", "aria-1", 25),
        ("simulator", "forte-1", 29),
        ("forte-1", "ideal", 36),
    ],
)
def test_circuits_are_as_wide_as_the_device_or_the_noise_model(sent, name, noise, width):
    assert sent(flips(0, width=width), name, noise_model=noise)["input"]["qubits"] == width
    with pytest.raises(
        errors.IonQBackendError, match=f"{width + 1} qubits, .* has {width}. Use a smaller"
    ):
        sent([flips(0), flips(0, width=width + 1)], name, noise_model=noise)


def test_a_retired_backend_takes_no_job(provider, bell, cloud):
    backend = provider.get_backend("aria-1")
    with pytest.raises(errors.IonQBackendError, match=r"ionq_qpu.aria-1 is retired"):
        backend.run(bell)
    assert cloud.jobs == []


def test_5000_circuits_are_taken_and_one_more_is_not(sent):
    circuit = flips(0, width=1)
    body = sent([circuit] * 5000)
    assert len(body["input"]["circuits"]) == 5000
    with pytest.raises(errors.IonQJobError, match="takes 5,000 circuits, not 5,001"):
        sent([circuit] * 5001)


@pytest.mark.slow
def test_150000_gates_are_taken_and_one_more_is_not(sent):
    circuit = QuantumCircuit(1, 1, name="long")
    for _ in range(50_000):
        circuit.x(0)
    circuit.measure(0, 0)
    assert len(sent([circuit] * 3)["input"]["circuits"]) == 3
    one_more = circuit.copy()
    one_more.data.insert(0, circuit.data[0])
    with pytest.raises(errors.IonQJobError, match="takes 150,000 gates, not 150,001"):
        sent([circuit, circuit, one_more])


def test_a_body_of_more_than_10_mb_is_refused(sent, bell):
    assert len(sent(bell, extra_query_params={"note": "n" * 10_000_000})["note"]) == 10_000_000
    with pytest.raises(errors.IonQJobError, match=r"bytes, and IonQ takes 10,485,760\. Run fewer"):
        sent(bell, extra_query_params={"note": "n" * 10_485_760})


def test_circuit_metadata_that_do_not_fit_are_named(sent):
    circuit = flips(0, name="heavy")
    circuit.metadata = {"x": np.random.default_rng(1).random(5000).tolist()}
    with pytest.raises(
        errors.IonQJobError, match=r"takes \d\d,\d+ characters.* keeps 40,000.*'heavy' has some"
    ):
        sent(circuit)


def test_a_description_of_circuits_that_does_not_fit_says_what_to_do(sent):
    generator = np.random.default_rng(1)
    several = [
        flips(0, width=1, name="".join(map(chr, generator.integers(97, 123, 40))))
        for _ in range(2000)
    ]
    with pytest.raises(errors.IonQJobError, match="Run fewer circuits in a job, or give"):
        sent(several)


def test_which_of_several_circuits_is_wrong_is_told(backend, bell, cloud):
    with pytest.raises(errors.IonQJobError, match="measures nothing") as caught:
        backend.run([bell, bell, QuantumCircuit(1, 1)])
    assert caught.value.__notes__ == ["It is circuit 2 of the 3 of this run."]
    assert cloud.jobs == []


@pytest.mark.parametrize(
    ("run_input", "complaint"),
    [
        ("circuit", "a list of them, not str"),
        (None, "neither|needs a circuit"),
        ([], "the list is empty"),
        (["x"], "not str"),
        (7, "not int"),
    ],
)
def test_what_is_no_circuit_is_refused(backend, cloud, run_input, complaint):
    with pytest.raises(errors.IonQError, match=complaint):
        backend.run(run_input)
    assert cloud.jobs == []


def test_a_dry_run_on_the_simulator_is_said_to_be_none(sent, bell, caplog):
    with caplog.at_level(logging.WARNING, "ionq_toolkit"):
        assert sent(bell, dry_run=True)["dry_run"] is True
    assert "has no dry run" in caplog.text


def test_a_dry_run_on_a_device_is_compiled_and_not_run(provider, bell):
    job = provider.get_backend("forte-1").run(bell, shots=100, dry_run=True)
    record = provider.client.retrieve_job(job.job_id())
    assert (record["status"], record["dry_run"], record["results"]) == ("completed", True, None)


def test_body_and_stored_metadata_are_made_without_network(bell):
    options = RunOptions(shots=5)
    made = payload.build_payload([transpile(bell)], options, SIMULATOR, seed=3, tag="t")
    assert json.loads(made.body)["metadata"] == made.metadata
    assert made.metadata["sampler_seed"] == "3"
    again = payload.build_payload([bell], options, SIMULATOR, seed=3, tag="t")
    assert again.body == made.body
