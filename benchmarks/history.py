"""Requests of a cloud with many kept jobs, and of one with few: `python benchmarks/history.py`.

Each row times the same request in turns on both clouds, and shows the ratio of the medians. The
last rows show the memory that a kept job takes, in kilobytes.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import psutil

from ionq_toolkit_fake import FakeIonQ, Retention, control

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KEY = {"Authorization": "apiKey benchmark"}
BELL = {
    "type": "ionq.circuit.v1",
    "backend": "simulator",
    "shots": 1000,
    "noise": {"model": "aria-1"},
    "input": {
        "qubits": 2,
        "circuit": [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}],
    },
}
#: It fails, as the simulator has 29 qubits: nothing is simulated.
WIDE = {**BELL, "input": {"qubits": 99, "circuit": [{"gate": "h", "target": 0}]}}
USAGE = "start_date=2026-01-01&end_date=2026-12-31&group_by=job&modality=daily"


def ask(cloud: FakeIonQ, method: str, path: str, body: object = None) -> dict[str, object]:
    content = b"" if body is None else json.dumps(body).encode()
    if path.startswith("/_fake"):
        status, _, answer = control.answer(cloud, method, path, content)
    else:
        status, _, answer = cloud.handle(method, f"/v0.4{path}", KEY, content)
    if status >= HTTPStatus.BAD_REQUEST:
        raise RuntimeError(answer)
    found: dict[str, object] = json.loads(answer)
    return found


def kept(number: int, body: object = WIDE) -> FakeIonQ:
    """Return a cloud that keeps so many final jobs."""
    cloud = FakeIonQ(1, retention=Retention(jobs=None))
    for _ in range(number):
        ask(cloud, "POST", "/jobs", body)
    ask(cloud, "GET", "/jobs")
    return cloud


def compare(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> float:
    """Return the median time of ours as a multiple of that of theirs, each called in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.freeze()  # the collector spares what is kept
    for round_ in range(rounds + 1):
        for call, taken in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            call()
            if round_:  # the first is for warming up
                taken.append(time.perf_counter() - start)
    gc.unfreeze()
    return statistics.median(times[0]) / statistics.median(times[1])


def table(rows: Sequence[tuple[str, Callable[[], float], float]]) -> int:
    """Measure and print rows of a name, a figure and its limit; return 1 if one is above it."""
    width, failed = max(len(name) for name, _, _ in rows), False
    print(f"{'what':{width}}  {'figure':>7}  at most")
    for name, measure, limit in rows:
        figure = measure()
        failed |= figure > limit
        print(f"{name:{width}}  {figure:7.3f}  {limit:g}{'  ABOVE' * (figure > limit)}", flush=True)
    return int(failed)


def ratio(
    few: FakeIonQ, many: FakeIonQ, method: str, path: str, body: object = None
) -> Callable[[], float]:
    def call(cloud: FakeIonQ) -> Callable[[], object]:
        jobs = cloud.projects[0].jobs.shown()
        named = path.format(job=jobs[10].id, ids=",".join(job.id for job in jobs[::8][:25]))
        return lambda: ask(cloud, method, named, body)

    return lambda: compare(call(many), call(few), 300)


def kilobytes(number: int, body: object) -> Callable[[], float]:
    def measure() -> float:
        kept(10, body)
        gc.collect()
        before = psutil.Process().memory_info().rss
        cloud = kept(number, body)
        gc.collect()
        return (psutil.Process().memory_info().rss - before) / number / 1e3 if cloud else 0.0

    return measure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000, help="how many jobs are many")
    many = parser.parse_args().jobs
    memory = [
        ("kB of a kept job that failed", kilobytes(5000, WIDE), 10),
        ("kB of a kept Bell job with 1000 shots", kilobytes(1000, BELL), 25),
    ]
    failed = table(memory)
    clouds = kept(200), kept(many)
    requests = (
        ("POST", "/jobs", WIDE),
        ("GET", "/jobs/{job}"),
        ("GET", "/jobs?limit=25"),
        ("GET", "/jobs?limit=25&status=failed&target=simulator"),
        ("GET", "/jobs?status=completed"),
        ("GET", "/jobs?next={job}&limit=5"),
        ("GET", "/jobs?ids={ids}"),
        ("GET", f"/organizations/com.example/usage?{USAGE}"),
        ("GET", "/backends"),
        ("GET", "/_fake/jobs/{job}"),
    )
    print(f"\ntimes with {many} kept jobs, as multiples of those with 200")
    rows = [(" ".join(one[:2])[:50], ratio(*clouds, *one), 1.5) for one in requests]
    return failed | table(rows)


if __name__ == "__main__":
    sys.exit(main())
