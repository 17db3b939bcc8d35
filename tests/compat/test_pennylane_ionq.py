"""pennylane-ionq, unmodified, on the fake: under interception, since its host is fixed."""

import numpy as np
import pennylane as qml
import pytest

from ionq_toolkit_fake import mock_ionq


@pytest.fixture
def device(cloud):
    with mock_ionq(cloud):
        yield qml.device("ionq.simulator", wires=3, api_key="any-key")


def circuit():
    qml.Hadamard(0)
    qml.PauliX(1)
    qml.RX(0.3, 0)
    qml.RY(0.9, 1)
    qml.RZ(0.4, 0)
    qml.CNOT([0, 1])
    qml.S(1)
    qml.T(2)
    qml.SX(2)
    qml.SWAP([1, 2])
    qml.IsingXX(0.7, [0, 1])
    qml.IsingYY(0.2, [1, 2])
    qml.IsingZZ(0.5, [0, 2])
    qml.adjoint(qml.S(0))
    qml.RX(1.1, 2)


def test_a_bell_pair(device):
    @qml.set_shots(200)
    @qml.qnode(device)
    def bell():
        qml.Hadamard(0)
        qml.CNOT([0, 1])
        return qml.counts(wires=[0, 1])

    counts = bell()
    assert set(counts) == {"00", "11"}
    assert sum(counts.values()) == 200


def test_gates_are_those_of_pennylanes_own_simulator(device, cloud):
    def probabilities():
        circuit()
        return qml.probs(wires=[0, 1, 2])

    qml.set_shots(qml.QNode(probabilities, device), shots=1000)()
    expected = qml.QNode(probabilities, qml.device("default.qubit", wires=3))()

    found = np.zeros(8)
    (job,) = cloud.jobs
    for outcome, probability in job.outcome.distribution.as_map().items():
        # PennyLane writes wire 0 first, IonQ qubit 0 last.
        found[int(format(int(outcome), "03b")[::-1], 2)] = probability
    assert found == pytest.approx(expected, abs=1e-9)


def test_an_expectation_value(device):
    @qml.set_shots(100)
    @qml.qnode(device)
    def flipped():
        qml.PauliX(1)
        return qml.expval(qml.PauliZ(0)), qml.expval(qml.PauliZ(1))

    assert [float(value) for value in flipped()] == [1.0, -1.0]
