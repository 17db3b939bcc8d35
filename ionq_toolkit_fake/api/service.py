"""/whoami, /health and /projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ionq_toolkit_fake.api.request import Request


def whoami(request: Request) -> object:
    """GET /whoami."""
    key = request.owner
    return {"key_id": key.id, "key_name": key.name, "project_id": key.project_id}


def health(request: Request) -> object:  # noqa: ARG001 - every handler takes one
    """GET /health: not in the API document; qiskit-ionq's README shows it."""
    return {"status": "pass"}


def projects(request: Request) -> object:
    """GET /projects: not in the API document; the shape is that of a user's recording.

    It shows the project of the key alone.
    """
    project = request.project
    targets = request.owner.access.targets
    body: dict[str, Any] = {
        "id": project.id,
        "name": project.name,
        "quotaUsage": project.charges.cents / 100,
        "quotaLimit": project.quota,
        "unit": "USD",
        "allowedTargets": list(request.facility.devices if targets is None else targets),
    }
    if "projects-object" not in request.deviations:
        return [body]
    devices = request.facility.devices
    qpus = [name for name in body["allowedTargets"] if devices[name].is_qpu]
    return {"projects": [{**body, "allowedTargets": qpus}]}
