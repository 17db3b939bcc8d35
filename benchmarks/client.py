"""What the client takes, as ratios in one run: `python benchmarks/client.py`.

Each row times the client and what it is compared with in turns, and shows the ratio of the medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
from qiskit_ionq.ionq_job import _build_counts

from ionq_toolkit import IonQResult
from ionq_toolkit.result import experiment

if TYPE_CHECKING:
    from collections.abc import Callable


def compare(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> float:
    """Return the median of ours as a multiple of the median of theirs."""
    times: tuple[list[float], list[float]] = ([], [])
    for round_ in range(rounds + 1):
        for call, kept in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            call()
            if round_:  # the first is for warming up
                kept.append(time.perf_counter() - start)
    return statistics.median(times[0]) / statistics.median(times[1])


def histogram(width: int, shots: int, rounds: int, *, written: bool = False) -> float:
    """A histogram of every outcome to counts and probabilities, against qiskit-ionq's.

    Ours ends with what the user gets from `get_counts` and `get_probabilities`. Theirs is the
    function that makes the two dicts: Qiskit's formatting of them comes on top.

    Args:
        width: The number of qubits.
        shots: How many are drawn.
        rounds: How often to measure.
        written: Whether the dict of all probabilities is also made, as reading any of them does.
    """
    weights = np.random.default_rng(1).exponential(size=2**width)
    order = np.random.default_rng(2).permutation(2**width)
    probabilities = weights / weights.sum()
    body = dict(zip(map(str, order.tolist()), probabilities[order].tolist(), strict=True))
    measured = list(range(width))
    header = {"name": "c", "n_qubits": width, "meas_mapped": measured, "creg_sizes": [["c", width]]}

    def ours() -> object:
        one = experiment(body, header, shots=shots, seed=1, memory=False)
        result = IonQResult.from_dict({"job_id": "job", "success": True, "results": [one]})
        probabilities = result.get_probabilities()
        return result.get_counts(), probabilities.items() if written else probabilities

    def theirs() -> object:
        return _build_counts(body, width, measured, shots, use_sampler=True, sampler_seed=1)

    return compare(ours, theirs, rounds)


def main() -> int:
    """Print the table; return 1 if a ratio is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qubits", type=int, default=20, help="width of the histograms")
    width = parser.parse_args().qubits
    what = f"2^{width} outcomes"
    rows = [
        (f"{what}, 10,000 shots / qiskit-ionq", lambda: histogram(width, 10_000, 5), 0.05),
        (
            f"{what}, 10,000 shots, all written / qiskit-ionq",
            lambda: histogram(width, 10_000, 5, written=True),
            0.25,
        ),
        (f"{what}, 1,000,000 shots / qiskit-ionq", lambda: histogram(width, 10**6, 5), 0.25),
    ]
    failed = False
    print(f"{'what':56} {'ratio':>6}  at most")
    for name, measure, limit in rows:
        ratio = measure()
        failed |= ratio > limit
        above = "  ABOVE" if ratio > limit else ""
        print(f"{name:56} {ratio:6.3f}  {limit:.2f}{above}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
