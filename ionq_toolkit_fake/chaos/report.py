"""Report: the totals of many runs, and the description of one run, as data and as text."""

from __future__ import annotations

import inspect
import textwrap
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.chaos.checks import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ionq_toolkit_fake.chaos.record import Run


#: The most requests of a run that `describe` lists.
_MOST_LISTED = 20

#: The width of a report, in characters.
_WIDTH = 88


@dataclass
class Report:
    """The totals of many runs.

    ::

        report = run_chaos("ionq-toolkit", range(3))
        report.ok, report.failures  # -> (True, ...)

    Attributes:
        without: The checks that were left out.
        runs: The number of runs.
        failed: The number of runs that broke a check.
        endings: How callers ended: ``result``, ``stopped``, or the name of the error.
        violations: How often each check was broken.
        faults: How often each kind of fault was injected.
        requests: The number of requests that were sent.
        jobs: The number of jobs and sessions that the cloud accepted.
        unsure: The number of submissions whose outcome was searched for after the run.
        virtual_s: Virtual seconds that passed.
        first: For each broken check, the first run that broke it.
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
    first: dict[str, Run] = field(default_factory=dict, repr=False)

    @property
    def failures(self) -> list[Run]:
        """The first run that broke each check, in the order of `CHECKS`."""
        return [self.first[name] for name in CHECKS if name in self.first]

    @property
    def ok(self) -> bool:
        """Whether no run broke a check."""
        return not self.failed

    def add(self, run: Run) -> None:
        """Add a run to the totals."""
        self.runs += 1
        self.failed += bool(run.violations)
        self.requests += len(run.sent)
        self.jobs += len(run.accepted)
        self.unsure += run.unsure
        self.virtual_s += run.seconds
        self.faults.update(run.faults)
        self.endings.update(ending.outcome for ending in run.endings)
        self.violations.update(violation.check for violation in run.violations)
        for name in run.broken:
            self.first.setdefault(name, run)

    def as_dict(self) -> dict[str, Any]:
        """Return the totals as plain data."""
        return {
            "runs": self.runs,
            "failed": self.failed,
            "violations": {one: self.violations[one] for one in CHECKS if one not in self.without},
            "endings": dict(self.endings.most_common()),
            "faults": dict(self.faults.most_common()),
            "requests": self.requests,
            "jobs": self.jobs,
            "unsure": self.unsure,
            "virtual_s": round(self.virtual_s, 3),
            "first_seeds": {one: self.first[one].plan.seed for one in CHECKS if one in self.first},
        }

    def __str__(self) -> str:
        passed = "none failed" if self.ok else f"{self.failed:,} FAILED"
        totals = (
            f"{_count(self.runs, 'run')} ({passed})",
            _count(self.endings.total(), "caller"),
            _count(self.requests, "request"),
            f"{self.virtual_s / 3600:,.1f} virtual hours",
        )
        accepted = (
            f"{self.jobs:,} jobs and sessions",
            f"{_count(self.unsure, 'unknown outcome')} resolved after the run",
        )
        lines = [
            *_row("total", totals),
            *_row("faults", (f"{name} {n:,}" for name, n in self.faults.most_common())),
            *_row("callers", (f"{name} {n:,}" for name, n in self.endings.most_common())),
            *_row("accepted", accepted),
            "",
            "check    broken  first seed  requirement",
        ]
        for name, check in CHECKS.items():
            if name not in self.without:
                seed = self.first[name].plan.seed if name in self.first else "-"
                about = (inspect.getdoc(check) or "").splitlines()[:1]
                lines.append(f"{name:8}{self.violations[name]:7,}  {seed:>10}  {''.join(about)}")
        return "\n".join(lines)


def describe(run: Run) -> str:
    """Return a run as text: its violations, its plan, and its requests."""
    plan, conditions = run.plan, run.plan.conditions
    caller = next((one.caller for one in run.violations if one.caller is not None), None)
    requests = [str(sent) for sent in run.sent if caller is None or sent.caller == caller]
    left_out = len(requests) - _MOST_LISTED
    if left_out > 0:
        half = _MOST_LISTED // 2
        requests[half:-half] = [f"{'':10}   ... {left_out:,} more ..."]
    network = f"{conditions.delay_s * 1000:g} ms each way"
    if conditions.late:
        network += f", {conditions.late:.0%} of requests arrive after their callers give up"
    broken = ", ".join(name for name in CHECKS if name in run.broken) or "no check"
    lines = [
        f"seed {plan.seed} breaks {broken}",
        *(
            f"  {one.check}: {'' if one.caller is None else f'caller {one.caller}: '}{one.text}"
            for one in run.violations
        ),
        "plan:",
        f"  {_count(plan.callers, 'caller')} of {plan.deadline_s:g} s",
        f"  network: {network}",
        *(f"  fault: {_plain(table)}" for table in plan.scenario.faults),
        *(f"  jobs: {_plain(table)}" for table in plan.scenario.transitions),
        "requests:" if caller is None else f"requests of caller {caller}:",
        *(f"  {line}" for line in requests),
    ]
    return "\n".join(lines)


def _plain(table: Any) -> str:  # noqa: ANN401 - plain data
    return ", ".join(
        str(value) if name == "fault" else f"{name}={value!r}" for name, value in table.items()
    )


def _row(name: str, parts: Iterable[str]) -> list[str]:
    # Lines break between parts, not inside one.
    text = ", ".join(part.replace(" ", "\xa0") for part in parts) or "none"
    indent = f"{name:10}"
    lines = textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent))
    return [line.replace("\xa0", " ") for line in lines]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
