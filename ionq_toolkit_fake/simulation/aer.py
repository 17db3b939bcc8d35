"""Circuits run with Qiskit Aer: exactly, or shot by shot with noise."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit_aer import AerSimulator
from qiskit_aer.library import SetStatevector
from qiskit_aer.noise import NoiseModel, depolarizing_error

from ionq_toolkit_fake.simulation.compiler import circuit_of
from ionq_toolkit_fake.simulation.gates import BASIS, TooWideError, append_program
from ionq_toolkit_fake.simulation.limits import (
    bits_of_bonds,
    check_bonds,
    check_exact,
    check_shots,
    midway,
    probe_is_cheap,
)
from ionq_toolkit_fake.simulation.outcome import (
    Distribution,
    SimulationFailure,
    clean,
    integer_type,
    spread,
)
from ionq_toolkit_fake.simulation.program import Program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from qiskit.result import Result

    from ionq_toolkit_fake.simulation.program import Gate, Noise

#: Probabilities below this are rounding errors of amplitudes that are zero: double
#: precision leaves about 1e-33, a deep circuit 1e-28. IonQ's own limit is not published.
ZERO = 1e-20

#: Up to so many qubits a noisy circuit may be simulated as a state, shot by shot; beyond, it is a
#: tensor network.
WIDEST_STATE = 26

#: Up to so many errors in a shot, on average, shots of a small state are simulated as branches.
MOST_BRANCHING = 1.0

#: Up to so many qubits a state is fast, whatever is done to it.
_SMALL_STATE = 12

#: Removes Aer's own limit for matrix product states: it assumes bonds as wide as can be, and
#: refuses a circuit on one computer that it runs on another. `check_bonds` limits them instead.
_ANY_MEMORY: dict[str, Any] = {"max_memory_mb": 2**40}

#: The most outcomes of an exact distribution: so many take 150 MB as JSON, and some seconds.
MOST_OUTCOMES = 2**22

#: From so many qubits and shots on, these take much longer than one run that shows how wide the
#: bonds are.
_PROBED, _PROBED_SHOTS, _PROBED_BOND = 16, 100, 64

#: How far probabilities may be from adding up to 1.
_INEXACT = 1e-6

#: With more shots than outcomes, Aer makes a density matrix: twice as fast, but of 4^n numbers,
#: whether they fit or not. Up to so many qubits it may: they are no more than the widest state has.
WIDEST_MIXED = WIDEST_STATE // 2

#: The labels of gates that Aer adds noise to.
_LABELS = {1: "noisy on one qubit", 2: "noisy on two qubits"}
_NOISELESS = frozenset({"barrier", "reset", "id"})


def exact(programs: Sequence[Program]) -> list[Distribution | Exception]:
    """Return the exact distribution of each program over all its qubits, or why it has none.

    Outcomes of probability zero are absent. Only qubits that a gate touches are simulated. Small
    programs are parts of one circuit: most of what a small circuit costs Aer is its overhead.
    """
    found: list[Distribution | Exception] = [RuntimeError("it was not run")] * len(programs)
    active = [program.active_qubits or (0,) for program in programs]
    circuits: list[QuantumCircuit] = []
    parts: list[list[int]] = []  # the programs that each circuit consists of
    for group in _together([len(qubits) for qubits in active]):
        circuit, contained = QuantumCircuit(len(active[group[0]])), []
        for index in group:
            if circuit.data:
                circuit.append(_all_zero(circuit.num_qubits), circuit.qubits)
            try:
                _append(circuit, programs[index], active[index])
            except (TooWideError, SimulationFailure) as error:
                found[index] = error
            else:
                circuit.save_probabilities(label=str(index))
                contained.append(index)
        if contained:
            circuits.append(circuit)
            parts.append(contained)
    for contained, saved in zip(parts, _run_exactly(circuits), strict=True):
        if not isinstance(saved, Exception):
            for index in contained:
                found[index] = _spread(_distribution_of(saved[str(index)]), active[index])
        elif len(contained) == 1:
            found[contained[0]] = saved
        else:  # one of them spoils it for the others
            for index in contained:
                (found[index],) = exact([programs[index]])
    return found


def _append(circuit: QuantumCircuit, program: Program, places: Sequence[int]) -> None:
    """Append a program to a circuit, unless it is too large for an exact simulation."""
    if circuit.num_qubits > _SMALL_STATE:
        each = (max(1, 4 * len(gate.terms) * len(gate.targets)) for gate in program.gates)
        check_exact(circuit.num_qubits, sum(each))
    append_program(circuit, program, places)


def _together(widths: Sequence[int]) -> list[list[int]]:
    """Return which programs of these widths are parts of one circuit."""
    groups: dict[int, list[int]] = {}
    alone = []
    for index, width in enumerate(widths):
        if width <= _SMALL_STATE:
            groups.setdefault(width, []).append(index)
        else:
            alone.append([index])
    return [*groups.values(), *alone]


@cache
def _all_zero(num_qubits: int) -> SetStatevector:
    """Return the instruction that begins anew, whatever the state is: exact, unlike a reset."""
    return SetStatevector(np.eye(1, 2**num_qubits)[0])


def exact_circuit(circuit: QuantumCircuit, qubits: Sequence[int]) -> Distribution:
    """Return the exact distribution of some qubits of a circuit without measurements.

    Args:
        circuit: Of gates that Aer knows.
        qubits: The qubits that an outcome consists of, the least significant first.

    Raises:
        SimulationFailure: There is not enough memory, or it would take hours.
    """
    check_exact(circuit.num_qubits, len(circuit.data))
    circuit = circuit.copy()
    circuit.save_probabilities(list(qubits))
    (saved,) = _run_exactly([circuit])
    found = saved if isinstance(saved, Exception) else _distribution_of(saved["probabilities"])
    if isinstance(found, Exception):
        raise found
    return found


@cache
def _exact_simulator() -> AerSimulator:
    return AerSimulator(method="statevector")


def _run_exactly(circuits: list[QuantumCircuit]) -> list[Mapping[str, Any] | RuntimeError]:
    """Return what each circuit saves by its label, or why it could not be run."""
    if not circuits:
        return []
    result = _exact_simulator().run(circuits, shots=1).result()
    if len(result.results) < len(circuits):  # nothing was run at all
        return [_not_run(result.status)] * len(circuits)
    return [
        experiment.data.to_dict() if experiment.success else _not_run(experiment.status)
        for experiment in result.results
    ]


def _not_run(status: str) -> RuntimeError:
    return RuntimeError(f"Aer could not simulate the circuit: {status}")


def _distribution_of(probabilities: NDArray[np.float64]) -> Distribution | Exception:
    """Return the outcomes that have a probability, of those of all outcomes."""
    total = probabilities.sum()
    if not abs(total - 1.0) < _INEXACT:  # an angle beyond a float, or NaN
        return RuntimeError("the probabilities do not add up to 1")
    outcomes = np.flatnonzero(probabilities > ZERO)
    if len(outcomes) > MOST_OUTCOMES:
        return SimulationFailure(
            "SimulationError",
            f"the circuit has {len(outcomes)} possible outcomes; ionq_toolkit_fake can "
            f"send {MOST_OUTCOMES}",
        )
    return Distribution(outcomes, clean(probabilities[outcomes] / total))


def _spread(found: Distribution | Exception, active: Sequence[int]) -> Distribution | Exception:
    if isinstance(found, Exception) or list(active) == list(range(len(active))):
        return found
    return Distribution(spread(found.outcomes, active), found.probabilities)


def sampled(program: Program, shots: int, noise: Noise, seed: int) -> NDArray[Any]:
    """Return the outcomes of `shots` runs of a program with noise, over all its qubits.

    Readout errors are not added.
    """
    active = program.active_qubits
    circuit = QuantumCircuit(max(1, len(active)))
    append_program(circuit, program, active, _narrow)
    circuit.measure_all()
    values = sampled_circuit(circuit, shots, noise, seed)
    return spread(values, active or (0,))


def _narrow(gate: Gate) -> QuantumCircuit:
    """Return a gate, on its controls and then its targets, as gates on one and two qubits."""
    controls, width = len(gate.controls), len(gate.qubits)
    alone = gate._replace(controls=tuple(range(controls)), targets=tuple(range(controls, width)))
    circuit = circuit_of(Program(width, (alone,)))
    return transpile(circuit, basis_gates=list(BASIS), optimization_level=0)


def sampled_circuit(
    circuit: QuantumCircuit, shots: int, noise: Noise, seed: int, *, pulses: bool = False
) -> NDArray[Any]:
    """Return the classical bits, as a number, that each of `shots` runs of a circuit ends with.

    Every gate gets the noise of its width; among `pulses` an `rz` is none, which only turns the
    later ones. Readout errors are not added.

    Raises:
        SimulationFailure: There is not enough memory, or it would take hours.
    """
    model = NoiseModel()
    noiseless = _NOISELESS | {"rz"} if pulses else _NOISELESS
    labelled, errors = circuit.copy_empty_like(), 0.0
    for item in circuit.data:
        operation = item.operation
        label = _LABELS.get(operation.num_qubits)
        if label and operation.num_clbits == 0 and operation.name not in noiseless:
            operation = operation.to_mutable()
            operation.label = label
            errors += noise.one_qubit if operation.num_qubits == 1 else noise.two_qubits
        labelled.append(operation, item.qubits, item.clbits)
    for width, rate in ((1, noise.one_qubit), (2, noise.two_qubits)):
        if rate > 0:
            error = depolarizing_error(rate, width)
            model.add_all_qubit_quantum_error(error, _LABELS[width])
    width, method = circuit.num_qubits, "matrix_product_state"
    options = _ANY_MEMORY
    if width > WIDEST_STATE or (width > _SMALL_STATE and _has_narrow_bonds(circuit, shots)):
        check_bonds(circuit, shots, lambda most: _widest_bond(circuit, most))
    else:
        mixed = shots > 2**width
        method = "statevector" if mixed and width > WIDEST_MIXED else "automatic"
        mixed &= method == "automatic" and not midway(circuit)[0]
        check_shots(circuit, shots, noise, mixed=mixed)
        # Shots are one state until something goes wrong in one of them: many times as fast, where
        # that is rare; of a small state with an error in each shot, a few times slower.
        if errors <= MOST_BRANCHING or width > _SMALL_STATE:
            options = {"shot_branching_enable": True, "shot_branching_sampling_enable": True}
        else:
            options = {}
        if mixed:  # samples of a density matrix depend on the number of threads
            options = {"max_parallel_threads": 1}
    simulator = AerSimulator(method=method, noise_model=model, **options)
    # One shot after the other: the outcomes would depend on how many processors there are.
    job = simulator.run(labelled, shots=shots, seed_simulator=_mixed(seed), max_parallel_shots=1)
    counts = _finished(job.result()).data(0)["counts"]
    values: NDArray[Any] = np.array(
        [int(key, 16) for key in counts], integer_type(circuit.num_clbits)
    )
    each = np.repeat(values, np.array(list(counts.values()), dtype=np.int64))
    return np.random.default_rng(seed).permutation(each)  # Aer only counts: any order is as likely


def _has_narrow_bonds(circuit: QuantumCircuit, shots: int) -> bool:
    """Return whether a matrix product state costs less than a state: the cube of its bonds.

    Where the gates do not tell, one run without noise does: errors are Pauli gates on single
    qubits, which leave the bonds as they are.
    """
    width = circuit.num_qubits
    if 3 * bits_of_bonds(circuit) < width:
        return True
    most: int = min(2 ** ((width - 1) // 3), _PROBED_BOND)
    worthwhile = width >= _PROBED and shots >= _PROBED_SHOTS and probe_is_cheap(circuit, most)
    return worthwhile and _widest_bond(circuit, most + 1) <= most


def _widest_bond(circuit: QuantumCircuit, most: int) -> int:
    """Return the widest bond of a circuit's matrix product state, cut at `most`, without noise."""
    options = {"matrix_product_state_max_bond_dimension": most, "mps_log_data": True}
    simulator = AerSimulator(method="matrix_product_state", **options, **_ANY_MEMORY)
    result = _finished(simulator.run(circuit, shots=1, seed_simulator=1).result())
    log = result.results[0].metadata["MPS_log_data"]  # "I0:cx on qubits 0,1, BD=[2 1], ..."
    bonds = " ".join(re.findall(r"BD=\[([\d ]*)\]", log)).split()
    return max(map(int, bonds), default=1)


def _mixed(seed: int) -> int:
    """Return a seed that has nothing in common with its neighbours.

    Aer counts it up with each shot: runs with seeds 3 and 4 would share all shots but one.
    """
    return int(np.random.SeedSequence(seed).generate_state(1)[0]) % 2**31


def with_readout_errors(
    outcomes: NDArray[Any], bits: Sequence[int], noise: Noise, seed: int
) -> NDArray[Any]:
    """Return the outcomes with each of the bits read wrongly at the rate of the noise."""
    if noise.readout <= 0:
        return outcomes
    generator = np.random.default_rng([seed, 1])
    flips: NDArray[Any] = np.zeros_like(outcomes)
    for bit in bits:
        flips |= (generator.random(len(outcomes)) < noise.readout).astype(outcomes.dtype) << bit
    flipped: NDArray[Any] = outcomes ^ flips
    return flipped


def _finished(result: Result) -> Result:
    if not result.success:
        details = result.results[0].status if result.results else result.status
        raise _not_run(details)
    return result
