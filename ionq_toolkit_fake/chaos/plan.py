"""The plan of one run: its callers, their deadline, the cloud and the network."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ionq_toolkit_fake.facts.failures import FAILURES
from ionq_toolkit_fake.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping


#: The largest number of callers, and their deadlines: too short for some jobs, ample for others.
MOST_CALLERS, DEADLINES_S = 4, (5.0, 20.0, 60.0, 180.0, 900.0)

#: Seconds by which a late request is delayed: gateways hold requests for longer than clients wait.
LATE_S = (20.0, 400.0)

#: The operations that faults match. Repeated entries are sampled more often.
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

#: Statuses of an overloaded or broken service or gateway.
_STATUSES = (429, 429, 503, 503, 500, 502, 502, 504, 504, 408, 520, 521, 522, 524)

#: The part of callers that are killed.
_DEADLY = 0.25

#: The statuses after which the request may still have taken effect.
_LOST = (500, 502, 502, 504, 504, 408, 520, 522, 524)


@dataclass(frozen=True)
class NetworkConditions:
    """Delays between callers and cloud.

    Attributes:
        delay_s: Mean delay of a request, and of a response.
        late: Probability that a request arrives `LATE_S` seconds later. Its caller has given up
            by then, and the request takes effect all the same.
    """

    delay_s: float = 0.05
    late: float = 0.0

    def sample_s(self, chance: random.Random) -> tuple[float, float]:
        """Return the delays of one request and of its response, in seconds."""
        there = chance.expovariate(1 / self.delay_s)
        if chance.random() < self.late:
            there += chance.uniform(*LATE_S)
        return there, chance.expovariate(1 / self.delay_s)


class Death(NamedTuple):
    """The moment at which the process of a caller ends, as if it was killed.

    Attributes:
        request: The number of the request of that caller, from 1.
        after: Whether the request is sent, and its response not read; if not, nothing is sent.
    """

    request: int
    after: bool


@dataclass(frozen=True)
class RunPlan:
    """The plan of one run.

    Attributes:
        seed: Seeds the plan, and every random choice during the run.
        callers: The number of callers.
        deadline_s: Seconds that each caller has.
        scenario: The cloud, with its faults and transitions.
        conditions: The network.
        deaths: When each caller is killed; None: it is not. Callers beyond these are not.
    """

    seed: int
    callers: int
    deadline_s: float
    scenario: Scenario
    conditions: NetworkConditions
    deaths: tuple[Death | None, ...] = ()

    def death(self, caller: int) -> Death | None:
        """Return when a caller is killed, or None."""
        return self.deaths[caller] if caller < len(self.deaths) else None

    @classmethod
    def sample(cls, seed: int) -> RunPlan:
        """Return the plan of a seed."""
        chance = random.Random(f"plan {seed}")  # noqa: S311 - a fake
        callers, deadline_s = chance.randint(1, MOST_CALLERS), chance.choice(DEADLINES_S)
        conditions = NetworkConditions(
            delay_s=chance.choice((0.005, 0.05, 0.3)), late=chance.choice((0, 0, 0.02, 0.1))
        )
        scenario = Scenario(
            description=f"sampled from seed {seed}",
            seed=seed,
            transitions=[_transitions(chance)],
            faults=[_fault(chance) for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 4)))],
        )
        return cls(seed, callers, deadline_s, scenario, conditions, _deaths(seed))


def _deaths(seed: int) -> tuple[Death | None, ...]:
    """Return the deaths of callers: about one in four, mostly at the submission of its job."""
    chance = random.Random(f"deaths {seed}")  # noqa: S311 - a fake
    drawn = [
        Death(chance.choice((1, 1, 1, 2, 3, 5)), after=chance.choice((False, True)))
        for _ in range(MOST_CALLERS)
    ]
    return tuple(death if chance.random() < _DEADLY else None for death in drawn)


def _transitions(chance: random.Random) -> Mapping[str, Any]:
    """Return the rule that says when jobs change status, and how they end."""

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
    """Return the rule of a fault: its kind, the requests that it matches, and how often."""
    table = _kind(chance)
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


def _kind(chance: random.Random) -> dict[str, Any]:
    """Return a fault. `duplicated` is not among them: clients cannot protect against it."""
    status = chance.choice(_STATUSES)
    kinds: tuple[dict[str, Any], ...] = (
        {"fault": "http", "status": status},
        {"fault": "http", "status": chance.choice(_LOST), "after_effect": True},
        {
            "fault": "http",
            "status": chance.choice((429, 503)),
            "retry_after": chance.choice((1, 3, 7, 20, 60)),
        },
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
