"""Faults between a client and the cloud, and the rules that decide when they happen.

::

    from ionq_toolkit_fake import FakeIonQ, faults

    cloud = FakeIonQ()
    cloud.faults.add(faults.http(429, retry_after=3), on="POST /jobs", times=2)
    cloud.faults.add(faults.lost_answer(), on="POST /jobs", times=1)
    cloud.faults.add(faults.latency(0.2, jitter=0.1), on="GET *", probability=0.5)

`KINDS` lists all kinds, and `STATUSES` the statuses that `faults.http` has messages for.
"""

from ionq_toolkit_fake.faults.kinds import (
    KINDS,
    Fault,
    Kind,
    content_type,
    dribble,
    duplicated,
    empty,
    html,
    http,
    latency,
    lost_answer,
    malformed,
    refused,
    reset,
    stale,
    timeout,
    truncated,
)
from ionq_toolkit_fake.faults.rules import (
    ArmedRule,
    FaultRule,
    FaultRules,
    Fired,
    from_dict,
    to_dict,
)
from ionq_toolkit_fake.faults.statuses import STATUSES

__all__ = [
    "KINDS",
    "STATUSES",
    "ArmedRule",
    "Fault",
    "FaultRule",
    "FaultRules",
    "Fired",
    "Kind",
    "content_type",
    "dribble",
    "duplicated",
    "empty",
    "from_dict",
    "html",
    "http",
    "latency",
    "lost_answer",
    "malformed",
    "refused",
    "reset",
    "stale",
    "timeout",
    "to_dict",
    "truncated",
]
