"""What the tests of the client share: jobs whose service says what it is told to, and programs
that are run through qiskit-ionq as well.
"""

from __future__ import annotations

import importlib

import pytest
from qiskit import QuantumCircuit

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider
from ionq_toolkit_fake import FakeIonQ, mock_ionq

#: The packages that a program is run through, and the module of their errors.
PACKAGES = {"qiskit_ionq": "qiskit_ionq.exceptions", "ionq_toolkit": "ionq_toolkit.errors"}


@pytest.fixture
def job_of(scripted, instant_clock):
    """Return a job whose service gives these replies, and the scripted service."""

    def build(*replies, **provider_options):
        cloud = scripted(*replies)
        provider = IonQProvider(
            transport=InProcessTransport(cloud), clock=instant_clock, **provider_options
        )
        return IonQJob(provider.get_backend("simulator"), "job-1"), cloud

    return build


@pytest.fixture(params=PACKAGES)
def package(request):
    """Return what the program imports: qiskit-ionq, or this package in its place."""
    return importlib.import_module(request.param)


@pytest.fixture
def exceptions(package):
    return importlib.import_module(PACKAGES[package.__name__])


@pytest.fixture
def get_backend(package):
    """Return what gets a backend of the package."""
    with mock_ionq(FakeIonQ(seed=7)):
        yield package.IonQProvider("the key").get_backend


@pytest.fixture
def simulator(get_backend):
    return get_backend("ionq_simulator")


@pytest.fixture
def forte(get_backend):
    return get_backend("ionq_qpu.forte-1")


@pytest.fixture
def crossed():
    """X on the first of two qubits, which is measured into the second bit."""
    circuit = QuantumCircuit(2, 2, name="crossed")
    circuit.x(0)
    circuit.measure([0, 1], [1, 0])
    return circuit
