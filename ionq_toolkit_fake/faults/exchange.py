"""Exchange: the response to one request and its delivery to the client."""

from __future__ import annotations

import errno
import math
import os
from enum import Enum
from http.client import IncompleteRead
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ionq_toolkit_fake.api.responses import Response
    from ionq_toolkit_fake.clock import Clock


#: A body arrives in as many pieces at the most: those of a larger one are larger.
_MOST_PIECES = 100_000


class Delivery(Enum):
    """How the response travels on the wire."""

    WHOLE = "the response arrives"
    PIECES = "the response arrives in pieces, with pauses between them"
    CUT = "the connection is closed before the body is complete"
    RESET = "the connection is reset, without a response"
    REFUSED = "the connection is refused"


class CutShort(IncompleteRead):
    """A body that did not arrive completely.

    Attributes:
        response: The response with all of its body.
    """

    def __init__(self, partial: bytes, missing: int, response: Response) -> None:
        super().__init__(partial, missing)
        self.response = response

    def __repr__(self) -> str:
        return super().__repr__().replace(type(self).__name__, IncompleteRead.__name__)


class Exchange(NamedTuple):
    """The response to one request and its delivery.

    Attributes:
        request_id: The cloud's id of the request.
        response: The response; None: the cloud sends no response.
        delay_s: Seconds until the first byte; infinite: the client never gets a byte.
        delivery: How the response travels.
        size: Bytes of a piece, or bytes of the body that arrive before the connection is closed.
        pause_s: Seconds between two pieces.
        faults: The kinds of faults that acted on it.
        rest: Makes the parts of a large body that follow that of the response, while they are
            sent; None: the response has all of it.
    """

    request_id: str
    response: Response | None = None
    delay_s: float = 0.0
    delivery: Delivery = Delivery.WHOLE
    size: int = 0
    pause_s: float = 0.0
    faults: tuple[str, ...] = ()
    rest: Iterator[bytes] | None = None

    @property
    def silent(self) -> bool:
        """Whether the client never gets a byte."""
        return math.isinf(self.delay_s)

    @property
    def pieces(self) -> list[bytes]:
        """The body, piece by piece."""
        body = b"" if self.response is None else self.response.body
        if self.delivery is Delivery.CUT:
            return [body[: self.size]]
        if self.delivery is Delivery.PIECES:
            size = max(self.size, math.ceil(len(body) / _MOST_PIECES))
            starts = range(0, max(len(body), 1), size)
            return [body[start : start + size] for start in starts]
        return [body]

    @property
    def status(self) -> int | None:
        """The HTTP status that the client sees, or None if it sees no response."""
        hidden = self.silent or self.delivery in {Delivery.RESET, Delivery.REFUSED}
        return None if hidden or self.response is None else self.response.status

    def deliver(self, clock: Clock, timeout: float | None, *, in_parts: bool = False) -> Response:
        """Return the response to a client in this process, or raise the network's error.

        Args:
            clock: The clock, which moves on as the client waits.
            timeout: Seconds that the client waits for the response; None: for ever.
            in_parts: Whether it waits so long for each part of it, as most HTTP libraries do.

        Raises:
            ConnectionRefusedError: The connection is refused.
            ConnectionResetError: The connection is reset.
            ConnectionError: The body is cut; the cause is `http.client.IncompleteRead`.
            TimeoutError: A part of the response is late. Raised at once if the client has no
                timeout and the response never comes.
        """
        began = clock.monotonic()
        _wait(clock, self.delay_s, timeout)
        if self.delivery is Delivery.REFUSED:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        if self.delivery is Delivery.RESET or self.response is None:
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        pieces = self.pieces
        for _ in pieces[1:]:
            passed_s = 0.0 if in_parts else clock.monotonic() - began
            _wait(clock, self.pause_s, timeout, passed_s)
        if self.delivery is Delivery.CUT:
            missing = len(self.response.body) - len(pieces[0])
            cause = CutShort(pieces[0], missing, self.response)
            raise ConnectionError(f"Connection broken: {cause!r}") from cause
        return self.response


def _wait(clock: Clock, seconds: float, timeout: float | None, passed_s: float = 0.0) -> None:
    """Wait for `seconds`, of a `timeout` of which `passed_s` are over."""
    if timeout is None and math.isinf(seconds):
        raise TimeoutError("nothing ever comes, and the client has no timeout: it would hang")
    if timeout is not None and seconds >= timeout - passed_s:
        clock.sleep(max(timeout - passed_s, 0.0))
        raise TimeoutError(f"nothing came within {timeout:g} s")
    if seconds:
        clock.sleep(seconds)
