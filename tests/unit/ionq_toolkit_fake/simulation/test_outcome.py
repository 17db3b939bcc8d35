"""Outcomes as numbers: their bits, taken out and put back, and the distributions they make."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionq_toolkit_fake.api.results import as_map
from ionq_toolkit_fake.simulation.executors import simulate
from ionq_toolkit_fake.simulation.outcome import (
    WHOLE,
    Distribution,
    bitstrings,
    integer_type,
    spread,
    take,
)
from ionq_toolkit_fake.simulation.program import Gate, Noise, Program, Task

#: NumPy's integers are too narrow for the last two.
WIDTHS = st.sampled_from([20, 62, 63, 130])


def numbers_and_places(places):
    """Draw a width, numbers of so many bits, and a list of places in them."""
    return WIDTHS.flatmap(
        lambda width: st.tuples(
            st.just(width),
            st.lists(st.integers(0, 2**width - 1), max_size=8),
            places(st.integers(0, width - 1)),
        )
    )


UNIQUE = numbers_and_places(lambda place: st.lists(place, unique=True))
ANY = numbers_and_places(lambda place: st.lists(st.none() | place, max_size=130))


def array(values, width=62):
    return np.array(values, integer_type(width))


def distribution(weights):
    """Make a distribution of a map from outcomes to probabilities."""
    return Distribution(array(list(weights)), np.array(list(weights.values())))


# --- bits ------------------------------------------------------------------------------------


@given(UNIQUE)
def test_what_is_spread_can_be_taken_back(case):
    _, numbers, places = case
    values = array([n & (2 ** len(places) - 1) for n in numbers], len(places))
    assert take(spread(values, places), places).tolist() == values.tolist()


@given(UNIQUE)
def test_what_is_taken_can_be_spread_back(case):
    width, numbers, places = case
    mask = sum(1 << place for place in places)
    taken = take(array(numbers, width), places)
    assert spread(taken, places).tolist() == [n & mask for n in numbers]


@given(ANY)
def test_taken_bits_are_those_of_the_number_and_0_where_none_is_named(case):
    width, numbers, bits = case
    expected = [
        sum((number >> bit & 1) << place for place, bit in enumerate(bits) if bit is not None)
        for number in numbers
    ]
    assert take(array(numbers, width), bits).tolist() == expected


def test_the_first_bit_named_is_the_least_significant():
    assert take(array([0b100, 0b011]), [2, 0]).tolist() == [0b01, 0b10]
    assert spread(array([0b01, 0b10]), [2, 0]).tolist() == [0b100, 0b001]


def test_a_bit_may_be_taken_twice():
    assert take(array([0b10]), [1, 1, 0, 1]).tolist() == [0b1011]


def test_the_arguments_are_left_alone():
    values = array([1, 2, 3])
    take(values, [1, None])
    spread(values, [4, 0])
    assert values.tolist() == [1, 2, 3]


def test_bitstrings_have_their_width_and_the_first_bit_last():
    assert bitstrings(array([0, 1, 6]), 4) == ["0000", "0001", "0110"]
    assert bitstrings(array([0]), 0) == [""]


# --- distributions ---------------------------------------------------------------------------


@pytest.mark.parametrize("width", [62, 130])
@given(data=st.data())
def test_shots_make_a_distribution_of_how_often_each_was_seen(width, data):
    numbers = data.draw(st.lists(st.integers(0, 2**width - 1), min_size=1, max_size=50))
    found = as_map(Distribution.of_shots(array(numbers, width)))
    expected = {str(n): numbers.count(n) / len(numbers) for n in sorted(set(numbers))}
    assert found == expected
    assert list(found) == list(expected)


def test_no_shots_make_no_distribution():
    assert as_map(Distribution.of_shots(array([]))) == {}


def test_a_map_is_in_numerical_order_and_not_that_of_its_text():
    shots = array([10, 9, 100, 2, 9])
    assert list(as_map(Distribution.of_shots(shots))) == ["2", "9", "10", "100"]


def test_a_map_has_plain_numbers():
    ((key, value),) = as_map(Distribution.of_shots(array([3]))).items()
    assert (type(key), type(value)) == (str, float)


def test_a_marginal_adds_up_what_the_other_bits_tell_apart():
    whole = distribution({0b000: 0.1, 0b011: 0.2, 0b100: 0.3, 0b111: 0.4})
    assert whole.marginal([0]) == pytest.approx({"0": 0.4, "1": 0.6})
    assert whole.marginal([2, 0]) == pytest.approx({"00": 0.1, "10": 0.2, "01": 0.3, "11": 0.4})


def test_a_marginal_has_zeros_where_no_bit_is_named():
    whole = distribution({0b01: 0.25, 0b10: 0.75})
    assert whole.marginal([None, 1, None]) == {"000": 0.25, "010": 0.75}
    assert whole.marginal([None]) == {"0": 1.0}


def test_a_marginal_of_no_bits_is_certain():
    assert distribution({1: 0.25, 2: 0.75}).marginal([]) == {"": 1.0}


@given(st.dictionaries(st.integers(0, 255), st.floats(0.01, 1), min_size=1), st.data())
def test_a_marginal_is_the_sum_over_the_outcomes_that_look_the_same(weights, data):
    weights = dict(sorted(weights.items()))
    bits = data.draw(st.lists(st.integers(0, 7), min_size=1, max_size=8, unique=True))
    expected = {}
    for outcome, weight in weights.items():
        key = "".join(str(outcome >> bit & 1) for bit in reversed(bits))
        expected[key] = expected.get(key, 0) + weight
    found = distribution(weights).marginal(bits)
    assert found == pytest.approx(expected)
    assert list(found) == sorted(expected)


# --- of a task -------------------------------------------------------------------------------

FLIPPED = Program(4, (Gate("x", (1,)), Gate("x", (3,))))


def test_a_task_without_registers_has_one_of_all_its_qubits():
    assert dict(simulate(Task(FLIPPED, 0)).registers) == {WHOLE: (0, 1, 2, 3)}


def test_registers_name_qubits_in_any_order_and_leave_gaps():
    registers = {"up": (3, 2, 1, 0), "gap": (None, 1, None, 3), "idle": (0, 2)}
    outcome = simulate(Task(FLIPPED, 0, registers=registers))
    found = {name: outcome.distribution.marginal(bits) for name, bits in outcome.registers.items()}
    assert found == {"up": {"0101": 1.0}, "gap": {"1010": 1.0}, "idle": {"00": 1.0}}


def test_the_widest_outcome_is_right_to_its_highest_bit():
    highest = 129
    program = Program(130, (Gate("x", (highest,)), Gate("x", (5,))))
    expected = {str(2**highest + 32): 1.0}
    assert as_map(simulate(Task(program, 0)).distribution) == expected
    assert as_map(simulate(Task(program, 0, 10, Noise(0, 0))).distribution) == expected


def test_the_sum_of_probabilities_is_round_too():
    assert distribution({0: 0.1, 2: 0.2, 1: 0.7}).marginal([0]) == {"0": 0.3, "1": 0.7}
