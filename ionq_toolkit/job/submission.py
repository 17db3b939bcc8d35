"""Attempt: something that costs money, sent once, and looked for if its answer is lost.

IonQ's API has no key by which it would know the same submission again, so that none is sent twice.
Where an answer leaves open whether there is a job or a session, it is looked for. What is found is
as good as an answer. What is not found may still be under way, since a gateway can hold a request
for longer than anybody waits, and a list can be older than what it is of: no number of looks proves
that there is nothing. That is an `IonQSubmissionUnknownError`.
"""

from __future__ import annotations

import contextlib
import logging
import math
import random
import threading
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import urlsplit

from ionq_toolkit.api import fields
from ionq_toolkit.clock import Deadline, TimeIsUpError
from ionq_toolkit.errors import (
    IonQAPIError,
    IonQConnectionError,
    IonQError,
    IonQJobStateError,
    IonQResponseError,
    IonQRetriableError,
    IonQSubmissionUnknownError,
)
from ionq_toolkit.events import Adopted, Retried, Submitted
from ionq_toolkit.job import payload
from ionq_toolkit.job.search import Search
from ionq_toolkit.transport.retry import REFUSALS, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from qiskit import QuantumCircuit

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.backend import IonQBackend
    from ionq_toolkit.clock import Clock


logger = logging.getLogger(__name__)

#: Seconds to wait before each look, of which chance takes off up to half: callers that lost their
#: answers together do not look together. The first finds what is there; the others what is shown
#: late.
PAUSES_S = (0.0, 1.5, 3.0, 6.0, 12.0)

#: Seconds that the request may take, where the caller allows more than twice that.
SENDING_S = 60.0

#: Seconds that all looks may take together, where the caller allows more.
LOOKING_S = 60.0

#: Seconds in which nothing can be looked for any more.
_TOO_SHORT_S = 0.01

#: What is taken off the time after which a later search looks, for clients that were suspended:
#: their clocks stand still meanwhile.
_SUSPENDED = timedelta(days=1)

#: Statuses below 500 after which there may be an effect all the same: 303 sends on to what came of
#: the request, and proxies say 408 and 499 when they have waited too long for either side.
_OPEN = frozenset({303, 408, 499})

_SERVER_ERROR, _UNAVAILABLE = 500, 503


def may_have_taken_effect(error: IonQError) -> bool:
    """Return whether a request may have done what it asked for although it ended in an error.

    It has certainly not where no connection came about, and where the service itself refused: with
    a status of 4xx, of which 429 comes before a request is served, or with a 503 of the service's
    own form. Any other 503 is like the other 5xx: proxies answer so when the service breaks off,
    and some of them then add ``Retry-After`` by themselves. With 500 the service itself says that
    it failed somewhere, which may be after it has stored the job.
    """
    if isinstance(error, IonQAPIError):
        status = error.status_code
        if status == _UNAVAILABLE:
            return error.error_type is None
        return status in _OPEN or (status >= _SERVER_ERROR and status not in REFUSALS)
    if isinstance(error, IonQConnectionError):
        return not error.nothing_sent
    return isinstance(error, IonQResponseError)


def _is_unavailable(error: IonQError, policy: RetryPolicy) -> TypeGuard[IonQRetriableError]:
    """Return whether the service itself says that it is, for a policy that sends again then."""
    return (
        isinstance(error, IonQRetriableError)
        and error.status_code == _UNAVAILABLE
        and _UNAVAILABLE in policy.statuses
    )


class Attempt(ABC):
    """One request that makes something, and what is known of what it made.

    Attributes:
        what: What is made, in words.
        open: Whether the request was sent and its outcome is not known.
        made: The id of what it made, once that is known.
        adopted: Whether what it made was found, after the answer was lost.
    """

    what: str
    _path: str

    def __init__(self, client: IonQClient, clock: Clock, tag: str) -> None:
        """Prepare a request. Nothing is sent yet.

        Args:
            client: What asks the service.
            clock: What to wait on.
            tag: What no other attempt has; the pauses follow from it.
        """
        self._client = client
        self._clock = clock
        self._chance = random.Random(tag)  # noqa: S311 - no secret
        self._lost: BaseException | None = None
        self._sent_at = 0.0
        self.made: str | None = None
        self.open = self.adopted = False

    def run(self, deadline: Deadline) -> str:
        """Send the request, or look again for what it made if its outcome is open.

        Returns:
            The id of what it made, as answered or as found.

        Raises:
            IonQSubmissionUnknownError: The outcome is still not known; `open` is True.
            IonQError: The request certainly had no effect.
        """
        if not self.open:
            try:
                made = self._send_until_taken(deadline)
            except IonQError:
                if self._lost is None:
                    raise
            else:
                # In this order: an interruption between the two must not have it sent again.
                self.made = made
                self.open = False
                return made
            logger.warning("looking for %s: %s", self.what, self._lost)
        return self._find(deadline)

    def _send_until_taken(self, deadline: Deadline) -> str:
        """Send the request, again only after the service itself has said that it is unavailable.

        What else certainly had no effect, the transport has sent again already. It cannot tell
        whose a 503 is: that is in the body.
        """
        policy = getattr(self._client.transport, "policy", RetryPolicy.none())
        total_s = math.inf if policy.total_s is None else policy.total_s
        self._sent_at = self._clock.monotonic()
        attempt = 0
        while True:
            attempt += 1
            left = deadline.left()
            if left <= 0:
                raise IonQConnectionError(
                    f"No time was left to submit {self.what} (timeout={deadline.timeout}): nothing "
                    "was sent. Allow more.",
                    nothing_sent=True,
                )
            self.open = True
            try:
                # The other half is to find out what happened, should there be no answer.
                return self._send(None if left == math.inf else min(left / 2, SENDING_S))
            except IonQError as error:
                if may_have_taken_effect(error):
                    self._lost = error
                    raise
                self.open = False
                if attempt >= policy.attempts or not _is_unavailable(error, policy):
                    raise
                pause_s = policy.pause_s(attempt, self._chance.random(), error.retry_after_s)
                if pause_s >= min(deadline.left(), total_s - self._elapsed()):
                    raise
                self._client.events(
                    Retried(
                        job_id=None,
                        seconds=pause_s,
                        method="POST",
                        path=urlsplit(self._client.url).path + self._path,
                        attempt=attempt,
                        reason=f"status {error.status_code}",
                    )
                )
            except BaseException as error:
                self._lost = error
                error.add_note(f"Whether there is now {self.what} is not known.")
                raise
            self._clock.sleep(pause_s)

    def _find(self, deadline: Deadline) -> str:
        """Look several times, and return what is found."""
        within = Deadline(self._clock, max(0.0, min(deadline.left(), LOOKING_S)))
        looks, asked_s = 0, 0.0
        for longest_s in PAUSES_S:
            left = within.left() - asked_s
            if left <= (_TOO_SHORT_S if looks else 0):
                break
            # However little time there is, some of it is left for each look to come.
            pause_s = min(longest_s * (1 - self._chance.random() / 2), left / 2)
            if asked_s + pause_s:
                self._clock.sleep(asked_s + pause_s)
            looks += 1
            try:
                found = self._look(within)
            except (IonQError, TimeIsUpError) as error:
                logger.debug("look %d for %s failed: %s", looks, self.what, error)
                asked_s = getattr(error, "retry_after_s", None) or 0.0
                continue
            asked_s = 0.0
            if found is not None:
                self.made, self.adopted = found, True
                self.open = False
                logger.info("found %s: %s", self.what, found)
                return found
        unknown = self._unknown(
            f"Whether there is now {self.what} is not known: {self._lost} It was looked for "
            f"{looks} times in {within.elapsed():.1f} s and not found."
        )
        if isinstance(self._lost, IonQError):
            unknown.status_code, unknown.code = self._lost.status_code, self._lost.code
            unknown.request_id = self._lost.request_id
        raise unknown from self._lost

    def _elapsed(self) -> float:
        """Return the seconds since the request was sent."""
        return self._clock.monotonic() - self._sent_at

    @abstractmethod
    def _send(self, timeout: float | None) -> str:
        """Send the request, and return the id of what it made."""

    @abstractmethod
    def _look(self, deadline: Deadline) -> str | None:
        """Return the id of what the request made, if it is to be seen."""

    @abstractmethod
    def _unknown(self, told: str) -> IonQSubmissionUnknownError:
        """Return the error that begins with `told`, and says how to go on."""


class JobAttempt(Attempt):
    """The submission of a job, known by the tag in its metadata."""

    _path = "/jobs"

    def __init__(self, client: IonQClient, clock: Clock, body: bytes, tag: str) -> None:
        """Prepare to submit a job whose metadata have this tag."""
        super().__init__(client, clock, tag)
        self.what = f"a job of the tag {tag}"
        self.tag = tag
        self._body = body
        self._search = Search(client, tag, elapsed=self._elapsed)

    def _send(self, timeout: float | None) -> str:
        job_id: str = self._client.submit_job(self._body, timeout=timeout)["id"]
        return job_id

    def _look(self, deadline: Deadline) -> str | None:
        found = self._search.look(deadline)
        return None if found is None else found["id"]

    def _unknown(self, told: str) -> IonQSubmissionUnknownError:
        tag, since = self._search.tag, self._search.since
        return IonQSubmissionUnknownError(
            f"{told} Do not run it again before IonQProvider.find_submission({tag!r}) has found "
            "nothing once the service is well again: a job may appear late.",
            tag=tag,
            since=None if since is None else since - _SUSPENDED,
        )


class SessionAttempt(Attempt):
    """The beginning of a session.

    Sessions carry nothing of the client's. So those that there are before are looked up, and the
    one that was begun is a new one, on its backend, with its limits, that nobody has used or ended.
    Of two such, neither is taken. What cannot be told is that this one was never begun, and
    another process of the project has begun one of the same limits in these seconds, which is
    then taken. A session that nobody knows of, and that costs, would be the more frequent evil.
    """

    _path = "/sessions"

    def __init__(
        self,
        client: IonQClient,
        clock: Clock,
        payload: Mapping[str, Any],
        known: Collection[str],
        deadline: Deadline,
        *,
        tag: str,
    ) -> None:
        """Prepare to begin a session.

        Args:
            client: What asks the service.
            clock: What to wait on.
            payload: The body of POST /sessions.
            known: Ids of sessions that it is not.
            deadline: When the look at those that there are has to be done.
            tag: What no other attempt has. It is not sent: the pauses follow from it.

        Raises:
            IonQConnectionError: The service was not reached.
        """
        super().__init__(client, clock, tag)
        self.what = f"a new session on {payload['backend']}"
        self._payload = payload
        self._known = known
        self._candidates: tuple[str, ...] = ()
        self._before: Collection[str] | None = None
        try:
            self._before = set(_ids(client.list_sessions(timeout=deadline.for_request())))
        except (IonQAPIError, IonQResponseError) as error:
            logger.debug("the sessions that there are cannot be listed: %s", error)

    def _send(self, timeout: float | None) -> str:
        session_id: str = self._client.create_session(self._payload, timeout=timeout)["id"]
        return session_id

    def _look(self, deadline: Deadline) -> str | None:
        if self._before is None:
            return None
        listed = self._client.list_sessions(timeout=deadline.for_one_of_many())
        alike = [
            session
            for session in listed
            if session.get("backend") == self._payload["backend"]
            and session.get("status") == "created"
            and _limits(session) == _limits(self._payload)
        ]
        self._candidates = tuple(
            one for one in _ids(alike) if one not in self._before and one not in self._known
        )
        return self._candidates[0] if len(self._candidates) == 1 else None

    def _unknown(self, told: str) -> IonQSubmissionUnknownError:
        found = ", ".join(self._candidates)
        return IonQSubmissionUnknownError(
            f"{told}{f' It may be any of {found}.' if found else ''} Before you begin another, "
            "look at provider.client.list_sessions(active=True): Session.from_id(...) takes one "
            "up, and its close() ends it.",
            candidates=self._candidates,
        )


def _ids(records: Iterable[Mapping[str, Any]]) -> list[str]:
    return [record["id"] for record in records if isinstance(record.get("id"), str)]


def _limits(session: Mapping[str, Any]) -> tuple[object, ...]:
    settings = fields.mapping(session.get("settings"))
    cost = fields.mapping(settings.get("cost_limit"))
    return settings.get("job_count_limit"), settings.get("duration_limit_min"), cost.get("value")


#: Held while it is found out whether another thread submits the same job; one for all, since a lock
#: of its own would keep a job from being pickled.
_BEGINNING = threading.Lock()


class Order:
    """What is to be one job: its circuits and options, checked when it is made.

    Attributes:
        circuits: The circuits, one or several.
        options: The options of the run.
        metadata: What is stored with the job; empty until it is first sent.
        begin: The time on the backend's clock when the job was first sent.
    """

    def __init__(
        self,
        backend: IonQBackend,
        circuits: QuantumCircuit | Sequence[QuantumCircuit],
        options: Mapping[str, Any],
    ) -> None:
        """Check what is to be run.

        Raises:
            IonQBackendError: The backend cannot run the circuits so.
        """
        self.circuits = payload.circuits_of(circuits)
        self.options = backend.preflight(self.circuits, options)
        self.metadata: dict[str, Any] = {}
        self.begin = 0.0
        self._backend = backend
        self._attempt: JobAttempt | None = None
        self._busy = False

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other threads from submitting meanwhile.

        Raises:
            IonQJobStateError: One of them is about it.
        """
        with _BEGINNING:
            if self._busy:
                raise IonQJobStateError("The job is being submitted by another thread.")
            self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def submit(self, client: IonQClient, deadline: Deadline) -> Submitted | Adopted:
        """Send the job, or look for it again where the answer was lost, and return what came of it.

        When it is called again after an interruption, the same, until `close` is called.

        Raises:
            IonQError: As of `IonQJob.submit`.
        """
        clock = self._backend.clock
        attempt = self._attempt
        if attempt is None or not (attempt.open or attempt.made):
            seed, tag = self.options.seed, self._backend.draw_tag()
            made = payload.build(
                self.circuits,
                self._backend.device,
                self.options,
                seed=self._backend.draw_seed() if seed is None else seed,
                tag=tag,
            )
            attempt = self._attempt = JobAttempt(client, clock, made.body, tag)
            self.metadata = made.metadata
            self.begin = clock.monotonic()
        job_id = attempt.made or attempt.run(deadline)
        seconds = clock.monotonic() - self.begin
        if attempt.adopted:
            return Adopted(job_id=job_id, seconds=seconds, tag=attempt.tag)
        return Submitted(job_id=job_id, seconds=seconds)

    def close(self) -> None:
        """Forget what was sent: the job is known by its id."""
        self._attempt = None
