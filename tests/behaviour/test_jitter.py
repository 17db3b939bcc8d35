"""Steps that are taken sooner or later than planned, by chance: drawn once for each job."""

import json
from datetime import datetime

import pytest

from ionq_toolkit_fake import FakeIonQ, Scenario, Transitions, after

AN_HOUR = Transitions(
    ready=after(seconds=1), started=after(seconds=3600, jitter=600), finished=after(seconds=10)
)
AS_DATA = {
    "ready": {"seconds": 1},
    "started": {"seconds": 3600, "jitter": 600},
    "finished": {"seconds": 10},
}


def submit(send, body):
    status, created = send("POST", "/jobs", body)
    assert status == 201
    return created["id"]


def waits(cloud, send, ids):
    """Return how long the jobs were in the queue, in seconds, once all are completed."""
    cloud.clock.sleep(10_000)
    jobs = [send("GET", f"/jobs/{job_id}")[1] for job_id in ids]
    assert {job["status"] for job in jobs} == {"completed"}
    moments = [
        (datetime.fromisoformat(job["started_at"]), datetime.fromisoformat(job["submitted_at"]))
        for job in jobs
    ]
    return [(started - submitted).total_seconds() - 1 for started, submitted in moments]


def test_waits_are_spread_over_all_that_the_jitter_allows(sender, job_body):
    cloud = FakeIonQ(seed=3)
    cloud.transitions.set(AN_HOUR)
    send = sender(cloud)
    found = waits(cloud, send, [submit(send, job_body()) for _ in range(200)])
    assert all(3000 <= wait <= 4200 for wait in found)
    assert min(found) < 3030
    assert max(found) > 4170
    assert sum(found) / len(found) == pytest.approx(3600, abs=75)  # three standard errors


def test_a_seed_gives_the_same_waits_and_another_seed_others(sender, job_body):
    def found(seed):
        cloud = FakeIonQ(seed=seed)
        cloud.transitions.set(AN_HOUR)
        send = sender(cloud)
        first = waits(cloud, send, [submit(send, job_body()) for _ in range(5)])
        cloud.reset()
        cloud.transitions.set(AN_HOUR)
        assert waits(cloud, send, [submit(send, job_body()) for _ in range(5)]) == first
        return first

    assert found(3) == found(3)
    assert not set(found(3)) & set(found(4))


def test_nobody_who_asks_and_nothing_else_that_is_drawn_changes_a_wait(sender, job_body):
    def found(*, polls=0, noise=False, others=None):
        cloud = FakeIonQ(seed=3)
        cloud.transitions.set(AN_HOUR)
        if others is not None:
            cloud.transitions.set(others, name="other")
        send, ids = sender(cloud), []
        for name in ("mine", "other", "mine", "other"):
            backend = "qpu.forte-1" if noise else "simulator"
            ids.append(submit(send, job_body(name=name, backend=backend)))
            for _ in range(polls):
                cloud.clock.sleep(0.5)
                send("GET", f"/jobs/{ids[-1]}")
        return waits(cloud, send, ids[::2])

    plain = found()
    assert found(polls=3) == found(noise=True) == plain
    # Nor do the rules of other jobs, with or without jitter of their own.
    assert found(others=Transitions(started=after(seconds=5))) == plain
    assert found(others=Transitions(finished=after(seconds=50, jitter=9))) == plain


def test_steps_and_projects_have_chance_of_their_own(sender, job_body):
    cloud = FakeIonQ(seed=3)
    each = after(seconds=100, jitter=100)
    cloud.transitions.set(Transitions(ready=each, started=each, finished=each))
    found = []
    for key in ("alices", "bobs"):
        submit(sender(cloud, key), job_body())
        steps = [step.amount for step in cloud.jobs[-1].plan.steps]
        assert all(0 <= step <= 200 for step in steps)
        found += steps
    assert len(set(found)) == 6


def test_what_is_predicted_for_a_job_holds(send, cloud, job_body):
    cloud.transitions.set(AN_HOUR)
    job_id = submit(send, job_body(backend="qpu.forte-1"))
    before = send("GET", f"/jobs/{job_id}")[1]
    cloud.clock.sleep(10_000)
    job = send("GET", f"/jobs/{job_id}")[1]
    began, started = (datetime.fromisoformat(job[name]) for name in ("submitted_at", "started_at"))
    waited_ms = (started - began).total_seconds() * 1000
    assert before["predicted_wait_time_ms"] == pytest.approx(waited_ms, abs=1)
    assert waited_ms != 3_601_000


def test_a_dry_run_waits_for_no_machine_and_children_wait_as_their_parent(sender, cloud, job_body):
    cloud.transitions.set(AN_HOUR)
    send = sender(cloud)
    dry = submit(send, job_body(dry_run=True, backend="qpu.forte-1"))
    cloud.clock.sleep(1)
    assert send("GET", f"/jobs/{dry}")[1]["status"] == "completed"
    circuit = {"circuit": [{"gate": "x", "target": 0}]}
    body = {"gateset": "qis", "qubits": 1, "circuits": [circuit, circuit]}
    submit(send, {"type": "ionq.multi-circuit.v1", "backend": "simulator", "input": body})
    cloud.clock.sleep(10_000)
    send("GET", "/jobs")
    family = [job for job in cloud.jobs if job.id != dry]
    assert len(family) == 3
    assert len({job.started_at for job in family}) == 1


@pytest.mark.parametrize("name", ["socket", "interception"])
def test_jitter_set_by_rule_scenario_or_control_is_the_same(name, ways_in, sender, job_body):
    by_rule, by_scenario, by_control = (
        FakeIonQ(seed=3),
        Scenario(seed=3, transitions=[AS_DATA]).cloud(),
        FakeIonQ(seed=3),
    )
    by_rule.transitions.set(AN_HOUR)
    transport, base = ways_in(name).transport(by_control)
    url = base.removesuffix("/v0.4") + "/_fake/transitions"
    reply = transport.send("POST", url, {}, json.dumps(AS_DATA).encode(), 30.0)
    assert json.loads(reply.body)["transitions"][1] == AS_DATA

    first, second, third = (
        waits(cloud, sender(cloud), [submit(sender(cloud), job_body()) for _ in range(3)])
        for cloud in (by_rule, by_scenario, by_control)
    )

    assert first == second == third
    assert len(set(first)) == 3
