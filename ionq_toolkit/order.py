"""Circuits that a backend is to run, up to where IonQ has taken them as a job."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from ionq_toolkit import submission
from ionq_toolkit.attempt import JobAttempt
from ionq_toolkit.errors import IonQJobStateError
from ionq_toolkit.events import Adopted, Submitted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from qiskit import QuantumCircuit

    from ionq_toolkit.backend import IonQBackend
    from ionq_toolkit.client import IonQClient
    from ionq_toolkit.waiting import Deadline


#: Held while it is found out whether another thread submits the same job; one for all, since a lock
#: of its own would keep a job from being pickled.
_BEGINNING = threading.Lock()


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
        self._busy = False

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other threads from submitting meanwhile.

        Raises:
            IonQJobStateError: One of them is about it.
        """
        with _BEGINNING:
            if self._busy:
                raise IonQJobStateError("The job is being submitted by another thread.")
            self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def submit(self, client: IonQClient, deadline: Deadline) -> Submitted | Adopted:
        """Send the job, or look for it again where the answer was lost, and return what came of it.

        When it is called again after an interruption, the same, until `close` is called.

        Raises:
            IonQError: As of `IonQJob.submit`.
        """
        clock = self._backend.clock
        attempt = self._attempt
        if attempt is None or not (attempt.open or attempt.made):
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
        job_id = attempt.made or attempt.run(deadline)
        seconds = clock.monotonic() - self.begin
        if attempt.adopted:
            return Adopted(job_id=job_id, seconds=seconds, tag=attempt.tag)
        return Submitted(job_id=job_id, seconds=seconds)

    def close(self) -> None:
        """Forget what was sent: the job is known by its id."""
        self._attempt = None
