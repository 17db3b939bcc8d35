"""One run: callers under a plan, and what is to be said of it."""

from __future__ import annotations

import hashlib
import inspect
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from ionq_toolkit_fake.chaos.caller import Caller
from ionq_toolkit_fake.chaos.checks import Ending, Evidence, Violation, in_words, judge
from ionq_toolkit_fake.chaos.environment import Ears, listening, seeded, timed_by
from ionq_toolkit_fake.chaos.network import Ledger, Network
from ionq_toolkit_fake.chaos.plan import Weather
from ionq_toolkit_fake.chaos.schedule import Schedule, Stopped
from ionq_toolkit_fake.intercept.scope import Hosts, Scope, interception

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ionq_toolkit_fake.chaos.network import Sent
    from ionq_toolkit_fake.chaos.plan import Plan
    from ionq_toolkit_fake.cloud import FakeIonQ


#: How much later than its deadline a caller is stopped: so many times the deadline, and seconds.
_PATIENCE, _PATIENCE_S = 2.0, 60.0

#: When everything is over, how many seconds pass before a caller looks for what it is not sure of,
#: and how many it has for it.
_AFTER_S, _TO_RESOLVE_S = 3600.0, 3600.0

_CALM = Weather(delay_s=0.005)


@dataclass(frozen=True)
class Run:
    """What came of one run.

    Attributes:
        plan: What it was.
        violations: What must hold and did not.
        endings: How each caller ended.
        sent: The requests, in order.
        made: How many jobs and sessions the cloud took.
        unsure: How many submissions a caller was not sure of, and looked for in the end.
        seconds: How many virtual seconds it took.
        faults: How often each kind of fault happened.
    """

    plan: Plan
    violations: Sequence[Violation]
    endings: Sequence[Ending]
    sent: Sequence[Sent] = field(repr=False)
    made: int = 0
    unsure: int = 0
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def trace(self) -> str:
        """What happened, as text: the same for the same plan and program."""
        return "\n".join(map(str, self.sent))


def run(
    program: Callable[[Caller], object],
    plan: Plan,
    *,
    expected: type[BaseException] | tuple[type[BaseException], ...] = (),
    without: Sequence[str] = (),
    stuck_after_s: float = 60.0,
) -> Run:
    """Let callers run a program under a plan, and judge what came of it.

    Args:
        program: What each caller calls, with itself.
        plan: What happens to them.
        expected: The errors that it may raise.
        without: The names of checks that are left out.
        stuck_after_s: How many real seconds a caller may wait for something else than the clock.

    Raises:
        StuckError: It waits for longer.
    """
    schedule = Schedule(
        random.Random(f"schedule {plan.seed}"),  # noqa: S311 - a fake
        stuck_after_s=stuck_after_s,
    )
    keys = [_key(plan.seed, number) for number in range(plan.callers)]
    access = {key: {"project": "chaos"} for key in keys}
    cloud = replace(plan.scenario, keys=access).cloud(plan.seed, clock=schedule)
    ledger = Ledger()
    callers = [
        Caller(
            number,
            key,
            Network(cloud, schedule, plan.weather, ledger, caller=number, seed=plan.seed),
            schedule,
            seed=plan.seed,
            deadline_s=plan.deadline_s,
        )
        for number, key in enumerate(keys)
    ]
    ears = Ears(keys)
    with listening(ears), timed_by(schedule), seeded(plan.seed):
        endings = _live(program, callers, schedule, plan, expected)
        for one in ledger.sent:
            ears.hear(f"the path of {one.method}", one.path)
        took_s, count = schedule.monotonic(), len(ledger.sent)
        unsure = sum(len(caller.open) for caller in callers)
        odd = _in_peace(callers, schedule, cloud)
    for error in (*(ending.error for ending in endings), *odd.values()):
        if error is not None:
            ears.raised(error)
    sent = ledger.sent[:count]
    evidence = Evidence(callers, endings, ledger.made, sent, ears.leaks)
    violations = judge(evidence, without)
    violations += [
        Violation("typed", number, f"when it looked for what it had made: {in_words(error)}")
        for number, error in odd.items()
    ]
    return Run(
        plan,
        violations,
        endings,
        sent,
        made=len(evidence.made),
        unsure=unsure,
        seconds=took_s,
        faults=Counter(kind for one in sent for kind in one.faults),
    )


def _live(
    program: Callable[[Caller], object],
    callers: Sequence[Caller],
    schedule: Schedule,
    plan: Plan,
    expected: type[BaseException] | tuple[type[BaseException], ...],
) -> list[Ending]:
    """Let all callers run the program, and return how each of them ended."""
    raised: dict[int, BaseException] = {}

    def turn(caller: Caller) -> Callable[[], None]:
        def live() -> None:
            try:
                with interception.inside(_scope(caller)):
                    _ended(program(caller))
            except (Stopped, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is judged
                raised[caller.number] = error

        return live

    turns = [schedule.add(turn(caller)) for caller in callers]
    schedule.run(until_s=plan.deadline_s * _PATIENCE + _PATIENCE_S)
    return [
        Ending(
            one.ended_at,
            raised.get(number),
            typed=isinstance(raised.get(number), expected),
            stopped=one.why,
        )
        for number, one in enumerate(turns)
    ]


def _ended(found: object) -> None:
    """Refuse what a program returned, if to run it is yet to come."""
    if inspect.isawaitable(found) or inspect.isgenerator(found):
        raise TypeError(f"the program returned {found!r}, which nobody runs")


def _in_peace(
    callers: Sequence[Caller], schedule: Schedule, cloud: FakeIonQ
) -> dict[int, BaseException]:
    """Let everything arrive, and the callers find out what they were not sure of."""
    cloud.faults.clear()
    schedule.settle()
    schedule.sleep(_AFTER_S)
    raised: dict[int, BaseException] = {}

    def turn(caller: Caller) -> Callable[[], None]:
        def look() -> None:
            try:
                with interception.inside(_scope(caller)):
                    caller.resolve()
            except (Stopped, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - as above
                raised[caller.number] = error

        return look

    turns = {}
    for caller in callers:
        if caller.open:
            caller.cloud.weather = _CALM
            turns[caller.number] = schedule.add(turn(caller))
    schedule.run(until_s=schedule.monotonic() + _TO_RESOLVE_S)
    for number, one in turns.items():
        if one.why is not None:
            raised.setdefault(number, TimeoutError(one.why))
    return raised


def _scope(caller: Caller) -> Scope:
    return Scope(cast("Any", caller.cloud), Hosts(), strict=False)


def _key(seed: int, number: int) -> str:
    """Return an API key that is like no other text."""
    return hashlib.sha256(f"key {seed} {number}".encode()).hexdigest()[:32]
