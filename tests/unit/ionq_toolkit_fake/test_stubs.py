"""A cloud among the stubs of `responses`."""

import json

import pytest
import requests
import responses

from ionq_toolkit_fake import FakeIonQ, faults

URL = "https://api.ionq.co/v0.4"
KEY = {"Authorization": "apiKey k"}


@pytest.fixture
def stubs(cloud):
    with responses.RequestsMock() as stubs:
        cloud.add_to(stubs)
        yield stubs


def get(path, **options):
    return requests.get(f"{URL}{path}", headers=KEY, timeout=5, **options)


def test_the_cloud_answers_beside_the_users_own_stubs(stubs, cloud, job_body):
    stubs.get("https://example.com/settings", json={"shots": 7})
    job = requests.post(f"{URL}/jobs", json=job_body(), headers=KEY, timeout=5)
    assert job.status_code == 201
    assert get(f"/jobs/{job.json()['id']}").json()["status"] == "completed"
    assert get("/nothing").status_code == 404
    assert requests.get("https://example.com/settings", timeout=5).json() == {"shots": 7}
    with pytest.raises(requests.ConnectionError, match="doesn't match any registered mock"):
        requests.get("https://other.example/ionq.co/", timeout=5)
    assert len(cloud.requests) == 3
    assert json.loads(stubs.calls[0].response.content) == job.json()


@pytest.mark.parametrize("first", [True, False])
def test_a_stub_of_the_users_for_ionq_goes_before_the_cloud(cloud, first):
    with responses.RequestsMock() as stubs:
        if not first:
            cloud.add_to(stubs)
        stubs.get(f"{URL}/backends", json=["mine"])
        if first:
            cloud.add_to(stubs)
        for _ in range(2):
            assert get("/backends").json() == ["mine"]
        assert get("/jobs").status_code == 200
    assert len(cloud.requests) == 1


def test_a_cloud_that_is_not_asked_is_no_stub_that_was_forgotten(cloud):
    with responses.RequestsMock(assert_all_requests_are_fired=True) as stubs:
        cloud.add_to(stubs)


@responses.activate
def test_the_default_stubs_may_be_given_by_their_module(cloud):
    cloud.add_to(responses)
    assert get("/jobs").status_code == 200


@pytest.mark.parametrize("given", [None, "stubs", requests])
def test_what_is_no_mock_of_responses_is_refused(cloud, given):
    with pytest.raises(TypeError, match=r"responses\.RequestsMock"):
        cloud.add_to(given)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.refused(), requests.ConnectionError),
        (faults.lost_answer(), requests.ConnectionError),
        (faults.latency(60), requests.ReadTimeout),
        (faults.truncated(10), requests.exceptions.ChunkedEncodingError),
    ],
)
def test_faults_are_the_errors_of_requests(stubs, cloud, fault, error):
    cloud.faults.add(fault, times=1)
    with pytest.raises(error):
        get("/jobs")
    assert get("/jobs").status_code == 200


def test_two_clouds_do_not_wait_for_each_other(stubs, cloud):
    other = FakeIonQ(seed=8)
    other.add_to(stubs)
    assert get("/jobs").status_code == 200
    assert len(cloud.requests) + len(other.requests) == 1
