"""Simulations on more processes: those of this computer, and the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from benchmarks.circuits import dense
from benchmarks.measuring import Figure, growth, row, seconds, summary
from ionq_toolkit import InProcessTransport, IonQProvider
from ionq_toolkit_fake import FakeIonQ

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor


@contextlib.contextmanager
def _dask(workers: int) -> Iterator[Executor]:
    from distributed import Client, LocalCluster  # noqa: PLC0415 - slow

    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, memory_limit=0
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client.get_executor(pure=False)


def _jobs(executor: Executor | None, width: int, count: int) -> float:
    """Return the seconds of so many jobs, all submitted at first; each is simulated for itself."""
    cloud = FakeIonQ(seed=1, executor=executor)
    backend = IonQProvider(transport=InProcessTransport(cloud), seed=1).get_backend("simulator")

    def run(seed: int, jobs: int) -> None:
        submitted = [
            backend.run(dense(width, seed + place), shots=100, noise_model="aria-1")
            for place in range(jobs)
        ]
        for job in submitted:
            job.result()

    run(1, 6)  # the workers import Aer
    return seconds(lambda: run(10, count))


@row("noisy jobs on a Dask cluster of 1 and 2 workers", "one after another in this process")
def dask(quick: bool) -> Figure:
    width, count = (8, 10) if quick else (11, 40)
    alone = _jobs(None, width, count)

    def at(workers: int) -> Figure:
        with _dask(workers) as executor:
            took = _jobs(executor, width, count)
        return summary(
            [(took, alone)], note=f"{count / took:.3g} jobs/s; alone {count / alone:.3g}"
        )

    return growth([2] if quick else [1, 2], at)
