"""How good a QPU was measured to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ionq_toolkit import reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: IonQ's names of what is measured of a device.
_FIDELITIES, _TIMES = ("spam", "1q", "2q"), ("readout", "reset", "1q", "2q", "t1", "t2")


@dataclass(frozen=True)
class Characterization:
    """A QPU as it was measured on one day.

    The live service sends null for a median that was not measured, and 0 for every standard
    error; old records have wrong medians, which are given here as they are.

    Attributes:
        id: IonQ's id of the record.
        backend: IonQ's name of the backend.
        date: The day, as the midnight it begins with in UTC.
        qubits: How many qubits there are.
        connectivity: The pairs of qubits that a gate can act on.
        fidelity: Medians of ``"spam"`` (preparing and measuring a qubit), ``"1q"`` and ``"2q"``
            (gates on one and on two), from 0 to 1; None for one that was not measured.
        timing: Seconds of ``"readout"``, ``"reset"``, ``"1q"``, ``"2q"``, ``"t1"``, ``"t2"``;
            None for one that is not told.
    """

    id: str | None
    backend: str | None
    date: datetime | None
    qubits: int | None
    connectivity: tuple[tuple[int, int], ...] = field(repr=False)
    fidelity: Mapping[str, float | None]
    timing: Mapping[str, float | None]

    @classmethod
    def from_reply(cls, body: Mapping[str, Any]) -> Characterization:
        """Read a record of GET /backends/{backend}/characterizations."""
        fidelity, timing = (reading.mapping(body.get(name)) for name in ("fidelity", "timing"))
        return cls(
            id=reading.text(body.get("id")),
            backend=reading.text(body.get("backend")),
            date=reading.moment(body.get("date")),
            qubits=reading.integer(body.get("qubits")),
            connectivity=tuple(_pairs(body.get("connectivity"))),
            fidelity={
                name: reading.number(reading.mapping(fidelity.get(name)).get("median"))
                for name in _FIDELITIES
            },
            timing={name: reading.number(timing.get(name)) for name in _TIMES},
        )

    @property
    def median_spam_fidelity(self) -> float | None:
        """The median fidelity of preparing and measuring a qubit."""
        return self.fidelity["spam"]

    @property
    def median_1q_fidelity(self) -> float | None:
        """The median fidelity of gates on one qubit."""
        return self.fidelity["1q"]

    @property
    def median_2q_fidelity(self) -> float | None:
        """The median fidelity of gates on two qubits."""
        return self.fidelity["2q"]


def _pairs(value: object) -> list[tuple[int, int]]:
    return [
        (pair[0], pair[1])
        for pair in reading.items(value)
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(q, int) for q in pair)  # noqa: PLR2004
    ]
