"""A server under load that is killed again and again: `python benchmarks/kills.py --kills 200`.

Four clients submit jobs and read them; the server gets SIGKILL at a random moment and starts again
on the same file. Then each job that a response accepted must be there, come to its end, and have
the result that any client has read of it. Counts are printed; the exit status is 1 if one is wrong.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

KEY = "a-key-of-the-benchmark"
CIRCUIT = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]
BODY = {
    "type": "ionq.circuit.v1",
    "backend": "simulator",
    "shots": 100,
    "noise": {"model": "aria-1"},
    "input": {"qubits": 2, "circuit": CIRCUIT},
}


class Server:
    """`ionq-fake serve --state` in a process of its own."""

    def __init__(self, file: Path, port: int) -> None:
        began = time.monotonic()
        code = "from ionq_toolkit_fake.cli import main; main()"
        arguments = ["serve", "--workers", "1", "--state", str(file), "--port", str(port)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not (found := re.search(r":(\d+)/", line)):
            raise RuntimeError(f"the server did not start: {line!r}")
        self.port = int(found[1])
        self.started_s = time.monotonic() - began

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


class Clients:
    """Threads that submit jobs, and note what they were told."""

    def __init__(self, count: int) -> None:
        self.port: int | None = None
        self.accepted: dict[str, str] = {}
        self.read: dict[str, bytes] = {}
        self.contradictions = 0
        self.requests = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,)) for n in range(count)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        if self.port is None:
            raise ConnectionRefusedError
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, f"/v0.4{path}", content, {"Authorization": f"apiKey {KEY}"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def note(self, job_id: str, result: bytes) -> None:
        if self.read.setdefault(job_id, result) != result:
            self.contradictions += 1

    def _work(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311 - reproducible on purpose
        while not self._stop.is_set():
            try:
                name = f"{number} {self.requests}"
                status, body = self.ask("POST", "/jobs", {**BODY, "name": name})
                if status == http.HTTPStatus.CREATED:
                    self.accepted[json.loads(body)["id"]] = name
                self.requests += 1
                job_id = chance.choice(list(self.accepted) or ["none"])
                self.ask("GET", f"/jobs/{job_id}")
                status, body = self.ask("GET", f"/jobs/{job_id}/results/shots")
                if status == http.HTTPStatus.OK:
                    self.note(job_id, body)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)  # the server is down


def run(kills: int, folder: Path, seed: int = 0) -> dict[str, float]:
    """Kill a server so often, and return the counts."""
    chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
    clients, starts, file = Clients(4), [], folder / "lab.db"
    clients.start()
    try:
        for _ in range(kills):
            server = Server(file, 0)
            starts.append(server.started_s)
            clients.port = server.port
            time.sleep(chance.uniform(0.05, 1.0))
            server.kill()
    finally:
        clients.stop()
    server = Server(file, 0)
    clients.port, lost, unfinished, names = server.port, 0, 0, 0
    try:
        for job_id, name in clients.accepted.items():
            end = time.monotonic() + 60
            while True:
                status, body = clients.ask("GET", f"/jobs/{job_id}")
                record = json.loads(body)
                if status != http.HTTPStatus.OK or record["status"] == "completed":
                    break
                if time.monotonic() > end:
                    unfinished += 1
                    break
                time.sleep(0.01)
            lost += status != http.HTTPStatus.OK
            names += status == http.HTTPStatus.OK and record["name"] != name
            status, body = clients.ask("GET", f"/jobs/{job_id}/results/shots")
            if status == http.HTTPStatus.OK:
                clients.note(job_id, body)
    finally:
        server.kill()
    return {
        "kills": kills,
        "accepted jobs": len(clients.accepted),
        "lost": lost,
        "unfinished": unfinished,
        "with another name": names,
        "with two results": clients.contradictions,
        "slowest start in s": round(max(starts), 2),
        "median start in s": round(sorted(starts)[len(starts) // 2], 2),
        "bytes of the file per job": file.stat().st_size // max(1, len(clients.accepted)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = run(options.kills, Path(folder), options.seed)
    for name, count in counts.items():
        print(f"{name:28} {count}")
    wrong = ("lost", "unfinished", "with another name", "with two results")
    return int(any(counts[name] for name in wrong))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
