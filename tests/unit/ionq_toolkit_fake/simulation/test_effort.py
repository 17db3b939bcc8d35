"""Simulations that would take hours fail at once; those that only look so are run."""

import json

import pytest
from qiskit import QuantumCircuit

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.simulation import (
    Gate,
    Machine,
    Noise,
    Program,
    SimulationFailure,
    Task,
    limits,
    simulate,
)

NOISE = Noise(3e-4, 5e-3)
QUIET = Noise(0.0, 0.0)


def layers(width, depth):
    """Return gates that entangle neighbours, layer by layer, as much as they can."""
    gates = []
    for layer in range(depth):
        gates += [Gate("ry", (q,), parameters=(0.7 + q + 2 * layer,)) for q in range(width)]
        gates += [Gate("cnot", (q + 1,), (q,)) for q in range(layer % 2, width - 1, 2)]
    return tuple(gates)


def circuit(width, *operations):
    """Return a circuit of (name, *qubits), measured into as many bits where it says so."""
    made = QuantumCircuit(width, width)
    for name, *qubits in operations:
        if name == "measure":
            made.measure(qubits, qubits)
        else:
            getattr(made, name)(*qubits)
    return made


def refused(found):
    """Assert that a call ends at once for want of time, and return what it says."""
    with pytest.raises(SimulationFailure) as caught:
        found()
    assert caught.value.code == "SimulationTimeout"
    return str(caught.value)


@pytest.mark.parametrize(
    ("width", "depth", "shots", "said"),
    [
        (22, 40, 100_000, "1300 gates on 22 qubits, 100000 shots with noise"),
        (16, 300, 10_000, "7050 gates on 16 qubits, 10000 shots"),
        (13, 1500, 10_000, "28500 gates on 13 qubits, 10000 shots"),  # a density matrix
        (28, 16, 10_000, "gates on 28 qubits, 10000 shots"),  # a matrix product state
    ],
)
def test_shots_that_would_take_hours_fail_their_job(width, depth, shots, said):
    task = Task(Program(width, layers(width, depth)), seed=1, shots=shots, noise=NOISE)
    message = refused(lambda: simulate(task))
    assert said in message
    assert "hours" in message
    assert "fewer shots" in message


def test_an_exact_state_that_would_take_hours_fails():
    program = Program(24, layers(24, 40) * 100)
    assert "fewer gates" in refused(lambda: simulate(Task(program, seed=1)))


def test_who_waits_for_such_a_job_is_told_at_once():
    cloud = FakeIonQ(seed=1)
    key = {"Authorization": "apiKey k"}
    gates = [{"gate": "h", "target": q} for q in range(24)] * 80
    body = {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "noise": {"model": "aria-1"},
        "shots": 100_000,
        "input": {"qubits": 24, "circuit": gates},
    }
    _, _, made = cloud.handle("POST", "/v0.4/jobs", key, json.dumps(body).encode(), None)
    path = f"/v0.4/jobs/{json.loads(made)['id']}"
    for _ in range(4):
        job = json.loads(cloud.handle("GET", path, key, b"", None)[2])
    assert job["status"] == "failed"
    assert job["failure"]["code"] == "SimulationTimeout"
    assert "gives up at one" in job["failure"]["message"]


def test_a_wide_circuit_whose_gates_cross_often_and_entangle_little_is_run():
    """Of the star's gates 28 are across one cut, which needs a bond of two, not of 2^14."""
    star = (Gate("h", (0,)), *(Gate("cnot", (q,), (0,)) for q in range(1, 29)))
    found = simulate(Task(Program(29, star), seed=1, shots=20, noise=QUIET)).distribution.as_map()
    assert set(found) <= {"0", str(2**29 - 1)}
    assert sum(found.values()) == pytest.approx(1)


def test_what_is_too_much_for_a_machine_is_so_whatever_memory_there_is():
    """Aer alone takes the bonds for as wide as can be, and says that it has no 57 GiB."""
    gates = []
    for layer in range(4):
        gates += [Gate("ry", (q,), parameters=(0.7 + q + 2 * layer,)) for q in range(28)]
        far = [(q, (5 * q + 3 * layer) % 14 + 14) for q in range(14)]
        gates += [Gate("zz", pair, parameters=(0.3 + layer,)) for pair in far]
    machine = {"machine": Machine(36, "zz"), "hardware": True}
    task = Task(Program(28, tuple(gates)), seed=1, shots=5000, noise=NOISE, **machine)
    assert "28 qubits" in refused(lambda: simulate(task))
    few = Task(Program(28, layers(28, 12)), seed=1, shots=1, noise=NOISE, **machine)
    assert len(simulate(few).shots) == 1


def test_a_wide_circuit_that_ends_where_it_began_is_seen_to_entangle_midway():
    """The bonds of the last state are all of one."""
    forth = layers(28, 12)
    back = tuple(g._replace(parameters=tuple(-p for p in g.parameters)) for g in reversed(forth))
    task = Task(Program(28, forth + back), seed=1, shots=100_000, noise=NOISE)
    assert "28 qubits" in refused(lambda: simulate(task))


def test_bonds_are_tried_out_from_the_narrowest_only_as_far_as_need_be():
    tried = []

    def widest(most):
        tried.append(most)
        return min(most, 20)

    wide = circuit(40, *(("cx", q, 39 - q) for q in range(20)))
    limits.check_bonds(wide, 100, widest)
    assert tried == [16, 32]
    limits.check_bonds(circuit(40, ("cx", 0, 39)), 100, widest)  # cheap, whatever it comes to
    assert tried == [16, 32]
    refused(lambda: limits.check_bonds(wide, 10**9, widest))
    assert tried == [16, 32]


def test_bonds_wider_than_any_that_is_tried_are_too_wide():
    wide = circuit(40, *(("cx", q, 39 - q) for q in range(20)))
    assert "many hours" in refused(lambda: limits.check_bonds(wide, 1, lambda most: most))


@pytest.mark.parametrize(
    ("operations", "bits"),
    [
        ([("h", 0)], 0),
        ([("cx", 0, 1)], 1),  # no more than the smaller side has
        ([("cx", 1, 2)], 2),
        ([("cx", 1, 2), ("barrier", 0, 3)], 2),
        ([("cx", 0, 3), ("cx", 3, 0)], 2),
    ],
)
def test_bonds_grow_with_the_gates_across_and_not_beyond_the_smaller_side(operations, bits):
    assert limits.bits_of_bonds(circuit(4, *operations)) == bits


def seconds_of(monkeypatch, made, shots, noise=QUIET, **fields):
    """Return what shots of a circuit are estimated to take."""
    told = []
    monkeypatch.setattr(limits, "_check", lambda seconds, *_: told.append(seconds))
    limits.check_shots(made, shots, noise, **({"mixed": False} | fields))
    return told[0]


def test_shots_without_noise_are_one_state_however_many(monkeypatch):
    made = circuit(20, ("h", 0), ("cx", 0, 1), ("measure", 0, 1))
    one = seconds_of(monkeypatch, made, 1)
    assert seconds_of(monkeypatch, made, 1000) == one
    assert seconds_of(monkeypatch, made, 1000, Noise(1.0, 0.0)) == pytest.approx(501 * one)


@pytest.mark.parametrize(
    ("operations", "gates", "states"),
    [
        ([("reset", 0), ("h", 0)], 2, 1),  # nothing was there that could branch
        ([("h", 0), ("barrier", 0), ("measure", 0)], 1, 1),
        ([("h", 0), ("measure", 0), ("x", 0)], 2, 1),  # two halves
        ([("h", 0), ("h", 1), ("measure", 0, 1), ("cx", 0, 1)], 3, 2),
        ([("h", 0), *[("measure", 0), ("h", 0)] * 30], 31, 500),  # half of the shots
        ([("h", 0), *[("reset", 0), ("h", 0)] * 3], 7, 4),
    ],
)
def test_what_is_measured_midway_divides_the_shots(monkeypatch, operations, gates, states):
    one = seconds_of(monkeypatch, circuit(20, ("x", 0)), 1000)
    found = seconds_of(monkeypatch, circuit(20, *operations), 1000)
    assert found == pytest.approx(gates * states * one)
