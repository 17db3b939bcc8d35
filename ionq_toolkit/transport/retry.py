"""RetryPolicy, and the transport that applies it."""

from __future__ import annotations

import json
import math
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlsplit

from ionq_toolkit.clock import Deadline, SystemClock
from ionq_toolkit.events import EventLog, Retried
from ionq_toolkit.transport.base import (
    ReplyTooLargeError,
    Response,
    Transport,
    UnusableURLError,
    as_transport,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ionq_toolkit.clock import Clock


#: Statuses after which the same request may be taken later: those that HTTP defines so, and those
#: of gateways, Cloudflare's among them. 500 is not: the service sends it for requests that it will
#: never take, such as one with the key of an archived project.
RETRIABLE_STATUSES = frozenset({408, 425, 429, 502, 503, 504, *range(520, 530)})

#: Those of them that say that the request was not taken, whatever it was: RFC 8470, section 5.2
#: and RFC 6585, section 4. 503 is not among them: proxies answer so as well when the service
#: drops a connection on which the request was sent, and Varnish then adds ``Retry-After`` by itself
#: (`vcl_builtin_backend_error` of its builtin.vcl).
REFUSED_STATUSES = frozenset({425, 429})

#: Statuses after which it is not known whether a request was taken: all other of them and, of the
#: service itself, 500.
UNCERTAIN_STATUSES = (RETRIABLE_STATUSES - REFUSED_STATUSES) | {500}

#: Statuses from 500 on that are refusals: the service has no such operation, does not speak this
#: version of HTTP, or the network wants the user to log in first.
REFUSALS = frozenset({501, 505, 511})

#: Seconds that one attempt may take by default: the largest bodies, of 10 MB up and 40 MB down,
#: need as many on a slow line.
ATTEMPT_S = 60.0

#: The status of a service that is unavailable, or of a proxy that has lost it.
_UNAVAILABLE = 503

#: Idempotent methods: RFC 9110, section 9.2.2. PUT only cancels jobs here.
_IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})

#: The one idempotent POST: it ends a session.
_END_OF_SESSION = re.compile(r"[^?]*/sessions/[^/?]+/end")


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Which requests are sent again, how often, and after which pauses.

    The pause before attempt n + 1 is drawn evenly from 0 to `first_delay_s` * `growth` ** (n - 1)
    or `longest_delay_s`, whichever is less ("full jitter": clients that failed together do not come
    back together). Where the service says with ``Retry-After`` how long to wait, it comes on top of
    that. No pause goes beyond the time that the caller has: the error then comes at once.

    A wait for a job polls on when a request has failed in spite of that: until its own timeout or,
    if it has none, for `outage_s`.

    A request that changes something, such as a submission, is sent again only if it certainly had
    no effect: there was no connection, or a status says that it was not taken.

    ::

        provider = IonQProvider(retry=RetryPolicy(attempts=3, total_s=20))

    Attributes:
        attempts: How often a request is sent at the most; 1 never sends one again.
        first_delay_s: The longest first pause, in seconds.
        growth: By how much the longest pause grows each time, at least 1.
        longest_delay_s: The longest pause of all, in seconds, but for ``Retry-After``.
        attempt_s: Seconds that one attempt may take, reply included; None: any time.
        total_s: Seconds that all attempts may take, pauses included, where the caller does not
            allow less; None: any time.
        outage_s: Seconds of nothing but failures after which a wait without a timeout raises the
            last of them; None: it goes on. 0: any wait, with a timeout or without, ends with the
            first failure.
        statuses: HTTP statuses after which a request is sent again.
        jitter: ``"full"``, or ``"none"`` for pauses of full length each.
    """

    attempts: int = 7
    first_delay_s: float = 0.5
    growth: float = 2.0
    longest_delay_s: float = 30.0
    attempt_s: float | None = ATTEMPT_S
    total_s: float | None = 120.0
    outage_s: float | None = 600.0
    statuses: frozenset[int] = RETRIABLE_STATUSES
    jitter: str = "full"

    def __post_init__(self) -> None:
        """Check the values."""
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int):
            raise ValueError(f"attempts={self.attempts!r} is not a whole number")  # noqa: TRY004
        if self.attempts < 1:
            raise ValueError(f"attempts={self.attempts} must be 1 or more; 1 sends nothing again")
        _check(self, "first_delay_s", 0)
        _check(self, "longest_delay_s", 0)
        _check(self, "growth", 1)
        for name in ("attempt_s", "total_s", "outage_s"):
            if getattr(self, name) is not None:
                _check(self, name, 0)
        if self.jitter not in ("full", "none"):
            raise ValueError(f"jitter={self.jitter!r} must be 'full' or 'none'")
        object.__setattr__(self, "statuses", frozenset(self.statuses))

    @classmethod
    def none(cls, **changes: Any) -> Self:  # noqa: ANN401 - the fields
        """Return a policy that sends nothing again; a wait ends with its first failure.

        ::

            provider = IonQProvider(retry=RetryPolicy.none())
        """
        return cls(**{"attempts": 1, "outage_s": 0, **changes})

    def retries(
        self, method: str, path: str, outcome: Response | ConnectionError | TimeoutError
    ) -> bool:
        """Return whether a request with this outcome may be sent again.

        ::

            RetryPolicy().retries("GET", "/jobs", Response(503, {}, b""))  # -> True
            RetryPolicy().retries("POST", "/jobs", Response(503, {}, b""))  # -> False
        """
        if isinstance(outcome, Response):
            if outcome.status not in self.statuses:
                return False
            return is_idempotent(method, path) or is_refusal(outcome)
        return is_idempotent(method, path) or isinstance(outcome, ConnectionRefusedError)

    def pause_s(self, attempt: int, chance: float, retry_after_s: float | None = None) -> float:
        """Return the seconds to wait after an attempt.

        ::

            RetryPolicy(first_delay_s=0.5).pause_s(attempt=3, chance=1.0)  # -> 2.0

        Args:
            attempt: The number of the attempt that failed, from 1.
            chance: A number drawn evenly from 0 to 1.
            retry_after_s: The seconds that the service asked for, if it did.
        """
        jitter = 0.0 if self.jitter == "none" else 1.0
        backoff = Backoff(self.first_delay_s, self.growth, self.longest_delay_s, jitter)
        return (retry_after_s or 0.0) + backoff.pause_s(attempt, chance)


class Backoff(NamedTuple):
    """Pauses that grow to a limit, and of which chance takes off a part.

    Attributes:
        first_s: The first pause, in seconds.
        growth: The factor from one pause to the next.
        longest_s: The longest pause, in seconds.
        jitter: The part of a pause, from 0 to 1, that chance may take off, so that callers who
            failed together do not come back together.
    """

    first_s: float
    growth: float
    longest_s: float
    jitter: float

    def pause_s(self, number: int, chance: float) -> float:
        """Return the seconds of pause `number`, from 1; `chance` is drawn evenly from 0 to 1."""
        try:  # the exponent is bounded: a pause that has grown to the longest grows no more
            grown = self.first_s * self.growth ** min(number - 1, 64)
        except OverflowError:
            grown = math.inf if self.first_s else 0.0
        return min(self.longest_s, grown) * (1 - self.jitter + self.jitter * chance)


def is_refusal(response: Response) -> bool:
    """Return whether a response says that the request was not taken, whatever it was.

    The status alone says so for `REFUSED_STATUSES`. A 503 says so if the service itself sent it,
    which is seen by its body: ``{"error": type, "message": text}``. A proxy sends a 503 of another
    form, also after the service has broken off in the middle of a request.
    """
    if response.status != _UNAVAILABLE:
        return response.status in REFUSED_STATUSES
    try:
        body: Any = json.loads(response.body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(body, dict):
        return False
    error, message = body.get("error"), body.get("message")
    if isinstance(error, dict):
        message = message or error.get("message")
        error = error.get("type")
    return isinstance(error, str) and isinstance(message, str) and bool(message)


def is_idempotent(method: str, path: str) -> bool:
    """Return whether a request that is sent twice has the effect of one sent once."""
    if method in _IDEMPOTENT_METHODS:
        return True
    return method == "POST" and _END_OF_SESSION.fullmatch(path) is not None


def _check(policy: RetryPolicy, name: str, least: float) -> None:
    value = getattr(policy, name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name}={value!r} is not a number")  # noqa: TRY004
    if not least <= value < math.inf:  # NaN is not either
        raise ValueError(f"{name}={value} must be a number from {least} on")


#: The default policy.
DEFAULT_POLICY = RetryPolicy()

#: Randomness that processes do not share when they are forked.
_SYSTEM = random.SystemRandom()

#: The id of a job in the path of a request that is about one.
_JOB = re.compile(r"/jobs/(?!estimate$|status/)([^/]+)")


class RetryingTransport(Transport):
    """Sends a request again where a `RetryPolicy` allows it.

    The `timeout` of `send` is for all attempts together, pauses included. When there is no time
    left for the next pause, or ``Retry-After`` asks for a longer one than that, what came of the
    last attempt is returned or raised at once.

    ::

        cloud.faults.add(faults.http(503), on="GET /jobs", times=1)
        transport = RetryingTransport(InProcessTransport(cloud), clock=cloud.clock)
        headers = {"Authorization": "apiKey a-key"}
        transport.send("GET", "https://api.ionq.co/v0.4/jobs", headers, None, 30).status  # -> 200
    """

    def __init__(
        self,
        inner: Transport,
        policy: RetryPolicy = DEFAULT_POLICY,
        *,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        on_event: Callable[[Retried], object] | None = None,
    ) -> None:
        """Put a policy around a transport.

        Args:
            inner: The transport that carries each attempt.
            policy: Which requests are sent again, and when.
            clock: The clock of the pauses; if None, the transport's own, then the system's.
            rng: The randomness of the pauses; if None, the system's, which forked processes do not
                share.
            on_event: Called with a `Retried` before each pause; if None, it is logged alone.
        """
        self.inner = inner = as_transport(inner)
        self.policy: RetryPolicy = policy
        self.clock: Clock = clock or inner.clock or SystemClock()
        self.requires_key, self.concurrent = inner.requires_key, inner.concurrent
        self.cloud = inner.cloud
        self._rng = rng
        self._on_event = on_event or EventLog()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.inner!r})"

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float | None,
    ) -> Response:
        """Send one request, again where that is allowed; see `Transport.send`.

        An exception that ends a pause, such as KeyboardInterrupt, gets an attribute `nothing_sent`
        that is True if no attempt had an effect.
        """
        path = _path(url)
        limits = [seconds for seconds in (timeout, self.policy.total_s) if seconds is not None]
        deadline = Deadline(self.clock, min(limits, default=None))
        attempt = 0
        while True:
            attempt += 1
            outcome = self._attempt(method, url, headers, body, deadline.left())
            pause = self._pause_s(outcome, method, path, attempt)
            if pause is None or pause >= deadline.left():
                break
            self._tell(outcome, method, path, attempt, pause)
            try:
                self.clock.sleep(pause)
            except BaseException as error:
                if not is_idempotent(method, path):
                    error.nothing_sent = True  # type: ignore[attr-defined]
                raise
            if deadline.left() <= 0:  # machines sleep longer than they are asked to
                break
        if isinstance(outcome, Response):
            return outcome
        raise outcome

    def _attempt(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        left_s: float,
    ) -> Response | ConnectionError | TimeoutError:
        limit = left_s if self.policy.attempt_s is None else min(left_s, self.policy.attempt_s)
        try:
            return self.inner.send(method, url, headers, body, None if limit == math.inf else limit)
        except (UnusableURLError, ReplyTooLargeError):
            raise
        except (ConnectionError, TimeoutError) as error:
            return error

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
        if attempt >= self.policy.attempts or not self.policy.retries(method, path, outcome):
            return None
        retry_after_s = outcome.retry_after_s() if isinstance(outcome, Response) else None
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
    except ValueError:  # the transport will refuse it
        return ""
