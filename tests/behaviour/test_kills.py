"""SIGKILL at any moment loses no accepted job, and leaves no job with two results."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ionq_toolkit_fake import FakeIonQ

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
]


@pytest.fixture(scope="module")
def kills():
    spec = importlib.util.spec_from_file_location("kills", ROOT / "benchmarks" / "kills.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("what", ["migrations", "snapshots"])
def test_files_are_whole_after_sigkill_at_any_instruction(kills, tmp_path, what):
    (tmp_path / "states").mkdir()
    counts = kills.run_in_sqlite(what, 12, tmp_path / "states", seed=1)
    assert counts == {"kills": 12, f"killed {what}": 12, "damaged": 0, "half": 0}


def test_server_that_is_killed_loses_nothing(kills, tmp_path):
    counts = kills.run(5, tmp_path)
    wrong = ("lost", "unfinished", "with another name", "with two results")
    assert {name: counts[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert counts["accepted jobs"] > 0


KILLED = """
import os, signal
from pathlib import Path
from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.store import sqlite
cloud = FakeIonQ(1, state="lab.db")
body = b'{"type":"ionq.circuit.v1","backend":"simulator","input":{"qubits":1,"circuit":[]}}'
made = cloud.handle("POST", "/v0.4/jobs", {"Authorization": "apiKey test"}, body)
assert made.status == 201, made

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if "snapshot" in os.environ["MOMENT"]:
    Path.replace = kill
    cloud.snapshot("copy.db")
else:
    cloud.close()
    def add(database):
        database.execute("ALTER TABLE entries ADD COLUMN more TEXT NOT NULL DEFAULT ''")

    sqlite.MIGRATIONS = (*sqlite.MIGRATIONS, add, kill)
    sqlite.SqliteStore("lab.db")
"""


@pytest.mark.parametrize("moment", ["at the end of a snapshot", "in a migration"])
def test_state_is_whole_after_sigkill(tmp_path, moment):
    environment = {**os.environ, "MOMENT": moment, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "copy.db").exists()
    cloud = FakeIonQ(state=tmp_path / "lab.db")
    assert [job.status for job in cloud.jobs] == ["completed"]
    cloud.close()
