"""A view as HTML that needs neither scripts nor style sheets, and fits light and dark pages."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ionq_toolkit.display.view import Step, View

#: Half-transparent grey is a line on white and on black; text has the colour of the page.
_LINE, _FILL = "rgba(128,128,128,.45)", "rgba(128,128,128,.12)"
_TONES = {"good": "#2e9e5b", "bad": "#e0564d", "busy": "#c98a1b", "": "#7a8794"}
_BAR = "#4a86d8"

#: Characters of a cell that is kept on one line.
_MOST_UNWRAPPED = 40

_MONO = "font-family:ui-monospace,Menlo,Consolas,monospace"
_CELL = (
    f"padding:.25em .8em;text-align:left;vertical-align:top;border:0;"
    f"border-bottom:1px solid {_LINE};background:none;color:inherit"
)


def render(view: View) -> str:
    """Return the view as one element."""
    return (
        f'<div style="color:inherit;font-size:13px;line-height:1.45;border:1px solid {_LINE};'
        'border-radius:6px;padding:.7em .9em;max-width:60em;overflow-x:auto">'
        f"{''.join(_parts(view))}</div>"
    )


def _parts(view: View) -> Iterator[str]:
    badge = ""
    if view.badge:
        tone = _TONES[view.tone]
        badge = (
            f'<span style="margin-left:.7em;padding:.05em .6em;border:1px solid {tone};'
            f'border-radius:1em;background:{tone}22;font-size:12px">{escape(view.badge)}</span>'
        )
    yield f'<div style="margin-bottom:.3em"><b>{escape(view.title)}</b>{badge}</div>'
    if view.steps:
        yield '<div style="display:flex;margin:.5em 0">'
        for step in view.steps:
            yield _step(step, bad=view.tone == "bad" and step is view.steps[-1])
        yield "</div>"
    facts = {name: value for name, value in view.facts.items() if value is not None}
    if facts:
        yield '<div style="display:grid;grid-template-columns:max-content 1fr;gap:.1em 1.2em">'
        for name, value in facts.items():
            yield f'<span style="opacity:.7">{escape(name)}</span>'
            yield f'<span style="overflow-wrap:anywhere">{escape(str(value))}</span>'
        yield "</div>"
    if view.rows:
        yield (
            '<table style="border-collapse:collapse;margin:.4em 0;border:0;color:inherit;'
            'font-size:inherit">'
        )
        yield _row("th", view.columns)
        for row in view.rows:
            yield _row("td", row)
        yield "</table>"
    if view.bars:
        yield (
            '<div style="display:grid;grid-template-columns:max-content minmax(8em,24em) '
            'max-content;gap:.15em .8em;align-items:center;margin:.5em 0">'
        )
        for label, length, note in view.bars:
            yield f'<span style="{_MONO};text-align:right">{escape(label)}</span>'
            yield (
                f'<span style="background:{_FILL};border-radius:2px"><span style="display:block;'
                f'height:.9em;border-radius:2px;background:{_BAR};width:{100 * length:.1f}%">'
                "</span></span>"
            )
            yield f'<span style="opacity:.8">{escape(note)}</span>'
        yield "</div>"
    if view.drawing:
        yield (
            f'<details open style="margin-top:.5em"><summary style="opacity:.7">circuit</summary>'
            f'<pre style="{_MONO};line-height:1.15;margin:.3em 0;padding:0;border:0;color:inherit;'
            f'background:none;white-space:pre">{escape(view.drawing)}</pre></details>'
        )
    if view.note:
        yield f'<div style="margin-top:.4em;opacity:.7">{escape(view.note)}</div>'


def _row(tag: str, cells: Sequence[str]) -> str:
    inner = ""
    for cell in cells:
        wrap = "" if len(cell) > _MOST_UNWRAPPED else ";white-space:nowrap"
        inner += f'<{tag} style="{_CELL}{wrap}">{escape(cell)}</{tag}>'
    return f'<tr style="background:none">{inner}</tr>'


def _step(step: Step, *, bad: bool) -> str:
    colour, opacity = (_BAR, 1) if step.reached else (_LINE, 0.55)
    colour = _TONES["bad"] if bad else colour
    return (
        f'<div style="flex:1;max-width:13em;border-top:3px solid {colour};padding:.25em .8em 0 0;'
        f'opacity:{opacity}"><div>{escape(step.name)}</div>'
        f'<div style="opacity:.7;font-size:12px">{escape(step.note)}</div></div>'
    )
