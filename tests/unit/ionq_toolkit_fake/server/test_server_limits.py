"""Limits and timeouts of a server: what it refuses, what it says, and that it goes on."""

import contextlib
import http.client
import json
import logging
import socket
import ssl
import threading
from urllib.parse import urlsplit

import msgspec
import pytest
import trustme

from ionq_toolkit_fake import FakeIonQ, FakeServer
from ionq_toolkit_fake.api.responses import Response
from ionq_toolkit_fake.cli.serve import serve as serve_command
from ionq_toolkit_fake.faults.exchange import Exchange
from ionq_toolkit_fake.server import ServerLimits
from ionq_toolkit_fake.server.guard import Guard
from ionq_toolkit_fake.server.limits import OPTIONS
from ionq_toolkit_fake.server.logs import start_log
from ionq_toolkit_fake.server.tls import TlsFileError, tls_context

KEY = {"Authorization": "apiKey a-key-0123456789"}


@contextlib.contextmanager
def serving(cloud=None, **limits):
    with FakeServer(cloud or FakeIonQ(seed=1), limits=ServerLimits(**limits)) as server:
        yield server


def address(server):
    url = urlsplit(server.url)
    return url.hostname, url.port


def connected(server):
    return contextlib.closing(socket.create_connection(address(server), timeout=30))


def ask(server, method, path, body=None, headers=KEY):
    connection = http.client.HTTPConnection(*address(server), timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()


def rest(raw):
    received = b""
    while chunk := raw.recv(65536):
        received += chunk
    return received


def told(received):
    """Return the status and the message of a refusal."""
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), json.loads(body)["message"]


def blocked(cloud):
    """Let every request wait; return what says that one is there, and what lets them go on."""
    there, go, exchange = threading.Semaphore(0), threading.Event(), cloud.exchange

    def waits(*request):
        there.release()
        assert go.wait(30)
        return exchange(*request)

    cloud.exchange = waits
    return there, go


# --- timeouts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "limit", "option"),
    [
        (b"GET /v0.4/backends HTTP/1.1\r\nHost: loc", "head_s", "--head-seconds"),
        (
            b"PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
            "body_s",
            "--body-seconds",
        ),
    ],
    ids=["head", "body"],
)
def test_a_request_that_does_not_arrive_is_refused(sent, limit, option):
    with serving(**{limit: 0.05}) as server, connected(server) as raw:
        raw.sendall(sent)
        status, message = told(rest(raw))
        assert status == 408
        assert option in message
        assert ask(server, "GET", "/v0.4/backends")[0] == 200


@pytest.mark.parametrize("limits", [{"head_s": 0.05}, {"idle_s": 0.05}], ids=["new", "idle"])
def test_an_idle_connection_is_closed_without_a_word(limits):
    with serving(**limits) as server, connected(server) as raw:
        if "idle_s" in limits:
            raw.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert rest(raw).startswith(b"HTTP/1.1 200")
        else:
            assert rest(raw) == b""


def test_a_client_that_takes_nothing_is_disconnected_and_little_is_made_for_it():
    cloud, made = FakeIonQ(seed=1), []

    def endless():
        while True:
            made.append(1)
            yield b"x" * 2**20

    cloud.exchange = lambda *_: Exchange("", Response(200, {}, b"x"), rest=endless())
    with serving(cloud, send_s=0.1) as server, connected(server) as raw:
        raw.sendall(b"GET /v0.4/backends HTTP/1.1\r\nHost: localhost\r\n\r\n")
        raw.recv(1)
        while b'limit="send_s"} 1' not in ask(server, "GET", "/metrics")[2]:
            pass
        with contextlib.suppress(ConnectionResetError):
            rest(raw)
    assert len(made) < 64  # what the sockets hold


# --- limits ----------------------------------------------------------------------------------


def test_further_clients_are_told_to_come_back():
    with serving(connections=2) as server, connected(server) as first, connected(server) as second:
        for raw in (first, second):
            raw.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert raw.recv(15) == b"HTTP/1.1 200 OK"
        status, headers, body = ask(server, "GET", "/v0.4/backends")
        assert (status, headers["Retry-After"]) == (503, "1")
        assert "--max-connections" in json.loads(body)["message"]
        second.close()
        while ask(server, "GET", "/v0.4/backends")[0] != 200:
            pass  # until the server has noticed


def test_further_requests_are_told_to_come_back():
    cloud = FakeIonQ(seed=1)
    there, go = blocked(cloud)
    with serving(cloud, requests=1) as server:
        seen = []
        client = threading.Thread(
            target=lambda: seen.append(ask(server, "GET", "/v0.4/backends")[0])
        )
        client.start()
        assert there.acquire(timeout=30)
        status, headers, body = ask(server, "GET", "/v0.4/backends")
        assert (status, headers["Retry-After"]) == (503, "1")
        assert "--max-requests" in json.loads(body)["message"]
        go.set()
        client.join()
        assert seen == [200]
        assert ask(server, "GET", "/v0.4/backends")[0] == 200


def test_bodies_have_a_common_limit_and_it_is_free_again(job_body):
    body = json.dumps(job_body())
    with serving(body_bytes=1000) as server:
        for _ in range(3):
            status, headers, said = ask(server, "POST", "/v0.4/jobs", " " * 1000 + body)
            assert (status, headers["Retry-After"]) == (503, "1")
            assert "--max-body-bytes" in json.loads(said)["message"]
            assert ask(server, "POST", "/v0.4/jobs", body)[0] == 201
        assert b"\nionq_fake_body_bytes 0\n" in ask(server, "GET", "/metrics")[2]


@pytest.mark.parametrize(
    ("path", "headers", "status", "option"),
    [
        ("/v0.4/health?" + "a" * 100, {}, 414, "--max-path-bytes"),
        ("/health", {f"x-{n}": "1" for n in range(20)}, 431, "--max-headers"),
    ],
    ids=["path", "headers"],
)
def test_a_request_that_is_too_large_is_refused(path, headers, status, option):
    with serving(path_bytes=100, headers=10) as server:
        found, _, body = ask(server, "GET", path, headers=headers)
        assert found == status
        assert option in json.loads(body)["message"]
        assert ask(server, "GET", "/health")[0] == 200


def test_a_head_over_its_limit_says_how_to_raise_it():
    with serving(head_bytes=1000) as server, connected(server) as raw:
        raw.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 2000)
        status, message = told(rest(raw))
        assert status == 400
        assert "--max-head-bytes" in message


@pytest.mark.parametrize("name", ServerLimits._fields)
def test_each_limit_has_an_option_and_is_above_0(name):
    (option,) = (one for one in serve_command.params if one.name == name)
    assert option.opts == [OPTIONS[name]]
    assert option.default == getattr(ServerLimits(), name)
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=name):
            FakeServer(limits=ServerLimits(**{name: wrong}))


def test_want_of_file_descriptors_is_one_line_of_the_log(caplog):
    """The message is asyncio's: one for each client that it cannot accept."""
    with FakeServer() as server:
        context = {"message": "socket.accept() out of system resource", "exception": OSError(24)}
        for _ in range(1000):
            server._loop.call_soon_threadsafe(server._loop.call_exception_handler, context)
        assert ask(server, "GET", "/health")[0] == 200
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert "ulimit -n" in caplog.text


# --- the end of a server ---------------------------------------------------------------------


def test_requests_in_flight_are_answered_before_it_stops(job_body):
    cloud, seen = FakeIonQ(seed=1), []
    there, go = blocked(cloud)
    server = FakeServer(cloud)
    body = json.dumps(job_body())
    with server:
        client = threading.Thread(
            target=lambda: seen.append(ask(server, "POST", "/v0.4/jobs", body)[0])
        )
        client.start()
        assert there.acquire(timeout=30)
        stopping = threading.Thread(target=server.__exit__, args=(None, None, None))
        stopping.start()
        while True:  # until it takes no new clients
            try:
                socket.create_connection(address(server), timeout=30).close()
            except ConnectionError:  # refused, or reset while it closes
                break
        assert stopping.is_alive()
        go.set()
        stopping.join()
        client.join()
    assert seen == [201]
    assert len(cloud.jobs) == 1


def test_a_request_that_does_not_end_does_not_keep_it_from_stopping():
    cloud = FakeIonQ(seed=1)
    there, go = blocked(cloud)
    with serving(cloud, stop_s=0.05) as server, connected(server) as raw:
        raw.sendall(b"GET /v0.4/backends HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert there.acquire(timeout=30)
        server.__exit__(None, None, None)
        assert raw.recv(1) == b""
        go.set()


# --- large responses -------------------------------------------------------------------------


def large(cloud, job_body, qubits=15):
    body = json.dumps(job_body([{"gate": "h", "targets": list(range(qubits))}], qubits))
    made = json.loads(cloud.handle("POST", "/v0.4/jobs", KEY, body.encode()).body)["id"]
    return f"/v0.4/jobs/{made}/results/probabilities"


def test_a_large_response_is_sent_in_parts_and_is_the_same(cloud, job_body):
    path = large(cloud, job_body)
    with serving(cloud) as server:
        status, headers, body = ask(server, "GET", path)
    assert (status, headers["Transfer-Encoding"]) == (200, "chunked")
    assert body == cloud.handle("GET", path, KEY).body


def test_a_page_of_huge_jobs_is_sent_in_parts_and_is_the_same(cloud, job_body, monkeypatch):
    """Ten values of 40,000 characters, the most that IonQ keeps, in each of 25 jobs: 10 MB."""
    metadata = {f"key {n}": "\u00e4" * 39_000 for n in range(10)}
    body = json.dumps({**job_body(), "metadata": metadata}).encode()
    for _ in range(25):
        assert cloud.handle("POST", "/v0.4/jobs", KEY, body).status == 201
    written, encode = [], msgspec.json.encode

    def watched(found):
        written.append(len(encoded := encode(found)))
        return encoded

    monkeypatch.setattr("msgspec.json.encode", watched)
    with serving(cloud) as server:
        _, headers, body = ask(server, "GET", "/v0.4/jobs?limit=25")
    assert headers["Transfer-Encoding"] == "chunked"
    assert max(written) < 1_000_000 < len(body)  # at once, while no other thread runs
    assert body == cloud.handle("GET", "/v0.4/jobs?limit=25", KEY).body
    assert [job["metadata"] for job in json.loads(body)["jobs"]] == [metadata] * 25


def test_a_large_response_that_fails_in_the_middle_is_known_to_be_cut(cloud, caplog):
    def broken():
        yield b"1,"
        raise RuntimeError("in the middle")

    cloud.exchange = lambda *_: Exchange("", Response(200, {}, b"["), rest=broken())
    with serving(cloud) as server:
        with pytest.raises(http.client.IncompleteRead):
            ask(server, "GET", "/v0.4/backends")
        cloud.exchange = lambda *_: 1 / 0
        status, _, body = ask(server, "GET", "/v0.4/backends")
    assert status == json.loads(body)["statusCode"] == 500
    assert "in the middle" in caplog.text


# --- what an operator sees -------------------------------------------------------------------


def test_metrics_count_requests_and_show_the_cloud(cloud, job_body):
    with serving(cloud) as server:
        for _ in range(2):
            ask(server, "POST", "/v0.4/jobs", json.dumps(job_body()))
        ask(server, "GET", "/v0.4/none")
        ask(server, "GET", "/v0.4/whoami", headers={})
        status, headers, body = ask(server, "GET", "/metrics")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = body.decode().splitlines()
    for wanted in (
        'ionq_fake_http_requests_total{route="POST /v0.4/jobs",status="201"} 2',
        'ionq_fake_http_requests_total{route="GET /v0.4/whoami",status="401"} 1',
        'ionq_fake_http_requests_total{route="other",status="404"} 1',
        'ionq_fake_http_request_seconds_bucket{le="+Inf"} 4',
        "ionq_fake_http_request_seconds_count 4",
        "ionq_fake_connections 1",
        'ionq_fake_jobs{status="submitted"} 2',
        "ionq_fake_projects 1",
    ):
        assert wanted in lines, wanted
    samples = [line.split(" ")[0].split("{")[0] for line in lines if not line.startswith("#")]
    named = {line.split(" ")[2] for line in lines if line.startswith("# TYPE")}
    assert {name.removesuffix("_bucket").removesuffix("_sum") for name in samples} - named == {
        "ionq_fake_http_request_seconds_count"
    }


@pytest.mark.parametrize("path", ["/metrics", "/%6detrics", "/_console/jobs", "/%5Fconsole/jobs"])
def test_figures_need_the_token_where_other_machines_reach_them(path):
    guard = Guard("0.0.0.0", token="a-token")
    host = {"host": "192.0.2.7"}
    assert guard.refusal("GET", path, host).status == 401
    assert guard.refusal("GET", path, {**host, "authorization": "Bearer a-token"}) is None
    assert guard.refusal("GET", "/health", host) is None
    assert Guard("127.0.0.1").refusal("GET", path, {"host": "127.0.0.1"}) is None


def test_the_access_log_has_no_keys(caplog):
    key = KEY["Authorization"].split()[1]
    caplog.set_level(logging.INFO, "ionq_toolkit_fake.access")
    with serving() as server:
        ask(server, "GET", f"/v0.4/jobs/{key}?key={key}")
        ask(server, "GET", f"/v0.4/jobs/{key.replace('-', '%2D')}")
        ask(server, "GET", "/v0.4/jobs", headers={"Authorization": f"Bearer {key}"})
    lines = [one.getMessage() for one in caplog.records]
    assert len(lines) == 3
    assert lines[2].startswith('127.0.0.1 "GET /v0.4/jobs" 401 ')
    assert key[:8] not in caplog.text


@pytest.mark.parametrize(("level", "shown"), [("info", 1), ("warning", 0)])
def test_the_log_is_on_standard_error_once(level, shown, capsys):
    for shown_then in (shown, 0):
        end = start_log(level)
        if not shown_then:
            end()
        with serving() as server:
            ask(server, "GET", "/health")
        assert capsys.readouterr().err.count('INFO 127.0.0.1 "GET /health" 200 17 B ') == shown_then
        end()


# --- TLS -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    for name in ("cert", "other"):
        issued = authority.issue_cert("127.0.0.1", "localhost")
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        for pem in issued.cert_chain_pems:
            pem.write_to_path(folder / f"{name}.pem", append=True)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    (folder / "no.pem").write_text("no certificate")
    return folder


def test_it_speaks_tls_with_a_certificate_and_its_key(files):
    trusting = ssl.create_default_context(cafile=files / "ca.pem")
    with FakeServer(tls_cert=files / "cert.pem", tls_key=files / "cert.key") as server:
        assert server.url.startswith("https://127.0.0.1:")
        port = address(server)[1]
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=trusting)
        with contextlib.closing(connection):
            own = f"https://{server.url.split('/')[2]}"
            for origin, status in ((own, 200), (own.replace("https", "http"), 403)):
                connection.request("GET", "/v0.4/backends", headers={"Origin": origin})
                reply = connection.getresponse()
                assert (reply.status, bool(reply.read())) == (status, True)
        with connected(server) as raw:  # plain HTTP gets no answer
            raw.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert not rest(raw).startswith(b"HTTP")


@pytest.mark.parametrize(
    ("certificate", "key", "message"),
    [
        ("none.pem", "cert.key", "cannot read .*none.pem"),
        ("no.pem", "cert.key", "no certificate in PEM"),
        ("cert.pem", "other.key", "KEY_VALUES_MISMATCH"),
        ("cert.pem", None, "the key in it"),
    ],
)
def test_files_that_are_no_certificate_and_its_key_are_refused(files, certificate, key, message):
    with pytest.raises(TlsFileError, match=message):
        tls_context(files / certificate, key and files / key)
