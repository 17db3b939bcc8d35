"""Deep copies of provider, backend and job: the same service, whatever carries the requests."""

import copy
import pickle
import threading

import pytest
from qiskit import QuantumCircuit

from ionq_toolkit import (
    HttpTransport,
    InProcessTransport,
    IonQJob,
    IonQProvider,
    RecordingTransport,
    ReplayTransport,
    Session,
    errors,
)
from ionq_toolkit.primitives import SamplerV2
from ionq_toolkit_fake import FakeIonQ, FakeServer, mock_ionq

TRANSPORTS = ["http", "fake", "in process", "adapted", "recording", "replay"]


class Adapted:
    """A class of the user's own that cannot be copied by itself."""

    requires_key = False

    def __init__(self, cloud):
        self.handle, self.clock, self.lock = cloud.handle, cloud.clock, threading.Lock()

    def send(self, method, url, headers, body, timeout):
        return InProcessTransport(self).send(method, url, headers, body, timeout)

    def close(self):
        pass


def run(provider):
    backend = provider.get_backend("simulator")
    job = copy.deepcopy(backend).run(circuit(), shots=100)
    return backend.retrieve_job(job.job_id()).get_counts()


def circuit():
    made = QuantumCircuit(1)
    made.x(0)
    made.measure_all()
    return made


@pytest.fixture(params=TRANSPORTS)
def provider(request, tmp_path):
    cloud, path = FakeIonQ(seed=1), tmp_path / "recording.jsonl"
    inner = InProcessTransport(cloud)
    if request.param == "http":
        with FakeServer(cloud) as server, IonQProvider("any key", server.url) as made:
            yield made
        return
    if request.param == "replay":
        run(IonQProvider(transport=RecordingTransport(inner, path)))
    transport = {
        "fake": lambda: "fake",
        "in process": lambda: inner,
        "adapted": lambda: Adapted(cloud),
        "recording": lambda: RecordingTransport(inner, path),
        "replay": lambda: ReplayTransport(path),
    }[request.param]()
    yield IonQProvider("any key", transport=transport, on_event=threading.Lock().__eq__)


def test_a_deep_copy_of_a_backend_is_the_same_backend(provider):
    backend = provider.get_backend("simulator")
    twin = copy.deepcopy(backend)
    assert twin == backend
    assert twin is not backend
    assert run(provider) == {"1": 100}


def test_options_of_a_deep_copy_are_its_own(provider):
    backend = provider.get_backend("simulator")
    twin = copy.deepcopy(backend)
    twin.set_options(shots=7)
    assert (backend.options.shots, twin.options.shots) == (1024, 7)


def test_a_deep_copy_of_a_provider_has_the_same_service(provider):
    twin = copy.deepcopy(provider)
    assert twin.get_backend("simulator") == provider.get_backend("simulator")
    assert twin.client is provider.client
    assert copy.deepcopy(provider.client) is provider.client


@pytest.mark.parametrize("transport", ["http", "fake", "in process", "adapted"])
class TestJobs:
    """Deep copies of jobs."""

    @pytest.fixture
    def backend(self, transport):
        cloud = FakeIonQ(seed=1)
        if transport == "http":
            with FakeServer(cloud) as server, IonQProvider("any key", server.url) as provider:
                yield provider.get_backend("simulator")
            return
        given = {"in process": InProcessTransport(cloud), "adapted": Adapted(cloud)}
        made = IonQProvider("any key", transport=given.get(transport, transport), seed=3)
        yield made.get_backend("simulator")

    def test_a_copy_goes_on_from_where_the_job_was(self, backend):
        job = backend.run(circuit(), shots=100)
        twin = copy.deepcopy(job)
        assert twin.job_id() == job.job_id()
        assert twin.get_counts() == job.get_counts() == {"1": 100}
        assert copy.deepcopy(job).get_counts() == {"1": 100}

    def test_jobs_of_several_circuits_and_lists_of_jobs_are_copied(self, backend):
        jobs = [backend.run([circuit(), circuit()], shots=9), backend.run(circuit(), shots=9)]
        one, other = copy.deepcopy(jobs)
        assert one.backend() is other.backend()
        assert one.get_counts() == [{"1": 9}] * 2

    def test_a_job_and_its_copy_are_submitted_once(self, backend):
        job = IonQJob(backend, circuit=circuit())
        twin = copy.deepcopy(job)
        job.submit()
        twin.submit()
        assert twin.job_id() == job.job_id()
        with pytest.raises(errors.IonQJobStateError):
            twin.submit()

    def test_sessions_and_primitives_are_copied(self, backend):
        sampler = copy.deepcopy(SamplerV2(backend))
        assert sampler.run([circuit()], shots=5).result()[0].data.meas.get_counts() == {"1": 5}
        qpu = backend.provider.get_backend("forte-1")
        with Session(qpu) as session:
            twin = copy.deepcopy(session)
            assert twin.session_id == session.session_id


def test_seeded_copies_draw_no_tag_twice():
    """A job is found by its tag after a lost response."""
    provider = IonQProvider(transport=InProcessTransport(FakeIonQ(seed=1)), seed=3)
    backend = provider.get_backend("simulator")
    twins = [backend, copy.deepcopy(backend), copy.deepcopy(provider).get_backend("simulator")]
    assert len({twin.run(circuit()).submission_tag for twin in twins}) == 3


def test_copies_of_transports_share_the_connections():
    for transport in (HttpTransport(), InProcessTransport(FakeIonQ(seed=1))):
        assert copy.deepcopy(transport) is transport
    assert copy.copy(transport) is transport


def test_a_copy_is_pickled_no_more_than_the_original():
    backend = copy.deepcopy(IonQProvider(transport="fake").get_backend("simulator"))
    with pytest.raises(TypeError, match="A cloud in this process cannot be pickled, nor what runs"):
        pickle.dumps(backend)


def test_a_backend_is_copied_inside_mock_ionq():
    with mock_ionq():
        assert run(IonQProvider("a key")) == {"1": 100}
