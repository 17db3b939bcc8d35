"""One of IonQ's getting-started notebooks, as it is: `notebook.py NAME FOLDER`.

Its requests are answered under `mock_ionq`, which a cell before the first one begins. CUDA-Q is not in Python:
its notebook is given the address of a served fake. Cells that install packages are left out.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbclient
import nbformat
from probe import attempt, done
from served import served

_BEGIN = """
from ionq_toolkit_fake import FakeIonQ, mock_ionq
_fake = FakeIonQ(seed=7)
mock_ionq(_fake).__enter__()
"""
_END = "assert any(one.operation == 'POST {path}jobs' for one in _fake.requests), _fake.requests"


def run(name: str, folder: Path, url: str = "") -> None:
    """Run a notebook to its end, and raise the error of its first cell that fails."""
    found = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    found.cells = [cell for cell in found.cells if "%pip install" not in cell.source]
    if url:
        for cell in found.cells:
            cell.source = re.sub(r'set_target\("ionq"', rf'\g<0>, url="{url}"', cell.source)
        if url not in "".join(cell.source for cell in found.cells):
            raise AssertionError("the notebook does not set its target")
    else:
        found.cells.insert(0, nbformat.v4.new_code_cell(_BEGIN))
        path = "/v0.3/" if name == "api" else "/"
        found.cells.append(nbformat.v4.new_code_cell(_END.format(path=path)))
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(found, timeout=600, resources=resources).execute()


if __name__ == "__main__":
    notebook, checkout = sys.argv[1], Path(sys.argv[2])
    if notebook == "cudaq":
        with served() as address:
            attempt(f"{notebook}.ipynb", run, notebook, checkout, address)
    else:
        attempt(f"{notebook}.ipynb", run, notebook, checkout)
    done()
