"""Lists, deletions, operations on several jobs, keys and projects."""

import pytest

from ionq_toolkit_fake import FakeIonQ, Transitions


@pytest.fixture
def submitted(send, job_body):
    """Submit so many jobs and return their ids, in the order of their submission."""

    def submitted(count):
        return [send("POST", "/jobs", job_body(name=f"job {n}"))[1]["id"] for n in range(count)]

    return submitted


def ids_of(reply):
    status, body = reply
    assert status == 200
    return [job["id"] for job in body["jobs"]]


# --- lists -----------------------------------------------------------------------------------


def test_no_jobs_are_an_empty_list(send):
    assert send("GET", "/jobs") == (200, {"jobs": [], "next": None})


def test_a_list_shows_the_newest_first_and_each_as_it_stands(send, submitted):
    ids = submitted(3)
    status, body = send("GET", "/jobs")
    assert status == 200
    assert [job["id"] for job in body["jobs"]] == ids[::-1]
    assert body["next"] is None
    for job in body["jobs"]:
        shown = send("GET", f"/jobs/{job['id']}")[1]
        # The API document's schema BaseJob, which a list is made of, has no children.
        assert shown.pop("child_job_ids") is None
        assert job == shown


@pytest.mark.parametrize(
    ("limit", "sizes"), [(None, [25, 25, 3]), (25, [25, 25, 3]), (20, [20, 20, 13])]
)
def test_pages_follow_each_other_without_gap_or_overlap(send, submitted, limit, sizes):
    ids = submitted(53)
    query = "" if limit is None else f"limit={limit}"
    seen, pages, following = [], [], ""
    while following is not None:
        _, body = send("GET", f"/jobs?{query}{following and '&next=' + following}")
        pages.append(len(body["jobs"]))
        seen += [job["id"] for job in body["jobs"]]
        following = body["next"]
    assert pages == sizes
    assert seen == ids[::-1]


def test_a_page_that_is_just_full_is_the_last(send, submitted):
    submitted(25)
    assert send("GET", "/jobs")[1]["next"] is None


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "", "1.5", "9" * 30, "\u0661"])
def test_list_rejects_invalid_limit(send, limit):
    status, body = send("GET", f"/jobs?limit={limit}")
    assert (status, body["validation"]) == (400, {"source": "query", "keys": ["limit"]})


def test_a_page_that_begins_nowhere_is_400(send, submitted):
    submitted(1)
    assert send("GET", "/jobs?next=nowhere")[0] == 400


def test_a_page_begins_where_it_was_said_to_whatever_became_of_that_job(send, submitted):
    ids = submitted(4)
    _, first = send("GET", "/jobs?status=completed&limit=2")
    send("PUT", f"/jobs/{first['next']}/status/cancel")
    _, second = send("GET", f"/jobs?status=completed&limit=2&next={first['next']}")
    assert [job["id"] for job in second["jobs"]] == ids[:1]


def test_filters_can_be_combined(send, submitted, job_body):
    one, two, three = submitted(3)
    _, failed = send("POST", "/jobs", job_body(qubits=30))
    send("PUT", f"/jobs/{two}/status/cancel")
    assert ids_of(send("GET", "/jobs?status=completed")) == [three, one]
    assert ids_of(send("GET", "/jobs?status=canceled")) == [two]
    assert ids_of(send("GET", "/jobs?status=failed")) == [failed["id"]]
    assert ids_of(send("GET", f"/jobs?ids={one}&ids={two}&status=canceled")) == [two]
    assert ids_of(send("GET", f"/jobs?ids={one},{three}")) == [three, one]
    assert len(ids_of(send("GET", "/jobs?target=simulator"))) == 4
    assert len(ids_of(send("GET", "/jobs?target=qpu.forte-1,simulator"))) == 4
    for query in ("target=qpu.forte-1", "session_id=s", "parent_job_id=p", "submitter_id=nobody"):
        assert ids_of(send("GET", f"/jobs?{query}")) == []
    submitter = send("GET", f"/jobs/{one}")[1]["submitter_id"]
    assert len(ids_of(send("GET", f"/jobs?submitter_id={submitter}&limit=4"))) == 4


def test_words_that_v04_does_not_know_find_nothing_and_unknown_parameters_are_let_pass(
    send, submitted
):
    submitted(1)
    assert ids_of(send("GET", "/jobs?status=queued")) == []
    assert len(ids_of(send("GET", "/jobs?colour=blue"))) == 1


def test_a_list_does_not_count_as_asking_for_a_job(sender, job_body):
    send = sender(FakeIonQ(seed=1, transitions=Transitions.polls(1)))
    _, job = send("POST", "/jobs", job_body())
    for _ in range(5):
        assert send("GET", "/jobs")[1]["jobs"][0]["status"] == "submitted"
    assert send("GET", f"/jobs/{job['id']}")[1]["status"] == "submitted"


# --- deletions and operations on several jobs ------------------------------------------------


def test_a_deleted_job_is_not_there_any_more(send, submitted):
    kept, deleted = submitted(2)
    assert send("DELETE", f"/jobs/{deleted}") == (200, {"id": deleted, "status": "deleted"})
    for method, path in [
        ("GET", ""),
        ("GET", "/results/probabilities"),
        ("PUT", "/status/cancel"),
        ("DELETE", ""),
    ]:
        assert send(method, f"/jobs/{deleted}{path}")[0] == 404
    assert ids_of(send("GET", "/jobs")) == [kept]


@pytest.mark.parametrize(
    ("method", "path", "word"),
    [("DELETE", "/jobs", "deleted"), ("PUT", "/jobs/status/cancel", "canceled")],
)
def test_several_jobs_are_changed_together_or_not_at_all(send, submitted, method, path, word):
    one, two, three = submitted(3)

    assert send(method, path, {"ids": [one, "unknown", two]})[0] == 404
    assert {job["status"] for job in send("GET", "/jobs")[1]["jobs"]} == {"completed"}

    expected = {"ids": [one, three], "status": word}
    assert send(method, path, {"ids": [one, three, one]}) == (200, expected)
    left = {job["id"]: job["status"] for job in send("GET", "/jobs")[1]["jobs"]}
    if word == "deleted":
        assert left == {two: "completed"}
    else:
        assert left == {one: "canceled", two: "completed", three: "canceled"}


@pytest.mark.parametrize("path", [("DELETE", "/jobs"), ("PUT", "/jobs/status/cancel")])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "Invalid request payload JSON format"),
        ({}, "ids is required"),
        ({"ids": "one"}, "ids must be of type array"),
        ({"ids": [1]}, "ids.0 must be of type string"),
        ([], "value must be of type object"),
    ],
)
def test_several_jobs_are_named_by_a_list_of_ids(send, path, body, message):
    status, reply = send(*path, body)
    assert (status, reply["message"]) == (400, message)


# --- keys and projects -----------------------------------------------------------------------

KEYS = {"alices-key": "physics", "bobs-key": "physics", "eves-key": "chemistry"}


def test_every_key_is_taken_and_has_a_project_of_its_own(sender, cloud, job_body):
    one, two = sender(cloud, "one"), sender(cloud, "two")
    _, job = one("POST", "/jobs", job_body())
    assert one("GET", f"/jobs/{job['id']}")[0] == 200
    for method, path in [
        ("GET", ""),
        ("GET", "/results/probabilities"),
        ("PUT", "/status/cancel"),
        ("DELETE", ""),
    ]:
        assert two(method, f"/jobs/{job['id']}{path}")[0] == 404
    assert two("DELETE", "/jobs", {"ids": [job["id"]]})[0] == 404
    assert ids_of(two("GET", "/jobs")) == []
    assert ids_of(one("GET", "/jobs")) == [job["id"]]
    assert [made.id for made in cloud.jobs] == [job["id"]]


def test_keys_that_are_given_are_the_only_ones_and_share_their_projects(sender, job_body):
    cloud = FakeIonQ(seed=1, keys=KEYS)
    alice, bob, eve = (sender(cloud, key) for key in KEYS)
    _, job = alice("POST", "/jobs", job_body())
    assert (
        bob("GET", f"/jobs/{job['id']}")[1]["submitter_id"]
        == (alice("GET", f"/jobs/{job['id']}")[1]["submitter_id"])
    )
    assert eve("GET", f"/jobs/{job['id']}")[0] == 404
    assert sender(cloud, "alices-kex")("GET", "/jobs")[0] == 401


def test_a_key_is_told_who_it_is_but_not_what_it_is(sender):
    cloud = FakeIonQ(seed=1, keys=KEYS)
    seen = [sender(cloud, key)("GET", "/whoami") for key in KEYS]
    assert [status for status, _ in seen] == [200] * 3
    alice, bob, eve = (body for _, body in seen)
    assert set(alice) == {"key_id", "key_name", "project_id"}
    assert alice["project_id"] == bob["project_id"] != eve["project_id"]
    assert len({body["key_id"] for body in (alice, bob, eve)}) == 3
    assert sender(cloud, "alices-key")("GET", "/whoami")[1] == alice
    assert not [key for key in KEYS if key in repr(vars(cloud)) + repr(vars(cloud._accounts))]


def test_an_empty_key_is_no_key():
    with pytest.raises(ValueError, match="'physics' is empty"):
        FakeIonQ(keys={" ": "physics"})


def test_health_needs_no_key(cloud):
    assert cloud.handle("GET", "/v0.4/health", {}).body == b'{"status":"pass"}'
