"""Chaos tests: concurrent callers run a program against a faulty cloud on a virtual clock.

::

    from ionq_toolkit_fake.chaos import run_chaos

    report = run_chaos("ionq-toolkit", seeds=range(3))
    assert report.ok, report
"""

from ionq_toolkit_fake.chaos.caller import Caller
from ionq_toolkit_fake.chaos.checks import CHECKS
from ionq_toolkit_fake.chaos.harness import PROGRAMS, ChaosTest, run_chaos
from ionq_toolkit_fake.chaos.plan import NetworkConditions, RunPlan
from ionq_toolkit_fake.chaos.record import CallerEnding, Run, Violation
from ionq_toolkit_fake.chaos.report import Report
from ionq_toolkit_fake.chaos.schedule import StuckError

__all__ = [
    "CHECKS",
    "PROGRAMS",
    "Caller",
    "CallerEnding",
    "ChaosTest",
    "NetworkConditions",
    "Report",
    "Run",
    "RunPlan",
    "StuckError",
    "Violation",
    "run_chaos",
]
