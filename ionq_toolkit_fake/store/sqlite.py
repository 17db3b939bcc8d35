"""SqliteStore: entries in one file, which survives the end of the process at any moment."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ionq_toolkit_fake.store.base import (
    StateError,
    StateFormatError,
    StateInUseError,
    Store,
    missing_folder,
)
from ionq_toolkit_fake.store.migrations import MIGRATIONS

if sys.platform != "win32":  # there, no process is refused
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ionq_toolkit_fake.store.base import Entry

#: What tells our files from those of other programs: "IonQ" in ASCII, as SQLite's application id.
APPLICATION = 0x496F6E51

#: How many keys a query names; SQLite before 3.32 allows 999 values.
_MOST_KEYS = 500

#: How long a copy waits for another program that has the file for itself.
_PATIENCE_S = 10

#: SQLite's number of `auto_vacuum=INCREMENTAL`: pages that are free can be given back.
_INCREMENTAL = 2

#: How many pages of 4 kB are written beside the file before they are moved into it: with a few,
#: requests wait for the disk more often.
_CHECKPOINT_PAGES = 4000

#: How much of the file SQLite keeps in memory, in KiB.
_CACHE_KIB = 16 * 1024

#: How many free pages stay in the file for what comes next, and how many are given back at once.
_SPARE_PAGES, _FREED_PAGES = 1000, 2000

#: What SQLite may wait for before the end of each transaction.
SYNCHRONOUS = ("normal", "full")


class SqliteStore(Store):
    """Keeps entries in a SQLite file.

    Beside it are two files of SQLite while it is used, ``-wal`` and ``-shm``, and ``.lock``.
    """

    def __init__(self, path: str | os.PathLike[str], *, synchronous: str = "normal") -> None:
        """Open a file, or make it.

        Args:
            path: The file.
            synchronous: `"normal"`: each transaction survives the end of the process; `"full"`:
                the end of the computer as well, at the cost of a write to its disk.

        Raises:
            StateInUseError: Another cloud uses the file.
            StateFormatError: The file is damaged, of another program, or of a newer version.
            StateError: The file cannot be made, read or written.
        """
        if synchronous not in SYNCHRONOUS:
            raise ValueError(f"synchronous must be one of {SYNCHRONOUS}, is {synchronous!r}")
        self.path = Path(path).absolute()
        self.place = str(self.path)
        self._pid = os.getpid()
        if self.path.is_dir():
            raise StateError(f"{self.path} is a folder: give the name of a file in it.")
        if not self.path.parent.is_dir():
            raise missing_folder(self.path)
        lock = _lock(self.path)
        try:
            with self._errors():
                self._database = self._opened(synchronous)
        except BaseException:
            os.close(lock)
            raise
        self._close = weakref.finalize(self, _close, self._database, lock, self._pid)

    def read(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """Yield the key and the bytes of each entry of a kind."""
        with self._errors():
            yield from self._database.execute(
                "SELECT key, value FROM entries WHERE kind = ?", (kind,)
            )

    def get(self, kind: str, key: str) -> bytes | None:
        """Return the bytes of an entry, or None."""
        self._check_process()
        with self._errors():
            found = self._database.execute(
                "SELECT value FROM entries WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        return None if found is None else found[0]

    def get_several(self, kind: str, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the bytes of several entries of a kind by their keys; leave missing ones out."""
        found: dict[str, bytes] = {}
        self._check_process()
        with self._errors():
            for start in range(0, len(keys), _MOST_KEYS):
                some = keys[start : start + _MOST_KEYS]
                marks = ", ".join("?" * len(some))
                query = f"SELECT key, value FROM entries WHERE kind = ? AND key IN ({marks})"  # noqa: S608
                found.update(self._database.execute(query, (kind, *some)))
        return found

    def keys(self, kind: str) -> set[str]:
        """Return the keys of all entries of a kind."""
        with self._errors():
            found = self._database.execute("SELECT key FROM entries WHERE kind = ?", (kind,))
            return {key for (key,) in found}

    def write(self, changes: Mapping[Entry, bytes | None], *, clear: bool = False) -> None:
        """Write entries, and remove those that are None, in one transaction."""
        self._check_process()
        with self._errors(), _transaction(self._database):
            if clear:
                self._database.execute("DELETE FROM entries")
            self._database.executemany(
                "DELETE FROM entries WHERE kind = ? AND key = ?",
                [name for name, value in changes.items() if value is None],
            )
            self._database.executemany(
                "INSERT INTO entries VALUES (?, ?, ?)"
                " ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
                [(*name, value) for name, value in changes.items() if value is not None],
            )
        if clear or None in changes.values():
            with contextlib.suppress(
                sqlite3.OperationalError
            ):  # the change is written: it can wait
                self._free_pages()

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise StateInUseError(
                f"{self.path} is used by process {self._pid}, of which this is a fork: a forked "
                "process cannot use it. Make the cloud after the fork, or run ionq-fake serve."
            )

    def _free_pages(self) -> None:
        """Give pages of the file back to the disk that deleted entries leave free."""
        (free,) = self._database.execute("PRAGMA freelist_count").fetchone()
        if free > _SPARE_PAGES:
            most = min(free - _SPARE_PAGES, _FREED_PAGES)
            self._database.executescript(f"PRAGMA incremental_vacuum({most})")  # page by page

    def snapshot(self, path: str | os.PathLike[str]) -> None:
        """Copy everything that is written now into a new file, from any thread.

        The file is there as a whole or not at all. Others can write to the store meanwhile.

        Raises:
            StateError: The file exists, or cannot be written.
        """
        with self._errors(), _new_file(path) as unfinished:
            other = sqlite3.connect(self.path, isolation_level=None, timeout=_PATIENCE_S)
            with contextlib.closing(other):
                try:
                    other.execute("VACUUM INTO ?", (str(unfinished),))
                except sqlite3.DatabaseError as error:
                    if not _name(error).startswith(("SQLITE_FULL", "SQLITE_IOERR")):
                        raise
                    raise StateError(
                        f"{path} cannot be written ({error}): make room on its disk, or give the "
                        "snapshot another place. Nothing of it was written."
                    ) from error

    def close(self) -> None:
        """Close the file, which holds everything then."""
        self._close()

    def _opened(self, synchronous: str) -> sqlite3.Connection:
        database = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=0
        )
        try:
            self._check(database)  # before anything is written to it
            database.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")  # while the file is empty
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(f"PRAGMA synchronous = {synchronous}")
            database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version < len(MIGRATIONS):
                self._migrate(database, version)
            (vacuum,) = database.execute("PRAGMA auto_vacuum").fetchone()
            if vacuum != _INCREMENTAL:  # of version 1; if its disk is full now, the next time
                database.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
                with contextlib.suppress(sqlite3.OperationalError):
                    database.execute("VACUUM")
        except BaseException:
            database.close()
            raise
        return database

    def _migrate(self, database: sqlite3.Connection, version: int) -> None:
        """Make a file of the newest version, or leave it as it is."""
        try:
            with _transaction(database):
                for migrate in MIGRATIONS[version:]:
                    migrate(database)
                database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
                database.execute(f"PRAGMA application_id = {APPLICATION}")
        except (msgspec.DecodeError, ValueError, LookupError, TypeError) as error:
            raise StateFormatError(
                f"{self.path} has version {version}, and cannot be made one of version "
                f"{len(MIGRATIONS)} ({error}): restore a snapshot, or give another file."
            ) from error

    def _check(self, database: sqlite3.Connection) -> None:
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != APPLICATION and (tables or application or version):
            raise StateFormatError(
                f"{self.path} is a database of another program: give another file."
            )
        if version > len(MIGRATIONS):
            raise StateFormatError(
                f"{self.path} has version {version}, and this ionq-toolkit reads up to version "
                f"{len(MIGRATIONS)}: update ionq-toolkit, or give another file."
            )

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise SQLite's errors as ours."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise self._explained(error) from error

    def _explained(self, error: sqlite3.DatabaseError) -> StateError:
        name = _name(error)
        if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            return StateFormatError(
                f"{self.path} is damaged, or no state of a cloud ({error}): restore a snapshot, or "
                "give another file."
            )
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return StateInUseError(
                f"{self.path} is used by another program: end it, or give another file."
            )
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOMEM")):
            return StateError(
                f"{self.path} cannot be written ({error}): make room on its disk. Nothing of this "
                "change was written."
            )
        if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
            return StateError(
                f"{self.path} cannot be opened for writing ({error}): the file and its folder must "
                "be writable. Change their permissions, or give another file."
            )
        return StateError(f"{self.path}: {error}")


def _name(error: sqlite3.DatabaseError) -> str:
    """Return SQLite's name of an error."""
    return getattr(error, "sqlite_errorname", "")


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Commit everything that is done in a ``with``, or nothing of it."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _close(database: sqlite3.Connection, lock: int, pid: int) -> None:
    if os.getpid() == pid:  # a fork shares both with its parent
        with contextlib.suppress(sqlite3.Error):
            database.executescript("PRAGMA incremental_vacuum")
        with contextlib.suppress(sqlite3.Error):
            database.close()
        os.close(lock)


def _lock(path: Path) -> int:
    """Take the lock of a file, and return its open lock file.

    The system frees it when the process ends, however it ends. The lock file stays: to remove it
    could free the lock of another process.

    Raises:
        StateInUseError: Another process has it, or another cloud of this process.
        StateError: It cannot be made.
    """
    try:
        file = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise StateError(
            f"{path} cannot be opened for writing ({error.strerror}): the file and its folder "
            "must be writable. Change their permissions, or give another file."
        ) from error
    if sys.platform == "win32":
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(file)
        here = " (this process)" if owner == str(os.getpid()) else ""
        raise StateInUseError(
            f"{path} is used by the cloud of process {owner}{here}: end that one, connect to it, "
            "or give another file."
        ) from error
    os.ftruncate(file, 0)
    os.pwrite(file, str(os.getpid()).encode(), 0)
    return file


def write_snapshot(path: str | os.PathLike[str], entries: Mapping[Entry, bytes | None]) -> None:
    """Write entries into a new file, which is there as a whole or not at all.

    Raises:
        StateError: The file exists, or cannot be written.
    """
    with _new_file(path) as unfinished:
        store = SqliteStore(unfinished, synchronous="full")
        try:
            store.write(entries)
        finally:
            store.close()


def copy_store(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Copy a state that no cloud uses into a new file.

    Raises:
        StateError: The state cannot be read, or the file exists or cannot be written.
    """
    store = SqliteStore(source)
    try:
        store.snapshot(target)
    finally:
        store.close()


def keep_snapshot(path: str | os.PathLike[str], content: bytes) -> None:
    """Write the bytes of a snapshot into a new file.

    Raises:
        StateError: They are no snapshot, or the file exists or cannot be written.
    """
    with _new_file(path) as unfinished:
        unfinished.write_bytes(content)
        SqliteStore(unfinished).close()


@contextlib.contextmanager
def _new_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the path of an unfinished file, which becomes the new one at the end of a ``with``."""
    target = Path(path).absolute()
    if target.exists():
        raise StateError(f"{target} exists already: give the snapshot another name.")
    if not target.parent.is_dir():
        raise missing_folder(target)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        yield unfinished
        unfinished.replace(target)
    except OSError as error:
        raise StateError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        for ending in ("", "-wal", "-shm", ".lock"):
            with contextlib.suppress(OSError):
                unfinished.with_name(unfinished.name + ending).unlink(missing_ok=True)
