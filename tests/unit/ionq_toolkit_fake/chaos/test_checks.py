"""Each check passes what is right, and finds what is wrong."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from ionq_toolkit_fake.chaos.checks import CHECKS, Ending, Evidence, judge
from ionq_toolkit_fake.chaos.network import Made, Sent


def caller(number=0, known=(), suspected=(), deadline_s=60.0):
    return SimpleNamespace(
        number=number, known=list(known), suspected=set(suspected), deadline_s=deadline_s
    )


def sent(at_s, until_s, *, by=0, method="GET", path="/v0.4/jobs/1", body="", **more):
    return Sent(by, at_s, method, path, body, until_s, **{"status": 200, **more})


FINE = Evidence(
    callers=[caller(0, ["j1"]), caller(1, ["j2", "s1"])],
    endings=[Ending(3.0), Ending(60.5, ValueError("known"), typed=True)],
    made=[
        Made("j1", "job", 0, "aa"),
        Made("j2", "job", 1, "aa"),
        Made("s1", "session", 1, "bb"),
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
    return {(one.check, one.caller): one.text for one in judge(replace(FINE, **changes))}


def test_what_is_fine_breaks_nothing():
    assert judge(FINE) == []


def test_a_job_of_which_nobody_knows_is_lost():
    found = broken(callers=[caller(0), FINE.callers[1]])
    assert list(found) == [("known", 0)]
    assert "j1" in found["known", 0]


def test_a_job_that_two_know_is_not_one_caller_s():
    found = broken(callers=[caller(0, ["j1", "j2"]), FINE.callers[1]])
    assert found == {("known", None): "job j2 is known to callers 0, 1"}


def test_a_job_that_its_caller_counts_twice_is_found():
    assert ("known", None) in broken(callers=[caller(0, ["j1", "j1"]), FINE.callers[1]])


def test_a_job_that_there_is_not_is_found():
    found = broken(callers=[caller(0, ["j1", "j9"]), FINE.callers[1]])
    assert list(found) == [("known", 0)]
    assert "j9" in found["known", 0]


def test_what_may_be_one_of_several_is_not_lost():
    assert not broken(
        callers=[FINE.callers[0], caller(1, ["j2"], suspected=["s1", "other"])],
    )


def test_the_same_request_that_makes_two_is_found_once():
    found = broken(made=[*FINE.made, Made("j3", "job", 0, "aa")])
    assert list(found) == [("once", 0)]
    assert "made 2 of one job" in found["once", 0]
    assert "j3" in found["once", 0]


def test_different_submissions_are_no_retries():
    posts = [
        sent(0.0, 1.0, method="POST", path="/v0.4/jobs", body="a", status=500),
        sent(1.0, 2.0, method="POST", path="/v0.4/jobs", body="b"),
    ]
    assert broken(sent=posts) == {}


def test_two_that_are_alike_and_known_are_meant_so():
    assert not broken(
        callers=[caller(0, ["j1", "j3"]), FINE.callers[1]],
        made=[*FINE.made, Made("j3", "job", 0, "aa")],
    )


def test_who_ends_after_the_deadline_is_late():
    found = broken(endings=[Ending(61.5), FINE.endings[1]])
    assert found == {("in_time", 0): "it ended after 61.5 s, and had 60 s"}


def test_who_was_stopped_did_not_end():
    found = broken(endings=[Ending(180.0, stopped="waits for ever after 180 s"), FINE.endings[1]])
    assert found == {("in_time", 0): "it waits for ever after 180 s; it had 60 s"}


def test_an_error_of_another_kind_is_found():
    found = broken(endings=[Ending(1.0, KeyError("id"), typed=False), FINE.endings[1]])
    assert found == {("typed", 0): "KeyError: 'id'"}


@pytest.mark.parametrize("retry_after", ["5", "5.0", "Thu, 01 Jan 2026 00:00:06 GMT"])
def test_the_same_request_before_its_time_is_impatient(retry_after):
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
def test_another_request_need_not_wait(other):
    first = sent(0.2, 0.3, status=429, retry_after="5")
    assert not broken(sent=[first, sent(0.4, 0.5, **other)])


@pytest.mark.parametrize("retry_after", ["soon", "-1", "nan", ""])
def test_what_is_no_time_asks_for_none(retry_after):
    assert not broken(sent=[sent(0.2, 0.3, status=429, retry_after=retry_after), sent(0.4, 0.5)])


def test_two_that_failed_and_wait_alike_come_back_together():
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


def test_one_that_asks_again_at_once_is_found_if_it_is_not_alone():
    again = [sent(0.0, 0.5, status=502), sent(0.5, 0.6)]
    assert list(broken(sent=again)) == [("spread", 0)]
    alone = replace(
        FINE, callers=FINE.callers[:1], endings=FINE.endings[:1], made=FINE.made[:1], sent=again
    )
    assert judge(alone) == []


def test_after_a_success_or_at_the_word_of_the_service_all_may_wait_alike():
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


def test_where_a_key_was_seen_is_told():
    assert broken(leaks=["the log of mine"]) == {
        ("secret", None): "an API key is in the log of mine"
    }


def test_a_check_can_be_left_out():
    evidence = replace(FINE, leaks=["the output"], endings=[Ending(99.0), FINE.endings[1]])
    assert {one.check for one in judge(evidence)} == {"secret", "in_time"}
    assert {one.check for one in judge(evidence, ["secret"])} == {"in_time"}
    assert judge(evidence, list(CHECKS)) == []
