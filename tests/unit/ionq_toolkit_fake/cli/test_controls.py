import json

import pytest

from ionq_toolkit_fake.clock import SystemClock


def test_status_counts_what_the_server_keeps(run):
    run("submit", "bell.json")
    run("faults", "add", "faults.http(429)")
    found = json.loads(run("status", "--json").stdout)
    assert (found["seed"], found["jobs"], found["fault_rules"]) == (5, {"completed": 1}, 1)
    assert found["takes_every_key"] is True
    assert json.loads(run("status", IONQ_FAKE_JSON="1").stdout) == found
    shown = run("status").stdout
    assert "1 (1 completed)" in shown
    assert "every key is accepted" in shown


def test_clock_is_advanced_and_set(run, server):
    assert run("clock", "advance", "1h30m").stdout.startswith("2026-01-01 01:30:00.000 UTC")
    found = json.loads(run("clock", "set", "2026-01-02T00:00Z", "--json").stdout)
    assert found == json.loads(run("clock", "show", "--json").stdout)
    assert found["elapsed_s"] == 86400
    assert "does not go back" in run("clock", "set", "2026-01-01", code=1).stderr
    assert "is not a duration" in run("clock", "advance", "soon", code=2).stderr


def test_faults_are_added_listed_and_removed_as_in_python(run, server):
    line = 'faults.http(429, retry_after=3), on="POST /jobs", times=2'
    assert run("faults", "list").stdout == ""
    rows = run("faults", "add", line).stdout.splitlines()
    assert rows[1].split() == ["1", "http", "POST", "/jobs", "0", "of", "2", "status=429,",
                               "retry_after=3"]  # fmt: skip
    run("faults", "add", f"cloud.faults.add({line})")
    first, second = (armed.rule for armed in server.cloud.faults.rules)
    assert first == second
    run("faults", "remove", "1")
    assert [armed.number for armed in server.cloud.faults.rules] == [2]
    assert "there is no rule" in run("faults", "remove", "1", code=5).stderr
    run("faults", "remove", code=2)
    run("faults", "remove", "--all")
    assert server.cloud.faults.rules == ()


def test_a_fault_with_a_key_sends_its_digest(run, server):
    run("faults", "add", 'faults.http(500), key="a-secret"')
    assert "a-secret" not in str(server.cloud.faults.rules)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("faults.htp(429)", "Did you mean 'http'"),
        ("faults.http()", "status"),
        ("faults.http(429), on='POST /job'", "there is no operation"),
        ("faults.http(429", "is not a line of Python"),
        ("429", "begins with a fault"),
        ("faults.http(__import__('os'))", "is not a number or a text"),
        ("faults.http(429), tims=1", "unexpected keyword"),
        ("faults.http(*[429])", "is not a number or a text"),
    ],
)
def test_a_line_that_is_no_fault_is_explained(run, server, line, message):
    assert message in run("faults", "add", line, code=2).stderr
    assert server.cloud.faults.rules == ()


def test_requests_are_listed_and_followed(run, server, monkeypatch):
    run("faults", "add", 'faults.http(503), on="GET /whoami", times=1')
    run("submit", "bell.json")
    server.cloud.handle("GET", "/v0.4/whoami", {"Authorization": "apiKey a"})
    lines = run("requests").stdout.splitlines()
    assert [line.split()[1:] for line in lines] == [
        ["201", "POST", "/v0.4/jobs"],
        ["503", "GET", "/v0.4/whoami", "[http]"],
    ]
    turns = iter(range(3))

    def more(*_):
        if next(turns) == 2:
            raise KeyboardInterrupt
        server.cloud.handle("GET", "/v0.4/health", {})

    monkeypatch.setattr(SystemClock, "sleep", more)
    followed = run("requests", "--follow", "--limit", 1, "--json", code=130).stdout.splitlines()
    paths = [json.loads(line)["path"] for line in followed]
    assert paths == ["/v0.4/whoami", "/v0.4/health", "/v0.4/health"]
