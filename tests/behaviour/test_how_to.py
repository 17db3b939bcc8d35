"""Snippets of the pages run: tests pass as files, scripts print the output that the page shows."""

import contextlib
import doctest
import io
import re
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import scipy.stats  # noqa: F401 - what a snippet imports is forgotten after it, and this cannot be

from ionq_toolkit.cli import main as ionq_toolkit_command
from ionq_toolkit_fake import Scenario, mock_ionq
from ionq_toolkit_fake.cli import main as ionq_fake_command

pytest_plugins = ["pytester"]

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {page.relative_to(DOCS).as_posix(): page.read_text() for page in sorted(DOCS.rglob("*.md"))}
COMMANDS = {"ionq-fake": ionq_fake_command, "ionq-toolkit": ionq_toolkit_command}

#: A test that the page shows to fail has this comment before it.
_FAILS = "<!-- fails -->"

_FENCE = re.compile(
    rf"(?P<fails>^{_FAILS}\n+)?"
    r"^```(?P<language>\w+)(?P<info>[^\n]*)\n(?P<code>.*?)^```$"
    r"(?:\n+```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


class Snippet(NamedTuple):
    """A fenced block: its file, the output below it, and whether it is a test that fails."""

    code: str
    file: str | None
    output: str | None
    fails: bool

    @property
    def is_test(self):
        return re.search(r"^\s*(async )?def test_", self.code, re.MULTILINE) is not None


def snippets(page, language="python"):
    found = _FENCE.finditer(PAGES[page])
    return [
        Snippet(
            m["code"],
            (re.findall(r'title="([^"]+)"', m["info"]) or [None])[0],
            m["output"],
            bool(m["fails"]),
        )
        for m in found
        if m["language"] == language
    ]


def is_alone(code):
    """Other libraries cannot be imported twice in a process of many tests."""
    return "qiskit_ionq" in code or "pennylane" in code


def is_slow(code):
    return is_alone(code) or "NoiseModel" in code or "addopts" in code


def find_tests():
    for page in PAGES:
        files = []
        for number, snippet in enumerate(snippets(page)):
            if snippet.is_test:
                marks = pytest.mark.slow if is_slow(snippet.code) else ()
                yield pytest.param(snippet, tuple(files), id=f"{page}-{number}", marks=marks)
            elif snippet.file:
                files.append(snippet)


def find_scripts():
    for page in PAGES:
        found = [one for one in snippets(page) if not one.is_test and not one.file]
        if found:
            slow = any(is_slow(one.code) for one in found)
            yield pytest.param(found, id=page, marks=pytest.mark.slow if slow else ())


@pytest.mark.parametrize(("snippet", "files"), [*find_tests()])
def test_a_snippet_passes_as_a_file_of_tests(snippet, files, pytester, monkeypatch):
    monkeypatch.delenv("IONQ_API_KEY", raising=False)
    for client in ("cirq_ionq", "pennylane"):
        if client in snippet.code:  # left out of the tests with the oldest versions
            pytest.importorskip(client, reason=f"{client} needs newer versions than these")
    monkeypatch.syspath_prepend(str(pytester.path))
    for one in files:
        pytester.path.joinpath(one.file).write_text(one.code)
    pytester.makepyfile(snippet.code)
    run = pytester.runpytest_subprocess if is_alone(snippet.code) else pytester.runpytest_inprocess
    result = run("-p", "no:cacheprovider")
    if snippet.fails:
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*its cloud again: *--ionq-scenario ionq-scenario-1.*"])
        return
    assert result.ret == pytest.ExitCode.OK
    written = len(re.findall(r"^\s*def test_", snippet.code, re.MULTILINE))
    assert result.parseoutcomes()["passed"] == written or "parametrize" in snippet.code


@pytest.mark.parametrize("found", [*find_scripts()])
def test_the_scripts_of_a_page_print_what_it_shows(found, monkeypatch, tmp_path):
    """One after the other, as a reader would; requests for the real service reach a fake."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IONQ_API_KEY", "a key")
    monkeypatch.setenv("MPLBACKEND", "agg")
    names = {"__name__": "page"}
    checker, options = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    with mock_ionq():
        for snippet in found:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(snippet.code, "page", "exec"), names)
            if snippet.output is not None:
                got = printed.getvalue()
                assert checker.check_output(snippet.output, got, options), f"it prints:\n{got}"


@pytest.mark.parametrize("page", ["reference/scenario-file.md", "how-to/keys.md"])
def test_the_scenarios_of_a_page_can_be_loaded(page):
    assert snippets(page, "toml")
    for snippet in snippets(page, "toml"):
        if snippet.file is not None:  # of another kind, such as pyproject.toml
            continue
        assert Scenario.from_toml(snippet.code).cloud(seed=1).seed == 1


def test_commands_and_options_of_the_pages_exist():
    lines = [
        (page, line.removeprefix("$ "))
        for page in PAGES
        for language in ("sh", "yaml", "console")
        for snippet in snippets(page, language)
        for line in re.sub(r"\\\n\s*", " ", snippet.code).splitlines()
    ]
    checked = 0
    for page, line in lines:
        for name, rest in re.findall(r"^\W*(ionq-fake|ionq-toolkit) +([^|&>#;]*)", line):
            words = rest.split()
            command = COMMANDS[name]
            while words and not words[0].startswith("-") and isinstance(command, click.Group):
                found = command.get_command(click.Context(command), words.pop(0))
                assert found, f"{page}: {line}"
                command = found
            known = {o for p in command.get_params(click.Context(command)) for o in p.opts}
            options = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert options <= known | {"--version"}, f"{page}: {line}"
            checked += 1
    assert checked >= 8


def test_every_how_to_page_is_listed():
    index = PAGES["how-to/README.md"]
    for page in PAGES:
        if page.startswith("how-to/") and page != "how-to/README.md":
            assert f"({page.removeprefix('how-to/')})" in index
