"""What POST /jobs refuses, and what it takes and lets fail, beyond the plain circuit."""

import pytest

from ionq_toolkit_fake import FakeIonQ

QPU = "qpu.forte-1"
GPI = {"gate": "gpi", "target": 0, "phase": 0.1}
MS = {"gate": "ms", "targets": [0, 1], "phases": [0, 0.5]}
ZZ = {"gate": "zz", "targets": [0, 1], "angle": 0.25}
PAULI = {
    "gate": "pauliexp",
    "targets": [0, 1],
    "terms": ["XX"],
    "coefficients": [1.0],
    "time": 0.5,
}


@pytest.fixture
def submit(send, job_body):
    def submit(gates, gateset="native", **fields):
        body = job_body(gates, **fields)
        body["input"]["gateset"] = gateset
        status, reply = send("POST", "/jobs", body)
        return (status, reply) if status != 201 else (201, send("GET", f"/jobs/{reply['id']}")[1])

    return submit


@pytest.mark.parametrize("turns", [1.0, -1.0, 2.0, -7.0])
def test_a_phase_counts_without_its_whole_turns(send, submit, turns):
    """Cirq's Toffoli for Forte has a phase of 1.25; an eighth of a turn shows in the outcome."""

    def outcome(phase):
        gates = [
            {"gate": "gpi2", "target": 0, "phase": phase + 0.125},
            {"gate": "gpi", "target": 0, "phase": phase},
            {"gate": "gpi2", "target": 0, "phase": 0.0},
        ]
        assert submit(gates, backend=QPU)[1]["status"] == "completed"
        gates.append({**MS, "phases": [phase, phase + 0.3]})
        status, job = submit(gates)
        assert status == 201, job
        return send("GET", f"/jobs/{job['id']}/results/probabilities")[1]

    assert outcome(turns) == pytest.approx(outcome(0.0), rel=1e-9)


@pytest.mark.parametrize(
    ("wrong", "message", "key"),
    [
        ({"gate": "h", "target": 0}, "must be one of [gpi, gpi2, ms, zz, nop]", "gate"),
        ({**GPI, "phase": None}, "phase is required", "phase"),
        ({**GPI, "control": 1}, "is not for native gates", "control"),
        ({**GPI, "target": 2}, "names qubit 2", None),
        ({**MS, "phases": [0]}, "must have 2 values", "phases"),
        ({**MS, "angle": 0.3}, "must be from 0 to 0.25", "angle"),
        ({**MS, "angle": -0.1}, "must be from 0 to 0.25", "angle"),
        ({**MS, "targets": [0]}, "must name 2 qubit(s)", "targets"),
        ({**MS, "targets": [1, 1]}, "names a qubit twice", None),
        ({"gate": "zz", "targets": [0, 1]}, "angle is required", "angle"),
        ({**ZZ, "angle": 7}, "must be from 0 to 0.25", "angle"),
    ],
)
def test_a_native_gate_that_is_none_is_400(submit, wrong, message, key):
    status, reply = submit([GPI, wrong])
    assert status == 400
    assert message in reply["message"]
    path = "input.circuit.1" + (f".{key}" if key else "")
    assert reply["validation"]["keys"] == [path]


def test_native_gates_among_others_are_400(submit):
    status, reply = submit([{"gate": "h", "target": 0}, GPI], gateset="qis")
    assert (status, reply["validation"]["keys"]) == (400, ["input.circuit.1.gate"])


@pytest.mark.parametrize(
    ("gate", "fields", "fails"),
    [
        (MS, {"backend": QPU}, True),
        (ZZ, {"backend": QPU}, False),
        (MS, {"backend": "qpu.aria-1"}, False),
        (ZZ, {"backend": "qpu.aria-1"}, True),
        (MS, {}, False),
        (ZZ, {}, False),
        (MS, {"noise": {"model": "aria-1"}}, False),
        (ZZ, {"noise": {"model": "aria-1"}}, True),
        (MS, {"noise": {"model": "forte-1"}}, True),
        ({**ZZ, "angle": None, "phase": 0.25}, {"backend": QPU}, False),
    ],
)
def test_each_machine_has_one_entangler(sender, job_body, gate, fields, fails):
    send = sender(FakeIonQ(seed=1, statuses={"qpu.aria-1": "available"}))
    body = job_body([GPI, gate], **fields)
    body["input"]["gateset"] = "native"
    _, created = send("POST", "/jobs", body)
    job = send("GET", f"/jobs/{created['id']}")[1]
    assert job["status"] == ("failed" if fails else "completed")
    if fails:
        assert job["failure"]["code"] == "UnsupportedGate"
        assert gate["gate"] in job["failure"]["message"]


@pytest.mark.parametrize(
    ("change", "message", "key"),
    [
        ({"terms": None}, "terms is required", "terms"),
        ({"coefficients": None}, "coefficients is required", "coefficients"),
        ({"time": None}, "time is required", "time"),
        ({"time": -1}, "greater than or equal to 0", "time"),
        ({"terms": []}, "as many values as there are terms", "coefficients"),
        ({"coefficients": [1, 2]}, "as many values as there are terms", "coefficients"),
        ({"terms": ["XXX"]}, "must consist of 2 letters", "terms.0"),
        ({"terms": ["XQ"]}, "must consist of 2 letters", "terms.0"),
        ({"targets": []}, "must name 1 qubit(s)", "targets"),
    ],
)
def test_a_pauli_exponential_that_is_none_is_400(submit, change, message, key):
    status, reply = submit([{**PAULI, **change}], gateset="qis")
    assert status == 400
    assert message in reply["message"]
    assert reply["validation"]["keys"] == [f"input.circuit.0.{key}"]


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({"backend": "qpu.aria-1"}, ["backend"]),
        ({"backend": "qpu.forte-enterprise-2"}, ["backend"]),
        ({"metadata": {str(n): "" for n in range(11)}}, ["metadata"]),
        ({"metadata": {"k" * 41: ""}}, ["metadata"]),
        ({"metadata": {"k": "v" * 40_001}}, ["metadata.k"]),
        ({"noise": {"model": "aria-1", "seed": -1}}, ["noise.seed"]),
        ({"noise": {"model": "aria-1", "seed": 2**31}}, ["noise.seed"]),
        (
            {
                "backend": QPU,
                "shots": 499,
                "settings": {"error_mitigation": {"debiasing": True}},
            },
            ["settings.error_mitigation.debiasing", "shots"],
        ),
        (
            {"settings": {"error_mitigation": {"debiasing": "yes"}}},
            ["settings.error_mitigation.debiasing"],
        ),
        ({"settings": []}, ["settings"]),
    ],
)
def test_a_job_beyond_its_limits_is_400(submit, fields, keys):
    status, reply = submit([{"gate": "h", "target": 0}], gateset="qis", **fields)
    assert (status, reply["validation"]["keys"]) == (400, keys)


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": {str(n) * 20: "v" * 40_000 for n in range(10)}},
        {"settings": {"error_mitigation": {"debiasing": True}}, "shots": 10},
        {"settings": {"error_mitigation": {"debias": True}, "other": 1}},
        {"settings": {"compilation": {"opt": 0, "precision": "1E-3", "unheard": []}}},
        {"target": "simulator", "backend": None},
        {"noise": {}},
        {"noise": None},
        {"shots": None},
    ],
)
def test_what_is_at_the_limits_or_does_no_harm_is_taken(submit, fields):
    status, job = submit([{"gate": "h", "target": 0}], gateset="qis", **fields)
    assert (status, job["status"]) == (201, "completed")


def test_the_documents_settings_are_shown_and_others_are_not(submit):
    settings = {"compilation": {"opt": 0, "unheard": 1}, "error_mitigation": {"debias": False}}
    job = submit([], gateset="qis", settings=settings)[1]
    assert job["settings"] == {"compilation": {"opt": 0}, "error_mitigation": {}}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"backend": QPU, "shots": 10_001}, "TooManyShots"),
        ({"backend": QPU, "qubits": 37}, "NotEnoughQubits"),
        ({"qubits": 30}, "NotEnoughQubits"),
        ({"qubits": 26, "noise": {"model": "aria-1"}}, "NotEnoughQubits"),
        ({"qubits": 12, "noise": {"model": "harmony"}}, "NotEnoughQubits"),
    ],
)
def test_a_job_that_is_too_much_for_its_backend_fails(submit, fields, code):
    status, job = submit([{"gate": "h", "target": 0}], gateset="qis", **fields)
    assert (status, job["status"], job["failure"]["code"]) == (201, "failed", code)


@pytest.mark.slow
def test_too_many_gates_fail(submit):
    status, job = submit([{"gate": "x", "target": 0}] * 150_001, gateset="qis")
    assert (status, job["failure"]["code"]) == (201, "TooManyGates")


def test_a_widest_circuit_of_each_model_is_taken(submit):
    for model, width in {"ideal": 29, "aria-1": 25, "harmony": 11, "forte-1": 29}.items():
        noise = {"model": model}
        job = submit([{"gate": "x", "target": width - 1}], "qis", qubits=width, noise=noise)[1]
        assert job["status"] == "completed"


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("qubit q; nonsense", "PreflightError", "line"),
        ("OPENQASM 3.0; qubit q; frob q;", "PreflightError", "'frob' is not defined"),
        ("OPENQASM 3.0; qubit[30] q;", "NotEnoughQubits", "30 qubits"),
        ("OPENQASM 3.0;", "PreflightError", "no qubits"),
        (
            "OPENQASM 3.0; qubit q; bit c; if (c) { reset q; }",
            "CompilationError",
            "'if' is not supported",
        ),
        ("OPENQASM 3.0; bit c; c = measure $0;", "CompilationError", "physical qubit $0"),
        ("OPENQASM 3.0; input float a; qubit q;", "InvalidInput", "1 inputs"),
        ("OPENQASM 3.0; qubit[2] $0;", "PreflightError", "IonQ takes it: "),
        (
            "OPENQASM 3.0; qubit q; for int i in [0:1] { reset q[i]; }",
            "CompilationError",
            "'for' is",
        ),
        ("OPENQASM 3.0; qubit[1] q; reset q[3];", "PreflightError", "out of range"),
        ("", "PreflightError", "no qubits"),
    ],
)
def test_bad_openqasm_is_taken_and_fails_with_its_reason(send, source, code, message):
    body = {"type": "ionq.qasm3.v1", "backend": "simulator", "input": {"data": source}}
    status, created = send("POST", "/jobs", body)
    assert status == 201
    job = send("GET", f"/jobs/{created['id']}")[1]
    assert (job["status"], job["failure"]["code"]) == ("failed", code)
    assert message in job["failure"]["message"]
    assert not job["failure"]["message"].endswith(" ")


def energy(**changes):
    data = {
        "hamiltonian": [{"pauli_string": "Z", "coefficient": 1}],
        "ansatz": {"data": "OPENQASM 3.0; qubit q;"},
        **changes,
    }
    return {"data": {"type": "hamiltonian-energy", "data": data}}


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({}, "input.data"),
        ({"data": {"type": "frob", "data": {}}}, "input.data.type"),
        ({"data": {"type": "hamiltonian-energy", "data": {}}}, "input.data.data.hamiltonian"),
        (energy(hamiltonian=[]), "input.data.data.hamiltonian"),
        (
            energy(hamiltonian=[{"pauli_string": "A", "coefficient": 1}]),
            "input.data.data.hamiltonian.0.pauli_string",
        ),
        (energy(ansatz={}), "input.data.data.ansatz.data"),
        (energy(cvar_alpha=0), "input.data.data.cvar_alpha"),
        ({**energy(), "params": ["x"]}, "input.params.0"),
    ],
)
def test_a_function_that_is_none_is_400(send, body, key):
    job = {"type": "quantum-function", "backend": "simulator", "input": body}
    status, reply = send("POST", "/jobs", job)
    assert (status, reply["validation"]["keys"]) == (400, [key])


GRAPH = {"nodes": [{"id": 0}, {"id": 1}], "adjacency": [[{"id": 1}], [{"id": 0}]]}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"problem_type": "knapsack"}, "input.problem_type"),
        ({"problem": {**GRAPH, "nodes": []}}, "input.problem.nodes"),
        ({"problem": {**GRAPH, "nodes": [{"id": 0}, {"id": 0}]}}, "input.problem.nodes"),
        ({"problem": {**GRAPH, "adjacency": [[]]}}, "input.problem.adjacency"),
        ({"problem": {**GRAPH, "adjacency": [[{"id": 7}], []]}}, "input.problem.adjacency.0"),
        (
            {
                "problem": {
                    "nodes": [{"id": n} for n in range(30)],
                    "adjacency": [[] for _ in range(30)],
                }
            },
            "input.problem.nodes",
        ),
    ],
)
def test_a_graph_that_is_none_is_400(send, change, key):
    job = {
        "type": "qctrl.qaoa.v1",
        "backend": "simulator",
        "input": {"problem_type": "maxcut", "problem": GRAPH, **change},
        "external_settings": {"api_credentials": "x"},
    }
    status, reply = send("POST", "/jobs", job)
    assert (status, reply["validation"]["keys"]) == (400, [key])


def test_maxcut_needs_credentials(send):
    job = {
        "type": "qctrl.qaoa.v1",
        "backend": "simulator",
        "input": {"problem_type": "maxcut", "problem": GRAPH},
    }
    assert send("POST", "/jobs", job)[1]["validation"]["keys"] == ["external_settings"]
    job["external_settings"] = {}
    keys = send("POST", "/jobs", job)[1]["validation"]["keys"]
    assert keys == ["external_settings.api_credentials"]
