"""The record of a job, as GET /jobs and GET /jobs/{id} return it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.api.results import ArtifactKind, artifacts_of
from ionq_toolkit_fake.clock import iso, iso_or_none
from ionq_toolkit_fake.facts.devices import POWER_KW, execution_ms, predicted_ms
from ionq_toolkit_fake.simulation.outcome import Optimum, Outcome, Value
from ionq_toolkit_fake.transitions.lifecycle import STARTED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ionq_toolkit_fake.api.request import Request
    from ionq_toolkit_fake.api.results import Artifact
    from ionq_toolkit_fake.models.job import Job

#: Failure codes that are not in the API document, schema Failure, and the documented ones for them.
_DOCUMENTED = {"UnexpectedCompilationError": "CompilationError"}

#: The compiler settings that a compiled job was seen to show, unless it was sent others.
_COMPILATION = {"opt": 1, "precision": "1E-3", "service_version": "v0.3"}

#: The same of a job on a QPU of August 2026.
_COMPILATION_2026 = {"precision": "1E-3", "service_version": "v0.4"}


def full(job: Job, request: Request) -> dict[str, Any]:
    """Return the body of GET /jobs/{id}."""
    children = [child.id for child in job.children] or None
    return {**base(job, request), "child_job_ids": children}


def base(job: Job, request: Request) -> dict[str, Any]:
    """Return a job as a list shows it.

    The record of an ideal simulation has no `shots`. `noise` is in the records of the simulator
    alone, whether it was sent or not. A child job does not show its parent's metadata.
    """
    submission, completed = job.submission, job.status == "completed"
    rehearsal, exact = submission.is_rehearsal, submission.is_exact
    is_qpu, ran = submission.device.is_qpu, completed and not rehearsal
    duration_ms = job.execution_ms if ran else None
    artifacts = artifacts_of(job) if completed else []
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
        "started_at": None if rehearsal else iso_or_none(job.started_at),
        "completed_at": iso_or_none(job.completed_at),
        "predicted_wait_time_ms": _wait_ms(job, request) if is_qpu and not rehearsal else None,
        "predicted_execution_duration_ms": _predicted_ms(job, request.deviations)
        if is_qpu
        else None,
        "execution_duration_ms": duration_ms,
        "failure": _failure(job, request.deviations),
        "settings": submission.settings,
        "output": _output(job, artifacts, request.deviations, is_qpu=is_qpu) if completed else {},
        "stats": _stats(job, request.deviations, is_qpu=is_qpu),
        "results": _results(job, artifacts, request.deviations) if ran else None,
    }
    if not exact:
        body["shots"] = submission.shots
    if is_qpu:
        body["cost_model"] = "2QGE_operations"
    else:
        body["noise"] = {"model": submission.noise_model}
        if submission.noise_seed is not None:
            body["noise"]["seed"] = submission.noise_seed
    return body


def _predicted_ms(job: Job, deviations: Collection[str]) -> int:
    """Return how long a job is predicted to run, which is less than it takes."""
    device, size = job.submission.device, (*job.billed, job.submission.shots)
    planned = job.execution_ms != execution_ms(device, *size)
    if planned or "prediction-is-short" not in deviations:
        return job.execution_ms
    return predicted_ms(device, *size)


def _wait_ms(job: Job, request: Request) -> int | None:
    """Return how long a job is expected to wait for its QPU; None if it does not wait."""
    if job.status not in {"submitted", "ready"}:
        return None
    starts = job.expected(STARTED)
    if starts is None:
        return request.facility.queue_ms(job.submission.device.name, before=job)
    return max(0, round(1000 * (starts - request.clock.now()).total_seconds()))


def _failure(job: Job, deviations: Collection[str]) -> dict[str, str] | None:
    """Return why a job failed: `message` as in the document, `error` as clients read it."""
    if job.failure is None:
        return None
    code, message = job.failure
    if "compilation-code" not in deviations:
        code = _DOCUMENTED.get(code, code)
    body = {"code": code, "message": message}
    if "failure-error" in deviations:
        body["error"] = message
    return body


def _stats(job: Job, deviations: Collection[str], *, is_qpu: bool) -> dict[str, Any]:
    """Return the size of a circuit, after compilation if it was compiled; {} for a parent."""
    circuit, outcome = job.circuit, job.result
    if circuit is None:
        return {}
    num_qubits, counts = circuit.num_qubits, circuit.gate_counts
    compiled = None
    if isinstance(outcome, Outcome):
        num_qubits, counts = outcome.size or (num_qubits, counts)
        compiled = outcome.compiled
    if num_qubits is None:
        return {"circuits": 1}  # a program that is not read yet, or cannot be read
    body: dict[str, Any] = {"qubits": num_qubits, "circuits": 1, "gate_counts": counts}
    if not is_qpu:
        return {**body, "kwh": 0}
    if compiled is not None:
        body["gate_counts"] = _native_counts(compiled)
    if job.status == "completed":
        if "record-of-2026" in deviations:
            body["predicted_quantum_compute_time_us"] = 0
            hours = 0 if job.submission.is_rehearsal else job.execution_ms / 3_600_000
            body["kwh"] = round(POWER_KW * hours, 5)
        body["billed_quantum_compute_time_us"] = 0  # billed by gates
    return body


def _native_counts(gates: tuple[Any, ...]) -> Mapping[str, int]:
    """Return the numbers of native gates, in all and by kind, as ``GPI2q``."""
    kinds = Counter(gate.name for gate in gates if gate.name != "nop")
    double = kinds["ms"] + kinds["zz"]
    by_kind = {f"{name.upper()}q": count for name, count in sorted(kinds.items())}
    return {"1q": sum(kinds.values()) - double, "2q": double, **by_kind}


def _output(
    job: Job, artifacts: Sequence[Artifact], deviations: Collection[str], *, is_qpu: bool
) -> dict[str, Any]:
    """Return the compilation and the error mitigation of a circuit; {} for a parent."""
    submission, outcome = job.submission, job.result
    if job.circuit is None or not isinstance(outcome, Outcome):
        return {}
    compilation: dict[str, Any] = {}
    if "compilation-output" in deviations:
        settings = submission.settings.get("compilation") or {}
        basis = {"gate_basis": submission.device.entangler.upper()}
        recent = is_qpu and "record-of-2026" in deviations
        compilation = {**(_COMPILATION_2026 if recent else _COMPILATION), **basis, **settings}
    compiled = {a.format: _descriptor(a) for a in artifacts if a.kind is ArtifactKind.COMPILED}
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
                    "results": {a.format: _descriptor(a) for a in mine},
                }
            )
        mitigation["debiasing"] = {"variants": variants, "aggregation_method": "average"}
        mitigation["aggregations"] = {
            a.part: _descriptor(a) for a in artifacts if a.kind is ArtifactKind.AGGREGATION
        }
    elif "debiasing-false" in deviations:
        mitigation["debiasing"] = False
    if submission.symmetry_verification and is_qpu:
        allowed = outcome.allowed_states
        mitigation["symmetry_verification"] = {"applied": allowed is not None}
        if allowed is not None:
            mitigation["symmetry_verification"]["num_allowed_states"] = allowed
    elif is_qpu and "symmetry-verification-shown" in deviations:
        unused = {"applied": False, "num_allowed_states": None}
        mitigation["symmetry_verification"] = unused
    return {"compilation": compilation, "error_mitigation": mitigation}


def _results(
    job: Job, artifacts: Sequence[Artifact], deviations: Collection[str]
) -> dict[str, Any]:
    """Return the results of a function, or the places of those of a circuit.

    By urls, as IonQ's clients look for them, and by artifacts, as in the API document.
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
    body: dict[str, Any] = {}
    found = [artifact for artifact in artifacts if artifact.kind is ArtifactKind.RESULT]
    for artifact in found:
        if artifact.path is not None and "results-urls" in deviations:
            body[artifact.part] = {"url": f"/v0.4/jobs/{job.id}/results/{artifact.path}"}
    return {**body, **{artifact.format: _descriptor(artifact) for artifact in found}}


def _descriptor(artifact: Artifact) -> dict[str, str]:
    """Return the entry of an artifact in a record: schema ArtifactDescriptor."""
    return {"id": artifact.id, "format": artifact.format, "media_type": artifact.media_type}
