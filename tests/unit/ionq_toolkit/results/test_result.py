import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.exceptions import QiskitError
from qiskit.primitives import BackendSamplerV2
from qiskit.providers import BackendV2, Options
from qiskit.quantum_info import Statevector
from qiskit.result import Counts, Result, marginal_counts
from qiskit.transpiler import Target
from qiskit_aer import AerSimulator

from ionq_toolkit import InProcessTransport, IonQProvider, IonQResult, errors
from ionq_toolkit.circuits.wire import circuit_header, to_wire
from ionq_toolkit.results.experiment import experiment
from ionq_toolkit_fake import FakeIonQ

HEADER = {"name": "c", "n_qubits": 2, "memory_slots": 2, "meas_mapped": [0, 1], "creg_sizes": []}
KEY = {"Authorization": "apiKey test"}


def one(histogram, *, shots=100, seed=1, memory=False, raw_shots=None, **header):
    return experiment(
        histogram, {**HEADER, **header}, shots=shots, seed=seed, memory=memory, raw_shots=raw_shots
    )


def result_of(*experiments, **more):
    return IonQResult.from_dict(
        {
            "backend_name": "b",
            "backend_version": "1",
            "job_id": "job-1",
            "success": True,
            "results": list(experiments),
            **more,
        }
    )


def qiskits_own(result):
    """The same result without a line of ours: Qiskit's class, from JSON."""
    return Result.from_dict(json.loads(json.dumps(result.to_dict())))


# --- counts ----------------------------------------------------------------------------------


def test_a_seed_determines_the_counts():
    histogram = {"0": 0.5, "3": 0.5}
    result = result_of(one(histogram, seed=5))
    first = result.get_counts()
    assert result.get_counts() == first
    assert result_of(one(histogram, seed=5)).get_counts() == first
    assert result_of(one(histogram, seed=5, memory=True)).get_counts() == first
    assert len({str(result_of(one(histogram, seed=n)).get_counts()) for n in range(10)}) > 1


def test_without_a_seed_the_counts_are_the_histogram_itself_and_not_sampled_again():
    result = result_of(one({"0": 0.29, "3": 0.71}, seed=None))
    assert result.get_counts() == {"00": 29, "11": 71}


@pytest.mark.parametrize(("shots", "counts"), [(100, 100), (1001, 1001), (4, 4), (0, 0)])
@pytest.mark.parametrize("seed", [None, 3])
def test_counts_add_up_to_the_shots_where_rounding_each_would_not(shots, counts, seed):
    uniform = {str(outcome): 1 / 8 for outcome in range(8)}
    eight = {"n_qubits": 3, "meas_mapped": [0, 1, 2]}
    assert sum(result_of(one(uniform, shots=shots, seed=seed, **eight)).get_counts().values()) == (
        counts
    )


def test_a_mitigated_histogram_is_apportioned_and_adds_up_to_the_shots():
    # No multiples of 1/100: largest remainders get what rounding down leaves over.
    result = result_of(one({"0": 0.3333, "1": 0.3333, "2": 0.3334}, seed=None))
    assert result.get_counts() == {"00": 33, "01": 33, "10": 34}


def test_the_shots_of_an_experiment_are_those_it_was_given_and_there_is_no_default():
    assert result_of(one({"0": 1.0}, shots=500)).get_counts() == {"00": 500}
    assert result_of(one({"0": 1.0}, shots=500)).results[0].shots == 500


def test_unknown_shots_leave_probabilities_and_a_clear_error_for_counts():
    result = result_of(one({"0": 0.5, "3": 0.5}, shots=None))
    copied = IonQResult.from_dict(result.to_dict())
    for each in (result, copied):
        assert each.get_probabilities() == {"00": 0.5, "11": 0.5}
        with pytest.raises(errors.IonQJobError, match=r"how many shots.*get_probabilities") as why:
            each.get_counts()
        assert why.value.job_id == "job-1"


# --- probabilities ---------------------------------------------------------------------------


def test_probabilities_have_every_outcome_sampled_or_not_and_sum_to_one():
    result = result_of(one({"0": 0.98, "1": 0.01, "2": 0.005, "3": 0.005}, shots=20))
    assert result.get_probabilities() == pytest.approx(
        {"00": 0.98, "01": 0.01, "10": 0.005, "11": 0.005}
    )
    assert sum(result.get_probabilities().values()) == pytest.approx(1)
    assert sum(result.get_counts().values()) == 20


def test_reading_very_many_probabilities_one_by_one_keeps_none_of_them():
    """A million strings in a dict take some 150 MB."""
    width = 17
    histogram = {str(n): 2.0**-width for n in range(2**width)}
    wide = {"n_qubits": width, "meas_mapped": list(range(width))}
    probabilities = result_of(one(histogram, **wide)).get_probabilities()
    for pairs in (zip(probabilities, probabilities.values(), strict=True), probabilities.items()):
        assert sum(int(outcome, 2) * p for outcome, p in pairs) == (2**width - 1) / 2
    assert "_dict" not in vars(probabilities)
    assert probabilities["1" * width] == 2.0**-width
    assert "_dict" in vars(probabilities)


@pytest.mark.slow
def test_counts_of_very_many_outcomes_are_qiskits_in_all_forms():
    width = 17
    histogram = {str(n): 2.0**-width for n in range(2**width)}
    wide = {
        "n_qubits": width,
        "meas_mapped": list(range(width)),
        "creg_sizes": [["a", 1], ["b", 16]],
    }
    counts = result_of(one(histogram, shots=2**width, seed=None, **wide)).get_counts()
    theirs = Counts(
        {hex(n): 1 for n in range(2**width)}, creg_sizes=wide["creg_sizes"], memory_slots=width
    )
    assert counts == theirs
    assert list(counts) == list(theirs)
    assert counts.int_outcomes() == theirs.int_outcomes()
    assert counts.hex_outcomes() == theirs.hex_outcomes()
    assert counts.shots() == theirs.shots()


@pytest.mark.slow
def test_probabilities_of_very_many_outcomes_are_what_they_are_of_few():
    width = 17
    weights = np.random.default_rng(1).random(2**width)
    histogram = {str(n): p for n, p in enumerate((weights / weights.sum()).tolist())}
    wide = {
        "n_qubits": width,
        "meas_mapped": list(range(width)),
        "creg_sizes": [["a", 1], ["b", 16]],
    }
    probabilities = result_of(one(histogram, **wide)).get_probabilities()
    expected = {
        f"{n >> 1:016b} {n & 1}": pytest.approx(p)
        for n, p in enumerate(list(histogram.values())[: 2**width])
    }

    assert repr(probabilities) == "<probabilities of 131072 outcomes>"
    assert len(probabilities) == 2**width
    assert probabilities["0000000000000001 0"] == expected["0000000000000001 0"]
    assert dict(probabilities) == expected
    assert dict(probabilities.items()) == expected
    assert list(probabilities.items()) == list(expected.items())
    assert ("0000000000000001 0", pytest.approx(1)) not in probabilities.items()
    assert next(iter(probabilities.items())) in probabilities.items()
    assert next(iter(probabilities.values())) in probabilities.values()
    assert probabilities == expected
    assert list(probabilities) == list(probabilities.keys()) == list(expected)
    assert list(probabilities.values()) == list(dict(probabilities.items()).values())
    assert "0" not in probabilities
    assert pickle.loads(pickle.dumps(probabilities)) == probabilities
    with pytest.raises(TypeError):
        probabilities["0"] = 1.0
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(probabilities)


def test_an_experiment_without_probabilities_is_a_job_error():
    bare = {"shots": 1, "success": True, "data": {"counts": {"0x0": 1}}, "header": {"name": "c"}}
    with pytest.raises(errors.IonQJobError, match="'c' of job job-1 has no probabilities"):
        result_of(bare).get_probabilities("c")


# --- what a person reads ---------------------------------------------------------------------


def test_registers_are_apart_in_counts_probabilities_and_memory_alike():
    registers = {
        "n_qubits": 3,
        "meas_mapped": [0, 1, 2],
        "memory_slots": 3,
        "creg_sizes": [["a", 1], ["b", 2]],
    }
    result = result_of(one({"5": 1.0}, memory=True, **registers))
    assert result.get_counts() == {"10 1": 100}
    assert result.get_probabilities() == {"10 1": 1.0}
    assert result.get_memory() == ["10 1"] * 100


def test_registers_that_share_bits_are_written_as_one(backend):
    circuit = QuantumCircuit(2)
    shared = ClassicalRegister(2, "a")
    circuit.add_register(shared)
    circuit.add_register(ClassicalRegister(name="b", bits=[shared[1]]))
    circuit.x(1)
    circuit.measure([0, 1], [0, 1])
    result = backend.run(circuit, shots=3, memory=True).result()
    assert result.get_counts() == {"10": 3}
    assert result.get_probabilities() == {"10": 1.0}
    assert result.get_memory() == ["10"] * 3


DISTRIBUTIONS = st.integers(1, 5).flatmap(
    lambda width: st.tuples(
        st.dictionaries(
            st.integers(0, 2**width - 1).map(str), st.integers(1, 50), min_size=1, max_size=8
        ),
        st.fixed_dictionaries(
            {
                "n_qubits": st.just(width),
                "meas_mapped": st.lists(
                    st.none() | st.integers(0, width - 1), min_size=1, max_size=70
                ),
            }
        ),
        st.randoms(use_true_random=False),
    )
)


@pytest.mark.slow
@given(DISTRIBUTIONS, st.booleans())
def test_counts_and_memory_are_exactly_what_qiskits_own_result_makes_of_the_data(case, raw):
    weights, header, random = case
    total = sum(weights.values())
    bits = len(header["meas_mapped"])
    first = random.randint(1, bits)
    registers = [["a", first], ["b", bits - first]] if bits > first else [["a", bits]]
    shots = [outcome for outcome, weight in weights.items() for _ in range(weight)]
    random.shuffle(shots)
    result = result_of(
        one(
            {outcome: weight / total for outcome, weight in weights.items()},
            shots=total,
            memory=True,
            creg_sizes=registers,
            raw_shots=shots if raw else None,
            **header,
        )
    )
    reference = qiskits_own(result)

    counts, expected = result.get_counts(), reference.get_counts()
    assert type(counts) is Counts
    assert list(counts.items()) == list(expected.items())
    assert vars(counts) == vars(expected)
    assert result.get_memory() == reference.get_memory()
    assert result.data(0) == reference.data(0)
    assert {key: result.get_memory().count(key) for key in counts} == counts
    assert set(counts) <= set(result.get_probabilities())


def test_counts_can_be_asked_what_qiskits_counts_can():
    counts = result_of(one({"1": 0.25, "2": 0.75}, seed=None)).get_counts()
    assert counts.most_frequent() == "10"
    assert counts.hex_outcomes() == {"0x1": 25, "0x2": 75}
    assert counts.int_outcomes() == {1: 25, 2: 75}
    assert counts.shots() == 100


def test_registers_wider_than_64_bits_are_right():
    outcome = 2**99 + 2**64 + 1
    wide = {
        "n_qubits": 100,
        "meas_mapped": list(range(100)),
        "creg_sizes": [["a", 65], ["b", 35]],
    }
    result = result_of(
        one({str(outcome): 1.0}, shots=2, memory=True, raw_shots=[str(outcome), outcome], **wide)
    )
    key = "1" + "0" * 34 + " 1" + "0" * 63 + "1"
    assert result.get_counts() == {key: 2}
    assert result.get_probabilities() == {key: 1.0}
    assert result.get_memory() == [key, key]
    assert result.data(0)["memory"] == [hex(outcome)] * 2
    assert qiskits_own(result).get_counts() == {key: 2}


# --- shots and memory ------------------------------------------------------------------------


def test_memory_of_an_ideal_simulation_is_hexadecimal_unsorted_and_agrees_with_the_counts():
    result = result_of(one({"1": 0.5, "2": 0.5}, memory=True))
    raw = result.data(0)["memory"]
    assert set(raw) == {"0x1", "0x2"}
    assert len(raw) == 100
    assert raw != sorted(raw)
    assert {k: raw.count(hex(int(k, 2))) for k in ("01", "10")} == result.get_counts()


def test_counts_and_memory_are_what_the_shots_of_the_service_say_in_their_order():
    shots = ["2", "0", "2", "3"]
    result = result_of(
        one({"0": 0.25, "2": 0.5, "3": 0.25}, shots=4, seed=None, memory=True, raw_shots=shots)
    )
    assert result.get_memory() == ["10", "00", "10", "11"]
    assert result.data(0)["memory"] == ["0x2", "0x0", "0x2", "0x3"]
    assert result.get_counts() == {"00": 1, "10": 2, "11": 1}


def test_shots_win_over_a_mitigated_histogram_which_stays_the_probabilities():
    result = result_of(one({"0": 0.9, "3": 0.1}, shots=2, seed=None, raw_shots=["3", "1"]))
    assert result.get_counts() == {"01": 1, "11": 1}
    assert result.get_probabilities() == pytest.approx({"00": 0.9, "11": 0.1})


def test_shots_are_carried_to_the_classical_bits():
    result = result_of(
        one(
            {"4": 1.0},
            shots=2,
            seed=None,
            memory=True,
            raw_shots=["4", "6"],
            n_qubits=3,
            meas_mapped=[2, None, 1],
        )
    )
    assert result.get_memory() == ["001", "101"]


def test_shots_of_unknown_number_are_counted():
    result = result_of(one({"0": 1.0}, shots=None, seed=None, raw_shots=["0", "0", "0"]))
    assert result.get_counts() == {"00": 3}
    assert result.results[0].shots == 3


@pytest.mark.parametrize("raw_shots", [["0"], ["0", "4"], ["0", None], {"shots": []}])
def test_experiment_rejects_a_wrong_number_of_shots(raw_shots):
    with pytest.raises(errors.IonQJobError, match="shots"):
        one({"0": 1.0}, shots=2, seed=None, memory=True, raw_shots=raw_shots)


def test_memory_that_was_not_requested_is_an_error_with_advice():
    for shots in (None, ["0"] * 100):
        result = result_of(one({"0": 1.0}, seed=None, raw_shots=shots))
        with pytest.raises(QiskitError, match=r"No memory: .*not run with memory=True") as why:
            result.get_memory()
        assert isinstance(why.value, errors.IonQJobError)
        assert "memory" not in result.data(0)
        assert not hasattr(result.results[0].data, "memory")


def test_missing_memory_is_an_error_and_counts_remain():
    result = result_of(one({"3": 1.0}, seed=None, memory=True))
    assert result.get_counts() == {"11": 100}
    with pytest.raises(errors.IonQJobError, match="IonQ kept no outcome of each shot"):
        result.get_memory()


# --- Qiskit's sampler ------------------------------------------------------------------------


class Canned(BackendV2):
    """A backend that answers with results that are already there, and is its own job."""

    def __init__(self, *experiments):
        super().__init__(name="canned")
        self._answer = result_of(*experiments)

    target = Target(num_qubits=2)
    max_circuits = None

    @classmethod
    def _default_options(cls):
        return Options(shots=100, memory=False, seed_simulator=None)

    def run(self, run_input, **options):
        assert options["memory"]
        return self

    def result(self):
        return self._answer


def sampled(*experiments):
    circuit = QuantumCircuit(2, 2)
    circuit.x([0, 1])
    circuit.measure([0, 1], [0, 1])
    pubs = [circuit] * len(experiments)
    job = BackendSamplerV2(backend=Canned(*experiments)).run(pubs, shots=100)
    return [each.data.c.get_counts() for each in job.result()]


@pytest.mark.parametrize("circuits_", [1, 2])
@pytest.mark.parametrize("kind", ["ideal", "noisy or a device"])
def test_qiskits_sampler_reads_the_shots_of_one_circuit_and_of_two(kind, circuits_):
    shots = {"seed": 1} if kind == "ideal" else {"seed": None, "raw_shots": ["3"] * 100}
    experiments = [one({"3": 1.0}, memory=True, **shots) for _ in range(circuits_)]
    assert sampled(*experiments) == [{"11": 100}] * circuits_


def test_qiskits_sampler_fails_without_shots_and_does_not_read_zeros():
    with pytest.raises(errors.IonQJobError, match="IonQ kept no outcome of each shot"):
        sampled(one({"3": 1.0}, seed=None, memory=True))


def test_qiskits_sampler_reads_several_wide_registers():
    circuit = QuantumCircuit(70)
    circuit.add_register(ClassicalRegister(3, "low"), ClassicalRegister(67, "high"))
    circuit.measure(range(70), range(70))
    outcome = (2**66 + 1) << 3 | 0b101
    wide = one(
        {str(outcome): 1.0},
        shots=5,
        memory=True,
        raw_shots=[str(outcome)] * 5,
        n_qubits=70,
        meas_mapped=list(range(70)),
        creg_sizes=[["low", 3], ["high", 67]],
    )
    data = BackendSamplerV2(backend=Canned(wide)).run([circuit], shots=5).result()[0].data
    assert data.low.get_counts() == {"101": 5}
    assert data.high.get_counts() == {"1" + "0" * 65 + "1": 5}


# --- several experiments ---------------------------------------------------------------------


def three():
    return result_of(
        one({"0": 1.0}, name="a", memory=True, shots=2),
        one({"1": 1.0}, name="b", memory=True, shots=2),
        one({"3": 1.0}, name="c", memory=True, shots=2),
    )


def test_all_of_several_experiments_are_a_list_in_order():
    result = three()
    assert result.get_counts() == [{"00": 2}, {"01": 2}, {"11": 2}]
    assert result.get_probabilities() == [{"00": 1.0}, {"01": 1.0}, {"11": 1.0}]
    assert result.get_memory() == [["00"] * 2, ["01"] * 2, ["11"] * 2]


@pytest.mark.parametrize("key", [1, -2, np.int64(1), "b", QuantumCircuit(1, name="b")])
def test_one_experiment_is_found_by_index_name_and_circuit(key):
    for result in (three(), IonQResult.from_dict(three().to_dict())):
        assert result.get_counts(key) == {"01": 2}
        assert result.get_probabilities(key) == {"01": 1.0}
        assert result.get_memory(key) == ["01", "01"]
        assert result.data(key)["counts"] == {"0x1": 2}


@pytest.mark.parametrize("key", [3, -4, np.int64(3), "d", "", QuantumCircuit(1, name="d")])
@pytest.mark.parametrize("method", ["get_counts", "get_probabilities", "get_memory", "data"])
def test_an_unknown_experiment_is_a_job_error_that_lists_the_others(method, key):
    with pytest.raises(errors.IonQJobError, match=r"has 3 experiments|but 'a', 'b', 'c'") as why:
        getattr(three(), method)(key)
    assert why.value.job_id == "job-1"


def test_the_data_of_several_experiments_must_be_chosen():
    with pytest.raises(errors.IonQJobError, match="has 3 experiments: say which"):
        three().data()


def test_a_name_that_several_experiments_have_is_the_first_with_a_warning():
    result = result_of(one({"0": 1.0}), one({"1": 1.0}))
    with pytest.warns(UserWarning, match="2 experiments have the name 'c'.*index"):
        assert result.get_counts("c") == {"00": 100}
    assert result.get_counts(1) == {"01": 100}


def test_a_failed_circuit_raises_and_the_others_are_read():
    failed = {
        "shots": 0,
        "success": False,
        "status": "SimulationTimeout: too slow",
        "data": {},
        "header": {"name": "b"},
    }
    result = result_of(one({"3": 1.0}), failed, success=False)
    assert result.get_counts(0) == {"11": 100}
    for ask in (result.get_counts, result.get_probabilities, result.get_memory, result.data):
        with pytest.raises(
            errors.IonQJobFailureError, match="'b' of job job-1 failed: SimulationTimeout: too slow"
        ) as why:
            ask(1)
        assert why.value.failure == "SimulationTimeout: too slow"
    with pytest.raises(errors.IonQJobFailureError):
        result.get_counts()


# --- copies ----------------------------------------------------------------------------------


def as_dict(result):
    return IonQResult.from_dict(result.to_dict())


def as_json(result):
    return IonQResult.from_dict(json.loads(json.dumps(result.to_dict())))


def as_pickle(result):
    return pickle.loads(pickle.dumps(result))


@pytest.mark.parametrize("copied", [as_dict, as_json, as_pickle, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("read_before", [False, True])
def test_a_copy_of_a_result_has_all_that_the_result_has(copied, read_before):
    registers = {"creg_sizes": [["x", 1], ["y", 1]], "metadata": {"basis": [0, 1]}}
    result = result_of(
        one({"1": 0.5, "2": 0.5}, memory=True, name="a", **registers),
        one({"3": 1.0}, seed=None, name="b"),
        time_taken=0.25,
        date="2026-01-01",
    )
    if read_before:
        result.data(0)
    again = copied(result)
    assert type(again) is IonQResult
    assert again.to_dict() == result.to_dict()
    assert again.get_counts() == result.get_counts()
    assert again.get_probabilities() == result.get_probabilities()
    assert again.get_memory(0) == result.get_memory(0)
    assert again.time_taken == 0.25
    assert again.results[0].seed == 1
    assert again.results[0].header["metadata"] == {"basis": [0, 1]}


def test_qiskits_marginal_counts_are_those_of_the_bits_and_leave_the_result_alone():
    result = result_of(one({"1": 0.25, "2": 0.75}, memory=True, creg_sizes=[["a", 1], ["b", 1]]))
    before = result.to_dict()
    expected = marginal_counts(qiskits_own(result), [1])

    marginal = marginal_counts(result, [1])

    assert marginal.get_counts() == expected.get_counts()
    assert marginal.get_memory() == expected.get_memory()
    assert sum(marginal.get_counts().values()) == 100
    for each in (marginal, IonQResult.from_dict(marginal.to_dict())):
        with pytest.raises(errors.IonQJobError, match="no probabilities, being one of marginal"):
            each.get_probabilities()
    assert result.to_dict() == before


def test_qiskits_marginal_counts_can_leave_out_the_memory():
    result = result_of(one({"1": 0.25, "2": 0.75}, memory=True))
    marginal = marginal_counts(result, [0], marginalize_memory=False)
    assert set(marginal.get_counts()) == {"0", "1"}
    assert "memory" not in marginal.data(0)
    with pytest.raises(QiskitError, match="No memory"):
        marginal.get_memory()


def test_counts_and_probabilities_can_be_plotted():
    import matplotlib  # noqa: PLC0415 - slow
    from qiskit.visualization import plot_distribution, plot_histogram  # noqa: PLC0415

    matplotlib.use("agg")
    result = result_of(one({"1": 0.25, "2": 0.75}, seed=None))
    for figure, heights in (
        (plot_histogram(result.get_counts()), {25, 75}),
        (plot_histogram(result.get_probabilities()), {0.25, 0.75}),
        (plot_distribution(result.get_counts()), {0.25, 0.75}),
        (plot_distribution(result.get_probabilities()), {0.25, 0.75}),
    ):
        bars = figure.axes[0].patches
        assert {round(bar.get_height(), 9) for bar in bars} == heights


# --- against Qiskit, through the fake --------------------------------------------------------


def circuit_of(draw, prepare):
    """Draw a circuit of several registers, measured anyhow, with idle qubits and unset bits."""
    qubits = draw(st.lists(st.integers(1, 2), min_size=1, max_size=3))
    bits = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    circuit = QuantumCircuit(
        *(QuantumRegister(size, f"q{n}") for n, size in enumerate(qubits)),
        *(ClassicalRegister(size, f"c{n}") for n, size in enumerate(bits)),
        name="drawn",
    )
    prepare(draw, circuit)
    pairs = st.tuples(st.integers(0, sum(qubits) - 1), st.integers(0, sum(bits) - 1))
    for qubit, bit in draw(st.lists(pairs, min_size=1, max_size=6)):
        circuit.measure(qubit, bit)
    return circuit


def flip(draw, circuit):
    for qubit in range(circuit.num_qubits):
        if draw(st.booleans()):
            circuit.x(qubit)


def entangle(draw, circuit):
    angles = st.floats(0.1, 3.0)
    for qubit in range(circuit.num_qubits):
        circuit.ry(draw(angles), qubit)
        if qubit and draw(st.booleans()):
            circuit.cx(qubit - 1, qubit)


@pytest.mark.slow
@given(st.data())
def test_random_registers_and_measure_maps_are_read_as_aer_reads_them(data):
    circuit = circuit_of(data.draw, flip)
    backend = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=1)), seed=7).get_backend(
        "simulator"
    )
    expected = AerSimulator().run(circuit, shots=3, memory=True).result()
    result = backend.run(circuit, shots=3, memory=True).result()
    assert result.get_counts() == expected.get_counts()
    assert result.get_memory() == expected.get_memory()
    assert result.get_probabilities() == pytest.approx(dict.fromkeys(expected.get_counts(), 1.0))


def flip_midway(draw, circuit):
    """Flip, measure and reset by turns: there is one outcome only."""
    qubits = st.integers(0, circuit.num_qubits - 1)
    bits = st.integers(0, circuit.num_clbits - 1)
    for _ in range(draw(st.integers(1, 8))):
        qubit, other, bit = draw(qubits), draw(qubits), draw(bits)
        step = draw(st.sampled_from(["x", "cx", "reset", "measure"]))
        if step == "measure":
            circuit.measure(qubit, bit)
        elif step == "cx" and qubit != other:
            circuit.cx(qubit, other)
        else:
            getattr(circuit, "reset" if step == "reset" else "x")(qubit)


@pytest.mark.slow
@given(st.data())
def test_random_registers_measured_and_reset_midway_are_read_as_aer_reads_them(data):
    circuit = circuit_of(data.draw, flip_midway)
    backend = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=1)), seed=7).get_backend(
        "simulator"
    )
    expected = AerSimulator().run(circuit, shots=3).result().get_counts()
    job = backend.run(circuit, shots=3)
    assert job.get_counts() == expected
    assert job.get_probabilities() == pytest.approx(dict.fromkeys(expected, 1.0))
    again = backend.retrieve_job(job.job_id())
    assert again.get_counts() == expected


@pytest.mark.slow
@given(st.data())
def test_probabilities_are_those_of_the_statevector_over_random_registers(data):
    circuit = circuit_of(data.draw, entangle)
    bare, measured = QuantumCircuit(circuit.num_qubits), {}
    for step in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in step.qubits]
        if step.operation.name == "measure":
            measured[circuit.find_bit(step.clbits[0]).index] = qubits[0]
        else:
            bare.append(step.operation, qubits)
    expected = {}
    for outcome, probability in Statevector(bare).probabilities_dict().items():
        parts, done = [], 0
        for register in circuit.cregs:
            bits = range(done, done + register.size)
            done += register.size
            parts.append(
                "".join(outcome[::-1][measured[b]] if b in measured else "0" for b in bits)
            )
        key = " ".join(part[::-1] for part in reversed(parts))
        expected[key] = expected.get(key, 0.0) + probability

    backend = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=1)), seed=7).get_backend(
        "simulator"
    )
    result = backend.run(circuit, shots=200, seed_simulator=3).result()

    assert result.get_probabilities() == pytest.approx(expected, abs=1e-9)
    assert sum(result.get_counts().values()) == 200
    assert set(result.get_counts()) <= set(expected)


@pytest.mark.parametrize("backend_", ["simulator", "qpu.forte-1"])
def test_counts_from_the_services_own_shots_are_those_of_its_histogram(backend_):
    circuit = QuantumCircuit(3, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([1, 0], [0, 1])
    wire = to_wire(circuit)
    body = {
        "type": "ionq.circuit.v1",
        "backend": backend_,
        "shots": 100,
        "input": {"gateset": "qis", "qubits": wire.num_qubits, "circuit": wire.gates},
    }
    if backend_ == "simulator":
        body["noise"] = {"model": "aria-1", "seed": 5}
    cloud = FakeIonQ(seed=3)

    def ask(method, path, body=None):
        reply = cloud.handle(method, f"/v0.4/{path}", KEY, json.dumps(body).encode())
        assert reply.status in {200, 201}
        return json.loads(reply.body)

    job = ask("POST", "jobs", body)["id"]
    while ask("GET", f"jobs/{job}")["status"] != "completed":
        cloud.clock.sleep(60)
    histogram = ask("GET", f"jobs/{job}/results/probabilities")
    shots = ask("GET", f"jobs/{job}/results/shots")

    header = circuit_header(circuit, wire)
    from_shots = result_of(
        experiment(histogram, header, shots=100, seed=None, memory=True, raw_shots=shots)
    )
    from_histogram = result_of(experiment(histogram, header, shots=100, seed=None, memory=False))

    assert from_shots.get_counts() == from_histogram.get_counts()
    assert from_shots.get_counts()["11"] > 20
    expected = [format((int(s) & 1) << 1 | int(s) >> 1 & 1, "02b") for s in shots]
    assert from_shots.get_memory() == expected
