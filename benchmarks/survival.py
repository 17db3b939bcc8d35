"""Many jobs over a socket under a plan of losses: `python benchmarks/survival.py`.

A tenth of the submissions lose their answers after they took effect, and a tenth of all requests
are refused with 429 or 503. Counted is what the cloud has in the end against what the callers know,
beside qiskit-ionq in the same run.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import qiskit_ionq as other
from qiskit import QuantumCircuit

from ionq_toolkit import IonQProvider
from ionq_toolkit_fake import FakeIonQ, FakeServer, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

#: What goes wrong. A 503 is of the service's own form, and certain; the answers are lost by resets
#: and by gateways.
PLAN = Scenario(
    seed=1,
    clock="real",
    transitions=[{"ready": "immediately", "started": "immediately", "finished": "immediately"}],
    faults=[
        {"fault": "lost_answer", "on": "POST /jobs", "probability": 0.05},
        {"fault": "lost_answer", "status": 504, "on": "POST /jobs", "probability": 0.05},
        {"fault": "http", "status": 429, "probability": 0.05},
        {"fault": "http", "status": 503, "probability": 0.05},
    ],
)

AT_A_TIME = 8


def circuit() -> QuantumCircuit:
    one = QuantumCircuit(1, 1, name="flip")
    one.x(0)
    one.measure(0, 0)
    return one


def toolkit(url: str) -> Callable[[int], str]:
    backend = IonQProvider("a key", url).get_backend("simulator")

    def run(number: int) -> str:
        job = backend.run(circuit(), shots=10, name=f"job {number}")
        if job.get_counts() != {"1": 10}:
            raise AssertionError("wrong counts")
        return job.job_id()

    return run


def qiskit_ionq(url: str) -> Callable[[int], str]:
    backend: Any = other.IonQProvider("a key", url).get_backend("ionq_simulator")

    def run(number: int) -> str:
        one = circuit()
        one.name = f"job {number}"
        job = backend.run(one, shots=10)
        job.wait_for_final_state(timeout=60, wait=0.1)  # by default, 5 s between polls
        if job.get_counts() != {"1": 10}:
            raise AssertionError("wrong counts")
        return str(job.job_id())

    return run


def survive(client: Callable[[str], Callable[[int], str]], jobs: int) -> list[str]:
    """Run so many jobs, and return a row of what came of it."""
    cloud: FakeIonQ = PLAN.cloud()
    errors: Counter[str] = Counter()
    known: list[str] = []
    with FakeServer(cloud) as server:
        run = client(server.url)

        def one(number: int) -> None:
            try:
                known.append(run(number))
            except Exception as error:  # noqa: BLE001 - all are counted
                errors[type(error).__name__] += 1

        begin = time.perf_counter()
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(one, range(jobs)))
        seconds = time.perf_counter() - begin
    made = Counter(job.name for job in cloud.jobs)
    lost = sum(job.id not in known for job in cloud.jobs)
    doubled = sum(count - 1 for count in made.values())
    what = ", ".join(f"{count} {name}" for name, count in errors.most_common()) or "none"
    return [
        client.__name__,
        str(len(known)),
        what,
        str(len(cloud.jobs)),
        str(lost),
        str(doubled),
        str(len(cloud.requests)),
        f"{seconds:.1f} s",
    ]


def main() -> int:
    """Print the table; return 1 if our client lost a job, or made one twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000, help="how many jobs for each client")
    jobs = parser.parse_args().jobs
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    head = ["client", "results", "errors", "jobs made", "unknown", "twice", "requests", "time"]
    rows = [head, *(survive(client, jobs) for client in (toolkit, qiskit_ionq))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    ours = dict(zip(head, rows[1], strict=True))
    return int((ours["unknown"], ours["twice"]) != ("0", "0"))


if __name__ == "__main__":
    sys.exit(main())
