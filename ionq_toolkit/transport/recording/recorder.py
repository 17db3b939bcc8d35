"""A transport that records the exchanges of another transport."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ionq_toolkit.forks import ForkLock
from ionq_toolkit.transport.base import Response, Transport, as_transport
from ionq_toolkit.transport.recording.exchange import Exchange, Request, decode, encode
from ionq_toolkit.transport.recording.file import RecordingFileError, append, create
from ionq_toolkit.transport.recording.redaction import Placeholders, Scrubber

if TYPE_CHECKING:
    import os

    from ionq_toolkit.transport.base import Headers


#: The recorded headers of responses. Others, such as cookies, may hold secrets.
_HEADERS = frozenset({"content-type", "date", "retry-after", "x-ionq-fake-notes", "x-request-id"})
_HEADER_FAMILIES = ("ratelimit", "x-ratelimit-")

#: The most bytes of a response in an error message.
_EXCERPT_BYTES = 1000


class RecordingTransport(Transport):
    """Hands every request to another transport, and records the response or error.

    ::

        with IonQProvider(transport=RecordingTransport(HttpTransport(), "bell.jsonl")) as provider:
            provider.get_backend("simulator").run(circuit).get_counts()

    Each exchange is in the file as soon as it is over, and stays there if the process dies. The
    file never contains API keys, ids and names of people, projects and organizations, or e-mail
    addresses: a placeholder stands for each, the same for the same value. The recorder knows
    them by the fields and places in which IonQ has them. It records no headers of requests, and
    of responses only those that a client uses. Names of jobs, circuits and metadata are recorded
    as they are, except for e-mail addresses: review a file before you share it.

    Several threads may use it.
    """

    def __init__(self, inner: Transport, path: str | os.PathLike[str]) -> None:
        """Create the file, before any request is sent that might cost something.

        Args:
            inner: The transport that sends the requests.
            path: The file to create.

        Raises:
            TypeError: `inner` is not a transport.
            FileExistsError: The file exists.
            OSError: The file cannot be created.
        """
        self._inner = inner = as_transport(inner)
        self.requires_key, self.clock, self.cloud = inner.requires_key, inner.clock, inner.cloud
        # Absolute: the process may change its working directory.
        self._path = Path(path).absolute()
        self._lock = ForkLock()
        self._scrubber = Scrubber(Placeholders())
        create(self._path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._inner!r}, {str(self._path)!r})"

    def send(
        self, method: str, url: str, headers: Headers, body: bytes | None, timeout: float | None
    ) -> Response:
        """Send one request; see `Transport.send`."""
        with self._lock:  # before a response can echo the key, in any thread
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
                # On a network file system the error may be a TimeoutError, which code would retry.
                excerpt = encode(scrubbed.body)[:_EXCERPT_BYTES].decode(errors="replace")
                raise RecordingFileError(
                    f"{self._path} could not be written ({error.strerror}), so that this is not "
                    f"in it: {scrubbed.request} was answered {scrubbed.status} {excerpt}",
                    str(self._path),
                ) from error


def _builtin(error: OSError) -> type[OSError]:
    return next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")
