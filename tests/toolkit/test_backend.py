import json

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.providers import BackendV2
from qiskit.quantum_info import SparsePauliOp

from ionq_toolkit import InProcessTransport, IonQProvider, circuits, errors


def test_it_is_a_qiskit_backend_with_all_of_its_qubits_connected(backend):
    assert isinstance(backend, BackendV2)
    assert (backend.name, backend.num_qubits) == ("ionq_simulator", 29)
    assert backend.coupling_map is None
    assert "measure" in backend.operation_names


def test_every_gate_of_the_target_can_be_sent(backend):
    for name in backend.operation_names:
        operation = backend.target.operation_from_name(name)
        circuit = QuantumCircuit(operation.num_qubits, operation.num_qubits)
        if name != "measure":
            angles = dict.fromkeys(operation.params, 1)
            circuit.append(operation, range(operation.num_qubits))
            circuit = circuit.assign_parameters(angles)
        circuit.measure(range(operation.num_qubits), range(operation.num_qubits))
        nothing = {"measure", "id", "delay", "reset"}
        assert len(circuits.to_wire(circuit).gates) == (name not in nothing), name


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


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"shot": 7}, r"no option 'shot'. Did you mean 'shots'\?"),
        ({"noise_modle": "aria-1"}, "no option 'noise_modle'"),
        ({"shots": 0}, "whole number from 1 to 1,000,000, not 0"),
        ({"shots": -5}, "not -5"),
        ({"shots": 1_000_001}, "not 1000001"),
        ({"shots": 1.5}, "not 1.5"),
        ({"shots": "100"}, "not '100'"),
        ({"shots": True}, "not True"),
        ({"shots": None}, "not None"),
        ({"memory": 1}, "memory must be True or False"),
        ({"seed_simulator": -1}, "seed_simulator must be"),
        ({"seed_simulator": 1, "sampler_seed": 2}, "differ"),
    ],
)
def test_options_are_checked_before_anything_is_sent(backend, cloud, bell, options, complaint):
    with pytest.raises(errors.IonQBackendError, match=complaint):
        backend.run(bell, **options)
    assert len(cloud.jobs) == 0


def test_numpy_integers_are_integers(backend, bell):
    assert sum(backend.run(bell, shots=np.int64(50)).get_counts().values()) == 50


def test_options_of_the_backend_hold_for_its_runs(backend, bell):
    backend.set_options(shots=33)
    assert sum(backend.run(bell).get_counts().values()) == 33
    assert sum(backend.run(bell, shots=44).get_counts().values()) == 44


@pytest.mark.parametrize(
    ("run_input", "complaint"),
    [
        ("circuit", "takes a QuantumCircuit, not str"),
        (None, "not NoneType"),
        ([], "one circuit a job, not 0"),
        (["x"], "not str"),
    ],
)
def test_what_is_no_circuit_is_refused(backend, run_input, complaint):
    with pytest.raises(errors.IonQBackendError, match=complaint):
        backend.run(run_input)


def test_a_list_of_one_circuit_is_that_circuit_and_of_two_is_refused(backend, bell):
    assert sum(backend.run([bell], shots=5).get_counts().values()) == 5
    with pytest.raises(errors.IonQBackendError, match="run each on its own"):
        backend.run([bell, bell])


def test_a_circuit_that_is_too_wide_is_refused_before_anything_is_sent(backend, cloud):
    circuit = QuantumCircuit(30)
    circuit.measure_all()
    with pytest.raises(errors.IonQBackendError, match="30 qubits, ionq_simulator has 29"):
        backend.run(circuit)
    assert len(cloud.jobs) == 0


def test_memory_on_a_device_is_refused_before_anything_is_paid(provider, bell):
    with pytest.raises(errors.IonQBackendError, match=r"memory=True.*ionq_qpu\.forte-1"):
        provider.get_backend("forte-1").run(bell, memory=True)


def test_a_job_is_not_retrieved_through_another_backend(provider, backend, bell):
    job_id = backend.run(bell).job_id()
    with pytest.raises(errors.IonQBackendError, match=r"get_backend\('simulator'\)"):
        provider.get_backend("forte-1").retrieve_job(job_id)


def test_a_device_job_is_sent_to_the_device(scripted, bell):
    cloud = scripted((201, {"id": "job-1"}))
    provider = IonQProvider(transport=InProcessTransport(cloud))
    provider.get_backend("forte-1").run(bell, shots=10, seed_simulator=3)
    (method, url, _, body, _) = cloud.requests[0]
    sent = json.loads(body)
    assert (method, url) == ("POST", "https://api.ionq.co/v0.4/jobs")
    assert (sent["backend"], sent["shots"], sent["name"]) == ("qpu.forte-1", 10, "bell")
    assert sent["metadata"]["sampler_seed"] == "3"
    assert sent["input"] == {
        "gateset": "qis",
        "qubits": 2,
        "circuit": [
            {"gate": "h", "targets": [0]},
            {"gate": "x", "targets": [1], "controls": [0]},
        ],
    }


# --- Qiskit's own primitives -----------------------------------------------------------------


def test_the_sampler_is_right_for_one_circuit_and_for_many(backend):
    circuits_ = []
    for flipped in ((0, 1), (0,), (1,), ()):
        circuit = QuantumCircuit(2)
        for qubit in flipped:
            circuit.x(qubit)
        circuit.measure_all()
        circuits_.append(circuit)

    one = BackendSamplerV2(backend=backend).run(circuits_[:1], shots=100).result()
    many = BackendSamplerV2(backend=backend).run(circuits_, shots=100).result()

    assert one[0].data.meas.get_counts() == {"11": 100}
    assert [pub.data.meas.get_counts() for pub in many] == [
        {"11": 100},
        {"01": 100},
        {"10": 100},
        {"00": 100},
    ]


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
