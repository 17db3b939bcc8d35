"""The output of commands: JSON, tables for people and for pipes, histograms, progress."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

#: The colour of each word that a table may show, on a terminal.
_COLOURS = {
    "completed": "green", "available": "green", "ok": "green", "failed": "red", "wrong": "red",
    "unavailable": "red", "canceled": "yellow", "warning": "yellow", "started": "cyan",
}  # fmt: skip

#: The longest bar of a histogram, and the shortest.
_LONGEST_BAR, _SHORTEST_BAR = 50, 10

#: The least width of a column that is folded.
_LEAST_FOLDED = 9


def print_json(data: object) -> None:
    """Print plain data as JSON."""
    click.echo(json.dumps(data, indent=2))


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    numeric: Sequence[str] = (),
    fold: Sequence[str] = (),
) -> None:
    """Print a table: with colours on a terminal, else in aligned columns of plain text.

    Args:
        columns: The header.
        rows: A cell for each column; None is empty.
        numeric: The columns that are aligned to the right.
        fold: The columns that take several lines where the terminal is narrow.
    """
    cells = [["" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    # A column without a value takes no room.
    used = [n for n, _ in enumerate(columns) if n == 0 or any(row[n] for row in cells)]
    if sys.stdout.isatty():
        _print_rich(
            [columns[n] for n in used], [[row[n] for n in used] for row in cells], numeric, fold
        )
        return
    lines = [[columns[n].upper() for n in used], *([row[n] for n in used] for row in cells)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(used))]
    for line in lines:
        aligned = [
            cell.rjust(width) if columns[n] in numeric else cell.ljust(width)
            for cell, width, n in zip(line, widths, used, strict=True)
        ]
        click.echo("  ".join(aligned).rstrip())


def _print_rich(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[str],
    fold: Sequence[str],
) -> None:
    from rich.console import Console  # noqa: PLC0415 - slow to import, for terminals alone
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for n, name in enumerate(columns):
        width = max(len(name), *(len(row[n]) for row in rows))
        table.add_column(
            name,
            justify="right" if name in numeric else "left",
            no_wrap=name not in fold,
            overflow="fold",
            min_width=min(width, _LEAST_FOLDED) if name in fold else width,
        )
    for row in rows:
        table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
    # Older versions of rich take an empty NO_COLOR for one that is set.
    Console(highlight=False, no_color=not colours()).print(table)


def print_pairs(pairs: Mapping[str, object]) -> None:
    """Print names and values, a line each; those that are None or empty are left out."""
    shown = {name: value for name, value in pairs.items() if value not in (None, "", {}, [])}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        text = printable(str(value))
        colour = _COLOURS.get(text) if sys.stdout.isatty() else None
        styled = click.style(text, fg=colour) if colour and colours() else text
        click.echo(f"{name:<{width}}  {styled}")


def print_histogram(outcomes: Sequence[Mapping[str, object]], count: int) -> None:
    """Print outcomes with bars to scale.

    Args:
        outcomes: Each with `outcome`, `probability` and `count`, which may be None.
        count: The number of all outcomes, of which these are the most frequent.
    """
    chances = [float(str(one["probability"])) for one in outcomes]
    longest = max(len(str(one["outcome"])) for one in outcomes)
    room = shutil.get_terminal_size().columns - longest - 27
    width, most = max(_SHORTEST_BAR, min(_LONGEST_BAR, room)), max(chances)
    counts = ["" if one["count"] is None else str(one["count"]) for one in outcomes]
    digits = max(map(len, counts))
    for one, chance, shots in zip(outcomes, chances, counts, strict=True):
        line = _bar() * max(1, round(width * chance / most))
        click.echo(f"  {one['outcome']}  {line:<{width}}  {shots:>{digits}}  {100 * chance:>8.3g}%")
    if count > len(outcomes):
        rest = max(0.0, 1 - sum(chances))
        click.echo(f"  and {count - len(outcomes):,} more outcomes, {100 * rest:.3g}% in all")


def colours() -> bool:
    """Return whether standard output takes colours; see https://no-color.org."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def printable(text: str) -> str:
    """Return a text on one line, without characters that move a terminal's cursor."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def note(text: str) -> None:
    """Print a note to standard error."""
    click.echo(text, err=True)


@contextlib.contextmanager
def waiting(text: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal that a command waits; yields a function that changes the text."""
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, for terminals alone

    with Console(stderr=True).status(text) as status:
        yield status.update


@contextlib.contextmanager
def progress(label: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar on a terminal; yields a function that takes how much is done, of how much."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, for terminals alone
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _bar() -> str:
    """Return a block if standard output can encode it, else an ASCII character."""
    try:
        "\u2588".encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return "#"
    return "\u2588"
