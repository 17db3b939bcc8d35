"""/backends: the backends and their characterizations."""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from datetime import date
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.api import query
from ionq_toolkit_fake.api.responses import Headed, not_found
from ionq_toolkit_fake.clock import iso
from ionq_toolkit_fake.facts.devices import SUPPORTED_GATES
from ionq_toolkit_fake.facts.guesses import notes_of
from ionq_toolkit_fake.models.facility import midnight

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ionq_toolkit_fake.api.request import Request
    from ionq_toolkit_fake.facts.devices import Device
    from ionq_toolkit_fake.models.facility import Characterization

#: The most characterizations on a page: operation getCharacterizationsForBackend.
MAX_PAGE = 10

#: The header of the fake alone that has the simulated values that rest on a guess: a JSON list of
#: text, in ASCII.
NOTES = "x-ionq-fake-notes"

#: The QPU whose entry has no `degraded`: contract tests of ionq-core-python, spring 2026.
_NOT_DEGRADED = "qpu.forte-enterprise-1"


def list_all(request: Request) -> object:
    """GET /backends."""
    return [_body(device, request) for device in request.facility.devices.values()]


def get(request: Request) -> object:
    """GET /backends/{backend}, with the guesses of the simulation in a header."""
    device = _device(request)
    notes = json.dumps(notes_of(device.name, described=device.described))
    return Headed(_body(device, request), {NOTES: notes})


def characterizations(request: Request) -> object:
    """GET /backends/{backend}/characterizations: the newest first, from `start` to `end`."""
    deviations = request.deviations
    if "characterizations-of-any" not in deviations:
        _device(request)
    limit = query.integer(request, "limit", MAX_PAGE, 1, MAX_PAGE)
    page = query.integer(request, "page", 1, 1, 1_000_000)
    start, end = query.moment(request, "start"), query.moment(request, "end")
    inclusive = "characterizations-end" in deviations

    def too_old(day: int) -> bool:
        return start is not None and midnight(date.fromordinal(day)) < start

    def too_new(day: int) -> bool:
        at = midnight(date.fromordinal(day))
        return end is not None and (at > end or (at == end and not inclusive))

    name, facility = request.arguments["backend"], request.facility
    days = facility.days(name)
    days = days[bisect_left(days, 1, key=lambda day: not too_old(day)) :]
    days = days[: bisect_left(days, 1, key=too_new)][::-1]
    pages = math.ceil(len(days) / limit)
    shown = [
        facility.characterization(name, day) for day in days[(page - 1) * limit : page * limit]
    ]
    bodies: list[dict[str, Any]] | None = _characterizations(shown, deviations)
    if not days and "characterizations-null" in deviations:
        bodies = None
    if "characterizations-pages" not in deviations:
        pages = max(0, pages - page)
    return {"characterizations": bodies, "pages": pages}


def characterization(request: Request) -> object:
    """GET /backends/{backend}/characterizations/{UUID}."""
    found = request.facility.characterization_of(
        request.arguments["backend"], request.arguments["characterization_id"]
    )
    if found is None:
        raise not_found()
    return _characterizations([found], request.deviations)[0]


def _device(request: Request) -> Device:
    device = request.facility.devices.get(request.arguments["backend"])
    if device is None:
        raise not_found()
    return device


def _body(device: Device, request: Request) -> dict[str, Any]:
    """Return a backend as it is listed."""
    body: dict[str, Any] = {
        "backend": device.name,
        "status": device.status,
        "qubits": device.qubits,
        "average_queue_time": request.facility.queue_ms(device.name),
        "last_updated": iso(request.facility.started_at),
        "supported_gates": SUPPORTED_GATES,
        "supported_native_gates": device.native_gates,
        "supported_error_mitigations": device.error_mitigations,
    }
    if device.name != _NOT_DEGRADED or "degraded-missing" not in request.deviations:
        body["degraded"] = False
    if device.is_qpu:
        body["characterization_id"] = request.facility.newest(device.name).id
    if device.location:
        body["location"] = device.location
    if device.noise_models and "backend-noise-models" in request.deviations:
        body["noise_models"] = device.noise_models
    return body


def _characterizations(
    records: Sequence[Characterization], deviations: Collection[str]
) -> list[dict[str, Any]]:
    """Return records in the shape of the API.

    The live service shows a missing median in its own ways; the document leaves it out.
    """
    quirky = "characterization-nulls" in deviations
    exact = "characterization-times" in deviations
    backfills = "characterizations-backfill" in deviations
    bodies: list[dict[str, Any]] = []
    newer: dict[str, float | None] = {}
    for record in records:
        speed = record.device.performance
        assert speed is not None, "only a machine is characterized"  # noqa: S101
        medians = {"1q": record.one_qubit, "2q": record.two_qubits}
        if backfills:
            medians = {k: newer.get(k) if v is None else v for k, v in medians.items()}
            newer = medians
        fidelity: dict[str, Any] = {"spam": {"median": record.spam}}
        for name, median in medians.items():
            if quirky:
                fidelity[name] = {"median": median, "stderr": 0}
            elif median is not None:
                fidelity[name] = {"median": median}
        times = (
            ("readout", speed.readout_s),
            ("reset", speed.reset_s),
            ("1q", speed.one_qubit_s),
            ("2q", speed.two_qubits_s),
            ("t1", speed.t1_s),
            ("t2", speed.t2_s),
        )
        bodies.append(
            {
                "id": record.id,
                "date": iso(midnight(record.day)).replace(".000Z", "Z"),
                "backend": record.device.name,
                "qubits": record.device.qubits,
                "connectivity": record.device.pairs,
                "fidelity": fidelity,
                "timing": {name: seconds if exact else round(seconds) for name, seconds in times},
            }
        )
    return bodies
