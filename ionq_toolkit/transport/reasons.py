"""Why a request had no response, in plain words: without class names, and without secrets.

A setting of the environment that is at fault is found by trying it again, and named.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
import stat
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, prepend_scheme_if_needed, select_proxy
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
)
from urllib3.util import parse_url

from ionq_toolkit.transport.base import UnusableSettingError, UnusableURLError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The variables of the file or folder of trusted certificates, the first that is set counting.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

#: Variables that other programs read for it.
_NOT_READ = ("SSL_CERT_FILE", "SSL_CERT_DIR")

#: The variable of the file to which TLS writes its secrets, for debugging.
_KEY_LOG = "SSLKEYLOGFILE"

#: Errors of a file, or of a socket that could not be opened.
_OF_FILES = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)

#: Parts of OpenSSL that read certificates.
_OF_PEM = frozenset({"PEM", "X509", "ASN1"})

#: Where a proxy comes from that no variable names.
_ELSEWHERE = "your session or system"

#: Errors of a URL that cannot be used at all, or not safely.
_UNUSABLE = (
    LocationParseError,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    ssl.SSLCertVerificationError,
)

_PROXY = (ProxyError, requests.exceptions.ProxyError)

#: Errors before a connection is made; an unknown host is a NewConnectionError too. A ProxyError is
#: not one: urllib3 raises it also if a proxy breaks off after it has taken the whole request.
_NEVER_SENT = (NewConnectionError, ConnectTimeoutError, requests.ConnectTimeout)

#: The beginning of http.client's error if a proxy refuses to connect to the service.
_NO_TUNNEL = "Tunnel connection failed"

_CONNECT_TIMEOUTS = (ConnectTimeoutError, requests.ConnectTimeout)
_TOO_LATE = (requests.Timeout, ReadTimeoutError, TimeoutError)

#: Texts of libraries that name their classes.
_NAMES_CLASSES = re.compile(r"Pool\b|\w(Connection|Error|Exception)\b|Max retries|object at 0x")


def explain(
    error: Exception,
    url: str,
    timeout: float | None,
    *,
    trust_env: bool = True,
    no_proxy: str | None = None,
) -> ConnectionError | TimeoutError:
    """Return the built-in error for an error of `requests` or urllib3; see `Transport.send`.

    Args:
        error: The error.
        url: The URL of the request.
        timeout: The seconds that it was allowed.
        trust_env: Whether the environment's settings applied.
        no_proxy: The hosts to which no proxy led, instead of the environment's.
    """
    reasons = list(_reasons(error))
    variable, proxy = _proxy(url, no_proxy) if trust_env else (_ELSEWHERE, None)
    setting = _faulty_proxy(variable, proxy) or _faulty_file(reasons, url)
    if setting:
        return UnusableSettingError(setting)
    text = next(_in_words(reasons, urlsplit(url).hostname or "", timeout, variable))
    for kinds, builtin in (
        (_UNUSABLE, UnusableURLError),
        (_NEVER_SENT, ConnectionRefusedError),
        (_TOO_LATE, TimeoutError),
    ):
        if any(isinstance(reason, kinds) for reason in reasons):
            return builtin(text)
    return ConnectionRefusedError(text) if _has_no_tunnel(reasons) else ConnectionError(text)


def _has_no_tunnel(reasons: list[BaseException]) -> bool:
    """Return whether a proxy refused to connect to the service."""
    return any(type(reason) is OSError and str(reason).startswith(_NO_TUNNEL) for reason in reasons)


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those inside it: in its args, its `reason` and its cause."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None), error.__cause__):
        if isinstance(inner, BaseException):
            yield from _reasons(inner)


def _in_words(
    reasons: list[BaseException], host: str, timeout: float | None, proxy_variable: str
) -> Iterator[str]:
    """Yield what the errors mean, the most telling first."""

    def first(*kinds: type[BaseException]) -> BaseException | None:
        return next((reason for reason in reasons if isinstance(reason, kinds)), None)

    within = "" if timeout is None else f" within {timeout:.3g} s"
    proxy, refused = first(*_PROXY), first(NewConnectionError)
    peer = host if proxy is None else f"the proxy of {proxy_variable}"
    untrusted, tls, innermost = (
        first(ssl.SSLCertVerificationError),
        first(ssl.SSLError),
        reasons[-1],
    )
    if untrusted is not None:
        why = getattr(untrusted, "verify_message", "") or "certificate verify failed."
        why = why.rstrip(".")
        yield f"the certificate of {host} is not trusted ({why}){_trust()}"
    if first(socket.gaierror) is not None:
        yield f"the name of {peer} cannot be resolved (DNS)"
    if refused is None:  # which is a ConnectTimeoutError too
        if first(*_CONNECT_TIMEOUTS) is not None:
            yield f"there was no connection to {peer}{within}"
        if first(*_TOO_LATE) is not None:
            yield f"there was no complete reply{within}"
    if tls is not None:
        why = str(getattr(tls, "reason", None) or "no reason given").replace("_", " ").lower()
        yield f"{peer} and this machine agree on no TLS ({why})"
    if first(*_UNUSABLE) is not None:
        yield "the URL is not valid"
    if refused is not None or _has_no_tunnel(reasons):
        yield f"{peer} took no connection{_detail(innermost)}"
    if first(DecodeError, requests.exceptions.ContentDecodingError) is not None:
        yield "the reply cannot be decompressed"
    yield _unknown(innermost, alone=len(reasons) == 1)


def _unknown(error: BaseException, *, alone: bool) -> str:
    """Return the text of an error, if it is for users and not of a socket."""
    broken = isinstance(error, OSError | ProtocolError | http.client.HTTPException)
    if broken and not (alone or isinstance(error, requests.RequestException)):
        return f"the connection broke before the reply was complete{_detail(error)}"
    text = str(error)
    return text if text and not _NAMES_CLASSES.search(text) else "the connection failed"


def _detail(error: BaseException) -> str:
    """Return the reason of the operating system or of a proxy in parentheses, or nothing."""
    text = getattr(error, "strerror", None) or (str(error) if isinstance(error, OSError) else "")
    if isinstance(error, OSError) and getattr(error, "filename", None):
        text = f"{error.filename}: {text}"
    return f" ({text})" if text and not _NAMES_CLASSES.search(text) else ""


def _trust() -> str:
    """Say which certificates are trusted, and how others are."""
    used = next((name for name in _BUNDLES if os.environ.get(name)), None)
    if used is not None:
        return f" by {used}={os.environ[used]}"
    unread = [name for name in _NOT_READ if os.environ.get(name)]
    verb = "are" if len(unread) > 1 else "is"
    ignored = f"; {' and '.join(unread)} {verb} not read" if unread else ""
    return f"; {_BUNDLES[0]} names the file of your own authority{ignored}"


def _faulty_proxy(variable: str, proxy: str | None) -> str:
    """Return what makes a proxy unusable, or "" if nothing does."""
    if proxy is None or _is_usable(proxy):
        return ""
    if proxy.lower().startswith("socks"):
        return f"the proxy of {variable} needs another package: pip install 'requests[socks]'"
    return f"{variable} is not the URL of a proxy, such as http://host:8080"


def _faulty_file(reasons: list[BaseException], url: str) -> str:
    """Return what makes a file of TLS unusable, or "" if the errors do not come from one."""
    if not url.lower().startswith("https:"):
        return ""
    if type(reasons[0]) is OSError:  # of `requests`, before a connection
        return next(_not_certificates(), str(reasons[0]))
    of_files = any(
        isinstance(reason, _OF_FILES)
        or (isinstance(reason, ssl.SSLError) and getattr(reason, "library", "") in _OF_PEM)
        for reason in reasons
    )
    if not of_files or any(isinstance(reason, NewConnectionError) for reason in reasons):
        return ""
    return next(chain(_not_certificates(), _not_written()), "")


def _not_certificates() -> Iterator[str]:
    """Yield why the certificates that the environment names cannot be read, if they cannot."""
    name = next((name for name in _BUNDLES if os.environ.get(name)), None)
    if name is None:
        return
    path, why = os.environ[name], ""
    try:
        if not stat.S_ISDIR(Path(path).stat().st_mode):
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        why = "it has no certificate in PEM form"
    except OSError as error:
        why = error.strerror or "it cannot be opened"
    if why:
        yield f"the trusted certificates of {name}={path} cannot be read ({why})"


def _not_written() -> Iterator[str]:
    """Yield why the secrets of TLS cannot be written where the environment names a file."""
    path = os.environ.get(_KEY_LOG)
    try:
        if path:
            Path(path).open("a", encoding="ascii").close()  # as TLS opens it
    except OSError as error:
        yield f"the file of {_KEY_LOG}={path} cannot be written ({error.strerror})"


def _proxy(url: str, no_proxy: str | None) -> tuple[str, str | None]:
    """Return (the variable that names the proxy for a URL, the proxy or None)."""
    try:
        proxy = select_proxy(url, get_environ_proxies(url, no_proxy))
    except ValueError:  # the URL is invalid
        return _ELSEWHERE, None
    scheme = urlsplit(url).scheme
    for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"):
        if proxy is not None and os.environ.get(name) == proxy:
            return name, proxy
    return _ELSEWHERE, proxy


def _is_usable(proxy: str) -> bool:
    """Return whether `requests` can use a proxy, by preparing it as `requests` does."""
    try:
        prepared = prepend_scheme_if_needed(proxy, "http")  # type: ignore[no-untyped-call]
        adapter = HTTPAdapter()
        adapter.proxy_manager_for(prepared)
        adapter.close()
        return bool(parse_url(prepared).host)
    except (requests.RequestException, HTTPError, ValueError, TypeError):
        return False
