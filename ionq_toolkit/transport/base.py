"""The seam between the client and whatever answers it: one method, one reply."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from ionq_toolkit.clock import FOR_EVER_S

if TYPE_CHECKING:
    from collections.abc import Mapping


class Response(NamedTuple):
    """What came back for one request.

    Attributes:
        status: HTTP status code.
        headers: Header names, in whatever case they came, and their values.
        body: The bytes of the body, decompressed; empty when there was none.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the value of the header `name`, in any case, or None."""
        wanted = name.lower()
        return next((v for k, v in self.headers.items() if k.lower() == wanted), None)

    def retry_after_s(self) -> float | None:
        """Return the seconds of ``Retry-After``, never negative, or None if it says none.

        It may be a date, from which the reply's own date is taken: no clock of this machine
        has to be right.
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
    """Nothing was sent, and nothing ever will be to this URL: it leads nowhere, or must not be."""


class ReplyTooLargeError(ConnectionError):
    """The reply is longer than a transport takes, and will be the next time."""


@runtime_checkable
class Transport(Protocol):
    """Carries one request to an IonQ API and brings the reply back.

    A transport does not interpret: a reply of any status is a reply. It raises
    only when there is none, and then only the built-in `ConnectionRefusedError` (there
    is no connection, so nothing was sent), another `ConnectionError` (it broke) or
    `TimeoutError` (the reply was not complete in time). Of these, `UnusableURLError` and
    `ReplyTooLargeError` say that sending once more is in vain.

    A transport may also have an attribute `requires_key` (taken as True when it
    is absent: False says that requests need no real API key), an attribute
    `concurrent` (taken as False when it is absent: True says that several threads may send
    at a time, and that this is faster) and an attribute
    `clock` (a `ionq_toolkit.clock.Clock` on which to wait between polls).
    """

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float | None,
    ) -> Response:
        """Send one request and return the reply.

        Args:
            method: HTTP method in upper case.
            url: The absolute URL, query included.
            headers: Request headers.
            body: The bytes to send, or None.
            timeout: Seconds for everything, from the connection to the end of the
                reply; None waits for ever.

        Raises:
            ConnectionRefusedError: There is no connection; nothing was sent.
            ConnectionError: The connection broke; what was sent may have arrived.
            TimeoutError: The reply was not complete within `timeout`; likewise.
        """
        ...

    def close(self) -> None:
        """Give back what the transport holds open; it may be used again."""
        ...


def _http_date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except (TypeError, ValueError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
