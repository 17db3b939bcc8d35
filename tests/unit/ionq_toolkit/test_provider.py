import logging
import subprocess
import sys

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile

from ionq_toolkit import HttpTransport, InProcessTransport, IonQBackend, IonQProvider, errors
from ionq_toolkit_fake import FakeIonQ

KEY = "s3cret-key-of-somebody"


@pytest.fixture
def sent(scripted):
    """Return the headers and URL of the request that a provider sends for its backends."""

    class Networked(InProcessTransport):
        requires_key = True

    def sent(*arguments, **options):
        cloud = scripted((200, []))
        IonQProvider(*arguments, transport=Networked(cloud), **options).client.get_backends()
        ((_, url, headers, _, _),) = cloud.requests
        return headers["Authorization"], url

    return sent


def test_the_key_is_the_argument_then_the_variable(sent, monkeypatch):
    monkeypatch.setenv("IONQ_API_KEY", "from-environment")
    assert sent("given")[0] == "apiKey given"
    assert sent()[0] == "apiKey from-environment"


def test_the_url_is_the_argument_then_the_variable_then_the_real_service(sent, monkeypatch):
    assert sent("k")[1] == "https://api.ionq.co/v0.4/backends"
    monkeypatch.setenv("IONQ_API_URL", "http://127.0.0.1:81/v0.4/")
    assert sent("k")[1] == "http://127.0.0.1:81/v0.4/backends"
    assert sent("k", "http://127.0.0.1:82/v0.4")[1] == "http://127.0.0.1:82/v0.4/backends"


def test_white_space_around_a_key_is_dropped(sent):
    assert sent(f"  {KEY}\n")[0] == f"apiKey {KEY}"


@pytest.mark.parametrize("empty", [None, "", "  \n"])
def test_no_key_says_where_to_put_one(monkeypatch, empty):
    if empty is not None:
        monkeypatch.setenv("IONQ_API_KEY", empty)
    provider = IonQProvider()
    with pytest.raises(errors.IonQCredentialsError, match="set IONQ_API_KEY") as caught:
        _ = provider.client
    assert "transport='fake'" in str(caught.value)
    assert "that is not the name" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["IONQ_API_TOKEN", "IONQ_KEY", "QISKIT_IONQ_API_TOKEN", "ionq_api_key"]
)
def test_a_key_under_another_name_is_pointed_at_without_showing_it(monkeypatch, name):
    monkeypatch.setenv(name, KEY)
    with pytest.raises(errors.IonQCredentialsError, match=f"{name} is set, but that") as caught:
        _ = IonQProvider().client
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", ["ключ", "two\nlines", "tab\tbed"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key):
    with pytest.raises(errors.IonQCredentialsError, match="characters") as caught:
        _ = IonQProvider(key).client
    assert key not in str(caught.value)


def test_building_backends_and_circuits_needs_no_key():
    backend = IonQProvider().get_backend("qpu.forte-1")
    assert backend.target.num_qubits == 36


def test_a_run_without_a_key_ends_before_anything_is_sent(bell):
    with pytest.raises(errors.IonQCredentialsError):
        IonQProvider().get_backend("simulator").run(bell)


@pytest.mark.parametrize(
    "url",
    [
        "api.ionq.co/v0.4",
        "ftp://api.ionq.co",
        "http://",
        "http://[::1",
        "http://host:port/",
        "http://ex ample/v0.4",
        "http://host/v0.4?x=1",
        "http://host/v0.4#there",
        f"http://user:{KEY}@host/v0.4",
        f"http://{KEY}@host/v0.4",
        KEY,
    ],
)
def test_what_is_no_url_is_refused_without_showing_it(monkeypatch, url):
    for give in (lambda: IonQProvider("k", url), lambda: IonQProvider("k")):
        with pytest.raises(errors.IonQCredentialsError, match="IONQ_API_URL") as caught:
            give()
        assert KEY not in str(caught.value)
        monkeypatch.setenv("IONQ_API_URL", url)


@pytest.mark.parametrize(
    "url",
    [
        *("https://api.ionq.co", "https://api.ionq.co/", "https://API.IONQ.CO/v0.3"),
        *("https://api.ionq.co/v1/", "https://api.ionq.co./v0.40", "https://api.ionq.co:443/v0.3"),
    ],
)
def test_another_version_of_the_real_service_is_refused_at_once(monkeypatch, url):
    with pytest.raises(errors.IonQCredentialsError, match=r"use https://api\.ionq\.co/v0\.4"):
        IonQProvider("k", url)
    monkeypatch.setenv("IONQ_API_URL", url)
    with pytest.raises(errors.IonQCredentialsError, match="IONQ_API_URL"):
        IonQProvider("k")
    IonQProvider(transport="fake")


@pytest.mark.parametrize("url", ["https://gate.test/v0.3", "https://gate.test/ionq/v0.2/"])
def test_an_older_version_is_refused_on_any_host(url):
    with pytest.raises(errors.IonQCredentialsError, match=r"a URL that ends in /v0\.4"):
        IonQProvider("k", url)


@pytest.mark.parametrize(
    "url", ["https://gate.test", "https://gate.test/v0.40", "https://api.ionq.co.test/v1"]
)
def test_a_gateway_may_have_any_path(url):
    IonQProvider("k", url).close()


@pytest.mark.parametrize("url", [123, ["http://host"], b"http://host"])
def test_a_url_of_another_type_is_refused(url):
    with pytest.raises(errors.IonQCredentialsError):
        IonQProvider("k", url)


@pytest.mark.parametrize("token", [123, b"key", ["key"]])
def test_a_key_of_another_type_is_refused_without_showing_it(token):
    with pytest.raises(errors.IonQCredentialsError, match="is a str, not") as caught:
        IonQProvider(token)
    assert "123" not in str(caught.value)


def test_white_space_around_a_url_is_dropped(sent):
    assert sent("k", " http://127.0.0.1:81/v0.4/\n")[1] == "http://127.0.0.1:81/v0.4/backends"


@pytest.mark.parametrize("url", ["https://a..b/v0.4", f"https://{'x' * 70}/v0.4"])
def test_a_host_that_cannot_be_is_a_connection_error(bell, url):
    with (
        IonQProvider("k", url) as provider,
        pytest.raises(errors.IonQConnectionError, match="was not reached") as caught,
    ):
        provider.get_backend("simulator").run(bell)
    assert "taken effect" not in str(caught.value)


def test_an_unreachable_url_says_so(bell, instant_clock):
    with (
        IonQProvider("k", "http://127.0.0.1:9/v0.4", clock=instant_clock) as provider,
        pytest.raises(
            errors.IonQConnectionError, match=r"http://127\.0\.0\.1:9/v0\.4 was not reached"
        ) as caught,
    ):
        provider.get_backend("simulator").run(bell)
    # Nothing was sent, so there is nothing to look for.
    assert "taken effect" not in str(caught.value)


# --- transports ------------------------------------------------------------------------------


def test_the_fake_needs_neither_key_nor_network(bell, monkeypatch):
    monkeypatch.setenv("IONQ_TRANSPORT", " FAKE")
    monkeypatch.setenv("IONQ_API_KEY", KEY)
    monkeypatch.setenv("IONQ_API_URL", "not a url")
    counts = IonQProvider().get_backend("ionq_simulator").run(bell, shots=10).get_counts()
    assert sum(counts.values()) == 10


def test_a_job_on_the_fake_is_retrieved_through_another_provider(bell):
    job = IonQProvider(transport="fake").get_backend("simulator").run(bell)
    again = IonQProvider(transport="fake").get_backend("simulator").retrieve_job(job.job_id())
    assert again.get_counts() == job.get_counts()


def test_a_key_of_the_environment_is_not_given_to_a_cloud_in_this_process(scripted, monkeypatch):
    monkeypatch.setenv("IONQ_API_KEY", KEY)
    monkeypatch.setenv("IONQ_API_URL", "http://elsewhere/")
    cloud = scripted((200, []))
    IonQProvider(transport=InProcessTransport(cloud)).client.get_backends()
    assert KEY not in str(cloud.requests)
    assert cloud.requests[0][1] == "https://api.ionq.co/v0.4/backends"


def test_the_argument_wins_over_the_variable(monkeypatch):
    monkeypatch.setenv("IONQ_TRANSPORT", "fake")
    with IonQProvider("k", transport="http") as provider:
        assert isinstance(provider.client.transport.inner, HttpTransport)


@pytest.mark.parametrize(
    ("transport", "complaint"),
    [
        ("htpp", "in a file. Did you mean 'http'"),
        ("carrier pigeon", "'http' or 'fake'"),
        (FakeIonQ(), r"Wrap it: InProcessTransport\("),
        (42, "int is no transport"),
        (HttpTransport, "The class HttpTransport is no transport"),
    ],
)
def test_what_is_no_transport_is_refused(transport, complaint):
    with pytest.raises(errors.IonQClientError, match=complaint):
        IonQProvider(transport=transport)


def test_a_misspelt_variable_value_is_refused(monkeypatch):
    monkeypatch.setenv("IONQ_TRANSPORT", "fak")
    with pytest.raises(errors.IonQClientError, match="Did you mean 'fake'"):
        IonQProvider()


def test_a_missing_extra_is_named():
    script = (
        "import sys\n"
        "for name in ('h11', 'openqasm3', 'psutil', 'qiskit_aer', 'werkzeug'):\n"
        "    sys.modules[name] = None\n"
        "from ionq_toolkit import IonQProvider, errors\n"
        "try: IonQProvider(transport='fake')\n"
        "except errors.IonQClientError as error: print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install 'ionq-toolkit[fake]'" in out.stdout


# --- backends --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("ionq_simulator", "ionq_simulator"),
        ("simulator", "ionq_simulator"),
        ("Simulator", "ionq_simulator"),
        ("forte-1", "ionq_qpu.forte-1"),
        ("qpu.forte-1", "ionq_qpu.forte-1"),
        ("ionq_qpu.forte-1", "ionq_qpu.forte-1"),
        ("IONQ_QPU.FORTE-ENTERPRISE-1", "ionq_qpu.forte-enterprise-1"),
    ],
)
def test_customary_names_are_understood(provider, name, full):
    assert provider.get_backend(name).name == full


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("qpu.fort-1", "'forte-1'"),
        ("simulater", "'simulator'"),
        ("ionq_simulatorXYZ", "'simulator'"),
    ],
)
def test_unknown_names_are_refused_with_a_suggestion(provider, name, suggestion):
    with pytest.raises(errors.IonQBackendNotFoundError, match=f"Did you mean.*{suggestion}"):
        provider.get_backend(name)


@pytest.mark.parametrize("name", [None, 5, b"simulator"])
def test_a_name_of_another_type_is_refused(provider, name):
    with pytest.raises(errors.IonQBackendNotFoundError, match="is a str"):
        provider.get_backend(name)


@pytest.mark.parametrize("name", ["", "qpu", "ibm_torino"])
def test_unknown_names_are_told_what_there_is(provider, name):
    with pytest.raises(
        errors.IonQBackendNotFoundError, match=r"There are: ionq_simulator, ionq_qpu"
    ):
        provider.get_backend(name)


TEMPO = {
    "backend": "qpu.tempo-1",
    "status": "available",
    "qubits": 5,
    "supported_native_gates": ["gpi", "gpi2", "zz", "a-gate-of-next-year"],
}
TEMPO_PATH = "/backends/qpu.tempo-1/characterizations?limit=1"


def test_a_qpu_that_only_the_service_knows_can_be_used(scripted):
    # The fields are those of GET /backends of v0.4; that Tempo connects few pairs, of its record.
    routes = {
        "/backends": [{"backend": "simulator", "qubits": 29}, TEMPO],
        TEMPO_PATH: {"characterizations": [{"connectivity": [[0, 1], [2, 1], [2, 3], [3, 4]]}]},
        "/jobs": (201, {"id": "job-7", "status": "submitted"}),
        "/jobs/job-7": {"id": "job-7", "status": "running", "backend": "qpu.tempo-1"},
    }
    cloud = scripted(routes={**routes, "/backends": (200, routes["/backends"])})
    provider = IonQProvider(transport=InProcessTransport(cloud))
    backend = provider.get_backend("tempo-1", gateset="native")
    assert (backend.name, backend.num_qubits) == ("ionq_qpu.tempo-1", 5)
    assert backend.api_name == "qpu.tempo-1"
    assert set(backend.coupling_map.get_edges()) >= {(0, 1), (1, 2), (2, 3), (3, 4)}
    assert (0, 2) not in backend.coupling_map.get_edges()
    assert "zz" in backend.operation_names
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 2)
    circuit.measure_all()
    job = backend.run(transpile(circuit, backend), shots=10)
    assert job.job_id() == "job-7"
    assert provider.get_backend("ionq_qpu.Tempo-1").retrieve_job("job-7").status().name == "RUNNING"
    assert cloud.asked.count("/backends") == 2  # once for each way to write the name


def test_a_new_qpu_without_a_characterization_connects_all_pairs(scripted):
    routes = {"/backends": (200, [TEMPO]), TEMPO_PATH: {"characterizations": None}}
    provider = IonQProvider(transport=InProcessTransport(scripted(routes=routes)))
    assert provider.get_backend("tempo-1").device.connectivity is None
    with pytest.raises(errors.IonQBackendNotFoundError, match="There are"):
        provider.get_backend("tempo-2")


def test_an_unknown_name_says_why_the_service_was_not_asked(monkeypatch):
    monkeypatch.delenv("IONQ_API_KEY", raising=False)
    with pytest.raises(errors.IonQBackendNotFoundError, match=r"not asked.*set IONQ_API_KEY"):
        IonQProvider().get_backend("tempo-1")


def test_all_backends_are_listed_and_each_is_found_by_its_name(provider):
    names = [backend.name for backend in provider.backends()]
    assert "ionq_simulator" in names
    assert [provider.get_backend(name).name for name in names] == names
    assert all(isinstance(backend, IonQBackend) for backend in provider.backends())


def test_backends_can_be_filtered_by_name_attribute_and_function(provider):
    def names(*arguments, **options):
        return [backend.name for backend in provider.backends(*arguments, **options)]

    assert names("forte-1") == ["ionq_qpu.forte-1"]
    assert names("ibm_torino") == []
    assert names(simulator=True) == ["ionq_simulator"]
    assert names(filters=lambda backend: backend.simulator) == ["ionq_simulator"]
    assert names("simulator", simulator=False) == []
    assert "ionq_simulator" not in names(num_qubits=36)
    assert len(names(num_qubits=36)) == len(names()) - 1


def test_a_filter_by_what_backends_do_not_have_is_refused(provider):
    with pytest.raises(errors.IonQBackendError, match="no attribute 'simulater'"):
        provider.backends(simulater=True)


def test_a_backend_is_had_in_either_gateset(provider):
    assert provider.get_backend("simulator").gateset() == "qis"
    native = provider.get_backend("simulator", gateset="native")
    assert native.gateset() == "native"
    assert "native" in repr(native)
    with pytest.raises(errors.IonQBackendError, match=r"qis, native.*Did you mean 'native'\?"):
        provider.get_backend("simulator", gateset="nativ")


def test_backends_are_equal_by_name_gateset_and_service():
    cloud = FakeIonQ()
    here, there = (IonQProvider(transport=InProcessTransport(cloud)) for _ in range(2))
    elsewhere = IonQProvider(transport=InProcessTransport(FakeIonQ()))
    forte = here.get_backend("forte-1")

    assert forte == there.get_backend("ionq_qpu.forte-1")
    assert hash(forte) == hash(there.get_backend("ionq_qpu.forte-1"))
    others = [
        here.get_backend("simulator"),
        here.get_backend("forte-1", gateset="native"),
        elsewhere.get_backend("forte-1"),
        "ionq_qpu.forte-1",
    ]
    assert forte not in others


def test_backends_of_one_url_are_equal_and_of_another_are_not():
    with (
        IonQProvider("k") as here,
        IonQProvider("other") as there,
        IonQProvider("k", "http://127.0.0.1:9/v0.4") as local,
    ):
        first, second, third = (p.get_backend("simulator") for p in (here, there, local))
    assert first == second
    assert first != third


def test_no_repr_or_log_shows_the_key(caplog, bell):
    caplog.set_level(logging.DEBUG)
    provider = IonQProvider(KEY, transport=InProcessTransport(FakeIonQ()))
    job = provider.get_backend("simulator").run(bell)
    job.result()
    shown = [repr(thing) for thing in (provider, provider.client, job, job.backend())]
    assert not [text for text in [*shown, caplog.text] if KEY in text]


def test_seed_may_be_a_number_of_numpy():
    providers = [IonQProvider(transport="fake", seed=seed) for seed in (3, np.int64(3))]
    seeds = [provider.service.draw_seed() for provider in providers]
    assert seeds[0] == seeds[1]


def test_find_submission_takes_no_longer_than_its_timeout(instant_clock, bell):
    cloud = FakeIonQ(seed=1)
    job = IonQProvider(transport=InProcessTransport(cloud)).get_backend("simulator").run(bell)

    class Hanging(InProcessTransport):
        def send(self, method, url, headers, body, timeout):
            if job.job_id() in url:
                instant_clock.sleep(timeout)
                raise TimeoutError
            return super().send(method, url, headers, body, timeout)

    provider = IonQProvider(transport=Hanging(cloud), clock=instant_clock)
    with pytest.raises(errors.IonQConnectionError):
        provider.find_submission(job.submission_tag, timeout=5)
    assert instant_clock.time <= 5.1


# --- the QPU with the shortest queue ---------------------------------------------------------


LISTING = [
    {"backend": "simulator", "status": "available", "qubits": 29, "average_queue_time": 0},
    {"backend": "qpu.forte-1", "status": "available", "qubits": 36, "average_queue_time": 900},
    {"backend": "qpu.forte-enterprise-1", "status": "unavailable", "average_queue_time": 1},
    {"backend": "qpu.aria-1", "status": "available", "qubits": 25, "average_queue_time": 20},
    {"backend": "qpu.forte-enterprise-2", "status": "available", "qubits": 36},
]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "ionq_qpu.aria-1"),
        ({"min_num_qubits": 30}, "ionq_qpu.forte-1"),
        ({"filters": lambda b: "enterprise" in b.name}, "ionq_qpu.forte-enterprise-2"),
    ],
)
def test_least_busy_is_the_available_qpu_with_the_shortest_queue(scripted, given, name):
    provider = IonQProvider(transport=InProcessTransport(scripted(LISTING)))
    assert provider.least_busy(**given).name == name


def test_least_busy_without_a_qpu_says_so(scripted):
    provider = IonQProvider(transport=InProcessTransport(scripted(LISTING)))
    with pytest.raises(errors.IonQBackendNotFoundError, match="of 5 backends, 0 take jobs"):
        provider.least_busy(min_num_qubits=99)


def test_backend_is_get_backend(provider):
    assert provider.backend("forte-1", "native") == provider.get_backend("forte-1", "native")
