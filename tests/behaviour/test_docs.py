"""The pages name files that exist, and the decisions have one form."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest

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
