"""A program of its own: reads a QIR module from its input, and writes its gates as JSON.

LLVM ends its process on much that it does not understand, so that it has one for each module: it
imports nothing of this package, and `qir.py` runs it. It walks through the instructions of the
entry point, and executes nothing. The base profile is that of
https://github.com/qir-alliance/qir-spec/blob/main/specification/under_development/profiles/Base_Profile.md
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqir import Call, Function, Instruction, Module

#: Seconds of computing and bytes of memory that reading may take, where the system has such limits.
MOST_SECONDS, MOST_BYTES = 20, 2 * 2**30

#: As of circuits that are sent as JSON: operation CreateJob of the API document.
MOST_GATES = 150_000

#: How bitcode begins: bare, and in the wrapper that Apple's tools make.
_MAGIC = (b"BC\xc0\xde", b"\xde\xc0\x17\x0b")

#: Pointers with a type, which LLVM writes no longer: of named types, integers and strings.
_TYPED_POINTER = re.compile(rb'(?:%"?[A-Za-z_][\w.]*"?|\bi\d+|\[\d+ x i8\])\s*\*+')

#: IonQ's name of each gate, its controls, its targets, and its angles. A `z` with an angle is a
#: phase, as IonQ's clients send it.
_GATES = {
    **{name: (name, 0, 1, 0) for name in ("h", "x", "y", "z", "s", "t")},
    **{f"r{axis}": (f"r{axis}", 0, 1, 1) for axis in "xyz"},
    **{f"r{axis}{axis}": (2 * axis, 0, 2, 1) for axis in "xyz"},
    **{f"c{name}": (name, 1, 1, 0) for name in ("h", "x", "y", "z")},
    **{f"cr{axis}": (f"r{axis}", 1, 1, 1) for axis in "xyz"},
    "s__adj": ("si", 0, 1, 0),
    "t__adj": ("ti", 0, 1, 0),
    "sx": ("v", 0, 1, 0),
    "cnot": ("cnot", 1, 1, 0),
    "ccx": ("x", 2, 1, 0),
    "ccnot": ("x", 2, 1, 0),
    "swap": ("swap", 0, 2, 0),
    "cswap": ("swap", 1, 2, 0),
    "r1": ("z", 0, 1, 1),
    "cr1": ("z", 1, 1, 1),
    "i": ("", 0, 1, 0),
    "id": ("", 0, 1, 0),
}
_MEASUREMENTS = ("mz", "m", "measure")
_STATIC = re.compile(r"ptr (?:null|inttoptr \(i\d+ (\d{1,20}) to ptr\))")
_NAME = re.compile(r"__quantum__(qis|rt)__(\w+?)(?:__body)?")

#: Functions of the runtime that name what is measured; IonQ measures every qubit.
_RECORDS = ("initialize", *(f"{kind}_record_output" for kind in ("result", "array", "tuple")))

#: Attributes of an entry point, and of its number of qubits; the later ones are of older versions.
_ENTRY = ("entry_point", "EntryPoint")
_WIDTH = ("required_num_qubits", "num_required_qubits", "requiredQubits")

#: The kinds of some functions that the base profile does not have.
_OUTSIDE = {
    "qubit_allocate": "dynamic qubits",
    "qubit_release": "dynamic qubits",
    "array_": "arrays of qubits",
    "read_result": "decisions by results",
    "result_equal": "decisions by results",
    "result_get": "decisions by results",
}


class InvalidModule(Exception):  # noqa: N818 - not an error: the job fails
    """A module that IonQ does not take, with the failure code of its job and the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def read(data: bytes) -> dict[str, Any]:
    """Return the width and the gates of a module of the base profile.

    Returns:
        `qubits`, and `gates`: each its name, targets, controls and angles.

    Raises:
        InvalidModule: It is no LLVM module, or not of the base profile.
    """
    module = _module(data)
    defined = [function for function in module.functions if function.basic_blocks]
    entries = [one for one in defined if any(name in one.attributes.func for name in _ENTRY)]
    if len(entries) != 1:
        raise InvalidModule(
            "PreflightError", f"the module has {len(entries)} entry points, not one"
        )
    width = _declared_width(entries[0])
    gates = []
    touched: set[int] = set()
    measured: set[int] = set()
    for call in _calls(entries[0]):
        found = _gate(call, touched, measured)
        if found is not None:
            gates.append(found)
        if len(gates) > MOST_GATES:
            raise InvalidModule("TooManyGates", f"A circuit may have {MOST_GATES} gates.")
    return {"qubits": max(width, 1 + max(touched | measured, default=-1)), "gates": gates}


def _module(data: bytes) -> Module:
    from pyqir import Context, Module  # noqa: PLC0415 - after the limits are set

    def parsed(text: bytes) -> Module:
        return Module.from_ir(Context(), text.decode("utf-8"))

    try:
        if data.startswith(_MAGIC):
            module = Module.from_bitcode(Context(), data)
        else:
            try:
                module = parsed(data)
            except ValueError:
                if not _TYPED_POINTER.search(data):
                    raise
                module = parsed(_TYPED_POINTER.sub(b"ptr", data))
        wrong = module.verify()
    except ValueError as error:  # UnicodeDecodeError as well
        raise InvalidModule("PreflightError", f"not an LLVM module: {_line(error)}") from error
    if wrong is not None:
        raise InvalidModule("PreflightError", f"not a valid LLVM module: {_line(wrong)}")
    return module


def _line(reason: object) -> str:
    """Return the first line of a reason, of which LLVM writes several."""
    return (str(reason).strip() or "it has no text").splitlines()[0][:300]


def _declared_width(entry: Function) -> int:
    for name in _WIDTH:
        if name in entry.attributes.func:
            value = entry.attributes.func[name].string_value or ""
            if not re.fullmatch("[0-9]{1,18}", value):
                raise InvalidModule("PreflightError", f"{name} must be a number of qubits")
            return int(value)
    return 0


def _calls(entry: Function) -> Iterator[Call]:
    """Yield the calls of an entry point in their order; refuse all other instructions."""
    from pyqir import Call, Opcode  # noqa: PLC0415 - as above

    if entry.params:
        raise InvalidModule("CompilationError", "the entry point takes arguments")
    blocks = entry.basic_blocks
    block = blocks[0]
    for _ in blocks:
        following = None
        for instruction in block.instructions:
            if isinstance(instruction, Call):
                yield instruction
            elif instruction.opcode == Opcode.BR and len(instruction.successors) == 1:
                following = instruction.successors[0]
            elif instruction.opcode != Opcode.RET:
                raise InvalidModule(
                    "CompilationError",
                    f"the base profile of QIR has no {_word(instruction)}",
                )
        if following is None:
            return
        block = following
    raise InvalidModule("CompilationError", "the base profile of QIR has no loops")


def _word(instruction: Instruction) -> str:
    name = str(instruction.opcode).rpartition(".")[2].lower()
    if name == "br":
        return "branches"
    return f"instruction '{name}'"


def _gate(call: Call, touched: set[int], measured: set[int]) -> list[Any] | None:
    """Return the gate that a call stands for; None of a measurement and a record.

    Args:
        call: The call.
        touched: The qubits that gates acted on before; those of this one are added.
        measured: The same of measurements.
    """
    from pyqir import Function  # noqa: PLC0415 - as above

    callee = call.callee
    if not isinstance(callee, Function):
        raise InvalidModule("CompilationError", "the base profile of QIR has no calls of pointers")
    name = callee.name
    if callee.basic_blocks:
        raise InvalidModule(
            "CompilationError", f"the base profile of QIR has no call of '{name[:100]}'"
        )
    parts = _NAME.fullmatch(name)
    kind, short = parts.groups() if parts else ("", "")
    if kind == "rt" and short in _RECORDS:
        return None
    if kind == "qis" and short in _MEASUREMENTS:
        measured.update(_qubits(call, 0, 1, 2))
        return None
    if kind == "qis" and short == "reset":
        if touched.union(measured).intersection(_qubits(call, 0, 1, 1)):
            raise InvalidModule(
                "CompilationError", f"the base profile of QIR has no '{name}' midway"
            )
        return None
    if kind != "qis" or short not in _GATES:
        raise _unknown(name, short)
    gate, controls, targets, angles = _GATES[short]
    qubits = _qubits(call, angles, controls + targets, angles + controls + targets)
    if measured.intersection(qubits):
        raise InvalidModule(
            "CompilationError",
            f"the base profile of QIR has no mid-circuit measurement: '{name}' acts on a qubit "
            "that was measured",
        )
    touched.update(qubits)
    if not gate:
        return None
    return [gate, qubits[controls:], qubits[:controls], _angles(call, angles)]


def _unknown(name: str, short: str) -> InvalidModule:
    for start, kind in _OUTSIDE.items():
        if short.startswith(start):
            return InvalidModule(
                "CompilationError", f"the base profile of QIR has no {kind}: '{name[:100]}'"
            )
    return InvalidModule("UnsupportedGate", f"IonQ has no function '{name[:100]}'")


def _qubits(call: Call, start: int, number: int, arguments: int) -> list[int]:
    if len(call.args) != arguments:
        raise InvalidModule("PreflightError", f"'{call.callee.name}' takes {arguments} arguments")
    # pyqir's own `ptr_id` takes the address of any global for a number, or crashes.
    found = [_STATIC.fullmatch(str(one)) for one in call.args[start : start + number]]
    qubits = [int(one[1] or 0) for one in found if one is not None]
    if len(qubits) < number:
        raise InvalidModule(
            "CompilationError",
            f"the base profile of QIR has static qubits alone: see '{call.callee.name}'",
        )
    if len(set(qubits)) < number:
        raise InvalidModule("PreflightError", f"'{call.callee.name}' names a qubit twice")
    return qubits


def _angles(call: Call, number: int) -> list[float]:
    from pyqir import FloatConstant  # noqa: PLC0415 - as above

    angles = [one.value for one in call.args[:number] if isinstance(one, FloatConstant)]
    if len(angles) < number or not all(map(math.isfinite, angles)):
        raise InvalidModule(
            "CompilationError", f"'{call.callee.name}' takes finite constants as its angles"
        )
    return angles


def _limit() -> None:
    """Hold this process to its limits, on systems that have them."""
    if find_spec("resource") is None:
        return
    import resource  # noqa: PLC0415 - Windows has none

    for kind, most in (
        (resource.RLIMIT_CPU, MOST_SECONDS),
        (resource.RLIMIT_AS, MOST_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))


def main() -> None:
    """Read a module from the input, and write its circuit, or why it is refused."""
    _limit()
    try:
        found = read(sys.stdin.buffer.read())
    except ModuleNotFoundError:
        found = {
            "code": "SimulationError",
            "message": "QIR is read by pyqir: pip install 'ionq-toolkit[fake]'",
        }
    except InvalidModule as refused:
        found = {"code": refused.code, "message": refused.message}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
