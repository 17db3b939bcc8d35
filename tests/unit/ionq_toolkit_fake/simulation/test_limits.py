"""The limits of simulations, and independence of the order of requests."""

import json
from concurrent.futures import Executor, Future

import pytest
from qiskit import QuantumCircuit

from ionq_toolkit_fake import FakeIonQ, Transitions
from ionq_toolkit_fake.api.results import as_map
from ionq_toolkit_fake.simulation import aer, limits
from ionq_toolkit_fake.simulation.executors import ProcessExecutor, simulate, simulate_several
from ionq_toolkit_fake.simulation.outcome import SimulationFailure
from ionq_toolkit_fake.simulation.program import Gate, Noise, Program, Qasm3, Qpu, Task

HEAD = 'OPENQASM 3.0; include "stdgates.inc"; '
DOUBLING = "gate g0 a { x a; x a; } " + " ".join(
    f"gate g{n} a {{ g{n - 1} a; g{n - 1} a; }}" for n in range(1, 40)
)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("qubit[2000000000] q;", "NotEnoughQubits"),
        ("qubit q; bit[1000000000] c;", "CompilationError"),
        ("qubit q; bit[6000] b; bit[6000] c; c[0] = measure q;", "CompilationError"),
        (DOUBLING + " qubit q; g39 q;", "TooManyGates"),
        (
            "qubit[9] q; ctrl(8) @ x q[0],q[1],q[2],q[3],q[4],q[5],q[6],q[7],q[8];",
            "TooManyControls",
        ),
        ("qubit q; " + "x q; " * 200_000, "PreflightError"),
    ],
    ids=["qubits", "bits", "more bits than an outcome", "doubling", "controls", "characters"],
)
def test_a_program_that_is_too_large_fails_at_once(source, code):
    with pytest.raises(SimulationFailure) as caught:
        simulate(Task(Qasm3(HEAD + source), seed=0, width=29))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("gate iswap a, b { x a; } qubit[2] q; iswap q[0], q[1];", "1"),
        ("gate rzz(t) a, b { x b; } qubit[2] q; rzz(1) q[0], q[1];", "2"),
        ("gate sxdg a { x a; } qubit q; sxdg q;", "1"),
        ("gate foo a, b { x b; } qubit[3] q; x q[0]; ctrl @ foo q[0], q[1], q[2];", "5"),
    ],
)
def test_a_programs_own_gate_is_what_it_says_whatever_it_is_called(source, outcome):
    found = simulate(Task(Qasm3(HEAD + source), seed=0, width=29))
    assert as_map(found.distribution) == pytest.approx({outcome: 1})


def test_a_wide_pauli_exponential_counts_by_its_terms():
    width = 25
    terms = ("X" * width, "Z" * width) * 500
    gate = Gate("pauliexp", tuple(range(width)), parameters=(1.0,) * 1001, terms=terms)
    with pytest.raises(SimulationFailure) as caught:
        simulate(Task(Program(width, (gate,)), seed=0))
    assert caught.value.code == "SimulationTimeout"


@pytest.mark.parametrize("width", [1, 3])
def test_a_pauli_exponential_whose_angle_is_beyond_a_float_fails(width):
    terms = ("X" * width, "Z" * width)
    gate = Gate("pauliexp", tuple(range(width)), parameters=(1e200, 1e200, 1.0), terms=terms)
    with pytest.raises(SimulationFailure, match="not a number"):
        simulate(Task(Program(width, (gate,)), seed=0))


def test_more_outcomes_than_can_be_sent_fail(monkeypatch):
    monkeypatch.setattr(aer, "MOST_OUTCOMES", 8)
    gates = tuple(Gate("h", (qubit,)) for qubit in range(4))
    assert len(simulate(Task(Program(4, gates[:3]), seed=0)).distribution.outcomes) == 8
    with pytest.raises(SimulationFailure, match="16 possible outcomes"):
        simulate(Task(Program(4, gates), seed=0))


def test_a_state_that_does_not_fit_into_memory_fails_before_it_is_made(monkeypatch):
    class Memory:
        available = 2**30

    monkeypatch.setattr(limits.psutil, "virtual_memory", lambda: Memory)
    gates = tuple(Gate("x", (qubit,)) for qubit in range(27))
    small, large = simulate_several(
        [Task(Program(27, gates[:3]), seed=0), Task(Program(27, gates), seed=0)]
    )
    assert as_map(small.distribution) == {"7": 1}
    assert isinstance(large, SimulationFailure)
    assert "27 qubits needs 3.5 GiB of memory; 1.0 GiB are free" in str(large)


def test_workers_divide_the_memory_so_that_they_never_want_more_than_there_is(monkeypatch):
    class Memory:
        available = 2**30

    monkeypatch.setattr(limits.psutil, "virtual_memory", lambda: Memory)
    wide = Task(Program(26, tuple(Gate("x", (qubit,)) for qubit in range(26))), seed=0)
    with ProcessExecutor(workers=2) as executor:
        refused = executor.submit(simulate, wide).exception()
    assert isinstance(refused, SimulationFailure)
    assert "26 qubits needs 1.8 GiB of memory; each worker may take 0.5 GiB" in str(refused)


def entangled(width, pairs):
    """Gates on all of so many qubits, one of the first two and the last entangled so many times."""
    turns = [Gate("ry", (qubit,), parameters=(0.3,)) for qubit in range(width)]
    ends = [Gate("xx", (n % 2, width - 1), parameters=(0.4,)) for n in range(pairs)]
    return Program(width, (*turns, *ends))


ERRORS = Noise(0.01, 0.01)


@pytest.mark.parametrize(
    ("noise", "fields"),
    [
        (None, {}),
        (ERRORS, {"shots": 1}),
        (ERRORS, {"shots": 1, "qpu": Qpu(36, "zz"), "hardware": True}),
    ],
    ids=["exact", "noisy", "on a machine"],
)
def test_a_state_without_room_fails_its_job_whatever_it_is_for(monkeypatch, noise, fields):
    class Memory:
        available = 2**27

    monkeypatch.setattr(limits.psutil, "virtual_memory", lambda: Memory)
    with pytest.raises(SimulationFailure, match=r"23 qubits needs 0\.2 GiB"):
        simulate(Task(entangled(23, 4), seed=0, noise=noise, **fields))


def test_more_shots_take_no_more_memory_than_a_wide_state(monkeypatch):
    """With more shots than outcomes, Aer would make a matrix of 4^n, whatever its size."""
    taken = []
    run = aer.AerSimulator.run

    def watched(simulator, *args, **options):
        job = run(simulator, *args, **options)
        taken.append(job.result().results[0].metadata["required_memory_mb"])
        return job

    monkeypatch.setattr(aer.AerSimulator, "run", watched)
    for widest, megabytes in ((9, 4), (8, 1)):
        monkeypatch.setattr(aer, "WIDEST_MIXED", widest)
        outcome = simulate(Task(entangled(9, 4), seed=0, shots=600, noise=ERRORS))
        assert len(outcome.shots) == 600
        assert taken.pop() == megabytes


def test_a_density_matrix_without_room_fails_its_job(monkeypatch):
    class Memory:
        available = 2**27

    monkeypatch.setattr(limits.psutil, "virtual_memory", lambda: Memory)
    with pytest.raises(SimulationFailure, match=r"12 qubits needs 0\.4 GiB"):
        simulate(Task(entangled(12, 4), seed=0, shots=5000, noise=ERRORS))


class Held(Executor):
    """Takes calls and runs none."""

    def __init__(self):
        self.calls = []

    def submit(self, function, /, *arguments):
        future = Future()
        self.calls.append((future, arguments))
        return future


def several(widths):
    circuits = [
        {"qubits": width, "circuit": [{"gate": "x", "targets": list(range(width))}]}
        for width in widths
    ]
    return {
        "type": "ionq.multi-circuit.v1",
        "backend": "simulator",
        "input": {"gateset": "qis", "circuits": circuits},
    }


def test_registers_of_more_bits_than_an_outcome_can_have_fail_the_job(send):
    registers = {"wide": [0] * 10_001}
    circuit = {"qubits": 1, "circuit": [{"gate": "x", "target": 0}], "registers": registers}
    body = {
        "type": "ionq.multi-circuit.v1",
        "backend": "simulator",
        "input": {"circuits": [circuit]},
    }
    _, created = send("POST", "/jobs", body)
    job = send("GET", f"/jobs/{created['id']}")[1]
    assert job["status"] == "failed"
    assert "registers of up to 10000 bits" in job["failure"]["message"]


def test_circuits_of_one_job_are_simulated_together_as_far_as_they_are_small(sender):
    executor = Held()
    send = sender(FakeIonQ(seed=1, executor=executor))
    send("POST", "/jobs", several([5] * 260 + [19, 19, 20, 5]))
    sizes = [len(arguments[0]) for _, arguments in executor.calls]
    assert sizes == [128, 128, 5, 1, 1, 1]


def test_cancelling_all_of_a_batch_gives_it_up_and_cancelling_a_part_does_not(sender):
    executor = Held()
    send = sender(FakeIonQ(seed=1, executor=executor, transitions=Transitions.polls(1)))
    _, created = send("POST", "/jobs", several([2, 2]))
    children = send("GET", f"/jobs/{created['id']}")[1]["child_job_ids"]
    ((future, _),) = executor.calls
    send("PUT", f"/jobs/{children[0]}/status/cancel")
    assert not future.cancelled()
    send("PUT", f"/jobs/{children[1]}/status/cancel")
    assert future.cancelled()


def test_how_often_anybody_asks_changes_nothing(job_body):
    def shots(questions):
        cloud = FakeIonQ(seed=7)
        headers = {"Authorization": "apiKey k"}
        for _ in range(questions):
            cloud.handle("GET", "/v0.4/backends", headers)
        body = json.dumps(job_body(noise={"model": "harmony"}, shots=200)).encode()
        job = json.loads(cloud.handle("POST", "/v0.4/jobs", headers, body).body)["id"]
        return job, cloud.handle("GET", f"/v0.4/jobs/{job}/results/shots", headers).body

    assert shots(0) == shots(5)


def test_request_ids_differ_and_follow_the_seed():
    def ids(seed):
        cloud = FakeIonQ(seed=seed)
        replies = (cloud.handle("GET", "/v0.4/health", {}) for _ in range(3))
        return [reply.headers["x-request-id"] for reply in replies]

    assert len(set(ids(1))) == 3
    assert ids(1) == ids(1)
    assert ids(1) != ids(2)


def test_bits_that_nothing_is_measured_into_are_never_read_wrongly(send):
    source = HEAD + "qubit q; bit[4] c; x q; c[0] = measure q;"
    body = {"type": "ionq.qasm3.v1", "backend": "qpu.forte-1", "input": {"data": source}}
    _, created = send("POST", "/jobs", {**body, "shots": 2000})
    histogram = send("GET", f"/jobs/{created['id']}/results/histogram")[1]
    assert set(histogram) == {"0", "1"}


def test_a_circuit_too_wide_to_be_analysed_is_not_verified(completed):
    gates = [{"gate": "h", "target": 0}]
    gates += [{"gate": "cnot", "control": q, "target": q + 1} for q in range(29)]
    settings = {"error_mitigation": {"symmetry_verification": True, "debiasing": False}}
    job = completed(gates, 30, backend="qpu.forte-1", shots=20, settings=settings)
    assert job["output"]["error_mitigation"]["symmetry_verification"] == {"applied": False}


def test_a_cost_limit_may_be_a_string_and_must_be_a_number(send):
    def create(value):
        body = {"backend": "qpu.forte-1", "settings": {"cost_limit": {"value": value}}}
        return send("POST", "/sessions", body)

    assert create("30")[1]["settings"]["cost_limit"]["value"] == 30
    for value in ("much", "nan", "inf", -1, ""):
        status, reply = create(value)
        assert (status, reply["validation"]["keys"]) == (400, ["settings.cost_limit.value"])


def test_controlled_gates_are_simulated_in_wide_noisy_circuits_too(completed):
    gates = [{"gate": "h", "target": q} for q in range(14)]
    gates += [{"gate": "h", "target": 1, "control": 0}]
    gates += [{"gate": "z", "rotation": 0.3, "target": 3, "control": 2}]
    job = completed(gates, 14, noise={"model": "forte-1", "seed": 1}, shots=5)
    assert (job["status"], job["failure"]) == ("completed", None)


def test_an_ansatz_may_reset_its_qubits(send):
    source = "OPENQASM 3.0; qubit[2] q; reset q; U(pi, 0, 0) q[0];"
    data = {"hamiltonian": [{"pauli_string": "IZ", "coefficient": 2}], "ansatz": {"data": source}}
    body = {
        "type": "quantum-function",
        "backend": "simulator",
        "input": {"data": {"type": "hamiltonian-energy", "data": data}},
    }
    _, created = send("POST", "/jobs", body)
    assert send("GET", f"/jobs/{created['id']}")[1]["results"]["value"] == pytest.approx(-2)


@pytest.mark.parametrize("gateset", ["exact", "shots"])
def test_an_angle_that_overflows_is_no_answer(gateset):
    gate = Gate("rx", (0,), parameters=(float("inf"),))
    shots = None if gateset == "exact" else 10
    with pytest.raises(SimulationFailure, match="not a number"):
        simulate(Task(Program(1, (gate,)), seed=0, shots=shots))


# --- simulations that would take hours fail at once ---------------------------------------------

NOISE = Noise(3e-4, 5e-3)


def layers(width, depth):
    """Return gates that entangle neighbours, layer by layer, as much as they can."""
    gates = []
    for layer in range(depth):
        gates += [Gate("ry", (q,), parameters=(0.7 + q + 2 * layer,)) for q in range(width)]
        gates += [Gate("cnot", (q + 1,), (q,)) for q in range(layer % 2, width - 1, 2)]
    return tuple(gates)


THERE = layers(28, 12)
BACK = tuple(g._replace(parameters=tuple(-p for p in g.parameters)) for g in reversed(THERE))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "gates", "shots", "message"),
    [
        (24, layers(24, 40) * 100, None, "exactly, would take .* hours or more; .* fewer gates"),
        (22, layers(22, 40), 100_000, "1300 gates on 22 qubits, 100000 shots with noise, would"),
        (13, layers(13, 1500), 10_000, "28500 gates on 13 qubits, 10000 shots"),
        (28, layers(28, 16), 10_000, "28 qubits, 10000 shots .* gives up at one.* fewer shots"),
        (28, THERE + BACK, 100_000, "28 qubits"),  # the bonds of its last state are all of one
        (28, layers(28, 2), 10**9, "28 qubits"),
    ],
    ids=["exact", "states", "density matrix", "bonds", "bonds midway", "many shots"],
)
def test_simulation_of_hours_fails_at_once(width, gates, shots, message):
    noise = None if shots is None else NOISE
    with pytest.raises(SimulationFailure, match=message) as caught:
        simulate(Task(Program(width, gates), seed=1, shots=shots, noise=noise))
    assert caught.value.code == "SimulationTimeout"


@pytest.mark.slow
def test_wide_circuit_that_entangles_little_runs_whatever_its_gates_cross():
    """Of the star's gates 28 are across one cut, which needs a bond of two, not of 2^14."""
    star = (Gate("h", (0,)), *(Gate("cnot", (q,), (0,)) for q in range(1, 29)))
    task = Task(Program(29, star), seed=1, shots=20, noise=Noise(0.0, 0.0))
    assert set(as_map(simulate(task).distribution)) <= {"0", str(2**29 - 1)}
    one_shot = simulate(Task(Program(28, THERE), seed=1, shots=1, noise=NOISE))
    assert len(one_shot.shots) == 1


@pytest.mark.parametrize(
    ("shots", "widest", "asked", "runs"),
    [
        (1, 20, 129, True),  # the widest bond of all
        (1, 200, 129, False),
        (10_000, 23, 23, False),
        (10_000, 22, 23, True),
        (100_000, 19, 10, False),
    ],
)
def test_bonds_may_be_as_wide_as_the_shots_allow(shots, widest, asked, runs):
    asked_for = []

    def found(most):
        asked_for.append(most)
        return min(most, widest)

    wide = QuantumCircuit(40)
    for _ in range(10):
        for qubit in range(20):
            wide.cx(qubit, 39 - qubit)
    if runs:
        limits.check_bonds(wide, shots, found)
    else:
        with pytest.raises(SimulationFailure, match="many hours"):
            limits.check_bonds(wide, shots, found)
    assert asked_for == [asked]


@pytest.mark.parametrize(
    ("pairs", "bits"), [([], 0), ([(0, 1)], 1), ([(1, 2)], 2), ([(0, 3), (3, 0)], 2)]
)
def test_bonds_grow_with_the_gates_across_up_to_the_smaller_side(pairs, bits):
    circuit = QuantumCircuit(4)
    circuit.h(0)
    circuit.barrier()
    for pair in pairs:
        circuit.cx(*pair)
    assert limits.bits_of_bonds(circuit) == bits


@pytest.mark.parametrize(
    ("steps", "midway"),
    [
        ("reset h measure", False),
        ("h barrier measure measure", False),
        ("h measure x", True),
        ("h reset", True),
    ],
)
def test_shots_are_states_of_their_own_where_a_qubit_is_measured_midway(steps, midway):
    circuit = QuantumCircuit(22, 1)
    for step in steps.split():
        circuit.measure(0, 0) if step == "measure" else getattr(circuit, step)(0)
    quiet = Noise(0.0, 0.0)
    limits.check_shots(circuit, 100_000, quiet, mixed=False)
    limits.check_shots(circuit, 10**9, quiet, mixed=False)  # two outcomes midway, two states
    if midway:
        limits.check_shots(circuit, 100_000, Noise(1e-9, 0.0), mixed=False)
        with pytest.raises(SimulationFailure, match="22 qubits"):
            limits.check_shots(circuit, 10**6, Noise(1e-9, 0.0), mixed=False)
    else:
        with pytest.raises(SimulationFailure, match="22 qubits"):  # an error in every shot
            limits.check_shots(circuit, 10**7, Noise(1.0, 0.0), mixed=False)


def test_noisy_shots_measured_midway_are_never_one_density_matrix():
    """Aer runs them one by one, some microseconds for each gate; those reset midway it does not."""

    def check(step, gates, noise=ERRORS):
        circuit = QuantumCircuit(2, 1)
        for place in range(gates):
            circuit.h(0)
            if place == 0:
                circuit.measure(0, 0) if step == "measure" else circuit.reset(0)
        limits.check_shots(circuit, 10**6, noise, mixed=True)

    check("measure", 200)
    check("measure", 5000, Noise(0.0, 0.0))
    check("reset", 5000)
    with pytest.raises(SimulationFailure, match="5000 gates on 2 qubits, 1000000 shots"):
        check("measure", 5000)


def test_each_outcome_midway_doubles_the_states_of_a_circuit_without_noise():
    circuit = QuantumCircuit(20, 1)
    for _ in range(25):
        circuit.h(0)
        circuit.measure(0, 0)
        circuit.reset(0)
    circuit.h(0)
    limits.check_shots(circuit, 10_000, Noise(0.0, 0.0), mixed=False)
    with pytest.raises(SimulationFailure, match="20 qubits"):
        limits.check_shots(circuit, 10**6, Noise(0.0, 0.0), mixed=False)


def test_job_that_would_take_hours_fails_with_the_reason(sender, job_body):
    send = sender(FakeIonQ(seed=1))
    gates = [
        gate
        for layer in range(80)
        for q in range(24)  # no layer cancels the one before
        for gate in (
            {"gate": "ry", "target": q, "rotation": 0.3},
            {"gate": "cnot", "control": q, "target": (q + 1 + layer % 7) % 24},
        )
    ]
    body = job_body(noise={"model": "aria-1"}, shots=100_000)
    _, created = send("POST", "/jobs", {**body, "input": {"qubits": 24, "circuit": gates}})
    failure = send("GET", f"/jobs/{created['id']}")[1]["failure"]
    assert failure["code"] == "SimulationTimeout"
    assert "gives up at one" in failure["message"]
