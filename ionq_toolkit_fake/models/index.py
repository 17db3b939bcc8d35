"""The index of a project's jobs: each filter of a list finds its jobs without the others."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from sortedcontainers import SortedList

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ionq_toolkit_fake.models.job import Job


class Filing(NamedTuple):
    """The properties of a job that lists are filtered by."""

    status: str
    target: str
    submitter: str
    session: str | None


class Index:
    """The jobs of one project that are no children, in the order of their numbers.

    Jobs of one status, backend and submitter are together, of the whole project and of each
    session. There are few such groups, so that a page of a filtered list is found among many jobs
    as fast as among few.
    """

    def __init__(self) -> None:
        self._ids: dict[int, str] = {}
        self._filed: dict[int, Filing] = {}
        self._groups: dict[str | None, dict[Filing, SortedList]] = {}

    def file(self, job: Job) -> None:
        """Add a job, or take notice of its status."""
        submission = job.submission
        filing = Filing(
            job.status, submission.device.name, job.owner.submitter_id, submission.session_id
        )
        if self._filed.get(job.number) == filing:
            return
        self.remove(job.number)
        self._ids[job.number], self._filed[job.number] = job.id, filing
        for session, key in _places(filing):
            group = self._groups.setdefault(session, {}).setdefault(key, SortedList())
            group.add(job.number)

    def restore(self, jobs: Iterable[tuple[int, str, Filing]]) -> None:
        """Add many jobs at once: their numbers, ids and properties."""
        same: dict[Filing, Filing] = {}
        numbers: dict[Filing, list[int]] = {}
        for number, job_id, filing in jobs:
            kept = same.setdefault(filing, filing)
            self._ids[number], self._filed[number] = job_id, kept
            numbers.setdefault(kept, []).append(number)
        for filing, found in numbers.items():
            for session, key in _places(filing):
                group = self._groups.setdefault(session, {}).setdefault(key, SortedList())
                group.update(found)

    def remove(self, number: int) -> None:
        """Remove the job of a number, if it is here."""
        if self._ids.pop(number, None) is None:
            return
        for session, key in _places(self._filed.pop(number)):
            groups = self._groups[session]
            groups[key].remove(number)
            if not groups[key]:
                del groups[key]
            if not groups:
                del self._groups[session]

    def counts(self) -> Counter[str]:
        """Return the number of jobs of each status."""
        found: Counter[str] = Counter()
        for filing, number in self.sizes().items():
            found[filing.status] += number
        return found

    def sizes(self) -> dict[Filing, int]:
        """Return how many jobs there are of each status, backend and submitter."""
        return {filing: len(group) for filing, group in self._groups.get(None, {}).items()}

    def find(
        self,
        *,
        newest: int | None = None,
        statuses: Collection[str] = (),
        targets: Collection[str] = (),
        submitters: Collection[str] = (),
        sessions: Collection[str] | None = None,
    ) -> Iterator[str]:
        """Go through the ids of jobs, the newest first.

        Args:
            newest: The number of the first job; None: begin with the newest.
            statuses: Only jobs of these statuses; empty: of all.
            targets: Only jobs on these backends; empty: on all.
            submitters: Only jobs of these users; empty: of all.
            sessions: Only jobs of these sessions; None: of all, and those without.
        """
        groups = [
            group
            for session in ([None] if sessions is None else set(sessions))
            for key, group in self._groups.get(session, {}).items()
            if (not statuses or key.status in statuses)
            and (not targets or key.target in targets)
            and (not submitters or key.submitter in submitters)
        ]
        numbers = (group.irange(maximum=newest, reverse=True) for group in groups)
        for number in heapq.merge(*numbers, reverse=True):
            yield self._ids[number]


def _places(filing: Filing) -> Iterator[tuple[str | None, Filing]]:
    """Yield the groups of a job: among all jobs and, if it has one, among those of its session."""
    if filing.session is None:
        yield None, filing
        return
    key = filing._replace(session=None)
    yield None, key
    yield filing.session, key
