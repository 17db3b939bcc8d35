"""Two calls timed in turns, and rows of a table."""

from __future__ import annotations

import gc
import multiprocessing
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Figure(NamedTuple):
    """The figures of one row.

    Attributes:
        ratio: Ours as a multiple of the peer's: the median over all rounds.
        low: The lower quartile of the ratios of single rounds.
        high: The upper quartile.
        ours: The median of ours, in `unit`.
        theirs: The median of the peer's, in `unit`.
        unit: The unit of both.
        points: For a row that grows: the number of things and the ratio at each.
        note: Where the rest of the cost goes, or anything else that a reader should know.
    """

    ratio: float
    low: float
    high: float
    ours: float
    theirs: float
    unit: str = "s"
    points: tuple[tuple[float, float], ...] = ()
    note: str = ""


class Row(NamedTuple):
    """One row of the table.

    Attributes:
        name: What is measured.
        peer: What it is compared with.
        measure: Returns the figure; its argument says whether the run is a quick one.
        limit: The ratio that the project aims at, at most; None: the row only informs.
    """

    name: str
    peer: str
    measure: Callable[[bool], Figure]
    limit: float | None


ROWS: list[Row] = []


def row(
    name: str, peer: str, limit: float | None = None
) -> Callable[[Callable[[bool], Figure]], Callable[[bool], Figure]]:
    """Add a function to the table; it measures the row."""

    def add(measure: Callable[[bool], Figure]) -> Callable[[bool], Figure]:
        ROWS.append(Row(name, peer, measure, limit))
        return measure

    return add


def peak_mib() -> float:
    """Return the most memory that this process has had at once.

    The system hands `ru_maxrss` on to a new process, so that it may be that of the one before.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return float(line.split()[1]) / 1024
    import resource  # noqa: PLC0415 - not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def told_by(run: Callable[..., None], *arguments: object) -> float:
    """Return what a function puts into the queue that it is given last, in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    answer = spawn.Queue()
    process = spawn.Process(target=run, args=(*arguments, answer))
    process.start()
    try:
        return float(answer.get(timeout=900))
    finally:
        process.join()


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int, note: str = ""
) -> Figure:
    """Call both in turns, and return the ratio of their times.

    The first round warms both up and does not count. What there was before is kept from the garbage
    collector.
    """
    gc.collect()
    gc.freeze()
    try:
        times = [(seconds(ours), seconds(theirs)) for _ in range(rounds + 1)][1:]
    finally:
        gc.unfreeze()
    return summary(times, note=note)


def summary(pairs: list[tuple[float, float]], unit: str = "s", note: str = "") -> Figure:
    """Return the figure of pairs of ours and the peer's, one pair a round."""
    ratios = sorted(one / other for one, other in pairs)
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    quarter = len(ratios) // 4
    return Figure(
        ours / theirs, ratios[quarter], ratios[-1 - quarter], ours, theirs, unit, note=note
    )


def growth(sizes: list[int], at: Callable[[int], Figure]) -> Figure:
    """Return the figure of the last size, with the ratio at every size as its points."""
    figures = {size: at(size) for size in sizes}
    points = tuple((float(size), figures[size].ratio) for size in sorted(sizes))
    return figures[sizes[-1]]._replace(points=points)
