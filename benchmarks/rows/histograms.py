"""The bytes of a histogram to what a user reads, beside qiskit-ionq from the same bytes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import qiskit_ionq
import responses

from benchmarks.circuits import ghz
from benchmarks.measuring import Figure, compare, growth, row
from ionq_toolkit import IonQProvider

URL = "https://api.ionq.co/v0.4"


def _reply(width: int) -> bytes:
    weights = np.random.default_rng(1).exponential(size=2**width)
    order = np.random.default_rng(2).permutation(2**width).tolist()
    return json.dumps(
        dict(zip(map(str, order), (weights / weights.sum()).tolist(), strict=True))
    ).encode()


def _read(width: int, rounds: int, *, probabilities: bool) -> Figure:
    """Compare both clients on one completed job whose replies are fixed bytes."""
    circuit, kept = ghz(width), {}

    def save(request: Any) -> tuple[int, dict[str, str], str]:  # noqa: ANN401
        kept["metadata"] = json.loads(request.body)["metadata"]
        return 201, {}, json.dumps({"id": "j", "status": "submitted", "session_id": None})

    def record(_: Any) -> tuple[int, dict[str, str], str]:  # noqa: ANN401
        results = {"probabilities": {"url": "/v0.4/jobs/j/results/probabilities"}}
        body = {
            "id": "j", "status": "completed", "type": "ionq.circuit.v1", "backend": "simulator",
            "noise": {"model": "ideal"}, "stats": {"qubits": width}, "results": results,
            "metadata": kept["metadata"], "child_job_ids": None, "failure": None,
            "execution_duration_ms": 1, "name": "c",
        }  # fmt: skip
        return 200, {}, json.dumps(body)

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        mocked.add_callback("POST", f"{URL}/jobs", save)
        mocked.add_callback("GET", f"{URL}/jobs/j", record)
        mocked.add("GET", f"{URL}/jobs/j/results/probabilities", _reply(width))
        ours = IonQProvider("key").get_backend("simulator")
        theirs = qiskit_ionq.IonQProvider("key").get_backend("ionq_simulator")

        def read(backend: Any) -> object:  # noqa: ANN401
            job = backend.run(circuit, shots=10_000)
            counts = job.get_counts()
            return counts, dict(job.get_probabilities()) if probabilities else None

        return compare(lambda: read(ours), lambda: read(theirs), rounds)


def _widths(quick: bool) -> list[int]:
    return [10, 14] if quick else [10, 14, 18, 20]


@row("bytes of 2^20 outcomes to counts", "qiskit-ionq from the same bytes", 1 / 15)
def counts(quick: bool) -> Figure:
    return growth(_widths(quick), lambda width: _read(width, 2, probabilities=False))


@row("the same, all probabilities as a dict too", "qiskit-ionq from the same bytes", 1 / 5)
def dicts(quick: bool) -> Figure:
    return growth(_widths(quick), lambda width: _read(width, 2, probabilities=True))
