from datetime import UTC, datetime, timedelta, timezone

import pytest

from ionq_toolkit_fake.clock import SystemClock, VirtualClock, iso


def test_virtual_time_stands_still_until_somebody_sleeps():
    clock = VirtualClock()
    assert clock.now() == clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    clock.sleep(3600)
    assert clock.monotonic() == 3600
    assert clock.now() == datetime(2026, 1, 1, 1, tzinfo=UTC)


def test_virtual_time_does_not_go_back():
    clock = VirtualClock()
    for seconds in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=str(seconds)):
            clock.sleep(seconds)
    assert clock.monotonic() == 0


def test_the_system_clock_is_the_machines():
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0)
    assert clock.monotonic() >= before
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00.000Z"),
        (
            datetime(2026, 6, 11, 22, 47, 5, 440_999, timezone(timedelta(hours=2))),
            "2026-06-11T20:47:05.440Z",
        ),
    ],
)
def test_dates_are_written_as_ionq_does(moment, text):
    assert iso(moment) == text
