"""Removal of keys, people, projects and organizations from requests and responses."""

from __future__ import annotations

import functools
import html
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from ionq_toolkit.transport.base import SHORTEST_KEY, in_base64
from ionq_toolkit.transport.recording.exchange import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


#: The shortest e-mail address, and the shortest text that may hold another identity.
_SHORTEST_ADDRESS, _SHORTEST_TEXT = 6, 8

SECRET = "secret"  # noqa: S105 - the word itself

#: Fields that hold a secret, or the id or name of a person, project, organization or key, by
#: their names without case and punctuation. Schemas BaseJob, Session, Whoami, Usages,
#: GetJobEstimateContext and QctrlQaoaJobCreationPayload (`api_credentials`) of the API document;
#: the names of people are in no schema.
_FIELDS: Mapping[str, str] = {
    name: kind
    for kind, names in {
        SECRET: "accesstoken apicredentials apikey authorization clientsecret password "
        "refreshtoken secret token",
        "user": "creatorid enderid ownerid submitterid user userid displayname firstname fullname "
        "lastname username",
        "project": "project projectid projectname",
        "organization": "externalorganization organization organizationid organizationname",
        "key": "keyid keyname",
    }.items()
    for name in names.split()
}
_SECRET_FIELDS = {name: kind for name, kind in _FIELDS.items() if kind == SECRET}

#: Schema GroupUsage: `group_type` says what the groups are. Those of type "job" are jobs.
_GROUP_FIELDS = ("groupid", "groupname")
_GROUP_TYPES = frozenset({"project", "user"})

#: The metadata of a job is its owner's: any field may be called "project".
_OWNERS_OWN = "metadata"

#: Forms that only ids have: UUIDs, and the hexadecimal ids of users.
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,64}"
_UUID_DASHES = 4
_FLAGS = re.ASCII | re.IGNORECASE
_LOOKS_LIKE_AN_ID = re.compile(_ID, _FLAGS)

#: Placeholders, see `_placeholder`. No hexadecimal id of IonQ's begins with so many zeros.
_PLACEHOLDER = re.compile(
    r"person-\d+@example\.com|(?:key|organization|project|user)-\d+|"
    r"00000000-0000-4000-8000-0000[0-9a-f]{8}|0{12}[0-9a-f]{4,52}",
    re.ASCII,
)

#: Matches begin only where a name begins, so that a long text without an address is fast.
_ADDRESS = re.compile(r"(?<![a-z0-9._+-])[a-z0-9._+-]+(?:@|%40)(?:[a-z0-9-]+\.)+[a-z]{2,}", _FLAGS)

#: Addresses in the service's messages.
_PUBLIC_ADDRESSES = frozenset({"support@ionq.co"})

_IN_PATH = re.compile(r"(?<=/)(organization|project|user|key)s/(?!me\b)([^/?#\s\"'\\<>]+)", _FLAGS)

#: Messages such as "project 1333d459-... is archived".
_IN_PROSE = re.compile(
    rf"(?<![a-z])(organi[sz]ation|project|user|submitter|creator|key)"
    rf"([_\W]{{0,3}}(?:id)?[_\W]{{0,3}})(?<![0-9a-z])({_ID})(?![0-9a-z])",
    _FLAGS,
)

#: A field of JSON that does not parse, such as the first half of a response.
_IN_JSON = re.compile(r'"([A-Za-z_-]{2,40})"(\s*:\s*")((?:[^"\\]|\\.)+)')


class Scrubber:
    """Finds keys and identities, and replaces them.

    It finds, in texts and data of any shape: learned keys, in any encoding; values of the fields
    that hold identities, and from then on the same ids anywhere; e-mail addresses; and ids after
    a word such as "project".
    """

    def __init__(self, replace: Callable[[str, str], str]) -> None:
        """Replace each value found by `replace(kind, value)`."""
        self._replace = replace
        self._values: dict[str, tuple[str, str]] = {}
        self._patterns: dict[str, str] = {}
        self._known: re.Pattern[str] | None = None

    def learn_key(self, headers: Mapping[str, str]) -> None:
        """Learn the key in the headers of a request, to find it wherever it is echoed."""
        for name, value in headers.items():
            if name.lower() in {"authorization", "proxy-authorization"}:
                self._learn_secret((value.strip().partition(" ")[2] or value).strip())

    def text(self, text: str) -> str:
        """Return a text without keys and identities."""
        if len(text) < _SHORTEST_ADDRESS or (len(text) < _SHORTEST_TEXT and "@" not in text):
            return text
        text = self._without_known(text)
        text = _IN_JSON.sub(self._field_in_text, text)
        text = _ADDRESS.sub(self._address, text)
        text = _IN_PATH.sub(lambda m: f"{m[1]}s/{self._identity(m[1].lower(), m[2])}", text)
        return _IN_PROSE.sub(self._in_prose, text)

    def data(self, value: Any) -> Any:  # noqa: ANN401 - any JSON, text or bytes
        """Return JSON or a text without keys and identities, or bytes without keys."""
        return self._data(value, None, _FIELDS)

    def request(self, request: Request) -> Request:
        """Return a request without keys and identities."""
        return Request(
            request.method,
            self.text(request.path),
            tuple((self.text(k), self._data(v, _kind(k), _FIELDS)) for k, v in request.query),
            self.data(request.body),
        )

    def _data(self, value: Any, kind: str | None, fields: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, str):
            return self.text(value) if kind is None else self._identity(kind, value)
        if isinstance(value, bytes):
            return self._without_known(value.decode("latin-1"), SECRET).encode("latin-1")
        if isinstance(value, list):
            return [self._data(one, kind, fields) for one in value]
        if not isinstance(value, dict):
            return value
        group_type = value.get("group_type")
        if isinstance(group_type, str) and group_type in _GROUP_TYPES:
            fields = {**fields, **dict.fromkeys(_GROUP_FIELDS, group_type)}
        return {
            self.text(name): self._data(
                one,
                _kind(name, fields, kind),
                _SECRET_FIELDS if name == _OWNERS_OWN else fields,
            )
            for name, one in value.items()
        }

    def _identity(self, kind: str, value: str) -> str:
        if not value:
            return value
        if kind != SECRET and _ADDRESS.fullmatch(value):
            return self._replace("person", value.lower())
        if kind != SECRET and _LOOKS_LIKE_AN_ID.fullmatch(value):
            # Not in the middle of a longer one.
            self._learn(value, rf"(?<![0-9a-z]){re.escape(value)}(?![0-9a-z])", kind, value)
        return self._replace(kind, value)

    def _learn_secret(self, secret: str) -> None:
        if len(secret) >= SHORTEST_KEY:
            for form in _forms(secret):
                self._learn(form, re.escape(form), SECRET, secret)

    def _learn(self, form: str, pattern: str, kind: str, value: str) -> None:
        if form.lower() not in self._values:
            self._values[form.lower()] = (kind, value)
            self._patterns[form.lower()] = pattern
            longest_first = sorted(self._patterns, key=len, reverse=True)
            self._known = re.compile("|".join(self._patterns[f] for f in longest_first), _FLAGS)

    def _without_known(self, text: str, only: str | None = None) -> str:
        def instead(match: re.Match[str]) -> str:
            kind, value = self._values[match[0].lower()]
            return match[0] if only not in {None, kind} else self._replace(kind, value)

        return text if self._known is None else self._known.sub(instead, text)

    def _field_in_text(self, match: re.Match[str]) -> str:
        kind = _kind(match[1])
        if kind is None:
            return match[0]
        return f'"{match[1]}"{match[2]}{self._identity(kind, match[3])}'

    def _address(self, match: re.Match[str]) -> str:
        address = match[0].replace("%40", "@").lower()
        return match[0] if address in _PUBLIC_ADDRESSES else self._replace("person", address)

    def _in_prose(self, match: re.Match[str]) -> str:
        kind = _kind(f"{match[1]}_id") or "user"
        return match[1] + match[2] + self._identity(kind, match[3])


class Placeholders:
    """Placeholders for the values found: equal for equal values, and of the same form.

    Relations between values stay, and so do the forms that a client checks: a UUID stands for a
    UUID.
    """

    def __init__(self) -> None:
        self._issued: dict[str, str] = {}

    def __call__(self, kind: str, value: str) -> str:
        """Return the placeholder of a value."""
        if value in self._issued.values():
            return value
        key = value.lower() if _LOOKS_LIKE_AN_ID.fullmatch(value) else value
        if key not in self._issued:
            self._issued[key] = _placeholder(kind, value, len(self._issued) + 1)
        return self._issued[key]


def is_placeholder(value: str) -> bool:
    """Return whether a value has the form of a placeholder."""
    return _PLACEHOLDER.fullmatch(value) is not None


def _placeholder(kind: str, value: str, number: int) -> str:
    if kind == "person":
        return f"person-{number}@example.com"
    if kind == SECRET or not _LOOKS_LIKE_AN_ID.fullmatch(value):
        return f"{kind}-{number}"
    if value.count("-") == _UUID_DASHES:
        return f"00000000-0000-4000-8000-{number:012x}"
    return f"{number:0{len(value)}x}"


def _kind(name: str, fields: Mapping[str, str] = _FIELDS, owner: str | None = None) -> str | None:
    """Return the kind of identity that a field holds, or None.

    `owner` is the kind of the enclosing object: ``{"user": {"id": ..., "name": ...}}``.
    """
    if not name[:1].isalpha():  # fast for the many outcomes of a histogram
        return None
    plain = _plain(name)
    return fields.get(plain) or (owner if plain in {"id", "name"} else None)


@functools.lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower()).replace("organisation", "organization")


def _forms(secret: str) -> set[str]:
    """Return the encodings of a secret, none of which may be in a recording."""
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        secret.encode().hex(),
        *in_base64(secret.encode()),
    }
