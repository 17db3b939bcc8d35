"""MQT Bench: its algorithms against bare Aer, and its own native level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqt.bench import get_benchmark_alg, get_benchmark_native_gates
from mqt.bench.benchmarks import get_available_benchmark_names
from mqt.bench.targets import get_target_for_gateset
from probe import attempt, done, same_as_aer, seeded

if TYPE_CHECKING:
    from ionq_toolkit.backend import IonQBackend


def alone(name: str, size: int, backend: IonQBackend) -> None:
    """Run an algorithm that is given as gates of Qiskit."""
    same_as_aer(get_benchmark_alg(name, size, random_parameters=True), backend)


def native(name: str, gateset: str, backend: IonQBackend) -> None:
    """Run an algorithm that MQT Bench has written in IonQ's native gates."""
    circuit = get_benchmark_native_gates(name, 4, get_target_for_gateset(gateset, 4), 1)
    backend.run(circuit, shots=100).result()


if __name__ == "__main__":
    provider = seeded()
    sides = {
        "qis": provider.get_backend("simulator"),
        "native": provider.get_backend("simulator", gateset="native"),
    }
    for name in get_available_benchmark_names():
        for size in (4, 6):
            try:
                get_benchmark_alg(name, size)
            except Exception:  # noqa: BLE001, S112 - the algorithm does not exist at that size
                continue
            for side, backend in sides.items():
                attempt(f"{name}, {size} qubits, {side}", alone, name, size, backend)
    for name in ("ghz", "qft", "wstate"):
        attempt(
            f"{name}, native gates of Forte by MQT Bench",
            native,
            name,
            "ionq_forte",
            sides["native"],
        )
        aria = provider.get_backend("simulator", gateset="native")
        aria.set_options(noise_model="aria-1")
        attempt(f"{name}, native gates of Aria by MQT Bench", native, name, "ionq_aria", aria)
    done()
