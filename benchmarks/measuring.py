"""What the benchmarks share: two calls timed in turns, and a table of figures and their limits."""

from __future__ import annotations

import gc
import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def compare(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    rounds: int,
    *,
    frozen: bool = False,
) -> float:
    """Return the median time of ours as a multiple of the median time of theirs.

    Args:
        ours: What is measured.
        theirs: What it is compared with.
        rounds: How often each is called.
        frozen: Whether to spare the garbage collector what there is already: for benchmarks that
            have made much themselves.
    """
    times: tuple[list[float], list[float]] = ([], [])
    if frozen:
        gc.collect()
        gc.freeze()
    for round_ in range(rounds + 1):
        for call, kept in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            call()
            if round_:  # the first is for warming up
                kept.append(time.perf_counter() - start)
    gc.unfreeze()
    return statistics.median(times[0]) / statistics.median(times[1])


def table(rows: Sequence[tuple[str, Callable[[], float], float]]) -> int:
    """Measure and print rows of a name, a figure and its limit; return 1 if one is above it."""
    width = max(len(name) for name, _, _ in rows)
    failed = False
    print(f"{'what':{width}}  {'figure':>7}  at most")
    for name, measure, limit in rows:
        figure = measure()
        failed |= figure > limit
        above = "  ABOVE" if figure > limit else ""
        print(f"{name:{width}}  {figure:7.3f}  {limit:g}{above}", flush=True)
    return int(failed)
