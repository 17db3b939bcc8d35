"""What a run does to this process: time is the schedule's, and whatever is said is listened to."""

from __future__ import annotations

import contextlib
import io
import logging
import random
import sys
import time
import traceback
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ionq_toolkit_fake.chaos.schedule import Schedule


_sleep, _time, _monotonic = time.sleep, time.time, time.monotonic


class Ears(logging.Handler):
    """Looks for secrets in what is logged, warned of, printed and raised.

    Attributes:
        leaks: Where they were seen: never the text itself.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__(logging.DEBUG)
        self._secrets = tuple(secrets)
        self._formatter = logging.Formatter()
        self.leaks: list[str] = []

    def hear(self, where: str, text: str) -> None:
        """Look for secrets in a text."""
        if where not in self.leaks and any(secret in text for secret in self._secrets):
            self.leaks.append(where)

    def emit(self, record: logging.LogRecord) -> None:
        """Look for secrets in what is logged, and in what is logged with it."""
        where = f"the log of {record.name}"
        try:
            self.hear(where, self._formatter.format(record))
            self.hear(where, repr({**record.__dict__, "args": None}))
        except Exception:  # noqa: BLE001 - what cannot be written cannot be read
            self.hear(where, repr(record.msg))

    def raised(self, error: BaseException) -> None:
        """Look for secrets in an error, its causes and notes."""
        where = f"the error {type(error).__name__}"
        self.hear(where, "".join(traceback.format_exception(error)))
        with contextlib.suppress(Exception):  # what cannot be shown shows no key
            self.hear(where, repr(error))


@contextlib.contextmanager
def listening(ears: Ears) -> Iterator[None]:
    """Let everything that is said in this process be heard, and nothing else be done with it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    printed = io.StringIO()
    root.handlers[:] = [ears]
    root.setLevel(logging.DEBUG)
    try:
        with (
            warnings.catch_warnings(record=True, action="always") as warned,
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    for warning in warned:
        ears.hear("a warning", str(warning.message))
    ears.hear("the output", printed.getvalue())


#: The schedule whose time it is, while one runs.
_schedule: Schedule | None = None


def _mine() -> Schedule | None:
    """Return the schedule, if this thread has turns in it."""
    return _schedule if _schedule is not None and _schedule.mine() is not None else None


# These stay what they are, since a module that is first imported in a run keeps them.
def _any_sleep(seconds: Any, /) -> None:  # noqa: ANN401 - as time.sleep has it
    mine = _mine()
    (_sleep if mine is None else mine.sleep)(seconds)


def _any_time() -> float:
    mine = _mine()
    return _time() if mine is None else mine.now().timestamp()


def _any_monotonic() -> float:
    mine = _mine()
    return _monotonic() if mine is None else mine.monotonic()


#: What a module may have imported by its name, and what it has instead while a schedule runs.
_REPLACED = {
    "sleep": (_sleep, _any_sleep),
    "time": (_time, _any_time),
    "monotonic": (_monotonic, _any_monotonic),
}


@contextlib.contextmanager
def timed_by(schedule: Schedule) -> Iterator[None]:
    """Let `time` be that of a schedule, for the threads that have turns in it."""
    global _schedule  # noqa: PLW0603 - there is one time in a process
    holders = [
        (vars(module), name)
        for module in list(sys.modules.values())
        for name, (original, _) in _REPLACED.items()
        if vars(module).get(name) is original
    ]
    before, _schedule = _schedule, schedule
    for names, name in holders:
        names[name] = _REPLACED[name][1]
    try:
        yield
    finally:
        _schedule = before
        for names, name in holders:
            names[name] = _REPLACED[name][0]


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let what is random without a seed of its own follow from this one."""
    import numpy as np  # noqa: PLC0415 - slow to import

    before, arrays = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(arrays)
