"""View: what an object shows of itself, before it is HTML or text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ionq_toolkit.display import html, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    class Printer(Protocol):
        """IPython's pretty printer."""

        def text(self, obj: str) -> None:
            """Print a text."""


class Bar(NamedTuple):
    """A bar: its label, its length from 0 to 1, and the text beside it."""

    label: str
    length: float
    note: str


class Step(NamedTuple):
    """A step of a job: its name, the text below it, and whether it was reached."""

    name: str
    note: str
    reached: bool


@dataclass(frozen=True)
class View:
    """The view of an object. Every text is plain, from whatever source, and is escaped.

    Attributes:
        title: The name of the object.
        badge: A word beside it, such as a status.
        tone: Of the badge: ``"good"``, ``"bad"``, ``"busy"``, or empty.
        facts: Names and values; values that are None are left out.
        columns: The header of the table.
        rows: The rows of the table.
        steps: A timeline.
        bars: A bar chart.
        drawing: A drawing in characters.
        note: A sentence below.
    """

    title: str
    badge: str = ""
    tone: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    steps: Sequence[Step] = ()
    bars: Sequence[Bar] = ()
    drawing: str = ""
    note: str = ""


def shown(
    view: Callable[[Any], View],
) -> tuple[Callable[[Any], str], Callable[[Any, Printer, bool], None]]:
    """Return ``_repr_html_`` and ``_repr_pretty_`` of a class whose objects show a view.

    ::

        class Thing:
            _repr_html_, _repr_pretty_ = shown(lambda self: View("Thing"))

    Args:
        view: Makes the view of an object, from what is known: it sends no request.
    """

    def _repr_html_(self: Any) -> str:  # noqa: ANN401 - an object of any class
        return html.render(view(self))

    def _repr_pretty_(self: Any, printer: Printer, cycle: bool) -> None:  # noqa: ANN401 - as above
        nested = cycle or len(getattr(printer, "stack", ())) > 1  # in a list, say
        printer.text(repr(self) if nested else text.render(view(self)))

    return _repr_html_, _repr_pretty_


def moment(when: datetime | None) -> str | None:
    """Return a time as ``2026-01-01 12:00:00 UTC``, or None."""
    return None if when is None else f"{when:%Y-%m-%d %H:%M:%S} UTC"


def money(amount: float | None, unit: str | None) -> str | None:
    """Return an amount as ``12.34 USD``, or None."""
    return None if amount is None else f"{amount:,.2f} {(unit or '').upper()}".rstrip()
