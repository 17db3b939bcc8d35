"""OpenQASM 2, as benchmark suites ship it -> QuantumCircuit, by Qiskit's own parser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qiskit import qasm2
from qiskit.circuit import ControlFlowOp, Gate

if TYPE_CHECKING:
    from pathlib import Path

    from qiskit import QuantumCircuit
    from qiskit.circuit import Operation

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_GATE = re.compile(r"\bgate\s+(\w+)")
_INCLUDE = re.compile(r'\binclude\s*"([^"]+)"')
_CONDITION = re.compile(r"\bif\s*\([^)]*\)")

#: How the parser begins its errors.
_PLACE = re.compile(r"^<input>:(\d+),(\d+): ")


def is_qasm2(text: str) -> bool:
    """Return whether a program is OpenQASM 2, by its version or, without one, by its include."""
    code = without_comments(text)
    version = re.search(r"\bOPENQASM\s+([\d.]+)", code)
    return (version[1] if version else "3").startswith("2") or (
        version is None and "qelib1.inc" in _INCLUDE.findall(code)
    )


def without_comments(text: str) -> str:
    """Return a program of OpenQASM 2 or 3 without comments, with all its lines."""
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n") or " ", text)


def loads(text: str, folder: Path) -> QuantumCircuit:
    """Return the circuit of a program, with each gate that it defines in terms of Qiskit's.

    Gates of Qiskit's old ``qelib1.inc`` are known, but a definition in the program counts.

    Args:
        text: The program.
        folder: Where its includes are.

    Raises:
        ValueError: The program is not valid, or IonQ does not take it; the message says the line.
    """
    code = without_comments(text)
    own = set(_GATE.findall(code)).union(*map(_gates_of, _includes(code, folder)))
    # Qiskit would take its own gate of the name for the one that the program defines.
    known = [one for one in qasm2.LEGACY_CUSTOM_INSTRUCTIONS if one.name not in own]
    try:
        circuit = qasm2.loads(
            text,
            include_path=(folder,),
            custom_instructions=known,
            custom_classical=qasm2.LEGACY_CUSTOM_CLASSICAL,
        )
    except qasm2.QASM2ParseError as error:
        raise ValueError(_PLACE.sub(r"line \1, column \2: ", error.message)) from error
    # By class: `gate cx a,b { CX a,b; }` is a cx of the program, and defined by Qiskit's.
    while defined := {type(one.operation) for one in circuit.data if _is_defined(one.operation)}:
        circuit = circuit.decompose(gates_to_decompose=list(defined))
    for instruction in circuit.data:
        operation = instruction.operation
        if isinstance(operation, ControlFlowOp):
            found = _CONDITION.search(code)
            place, shown = (_line(code, found.start()), found[0]) if found else ("", "if")
            raise ValueError(  # noqa: TRY004 - the value of the program
                f"{place}{shown} is a conditional, and IonQ takes none"
            )
        if type(operation) is Gate and operation.definition is None:
            found = re.search(rf"\bopaque\s+{re.escape(operation.name)}\b", code)
            place = _line(code, found.start()) if found else ""
            raise ValueError(f"{place}gate {operation.name!r} is opaque: nothing defines it")
    return circuit


def _is_defined(operation: Operation) -> bool:
    return str(type(operation).__module__).startswith(qasm2.__name__)  # None of singletons


def _line(code: str, place: int) -> str:
    line = code.count("\n", 0, place) + 1
    return f"line {line}, column {place - code.rfind(chr(10), 0, place) - 1}: "


def _gates_of(path: Path) -> list[str]:
    return re.findall(_GATE, without_comments(path.read_text(encoding="utf-8")))


def _includes(code: str, folder: Path) -> list[Path]:
    """Return the files that a program includes, theirs too, but for Qiskit's own."""
    found: list[Path] = []
    for name in _INCLUDE.findall(code):
        path = folder / name
        if name != "qelib1.inc" and path.is_file():
            inner = without_comments(path.read_text(encoding="utf-8"))
            found += [path, *_includes(inner, folder)]
    return found
