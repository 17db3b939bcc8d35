"""A Qiskit client for the IonQ Quantum Cloud whose transport is pluggable.

::

    from ionq_toolkit import IonQProvider

    backend = IonQProvider(transport="fake").get_backend("ionq_simulator")
    counts = backend.run(circuit, shots=1000).get_counts()

The same code runs on the real service without ``transport="fake"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ionq_toolkit import errors, events, transport
from ionq_toolkit._version import __version__
from ionq_toolkit.api.client import IonQClient
from ionq_toolkit.backend import IonQBackend
from ionq_toolkit.circuits.native_gates import GPI2Gate, GPIGate, MSGate, ZZGate, add_equivalences
from ionq_toolkit.job.job import IonQJob
from ionq_toolkit.job.options import ErrorMitigation, RunArguments
from ionq_toolkit.job.together import gather, wait
from ionq_toolkit.provider import IonQProvider
from ionq_toolkit.results.result import IonQResult
from ionq_toolkit.session import Session
from ionq_toolkit.transport import (
    InProcessTransport,
    Response,
    RetryingTransport,
    Transport,
)
from ionq_toolkit.transport.retry import RetryPolicy

if TYPE_CHECKING:
    from ionq_toolkit.transport import HttpTransport, RecordingTransport, ReplayTransport


def __getattr__(name: str) -> object:
    if name in {
        "HttpTransport",
        "RecordingTransport",
        "ReplayTransport",
    }:  # imported when they are asked for
        return getattr(transport, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "ErrorMitigation",
    "GPI2Gate",
    "GPIGate",
    "HttpTransport",
    "InProcessTransport",
    "IonQBackend",
    "IonQClient",
    "IonQJob",
    "IonQProvider",
    "IonQResult",
    "MSGate",
    "RecordingTransport",
    "ReplayTransport",
    "Response",
    "RetryPolicy",
    "RetryingTransport",
    "RunArguments",
    "Session",
    "Transport",
    "ZZGate",
    "__version__",
    "add_equivalences",
    "errors",
    "events",
    "gather",
    "wait",
]
