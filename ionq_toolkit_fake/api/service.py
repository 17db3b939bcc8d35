"""/whoami and /health: who asks, and whether there is anybody to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ionq_toolkit_fake.api.wire import json_response

if TYPE_CHECKING:
    from ionq_toolkit_fake.api.wire import Request, Response
    from ionq_toolkit_fake.cloud import FakeIonQ


def whoami(cloud: FakeIonQ, request: Request) -> Response:  # noqa: ARG001 - every handler takes both
    """GET /whoami."""
    key = request.owner
    return json_response({"key_id": key.id, "key_name": key.name, "project_id": key.project_id})


def health(cloud: FakeIonQ, request: Request) -> Response:  # noqa: ARG001
    """GET /health: not in the API document; qiskit-ionq's README shows it."""
    return json_response({"status": "pass"})
