"""The checks of a run: each one yields the violations that it finds."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from ionq_toolkit_fake.chaos.record import Violation
from ionq_toolkit_fake.clock import EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ionq_toolkit_fake.chaos.record import Accepted, Run, SentRequest


#: Seconds that a caller may end after its deadline: its last request gets a minimum of time.
GRACE_S = 1.0

#: Pauses that differ by less than this many seconds count as the same.
_SAME_S = 1e-9

#: The number of a caller, or None for several callers, and a description of the event.
Finding = tuple[int | None, str]


def error_text(error: BaseException) -> str:
    """Return the type and message of an error, also if it cannot format its message."""
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    try:
        return f"{name}: {error}"
    except Exception as other:  # noqa: BLE001 - the program's own class
        return f"{name}, whose text cannot be had: {type(other).__name__}"


def known(run: Run) -> Iterator[Finding]:
    """Exactly one caller knows each accepted job and session."""
    owners: defaultdict[str, list[int]] = defaultdict(list)
    for ending in run.endings:
        for known_id in ending.known:
            owners[known_id].append(ending.caller)
    suspected = set[str]().union(*(ending.suspected for ending in run.endings))
    copies = Counter((one.caller, one.body) for one in run.accepted)
    for one in run.accepted:
        who = owners.pop(one.id, [])
        several = copies[one.caller, one.body] > 1  # the check `once` reports them
        if not who and one.id not in suspected and not several:
            yield one.caller, f"it lost the {one.kind} {one.id}, which it created"
        elif len(who) > 1:
            yield None, f"{one.kind} {one.id} is known to callers {', '.join(map(str, who))}"
    for stray, who in owners.items():
        yield who[0], f"it knows {stray}, which the cloud never accepted"


def once(run: Run) -> Iterator[Finding]:
    """Repeating a request creates no second job or session."""
    reported = {one for ending in run.endings for one in (*ending.known, *ending.suspected)}
    copies: defaultdict[tuple[int, str], list[Accepted]] = defaultdict(list)
    for one in run.accepted:
        copies[one.caller, one.body].append(one)
    for (caller, _), alike in copies.items():
        lost = [one.id for one in alike if one.id not in reported]
        if len(alike) > 1 and lost:
            copied = f"it created the same {alike[0].kind} {len(alike)} times"
            yield caller, f"{copied}, and does not know {', '.join(lost)}"


def in_time(run: Run) -> Iterator[Finding]:
    """Each caller ends at most 1 s after its deadline."""
    deadline_s = run.plan.deadline_s
    limit = f"it had {deadline_s:g} s"
    for ending in run.endings:
        if ending.stopped is not None:
            yield ending.caller, f"it {ending.stopped}; {limit}"
        elif ending.at_s > deadline_s + GRACE_S:
            yield ending.caller, f"it ended after {ending.at_s:.1f} s; {limit}"


def typed(run: Run) -> Iterator[Finding]:
    """Each caller ends with a result, or with an expected error."""
    for ending in run.endings:
        if ending.error is not None and not ending.typed:
            yield ending.caller, ending.error


def patient(run: Run) -> Iterator[Finding]:
    """No request is repeated before its Retry-After has passed."""
    not_before: dict[object, tuple[float, SentRequest]] = {}
    for sent in sorted(run.sent, key=lambda sent: sent.at_s):
        moment_s, earlier = not_before.pop(sent.key, (0.0, sent))
        if sent.at_s < moment_s - _SAME_S:
            asked = f"{earlier.status} with Retry-After: {earlier.retry_after}"
            times = f"at {earlier.until_s:.3f} s, and was sent again at {sent.at_s:.3f} s"
            yield sent.caller, f"{sent.method} {sent.path} received {asked} {times}"
        wait_s = _retry_after_s(sent)
        if wait_s is not None:
            not_before[sent.key] = (sent.until_s + wait_s, sent)


def spread(run: Run) -> Iterator[Finding]:
    """Callers do not repeat a failed request at once, or in step."""
    pauses: defaultdict[int, list[SentRequest]] = defaultdict(list)
    threads: defaultdict[tuple[int, int], list[SentRequest]] = defaultdict(list)
    for one in run.sent:
        threads[one.caller, one.thread].append(one)
    for (caller, _), requests in threads.items():
        for earlier, later in pairwise(requests):
            if earlier.key != later.key or not earlier.failed or _retry_after_s(earlier):
                continue
            pause_s = later.at_s - earlier.until_s
            if pause_s > _SAME_S:
                pauses[round(pause_s / _SAME_S)].append(earlier)
            elif len(run.endings) > 1:
                again = f"{later.method} {later.path} failed, and was sent again at once"
                yield caller, f"{again}, at {later.at_s:.3f} s"
    for pause, failed in pauses.items():
        who = sorted({one.caller for one in failed})
        if len(who) > 1:
            wait = f"waited for {pause * _SAME_S:.3f} s after a failed"
            request = f"{failed[0].method} {failed[0].path}"
            yield None, f"callers {', '.join(map(str, who))} all {wait} {request}"


def secret(run: Run) -> Iterator[Finding]:
    """No log, warning, error, output or path contains an API key."""
    for leak in run.leaks:
        yield None, f"an API key is in {leak}"


def _retry_after_s(sent: SentRequest) -> float | None:
    """Return the seconds that a response asks to wait for, or None."""
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


#: The checks by name, the most serious first. Reports show the first line of their docstrings.
CHECKS: Mapping[str, Callable[[Run], Iterator[Finding]]] = {
    check.__name__: check for check in (once, known, secret, typed, in_time, patient, spread)
}


def check_run(run: Run, without: Sequence[str] = ()) -> list[Violation]:
    """Return the violations of all checks but those in `without`."""
    return [
        Violation(name, *finding)
        for name, check in CHECKS.items()
        if name not in without
        for finding in check(run)
    ]
