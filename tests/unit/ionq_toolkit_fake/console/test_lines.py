"""The line of Python beside each button does the same as the button."""

import json
from datetime import timedelta

import pytest
from consoles import post
from hypothesis import given
from hypothesis import strategies as st

from ionq_toolkit_fake import (
    FAILURES,
    FakeIonQ,
    Scenario,
    Transitions,
    after,
    canceled,
    failed,
    faults,
)
from ionq_toolkit_fake.console import lines
from ionq_toolkit_fake.console.catalogue import catalogue
from ionq_toolkit_fake.control import CONTROLS
from ionq_toolkit_fake.scenario import names
from ionq_toolkit_fake.transitions.spec import STEPS

NAMES = {
    "Scenario": Scenario,
    "Transitions": Transitions,
    "after": after,
    "canceled": canceled,
    "failed": failed,
    "faults": faults,
}


def run(line, cloud):
    exec(compile(line, "<line>", "eval"), {**NAMES, "cloud": cloud})


def state(cloud):
    rules = [dict(faults.to_dict(armed.rule).items()) for armed in cloud.faults.rules]
    devices = [(one.status, one.performance) for one in cloud.facility.devices.values()]
    return rules, cloud.transitions.as_list(), cloud.clock.now(), devices


def check(control, body):
    """Compare a cloud after the control with another after its line."""
    first, second = FakeIonQ(seed=1), FakeIonQ(seed=1)
    if control == lines.SCENARIO:
        Scenario.of(body["scenario"]).apply(first)
    else:
        method, path = control.split()
        response = first.handle(method, path, {}, json.dumps(body).encode())
        assert response.status == 200, response.body
    run(lines.line(control, body), second)
    assert state(first) == state(second)
    return first


KINDS = [one["fault"] for one in catalogue(FakeIonQ(seed=1))["faults"]]


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_as_its_form_begins(kind):
    (one,) = (one for one in catalogue(FakeIonQ(seed=1))["faults"] if one["fault"] == kind)
    parameters = {p["name"]: p["value"] for p in one["parameters"] if p["value"] is not None}
    check("POST /_fake/faults", {"fault": kind, **parameters, "on": one["on"], "times": 1})
    check("POST /_fake/faults", {"fault": kind, **parameters})


def test_every_kind_of_fault_failure_status_and_scenario_has_a_button():
    found = catalogue(FakeIonQ(seed=1))
    assert list(faults.KINDS) == KINDS
    assert [one["code"] for one in found["failures"]] == list(FAILURES)
    assert [one["status"] for one in found["http"]] == list(faults.STATUSES)
    assert [one["name"] for one in found["scenarios"]] == names()
    changing = {name for name in CONTROLS if not name.startswith("GET")}
    assert changing <= set(found["controls"])  # a new control needs a line


def test_one_rule_and_one_job_are_removed():
    assert lines.line("DELETE /_fake/faults/2", {}) == "cloud.faults.remove(cloud.faults.find(2))"
    assert lines.line("DELETE /_fake/jobs/an-id", {}) == 'cloud.delete("an-id")'


@pytest.mark.parametrize("code", FAILURES)
def test_every_failure(code):
    check("POST /_fake/transitions", {"end": {"code": code}, "match": {"nth": 1}})


@pytest.mark.parametrize("name", names())
def test_every_scenario(name):
    cloud = check(lines.SCENARIO, {"scenario": name})
    rules, transitions, _, devices = state(cloud)
    plain = state(FakeIonQ(seed=1))
    assert (rules, transitions, devices) != (
        plain[0],
        plain[1],
        plain[3],
    )  # the button does something
    cloud.reset()
    assert state(cloud) == plain


_STEPS = st.one_of(
    st.sampled_from(["immediately", "never"]),
    st.builds(lambda n: {"polls": n}, st.integers(1, 9)),
    st.builds(lambda n: {"seconds": n}, st.floats(0, 1e6)),
    st.just({"seconds": 10, "jitter": 2.5}),
)


@given(
    steps=st.dictionaries(st.sampled_from(STEPS), _STEPS, min_size=1),
    name=st.none() | st.text(min_size=1, max_size=8).filter(lambda t: t.isprintable()),
    nth=st.none() | st.integers(1, 5),
)
def test_transitions(steps, name, nth):
    match = {k: v for k, v in (("name", name), ("nth", nth)) if v is not None}
    check("POST /_fake/transitions", {**steps, **({"match": match} if match else {})})


@pytest.mark.parametrize(
    "end",
    [
        {"code": "SystemCancel", "message": 'said "no"\n'},
        {"code": "SystemCancel", "at": "started"},
        {"status": "canceled", "at": "ready"},
        "canceled",
        "completed",
        "paused",
    ],
)
def test_ends(end):
    check("POST /_fake/transitions", {"end": end})


def test_clock_reset_and_removals():
    cloud = check("POST /_fake/clock", {"seconds": 90})
    assert cloud.clock.now() == cloud.started_at + timedelta(seconds=90)
    for control in ("POST /_fake/reset", "DELETE /_fake/faults", "DELETE /_fake/transitions"):
        check(control, {})


def test_removing_one_rule_and_deleting_one_job():
    cloud = FakeIonQ(seed=1)
    for _ in range(2):
        cloud.faults.add(faults.http(500), times=1)
    run(lines.line("DELETE /_fake/faults/1", {}), cloud)
    assert [armed.number for armed in cloud.faults.rules] == [2]
    cloud.faults.clear()
    first, second = post(cloud), post(cloud)
    run(lines.line(f"DELETE /_fake/jobs/{first}", {}), cloud)
    assert [job.id for job in cloud.jobs] == [second]
    with pytest.raises(ValueError, match="x"):
        lines.line("DELETE /_fake/faults/x", {})


@pytest.mark.parametrize(
    "change",
    [
        {"end": "canceled"},
        {"end": {"code": "InternalError"}},
        {"hold": True},
        {"hold": "paused"},
        {"release": True},
    ],
)
def test_changes_of_a_job(change):
    statuses = []
    for by_line in (False, True):
        cloud = FakeIonQ(seed=1)
        cloud.transitions.set(Transitions(ready="never"))
        job = post(cloud)
        control = f"POST /_fake/jobs/{job}"
        if by_line:
            run(lines.line(control, change), cloud)
        else:
            assert (
                cloud.handle("POST", f"/_fake/jobs/{job}", {}, json.dumps(change).encode()).status
                == 200
            )
        found = cloud.peek(job)
        statuses.append((found.status, found.failure, found.position.held_at is None))
    assert statuses[0] == statuses[1]


@pytest.mark.parametrize(
    ("control", "body", "message"),
    [
        ("POST /_fake/nothing", {}, "there is no control"),
        ("POST /_fake/faults", {"fault": "http"}, "status"),
        ("POST /_fake/faults", {"fault": "http", "status": 429, "times": 0}, "times"),
        ("POST /_fake/transitions", {}, "these transitions say nothing"),
        (lines.SCENARIO, {"scenario": "/etc/passwd.toml"}, "there is no scenario"),
        (lines.SCENARIO, {"scenario": ["x"]}, "there is no scenario"),
    ],
)
def test_the_line_of_an_invalid_control_says_why(page, control, body, message):
    status, _, content = page.post("/_console/line", {"control": control, "body": body})
    assert status == 200
    assert message in json.loads(content)["problem"]
