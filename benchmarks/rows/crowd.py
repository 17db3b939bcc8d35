"""Many clients on one server: jobs per second, and what HTTP alone allows."""

from __future__ import annotations

import contextlib
import statistics
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import requests
from qiskit_aer import AerSimulator

from benchmarks.circuits import bell
from benchmarks.measuring import Figure, growth, row, seconds, summary
from benchmarks.processes import EMPTY, SERVE, served
from ionq_toolkit import IonQProvider

if TYPE_CHECKING:
    from collections.abc import Callable

#: The clients of the row's ratio.
AIMED = 8


def _shared(clients: int, jobs: int, make: Callable[[], Callable[[], object]]) -> list[float]:
    """Return the seconds of all jobs, which so many threads share, and then those of each.

    Each thread makes its own client, and runs a job before the clock starts.
    """
    local, times = threading.local(), list[float]()
    ready = threading.Barrier(clients + 1)

    def begin(_: int) -> None:
        try:
            local.run = make()
            local.run()
            ready.wait()
        except BaseException:
            ready.abort()  # or the others would wait for this one
            raise

    with ThreadPoolExecutor(clients) as pool:
        begun = [pool.submit(begin, number) for number in range(clients)]
        with contextlib.suppress(threading.BrokenBarrierError):
            ready.wait()
        errors = [one.exception() for one in begun]
        for error in errors:
            if error is not None and not isinstance(error, threading.BrokenBarrierError):
                raise error

        def run(_: int) -> None:
            times.append(seconds(local.run))

        return [seconds(lambda: list(pool.map(run, range(jobs)))), *times]


def _aer() -> Callable[[], object]:
    simulator, circuit = AerSimulator(), bell()
    return lambda: simulator.run(circuit, shots=100).result().get_counts()


def _ours(url: str) -> Callable[[], object]:
    backend, circuit = IonQProvider("key", url=url).get_backend("simulator"), bell()
    return lambda: backend.run(circuit, shots=100).get_counts()


def _http(url: str) -> Callable[[], object]:
    """Send the requests of a job by `requests`, and read the responses."""
    session = requests.Session()
    job = {"backend": "simulator", "type": "ionq.circuit.v1", "shots": 100, "name": "x" * 400}

    def run() -> object:
        made = session.post(f"{url}/jobs", json=job, timeout=30).json()
        record = session.get(f"{url}/jobs/{made['id']}", timeout=30).json()
        path = f"{url}/jobs/{record['id']}/results/probabilities"
        return session.get(path, timeout=30).json()

    return run


def _beside(quick: bool, peer: Callable[[int, int], float]) -> Figure:
    jobs, notes = (50 if quick else 1000), []

    def at(clients: int) -> Figure:
        with served(SERVE, "serve", "--port", "0") as (url, _):
            took, *times = _shared(clients, jobs, lambda: _ours(url))
        theirs = peer(clients, jobs)
        cuts = statistics.quantiles(times, n=100)
        notes.append(
            f"{clients} clients: {jobs / took:.0f} jobs/s, p50 {cuts[49] * 1e3:.0f} ms, "
            f"p99 {cuts[98] * 1e3:.0f} ms; peer {jobs / theirs:.0f}/s"
        )
        return summary([(took, theirs)])

    figure = growth([AIMED] if quick else [1, 50, AIMED], at)
    return figure._replace(note="; ".join(notes))


@row("1,000 jobs of 1, 8 and 50 clients", "as many runs of bare Aer by as many threads", 2.0)
def beside_aer(quick: bool) -> Figure:
    return _beside(quick, lambda clients, jobs: _shared(clients, jobs, _aer)[0])


@row(
    "1,000 jobs of 1, 8 and 50 clients, and HTTP alone",
    "the same requests, by `requests` to a server that answers at once",
)
def beside_http(quick: bool) -> Figure:
    def peer(clients: int, jobs: int) -> float:
        with served(EMPTY) as (url, _):
            return _shared(clients, jobs, lambda: _http(url))[0]

    return _beside(quick, peer)
