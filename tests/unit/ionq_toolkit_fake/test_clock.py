from datetime import UTC, datetime, timedelta, timezone

import pytest

from ionq_toolkit_fake import FakeIonQ, Transitions
from ionq_toolkit_fake.clock import LAST_DAY, SystemClock, VirtualClock, iso


def test_virtual_time_stands_still_until_somebody_sleeps():
    clock = VirtualClock()
    assert clock.now() == clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    clock.sleep(3600)
    assert clock.monotonic() == 3600
    assert clock.now() == datetime(2026, 1, 1, 1, tzinfo=UTC)


def test_virtual_time_does_not_go_back_nor_beyond_its_last_day():
    clock = VirtualClock()
    for seconds in (-1, float("nan"), float("inf"), 1e300, 10**400):
        with pytest.raises(ValueError, match=str(seconds)[:9].replace("+", ".")):
            clock.sleep(seconds)
    assert clock.monotonic() == 0
    clock.sleep((LAST_DAY - clock.now()).total_seconds())
    assert iso(clock.now()) == "9900-01-01T00:00:00.000Z"
    with pytest.raises(ValueError, match="beyond 9900-01-01"):
        clock.sleep(1)


def test_a_virtual_clock_goes_back_to_its_start_when_it_is_reset():
    clock = VirtualClock(datetime(2026, 6, 1, tzinfo=UTC))
    clock.sleep(5)
    clock.reset()
    assert (clock.now(), clock.monotonic()) == (datetime(2026, 6, 1, tzinfo=UTC), 0)


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


@pytest.mark.parametrize(
    ("clock", "kind", "status"),
    [
        (None, VirtualClock, "completed"),
        ("instant", VirtualClock, "completed"),
        ("virtual", VirtualClock, "started"),
        (VirtualClock(), VirtualClock, "completed"),
    ],
)
def test_a_cloud_has_a_clock_by_its_name_and_jobs_that_wait_for_it_or_not(
    sender, job_body, clock, kind, status
):
    cloud = FakeIonQ(seed=1, clock=clock)
    send = sender(cloud)
    assert isinstance(cloud.clock, kind)
    _, created = send("POST", "/jobs", job_body(backend="qpu.forte-1"))
    assert send("GET", f"/jobs/{created['id']}")[1]["status"] == status


def test_on_a_real_clock_jobs_take_the_time_that_is_predicted():
    cloud = FakeIonQ(seed=1, clock="real")
    assert isinstance(cloud.clock, SystemClock)
    assert cloud.transitions.as_list() == FakeIonQ(transitions="predicted").transitions.as_list()
    immediate = FakeIonQ(clock="real", transitions="immediately")
    assert immediate.transitions.as_list() == FakeIonQ().transitions.as_list()
    polled = FakeIonQ(clock="real", transitions=Transitions.polls(2))
    assert (
        polled.transitions.as_list()
        == FakeIonQ(transitions=Transitions.polls(2)).transitions.as_list()
    )


def test_a_clock_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"instant, virtual, real\. Did you mean 'virtual'"):
        FakeIonQ(clock="virtaul")


def test_characterizations_age_with_the_clock(send, cloud):
    path = "/backends/qpu.forte-1/characterizations"
    first = send("GET", path + "?limit=1")[1]["characterizations"][0]
    cloud.clock.sleep(3 * 86_400)
    found = send("GET", path + "?limit=4")[1]["characterizations"]
    assert [one["date"][:10] for one in found] == [
        "2026-01-04",
        "2026-01-03",
        "2026-01-02",
        "2026-01-01",
    ]
    assert found[3]["id"] == first["id"]
    assert found[0]["fidelity"]["spam"] != first["fidelity"]["spam"]
