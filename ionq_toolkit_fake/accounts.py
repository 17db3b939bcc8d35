"""Who may use the cloud: API keys, and the projects they belong to."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ionq_toolkit_fake.identifiers import Identifiers


class ApiKey(NamedTuple):
    """An API key as the cloud knows it; the secret itself is not kept.

    Attributes:
        id: Its id.
        name: What its owner calls it.
        project_id: The project whose jobs it sees and makes.
        submitter_id: The user it belongs to.
    """

    id: str
    name: str
    project_id: str
    submitter_id: str


class Accounts:
    """The keys of the cloud, by a digest of each."""

    def __init__(self, identifiers: Identifiers, projects: Mapping[str, str] | None) -> None:
        """Take the keys of `projects`, or every key.

        Args:
            identifiers: What makes ids.
            projects: Each key and the name of its project; keys of one project see the same
                jobs. None: every key is taken, and has a project of its own.

        Raises:
            ValueError: A key is empty.
        """
        self._identifiers = identifiers
        self._open = projects is None
        self._keys: dict[bytes, ApiKey] = {}
        project_ids: dict[str, str] = {}
        for secret, project in (projects or {}).items():
            if not secret.strip():
                raise ValueError(f"the API key of project {project!r} is empty")
            project_id = project_ids.setdefault(project, identifiers.uuid4())
            self._add(secret.strip(), project_id)

    def find(self, secret: str) -> ApiKey | None:
        """Return the key, or None if it is not taken."""
        known = self._keys.get(_digest(secret))
        if known is None and self._open and secret:
            return self._add(secret, self._identifiers.uuid4())
        return known

    def _add(self, secret: str, project_id: str) -> ApiKey:
        key = ApiKey(
            id=self._identifiers.uuid4(),
            name=f"key {len(self._keys) + 1}",
            project_id=project_id,
            submitter_id=self._identifiers.hex24(),
        )
        self._keys[_digest(secret)] = key
        return key


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
