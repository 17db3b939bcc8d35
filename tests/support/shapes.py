"""The shape of every reply, as JSON Schema: our own reading of IonQ's API document.

Objects are closed: what the document does not name is not there. Where the live service is known to
differ, the shape follows the cloud's deviations.
"""

from __future__ import annotations

from functools import cache

from ionq_toolkit_fake import DEVIATIONS

TEXT, NUMBER, WHOLE, FLAG = ({"type": name} for name in ("string", "number", "integer", "boolean"))
NULL = {"type": "null"}
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
DAY = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
UUID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
COUNT = {"type": "integer", "minimum": 0}
PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1.0000000001}

STATUSES = ("submitted", "ready", "started", "canceled", "failed", "completed")
FAILURES = (
    *("InvalidInput", "CompilationError", "ContractExpiredError", "DebiasingError"),
    *("InternalError", "NotEnoughQubits", "OptimizationError", "PreflightError"),
    *("QuantumCircuitComplexityError", "QuantumComputerError", "QuotaExhaustedError"),
    *("SimulationError", "SimulationTimeout", "SystemCancel", "TooLongPredictedExecutionTime"),
    *("TooManyControls", "TooManyGates", "TooManyShots", "UnknownBillingError"),
    "UnsupportedGate",
)
RESULT_FORMATS = (
    *("ionq.result.shots.json.v1", "ionq.result.shots.json.v2"),
    *("ionq.result.histogram.json.v1", "ionq.result.histogram.json.v2"),
    *("ionq.result.probabilities.json.v1", "ionq.result.probabilities.json.v2"),
    "ionq.result.probabilities-aggregate.json.v1",
)


def one_of(*values):
    return {"enum": list(values)}


def either(*shapes):
    return {"anyOf": list(shapes)}


def nullable(shape):
    return either(shape, NULL)


def list_of(shape):
    return {"type": "array", "items": shape}


def map_of(shape, keys=None):
    body = {"type": "object", "additionalProperties": shape}
    return body if keys is None else {**body, "propertyNames": keys}


def closed(required, **optional):
    """Return an object with these properties and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


OUTCOMES = {"pattern": "^[0-9]+$"}
BITS = {"pattern": "^[01]+$"}


def registers_of(name, values):
    return closed({name: closed({"registers": map_of(map_of(values, BITS))})})


DESCRIPTOR = closed({"id": TEXT, "format": TEXT, "media_type": TEXT})
RESULTS = map_of(DESCRIPTOR, one_of(*RESULT_FORMATS))
NATIVE_GATE = closed(
    {"gate": one_of("zz", "ms", "gpi", "gpi2", "nop")},
    target=COUNT,
    targets=list_of(COUNT),
    phase=NUMBER,
    phases=list_of(NUMBER),
    angle=NUMBER,
)
AGGREGATED = map_of(map_of(PROBABILITY, OUTCOMES), UUID)

#: What an artifact contains, by its format.
ARTIFACTS = {
    "ionq.result.probabilities.json.v1": map_of(PROBABILITY, OUTCOMES),
    "ionq.result.probabilities.json.v2": registers_of("probabilities", PROBABILITY),
    "ionq.result.histogram.json.v1": map_of(COUNT, OUTCOMES),
    "ionq.result.histogram.json.v2": registers_of("histogram", COUNT),
    "ionq.result.shots.json.v1": list_of({"type": "string", "pattern": "^[0-9]+$"}),
    "ionq.result.shots.json.v2": closed(
        {"shots": list_of(closed({"registers": map_of(list_of(one_of(0, 1)))}))}
    ),
    "ionq.result.probabilities-aggregate.json.v1": AGGREGATED,
    "ionq.native.v1": closed({"qubits": COUNT, "circuit": list_of(NATIVE_GATE)}),
    "ionq.qasm3.v1": TEXT,
}

ERROR = closed(
    {"statusCode": WHOLE, "error": TEXT, "message": TEXT},
    validation=closed({}, source=TEXT, keys=list_of(TEXT)),
)


def _failure(live):
    codes: tuple[str, ...] = FAILURES
    if "compilation-code" in live:
        codes = (*codes, "UnexpectedCompilationError")
    extra = {"error": TEXT} if "failure-error" in live else {}
    return closed({"code": one_of(*codes), "message": TEXT, **extra})


def _circuit_output(live):
    compiled = {"compiled_circuits": map_of(DESCRIPTOR)}
    compilation = closed({}, **compiled)
    if "compilation-output" in live:
        compilation = {**compilation, "additionalProperties": True}
    variant = closed(
        {"variant_id": TEXT, "qubit_map": nullable(list_of(NUMBER)), "shots": COUNT},
        results=RESULTS,
    )
    debiasing = closed({}, variants=list_of(variant), aggregation_method=TEXT)
    if "debiasing-false" in live:
        debiasing = either(debiasing, {"const": False})
    histogram = closed(
        {"id": TEXT, "format": one_of("ionq.result.histogram.json.v2"), "media_type": TEXT}
    )
    mitigation = closed(
        {},
        debiasing=debiasing,
        symmetry_verification=nullable(
            closed({}, num_allowed_states=nullable(NUMBER), applied=FLAG)
            if "symmetry-verification-shown" in live
            else closed({}, num_allowed_states=NUMBER, applied=FLAG)
        ),
        aggregations=closed(
            {}, average=histogram, voting=histogram, dnl=histogram, majority=histogram
        ),
    )
    return closed({}, compilation=compilation, error_mitigation=mitigation)


def _results(live):
    if "results-urls" not in live:
        return RESULTS
    url = closed({"url": {"type": "string", "pattern": "^/v0.4/jobs/.*/results/[a-z/]+$"}})
    names = ("probabilities", "histogram", "shots")
    return {
        "type": "object",
        "properties": {**dict.fromkeys(names, url), **dict.fromkeys(RESULT_FORMATS, DESCRIPTOR)},
        "additionalProperties": False,
    }


_CIRCUIT_STATS = closed(
    {},
    qubits=COUNT,
    circuits=COUNT,
    gate_counts=map_of(NUMBER),
    kwh=NUMBER,
    predicted_quantum_compute_time_us=COUNT,
    billed_quantum_compute_time_us=COUNT,
)
_FUNCTION_SETTINGS = closed(
    {}, error_mitigation=closed({}, debiasing=FLAG, symmetry_verification=FLAG)
)
_SETTINGS = {
    **_FUNCTION_SETTINGS,
    "properties": {
        **_FUNCTION_SETTINGS["properties"],
        "compilation": closed(
            {}, precision=TEXT, opt=NUMBER, gate_basis=TEXT, service_version=TEXT
        ),
    },
}
_QAOA_RESULTS = closed(
    {
        "optimal_cost": NUMBER,
        "optimal_bitstring": TEXT,
        "processing_status": one_of("running", "complete", "max_iteration"),
    }
)


def _job(live, *, full):
    """Return a job of any of the four families, told apart by its type."""
    common = {
        "id": UUID,
        "status": one_of(*STATUSES),
        "backend": TEXT,
        "dry_run": FLAG,
        "submitter_id": TEXT,
        "project_id": nullable(UUID),
        "parent_job_id": nullable(UUID),
        "session_id": nullable(UUID),
        "metadata": nullable(map_of(TEXT)),
        "name": nullable(TEXT),
        "submitted_at": MOMENT,
        "started_at": nullable(MOMENT),
        "completed_at": nullable(MOMENT),
        "predicted_wait_time_ms": nullable(COUNT),
        "predicted_execution_duration_ms": nullable(COUNT),
        "execution_duration_ms": nullable(COUNT),
        "failure": nullable(_failure(live)),
    }
    if full:
        common["child_job_ids"] = nullable(list_of(UUID))
    optional = {
        "shots": {"type": "integer", "minimum": 1},
        "noise": closed({"model": TEXT}, seed=WHOLE),
        "cost_model": one_of("QCT", "2QGE_operations"),
    }

    def family(types, output, stats, results, settings=_SETTINGS):
        special = {
            "settings": settings,
            "type": one_of(*types),
            "output": output,
            "stats": stats,
            "results": nullable(results),
        }
        return closed({**common, **special}, **optional)

    circuits = ("ionq.circuit.v1", "ionq.qasm3.v1", "ionq.qir.v1", "qctrl.qaoa-circuit.v1")
    nothing = closed({})
    return either(
        family(circuits, _circuit_output(live), _CIRCUIT_STATS, _results(live)),
        family(("ionq.multi-circuit.v1",), nothing, nothing, _results(live)),
        family(
            ("qctrl.qaoa.v1",),
            *(nothing, nothing, closed({}, qaoa_results=_QAOA_RESULTS)),
            _FUNCTION_SETTINGS,
        ),
        family(
            ("quantum-function",),
            *(map_of({}), map_of({}), closed({}, value=NUMBER, variance=NUMBER)),
            _FUNCTION_SETTINGS,
        ),
    )


def _backend(live):
    extra = {"noise_models": list_of(TEXT)} if "backend-noise-models" in live else {}
    return closed(
        {
            "backend": TEXT,
            "status": one_of("available", "unavailable", "retired"),
            "qubits": COUNT,
            "average_queue_time": NUMBER,
            "last_updated": MOMENT,
        },
        characterization_id=UUID,
        degraded=FLAG,
        kw=NUMBER,
        location=TEXT,
        supported_error_mitigations=list_of(TEXT),
        supported_gates=list_of(TEXT),
        supported_native_gates=list_of(TEXT),
        **extra,
    )


def _characterization(live):
    """Return a characterization."""
    seconds = NUMBER if "characterization-times" in live else WHOLE
    median = closed({"median": PROBABILITY}, stderr=nullable(WHOLE))
    if "characterization-nulls" in live:
        median = closed({"median": nullable(PROBABILITY)}, stderr={"const": 0})
    spam = closed({"median": PROBABILITY}, stderr=nullable(WHOLE))
    return closed(
        {
            "id": UUID,
            "backend": TEXT,
            "date": MOMENT,
            "qubits": {"type": "integer", "minimum": 1},
            "connectivity": list_of(list_of(COUNT)),
            "fidelity": {
                **closed({"spam": spam}),
                "properties": {"spam": spam, "1q": median, "2q": median},
            },
            "timing": {
                "type": "object",
                "required": ["readout", "reset"],
                "properties": dict.fromkeys(("1q", "2q", "readout", "reset", "t1", "t2"), seconds),
                "additionalProperties": False,
            },
        }
    )


_SESSION = closed(
    {
        "id": UUID,
        "created_at": MOMENT,
        "organization_id": TEXT,
        "backend": nullable(TEXT),
        "project_id": nullable(UUID),
        "creator_id": nullable(TEXT),
        "ended_at": nullable(MOMENT),
        "ender_id": nullable(TEXT),
        "active": FLAG,
        "status": one_of("created", "started", "ended"),
        "started_at": nullable(MOMENT),
    },
    settings=closed(
        {},
        job_count_limit=COUNT,
        duration_limit_min=COUNT,
        cost_limit=closed({"value": NUMBER}, unit=TEXT),
        expires_at=MOMENT,
    ),
)
_MONEY = closed({"value": NUMBER, "unit": TEXT})
_RATE = closed(
    {"sku": TEXT, "unit": one_of("compute_second", "gates")},
    unit_cost=NUMBER,
    cost_1q_gate=NUMBER,
    cost_2q_gate=NUMBER,
    job_cost_minimum=NUMBER,
)
_CONTEXT = {
    **closed({"backend": TEXT, "organization": nullable(TEXT), "project": nullable(TEXT)}),
    "properties": {
        "backend": TEXT,
        "type": TEXT,
        "qubits": COUNT,
        "shots": COUNT,
        "1q_gates": COUNT,
        "2q_gates": COUNT,
        "error_mitigation": FLAG,
        "organization": nullable(TEXT),
        "project": nullable(TEXT),
    },
}
_CARD = closed({"rates": list_of(_RATE), "id": TEXT})
#: The keys that other sources have.
_OLDER = {
    "input_values": _CONTEXT,
    "rate_information": _CARD,
    "estimated_cost": NUMBER,
    "cost_unit": TEXT,
}
_ESTIMATE = closed(
    {
        "estimate_context": _CONTEXT,
        "estimated_at": MOMENT,
        "estimated_unit": TEXT,
        "rate_card": _CARD,
        "estimated_total_cost": NUMBER,
        "estimated_execution_time": COUNT,
        "current_predicted_queue_time": COUNT,
    },
    estimated_quantum_compute_time_us=COUNT,
)
_BOTH_ESTIMATES = {**_ESTIMATE, "properties": {**_ESTIMATE["properties"], **_OLDER}}


def _usage(live):
    amounts = list_of(closed({}, amount=NUMBER, unit=TEXT))
    group = closed(
        {},
        amount=NUMBER,
        amount_unit=TEXT,
        amounts=amounts,
        group_id=TEXT,
        group_name=TEXT,
        job_count=COUNT,
        time_us=NUMBER,
    )
    day = closed(
        {
            "from": MOMENT if "usage-timestamps" in live else DAY,
            "job_count": COUNT,
            "amount": NUMBER,
            "time_us": NUMBER,
            "group_usages": {**list_of(group), "maxItems": 5},
        },
        amount_unit=TEXT,
        amounts=amounts,
    )
    return closed(
        {
            "start_date": DAY,
            "end_date": DAY,
            "group_type": one_of("job", "project", "user"),
            "modality": one_of("daily", "weekly", "monthly"),
        },
        amount_total=NUMBER,
        amount_totals=amounts,
        job_count=COUNT,
        organization=TEXT,
        time_us_total=NUMBER,
        usage_data=list_of(day),
        usage_from=MOMENT,
        usage_to=MOMENT,
        usage_unit=TEXT,
    )


def _changed(status, many):
    key, shape = ("ids", list_of(TEXT)) if many else ("id", UUID)
    return closed({key: shape, "status": one_of(status)})


@cache
def successes(live=frozenset(DEVIATIONS)):
    """Return the status and the shape of each operation's reply when all goes well."""
    created = closed({"id": UUID, "status": one_of(*STATUSES), "session_id": nullable(UUID)})
    jobs = closed({"jobs": list_of(_job(live, full=False)), "next": nullable(UUID)})
    records = list_of(_characterization(live))
    if "characterizations-null" in live:
        records = nullable(records)
    v1 = ARTIFACTS["ionq.result.probabilities.json.v1"]
    project = {
        "id": UUID,
        "name": TEXT,
        "quotaUsage": NUMBER,
        "quotaLimit": nullable(NUMBER),
        "unit": TEXT,
        "allowedTargets": list_of(TEXT),
    }
    document = {
        "type": "object",
        "required": ["$schema", "$id", "type"],
        "properties": dict.fromkeys(("$schema", "$id", "type", "description"), TEXT),
    }
    return {
        "GET /health": (200, closed({"status": TEXT})),
        "GET /whoami": (200, closed({"key_id": UUID, "key_name": TEXT}, project_id=UUID)),
        "GET /projects": (
            200,
            closed({"projects": list_of(closed(project))})
            if "projects-object" in live
            else list_of(closed(project)),
        ),
        "GET /backends": (200, list_of(_backend(live))),
        "GET /backends/<backend>": (200, _backend(live)),
        "GET /backends/<backend>/characterizations": (
            200,
            closed({"characterizations": records}, pages=COUNT),
        ),
        "GET /backends/<backend>/characterizations/<characterization_id>": (
            200,
            _characterization(live),
        ),
        "POST /jobs": (201, created),
        "GET /jobs": (200, jobs),
        "DELETE /jobs": (200, _changed("deleted", many=True)),
        "PUT /jobs/status/cancel": (200, _changed("canceled", many=True)),
        "GET /jobs/estimate": (
            200,
            _BOTH_ESTIMATES if "estimate-both-keys" in live else _ESTIMATE,
        ),
        "GET /jobs/<job_id>": (200, _job(live, full=True)),
        "DELETE /jobs/<job_id>": (200, _changed("deleted", many=False)),
        "POST /jobs/<job_id>/clone": (201, created),
        "POST /jobs/<job_id>/move": (201, created),
        "GET /jobs/<job_id>/cost": (
            200,
            closed({"dry_run": FLAG}, estimated_cost=_MONEY, cost=_MONEY),
        ),
        "PUT /jobs/<job_id>/status/cancel": (200, _changed("canceled", many=False)),
        "GET /jobs/<job_id>/results/probabilities": (200, v1),
        "GET /jobs/<job_id>/results/probabilities/aggregated": (200, AGGREGATED),
        "GET /jobs/<job_id>/results/histogram": (200, ARTIFACTS["ionq.result.histogram.json.v1"]),
        "GET /jobs/<job_id>/results/shots": (200, ARTIFACTS["ionq.result.shots.json.v1"]),
        "GET /jobs/<job_id>/artifacts/<artifact_id>": (200, either(*ARTIFACTS.values())),
        "GET /jobs/<job_id>/circuits/<lang>": (410, ERROR),
        "POST /sessions": (201, _SESSION),
        "GET /sessions": (200, closed({"organization_id": TEXT, "sessions": list_of(_SESSION)})),
        "GET /sessions/<session_id>": (200, _SESSION),
        "POST /sessions/<session_id>/end": (200, _SESSION),
        "GET /sessions/<session_id>/jobs": (200, jobs),
        "GET /schemas/formats/<format>": (200, document),
        "GET /organizations/<organization_id>/usage": (200, _usage(live)),
    }


#: The refusals that an operation may answer with.
REFUSALS = (400, 401, 403, 404, 409, 410, 413)
