"""Artifact formats: their names, and the JSON Schema of each."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.api.wire import json_response, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ionq_toolkit_fake.api.wire import Request, Response
    from ionq_toolkit_fake.cloud import FakeIonQ

PROBABILITIES_V1 = "ionq.result.probabilities.json.v1"
PROBABILITIES_AGGREGATE_V1 = "ionq.result.probabilities-aggregate.json.v1"


def _map_of(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": dict(values)}


def _registers(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object `{name: {"registers": {register: values}}}`."""
    inner = {
        "type": "object",
        "required": ["registers"],
        "properties": {"registers": _map_of(values)},
    }
    return {"type": "object", "required": [name], "properties": {name: inner}}


_PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1}
_COUNT = {"type": "integer", "minimum": 0}
_BITS = {"type": "array", "items": {"type": ["integer", "null"]}}
_SHOT = {
    "type": "object",
    "required": ["registers"],
    "properties": {"registers": _map_of(_BITS), "leakage_bits": _BITS},
}

#: The formats of the API document's schema Formats, with the shapes of its ResultFormatsCatalog and
#: CircuitFormatsCatalog.
FORMATS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        PROBABILITIES_V1: _map_of(_PROBABILITY),
        "ionq.result.probabilities.json.v2": _registers("probabilities", _map_of(_PROBABILITY)),
        "ionq.result.histogram.json.v1": _map_of(_COUNT),
        "ionq.result.histogram.json.v2": _registers("histogram", _map_of(_COUNT)),
        "ionq.result.shots.json.v1": {"type": "array", "items": {"type": "string"}},
        "ionq.result.shots.json.v2": {
            "type": "object",
            "required": ["shots"],
            "properties": {"shots": {"type": "array", "items": _SHOT}},
        },
        PROBABILITIES_AGGREGATE_V1: _map_of(_map_of(_PROBABILITY)),
        "ionq.native.v1": {
            "type": "object",
            "required": ["qubits", "circuit"],
            "properties": {
                "qubits": {"type": "integer", "minimum": 1},
                "circuit": {"type": "array", "items": {"type": "object", "required": ["gate"]}},
            },
        },
    }
)


def get(cloud: FakeIonQ, request: Request) -> Response:  # noqa: ARG001 - every handler takes both
    """GET /schemas/formats/{format}."""
    name = request.parameters["format"]
    if name not in FORMATS:
        raise not_found()
    document = {"$schema": "https://json-schema.org/draft-07/schema", "$id": name}
    return json_response({**document, **FORMATS[name]})
