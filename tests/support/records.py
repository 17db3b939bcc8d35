"""Hostile records, as the client reads them: a record is read or refused, in bounded messages."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import hostile

from ionq_toolkit import InProcessTransport, IonQProvider
from ionq_toolkit.errors import MOST_CHARACTERS, IonQError


class _Hostile:
    """A service that has one job, which has ended."""

    def __init__(self, number: int) -> None:
        record: Callable[[int], tuple[Any, Any]] = hostile.record
        self.record, self.histogram = record(number)

    def handle(self, _: str, url: str, *__: Any) -> tuple[int, dict[str, str], bytes]:
        path = url.partition("/v0.4")[2].partition("?")[0]
        if path == "/jobs/j":
            reply = self.record
        elif path.startswith("/jobs/j/results"):
            reply = self.histogram
        else:
            return 404, {}, b'{"message": "no"}'
        return 200, {"Content-Type": "application/json"}, json.dumps(reply).encode()


def read(number: int) -> Iterator[str]:
    """Yield how each way to read a record ends: "read" or the name of an error of the client."""
    provider = IonQProvider(transport=InProcessTransport(_Hostile(number)), retry=None)
    for way in (
        lambda job: job.get_counts(),
        lambda job: job.result(timeout=5).get_memory(),
        lambda job: job.get_probabilities(),
        lambda job: (repr(job), job._repr_html_()),
    ):
        try:
            way(provider.get_backend("simulator").retrieve_job("j"))
        except IonQError as error:
            told, end = str(error), type(error).__name__
        else:
            told, end = "", "read"
        assert len(told) <= MOST_CHARACTERS
        assert told.isprintable()
        yield end
