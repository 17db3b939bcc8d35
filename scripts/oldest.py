"""Print what to install for the tests with tests/minimum-versions.txt: `dev` without newer clients."""

import tomllib
from pathlib import Path

#: These need newer versions of our requirements than the oldest.
NEWER = ("cirq-ionq", "pennylane-ionq")

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
for requirement in project["optional-dependencies"]["dev"]:
    if requirement.startswith(project["name"] + "["):
        print("--editable", requirement.replace(project["name"], "."))
    elif not requirement.startswith(NEWER):
        print(requirement)
