"""The rules that decide which faults happen to which requests."""

from __future__ import annotations

import functools
import itertools
import random
import re
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from ionq_toolkit_fake.api.operations import OPERATIONS, OPERATIONS_V03
from ionq_toolkit_fake.faults.kinds import KINDS, Fault, make
from ionq_toolkit_fake.forks import ForkLock
from ionq_toolkit_fake.models.accounts import DIGEST, stored
from ionq_toolkit_fake.validation import number, unknown, whole, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ionq_toolkit_fake.api.operations import Operation, OperationName
    from ionq_toolkit_fake.api.request import LoggedRequest
    from ionq_toolkit_fake.faults.exchange import Exchange

#: The number of faults that fired and are remembered.
_MOST_FIRED = 10_000

#: The number of rules that are remembered although they have happened as often as they may.
_MOST_SPENT = 10_000

#: The longest pattern of operations, and the most patterns of one rule and rules of one cloud.
_LONGEST_PATTERN, _MOST_PATTERNS, _MOST_RULES = 200, 100, 1_000

_VARIABLE = re.compile(r"<[^<>]*>|{[^{}]*}")


@dataclass(frozen=True)
class FaultRule:
    """A fault, and the requests that it happens to.

    Attributes:
        fault: The fault.
        on: The operations: names as ``POST /jobs``, ``GET /jobs/<job_id>`` or ``CreateJob``,
            in which ``*`` matches any text, slashes included; one or several.
        times: The number of requests that it happens to; None: all.
        skip: The number of requests that it spares before the first.
        probability: The probability that it happens to each of the others.
        key: Only requests with this API key. The rule keeps ``sha256:`` and the key's digest, and
            takes that form as well.
        after_effect: Whether the request takes effect nevertheless; None: as the fault has it.

    Raises:
        ValueError: A value is not valid, an operation is unknown, or the fault could never happen.
    """

    fault: Fault
    on: str | Sequence[str] = "*"
    times: int | None = None
    skip: int = 0
    probability: float = 1.0
    key: str | None = None
    after_effect: bool | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.fault, Fault):
            raise ValueError(  # noqa: TRY004 - as everything that is wrong with a rule
                f"a fault is made by faults.http(429) and the like; {self.fault!r} is none"
            )
        if self.times is not None:
            whole("times", self.times, 1)
        whole("skip", self.skip, 0)
        number("probability", self.probability, above=0, most=1)
        if self.key is not None:
            object.__setattr__(self, "key", stored(self.key))
        fixed = KINDS[self.fault.kind].after_effect
        if not isinstance(self.after_effect, bool | None):
            raise wrong("after_effect", "true or false", self.after_effect)
        if fixed is not None and self.after_effect not in {None, fixed}:
            what = "comes after the request took effect" if fixed else "keeps it from being sent"
            raise ValueError(f"after_effect={self.after_effect} cannot be: {self.fault!r} {what}")
        if not isinstance(self.on, str):
            if not isinstance(self.on, Sequence) or not self.on:
                raise wrong("on", "one or several operations", self.on)
            if len(self.on) > _MOST_PATTERNS:
                raise ValueError(f"on=... has more than {_MOST_PATTERNS} operations: use patterns")
            object.__setattr__(self, "on", tuple(self.on))
        if not self.operations:
            methods = ", ".join(KINDS[self.fault.kind].methods)
            raise ValueError(
                f"{self.fault!r} happens to {methods} only: on={self.on!r} never is one of them"
            )

    @property
    def operations(self) -> frozenset[str]:
        """The names of the operations whose requests it can happen to."""
        patterns = [self.on] if isinstance(self.on, str) else self.on
        methods = KINDS[self.fault.kind].methods
        return frozenset(
            operation.name
            for pattern in patterns
            for operation in _matching(pattern)
            if not methods or operation.method in methods
        )

    @property
    def keeps_effect(self) -> bool:
        """Whether the request takes effect nevertheless."""
        fixed = KINDS[self.fault.kind].after_effect
        return bool(self.after_effect) if fixed is None else fixed


@dataclass(eq=False)
class ArmedRule:
    """A rule of one cloud, with its counts.

    Attributes:
        rule: The rule.
        number: Its number among those added since the cloud was made or reset, from 1.
        operations: The rule's operations.
        reached: The number of requests that it could have happened to so far.
        fired: The number of requests that it happened to.
    """

    rule: FaultRule
    number: int
    chance: random.Random = field(repr=False)
    operations: frozenset[str] = field(repr=False)
    reached: int = 0
    fired: int = 0

    def due(self, operation: str, key: str | None) -> bool:
        """Return whether it happens to a request, and count the request."""
        rule = self.rule
        if operation not in self.operations or (rule.key is not None and rule.key != key):
            return False
        if self.spent:
            return False
        self.reached += 1
        if self.reached <= rule.skip or (
            rule.probability < 1 and self.chance.random() >= rule.probability
        ):
            return False
        self.fired += 1
        return True

    @property
    def spent(self) -> bool:
        """Whether it has happened as often as it may."""
        return self.rule.times is not None and self.fired >= self.rule.times

    @property
    def always(self) -> bool:
        """Whether it happens to every further request that it can happen to."""
        rule = self.rule
        return rule.times is None and rule.probability == 1 and self.reached >= rule.skip

    def act(self, exchange: Exchange) -> Exchange:
        """Return an exchange with its fault."""
        return self.rule.fault.act(exchange, self.chance)


class Fired(NamedTuple):
    """A fault that happened.

    Attributes:
        rule: Its rule.
        request: The request that it happened to.
    """

    rule: ArmedRule
    request: LoggedRequest

    @property
    def fault(self) -> Fault:
        """The fault."""
        return self.rule.rule.fault


class FaultRules:
    """The rules of one cloud.

    Each request passes them in the order in which they were added. Every latency that is due
    happens, and they add up; of the other faults, only the first that is due happens, and the rules
    after it do not count the request. Each rule has its own random stream, seeded by the cloud's
    seed and the rule's number. A rule that has happened as often as it may costs a request nothing.

    ::

        cloud.faults.add(faults.http(429, retry_after=3), on="POST /jobs", times=2)
        backend.run(circuit)
        [one.fault.kind for one in cloud.faults.fired]  # -> ['http', 'http']
        cloud.faults.clear()
    """

    def __init__(self, seed: int, takes: Callable[[bytes], bool]) -> None:
        """Begin without rules.

        Args:
            seed: The cloud's seed.
            takes: Returns whether the cloud takes the key of a digest.
        """
        self._seed, self._takes = seed, takes
        self._lock = ForkLock()
        self._rules: dict[int, ArmedRule] = {}
        self._live: dict[tuple[str, bool], OrderedDict[int, ArmedRule]] = {}
        self._unlimited: dict[int, ArmedRule] = {}
        self._spent: deque[int] = deque()
        self._added = 0
        #: The numbers of the rules that were changed or removed since this was cleared.
        self.changed: set[int] = set()
        self._fired: deque[Fired] = deque(maxlen=_MOST_FIRED)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {[armed.rule for armed in self.rules]}>"

    @property
    def rules(self) -> tuple[ArmedRule, ...]:
        """The rules, including those that have happened as often as they may; of these 10 000."""
        with self._lock:
            return tuple(self._rules.values())

    @property
    def fired(self) -> list[Fired]:
        """The faults that happened, in order; the last 10 000."""
        with self._lock:
            return list(self._fired)

    def add(
        self,
        fault: Fault,
        on: OperationName | str | Sequence[str] = "*",
        *,
        times: int | None = None,
        skip: int = 0,
        probability: float = 1.0,
        key: str | None = None,
        after_effect: bool | None = None,
    ) -> ArmedRule:
        """Add a rule: a fault happens from now on.

        ::

            cloud.faults.add(faults.latency(30), on="GET /jobs/<job_id>", probability=0.2)
            cloud.faults.add(faults.refused(), on=["POST /jobs", "DELETE *"], skip=1, times=1)

        Args:
            fault: The fault, such as ``faults.http(429, retry_after=3)``.
            on: The operations, such as ``POST /jobs``; see `FaultRule`.
            times: The number of requests that it happens to; None: all.
            skip: The number of requests that it spares before the first.
            probability: The probability that it happens to each of the others.
            key: Only requests with this API key, which is not kept.
            after_effect: Whether the request takes effect nevertheless; None: as the fault has it.

        Raises:
            ValueError: See `FaultRule`; or the cloud does not take the key, or an earlier rule
                happens to every request that this one could happen to.
        """
        return self.arm(FaultRule(fault, on, times, skip, probability, key, after_effect))

    def arm(self, rule: FaultRule) -> ArmedRule:
        """Add a rule; see `add`."""
        if rule.key is not None and not self._takes(bytes.fromhex(rule.key.removeprefix(DIGEST))):
            raise ValueError("key=... is none that this cloud takes, so that the rule never fires")
        with self._lock:
            if len(self._rules) - len(self._spent) >= _MOST_RULES:
                raise ValueError(f"there are {_MOST_RULES} rules of faults: remove some first")
            left = rule.operations
            for armed in self._endless():
                same_keys = armed.rule.key in {None, rule.key}
                if armed.always and same_keys and armed.rule.fault.kind != "latency":
                    left -= armed.operations
            if not left and rule.fault.kind != "latency":
                raise ValueError(
                    f"{rule.fault!r} on {rule.on!r} never fires: rules that were added before "
                    "happen to all of these requests; give them times=..., or remove them first"
                )
            self._added += 1
            # Streams of their own: no rule changes what another draws, or the cloud.
            chance = random.Random(f"faults {self._seed} {self._added}")  # noqa: S311 - a fake
            return self._keep(ArmedRule(rule, self._added, chance, rule.operations))

    def restore(self, number: int, rule: FaultRule, reached: int, fired: int) -> None:
        """Add a rule of an earlier time again; its random stream is another one from now on."""
        with self._lock:
            self._added = max(self._added, number)
            stream = f"faults {self._seed} {number} {reached}"
            chance = random.Random(stream)  # noqa: S311 - a fake
            self._keep(ArmedRule(rule, number, chance, rule.operations, reached, fired))
            self.changed.discard(number)

    def find(self, number: int) -> ArmedRule | None:
        """Return the rule of a number, or None if it was removed."""
        return self._rules.get(number)

    def _keep(self, armed: ArmedRule) -> ArmedRule:
        self._rules[armed.number] = armed
        self.changed.add(armed.number)
        if armed.spent:
            self._spent.append(armed.number)
            return armed
        if armed.rule.times is None:
            self._unlimited[armed.number] = armed
        for place in _places(armed):
            self._live.setdefault(place, OrderedDict())[armed.number] = armed
        return armed

    def remove(self, armed: ArmedRule) -> None:
        """Remove a rule.

        ::

            rule = cloud.faults.add(faults.http(503))
            cloud.faults.remove(rule)

        Raises:
            ValueError: The cloud does not have the rule.
        """
        with self._lock:
            if self._rules.get(armed.number) is not armed:
                raise ValueError(f"there is no rule {armed!r}")
            del self._rules[armed.number]
            if armed.spent:
                self._spent.remove(armed.number)
            self.changed.add(armed.number)
            self._unlimited.pop(armed.number, None)
            self._retire(armed)

    def clear(self) -> None:
        """Remove all rules; the faults that fired stay listed."""
        with self._lock:
            self.changed.update(self._rules)
            self._rules.clear()
            self._live.clear()
            self._unlimited.clear()
            self._spent.clear()

    def reset(self) -> None:
        """Remove all rules, and forget the faults that fired."""
        with self._lock:
            self.clear()
            self._fired.clear()
            self._added = 0

    def due(self, operation: str, digest: bytes | None) -> list[ArmedRule]:
        """Return the rules that happen to a request, in order.

        Args:
            operation: The name of its operation.
            digest: The digest of its API key, if it has a key.
        """
        key = None if digest is None else DIGEST + digest.hex()
        with self._lock:
            nothing = OrderedDict[int, ArmedRule]()
            late = self._live.get((operation, True), nothing).values()
            found = [armed for armed in late if self._due(armed, operation, key)]
            others = self._live.get((operation, False), nothing).values()
            due = (armed for armed in others if self._due(armed, operation, key))
            found += itertools.islice(due, 1)
            for armed in found:
                if armed.spent:
                    self._retire(armed)
                    self._spent.append(armed.number)
            while len(self._spent) > _MOST_SPENT:
                self.changed.add(self._spent[0])
                self._rules.pop(self._spent.popleft(), None)
        return sorted(found, key=lambda armed: armed.number)

    def _due(self, armed: ArmedRule, operation: str, key: str | None) -> bool:
        reached = armed.reached
        found = armed.due(operation, key)
        if armed.reached != reached:
            self.changed.add(armed.number)
        return found

    def _retire(self, armed: ArmedRule) -> None:
        """Take a rule from those that can happen."""
        for place in _places(armed):
            live = self._live.get(place, OrderedDict())
            live.pop(armed.number, None)
            if not live:
                self._live.pop(place, None)

    def _endless(self) -> Iterator[ArmedRule]:
        """Yield the rules that happen to every further request that they can happen to."""
        return (armed for armed in self._unlimited.values() if armed.always)

    def note(self, armed: Iterable[ArmedRule], request: LoggedRequest) -> None:
        """Remember the rules that happened to a request."""
        with self._lock:
            self._fired.extend(Fired(one, request) for one in armed)


def _places(armed: ArmedRule) -> Iterator[tuple[str, bool]]:
    """Yield where a rule that can happen is: by its operations, and whether it adds up."""
    adds_up = armed.rule.fault.kind == "latency"
    return ((operation, adds_up) for operation in armed.operations)


def to_dict(rule: FaultRule) -> dict[str, Any]:
    """Return a rule as plain data, without defaults.

    ::

        rule = cloud.faults.add(faults.http(429), on="POST /jobs", times=2).rule
        faults.to_dict(rule)  # -> {'fault': 'http', 'status': 429, 'on': 'POST /jobs', 'times': 2}
    """
    plain: dict[str, Any] = {"fault": rule.fault.kind, **rule.fault.parameters}
    plain["on"] = rule.on if isinstance(rule.on, str) else list(rule.on)
    for name in ("times", "skip", "probability", "key", "after_effect"):
        value = getattr(rule, name)
        if value != FaultRule.__dataclass_fields__[name].default:
            plain[name] = value
    return plain


def from_dict(plain: Mapping[str, Any]) -> FaultRule:
    """Return the rule that plain data describes; see `to_dict`.

    ::

        rule = faults.from_dict({"fault": "http", "status": 429, "on": "POST /jobs", "times": 2})
        cloud.faults.arm(rule)

    Raises:
        ValueError: The data is not a valid rule.
    """
    if not isinstance(plain, Mapping) or "fault" not in plain:
        raise ValueError("a rule is a table with at least the key 'fault', the kind of the fault")
    own = {name: plain[name] for name in FaultRule.__dataclass_fields__ if name in plain}
    parameters = {name: value for name, value in plain.items() if name not in own}
    own["fault"] = make(own["fault"], parameters)
    return FaultRule(**own)


def _plain(name: str) -> str:
    """Return a name without the names of its variable parts, which differ between documents."""
    return _VARIABLE.sub("<>", name)


#: Each operation by its name, and by its name in IonQ's document.
_NAMES = [
    (name, operation)
    for operation in (*OPERATIONS, *OPERATIONS_V03)
    for name in (_plain(operation.name), operation.document)
    if name is not None
]


def _matching(pattern: object) -> tuple[Operation, ...]:
    """Return the operations of a pattern."""
    short = isinstance(pattern, str) and len(pattern) <= _LONGEST_PATTERN
    found = _named(str(pattern)) if short else ()
    if not found:
        raise unknown("operation", pattern, [operation.name for operation in OPERATIONS])
    return found


@functools.lru_cache(maxsize=1024)
def _named(pattern: str) -> tuple[Operation, ...]:
    plain = _plain(pattern)
    return tuple(operation for name, operation in _NAMES if fnmatchcase(name, plain))
