"""A session is begun once: what becomes of one whose answer is lost."""

import itertools
import json

import pytest
from lossy import AMBIGUOUS, CERTAIN, Lossy, losing, provider_of

from ionq_toolkit import Session, errors
from ionq_toolkit_fake import FakeIonQ

BEGINNING = ("POST", "/sessions")
RESET = AMBIGUOUS["connection reset"]
LIMITS = {"max_time": 60, "max_cost": 199.5, "max_jobs": 10}


@pytest.fixture
def provider(lossy):
    return provider_of(lossy, seed=7)


def made(lossy):
    """Return the ids of the sessions that there are at the cloud, the oldest first."""
    return [s.id for project in lossy.cloud.projects for s in reversed(list(project.sessions))]


def unknown(backend, **options):
    with pytest.raises(errors.IonQSubmissionUnknownError) as caught:
        Session(backend, **options)
    return caught.value


@pytest.mark.parametrize(
    ("outcome", "limits"),
    [*zip(AMBIGUOUS, itertools.cycle([{}, {"max_jobs": 3}, LIMITS]), strict=False)],
)
def test_a_session_whose_answer_was_lost_is_named_and_not_begun_again(
    lossy, forte, bell, outcome, limits
):
    earlier = [Session(forte, **limits).session_id for _ in range(2)]
    lossy.lose = losing(BEGINNING, AMBIGUOUS[outcome], effect=True)
    error = unknown(forte, **limits)
    (candidate,) = error.candidates
    assert f"It may be {candidate}." in str(error)
    assert made(lossy) == [*earlier, candidate]
    assert lossy.posts("/sessions") == 3
    with Session.from_id(candidate, backend=forte) as session:
        job = forte.run(bell)
    assert forte.client.retrieve_job(job.job_id())["session_id"] == candidate
    assert session.status() == "ended"


@pytest.mark.parametrize("outcome", AMBIGUOUS)
def test_a_session_that_is_not_found_is_an_error_that_says_where_to_look(lossy, forte, outcome):
    earlier = Session(provider_of(lossy, seed=8).get_backend("forte-1"))
    lossy.lose = losing(BEGINNING, AMBIGUOUS[outcome], effect=False)
    error = unknown(forte)
    assert (error.tag, error.since, error.candidates) == (None, None, ())
    assert "list_sessions(active=True)" in str(error)
    assert made(lossy) == [earlier.session_id]
    assert lossy.posts("/sessions") == 2


@pytest.mark.parametrize("outcome", CERTAIN)
def test_a_refusal_is_certain(lossy, forte, outcome):
    lossy.lose = losing(BEGINNING, CERTAIN[outcome], effect=False)
    with pytest.raises((errors.IonQAPIError, errors.IonQConnectionError)) as caught:
        Session(forte)
    assert not isinstance(caught.value, errors.IonQSubmissionUnknownError)
    assert (lossy.posts("/sessions"), lossy.asked("/sessions")) == (1, 1)


def test_a_session_that_is_shown_late_is_found(lossy, forte):
    lossy.lose = losing(BEGINNING, RESET, effect=True)
    lossy.hidden = lambda record: lossy.clock.monotonic() < 6
    assert list(unknown(forte).candidates) == made(lossy)
    assert lossy.posts("/sessions") == 1


def test_a_session_of_another_process_is_not_taken_over():
    lossy = Meanwhile(lambda theirs: Session(theirs.get_backend("forte-1")))
    calls = iter([None, (False, RESET)])
    lossy.lose = lambda method, path: next(calls) if (method, path) == BEGINNING else None
    assert list(unknown(provider_of(lossy).get_backend("forte-1")).candidates) == made(lossy)


def test_a_session_of_ones_own_that_is_shown_late_is_not_taken_for_another(lossy, forte):
    lossy.hidden = lambda record: lossy.clock.monotonic() < 5
    first = Session(forte)
    lossy.lose = losing(BEGINNING, RESET, effect=False)
    unknown(forte)
    assert made(lossy) == [first.session_id]


class Meanwhile(Lossy):
    """A cloud at which somebody else does something before a request that is lost."""

    def __init__(self, does):
        super().__init__(FakeIonQ(seed=7))
        self.does = does

    def handle(self, method, url, *rest):
        if method == "POST" and url.endswith("/sessions") and self.does is not None:
            does, self.does = self.does, None
            does(provider_of(self))
        return super().handle(method, url, *rest)


@pytest.mark.parametrize(
    "does",
    [
        lambda theirs: Session(theirs.get_backend("forte-enterprise-1")),
        lambda theirs: Session(theirs.get_backend("forte-1"), max_jobs=1),
        lambda theirs: Session(theirs.get_backend("forte-1")).close(),
    ],
)
def test_sessions_that_are_otherwise_are_nobodys_own(does):
    lossy = Meanwhile(does)
    lossy.lose = losing(BEGINNING, RESET, effect=True, times=2)
    calls = iter([None, (True, RESET)])
    lossy.lose = lambda method, path: next(calls) if (method, path) == BEGINNING else None
    error = unknown(provider_of(lossy).get_backend("forte-1"))
    assert list(error.candidates) == made(lossy)[1:]


def test_a_session_that_has_jobs_is_nobodys_own(bell):
    lossy = Meanwhile(lambda theirs: Session(theirs.get_backend("forte-1")).run(bell))
    calls = iter([None, (False, RESET)])
    lossy.lose = lambda method, path: next(calls) if (method, path) == BEGINNING else None
    assert unknown(provider_of(lossy).get_backend("forte-1")).candidates == ()


def test_of_two_alike_neither_is_taken():
    lossy = Meanwhile(lambda theirs: Session(theirs.get_backend("forte-1")))
    calls = iter([None, (True, RESET)])
    lossy.lose = lambda method, path: next(calls) if (method, path) == BEGINNING else None
    error = unknown(provider_of(lossy).get_backend("forte-1"))
    assert sorted(error.candidates) == sorted(made(lossy))
    assert all(one in str(error) for one in error.candidates)
    assert len(made(lossy)) == 2


@pytest.mark.parametrize("reply", [(404, {}, b""), (403, {}, b""), (200, {}, b"<html>")])
def test_where_sessions_cannot_be_listed_one_is_begun_and_a_lost_answer_is_told(
    lossy, forte, reply
):
    lossy.lose = lambda method, path: (True, reply) if method == "GET" else None
    assert [Session(forte).session_id] == made(lossy)
    lossy.lose = lambda method, path: (True, reply if method == "GET" else RESET)
    unknown(forte)
    assert len(made(lossy)) == 2


def test_nothing_is_begun_at_a_service_that_is_not_reached(lossy, forte):
    lossy.lose = lambda method, path: (True, ConnectionError("no"))
    with pytest.raises(errors.IonQConnectionError) as caught:
        Session(forte)
    assert not isinstance(caught.value, errors.IonQSubmissionUnknownError)
    assert lossy.posts("/sessions") == 0


@pytest.mark.parametrize("timeout", [0.5, 5, 100])
def test_a_session_is_begun_in_its_time(instant_clock, timeout):
    class Silent:
        def handle(self, method, url, headers, body, timeout):
            if method == "GET" and not instant_clock.time:
                return 200, {}, json.dumps({"sessions": []}).encode()
            instant_clock.sleep(timeout)
            raise TimeoutError("silence")

    forte = provider_of(Silent(), clock=instant_clock).get_backend("forte-1")
    unknown(forte, timeout=timeout)
    assert instant_clock.time <= timeout + 0.1
    with pytest.raises(ValueError, match="must not be negative"):
        Session(forte, timeout=-1)


def test_taking_up_a_session_has_a_limit_as_well(scripted, instant_clock):
    cloud = scripted((200, {"id": "s-1", "backend": "qpu.forte-1"}))
    forte = provider_of(cloud, clock=instant_clock, timeout=7).get_backend("forte-1")
    Session.from_id("s-1", backend=forte)
    assert cloud.requests[0][4] == 7
    Session(forte, session_id="s-1", timeout=3)
    assert cloud.requests[1][4] == 3
