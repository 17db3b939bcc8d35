"""An entry from a recorded run holds against the cloud that was recorded, and names no one."""

import tomllib

import pytest
import replay
from click.testing import CliRunner
from qiskit import QuantumCircuit

from ionq_toolkit import IonQProvider, RecordingTransport
from ionq_toolkit.cli import main
from ionq_toolkit.transport import InProcessTransport
from ionq_toolkit_fake import FakeIonQ


@pytest.fixture
def recording(tmp_path):
    """Record a job of one circuit, as the real service would be recorded."""

    def record(backend, **options):
        path = tmp_path / "run.jsonl"
        transport = RecordingTransport(InProcessTransport(FakeIonQ(seed=3)), path)
        circuit = QuantumCircuit(2, name="secret name")
        circuit.h(0)
        circuit.cx(0, 1)
        circuit.measure_all()
        with IonQProvider(transport=transport, seed=7) as provider:
            job = provider.get_backend(backend).run(circuit, shots=1000, **options)
            job.result()
            provider.client.get_job_cost(job.job_id())
        return path

    return record


def entry_of(path):
    arguments = ["record", str(path), "--title", "A Bell pair", "--source", "a test"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("backend", "options"), [("forte-1", {}), ("ionq_simulator", {"noise_model": "aria-1"})]
)
def test_an_entry_of_a_run_is_replayed(recording, backend, options):
    text = entry_of(recording(backend, **options))
    assert "secret name" not in text
    (entry,) = tomllib.loads(text)["observation"]
    assert entry["date"] == "2026-01-01"
    assert len(entry["steps"]) >= 3
    assert [value for value in replay.replay(entry) if not value[2]] == []


def test_a_recording_without_a_job_is_refused(tmp_path):
    path = tmp_path / "empty.jsonl"
    with IonQProvider(transport=RecordingTransport(InProcessTransport(FakeIonQ()), path)) as p:
        p.backends()
    result = CliRunner().invoke(main, ["record", str(path), "--title", "t", "--source", "s"])
    assert result.exit_code == 1
    assert "no job that was submitted" in result.output
