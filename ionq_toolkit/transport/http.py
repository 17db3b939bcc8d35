"""HTTP over the network, with the `requests` library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError, LocationParseError, MaxRetryError, NewConnectionError

from ionq_toolkit.transport.base import Response

if TYPE_CHECKING:
    from collections.abc import Mapping


#: No connection came about. A name that cannot be resolved is a NewConnectionError too.
_NEVER_SENT = (
    NewConnectionError,
    LocationParseError,
    requests.ConnectTimeout,
    requests.exceptions.ProxyError,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
)


def _no_extra_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep the Authorization header as it is: requests would prefer one from ~/.netrc."""
    return request


def _as_builtin(error: Exception) -> ConnectionError | TimeoutError:
    """Return the built-in error that says the same; see `Transport.send`."""
    if isinstance(error, _NEVER_SENT) or isinstance(_reason(error), _NEVER_SENT):
        return ConnectionRefusedError(str(error))
    if isinstance(error, requests.Timeout):
        return TimeoutError(str(error))
    return ConnectionError(str(error))


def _reason(error: Exception) -> Exception | None:
    """Return what urllib3 gives as the reason, below the wrapping of `requests`."""
    inner = error.args[0] if error.args else None
    return inner.reason if isinstance(inner, MaxRetryError) else None


class HttpTransport:
    """Sends requests over one pooled `requests.Session`.

    Connections are kept alive and used again. Proxies and certificate settings
    of the environment apply, credentials from `~/.netrc` do not, and redirects are not
    followed: the API sends none, and one must not carry the key to another host.
    """

    requires_key = True
    concurrent = True

    def __init__(self, session: requests.Session | None = None) -> None:
        """Use `session`, which stays the caller's to close, or one of its own."""
        self._session = session or requests.Session()

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float | None,
    ) -> Response:
        """Send one request; see `Transport.send`."""
        try:
            reply = self._session.request(
                method,
                url,
                headers=dict(headers),
                data=body,
                timeout=timeout,
                auth=_no_extra_auth,
                allow_redirects=False,
            )
        except (requests.RequestException, HTTPError) as error:
            raise _as_builtin(error) from error
        return Response(reply.status_code, dict(reply.headers), reply.content)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()
