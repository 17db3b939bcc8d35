"""Sent once: what becomes of a submission whose answer is lost, and how it is found later."""

import itertools
import json
import logging
import pickle
import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from lossy import AMBIGUOUS, CERTAIN, Lossy, losing, provider_of
from qiskit import QuantumCircuit

from ionq_toolkit import IonQJob, IonQProvider, RetryPolicy, errors
from ionq_toolkit.events import Retried
from ionq_toolkit.job.submission import LOOKING_S, LOOKS
from ionq_toolkit.primitives import SamplerV2
from ionq_toolkit_fake import FakeIonQ

SUBMISSION = ("POST", "/jobs")
RESET, TIMEOUT = AMBIGUOUS["connection reset"], AMBIGUOUS["no answer in time"]


def bell():
    circuit = QuantumCircuit(2, 2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def midway():
    circuit = QuantumCircuit(1, 2, name="midway")
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(0, 1)
    return circuit


#: Backend, circuits and options of each kind of job.
KINDS = {
    "single": ("simulator", bell, {}),
    "several": ("simulator", lambda: [bell(), bell()], {}),
    "OpenQASM 3": ("simulator", midway, {"noise_model": "aria-1"}),
    "dry run": ("forte-1", bell, {"dry_run": True}),
    "in a session": ("forte-1", bell, {}),
}


@pytest.fixture
def provider(lossy):
    return provider_of(lossy, seed=7)


@pytest.fixture
def simulator(provider):
    return provider.get_backend("simulator")


def run(provider, kind, **more):
    name, circuits, options = KINDS[kind]
    backend = provider.get_backend(name)
    if kind == "in a session":
        options = {"session_id": provider.client.create_session({"backend": "qpu.forte-1"})["id"]}
    return backend.run(circuits(), shots=100, **options, **more)


def made(lossy):
    """Return the ids of the jobs that there are at the cloud, the oldest first, no children."""
    return [job.id for job in reversed(lossy.cloud.jobs) if job.parent_id is None]


def unknown(call, *arguments, **options):
    with pytest.raises(errors.IonQSubmissionUnknownError) as caught:
        call(*arguments, **options)
    return caught.value


# --- the answer is lost after the job was made -------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "kind"), [*zip(AMBIGUOUS, itertools.cycle(KINDS), strict=False)]
)
def test_a_job_whose_answer_was_lost_is_found_and_not_made_again(lossy, provider, kind, outcome):
    lossy.lose = losing(SUBMISSION, AMBIGUOUS[outcome], effect=True)
    job = run(provider, kind)

    assert made(lossy) == [job.job_id()]
    assert (lossy.posts(), lossy.asked()) == (1, 1)
    assert job.status().name == "DONE"
    assert job.submission_tag == lossy.bodies[-1]["metadata"]["toolkit_tag"]


@pytest.mark.parametrize("kind", ["single", "several", "OpenQASM 3", "in a session"])
def test_a_job_that_was_found_is_like_any_other(lossy, provider, kind):
    undisturbed = provider_of(Lossy(FakeIonQ(seed=7)), seed=7)
    lossy.lose = losing(SUBMISSION, RESET, effect=True)
    job, expected = run(provider, kind), run(undisturbed, kind)

    assert job.job_id() == expected.job_id()
    assert job.get_counts() == expected.get_counts()
    assert job.metadata == expected.metadata
    with pytest.raises(errors.IonQJobStateError, match="submitted already"):
        job.submit()


def test_a_job_is_found_among_others_and_not_mistaken_for_one(lossy, simulator):
    for _ in range(3):
        simulator.run(bell())
    other = provider_of(lossy, seed=8).get_backend("simulator")
    theirs = []

    def lose(method, path):
        if (method, path) != SUBMISSION:
            return None
        lossy.lose = lambda method, path: None
        theirs.append(other.run(bell()))  # at the same time, the same circuit
        return True, TIMEOUT

    lossy.lose = lose
    job = simulator.run(bell())
    tags = {job.id: job.submission.metadata["toolkit_tag"] for job in lossy.cloud.jobs}
    assert tags[job.job_id()] == job.submission_tag
    assert tags[theirs[0].job_id()] == theirs[0].submission_tag
    assert len(set(tags.values())) == len(made(lossy)) == 5


@pytest.mark.parametrize("delay", [0.5, 1, 3, 6, 14.9])
def test_a_job_that_is_shown_late_is_found(lossy, simulator, delay):
    lossy.lose = losing(SUBMISSION, RESET, effect=True)
    lossy.hidden = lambda record: lossy.clock.monotonic() < delay
    assert made(lossy) == [] != [simulator.run(bell()).job_id()] == made(lossy)
    assert lossy.posts() == 1
    assert delay <= lossy.clock.monotonic() <= 1.5 + 3 + 6 + 12


def test_looks_that_fail_are_made_again(lossy, simulator, caplog):
    failing = [(503, {}, b""), ConnectionError("no"), (200, {}, b"<html>"), (401, {}, b"")]

    def lose(method, path):
        if method == "POST":
            return True, RESET
        return (True, failing.pop(0)) if failing and path == "/jobs" else None

    lossy.lose = lose
    with caplog.at_level(logging.INFO, "ionq_toolkit"):
        job = simulator.run(bell())
    assert made(lossy) == [job.job_id()]
    assert not failing
    assert job.submission_tag in caplog.text


# --- and when there is none, or none to be seen ------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "kind"), [*zip(AMBIGUOUS, itertools.cycle(reversed(KINDS)), strict=False)]
)
def test_a_job_that_is_not_found_is_an_error_that_finds_it_later(lossy, provider, kind, outcome):
    lossy.lose = losing(SUBMISSION, AMBIGUOUS[outcome], effect=False)
    error = unknown(run, provider, kind)

    assert (made(lossy), lossy.posts(), lossy.asked()) == ([], 1, LOOKS)
    assert error.tag == lossy.bodies[-1]["metadata"]["toolkit_tag"]
    assert f"find_submission('{error.tag}')" in str(error)
    assert str(error.__cause__) in str(error)
    backend = provider.get_backend(KINDS[kind][0])
    assert provider.find_submission(error.tag) is None
    assert backend.find_submission(error.tag, since=error.since) is None

    lossy.deliver()  # it was under way all the time
    (job_id,) = made(lossy)
    for find in (provider.find_submission, backend.find_submission):
        for since in (error.since, None):
            found = find(error.tag, since=since)
            assert found.job_id() == job_id
            assert found.status().name == "DONE"
    assert lossy.posts() == 1


@pytest.mark.parametrize(("outcome", "kind"), [*zip(CERTAIN, itertools.cycle(KINDS), strict=False)])
def test_a_refusal_is_certain_and_nothing_is_looked_for(lossy, provider, kind, outcome):
    lossy.lose = losing(SUBMISSION, CERTAIN[outcome], effect=False)
    with pytest.raises((errors.IonQAPIError, errors.IonQConnectionError)) as caught:
        run(provider, kind)
    assert not isinstance(caught.value, errors.IonQSubmissionUnknownError)
    assert (lossy.posts(), lossy.asked()) == (1, 0)
    if outcome == "connection refused":
        assert caught.value.nothing_sent


@pytest.mark.parametrize("outcome", CERTAIN)
def test_after_a_refusal_a_job_can_be_submitted_again(lossy, simulator, outcome):
    lossy.lose = losing(SUBMISSION, CERTAIN[outcome], effect=False)
    job = IonQJob(simulator, circuit=bell())
    with pytest.raises(errors.IonQError):
        job.submit()
    job.submit()
    assert made(lossy) == [job.job_id()]
    first, second = (body["metadata"]["toolkit_tag"] for body in lossy.bodies)
    assert first == second == job.submission_tag


def test_a_job_whose_outcome_is_open_is_looked_for_and_not_sent_again(lossy, simulator):
    lossy.lose = losing(SUBMISSION, TIMEOUT, effect=False)
    job = IonQJob(simulator, circuit=bell())
    first, second = unknown(job.submit), unknown(job.submit)
    assert first.tag == second.tag == job.submission_tag
    assert job.job_id() == ""
    lossy.deliver()
    job.submit()
    assert (made(lossy), lossy.posts()) == ([job.job_id()], 1)
    assert job.get_counts().keys() <= {"00", "11"}


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), MemoryError("full")])
def test_an_interrupted_submission_names_its_tag_and_is_found_again(lossy, simulator, interruption):
    lossy.lose = losing(SUBMISSION, interruption, effect=True)
    job = IonQJob(simulator, circuit=bell())
    with pytest.raises(type(interruption)) as caught:
        job.submit()
    assert job.submission_tag in caught.value.__notes__[0]
    job.submit()
    assert (made(lossy), lossy.posts()) == ([job.job_id()], 1)


def test_the_error_can_be_kept_and_asked_about_in_another_process(lossy, provider, simulator):
    simulator.run(bell())  # shows the time of the service
    lossy.lose = losing(SUBMISSION, AMBIGUOUS["504"], effect=True)
    lossy.hidden = lambda record: lossy.clock.monotonic() < 3600
    kept = pickle.loads(pickle.dumps(unknown(simulator.run, bell())))
    assert kept.status_code == 504
    lossy.clock.sleep(3600)
    elsewhere = provider_of(lossy)
    assert elsewhere.find_submission(kept.tag, since=kept.since).job_id() == made(lossy)[-1]


def test_a_sampler_whose_second_job_is_lost_cancels_the_first_and_says_which(lossy, provider):
    backend = provider.get_backend("simulator")
    backend.set_options(noise_model="aria-1")
    answers = iter([None, (True, RESET)])
    lossy.lose = lambda method, path: next(answers) if (method, path) == SUBMISSION else None
    lossy.hidden = lambda record: True
    error = unknown(SamplerV2(backend=backend).run, [midway(), midway()])
    lossy.hidden = lambda record: False
    assert provider.find_submission(error.tag).job_id() == made(lossy)[1]
    assert lossy.cloud.jobs[-1].status == "canceled"


# --- time --------------------------------------------------------------------------------------


class Silent:
    """A cloud that uses up the time of every request, whose jobs exist all the same."""

    def __init__(self, clock, *, after=float("inf")):
        self.clock, self.after = clock, after
        self.requests = []

    def handle(self, method, url, headers, body, timeout):
        self.requests.append((method, url.split("/v0.4")[1], timeout))
        if len(self.requests) > self.after:
            return 200, {}, json.dumps({"jobs": [], "sessions": [], "next": None}).encode()
        self.clock.sleep(timeout)
        raise TimeoutError("silence")


@pytest.mark.parametrize("after", [0, 1, 3, float("inf")])
@pytest.mark.parametrize("timeout", [0.5, 3, 10, 59, 60, 61, 300])
@pytest.mark.parametrize("wide", [False, True])
def test_a_run_ends_in_its_time(instant_clock, timeout, after, wide):
    cloud = Silent(instant_clock, after=after)
    options = {"timeout": timeout} if wide else {}
    provider = provider_of(cloud, clock=instant_clock, seed=1, **options)
    options = {} if wide else {"timeout": timeout}
    with pytest.raises(errors.IonQError):
        provider.get_backend("simulator").run(bell(), **options)
    # A request that was begun has a tenth of a second, however little there is left.
    assert instant_clock.time <= timeout + 0.1
    assert cloud.requests[0][2] <= timeout / 2
    assert [method for method, *_ in cloud.requests].count("POST") == 1
    assert [path for method, path, _ in cloud.requests if method == "GET"][:1] == ["/jobs"]


def test_a_run_without_a_limit_ends_as_well(instant_clock):
    cloud = Silent(instant_clock)
    provider = provider_of(cloud, clock=instant_clock)
    unknown(provider.get_backend("simulator").run, bell())
    assert instant_clock.time <= cloud.requests[0][2] + LOOKING_S + 0.1


def test_a_run_that_has_no_time_sends_nothing(lossy, simulator):
    with pytest.raises(errors.IonQConnectionError, match="nothing was sent") as caught:
        simulator.run(bell(), timeout=0)
    assert caught.value.nothing_sent
    assert lossy.requests == []


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_a_timeout_that_is_none_is_refused_before_anything_is_sent(lossy, simulator, timeout):
    with pytest.raises(ValueError, match="must not be negative"):
        simulator.run(bell(), timeout=timeout)
    assert lossy.requests == []


def test_short_of_time_it_is_looked_for_several_times_all_the_same(lossy, simulator):
    lossy.lose = losing(SUBMISSION, RESET, effect=True)
    lossy.hidden = lambda record: lossy.asked() < LOOKS
    simulator.run(bell(), timeout=1)
    assert lossy.asked() == LOOKS
    assert lossy.clock.monotonic() < 1


# --- how far it looks --------------------------------------------------------------------------


class Listed:
    """A cloud that lists jobs of so many seconds, 25 a page, and loses answers to submissions."""

    def __init__(self, ages_s, *, mine_s=0, now=datetime(2026, 1, 1, tzinfo=UTC), reverse=False):
        self.now = now
        self.places = sorted([*((age, n) for n, age in enumerate(ages_s)), (mine_s, -1)])
        if reverse:
            self.places.reverse()
        self.mine, self.pages = {}, 0

    def handle(self, method, url, headers, body, timeout):
        if method == "POST":
            self.mine = {"id": "mine", "metadata": json.loads(body)["metadata"]}
            raise TimeoutError("lost")
        self.pages += 1
        start = int(url.partition("next=")[2] or 0)
        following = str(start + 25) if start + 25 < len(self.places) else None
        jobs = [self.record(*place) for place in self.places[start : start + 25]]
        return 200, {}, json.dumps({"jobs": jobs, "next": following}).encode()

    def record(self, age_s, number):
        shown = {"id": f"job-{number}"} if number >= 0 else self.mine
        return {**shown, "submitted_at": (self.now - timedelta(seconds=age_s)).isoformat()}


@pytest.fixture
def run_on(instant_clock):
    def run_on(cloud, **options):
        provider = provider_of(cloud, clock=instant_clock)
        return provider.get_backend("simulator").run(bell(), **options)

    return run_on


@pytest.mark.parametrize("year", [1999, 2077])
def test_it_looks_no_further_than_its_own_time_whatever_the_clocks_say(run_on, year):
    cloud = Listed(range(100, 100_000, 10), now=datetime(year, 1, 1, tzinfo=UTC))
    assert run_on(cloud).job_id() == "mine"
    assert cloud.pages == 1


def test_a_job_that_is_not_there_is_not_looked_for_in_all_the_past(run_on):
    cloud = Listed(range(100, 100_000, 10), mine_s=10**6)
    error = unknown(run_on, cloud)
    assert cloud.pages == LOOKS
    # A day and a minute before the newest job, so that a suspended client finds it as well.
    assert error.since == cloud.now - timedelta(seconds=160) - timedelta(days=1)


def test_it_looks_past_what_was_submitted_after_it(run_on):
    cloud = Listed(np.linspace(0, 120, 400), mine_s=59)
    assert run_on(cloud).job_id() == "mine"
    assert cloud.pages == 8  # 197 are newer


def test_the_time_that_the_submission_took_counts(run_on, instant_clock):
    class Late(Listed):
        def handle(self, method, *rest):
            if method == "POST":
                instant_clock.sleep(25)
            return super().handle(method, *rest)

    assert run_on(Late(np.linspace(0, 120, 400), mine_s=84)).job_id() == "mine"


def test_a_list_in_another_order_is_looked_through_as_well(run_on):
    assert run_on(Listed(range(100, 2_000, 10), reverse=True)).job_id() == "mine"


@pytest.mark.parametrize("shown", [None, "soon", 7])
def test_jobs_that_show_no_time_are_all_looked_through(run_on, shown):
    class Timeless(Listed):
        def record(self, age_s, number):
            return {**super().record(age_s, number), "submitted_at": shown}

    cloud = Timeless(range(99), mine_s=1000)
    assert run_on(cloud).job_id() == "mine"
    assert cloud.pages == 4


def test_a_list_without_end_ends_the_look_in_time(instant_clock):
    class Endless(Silent):
        def handle(self, method, url, headers, body, timeout):
            self.requests.append((method, url, timeout))
            if method == "POST":
                raise TimeoutError("lost")
            self.clock.sleep(0.5)
            number = len(self.requests)
            page = {"jobs": [{"id": f"job-{number}"}] * 25, "next": f"page-{number}"}
            return 200, {}, json.dumps(page).encode()

    for options in ({}, {"timeout": 20}):
        cloud, began = Endless(instant_clock), instant_clock.time
        provider = provider_of(cloud, clock=instant_clock)
        backend = provider.get_backend("simulator")
        unknown(backend.run, bell(), **options)
        assert instant_clock.time - began <= options.get("timeout", LOOKING_S) + 0.6
        with pytest.raises(errors.IonQConnectionError, match="since= which to look"):
            provider.find_submission("tag", timeout=5)


def test_a_list_without_end_ends_the_look_although_no_time_passes(run_on):
    class Endless(Listed):
        def handle(self, method, *rest):
            if method == "POST":
                raise TimeoutError("lost")
            self.pages += 1
            page = {"jobs": [{"id": "job"}] * 2500, "next": f"page-{self.pages}"}
            return 200, {}, json.dumps(page).encode()

    cloud = Endless([])
    unknown(run_on, cloud)
    assert cloud.pages == 4 * LOOKS


@pytest.mark.parametrize(
    "strange",
    [
        {"id": None},
        {"id": ""},
        {"metadata": "toolkit_tag"},
        {"metadata": {"toolkit_tag": None}},
        {"parent_job_id": "mine"},
    ],
)
def test_records_that_are_not_of_the_job_are_passed_over(run_on, strange):
    class Strange(Listed):
        def record(self, age_s, number):
            record = super().record(age_s, number)
            return {**record, **self.mine, "id": "other", **strange} if number >= 0 else record

    assert run_on(Strange([1, 2])).job_id() == "mine"


# --- find_submission ---------------------------------------------------------------------------


def test_a_submission_is_found_on_whatever_backend_it_is(lossy, provider):
    jobs = [provider.get_backend(name).run(bell()) for name in ("simulator", "forte-1")]
    for job in jobs:
        found = provider.find_submission(job.submission_tag)
        assert (found.job_id(), found.backend().name) == (job.job_id(), job.backend().name)
    with pytest.raises(errors.IonQBackendError, match=r"is of backend 'qpu\.forte-1'"):
        provider.get_backend("simulator").find_submission(jobs[1].submission_tag)


def test_the_original_is_found_and_not_its_clones(lossy, provider, simulator, send, sender, caplog):
    job = simulator.run(bell())
    send = sender(lossy, key="no-key-needed")
    for _ in range(3):
        assert send("POST", f"/jobs/{job.job_id()}/clone", {})[0] == 201
    tags = [j.submission.metadata["toolkit_tag"] for j in lossy.cloud.jobs]
    assert tags == [job.submission_tag] * 4
    assert provider.find_submission(job.submission_tag).job_id() == job.job_id()
    assert "several jobs have the tag" in caplog.text


def test_all_jobs_of_the_project_are_looked_through_or_those_since_a_time(lossy, simulator):
    job = simulator.run(bell())
    lossy.clock.sleep(3600)
    for _ in range(60):
        simulator.run(bell())
    epoch = datetime(2026, 1, 1, tzinfo=UTC)
    find = simulator.find_submission
    lossy.requests.clear()
    assert find(job.submission_tag).job_id() == job.job_id()
    assert lossy.asked() == 3
    assert find("another", since=epoch + timedelta(hours=2)) is None
    assert lossy.asked() == 4
    assert find(job.submission_tag, since=epoch.replace(tzinfo=None)).job_id() == job.job_id()


@pytest.mark.parametrize("tag", ["", None, 7, b"tag"])
def test_what_is_no_tag_is_refused(lossy, provider, tag):
    with pytest.raises(errors.IonQClientError, match="is not a tag"):
        provider.find_submission(tag)
    assert lossy.requests == []


@pytest.mark.parametrize("reply", [(503, {}, b""), ConnectionError("no"), (200, {}, b"<html>")])
def test_a_search_that_fails_does_not_say_that_there_is_nothing(lossy, provider, reply):
    lossy.lose = lambda method, path: (True, reply)
    with pytest.raises(errors.IonQError):
        provider.find_submission("tag")


# --- tags --------------------------------------------------------------------------------------


def test_tags_are_uuids_of_which_no_two_are_alike(provider):
    tags = [provider.service.draw_tag() for _ in range(1000)]
    assert len(set(tags)) == 1000
    assert all(uuid.UUID(tag).version == 4 and uuid.UUID(tag).hex == tag for tag in tags)


def test_a_seed_gives_the_same_bytes_and_tags_take_nothing_from_its_other_numbers(lossy):
    def sent(seed):
        cloud = Lossy(FakeIonQ(seed=7))
        provider = provider_of(cloud, seed=seed)
        for _ in range(3):
            provider.get_backend("simulator").run(bell())
        return cloud.bodies

    assert sent(7) == sent(7)
    # Nor are they the same numbers in another form.
    drawn = uuid.UUID(bytes=np.random.default_rng(7).bytes(16), version=4).hex
    assert sent(7)[0]["metadata"]["toolkit_tag"] != drawn
    seeds, numbers = (
        [body["metadata"]["sampler_seed"] for body in sent(7)],
        np.random.default_rng(7),
    )
    assert seeds == [str(numbers.integers(2**31)) for _ in range(3)]
    for other in (sent(8), sent(None)):
        tags = {body["metadata"]["toolkit_tag"] for body in [*other, *sent(7)]}
        assert len(tags) == 6


def test_on_the_network_processes_of_one_seed_have_different_tags(instant_clock):
    def tags(**options):
        return {IonQProvider("any-key", seed=7, **options).service.draw_tag() for _ in range(2)}

    assert len(tags()) == 2
    # A clock of one's own says that everything is to be the same again.
    assert len(tags(clock=instant_clock)) == 1
    first, second = (IonQProvider("any-key", seed=7) for _ in range(2))
    assert first.service.draw_seed() == second.service.draw_seed()


# --- the service itself says that it took nothing ---


def unavailable(retry_after=None, **more):
    body = {"statusCode": 503, "error": "Service Unavailable", "message": "later", **more}
    fields = {"Content-Type": "application/json"}
    if retry_after is not None:
        fields["Retry-After"] = str(retry_after)
    return 503, fields, json.dumps(body).encode()


def persistent(lossy, **policy):
    return provider_of(lossy, seed=7, retry=RetryPolicy(**policy)).get_backend("simulator")


@pytest.mark.parametrize("times", [1, 3, 6])
def test_a_503_of_the_service_s_own_is_sent_again(lossy, times):
    events = []
    lossy.lose = losing(SUBMISSION, unavailable(), effect=False, times=times)
    provider = provider_of(lossy, seed=7, retry=RetryPolicy(), on_event=events.append)
    job = provider.get_backend("simulator").run(bell(), shots=100)
    assert made(lossy) == [job.job_id()]
    assert lossy.posts() == times + 1
    assert lossy.asked() == 0  # there was nothing to look for
    retried = [event for event in events if isinstance(event, Retried)]
    assert [(e.attempt, e.reason, e.method, e.path) for e in retried] == [
        (number, "status 503", "POST", "/v0.4/jobs") for number in range(1, times + 1)
    ]
    assert sum(event.seconds for event in retried) == pytest.approx(lossy.clock.monotonic())


def test_a_503_that_goes_on_is_an_error_in_the_end(lossy):
    lossy.lose = losing(SUBMISSION, unavailable(), effect=False, times=99)
    with pytest.raises(errors.IonQRetriableError) as caught:
        persistent(lossy, attempts=4).run(bell())
    assert caught.value.status_code == 503
    assert lossy.posts() == 4
    assert made(lossy) == []


def test_retry_after_of_a_503_is_heeded_and_never_beyond_the_deadline(lossy):
    lossy.lose = losing(SUBMISSION, unavailable(20), effect=False, times=1)
    persistent(lossy).run(bell(), timeout=60)
    assert 20 <= lossy.clock.monotonic() < 21
    began = lossy.clock.monotonic()
    lossy.lose = losing(SUBMISSION, unavailable(20), effect=False, times=1)
    with pytest.raises(errors.IonQRetriableError):
        persistent(lossy).run(bell(), timeout=10)
    assert lossy.clock.monotonic() == began  # at once: to wait would be of no use
    assert len(made(lossy)) == 1


@pytest.mark.parametrize(
    "policy", [{"attempts": 1}, {"statuses": frozenset({429})}, {"total_s": 0.01, "jitter": "none"}]
)
def test_a_policy_that_does_not_send_again_does_not(lossy, policy):
    lossy.lose = losing(SUBMISSION, unavailable(), effect=False, times=1)
    with pytest.raises(errors.IonQRetriableError):
        persistent(lossy, **policy).run(bell())
    assert lossy.posts() == 1


def test_what_is_lost_after_a_503_is_looked_for(lossy):
    fates = iter([(False, unavailable()), (True, RESET)])
    lossy.lose = lambda method, path: next(fates, None) if (method, path) == SUBMISSION else None
    job = persistent(lossy).run(bell(), shots=100)
    assert made(lossy) == [job.job_id()]
    assert lossy.posts() == 2


def test_a_503_of_a_proxy_is_not_sent_again(lossy):
    lossy.lose = losing(SUBMISSION, AMBIGUOUS["503 of a proxy"], effect=False, times=1)
    with pytest.raises(errors.IonQSubmissionUnknownError):
        persistent(lossy).run(bell(), timeout=60)
    assert lossy.posts() == 1


def test_what_is_interrupted_between_two_attempts_certainly_made_nothing(lossy):
    lossy.lose = losing(SUBMISSION, unavailable(20), effect=False, times=1)
    job = IonQJob(persistent(lossy), circuit=bell(), passed_args={"shots": 100})
    sleep, lossy.clock.sleep = lossy.clock.sleep, interrupted
    with pytest.raises(KeyboardInterrupt) as caught:
        job.submit()
    assert not hasattr(caught.value, "__notes__")
    lossy.clock.sleep = sleep
    job.submit()  # is sent, not looked for
    assert made(lossy) == [job.job_id()]
    assert (lossy.posts(), lossy.asked()) == (2, 0)


def interrupted(seconds):
    raise KeyboardInterrupt


def test_open_submission_is_found_from_a_machine_whose_clock_is_behind(lossy, simulator):
    lossy.lose = losing(SUBMISSION, TIMEOUT, effect=True)
    lossy.hidden = lambda record: True
    job = IonQJob(simulator, circuit=bell())
    unknown(job.submit)
    job._submission.began += 1e6  # as a clock of another machine had it
    lossy.hidden = lambda record: False
    job.submit()
    assert [job.job_id()] == made(lossy)
