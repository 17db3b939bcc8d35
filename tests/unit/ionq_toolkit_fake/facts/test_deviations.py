"""The table of deviations: each shows when it is on, and is gone when it is left out."""

import json

import pytest

from ionq_toolkit_fake import DEVIATIONS, FakeIonQ, Transitions
from ionq_toolkit_fake.api.operations import OPERATIONS

H = {"gate": "h", "target": 0}
FORTE = "/backends/qpu.forte-1/characterizations"


def job(send, **fields):
    body = {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "input": {"gateset": "qis", "qubits": 1, "circuit": [H]},
        **fields,
    }
    _, created = send("POST", "/jobs", body)
    return send("GET", f"/jobs/{created['id']}")[1]


def without_qubits(send):
    return job(send, input={"gateset": "qis", "circuit": [H]})


def some_null_median(send):
    for record in _all(send):
        body = send("GET", f"{FORTE}/{record['id']}")[1]
        medians = [body["fidelity"].get(name, {"median": 0})["median"] for name in ("1q", "2q")]
        if None in medians or body["fidelity"].get("1q", {}).get("stderr") == 0:
            return True
    return False


def backfilled(send):
    """Whether a page shows a median that the record itself has not."""
    for record in _all(send):
        alone = send("GET", f"{FORTE}/{record['id']}")[1]["fidelity"]
        for name in ("1q", "2q"):
            there = (record["fidelity"].get(name) or {}).get("median")
            if there is not None and (alone.get(name) or {}).get("median") is None:
                return True
    return False


def _all(send):
    return [
        record
        for page in range(1, 5)
        for record in send("GET", f"{FORTE}?page={page}")[1]["characterizations"]
    ]


def of_unknown_backend(send):
    return send("GET", "/backends/qpu.qpu/characterizations")[0] == 200


def usage(send):
    job(send, backend="qpu.forte-1")
    query = "start_date=2026-01-01&end_date=2026-01-02&group_by=user&modality=daily"
    return send("GET", f"/organizations/com.example/usage?{query}")[1]["usage_data"][0]["from"]


def created_without_backend(send):
    body = {"type": "ionq.circuit.v1", "target": "qpu.forte-1"}
    body["input"] = {"gateset": "qis", "qubits": 1, "circuit": [H]}
    return send("POST", "/jobs", body)[0] == 201


QPU, UNMITIGATED = "qpu.forte-1", {"error_mitigation": {"debiasing": False}}
BELL = {"qubits": 2, "circuit": [H, {"gate": "cnot", "control": 0, "target": 1}]}
FOLDED = {"qubits": 2, "circuit": [H, *[{"gate": "cnot", "control": 0, "target": 1}] * 81]}


def disagreements(send, circuit, model, **fields):
    """How often the two qubits of a Bell pair disagree, in 2000 shots."""
    fields = {"noise": {"model": model, "seed": 3}, **fields}
    done = job(send, shots=2000, input={**circuit, "gateset": "qis"}, **fields)
    found = send("GET", f"/jobs/{done['id']}/results/probabilities")[1]
    return found.get("1", 0) + found.get("2", 0)


def entanglers(send, backend, **fields):
    """How many gates on two qubits an interaction by a small angle is compiled to."""
    small = {"qubits": 2, "circuit": [H, {"gate": "zz", "targets": [0, 1], "rotation": 0.1}]}
    done = job(send, backend=backend, input=small, **fields)
    compiled = done["output"]["compilation"].get("compiled_circuits")
    if compiled is None:  # the noise of a simulator is not on what it is compiled to
        return 0
    artifact = compiled["ionq.native.v1"]["id"]
    native = send("GET", f"/jobs/{done['id']}/artifacts/{artifact}")[1]["circuit"]
    return sum(len(gate.get("targets", ())) == 2 for gate in native)


def equal_children(send):
    """Whether two Bell pairs have the same noisy results, in one job."""
    body = {"type": "ionq.multi-circuit.v1", "shots": 200, "noise": {"model": "harmony"}}
    parent = job(send, **body, input={"circuits": [BELL, BELL]})
    found = send("GET", f"/jobs/{parent['id']}/results/probabilities/aggregated")[1]
    first, second = found.values()
    return first == second


def refuses_signed_zz(send):
    circuit = [{"gate": "zz", "targets": [0, 1], "angle": -0.25}]
    body = {"type": "ionq.circuit.v1", "backend": "simulator"}
    body["input"] = {"gateset": "native", "qubits": 2, "circuit": circuit}
    return send("POST", "/jobs", body)[0] == 400


def bare_qpu(send):
    body = {"type": "ionq.circuit.v1", "backend": "qpu", "input": BELL}
    return send("POST", "/jobs", body)[1]["message"].endswith("for valid backends.")


def on_qpu(send, **fields):
    return job(send, backend=QPU, input={"gateset": "qis", **BELL}, **fields)


def estimate(send):
    return send("GET", f"/jobs/estimate?backend={QPU}")[1]


def session(send, **settings):
    return send("POST", "/sessions", {"backend": QPU, "settings": settings})[1]["id"]


def canceled_with_session(send):
    """A job that is held in the queue, as no simulation is done before it is asked for."""
    session_id = session(send)
    body = {"type": "ionq.circuit.v1", "backend": QPU, "session_id": session_id, "input": BELL}
    body["metadata"] = {"stays": "yes"}
    _, created = send("POST", "/jobs", body)
    send("POST", f"/sessions/{session_id}/end")
    return send("GET", f"/jobs/{created['id']}")[1]["status"] == "canceled"


def ended_by_cost(send):
    session_id = session(send, cost_limit={"value": 1})
    body = {"type": "ionq.circuit.v1", "backend": QPU, "session_id": session_id, "input": BELL}
    assert send("POST", "/jobs", body)[0] == 400
    return send("GET", f"/sessions/{session_id}")[1]["status"] == "ended"


#: What tells whether each is on.
SIGNS = {
    "results-urls": lambda send: "probabilities" in job(send)["results"],
    "failure-error": lambda send: "error" in without_qubits(send)["failure"],
    "compilation-code": lambda send: (
        without_qubits(send)["failure"]["code"] == "UnexpectedCompilationError"
    ),
    "debiasing-false": lambda send: (
        job(send)["output"]["error_mitigation"].get("debiasing") is False
    ),
    "compilation-output": lambda send: "opt" in job(send)["output"]["compilation"],
    "target-is-no-backend": created_without_backend,
    "characterizations-null": lambda send: (
        send("GET", "/backends/simulator/characterizations")[1]["characterizations"] is None
    ),
    "characterizations-of-any": of_unknown_backend,
    "characterizations-end": lambda send: (
        len(send("GET", f"{FORTE}?start=2026-01-01&end=2026-01-01")[1]["characterizations"] or ())
        == 1
    ),
    "characterizations-pages": lambda send: send("GET", f"{FORTE}?page=4")[1]["pages"] == 4,
    "characterizations-backfill": backfilled,
    "characterization-nulls": some_null_median,
    "characterization-times": lambda send: isinstance(
        send("GET", FORTE)[1]["characterizations"][0]["timing"]["1q"], float
    ),
    "backend-noise-models": lambda send: "noise_models" in send("GET", "/backends/simulator")[1],
    "usage-timestamps": lambda send: "T" in usage(send),
    "noise-on-compiled": lambda send: disagreements(send, FOLDED, "aria-1") < 0.05,
    "forte-1-rates": lambda send: disagreements(send, BELL, "forte-1") > 0.0045,
    "compiled-quarter-turns": lambda send: (
        entanglers(send, "simulator", noise={"model": "aria-1"}) == 2
    ),
    "forte-any-turns": lambda send: (
        entanglers(send, QPU) < entanglers(send, "simulator", noise={"model": "aria-1"})
    ),
    "qpu-loses-signal": lambda send: (
        disagreements(send, BELL, "ideal", backend=QPU, settings=UNMITIGATED) > 0.015
    ),
    "one-noise-seed": equal_children,
    "native-angles": refuses_signed_zz,
    "bare-qpu": bare_qpu,
    "list-limit": lambda send: send("GET", "/jobs?limit=250")[0] == 200,
    "projects-object": lambda send: "projects" in send("GET", "/projects")[1],
    "record-of-2026": lambda send: "kwh" in on_qpu(send)["stats"],
    "symmetry-verification-shown": lambda send: (
        "symmetry_verification" in on_qpu(send)["output"]["error_mitigation"]
    ),
    "prediction-is-short": lambda send: (
        (done := on_qpu(send))["predicted_execution_duration_ms"] < done["execution_duration_ms"]
    ),
    "degraded-missing": lambda send: (
        "degraded" not in send("GET", "/backends/qpu.forte-enterprise-1")[1]
    ),
    "estimate-both-keys": lambda send: "input_values" in estimate(send),
    "session-end-cancels": canceled_with_session,
    "session-cost-limit-ends": ended_by_cost,
}


def test_each_has_a_sign():
    assert set(SIGNS) == set(DEVIATIONS)


def _cloud(deviations):
    """Make a cloud in which some jobs wait in the queue."""
    cloud = FakeIonQ(seed=1, deviations=deviations)
    cloud.transitions.set(Transitions(started="never"), metadata={"stays": "yes"})
    return cloud


@pytest.mark.parametrize("name", DEVIATIONS)
def test_each_is_on_by_default_and_can_be_left_out(sender, name):
    assert SIGNS[name](sender(_cloud(DEVIATIONS)))
    assert not SIGNS[name](sender(_cloud(set(DEVIATIONS) - {name})))


@pytest.mark.parametrize("name", DEVIATIONS)
def test_each_says_where_it_is_and_who_saw_it(name):
    deviation = DEVIATIONS[name]
    assert set(deviation.operations) <= {operation.name for operation in OPERATIONS}
    assert all((deviation.operations, deviation.document, deviation.service, deviation.source))


def test_a_deviation_that_there_is_not_is_an_error():
    with pytest.raises(ValueError, match=r"'results-ulrs'.* Did you mean 'results-urls'"):
        FakeIonQ(deviations={"results-ulrs"})


@pytest.mark.slow
def test_without_any_the_replies_are_the_documents(sender):
    """Their shapes are checked for every reply; this sends what shows each deviation."""
    send = sender(_cloud(()))
    assert [name for name, sign in SIGNS.items() if sign(send)] == []
    assert json.dumps(send("GET", "/jobs")[1])
