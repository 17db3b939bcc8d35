"""What httpx makes of the replies and faults of a mocked cloud is what it is of a socket's."""

import asyncio
import gzip
import json
import subprocess
import sys

import httpx
import pytest
from httpx_retries import Retry, RetryTransport
from intercepted import Scripted, cut, reply

from ionq_toolkit_fake import FakeIonQ, FakeServer, UnansweredRequest, faults, mock_ionq

URL = "https://api.ionq.co/v0.4"
REAL = (httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request)


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(monkeypatch, tmp_path):
    # No certificate is needed, and httpx takes longer to read them than a test.
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    yield
    now = (httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request)
    assert now == REAL


def synchronously(method, url, **options):
    with httpx.Client(**options.pop("client", {})) as client:
        return client.request(method, url, **options)


def asynchronously(method, url, **options):
    async def work():
        async with httpx.AsyncClient(**options.pop("client", {})) as client:
            return await client.request(method, url, **options)

    return asyncio.run(work())


@pytest.fixture(params=[synchronously, asynchronously])
def send(request):
    return request.param


@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/backends", "/jobs/unknown?a=b%20c&a=d", "/jobs?"])
def test_status_headers_and_body_are_those_of_a_socket(send, method, path):
    headers = {"Authorization": "apiKey k"}
    with FakeServer(FakeIonQ(seed=7)) as server:
        there = send(method, server.url + path, headers=headers)
    with mock_ionq(seed=7):
        here = send(method, URL + path, headers=headers)
    assert (here.status_code, here.reason_phrase) == (there.status_code, there.reason_phrase)
    assert (here.content, here.http_version) == (there.content, there.http_version)
    assert dict(here.headers) == dict(there.headers)


def test_the_cloud_gets_the_request_as_it_would_be_sent(send, job_body):
    cloud = Scripted(reply())
    with mock_ionq(cloud):
        send("POST", "https://user:pw@api.ionq.co/v0.4/jobs?a=b c#there", json={"a": 1})
    (method, target, headers, body, _) = cloud.seen[0]
    assert (method, target, json.loads(body)) == ("POST", "/v0.4/jobs?a=b%20c", {"a": 1})
    assert "httpx" in headers["User-Agent"]


def test_a_body_may_come_in_parts():
    async def parts():
        yield b"[1,"
        yield b"2]"

    cloud = Scripted(reply())
    with mock_ionq(cloud):
        synchronously("POST", f"{URL}/jobs", content=iter([b"[1,", b"2]"]))
        asynchronously("POST", f"{URL}/jobs", content=parts())
    assert [request[3] for request in cloud.seen] == [b"[1,2]"] * 2


@pytest.mark.parametrize(
    ("given", "seen"), [(5, 5), (httpx.Timeout(3, read=7.5), 7.5), (None, None)]
)
def test_the_read_timeout_reaches_the_cloud(send, given, seen):
    cloud = Scripted(reply())
    with mock_ionq(cloud):
        send("GET", f"{URL}/jobs", timeout=given)
    assert cloud.seen[0][-1] == seen


def test_a_compressed_body_is_decoded(send):
    cloud = Scripted(reply(body=gzip.compress(b'{"a":1}'), content_encoding="gzip"))
    with mock_ionq(cloud):
        assert send("GET", f"{URL}/jobs").json() == {"a": 1}


def test_a_body_can_be_streamed():
    body = bytes(100_000)

    async def asynchronous():
        async with httpx.AsyncClient() as client, client.stream("GET", f"{URL}/jobs") as streamed:
            return [len(part) async for part in streamed.aiter_raw()]

    with mock_ionq(Scripted(reply(body=body))):
        with httpx.stream("GET", f"{URL}/jobs") as streamed:
            assert not streamed.is_stream_consumed
            assert [len(part) for part in streamed.iter_raw()] == [65536, 34464]
        assert asyncio.run(asynchronous()) == [65536, 34464]


def test_a_redirect_is_followed_only_as_far_as_the_client_does(send):
    cloud = Scripted(reply(302, location="/v0.4/backends"), reply(body=b"[]"))
    with mock_ionq(cloud):
        assert send("GET", f"{URL}/jobs").status_code == 302
        cloud.replies.insert(0, reply(302, location="/v0.4/backends"))
        assert send("GET", f"{URL}/jobs", follow_redirects=True).content == b"[]"


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (TimeoutError("late"), httpx.ReadTimeout),
        (ConnectionResetError(104, "reset"), httpx.ReadError),
        (ConnectionError("gone"), httpx.ReadError),
        (ConnectionRefusedError(111, "refused"), httpx.ConnectError),
    ],
)
def test_network_faults_look_as_httpx_shows_them(send, raised, seen):
    with mock_ionq(Scripted(raised)), pytest.raises(httpx.TransportError) as caught:
        send("GET", f"{URL}/jobs")
    assert caught.type is seen
    assert str(caught.value) == str(raised)
    assert caught.value.request.url == f"{URL}/jobs"


@pytest.mark.parametrize(
    "broken", [cut(b'{"id"', 7), reply(body=b'{"id"', content_length="12")], ids=["raised", "sent"]
)
def test_a_body_that_is_cut_is_found_out_when_it_is_read(send, broken):
    with mock_ionq(Scripted(broken)):
        with pytest.raises(httpx.RemoteProtocolError, match="received 5 bytes, expected 12"):
            send("GET", f"{URL}/jobs")
        with httpx.stream("GET", f"{URL}/jobs") as streamed, pytest.raises(httpx.TransportError):
            streamed.read()


@pytest.mark.parametrize(
    ("fault", "seen", "passed"),
    [
        (faults.refused(), httpx.ConnectError, 0),
        (faults.reset(), httpx.ReadError, 0),
        (faults.lost_answer(), httpx.ReadError, 0),
        (faults.timeout(), httpx.ReadTimeout, 5),
        (faults.latency(60), httpx.ReadTimeout, 5),
        (faults.truncated(10), httpx.RemoteProtocolError, 0),
    ],
    ids=repr,
)
def test_faults_of_the_cloud_are_those_of_httpx(send, fault, seen, passed):
    cloud = FakeIonQ(seed=7)
    cloud.faults.add(fault, times=1)
    timeout = httpx.Timeout(3, read=5)
    with mock_ionq(cloud):
        with pytest.raises(httpx.TransportError) as caught:
            send("GET", f"{URL}/backends", timeout=timeout)
        assert send("GET", f"{URL}/backends", timeout=timeout).is_success
    assert caught.type is seen
    assert cloud.clock.monotonic() == passed


def test_a_retrying_transport_retries_faults_and_nothing_else(send):
    cloud = Scripted(ConnectionResetError(104, "reset"), TimeoutError("late"), reply(body=b"[]"))
    client = {"transport": RetryTransport(retry=Retry(total=3, backoff_factor=0))}
    with mock_ionq(cloud):
        assert send("GET", f"{URL}/jobs", client=client).content == b"[]"
    assert len(cloud.seen) == 3
    with mock_ionq() as cloud, pytest.raises(UnansweredRequest, match=r"GET /v0\.4/jobs"):
        send("GET", f"{URL}/jbos", client=client)


def test_a_client_that_was_made_before_is_intercepted(job_body):
    with httpx.Client() as client, mock_ionq():
        assert client.get(f"{URL}/backends").status_code == 200


def test_concurrent_requests_are_answered_in_their_order(job_body):
    async def submit():
        headers = {"Authorization": "apiKey k"}
        async with httpx.AsyncClient(headers=headers) as client:
            posts = [client.post(f"{URL}/jobs", json=job_body(name=str(n))) for n in range(8)]
            return [reply.json()["id"] for reply in await asyncio.gather(*posts)]

    with mock_ionq(seed=7) as cloud:
        ids = asyncio.run(submit())
    assert [job.id for job in cloud.jobs] == ids[::-1]
    with mock_ionq(seed=7):
        assert asyncio.run(submit()) == ids


def test_a_loop_that_only_asks_can_be_cancelled():
    async def ask():
        async with httpx.AsyncClient() as client:
            for _ in range(100):
                await client.get(f"{URL}/backends")

    async def give_up():
        task = asyncio.create_task(ask())
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with mock_ionq():
        asyncio.run(give_up())


def test_without_httpx_it_works_for_the_others():
    script = """
import sys
sys.modules["httpx"] = None
import requests
from ionq_toolkit_fake import mock_ionq
with mock_ionq():
    print(requests.get("https://api.ionq.co/v0.4/backends", timeout=5).status_code)
"""
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout == "200\n"
