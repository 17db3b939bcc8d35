"""Build what is released, check it, and use it: `python scripts/release.py [--keep FOLDER]`.

The wheel is built from the source distribution, so that this is complete. A clean environment,
outside of the repository, gets the wheel and runs the command, a test with the plugin, and a server.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: A program that a user might write; it needs the plugin, the client and the simulator.
TEST = """
def test_bell(ionq_cloud, ionq_provider):
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    counts = ionq_provider.get_backend("simulator").run(circuit, shots=100).get_counts()
    assert sum(counts.values()) == 100
    assert set(counts) == {"00", "11"}
    assert len(ionq_cloud.jobs) == 1
"""


#: The environment of all commands: neither a path to the repository nor a key.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "IONQ_API_KEY"}}


def run(*command: object, cwd: Path = ROOT) -> str:
    """Run a command and return its output; the script ends if it fails."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> tuple[Path, Path]:
    """Build the source distribution, and from it the wheel; return their paths."""
    dist, source = folder / "dist", folder / "source"
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", dist)
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(source, filter="data")
    (unpacked,) = source.iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", dist, cwd=unpacked)
    (wheel,) = dist.glob("*.whl")
    return sdist, wheel


def check_version(wheel: Path) -> None:
    """Compare the version of the wheel with the other places that name it."""
    version = wheel.name.split("-")[1]
    cited = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    if cited is None or cited[1] != version:
        sys.exit(f"CITATION.cff has not the version {version}")


def use(wheel: Path, folder: Path) -> None:
    """Install the wheel in a clean environment, and use it as its users do."""
    place = folder / "venv"
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", f"{wheel}[fake]", "pytest")
    work = folder / "work"
    work.mkdir()
    shutil.copy(ROOT / "examples" / "bell.qasm", work)
    (work / "test_bell.py").write_text(TEST)
    origin = run(python, "-c", "import ionq_toolkit; print(ionq_toolkit.__file__)", cwd=work)
    if not Path(origin.strip()).is_relative_to(place):
        sys.exit(f"the environment imports {origin}")
    command = python.with_name("ionq-toolkit")
    counts = run(command, "run", "bell.qasm", "--shots", 100, "--seed", 1, "--json", cwd=work)
    print(f"ionq-toolkit run: {counts.strip()}")
    run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=work)
    print("a test with the plugin: passes")
    serve(python.with_name("ionq-fake"), work)


def serve(command: Path, work: Path) -> None:
    """Start a server, ask it for its health, and end it."""
    with subprocess.Popen(
        [command, "serve", "--port", "0", "--workers", "1"],
        cwd=work,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            line = server.stdout.readline()
            url = line.split()[-1]
            with urllib.request.urlopen(f"{url}/health", timeout=10) as response:  # noqa: S310 - of this computer
                print(f"{line.strip()}: health {response.status}")
        finally:
            server.terminate()


def main() -> None:
    """Build, check and use."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--keep", type=Path, help="a folder for the two files")
    keep = parser.parse_args().keep
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sdist, wheel = build(folder)
        check_version(wheel)
        print(run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel).strip())
        print(run(sys.executable, "-m", "check_wheel_contents", wheel).strip())
        use(wheel, folder)
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            for file in (sdist, wheel):
                shutil.copy(file, keep)
    print(f"released files are good: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
