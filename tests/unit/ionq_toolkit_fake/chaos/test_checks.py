"""Each check accepts a correct run, and finds its own violation."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from ionq_toolkit_fake.chaos.checks import CHECKS, check_run
from ionq_toolkit_fake.chaos.record import Accepted, CallerEnding, Run, SentRequest


def ending(caller=0, known=(), suspected=(), at_s=3.0, **more):
    return CallerEnding(caller, at_s, known=known, suspected=frozenset(suspected), **more)


def sent(at_s, until_s, *, by=0, method="GET", path="/v0.4/jobs/1", body="", **more):
    return SentRequest(by, at_s, method, path, body, until_s, **{"status": 200, **more})


FINE = Run(
    plan=SimpleNamespace(deadline_s=60.0),
    endings=[
        ending(0, ["j1"]),
        ending(1, ["j2", "s1"], at_s=60.5, outcome="ValueError", error="ValueError: known"),
    ],
    accepted=[
        Accepted("j1", "job", 0, "aa"),
        Accepted("j2", "job", 1, "aa"),
        Accepted("s1", "session", 1, "bb"),
    ],
    sent=[
        sent(0.0, 0.1),
        sent(0.2, 0.3, status=429, retry_after="5"),
        sent(5.4, 5.5),
        sent(1.0, 1.1, by=1, status=503),
        sent(1.7, 1.8, by=1),
    ],
    leaks=[],
)


def broken(**changes):
    return {(one.check, one.caller): one.text for one in check_run(replace(FINE, **changes))}


def test_correct_run_breaks_no_check():
    assert check_run(FINE) == []


def test_known_finds_a_lost_job():
    found = broken(endings=[ending(0), FINE.endings[1]])
    assert list(found) == [("known", 0)]
    assert "j1" in found["known", 0]


def test_known_finds_a_job_of_two_callers():
    found = broken(endings=[ending(0, ["j1", "j2"]), FINE.endings[1]])
    assert found == {("known", None): "job j2 is known to callers 0, 1"}


def test_known_finds_a_job_reported_twice():
    assert ("known", None) in broken(endings=[ending(0, ["j1", "j1"]), FINE.endings[1]])


def test_known_finds_an_id_that_was_never_accepted():
    found = broken(endings=[ending(0, ["j1", "j9"]), FINE.endings[1]])
    assert list(found) == [("known", 0)]
    assert "j9" in found["known", 0]


def test_known_accepts_a_suspected_id():
    assert not broken(
        endings=[FINE.endings[0], ending(1, ["j2"], suspected=["s1", "other"])],
    )


def test_once_finds_a_repeated_request_that_creates_two_jobs():
    found = broken(accepted=[*FINE.accepted, Accepted("j3", "job", 0, "aa")])
    assert list(found) == [("once", 0)]
    assert "created the same job 2 times" in found["once", 0]
    assert "j3" in found["once", 0]


def test_spread_ignores_different_submissions():
    posts = [
        sent(0.0, 1.0, method="POST", path="/v0.4/jobs", body="a", status=500),
        sent(1.0, 2.0, method="POST", path="/v0.4/jobs", body="b"),
    ]
    assert broken(sent=posts) == {}


def test_once_accepts_equal_jobs_that_are_known():
    assert not broken(
        endings=[ending(0, ["j1", "j3"]), FINE.endings[1]],
        accepted=[*FINE.accepted, Accepted("j3", "job", 0, "aa")],
    )


def test_in_time_finds_a_late_caller():
    found = broken(endings=[ending(0, ["j1"], at_s=61.5), FINE.endings[1]])
    assert found == {("in_time", 0): "it ended after 61.5 s; it had 60 s"}


def test_in_time_finds_a_stopped_caller():
    found = broken(
        endings=[
            ending(0, ["j1"], outcome="stopped", stopped="waits for ever after 180 s"),
            FINE.endings[1],
        ]
    )
    assert found == {("in_time", 0): "it waits for ever after 180 s; it had 60 s"}


def test_typed_finds_an_unexpected_error():
    found = broken(
        endings=[
            ending(0, ["j1"], outcome="KeyError", error="KeyError: 'id'", typed=False),
            FINE.endings[1],
        ]
    )
    assert found == {("typed", 0): "KeyError: 'id'"}


@pytest.mark.parametrize("retry_after", ["5", "5.0", "Thu, 01 Jan 2026 00:00:06 GMT"])
def test_patient_finds_a_request_repeated_too_early(retry_after):
    early = [sent(0.2, 0.3, status=503, retry_after=retry_after), sent(5.2, 5.3)]
    found = broken(sent=early)
    assert list(found) == [("patient", 0)]
    assert retry_after in found["patient", 0]


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/v0.4/jobs/2"},
        {"method": "PUT"},
        {"body": "cc"},
        {"by": 1},
    ],
)
def test_patient_ignores_another_request(other):
    first = sent(0.2, 0.3, status=429, retry_after="5")
    assert not broken(sent=[first, sent(0.4, 0.5, **other)])


@pytest.mark.parametrize("retry_after", ["soon", "-1", "nan", ""])
def test_patient_ignores_an_invalid_retry_after(retry_after):
    assert not broken(sent=[sent(0.2, 0.3, status=429, retry_after=retry_after), sent(0.4, 0.5)])


def test_spread_finds_callers_that_retry_in_step():
    found = broken(
        sent=[
            sent(0.0, 0.5, status=503),
            sent(0.1, 0.7, by=1, status=None, error="TimeoutError"),
            sent(1.5, 1.6),
            sent(1.7, 1.8, by=1),
        ]
    )
    assert list(found) == [("spread", None)]
    assert "callers 0, 1 all waited for 1.000 s" in found["spread", None]


def test_spread_finds_an_immediate_retry_among_several_callers():
    again = [sent(0.0, 0.5, status=502), sent(0.5, 0.6)]
    assert list(broken(sent=again)) == [("spread", 0)]
    alone = replace(
        FINE,
        endings=FINE.endings[:1],
        accepted=FINE.accepted[:1],
        sent=again,
    )
    assert check_run(alone) == []


def test_spread_ignores_polls_and_retry_after():
    assert not broken(
        sent=[
            sent(0.0, 0.5),
            sent(0.1, 0.7, by=1),
            sent(1.5, 1.6, status=429, retry_after="3"),
            sent(1.7, 1.8, by=1, status=429, retry_after="3"),
            sent(4.7, 4.8),
            sent(4.9, 5.0, by=1),
        ]
    )


def test_secret_names_the_place_of_a_leak():
    assert broken(leaks=["the log of mine"]) == {
        ("secret", None): "an API key is in the log of mine"
    }


def test_check_run_leaves_out_checks():
    run = replace(
        FINE, leaks=["the output"], endings=[ending(0, ["j1"], at_s=99.0), FINE.endings[1]]
    )
    assert {one.check for one in check_run(run)} == {"secret", "in_time"}
    assert {one.check for one in check_run(run, ["secret"])} == {"in_time"}
    assert check_run(run, list(CHECKS)) == []
