"""Submission: a request that creates a job or a session, sent once and searched for if unanswered.

IonQ's API has no key by which it recognises the same submission again, so no submission is sent
twice. If the response leaves open whether a job or a session exists, the client searches for it,
and a result of the search is as good as a response. An unsuccessful search proves nothing: a
gateway can hold a request for longer than the caller waits, and a list can be out of date. That
case is an `IonQSubmissionUnknownError`.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import random
import threading
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from ionq_toolkit.clock import TimeIsUpError
from ionq_toolkit.errors import (
    IonQAPIError,
    IonQConnectionError,
    IonQError,
    IonQJobStateError,
    IonQJournalError,
    IonQResponseError,
    IonQSubmissionUnknownError,
)
from ionq_toolkit.events import Adopted, Submitted, Submitting
from ionq_toolkit.forks import ForkLock
from ionq_toolkit.job.search import Search
from ionq_toolkit.journal import NOT_SENT, SUBMITTED
from ionq_toolkit.transport.retry import REFUSALS, Backoff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.clock import Deadline
    from ionq_toolkit.job.payload import Payload
    from ionq_toolkit.journal import Journal

logger = logging.getLogger(__name__)

#: The looks for a lost submission: the first at once, which finds a job that is there, the others
#: after growing pauses, for a job that the list shows late.
LOOKS, LOOK_BACKOFF = 5, Backoff(first_s=1.5, growth=2.0, longest_s=12.0, jitter=0.5)

#: Seconds that the request and its retries may take, where the caller allows more than twice that.
SENDING_S = 60.0

#: Seconds that all looks may take together, where the caller allows more.
LOOKING_S = 60.0

#: Seconds in which no look can be made any more.
_TOO_SHORT_S = 0.01

#: Taken off the time after which a later search looks: a suspended client's clock stands still.
_SUSPENDED = timedelta(days=1)

#: Statuses below 500 after which there may be an effect all the same: 303 redirects to the result
#: of the request, and proxies send 408 and 499 when they have waited too long for either side.
_OPEN = frozenset({303, 408, 499})

_SERVER_ERROR, _UNAVAILABLE = 500, 503

#: Held while a submission is claimed. One for all, since jobs with a lock of their own could not be
#: pickled.
_CLAIMING = ForkLock()


def may_have_taken_effect(error: IonQError) -> bool:
    """Return whether a request may have done what it asked for although it ended in an error.

    It has certainly not if no connection was made, or if the service itself refused: with a status
    of 4xx, of which 429 comes before a request is served, or with a 503 of the service's own form.
    Any other 503 is like the other 5xx: proxies send it when the service breaks off, and some of
    them add ``Retry-After`` by themselves. With 500 the service itself reports a failure, which may
    have come after it stored the job.
    """
    if isinstance(error, IonQAPIError):
        status = error.status_code
        if status == _UNAVAILABLE:
            return error.error_type is None
        return status in _OPEN or (status >= _SERVER_ERROR and status not in REFUSALS)
    if isinstance(error, IonQConnectionError):
        return not error.nothing_sent
    return isinstance(error, IonQResponseError)


class Submission(ABC):
    """One request that creates something, and the id of what it created.

    Attributes:
        what: The thing that it creates, in words.
        open: Whether the request was sent and its outcome is not known.
        made: The id of the thing, once that is known.
        ambiguous: Whether a search has found what may be the thing, and cannot tell.
        adopted: Whether the thing was found by a search, after the response was lost.
        began: The time on the clock when the request was first sent.
    """

    what: str

    def __init__(self, client: IonQClient, tag: str) -> None:
        """Prepare a request. Nothing is sent yet.

        Args:
            client: The client of the service.
            tag: A text that no other submission has; the pauses follow from it.
        """
        self._client = client
        self._tag = tag
        self._lost: BaseException | None = None
        self._claimed_by: tuple[int, int] | None = None
        self.began: float | None = None
        self.made: str | None = None
        self.open = self.adopted = self.ambiguous = False

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: a job and its deep copy are submitted once."""
        return self

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other threads from submitting meanwhile."""
        me = os.getpid(), threading.get_ident()
        with _CLAIMING:
            if self._claimed_by not in (None, me) and self._claimed_by[0] == me[0]:
                raise IonQJobStateError("The job is being submitted by another thread.")
            self._claimed_by = me
        try:
            yield
        finally:
            self._claimed_by = None

    def run(self, deadline: Deadline) -> str:
        """Send the request, or search again if its outcome is open; return the id of the thing.

        After a success, every further call returns the same id.

        Raises:
            IonQSubmissionUnknownError: The outcome is still not known; `open` is True.
            IonQError: The request certainly had no effect.
        """
        if self.made is not None:
            return self.made
        if not self.open:
            try:
                made = self._send_once(deadline)
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

    def _send_once(self, deadline: Deadline) -> str:
        left = deadline.left()
        if left <= 0:
            raise IonQConnectionError(
                f"No time was left to submit {self.what} (timeout={deadline.timeout}): nothing "
                "was sent. Allow more.",
                nothing_sent=True,
            )
        self.began = deadline.clock.monotonic()
        self._prepare()
        self._lost, self.open = None, True
        try:
            # The other half is to find out what happened, should there be no response.
            return self._send(None if left == math.inf else min(left / 2, SENDING_S))
        except IonQError as error:
            self.open = may_have_taken_effect(error)
            self._lost = error if self.open else None
            raise
        except BaseException as error:
            self.open = not getattr(error, "nothing_sent", False)
            if self.open:
                self._lost = error
                error.add_note(f"Whether there is now {self.what} is not known.")
            raise

    def _find(self, deadline: Deadline) -> str:
        """Look several times, and return the id that is found."""
        within, clock = deadline.within(LOOKING_S), deadline.clock
        looks, asked_s = 0, 0.0
        chance = random.Random(self._tag)  # noqa: S311 - no secret
        for number in range(LOOKS):
            left = within.left() - asked_s
            if left <= (_TOO_SHORT_S if looks else 0):
                break
            pause_s = LOOK_BACKOFF.pause_s(number, chance.random()) if number else 0.0
            # However little time there is, some of it is left for each look to come.
            pause_s = asked_s + min(pause_s, left / 2)
            if pause_s:
                clock.sleep(pause_s)
            looks += 1
            try:
                found = self._look(within)
            except (IonQError, TimeIsUpError) as error:
                logger.debug("look %d for %s failed: %s", looks, self.what, error)
                asked_s = getattr(error, "retry_after_s", None) or 0.0
                continue
            asked_s = 0.0
            if self.ambiguous:
                break
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

    def _prepare(self) -> None:  # noqa: B027 - nothing by default
        """Tell of the request before its first byte is sent; an error keeps it from being sent."""

    @abstractmethod
    def _send(self, timeout: float | None) -> str:
        """Send the request, and return the id in the response."""

    @abstractmethod
    def _look(self, deadline: Deadline) -> str | None:
        """Return the id of the thing that the request created, or None if it is not to be seen."""

    @abstractmethod
    def _unknown(self, told: str) -> IonQSubmissionUnknownError:
        """Return the error that begins with `told` and says how to go on."""


class JobSubmission(Submission):
    """The submission of a job, which is found by the tag in its metadata.

    Attributes:
        payload: The job.
    """

    def __init__(
        self, client: IonQClient, payload: Payload, journal: Journal | None = None
    ) -> None:
        """Prepare to submit a job. Nothing is sent yet.

        Args:
            client: The client of the service.
            payload: The job.
            journal: Where it is written down before it is sent.
        """
        super().__init__(client, payload.tag)
        self.payload = payload
        self._journal = journal
        self.what = f"a job of the tag {payload.tag}"
        self._search: Search | None = None
        self._written = False

    def event(self, now: float) -> Submitted | Adopted:
        """Return the event of the submission that has ended at time `now` of the clock."""
        assert self.made is not None and self.began is not None, "it has run"  # noqa: S101, PT018
        seconds = now - self.began
        if self.adopted:
            return Adopted(job_id=self.made, seconds=seconds, tag=self.payload.tag)
        return Submitted(job_id=self.made, seconds=seconds)

    def run(self, deadline: Deadline) -> str:
        """Submit the job; see `Submission`. The journal has the end, as far as it is known."""
        try:
            job_id = super().run(deadline)
        except IonQError:
            if not self.open:
                self._write_end(NOT_SENT)
            raise
        else:
            self._write_end(SUBMITTED, job_id)
            return job_id
        finally:
            if self._journal is not None:
                self._journal.leave(self.payload.tag)

    def _write_end(self, how: str, job_id: str | None = None) -> None:
        if self._journal is None or not self._written:
            return
        try:
            self._journal.end(self.payload.tag, how, job_id)
        except IonQJournalError as error:  # the job is there, and a recovery finds it
            logger.warning("the end of %s was not written down: %s", self.what, error)

    def _prepare(self) -> None:
        tag = self.payload.tag
        self._client.events(Submitting(job_id=None, seconds=0.0, tag=tag))
        if self._journal is not None:
            self._journal.begin(tag, self._client.account(tag))
            self._written = True

    def _send(self, timeout: float | None) -> str:
        self._search = None
        job_id: str = self._client.submit_job(self.payload.body, timeout=timeout)["id"]
        return job_id

    def _look(self, deadline: Deadline) -> str | None:
        if self._search is None:
            self._search = Search(self._client, self.payload.tag, began=self.began)
        found = self._search.look(deadline)
        return None if found is None else found["id"]

    def _unknown(self, told: str) -> IonQSubmissionUnknownError:
        tag = self.payload.tag
        since = None if self._search is None else self._search.since
        return IonQSubmissionUnknownError(
            f"{told} Do not run it again before IonQProvider.find_submission({tag!r}) has found "
            "nothing once the service is well again: a job may appear late.",
            tag=tag,
            since=None if since is None else since - _SUSPENDED,
        )
