import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionq_toolkit import IonQResult, errors
from ionq_toolkit.result import apportion, experiment, measure, parse_histogram, sample

HEADER = {"name": "c", "n_qubits": 2, "memory_slots": 2, "meas_mapped": [0, 1], "creg_sizes": []}


def result_of(histogram, *, shots=100, seed=1, memory=False, **header):
    return IonQResult.from_dict(
        {
            "backend_name": "b",
            "backend_version": "1",
            "job_id": "job-1",
            "success": True,
            "results": [
                experiment(histogram, {**HEADER, **header}, shots=shots, seed=seed, memory=memory)
            ],
        }
    )


# --- the histogram ---------------------------------------------------------------------------


def test_a_histogram_is_read_in_order_with_ints_among_the_probabilities():
    outcomes, probabilities = parse_histogram({"3": 0.25, "1": 0.75, "2": 0}, 2)
    assert outcomes.tolist() == [1, 2, 3]
    assert probabilities.tolist() == [0.75, 0.0, 0.25]


def test_a_small_drift_of_the_sum_is_evened_out():
    _, probabilities = parse_histogram({"0": 0.50001, "1": 0.49998}, 1)
    assert probabilities.sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(
    ("histogram", "complaint"),
    [
        ({}, "empty"),
        ({"4": 1.0}, "2 qubits do not have"),
        ({"-1": 1.0}, "2 qubits do not have"),
        ({"x": 1.0}, "cannot be read"),
        ({"0": None}, "cannot be read"),
        ({"0": {"0": 1.0}}, "cannot be read"),
        ({"0": 0.5, "1": 0.4}, "sum to 0.9"),
        ({"0": 0.0}, "sum to 0"),
        ({"0": 1.5, "1": -0.5}, "smallest is -0.5"),
        ({"0": float("nan"), "1": 1.0}, "no distribution"),
        ({"0": float("inf")}, "no distribution"),
        ({"0": 10**400}, "cannot be read"),
    ],
)
def test_what_is_no_histogram_is_a_job_error(histogram, complaint):
    with pytest.raises(errors.IonQJobError, match=complaint):
        parse_histogram(histogram, 2)


# --- qubits to classical bits ----------------------------------------------------------------


def test_outcomes_follow_the_measurement_map():
    # Qubit 0 is the least significant bit of an outcome: 4 is qubit 2 alone.
    values, probabilities = measure(np.array([1, 4]), np.array([0.25, 0.75]), [2, None, 0])
    assert dict(zip(values.tolist(), probabilities.tolist(), strict=True)) == {
        0b100: 0.25,
        0b001: 0.75,
    }


def test_outcomes_that_differ_in_unmeasured_qubits_are_added_up():
    values, probabilities = measure(np.arange(4), np.array([0.1, 0.2, 0.3, 0.4]), [0])
    assert values.tolist() == [0, 1]
    assert probabilities == pytest.approx([0.4, 0.6])


@given(
    st.integers(1, 70).flatmap(
        lambda width: st.tuples(
            st.just(width),
            st.lists(st.integers(0, 2**width - 1), min_size=1, max_size=8, unique=True),
            st.lists(st.none() | st.integers(0, width - 1), min_size=1, max_size=70),
        )
    )
)
def test_the_map_is_what_reading_bit_strings_gives_at_any_width(case):
    width, outcomes, measured = case
    histogram = {str(outcome): 1 / len(outcomes) for outcome in outcomes}
    expected = {}
    for outcome in outcomes:
        bits = format(outcome, f"0{width}b")[::-1]
        value = int("".join("0" if q is None else bits[q] for q in measured)[::-1], 2)
        expected[value] = expected.get(value, 0) + 1 / len(outcomes)

    values, probabilities = measure(*parse_histogram(histogram, width), measured)

    assert dict(zip(values.tolist(), probabilities.tolist(), strict=True)) == pytest.approx(
        expected
    )


# --- counts ----------------------------------------------------------------------------------


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20).filter(lambda ws: sum(ws) > 1e-6),
    st.integers(1, 10_000),
)
def test_apportioned_counts_add_up_and_are_each_within_one_of_their_share(weights, shots):
    probabilities = np.array(weights) / np.sum(weights)

    counts = apportion(probabilities, shots)

    assert counts.sum() == shots
    assert np.all(np.abs(counts - probabilities * shots) < 1)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=30).filter(any))
def test_a_histogram_of_whole_shots_gives_those_shots_back(drawn):
    shots = sum(drawn)
    assert apportion(np.array([n / shots for n in drawn]), shots).tolist() == drawn


def test_samples_follow_the_distribution_and_the_seed():
    probabilities = np.array([0.2, 0.5, 0.3])
    drawn = np.bincount(sample(probabilities, 100_000, seed=5), minlength=3)
    # Five standard deviations of a binomial count.
    assert np.all(np.abs(drawn - 100_000 * probabilities) < 5 * np.sqrt(100_000 * 0.25))
    assert np.array_equal(sample(probabilities, 50, seed=5), sample(probabilities, 50, seed=5))
    assert not np.array_equal(sample(probabilities, 50, seed=5), sample(probabilities, 50, seed=6))


def test_memory_is_each_shot_in_hexadecimal_and_agrees_with_the_counts():
    result = result_of({"1": 0.5, "2": 0.5}, memory=True)
    raw = result.data(0)["memory"]
    assert set(raw) == {"0x1", "0x2"}
    assert len(raw) == 100
    assert raw != sorted(raw)
    assert {k: raw.count(hex(int(k, 2))) for k in ("01", "10")} == result.get_counts()


def test_without_a_seed_the_counts_are_the_histogram_itself():
    result = result_of({"0": 0.29, "3": 0.71}, seed=None)
    assert result.get_counts() == {"00": 29, "11": 71}


# --- what a person reads ---------------------------------------------------------------------


def test_probabilities_have_every_outcome_sampled_or_not():
    result = result_of({"0": 0.98, "1": 0.01, "2": 0.005, "3": 0.005}, shots=5)
    assert result.get_probabilities() == pytest.approx(
        {"00": 0.98, "01": 0.01, "10": 0.005, "11": 0.005}
    )
    assert sum(result.get_counts().values()) == 5


def test_counts_and_probabilities_are_written_register_by_register():
    result = result_of(
        {"5": 1.0},
        n_qubits=3,
        meas_mapped=[0, 1, 2],
        memory_slots=3,
        creg_sizes=[["a", 1], ["b", 2]],
    )
    assert result.get_counts() == {"10 1": 100}
    assert result.get_probabilities() == {"10 1": 1.0}


def test_a_result_survives_a_round_trip_through_a_dict():
    result = result_of({"1": 0.5, "2": 0.5}, memory=True)
    copy = IonQResult.from_dict(result.to_dict())
    assert copy.get_counts() == result.get_counts()
    assert copy.get_memory() == result.get_memory()
    assert copy.get_probabilities() == result.get_probabilities()


def test_unknown_shots_leave_probabilities_and_a_clear_error_for_counts():
    result = result_of({"0": 0.5, "3": 0.5}, shots=None)
    assert result.get_probabilities() == {"00": 0.5, "11": 0.5}
    with pytest.raises(errors.IonQJobError, match=r"how many shots.*get_probabilities"):
        result.get_counts()
