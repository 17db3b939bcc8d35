"""What a job would cost, and how long it would take, as IonQ estimates it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from qiskit.circuit import Barrier, Delay, Measure, Reset
from qiskit.circuit.library import IGate

from ionq_toolkit import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from qiskit import QuantumCircuit

#: What is no gate, or none that is sent.
_FREE = (Barrier, Delay, IGate, Measure, Reset)


class GateCounts(NamedTuple):
    """How many gates circuits have in all: what a job on a machine is billed by.

    Attributes:
        one_qubit: Gates on one qubit.
        two_qubits: Gates on two qubits.
    """

    one_qubit: int
    two_qubits: int


def count_gates(circuits: Iterable[QuantumCircuit]) -> GateCounts:
    """Count the gates of circuits as they are billed.

    A gate on N > 2 qubits is billed as 6 (N - 2) gates on two: Microsoft's page on IonQ's prices
    (https://learn.microsoft.com/azure/quantum/pricing, December 2024).
    """
    widths = [
        len(instruction.qubits)
        for circuit in circuits
        for instruction in circuit.data
        if not isinstance(instruction.operation, _FREE)
    ]
    return GateCounts(
        widths.count(1),
        sum(1 if width == 2 else 6 * (width - 2) for width in widths if width > 1),  # noqa: PLR2004
    )


@dataclass(frozen=True)
class JobEstimate:
    """IonQ's estimate of a job. What it does not say, or says strangely, is None.

    Attributes:
        backend: IonQ's name of the backend.
        qubits, shots, oneq_gates, twoq_gates, error_mitigation: What the estimate is of.
        cost: What the job would cost, in `cost_unit`; 0 on the simulator.
        cost_unit: ``"usd"``, or ``"credit"``.
        execution_time_s: Seconds it would run.
        queue_time_s: Seconds it would wait before that, as things stand.
        estimated_at: When this was estimated.
        rates: The prices it is made of, as IonQ lists them.
    """

    backend: str | None
    qubits: int | None
    shots: int | None
    oneq_gates: int | None
    twoq_gates: int | None
    error_mitigation: bool | None
    cost: float | None
    cost_unit: str | None
    execution_time_s: float | None
    queue_time_s: float | None
    estimated_at: datetime | None
    rates: tuple[Mapping[str, Any], ...]
    _body: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_reply(cls, body: Mapping[str, Any]) -> JobEstimate:
        """Read the reply to GET /jobs/estimate.

        The live service has long answered with `estimate_context` and `rate_card` where its
        document still had other names.
        """
        context = reading.mapping(body.get("estimate_context"))
        mitigated = context.get("error_mitigation")
        rates = reading.mapping(body.get("rate_card")).get("rates")
        return cls(
            backend=reading.text(context.get("backend")),
            qubits=reading.integer(context.get("qubits")),
            shots=reading.integer(context.get("shots")),
            oneq_gates=reading.integer(context.get("1q_gates")),
            twoq_gates=reading.integer(context.get("2q_gates")),
            error_mitigation=mitigated if isinstance(mitigated, bool) else None,
            cost=reading.number(body.get("estimated_total_cost")),
            cost_unit=reading.text(body.get("estimated_unit")),
            execution_time_s=reading.milliseconds(body.get("estimated_execution_time")),
            queue_time_s=reading.milliseconds(body.get("current_predicted_queue_time")),
            estimated_at=reading.moment(body.get("estimated_at")),
            rates=tuple(rate for rate in reading.items(rates) if isinstance(rate, dict)),
            _body=body,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the reply as IonQ sent it."""
        return dict(self._body)
