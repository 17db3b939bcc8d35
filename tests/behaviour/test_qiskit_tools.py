"""Tools of Qiskit and Aer that read pairs of qubits, durations and error rates of a backend."""

import json

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import Statevector

from ionq_toolkit import InProcessTransport, IonQBackend, IonQProvider
from ionq_toolkit.devices import Device
from ionq_toolkit_fake import FakeIonQ


@pytest.fixture(scope="module")
def provider():
    return IonQProvider(transport=InProcessTransport(FakeIonQ(seed=1)), seed=1)


@pytest.fixture(params=["qis", "native"])
def small(request, provider):
    """Return forte-1 as if it had four qubits: Aer makes a noise model for each pair of them."""
    return IonQBackend(provider.service, Device("qpu.forte-1", 4), request.param).calibrated()


def ghz():
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(0, 2)
    circuit.measure_all()
    return circuit


def test_a_median_that_was_not_measured_is_the_last_that_was():
    class Clouded(FakeIonQ):
        def handle(self, method, url, headers, body=None, timeout=None):
            status, fields, text = super().handle(method, url, headers, body, timeout)
            if "characterizations" in url:
                records = json.loads(text)
                records["characterizations"][0]["fidelity"]["2q"]["median"] = None
                records["characterizations"][1]["fidelity"]["2q"]["median"] = 0.75
                text = json.dumps(records).encode()
            return status, fields, text

    provider = IonQProvider(transport=InProcessTransport(Clouded(seed=1)))
    target = provider.get_backend("forte-1").calibrated().target
    assert target["cx"][0, 1].error == 0.25


def test_loops_and_boxes_are_transpiled_and_put_in_place(provider):
    for gateset in ("qis", "native"):
        backend = provider.get_backend("simulator", gateset=gateset)
        circuit = QuantumCircuit(2, 2)
        with circuit.for_loop(range(3)), circuit.box():
            circuit.sx(0)
            circuit.cx(0, 1)
        circuit.measure([0, 1], [0, 1])
        transpiled = transpile(circuit, backend, optimization_level=1)
        assert "for_loop" in transpiled.count_ops()
        unrolled = QuantumCircuit(2)
        for _ in range(3):
            unrolled.sx(0)
            unrolled.cx(0, 1)
        ideal = Statevector(unrolled).probabilities_dict()
        assert backend.run(transpiled).get_probabilities() == pytest.approx(ideal)


@pytest.mark.parametrize("level", range(4))
def test_circuits_of_all_qubits_run(small, level):
    circuit = transpile(ghz(), small, optimization_level=level, seed_transpiler=1)
    assert circuit.num_qubits == 4
    counts = small.run(circuit, shots=400).get_counts()
    assert counts["000"] + counts["111"] > 350  # the fake's Forte errs in 2 % of such circuits
