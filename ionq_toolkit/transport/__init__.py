"""Ways for the client to reach an IonQ API: over HTTP, or inside this process."""

from ionq_toolkit.transport.base import ReplyTooLargeError, Response, Transport, UnusableURLError
from ionq_toolkit.transport.http import HttpTransport
from ionq_toolkit.transport.in_process import InProcessTransport
from ionq_toolkit.transport.retrying import RetryingTransport

__all__ = [
    "HttpTransport",
    "InProcessTransport",
    "ReplyTooLargeError",
    "Response",
    "RetryingTransport",
    "Transport",
    "UnusableURLError",
]
