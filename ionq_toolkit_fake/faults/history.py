"""Earlier responses to reads, for `faults.stale`."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ionq_toolkit_fake.api.responses import Response

#: How many reads are remembered, how many responses to each, and the size of the largest.
_MOST_READS, _MOST_RESPONSES, _LARGEST_BYTES = 256, 4, 64 * 1024


class Reads:
    """The last responses to each read of one cloud."""

    def __init__(self) -> None:
        self._responses: OrderedDict[object, deque[Response]] = OrderedDict()

    def answered(self, read: object, response: Response) -> None:
        """Remember the response to a read, if it differs from the last one."""
        if len(response.body) > _LARGEST_BYTES:
            return
        responses = self._responses.setdefault(read, deque(maxlen=_MOST_RESPONSES))
        self._responses.move_to_end(read)
        if not responses or (responses[-1].status, responses[-1].body) != response[::2]:
            responses.append(response._replace(headers={**response.headers}))
        if len(self._responses) > _MOST_READS:
            self._responses.popitem(last=False)

    def earlier(self, read: object, by: int) -> Response | None:
        """Return the response to a read `by` states ago, or None if it is not known."""
        responses = self._responses.get(read, ())
        if by > len(responses):
            return None
        response = responses[-by]
        return response._replace(headers={**response.headers})

    def clear(self) -> None:
        """Forget all reads."""
        self._responses.clear()
