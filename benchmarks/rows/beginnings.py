"""Imports, a mocked service and a fresh cloud: what a test pays before it does anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from typing import TYPE_CHECKING

import responses
from qiskit_aer import AerSimulator

from benchmarks.measuring import Figure, compare, row, summary
from ionq_toolkit_fake import FakeIonQ, mock_ionq

if TYPE_CHECKING:
    from collections.abc import Mapping


def _import(module: str, env: Mapping[str, str], after: str) -> float:
    """Return the seconds that an import takes on top of another, in a process of its own."""
    code = (
        f"import {after}, time; t = time.perf_counter(); import {module}; "
        "print(time.perf_counter() - t)"
    )
    return float(subprocess.check_output([sys.executable, "-c", code], env=env))


@cache
def _bytecode() -> tempfile.TemporaryDirectory[str]:
    """Return a folder for bytecode, which the rows share: to compile Qiskit takes seconds."""
    return tempfile.TemporaryDirectory()


def _imports(module: str, peer: float | str, quick: bool, after: str = "qiskit") -> Figure:
    # Both from bytecode, as an installed package is: a first import compiles it and does not count.
    env = {**os.environ, "PYTHONPYCACHEPREFIX": _bytecode().name}
    env.pop("PYTHONDONTWRITEBYTECODE", None)

    def both() -> tuple[float, float]:
        theirs = peer if isinstance(peer, float) else _import(peer, env, after)
        return _import(module, env, after), theirs

    times = [both() for _ in range(2 if quick else 12)][1:]
    return summary(times, note=f"on top of `import {after}`")


@row("import ionq_toolkit", "0.10 s", 1.0)
def client(quick: bool) -> Figure:
    return _imports("ionq_toolkit", 0.1, quick)


@row("import ionq_toolkit", "import qiskit_ionq")
def client_beside_qiskit_ionq(quick: bool) -> Figure:
    return _imports("ionq_toolkit", "qiskit_ionq", quick)


@row("import FakeIonQ", "0.10 s", 1.0)
def fake(quick: bool) -> Figure:
    return _imports("ionq_toolkit_fake.cloud", 0.1, quick)


@row("import mock_ionq", "import moto")
def interception(quick: bool) -> Figure:
    return _imports("ionq_toolkit_fake.intercept.mock", "moto.core.decorator", quick)


@row("import the pytest plugin", "0.10 s", 1.0)
def plugin(quick: bool) -> Figure:
    return _imports("ionq_toolkit_fake.pytest_plugin", 0.1, quick, after="pytest")


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
