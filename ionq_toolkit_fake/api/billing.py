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
from ionq_toolkit_fake.models.facility import midnight
from ionq_toolkit_fake.models.submission import SINGLE_CIRCUIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from ionq_toolkit_fake.api.request import Request
    from ionq_toolkit_fake.models.job import Job

#: Limits of a job that can be estimated: schema GetJobEstimateQueryParams.
MAX_INTEGER = 2**31 - 1

#: How many groups a date of the usage shows: schema Usage.
TOP_GROUPS = 5

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

    All projects belong to one organization.
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
    jobs = [
        job
        for project in request.projects
        for job in project.ledger
        if job.cost > 0 and first <= _day(job) <= last
    ]
    names = {project.id: project.name for project in request.projects}
    periods: dict[date, list[Job]] = defaultdict(list)
    for job in jobs:
        periods[_period(_day(job), modality)].append(job)
    timed = "usage-timestamps" in request.deviations
    data = [
        {
            "from": iso(midnight(start)) if timed else start.isoformat(),
            **_sum(periods[start]),
            "group_usages": _groups(periods[start], group_by, names),
        }
        for start in sorted(periods, reverse=True)
    ]
    total = _sum(jobs)
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


def _day(job: Job) -> date:
    """Return the day that a job is billed on."""
    return (job.completed_at or job.submitted_at).date()


def _period(day: date, modality: str) -> date:
    """Return the first day of the day, week or month that a day is in."""
    if modality == "weekly":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if modality == "monthly" else day


def _sum(jobs: Iterable[Job]) -> dict[str, Any]:
    jobs = list(jobs)
    amount = round(sum(job.cost for job in jobs), 2)
    return {
        "amount": amount,
        "amount_unit": "USD",
        "amounts": [{"amount": amount, "unit": "USD"}],
        "job_count": len(jobs),
        "time_us": 1000 * sum(job.execution_ms for job in jobs),
    }


def _groups(jobs: Sequence[Job], group_by: str, names: dict[str, str]) -> list[dict[str, Any]]:
    """Return the groups with the highest costs."""
    groups: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        owner = job.owner
        key = {"job": job.id, "project": owner.project_id, "user": owner.submitter_id}[group_by]
        groups[key].append(job)
    if group_by == "job":
        names = {job.id: job.name or job.id for job in jobs}
    bodies = [
        {"group_id": key, "group_name": names.get(key, key), **_sum(members)}
        for key, members in groups.items()
    ]
    return sorted(bodies, key=lambda body: -body["amount"])[:TOP_GROUPS]
