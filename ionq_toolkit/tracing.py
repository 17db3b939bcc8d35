"""Spans of OpenTelemetry, by its API alone, where that is installed.

Without its API nothing happens here; with the API alone, nothing either: it does nothing until an
application sets up an SDK.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import re
from typing import TYPE_CHECKING, Any

from ionq_toolkit._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
