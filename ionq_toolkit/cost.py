"""What a job costs, as IonQ says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ionq_toolkit.errors import IonQJobError

if TYPE_CHECKING:
    from collections.abc import Mapping


class JobCost(NamedTuple):
    """What a job costs.

    Attributes:
        charged: What was charged for it, or None.
        estimated: What it was estimated to cost, or None.
        unit: The currency, such as ``usd``, or ``credit``; None for what costs nothing.
    """

    charged: float | None
    estimated: float | None
    unit: str | None


def read_cost(body: Mapping[str, object], job_id: str) -> JobCost:
    """Return what the body of GET /jobs/{id}/cost says: schema GetJobCostResponse.

    A simulation has neither a cost nor an estimate, and what has not run has no cost.

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
    if isinstance(amount, dict):
        value, unit = amount.get("value"), amount.get("unit")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and isinstance(unit, str):
            return float(value), unit  # type: ignore[arg-type]
    raise IonQJobError(
        f"The {name} of job {job_id} cannot be read: {amount!r:.200}.", job_id=job_id
    )
