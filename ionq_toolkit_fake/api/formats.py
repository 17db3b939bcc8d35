"""Artifact formats: their names, and the JSON Schema of each."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.api.responses import not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ionq_toolkit_fake.api.request import Request

PROBABILITIES_V1 = "ionq.result.probabilities.json.v1"
PROBABILITIES_V2 = "ionq.result.probabilities.json.v2"
HISTOGRAM_V1 = "ionq.result.histogram.json.v1"
HISTOGRAM_V2 = "ionq.result.histogram.json.v2"
SHOTS_V1 = "ionq.result.shots.json.v1"
SHOTS_V2 = "ionq.result.shots.json.v2"
NATIVE_V1 = "ionq.native.v1"
QASM3_V1 = "ionq.qasm3.v1"
PROBABILITIES_AGGREGATE_V1 = "ionq.result.probabilities-aggregate.json.v1"


def _map_of(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": dict(values)}


def _registers(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object `{name: {"registers": {register: values}}}`."""
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
        PROBABILITIES_V2: _registers("probabilities", _map_of(_PROBABILITY)),
        HISTOGRAM_V1: _map_of(_COUNT),
        HISTOGRAM_V2: _registers("histogram", _map_of(_COUNT)),
        SHOTS_V1: {"type": "array", "items": {"type": "string"}},
        SHOTS_V2: {
            "type": "object",
            "required": ["shots"],
            "properties": {"shots": {"type": "array", "items": _SHOT}},
        },
        PROBABILITIES_AGGREGATE_V1: _map_of(_map_of(_PROBABILITY)),
        QASM3_V1: {"type": "string"},
        NATIVE_V1: {
            "type": "object",
            "required": ["qubits", "circuit"],
            "properties": {
                "qubits": {"type": "integer", "minimum": 1},
                "circuit": {"type": "array", "items": {"type": "object", "required": ["gate"]}},
            },
        },
    }
)


def get(request: Request) -> object:
    """GET /schemas/formats/{format}."""
    name = request.arguments["format"]
    if name not in FORMATS:
        raise not_found()
    document = {"$schema": "https://json-schema.org/draft-07/schema", "$id": name}
    return {**document, **FORMATS[name]}
