"""A scenario: everything that a cloud is to be like, as one value, one file or one line of text."""

from __future__ import annotations

import base64
import binascii
import json
import tomllib
import zlib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake import faults as fault_rules
from ionq_toolkit_fake.cloud import FakeIonQ
from ionq_toolkit_fake.facts.deviations import DEVIATIONS
from ionq_toolkit_fake.models.accounts import Access, stored
from ionq_toolkit_fake.transitions.rules import TransitionRule
from ionq_toolkit_fake.validation import unknown, wrong

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from ionq_toolkit_fake.clock import Clock

#: What a token begins with: the version of its form.
TOKEN = "ionq-scenario-1."  # noqa: S105 - no secret

#: The longest scenario that a token may hold, in bytes.
_LONGEST = 1_000_000


@dataclass(frozen=True)
class Scenario:
    """What a cloud is to be like. It can be a TOML file with the same names.

    ::

        cloud = Scenario.of("rate-limited").cloud(seed=7)
        cloud = Scenario.of("tests/worst_day.toml").cloud()

    Attributes:
        description: What it is like, in a line.
        seed: What seeds it; None: it is drawn.
        clock: `"instant"`, `"virtual"` or `"real"`.
        polls_per_status: As of `FakeIonQ`.
        keys: The API keys that are taken, each with the name of its project or a table of what
            `Access` has; None: every key.
        statuses: Statuses of backends that differ from the catalogue's.
        fidelities: Median fidelities of machines that differ from the catalogue's, by ``1q``,
            ``2q`` and ``spam``.
        deviations: In what the cloud does as the service rather than as its document; None: in
            all of `DEVIATIONS`.
        transitions: When jobs go on, and what becomes of them: tables as
            `TransitionRule.from_dict` reads.
        faults: What goes wrong: tables as `faults.from_dict` reads.
    """

    description: str = ""
    seed: int | None = None
    clock: str = "instant"
    polls_per_status: int = 0
    keys: Mapping[str, str | Mapping[str, Any]] | None = None
    statuses: Mapping[str, str] = field(default_factory=dict)
    fidelities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    deviations: Sequence[str] | None = None
    transitions: Sequence[Mapping[str, Any]] = ()
    faults: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        """Refuse what no cloud can be like.

        Raises:
            ValueError: It is so; the message says what there is instead.
        """
        self._check_types()
        keys = None if self.keys is None else {stored(k): v for k, v in self.keys.items()}
        faults = [fault_rules.to_dict(fault_rules.from_dict(table)) for table in self.faults]
        object.__setattr__(self, "keys", keys)  # a key is a secret: only its digest is kept
        object.__setattr__(self, "faults", faults)
        self.cloud()

    def _check_types(self) -> None:
        tables = {"keys": self.keys or {}, "statuses": self.statuses, "fidelities": self.fidelities}
        for name, table in tables.items():
            if not isinstance(table, Mapping):
                raise wrong(name, "a table", table)
        lists = {
            "transitions": self.transitions,
            "faults": self.faults,
            "deviations": self.deviations or (),
        }
        for name, values in lists.items():
            if not isinstance(values, list | tuple):
                raise wrong(name, "a list", values)
        for name, value in (("seed", self.seed or 0), ("polls_per_status", self.polls_per_status)):
            if not isinstance(value, int) or isinstance(value, bool):
                raise wrong(name, "a whole number", value)
        if not isinstance(self.description, str) or not isinstance(self.clock, str):
            raise wrong("description and clock", "texts", (self.description, self.clock))

    def cloud(
        self,
        seed: int | None = None,
        *,
        clock: Clock | str | None = None,
        executor: Executor | None = None,
    ) -> FakeIonQ:
        """Return a new cloud that is so, also after each of its resets.

        Args:
            seed: What seeds it instead of the scenario's own seed.
            clock: Its time instead of the scenario's.
            executor: What simulates; see `FakeIonQ`.
        """
        return FakeIonQ(
            self.seed if seed is None else seed,
            clock=self.clock if clock is None else clock,
            executor=executor,
            polls_per_status=self.polls_per_status,
            keys=None if self.keys is None else {k: _access(v) for k, v in self.keys.items()},
            statuses=self.statuses,
            fidelities=self.fidelities,
            deviations=DEVIATIONS if self.deviations is None else self.deviations,
            prepare=self._prepare,
        )

    def _prepare(self, cloud: FakeIonQ) -> None:
        for table in self.transitions:
            cloud.transitions.add(TransitionRule.from_dict(table))
        for table in self.faults:
            cloud.faults.arm(fault_rules.from_dict(table))

    @classmethod
    def of(cls, text: str) -> Scenario:
        """Return the scenario that is named so, or in that file, or in that token.

        Raises:
            ValueError: There is none, or something is wrong in it; the message says what.
        """
        if text.startswith(TOKEN):
            return cls.from_token(text)
        if text in names():
            source = resources.files(__package__).joinpath("scenarios", f"{text}.toml")
            return cls.from_toml(source.read_text("utf-8"))
        if not text.endswith(".toml"):
            raise unknown("scenario", text, (*names(), "FILE.toml"))
        try:
            return cls.from_toml(Path(text).read_text("utf-8"))
        except OSError as error:
            raise ValueError(f"the scenario {text} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise ValueError(f"{text}: {error}") from error

    @classmethod
    def from_toml(cls, text: str) -> Scenario:
        """Read a TOML document.

        Raises:
            ValueError: It is none, or something is wrong in it.
        """
        return cls.from_dict(tomllib.loads(text))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scenario:
        """Read plain data, as TOML and JSON have it.

        Raises:
            ValueError: Something is wrong in it.
        """
        known = [one.name for one in fields(cls)]
        for name in data:
            if name not in known:
                raise unknown("part of a scenario", name, known)
        return cls(**data)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, which `from_dict` reads: what is as in any other cloud is left out."""
        found = {}
        for one in fields(self):
            value, usual = getattr(self, one.name), {} if one.default is MISSING else one.default
            # None and what is empty are opposites, but a list and a tuple of nothing are alike.
            if value != usual and not (usual == () and not value):
                found[one.name] = value
        return found

    def token(self, seed: int | None = None) -> str:
        """Return all of it as one word, which `of` reads; with another seed, if one is given."""
        data = (self if seed is None else replace(self, seed=seed)).to_dict()
        packed = zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 9)
        return TOKEN + base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def from_token(cls, token: str) -> Scenario:
        """Read what `token` returns.

        Raises:
            ValueError: It is no such token, or of another version.
        """
        text = token.strip().removeprefix(TOKEN)
        try:
            unpack = zlib.decompressobj()
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
            data = json.loads(unpack.decompress(packed, _LONGEST))
        except (ValueError, binascii.Error, zlib.error, RecursionError) as error:
            raise ValueError("this is no token of a scenario, or not all of it") from error
        if not token.startswith(TOKEN) or not isinstance(data, dict):
            raise ValueError("this is no token of a scenario, or of another version")
        return cls.from_dict(data)


def names() -> list[str]:
    """Return the names of the ready-made scenarios."""
    files = resources.files(__package__).joinpath("scenarios").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def _access(given: str | Mapping[str, Any]) -> Access:
    if isinstance(given, str):
        return Access(given)
    if not isinstance(given, Mapping) or not isinstance(given.get("project"), str):
        raise wrong("a key", "the name of a project, or a table with one", given)
    for name in given:
        if name not in Access._fields:
            raise unknown("part of a key", name, Access._fields)
    return Access(**given)
