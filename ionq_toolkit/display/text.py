"""A view as text, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ionq_toolkit.display.view import View

#: The length of the longest bar, in characters.
_BAR_WIDTH = 30


def render(view: View) -> str:
    """Return the view as lines. Control characters are shown as Python writes them."""
    return "\n".join(line.rstrip() for line in _lines(view))


def _lines(view: View) -> Iterator[str]:
    yield plain(f"{view.title}  [{view.badge}]" if view.badge else view.title)
    if view.steps:
        yield "  " + " > ".join(
            plain(f"{step.name} {step.note}".rstrip() if step.reached else f"({step.name})")
            for step in view.steps
        )
    facts = [(name, value) for name, value in view.facts.items() if value is not None]
    yield from _table([(f"{name}:", str(value)) for name, value in facts])
    if view.rows:
        yield from _table([view.columns, *view.rows])
    for line, bar in zip(
        _table([(bar.label, bar.note) for bar in view.bars]), view.bars, strict=True
    ):
        yield f"{line}  {'#' * round(_BAR_WIDTH * bar.length)}"
    yield from map(plain, view.drawing.splitlines())
    if view.note:
        yield plain(view.note)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        for row in cells
    ]


def plain(text: str) -> str:
    """Return a text on one line, without characters that a terminal obeys."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
