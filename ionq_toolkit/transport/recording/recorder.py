"""A transport that writes down what goes through another one."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ionq_toolkit.transport.base import Response, Transport
from ionq_toolkit.transport.recording.exchange import Exchange, Request, decode, encode
from ionq_toolkit.transport.recording.file import ERRORS, RecordingFileError, append, create
from ionq_toolkit.transport.recording.redaction import Placeholders, Scrubber

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from ionq_toolkit.clock import Clock


#: The headers of a reply that are recorded. Any other may hold what is nobody's business, as a
#: cookie does.
_HEADERS = frozenset({"content-type", "date", "retry-after", "x-request-id"})
_HEADER_FAMILIES = ("ratelimit", "x-ratelimit-")

#: How much is told of a reply that could not be written down.
_EXCERPT_BYTES = 1000


class RecordingTransport:
    """Hands every request to another transport, and writes down what comes of it.

    ::

        with IonQProvider(transport=RecordingTransport(HttpTransport(), "bell.json")) as provider:
            provider.get_backend("simulator").run(bell).get_counts()

    Each exchange is in the file as soon as it is over, so that what was recorded stays whatever
    becomes of the process. API keys, ids and names of people, projects and organisations, and
    e-mail addresses never get there: something else stands for them, the same for the same.
    They are known by the fields and places where IonQ has them; headers of requests are not
    recorded, of replies those that a client goes by. What a job is called, its circuits and its
    metadata are recorded as they are, but for e-mail addresses: look through a file before
    others see it.

    It may be used from several threads.
    """

    def __init__(self, inner: Transport, path: str | os.PathLike[str]) -> None:
        """Begin a recording, before anything is sent that might cost something.

        Args:
            inner: What carries the requests.
            path: The file to make.

        Raises:
            TypeError: `inner` is no transport.
            FileExistsError: There is a file already.
            OSError: The file cannot be made.
        """
        if isinstance(inner, type) or not isinstance(inner, Transport):
            kind = inner if isinstance(inner, type) else type(inner)
            raise TypeError(
                "RecordingTransport records an object with send() and close(), such as "
                f"HttpTransport(); got {kind.__name__}"
            )
        self._inner = inner
        # The same file if the process goes to another folder.
        self._path = Path(path).absolute()
        self._lock = threading.Lock()
        self._scrubber = Scrubber(Placeholders())
        create(self._path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._inner!r}, {str(self._path)!r})"

    @property
    def requires_key(self) -> bool:
        """Whether the inner transport needs a real API key."""
        return bool(getattr(self._inner, "requires_key", True))

    @property
    def clock(self) -> Clock | None:
        """The clock of the inner transport, if it has one."""
        clock: Clock | None = getattr(self._inner, "clock", None)
        return clock

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
            RecordingFileError: What came of it could not be written; the message says what it was.
        """
        with self._lock:
            # Before anybody can echo it, in whichever thread.
            self._scrubber.learn_key(headers)
        request = Request.of(method, url, body)
        try:
            reply = self._inner.send(method, url, headers, body, timeout)
        except (ConnectionError, TimeoutError) as error:
            self._record(Exchange(request, error=_builtin(error)))
            raise
        kept = {
            name.lower(): value
            for name, value in reply.headers.items()
            if name.lower() in _HEADERS or name.lower().startswith(_HEADER_FAMILIES)
        }
        self._record(Exchange(request, reply.status, kept, decode(reply.body)))
        return reply

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()

    def _record(self, exchange: Exchange) -> None:
        with self._lock:
            scrubbed = exchange._replace(
                request=self._scrubber.request(exchange.request),
                headers=self._scrubber.data(exchange.headers),
                body=self._scrubber.data(exchange.body),
            )
            try:
                append(self._path, scrubbed)
            except OSError as error:
                # Not as it is: on a file system in the network it may be a TimeoutError.
                told = encode(scrubbed.body)[:_EXCERPT_BYTES].decode(errors="replace")
                raise RecordingFileError(
                    f"{self._path} could not be written ({error.strerror}), so that this is not "
                    f"in it: {scrubbed.request} was answered {scrubbed.status} {told}",
                    str(self._path),
                ) from error


def _builtin(error: OSError) -> type[OSError]:
    return next(kind for kind in type(error).__mro__ if kind in ERRORS.values())
