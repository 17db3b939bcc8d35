"""The backends IonQ offers, known without asking: names, widths, kinds."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from ionq_toolkit.errors import IonQBackendNotFoundError


class Device(NamedTuple):
    """One backend of the IonQ Cloud.

    Attributes:
        api_name: IonQ's name of it, such as ``qpu.forte-1``.
        num_qubits: How many qubits it has.
        simulator: Whether it is the cloud simulator.
    """

    api_name: str
    num_qubits: int
    simulator: bool = False

    @property
    def name(self) -> str:
        """The backend's name in Qiskit, such as ``ionq_qpu.forte-1``."""
        return f"ionq_{self.api_name}"


#: Widths: simulator https://docs.ionq.com/guides/simulation-with-noise-models, QPUs as listed
#: by GET /v0.4/backends in 2026.
DEVICES = (
    Device("simulator", 29, simulator=True),
    Device("qpu.forte-1", 36),
    Device("qpu.forte-enterprise-1", 36),
    Device("qpu.forte-enterprise-2", 36),
    Device("qpu.forte-enterprise-3", 36),
)


def find_device(name: str) -> Device:
    """Return the device of that name, in any of the customary spellings.

    ``ionq_simulator`` and ``simulator`` are the same, and so are ``forte-1``,
    ``qpu.forte-1`` and ``ionq_qpu.forte-1``, in any case.

    Raises:
        IonQBackendNotFoundError: There is none; the message names those nearest to it.
    """
    if not isinstance(name, str):
        raise IonQBackendNotFoundError(f"The name of a backend is a str, not {name!r}.")
    short = _short(name)
    for device in DEVICES:
        if _short(device.api_name) == short:
            return device
    near = difflib.get_close_matches(short, [_short(d.api_name) for d in DEVICES], n=2, cutoff=0.6)
    hint = f"Did you mean {' or '.join(repr(n) for n in near)}? " if near else ""
    known = ", ".join(device.name for device in DEVICES)
    raise IonQBackendNotFoundError(f"IonQ has no backend {name!r}. {hint}There are: {known}.")


def _short(name: str) -> str:
    return name.lower().removeprefix("ionq_").removeprefix("qpu.")
