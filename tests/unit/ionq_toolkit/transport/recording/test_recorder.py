"""What went through a transport is written down, and played again without it."""

import base64
import html
import itertools
import json
import pickle
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit

from ionq_toolkit import (
    HttpTransport,
    InProcessTransport,
    IonQClient,
    IonQProvider,
    RecordingTransport,
    ReplayTransport,
    Response,
    Session,
    Transport,
    errors,
)
from ionq_toolkit.transport import RecordingError, RecordingFileError, RecordingMissError
from ionq_toolkit_fake import FakeIonQ, FakeServer, Transitions

KEY = "Zq8/pT+w3k!9Lm0x&Rv'2c"
URL = "https://api.ionq.co/v0.4"
USER, PROJECT = "64b03577072d45001c85e9c4", "1333d459-cf47-4a5e-acc1-8d4eb4f7b025"


class Script:
    """A transport that gives one outcome after the other: a reply, or an error to raise."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.sent = []

    def send(self, method, url, headers, body, timeout):
        self.sent.append((method, url, headers, body, timeout))
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self):
        self.outcomes.clear()


def reply(content=b"", status=200, **headers):
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"Content-Type": "application/json", **headers}, content)


def ask(transport, method="GET", path="/jobs", body=None, *, key=KEY, timeout=None, url=URL):
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    headers = {"Authorization": f"apiKey {key}", "Cookie": "session=mine"}
    return transport.send(method, url + path, headers, body, timeout)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.json"


@pytest.fixture
def record(path):
    """Record exchanges, each the arguments of `ask` and its outcome, and return the file's text."""

    def record(*exchanges):
        transport = RecordingTransport(Script(*(outcome for _, outcome in exchanges)), path)
        for arguments, outcome in exchanges:
            if isinstance(outcome, Exception):
                with pytest.raises(type(outcome)):
                    ask(transport, *arguments)
            else:
                assert ask(transport, *arguments) == outcome
        return path.read_text()

    return record


def entries(path):
    """Return the JSON of a file, one value after the other, as any reader of JSON gives it."""
    text, at, found = path.read_text(), 0, []
    while at < len(text):
        value, at = json.JSONDecoder().raw_decode(text, at)
        found.append(value)
        at += 1
    return found


# A whole session, over HTTP and again


class Clock:
    """A clock for the client while it is recorded: sleeping takes no time."""

    time = 0.0

    def monotonic(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


class Faulty:
    """Goes wrong at some jobs, which it knows by their shots; at all others it does not."""

    def __init__(self, inner, clock):
        self.inner = inner
        self.clock = clock
        self.submissions = [
            reply({"error": "Too Many Requests", "message": "slowly"}, 429, Retry_After="3"),
            TimeoutError("read timed out"),
        ]
        self.polls = {}

    def send(self, method, url, headers, body, timeout):
        shots = json.loads(body).get("shots") if body else None
        if shots == 10:
            return self.play(self.submissions.pop(0), timeout)
        fault = self.polls.pop(url.rsplit("/", 1)[-1], None)
        if fault is not None:
            return self.play(fault, timeout)
        answer = self.inner.send(method, url, headers, body, timeout)
        if shots in {11, 12}:
            fault = TimeoutError("read timed out") if shots == 11 else ConnectionResetError("reset")
            self.polls[json.loads(answer.body)["id"]] = fault
        return answer

    def play(self, fault, timeout):
        if isinstance(fault, TimeoutError):
            self.clock.sleep(timeout)
        if isinstance(fault, Exception):
            raise fault
        return fault

    def close(self):
        self.inner.close()


def told(error):
    fields = (
        "status_code",
        "error_type",
        "code",
        "detail",
        "request_id",
        "retry_after_s",
        "job_id",
    )
    return type(error), {name: getattr(error, name, None) for name in fields}


def work(provider, bell, job_body):
    """Do everything a client does, and return everything it sees."""
    seen = []

    def attempt(action):
        try:
            seen.append(action())
        except errors.IonQError as error:
            seen.append(told(error))

    backend = provider.get_backend("simulator")
    attempt(lambda: backend.run(bell, shots=10))  # 429
    attempt(lambda: backend.run(bell, shots=10))  # times out
    job = backend.run(bell, shots=1000, memory=True)
    job.wait_for_final_state(
        wait=3600, callback=lambda job_id, status, _: seen.append((job_id, status))
    )
    result = job.result()
    seen += [result.get_counts(), result.get_memory(), job.get_probabilities(), job.metadata]
    seen.append(backend.retrieve_job(job.job_id()).get_counts())

    too_wide = provider.client.submit_job(job_body(qubits=30))["id"]
    failed = backend.retrieve_job(too_wide)
    failed.wait_for_final_state()
    seen.append(failed.error_message())
    attempt(failed.result)

    late = backend.run(bell, shots=7)
    attempt(lambda: late.wait_for_final_state(timeout=1))
    attempt(late.cancel)
    attempt(late.result)
    silent = backend.run(bell, shots=11)
    attempt(lambda: silent.wait_for_final_state(timeout=5))  # one request takes all the time
    attempt(silent.get_counts)
    broken = backend.run(bell, shots=12)
    attempt(broken.status)
    attempt(broken.get_counts)
    attempt(lambda: backend.retrieve_job("no-such-job"))

    with Session(provider.get_backend("forte-1"), max_jobs=2) as session:
        seen.append(session.details())
    seen += [job["id"] for job in provider.client.list_jobs(limit=2)]
    return seen


def without_people(seen):
    """Return what a client sees, without ids that a recording has no business with, and tags.

    A tag is of the run that submits, whatever the run that was recorded had.
    """
    personal = {"organization_id", "project_id", "creator_id"}
    kept = [
        {k: v for k, v in one.items() if k not in personal} if isinstance(one, dict) else one
        for one in seen
    ]
    return [re.sub(r"\b[0-9a-f]{32}\b", "TAG", repr(one)) for one in kept]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the path of a session recorded over HTTP, its circuit, and what was seen."""
    path = tmp_path_factory.mktemp("whole") / "session.json"
    bell = QuantumCircuit(2, 2, name="bell")
    bell.h(0)
    bell.cx(0, 1)
    bell.measure([0, 1], [0, 1])
    clock = Clock()
    with FakeServer(FakeIonQ(seed=7, transitions=Transitions.polls(2))) as server:
        recorder = RecordingTransport(Faulty(HttpTransport(), clock), path)
        options = {"transport": recorder, "clock": clock, "seed": 7, "retry": None}
        with IonQProvider(KEY, server.url, **options) as provider:
            seen = work(provider, bell, job_of)
    return path, bell, seen


def job_of(qubits):
    return {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "input": {"gateset": "qis", "qubits": qubits, "circuit": [{"gate": "h", "target": 0}]},
    }


@pytest.mark.parametrize("seed", [7, None])
def test_a_session_recorded_over_http_replays_in_process_with_the_same_results(whole, seed):
    path, bell, seen = whole

    replayed = work(
        IonQProvider(transport=ReplayTransport(path), seed=seed, retry=None), bell, job_of
    )

    assert without_people(replayed) == without_people(seen)
    assert [one[0] for one in seen if isinstance(one, tuple) and isinstance(one[0], type)] == [
        errors.IonQRetriableError,
        errors.IonQSubmissionUnknownError,
        errors.IonQJobFailureError,
        errors.IonQJobTimeoutError,
        errors.IonQJobStateError,
        errors.IonQJobTimeoutError,
        errors.IonQConnectionError,
        errors.IonQAPIError,
    ]


def test_a_session_replays_as_often_as_it_is_opened(whole):
    path, bell, seen = whole
    for _ in range(2):
        with IonQProvider(transport=ReplayTransport(path), retry=None) as provider:
            assert without_people(work(provider, bell, job_of)) == without_people(seen)


def test_nothing_of_a_session_tells_whose_it_was(whole):
    path, _, _ = whole
    text = path.read_text()
    server = FakeIonQ(seed=7)
    server.handle("GET", f"{URL}/jobs", {"Authorization": f"apiKey {KEY}"}, None, None)
    (project,) = server.projects

    assert KEY not in text
    assert "uthorization" not in text
    assert "127.0.0.1" not in text
    assert project.id not in text
    assert "com.example" not in text.replace("@example.com", "")
    assert "submitter_id" in text


# Sequences


def test_answers_that_change_are_played_in_order_and_the_last_one_again(record, path):
    statuses = ["submitted", "ready", "completed"]
    record(*((("GET", "/jobs/j"), reply({"status": status})) for status in statuses))
    replay = ReplayTransport(path)

    seen = [json.loads(ask(replay, "GET", "/jobs/j").body)["status"] for _ in range(5)]

    assert seen == [*statuses, "completed", "completed"]


def test_sequences_do_not_wait_for_each_other(record, path):
    record(
        (("GET", "/jobs/a"), reply([1])),
        (("GET", "/jobs/b"), reply([2])),
        (("GET", "/jobs/a"), reply([3])),
    )
    replay = ReplayTransport(path)

    seen = [json.loads(ask(replay, "GET", f"/jobs/{one}").body) for one in "aab"]

    assert seen == [[1], [3], [2]]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_may_change_something_is_answered_as_often_as_it_was(record, path, method):
    refused, taken = reply({"message": "slowly"}, 429), reply({"id": "j"}, 201)
    record(((method, "/jobs", {"a": 1}), refused), ((method, "/jobs", {"a": 1}), taken))
    replay = ReplayTransport(path)

    assert ask(replay, method, "/jobs", {"a": 1}).status == 429
    assert ask(replay, method, "/jobs", {"a": 1}).status == 201
    with pytest.raises(RecordingMissError, match=rf"{method} /v0.4/jobs was played as often"):
        ask(replay, method, "/jobs", {"a": 1})


@pytest.mark.parametrize(
    "kind",
    [
        BrokenPipeError,
        ConnectionAbortedError,
        ConnectionError,
        ConnectionRefusedError,
        ConnectionResetError,
        TimeoutError,
    ],
)
def test_an_error_is_played_as_the_same_built_in_one(record, path, kind):
    record((("GET", "/jobs/j"), kind("host gateway.corp")), (("GET", "/jobs/j"), reply([1])))
    replay = ReplayTransport(path)

    with pytest.raises(kind, match=r"as recorded in .*recording\.json, line 5") as caught:
        ask(replay, "GET", "/jobs/j")

    assert type(caught.value) is kind
    assert ask(replay, "GET", "/jobs/j").status == 200
    # What a library says of an error names hosts and proxies.
    assert "corp" not in path.read_text()


def test_an_error_of_somebodys_own_is_played_as_what_it_is_one_of(record, path):
    class ProxyGoneError(ConnectionResetError):
        pass

    record((("GET", "/jobs/j"), ProxyGoneError("gone")))
    with pytest.raises(ConnectionResetError):
        ask(ReplayTransport(path), "GET", "/jobs/j")


def test_any_other_error_is_no_answer_and_not_recorded(path):
    transport = RecordingTransport(Script(TypeError("a mistake")), path)
    with pytest.raises(TypeError, match="a mistake"):
        ask(transport)
    assert len(entries(path)) == 1


def test_time_passes_on_replay_only_for_those_who_wait(record, path):
    record((("GET", "/jobs/j"), TimeoutError()), (("GET", "/jobs/j"), reply([1])))
    replay = ReplayTransport(path)
    assert IonQProvider(transport=replay).clock is replay.clock

    replay.clock.sleep(3600)
    assert replay.clock.monotonic() == 3600
    with pytest.raises(TimeoutError):
        ask(replay, "GET", "/jobs/j", timeout=30)
    assert replay.clock.monotonic() == 3630
    ask(replay, "GET", "/jobs/j", timeout=30)
    assert replay.clock.monotonic() == 3630
    for seconds in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="cannot sleep"):
            replay.clock.sleep(seconds)


# What the same request is


@pytest.mark.parametrize(
    "other",
    [
        "http://127.0.0.1:8080/v0.4/jobs?status=ready&limit=5",
        "https://api.ionq.co/v0.4/jobs?limit=5&status=ready",
        "https://user:password@gateway.corp/quantum/ionq/v0.4/jobs?limit=5&status=ready#here",
        "/v0.4/jobs?limit=5&status=read%79",
    ],
)
def test_neither_host_nor_order_matter_in_a_url(path, other):
    ask(RecordingTransport(Script(reply([1])), path), url=other, path="")
    assert "corp" not in path.read_text()
    for url in (f"{URL}/jobs?limit=5&status=ready", other):
        assert ask(ReplayTransport(path), url=url, path="").body == b"[1]"
    for url in (f"{URL}/jobs?limit=6&status=ready", f"{URL}/jobs", other.replace("0.4", "0.3")):
        with pytest.raises(RecordingMissError):
            ask(ReplayTransport(path), url=url, path="")


def test_bodies_are_compared_as_data(record, path):
    record((("POST", "/jobs", {"shots": 100, "input": {"a": [1, 2], "b": None}}), reply({})))

    def played(body):
        try:
            return ask(ReplayTransport(path), "POST", "/jobs", body) is not None
        except RecordingMissError:
            return False

    assert played(b'{"input": {"b": null,\n"a": [1,2.0]},   "shots": 1e2}')
    assert not played(b'{"input": {"b": null, "a": [2, 1]}, "shots": 100}')
    assert not played(b'{"input": {"b": null, "a": [true, 2]}, "shots": 100}')
    assert not played(b'{"input": {"b": null, "a": [1, 2]}, "shots": "100"}')
    assert not played(b'{"input": {"a": [1, 2]}, "shots": 100}')
    assert not played(b'[{"input": {"b": null, "a": [1, 2]}, "shots": 100}]')
    assert not played(b"no JSON")
    assert not played(None)


def test_what_qiskit_numbers_and_seeds_that_are_drawn_do_not_matter(record, path):
    def body(number, **fields):
        circuits = [{"name": f"circuit-{number}", "circuit": []}, 5]
        return {
            "name": f"circuit-{number}",
            "metadata": {"sampler_seed": str(number)},
            "noise": {"model": "aria-1", "seed": number},
            "input": {"circuits": circuits},
            **fields,
        }

    record((("POST", "/jobs", body(1)), reply({"id": "j"}, 201)))

    assert ask(ReplayTransport(path), "POST", "/jobs", body(2)).status == 201
    with pytest.raises(RecordingMissError, match=r"body\.noise\.model was recorded as \"aria-1\""):
        ask(ReplayTransport(path), "POST", "/jobs", body(1, noise={"model": "forte-1"}))
    strict = ReplayTransport(path, match=lambda request: request)
    with pytest.raises(RecordingMissError, match=r"body\.metadata\.sampler_seed was recorded"):
        ask(strict, "POST", "/jobs", body(2))
    assert ask(strict, "POST", "/jobs", body(1)).status == 201


def test_of_requests_that_differ_in_a_name_each_gets_its_own_answer(record, path):
    record(
        (("POST", "/jobs", {"name": "a"}), reply({"id": "1"}, 201)),
        (("POST", "/jobs", {"name": "b"}), reply({"id": "2"}, 201)),
        (("POST", "/jobs", {"name": "c"}), reply({"id": "3"}, 201)),
    )
    replay = ReplayTransport(path)

    ids = [json.loads(ask(replay, "POST", "/jobs", {"name": n}).body)["id"] for n in "cx"]
    ids.append(json.loads(ask(replay, "POST", "/jobs", {"name": "b"}).body)["id"])

    assert ids == ["3", "1", "2"]


def test_what_counts_can_be_said(record, path):
    record((("POST", "/jobs", {"shots": 1}), reply({"id": "j"}, 201)))
    loose = ReplayTransport(path, match=lambda request: request[:2])

    assert ask(loose, "POST", "/jobs?dry=1", {"shots": 2}).status == 201
    with pytest.raises(RecordingMissError, match=r"\[1\] was recorded as \"/v0\.4/jobs\""):
        ask(loose, "POST", "/job", {"shots": 2})


def test_what_a_job_is_known_by_comes_back_as_it_was_sent(record, path):
    """A job whose answer was lost is found by its tag, which is drawn anew in each run."""

    def body(tag, seed, header="H4sI" * 20):
        stored = {"toolkit_tag": tag, "sampler_seed": seed, "qiskit_header": header, "n": None}
        return {"shots": 5, "metadata": stored}

    then, now = "0123456789abcdeffedcba9876543210", "00112233445566778899aabbccddeeff"
    job = {"id": "j", **body(then, "1111")}
    record(
        (("POST", "/jobs", body(then, "1111")), TimeoutError()),
        (("GET", "/jobs"), reply({"jobs": [job], "next": None})),
        (("GET", "/jobs/j"), reply(f"text {then}".encode())),
    )
    replay = ReplayTransport(path)

    with pytest.raises(TimeoutError):
        ask(replay, "POST", "/jobs", body(now, "2222", "other" * 20))

    (found,) = json.loads(ask(replay).body)["jobs"]
    assert found == {"id": "j", **body(now, "1111")}
    assert ask(replay, "GET", "/jobs/j").body == f"text {then}".encode()


def test_where_less_counts_the_last_of_all_comes_again(record, path):
    record(*((("GET", f"/jobs?a={n}"), reply([n, k])) for k, n in enumerate([1, 2, 1])))
    replay = ReplayTransport(path, match=lambda request: request.path)

    def played(n):
        return json.loads(ask(replay, "GET", f"/jobs?a={n}").body)

    assert [played(n) for n in (3, 2, 2, 3, 3, 3)] == [[1, 0], [2, 1], [2, 1]] + [[1, 2]] * 3


def test_where_less_counts_it_need_not_be_about_the_same_people(record, path):
    record((("GET", f"/jobs?submitter_id={USER}"), reply([1])))
    for query in ("", f"?submitter_id={'9' * 24}", "?submitter_id=00000000000000000000ffff"):
        replay = ReplayTransport(path, match=lambda request: request.path)
        assert ask(replay, "GET", f"/jobs?submitter_id={USER}").body == b"[1]"
        assert ask(replay, "GET", f"/jobs{query}").body == b"[1]"


def test_a_parameter_without_a_value_is_one(record, path):
    record((("GET", "/jobs?next="), reply([1])))
    assert ask(ReplayTransport(path), "GET", "/jobs?next=").body == b"[1]"
    with pytest.raises(
        RecordingMissError, match=r"query\.next was recorded as \"\" and is not sent"
    ):
        ask(ReplayTransport(path), "GET", "/jobs")


def test_a_host_alone_is_a_path(path):
    ask(RecordingTransport(Script(reply([1])), path), url="https://api.ionq.co", path="")
    assert entries(path)[1]["request"]["url"] == "/"
    assert ask(ReplayTransport(path), url="http://127.0.0.1:80/", path="").body == b"[1]"


# What was not recorded


def test_a_miss_names_the_nearest_recording_and_what_differs(record, path):
    record(
        (("GET", "/backends"), reply([])),
        (("POST", "/jobs", {"shots": 100, "backend": "simulator", "input": {"q": [1]}}), reply({})),
        (("GET", "/jobs/j?limit=5"), reply({})),
    )
    line = 1 + next(n for n, text in enumerate(path.read_text().split("\n")) if "POST" in text)

    with pytest.raises(RecordingMissError) as caught:
        ask(ReplayTransport(path), "POST", "/jobs", {"shots": 5, "input": {"q": [1, 2]}, "x": 1})
    assert str(caught.value) == (
        f"POST /v0.4/jobs is not in the recording {path}. Nearest to it is POST /v0.4/jobs in line "
        f'{line - 2}: body.backend was recorded as "simulator" and is not sent; '
        "body.input.q[1] was not recorded and is 2; body.shots was recorded as 100 and is 5; "
        "body.x was not recorded and is 1. If the request is meant, delete the file and record "
        "anew; if this need not be the same, say so with match=."
    )
    with pytest.raises(RecordingMissError, match=r'query\.limit was recorded as "5" and is "6"'):
        ask(ReplayTransport(path), "GET", "/jobs/j?limit=6")
    with pytest.raises(RecordingMissError, match=r'method was recorded as "GET" and is "PUT"'):
        ask(ReplayTransport(path), "PUT", "/backends")
    many = {f"field {n}": n for n in range(20)}
    with pytest.raises(RecordingMissError, match=r"field 10 was not recorded.*; and 18 more\."):
        ask(ReplayTransport(path), "POST", "/jobs", many)


def test_a_miss_in_an_empty_recording_says_that_it_is_empty(record, path):
    record()
    with pytest.raises(RecordingMissError, match=r"GET /v0.4/jobs is not in .* which is empty"):
        ask(ReplayTransport(path))


def test_a_miss_looks_like_no_failure_that_is_tried_again(record, path, job_body):
    record((("GET", "/jobs/j"), reply({})))
    provider = IonQProvider(transport=ReplayTransport(path))

    with pytest.raises(RecordingMissError) as caught:
        provider.client.submit_job(job_body())

    assert not isinstance(caught.value, OSError | errors.IonQError)
    assert isinstance(caught.value, RecordingError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    # Nor one that is collected and gone on after.
    with pytest.raises(RecordingMissError):
        provider.client.cancel_jobs(["j", "k"])


def test_a_miss_shows_no_key_and_nobody(record, path):
    record((("GET", "/jobs/j"), reply({})))
    body = {"text": f"echo {KEY}", "user_id": USER, "external_settings": {"api_credentials": "abc"}}
    with pytest.raises(RecordingMissError) as caught:
        ask(ReplayTransport(path), "POST", f"/organizations/com.corp/{quote(KEY, safe='')}", body)
    for secret in (KEY, quote(KEY, safe=""), USER, "abc", "com.corp"):
        assert secret not in str(caught.value)
    assert "/v0.4/organizations/*/*" in str(caught.value)


# What is not in the file


def encodings(key):
    """Yield the ways in which a key may be written."""
    yield from {key, quote(key), quote(key, safe=""), quote_plus(key), key.lower(), key.upper()}
    yield from {json.dumps(key)[1:-1], html.escape(key), key.encode().hex()}
    yield from in_base64(key)


def in_base64(key):
    """Yield a key in base64, with something before and after it."""
    for before, after in itertools.product(range(3), repeat=2):
        data = b"b" * before + key.encode() + b"a" * after
        yield base64.b64encode(data).decode()
        yield base64.urlsafe_b64encode(data).decode()


def sure_parts(key):
    """Yield what must not be found: of base64 the middle, which is of the key alone."""
    yield from set(encodings(key)) - set(in_base64(key))
    yield from (encoded.rstrip("=")[4:-4] for encoded in in_base64(key))


def appearances(text):
    """Return a file's text, and again as whoever reads its JSON finds it, decoded or not."""
    found = [text]

    def look(value):
        if isinstance(value, dict):
            for name, one in value.items():
                found.append(name)
                if name == "base64":
                    found.append(base64.b64decode(one).decode("latin-1"))
                look(one)
        elif isinstance(value, list):
            for one in value:
                look(one)
        elif isinstance(value, str):
            found.append(value)

    at = 0
    while at < len(text):
        value, at = json.JSONDecoder().raw_decode(text, at)
        look(value)
        at += 1
    return "\n".join(found)


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=16, max_size=40),
    st.sampled_from(["header", "text", "json", "name", "broken", "binary", "url", "request"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_a_key_is_nowhere_in_the_file_however_it_is_echoed(tmp_path, key, place):
    assume(len(set(key)) > 6 and key == key.strip())
    path = tmp_path / "recording.json"
    path.unlink(missing_ok=True)
    for form in encodings(key):
        echoed = {
            "header": reply([], X_Request_Id=f"id {form}"),
            "text": reply(f"<p>{form}</p>\n<p>x{form}x".encode()),
            "json": reply({"error": [f"no such key: {form}!"]}),
            "name": reply({f"key {form}": 1}),
            "broken": reply(b'{"error": "' + form.encode()),
            "binary": reply(b"\xff\x00" + form.encode() + b"\xfe"),
        }.get(place, reply([]))
        url = f"/jobs/{quote(form)}?next={quote_plus(form)}" if place == "url" else "/jobs"
        body = {"input": [form]} if place == "request" else None
        ask(RecordingTransport(Script(echoed), path), "POST", url, body, key=key)
        text = appearances(path.read_text())
        path.unlink()
        for sought in sure_parts(key):
            assert sought.lower() not in text.lower()


@pytest.mark.parametrize("short", ["k", "any-key"])
def test_what_is_too_short_for_a_key_is_taken_for_none(path, short):
    content = {"message": f"unknown {short}"}
    ask(RecordingTransport(Script(reply(content)), path), key=short)
    assert json.loads(ask(ReplayTransport(path)).body) == content


def test_of_headers_only_those_that_a_client_goes_by_are_recorded(path):
    answer = reply(
        {},
        Authorization="apiKey other",
        Set_Cookie="session=theirs",
        X_Amzn_Token="theirs",
        Date="Thu, 01 Jan 2026 00:00:00 GMT",
        Retry_After="3",
        X_RateLimit_Remaining="7",
    )
    ask(RecordingTransport(Script(answer), path))
    text = path.read_text().lower()

    assert not any(word in text for word in ("cookie", "authorization", "session", "theirs"))
    played = ask(ReplayTransport(path))
    assert dict(played.headers) == {
        "content-type": "application/json",
        "date": "Thu, 01 Jan 2026 00:00:00 GMT",
        "retry-after": "3",
        "x-ratelimit-remaining": "7",
    }


def test_ids_of_somebody_are_replaced_by_the_same_for_the_same(record, path):
    other = "9a7c0f4e-1111-4222-8333-444455556666"
    text = record(
        (("GET", f"/jobs?submitter_id={USER}"), reply({"jobs": []})),
        (
            ("GET", "/jobs/j"),
            reply({"id": "j", "submitter_id": USER, "project_id": PROJECT, "session_id": None}),
        ),
        (("GET", "/sessions/s"), reply({"creator_id": USER.upper(), "project_id": other})),
        (("GET", "/whoami"), reply({"key_id": other, "key_name": "Alice's", "project": {"id": 5}})),
        (("GET", "/x"), reply({"error": f"Project {PROJECT} is over, {USER} may not"}, 403)),
        (("GET", "/organizations/corp/usage"), reply({"organization": "corp"})),
        (("GET", "/y"), reply(f"<p>Project {other[:-1]}0 and user_id={USER[:-1]}0</p>".encode())),
        (("GET", "/z"), reply({"contact": "mail alice.b@sub.corp.com or support@ionq.co"})),
    )
    for secret in (USER, PROJECT, other, "Alice", "corp"):
        assert secret.lower() not in text.lower()

    _, listed, job, session, whoami, refused, usage, prose, contact = entries(path)
    user = job["response"]["json"]["submitter_id"]
    project = job["response"]["json"]["project_id"]
    assert listed["request"]["url"] == f"/v0.4/jobs?submitter_id={user}"
    assert job["response"]["json"] == {
        "id": "j",
        "submitter_id": "000000000000000000000001",
        "project_id": "00000000-0000-4000-8000-000000000002",
        "session_id": None,
    }
    assert session["response"]["json"]["creator_id"] == user
    assert session["response"]["json"]["project_id"] == whoami["response"]["json"]["key_id"]
    assert session["response"]["json"]["project_id"] != project
    assert refused["response"]["json"]["error"] == f"Project {project} is over, {user} may not"
    organization = usage["response"]["json"]["organization"]
    assert usage["request"]["url"] == f"/v0.4/organizations/{organization}/usage"
    assert USER[:-1] not in str(prose)
    assert other[:-1] not in str(prose)
    assert contact["response"]["json"]["contact"].startswith("mail person-")
    assert contact["response"]["json"]["contact"].endswith("@example.com or support@ionq.co")


def test_somebody_is_the_same_by_whatever_field(record, path):
    record(
        (("GET", "/users/me"), reply({"username": "Alice@corp.com", "text": f"{USER} {USER}ff"})),
        (("GET", "/jobs"), reply({"organisation_id": "corp", "note": "to alice@corp.com"})),
        (("GET", "/x"), reply({"organization": {"id": "corp", "name": "Corp", "size": "big"}})),
        (("GET", "/y"), reply({"submitterId": USER, "text": f"{USER} {USER}ff"})),
        (("GET", "/z"), reply(b"\xff" + USER.encode())),
        (("GET", "/short"), reply({"of": "a@b.co"})),
    )
    _, me, jobs, organization, user, binary, short = (
        {**one.get("request", {}), **one.get("response", {})} for one in entries(path)
    )
    assert me["url"] == "/v0.4/users/me"
    assert jobs["json"]["note"] == f"to {me['json']['username']}"
    assert jobs["json"]["organisation_id"] == organization["json"]["organization"]["id"]
    assert organization["json"]["organization"]["name"] not in {"Corp", "corp"}
    assert organization["json"]["organization"]["size"] == "big"
    # An id is known once a field has said whose it is, and only where it is whole.
    assert me["json"]["text"] == f"{USER} {USER}ff"
    assert user["json"]["text"] == f"{user['json']['submitterId']} {USER}ff"
    # Of what is no text, nothing is taken for an id.
    assert base64.b64decode(binary["base64"]) == b"\xff" + USER.encode()
    assert short["json"]["of"].endswith("@example.com")


def test_of_two_keys_the_longer_is_gone_as_a_whole(path):
    longer = f"{KEY}-and-more"
    transport = RecordingTransport(Script(reply([]), reply([longer, KEY])), path)
    ask(transport, key=KEY)
    transport.send("GET", URL, {"Proxy-Authorization": f"Basic {longer}"}, None, None)
    assert "and-more" not in path.read_text()
    assert len(set(entries(path)[2]["response"]["json"])) == 2


def test_the_first_half_of_a_reply_gives_nobody_away(record, path):
    whole = json.dumps({"id": "j", "submitter_id": USER, "key_name": 'Alice\'s "own" key'})
    for end in range(len(whole)):
        path.unlink(missing_ok=True)
        text = record((("GET", "/jobs/j"), reply(whole[:end].encode())))
        assert "Alice" not in text
        assert USER[:8] not in text


def test_what_belongs_to_jobs_stays(record, path):
    """Their ids, and what their owner calls anything."""
    job_id = "019b76da-a800-7953-ba38-97650ed90475"
    record(
        (
            ("POST", "/jobs", {"name": "user 7", "metadata": {"project": "alpha", "user": "7"}}),
            reply({"id": job_id}, 201),
        ),
        (
            ("GET", "/organizations/corp/usage?group_by=job"),
            reply({"group_type": "job", "group_usages": [{"group_id": job_id, "group_name": "b"}]}),
        ),
        (
            ("GET", "/organizations/corp/usage?group_by=user"),
            reply({"group_type": "user", "group_usages": [{"group_id": USER, "group_name": "Al"}]}),
        ),
        (("GET", f"/jobs/{job_id}"), reply({"id": job_id, "metadata": {"project": "alpha"}})),
    )
    _, posted, jobs, users, job = entries(path)

    assert posted["request"]["json"]["name"] == "user 7"
    assert posted["request"]["json"]["metadata"] == {"project": "alpha", "user": "7"}
    assert jobs["response"]["json"]["group_usages"] == [{"group_id": job_id, "group_name": "b"}]
    assert users["response"]["json"]["group_usages"][0]["group_id"] != USER
    assert users["response"]["json"]["group_usages"][0]["group_name"] != "Al"
    assert job["request"]["url"] == f"/v0.4/jobs/{job_id}"
    assert job["response"]["json"]["metadata"] == {"project": "alpha"}


def test_a_credential_for_another_service_is_in_no_body(record, path):
    def body(secret):
        return {"external_settings": {"api_credentials": secret, "external_organization": "corp"}}

    text = record(*[(("POST", "/jobs", body("hunter2")), reply({"id": "j"}, 201))] * 2)

    assert "hunter2" not in text
    assert "corp" not in text
    replay = ReplayTransport(path)
    for secret in ("another", "and another"):
        assert ask(replay, "POST", "/jobs", body(secret)).status == 201


def test_an_id_from_a_reply_is_never_taken_for_another(record, path):
    """Of whatever form it is: what stands for it is not an unknown one that might be anybody's."""
    ids = [USER, PROJECT, "deadbeefdeadbeef", "com.corp", "alice@corp.com"]
    for kind, one in itertools.product(("submitter_id", "project_id", "key_name"), ids):
        path.unlink(missing_ok=True)
        record(
            ((("GET", f"/jobs?{kind}={'9' * 24}")), reply([1])),
            (("GET", "/jobs/j"), reply({kind: one})),
        )
        replay = ReplayTransport(path)
        learned = json.loads(ask(replay, "GET", "/jobs/j").body)[kind]
        assert learned != one
        with pytest.raises(RecordingMissError, match="it is about somebody else"):
            ask(replay, "GET", f"/jobs?{kind}={learned}")
        assert ask(replay, "GET", f"/jobs?{kind}={'9' * 24}").body == b"[1]"


def test_an_id_that_the_code_has_in_it_is_known_again(record, path):
    """It is in no recording; what stands for it there is found by its place."""
    others = ["64b03577072d45001c85e9c5", "64b03577072d45001c85e9c6"]
    record(
        (("GET", f"/jobs?submitter_id={USER}"), reply(["ours"])),
        (("GET", f"/jobs?submitter_id={others[0]}"), reply(["theirs"])),
        (("GET", f"/jobs?submitter_id={USER}"), reply(["ours again"])),
        (("GET", "/jobs/j"), reply({"submitter_id": others[0]})),
        (("GET", "/jobs/k"), reply({"submitter_id": others[1]})),
    )
    replay = ReplayTransport(path)

    def jobs(user):
        return json.loads(ask(replay, "GET", f"/jobs?submitter_id={user}").body)

    learned = json.loads(ask(replay, "GET", "/jobs/j").body)["submitter_id"]
    assert jobs(USER) == ["ours"]
    assert jobs(USER) == ["ours again"]
    assert jobs(USER) == ["ours again"]
    assert jobs(others[0]) == ["theirs"]
    assert jobs(USER) == ["ours again"]
    assert jobs(learned) == ["theirs"]
    unasked = json.loads(ask(replay, "GET", "/jobs/k").body)["submitter_id"]
    with pytest.raises(RecordingMissError, match="it is about somebody else"):
        jobs(unasked)
    with pytest.raises(RecordingMissError, match="it is about somebody else"):
        jobs(others[1])


# The file


def test_the_file_is_made_to_be_read(record):
    circuit = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]
    text = record(
        (("POST", "/jobs", {"shots": 100, "input": {"circuit": circuit}}), reply({"id": "ü"}, 201)),
        (("GET", "/jobs?limit=2&status=ready"), reply(b"<p>\n  busy</p>", 503)),
        (("GET", "/jobs/j/artifacts/a"), Response(200, {}, b"\xff\x00")),
        (("GET", "/jobs/j"), TimeoutError()),
    )
    assert text == (
        """\
{
  "format": "ionq-toolkit recording",
  "version": 1
}
{
  "request": {
    "method": "POST",
    "url": "/v0.4/jobs",
    "json": {
      "shots": 100,
      "input": {
        "circuit": [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]
      }
    }
  },
  "response": {
    "status": 201,
    "headers": {"content-type": "application/json"},
    "json": {"id": "\\u00fc"}
  }
}
{
  "request": {"method": "GET", "url": "/v0.4/jobs?limit=2&status=ready"},
  "response": {
    "status": 503,
    "headers": {"content-type": "application/json"},
    "text": ["<p>", "  busy</p>"]
  }
}
{
  "request": {"method": "GET", "url": "/v0.4/jobs/j/artifacts/a"},
  "response": {"status": 200, "headers": {}, "base64": "/wA="}
}
{
  "request": {"method": "GET", "url": "/v0.4/jobs/j"},
  "error": "TimeoutError"
}
"""
    )


def test_no_line_is_longer_than_what_is_on_it(record):
    text = record((("POST", "/jobs", {"input": [list(range(300)), {"a": "b" * 90}]}), reply({})))
    assert max(map(len, text.splitlines())) <= 110


def test_each_exchange_is_in_the_file_before_the_next(path):
    transport = RecordingTransport(Script(*(reply([n]) for n in range(5))), path)
    for n in range(5):
        ask(transport, "GET", f"/jobs/{n}")
        assert ask(ReplayTransport(path), "GET", f"/jobs/{n}").body == b"[%d]" % n


def test_whoever_is_killed_while_writing_leaves_what_was_recorded(record, path):
    data = record(
        (("POST", "/jobs", {"a": "}\n{"}), reply({"id": ["x" * 90] * 3}, 201)),
        (("GET", "/jobs/j"), reply(b"}\n}", 200)),
        (("GET", "/jobs/k"), reply([])),
    ).encode()
    ends = [n + 1 for n in range(len(data)) if data[n : n + 2] in (b"}\n", b"}")]
    ends = [end for end in ends if data[:end].endswith(b"\n}")]
    assert len(ends) == 4

    for cut in range(ends[0], len(data)):
        path.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends[1:])
        replay = ReplayTransport(path)
        requests = [("POST", "/jobs", {"a": "}\n{"}), ("GET", "/jobs/j"), ("GET", "/jobs/k")]
        for request in requests[:whole]:
            ask(replay, *request)
        for request in requests[whole:]:
            with pytest.raises(RecordingMissError) as caught:
                ask(replay, *request)
            rest = data[ends[whole] : cut].strip()
            assert ("breaks off in line" in str(caught.value)) == bool(rest and whole)


def test_a_process_that_dies_leaves_what_was_recorded(path):
    script = """
import os, sys
from ionq_toolkit import InProcessTransport, RecordingTransport
class Cloud:
    def handle(self, method, url, headers, body, timeout):
        if url.endswith("/3"):
            os.kill(os.getpid(), 9)
        return 200, {}, b"[1]"
transport = RecordingTransport(InProcessTransport(Cloud()), sys.argv[1])
for n in range(9):
    transport.send("GET", f"http://x/jobs/{n}", {}, None, None)
"""
    done = subprocess.run([sys.executable, "-c", script, str(path)], timeout=120, check=False)
    assert done.returncode == -9
    assert [one["request"]["url"] for one in entries(path)[1:]] == [f"/jobs/{n}" for n in range(3)]


def test_a_full_disk_is_an_error_that_loses_neither_reply_nor_recording(path):
    script = """
import resource, signal, sys
from ionq_toolkit import InProcessTransport, RecordingTransport
from ionq_toolkit.transport import RecordingError
class Cloud:
    def handle(self, method, url, headers, body, timeout):
        return 201, {}, b'{"id": "job-%d", "submitter_id": "64b03577072d45001c85e9c4"}' % len(url)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
transport = RecordingTransport(InProcessTransport(Cloud()), sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
for n in range(9):
    try:
        transport.send("POST", "http://x/jobs/" + "9" * n, {}, b"{}", None)
    except RecordingError as error:
        print(n, type(error).__name__, error)
        break
"""
    out = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        timeout=120,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    recorded = entries(path)[1:]
    count = len(recorded)
    assert count >= 1
    assert path.stat().st_size <= 700
    assert out.startswith(f"{count} RecordingFileError {path} could not be written (")
    assert f"POST /jobs/{'9' * count} was answered 201" in out
    assert f'{{"id":"job-{14 + count}","submitter_id":"0000' in out


@pytest.mark.parametrize("failure", [TimeoutError(110, "Connection timed out"), OSError(5, "I/O")])
def test_a_disk_that_fails_looks_like_no_failure_of_the_network(path, monkeypatch, failure):
    transport = RecordingTransport(Script(reply({"id": "j"}, 201)), path)

    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(RecordingFileError, match=r'answered 201 \{"id":"j"\}') as caught:
        ask(transport, "POST", "/jobs", {})
    assert not isinstance(caught.value, OSError)
    assert caught.value.__cause__ is failure


def test_a_recording_that_is_taken_away_is_not_begun_anew_without_its_beginning(path):
    transport = RecordingTransport(Script(reply([1]), reply([2])), path)
    path.unlink()
    with pytest.raises(RecordingFileError, match="could not be written"):
        ask(transport)
    assert not path.exists()


def test_a_recording_is_not_written_over(record, path):
    before = record((("GET", "/jobs/j"), reply({})))
    script = Script(reply({}))
    with pytest.raises(FileExistsError, match=r"delete it to record anew.*recording\.json"):
        RecordingTransport(script, path)
    assert path.read_text() == before
    assert not script.sent


def test_a_path_that_cannot_be_written_is_known_before_anything_is_sent(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        RecordingTransport(Script(), tmp_path / "file" / "recording.json")


def test_folders_are_made_and_the_working_directory_may_change(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    transport = RecordingTransport(Script(reply([1])), "some/where/recording.json")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    ask(transport)
    assert len(entries(tmp_path / "some" / "where" / "recording.json")) == 2


def test_a_recording_that_is_not_there_says_how_one_is_made(path):
    with pytest.raises(FileNotFoundError, match=r"RecordingTransport makes one.*recording\.json"):
        ReplayTransport(path)


HEAD = '{\n  "format": "ionq-toolkit recording",\n  "version": 1\n}\n'
GOOD = '{\n  "request": {"method": "GET", "url": "/v0.4/jobs"},\n  "error": "TimeoutError"\n}\n'
REQUEST = '"request": {"method": "GET", "url": "/"}'


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "is no recording"),
        ("\n\n", 1, "is no recording"),
        ("interactions:\n- request: {}\n", 1, "is damaged"),
        ('{"log": {"version": "1.2"}}', 1, "is no recording"),
        ("[1]", 1, "is no recording"),
        (HEAD[:20], 2, "is damaged: Unterminated string"),
        (HEAD.replace("1", "2"), 1, "version 2, and this version of ionq-toolkit reads version 1"),
        (HEAD.replace("1", '"1"'), 1, 'version "1"'),
        (HEAD + "<<<<<<< HEAD\n" + GOOD, 5, "is damaged: Expecting value"),
        (HEAD + GOOD + GOOD.replace(',\n  "error', '\n  "error') + GOOD, 11, "Expecting ','"),
        (HEAD + "[]\n}", 5, "an exchange is not an object"),
        (HEAD + "{}", 5, "an exchange has a request"),
        (HEAD + f"\n\n{{{REQUEST}}}", 7, "either a response or an error"),
        (HEAD + f'{{{REQUEST}, "error": "TimeoutError", "response": {{}}}}', 5, "either a respo"),
        (HEAD + f'{{{REQUEST}, "response": {{"status": 200}}, "time": 5}}', 5, "no field 'time'"),
        (HEAD + f'{{{REQUEST}, "response": {{"sttaus": 200}}}}', 5, "no field 'sttaus', but"),
        (
            HEAD + f'{{{REQUEST}, "response": {{"status": "200"}}}}',
            5,
            "status of a response is not",
        ),
        (HEAD + f'{{{REQUEST}, "response": {{"status": true}}}}', 5, "status of a response is not"),
        (HEAD + f'{{{REQUEST}, "response": {{"status": 1, "headers": []}}}}', 5, "headers of a"),
        (HEAD + f'{{{REQUEST}, "response": {{"status": 1, "headers": {{"a": 1}}}}}}', 5, "headers"),
        (HEAD + f'{{{REQUEST}, "response": {{"status": 1, "json": 5}}}}', 5, "neither an object"),
        (HEAD + f'{{{REQUEST}, "response": {{"status": 1, "text": 5}}}}', 5, "the text of a body"),
        (HEAD + f'{{{REQUEST}, "response": {{"status": 1, "text": [5]}}}}', 5, "the text of a bod"),
        (HEAD + f'{{{REQUEST}, "response": {{"status": 1, "base64": "%"}}}}', 5, "is damaged"),
        (HEAD + f'{{{REQUEST}, "response": {{"status": 1, "text": "\\ud800"}}}}', 5, "surrogates"),
        (
            HEAD + f'{{{REQUEST}, "response": {{"status": 1, "json": {{}}, "text": ""}}}}',
            5,
            "one b",
        ),
        (HEAD + f'{{{REQUEST}, "response": {{"status": 1, "json": {{"a": NaN}}}}}}\n}}', 5, "NaN"),
        (HEAD + f'{{{REQUEST}, "error": "KeyError"}}', 5, "the error 'KeyError' is none of"),
        (HEAD + f'{{{REQUEST}, "error": 5}}', 5, "the error is not a string"),
        (HEAD + '{"request": {"url": "/"}, "error": "TimeoutError"}', 5, "the method is not a str"),
        (HEAD + '{"request": {"method": "GET"}, "error": "TimeoutError"}', 5, "the url is not a s"),
        (HEAD + '{"request": "GET /", "error": "TimeoutError"}', 5, "a request is not an object"),
        (HEAD + GOOD + "[" * 100_000 + "\n}", 9, "is damaged"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_the_line(path, text, line, says):
    path.write_text(text)
    with pytest.raises(RecordingFileError) as caught:
        ReplayTransport(path)
    assert caught.value.line == line
    assert caught.value.path == str(path)
    assert str(caught.value).startswith(f"{path}, line {line}: the file ")
    assert says in str(caught.value)
    assert not isinstance(caught.value, OSError | errors.IonQError)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.line) == (str(caught.value), line)


def test_a_file_that_is_no_text_is_damaged(path):
    path.write_bytes(HEAD.encode() + b'{"request": "\xff"')
    with pytest.raises(RecordingFileError, match="line 5: the file is no text in UTF-8"):
        ReplayTransport(path)


def test_a_file_may_be_edited_in_any_layout(path):
    """With a byte order mark, the line ends of Windows, and everything in one line."""
    exchange = {
        "request": {"method": "get", "url": "/v0.4/jobs"},
        "response": {"status": 200, "json": [1]},
    }
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + json.dumps(exchange)).replace("\n", "\r\n").encode())
    assert ask(ReplayTransport(path)) == Response(200, {}, b"[1]")


# Bodies and exchanges of any kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"1.10",
        b'"text"',
        b"  5 ",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[ " * 100 + b"]" * 100,
        b"[ " * 400 + b"]" * 400,
        b"[" * 100_000,
        b'{"a": 1} and more',
        b"\xef\xbb\xbf{}",
        b"a\r\nb\n\nc\n",
        b"\n",
        "ü😀\u2028".encode(),
        "[1]".encode("utf-16"),
        bytes(range(256)),
    ],
)
def test_a_body_that_is_not_plain_json_is_played_to_the_byte(record, path, body):
    record((("POST", "/jobs", body), reply(body)))
    assert ask(ReplayTransport(path), "POST", "/jobs", body).body == body


@pytest.mark.parametrize(
    "text", ["x" * 200_000, '"ab' * 70_000, "user id " * 30_000, "/a@" * 70_000]
)
def test_a_long_text_takes_no_long_time(record, path, text):
    """Not with the square of its length, that is: these would take an hour."""
    record((("GET", "/jobs/j"), reply({"text": text})))
    assert json.loads(ask(ReplayTransport(path), "GET", "/jobs/j").body) == {"text": text}


def test_a_long_sequence_is_played_in_order(record, path):
    record(*((("GET", "/jobs/j"), reply([n])) for n in range(300)))
    replay = ReplayTransport(path)
    assert [json.loads(ask(replay, "GET", "/jobs/j").body) for _ in range(301)] == [
        *([n] for n in range(300)),
        [299],
    ]


TEXTS = st.text(max_size=20).filter(lambda text: "@" not in text)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
#: Words of fields that are somebody's, which are changed: Hypothesis tries what the code knows.
PERSONAL = re.compile(
    rb"credential|token|secret|password|authorization|user|name|owner|submitter|creator|ender"
    rb"|project|organi[sz]ation|key|group",
    re.IGNORECASE,
)


def is_nobodys(body):
    return body is None or PERSONAL.search(re.sub(rb"[^A-Za-z]", b"", body)) is None


BODIES = st.one_of(
    st.none(),
    st.binary(max_size=30),
    TEXTS.map(str.encode),
    JSON.map(lambda data: json.dumps(data, allow_nan=True).encode()),
    JSON.map(lambda data: json.dumps(data, ensure_ascii=True, indent=3).encode()),
).filter(is_nobodys)
REPLIES = st.builds(
    Response,
    st.integers(100, 599),
    st.dictionaries(
        st.sampled_from(["content-type", "retry-after", "x-request-id", "date"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="@")),
    ),
    BODIES.map(lambda body: body or b""),
)
ERRORS = st.sampled_from([TimeoutError, ConnectionError, ConnectionResetError]).map(
    lambda kind: kind("why")
)
EXCHANGES = st.tuples(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.sampled_from(["/jobs", "/jobs/a", "/jobs/b?x=1&y=%20&x=2", "/sessions/a/end"]),
    BODIES,
    REPLIES | ERRORS,
)


def as_data(body):
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


@given(st.lists(EXCHANGES, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_any_session_is_played_as_it_was(tmp_path, session):
    path = tmp_path / "recording.json"
    path.unlink(missing_ok=True)
    recorder = RecordingTransport(Script(*(outcome for *_, outcome in session)), path)

    def observe(transport, url):
        seen = []
        for method, rest, body, _ in session:
            try:
                got = transport.send(method, url + rest, {}, body, 1.0)
                headers = {name.lower(): value for name, value in got.headers.items()}
                seen.append((got.status, headers, as_data(got.body)))
            except OSError as error:
                seen.append(type(error))
        return seen

    original = observe(recorder, "http://127.0.0.1:8080/v0.4")
    replay = ReplayTransport(path, match=lambda request: request)
    assert observe(replay, URL) == original


# Threads, and as a transport


def test_threads_record_and_replay_side_by_side(path):
    workers, polls = 8, 20
    barrier = threading.Barrier(workers)

    class Cloud:
        def __init__(self):
            self.polls = dict.fromkeys(range(workers), 0)

        def handle(self, method, url, headers, body, timeout):
            worker = int(url.rsplit("/", 1)[1])
            self.polls[worker] += 1
            content = {"poll": self.polls[worker], "worker": worker, "project_id": PROJECT}
            return 200, {}, json.dumps(content).encode()

    def poll(transport, worker):
        barrier.wait(30)
        bodies = [ask(transport, "GET", f"/jobs/{worker}", key=KEY * 2).body for _ in range(polls)]
        return [(body["poll"], body["worker"]) for body in map(json.loads, bodies)]

    expected = [[(n + 1, worker) for n in range(polls)] for worker in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        recorder = RecordingTransport(InProcessTransport(Cloud()), path)
        assert list(pool.map(poll, [recorder] * workers, range(workers))) == expected
        assert len(entries(path)) == 1 + workers * polls
        replay = ReplayTransport(path)
        assert list(pool.map(poll, [replay] * workers, range(workers))) == expected
    assert PROJECT not in path.read_text()


def test_requests_wait_for_the_cloud_at_the_same_time(path):
    """One that is slow keeps nobody else from being sent."""
    meet = threading.Barrier(2)

    class Cloud:
        def handle(self, method, url, headers, body, timeout):
            meet.wait(30)
            return 200, {}, b"[]"

    recorder = RecordingTransport(InProcessTransport(Cloud()), path)
    with ThreadPoolExecutor(2) as pool:
        assert [r.status for r in pool.map(ask, [recorder] * 2)] == [200, 200]


def test_it_is_as_the_transport_within(path, cloud):
    inner = InProcessTransport(cloud)
    recorder = RecordingTransport(inner, path)
    assert isinstance(recorder, Transport)
    assert recorder.requires_key is False
    assert recorder.clock is cloud.clock
    script = Script(reply([]))
    other = RecordingTransport(script, path.with_name("other.json"))
    assert other.requires_key is True
    assert other.clock is None
    other.close()
    assert script.outcomes == []
    assert str(path) in repr(recorder)
    assert "InProcessTransport" in repr(recorder)


@pytest.mark.parametrize("inner", [None, KEY, FakeIonQ, HttpTransport])
def test_what_is_no_transport_is_refused_before_a_file_is_made(path, inner):
    with pytest.raises(TypeError, match="RecordingTransport records an object with send") as caught:
        RecordingTransport(inner, path)
    assert KEY not in str(caught.value)
    assert not path.exists()


def test_what_is_sent_and_what_comes_back_are_not_touched(path):
    answer = reply({"project_id": PROJECT, "echo": KEY}, Set_Cookie="a=b")
    script = Script(answer)
    body = b'{"user_id": "me",  "key": 1.0}'
    assert ask(RecordingTransport(script, path), "POST", "/jobs?b=1&a=2", body, timeout=3) is answer
    headers = {"Authorization": f"apiKey {KEY}", "Cookie": "session=mine"}
    assert script.sent == [("POST", f"{URL}/jobs?b=1&a=2", headers, body, 3)]


def test_a_replay_is_a_transport_that_needs_no_key_and_keeps_its_place(record, path):
    record((("GET", "/jobs/j"), reply([1])), (("GET", "/jobs/j"), reply([2])))
    replay = ReplayTransport(path)
    assert isinstance(replay, Transport)
    assert replay.requires_key is False
    assert repr(replay) == f"ReplayTransport({str(path)!r})"
    client = IonQClient("no-key", URL, replay)
    assert ask(replay, "GET", "/jobs/j").body == b"[1]"
    client.close()
    path.unlink()
    assert ask(replay, "GET", "/jobs/j").body == b"[2]"


def test_no_file_stays_open(path):
    opened = Path("/proc/self/fd")
    if not opened.exists():
        pytest.skip("what is open cannot be seen here")
    before = len(list(opened.iterdir()))
    for n in range(20):
        name = path.with_name(f"{n}.json")
        ask(RecordingTransport(Script(reply([1])), name))
        ask(ReplayTransport(name))
    assert len(list(opened.iterdir())) <= before


def test_a_replay_can_be_recorded(record, path):
    record((("GET", f"/jobs?submitter_id={USER}"), reply({"project_id": PROJECT})))
    again = path.with_name("again.json")
    ask(RecordingTransport(ReplayTransport(path), again), "GET", f"/jobs?submitter_id={USER}")
    assert again.read_text() == path.read_text()


def test_what_stands_for_two_things_stays_as_it_was_recorded(tmp_path):
    """Two jobs had the same text in their metadata, and have different ones now."""

    def told(transport, texts):
        provider = IonQProvider("any-key-of-theirs", transport=transport)
        backend = provider.get_backend("simulator")
        circuit = QuantumCircuit(1)
        circuit.measure_all()
        ids = [
            backend.run(circuit, shots=10, extra_metadata={"experiment": text}).job_id()
            for text in texts
        ]
        return [provider.client.retrieve_job(one)["metadata"]["experiment"] for one in ids]

    path = tmp_path / "two.json"
    same = ["the-same-experiment"] * 2
    assert told(RecordingTransport(InProcessTransport(FakeIonQ(1)), path), same) == same
    different = ["the-first-experiment", "the-second-experiment"]
    assert told(ReplayTransport(path), different) == same
