"""qBraid's IonQProvider under `mock_ionq`."""

from __future__ import annotations

import cirq
from probe import attempt, done, near
from qbraid.runtime.ionq import IonQProvider
from qiskit import QuantumCircuit, qasm2, qasm3

from ionq_toolkit_fake import FakeIonQ, mock_ionq


def bell() -> QuantumCircuit:
    """Return a Bell pair."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def programs() -> dict[str, object]:
    """Return the Bell pair as a program of four kinds."""
    a, b = cirq.LineQubit.range(2)
    return {
        "Qiskit": bell(),
        "OpenQASM 2": qasm2.dumps(bell()),
        "OpenQASM 3": qasm3.dumps(bell()),
        "Cirq": cirq.Circuit(cirq.H(a), cirq.CNOT(a, b)),
    }


def even(counts: dict[str, int], least: float = 1.0) -> None:
    """Raise unless the two bits are mostly equal."""
    near((counts.get("00", 0) + counts.get("11", 0)) / sum(counts.values()), 1.0, 1 - least)


def devices() -> None:
    """List the devices."""
    found = {device.id for device in IonQProvider("any-key").get_devices()}
    if not {"simulator", "qpu.forte-1"} <= found:
        raise AssertionError(found)


def program(kind: str) -> None:
    """Run a program on the simulator."""
    job = IonQProvider("any-key").get_device("simulator").run(programs()[kind], shots=200)
    even(job.result().data.get_counts())


def batch() -> None:
    """Run several programs."""
    jobs = IonQProvider("any-key").get_device("simulator").run([bell(), bell()], shots=100)
    for job in jobs if isinstance(jobs, list) else [jobs]:
        counts = job.result().data.get_counts()
        for one in counts if isinstance(counts, list) else [counts]:
            even(one)


def qpu() -> None:
    """Run a program on a QPU."""
    job = IonQProvider("any-key").get_device("qpu.forte-1").run(bell(), shots=500)
    even(job.result().data.get_counts(), 0.9)
    if not job.cost():
        raise AssertionError("The job has no cost.")


def noisy() -> None:
    """Run a program with a QPU's noise."""
    device = IonQProvider("any-key").get_device("simulator")
    even(device.run(bell(), shots=500, noise={"model": "aria-1"}).result().data.get_counts(), 0.9)


def ended() -> None:
    """Ask about a job that has ended."""
    job = IonQProvider("any-key").get_device("simulator").run(bell(), shots=100)
    job.wait_for_final_state()
    if job.status().name != "COMPLETED":
        raise AssertionError(job.status())


if __name__ == "__main__":
    with mock_ionq(FakeIonQ(seed=7)):
        attempt("devices", devices)
        for kind in ("Qiskit", "OpenQASM 2", "OpenQASM 3", "Cirq"):
            attempt(f"a program of {kind}", program, kind)
        for case in (batch, qpu, noisy, ended):
            attempt(case.__name__, case)
    done()
