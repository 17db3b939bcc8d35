"""Cirq's guide to IonQ, as a program under `mock_ionq`."""

from __future__ import annotations

import cirq
import cirq_ionq as ionq
import numpy as np
import sympy
from probe import attempt, done, near

from ionq_toolkit_fake import FakeIonQ, mock_ionq

A, B, C = cirq.LineQubit.range(3)
BELL = cirq.Circuit(cirq.H(A), cirq.CNOT(A, B), cirq.measure(A, B, key="m"))


def service() -> ionq.Service:
    """Return Cirq's service."""
    return ionq.Service(api_key="any-key", default_target="simulator")


def even(result: cirq.Result, least: float) -> None:
    """Raise unless the two qubits are mostly equal."""
    histogram = result.histogram(key="m")
    share = (histogram[0] + histogram[3]) / sum(histogram.values())
    near(share, 1.0, 1 - least)


def run() -> None:
    """Run a circuit."""
    even(service().run(BELL, repetitions=200), 1)


def run_qpu() -> None:
    """Run a circuit on a QPU."""
    even(service().run(BELL, repetitions=500, target="qpu.forte-1"), 0.9)


def job() -> None:
    """Create a job, and ask about it."""
    made = service().create_job(BELL, repetitions=100, name="mine")
    if service().get_job(made.job_id()).name() != "mine":
        raise AssertionError(made)
    near(made.results().probabilities()[3], 0.5, 1e-9)


def sampler() -> None:
    """Sweep a parameter."""
    circuit = cirq.Circuit(cirq.X(A) ** sympy.Symbol("t"), cirq.measure(A, key="m"))
    results = service().sampler().run_sweep(circuit, [{"t": 0}, {"t": 1}], repetitions=20)
    if [result.histogram(key="m") for result in results] != [{0: 20}, {1: 20}]:
        raise AssertionError(results)


def batch() -> None:
    """Run several circuits as one job."""
    flips = [cirq.Circuit(cirq.X(q), cirq.measure(A, B, key="m")) for q in (A, B)]
    results = service().run_batch(flips, repetitions=20)
    if [result.histogram(key="m") for result in results] != [{0b10: 20}, {0b01: 20}]:
        raise AssertionError(results)


def compiled(gateset: cirq.CompilationTargetGateset, target: str, **settings: object) -> None:
    """Compile a Toffoli gate for a device, and run it there."""
    circuit = cirq.Circuit(cirq.X(A), cirq.X(B), cirq.CCX(A, B, C))
    native = cirq.optimize_for_target_gateset(circuit, gateset=gateset, max_num_passes=3)
    native.append(cirq.measure(A, B, C, key="m"))
    result = service().run(native, repetitions=500, target=target, **settings)
    near(result.histogram(key="m")[7] / 500, 1.0, 0.25)


def written_native() -> None:
    """Run a circuit in native gates."""
    circuit = cirq.Circuit(
        ionq.GPIGate(phi=0.5).on(A),
        ionq.MSGate(phi0=0, phi1=0).on(A, B),
        cirq.measure(A, B, key="m"),
    )
    unitary = cirq.Circuit(circuit[:-1])
    state = cirq.Simulator(dtype=np.complex128).simulate(unitary).final_state_vector
    probabilities = service().create_job(circuit, repetitions=100).results().probabilities()
    for outcome, probability in enumerate(np.abs(state) ** 2):
        near(probabilities.get(outcome, 0), float(probability), 1e-6)


def noise() -> None:
    """Simulate the noise of a QPU."""
    even(service().run(BELL, repetitions=1000, noise={"model": "aria-1"}), 0.9)


def debiasing() -> None:
    """Have a QPU debias, and sharpen."""
    settings = {"target": "qpu.forte-1", "error_mitigation": {"debiasing": True}}
    made = service().create_job(BELL, repetitions=1000, **settings)
    near(sum(made.results(sharpen=True).counts().values()), 1000, 0)


def dry_run() -> None:
    """Have a job priced, and not run."""
    made = service().create_job(BELL, repetitions=100, target="qpu.forte-1", dry_run=True)
    if not made.status():
        raise AssertionError(made)


def jobs() -> None:
    """List, cancel and delete jobs."""
    made = [service().create_job(BELL, repetitions=10) for _ in range(2)]
    made[0].cancel()
    if not {one.job_id() for one in service().list_jobs(limit=2)} <= {one.job_id() for one in made}:
        raise AssertionError("Other jobs are listed.")
    made[1].delete()


def current_calibration() -> None:
    """Ask for the newest calibration."""
    service().get_current_calibration()


def calibrations() -> None:
    """Ask for the calibrations of some days."""
    service().list_calibrations()


def seeded() -> None:
    """Run twice with one seed."""
    first, second = (
        service().run(BELL, repetitions=50, seed=3).histogram(key="m") for _ in range(2)
    )
    if first != second:
        raise AssertionError((first, second))


if __name__ == "__main__":
    with mock_ionq(FakeIonQ(seed=7)):
        for case in (
            run,
            run_qpu,
            job,
            sampler,
            batch,
            written_native,
            noise,
            debiasing,
            dry_run,
            jobs,
            seeded,
        ):
            attempt(case.__name__, case)
        attempt("Toffoli for Forte", compiled, ionq.ForteNativeGateset(), "qpu.forte-1")
        aria = {"noise": {"model": "aria-1"}}
        attempt("Toffoli for Aria", lambda: compiled(ionq.AriaNativeGateset(), "simulator", **aria))
        attempt("Toffoli, IonQ's gates", compiled, ionq.IonQTargetGateset(), "simulator")
        for case in (current_calibration, calibrations):
            attempt(case.__name__, case)
    done()
