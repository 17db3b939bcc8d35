import asyncio
import contextlib
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
import responses

from ionq_toolkit_fake import FakeIonQ, mock_ionq

URL = "https://api.ionq.co/v0.4"
REAL_SEND = requests.adapters.HTTPAdapter.send


def backends(url=URL):
    return requests.get(f"{url}/backends", timeout=5)


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    yield
    assert requests.adapters.HTTPAdapter.send is REAL_SEND


def test_as_a_bare_decorator():
    @mock_ionq
    def ask(path, *, suffix=""):
        """Ask."""
        return requests.get(f"{URL}/{path}{suffix}", timeout=5).status_code

    assert ask("back", suffix="ends") == 200
    assert (ask.__name__, ask.__doc__) == ("ask", "Ask.")


def test_as_a_called_decorator_with_a_cloud_of_ones_own(job_body):
    cloud = FakeIonQ(seed=3)

    @mock_ionq(cloud)
    def submit():
        headers = {"Authorization": "apiKey k"}
        return requests.post(f"{URL}/jobs", json=job_body(), headers=headers, timeout=5)

    assert submit().status_code == submit().status_code == 201
    assert len(cloud.jobs) == 2


def test_each_call_has_a_new_cloud(job_body):
    @mock_ionq()
    def submit_and_look(known=None):
        headers = {"Authorization": "apiKey k"}
        if known is not None:
            return requests.get(f"{URL}/jobs/{known}", headers=headers, timeout=5).status_code
        return requests.post(f"{URL}/jobs", json=job_body(), headers=headers, timeout=5).json()

    assert submit_and_look(submit_and_look()["id"]) == 404


def test_as_a_context_manager_that_can_be_nested():
    with mock_ionq() as outer, mock_ionq() as inner:
        assert outer is not inner
        assert backends().status_code == 200
    mock = mock_ionq()
    with mock, mock:
        assert backends().status_code == 200


def test_on_a_coroutine_function():
    @mock_ionq
    async def ask():
        await asyncio.sleep(0)
        return backends().status_code

    assert asyncio.iscoroutinefunction(ask)
    assert asyncio.run(ask()) == 200


def test_overlapping_coroutines_each_have_their_own_cloud(job_body):
    headers = {"Authorization": "apiKey k"}

    @mock_ionq
    async def submit_and_look(turns, before, after):
        job = requests.post(f"{URL}/jobs", json=job_body(), headers=headers, timeout=5).json()
        before.set()
        await after.wait()
        seen = []
        for _ in range(turns):
            await asyncio.sleep(0)
            reply = requests.get(f"{URL}/jobs/{job['id']}", headers=headers, timeout=5)
            seen.append(reply.status_code)
        return seen

    async def overlap():
        one, two = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(submit_and_look(1, one, two), submit_and_look(9, two, one))

    # The first to enter is the first to leave: what is not last-in, first-out must hold too.
    assert asyncio.run(overlap()) == [[200], [200] * 9]


def test_overlapping_threads_each_have_their_own_cloud(job_body):
    headers = {"Authorization": "apiKey k"}
    all_in = threading.Barrier(4, timeout=30)
    found = []

    @mock_ionq
    def submit_and_look():
        all_in.wait()
        job = requests.post(f"{URL}/jobs", json=job_body(), headers=headers, timeout=5).json()
        all_in.wait()
        found.append(requests.get(f"{URL}/jobs/{job['id']}", headers=headers, timeout=5).json())

    threads = [threading.Thread(target=submit_and_look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [job["status"] for job in found] == ["completed"] * 4


def in_a_thread(function):
    outcome = []

    def run():
        try:
            outcome.append(function())
        except Exception as error:  # noqa: BLE001 - handed to the test
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return outcome[0]


def test_a_thread_started_inside_is_answered_by_the_only_cloud_there_is():
    with mock_ionq() as cloud, mock_ionq(cloud):
        assert in_a_thread(backends).status_code == 200


def test_a_thread_that_could_mean_several_clouds_reaches_none_and_no_network():
    with mock_ionq(), mock_ionq():
        error = in_a_thread(backends)
    assert isinstance(error, RuntimeError)
    assert "Enter mock_ionq in the thread itself" in str(error)


def test_a_scope_that_ends_elsewhere_than_it_began_ends_all_the_same():
    mock = mock_ionq()
    in_a_thread(mock.__enter__)
    assert backends().status_code == 200
    mock.__exit__(None, None, None)
    with mock_ionq():
        assert backends().status_code == 200


def test_an_error_inside_ends_the_interception():
    @mock_ionq
    def fail():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()


def generator():
    yield


async def async_generator():
    yield


class Suite:
    pass


@pytest.mark.parametrize("target", [generator, async_generator, Suite, 42, "text"])
def test_what_would_run_unnoticed_outside_of_it_is_refused(target):
    with pytest.raises(TypeError, match=r"with mock_ionq\(\)"):
        mock_ionq(target)
    with pytest.raises(TypeError, match=r"with mock_ionq\(\)"):
        mock_ionq()(target)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.ionq.co/v0.4",
        "http://api.ionq.co/v0.4",
        "https://API.ionq.co:443/v0.4",
        "https://api.ionq.co./v0.4",
        "https://user:pw@api.ionq.co/v0.4",
    ],
)
def test_the_service_is_known_in_all_spellings(url):
    with mock_ionq():
        assert backends(url).status_code == 200


def test_the_reply_is_a_real_one_of_requests(job_body):
    with mock_ionq():
        reply = requests.post(f"{URL}/jobs", data="{", headers={"Authorization": "apiKey k"})
        assert (reply.status_code, reply.reason) == (400, "Bad Request")
        assert reply.headers["Content-Type"].startswith("application/json")
        assert len(reply.headers["X-Request-Id"]) == 36
        assert not requests.get(f"{URL}/nothing", timeout=5).ok


def test_head_has_no_body_and_bodies_and_headers_may_be_of_any_kind(job_body):
    body = json.dumps(job_body()).encode()
    with mock_ionq() as cloud:
        assert requests.head(f"{URL}/backends", timeout=5).status_code == 404
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
            assert backends().status_code == 200


def test_other_hosts_are_left_alone():
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
        with mock_ionq():
            status = requests.get(
                f"http://127.0.0.1:{server.server_port}/?x=https://api.ionq.co/", timeout=5
            ).status_code
        server.shutdown()
        thread.join()
    assert status == 299


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (ConnectionResetError("gone"), requests.ConnectionError),
        (TimeoutError("late"), requests.ReadTimeout),
    ],
)
def test_network_faults_look_as_requests_shows_them(monkeypatch, cloud, raised, seen):
    def fail(*_):
        raise raised

    monkeypatch.setattr(cloud, "handle", fail)
    with mock_ionq(cloud), pytest.raises(seen, match=str(raised)):
        backends()
