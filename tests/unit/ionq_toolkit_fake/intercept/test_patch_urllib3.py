"""What `requests` and urllib3 make of the replies and faults of a mocked cloud is what it is."""

import contextlib
import gzip
import io
import json

import pytest
import requests
import responses
import urllib3
from intercepted import Scripted, cut, reply
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from ionq_toolkit_fake import FakeIonQ, FakeServer, UnansweredRequest, mock_ionq

URL = "https://api.ionq.co/v0.4"
REAL_SEND = HTTPAdapter.send
REAL_URLOPEN = urllib3.HTTPConnectionPool.urlopen


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    yield
    assert HTTPAdapter.send is REAL_SEND
    assert urllib3.HTTPConnectionPool.urlopen is REAL_URLOPEN


def patient(**options):
    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=Retry(**options)))
    return session


def test_the_reply_is_a_real_one_of_requests(job_body):
    with mock_ionq():
        reply = requests.post(
            f"{URL}/jobs", data="{", headers={"Authorization": "apiKey k"}, timeout=5
        )
        assert (reply.status_code, reply.reason) == (400, "Bad Request")
        assert reply.headers["Content-Type"].startswith("application/json")
        assert len(reply.headers["X-Request-Id"]) == 36
        assert int(reply.headers["Content-Length"]) == len(reply.content)
        assert reply.url == f"{URL}/jobs"
        assert reply.raw.version == 11


def test_head_has_no_body_and_bodies_and_headers_may_be_of_any_kind(job_body):
    body = json.dumps(job_body()).encode()
    with mock_ionq() as cloud:
        head = requests.head(f"{URL}/backends", timeout=5)
        assert (head.status_code, head.content) == (200, b"")
        for data in (
            body,
            body.decode(),
            bytearray(body),
            io.BytesIO(body),
            iter([body[:9], body[9:]]),
        ):
            headers = {"Authorization": b"apiKey k"}
            reply = requests.post(f"{URL}/jobs", data=data, headers=headers, timeout=5)
            assert reply.status_code == 201, reply.text
        assert len(cloud.jobs) == 5


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/backends", "/jobs/unknown?a=b%20c&a=d", "/jobs?"])
def test_status_headers_and_body_are_those_of_a_socket(method, path):
    headers = {"Authorization": "apiKey k"}
    with FakeServer(FakeIonQ(seed=7)) as server:
        there = requests.request(method, server.url + path, headers=headers, timeout=5)
    with mock_ionq(seed=7):
        here = requests.request(method, URL + path, headers=headers, timeout=5)
    assert (here.status_code, here.reason) == (there.status_code, there.reason)
    assert here.content == there.content
    assert dict(here.headers) == dict(there.headers)


def test_the_cloud_gets_the_target_as_it_would_be_sent():
    cloud = Scripted(reply())
    with mock_ionq(cloud):
        requests.get("https://user:pw@api.ionq.co/v0.4/jobs?a=b c#there", timeout=5)
    (method, target, headers, body, _) = cloud.seen[0]
    assert (method, target, body) == ("GET", "/v0.4/jobs?a=b%20c", None)
    assert "python-requests" in headers["User-Agent"]


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (5, 5.0),
        ((3, 7.5), 7.5),
        ((3, None), None),
        (None, None),
        (urllib3.Timeout(connect=1, read=2), 2.0),
    ],
)
def test_the_read_timeout_reaches_the_cloud(given, seen):
    cloud = Scripted(reply())
    with mock_ionq(cloud):
        requests.get(f"{URL}/jobs", timeout=given)
    assert cloud.seen[0][-1] == seen


def test_a_timeout_for_all_of_a_request_reaches_the_cloud():
    cloud = Scripted(reply())
    with mock_ionq(cloud):
        urllib3.PoolManager(timeout=4.0).request("GET", f"{URL}/jobs")
        urllib3.PoolManager().request("GET", f"{URL}/jobs", timeout=urllib3.Timeout(total=60))
    first, second = (request[-1] for request in cloud.seen)
    assert first == 4.0
    assert 59 < second <= 60


# --- bodies ------------------------------------------------------------------------------------


def test_a_compressed_body_is_decoded():
    cloud = Scripted(reply(body=gzip.compress(b'{"a":1}'), content_encoding="gzip"))
    with mock_ionq(cloud):
        assert requests.get(f"{URL}/jobs", timeout=5).json() == {"a": 1}
        raw = requests.get(f"{URL}/jobs", stream=True, timeout=5).raw
        assert gzip.decompress(raw.read(decode_content=False)) == b'{"a":1}'


def test_a_body_can_be_streamed():
    cloud = Scripted(reply(body=b"0123456789"))
    with mock_ionq(cloud), requests.get(f"{URL}/jobs", stream=True, timeout=5) as streamed:
        assert list(streamed.iter_content(4)) == [b"0123", b"4567", b"89"]


def test_a_redirect_is_followed_only_as_far_as_the_client_does():
    cloud = Scripted(reply(302, location="/v0.4/backends"), reply(body=b"[]"))
    with mock_ionq(cloud):
        assert requests.get(f"{URL}/jobs", allow_redirects=False, timeout=5).status_code == 302
        assert len(cloud.seen) == 1
        cloud.replies.insert(0, reply(302, location="/v0.4/backends"))
        assert requests.get(f"{URL}/jobs", timeout=5).content == b"[]"
        assert [request[1] for request in cloud.seen[1:]] == ["/v0.4/jobs", "/v0.4/backends"]


@pytest.mark.parametrize(
    "broken", [cut(b'{"id"', 7), reply(body=b'{"id"', content_length="12")], ids=["raised", "sent"]
)
def test_a_body_that_is_cut_is_found_out_when_it_is_read(broken):
    with mock_ionq(Scripted(broken)):
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="5 bytes read, 7 more"):
            requests.get(f"{URL}/jobs", timeout=5)
        streamed = requests.get(f"{URL}/jobs", stream=True, timeout=5)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(streamed.iter_content(2))
        with pytest.raises(urllib3.exceptions.ProtocolError):
            urllib3.PoolManager(retries=False).request("GET", f"{URL}/jobs")


# --- errors and retries ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raised", "seen", "reason"),
    [
        (TimeoutError("late"), requests.ReadTimeout, "read timeout=5"),
        (ConnectionResetError(104, "reset"), requests.ConnectionError, "reset"),
        (ConnectionError("gone"), requests.ConnectionError, "gone"),
        (ConnectionRefusedError(111, "refused"), requests.ConnectionError, "refused"),
    ],
)
def test_network_faults_look_as_requests_shows_them(raised, seen, reason):
    with mock_ionq(Scripted(raised)), pytest.raises(seen, match=reason) as caught:
        requests.get(f"{URL}/jobs", timeout=5)
    assert caught.type is seen
    assert caught.value.request.url == f"{URL}/jobs"


def test_a_refused_connection_can_be_told_from_one_that_broke():
    """Clients look for it there, to know that nothing was sent."""
    with mock_ionq(Scripted(ConnectionRefusedError(111, "refused"))):
        with pytest.raises(requests.ConnectionError) as caught:
            requests.get(f"{URL}/jobs", timeout=5)
        with pytest.raises(urllib3.exceptions.NewConnectionError):
            urllib3.PoolManager(retries=False).request("GET", f"{URL}/jobs")
    assert isinstance(caught.value.args[0].reason, urllib3.exceptions.NewConnectionError)


@pytest.mark.parametrize(
    "fault",
    [ConnectionRefusedError(111, "refused"), ConnectionResetError(104, "reset"), TimeoutError()],
)
def test_an_adapter_retries_faults_as_on_a_network(fault):
    cloud = Scripted(fault, fault, reply(body=b"[]"))
    with mock_ionq(cloud):
        assert patient(total=2).get(f"{URL}/jobs", timeout=5).content == b"[]"
    assert len(cloud.seen) == 3
    with mock_ionq(Scripted(fault)), pytest.raises(requests.ConnectionError, match="Max retries"):
        patient(total=2).get(f"{URL}/jobs", timeout=5)


def test_an_adapter_does_not_retry_what_may_have_had_an_effect():
    cloud = Scripted(ConnectionResetError(104, "reset"))
    with mock_ionq(cloud), pytest.raises(requests.ConnectionError, match="reset"):
        patient(total=5).post(f"{URL}/jobs", data=b"{}", timeout=5)
    assert len(cloud.seen) == 1


def test_waiting_for_a_retry_takes_time_on_the_clouds_clock_alone():
    cloud = Scripted(reply(429, retry_after="3600"), reply(503), reply(503), reply(body=b"[]"))
    session = patient(total=5, status_forcelist=[429, 503], backoff_factor=2)
    with mock_ionq(cloud):
        assert session.get(f"{URL}/jobs", timeout=5).content == b"[]"
    # Retry-After, then the backoff of urllib3: factor * 2 ** (errors in a row - 1).
    assert cloud.clock.monotonic() == 3600 + 4 + 8


def test_a_status_that_stays_is_an_error_or_a_reply_as_the_adapter_says():
    with mock_ionq(Scripted(reply(503))):
        with pytest.raises(requests.exceptions.RetryError, match="too many 503"):
            patient(total=2, status_forcelist=[503]).get(f"{URL}/jobs", timeout=5)
        session = patient(total=2, status_forcelist=[503], raise_on_status=False)
        assert session.get(f"{URL}/jobs", timeout=5).status_code == 503


def test_an_adapter_of_the_users_own_does_its_part():
    class WithTimeout(HTTPAdapter):
        def send(self, request, **options):
            request.headers["X-Mine"] = "yes"
            return super().send(request, **{**options, "timeout": 2.5})

    cloud = Scripted(reply())
    session = requests.Session()
    session.mount("https://", WithTimeout())
    with mock_ionq(cloud):
        session.get(f"{URL}/jobs", timeout=9)
    assert cloud.seen[0][-1] == 2.5
    assert cloud.seen[0][2]["X-Mine"] == "yes"


# --- beside other mocks ------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["outside", "inside"])
def test_a_mock_of_the_users_own_goes_on(order):
    """Port 9 is not listened on: what is answered, was answered by the mock."""
    users, url = responses.RequestsMock(), "http://127.0.0.1:9/mine"
    users.get(url, body="theirs")
    with contextlib.ExitStack() as stack:
        for mock in (users, mock_ionq()) if order == "outside" else (mock_ionq(), users):
            stack.enter_context(mock)
        assert requests.get(url, timeout=5).text == "theirs"
        if order == "outside":
            assert requests.get(f"{URL}/backends", timeout=5).status_code == 200


def test_passthrough_of_another_mock_is_answered():
    with mock_ionq(), responses.RequestsMock() as users:
        users.add_passthru("https://api.ionq.co")
        assert requests.get(f"{URL}/backends", timeout=5).status_code == 200


def get_backends():
    return requests.get(f"{URL}/backends", timeout=5).status_code


def test_another_mock_may_end_before_or_after_in_any_order():
    users, url = responses.RequestsMock(assert_all_requests_are_fired=False), "http://127.0.0.1:9/"
    users.get(url, body="theirs")
    ours = mock_ionq()

    users.start()
    ours.__enter__()
    users.stop()  # puts back what it found, which takes ours away
    assert get_backends() == 200
    ours.__exit__(None, None, None)
    assert HTTPAdapter.send is REAL_SEND

    ours.__enter__()
    users.start()
    ours.__exit__(None, None, None)
    assert requests.get(url, timeout=5).text == "theirs"
    with mock_ionq():
        assert get_backends() == 200
        assert requests.get(url, timeout=5).text == "theirs"
    users.stop()  # puts ours back, which lets everything pass
    assert HTTPAdapter.send is not REAL_SEND
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    with mock_ionq():
        assert get_backends() == 200


def test_without_any_patch_of_ours_nothing_reaches_the_network(monkeypatch):
    """Somebody puts back what was there before us, below and above."""
    with mock_ionq():
        monkeypatch.setattr(HTTPAdapter, "send", REAL_SEND)
        monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", REAL_URLOPEN)
        with pytest.raises(UnansweredRequest, match="FakeServer"):
            get_backends()
        monkeypatch.undo()
        assert get_backends() == 200
