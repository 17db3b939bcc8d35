"""Which path and method is which operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from ionq_toolkit_fake.api import backends, formats, jobs, service
from ionq_toolkit_fake.api.wire import not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ionq_toolkit_fake.api.wire import Request, Response
    from ionq_toolkit_fake.cloud import FakeIonQ


class Operation(NamedTuple):
    """One operation of the API.

    Attributes:
        method: Its HTTP method.
        path: Its path below the version, variable parts in angle brackets.
        handler: What answers it.
        public: Whether it needs no key.
    """

    method: str
    path: str
    handler: Callable[[FakeIonQ, Request], Response]
    public: bool = False


#: Paths, methods and the need of a key: IonQ's API document, version 0.4.
OPERATIONS = (
    Operation("GET", "/health", service.health, public=True),
    Operation("GET", "/whoami", service.whoami),
    Operation("GET", "/backends", backends.list_all, public=True),
    Operation("GET", "/backends/<backend>", backends.get, public=True),
    Operation("POST", "/jobs", jobs.create),
    Operation("GET", "/jobs", jobs.list_some),
    Operation("DELETE", "/jobs", jobs.delete_several),
    Operation("PUT", "/jobs/status/cancel", jobs.cancel_several),
    Operation("GET", "/jobs/<job_id>", jobs.get),
    Operation("DELETE", "/jobs/<job_id>", jobs.delete),
    Operation("GET", "/jobs/<job_id>/results/probabilities", jobs.probabilities),
    Operation("GET", "/jobs/<job_id>/results/probabilities/aggregated", jobs.aggregated),
    Operation("GET", "/jobs/<job_id>/artifacts/<artifact_id>", jobs.artifact),
    Operation("PUT", "/jobs/<job_id>/status/cancel", jobs.cancel),
    Operation("GET", "/schemas/formats/<format>", formats.get),
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
