"""IonQ's cloud on your own machine, simulated with Qiskit Aer.

::

    from ionq_toolkit_fake import FakeIonQ, mock_ionq

    @mock_ionq
    def test_any_client_of_api_ionq_co(): ...

Public names are imported when they are first used: pytest loads the plugin of this package in every
test run on the computer.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ionq_toolkit_fake import faults
    from ionq_toolkit_fake.assertions import assert_counts_agree, assert_counts_follow
    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.facts.deviations import DEVIATIONS
    from ionq_toolkit_fake.facts.failures import FAILURES
    from ionq_toolkit_fake.intercept import StandstillError, UnansweredRequest, mock_ionq
    from ionq_toolkit_fake.local import backend
    from ionq_toolkit_fake.models.accounts import Access
    from ionq_toolkit_fake.models.agenda import Retention
    from ionq_toolkit_fake.scenario import Scenario
    from ionq_toolkit_fake.server import FakeServer
    from ionq_toolkit_fake.transitions.spec import Transitions, after, canceled, failed

#: The module of each public name.
_MODULES = {
    "DEVIATIONS": "facts.deviations",
    "FAILURES": "facts.failures",
    "Access": "models.accounts",
    "FakeIonQ": "control",  # with the controls
    "FakeServer": "server",
    "Retention": "models.agenda",
    "Scenario": "scenario",
    "StandstillError": "intercept",
    "Transitions": "transitions.spec",
    "UnansweredRequest": "intercept",
    "after": "transitions.spec",
    "assert_counts_agree": "assertions",
    "assert_counts_follow": "assertions",
    "backend": "local",
    "canceled": "transitions.spec",
    "failed": "transitions.spec",
    "faults": "faults",
    "mock_ionq": "intercept",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"ionq_toolkit_fake needs the module {error.name!r}, which is not installed. "
            "Install the extra: pip install 'ionq-toolkit[fake]'",
            name=error.name,
        ) from error
    found: object = module if _MODULES[name] == name else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*globals(), *_MODULES]


__all__ = [
    "DEVIATIONS",
    "FAILURES",
    "Access",
    "FakeIonQ",
    "FakeServer",
    "Retention",
    "Scenario",
    "StandstillError",
    "Transitions",
    "UnansweredRequest",
    "after",
    "assert_counts_agree",
    "assert_counts_follow",
    "backend",
    "canceled",
    "failed",
    "faults",
    "mock_ionq",
]
