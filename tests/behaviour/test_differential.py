"""Random circuits, from the JSON that clients send to the JSON that they get, against numpy.

What a circuit means is read from IonQ's documents once more in `tests/support/reference.py`.
"""

from itertools import combinations
from random import Random

import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from random_gates import BARE, PAIRS, name_of, native_gate, qis_gate, turned
from wire import Wire

from ionq_toolkit_fake import FakeIonQ

SEEDS = st.integers(0, 2**64 - 1)
GATE = {"qis": qis_gate, "native": native_gate}

#: What rounding may leave of a probability that is zero, and what is certainly not rounding.
ROUNDING, CERTAIN = 1e-25, 1e-15


def distance(found, expected):
    """The total variation distance of two distributions."""
    return sum(abs(found.get(k, 0) - expected.get(k, 0)) for k in {*found, *expected}) / 2


def expected_of(circuit):
    """Return the distribution over all qubits of a circuit."""
    gates = circuit["circuit"]
    found = reference.probabilities(gates, circuit.get("gateset", "qis"))
    return reference.spread(found, reference.touched(gates))


def assert_is(found, expected):
    """Compare a reply with a distribution, and its keys with the outcomes that are possible."""
    assert all(str(int(key)) == key for key in found)
    found = {int(key): value for key, value in found.items()}
    assert list(found) == sorted(found)
    assert distance(found, expected) < 1e-9
    assert {k for k, p in expected.items() if p > CERTAIN} <= set(found)
    assert set(found) <= {k for k, p in expected.items() if p > ROUNDING}


def marginal(distribution, bits):
    """Add up a distribution over some bits, as a string whose last character is the first bit."""
    found = {}
    for outcome, probability in distribution.items():
        key = "".join("0" if bit is None else str(outcome >> bit & 1) for bit in reversed(bits))
        found[key] = found.get(key, 0) + probability
    return found


@st.composite
def circuits(draw, gateset="qis", most=9):
    """Choose qubits that are used, among others that are idle, and gates for them.

    Each gate follows from a seed of its own, so that what hypothesis shrinks is their number.
    """
    used = draw(st.integers(1, most))
    qubits = draw(st.one_of(st.integers(used, most), st.integers(used, 29)))
    chosen = sorted(Random(draw(SEEDS)).sample(range(qubits), used))
    gates = [GATE[gateset](Random(seed), chosen) for seed in draw(st.lists(SEEDS, max_size=10))]
    # With all qubits turned first and last, every control is on, and every phase shows.
    layer = turned(Random(draw(SEEDS)), chosen) if gateset == "qis" and draw(st.booleans()) else []
    return {"qubits": qubits, "gateset": gateset, "circuit": [*layer, *gates, *layer]}


@pytest.mark.slow
@settings(max_examples=150)
@given(circuits())
def test_every_gate_in_every_spelling_does_what_its_definition_says(circuit):
    wire = Wire(FakeIonQ(seed=1))
    assert_is(wire.result(wire.run(circuit)), expected_of(circuit))


@pytest.mark.slow
@pytest.mark.parametrize("gate", BARE, ids=name_of)
def test_up_to_seven_controls_switch_any_gate_on_in_every_spelling(gate):
    """The gate stands between turns of all qubits, which show it, its block and its phases."""
    random, name = Random(name_of(gate)), gate["gate"]
    circuits = []
    for count in range(name == "cnot", 8):
        order = random.sample(range(10), 10)
        targets, controls = order[8:], order[:count]
        if name not in {*PAIRS, "swap", "pauliexp"} and count % 2:
            targets = targets[:1]
        spelled = [{**gate, "targets": targets, "controls": controls}]
        spelled += [{**gate, "targets": targets, "control": controls[0]}] if count == 1 else []
        spelled += [{**gate, "targets": targets}] if not count else []
        if len(targets) == 1:
            named = [{**body, "target": targets[0]} for body in spelled]
            spelled += [{k: v for k, v in body.items() if k != "targets"} for body in named]
        layer = turned(random, [*targets, *controls])
        circuits += [{"qubits": 10, "circuit": [*layer, body, *layer]} for body in spelled]
    wire = Wire(FakeIonQ(seed=1))
    found = wire.result(wire.run(circuits))
    for circuit, one in zip(circuits, found.values(), strict=True):
        assert_is(one, expected_of(circuit))


@settings(max_examples=100)
@given(circuits("native", 5))
def test_every_native_gate_in_every_spelling_is_the_published_matrix(circuit):
    wire = Wire(FakeIonQ(seed=1))
    assert_is(wire.result(wire.run(circuit)), expected_of(circuit))


@settings(max_examples=40)
@given(circuits(most=5), st.data())
def test_registers_show_their_qubits_of_any_circuit_the_first_last(circuit, data):
    places = st.one_of(st.none(), st.integers(0, circuit["qubits"] - 1))
    registers = st.dictionaries(
        st.sampled_from("abc"), st.lists(places, min_size=1, max_size=5), min_size=1
    )
    circuit["registers"] = data.draw(registers)
    wire = Wire(FakeIonQ(seed=1))
    job = wire.run(circuit)
    expected = expected_of(circuit)
    assert_is(wire.result(job), expected)
    parts = wire.artifact(job, job["results"]["ionq.result.probabilities.json.v2"])
    registers = parts["probabilities"]["registers"]
    assert list(registers) == list(circuit["registers"])
    for name, bits in circuit["registers"].items():
        assert distance(registers[name], marginal(expected, bits)) < 1e-9


@settings(max_examples=40)
@given(st.lists(st.one_of(circuits(most=4), circuits("native", 4)), min_size=1, max_size=5), SEEDS)
def test_circuits_of_one_job_have_their_own_results_whatever_they_share(several, seed):
    random = Random(seed)
    expected = [expected_of(circuit) for circuit in several]
    widest = max(circuit["qubits"] for circuit in several)
    shared = {"qubits": widest, "gateset": random.choice(["qis", "native"])}
    for circuit in several:
        if random.randrange(2):
            del circuit["qubits"]
        if circuit["gateset"] == shared["gateset"] and random.randrange(2):
            del circuit["gateset"]
    wire = Wire(FakeIonQ(seed=1))
    job = wire.run(several, shared=shared)
    found = wire.result(job)
    assert list(found) == job["child_job_ids"]
    for circuit, child, wanted in zip(several, job["child_job_ids"], expected, strict=True):
        assert_is(found[child], wanted)
        assert wire.ask("GET", f"/jobs/{child}/results/probabilities") == found[child]
        record = wire.ask("GET", f"/jobs/{child}")
        assert record["stats"]["qubits"] == circuit.get("qubits", widest)


# --- bit order -------------------------------------------------------------------------------


@pytest.mark.parametrize("gateset", ["qis", "native"])
@pytest.mark.parametrize("qubits", [1, 3, 29])
def test_a_qubit_is_the_bit_of_its_number_with_idle_ones_around_it(gateset, qubits):
    wire = Wire(FakeIonQ(seed=1))
    gate = {"gate": "x"} if gateset == "qis" else {"gate": "gpi", "phase": 0.3}
    for flipped in [(q,) for q in range(qubits)] + list(combinations(range(qubits), 2))[:5]:
        gates = [{**gate, "target": qubit} for qubit in flipped]
        job = wire.run({"qubits": qubits, "gateset": gateset, "circuit": gates})
        assert wire.result(job) == {str(sum(2**q for q in flipped)): 1}


# --- OpenQASM 3 ------------------------------------------------------------------------------

#: Gates of the standard library that are also IonQ's, with their names there.
STANDARD = {"x": "x", "h": "h", "s": "s", "tdg": "ti", "sx": "v", "rx": "rx", "ry": "ry"}
CONTROLLED = {"cx": "x", "cy": "y", "ch": "h", "crz": "rz", "cry": "ry", "ccx": "x"}


def statement(random, names):
    """Make a gate of the standard library on some of the qubits, and the same as IonQ's JSON."""
    operands = random.sample(range(len(names)), len(names))
    name = random.choice([*STANDARD, *(c for c in CONTROLLED if len(names) > c.count("c"))])
    controls = 0 if name in STANDARD else name.count("c")
    gate = {"gate": (STANDARD | CONTROLLED)[name], "target": operands[controls]}
    angle = ""
    if gate["gate"].startswith("r"):
        gate["rotation"] = random.uniform(-3, 3)
        angle = f"({gate['rotation']!r})"
    named = ", ".join(names[qubit] for qubit in operands[: controls + 1])
    return f"{name}{angle} {named};", {**gate, "controls": operands[:controls]}


@st.composite
def programs(draw):
    """Make a program of several registers, its gates as JSON, and the qubit of each of its bits."""
    sizes = {name: draw(st.integers(1, 3)) for name in draw(st.permutations(["q", "r"]))}
    widths = {name: draw(st.integers(1, 3)) for name in draw(st.permutations(["out", "b", "mid"]))}
    qubits = [f"{name}[{index}]" for name, size in sizes.items() for index in range(size)]
    bits = [(name, index) for name, width in widths.items() for index in range(width)]
    declared = [f"qubit[{size}] {name};" for name, size in sizes.items()]
    declared += [f"bit[{width}] {name};" for name, width in widths.items()]
    made = [statement(Random(seed), qubits) for seed in draw(st.lists(SEEDS, max_size=12))]
    measured = draw(
        st.dictionaries(st.sampled_from(bits), st.integers(0, len(qubits) - 1), min_size=1)
    )
    ends = [f"{name}[{n}] = measure {qubits[q]};" for (name, n), q in measured.items()]
    head = ["OPENQASM 3.0;", 'include "stdgates.inc";', *declared]
    source = "\n".join([*head, *(text for text, _ in made), *ends])
    places = {bit: measured.get(bit) for bit in bits}
    return source, [gate for _, gate in made], len(qubits), places


@pytest.mark.slow
@settings(max_examples=60)
@given(programs())
def test_an_openqasm_3_program_has_its_registers_in_the_order_of_their_declaration(program):
    source, gates, width, bits = program
    wire = Wire(FakeIonQ(seed=1))
    job = wire.run(source)

    active = range(width)
    state = reference.spread(reference.probabilities(gates, active=active), active)
    whole = marginal(state, list(bits.values()))
    assert_is(wire.result(job), {int(key, 2): value for key, value in whole.items()})
    parts = wire.artifact(job, job["results"]["ionq.result.probabilities.json.v2"])
    registers = parts["probabilities"]["registers"]
    assert set(registers) == {name for name, _ in bits}
    for name, found in registers.items():
        own = [qubit for (register, _), qubit in bits.items() if register == name]
        assert distance(found, marginal(state, own)) < 1e-9
