"""Classical registers of every layout, from the circuit to the keys; the truth is Aer's keys."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit_aer import AerSimulator

from ionq_toolkit import IonQProvider


def measured(sizes, ones, *, midway=False, names=None):
    """Return a circuit with registers of these sizes, whose bits in `ones` are measured as 1."""
    names = names or [f"r{n}" for n in range(len(sizes))]
    registers = [ClassicalRegister(size, name) for size, name in zip(sizes, names, strict=True)]
    circuit = QuantumCircuit(QuantumRegister(2, "q"), *registers)
    circuit.x(0)
    for bit in range(circuit.num_clbits):
        circuit.measure(0 if bit in ones else 1, bit)
        if midway:
            circuit.x([0, 1])
            circuit.x([0, 1])
    return circuit


def assert_keys_of_aer(circuit, **options):
    options = {"shots": 5, "memory": True, **options}
    aer = AerSimulator().run(circuit, shots=5, memory=True).result()
    result = IonQProvider(transport="fake").get_backend("ionq_simulator").run(circuit, **options)
    found = result.result()
    assert dict(found.get_counts()) == dict(aer.get_counts())
    assert found.get_probabilities() == pytest.approx(dict.fromkeys(aer.get_counts(), 1.0))
    assert found.get_memory() == aer.get_memory()


@pytest.mark.parametrize(
    ("sizes", "key"), [((0, 1, 2), "10 1 "), ((1, 0, 2), "10  1"), ((1, 2, 0), " 10 1")]
)
@pytest.mark.parametrize("midway", [False, True])
def test_an_empty_register_is_an_empty_part_of_the_key(sizes, key, midway):
    """The keys are Aer's."""
    circuit = measured(sizes, {0, 2}, midway=midway)
    backend = IonQProvider(transport="fake").get_backend("ionq_simulator")
    assert backend.run(circuit, shots=5).get_counts() == {key: 5}
    assert_keys_of_aer(circuit)


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=5).filter(any), st.data(), st.booleans())
def test_every_layout_of_registers_has_the_keys_of_aer(sizes, data, midway):
    ones = data.draw(st.sets(st.integers(0, sum(sizes) - 1)))
    midway = midway and sum(sizes) < 9  # each measurement midway takes a qubit
    assert_keys_of_aer(measured(sizes, ones, midway=midway))


@pytest.mark.parametrize("bits", [62, 63, 64, 65, 100])
@pytest.mark.parametrize(
    ("backend", "options"), [("ionq_simulator", {"noise_model": "aria-1"}), ("forte-1", {})]
)
def test_more_bits_than_a_machine_integer_has_are_read_register_by_register(backend, options, bits):
    """The first and the last bit are 1, and a bit in the middle; noise flips some."""
    circuit = QuantumCircuit(
        QuantumRegister(2, "q"), ClassicalRegister(40, "low"), ClassicalRegister(bits - 40, "high")
    )
    circuit.x(0)
    circuit.measure([0, 0, 0], [0, 45, bits - 1])
    circuit.x(0)
    circuit.measure([1], [1])
    run = IonQProvider(transport="fake").get_backend(backend).run
    found = run(circuit, shots=50, memory=True, seed_simulator=3, **options).result()
    number = 1 << bits - 1 | 1 << 45 | 1
    text = f"{number:0{bits}b}"
    counts = found.get_counts()
    assert max(counts, key=counts.get) == f"{text[:-40]} {text[-40:]}"
    assert counts.int_outcomes()[number] > 30
    assert sum(counts.values()) == 50
    assert Counter(found.get_memory()) == counts
    assert found.get_probabilities() == pytest.approx({k: n / 50 for k, n in counts.items()})


def test_error_mitigation_takes_outcomes_wider_than_a_machine_integer():
    circuit = QuantumCircuit(2, 100)
    circuit.x(0)
    circuit.measure(0, 99)
    circuit.x(0)
    circuit.measure(0, 0)
    backend = IonQProvider(transport="fake").get_backend("forte-1")
    job = backend.run(circuit, shots=500, error_mitigation={"debiasing": True}, seed_simulator=3)
    for query in ({}, *({"aggregation": how} for how in ("voting", "dnl", "majority"))):
        counts = job.result(extra_query_params=query).get_counts()
        assert max(counts, key=counts.get) == "1" + "0" * 99


@pytest.mark.parametrize("midway", [False, True])
@pytest.mark.parametrize("options", [{}, {"noise_model": "aria-1"}])
def test_registers_whose_names_openqasm_3_cannot_have_keep_them_in_the_result(midway, options):
    names = ["input", "a b", "output_all", "if", "c_input"]
    circuit = measured([1, 2, 1, 1, 1], {0, 2, 4}, midway=midway, names=names)
    backend = IonQProvider(transport="fake").get_backend("ionq_simulator")
    job = backend.run(circuit, shots=100, memory=True, **options)
    for found in (job.result(), backend.retrieve_job(job.job_id()).result()):
        counts = found.get_counts()
        assert max(counts, key=counts.get) == "0 1 0 10 1"
        assert Counter(found.get_memory()) == counts
        header = found.results[0].header
        assert header["creg_sizes"] == [[r.name, r.size] for r in circuit.cregs]
        assert header["clbit_labels"] == [[r.name, n] for r in circuit.cregs for n in range(r.size)]
