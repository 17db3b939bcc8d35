"""The transitions of new jobs: those for all jobs, and rules for some."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ionq_toolkit_fake.facts.devices import DEVICES
from ionq_toolkit_fake.transitions.lifecycle import IMMEDIATELY, POLLS, End, JobPlan, Step
from ionq_toolkit_fake.transitions.spec import STEPS, Transitions
from ionq_toolkit_fake.validation import only, unknown, wrong

#: The most rules of one cloud: each new job is compared with all of them.
_MOST_RULES = 1_000

#: The conditions of a rule.
_MATCHES = ("name", "backend", "metadata", "nth", "child")


@dataclass
class TransitionRule:
    """Transitions, and which jobs they are for: those that fit everything that is given.

    Attributes:
        transitions: The transitions.
        name: The name of the job.
        backend: Its backend.
        metadata: Metadata that the job must have, beside any other.
        nth: Which of the jobs that fit the rest, the first being 1.
        child: Not for these jobs themselves, but for this child job of each: its place, the first
            being 1, or its name.
        seen: How many jobs fitted it so far.
    """

    transitions: Transitions
    name: str | None = None
    backend: str | None = None
    metadata: Mapping[str, str] | None = None
    nth: int | None = None
    child: int | str | None = None
    seen: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        self.transitions.check()
        if not (self.transitions.steps or self.transitions.end):
            raise ValueError(f"these transitions say nothing: give {', '.join(STEPS)} or end")
        if self.name is not None and not isinstance(self.name, str):
            raise wrong("name", "a text", self.name)
        if self.metadata is not None and not _are_texts(self.metadata):
            raise wrong("metadata", "names and values that are texts", self.metadata)
        if self.nth is not None and not _is_place(self.nth):
            raise wrong("nth", "1 for the first job, or more", self.nth)
        if self.child is not None:
            if not isinstance(self.child, str) and not _is_place(self.child):
                raise wrong("child", "1 for the first child job, or more, or its name", self.child)
            if self.transitions.steps:
                raise ValueError("child jobs go on with their parent: give them an end alone")

    def takes(self, name: str | None, backend: str, metadata: Mapping[str, str] | None) -> bool:
        """Return whether it is for a new job; each job that fits is counted."""
        fits = (
            self.name in {None, name}
            and self.backend in {None, backend}
            and (self.metadata or {}).items() <= (metadata or {}).items()
        )
        self.seen += fits
        return fits and self.nth in {None, self.seen}

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, which `from_dict` reads."""
        match = {key: getattr(self, key) for key in _MATCHES if getattr(self, key) is not None}
        return {**self.transitions.as_dict(), **({"match": match} if match else {})}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TransitionRule:
        """Read plain data: that of the transitions and, under `match`, which jobs they are for."""
        only(data, (*STEPS, "end", "match"), "transition")
        match = data.get("match", {})
        only(match, _MATCHES, "match")
        rest = {key: value for key, value in data.items() if key != "match"}
        return cls(Transitions.from_dict(rest), **match)


class TransitionRules:
    """The transitions of a cloud: those for all jobs, and rules for some.

    They are for jobs that are submitted from then on.
    """

    def __init__(self, base: Transitions, backends: Collection[str] = tuple(DEVICES)) -> None:
        """Begin without rules.

        Args:
            base: The transitions for all jobs; steps that it does not give are immediate.
            backends: The names of the backends that a rule can be for.

        Raises:
            ValueError: Jobs never come to the end that `base` gives.
        """
        base.check()
        self.base = base.over(Transitions.of(IMMEDIATELY))
        self._backends = backends
        self._rules: list[TransitionRule] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.as_list()}>"

    @property
    def rules(self) -> tuple[TransitionRule, ...]:
        """The rules that were set; where several are for a job, the later ones go before."""
        return tuple(self._rules)

    def set(
        self,
        transitions: Transitions | str,
        *,
        name: str | None = None,
        backend: str | None = None,
        metadata: Mapping[str, str] | None = None,
        nth: int | None = None,
        child: int | str | None = None,
    ) -> TransitionRule:
        """Set the transitions of jobs that are submitted from now on: of all, or of those that fit.

        ::

            cloud.transitions.set(Transitions(end=failed("SystemCancel")), name="bell", nth=2)
            cloud.transitions.set("predicted", backend="qpu.forte-1")
            jobs = [backend.run(circuit) for _ in range(2)]
            [job.errored() for job in jobs]  # -> [False, True]

        Args:
            transitions: Them, or `"immediately"`, or `"predicted"`.
            name: For jobs of this name.
            backend: For jobs on this backend.
            metadata: For jobs with this in their metadata.
            nth: For one of the jobs that fit the rest, the first being 1.
            child: For this child of those jobs: its place, the first being 1, or its name.

        Raises:
            ValueError: No job can ever fit, or nothing is set.
        """
        these = Transitions.of(transitions)
        return self.add(TransitionRule(these, name, backend, metadata, nth, child))

    def add(self, rule: TransitionRule | Transitions | str) -> TransitionRule:
        """Set a rule; transitions that are in no rule are for all jobs, as in `set`."""
        if not isinstance(rule, TransitionRule):
            rule = TransitionRule(Transitions.of(rule))
        if rule.backend is not None and str(rule.backend) not in self._backends:
            raise unknown("backend", rule.backend, self._backends)
        if rule.transitions.end is not None and rule.child is None and not self._rules:
            rule.transitions.over(self.base).check()  # other rules may give other steps
        if len(self._rules) >= _MOST_RULES:
            raise ValueError(f"there are {_MOST_RULES} rules of transitions: clear them first")
        self._rules.append(rule)
        return rule

    def seen(self) -> list[int]:
        """Return how many jobs fitted each of the rules so far."""
        return [rule.seen for rule in self._rules]

    def restore(self, rules: Sequence[Mapping[str, Any]], seen: Sequence[int]) -> None:
        """Set the rules of an earlier time again, as `as_list` and `seen` returned them."""
        self._rules = [TransitionRule.from_dict(rule) for rule in rules]
        for rule, count in zip(self._rules, seen, strict=True):
            rule.seen = count

    def clear(self) -> None:
        """Forget the rules.

        ::

            cloud.transitions.set(Transitions(end=failed("SystemCancel")))
            cloud.transitions.clear()
            backend.run(circuit).done()  # -> True
        """
        self._rules.clear()

    def as_list(self) -> list[dict[str, Any]]:
        """Return them as plain data: those for all jobs first, then the rules."""
        return [self.base.as_dict(), *(rule.as_dict() for rule in self._rules)]

    def plan(
        self,
        name: str | None,
        backend: str,
        metadata: Mapping[str, str] | None,
        *,
        rehearsal: bool,
        number: str,
    ) -> tuple[JobPlan, dict[int | str, End]]:
        """Return the plan of a new job, and the ends of some of its children.

        Args:
            name: The name of the job.
            backend: Its backend.
            metadata: Its metadata.
            rehearsal: Whether it is a dry run, which waits for no QPU.
            number: Differs for each job; seeds the jitter of this one.
        """
        found, children = self.base, dict[int | str, End]()
        for rule in self._rules:
            if not rule.takes(name, backend, metadata):
                continue
            if rule.child is None:
                found = rule.transitions.over(found)
            else:
                children.pop(rule.child, None)  # the order is that of the rules
                children[rule.child] = rule.transitions.planned_end
        given = found.steps
        ready, started, finished = (_sampled(given[step], f"{step} {number}") for step in STEPS)
        if rehearsal:
            started, finished = (
                step if step.kind == POLLS else Step(IMMEDIATELY) for step in (started, finished)
            )
        return JobPlan((ready, started, finished), found.planned_end), children


def _sampled(step: Step, stream: str) -> Step:
    """Return a step with its jitter sampled from a random stream."""
    if not step.jitter:
        return step
    chance = random.Random(stream)  # noqa: S311 - a fake, reproducible on purpose
    return Step(step.kind, step.amount + chance.uniform(-step.jitter, step.jitter))


def _is_place(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _are_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(text, str) for pair in value.items() for text in pair
    )
