"""A server under load that is killed again and again: `python benchmarks/kills.py --kills 200`.

Four clients submit jobs and read them; the server gets SIGKILL at a random moment and starts again
on the same file. Then each job that a response accepted must be there, come to its end, and have
the result that any client has read of it. `--migrations` and `--snapshots` kill processes that
migrate a file of version 1 and that copy a state, each at a random instruction of SQLite: after
that, every file must be the old one or the new one, whole. Counts are printed; the exit status is 1
if one is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import http.client
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ionq_toolkit_fake.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: A state of version 1, with jobs of every kind.
OLD = Path(__file__).parents[1] / "tests" / "support" / "states" / "version-1.db.gz"

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


@contextlib.contextmanager
def watched(note: Callable[[], object]) -> Iterator[None]:
    """Call a function before each instruction of every database that is opened in a ``with``."""
    opened = sqlite3.connect

    def connect(*arguments: object, **settings: object) -> sqlite3.Connection:
        database: sqlite3.Connection = opened(*arguments, **settings)  # type: ignore[call-overload]
        database.set_progress_handler(lambda: note() and None, 1)
        return database

    sqlite3.connect = connect  # type: ignore[assignment]
    try:
        yield
    finally:
        sqlite3.connect = opened


def kill_at(action: Callable[[], object], instruction: int) -> bool:
    """Do something in a process that gets SIGKILL at an instruction; return whether it did."""
    process = os.fork()
    if process == 0:
        left = iter(range(instruction))
        with (
            contextlib.suppress(BaseException),
            watched(lambda: next(left, None) is None and die()),
        ):
            action()
        os._exit(0)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def instructions(action: Callable[[], object]) -> int:
    """Return how many instructions of SQLite something takes."""
    found = []
    with watched(lambda: found.append(None)):
        action()
    return len(found)


def content(path: Path) -> dict[tuple[str, str], bytes]:
    """Return all entries of a state, after checking its file."""
    store = SqliteStore(path)
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as database:
        if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            return {}
        rows = database.execute("SELECT kind, key, value FROM entries")
        return {(kind, key): value for kind, key, value in rows}


def run_in_sqlite(what: str, kills: int, folder: Path, seed: int = 0) -> dict[str, float]:
    """Kill migrations or snapshots so often, and return the counts.

    Args:
        what: `"migrations"` or `"snapshots"`.
        kills: How many.
        folder: Where to write files.
        seed: Seeds the moments.
    """
    chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
    file, copy = folder / f"{what}.db", folder / "copy.db"
    old = gzip.decompress(OLD.read_bytes())

    def begin() -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        file.write_bytes(old)
        if what == "snapshots":
            SqliteStore(file).close()

    def act() -> None:
        store = SqliteStore(file)
        if what == "snapshots":
            store.snapshot(copy)
        store.close()

    begin()
    total = instructions(act)
    wanted = content(file)
    counts = {"kills": 0, f"killed {what}": 0, "damaged": 0, "half": 0}
    for _ in range(kills):
        begin()
        counts["kills"] += 1
        counts[f"killed {what}"] += kill_at(act, chance.randrange(total))
        counts["half"] += copy.exists() and content(copy) != wanted
        counts["damaged"] += content(file) != wanted
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--migrations", type=int, default=0)
    parser.add_argument("--snapshots", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    failed = False
    for what, kills in vars(options).items():
        if what == "seed" or not kills:
            continue
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "states"
            folder.mkdir()
            if what == "kills":
                counts = run(kills, folder, options.seed)
            else:
                counts = run_in_sqlite(what, kills, folder, options.seed)
        for name, count in counts.items():
            print(f"{name:28} {count}", flush=True)
        wrong = ("lost", "unfinished", "with another name", "with two results", "damaged", "half")
        failed |= any(counts.get(name) for name in wrong)
    return int(failed)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
