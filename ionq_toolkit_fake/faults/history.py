"""What a cloud was asked, and what it answered to reads before."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ionq_toolkit_fake.api.request import LoggedRequest
    from ionq_toolkit_fake.api.responses import Response


#: How many requests are remembered.
_MOST_REQUESTS = 10_000

#: Of how many reads the answers are remembered, how many of each, and how large they may be.
_MOST_READS, _MOST_ANSWERS, _LARGEST_ANSWER_BYTES = 256, 4, 64 * 1024


class History:
    """The requests of one cloud, and the answers to its reads."""

    def __init__(self) -> None:
        self._requests: deque[LoggedRequest] = deque(maxlen=_MOST_REQUESTS)
        self._answers: OrderedDict[object, deque[Response]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def requests(self) -> list[LoggedRequest]:
        """The requests in order; the last 10 000."""
        with self._lock:
            return list(self._requests)

    def asked(self, request: LoggedRequest) -> None:
        """Remember a request."""
        with self._lock:
            self._requests.append(request)

    def answered(self, read: object, response: Response) -> None:
        """Remember how a read was answered, if that is not as the last time."""
        if len(response.body) > _LARGEST_ANSWER_BYTES:
            return
        answers = self._answers.setdefault(read, deque(maxlen=_MOST_ANSWERS))
        self._answers.move_to_end(read)
        if not answers or (answers[-1].status, answers[-1].body) != response[::2]:
            answers.append(response._replace(headers={**response.headers}))
        if len(self._answers) > _MOST_READS:
            self._answers.popitem(last=False)

    def earlier(self, read: object, by: int) -> Response | None:
        """Return how a read was answered `by` states ago, or None if that is not known."""
        answers = self._answers.get(read, ())
        if by > len(answers):
            return None
        response = answers[-by]
        return response._replace(headers={**response.headers})

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._requests.clear()
        self._answers.clear()
