"""A user's program for type checkers. It is not run, and each error that it ignores is one."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Unpack, assert_type

from qiskit import QuantumCircuit
from qiskit.providers import JobStatus
from qiskit.result import Counts

from ionq_toolkit import (
    ErrorMitigation,
    IonQBackend,
    IonQJob,
    IonQProvider,
    IonQResult,
    RunArguments,
    Session,
)
from ionq_toolkit_fake import FAILURES, FakeIonQ, FakeServer, Transitions, after, failed, faults

bell = QuantumCircuit(2)


def run(backend: IonQBackend, name: str) -> IonQJob:
    assert_type(backend.run(bell), IonQJob)
    backend.run([bell, bell], shots=1000, memory=True, seed_simulator=7, timeout=3)
    backend.run(bell, noise_model="forte-1", gateset="native", name=name, meas_level=2)
    backend.run(bell, error_mitigation=ErrorMitigation.DEBIASING)
    backend.run(bell, error_mitigation={"debiasing": True}, extra_metadata={"run": name})
    backend.run(bell, shots=None, noise_model=None)
    backend.set_options(shots=100)
    backend.run(bell, shot=7)  # type: ignore[call-arg]
    backend.run(bell, shots="100")  # type: ignore[arg-type]
    backend.run(bell, noise_model="forte1")  # type: ignore[arg-type]
    backend.run(bell, gateset="nativ")  # type: ignore[arg-type]
    backend.run(bell, error_mitigation={"debias": True})  # type: ignore[dict-item]
    backend.run(bell, meas_level=1)  # type: ignore[arg-type]
    backend.set_options(gateset="native")  # type: ignore[call-arg]
    with Session(backend, max_jobs=3) as session:
        return session.run(bell, shots=100)


def wrapped(backend: IonQBackend, **options: Unpack[RunArguments]) -> IonQJob:
    options.setdefault("shots", 500)
    return backend.run(bell, **options)


def read(job: IonQJob) -> IonQResult:
    assert_type(job.status(), JobStatus)
    assert_type(job.status(detailed=True)["percentage_complete"], float)
    job.status(detailed=True)["percentage"]  # type: ignore[typeddict-item]
    assert_type(job.get_counts(0), Counts)
    assert_type(job.get_probabilities(0), Mapping[str, float])
    assert_type(job.get_memory(0), list[str])
    one: int = job.get_counts()["00"]
    share: float = job.get_probabilities().get("00", 0.0)
    first: str = job.get_memory()[0]
    return job.result(timeout=one + share + len(first))


def providers(name: str) -> None:
    for provider in (IonQProvider(transport="fake"), IonQProvider(timeout=10)):
        assert_type(provider.get_backend("forte-1"), IonQBackend)
        assert_type(provider.get_backend(name, "native"), IonQBackend)
        provider.get_backend("forte-1", gateset="nativ")  # type: ignore[arg-type]


def find(provider: IonQProvider) -> list[IonQJob]:
    since = datetime.now(UTC) - timedelta(days=1)
    assert_type(provider.job("id").creation_date, datetime | None)
    provider.jobs(5, backend="forte-1", status=("ready", JobStatus.RUNNING))
    provider.jobs(status="redy")  # pyright: ignore[reportArgumentType]
    provider.jobs(created_after="yesterday")  # type: ignore[arg-type]
    return provider.least_busy().jobs(limit=None, created_after=since, metadata={"run": "7"})


def tests_of_a_program() -> None:
    cloud = FakeIonQ(
        seed=1, transitions=Transitions(ready=after(polls=2), end=failed("TooManyGates"))
    )
    cloud.faults.add(faults.http(429, retry_after=3), on="POST /jobs", times=2)
    cloud.faults.add(faults.lost_answer(), on=["POST /jobs", "* /sessions*"])
    for code in FAILURES:
        failed(code, at="started")
    failed("InternalError", at="completed")  # type: ignore[arg-type]
    cloud.hold("id", "ready")
    failed("TooManyGate")  # type: ignore[arg-type]
    with FakeServer(cloud) as server:
        assert_type(server.url, str)
