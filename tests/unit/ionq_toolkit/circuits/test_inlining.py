"""Boxes, static loops and parts that measure go in place; other control flow is named."""

import pytest
import qiskit
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Instruction, Parameter

from ionq_toolkit import IonQProvider, errors
from ionq_toolkit.circuits.inlining import inlined
from ionq_toolkit.circuits.qasm3 import to_qasm3
from ionq_toolkit.circuits.wire import needs_qasm3, to_wire


def boxed(circuit):
    with circuit.box():
        circuit.x(0)
        circuit.measure(0, 0)


def looped(circuit):
    with circuit.for_loop(range(3)):
        circuit.x(0)
    circuit.measure(0, 0)


def measuring(circuit):
    part = QuantumCircuit(1, 1, name="part")
    part.x(0)
    part.measure(0, 0)
    circuit.append(part.to_instruction(), [0], [0])


def nested(circuit):
    with circuit.for_loop(range(3)), circuit.box():
        measuring(circuit)


@pytest.mark.parametrize("build", [boxed, looped, measuring, nested])
def test_what_is_done_in_place_has_the_counts_of_its_content(build):
    """One flip of the qubit, or three."""
    circuit = QuantumCircuit(2, 2)
    build(circuit)
    backend = IonQProvider(transport="fake").get_backend("ionq_simulator")
    assert backend.run(circuit, shots=5).get_counts() == {"01": 5}
    forte = IonQProvider(transport="fake").get_backend("forte-1")
    assert forte.estimate(circuit, shots=100) == forte.estimate(inlined(circuit), shots=100)


def test_a_measurement_within_a_part_is_found_midway():
    circuit = QuantumCircuit(1, 1)
    measuring(circuit)
    assert not needs_qasm3(circuit)
    circuit.x(0)
    assert needs_qasm3(circuit)


def test_a_circuit_without_parts_is_itself():
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    assert inlined(circuit) is circuit


STEPS = st.recursive(
    st.floats(-3, 3).map(lambda angle: ("rx", angle)),
    lambda inner: st.tuples(
        st.sampled_from(["box", "loop", "empty"]), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.skipif(
    qiskit.__version__.startswith("2.0."), reason="Qiskit 2.0 mixes up parameters of nested loops"
)
@given(st.lists(STEPS, max_size=4))
def test_nested_boxes_and_loops_are_what_they_do_step_by_step(steps):
    """The angles of a loop's gates grow with its parameter."""
    circuit, expected = QuantumCircuit(1), []

    def add(target, step, env):
        kind, content = step
        if kind == "rx":
            target.rx(content + sum(env), 0)
        elif kind == "box":
            body = QuantumCircuit(1)
            for inner in content:
                add(body, inner, env)
            target.box(body, [0], [])
        else:
            parameter, body = Parameter(f"p{len(env)}"), QuantumCircuit(1)
            for inner in content:
                add(body, inner, [*env, parameter])
            rounds = range(3) if kind == "loop" else range(0)
            target.for_loop(rounds, parameter, body, [0], [])

    def reference(step, env):
        kind, content = step
        if kind == "rx":
            expected.append(content + sum(env))
        for number in {"rx": [], "box": [None], "loop": range(3), "empty": []}[kind]:
            for inner in content:
                reference(inner, env if number is None else [*env, number])

    for step in steps:
        add(circuit, step, [])
        reference(step, [])
    found = [float(item.operation.params[0]) for item in inlined(circuit).data]
    assert found == pytest.approx(expected)


def branch(circuit):
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.measure(1, 1)


def switch(circuit):
    with circuit.switch(circuit.clbits[0]) as case, case(1):
        circuit.x(1)


def repeated(circuit):
    with circuit.while_loop((circuit.clbits[0], 1)):
        circuit.measure(0, 0)


def left(circuit):
    with circuit.for_loop(range(3)), circuit.if_test((circuit.clbits[0], 1)):
        circuit.break_loop()


def endless(circuit):
    with circuit.for_loop(range(10**9)):
        circuit.x(0)


def branch_in_a_box(circuit):
    with circuit.box():
        branch(circuit)


@pytest.mark.parametrize("midway", [False, True])
@pytest.mark.parametrize(
    ("build", "name", "words"),
    [
        (branch, "if_else", "a branch.*a gate that the qubit controls"),
        (branch_in_a_box, "if_else", "a branch"),
        (switch, "switch_case", "a branch"),
        (repeated, "while_loop", "whose end a measurement decides.*for_loop"),
        (left, "for_loop", "without break or continue"),
        (endless, "for_loop", "cannot be unrolled"),
    ],
)
def test_other_control_flow_is_named_with_the_way_out(build, name, words, midway):
    circuit = QuantumCircuit(2, 2)
    if midway:
        circuit.measure(0, 0)
        circuit.x(0)
    build(circuit)
    backend = IonQProvider(transport="fake").get_backend("ionq_simulator")
    for attempt in (to_wire, to_qasm3, backend.run):
        with pytest.raises(errors.IonQGateError, match=f"(?i){name}.*{words}") as caught:
            attempt(circuit)
        assert caught.value.gate_name == name


def test_a_part_whose_content_is_unknown_is_named():
    circuit = QuantumCircuit(1, 1)
    circuit.append(Instruction("opaque", 1, 1, []), [0], [0])
    with pytest.raises(errors.IonQGateError, match=r"'opaque'.*made of gates, measurements"):
        to_wire(circuit)
