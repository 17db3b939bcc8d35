"""OpenQASM 2 as OpenQASM 3, which IonQ's API takes."""

from __future__ import annotations

import re

from ionq_toolkit_fake.validation import wrong

#: The longest program, in characters, and the largest register.
MOST_SOURCE, MOST_QUBITS = 64 * 1024, 256

_REGISTER = re.compile(r"\b[qc]reg\s+\w+\s*\[\s*(\d+)\s*\]")


def to_qasm3(source: object) -> str:
    """Return an OpenQASM 2 program as OpenQASM 3.

    It includes no file: Qiskit has `qelib1.inc` itself.

    Raises:
        ValueError: It is not such a program, or too long; the message says where.
    """
    from qiskit import qasm2, qasm3  # noqa: PLC0415 - slow to import

    if not isinstance(source, str) or len(source) > MOST_SOURCE:
        raise wrong("source", f"a program of up to {MOST_SOURCE} characters", str(source)[:40])
    for size in _REGISTER.findall(source):
        if len(size) > 5 or int(size) > MOST_QUBITS:  # noqa: PLR2004 - digits
            raise ValueError(f"a register has at most {MOST_QUBITS} bits here, not {size[:20]}")
    try:
        legacy = qasm2.LEGACY_CUSTOM_INSTRUCTIONS
        circuit = qasm2.loads(source, include_path=(), custom_instructions=legacy)
        return str(qasm3.dumps(circuit))
    except (qasm2.QASM2ParseError, qasm3.QASM3ExporterError) as error:
        raise ValueError(str(error).strip('"')) from error
