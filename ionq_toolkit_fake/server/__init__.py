"""The cloud on a socket, and the guard that refuses web pages and strangers."""

from ionq_toolkit_fake.server.limits import ServerLimits
from ionq_toolkit_fake.server.serving import FakeServer, serve

__all__ = ["FakeServer", "ServerLimits", "serve"]
