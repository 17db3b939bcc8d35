"""Ways for the client to reach an IonQ API: over HTTP, or inside this process."""

from ionq_toolkit.transport.base import Response, Transport
from ionq_toolkit.transport.http import HttpTransport
from ionq_toolkit.transport.in_process import InProcessTransport

__all__ = ["HttpTransport", "InProcessTransport", "Response", "Transport"]
