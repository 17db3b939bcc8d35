"""The log of a server on standard error: warnings, and a line for each request."""

from __future__ import annotations

import logging

#: The levels of the log, and the names of their options.
LEVELS = ("debug", "info", "warning", "error")

#: What uvicorn has to say of single connections, which concerns their clients.
HTTP_LOG = "ionq_toolkit_fake.server.http"

#: One line for each request, of level INFO.
ACCESS_LOG = "ionq_toolkit_fake.access"

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def start_log(level: str) -> None:
    """Write the log of this package to standard error, in this process.

    It has no API keys and no tokens: of a request, it has the method and the path without the
    query.

    Args:
        level: The least important level, one of `LEVELS`.
    """
    logger = logging.getLogger("ionq_toolkit_fake")
    for handler in list(logger.handlers):
        if isinstance(handler, _Handler):
            logger.removeHandler(handler)
    handler = _Handler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
    logging.getLogger(HTTP_LOG).setLevel(logging.DEBUG if level == "debug" else logging.ERROR)


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]
    """The handler of `start_log`."""
