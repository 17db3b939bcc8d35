"""Metadata stored with a job, and the circuit headers in it."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ionq_toolkit.errors import IonQJobError

if TYPE_CHECKING:
    from collections.abc import Sequence


#: The name of the tag that identifies a submission.
TAG = "toolkit_tag"

#: The keys of the metadata that the client stores for itself.
OWN = frozenset({TAG, "shots", "sampler_seed", "qiskit_header", "memory"})


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
        header: The header of the circuit, or a list of headers for several, in their order.
        shots: The number of shots.
        seed: The seed for sampling exact probabilities.
        memory: Whether each shot is kept.
        tag: The tag that identifies this submission, if any.

    Raises:
        IonQJobError: The metadata of a circuit is not JSON.
    """
    texts = []
    for one in [header] if isinstance(header, Mapping) else header:
        try:
            texts.append(json.dumps(dict(one), allow_nan=False, separators=(",", ":")))
        except (TypeError, ValueError, RecursionError) as error:
            raise IonQJobError(
                f"The metadata of circuit {one.get('name')!r} cannot be stored with the job: "
                f"{error}. Keep to strings, finite numbers, lists and dicts, or set "
                "circuit.metadata = {}."
            ) from error
    text = texts[0] if isinstance(header, Mapping) else f"[{','.join(texts)}]"
    if _is_too_large(text.encode()):
        raise IonQJobError(
            f"The metadata and registers of the circuits have more than {_MOST_BYTES} bytes or "
            f"{_MOST_VALUES} values: put fewer circuits into one job, or set "
            "circuit.metadata = {}."
        )
    packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    stored = {"shots": str(shots), "sampler_seed": str(seed), "qiskit_header": packed}
    if memory:
        stored["memory"] = "true"
    if tag is not None:
        stored[TAG] = tag
    return stored


def decode_headers(stored: Mapping[str, Any], job_id: str) -> list[dict[str, Any]] | None:
    """Return the header of each circuit stored with a job, or None if none is stored."""
    packed = stored.get("qiskit_header")
    if packed is None:
        return None
    try:
        headers = json.loads(_unpacked(base64.b64decode(packed, validate=True)))
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


#: The most bytes of the headers of a job, and the most values in them: those of 5,000 circuits,
#: which IonQ takes, have some four million bytes.
_MOST_BYTES, _MOST_VALUES = 16 * 2**20, 1_500_000


def _is_too_large(headers: bytes) -> bool:
    # As text: what is in strings counts as well.
    values = sum(map(headers.count, (b",", b"[", b"{")))
    return len(headers) > _MOST_BYTES or values > _MOST_VALUES


def _unpacked(packed: bytes) -> bytes:
    """Return decompressed headers, which another client may have written."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)  # as gzip has it
    found = unpacker.decompress(packed, _MOST_BYTES + 1)
    if _is_too_large(found):
        raise ValueError(f"it has more than {_MOST_BYTES} bytes or {_MOST_VALUES} values")
    if not unpacker.eof:
        raise EOFError("its end is missing")
    return found


#: Upper bound; larger widths are treated as corrupt.
_MOST_QUBITS = 10_000


class CircuitHeader:
    """The width, registers and measurements of one circuit, as far as they are known.

    Attributes:
        stored: The header stored with the job; None for a job of another client.
    """

    def __init__(self, job_id: str, stored: Mapping[str, Any] | None, counted: object) -> None:
        """Describe a circuit.

        Args:
            job_id: The job of the circuit.
            stored: The header stored with the job, if any.
            counted: The number of qubits in IonQ's record: any JSON.
        """
        self.stored = stored
        self._job_id = job_id
        self._counted = counted

    @property
    def num_qubits(self) -> int | None:
        """The number of qubits: as stored, else as IonQ counts them, else None."""
        width = (self.stored or {}).get("n_qubits", self._counted)
        return width if _is_width(width) else None

    def of_qubits(self) -> dict[str, Any]:
        """Return the header of a result over the qubits; without registers if none are stored."""
        header = self.stored or {}
        width = self.num_qubits
        if width is None:
            raise self._corrupt("does not say how many qubits it had")
        measured = header.get("meas_mapped") or [None]
        if (
            not isinstance(measured, list)
            or len(measured) > _MOST_QUBITS
            or not all(_is_qubit(q, width) for q in measured)
        ):
            raise IonQJobError(
                f"The measurement map stored with job {self._job_id} is none of {width} qubits: "
                f"{measured!r:.200}.",
                job_id=self._job_id,
            )
        if all(qubit is None for qubit in measured):
            measured = list(range(width))
        return {
            **header,
            "n_qubits": width,
            "meas_mapped": measured,
            "memory_slots": len(measured),
            "creg_sizes": _register_sizes(header.get("creg_sizes"), len(measured)),
        }

    def of_program(self, registers: Sequence[tuple[str, int]] | None = None) -> dict[str, Any]:
        """Return the header of a program's result, whose outcomes are over its classical bits.

        Args:
            registers: Name and size of each register in its shots; for a job of another client.

        Raises:
            IonQJobError: The number of bits is unknown.
        """
        header = self.stored or {}
        sizes: Any = header.get("creg_sizes") or [list(register) for register in registers or ()]
        width = header.get("memory_slots", sum(size for _, size in registers or ()))
        if not _is_width(width):
            raise self._corrupt(
                "does not say which classical bits its program has; client.get_results(job_id) "
                "returns the bare histogram"
            )
        sizes = _register_sizes(sizes, width)
        if sizes:  # those that are stored are of the program, which may name registers otherwise
            labels = [[name, place] for name, size in sizes for place in range(size)]
            header = {**header, "clbit_labels": labels}
        return {
            **header,
            "n_qubits": width,
            "meas_mapped": list(range(width)),
            "memory_slots": width,
            "creg_sizes": sizes,
        }

    def bits(self) -> list[tuple[str, int]] | None:
        """Return (register, place in it) of each classical bit, or None if that is not stored."""
        labels = (self.stored or {}).get("clbit_labels")
        if not labels:
            return None
        try:
            bits = [(name, place) for name, place in labels]
        except (TypeError, ValueError):
            bits = [(None, None)]
        if not all(isinstance(n, str) and isinstance(p, int) and p >= 0 for n, p in bits):
            raise self._corrupt(f"has bits labelled {labels!r:.200}")
        return bits

    def _corrupt(self, what: str) -> IonQJobError:
        return IonQJobError(f"The record of job {self._job_id} {what}.", job_id=self._job_id)


def _is_width(value: object) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and 1 <= value <= _MOST_QUBITS  # type: ignore[operator]


def _is_qubit(value: object, width: int) -> bool:
    return value is None or (isinstance(value, int) and 0 <= value < width)


def _register_sizes(stored: Any, bits: int) -> list[list[Any]]:  # noqa: ANN401 - any JSON
    """Return [name, size] of each register, or [] if the sizes do not add up to `bits`."""
    try:
        sizes = [size for _, size in stored]
    except (TypeError, ValueError):
        return []
    whole = all(isinstance(size, int) and size >= 0 for size in sizes) and sum(sizes) == bits
    return stored if whole else []
