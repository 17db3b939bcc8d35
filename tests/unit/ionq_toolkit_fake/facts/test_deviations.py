"""The table of deviations: each shows when it is on, and is gone when it is left out."""

import json

import pytest

from ionq_toolkit_fake import DEVIATIONS, FakeIonQ
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
}


def test_each_has_a_sign():
    assert set(SIGNS) == set(DEVIATIONS)


@pytest.mark.parametrize("name", DEVIATIONS)
def test_each_is_on_by_default_and_can_be_left_out(sender, name):
    assert SIGNS[name](sender(FakeIonQ(seed=1)))
    assert not SIGNS[name](sender(FakeIonQ(seed=1, deviations=set(DEVIATIONS) - {name})))


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
    send = sender(FakeIonQ(seed=1, deviations=()))
    assert [name for name, sign in SIGNS.items() if sign(send)] == []
    assert json.dumps(send("GET", "/jobs")[1])
