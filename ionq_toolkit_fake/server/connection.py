"""One connection: uvicorn's protocol with h11, with timeouts and the bytes of faults."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import sys
from enum import Enum
from http.client import responses as REASONS  # noqa: N812 - a constant
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ionq_toolkit_fake.api.responses import Refusal, bad_request
from ionq_toolkit_fake.server import limits as refusals
from ionq_toolkit_fake.server.logs import HTTP_LOG

if TYPE_CHECKING:
    import asyncio

    from uvicorn import Config
    from uvicorn.server import ServerState

    from ionq_toolkit_fake.api.responses import Response
    from ionq_toolkit_fake.server.limits import ServerLimits
    from ionq_toolkit_fake.server.metrics import Metrics

logger = logging.getLogger(HTTP_LOG)
if logger.level == logging.NOTSET:
    logger.setLevel(logging.ERROR)

#: SO_LINGER with no time: closing a socket resets the connection.
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)

#: How many bytes, and for how many seconds, are read from a client after a malformed request.
_MOST_IGNORED, _IGNORED_S = 64 * 1024 * 1024, 5.0

#: So many connections above the limit are answered by 503; further ones are closed at once.
_MOST_REFUSED = 64


class Phase(Enum):
    """The part of a request that the server waits for."""

    HEAD = "head of the request"
    BODY = "body of the request"


class Connection(H11Protocol):
    """One connection.

    Attributes:
        is_above_limit: Whether as many others are connected as the server takes.
        is_silent: Whether a fault keeps the client waiting until it leaves.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        limits: ServerLimits,
        metrics: Metrics,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Take a connection of a server."""
        super().__init__(config, server_state, {"connection": self}, loop)
        self.logger, self.access_log = logger, False
        self.timeout_keep_alive = limits.idle_s  # type: ignore[assignment]
        self.is_above_limit = self.is_silent = False
        self._limits, self._metrics = limits, metrics
        self._phase: Phase | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None
        self._leaving = self._half_closed = False
        self._ignored = 0

    # --- of asyncio ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request, or turn the client away."""
        super().connection_made(transport)
        self._metrics.connections = len(self.connections)
        above = len(self.connections) - self._limits.connections
        self.is_above_limit = above > 0
        if above > _MOST_REFUSED:
            self._metrics.dropped("connections")
            transport.abort()
            return
        self._wait_for(Phase.HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._wait_for(None)
        self._cancel_send_timer()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._metrics.connections = len(self.connections)
        self.app_state = {}

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        if self._leaving:
            self._ignored += len(data)
            if self._ignored > _MOST_IGNORED:
                self.transport.abort()
            return
        super().data_received(data)
        self._watch()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answer a client that sends nothing more, and waits for its response."""
        if self._leaving or self.is_silent:
            return None
        state = self.conn.their_state
        if state is h11.SEND_BODY or (state is h11.IDLE and self.conn.trailing_data[0]):
            self.conn.receive_data(b"")
            self.handle_events()
            return None
        self._half_closed = True
        waits = self.cycle is not None and not self.cycle.response_complete
        return waits and self.scheme == "http"

    def pause_writing(self) -> None:
        """Wait for the client to take what it was sent."""
        super().pause_writing()
        self._send_timer = self.loop.call_later(self._limits.send_s, self._takes_nothing)

    def resume_writing(self) -> None:
        """Go on sending."""
        self._cancel_send_timer()
        super().resume_writing()

    # --- of uvicorn ------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """Go on with the next request."""
        super().on_response_complete()
        if self._half_closed and self.cycle.response_complete:
            self.transport.close()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Refuse a malformed request; it is called while h11's error is handled."""
        error = sys.exception()
        hint = getattr(error, "error_status_hint", 400)
        if hint == 431:  # noqa: PLR2004 - an HTTP status
            self.refuse(refusals.too_long_head(self._limits))
        else:
            self.refuse(bad_request(msg if error is None else str(error)))

    def shutdown(self) -> None:
        """Close the connection when its request, if it has one, is answered."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    # --- for the application ---------------------------------------------------------------

    def refuse(self, refusal: Refusal) -> None:
        """Send a refusal, if no response was begun, and close the connection."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        response = refusal.response()
        self._metrics.answered("refused", response.status, 0.0)
        self.transport.write(_bytes(self.conn, response))
        self._leave()

    def reset(self) -> None:
        """Reset the connection."""
        self.cycle.disconnected = True
        with contextlib.suppress(OSError):  # the client has left
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER
            )
        self.transport.abort()

    def cut(self) -> None:
        """Close the connection after what was sent."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        self.transport.close()

    # --- waiting ---------------------------------------------------------------------------

    def _watch(self) -> None:
        """Wait for the next part of a request."""
        state = self.conn.their_state
        if self._leaving or self.transport.is_closing():
            return
        if state is h11.SEND_BODY:
            self._wait_for(Phase.BODY)
        elif state is h11.IDLE and self.conn.trailing_data[0]:
            self._wait_for(Phase.HEAD)
        else:
            self._wait_for(None)

    def _wait_for(self, phase: Phase | None) -> None:
        if phase is self._phase:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._phase = phase
        if phase is not None:
            seconds = self._limits.head_s if phase is Phase.HEAD else self._limits.body_s
            self._timer = self.loop.call_later(seconds, self._is_late)

    def _is_late(self) -> None:
        if self._phase is Phase.HEAD:
            self._metrics.dropped("head_s")
            if self.conn.trailing_data[0]:
                self.refuse(refusals.too_slow("head_s", self._limits))
            else:
                self.transport.close()
        else:
            self._metrics.dropped("body_s")
            self.refuse(refusals.too_slow("body_s", self._limits))

    def _takes_nothing(self) -> None:
        self._metrics.dropped("send_s")
        self.transport.abort()

    def _cancel_send_timer(self) -> None:
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def _leave(self) -> None:
        """Read the rest of the request: closing the connection earlier would lose the response."""
        self._wait_for(None)
        self._leaving = True
        if self.scheme != "http" or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self._timer = self.loop.call_later(_IGNORED_S, self.transport.abort)


def _bytes(connection: h11.Connection, response: Response) -> bytes:
    """Return a whole response that ends its connection."""
    headers: list[Any] = [
        *response.headers.items(),
        ("content-length", str(len(response.body))),
        ("connection", "close"),
    ]
    reason = REASONS.get(response.status, "")
    events = (
        h11.Response(status_code=response.status, headers=headers, reason=reason),
        h11.Data(data=response.body),
        h11.EndOfMessage(),
    )
    return b"".join(connection.send(event) or b"" for event in events)
