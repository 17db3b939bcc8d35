"""The process around a run: virtual time, seeded random numbers, and captured output."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import contextvars
import io
import logging
import random
import sys
import time
import traceback
import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ionq_toolkit_fake.chaos.schedule import Schedule


class SecretDetector(logging.Handler):
    """Searches logs, warnings, output, files and errors for secrets, plain or encoded.

    Of an error, it looks into the local variables of the client's frames as well: a test runner
    shows them.

    Attributes:
        leaks: The places where it found one: never the text itself.
    """

    def __init__(self, secrets: Iterable[str], packages: Iterable[str] = ("ionq_toolkit",)) -> None:
        super().__init__(logging.DEBUG)
        self._packages = frozenset(packages)
        self._secrets = tuple(form for secret in secrets for form in _forms(secret))
        self._formatter = logging.Formatter()
        self.leaks: list[str] = []

    def inspect(self, where: str, text: str) -> None:
        """Search a text."""
        if where not in self.leaks and any(secret in text for secret in self._secrets):
            self.leaks.append(where)

    def inspect_files(self, folder: Path) -> None:
        """Search the files below a folder: recordings and journals."""
        for path in folder.rglob("*"):
            if path.is_file():
                text = path.read_bytes().decode(errors="replace")
                self.inspect(f"the file {path.name}", text)

    def emit(self, record: logging.LogRecord) -> None:
        """Search a log record, its error and its extra attributes."""
        where = f"the log of {record.name}"
        try:
            self.inspect(where, self._formatter.format(record))
            self.inspect(where, repr({**record.__dict__, "args": None}))
        except Exception:  # noqa: BLE001 - a record that cannot be formatted is not written either
            self.inspect(where, repr(record.msg))

    def inspect_error(self, error: BaseException) -> None:
        """Search an error, its causes and its notes."""
        where = f"the error {type(error).__name__}"
        self.inspect(where, "".join(traceback.format_exception(error)))
        with contextlib.suppress(Exception):  # a repr that fails shows no key
            self.inspect(where, repr(error))
        for frame, _ in traceback.walk_tb(error.__traceback__):
            own = str(frame.f_globals.get("__name__")).partition(".")[0] in self._packages
            for value in list(frame.f_locals.values()) if own else ():
                with contextlib.suppress(Exception):
                    self.inspect(f"the local variables of {frame.f_code.co_name}", repr(value))


def _forms(secret: str) -> set[str]:
    """Return a secret as texts may contain it: plain, percent-encoded, in hexadecimal or base64."""
    content = secret.encode()
    forms = {secret, quote(secret), quote(secret, safe=""), content.hex()}
    for before in range(3):  # base64 depends on how many bytes are before it
        text = base64.b64encode(bytes(before) + content).decode()
        # Characters whose six bits are all the secret's.
        sure = text[(8 * before + 5) // 6 : 8 * (before + len(content)) // 6]
        forms |= {sure, sure.replace("+", "-").replace("/", "_")}
    return forms


@contextlib.contextmanager
def captured_output(detector: SecretDetector) -> Iterator[None]:
    """Send the logs, warnings and output of this process to `detector` only."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    printed = io.StringIO()
    root.handlers[:] = [detector]
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
        detector.inspect("a warning", str(warning.message))
    detector.inspect("the output", printed.getvalue())


#: The schedule that runs now, if any.
_schedule: Schedule | None = None


def _current() -> Schedule | None:
    """Return the schedule if the calling thread has a turn in it."""
    return _schedule if _schedule is not None and _schedule.mine() is not None else None


def _in_turns(original: Callable[..., Any], virtual: Callable[..., Any]) -> Callable[..., Any]:
    """Return `original` with `virtual(schedule, ...)` in its place for threads with a turn."""

    # A module that is first imported during a run keeps this function after it.
    def function(*args: Any) -> Any:  # noqa: ANN401 - as the original has them
        schedule = _current()
        return original(*args) if schedule is None else virtual(schedule, *args)

    return function


#: The functions that modules may have imported by name, and what they do during a run.
_VIRTUAL: dict[str, Callable[..., Any]] = {
    "sleep": lambda clock, seconds: clock.sleep(seconds),
    "time": lambda clock: clock.now().timestamp(),
    "monotonic": lambda clock: clock.monotonic(),
}


def _at_once(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return `asyncio.to_thread` that calls the function in the thread of the task, if in a turn.

    The order of events would depend on the system's scheduler otherwise. Other tasks go on before.
    """

    async def to_thread(function: Callable[..., Any], /, *args: Any, **fields: Any) -> Any:  # noqa: ANN401
        if _current() is None:
            return await original(function, *args, **fields)
        await asyncio.sleep(0)
        return contextvars.copy_context().run(function, *args, **fields)

    return to_thread


@contextlib.contextmanager
def virtual_time(schedule: Schedule) -> Iterator[None]:
    """Replace the functions of `time`, in all modules, for threads with a turn in `schedule`."""
    global _schedule  # noqa: PLW0603 - a process has one `time`
    # As they are now: `mock_ionq` may have replaced them as well.
    found = {name: getattr(time, name) for name in _VIRTUAL}
    ours = {name: _in_turns(found[name], virtual) for name, virtual in _VIRTUAL.items()}
    holders = [
        (vars(module), name)
        for module in list(sys.modules.values())
        for name, original in found.items()
        if vars(module).get(name) is original
    ]
    before, _schedule = _schedule, schedule
    for names, name in holders:
        names[name] = ours[name]
    in_threads, asyncio.to_thread = asyncio.to_thread, _at_once(asyncio.to_thread)
    try:
        yield
    finally:
        asyncio.to_thread = in_threads
        _schedule = before
        for names, name in holders:
            names[name] = found[name]


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global generators of `random` and NumPy."""
    import numpy as np  # noqa: PLC0415 - slow to import

    before, arrays = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(arrays)
