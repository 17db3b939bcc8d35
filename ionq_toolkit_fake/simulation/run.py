"""Circuit tasks: compiled, run, mitigated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ionq_toolkit_fake.simulation import aer, mitigation, qasm3, qir
from ionq_toolkit_fake.simulation.branches import Followed, follow
from ionq_toolkit_fake.simulation.compiler import compile_circuit, compile_program, pulses
from ionq_toolkit_fake.simulation.gates import TooWideError
from ionq_toolkit_fake.simulation.limits import check_midway
from ionq_toolkit_fake.simulation.outcome import (
    WHOLE,
    Distribution,
    Outcome,
    SimulationFailure,
    Variant,
    merged,
    take,
)
from ionq_toolkit_fake.simulation.program import Noise, Program, Qasm3, Qir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

    from ionq_toolkit_fake.simulation.program import Task


#: The widest exact state: 2^29 amplitudes take 8 GiB.
WIDEST_EXACT = 29

#: The shots of a wider circuit that measures or resets midway, where there are too many branches.
MOST_DRAWN_BY_AER = 4096

#: The widest circuit whose possible outcomes symmetry verification finds out.
WIDEST_ANALYSED = 20
_NOISELESS = Noise(0.0, 0.0)


def run(task: Task) -> Outcome:
    """Compile, run and mitigate the circuit of a task."""
    try:
        if isinstance(task.circuit, Qasm3):
            return _run_qasm3(task, task.circuit)
        if isinstance(task.circuit, Qir):
            return _run_qir(task, task.circuit)
        return _run_program(task, task.circuit)
    except TooWideError as error:
        raise SimulationFailure("QuantumCircuitComplexityError", str(error)) from error


def run_several(tasks: Sequence[Task]) -> list[Outcome | Exception]:
    """Run several tasks, and return the outcome of each, or its error.

    Exact simulations go to Aer in one call.
    """
    together = {
        index: task
        for index, task in enumerate(tasks)
        if task.shots is None and task.qpu is None and isinstance(task.circuit, Program)
    }
    programs = [task.circuit for task in together.values() if isinstance(task.circuit, Program)]
    distributions = dict(zip(together, aer.exact(programs), strict=True))
    outcomes: list[Outcome | Exception] = []
    for index, task in enumerate(tasks):
        found = distributions.get(index)
        if isinstance(found, Distribution):
            width = task.circuit.num_qubits if isinstance(task.circuit, Program) else 0
            registers = task.registers or {WHOLE: tuple(range(width))}
            outcomes.append(Outcome(found, registers))
            continue
        try:
            outcomes.append(run(task))
        except Exception as error:  # noqa: BLE001 - the error of this task alone
            outcomes.append(error)
    return outcomes


def _run_program(task: Task, program: Program) -> Outcome:
    width = program.num_qubits
    registers = task.registers or {WHOLE: tuple(range(width))}
    compiled, final = None, tuple(range(width))
    if task.qpu is not None:
        compiled, final = compile_program(program, task.qpu, final, task.seed)
    gates = None if compiled is None else compiled.gates
    if not task.execute:
        return Outcome(None, registers, compiled=gates)
    if task.shots is None:
        return Outcome(_exact(program), registers, compiled=gates)
    noise = task.noise or _NOISELESS
    if compiled is not None and task.hardware:
        shots = take(aer.sampled(compiled, task.shots, noise, task.seed), final)
    else:
        shots = aer.sampled(program, task.shots, noise, task.seed)
    shots = aer.with_readout_errors(shots, range(width), noise, task.seed)
    analysed = task.symmetry_verification and len(program.active_qubits) <= WIDEST_ANALYSED
    ideal = _exact(program).outcomes if analysed else None
    return _mitigated(task, shots, ideal, Outcome(None, registers, compiled=gates))


def _run_qir(task: Task, module: Qir) -> Outcome:
    program = qir.load(module, task.width)
    double = sum(len(gate.qubits) > 1 for gate in program.gates)
    counts = {"1q": len(program.gates) - double, "2q": double}
    outcome = _run_program(task._replace(circuit=program), program)
    return outcome._replace(size=(program.num_qubits, counts))


def _exact(program: Program) -> Distribution:
    (found,) = aer.exact([program])
    if isinstance(found, Exception):
        raise found
    return found


def _run_qasm3(task: Task, program: Qasm3) -> Outcome:
    circuit, registers, gate_counts, native = qasm3.load(program, task.width)
    check_midway(circuit, task.qpu)
    blank = Outcome(None, registers, size=(circuit.num_qubits, gate_counts))
    compiled, bits = _compiled_qasm3(circuit, task) if native is None else (None, ())
    if compiled is not None:
        blank = blank._replace(compiled=compiled.gates)
    if not task.execute:
        return blank
    if task.shots is None:
        return blank._replace(distribution=distribution_of(circuit, task.seed).distribution)
    noise = task.noise or _NOISELESS
    if compiled is not None and task.hardware:
        shots = take(aer.sampled(compiled, task.shots, noise, task.seed), bits)
    else:
        compiles = task.qpu is not None and task.hardware and native is None
        as_run = pulses(circuit, task.qpu, task.seed) if task.qpu and compiles else circuit
        as_run = as_run if native is None else native  # noise follows the gates as they are
        shots = aer.sampled_circuit(as_run, task.shots, noise, task.seed, pulses=compiles)
    shots = aer.with_readout_errors(shots, qasm3.measured(circuit), noise, task.seed)
    analysed = task.symmetry_verification and circuit.num_qubits <= WIDEST_ANALYSED
    ideal = distribution_of(circuit, task.seed) if analysed else None
    allowed = ideal.distribution.outcomes if ideal is not None and ideal.exact else None
    return _mitigated(task, shots, allowed, blank)


def _compiled_qasm3(
    circuit: QuantumCircuit, task: Task
) -> tuple[Program | None, Sequence[int | None]]:
    """Return the native program of a circuit, and the qubit that holds each bit at its end.

    A circuit that measures or resets midway has none: no native gates are known for that. Its
    shots are those of its pulses nevertheless.
    """
    unitary, bits, _ = qasm3.without_measurements(circuit)
    if task.qpu is None or unitary.num_qubits > circuit.num_qubits:
        return None, ()
    layout = range(circuit.num_qubits)
    compiled, final = compile_circuit(unitary, task.qpu, layout, task.seed)
    return compiled, [None if wire is None else final[wire] for wire in bits]


def distribution_of(circuit: QuantumCircuit, seed: int) -> Followed:
    """Return the distribution of a circuit with measurements: exact, or that of shots.

    Args:
        circuit: Of gates of `BASIS`, measurements and resets.
        seed: Seeds the shots.
    """
    circuit = qasm3.narrowed(circuit)
    unitary, bits, _ = qasm3.without_measurements(circuit)
    midway = unitary.num_qubits > circuit.num_qubits
    if midway:
        followed = follow(circuit, seed)
        if followed is not None:
            return followed
    held = sorted({wire for wire in bits if wire is not None})
    many = midway and 2 ** len(held) > aer.MOST_OUTCOMES  # of which only so many can be sent
    if many or unitary.num_qubits > WIDEST_EXACT:
        shots = aer.sampled_circuit(circuit, MOST_DRAWN_BY_AER, _NOISELESS, seed)
        return Followed(Distribution.of_shots(shots), exact=False)
    found = aer.exact_circuit(unitary, held)
    place = {wire: index for index, wire in enumerate(held)}
    outcomes = take(found.outcomes, [None if wire is None else place[wire] for wire in bits])
    return Followed(Distribution(*merged(outcomes, found.probabilities)), exact=True)


def _mitigated(
    task: Task, shots: NDArray[Any], ideal: NDArray[Any] | None, blank: Outcome
) -> Outcome:
    """Return the outcome of the shots after the error mitigation of the task.

    The noise is the same on all qubits, so that the shots of one compiled circuit stand for those
    of every variant. Symmetry verification is not published in detail: here it drops
    outcomes that a QPU without errors would not show.
    """
    allowed = None
    if ideal is not None and np.isin(shots, ideal).any():
        allowed = len(ideal)
        shots = shots[np.isin(shots, ideal)]
    variants: tuple[Variant, ...] = ()
    if task.variants and task.qpu is not None:
        sizes = mitigation.split(len(shots), task.variants)
        program = task.circuit
        width = program.num_qubits if isinstance(program, Program) else (blank.size or (0,))[0]
        places = mitigation.layouts(
            width,
            task.qpu.num_qubits,
            len(sizes),
            np.random.default_rng([task.seed, 2]),
        )
        groups = np.split(shots, np.cumsum(sizes)[:-1])
        variants = tuple(Variant(*pair) for pair in zip(places, groups, strict=True))
    distribution = Distribution.of_shots(shots)
    return blank._replace(
        distribution=distribution, shots=shots, variants=variants, allowed_states=allowed
    )
