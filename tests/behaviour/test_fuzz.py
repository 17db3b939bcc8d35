"""Ten thousand requests, most of them broken in one place or several."""

import copy
import json
import random
import string

import pytest

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.api.formats import FORMATS
from ionq_toolkit_fake.api.operations import OPERATIONS
from ionq_toolkit_fake.facts.devices import DEVICES
from ionq_toolkit_fake.models.accounts import ORGANIZATION

HEADERS = {"Authorization": "apiKey fuzzer", "User-Agent": "fuzz"}

X = {"gate": "x", "target": 0}
QIS = {
    "gateset": "qis",
    "qubits": 3,
    "circuit": [
        X,
        {"gate": "h", "targets": [0, 1], "controls": [2]},
        {"gate": "rx", "target": 2, "rotation": 0.5},
        {
            "gate": "pauliexp",
            "targets": [0, 1],
            "terms": ["XY", "ZI"],
            "coefficients": [0.5, -1],
            "time": 1.0,
        },
    ],
    "registers": {"a": [0, None], "b": [2]},
}
NATIVE = {
    "gateset": "native",
    "qubits": 2,
    "circuit": [
        {"gate": "gpi2", "target": 0, "phase": 0.1},
        {"gate": "zz", "targets": [0, 1], "angle": 0.2},
        {"gate": "ms", "targets": [0, 1], "phases": [0, 0.5], "angle": 0.25},
        {"gate": "nop", "target": 0},
    ],
}
QASM = (
    'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; reset q[1]; c = measure q;'
)
GRAPH = {
    "nodes": [{"id": 0}, {"id": "b"}, {"id": 2}],
    "adjacency": [[{"id": "b"}], [{"id": 0, "weight": 2.5}, {"id": 2}], [{"id": "b"}]],
}
ENERGY = {
    "hamiltonian": [{"pauli_string": "ZI", "coefficient": 0.5}],
    "ansatz": {"data": "OPENQASM 3.0; input float t; qubit[2] q; U(t, 0, 0) q[0];"},
    "linear_constraints": [{"coeffs": [1, 1], "rhs": 1}],
    "quadratic_constraints": [
        {"quadratic_coeff": [[1, 0], [0, 1]], "linear_coeff": [0, 1], "rhs": 1}
    ],
    "penalty": 2.0,
    "cvar_alpha": None,
}
EXTRAS = {
    "name": "n",
    "shots": 500,
    "metadata": {"a": "b"},
    "noise": {"model": "aria-1", "seed": 3},
    "settings": {
        "error_mitigation": {"debiasing": True, "symmetry_verification": True},
        "compilation": {"service_version": "v0.4", "opt": 1},
    },
    "dry_run": False,
}
JOBS = [
    {"type": "ionq.circuit.v1", "input": QIS},
    {"type": "ionq.circuit.v1", "input": NATIVE},
    {
        "type": "ionq.multi-circuit.v1",
        "input": {"gateset": "qis", "qubits": 3, "circuits": [QIS, {"circuit": [X]}]},
    },
    {"type": "ionq.qasm3.v1", "input": {"data": QASM}},
    {
        "type": "quantum-function",
        "input": {"data": {"type": "hamiltonian-energy", "data": ENERGY}, "params": [0.3]},
    },
    {
        "type": "qctrl.qaoa.v1",
        "input": {"problem_type": "maxcut", "problem": GRAPH},
        "external_settings": {"api_credentials": "a secret"},
    },
]
SESSION = {
    "backend": "qpu.forte-1",
    "settings": {
        "job_count_limit": 5,
        "duration_limit_min": 10,
        "cost_limit": {"unit": "usd", "value": 99.5},
    },
}
STRANGE = [
    *(None, True, False, 0, -1, 1, 2, 7, 29, 36, 63, 100, 2**31, 2**63, 10**40),
    *(0.5, -0.0, 1e-300, 1e300, -1e300, float("nan"), float("inf")),
    *("", "0", "-1", "simulator", "qpu.forte-1", "ms", "\u0000", "\ud800", "é" * 50, "x" * 50_000),
    *([], {}, [[]], [None], {"a": None}, [0, 0], list(range(40))),
]
QUERY = [
    *("limit=1", "limit=0", "limit=99", "limit=x", "page=2", "page=-1", "next=x", "next="),
    *(
        "status=completed",
        "ids=a,b",
        "target=simulator,qpu.forte-1",
        "session_id=x",
        "active=maybe",
    ),
    *("start=2025-12-01", "end=2026-01-01T00:00:00Z", "start=x", "sharpen=true", "sharpen=1"),
    *("aggregation=voting", "aggregation=majority", "aggregation=best", "backend=qpu.forte-1"),
    *("1q_gates=5", "2q_gates=-1", "shots=1e3", "start_date=2026-01-01", "end_date=2026-02-30"),
    *("end_date=2026-01-31", "group_by=user", "modality=weekly", "%00=%ff", "&&&", "a=b;c"),
]


class Fuzzer:
    """Makes requests, the same from the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.ids = ["unknown", "00000000-0000-7000-8000-000000000000"]
        self.sessions = ["unknown"]

    def request(self):
        operation = self.random.choice(OPERATIONS)
        values = {
            "job_id": self.ids,
            "session_id": self.sessions,
            "backend": [*DEVICES, "none"],
            "format": [*FORMATS, "none"],
            "artifact_id": ["probabilities", "probabilities-aggregate", "none"],
            "characterization_id": ["none"],
            "organization_id": [ORGANIZATION, "none"],
            "lang": ["native"],
        }
        path = operation.path
        for name, known in values.items():
            path = path.replace(f"<{name}>", self.random.choice(known))
        if self.random.random() < 0.02:
            path = "".join(self.random.choices(string.printable, k=20))
        if self.random.random() < 0.5:
            path += "?" + "&".join(self.random.choices(QUERY, k=self.random.randint(1, 5)))
        return operation.method, "/v0.4" + path, self.body(operation)

    def body(self, operation):
        if operation.name == "POST /jobs":
            body = {**self.random.choice(JOBS), "backend": self.random.choice(list(DEVICES)[:3])}
            extras = self.random.sample(list(EXTRAS), self.random.randint(0, len(EXTRAS)))
            body.update({name: EXTRAS[name] for name in extras})
        elif operation.name == "POST /sessions":
            body = SESSION
        elif "ids" in operation.path or operation.name in {
            "DELETE /jobs",
            "PUT /jobs/status/cancel",
        }:
            body = {"ids": [self.random.choice(self.ids[:2])]}
        else:
            body = {name: EXTRAS[name] for name in self.random.sample(list(EXTRAS), 2)}
        body = json.loads(json.dumps(body))
        for _ in range(self.random.choice([0, 1, 1, 1, 2, 5])):
            self.spoil(body)
        raw = json.dumps(body).encode(errors="surrogatepass")
        if self.random.random() < 0.05:
            cut = self.random.randrange(len(raw) + 1)
            raw = raw[:cut] + bytes(self.random.choices(range(256), k=3)) + raw[cut + 2 :]
        return raw

    def spoil(self, body):
        """Change one place in a body: another value, none, or a value from elsewhere in it."""
        places = list(self.places(body))
        if not places:
            return
        container, key = self.random.choice(places)
        what = self.random.random()
        if what < 0.2:
            del container[key]
        elif what < 0.4:
            other, name = self.random.choice(places)
            container[key] = json.loads(json.dumps(other[name]))
        else:
            container[key] = copy.deepcopy(self.random.choice(STRANGE))

    def places(self, value):
        if not isinstance(value, (dict, list)):
            return
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from self.places(value[key])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_after_2500_requests_the_cloud_is_well_and_has_lost_nothing(seed, caplog):
    cloud = FakeIonQ(seed=seed, statuses={"qpu.aria-1": "available"})
    fuzzer = Fuzzer(seed)

    def send(method, path, body=None):
        reply = cloud.handle(method, path, HEADERS, body)
        return reply.status, json.loads(reply.body)

    keeper = {"Authorization": "apiKey keeper"}
    kept = {}
    for job in JOBS:
        body = json.dumps({**job, "backend": "simulator"}).encode()
        job_id = json.loads(cloud.handle("POST", "/v0.4/jobs", keeper, body).body)["id"]
        kept[job_id] = cloud.handle("GET", f"/v0.4/jobs/{job_id}", keeper).body
        assert json.loads(kept[job_id])["status"] == "completed"
    seen = set()
    for _ in range(2500):
        method, path, body = fuzzer.request()
        status, reply = send(method, path, body)
        seen.add(status)
        assert status < 500, (method, path, body, reply)
        if status == 201 and "created_at" in reply:
            fuzzer.sessions.append(reply["id"])
        elif status == 201:
            fuzzer.ids.append(reply["id"])
            assert send("GET", f"/v0.4/jobs/{reply['id']}")[1]["status"] in {"completed", "failed"}
    assert seen >= {200, 201, 400, 404, 410}
    for job_id, record in kept.items():
        assert cloud.handle("GET", f"/v0.4/jobs/{job_id}", keeper).body == record
    assert "Traceback" not in caplog.text
