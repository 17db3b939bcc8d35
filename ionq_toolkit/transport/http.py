"""HTTP over the network, with the `requests` library."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import requests

from ionq_toolkit.transport.base import Response

if TYPE_CHECKING:
    from collections.abc import Mapping


def _no_extra_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep the Authorization header as it is: requests would prefer one from ~/.netrc."""
    return request


class HttpTransport:
    """Sends requests over one pooled `requests.Session`.

    Connections are kept alive and used again. Proxies and certificate settings
    of the environment apply, credentials from `~/.netrc` do not, and redirects are not
    followed: the API sends none, and one must not carry the key to another host.
    """

    requires_key = True

    def __init__(self, session: requests.Session | None = None) -> None:
        """Use `session`, which stays the caller's to close, or one of its own."""
        self._session = session or requests.Session()
        if session is None:
            weakref.finalize(self, self._session.close)

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
        except requests.Timeout as error:
            raise TimeoutError(str(error)) from error
        except requests.RequestException as error:
            raise ConnectionError(str(error)) from error
        return Response(reply.status_code, dict(reply.headers), reply.content)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()
