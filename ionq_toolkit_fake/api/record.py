"""A job as GET /jobs and GET /jobs/{id} show it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.api.results import ArtifactKind, artifacts_of, descriptor
from ionq_toolkit_fake.clock import iso
from ionq_toolkit_fake.simulation import Optimum, Value
from ionq_toolkit_fake.transitions.plan import STARTED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.models.job import Job

#: Failure codes of the API document, schema Failure, and what stands for the one that is none.
_DOCUMENTED = {"UnexpectedCompilationError": "CompilationError"}

#: What a compiled job was seen to show of its compiler, where its settings say nothing else.
_COMPILATION = {"opt": 1, "precision": "1E-3", "service_version": "v0.3"}


def full(job: Job, cloud: FakeIonQ) -> dict[str, Any]:
    """Return the body of GET /jobs/{id}."""
    children = [child.id for child in job.children] or None
    return {**base(job, cloud), "child_job_ids": children}


def base(job: Job, cloud: FakeIonQ) -> dict[str, Any]:
    """Return a job as a list shows it.

    An ideal simulation shows no `shots`; `noise` is there on the simulator, sent or not, and on
    machines never. The metadata of a parent are not its children's.
    """
    submission, completed = job.submission, job.status == "completed"
    ran = completed and not submission.is_rehearsal
    body: dict[str, Any] = {
        "id": job.id,
        "status": job.status,
        "type": job.type,
        "backend": submission.device.name,
        "dry_run": submission.dry_run,
        "submitter_id": job.owner.submitter_id,
        "project_id": job.owner.project_id,
        "parent_job_id": job.parent_id,
        "session_id": submission.session_id,
        "metadata": submission.metadata if job.parent_id is None else None,
        "name": job.name,
        "submitted_at": iso(job.submitted_at),
        "started_at": _iso_or_none(job.started_at) if not submission.is_rehearsal else None,
        "completed_at": _iso_or_none(job.completed_at),
        "predicted_wait_time_ms": _wait_ms(job, cloud),
        "predicted_execution_duration_ms": job.execution_ms if submission.device.is_qpu else None,
        "execution_duration_ms": job.execution_ms if ran else None,
        "failure": _failure(job, cloud),
        "settings": submission.settings,
        "output": _output(job, cloud) if completed else {},
        "stats": _stats(job),
        "results": _results(job, cloud) if ran else None,
    }
    if not submission.is_exact:
        body["shots"] = submission.shots
    if submission.device.is_qpu:
        body["cost_model"] = "2QGE_operations"
    else:
        body["noise"] = {"model": submission.noise_model}
        if submission.noise_seed is not None:
            body["noise"]["seed"] = submission.noise_seed
    return body


def _wait_ms(job: Job, cloud: FakeIonQ) -> int | None:
    """Return how long a job is expected to wait for a machine; None if it does not wait for one."""
    device = job.submission.device
    waits = job.status in {"submitted", "ready"} and not job.submission.is_rehearsal
    if not (waits and device.is_qpu):
        return None
    starts = job.expected(STARTED)
    if starts is None:
        return cloud.facility.queue_ms(device.name, before=job)
    return max(0, round(1000 * (starts - cloud.clock.now()).total_seconds()))


def _failure(job: Job, cloud: FakeIonQ) -> dict[str, str] | None:
    """Return why a job failed: the document says `message`, clients read `error`."""
    if job.failure is None:
        return None
    code, message = job.failure
    if "compilation-code" not in cloud.deviations:
        code = _DOCUMENTED.get(code, code)
    body = {"code": code, "message": message}
    if "failure-error" in cloud.deviations:
        body["error"] = message
    return body


def _stats(job: Job) -> dict[str, Any]:
    """Return the size of a circuit, compiled where it was compiled; a parent shows none."""
    circuit, outcome = job.circuit, job.outcome
    if circuit is None:
        return {}
    num_qubits, counts = circuit.num_qubits, circuit.gate_counts
    if outcome is not None and outcome.size is not None:
        num_qubits, counts = outcome.size
    body: dict[str, Any] = {"qubits": num_qubits, "circuits": 1, "gate_counts": counts}
    if num_qubits is None:
        return {"circuits": 1}  # a program that has not been read yet, or not understood
    if not job.submission.device.is_qpu:
        return {**body, "kwh": 0}
    if outcome is not None and outcome.compiled is not None:
        body["gate_counts"] = _native_counts(outcome.compiled)
    if job.status == "completed":
        body["billed_quantum_compute_time_us"] = 0  # billed by gates
    return body


def _native_counts(gates: tuple[Any, ...]) -> Mapping[str, int]:
    """Return how many native gates there are, in all and by kind, as ``GPI2q``."""
    kinds = Counter(gate.name for gate in gates if gate.name != "nop")
    double = kinds["ms"] + kinds["zz"]
    by_kind = {f"{name.upper()}q": count for name, count in sorted(kinds.items())}
    return {"1q": sum(kinds.values()) - double, "2q": double, **by_kind}


def _output(job: Job, cloud: FakeIonQ) -> dict[str, Any]:
    """Return what was made of a circuit before and after it ran; a parent shows nothing."""
    submission, outcome = job.submission, job.outcome
    if job.circuit is None or outcome is None:
        return {}
    artifacts = artifacts_of(job)
    compilation: dict[str, Any] = {}
    if "compilation-output" in cloud.deviations:
        settings = submission.settings.get("compilation") or {}
        basis = {"gate_basis": submission.device.entangler.upper()}
        compilation = {**_COMPILATION, **basis, **settings}
    compiled = {a.format: descriptor(a) for a in artifacts if a.kind is ArtifactKind.COMPILED}
    if compiled:
        compilation["compiled_circuits"] = compiled
    mitigation: dict[str, Any] = {}
    if outcome.variants:
        variants = []
        for index, variant in enumerate(outcome.variants):
            mine = [a for a in artifacts if a.kind is ArtifactKind.VARIANT and a.part == str(index)]
            variants.append(
                {
                    "variant_id": mine[0].variant_id,
                    "qubit_map": variant.qubit_map,
                    "shots": len(variant.shots),
                    "results": {a.format: descriptor(a) for a in mine},
                }
            )
        mitigation["debiasing"] = {"variants": variants, "aggregation_method": "average"}
        mitigation["aggregations"] = {
            a.part: descriptor(a) for a in artifacts if a.kind is ArtifactKind.AGGREGATION
        }
    elif "debiasing-false" in cloud.deviations:
        mitigation["debiasing"] = False
    if submission.symmetry_verification and submission.device.is_qpu:
        allowed = outcome.allowed_states
        mitigation["symmetry_verification"] = {"applied": allowed is not None}
        if allowed is not None:
            mitigation["symmetry_verification"]["num_allowed_states"] = allowed
    return {"compilation": compilation, "error_mitigation": mitigation}


def _results(job: Job, cloud: FakeIonQ) -> dict[str, Any]:
    """Return the results of a function, or where those of a circuit are.

    As IonQ's clients look for them, by urls, and as the API document says, by artifacts.
    """
    result = job.result
    if isinstance(result, Value):
        return {"value": result.value, "variance": result.variance}
    if isinstance(result, Optimum):
        return {
            "qaoa_results": {
                "optimal_cost": result.cost,
                "optimal_bitstring": result.bitstring,
                "processing_status": "complete",
            }
        }
    found = [a for a in artifacts_of(job) if a.kind is ArtifactKind.RESULT]
    body: dict[str, Any] = {}
    if "results-urls" in cloud.deviations:
        body = {
            a.part: {"url": f"/v0.4/jobs/{job.id}/results/{a.path}"}
            for a in found
            if a.path is not None
        }
    return {**body, **{a.format: descriptor(a) for a in found}}


def _iso_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
