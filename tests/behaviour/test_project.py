"""What the project promises of itself: its names, its imports, its wheel, its commands."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections import defaultdict
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import ionq_toolkit
import ionq_toolkit_fake

ROOT = Path(__file__).parents[2]


def python(script, **environment):
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=environment or None,
    ).stdout


@pytest.mark.parametrize("package", [ionq_toolkit, ionq_toolkit_fake])
def test_public_names_are_listed_in_order_and_exist(package):
    assert package.__all__ == sorted(package.__all__, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(package, name) for name in package.__all__)


@pytest.mark.slow
def test_the_client_imports_neither_aer_nor_the_fake():
    loaded = python("import sys, ionq_toolkit; print(*sys.modules)").split()
    assert "qiskit" in loaded
    assert not [m for m in loaded if m.split(".")[0] in {"qiskit_aer", "ionq_toolkit_fake"}]


def test_the_client_imports_what_is_seldom_used_when_it_is_asked_for():
    script = """
import sys, qiskit
before = set(sys.modules)
import ionq_toolkit
seldom = {"asyncio", "ionq_toolkit.transport.recording"}
print(seldom & (set(sys.modules) - before))
print(ionq_toolkit.RecordingTransport.__name__, ionq_toolkit.transport.RecordingError.__name__)
for module in (ionq_toolkit, ionq_toolkit.transport):
    print(hasattr(module, "RecordingTransports"))
"""
    assert python(script).split("\n")[:4] == [
        "set()",
        "RecordingTransport RecordingError",
        "False",
        "False",
    ]


@pytest.mark.slow
def test_the_fake_imports_aer_only_when_something_is_simulated():
    script = """
import sys, ionq_toolkit_fake as fake
cloud = fake.FakeIonQ()
cloud.handle("GET", "/v0.4/backends", {})
print("before", *(m for m in ("qiskit", "qiskit_aer", "requests", "httpx") if m in sys.modules))
cloud.handle("POST", "/v0.4/jobs", {"authorization": "apiKey k"},
    b'{"type":"ionq.circuit.v1","backend":"simulator","input":{"qubits":1,"circuit":[]}}')
print("after", *(m for m in ("qiskit", "qiskit_aer", "requests", "httpx") if m in sys.modules))
"""
    assert python(script).splitlines() == ["before", "after qiskit qiskit_aer"]


def test_the_one_liner_runs_without_key_and_network():
    script = """
from ionq_toolkit import IonQProvider; from qiskit import QuantumCircuit as C
c=C(2,2); c.h(0); c.cx(0,1); c.measure([0,1],[0,1])
j=IonQProvider(transport='fake').get_backend('ionq_simulator').run(c, shots=1000)
print(j.job_id(), j.status(), j.get_counts())
"""
    out = python(script)
    assert re.match(r"[0-9a-f-]{36} JobStatus\.DONE \{'(00|11)': \d+, '(00|11)': \d+\}$", out)
    assert sum(map(int, re.findall(r": (\d+)", out))) == 1000


@pytest.mark.slow
def test_the_example_runs():
    out = subprocess.run(
        [sys.executable, ROOT / "examples" / "bell.py"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    assert re.search(r"status DONE\ncounts \{'\d\d': \d+, '\d\d': \d+\}\n$", out)


def test_readme_ci_and_script_say_the_same_commands():
    readme = (ROOT / "README.md").read_text()
    commands = re.findall(r"^python3 -m venv .*$", readme, re.MULTILINE)
    assert len(commands) == 2
    ci = (ROOT / ".ci" / "run").read_text()
    assert commands[1] in ci.splitlines()
    assert "examples/bell.qasm" in commands[0]


def test_the_oldest_versions_tested_are_the_oldest_allowed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    allowed = [*project["dependencies"]]
    for extra in ("fake", "qasm3"):
        allowed += project["optional-dependencies"][extra]
    lowest = dict(re.findall(r"^([a-z0-9-]+)>=([\d.]+)", "\n".join(allowed), re.MULTILINE))
    pinned = dict(
        re.findall(
            r"^([a-z0-9-]+)==([\d.]+)",
            (ROOT / "tests" / "minimum-versions.txt").read_text(),
            re.MULTILINE,
        )
    )
    assert set(pinned) == set(lowest)
    assert all(f"{pinned[name]}.".startswith(f"{lowest[name]}.") for name in lowest)


def test_the_conda_recipe_agrees_with_the_wheel():
    def known(requirements):
        return {
            (one.name, str(one.specifier))
            for one in map(Requirement, requirements)
            if not one.extras
        }

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    recipe = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text())
    client, fake = recipe["outputs"]
    assert recipe["context"]["version"] == ionq_toolkit.__version__
    needed, (itself, *more) = client["requirements"]["run"], fake["requirements"]["run"]
    python = {("python", project["requires-python"])}
    assert known(needed) == known(project["dependencies"]) | python
    assert "ionq-toolkit[qasm3]" in extras["fake"]
    assert known(more) == known([*extras["fake"], *extras["qasm3"]])
    assert itself == '${{ pin_subpackage("ionq-toolkit", exact=True) }}'
    assert (
        dict(one.split(" = ") for one in client["build"]["python"]["entry_points"])
        == (project["scripts"])
    )


def metadata(**environment):
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "metadata"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_index_page_has_absolute_links_once_the_address_is_known():
    address = "https://code.example.org/ionq-toolkit"
    found = metadata(IONQ_TOOLKIT_ADDRESS=f"{address}/")
    links = re.findall(r"\]\((?!#)([^)]+)\)", found["readme"]["text"])
    assert len(links) > 20
    assert all(link.startswith("https://") for link in links)
    pages = [link.removeprefix(f"{address}/").split("/", 2) for link in links if address in link]
    assert {kind for kind, _, _ in pages} == {"blob", "raw"}
    assert {tag for _, tag, _ in pages} == {f"v{ionq_toolkit.__version__}"}
    assert all((ROOT / path.partition("#")[0]).exists() for _, _, path in pages)
    assert found["urls"]["Source"] == address
    assert all(url.startswith(address) for url in found["urls"].values())


def test_without_an_address_the_index_page_is_the_readme():
    found = metadata(IONQ_TOOLKIT_ADDRESS="")
    assert found["readme"]["text"] == (ROOT / "README.md").read_text("utf-8")
    assert not found.get("urls")


def test_python_in_the_readme_runs():
    readme = (ROOT / "README.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2
    names = {"__name__": "readme"}  # one after the other, as a reader would
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)


def test_the_wheel_has_both_packages_typed_and_nothing_else(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (n for n in names if n.endswith("METADATA"))
        text = archive.read(metadata).decode()
        (entry_points,) = (n for n in names if n.endswith("entry_points.txt"))
        scripts = archive.read(entry_points).decode()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"ionq_toolkit", "ionq_toolkit_fake"}
    in_tree = {
        str(p.relative_to(ROOT))
        for top in tops
        for p in (ROOT / top).rglob("*")
        if p.suffix in {".py", ".toml"} or p.name == "py.typed" or p.parent.name == "static"
    }
    assert {name for name in names if name.split("/")[0] in tops} == in_tree
    assert {"ionq_toolkit/py.typed", "ionq_toolkit_fake/py.typed"} <= in_tree
    assert [n for n in names if n.endswith("licenses/LICENSE")]
    assert f"Version: {ionq_toolkit.__version__}" in text
    assert "Requires-Dist: qiskit!=2.5.0,>=2.0" in text
    assert "ionq-fake = ionq_toolkit_fake.cli:main" in scripts


@pytest.mark.slow
def test_threads_that_end_may_simulate_one_after_the_other():
    """Qiskit crashes if the thread that imported it has ended; nobody else imports it here."""
    script = """
import json, threading
from ionq_toolkit_fake import FakeIonQ
body = json.dumps({"type": "ionq.circuit.v1", "backend": "simulator", "input":
    {"qubits": 1, "circuit": [{"gate": "x", "target": 0}]}}).encode()
cloud = FakeIonQ(seed=1)
for _ in range(3):
    arguments = ("POST", "/v0.4/jobs", {"Authorization": "apiKey k"}, body)
    thread = threading.Thread(target=cloud.handle, args=arguments)
    thread.start()
    thread.join()
print(*(job.status for job in cloud.jobs))
"""
    assert python(script).split() == ["completed"] * 3


@pytest.mark.slow
def test_the_benchmarks_print_a_table_and_keep_their_figures(tmp_path):
    kept, page = tmp_path / "figures.json", tmp_path / "page.md"
    page.write_text(
        "before\n<!-- begin of the figures -->\nold\n<!-- end of the figures -->\nafter\n"
    )
    options = ["--quick", "--only", "requests*", "--json", kept, "--page", page]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| requests for 500")]
    figures = json.loads(kept.read_text())["rows"]
    assert len(rows) == 1
    written = page.read_text()
    assert (written[:7], written[-7:]) == ("before\n", "\nafter\n")
    assert rows[0] in written
    assert "old" not in written
    assert figures[0]["ratio"] == figures[0]["ours"] / figures[0]["theirs"] <= figures[0]["limit"]


@pytest.mark.slow
def test_the_benchmark_of_survival_finds_nothing_lost_and_nothing_twice():
    script = Path(__file__).parents[2] / "benchmarks" / "survival.py"
    done = subprocess.run(
        [sys.executable, script, "--jobs", "60"],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == ["client", "toolkit", "qiskit_ionq"]
    assert rows[1][1] == "60"


# --- the house -------------------------------------------------------------------------------


PACKAGES = ("ionq_toolkit", "ionq_toolkit_fake")


def sources(package):
    """Return the modules of a package by their paths, parsed."""
    return {path: ast.parse(path.read_text()) for path in sorted((ROOT / package).rglob("*.py"))}


@pytest.mark.parametrize(("package", "most"), [("ionq_toolkit", 16), ("ionq_toolkit_fake", 14)])
def test_a_package_has_few_modules_outside_of_its_folders(package, most):
    modules = [path.name for path in (ROOT / package).glob("*.py")]
    assert "__init__.py" in modules
    assert len(modules) <= most, modules


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_a_private_name_of_another(package):
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.module}.{alias.name}"
        for path, tree in sources(package).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_classes_of_a_package_have_the_same_name(package):
    places = defaultdict(list)
    for path, tree in sources(package).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert not twice, twice


def test_the_two_packages_have_at_most_45000_lines():
    """Little code is a goal: a new capability that needs more raises this number in its commit."""
    lines = {
        package: sum(len(path.read_text().splitlines()) for path in (ROOT / package).rglob("*.py"))
        for package in PACKAGES
    }
    assert sum(lines.values()) <= 45_000, lines
