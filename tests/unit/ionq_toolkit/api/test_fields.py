from datetime import UTC, datetime

import pytest

from ionq_toolkit.api import fields

STRANGE = [None, True, "x", "", [], [1], {}, {"a": 1}, float("nan"), float("inf"), 10**400]


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        (fields.mapping, {"a": 1}, {"a": 1}),
        (fields.items, [1], [1]),
        (fields.text, "x", "x"),
        (fields.number, 1.5, 1.5),
        (fields.number, -2, -2.0),
        (fields.integer, 5, 5),
        (fields.integer, "5", 5),
        (fields.integer, 0, 0),
        (fields.integer, 2**63 - 1, 2**63 - 1),
        (fields.milliseconds, 1500, 1.5),
        (fields.milliseconds, 0.5, 0.0005),
        (fields.moment, "2026-01-01T01:00:00+01:00", datetime(2026, 1, 1, tzinfo=UTC)),
        (fields.moment, "2026-01-01T00:00:00", datetime(2026, 1, 1, tzinfo=UTC)),
        (fields.moment, "2026-01-01T00:00:00.5Z", datetime(2026, 1, 1, 0, 0, 0, 500_000, UTC)),
    ],
)
def test_fields_of_the_right_type_are_returned(read, value, found):
    assert read(value) == found


@pytest.mark.parametrize(
    ("read", "absent", "allowed"),
    [
        (fields.mapping, {}, dict),
        (fields.items, [], list),
        (fields.text, None, str),
        (fields.number, None, ()),
        (fields.integer, None, ()),
        (fields.milliseconds, None, ()),
        (fields.moment, None, ()),
    ],
)
def test_fields_of_a_wrong_type_are_absent(read, absent, allowed):
    for value in STRANGE:
        if not value or not isinstance(value, allowed):
            assert read(value) == absent, value


@pytest.mark.parametrize("value", [-1, 1.5, 2**63, "-1", "None", "9" * 20, "\u0661"])
def test_integer_rejects_other_numbers(value):
    assert fields.integer(value) is None


def test_milliseconds_rejects_negative_durations():
    assert fields.milliseconds(-1) is None


@pytest.mark.parametrize("value", ["yesterday", 5, "9999-12-31T23:59:59-23:59"])
def test_moment_rejects_text_that_is_not_a_time(value):
    assert fields.moment(value) is None
