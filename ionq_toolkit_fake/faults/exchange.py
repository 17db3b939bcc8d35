"""What becomes of one request: the answer, and what happens to it on its way to the client."""

from __future__ import annotations

import errno
import math
import os
from dataclasses import dataclass
from enum import Enum
from http.client import IncompleteRead
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ionq_toolkit_fake.api.responses import Response
    from ionq_toolkit_fake.clock import Clock


class Ending(Enum):
    """How the exchange ends on the wire."""

    WHOLE = "the answer arrives"
    PIECES = "the answer arrives in pieces, with pauses between them"
    CUT = "the connection is closed before the body is complete"
    RESET = "the connection is reset, without an answer"
    REFUSED = "there is no connection"


class CutShort(IncompleteRead):
    """A body of which not all has come.

    Attributes:
        response: What would have been the answer, with all of its body.
    """

    def __init__(self, partial: bytes, missing: int, response: Response) -> None:
        super().__init__(partial, missing)
        self.response = response

    def __repr__(self) -> str:
        return super().__repr__().replace(type(self).__name__, IncompleteRead.__name__)


@dataclass(frozen=True)
class Exchange:
    """What becomes of one request.

    Attributes:
        request_id: The cloud's id of the request.
        response: The answer; None: there is none.
        delay_s: Seconds until anything comes back; infinite: nothing ever does.
        ending: How it ends.
        size: Of how many bytes a piece is, or how many of the body arrive before it is cut.
        pause_s: Seconds between two pieces.
        faults: The kinds of faults that had a part in it.
    """

    request_id: str
    response: Response | None = None
    delay_s: float = 0.0
    ending: Ending = Ending.WHOLE
    size: int = 0
    pause_s: float = 0.0
    faults: tuple[str, ...] = ()

    @property
    def silent(self) -> bool:
        """Whether nothing ever comes back."""
        return math.isinf(self.delay_s)

    @property
    def pieces(self) -> list[bytes]:
        """The body as it is sent, piece by piece."""
        body = b"" if self.response is None else self.response.body
        if self.ending is Ending.CUT:
            return [body[: self.size]]
        if self.ending is Ending.PIECES:
            starts = range(0, max(len(body), 1), self.size)
            return [body[start : start + self.size] for start in starts]
        return [body]

    @property
    def status(self) -> int | None:
        """The HTTP status that the client gets to see, or None if it sees none."""
        hidden = self.silent or self.ending in {Ending.RESET, Ending.REFUSED}
        return None if hidden or self.response is None else self.response.status

    def play(self, clock: Clock, timeout: float | None, *, in_parts: bool = False) -> Response:
        """Do to a client in this process what the network would do to it.

        Args:
            clock: The time, which passes as the client waits.
            timeout: Seconds that the client waits for the answer; None: for ever.
            in_parts: Whether it waits so long for each part of it, as most of HTTP's libraries do.

        Returns:
            The answer.

        Raises:
            ConnectionRefusedError: There is no connection.
            ConnectionResetError: The connection was reset.
            ConnectionError: The body was cut; its cause is `http.client.IncompleteRead`.
            TimeoutError: A part of the answer did not come in time. If the client would wait for
                ever for what never comes, it is raised at once.
        """
        began = clock.monotonic()
        _wait(clock, self.delay_s, timeout)
        if self.ending is Ending.REFUSED:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        if self.ending is Ending.RESET or self.response is None:
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        pieces = self.pieces
        for _ in pieces[1:]:
            passed_s = 0.0 if in_parts else clock.monotonic() - began
            _wait(clock, self.pause_s, timeout, passed_s)
        if self.ending is Ending.CUT:
            missing = len(self.response.body) - len(pieces[0])
            cause = CutShort(pieces[0], missing, self.response)
            raise ConnectionError(f"Connection broken: {cause!r}") from cause
        return self.response


def _wait(clock: Clock, seconds: float, timeout: float | None, passed_s: float = 0.0) -> None:
    """Wait for what comes after `seconds`, if `timeout` allows it when `passed_s` are over."""
    if timeout is None and math.isinf(seconds):
        raise TimeoutError("nothing ever comes, and the client has no timeout: it would hang")
    if timeout is not None and seconds >= timeout - passed_s:
        clock.sleep(max(timeout - passed_s, 0.0))
        raise TimeoutError(f"nothing came within {timeout:g} s")
    if seconds:
        clock.sleep(seconds)
