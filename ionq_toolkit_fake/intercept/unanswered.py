"""The error for a request to IonQ that no cloud answers, and the operations that are like it."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING

from ionq_toolkit_fake.api.operations import OPERATIONS, OPERATIONS_V03
from ionq_toolkit_fake.api.request import route

if TYPE_CHECKING:
    from ionq_toolkit_fake.api.operations import Operation

_MOST_NEAR = 3


class UnansweredRequest(BaseException):
    """A request to IonQ was stopped, because no cloud of `mock_ionq` can answer it.

    It is a mistake in the test, so it must reach the test. Clients retry network errors, and many
    retry, log or translate every `Exception`; hence it is a `BaseException`, like the failures of
    pytest. The message says what to do.

    ::

        try:
            requests.get("https://api.ionq.co/v0.4/job")
        except UnansweredRequest as error:
            print(error)
    """


def is_operation(path: str) -> bool:
    """Return whether the API has this path, with any method."""
    path = re.sub("%2f", "-", path, flags=re.IGNORECASE)  # part of a name, which may not exist
    return any(route(method, path) for method in {operation.method for operation in OPERATIONS})


def nearest(method: str, path: str) -> list[str]:
    """Return the operations that are most similar to a request, the most similar one first."""
    asked = path.split("/")

    def unlikeness(operation: Operation) -> float:
        own = operation.url.split("/")
        # A variable part matches any text in its place.
        pairs = zip_longest(own, asked[: len(own)], fillvalue="")
        filled = "/".join(there if here.startswith("<") else here for here, there in pairs)
        one, other = f"{method} {path}", f"{operation.method} {filled}"
        return -SequenceMatcher(None, one, other).ratio()

    near = sorted((*OPERATIONS, *OPERATIONS_V03), key=unlikeness)[:_MOST_NEAR]
    return [f"{operation.method} {operation.url}" for operation in near]
