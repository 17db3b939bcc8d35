import uuid
from datetime import UTC, datetime, timedelta

from ionq_toolkit_fake.models.identifiers import Identifiers

NOON = datetime(2026, 7, 26, 12, tzinfo=UTC)


def test_ids_have_their_versions_and_repeat_with_the_seed():
    one, two = (Identifiers(5) for _ in "ab")
    made = [one.uuid7(NOON), one.uuid4(), one.hex24()]
    assert made == [two.uuid7(NOON), two.uuid4(), two.hex24()]
    assert [uuid.UUID(i).version for i in made[:2]] == [7, 4]
    assert all(uuid.UUID(i).variant == uuid.RFC_4122 for i in made[:2])
    assert len(made[2]) == 24
    assert made[0] != Identifiers(6).uuid7(NOON)


def test_uuid7_contains_the_time_and_sorts_by_it():
    identifiers = Identifiers(1)
    made = [identifiers.uuid7(NOON + timedelta(milliseconds=count)) for count in range(5)]
    assert made == sorted(made)
    assert uuid.UUID(made[0]).int >> 80 == NOON.timestamp() * 1000
