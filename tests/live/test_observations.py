"""Every recorded observation of the live service, replayed against the fake."""

import pytest
import replay


def entries():
    for entry in replay.observations():
        marks = [pytest.mark.slow] if entry.get("slow") else []
        yield pytest.param(entry, marks=marks, id=entry["title"][:60])


@pytest.mark.parametrize("entry", list(entries()))
def test_the_fake_agrees_with_what_was_recorded(entry):
    assert {"title", "source", "date", "sure"} <= set(entry)
    if "cannot" in entry:
        return
    wrong = [value for value in replay.replay(entry) if not value[2]]
    assert bool(wrong) == ("differs" in entry), wrong
