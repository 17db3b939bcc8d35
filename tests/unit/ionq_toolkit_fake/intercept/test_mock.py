import asyncio
import inspect
import threading

import pytest
import requests

from ionq_toolkit_fake import FakeIonQ, Transitions, UnansweredRequest, faults, mock_ionq

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


def test_as_an_asynchronous_context_manager():
    async def ask():
        async with mock_ionq(seed=5) as cloud:
            return cloud.seed, backends().status_code

    assert asyncio.run(ask()) == (5, 200)


def test_with_the_options_of_the_cloud():
    seeds = []

    @mock_ionq(seed=7, transitions=Transitions.polls(1))
    def submit(body):
        headers = {"Authorization": "apiKey k"}
        reply = requests.post(f"{URL}/jobs", json=body, headers=headers, timeout=5).json()
        job = requests.get(f"{URL}/jobs/{reply['id']}", headers=headers, timeout=5).json()
        return job["id"], job["status"]

    body = {"type": "ionq.circuit.v1", "backend": "simulator"}
    body["input"] = {"qubits": 1, "circuit": [{"gate": "x", "target": 0}]}
    assert submit(body) == submit(body)
    assert submit(body)[1] == "submitted"
    with mock_ionq(seed=8) as cloud:
        seeds.append(cloud.seed)
    assert seeds == [8]


def test_mock_ionq_rejects_unknown_options():
    with pytest.raises(TypeError, match="sed"):
        mock_ionq(sed=7)
    with pytest.raises(TypeError, match="not both"):
        mock_ionq(FakeIonQ(), seed=7)


def test_a_key_among_the_options_is_not_shown():
    mock = mock_ionq(keys={"very-secret": "mine"})
    assert "very-secret" not in repr(mock)
    with pytest.raises(TypeError) as caught:
        mock_ionq(FakeIonQ(), keys={"very-secret": "mine"})
    assert "very-secret" not in str(caught.value)


def test_on_a_coroutine_function():
    @mock_ionq
    async def ask():
        await asyncio.sleep(0)
        return backends().status_code

    assert inspect.iscoroutinefunction(ask)
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
        except BaseException as error:  # noqa: BLE001 - handed to the test
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
    assert isinstance(error, UnansweredRequest)
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


@pytest.mark.parametrize("target", [generator, async_generator, 42, "text"])
def test_mock_ionq_rejects_generators(target):
    with pytest.raises(TypeError, match=r"with mock_ionq\(\)"):
        mock_ionq(target)
    with pytest.raises(TypeError, match=r"with mock_ionq\(\)"):
        mock_ionq()(target)


def test_a_plain_function_that_returns_a_coroutine_is_awaited_inside():
    async def later():
        return backends()

    @mock_ionq
    def plain():
        return later()

    assert asyncio.run(plain())

    @mock_ionq
    def makes_a_generator():
        return generator()

    with pytest.raises(TypeError, match=r"with mock_ionq\(\)"):
        makes_a_generator()


def test_an_answer_that_is_cut_short_has_its_status_and_headers():
    cloud = FakeIonQ(seed=7)
    cloud.faults.add(faults.truncated(10))
    url = f"{URL}/jobs/none"
    headers = {"Authorization": "apiKey k"}
    with mock_ionq(cloud), requests.get(url, headers=headers, timeout=5, stream=True) as reply:
        assert (reply.status_code, reply.headers["content-type"].split(";")[0]) == (
            404,
            "application/json",
        )
        assert reply.headers["x-request-id"] == cloud.requests[0].request_id
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = reply.content


def test_an_inner_scope_ends_and_the_outer_one_answers_again(job_body):
    headers = {"Authorization": "apiKey k"}
    with mock_ionq() as outer:
        with mock_ionq() as inner:
            requests.post(f"{URL}/jobs", json=job_body(), headers=headers, timeout=5)
        requests.post(f"{URL}/jobs", json=job_body(), headers=headers, timeout=5)
        requests.post(f"{URL}/jobs", json=job_body(), headers=headers, timeout=5)
    assert (len(inner.jobs), len(outer.jobs)) == (1, 2)


def test_a_thread_of_asyncio_is_in_the_scope_of_its_task(job_body):
    headers = {"Authorization": "apiKey k"}

    def submit():
        return requests.post(f"{URL}/jobs", json=job_body(), headers=headers, timeout=5)

    async def submit_in_a_thread(seed):
        async with mock_ionq(seed=seed) as cloud:
            await asyncio.to_thread(submit)
            return len(cloud.jobs)

    async def two():
        return await asyncio.gather(submit_in_a_thread(1), submit_in_a_thread(2))

    assert asyncio.run(two()) == [1, 1]


def test_a_mock_can_be_started_and_stopped():
    mock = mock_ionq(seed=6)
    cloud = mock.start()
    assert (cloud.seed, backends().status_code, in_a_thread(backends).status_code) == (6, 200, 200)
    mock.stop()
    mock.stop()
    with mock_ionq() as other:
        backends()
    assert (len(cloud.requests), len(other.requests)) == (2, 1)


def test_tasks_of_the_thread_that_started_a_mock_move_its_clock():
    async def wait():
        await asyncio.sleep(3600)

    with asyncio.Runner() as runner:
        runner.run(asyncio.sleep(0))  # its context is older than the scope
        mock = mock_ionq()
        cloud = mock.start()
        runner.run(wait())
        mock.stop()
    assert cloud.clock.monotonic() == 3600
