"""HTTP error statuses and the bodies that come with them."""

from __future__ import annotations

from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from ionq_toolkit_fake.api import responses
from ionq_toolkit_fake.api.responses import Refusal, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOCUMENT = "IonQ's API document"
_HTTP = "the phrase is HTTP's, in the shape of IonQ's errors; the message is the fake's own"
_CLOUDFLARE = "Cloudflare, which is in front of the service; the page is the fake's own"

_OUTAGE = "Internal service outage. Visit https://status.ionq.co/ to track this incident."


class Status(NamedTuple):
    """One HTTP status that a fault can answer with.

    Attributes:
        title: Its title in the body.
        message: The body's message; of a page of Cloudflare, its text.
        source: The source of both.
        page: Whether the body is a page of Cloudflare and not JSON of IonQ.
    """

    title: str
    message: str
    source: str
    page: bool = False


def _as_refused(refusal: Refusal, source: str = _DOCUMENT) -> Status:
    return Status(refusal.error, refusal.message, source)


def _page(title: str, message: str) -> Status:
    return Status(title, message, _CLOUDFLARE, page=True)


#: The statuses that are known to come. Refusals of the fake itself have the same words here.
STATUSES: Mapping[int, Status] = {
    400: _as_refused(responses.bad_request("The request was invalid.")),
    401: _as_refused(responses.unauthorized()),
    403: _as_refused(
        responses.forbidden("Insufficient Scope"), "a client in IonQ's workshop of 2025"
    ),
    404: _as_refused(responses.not_found()),
    405: Status("Method Not Allowed", "Insufficient Scope", "a client in IonQ's workshop of 2025"),
    408: Status("Request Timeout", "The request did not arrive in time.", _HTTP),
    409: Status("Conflict", "The request conflicts with the state of the resource.", _HTTP),
    410: _as_refused(responses.gone("The resource is no longer available."), _HTTP),
    413: _as_refused(responses.too_large()),
    422: Status("Unprocessable Entity", "The request cannot be processed.", _HTTP),
    425: Status("Too Early", "The request came too early.", _HTTP),
    429: Status(
        "Too Many Requests",
        "Rate limit exceeded. For a higher one, reach out to support@ionq.co.",
        f"{_DOCUMENT} says whom to ask; {_HTTP}",
    ),
    500: Status("Internal Server Error", _OUTAGE, _DOCUMENT),
    502: Status("Bad Gateway", "The gateway got no valid response from the service.", _HTTP),
    503: Status("Service Unavailable", _OUTAGE, f"{_DOCUMENT}, where it is that of 500"),
    504: Status("Gateway Timeout", "The gateway got no response from the service in time.", _HTTP),
    520: _page("Unknown error", "The service sent a reply that could not be understood."),
    521: _page("Web server is down", "The service refuses connections."),
    522: _page("Connection timed out", "No connection to the service came about in time."),
    523: _page("Origin is unreachable", "There is no way to the service."),
    524: _page("A timeout occurred", "The service took a request and did not answer in time."),
    525: _page("SSL handshake failed", "No secure connection to the service came about."),
    526: _page("Invalid SSL certificate", "The certificate of the service is not valid."),
    527: _page("Railgun error", "The connection to the service was interrupted."),
    528: _page("Unassigned error", "Something is wrong between here and the service."),
    529: _page("Site is overloaded", "The service has more requests than it can take."),
}


#: The statuses that `faults.http` can answer with.
FIRST, LAST = 400, 529

_FIRST_OF_SERVER = 500


def known(status: int) -> Status:
    """Return the title and message of a status from `FIRST` to `LAST`."""
    if status in STATUSES:
        return STATUSES[status]
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Client Error" if status < _FIRST_OF_SERVER else "Server Error"
    return Status(title, f"The answer is a status {status}.", _HTTP)


def answer(status: int, retry_after: str | None, request_id: str) -> Response:
    """Return the response with a status.

    Args:
        status: The status.
        retry_after: The value of a header ``Retry-After``, or None.
        request_id: The cloud's id of the request; in a page, its first half is the ray.
    """
    row = known(status)
    if row.page:
        ray = request_id.replace("-", "")[:16]
        response = page(status, f"api.ionq.co | {status}: {row.title}", row.message, f"Ray {ray}")
        response.headers.update({"server": "cloudflare", "cf-ray": f"{ray}-IAD"})
    else:
        response = Refusal(status, row.title, row.message).response()
        response.headers["x-request-id"] = request_id
    if retry_after is not None:
        response.headers["retry-after"] = retry_after
    return response


def page(status: int, title: str, *paragraphs: str) -> Response:
    """Return a page of HTML."""
    text = "\n".join(f"  <p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    body = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n'
        f'  <meta charset="utf-8">\n  <title>{escape(title)}</title>\n</head>\n<body>\n'
        f"  <h1>{escape(title)}</h1>\n{text}\n</body>\n</html>\n"
    )
    return Response(status, {"content-type": "text/html; charset=UTF-8"}, body.encode())
