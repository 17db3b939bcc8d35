"""The position of a job in its lifecycle: a pure function of plan, time and requests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from ionq_toolkit_fake.facts.failures import JobFailure  # noqa: TC001 - msgspec reads it

#: The statuses of a job that goes well, in order: https://docs.ionq.com/user-manual/jobs
LIFECYCLE = ("submitted", "ready", "started", "completed")

#: Those of them that a job goes on from, for type checkers and editors.
OpenStatus: TypeAlias = Literal["submitted", "ready", "started"]

#: The statuses that a job stays in.
FINAL = frozenset({"completed", "failed", "canceled"})

#: The place in `LIFECYCLE` of a job that has come to its end, whichever it is.
SUBMITTED, READY, STARTED, FINISHED = range(len(LIFECYCLE))

#: A job goes on when it is next asked for; after so many polls of its status; after so many
#: seconds; after the seconds that its QPU predicts; never.
IMMEDIATELY, POLLS, SECONDS, PREDICTED, NEVER = (
    *("immediately", "polls", "seconds", "predicted", "never"),
)


class Step(NamedTuple):
    """When a job goes on to its next status.

    Attributes:
        kind: One of the five.
        amount: How many polls or seconds; 0 for what is not counted.
        jitter: By how many seconds it is taken sooner or later at most, as long as that is not
            sampled; 0 in the steps of a job.
    """

    kind: str
    amount: float = 0
    jitter: float = 0


class End(NamedTuple):
    """The end of a job.

    Attributes:
        status: `completed`, `failed`, `canceled`, or a word that it shows for ever.
        failure: Why it failed, if it did.
        at: The status that it comes to this end from.
    """

    status: str = LIFECYCLE[FINISHED]
    failure: JobFailure | None = None
    at: str = LIFECYCLE[STARTED]

    @property
    def place(self) -> int:
        """The place in a job's life that the end is in."""
        return LIFECYCLE.index(self.at) + 1


class JobPlan(NamedTuple):
    """The plan of a job.

    Attributes:
        steps: When it goes on from each status of `LIFECYCLE` but the last.
        end: Its end.
        after_s: How many seconds of its last step come after it has run.
    """

    steps: tuple[Step, Step, Step] = (Step(IMMEDIATELY),) * 3
    end: End = End()
    after_s: float = 0.0

    def with_predictions(self, wait_s: float, run_s: float, after_s: float = 0.0) -> JobPlan:
        """Return the plan with the seconds of waiting, running and what comes after in it."""
        ready, started, finished = self.steps
        if started.kind == PREDICTED:
            started = Step(SECONDS, wait_s)
        if finished.kind == PREDICTED:
            finished = Step(SECONDS, run_s + after_s)
        else:
            after_s = 0.0
        return self._replace(steps=(ready, started, finished), after_s=after_s)


class Position(NamedTuple):
    """The position of a job in its lifecycle.

    Attributes:
        entered: When it came to each place of `LIFECYCLE` that it has been in.
        since: From when its next step counts its seconds.
        polls: How many polls have seen its status.
        held_at: Since when it goes no further; None: it goes on.
    """

    entered: tuple[datetime, ...]
    since: datetime
    polls: int = 0
    held_at: datetime | None = None

    @property
    def place(self) -> int:
        """Where in `LIFECYCLE` it is."""
        return len(self.entered) - 1

    def moved(self, place: int, now: datetime) -> Position:
        """Return where it stands if it is brought to a place now; it is not held any more."""
        return Position((*self.entered, *[now] * (place - self.place)), now)

    def held(self, now: datetime) -> Position:
        """Return where it stands if it goes no further from now on."""
        return self if self.held_at is not None else self._replace(held_at=now)

    def released(self, now: datetime) -> Position:
        """Return where it stands if it goes on: the time that it was held does not count."""
        if self.held_at is None:
            return self
        return self._replace(since=self.since + (now - self.held_at), held_at=None)


def proceed(
    steps: tuple[Step, Step, Step],
    position: Position,
    now: datetime,
    *,
    asked: bool = False,
    polled: bool = False,
) -> Position:
    """Return the position of a job now.

    A step that waits for seconds is taken at the moment when they are over, whenever it is
    looked at; one that waits for polls at the poll after them; an immediate one at the moment of
    the one before it, once it is asked for or a later one's seconds are over.

    Args:
        steps: When it goes on.
        position: Its last known position.
        now: The time; the clock may have gone back since then.
        asked: Whether a request asks for it.
        polled: Whether it is asked for by itself, which counts as a poll.
    """
    if position.held_at is not None:
        return position
    found = position
    while position.place < FINISHED:
        step = steps[position.place]
        moment = position.since
        if step.kind == SECONDS:
            moment += timedelta(seconds=step.amount)
            if moment > now:
                break
        elif step.kind == POLLS:
            if not polled or position.polls < step.amount:
                break
            moment = max(moment, now)
        elif step.kind != IMMEDIATELY:
            break
        position = Position((*position.entered, moment), moment)
        if asked or step.kind == SECONDS:
            found = position
    return found._replace(polls=found.polls + 1) if polled else found


def wakes_at(steps: tuple[Step, Step, Step], position: Position) -> datetime | None:
    """Return when a job next goes on although no request asks for it; None: it does not."""
    if position.held_at is not None:
        return None
    for step in steps[position.place :]:
        if step.kind == SECONDS:
            return position.since + timedelta(seconds=step.amount)
        if step.kind != IMMEDIATELY:
            break
    return None


def expected(steps: tuple[Step, Step, Step], position: Position, place: int) -> datetime | None:
    """Return when a job came or will come to a place of its life, if time alone decides; or None.

    A job that has only immediate steps before it is not expected at any time.
    """
    if place <= position.place:
        return position.entered[place]
    ahead = steps[position.place : place]
    kinds = {step.kind for step in ahead}
    if position.held_at is not None or SECONDS not in kinds or kinds - {SECONDS, IMMEDIATELY}:
        return None
    # Each by itself, as `proceed` adds them: sums of fractions are rounded otherwise.
    return position.since + sum((timedelta(seconds=step.amount) for step in ahead), timedelta())
