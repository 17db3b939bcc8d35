"""The progress line of a wait, on a terminal or in a notebook."""

from __future__ import annotations

import contextlib
import shutil
import sys
from html import escape
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from typing import TextIO


#: A wait that nothing was said of shows its progress after so many seconds.
LONG_S = 5.0

#: Characters of a bar.
_BAR = 12


class ProgressLine:
    """A bar and a line that is overwritten, on a terminal or in a notebook; elsewhere it is quiet.

    It is written to standard error if that is a terminal, and shown below the cell in a Jupyter
    notebook.
    """

    def __init__(self, stream: TextIO | None = None, *, after_s: float = 0.0) -> None:
        """Write to `stream`, or standard error, if it is a terminal.

        Args:
            stream: The stream.
            after_s: Seconds of a wait that are not shown.
        """
        self.after_s = after_s
        self._stream = stream or sys.stderr
        self._display = _notebook_display()
        self._terminal = self._display is None and _is_terminal(self._stream)
        self._handle: Any = None
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the line as it is, and go on below it."""
        if self._terminal and self._shown:
            with contextlib.suppress(Exception):
                self._write("\n")

    @property
    def visible(self) -> bool:
        """Whether anybody sees the line."""
        return self._terminal or self._display is not None

    def show(self, text: str, done: float) -> None:
        """Put a bar and `text` in the place of what was shown before.

        Args:
            text: The line.
            done: The part of the way that the job has come, from 0 to 1.
        """
        if text == self._shown or not self.visible:
            return
        with contextlib.suppress(Exception):  # what cannot be shown must not end a wait
            if self._display is not None:
                self._show_in_notebook(text, done)
            else:
                bar = "#" * round(_BAR * done)
                text = f"[{bar:<{_BAR}}] {text}"[: shutil.get_terminal_size().columns - 1]
                self._write(f"\r{text:<{len(self._shown)}}")
        self._shown = text

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def _show_in_notebook(self, text: str, done: float) -> None:
        bar = f'<progress value="{done:.3f}" max="1" style="vertical-align:middle"></progress>'
        data = {"text/plain": text, "text/html": f"<div>{bar} {escape(text)}</div>"}
        if self._handle is None:
            self._handle = self._display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


def describe(
    job_id: str,
    status: str,
    *,
    elapsed_s: float,
    predicted_wait_s: float | None = None,
    children: tuple[int, int] | None = None,
    answered: bool = True,
) -> str:
    """Return a line that says how a job stands.

    Args:
        job_id: The job.
        status: Its status.
        elapsed_s: How long it was waited for, in seconds.
        predicted_wait_s: How long IonQ says that it waits in the queue, in seconds.
        children: How many of its circuits are done, and of how many.
        answered: Whether the service answered; if not, the other values are the last known ones.
    """
    parts = [f"job {job_id}", status]
    if children is not None:
        parts.append(f"{children[0]} of {children[1]} circuits done")
    if predicted_wait_s is not None:
        parts.append(f"in the queue for about {duration(predicted_wait_s)}")
    if not answered:
        parts.append("no answer from the service")
    parts.append(f"waited {duration(elapsed_s)}")
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """Return a duration as people write it, such as ``42 s``, ``3 min 5 s`` or ``2 h 10 min``."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except Exception:  # noqa: BLE001 - a stream may be missing, closed or of any kind
        return False


def _notebook_display() -> Any:  # noqa: ANN401 - a function of IPython's
    """Return what shows things below the cell of a notebook, or None outside of one."""
    ipython, showing = (sys.modules.get(name) for name in ("IPython", "IPython.display"))
    get_ipython = getattr(ipython, "get_ipython", None)
    shell = get_ipython() if callable(get_ipython) else None
    return None if getattr(shell, "kernel", None) is None else getattr(showing, "display", None)
