"""Results in every format, of every kind of job."""

from collections import Counter

import jsonschema
import pytest

from ionq_toolkit_fake import FakeIonQ, Transitions

QPU = "qpu.forte-1"
BELL = ({"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1})
V1, V2 = "ionq.result.{}.json.v1", "ionq.result.{}.json.v2"


@pytest.fixture
def fetch(send):
    """Fetch an artifact by its descriptor, held against the schema that its format has."""

    def fetch(job, descriptor):
        assert descriptor["media_type"] == "application/json"
        status, content = send("GET", f"/jobs/{job['id']}/artifacts/{descriptor['id']}")
        assert status == 200
        schema = send("GET", f"/schemas/formats/{descriptor['format']}")[1]
        jsonschema.Draft7Validator(schema).validate(content)
        return content

    return fetch


@pytest.fixture
def result(send):
    """Fetch a result by its url."""

    def result(job, kind, query=""):
        url = job["results"][kind]["url"]
        status, content = send("GET", url.removeprefix("/v0.4") + query)
        assert status == 200, content
        return content

    return result


def test_an_ideal_simulation_has_probabilities_alone(completed):
    results = completed(BELL)["results"]
    assert set(results) == {"probabilities", V1.format("probabilities"), V2.format("probabilities")}


@pytest.mark.parametrize("fields", [{"noise": {"model": "aria-1"}}, {"backend": QPU}])
def test_shots_histogram_and_probabilities_are_of_the_same_runs(completed, fetch, result, fields):
    job = completed(({"gate": "x", "target": 2}, *BELL), 3, shots=200, **fields)
    assert (job["shots"], set(job["results"])) == (
        200,
        {
            *(kind for kind in ("probabilities", "histogram", "shots")),
            *(V1.format(kind) for kind in ("probabilities", "histogram", "shots")),
            *(V2.format(kind) for kind in ("probabilities", "histogram", "shots")),
        },
    )
    shots = result(job, "shots")
    assert len(shots) == 200
    counts = Counter(shots)
    assert result(job, "histogram") == counts
    assert result(job, "probabilities") == {key: n / 200 for key, n in counts.items()}
    v1, v2 = (
        {kind: fetch(job, job["results"][form.format(kind)]) for kind in ("histogram", "shots")}
        for form in (V1, V2)
    )
    assert v1 == {"histogram": counts, "shots": shots}
    rows = [row["registers"]["output_all"] for row in v2["shots"]["shots"]]
    assert [str(sum(bit << n for n, bit in enumerate(row))) for row in rows] == shots
    by_bits = v2["histogram"]["histogram"]["registers"]["output_all"]
    assert {str(int(bits, 2)): n for bits, n in by_bits.items()} == counts
    assert {len(bits) for bits in by_bits} == {3}


def test_registers_are_named_parts_of_the_outcome(completed, fetch, send, job_body):
    flips = [{"gate": "x", "target": 0}, {"gate": "h", "target": 2}]
    body = job_body(flips, 3, noise={"model": "forte-1", "seed": 1}, shots=50)
    body["input"]["registers"] = {"low": [0, 1], "mixed": [2, None, 0]}
    _, created = send("POST", "/jobs", body)
    job = send("GET", f"/jobs/{created['id']}")[1]
    shots = fetch(job, job["results"][V2.format("shots")])["shots"]
    raw = fetch(job, job["results"][V1.format("shots")])
    assert len(shots) == 50
    for row, outcome in zip(shots, map(int, raw), strict=True):
        assert row["registers"] == {
            "low": [outcome & 1, outcome >> 1 & 1],
            "mixed": [outcome >> 2 & 1, 0, outcome & 1],
        }
    parts = fetch(job, job["results"][V2.format("probabilities")])["probabilities"]["registers"]
    assert set(parts) == {"low", "mixed"}
    assert sum(parts["mixed"].values()) == pytest.approx(1)
    assert set(parts["mixed"]) <= {"000", "001", "100", "101"}


def test_openqasm_registers_have_their_own_results(send, fetch):
    source = (
        'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit mid; bit[2] last;'
        "h q[0]; mid = measure q[0]; reset q[0]; x q[1]; last = measure q;"
    )
    body = {"type": "ionq.qasm3.v1", "input": {"data": source}, "shots": 100}
    found = {}
    for name, fields in {
        "ideal": {"backend": "simulator"},
        "noisy": {"backend": "simulator", "noise": {"model": "forte-1", "seed": 2}},
    }.items():
        _, created = send("POST", "/jobs", {**body, **fields})
        job = send("GET", f"/jobs/{created['id']}")[1]
        assert (job["stats"]["qubits"], job["stats"]["gate_counts"]) == (2, {"1q": 2, "2q": 0})
        found[name] = fetch(job, job["results"][V2.format("probabilities")])["probabilities"]
    exact = found["ideal"]["registers"]
    assert exact["mid"] == pytest.approx({"0": 0.5, "1": 0.5})
    assert exact["last"] == pytest.approx({"10": 1})
    assert found["noisy"]["registers"]["mid"]["0"] == pytest.approx(0.5, abs=0.2)


def test_a_machine_shows_what_it_ran(completed, fetch):
    job = completed(BELL, backend=QPU, shots=100)
    compiled = job["output"]["compilation"]["compiled_circuits"]["ionq.native.v1"]
    circuit = fetch(job, compiled)
    names = Counter(gate["gate"] for gate in circuit["circuit"])
    assert (circuit["qubits"], names["zz"]) == (2, 1)
    assert set(names) <= {"gpi", "gpi2", "zz"}
    counts = job["stats"]["gate_counts"]
    assert counts["2q"] == counts["ZZq"] == 1
    assert counts["1q"] == names["gpi"] + names["gpi2"]
    assert job["cost_model"] == "2QGE_operations"
    assert "noise" not in job


def test_a_compiled_circuit_can_be_sent_again_and_gives_the_same(completed, fetch, result, send):
    gates = (*BELL, {"gate": "ry", "target": 1, "rotation": 0.7}, {"gate": "x", "target": 2})
    job = completed(gates, 3, settings={"compilation": {"service_version": "v0.4"}})
    compiled = job["output"]["compilation"]["compiled_circuits"]["ionq.native.v1"]
    circuit = fetch(job, compiled)
    body = {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "input": {"gateset": "native", **circuit},
    }
    _, created = send("POST", "/jobs", body)
    again = send("GET", f"/jobs/{created['id']}")[1]
    assert result(again, "probabilities") == pytest.approx(result(job, "probabilities"))


def test_debiasing_is_on_by_default_with_500_shots_and_shows_its_variants(completed, fetch):
    job = completed(BELL, backend=QPU, shots=500)
    mitigation = job["output"]["error_mitigation"]
    variants = mitigation["debiasing"]["variants"]
    assert (len(variants), sum(v["shots"] for v in variants)) == (32, 500)
    assert len({v["variant_id"] for v in variants}) == 32
    for variant in variants:
        assert len(set(variant["qubit_map"])) == 2
        assert max(variant["qubit_map"]) < 36
    of_all = Counter()
    for variant in variants:
        part = fetch(job, variant["results"][V2.format("histogram")])
        of_all.update(part["histogram"]["registers"]["output_all"])
        shots = fetch(job, variant["results"][V2.format("shots")])["shots"]
        assert len(shots) == variant["shots"]
    whole = fetch(job, job["results"][V2.format("histogram")])
    assert whole["histogram"]["registers"]["output_all"] == of_all
    average = fetch(job, mitigation["aggregations"]["average"])
    assert average == whole


@pytest.mark.parametrize(
    ("shots", "fields", "on"),
    [
        (499, {}, False),
        (500, {}, True),
        (500, {"settings": {"error_mitigation": {"debiasing": False}}}, False),
        (500, {"settings": {"error_mitigation": {"debiasing": True}}}, True),
    ],
)
def test_debiasing_is_on_or_off(completed, shots, fields, on):
    job = completed(BELL, backend=QPU, shots=shots, **fields)
    debiasing = job["output"]["error_mitigation"]["debiasing"]
    assert (debiasing is not False) is on


def test_sharpening_takes_the_most_frequent_outcome_of_each_variant(completed, fetch, result):
    gates = [{"gate": "x", "target": q} for q in range(4)] * 51
    job = completed(gates, 4, backend=QPU, shots=640)
    plain = result(job, "probabilities")
    assert 0.8 < plain["15"] < 1
    assert result(job, "probabilities", "?sharpen=false") == plain
    assert result(job, "probabilities", "?aggregation=average") == plain
    assert result(job, "probabilities", "?sharpen=true") == {"15": 1}
    assert result(job, "probabilities", "?aggregation=voting") == {"15": 1}
    assert result(job, "probabilities", "?aggregation=majority") == {"15": 1}
    voting = job["output"]["error_mitigation"]["aggregations"]["voting"]
    assert fetch(job, voting)["histogram"]["registers"]["output_all"] == {"1111": 640}


def test_sharpening_changes_nothing_without_variants(completed, result):
    job = completed(BELL, noise={"model": "harmony", "seed": 1}, shots=1000)
    assert result(job, "probabilities", "?sharpen=true") == result(job, "probabilities")
    assert len(result(job, "probabilities")) == 4


@pytest.mark.parametrize(
    ("query", "status", "key"),
    [("sharpen=1", 400, "sharpen"), ("aggregation=best", 400, "aggregation")],
)
def test_results_reject_unknown_aggregation(send, completed, query, status, key):
    path = f"/jobs/{completed()['id']}/results/probabilities?{query}"
    found, reply = send("GET", path)
    assert (found, reply["validation"]) == (status, {"source": "query", "keys": [key]})


def test_filtering_suppresses_what_few_variants_have(completed, fetch, result):
    gates = [{"gate": "x", "target": q} for q in range(4)] * 51
    job = completed(gates, 4, backend=QPU, shots=640)
    plain, sharp = (result(job, "probabilities", q) for q in ("", "?aggregation=dnl"))
    assert set(plain) == set(sharp)
    assert plain["15"] < sharp["15"] < 1
    assert sum(sharp.values()) == pytest.approx(1)
    rare = min(plain, key=plain.get)
    assert sharp[rare] < plain[rare] / 100
    dnl = job["output"]["error_mitigation"]["aggregations"]["dnl"]
    counts = fetch(job, dnl)["histogram"]["registers"]["output_all"]
    assert sum(counts.values()) == 640


def test_symmetry_verification_drops_what_cannot_be(completed, result):
    gates = (*BELL, *BELL * 20)
    fields = {"backend": QPU, "shots": 400}
    plain = completed(gates, **fields)
    wanted = {"error_mitigation": {"symmetry_verification": True}}
    verified = completed(gates, settings=wanted, **fields)
    possible = set(result(completed(gates), "probabilities"))
    assert len(possible) < 4
    assert set(result(plain, "probabilities")) > possible
    assert set(result(verified, "probabilities")) == possible
    assert verified["output"]["error_mitigation"]["symmetry_verification"] == {
        "applied": True,
        "num_allowed_states": len(possible),
    }
    assert sum(result(verified, "histogram").values()) < 400


def test_a_dry_run_compiles_and_does_not_run(send, job_body, completed, fetch):
    job = completed(BELL, backend=QPU, shots=500, dry_run=True)
    assert (job["status"], job["dry_run"], job["results"]) == ("completed", True, None)
    assert (job["started_at"], job["execution_duration_ms"]) == (None, None)
    compiled = job["output"]["compilation"]["compiled_circuits"]["ionq.native.v1"]
    assert fetch(job, compiled)["qubits"] == 2
    for path in ("results/probabilities", "results/shots", "artifacts/probabilities"):
        assert send("GET", f"/jobs/{job['id']}/{path}")[0] == 404


def test_a_dry_run_is_never_ready_nor_started(sender, job_body):
    send = sender(FakeIonQ(seed=1, transitions=Transitions.polls(1)))
    _, job = send("POST", "/jobs", job_body(backend=QPU, dry_run=True))
    seen = [send("GET", f"/jobs/{job['id']}")[1]["status"] for _ in range(5)]
    assert seen == ["submitted", "submitted", "submitted", "completed", "completed"]


def test_a_dry_run_makes_no_difference_on_the_simulator(completed, result):
    job = completed(BELL, dry_run=True)
    assert result(job, "probabilities") == pytest.approx({"0": 0.5, "3": 0.5})


def test_children_have_their_own_results_and_their_parent_all(send, fetch):
    circuits = [
        {"qubits": 2, "circuit": list(BELL), "name": "bell"},
        {"qubits": 1, "circuit": [{"gate": "gpi", "target": 0, "phase": 0}], "gateset": "native"},
    ]
    body = {
        "type": "ionq.multi-circuit.v1",
        "backend": QPU,
        "shots": 500,
        "input": {"gateset": "qis", "circuits": circuits},
        "settings": {"error_mitigation": {"debiasing": True}},
    }
    _, created = send("POST", "/jobs", body)
    parent = send("GET", f"/jobs/{created['id']}")[1]
    assert (parent["stats"], parent["output"], parent["metadata"]) == ({}, {}, None)
    form = "ionq.result.probabilities-aggregate.json.v1"
    merged = fetch(parent, parent["results"][form])
    assert list(merged) == parent["child_job_ids"]
    for child_id, probabilities in merged.items():
        child = send("GET", f"/jobs/{child_id}")[1]
        assert child["parent_job_id"] == parent["id"]
        assert len(child["output"]["error_mitigation"]["debiasing"]["variants"]) == 32
        assert fetch(child, child["results"][V1.format("probabilities")]) == probabilities
        assert sum(send("GET", f"/jobs/{child_id}/results/histogram")[1].values()) == 500
    path = f"/jobs/{parent['id']}/results/probabilities/aggregated?sharpen=true"
    assert list(send("GET", path)[1]) == parent["child_job_ids"]


@pytest.mark.parametrize("lang", ["native", "qasm3"])
def test_compiled_circuits_are_gone_from_where_they_were(send, completed, lang):
    status, reply = send("GET", f"/jobs/{completed()['id']}/circuits/{lang}")
    assert (status, reply["error"]) == (410, "Gone")


def test_the_same_job_has_the_same_artifacts_and_shots_each_time(send, completed, result):
    job = completed(BELL, backend=QPU, shots=500)
    assert send("GET", f"/jobs/{job['id']}")[1] == job
    assert result(job, "shots") == result(job, "shots")


def test_a_noise_seed_gives_the_same_result_and_another_another(completed, result):
    def shots(seed):
        noise = {"model": "harmony", "seed": seed}
        return result(completed(BELL, noise=noise, shots=300), "shots")

    assert shots(5) == shots(5)
    assert shots(5) != shots(6)
    assert shots(None) != shots(None)


def test_a_quantum_function_has_a_value(send):
    source = "OPENQASM 3.0; input float b; input float a; qubit q; ry(a) q; rz(b) q;"
    data = {
        "hamiltonian": [
            {"pauli_string": "Z", "coefficient": -1.0},
            {"pauli_string": "X", "coefficient": 2.0},
        ],
        "ansatz": {"data": source},
    }
    body = {
        "type": "quantum-function",
        "backend": "simulator",
        "input": {"data": {"type": "hamiltonian-energy", "data": data}, "params": [0, 1.5707963]},
    }
    _, created = send("POST", "/jobs", body)
    job = send("GET", f"/jobs/{created['id']}")[1]
    assert job["results"] == {
        "value": pytest.approx(2, abs=1e-6),
        "variance": pytest.approx(1, abs=1e-6),
    }
    assert (job["stats"], job["output"], job["child_job_ids"]) == ({}, {}, None)


def test_maxcut_has_a_solution_and_the_jobs_that_found_it(send):
    ring = [[{"id": 1}, {"id": 3}], [{"id": 0}, {"id": 2}], [{"id": 1}, {"id": 3}]]
    ring.append([{"id": 0}, {"id": 2}])
    body = {
        "type": "qctrl.qaoa.v1",
        "backend": "simulator",
        "input": {
            "problem_type": "maxcut",
            "problem": {"nodes": [{"id": n} for n in range(4)], "adjacency": ring},
        },
        "external_settings": {"api_credentials": "x"},
    }
    _, created = send("POST", "/jobs", body)
    job = send("GET", f"/jobs/{created['id']}")[1]
    solved = job["results"]["qaoa_results"]
    assert solved["optimal_cost"] == -4
    assert solved["optimal_bitstring"] in {"0101", "1010"}
    children = send("GET", f"/jobs?parent_job_id={job['id']}")[1]["jobs"]
    assert {child["id"] for child in children} == set(job["child_job_ids"])
    assert {(c["type"], c["status"]) for c in children} == {("qctrl.qaoa-circuit.v1", "completed")}
    histogram = send("GET", f"/jobs/{children[0]['id']}/results/probabilities")[1]
    assert sum(histogram.values()) == pytest.approx(1)


def test_neighbouring_seeds_have_nothing_in_common(completed, result):
    def shots(seed):
        noise = {"model": "harmony", "seed": seed}
        return result(completed(BELL * 5, noise=noise, shots=500), "histogram")

    found = [tuple(sorted(shots(seed).items())) for seed in range(1, 7)]
    assert len(set(found)) == 6


def test_an_openqasm_job_on_a_machine_is_compiled_and_mitigated(send, fetch, result):
    source = 'OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; bit[2] c; x q[0]; h q[2];'
    source += "cx q[2], q[1]; c[0] = measure q[0]; c[1] = measure q[1];"
    body = {"type": "ionq.qasm3.v1", "backend": QPU, "shots": 500, "input": {"data": source}}
    _, created = send("POST", "/jobs", body)
    job = send("GET", f"/jobs/{created['id']}")[1]
    assert len(job["output"]["error_mitigation"]["debiasing"]["variants"]) == 32
    compiled = job["output"]["compilation"]["compiled_circuits"]["ionq.native.v1"]
    assert {gate["gate"] for gate in fetch(job, compiled)["circuit"]} <= {"gpi", "gpi2", "zz"}
    histogram = result(job, "histogram")
    assert histogram["1"] + histogram["3"] > 470
    assert min(histogram["1"], histogram["3"]) > 180
