"""The changes of a cloud as server-sent events: https://html.spec.whatwg.org/#server-sent-events."""

from __future__ import annotations

import asyncio
import json
import secrets
import weakref
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.console import views

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from ionq_toolkit_fake.cloud import FakeIonQ

#: How often the server looks for changes, and writes a comment where nothing changes, in seconds.
INTERVAL_S, KEEPALIVE_S = 0.2, 15.0

#: How many listeners there may be, and how many jobs one event names.
MOST_LISTENERS, MOST_NAMED = 32, 200


class Feed:
    """Sends listeners what has changed.

    A listener has no queue: it has the number of the last change that it knows, and each event has
    everything since. One that is slow gets fewer, larger events; one that missed more than the
    cloud remembers is told to load everything again. The id of an event is that number, after a
    word for this run of the server, so that a listener can go on after a broken connection.

    Attributes:
        listeners: How many there are.
    """

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        now: Callable[[], float] = lambda: asyncio.get_running_loop().time(),
    ) -> None:
        """Begin without listeners.

        Args:
            sleep: Waits so many seconds.
            now: Returns the time in seconds.
        """
        self.listeners = 0
        self._sleep, self._now = sleep, now
        self._runs: weakref.WeakKeyDictionary[FakeIonQ, str] = weakref.WeakKeyDictionary()
        self._looked_at = float("-inf")

    async def events(
        self, serving: Callable[[], FakeIonQ], last_id: str | None = None
    ) -> AsyncIterator[str]:
        """Yield events until the listener is gone.

        Args:
            serving: Returns the cloud.
            last_id: The id of the last event that the listener has got; None: it begins.
        """
        self.listeners += 1
        try:
            cloud = serving()
            known = self._number(cloud, last_id)
            number = cloud.changes.number if known is None else known
            if known is None:
                yield self._event(cloud, "reload" if last_id else "hello", number, {})
            quiet = 0.0
            while True:
                if serving() is not cloud:
                    cloud = serving()
                    number = cloud.changes.number
                    yield self._event(cloud, "reload", number, {})
                await self._look(cloud)
                if cloud.changes.number != number:
                    name, number, data = await asyncio.to_thread(_changes, cloud, number)
                    yield self._event(cloud, name, number, data)
                    quiet = 0.0
                elif quiet >= KEEPALIVE_S:
                    yield ": still here\n\n"
                    quiet = 0.0
                await self._sleep(INTERVAL_S)
                quiet += INTERVAL_S
        finally:
            self.listeners -= 1

    async def _look(self, cloud: FakeIonQ) -> None:
        """Move jobs on, once for all listeners."""
        now = self._now()
        if now - self._looked_at >= INTERVAL_S / 2:
            self._looked_at = now
            await asyncio.to_thread(views.settle, cloud)

    def _run(self, cloud: FakeIonQ) -> str:
        return self._runs.setdefault(cloud, secrets.token_hex(4))

    def _number(self, cloud: FakeIonQ, last_id: str | None) -> int | None:
        """Return the number of an id of an event, or None if it is of another run."""
        run, _, number = (last_id or "").partition(".")
        known = run == self._run(cloud) and number.isascii() and number.isdigit()
        return int(number) if known and len(number) < 20 else None  # noqa: PLR2004 - a counter

    def _event(self, cloud: FakeIonQ, name: str, number: int, data: dict[str, Any]) -> str:
        return f"id: {self._run(cloud)}.{number}\nevent: {name}\ndata: {json.dumps(data)}\n\n"


def _changes(cloud: FakeIonQ, number: int) -> tuple[str, int, dict[str, Any]]:
    """Return the name, the number and the data of the event for all changes after a number."""
    with cloud.lock:
        newest = cloud.changes.number
        found = cloud.changes.since(number, MOST_NAMED)
    data = views.summary(cloud)
    if found is None or any(change.kind == "reset" for change in found):
        return "reload", newest, data
    kinds = sorted({change.kind for change in found})
    return "change", newest, {
        **data, "kinds": kinds, "jobs": [change.name for change in found if change.name]
    }  # fmt: skip
