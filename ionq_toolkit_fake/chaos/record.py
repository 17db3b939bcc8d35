"""The record of one run: its requests, accepted jobs, caller endings and violations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ionq_toolkit_fake.chaos.plan import RunPlan


#: Statuses of an overloaded or broken service or gateway.
_IN_TROUBLE = {408, 425, 429, *range(500, 600)}


@dataclass(slots=True)
class SentRequest:
    """One request of a caller.

    Attributes:
        caller: The number of its caller.
        at_s: When it was sent, in virtual seconds.
        method: Its HTTP method.
        path: Its path and query.
        body: A digest of its body; empty: without a body.
        until_s: When the caller received the response or the error, in virtual seconds.
        status: The HTTP status that the caller received, or None.
        error: The name of the error that the caller received instead, or empty.
        retry_after: The header ``Retry-After`` of the response, or None.
        faults: The kinds of its faults; ``late``: it arrived after its caller had given up.
        thread: The number of the thread of the caller that sent it.
    """

    caller: int
    at_s: float
    method: str
    path: str
    body: str
    until_s: float = 0.0
    status: int | None = None
    error: str = ""
    retry_after: str | None = None
    faults: tuple[str, ...] = ()
    thread: int = 0

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for repetitions of the same request by the same thread of a caller."""
        return self.caller, self.thread, self.method, self.path, self.body

    @property
    def failed(self) -> bool:
        """Whether the caller received no response, or an error that may pass."""
        return self.status is None or self.status in _IN_TROUBLE

    def __str__(self) -> str:
        came = self.error or str(self.status)
        after = f", Retry-After: {self.retry_after}" if self.retry_after else ""
        faults = f"  [{' '.join(self.faults)}]" if self.faults else ""
        return (
            f"{self.at_s:10.3f} s  caller {self.caller}  {self.method} {self.path} -> {came}{after}"
            f" at {self.until_s:.3f} s{faults}"
        )


class Accepted(NamedTuple):
    """A job or session that the cloud accepted.

    Attributes:
        id: Its id.
        kind: ``"job"`` or ``"session"``.
        caller: The number of the caller that created it.
        body: The digest of the request body that created it.
    """

    id: str
    kind: str
    caller: int
    body: str


class CallerEnding(NamedTuple):
    """How a caller ended.

    Attributes:
        caller: The number of the caller.
        at_s: When it ended, in virtual seconds.
        outcome: ``result``, ``stopped``, ``killed``, or the name of the error that the program
            raised.
        error: The error that the program raised, as text, or None.
        typed: Whether the error, if any, is an expected one.
        stopped: Why the caller was stopped; None: it was not.
        known: The ids of jobs and sessions that it reported.
        suspected: Ids of which one may be that of a lost submission.
    """

    caller: int
    at_s: float
    outcome: str = "result"
    error: str | None = None
    typed: bool = True
    stopped: str | None = None
    known: Sequence[str] = ()
    suspected: frozenset[str] = frozenset()


class Violation(NamedTuple):
    """A broken check.

    Attributes:
        check: The name of the check.
        caller: The number of the caller; None: several callers.
        text: A description of the event.
    """

    check: str
    caller: int | None
    text: str


@dataclass(frozen=True)
class Run:
    """The result of one run.

    Attributes:
        plan: Its plan.
        endings: How each caller ended.
        sent: The requests, in order.
        accepted: The jobs and sessions that the cloud accepted, without child jobs.
        leaks: The places where an API key was found.
        unsure: The number of submissions whose outcome was searched for after the run.
        seconds: Its duration in virtual seconds.
        violations: The broken checks.
    """

    plan: RunPlan
    endings: Sequence[CallerEnding]
    sent: Sequence[SentRequest] = field(repr=False)
    accepted: Sequence[Accepted] = field(repr=False)
    leaks: Sequence[str] = ()
    unsure: int = 0
    seconds: float = 0.0
    violations: Sequence[Violation] = ()

    @property
    def trace(self) -> str:
        """The requests as text: the same for the same plan and program."""
        return "\n".join(map(str, self.sent))

    @property
    def faults(self) -> Counter[str]:
        """How often each kind of fault was injected."""
        return Counter(kind for one in self.sent for kind in one.faults)

    @property
    def broken(self) -> set[str]:
        """The names of the broken checks."""
        return {violation.check for violation in self.violations}
