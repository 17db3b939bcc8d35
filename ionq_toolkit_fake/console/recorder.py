"""The bodies of the last requests of a cloud, without API keys."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from ionq_toolkit_fake.api.request import secret_of
from ionq_toolkit_fake.forks import ForkLock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.faults.exchange import Exchange

#: How many requests are kept, and how many bytes of each body.
MOST_REQUESTS, MOST_BYTES = 500, 16 * 1024

#: A text that stands for an API key.
_HIDDEN = "[API key]"

#: A shorter text may be part of any word, and is no key.
_SHORTEST_KEY = 4


class Recording(NamedTuple):
    """The bodies of one request, as text.

    Attributes:
        body: The first bytes of its body.
        size: The size of its body in bytes.
        response: The first bytes of the body of its response.
        response_size: The size of that in bytes.
        content_type: The type of the response.
    """

    body: str
    size: int
    response: str
    response_size: int
    content_type: str


class Recorder:
    """Keeps the bodies of the last requests; the `observer` of a cloud."""

    def __init__(self) -> None:
        self._lock = ForkLock()
        self._kept: OrderedDict[str, Recording] = OrderedDict()

    def __call__(
        self,
        _method: str,
        _url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        exchange: Exchange,
    ) -> None:
        """Keep a request."""
        secret, response = secret_of(headers), exchange.response
        sent, got = body or b"", b"" if response is None else response.body
        recording = Recording(
            _text(sent, secret),
            len(sent),
            _text(got, secret),
            len(got),
            "" if response is None else response.headers.get("content-type", ""),
        )
        with self._lock:
            self._kept[exchange.request_id] = recording
            if len(self._kept) > MOST_REQUESTS:
                self._kept.popitem(last=False)

    def find(self, request_id: str) -> Recording | None:
        """Return the bodies of a request, or None if they are not kept."""
        return self._kept.get(request_id)


def recorder(cloud: FakeIonQ) -> Recorder:
    """Return the recorder of a cloud, which begins with the first call."""
    if not isinstance(cloud.observer, Recorder):
        cloud.observer = Recorder()
    return cloud.observer


def _text(body: bytes, secret: str | None) -> str:
    """Return the beginning of a body without the key, also where the cut goes through it."""
    part = body[: MOST_BYTES + 256]
    text = part.decode("utf-8", "replace")
    if secret is not None and len(secret) >= _SHORTEST_KEY:
        text = text.replace(secret, _HIDDEN)
    return text[:MOST_BYTES]
