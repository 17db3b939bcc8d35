"""Requests of a cloud with many kept jobs, and of one with few: `python benchmarks/history.py`.

Each row times the same request in turns on both clouds, and shows the ratio of the medians. The
first rows show the memory that a kept job takes, in kilobytes. With `--state`, the clouds have been
started on files, whose final jobs are read as they are asked for; then the first rows show the size
of the file, the start, and the time that a file adds to a Bell job.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from http import HTTPStatus
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil

from ionq_toolkit_fake import FakeIonQ, Retention, control
from ionq_toolkit_fake.models import state
from ionq_toolkit_fake.models.records import JobRecord, ProjectRecord
from ionq_toolkit_fake.store.base import Entry
from ionq_toolkit_fake.store.sqlite import SqliteStore

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


def fill(path: Path, number: int) -> None:
    """Make a state of so many final jobs: copies of a Bell job and of one that failed."""
    with_two = FakeIonQ(1, state=path)
    ids = [str(ask(with_two, "POST", "/jobs", body)["id"]) for body in (BELL, WIDE)]
    ask(with_two, "GET", "/jobs")
    with_two.close()
    store, chance = SqliteStore(path), random.Random(0)  # noqa: S311 - reproducible on purpose
    kinds = ("submission", "job", "result")
    entries = [[store.get(kind, job_id) for kind in kinds] for job_id in ids]
    ((project, value),) = store.read("project")
    counts = msgspec.msgpack.decode(value, type=ProjectRecord)
    changes: dict[Entry, bytes | None] = {}
    for count in range(len(ids) + 1, number + 1):
        submission, job, result = entries[count % 2]
        record = msgspec.msgpack.decode(job or b"", type=JobRecord)
        moment = int(record.submitted_at.timestamp() * 1000) + count
        job_id = uuid.UUID(int=moment << 80 | 0x7 << 76 | 0b10 << 62 | chance.getrandbits(62))
        changed = msgspec.structs.replace(record, number=count)
        values = (submission, msgspec.msgpack.encode(changed), result)
        changes.update(
            (Entry(kind, str(job_id)), one) for kind, one in zip(kinds, values, strict=True)
        )
    counts.count = counts.submitted = number
    changes[Entry("project", project)] = msgspec.msgpack.encode(counts)
    store.write(changes)
    store.close()


def started(path: Path) -> FakeIonQ:
    return FakeIonQ(state=path, retention=Retention(jobs=None))


def start_s(path: Path) -> Callable[[], float]:
    """Return the time from the start of a process to the first response, without imports."""
    code = (
        "import sys, time\nfrom ionq_toolkit_fake import FakeIonQ, Retention\n"
        "start = time.perf_counter()\n"
        "cloud = FakeIonQ(state=sys.argv[1], retention=Retention(jobs=None))\n"
        "cloud.handle('GET', '/v0.4/jobs', {'Authorization': 'apiKey benchmark'})\n"
        "print(time.perf_counter() - start)"
    )

    def measure() -> float:
        command = [sys.executable, "-c", code, str(path)]
        times = [
            float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(3)
        ]
        return statistics.median(times)

    return measure


def memory_of_start(path: Path, number: int) -> Callable[[], float]:
    def measure() -> float:
        gc.collect()
        before = psutil.Process().memory_info().rss
        cloud = started(path)
        gc.collect()
        found = psutil.Process().memory_info().rss - before
        cloud.close()
        return found / number / 1e3

    return measure


def bell_in_a_file(folder: Path, rounds: int = 500) -> Callable[[], float]:
    """Return how much longer a Bell job takes with a state: submit, poll, fetch."""

    def one(cloud: FakeIonQ) -> Callable[[], None]:
        def call() -> None:
            job_id = ask(cloud, "POST", "/jobs", BELL)["id"]
            ask(cloud, "GET", f"/jobs/{job_id}")
            ask(cloud, "GET", f"/jobs/{job_id}/results/probabilities")

        return call

    return lambda: compare(one(FakeIonQ(1, state=folder / "bell.db")), one(FakeIonQ(1)), rounds)


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
        ids = [job["id"] for job in pages(cloud, 100)]
        named = cycle(path.format(job=one, ids=",".join(ids[:25])) for one in ids)
        return lambda: ask(cloud, method, next(named), body)

    def measure() -> float:
        ours, theirs = call(many), call(few)
        for _ in range(200):  # then all that they ask for was asked for before
            ours()
            theirs()
        return compare(ours, theirs, 300)

    return measure


def pages(cloud: FakeIonQ, number: int) -> list[dict[str, str]]:
    """Return so many jobs from all over a cloud, which are not in memory if it was started."""
    index = cloud.projects[0].jobs.index
    ids = list(index.find(statuses={"completed"})) or list(index.find())
    return [{"id": job_id} for job_id in ids[:: max(1, len(ids) // number)][:number]]


def kilobytes(number: int, body: object) -> Callable[[], float]:
    def measure() -> float:
        kept(10, body)
        gc.collect()
        before = psutil.Process().memory_info().rss
        cloud = kept(number, body)
        gc.collect()
        return (psutil.Process().memory_info().rss - before) / number / 1e3 if cloud else 0.0

    return measure


REQUESTS: tuple[tuple[str, str] | tuple[str, str, object], ...] = (
    ("POST", "/jobs", WIDE),
    ("GET", "/jobs/{job}"),
    ("GET", "/jobs?limit=25"),
    ("GET", "/jobs?limit=25&status=failed&target=simulator"),
    ("GET", "/jobs?status=canceled"),
    ("GET", "/jobs?next={job}&limit=5"),
    ("GET", "/jobs?ids={ids}"),
    ("GET", f"/organizations/com.example/usage?{USAGE}"),
    ("GET", "/backends"),
    ("POST", "/sessions", {"backend": "simulator"}),
    ("GET", "/sessions?active=false"),
    ("GET", "/_fake/state"),
    ("GET", "/_fake/jobs/{job}"),
    ("GET", "/_fake/jobs?next={job}&limit=5"),
    ("POST", "/_fake/faults", {"fault": "http", "status": 429, "times": 1, "key": "a"}),
)


def requests(clouds: tuple[FakeIonQ, FakeIonQ], many: int) -> int:
    for cloud in clouds:
        cloud.faults.clear()
    print(f"\ntimes with {many} kept jobs, as multiples of those with 200")
    rows = [(" ".join(one[:2])[:60], ratio(*clouds, *one), 1.5) for one in REQUESTS]
    return table(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000, help="how many jobs are many")
    parser.add_argument("--state", action="store_true", help="keep the jobs in files")
    options = parser.parse_args()
    many = options.jobs
    if not options.state:
        memory = [
            ("kB of a kept job that failed", kilobytes(5000, WIDE), 10),
            ("kB of a kept Bell job with 1000 shots", kilobytes(1000, BELL), 25),
        ]
        return table(memory) | requests((kept(200), kept(many)), many)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = folder / "few.db", folder / "many.db"
        for path, number in zip(files, (200, many), strict=True):
            fill(path, number)
        size = files[1].stat().st_size / many / 1e3
        costs = [
            ("kB of the file for a kept job", lambda: size, 3),
            ("kB of memory for a kept job after a start", memory_of_start(files[1], many), 2),
            ("s until the first response", start_s(files[1]), 2),
            ("a Bell job, as a multiple of one without a state", bell_in_a_file(folder), 1.3),
        ]
        failed = table(costs)
        clouds = started(files[0]), started(files[1])
        failed |= requests(clouds, many)
        state.MOST_SHELVED_BYTES = 0
        print("\nthe same where no final job is in memory, so that each is read from the file")
        failed |= requests(clouds, many)
        for cloud in clouds:
            cloud.close()
    return failed


if __name__ == "__main__":
    sys.exit(main())
