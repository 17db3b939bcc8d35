"""What is said of transitions: for which jobs, as plain data, and what is refused."""

import json

import pytest

from ionq_toolkit_fake import FAILURES, FakeIonQ, Transitions, after, canceled, failed
from ionq_toolkit_fake.transitions.rules import TransitionRule

FAILING = Transitions(end=failed("InternalError"))


@pytest.fixture
def status_of(cloud, sender, job_body):
    """Submit a job, and return the status that it has when it is asked for."""

    def status_of(cloud=cloud, **fields):
        send = sender(cloud)
        created = send("POST", "/jobs", job_body(**fields))[1]
        return send("GET", f"/jobs/{created['id']}")[1]["status"]

    return status_of


@pytest.mark.parametrize(
    ("match", "fitting", "other"),
    [
        ({"name": "bell"}, {"name": "bell"}, {"name": "bells"}),
        ({"backend": "qpu.forte-1"}, {"backend": "qpu.forte-1"}, {"backend": "simulator"}),
        ({"metadata": {"a": "b"}}, {"metadata": {"a": "b", "c": "d"}}, {"metadata": {"a": "c"}}),
        (
            {"name": "n", "metadata": {"a": "b"}},
            {"name": "n", "metadata": {"a": "b"}},
            {"name": "n"},
        ),
    ],
)
def test_a_rule_is_for_the_jobs_that_fit_all_it_says(cloud, status_of, match, fitting, other):
    cloud.transitions.set(FAILING, **match)
    assert status_of(**other) == "completed"
    assert status_of(**fitting) == "failed"
    assert status_of() == "completed"


def test_the_nth_is_counted_among_those_that_fit_the_rest(cloud, status_of):
    cloud.transitions.set(FAILING, name="bell", nth=2)
    names = ["bell", "other", "bell", "bell", "other"]
    found = [status_of(name=name) for name in names]
    assert found == ["completed", "completed", "failed", "completed", "completed"]


def test_a_job_that_is_refused_is_not_counted(cloud, status_of, send, job_body):
    cloud.transitions.set(FAILING, nth=1)
    assert send("POST", "/jobs", job_body(shots=0))[0] == 400
    assert [status_of(), status_of()] == ["failed", "completed"]


def test_later_rules_go_before_earlier_ones_and_those_before_what_is_for_all(status_of):
    cloud = FakeIonQ(seed=1, transitions=Transitions(started="never"))
    assert status_of(cloud) == "ready"
    cloud.transitions.set(Transitions(started="immediately"))
    cloud.transitions.set(FAILING, name="n")
    cloud.transitions.set(Transitions(end=canceled()), name="n")
    assert (status_of(cloud), status_of(cloud, name="n")) == ("completed", "canceled")
    cloud.transitions.clear()
    assert status_of(cloud, name="n") == "ready"


def test_what_a_rule_does_not_say_is_as_for_all_jobs(sender, job_body):
    cloud = FakeIonQ(seed=1, transitions=Transitions.polls(1))
    cloud.transitions.set(FAILING)
    send = sender(cloud)
    path = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    seen = [send("GET", path)[1]["status"] for _ in range(4)]
    assert seen == ["submitted", "ready", "started", "failed"]


def test_a_rule_is_for_jobs_submitted_from_then_on(cloud, send, job_body):
    path = "/jobs/" + send("POST", "/jobs", job_body())[1]["id"]
    cloud.transitions.set(FAILING)
    assert send("GET", path)[1]["status"] == "completed"


def test_a_rule_changes_no_id(sender, job_body):
    def created(*rules):
        cloud = FakeIonQ(seed=5)
        for rule in rules:
            cloud.transitions.set(rule)
        return [sender(cloud)("POST", "/jobs", job_body())[1]["id"] for _ in range(3)]

    assert created() == created(FAILING, Transitions(ready=after(seconds=7)))


WHOLE = [
    Transitions(ready=after(polls=2), started=after(seconds=1.5), finished="predicted"),
    Transitions(started=after(seconds=3600, jitter=600), finished=after(seconds=0)),
    Transitions(ready="immediately", finished="never"),
    Transitions(end=failed("SystemCancel", "gone", at="started")),
    Transitions(end=failed("InternalError")),
    Transitions(end=canceled(at="ready")),
    Transitions(end="canceled"),
    Transitions(end="calibrating"),
    Transitions(end="completed"),
]


@pytest.mark.parametrize("transitions", WHOLE)
def test_transitions_are_plain_data_and_back(transitions):
    data = json.loads(json.dumps(transitions.as_dict()))
    assert Transitions.from_dict(data) == transitions
    rule = TransitionRule(transitions, name="n", metadata={"a": "b"}, nth=2)
    assert TransitionRule.from_dict(json.loads(json.dumps(rule.as_dict()))) == rule


def test_data_may_be_as_short_as_the_python():
    data = {"ready": {"polls": 2}, "started": "never", "finished": {"polls": 0}}
    expected = Transitions(ready=after(polls=2), started="never", finished="immediately")
    assert Transitions.from_dict(data) == expected
    short = Transitions.from_dict({"end": {"code": "SystemCancel"}})
    assert short == Transitions(end=failed("SystemCancel"))


def test_every_code_of_the_document_has_a_message_and_a_place():
    assert len(FAILURES) == 20 + 1
    for code, (message, at) in FAILURES.items():
        assert failed(code).failure == (code, message)
        assert at in {"submitted", "ready", "started"}
        assert message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (after, "one of them"),
        (lambda: after(polls=1, seconds=1), "one of them"),
        (lambda: after(polls=-1), "polls must be a whole number"),
        (lambda: after(polls=1.5), "polls must be a whole number"),
        (lambda: after(polls=True), "polls must be a whole number"),
        (lambda: after(seconds=-1), "seconds must be a finite number at least 0"),
        (lambda: after(seconds=float("nan")), "seconds must be a finite number at least 0"),
        (lambda: after(seconds=float("inf")), "seconds must be a finite number at least 0"),
        (lambda: after(seconds="9"), "seconds must be a finite number at least 0"),
        (
            lambda: after(seconds=9, jitter=10),
            "jitter must be a finite number at least 0 and at most 9, is 10",
        ),
        (
            lambda: after(seconds=9, jitter=-1),
            "jitter must be a finite number at least 0 and at most 9",
        ),
        (lambda: after(seconds=9, jitter="1"), "jitter must be a finite number"),
        (lambda: after(polls=9, jitter=1), "jitter is of seconds, not of polls"),
        (lambda: after(jitter=1), "one of them"),
        (lambda: failed("NotEnoughQbits"), "Did you mean 'NotEnoughQubits'"),
        (lambda: failed(["InternalError"]), "no failure code"),
        (lambda: failed("InternalError", 7), "message must be a text"),
        (lambda: failed("InternalError", at="completed"), "no status before the end"),
        (lambda: canceled(at="redy"), "Did you mean 'ready'"),
        (lambda: Transitions(ready="imediately"), "Did you mean 'immediately'"),
        (lambda: Transitions(ready="predicted"), "nothing predicts"),
        (lambda: Transitions(started=7), "started must be one of"),
        (lambda: Transitions(end="failed"), "has a code"),
        (lambda: Transitions(end="complted"), "near to 'completed'"),
        (lambda: Transitions(end="cancelled"), "near to 'canceled'"),
        (lambda: Transitions(end="ready"), "its next step is 'never'"),
        (lambda: Transitions(end=""), "a status must be a word"),
        (lambda: Transitions(end=7), "a status must be a word"),
        (lambda: FakeIonQ(transitions="predictd"), "Did you mean 'predicted'"),
        (lambda: Transitions.polls(-1), "polls"),
        (
            lambda: FakeIonQ(transitions=Transitions(started="never", end=failed("SystemCancel"))),
            "never started never comes to its end",
        ),
        (lambda: Transitions.from_dict({"redy": "never"}), "Did you mean 'ready'"),
        (lambda: Transitions.from_dict({"ready": {"second": 1}}), "Did you mean 'seconds'"),
        (lambda: Transitions.from_dict({"ready": {}}), "one of them"),
        (lambda: Transitions.from_dict({"ready": [1]}), "ready must be one of"),
        (lambda: Transitions.from_dict({"end": 3}), "end must be a status"),
        (lambda: Transitions.from_dict({"end": {"status": "failed"}}), "has a code"),
        (lambda: Transitions.from_dict({"end": {}}), "a status must be a word"),
        (
            lambda: Transitions.from_dict({"end": {"status": "canceled", "code": "SystemCancel"}}),
            "only a job that fails",
        ),
        (lambda: Transitions.from_dict([]), "must be an object"),
        (
            lambda: TransitionRule.from_dict({"end": "canceled", "match": {"nam": "x"}}),
            "Did you mean 'name'",
        ),
        (lambda: TransitionRule.from_dict({"end": "canceled", "match": []}), "must be an object"),
    ],
)
def test_what_is_no_transition_is_refused_with_what_there_is(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("transitions", "match", "message"),
    [
        (Transitions(), {}, "say nothing"),
        (FAILING, {"backend": "qpu.fort-1"}, "Did you mean 'qpu.forte-1'"),
        (FAILING, {"backend": []}, "no backend"),
        (FAILING, {"name": 3}, "name must be a text"),
        (FAILING, {"nth": 0}, "nth must be 1"),
        (FAILING, {"nth": True}, "nth must be 1"),
        (FAILING, {"metadata": {"a": 1}}, "metadata must be"),
        (FAILING, {"metadata": "a"}, "metadata must be"),
        (FAILING, {"child": 0}, "child must be 1"),
        (Transitions(ready=after(polls=1)), {"child": 1}, "go on with their parent"),
        (Transitions(finished="never", end="canceled"), {}, "never comes to its end"),
    ],
)
def test_a_rule_that_can_never_be_for_a_job_is_refused(cloud, transitions, match, message):
    with pytest.raises(ValueError, match=message):
        cloud.transitions.set(transitions, **match)
    assert cloud.transitions.rules == ()


def test_an_end_that_what_is_for_all_jobs_keeps_from_coming_is_refused():
    cloud = FakeIonQ(transitions=Transitions(finished="never"))
    with pytest.raises(ValueError, match="never finished never comes to its end"):
        cloud.transitions.set(FAILING)
    cloud.transitions.set(Transitions(end=failed("TooManyGates")))  # before it would run


# --- held and released -----------------------------------------------------------------------


def test_to_be_held_where_it_is_takes_nothing_from_a_step(cloud, send, job_body):
    cloud.transitions.set(Transitions(finished=after(seconds=100)))
    job_id = send("POST", "/jobs", job_body())[1]["id"]
    assert send("GET", f"/jobs/{job_id}")[1]["status"] == "started"
    cloud.clock.sleep(50)
    cloud.hold(job_id, "started")
    cloud.release(job_id)
    cloud.clock.sleep(51)
    assert send("GET", f"/jobs/{job_id}")[1]["status"] == "completed"


def test_a_job_cannot_be_held_beyond_its_end(cloud, send, job_body):
    cloud.transitions.set(Transitions(ready=after(polls=5), end=failed("InvalidInput")))
    job_id = send("POST", "/jobs", job_body())[1]["id"]
    with pytest.raises(ValueError, match="comes to its end, failed, from submitted"):
        cloud.hold(job_id, "started")
    assert send("GET", f"/jobs/{job_id}")[1]["status"] == "submitted"


def test_a_child_that_is_released_ahead_of_its_parent_waits_for_it(cloud, send):
    cloud.transitions.set(Transitions(ready=after(seconds=10)))
    circuit = {"circuit": [{"gate": "x", "target": 0}]}
    body = {"gateset": "qis", "qubits": 1, "circuits": [circuit, circuit]}
    job = {"type": "ionq.multi-circuit.v1", "backend": "simulator", "input": body}
    parent = send("POST", "/jobs", job)[1]["id"]
    child = send("GET", f"/jobs/{parent}")[1]["child_job_ids"][0]
    cloud.hold(child, "started")
    cloud.release(child)
    shown = send("GET", f"/jobs/{child}")[1]
    assert (shown["status"], send("GET", f"/jobs/{parent}")[1]["status"]) == (
        "started",
        "submitted",
    )
    cloud.clock.sleep(10)
    assert send("GET", f"/jobs/{parent}")[1]["status"] == "completed"
    assert send("GET", f"/jobs/{child}")[1]["started_at"] == shown["started_at"]


def test_of_two_rules_for_a_child_the_later_one_counts(cloud, send):
    cloud.transitions.add(TransitionRule(Transitions(end=failed("InternalError")), child=2))
    cloud.transitions.add(TransitionRule(Transitions(end="completed"), child="b"))
    circuits = [{"name": name, "circuit": [{"gate": "x", "target": 0}]} for name in "ab"]
    body = {"gateset": "qis", "qubits": 1, "circuits": circuits}
    job = {"type": "ionq.multi-circuit.v1", "backend": "simulator", "input": body}
    parent = send("POST", "/jobs", job)[1]["id"]
    assert send("GET", f"/jobs/{parent}")[1]["status"] == "completed"


def test_transitions_that_are_added_without_a_rule_are_for_all_jobs(cloud):
    rule = cloud.transitions.add(Transitions(end=failed("SystemCancel")))
    assert cloud.transitions.rules == (rule,)
    assert cloud.transitions.add("predicted").transitions == Transitions.of("predicted")
    with pytest.raises(ValueError, match="imediately"):
        cloud.transitions.add("imediately")
    assert cloud.transitions.as_list()[1:] == [
        Transitions(end=failed("SystemCancel")).as_dict(),
        Transitions.of("predicted").as_dict(),
    ]
