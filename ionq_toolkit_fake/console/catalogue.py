"""The choices that the console offers, all from the tables of the package."""

from __future__ import annotations

import inspect
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake import faults
from ionq_toolkit_fake.api.operations import OPERATIONS
from ionq_toolkit_fake.clock import VirtualClock
from ionq_toolkit_fake.console import lines
from ionq_toolkit_fake.facts.failures import FAILURES
from ionq_toolkit_fake.faults import FaultRule
from ionq_toolkit_fake.models.submission import QASM3, SINGLE_CIRCUIT
from ionq_toolkit_fake.scenario import Scenario, names
from ionq_toolkit_fake.simulation.noise import NOISE_MODELS
from ionq_toolkit_fake.transitions.lifecycle import (
    FINAL,
    IMMEDIATELY,
    LIFECYCLE,
    NEVER,
    POLLS,
    PREDICTED,
    SECONDS,
)
from ionq_toolkit_fake.transitions.spec import STEPS

if TYPE_CHECKING:
    from ionq_toolkit_fake.cloud import FakeIonQ

_BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]

_BELL_3 = """OPENQASM 3.0;
include "stdgates.inc";

qubit[2] q;
bit[2] c;

h q[0];
cx q[0], q[1];
c = measure q;
"""

_GHZ_3 = """OPENQASM 3.0;
include "stdgates.inc";

qubit[5] q;
bit[5] c;

h q[0];
for int i in [0:3] { cx q[i], q[i + 1]; }
c = measure q;
"""

_ROTATION_3 = """OPENQASM 3.0;
include "stdgates.inc";

qubit[1] q;
bit[1] c;

// cos(pi/8)^2: 85 % of the shots are 0
ry(pi / 4) q[0];
c = measure q;
"""

_BELL_2 = """OPENQASM 2.0;
include "qelib1.inc";

qreg q[2];
creg c[2];

h q[0];
cx q[0],q[1];
measure q -> c;
"""

#: Programs to begin with, by the language and their names.
EXAMPLES = {
    "OpenQASM 3": {"Bell pair": _BELL_3, "GHZ, 5 qubits": _GHZ_3, "Rotation": _ROTATION_3},
    "OpenQASM 2": {"Bell pair": _BELL_2},
    "JSON": {
        "Bell pair": {"qubits": 2, "circuit": _BELL},
        "Toffoli": {
            "qubits": 3,
            "circuit": [
                {"gate": "x", "targets": [0, 1]},
                {"gate": "x", "controls": [0, 1], "target": 2},
            ],
        },
        "Native gates": {
            "gateset": "native",
            "qubits": 2,
            "circuit": [
                {"gate": "gpi2", "target": 0, "phase": 0.25},
                {"gate": "ms", "targets": [0, 1], "phases": [0, 0], "angle": 0.25},
                {"gate": "gpi", "target": 1, "phase": 0.5},
            ],
        },
    },
}

#: The type of a job in each language; OpenQASM 2 is translated to 3 first.
TYPES = {"OpenQASM 3": QASM3, "OpenQASM 2": QASM3, "JSON": SINGLE_CIRCUIT}


def catalogue(cloud: FakeIonQ) -> dict[str, Any]:
    """Return everything that forms and buttons offer, and a cloud's own settings."""
    return {
        **_tables(),
        "seed": cloud.seed,
        "virtual": isinstance(cloud.clock, VirtualClock),
        "takes_every_key": cloud.takes_every_key,
        "backends": [
            {"name": one.name, "qubits": one.qubits, "status": one.status, "is_qpu": one.is_qpu}
            for one in cloud.facility.devices.values()
        ],
    }


@cache
def _tables() -> dict[str, Any]:
    """Return what is the same for each cloud."""
    return {
        "version": version("ionq-toolkit"),
        "statuses": [*LIFECYCLE, *sorted(FINAL - set(LIFECYCLE))],
        "final": sorted(FINAL),
        "noise_models": ["ideal", *NOISE_MODELS],
        "operations": [one.name for one in OPERATIONS],
        "faults": [_fault(name) for name in faults.KINDS],
        "http": [{"status": status, "title": one.title} for status, one in faults.STATUSES.items()],
        "failures": [
            {"code": code, "message": one.message, "at": one.at} for code, one in FAILURES.items()
        ],
        "steps": list(STEPS),
        "step_kinds": [IMMEDIATELY, POLLS, SECONDS, PREDICTED, NEVER],
        "open_statuses": list(LIFECYCLE[:-1]),
        "scenarios": [
            {"name": name, "description": Scenario.of(name).description} for name in names()
        ],
        "controls": list(lines.LINES),
        "examples": EXAMPLES,
        "types": TYPES,
    }


def _fault(name: str) -> dict[str, Any]:
    """Return a kind of fault, its parameters with the values of its example, and its operation."""
    kind = faults.KINDS[name]
    example = lines.fault_of(kind.example)
    default = "POST /jobs" if not kind.methods or "POST" in kind.methods else "GET /jobs/<job_id>"
    plain = faults.to_dict(FaultRule(example, default))
    return {
        "fault": name,
        "summary": kind.summary,
        "example": kind.example,
        "methods": list(kind.methods),
        "on_socket": kind.on_socket,
        "on": default,
        "parameters": [
            {"name": one.name, "required": one.default is one.empty, "value": plain.get(one.name),
             "default": None if one.default is one.empty else one.default}
            for one in inspect.signature(kind.make).parameters.values()
        ],
    }  # fmt: skip
