"""Parts of all commands: options of a service, circuits of files, tables, histograms."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import re
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click
from qiskit import qasm3
from qiskit.exceptions import MissingOptionalLibraryError

from ionq_toolkit.circuits import qasm2
from ionq_toolkit.errors import IonQError
from ionq_toolkit.provider import IonQProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from qiskit import QuantumCircuit

#: Maximum of outcomes in a histogram.
_MOST_ROWS = 32

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def refuse_nan(
    _context: click.Context, _option: click.Parameter, value: float | None
) -> float | None:
    """Refuse a number of seconds that is not a number, as the callback of an option."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not a number of seconds")
    return value


timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    callback=refuse_nan,
    metavar="SECONDS",
    help="Seconds that each call may take.",
)


def with_provider(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a service, and its provider as the first argument.

    Errors of the client are one line.
    """

    @click.option("--account", metavar="NAME", help="A saved account, whose key to use.")
    @click.option("--url", help="The base URL of the API, if not the one of IONQ_API_URL.")
    @timeout_option
    @functools.wraps(command)
    def wrapped(
        account: str | None,
        url: str | None,
        timeout: float | None,
        **others: Any,  # noqa: ANN401
    ) -> object:
        with errors(), IonQProvider(account=account, url=url, timeout=timeout) as provider:
            return command(provider, **others)

    return wrapped


@contextlib.contextmanager
def errors() -> Iterator[None]:
    """Report errors of the client in one line."""
    try:
        yield
    except IonQError as error:
        raise click.ClickException(str(error)) from error


def load(file: Path) -> QuantumCircuit:
    """Return the circuit of an OpenQASM 2 or 3 file.

    Raises:
        click.ClickException: It cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8")
        _check_version(text)
        circuit = qasm2.loads(text, file.parent) if qasm2.is_qasm2(text) else qasm3.loads(text)
    except MissingOptionalLibraryError as error:
        raise click.ClickException(
            "Reading OpenQASM 3 needs another package: pip install 'ionq-toolkit[qasm3]'"
        ) from error
    except Exception as error:
        # The parser's own error has no message; the str of one of Qiskit's has quotes around it.
        reason = getattr(error, "message", str(error)) or "it is not valid OpenQASM 3"
        raise click.ClickException(f"{file} cannot be read: {reason}") from error
    circuit.name = file.stem
    return circuit


def _check_version(text: str) -> None:
    if not text.strip():
        raise ValueError("it is empty")
    version = re.search(r"\bOPENQASM\s+([\d.]+)", qasm2.without_comments(text))
    if version is not None and not version[1].startswith(("2", "3")):
        raise ValueError(f"it is OpenQASM {version[1]}, and OpenQASM 2 or 3 is needed")


def write(text: str) -> None:
    """Print a text to standard output."""
    try:
        click.echo(text)
    except BrokenPipeError:
        raise  # click ends quietly: the reader has seen enough
    except OSError as error:
        raise click.ClickException(f"cannot write to standard output: {error}") from error


def write_json(data: object) -> None:
    """Print plain data as JSON."""
    write(json.dumps(data, indent=2))


def write_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in aligned columns of plain text; columns without a value are left out."""
    cells = [["" if cell is None else one_line(str(cell)) for cell in row] for row in rows]
    used = [n for n in range(len(columns)) if n == 0 or any(row[n] for row in cells)]
    lines = [[columns[n].upper() for n in used], *([row[n] for n in used] for row in cells)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(used))]
    for line in lines:
        write("  ".join(map(str.ljust, line, widths)).rstrip())


def write_pairs(pairs: Mapping[str, object]) -> None:
    """Print names and values, a line each; those that are None or empty are left out."""
    shown = {name: one_line(str(value)) for name, value in pairs.items() if value not in (None, "")}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        write(f"{name:<{width}}  {value}")


def one_line(text: str) -> str:
    """Return a text without characters that move a terminal's cursor."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def fitting(counts: Mapping[str, int]) -> str:
    """Return a histogram that fits the terminal."""
    room = shutil.get_terminal_size().columns - len(next(iter(counts))) - 22
    return text_histogram(counts, width=max(10, min(60, room)), bar=_bar())


def text_histogram(counts: Mapping[str, int], *, width: int = 40, bar: str = "#") -> str:
    """Return counts as a table with a bar for each outcome.

    Args:
        counts: Outcomes and their counts; not empty.
        width: The length of the longest bar, in characters.
        bar: The character of the bars.

    Returns:
        A line for each outcome, in their order as bit strings; of more than 32, the most frequent.
    """
    total, most = sum(counts.values()), max(counts.values())
    kept = sorted(sorted(counts, key=lambda key: -counts[key])[:_MOST_ROWS])
    digits = len(str(most))
    lines = [
        f"  {key}  {bar * round(width * counts[key] / most):<{width}}  "
        f"{counts[key]:>{digits}}  {counts[key] / total:6.1%}"
        for key in kept
    ]
    if len(kept) < len(counts):
        rest = total - sum(counts[key] for key in kept)
        lines.append(f"  and {len(counts) - len(kept)} more outcomes in {rest} shots")
    return "\n".join(lines)


def _bar() -> str:
    """Return a block character if standard output can encode it, else an ASCII character."""
    try:
        "\u2588".encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return "#"
    return "\u2588"
