"""cirq-ionq, unmodified, on the fake."""

from contextlib import ExitStack, contextmanager
from datetime import timedelta
from math import sqrt
from random import Random

import cirq
import cirq_ionq
import numpy as np
import pytest
import sympy
from cirq_ionq import GPI2Gate, GPIGate, MSGate, ZZGate
from hypothesis import given, settings
from hypothesis import strategies as st
from sampling import as_often_as

from ionq_toolkit_fake import Access, FakeIonQ, FakeServer, Transitions, mock_ionq

Q = cirq.LineQubit.range(3)
BELL = cirq.Circuit(cirq.H(Q[0]), cirq.CNOT(Q[0], Q[1]), cirq.measure(Q[0], Q[1], key="m"))
FORTE = "qpu.forte-1"


@pytest.fixture(params=["interception", "socket"])
def connect(request):
    """Put cirq-ionq in front of a cloud."""
    with ExitStack() as stack:

        def connect(cloud, key="any-key"):
            host = None
            if request.param == "interception":
                # It asks for calibrations at a path that there is no more.
                stack.enter_context(mock_ionq(cloud, strict=False))
            else:
                host = stack.enter_context(FakeServer(cloud)).url.removesuffix("/v0.4")
            return cirq_ionq.Service(host, key, default_target="simulator")

        yield connect


@pytest.fixture
def service(connect, cloud):
    return connect(cloud)


@contextmanager
def refused(status, text):
    with pytest.raises(cirq_ionq.IonQException, match=text) as caught:
        yield
    assert caught.value.status_code == status


def measured(circuit, *qubits):
    return circuit + cirq.Circuit(cirq.measure(*qubits, key="m"))


def exact(circuit):
    """Return the probabilities that Cirq has: it, too, writes the first qubit first."""
    state = cirq.Simulator(dtype=np.complex128).simulate(circuit).final_state_vector
    return {n: p for n, p in enumerate(np.abs(state) ** 2) if p > 1e-12}


def test_a_bell_pair(service):
    histogram = service.run(BELL, repetitions=100, seed=1).histogram(key="m")
    assert set(histogram) == {0b00, 0b11}
    assert sum(histogram.values()) == 100


def test_a_job_with_name_and_metadata_is_found_again(service):
    job = service.create_job(BELL, repetitions=100, name="mine", metadata={"a": "b"})
    again = service.get_job(job.job_id())
    assert (again.status(), again.name()) == ("completed", "mine")
    assert (again.num_qubits(), again.target()) == (2, "simulator")
    assert again.results().probabilities() == pytest.approx({0: 0.5, 3: 0.5})


def test_gates_are_those_of_cirqs_own_simulator(service):
    circuit = cirq.Circuit(
        cirq.H.on_each(*Q),
        cirq.X(Q[0]) ** 0.5,
        cirq.Y(Q[1]) ** 0.3,
        cirq.Z(Q[2]) ** 0.7,
        cirq.T(Q[0]),
        cirq.S(Q[1]) ** -1,
        cirq.XX(Q[0], Q[1]) ** 0.3,
        cirq.YY(Q[1], Q[2]) ** 0.2,
        cirq.ZZ(Q[0], Q[2]) ** 0.4,
        cirq.SWAP(Q[0], Q[1]),
        cirq.rx(0.4)(Q[2]),
        cirq.ry(0.9)(Q[0]),
        cirq.CNOT(Q[2], Q[0]),
    )
    job = service.create_job(measured(circuit, *Q), repetitions=100)
    assert job.results().probabilities() == pytest.approx(exact(circuit), abs=1e-7)


def test_a_batch_pairs_each_circuit_with_its_result(service):
    flips = [cirq.Circuit(cirq.X(Q[n]), cirq.measure(Q[0], Q[1], key="m")) for n in (0, 1)]
    results = service.run_batch([BELL, *flips], repetitions=50, seed=1)
    histograms = [result.histogram(key="m") for result in results]
    assert set(histograms[0]) == {0b00, 0b11}
    assert histograms[1:] == [{0b10: 50}, {0b01: 50}]


def test_cancelling_listing_and_deleting(service):
    jobs = [service.create_job(BELL, repetitions=10) for _ in range(3)]
    jobs[0].cancel()
    assert jobs[0].status() == "canceled"
    assert {job.job_id() for job in service.list_jobs(limit=3)} == {j.job_id() for j in jobs}
    assert [job.job_id() for job in service.list_jobs(status="canceled", limit=1)] == [
        jobs[0].job_id()
    ]
    jobs[1].delete()
    with pytest.raises(cirq_ionq.IonQNotFoundException):
        service.get_job(jobs[1].job_id())


def test_a_failed_job_raises_with_its_reason(service):
    wide = cirq.Circuit(cirq.X.on_each(*cirq.LineQubit.range(30)), cirq.measure(Q[0], key="m"))
    job = service.create_job(wide, repetitions=10)
    with pytest.raises(RuntimeError, match="requires 30 qubits"):
        job.results()
    assert job.status() == "failed"


def test_refusals_are_its_exceptions(service):
    with pytest.raises(cirq_ionq.IonQNotFoundException):
        service.get_job("no-such-job")
    with pytest.raises(cirq_ionq.IonQException, match="backend must be one of"):
        service.create_job(BELL, repetitions=10, target="qpu.none")


def test_measurements_have_their_keys_and_qubits(service):
    circuit = cirq.Circuit(
        cirq.X.on_each(Q[0], Q[1]), cirq.measure(Q[1], key="a"), cirq.measure(Q[2], Q[0], key="b")
    )
    for target in ("simulator", FORTE):
        result = service.run(circuit, repetitions=200, target=target, seed=1)
        assert result.histogram(key="a").most_common(1)[0][0] == 0b1
        assert result.histogram(key="b").most_common(1)[0][0] == 0b01
        assert sum(result.histogram(key="b").values()) == 200


def test_parameters_are_swept(service):
    circuit = cirq.Circuit(cirq.X(Q[0]) ** sympy.Symbol("t"), cirq.measure(Q[0], key="m"))
    results = service.sampler(seed=1).run_sweep(circuit, [{"t": 0}, {"t": 1}], repetitions=20)
    assert [result.histogram(key="m") for result in results] == [{0: 20}, {1: 20}]
    result = service.run(circuit, repetitions=20, param_resolver={"t": 1}, seed=1)
    assert result.histogram(key="m") == {1: 20}


# --- native gates ----------------------------------------------------------------------------


def native(*entanglers):
    return cirq.Circuit(
        GPI2Gate(phi=0.1)(Q[0]),
        GPIGate(phi=0.3)(Q[1]),
        GPI2Gate(phi=0.45)(Q[1]),
        *entanglers,
        GPI2Gate(phi=-0.2)(Q[0]),
        GPI2Gate(phi=0.6)(Q[1]),
    )


MS_TWICE = native(
    MSGate(phi0=0.1, phi1=0.3, theta=0.2)(Q[1], Q[0]), MSGate(phi0=0.4, phi1=0)(*Q[:2])
)
ZZ_ONCE = native(ZZGate(theta=0.15)(Q[0], Q[1]))


@pytest.mark.parametrize("circuit", [MS_TWICE, ZZ_ONCE])
def test_native_gates_have_the_matrices_that_it_gives_them(service, circuit):
    job = service.create_job(measured(circuit, *Q[:2]))
    assert job.results().probabilities() == pytest.approx(exact(circuit), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "circuit", "other"), [("forte-1", ZZ_ONCE, MS_TWICE), ("aria-1", MS_TWICE, ZZ_ONCE)]
)
def test_a_machine_takes_its_own_native_gates(connect, name, circuit, other):
    service = connect(FakeIonQ(seed=7, statuses={"qpu.aria-1": "available"}))
    job = service.create_job(measured(circuit, *Q[:2]), 2000, target=f"qpu.{name}")
    counts = job.results().counts("m")
    assert sum(counts.values()) == 2000
    # 2 % for the errors of a machine, beside chance.
    for outcome, probability in exact(circuit).items():
        slack = 40 + 5 * sqrt(2000 * probability * (1 - probability))
        assert counts[outcome] == pytest.approx(2000 * probability, abs=slack)

    job = service.create_job(measured(other, *Q[:2]), target=f"qpu.{name}")
    with pytest.raises(RuntimeError, match=r"no native gate (ms; it has zz|zz; it has ms)\."):
        job.results()
    assert job.status() == "failed"


@pytest.mark.parametrize(
    ("gateset", "name"),
    [(cirq_ionq.ForteNativeGateset(), "forte-1"), (cirq_ionq.AriaNativeGateset(), "aria-1")],
)
def test_what_it_compiles_for_a_machine_does_the_same(connect, gateset, name):
    service = connect(FakeIonQ(seed=7, statuses={"qpu.aria-1": "available"}))
    circuit = cirq.Circuit(
        cirq.H(Q[0]), cirq.CNOT(Q[0], Q[1]), cirq.T(Q[1]), cirq.ISWAP(Q[1], Q[2]), cirq.ry(1)(Q[0])
    )
    compiled = cirq.optimize_for_target_gateset(measured(circuit, *Q), gateset=gateset)
    found = service.create_job(compiled).results().probabilities()
    assert {k: p for k, p in found.items() if p > 1e-6} == pytest.approx(exact(circuit), abs=1e-5)
    counts = service.run(compiled, repetitions=100, target=f"qpu.{name}").histogram(key="m")
    assert sum(counts.values()) == 100


def test_native_and_other_gates_are_not_mixed(service):
    mixed = cirq.Circuit(GPIGate(phi=0)(Q[0]), cirq.X(Q[1]), cirq.measure(Q[0], key="m"))
    with refused(400, "input.circuit.0.gate must be one of"):
        service.create_job(mixed)


# --- random circuits -------------------------------------------------------------------------

#: Each gate follows from a seed of its own, so that what hypothesis shrinks is their number.
LISTS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=12)

#: It takes an exponent within 1e-8 of that of a named gate for it.
ROUNDING = 1e-6


def random_gate(random, width):
    """Return one of the gates that cirq-ionq sends, for up to so many qubits."""
    exponent = random.choice([random.randrange(-8, 9) / 4, random.uniform(-2, 2)])
    powers = [cirq.X, cirq.Y, cirq.Z, *([cirq.XX, cirq.YY, cirq.ZZ] if width > 1 else [])]
    turns = [cirq.rx(exponent), cirq.ry(exponent), cirq.rz(exponent)]
    fixed = [cirq.H, *([cirq.CNOT, cirq.SWAP] if width > 1 else [])]
    gate = random.choice([random.choice(powers) ** exponent, random.choice([*turns, *fixed]), None])
    if gate is not None:
        return gate
    letters = random.choices("XYZ", k=random.randrange(1, min(4, width) + 1))
    # It sends no negative times, and Cirq takes the sign of a string for one.
    sign = random.choice([1, -1])
    positive, negative = sorted((random.uniform(-1, 1) for _ in "ab"), reverse=sign < 0)
    pauli = cirq.DensePauliString("".join(letters), coefficient=sign)
    return cirq.PauliStringPhasorGate(pauli, exponent_pos=positive, exponent_neg=negative)


def random_native_gate(random, width):
    first, second, angle = (random.uniform(-1, 1) for _ in range(3))
    pairs = [ZZGate(theta=abs(angle) / 4), MSGate(phi0=first, phi1=second, theta=abs(angle) / 4)]
    return random.choice([GPIGate(phi=first), GPI2Gate(phi=second), *(pairs if width > 1 else [])])


TURNS = {
    random_gate: [cirq.ry, cirq.rx],
    random_native_gate: [lambda phi: GPI2Gate(phi=phi / 7), lambda phi: GPI2Gate(phi=-phi / 9)],
}


@st.composite
def random_circuits(draw, gate=random_gate, least=1, most=5):
    """Make a circuit that measures some of its qubits, in any order, and what that comes to."""
    width = draw(st.integers(least, most))
    qubits = cirq.LineQubit.range(draw(st.integers(width, 7)))[-width:]
    drawn = []
    for seed in draw(LISTS):
        random = Random(seed)
        one = gate(random, width)
        drawn.append(one(*random.sample(qubits, cirq.num_qubits(one))))
    # With all qubits turned first and last, every control is on, and every phase shows.
    turns = [turn(0.4 + n)(q) for n, q in enumerate(qubits) for turn in TURNS[gate]]
    circuit = cirq.Circuit(turns, drawn, turns)
    order = draw(st.permutations(qubits))[: draw(st.integers(1, width))]
    state = cirq.Simulator(dtype=np.complex128).simulate(circuit, qubit_order=qubits)
    measured = np.abs(state.final_state_vector.reshape((2,) * width)) ** 2
    others = tuple(n for n, qubit in enumerate(qubits) if qubit not in order)
    kept = [qubit for qubit in qubits if qubit in order]
    measured = measured.sum(axis=others).transpose([kept.index(qubit) for qubit in order])
    return circuit + cirq.Circuit(cirq.measure(*order, key="m")), measured.reshape(-1)


def assert_reads(result, wanted):
    found = result.probabilities("m")
    assert sum(abs(found.get(n, 0) - p) for n, p in enumerate(wanted)) / 2 < ROUNDING
    assert set(found) <= set(range(len(wanted)))


@pytest.mark.slow
@settings(max_examples=60)
@given(random_circuits())
def test_random_circuits_have_the_distributions_of_cirqs_own_simulator(case):
    circuit, wanted = case
    with mock_ionq(FakeIonQ(seed=1)):
        service = cirq_ionq.Service(api_key="key", default_target="simulator")
        assert_reads(service.create_job(circuit).results(), wanted)


@settings(max_examples=40)
@given(random_circuits(random_native_gate, least=2, most=4))
def test_random_native_circuits_have_the_distributions_of_its_own_matrices(case):
    circuit, wanted = case
    with mock_ionq(FakeIonQ(seed=1)):
        service = cirq_ionq.Service(api_key="key", default_target="simulator")
        assert_reads(service.create_job(circuit).results(), wanted)


@settings(max_examples=10)
@given(st.lists(random_circuits(most=3), min_size=2, max_size=4))
def test_random_circuits_of_one_job_have_their_own_distributions(cases):
    with mock_ionq(FakeIonQ(seed=1)):
        service = cirq_ionq.Service(api_key="key", default_target="simulator")
        job = service.create_batch_job([circuit for circuit, _ in cases], repetitions=10)
        for result, (_, wanted) in zip(job.results(), cases, strict=True):
            assert_reads(result, wanted)


# --- noise models and machines ---------------------------------------------------------------


@mock_ionq
def test_a_noise_model_errs_as_often_as_its_published_rate_says():
    service = cirq_ionq.Service(api_key="any-key", default_target="simulator")
    job = service.create_job(BELL, 100_000, noise={"model": "aria-1", "seed": 5})
    counts = {k: 100_000 * p for k, p in job.results().probabilities().items()}
    # Depolarising noise spreads the rate over four outcomes; a wrong H stays within the pair.
    assert counts[0b01] + counts[0b10] == as_often_as(0.0133 / 2, 100_000)


def test_noisy_probabilities_are_counts_of_shots(service):
    job = service.create_job(BELL, 300, noise={"model": "harmony"})
    counts = [300 * p for p in job.results().probabilities().values()]
    assert counts == pytest.approx([round(count) for count in counts], abs=1e-9)
    assert sum(counts) == pytest.approx(300)
    assert len(counts) == 4


def test_a_seed_of_the_noise_decides_the_result(service):
    def found(seed):
        noise = {"model": "harmony", "seed": seed}
        return service.create_job(BELL, 500, noise=noise).results().probabilities()

    assert found(3) == found(3) != found(4)


def test_a_job_on_a_machine_has_whole_counts_and_is_retrieved_by_its_id(service):
    job = service.create_job(BELL, repetitions=300, target=FORTE)
    counts = job.results().counts()
    assert sum(counts.values()) == 300
    assert counts[0b00] + counts[0b11] > 280
    assert counts[0b01] + counts[0b10] > 0
    again = service.get_job(job.job_id())
    assert (again.target(), again.repetitions(), again.num_qubits()) == (FORTE, 300, 2)
    assert again.results() == job.results()


def test_a_batch_runs_on_a_machine(service):
    flips = [cirq.Circuit(cirq.X(Q[n]), cirq.measure(*Q[:2], key="m")) for n in (0, 1)]
    job = service.create_batch_job([BELL, *flips], repetitions=200, target=FORTE)
    counts = [result.counts("m") for result in job.results()]
    assert [sum(found.values()) for found in counts] == [200] * 3
    assert [found.most_common(1)[0][0] for found in counts[1:]] == [0b10, 0b01]
    assert counts[0][0b00] + counts[0][0b11] > 180


def test_a_batch_runs_with_noise(service):
    results = service.run_batch([BELL, BELL], 100, noise={"model": "aria-1", "seed": 2}, seed=1)
    assert [sum(result.histogram(key="m").values()) for result in results] == [100, 100]


def test_its_sampler_runs_on_a_machine(service):
    result = service.sampler(target=FORTE).run(BELL, repetitions=50)
    assert sum(result.histogram(key="m").values()) == 50


# --- Pauli exponentials ----------------------------------------------------------------------


def test_a_pauli_exponential_is_that_of_cirqs_own_simulator(service):
    x, y, z = cirq.X, cirq.Y, cirq.Z
    circuit = cirq.Circuit(
        cirq.H.on_each(*Q),
        cirq.T(Q[0]),
        cirq.rx(0.3)(Q[1]),
        cirq.ry(0.7)(Q[2]),
        cirq.PauliStringPhasor(x(Q[0]) * y(Q[1]) * z(Q[2]), exponent_neg=0.7, exponent_pos=0.2),
        cirq.PauliStringPhasor(z(Q[2]) * x(Q[0]), exponent_pos=-0.3),
        cirq.PauliStringPhasor(y(Q[1]), exponent_neg=0.8),
        cirq.H.on_each(*Q),
    )
    job = service.create_job(measured(circuit, *Q))
    assert job.results().probabilities() == pytest.approx(exact(circuit), abs=1e-7)


def test_a_pauli_exponential_runs_on_a_machine(service):
    flip = cirq.PauliStringPhasor(cirq.X(Q[0]) * cirq.X(Q[1]), exponent_neg=1)
    counts = service.run(measured(cirq.Circuit(flip), *Q[:2]), 200, target=FORTE).histogram(key="m")
    assert sum(counts.values()) == 200
    assert counts[0b11] > 180


# --- error mitigation ------------------------------------------------------------------------


def test_debiasing_needs_500_shots(service):
    settings = {"debiasing": True}
    with refused(400, "debiasing requires at least 500 shots"):
        service.create_job(BELL, 499, target=FORTE, error_mitigation=settings)
    job = service.create_job(BELL, 500, target=FORTE, error_mitigation=settings)
    assert job.results().repetitions() == 500


def test_a_debiased_job_can_be_sharpened(service):
    flipped = cirq.Circuit(cirq.X.on_each(*Q), cirq.measure(*Q, key="m"))
    job = service.create_job(flipped, 1000, target=FORTE, error_mitigation={"debiasing": True})
    averaged = job.results().counts()
    assert 900 < averaged[0b111] < 1000
    assert job.results(sharpen=False).counts() == averaged
    assert job.results(sharpen=True).counts() == {0b111: 1000}
    voted = job.results(extra_query_params={"aggregation": "majority"})
    assert voted.counts() == {0b111: 1000}
    result = service.run(flipped, 1000, target=FORTE, sharpen=True)
    assert result.histogram(key="m") == {0b111: 1000}


def test_a_debiased_batch_can_be_sharpened(service):
    flips = [cirq.Circuit(cirq.X(Q[n]), cirq.measure(*Q[:2], key="m")) for n in (0, 1)]
    job = service.create_batch_job(
        flips, repetitions=600, target=FORTE, error_mitigation={"debiasing": True}
    )
    assert [r.counts() for r in job.results(sharpen=True)] == [{0b10: 600}, {0b01: 600}]
    assert all(len(result.counts()) > 1 for result in job.results())


def test_a_job_that_is_not_debiased_has_nothing_to_sharpen(service):
    off = {"debiasing": False}
    job = service.create_job(BELL, 1000, target=FORTE, error_mitigation=off)
    assert job.results(sharpen=True) == job.results()
    assert len(job.results().counts()) == 4


# --- dry runs, sessions, pages ---------------------------------------------------------------


def test_a_dry_run_is_completed_without_results(service, send):
    job = service.create_job(BELL, 10_000, target=FORTE, dry_run=True)
    assert job.status() == "completed"
    with pytest.raises(cirq_ionq.IonQNotFoundException):
        job.results()
    assert send("GET", f"/jobs/{job.job_id()}/cost") == (
        200,
        {"dry_run": True, "estimated_cost": {"unit": "usd", "value": 168.2}},
    )


def test_a_dry_run_on_the_simulator_is_a_run(service):
    with pytest.warns(UserWarning, match="no effect on the simulator"):
        job = service.create_job(BELL, 100, dry_run=True)
    assert job.results().probabilities() == pytest.approx({0: 0.5, 3: 0.5})


def test_a_job_of_a_session_needs_one_that_goes_on(service, send):
    # It knows of sessions only what it is told to send.
    _, session = send("POST", "/sessions", {"backend": FORTE, "settings": {"job_count_limit": 2}})
    within = {"target": FORTE, "extra_query_params": {"session_id": session["id"]}}
    jobs = [service.create_job(BELL, **within) for _ in range(2)]
    _, listed = send("GET", f"/sessions/{session['id']}/jobs")
    assert [job["id"] for job in listed["jobs"]] == [jobs[1].job_id(), jobs[0].job_id()]
    with refused(400, "has had its 2 jobs"):
        service.create_job(BELL, **within)
    send("POST", f"/sessions/{session['id']}/end")
    with refused(400, "has ended"):
        service.create_job(BELL, **within)


def test_jobs_are_listed_by_pages(service):
    # It asks for the first page again if there is no other: only as many as there are.
    ids = [service.create_job(BELL).job_id() for _ in range(30)]
    assert [job.job_id() for job in service.list_jobs(limit=30)] == ids[::-1]


def test_a_job_goes_through_its_statuses(connect):
    job = connect(FakeIonQ(seed=1, transitions=Transitions.polls(1))).create_job(
        BELL, 100, target=FORTE
    )
    assert [job.status() for _ in range(4)] == ["ready", "started", "completed", "completed"]
    assert job.results().repetitions() == 100


# --- failures and refusals -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "options", "text"),
    [
        (26, {"noise": {"model": "aria-1"}}, "requires 26 qubits and the backend has 25"),
        (37, {"target": FORTE}, "requires 37 qubits and the backend has 36"),
        (1, {"target": FORTE, "repetitions": 10_001}, "qpu.forte-1 takes 10000 shots a job"),
    ],
)
def test_a_job_that_asks_for_too_much_fails_with_the_reason(service, width, options, text):
    circuit = cirq.Circuit(cirq.X(cirq.LineQubit(width - 1)), cirq.measure(Q[0], key="m"))
    job = service.create_job(circuit, **options)
    with pytest.raises(RuntimeError, match=text):
        job.results()
    with pytest.raises(cirq_ionq.IonQUnsuccessfulJobException, match="was failed"):
        job.target()


def test_a_batch_fails_with_a_circuit_of_it(service):
    circuits = [measured(circuit, *Q[:2]) for circuit in (ZZ_ONCE, MS_TWICE)]
    job = service.create_batch_job(circuits, target=FORTE)
    with pytest.raises(RuntimeError, match=r"child job .*: The backend has no native gate ms"):
        job.results()


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("qpu", "backend must be one of"),
        ("qpu.aria-1", "backend qpu.aria-1 is retired"),
        ("qpu.tempo-1", "backend qpu.tempo-1 is unavailable"),
    ],
)
def test_a_backend_that_takes_no_jobs_is_a_bad_request(service, target, text):
    with refused(400, text):
        service.create_job(BELL, target=target)


def test_its_calibrations_are_of_an_older_api(service):
    with refused(404, "could not find requested resource"):
        service.get_current_calibration()
    with refused(404, "could not find requested resource"):
        service.list_calibrations()


def test_calibrations_of_version_0_3_are_as_it_reads_them(service):
    service._client.url = service._client.url.replace("v0.4", "v0.3")  # as its older releases had
    newest = service.get_current_calibration()
    assert newest.target() == "qpu.forte-1"
    assert newest.timings()["2q"] == 0.00097
    assert len(newest.connectivity()) == 36 * 35
    found = service.list_calibrations()
    assert len(found) == 31  # one a day since the cloud began, and 30 before: in one page
    assert found[0].fidelities() == newest.fidelities()
    start = newest.calibration_time() - timedelta(days=3)
    later = service.list_calibrations(start=start, end=newest.calibration_time())
    assert [(newest.calibration_time() - one.calibration_time()).days for one in later] == [1, 2, 3]


def test_a_key_that_is_not_known_is_unauthorized(connect):
    service = connect(FakeIonQ(seed=1, keys={"good": "mine"}), "bad")
    with refused(401, "Not authorized"):
        service.create_job(BELL)
    with refused(401, "Not authorized"):
        service.get_job("0")


def test_a_key_without_the_scope_is_forbidden(connect):
    keys = {"all": "mine", "reader": Access("mine", scopes=["jobs:read"])}
    cloud = FakeIonQ(seed=1, keys=keys)
    job = connect(cloud, "all").create_job(BELL)
    reader = connect(cloud, "reader")
    assert reader.get_job(job.job_id()).results() == job.results()
    with refused(403, "Insufficient Scope"):
        reader.create_job(BELL)
    with refused(403, "Insufficient Scope"):
        reader.get_job(job.job_id()).cancel()
    with refused(403, "Insufficient Scope"):
        reader.get_job(job.job_id()).delete()


def test_a_key_and_its_project_have_their_limits(connect):
    keys = {
        "simulator": Access("mine", targets=["simulator"]),
        "poor": Access("poor", quota=30),
    }
    cloud = FakeIonQ(seed=1, keys=keys)
    simulator = connect(cloud, "simulator")
    job = simulator.create_job(BELL)
    with refused(403, f"no access to {FORTE}"):
        simulator.create_job(BELL, target=FORTE)
    poor = connect(cloud, "poor")
    with refused(404, "could not find"):
        poor.get_job(job.job_id())
    assert poor.create_job(BELL, target=FORTE).results().repetitions() == 100
    with pytest.raises(RuntimeError, match=r"costs 25.79 USD; 4.21 USD are left"):
        poor.create_job(BELL, target=FORTE).results()
