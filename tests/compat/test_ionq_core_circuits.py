"""ionq-core runs circuits of every kind: qis, native, several at once, OpenQASM 3, with noise."""

import math

import pytest
from ionq_core import iter_jobs
from ionq_core.api.default import get_job, get_job_probabilities, get_jobs
from ionq_core.models import MultiCircuitJob, SingleCircuitJob

from ionq_toolkit_fake import FakeIonQ

# It warns of a URL that is not https.
pytestmark = pytest.mark.filterwarnings("ignore:base_url .* does not use HTTPS:UserWarning")

X0, X1 = [{"gate": "x", "target": 0}], [{"gate": "x", "target": 1}]
MS = [{"gate": "ms", "targets": [0, 1], "phases": [0.0, 0.0], "angle": 0.25}]


def probabilities_of(client, job_id):
    return get_job_probabilities.sync(job_id, client=client).to_dict()


@pytest.fixture
def native_body(job_body):
    def build(gates, qubits=2, **fields):
        body = job_body(gates, qubits, **fields)
        body["input"]["gateset"] = "native"
        return body

    return build


@pytest.fixture
def several(job_body):
    """Build the body of a job of several circuits, each an object."""

    def build(*circuits, **fields):
        body = job_body(**fields, type="ionq.multi-circuit.v1")
        return {**body, "input": {"gateset": "qis", "qubits": 2, "circuits": list(circuits)}}

    return build


def test_gates_of_the_qis_gateset_give_their_exact_distribution(client, run, job_body):
    gates = [
        {"gate": "ry", "target": 0, "rotation": 0.8},
        {"gate": "cnot", "control": 0, "target": 2},
        {"gate": "xx", "targets": [0, 1], "rotation": math.pi},
        {"gate": "z", "control": 0, "target": 1},
    ]
    job = run(client, job_body(gates, qubits=3))
    assert isinstance(job, SingleCircuitJob)
    assert (job.stats.qubits, job.stats.gate_counts.to_dict()) == (3, {"1q": 1, "2q": 3})
    # The xx turns bits 0 and 1 over.
    expected = {"3": math.cos(0.4) ** 2, "6": math.sin(0.4) ** 2}
    assert probabilities_of(client, job.id) == pytest.approx(expected)


def test_a_native_circuit_gives_its_exact_distribution(client, run, native_body):
    partly = {"gate": "ms", "targets": [0, 2], "phases": [0.1, 0.2], "angle": 0.1}
    job = run(client, native_body([{"gate": "gpi", "target": 1, "phase": 0.3}, partly], qubits=3))
    expected = {"2": math.cos(0.1 * math.pi) ** 2, "7": math.sin(0.1 * math.pi) ** 2}
    assert probabilities_of(client, job.id) == pytest.approx(expected)


def test_circuits_of_both_gatesets_are_children_of_one_job(client, run, fetch, several):
    body = several({"name": "plain", "circuit": X1}, {"circuit": MS, "gateset": "native"})
    job = run(client, body)
    assert isinstance(job, MultiCircuitJob)
    plain, native = (get_job.sync(child, client=client) for child in job.child_job_ids)
    assert isinstance(native, SingleCircuitJob)
    assert (plain.name, native.name) == ("plain", None)
    assert (plain.parent_job_id, native.parent_job_id) == (job.id, job.id)
    assert (plain.stats.gate_counts["1q"], native.stats.gate_counts["2q"]) == (1, 1)
    name = "ionq.result.probabilities-aggregate.json.v1"
    results = fetch(client, job, job.results[name])
    assert list(results) == job.child_job_ids
    assert results[plain.id] == probabilities_of(client, plain.id) == {"2": 1.0}
    assert results[native.id] == pytest.approx({"0": 0.5, "3": 0.5})


def test_registers_of_a_circuit_are_told_apart(client, run, fetch, several):
    registers = {"one": [1], "two": [2, 1]}
    job = run(client, several({"circuit": X1, "qubits": 3, "registers": registers}))
    child = get_job.sync(job.child_job_ids[0], client=client)
    content = fetch(client, child, child.results["ionq.result.probabilities.json.v2"])
    assert content == {"probabilities": {"registers": {"one": {"1": 1.0}, "two": {"10": 1.0}}}}


def test_children_are_listed_only_when_they_are_asked_for(client, run, several):
    job = run(client, several({"circuit": X0}, {"circuit": X1}, {"circuit": X0}))
    children = get_jobs.sync(client=client, parent_job_id=job.id, limit=2)
    assert [child.id for child in children.jobs] == job.child_job_ids[:0:-1]
    assert children.next_ == job.child_job_ids[0]
    assert [listed.id for listed in iter_jobs(client)] == [job.id]


def test_a_job_fails_with_its_child_and_the_others_have_results(client, run, several):
    wide = {"circuit": X0, "qubits": 30}
    job = run(client, several({"circuit": X0}, wide))
    good, bad = job.child_job_ids
    assert (job.status, job.failure.code) == ("failed", "NotEnoughQubits")
    assert bad in job.failure.message
    assert get_job.sync(bad, client=client).failure.code == "NotEnoughQubits"
    assert probabilities_of(client, good) == {"1": 1.0}


TELEPORTED = """OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[1] mid;
bit[2] out;
x q[0];
cx q[0], q[1];
mid[0] = measure q[0];
reset q[0];
out = measure q;
"""


@pytest.fixture
def qasm3():
    """Build the body of a job of an OpenQASM 3 program."""

    def build(source, **fields):
        base = {"type": "ionq.qasm3.v1", "backend": "simulator", "input": {"data": source}}
        return {**base, **fields}

    return build


def test_an_openqasm_program_has_results_by_register(client, run, fetch, qasm3):
    job = run(client, qasm3(TELEPORTED))
    assert (job.type_, job.status, job.stats.qubits) == ("ionq.qasm3.v1", "completed", 2)
    content = fetch(client, job, job.results["ionq.result.probabilities.json.v2"])
    assert content == {"probabilities": {"registers": {"mid": {"1": 1.0}, "out": {"10": 1.0}}}}
    assert probabilities_of(client, job.id) == {"5": 1.0}


def test_an_openqasm_program_with_noise_has_shots_by_register(client, run, fetch, qasm3):
    body = qasm3(TELEPORTED, shots=200, noise={"model": "forte-1", "seed": 5})
    job = run(client, body)
    shots = fetch(client, job, job.results["ionq.result.shots.json.v2"])["shots"]
    usual = {"registers": {"mid": [1], "out": [0, 1]}}
    assert len(shots) == 200
    assert 190 <= shots.count(usual) < 200
    counts = fetch(client, job, job.results["ionq.result.histogram.json.v2"])["histogram"]
    assert counts["registers"]["mid"]["1"] == sum(s["registers"]["mid"] == [1] for s in shots)


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("qubit[2] q; nonsense", "PreflightError", "nonsense"),
        ("qubit[40] q; h q[0];", "NotEnoughQubits", "40 qubits"),
        ("h $0;", "CompilationError", "physical qubit"),
        ("qubit[1] q; bit c; c = measure q[0]; if (c) { x q[0]; }", "CompilationError", "if"),
    ],
)
def test_a_bad_openqasm_program_is_taken_and_fails(client, run, qasm3, source, code, message):
    job = run(client, qasm3(f"OPENQASM 3.0;\n{source}"))
    assert (job.status, job.failure.code, job.results) == ("failed", code, None)
    assert message in job.failure.message


@pytest.fixture
def noisy(client, run, fetch, job_body, bell_gates):
    """Run a Bell pair made with eleven gates instead of one; return the job and its histogram."""
    gates = bell_gates + 10 * bell_gates[1:]

    def noisy(model, seed, shots):
        job = run(client, job_body(gates, shots=shots, noise={"model": model, "seed": seed}))
        return job, fetch(client, job, job.results["ionq.result.histogram.json.v1"])

    return noisy


@pytest.mark.parametrize(
    ("model", "rate"),
    [("aria-1", 0.0133), ("aria-2", 0.01856), ("forte-1", 0.01413), ("harmony", 0.12)],
)
def test_a_noise_model_is_as_noisy_as_its_rate(noisy, model, rate):
    job, histogram = noisy(model, seed=11, shots=1500)
    assert (job.noise.model, job.noise.seed, job.shots) == (model, 11, 1500)
    assert sum(histogram.values()) == 1500
    # The compiler leaves one of eleven equal gates, which depolarises a pair at its rate.
    odd = rate / 2
    wrong = (histogram.get("1", 0) + histogram.get("2", 0)) / 1500
    assert wrong == pytest.approx(odd, abs=4 * math.sqrt(odd / 1500))


def test_the_seed_of_the_noise_repeats_a_histogram_and_another_does_not(noisy):
    first, again, other = (noisy("aria-1", seed, shots=300)[1] for seed in (3, 3, 4))
    assert first == again != other


def test_an_ideal_simulation_has_no_shots(client, run, job_body):
    job = run(client, job_body(shots=50)).to_dict()
    assert job["noise"] == {"model": "ideal"}
    assert "shots" not in job
    assert "ionq.result.shots.json.v1" not in job["results"]


@pytest.mark.parametrize(
    ("model", "qubits", "code"),
    [
        ("aria-1", 26, "NotEnoughQubits"),
        ("harmony", 12, "NotEnoughQubits"),
        ("forte-1", 2, "UnsupportedGate"),
    ],
)
def test_a_noise_model_has_the_limits_of_its_machine(client, run, native_body, model, qubits, code):
    job = run(client, native_body(MS, qubits, noise={"model": model}))
    assert (job.status, job.failure.code) == ("failed", code)


def test_a_simulation_shows_what_it_was_compiled_to_if_it_is_asked_for(
    client_of, run, fetch, job_body, bell_gates
):
    client = client_of(FakeIonQ(seed=7, deviations=()))
    settings = {"compilation": {"service_version": "v0.4"}}
    job = run(client, job_body(bell_gates, settings=settings))
    compiled = job.output.compilation.compiled_circuits["ionq.native.v1"]
    gates = [gate["gate"] for gate in fetch(client, job, compiled)["circuit"]]
    assert gates.count("zz") == 1
    assert set(gates) <= {"gpi", "gpi2", "zz"}
    assert not run(client, job_body(bell_gates)).output.compilation.to_dict()


def test_nothing_of_a_job_is_lost_when_it_is_parsed(
    nothing_is_lost, job_body, several, qasm3, bell_gates
):
    settings = {"error_mitigation": {"debiasing": True, "symmetry_verification": True}}
    mitigated = {"backend": "qpu.forte-1", "shots": 500, "settings": settings}
    assert nothing_is_lost(job_body(bell_gates, **mitigated))
    assert nothing_is_lost(job_body(bell_gates, noise={"model": "aria-1", "seed": 1}, shots=20))
    assert nothing_is_lost(job_body(bell_gates, backend="qpu.forte-1", dry_run=True))
    assert nothing_is_lost(several({"circuit": X0}, {"circuit": X1}, metadata={"a": "b"}))
    assert nothing_is_lost(several({"circuit": X0}, {"circuit": X0, "qubits": 30}))  # it fails
    assert nothing_is_lost(qasm3(TELEPORTED))
