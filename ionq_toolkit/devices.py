"""The backends IonQ offers, known without asking: names, widths, native gates."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from ionq_toolkit.errors import IonQBackendNotFoundError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Device(NamedTuple):
    """One backend of the IonQ Cloud.

    Attributes:
        api_name: IonQ's name of it, such as ``qpu.forte-1``.
        num_qubits: How many qubits it has.
        simulator: Whether it is the cloud simulator.
        native_gates: The native gates that it takes.
        connectivity: The pairs of qubits that a gate can act on; None: all pairs.
        retired: Whether it takes no more jobs; the results of past jobs can still be read.
    """

    api_name: str
    num_qubits: int
    simulator: bool = False
    native_gates: tuple[str, ...] = ("gpi", "gpi2", "zz")
    connectivity: tuple[tuple[int, int], ...] | None = None
    retired: bool = False

    @property
    def name(self) -> str:
        """The backend's name in Qiskit, such as ``ionq_qpu.forte-1``."""
        return f"ionq_{self.api_name}"

    def connecting(self, pairs: Iterable[tuple[int, int]]) -> Device:
        """Return the device with the pairs that it is said to connect; without any, with all."""
        width = self.num_qubits
        found = {(min(pair), max(pair)) for pair in pairs if 0 <= min(pair) < max(pair) < width}
        complete = len(found) in (0, width * (width - 1) // 2)
        return self._replace(connectivity=None if complete else tuple(sorted(found)))

    def limited(self, num_qubits: int) -> Device:
        """Return the device with its first qubits only, and the pairs among them."""
        pairs = self.connectivity
        if pairs is not None:
            pairs = tuple(pair for pair in pairs if max(pair) < num_qubits)
        return self._replace(num_qubits=num_qubits, connectivity=pairs)

    def under(self, noise_model: str | None) -> Device:
        """Return the simulator under a noise model: as wide as the modelled QPU.

        Other devices, and unknown models, change nothing.
        """
        named = noise_model or "ideal"
        model = next((model for name, model in NOISE_MODELS.items() if name == named), None)
        if model is None or not self.simulator:
            return self
        width, gates = model
        return self._replace(num_qubits=min(width, self.num_qubits), native_gates=gates)


#: Native gates. A QPU has one of them on two qubits: Aria and Harmony MS, Forte ZZ
#: (https://docs.ionq.com/api-reference/v0.3/native-gates-api).
_MS, _ZZ = ("gpi", "gpi2", "ms"), ("gpi", "gpi2", "zz")
_ALL = (*_MS, "zz")

#: Widths: simulator https://docs.ionq.com/guides/simulation-with-noise-models, QPUs as listed
#: by GET /v0.4/backends in 2026. All of them connect every pair of qubits, according to their
#: characterizations. Without noise, the simulator takes the native gates of all QPUs.
DEVICES = (
    Device("simulator", 29, simulator=True, native_gates=_ALL),
    Device("qpu.forte-1", 36, native_gates=_ZZ),
    Device("qpu.forte-enterprise-1", 36, native_gates=_ZZ),
    Device("qpu.forte-enterprise-2", 36, native_gates=_ZZ),
    Device("qpu.forte-enterprise-3", 36, native_gates=_ZZ),
)

#: Retired according to GET /v0.4/backends in 2026; needed to read the results of their jobs.
RETIRED_DEVICES = (
    Device("qpu.aria-1", 25, native_gates=_MS, retired=True),
    Device("qpu.aria-2", 25, native_gates=_MS, retired=True),
    Device("qpu.harmony", 11, native_gates=_MS, retired=True),
)

#: The names of backends that an editor offers: the shortest spelling of each of `DEVICES`.
BackendName: TypeAlias = Literal[
    "simulator", "forte-1", "forte-enterprise-1", "forte-enterprise-2", "forte-enterprise-3"
]

#: The names of the simulator's noise models.
NoiseModel: TypeAlias = Literal[
    "ideal", "harmony", "harmony-1", "harmony-2", "aria-1", "aria-2", "forte-1",
    "forte-enterprise-1",
]  # fmt: skip

#: The simulator's noise models: the width of each, and the native gates of the modelled QPU
#: (https://docs.ionq.com/guides/simulation-with-noise-models).
NOISE_MODELS: Mapping[NoiseModel, tuple[int, tuple[str, ...]]] = MappingProxyType(
    {
        "ideal": (29, _ALL),
        "harmony": (11, _MS),
        "harmony-1": (11, _MS),
        "harmony-2": (11, _MS),
        "aria-1": (25, _MS),
        "aria-2": (25, _MS),
        "forte-1": (29, _ZZ),
        "forte-enterprise-1": (29, _ZZ),
    }
)


def find_device(name: str) -> Device:
    """Return the device of that name, in any of the customary spellings.

    ``ionq_simulator`` and ``simulator`` are the same, and so are ``forte-1``,
    ``qpu.forte-1`` and ``ionq_qpu.forte-1``, in any case. Retired devices are found as well.

    Raises:
        IonQBackendNotFoundError: The name is unknown; the message names the closest ones.
    """
    if not isinstance(name, str):
        raise IonQBackendNotFoundError(f"The name of a backend is a str, not {name!r}.")
    devices = {_short(device.api_name): device for device in (*DEVICES, *RETIRED_DEVICES)}
    device = devices.get(_short(name))
    if device is not None:
        return device
    hint = did_you_mean(_short(name), devices, most=2)
    known = ", ".join(device.name for device in DEVICES)
    raise IonQBackendNotFoundError(f"IonQ has no backend {name!r}.{hint} There are: {known}.")


def listed_device(name: str, listing: Iterable[Mapping[str, Any]]) -> Device | None:
    """Return the QPU of that name in the response to GET /backends, or None.

    Args:
        name: Its name, in any of the customary spellings.
        listing: The response: `backend` is the name of each, `qubits` its width.
    """
    for entry in listing:
        listed, qubits = entry.get("backend"), entry.get("qubits")
        if not isinstance(listed, str) or not listed.startswith("qpu."):
            continue
        if _short(listed) == _short(name) and isinstance(qubits, int) and qubits > 0:
            gates = entry.get("supported_native_gates")
            known = [gate for gate in gates if gate in _ALL] if isinstance(gates, list) else []
            return Device(
                listed,
                qubits,
                native_gates=tuple(known) or _ZZ,
                retired=entry.get("status") == "retired",
            )
    return None


def _short(name: str) -> str:
    return name.lower().removeprefix("ionq_").removeprefix("qpu.")
