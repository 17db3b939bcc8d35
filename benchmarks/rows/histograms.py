"""The bytes of a histogram to what a user reads, beside qiskit-ionq from the same bytes."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import qiskit_ionq
import responses

from benchmarks.circuits import ghz
from benchmarks.measuring import Figure, compare, growth, peak_mib, row, summary, told_by
from ionq_toolkit import IonQProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL = "https://api.ionq.co/v0.4"


def _reply(width: int) -> bytes:
    weights = np.random.default_rng(1).exponential(size=2**width)
    order = np.random.default_rng(2).permutation(2**width).tolist()
    return json.dumps(
        dict(zip(map(str, order), (weights / weights.sum()).tolist(), strict=True))
    ).encode()


@contextlib.contextmanager
def _service(width: int, reply: bytes) -> Iterator[tuple[Any, Any]]:
    """Yield a backend of each client, whose job of so many qubits has these results."""
    kept = {}

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
        mocked.add("GET", f"{URL}/jobs/j/results/probabilities", reply)
        yield (
            IonQProvider("key").get_backend("simulator"),
            qiskit_ionq.IonQProvider("key").get_backend("ionq_simulator"),
        )


def _reading(backend: Any, width: int, *, probabilities: bool) -> Callable[[], object]:  # noqa: ANN401
    circuit = ghz(width)

    def read() -> object:
        job = backend.run(circuit, shots=10_000)
        return job.get_counts(), dict(job.get_probabilities()) if probabilities else None

    return read


def _read(width: int, rounds: int, *, probabilities: bool) -> Figure:
    with _service(width, _reply(width)) as backends:
        ours, theirs = (_reading(one, width, probabilities=probabilities) for one in backends)
        return compare(ours, theirs, rounds)


def _widths(quick: bool) -> list[int]:
    return [10, 14] if quick else [10, 14, 18, 22, 20]


@row("bytes of 2^20 outcomes to counts", "qiskit-ionq from the same bytes", 1 / 15)
def counts(quick: bool) -> Figure:
    return growth(_widths(quick), lambda width: _read(width, 2, probabilities=False))


@row("the same, all probabilities as a dict too", "qiskit-ionq from the same bytes", 1 / 5)
def dicts(quick: bool) -> Figure:
    return growth(_widths(quick), lambda width: _read(width, 2, probabilities=True))


def _peak(width: int, reply: bytes, place: int, answer: Any) -> None:  # noqa: ANN401 - a queue
    with _service(width, reply) as backends:
        read = _reading(backends[place], width, probabilities=False)
        before = peak_mib()
        read()
        answer.put(peak_mib() - before)


@row("peak memory of 2^20 outcomes to counts", "qiskit-ionq from the same bytes", 1.0)
def memory(quick: bool) -> Figure:
    width = 16 if quick else 20
    reply = _reply(width)
    return summary([(told_by(_peak, width, reply, 0), told_by(_peak, width, reply, 1))], "MiB")
