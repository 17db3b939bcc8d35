"""Which path and method is which operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from ionq_toolkit_fake.api import backends, billing, formats, jobs, results, service, sessions
from ionq_toolkit_fake.api.responses import not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ionq_toolkit_fake.api.request import Request
    from ionq_toolkit_fake.api.responses import Response

    _Handler = Callable[[Request], Response]


class Operation(NamedTuple):
    """One operation of the API.

    Attributes:
        method: Its HTTP method.
        path: Its path below the version, variable parts in angle brackets.
        handler: What answers it.
        scope: What a key must be allowed to, for it; None: any key will do.
        public: Whether it needs no key.
        document: Its name in the API document; None: it is not in it.
    """

    method: str
    path: str
    handler: Callable[[Request], Response]
    scope: str | None = None
    public: bool = False
    document: str | None = None

    @property
    def name(self) -> str:
        """Its method and path."""
        return f"{self.method} {self.path}"


def _public(method: str, path: str, handler: _Handler, document: str | None = None) -> Operation:
    return Operation(method, path, handler, public=True, document=document)


#: Paths, methods, names and the need of a key: IonQ's API document, version 0.4. One
#: characterization needs a key, and the list that it is from none. Those without a name are what
#: clients call beside the document.
OPERATIONS = (
    _public("GET", "/health", service.health),
    Operation("GET", "/whoami", service.whoami, document="getWhoami"),
    Operation("GET", "/projects", service.projects),
    _public("GET", "/backends", backends.list_all, "getBackends"),
    _public("GET", "/backends/<backend>", backends.get, "getBackend"),
    _public(
        "GET",
        "/backends/<backend>/characterizations",
        backends.characterizations,
        "getCharacterizationsForBackend",
    ),
    Operation(
        "GET",
        "/backends/<backend>/characterizations/<characterization_id>",
        backends.characterization,
        document="getCharacterization",
    ),
    Operation("POST", "/jobs", jobs.create, "jobs:write", document="CreateJob"),
    Operation("GET", "/jobs", jobs.list_some, "jobs:read", document="GetJobs"),
    Operation("DELETE", "/jobs", jobs.delete_several, "jobs:write", document="DeleteJobs"),
    Operation(
        "PUT", "/jobs/status/cancel", jobs.cancel_several, "jobs:write", document="CancelJobs"
    ),
    Operation("GET", "/jobs/estimate", billing.estimate, "billing", document="EstimateJobCost"),
    Operation("GET", "/jobs/<job_id>", jobs.get, "jobs:read", document="GetJob"),
    Operation("DELETE", "/jobs/<job_id>", jobs.delete, "jobs:write", document="DeleteJob"),
    Operation("POST", "/jobs/<job_id>/clone", jobs.clone, "jobs:write", document="CloneJob"),
    Operation("POST", "/jobs/<job_id>/move", jobs.move, "jobs:write", document="MoveJob"),
    Operation("GET", "/jobs/<job_id>/cost", billing.cost, "jobs:read", document="GetJobCost"),
    Operation(
        "PUT", "/jobs/<job_id>/status/cancel", jobs.cancel, "jobs:write", document="CancelJob"
    ),
    Operation(
        "GET",
        "/jobs/<job_id>/results/probabilities",
        results.probabilities,
        "jobs:read",
        document="GetJobProbabilities",
    ),
    Operation(
        "GET", "/jobs/<job_id>/results/probabilities/aggregated", results.aggregated, "jobs:read"
    ),
    Operation("GET", "/jobs/<job_id>/results/histogram", results.histogram, "jobs:read"),
    Operation("GET", "/jobs/<job_id>/results/shots", results.shots, "jobs:read"),
    Operation(
        "GET",
        "/jobs/<job_id>/artifacts/<artifact_id>",
        results.artifact,
        "jobs:read",
        document="GetJobArtifact",
    ),
    Operation("GET", "/jobs/<job_id>/circuits/<lang>", results.circuit, "jobs:read"),
    Operation("POST", "/sessions", sessions.create, "sessions:write", document="CreateSession"),
    Operation("GET", "/sessions", sessions.list_all, "sessions:read", document="GetSessions"),
    Operation(
        "GET", "/sessions/<session_id>", sessions.get, "sessions:read", document="GetSession"
    ),
    Operation(
        "POST", "/sessions/<session_id>/end", sessions.end, "sessions:write", document="EndSession"
    ),
    Operation(
        "GET",
        "/sessions/<session_id>/jobs",
        sessions.list_jobs,
        "sessions:read",
        document="GetSessionJobs",
    ),
    Operation("GET", "/schemas/formats/<format>", formats.get, document="GetFormatSchema"),
    Operation(
        "GET",
        "/organizations/<organization_id>/usage",
        billing.usage,
        "billing",
        document="get-usages",
    ),
)

_MAP = Map(
    [Rule(f"/v0.4{o.path}", methods=[o.method], endpoint=o) for o in OPERATIONS],
    strict_slashes=False,
    merge_slashes=False,
)


def route(method: str, path: str) -> tuple[Operation, Mapping[str, str]]:
    """Return the operation of a request, and the variable parts of its path.

    Raises:
        Refusal: There is none: 404, for a method that a path does not have as well.
    """
    if not path.startswith("/") or "%2f" in path.lower():
        raise not_found()  # an escaped slash is part of a name, and no name has one
    try:
        operation, parameters = _MAP.bind("").match(unquote(path), method=method)
    except HTTPException as error:
        raise not_found() from error
    if operation.method != method:  # werkzeug answers HEAD where there is GET
        raise not_found()
    return operation, parameters
