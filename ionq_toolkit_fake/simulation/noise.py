"""Noise models, as rates: a depolarising channel after each gate, and wrong readings at the end."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ionq_toolkit_fake.simulation.program import Noise

if TYPE_CHECKING:
    from collections.abc import Mapping


class Rates(NamedTuple):
    """The rates of a noise model from one day on.

    Attributes:
        since: The month they were first seen, as ``2026-08``.
        noise: The rates.
        source: Who published or measured them.
    """

    since: str
    noise: Noise
    source: str


class NoiseModel(NamedTuple):
    """A noise model of the simulator.

    Attributes:
        rates: Its rates, the oldest first.
        qubits: How many qubits a circuit may have under it.
        entangler: The native gate on two qubits that it models.
        published: Whether IonQ publishes the rates; if not, they are an estimate.
    """

    rates: tuple[Rates, ...]
    qubits: int
    entangler: str
    published: bool = True

    @property
    def noise(self) -> Noise:
        """The rates as they are served now."""
        return self.rates[-1].noise

    @property
    def documented(self) -> Noise:
        """The rates of IonQ's guide, where it has some."""
        return self.rates[0].noise


_GUIDE = "https://docs.ionq.com/guides/simulation-with-noise-models"

#: Neither readout errors nor loss are part of the models. Of Harmony, IonQ says that formula and
#: parameters are others and publishes none.
_HARMONY = NoiseModel(
    (
        Rates(
            "2024-06",
            Noise(0.0036, 0.120),
            "on two qubits: 10,000 shots of a Bell pair in IonQ's workshop of 2024; on one: a "
            "characterised fidelity of 99.73 %",
        ),
    ),
    11,
    "ms",
    published=False,
)

#: The model was changed: a fit to IonQ's workshop of 2024 has still the rates of the guide.
_FORTE = NoiseModel(
    (
        Rates("2024-06", Noise(0.0002666666666666667, 0.004949333333333333), _GUIDE),
        Rates(
            "2026-08",
            Noise(1.33e-4, 0.01413),
            "fits to native circuits of 1,000,000 shots in github.com/Venkatallu11/"
            "quantum-chemistry-vqe: 0.01413 +- 0.00004; three records agree",
        ),
    ),
    29,
    "zz",
)

NOISE_MODELS: Mapping[str, NoiseModel] = MappingProxyType(
    {
        "harmony": _HARMONY,
        "harmony-1": _HARMONY,
        "harmony-2": _HARMONY,
        "aria-1": NoiseModel((Rates("2024-06", Noise(0.0005, 0.0133), _GUIDE),), 25, "ms"),
        "aria-2": NoiseModel(
            (Rates("2024-06", Noise(0.0006573333333333332, 0.01856), _GUIDE),), 25, "ms"
        ),
        "forte-1": _FORTE,
        "forte-enterprise-1": _FORTE._replace(published=False),  # those of Forte
    }
)


def of_fidelities(one_qubit: float, two_qubits: float, spam: float) -> Noise:
    """Return the rates that make gates and readout as good as the characterization of a QPU.

    A gate of fidelity F on d dimensions has the depolarising rate (1 - F) d^2 / (d^2 - 1).
    """
    return Noise((1 - one_qubit) * 4 / 3, (1 - two_qubits) * 16 / 15, 1 - spam)


def as_run(nominal: Noise, one_qubit: float, two_qubits: float) -> Noise:
    """Return the errors of a QPU in a circuit, so many times those of its characterization."""
    rate = min(1.0, nominal.two_qubits * two_qubits)
    return Noise(nominal.one_qubit * one_qubit, rate, nominal.readout)
