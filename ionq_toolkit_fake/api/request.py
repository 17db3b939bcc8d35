"""One request: read, routed, authenticated and decoded."""

from __future__ import annotations

import hashlib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from ionq_toolkit_fake.api.operations import OPERATIONS, OPERATIONS_V03
from ionq_toolkit_fake.api.responses import bad_request, not_found
from ionq_toolkit_fake.models.accounts import digest_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from ionq_toolkit_fake.api.operations import Operation
    from ionq_toolkit_fake.api.responses import Refusal
    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.models.accounts import Accounts, ApiKey
    from ionq_toolkit_fake.models.facility import Facility
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.models.project import Project

_URLS = Map(
    [Rule(one.url, methods=[one.method], endpoint=one) for one in (*OPERATIONS, *OPERATIONS_V03)],
    strict_slashes=False,
    merge_slashes=False,
).bind("")

_T = TypeVar("_T")

_TYPE_NAMES = {"int": "integer", "str": "string", "float": "number", "bool": "boolean"}

#: A shorter text is not a key, and may be part of any word.
_SHORTEST_KEY = 8

#: A longer text is not a key. To look for it in a path takes time in proportion to its length.
_LONGEST_KEY = 256

#: The longest path that is kept, with its query. Of a longer one, a digest stands for the rest.
_LONGEST_PATH = 500


class Request(NamedTuple):
    """One request, and the parts of the cloud that its handler works on.

    Attributes:
        method: Its HTTP method, in upper case.
        path: Its path and query, without the API key; empty if the URL cannot be read.
        operation: Its operation; None: the API has no such path and method.
        arguments: The variable parts of the path.
        query: The values of each parameter of the query, in their order.
        body: The bytes of the body; empty if it has no body.
        digest: The digest of the API key that was sent; None: no key was sent.
        key: The key; None: no key was sent, or the cloud does not take it.
        facility: The QPUs of the cloud.
        deviations: The deviations from IonQ's document that the cloud follows.
        clock: The cloud's clock.
        projects: All projects of the cloud.
        project_of_key: The project of the key, if it has a key.
    """

    method: str
    path: str
    operation: Operation | None
    arguments: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes
    digest: bytes | None
    key: ApiKey | None
    facility: Facility
    deviations: Collection[str]
    clock: Clock
    projects: Collection[Project] = ()
    project_of_key: Project | None = None

    @classmethod
    def read(
        cls,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        accounts: Accounts,
        facility: Facility,
        deviations: Collection[str],
        clock: Clock,
    ) -> Self:
        """Return a request as it is read, without projects.

        The key of a request that is not of the API is not looked up.
        """
        path, bare, query, method = "", "", "", method.upper()
        secret = secret_of(headers)
        try:
            _, _, bare, query, _ = urlsplit(url)
            path = _shortened(without_secret(f"{bare}?{query}" if query else bare, secret))
        except ValueError:
            pass
        operation, arguments = route(method, bare) or (None, MappingProxyType({}))
        digest = None if secret is None else digest_of(secret)
        return cls(
            method,
            path,
            operation,
            arguments,
            parse_qs(query, keep_blank_values=True),
            body or b"",
            digest,
            None if digest is None or operation is None else accounts.find(digest),
            facility,
            deviations,
            clock,
        )

    @property
    def owner(self) -> ApiKey:
        """The key of an operation that needs one."""
        assert self.key is not None, "the cloud checks the key first"  # noqa: S101
        return self.key

    @property
    def project(self) -> Project:
        """The project of an operation that needs a key."""
        assert self.project_of_key is not None, "the cloud checks the key first"  # noqa: S101
        return self.project_of_key

    def found(self, job: Job | None) -> Job:
        """Return a job of the project, or refuse with the number and age of those that it has."""
        if job is None:
            kept, since = len(self.project.jobs), self.facility.started_at
            raise not_found(
                " This is ionq_toolkit_fake, not IonQ: of the jobs that this key's project was "
                f"sent since {since:%Y-%m-%d %H:%M} UTC, by its own clock, it keeps {kept}, and "
                "none from another key, cloud or process, or from before a reset."
            )
        return job


class LoggedRequest(NamedTuple):
    """One request that a cloud received, as it is logged: without its body and its key.

    Attributes:
        at: When it came, by the cloud's clock.
        method: Its HTTP method.
        path: Its path and query.
        operation: The name of its operation; None: the API has no such operation.
        key_id: The id of the API key, as ``GET /whoami`` returns it; None: the cloud takes no such
            key.
        request_id: The cloud's id of it.
        status: The HTTP status that the client got; None: it got no response.
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


def route(method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
    """Return the operation of a request and the variable parts of its path, or None."""
    if not path.startswith("/") or "%2f" in path.lower():
        return None  # an escaped slash is part of a name, and the API has no such name
    try:
        operation, arguments = _URLS.match(unquote(path), method=method)
    except HTTPException:
        return None
    return operation, arguments


def takes_body(method: str, url: str, headers: Mapping[str, str], accounts: Accounts) -> bool:
    """Return whether an operation reads the body of a request, which has a key that is taken."""
    try:
        found = route(method.upper(), urlsplit(url).path)
    except ValueError:
        return False
    secret = secret_of(headers)
    return (
        found is not None
        and found[0].method != "GET"
        and secret is not None
        and accounts.takes(digest_of(secret))
    )


def decode(body: bytes | msgspec.Raw, model: type[_T], prefix: str) -> _T:
    """Return a body, or the part of it at `prefix`, as a model."""
    try:
        return msgspec.json.decode(body, type=model)
    except msgspec.ValidationError as error:
        raise _explained(str(error), prefix) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request("Invalid request payload JSON format") from error


def _explained(message: str, prefix: str) -> Refusal:
    """Return msgspec's message in the wording that IonQ was seen to use."""
    where = re.search(r" - at `\$(.*?)`$", message)
    path = re.sub(r"\[(\d+)\]", r".\1", where[1] if where else "").replace("[...]", "")
    path = (prefix + path).strip(".")
    if missing := re.match(r"Object missing required field `(\w+)`", message):
        key = f"{path}.{missing[1]}".strip(".")
        return bad_request(f"{key} is required", key)
    if wrong := re.match(r"Expected `(\w+)", message):
        kind = _TYPE_NAMES.get(wrong[1], wrong[1])
        return bad_request(f"{path or 'value'} must be of type {kind}", path or "value")
    return bad_request(f"{path}: {message.split(' - at ', maxsplit=1)[0]}", path)


def without_secret(path: str, secret: str | None) -> str:
    """Return a path without the API key that a client may have put there."""
    if secret is None or len(secret) < _SHORTEST_KEY:
        return path
    if secret not in path and "%" not in path and "+" not in path:
        return path  # as nearly always: the pattern takes longer to compile than a request
    return re.sub("".join(map(_spellings, secret)), "[API key]", path)


def _spellings(character: str) -> str:
    """Return a pattern for a character as it may be written in a URL."""
    escaped = "".join(f"%{byte:02x}" for byte in character.encode(errors="surrogatepass"))
    plus = r"|\+" if character == " " else ""
    return f"(?:(?i:{escaped})|{re.escape(character)}{plus})"


def secret_of(headers: Mapping[str, str]) -> str | None:
    """Return the key of a header ``Authorization: apiKey ...``, or None."""
    for name, value in headers.items():
        if name.lower() == "authorization":
            scheme, _, secret = str(value).partition(" ")
            secret = secret.strip()
            is_key = scheme.lower() == "apikey" and 0 < len(secret) <= _LONGEST_KEY
            return secret if is_key else None
    return None


def _shortened(path: str) -> str:
    if len(path) <= _LONGEST_PATH:
        return path
    digest = hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{path[:_LONGEST_PATH]}... ({len(path)} characters, {digest})"
