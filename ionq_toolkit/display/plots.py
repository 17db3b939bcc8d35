"""Plots, which the extra `notebook` is needed for."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from ionq_toolkit.errors import IonQClientError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The command that installs the extra.
INSTALL = "pip install 'ionq-toolkit[notebook]'"


def histogram(
    counts: Mapping[str, float] | Sequence[Mapping[str, float]],
    **options: Any,  # noqa: ANN401 - Qiskit's
) -> Any:  # noqa: ANN401 - a figure of matplotlib's
    """Return Qiskit's histogram of counts, or of several counts beside each other.

    Args:
        counts: The counts.
        options: Options of ``qiskit.visualization.plot_histogram``.

    Raises:
        IonQClientError: matplotlib is not installed.
    """
    check()
    from qiskit.visualization import plot_histogram  # noqa: PLC0415 - slow to import

    return plot_histogram(counts, **options)


def coupling(num_qubits: int, pairs: Sequence[tuple[int, int]] | None, *, title: str) -> Any:  # noqa: ANN401 - a figure of matplotlib's
    """Return a drawing of qubits on a circle and of the pairs that a gate can act on.

    Qiskit's ``plot_coupling_map`` takes 17 s for the 630 pairs of 36 qubits, and needs graphviz.

    Args:
        num_qubits: The number of qubits.
        pairs: The pairs; None: all.
        title: The title.

    Raises:
        IonQClientError: matplotlib is not installed.
    """
    check()
    from matplotlib import pyplot  # noqa: PLC0415 - slow to import
    from matplotlib.collections import LineCollection  # noqa: PLC0415 - as above

    angles = [2 * math.pi * qubit / num_qubits for qubit in range(num_qubits)]
    places = [(math.sin(angle), math.cos(angle)) for angle in angles]
    edges = itertools.combinations(range(num_qubits), 2) if pairs is None else pairs
    figure = pyplot.figure(figsize=(5, 5.3), layout="constrained")
    axes = figure.add_subplot()
    axes.add_collection(
        LineCollection([(places[a], places[b]) for a, b in edges], linewidths=0.5, colors="#8fa3b8")
    )
    xs, ys = zip(*places, strict=True)
    axes.scatter(xs, ys, s=260, color="#4a86d8", zorder=2)
    for qubit, place in enumerate(places):
        axes.annotate(str(qubit), place, ha="center", va="center", color="white", fontsize=8)
    axes.set_title(title)
    axes.set_aspect("equal")
    axes.margins(0.1)
    axes.axis("off")
    pyplot.close(figure)  # it is returned, and not shown a second time
    return figure


def check() -> None:
    """Refuse to plot without matplotlib, before anything is waited for.

    Raises:
        IonQClientError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401, PLC0415 - only whether it can be imported
    except ModuleNotFoundError as error:
        raise IonQClientError(
            f"Plots need matplotlib, which is not installed: {INSTALL}"
        ) from error
