"""The pages name files that exist, and the decisions have one form."""

import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import ionq_toolkit
import ionq_toolkit_fake

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("0*.md"))
FOLDERS = ("ionq_toolkit", "ionq_toolkit_fake", "tests", "docs", "benchmarks", "scripts")
PACKAGES = FOLDERS[:2]
HEADINGS = [
    "Status",
    "Context",
    "Decision",
    "Alternatives considered",
    "Consequences",
    "Tests that hold it",
]


def names(pages):
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


@pytest.mark.parametrize("page", names(PAGES))
def test_links_and_paths_exist(page):
    text = page.read_text()
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []
    paths = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", names(DECISIONS))
def test_decision_has_all_headings_and_is_in_the_index(page):
    text = page.read_text()
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == HEADINGS
    title = re.match(r"# (\d+)\. (.*)", text)
    index = page.with_name("README.md").read_text()
    assert f"| [{title[1]}]({page.name}) | {title[2]} |" in index
    assert int(title[1]) == int(page.name[:4])
    _, _, last = text.partition(HEADINGS[-1])
    assert re.findall(r"`(?:tests|benchmarks|scripts)/[\w./-]+`", last)


@pytest.mark.parametrize("package", PACKAGES)
def test_architecture_page_lists_every_module_at_the_top(package):
    text = (ROOT / "docs" / "architecture.md").read_text()
    _, _, tree = text.partition(f"\n    {package}/\n")
    rows, _, _ = tree.partition("\n\n")
    listed = set(re.findall(r"^      ([\w.]+)", rows, re.MULTILINE)) | {"scenarios"}
    there = {p.name for p in (ROOT / package).iterdir() if p.suffix == ".py" or [*p.glob("*.py")]}
    assert sorted(name for name in there - listed if not name.startswith("_")) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_layers_of_the_architecture_page_agree_with_the_contracts(package):
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = re.findall(r"^\|(.*)\|(.*)\|$", text.replace(r"\|", ","), re.MULTILINE)
    cells = [re.findall(r"`(\w+)`", row[PACKAGES.index(package)]) for row in table]
    row_of = {module: row for row, cell in enumerate(cells) for module in cell}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (c["layers"] for c in settings["contracts"] if c.get("containers") == [package])
    groups = [re.findall(r"\w+", layer) for layer in layers]
    assert [module for group in groups for module in group if module not in row_of] == []
    for upper, lower in itertools.pairwise(groups):
        assert max(row_of[module] for module in upper) < min(row_of[module] for module in lower)


def test_answers_in_contributing_name_files_that_exist():
    rows = re.findall(
        r"^\| \d+ [^|]*\|([^|]*)\|([^|]*)\|",
        (ROOT / "CONTRIBUTING.md").read_text(),
        re.MULTILINE,
    )
    assert len(rows) == 10
    for row in rows:
        for package, answer in zip(PACKAGES, row, strict=True):
            for path in re.findall(r"`([\w/]+\.py)`", answer):
                assert (ROOT / package / path).exists(), path


@pytest.mark.parametrize("package", [ionq_toolkit, ionq_toolkit_fake])
def test_reference_has_every_public_name(package):
    pages = (ROOT / "docs" / "reference").glob("*.md")
    text = "\n".join(page.read_text() for page in pages)
    listed = set(re.findall(r"^::: [\w.]*?(\w+)$", text, re.MULTILINE))
    listed |= set(re.findall(r"`(\w+)`", text)) & {"DEVIATIONS", "FAILURES"}
    modules = {"__version__", "errors", "events", "faults", "transport"}
    assert sorted(set(package.__all__) - listed - modules) == []


def test_reference_has_every_environment_variable_that_the_code_names():
    text = (ROOT / "docs" / "reference" / "environment.md").read_text()
    code = [path.read_text() for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    names = r"[\"'](IONQ_[A-Z_]*[A-Z]|[A-Z]+_CA_BUNDLE|[A-Z]+_PROXY|SSLKEYLOGFILE)[\"']"
    named = set(re.findall(names, "\n".join(code)))
    assert {"IONQ_API_KEY", "IONQ_API_URL", "IONQ_TRANSPORT"} <= named
    named.discard("IONQ_FAKE")  # the beginning of those that the options of ionq-fake have
    assert sorted(name for name in named if f"`{name}`" not in text) == []


def pages_of(entry):
    """Return the pages of a part of the site's navigation."""
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [page for part in parts for page in pages_of(part)]


def test_every_page_is_in_the_navigation_of_the_site():
    listed = pages_of(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    there = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert sorted(listed) == sorted(there)


@pytest.mark.slow
def test_the_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path):
    command = ["mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "get_counts" in (tmp_path / "reference" / "client" / "index.html").read_text()
    for page in tmp_path.rglob("*.html"):
        text = page.read_text()
        loaded = re.findall(r"<(?:script|img|iframe)[^>]* src=\"((?:\w+:)?//[^\"]*)", text)
        sheets = re.findall(r"<link[^>]*>", text)
        loaded += [one for one in sheets if "stylesheet" in one and "//" in one]
        assert loaded == [], page
