"""What a client does, as events: for a hook, for the log, and for OpenTelemetry."""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ionq_toolkit._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


logger = logging.getLogger("ionq_toolkit.events")


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that a client did or saw.

    None carries an API key, a circuit or a result.

    Attributes:
        job_id: IonQ's id of the job concerned, or None: there is none yet, or no job is.
        seconds: What each kind of event says it is.
    """

    job_id: str | None
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Submitted(Event):
    """IonQ took a job. `seconds`: how long the request took, all attempts included."""


@dataclass(frozen=True, kw_only=True)
class Polled(Event):
    """IonQ said how a job stands. `seconds`: how long the request took, all attempts included.

    Attributes:
        status: IonQ's word for it, as far as it is a word.
    """

    status: str


@dataclass(frozen=True, kw_only=True)
class Retried(Event):
    """A request is going to be sent again. `seconds`: the pause before that.

    Attributes:
        method: HTTP method.
        path: Path of the URL, without a query.
        attempt: The number of the attempt that failed, from 1 on.
        reason: Why: ``status 503``, or the name of an error such as ``TimeoutError``.
    """

    method: str
    path: str
    attempt: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class PollFailed(Event):
    """A wait for a job got no answer, and goes on. `seconds`: the pause before it asks again.

    All attempts at the request are over, each of which but the last was told as `Retried`.

    Attributes:
        reason: Why: ``status 503``, or the name of an error such as ``TimeoutError``.
        failures: How many requests of the wait have failed since the last answer.
        away_s: Seconds since the first of them was begun.
    """

    reason: str
    failures: int
    away_s: float


@dataclass(frozen=True, kw_only=True)
class Adopted(Event):
    """A job whose submission had no readable answer was found. `seconds`: since it was submitted.

    Attributes:
        tag: What it was found by.
    """

    tag: str


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """An `IonQJob` was first seen to be final. `seconds`: since it was submitted or retrieved.

    Attributes:
        status: IonQ's word: ``completed``, ``failed`` or ``canceled``.
    """

    status: str


class EventLog:
    """Tells of events: a hook, the logger ``ionq_toolkit.events``, and the span that is open.

    Events of what happens again and again are logged as DEBUG, the others as INFO.
    """

    def __init__(self, hook: Callable[[Event], object] | None = None) -> None:
        """Tell `hook` of every event, if there is one.

        It is called in the thread in which the event happens, which is any: it must be quick and
        safe in threads. What it raises is logged, and ends nothing: a job that was paid for must
        not be lost to an error in what watches it.
        """
        self._hook = hook

    def __call__(self, event: Event) -> None:
        """Tell of an event."""
        kind = type(event).__name__
        told = {name: value for name, value in asdict(event).items() if value is not None}
        level = logging.DEBUG if isinstance(event, Polled) else logging.INFO
        if logger.isEnabledFor(level):
            words = " ".join(f"{name}={_word(value)}" for name, value in told.items())
            logger.log(level, "%s %s", kind.lower(), words, extra={"ionq_event": event})
        note(kind.lower(), told)
        if self._hook is not None:
            try:
                self._hook(event)
            except Exception:
                logger.exception("on_event raised an error for %s", kind)


def _word(value: Any) -> str:  # noqa: ANN401 - a field of an event
    return f"{value:.3f}" if isinstance(value, float) else str(value).replace(" ", "_")


#: Ids and names in a path, which a span's name must not have: there would be too many of them.
_VARIABLE = re.compile(r"/(jobs|sessions|backends|artifacts)/(?!estimate\b)[^/?]+")


@functools.cache
def _trace() -> Any:  # noqa: ANN401 - a module that may not be there
    try:
        return importlib.import_module("opentelemetry.trace")
    except ImportError:
        return None


@functools.cache
def _tracer() -> Any:  # noqa: ANN401 - of that module
    return _trace().get_tracer("ionq_toolkit", __version__)


@contextlib.contextmanager
def span(method: str, path: str, job_id: str | None) -> Iterator[Any]:
    """Open a span for one request, all its attempts included.

    Attributes are named as OpenTelemetry's conventions for HTTP clients do. What is raised within
    is recorded by the span.

    Yields:
        The span, or None where there is no OpenTelemetry.
    """
    trace = _trace()
    if trace is None:
        yield None
        return
    template = _VARIABLE.sub(r"/\1/{id}", path.partition("?")[0])
    attributes = {"http.request.method": method, "url.template": template}
    if job_id is not None:
        attributes["ionq.job.id"] = job_id
    with _tracer().start_as_current_span(
        f"{method} {template}", kind=trace.SpanKind.CLIENT, attributes=attributes
    ) as opened:
        yield opened


def note(name: str, attributes: Mapping[str, Any]) -> None:
    """Add an event to the span that is open, if there is one."""
    trace = _trace()
    if trace is not None:
        named = {f"ionq.{key}": value for key, value in attributes.items()}
        trace.get_current_span().add_event(name, attributes=named)
