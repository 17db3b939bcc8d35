"""The operations of IonQ's API, as a table."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias


class Operation(NamedTuple):
    """One operation of the API.

    Attributes:
        name: Its method and path.
        method: Its HTTP method.
        path: Its path below the version, variable parts in angle brackets.
        document: Its name in the API document; None: the document does not have it.
        scope: The scope that a key needs for it; None: any key may use it.
        public: Whether it needs no key.
        status: The HTTP status of its success.
        version: The version of the API that has it.
    """

    name: str
    method: str
    path: str
    document: str | None = None
    scope: str | None = None
    public: bool = False
    status: int = 200
    version: str = "v0.4"

    @property
    def url(self) -> str:
        """Its path, with the version."""
        return f"/{self.version}{self.path}"


def _operation(
    name: str,
    document: str | None = None,
    scope: str | None = None,
    **others: Any,  # noqa: ANN401 - the rest of the fields
) -> Operation:
    method, path = name.split()
    old = path.removeprefix("/v0.3")
    version = "v0.4" if old == path else "v0.3"
    return Operation(name, method, old, document, scope, version=version, **others)


_JOB, _SESSION = "/jobs/<job_id>", "/sessions/<session_id>"

#: The names of the operations, for type checkers and editors.
OperationName: TypeAlias = Literal[
    "GET /health", "GET /whoami", "GET /projects", "GET /backends", "GET /backends/<backend>",
    "GET /backends/<backend>/characterizations",
    "GET /backends/<backend>/characterizations/<characterization_id>", "POST /jobs", "GET /jobs",
    "DELETE /jobs", "PUT /jobs/status/cancel", "GET /jobs/estimate", "GET /jobs/<job_id>",
    "DELETE /jobs/<job_id>", "POST /jobs/<job_id>/clone", "POST /jobs/<job_id>/move",
    "GET /jobs/<job_id>/cost", "PUT /jobs/<job_id>/status/cancel",
    "GET /jobs/<job_id>/results/probabilities",
    "GET /jobs/<job_id>/results/probabilities/aggregated", "GET /jobs/<job_id>/results/histogram",
    "GET /jobs/<job_id>/results/shots", "GET /jobs/<job_id>/artifacts/<artifact_id>",
    "GET /jobs/<job_id>/circuits/<lang>", "POST /sessions", "GET /sessions",
    "GET /sessions/<session_id>", "POST /sessions/<session_id>/end",
    "GET /sessions/<session_id>/jobs", "GET /schemas/formats/<format>",
    "GET /organizations/<organization_id>/usage",
]  # fmt: skip

#: Paths, methods, names and the need of a key: IonQ's API document, version 0.4. One
#: characterization needs a key; the list that it is from needs none. Operations without a name in
#: the document are those that clients call beside it.
OPERATIONS = (
    _operation("GET /health", public=True),
    _operation("GET /whoami", "getWhoami"),
    _operation("GET /projects"),
    _operation("GET /backends", "getBackends", public=True),
    _operation("GET /backends/<backend>", "getBackend", public=True),
    _operation(
        "GET /backends/<backend>/characterizations", "getCharacterizationsForBackend", public=True
    ),
    _operation(
        "GET /backends/<backend>/characterizations/<characterization_id>", "getCharacterization"
    ),
    _operation("POST /jobs", "CreateJob", "jobs:write", status=201),
    _operation("GET /jobs", "GetJobs", "jobs:read"),
    _operation("DELETE /jobs", "DeleteJobs", "jobs:write"),
    _operation("PUT /jobs/status/cancel", "CancelJobs", "jobs:write"),
    _operation("GET /jobs/estimate", "EstimateJobCost", "billing"),
    _operation(f"GET {_JOB}", "GetJob", "jobs:read"),
    _operation(f"DELETE {_JOB}", "DeleteJob", "jobs:write"),
    _operation(f"POST {_JOB}/clone", "CloneJob", "jobs:write", status=201),
    _operation(f"POST {_JOB}/move", "MoveJob", "jobs:write", status=201),
    _operation(f"GET {_JOB}/cost", "GetJobCost", "jobs:read"),
    _operation(f"PUT {_JOB}/status/cancel", "CancelJob", "jobs:write"),
    _operation(f"GET {_JOB}/results/probabilities", "GetJobProbabilities", "jobs:read"),
    _operation(f"GET {_JOB}/results/probabilities/aggregated", scope="jobs:read"),
    _operation(f"GET {_JOB}/results/histogram", scope="jobs:read"),
    _operation(f"GET {_JOB}/results/shots", scope="jobs:read"),
    _operation(f"GET {_JOB}/artifacts/<artifact_id>", "GetJobArtifact", "jobs:read"),
    _operation(f"GET {_JOB}/circuits/<lang>", scope="jobs:read"),
    _operation("POST /sessions", "CreateSession", "sessions:write", status=201),
    _operation("GET /sessions", "GetSessions", "sessions:read"),
    _operation(f"GET {_SESSION}", "GetSession", "sessions:read"),
    _operation(f"POST {_SESSION}/end", "EndSession", "sessions:write"),
    _operation(f"GET {_SESSION}/jobs", "GetSessionJobs", "sessions:read"),
    _operation("GET /schemas/formats/<format>", "GetFormatSchema"),
    _operation("GET /organizations/<organization_id>/usage", "get-usages", "billing"),
)

_OLD_JOB = "/v0.3/jobs/<job_id>"

#: Those of version 0.3: https://docs.ionq.com/api-reference/v0.3, and Cirq's calibrations.
OPERATIONS_V03 = (
    _operation("GET /v0.3/whoami"),
    _operation("GET /v0.3/projects"),
    _operation("GET /v0.3/backends", public=True),
    _operation("GET /v0.3/calibrations"),
    _operation("GET /v0.3/calibrations/current"),
    _operation("GET /v0.3/characterizations/backends/<backend>", public=True),
    _operation("GET /v0.3/characterizations/backends/<backend>/current", public=True),
    _operation("GET /v0.3/characterizations/<characterization_id>", public=True),
    _operation("POST /v0.3/jobs", scope="jobs:write"),
    _operation("GET /v0.3/jobs", scope="jobs:read"),
    _operation("DELETE /v0.3/jobs", scope="jobs:write"),
    _operation("PUT /v0.3/jobs/status/cancel", scope="jobs:write"),
    _operation(f"GET {_OLD_JOB}", scope="jobs:read"),
    _operation(f"DELETE {_OLD_JOB}", scope="jobs:write"),
    _operation(f"PUT {_OLD_JOB}/status/cancel", scope="jobs:write"),
    _operation(f"GET {_OLD_JOB}/results", scope="jobs:read"),
)
