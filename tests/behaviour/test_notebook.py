"""The notebook in docs/notebooks runs, and its objects show themselves."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "a-day.ipynb"

RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
print(nbformat.writes(notebook))
"""


def test_the_notebook_has_no_outputs():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert len(cells) >= 40
    assert not any(cell.get("outputs") for cell in cells)


@pytest.mark.slow
def test_every_cell_of_the_notebook_runs_and_shows_its_value():
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN, NOTEBOOK],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    shown = {}
    for cell in json.loads(run.stdout)["cells"]:
        for output in cell.get("outputs", ()):
            assert output["output_type"] != "error"
            shown["".join(cell["source"]).splitlines()[-1]] = output.get("data", {})
    for line in ("provider", "provider.backends().refresh()", "forte", "job", "job.result()"):
        assert "<div" in "".join(shown[line]["text/html"])
        assert "<script" not in "".join(shown[line]["text/html"])
    assert "FakeIonQ" in "".join(shown["provider"]["text/html"])
    assert "image/png" in shown["forte.plot()"]
