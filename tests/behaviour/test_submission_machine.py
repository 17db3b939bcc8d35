"""Any sequence of submissions, sessions, losses and searches: nothing lost, nothing twice."""

import json
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from lossy import AMBIGUOUS, CERTAIN, Lossy
from qiskit import QuantumCircuit

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider, RetryPolicy, Session, errors
from ionq_toolkit_fake import FakeIonQ

flip = QuantumCircuit(1, 1)
flip.x(0)
flip.measure(0, 0)
midway = QuantumCircuit(1, 1)
midway.measure(0, 0)
midway.x(0)
midway.measure(0, 0)

RUNS = {
    "single": ("simulator", flip, {}),
    "several": ("simulator", [flip, flip], {}),
    "OpenQASM 3": ("simulator", midway, {}),
    "dry run": ("forte-1", flip, {"dry_run": True}),
}

#: What becomes of one request: whether it reaches the cloud, and what becomes of the answer.
FATES = st.one_of(
    st.just((True, None)),
    st.tuples(st.booleans(), st.sampled_from(sorted(AMBIGUOUS))),
    st.tuples(st.just(False), st.sampled_from(sorted(CERTAIN))),
)
TIMEOUTS = st.sampled_from([None, 0, 0.3, 5, 40, 200])
DELAYS_S = st.sampled_from([0, 0, 2, 12, 300])


class Idle(Executor):
    """Takes simulations and does not begin them: what they come to is not the question."""

    def submit(self, function, /, *arguments, **options):
        return Future()


class Insistent(InProcessTransport):
    """Asks three times where that changes nothing, as a transport may."""

    def send(self, method, url, headers, body, timeout):
        for left in (2, 1, 0) if method == "GET" else (0,):
            try:
                reply = super().send(method, url, headers, body, timeout and timeout / 3)
            except (ConnectionError, TimeoutError):
                if not left:
                    raise
            else:
                if reply.status < 500 or not left:
                    return reply
        raise AssertionError


class Submissions(RuleBasedStateMachine):
    transport = InProcessTransport
    retry = None  # how a provider sends again what certainly had no effect

    def __init__(self):
        super().__init__()
        self.lossy = Lossy(FakeIonQ(seed=7, executor=Idle()))
        self.providers = [
            IonQProvider(transport=self.transport(self.lossy), seed=seed, retry=self.retry)
            for seed in (1, 2)
        ]
        self.known = []  # ids of jobs, each by who got it
        self.open = []  # (provider, error, job) of submissions whose outcome is not known
        self.sessions = []
        self.delays = {}

    # --- what happens ---

    def under(self, fates, delay_s):
        """Let requests meet their fates, in this order, and then none; hide what is new."""
        fates, clock = iter(fates), self.lossy.clock

        def lose(method, path):
            effect, name = next(fates, (True, None))
            return None if name is None else (effect, {**AMBIGUOUS, **CERTAIN}[name])

        def hidden(record):
            since = datetime.fromisoformat(record.get("submitted_at") or record["created_at"])
            delay = self.delays.setdefault(record["id"], delay_s)
            return clock.now() - since < timedelta(seconds=delay)

        self.lossy.lose, self.lossy.hidden = lose, hidden

    def at_peace(self):
        self.under([], 0)
        self.lossy.clock.sleep(1000)

    @property
    def made(self):
        """Tag -> ids of the jobs at the cloud."""
        found = {}
        for job in self.lossy.cloud.jobs:
            if job.parent_id is None:
                found.setdefault(job.submission.metadata["toolkit_tag"], []).append(job.id)
        return found

    @property
    def begun(self):
        """The ids of the sessions at the cloud."""
        return {one.id for project in self.lossy.cloud.projects for one in project.sessions}

    def submit(self, provider, job, timeout):
        clock, began, before = self.lossy.clock, self.lossy.clock.monotonic(), set(self.ids())
        try:
            job.submit(timeout)
        except errors.IonQSubmissionUnknownError as error:
            self.open = [one for one in self.open if one[2] is not job] + [(provider, error, job)]
        except errors.IonQError:
            # There is certainly none: neither now nor of what may still arrive.
            assert set(self.ids()) == before
            assert job.submission_tag not in [self.tag(body) for body in self.held_bodies()]
        else:
            self.known.append(job.job_id())
            self.open = [one for one in self.open if one[2] is not job]
            assert self.made[job.submission_tag] == [job.job_id()]
        if timeout is not None:
            # Each of three attempts may have a little more than there is.
            assert clock.monotonic() - began <= timeout + 0.3

    def ids(self):
        return [job_id for ids in self.made.values() for job_id in ids]

    def held_bodies(self):
        return [json.loads(body) for _, url, _, body, _ in self.lossy.held if "/jobs" in url]

    @staticmethod
    def tag(body):
        return body["metadata"]["toolkit_tag"]

    @rule(
        who=st.integers(0, 1),
        kind=st.sampled_from(sorted(RUNS)),
        fates=st.lists(FATES, max_size=8),
        timeout=TIMEOUTS,
        delay_s=DELAYS_S,
    )
    def run(self, who, kind, fates, timeout, delay_s):
        name, circuits, options = RUNS[kind]
        provider = self.providers[who]
        job = IonQJob(provider.get_backend(name), circuit=circuits, passed_args=options)
        self.under(fates, delay_s)
        self.submit(provider, job, timeout)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0), fates=st.lists(FATES, max_size=8), timeout=TIMEOUTS)
    def submit_once_more(self, which, fates, timeout):
        provider, _, job = self.open[which % len(self.open)]
        self.under(fates, 0)
        self.submit(provider, job, timeout)

    @rule(who=st.integers(0, 1), fates=st.lists(FATES, max_size=8), delay_s=DELAYS_S)
    def begin_session(self, who, fates, delay_s):
        self.under(fates, delay_s)
        posts, before = len(self.lossy.risked), self.begun
        backend = self.providers[who].get_backend("forte-1")
        try:
            # Nothing but its limits tells the session of one client from that of another.
            session = Session(backend, max_jobs=1 + who)
        except errors.IonQSubmissionUnknownError:
            pass
        except errors.IonQError:
            assert self.begun == before
        else:
            self.sessions.append(session.session_id)
            assert session.session_id in self.begun
        assert len(self.lossy.risked) <= posts + 1

    @rule()
    def deliver_what_is_under_way(self):
        self.lossy.deliver()

    @rule(seconds=st.sampled_from([1, 60, 10_000]))
    def wait(self, seconds):
        self.lossy.clock.sleep(seconds)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0), with_since=st.booleans())
    def find(self, which, with_since):
        provider, error, _ = self.open[which % len(self.open)]
        self.at_peace()
        since = error.since if with_since else None
        found = provider.find_submission(error.tag, since=since)
        assert ([] if found is None else [found.job_id()]) == self.made.get(error.tag, [])

    # --- what always holds ---

    @invariant()
    def no_submission_is_sent_twice(self):
        # But after it was certainly refused, which a transport may do.
        tags = [self.tag(body) for path, body in self.lossy.risked if path == "/jobs"]
        assert len(set(tags)) == len(tags)
        assert all(len(ids) == 1 for ids in self.made.values())

    @invariant()
    def every_job_is_known_to_one_caller_or_its_outcome_is_open(self):
        assert len(set(self.known)) == len(self.known)
        still_open = {error.tag for _, error, _ in self.open}
        assert still_open == {job.submission_tag for *_, job in self.open}
        for tag, (job_id,) in self.made.items():
            assert (job_id in self.known) != (tag in still_open)
        assert set(self.known) <= set(self.ids())

    @invariant()
    def every_session_is_that_of_one_caller(self):
        assert len(set(self.sessions)) == len(self.sessions)


class SubmissionsThatInsist(Submissions):
    transport = Insistent


class SubmissionsWithRetries(Submissions):
    retry = RetryPolicy()


@pytest.mark.parametrize(
    "machine",
    [
        pytest.param(Submissions, marks=pytest.mark.slow),
        pytest.param(SubmissionsThatInsist, marks=pytest.mark.slow),
        pytest.param(SubmissionsWithRetries, marks=pytest.mark.slow),
    ],
)
def test_nothing_is_lost_and_nothing_is_made_twice(machine):
    case = machine.TestCase
    case.settings = settings(max_examples=80, stateful_step_count=20)
    case("runTest").runTest()
