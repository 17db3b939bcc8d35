"""Events of a client: reported to a hook, the log and OpenTelemetry.

::

    from ionq_toolkit import events

    seen = []
    provider = IonQProvider(transport="fake", on_event=seen.append)
    provider.get_backend("simulator").run(circuit).result()
    [one.job_id for one in seen if isinstance(one, events.Submitted)]  # -> ['...']
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ionq_toolkit._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


logger = logging.getLogger("ionq_toolkit.events")


@dataclass(frozen=True, kw_only=True)
class Event:
    """One step of a client. It never carries an API key, a circuit or a result.

    Attributes:
        job_id: IonQ's id of the job concerned, or None if it has none yet or no job is concerned.
        seconds: A duration, defined by each kind of event.
    """

    job_id: str | None
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Submitting(Event):
    """A job is about to be sent to IonQ for the first time. `seconds`: 0.

    Attributes:
        tag: The tag by which `IonQProvider.find_submission` finds the job, whatever happens next.
    """

    tag: str


@dataclass(frozen=True, kw_only=True)
class Submitted(Event):
    """IonQ accepted a job. `seconds`: duration of the request, all attempts included."""


@dataclass(frozen=True, kw_only=True)
class Polled(Event):
    """IonQ returned the status of a job. `seconds`: duration of the request, with all attempts.

    Attributes:
        status: IonQ's status.
    """

    status: str


@dataclass(frozen=True, kw_only=True)
class Retried(Event):
    """A request will be sent again. `seconds`: the pause before that.

    Attributes:
        method: HTTP method.
        path: Path of the URL, without a query.
        attempt: The number of the attempt that failed, from 1 on.
        reason: ``status 503``, or the name of an error such as ``TimeoutError``.
    """

    method: str
    path: str
    attempt: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class PollFailed(Event):
    """A poll failed and will be repeated. `seconds`: the pause before that.

    All attempts at the request failed; each but the last was reported as `Retried`.

    Attributes:
        reason: ``status 503``, or the name of an error such as ``TimeoutError``.
        failures: Number of requests that failed since the last response.
        away_s: Seconds since the first of them began.
    """

    reason: str
    failures: int
    away_s: float


@dataclass(frozen=True, kw_only=True)
class Adopted(Event):
    """A job whose submission had no readable response was found. `seconds`: since submission.

    Attributes:
        tag: The tag that it was found by.
    """

    tag: str


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """An `IonQJob` became final. `seconds`: since it was submitted or retrieved.

    Attributes:
        status: IonQ's status: ``completed``, ``failed`` or ``canceled``.
    """

    status: str


class EventLog:
    """Reports events to a hook, the logger ``ionq_toolkit.events`` and the current span.

    `Polled` is logged at level DEBUG, the others at INFO.

    ::

        from ionq_toolkit.events import EventLog, Polled

        report = EventLog(print)
        report(Polled(job_id="a-job", seconds=0.1, status="ready"))
    """

    def __init__(self, hook: Callable[[Event], object] | None = None) -> None:
        """Report every event to `hook`, if it is not None.

        The hook is called in the thread of the event: it must be quick and thread-safe. Its
        errors are logged and do not propagate: they must not lose a job that was paid for.
        """
        self._hook = hook

    def __call__(self, event: Event) -> None:
        """Report an event."""
        kind = type(event).__name__
        level = logging.DEBUG if isinstance(event, Polled) else logging.INFO
        if logger.isEnabledFor(level):
            words = " ".join(f"{name}={_word(value)}" for name, value in _told(event).items())
            logger.log(level, "%s %s", kind.lower(), words, extra={"ionq_event": event})
        if (current := _recording()) is not None:
            _add(current, kind.lower(), _told(event))
        if self._hook is not None:
            try:
                self._hook(event)
            except Exception:
                logger.exception("on_event raised an error for %s", kind)


def _told(event: Event) -> dict[str, Any]:
    return {name: value for name, value in vars(event).items() if value is not None}


def _word(value: Any) -> str:  # noqa: ANN401 - a field of an event
    if isinstance(value, float):
        return f"{value:.3f}"
    text = str(value).replace(" ", "_")
    return text if text.isprintable() else ascii(text)[1:-1]  # a text of the service may be any


#: Ids and names in a path, which would make too many different names of spans.
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

    Attributes have the names of OpenTelemetry's conventions for HTTP clients. The span records
    errors.

    ::

        from ionq_toolkit.events import span

        with span("GET", "/jobs", None):
            provider.jobs()

    Yields:
        The span, or None without an SDK of OpenTelemetry.
    """
    trace = _trace()
    if trace is None or isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        yield None  # there is no SDK that would record it
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
    """Add an event to the current span, if there is one.

    ::

        from ionq_toolkit.events import note

        note("my step", {"circuits": 3})
    """
    if (current := _recording()) is not None:
        _add(current, name, attributes)


def _recording() -> Any:  # noqa: ANN401 - a span, or None
    """Return the current span, if there is one that records."""
    trace = _trace()
    current = None if trace is None else trace.get_current_span()
    return current if current is not None and current.is_recording() else None


def _add(current: Any, name: str, attributes: Mapping[str, Any]) -> None:  # noqa: ANN401 - a span
    named = {f"ionq.{key}": value for key, value in attributes.items()}
    current.add_event(name, attributes=named)
