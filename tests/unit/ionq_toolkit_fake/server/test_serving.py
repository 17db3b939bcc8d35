"""The socket: bytes in, bytes out."""

import asyncio
import gc
import http.client
import json
import socket
import struct
import subprocess
import sys
import threading

import pytest

from ionq_toolkit_fake import FakeIonQ, FakeServer

KEY = {"Authorization": "apiKey k"}


@pytest.fixture
def server(cloud):
    with FakeServer(cloud) as server:
        yield server


def address(server):
    host, port = server.url.removeprefix("http://").removesuffix("/v0.4").rsplit(":", 1)
    return host.strip("[]"), int(port)


@pytest.fixture
def connection(server):
    connection = http.client.HTTPConnection(*address(server), timeout=10)
    yield connection
    connection.close()


def exchange(server, data):
    """Send raw bytes and return all that comes back until the server closes."""
    with socket.create_connection(address(server), timeout=10) as raw:
        raw.sendall(data)
        raw.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := raw.recv(65536):
            received += chunk
    return received


def test_it_listens_on_loopback_and_says_where(server):
    assert server.url.startswith("http://127.0.0.1:")
    assert server.url.endswith("/v0.4")


def test_it_can_listen_on_the_other_loopback():
    with FakeServer(host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert exchange(server, b"GET /v0.4/backends HTTP/1.0\r\n\r\n").startswith(
            b"HTTP/1.1 200 OK"
        )


def test_one_connection_carries_many_requests(connection, job_body):
    connection.request("POST", "/v0.4/jobs", json.dumps(job_body()), KEY)
    reply = connection.getresponse()
    assert (reply.status, reply.reason) == (201, "Created")
    job_id = json.load(reply)["id"]
    before = connection.sock
    for path in (f"/v0.4/jobs/{job_id}", "/v0.4/none", "/v0.4/backends"):
        connection.request("GET", path, headers=KEY)
        connection.getresponse().read()
    assert connection.sock is before


def test_a_body_in_chunks_is_taken(connection, job_body):
    body = json.dumps(job_body()).encode()
    connection.request("POST", "/v0.4/jobs", iter([body[:10], body[10:]]), KEY, encode_chunked=True)
    assert connection.getresponse().status == 201


def test_a_client_that_asks_first_is_told_to_go_on(server, job_body):
    body = json.dumps(job_body()).encode()
    head = (
        b"POST /v0.4/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: apiKey k\r\n"
        b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    with socket.create_connection(address(server), timeout=10) as raw:
        raw.sendall(head)
        assert raw.recv(1000).startswith(b"HTTP/1.1 100")
        raw.sendall(body)
        assert raw.recv(1000).startswith(b"HTTP/1.1 201")


@pytest.mark.parametrize("path", ["/v0.4/backends", "/health", "/metrics", "/_fake/state"])
def test_head_has_the_headers_of_get_and_no_body(connection, path):
    """https://www.rfc-editor.org/rfc/rfc9110#name-head: the same fields, and no content."""
    seen = []
    for method in ("GET", "HEAD"):
        connection.request(method, path)
        reply = connection.getresponse()
        body = reply.read()
        seen.append((reply.status, reply.getheader("content-type"), bool(body)))
        assert int(reply.getheader("content-length")) > 0
    assert seen == [(200, seen[0][1], True), (200, seen[0][1], False)]
    connection.request("HEAD", "/v0.4/none")
    reply = connection.getresponse()
    assert (reply.status, reply.read()) == (404, b"")


@pytest.mark.parametrize(
    "data",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST /v0.4/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
        b"POST /v0.4/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
    ids=["request line", "header", "length", "chunk", "long line", "TLS"],
)
def test_server_answers_malformed_http_with_400(server, data):
    received = exchange(server, data)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request")
    assert json.loads(body)["statusCode"] == 400
    assert exchange(server, b"GET /v0.4/backends HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(server, cloud, job_body):
    body = json.dumps(job_body()).encode()
    head = b"POST /v0.4/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: apiKey k\r\n"
    half = head + b"Content-Length: %d\r\n\r\n" % len(body) + body[: len(body) // 2]
    exchange(server, half)
    assert len(cloud.jobs) == 0
    assert exchange(server, b"GET /v0.4/backends HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_clients_that_break_off_anywhere_are_no_error_of_the_loop(cloud, job_body):
    """An exception that nobody retrieves is reported to the loop's handler."""
    body = json.dumps(job_body()).encode()
    request = (
        b"POST /v0.4/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: apiKey k\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    complaints = []

    async def watched():
        asyncio.get_running_loop().set_exception_handler(lambda _, c: complaints.append(c))
        await plain()

    server = FakeServer(cloud)
    plain, server._serve = server._serve, watched
    with server:
        for length in range(1, len(request), 7):
            with socket.create_connection(address(server), timeout=10) as raw:
                # Closing with a reset, not with an orderly end.
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raw.sendall(request[:length] + (b"\x00junk\r\n\r\n" if length % 2 else b""))
        reply = exchange(server, b"GET /v0.4/backends HTTP/1.0\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 200")
    gc.collect()
    assert complaints == []


def test_a_server_can_be_entered_again(cloud):
    server = FakeServer(cloud)
    for _ in range(2):
        with server:
            assert exchange(server, b"GET /v0.4/backends HTTP/1.0\r\n\r\n")


def test_a_body_over_the_limit_is_refused_as_such(connection):
    connection.request("POST", "/v0.4/jobs", b" " * (12 * 1024 * 1024), KEY)
    reply = connection.getresponse()
    assert (reply.status, json.load(reply)["statusCode"]) == (413, 413)
    connection.request("GET", "/v0.4/backends")
    assert connection.getresponse().status == 200


def test_a_large_reply_arrives_whole(connection, job_body):
    qubits = 14
    gates = [{"gate": "h", "targets": list(range(qubits))}]
    connection.request("POST", "/v0.4/jobs", json.dumps(job_body(gates, qubits)), KEY)
    job_id = json.load(connection.getresponse())["id"]
    connection.request("GET", f"/v0.4/jobs/{job_id}/results/probabilities", headers=KEY)
    histogram = json.load(connection.getresponse())
    assert len(histogram) == 2**qubits
    assert sum(histogram.values()) == pytest.approx(1)


def test_many_clients_at_once(server, cloud, job_body):
    body, failures = json.dumps(job_body()), []

    def client():
        connection = http.client.HTTPConnection(*address(server), timeout=30)
        for _ in range(10):
            connection.request("POST", "/v0.4/jobs", body, KEY)
            if (reply := connection.getresponse()).status != 201:
                failures.append(reply.status)
            reply.read()
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(cloud.jobs) == 80


def test_when_it_ends_its_connections_end_and_its_port_is_free(cloud):
    with FakeServer(cloud) as server:
        host, port = address(server)
        idle = http.client.HTTPConnection(host, port, timeout=10)
        idle.request("GET", "/v0.4/backends")
        assert idle.getresponse().read()
    assert idle.sock.recv(1) == b""
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port), timeout=10)
    with FakeServer(cloud, port=port) as again:
        assert address(again) == (host, port)


def test_a_port_in_use_is_said_to_be(server):
    with pytest.raises(OSError, match="in use"), FakeServer(FakeIonQ(), port=address(server)[1]):
        pass


def test_what_a_server_needs_is_imported_when_it_starts():
    script = """
import sys, ionq_toolkit_fake
server = ionq_toolkit_fake.FakeServer()
needed = {"uvicorn", "starlette", "h11"}
print(needed & set(sys.modules))
with server:
    print(needed - set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["set()", "set()"]
