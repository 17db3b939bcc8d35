"""Tools of Qiskit and Aer that read pairs of qubits, durations and error rates of a backend."""

import json

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import XGate
from qiskit.quantum_info import Statevector
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import ALAPScheduleAnalysis, PadDynamicalDecoupling
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from ionq_toolkit import GPIGate, InProcessTransport, IonQBackend, IonQProvider, errors
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


def test_the_target_has_the_numbers_of_the_characterization(provider):
    backend = provider.get_backend("forte-1").calibrated()
    measured = backend.calibration()
    target = backend.target
    assert (target.num_qubits, len(backend.coupling_map.get_edges())) == (36, 36 * 35)
    assert target["cx"][3, 35].error == pytest.approx(1 - measured.fidelity["2q"])
    assert target["cx"][35, 3].duration == measured.timing["2q"]
    assert target["h"][7,].error == pytest.approx(1 - measured.fidelity["1q"])
    assert target["h"][7,].duration == measured.timing["1q"]
    assert target["rz"][7,].duration == target["rz"][7,].error == 0
    assert target["measure"][0,].error == pytest.approx(1 - measured.fidelity["spam"])
    assert target["measure"][0,].duration == measured.timing["readout"]
    assert target["reset"][0,].duration == measured.timing["reset"]
    assert backend.qubit_properties(5).t2 == measured.timing["t2"]


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


def test_options_stay_and_the_qpu_itself_keeps_gates_that_ionq_takes_whole(provider):
    forte = provider.get_backend("forte-1")
    forte.set_options(shots=321)
    assert forte.calibrated().options.shots == 321
    circuit = QuantumCircuit(4)
    circuit.mcx([0, 1, 2], 3)
    assert transpile(circuit, forte).count_ops() == {"mcx": 1}
    assert set(transpile(circuit, forte.calibrated()).count_ops()) <= set(
        forte.calibrated().operation_names
    )


@pytest.mark.parametrize("level", range(4))
def test_circuits_of_all_qubits_run(small, level):
    circuit = transpile(ghz(), small, optimization_level=level, seed_transpiler=1)
    assert circuit.num_qubits == 4
    counts = small.run(circuit, shots=400).get_counts()
    assert counts["000"] + counts["111"] > 350  # the fake's Forte errs in 2 % of such circuits


def test_dynamical_decoupling_fills_idle_time(small):
    pulse = GPIGate(0) if "gpi" in small.operation_names else XGate()
    circuit = transpile(ghz(), small, optimization_level=1)
    before = circuit.count_ops().get(pulse.name, 0)
    passes = [
        ALAPScheduleAnalysis(target=small.target),
        PadDynamicalDecoupling(target=small.target, dd_sequence=[pulse, pulse]),
    ]
    decoupled = PassManager(passes).run(circuit)
    assert decoupled.count_ops()[pulse.name] == before + 2  # on the qubit that the first CX leaves
    counts = small.run(decoupled, shots=400).get_counts()
    assert counts["000"] + counts["111"] > 340


def test_aer_takes_noise_and_pairs_of_a_calibrated_qpu(provider):
    forte = IonQBackend(provider.service, Device("qpu.forte-1", 3)).calibrated()
    noise = NoiseModel.from_backend(forte)
    assert {"cx", "h", "measure"} <= set(noise.noise_instructions)
    assert "rz" not in noise.noise_instructions
    aer = AerSimulator.from_backend(forte)
    counts = aer.run(transpile(ghz(), forte), shots=4000, seed_simulator=1).result().get_counts()
    wrong = 1 - (counts["000"] + counts["111"]) / 4000
    assert 0.003 < wrong < 0.06


def test_the_simulator_has_no_error_rates(provider):
    with pytest.raises(errors.IonQBackendError, match="it is the simulator"):
        provider.get_backend("simulator").calibrated()
