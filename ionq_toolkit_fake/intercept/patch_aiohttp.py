"""The patch of aiohttp, which is refused: it connects by the event loop, below all that answers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.intercept.patching import Patch
from ionq_toolkit_fake.intercept.scope import interception
from ionq_toolkit_fake.intercept.unanswered import UnansweredRequest

if TYPE_CHECKING:
    from collections.abc import Callable


class AiohttpPatch:
    """The patch of aiohttp's connections, once a program has imported it.

    Its resolver may be in C, where the patch of DNS does not see it.
    """

    def __init__(self) -> None:
        self._patch: Patch | None = None

    def install(self) -> None:
        """Refuse connections to IonQ, if aiohttp is imported."""
        module = sys.modules.get("aiohttp.connector")
        if self._patch is None and module is not None:
            self._patch = Patch(module.BaseConnector, "connect", _refusing)
        if self._patch is not None:
            self._patch.install()

    def remove(self) -> None:
        """Let aiohttp connect again."""
        if self._patch is not None:
            self._patch.remove()


def _refusing(connect: Callable[..., Any]) -> Callable[..., Any]:
    async def refusing(connector: object, request: Any, *args: object, **options: object) -> object:  # noqa: ANN401
        host, port = request.url.host or "", request.url.port
        if interception.covers(host, port):
            interception.scope_of(host, port)  # raises where it says more than we do
            raise UnansweredRequest(
                f"aiohttp was about to connect to {host}, and mock_ionq answers requests, urllib3 "
                "and httpx only. Let a FakeServer answer it: take the fixture ionq_server, or "
                "`with FakeServer(cloud) as server:`, and the base URL server.url."
            )
        return await connect(connector, request, *args, **options)

    return refusing
