"""The backends of one cloud: statuses, queues, characterizations."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ionq_toolkit_fake.facts.deviations import DEVIATIONS
from ionq_toolkit_fake.facts.devices import DEVICES
from ionq_toolkit_fake.simulation.noise import as_run, of_fidelities
from ionq_toolkit_fake.validation import unknown, wrong

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ionq_toolkit_fake.clock import Clock
    from ionq_toolkit_fake.facts.devices import Device
    from ionq_toolkit_fake.models.job import Job
    from ionq_toolkit_fake.simulation.program import Noise


#: The statuses of a backend: schema Backend of the API document.
STATUSES = ("available", "unavailable", "retired")

#: How many days before the cloud began its QPUs were first characterized.
HISTORY_DAYS = 30

#: How many records miss a median, and how far the others lie around the device's own infidelity.
_MISSING, _SPREAD = 0.1, 0.1

#: How many characterizations are remembered.
_MOST_CHARACTERIZATIONS = 1024

#: The bit of a characterization's id above which its day is.
_DAY_AT = 96


class Characterization(NamedTuple):
    """The measured fidelities of a QPU on one day.

    Attributes:
        id: Its id.
        day: The day, whose medians these are.
        device: The device.
        one_qubit: Median fidelity of gates on one qubit; None if it was not measured.
        two_qubits: Median fidelity of gates on two qubits; None if it was not measured.
        spam: Median fidelity of preparation and measurement.
    """

    id: str
    day: date
    device: Device
    one_qubit: float | None
    two_qubits: float | None
    spam: float


class Facility:
    """The backends of a cloud.

    Attributes:
        devices: Each by its name, with its status in this cloud.
        started_at: When the cloud began.
        deviations: The `DEVIATIONS` that the cloud follows.
        session_capacity: How many sessions a QPU has room for at a time; None: any number.
    """

    _queues: dict[str, dict[str, Job]]

    def __init__(
        self,
        seed: int,
        clock: Clock,
        statuses: Mapping[str, str] | None = None,
        fidelities: Mapping[str, Mapping[str, float]] | None = None,
        *,
        deviations: Collection[str] = frozenset(DEVIATIONS),
        session_capacity: int | None = None,
        started_at: datetime | None = None,
        devices: Mapping[str, Device] | None = None,
    ) -> None:
        """Set up the backends of the catalogue.

        Args:
            seed: Seeds their characterizations.
            clock: The time.
            statuses: Statuses that differ from the catalogue's, by the names of their devices.
            fidelities: Medians that differ from the catalogue's, by `1q`, `2q` and `spam`, by the
                names of their devices.
            deviations: The `DEVIATIONS` that the cloud follows.
            session_capacity: How many sessions a QPU has room for at a time; None: any number.
            started_at: When the cloud began; None: now.
            devices: QPUs beside the catalogue's, by their names.

        Raises:
            ValueError: A device, status or fidelity is unknown, or the capacity is negative.
        """
        if session_capacity is not None and session_capacity < 0:
            raise wrong("session_capacity", "a number from 0 on, or nothing", session_capacity)
        self._seed = seed
        self._clock = clock
        self.started_at = started_at or clock.now()
        self._first_day = self.started_at.date() - timedelta(days=HISTORY_DAYS)
        self._queues = {}
        self.deviations = frozenset(deviations)
        self.session_capacity = session_capacity
        described = dict(devices or {})
        self._exact = frozenset(described)
        self._characterizations: dict[tuple[str, int], Characterization] = {}
        self.devices: Mapping[str, Device] = {**DEVICES, **described}
        self.change(statuses or {}, fidelities or {})
        self._initial = (self.devices, self._exact)

    def change(
        self, statuses: Mapping[str, str], fidelities: Mapping[str, Mapping[str, float]]
    ) -> None:
        """Change statuses and fidelities of backends, or nothing if one of them is unknown."""
        devices = dict(self.devices)
        for name, status in statuses.items():
            if name not in devices:
                raise unknown("backend", name, devices)
            if status not in STATUSES:
                raise unknown("status of a backend", status, STATUSES)
            devices[name] = devices[name]._replace(status=status)
        for name, medians in fidelities.items():
            device = devices.get(name)
            if device is None or device.performance is None:
                machines = [name for name, device in devices.items() if device.is_qpu]
                raise unknown("machine", name, machines)
            changed = device.performance._replace(**_medians(medians))
            devices[name] = device._replace(performance=changed)
        self.devices, self._exact = devices, self._exact | set(fidelities)

    def days(self, name: str) -> range:
        """Return the days on which a QPU was characterized, as ordinals; of another name, none."""
        device, today = self.devices.get(name), self._clock.now().date()
        if device is None or not device.is_qpu:
            return range(0)
        last = today if device.last_day is None else min(today, date.fromisoformat(device.last_day))
        count = (today - self._first_day).days + 1
        return range(max(1, last.toordinal() - count + 1), last.toordinal() + 1)

    def characterization(self, name: str, day: int) -> Characterization:
        """Return the characterization of a QPU on one of its `days`, which is made once."""
        device = self.devices[name]
        found = self._characterizations.get((name, day))
        if found is None or found.device is not device:
            found = self._measured(device, date.fromordinal(day))
            if len(self._characterizations) >= _MOST_CHARACTERIZATIONS:
                self._characterizations.clear()
            self._characterizations[name, day] = found
        return found

    def newest(self, name: str) -> Characterization:
        """Return the newest characterization of a QPU."""
        return self.characterization(name, self.days(name)[-1])

    def characterization_of(self, name: str, wanted: str) -> Characterization | None:
        """Return the characterization of an id, or None."""
        try:
            value = uuid.UUID(wanted).int
        except ValueError:
            return None
        day = (value >> _DAY_AT) ^ self._mask(name)
        if day not in self.days(name):
            return None
        found = self.characterization(name, day)
        return found if found.id == wanted else None

    def enqueue(self, job: Job) -> None:
        """Put a job into the queue of its device, where it is until it is final."""
        self._queues.setdefault(job.submission.device.name, {})[job.id] = job

    def dequeue(self, job: Job) -> None:
        """Take a job that is final from the queue of its device, if it is there."""
        self._queues.get(job.submission.device.name, {}).pop(job.id, None)

    def queue_ms(
        self,
        name: str,
        before: Job | None = None,
        *,
        without: Job | None = None,
        session_id: str | None = None,
    ) -> int:
        """Return how long it takes until the jobs in the queue of a device have run, in ms.

        Those that time moves on end when they will; of others, it is how long they take to run.

        Args:
            name: The device.
            before: Only those ahead of this one, or of its parent; None: all.
            without: One that does not count.
            session_id: The session whose queue it is: the jobs of each have one of their own.
        """
        wanted = before.submission.session_id if before is not None else session_id
        queue: Iterable[Job] = (
            job
            for job in self._queues.get(name, {}).values()
            if job.submission.session_id == wanted
        )
        if before is not None:  # one of its own kind has the same submission: a parent, a child
            own = before.submission
            queue = itertools.takewhile(lambda job: job.submission is not own, queue)
        now, found = self._clock.now(), 0
        for job in queue:
            if job is without:
                continue
            ends = job.ends_at
            if ends is None:
                found += job.execution_ms
            else:
                found = max(found, round(1000 * (ends - now).total_seconds()))
        return found

    def reset(self) -> None:
        """Empty the queues, and undo changes of backends."""
        self._queues.clear()
        self.devices, self._exact = self._initial

    def noise(self, device: Device, on: date | None = None) -> Noise:
        """Return the noise of a device on a day, by default on the newest it was characterized.

        It is made to lose signal as jobs on the device were seen to. A device whose fidelities
        were given has their noise alone.
        """
        nominal = device.performance
        assert nominal is not None, "only a QPU is noisy by itself"  # noqa: S101
        days = self.days(device.name)
        day = days[-1] if on is None else max(days[0], min(days[-1], on.toordinal()))
        now = self.characterization(device.name, day)
        noise = of_fidelities(
            now.one_qubit or nominal.one_qubit, now.two_qubits or nominal.two_qubits, now.spam
        )
        factors = device.as_run
        exact = device.name in self._exact or "qpu-loses-signal" not in self.deviations
        if factors is None or exact:
            return noise
        return as_run(noise, factors.one_qubit, factors.two_qubits)

    def _measured(self, device: Device, day: date) -> Characterization:
        nominal = device.performance
        assert nominal is not None, "only a QPU is characterized"  # noqa: S101
        name = f"{self._seed}/{device.name}/{day.isoformat()}"
        if device.described:
            return Characterization(self._id(device.name, day, name), day, device, *nominal[:3])
        generator = np.random.default_rng(list(name.encode()))
        around = 1 - _SPREAD + 2 * _SPREAD * generator.random(3)
        one_qubit, two_qubits, spam = (
            round(float(1 - (1 - fidelity) * factor), 6)
            for fidelity, factor in zip(
                (nominal.one_qubit, nominal.two_qubits, nominal.spam), around, strict=True
            )
        )
        missing = generator.random(2) < _MISSING
        return Characterization(
            id=self._id(device.name, day, name),
            day=day,
            device=device,
            one_qubit=None if missing[0] else one_qubit,
            two_qubits=None if missing[1] else two_qubits,
            spam=spam,
        )

    def _id(self, device: str, day: date, name: str) -> str:
        """Return the id of a characterization, from which its day can be had again."""
        value = uuid.uuid5(uuid.NAMESPACE_URL, name).int & (1 << _DAY_AT) - 1
        return str(uuid.UUID(int=(day.toordinal() ^ self._mask(device)) << _DAY_AT | value))

    def _mask(self, device: str) -> int:
        """Return what makes the first part of an id differ between QPUs and clouds."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{self._seed}/{device}").int >> _DAY_AT


#: IonQ's names of the fidelities that are measured, and ours.
_FIDELITIES = {"1q": "one_qubit", "2q": "two_qubits", "spam": "spam"}


def _medians(given: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise wrong("the fidelities of a machine", f"a table of {', '.join(_FIDELITIES)}", given)
    found = {}
    for name, value in given.items():
        if name not in _FIDELITIES:
            raise unknown("fidelity", name, _FIDELITIES)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.25 <= value <= 1:  # noqa: PLR2004
            raise wrong(f"the fidelity {name}", "a number from 0.25 to 1", value)
        found[_FIDELITIES[name]] = float(value)
    return found


def midnight(day: date) -> datetime:
    """Return the first moment of a day in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
