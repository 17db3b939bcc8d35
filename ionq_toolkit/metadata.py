"""What the client stores with a job, so that its result can be read from the id alone.

IonQ keeps a flat object of strings with each job. The keys `shots`, `sampler_seed` and
`qiskit_header` (JSON, gzipped, base64) are those of qiskit-ionq, so that each client can
read the other's jobs; `memory` and `toolkit_tag`, by which a job is found whose id was lost,
it lets pass.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ionq_toolkit.errors import IonQJobError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What tells a submission from all others.
TAG = "toolkit_tag"


def encode(
    header: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    shots: int,
    seed: int,
    memory: bool,
    tag: str | None = None,
) -> dict[str, str]:
    """Return the metadata to send with a job.

    Args:
        header: What is to be known of the circuit or, for a job of several circuits, a list of
            that, in their order.
        shots: How often each is run.
        seed: What seeds the sampling of exact probabilities.
        memory: Whether each shot is to be kept.
        tag: What tells this submission from all others, if there is to be anything.

    Raises:
        IonQJobError: The metadata of a circuit is not JSON.
    """
    described = dict(header) if isinstance(header, Mapping) else list(header)
    try:
        text = json.dumps(described, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        headers = [header] if isinstance(header, Mapping) else header
        name = next((h.get("name") for h in headers if not _is_json(h)), None)
        raise IonQJobError(
            f"The metadata of circuit {name!r} cannot be stored with the job: {error}. "
            "Keep to strings, finite numbers, lists and dicts, or set circuit.metadata = {}."
        ) from error
    packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    stored = {"shots": str(shots), "sampler_seed": str(seed), "qiskit_header": packed}
    if memory:
        stored["memory"] = "true"
    if tag is not None:
        stored[TAG] = tag
    return stored


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def decode_headers(stored: Mapping[str, Any], job_id: str) -> list[dict[str, Any]] | None:
    """Return the header of each circuit stored with a job, or None where there are none.

    Raises:
        IonQJobError: There are some, and they cannot be read.
    """
    packed = stored.get("qiskit_header")
    if packed is None:
        return None
    try:
        headers = json.loads(gzip.decompress(base64.b64decode(packed, validate=True)))
    except (TypeError, ValueError, OSError, EOFError, zlib.error, RecursionError) as error:
        raise IonQJobError(
            f"The qiskit_header stored with job {job_id} cannot be read ({error}), so its "
            "registers are not known. client.get_results(job_id) returns the bare histogram.",
            job_id=job_id,
        ) from error
    if isinstance(headers, dict):
        headers = [headers]
    if not (isinstance(headers, list) and all(isinstance(header, dict) for header in headers)):
        raise IonQJobError(
            f"The qiskit_header stored with job {job_id} is not of circuits.", job_id=job_id
        )
    return headers


def whole_number(value: object) -> int | None:
    """Return `value` as an int of 0 to 2**63 - 1 where it is one, or a string of one; else None."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,19}", value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    return None
