"""IonQ's statuses of a job, and Qiskit's for each."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal, TypeAlias

from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

#: IonQ's statuses of a job, as the v0.4 API document has them.
StatusWord: TypeAlias = Literal["submitted", "ready", "started", "completed", "failed", "canceled"]

#: IonQ's status of a job -> Qiskit's. The six statuses of the v0.4 API document
#: (schema JobStatus), and `running`, which v0.3 and the web console use for `started`.
JOB_STATUS = MappingProxyType(
    {
        "submitted": JobStatus.INITIALIZING,
        "ready": JobStatus.QUEUED,
        "started": JobStatus.RUNNING,
        "running": JobStatus.RUNNING,
        "completed": JobStatus.DONE,
        "failed": JobStatus.ERROR,
        "canceled": JobStatus.CANCELLED,
    }
)

#: IonQ's statuses of a job that has ended.
FINAL = frozenset(word for word, status in JOB_STATUS.items() if status in JOB_FINAL_STATES)
