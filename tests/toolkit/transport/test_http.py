"""The HTTP transport over a real socket, against a server of the standard library."""

import gc
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from ionq_toolkit import HttpTransport


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
        self.send_header("Location", "/elsewhere")
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
        server.seen, server.released = [], threading.Event()
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


def test_a_netrc_file_does_not_replace_the_key(transport, server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    transport.send("GET", server.url, {"Authorization": "apiKey mine"}, None, 5)
    assert server.seen[0][1]["Authorization"] == "apiKey mine"


def test_silence_is_a_timeout(transport, server):
    with pytest.raises(TimeoutError):
        transport.send("GET", server.url + "/silent", {}, None, 0.05)


def test_a_dropped_connection_is_not_one_that_was_refused(transport, server):
    with pytest.raises(ConnectionError) as caught:
        transport.send("GET", server.url + "/drop", {}, None, 5)
    assert not isinstance(caught.value, ConnectionRefusedError)


@pytest.mark.parametrize("url", ["http://a..b/", "http://exa mple/", "http://", "nothing"])
def test_a_url_that_leads_nowhere_is_a_connection_error(transport, url):
    with pytest.raises(ConnectionRefusedError):
        transport.send("GET", url, {}, None, 5)


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
