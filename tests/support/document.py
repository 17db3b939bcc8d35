"""An OpenAPI document of the fake, made of our own shapes: what a fuzzer needs to know of it."""

from __future__ import annotations

import re
from typing import Any

from shapes import (
    ERROR,
    FLAG,
    NATIVE_GATE,
    NUMBER,
    REFUSALS,
    TEXT,
    closed,
    either,
    list_of,
    map_of,
    nullable,
    one_of,
    successes,
)

from ionq_toolkit_fake.api.formats import FORMATS
from ionq_toolkit_fake.api.operations import OPERATIONS

QUBIT = {"type": "integer", "minimum": 0, "maximum": 4}
ANGLE = {"type": "number", "minimum": -7, "maximum": 7}
QIS_GATE = either(
    closed({"gate": one_of("x", "y", "z", "h", "s", "t", "v", "not"), "target": QUBIT}),
    closed({"gate": one_of("rx", "ry", "rz"), "target": QUBIT, "rotation": ANGLE}),
    closed({"gate": one_of("cnot", "x", "z"), "target": QUBIT, "control": QUBIT}),
    closed(
        {
            "gate": one_of("pauliexp"),
            "targets": list_of(QUBIT),
            "terms": list_of({"type": "string", "pattern": "^[IXYZ]{1,3}$"}),
            "coefficients": list_of(NUMBER),
            "time": NUMBER,
        }
    ),
)
WIDTH = {"type": "integer", "minimum": 1, "maximum": 5}
QIS = closed({"gateset": one_of("qis"), "qubits": WIDTH, "circuit": list_of(QIS_GATE)})
NATIVE = closed({"gateset": one_of("native"), "qubits": WIDTH, "circuit": list_of(NATIVE_GATE)})
BACKEND = one_of("simulator", "qpu.forte-1", "qpu.aria-1")
SETTINGS = closed({}, error_mitigation=closed({}, debiasing=FLAG, symmetry_verification=FLAG))
SHOTS = {"type": "integer", "minimum": 1, "maximum": 1000}
COMMON = {
    "name": TEXT,
    "metadata": map_of(TEXT),
    "shots": SHOTS,
    "settings": SETTINGS,
    "dry_run": FLAG,
    "noise": closed({"model": one_of("ideal", "aria-1", "forte-1")}, seed=nullable(QUBIT)),
    "session_id": TEXT,
}
ENERGY = closed(
    {
        "data": closed(
            {
                "type": one_of("hamiltonian-energy"),
                "data": closed(
                    {
                        "hamiltonian": list_of(
                            closed({"pauli_string": TEXT, "coefficient": NUMBER})
                        ),
                        "ansatz": closed({"data": TEXT}),
                    },
                    penalty=NUMBER,
                    cvar_alpha=nullable(NUMBER),
                ),
            }
        )
    },
    params=list_of(NUMBER),
)
GRAPH = closed(
    {
        "nodes": list_of(closed({"id": QUBIT})),
        "adjacency": list_of(list_of(closed({"id": QUBIT}))),
    }
)


def _submission(kind, body, **more):
    return closed({"type": one_of(kind), "backend": BACKEND, "input": body, **more}, **COMMON)


SUBMISSION = either(
    _submission("ionq.circuit.v1", either(QIS, NATIVE)),
    _submission(
        "ionq.multi-circuit.v1",
        closed({"gateset": one_of("qis"), "circuits": list_of(QIS), "qubits": WIDTH}),
    ),
    _submission("ionq.qasm3.v1", closed({"data": TEXT})),
    _submission("quantum-function", ENERGY),
    _submission(
        "qctrl.qaoa.v1",
        closed({"problem_type": one_of("maxcut"), "problem": GRAPH}),
        external_settings=closed({"api_credentials": TEXT}),
    ),
)
IDS = closed({"ids": list_of(TEXT)})
SESSION = closed(
    {"backend": BACKEND},
    settings=closed(
        {},
        job_count_limit=SHOTS,
        duration_limit_min=SHOTS,
        cost_limit=closed({"value": NUMBER}, unit=TEXT),
    ),
)
BODIES = {
    "POST /jobs": SUBMISSION,
    "DELETE /jobs": IDS,
    "PUT /jobs/status/cancel": IDS,
    "POST /jobs/<job_id>/clone": closed({}, **COMMON),
    "POST /jobs/<job_id>/move": closed({}, **COMMON),
    "POST /sessions": SESSION,
}
DATE = {"type": "string", "format": "date"}
FILTERS = {
    "ids": TEXT,
    "status": TEXT,
    "target": TEXT,
    "session_id": TEXT,
    "submitter_id": TEXT,
    "parent_job_id": TEXT,
    "limit": {"type": "integer", "minimum": 1, "maximum": 25},
    "next": TEXT,
}
QUERIES = {
    "GET /backends/<backend>/characterizations": {
        "start": DATE,
        "end": DATE,
        "limit": {"type": "integer", "minimum": 1, "maximum": 10},
        "page": {"type": "integer", "minimum": 1},
    },
    "GET /jobs": FILTERS,
    "GET /sessions/<session_id>/jobs": FILTERS,
    "GET /jobs/estimate": {
        "backend": BACKEND,
        "type": TEXT,
        "qubits": SHOTS,
        "shots": SHOTS,
        "1q_gates": SHOTS,
        "2q_gates": SHOTS,
        "error_mitigation": FLAG,
    },
    "GET /jobs/<job_id>/results/probabilities": {
        "sharpen": FLAG,
        "aggregation": one_of("average", "voting", "majority", "dnl"),
    },
    "GET /sessions": {"active": FLAG},
    "GET /organizations/<organization_id>/usage": {
        "start_date": DATE,
        "end_date": DATE,
        "group_by": one_of("job", "project", "user"),
        "modality": one_of("daily", "weekly", "monthly"),
    },
}


def openapi(known):
    """Return the document.

    Args:
        known: Values of the variable parts of paths that there is something at.
    """
    values = {
        "format": [*FORMATS, "none"],
        "lang": ["native", "qasm3"],
        **known,
    }
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        path = operation.path.replace("<", "{").replace(">", "}")
        names = re.findall(r"<(\w+)>", operation.path)
        parameters = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": one_of(*values[name]),
            }
            for name in names
        ]
        parameters += [
            {"name": name, "in": "query", "schema": shape}
            for name, shape in QUERIES.get(operation.name, {}).items()
        ]
        status, shape = successes()[operation.name]
        content = {"application/json": {"schema": shape}}
        refused = {"application/json": {"schema": ERROR}}
        entry = {
            "operationId": operation.name,
            "parameters": parameters,
            "responses": {
                **{str(code): {"description": "no", "content": refused} for code in REFUSALS},
                str(status): {"description": "yes", "content": content},
            },
        }
        if operation.name in BODIES:
            body = {"application/json": {"schema": BODIES[operation.name]}}
            entry["requestBody"] = {"required": True, "content": body}
        paths.setdefault(path, {})[operation.method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": "ionq_toolkit_fake", "version": "v0.4"},
        "servers": [{"url": "/v0.4"}],
        "paths": paths,
    }
