"""One request: read, routed, authenticated and logged."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import parse_qs, quote, urlsplit

from ionq_toolkit_fake.api.responses import Refusal
from ionq_toolkit_fake.api.routes import route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ionq_toolkit_fake.api.routes import Operation
    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.models.accounts import Accounts, ApiKey
    from ionq_toolkit_fake.models.project import Project


class Call(NamedTuple):
    """One request, as far as it could be read.

    Attributes:
        method: Its HTTP method, in upper case.
        path: Its path and query; empty: its URL is none.
        secret: Its API key as it was sent; None: there is none.
        key: The key; None: it is not taken.
        operation: What it asks for; None: there is no such thing.
        parameters: The variable parts of the path.
        query: The values of each parameter of the query.
        body: The bytes of the body.
    """

    method: str
    path: str
    secret: str | None
    key: ApiKey | None = None
    operation: Operation | None = None
    parameters: Mapping[str, str] = MappingProxyType({})
    query: Mapping[str, list[str]] = MappingProxyType({})
    body: bytes = b""

    @classmethod
    def read(
        cls,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        accounts: Accounts,
    ) -> Self:
        """Return a request as it is read; `accounts` say whose its key is."""
        method, secret = method.upper(), _secret(headers)
        try:
            parts = urlsplit(url)
        except ValueError:
            return cls(method, "", secret)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        try:
            operation, parameters = route(method, parts.path)
        except Refusal:
            return cls(method, path, secret)
        query = parse_qs(parts.query, keep_blank_values=True)
        key = None if secret is None else accounts.find(secret)
        return cls(method, path, secret, key, operation, parameters, query, body or b"")


def _secret(headers: Mapping[str, str]) -> str | None:
    """Return the key of a header ``Authorization: apiKey ...``, or None."""
    fields = {name.lower(): str(value) for name, value in headers.items()}
    scheme, _, secret = fields.get("authorization", "").partition(" ")
    return (secret.strip() or None) if scheme.lower() == "apikey" else None


class Request(NamedTuple):
    """One request, routed and authenticated.

    Attributes:
        cloud: Who it is sent to.
        parameters: The variable parts of the path.
        query: The values of each parameter of the query, in their order.
        body: The bytes of the body, empty if there is none.
        key: Whose it is; None only where an operation needs no key.
    """

    cloud: FakeIonQ
    parameters: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes
    key: ApiKey | None

    @property
    def owner(self) -> ApiKey:
        """The key of an operation that needs one."""
        assert self.key is not None, "the cloud lets no request without a key get here"  # noqa: S101
        return self.key

    @property
    def project(self) -> Project:
        """The project of the key."""
        return self.cloud.project_of(self.owner)


#: What is shorter than this is no key, and may be part of any word.
_SHORTEST_KEY = 8


class LoggedRequest(NamedTuple):
    """One request that a cloud got.

    Attributes:
        at: When it came, by the cloud's clock.
        method: Its HTTP method.
        path: Its path and query.
        operation: The name of its operation; None: it is none of the API.
        key_id: The id of the API key, as ``GET /whoami`` gives it; None: none that is taken.
        request_id: The cloud's id of it.
        status: The HTTP status of the answer; None: there was none.
        faults: The kinds of faults that happened to it.
    """

    at: datetime
    method: str
    path: str
    operation: str | None
    key_id: str | None
    request_id: str
    status: int | None
    faults: tuple[str, ...]


def without_secret(path: str, secret: str | None) -> str:
    """Return a path as it is logged: without the API key, should a client have put it there."""
    if secret is None or len(secret) < _SHORTEST_KEY:
        return path
    for form in (secret, quote(secret, safe=""), quote(secret)):
        path = path.replace(form, "[API key]")
    return path
