"""What must hold after a run, whatever went wrong in it: each check returns what breaks it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ionq_toolkit_fake.clock import EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ionq_toolkit_fake.chaos.caller import Caller
    from ionq_toolkit_fake.chaos.network import Made, Sent


#: How many seconds after its deadline a caller may end: the last request before it may be given a
#: little time, so that it can be answered at all.
GRACE_S = 1.0

#: Two pauses are the same if they differ by less, in seconds: no chance makes them so.
_SAME_S = 1e-9


class Violation(NamedTuple):
    """Something that must hold and did not.

    Attributes:
        check: The name of the check.
        caller: Of which caller; None: of several.
        text: What happened.
    """

    check: str
    caller: int | None
    text: str


@dataclass(frozen=True)
class Ending:
    """How a caller ended.

    Attributes:
        at_s: When, in virtual seconds.
        error: What the program raised; None: it returned.
        typed: Whether that is one of the errors that it may raise.
        stopped: Why it was stopped, if it did not end by itself.
    """

    at_s: float
    error: BaseException | None = None
    typed: bool = True
    stopped: str | None = None


@dataclass(frozen=True)
class Evidence:
    """What is known of a run when it is over.

    Attributes:
        callers: The callers.
        endings: How each of them ended.
        made: The jobs and sessions that the cloud took.
        sent: The requests, in order.
        leaks: Where an API key was seen.
    """

    callers: Sequence[Caller]
    endings: Sequence[Ending]
    made: Sequence[Made]
    sent: Sequence[Sent]
    leaks: Sequence[str]


def in_words(error: BaseException) -> str:
    """Return an error as text, whatever becomes of it when it is asked for its own."""
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    try:
        return f"{name}: {error}"
    except Exception as other:  # noqa: BLE001 - it is somebody else's code
        return f"{name}, whose text cannot be had: {type(other).__name__}"


def known(evidence: Evidence) -> Iterator[Violation]:
    """Every job and session that was accepted is known to exactly one caller."""
    by_id: defaultdict[str, list[int]] = defaultdict(list)
    for caller in evidence.callers:
        for made in caller.known:
            by_id[made].append(caller.number)
    suspected = set[str]().union(*(caller.suspected for caller in evidence.callers))
    copies = Counter((one.caller, one.body) for one in evidence.made)
    for one in evidence.made:
        owners = by_id.pop(one.id, [])
        several = copies[one.caller, one.body] > 1
        if not owners and one.id not in suspected and not several:
            yield Violation(
                "known", one.caller, f"nobody knows of the {one.kind} {one.id}, which it made"
            )
        elif len(owners) > 1:
            who = ", ".join(map(str, owners))
            yield Violation("known", None, f"{one.kind} {one.id} is known to callers {who}")
    for stray, owners in by_id.items():
        yield Violation("known", owners[0], f"there is no job or session {stray}, which it knows")


def once(evidence: Evidence) -> Iterator[Violation]:
    """Nothing is made twice by sending the same request again."""
    told = {made for caller in evidence.callers for made in (*caller.known, *caller.suspected)}
    copies: defaultdict[tuple[int, str], list[Made]] = defaultdict(list)
    for one in evidence.made:
        copies[one.caller, one.body].append(one)
    for (caller, _), alike in copies.items():
        unknown = [one.id for one in alike if one.id not in told]
        if len(alike) > 1 and unknown:
            yield Violation(
                "once",
                caller,
                f"it made {len(alike)} of one {alike[0].kind}, and does not know of "
                f"{', '.join(unknown)}",
            )


def in_time(evidence: Evidence) -> Iterator[Violation]:
    """Every caller ends before its deadline."""
    for caller, ending in zip(evidence.callers, evidence.endings, strict=True):
        if ending.stopped is not None:
            yield Violation(
                "in_time", caller.number, f"it {ending.stopped}; it had {caller.deadline_s:g} s"
            )
        elif ending.at_s > caller.deadline_s + GRACE_S:
            yield Violation(
                "in_time",
                caller.number,
                f"it ended after {ending.at_s:.1f} s, and had {caller.deadline_s:g} s",
            )


def typed(evidence: Evidence) -> Iterator[Violation]:
    """Every caller ends with a result, or with an error of the kinds that were said."""
    for caller, ending in zip(evidence.callers, evidence.endings, strict=True):
        if ending.error is not None and not ending.typed:
            yield Violation("typed", caller.number, in_words(ending.error))


def patient(evidence: Evidence) -> Iterator[Violation]:
    """The same request is not sent again before the time that ``Retry-After`` said."""
    not_before: dict[tuple[object, ...], tuple[float, Sent]] = {}
    for sent in sorted(evidence.sent, key=lambda sent: sent.at_s):
        what = (sent.caller, sent.method, sent.path, sent.body)
        moment_s, earlier = not_before.pop(what, (0.0, sent))
        if sent.at_s < moment_s - _SAME_S:
            yield Violation(
                "patient",
                sent.caller,
                f"{sent.method} {sent.path} was answered with {earlier.status} and Retry-After: "
                f"{earlier.retry_after} at {earlier.until_s:.3f} s, and sent again at "
                f"{sent.at_s:.3f} s",
            )
        wait_s = _retry_after_s(sent)
        if wait_s is not None:
            not_before[what] = (sent.until_s + wait_s, sent)


def spread(evidence: Evidence) -> Iterator[Violation]:
    """Callers that failed do not ask again at once, or all of them after the same time."""
    pauses: defaultdict[float, list[tuple[Sent, Sent]]] = defaultdict(list)
    for caller in evidence.callers:
        mine = [sent for sent in evidence.sent if sent.caller == caller.number]
        for earlier, later in pairwise(mine):
            pause_s = later.at_s - earlier.until_s
            again = all(
                getattr(earlier, name) == getattr(later, name)
                for name in ("method", "path", "body")
            )
            if not again or not earlier.failed or _retry_after_s(earlier) is not None:
                continue
            if pause_s > _SAME_S:
                pauses[round(pause_s / _SAME_S)].append((earlier, later))
            elif len(evidence.callers) > 1:
                yield Violation(
                    "spread",
                    caller.number,
                    f"{later.method} {later.path} failed, and was sent again at once, at "
                    f"{later.at_s:.3f} s",
                )
    for found in pauses.values():
        (first, later), *_ = found
        who = {earlier.caller for earlier, _ in found}
        if len(who) > 1:
            yield Violation(
                "spread",
                None,
                f"callers {', '.join(map(str, sorted(who)))} all waited for "
                f"{later.at_s - first.until_s:.3f} s after a failed {first.method} {first.path}: "
                "what fails together comes back together",
            )


def secret(evidence: Evidence) -> Iterator[Violation]:
    """No API key is in any log, warning, error, output or path."""
    for leak in evidence.leaks:
        yield Violation("secret", None, f"an API key is in {leak}")


def _retry_after_s(sent: Sent) -> float | None:
    """Return the seconds that an answer asks to wait for, or None."""
    if sent.retry_after is None or sent.status not in {429, 503}:
        return None
    try:
        seconds = float(sent.retry_after)
    except ValueError:
        try:
            moment = parsedate_to_datetime(sent.retry_after)
        except ValueError:
            return None
        now = EPOCH.timestamp() + sent.until_s
        seconds = moment.astimezone(UTC).timestamp() - now
    return seconds if math.isfinite(seconds) and seconds > 0 else None


#: The checks by name, the worst that can be broken first.
CHECKS: Mapping[str, Callable[[Evidence], Iterator[Violation]]] = {
    check.__name__: check for check in (once, known, secret, typed, in_time, patient, spread)
}


def judge(evidence: Evidence, without: Sequence[str] = ()) -> list[Violation]:
    """Return everything that breaks a check."""
    return [
        violation
        for name, check in CHECKS.items()
        if name not in without
        for violation in check(evidence)
    ]
