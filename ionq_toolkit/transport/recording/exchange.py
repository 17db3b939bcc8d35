"""A request and its response, as data that can be stored and compared."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping


_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")

#: The path before the API's version belongs to the way to it, as the host does.
_BEFORE_VERSION = re.compile(r".*?(?=/v\d+(\.\d+)*(/|$))")

#: The deepest JSON that is kept as data, more than twice as deep as IonQ's; deeper JSON is a text.
_DEEPEST = 64


class Request(NamedTuple):
    """A request, without the parts that depend on the way to the service.

    Attributes:
        method: In upper case.
        path: From the API's version on, such as ``/v0.4/jobs``.
        query: Its parameters and their values, in the order of their names.
        body: JSON as data (an object or a list), any other text as a str, anything else
            as bytes, and None if it is empty.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: Any

    @classmethod
    def of(cls, method: str, url: str, body: bytes | None) -> Request:
        """Return the request of a transport's `send`."""
        path, _, query = _HOST.sub("", url, count=1).partition("#")[0].partition("?")
        pairs = sorted(parse_qsl(query, keep_blank_values=True))
        path = _BEFORE_VERSION.sub("", path, count=1)
        return cls(method.upper(), path or "/", tuple(pairs), decode(body))

    @property
    def url(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.query, safe=',:')}" if self.query else self.path

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


class Exchange(NamedTuple):
    """A request, and its response or error.

    Attributes:
        request: The request.
        status: HTTP status code of the response; 0 for an error.
        headers: Headers of the response.
        body: Body of the response, in the form of `Request.body`.
        error: The error that was raised instead of a response.
        line: The line in the file, from 1.
    """

    request: Request
    status: int = 0
    headers: Mapping[str, str] = {}
    body: Any = None
    error: type[OSError] | None = None
    line: int = 0


def decode(body: bytes | None) -> Any:  # noqa: ANN401 - any JSON
    """Return a body as data: see `Request.body`.

    JSON that would change when written again, such as an object with a key twice, stays a text.
    """
    if not body:
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    if text.lstrip(" \t\r\n")[:1] not in {"{", "["}:
        return text
    try:
        data = DECODER.decode(text)
        encode(data)
    except (ValueError, RecursionError):
        return text
    return data if _is_shallow(data, _DEEPEST) else text


def encode(body: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Return data as the bytes of a body."""
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


def _is_shallow(data: Any, levels: int) -> bool:  # noqa: ANN401 - any JSON
    """Return whether data has at most so many levels."""
    if not isinstance(data, dict | list):
        return True
    parts = data.values() if isinstance(data, dict) else data
    return levels > 0 and all(_is_shallow(part, levels - 1) for part in parts)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a key twice")
    return found


#: Rejects an object that has a key twice, which would be another when it is written again.
DECODER = json.JSONDecoder(object_pairs_hook=_unique)
