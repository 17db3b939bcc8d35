"""The handler of each operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ionq_toolkit_fake.api import backends, billing, formats, jobs, results, service, sessions
from ionq_toolkit_fake.api.v03 import HANDLERS_V03

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ionq_toolkit_fake.api.request import Request

#: Handlers, by the names in `OPERATIONS`: each returns JSON, or raises a `Refusal`.
HANDLERS: Mapping[str, Callable[[Request], object]] = {
    **HANDLERS_V03,
    "GET /health": service.health,
    "GET /whoami": service.whoami,
    "GET /projects": service.projects,
    "GET /backends": backends.list_all,
    "GET /backends/<backend>": backends.get,
    "GET /backends/<backend>/characterizations": backends.characterizations,
    "GET /backends/<backend>/characterizations/<characterization_id>": backends.characterization,
    "POST /jobs": jobs.create,
    "GET /jobs": jobs.listing,
    "DELETE /jobs": jobs.delete_several,
    "PUT /jobs/status/cancel": jobs.cancel_several,
    "GET /jobs/estimate": billing.estimate,
    "GET /jobs/<job_id>": jobs.get,
    "DELETE /jobs/<job_id>": jobs.delete,
    "POST /jobs/<job_id>/clone": jobs.clone,
    "POST /jobs/<job_id>/move": jobs.move,
    "GET /jobs/<job_id>/cost": billing.cost,
    "PUT /jobs/<job_id>/status/cancel": jobs.cancel,
    "GET /jobs/<job_id>/results/probabilities": results.probabilities,
    "GET /jobs/<job_id>/results/probabilities/aggregated": results.aggregated,
    "GET /jobs/<job_id>/results/histogram": results.histogram,
    "GET /jobs/<job_id>/results/shots": results.shots,
    "GET /jobs/<job_id>/artifacts/<artifact_id>": results.artifact,
    "GET /jobs/<job_id>/circuits/<lang>": results.circuit,
    "POST /sessions": sessions.create,
    "GET /sessions": sessions.list_all,
    "GET /sessions/<session_id>": sessions.get,
    "POST /sessions/<session_id>/end": sessions.end,
    "GET /sessions/<session_id>/jobs": sessions.list_jobs,
    "GET /schemas/formats/<format>": formats.get,
    "GET /organizations/<organization_id>/usage": billing.usage,
}
