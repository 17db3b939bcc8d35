"""Responses, and refusals in IonQ's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Response(NamedTuple):
    """The response to a request.

    Attributes:
        status: HTTP status code.
        headers: Header names and values.
        body: The bytes of the body.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    def without_body(self) -> Response:
        """Return the response to HEAD: the headers of GET, and no body."""
        length = {"content-length": str(len(self.body))}
        return self._replace(headers={**self.headers, **length}, body=b"")


class Text(str):
    """The body of a response that is plain text."""

    __slots__ = ()


class Headed(NamedTuple):
    """The content of a response, and headers of its own.

    Attributes:
        content: The content: JSON.
        headers: Header names and values.
    """

    content: object
    headers: Mapping[str, str]


#: The headers of every response with a body.
JSON = {"content-type": "application/json; charset=utf-8"}


def json_response(body: object, status: int = 200) -> Response:
    """Return `body` as JSON."""
    return Response(status, {**JSON}, msgspec.json.encode(body))


class Refusal(Exception):  # noqa: N818 - not an error of the fake
    """The cloud refuses a request; it becomes IonQ's error body.

    The words and shapes are those of the API document's schemas Error and BadRequestError and
    their examples, and of messages that users recorded.
    """

    def __init__(
        self,
        status: int,
        error: str,
        message: str,
        *,
        keys: Sequence[str] | None = None,
        source: str = "payload",
    ) -> None:
        super().__init__(message)
        self.status, self.error, self.message = status, error, message
        self.keys, self.source = keys, source

    def response(self) -> Response:
        """Return the refusal as IonQ writes it."""
        body: dict[str, object] = {
            "statusCode": self.status,
            "error": self.error,
            "message": self.message,
        }
        if self.keys is not None:
            body["validation"] = {"source": self.source, "keys": list(self.keys)}
        return json_response(body, self.status)


def bad_request(message: str, *keys: str) -> Refusal:
    """Refuse a body; `keys` are the paths of what is wrong in it."""
    return Refusal(400, "Bad Request", message, keys=keys or None)


def not_one_of(allowed: Iterable[str], key: str) -> Refusal:
    """Return the refusal of a value that is not among the allowed ones."""
    return bad_request(f"{key} must be one of [{', '.join(allowed)}]", key)


def bad_query(message: str, key: str) -> Refusal:
    """Refuse a parameter of the query."""
    return Refusal(400, "Bad Request", message, keys=[key], source="query")


def unauthorized() -> Refusal:
    """Refuse a request without a usable key."""
    return Refusal(
        401,
        "Unauthorized Error",
        "Invalid key provided. See https://docs.ionq.com/#authentication for details, or email "
        "support@ionq.co for help.",
    )


def forbidden(message: str) -> Refusal:
    """Refuse an operation that the key may not use, as a client showed it in IonQ's workshop."""
    return Refusal(403, "Forbidden", message)


def gone(message: str) -> Refusal:
    """Refuse an operation that the API has no longer."""
    return Refusal(410, "Gone", message)


def not_found(hint: str = "") -> Refusal:
    """Refuse an unknown path or id; `hint` follows IonQ's words."""
    return Refusal(
        404,
        "Not Found Error",
        "Resource not found. See https://docs.ionq.com/ for details, or email support@ionq.co "
        f"for help.{hint}",
    )


def too_large() -> Refusal:
    """Refuse a body over the limit."""
    return Refusal(
        413, "Request Entity Too Large", "Payload content length greater than maximum allowed: 10MB"
    )


def internal_error() -> Refusal:
    """Answer for a defect of the fake itself."""
    return Refusal(
        500,
        "Internal Server Error",
        "ionq_toolkit_fake failed on this request. This is a defect of the fake, not of the "
        "client; the log 'ionq_toolkit_fake' has the traceback.",
    )
