"""What a client does, as events: for a hook, for the log, and for OpenTelemetry."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ionq_toolkit import tracing

if TYPE_CHECKING:
    from collections.abc import Callable

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
        tracing.note(kind.lower(), told)
        if self._hook is not None:
            try:
                self._hook(event)
            except Exception:
                logger.exception("on_event raised an error for %s", kind)


def _word(value: Any) -> str:  # noqa: ANN401 - a field of an event
    return f"{value:.3f}" if isinstance(value, float) else str(value).replace(" ", "_")
