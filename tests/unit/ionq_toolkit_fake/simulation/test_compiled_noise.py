"""Noise of compiled circuits, over HTTP, against density matrices in numpy alone.

Counts are held to their distribution by Pearson's chi-square, at a level that a right simulation
misses once in a million; the same test must tell a rate that is wrong by half.
"""

import json
from random import Random

import numpy as np
import pytest

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.assertions import p_value

LEVEL, SHOTS = 1e-6, 100_000
KEY = {"Authorization": "apiKey k"}

#: IonQ's guide for aria-1; forte-1 as served in 2026.
RATES = {"aria-1": (0.0005, 0.0133), "forte-1": (1.33e-4, 0.01413)}


def matrix_of(gate):
    """Return the matrix of a native gate as IonQ documents it, its first target the low bit."""
    turn = 2 * np.pi
    if gate["gate"] == "zz":
        return np.diag(np.exp(-1j * np.pi * gate["angle"] * np.array([1, -1, -1, 1])))
    if gate["gate"] == "ms":
        axes = [axis(turn * phase) for phase in gate["phases"]]
        angle = np.pi * gate["angle"]
        return np.cos(angle) * np.eye(4) - 1j * np.sin(angle) * np.kron(axes[1], axes[0])
    gpi = axis(turn * gate["phase"])
    return gpi if gate["gate"] == "gpi" else (np.eye(2) - 1j * gpi) / np.sqrt(2)


def axis(angle):
    return np.array([[0, np.exp(-1j * angle)], [np.exp(1j * angle), 0]])


def probabilities(gates, width, rates):
    """Return the distribution after the gates, each followed by its depolarising channel."""
    state = np.zeros((2,) * 2 * width, dtype=complex)  # axis width - 1 - q is qubit q
    state[(0,) * 2 * width] = 1
    for gate in gates:
        targets = gate.get("targets", [gate.get("target")])
        count = len(targets)
        rows = [width - 1 - q for q in reversed(targets)]
        matrix = matrix_of(gate).reshape((2,) * 2 * count)
        for side, operator in ((0, matrix), (width, matrix.conj())):
            places = [side + row for row in rows]
            state = np.tensordot(operator, state, (range(count, 2 * count), places))
            state = np.moveaxis(state, range(count), places)
        traced = state
        for row in sorted(rows, reverse=True):  # (1 - r) rho + r tr(rho) / d
            half = traced.ndim // 2
            traced = np.trace(traced, axis1=row, axis2=half + row)
        mixed = traced
        for row in sorted(rows):
            half = mixed.ndim // 2
            mixed = np.multiply.outer(np.eye(2) / 2, mixed)
            mixed = np.moveaxis(mixed, [0, 1], [row, half + 1 + row])
        rate = rates[count - 1]
        state = (1 - rate) * state + rate * mixed
    return np.diag(state.reshape(2**width, 2**width)).real


def run(width, circuit, model, shots=SHOTS, **settings):
    cloud = FakeIonQ(seed=1, **settings)

    def send(method, path, body=None):
        return json.loads(cloud.handle(method, f"/v0.4{path}", KEY, body).body)

    body = {"type": "ionq.circuit.v1", "backend": "simulator", "shots": shots}
    body["noise"] = {"model": model, "seed": 12}
    body["input"] = {"gateset": "qis", "qubits": width, "circuit": circuit}
    job = send("GET", f"/jobs/{send('POST', '/jobs', json.dumps(body).encode())['id']}")
    artifact = job["output"]["compilation"]["compiled_circuits"]["ionq.native.v1"]["id"]
    counts = np.zeros(2**width)
    for key, count in send("GET", f"/jobs/{job['id']}/results/histogram").items():
        counts[int(key)] = count
    return send("GET", f"/jobs/{job['id']}/artifacts/{artifact}")["circuit"], counts


def random_circuit(width, layers, seed):
    random, gates = Random(seed), []
    for _ in range(layers):
        for qubit in range(width):
            gates.append({"gate": "ry", "target": qubit, "rotation": random.uniform(-3, 3)})
            gates.append({"gate": "rz", "target": qubit, "rotation": random.uniform(-3, 3)})
        a, b = random.sample(range(width), 2)
        gates += [{"gate": "cnot", "control": a, "target": b}] * random.choice([1, 1, 3])
    return gates


@pytest.mark.parametrize("model", RATES)
@pytest.mark.parametrize(("width", "layers"), [(2, 25), (3, 25), (5, 30)])
def test_noise_follows_each_gate_of_the_compiled_circuit(width, layers, model):
    native, counts = run(width, random_circuit(width, layers, f"{width} {model}"), model)
    one, two = RATES[model]
    assert p_value(counts, probabilities(native, width, (one, two))) > LEVEL
    assert p_value(counts, probabilities(native, width, (one, 1.5 * two))) < LEVEL


@pytest.mark.parametrize("times", [1, 7, 33])
def test_folding_a_gate_changes_nothing_about_the_noise(times):
    """The results are those of the circuit that is not folded, to the last shot."""
    cnot = {"gate": "cnot", "control": 0, "target": 1}
    ends = [{"gate": "h", "target": 0}], [{"gate": "h", "target": q} for q in (0, 1)]
    plain, folded = (
        run(2, [*ends[0], *[cnot] * number, *ends[1]], "aria-1", 5000) for number in (1, times)
    )
    assert folded[0] == plain[0]
    assert folded[1].tolist() == plain[1].tolist()
