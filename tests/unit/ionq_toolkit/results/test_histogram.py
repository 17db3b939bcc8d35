import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionq_toolkit import errors
from ionq_toolkit.results.histogram import (
    apportion,
    bit_strings,
    measure,
    parse_histogram,
    parse_shots,
    sample,
    to_clbits,
)

#: Widths on both sides of what 64-bit integers and whole bytes hold.
WIDTHS = st.integers(1, 20) | st.sampled_from([31, 32, 33, 61, 62, 63, 64, 65, 100])


def outcomes_of(width, **sizes):
    return st.lists(st.integers(0, 2**width - 1), **sizes)


# --- the histogram ---------------------------------------------------------------------------


def test_a_histogram_is_read_with_ints_among_the_probabilities():
    outcomes, probabilities = parse_histogram({"3": 0.25, "1": 0.75, "2": 0}, 2)
    assert outcomes.tolist() == [3, 1, 2]
    assert probabilities.tolist() == [0.25, 0.75, 0.0]


@pytest.mark.parametrize("width", [2, 62, 63, 100])
def test_outcomes_may_be_ints_of_any_width(width):
    outcomes, probabilities = parse_histogram({2**width - 1: 0.25, 0: 0.75}, width)
    assert outcomes.tolist() == [2**width - 1, 0]
    assert probabilities.tolist() == [0.25, 0.75]
    assert outcomes.dtype == (np.int64 if width <= 62 else object)


def test_exact_one_may_be_an_int():
    assert parse_histogram({"3": 1}, 2)[1].tolist() == [1.0]


def test_a_small_drift_of_the_sum_is_evened_out():
    _, probabilities = parse_histogram({"0": 0.50001, "1": 0.49998}, 1)
    assert probabilities.sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(
    ("histogram", "complaint"),
    [
        ({}, "is empty"),
        (None, "no JSON object but null"),
        ([], "no JSON object but an array"),
        ([0.5, 0.5], "no JSON object but an array"),
        ("{}", "no JSON object but a string"),
        (1.0, "no JSON object but a number"),
        ({"4": 1.0}, "3 bits, which 2 qubits do not have"),
        ({"5": 1.0}, "3 bits, which 2 qubits do not have"),
        ({"9223372036854775808": 1.0}, "which 2 qubits do not have"),
        ({"9" * 30: 1.0}, "which 2 qubits do not have"),
        ({"-1": 1.0}, "not written as a decimal number"),
        ({"+1": 1.0}, "not written as a decimal number"),
        ({"x": 1.0}, "not written as a decimal number"),
        ({"": 1.0}, "not written as a decimal number"),
        ({"1": 0.5, "": 0.5}, "not written as a decimal number"),
        ({" 1": 1.0}, "not written as a decimal number"),
        ({"0x1": 1.0}, "not written as a decimal number"),
        ({"1_0": 1.0}, "not written as a decimal number"),
        ({"1.0": 1.0}, "not written as a decimal number"),
        ({"1,2": 1.0}, "not written as a decimal number"),
        ({"1,2": 0.5, "": 0.5}, "not written as a decimal number"),
        ({"\u0661": 1.0}, "not written as a decimal number"),
        ({1.5: 1.0}, "not written as a decimal number"),
        ({"0": 0.5, 1: 0.5}, "not written as a decimal number"),
        ({True: 1.0}, "not written as a decimal number"),
        ({-1: 1.0}, "not written as a decimal number"),
        ({0: 0.5, 4: 0.5}, "3 bits, which 2 qubits do not have"),
        ({2**63: 1.0}, "64 bits, which 2 qubits do not have"),
        ({"0": None}, "a probability is null"),
        ({"0": "1.0"}, "a probability is a string"),
        ({"0": "0.5", "1": 0.5}, "a probability is a string"),
        ({"0": True}, "a probability is a boolean"),
        ({"0": [1.0]}, "a probability is an array"),
        ({"0": {"0": 1.0}}, "a probability is an object.*may be of several circuits"),
        ({"0": 0.5, "1": 0.4}, "sum to 0.9"),
        ({"0": 0.0}, "sum to 0"),
        ({"0": 500, "1": 500}, "sum to 1000"),
        ({"0": 1.5, "1": -0.5}, "smallest is -0.5"),
        ({"0": float("nan"), "1": 1.0}, "no distribution"),
        ({"0": float("inf")}, "no distribution"),
        ({"0": 10**400}, "cannot be read"),
    ],
)
def test_parse_histogram_rejects_invalid_histograms(histogram, complaint):
    with pytest.raises(errors.IonQJobError, match=complaint):
        parse_histogram(histogram, 2)


@pytest.mark.parametrize("outcome", ["9" * 5000, "-1", "", " 1", str(2**100)])
def test_parse_histogram_rejects_invalid_outcomes_of_wide_registers(outcome):
    with pytest.raises(errors.IonQJobError, match="outcome"):
        parse_histogram({outcome: 1.0}, 100)


# --- the shots -------------------------------------------------------------------------------


@given(WIDTHS.flatmap(lambda width: st.tuples(st.just(width), outcomes_of(width, max_size=8))))
def test_shots_are_read_in_their_order_as_strings_or_ints_at_any_width(case):
    width, outcomes = case
    mixed = [str(n) if position % 2 else n for position, n in enumerate(outcomes)]
    for sent in (outcomes, [str(n) for n in outcomes], mixed):
        assert parse_shots(sent, width, len(outcomes)).tolist() == outcomes


@pytest.mark.parametrize(
    ("raw_shots", "complaint"),
    [
        (["0"], "outcomes of 1 shots; the job had 2"),
        ([], "outcomes of 0 shots; the job had 2"),
        (["0", "0", "0"], "outcomes of 3 shots; the job had 2"),
        (["0", "4"], "3 bits, which 2 qubits do not have"),
        ([0, 4], "3 bits, which 2 qubits do not have"),
        ([0, -1], "not written as a decimal number"),
        (["0", "x"], "not written as a decimal number"),
        (["0", ""], "not written as a decimal number"),
        (["0,0", ""], "not written as a decimal number"),
        (["0", None], "an outcome is null"),
        ([0, 1.0], "an outcome is a number, not a decimal number"),
        ([0, True], "an outcome is a boolean"),
        ([0, [1]], "an outcome is an array"),
        ([{"registers": {}}, "0"], "an outcome is an object"),
        ({"shots": ["0", "0"]}, "no JSON array but an object"),
        (None, "no JSON array but null"),
        ("00", "no JSON array but a string"),
    ],
)
def test_parse_shots_rejects_invalid_shots(raw_shots, complaint):
    with pytest.raises(errors.IonQJobError, match=complaint):
        parse_shots(raw_shots, 2, 2)


# --- qubits to classical bits ----------------------------------------------------------------


def test_outcomes_follow_the_measurement_map():
    # Qubit 0 is the least significant bit of an outcome: 4 is qubit 2 alone.
    values, probabilities = measure(np.array([1, 4]), np.array([0.25, 0.75]), [2, None, 0])
    assert dict(zip(values.tolist(), probabilities.tolist(), strict=True)) == {
        0b100: 0.25,
        0b001: 0.75,
    }


def test_outcomes_that_differ_in_unmeasured_qubits_are_added_up_not_overwritten():
    values, probabilities = measure(np.arange(4), np.array([0.1, 0.2, 0.3, 0.4]), [0])
    assert values.tolist() == [0, 1]
    assert probabilities == pytest.approx([0.4, 0.6])


@given(
    WIDTHS.flatmap(
        lambda width: st.tuples(
            st.just(width),
            outcomes_of(width, min_size=1, max_size=8, unique=True),
            st.lists(st.none() | st.integers(0, width - 1), min_size=1, max_size=70),
        )
    )
)
def test_the_map_is_what_reading_bit_strings_gives_at_any_width(case):
    width, outcomes, measured = case
    histogram = {str(outcome): 1 / len(outcomes) for outcome in outcomes}
    expected, mapped = {}, []
    for outcome in outcomes:
        bits = format(outcome, f"0{width}b")[::-1]
        value = int("".join("0" if q is None else bits[q] for q in measured)[::-1], 2)
        expected[value] = expected.get(value, 0) + 1 / len(outcomes)
        mapped.append(value)

    values, probabilities = measure(*parse_histogram(histogram, width), measured)

    assert values.tolist() == sorted(expected)
    assert probabilities.tolist() == pytest.approx([expected[v] for v in sorted(expected)])
    assert to_clbits(parse_shots(outcomes, width, None), measured).tolist() == mapped


@pytest.mark.parametrize("width", [61, 62, 63, 64, 65])
def test_the_highest_bits_that_integers_of_64_bits_hold_or_do_not_hold_are_right(width):
    outcomes = [2**width - 1, 2 ** (width - 1), 1]
    backwards = list(reversed(range(width)))
    values, probabilities = measure(
        *parse_histogram({str(n): 1 / 4 * (1 + (n == 1)) for n in outcomes}, width), backwards
    )
    assert values.tolist() == [1, 2 ** (width - 1), 2**width - 1]
    assert probabilities.tolist() == [0.25, 0.5, 0.25]
    with pytest.raises(errors.IonQJobError, match=f"{width} qubits do not have"):
        parse_histogram({str(2**width): 1.0}, width)


@pytest.mark.parametrize("width", [16, 40])
def test_large_histograms_in_any_order_are_put_in_order_and_added_up(width):
    generator = np.random.default_rng(3)
    outcomes = np.unique(generator.integers(0, 2**width, 20_000))
    generator.shuffle(outcomes)
    weights = generator.random(len(outcomes))
    expected = {}
    for outcome, weight in zip(outcomes.tolist(), weights.tolist(), strict=True):
        expected[outcome & 0xFFFF_FFFF_F0FF] = (
            expected.get(outcome & 0xFFFF_FFFF_F0FF, 0.0) + weight
        )
    measured = [None if 8 <= bit < 12 else bit for bit in range(width)]

    values, sums = measure(outcomes, weights, measured)

    assert values.tolist() == sorted(expected)
    assert sums.tolist() == pytest.approx([expected[v] for v in sorted(expected)])


# --- counts ----------------------------------------------------------------------------------


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20).filter(lambda ws: sum(ws) > 1e-6),
    st.integers(0, 10_000),
)
def test_apportioned_counts_add_up_and_are_those_of_the_largest_remainders(weights, shots):
    probabilities = np.array(weights) / np.sum(weights)
    exact = [p * shots for p in probabilities.tolist()]
    expected = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (expected[i] - exact[i], i))
    for index in by_remainder[: shots - sum(expected)]:
        expected[index] += 1

    counts = apportion(probabilities, shots)

    assert counts.tolist() == expected
    assert counts.sum() == shots


@given(st.lists(st.integers(0, 500), min_size=1, max_size=30).filter(any))
def test_a_histogram_of_whole_shots_gives_those_shots_back(drawn):
    shots = sum(drawn)
    assert apportion(np.array([n / shots for n in drawn]), shots).tolist() == drawn


@pytest.mark.parametrize("shots", [100, 1001, 4, 1, 0])
def test_counts_add_up_to_the_shots_where_rounding_each_would_not(shots):
    # Rounded one by one, eighths of 100, 1001 and 4 shots are 96, 1000 and 0.
    counts = apportion(np.full(8, 1 / 8), shots)
    assert counts.sum() == shots
    assert counts.max() - counts.min() <= 1


def test_samples_follow_the_distribution_and_the_seed():
    probabilities = np.array([0.2, 0.5, 0.3])
    drawn = np.bincount(sample(probabilities, 100_000, seed=5), minlength=3)
    # Five standard deviations of a binomial count.
    assert np.all(np.abs(drawn - 100_000 * probabilities) < 5 * np.sqrt(100_000 * 0.25))
    assert np.array_equal(sample(probabilities, 50, seed=5), sample(probabilities, 50, seed=5))
    assert not np.array_equal(sample(probabilities, 50, seed=5), sample(probabilities, 50, seed=6))


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20).filter(lambda ws: sum(ws) > 1e-6),
    st.integers(0, 2**63 - 1),
)
def test_samples_equal_numpys_choice_with_that_seed(weights, seed):
    probabilities = np.array(weights) / np.sum(weights)
    expected = np.random.default_rng(seed).choice(len(weights), size=50, p=probabilities)
    assert sample(probabilities, 50, seed).tolist() == expected.tolist()


def test_impossible_outcomes_are_never_sampled():
    drawn = sample(np.array([0.0, 0.5, 0.0, 0.5, 0.0]), 10_000, seed=1)
    assert set(drawn.tolist()) == {1, 3}


# --- bit strings -----------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=4)
    .filter(any)
    .flatmap(
        lambda sizes: st.tuples(
            st.just(sizes), st.booleans(), outcomes_of(sum(sizes), min_size=1, max_size=6)
        )
    )
)
def test_bit_strings_are_what_formatting_each_gives_at_any_width(case):
    sizes, split, outcomes = case
    width = sum(sizes)
    expected = []
    for outcome in outcomes:
        bits, parts = format(outcome, f"0{width}b"), []
        for size in reversed(sizes if split else [width]):
            parts.append(bits[:size])
            bits = bits[size:]
        expected.append(" ".join(parts))
    values = np.array(outcomes, dtype=np.int64 if width <= 62 else object)

    assert bit_strings(values, width, sizes if split else []) == expected


def test_no_outcomes_make_no_bit_strings():
    assert bit_strings(np.zeros(0, dtype=np.int64), 3, [1, 2]) == []
    assert bit_strings(np.zeros(0, dtype=object), 100, []) == []
