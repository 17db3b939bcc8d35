"""Run many jobs over a socket while responses are lost: `python benchmarks/survival.py`.

A tenth of the submissions take effect and lose their responses. A tenth of all requests are
rejected with 429 or 503. The table compares the jobs that the cloud accepted with the jobs that the
callers know, for ionq_toolkit and for qiskit-ionq.
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

#: The faults. A 503 has the service's own form, so it certainly had no effect. Resets and gateways
#: lose the responses.
SCENARIO = Scenario(
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
    """Run `jobs` jobs with a client, and return its row of the table."""
    cloud: FakeIonQ = SCENARIO.cloud()
    errors: Counter[str] = Counter()
    known: list[str] = []
    with FakeServer(cloud) as server:
        run = client(server.url)

        def one(number: int) -> None:
            try:
                known.append(run(number))
            except Exception as error:  # noqa: BLE001 - the table counts all errors
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
    """Print the table; return 1 if ionq_toolkit lost a job, or created one twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000, help="number of jobs for each client")
    jobs = parser.parse_args().jobs
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    head = ["client", "results", "errors", "accepted", "lost", "twice", "requests", "time"]
    rows = [head, *(survive(client, jobs) for client in (toolkit, qiskit_ionq))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    ours = dict(zip(head, rows[1], strict=True))
    return int((ours["lost"], ours["twice"]) != ("0", "0"))


if __name__ == "__main__":
    sys.exit(main())
