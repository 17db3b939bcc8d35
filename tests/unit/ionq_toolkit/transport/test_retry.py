"""Sending again, on a clock that takes no time: how often, when, and never beyond the deadline."""

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, RetryPolicy, errors
from ionq_toolkit.clock import SystemClock
from ionq_toolkit.events import Retried
from ionq_toolkit.transport import (
    HttpTransport,
    ReplyTooLargeError,
    RetryingTransport,
    Transport,
    UnusableURLError,
)
from ionq_toolkit_fake import FakeIonQ

URL = "https://api.ionq.test/v0.4/jobs/j?secret=no"
LONG = RetryPolicy(attempts=1000, total_s=None, attempt_s=None)


class Clock:
    """Sleeping takes no time, and is remembered."""

    def __init__(self):
        self.time, self.slept = 100.0, []

    def monotonic(self):
        return self.time

    def sleep(self, seconds):
        assert seconds >= 0
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def sending(scripted):
    """Return a function that sends through a retrying transport, and what it is made of."""

    class Sending:
        def __init__(self, *replies, policy=None, headers=None, seed=1):
            self.clock, self.events = Clock(), []
            self.cloud = scripted(*replies, headers=headers or {"A": "b"})
            self.transport = RetryingTransport(
                InProcessTransport(self.cloud),
                policy or RetryPolicy(),
                clock=self.clock,
                rng=random.Random(seed),
                on_event=self.events.append,
            )

        def __call__(self, method="GET", url=URL, timeout=None):
            return self.transport.send(method, url, {"Authorization": "apiKey k"}, b"x", timeout)

        @property
        def sent(self):
            return len(self.cloud.requests)

    return Sending


TROUBLE = [
    *((status, {}) for status in (408, 425, 429, 502, 503, 504, 520, 529)),
    *(kind("broken") for kind in (ConnectionError, ConnectionResetError, BrokenPipeError)),
    ConnectionRefusedError("refused"),
    TimeoutError("late"),
]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
@pytest.mark.parametrize("trouble", TROUBLE, ids=str)
def test_what_can_be_repeated_is_sent_until_it_is_answered(sending, method, trouble):
    send = sending(trouble, trouble, (200, {"id": "j"}))
    assert send(method).status == 200
    assert send.sent == 3
    assert send.cloud.requests[0] == (*send.cloud.requests[2][:4], 60.0)
    assert len(send.clock.slept) == 2


@pytest.mark.parametrize("trouble", TROUBLE, ids=str)
def test_a_submission_is_sent_again_only_if_it_was_certainly_not_taken(sending, trouble):
    send = sending(trouble, (201, {"id": "j"}))
    certain = isinstance(trouble, ConnectionRefusedError) or (
        isinstance(trouble, tuple) and trouble[0] in (425, 429)
    )
    if isinstance(trouble, Exception) and not certain:
        with pytest.raises(type(trouble)) as caught:
            send("POST", "https://api.ionq.test/v0.4/jobs")
        assert caught.value is trouble
    else:
        reply = send("POST", "https://api.ionq.test/v0.4/jobs")
        assert reply.status == (201 if certain else trouble[0])
    assert send.sent == (2 if certain else 1)


def test_the_end_of_a_session_is_sent_again(sending):
    send = sending(TimeoutError("late"), (504, {}), (200, {}))
    assert send("POST", "https://api.ionq.test/v0.4/sessions/s/end").status == 200


@pytest.mark.parametrize("status", [200, 201, 204, 302, 400, 401, 403, 404, 409, 413, 500, 501])
def test_an_answer_for_good_is_returned_at_once(sending, status):
    send = sending((status, {}), (200, {}))
    assert send().status == status
    assert send.sent == 1
    assert send.clock.slept == []


@pytest.mark.parametrize("trouble", TROUBLE, ids=str)
def test_after_the_last_attempt_what_came_of_it_is_told_as_it_is(sending, trouble):
    send = sending(trouble, policy=RetryPolicy(attempts=4))
    if isinstance(trouble, Exception):
        with pytest.raises(type(trouble)) as caught:
            send()
        assert caught.value is trouble
    else:
        assert send().status == trouble[0]
    assert send.sent == 4


def test_a_policy_of_none_sends_once(sending):
    send = sending((503, {}), policy=RetryPolicy.none())
    assert send().status == 503
    assert send.sent == 1


@pytest.mark.parametrize("error", [UnusableURLError("no TLS"), ReplyTooLargeError("huge")])
def test_what_is_in_vain_is_not_tried_again(sending, error):
    send = sending(error)
    with pytest.raises(type(error)):
        send()
    assert send.sent == 1


def test_an_error_that_is_none_of_the_network_comes_through(sending):
    send = sending(TypeError("no transport does that"))
    with pytest.raises(TypeError):
        send()
    assert send.sent == 1


# --- pauses ----------------------------------------------------------------------------------


def test_pauses_are_drawn_evenly_below_a_limit_that_grows(sending):
    """Full jitter: of many clients, the n-th pauses spread over all of 0 to the limit."""
    every = []
    for seed in range(300):
        send = sending((503, {}), seed=seed)
        send()
        every.append(send.clock.slept)
    for place, limit in enumerate([0.5, 1, 2, 4, 8, 16]):
        pauses = [pauses[place] for pauses in every]
        assert max(pauses) <= limit
        assert min(pauses) < 0.05 * limit
        assert max(pauses) > 0.95 * limit
        assert sum(pauses) / len(pauses) == pytest.approx(limit / 2, rel=0.1)


def test_a_seed_repeats_the_pauses(sending):
    def pauses(seed):
        send = sending((503, {}), seed=seed)
        send()
        return send.clock.slept

    assert pauses(5) == pauses(5) != pauses(6)


def test_seeded_providers_repeat_their_pauses_and_others_do_not(scripted):
    def pauses(seed):
        clock = Clock()
        transport = InProcessTransport(scripted((503, {})))
        provider = IonQProvider(transport=transport, clock=clock, seed=seed)
        with pytest.raises(errors.IonQRetriableError):
            provider.client.get_backends()
        assert len(clock.slept) == 6
        return clock.slept

    assert pauses(5) == pauses(5)
    assert len({tuple(pauses(seed)) for seed in (5, 6, None, None)}) == 4


def test_the_seed_of_a_provider_draws_the_same_seeds_for_runs_whatever_is_sent_again(cloud):
    one, other = (IonQProvider(transport=InProcessTransport(cloud), seed=3) for _ in range(2))
    other.client.transport._rng.random()
    assert [one.service.draw_seed() for _ in range(5)] == [
        other.service.draw_seed() for _ in range(5)
    ]


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"Retry-After": "20"}, 20),
        ({"retry-after": "0"}, 0),
        (
            {
                "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
                "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30,
        ),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0),  # from a moment that is not known
        ({"Retry-After": "soon"}, 0),
        ({"Retry-After": "-3"}, 0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_service_is_not_asked_before_it_said(sending, headers, asked, status):
    send = sending((status, {}), (200, {}), headers=headers)
    assert send().status == 200
    assert asked <= send.clock.slept[0] <= asked + 0.5


def test_clients_that_were_told_the_same_moment_do_not_come_at_the_same(sending):
    slept = set()
    for seed in range(20):
        send = sending((429, {}), (200, {}), headers={"Retry-After": "20"}, seed=seed)
        send()
        slept.update(send.clock.slept)
    assert len(slept) == 20


@pytest.mark.parametrize(("timeout", "total_s"), [(10, None), (None, 10), (10, 500), (500, 10)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_is_asked_to_wait_for_longer_than_there_is_time_is_told_at_once(
    sending, timeout, total_s, method
):
    policy = RetryPolicy(total_s=total_s)
    send = sending((429, {}), headers={"Retry-After": "11"}, policy=policy)
    reply = send(method, timeout=timeout)
    assert (reply.status, reply.retry_after_s()) == (429, 11)
    assert send.clock.slept == []
    assert send.sent == 1


# --- time ------------------------------------------------------------------------------------


def test_an_attempt_has_its_own_time_and_no_more_than_is_left(sending):
    policy = RetryPolicy(attempt_s=5, attempts=50, jitter="none", first_delay_s=3, growth=1)
    send = sending((503, {}), policy=policy)
    send(timeout=10)
    assert [request[4] for request in send.cloud.requests] == [5, 5, 4, 1]


def test_a_sleep_that_takes_longer_than_there_is_time_ends_the_attempts(sending):
    send = sending((503, {}), (200, {}), policy=RetryPolicy(jitter="none", first_delay_s=4))
    send.clock.sleep = lambda seconds: setattr(send.clock, "time", send.clock.time + seconds + 2)
    assert send(timeout=5).status == 503
    assert send.sent == 1


def test_without_any_limit_none_is_given(sending):
    send = sending((200, {}), policy=LONG)
    send()
    assert send.cloud.requests[0][4] is None


class Service:
    """A service that does the worst of everything, on a clock."""

    def __init__(self, clock, script):
        self.clock, self.script, self.requests = clock, list(script), []

    def handle(self, method, url, headers, body, timeout):
        self.requests.append((self.clock.time, timeout))
        kind, number = self.script[(len(self.requests) - 1) % len(self.script)]
        if kind == "silent":
            self.clock.time += timeout
            raise TimeoutError("silent")
        if kind == "slow":
            self.clock.time += min(number, timeout)
            if number >= timeout:
                raise TimeoutError("slow")
            return 503, {}, b""
        if kind == "reset":
            raise ConnectionResetError("reset")
        if kind == "refused":
            raise ConnectionRefusedError("refused")
        if kind == "later":
            return 429, {"Retry-After": str(number)}, b""
        if kind == "going on":
            return 200, {}, b'{"id": "j", "status": "started"}'
        return int(number), {}, b"<html>"


def scripts(*more):
    seconds = st.floats(0, 50)
    return st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["silent", "reset", "refused", *more]), st.just(0)),
            st.tuples(st.sampled_from(["slow", "later"]), seconds),
            st.tuples(st.just("status"), st.sampled_from([408, 429, 502, 503, 504, 520])),
        ),
        min_size=1,
        max_size=6,
    )


@given(script=scripts(), timeout=st.floats(0.001, 100), seed=st.integers(0, 99))
def test_whatever_the_service_does_a_request_ends_within_its_time(script, timeout, seed):
    clock = Clock()
    service = Service(clock, script)
    policy = RetryPolicy(attempts=40, first_delay_s=0.01)
    transport = RetryingTransport(
        InProcessTransport(service), policy, clock=clock, rng=random.Random(seed)
    )
    begin = clock.time
    with contextlib.suppress(ConnectionError, TimeoutError):
        assert transport.send("GET", URL, {}, None, timeout).status in {*range(400, 530)}
    assert clock.time - begin <= timeout + 1e-6
    assert len(service.requests) <= 40
    for moment, allowed in service.requests:
        assert 0 < allowed <= begin + timeout - moment + 1e-6


@given(script=scripts("going on"), seed=st.integers(0, 99))
def test_whatever_the_service_does_a_timeout_of_a_second_is_one(script, seed):
    """The last request of a wait is given a tenth of a second, however near the end is."""
    clock = Clock()
    transport = InProcessTransport(Service(clock, script))
    provider = IonQProvider(transport=transport, clock=clock, seed=seed)
    job = IonQJob(provider.get_backend("simulator"), "j")
    for wait in (job.result, job.wait_for_final_state):
        begin = clock.time
        with pytest.raises(errors.IonQError) as caught:
            wait(timeout=1)
        assert clock.time - begin <= 1.1 + 1e-6
        assert isinstance(
            caught.value,
            errors.IonQJobTimeoutError | errors.IonQRetriableError | errors.IonQConnectionError,
        )


def test_a_wait_goes_on_after_trouble_that_passes(scripted):
    record = {"id": "j", "status": "completed", "noise": {"model": "ideal"}, "stats": {"qubits": 1}}
    cloud = scripted(
        (200, record | {"status": "ready"}),
        (503, b"<html>"),
        ConnectionResetError("reset"),
        (429, {}),
        TimeoutError("late"),
        (200, record),
        (502, {}),
        (200, {"0": 1}),
    )
    clock = Clock()
    provider = IonQProvider(transport=InProcessTransport(cloud), clock=clock, seed=1)
    job = IonQJob(provider.get_backend("simulator"), "j")
    assert job.result(timeout=60).get_probabilities() == {"0": 1}
    assert len(cloud.requests) == 8
    assert clock.time < 160


# --- what it passes on -----------------------------------------------------------------------


def test_it_is_a_transport_that_says_what_the_one_within_says():
    cloud = FakeIonQ()
    near, far = RetryingTransport(InProcessTransport(cloud)), RetryingTransport(HttpTransport())
    assert isinstance(near, Transport)
    assert (near.requires_key, near.concurrent, near.cloud) == (False, False, cloud)
    assert near.clock is cloud.clock
    assert (far.requires_key, far.concurrent) == (True, True)
    assert isinstance(far.clock, SystemClock)
    assert getattr(far, "cloud", None) is None
    assert "HttpTransport" in repr(far)
    far.close()


def test_a_transport_that_says_nothing_needs_a_key_and_is_asked_one_by_one():
    class Silent:
        def send(self, *request):
            raise NotImplementedError

        def close(self):
            raise ZeroDivisionError

    transport = RetryingTransport(Silent())
    assert (transport.requires_key, transport.concurrent) == (True, False)
    with pytest.raises(ZeroDivisionError):
        transport.close()


def test_a_provider_takes_a_policy_and_a_transport_that_has_one_of_its_own(scripted):
    cloud = scripted((503, {}))

    def asked(**options):
        cloud.requests.clear()
        transport = options.pop("transport", InProcessTransport(cloud))
        provider = IonQProvider(transport=transport, clock=Clock(), **options)
        with pytest.raises(errors.IonQRetriableError):
            provider.client.get_backends()
        return len(cloud.requests)

    assert asked() == 7
    assert asked(retry=None) == 1
    assert asked(retry=RetryPolicy(attempts=3)) == 3
    own = RetryingTransport(InProcessTransport(cloud), RetryPolicy(attempts=2), clock=Clock())
    assert asked(transport=own) == 2


def test_each_pause_is_told_with_its_reason(sending):
    send = sending((503, {}), TimeoutError("secret"), (429, {}), (200, {}))
    send()
    assert send.events == [
        Retried(
            job_id="j",
            seconds=pause,
            method="GET",
            path="/v0.4/jobs/j",
            attempt=attempt,
            reason=reason,
        )
        for attempt, (pause, reason) in enumerate(
            zip(send.clock.slept, ["status 503", "TimeoutError", "status 429"], strict=True), 1
        )
    ]


def test_without_a_hook_a_retry_is_logged(scripted, caplog):
    caplog.set_level("INFO", "ionq_toolkit")
    transport = RetryingTransport(InProcessTransport(scripted((503, {}), (200, {}))), clock=Clock())
    transport.send("GET", URL, {}, None, None)
    (record,) = caplog.records
    assert "retried" in record.getMessage()
    assert "reason=status_503" in record.getMessage()


@pytest.mark.parametrize(
    ("path", "job_id"),
    [
        ("/v0.4/jobs", None),
        ("/v0.4/jobs/estimate?backend=x", None),
        ("/v0.4/jobs/status/cancel", None),
        ("/v0.4/jobs/a-1/results/probabilities", "a-1"),
        ("/v0.4/sessions/s/jobs", None),
        ("/v0.4/backends", None),
    ],
)
def test_a_retry_names_the_job_that_it_is_about(sending, path, job_id):
    send = sending((503, {}), (200, {}))
    send("GET", f"https://api.ionq.test{path}")
    assert send.events[0].job_id == job_id
