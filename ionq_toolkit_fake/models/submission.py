"""A submitted job, checked: circuits or a function, and how to run them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ionq_toolkit_fake.facts.devices import Device
    from ionq_toolkit_fake.facts.failures import JobFailure
    from ionq_toolkit_fake.simulation.program import Energy, MaxCut, Program, Qasm3, Qir


#: The types of jobs.
SINGLE_CIRCUIT, MULTI_CIRCUIT, QASM3 = "ionq.circuit.v1", "ionq.multi-circuit.v1", "ionq.qasm3.v1"
QIR = "ionq.qir.v1"
QUANTUM_FUNCTION, QAOA, QAOA_CIRCUIT = "quantum-function", "qctrl.qaoa.v1", "qctrl.qaoa-circuit.v1"


class Circuit(NamedTuple):
    """One circuit of a submission, checked.

    Attributes:
        name: Its name, or None.
        program: The program.
        num_qubits: How many qubits it has; None as long as it is not known.
        gate_counts: How many gates act on one qubit (`1q`) and on more (`2q`).
        billed: How many gates on one and on two qubits it is billed as.
        registers: Parts of its outcome, as `Task.registers`; None: none are named.
        rejection: Why it will fail before it runs; None if it can run.
    """

    name: str | None
    program: Program | Qasm3 | Qir
    num_qubits: int | None
    gate_counts: Mapping[str, int]
    billed: tuple[float, float] = (0, 0)
    registers: Mapping[str, Sequence[int | None]] | None = None
    rejection: JobFailure | None = None


class Submission(NamedTuple):
    """The body of a request for a job, checked.

    Attributes:
        device: Where to run it, as it was when the job was submitted.
        shots: How many runs were asked for; an ideal simulation has none.
        noise_model: The noise model; `ideal` on a QPU, which is noisy by itself.
        noise_seed: The seed of the noise, or None.
        mitigated: Whether the job is debiased.
        symmetry_verification: Whether symmetries of the circuit are used, or None.
        circuits: One for a job of one circuit; for `ionq.multi-circuit.v1` one or more, each of
            which becomes a child job; for `qctrl.qaoa.v1` those that it will run.
        function: The function to evaluate, for a job without a circuit; its `seed`, `noise` and
            `shots` are filled in when it begins.
        source: The body of the request.
        is_exact: Whether it is an ideal simulation, which has no shots.
        is_rehearsal: Whether it is only compiled and priced: a dry run, on a QPU.
    """

    type: str
    device: Device
    name: str | None
    metadata: Mapping[str, str] | None
    settings: Mapping[str, Any]
    dry_run: bool
    shots: int
    noise_model: str
    noise_seed: int | None
    mitigated: bool
    symmetry_verification: bool | None
    session_id: str | None
    circuits: tuple[Circuit, ...]
    function: Energy | MaxCut | None
    source: bytes
    is_exact: bool
    is_rehearsal: bool

    @property
    def billed(self) -> tuple[float, float]:
        """How many gates on one and on two qubits all its circuits are billed as."""
        single, double = zip(*(circuit.billed for circuit in self.circuits), strict=True)
        return sum(single), sum(double)
