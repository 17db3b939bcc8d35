"""What is for IonQ never leaves the process while a mock is active; what is for others does."""

import asyncio
import http.client
import socket
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
import requests
import urllib3

from ionq_toolkit_fake import FakeIonQ, UnansweredRequest, mock_ionq

URL = "https://api.ionq.co/v0.4"


@pytest.fixture(autouse=True)
def _nothing_is_looked_up(monkeypatch, tmp_path):
    """Fail where the network would begin."""
    # No certificate is needed, and httpx takes longer to read them than a test.
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    def refuse(*address):
        raise AssertionError(f"{address} was looked up")

    lookup = socket.getaddrinfo

    def loopback_only(host, *args, **options):
        return (lookup if host in {"127.0.0.1", "::1"} else refuse)(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", loopback_only)
    yield
    assert socket.getaddrinfo is loopback_only


def over_requests(url):
    return requests.get(url, timeout=5).status_code


def over_urllib3(url):
    return urllib3.PoolManager().request("GET", url).status


def over_httpx(url):
    return httpx.get(url).status_code


def over_httpx_asynchronously(url):
    async def get():
        async with httpx.AsyncClient() as client:
            return (await client.get(url)).status_code

    return asyncio.run(get())


INTERCEPTED = [over_requests, over_urllib3, over_httpx, over_httpx_asynchronously]


@pytest.fixture(params=INTERCEPTED)
def get(request):
    return request.param


@pytest.mark.parametrize(
    "url",
    [
        "https://api.ionq.co/v0.4",
        "http://api.ionq.co/v0.4",
        "https://API.ionq.co:443/v0.4",
        "http://api.ionq.co:8080/v0.4",
        "https://api.ionq.co./v0.4",
        "https://user:pw@api.ionq.co/v0.4",
    ],
)
def test_the_service_is_known_in_all_spellings(get, url):
    with mock_ionq():
        assert get(f"{url}/backends") == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hosts", "url"),
    [
        (["ionq.example"], "https://ionq.example/v0.4"),
        ("IonQ.example", "http://ionq.example:8443/v0.4"),
        (["other.example", "ionq.example:8443"], "https://ionq.example:8443/v0.4"),
        (["https://ionq.example/v0.4"], "https://ionq.example/v0.4"),
        (["http://[::1]:9/v0.4"], "http://[::1]:9/v0.4"),
    ],
)
def test_other_hosts_can_be_named(get, hosts, url):
    with mock_ionq(hosts=hosts):
        assert get(f"{url}/backends") == 200
        assert get(f"{URL}/backends") == 200


def test_a_host_with_a_port_is_that_port_alone(loopback):
    with mock_ionq(hosts="127.0.0.1:9"):
        assert over_requests("http://127.0.0.1:9/v0.4/backends") == 200
        assert over_requests(f"{loopback}/v0.4/backends") == 299


def test_the_innermost_scope_that_has_the_host_answers():
    with mock_ionq(hosts="ionq.example", seed=1) as outer, mock_ionq(seed=2):
        health = httpx.get("https://ionq.example/v0.4/backends")
    assert health.content == outer.handle("GET", "/v0.4/backends", {}).body


@pytest.mark.parametrize("host", ["", "https://", "a b", "ionq.example:port", "http://[::1"])
def test_what_is_no_host_is_refused(host):
    with pytest.raises(ValueError, match="is not a host"):
        mock_ionq(hosts=[host])


# --- calls that cannot be placed ---------------------------------------------------------------


def test_a_path_that_is_no_operation_says_what_is_near(get):
    with mock_ionq(), pytest.raises(UnansweredRequest) as caught:
        get(f"{URL}/jobs/617a1f8b-59d4-435d-aa33-695433d7155e/result/probabilities?key=secret")
    assert "GET /v0.4/jobs/617a1f8b-59d4-435d-aa33-695433d7155e/result/" in str(caught.value)
    first = str(caught.value).splitlines()[1]
    assert first.strip() == "GET /v0.4/jobs/<job_id>/results/probabilities"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("/v0.2/jobs", "GET /v0.4/jobs"),
        ("/v0.4/backend", "GET /v0.4/backends"),
        ("/v0.4/backends/simulator/characterisations", "characterizations"),
        ("/jobs", "GET /v0.4/jobs"),
        ("/", "GET /v0.4/"),
        ("/v0.4/jobs//cost", "GET /v0.4/jobs/<job_id>/cost"),
    ],
)
def test_what_is_near_is_found_for_many_mistakes(path, near):
    with mock_ionq(), pytest.raises(UnansweredRequest) as caught:
        over_requests(f"https://api.ionq.co{path}")
    assert near in str(caught.value).splitlines()[1]


def test_a_key_in_a_path_is_not_shown():
    headers = {"Authorization": "apiKey very-secret"}
    with mock_ionq(), pytest.raises(UnansweredRequest, match=r"/v0\.4/jobs") as caught:
        requests.get(f"{URL}/jbos/very-secret", headers=headers, timeout=5)
    assert "very-secret" not in str(caught.value)


def test_no_retry_layer_swallows_it():
    attempts = []

    def patient(url):
        for _ in range(3):
            attempts.append(url)
            try:
                return requests.get(url, timeout=5)
            except Exception:  # noqa: BLE001 - as many clients do
                continue
        return None

    session = requests.Session()
    session.mount("https://", requests.adapters.HTTPAdapter(max_retries=3))
    with mock_ionq():
        with pytest.raises(UnansweredRequest):
            patient(f"{URL}/jbos")
        with pytest.raises(UnansweredRequest):
            session.get(f"{URL}/jbos", timeout=5)
    assert len(attempts) == 1
    assert not issubclass(UnansweredRequest, Exception)


def test_without_strictness_it_is_answered_as_on_a_socket(get):
    with mock_ionq(strict=False):
        assert get(f"{URL}/jbos") == 404


@pytest.mark.parametrize("path", ["/jobs/unknown", "/jobs/a%2Fb", "/backends/qpu.none"])
def test_a_name_that_there_is_not_is_the_clouds_to_refuse(get, path):
    with mock_ionq(keys={"k": "mine"}):
        assert get(f"{URL}{path}") in {401, 404}


def test_a_method_that_a_path_does_not_have_is_the_clouds_to_refuse():
    with mock_ionq():
        assert requests.patch(f"{URL}/jobs", timeout=5).status_code == 404


# --- threads and other libraries ---------------------------------------------------------------


def caught_in_a_thread(function, *args):
    outcome = []

    def run():
        try:
            outcome.append(function(*args))
        except BaseException as error:  # noqa: BLE001 - handed to the test
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return outcome[0]


def test_a_thread_that_could_mean_several_clouds_reaches_none(get):
    with mock_ionq(FakeIonQ(seed=1)), mock_ionq(FakeIonQ(seed=2)):
        error = caught_in_a_thread(get, f"{URL}/backends")
    assert isinstance(error, UnansweredRequest)
    assert "Enter mock_ionq in the thread itself" in str(error)


def with_urllib(host, port):
    urllib.request.urlopen(f"https://{host}:{port}/v0.4/backends", timeout=5)


def with_http_client(host, port):
    http.client.HTTPSConnection(host, port, timeout=5).request("GET", "/v0.4/backends")


def with_a_socket(host, port):
    socket.create_connection((host.encode(), str(port)), timeout=5)


def with_asyncio(host, port):
    asyncio.run(asyncio.open_connection(host, port))


@pytest.mark.parametrize("other", [with_urllib, with_http_client, with_a_socket, with_asyncio])
@pytest.mark.parametrize("host", ["api.ionq.co", "API.IONQ.CO.", "ionq.example"])
def test_another_library_is_stopped_before_it_looks_up_the_host(other, host):
    with mock_ionq(hosts="ionq.example:443"):
        for error in (caught_in_a_thread(other, host, 443), _caught(other, host, 443)):
            assert isinstance(error, UnansweredRequest)
            assert "FakeServer" in str(error)


def _caught(function, *args):
    with pytest.raises(UnansweredRequest) as caught:
        function(*args)
    return caught.value


@pytest.fixture
def loopback():
    """Serve the status 299, which is nobody else's, and return the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(299)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_other_hosts_are_left_alone(get, loopback):
    with mock_ionq():
        assert get(f"{loopback}/?x=https://api.ionq.co/") == 299
        with urllib.request.urlopen(loopback, timeout=5) as reply:
            assert reply.status == 299


def test_a_request_for_ionq_by_a_proxy_is_answered_as_well(monkeypatch, loopback):
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, loopback)
    with mock_ionq():
        for scheme in ("http", "https"):
            url = f"{scheme}://api.ionq.co/v0.4/backends"
            assert over_requests(url) == over_httpx(url) == 200
        assert over_requests("http://ionq.example/") == over_httpx("http://ionq.example/") == 299


def test_transports_that_go_nowhere_are_left_alone():
    def mine(request):
        return httpx.Response(298)

    with mock_ionq(), httpx.Client(transport=httpx.MockTransport(mine)) as client:
        assert client.get(f"{URL}/backends").status_code == 298


def test_no_tunnel_of_a_proxy_leads_to_the_service(loopback):
    """urllib.request looks up the proxy only, which would see the host, and connect to it."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"https": loopback}))
    with mock_ionq(), pytest.raises(UnansweredRequest, match="that it does not intercept"):
        opener.open(f"{URL}/backends", timeout=5)


@pytest.mark.parametrize("host", ["cloud.ionq.co", "api-staging.ionq.co", "ionq.co"])
def test_all_hosts_of_ionq_are_closed(get, host):
    with mock_ionq():
        assert get(f"https://{host}/v0.4/backends") == 200


def test_a_host_that_only_ends_so_is_not_ionqs():
    with mock_ionq(), pytest.raises(AssertionError, match="was looked up"):
        socket.getaddrinfo("notionq.co", 443)
