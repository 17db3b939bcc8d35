"""Requests to a cloud: with its key, not beyond a limit of size, and none after a 429."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    #: Sends a request: (method, URL, headers, body) -> (status, headers, body); raises OSError.
    Send = Callable[
        [str, str, Mapping[str, str], bytes | None], "tuple[int, Mapping[str, str], bytes]"
    ]

#: Seconds for one request, and the largest response that is read.
TIMEOUT_S, MOST_BYTES = 60.0, 32 * 1024 * 1024

#: The characters of paths and queries.
_PATH = re.compile(r"[A-Za-z0-9_./?=&,:-]+")

#: Which key a request has.
OWN, WRONG, NONE = "own", "wrong", "none"

#: A key of fewer characters is no secret: a response has them by chance.
_SHORTEST_KEY = 8

#: A key that no cloud has given out.
_WRONG_KEY = "ionq-toolkit-conformance-no-such-key"

_TOO_MANY = 429


class StoppedError(Exception):
    """The cloud asked for fewer requests: no more are sent."""


class NoJsonError(Exception):
    """A response has no JSON."""


class Reply(NamedTuple):
    """A response.

    Attributes:
        status: Its HTTP status.
        headers: Its headers, by their names in lower case.
        body: Its body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - JSON
        """Return its body, decoded.

        Raises:
            NoJsonError: It is no JSON.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise NoJsonError(f"no JSON: {self.body[:80]!r}") from error


class Wire:
    """The way to one cloud.

    Attributes:
        root: Its URL without the version.
        stopped: Why no more requests are sent; "" while they are.
        wait_s: How long the cloud asked to wait, in seconds.
        sent: How many requests were sent.
        leaked: The requests whose responses contained the key.
    """

    def __init__(self, url: str, key: str, send: Send | None = None) -> None:
        """Name a cloud.

        Args:
            url: Its URL, with or without the version.
            key: The API key.
            send: Sends the requests; None: by HTTP.
        """
        self.root = url.rstrip("/").removesuffix("/v0.4").removesuffix("/v0.3")
        self._key, self._send = key, send or _over_http()
        self.stopped, self.wait_s, self.sent = "", 0.0, 0
        self.leaked: list[str] = []

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str = OWN,
        version: str = "v0.4",
    ) -> Reply:
        """Send a request.

        Args:
            method: Its method.
            path: Its path below the version, with its query; one from a record may have it.
            body: The body: bytes as they are, or JSON; None: none.
            key: `OWN`, `WRONG` or `NONE`.
            version: The version of the API.

        Raises:
            StoppedError: The cloud asked for fewer requests.
            OSError: There is no response.
            ValueError: The path has other characters than those of ids, names and queries.
        """
        if self.stopped:
            raise StoppedError(self.stopped)
        if not _PATH.fullmatch(path) or ".." in path:  # of an id that the cloud made up
            raise ValueError(f"no request for {path!r:.100}")
        headers = {"User-Agent": "ionq-toolkit-conformance", "Accept": "application/json"}
        if key != NONE:
            headers["Authorization"] = f"apiKey {self._key if key == OWN else _WRONG_KEY}"
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        below = path if path.startswith(f"/{version}/") else f"/{version}{path}"
        self.sent += 1
        status, fields, content = self._send(method, self.root + below, headers, data)
        if key == OWN and len(self._key) >= _SHORTEST_KEY and self._key.encode() in content:
            self.leaked.append(f"{method} {path}")
            content = content.replace(self._key.encode(), b"[API key]")
        reply = Reply(status, {k.lower(): v for k, v in fields.items()}, content)
        if status == _TOO_MANY:
            after = reply.headers.get("retry-after", "")[:9]
            self.wait_s = float(after) if after.isdecimal() else 0.0
            self.stopped = f"the cloud asked for fewer requests (429, wait {self.wait_s:g} s)"
            raise StoppedError(self.stopped)
        return reply


def is_loopback(url: str) -> bool:
    """Return whether a URL is of this machine."""
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


def _over_http() -> Send:
    import requests  # noqa: PLC0415 - the fake itself needs no client

    session = requests.Session()

    def send(
        method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        reply = session.request(
            method,
            url,
            headers=dict(headers),
            data=body,
            timeout=TIMEOUT_S,
            allow_redirects=False,  # the key is for this host
            stream=True,
            auth=lambda request: request,  # and not one from a .netrc
        )
        with reply:
            content = reply.raw.read(MOST_BYTES + 1, decode_content=True)
        if len(content) > MOST_BYTES:
            raise OSError(f"a response of more than {MOST_BYTES} bytes")
        return reply.status_code, reply.headers, content

    return send
