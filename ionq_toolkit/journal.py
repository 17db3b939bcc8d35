"""Journal: a file that says which submissions were begun, for what comes after a killed process.

Each line is a JSON object. A submission is written down, and is on the disk, before its first byte
is sent; its end is a further line. Several processes may share a file: they write one after the
other, under a lock. What has ended is taken out when the file has grown.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ionq_toolkit.clock import utc_now
from ionq_toolkit.errors import IonQJournalError
from ionq_toolkit.forks import ForkLock

try:
    import fcntl
except ImportError:  # Windows: the threads of one process alone are kept apart
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: The size in bytes from which on what has ended is taken out.
_LARGE = 256 * 1024

#: The longest line, and the largest file, that is read.
_LONGEST_LINE, _MOST_BYTES = 4096, 256 * 2**20

#: Held while this process writes.
_WRITING = ForkLock()

#: The tags that this process is submitting.
_UNDER_WAY: set[str] = set()

#: The ends of a submission.
SUBMITTED, NOT_SENT = "submitted", "not sent"


@dataclass(frozen=True, kw_only=True)
class JournalEntry:
    """A submission that was begun.

    Attributes:
        tag: Its tag.
        at: When it was begun, by the clock of its computer.
        account: Tells accounts apart, by their service and key.
        host: The computer of the process that began it.
        pid: The id of that process.
        started: When that process was started, in the system's own unit; 0: not known.
    """

    tag: str
    at: datetime
    account: str
    host: str
    pid: int
    started: int

    @property
    def in_progress(self) -> bool:
        """Whether the process that began it may still be at it."""
        if self.host != socket.gethostname():
            return False
        if self.pid == os.getpid() and self.started == _started(self.pid):
            return self.tag in _UNDER_WAY
        return _started(self.pid) in {self.started, 0}


class Journal:
    """The submissions of one or several processes, in a file."""

    def __init__(self, path: str | os.PathLike[str], now: Callable[[], datetime] = utc_now) -> None:
        """Keep a journal at `path`. Nothing is written yet.

        Args:
            path: The file.
            now: Returns the date and time, which later processes compare.

        Raises:
            IonQJournalError: There is no such folder, or the path is that of one.
        """
        self.now = now
        self.path = Path(path).expanduser().absolute()
        if self.path.is_dir() or not self.path.parent.is_dir():
            raise IonQJournalError(
                f"journal={str(path)!r} must be the path of a file in a folder that exists."
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def begin(self, tag: str, account: str) -> None:
        """Write a submission down; it is on the disk when this returns.

        Raises:
            IonQJournalError: It cannot be written, so that nothing may be sent.
        """
        _UNDER_WAY.add(tag)
        self._append(
            {
                "tag": tag,
                "at": self.now().isoformat(),
                "account": account,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "started": _started(os.getpid()),
            },
            durable=True,
        )

    def end(self, tag: str, how: str, job_id: str | None = None) -> None:
        """Write down how a submission ended: `SUBMITTED` or `NOT_SENT`.

        Without this line it is looked for once more, which does no harm.

        Raises:
            IonQJournalError: It cannot be written.
        """
        self._append({"tag": tag, "end": how, "job_id": job_id}, durable=False)

    @staticmethod
    def leave(tag: str) -> None:
        """Let a recovery in this process look for a submission, whose end may not be known."""
        _UNDER_WAY.discard(tag)

    def open_entries(self) -> list[JournalEntry]:
        """Return the submissions whose ends are not known, in their order.

        Raises:
            IonQJournalError: The file cannot be read.
        """
        with self._locked():
            return [entry for entry, _ in self._open_lines()]

    def _append(self, fields: dict[str, Any], *, durable: bool) -> None:
        line = json.dumps(fields).encode() + b"\n"
        with self._locked():
            with _private(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND) as file:
                size = file.seek(0, os.SEEK_END)
                if size:
                    file.seek(-1, os.SEEK_END)
                    if file.read(1) != b"\n":  # a process was killed while it wrote
                        line = b"\n" + line
                file.write(line)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            if not durable and size > _LARGE:
                self._compact()

    def _compact(self) -> None:
        """Write a new file of what is open, if that is much less."""
        lines = [line for _, line in self._open_lines()]
        if sum(map(len, lines)) > self.path.stat().st_size / 2:
            return
        new = self.path.with_name(f"{self.path.name}.new")
        with _private(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC) as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)

    def _open_lines(self) -> Iterable[tuple[JournalEntry, bytes]]:
        if not self.path.exists():
            return []
        if self.path.stat().st_size > _MOST_BYTES:
            raise IonQJournalError(f"The journal {self.path} has more than {_MOST_BYTES} bytes.")
        found: dict[str, tuple[JournalEntry, bytes]] = {}
        with self.path.open("rb") as file:
            for line in file:
                fields = _read(line)
                tag = fields.get("tag")
                if "end" in fields:
                    found.pop(str(tag), None)
                elif (entry := _entry(fields)) is not None:
                    found[entry.tag] = entry, line.rstrip(b"\n") + b"\n"
        return list(found.values())

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other threads and processes out; the lock has a file of its own, which stays."""
        try:
            with _WRITING, self.path.with_name(f"{self.path.name}.lock").open("ab") as lock:
                if fcntl is not None:
                    fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise IonQJournalError(
                f"The journal {self.path} cannot be used: {error.strerror or error}. Without it "
                "no job is sent: give journal=... another path, or free space."
            ) from error


def _private(path: Path, flags: int) -> IO[bytes]:
    """Open a file that is its owner's alone."""
    return os.fdopen(os.open(path, flags, 0o600), "r+b")


def _read(line: bytes) -> dict[str, Any]:
    """Return the fields of a line; none of one that is torn or not of a journal."""
    if len(line) > _LONGEST_LINE:
        return {}
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _entry(fields: dict[str, Any]) -> JournalEntry | None:
    try:
        at = datetime.fromisoformat(fields["at"])
        entry = JournalEntry(**{**fields, "at": at})
    except (KeyError, TypeError, ValueError):
        return None
    texts = entry.tag, entry.account, entry.host
    numbers = entry.pid, entry.started
    right = all(isinstance(text, str) for text in texts) and at.tzinfo is not None
    return entry if right and all(isinstance(number, int) for number in numbers) else None


def _started(pid: int) -> int:
    """Return when a process was started, 0 if that cannot be said, or -1 if there is none."""
    try:
        with Path(f"/proc/{pid}/stat").open("rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        if Path("/proc/self/stat").exists():
            return -1
    try:
        os.kill(pid, 0) if os.name == "posix" else None
    except ProcessLookupError:
        return -1
    except OSError:
        pass
    return 0
