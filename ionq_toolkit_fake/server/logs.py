"""The log of a server on standard error: warnings, and a line for each request."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: The levels of the log, and the names of their options.
LEVELS = ("debug", "info", "warning", "error")

#: The messages of uvicorn on single connections, which concern their clients.
HTTP_LOG = "ionq_toolkit_fake.server.http"

#: One line for each request, of level INFO.
ACCESS_LOG = "ionq_toolkit_fake.access"

_PACKAGE = "ionq_toolkit_fake"

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def start_log(level: str) -> Callable[[], None]:
    """Write the log of this package to standard error, and return what ends that.

    It has no API keys and no tokens: of a request, it has the method and the path without the
    query.

    Args:
        level: The least important level, one of `LEVELS`.
    """
    package, http, handler = logging.getLogger(_PACKAGE), logging.getLogger(HTTP_LOG), _Handler()
    before = package.level, http.level
    handler.setFormatter(logging.Formatter(_FORMAT))
    package.addHandler(handler)
    package.setLevel(level.upper())
    http.setLevel(logging.DEBUG if level == "debug" else logging.ERROR)

    def end() -> None:
        package.removeHandler(handler)
        package.setLevel(before[0])
        http.setLevel(before[1])

    return end


class _Handler(logging.Handler):
    """The handler of `start_log`: writes to what standard error is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; want of room for it ends no request."""
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - logging's own way
            self.handleError(record)
