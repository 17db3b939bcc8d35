"""OpenQASM 3 programs, as circuits that can be run exactly or shot by shot.

IonQ takes a subset of the language (https://docs.ionq.com/api-reference/v0.4/openqasm3): no loops
and no branches, virtual qubits only; measurement and reset anywhere in the circuit.
"""

from __future__ import annotations

import contextlib
import io
import operator
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import openqasm3
from openqasm3 import ast
from openqasm3.ast import (
    BitType,
    ClassicalDeclaration,
    Identifier,
    IntegerLiteral,
    IODeclaration,
    IOKeyword,
    QuantumGate,
    QuantumGateDefinition,
    QubitDeclaration,
)
from openqasm3.parser import QASM3ParsingError
from openqasm3.visitor import QASMVisitor
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Clbit, Gate, Measure, Qubit, Reset
from qiskit.circuit.library import RXXGate, RYYGate, RZZGate, UnitaryGate
from qiskit.quantum_info import Operator
from qiskit_qasm3_import import ConversionError, convert

from ionq_toolkit_fake.forks import ForkLock
from ionq_toolkit_fake.simulation.gates import BASIS
from ionq_toolkit_fake.simulation.outcome import MOST_BITS, WHOLE, SimulationFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from ionq_toolkit_fake.simulation.program import Qasm3

#: The longest program, in characters: reading takes a minute for five million.
MOST_CHARACTERS = 1_000_000

#: The most qubits, and the most bits, of all declarations and aliases of a program together, and
#: the most that all statements name which are no gates.
MOST_DECLARED, MOST_NAMED = 10_000, 1_000_000

#: The most modifiers of one gate, gates defined by gates defined by gates, and names of parameters
#: in an angle when these are written out.
MOST_MODIFIERS, MOST_DEPTH, MOST_NAMES = 16, 200, 10_000

#: As of circuits that are sent as JSON: operation CreateJob of the API document, and
#: https://docs.ionq.com/api-reference/v0.3/writing-quantum-programs.
MOST_GATES, MOST_CONTROLS = 150_000, 7

#: Rotations that IonQ's own examples use without defining them; ``stdgates.inc`` has none of them.
_INTERACTIONS = {
    "rzz": ("gate rzz(theta) a, b { cx a, b; rz(theta) b; cx a, b; }", RZZGate),
    "rxx": ("gate rxx(theta) a, b { h a; h b; cx a, b; rz(theta) b; cx a, b; h a; h b; }", RXXGate),
    "ryy": (
        (
            "gate ryy(theta) a, b { rx(pi/2) a; rx(pi/2) b; cx a, b; rz(theta) b; cx a, b; "
            "rx(-pi/2) a; rx(-pi/2) b; }"
        ),
        RYYGate,
    ),
}
#: The names of native gates that a program defines.
_NATIVE = re.compile(r"(gpi2?|ms|zz)(?:_\d+)?")

#: Where Qiskit's own gates are defined.
_LIBRARY = "qiskit.circuit.library."

_PARSING = ForkLock()
_INCLUDE = re.compile(r'\binclude\s+"stdgates\.inc"\s*;')
_VERSION = re.compile(r"^[ \t]*OPENQASM\s+[\d.]+\s*;", re.MULTILINE)


class Loaded(NamedTuple):
    """A program that was read.

    Attributes:
        circuit: Of gates of `BASIS`, measurements and resets.
        registers: Its classical registers, each with its bits in the outcome.
        gate_counts: How many gates act on one qubit (`1q`) and on two (`2q`).
        native: The same circuit with each of its gates as one unitary, if all of them are native
            gates that the program defines; None: there are others.
    """

    circuit: QuantumCircuit
    registers: Mapping[str, tuple[int, ...]]
    gate_counts: Mapping[str, int]
    native: QuantumCircuit | None = None


def load(program: Qasm3, width: int) -> Loaded:
    """Read a program.

    A program without a measurement is measured at its end, all of its qubits.

    Args:
        program: The program.
        width: The most qubits that it may have.

    Raises:
        SimulationFailure: It is no OpenQASM 3, or not of the part of it that IonQ takes, or too
            wide, or its inputs have not the values that they need.
    """
    if len(program.source) > MOST_CHARACTERS:
        raise SimulationFailure(
            "PreflightError", f"the program has more than {MOST_CHARACTERS} characters"
        )
    tree, circuit, given = _parsed(program.source)
    circuit = _bound(circuit, _inputs(tree), program.parameters)
    if circuit.num_qubits > width:
        raise SimulationFailure(
            "NotEnoughQubits",
            f"The job requires {circuit.num_qubits} qubits and the backend has {width}.",
        )
    if not circuit.num_qubits:
        raise SimulationFailure("PreflightError", "the program has no qubits")
    if circuit.num_clbits > MOST_BITS:
        raise SimulationFailure("CompilationError", f"more than {MOST_BITS} classical bits")
    if any(isinstance(item.operation, Measure) for item in circuit.data):
        registers = _registers(tree, circuit)
    else:
        everything = range(circuit.num_qubits)
        measured = QuantumCircuit(list(circuit.qubits), [Clbit() for _ in everything])
        for item in circuit.data:
            measured.append(item.operation, item.qubits)
        measured.measure(everything, everything)
        circuit, registers = measured, {WHOLE: tuple(everything)}
    plain = circuit.copy_empty_like()
    _unroll(circuit, plain, circuit.qubits, given)
    native = _as_unitaries(circuit, given)
    circuit = transpile(plain, basis_gates=[*BASIS, "id"], optimization_level=0)
    return Loaded(circuit, registers, _gate_counts(native or circuit), native)


def _parsed(source: str) -> tuple[ast.Program, QuantumCircuit, list[str]]:
    """Return the tree and the circuit of a program, and the gates that it was given.

    IonQ's own examples leave ``stdgates.inc`` out and use its gates: it is included if the program
    is not understood without.
    """
    if _INCLUDE.search(source):
        return _converted(_INCLUDE.sub(" ", source), standard=True)
    try:
        return _converted(source, standard=False)
    except SimulationFailure:
        return _converted(source, standard=True)


def _inputs(tree: ast.Program) -> list[str]:
    """Return the names of a program's inputs, in the order of their declaration."""
    return [
        statement.identifier.name
        for statement in tree.statements
        if isinstance(statement, IODeclaration) and statement.io_identifier is IOKeyword.input
    ]


def _registers(tree: ast.Program, circuit: QuantumCircuit) -> dict[str, tuple[int, ...]]:
    """Return the bits of each classical register; a bit declared alone is one of its own."""
    places = {bit: index for index, bit in enumerate(circuit.clbits)}
    sized = {register.name: tuple(places[bit] for bit in register) for register in circuit.cregs}
    in_registers = {place for register in sized.values() for place in register}
    alone = (place for place in range(circuit.num_clbits) if place not in in_registers)
    registers: dict[str, tuple[int, ...]] = {}
    for statement in tree.statements:
        if isinstance(statement, ClassicalDeclaration) and isinstance(statement.type, BitType):
            name = statement.identifier.name
            if statement.type.size is None:
                registers[name] = (next(alone),)
            else:
                registers[name] = sized[name] if name in sized else sized[_renamed(name)]
    return registers


def _renamed(name: str) -> str:
    """Return what the reader calls a register whose name Qiskit once did not take."""
    return "esc_" + re.sub(r"\W", "_", name)


def _converted(source: str, *, standard: bool) -> tuple[ast.Program, QuantumCircuit, list[str]]:
    """Return the tree and the circuit of a program, with the standard gates defined or without."""
    version = _VERSION.search(source)
    end = version.end() if version else 0
    given: list[str] = []
    prelude = ""  # on the line of the version, so that messages have the right lines
    if standard:
        given = [
            name
            for name in _INTERACTIONS
            if re.search(rf"\b{name}\b", source) and not re.search(rf"\bgate\s+{name}\b", source)
        ]
        definitions = (_INTERACTIONS[name][0] for name in given)
        prelude = " ".join(['include "stdgates.inc";', *definitions])
    complaints = io.StringIO()
    try:
        # The parser reports errors there, in one place for all threads.
        with _PARSING, contextlib.redirect_stderr(complaints):
            tree = openqasm3.parse(source[:end] + prelude + source[end:])
        if complaints.getvalue():  # older parsers pass over what they do not know
            raise QASM3ParsingError(complaints.getvalue())  # noqa: TRY301 - explained below
        _Checked().visit(tree)
        return tree, _circuit_of(tree), given
    except RecursionError as error:
        raise SimulationFailure("PreflightError", "the program is nested too deeply") from error
    except SimulationFailure:
        raise
    except Exception as error:  # the parser fails in its own ways on programs without a statement
        told = str(error) if isinstance(error, (ConversionError, QASM3ParsingError)) else ""
        reason = complaints.getvalue().strip() or told or "syntax error"
        reason = re.sub(r"Symbol ('\S+') already inserted.*", r"\1 is already declared", reason)
        raise SimulationFailure(
            "PreflightError", f"not OpenQASM 3 as IonQ takes it: {reason}"
        ) from error


#: Python's errors, of statements that the reader does not check itself.
_IN_WORDS: Mapping[type[Exception], str] = {
    IndexError: "has an index that is out of range",
    ZeroDivisionError: "divides by zero",
}


def _circuit_of(tree: ast.Program) -> QuantumCircuit:
    """Return the circuit of a program.

    Its reader fails in many ways on what it does not support. Where it does not say what that is,
    it is the first statement that it does not read.
    """
    try:
        return convert(tree)
    except (ConversionError, RecursionError):
        raise
    except Exception as error:
        read, failed = 0, len(tree.statements)
        while failed - read > 1:
            middle = (read + failed) // 2
            try:
                convert(ast.Program(tree.statements[:middle]))
            except Exception:  # noqa: BLE001 - the same as above
                failed = middle
            else:
                read = middle
        reason = _IN_WORDS.get(type(error), "is not understood")
        raise ConversionError(f"{_named(tree.statements[read])} {reason}") from error


#: What IonQ does not take, by the name of its node in a tree: its name in the language.
_REFUSED = {
    "BranchingStatement": "if",
    "WhileLoop": "while",
    "ForInLoop": "for",
    "SwitchStatement": "switch",
    "BreakStatement": "break",
    "ContinueStatement": "continue",
    "EndStatement": "end",
    "Box": "box",
    "SubroutineDefinition": "def",
    "ReturnStatement": "return",
    "ExternDeclaration": "extern",
    "ConstantDeclaration": "const",
    "ClassicalAssignment": "assignment",
    "ExpressionStatement": "expression",
    "CalibrationStatement": "cal",
    "CalibrationDefinition": "defcal",
    "CalibrationGrammarDeclaration": "defcalgrammar",
    "Pragma": "pragma",
    "Cast": "cast",
    "ImaginaryLiteral": "imaginary number",
    "SizeOf": "sizeof",
    "DurationOf": "durationof",
    "IntType": "int",
    "UintType": "uint",
    "FloatType": "float",
    "AngleType": "angle",
    "BoolType": "bool",
    "ComplexType": "complex",
    "ArrayType": "array",
    "DurationType": "duration",
    "StretchType": "stretch",
}
#: Those that IonQ says it does not compile.
_FLOW = frozenset(("if", "while", "for", "switch", "box", "defcal"))


def _named(node: ast.QASMNode, name: str = "") -> str:
    """Return where a construct stands, and its name in the language."""
    if not name:
        words = (
            re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__)
            .lower()
            .removeprefix("quantum ")
        )
        name = f"gate {node.name.name}" if isinstance(node, QuantumGate) else words
    place = f"{node.span.start_line},{node.span.start_column}: " if node.span else ""
    return f"{place}'{name}'"


class _Checked(QASMVisitor[None]):
    """Refuses, by its name, what IonQ does not take, and declarations that are too large."""

    def visit(self, node: ast.QASMNode, context: None = None) -> None:
        name = _REFUSED.get(type(node).__name__, "")
        if isinstance(node, ast.ExpressionStatement):
            self.visit(node.expression)  # a call is named as one
        elif isinstance(node, ast.FunctionCall):
            name = f"{node.name.name}()"
        elif isinstance(node, ast.QuantumMeasurementStatement) and node.target is None:
            name = "measure without a bit"
        elif isinstance(node, IODeclaration):
            if isinstance(node.type, (ast.FloatType, ast.AngleType)) and (
                node.io_identifier is IOKeyword.input
            ):
                return
            kind = _REFUSED.get(type(node.type).__name__, "bit")
            name = f"{node.io_identifier.name} {kind}"
        if name:
            code = "CompilationError" if name in _FLOW else "PreflightError"
            raise SimulationFailure(code, f"{_named(node, name)} is not supported")
        super().visit(node, context)

    def visit_Identifier(self, node: Identifier) -> None:  # noqa: N802 - the visitor's own name
        if node.name.startswith("$"):
            raise SimulationFailure(
                "CompilationError", f"the physical qubit {node.name} is not supported"
            )

    def __init__(self) -> None:
        self._defined: dict[str, _Defined] = {}
        self._sizes: dict[str, int] = {}  # of registers and aliases
        self._qubits = self._bits = self._gates = self._named = 0

    def visit_QuantumGateDefinition(self, node: QuantumGateDefinition) -> None:  # noqa: N802
        gates, depth, names = 0, 0, 1
        for inner in node.body:
            if isinstance(inner, QuantumGate):
                known = self._defined.get(inner.name.name, _Defined())
                gates += self._cost(inner)
                depth = max(depth, known.depth)
                named = max((_names_in(angle) for angle in inner.arguments), default=0)
                names = max(names, known.names * max(1, named))
        _check_gates(gates)
        if depth >= MOST_DEPTH or names > MOST_NAMES:
            raise SimulationFailure("PreflightError", f"{_named(node)} is nested too deeply")
        # One at least: gates of gates that have no effect take time as well.
        self._defined[node.name.name] = _Defined(max(1, gates), depth + 1, names)
        self.generic_visit(node)

    def visit_QuantumGate(self, node: QuantumGate) -> None:  # noqa: N802
        self._gates += self._cost(node) * max(map(self._size, node.qubits), default=1)
        _check_gates(self._gates)
        self.generic_visit(node)

    def visit_QuantumPhase(self, node: ast.QuantumPhase) -> None:  # noqa: N802
        _check_modifiers(node)
        self._gates += max(map(self._size, node.qubits), default=1)
        _check_gates(self._gates)
        self.generic_visit(node)

    def _cost(self, node: QuantumGate) -> int:
        """Return how many gates a gate comes to.

        A power is the matrix of its gate, and that of n qubits some 4^n gates; a control makes
        several of each.
        """
        cost = self._defined.get(node.name.name, _Defined()).gates
        controls = _check_modifiers(node)
        width = len(node.qubits) - sum(controls)
        for modifier, more in zip(reversed(node.modifiers), reversed(controls), strict=True):
            if modifier.modifier is ast.GateModifierName.pow:
                cost = 4 ** min(width, 16) if width > _NARROW else cost
            width += more
            cost *= 1 + 4 * more
        return cost

    def visit_QuantumMeasurement(self, node: ast.QuantumMeasurement) -> None:  # noqa: N802
        self._name(node.qubit)
        self.generic_visit(node)

    def visit_QuantumReset(self, node: ast.QuantumReset) -> None:  # noqa: N802
        self._name(node.qubits)
        self.generic_visit(node)

    def visit_QuantumBarrier(self, node: ast.QuantumBarrier) -> None:  # noqa: N802
        self._name(*node.qubits)
        self.generic_visit(node)

    def visit_DelayInstruction(self, node: ast.DelayInstruction) -> None:  # noqa: N802
        self._name(*node.qubits)
        self.generic_visit(node)

    def visit_AliasStatement(self, node: ast.AliasStatement) -> None:  # noqa: N802
        size = self._size(node.value)
        self._name(node.value)
        self._declare(size, "CompilationError")
        self._sizes[node.target.name] = size
        self.generic_visit(node)

    def visit_Concatenation(self, node: ast.Concatenation) -> None:  # noqa: N802
        self._name(node)
        self.generic_visit(node)

    def visit_QubitDeclaration(self, node: QubitDeclaration) -> None:  # noqa: N802
        size = _declared(node.size)
        self._sizes[node.qubit.name] = size
        self._qubits += size
        self._declare(self._qubits, "NotEnoughQubits")
        self.generic_visit(node)

    def visit_ClassicalDeclaration(self, node: ClassicalDeclaration) -> None:  # noqa: N802
        if isinstance(node.type, BitType):
            size = _declared(node.type.size)
            self._sizes[node.identifier.name] = size
            self._bits += size
            self._declare(self._bits, "CompilationError")
        self.generic_visit(node)

    def _declare(self, size: int, code: str) -> None:
        if size > MOST_DECLARED:
            raise SimulationFailure(
                code, f"{size} are too many of one kind: a program may have {MOST_DECLARED}"
            )

    def _name(self, *nodes: ast.QASMNode) -> None:
        self._named += sum(map(self._size, nodes))
        if self._named > MOST_NAMED:
            raise SimulationFailure(
                "CompilationError",
                f"measurements, resets, barriers and aliases name more than {MOST_NAMED} bits",
            )

    def _size(self, node: object) -> int:
        """Return how many bits an expression names, at the most."""
        if isinstance(node, Identifier):
            return self._sizes.get(node.name, 1)
        if isinstance(node, ast.Concatenation):
            return self._size(node.lhs) + self._size(node.rhs)
        if isinstance(node, ast.IndexedIdentifier):
            indices, size = node.indices, self._size(node.name)
        elif isinstance(node, ast.IndexExpression):
            indices, size = [node.index], self._size(node.collection)
        else:
            return 1
        for index in indices:
            if isinstance(index, ast.DiscreteSet):
                size = len(index.values)
            elif not any(isinstance(one, ast.RangeDefinition) for one in index):
                size = 1
        return size


class _Defined(NamedTuple):
    """A gate of a program, or one that it does not define.

    Attributes:
        gates: How many gates it comes to.
        depth: How many definitions deep they are.
        names: How many names of parameters an angle of one has when they are written out.
    """

    gates: int = 1
    depth: int = 0
    names: int = 1


#: A power of gates on so many qubits is some of Qiskit's own gates.
_NARROW = 2


def _check_gates(gates: int) -> None:
    if gates > MOST_GATES:
        raise SimulationFailure("TooManyGates", f"A circuit may have {MOST_GATES} gates.")


def _check_modifiers(node: QuantumGate | ast.QuantumPhase) -> list[int]:
    """Return how many controls each modifier of a gate adds."""
    if len(node.modifiers) > MOST_MODIFIERS:
        raise SimulationFailure(
            "PreflightError", f"{_named(node)} has more than {MOST_MODIFIERS} modifiers"
        )
    found = []
    for modifier in node.modifiers:
        controls = modifier.modifier in {ast.GateModifierName.ctrl, ast.GateModifierName.negctrl}
        found.append(_integer(modifier.argument, 1) if controls else 0)
    if sum(found) > MOST_CONTROLS:
        raise _too_many_controls(sum(found))
    return [max(0, controls) for controls in found]


def _too_many_controls(controls: int) -> SimulationFailure:
    return SimulationFailure(
        "TooManyControls",
        f"A gate has {controls} controls; at most {MOST_CONTROLS} are supported.",
    )


def _declared(size: object) -> int:
    return max(0, _integer(size, 1))


#: The largest number that sizes are computed with, and what the reader computes.
_LARGEST = 2**63
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
}


def _integer(node: object, default: int) -> int:
    """Return the value of an expression of integers; `default` of any other, and of none.

    Raises:
        SimulationFailure: It is beyond 64 bits.
    """
    value = default
    if isinstance(node, IntegerLiteral | ast.BitstringLiteral):
        value = node.value
    elif isinstance(node, ast.UnaryExpression):
        inner = _integer(node.expression, default)
        value = -inner if node.op.name == "-" else inner
    elif isinstance(node, ast.BinaryExpression) and node.op.name in _OPERATORS:
        left, right = _integer(node.lhs, default), _integer(node.rhs, default)
        if node.op.name != "/" or right:
            value = _OPERATORS[node.op.name](left, right)
    if abs(value) >= _LARGEST:
        raise SimulationFailure("PreflightError", f"a number is beyond {_LARGEST}")
    return value


def _names_in(angle: ast.Expression) -> int:
    """Return how many names of parameters an angle has."""
    found = 0
    waiting: list[object] = [angle]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Identifier):
            found += 1
        elif isinstance(node, ast.BinaryExpression):
            waiting += [node.lhs, node.rhs]
        elif isinstance(node, ast.UnaryExpression):
            waiting.append(node.expression)
    return found


def _bound(circuit: QuantumCircuit, names: list[str], values: tuple[float, ...]) -> QuantumCircuit:
    """Give the program's inputs their values, in the order of their declaration."""
    if len(names) != len(values):
        raise SimulationFailure(
            "InvalidInput", f"the program has {len(names)} inputs and the job {len(values)} params"
        )
    known = {parameter.name for parameter in circuit.parameters}
    pairs = zip(names, values, strict=True)
    return circuit.assign_parameters({name: value for name, value in pairs if name in known})


def _unroll(
    source: QuantumCircuit, target: QuantumCircuit, qubits: Sequence[Qubit], given: Collection[str]
) -> None:
    """Append a circuit to another one, its program's own gates by their definitions.

    The transpiler knows gates by name and width: it would take a gate of the program's that is
    called ``iswap`` for Qiskit's. Those that were `given` to the program are Qiskit's.
    """
    for item in source.data:
        places = [qubits[source.find_bit(qubit).index] for qubit in item.qubits]
        operation = item.operation
        of_qiskit = str(operation.base_class.__module__).startswith(_LIBRARY)
        controls = getattr(operation, "num_ctrl_qubits", 0)
        if controls > MOST_CONTROLS:
            raise _too_many_controls(controls)
        if operation.name in given and isinstance(operation, Gate):
            target.append(_INTERACTIONS[operation.name][1](*operation.params), places)
        elif isinstance(operation, Gate) and operation.definition is not None and not of_qiskit:
            _unroll(operation.definition, target, places, given)
        else:
            if len(target.data) >= MOST_GATES:
                raise SimulationFailure("TooManyGates", f"A circuit may have {MOST_GATES} gates.")
            target.append(operation, places, item.clbits)


def _as_unitaries(circuit: QuantumCircuit, given: Collection[str]) -> QuantumCircuit | None:
    """Return a circuit of native gates alone with each as a unitary; None of any other.

    A program defines its native gates itself, by the names that Qiskit's exporter gives them:
    those of a kind that differ in their parameters are numbered.
    """
    found, gates = circuit.copy_empty_like(), 0
    for item in circuit.data:
        operation = item.operation
        if not isinstance(operation, Gate):
            found.append(item)
            continue
        kind = _NATIVE.fullmatch(operation.name)
        if kind is None or operation.num_qubits != 1 + (kind[1] in {"ms", "zz"}):
            return None
        body = QuantumCircuit(operation.num_qubits)
        _unroll(operation.definition, body, body.qubits, given)
        found.append(UnitaryGate(Operator(body)), item.qubits)
        gates += 1
    return found if gates else None


def _gate_counts(circuit: QuantumCircuit) -> dict[str, int]:
    counts = {"1q": 0, "2q": 0}
    for item in circuit.data:
        if item.operation.name in BASIS or isinstance(item.operation, UnitaryGate):
            counts["1q" if len(item.qubits) == 1 else "2q"] += 1
    return counts


def measured(circuit: QuantumCircuit) -> list[int]:
    """Return the classical bits that something is measured into."""
    found = {
        circuit.find_bit(item.clbits[0]).index
        for item in circuit.data
        if isinstance(item.operation, Measure)
    }
    return sorted(found)


def narrowed(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a circuit without the qubits that nothing happens to."""
    used = {q for item in circuit.data if item.operation.name != "barrier" for q in item.qubits}
    found = QuantumCircuit([q for q in circuit.qubits if q in used], circuit.clbits)
    for item in circuit.data:
        if used.issuperset(item.qubits):
            found.append(item)
    return found


def before_measurement(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a circuit up to its last measurements, with one bit for all those midway."""
    changed = last_change(circuit)
    found = QuantumCircuit(circuit.num_qubits, 1)
    places = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    for index, item in enumerate(circuit.data):
        final = changed.get(item.qubits[0], -1) < index
        if not (isinstance(item.operation, Measure) and final):
            qubits = [places[qubit] for qubit in item.qubits]
            found.append(item.operation, qubits, found.clbits[: len(item.clbits)])
    return found


def last_change(circuit: QuantumCircuit) -> dict[Qubit, int]:
    """Return where each qubit is changed for the last time, by a gate or a reset."""
    found: dict[Qubit, int] = {}
    for index, item in enumerate(circuit.data):
        if not isinstance(item.operation, Measure) and item.operation.name != "barrier":
            found.update(dict.fromkeys(item.qubits, index))
    return found


def without_measurements(
    circuit: QuantumCircuit,
) -> tuple[QuantumCircuit, list[int | None], list[int]]:
    """Return a circuit of gates alone, and what holds each bit and each qubit at its end.

    Nothing depends on what is measured, so that a bit measured midway can be copied to a qubit of
    its own, and a reset qubit be a new one: the distribution is the same.
    """
    changed = last_change(circuit)
    wires = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    places = {bit: index for index, bit in enumerate(circuit.clbits)}
    bits: list[int | None] = [None] * circuit.num_clbits
    steps = []
    width = circuit.num_qubits
    for index, item in enumerate(circuit.data):
        if isinstance(item.operation, Measure):
            wire = wires[item.qubits[0]]
            if changed.get(item.qubits[0], -1) > index:
                steps.append(("copy", [wire, width]))
                wire, width = width, width + 1
            bits[places[item.clbits[0]]] = wire
        elif isinstance(item.operation, Reset):
            wires[item.qubits[0]], width = width, width + 1
        elif item.operation.name in BASIS:
            steps.append((item.operation, [wires[qubit] for qubit in item.qubits]))
    found = QuantumCircuit(width)
    for operation, qubits in steps:
        if operation == "copy":
            found.cx(*qubits)
        else:
            found.append(operation, qubits)
    return found, bits, [wires[qubit] for qubit in circuit.qubits]
