"""API keys in the environment: a fake one is in the place of each while a scope is active."""

from __future__ import annotations

import importlib
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.intercept.patching import Patch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The key that tests see. Every cloud that was not given keys takes it.
FAKE_KEY = "fake-key-of-mock-ionq"

#: The variables with the key: of this client, ionq-core and qBraid, then those that qiskit-ionq
#: (`helpers.resolve_credentials`), cirq-ionq (`Service`) and pennylane-ionq (`APIClient`) read too.
KEYS = (
    "IONQ_API_KEY",
    "IONQ_API_TOKEN",
    "QISKIT_IONQ_API_TOKEN",
    "CIRQ_IONQ_API_KEY",
    "PENNYLANE_IONQ_API_KEY",
    "IONQ_TOKEN",
)

#: The variables that lead these clients to another host, which is not intercepted.
URLS = ("IONQ_API_URL", "QISKIT_IONQ_API_URL", "IONQ_REMOTE_HOST", "CIRQ_IONQ_REMOTE_HOST")

#: What stands for a key in an option that was not given.
DEFAULT = "\0"


def key_of(key: str | None, keys: Mapping[str, object] | None) -> str | None:
    """Return the key to hold: the given one, or by default one that the cloud takes.

    Raises:
        ValueError: The key is no text that an environment variable can have, or is empty.
    """
    if key == DEFAULT:
        return next(iter(keys or ()), FAKE_KEY)
    if key is not None and (not isinstance(key, str) or not key.strip() or "\0" in key):
        raise ValueError("key must be a text that is not empty, or None for the key that is there")
    os.fsencode(key or "")  # an error now leaves nothing half done
    return key


class HeldKeys:
    """The fake keys in the environment of this process, and the real values behind them."""

    def __init__(self) -> None:
        self._held: tuple[tuple[object, str], ...] = ()
        self._before: dict[str, str | None] = {}
        self._ours: set[str] = set()

    def hold(self, owner: object, key: str) -> None:
        """Let all variables have a key, until `owner` releases them; the last owner decides."""
        if not self._held:
            self.tidy()
            self._before = {name: os.environ.get(name) for name in (*KEYS, *URLS)}
            self._ours.clear()
        self._held = (*self._held, (owner, key))
        self._ours.add(key)
        self._apply()

    def release(self, owner: object) -> None:
        """Give up what `owner` holds; after the last owner, the real values are there again."""
        held = tuple(pair for pair in self._held if pair[0] is not owner)
        if len(held) == len(self._held):
            return
        self._held = held
        if held:
            self._apply()
        else:
            for name in (*KEYS, *URLS):
                _set(name, self._before[name])

    def tidy(self) -> None:
        """Remove a fake key that came back when a test undid, too late, a setting of its own."""
        if not self._held:
            for name in self._before.keys() & set(KEYS):
                if os.environ.get(name) in self._ours:
                    _set(name, self._before[name])

    def _apply(self) -> None:
        for name in KEYS:
            os.environ[name] = self._held[-1][1]
        for name in URLS:
            os.environ.pop(name, None)

    def masked(self, values: Mapping[str, str | None]) -> dict[str, str | None]:
        """Return the settings of a file, with the fake key in the place of each."""
        if not self._held:
            return dict(values)
        return {
            name: self._held[-1][1] if name in KEYS else value
            for name, value in values.items()
            if name not in URLS
        }

    def patches(self) -> list[Patch]:
        """Return the patch of python-dotenv: qiskit-ionq reads the key of a file `.env` first."""
        if find_spec("dotenv") is None:
            return []

        def masking(read: Callable[..., Any]) -> Callable[..., Any]:
            return lambda file: self.masked(read(file))

        return [Patch(importlib.import_module("dotenv.main").DotEnv, "dict", masking)]


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


held_keys = HeldKeys()
