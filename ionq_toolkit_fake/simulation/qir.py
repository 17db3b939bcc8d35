"""QIR modules, as programs: CUDA-Q and others send them as LLVM bitcode or text.

A process of its own reads each (`qir_reader.py`), because LLVM ends its process on some modules
that are malformed. Nothing in a module is executed.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ionq_toolkit_fake.simulation.outcome import SimulationFailure
from ionq_toolkit_fake.simulation.program import Gate, Program

if TYPE_CHECKING:
    from ionq_toolkit_fake.simulation.program import Qir

#: How long reading may take, in seconds, however little of them it computes: on a busy machine
#: the reader waits. What it computes is limited in `qir_reader.py`.
MOST_SECONDS = 300

_READER = Path(__file__).with_name("qir_reader.py")


def load(source: Qir, width: int) -> Program:
    """Read a module of the base profile.

    Every qubit is measured at the end, as of all circuits of IonQ's, whatever the module records.

    Args:
        source: The module.
        width: The most qubits that it may have.

    Raises:
        SimulationFailure: It is no module, not of the base profile, or too wide.
    """
    command = [sys.executable, "-P", str(_READER)]
    try:
        done = subprocess.run(  # noqa: S603 - a program of this package
            command,
            check=False,
            input=_bytes(source.data),
            capture_output=True,
            timeout=MOST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise _unreadable(f"takes more than {MOST_SECONDS} s to read") from None
    if done.returncode:
        raise _unreadable(f"cannot be read: its reader ended with {done.returncode}")
    found = json.loads(done.stdout)
    if "code" in found:
        raise SimulationFailure(found["code"], found["message"])
    qubits = found["qubits"]
    if qubits > width:
        raise SimulationFailure(
            "NotEnoughQubits", f"The job requires {qubits} qubits and the backend has {width}."
        )
    if not qubits:
        raise _unreadable("has no qubits")
    gates = (
        Gate(name, tuple(targets), tuple(controls), tuple(angles))
        for name, targets, controls, angles in found["gates"]
    )
    return Program(qubits, tuple(gates))


def _bytes(data: str) -> bytes:
    """Return the module in the data of a job: base64, or text as it is, which QRMI sends."""
    if re.search(r"^define\b", data, re.MULTILINE):
        return data.encode("utf-8", "replace")
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except ValueError:
        raise _unreadable("is not base64 of LLVM bitcode or text") from None


def _unreadable(reason: str) -> SimulationFailure:
    return SimulationFailure("PreflightError", f"the QIR module {reason}")
