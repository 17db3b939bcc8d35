"""/backends: what there is to run on. These need no key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.api.wire import json_response, not_found
from ionq_toolkit_fake.clock import iso
from ionq_toolkit_fake.devices import DEVICES, SUPPORTED_GATES

if TYPE_CHECKING:
    from ionq_toolkit_fake.api.wire import Request, Response
    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.devices import Device


def list_all(cloud: FakeIonQ, request: Request) -> Response:  # noqa: ARG001 - every handler takes both
    """GET /backends."""
    return json_response([_body(device, cloud) for device in DEVICES.values()])


def get(cloud: FakeIonQ, request: Request) -> Response:
    """GET /backends/{backend}."""
    device = DEVICES.get(request.parameters["backend"])
    if device is None:
        raise not_found()
    return json_response(_body(device, cloud))


def _body(device: Device, cloud: FakeIonQ) -> dict[str, Any]:
    body: dict[str, Any] = {
        "backend": device.name,
        "status": device.status,
        "qubits": device.qubits,
        "average_queue_time": 0,
        "last_updated": iso(cloud.started_at),
        "degraded": False,
        "supported_gates": SUPPORTED_GATES,
        "supported_native_gates": device.native_gates,
        "supported_error_mitigations": device.error_mitigations,
    }
    if device.noise_models:
        body["noise_models"] = device.noise_models
    return body
