"""One run: callers that execute a program under a plan, and the checks after it."""

from __future__ import annotations

import functools
import hashlib
import inspect
import random
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ionq_toolkit_fake.chaos.caller import Caller
from ionq_toolkit_fake.chaos.checks import check_run, error_text
from ionq_toolkit_fake.chaos.environment import (
    SecretDetector,
    captured_output,
    seeded,
    virtual_time,
)
from ionq_toolkit_fake.chaos.network import Network
from ionq_toolkit_fake.chaos.plan import NetworkConditions
from ionq_toolkit_fake.chaos.record import Accepted, CallerEnding, Run, SentRequest, Violation
from ionq_toolkit_fake.chaos.schedule import Died, Schedule, Stopped
from ionq_toolkit_fake.intercept.scope import Settings, interception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ionq_toolkit_fake.chaos.plan import RunPlan
    from ionq_toolkit_fake.chaos.schedule import Turn


#: A caller is stopped after so many times its deadline, and so many seconds more.
_PATIENCE, _PATIENCE_S = 2.0, 60.0

#: Virtual seconds between the last caller's end and the search for unknown outcomes, and the
#: seconds that this search may take.
_AFTER_S, _TO_RESOLVE_S = 3600.0, 3600.0

_CALM = NetworkConditions(delay_s=0.005)


def run(
    program: Callable[[Caller], object],
    plan: RunPlan,
    *,
    expected: tuple[type[BaseException], ...] = (),
    without: Sequence[str] = (),
    stuck_after_s: float = 60.0,
) -> Run:
    """Run a program once for each caller of a plan, at the same time, and check the result.

    Args:
        program: Called with a `Caller`.
        plan: The callers, the cloud and the network.
        expected: The errors that the program may raise.
        without: The names of checks to leave out.
        stuck_after_s: Real seconds that callers may take without waiting for the clock.

    Raises:
        StuckError: They take longer.
    """
    schedule = Schedule(
        random.Random(f"schedule {plan.seed}"),  # noqa: S311 - a fake
        stuck_after_s=stuck_after_s,
    )
    keys = [_key(plan.seed, number) for number in range(plan.callers)]
    access = {key: {"project": "chaos"} for key in keys}
    cloud = replace(plan.scenario, keys=access).cloud(plan.seed, clock=schedule)
    sent: list[SentRequest] = []
    accepted: list[Accepted] = []
    files = tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True)
    callers = [
        Caller(
            number,
            key,
            plan,
            Network(cloud, schedule, plan, number, sent=sent, accepted=accepted),
            Path(files.name),
        )
        for number, key in enumerate(keys)
    ]

    def execute(caller: Caller) -> None:
        found = program(caller)
        if inspect.isawaitable(found) or inspect.isgenerator(found):
            raise TypeError(f"the program returned {found!r}, which nothing runs")

    detector = SecretDetector(keys)
    with files, captured_output(detector), virtual_time(schedule), seeded(plan.seed):
        ended = _take_turns(schedule, callers, execute, plan.deadline_s * _PATIENCE + _PATIENCE_S)
        took_s, count = schedule.monotonic(), len(sent)
        for caller in callers:
            caller.cloud.revive()  # what follows is another process
        cloud.faults.clear()
        schedule.settle()
        schedule.sleep(_AFTER_S)
        unsure = [caller for caller in callers if caller.open or caller.died]
        for caller in unsure:
            caller.cloud.conditions = _CALM
        searched = _take_turns(schedule, unsure, Caller.resolve, _TO_RESOLVE_S)
        detector.inspect_files(Path(files.name))
    for one in sent:
        detector.inspect(f"the path of {one.method}", one.path)
    for _, error in (*ended, *searched):
        if error is not None:
            detector.inspect_error(error)
    found = Run(
        plan,
        [
            CallerEnding(
                caller.number,
                turn.ended_at,
                _outcome(caller, turn, error),
                None if error is None or caller.died else error_text(error),
                typed=error is None or caller.died or isinstance(error, expected),
                stopped=None if caller.died else turn.why,
                known=caller.known,
                suspected=frozenset(caller.suspected),
            )
            for caller, (turn, error) in zip(callers, ended, strict=True)
        ],
        sent[:count],
        accepted,
        detector.leaks,
        sum(len(caller.open) for caller in unsure),
        took_s,
    )
    failed_searches = [
        Violation("typed", caller.number, f"when it searched for its job: {failure}")
        for caller, (turn, error) in zip(unsure, searched, strict=True)
        if (failure := turn.why if error is None else error_text(error)) is not None
    ]
    return replace(found, violations=[*check_run(found, without), *failed_searches])


def _outcome(caller: Caller, turn: Turn, error: BaseException | None) -> str:
    if caller.died:
        return "killed"
    return "stopped" if turn.why else "result" if error is None else type(error).__name__


def _take_turns(
    schedule: Schedule,
    callers: Iterable[Caller],
    function: Callable[[Caller], object],
    limit_s: float,
) -> list[tuple[Turn, BaseException | None]]:
    """Call `function` with each caller in a turn of its own; return the turns and their errors."""
    raised: dict[int, BaseException] = {}

    def take_turn(caller: Caller) -> None:
        cloud = cast("Any", caller.cloud)
        settings = Settings(cloud, {}, strict=False, key=None, sleep="real")
        try:
            with interception.inside(settings.scope()):
                function(caller)
        except (Stopped, KeyboardInterrupt):
            raise
        except Died:
            pass
        except BaseException as error:  # noqa: BLE001 - the check `typed` reports it
            raised[caller.number] = error

    turns = {
        caller.number: schedule.add(functools.partial(take_turn, caller)) for caller in callers
    }
    schedule.run(until_s=schedule.monotonic() + limit_s)
    return [(turn, raised.get(number)) for number, turn in turns.items()]


def _key(seed: int, number: int) -> str:
    """Return an API key that equals no other text."""
    return hashlib.sha256(f"key {seed} {number}".encode()).hexdigest()[:32]
