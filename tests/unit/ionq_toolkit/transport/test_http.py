"""The HTTP transport over a real socket, against a server of the standard library."""

import contextlib
import functools
import gc
import gzip
import io
import os
import pickle
import socket
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import trustme
from urllib3.util import connection as urllib3_connection

from ionq_toolkit import HttpTransport, IonQJob, IonQProvider, errors
from ionq_toolkit.transport import (
    ReplyTooLargeError,
    RetryingTransport,
    UnusableURLError,
    base,
    http,
)


@functools.cache
def authority():
    """Return who signs the certificates of servers here, and is trusted by nobody else."""
    return trustme.CA()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers), self.client_address[1]))
        if self.path == "/silent":
            self.server.released.wait(30)
            return
        if self.path == "/drop":
            self.close_connection = True
            return
        status, body = (302, b"") if self.path == "/redirect" else (418, b"short and stout")
        self.send_response(status)
        self.send_header("Location", self.server.location)
        self.send_header("X-Request-Id", "r1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[::-1])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.seen, server.released, server.location = [], threading.Event(), "/elsewhere"
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def transport():
    transport = HttpTransport()
    yield transport
    transport.close()


def test_any_status_is_a_response(transport, server):
    response = transport.send("GET", server.url + "/x?a=1", {"K": "v"}, None, 5)
    assert (response.status, response.body) == (418, b"short and stout")
    assert response.header("x-request-ID") == "r1"
    assert response.header("absent") is None
    assert server.seen[0][0] == "/x?a=1"
    assert server.seen[0][1]["K"] == "v"


def test_a_body_is_sent_as_it_is(transport, server):
    assert transport.send("POST", server.url, {}, b"\x00\xffabc", 5).body == b"cba\xff\x00"


def test_connections_are_used_again(transport, server):
    for _ in range(3):
        transport.send("GET", server.url, {}, None, 5)
    assert len({port for _, _, port in server.seen}) == 1


def test_redirects_are_not_followed(transport, server):
    assert transport.send("GET", server.url + "/redirect", {}, None, 5).status == 302
    assert len(server.seen) == 1


def test_a_redirect_carries_the_key_to_no_other_host(transport, server):
    with socket.create_server(("127.0.0.1", 0)) as other:
        server.location = f"http://localhost:{other.getsockname()[1]}/steal"
        for method in ("GET", "POST"):
            headers = {"Authorization": "apiKey mine"}
            transport.send(method, server.url + "/redirect", headers, b"", 5)
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()  # nobody has come


def test_a_netrc_file_does_not_replace_the_key(transport, server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    transport.send("GET", server.url, {"Authorization": "apiKey mine"}, None, 5)
    assert server.seen[0][1]["Authorization"] == "apiKey mine"


def test_no_response_is_a_timeout(transport, server):
    with pytest.raises(TimeoutError):
        transport.send("GET", server.url + "/silent", {}, None, 0.05)


def test_a_dropped_connection_is_not_one_that_was_refused(transport, server):
    with pytest.raises(ConnectionError) as caught:
        transport.send("GET", server.url + "/drop", {}, None, 5)
    assert not isinstance(caught.value, ConnectionRefusedError)


NOWHERE = [
    *("http://a..b/", "https://a..b/", "http://exa mple/", "http://", "nothing", "ftp://a/"),
    *("http://[::1", "https://[x]/", "https://host:port/", ""),
]


@pytest.mark.parametrize("url", NOWHERE)
def test_an_invalid_url_is_an_unusable_url_error(transport, url):
    with pytest.raises(UnusableURLError):
        transport.send("GET", url, {}, None, 5)
    with pytest.raises(UnusableURLError):
        RetryingTransport(transport).send("GET", url, {}, None, 5)  # once: it would sleep


def test_a_refused_connection_is_a_connection_error(transport, server):
    # A port that was free a moment ago, and that nobody listens on.
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        port = other.server_port
    with pytest.raises(ConnectionRefusedError):
        transport.send("GET", f"http://127.0.0.1:{port}/", {}, None, 5)


def test_a_transport_that_is_dropped_closes_its_connections(server):
    transport = HttpTransport()
    transport.send("GET", server.url, {}, None, 5)
    del transport
    gc.collect()  # an open socket would be a ResourceWarning here, which fails the test


def test_a_session_of_the_caller_is_used():
    class Session(requests.Session):
        def request(self, method, url, **options):
            raise requests.exceptions.SSLError(f"no certificate for {method} {url}")

    with Session() as session, pytest.raises(ConnectionError, match="no certificate for GET u"):
        HttpTransport(session).send("GET", "u", {}, None, 1)


# --- one deadline ----------------------------------------------------------------------------


@pytest.fixture
def trusted(monkeypatch, tmp_path):
    """Let requests trust the servers here."""
    path = tmp_path / "authority.pem"
    authority().cert_pem.write_to_path(path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))


@contextlib.contextmanager
def speaking(*parts, forever=b"", tls=False, answers=1):
    """Listen on a port; send these parts to who asks, then one more again and again."""
    stopped = threading.Event()
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if tls:
        authority().issue_cert("127.0.0.1").configure_cert(secure)

    def speak():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, contextlib.suppress(OSError):
                    answer(client)

    def answer(plain):
        client = secure.wrap_socket(plain, server_side=True) if tls else plain
        with client:
            for _ in range(answers):
                client.recv(65536)
                for part in parts:
                    client.sendall(part)
            while forever and not stopped.wait(0.02):
                client.sendall(forever)
            client.shutdown(socket.SHUT_RDWR)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=speak)
        thread.start()
        try:
            yield f"http{'s' * tls}://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            stopped.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


HEAD = b"HTTP/1.1 200 OK\r\n"

DRIPS = {
    "status line": ([b"HTTP/1.1 200 O"], b"K"),
    "a header": ([HEAD + b"A: "], b"b"),
    "headers": ([HEAD], b"A: b\r\n"),
    "body": ([HEAD + b"Content-Length: 100000000\r\n\r\n"], b"x"),
    "body to the end": ([HEAD + b"\r\n"], b"x"),
    "chunks": ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n"], b"1\r\nx\r\n"),
    "size of a chunk": ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n"], b"0"),
    "compressed": (
        [HEAD + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"")[:10]],
        b"\x00\x00\x00\xff\xff",
    ),
}


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("drip", DRIPS)
def test_a_reply_that_drips_ends_in_time(drip, own):
    """Each part comes well within the time; a timeout of each would never come."""
    parts, forever = DRIPS[drip]
    with speaking(*parts, forever=forever) as url, requests.Session() as session:
        transport = HttpTransport(None if own else session)
        with pytest.raises(TimeoutError):
            transport.send("GET", url, {}, None, 0.3)
        transport.close()


@pytest.mark.slow
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("drip", ["status line", "headers", "body", "chunks"])
def test_a_reply_that_drips_through_tls_ends_in_time(transport, drip):
    parts, forever = DRIPS[drip]
    with (
        speaking(*parts, forever=forever, tls=True) as url,
        pytest.raises(TimeoutError),
    ):
        transport.send("GET", url, {}, None, 0.5)


@pytest.mark.usefixtures("trusted")
def test_replies_come_through_tls_over_connections_that_are_kept(transport):
    once = HEAD + b"Content-Length: 2\r\n\r\nok"
    with speaking(once, tls=True, answers=2) as url:
        for _ in range(2):
            assert transport.send("GET", url, {}, None, 5).body == b"ok"
        pools = transport._session.get_adapter(url).poolmanager.pools
        (pool,) = (pools[key] for key in pools.keys())  # noqa: SIM118 - it is no dict
        assert (pool.num_requests, pool.num_connections) == (2, 1)


def test_an_untrusted_certificate_is_rejected(transport, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with (
        speaking(HEAD + b"\r\n", tls=True) as url,
        pytest.raises(UnusableURLError, match="certificate"),
    ):
        transport.send("GET", url, {}, None, 5)


def test_a_proxy_that_drips_ends_in_time(transport, monkeypatch):
    with speaking(HEAD, forever=b"A: b\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with pytest.raises((ConnectionError, TimeoutError)):
            transport.send("GET", "https://api.ionq.test/", {}, None, 0.3)


def test_sending_a_body_obeys_the_deadline(transport):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(TimeoutError):
            transport.send("POST", url, {}, bytes(20_000_000), 0.2)


@pytest.mark.parametrize("drip", ["headers", "body"])
def test_a_wait_for_a_job_obeys_its_timeout_with_a_dripping_service(drip):
    parts, forever = DRIPS[drip]
    with (
        speaking(*parts, forever=forever) as url,
        IonQProvider("any-key", url) as provider,
        pytest.raises(errors.IonQJobTimeoutError),
    ):
        IonQJob(provider.get_backend("simulator"), "j").result(timeout=0.3)


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_timeout_of_zero_sends_nothing(transport, server, timeout):
    with pytest.raises(TimeoutError):
        transport.send("GET", server.url, {}, None, timeout)
    assert server.seen == []


class Ticking:
    """A clock that something else moves."""

    time = 50.0

    def monotonic(self):
        return self.time


@pytest.fixture
def no_route(monkeypatch):
    """Let a host have five addresses, at which nobody answers: each takes all of its time."""
    clock, asked = Ticking(), []

    def create_connection(address, timeout, **options):
        asked.append((address[0], timeout))
        clock.time += min(timeout, 3)
        raise TimeoutError("no answer")

    def getaddrinfo(*arguments, **options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"10.0.0.{n}", 80)) for n in range(5)]

    monkeypatch.setattr(urllib3_connection, "create_connection", create_connection)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return clock, asked


def test_all_addresses_of_a_host_share_the_time(transport, no_route):
    transport._clock, asked = no_route
    with pytest.raises(ConnectionRefusedError):
        transport.send("GET", "https://api.ionq.test/", {}, None, 10)
    assert [timeout for _, timeout in asked] == [10, 7, 4, 1]
    assert transport._clock.time == 60


def test_addresses_are_tried_by_turns(transport, no_route):
    transport._clock, asked = no_route
    with pytest.raises(ConnectionRefusedError):
        transport.send("GET", "https://api.ionq.test/", {}, None, 100)
    assert [address for address, _ in asked] == [f"10.0.0.{n}" for n in range(5)]


def test_connecting_counts_towards_the_deadline(transport, monkeypatch):
    class Socket:
        def __init__(self):
            self.allowed = []

        def settimeout(self, seconds):
            self.timeout = seconds

        def sendall(self, data):
            self.allowed.append(self.timeout)
            transport._clock.time += 1

        def makefile(self, mode, buffering):
            self.allowed.append(self.timeout)
            return io.BytesIO(HEAD + b"Content-Length: 0\r\n\r\n")

        def close(self):
            pass

    def create_connection(address, timeout, **options):
        transport._clock.time += 4
        made.settimeout(timeout)
        return made

    made, transport._clock = Socket(), Ticking()
    monkeypatch.setattr(urllib3_connection, "create_connection", create_connection)
    assert transport.send("POST", "http://127.0.0.1:1/", {}, b"body", 10).status == 200
    assert made.allowed == [6, 5, 4]  # the headers, the body, the reply
    assert made.timeout == 4


def test_without_a_timeout_a_reply_may_take_any_time(transport, server):
    assert transport.send("GET", server.url, {}, None, None).status == 418


def test_a_connection_is_not_reused_after_a_timeout(transport, server):
    transport.send("GET", server.url, {}, None, 5)
    with pytest.raises(TimeoutError):
        transport.send("GET", server.url + "/silent", {}, None, 0.05)
    assert transport.send("GET", server.url, {}, None, 5).status == 418
    assert len({port for _, _, port in server.seen}) == 2


# --- replies ---------------------------------------------------------------------------------


def test_compressed_replies_are_read(transport):
    content = b'{"0": 0.5}' * 1000
    packed = gzip.compress(content)
    head = f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with speaking(HEAD + head, packed) as url:
        assert transport.send("GET", url, {}, None, 5).body == content


def test_requests_accept_compressed_responses(transport, server):
    transport.send("GET", server.url, {}, None, 5)
    assert "gzip" in server.seen[0][1]["Accept-Encoding"]


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD + b"Content-Length: 100\r\n\r\nabc"],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"],
        [HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"],
        [b"no HTTP at all\r\n\r\n"],
        [b""],
    ],
)
def test_a_reply_that_is_cut_off_or_garbled_is_a_broken_connection(transport, parts):
    with speaking(*parts) as url, pytest.raises(ConnectionError) as caught:
        transport.send("GET", url, {}, None, 5)
    assert not isinstance(caught.value, ConnectionRefusedError)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_reply_has_a_largest_size(transport, monkeypatch, compressed):
    monkeypatch.setattr(http, "MOST_REPLY_BYTES", 1_000_000)
    content = bytes(3_000_000)
    head = b"Content-Encoding: gzip\r\n\r\n" if compressed else b"\r\n"
    with (
        speaking(HEAD + head, gzip.compress(content) if compressed else content) as url,
        pytest.raises(ReplyTooLargeError, match="1,000,000 bytes"),
    ):
        transport.send("GET", url, {}, None, 5)


# --- threads and processes -------------------------------------------------------------------


@pytest.mark.slow
def test_threads_share_the_connections(transport, server):
    def ask(number):
        return transport.send("POST", server.url, {}, f"<{number}>".encode(), 10).body

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(ask, range(200)))
    assert replies == [f"<{number}>".encode()[::-1] for number in range(200)]
    pools = transport._session.get_adapter(server.url).poolmanager.pools
    (pool,) = (pools[key] for key in pools.keys())  # noqa: SIM118 - it is no dict
    assert pool.num_requests == 200
    assert pool.num_connections <= 8


FORK = """
import os, sys
import requests
from ionq_toolkit import HttpTransport

url, own = sys.argv[1:]
with requests.Session() as session:
    transport = HttpTransport(None if own == "own" else session)
    transport.send("GET", url + "/parent", {}, None, 5)
    child = os.fork()
    if child == 0:
        for _ in range(2):
            transport.send("GET", url + "/child", {}, None, 5)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    transport.send("GET", url + "/parent", {}, None, 5)
    transport.close()
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.parametrize("own", ["own", "given"])
def test_a_forked_process_has_connections_of_its_own(server, own):
    # In a process of its own: a lock that another thread holds at a fork is held for ever.
    done = subprocess.run(
        [sys.executable, "-c", FORK, server.url, own],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    ports = {path: {port for p, _, port in server.seen if p == path} for path, *_ in server.seen}
    assert len(ports["/parent"]) == len(ports["/child"]) == 1
    assert ports["/parent"] != ports["/child"]


def test_a_transport_can_be_pickled_and_then_has_connections_of_its_own(transport, server):
    transport.send("GET", server.url, {}, None, 5)
    other = pickle.loads(pickle.dumps(transport))
    other.send("GET", server.url, {}, None, 5)
    other.close()
    assert len({port for _, _, port in server.seen}) == 2


# --- without TLS -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://api.ionq.co/v0.4",
        "HTTP://api.ionq.co/v0.4",
        "http://192.0.2.1:8080/",
        "http://[2001:db8::1]/",
        "http://127.0.0.1.example.test/",
        "http://localhost.example.test/",
        "http://notlocalhost/",
        "http://0.0.0.0/",
    ],
)
def test_rejects_other_machines_without_tls(url):
    class Session(requests.Session):
        sent = 0

        def request(self, *arguments, **options):
            self.sent += 1
            raise requests.ConnectionError

    with Session() as session:
        with pytest.raises(UnusableURLError, match="https://") as caught:
            HttpTransport(session).send("GET", url, {"Authorization": "apiKey k"}, None, 1)
        assert isinstance(caught.value, ConnectionRefusedError)
        assert session.sent == 0
        with pytest.raises(ConnectionError):
            HttpTransport(session, allow_insecure=True).send("GET", url, {}, None, 1)
        assert session.sent == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://api.ionq.co/v0.4",
        "http://127.0.0.1:8080/",
        "http://127.9.9.9/",
        "http://[::1]:8080/",
        "http://localhost/",
        "http://LOCALHOST/",
        "http://api.localhost/",
    ],
)
def test_tls_and_this_machine_are_not_insecure(url):
    assert not base.is_insecure(url)


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_requests_to_this_machine_bypass_proxies(transport, server, monkeypatch, name):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert transport.send("GET", server.url, {}, None, 2).status == 418
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_requests_without_tls_to_a_named_host_bypass_proxies(monkeypatch):
    """A proxy is another host, and it would read the key."""
    with (
        one_proxy(monkeypatch, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as seen,
        contextlib.closing(HttpTransport(allow_http="api.ionq.test")) as transport,
        pytest.raises(ConnectionError, match=r"api\.ionq\.test"),
    ):
        transport.send("GET", "http://api.ionq.test/v0.4", {"Authorization": "apiKey k"}, None, 10)
    assert seen == []


def test_a_proxy_of_the_environment_is_used_for_other_machines(transport, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with pytest.raises((ConnectionError, TimeoutError)):
            transport.send("GET", "https://api.ionq.test/", {"Authorization": "k"}, None, 0.2)
        proxy.setblocking(False)
        client, _ = proxy.accept()
        with client:
            sent = client.recv(65536)
    assert sent.startswith(b"CONNECT api.ionq.test:443 ")
    assert b"Authorization" not in sent


#: An environment, and one variable more, which changes the settings.
PROXY = {"HTTP_PROXY": "http://upper.test:1", "HTTPS_PROXY": "http://upper.test:1"}
ENVIRONMENTS = [
    ({}, "http_proxy", "http://one.test:1"),
    ({}, "https_proxy", "http://one.test:1"),
    ({}, "all_proxy", "http://one.test:1"),
    ({}, "HTTP_PROXY", "http://one.test:1"),
    ({}, "HTTPS_PROXY", "http://one.test:1"),
    ({}, "ALL_PROXY", "http://one.test:1"),
    (PROXY, "no_proxy", "example.test"),
    (PROXY, "NO_PROXY", "example.test"),
    (PROXY, "REQUEST_METHOD", "GET"),
    ({}, "REQUESTS_CA_BUNDLE", "/one.pem"),
    ({}, "CURL_CA_BUNDLE", "/one.pem"),
]


@pytest.mark.parametrize(("before", "name", "value"), ENVIRONMENTS)
def test_settings_follow_each_variable_of_the_environment(monkeypatch, before, name, value):
    """They are those of `requests`, which reads all of the environment for each request."""
    for variable in http._VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable, text in before.items():
        monkeypatch.setenv(variable, text)
    session, asked = http._Session(), ("http://example.test:8080/a", {}, True, None, None)
    first = session.merge_environment_settings(*asked)
    monkeypatch.setenv(name, value)
    for _ in range(2):
        found = session.merge_environment_settings("http://example.test:8080/b", {}, *asked[2:])
        assert found == requests.Session().merge_environment_settings(*asked[:1], {}, *asked[2:])
        assert found != first
        found["proxies"]["https"] = found["verify"] = "changed by the caller"
    monkeypatch.delenv(name)
    assert session.merge_environment_settings(*asked[:1], {}, *asked[2:]) == first


def test_settings_follow_the_session_and_the_address(monkeypatch):
    for name in http._VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", "http://one.test:1")
    monkeypatch.setenv("no_proxy", "other.test")
    session = http._Session()
    for url, expected in (
        ("https://example.test/", {"all": "http://one.test:1", "no": "other.test"}),
        ("https://other.test/", {}),
        ("https://example.test:1/", {"all": "http://one.test:1", "no": "other.test"}),
    ):
        settings = session.merge_environment_settings(url, {}, True, None, None)
        assert settings["proxies"] == expected
    session.proxies["https"] = "http://mine.test:1"
    settings = session.merge_environment_settings("https://example.test:1/", {}, True, None, None)
    assert settings["proxies"] == {**expected, "https": "http://mine.test:1"}


def test_settings_of_the_system_are_read_for_each_request(monkeypatch):
    found = iter([{"https": "http://one.test:1"}, {"https": "http://two.test:1"}])
    for module in (http, requests.utils):
        monkeypatch.setattr(module, "getproxies", lambda: next(found))
    session = http._Session()
    for name in ("one", "two"):
        settings = session.merge_environment_settings("https://a.test/", {}, True, None, None)
        assert settings["proxies"] == {"https": f"http://{name}.test:1"}


def test_an_error_carries_no_headers(transport, server):
    with pytest.raises(ConnectionError) as caught:
        transport.send("GET", server.url + "/drop", {"Authorization": "apiKey mine"}, None, 5)
    assert isinstance(caught.value.__cause__, requests.RequestException)
    assert not caught.value.__cause__.request.headers


@contextlib.contextmanager
def one_proxy(monkeypatch, answer):
    """Serve one proxy, which reads whole requests, counts them, answers and closes."""
    seen = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(10)
                    head, _, body = (data := connection.recv(65536)).partition(b"\r\n\r\n")
                    while b"Content-Length: 6" in head and len(body) < 6:
                        body += connection.recv(65536)
                    seen.append(data.split(b" ")[0])
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{listener.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield seen
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_proxy_that_breaks_off_after_the_request_may_have_passed_it_on(monkeypatch):
    with (
        one_proxy(monkeypatch, b"") as seen,
        contextlib.closing(HttpTransport(allow_insecure=True)) as transport,
        pytest.raises(ConnectionError) as caught,
    ):
        transport.send("POST", "http://api.ionq.test/v0.4/jobs", {}, b"{body}", 10)
    assert not isinstance(caught.value, ConnectionRefusedError)
    assert seen == [b"POST"]


def test_proxy_that_refuses_to_connect_has_passed_nothing_on(monkeypatch):
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with (
        one_proxy(monkeypatch, answer) as seen,
        contextlib.closing(HttpTransport()) as transport,
        pytest.raises(ConnectionRefusedError),
    ):
        transport.send("POST", "https://api.ionq.test/v0.4/jobs", {}, b"{body}", 10)
    assert seen == [b"CONNECT"]
