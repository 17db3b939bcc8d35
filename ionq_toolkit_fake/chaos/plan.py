"""Plan: what one run is: how many callers, for how long, and what cloud and network are like."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.facts.failures import FAILURES
from ionq_toolkit_fake.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping


#: How many callers there are at the most, and how many seconds they have: too few for some jobs,
#: and plenty for others.
MOST_CALLERS, DEADLINES_S = 4, (5.0, 20.0, 60.0, 180.0, 900.0)

#: Seconds for which a request is under way that comes late: gateways hold them for longer than
#: clients wait.
LATE_S = (20.0, 400.0)

#: To which operations faults happen.
_TARGETS = (
    "*",
    "POST *",
    "POST /jobs",
    "POST /jobs",
    "GET *",
    "GET /jobs",
    "GET /jobs/<job_id>",
    "GET /jobs/<job_id>/results/*",
)

#: Statuses of a service or gateway in trouble, the frequent ones more often.
_STATUSES = (429, 429, 503, 503, 500, 502, 502, 504, 504, 408, 520, 521, 522, 524)

#: Those of them after which a request may have taken effect all the same.
_LOST = (500, 502, 502, 504, 504, 408, 520, 522, 524)


@dataclass(frozen=True)
class Weather:
    """What the network between callers and cloud is like.

    Attributes:
        delay_s: How long a request, or an answer, is under way on average.
        late: How likely a request is under way for so long that its caller does not wait for it:
            it takes effect all the same, for `LATE_S` seconds later.
    """

    delay_s: float = 0.05
    late: float = 0.0

    def draw_s(self, chance: random.Random) -> tuple[float, float]:
        """Return the seconds that a request is under way, and that its answer is."""
        there = chance.expovariate(1 / self.delay_s)
        if chance.random() < self.late:
            there += chance.uniform(*LATE_S)
        return there, chance.expovariate(1 / self.delay_s)


@dataclass(frozen=True)
class Plan:
    """What one run is.

    Attributes:
        seed: What the rest follows from, and everything that chance decides in the run.
        callers: How many there are.
        deadline_s: How many seconds each of them has.
        scenario: What the cloud is like.
        weather: What the network is like.
    """

    seed: int
    callers: int
    deadline_s: float
    scenario: Scenario
    weather: Weather

    @classmethod
    def draw(
        cls,
        seed: int,
        *,
        callers: int | None = None,
        deadline_s: float | None = None,
        scenario: Scenario | None = None,
    ) -> Plan:
        """Return the plan of a seed; what is given is as given."""
        chance = random.Random(f"plan {seed}")  # noqa: S311 - a fake
        # Drawn in any case: what is given changes nothing else.
        count = chance.randint(1, MOST_CALLERS)
        limit_s = chance.choice(DEADLINES_S)
        weather = Weather(
            delay_s=chance.choice((0.005, 0.05, 0.3)), late=chance.choice((0, 0, 0.02, 0.1))
        )
        drawn = Scenario(
            description=f"drawn from seed {seed}",
            seed=seed,
            transitions=[_transitions(chance)],
            faults=[_fault(chance) for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 4)))],
        )
        return cls(
            seed,
            count if callers is None else callers,
            limit_s if deadline_s is None else deadline_s,
            drawn if scenario is None else scenario,
            weather,
        )


def _transitions(chance: random.Random) -> Mapping[str, Any]:
    """Return when jobs go on, and what becomes of them."""

    def step() -> Any:  # noqa: ANN401 - plain data
        return chance.choice(
            (
                "immediately",
                "immediately",
                "immediately",
                {"polls": chance.randint(1, 3)},
                {"seconds": round(chance.uniform(0.1, 20), 3)},
                {"seconds": round(chance.uniform(20, 300), 3)},
            )
        )

    table: dict[str, Any] = {"ready": step(), "started": step(), "finished": step()}
    match chance.choice(("completed",) * 7 + ("failed", "canceled", "never")):
        case "failed":
            table["end"] = {"status": "failed", "code": chance.choice(sorted(FAILURES))}
        case "canceled":
            table["end"] = "canceled"
        case "never":
            table["finished"] = "never"
    return table


def _fault(chance: random.Random) -> dict[str, Any]:
    """Return a rule: what goes wrong, and how often."""
    table = _what(chance)
    on = chance.choice(_TARGETS)
    if table["fault"] == "stale" and on.startswith("POST"):
        on = "GET *"
    table["on"] = on
    match chance.choice(("often", "often", "first", "outage")):
        case "often":
            table["probability"] = chance.choice((0.05, 0.1, 0.2, 0.5))
        case "first":
            table["times"], table["skip"] = chance.randint(1, 3), chance.randint(0, 3)
        case "outage":
            table["times"], table["skip"] = chance.randint(5, 60), chance.randint(0, 10)
    return table


def _what(chance: random.Random) -> dict[str, Any]:
    """Return a fault. Requests are not duplicated: no client can help that."""
    status = chance.choice(_STATUSES)
    kinds: tuple[dict[str, Any], ...] = (
        {"fault": "http", "status": status},
        {"fault": "http", "status": chance.choice(_LOST), "after_effect": True},
        {"fault": "http", "status": chance.choice((429, 503)), "retry_after": _wait_s(chance)},
        {"fault": "lost_answer"},
        {"fault": "lost_answer", "how": "timeout"},
        {"fault": "lost_answer", "status": chance.choice(_LOST)},
        {"fault": "timeout"},
        {"fault": "reset"},
        {"fault": "refused"},
        {"fault": "truncated"},
        {"fault": "malformed"},
        {"fault": "empty"},
        {"fault": "html", "status": chance.choice((200, 403, 502))},
        {"fault": "html", "status": 502, "after_effect": True},
        {"fault": "stale", "by": chance.randint(1, 3)},
        {"fault": "latency", "seconds": chance.choice((1, 20)), "jitter": 1},
        {"fault": "latency", "seconds": 90, "jitter": 60},
        {"fault": "dribble", "bytes": 40, "seconds": chance.choice((0.5, 20))},
    )
    return dict(chance.choice(kinds))


def _wait_s(chance: random.Random) -> int:
    """Return the seconds of a ``Retry-After``."""
    return chance.choice((1, 3, 7, 20, 60))
