"""The backends of the cloud: facts in a table, each row with its source."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Device(NamedTuple):
    """One backend.

    Attributes:
        name: IonQ's name of it.
        status: `available`, `unavailable` or `retired`.
        qubits: How many qubits it has.
        native_gates: Its native gates.
        error_mitigations: The error mitigation it offers.
        noise_models: The noise models it offers; only the simulator has any.
    """

    name: str
    status: str
    qubits: int
    native_gates: tuple[str, ...]
    error_mitigations: tuple[str, ...] = ()
    noise_models: tuple[str, ...] = ()


_MS = ("gpi", "gpi2", "ms")
_ZZ = ("gpi", "gpi2", "zz")

#: Statuses and widths: listings of GET /backends recorded by users in July and August 2026; width
#: of the simulator: https://docs.ionq.com/guides/simulation-with-noise-models. Native gates by
#: family and the simulator's noise models: the fixtures of IonQ's own qiskit-ionq.
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
            Device("qpu.forte-1", "available", 36, _ZZ, ("debiasing",)),
            Device("qpu.forte-enterprise-1", "available", 36, _ZZ, ("debiasing",)),
            Device("qpu.forte-enterprise-2", "unavailable", 36, _ZZ, ("debiasing",)),
            Device("qpu.forte-enterprise-3", "unavailable", 36, _ZZ, ("debiasing",)),
            Device("qpu.aria-1", "retired", 25, _MS, ("debiasing",)),
            Device("qpu.aria-2", "retired", 25, _MS, ("debiasing",)),
            Device("qpu.harmony", "retired", 11, _MS),
        )
    }
)

#: The gates of the `qis` gateset that IonQ lists for its backends: the example of the API
#: document's schema Backend.
SUPPORTED_GATES = (
    *("x", "y", "z", "h", "s", "si", "t", "ti", "v", "vi"),
    *("rx", "ry", "rz", "cnot", "swap", "xx", "yy", "zz", "not"),
)
