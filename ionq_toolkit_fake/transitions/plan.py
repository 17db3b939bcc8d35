"""How far a job is in its life: a pure function of its plan, the time, and who asked for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from ionq_toolkit_fake.facts.failures import Failure


#: The statuses of a job that goes well, in order: https://docs.ionq.com/user-manual/jobs
LIFE = ("submitted", "ready", "started", "completed")

#: The statuses that a job stays in.
FINAL = frozenset({"completed", "failed", "canceled"})

#: The place in `LIFE` of a job that has come to its end, whichever it is.
SUBMITTED, READY, STARTED, FINISHED = range(len(LIFE))

#: What a job can wait for before it goes on: nothing but somebody who asks for it; so many who
#: have seen its status; so many seconds; the seconds that its machine predicts; nothing ever.
IMMEDIATELY, POLLS, SECONDS, PREDICTED, NEVER = (
    *("immediately", "polls", "seconds", "predicted", "never"),
)


class Step(NamedTuple):
    """When a job goes on to its next status.

    Attributes:
        kind: What it waits for.
        amount: How many polls or seconds; 0 for what is not counted.
        jitter: By how many seconds it is taken sooner or later at most, as long as that is not
            drawn; the steps of a job have none.
    """

    kind: str
    amount: float = 0
    jitter: float = 0


class End(NamedTuple):
    """What becomes of a job.

    Attributes:
        status: `completed`, `failed`, `canceled`, or a word that it shows for ever.
        failure: Why it failed, if it did.
        at: The status that it comes to this end from.
    """

    status: str = LIFE[FINISHED]
    failure: Failure | None = None
    at: str = LIFE[STARTED]

    @property
    def place(self) -> int:
        """The place in a job's life that the end is in."""
        return LIFE.index(self.at) + 1


class Plan(NamedTuple):
    """What is planned for a job.

    Attributes:
        steps: When it goes on from each status of `LIFE` but the last.
        end: What becomes of it.
    """

    steps: tuple[Step, Step, Step] = (Step(IMMEDIATELY),) * 3
    end: End = End()

    @property
    def is_timed(self) -> bool:
        """Whether a step waits for seconds."""
        first, second, third = self.steps
        return SECONDS in {first.kind, second.kind, third.kind}


class Standing(NamedTuple):
    """How far a job is.

    Attributes:
        entered: When it came to each place of `LIFE` that it has been in.
        since: From when its next step counts its seconds.
        polls: How many have seen its status.
        held_at: Since when it goes no further; None: it goes on.
    """

    entered: tuple[datetime, ...]
    since: datetime
    polls: int = 0
    held_at: datetime | None = None

    @classmethod
    def new(cls, moment: datetime) -> Standing:
        """Return where a job stands that is submitted at a moment."""
        return cls((moment,), moment)

    @property
    def place(self) -> int:
        """Where in `LIFE` it is."""
        return len(self.entered) - 1

    def moved(self, place: int, now: datetime) -> Standing:
        """Return where it stands if it is brought to a place now; it is not held any more."""
        return Standing((*self.entered, *[now] * (place - self.place)), now)

    def held(self, now: datetime) -> Standing:
        """Return where it stands if it goes no further from now on."""
        return self if self.held_at is not None else self._replace(held_at=now)

    def released(self, now: datetime) -> Standing:
        """Return where it stands if it goes on: the time that it was held does not count."""
        if self.held_at is None:
            return self
        return self._replace(since=self.since + (now - self.held_at), held_at=None)


def proceed(
    steps: tuple[Step, Step, Step],
    standing: Standing,
    now: datetime,
    *,
    asked: bool = False,
    polled: bool = False,
) -> Standing:
    """Return where a job stands now.

    A step that waits for seconds is taken when they are over, at that moment and whoever looks
    when; one that waits for polls at the poll after them; an immediate one at the moment of the
    one before it, once somebody asks or a later one's seconds are over.

    Args:
        steps: When it goes on.
        standing: Where it stood when it was last looked at.
        now: The time; a machine's clock may have gone back since it was last looked at.
        asked: Whether somebody asks for it.
        polled: Whether it is asked for by itself, which counts as a poll.
    """
    if standing.held_at is not None:
        return standing
    found = standing
    while standing.place < FINISHED:
        step = steps[standing.place]
        moment = standing.since
        if step.kind == SECONDS:
            moment += timedelta(seconds=step.amount)
            if moment > now:
                break
        elif step.kind == POLLS:
            if not polled or standing.polls < step.amount:
                break
            moment = max(moment, now)
        elif step.kind != IMMEDIATELY:
            break
        standing = Standing((*standing.entered, moment), moment)
        if asked or step.kind == SECONDS:
            found = standing
    return found._replace(polls=found.polls + 1) if polled else found


def expected(steps: tuple[Step, Step, Step], standing: Standing, place: int) -> datetime | None:
    """Return when a job came or will come to a place of its life, if time alone decides; or None.

    A job that has only immediate steps before it is not expected at any time.
    """
    if place <= standing.place:
        return standing.entered[place]
    ahead = steps[standing.place : place]
    kinds = {step.kind for step in ahead}
    if standing.held_at is not None or SECONDS not in kinds or kinds - {SECONDS, IMMEDIATELY}:
        return None
    # Each by itself, as `proceed` adds them: sums of fractions are rounded otherwise.
    return standing.since + sum((timedelta(seconds=step.amount) for step in ahead), timedelta())
