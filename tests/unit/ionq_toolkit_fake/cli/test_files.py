import contextlib
import json
import urllib.request

from click.testing import CliRunner

from ionq_toolkit_fake import FakeIonQ, FakeServer
from ionq_toolkit_fake.cli import main


def submitted(url):
    request = urllib.request.Request(
        f"{url}/jobs",
        b'{"type":"ionq.circuit.v1","backend":"simulator","input":{"qubits":1,"circuit":[]}}',
        {"Authorization": "apiKey test", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["id"]


def test_snapshot_of_a_server_is_a_state(tmp_path):
    copy = tmp_path / "copy.db"
    with FakeServer() as server:
        job_id = submitted(server.url)
        done = CliRunner().invoke(main, ["snapshot", server.url, str(copy)])
        assert done.exit_code == 0, done.output
        again = CliRunner().invoke(main, ["snapshot", server.url, str(copy)])
    assert (again.exit_code, "exists already" in again.output) == (1, True)
    with contextlib.closing(FakeIonQ(state=copy)) as cloud:
        assert [job.id for job in cloud.jobs] == [job_id]


def test_snapshot_of_a_file_is_a_state(tmp_path):
    file, copy = tmp_path / "lab.db", tmp_path / "copy.db"
    cloud = FakeIonQ(5, state=file)
    used = CliRunner().invoke(main, ["snapshot", str(file), str(copy)])
    assert (used.exit_code, "is used by the cloud of process" in used.output) == (1, True)
    cloud.close()
    assert CliRunner().invoke(main, ["snapshot", str(file), str(copy)]).exit_code == 0
    with contextlib.closing(FakeIonQ(state=copy)) as restored:
        assert restored.seed == 5


def test_snapshot_of_nothing_is_refused(tmp_path):
    for source in (str(tmp_path / "none.db"), "http://127.0.0.1:9"):
        done = CliRunner().invoke(main, ["snapshot", source, str(tmp_path / "copy.db")])
        assert done.exit_code > 0
        assert source in done.output
    assert list(tmp_path.iterdir()) == []
