"""Runs other people's programs and test suites on the client and on the fake; writes docs/ecosystem.md.

    python scripts/ecosystem.py --envs DIR                  run everything; DIR keeps environments and results
    python scripts/ecosystem.py --envs DIR --only mitiq     run one suite, and keep the rows of the others
    python scripts/ecosystem.py --checkout qiskit-ionq=DIR  take the tests of a suite from a checkout
    python scripts/ecosystem.py --quick                     a subset in this environment, and no page

Each suite has a virtual environment of its own, with the toolkit of this checkout. Exit status 1: a test
failed by our fault, or for a reason that the table of causes does not have.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[1]
PROBES = Path(__file__).parent / "ecosystem"
PAGE = ROOT / "docs" / "ecosystem.md"
#: Seconds that a suite may take.
LIMIT_S = 3600
OURS, UNEXPLAINED = "ours", "not explained"


@dataclasses.dataclass(frozen=True)
class Suite:
    """A program or a test suite of others; scripts/ecosystem/suites.toml says what each field is."""

    name: str
    runs: str
    requires: list[str]
    probe: str = ""
    pytest: list[str] = dataclasses.field(default_factory=list)
    tests: str = ""
    folder: str = ""
    files: bool = False
    checkout: str = ""
    arguments: list[str] = dataclasses.field(default_factory=list)
    quick: list[str] | None = None


@dataclasses.dataclass(frozen=True)
class Cause:
    """A known reason of failures: patterns for suite, test and message; whose it is, and why."""

    suite: str
    whose: str
    why: str
    test: str = ""
    message: str = ""

    def explains(self, suite: str, failure: dict[str, str]) -> bool:
        """Return whether a failure is of this kind."""
        patterns = (self.suite, self.test, self.message)
        texts = (suite, failure["test"], failure["message"])
        return all(map(re.search, patterns, texts, [re.DOTALL] * 3))


TABLES = tomllib.loads((PROBES / "suites.toml").read_text(encoding="utf-8"))
SUITES = [Suite(**entry) for entry in TABLES["suites"]]
CAUSES = [Cause(**entry) for entry in TABLES["causes"]]


class NotRun(Exception):  # noqa: N818 - no error
    """A suite that cannot run, and why."""


def output_of(command: Sequence[str | Path], cwd: Path, **environment: str) -> tuple[int, str]:
    """Run a command, and return its exit status with all that it printed."""
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("IONQ_", "PYTEST_", "PYTHONPATH"))
    }
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env={**inherited, **environment},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return -1, f"took longer than {LIMIT_S} s"
    return done.returncode, done.stdout


def environment_of(suite: Suite, folder: Path) -> Path:
    """Return the Python of a suite's virtual environment, which is made if it does not exist."""
    slug = re.sub(r"\W+", "-", suite.requires[0].lower())
    python = folder / slug / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        output_of([sys.executable, "-m", "venv", folder / slug], folder)
    install = [python, "-m", "pip", "install", "--quiet", "--editable", f"{ROOT}[fake]"]
    status, text = output_of([*install, *suite.requires], folder)
    if status:
        raise NotRun(f"its requirements were not installed: {text.strip().splitlines()[-1][:200]}")
    return python


def tests_of(suite: Suite, checkouts: dict[str, Path], python: Path, folder: Path) -> Path:
    """Return the folder of a suite's tests: of a checkout, or of the source distribution."""
    package = suite.requires[0]
    if suite.tests == "installed":
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        found = Path(output_of([python, "-c", code], folder)[1].strip()) / suite.folder
    elif package in checkouts:
        found = checkouts[package] / suite.folder
    elif suite.tests == "sdist":
        download = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        version = versions_of(python, (package,))[package]
        status, text = output_of([*download, f"{package}=={version}"], folder)
        stem = package.replace("-", "_")
        archive = folder / f"{stem}-{version}.tar.gz"
        if status or not archive.exists():
            raise NotRun(f"its source distribution was not loaded: {text.strip()[-200:]}")
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        found = folder / f"{stem}-{version}" / suite.folder
    else:
        raise NotRun(
            f"its distributions have no tests; name a checkout: `--checkout {package}=DIR`"
        )
    if not found.is_dir():
        raise NotRun(f"{found} does not exist")
    return found


def versions_of(python: Path, packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages in an environment."""
    code = (
        "import importlib.metadata as m, json, sys; "
        "print(json.dumps({p: m.version(p) for p in sys.argv[1:]}))"
    )
    status, text = output_of([python, "-c", code, *packages], PROBES)
    if status:
        raise NotRun(f"a package is not installed: {text.strip().splitlines()[-1][:200]}")
    return json.loads(text)


def version_of(checkout: Path) -> str | None:
    """Return the version that a package in a checkout has, by the file that most have it in."""
    for path in sorted(checkout.glob("*/_version.py")) + sorted(checkout.glob("*/version.py")):
        if found := re.search(
            r"""VERSION = ["']([^"']+)|version__ = ["']([^"']+)""", path.read_text()
        ):
            return f"{found[1] or found[2]} of a checkout"
    return None


def of_pytest(report: Path, text: str) -> dict[str, object]:
    """Return the counts and the failures of a report in pytest's JUnit form."""
    if not report.exists():
        raise NotRun(f"pytest made no report: {text.strip()[-300:]}")
    outcomes: dict[str, str | None] = {}
    skipped = set()
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest's own report
        name = f"{case.get('classname', '')}::{case.get('name', '')}".removeprefix("::")
        bad = [*case.findall("failure"), *case.findall("error")]
        message = f"{bad[0].get('message', '')}\n{bad[0].text or ''}"[:8000] if bad else None
        outcomes[name] = message  # of a test that is run again, the last
        if case.find("skipped") is not None:
            skipped.add(name)
    failures = [{"test": n, "message": m} for n, m in outcomes.items() if m is not None]
    asked = re.search(r"requests to the fake: (\d+)", text)
    return {
        "passed": len(outcomes) - len(failures) - len(skipped),
        "skipped": len(skipped),
        "failures": failures,
        "requests": int(asked[1]) if asked else None,
    }


def of_probe(text: str) -> dict[str, object]:
    """Return the counts and the failures of a probe, which prints a line of JSON per case."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith('{"test"')]
    if not text.rstrip().endswith("done"):
        lines.append({"test": "the program itself", "message": f"ended early: {text[-2000:]}"})
    return {
        "passed": sum(line["message"] is None for line in lines),
        "skipped": 0,
        "failures": [line for line in lines if line["message"] is not None],
        "requests": None,
    }


def run(
    suite: Suite, python: Path, checkouts: dict[str, Path], *, quick: bool
) -> dict[str, object]:
    """Run a suite in an environment, and return its versions, counts and failures."""
    few = (suite.quick or []) if quick else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {"PYTHONPATH": str(PROBES), "IONQ_API_KEY": "any-key"}
        if quick:
            environment["PYTHONPATH"] += os.pathsep + str(ROOT)
        package = re.split(r"[\[<>=]", suite.requires[0])[0]
        if suite.probe:
            files_of = suite.checkout or suite.name
            files = [checkouts[files_of]] if suite.files and files_of in checkouts else []
            if suite.checkout and not files:
                raise NotRun(
                    f"its files are in no package; name a checkout: `--checkout {files_of}=DIR`"
                )
            probe = [PROBES / suite.probe, *suite.arguments, *few, *files]
            command = [python, "-W", "ignore", *probe]
            _, text = output_of(command, folder, **environment)
            found = of_probe(text)
        else:
            tests = tests_of(suite, checkouts, python, folder)
            arguments = [part.replace("{tests}", str(tests)) for part in suite.pytest]
            report = folder / "report.xml"
            settings = folder / "pytest.ini"
            settings.write_text("[pytest]\n")
            # Installed tests have no settings, and are not to find those of a project around them.
            own = ["-c", settings] if suite.tests == "installed" else []
            own += ("-q", "-p", "no:randomly", "-p", "no:cacheprovider", f"--junitxml={report}")
            command = [python, "-m", "pytest", *arguments, *few, *own]
            _, text = output_of(command, tests.parent, **environment)
            found = of_pytest(report, text)
        versions = versions_of(python, dict.fromkeys((package, "qiskit")))
        if package in checkouts and suite.tests in ("sdist", "checkout"):
            versions[package] = version_of(checkouts[package]) or "of a checkout"
        return {"versions": versions, **found}


def explained(suite: str, found: dict[str, object]) -> dict[tuple[str, str], list[str]]:
    """Return the failures by whose they are and why."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for failure in found.get("failures", []):
        cause = next((cause for cause in CAUSES if cause.explains(suite, failure)), None)
        last = failure["message"].strip().splitlines() or [""]
        key = (cause.whose, cause.why) if cause else (UNEXPLAINED, last[0][:160])
        grouped.setdefault(key, []).append(failure["test"])
    return grouped


def page(results: dict[str, dict[str, object]], old: str = "") -> str:
    """Return the text of the page for the results that there are, and the rows of the old page for the others."""
    rows, _, causes = old.partition("## Whose failures")
    lines = [
        "# Other people's programs and suites",
        "",
        "`scripts/ecosystem.py` writes this page. It runs each suite in an environment of its own, with the newest",
        "versions, on this client and on the fake. No result is entered by hand; the known causes are in `scripts/ecosystem/suites.toml`.",
        "",
        "A suite that answers its own requests sends none to the fake; the last column counts them for suites of pytest.",
        "",
        "| suite | runs | versions | passed | failed | skipped | requests |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    notes = []
    for suite in SUITES:
        row = [line for line in rows.splitlines() if line.startswith(f"| {suite.name} |")]
        if row and suite.name not in results:
            lines += row
            kept = (line for line in causes.splitlines() if line.startswith(f"| {suite.name} |"))
            notes += kept
            continue
        found = results.get(suite.name, {"not run": "not part of this run"})
        if "not run" in found:
            lines.append(f"| {suite.name} | {suite.runs} | | not run | | | |")
            notes.append(f"| {suite.name} | not run | | {cell(found['not run'])} |")
            continue
        versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
        asked = "" if found.get("requests") is None else found["requests"]
        counts = (found["passed"], len(found["failures"]), found["skipped"], asked)
        lines.append(
            f"| {suite.name} | {suite.runs} | {versions} | {' | '.join(map(str, counts))} |"
        )
        for (whose, why), tests in explained(suite.name, found).items():
            notes.append(f"| {suite.name} | {len(tests)} failed | {whose} | {cell(why)} |")
    lines += [
        "",
        "## Whose failures, and why",
        "",
        "| suite | what | whose | why |",
        "| --- | --- | --- | --- |",
    ]
    version = re.search(r'= "(.+)"', (ROOT / "ionq_toolkit" / "_version.py").read_text())
    system = f"Python {platform.python_version()}, ionq-toolkit {version[1]}"
    return "\n".join([*lines, *notes, "", f"Written with {system}.", ""])


def cell(text: object) -> str:
    """Return a text that can stand in a cell of a table."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def main() -> int:
    """Run suites, and write the page; see the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--envs", type=Path, help="folder of environments and results; default: temporary"
    )
    parser.add_argument(
        "--only", action="append", choices=[suite.name for suite in SUITES], metavar="NAME"
    )
    parser.add_argument("--checkout", action="append", default=[], metavar="NAME=DIR")
    parser.add_argument(
        "--quick", action="store_true", help="a subset in this environment, in a minute"
    )
    parser.add_argument(
        "--page", action="store_true", help="run nothing: write the page from the results"
    )
    arguments = parser.parse_args()
    checkouts = {
        name: Path(path).resolve()
        for name, _, path in (c.partition("=") for c in arguments.checkout)
    }
    chosen = [suite for suite in SUITES if arguments.only is None or suite.name in arguments.only]
    if arguments.quick:
        chosen = [suite for suite in chosen if suite.quick is not None]
    with tempfile.TemporaryDirectory() as temporary:
        envs = (arguments.envs or Path(temporary)).resolve()
        envs.mkdir(parents=True, exist_ok=True)
        saved = envs / "results.json"
        results = json.loads(saved.read_text()) if saved.exists() else {}
        for suite in chosen if not arguments.page else ():
            try:
                python = Path(sys.executable) if arguments.quick else environment_of(suite, envs)
                found = run(suite, python, checkouts, quick=arguments.quick)
            except NotRun as reason:
                found = {"not run": str(reason)}
            results[suite.name] = found
            saved.write_text(json.dumps(results, indent=1))
            report(suite.name, found)
            if not arguments.quick:
                PAGE.write_text(page(results, PAGE.read_text()))
        if arguments.page:
            PAGE.write_text(page(results, PAGE.read_text()))
        wrong = [
            name
            for name, found in results.items()
            if {OURS, UNEXPLAINED} & {whose for whose, _ in explained(name, found)}
            or (arguments.quick and "not run" in found)
        ]
        return 1 if wrong else 0


def report(name: str, found: dict[str, object]) -> None:
    """Print how a suite went."""
    if "not run" in found:
        print(f"{name}: not run: {found['not run']}", flush=True)
        return
    print(
        f"{name}: {found['passed']} passed, {len(found['failures'])} failed, {found['skipped']} skipped",
        flush=True,
    )
    for (whose, why), tests in explained(name, found).items():
        print(f"  {len(tests)} {whose}: {why}", *tests[:20], sep="\n      ", flush=True)


if __name__ == "__main__":
    sys.exit(main())
