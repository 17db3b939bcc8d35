"""Checks of several requests, as functions: each yields the differences that it finds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scipy.stats import binomtest

from ionq_toolkit_fake.conformance.kit import NotApplicableError
from ionq_toolkit_fake.conformance.shapes import (
    ANY,
    MOMENT,
    NUMBER,
    OUTCOME,
    UUID,
    differences,
    quoted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ionq_toolkit_fake.conformance.kit import Kit, Probe

#: The probability that a statistical check reports a difference of equal distributions.
SIGNIFICANCE = 1e-6

#: The base of all records: schema BaseJob, and of a circuit: schema SingleCircuitJob.
RECORD = {
    "id": UUID,
    "type": str,
    "status": ("submitted", "ready", "started", "canceled", "failed", "completed"),
    "backend": str,
    "dry_run": bool,
    "submitter_id": str,
    "project_id": (UUID, None),
    "parent_job_id": (UUID, None),
    "session_id": (UUID, None),
    "metadata": ({"*": (re.compile(".*"), str)}, None),
    "name": (str, None),
    "submitted_at": MOMENT,
    "started_at": (MOMENT, None),
    "completed_at": (MOMENT, None),
    "predicted_execution_duration_ms": (int, None),
    "execution_duration_ms": (int, None),
    "failure": (None, {"code": str, "message": str}),
    "settings": dict,
    "stats": dict,
    "output": dict,
    "results": (dict, None),
}
DESCRIPTOR = {"id": str, "format": str, "media_type": str}
PROBABILITIES = {"*": (OUTCOME, NUMBER)}

#: A circuit that has native gates on the first two qubits alone: there and back again.
BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]


def record_of_a_job(kit: Kit) -> Iterator[str]:
    """Check the record of a job of the simulator without noise."""
    record = kit.completed()
    wanted = {
        **RECORD,
        "status": "completed",
        "backend": "simulator",
        "type": "ionq.circuit.v1",
        "dry_run": False,
        "name": kit.tag,
        "metadata": {"conformance": kit.tag},
        "noise": {"model": "ideal"},
        "started_at": MOMENT,
        "completed_at": MOMENT,
        "failure": None,
        "child_job_ids": None,
        "stats": {"qubits": 2, "gate_counts": {"1q": 1, "2q": 1}},
    }
    yield from differences(wanted, record)
    if "shots" in record:
        yield f"$ has shots ({record['shots']}); the ideal simulator has none"


def artifacts(kit: Kit) -> Iterator[str]:
    """Check that each descriptor names an artifact, and that it has the same probabilities."""
    record = kit.completed()
    wanted = kit.results(record["id"])
    found = {name: one for name, one in record["results"].items() if "." in name}
    yield from differences({"ionq.result.probabilities.json.v1": DESCRIPTOR}, found, "$.results")
    for name, one in found.items():
        yield from differences({**DESCRIPTOR, "format": name}, one, f"$.results.{name}")
        body = kit.get(f"/jobs/{record['id']}/artifacts/{one['id']}")
        if name == "ionq.result.probabilities.json.v1" and body != wanted:
            yield f"the artifact has {quoted(body)}, not {quoted(wanted)}"


def life_of_a_job(kit: Kit) -> Iterator[str]:
    """Check creation, listing by id and status, deletion, and that it is gone."""
    reply = kit.post(kit.body())
    created = {"id": UUID, "status": ("submitted", "ready"), "session_id": None}
    yield from differences(created, reply.json())
    job_id = reply.json()["id"]
    kit.finished(job_id)
    for query in (f"ids={job_id}", f"ids={job_id}&status=completed"):
        listed = kit.get(f"/jobs?{query}", {"jobs": [RECORD], "next": (None, UUID)})["jobs"]
        if [one["id"] for one in listed] != [job_id]:
            yield f"GET /jobs?{query} lists {quoted([one['id'] for one in listed])}"
    if kit.get(f"/jobs?ids={job_id}&status=failed")["jobs"]:
        yield "GET /jobs?status=failed lists a completed job"
    kit.own(job_id)
    reply = kit.wire.ask("DELETE", f"/jobs/{job_id}")
    yield from differences({"id": job_id, "status": "deleted"}, reply.json(), "DELETE $")
    for path in ("", "/results/probabilities"):
        status = kit.wire.ask("GET", f"/jobs/{job_id}{path}").status
        if status != 404:  # noqa: PLR2004 - gone
            yield f"GET /jobs/ID{path} of a deleted job is answered by {status}, not 404"


def pages(kit: Kit) -> Iterator[str]:
    """Check that a list is cut into pages, the newest job first."""
    ids = [kit.made() for _ in range(3)]
    seen, path = list[str](), f"/jobs?ids={','.join(ids)}&limit=1"
    following: str | None = ""
    while following is not None and len(seen) <= len(ids):
        page = kit.get(f"{path}&next={following}" if following else path)
        if len(page["jobs"]) != 1:
            yield f"a page of limit 1 has {len(page['jobs'])} jobs"
        seen += [one["id"] for one in page["jobs"]]
        following = page["next"]
    if seen != ids[::-1]:
        yield f"the pages have {quoted(seen)}, not {quoted(ids[::-1])}"


def degraded(kit: Kit) -> Iterator[str]:
    """Check that qpu.forte-enterprise-1 is listed without `degraded`, and qpu.forte-1 with it."""
    listed = {one["backend"]: one for one in kit.get("/backends")}
    for name, wanted in (("qpu.forte-1", True), ("qpu.forte-enterprise-1", False)):
        if name in listed and ("degraded" in listed[name]) is not wanted:
            yield f"{name} is listed with{'out' if wanted else ''} degraded"


def several_at_once(kit: Kit) -> Iterator[str]:
    """Check that jobs are canceled and deleted together."""
    ids = [kit.made() for _ in range(2)]
    for one in ids:
        kit.finished(one)
    kit.own(*ids)
    reply = kit.wire.ask("PUT", "/jobs/status/cancel", {"ids": ids})
    yield from differences({"ids": [str], "status": "canceled"}, reply.json(), "PUT $")
    for one in ids:
        status = kit.record(one)["status"]
        if status != "canceled":
            yield f"a completed job that was canceled is {status}"
    reply = kit.wire.ask("DELETE", "/jobs", {"ids": ids})
    yield from differences({"ids": [str], "status": "deleted"}, reply.json(), "DELETE $")
    if sorted(reply.json()["ids"]) != sorted(ids):
        yield f"DELETE names {quoted(reply.json()['ids'])}, not {quoted(ids)}"
    status = kit.wire.ask("GET", f"/jobs/{ids[0]}").status
    if status != 404:  # noqa: PLR2004 - gone
        yield f"a deleted job is answered by {status}, not 404"


def children(kit: Kit) -> Iterator[str]:
    """Check a job of two circuits: a child for each, and results by their ids, in order."""
    circuits = [{"circuit": BELL}, {"circuit": [{"gate": "x", "target": 1}]}]
    change = {"type": "ionq.multi-circuit.v1", "input": {"qubits": 2, "circuits": circuits}}
    record = kit.completed(change)
    yield from differences({"child_job_ids": [UUID], "results": dict}, record)
    names = record["child_job_ids"]
    found = kit.results(record["id"], "probabilities/aggregated")
    wanted = dict(zip(names, ({"0": 0.5, "3": 0.5}, {"2": 1.0}), strict=True))
    if found != wanted or list(found) != names:
        yield f"the results are {quoted(found)}, not {quoted(wanted)}"
    child = kit.get(f"/jobs/{names[0]}", RECORD)
    yield from differences({"parent_job_id": record["id"]}, child)


def clones(kit: Kit) -> Iterator[str]:
    """Check that a job is cloned with a change."""
    job_id = kit.completed()["id"]
    kit.own(job_id)  # the copy of another's might cost money
    reply = kit.post({"shots": 200, "name": kit.tag}, f"/jobs/{job_id}/clone")
    if reply.status != 201:  # noqa: PLR2004 - created
        yield f"a clone is answered by {reply.status}, not 201"
        return
    found = kit.finished(reply.json()["id"])
    if found["id"] == job_id or found["status"] != "completed":
        yield f"the clone is {quoted(found)}"


def noisy_counts(kit: Kit) -> Iterator[str]:
    """Check that a noisy job has counts that add up, and the same in each kind of results."""
    shots = 500
    record = kit.completed({"shots": shots, "noise": {"model": "aria-1", "seed": 7}})
    job_id = record["id"]
    counts, each = kit.results(job_id, "histogram"), kit.results(job_id, "shots")
    yield from differences({"*": (OUTCOME, int)}, counts, "histogram $")
    yield from differences([OUTCOME], each, "shots $")
    if sum(counts.values()) != shots or len(each) != shots:
        yield f"of {shots} shots, {sum(counts.values())} are counted and {len(each)} listed"
    tally = {outcome: each.count(outcome) for outcome in sorted(set(each))}
    if tally != dict(sorted(counts.items())):
        yield f"the shots make {quoted(tally)}, the histogram is {quoted(counts)}"
    wanted = {outcome: count / shots for outcome, count in counts.items()}
    for outcome, found in kit.results(job_id).items():
        if abs(found - wanted.get(outcome, 0.0)) > 1e-9:  # noqa: PLR2004 - rounding
            yield f"outcome {outcome} has the probability {found}, not {wanted.get(outcome, 0)}"
    yield from differences({"shots": shots, "noise": {"model": "aria-1", "seed": 7}}, record)


def seeds(kit: Kit) -> Iterator[str]:
    """Check that one seed gives the same noise twice."""
    change = {"shots": 1000, "noise": {"model": "aria-1", "seed": 11}}
    one, other = (kit.results(kit.completed(change)["id"]) for _ in range(2))
    if one != other:
        yield f"the same seed gave {quoted(one)} and {quoted(other)}"


def one_seed_per_job(kit: Kit) -> Iterator[str]:
    """Check that equal circuits of one noisy job have equal results."""
    turns = [{"gate": "rx", "targets": [0, 1], "rotation": 0.3}]
    circuit = {"circuit": [*BELL, *turns] * 3}
    inputs = {"qubits": 2, "circuits": [circuit, circuit]}
    change = {"type": "ionq.multi-circuit.v1", "input": inputs, "shots": 2000}
    record = kit.completed({**change, "noise": {"model": "aria-1"}})
    one, other = kit.results(record["id"], "probabilities/aggregated").values()
    if one != other:
        yield f"two equal circuits gave {quoted(one)} and {quoted(other)}"


def samples(change: Mapping[str, Any], outcomes: Sequence[int], expected: float) -> Probe:
    """Return a check: outcomes together are as frequent as expected, within significance."""

    def probe(kit: Kit) -> Iterator[str]:
        found = kit.results(kit.completed(change)["id"], "histogram")
        hits = sum(found.get(str(outcome), 0) for outcome in outcomes)
        if binomtest(hits, sum(found.values()), expected).pvalue < SIGNIFICANCE:
            share = hits / sum(found.values())
            yield f"outcomes {list(outcomes)} have a share of {share:.4f}, expected {expected:.4f}"

    return probe


def sessions(kit: Kit) -> Iterator[str]:
    """Check that a session is created, read and ended, where the account has sessions."""
    settings = {"job_count_limit": 1, "duration_limit_min": 1}
    body = {"backend": "simulator", "settings": settings}
    reply = kit.wire.ask("POST", "/sessions", body)
    if reply.status in {403, 404}:
        raise NotApplicableError(f"this account has no sessions ({reply.status})")
    if reply.status != 201:  # noqa: PLR2004 - created
        yield f"POST /sessions is answered by {reply.status}, not 201"
        return
    session = reply.json()
    kit.sessions.append(session["id"])
    shape = {
        "id": UUID,
        "created_at": MOMENT,
        "organization_id": str,
        "backend": "simulator",
        "active": bool,
        "status": ("created", "started", "ended"),
        "ended_at": (MOMENT, None),
        "settings?": dict,
    }
    yield from differences({**shape, "active": True, "ended_at": None}, session)
    kit.get(f"/sessions/{session['id']}", shape)
    ended = kit.wire.ask("POST", f"/sessions/{session['id']}/end").json()
    yield from differences({**shape, "active": False, "status": "ended", "ended_at": MOMENT}, ended)
    kit.get(f"/sessions/{session['id']}/jobs", {"jobs": [ANY], "next": (None, str)})


def registers(kit: Kit) -> Iterator[str]:
    """Check the registers of an OpenQASM 3 program on the noisy simulator."""
    source = (
        'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[1] a; bit[1] b; '
        "x q[0]; a[0] = measure q[0]; b[0] = measure q[1];"
    )
    change = {"type": "ionq.qasm3.v1", "input": {"data": source}, "noise": {"model": "aria-1"}}
    record = kit.completed({**change, "shots": 100})
    one = record["results"]["ionq.result.histogram.json.v2"]
    body = kit.get(f"/jobs/{record['id']}/artifacts/{one['id']}")
    names = sorted(body["histogram"]["registers"])
    if not {"a", "b"} <= set(names):
        yield f"the registers are {names}, not a and b"


def characterized_days(kit: Kit) -> Iterator[str]:
    """Check that `end` is inclusive, and that `pages` counts all pages."""
    path = "/backends/qpu.forte-1/characterizations"
    newest = kit.get(f"{path}?limit=1")
    if not newest["characterizations"]:
        raise NotApplicableError("qpu.forte-1 has no characterizations")
    day = newest["characterizations"][0]["date"]
    found = kit.get(f"{path}?limit=1&end={day}")["characterizations"]
    if not found or found[0]["date"] != day:
        yield f"with end={day}, the newest is of {found and found[0]['date']}"
    first, second = (kit.get(f"{path}?limit=1&end={day}&page={page}")["pages"] for page in (1, 2))
    if first != second:
        yield f"pages is {first} on the first page and {second} on the second"


def characterization_form(kit: Kit) -> Iterator[str]:
    """Check the fidelities and times of a characterization."""
    found = kit.get("/backends/qpu.forte-1/characterizations?limit=1")["characterizations"]
    if not found:
        raise NotApplicableError("qpu.forte-1 has no characterizations")
    median = {"median": (NUMBER, None), "stderr": 0}
    fidelity = {"spam": {"median": NUMBER}, "1q": median, "2q": median}
    times = dict.fromkeys(("readout", "reset", "1q", "2q", "t1", "t2"), NUMBER)
    shape = {"id": UUID, "date": MOMENT, "backend": "qpu.forte-1", "qubits": int}
    wanted = {**shape, "connectivity": [[int]], "fidelity": fidelity, "timing": times}
    yield from differences(wanted, found[0])
    if isinstance(found[0]["timing"]["readout"], int):
        yield "the times are whole seconds"


# --- version 0.3 ---------------------------------------------------------------------------------


def old_body(kit: Kit) -> dict[str, Any]:
    """Return the body of a job of version 0.3."""
    circuit = {"format": "ionq.circuit.v0", "gateset": "qis", "qubits": 2, "circuit": BELL}
    same = {name: kit.body()[name] for name in ("shots", "name", "metadata")}
    return {**same, "target": "simulator", "input": circuit}


def old_version(kit: Kit) -> None:
    """Raise NotApplicableError where the key, or the cloud, has no version 0.3."""
    status = kit.wire.ask("GET", "/jobs?limit=1", version="v0.3").status
    if status in {401, 403, 404, 410}:
        raise NotApplicableError(f"version 0.3 is answered by {status}: it, or the key, is not")


def old_job(kit: Kit) -> Iterator[str]:
    """Check a job of version 0.3, and that version 0.4 sees it."""
    old_version(kit)
    reply = kit.post(old_body(kit), version="v0.3")
    if reply.status != 200:  # noqa: PLR2004 - a success
        yield f"POST /v0.3/jobs is answered by {reply.status}, not 200: {reply.body[:120]!r}"
        return
    yield from differences({"id": UUID, "status": "ready", "request": int}, reply.json())
    job_id = reply.json()["id"]
    record = kit.finished(job_id, "v0.3")
    wanted = {
        "id": job_id,
        "status": "completed",
        "target": "simulator",
        "type": "circuit",
        "qubits": 2,
        "circuits": 1,
        "dry_run": False,
        "submitted_by": str,
        "project_id": str,
        "request": int,
        "response": int,
        "gate_counts": {"1q": 1, "2q": 1},
        "metadata": {"conformance": kit.tag},
        "noise": {"model": "ideal"},
        "error_mitigation": {"debias": False},
        "children": [],
        "results_url": f"/v0.3/jobs/{job_id}/results",
    }
    yield from differences(wanted, record)
    found = kit.get(f"/jobs/{job_id}/results", version="v0.3")
    if found != {"0": 0.5, "3": 0.5}:
        yield f"the results are {quoted(found)}"
    listed = kit.get(f"/jobs?id={job_id}", version="v0.3")["jobs"]
    if [one["id"] for one in listed] != [job_id]:
        yield f"GET /v0.3/jobs?id= lists {quoted(listed)}"
    new = kit.wire.ask("GET", f"/jobs/{job_id}")
    if new.status in {401, 403}:
        raise NotApplicableError("the key is good for version 0.3 alone")
    yield from differences({"id": job_id, "status": "completed"}, new.json(), "v0.4 $")
    kit.own(job_id)
    reply = kit.wire.ask("DELETE", f"/jobs/{job_id}", version="v0.3")
    if kit.wire.ask("GET", f"/jobs/{job_id}").status != 404:  # noqa: PLR2004 - gone
        yield f"DELETE /v0.3/jobs/ID ({reply.status}) left the job"


def old_characterizations(kit: Kit) -> Iterator[str]:
    """Check that times are milliseconds in the query of version 0.3."""
    path = "/characterizations/backends/qpu.forte-1"
    reply = kit.wire.ask("GET", f"{path}/current", version="v0.3")
    if reply.status in {401, 403, 404, 410}:
        raise NotApplicableError(f"version 0.3 answers {reply.status}")
    newest = reply.json()
    mean = {"mean": NUMBER}
    fidelity = {"spam": mean, "1q?": mean, "2q?": mean}
    times = dict.fromkeys(("readout", "reset", "1q", "2q", "t1", "t2"), NUMBER)
    yield from differences({"id": UUID, "date": int, "fidelity": fidelity, "timing": times}, newest)
    start = 1000 * newest["date"] - 1
    found = kit.get(f"{path}?start={start}", version="v0.3")["characterizations"]
    if [one["id"] for one in found] != [newest["id"]]:
        yield f"start={start} (ms) finds {len(found)} characterizations, not the newest alone"


def old_refusal(kit: Kit) -> Iterator[str]:
    """Check that version 0.3 names its own field in a refusal."""
    old_version(kit)
    reply = kit.post({**old_body(kit), "target": "no-such-backend"}, version="v0.3")
    yield from differences(400, reply.status, "status")
    if "target" not in str(reply.json()):
        yield f"the error does not name target: {quoted(reply.json())}"


# --- QPUs: opt in --------------------------------------------------------------------------------


def qpu_body(kit: Kit, **fields: object) -> dict[str, Any]:
    """Return the body of a small job on the QPU, without error mitigation."""
    plain = {"error_mitigation": {"debiasing": False}}
    return kit.body({"backend": kit.qpu, "settings": plain, **fields})


def estimate_of_a_qpu(kit: Kit) -> Iterator[str]:
    """Check that the price of a job on the QPU is known before it is submitted."""
    found = kit.get(f"/jobs/estimate?backend={kit.qpu}&shots=100&qubits=2&1q_gates=1&2q_gates=1")
    rates = {"rates": [{"sku": str, "unit": str}]}
    wanted = {"estimated_total_cost": NUMBER, "estimated_unit": str, "rate_card": rates}
    yield from differences({**wanted, "estimated_execution_time": int}, found)


def dry_run(kit: Kit) -> Iterator[str]:
    """Check a dry run: completed and priced, without results and costs."""
    record = kit.finished(kit.made(qpu_body(kit, dry_run=True)))
    wanted = {**RECORD, "status": "completed", "dry_run": True, "results": None, "backend": kit.qpu}
    version = {"compilation": {"service_version": "v0.4"}}
    yield from differences({**wanted, "output": version}, record)
    if "noise" in record:
        yield "$ has noise; jobs of a QPU have none"
    cost = kit.get(f"/jobs/{record['id']}/cost", {"dry_run": True, "estimated_cost": dict})
    yield from differences({"unit": str, "value": NUMBER}, cost["estimated_cost"])


def paid_job(kit: Kit) -> Iterator[str]:
    """Check a job that the QPU runs: counts, costs and the record."""
    body = qpu_body(kit)
    kit.afford(body, 1, 1)
    reply = kit.post(body)
    yield from differences({"id": UUID}, reply.json())
    record = kit.finished(reply.json()["id"])
    stats = {"qubits": 2, "gate_counts": {"1q": NUMBER, "2q": NUMBER}, "kwh": NUMBER}
    wanted = {**RECORD, "status": "completed", "shots": 100, "stats": stats}
    yield from differences({**wanted, "execution_duration_ms": int}, record)
    counts = kit.results(record["id"], "histogram")
    if sum(counts.values()) != 100:  # noqa: PLR2004 - its shots
        yield f"the counts add up to {sum(counts.values())}, not 100"
    if counts.get("0", 0) + counts.get("3", 0) < 50:  # noqa: PLR2004 - as a machine without entanglement
        yield f"a Bell pair gave {quoted(counts)}"
    cost = kit.get(f"/jobs/{record['id']}/cost", {"cost": {"unit": str, "value": NUMBER}})
    if cost["cost"]["value"] > kit.spent + 0.005:
        yield f"the job cost {cost['cost']['value']}, and the estimate was {kit.spent:.2f}"


def free_of_charge(kit: Kit) -> Iterator[str]:
    """Check that a job of the simulator costs nothing."""
    job_id = kit.completed()["id"]
    found = kit.get(f"/jobs/{job_id}/cost", {"dry_run": False})
    for name in ("cost", "estimated_cost"):
        if (found.get(name) or {}).get("value"):
            yield f"a job of the simulator has {name} {quoted(found[name])}"
