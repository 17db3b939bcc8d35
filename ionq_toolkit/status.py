"""The table of IonQ's status words and the Qiskit states they mean."""

from __future__ import annotations

from types import MappingProxyType

from qiskit.providers.jobstatus import JobStatus

#: IonQ's word for a job's state -> Qiskit's. The six words of the v0.4 API document
#: (schema JobStatus), and `running`, which v0.3 and the web console say for `started`.
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
