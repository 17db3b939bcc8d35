"""Costs: /jobs/{id}/cost, /jobs/estimate, /organizations/{id}/usage."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.api import query
from ionq_toolkit_fake.api.responses import bad_query, not_found
from ionq_toolkit_fake.clock import iso
from ionq_toolkit_fake.facts.devices import predicted_ms
from ionq_toolkit_fake.facts.limits import MAX_SHOTS
from ionq_toolkit_fake.models.accounts import ORGANIZATION
from ionq_toolkit_fake.models.charges import TOP_GROUPS, Sum, highest
from ionq_toolkit_fake.models.facility import midnight
from ionq_toolkit_fake.models.submission import SINGLE_CIRCUIT

if TYPE_CHECKING:
    from datetime import date

    from ionq_toolkit_fake.api.request import Request
    from ionq_toolkit_fake.models.charges import DayCharges, TopJob

#: Limits of a job that can be estimated: schema GetJobEstimateQueryParams.
MAX_INTEGER = 2**31 - 1

GROUPS = ("job", "project", "user")
MODALITIES = ("daily", "weekly", "monthly")


def cost(request: Request) -> object:
    """GET /jobs/{id}/cost: 404 until the cost is known, as a user saw for queued jobs.

    The simulator is free, and its jobs show no amount. IonQ's response for a child job is not
    known: here a child shows no amount, because its parent is charged for it.
    """
    job = request.found(request.project.jobs.find(request.arguments["job_id"]))
    if not (job.ran or job.status == "completed"):
        raise not_found()
    body: dict[str, Any] = {"dry_run": job.submission.dry_run}
    if job.submission.device.price is not None and job.parent_id is None:
        body["estimated_cost"] = {"unit": "usd", "value": job.price}
        if not job.submission.is_rehearsal:
            body["cost"] = {"unit": "usd", "value": job.cost}
    return body


def estimate(request: Request) -> object:
    """GET /jobs/estimate."""
    name = query.required(request, "backend")
    device = request.facility.devices.get(name)
    if device is None:
        allowed = ", ".join(request.facility.devices)
        raise bad_query(f"backend must be one of [{allowed}]", "backend")
    qubits = query.integer(request, "qubits", 25, 1, MAX_INTEGER)
    shots = query.integer(request, "shots", 1000, 1, MAX_SHOTS)
    single = query.integer(request, "1q_gates", 0, 0, MAX_INTEGER)
    double = query.integer(request, "2q_gates", 0, 0, MAX_INTEGER)
    mitigated = query.boolean(request, "error_mitigation") or False
    context = {
        "backend": name,
        "type": query.text(request, "type") or SINGLE_CIRCUIT,
        "qubits": qubits,
        "shots": shots,
        "1q_gates": single,
        "2q_gates": double,
        "error_mitigation": mitigated,
        "organization": ORGANIZATION,
        "project": request.owner.project_id,
    }
    rates, total, price = [], 0.0, device.price
    if price is not None:
        total = price.of(single, double, shots, mitigated=mitigated)
        rates.append(
            {
                "sku": f"{name}-gates",
                "unit": "gates",
                "cost_1q_gate": price.one_qubit,
                "cost_2q_gate": price.two_qubits,
                "job_cost_minimum": price.minimum_mitigated if mitigated else price.minimum,
            }
        )
    card, older = {"id": f"{name}-rates", "rates": rates}, {}
    if "estimate-both-keys" in request.deviations:
        older = {
            "input_values": context,
            "rate_information": card,
            "estimated_cost": total,
            "cost_unit": "usd",
        }
    return {
        **older,
        "estimate_context": context,
        "estimated_at": iso(request.clock.now()),
        "estimated_unit": "usd",
        "rate_card": card,
        "estimated_total_cost": total,
        "estimated_execution_time": predicted_ms(device, single, double, shots),
        "current_predicted_queue_time": request.facility.queue_ms(name),
    }


def usage(request: Request) -> object:
    """GET /organizations/{id}/usage: the costs of completed jobs, newest date first.

    All projects belong to one organization. Of single jobs, it shows those of the key's project.
    """
    if request.arguments["organization_id"] != ORGANIZATION:
        raise not_found()
    first = query.day(query.required(request, "start_date"), "start_date")
    last = query.day(query.required(request, "end_date"), "end_date")
    if last < first:
        raise bad_query("end_date must not be before start_date", "end_date")
    group_by, modality = (
        query.choice(request, name, allowed) or query.required(request, name)
        for name, allowed in (("group_by", GROUPS), ("modality", MODALITIES))
    )
    names = {project.id: project.name for project in request.projects}
    periods: defaultdict[date, _Usage] = defaultdict(_Usage)
    everything = _Usage()
    for project in request.projects:
        for day, charges in project.charges.between(first, last):
            for usage_ in (periods[_period(day, modality)], everything):
                usage_.add(project.id, charges, own=project is request.project)
    timed = "usage-timestamps" in request.deviations
    data = [
        {
            "from": iso(midnight(start)) if timed else start.isoformat(),
            **_body(periods[start].total),
            "group_usages": _groups(periods[start], group_by, names),
        }
        for start in sorted(periods, reverse=True)
    ]
    total = _body(everything.total)
    return {
        "organization": ORGANIZATION,
        "group_type": group_by,
        "modality": modality,
        "start_date": first.isoformat(),
        "end_date": last.isoformat(),
        "usage_from": iso(midnight(first)),
        "usage_to": iso(midnight(last) + timedelta(days=1)),
        "usage_unit": "USD",
        "amount_total": total["amount"],
        "amount_totals": total["amounts"],
        "job_count": total["job_count"],
        "time_us_total": total["time_us"],
        "usage_data": data,
    }


class _Usage:
    """The costs of a period: all of them, by user, by project, and the jobs that cost most."""

    def __init__(self) -> None:
        self.total = Sum()
        self.users: defaultdict[str, Sum] = defaultdict(Sum)
        self.projects: defaultdict[str, Sum] = defaultdict(Sum)
        self.top: list[TopJob] = []

    def add(self, project_id: str, charges: DayCharges, *, own: bool) -> None:
        """Add the charges of a day in a project, which is that of the key or another."""
        for user, one in charges.users.items():
            self.total = self.total.plus(one)
            self.users[user] = self.users[user].plus(one)
            self.projects[project_id] = self.projects[project_id].plus(one)
        if own:
            self.top = highest([*self.top, *charges.top])


def _period(day: date, modality: str) -> date:
    """Return the first day of the day, week or month that a day is in."""
    if modality == "weekly":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if modality == "monthly" else day


def _body(usage: Sum) -> dict[str, Any]:
    amount = usage.cents / 100
    return {
        "amount": amount,
        "amount_unit": "USD",
        "amounts": [{"amount": amount, "unit": "USD"}],
        "job_count": usage.jobs,
        "time_us": 1000 * usage.time_ms,
    }


def _groups(usage: _Usage, group_by: str, names: dict[str, str]) -> list[dict[str, Any]]:
    """Return the groups with the highest costs."""
    if group_by == "job":
        groups = [(job.id, job.name, job.sum) for job in usage.top]
    else:
        sums = usage.projects if group_by == "project" else usage.users
        groups = [(key, names.get(key, key), one) for key, one in sums.items()]
    groups.sort(key=lambda group: -group[2].cents)
    return [
        {"group_id": key, "group_name": name, **_body(one)}
        for key, name, one in groups[:TOP_GROUPS]
    ]
