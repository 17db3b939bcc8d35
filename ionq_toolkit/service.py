"""Service: one account at one service, shared by provider, backends and jobs."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ionq_toolkit.api.client import IonQClient
from ionq_toolkit.clock import Deadline, SystemClock
from ionq_toolkit.forks import ForkLock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ionq_toolkit.api.credentials import ApiKey
    from ionq_toolkit.api.models import Characterization, JobEstimate
    from ionq_toolkit.clock import Clock
    from ionq_toolkit.events import EventLog
    from ionq_toolkit.journal import Journal
    from ionq_toolkit.transport import RetryingTransport

#: Held while a seed or tag is drawn: a generator of numpy has a lock.
_DRAWING = ForkLock()

#: The stream of random numbers, among those of one seed, that tags come from.
_TAGS = 1


@dataclass
class Seen:
    """The last answers of the service about a backend; None: it was not asked."""

    listing: Mapping[str, Any] | None = None
    calibration: Characterization | None = None
    estimate: JobEstimate | None = None


class Service:
    """A client, a clock, a default timeout, seeds and tags, and the sessions that are known.

    Attributes:
        clock: The clock that jobs wait on.
        timeout: Seconds that a call may take if it is given no timeout; None: no limit.
        journal: Where submissions are written down before they are sent; None: nowhere.
        sessions: The sessions created or attached to through this service: for each id IonQ's name
            of its backend, or None for a session that was ended here.
        seen: The last answers about each backend, by IonQ's name of it.
    """

    def __init__(
        self,
        key: ApiKey,
        url: str,
        transport: RetryingTransport,
        *,
        clock: Clock,
        timeout: float | None = None,
        seed: int | None = None,
        events: EventLog,
        shared: bool = False,
        journal: Journal | None = None,
    ) -> None:
        """Describe an account. Nothing is sent, and the key is not read, before the first request.

        Args:
            key: The API key.
            url: The base URL.
            transport: Carries the requests.
            clock: As of the class.
            timeout: As of the class.
            seed: Seeds the seeds of runs. Tags follow from it as well in a cloud in this process or
                on a virtual clock; on the network tags must differ from those of all other
                processes and are random.
            events: Receives the events.
            shared: Whether a cloud in this process has jobs of other processes: then tags are
                random as on the network.
            journal: As of the class.
        """
        self._transport = transport  # the first: it says why it cannot be pickled
        self.clock = clock
        self.timeout = timeout
        self.journal = journal
        self.sessions: dict[str, str | None] = {}
        self.seen: defaultdict[str, Seen] = defaultdict(Seen)
        self._key = key
        self._url = url
        self._events = events
        self._client: IonQClient | None = None
        self._seeds = np.random.default_rng(seed)
        alone = not transport.requires_key or not isinstance(clock, SystemClock)
        alone = alone and not shared
        self._tags = (
            np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_TAGS,)))
            if alone and seed is not None
            else None
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.describe()})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: a copy of a backend is of the same account, and draws no tag twice."""
        return self

    def describe(self) -> str:
        """Return in words which service it is: a URL, or a cloud in this process."""
        if self._transport.requires_key:
            return f"url={self._url!r}, transport={self._transport.inner!r}"
        cloud = self._transport.cloud
        return f"{self._transport.inner if cloud is None else cloud!r} in this process, no network"

    @property
    def on_network(self) -> bool:
        """Whether requests leave this process, with a key."""
        return self._transport.requires_key

    @property
    def address(self) -> object:
        """The base URL, or the cloud in this process: services of one address are the same."""
        if self._transport.requires_key:
            return self._url
        cloud = self._transport.cloud
        return self._transport.inner if cloud is None else cloud

    @property
    def client(self) -> IonQClient:
        """The client of IonQ's API.

        Raises:
            IonQCredentialsError: A key is needed and none was found.
        """
        if self._client is None:
            limits = [s for s in (self.timeout, self._transport.policy.total_s) if s is not None]
            self._client = IonQClient(
                self._key,
                self._url,
                self._transport,
                timeout=min(limits, default=None),
                events=self._events,
            )
        return self._client

    def deadline(self, timeout: float | None) -> Deadline:
        """Return the deadline of a call that is given `timeout` seconds, or the default if None.

        Raises:
            ValueError: `timeout` is negative or not a number.
        """
        return Deadline(self.clock, self.timeout if timeout is None else timeout)

    def draw_seed(self) -> int:
        """Return the next seed for a run that names none."""
        with _DRAWING:
            return int(self._seeds.integers(2**31))

    def draw_tag(self) -> str:
        """Return a tag for a submission: 32 hexadecimal digits, no two alike."""
        if self._tags is None:
            return uuid.uuid4().hex
        with _DRAWING:
            return uuid.UUID(bytes=self._tags.bytes(16), version=4).hex

    def close(self) -> None:
        """Close the connections to the service."""
        self._transport.close()
