"""qiskit-ionq's documented flows, as a program under `mock_ionq`."""

from __future__ import annotations

from probe import attempt, done, near
from qiskit import QuantumCircuit, transpile
from qiskit_ionq import ErrorMitigation, GPI2Gate, IonQProvider, Session, ZZGate

from ionq_toolkit_fake import FakeIonQ, mock_ionq


def bell() -> QuantumCircuit:
    """Return a measured Bell pair."""
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def even(counts: dict[str, int], least: float = 1.0) -> None:
    """Raise unless the two bits are mostly equal."""
    near((counts.get("00", 0) + counts.get("11", 0)) / sum(counts.values()), 1.0, 1 - least)


def simulator() -> None:
    """Run on the ideal simulator."""
    backend = IonQProvider("any-key").get_backend("ionq_simulator")
    job = backend.run(transpile(bell(), backend, optimization_level=1), shots=200)
    even(job.result().get_counts())
    near(job.get_probabilities()["11"], 0.5, 1e-9)


def noisy() -> None:
    """Run on the simulator with a QPU's noise."""
    backend = IonQProvider("any-key").get_backend("ionq_simulator")
    backend.set_options(noise_model="aria-1", sampler_seed=7)
    even(backend.run(bell(), shots=1000).result().get_counts(), 0.9)


def qpu(**settings: object) -> None:
    """Run on a QPU."""
    backend = IonQProvider("any-key").get_backend("ionq_qpu.forte-1")
    even(backend.run(bell(), shots=1000, **settings).result().get_counts(), 0.9)


def sharpened() -> None:
    """Read the results of a debiased job by plurality voting."""
    backend = IonQProvider("any-key").get_backend("ionq_qpu.forte-1")
    job = backend.run(bell(), shots=1000, error_mitigation=ErrorMitigation.DEBIASING)
    even(job.result(sharpen=True).get_counts(), 0.9)


def native() -> None:
    """Run native gates."""
    backend = IonQProvider("any-key").get_backend("ionq_qpu.forte-1", gateset="native")
    circuit = QuantumCircuit(2, 2)
    circuit.append(GPI2Gate(0), [0])
    circuit.append(ZZGate(0.25), [0, 1])
    circuit.measure([0, 1], [0, 1])
    near(sum(backend.run(circuit, shots=100).result().get_counts().values()), 100, 0)


def compiled() -> None:
    """Transpile for native gates."""
    backend = IonQProvider("any-key").get_backend("ionq_simulator", gateset="native")
    backend.set_options(noise_model="forte-1")
    even(
        backend.run(transpile(bell(), backend, optimization_level=1), shots=500)
        .result()
        .get_counts(),
        0.9,
    )


def several() -> None:
    """Run several circuits as one job."""
    backend = IonQProvider("any-key").get_backend("ionq_simulator")
    for counts in backend.run([bell(), bell()], shots=100).result().get_counts():
        even(counts)


def again() -> None:
    """Retrieve a job."""
    backend = IonQProvider("any-key").get_backend("ionq_simulator")
    job = backend.run(bell(), shots=100)
    even(backend.retrieve_job(job.job_id()).result().get_counts())


def in_session() -> None:
    """Run jobs in a session."""
    backend = IonQProvider("any-key").get_backend("ionq_qpu.forte-1")
    with Session(backend) as session:
        even(session.run(bell(), shots=500).result().get_counts(), 0.9)


def calibration() -> None:
    """Read the characterization, and ask whether the backend takes jobs."""
    backend = IonQProvider("any-key").get_backend("ionq_qpu.forte-1")
    near(backend.calibration().qubits, 36, 0)
    if not backend.status():
        raise AssertionError("The backend is not available.")


if __name__ == "__main__":
    with mock_ionq(FakeIonQ(seed=7)):
        for case in (
            simulator,
            noisy,
            native,
            compiled,
            several,
            again,
            in_session,
            calibration,
            sharpened,
        ):
            attempt(case.__name__, case)
        attempt("QPU", qpu)
        attempt("QPU, debiased", lambda: qpu(error_mitigation=ErrorMitigation.DEBIASING))
        attempt("QPU, not debiased", lambda: qpu(error_mitigation=ErrorMitigation.NO_DEBIASING))
    done()
