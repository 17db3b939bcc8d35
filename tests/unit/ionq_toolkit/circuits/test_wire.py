import io
import json
import math

import numpy as np
import openqasm3
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qasm2, qasm3, qpy, transpile
from qiskit.circuit import (
    AnnotatedOperation,
    Clbit,
    ControlledGate,
    ControlModifier,
    Gate,
    Instruction,
    Measure,
    Parameter,
    Reset,
)
from qiskit.circuit.library import (
    CXGate,
    HGate,
    IGate,
    MCPhaseGate,
    MCXGate,
    PauliEvolutionGate,
    PhaseGate,
    RXGate,
    RYGate,
    RZGate,
    SdgGate,
    SGate,
    SXdgGate,
    SXGate,
    TdgGate,
    TGate,
    UGate,
    XGate,
    YGate,
    ZGate,
    get_standard_gate_name_mapping,
)
from qiskit.quantum_info import (
    Clifford,
    Operator,
    SparseObservable,
    SparsePauliOp,
    Statevector,
)
from qiskit.synthesis import SuzukiTrotter

from ionq_toolkit import GPI2Gate, GPIGate, MSGate, ZZGate, errors
from ionq_toolkit.circuits import gates
from ionq_toolkit.circuits.qasm3 import to_qasm3
from ionq_toolkit.circuits.target import target_for
from ionq_toolkit.circuits.wire import (
    check_native,
    circuit_header,
    needs_qasm3,
    program_names,
    to_wire,
)
from ionq_toolkit.devices import Device, find_device


def wire(build, qubits=3, gateset="qis", **options):
    circuit = QuantumCircuit(qubits, qubits)
    build(circuit)
    circuit.measure(range(qubits), range(qubits))
    return to_wire(circuit, gateset, **options).gates


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


def test_seven_controls_are_sent_and_eight_are_taken_apart():
    assert len(wire(lambda c: c.append(MCXGate(7), range(8)), qubits=8)[0]["controls"]) == 7
    for gate in (MCXGate(8), ZGate().control(8, annotated=False), MCPhaseGate(0.4, 8)):
        found = wire(lambda c, gate=gate: c.append(gate, range(9)), qubits=9)
        assert len(found) > 1
        assert all(len(one.get("controls", ())) <= 7 for one in found)


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
        (lambda c: c.cp(0.3, 0, 1, ctrl_state=0), "cp_o0", BY_TRANSPILING),
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
        (lambda c: c.initialize([0, 1], 0), "initialize", BY_TRANSPILING),
        (lambda c: c.append(Clifford(CXGate()), [0, 1]), "clifford", BY_TRANSPILING),
        (
            lambda c: c.append(AnnotatedOperation(XGate(), ControlModifier(2)), range(3)),
            "annotated",
            BY_TRANSPILING,
        ),
        (lambda c: c.append(GPIGate(0.1), [0]), "gpi", "gateset='native'"),
        (lambda c: c.append(MSGate(0, 0), [0, 1]), "ms", "gateset='native'"),
        (lambda c: c.append(custom("gpi"), [0]), "gpi", BY_DECOMPOSING),
        (
            lambda c: c.if_test((c.clbits[0], 1), QuantumCircuit(1), [0], []),
            "if_else",
            "control flow",
        ),
        (lambda c: c.append(Instruction("opaque", 1, 0, []), [0]), "opaque", NOT_AT_ALL),
    ],
)
def test_to_wire_rejects_unsupported_operations_with_advice(build, name, advice):
    with pytest.raises(errors.IonQGateError, match=advice) as caught:
        wire(build)
    assert caught.value.gate_name == name


def measuring(name):
    definition = QuantumCircuit(1, 1, name=name)
    definition.x(0)
    definition.measure(0, 0)
    return definition.to_instruction()


@pytest.mark.parametrize("name", ["measure", "mine"])
def test_a_part_that_measures_is_taken_for_what_it_does(name):
    circuit = QuantumCircuit(1, 1)
    circuit.append(measuring(name), [0], [0])
    wire_circuit = to_wire(circuit)
    assert wire_circuit.gates == [{"gate": "x", "targets": [0]}]
    assert wire_circuit.measured == (0,)


@pytest.mark.parametrize("name", ["x", "id", "barrier", "delay", "measure"])
def test_decomposing_is_a_way_out(name):
    circuit = QuantumCircuit(1, 1)
    circuit.append(custom(name), [0])
    assert to_wire(measured(circuit.decompose([name]))).gates == [{"gate": "x", "targets": [0]}]


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

    (gate,) = to_wire(circuit.assign_parameters({theta: 0.25})).gates

    assert gate["rotation"] == 0.5
    assert type(gate["rotation"]) is float


def test_a_gate_after_the_measurement_of_its_qubit_is_refused():
    circuit = QuantumCircuit(2, 2)
    circuit.measure(1, 0)
    circuit.h(0)
    circuit.cx(0, 1)

    with pytest.raises(errors.IonQMidCircuitMeasurementError, match="qubit 1") as caught:
        to_wire(circuit)

    assert caught.value.qubit_index == 1


def test_a_circuit_that_measures_nothing_is_refused():
    with pytest.raises(errors.IonQJobError, match="measure_all"):
        to_wire(QuantumCircuit(1, 1))


def test_the_measurement_map_goes_by_position_and_the_last_measurement_wins():
    circuit = QuantumCircuit(3, 4)
    circuit.measure([2, 0, 1], [0, 3, 3])

    assert to_wire(circuit).measured == (2, None, None, 1)


def test_registers_are_described_where_they_split_the_bits():
    one, two = ClassicalRegister(1, "one"), ClassicalRegister(2, "two")
    circuit = QuantumCircuit(QuantumRegister(3, "q"), one, two, metadata={"k": 1})
    circuit.measure([0, 1, 2], [0, 1, 2])

    header = circuit_header(circuit, to_wire(circuit))

    assert header["creg_sizes"] == [["one", 1], ["two", 2]]
    assert header["clbit_labels"] == [["one", 0], ["two", 0], ["two", 1]]
    assert header["memory_slots"] == 3
    assert header["metadata"] == {"k": 1}


def test_registers_that_share_or_miss_bits_are_left_out():
    bits = [Clbit(), Clbit()]
    shared = QuantumCircuit(QuantumRegister(2), bits, ClassicalRegister(bits=[bits[0]], name="a"))
    shared.measure([0, 1], bits)

    header = circuit_header(shared, to_wire(shared))

    assert header["creg_sizes"] == []
    assert header["memory_slots"] == 2


def test_a_gate_has_no_table_entry_by_name_alone():
    for table in (gates.QIS_GATES, gates.NATIVE_GATES):
        assert all(isinstance(key, type) for key in table)
    assert XGate in gates.QIS_GATES


@pytest.mark.parametrize("angle", [0.5, 1, np.float64(0.5), np.float32(0.5), np.int64(1)])
def test_an_angle_may_be_any_kind_of_number(angle):
    (gate,) = wire(lambda c: c.rx(angle, 0))
    assert gate["rotation"] == float(angle)
    assert type(gate["rotation"]) is float


def test_a_circuit_without_qubits_is_refused():
    for translate in (to_wire, to_qasm3):
        with pytest.raises(errors.IonQJobError, match="has no qubits"):
            translate(QuantumCircuit(0, 2))


def test_a_free_parameter_in_the_global_phase_is_named():
    circuit = QuantumCircuit(1, 1, global_phase=Parameter("delta"))
    circuit.measure(0, 0)
    with pytest.raises(errors.IonQJobError, match="without a value: delta"):
        to_wire(circuit)


# --- the header ------------------------------------------------------------------------------


def test_numpys_numbers_in_a_header_become_plain_ones():
    metadata = {
        "weight": np.float32(0.5),
        "shape": (np.int64(3), [np.bool_(True)]),
        "grid": {"x": np.arange(4).reshape(2, 2)},
        "name": "n",
    }
    circuit = QuantumCircuit(1, 1, metadata=metadata, global_phase=np.float64(0.25))
    circuit.measure(0, 0)

    header = json.loads(json.dumps(circuit_header(circuit, to_wire(circuit))))

    assert header["metadata"] == {
        "weight": 0.5,
        "shape": [3, [True]],
        "grid": {"x": [[0, 1], [2, 3]]},
        "name": "n",
    }
    assert header["global_phase"] == 0.25


def test_the_header_of_openqasm_3_has_no_measurement_map():
    circuit = QuantumCircuit(2, 1)
    circuit.measure(0, 0)
    header = circuit_header(circuit, None)
    assert "meas_mapped" not in header
    assert (header["n_qubits"], header["memory_slots"]) == (2, 1)


# --- native gates ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        (GPIGate(0.1), {"gate": "gpi", "target": 2, "phase": 0.1}),
        (GPI2Gate(-0.25), {"gate": "gpi2", "target": 2, "phase": -0.25}),
        (
            MSGate(0.1, 0.2),
            {"gate": "ms", "targets": [2, 0], "phases": [0.1, 0.2], "angle": 0.25},
        ),
        (
            MSGate(0, 1, np.float64(0.1)),
            {"gate": "ms", "targets": [2, 0], "phases": [0.0, 1.0], "angle": 0.1},
        ),
        (ZZGate(0.25), {"gate": "zz", "targets": [2, 0], "angle": 0.25}),
        (ZZGate(0.1), {"gate": "zz", "targets": [2, 0], "angle": 0.1}),
    ],
)
def test_each_native_gate_has_its_ionq_form(gate, expected):
    def build(circuit):
        circuit.barrier()
        circuit.append(gate, [2, 0][: gate.num_qubits])
        circuit.id(1)

    assert wire(build, gateset="native") == [expected]


def matrix_of(gates, width):
    """Multiply the matrices of IonQ's native gates, as its documents give them."""
    kinds = {"gpi": GPIGate, "gpi2": GPI2Gate, "ms": MSGate, "zz": ZZGate}
    circuit = QuantumCircuit(width)
    for gate in gates:
        turns = gate.get("phases", [gate["phase"]] if "phase" in gate else [])
        turns = [*turns, gate["angle"]] if "angle" in gate else turns
        assert all(abs(phase) <= 1 for phase in turns)
        if gate["gate"] in {"ms", "zz"}:  # the service refuses others
            assert 0 <= gate["angle"] <= 0.25
        circuit.append(kinds[gate["gate"]](*turns), gate.get("targets", [gate.get("target")]))
    return Operator(circuit)


@pytest.mark.parametrize(
    "gate",
    [
        *(GPIGate(turns) for turns in (1.3, -7.8, 1000.1)),
        *(GPI2Gate(turns) for turns in (-1.2, 5.5)),
        *(ZZGate(turns) for turns in (0.4, -0.1, 0.5, 0.51, -0.8, 1.0, 3.3, -12.7)),
        *(MSGate(0.3, 1.4, turns) for turns in (0.25, 0.26, 0.4, 0.5, 0.6, 0.9, 1.0, 7.3)),
        *(MSGate(-5.3, 0.4, turns) for turns in (0.0, -0.1, -0.25, -0.3, -0.5, -0.7, -1.1)),
    ],
    ids=repr,
)
def test_a_native_gate_beyond_ionqs_limits_is_sent_as_the_same_gate_within_them(gate):
    gates = wire(lambda c: c.append(gate, range(gate.num_qubits)), 2, "native")
    circuit = QuantumCircuit(2)
    circuit.append(gate, range(gate.num_qubits))
    assert matrix_of(gates, 2).equiv(Operator(circuit))


PI = math.pi
ANGLES = st.one_of(st.floats(-20, 20), st.integers(-8, 8).map(lambda eighths: eighths * PI / 4))
ONE_QUBIT = st.one_of(
    st.sampled_from([XGate(), YGate(), ZGate(), HGate(), SGate(), SdgGate(), TGate(), TdgGate()]),
    st.sampled_from([SXGate(), SXdgGate()]),
    *(st.builds(kind, ANGLES) for kind in (RXGate, RYGate, RZGate, PhaseGate)),
    st.builds(UGate, ANGLES, ANGLES, ANGLES),
)


@pytest.mark.slow
@given(st.lists(ONE_QUBIT, min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_gates_on_one_qubit_are_sent_as_native_ones_that_equal_them(gates):
    circuit = QuantumCircuit(1)
    for gate in gates:
        circuit.append(gate, [0])
    truth = Operator(circuit)
    circuit.measure_all()
    assert matrix_of(to_wire(circuit, "native").gates, 1).equiv(truth)


@pytest.mark.parametrize(
    ("gate", "sent"),
    [
        (HGate(), ["gpi2", "gpi"]),
        *((gate, ["gpi", "gpi"]) for gate in (SdgGate(), RZGate(0.3))),
        *((gate, ["gpi"]) for gate in (XGate(), YGate(), RXGate(PI))),
        *((gate, ["gpi2"]) for gate in (SXGate(), SXdgGate(), RYGate(PI / 2), RXGate(-PI / 2))),
    ],
)
def test_no_more_native_gates_are_sent_than_needed(gate, sent):
    found = wire(lambda c: c.append(gate, [0]), gateset="native")
    assert [one["gate"] for one in found] == sent


def through_qpy(circuit):
    file = io.BytesIO()
    qpy.dump(circuit, file)
    file.seek(0)
    return qpy.load(file)[0]


FILES = {
    "qpy": through_qpy,
    "qasm2": lambda circuit: QuantumCircuit.from_qasm_str(qasm2.dumps(circuit)),
    "qasm3": lambda circuit: qasm3.loads(qasm3.dumps(circuit)),
}
TURNS = st.floats(-1, 1)
NATIVE = st.one_of(
    st.builds(GPIGate, TURNS),
    st.builds(GPI2Gate, TURNS),
    st.builds(MSGate, TURNS, TURNS, st.floats(0, 0.25)),
    st.builds(ZZGate, st.floats(0, 0.25)),
)


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
@given(st.lists(st.tuples(NATIVE, st.permutations(range(3))), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_a_native_circuit_from_a_file_is_sent_as_it_was(file, gates):
    circuit = QuantumCircuit(3, 3)
    for gate, places in gates:
        circuit.append(gate, places[: gate.num_qubits])
    truth = Operator(circuit)
    circuit.measure(range(3), range(3))
    sent = to_wire(FILES[file](circuit), "native").gates
    assert [gate["gate"] for gate in sent] == [gate.name for gate, _ in gates]
    assert matrix_of(sent, 3).equiv(truth)


class ForeignGPI2(Gate):
    """The native gate as MQT Bench defines it, or one of the other sense."""

    def __init__(self, phi, sense=1):
        super().__init__("gpi2", 1, [phi])
        self.sense = sense * 2 * math.pi

    def _define(self):
        self.definition = QuantumCircuit(1)
        self.definition.rz(-self.sense * self.params[0], 0)
        self.definition.rx(math.pi / 2, 0)
        self.definition.rz(self.sense * self.params[0], 0)


def test_a_native_gate_of_another_package_is_known_by_its_matrix():
    gate = {"gate": "gpi2", "target": 1, "phase": 0.15}
    assert wire(lambda c: c.append(ForeignGPI2(0.15), [1]), gateset="native") == [gate]
    opaque = Gate("gpi2", 1, [0.15])
    assert wire(lambda c: c.append(opaque, [1]), gateset="native") == [gate]
    for other in (ForeignGPI2(0.15, -1), Gate("gpi2", 2, [0.15]), Gate("gpi2", 1, [1, 2])):
        with pytest.raises(errors.IonQGateError, match="of your own"):
            wire(lambda c, gate=other: c.append(gate, range(gate.num_qubits)), gateset="native")
    with pytest.raises(errors.IonQGateError, match="It is a native gate"):
        wire(lambda c: c.append(ForeignGPI2(0.15), [1]))


@pytest.mark.parametrize(
    ("build", "name", "advice"),
    [
        (lambda c: c.cx(0, 1), "cx", BY_TRANSPILING),
        (lambda c: c.append(OwnX(), [0]), "x", BY_DECOMPOSING),
        (lambda c: c.rx(math.nan, 0), "rx", "must be a finite number"),
        (lambda c: c.rzz(0.1, 0, 1), "rzz", BY_TRANSPILING),
        (lambda c: c.append(custom("zz", 2), [0, 1]), "zz", BY_DECOMPOSING),
        (lambda c: c.append(GPIGate(math.nan), [0]), "gpi", "must be a finite number"),
        (lambda c: c.append(ZZGate(math.inf), [0, 1]), "zz", "must be a finite number"),
    ],
)
def test_to_wire_rejects_gates_that_are_not_native_with_advice(build, name, advice):
    with pytest.raises(errors.IonQGateError, match=advice) as caught:
        wire(build, gateset="native")
    assert (caught.value.gate_name, caught.value.gateset) == (name, "native")


def native(*gates):
    circuit = QuantumCircuit(3, 1)
    for gate, *qubits in gates:
        circuit.append(gate, qubits)
    circuit.measure(0, 0)
    return to_wire(circuit, "native")


def test_a_machine_has_one_of_the_native_gates_on_two_qubits():
    forte, aria = find_device("forte-1"), find_device("aria-1")
    ms, zz = native((MSGate(0, 0), 0, 1)), native((ZZGate(0.25), 0, 1))
    check_native(zz, forte)
    check_native(ms, aria)
    for device, wrong, has in ((forte, ms, "gpi, gpi2, zz"), (aria, zz, "gpi, gpi2, ms")):
        with pytest.raises(
            errors.IonQGateError, match=rf"ionq_qpu.*which has {has}.*qiskit\.transpile"
        ):
            check_native(wrong, device)


def test_the_simulator_takes_the_native_gates_of_its_noise_model():
    simulator = find_device("simulator")
    ms, zz = native((MSGate(0, 0), 0, 1)), native((ZZGate(0.25), 0, 1))
    for wire_circuit in (ms, zz):
        check_native(wire_circuit, simulator.under("ideal"))
    with pytest.raises(errors.IonQGateError, match="'zz'"):
        check_native(zz, simulator.under("aria-1"))
    with pytest.raises(errors.IonQGateError, match="'ms'"):
        check_native(ms, simulator.under("forte-1"))


def test_a_native_gate_needs_qubits_that_are_connected():
    device = Device("qpu.chain-1", 3, connectivity=((0, 1), (1, 2)))
    check_native(native((ZZGate(0.25), 1, 0), (ZZGate(0.1), 1, 2)), device)
    with pytest.raises(errors.IonQGateError, match="no 'zz' on qubits 2 and 0"):
        check_native(native((ZZGate(0.25), 2, 0)), device)


def test_check_native_passes_the_qis_gateset():
    chain = Device("qpu.chain-1", 3, connectivity=((0, 1), (1, 2)))
    circuit = QuantumCircuit(3, 1)
    circuit.cx(0, 2)
    circuit.measure(0, 0)
    check_native(to_wire(circuit), chain)


# --- Pauli exponentials ----------------------------------------------------------------------


def evolution(operator, time, qubits=(0, 1, 2), **options):
    return wire(lambda c: c.append(PauliEvolutionGate(operator, time), qubits), **options)


def test_the_last_character_of_a_term_is_for_the_first_target():
    operator = SparsePauliOp(["XIZ", "IYI"], [0.5, -0.25])
    assert evolution(operator, 0.3, (2, 0, 1)) == [
        {
            "gate": "pauliexp",
            "targets": [2, 0, 1],
            "terms": ["XIZ", "IYI"],
            "coefficients": [0.5, -0.25],
            "time": 0.3,
        }
    ]


def test_a_negative_time_goes_into_the_coefficients():
    (gate,) = evolution(SparsePauliOp(["XXI", "ZZI"], [0.5, -0.25]), -0.3)
    assert (gate["time"], gate["coefficients"]) == (0.3, [-0.5, 0.25])


@pytest.mark.parametrize(
    "operator",
    [
        SparsePauliOp(["XIZ", "IYI", "XIZ"], [0.5, -0.25, 0.5]),
        [SparsePauliOp(["XXI"], [0.7]), SparsePauliOp(["ZZI", "IIX"], [0.2, 1.0])],
        SparseObservable.from_list([("X0+", 0.5), ("IIX", -1.5)]),
        SparseObservable.from_list([("ZZZ", 0.5)]),
    ],
    ids=["sum", "list", "projectors", "observable"],
)
@pytest.mark.parametrize("time", [0.7, -1.3, 0.0])
def test_an_evolution_comes_out_as_its_matrix_says(operator, time, send):
    start = QuantumCircuit(3, 3)
    for qubit in range(3):
        start.ry(0.4 + qubit, qubit)
        start.rz(1.1 * qubit, qubit)
    parts = operator if isinstance(operator, list) else [operator]
    matrix = sum(
        (
            part if isinstance(part, SparsePauliOp) else SparsePauliOp.from_sparse_observable(part)
        ).to_matrix()
        for part in parts
    )
    energies, states = np.linalg.eigh(matrix)
    unitary = (states * np.exp(-1j * time * energies)) @ states.conj().T
    turned = QuantumCircuit(3)
    turned.rx(0.9, range(3))
    state = Statevector(start.copy()).evolve(Operator(unitary)).evolve(turned)

    circuit = start.copy()
    circuit.append(PauliEvolutionGate(operator, time), range(3))
    circuit.rx(0.9, range(3))
    circuit.measure(range(3), range(3))

    found = probabilities(send, as_circuit(to_wire(circuit)), 3)
    assert np.allclose(found, state.probabilities(), atol=1e-9)


def test_terms_that_do_not_commute_are_sent_whole_only_if_ionq_is_to_approximate_them():
    operator = SparsePauliOp(["XII", "ZII"], [1.0, 1.0])
    # One step of Lie and Trotter, which is Qiskit's default: exp(-i 0.3 X), then exp(-i 0.3 Z).
    assert evolution(operator, 0.3) == [
        {"gate": "rx", "targets": [2], "rotation": 0.6},
        {"gate": "rz", "targets": [2], "rotation": 0.6},
    ]
    (gate,) = evolution(operator, 0.3, compiler_synthesis=True)
    assert gate["terms"] == ["XII", "ZII"]


@pytest.mark.slow
@pytest.mark.parametrize("last", ["XII", "IIX"])
def test_one_term_among_thousands_that_does_not_commute_is_found(last):
    operator = SparsePauliOp(["ZII", "ZIZ"] * 1500 + [last], [0.001] * 3001)
    assert len(evolution(operator, 0.3)) > 1
    assert len(evolution(operator[:-1], 0.3)[0]["terms"]) == 3000


@pytest.mark.parametrize("time", [math.nan, math.inf])
def test_an_evolution_needs_a_finite_time(time):
    with pytest.raises(errors.IonQGateError, match="The time of a gate 'PauliEvolution'"):
        evolution(SparsePauliOp(["XII"]), time)


@pytest.mark.parametrize("coefficient", [1j, math.nan, 1 + 0.5j])
def test_coefficients_are_real_numbers(coefficient):
    gate = PauliEvolutionGate(SparsePauliOp(["XII"], [1.0]), 0.3)
    gate.operator = SparsePauliOp(["XII"], [coefficient])
    with pytest.raises(errors.IonQGateError, match="A coefficient of a gate 'PauliEvolution'"):
        wire(lambda c: c.append(gate, range(3)))


# --- measured and reset midway ---------------------------------------------------------------


def as_circuit(wire_circuit):
    program = {
        "gateset": wire_circuit.gateset,
        "qubits": wire_circuit.num_qubits,
        "circuit": wire_circuit.gates,
    }
    return {"type": "ionq.circuit.v1", "input": program}


def probabilities(send, body, bits):
    status, job = send("POST", "/jobs", {"backend": "simulator", **body})
    assert status == 201, job
    status, found = send("GET", f"/jobs/{job['id']}/results/probabilities")
    assert status == 200, send("GET", f"/jobs/{job['id']}")[1]["failure"]
    return np.array([found.get(str(outcome), 0.0) for outcome in range(2**bits)])


def dynamic(*steps):
    circuit = QuantumCircuit(2, 2)
    for step in steps:
        name, *arguments = step.split()
        getattr(circuit, name)(*map(int, arguments))
    return circuit


@pytest.mark.parametrize(
    ("steps", "midway"),
    [
        (["h 0", "measure 0 0"], False),
        (["measure 0 0", "h 0"], True),
        (["measure 0 0", "h 1", "measure 1 1"], False),
        (["measure 0 0", "barrier", "id 0", "delay 5 0"], False),
        (["measure 0 0", "cx 1 0"], True),
        (["h 0", "measure 0 0", "measure 0 1"], False),
        (["reset 0", "h 0", "measure 0 0"], False),
        (["id 0", "barrier 0", "reset 0", "reset 0", "h 0", "measure 0 0"], False),
        (["h 0", "reset 0", "measure 0 0"], True),
        (["h 0", "reset 0", "h 0", "measure 1 0"], True),
        (["h 0", "cx 0 1", "measure 1 0", "reset 0"], False),
        (["h 0", "measure 0 0", "reset 0"], False),
        (["h 0", "measure 0 0", "reset 0", "measure 0 1"], True),
        (["h 0", "measure 0 0", "reset 0", "barrier", "reset 0"], False),
        (["measure 0 0", "reset 0", "measure 0 1"], False),
    ],
)
def test_only_midway_measurements_and_resets_need_openqasm_3(steps, midway, send):
    circuit = dynamic(*steps)
    assert needs_qasm3(circuit) is midway
    if midway:
        with pytest.raises(errors.IonQMidCircuitMeasurementError, match="OpenQASM 3"):
            to_wire(circuit)
        return
    wire_circuit = to_wire(circuit)
    found = np.zeros(4)
    for outcome, p in enumerate(probabilities(send, as_circuit(wire_circuit), 2)):
        bits = [outcome >> q & 1 if q is not None else 0 for q in wire_circuit.measured]
        found[bits[0] | bits[1] << 1] += p
    assert np.allclose(found, branches_of(circuit), atol=1e-9)


def branches_of(circuit):
    """Follow every result of every measurement and reset, and add up what the bits end as."""
    branches = [(0, Statevector.from_int(0, 2**circuit.num_qubits))]
    for item in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in item.qubits]
        if isinstance(item.operation, Measure | Reset):
            (qubit,) = qubits
            ones = np.arange(2**circuit.num_qubits) >> qubit & 1 == 1
            split = []
            for bits, state in branches:
                for result in (0, 1):
                    part = np.where(ones == bool(result), state.data, 0)
                    if np.vdot(part, part).real < 1e-20:
                        continue
                    if isinstance(item.operation, Measure):
                        place = circuit.find_bit(item.clbits[0]).index
                        split.append((bits & ~(1 << place) | result << place, Statevector(part)))
                    else:
                        moved = part[np.arange(len(part)) ^ (result << qubit)]
                        split.append((bits, Statevector(moved)))
            branches = split
        elif item.operation.name not in {"barrier", "delay"}:
            gate = item.operation
            if isinstance(gate, PauliEvolutionGate):
                gate = Operator(gate.definition)
            branches = [(bits, state.evolve(gate, qubits)) for bits, state in branches]
    found = np.zeros(2**circuit.num_clbits)
    for bits, state in branches:
        found[bits] += np.vdot(state.data, state.data).real
    return found


def as_qasm3(circuit):
    return {"type": "ionq.qasm3.v1", "input": {"data": to_qasm3(circuit)}}


ONE, TWO = (
    (
        *("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "rx", "ry", "rz", "p"),
        *(GPIGate, GPI2Gate),
    ),
    (
        *("cx", "cy", "cz", "ch", "crx", "cry", "crz", "swap", "rxx", "ryy", "rzz"),
        *(MSGate, ZZGate),
    ),
)
STANDARD = get_standard_gate_name_mapping()


def random_gate(rng):
    """A gate of either gateset, of any angles."""
    choice = rng.choice(4)
    if choice == 3:
        return [
            MCXGate(3),
            HGate().control(2, annotated=False),
            PauliEvolutionGate(SparsePauliOp(["XZY", "IXX"], [0.4, -1.2]), rng.uniform(-2, 2)),
            STANDARD["ccx"],
            STANDARD["ccz"],
        ][rng.choice(5)]
    kinds = TWO if choice == 2 else ONE
    kind = kinds[rng.choice(len(kinds))]
    if not isinstance(kind, str):
        return kind(*rng.uniform(-1, 1, {GPIGate: 1, GPI2Gate: 1, MSGate: 3, ZZGate: 1}[kind]))
    gate = STANDARD[kind]
    return gate.base_class(*rng.uniform(-7, 7, len(gate.params)))


def random_dynamic(seed, first="q"):
    """A circuit that measures and resets anywhere, into registers of every kind."""
    rng = np.random.default_rng(seed)
    sizes = ((1, first), (2, "after"), (1, "c"))
    registers = [ClassicalRegister(size, name) for size, name in sizes]
    circuit = QuantumCircuit(QuantumRegister(1, "gate"), QuantumRegister(3, "q_"), *registers)
    for _ in range(14):
        what = rng.choice(10)
        qubits = [int(q) for q in rng.permutation(4)]
        if what < 2:
            circuit.measure(qubits[0], int(rng.choice(4)))
        elif what == 2:
            circuit.reset(qubits[0])
        elif what == 3:
            circuit.barrier()
            circuit.delay(10, qubits[0])
            circuit.id(qubits[1])
        else:
            gate = random_gate(rng)
            circuit.append(gate, qubits[: gate.num_qubits])
    circuit.measure(int(rng.choice(4)), 0)
    circuit.h(range(4))
    circuit.measure([2, 3], [1, 2])
    return circuit


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_an_openqasm_3_program_is_the_circuit_it_was_made_of(seed, send):
    circuit = random_dynamic(seed)
    assert needs_qasm3(circuit)
    found = probabilities(send, as_qasm3(circuit), 4)
    assert np.allclose(found, branches_of(circuit), atol=1e-8)


@pytest.mark.parametrize("seed", range(30))
def test_the_gates_that_are_sent_are_those_of_the_circuit(seed, send):
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(4, 4)
    for _ in range(16):
        gate = random_gate(rng)
        if not isinstance(gate, GPIGate | GPI2Gate | MSGate | ZZGate):
            circuit.append(gate, [int(q) for q in rng.permutation(4)][: gate.num_qubits])
    circuit.measure(range(4), range(4))
    found = probabilities(send, as_circuit(to_wire(circuit)), 4)
    assert np.allclose(found, branches_of(circuit), atol=1e-9)


@pytest.mark.parametrize("synthesis", [None, SuzukiTrotter(order=2, reps=3)])
def test_an_evolution_goes_into_openqasm_3_as_qiskit_synthesizes_it(synthesis, send):
    operator = SparsePauliOp(["XI", "ZZ", "IX"], [0.9, 0.7, -0.4])
    circuit = QuantumCircuit(2, 3)
    circuit.h(0)
    circuit.measure(0, 2)
    circuit.append(PauliEvolutionGate(operator, 1.3, synthesis=synthesis), [0, 1])
    circuit.measure([0, 1], [0, 1])
    found = probabilities(send, as_qasm3(circuit), 3)
    assert np.allclose(found, branches_of(circuit), atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("gateset", ["qis", "native"])
def test_a_transpiled_circuit_has_no_qubits_of_a_machine_in_openqasm_3(gateset, level, send):
    circuit = random_dynamic(5, first="first")  # Qiskit 2.0 cannot transpile a bit called q
    target = target_for(Device("qpu.four", 4, connectivity=((0, 1), (1, 2), (2, 3))), gateset)
    ready = transpile(circuit, target=target, optimization_level=level, seed_transpiler=1)
    assert "$" not in to_qasm3(ready)
    assert np.allclose(probabilities(send, as_qasm3(ready), 4), branches_of(circuit), atol=1e-8)


def test_angles_are_not_rounded_in_openqasm_3():
    angles = [math.pi / 2 + 1e-11, 1e-20, 1 / 3, -2.5e15]
    circuit = QuantumCircuit(1, 1)
    for angle in angles:
        circuit.rx(angle, 0)
    circuit.measure(0, 0)
    lines = [line for line in to_qasm3(circuit).splitlines() if line.startswith("rx(")]
    assert [float(line[3 : line.index(")")]) for line in lines] == angles


def test_registers_that_do_not_split_the_bits_are_one_in_openqasm_3(send):
    bits = [Clbit() for _ in range(3)]
    circuit = QuantumCircuit(
        QuantumRegister(2), bits, ClassicalRegister(bits=[bits[1], bits[0]], name="swapped")
    )
    circuit.x(0)
    circuit.measure(0, bits[2])
    circuit.reset(0)
    circuit.measure(0, bits[1])
    assert "bit[3] c;" in to_qasm3(circuit)
    assert probabilities(send, as_qasm3(circuit), 3)[0b100] == pytest.approx(1)


#: Reserved words of OpenQASM 3's grammar, its constants, and names of gates.
WORDS = (
    "input output gate bit if else for while switch case default qubit measure reset barrier let "
    "const readonly mutable int uint float angle bool complex array void def cal defcal extern box "
    "delay stretch duration inv pow ctrl negctrl gphase pi tau euler im true false U CX x cx ccx "
    "u3 rzz include OPENQASM return break continue end in qreg creg output_all"
)
RESERVED = frozenset(WORDS.split())


@given(
    st.lists(
        st.sampled_from(sorted(RESERVED)) | st.text("ab_1é- $", min_size=1, max_size=3),
        min_size=1,
        max_size=4,
        unique=True,
    )
)
@example(["input", "c_input", "c_input_"])
@example(["a b", "a-b", "c_a_b"])
def test_a_register_that_openqasm_3_cannot_have_has_another_name_there(names):
    """The parser of the language is the judge of what it cannot have."""
    registers = [ClassicalRegister(1, name) for name in names]
    circuit = QuantumCircuit(QuantumRegister(2, "q"), *registers)
    circuit.measure(0, 0)
    circuit.rzz(0.1, 0, 1)
    tree = openqasm3.parse(to_qasm3(circuit))
    declared = [
        statement.identifier.name
        for statement in tree.statements
        if isinstance(statement, openqasm3.ast.ClassicalDeclaration)
    ]
    assert declared == program_names(circuit)
    assert len(set(declared)) == len(names)
    assert not set(declared) & RESERVED
    labels = circuit_header(circuit, None)["clbit_labels"]
    assert [name for name, _ in labels] == declared


@pytest.mark.parametrize("name", ["sin", "cafe", "q", "q_", "c0", "meas", "popcount"])
def test_a_register_that_openqasm_3_can_have_keeps_its_name(name, send):
    circuit = QuantumCircuit(QuantumRegister(1, "gate"), ClassicalRegister(1, name))
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.x(0)
    assert f"bit[1] {name};" in to_qasm3(circuit)
    assert list(probabilities(send, as_qasm3(circuit), 1)) == [0, 1]


@pytest.mark.parametrize(
    ("build", "error", "complaint"),
    [
        (lambda c: c.u(1, 2, 3, 0), errors.IonQGateError, BY_TRANSPILING),
        (lambda c: c.append(custom("x"), [0]), errors.IonQGateError, BY_DECOMPOSING),
        (lambda c: c.rx(math.nan, 0), errors.IonQGateError, "finite number of radians"),
        (lambda c: c.rx(Parameter("a"), 0), errors.IonQJobError, "without a value: a"),
        (lambda c: c.initialize([0, 1], 0), errors.IonQGateError, BY_TRANSPILING),
    ],
)
def test_to_qasm3_rejects_the_operations_that_to_wire_rejects(build, error, complaint):
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    build(circuit)
    with pytest.raises(error, match=complaint):
        to_qasm3(circuit)


def test_openqasm_3_without_a_measurement_is_refused():
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.reset(0)
    with pytest.raises(errors.IonQJobError, match="measures nothing"):
        to_qasm3(circuit)


# --- size ------------------------------------------------------------------------------------


def test_the_number_of_steps_grows_with_the_gates_and_not_with_the_qubits(monkeypatch):
    """Looking a qubit up must not go through all of them."""
    compared = 0

    class Counting(list):
        def index(self, *arguments):
            nonlocal compared
            compared += 1
            return super().index(*arguments)

    circuit = QuantumCircuit(100, 100)
    for gate in range(2_000):
        circuit.cx(gate % 100, (gate + 37) % 100)
    circuit.measure(range(100), range(100))
    monkeypatch.setattr(QuantumCircuit, "qubits", Counting(circuit.qubits))
    assert len(to_wire(circuit).gates) == 2_000
    assert compared == 0
