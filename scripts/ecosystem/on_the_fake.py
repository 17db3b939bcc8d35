"""A plugin of pytest: the whole run is on a fake of its own, which has a few finished jobs.

With `--noiseless` its QPUs have no noise: a test that passes then, and else fails, fails by the noise.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from qiskit import QuantumCircuit

from ionq_toolkit import IonQProvider
from ionq_toolkit_fake import FakeIonQ, mock_ionq

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_PERFECT = {"1q": 1.0, "2q": 1.0, "spam": 1.0}


@dataclasses.dataclass
class OnTheFake:
    """The interception of a run, and the cloud that is asked."""

    cloud: FakeIonQ
    mock: AbstractContextManager[object]
    own: int = 0

    def begin(self) -> None:
        """Take the requests from here on; suites that run on the service expect older jobs there."""
        self.mock.__enter__()
        circuit = QuantumCircuit(1, 1)
        circuit.measure(0, 0)
        backend = IonQProvider("any-key").get_backend("simulator")
        for _ in range(4):
            backend.run(circuit, shots=100).result()
        self.own = len(self.cloud.requests)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Let requests pass again."""
        self.mock.__exit__(None, None, None)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print how many requests of the tests there were; a cloud remembers the last 10,000."""
        asked = len(self.cloud.requests) - self.own
        terminalreporter.write_line(f"requests to the fake: {asked}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--noiseless", action="store_true", help="QPUs without noise")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Put a fake in the place of the service."""
    fidelities = {"qpu.forte-1": _PERFECT} if session.config.getoption("noiseless") else None
    cloud = FakeIonQ(seed=1, fidelities=fidelities)
    plugin = OnTheFake(cloud, mock_ionq(cloud, key=None))
    plugin.begin()
    session.config.pluginmanager.register(plugin)
