"""Every command: its examples run, its options have variables and are in the documentation."""

import os
import re
import shlex
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.shell_completion import BashComplete
from mkdocs_click._docs import make_command_docs

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.chaos.command import chaos_command
from ionq_toolkit_fake.cli import main, options, serve
from ionq_toolkit_fake.cli.doctor import known_variables
from ionq_toolkit_fake.clock import SystemClock

DOCS = Path(__file__).parents[4] / "docs"


def commands(group=main, name="ionq-fake"):
    context = click.Context(group)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        yield f"{name} {word}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")


COMMANDS = dict(commands())
EXAMPLES = [
    line.strip()
    for command in [main, *COMMANDS.values()]
    for line in re.findall(r"^ +ionq-fake .*$", command.help, re.MULTILINE)
]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example_of_its_command(name):
    assert re.search(rf"^ +{name}\b", COMMANDS[name].help, re.MULTILINE)


@pytest.mark.parametrize("example", dict.fromkeys(EXAMPLES))
def test_an_example_runs(example, run, server, monkeypatch, tmp_path):
    words = shlex.split(example.replace("http://127.0.0.1:8080", server.url))[1:]
    stdin = None
    if "<" in words:
        words, (name,) = words[: words.index("<")], words[words.index("<") + 1 :]
        stdin = (tmp_path / name).read_text()
    if words[0] == "chaos":  # its runs take long: tests/behaviour/test_chaos.py
        assert chaos_command.make_context("chaos", words[1:])
        return
    if words[0] == "conformance":  # tests/unit/ionq_toolkit_fake/conformance
        assert COMMANDS["ionq-fake conformance"].make_context("conformance", words[1:])
        return
    if words[0] == "serve":
        (tmp_path / "fake.toml").write_text("port = 0\n")
        monkeypatch.setattr(serve, "_serve", lambda *_: None)
        monkeypatch.setattr(serve.asyncio, "run", lambda _: None)
        monkeypatch.setattr(serve.signal, "signal", lambda *_: None)
    if words[0] == "doctor":
        monkeypatch.setattr("ionq_toolkit_fake.cli.doctor._worker", lambda: iter(()))
    if words[0] in {"snapshot", "doctor"}:
        FakeIonQ(state=tmp_path / "lab.db").close()

    def interrupt(*_):
        raise KeyboardInterrupt

    if "--follow" in words:
        monkeypatch.setattr(SystemClock, "sleep", interrupt)
    if "remove" in words:
        run("faults", "add", "faults.http(429), on='GET /whoami'")
    variables = {"JOB": run("submit", "bell.json").stdout.strip()}
    if "$OPEN_JOB" in words:
        server.cloud.transitions.set("predicted")
        variables["OPEN_JOB"] = run(
            "submit", "bell.json", "--backend", "qpu.forte-1"
        ).stdout.strip()
    words = [variables.get(word.removeprefix("$"), word) for word in words]
    run(*words, code=130 if "--follow" in words else 0, stdin=stdin)


def test_every_option_has_a_variable_of_its_own_and_is_documented():
    page = (DOCS / "reference" / "command-line.md").read_text()
    assert ":module: ionq_toolkit_fake.cli\n" in page
    text = re.sub(r"\s+", " ", " ".join(make_command_docs("ionq-fake", main, style="plain")))
    found = Counter()
    for name, command in COMMANDS.items():
        for option in command.params:
            if not isinstance(option, click.Option) or "--help" in option.opts:
                continue
            long = options.long_name(option)
            assert option.help or option.show_default, (name, long)
            assert long in text, (name, long)
            assert str(option.envvar) in text, (name, long)
            if long in options.SHARED:
                assert option.envvar == options.SHARED[long]
                assert option.envvar in page
            else:
                found[option.envvar] += 1
                word = f"{name.removeprefix('ionq-fake ')} {long.removeprefix('--')}"
                assert option.envvar == "IONQ_FAKE_" + re.sub("[ -]", "_", word).upper()
    assert set(found.values()) == {1}
    assert known_variables() == {*found, *options.SHARED.values()}


@pytest.mark.parametrize("name", [n for n, c in COMMANDS.items() if not isinstance(c, click.Group)])
def test_every_command_prints_json_or_serves(name):
    names = {option for one in COMMANDS[name].params for option in one.opts}
    assert "--json" in names or name == "ionq-fake serve"


def test_shells_complete_commands_and_options():
    complete = BashComplete(main, {}, "ionq-fake", "_IONQ_FAKE_COMPLETE").get_completions
    assert {one.value for one in complete([], "s")} == {
        "scenarios",
        "serve",
        "snapshot",
        "status",
        "submit",
    }
    if version("click") == "8.2.0":
        return  # it completes nothing of a command within a group
    assert [one.value for one in complete(["jobs", "list"], "--st")] == ["--status"]
    assert [one.value for one in complete(["jobs", "list", "--status"], "fa")] == ["failed"]


def test_exit_codes_are_documented():
    page = (DOCS / "reference" / "command-line.md").read_text()
    for code in (0, 1, 2, 3, 4, 5, 6, 130):
        assert re.search(rf"^\| {code} +\|", page, re.MULTILINE), code


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("no_color", ["", "1"])
def test_tables_fit_a_terminal_and_honour_no_color(run, monkeypatch, capsys, no_color):
    from ionq_toolkit_fake.cli import output  # noqa: PLC0415

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr(output.sys.stdout, "isatty", lambda: True, raising=False)
    row = ("019b76da-a800-737d-b1e0-8369d0ae1f49", "completed", "qpu.forte-enterprise-1", 1000,
           "16:57", "a name")  # fmt: skip
    columns = ("id", "status", "backend", "shots", "time", "name")
    output.print_table(columns, [row], numeric=("shots",), fold=("backend", "name"))
    shown = capsys.readouterr().out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert all(len(line) <= 80 for line in plain.splitlines())
    assert all(str(row[n]) in plain.splitlines()[1] for n in (0, 1, 3, 4))
    assert ("\x1b[32m" in shown) is not bool(no_color)
