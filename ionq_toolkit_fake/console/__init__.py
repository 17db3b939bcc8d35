"""The console of a cloud: a page at / of a server, and its data below /_console/.

The page, its styles and its scripts hold no data and need no token. `takes` names the requests that
a guard treats like controls: where other machines can reach the server, they need its token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.routing import BaseRoute

    from ionq_toolkit_fake.cloud import FakeIonQ


def routes(cloud: FakeIonQ | Callable[[], FakeIonQ]) -> list[BaseRoute]:
    """Return the routes of the console for an application of Starlette, behind a guard.

    Args:
        cloud: The cloud, or a function that returns the one to show now.
    """
    from ionq_toolkit_fake.console import pages  # noqa: PLC0415 - Starlette: for servers alone

    return pages.routes((lambda: cloud) if not callable(cloud) else cloud)


def takes(url: str) -> bool:
    """Return whether a request is for the data of a console, by its URL."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return False
    return path == "/_console" or path.startswith("/_console/")
