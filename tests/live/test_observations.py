"""Every recorded observation of the live service, replayed against the fake."""

import pytest
import replay


@pytest.mark.parametrize("entry", replay.observations(), ids=lambda entry: entry["title"][:60])
def test_the_fake_agrees_with_what_was_recorded(entry):
    assert {"title", "source", "date", "sure"} <= set(entry)
    if "cannot" in entry:
        return
    wrong = [value for value in replay.replay(entry) if not value[2]]
    assert bool(wrong) == ("differs" in entry), wrong
