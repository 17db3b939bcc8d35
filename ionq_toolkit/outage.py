"""Failures of requests that are waited with: which pass, and for how long to ask again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from ionq_toolkit.errors import IonQAPIError, IonQConnectionError, IonQRetriableError
from ionq_toolkit.events import PollFailed
from ionq_toolkit.policy import DEFAULT_POLICY, REFUSALS, RetryPolicy
from ionq_toolkit.transport.base import ReplyTooLargeError, UnusableURLError

if TYPE_CHECKING:
    from ionq_toolkit.client import IonQClient
    from ionq_toolkit.clock import Clock
    from ionq_toolkit.errors import IonQError
    from ionq_toolkit.waiting import Deadline

_SERVER_ERROR = 500


def passes(error: IonQError) -> bool:
    """Return whether a request that ended in `error` may be answered later.

    It may where there was no answer, and where there was one of a service that is in trouble: of
    those that `IonQRetriableError` stands for, or any of 5xx that is no refusal. 500 is one of
    them here: what the service never takes it has refused before there was a job to wait for.
    """
    if isinstance(error, IonQConnectionError):
        return not isinstance(error.__cause__, UnusableURLError | ReplyTooLargeError)
    if isinstance(error, IonQAPIError):
        unwell = error.status_code >= _SERVER_ERROR and error.status_code not in REFUSALS
        return unwell or isinstance(error, IonQRetriableError)
    return False


class Outage:
    """The failures since the service last answered a wait, if it has not since."""

    def __init__(self, client: IonQClient, clock: Clock, deadline: Deadline, job_id: str) -> None:
        """Watch a wait for a job; there is no outage yet.

        How long to go on is the deadline's to say and, where there is none, the policy's of the
        client's transport: `RetryPolicy.outage_s`.
        """
        self._tell = client.events
        self._clock = clock
        self._deadline = deadline
        self._job_id = job_id
        policy = getattr(client.transport, "policy", None)
        self._policy = policy if isinstance(policy, RetryPolicy) else DEFAULT_POLICY
        self._since: float | None = None
        self._failures = 0
        # The same for a job each time, and different from those of the others.
        seed = int.from_bytes(hashlib.sha256(job_id.encode()).digest()[8:16])
        self._random = np.random.default_rng(seed)

    def end(self) -> None:
        """Take the service for well: it has answered."""
        self._since, self._failures = None, 0

    def outlasts(self, seconds: float, error: IonQError) -> bool:
        """Return whether nothing is to be asked again within so many seconds.

        There may be none left, or the service has asked for more with ``Retry-After``.
        """
        return self._goes_on(error) and _retry_after_s(error) >= seconds

    def _goes_on(self, error: IonQError) -> bool:
        return passes(error) and self._policy.outage_s != 0

    def failed(self, error: IonQError, began: float) -> float:
        """Return how many seconds to wait before asking again.

        Args:
            error: What came of a request.
            began: The time on the clock when that was begun.

        Raises:
            IonQError: `error`, if it does not pass, or has lasted for too long.
        """
        if not self._goes_on(error):
            raise error
        self._since = began if self._since is None else self._since
        self._failures += 1
        now = self._clock.monotonic()
        lasts = now - self._since
        left = float("inf")
        if self._deadline.timeout is None and self._policy.outage_s is not None:
            left = self._policy.outage_s - lasts
        # Nor is anything asked again before the service allows it, only because the time is over.
        if left <= _retry_after_s(error):
            error.message = (
                f"{error.message} There was no other answer for {lasts:.0f} s, so that job "
                f"{self._job_id} is not waited for any longer. It is not lost: once the service is "
                f"well, backend.retrieve_job({self._job_id!r}) has it."
            )
            raise error
        # What was sent `attempts` times by now is not sent as often as at the beginning.
        pause = self._policy.pause_s(
            self._policy.attempts + self._failures - 1,
            float(self._random.random()),
            _retry_after_s(error),
        )
        pause = min(pause, left)
        self._tell(
            PollFailed(
                job_id=self._job_id,
                seconds=pause,
                reason=_reason(error),
                failures=self._failures,
                away_s=lasts,
            )
        )
        return pause


def _retry_after_s(error: IonQError) -> float:
    """Return the seconds that the service asks to be left alone; 0 if it does not."""
    return getattr(error, "retry_after_s", None) or 0.0


def _reason(error: IonQError) -> str:
    """Return what happened without any text of the service's, which may echo anything."""
    if isinstance(error, IonQAPIError):
        return f"status {error.status_code}"
    return type(error.__cause__ or error).__name__
