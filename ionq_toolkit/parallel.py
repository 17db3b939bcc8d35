"""Several requests at a time, where the transport says that it can."""

from __future__ import annotations

import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ionq_toolkit.transport import Transport

#: Requests at a time, at the most. `requests` keeps ten connections open to a host.
MOST_AT_A_TIME = 8

Item = TypeVar("Item")
Found = TypeVar("Found")


def each(
    transport: Transport, function: Callable[[Item], Found], items: Sequence[Item]
) -> list[Found]:
    """Return `function` of each item, in their order.

    A transport in this process gains nothing from threads, and is asked one by one.

    Args:
        transport: What carries the requests that `function` makes.
        function: What to call; from several threads if the transport has `concurrent`.
        items: What to call it with.

    Raises:
        Exception: What `function` raises first, in the order of the items. What has not begun by
            then is left undone.
    """
    workers = min(len(items), MOST_AT_A_TIME)
    if workers < 2 or not getattr(transport, "concurrent", False):  # noqa: PLR2004
        return [function(item) for item in items]
    with ThreadPoolExecutor(workers, thread_name_prefix="ionq-toolkit") as pool:
        # In the context of the caller: it says which of several mocked clouds a request is for.
        futures = [pool.submit(contextvars.copy_context().run, function, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
