"""Estimates, costs and characterizations as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ionq_toolkit.api import fields
from ionq_toolkit.display import View, html, moment, money, shown, text
from ionq_toolkit.errors import IonQJobError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ionq_toolkit.display.view import Printer


class JobCost(NamedTuple):
    """The cost of a job.

    Attributes:
        charged: The amount charged, or None.
        estimated: The estimated amount, or None.
        unit: The currency, such as ``usd``, or ``credit``; None for a job without costs.
    """

    charged: float | None
    estimated: float | None
    unit: str | None

    def __str__(self) -> str:
        charged, estimated = (money(one, self.unit) for one in self[:2])
        return charged or (f"{estimated} (estimated)" if estimated else "no charge")

    def _view(self) -> View:
        return View("JobCost", facts={"cost": str(self)})

    def _repr_html_(self) -> str:
        return html.render(self._view())

    def _repr_pretty_(self, printer: Printer, cycle: bool) -> None:  # noqa: ARG002 - it holds itself nowhere
        printer.text(text.render(self._view()))


def read_cost(body: Mapping[str, object], job_id: str) -> JobCost:
    """Return the cost in the body of GET /jobs/{id}/cost: schema GetJobCostResponse.

    A simulation has neither a cost nor an estimate, and a job that has not run has no cost.

    Raises:
        IonQJobError: It cannot be read.
    """
    charged, estimated = (_amount(body, name, job_id) for name in ("cost", "estimated_cost"))
    units = {amount[1] for amount in (charged, estimated) if amount is not None}
    if len(units) > 1:
        raise IonQJobError(
            f"The costs of job {job_id} are in different units: {', '.join(sorted(units))}.",
            job_id=job_id,
        )
    return JobCost(
        charged and charged[0], estimated and estimated[0], units.pop() if units else None
    )


def _amount(body: Mapping[str, object], name: str, job_id: str) -> tuple[float, str] | None:
    amount = body.get(name)
    if amount is None:
        return None
    found = fields.mapping(amount)
    value, unit = fields.number(found.get("value")), fields.text(found.get("unit"))
    if value is not None and unit is not None:
        return value, unit
    raise IonQJobError(
        f"The {name} of job {job_id} cannot be read: {amount!r:.200}.", job_id=job_id
    )


@dataclass(frozen=True)
class JobEstimate:
    """IonQ's estimate of a job. A missing or corrupt field is None.

    Attributes:
        backend: IonQ's name of the backend.
        qubits, shots, oneq_gates, twoq_gates, error_mitigation: Properties of the job.
        cost: Cost of the job, in `cost_unit`; 0 on the simulator.
        cost_unit: ``"usd"``, or ``"credit"``.
        execution_time_s: Time of execution, in seconds.
        queue_time_s: Time in the queue if the job were submitted now, in seconds.
        estimated_at: Time of the estimate, in UTC.
        rates: The prices that add up to the cost, as IonQ lists them.
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
        """Read the response to GET /jobs/estimate.

        The live service returns `estimate_context` and `rate_card`, for which its document long
        had other names.
        """
        context = fields.mapping(body.get("estimate_context"))
        mitigated = context.get("error_mitigation")
        rates = fields.mapping(body.get("rate_card")).get("rates")
        return cls(
            backend=fields.text(context.get("backend")),
            qubits=fields.integer(context.get("qubits")),
            shots=fields.integer(context.get("shots")),
            oneq_gates=fields.integer(context.get("1q_gates")),
            twoq_gates=fields.integer(context.get("2q_gates")),
            error_mitigation=mitigated if isinstance(mitigated, bool) else None,
            cost=fields.number(body.get("estimated_total_cost")),
            cost_unit=fields.text(body.get("estimated_unit")),
            execution_time_s=fields.milliseconds(body.get("estimated_execution_time")),
            queue_time_s=fields.milliseconds(body.get("current_predicted_queue_time")),
            estimated_at=fields.moment(body.get("estimated_at")),
            rates=tuple(rate for rate in fields.items(rates) if isinstance(rate, dict)),
            _body=body,
        )

    def _view(self) -> View:
        run, queue = self.execution_time_s, self.queue_time_s
        return View(
            f"Estimate for {self.backend}",
            badge=money(self.cost, self.cost_unit) or "",
            tone="good",
            facts={
                "qubits": self.qubits,
                "shots": self.shots,
                "gates on one qubit": self.oneq_gates,
                "gates on two qubits": self.twoq_gates,
                "error mitigation": self.error_mitigation,
                "execution": None if run is None else f"{run:g} s",
                "queue now": None if queue is None else f"{queue:g} s",
                "price": self.price,
                "at": moment(self.estimated_at),
            },
        )

    _repr_html_, _repr_pretty_ = shown(_view)

    @property
    def price(self) -> str | None:
        """The prices in `rates`, in words; None if none can be read."""
        parts = []
        for rate in self.rates:
            gate, least = (fields.number(rate.get(n)) for n in ("cost_2q_gate", "job_cost_minimum"))
            if gate is not None:
                parts.append(f"{gate:g} a shot and 2-qubit gate")
            if least is not None:
                parts.append(f"at least {least:g}")
        unit = (self.cost_unit or "").upper()
        return f"{', '.join(parts)} {unit}".rstrip() if parts else None

    def to_dict(self) -> dict[str, Any]:
        """Return the response as IonQ sent it."""
        return dict(self._body)


#: IonQ's names of the measured fidelities and times of a QPU.
_FIDELITIES, _TIMES = ("spam", "1q", "2q"), ("readout", "reset", "1q", "2q", "t1", "t2")


@dataclass(frozen=True)
class Characterization:
    """The measured properties of a QPU on one day.

    The live service sends null for a median that was not measured, and 0 for every standard
    error; old records have wrong medians, which are returned unchanged.

    Attributes:
        id: IonQ's id of the record.
        backend: IonQ's name of the backend.
        date: The day, as the midnight in UTC at which it begins.
        qubits: The number of qubits.
        connectivity: The pairs of qubits that a gate can act on.
        fidelity: Medians of ``"spam"`` (preparing and measuring a qubit), ``"1q"`` and ``"2q"``
            (gates on one and on two), from 0 to 1; None if not measured.
        timing: Seconds of ``"readout"``, ``"reset"``, ``"1q"``, ``"2q"``, ``"t1"``, ``"t2"``;
            None if not reported.
    """

    id: str | None
    backend: str | None
    date: datetime | None
    qubits: int | None
    connectivity: tuple[tuple[int, int], ...] = field(repr=False)
    fidelity: Mapping[str, float | None]
    timing: Mapping[str, float | None]

    @classmethod
    def from_reply(cls, body: Mapping[str, Any]) -> Characterization:
        """Read a record of GET /backends/{backend}/characterizations."""
        fidelity, timing = (fields.mapping(body.get(name)) for name in ("fidelity", "timing"))
        return cls(
            id=fields.text(body.get("id")),
            backend=fields.text(body.get("backend")),
            date=fields.moment(body.get("date")),
            qubits=fields.integer(body.get("qubits")),
            connectivity=tuple(_pairs(body.get("connectivity"))),
            fidelity={
                name: fields.number(fields.mapping(fidelity.get(name)).get("median"))
                for name in _FIDELITIES
            },
            timing={name: fields.number(timing.get(name)) for name in _TIMES},
        )

    def _view(self) -> View:
        measured = {f"{n} fidelity": v and f"{v:.2%}" for n, v in self.fidelity.items()}
        times = {n: None if s is None else f"{s:g} s" for n, s in self.timing.items()}
        return View(
            f"Characterization of {self.backend}",
            badge=f"{self.date:%Y-%m-%d}" if self.date else "",
            facts={"qubits": self.qubits, **measured, **{f"time {n}": s for n, s in times.items()}},
        )

    _repr_html_, _repr_pretty_ = shown(_view)

    @property
    def median_spam_fidelity(self) -> float | None:
        """The median fidelity of preparing and measuring a qubit."""
        return self.fidelity["spam"]

    @property
    def median_1q_fidelity(self) -> float | None:
        """The median fidelity of gates on one qubit."""
        return self.fidelity["1q"]

    @property
    def median_2q_fidelity(self) -> float | None:
        """The median fidelity of gates on two qubits."""
        return self.fidelity["2q"]


def _pairs(value: object) -> list[tuple[int, int]]:
    return [
        (pair[0], pair[1])
        for pair in fields.items(value)
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(q, int) for q in pair)  # noqa: PLR2004
    ]
