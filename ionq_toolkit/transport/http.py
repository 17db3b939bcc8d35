"""HTTP over the network, with the `requests` library."""

from __future__ import annotations

import os
import threading
import time
from queue import LifoQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, getproxies_environment

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from ionq_toolkit.clock import Deadline, SystemClock
from ionq_toolkit.transport import deadline
from ionq_toolkit.transport.base import (
    ALLOW_HTTP_VARIABLE,
    ReplyTooLargeError,
    Response,
    Transport,
    UnusableSettingError,
    UnusableURLError,
    hosts_without_tls,
    is_insecure,
    is_loopback,
    plain_host,
)
from ionq_toolkit.transport.reasons import explain

if TYPE_CHECKING:
    from collections.abc import Collection

    from urllib3.poolmanager import PoolManager

    from ionq_toolkit.clock import Clock
    from ionq_toolkit.transport.base import Headers

#: The most bytes of a response after decompression. The largest that the service sends, a million
#: shots or the outcomes of 20 qubits, have some 40 MB.
MOST_REPLY_BYTES = 256 * 1024 * 1024

#: Bytes per read.
_PART_BYTES = 64 * 1024

#: Connections kept open per host.
_POOL_SIZE = 32


class _SocketClock(SystemClock):
    """The time that sockets wait in, also where a test has replaced `time.monotonic`."""

    def monotonic(self) -> float:
        """Return the machine's time in seconds."""
        return time.perf_counter()


#: The variables of the environment that settings of a request depend on.
_VARIABLES = (
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)


class _Session(requests.Session):
    """Reads the settings of the environment anew if the address or one of the variables changes.

    A session of `requests` goes through all variables twice for each request, which takes longer
    than a request that `mock_ionq` answers.
    """

    _last: tuple[int | None, Any] = (None, None)

    def merge_environment_settings(self, url: Any, *given: Any) -> Any:  # noqa: ANN401 - as there
        """Return the settings of a request, those of the session and of the environment."""
        if getproxies is not getproxies_environment:  # the system has settings besides
            return super().merge_environment_settings(url, *given)
        own = (self.trust_env, self.proxies, self.stream, self.verify, self.cert)
        # A hash, as the address of a proxy may contain a password.
        host, variables = url.split("/", 3)[2:3], map(os.environ.get, _VARIABLES)
        key = hash((url[:5], *host, str((given, own)), *variables))
        last, settings = self._last
        if key != last:
            settings = super().merge_environment_settings(url, *given)
            self._last = key, settings
        return {**settings, "proxies": {**settings["proxies"]}}


class HttpTransport(Transport):
    """Sends requests over one pooled `requests.Session`.

    All threads share the pool of kept-alive connections; a forked process opens its own.
    Responses may be compressed. `timeout` bounds a request as a whole, slow responses included.

    Proxies and certificate settings of the environment apply. Credentials from `~/.netrc` do
    not, and redirects are not followed: the API sends no redirects, and one must not carry the
    key to another host. Without TLS, the transport sends to this machine and to hosts that are
    named only, and through no proxy of the environment: others could read the key on the way.

    ::

        transport = HttpTransport(allow_http="lab.example.org")
        provider = IonQProvider("a-key", "http://lab.example.org:8080/v0.4", transport=transport)

    Attributes:
        allow_http: The hosts that are named.
    """

    concurrent = True

    def __init__(
        self,
        session: requests.Session | None = None,
        *,
        allow_insecure: bool = False,
        allow_http: str | Collection[str] | None = None,
    ) -> None:
        """Use `session`, which the caller closes, or a new one.

        Args:
            session: The session. If its connections are not urllib3's own, and in its first
                request through a proxy, the deadline is checked between parts of a body only.
            allow_insecure: Whether to send without TLS to all other machines.
            allow_http: The names or addresses of hosts to which to send without TLS, also as one
                text with commas; None: those of `IONQ_ALLOW_HTTP`.

        Raises:
            ValueError: One of the hosts is not a name or an address.
        """
        self.allow_http = hosts_without_tls(allow_http)
        if session is None:
            session = _Session()
            for scheme in ("https://", "http://"):
                session.mount(scheme, deadline.DeadlineAdapter(pool_maxsize=_POOL_SIZE))
        self.allow_insecure = allow_insecure
        self._session = session
        self._process = os.getpid()
        self._clock: Clock = _SocketClock()

    def send(
        self, method: str, url: str, headers: Headers, body: bytes | None, timeout: float | None
    ) -> Response:
        """Send one request; see `Transport.send`.

        Raises:
            UnusableURLError: The URL is invalid, or leads to another machine without TLS.
            UnusableSettingError: A setting of the environment cannot be used.
            ReplyTooLargeError: The response has more than `MOST_REPLY_BYTES` bytes.
        """
        try:
            insecure = is_insecure(url)
        except ValueError as error:
            raise UnusableURLError(str(error)) from error
        named = insecure and plain_host(urlsplit(url).hostname or "") in self.allow_http
        if insecure and not named and not self.allow_insecure:
            raise UnusableURLError(
                "without TLS the API key could be read on the way: use https://, or say that the "
                f"network is safe by the name of the host, {ALLOW_HTTP_VARIABLE}=host or "
                "HttpTransport(allow_http='host'), or of all with allow_insecure=True"
            )
        if timeout is not None and timeout <= 0:
            raise TimeoutError(f"no time to send anything: timeout={timeout:g}")
        if self._process != os.getpid():
            self._open_new_pools()
        try:
            limit = Deadline(self._clock, timeout)
            with deadline.within(limit):
                deadline.enforce(self._session)
                reply = self._session.request(
                    method,
                    url,
                    headers=dict(headers),
                    data=body,
                    timeout=limit.timeout,
                    auth=_no_extra_auth,
                    allow_redirects=False,
                    stream=True,
                    proxies=self._proxies(url),
                )
                try:
                    content = _read(reply)
                finally:
                    reply.close()  # and return a connection that was read to the end
        except ReplyTooLargeError:
            raise
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            _forget_headers(error)
            _forget_frames(error)
            failure, cause = self._explain(error, url, timeout), error
        else:
            return Response(reply.status_code, dict(reply.headers), content)
        # Without the cause, and out of its context, where that could show the password of a proxy.
        raise failure from (None if isinstance(failure, UnusableSettingError) else cause)

    def _explain(
        self, error: Exception, url: str, timeout: float | None
    ) -> ConnectionError | TimeoutError:
        no_proxy = (self._proxies(url) or {}).get("no_proxy")
        trust_env = self._session.trust_env
        return explain(error, url, timeout, trust_env=trust_env, no_proxy=no_proxy)

    def _proxies(self, url: str) -> dict[str, str] | None:
        """Exempt this machine, and hosts that are named, from the proxies of the environment."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        named = parts.scheme == "http" and plain_host(host) in self.allow_http
        return {"no_proxy": host} if host and (named or is_loopback(host)) else None

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _open_new_pools(self) -> None:
        """Restore the adapters as after pickling: two processes must not share a connection."""
        for adapter in self._session.adapters.values():
            if isinstance(adapter, HTTPAdapter):
                for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
                    _free(manager)
                adapter.__setstate__(adapter.__getstate__())  # type: ignore[attr-defined]
        vars(self._session.cookies).update(_cookies_lock=threading.RLock())
        self._process = os.getpid()


def _free(manager: PoolManager) -> None:
    """Empty pools that a thread of another process may have locked.

    Where they are no longer needed, urllib3 takes their locks to close what they contain.
    """
    manager.pools.lock = threading.RLock()
    for key in manager.pools.keys():  # noqa: SIM118 - it is no dict
        waiting = manager.pools[key].pool
        if isinstance(waiting, LifoQueue):
            vars(waiting).update(vars(LifoQueue(waiting.maxsize)))


def _read(reply: requests.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in reply.iter_content(_PART_BYTES):
        parts.append(part)
        size += len(part)
        if size > MOST_REPLY_BYTES:
            raise ReplyTooLargeError(f"the reply is longer than {MOST_REPLY_BYTES:,} bytes")
        deadline.left()
    return b"".join(parts)


def _no_extra_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep the Authorization header as it is: requests would prefer one from ~/.netrc."""
    return request


def _forget_frames(error: BaseException | None) -> None:
    """Remove the frames of libraries from an error and those behind it: http.client has the key.

    It keeps the head of the request in a local variable, which tracebacks with locals print.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _forget_headers(error: Any) -> None:  # noqa: ANN401 - of requests or urllib3
    """Remove the request headers from an error of `requests`: they contain the key."""
    response = getattr(error, "response", None)
    for request in (getattr(error, "request", None), getattr(response, "request", None)):
        if isinstance(request, requests.PreparedRequest):
            request.headers.clear()
