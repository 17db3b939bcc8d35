"""What the tests share: a clean environment, a seeded cloud, circuits, and every way in."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path

import evidence as seen
import notes
import pytest
import replay
from clouds import Scripted
from hypothesis import settings
from lossy import Lossy
from qiskit import QuantumCircuit

from ionq_toolkit import HttpTransport, InProcessTransport, IonQJob, IonQProvider
from ionq_toolkit_fake import FakeIonQ, FakeServer, mock_ionq

# The same examples in every run: a failure is there again the next time.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


FIDELITY = Path(__file__).parents[1] / "docs" / "fidelity.md"
EVIDENCE = pytest.StashKey[seen.Evidence]()


def pytest_addoption(parser):
    parser.addoption(
        "--fidelity",
        choices=("check", "write"),
        help="compare docs/fidelity.md with what this run has shown, or write it",
    )


def pytest_configure(config):
    config.stash[EVIDENCE] = seen.Evidence()
    config.add_cleanup(config.stash[EVIDENCE].watch())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Add the evidence of a pytest-xdist worker that has ended."""
    if plain := getattr(node, "workeroutput", {}).get("evidence"):
        node.config.stash[EVIDENCE].add(plain)


def pytest_sessionfinish(session, exitstatus):
    """Write the page on fidelity, or fail the run if the page differs from the evidence."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["evidence"] = session.config.stash[EVIDENCE].plain()
        return
    wanted = session.config.getoption("--fidelity")
    if not wanted or exitstatus:
        return
    kept = FIDELITY.read_text()
    rest = kept[kept.index(replay.HEADING) :] if replay.HEADING in kept else ""
    text = seen.page(session.config.stash[EVIDENCE], notes, rest)
    if wanted == "write":
        FIDELITY.write_text(text)
    elif FIDELITY.read_text() != text:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        reporter.line("docs/fidelity.md is not what this run has shown: pytest --fidelity write")


@pytest.fixture(autouse=True)
def _every_reply_has_its_shape(request):
    """Fail a test in which a cloud replied as its operation cannot."""
    violations = request.config.stash[EVIDENCE].violations
    violations.clear()
    yield
    assert not violations, "\n".join(violations)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in list(os.environ):
        if "IONQ" in name.upper():
            monkeypatch.delenv(name)
    monkeypatch.setattr("ionq_toolkit.api.credentials.KEY_FILE", f"{os.devnull}/.ionq")


@pytest.fixture
def cloud():
    return FakeIonQ(seed=7)


@pytest.fixture
def provider(cloud):
    return IonQProvider(transport=InProcessTransport(cloud), seed=7)


@pytest.fixture
def backend(provider):
    return provider.get_backend("ionq_simulator")


@pytest.fixture
def forte(provider):
    return provider.get_backend("forte-1")


@pytest.fixture
def lossy():
    """Return a cloud whose answers are lost where a test wants it."""
    return Lossy(FakeIonQ(seed=7))


@pytest.fixture
def bell():
    circuit = QuantumCircuit(2, 2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


class InstantClock:
    """A clock for the client: sleeping takes no time, and is remembered."""

    def __init__(self):
        self.time = 0.0
        self.slept = []

    def monotonic(self):
        return self.time

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def instant_clock():
    return InstantClock()


class PatientTransport(HttpTransport):
    """For clients whose clock is virtual: what is left until its deadline is no real time."""

    def send(self, method, url, headers, body, timeout):
        return super().send(method, url, headers, body, max(timeout, 30.0))


class WaysIn:
    """Puts a cloud behind a provider, by the way in that the test is run through."""

    def __init__(self, name, stack):
        self.name = name
        self._stack = stack

    def provider(self, cloud, **options):
        options = {"clock": InstantClock(), "seed": 7, **options}
        if self.name == "in process":
            return IonQProvider(transport=InProcessTransport(cloud), **options)
        if self.name == "socket":
            url = self._stack.enter_context(FakeServer(cloud)).url
            if "timeout" not in options:
                options["transport"] = PatientTransport()
            return self._stack.enter_context(IonQProvider("any-key", url, **options))
        self._stack.enter_context(mock_ionq(cloud))
        return self._stack.enter_context(IonQProvider("any-key", **options))

    def transport(self, cloud):
        """Return a bare transport to the cloud and the base URL to use with it."""
        if self.name == "in process":
            return InProcessTransport(cloud), "http://cloud.test/v0.4"
        transport = HttpTransport()
        self._stack.callback(transport.close)
        if self.name == "socket":
            return transport, self._stack.enter_context(FakeServer(cloud)).url
        self._stack.enter_context(mock_ionq(cloud, strict=False))
        return transport, "https://api.ionq.co/v0.4"


@pytest.fixture
def ways_in():
    """Make a way in by its name."""
    with ExitStack() as stack:
        yield lambda name: WaysIn(name, stack)


@pytest.fixture(params=["in process", "socket", "interception"])
def way(request, ways_in):
    return ways_in(request.param)


@pytest.fixture
def scripted():
    return Scripted


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


@pytest.fixture
def sender():
    """Make a function that sends one request to a cloud and returns (status, JSON)."""

    def sender(cloud, key="any-key"):
        def send(method, path, body=None, headers=None):
            if headers is None:
                headers = {"Authorization": f"apiKey {key}"}
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
            response = cloud.handle(method, f"https://api.ionq.co/v0.4{path}", headers, body, 30.0)
            return response.status, json.loads(response.body)

        return send

    return sender


@pytest.fixture
def send(cloud, sender):
    """Send one request to the cloud, as a client with a key, and return (status, JSON)."""
    return sender(cloud)


@pytest.fixture
def job_body():
    """Build the body of POST /jobs for gates on so many qubits."""

    def build(gates=({"gate": "h", "target": 0},), qubits=2, **fields):
        return {
            "type": "ionq.circuit.v1",
            "backend": "simulator",
            "input": {"gateset": "qis", "qubits": qubits, "circuit": list(gates)},
            **fields,
        }

    return build


@pytest.fixture
def completed(send, job_body):
    """Submit a job, and return its record once it is final."""

    def submit(gates=({"gate": "h", "target": 0},), qubits=2, **fields):
        status, created = send("POST", "/jobs", job_body(gates, qubits, **fields))
        assert status == 201, created
        return send("GET", f"/jobs/{created['id']}")[1]

    return submit
