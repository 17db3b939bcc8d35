"""The search for a job by its tag, where its id is not known."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from ionq_toolkit.api import fields
from ionq_toolkit.api.metadata import TAG
from ionq_toolkit.clock import TimeIsUpError
from ionq_toolkit.errors import IonQClientError, IonQConnectionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.clock import Deadline


logger = logging.getLogger(__name__)

#: By how much clocks of the service may differ. Its times are compared with each other only.
ALLOWANCE = timedelta(minutes=1)

#: After how many jobs in a row that are too old no more are asked for, so that one out of its order
#: does not end the search. Less than a page: one request is enough for most.
_TOO_OLD = 10

#: How many jobs a submission looks through at the most, should the service not say how old they
#: are.
_MOST_JOBS = 10_000


#: Seconds since the submission where its time is not known.
_MOST_S = 30 * 86400.0


class Search:
    """The search for the job of a tag, in one project.

    Attributes:
        tag: The tag.
        since: A time on the service's clock after which the job was submitted, or None as long as
            none is known.
    """

    def __init__(
        self,
        client: IonQClient,
        tag: str,
        *,
        since: datetime | None = None,
        began: float | None = None,
    ) -> None:
        """Look for the job of `tag` among all jobs, or those that can be it.

        Args:
            client: The client of the service.
            tag: The tag.
            since: The job was submitted after this time on the service's clock.
            began: The job was submitted at this time on the caller's clock, or later. From it
                `since` follows, once the service has shown a job.
        """
        self._client = client
        self.tag = tag
        self.since = since
        self._began = began

    def look(self, deadline: Deadline) -> Mapping[str, Any] | None:
        """Go through the jobs once, and return IonQ's record of the tag's, or None.

        Where several jobs have the tag, the oldest is meant: the others are clones of it.

        Raises:
            IonQError: The jobs could not be listed.
            TimeIsUpError: There was no time for all of them.
        """
        found: list[tuple[datetime, Mapping[str, Any]]] = []
        listing = self._client.list_jobs(timeout=deadline.for_one_of_many)
        for record in self._not_too_old(listing, deadline):
            stored = fields.mapping(record.get("metadata")).get(TAG)
            # A child may show the metadata of its parent, which is the job to find.
            its_own = record.get("parent_job_id") is None and fields.text(record.get("id"))
            if stored == self.tag and its_own:
                submitted = fields.moment(record.get("submitted_at"))
                found.append((submitted or datetime.max.replace(tzinfo=UTC), record))
                if self._began is not None:
                    break  # a job whose id no caller has received has no clones
        if not found:
            return None
        if len(found) > 1:
            ids = ", ".join(record["id"] for _, record in found)
            logger.warning("several jobs have the tag %s: %s; the oldest is meant", self.tag, ids)
        # Of those of one moment the last, since the newest come first.
        oldest: Mapping[str, Any] = min(reversed(found), key=lambda one: one[0])[1]
        return oldest

    def _not_too_old(
        self, listing: Iterable[Mapping[str, Any]], deadline: Deadline
    ) -> Iterator[Mapping[str, Any]]:
        """Yield jobs until many in a row were submitted before `since`.

        The newest job shows a time that the service's clock has passed. Less the time since the
        submission, that is a time before it. So clocks of client and service need not agree.
        """
        newest: datetime | None = None
        too_old = 0
        for record in listing if self._began is None else islice(listing, _MOST_JOBS):
            submitted = fields.moment(record.get("submitted_at"))
            if self._began is not None and submitted is not None:
                newest = submitted if newest is None else max(newest, submitted)
                elapsed_s = deadline.clock.monotonic() - self._began
                if elapsed_s < 0:  # it began on the clock of another machine
                    elapsed_s = _MOST_S
                earliest = newest - timedelta(seconds=elapsed_s) - ALLOWANCE
                self.since = earliest if self.since is None else max(self.since, earliest)
            old = self.since is not None and submitted is not None and submitted < self.since
            too_old = too_old + 1 if old else 0
            if too_old >= _TOO_OLD:
                return
            yield record


def find_job(
    client: IonQClient, tag: str, since: datetime | None, deadline: Deadline
) -> Mapping[str, Any] | None:
    """Return IonQ's record of the job of a tag, or None if it is certainly not in the list.

    Args:
        client: The client of the service.
        tag: The tag.
        since: Only jobs after this time need be looked through; without a time zone, UTC.
        deadline: The deadline of the search.

    Raises:
        IonQClientError: `tag` is not a tag.
        IonQConnectionError: The jobs were not all looked through in time.
        IonQError: They could not be listed.
    """
    if not isinstance(tag, str) or not tag:
        raise IonQClientError(f"{tag!r} is not a tag: that is the `tag` of the error, a str.")
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    try:
        return Search(client, tag, since=since).look(deadline)
    except TimeIsUpError:
        raise IonQConnectionError(
            f"Not all jobs could be looked through for the tag {tag} in {deadline.timeout} s: "
            "allow more, or name the time since= which to look."
        ) from None
