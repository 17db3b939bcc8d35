"""A cloud whose answers are lost, before or after what was asked for is done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ionq_toolkit import InProcessTransport, IonQProvider

if TYPE_CHECKING:
    from collections.abc import Callable

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
PAGE = b"<html>Bad gateway</html>"

#: What the client gets in the place of the answer, after which there may be an effect or not: a
#: reply, an exception, or a function of the answer.
AMBIGUOUS: dict[str, Any] = {
    "no answer in time": TimeoutError("nothing came"),
    "connection reset": ConnectionResetError("reset"),
    "broken pipe": BrokenPipeError("pipe"),
    "connection lost": ConnectionError("lost"),
    "500": (500, JSON, b'{"statusCode": 500, "error": "Internal Server Error", "message": "x"}'),
    "500 without a form": (500, HTML, b""),
    **{str(status): (status, HTML, PAGE) for status in (502, 504, *range(520, 530), 530)},
    "503 of a proxy": (503, HTML, b"upstream connect error or disconnect/reset before headers"),
    "503 of a proxy, with a time": (503, {**HTML, "Retry-After": "30"}, PAGE),
    "408": (408, HTML, b""),
    "499": (499, HTML, b""),
    "303": (303, {"Location": "/elsewhere"}, b""),
    "truncated": lambda reply: (reply[0], reply[1], reply[2][: len(reply[2]) // 2]),
    "empty": lambda reply: (reply[0], reply[1], b""),
    "a page": (200, HTML, PAGE),
    "no id": (201, JSON, b'{"status": "submitted"}'),
    "strange id": (201, JSON, b'{"id": "../x"}'),
}

#: Likewise, after which there is certainly none.
CERTAIN: dict[str, Any] = {
    "connection refused": ConnectionRefusedError("nobody listens"),
    **{
        str(status): (status, JSON, b'{"message": "no"}')
        for status in (301, 302, 307, 308, 400, 401, 402, 403, 404, 409, 413, 422, 425, 429)
    },
    "501": (501, JSON, b'{"message": "no"}'),
    "503 of the service": (
        503,
        JSON,
        b'{"statusCode": 503, "error": "Service Unavailable", "message": "later"}',
    ),
}

Outcome = Any
OK: Outcome = None


def provider_of(cloud: Any, **options: Any) -> IonQProvider:
    """Return a provider whose client reaches a cloud in this process."""
    return IonQProvider(transport=InProcessTransport(cloud), **{"retry": None, **options})


class Lossy:
    """Passes requests on to a cloud, and loses answers as it is told.

    Attributes:
        cloud: The cloud behind it.
        clock: The cloud's, for a client that waits on it.
        requests: (method, path) of all requests, queries included.
        bodies: The bodies of all POSTs.
        risked: (path, body) of those that may have had an effect: that were not certainly refused.
        lose: Called with (method, path): returns (effect, outcome) or None for an answer that
            arrives. `effect` says whether the request reaches the cloud at all.
        hidden: Returns whether lists do not show a job or session yet, by its record.
        held: Submissions that may still reach the cloud: `deliver` lets them.
    """

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        self.clock = cloud.clock
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.risked: list[tuple[str, dict[str, Any]]] = []
        self.held: list[tuple[Any, ...]] = []
        self.lose: Callable[[str, str], tuple[bool, Outcome] | None] = lambda method, path: None
        self.hidden: Callable[[dict[str, Any]], bool] = lambda record: False

    def handle(self, method, url, headers, body, timeout):
        parts = urlsplit(url)
        path = parts.path.removeprefix("/v0.4")
        self.requests.append((method, path + (f"?{parts.query}" if parts.query else "")))
        if body:
            self.bodies.append(json.loads(body))
        lost = self.lose(method, path)
        effect, outcome = (True, OK) if lost is None else lost
        risky = body is not None and not any(outcome is one for one in CERTAIN.values())
        if risky:
            self.risked.append((path, json.loads(body)))
        if not effect:
            if risky:
                self.held.append((method, url, headers, body, timeout))
            reply = (201, JSON, b'{"id": "never-made"}')
        else:
            reply = self._shown(path, self.cloud.handle(method, url, headers, body, timeout))
        if outcome is OK:
            return reply
        if isinstance(outcome, TimeoutError):
            self.clock.sleep(timeout)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome(reply) if callable(outcome) else outcome

    def deliver(self):
        """Let the requests reach the cloud that were held up on their way."""
        for request in self.held:
            self.cloud.handle(*request)
        self.held.clear()

    def posts(self, path="/jobs"):
        return self.requests.count(("POST", path))

    def asked(self, path="/jobs"):
        return sum(method == "GET" and p.split("?")[0] == path for method, p in self.requests)

    def _shown(self, path, reply):
        if path not in ("/jobs", "/sessions") or reply[0] != 200:
            return reply
        status, fields, body = reply
        name = path.removeprefix("/")
        page = json.loads(body)
        page[name] = [record for record in page[name] if not self.hidden(record)]
        return status, fields, json.dumps(page).encode()


def losing(of, outcome, *, effect, times=1):
    """Return a function for `Lossy.lose` that loses the first answers to one kind of request."""
    left = [times]

    def lose(method, path):
        if (method, path) != of or left[0] == 0:
            return None
        left[0] -= 1
        return effect, outcome

    return lose
