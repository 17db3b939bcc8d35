"""Noise models, as rates: a depolarising channel after each gate, and wrong readings at the end."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ionq_toolkit_fake.simulation.program import Noise

if TYPE_CHECKING:
    from collections.abc import Mapping


class NoiseModel(NamedTuple):
    """A noise model of the simulator.

    Attributes:
        noise: Its rates.
        qubits: How many qubits a circuit may have under it.
        entangler: The native gate on two qubits that it models.
        published: Whether IonQ publishes the rates; if not, they are an estimate.
    """

    noise: Noise
    qubits: int
    entangler: str
    published: bool = True


_HARMONY = NoiseModel(Noise(0.0036, 0.120), 11, "ms", published=False)
_FORTE = NoiseModel(Noise(0.0002666666666666667, 0.004949333333333333), 29, "zz")

#: Rates, and widths: https://docs.ionq.com/guides/simulation-with-noise-models. Neither readout
#: errors nor loss are part of the models. Of Harmony, IonQ says that formula and parameters
#: are others and publishes none: the rate on two qubits is what 10,000 shots of a Bell state came
#: to in IonQ's workshop of 2024, the one on one qubit its characterised fidelity of 99.73 %. Of
#: Forte Enterprise neither: those of Forte.
NOISE_MODELS: Mapping[str, NoiseModel] = MappingProxyType(
    {
        "harmony": _HARMONY,
        "harmony-1": _HARMONY,
        "harmony-2": _HARMONY,
        "aria-1": NoiseModel(Noise(0.0005, 0.0133), 25, "ms"),
        "aria-2": NoiseModel(Noise(0.0006573333333333332, 0.01856), 25, "ms"),
        "forte-1": _FORTE,
        "forte-enterprise-1": _FORTE._replace(published=False),
    }
)


def of_fidelities(one_qubit: float, two_qubits: float, spam: float) -> Noise:
    """Return the rates that make gates and readout as good as the characterization of a QPU.

    A gate of fidelity F on d dimensions has the depolarising rate (1 - F) d^2 / (d^2 - 1).
    """
    return Noise((1 - one_qubit) * 4 / 3, (1 - two_qubits) * 16 / 15, 1 - spam)
