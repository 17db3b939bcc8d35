"""Scenarios: by name, by file and by token, through every way in."""

import json

import pytest
from click.testing import CliRunner

from ionq_toolkit import errors
from ionq_toolkit_fake import FakeIonQ, Retention, Scenario, faults
from ionq_toolkit_fake.cli import main
from ionq_toolkit_fake.scenario import names

TOML = """
description = "a bad morning"
seed = 3
clock = "virtual"
deviations = ["results-urls"]

[keys]
"alices-key" = "physics"
"bobs-key" = { project = "biology", quota = 30.0, targets = ["simulator"] }

[statuses]
"qpu.aria-1" = "available"

[fidelities."qpu.forte-1"]
2q = 0.9

[[transitions]]
ready = { polls = 1 }

[[transitions]]
match = { nth = 2 }
end = { code = "SystemCancel" }

[[faults]]
fault = "http"
status = 429
retry_after = 3
on = "POST /jobs"
times = 1
key = "alices-key"
"""
JOB = {
    "type": "ionq.circuit.v1",
    "backend": "simulator",
    "input": {"qubits": 1, "circuit": [{"gate": "x", "target": 0}]},
}


def asks(cloud, key="alices-key"):
    """Send some requests and return all that comes back."""
    found = []

    def ask(method, path, body=None):
        headers = {"Authorization": f"apiKey {key}"}
        content = None if body is None else json.dumps(body).encode()
        try:
            reply = cloud.handle(method, f"/v0.4{path}", headers, content, 30.0)
        except (ConnectionError, TimeoutError) as error:
            found.append((type(error), str(error)))
            return {}
        found.append(tuple(reply))
        return json.loads(reply.body) if reply.body.startswith(b"{") else {}

    for _ in range(3):
        ask("POST", "/jobs", JOB)
    for job in ask("GET", "/jobs").get("jobs", []):
        for _ in range(2):
            ask("GET", f"/jobs/{job['id']}")
    ask("GET", "/backends")
    return found


def test_a_file_says_everything_about_a_cloud(tmp_path):
    path = tmp_path / "morning.toml"
    path.write_text(TOML)
    scenario = Scenario.of(str(path))
    cloud = scenario.cloud()

    assert (scenario.description, cloud.seed) == ("a bad morning", 3)
    assert cloud.deviations == {"results-urls"}
    assert cloud.facility.devices["qpu.aria-1"].status == "available"
    assert cloud.facility.devices["qpu.forte-1"].performance.two_qubits == 0.9
    assert cloud.facility.devices["qpu.forte-1"].performance.one_qubit == 0.9998
    first, second, third, listed, *_ = asks(cloud)
    assert (first[0], first[1]["retry-after"]) == (429, "3")
    assert (second[0], third[0]) == (201, 201)
    statuses = [job["status"] for job in json.loads(listed[2])["jobs"]]
    assert statuses == ["submitted", "submitted"]
    jobs = cloud.jobs
    assert [job.failure and job.failure.code for job in jobs] == ["SystemCancel", None]
    assert asks(cloud, "anybodys-key")[0][0] == 401
    assert asks(cloud, "bobs-key")[0][0] == 201


def test_no_key_is_in_a_scenario_or_its_token(tmp_path):
    scenario = Scenario.from_toml(TOML)
    for shown in (repr(scenario), json.dumps(scenario.to_dict()), repr(scenario.cloud())):
        assert "alices" not in shown
    again = Scenario.of(scenario.token())
    assert asks(again.cloud()) == asks(scenario.cloud())


@pytest.mark.parametrize(
    "parts",
    [
        {"seed": 0},
        {"deviations": []},
        {"keys": {}},
        {
            "deviations": ["results-urls"],
            "keys": {"alices-key": "p"},
            "transitions": [{"ready": {"polls": 2}}],
        },
        {"transitions": [{"end": {"status": "canceled"}}], "statuses": {"qpu.aria-1": "available"}},
    ],
)
def test_a_token_loses_nothing_of_it(parts):
    scenario = Scenario(**parts)
    again = Scenario.of(scenario.token())
    assert again == scenario
    assert (again.cloud(1).deviations, asks(again.cloud(1))) == (
        scenario.cloud(1).deviations,
        asks(scenario.cloud(1)),
    )
    assert set(scenario.to_dict()) == set(parts)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_the_same_bytes_come_of_its_name_its_token_and_after_a_reset(name):
    scenario = Scenario.of(name)
    cloud = scenario.cloud(seed=5)
    expected = asks(cloud)
    assert asks(Scenario.of(scenario.token(5)).cloud()) == expected
    assert asks(Scenario.from_dict(json.loads(json.dumps(scenario.to_dict()))).cloud(5)) == expected
    cloud.reset()
    assert asks(cloud) == expected
    assert asks(scenario.cloud(seed=6)) != expected


@pytest.mark.slow
def test_the_ready_made_ones_are_what_they_say():
    def kinds(name, seed):
        found = asks(Scenario.of(name).cloud(seed))
        return [one[0] for one in found]

    everything = [kind for seed in range(20) for kind in kinds("flaky-network", seed)]
    assert {ConnectionResetError, TimeoutError, 201, 200} <= set(everything)
    limited = [kind for seed in range(20) for kind in kinds("rate-limited", seed)]
    assert 0.3 < limited.count(429) / len(limited) < 0.5
    down = Scenario.of("maintenance").cloud(1)
    assert [one[0] for one in asks(down)] == [503] * 5
    assert 503 not in [one[0] for one in asks(down)]
    assert down.facility.devices["qpu.forte-1"].status == "unavailable"
    queue = Scenario.of("busy-queue").cloud(1)
    body = {**JOB, "backend": "qpu.forte-1"}
    ids = [
        json.loads(
            queue.handle(
                "POST", "/v0.4/jobs", {"Authorization": "apiKey k"}, json.dumps(body).encode()
            ).body
        )["id"]
        for _ in range(2)
    ]
    queue.clock.sleep(3601)
    assert [queue.peek(job).status for job in ids] == ["ready", "ready"]
    queue.clock.sleep(60)
    assert queue.peek(ids[0]).status == "completed"
    noisy = Scenario.of("noisy-forte").cloud(1)
    forte = noisy.facility.devices["qpu.forte-1"]
    usual = FakeIonQ(1).facility.devices["qpu.forte-1"]
    assert 1 - forte.performance.two_qubits == pytest.approx(
        10 * (1 - usual.performance.two_qubits)
    )


def test_a_scenario_is_the_same_through_every_way_in(way):
    scenario = Scenario.of("rate-limited")
    direct = scenario.cloud(seed=4)
    transport, base = way.transport(scenario.cloud(seed=4))
    for _ in range(10):
        expected = direct.handle("GET", "/v0.4/whoami", {"Authorization": "apiKey any"}, None, 30.0)
        found = transport.send("GET", f"{base}/whoami", {"Authorization": "apiKey any"}, None, 30.0)
        assert (found.status, found.body) == (expected.status, expected.body)
    assert {429, 200} == {request.status for request in direct.requests}


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("seeds = 1", "no part of a scenario 'seeds'.*Did you mean 'seed'"),
        ("seed = 'x'", "seed must be a whole number"),
        ("seed = true", "seed must be a whole number"),
        ("clock = 'wall'", "no clock 'wall'"),
        ("clock = 3", "clock must be a text, is 3"),
        ("statuses = 3", "statuses must be a table"),
        ("[statuses]\n'qpu.aria-9' = 'available'", "no backend 'qpu.aria-9'.*Did you mean"),
        ("[fidelities.simulator]\n1q = 0.9", "no machine 'simulator'"),
        ("[fidelities.'qpu.forte-1']\n3q = 0.9", "no fidelity '3q'"),
        ("[fidelities.'qpu.forte-1']\n2q = 99.5", "from 0.25 to 1, is 99.5"),
        ("fidelities = {'qpu.forte-1' = 1}", "must be a table of 1q, 2q, spam"),
        ("deviations = ['none']", "no deviation 'none'"),
        ("transitions = 'now'", "transitions must be a list"),
        ("[[transitions]]\nredy = 'never'", "no transition 'redy'.*Did you mean 'ready'"),
        ("[[faults]]\nkind = 'http'", "at least the key 'fault'"),
        ("[[faults]]\nfault = 'http'\nstatus = 429\non = 'POST /job'", "POST /job"),
        ("[keys]\n'' = 'physics'", "an API key is a text that is not empty"),
        ("[keys]\nk = 3", "a key must be the name of a project"),
        ("[keys]\nk = {project = 'p', scope = []}", "no part of a key 'scope'"),
        ("polls_per_status = 1", "no part of a scenario 'polls_per_status'"),
        ("this is no TOML", "Expected"),
    ],
)
def test_from_toml_rejects_invalid_settings(toml, message, tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(toml)
    with pytest.raises(ValueError, match=rf"(?s)wrong\.toml: .*{message}"):
        Scenario.of(str(path))


@pytest.mark.parametrize(
    "text",
    [
        *("ionq-scenario-1.", "ionq-scenario-1.x", "ionq-scenario-1.!!!!", "ionq-scenario-1.eJw"),
        "ionq-scenario-1." + "A" * 5000,
    ],
)
def test_from_token_rejects_invalid_token(text):
    with pytest.raises(ValueError, match="no token of a scenario"):
        Scenario.of(text)


def test_from_token_rejects_part_of_a_token():
    token = Scenario.of("flaky-network").token(1)
    with pytest.raises(ValueError, match="no token of a scenario"):
        Scenario.of(token[:-20])


def test_unknown_names_and_files_are_refused():
    with pytest.raises(ValueError, match=r"no scenario 'busy-que'.*Did you mean 'busy-queue'"):
        Scenario.of("busy-que")
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        Scenario.of("no-such.toml")


def test_the_command_lists_them():
    done = CliRunner().invoke(main, ["scenarios"])
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.output.splitlines()] == ["NAME", *names()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scenario", "busy-que"], "Did you mean 'busy-queue'"),
        (["--scenario", "busy-queue", "--status", "qpu.aria-1=available"], "says it all"),
    ],
)
def test_the_command_refuses_what_cannot_be(options, message):
    done = CliRunner().invoke(main, ["serve", "--port", "0", *options])
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_job_that_the_scenario_lets_fail_is_told_by_the_client(way, bell):
    scenario = Scenario(transitions=[{"end": {"code": "SystemCancel"}}])
    backend = way.provider(scenario.cloud(seed=1)).get_backend("simulator")
    with pytest.raises(errors.IonQJobFailureError) as caught:
        backend.run(bell).result()
    assert caught.value.code == "SystemCancel"


# --- how good QPUs are, and how many sessions they have room for ---------------------------------

OPTIMISTIC = Scenario(seed=1, characterization="nominal", session_capacity=1)


@pytest.mark.parametrize(
    "again", [OPTIMISTIC, Scenario.of(OPTIMISTIC.token())], ids=["it", "token"]
)
def test_a_scenario_has_the_characterization_and_the_capacity_for_sessions(again, sender):
    cloud = again.cloud()
    assert "qpu-loses-signal" not in cloud.deviations
    send = sender(cloud)
    statuses = [send("POST", "/sessions", {"backend": "qpu.forte-1"})[0] for _ in range(2)]
    assert statuses == [201, 409]


def test_a_file_has_them_too():
    found = Scenario.from_toml('characterization = "nominal"\nsession_capacity = 0\n')
    assert found.to_dict() == {"characterization": "nominal", "session_capacity": 0}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"characterization": "perfect"}, "as run"),
        ({"session_capacity": -1}, "session_capacity"),
        ({"session_capacity": True}, "session_capacity"),
        ({"session_capacity": 1.5}, "session_capacity"),
    ],
)
def test_a_scenario_refuses_a_characterization_or_capacity_that_there_is_not(settings, words):
    with pytest.raises(ValueError, match=words):
        Scenario(**settings)


def test_retention_of_a_scenario_is_that_of_its_cloud():
    scenario = Scenario.from_toml("[retention]\njobs = 2\ndays = 1.5\n")
    assert scenario.cloud()._agenda.retention == Retention(jobs=2, days=1.5)
    assert Scenario.of(scenario.token()) == scenario
    given = Retention(jobs=9)
    assert scenario.cloud(retention=given)._agenda.retention == given


@pytest.mark.parametrize(
    ("retention", "message"),
    [({"job": 1}, "part of a retention"), ({"jobs": -1}, "at least 0"), (3, "a table")],
)
def test_invalid_retention_of_a_scenario_is_refused(retention, message):
    with pytest.raises(ValueError, match=message):
        Scenario(retention=retention)


def test_a_scenario_that_cannot_be_applied_changes_nothing():
    cloud = FakeIonQ(seed=1)
    cloud.faults.add(faults.http(500))  # happens to every request
    scenario = Scenario(
        faults=[{"fault": "latency", "seconds": 1}, {"fault": "reset"}],
        statuses={"qpu.forte-1": "unavailable"},
        transitions=[{"ready": "never"}],
    )
    with pytest.raises(ValueError, match="never fires"):
        scenario.apply(cloud)
    assert [armed.rule.fault.kind for armed in cloud.faults.rules] == ["http"]
    assert cloud.transitions.rules == ()
    assert cloud.facility.devices["qpu.forte-1"].status == "available"


def test_changes_of_backends_hold_until_a_reset_and_all_are_made_or_none():
    cloud = FakeIonQ(seed=1, statuses={"qpu.aria-1": "available"})
    with pytest.raises(ValueError, match=r"qpu\.nothing"):
        cloud.change_backends({"qpu.forte-1": "retired", "qpu.nothing": "retired"})
    assert cloud.facility.devices["qpu.forte-1"].status == "available"
    cloud.change_backends({"qpu.forte-1": "retired"}, {"qpu.forte-1": {"2q": 0.9}})
    changed = cloud.facility.devices["qpu.forte-1"]
    assert (changed.status, changed.performance.two_qubits) == ("retired", 0.9)
    assert cloud.facility.newest("qpu.forte-1").two_qubits < 0.93
    cloud.reset()
    assert cloud.facility.devices["qpu.forte-1"].status == "available"
    assert cloud.facility.devices["qpu.aria-1"].status == "available"
    assert cloud.facility.newest("qpu.forte-1").spam > 0.99
