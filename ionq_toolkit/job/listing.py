"""The newest jobs of a project that pass filters."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit.api import fields
from ionq_toolkit.api.statuses import JOB_STATUS, StatusWord
from ionq_toolkit.clock import TimeIsUpError
from ionq_toolkit.errors import IonQBackendError, IonQConnectionError
from ionq_toolkit.job.options import choice, integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ionq_toolkit.api.client import IonQClient
    from ionq_toolkit.clock import Deadline

logger = logging.getLogger(__name__)

#: A status to list jobs by: IonQ's word or Qiskit's, or several.
Statuses: TypeAlias = StatusWord | JobStatus | Collection[StatusWord | JobStatus]

#: The largest page of GET /jobs: schema pagination-limit of the API document.
_MOST_ON_PAGE = 25

#: The most jobs that are looked through for `limit` jobs that pass the filters.
_MOST_JOBS = 10_000

#: After how many jobs in a row from before `created_after` the search ends: the newest come first,
#: and one out of its order does not end it.
_TOO_OLD = 10

_WORDS: tuple[StatusWord, ...] = get_args(StatusWord)
_WORD_OF: Mapping[JobStatus, StatusWord] = {JOB_STATUS[word]: word for word in _WORDS}


def find_jobs(
    client: IonQClient,
    deadline: Deadline,
    *,
    limit: int | None,
    target: str | None = None,
    status: Statuses | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    metadata: Mapping[str, str] | None = None,
    name: str | None = None,
    session_id: str | None = None,
) -> list[dict[str, Any]]:
    """Return IonQ's records of the newest jobs that pass all filters, the newest first.

    A page is requested when the jobs of the pages before it do not suffice. `target` is IonQ's name
    of a backend; the other filters, and the errors, are those of `IonQProvider.jobs`.
    """
    most = None if limit is None else integer(limit, "limit", 1, 2**31 - 1)
    words = _words(status)
    states = {JOB_STATUS[word] for word in words}
    after, before = (
        _moment(created_after, "created_after"),
        _moment(created_before, "created_before"),
    )
    wanted = _texts(metadata)
    sieved = len(words) > 1 or wanted or any(f is not None for f in (after, before, name))
    page = _MOST_ON_PAGE if sieved or most is None else min(most, _MOST_ON_PAGE)
    listing = client.list_jobs(
        status=words[0] if len(words) == 1 else None,
        target=target,
        session_id=session_id,
        limit=page,
        timeout=deadline.for_one_of_many,
    )

    def passes(record: Mapping[str, Any]) -> bool:
        submitted = fields.moment(record.get("submitted_at"))
        stored = fields.mapping(record.get("metadata"))
        return (
            fields.text(record.get("id")) is not None
            and record.get("parent_job_id") is None
            and target in (None, record.get("backend"))  # something before IonQ may not filter
            and (not words or JOB_STATUS.get(str(record.get("status"))) in states)
            and (after is None or (submitted is not None and submitted >= after))
            and (before is None or (submitted is not None and submitted <= before))
            and (name is None or record.get("name") == name)
            and wanted.items() <= {k: v for k, v in stored.items() if isinstance(v, str)}.items()
        )

    looked = listing if most is None else _bounded(listing)
    found = filter(passes, _newer(looked, after))
    try:
        return list(itertools.islice(found, most))
    except TimeIsUpError:
        raise IonQConnectionError(
            f"The jobs could not all be listed in {deadline.timeout} s: allow more time, or list "
            "fewer with limit= or created_after=."
        ) from None


def _bounded(listing: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, record in enumerate(listing):
        if number == _MOST_JOBS:
            logger.warning(
                "the %s newest jobs were looked through; limit=None looks through all", _MOST_JOBS
            )
            return
        yield record


def _newer(listing: Iterable[dict[str, Any]], after: datetime | None) -> Iterator[dict[str, Any]]:
    """Yield jobs until many in a row were submitted before `after`."""
    too_old = 0
    for record in listing:
        submitted = fields.moment(record.get("submitted_at"))
        old = after is not None and submitted is not None and submitted < after
        too_old = too_old + 1 if old else 0
        if too_old >= _TOO_OLD:
            return
        yield record


def _words(status: Any) -> tuple[StatusWord, ...]:  # noqa: ANN401 - checked
    """Return IonQ's words for one status or several; empty for any status."""
    if status is None:
        return ()
    one = isinstance(status, str) or not isinstance(status, Collection)
    words = []
    for word in (status,) if one else list(status):
        known = _WORD_OF.get(word, word) if isinstance(word, JobStatus) else word
        words.append(choice("started" if known == "running" else known, "status", _WORDS))
    if not words:
        raise IonQBackendError("status=[] lists no jobs: leave it out, or name a status.")
    return tuple(dict.fromkeys(words))


def _moment(value: datetime | None, name: str) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise IonQBackendError(
            f"{name} must be a datetime such as datetime.now(UTC) - timedelta(days=1), not "
            f"{value!r}."
        )
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def _texts(value: Mapping[str, str] | None) -> Mapping[str, str]:
    if value is None:
        return {}
    pairs = value.items() if isinstance(value, Mapping) else [(None, None)]
    if not all(isinstance(part, str) for pair in pairs for part in pair):
        raise IonQBackendError(f"metadata must be a dict of str, not {value!r}.")
    return value
