"""Scenario: the settings of a cloud as one value, one file or one line of text."""

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
from ionq_toolkit_fake.cloud import AS_RUN, FakeIonQ
from ionq_toolkit_fake.facts.described import load_devices
from ionq_toolkit_fake.facts.deviations import DEVIATIONS
from ionq_toolkit_fake.models.accounts import Access, stored
from ionq_toolkit_fake.models.agenda import Retention
from ionq_toolkit_fake.transitions.rules import TransitionRule
from ionq_toolkit_fake.validation import unknown, wrong

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from ionq_toolkit_fake.clock import Clock

#: The prefix of a token: the version of its form.
TOKEN = "ionq-scenario-1."  # noqa: S105 - not a secret

#: The longest scenario that a token may hold, in bytes.
_LONGEST = 1_000_000

#: The types of the settings, as files have them.
_TYPES: tuple[tuple[tuple[str, ...], Any, str], ...] = (
    (("description", "clock", "characterization"), str, "a text"),
    (("seed", "session_capacity"), int | None, "a whole number"),
    (("statuses", "fidelities", "devices", "retention"), Mapping, "a table"),
    (("keys",), Mapping | None, "a table"),
    (("transitions", "faults"), list | tuple, "a list"),
    (("deviations",), list | tuple | None, "a list"),
)


@dataclass(frozen=True)
class Scenario:
    """The settings of a cloud, as a value or as a TOML file with the same names.

    ::

        cloud = Scenario.of("rate-limited").cloud(seed=7)
        cloud = Scenario(clock="virtual", session_capacity=1).cloud()

    Attributes:
        description: A line about it.
        seed: The seed; None: it is drawn.
        clock: `"instant"`, `"virtual"` or `"real"`.
        keys: The accepted API keys, each with the name of its project or a table with the fields of
            `Access`; None: every key.
        statuses: Statuses of backends that differ from the catalogue's.
        fidelities: Median fidelities of QPUs that differ from the catalogue's, by ``1q``,
            ``2q`` and ``spam``.
        devices: QPUs beside the catalogue's: the tables of a file of QPUs, or its path, which is
            read once; see `FakeIonQ`.
        deviations: The `DEVIATIONS` from IonQ's document that the cloud follows; None: all.
        characterization: `"as run"`: QPUs lose signal as jobs were seen to; `"nominal"`: they are
            as good as their characterization says.
        session_capacity: How many sessions a QPU has room for at a time; None: any number.
        transitions: When jobs go on, and how they end: tables as `GET /_fake/transitions` lists
            them.
        faults: The rules of faults: tables as `faults.from_dict` reads.
        retention: How many final jobs the cloud keeps, and how long, by the names of `Retention`.
    """

    description: str = ""
    seed: int | None = None
    clock: str = "instant"
    keys: Mapping[str, str | Mapping[str, Any]] | None = None
    statuses: Mapping[str, str] = field(default_factory=dict)
    fidelities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    devices: str | os.PathLike[str] | Mapping[str, Any] = field(default_factory=dict)
    deviations: Sequence[str] | None = None
    characterization: str = AS_RUN
    session_capacity: int | None = None
    transitions: Sequence[Mapping[str, Any]] = ()
    faults: Sequence[Mapping[str, Any]] = ()
    retention: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            ValueError: One of them is not valid; the message names the valid choices.
        """
        if self.devices and not isinstance(self.devices, Mapping):
            object.__setattr__(self, "devices", load_devices(self.devices))
        for settings, kinds, expected in _TYPES:
            for name in settings:
                value = getattr(self, name)
                if not isinstance(value, kinds) or isinstance(value, bool):
                    raise wrong(name, expected, value)
        keys = None if self.keys is None else {stored(k): v for k, v in self.keys.items()}
        faults = [fault_rules.to_dict(fault_rules.from_dict(table)) for table in self.faults]
        object.__setattr__(self, "keys", keys)  # a key is a secret: only its digest is kept
        object.__setattr__(self, "faults", faults)
        self.cloud()

    def cloud(
        self,
        seed: int | None = None,
        *,
        clock: Clock | str | None = None,
        executor: Executor | None = None,
        state: str | os.PathLike[str] | None = None,
        retention: Retention | None = None,
    ) -> FakeIonQ:
        """Return a new cloud with these settings, which each reset restores.

        ::

            Scenario(clock="virtual", statuses={"qpu.forte-1": "unavailable"}).cloud(seed=7)

        Args:
            seed: Replaces the scenario's seed.
            clock: Replaces the scenario's clock.
            executor: Runs the simulations; see `FakeIonQ`.
            state: A file that keeps everything; see `FakeIonQ`. If it has a state already, that
                goes before the scenario's transitions and faults.
            retention: Replaces the scenario's retention.
        """
        return FakeIonQ(
            self.seed if seed is None else seed,
            clock=self.clock if clock is None else clock,
            executor=executor,
            keys=None if self.keys is None else {k: _access(v) for k, v in self.keys.items()},
            statuses=self.statuses,
            fidelities=self.fidelities,
            devices=self.devices or None,
            deviations=DEVIATIONS if self.deviations is None else self.deviations,
            characterization=self.characterization,
            session_capacity=self.session_capacity,
            prepare=self._prepare,
            state=state,
            retention=Retention.of(self.retention) if retention is None else retention,
        )

    def apply(self, cloud: FakeIonQ) -> None:
        """Add the transitions and faults to a cloud that is running, and change its backends.

        Its seed, clock, keys and deviations stay: they are settings of a new cloud. A reset of the
        cloud undoes it. If a fault never fires because of an earlier one, nothing changes::

            Scenario.of("rate-limited").apply(cloud)

        Raises:
            ValueError: An earlier rule happens to every request that a new one could happen to.
        """
        with cloud.lock:
            added = []
            try:
                for table in self.faults:
                    rule = cloud.faults.arm(fault_rules.from_dict(table))
                    added.append(rule)
            except ValueError:
                for armed in added:
                    cloud.faults.remove(armed)
                raise
            for table in self.transitions:
                cloud.transitions.add(TransitionRule.from_dict(table))
            cloud.change_backends(self.statuses, self.fidelities)

    def _prepare(self, cloud: FakeIonQ) -> None:
        for table in self.transitions:
            cloud.transitions.add(TransitionRule.from_dict(table))
        for table in self.faults:
            cloud.faults.arm(fault_rules.from_dict(table))

    @classmethod
    def of(cls, text: str) -> Scenario:
        """Return the scenario of a name, a file or a token.

        ::

            Scenario.of("busy-queue").description  # -> '...'

        Raises:
            ValueError: There is no such scenario, or it is not valid.
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

        ::

            Scenario.from_toml('clock = "virtual"').clock  # -> 'virtual'

        Raises:
            ValueError: The text is not TOML, or not a valid scenario.
        """
        return cls.from_dict(tomllib.loads(text))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scenario:
        """Read plain data, as TOML and JSON have it.

        ::

            Scenario.from_dict({"faults": [{"fault": "http", "status": 503, "times": 2}]})

        Raises:
            ValueError: It is not a valid scenario.
        """
        known = [one.name for one in fields(cls)]
        for name in data:
            if name not in known:
                raise unknown("part of a scenario", name, known)
        return cls(**data)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, which `from_dict` reads, without settings that have their default."""
        found = {}
        for one in fields(self):
            value, usual = getattr(self, one.name), {} if one.default is MISSING else one.default
            # None and an empty table differ; an empty list and an empty tuple do not.
            if value != usual and not (usual == () and not value):
                found[one.name] = value
        return found

    def token(self, seed: int | None = None) -> str:
        """Return the scenario as one word, which `of` reads, with `seed` if it is given.

        ::

            token = Scenario.of("busy-queue").token()
            Scenario.from_token(token) == Scenario.of("busy-queue")  # -> True
        """
        data = (self if seed is None else replace(self, seed=seed)).to_dict()
        packed = zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 9)
        return TOKEN + base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def from_token(cls, token: str) -> Scenario:
        """Read what `token` returns.

        Raises:
            ValueError: It is not a token of this version.
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
