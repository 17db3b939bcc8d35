"""A scripted cloud behind intercepted clients, and its responses."""

from __future__ import annotations

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.api.responses import Response
from ionq_toolkit_fake.faults.exchange import CutShort


class Scripted(FakeIonQ):
    """A cloud that answers what it is told to, one after the other, and keeps the requests."""

    def __init__(self, *replies):
        super().__init__(seed=1)
        self.replies = list(replies)
        self.seen = []

    def handle(self, method, url, headers, body=None, timeout=None, *, in_parts=False):
        assert in_parts  # timeouts of these libraries are of each part
        self.seen.append((method, url, headers, body, timeout))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, BaseException):
            raise reply
        return reply


def reply(status=200, body=b"{}", **headers):
    return Response(status, {k.replace("_", "-"): v for k, v in headers.items()}, body)


def cut(partial, missing):
    error = ConnectionError("Connection broken")
    error.__cause__ = CutShort(partial, missing, reply(body=partial + b"-" * missing))
    return error
