"""serve --config FILE: its keys are the options, below the environment."""

import pytest
from click.testing import CliRunner

from ionq_toolkit_fake.cli import main, serve


@pytest.fixture
def served(monkeypatch, tmp_path):
    """Return what `serve` would serve, for a configuration, an environment and a command line."""

    def served(config, *arguments, **environment):
        file = tmp_path / "fake.toml"
        file.write_text(config)
        found = {}

        async def note(cloud, host, port, guard):
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
