"""Faults on the socket: the bytes, resets and silences that a client really meets."""

import contextlib
import errno
import http.client
import json
import socket
import threading

import pytest
import requests

from ionq_toolkit import HttpTransport
from ionq_toolkit_fake import FakeIonQ, FakeServer, faults
from ionq_toolkit_fake.clock import SystemClock, VirtualClock

KEY = {"Authorization": "apiKey k"}
JOB = json.dumps(
    {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "input": {"qubits": 1, "gateset": "qis", "circuit": [{"gate": "h", "target": 0}]},
    }
)


class Gate(VirtualClock):
    """A clock on which somebody who sleeps goes on when he is told to."""

    def __init__(self):
        super().__init__()
        self.asleep, self._go = threading.Semaphore(0), threading.Semaphore(0)

    def sleep(self, seconds):
        self.asleep.release()
        assert self._go.acquire(timeout=30)
        super().sleep(seconds)

    def wake(self):
        """Wait until somebody sleeps, and wake him."""
        assert self.asleep.acquire(timeout=30)
        self._go.release()


def watched(cloud):
    """Return a semaphore that counts the requests that the cloud has taken."""
    taken, exchange = threading.Semaphore(0), cloud.exchange

    def watched(*request):
        try:
            return exchange(*request)
        finally:
            taken.release()

    cloud.exchange = watched
    return taken


@pytest.fixture
def taken(cloud):
    return watched(cloud)


@pytest.fixture
def server(cloud):
    with FakeServer(cloud) as server:
        yield server


def address(server):
    host, port = server.url.removeprefix("http://").removesuffix("/v0.4").rsplit(":", 1)
    return host, int(port)


@contextlib.contextmanager
def submitted(server, timeout=30):
    """Send POST /jobs, and give the socket on which the answer comes."""
    with socket.create_connection(address(server), timeout=timeout) as raw:
        head = (
            "POST /v0.4/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: apiKey k\r\n"
            f"Content-Length: {len(JOB)}\r\n\r\n"
        )
        raw.sendall((head + JOB).encode())
        yield raw


def exactly(raw, size):
    """Return so many bytes."""
    received = b""
    while len(received) < size:
        received += raw.recv(size - len(received))
    return received


def rest(raw):
    """Return all that comes until the server closes."""
    received = b""
    while chunk := raw.recv(65536):
        received += chunk
    return received


def parts(received):
    """Return the value of Content-Length and the body."""
    head, _, body = received.partition(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
    return int(fields[b"content-length"]), body


# --- resets and refusals ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "jobs"),
    [(faults.reset(), 0), (faults.refused(), 0), (faults.lost_answer(), 1)],
    ids=repr,
)
def test_a_reset_is_one(fault, jobs, server, cloud):
    cloud.faults.add(fault, times=1)
    with submitted(server) as raw, pytest.raises(ConnectionResetError) as caught:
        raw.recv(1)
    assert caught.value.errno == errno.ECONNRESET
    assert len(cloud.jobs) == jobs
    with submitted(server) as raw:
        assert raw.recv(12) == b"HTTP/1.1 201"


def test_requests_and_http_client_see_the_reset(server, cloud):
    cloud.faults.add(faults.reset(), times=2)
    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        requests.post(server.url + "/jobs", JOB, headers=KEY, timeout=30)
    connection = http.client.HTTPConnection(*address(server), timeout=30)
    connection.request("POST", "/v0.4/jobs", JOB, KEY)
    with pytest.raises(ConnectionResetError):
        connection.getresponse()
    connection.close()


def test_a_server_that_is_down_refuses_connections_and_comes_back(server, cloud):
    url, transport = server.url, HttpTransport()
    assert transport.send("POST", url + "/jobs", KEY, JOB.encode(), 30.0).status == 201
    with server.down():
        with pytest.raises(ConnectionRefusedError) as caught:
            socket.create_connection(address(server), timeout=30)
        assert caught.value.errno == errno.ECONNREFUSED
        with pytest.raises(ConnectionRefusedError):
            transport.send("GET", url + "/jobs", KEY, None, 30.0)
    assert server.url == url
    listed = json.loads(transport.send("GET", url + "/jobs", KEY, None, 30.0).body)
    assert [job["id"] for job in listed["jobs"]] == [cloud.jobs[0].id]
    transport.close()


def test_a_server_comes_back_when_the_test_that_had_it_down_fails(server):
    with pytest.raises(KeyError), server.down():
        raise KeyError
    with submitted(server) as raw:
        assert raw.recv(12) == b"HTTP/1.1 201"


# --- silence ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "jobs"), [(faults.timeout(), 0), (faults.lost_answer("timeout"), 1)], ids=repr
)
def test_silence_lasts_until_the_client_gives_up(fault, jobs, server, cloud, taken):
    cloud.faults.add(fault, times=1)
    with submitted(server) as raw:
        assert taken.acquire(timeout=30)
        raw.settimeout(0.05)
        with pytest.raises(TimeoutError):
            raw.recv(1)
        with submitted(server) as other:  # nobody else waits
            assert other.recv(12) == b"HTTP/1.1 201"
    assert len(cloud.jobs) == jobs + 1


def test_requests_gives_up_on_silence(server, cloud):
    cloud.faults.add(faults.timeout())
    with pytest.raises(requests.ReadTimeout):
        requests.get(server.url + "/jobs", headers=KEY, timeout=(30, 0.03))


def test_a_server_that_ends_breaks_the_silence(cloud, taken):
    cloud.faults.add(faults.timeout())
    with FakeServer(cloud) as server:
        silent = contextlib.ExitStack()
        raw = silent.enter_context(submitted(server))
        assert taken.acquire(timeout=30)
    with silent:
        assert raw.recv(1) == b""


# --- late answers ----------------------------------------------------------------------------


def test_an_answer_that_is_late_comes_when_its_time_has_come():
    cloud = FakeIonQ(seed=7, clock=Gate())
    cloud.faults.add(faults.latency(60), times=1)
    with FakeServer(cloud) as server, submitted(server) as raw:
        assert cloud.clock.asleep.acquire(timeout=30)
        assert len(cloud.jobs) == 1
        raw.settimeout(0.05)
        with pytest.raises(TimeoutError):
            raw.recv(1)
        cloud.clock.asleep.release()
        cloud.clock.wake()
        raw.settimeout(30)
        assert raw.recv(12) == b"HTTP/1.1 201"
    assert cloud.clock.monotonic() == 60


def test_by_the_machines_clock_latency_is_real_and_ends_with_the_server():
    cloud = FakeIonQ(seed=7, clock=SystemClock())
    cloud.faults.add(faults.latency(3600))
    taken = watched(cloud)
    with FakeServer(cloud) as server:
        waiting = contextlib.ExitStack()
        raw = waiting.enter_context(submitted(server))
        assert taken.acquire(timeout=30)
        raw.settimeout(0.05)
        with pytest.raises(TimeoutError):
            raw.recv(1)
        raw.settimeout(30)
    with waiting:
        assert raw.recv(1) == b""


# --- damaged bodies --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 10])
def test_a_truncated_body_is_shorter_than_its_length(size, server, cloud):
    cloud.faults.add(faults.truncated(size), times=1)
    with submitted(server) as raw:
        length, body = parts(rest(raw))
    assert len(body) == size < length
    assert len(cloud.jobs) == 1


def test_http_client_and_requests_know_that_bytes_are_missing(server, cloud):
    cloud.faults.add(faults.truncated(10), times=2)
    connection = http.client.HTTPConnection(*address(server), timeout=30)
    connection.request("POST", "/v0.4/jobs", JOB, KEY)
    with pytest.raises(http.client.IncompleteRead) as caught:
        connection.getresponse().read()
    connection.close()
    assert len(caught.value.partial) == 10
    assert caught.value.expected > 10
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        requests.post(server.url + "/jobs", JOB, headers=KEY, timeout=30)


def test_a_dribbled_body_arrives_piece_by_piece():
    cloud = FakeIonQ(seed=7, clock=Gate())
    cloud.faults.add(faults.dribble(bytes=30, seconds=5), times=1)
    with FakeServer(cloud) as server, submitted(server) as raw:
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            received += exactly(raw, 1)
        length, _ = parts(received)
        body, pieces = b"", -(-length // 30)
        for piece in range(1, pieces + 1):
            wanted = min(30 * piece, length) - len(body)
            body += exactly(raw, wanted)
            if piece < pieces:
                assert cloud.clock.asleep.acquire(timeout=30)
                raw.setblocking(False)
                with pytest.raises(BlockingIOError):  # the next one has not been sent yet
                    raw.recv(1)
                raw.settimeout(30)
                cloud.clock.asleep.release()
                cloud.clock.wake()
    assert pieces > 2
    assert json.loads(body)["status"] == "submitted"
    assert cloud.clock.monotonic() == 5 * (pieces - 1)


@pytest.mark.parametrize(
    "fault",
    [
        faults.malformed(),
        faults.empty(),
        faults.html(),
        faults.content_type(),
        faults.http(429),
        faults.http(522),
        faults.lost_answer(status=504),
        faults.dribble(bytes=7, seconds=0),
        faults.duplicated(),
    ],
    ids=repr,
)
def test_a_connection_goes_on_after_an_answer_whose_length_is_right(fault, server, cloud):
    cloud.faults.add(fault, on="POST /jobs", times=1)
    connection = http.client.HTTPConnection(*address(server), timeout=30)
    connection.request("POST", "/v0.4/jobs", JOB, KEY)
    reply = connection.getresponse()
    used, length = connection.sock, int(reply.getheader("Content-Length"))
    assert len(reply.read()) == length
    connection.request("POST", "/v0.4/jobs", JOB, KEY)
    assert connection.getresponse().status == 201
    assert connection.sock is used
    connection.close()
    assert [one.fault for one in cloud.faults.fired] == [fault]


def test_many_clients_meet_exactly_as_many_faults_as_there_are(server, cloud):
    cloud.faults.add(faults.reset(), on="POST /jobs", times=5)
    cloud.faults.add(faults.lost_answer(), on="POST /jobs", times=5)
    cloud.faults.add(faults.http(503), on="POST /jobs", times=5)
    seen = []

    def client():
        for _ in range(10):
            try:
                reply = requests.post(server.url + "/jobs", JOB, headers=KEY, timeout=30)
                seen.append(reply.status_code)
            except requests.ConnectionError:
                seen.append(None)

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (seen.count(None), seen.count(503), seen.count(201)) == (10, 5, 25)
    assert len(cloud.jobs) == 30
    assert len(cloud.requests) == 40
