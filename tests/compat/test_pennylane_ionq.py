"""pennylane-ionq, unmodified, on the fake: under interception, since its host is fixed."""

from functools import partial
from math import pi, sqrt
from random import Random

import cirq
import numpy as np
import pennylane as qml
import pennylane_ionq.device
import pytest
from cirq_ionq import GPI2Gate, GPIGate, MSGate
from hypothesis import given, settings
from hypothesis import strategies as st
from pennylane_ionq.api_client import Job, JobExecutionError
from pennylane_ionq.ops import GPI, GPI2, MS, XX, YY, ZZ
from random_gates import angle_of, pauli_terms
from sampling import as_often_as

from ionq_toolkit_fake import Access, FakeIonQ, Transitions, mock_ionq


@pytest.fixture
def connect(cloud):
    """Put a device of pennylane-ionq in front of the cloud."""
    with mock_ionq(cloud):
        yield lambda name, wires=3, **options: qml.device(
            f"ionq.{name}", wires=wires, api_key="any-key", **options
        )


@pytest.fixture
def device(connect):
    return connect("simulator")


@pytest.fixture
def forte(connect):
    return connect("qpu", wires=2, backend="forte-1")


def run(device, function, shots=100):
    return qml.set_shots(qml.QNode(function, device), shots=shots)()


def received(device):
    """Return the distribution that the device was sent, as PennyLane orders it."""
    (histogram,) = device.target_device.histograms
    width = len(device.wires)
    found = np.zeros(2**width)
    for outcome, probability in histogram.items():
        # PennyLane writes wire 0 first, IonQ qubit 0 last.
        found[int(format(int(outcome), f"0{width}b")[::-1], 2)] = probability
    return found


def exact(function, wires=3):
    return qml.QNode(function, qml.device("default.qubit", wires=wires))()


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


def bell():
    qml.Hadamard(0)
    qml.CNOT([0, 1])
    return qml.counts(wires=[0, 1])


def flipped():
    qml.PauliX(0)
    qml.PauliX(1)
    return qml.counts(wires=[0, 1])


def test_a_bell_pair(device):
    counts = run(device, bell, shots=200)
    assert set(counts) == {"00", "11"}
    assert sum(counts.values()) == 200


def test_gates_are_those_of_pennylanes_own_simulator(device):
    def probabilities():
        circuit()
        return qml.probs(wires=[0, 1, 2])

    run(device, probabilities)
    assert received(device) == pytest.approx(exact(probabilities), abs=1e-9)


def test_an_expectation_value(device):
    def expected():
        qml.PauliX(1)
        return qml.expval(qml.PauliZ(0)), qml.expval(qml.PauliZ(1))

    assert [float(value) for value in run(device, expected)] == [1.0, -1.0]


def test_a_batch_pairs_each_circuit_with_its_result(device, cloud):
    tapes = [qml.tape.QuantumScript([qml.X(n)], [qml.counts()], shots=10) for n in range(3)]
    assert list(qml.execute(tapes, device)) == [{"100": 10}, {"010": 10}, {"001": 10}]
    assert device.target_device.histograms == [{"1": 1.0}, {"2": 1.0}, {"4": 1.0}]
    assert [job.type for job in cloud.jobs].count("ionq.multi-circuit.v1") == 1


def test_a_gradient_is_a_batch_of_shifted_circuits(device):
    @qml.set_shots(100)
    @qml.qnode(device, diff_method="parameter-shift")
    def cosine(angle):
        qml.RX(angle, 0)
        return qml.expval(qml.PauliZ(0))

    # At a quarter turn the shifted circuits have one outcome each: the gradient has no noise.
    gradient = qml.grad(cosine)(qml.numpy.array(pi / 2, requires_grad=True))
    assert float(gradient) == pytest.approx(-1.0, abs=1e-12)


def test_wires_may_have_names(connect):
    device = connect("simulator", wires=["a", "b"])

    def named():
        qml.PauliX("b")
        return qml.counts()

    assert run(device, named) == {"01": 100}


def test_name_metadata_and_settings_reach_the_job(connect, send, cloud):
    compilation = {"opt": 1, "precision": "1E-3"}
    device = connect("simulator", job_name="mine", metadata={"a": "b"}, compilation=compilation)
    run(device, bell, shots=70)
    _, record = send("GET", f"/jobs/{cloud.jobs[0].id}")
    assert (record["name"], record["metadata"]) == ("mine", {"a": "b"})
    assert record["settings"] == {"compilation": compilation}


def test_a_job_is_retrieved_by_its_id(device, cloud):
    run(device, flipped)
    job = Job(api_key="any-key")
    job.manager.get(cloud.jobs[0].id)
    assert (job.id.value, job.is_complete, job.is_failed) == (cloud.jobs[0].id, True, False)
    assert job.data.value == {"3": 1.0}
    with pytest.raises(Exception, match="Resource not found"):
        Job(api_key="any-key").manager.get("0")


def test_a_job_is_polled_until_it_is_completed(monkeypatch):
    slept = []
    monkeypatch.setattr(pennylane_ionq.device, "sleep", slept.append)
    with mock_ionq(FakeIonQ(seed=1, transitions=Transitions.polls(2))):
        device = qml.device("ionq.simulator", wires=2, api_key="any-key")
        assert run(device, flipped) == {"11": 100}
    assert len(slept) == 7  # two polls each for three statuses, and the one that shows the end


# --- native gates ----------------------------------------------------------------------------


def native():
    GPI2(0.1, wires=0)
    GPI(0.3, wires=1)
    GPI2(0.45, wires=1)
    MS(0.1, 0.3, 0.2, wires=[1, 0])
    GPI2(-0.2, wires=0)
    MS(0.4, 0.15, wires=[0, 1])
    GPI2(0.6, wires=1)
    return qml.counts()


def documented():
    """Return the same by matrices: not by its own of an MS, which is no unitary."""
    for gate, wires in (
        (GPI2Gate(phi=0.1), [0]),
        (GPIGate(phi=0.3), [1]),
        (GPI2Gate(phi=0.45), [1]),
        (MSGate(phi0=0.1, phi1=0.3, theta=0.2), [1, 0]),
        (GPI2Gate(phi=-0.2), [0]),
        (MSGate(phi0=0.4, phi1=0.15), [0, 1]),
        (GPI2Gate(phi=0.6), [1]),
    ):
        qml.QubitUnitary(cirq.unitary(gate), wires=wires)
    return qml.probs(wires=[0, 1])


def test_native_gates_have_the_matrices_that_are_documented(connect):
    device = connect("simulator", wires=2, gateset="native")
    run(device, native)
    assert received(device) == pytest.approx(exact(documented, wires=2), abs=1e-9)


def test_native_gates_run_on_the_machine_that_has_them():
    with mock_ionq(FakeIonQ(seed=7, statuses={"qpu.aria-1": "available"})):
        options = {"wires": 2, "api_key": "any-key", "gateset": "native"}
        device = qml.device("ionq.qpu", backend="aria-1", **options)
        counts = run(device, native, shots=2000)
        for outcome, probability in enumerate(exact(documented, wires=2)):
            # 2 % for the errors of a machine, beside chance.
            slack = 40 + 5 * sqrt(2000 * probability * (1 - probability))
            assert counts[format(outcome, "02b")] == pytest.approx(2000 * probability, abs=slack)

        # It knows no native gate on two qubits but ms, which Forte does not have.
        with pytest.raises(JobExecutionError, match="Job failed"):
            run(qml.device("ionq.qpu", backend="forte-1", **options), native)


# --- random circuits -------------------------------------------------------------------------

#: Each gate follows from a seed of its own, so that what hypothesis shrinks is their number.
LISTS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=12)
TAPES = st.lists(LISTS, min_size=1, max_size=3)
WIRES = 4


def random_gate(random):
    """Return one of the gates that pennylane-ionq sends, and the same as PennyLane knows it."""
    wires, angle = random.sample(range(WIRES), WIRES), angle_of(random)
    kind = random.randrange(5)
    if kind == 0:
        gate = random.choice([qml.X, qml.Y, qml.Z, qml.Hadamard, qml.S, qml.T, qml.SX])(wires[0])
    elif kind == 1:
        gate = random.choice([qml.RX, qml.RY, qml.RZ])(angle, wires[0])
    elif kind == 2:
        gate = random.choice([qml.CNOT, qml.SWAP])(wires[:2])
    elif kind == 3:
        ours = random.choice([qml.IsingXX, qml.IsingYY, qml.IsingZZ])
        theirs = {qml.IsingXX: XX, qml.IsingYY: YY, qml.IsingZZ: ZZ}[ours]
        gate = ours(angle, wires[:2])
        return random.choice([gate, theirs(angle, wires[:2])]), gate
    else:
        count = random.randrange(1, 4)
        terms, values = pauli_terms(random, count, commuting=random.choice([True, False]))
        places = {wire: place for place, wire in enumerate(wires[:count])}
        words = [qml.pauli.string_to_pauli_word(term, places) for term in terms]
        time = random.uniform(-2, 2)
        steps = [qml.evolve(value * word, time) for value, word in zip(values, words, strict=True)]
        # One Trotter step; the last factor of a product acts first.
        return qml.evolve(qml.Hamiltonian(values, words), time), qml.prod(*reversed(steps))
    return gate, gate


def random_native_gate(random):
    """Return a native gate, and its documented matrix: its own of an MS is no unitary."""
    first, second = (random.uniform(-1, 1) for _ in "ab")
    wires = random.sample(range(WIRES), 2)
    angle = random.choice([0.25, random.uniform(0, 0.25)])
    gate, matrix = random.choice(
        [
            (GPI(first, wires=wires[:1]), GPIGate(phi=first)),
            (GPI2(first, wires=wires[:1]), GPI2Gate(phi=first)),
            (
                MS(first, second, angle, wires=wires),
                MSGate(phi0=first, phi1=second, theta=angle),
            ),
        ]
    )
    return gate, qml.QubitUnitary(cirq.unitary(matrix), wires=gate.wires)


TURNS = [(gate, gate) for n in range(WIRES) for gate in (qml.RY(0.4 + n, n), qml.RX(0.9 - n, n))]
NATIVE_TURNS = [
    (GPI2(phi, wires=n), qml.QubitUnitary(cirq.unitary(GPI2Gate(phi=phi)), wires=n))
    for n in range(WIRES)
    for phi in (0.1 + n / 9, 0.4 - n / 7)
]


def assert_same_distributions(seeds_of_tapes, gate_of, turns, **options):
    """Run circuits in one job; their histograms must be those of PennyLane's own simulator."""
    # With all wires turned first and last, every control is on, and every phase shows.
    made = [
        [*turns, *(gate_of(Random(seed)) for seed in seeds), *turns] for seeds in seeds_of_tapes
    ]
    sent = [
        qml.tape.QuantumScript([gate for gate, _ in one], [qml.counts()], shots=10) for one in made
    ]
    known = [qml.tape.QuantumScript([gate for _, gate in one], [qml.probs()]) for one in made]
    with mock_ionq(FakeIonQ(seed=1)):
        device = qml.device("ionq.simulator", wires=WIRES, api_key="key", **options)
        qml.execute(sent, device)
        histograms = device.target_device.histograms
    wanted = qml.execute(known, qml.device("default.qubit", wires=WIRES))
    for histogram, probabilities in zip(histograms, wanted, strict=True):
        found = np.zeros(2**WIRES)
        for outcome, probability in histogram.items():
            # PennyLane writes wire 0 first, IonQ qubit 0 last.
            found[int(format(int(outcome), f"0{WIRES}b")[::-1], 2)] = probability
        assert np.abs(found - probabilities).sum() / 2 < 1e-9


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The 'num_steps' argument for the Evolution gate")
@settings(max_examples=40)
@given(TAPES)
def test_random_circuits_have_the_distributions_of_pennylanes_own_simulator(seeds):
    assert_same_distributions(seeds, random_gate, TURNS)


@pytest.mark.slow
@settings(max_examples=30)
@given(TAPES)
def test_random_native_circuits_have_the_distributions_of_the_documented_matrices(seeds):
    assert_same_distributions(seeds, random_native_gate, NATIVE_TURNS, gateset="native")


@settings(max_examples=20)
@given(LISTS, st.permutations(range(WIRES)), st.integers(1, WIRES))
def test_wires_are_read_in_the_order_in_which_they_are_measured(seeds, order, count):
    """Flips alone: each wire is certain, and so is what is counted."""
    gates = []
    for seed in seeds:
        first, second = Random(seed).sample(range(WIRES), 2)
        gates.append(qml.CNOT([first, second]) if seed % 2 else qml.X(first))
    measured = [qml.counts(wires=order[:count])]
    tapes = [qml.tape.QuantumScript(gates, measured, shots=10)]
    with mock_ionq(FakeIonQ(seed=1)):
        found = qml.execute(tapes, qml.device("ionq.simulator", wires=WIRES, api_key="key"))
    assert found == qml.execute(tapes, qml.device("default.qubit", wires=WIRES))


# --- noise models and machines ---------------------------------------------------------------


@pytest.mark.slow
def test_a_noise_model_errs_as_often_as_its_published_rate_says(connect):
    device = connect("simulator", wires=2, noise_model="aria-1", noise_seed=5)
    run(device, bell, shots=100_000)
    # Depolarising noise spreads the rate over four outcomes; a wrong H stays within the pair.
    assert 100_000 * received(device)[1:3].sum() == as_often_as(0.0133 / 2, 100_000)


def test_noisy_probabilities_are_counts_of_shots(connect):
    device = connect("simulator", wires=2, noise_model="harmony", noise_seed=1)
    run(device, bell, shots=300)
    counts = 300 * received(device)
    assert counts == pytest.approx(np.rint(counts), abs=1e-9)
    assert (counts.sum(), counts.min() > 0) == (pytest.approx(300), True)


def test_a_seed_of_the_noise_decides_the_result(connect):
    def found(seed):
        device = connect("simulator", wires=2, noise_model="harmony", noise_seed=seed)
        run(device, bell, shots=500)
        return received(device).tolist()

    assert found(3) == found(3) != found(4)


def test_a_job_on_a_machine_has_whole_counts(forte, cloud):
    counts = run(forte, bell, shots=300)
    assert sum(counts.values()) == 300
    assert counts["00"] + counts["11"] > 280
    assert {outcome: n / 300 for outcome, n in counts.items()} == {
        format(n, "02b"): p for n, p in enumerate(received(forte)) if p
    }
    job = Job(api_key="any-key")
    job.manager.get(cloud.jobs[0].id)
    assert [job.data.value] == forte.target_device.histograms


def test_a_batch_runs_on_a_machine(forte):
    tapes = [qml.tape.QuantumScript([qml.X(n)], [qml.counts()], shots=200) for n in range(2)]
    results = qml.execute(tapes, forte)
    assert [sum(counts.values()) for counts in results] == [200, 200]
    assert [max(counts, key=counts.get) for counts in results] == ["10", "01"]


# --- evolutions ------------------------------------------------------------------------------

COMMUTING = qml.Hamiltonian([0.3, -0.5], [qml.X(0) @ qml.X(2), qml.Z(0) @ qml.Z(2)])
NOT_COMMUTING = qml.Hamiltonian([0.3, -0.5, 0.8], [qml.X(0) @ qml.X(2), qml.Z(0), qml.Y(1)])


@pytest.mark.parametrize("time", [0.7, -0.7])
@pytest.mark.parametrize("hamiltonian", [COMMUTING, NOT_COMMUTING])
def test_an_evolution_is_one_step_term_by_term(device, hamiltonian, time):
    """PennyLane-IonQ's own tests, which run with a key, hold the service to that."""

    def evolved(*parts):
        qml.Hadamard(0)
        qml.RX(0.3, 1)
        qml.RY(0.9, 2)
        for part in parts:
            qml.evolve(part, time)
        qml.RX(0.4, 0)
        return qml.probs(wires=[0, 1, 2])

    terms = [value * term for value, term in zip(*hamiltonian.terms(), strict=True)]
    with pytest.warns(UserWarning, match="'num_steps' argument"):
        run(device, partial(evolved, hamiltonian))
    assert received(device) == pytest.approx(exact(partial(evolved, *terms)), abs=1e-9)


def test_an_approximate_evolution_is_that_of_pennylanes_own_simulator(device):
    def evolved():
        qml.Hadamard(0)
        qml.RX(0.3, 1)
        qml.ApproxTimeEvolution(NOT_COMMUTING, 0.7, 3)
        return qml.probs(wires=[0, 1, 2])

    run(device, evolved)
    assert received(device) == pytest.approx(exact(evolved), abs=1e-9)


def test_an_evolution_runs_on_a_machine(forte):
    def evolved():
        qml.evolve(qml.X(0) @ qml.X(1), pi / 2)
        return qml.counts()

    with pytest.warns(UserWarning, match="'num_steps' argument"):
        counts = run(forte, evolved, shots=200)
    assert sum(counts.values()) == 200
    assert counts["11"] > 180


# --- error mitigation and dry runs -----------------------------------------------------------


@pytest.mark.parametrize("sharpen", [None, False, True])
def test_a_debiased_job_can_be_sharpened(connect, sharpen):
    device = connect(
        "qpu",
        wires=2,
        backend="forte-1",
        error_mitigation={"debiasing": True},
        sharpen=sharpen,
    )
    counts = run(device, flipped, shots=1000)
    assert sum(counts.values()) == 1000
    if sharpen:
        assert counts == {"11": 1000}
    else:
        assert 900 < counts["11"] < 1000


def test_debiasing_needs_500_shots(connect, cloud):
    device = connect("qpu", wires=2, backend="forte-1", error_mitigation={"debiasing": True})
    with pytest.raises(Exception, match=r'"statusCode":400.*requires at least 500 shots'):
        run(device, bell, shots=499)
    assert cloud.jobs == []


def test_a_dry_run_has_a_price_and_no_result(connect, send, cloud):
    device = connect("qpu", wires=2, backend="forte-1", dry_run=True)
    assert len(run(device, bell, shots=10_000)) == 0
    assert device.target_device.histograms == []
    job_id = cloud.jobs[0].id
    _, record = send("GET", f"/jobs/{job_id}")
    assert (record["status"], record["dry_run"], record["results"]) == ("completed", True, None)
    assert send("GET", f"/jobs/{job_id}/cost") == (
        200,
        {"dry_run": True, "estimated_cost": {"unit": "usd", "value": 168.2}},
    )


# --- failures and refusals -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wires", "shots", "options", "code"),
    [
        ("simulator", 30, 100, {}, "NotEnoughQubits"),
        ("simulator", 26, 100, {"noise_model": "aria-1"}, "NotEnoughQubits"),
        ("qpu", 37, 100, {"backend": "forte-1"}, "NotEnoughQubits"),
        ("qpu", 2, 10_001, {"backend": "forte-1"}, "TooManyShots"),
    ],
)
def test_a_job_that_asks_for_too_much_fails(connect, cloud, name, wires, shots, options, code):
    device = connect(name, wires=wires, **options)
    with pytest.raises(JobExecutionError, match="Job failed"):
        run(device, bell, shots=shots)
    assert cloud.jobs[0].failure.code == code


@pytest.mark.parametrize(
    ("backend", "text"),
    [
        ("none", "backend must be one of"),
        ("aria-1", "backend qpu.aria-1 is retired"),
        ("forte-enterprise-2", "backend qpu.forte-enterprise-2 is unavailable"),
    ],
)
def test_a_backend_that_takes_no_jobs_is_a_bad_request(connect, backend, text):
    with pytest.raises(Exception, match=f'"statusCode":400.*{text}'):
        run(connect("qpu", backend=backend), bell)


def test_a_key_that_is_not_known_is_unauthorized():
    with mock_ionq(FakeIonQ(seed=1, keys={"good": "mine"})):
        device = qml.device("ionq.simulator", wires=2, api_key="bad")
        with pytest.raises(Exception, match=r'"statusCode":401.*Invalid key provided'):
            run(device, bell)


def test_a_key_without_the_scope_or_the_target_is_forbidden():
    keys = {
        "reader": Access("mine", scopes=["jobs:read"]),
        "simulator": Access("mine", targets=["simulator"]),
    }
    with mock_ionq(FakeIonQ(seed=1, keys=keys)):
        device = qml.device("ionq.simulator", wires=2, api_key="reader")
        with pytest.raises(Exception, match=r'"statusCode":403.*Insufficient Scope'):
            run(device, bell)
        device = qml.device("ionq.qpu", wires=2, api_key="simulator", backend="forte-1")
        with pytest.raises(Exception, match=r'"statusCode":403.*no access to qpu.forte-1'):
            run(device, bell)
        device = qml.device("ionq.simulator", wires=2, api_key="simulator")
        assert run(device, flipped) == {"11": 100}


def test_a_project_without_money_fails_its_jobs():
    cloud = FakeIonQ(seed=1, keys={"key": Access("poor", quota=30)})
    with mock_ionq(cloud):
        device = qml.device("ionq.qpu", wires=2, api_key="key", backend="forte-1")
        assert sum(run(device, bell).values()) == 100
        with pytest.raises(JobExecutionError, match="Job failed"):
            run(device, bell)
    assert cloud.jobs[0].failure.code == "QuotaExhaustedError"
