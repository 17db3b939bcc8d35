"""Malformed bodies of v0.3: each is refused with a status and the key that is wrong."""

import json
import random

import pytest

from ionq_toolkit_fake import FakeIonQ

HEADERS = {"Authorization": "apiKey k"}
GOOD = {
    "target": "simulator",
    "shots": 100,
    "name": "n",
    "metadata": {"a": "b"},
    "noise": {"model": "ideal"},
    "error_mitigation": {"debias": False},
    "input": {
        "format": "ionq.circuit.v0",
        "gateset": "qis",
        "qubits": 2,
        "circuit": [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}],
    },
}
WRONG = [
    *("", "x", "\x00", "\ud800", "é" * 999, "__class__", "qpu.none", "NaN"),
    *(-1, 0.5, 10**400, 1e308, 2**63, True),
    *([], {}, [[]], {"a": {}}, [{}] * 100, "9" * 5000),
]


def paths(value, path=()):
    """Yield the path of each value in a body."""
    yield path
    if isinstance(value, (dict, list)):
        named = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in named:
            yield from paths(inner, (*path, name))


def malformed(number):
    """Return a body that is malformed, by number."""
    chance = random.Random(f"v0.3 {number}")
    text = json.dumps(GOOD)
    if number % 10 == 0:
        return text[: chance.randrange(len(text))].encode()
    if number % 10 == 1:
        return chance.choice([b"\xff\xfe", b"[" * 100_000, b'{"input":' * 50_000, b"null", b"7"])
    body = json.loads(text)
    for _ in range(chance.choice([1, 1, 3])):
        path = chance.choice([one for one in paths(body) if one])
        inner = body
        for name in path[:-1]:
            inner = inner[name]
        if chance.random() < 0.2:
            del inner[path[-1]]
        else:
            inner[path[-1]] = chance.choice(WRONG)
    return json.dumps(body).encode()


def post(cloud, body):
    """Return the status and the JSON of a submission."""
    response = cloud.handle("POST", "/v0.3/jobs", HEADERS, body)
    return response.status, json.loads(response.body)


@pytest.fixture(scope="module")
def cloud():
    return FakeIonQ(seed=1)


def test_malformed_bodies_are_refused_or_run(cloud, caplog):
    refused = 0
    for number in range(120):
        status, found = post(cloud, malformed(number))
        assert status in {200, 400, 403}, (number, found)
        if status == 200:  # such as without a name
            path = f"/v0.3/jobs/{found['id']}"
            record = json.loads(cloud.handle("GET", path, HEADERS, None).body)
            assert record["status"] in {"completed", "failed"}, (number, record)
            if record["status"] == "failed":
                assert set(record["failure"]) == {"error", "code"}
            continue
        refused += 1
        assert set(found) <= {"statusCode", "error", "message", "validation"}
        assert found["message"]
        assert len(found["message"]) < 1000
        assert "backend" not in found.get("validation", {}).get("keys", [])
    assert refused > 60
    assert not caplog.records  # no traceback
    assert post(cloud, json.dumps(GOOD).encode())[0] == 200
