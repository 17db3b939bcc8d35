"""Tasks of the simulation: circuits with every spelling of the wire resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Gate(NamedTuple):
    """One gate.

    Attributes:
        name: IonQ's name of it, such as ``rx``.
        targets: The qubits it acts on, as many as its `GateKind` says.
        controls: The qubits that must be 1 for it to act.
        parameters: Its angle in radians for a gate of the `qis` gateset that has one; phases and
            angle in turns for a native gate; the time and then the coefficients for `pauliexp`.
        terms: The Pauli strings of a `pauliexp`, whose last character is for the first target.
    """

    name: str
    targets: tuple[int, ...]
    controls: tuple[int, ...] = ()
    parameters: tuple[float, ...] = ()
    terms: tuple[str, ...] = ()

    @property
    def qubits(self) -> tuple[int, ...]:
        """The qubits it touches, controls first."""
        return (*self.controls, *self.targets)


class Program(NamedTuple):
    """A circuit to simulate; all its qubits are measured at its end.

    Attributes:
        num_qubits: How many qubits it has.
        gates: Its gates, in order.
        gateset: `qis` or `native`: the same name may be another gate in each.
    """

    num_qubits: int
    gates: tuple[Gate, ...]
    gateset: str = "qis"

    @property
    def active_qubits(self) -> tuple[int, ...]:
        """The qubits that a gate touches, in increasing order; the others stay 0."""
        touched: set[int] = set()
        for gate in self.gates:
            touched.update(gate.controls, gate.targets)
        return tuple(sorted(touched))


class Qasm3(NamedTuple):
    """An OpenQASM 3 program to simulate.

    Attributes:
        source: The program.
        parameters: Values of its inputs, in the order of their declaration.
    """

    source: str
    parameters: tuple[float, ...] = ()


class Qir(NamedTuple):
    """A QIR module to simulate.

    Attributes:
        data: The module: LLVM bitcode or text in base64, or text.
    """

    data: str


class Noise(NamedTuple):
    """Error rates.

    Attributes:
        one_qubit: The depolarising rate after each gate on one qubit.
        two_qubits: The rate after each gate on two qubits.
        readout: The probability that a measured bit is wrong.
    """

    one_qubit: float
    two_qubits: float
    readout: float = 0.0


class Qpu(NamedTuple):
    """The QPU that a circuit is compiled to.

    Attributes:
        num_qubits: How many qubits it has.
        entangler: Its native gate on two qubits: `ms` or `zz`.
        connectivity: The pairs that the gate acts on; None: all of them.
        quarter_turns: Whether the compiler has the gate by a quarter turn alone.
        mid_circuit: Whether a circuit may measure or reset qubits midway.
    """

    num_qubits: int
    entangler: str
    connectivity: tuple[tuple[int, int], ...] | None = None
    quarter_turns: bool = True
    mid_circuit: bool = True


class Task(NamedTuple):
    """A circuit and how to run it. It can be pickled.

    Attributes:
        circuit: The circuit.
        seed: Seeds everything random in it.
        shots: How often to run it; None: its exact distribution.
        noise: The error rates; None: no errors.
        qpu: The QPU to compile it to; None: it is not compiled.
        hardware: Whether its shots are those of the compiled circuit, not of the circuit as it is.
        variants: How many groups of shots to run, each compiled to other qubits; 0: no groups.
        symmetry_verification: Whether to drop outcomes that the ideal circuit does not have.
        registers: Names of parts of the outcome, each with the bits it consists of, the least
            significant first; None for a bit that is always 0.
        execute: Whether to run it, or only compile it.
        width: The most qubits that a program may have whose width is not known yet.
    """

    circuit: Program | Qasm3 | Qir
    seed: int
    shots: int | None = None
    noise: Noise | None = None
    qpu: Qpu | None = None
    hardware: bool = False
    variants: int = 0
    symmetry_verification: bool = False
    registers: Mapping[str, Sequence[int | None]] | None = None
    execute: bool = True
    width: int = 0


class Energy(NamedTuple):
    """The energy of a Hamiltonian to evaluate. It can be pickled.

    Attributes:
        ansatz: Prepares the state.
        hamiltonian: Pauli strings, the last character for qubit 0, and their coefficients.
        seed: Seeds everything random in it.
        width: The most qubits that the ansatz may have.
        shots: How often each term is measured; None: its exact value.
        noise: The error rates; None: no errors.
        constraints: Inequalities x'Qx + r'x <= c as (Q, r, c), Q empty where it is linear.
        penalty: The cost of a violated constraint.
        cvar_alpha: The part of the outcomes, the best ones, that count; None: all.
        qpu: The QPU that its circuits are compiled to; None: they are not compiled.
    """

    ansatz: Qasm3
    hamiltonian: tuple[tuple[str, float], ...]
    seed: int
    width: int
    shots: int | None = None
    noise: Noise | None = None
    constraints: tuple[tuple[tuple[tuple[float, ...], ...], tuple[float, ...], float], ...] = ()
    penalty: float = 0.0
    cvar_alpha: float | None = None
    qpu: Qpu | None = None


#: How fine the grid of angles is that QAOA tries: so many steps for each of the two.
GRID = 3


class MaxCut(NamedTuple):
    """A graph to cut in two with QAOA. It can be pickled.

    Attributes:
        num_nodes: How many nodes it has.
        edges: Its edges as (node, node, weight).
        run: How to run each circuit; its own circuit does not matter.
    """

    num_nodes: int
    edges: tuple[tuple[int, int, float], ...]
    run: Task

    @property
    def num_circuits(self) -> int:
        """How many circuits are run."""
        return GRID**2
