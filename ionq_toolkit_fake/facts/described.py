"""QPUs that a user describes in a file: machines that do not exist yet, as rows of the table."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ionq_toolkit_fake.facts.devices import DEVICES, Device, Performance, Price, parcels
from ionq_toolkit_fake.validation import number, unknown, whole, wrong

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection

_T = TypeVar("_T")

#: The widest: a characterization lists each pair of qubits.
MOST_QUBITS = 256

#: The keys of one QPU, and those of its tables: IonQ's own names of fidelities and times. Times
#: that are not given are those of Forte.
_KEYS = (
    *("qubits", "connectivity", "parcels", "native_gates", "mid_circuit", "max_shots", "status"),
    *("location", "fidelity", "timing", "price"),
)
_FIDELITY = ("1q", "2q", "spam")
_FORTE = DEVICES["qpu.forte-1"]
_TIMES = {
    "1q": "one_qubit_s",
    "2q": "two_qubits_s",
    "readout": "readout_s",
    "reset": "reset_s",
    "t1": "t1_s",
    "t2": "t2_s",
}
_PRICE = ("1q", "2q", "minimum", "minimum_mitigated")
_LAYOUTS = ("all", "line", "ring", "parcels")

#: The QPU of the catalogue that a file may replace: almost everything about it is made up.
_MADE_UP = "qpu.tempo-1"


class DeviceFileError(ValueError):
    """A description of QPUs is not valid.

    Attributes:
        key: The key at fault, such as ``qpu.next-1.fidelity.2q``; "" if the file is no TOML.
        line: Its line in the file; None if there is no file, or the line is not found.
    """

    def __init__(self, message: str, key: str = "", line: int | None = None) -> None:
        super().__init__(message)
        self.key, self.line = key, line


def load_devices(source: str | os.PathLike[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Return a description of QPUs as plain data, checked: the file's tables.

    Args:
        source: A TOML file, or its tables.

    Raises:
        DeviceFileError: It cannot be read, or a value is not valid. The message names the line,
            the key, the allowed values and the closest one.
    """
    if isinstance(source, Mapping):
        described_devices(source)
        return dict(source)
    try:
        text = Path(source).read_text("utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise DeviceFileError(f"{source} cannot be read: {error.strerror}") from error
    except ValueError as error:  # no TOML, or not UTF-8
        raise DeviceFileError(f"{source} is no TOML: {error}") from error
    try:
        described_devices(table)
    except DeviceFileError as error:
        line = _line_of(text, error.key)
        where = f"{source}" if line is None else f"{source}, line {line}"
        raise DeviceFileError(f"{where}: {error}", error.key, line) from None
    return table


def described_devices(table: Mapping[str, Any]) -> dict[str, Device]:
    """Return the QPUs of the tables of a file, by IonQ's way to name them.

    Raises:
        DeviceFileError: A value is not valid.
    """
    machines = _Table("", table, ("qpu",)).table("qpu")
    found = {}
    for short in machines.values:
        name = f"qpu.{short}"
        if not re.fullmatch("[a-z][a-z0-9-]{0,62}", short):
            raise DeviceFileError(f"{name} must be qpu. and a-z, 0-9 and -, from a letter on", name)
        if name in DEVICES and name != _MADE_UP:
            raise DeviceFileError(
                f"{name} is a QPU of IonQ's: give yours another name, or change its fidelities "
                "with FakeIonQ(fidelities=...)",
                name,
            )
        found[name] = _device(name, machines.table(short, _KEYS))
    return found


class _Table:
    """A table of the file, which names its keys in errors."""

    def __init__(self, path: str, values: Mapping[str, Any], allowed: Collection[str] = ()) -> None:
        self.path, self.values = path, values
        for key in values if allowed else ():
            if key not in allowed:
                raise self.error(unknown(f"key of {path or 'the file'}", key, allowed), key)

    def error(self, reason: object, key: str = "") -> DeviceFileError:
        """Return the error of one of its keys, or of the table."""
        path = ".".join(filter(None, (self.path, key)))
        return DeviceFileError(f"{path}: {reason}", path)

    def read(self, key: str, reader: Callable[[Any], _T], default: object = None) -> _T:
        """Return a value as a reader returns it; without a default it must be there."""
        if key not in self.values and default is None:
            raise self.error(f"{key} is missing")
        try:
            return reader(self.values.get(key, default))
        except ValueError as error:
            raise self.error(error, key) from None

    def table(self, key: str, allowed: Collection[str] = ()) -> _Table:
        """Return a table in it, whose keys must be allowed."""
        found = self.values.get(key)
        path = ".".join(filter(None, (self.path, key)))
        if not isinstance(found, Mapping):
            needs = f", with {', '.join(allowed)}" if allowed else f", such as [{path}.next-1]"
            given = "it is missing" if found is None else f"it must be a table, is {found!r:.100}"
            raise self.error(f"{given}: write [{path}]{needs}", key)
        return _Table(path, found, allowed)

    def number(self, key: str, default: float | None, least: float, most: float) -> float:
        """Return a number within its bounds."""
        return self.read(
            key, lambda given: float(number(key, given, least=least, most=most)), default
        )

    def whole(self, key: str, default: int | None, most: int) -> int:
        """Return a whole number from 1 on."""
        return self.read(key, lambda given: whole(key, given, 1, most), default)

    def choice(self, key: str, default: str, allowed: Collection[str]) -> str:
        """Return one of some words."""
        given = self.values.get(key, default)
        if not isinstance(given, str) or given not in allowed:
            raise self.error(unknown(key, given, allowed), key)
        return given


def _device(name: str, table: _Table) -> Device:
    given = table.values
    for key, kind, expected in (("mid_circuit", bool, "true or false"), ("location", str, "text")):
        if key in given and not isinstance(given[key], kind):
            raise table.error(wrong(key, expected, given[key]), key)
    qubits = table.whole("qubits", None, MOST_QUBITS)
    fidelity = table.table("fidelity", _FIDELITY)
    timing = table.table("timing", _TIMES) if "timing" in given else _Table("", {})
    assert _FORTE.performance is not None, "Forte is a QPU"  # noqa: S101
    times = {
        field: timing.number(key, getattr(_FORTE.performance, field), 0, 1e6)
        for key, field in _TIMES.items()
    }
    gates = _native_gates(table)
    medians = [fidelity.number(key, None, 0.25, 1) for key in _FIDELITY]
    return Device(
        name,
        table.choice("status", "available", ("available", "unavailable", "retired")),
        qubits,
        gates,
        _FORTE.error_mitigations,
        max_shots=table.whole("max_shots", _FORTE.max_shots, 1_000_000),
        connectivity=_connectivity(table, qubits),
        performance=Performance(*medians, **times),
        price=_price(table.table("price", _PRICE)) if "price" in given else None,
        location=given.get("location"),
        is_qpu=True,
        entangler=next(gate for gate in gates if gate in {"ms", "zz"}),
        mid_circuit=given.get("mid_circuit", False),
        described=True,
    )


def _native_gates(table: _Table) -> tuple[str, ...]:
    gates = table.values.get("native_gates", _FORTE.native_gates)
    known = ("gpi", "gpi2", "ms", "zz")
    for gate in gates if isinstance(gates, list | tuple) else ():
        if gate not in known:
            raise table.error(unknown("native gate", gate, known), "native_gates")
    wanted = ({"gpi", "gpi2", "ms"}, {"gpi", "gpi2", "zz"})
    if not isinstance(gates, list | tuple) or len(gates) != 3 or set(gates) not in wanted:  # noqa: PLR2004
        error = wrong("native_gates", "a list of gpi, gpi2 and one of ms and zz", gates)
        raise table.error(error, "native_gates")
    return tuple(gates)


def _price(price: _Table) -> Price:
    minimum = price.number("minimum", 0, 0, 1e9)
    one, two = (price.number(key, None, 0, 1e6) for key in ("1q", "2q"))
    return Price(one, two, minimum, price.number("minimum_mitigated", minimum, 0, 1e9))


def _connectivity(table: _Table, qubits: int) -> tuple[tuple[int, int], ...] | None:
    """Return the pairs of qubits that a gate acts on; None: all."""
    given = table.values.get("connectivity", "all")
    if not isinstance(given, list | tuple):
        layout = table.choice("connectivity", "all", _LAYOUTS)
        if layout == "all":
            return None
        line = [(a, a + 1) for a in range(qubits - 1)]
        if layout == "parcels":
            count = table.whole("parcels", None, qubits)
            if qubits % count:
                error = wrong("parcels", f"a divisor of the {qubits} qubits", count)
                raise table.error(error, "parcels")
            return parcels(count, qubits // count)
        return tuple(line if layout == "line" or qubits < 3 else [(0, qubits - 1), *line])  # noqa: PLR2004
    pairs = set()
    for pair in given:
        if not _is_pair(pair, qubits):
            expected = f"pairs of two qubits from 0 to {qubits - 1}, such as [0, 1]"
            raise table.error(wrong("connectivity", expected, pair), "connectivity")
        pairs.add((min(pair), max(pair)))
    reached, ahead = {0}, [0]
    while ahead:
        qubit = ahead.pop()
        near = {b if a == qubit else a for a, b in pairs if qubit in (a, b)} - reached
        reached |= near
        ahead.extend(near)
    if len(reached) < qubits:
        alone = min(set(range(qubits)) - reached)
        expected = f"pairs that connect all qubits (none leads from 0 to {alone})"
        raise table.error(wrong("connectivity", expected, given), "connectivity")
    return tuple(sorted(pairs))


def _is_pair(pair: object, qubits: int) -> bool:
    if not isinstance(pair, list | tuple):
        return False
    numbers = [q for q in pair if isinstance(q, int) and not isinstance(q, bool)]
    return len(pair) == len(set(numbers)) == 2 and all(0 <= q < qubits for q in numbers)  # noqa: PLR2004


#: A bare or a quoted part of a key, and a line that begins a table or sets a key.
_PART = re.compile(r'"([^"]*)"|\'([^\']*)\'|([\w-]+)')
_LINE = re.compile(r"""^\s*(?:\[+(?P<table>[^\]]+)\]|(?P<key>[\w."' -]+?)\s*=)""")


def _line_of(text: str, key: str) -> int | None:
    """Return the line of a key in a TOML text, or that of the innermost table that is there."""
    wanted, table, best, line = key.split("."), list[str](), 0, None
    for place, content in enumerate(text.splitlines(), 1):
        found = _LINE.match(content)
        if found is None:
            continue
        parts = ["".join(part) for part in _PART.findall(found["table"] or found["key"])]
        if found["table"]:
            table = parts
        path = parts if found["table"] else [*table, *parts]
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(path, wanted)))  # noqa: B905
        if shared > best:
            best, line = shared, place
    return line
