"""Imports, a mocked service and a fresh cloud: what a test pays before it does anything."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

import responses
from qiskit_aer import AerSimulator

from benchmarks.measuring import Figure, compare, row
from ionq_toolkit_fake import FakeIonQ, mock_ionq


def _import(module: str, rounds: int) -> float:
    """Return the seconds that an import takes on top of qiskit, in a process of its own."""
    code = (
        f"import qiskit, time; t = time.perf_counter(); import {module}; "
        "print(time.perf_counter() - t)"
    )
    found = [subprocess.check_output([sys.executable, "-c", code]) for _ in range(rounds)]
    return statistics.median(map(float, found))


def _imports(module: str, peer: float | str, quick: bool) -> Figure:
    rounds = 3 if quick else 9
    ours = _import(module, rounds)
    theirs = _import(peer, rounds) if isinstance(peer, str) else peer
    ratio = ours / theirs
    return Figure(ratio, ratio, ratio, ours, theirs, note="on top of `import qiskit`")


@row("import ionq_toolkit", "0.10 s", 1.0)
def client(quick: bool) -> Figure:
    return _imports("ionq_toolkit", 0.1, quick)


@row("import ionq_toolkit", "import qiskit_ionq")
def client_beside_qiskit_ionq(quick: bool) -> Figure:
    return _imports("ionq_toolkit", "qiskit_ionq", quick)


@row("import ionq_toolkit_fake", "import qiskit_aer", 1.0)
def fake(quick: bool) -> Figure:
    return _imports("ionq_toolkit_fake", "qiskit_aer", quick)


@row("import the pytest plugin", "import qiskit_aer")
def plugin(quick: bool) -> Figure:
    return _imports("ionq_toolkit_fake.pytest_plugin", "qiskit_aer", quick)


@row("enter and leave mock_ionq", "enter and leave responses.RequestsMock")
def mocked(quick: bool) -> Figure:
    def ours() -> None:
        with mock_ionq():
            pass

    def theirs() -> None:
        with responses.RequestsMock(assert_all_requests_are_fired=False):
            pass

    return compare(
        ours, theirs, 20 if quick else 200, "ours patches four HTTP libraries and makes a cloud"
    )


@row("a fresh cloud", "a fresh AerSimulator")
def fresh(quick: bool) -> Figure:
    return compare(lambda: FakeIonQ(seed=1), AerSimulator, 20 if quick else 200)


@row("one request in process", "json.loads of its reply")
def request(quick: bool) -> Figure:
    cloud, key = FakeIonQ(seed=1), {"Authorization": "apiKey k"}
    body = {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "input": {"qubits": 1, "circuit": []},
    }
    job_id = json.loads(cloud.handle("POST", "/v0.4/jobs", key, json.dumps(body).encode()).body)[
        "id"
    ]
    path = f"/v0.4/jobs/{job_id}"
    reply = cloud.handle("GET", path, key).body
    return compare(
        lambda: [cloud.handle("GET", path, key) for _ in range(100)],
        lambda: [json.loads(reply) for _ in range(100)],
        10 if quick else 100,
    )
