"""Recovery: the submissions that killed processes left in a journal, looked for at the service."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ionq_toolkit.api import fields
from ionq_toolkit.errors import IonQError
from ionq_toolkit.job.search import find_job
from ionq_toolkit.journal import NOT_SENT, SUBMITTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.clock import Deadline
    from ionq_toolkit.journal import Journal, JournalEntry

logger = logging.getLogger(__name__)

#: Seconds after which a submission that no list shows was never received: gateways hold a request
#: for minutes at the most.
SETTLED_S = 300.0

#: Seconds between two looks for the same submission.
_PAUSE_S = 5.0

#: How far the clocks of client and service may be apart.
_APART = timedelta(days=1)

#: The outcomes: there is a job, there is none, and there may be one.
ADOPTED, UNKNOWN = "adopted", "unknown"


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """A submission that a killed process left, and its outcome.

    Attributes:
        tag: Its tag.
        outcome: ``"adopted"``: there is a job; ``"not sent"``: there is none, and the circuits can
            be run again; ``"unknown"``: there may be one, and the journal keeps the submission.
        job_id: IonQ's id of the job, if there is one.
        backend: IonQ's name of the backend of the job.
        at: When it was begun, by the clock of its computer.
        reason: Why the outcome is not known.
    """

    tag: str
    outcome: str
    job_id: str | None
    backend: str | None
    at: datetime
    reason: str = ""


def recover(
    client: IonQClient, journal: Journal, deadline: Deadline, settled_s: float
) -> list[Recovered]:
    """Look for the open submissions of an account, and write down how they ended."""
    now = journal.now()
    return [
        _recover(client, journal, entry, deadline, settled_s - (now - entry.at).total_seconds())
        for entry in journal.open_entries()
        if not entry.in_progress and entry.account == client.account(entry.tag)
    ]


def _recover(
    client: IonQClient, journal: Journal, entry: JournalEntry, deadline: Deadline, left_s: float
) -> Recovered:
    """Look until the submission is found or settled, or the time is over."""
    settled = deadline.clock.monotonic() + left_s
    while True:
        try:
            record = find_job(client, entry.tag, entry.at - _APART, deadline)
        except IonQError as error:
            return _recovered(entry, UNKNOWN, reason=str(error))
        if record is not None:
            journal.end(entry.tag, SUBMITTED, record["id"])
            return _recovered(entry, ADOPTED, record)
        wait_s = settled - deadline.clock.monotonic()
        if wait_s <= 0:
            journal.end(entry.tag, NOT_SENT)
            return _recovered(entry, NOT_SENT)
        if deadline.left() <= min(wait_s, _PAUSE_S):
            reason = f"no list of jobs shows it, but one may in the next {wait_s:.0f} s"
            return _recovered(entry, UNKNOWN, reason=reason)
        deadline.clock.sleep(min(wait_s, _PAUSE_S))


def _recovered(
    entry: JournalEntry, outcome: str, record: Mapping[str, Any] | None = None, reason: str = ""
) -> Recovered:
    shown = record or {}
    logger.info("the submission of the tag %s is %s", entry.tag, outcome)
    return Recovered(
        tag=entry.tag,
        outcome=outcome,
        job_id=fields.text(shown.get("id")),
        backend=fields.text(shown.get("backend")),
        at=entry.at,
        reason=reason,
    )
