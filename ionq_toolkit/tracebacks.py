"""Tracebacks that end at the caller's own line, in IPython, pytest and rich."""

from __future__ import annotations

import copy
import inspect
import sys
import traceback
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_E = TypeVar("_E", bound=BaseException | None)

#: The packages whose frames are hidden: this one and, since its primitives call back, Qiskit.
_HIDDEN = frozenset({"ionq_toolkit", "qiskit"})

#: The packages below, whose frames are hidden from the tracebacks of causes.
_BELOW = _HIDDEN | {"http", "ionq_toolkit_fake", "requests", "socket", "ssl", "urllib3"}

#: The local variable of a frame that pytest and IPython skip it for, and that of rich.
_MARKS = ("__tracebackhide__", "_rich_traceback_omit")


class InvalidValueError(ValueError):
    """An argument has a value that it cannot have."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        hide_frames(self)

    def _render_traceback_(self) -> list[str]:
        return render(self)


def hide_frames(error: _E) -> _E:
    """Hide from the traceback of an error the frames that lead from the caller to here.

    Those of the error that is being handled are hidden as well. Debuggers, ``pytest --full-trace``
    and Python's own traceback show all of them.

    Returns:
        The error.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the way to the calling frame
    while frame is not None:
        if _package(frame) in _HIDDEN:
            _hide(frame)
        frame = frame.f_back
    cause = sys.exc_info()[1]
    first = next((step.tb_frame for step in _steps(getattr(cause, "__traceback__", None))), None)
    if first is not None and _package(first) in _HIDDEN:  # else an error of the caller's own
        hide_cause(cause)
    return error


def hide_cause(cause: _E) -> _E:
    """Hide the frames of this package, and of those below it, from the tracebacks of a cause.

    pytest would print their variables, with the headers of a request.

    Returns:
        The cause, which may be None.
    """
    error: BaseException | None = cause
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for step in _steps(error.__traceback__):
            if _package(step.tb_frame) in _BELOW:
                _hide(step.tb_frame)
        error = error.__cause__ or error.__context__
    return cause


def render(error: BaseException) -> list[str]:
    """Return the traceback of an error as IPython shows it, without the hidden frames and causes.

    After ``%xmode Verbose`` it has all of them.
    """
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    view: Any = getattr(get_ipython(), "InteractiveTB", None)
    if view is None:
        return traceback.format_exception(error)
    shown: TracebackType | None = None
    for step in reversed(list(_steps(error.__traceback__))):
        if not step.tb_frame.f_locals.get(_MARKS[0]):
            shown = TracebackType(shown, step.tb_frame, step.tb_lasti, step.tb_lineno)
    if view.mode == "Verbose" or shown is None:
        full: list[str] = view.structured_traceback(type(error), error, error.__traceback__)
        return full
    alone = copy.copy(error)  # without what it was caused by
    lines: list[str] = view.structured_traceback(type(error), alone, shown, tb_offset=0)
    return lines


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


def _hide(frame: FrameType) -> None:
    if frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # a function, whose variables are not global
        frame.f_locals.update(dict.fromkeys(_MARKS, True))


def _steps(tb: TracebackType | None) -> Iterator[TracebackType]:
    while tb is not None:
        yield tb
        tb = tb.tb_next
