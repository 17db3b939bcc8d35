"""The native gates against IonQ's published matrices, in which the first qubit is the left one."""

import cmath
from math import cos, pi, sin, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit.library import RXGate, RXXGate, RYGate, RZZGate
from qiskit.quantum_info import Operator, Statevector

from ionq_toolkit_fake.api.results import as_map
from ionq_toolkit_fake.facts.gates import NATIVE_GATES
from ionq_toolkit_fake.simulation.executors import simulate
from ionq_toolkit_fake.simulation.gates import qiskit_gate
from ionq_toolkit_fake.simulation.program import Gate, Noise, Program, Task

PHASES = (0.0, 0.1, 0.25, 0.5, 0.73, 1.0, -0.2, -1.0)


def turn(phase):
    """e^(i 2 pi phase)."""
    return cmath.exp(2j * pi * phase)


def gpi(phase):
    return np.array([[0, turn(-phase)], [turn(phase), 0]])


def gpi2(phase):
    return np.array([[1, -1j * turn(-phase)], [-1j * turn(phase), 1]]) / sqrt(2)


def ms(first, second, angle):
    c, s = cos(pi * angle), -1j * sin(pi * angle)
    return np.array(
        [
            [c, 0, 0, s * turn(-(first + second))],
            [0, c, s * turn(-(first - second)), 0],
            [0, s * turn(first - second), c, 0],
            [s * turn(first + second), 0, 0, c],
        ]
    )


def zz(angle):
    return np.diag([turn(-angle / 2), turn(angle / 2), turn(angle / 2), turn(-angle / 2)])


def identity():
    return np.eye(2)


PUBLISHED = {"gpi": gpi, "gpi2": gpi2, "ms": ms, "zz": zz, "nop": identity}


def matrix_of(name, *parameters):
    """What is simulated for a gate, in IonQ's order: the first target is the left one."""
    targets = tuple(range(NATIVE_GATES[name].targets))
    gate = Gate(name, targets, parameters=parameters)
    matrix = Operator(qiskit_gate(gate, "native"))
    return matrix.reverse_qargs().data  # Qiskit's first qubit is the right one


def histogram_of(num_qubits, *gates):
    task = Task(Program(num_qubits, gates, "native"), seed=0)
    return as_map(simulate(task).distribution)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", ["gpi", "gpi2"])
def test_a_gate_on_one_qubit_is_the_published_matrix(name, phase):
    assert np.allclose(matrix_of(name, phase), PUBLISHED[name](phase))


@pytest.mark.parametrize("angle", [0.0, 0.03, 0.125, 0.2, 0.25])
@pytest.mark.parametrize("phases", [(0.0, 0.0), (0.1, 0.3), (0.3, 0.1), (-0.4, 0.9), (1.0, -1.0)])
def test_an_ms_is_the_published_matrix_for_partial_angles_too(phases, angle):
    expected = ms(*phases, angle)  # type: ignore[call-arg]
    assert np.allclose(matrix_of("ms", *phases, angle), expected)


@pytest.mark.parametrize("angle", [0.0, 0.1, 0.25, -0.25, 0.5, 1.0, -1.0])
def test_a_zz_is_the_published_matrix(angle):
    assert np.allclose(matrix_of("zz", angle), zz(angle))


@pytest.mark.parametrize("angle", [0.1, 0.25, -0.37])
def test_a_zz_turns_by_its_angle_in_turns(angle):
    assert np.allclose(matrix_of("zz", angle), RZZGate(2 * pi * angle).to_matrix())


@pytest.mark.parametrize("angle", [0.1, 0.25])
def test_an_ms_without_phases_is_a_rotation_about_xx(angle):
    assert np.allclose(matrix_of("ms", 0.0, 0.0, angle), RXXGate(2 * pi * angle).to_matrix())


def test_an_ms_on_axes_x_and_y_is_a_rotation_about_xy():
    x, y = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]])
    expected = (np.eye(4) - 1j * np.kron(x, y)) / sqrt(2)
    assert np.allclose(matrix_of("ms", 0.0, 0.25, 0.25), expected)


def test_a_gpi2_is_a_quarter_turn_about_the_axis_of_its_phase():
    assert np.allclose(matrix_of("gpi2", 0.0), RXGate(pi / 2).to_matrix())
    assert np.allclose(matrix_of("gpi2", 0.25), RYGate(pi / 2).to_matrix())


def test_a_nop_does_nothing():
    assert np.array_equal(matrix_of("nop"), np.eye(2))
    assert histogram_of(2, Gate("gpi", (1,), parameters=(0.3,)), Gate("nop", (1,))) == {"2": 1.0}


def test_a_nop_is_free_of_noise():
    program = Program(1, (Gate("nop", (0,)),) * 50, "native")
    outcome = simulate(Task(program, seed=1, shots=200, noise=Noise(1.0, 1.0)))
    assert as_map(outcome.distribution) == {"0": 1.0}


@pytest.mark.parametrize("targets", [(0, 2), (2, 0)])
def test_the_first_phase_of_an_ms_is_for_the_first_target(targets):
    """The first is put along Y, the axis of its phase, and stays; the second turns about X."""
    first, second = targets
    histogram = histogram_of(
        3,
        Gate("gpi2", (first,), parameters=(0.5,)),
        Gate("ms", targets, parameters=(0.25, 0.0, 0.25)),
        Gate("gpi2", (second,), parameters=(0.0,)),
        Gate("gpi2", (first,), parameters=(0.0,)),
    )
    assert histogram == pytest.approx({str(2**second): 1.0})


@st.composite
def native_programs(draw):
    width = draw(st.integers(2, 4))
    phase = st.floats(-1, 1)
    gates = []
    for _ in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(sorted(PUBLISHED)))
        targets = draw(st.permutations(range(width)))[: NATIVE_GATES[name].targets]
        parameters = {
            "ms": st.tuples(phase, phase, st.floats(0, 0.25)),
            "nop": st.just(()),
        }.get(name, st.tuples(phase))
        gates.append(Gate(name, tuple(targets), parameters=draw(parameters)))
    return Program(width, tuple(gates), "native")


@settings(max_examples=60)
@given(native_programs())
def test_a_program_gives_the_distribution_of_the_published_matrices(program):
    state = Statevector.from_int(0, 2**program.num_qubits)
    for gate in program.gates:
        matrix = PUBLISHED[gate.name](*gate.parameters)
        state = state.evolve(Operator(matrix), list(gate.targets[::-1]))
    found = np.zeros(2**program.num_qubits)
    distribution = simulate(Task(program, seed=0)).distribution
    found[distribution.outcomes] = distribution.probabilities
    assert np.allclose(found, state.probabilities(), atol=1e-12)
