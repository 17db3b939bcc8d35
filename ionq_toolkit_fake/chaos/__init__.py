"""Soaking: does a program lose a job, or pay twice, when the service is in trouble?

Several callers run it at a time, each in a thread, one of which runs at a time on a virtual clock.
What goes wrong, and whose turn it is, follows from a seed. After each run, checks are made of what
the cloud has and what the callers know.
"""

from ionq_toolkit_fake.chaos.caller import Caller
from ionq_toolkit_fake.chaos.checks import CHECKS, Violation
from ionq_toolkit_fake.chaos.harness import PROGRAMS, ChaosTest, run_chaos
from ionq_toolkit_fake.chaos.plan import Plan, Weather
from ionq_toolkit_fake.chaos.report import Failure, Report
from ionq_toolkit_fake.chaos.run import Run
from ionq_toolkit_fake.chaos.schedule import StuckError

__all__ = [
    "CHECKS",
    "PROGRAMS",
    "Caller",
    "ChaosTest",
    "Failure",
    "Plan",
    "Report",
    "Run",
    "StuckError",
    "Violation",
    "Weather",
    "run_chaos",
]
