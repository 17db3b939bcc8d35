"""Everything that must hold before a change lands, in one command.

Lint, format, types, layers, tests, and 10,000 fault-injection runs of the client.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHECKS = {
    "lint": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "types": ["-m", "mypy"],
    "layers": ["-c", "from importlinter.cli import lint_imports_command as main; main()"],
    "tests": ["-m", "pytest", "-p", "no:randomly"],
    "chaos": [
        "-c",
        "from ionq_toolkit_fake.cli import main; main()",
        "chaos",
        "--runs",
        "10000",
    ],
}


def main() -> int:
    """Run each check in turn.

    What is given goes to pytest, and no chaos runs follow. Without any, all tests run, and what they
    show must be what docs/fidelity.md says.
    """
    for name, command in CHECKS.items():
        if name == "chaos" and sys.argv[1:]:
            continue
        print(f"== {name}", flush=True)
        extra = (sys.argv[1:] or ["--fidelity", "check"]) if name == "tests" else []
        done = subprocess.run([sys.executable, *command, *extra], cwd=ROOT, check=False)
        if done.returncode:
            print(f"== {name} failed", flush=True)
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
