import math

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit, ControlledGate, Gate, Parameter
from qiskit.circuit.library import CXGate, IGate, MCXGate, RZGate, XGate

from ionq_toolkit import circuits, errors


def wire(build, qubits=3):
    circuit = QuantumCircuit(qubits, qubits)
    build(circuit)
    circuit.measure(range(qubits), range(qubits))
    return circuits.to_wire(circuit).gates


@pytest.mark.parametrize(
    ("build", "gate"),
    [
        (lambda c: c.x(1), {"gate": "x", "targets": [1]}),
        (lambda c: c.y(1), {"gate": "y", "targets": [1]}),
        (lambda c: c.z(1), {"gate": "z", "targets": [1]}),
        (lambda c: c.h(2), {"gate": "h", "targets": [2]}),
        (lambda c: c.s(0), {"gate": "s", "targets": [0]}),
        (lambda c: c.sdg(0), {"gate": "si", "targets": [0]}),
        (lambda c: c.t(0), {"gate": "t", "targets": [0]}),
        (lambda c: c.tdg(0), {"gate": "ti", "targets": [0]}),
        (lambda c: c.sx(0), {"gate": "v", "targets": [0]}),
        (lambda c: c.sxdg(0), {"gate": "vi", "targets": [0]}),
        (lambda c: c.rx(0.1, 0), {"gate": "rx", "targets": [0], "rotation": 0.1}),
        (lambda c: c.ry(0.2, 0), {"gate": "ry", "targets": [0], "rotation": 0.2}),
        (lambda c: c.rz(0.3, 0), {"gate": "rz", "targets": [0], "rotation": 0.3}),
        (lambda c: c.p(0.4, 0), {"gate": "rz", "targets": [0], "rotation": 0.4}),
        (lambda c: c.swap(2, 0), {"gate": "swap", "targets": [2, 0]}),
        (lambda c: c.rxx(0.5, 2, 0), {"gate": "xx", "targets": [2, 0], "rotation": 0.5}),
        (lambda c: c.ryy(0.5, 2, 0), {"gate": "yy", "targets": [2, 0], "rotation": 0.5}),
        (lambda c: c.rzz(0.5, 2, 0), {"gate": "zz", "targets": [2, 0], "rotation": 0.5}),
        (lambda c: c.cx(2, 0), {"gate": "x", "targets": [0], "controls": [2]}),
        (lambda c: c.ccx(2, 0, 1), {"gate": "x", "targets": [1], "controls": [2, 0]}),
        (
            lambda c: c.cry(0.6, 2, 0),
            {"gate": "ry", "targets": [0], "controls": [2], "rotation": 0.6},
        ),
    ],
)
def test_each_gate_has_its_ionq_form(build, gate):
    assert wire(build) == [gate]


def test_barriers_delays_and_identities_are_left_out():
    def build(circuit):
        circuit.x(0)
        circuit.barrier()
        circuit.id(0)
        circuit.delay(100, 0)
        circuit.h(0)

    assert [gate["gate"] for gate in wire(build)] == ["x", "h"]


def test_seven_controls_are_sent_and_eight_refused():
    assert len(wire(lambda c: c.append(MCXGate(7), range(8)), qubits=8)[0]["controls"]) == 7
    with pytest.raises(errors.IonQGateError):
        wire(lambda c: c.append(MCXGate(8), range(9)), qubits=9)


def custom(name, qubits=1):
    """A gate of somebody's own that flips its qubits, under the name of another."""
    definition = QuantumCircuit(qubits, name=name)
    definition.x(range(qubits))
    return definition.to_gate()


class OwnX(Gate):
    def __init__(self):
        super().__init__("x", 1, [])


class OwnIdentity(IGate):
    """Somebody's own, which is no identity at all."""


BY_TRANSPILING = r"qiskit\.transpile"
BY_DECOMPOSING = r"circuit\.decompose"
NOT_AT_ALL = "made of gates"


@pytest.mark.parametrize(
    ("build", "name", "advice"),
    [
        (lambda c: c.ecr(0, 1), "ecr", BY_TRANSPILING),
        (lambda c: c.u(1, 2, 3, 0), "u", BY_TRANSPILING),
        (lambda c: c.cp(0.3, 0, 1), "cp", BY_TRANSPILING),
        (lambda c: c.cs(0, 1), "cs", BY_TRANSPILING),
        (lambda c: c.cswap(0, 1, 2), "cswap", BY_TRANSPILING),
        (lambda c: c.append(CXGate(ctrl_state=0), [0, 1]), "cx_o0", BY_TRANSPILING),
        (lambda c: c.append(custom("mine"), [0]), "mine", BY_TRANSPILING),
        (lambda c: c.append(custom("x"), [0]), "x", BY_DECOMPOSING),
        (lambda c: c.append(custom("id"), [0]), "id", BY_DECOMPOSING),
        (lambda c: c.append(custom("id", 2), [0, 1]), "id", BY_DECOMPOSING),
        (lambda c: c.append(custom("delay"), [0]), "delay", BY_DECOMPOSING),
        (lambda c: c.append(custom("barrier"), [0]), "barrier", BY_DECOMPOSING),
        (lambda c: c.append(custom("measure"), [0]), "measure", BY_DECOMPOSING),
        (
            lambda c: c.append(
                ControlledGate(
                    "cx", 2, [], num_ctrl_qubits=1, base_gate=Gate("x", 1, []), definition=None
                ),
                [0, 1],
            ),
            "cx",
            BY_DECOMPOSING,
        ),
        (lambda c: c.append(OwnX(), [0]), "x", BY_DECOMPOSING),
        (lambda c: c.append(OwnIdentity(), [0]), "id", BY_DECOMPOSING),
        (lambda c: c.reset(0), "reset", NOT_AT_ALL),
        (lambda c: c.initialize([0, 1], 0), "initialize", NOT_AT_ALL),
        (lambda c: c.if_test((c.clbits[0], 1), QuantumCircuit(1), [0], []), "if_else", NOT_AT_ALL),
        (lambda c: c.append(measuring("measure"), [0], [0]), "measure", NOT_AT_ALL),
    ],
)
def test_what_cannot_be_said_is_refused_with_a_way_out(build, name, advice):
    with pytest.raises(errors.IonQGateError, match=advice) as caught:
        wire(build)
    assert caught.value.gate_name == name


def measuring(name):
    definition = QuantumCircuit(1, 1, name=name)
    definition.x(0)
    definition.measure(0, 0)
    return definition.to_instruction()


@pytest.mark.parametrize("name", ["x", "id", "barrier", "delay", "measure"])
def test_decomposing_is_a_way_out(name):
    circuit = QuantumCircuit(1, 1)
    circuit.append(custom(name), [0])
    assert circuits.to_wire(measured(circuit.decompose([name]))).gates == [
        {"gate": "x", "targets": [0]}
    ]


def measured(circuit):
    circuit.measure(0, 0)
    return circuit


def test_a_mutable_gate_of_qiskits_is_qiskits():
    assert wire(lambda c: c.append(XGate().to_mutable(), [0])) == [{"gate": "x", "targets": [0]}]


@pytest.mark.parametrize("angle", [math.nan, math.inf, -math.inf])
def test_an_angle_must_be_a_finite_number(angle):
    with pytest.raises(errors.IonQGateError, match="finite number of radians"):
        wire(lambda c: c.append(RZGate(angle), [0]))


def test_free_parameters_are_named():
    with pytest.raises(errors.IonQJobError, match=r"without a value: alpha, beta.*assign_param"):
        wire(lambda c: c.rx(Parameter("beta"), 0) and c.rz(Parameter("alpha"), 0))


def test_a_bound_parameter_is_its_number():
    theta = Parameter("theta")
    circuit = QuantumCircuit(1, 1)
    circuit.rx(2 * theta, 0)
    circuit.measure(0, 0)

    (gate,) = circuits.to_wire(circuit.assign_parameters({theta: 0.25})).gates

    assert gate["rotation"] == 0.5
    assert type(gate["rotation"]) is float


def test_a_gate_after_the_measurement_of_its_qubit_is_refused():
    circuit = QuantumCircuit(2, 2)
    circuit.measure(1, 0)
    circuit.h(0)
    circuit.cx(0, 1)

    with pytest.raises(errors.IonQMidCircuitMeasurementError, match="qubit 1") as caught:
        circuits.to_wire(circuit)

    assert caught.value.qubit_index == 1


def test_a_circuit_that_measures_nothing_is_refused():
    with pytest.raises(errors.IonQJobError, match="measure_all"):
        circuits.to_wire(QuantumCircuit(1, 1))


def test_the_measurement_map_goes_by_position_and_the_last_measurement_wins():
    circuit = QuantumCircuit(3, 4)
    circuit.measure([2, 0, 1], [0, 3, 3])

    assert circuits.to_wire(circuit).measured == (2, None, None, 1)


def test_registers_are_described_where_they_split_the_bits():
    one, two = ClassicalRegister(1, "one"), ClassicalRegister(2, "two")
    circuit = QuantumCircuit(QuantumRegister(3, "q"), one, two, metadata={"k": 1})
    circuit.measure([0, 1, 2], [0, 1, 2])

    header = circuits.header(circuit, circuits.to_wire(circuit))

    assert header["creg_sizes"] == [["one", 1], ["two", 2]]
    assert header["clbit_labels"] == [["one", 0], ["two", 0], ["two", 1]]
    assert header["memory_slots"] == 3
    assert header["metadata"] == {"k": 1}


def test_registers_that_share_or_miss_bits_are_left_out():
    bits = [Clbit(), Clbit()]
    shared = QuantumCircuit(QuantumRegister(2), bits, ClassicalRegister(bits=[bits[0]], name="a"))
    shared.measure([0, 1], bits)

    header = circuits.header(shared, circuits.to_wire(shared))

    assert header["creg_sizes"] == []
    assert header["memory_slots"] == 2


def test_a_gate_has_no_table_entry_by_name_alone():
    assert all(isinstance(key, type) for key in circuits.QIS_GATES)
    assert XGate in circuits.QIS_GATES
