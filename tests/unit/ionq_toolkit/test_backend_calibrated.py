"""Tools that read a backend: coupling map, durations and errors of a calibrated one."""

import pickle
from dataclasses import replace

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import XGate
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import ALAPScheduleAnalysis, PadDynamicalDecoupling
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from ionq_toolkit import InProcessTransport, IonQProvider, errors
from ionq_toolkit_fake import FakeIonQ

FIDELITY = {"1q": 0.999, "2q": 0.98, "spam": 0.99}


@pytest.fixture
def forte():
    return IonQProvider(transport=InProcessTransport(FakeIonQ(seed=7))).get_backend("forte-1")


@pytest.fixture
def figures(forte):
    """Its characterization, with figures that were all measured, and round."""
    return replace(forte.calibration(), fidelity=FIDELITY)


def bell():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def test_the_figures_are_those_of_the_characterization(forte, figures):
    """Forte's times: 130, 970, 150 and 50 microseconds, T1 100 s, T2 1 s."""
    target = forte.calibrated(figures, num_qubits=4).target
    properties = {
        name: (target[name][place].duration, target[name][place].error)
        for name, place in {
            "h": (3,),
            "rx": (0,),
            "rz": (1,),
            "measure": (2,),
            "reset": (2,),
            "cx": (3, 1),
            "rzz": (0, 2),
        }.items()
    }
    assert properties == {
        "h": (130e-6, pytest.approx(1e-3)),
        "rx": (260e-6, pytest.approx(1 - 0.999**2)),  # two pulses and turns about z
        "rz": (0, 0),  # a turn about z is a change of phases
        "measure": (150e-6, pytest.approx(0.01)),
        "reset": (50e-6, None),
        "cx": (970e-6, pytest.approx(0.02)),
        "rzz": (970e-6, pytest.approx(0.02)),
    }
    assert (target.qubit_properties[3].t1, target.qubit_properties[3].t2) == (100, 1)
    assert set(target.build_coupling_map().get_edges()) == {
        (a, b) for a in range(4) for b in range(4) if a != b
    }


def test_a_native_target_has_the_figures_of_its_gates(forte, figures):
    native = IonQProvider(transport=forte.client.transport).get_backend("forte-1", "native")
    target = native.calibrated(figures, num_qubits=3).target
    assert target["gpi2"][(2,)].error == pytest.approx(1e-3)
    assert target["zz"][(2, 0)].error == pytest.approx(0.02)
    assert {"cx", "rzz"}.isdisjoint(target.operation_names)


def test_aer_reads_the_noise_of_a_device(forte, figures):
    device = forte.calibrated(figures, num_qubits=3)
    model = NoiseModel.from_backend(device)
    assert not model.is_ideal()
    readout = model.to_dict()["errors"]
    assert [[0.99, 0.01], [0.01, 0.99]] in [
        [[pytest.approx(p) for p in row] for row in error["probabilities"]]
        for error in readout
        if error["type"] == "roerror"
    ]
    simulator = AerSimulator.from_backend(device, seed_simulator=7)
    counts = simulator.run(transpile(bell(), simulator), shots=4000).result().get_counts()
    # 1 - 0.02 of the CX x 4/5 that move it out of even parity by halves, and both readouts.
    assert 0.93 < (counts["00"] + counts["11"]) / 4000 < 0.99


def test_idle_qubits_are_decoupled(forte, figures):
    device = forte.calibrated(figures, num_qubits=3)
    circuit = QuantumCircuit(3)
    circuit.x(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    sent = transpile(circuit, device, optimization_level=0)
    passes = [
        ALAPScheduleAnalysis(target=device.target),
        PadDynamicalDecoupling(target=device.target, dd_sequence=[XGate(), XGate()]),
    ]
    assert PassManager(passes).run(sent).count_ops()["x"] > sent.count_ops()["x"]


def test_jobs_of_a_calibrated_backend_are_those_of_the_backend(forte, figures):
    forte.set_options(shots=300)
    device = forte.calibrated(figures, num_qubits=5)
    assert device == forte
    job = device.run(transpile(bell(), device, optimization_level=3, seed_transpiler=7))
    assert sum(job.result().get_counts().values()) == 300
    assert forte.retrieve_job(job.job_id()).result().get_counts() == job.result().get_counts()
    assert pickle.loads(pickle.dumps(device.target)).build_coupling_map() is not None


def test_the_backend_itself_stays_as_it_was(forte, figures):
    forte.calibrated(figures)
    assert forte.coupling_map is None
    assert {"ccx", "mcx"} <= set(forte.operation_names)


def test_the_simulator_takes_the_figures_of_a_qpu(forte, figures):
    simulator = IonQProvider(transport=forte.client.transport).get_backend("simulator")
    ideal = AerSimulator.from_backend(simulator.calibrated(num_qubits=2), seed_simulator=7)
    assert set(ideal.run(transpile(bell(), ideal)).result().get_counts()) == {"00", "11"}
    assert not NoiseModel.from_backend(simulator.calibrated(figures, num_qubits=2)).is_ideal()


def test_a_figure_that_was_not_measured_is_a_warning(forte, figures):
    unknown = replace(figures, fidelity={**FIDELITY, "2q": None, "spam": None})
    with pytest.warns(UserWarning, match="no fidelity of 2q, spam"):
        device = forte.calibrated(unknown, num_qubits=2)
    assert (device.target["cx"][(0, 1)].error, device.target["h"][(0,)].error) == (
        None,
        pytest.approx(1e-3),
    )
    assert not NoiseModel.from_backend(device).is_ideal()


def test_calibrated_needs_a_characterization(scripted):
    nothing = InProcessTransport(scripted((200, {"characterizations": None, "pages": 0})))
    with pytest.raises(errors.IonQBackendError, match=r"no characterization of 'qpu\.forte-1'"):
        IonQProvider(transport=nothing).get_backend("forte-1").calibrated()


@pytest.mark.parametrize("wrong", [0, 37, "4"])
def test_calibrated_refuses_more_qubits_than_there_are(forte, wrong):
    with pytest.raises(errors.IonQBackendError, match="num_qubits is 1 to 36"):
        forte.calibrated(num_qubits=wrong)
