"""CUDA-Q's examples on a served fake, against CUDA-Q's own simulators."""

from __future__ import annotations

import math
import os

os.environ["IONQ_API_KEY"] = "any-key"

import cudaq
from cudaq import spin
from probe import attempt, done, near, total_variation
from served import served

SHOTS = 10_000

#: IonQ's rates of aria-1, of its guide to noise models: the part of the state that is lost.
ONE_QUBIT, TWO_QUBITS = 0.0005, 0.0133

#: The deuteron of CUDA-Q's guide to VQE, and the energy that it finds.
DEUTERON = (
    5.907
    - 2.1433 * spin.x(0) * spin.x(1)
    - 2.1433 * spin.y(0) * spin.y(1)
    + 0.21829 * spin.z(0)
    - 6.125 * spin.z(1)
)
LOWEST = -1.7488


@cudaq.kernel
def bell() -> None:
    """Prepare a Bell pair, and measure it."""
    qubits = cudaq.qvector(2)
    h(qubits[0])
    x.ctrl(qubits[0], qubits[1])
    mz(qubits)


@cudaq.kernel
def ghz(width: int) -> None:
    """Prepare a GHZ state; CUDA-Q measures it."""
    qubits = cudaq.qvector(width)
    h(qubits[0])
    for place in range(width - 1):
        x.ctrl(qubits[place], qubits[place + 1])


@cudaq.kernel
def all_gates() -> None:
    """Have every gate that CUDA-Q lowers for IonQ, at angles without a symmetry."""
    qubits = cudaq.qvector(3)
    h(qubits)
    x.ctrl(qubits[0], qubits[1], qubits[2])
    swap(qubits[0], qubits[1])
    r1(0.5, qubits[0])
    s(qubits[1])
    t(qubits[2])
    u3(0.1, 0.2, 0.3, qubits[2])
    rx.ctrl(0.7, qubits[0], qubits[1])
    rx(0.4, qubits[0])
    ry(0.9, qubits[1])
    rz(1.1, qubits[2])
    s.adj(qubits[2])
    t.adj(qubits[0])
    y(qubits[0])
    z(qubits[1])
    h(qubits)
    mz(qubits)


@cudaq.kernel
def out_of_order() -> None:
    """Measure some qubits alone, the last first."""
    qubits = cudaq.qvector(3)
    x(qubits[2])
    mz(qubits[2])
    mz(qubits[0])


@cudaq.kernel
def ansatz(angle: float) -> None:
    """Prepare the state of the deuteron."""
    qubits = cudaq.qvector(2)
    x(qubits[0])
    ry(angle, qubits[1])
    x.ctrl(qubits[1], qubits[0])


def counts(kernel: object, *arguments: object, noise: object = None) -> dict[str, int]:
    """Return the counts of a kernel on the target that is set."""
    others = {} if noise is None else {"noise_model": noise}
    found = cudaq.sample(kernel, *arguments, shots_count=SHOTS, **others)
    return {str(bits): count for bits, count in found.items()}


def own(kernel: object, *arguments: object, noise: object = None) -> dict[str, int]:
    """Return the counts of a kernel on CUDA-Q's own simulator."""
    cudaq.set_target("qpp-cpu" if noise is None else "density-matrix-cpu")
    cudaq.set_random_seed(7)
    return counts(kernel, *arguments, noise=noise)


def agrees(url: str, kernel: object, *arguments: object) -> None:
    """Raise unless the counts are those of CUDA-Q's own simulator, chance apart."""
    cudaq.set_target("ionq", url=url)
    found = counts(kernel, *arguments)
    expected = own(kernel, *arguments)
    allowed = 0.01 + 1.5 * math.sqrt(len({*found, *expected}) / (math.pi * SHOTS))
    near(total_variation(found, expected), 0.0, allowed)


def noisy(url: str) -> None:
    """Compare the noise of aria-1 with the same rates in CUDA-Q's own noise model."""
    cudaq.set_target("ionq", url=url, noise="aria-1")
    found = counts(bell)
    model = cudaq.NoiseModel()
    model.add_all_qubit_channel("h", cudaq.DepolarizationChannel(0.75 * ONE_QUBIT))
    pairs = cudaq.Depolarization2(15 / 16 * TWO_QUBITS)
    model.add_all_qubit_channel("x", pairs, num_controls=1)
    expected = own(bell, noise=model)
    wrong = [(one.get("01", 0) + one.get("10", 0)) / SHOTS for one in (found, expected)]
    if not all(wrong):
        raise AssertionError(f"a result has no noise: {wrong}")
    near(wrong[0], wrong[1], 5 * math.sqrt(TWO_QUBITS / 2 * 2 / SHOTS))


def energy(angle: float) -> float:
    """Return the energy of the ansatz at an angle."""
    return cudaq.observe(ansatz, DEUTERON, angle, shots_count=SHOTS).expectation()


def observed(url: str) -> None:
    """Compare an expectation value."""
    cudaq.set_target("ionq", url=url)
    found = energy(0.2)
    cudaq.set_target("qpp-cpu")
    near(found, cudaq.observe(ansatz, DEUTERON, 0.2).expectation(), 0.2)


def vqe(url: str) -> None:
    """Find the lowest energy of the deuteron."""
    cudaq.set_target("ionq", url=url)
    optimizer = cudaq.optimizers.COBYLA()
    optimizer.max_iterations = 15
    optimizer.initial_parameters = [0.3]
    lowest, _ = optimizer.optimize(1, lambda parameters: energy(parameters[0]))
    near(lowest, LOWEST, 0.2)


def asynchronous(url: str) -> None:
    """Ask for a result later."""
    cudaq.set_target("ionq", url=url)
    waiting = [cudaq.sample_async(bell, shots_count=100) for _ in range(3)]
    for one in waiting:
        found = {str(bits): count for bits, count in one.get().items()}
        if set(found) - {"00", "11"}:
            raise AssertionError(found)


def qpu(url: str) -> None:
    """Run on a QPU, debiased and sharpened."""
    cudaq.set_target("ionq", url=url, qpu="qpu.forte-1", debias="true", sharpen="true")
    found = counts(bell)
    near((found.get("00", 0) + found.get("11", 0)) / sum(found.values()), 1.0, 0.1)


if __name__ == "__main__":
    with served() as url:
        attempt("Bell", agrees, url, bell)
        attempt("GHZ of 8 qubits", agrees, url, ghz, 8)
        attempt("every gate", agrees, url, all_gates)
        attempt("some qubits, out of their order", agrees, url, out_of_order)
        attempt("noise of aria-1", noisy, url)
        attempt("observe", observed, url)
        attempt("VQE of the deuteron", vqe, url)
        attempt("sample_async", asynchronous, url)
        attempt("a QPU", qpu, url)
    done()
