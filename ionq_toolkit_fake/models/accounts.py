"""API keys, their scopes, and the projects they belong to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection  # noqa: TC003 - msgspec reads the annotation
from typing import TYPE_CHECKING, NamedTuple

from ionq_toolkit_fake.validation import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ionq_toolkit_fake.models.identifiers import Identifiers


#: The scopes of keys, one for each kind of operation that needs a key. IonQ has scopes ("405:
#: Insufficient Scope", said a client in its workshop of 2025) and does not publish their names.
SCOPES = ("jobs:read", "jobs:write", "sessions:read", "sessions:write", "billing")

#: How many keys a cloud remembers that takes every key: each has a project.
MOST_KEYS = 10_000

#: How a key is written where it must not be shown: before its SHA-256 digest, in hexadecimal.
DIGEST = "sha256:"
_WRITTEN = re.compile(f"{DIGEST}([0-9a-f]{{64}})")

#: The id of the one organization that all projects belong to: of the form that users saw.
ORGANIZATION = "com.example"


class Access(NamedTuple):
    """The access of a key.

    ::

        reader = Access("lab", scopes=["jobs:read"])
        cloud = FakeIonQ(keys={"key-of-a-writer": "lab", "key-of-a-reader": reader})

    Attributes:
        project: The name of its project; keys of one project see the same jobs.
        scopes: Its scopes, of `SCOPES`; None: all.
        targets: The backends that it may submit jobs to; None: all.
        quota: The limit of the cost of all jobs of its project, in US dollars; None: no limit. The
            first key of a project sets it.
        versions: The versions of the API that it is good for, such as ``"v0.3"``; None: all. The
            live service has keys for v0.3 alone.
    """

    project: str
    scopes: Collection[str] | None = None
    targets: Collection[str] | None = None
    quota: float | None = None
    versions: Collection[str] | None = None


class ApiKey(NamedTuple):
    """An API key as the cloud knows it; the secret itself is not kept.

    Attributes:
        id: Its id.
        name: Its name.
        project_id: The project whose jobs it sees and makes.
        submitter_id: The user it belongs to.
        access: Its access.
    """

    id: str
    name: str
    project_id: str
    submitter_id: str
    access: Access


class Accounts:
    """The keys of the cloud, by a digest of each."""

    def __init__(self, identifiers: Identifiers, keys: Mapping[str, str | Access] | None) -> None:
        """Take `keys`, or every key.

        Args:
            identifiers: Makes the ids.
            keys: Each key, or ``sha256:`` and its digest, and its project's name, or all of its
                `Access`. None: every key is taken, may do everything, and has a project of its own.

        Raises:
            ValueError: A key is empty, or has an unknown scope.
        """
        #: The keys that were made since this was cleared, by their digests.
        self.made: dict[bytes, ApiKey] = {}
        #: All keys by their ids, those too that are not taken any more.
        self.known: dict[str, ApiKey] = {}
        self._identifiers = identifiers
        #: Whether every key is taken.
        self.takes_every_key = keys is None
        self._given: list[tuple[bytes, Access]] = []
        for secret, given in (keys or {}).items():
            access = Access(given) if isinstance(given, str) else given
            if not secret.strip():
                raise ValueError(f"the API key of project {access.project!r} is empty")
            for scope in access.scopes or ():
                if scope not in SCOPES:
                    raise unknown("scope", scope, SCOPES)
            self._given.append((_digest_of_given(secret.strip()), access))
        self.reset()

    def reset(self) -> None:
        """Know only the keys that were given."""
        self._keys: dict[bytes, ApiKey] = {}
        self.known.clear()
        self.made.clear()
        project_ids: dict[str, str] = {}
        for digest, access in self._given:
            project_id = project_ids.setdefault(access.project, self._identifiers.uuid4())
            self._add(digest, project_id, access)

    def __iter__(self) -> Iterator[tuple[bytes, ApiKey]]:
        """Go through the digests and the keys."""
        yield from self._keys.items()

    def restore(self, keys: Mapping[bytes, ApiKey]) -> None:
        """Know keys from an earlier time again; their access is that which is given now.

        Where keys are given, others are not taken any more: they only say whose the old jobs are.
        """
        given = dict(self._given)
        projects = {key.access.project: key.project_id for key in keys.values()}
        self.known.update((key.id, key) for key in keys.values())
        for digest, key in keys.items():
            if self.takes_every_key or digest in given:
                self._keep(digest, key._replace(access=given.get(digest, key.access)))
        for digest, access in self._given:
            if digest not in keys and access.project in projects:
                self._keep(digest, self._keys[digest]._replace(project_id=projects[access.project]))
                self.made[digest] = self._keys[digest]
            elif digest in keys:
                self.made.pop(digest, None)

    def find(self, digest: bytes) -> ApiKey | None:
        """Return the key of a digest, or None if the cloud does not take it."""
        known = self._keys.get(digest)
        if known is None and self.takes_every_key and len(self._keys) < MOST_KEYS:
            access = Access(f"project {len(self._keys) + 1}")
            return self._add(digest, self._identifiers.uuid4(), access)
        return known

    def takes(self, secret_digest: bytes) -> bool:
        """Return whether the key of a digest is taken, or would be when it is used."""
        return self.takes_every_key or secret_digest in self._keys

    def _add(self, digest: bytes, project_id: str, access: Access) -> ApiKey:
        key = ApiKey(
            id=self._identifiers.uuid4(),
            name=f"key {len(self._keys) + 1}",
            project_id=project_id,
            submitter_id=self._identifiers.hex24(),
            access=access,
        )
        self.made[digest] = key
        return self._keep(digest, key)

    def _keep(self, digest: bytes, key: ApiKey) -> ApiKey:
        self._keys[digest] = self.known[key.id] = key
        return key


def stored(secret: str) -> str:
    """Return a key as it may be written down: by its digest. That form is taken as the key is."""
    if not isinstance(secret, str) or not secret.strip():
        raise ValueError("an API key is a text that is not empty")
    return f"{DIGEST}{_digest_of_given(secret.strip()).hex()}"


def _digest_of_given(secret: str) -> bytes:
    if not secret.startswith(DIGEST):
        return digest_of(secret)
    found = _WRITTEN.fullmatch(secret)
    if found is None:
        raise ValueError(f"after {DIGEST!r} there must be 64 hexadecimal digits")
    return bytes.fromhex(found[1])


def digest_of(secret: str) -> bytes:
    """Return the digest of a key's secret, which is all that is kept."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
