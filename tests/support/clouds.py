"""A scripted cloud and a record for the client's tests, and submissions by hand."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from ionq_toolkit import IonQJob, IonQProvider
from ionq_toolkit.api import metadata
from ionq_toolkit.circuits.wire import circuit_header, to_wire

#: A completed ideal simulation of two qubits, as another client may have made it.
RECORD: dict[str, Any] = {
    "id": "job-1",
    "status": "completed",
    "backend": "simulator",
    "noise": {"model": "ideal"},
    "stats": {"qubits": 2},
    "metadata": {"shots": "100"},
}


class Scripted:
    """A cloud that answers with the given replies, and keeps the requests.

    A reply is a body, (status, body), (status, body, headers) or an exception to raise.

    Args:
        replies: One for each request, in turn; the last one is repeated.
        routes: Replies by path below /v0.4, query included. Of a list of replies, each is given
            once and the last one is repeated.
        headers: Of all replies.
        before: Called with each request: (method, url, headers, body, timeout). It may raise, or
            return a reply to give in the place of the scripted one.
        otherwise: The cloud that answers the requests without a reply. Without one, they get 404.

    Attributes:
        requests: (method, url, headers, body, timeout) of each request.
        asked: The path of each request, below /v0.4, with its query.
    """

    def __init__(self, *replies, routes=None, headers=None, before=None, otherwise=None):
        self.replies = list(replies)
        self.routes: dict[str, Any] = {} if routes is None else dict(routes)
        self.headers = headers or {"Content-Type": "application/json", "X-Request-Id": "req-1"}
        self.before = before
        self.otherwise = otherwise
        self.requests: list[tuple[Any, ...]] = []
        self.asked: list[str] = []
        if hasattr(otherwise, "clock"):
            self.clock = otherwise.clock

    def handle(self, method, url, headers, body, timeout):
        request = (method, url, headers, body, timeout)
        parts = urlsplit(url)
        path = parts.path.removeprefix("/v0.4") + (f"?{parts.query}" if parts.query else "")
        self.requests.append(request)
        self.asked.append(path)
        reply = self.before(*request) if self.before is not None else None
        if reply is None and path in self.routes:
            reply = self.routes[path]
            if isinstance(reply, list) and reply and isinstance(reply[0], dict | tuple | Exception):
                reply = _next_of(reply)
        elif reply is None and self.replies:
            reply = _next_of(self.replies)
        elif reply is None and self.otherwise is not None:
            return self.otherwise.handle(*request)
        elif reply is None:
            reply = (404, {"message": f"there is no {path}"})
        if isinstance(reply, Exception):
            raise reply.with_traceback(None)  # or it would grow each time
        status, content, more = (*reply, {})[:3] if isinstance(reply, tuple) else (200, reply, {})
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
        return status, {**self.headers, **more}, content


def _next_of(replies):
    return replies.pop(0) if len(replies) > 1 else replies[0]


def submit(
    provider: IonQProvider,
    several: Any,
    backend: str = "simulator",
    *,
    shots: int = 100,
    seed: int = 5,
    memory: bool = False,
    **fields: Any,
) -> IonQJob:
    """Submit a circuit, or a list of them as one job, and return the job by its id alone."""
    target = provider.get_backend(backend)
    wires = [to_wire(circuit) for circuit in (several if isinstance(several, list) else [several])]
    if isinstance(several, list):
        header: Any = [circuit_header(c, w) for c, w in zip(several, wires, strict=True)]
        kind, inner = (
            "ionq.multi-circuit.v1",
            {
                "gateset": "qis",
                "qubits": max(wire.num_qubits for wire in wires),
                "circuits": [
                    {"name": c.name, "qubits": w.num_qubits, "circuit": w.gates}
                    for c, w in zip(several, wires, strict=True)
                ],
            },
        )
    else:
        header = circuit_header(several, wires[0])
        kind = "ionq.circuit.v1"
        inner = {"gateset": "qis", "qubits": wires[0].num_qubits, "circuit": wires[0].gates}
    stored = metadata.encode(header, shots=shots, seed=seed, memory=memory)
    body = {
        "type": kind,
        "backend": target.api_name,
        "shots": shots,
        "metadata": stored,
        "input": inner,
    }
    return IonQJob(target, target.client.submit_job({**body, **fields})["id"])


def submit_program(
    provider: IonQProvider,
    circuit: Any,
    source: str,
    backend: str = "simulator",
    *,
    shots: int = 100,
    memory: bool = False,
    **fields: Any,
) -> IonQJob:
    """Submit an OpenQASM 3 program of `circuit`'s registers, and return the job by its id alone."""
    target = provider.get_backend(backend)
    header = {
        "name": circuit.name,
        "n_qubits": circuit.num_qubits,
        "memory_slots": circuit.num_clbits,
        "creg_sizes": [[register.name, register.size] for register in circuit.cregs],
        "clbit_labels": [[r.name, place] for r in circuit.cregs for place in range(r.size)],
    }
    body = {
        "type": "ionq.qasm3.v1",
        "backend": target.api_name,
        "shots": shots,
        "metadata": metadata.encode(header, shots=shots, seed=5, memory=memory),
        "input": {"data": source},
    }
    return IonQJob(target, target.client.submit_job({**body, **fields})["id"])
