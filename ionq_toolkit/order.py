"""Circuits that a backend is to run, up to where IonQ has taken them as a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ionq_toolkit import submission
from ionq_toolkit.attempt import JobAttempt
from ionq_toolkit.events import Adopted, Submitted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qiskit import QuantumCircuit

    from ionq_toolkit.backend import IonQBackend
    from ionq_toolkit.client import IonQClient
    from ionq_toolkit.waiting import Deadline


class Order:
    """What is to be one job: its circuits and options, checked when it is made.

    Attributes:
        circuits: The circuits, one or several.
        options: The options of the run.
        metadata: What is stored with the job; empty until it is first sent.
        begin: The time on the backend's clock when the job was first sent.
    """

    def __init__(
        self,
        backend: IonQBackend,
        circuits: QuantumCircuit | Sequence[QuantumCircuit],
        options: Mapping[str, Any],
    ) -> None:
        """Check what is to be run.

        Raises:
            IonQBackendError: The backend cannot run the circuits so.
        """
        self.circuits = submission.circuits_of(circuits)
        self.options = backend.preflight(self.circuits, options)
        self.metadata: dict[str, Any] = {}
        self.begin = 0.0
        self._backend = backend
        self._attempt: JobAttempt | None = None

    def submit(self, client: IonQClient, deadline: Deadline) -> str:
        """Send the job, or look for it again where the answer was lost; return its id.

        Raises:
            IonQError: As of `IonQJob.submit`.
        """
        clock = self._backend.clock
        attempt = self._attempt
        if attempt is None or not attempt.open:
            seed, tag = self.options.seed, self._backend.draw_tag()
            made = submission.build(
                self.circuits,
                self._backend.device,
                self.options,
                seed=self._backend.draw_seed() if seed is None else seed,
                tag=tag,
            )
            attempt = self._attempt = JobAttempt(client, clock, made.body, tag)
            self.metadata = made.metadata
            self.begin = clock.monotonic()
        job_id = attempt.run(deadline)
        self._attempt = None  # the body is not needed any more
        seconds = clock.monotonic() - self.begin
        client.events(
            Adopted(job_id=job_id, seconds=seconds, tag=attempt.tag)
            if attempt.adopted
            else Submitted(job_id=job_id, seconds=seconds)
        )
        return job_id
