"""Characterizations: each is made once, when it is read."""

import pytest

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.models.facility import Facility

CENTURY_S = 100 * 365.25 * 86400
JOB = (
    b'{"type":"ionq.circuit.v1","backend":"qpu.forte-1","shots":10,'
    b'"input":{"qubits":1,"circuit":[{"gate":"h","target":0}]}}'
)
KEY = {"Authorization": "apiKey test"}


@pytest.fixture
def made(monkeypatch):
    """Return the days of the characterizations that are made."""
    days, measured = [], Facility._measured

    def noting(self, device, day):
        days.append(day)
        return measured(self, device, day)

    monkeypatch.setattr(Facility, "_measured", noting)
    return days


def test_characterizations_are_made_once_a_day(made):
    cloud = FakeIonQ(1)
    for _ in range(3):
        assert cloud.handle("GET", "/v0.4/backends", KEY)[0] == 200
    qpus = [device for device in cloud.facility.devices.values() if device.is_qpu]
    assert len(made) == len(qpus)
    cloud.clock.sleep(86400)
    cloud.handle("GET", "/v0.4/backends", KEY)
    running = [device for device in qpus if device.last_day is None]
    assert len(made) == len(qpus) + len(running)  # a retired QPU is not measured again


def test_clock_far_ahead_costs_nothing(made):
    cloud = FakeIonQ(1)
    cloud.clock.sleep(70 * CENTURY_S)
    assert cloud.handle("POST", "/v0.4/jobs", KEY, JOB)[0] == 201
    assert len(made) == 1
    path = "/v0.4/backends/qpu.forte-1/characterizations"
    assert cloud.handle("GET", f"{path}?limit=10&page=200000", KEY)[0] == 200
    assert cloud.handle("GET", f"{path}?start=2100-01-01&end=2100-01-05", KEY)[0] == 200
    assert (
        cloud.handle("GET", "/v0.4/backends/qpu.harmony/characterizations?page=9000", KEY)[0] == 200
    )
    assert len(made) < 40


def test_every_characterization_is_found_by_its_id_alone(made):
    cloud = FakeIonQ(1)
    cloud.clock.sleep(CENTURY_S)
    facility = cloud.facility
    days = facility.days("qpu.forte-1")
    assert len(days) == 36525 + 31  # 30 days of history, the first day, and a century
    for day in (days[0], days[20_000], days[-1]):
        record = facility.characterization("qpu.forte-1", day)
        assert facility.characterization_of("qpu.forte-1", record.id) == record
        assert facility.characterization_of("qpu.aria-1", record.id) is None
        assert FakeIonQ(2).facility.characterization_of("qpu.forte-1", record.id) is None
    assert facility.characterization_of("qpu.forte-1", "not an id") is None
    assert len(made) <= 6
