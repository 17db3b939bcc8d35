import pytest
from qiskit.providers.jobstatus import JobStatus

from ionq_toolkit.api.statuses import JOB_STATUS


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("submitted", JobStatus.INITIALIZING),
        ("ready", JobStatus.QUEUED),
        ("started", JobStatus.RUNNING),
        ("running", JobStatus.RUNNING),
        ("completed", JobStatus.DONE),
        ("failed", JobStatus.ERROR),
        ("canceled", JobStatus.CANCELLED),
    ],
)
def test_each_ionq_status_has_its_qiskit_status(word, status):
    assert JOB_STATUS[word] is status


def test_the_status_table_is_complete():
    assert len(JOB_STATUS) == 7


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        JOB_STATUS["paused"] = JobStatus.QUEUED
