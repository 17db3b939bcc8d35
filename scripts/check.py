"""Everything that must hold before a change lands, in one command.

Lint, spelling, format, types, layers, the fast tests on all processors, and 1,000 fault-injection
runs of the client.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
STATIC = {
    "lint": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "spelling": ["-m", "codespell_lib", "."],
    "layers": ["-c", "from importlinter.cli import lint_imports_command as main; main()"],
    "types": ["-m", "mypy"],
}
TESTS = ["-m", "pytest", "--quiet", "--numprocesses", "auto", "-m", "not slow"]
CHAOS = ["-c", "from ionq_toolkit_fake.cli import main; main()", "chaos", "--runs", "1000"]


def passes(name: str, command: list[str]) -> bool:
    """Run a check, and return whether it passes."""
    print(f"== {name}", flush=True)
    began = time.monotonic()
    done = subprocess.run([sys.executable, *command], cwd=ROOT, check=False)
    result = "failed" if done.returncode else "passed"
    print(f"== {name} {result} in {time.monotonic() - began:.0f} s", flush=True)
    return done.returncode == 0


def main() -> int:
    """Run the checks in turn, until one fails.

    The arguments go to pytest in the place of the usual ones, and no chaos runs follow. Without
    arguments, docs/fidelity.md must be the page that the tests would write.
    """
    checks = {
        **STATIC,
        "tests": [*TESTS[:2], *sys.argv[1:]] if sys.argv[1:] else [*TESTS, "--fidelity", "check"],
    }
    if not sys.argv[1:]:
        checks["chaos"] = CHAOS
    return 0 if all(passes(name, command) for name, command in checks.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
