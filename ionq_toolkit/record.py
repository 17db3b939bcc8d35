"""What IonQ's record of a job says, read with care: any of it may be null, missing or strange."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ionq_toolkit import metadata
from ionq_toolkit.errors import IonQJobError
from ionq_toolkit.result import experiment

if TYPE_CHECKING:
    from collections.abc import Mapping


#: More than these, and a record is not true: they would only use up memory and time.
_MOST_SHOTS, _MOST_QUBITS = 10**9, 10_000


class JobRecord:
    """The body of GET /jobs/{id}.

    Attributes:
        job_id: The job it is of.
        status: IonQ's word for where the job stands; any JSON in a record that is strange.
        backend: IonQ's name of the backend, or None.
        metadata: What is stored with the job.
    """

    def __init__(self, job_id: str, body: Mapping[str, Any]) -> None:
        self.job_id = job_id
        self.status: object = body.get("status")
        backend = body.get("backend")
        self.backend = backend if isinstance(backend, str) else None
        self.metadata = _object(body.get("metadata"))
        self._body = body

    @property
    def failure(self) -> tuple[str | None, str]:
        """(code, text) of why the job failed.

        The API document calls the text `message`, IonQ's own clients read `error`.
        """
        failure = self._body.get("failure")
        if not isinstance(failure, dict):
            failure = {"message": failure}
        text = failure.get("message") or failure.get("error") or "IonQ gives no reason"
        code = failure.get("code")
        return (str(code) if code else None), str(text)

    @property
    def shots(self) -> int | None:
        """How many shots the job had, or None. Of an ideal simulation IonQ keeps none itself."""
        shots = metadata.whole_number(self._body.get("shots"))
        if shots is None:
            shots = metadata.whole_number(self.metadata.get("shots"))
        if shots is not None and shots > _MOST_SHOTS:
            raise IonQJobError(
                f"The record of job {self.job_id} says that it had {shots} shots.",
                job_id=self.job_id,
            )
        return shots

    @property
    def time_taken_s(self) -> float | None:
        """How long the job took to run, or None."""
        duration_ms = metadata.whole_number(self._body.get("execution_duration_ms"))
        return None if duration_ms is None else duration_ms / 1000

    @property
    def is_ideal(self) -> bool:
        """Whether the job was simulated without noise, so that its histogram counts no shots."""
        noise = self._body.get("noise") or {"model": "ideal"}
        return self.backend == "simulator" and _object(noise).get("model") == "ideal"

    @property
    def sampling_seed(self) -> int:
        """What seeds the counts of an ideal simulation: as stored, else fixed by the job's id."""
        stored = metadata.whole_number(self.metadata.get("sampler_seed"))
        if stored is not None:
            return stored
        return int.from_bytes(hashlib.sha256(self.job_id.encode()).digest()[:4])

    def experiment(self, histogram: Mapping[str, Any]) -> dict[str, Any]:
        """Return the job's histogram as an experiment of a Qiskit result.

        Raises:
            IonQJobError: The histogram or the record is unusable.
        """
        return experiment(
            histogram,
            self.header(),
            shots=self.shots,
            seed=self.sampling_seed if self.is_ideal else None,
            memory=self.metadata.get("memory") == "true",
        )

    def header(self) -> dict[str, Any]:
        """Return what is known of the circuit; without registers for a job made elsewhere.

        Raises:
            IonQJobError: The width of the circuit is not known, or its measurement map wrong.
        """
        header = metadata.decode_header(self.metadata, self.job_id) or {}
        width = header.get("n_qubits", _object(self._body.get("stats")).get("qubits"))
        if not isinstance(width, int) or not 1 <= width <= _MOST_QUBITS:
            raise IonQJobError(
                f"The record of job {self.job_id} does not say how many qubits it had.",
                job_id=self.job_id,
            )
        measured = header.get("meas_mapped") or [None]
        if not isinstance(measured, list) or not all(_is_qubit(q, width) for q in measured):
            raise IonQJobError(
                f"The measurement map stored with job {self.job_id} is none of {width} qubits: "
                f"{measured!r}.",
                job_id=self.job_id,
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


def _object(value: object) -> dict[str, Any]:
    """Return a JSON object, or an empty one where there is something else."""
    return value if isinstance(value, dict) else {}


def _is_qubit(value: object, width: int) -> bool:
    return value is None or (isinstance(value, int) and 0 <= value < width)


def _register_sizes(stored: Any, bits: int) -> list[list[Any]]:  # noqa: ANN401 - any JSON
    """Return [name, size] of each register, or [] where these do not make up the bits."""
    try:
        sizes = [size for _, size in stored]
    except (TypeError, ValueError):
        return []
    whole = all(isinstance(size, int) and size > 0 for size in sizes) and sum(sizes) == bits
    return stored if whole else []
