"""What the client stores with a job, so that its result can be read from the id alone.

IonQ keeps a flat object of strings with each job. The keys `shots`, `sampler_seed` and
`qiskit_header` (JSON, gzipped, base64) are those of qiskit-ionq, so that each client can
read the other's jobs.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

from ionq_toolkit.errors import IonQJobError

if TYPE_CHECKING:
    from collections.abc import Mapping


def encode(header: Mapping[str, Any], *, shots: int, seed: int, memory: bool) -> dict[str, str]:
    """Return the metadata to send with a job.

    Raises:
        IonQJobError: The circuit's own metadata is not JSON.
    """
    try:
        text = json.dumps(header, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise IonQJobError(
            f"The metadata of circuit {header['name']!r} cannot be stored with the job: {error}. "
            "Keep to strings, finite numbers, lists and dicts, or set circuit.metadata = {}."
        ) from error
    packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    stored = {"shots": str(shots), "sampler_seed": str(seed), "qiskit_header": packed}
    if memory:
        stored["memory"] = "true"
    return stored


def decode_header(stored: Mapping[str, Any], job_id: str) -> dict[str, Any] | None:
    """Return the circuit's header stored with a job, or None where there is none.

    Raises:
        IonQJobError: There is one, and it cannot be read.
    """
    packed = stored.get("qiskit_header")
    if packed is None:
        return None
    try:
        header = json.loads(gzip.decompress(base64.b64decode(packed, validate=True)))
    except (TypeError, ValueError, OSError, EOFError, zlib.error, RecursionError) as error:
        raise IonQJobError(
            f"The qiskit_header stored with job {job_id} cannot be read ({error}), so its "
            "registers are not known. client.get_results(job_id) returns the bare histogram.",
            job_id=job_id,
        ) from error
    if isinstance(header, list) and len(header) == 1:
        header = header[0]
    if not isinstance(header, dict):
        raise IonQJobError(
            f"The qiskit_header stored with job {job_id} is not of one circuit.", job_id=job_id
        )
    return header


def whole_number(value: object) -> int | None:
    """Return `value` as an int of 0 to 2**63 - 1 where it is one, or a string of one; else None."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,19}", value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    return None
