"""The guard of a server: which requests a web page or another machine may not send to it."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ionq_toolkit_fake import console, control
from ionq_toolkit_fake.api.responses import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ionq_toolkit_fake.api.responses import Response
    from ionq_toolkit_fake.cloud import FakeIonQ

#: Values of Sec-Fetch-Site of requests that no page of another origin has caused.
_OWN_SITE = frozenset({"none", "same-origin"})

#: The types of a body that a page of another origin can send without being asked before:
#: https://fetch.spec.whatwg.org/#cors-safelisted-request-header
_OF_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})

#: The path of the figures for an operator, which need the token as controls do.
METRICS = "/metrics"

#: The methods that change nothing.
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class UnsafeAddressError(ValueError):
    """A server would be open to other machines, and its cloud takes every key."""


class Guard:
    """Refuses requests that a web page of another origin caused, and controls without the token.

    A page that a browser shows can send requests to this computer. The header ``Host`` shows a name
    that was rebound to this address, ``Origin`` and ``Sec-Fetch-Site`` show another origin.

    Attributes:
        token: The token that requests below ``/_fake`` have to carry, as
            ``Authorization: Bearer ...``; None on a loopback address, where they need none.
    """

    def __init__(
        self,
        host: str,
        *,
        hosts: Collection[str] = (),
        token: str | None = None,
        scheme: str = "http",
    ) -> None:
        """Guard a server.

        Args:
            host: The address that it listens on.
            hosts: Further names by which clients may call it.
            token: The token of the controls; None: one is drawn where one is needed.
            scheme: The scheme of its URL.
        """
        self._scheme = scheme
        self._loopback = is_loopback(host)
        self._hosts = {name.lower().rstrip(".") for name in (*hosts, host, "localhost")}
        self.token = token if self._loopback else token or secrets.token_urlsafe(16)

    def check_cloud(self, cloud: FakeIonQ, *, insecure: bool) -> None:
        """Refuse to serve a cloud that takes every key to other machines.

        Raises:
            UnsafeAddressError: It would be served so.
        """
        if not (self._loopback or insecure) and cloud.takes_every_key:
            raise UnsafeAddressError(
                "other machines can reach this address, and every API key is taken: name the keys "
                "(--api-key, --keys FILE, FakeIonQ(keys=...)), or say that the network is safe "
                "(--insecure, insecure=True)"
            )

    def refusal(self, method: str, url: str, headers: Mapping[str, str]) -> Response | None:
        """Return the response to a request that is refused, or None.

        Args:
            method: Its HTTP method.
            url: Its path, or its URL.
            headers: Its headers, their names in lower case.
        """
        try:
            self._check(method.upper(), url, headers)
        except Refusal as refusal:
            return refusal.response()
        return None

    def _check(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        host = headers.get("host", "")
        if host and not self._is_own(host):
            raise _forbidden(
                f"The server is not called {host!r:.100}: use its address, localhost, or a name "
                "that ionq-fake serve --allow-host allows"
            )
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"{self._scheme}://{host}".lower():
            raise _forbidden(f"Pages of {origin!r:.100} may not use this server")
        if headers.get("sec-fetch-site", "none").lower() not in _OWN_SITE:
            raise _forbidden("Pages of other sites may not use this server")
        if not _is_for_operators(url):
            return
        if method not in _READS:
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind in _OF_FORMS:
                raise Refusal(
                    415,
                    "Unsupported Media Type",
                    "Controls take JSON: send Content-Type: application/json",
                )
        if self.token is not None:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            right = hmac.compare_digest(given.strip().encode(), self.token.encode())
            if scheme.lower() != "bearer" or not right:
                raise Refusal(
                    401,
                    "Unauthorized",
                    "Controls need the token of this server: Authorization: Bearer TOKEN",
                )

    def _is_own(self, host: str) -> bool:
        """Return whether a Host header names this server: by a name of its own, or its address.

        No name that is looked up is an address, so that a page of a rebound name never sends one.
        """
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name.partition("%")[0])
        except ValueError:
            return False
        return not self._loopback or address.is_loopback


def _is_for_operators(url: str) -> bool:
    """Return whether a request needs the token, however its path is escaped."""
    try:
        path = unquote(urlsplit(url).path)
    except ValueError:
        return False  # such a URL has no route
    return control.takes(url) or console.takes(path) or path == METRICS


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on is reached from this computer alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _forbidden(message: str) -> Refusal:
    return Refusal(403, "Forbidden", message)
