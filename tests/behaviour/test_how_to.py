"""Every snippet of the how-to pages is a test file that passes."""

import re
from pathlib import Path

import pytest
import scipy.stats  # noqa: F401 - what a snippet imports is forgotten after it, and this cannot be

pytest_plugins = ["pytester"]


def is_alone(snippet):
    """Other libraries cannot be imported twice in a process of many tests."""
    return "qiskit_ionq" in snippet or "pennylane" in snippet


def marks(snippet):
    return pytest.mark.slow if is_alone(snippet) else ()


PAGES = sorted((Path(__file__).parents[2] / "docs" / "how-to").glob("*.md"))
SNIPPETS = [
    pytest.param(block, id=f"{page.stem}-{number}", marks=marks(block))
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    )
]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_snippet_passes_as_a_file_of_tests(snippet, pytester, monkeypatch):
    monkeypatch.delenv("IONQ_API_KEY", raising=False)
    for client in ("cirq_ionq", "pennylane"):
        if client in snippet:  # left out of the tests with the oldest versions
            pytest.importorskip(client, reason=f"{client} needs newer versions than these")
    pytester.makepyfile(snippet)
    run = pytester.runpytest_subprocess if is_alone(snippet) else pytester.runpytest_inprocess
    result = run("-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes()["passed"] == len(re.findall(r"^ *def test_", snippet, re.M)) or (
        "parametrize" in snippet
    )


def test_every_page_is_listed_and_has_a_snippet():
    index = PAGES[0].with_name("README.md").read_text()
    for page in PAGES:
        assert page.name == "README.md" or f"({page.name})" in index
        assert page.name == "README.md" or "```python" in page.read_text()
