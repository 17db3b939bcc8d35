"""A backend in one line."""

import pytest
from qiskit import transpile
from qiskit.primitives import BackendSamplerV2

import ionq_toolkit_fake
from ionq_toolkit import errors
from ionq_toolkit_fake import FakeIonQ, Transitions, after


def test_a_backend_is_had_in_one_line(bell):
    forte = ionq_toolkit_fake.backend("forte-1", seed=7)
    assert (forte.name, forte.num_qubits) == ("ionq_qpu.forte-1", 36)
    circuit = transpile(bell, forte)
    counts = BackendSamplerV2(backend=forte).run([circuit], shots=200).result()[0].data.c
    assert sum(counts.get_counts().values()) == 200
    assert ionq_toolkit_fake.backend().name == "ionq_simulator"


def test_a_native_backend_has_native_gates():
    assert "zz" in ionq_toolkit_fake.backend("forte-1", "native").target.operation_names


def test_each_backend_has_a_cloud_of_its_own_and_a_seed_repeats_it(bell):
    first, second = (ionq_toolkit_fake.backend(seed=7) for _ in range(2))
    assert first.run(bell).get_counts() == second.run(bell).get_counts()
    assert len(first.jobs()) == len(second.jobs()) == 1


def test_backends_can_share_a_cloud_with_settings(bell):
    cloud = FakeIonQ(seed=1, transitions=Transitions(started=after(seconds=3600)))
    backends = [ionq_toolkit_fake.backend(name, cloud=cloud) for name in ("simulator", "forte-1")]
    for backend in backends:
        backend.run(bell, shots=10).result()
    assert len(cloud.jobs) == 2
    assert cloud.clock.monotonic() > 3600


def test_what_a_cloud_or_the_client_does_not_know_is_refused():
    with pytest.raises(errors.IonQBackendNotFoundError, match="forte-1"):
        ionq_toolkit_fake.backend("fort-1")
    with pytest.raises(TypeError, match="sead"):
        ionq_toolkit_fake.backend(sead=7)
    with pytest.raises(TypeError, match="seed: a setting is for a new cloud"):
        ionq_toolkit_fake.backend(cloud=FakeIonQ(), seed=7)
