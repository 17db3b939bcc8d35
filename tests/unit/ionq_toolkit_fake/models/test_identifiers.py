import uuid
from datetime import UTC, datetime

from ionq_toolkit_fake.clock import VirtualClock
from ionq_toolkit_fake.models.identifiers import Identifiers


def test_ids_have_their_versions_and_repeat_with_the_seed():
    one, two = (Identifiers(5, VirtualClock()) for _ in "ab")
    made = [one.uuid7(), one.uuid4(), one.hex24()]
    assert made == [two.uuid7(), two.uuid4(), two.hex24()]
    assert [uuid.UUID(i).version for i in made[:2]] == [7, 4]
    assert all(uuid.UUID(i).variant == uuid.RFC_4122 for i in made[:2])
    assert len(made[2]) == 24
    assert made[0] != Identifiers(6, VirtualClock()).uuid7()


def test_an_id_tells_the_time_and_sorts_by_it():
    clock = VirtualClock(datetime(2026, 7, 26, 12, tzinfo=UTC))
    identifiers = Identifiers(1, clock)
    made = []
    for _ in range(5):
        made.append(identifiers.uuid7())
        clock.sleep(0.001)
    assert made == sorted(made)
    milliseconds = uuid.UUID(made[0]).int >> 80
    assert milliseconds == datetime(2026, 7, 26, 12, tzinfo=UTC).timestamp() * 1000
