"""Kill a client with a journal at random moments, and recover what it left; every fifth time, kill the server too.

Exits with 1 if a submission is unknown afterwards, if a job is not in the journal, or if two jobs have one tag.
"""

import argparse
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from qiskit import QuantumCircuit

from ionq_toolkit import HttpTransport, IonQProvider
from ionq_toolkit.journal import Journal

#: Seconds after which the fake shows each job that it received.
SETTLED_S = 1.0
FIFTH = 5
TAG = "toolkit_tag"


def serve(port: int) -> tuple[subprocess.Popen[str], int]:
    """Start `ionq-fake serve`, and return the process and its port."""
    command = [
        Path(sys.executable).with_name("ionq-fake"),
        "serve",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    line = process.stdout.readline() if process.stdout else ""
    return process, int(re.findall(r":(\d+)/", line)[0])


def provider_at(port: int, journal: Path) -> IonQProvider:
    """Return a provider of the server, with the journal."""
    return IonQProvider("a-key-0123456789abcdef", f"http://127.0.0.1:{port}/v0.4", journal=journal)


def client(port: int, journal: Path) -> int:
    """Fork a process that submits jobs without end, and return its id once it begins."""
    begun, begins = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.write(begins, b"x")
            backend = provider_at(port, journal).get_backend("qpu.forte-1")
            circuit = QuantumCircuit(1, 1)
            circuit.measure(0, 0)
            for _ in range(1000):
                backend.run(circuit, shots=100, dry_run=True)
        os._exit(0)
    os.read(begun, 1)
    os.close(begun)
    os.close(begins)
    return pid


def ends_in(journal: Path) -> dict[str, str | None]:
    """Return how each submission in a journal ended; None: open."""
    ends: dict[str, str | None] = {}
    for line in journal.read_text().splitlines():
        with contextlib.suppress(ValueError):
            fields = json.loads(line)
            ends[fields["tag"]] = fields.get("end")
    return ends


def fault(port: int, journal: Path) -> str:
    """Return what is wrong after a recovery, or an empty text."""
    tags = [one["metadata"].get(TAG) for one in provider_at(port, journal).client.list_jobs()]
    ends = ends_in(journal)
    if Journal(journal).open_entries() or None in ends.values():
        return "a submission is open"
    if len(set(tags)) != len(tags):
        return "a job is doubled"
    if [tag for tag in tags if ends.get(tag) != "submitted"]:
        return "a job is not known"
    return ""


def main() -> int:
    """Run the kills."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311 - no secret
    outcomes, faults = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder, "journal")
        journal.touch()
        server, port = serve(0)
        for number in range(arguments.kills):
            pid = client(port, journal)
            time.sleep(chance.uniform(0.0, 0.2))
            both = number % FIFTH == 0
            if both and chance.choice([True, False]):
                server.kill()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            if both:
                server.kill()
                server.wait()
                server, port = serve(port)
            found = provider_at(port, journal).recover(settled_s=SETTLED_S)
            outcomes.update(one.outcome for one in found)
            # A server that was killed has lost its jobs.
            wrong = fault(port, journal)
            faults.update([wrong] if wrong else [])
            HttpTransport().send("POST", f"http://127.0.0.1:{port}/_fake/reset", {}, b"", 30.0)
        submitted = Counter(ends_in(journal).values())
        server.terminate()
        server.wait()
    print(
        f"{arguments.kills} kills; recovered {dict(outcomes)}; all submissions {dict(submitted)}; faults {dict(faults)}"
    )
    return int(bool(faults) or "unknown" in outcomes)


if __name__ == "__main__":
    sys.exit(main())
