"""The seam between the client and a service: one request, one response."""

from __future__ import annotations

import base64
import math
import os
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple, Self, SupportsIndex
from urllib.parse import quote, urlsplit

from ionq_toolkit.clock import FOR_EVER_S

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ionq_toolkit.clock import Clock

    Headers = Mapping[str, str]

#: The environment variable that names hosts to which requests may go without TLS.
ALLOW_HTTP_VARIABLE = "IONQ_ALLOW_HTTP"

#: The characters of a host's name, or of an address that has no colons.
_HOST = re.compile(r"[\w.-]*")

#: A shorter text is not a key, and may be part of any word.
SHORTEST_KEY = 8


class HiddenText(str):
    """A text that is a secret: its repr, which tracebacks with locals print, does not show it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[API key]'"

    def __getitem__(self, place: SupportsIndex | slice) -> HiddenText:
        return HiddenText(super().__getitem__(place))


def in_base64(secret: bytes) -> Iterator[str]:
    """Yield the parts of base64 that a secret determines, whatever is before and after it."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + secret).decode()
        # Characters whose six bits are all the secret's.
        sure = text[(8 * before + 5) // 6 : 8 * (before + len(secret)) // 6]
        yield from (sure, quote(sure), quote(sure, safe=""))
        yield sure.replace("+", "-").replace("/", "_")


class Response(NamedTuple):
    """The response to one request.

    ::

        response = Response(429, {"Retry-After": "3"}, b"{}")
        response.header("retry-after")  # -> '3'

    Attributes:
        status: HTTP status code.
        headers: Header names, in any case, and their values.
        body: The bytes of the body, decompressed; may be empty.
    """

    status: int
    headers: Headers
    body: bytes

    def __repr__(self) -> str:
        """Return its size alone: a server may have echoed the key, and tracebacks print locals."""
        headers, body = len(self.headers), len(self.body)
        return f"<Response {self.status}, {headers} headers, {body} bytes>"

    def header(self, name: str) -> str | None:
        """Return the value of the header `name`, in any case, or None.

        ::

            page = Response(200, {"Content-Type": "text/html"}, b"")
            page.header("content-type")  # -> 'text/html'
        """
        wanted = name.lower()
        return next((v for k, v in self.headers.items() if k.lower() == wanted), None)

    def retry_after_s(self) -> float | None:
        """Return the seconds of ``Retry-After``, never negative, or None if it is unset.

        A date is compared with the date of the response, so the clock of this machine need not
        be right.

        ::

            Response(429, {"Retry-After": "3"}, b"").retry_after_s()  # -> 3.0
        """
        value = (self.header("retry-after") or "").strip()
        try:
            seconds = float(value)
        except ValueError:
            now, then = _http_date(self.header("date")), _http_date(value)
            if now is None or then is None:
                return None
            seconds = (then - now).total_seconds()
        return min(max(0.0, seconds), FOR_EVER_S) if math.isfinite(seconds) else None


class UnusableURLError(ConnectionRefusedError):
    """The URL is invalid, or unsafe to use: nothing was sent, and a retry cannot succeed."""


class UnusableSettingError(UnusableURLError):
    """A setting outside the client, such as a proxy or a file of certificates, is unusable."""


class ReplyTooLargeError(ConnectionError):
    """The response exceeds the size limit of a transport: a retry cannot succeed."""


class Transport:
    """Base class of transports: carries one request to an IonQ API and returns the response.

    ::

        class Logged(HttpTransport):
            def send(self, method, url, headers, body, timeout):
                response = super().send(method, url, headers, body, timeout)
                print(method, url, response.status)
                return response

    A transport does not interpret statuses: any status is a response. Without a response it
    raises a built-in error, as documented at `send`.

    Attributes:
        requires_key: Whether requests need a real API key.
        concurrent: Whether several threads may send at a time, and gain speed by it.
        clock: The clock on which the client waits between polls; None: the system's.
        cloud: The object in this process that answers the requests; None: another process does.
        policy: The `RetryPolicy` that the transport applies; None: it sends each request once.
    """

    requires_key: bool = True
    concurrent: bool = False
    clock: Clock | None = None
    cloud: Any = None
    policy: Any = None

    def send(
        self, method: str, url: str, headers: Headers, body: bytes | None, timeout: float | None
    ) -> Response:
        """Send one request and return the response.

        Args:
            method: HTTP method in upper case.
            url: The absolute URL, query included.
            headers: Request headers.
            body: The bytes to send, or None.
            timeout: Seconds from the connection to the last byte of the response; None waits
                forever.

        Raises:
            UnusableURLError: The URL cannot be used; nothing was sent.
            ConnectionRefusedError: The connection failed; nothing was sent.
            ReplyTooLargeError: The response exceeds the size limit of the transport.
            ConnectionError: The connection broke; the service may have received the request.
            TimeoutError: The response was incomplete after `timeout`; likewise.
        """
        raise NotImplementedError(f"{type(self).__name__} must define send()")

    def close(self) -> None:
        """Release connections and other resources; the transport may be used again."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: deep copies of what uses it share its connections, or its cloud."""
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def as_transport(candidate: object) -> Transport:
    """Return a transport as it is, and wrap any other object with `send` and `close`.

    Attributes of `Transport` that the object lacks have their defaults.

    Raises:
        TypeError: The object has no `send` or no `close`, or is a class.
    """
    if isinstance(candidate, Transport):
        return candidate
    if isinstance(candidate, type):
        name = f"The class {candidate.__name__}"
    elif hasattr(candidate, "send") and hasattr(candidate, "close"):
        return _Adapted(candidate)
    else:
        name = type(candidate).__name__
    hint = " Wrap it: InProcessTransport(...)." if hasattr(candidate, "handle") else ""
    raise TypeError(f"{name} is no transport: that is an object with send() and close().{hint}")


class _Adapted(Transport):
    """Makes a `Transport` of an object with `send` and `close`."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401 - any class
        self._inner = inner
        for name in ("requires_key", "concurrent", "clock", "cloud", "policy"):
            if hasattr(inner, name):
                setattr(self, name, getattr(inner, name))
        if self.cloud is None and not self.requires_key:
            self.cloud = inner

    def __repr__(self) -> str:
        return repr(self._inner)

    def send(self, *request: Any, **named: Any) -> Response:  # noqa: ANN401 - as in the base class
        response: Response = self._inner.send(*request, **named)
        return response

    def close(self) -> None:
        self._inner.close()


def _http_date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except (TypeError, ValueError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def is_insecure(url: str) -> bool:
    """Return whether a URL leads to another machine without TLS.

    Raises:
        ValueError: The URL is invalid.
    """
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def hosts_without_tls(given: str | Collection[str] | None) -> frozenset[str]:
    """Return the hosts to which requests may go without TLS, beside this machine.

    Args:
        given: Their names or addresses, also as one text with commas; None: those of the
            environment variable `IONQ_ALLOW_HTTP`.

    Raises:
        ValueError: One of them is not the name or the address of one host.
    """
    place = "allow_http=..."
    if given is None:
        place, given = ALLOW_HTTP_VARIABLE, os.environ.get(ALLOW_HTTP_VARIABLE, "")
    names = given.split(",") if isinstance(given, str) else given
    found = set()
    for name in names:
        host = plain_host(name) if isinstance(name, str) else "?"
        if not (_HOST.fullmatch(host) or _is_address(host)):
            raise ValueError(
                f"{place} has something that is not the name or the address of one host: name each "
                "by itself, without scheme, port, path and wildcard, such as lab.example.org"
            )
        found.add(host)
    return frozenset(found - {""})


def plain_host(name: str) -> str:
    """Return one form for all spellings of a host's name or address."""
    text = name.strip().lower().rstrip(".").removeprefix("[").removesuffix("]")
    try:
        return str(ip_address(text))
    except ValueError:
        return text


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
