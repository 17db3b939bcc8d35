"""The views of a cloud and its jobs, in a notebook and in IPython."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    class Printer(Protocol):
        """IPython's pretty printer."""

        def text(self, obj: str) -> None:
            """Print a text."""


_T = TypeVar("_T")

#: How many rows a table has: the first ones.
MOST_ROWS = 50

#: Characters of a cell that is kept on one line.
_MOST_UNWRAPPED = 20

_CELL = "text-align:left;padding:.2em .8em;border:0;border-bottom:1px solid rgba(128,128,128,.45)"


class Table:
    """A title and a table of plain texts, which are escaped.

    Args:
        title: The title.
        columns: The header.
        rows: The rows, of which the first 50 are shown.
    """

    def __init__(
        self, title: str, columns: Sequence[str] = (), rows: Sequence[Sequence[object]] = ()
    ) -> None:
        self._title = title
        if len(rows) > MOST_ROWS:
            self._title += f", the first {MOST_ROWS}"
        cells = [["" if cell is None else str(cell) for cell in row] for row in rows[:MOST_ROWS]]
        self._lines = [list(columns), *cells] if cells else []

    def to_html(self) -> str:
        """Return one element that inherits the colours of its page."""
        lines = "".join(
            f"<tr style='background:none'>{''.join(_cell('td' if n else 'th', c) for c in line)}"
            "</tr>"
            for n, line in enumerate(self._lines)
        )
        style = "border-collapse:collapse;color:inherit;font-size:inherit"
        table = f"<table style='{style}'>{lines}</table>"
        return (
            "<div style='color:inherit;font-size:13px;max-width:60em;overflow-x:auto'>"
            f"<b>{escape(self._title)}</b>{table if lines else ''}</div>"
        )

    def to_text(self) -> str:
        """Return lines without control characters."""
        lines = [[_plain(cell) for cell in line] for line in self._lines]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        rows = ("  ".join(f"{c:<{w}}" for c, w in zip(line, widths, strict=True)) for line in lines)
        return "\n".join([_plain(self._title), *(f"  {row}".rstrip() for row in rows)])


def shown(
    table: Callable[[Any], Table],
) -> tuple[Callable[[Any], str], Callable[[Any, Printer, bool], None]]:
    """Return ``_repr_html_`` and ``_repr_pretty_`` of a class whose objects show a table."""

    def _repr_html_(self: Any) -> str:  # noqa: ANN401 - an object of any class
        return table(self).to_html()

    def _repr_pretty_(self: Any, printer: Printer, cycle: bool) -> None:  # noqa: ANN401 - as above
        nested = cycle or len(getattr(printer, "stack", ())) > 1  # in a list, say
        printer.text(repr(self) if nested else table(self).to_text())

    return _repr_html_, _repr_pretty_


class ShownList(list[_T]):
    """A list of objects with `row()`, which shows itself as a table."""

    def _table(self) -> Table:
        columns = getattr(self[0], "COLUMNS", ()) if self else ()
        return Table(f"{len(self)} jobs of the fake", columns, [one.row() for one in self])  # type: ignore[attr-defined]

    _repr_html_, _repr_pretty_ = shown(_table)


def _cell(tag: str, text: str) -> str:
    wrap = "" if len(text) > _MOST_UNWRAPPED else ";white-space:nowrap"
    return f"<{tag} style='{_CELL}{wrap}'>{escape(text)}</{tag}>"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
