"""A program that drives qiskit-ionq as its documents do, with a limit to the wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit
from qiskit.providers import JobError, JobTimeoutError
from qiskit_ionq import IonQProvider
from qiskit_ionq.exceptions import IonQError

if TYPE_CHECKING:
    from ionq_toolkit_fake.chaos.caller import Caller


#: The errors that the program may raise.
EXPECTED = (IonQError, JobError, JobTimeoutError)

SHOTS = 10


def program(caller: Caller) -> None:
    """Submit a job, wait until the deadline at most, and check the counts."""
    provider: Any = IonQProvider(caller.key, caller.url)
    backend = provider.get_backend("ionq_simulator")
    circuit = QuantumCircuit(1, 1, name="flip")
    circuit.x(0)
    circuit.measure(0, 0)
    job = backend.run(circuit, shots=SHOTS)
    caller.knows(job.job_id())
    job.wait_for_final_state(timeout=caller.left_s())
    counts = job.result().get_counts()
    if counts != {"1": SHOTS}:
        raise AssertionError(f"wrong counts: {counts}")
