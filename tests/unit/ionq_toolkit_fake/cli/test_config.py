"""serve --config FILE: its keys are the options, below the environment."""

import sqlite3

import pytest
from click.testing import CliRunner

from ionq_toolkit_fake.cli import main, serve
from ionq_toolkit_fake.store.sqlite import SqliteStore


@pytest.fixture
def served(monkeypatch, tmp_path):
    """Return what `serve` would serve, for a configuration, an environment and a command line."""

    def served(config, *arguments, **environment):
        file = tmp_path / "fake.toml"
        file.write_text(config)
        found = {}

        async def note(cloud, host, port, guard, *_):
            found.update(cloud=cloud, host=host, port=port, guard=guard)

        monkeypatch.setattr(serve, "_serve", note)
        monkeypatch.setattr(serve.signal, "signal", lambda *_: None)
        command = ["serve", "--config", str(file), *arguments]
        done = CliRunner().invoke(main, command, env=environment)
        return done, found

    return served


def test_command_line_goes_before_environment_before_file_before_default(served):
    config = "port = 1\nhost = '127.0.0.2'\nseed = 1\nclock = 'virtual'\n"
    done, found = served(
        config, "--port", "3", IONQ_FAKE_SERVE_PORT="2", IONQ_FAKE_SERVE_HOST="127.0.0.3"
    )
    assert done.exit_code == 0, done.output
    assert (found["port"], found["host"], found["cloud"].seed) == (3, "127.0.0.3", 1)
    assert found["cloud"].takes_every_key
    assert served("port = 1", IONQ_FAKE_SERVE_PORT="2")[1]["port"] == 2
    assert served("port = 1")[1]["port"] == 1
    assert served("")[1]["port"] == 8080


def test_every_kind_of_value_is_read(served):
    done, found = served(
        "insecure = true\nhost = '0.0.0.0'\njob-memory = 1.5\napi-key = ['a', 'b']\n"
        "allow-host = ['lab']\n[status]\n'qpu.aria-1' = 'available'\n"
    )
    assert done.exit_code == 0, done.output
    cloud = found["cloud"]
    assert not cloud.takes_every_key
    assert cloud.facility.devices["qpu.aria-1"].status == "available"


def test_retention_is_given_by_options_and_by_a_scenario(served, tmp_path):
    _, found = served("keep-jobs = 7", "--keep-days", "1.5")
    assert found["cloud"]._agenda.retention == (7, 1.5, 1000)
    (tmp_path / "few.toml").write_text("[retention]\njobs = 5\nsessions = 3\n")
    _, found = served("", "--scenario", str(tmp_path / "few.toml"), IONQ_FAKE_SERVE_KEEP_DAYS="2")
    assert found["cloud"]._agenda.retention == (5, 2, 3)
    assert served("")[1]["cloud"]._agenda.retention == (100_000, None, 1000)
    assert "--keep-jobs" in served("", "--keep-jobs", "-1")[0].output


def _foreign(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (x)")
    database.close()


def _newer(path):
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA application_id = 1232039505")
        database.execute("PRAGMA user_version = 99")
    database.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("a diary, " * 500), "restore a snapshot, or give another"),
        (_foreign, "is a database of another program: give another file"),
        (_newer, "update ionq-toolkit, or give another file"),
        (None, "end that one, connect to it, or give another file"),
    ],
    ids=["damaged", "foreign", "newer", "in use"],
)
def test_serve_refuses_a_state_in_one_line_that_says_what_to_do(served, tmp_path, make, message):
    path = tmp_path / "lab.db"
    other = SqliteStore(path) if make is None else None
    if make is not None:
        make(path)
    before = path.read_bytes()
    done, found = served("", "--state", str(path))
    assert (done.exit_code, found) == (1, {})
    assert message in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert path.read_bytes() == before
    if other is not None:
        other.close()


def test_a_file_is_named_by_the_environment(monkeypatch, served, tmp_path):
    served("")
    (tmp_path / "other.toml").write_text("prt = 1")
    done = CliRunner().invoke(
        main, ["serve"], env={"IONQ_FAKE_SERVE_CONFIG": str(tmp_path / "other.toml")}
    )
    assert done.exit_code == 2
    assert "Did you mean 'port'?" in done.stderr


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("prot = 1", "Did you mean 'port'?"),
        ("job_memory = 1", "Did you mean 'job-memory'?"),
        ("config = 'other.toml'", "there is no option 'config'"),
        ("[serve]\nport = 1", "there is no option 'serve'"),
        ("port = true", "port must be a text or a number"),
        ("port = 'x'", "port: 'x' is not a valid integer"),
        ("port = 70000", "port: 70000 is not in the range"),
        ("seed = 1.5", "seed: '1.5' is not a valid integer"),
        ("insecure = 'no'", "insecure must be true or false"),
        ("status = 'a'", "status must be a list of texts"),
        ("port = ", "cannot be read"),
        ("clock = 'rael'", "clock: 'rael' is not one of"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(served, config, message):
    done, found = served(config)
    assert (done.exit_code, found) == (2, {})
    assert message in done.stderr
    assert "fake.toml" in done.stderr


@pytest.mark.parametrize("config", ["api-key = 'a-secret'", "token = ['a-secret']"])
def test_a_secret_of_a_file_is_never_shown(served, config):
    done, _ = served(config)
    assert done.exit_code == 2
    assert "a-secret" not in done.output


@pytest.mark.parametrize("way", ["command line", "file", "scenario"])
def test_characterization_and_capacity_for_sessions_are_options(served, tmp_path, way):
    scenario = tmp_path / "lab.toml"
    scenario.write_text("characterization = 'nominal'\nsession_capacity = 2\n")
    config, *arguments = {
        "command line": ("", "--characterization", "nominal", "--session-capacity", "2"),
        "file": ("characterization = 'nominal'\nsession-capacity = 2\n",),
        "scenario": ("", "--scenario", str(scenario)),
    }[way]
    done, found = served(config, *arguments)
    assert done.exit_code == 0, done.output
    assert "qpu-loses-signal" not in found["cloud"].deviations
    assert found["cloud"].facility.session_capacity == 2


def test_options_go_before_those_of_the_scenario(served, tmp_path):
    scenario = tmp_path / "lab.toml"
    scenario.write_text("characterization = 'nominal'\nsession_capacity = 2\n")
    more = ("--characterization", "as run", "--session-capacity", "0")
    _, found = served("", "--scenario", str(scenario), *more)
    assert "qpu-loses-signal" in found["cloud"].deviations
    assert found["cloud"].facility.session_capacity == 0
    assert served("", "--characterization", "perfect")[0].exit_code == 2
