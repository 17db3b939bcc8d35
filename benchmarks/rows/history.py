"""The cost of a request as more jobs are kept: the ratio to a cloud that keeps 200."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.history import BELL, bell_in_a_file, fill, kilobytes, memory_of_start, start_s
from benchmarks.measuring import Figure, compare, growth, row, told_by
from ionq_toolkit_fake import FakeIonQ

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = {"Authorization": "apiKey benchmark"}
BODY = json.dumps(
    {"type": "ionq.circuit.v1", "backend": "simulator", "input": {"qubits": 1, "circuit": []}}
).encode()


def _keeping(count: int) -> tuple[FakeIonQ, str]:
    cloud = FakeIonQ(seed=1)
    for _ in range(count):
        job_id = json.loads(cloud.handle("POST", "/v0.4/jobs", KEY, BODY).body)["id"]
        cloud.handle("GET", f"/v0.4/jobs/{job_id}", KEY)
    return cloud, job_id


#: A cloud of 100,000 jobs takes minutes to fill: the rows share it.
_keeping_many = cache(_keeping)


def _grows(quick: bool, path: Callable[[str], tuple[str, str, bytes | None]]) -> Figure:
    def at(count: int) -> Figure:
        few, first = _keeping(200)
        many, last = _keeping_many(count)

        def ask(cloud: FakeIonQ, job_id: str) -> Callable[[], object]:
            method, url, body = path(job_id)
            return lambda: [cloud.handle(method, url, KEY, body) for _ in range(20)]

        return compare(ask(many, last), ask(few, first), 10 if quick else 40)

    return growth([1000] if quick else [2000, 10_000, 100_000], at)


@row("POST with 100,000 kept jobs", "a cloud with 200", 1.5)
def post(quick: bool) -> Figure:
    return _grows(quick, lambda _: ("POST", "/v0.4/jobs", BODY))


@row("GET of a job with 100,000 kept jobs", "a cloud with 200", 1.5)
def get(quick: bool) -> Figure:
    return _grows(quick, lambda job_id: ("GET", f"/v0.4/jobs/{job_id}", None))


@row("a page of the list with 100,000 kept jobs", "a cloud with 200", 1.5)
def page(quick: bool) -> Figure:
    return _grows(quick, lambda _: ("GET", "/v0.4/jobs?limit=25", None))


@row("GET /backends with 100,000 kept jobs", "a cloud with 200", 1.5)
def listing(quick: bool) -> Figure:
    return _grows(quick, lambda _: ("GET", "/v0.4/backends", None))


def _one(figure: float, unit: str, note: str = "") -> Figure:
    return Figure(figure, figure, figure, figure, 1, unit, note=note)


@row("memory of a kept Bell job with 1,000 shots", "1 kB", 25)
def memory(quick: bool) -> Figure:
    return _one(told_by(_kilobytes, 100 if quick else 1000), "kB")


def _kilobytes(number: int, answer: Any) -> None:  # noqa: ANN401 - a queue
    answer.put(kilobytes(number, BELL)())


def _kilobytes_after_start(path: Path, number: int, answer: Any) -> None:  # noqa: ANN401 - as above
    FakeIonQ(state=path.with_name("empty.db")).close()  # which loads the code
    answer.put(memory_of_start(path, number)())


@row("memory of a kept job of a state, after a start", "1 kB", 2)
def memory_of_a_state(quick: bool) -> Figure:
    return _of_a_state(
        quick, lambda path, number: told_by(_kilobytes_after_start, path, number), "kB"
    )


@row("file of a kept job of a state", "1 kB", 3)
def file(quick: bool) -> Figure:
    return _of_a_state(quick, lambda path, number: path.stat().st_size / number / 1e3, "kB")


@row("start on a state with 100,000 jobs, to the first response", "1 s", 2)
def start(quick: bool) -> Figure:
    return _of_a_state(quick, lambda path, _: start_s(path)(), "s")


@row("a Bell job with a state", "without", 1.3)
def bell_with_a_state(quick: bool) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        return _one(bell_in_a_file(Path(folder), 50 if quick else 500)(), "")


@cache
def _state(number: int) -> tuple[Path, tempfile.TemporaryDirectory[str]]:
    """Return a state of so many jobs, which the rows share, and its folder, which lasts as long."""
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "lab.db"
    fill(path, number)
    return path, folder


def _of_a_state(quick: bool, measure: Callable[[Path, int], float], unit: str) -> Figure:
    number = 1000 if quick else 100_000
    path, _ = _state(number)
    return _one(measure(path, number), unit, f"{number:,} jobs, half of them Bell jobs")
