"""What jobs cost, before and after."""

import pytest

from ionq_toolkit_fake import Access, FakeIonQ, Transitions

QPU = "qpu.forte-1"
ESTIMATE = f"/jobs/estimate?backend={QPU}"
USAGE = "/organizations/com.example/usage?start_date=2026-01-01&end_date=2026-03-31"


def gates(one_qubit, two_qubits):
    single = [{"gate": "x", "target": 0}] * one_qubit
    return single + [{"gate": "cnot", "target": 0, "control": 1}] * two_qubits


@pytest.mark.parametrize(
    ("shots", "mitigated", "dollars"),
    # What four dry runs of one circuit on Forte were seen to cost.
    [(100, False, 25.79), (500, True, 168.20), (5000, True, 284.32), (10_000, True, 568.64)],
)
def test_the_price_of_a_job_is_what_was_seen_and_what_is_estimated(
    send, completed, shots, mitigated, dollars
):
    job = completed(gates(128, 32), backend=QPU, shots=shots, dry_run=True)
    status, cost = send("GET", f"/jobs/{job['id']}/cost")
    assert (status, cost) == (
        200,
        {"dry_run": True, "estimated_cost": {"unit": "usd", "value": dollars}},
    )
    query = f"&1q_gates=128&2q_gates=32&shots={shots}&error_mitigation={str(mitigated).lower()}"
    estimate = send("GET", ESTIMATE + query)[1]
    assert estimate["estimated_total_cost"] == dollars
    (rate,) = estimate["rate_card"]["rates"]
    assert (rate["cost_1q_gate"], rate["cost_2q_gate"]) == (0.000164, 0.001121)


def test_a_job_that_ran_cost_what_was_estimated(send, completed):
    job = completed(backend=QPU, shots=10)
    amount = {"unit": "usd", "value": 25.79}
    expected = {"dry_run": False, "estimated_cost": amount, "cost": amount}
    assert send("GET", f"/jobs/{job['id']}/cost")[1] == expected


def test_the_simulator_is_free_and_shows_no_amount(send, completed):
    assert send("GET", f"/jobs/{completed()['id']}/cost") == (200, {"dry_run": False})
    estimate = send("GET", "/jobs/estimate?backend=simulator&1q_gates=1000")[1]
    assert (estimate["estimated_total_cost"], estimate["rate_card"]["rates"]) == (0, [])


def test_there_is_no_cost_before_the_job_is_completed(send, job_body):
    _, job = send("POST", "/jobs", job_body(backend=QPU))
    send("PUT", f"/jobs/{job['id']}/status/cancel")
    assert send("GET", f"/jobs/{job['id']}/cost")[0] == 404


@pytest.mark.slow
def test_wide_gates_are_billed_as_several_on_two_qubits(send, completed):
    wide = {"gate": "x", "target": 0, "controls": [1, 2, 3]}  # on 4 qubits: 6 (4 - 2)
    job = completed([wide] * 200, 4, backend=QPU, shots=10_000, dry_run=True)
    cost = send("GET", f"/jobs/{job['id']}/cost")[1]["estimated_cost"]["value"]
    assert cost == pytest.approx(10_000 * 2_400 * 0.001121)


def test_circuits_of_one_job_are_billed_together(send):
    one = {"qubits": 2, "circuit": gates(128, 32)}
    body = {
        "type": "ionq.multi-circuit.v1",
        "backend": QPU,
        "shots": 1000,
        "input": {"gateset": "qis", "circuits": [one] * 5},
    }
    _, created = send("POST", "/jobs", body)
    job = send("GET", f"/jobs/{created['id']}")[1]
    assert send("GET", f"/jobs/{job['id']}/cost")[1]["cost"]["value"] == 284.32
    child = send("GET", f"/jobs/{job['child_job_ids'][0]}/cost")[1]
    assert child == {"dry_run": False}


def test_an_openqasm_job_is_billed_by_its_gates(send):
    source = "OPENQASM 3.0; qubit[2] q; " + "U(0.1, 0, 0) q[0]; " * 128 + "CX q[0], q[1]; " * 32
    source = source.replace("CX", "cx")
    body = {"type": "ionq.qasm3.v1", "backend": QPU, "shots": 10_000, "input": {"data": source}}
    _, job = send("POST", "/jobs", {**body, "dry_run": True})
    assert send("GET", f"/jobs/{job['id']}")[1]["status"] == "completed"
    assert send("GET", f"/jobs/{job['id']}/cost")[1]["estimated_cost"]["value"] == 568.64


def test_a_machine_predicts_that_jobs_wait_for_those_before_them(sender, job_body):
    send = sender(FakeIonQ(seed=1, transitions=Transitions.polls(1)))
    circuit = {"qubits": 2, "circuit": gates(128, 32)}
    first = job_body(backend=QPU, shots=100, input=circuit)
    several = {**first, "type": "ionq.multi-circuit.v1", "input": {"circuits": [circuit] * 3}}
    ids = [send("POST", "/jobs", body)[1]["id"] for body in (first, several, first)]
    send("POST", "/jobs", {**first, "dry_run": True})  # never waits
    send("POST", "/jobs", {**first, "backend": "simulator"})  # waits elsewhere
    records = {job["id"]: job for job in send("GET", "/jobs")[1]["jobs"]}

    # 128 x 130 us + 32 x 970 us + 200 us a shot, and 669 ms a job.
    alone, thrice = 669 + 4788, 669 + 3 * 4768 + 20
    assert [records[job]["predicted_execution_duration_ms"] for job in ids] == [
        alone,
        thrice,
        alone,
    ]
    waits = [records[job]["predicted_wait_time_ms"] for job in ids]
    # They run for longer than predicted: 5.5 ms more for each gate, and 3.4 ms for each shot.
    alone, thrice = alone + 880 + 340, thrice + 3 * 880 + 340
    assert waits == [0, alone, alone + thrice]
    total = 2 * alone + thrice
    assert send("GET", ESTIMATE)[1]["current_predicted_queue_time"] == total
    assert send("GET", f"/backends/{QPU}")[1]["average_queue_time"] == total
    assert send("GET", "/backends/simulator")[1]["average_queue_time"] == 0

    send("PUT", f"/jobs/{ids[0]}/status/cancel")
    children = send("GET", f"/jobs?parent_job_id={ids[1]}")[1]["jobs"]
    assert {child["predicted_wait_time_ms"] for child in children} == {0}
    for _ in range(4):
        done = send("GET", f"/jobs/{ids[1]}")[1]
    assert (done["status"], done["predicted_wait_time_ms"]) == ("completed", None)
    assert send("GET", f"/jobs/{ids[2]}")[1]["predicted_wait_time_ms"] == 0


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("", "backend"),
        ("?backend=qpu.none", "backend"),
        (f"?backend={QPU}&shots=0", "shots"),
        (f"?backend={QPU}&shots=1000001", "shots"),
        (f"?backend={QPU}&qubits=x", "qubits"),
        (f"?backend={QPU}&1q_gates=-1", "1q_gates"),
        (f"?backend={QPU}&2q_gates=1.5", "2q_gates"),
        (f"?backend={QPU}&error_mitigation=1", "error_mitigation"),
    ],
)
def test_an_estimate_of_nonsense_is_refused(send, query, key):
    status, reply = send("GET", "/jobs/estimate" + query)
    assert (status, reply["validation"]) == (400, {"source": "query", "keys": [key]})


def test_an_estimate_has_the_documents_defaults(send):
    context = send("GET", ESTIMATE)[1]["estimate_context"]
    assert (context["qubits"], context["shots"], context["type"]) == (25, 1000, "ionq.circuit.v1")
    assert (context["1q_gates"], context["2q_gates"], context["error_mitigation"]) == (0, 0, False)


def test_an_estimated_time_is_that_of_the_job(send, completed):
    seconds = send("GET", ESTIMATE + "&1q_gates=128&2q_gates=32&shots=400")[1]
    job = completed(gates(128, 32), backend=QPU, shots=400)
    assert job["predicted_execution_duration_ms"] == seconds["estimated_execution_time"]
    # A user's job of this size took 22.9 s.
    assert job["execution_duration_ms"] == pytest.approx(22_900, rel=0.05)


def test_usage_adds_up_what_jobs_cost_by_date_and_group(send, cloud, completed):
    for day in range(3):
        completed(backend=QPU, name=f"job of day {day}")
        completed(backend=QPU, dry_run=True)
        completed()
        cloud.clock.sleep(86_400)
    report = send("GET", USAGE + "&group_by=job&modality=daily")[1]
    assert (report["amount_total"], report["job_count"]) == (pytest.approx(3 * 25.79), 3)
    assert [entry["from"][:10] for entry in report["usage_data"]] == [
        "2026-01-03",
        "2026-01-02",
        "2026-01-01",
    ]
    (group,) = report["usage_data"][0]["group_usages"]
    assert (group["group_name"], group["amount"], group["job_count"]) == ("job of day 2", 25.79, 1)
    projects = send("GET", "/projects")[1]["projects"]
    assert projects[0]["quotaUsage"] == report["amount_total"]


@pytest.mark.parametrize(
    ("modality", "starts"),
    [
        ("daily", ["2026-02-02", "2026-01-08", "2026-01-01"]),
        ("weekly", ["2026-02-02", "2026-01-05", "2025-12-29"]),
        ("monthly", ["2026-02-01", "2026-01-01"]),
    ],
)
def test_usage_is_by_days_weeks_or_months(send, cloud, completed, modality, starts):
    for days in (7, 25, 0):
        completed(backend=QPU)
        cloud.clock.sleep(days * 86_400)
    report = send("GET", USAGE + f"&group_by=user&modality={modality}")[1]
    assert [entry["from"][:10] for entry in report["usage_data"]] == starts
    assert sum(entry["amount"] for entry in report["usage_data"]) == report["amount_total"]


def test_usage_outside_its_dates_does_not_count(send, completed):
    completed(backend=QPU)
    query = "?start_date=2025-01-01&end_date=2025-12-31&group_by=user&modality=daily"
    report = send("GET", "/organizations/com.example/usage" + query)[1]
    assert (report["amount_total"], report["usage_data"]) == (0, [])


def test_a_date_shows_the_five_groups_that_cost_most(send, completed):
    for shots in (10_000, 20, 30, 9000, 40, 50):
        completed(gates(2000, 100), backend=QPU, shots=shots)
    (entry,) = send("GET", USAGE + "&group_by=job&modality=daily")[1]["usage_data"]
    amounts = [group["amount"] for group in entry["group_usages"]]
    assert (len(amounts), amounts) == (5, sorted(amounts, reverse=True))
    assert entry["job_count"] == 6


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("?end_date=2026-01-02&group_by=job&modality=daily", "start_date"),
        ("?start_date=2026-01-02&group_by=job&modality=daily", "end_date"),
        ("?start_date=x&end_date=2026-01-02&group_by=job&modality=daily", "start_date"),
        ("?start_date=2026-01-02&end_date=2026-01-01&group_by=job&modality=daily", "end_date"),
        ("?start_date=2026-01-01&end_date=2026-01-02&modality=daily", "group_by"),
        ("?start_date=2026-01-01&end_date=2026-01-02&group_by=cat&modality=daily", "group_by"),
        ("?start_date=2026-01-01&end_date=2026-01-02&group_by=job", "modality"),
    ],
)
def test_usage_of_nonsense_is_refused(send, query, key):
    status, reply = send("GET", "/organizations/com.example/usage" + query)
    assert (status, reply["validation"]["keys"]) == (400, [key])


def test_there_is_one_organization(send):
    assert send("GET", USAGE.replace("com.example", "com.other"))[0] == 404


def test_a_project_that_has_spent_its_quota_gets_failed_jobs(sender, job_body):
    cloud = FakeIonQ(seed=1, keys={"k": Access("poor", quota=60)})
    send = sender(cloud, "k")

    def submitted(**fields):
        _, created = send("POST", "/jobs", job_body(backend=QPU, **fields))
        return send("GET", f"/jobs/{created['id']}")[1]

    jobs = [submitted() for _ in range(3)]
    assert [job["status"] for job in jobs] == ["completed", "completed", "failed"]
    assert jobs[2]["failure"]["code"] == "QuotaExhaustedError"
    assert "8.42 USD are left" in jobs[2]["failure"]["message"]
    assert send("GET", "/projects")[1]["projects"][0]["quotaLimit"] == 60
    assert send("POST", "/jobs", job_body())[0] == 201


def test_a_quota_may_be_used_up_to_the_cent(sender, job_body):
    """103.16 - 3 * 25.79 is less than 25.79, as floating-point numbers."""
    send = sender(FakeIonQ(seed=1, keys={"k": Access("exact", quota=103.16)}), "k")
    ids = [send("POST", "/jobs", job_body(backend=QPU))[1]["id"] for _ in range(5)]
    statuses = [send("GET", f"/jobs/{job_id}")[1]["status"] for job_id in ids]
    assert statuses == ["completed"] * 4 + ["failed"]


def test_a_job_that_ran_has_cost_what_it_did_even_if_it_is_canceled_or_deleted(send, completed):
    first, second = completed(backend=QPU), completed(backend=QPU)
    send("PUT", f"/jobs/{first['id']}/status/cancel")
    send("DELETE", f"/jobs/{second['id']}")
    assert send("GET", f"/jobs/{first['id']}/cost")[1]["cost"]["value"] == 25.79
    report = send("GET", USAGE + "&group_by=job&modality=daily")[1]
    assert report["amount_total"] == pytest.approx(2 * 25.79)


def test_nobody_pays_for_mitigation_that_a_function_does_not_have(send):
    data = {"hamiltonian": [{"pauli_string": "Z", "coefficient": 1}]}
    data["ansatz"] = {"data": "OPENQASM 3.0; qubit q;"}
    body = {
        "type": "quantum-function",
        "backend": QPU,
        "shots": 1000,
        "input": {"data": {"type": "hamiltonian-energy", "data": data}},
    }
    _, job = send("POST", "/jobs", body)
    assert send("GET", f"/jobs/{job['id']}")[1]["status"] == "completed"
    assert send("GET", f"/jobs/{job['id']}/cost")[1]["cost"]["value"] == 25.79


def test_a_group_is_called_by_what_it_groups(send, completed):
    job = completed(backend=QPU, name="mine")
    named = {}
    for group_by in ("job", "project", "user"):
        report = send("GET", USAGE + f"&group_by={group_by}&modality=daily")[1]
        (named[group_by],) = report["usage_data"][0]["group_usages"]
    assert (named["job"]["group_id"], named["job"]["group_name"]) == (job["id"], "mine")
    assert named["project"]["group_name"] == "project 1"
    assert named["user"]["group_name"] == named["user"]["group_id"] == job["submitter_id"]
