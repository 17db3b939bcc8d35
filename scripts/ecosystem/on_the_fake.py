"""A plugin of pytest: the whole run is on a fake of its own, which has a few finished jobs."""

from __future__ import annotations

import pytest
from qiskit import QuantumCircuit

from ionq_toolkit import IonQProvider
from ionq_toolkit_fake import FakeIonQ, mock_ionq

_MOCK = mock_ionq(FakeIonQ(seed=1))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """Take the requests from here on; suites that run on the service expect older jobs there."""
    _MOCK.__enter__()
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    backend = IonQProvider("any-key").get_backend("simulator")
    for _ in range(4):
        backend.run(circuit, shots=100).result()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Let requests pass again."""
    _MOCK.__exit__(None, None, None)
