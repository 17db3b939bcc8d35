"""One request as it came: what it asks for, and whose it is."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from ionq_toolkit_fake.api.routes import route
from ionq_toolkit_fake.api.wire import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ionq_toolkit_fake.accounts import Accounts, ApiKey
    from ionq_toolkit_fake.api.routes import Operation


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
