"""Sending again: a transport around another one, by one policy and within the caller's time."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from ionq_toolkit.clock import SystemClock
from ionq_toolkit.events import EventLog, Retried
from ionq_toolkit.policy import DEFAULT_POLICY, is_idempotent
from ionq_toolkit.transport.base import ReplyTooLargeError, Response, UnusableURLError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ionq_toolkit.clock import Clock
    from ionq_toolkit.policy import RetryPolicy
    from ionq_toolkit.transport.base import Transport

#: Randomness that processes do not share when they are forked.
_SYSTEM = random.SystemRandom()

#: The id of a job in the path of a request that is about one.
_JOB = re.compile(r"/jobs/(?!estimate$|status/)([^/]+)")


class Chance(Protocol):
    """What draws numbers, such as `random.Random`."""

    def random(self) -> float:
        """Return a number from 0 to 1, without 1."""
        ...


class RetryingTransport:
    """Sends a request again where a `RetryPolicy` allows it.

    The `timeout` of `send` is for all attempts together, pauses included. When there is no time
    left for the next pause, or ``Retry-After`` asks for a longer one than that, what came of the
    last attempt is returned or raised at once.
    """

    def __init__(
        self,
        inner: Transport,
        policy: RetryPolicy = DEFAULT_POLICY,
        *,
        clock: Clock | None = None,
        rng: Chance | None = None,
        on_event: Callable[[Retried], object] | None = None,
    ) -> None:
        """Put a policy around a transport.

        Args:
            inner: What carries each attempt.
            policy: What is sent again, and when.
            clock: What pauses are slept on; if None, the transport's own, then the machine's.
            rng: What the lengths of pauses are drawn with; if None, the system's randomness,
                which forked processes do not share.
            on_event: Called with a `Retried` before each pause; if None, it is logged alone.
        """
        self.inner = inner
        self.policy = policy
        self.clock: Clock = clock or getattr(inner, "clock", None) or SystemClock()
        self._rng = rng
        self._on_event = on_event or EventLog()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.inner!r})"

    @property
    def requires_key(self) -> bool:
        """Whether requests need a real API key."""
        return bool(getattr(self.inner, "requires_key", True))

    @property
    def concurrent(self) -> bool:
        """Whether several threads may send at a time, and gain by it."""
        return bool(getattr(self.inner, "concurrent", False))

    @property
    def cloud(self) -> Any:  # noqa: ANN401 - any cloud in this process
        """The cloud of a transport in this process.

        Raises:
            AttributeError: The transport has none.
        """
        return self.inner.cloud  # type: ignore[attr-defined]

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float | None,
    ) -> Response:
        """Send one request, again where that is allowed; see `Transport.send`."""
        path = _path(url)
        total, begin = _least(timeout, self.policy.total_s), self.clock.monotonic()
        attempt = 0
        while True:
            attempt += 1
            left = total - (self.clock.monotonic() - begin)
            limit = _least(left, self.policy.attempt_s)
            outcome: Response | ConnectionError | TimeoutError
            try:
                outcome = self.inner.send(
                    method, url, headers, body, None if limit == float("inf") else limit
                )
            except (UnusableURLError, ReplyTooLargeError):
                raise
            except (ConnectionError, TimeoutError) as error:
                outcome = error
            pause = self._pause_s(outcome, method, path, attempt)
            if pause is None or pause >= total - (self.clock.monotonic() - begin):
                break
            self._tell(outcome, method, path, attempt, pause)
            self.clock.sleep(pause)
            if (
                self.clock.monotonic() - begin >= total
            ):  # machines sleep longer than they are asked to
                break
        if isinstance(outcome, Response):
            return outcome
        raise outcome

    def close(self) -> None:
        """Close the transport's connections."""
        self.inner.close()

    def _pause_s(
        self,
        outcome: Response | ConnectionError | TimeoutError,
        method: str,
        path: str,
        attempt: int,
    ) -> float | None:
        """Return the seconds after which the request may be sent again, or None."""
        if attempt >= self.policy.attempts:
            return None
        retry_after_s = None
        if isinstance(outcome, Response):
            if not self.policy.allows(method, path, outcome.status):
                return None
            retry_after_s = outcome.retry_after_s()
        elif not (is_idempotent(method, path) or isinstance(outcome, ConnectionRefusedError)):
            return None
        return self.policy.pause_s(attempt, (self._rng or _SYSTEM).random(), retry_after_s)

    def _tell(
        self,
        outcome: Response | ConnectionError | TimeoutError,
        method: str,
        path: str,
        attempt: int,
        pause: float,
    ) -> None:
        found = _JOB.search(path)
        self._on_event(
            Retried(
                job_id=found[1] if found else None,
                seconds=pause,
                method=method,
                path=path,
                attempt=attempt,
                # Of an error its name alone: its text may echo anything.
                reason=f"status {outcome.status}"
                if isinstance(outcome, Response)
                else type(outcome).__name__,
            )
        )


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # it is for the transport to say that this is none
        return ""


def _least(*limits: float | None) -> float:
    return min((limit for limit in limits if limit is not None), default=float("inf"))
