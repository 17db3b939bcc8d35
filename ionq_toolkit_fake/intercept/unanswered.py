"""The error for a request to IonQ that no cloud answers, and what such a request may have meant."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING

from ionq_toolkit_fake.api.responses import Refusal
from ionq_toolkit_fake.api.routes import OPERATIONS, route

if TYPE_CHECKING:
    from ionq_toolkit_fake.api.routes import Operation

_MOST_NEAR = 3
_VERSION = "/v0.4"


class UnansweredRequest(BaseException):
    """A request to IonQ was stopped, because no cloud of `mock_ionq` can answer it.

    It is a mistake in the test, so it must reach the test. Clients retry what looks like the
    network, and many retry, log or translate every `Exception`; hence this is none, as the
    failures of pytest are none. The message says what to do.
    """


def is_operation(path: str) -> bool:
    """Return whether the API has this path, with whatever method."""
    path = re.sub("%2f", "-", path, flags=re.IGNORECASE)  # within a name, which there may not be
    for method in {operation.method for operation in OPERATIONS}:
        try:
            route(method, path)
        except Refusal:
            continue
        return True
    return False


def nearest(method: str, path: str) -> list[str]:
    """Return the operations that are most like a request, the most similar one first."""
    asked = path.split("/")

    def unlikeness(operation: Operation) -> float:
        own = f"{_VERSION}{operation.path}".split("/")
        # Names are like whatever is in their place.
        pairs = zip_longest(own, asked[: len(own)], fillvalue="")
        filled = "/".join(there if here.startswith("<") else here for here, there in pairs)
        one, other = f"{method} {path}", f"{operation.method} {filled}"
        return -SequenceMatcher(None, one, other).ratio()

    near = sorted(OPERATIONS, key=unlikeness)[:_MOST_NEAR]
    return [f"{operation.method} {_VERSION}{operation.path}" for operation in near]
