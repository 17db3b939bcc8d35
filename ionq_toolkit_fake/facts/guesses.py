"""Simulated values that rest on a guess, because IonQ does not publish them."""

from __future__ import annotations

from typing import NamedTuple


class Guess(NamedTuple):
    """A value or a behaviour that is a guess.

    Attributes:
        backends: The backends it concerns, by the beginning of their names; "": all.
        simulated: The behaviour of the fake.
        basis: The observation or document that it rests on.
    """

    backends: tuple[str, ...]
    simulated: str
    basis: str

    @property
    def text(self) -> str:
        """The guess with its basis."""
        return f"{self.simulated} ({self.basis})"


_QPUS, _SIMULATOR = ("qpu.",), ("simulator",)
_FORTES = ("qpu.forte", "qpu.tempo")

GUESSES = (
    Guess(
        _FORTES,
        "a gate on two qubits errs 7.3 times as often as the characterization says, on any Forte "
        "and on Tempo",
        "fitted to 18 jobs of one size on qpu.forte-1, August 2026; a job of 10 qubits in July "
        "2026 agrees, one of 20 was better, and in 2023 pairs alone were as characterized. "
        "characterization='nominal' leaves it out",
    ),
    Guess(
        ("qpu.aria",),
        "a gate errs 1.4 times as often as the characterization says",
        "fitted to one job of 5 qubits on qpu.aria-1. characterization='nominal' leaves it out",
    ),
    Guess(
        _FORTES,
        "<Z> loses signal and is not shifted",
        "18 jobs show a shift of 0.04 towards 0, which is 2.5 times its standard error",
    ),
    Guess(
        _FORTES,
        "the compiler uses zz by any angle up to a quarter turn",
        "inferred from the signal of a job on qpu.forte-1, July 2026; in 2023 it used quarter "
        "turns alone",
    ),
    Guess(
        _QPUS,
        "idling and crosstalk are part of the error of gates on two qubits",
        "no recorded job tells them apart",
    ),
    Guess(
        ("qpu.forte-enterprise", "qpu.tempo"),
        "fidelities and prices are those of Forte",
        "IonQ publishes none",
    ),
    Guess(
        ("qpu.tempo",),
        "four parcels of 25 qubits in a chain",
        "IonQ says that there are several parcels",
    ),
    Guess(
        ("simulator", "qpu.aria", "qpu.harmony"),
        "the compiler merges, cancels and resynthesises with quarter turns of zz or ms",
        "gate counts of circuits that IonQ compiled in 2023, met within a tenth or so",
    ),
    Guess(
        _QPUS,
        "debiasing chooses qubits at random; symmetry verification drops outcomes that the ideal "
        "circuit does not have; dnl has the power 2",
        "IonQ publishes no details",
    ),
    Guess(
        _QPUS,
        "the power is 4.61 kW and a job takes twice as long as predicted, on Forte Enterprise",
        "one record of August 2026",
    ),
    Guess(
        _SIMULATOR,
        "the noise model forte-1 has the rates 0.000133 and 0.01413",
        "fits of a user in August 2026; IonQ's guide has others",
    ),
    Guess(
        _SIMULATOR,
        "the noise model forte-enterprise-1 is that of forte-1",
        "IonQ publishes no rates",
    ),
    Guess(
        _SIMULATOR,
        "the noise models of Harmony are depolarising, with a rate of 0.12 on two qubits",
        "IonQ says that the formula is another; 10,000 shots of a Bell pair in 2024",
    ),
)


def notes_of(backend: str, *, described: bool = False) -> list[str]:
    """Return the guesses that concern a backend, each as a line of text.

    Args:
        backend: IonQ's name of it.
        described: Whether a user described it, beside the catalogue's.
    """
    if described:
        return [f"{backend} is as its description says: its numbers are a user's, not IonQ's"]
    return [guess.text for guess in GUESSES if backend.startswith(guess.backends)]
