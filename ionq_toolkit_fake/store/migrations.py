"""Migrations: each makes a state file of one version from one of the version before.

A migration knows the forms of its two versions and imports no others: it stays as it is when those
of today change.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

#: How many entries are in memory at a time.
_AT_ONCE = 1000


def _entries(database: sqlite3.Connection) -> None:
    """Make a new file."""
    database.execute(
        "CREATE TABLE entries (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL)"
    )
    database.execute("CREATE UNIQUE INDEX entries_by_name ON entries (kind, key)")


def _filed(database: sqlite3.Connection) -> None:
    """Let the record of each job begin with everything by which it is listed and kept."""
    rows = database.execute("SELECT rowid FROM entries WHERE kind = 'job' ORDER BY rowid")
    numbers = [number for (number,) in rows]
    for start in range(0, len(numbers), _AT_ONCE):
        changed = []
        for number in islice(numbers, start, start + _AT_ONCE):
            query = "SELECT key, value FROM entries WHERE rowid = ?"
            ((job_id, value),) = database.execute(query, (number,))
            job: list[Any] = msgspec.msgpack.decode(value)
            query = "SELECT value FROM entries WHERE kind = 'submission' AND key = ?"
            ((submission,),) = database.execute(query, (job[3] or job_id,))
            backend, session = _submitted(submission)
            ended = None
            if job[3] is None and job[9] in {"completed", "failed", "canceled"}:
                ended = job[11] or job[8][0][-1]
            job = [*job[:4], job[9], backend, session, ended, *job[4:9], *job[10:]]
            changed.append((msgspec.msgpack.encode(job), number))
        database.executemany("UPDATE entries SET value = ? WHERE rowid = ?", changed)


def _submitted(value: bytes) -> tuple[str, str | None]:
    """Return the backend and the session of a submission of version 1."""
    submission = msgspec.msgpack.decode(value)
    return submission[1], submission[12]


#: The first makes version 1 of an empty file.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], object], ...] = (_entries, _filed)
