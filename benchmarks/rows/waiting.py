"""Many jobs waited for at once: how many requests are sent."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import ionq_toolkit
from benchmarks.circuits import bell
from benchmarks.measuring import Figure, row, seconds, summary
from ionq_toolkit import InProcessTransport, IonQProvider
from ionq_toolkit_fake import FakeIonQ, Transitions, after

if TYPE_CHECKING:
    from collections.abc import Callable


class _Counting(FakeIonQ):
    asked = 0

    def handle(self, *arguments: Any, **fields: Any) -> Any:  # noqa: ANN401
        self.asked += 1
        return super().handle(*arguments, **fields)


def _requests(count: int, wait: Callable[[list[Any]], object]) -> tuple[int, float]:
    """Return the requests for so many jobs that take a virtual minute, and the real seconds."""
    cloud = _Counting(seed=1, transitions=Transitions(started=after(seconds=60)))
    backend = IonQProvider(transport=InProcessTransport(cloud), seed=1).get_backend("simulator")
    jobs = [backend.run(bell(), shots=10) for _ in range(count)]
    cloud.asked = 0
    took = seconds(lambda: wait(jobs))
    return cloud.asked, took


def _threads(jobs: list[Any]) -> None:
    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(lambda job: job.wait_for_final_state(), jobs))


def _tasks(jobs: list[Any]) -> None:
    async def all_of_them() -> None:
        await asyncio.gather(*(job.wait_async() for job in jobs))

    asyncio.run(all_of_them())


def _figure(count: int, wait: Callable[[list[Any]], object]) -> Figure:
    ours, took = _requests(count, wait)
    one, _ = _requests(1, lambda jobs: jobs[0].wait_for_final_state())
    return summary([(ours, one)], "requests", f"a virtual minute took {took:.2g} s")


@row("requests for 500 jobs, ionq_toolkit.wait", "for one job", 3.0)
def together(quick: bool) -> Figure:
    return _figure(50 if quick else 500, ionq_toolkit.wait)


@row("requests for 200 jobs, a thread each", "for one job")
def threads(quick: bool) -> Figure:
    return _figure(20 if quick else 200, _threads)


@row("requests for 200 jobs, asyncio", "for one job")
def tasks(quick: bool) -> Figure:
    return _figure(20 if quick else 200, _tasks)
