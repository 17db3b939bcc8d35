"""The backends of the cloud: facts in tables, each with its source."""

from __future__ import annotations

import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Performance(NamedTuple):
    """The fidelities and times of a QPU.

    Attributes:
        one_qubit: Fidelity of its gates on one qubit.
        two_qubits: Fidelity of its gates on two qubits.
        spam: Fidelity of preparing and measuring a qubit.
        one_qubit_s, two_qubits_s, readout_s, reset_s: How long each takes, in seconds.
        t1_s, t2_s: Relaxation and dephasing times, in seconds.
    """

    one_qubit: float
    two_qubits: float
    spam: float
    one_qubit_s: float
    two_qubits_s: float
    readout_s: float
    reset_s: float
    t1_s: float
    t2_s: float


class Price(NamedTuple):
    """The price of a job, in US dollars: the gates of all its shots, but not less than a minimum.

    Attributes:
        one_qubit: Per gate on one qubit and shot.
        two_qubits: Per gate on two qubits and shot.
        minimum: The least a job costs.
        minimum_mitigated: The least a job with error mitigation costs.
    """

    one_qubit: float
    two_qubits: float
    minimum: float
    minimum_mitigated: float

    def of(self, one_qubit: float, two_qubits: float, shots: int, *, mitigated: bool) -> float:
        """Return the price of so many gates, `shots` times, rounded to cents."""
        gates = (one_qubit * self.one_qubit + two_qubits * self.two_qubits) * shots
        return round(max(gates, self.minimum_mitigated if mitigated else self.minimum), 2)


class Pace(NamedTuple):
    """How much longer than predicted the jobs of a QPU take.

    Attributes:
        per_gate_ms: For each gate of the circuit, once.
        per_shot_ms: For each shot.
        factor: How many times as long as predicted the rest takes.
        after_ms: From the end of the run to the completion of the job.
    """

    per_gate_ms: float = 0.0
    per_shot_ms: float = 0.0
    factor: float = 1.0
    after_ms: float = 0.0


class AsRun(NamedTuple):
    """How many times as often as its characterization says a gate of a QPU errs in a circuit.

    Attributes:
        one_qubit: On one qubit.
        two_qubits: On two: it stands for idling and crosstalk as well, which no recorded job tells
            apart.
        basis: The observations that the numbers were fitted to.
    """

    one_qubit: float
    two_qubits: float
    basis: str


#: On one qubit: r1q of the noise model forte-1 as served in 2026 over that of the guide. On two: 18
#: jobs of 8 qubits, 128 gates on one and 32 on two kept 0.34 +- 0.04 of the signal. Two jobs of
#: July 2026 that were not fitted, of 10 and 20 qubits, lie on either side of it
#: (unitaryfoundation/metriq-data).
_FORTE_AS_RUN = AsRun(0.5, 7.3, "18 jobs of one size on qpu.forte-1, August 2026")

#: Phase estimation on 5 qubits was right in 0.8792 of 2,500 shots on Aria-1, without mitigation.
_ARIA_AS_RUN = AsRun(1.0, 1.4, "one job of 5 qubits on qpu.aria-1, in 2023 or later")

#: Jobs of 160 gates on Forte-1 took 6.67 s with 100 shots and 11.79 s with 200, in August 2026.
_FORTE_PACE = Pace(5.5, 3.4)

#: A job of 131 native gates and 100 shots took 6.692 s, and 3.197 s were predicted. From its start
#: to its completion it was 9.426 s.
_ENTERPRISE_PACE = Pace(factor=2.0, after_ms=2734)

#: The power of a QPU in kilowatts: that job came to 0.00857 kWh.
POWER_KW = 4.61


class Device(NamedTuple):
    """One backend.

    Attributes:
        name: IonQ's name of it.
        status: `available`, `unavailable` or `retired`.
        qubits: How many qubits it has.
        native_gates: Its native gates.
        error_mitigations: The error mitigation it offers.
        noise_models: The noise models it offers; only the simulator has any.
        max_shots: The most shots of a job.
        connectivity: The pairs of qubits that a gate can act on; None: all of them.
        performance: How good it is; None for the simulator.
        price: Its price; None if it is free, or the price is not known.
        location: Its place.
        last_day: The last day it was characterized, as an ISO date; None: it still is.
        is_qpu: Whether it is a QPU, not the simulator.
        entangler: Its native gate on two qubits.
        pace: How long its jobs were seen to take; None: as long as predicted.
        mid_circuit: Whether a circuit may measure or reset qubits midway.
        described: Whether a user described it: its numbers are exact, not an observation.
        as_run: How much more often than characterized its gates err; None: no more often.
    """

    name: str
    status: str
    qubits: int
    native_gates: tuple[str, ...]
    error_mitigations: tuple[str, ...] = ()
    noise_models: tuple[str, ...] = ()
    max_shots: int = 1_000_000
    connectivity: tuple[tuple[int, int], ...] | None = None
    performance: Performance | None = None
    price: Price | None = None
    location: str | None = None
    last_day: str | None = None
    is_qpu: bool = False
    entangler: str = "zz"
    pace: Pace | None = None
    mid_circuit: bool = True
    described: bool = False
    as_run: AsRun | None = None

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs of qubits that a gate can act on, written out."""
        return self.connectivity or tuple(itertools.combinations(range(self.qubits), 2))


_MS, _ZZ = ("gpi", "gpi2", "ms"), ("gpi", "gpi2", "zz")

#: Times: as a user's reader of the live characterizations of 2026 has them for Forte. Fidelities:
#: those that give IonQ's noise model forte-1 its rates, as process fidelities. SPAM: example of
#: the API document's schema Characterization.
_FORTE = Performance(0.9998, 0.99536, 0.9962, 1.3e-4, 9.7e-4, 1.5e-4, 5e-5, 100, 1)

#: Fidelities and T1, T2: Microsoft's page on the provider IonQ (September 2025), T1 the lower end
#: of its range. Times of gates: IonQ's docs. Readout and reset are not published: those of Forte.
_ARIA = Performance(0.9995, 0.996, 0.9961, 1.35e-4, 6e-4, 1.5e-4, 5e-5, 10, 1)

#: A characterization of August 2024, recorded by a user of the API.
_HARMONY = Performance(0.9973, 0.9002, 0.993, 1e-5, 2e-4, 1.3e-4, 2e-5, 10_000, 0.2)

#: Fitted to what four dry runs of one circuit on Forte cost in August 2026, to the cent.
_FORTE_PRICE = Price(0.000164, 0.001121, 25.79, 168.20)

#: Microsoft's price list of December 2024.
_ARIA_PRICE = Price(0.000220, 0.000975, 12.4166, 97.50)

#: As qiskit-ionq advertises for QPUs. IonQ does not publish a limit.
_QPU_SHOTS = 10_000


def parcels(count: int, size: int) -> tuple[tuple[int, int], ...]:
    """Return the pairs of a chain of parcels: all pairs in each, and one to the next."""
    inside = [
        (parcel * size + a, parcel * size + b)
        for parcel in range(count)
        for a, b in itertools.combinations(range(size), 2)
    ]
    between = [((parcel + 1) * size - 1, (parcel + 1) * size) for parcel in range(count - 1)]
    return tuple(sorted(inside + between))


def _qpu(  # noqa: PLR0917 - a row of the table
    name: str,
    status: str,
    qubits: int,
    gates: tuple[str, ...],
    performance: Performance,
    price: Price | None,
    **more: object,
) -> Device:
    return Device(
        name,
        status,
        qubits,
        gates,
        ("debiasing",),
        (),
        _QPU_SHOTS,
        performance=performance,
        price=price,
        is_qpu=True,
        entangler=gates[-1],
        **more,  # type: ignore[arg-type]
    )


_MARYLAND = "College Park, MD, USA"

#: Statuses and widths: listings of GET /backends recorded by users in July and August 2026; width
#: of the simulator: https://docs.ionq.com/guides/simulation-with-noise-models. Native gates by
#: family and the simulator's noise models: the fixtures of IonQ's own qiskit-ionq. Location:
#: example of the API document. Of Tempo, only its name, a width of 100 in a catalogue for tests,
#: and that it has several parcels are known: the parcels, its performance (Forte's) and its
#: status are made up. Prices of Forte Enterprise and Tempo: those of Forte.
DEVICES: Mapping[str, Device] = MappingProxyType(
    {
        device.name: device
        for device in (
            Device(
                "simulator",
                "available",
                29,
                _ZZ,
                noise_models=("aria-1", "forte-1", "forte-enterprise-1", "ideal"),
            ),
            _qpu(
                *("qpu.forte-1", "available", 36, _ZZ, _FORTE, _FORTE_PRICE),
                location=_MARYLAND,
                pace=_FORTE_PACE,
                as_run=_FORTE_AS_RUN,
            ),
            _qpu(
                *("qpu.forte-enterprise-1", "available", 36, _ZZ, _FORTE, _FORTE_PRICE),
                pace=_ENTERPRISE_PACE,
                as_run=_FORTE_AS_RUN,
            ),
            _qpu(
                *("qpu.forte-enterprise-2", "unavailable", 36, _ZZ, _FORTE, _FORTE_PRICE),
                as_run=_FORTE_AS_RUN,
            ),
            _qpu(
                *("qpu.forte-enterprise-3", "unavailable", 36, _ZZ, _FORTE, _FORTE_PRICE),
                as_run=_FORTE_AS_RUN,
            ),
            _qpu(
                *("qpu.tempo-1", "unavailable", 100, _ZZ, _FORTE, _FORTE_PRICE),
                connectivity=parcels(4, 25),
                as_run=_FORTE_AS_RUN,
            ),
            _qpu(
                *("qpu.aria-1", "retired", 25, _MS, _ARIA, _ARIA_PRICE),
                as_run=_ARIA_AS_RUN,
                location=_MARYLAND,
            ),
            _qpu("qpu.aria-2", "retired", 25, _MS, _ARIA, _ARIA_PRICE, as_run=_ARIA_AS_RUN),
            _qpu("qpu.harmony", "retired", 11, _MS, _HARMONY, None, last_day="2024-08-31"),
        )
    }
)

#: The gates of the `qis` gateset that IonQ lists for its backends: the example of the API
#: document's schema Backend.
SUPPORTED_GATES = (
    *("x", "y", "z", "h", "s", "si", "t", "ti", "v", "vi"),
    *("rx", "ry", "rz", "cnot", "swap", "xx", "yy", "zz", "not"),
)

#: How long a job takes beside its shots, in milliseconds: a job of one gate and one shot on Forte
#: was seen to take 669.
OVERHEAD_MS = 669


def predicted_ms(device: Device, one_qubit: float, two_qubits: float, shots: int) -> int:
    """Return how long a job is predicted to take on a device, in milliseconds; 0 on the simulator.

    A record of August 2026 has 3197 for 120 and 11 gates and 100 shots; this function returns 3316.
    """
    speed = device.performance
    if speed is None:
        return 0
    gates_s = one_qubit * speed.one_qubit_s + two_qubits * speed.two_qubits_s
    return OVERHEAD_MS + round(1000 * shots * (gates_s + speed.readout_s + speed.reset_s))


def execution_ms(device: Device, one_qubit: float, two_qubits: float, shots: int) -> int:
    """Return how long a job takes on a device, in milliseconds; 0 on the simulator."""
    pace = device.pace or Pace()
    more = (one_qubit + two_qubits) * pace.per_gate_ms + shots * pace.per_shot_ms
    return round(predicted_ms(device, one_qubit, two_qubits, shots) * pace.factor + more)
