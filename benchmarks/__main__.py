"""Measure every row and print the table: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import textwrap
import warnings
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import ROWS

# Importing them fills ROWS, in this order.
# isort: off
from benchmarks.rows import beginnings, jobs, crowd, histograms, waiting, history, cluster  # noqa: F401

# isort: on

if TYPE_CHECKING:
    from benchmarks.measuring import Figure, Row

PACKAGES = ("ionq-toolkit", "qiskit", "qiskit-aer", "qiskit-ionq", "numpy")


def machine() -> str:
    """Return the machine and the versions in one line."""
    found = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{os.cpu_count()} processors ({platform.machine()}), {platform.system()}, "
        f"Python {platform.python_version()}; {found}"
    )


def _missed(one: Row, figure: Figure) -> bool:
    return one.limit is not None and figure.ratio > one.limit


def _plain(value: float) -> str:
    text = f"{value:.3g}"
    return f"{value:,.0f}" if "e+" in text else text


def absolute(figure: Figure) -> str:
    """Return ours and the peer's, in a unit in which the larger is at least 1."""
    both, unit = (figure.ours, figure.theirs), figure.unit
    if unit == "s":
        units = {"s": 1.0, "ms": 1e3, "µs": 1e6}
        unit = next((name for name, scale in units.items() if max(both) * scale >= 1), "µs")
        both = (figure.ours * units[unit], figure.theirs * units[unit])
    return f"{' / '.join(map(_plain, both))} {unit}".rstrip()


def cells(one: Row, figure: Figure) -> list[str]:
    """Return a row of the table."""
    ratio = f"{figure.ratio:.3g} ({figure.low:.3g} to {figure.high:.3g})"
    limit = "-" if one.limit is None else f"{one.limit:.3g}{', missed' * _missed(one, figure)}"
    points = ", ".join(f"{size:,.0f}: {ratio:.3g}" for size, ratio in figure.points)
    return [
        one.name,
        one.peer,
        ratio,
        limit,
        absolute(figure),
        "; ".join(filter(None, (points, figure.note))),
    ]


#: The marks of a page between which the figures stand.
BEGIN, END = "<!-- begin of the figures -->", "<!-- end of the figures -->"

HEAD = ["what", "against", "ratio (quartiles)", "aim", "ours / peer", "by size; remarks"]


def plot(one: Row, figure: Figure, folder: Path) -> Path:
    """Draw how the ratio grows, and return the file."""
    import matplotlib as mpl  # noqa: PLC0415 - only for plots

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "benchmarks"  # the same file for the same figures
    from matplotlib import pyplot as plt  # noqa: PLC0415

    _, axes = plt.subplots(figsize=(5, 3), layout="constrained")
    sizes, ratios = zip(*figure.points, strict=True)
    axes.plot(sizes, ratios, marker="o")
    scale = "log" if sizes[-1] >= 10 * sizes[0] else "linear"
    label = textwrap.fill(f"ratio to {one.peer}", 34)
    axes.set(title=one.name, ylabel=label, xscale=scale, ylim=(0, max(ratios) * 1.1))
    axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
    axes.minorticks_off()
    name = re.sub("[^a-z0-9]+", "-", one.name.lower()).strip("-")
    file = folder / f"growth-{name}.svg"
    plt.savefig(file, metadata={"Date": None})
    plt.close()
    return file


def put(page: Path, table: list[str], plots: list[Path]) -> None:
    """Replace all between the two marks of a page."""
    before, rest = page.read_text(encoding="utf-8").split(f"{BEGIN}\n")
    after = rest.split(f"{END}\n")[1]
    drawn = [f"![{file.stem}]({os.path.relpath(file, page.parent)})" for file in plots]
    body = [f"{machine()}.", "", *table, "", *drawn]
    page.write_text("\n".join([before + BEGIN, *body, END, after]), encoding="utf-8")


def main() -> int:
    """Return 1 if a row is above its aim or cannot be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="such as '*Bell*'")
    parser.add_argument("--without", default="", metavar="PATTERN", help="rows that are left out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw rows that grow")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put table and plots into a page")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    table = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    print(machine(), "", *table, sep="\n")
    found, failed, plots = [], False, []
    for one in ROWS:
        if not fnmatch(one.name, arguments.only) or fnmatch(one.name, arguments.without):
            continue
        try:
            figure = one.measure(arguments.quick)
        except Exception as error:  # noqa: BLE001 - the other rows go on
            cell = f"not measured: {type(error).__name__}"
            table.append(f"| {one.name} | {one.peer} | {cell} |{' |' * (len(HEAD) - 3)}")
            print(f"{table[-1]} {error}", flush=True)
            failed = True
            continue
        failed |= _missed(one, figure)
        table.append(f"| {' | '.join(cells(one, figure))} |")
        print(table[-1], flush=True)
        found.append({"name": one.name, "peer": one.peer, "limit": one.limit, **figure._asdict()})
        if arguments.plots and len(figure.points) > 1:
            arguments.plots.mkdir(parents=True, exist_ok=True)
            plots.append(plot(one, figure, arguments.plots))
    if arguments.page:
        put(arguments.page, table, plots)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), "rows": found}, indent=1))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
