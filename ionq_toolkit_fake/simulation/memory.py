"""How much memory a simulation may take."""

from __future__ import annotations

import math

import psutil

from ionq_toolkit_fake.simulation.failure import SimulationFailure

#: A state of fewer qubits takes less than 100 MiB.
_ALWAYS_FITS = 22

#: What an exact simulation takes in all, for each of 2^n amplitudes: 16 bytes for itself, and 8 for
#: its probability, once in Aer and once handed over.
_BYTES_PER_AMPLITUDE = 28


class _Share:
    """What this process may take of the machine's memory.

    Attributes:
        gibibytes: So much of it.
    """

    gibibytes = math.inf


def share(workers: int) -> float:
    """Return what each of so many processes may take of the memory that is free now, in GiB."""
    return psutil.virtual_memory().available / workers / 2**30


def keep_to(gibibytes: float) -> None:
    """Take no more than this in this process."""
    _Share.gibibytes = gibibytes


def check_memory(num_qubits: int, *, mixed: bool = False) -> None:
    """Refuse a state that does not fit into memory, before anything is killed for it.

    Args:
        num_qubits: How many qubits it is of.
        mixed: Whether it is a density matrix.

    Raises:
        SimulationFailure: It does not.
    """
    doublings = 2 * num_qubits if mixed else num_qubits
    if doublings < _ALWAYS_FITS:
        return
    needed = 2**doublings * _BYTES_PER_AMPLITUDE / 2**30
    needs = f"a state of {num_qubits} qubits needs {needed:.1f} GiB of memory"
    free = psutil.virtual_memory().available / 2**30
    if needed > free:
        raise SimulationFailure("SimulationError", f"{needs}; {free:.1f} GiB are free")
    if needed > _Share.gibibytes:
        raise SimulationFailure(
            "SimulationError",
            f"{needs}; each worker may take {_Share.gibibytes:.1f} GiB: fewer workers, more each",
        )
