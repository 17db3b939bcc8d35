"""ionq-core asks what jobs cost, before and after they are run, and what all of them came to."""

from datetime import UTC, date, datetime

import pytest
from ionq_core import UNSET
from ionq_core.api.default import (
    create_job,
    delete_job,
    estimate_job_cost,
    get_job,
    get_job_cost,
)
from ionq_core.api.usage import get_usages
from ionq_core.exceptions import NotFoundError
from ionq_core.models import CircuitJobCreationPayload

from ionq_toolkit_fake import Access, FakeIonQ, Transitions

# It warns of a URL that is not https.
pytestmark = pytest.mark.filterwarnings("ignore:base_url .* does not use HTTPS:UserWarning")

DAY_S = 24 * 60 * 60


@pytest.fixture
def qpu_body(job_body):
    """Build the body of a job on a machine with so many gates on one and on two qubits."""

    def build(single=1, double=0, **fields):
        gates = [{"gate": "x", "target": 0}] * single
        gates += [{"gate": "cnot", "control": 0, "target": 1}] * double
        return job_body(gates, **{"backend": "qpu.forte-1", **fields})

    return build


def cost_of(client, job):
    return get_job_cost.sync(job.id, client=client)


def test_a_simulation_has_no_amounts(client, run, job_body):
    cost = cost_of(client, run(client, job_body()))
    assert (cost.dry_run, cost.cost, cost.estimated_cost) == (False, UNSET, UNSET)


@pytest.mark.parametrize(
    ("shots", "price"), [(100, 25.79), (500, 168.20), (2000, 168.20), (5000, 284.32)]
)
def test_a_dry_run_costs_what_users_were_shown_for_it_and_what_is_estimated(
    client, run, qpu_body, shots, price
):
    cost = cost_of(client, run(client, qpu_body(128, 32, shots=shots, dry_run=True)))
    assert (cost.dry_run, cost.cost) == (True, UNSET)
    assert (cost.estimated_cost.value, cost.estimated_cost.unit) == (price, "usd")
    estimate = estimate_job_cost.sync(
        client=client,
        backend="qpu.forte-1",
        shots=shots,
        field_1q_gates=128,
        field_2q_gates=32,
        error_mitigation=shots >= 500,
    )
    assert (estimate.estimated_total_cost, estimate.estimated_unit) == (price, "usd")


def test_an_estimate_says_what_it_is_of_and_how_it_came_about(client):
    estimate = estimate_job_cost.sync(client=client, backend="qpu.forte-1", field_2q_gates=50)
    context = estimate.estimate_context
    assert (context.qubits, context.shots, context.error_mitigation) == (25, 1000, False)
    assert (context.field_1q_gates, context.field_2q_gates) == (0, 50)
    (rate,) = estimate.rate_card.rates
    assert rate.job_cost_minimum == 25.79
    assert estimate.estimated_total_cost == pytest.approx(50 * 1000 * rate.cost_2q_gate)
    assert estimate.estimated_execution_time > 1000 * 50 * 0.9
    assert datetime.fromisoformat(estimate.estimated_at) == datetime(2026, 1, 1, tzinfo=UTC)
    free = estimate_job_cost.sync(client=client, backend="simulator", field_2q_gates=50)
    assert (free.estimated_total_cost, free.rate_card.rates) == (0, [])


def test_a_job_on_a_machine_costs_what_was_estimated(client, run, qpu_body):
    cost = cost_of(client, run(client, qpu_body(0, 300, shots=400)))
    assert cost.cost.value == cost.estimated_cost.value == pytest.approx(300 * 400 * 0.001121)


def test_no_cost_is_known_of_a_job_that_waits(client_of, qpu_body):
    client = client_of(FakeIonQ(seed=7, transitions=Transitions.polls(1)))
    body = CircuitJobCreationPayload.from_dict(qpu_body())
    job = get_job.sync(create_job.sync(client=client, body=body).id, client=client)
    assert job.status == "submitted"
    with pytest.raises(NotFoundError):
        cost_of(client, job)


# --- usage -----------------------------------------------------------------------------------


@pytest.fixture
def cloud():
    return FakeIonQ(seed=7, keys={"mine": "one", "theirs": "two"})


@pytest.fixture
def client(cloud, client_of):
    return client_of(cloud, "mine")


@pytest.fixture
def other(cloud, client_of):
    return client_of(cloud, "theirs")


@pytest.fixture
def costs(cloud, client, other, run, qpu_body):
    """Run four jobs that cost something, one a day, and return each with its cost."""
    jobs = []
    for who, gates in ((client, 300), (client, 0), (other, 100), (client, 200)):
        jobs.append(run(who, qpu_body(1, gates, shots=400, name=f"{gates} gates")))
        run(who, qpu_body(dry_run=True))
        run(who, qpu_body(backend="simulator"))
        cloud.clock.sleep(DAY_S)
    clients = (client, client, other, client)
    return [(job, cost_of(who, job).cost.value) for job, who in zip(jobs, clients, strict=True)]


@pytest.fixture
def usage(client):
    """Ask for the usage of January 2026, or other days."""

    def usage(group_by="project", modality="daily", start=date(2026, 1, 1), end=date(2026, 1, 31)):
        return get_usages.sync(
            "com.example",
            client=client,
            start_date=start,
            end_date=end,
            group_by=group_by,
            modality=modality,
        )

    return usage


def test_the_usage_adds_up_the_costs_of_all_projects(costs, usage):
    found = usage()
    assert found.amount_total == pytest.approx(sum(cost for _, cost in costs))
    assert (found.job_count, found.usage_unit) == (4, "USD")
    assert found.time_us_total == 1000 * sum(job.execution_duration_ms for job, _ in costs)
    assert [total.to_dict() for total in found.amount_totals] == [
        {"amount": found.amount_total, "unit": "USD"}
    ]
    days = [day.from_.day for day in found.usage_data]
    assert days == [4, 3, 2, 1]
    assert [day.amount for day in found.usage_data] == [cost for _, cost in costs[::-1]]


def test_the_usage_is_of_the_days_that_are_asked_for(costs, usage):
    found = usage(start=date(2026, 1, 2), end=date(2026, 1, 3))
    assert found.amount_total == pytest.approx(costs[1][1] + costs[2][1])
    assert found.usage_from == datetime(2026, 1, 2, tzinfo=UTC)
    assert found.usage_to == datetime(2026, 1, 4, tzinfo=UTC)
    assert usage(start=date(2026, 1, 5), end=date(2026, 1, 9)).usage_data == []


@pytest.mark.parametrize(
    ("modality", "starts"), [("weekly", [date(2025, 12, 29)]), ("monthly", [date(2026, 1, 1)])]
)
def test_the_usage_of_weeks_and_months_begins_on_their_first_day(costs, usage, modality, starts):
    found = usage(modality=modality)
    assert [period.from_.date() for period in found.usage_data] == starts
    assert [period.job_count for period in found.usage_data] == [4]


def test_the_usage_by_job_and_project_has_the_most_expensive_first(costs, usage):
    (month,) = usage("job", "monthly").usage_data
    own = [pair for pair in costs if pair[0].name != "100 gates"]  # jobs of others are not shown
    ranked = sorted(own, key=lambda pair: -pair[1])
    groups = [(group.group_id, group.group_name, group.amount) for group in month.group_usages]
    assert groups == [(job.id, job.name, cost) for job, cost in ranked]
    (month,) = usage("project", "monthly").usage_data
    one, two = month.group_usages
    assert (one.group_name, one.job_count, two.group_name, two.job_count) == ("one", 3, "two", 1)
    assert (two.group_id, two.amount) == (costs[2][0].project_id, costs[2][1])


def test_a_deleted_job_is_still_paid_for(client, costs, usage):
    before = usage().amount_total
    delete_job.sync(costs[0][0].id, client=client)
    assert usage().amount_total == before


def test_a_project_without_money_has_its_jobs_fail(client_of, run, qpu_body):
    client = client_of(FakeIonQ(seed=7, keys={"poor": Access("poor", quota=40.0)}), "poor")
    first, second = (run(client, qpu_body()) for _ in range(2))
    assert (first.status, second.status) == ("completed", "failed")
    assert second.failure.code == "QuotaExhaustedError"
    assert "14.21 USD" in second.failure.message
