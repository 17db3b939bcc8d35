"""Fifty clients on one server: `python -m benchmarks.server --seconds 300`.

The clients are processes of their own: they poll a job, list jobs, submit jobs, read 2^22 outcomes,
and simulate 26 qubits. The program prints how long their requests took, the memory of the server
over time, and whether each job that was accepted came to its end. It returns 1 if the 99th
percentile of a poll is not below 100 ms, if memory grew, or if a job was lost.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import sys
import time
from statistics import quantiles
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil

from benchmarks.processes import SERVE, served

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.queues import Queue

#: How many clients do what; they pause between two requests for as many seconds.
CLIENTS = {"poll": 28, "list": 10, "submit": 10, "read 2^22": 1, "26 qubits": 1}
PAUSES_S = {"poll": 0.5, "list": 1.0, "submit": 1.0, "read 2^22": 0.0, "26 qubits": 0.5}

#: The limits of the 99th percentile of a poll, and of the growth of the server's memory.
MOST_MS, MOST_GROWTH = 100.0, 0.25

HEADERS = {"Authorization": "apiKey benchmark-0123456789", "Content-Type": "application/json"}
BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]


class Client:
    """One connection, and how long its requests took."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=120
        )
        self.ms: list[float] = []

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        began = time.perf_counter()
        content = None if body is None else json.dumps(body)
        self.connection.request(method, f"/v0.4{path}", content, HEADERS)
        response = self.connection.getresponse()
        size, parts = 0, []
        while part := response.read(2**16):
            size += len(part)
            if size < 2**20:
                parts.append(part)
        self.ms.append(1000 * (time.perf_counter() - began))
        if response.status >= 300:  # noqa: PLR2004 - an HTTP status
            raise RuntimeError(f"{method} {path}: {response.status} {b''.join(parts)[:300]!r}")
        return json.loads(b"".join(parts)) if size < 2**20 else size

    def submit(self, qubits: int, gates: list[dict[str, Any]]) -> str:
        job = {
            "type": "ionq.circuit.v1",
            "backend": "simulator",
            "shots": 100,
            "input": {"qubits": qubits, "circuit": gates},
        }
        return str(self.ask("POST", "/jobs", job)["id"])

    def wait(self, job_id: str) -> str:
        while (status := self.ask("GET", f"/jobs/{job_id}")["status"]) not in (
            "completed",
            "failed",
            "canceled",
        ):
            time.sleep(0.05)
        return str(status)


def chain(qubits: int) -> list[dict[str, Any]]:
    """A circuit that entangles all qubits in two outcomes."""
    links = [{"gate": "cnot", "control": n, "target": n + 1} for n in range(qubits - 1)]
    return [{"gate": "h", "target": 0}, *links]


def client(  # noqa: PLR0917 - the arguments of a process
    what: str, url: str, large: str, small: str, end: float, found: Queue[tuple[Any, ...]]
) -> None:
    one, made = Client(url), []
    turns: dict[str, Callable[[], object]] = {
        "poll": lambda: one.ask("GET", f"/jobs/{small}"),
        "list": lambda: one.ask("GET", "/jobs?limit=25"),
        "submit": lambda: made.append(one.submit(2, BELL)),
        "read 2^22": lambda: one.ask("GET", f"/jobs/{large}/results/probabilities"),
        "26 qubits": lambda: made.append(one.submit(26, chain(26))),
    }
    error = ""
    while time.time() < end and not error:
        try:
            turns[what]()
            if what == "26 qubits":
                before = list(one.ms)
                one.wait(made[-1])
                one.ms = before
        except Exception as caught:  # noqa: BLE001 - the table shows it
            error = repr(caught)[:300]
        time.sleep(PAUSES_S[what])
    found.put((what, one.ms, made, error))


def percentile(ms: list[float], percent: int) -> float:
    return quantiles(ms, n=100)[percent - 1] if len(ms) > 1 else sum(ms)


def main() -> int:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--qubits", type=int, default=22, help="of the large response")
    parser.add_argument("--state", help="a state file for the server")
    options = parser.parse_args()
    state = ["--state", options.state] if options.state else []
    with served(SERVE, "serve", "--port", "0", *state) as (url, server):
        setup = Client(url)
        gates = [{"gate": "h", "target": n} for n in range(options.qubits)]
        large, small = setup.submit(options.qubits, gates), setup.submit(2, BELL)
        print("the large job is", setup.wait(large), "and the small one", setup.wait(small))
        end, found = time.time() + options.seconds, multiprocessing.Queue()
        processes = [
            multiprocessing.Process(target=client, args=(what, url, large, small, end, found))
            for what, count in CLIENTS.items()
            for _ in range(count)
        ]
        for process in processes:
            process.start()
        memory, watched = [], psutil.Process(server.pid)
        while time.time() < end:
            time.sleep(max(0.5, options.seconds / 60))
            memory.append(watched.memory_info().rss / 2**20)
        results = [found.get(timeout=180) for _ in processes]
        for process in processes:
            process.join()
        return report(results, memory, Client(url))


def report(results: list[tuple[Any, ...]], memory: list[float], asker: Client) -> int:
    p99 = 0.0
    print(f"{'client':12}{'requests':>10}{'median ms':>11}{'p99 ms':>9}{'most ms':>9}")
    for what in CLIENTS:
        ms = [value for name, some, _, _ in results if name == what for value in some]
        numbers = percentile(ms, 50), percentile(ms, 99), max(ms, default=0.0)
        p99 = numbers[1] if what == "poll" else p99
        print(f"{what:12}{len(ms):10}{numbers[0]:11.1f}{numbers[1]:9.1f}{numbers[2]:9.1f}")
    errors = [error for *_, error in results if error]
    made = [job_id for _, _, jobs, _ in results for job_id in jobs]
    ends = [asker.wait(job_id) for job_id in made]
    lost = len(made) - ends.count("completed")
    third = max(1, len(memory) // 3)
    begin, last = max(memory[:third]), max(memory[-third:])
    print(f"memory of the server: {begin:.0f} MiB in the first third, {last:.0f} in the last")
    print(f"{len(made)} jobs accepted, {lost} not completed; errors: {errors or 'none'}")
    failed = p99 >= MOST_MS or last > begin * (1 + MOST_GROWTH) or lost or errors
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
