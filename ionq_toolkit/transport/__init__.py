"""Ways for the client to reach an IonQ API: over HTTP, inside this process, or as recorded."""

from ionq_toolkit.transport.base import ReplyTooLargeError, Response, Transport, UnusableURLError
from ionq_toolkit.transport.http import HttpTransport
from ionq_toolkit.transport.in_process import InProcessTransport
from ionq_toolkit.transport.recording import RecordingTransport
from ionq_toolkit.transport.replay import RecordingMissError, ReplayTransport
from ionq_toolkit.transport.retrying import RetryingTransport
from ionq_toolkit.transport.tape import RecordingError, RecordingFileError

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
