"""HTTP over the network, with the `requests` library."""

from __future__ import annotations

import os
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
    ReadTimeoutError,
)

from ionq_toolkit.clock import FOR_EVER_S, SystemClock
from ionq_toolkit.transport import deadline
from ionq_toolkit.transport.base import ReplyTooLargeError, Response, UnusableURLError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ionq_toolkit.clock import Clock

#: Bytes that a reply may have once it is decompressed. The largest that the service has, a million
#: shots or the outcomes of 20 qubits, are some 40 MB.
MOST_REPLY_BYTES = 256 * 1024 * 1024

#: Bytes that are read at a time.
_PART_BYTES = 64 * 1024

#: Connections that are kept open to a host.
_POOL_SIZE = 32

#: Nothing can ever be sent to such a URL, or not safely.
_UNUSABLE = (
    LocationParseError,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    ssl.SSLCertVerificationError,
)

#: No connection came about. A name that cannot be resolved is a NewConnectionError too.
_NEVER_SENT = (
    NewConnectionError,
    ConnectTimeoutError,
    requests.ConnectTimeout,
    requests.exceptions.ProxyError,
)

_TOO_LATE = (requests.Timeout, ReadTimeoutError, TimeoutError)


class HttpTransport:
    """Sends requests over one pooled `requests.Session`.

    Connections are kept alive and used again, by all threads; a process that was forked makes its
    own. Replies may be compressed. `timeout` is for a request as a whole: a reply that comes in
    drips ends in time. (Looking up a host's name is up to the operating system.)

    Proxies and certificate settings of the environment apply, credentials from `~/.netrc` do
    not, and redirects are not followed: the API sends none, and one must not carry the key to
    another host. Without TLS nothing is sent but to this machine, and then through no proxy of
    the environment: the key could be read on the way.
    """

    requires_key = True
    concurrent = True

    def __init__(
        self, session: requests.Session | None = None, *, allow_insecure: bool = False
    ) -> None:
        """Use `session`, which stays the caller's to close, or one of its own.

        Args:
            session: The session. Where its connections are not urllib3's own, and in its first
                request through a proxy, time is checked between the parts of a reply alone.
            allow_insecure: Whether to send without TLS to other machines.
        """
        if session is None:
            session = requests.Session()
            for scheme in ("https://", "http://"):
                session.mount(scheme, deadline.HeedingAdapter(pool_maxsize=_POOL_SIZE))
        self.allow_insecure = allow_insecure
        self._session = session
        self._process = os.getpid()
        self._clock: Clock = SystemClock()

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float | None,
    ) -> Response:
        """Send one request; see `Transport.send`.

        Raises:
            UnusableURLError: The URL leads nowhere, or to another machine without TLS.
            ReplyTooLargeError: The reply has more than `MOST_REPLY_BYTES` bytes.
        """
        try:
            insecure = is_insecure(url)
        except ValueError as error:
            raise UnusableURLError(str(error)) from error
        if insecure and not self.allow_insecure:
            raise UnusableURLError(
                "without TLS the API key could be read on the way: use https://, or say that the "
                "network is safe with HttpTransport(allow_insecure=True)"
            )
        if timeout is not None and timeout <= 0:
            raise TimeoutError(f"no time to send anything: timeout={timeout:g}")
        if timeout is not None and timeout >= FOR_EVER_S:
            timeout = None
        self._leave_connections_of_the_parent()
        try:
            with deadline.within(self._clock, timeout) as left:
                deadline.heed(self._session)
                reply = self._session.request(
                    method,
                    url,
                    headers=dict(headers),
                    data=body,
                    timeout=timeout,
                    auth=_no_extra_auth,
                    allow_redirects=False,
                    stream=True,
                    proxies=_proxies(url),
                )
                try:
                    content = _read(reply, left)
                finally:
                    reply.close()  # which gives back a connection that is read to the end
        except (requests.RequestException, HTTPError) as error:
            _forget_headers(error)
            raise _as_builtin(error) from error
        return Response(reply.status_code, dict(reply.headers), content)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _leave_connections_of_the_parent(self) -> None:
        """In a process that was forked, begin with new connections.

        The old ones are the parent's too: two processes that read from one would each get parts
        of the other's replies.
        """
        if self._process == os.getpid():
            return
        for adapter in self._session.adapters.values():
            if isinstance(adapter, HTTPAdapter):
                adapter.proxy_manager = {}
                adapter.init_poolmanager(
                    adapter._pool_connections,  # type: ignore[attr-defined]  # noqa: SLF001
                    adapter._pool_maxsize,  # type: ignore[attr-defined]  # noqa: SLF001
                    block=adapter._pool_block,  # type: ignore[attr-defined]  # noqa: SLF001
                )
        self._process = os.getpid()


def is_insecure(url: str) -> bool:
    """Return whether what is sent to a URL can be read on its way to another machine.

    Raises:
        ValueError: It is no URL.
    """
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _proxies(url: str) -> dict[str, str] | None:
    """Return what keeps requests to this machine from the proxies of the environment."""
    parts = urlsplit(url)
    return {"no_proxy": parts.hostname} if parts.hostname and _is_loopback(parts.hostname) else None


def _read(reply: requests.Response, left: deadline.Left) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in reply.iter_content(_PART_BYTES):
        parts.append(part)
        size += len(part)
        if size > MOST_REPLY_BYTES:
            raise ReplyTooLargeError(f"the reply is longer than {MOST_REPLY_BYTES:,} bytes")
        left()
    return b"".join(parts)


def _no_extra_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep the Authorization header as it is: requests would prefer one from ~/.netrc."""
    return request


def _as_builtin(error: Exception) -> ConnectionError | TimeoutError:
    """Return the built-in error that says the same; see `Transport.send`."""
    reasons = list(_reasons(error))
    for kinds, builtin in (
        (_UNUSABLE, UnusableURLError),
        (_NEVER_SENT, ConnectionRefusedError),
        (_TOO_LATE, TimeoutError),
    ):
        if any(isinstance(reason, kinds) for reason in reasons):
            return builtin(str(error))
    return ConnectionError(str(error))


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it wraps: `requests` and urllib3 put that into args and `reason`."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException):
            yield from _reasons(inner)


def _forget_headers(error: Any) -> None:  # noqa: ANN401 - of requests or urllib3
    """Take from an error of `requests` the headers that it carries: the key is one of them."""
    response = getattr(error, "response", None)
    for request in (getattr(error, "request", None), getattr(response, "request", None)):
        if isinstance(request, requests.PreparedRequest):
            request.headers.clear()
