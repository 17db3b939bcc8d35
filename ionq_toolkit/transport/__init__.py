"""Transports to an IonQ API: over HTTP, in this process, or from a recording.

::

    from ionq_toolkit.transport import RecordingMissError, RecordingTransport, ReplayTransport

    with RecordingTransport(InProcessTransport(cloud), "jobs.jsonl") as recorder:
        IonQProvider(transport=recorder).jobs()
    try:
        IonQProvider(transport=ReplayTransport("jobs.jsonl")).jobs(status="failed")
    except RecordingMissError as error:
        print(error)  # this request was not recorded
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ionq_toolkit.transport.base import ReplyTooLargeError, Response, Transport, UnusableURLError
from ionq_toolkit.transport.in_process import InProcessTransport
from ionq_toolkit.transport.retry import RetryingTransport

if TYPE_CHECKING:
    from ionq_toolkit.transport.http import HttpTransport
    from ionq_toolkit.transport.recording.file import RecordingError, RecordingFileError
    from ionq_toolkit.transport.recording.recorder import RecordingTransport
    from ionq_toolkit.transport.recording.replay import RecordingMissError, ReplayTransport

#: Names by module, imported on first access: few programs use them, or they import `requests`,
#: which takes a third of the time.
_LATER = {
    "HttpTransport": "http",
    "RecordingError": "recording.file",
    "RecordingFileError": "recording.file",
    "RecordingMissError": "recording.replay",
    "RecordingTransport": "recording.recorder",
    "ReplayTransport": "recording.replay",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = found
    return found


__all__ = [
    "HttpTransport",
    "InProcessTransport",
    "RecordingError",
    "RecordingFileError",
    "RecordingMissError",
    "RecordingTransport",
    "ReplayTransport",
    "ReplyTooLargeError",
    "Response",
    "RetryingTransport",
    "Transport",
    "UnusableURLError",
]
