"""Large responses are those that small ones would be, and others are answered meanwhile."""

import json
import threading

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionq_toolkit_fake import FakeIonQ, faults
from ionq_toolkit_fake.api import large
from ionq_toolkit_fake.api.large import Later
from ionq_toolkit_fake.simulation.outcome import Distribution

KEY = {"Authorization": "apiKey test"}
CONTENT = st.recursive(
    st.none() | st.integers(0, 9) | st.floats(0, 1) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=2), inner),
)


@given(CONTENT)
def test_content_is_written_as_it_would_be_at_once(content):
    chunk, large._CHUNK = large._CHUNK, 3
    try:
        assert Later(lambda: content).encode() == msgspec.json.encode(content)
    finally:
        large._CHUNK = chunk


@pytest.mark.parametrize("size", [0, 1, 2**14, 2**14 + 1, 2**15])
def test_distribution_is_written_as_a_map_of_decimal_outcomes(size):
    outcomes = np.arange(size)
    distribution = Distribution(outcomes, np.linspace(0.1, 0.9, size))
    body = Later(lambda: {"of": distribution}).encode()
    assert json.loads(body) == {"of": large.as_map(distribution)}
    assert list(large.as_map(distribution)) == [str(one) for one in outcomes]


@pytest.fixture
def wide():
    """Return a cloud with a completed job of 2^15 outcomes, its id, and the path of its results."""
    cloud = FakeIonQ(1)
    gates = [{"gate": "h", "target": qubit} for qubit in range(15)]
    body = {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "input": {"qubits": 15, "circuit": gates},
    }
    made = json.loads(cloud.handle("POST", "/v0.4/jobs", KEY, json.dumps(body).encode()).body)
    assert cloud.handle("GET", f"/v0.4/jobs/{made['id']}", KEY).status == 200
    return cloud, f"/v0.4/jobs/{made['id']}/results/probabilities"


def test_others_are_answered_while_a_large_response_is_made(wide, monkeypatch):
    cloud, path = wide
    making, go_on = threading.Event(), threading.Event()
    encode = Later.encode

    def slow(self):
        making.set()
        assert go_on.wait(30)
        return encode(self)

    monkeypatch.setattr(Later, "encode", slow)
    answers = []
    reader = threading.Thread(target=lambda: answers.append(cloud.handle("GET", path, KEY)))
    reader.start()
    try:
        assert making.wait(30)
        assert cloud.handle("GET", "/v0.4/health", {}).status == 200  # would wait for ever
    finally:
        go_on.set()
        reader.join(30)
    found = json.loads(answers[0].body)
    assert len(found) == 2**15
    assert set(found.values()) == {2.0**-15}
    assert answers[0].headers["content-type"].startswith("application/json")


def test_large_response_is_logged_and_takes_faults(wide):
    cloud, path = wide
    whole = cloud.handle("GET", path, KEY)
    cloud.faults.add(faults.malformed(), on="GET /jobs/<job_id>/results/probabilities", times=1)
    cut = cloud.handle("GET", path, KEY)
    assert cut.body == whole.body[: len(whole.body) // 2]
    assert [one.status for one in cloud.requests[-2:]] == [200, 200]
    assert cloud.requests[-1].faults == ("malformed",)
    assert cut.headers["x-request-id"] == cloud.requests[-1].request_id


def test_large_response_that_cannot_be_made_is_a_defect(wide, monkeypatch, caplog):
    cloud, path = wide
    monkeypatch.setattr(Later, "encode", lambda self: 1 / 0)
    response = cloud.handle("GET", path, KEY)
    assert (response.status, "no answer to GET" in caplog.text) == (500, True)
    assert "x-request-id" in response.headers


def test_formats_of_a_large_job_are_those_of_a_small_one(wide, monkeypatch):
    cloud, path = wide
    job = json.loads(cloud.handle("GET", path.removesuffix("/results/probabilities"), KEY).body)
    paths = [
        f"/v0.4/jobs/{job['id']}/artifacts/{one['id']}"
        for one in job["results"].values()
        if "id" in one
    ]
    large_ones = [cloud.handle("GET", one, KEY).body for one in [path, *paths]]
    monkeypatch.setattr("ionq_toolkit_fake.api.results.LARGE", 2**20)
    assert [cloud.handle("GET", one, KEY).body for one in [path, *paths]] == large_ones
    assert len(paths) == 2
