"""Report: what came of many runs, as numbers and as text."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ionq_toolkit_fake.chaos.checks import CHECKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ionq_toolkit_fake.chaos.checks import Violation
    from ionq_toolkit_fake.chaos.plan import Plan
    from ionq_toolkit_fake.chaos.run import Run


#: How many of a caller's requests are shown.
MOST_REQUESTS = 20


class Failure(NamedTuple):
    """A run that broke a check.

    Attributes:
        seed: Its seed.
        violations: What it broke, and how.
        trace: The requests of the caller concerned, or of all, as text.
        plan: What the run was.
    """

    seed: int
    violations: Sequence[Violation]
    trace: str
    plan: Plan


@dataclass
class Report:
    """What came of many runs.

    Attributes:
        without: The checks that were left out.
        runs: How many runs there were.
        failed: How many of them broke a check.
        endings: How callers ended: ``result``, ``stopped``, or the name of the error.
        violations: How often each check was broken.
        faults: How often each kind of fault happened.
        requests: How many requests were sent.
        jobs: How many jobs and sessions the cloud took.
        unsure: How many submissions were looked for when everything was over.
        virtual_s: How many virtual seconds passed.
        first: Of each check that was broken, the run of the lowest seed that broke it.
    """

    without: Sequence[str] = ()
    runs: int = 0
    failed: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    jobs: int = 0
    unsure: int = 0
    virtual_s: float = 0.0
    first: dict[str, Failure] = field(default_factory=dict, repr=False)

    @property
    def failures(self) -> list[Failure]:
        """The first run that broke each check, in the order of `CHECKS`."""
        return [self.first[name] for name in CHECKS if name in self.first]

    @property
    def first_seeds(self) -> dict[str, int]:
        """The seeds of `failures`, by what they broke."""
        return {name: self.first[name].seed for name in CHECKS if name in self.first}

    @property
    def ok(self) -> bool:
        """Whether no check was broken, in any run."""
        return not self.failed

    def add(self, run: Run) -> None:
        """Count a run."""
        self.runs += 1
        self.requests += len(run.sent)
        self.jobs += run.made
        self.unsure += run.unsure
        self.virtual_s += run.seconds
        self.faults.update(run.faults)
        self.violations.update(violation.check for violation in run.violations)
        for ending in run.endings:
            if ending.stopped is not None:
                self.endings["stopped"] += 1
            elif ending.error is not None:
                self.endings[type(ending.error).__name__] += 1
            else:
                self.endings["result"] += 1
        if run.violations:
            self.failed += 1
            self._keep(dict.fromkeys((one.check for one in run.violations), failure_of(run)))

    def merge(self, other: Report) -> None:
        """Count what another report has counted."""
        self.runs += other.runs
        self.failed += other.failed
        self.requests += other.requests
        self.jobs += other.jobs
        self.unsure += other.unsure
        self.virtual_s += other.virtual_s
        for mine, others in (
            (self.endings, other.endings),
            (self.violations, other.violations),
            (self.faults, other.faults),
        ):
            mine.update(others)
        self._keep(other.first)

    def _keep(self, failures: Mapping[str, Failure]) -> None:
        for name, failure in failures.items():
            if name not in self.first or failure.seed < self.first[name].seed:
                self.first[name] = failure

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as plain data."""
        return {
            "runs": self.runs,
            "failed": self.failed,
            "violations": {
                name: self.violations[name] for name in CHECKS if name not in self.without
            },
            "endings": dict(self.endings.most_common()),
            "faults": dict(self.faults.most_common()),
            "requests": self.requests,
            "jobs": self.jobs,
            "unsure": self.unsure,
            "virtual_s": round(self.virtual_s, 3),
            "first_seeds": self.first_seeds,
        }

    def __str__(self) -> str:
        callers = self.endings.total()
        checks = (
            f"{name} {f'{self.violations[name]:,} BROKEN' if self.violations[name] else 'ok'}"
            for name in CHECKS
            if name not in self.without
        )
        lines = [
            ", ".join(
                (
                    _count(self.runs, "run"),
                    _count(callers, "caller"),
                    _count(self.requests, "request"),
                    f"{self.virtual_s / 3600:,.1f} virtual hours",
                )
            ),
            _row("faults", self.faults) if self.faults else "faults    none",
            _row("callers", self.endings),
            f"accepted  {self.jobs:,} jobs and sessions, {self.unsure:,} looked for in the end",
            f"checks    {'  '.join(checks)}",
        ]
        return "\n".join(lines)


def failure_of(run: Run) -> Failure:
    """Return what is kept of a run that broke a check."""
    caller = next((one.caller for one in run.violations if one.caller is not None), None)
    lines = [str(sent) for sent in run.sent if caller is None or sent.caller == caller]
    left_out = len(lines) - MOST_REQUESTS
    if left_out > 0:
        half = MOST_REQUESTS // 2
        lines[half:-half] = [f"{'':10}   ... {left_out:,} more ..."]
    return Failure(run.plan.seed, tuple(run.violations), "\n".join(lines), run.plan)


def describe(failure: Failure, replay: str) -> str:
    """Return a failure as text: what broke under which plan, and how to see it again."""
    plan = failure.plan
    weather = f"{plan.weather.delay_s * 1000:g} ms each way"
    if plan.weather.late:
        weather += f", {plan.weather.late:.0%} far too late"
    lines = [f"seed {failure.seed} breaks:"]
    lines += [
        f"  {one.check}: {'' if one.caller is None else f'caller {one.caller}: '}{one.text}"
        for one in failure.violations
    ]
    lines += [
        f"under: {_count(plan.callers, 'caller')} of {plan.deadline_s:g} s; network {weather}",
        *(f"  fault: {_plain(table)}" for table in plan.scenario.faults),
        *(f"  jobs: {_plain(table)}" for table in plan.scenario.transitions),
        "what was sent:",
        *(f"  {line}" for line in failure.trace.splitlines()),
        f"replay: {replay}",
    ]
    return "\n".join(lines)


def _plain(table: Any) -> str:  # noqa: ANN401 - plain data
    return ", ".join(
        str(value) if name == "fault" else f"{name}={value!r}" for name, value in table.items()
    )


def _row(name: str, counts: Counter[str]) -> str:
    found = "  ".join(f"{what} {count:,}" for what, count in counts.most_common())
    return f"{name:10}{found}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if math.isclose(number, 1) else 's'}"
