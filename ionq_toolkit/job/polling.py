"""Polling: a request that is made again until it has its answer, an error or no time left."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from ionq_toolkit.api.record import JobRecord
from ionq_toolkit.clock import SHORTEST_REQUEST_S, TimeIsUpError, sleep_on
from ionq_toolkit.errors import (
    IonQAPIError,
    IonQConnectionError,
    IonQError,
    IonQRetriableError,
)
from ionq_toolkit.events import PollFailed
from ionq_toolkit.forks import cached_property
from ionq_toolkit.job.errors import final_error, stuck_error, timeout_error
from ionq_toolkit.tracebacks import InvalidValueError
from ionq_toolkit.transport.base import ReplyTooLargeError, UnusableURLError
from ionq_toolkit.transport.retry import DEFAULT_POLICY, REFUSALS, Backoff, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from qiskit.providers.jobstatus import JobStatus

    from ionq_toolkit.clock import Deadline
    from ionq_toolkit.job.progress import ProgressLine
    from ionq_toolkit.job.state import JobState
    from ionq_toolkit.results.fetch import Fetch
    from ionq_toolkit.results.result import IonQResult

Found = TypeVar("Found")

#: The pauses between polls, where the caller does not set them. The first lies between `FIRST_S`
#: and `LONGEST_FIRST_S`, at twice the time that the first request took: polls at shorter intervals
#: than a request takes find nothing sooner. Chance takes off up to `JITTER`, so that jobs that
#: began together are not polled together.
FIRST_S, LONGEST_FIRST_S, GROWTH, LONGEST_S, JITTER = 0.01, 1.0, 1.5, 5.0, 0.1

#: Seconds at the least after a poll that failed, where the caller does not set them: a policy may
#: have no pauses, and a service in trouble is not to be asked a hundred times a second.
LEAST_AFTER_FAILURE_S = 0.1

#: Seconds between polls at the least: some time has to pass for a deadline to come.
SHORTEST_S = 0.001

#: Seconds after which a wait without a timeout gives up a job with an unknown status whose record
#: does not change: the status may be a final one.
UNKNOWN_S = 3600.0

#: Seconds that count as none: a clock might not move on by less.
_NONE_S = 1e-6

_SERVER_ERROR = 500


def passes(error: IonQError) -> bool:
    """Return whether a request that ended in `error` may be answered later.

    It may if there was no response, or one of a service in trouble: an `IonQRetriableError`, or any
    status of 5xx that is no refusal. 500 counts as trouble here: the service has accepted the job
    that is polled.
    """
    if isinstance(error, IonQConnectionError):
        return not isinstance(error.__cause__, UnusableURLError | ReplyTooLargeError)
    if isinstance(error, IonQAPIError):
        unwell = error.status_code >= _SERVER_ERROR and error.status_code not in REFUSALS
        return unwell or isinstance(error, IonQRetriableError)
    return False


class Question(ABC, Generic[Found]):
    """A question to the service about a job, which is asked until it has an answer."""

    def __init__(self, state: JobState, deadline: Deadline) -> None:
        """Ask about the job of `state`, until the deadline of the call."""
        self.state, self.deadline = state, deadline

    @property
    def parts(self) -> int:
        """The number of parts of the answer so far, which also an error can leave larger."""
        return 0

    @abstractmethod
    def ask(self) -> Found | None:
        """Return the answer, or None if the service has none yet."""

    def tell(self) -> None:
        """Report that the service has answered."""


class UntilFinal(Question["JobStatus"]):
    """The question whether a job is final; its answer is the status."""

    def __init__(
        self,
        state: JobState,
        deadline: Deadline,
        line: ProgressLine | None,
        tell: Callable[[], object],
    ) -> None:
        """Ask about a job, show its status on `line`, and call `tell` after each answer."""
        super().__init__(state, deadline)
        self._line, self._tell = line, tell

    def ask(self) -> JobStatus | None:
        """Return the status of the job if it is final, else None."""
        state, answered = self.state, False
        try:
            status = state.refresh(self.deadline)
            answered = True
        finally:
            line, waited = self._line, self.deadline.elapsed()
            if line is not None and line.visible and waited >= line.after_s:
                children = None
                if answered and line.after_s == 0:  # asked for, and so are its requests
                    children = state.children_done(self.deadline)
                line.show(
                    state.in_a_line(self.deadline, children, answered=answered),
                    state.part_done(children),
                )
        if state.over:
            return status
        if self.deadline.timeout is None and state.unknown_for >= UNKNOWN_S:
            raise stuck_error(state)
        return None

    def tell(self) -> None:
        """Call the caller's function."""
        self._tell()


#: The ids in one request for a list: so many fit into a URL of 8 KiB, the usual limit of proxies.
IDS_AT_A_TIME = 170


class UntilAllFinal(Question[bool]):
    """The question whether all of several jobs are final, asked by lists of jobs."""

    def __init__(self, states: Sequence[JobState], deadline: Deadline) -> None:
        """Ask about jobs of one client."""
        super().__init__(states[0], deadline)
        self._open = [state for state in states if not state.over]
        self._all = len(states)

    @property
    def parts(self) -> int:
        """The number of jobs that are final."""
        return self._all - len(self._open)

    def ask(self) -> bool | None:
        """Return True if all are final."""
        for begin in range(0, len(self._open), IDS_AT_A_TIME):
            self._ask_for(self._open[begin : begin + IDS_AT_A_TIME])
        self._open = [state for state in self._open if not state.over]
        if not self._open:
            return True
        self.state = self._open[0]  # of which an error tells
        if self.deadline.timeout is None and self.state.unknown_for >= UNKNOWN_S:
            raise stuck_error(self.state)
        return None

    def _list(self, ids: list[str]) -> list[dict[str, Any]]:
        """Return the records of these jobs: on one page, if the service has such long ones."""
        client, allowed = self.state.client, self.deadline.for_request
        try:
            return list(client.list_jobs(ids=ids, limit=len(ids), timeout=allowed))
        except IonQAPIError as error:
            if error.status_code != HTTPStatus.BAD_REQUEST:
                raise
        return list(client.list_jobs(ids=ids, timeout=allowed))

    def _ask_for(self, states: Sequence[JobState]) -> None:
        tickets = {state.job_id: state.asking() for state in states}
        found = {str(record.get("id")): record for record in self._list(list(tickets))}
        for state in states:
            body = found.get(state.job_id)
            if body is None:  # a list can be out of date
                state.refresh(self.deadline)
                continue
            listed = JobRecord(state.job_id, body)
            if listed.has_ended and listed.is_parent:  # a list does not name the child jobs
                state.refresh(self.deadline)
            else:
                state.answered(tickets[state.job_id], body, self.deadline)


class UntilRead(Question["IonQResult"]):
    """The request for the result of a job that is final."""

    def __init__(self, state: JobState, deadline: Deadline, fetch: Fetch) -> None:
        """Read the result of `fetch`, for the job of `state`."""
        super().__init__(state, deadline)
        self._fetch = fetch

    @property
    def parts(self) -> int:
        """The number of parts of the result that were read so far."""
        return self._fetch.parts_read

    def ask(self) -> IonQResult:
        """Return the result."""
        result = self._fetch.read(self.state.record, self.deadline)
        if result is None:
            raise final_error(self.state)
        return result


class _Pause(NamedTuple):
    """Seconds to sleep, after an answer or after a failure."""

    seconds: float
    answered: bool


class Poll(Generic[Found]):
    """One question, asked again after pauses until it is answered, through outages too."""

    def __init__(self, question: Question[Found], wait: float | None = None) -> None:
        """Prepare to ask.

        Args:
            question: The question. After its deadline it ends in `timeout_error`.
            wait: Seconds between polls; None starts with short pauses and lets them grow.

        Raises:
            ValueError: `wait` is negative, infinite or not a number.
        """
        if wait is not None and not 0 <= wait < float("inf"):  # NaN is not either
            raise InvalidValueError(f"wait={wait} must not be negative, or without end")
        self._question = question
        self._deadline, self._clock = question.deadline, question.deadline.clock
        client = question.state.client
        self._tell_event = client.events
        self._policy: RetryPolicy = client.transport.policy or DEFAULT_POLICY
        self._fixed_s = None if wait is None else max(wait, SHORTEST_S)
        self._backoff: Backoff | None = None
        self._answers = self._failures = 0
        self._away_since: float | None = None
        self._found: list[Found] = []

    @cached_property
    def _chance(self) -> random.Random:
        """The same for a job each time, and different from those of other jobs."""
        return random.Random(self._question.state.job_id)  # noqa: S311 - no secret

    def run(self) -> Found:
        """Ask in this thread, and return the answer.

        Raises:
            IonQJobTimeoutError: There was no answer in time.
            IonQError: A failure that does not pass, or that has lasted too long.
        """
        for pause in self._pauses():
            if pause.answered:
                self._question.tell()
            if pause.seconds:
                self._clock.sleep(pause.seconds)
        return self._found[0]

    async def run_async(self) -> Found:
        """Ask as `run` does: requests in a thread, reports in this task.

        A task that is cancelled asks no more.
        """
        import asyncio  # noqa: PLC0415 - slow to import, and loaded where there is a task

        pauses = self._pauses()
        while (pause := await asyncio.to_thread(next, pauses, None)) is not None:
            if pause.answered:
                self._question.tell()
            if pause.seconds:
                await sleep_on(self._clock, pause.seconds)
        return self._found[0]

    def _pauses(self) -> Iterator[_Pause]:
        """Ask until there is an answer, and yield the pause after each time."""
        question, state, failure = self._question, self._question.state, None
        while True:
            began, parts = self._clock.monotonic(), question.parts
            try:
                found = question.ask()
            except TimeIsUpError:
                raise timeout_error(state, self._deadline, failure) from failure
            except IonQError as error:
                if question.parts > parts:
                    self._away_since, self._failures = None, 0
                yield self._after_failure(error, began)
                failure = error
                continue
            failure, self._away_since, self._failures = None, None, 0
            if found is not None:
                self._found.append(found)
                yield _Pause(0.0, answered=True)
                return
            left = self._left()
            yield _Pause(min(self._pause_s(self._clock.monotonic() - began), left), answered=True)
            if left <= 0:
                raise timeout_error(state, self._deadline)

    def _pause_s(self, round_trip_s: float) -> float:
        """Return the seconds to wait after an answer for which a request took `round_trip_s`."""
        if self._fixed_s is not None:
            return self._fixed_s
        if self._backoff is None:
            first_s = min(max(2 * round_trip_s, FIRST_S), LONGEST_FIRST_S)
            self._backoff = Backoff(first_s, GROWTH, LONGEST_S, JITTER)
        self._answers += 1
        return self._backoff.pause_s(self._answers, self._chance.random())

    def _after_failure(self, error: IonQError, began: float) -> _Pause:
        """Return the pause after a request that began at `began` and failed.

        How long the poll goes on is up to the deadline or, without one, to `RetryPolicy.outage_s`.
        """
        retry_after_s = getattr(error, "retry_after_s", None) or 0.0
        goes_on = passes(error) and self._policy.outage_s != 0
        # The last request after one that failed begins early enough to end in time.
        left = self._left(SHORTEST_REQUEST_S)
        if (passes(error) and not self._left()) or (goes_on and retry_after_s >= left):
            raise timeout_error(self._question.state, self._deadline, error) from error
        if not goes_on:
            raise error
        self._away_since = began if self._away_since is None else self._away_since
        self._failures += 1
        away_s, allowed_s = self._clock.monotonic() - self._away_since, float("inf")
        if self._deadline.timeout is None and self._policy.outage_s is not None:
            allowed_s = self._policy.outage_s - away_s
        job_id = self._question.state.job_id
        # No request is made earlier than the service allows, only because the time is over.
        if allowed_s <= retry_after_s:
            error.message = (
                f"{error.message} There was no other answer for {away_s:.0f} s, so that job "
                f"{job_id} is not waited for any longer. It is not lost: once the service is "
                f"well, backend.retrieve_job({job_id!r}) has it."
            )
            raise error
        # The transport has sent the request `attempts` times already: pauses grow on from there.
        number = self._policy.attempts + self._failures - 1
        pause = min(self._policy.pause_s(number, self._chance.random(), retry_after_s), allowed_s)
        self._tell_event(
            PollFailed(
                job_id=job_id,
                seconds=pause,
                reason=_reason(error),
                failures=self._failures,
                away_s=away_s,
            )
        )
        least = LEAST_AFTER_FAILURE_S if self._fixed_s is None else self._fixed_s
        return _Pause(min(max(pause, least), left), answered=False)

    def _left(self, reserved_s: float = 0.0) -> float:
        """Return the seconds that are left, without the reserved ones."""
        left = self._deadline.left() - reserved_s
        return left if left >= _NONE_S else 0.0


def _reason(error: IonQError) -> str:
    """Return why a request failed, without any text of the service's, which may echo anything."""
    if isinstance(error, IonQAPIError):
        return f"status {error.status_code}"
    return type(error.__cause__ or error).__name__
