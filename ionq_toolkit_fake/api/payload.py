"""The bodies of POST /jobs and of its clones, read into submissions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from ionq_toolkit_fake.api.circuits import Limits, read_circuits
from ionq_toolkit_fake.api.functions import read_function, read_qaoa
from ionq_toolkit_fake.api.request import decode
from ionq_toolkit_fake.api.responses import bad_request, forbidden, not_found, not_one_of
from ionq_toolkit_fake.facts.failures import JobFailure
from ionq_toolkit_fake.facts.limits import DEFAULT_SHOTS, MAX_SHOTS, MIN_SHOTS
from ionq_toolkit_fake.models.submission import (
    MULTI_CIRCUIT,
    QAOA,
    QASM3,
    QIR,
    QUANTUM_FUNCTION,
    SINGLE_CIRCUIT,
    Circuit,
    Submission,
)
from ionq_toolkit_fake.simulation.noise import NOISE_MODELS

if TYPE_CHECKING:
    from ionq_toolkit_fake.api.request import Request
    from ionq_toolkit_fake.facts.devices import Device
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.simulation.program import Energy, MaxCut


#: "You must request at least 500 shots": the same schema.
DEBIASING_SHOTS = 500

#: https://docs.ionq.com/api-reference/v0.3/core-concepts, of v0.3; none are published for v0.4.
MAX_METADATA, MAX_METADATA_NAME, MAX_METADATA_VALUE = 10, 40, 40_000

#: Seeds of noise models: pennylane-ionq documents 1 to 2^31 - 1; the API document says int32.
MAX_SEED = 2**31 - 1

#: Job types of the API document.
_TYPES = (SINGLE_CIRCUIT, MULTI_CIRCUIT, QASM3, QIR, QUANTUM_FUNCTION, QAOA)

#: Noise models that a job may ask for.
_NOISE_MODELS = ("ideal", *NOISE_MODELS)


class _Noise(msgspec.Struct):
    model: str = "ideal"
    #: qiskit-ionq always sends one, null when it has none.
    seed: int | None = None


class _ErrorMitigation(msgspec.Struct, omit_defaults=True):
    debiasing: bool | None = None
    symmetry_verification: bool | None = None


class _Compilation(msgspec.Struct, omit_defaults=True):
    opt: float | None = None
    precision: str | None = None
    gate_basis: str | None = None
    service_version: str | None = None


class _JobSettings(msgspec.Struct, omit_defaults=True):
    """Settings of the API document; other settings are ignored and not shown again."""

    error_mitigation: _ErrorMitigation | None = None
    compilation: _Compilation | None = None


class _Job(msgspec.Struct):
    type: str
    input: msgspec.Raw
    backend: str | None = None
    #: The name of v0.3 for the backend.
    target: Any = None
    #: cirq-ionq sends a string.
    shots: int | str | None = None
    name: str | None = None
    metadata: dict[str, Any] | None = None
    noise: _Noise | None = None
    settings: _JobSettings | None = None
    session_id: str | None = None
    dry_run: bool | None = None
    external_settings: msgspec.Raw = msgspec.Raw(b"null")


#: The fields that a clone may change: schema CloneJobPayload. The effect of its `parent` is not
#: known.
_CHANGES = (
    *("name", "metadata", "shots", "backend", "session_id", "settings", "dry_run", "noise"),
)


class _Ids(msgspec.Struct):
    ids: list[str]


def read_ids(body: bytes) -> list[str]:
    """Return the ids in the body of an operation on several jobs, each once."""
    return list(dict.fromkeys(decode(body, _Ids, "").ids))


def target(request: Request, name: str) -> Device:
    """Return the backend that a body names."""
    devices, targets = request.facility.devices, request.owner.access.targets
    if name not in devices:
        refusal = not_one_of(devices, "backend")
        if "bare-qpu" in request.deviations:
            refusal.message += ". See https://docs.ionq.com for valid backends."
        raise refusal
    if targets is not None and name not in targets:
        raise forbidden(f"This key has no access to {name}")
    if devices[name].status != "available":
        raise bad_request(f"backend {name} is {devices[name].status}", "backend")
    return devices[name]


def read_submission(request: Request, *, replacing: Job | None = None) -> Submission:
    """Return the submission in the body of POST /jobs, by itself or in the place of a job."""
    job = decode(request.body, _Job, "")
    if job.type not in _TYPES:
        raise not_one_of(_TYPES, "type")
    defaults = "target-is-no-backend" in request.deviations and job.target is not None
    if job.backend is None and defaults:
        job.backend = "simulator"
    if job.backend is None:
        raise bad_request("backend is required", "backend")
    device = target(request, job.backend)
    is_qpu = device.is_qpu
    noise = job.noise or _Noise()
    if noise.model not in _NOISE_MODELS:
        raise not_one_of(_NOISE_MODELS, "noise.model")
    if noise.seed is not None and not 0 <= noise.seed <= MAX_SEED:
        raise bad_request(f"noise.seed must be between 0 and {MAX_SEED}", "noise.seed")
    shots = _shots(job.shots)
    _check_metadata(job.metadata)
    settings = job.settings or _JobSettings()
    if job.type in {QUANTUM_FUNCTION, QAOA}:
        settings.compilation = None  # "no compilation settings": schema QuantumFunctionJobSettings
    model = "ideal" if is_qpu else noise.model
    limits = _qpu_limits(device) if is_qpu else _simulator_limits(device, model)
    limits = limits._replace(signed_angles="native-angles" not in request.deviations)
    function: Energy | MaxCut | None = None
    if job.type == QUANTUM_FUNCTION:
        circuit, function = read_function(job.input, device)
        circuits: tuple[Circuit, ...] = (circuit,)
    elif job.type == QAOA:
        circuits, function = read_qaoa(job.input, job.external_settings, device)
    else:
        circuits = read_circuits(job.type, job.input, limits)
    mitigation = settings.error_mitigation or _ErrorMitigation()
    debiased = is_qpu and job.type != QUANTUM_FUNCTION
    submission = Submission(
        type=job.type,
        device=device._replace(qubits=limits.qubits),
        name=job.name,
        metadata=job.metadata,
        settings=msgspec.to_builtins(settings),
        dry_run=bool(job.dry_run),
        shots=shots,
        noise_model=model,
        noise_seed=noise.seed,
        mitigated=debiased and _is_debiased(mitigation.debiasing, shots, circuits),
        symmetry_verification=mitigation.symmetry_verification,
        session_id=job.session_id,
        circuits=circuits,
        function=function,
        source=_without_secrets(request.body),
        is_exact=not device.is_qpu and model == "ideal",
        is_rehearsal=bool(job.dry_run) and device.is_qpu,
    )
    if shots > device.max_shots:
        message = f"{device.name} takes {device.max_shots} shots a job."
        rejection = JobFailure("TooManyShots", message)
        circuits = tuple(circuit._replace(rejection=rejection) for circuit in circuits)
        submission = submission._replace(circuits=circuits)
    if job.session_id is not None:
        _check_session(request, job.session_id, submission, replacing)
    return submission


def read_clone(request: Request, original: Job, *, replacing: Job | None = None) -> Submission:
    """Return the submission of a job with the changes in the body."""
    changes = decode(request.body or b"{}", dict[str, msgspec.Raw], "")
    fields = msgspec.json.decode(original.submission.source, type=dict[str, msgspec.Raw])
    if original.parent_id is not None:
        fields = _fields_of_child(request, original, fields)
    fields.update({name: changes[name] for name in _CHANGES if name in changes})
    body = msgspec.json.encode(fields)
    return read_submission(request._replace(body=body), replacing=replacing)


def _fields_of_child(
    request: Request, child: Job, fields: dict[str, msgspec.Raw]
) -> dict[str, msgspec.Raw]:
    """Return the body that submits the circuit of a child job by itself."""
    parent = request.project.jobs.peek(child.parent_id or "")
    if parent is None or child.type != SINGLE_CIRCUIT:
        raise not_found()
    several = msgspec.json.decode(fields["input"], type=dict[str, msgspec.Raw])
    place = parent.submission.circuits.index(child.circuit)
    circuits = msgspec.json.decode(several["circuits"], type=list[dict[str, msgspec.Raw]])
    shared = {name: several[name] for name in ("qubits", "gateset") if name in several}
    return {
        **fields,
        "type": msgspec.Raw(msgspec.json.encode(SINGLE_CIRCUIT)),
        "input": msgspec.Raw(msgspec.json.encode({**shared, **circuits[place]})),
    }


def _without_secrets(body: bytes) -> bytes:
    """Return a body without the credentials for another service."""
    if b"external_settings" not in body:
        return body
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if "external_settings" in fields:
        fields["external_settings"] = msgspec.Raw(b'{"api_credentials":"not kept"}')
    return msgspec.json.encode(fields)


def _qpu_limits(device: Device) -> Limits:
    return Limits(device.qubits, (device.entangler,), device.connectivity)


def _simulator_limits(device: Device, noise_model: str) -> Limits:
    if noise_model == "ideal":
        return Limits(device.qubits, ("ms", "zz"))
    model = NOISE_MODELS[noise_model]
    return Limits(model.qubits, (model.entangler,))


def _shots(shots: int | str | None) -> int:
    if shots is None:
        return DEFAULT_SHOTS
    if isinstance(shots, str):
        if not re.fullmatch(r"[+-]?\d{1,18}", shots, re.ASCII):
            raise bad_request("shots must be of type integer", "shots")
        shots = int(shots)
    if not MIN_SHOTS <= shots <= MAX_SHOTS:
        raise bad_request(f"shots must be between {MIN_SHOTS} and {MAX_SHOTS}", "shots")
    return shots


def _check_metadata(metadata: dict[str, Any] | None) -> None:
    if metadata is None:
        return
    if len(metadata) > MAX_METADATA:
        raise bad_request(f"metadata must not have more than {MAX_METADATA} keys", "metadata")
    for name, value in metadata.items():
        if not isinstance(value, str):
            raise bad_request(f"metadata.{name} must be of type string", f"metadata.{name}")
        if len(name) > MAX_METADATA_NAME:
            raise bad_request(
                f"metadata keys must not be longer than {MAX_METADATA_NAME} characters", "metadata"
            )
        if len(value) > MAX_METADATA_VALUE:
            key = f"metadata.{name}"
            raise bad_request(f"{key} must not be longer than {MAX_METADATA_VALUE} characters", key)


def _is_debiased(wanted: bool | None, shots: int, circuits: tuple[Circuit, ...]) -> bool:
    """Return whether a job on a QPU is debiased.

    Unless it is turned off, with 500 shots or more and gates that are not native:
    https://docs.ionq.com/guides/error-mitigation-debiasing.
    """
    if wanted and shots < DEBIASING_SHOTS:
        key = "settings.error_mitigation.debiasing"
        raise bad_request(f"{key} requires at least {DEBIASING_SHOTS} shots", key, "shots")
    if wanted is not None:
        return wanted
    native = any(getattr(circuit.program, "gateset", "qis") == "native" for circuit in circuits)
    return shots >= DEBIASING_SHOTS and not native


def _check_session(
    request: Request, session_id: str, submission: Submission, replacing: Job | None
) -> None:
    session = request.project.sessions.find(session_id)
    if session is None:
        raise bad_request(f"there is no session {session_id}", "session_id")
    price = submission.device.price
    cost = 0.0
    if price is not None and not submission.is_rehearsal:
        cost = price.of(*submission.billed, submission.shots, mitigated=submission.mitigated)
    reason = session.refusal(submission.device.name, cost, replacing)
    if reason is not None:
        dear = session.cost_limit is not None and session.spent + cost > session.cost_limit
        if dear and "session-cost-limit-ends" in request.deviations:
            request.project.sessions.end(session, None)
        raise bad_request(reason, "session_id")
