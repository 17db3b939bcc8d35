"""The costs of a project, added up as its jobs are charged for."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from sortedcontainers import SortedDict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ionq_toolkit_fake.models.job import Job

#: How many jobs of a date the usage shows: schema Usage.
TOP_GROUPS = 5


def cents(dollars: float) -> int:
    """Return an amount in cents; prices are rounded to them."""
    return round(100 * dollars)


class Sum(NamedTuple):
    """The cost of some jobs together.

    Attributes:
        cents: Their cost, in cents of a US dollar.
        jobs: How many jobs they are.
        time_ms: How long they ran, in milliseconds.
    """

    cents: int = 0
    jobs: int = 0
    time_ms: int = 0

    def plus(self, other: Sum) -> Sum:
        """Return what both cost together."""
        return Sum(self.cents + other.cents, self.jobs + other.jobs, self.time_ms + other.time_ms)


class TopJob(NamedTuple):
    """One of the jobs of a day that cost most."""

    id: str
    name: str
    sum: Sum


class DayCharges:
    """The charges of one day.

    Attributes:
        users: By the id of the submitter.
        top: The jobs that cost most, the most first; of equal ones, the one that was charged first.
    """

    def __init__(self) -> None:
        self.users: defaultdict[str, Sum] = defaultdict(Sum)
        self.top: list[TopJob] = []


class Charges:
    """The charges of one project, by the days on which its jobs were completed.

    They stay when jobs are deleted. How much is kept depends on the number of days, not of jobs.

    Attributes:
        cents: Their sum.
        changed: The days that were charged for since this was cleared.
    """

    def __init__(self) -> None:
        self.cents = 0
        self.changed: set[date] = set()
        self._days: SortedDict = SortedDict()

    def add(self, job: Job) -> None:
        """Charge for a job that has run."""
        amount = cents(job.cost)
        if not amount:
            return
        self.cents += amount
        moment = job.completed_at or job.submitted_at
        day = self._days.setdefault(moment.date(), DayCharges())
        self.changed.add(moment.date())
        one = Sum(amount, 1, job.execution_ms)
        user = job.owner.submitter_id
        day.users[user] = day.users[user].plus(one)
        day.top = highest([*day.top, TopJob(job.id, job.name or job.id, one)])

    def restore(self, day: date, charges: DayCharges) -> None:
        """Know the charges of a day again."""
        self._days[day] = charges
        self.cents += sum(one.cents for one in charges.users.values())

    def between(self, first: date, last: date) -> Iterator[tuple[date, DayCharges]]:
        """Yield the days from `first` to `last` that have charges, the oldest first."""
        for day in self._days.irange(first, last):
            yield day, self._days[day]


def highest(jobs: list[TopJob]) -> list[TopJob]:
    """Return those that cost most, the most first."""
    return sorted(jobs, key=lambda job: -job.sum.cents)[:TOP_GROUPS]
