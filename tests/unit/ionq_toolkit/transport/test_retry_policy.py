"""The retry policy: what is sent again, and after which pauses."""

import dataclasses
import json
import pickle

import pytest

from ionq_toolkit import Response, RetryPolicy
from ionq_toolkit.transport.retry import RETRIABLE_STATUSES, UNCERTAIN_STATUSES

JOB, JOBS, END = "/v0.4/jobs/j", "/v0.4/jobs", "/v0.4/sessions/s/end"


def retries(method, path, status, policy=None, body=b""):
    return (policy or RetryPolicy()).retries(method, path, Response(status, {}, body))


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_what_can_be_repeated_is_sent_again_after_what_may_pass(method):
    allowed = {s for s in range(100, 600) if retries(method, JOB, s)}
    assert allowed == {408, 425, 429, 502, 503, 504, *range(520, 530)}


@pytest.mark.parametrize("path", [JOBS, "/v0.4/sessions", "/v0.4/jobs/j/clone", "/v0.4/end"])
def test_what_changes_something_is_sent_again_only_after_it_was_not_taken(path):
    """RFC 8470 section 5.2 and RFC 6585 section 4: these say that the request was refused."""
    assert {s for s in range(100, 600) if retries("POST", path, s)} == {425, 429}
    assert {408, 500, 502, 503, 504, *range(520, 530)} == UNCERTAIN_STATUSES


def test_the_end_of_a_session_can_be_repeated():
    assert retries("POST", END, 504)


def test_what_is_in_a_query_makes_no_request_another():
    assert not retries("POST", "/v0.4/jobs?x=/sessions/s/end", 504)


def test_statuses_are_the_callers_to_choose():
    policy = RetryPolicy(statuses=[503, 429])
    assert retries("GET", JOB, 503, policy)
    assert not retries("GET", JOB, 504, policy)
    assert not retries("POST", JOBS, 503, policy)
    assert not retries("POST", JOBS, 429, RetryPolicy(statuses=[503]))


@pytest.mark.parametrize(
    ("body", "retried"),
    [
        ({"statusCode": 503, "error": "Service Unavailable", "message": "busy"}, True),
        ({"error": {"type": "unavailable", "message": "busy"}}, True),
        ({"error": "Service Unavailable", "message": ""}, False),
        ({"error": "busy"}, False),
        ({"message": "busy"}, False),
        (["error", "message"], False),
        (None, False),
    ],
)
def test_post_is_retried_after_503_of_the_service_itself(body, retried):
    assert retries("POST", JOBS, 503, body=json.dumps(body).encode()) is retried


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"\xff", b"[" * 100_000])
def test_post_is_not_retried_after_503_of_a_proxy(body):
    assert not retries("POST", JOBS, 503, body=body)


def test_post_is_retried_only_without_a_connection():
    policy = RetryPolicy()
    assert policy.retries("POST", JOBS, ConnectionRefusedError())
    assert not policy.retries("POST", JOBS, ConnectionResetError())
    assert not policy.retries("POST", JOBS, TimeoutError())
    assert policy.retries("GET", JOB, TimeoutError())


def test_pauses_grow_to_the_longest_and_chance_shortens_them():
    policy = RetryPolicy(first_delay_s=0.5, growth=3, longest_delay_s=10)
    assert [policy.pause_s(n, 1.0) for n in (1, 2, 3, 4, 5, 10_000)] == [0.5, 1.5, 4.5, 10, 10, 10]
    assert [policy.pause_s(3, chance) for chance in (0.0, 0.5, 0.25)] == [0, 2.25, 1.125]


def test_no_growth_is_too_fast():
    policy = RetryPolicy(growth=1e10, attempts=64, longest_delay_s=30)
    assert policy.pause_s(64, 0.5) == 15
    assert RetryPolicy(first_delay_s=0, growth=1e10).pause_s(64, 1.0) == 0


def test_without_jitter_pauses_have_their_full_length():
    assert RetryPolicy(jitter="none", first_delay_s=2).pause_s(1, 0.1) == 2


def test_what_the_service_asks_for_is_waited_for_in_any_case():
    assert RetryPolicy(first_delay_s=2).pause_s(1, 0.0, 30.0) == 30
    assert RetryPolicy(first_delay_s=2).pause_s(1, 0.5, 30.0) == 31


def test_a_policy_of_none_sends_once():
    assert RetryPolicy.none() == RetryPolicy(attempts=1, outage_s=0)
    assert RetryPolicy.none(outage_s=60).outage_s == 60
    assert RetryPolicy.none(attempt_s=3).attempt_s == 3


def test_a_policy_is_a_value():
    assert pickle.loads(pickle.dumps(RetryPolicy(attempts=2))) == RetryPolicy(attempts=2)
    assert {RetryPolicy(): 1}[RetryPolicy(statuses=RETRIABLE_STATUSES)] == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        RetryPolicy().attempts = 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("attempts", value) for value in (0, -1, 2.5, "3", True, None)),
        *(("growth", value) for value in (0.5, float("nan"), float("inf"), "2", None)),
        *(
            (name, value)
            for name in ("first_delay_s", "longest_delay_s", "total_s", "attempt_s", "outage_s")
            for value in (-1, float("nan"), float("inf"), "1", True)
        ),
        ("first_delay_s", None),
        ("jitter", "half"),
    ],
)
def test_what_makes_no_policy_is_refused_by_its_name(field, value):
    with pytest.raises(ValueError, match=field):
        RetryPolicy(**{field: value})
