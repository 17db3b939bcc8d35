"""Rules of faults: which requests they are for, how often, and what is known of it afterwards."""

import pickle
from datetime import timedelta

import pytest

from ionq_toolkit_fake import Access, FakeIonQ, faults
from ionq_toolkit_fake.api.operations import OPERATIONS, OPERATIONS_V03

POST = "POST /jobs"


@pytest.fixture
def health(send):
    """Ask for GET /health so many times, and return the statuses."""
    return lambda times: [send("GET", "/health")[0] for _ in range(times)]


# --- how often -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [503] * 6),
        ({"times": 2}, [503, 503, 200, 200, 200, 200]),
        ({"skip": 2}, [200, 200, 503, 503, 503, 503]),
        ({"skip": 1, "times": 2}, [200, 503, 503, 200, 200, 200]),
        ({"on": "GET /jobs"}, [200] * 6),
    ],
)
def test_a_rule_counts_the_requests_that_it_is_for(options, expected, health, cloud, send):
    armed = cloud.faults.add(faults.http(503), **{"on": "GET /health", **options})
    send("GET", "/whoami")
    assert health(6) == expected
    assert armed.fired == expected.count(503)
    assert armed.spent == (armed.rule.times == armed.fired)


def test_rules_follow_one_another(health, cloud):
    cloud.faults.add(faults.http(429), times=2)
    cloud.faults.add(faults.http(500), times=1, skip=1)
    cloud.faults.add(faults.http(503), times=1)
    # The second lets one of the requests that reach it pass, on to the third.
    assert health(6) == [429, 429, 503, 500, 200, 200]


def test_chance_is_the_rules_own(sender):
    def drawn(*others, seed=7):
        cloud = FakeIonQ(seed=seed)
        cloud.faults.add(faults.http(500), on="GET /health", probability=0.5)
        for other in others:
            cloud.faults.add(other, on="GET /whoami", probability=0.5)
        return [
            (sender(cloud)("GET", "/health")[0], sender(cloud)("GET", "/whoami"))[0]
            for _ in range(32)
        ]

    assert drawn() == drawn(faults.http(503)) == drawn(faults.latency(1), faults.http(503))
    assert drawn() != drawn(seed=8)
    assert {200, 500} == set(drawn())


def test_a_rule_with_a_certain_number_of_times_fires_as_often_however_small_the_chance(
    health, cloud
):
    cloud.faults.add(faults.http(503), times=3, probability=0.2)
    assert health(100).count(503) == 3


# --- for what --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "names"),
    [
        ("*", {operation.name for operation in (*OPERATIONS, *OPERATIONS_V03)}),
        ("POST /jobs", {"POST /jobs"}),
        ("CreateJob", {"POST /jobs"}),
        ("GET /jobs/<job_id>", {"GET /jobs/<job_id>"}),
        ("GET /jobs/{id}", {"GET /jobs/<job_id>"}),
        ("DELETE /jobs*", {"DELETE /jobs", "DELETE /jobs/<job_id>"}),
        ("DELETE /v0.3/*", {"DELETE /v0.3/jobs", "DELETE /v0.3/jobs/<job_id>"}),
        ("* /jobs", {"POST /jobs", "GET /jobs", "DELETE /jobs"}),
        (
            "*Jobs",
            {"GET /jobs", "DELETE /jobs", "PUT /jobs/status/cancel", "GET /sessions/<s>/jobs"},
        ),
        (["POST /jobs", "GetJob"], {"POST /jobs", "GET /jobs/<job_id>"}),
    ],
)
def test_operations_are_named_one_by_one_or_together(on, names):
    rule = faults.FaultRule(faults.reset(), on)
    assert rule.operations == {name.replace("<s>", "<session_id>") for name in names}


def test_stale_is_for_reads_and_duplicated_for_the_rest():
    methods = {name.split()[0] for name in faults.FaultRule(faults.stale()).operations}
    assert methods == {"GET"}
    methods = {name.split()[0] for name in faults.FaultRule(faults.duplicated()).operations}
    assert methods == {"POST", "PUT", "DELETE"}


def test_unknown_operation_meets_no_fault(send, cloud):
    cloud.faults.add(faults.http(503))
    assert send("GET", "/no/such/path")[0] == 404
    assert send("PATCH", "/jobs")[0] == 404
    assert cloud.faults.fired == []


def test_a_rule_can_be_for_one_key(sender, cloud):
    mine, other = sender(cloud, "my-secret-key"), sender(cloud, "other")
    armed = cloud.faults.add(faults.http(429), key="my-secret-key")
    assert (mine("GET", "/jobs")[0], other("GET", "/jobs")[0]) == (429, 200)
    assert cloud.handle("GET", "/v0.4/health", {}).status == 200
    shown = repr(armed) + repr(cloud.faults) + repr(faults.to_dict(armed.rule))
    assert "my-secret-key" not in shown
    # And that form is taken for the key.
    again = FakeIonQ(seed=1)
    again.faults.arm(faults.from_dict(faults.to_dict(armed.rule)))
    assert sender(again, "my-secret-key")("GET", "/jobs")[0] == 429


def test_a_rule_for_a_key_makes_no_key_known(sender, job_body):
    plain, armed = FakeIonQ(seed=3), FakeIonQ(seed=3)
    armed.faults.add(faults.http(429), key="another")
    assert sender(plain)("GET", "/whoami") == sender(armed)("GET", "/whoami")


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "options", "message"),
    [
        (
            faults.reset(),
            {"on": "POST /job"},
            r"no operation 'POST /job'; there are .*mean 'POST /jobs'",
        ),
        (faults.reset(), {"on": "/jobs"}, "no operation '/jobs'"),
        (faults.reset(), {"on": "PATCH *"}, "no operation"),
        (faults.reset(), {"on": ["POST /jobs", "none"]}, "no operation 'none'"),
        (faults.reset(), {"on": []}, "one or several operations"),
        (faults.reset(), {"on": 5}, "one or several operations"),
        (faults.reset(), {"on": [5]}, "no operation 5"),
        (faults.reset(), {"times": 0}, "times must be a whole number at least 1, is 0"),
        (faults.reset(), {"times": 1.5}, "times must be"),
        (faults.reset(), {"times": True}, "times must be"),
        (faults.reset(), {"skip": -1}, "skip must be"),
        (faults.reset(), {"probability": 0}, "probability must be .* above 0 and at most 1"),
        (faults.reset(), {"probability": 1.1}, "probability must be"),
        (faults.reset(), {"probability": float("nan")}, "probability must be"),
        (faults.reset(), {"probability": "high"}, "probability must be"),
        (faults.reset(), {"key": " "}, "an API key is a text"),
        (faults.reset(), {"key": "sha256:short"}, "64 hexadecimal digits"),
        (faults.reset(), {"after_effect": "yes"}, "after_effect must be true or false"),
        (faults.stale(), {"on": POST}, r"stale\(by=1\) happens to GET only"),
        (faults.duplicated(), {"on": "GET *"}, "happens to POST, PUT, DELETE only"),
        (faults.refused(), {"after_effect": True}, "keeps it from being sent"),
        (faults.malformed(), {"after_effect": False}, "comes after the request took effect"),
        (faults.lost_answer(), {"after_effect": False}, "comes after the request took effect"),
        (429, {}, r"made by faults\.http\(429\)"),
        (faults.http, {}, r"made by faults\.http\(429\)"),
    ],
)
def test_add_rejects_rule_that_never_fires(fault, options, message, cloud):
    with pytest.raises(ValueError, match=message):
        cloud.faults.add(fault, **options)
    assert cloud.faults.rules == ()


def test_add_rejects_unknown_key_without_showing_it():
    cloud = FakeIonQ(seed=1, keys={"right": Access("p")})
    cloud.faults.add(faults.reset(), key="right")
    with pytest.raises(ValueError, match="never fires") as caught:
        cloud.faults.add(faults.reset(), key="a-wrong-secret")
    assert "a-wrong-secret" not in str(caught.value)


def test_a_rule_behind_one_that_always_fires_is_refused(cloud):
    first = cloud.faults.add(faults.http(503), on="* /jobs")
    with pytest.raises(ValueError, match=r"faults\.reset\(\) on 'POST /jobs' never fires"):
        cloud.faults.add(faults.reset(), on=POST)
    cloud.faults.add(faults.latency(1), on=POST)  # latencies add up
    cloud.faults.add(faults.reset(), on="POST *")  # fires on other operations
    cloud.faults.remove(first)
    cloud.faults.add(faults.http(500), on="* /jobs")


@pytest.mark.parametrize(
    "options", [{"times": 3}, {"skip": 1}, {"probability": 0.9}, {"key": "one"}, {"on": "GET *"}]
)
def test_a_rule_behind_one_that_does_not_always_fire_is_taken(options, cloud):
    cloud.faults.add(faults.http(503), **options)
    cloud.faults.add(faults.reset(), on=POST)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: faults.http(399), "status must be a whole number from 400 to 529, is 399"),
        (lambda: faults.http(530), "from 400 to 529"),
        (lambda: faults.http("503"), "status must be a whole number"),
        (lambda: faults.http(503, retry_after=-1), "retry_after must be"),
        (lambda: faults.http(503, retry_after="1\r\nx: y"), "printable ASCII"),
        (lambda: faults.latency(0), "seconds must be a finite number above 0"),
        (lambda: faults.latency(float("inf")), "seconds must be"),
        (lambda: faults.latency(1, jitter=2), "jitter must be .* at most 1"),
        (
            lambda: faults.lost_answer("somehow"),
            "no way to lose an answer 'somehow'; there are reset, t",
        ),
        (lambda: faults.lost_answer("reset", status=504), "not both"),
        (lambda: faults.lost_answer(status=200), "status must be a whole number from 400"),
        (lambda: faults.truncated(-1), "bytes must be"),
        (lambda: faults.dribble(bytes=0), "bytes must be"),
        (lambda: faults.dribble(seconds=-1), "seconds must be"),
        (lambda: faults.html(700), "status must be a whole number from 200 to 599"),
        (lambda: faults.html(204), "no body"),
        (lambda: faults.content_type(""), "printable ASCII"),
        (lambda: faults.content_type("text/h\xe9"), "printable ASCII"),
        (lambda: faults.stale(0), "by must be"),
    ],
)
def test_make_rejects_unknown_fault(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# --- plain data ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", faults.KINDS)
def test_every_kind_of_rule_is_plain_data_and_back(kind):
    fault = eval(faults.KINDS[kind].example, {"faults": faults})
    for rule in (
        faults.FaultRule(fault),
        faults.FaultRule(fault, ["* /jobs", "GetJob"], 3, 2, 0.5, "sha256:" + "0a" * 32),
    ):
        plain = faults.to_dict(rule)
        assert faults.from_dict(plain) == rule
        assert pickle.loads(pickle.dumps(rule)) == rule
        assert eval(repr(fault), {"faults": faults}) == fault


def test_to_dict_leaves_defaults_out():
    rule = faults.FaultRule(faults.http(429, retry_after=3), POST, times=2)
    assert faults.to_dict(rule) == {
        "fault": "http",
        "status": 429,
        "retry_after": 3,
        "on": "POST /jobs",
        "times": 2,
    }


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({}, "at least the key 'fault'"),
        ([], "at least the key 'fault'"),
        ({"fault": "htp", "status": 429}, "no fault 'htp'; there are http"),
        ({"fault": "http"}, "faults.http: missing a required argument: 'status'"),
        ({"fault": "http", "status": 429, "ties": 2}, "unexpected keyword argument 'ties'"),
        ({"fault": "http", "status": 429, "times": "2"}, "times must be"),
        ({"fault": ["http"]}, "no fault"),
    ],
)
def test_from_dict_rejects_invalid_rule(plain, message):
    with pytest.raises(ValueError, match=message):
        faults.from_dict(plain)


# --- what is known afterwards ----------------------------------------------------------------


def test_the_requests_are_known_and_their_keys_are_not(send, cloud, job_body):
    _, whoami = send("GET", "/whoami")
    cloud.clock.sleep(5)
    cloud.faults.add(faults.lost_answer(), on=POST, times=1)
    with pytest.raises(ConnectionError):
        send("POST", "/jobs", job_body())
    send("GET", "/jobs?limit=2")
    send("GET", "/nothing?key=any-key-of-ours", headers={"Authorization": "apiKey any-key-of-ours"})
    cloud.handle("get", "https://api.ionq.co/v0.4/backends", {})

    assert [
        (one.method, one.path, one.operation, one.status, one.faults) for one in cloud.requests
    ] == [
        ("GET", "/v0.4/whoami", "GET /whoami", 200, ()),
        ("POST", "/v0.4/jobs", "POST /jobs", None, ("lost_answer",)),
        ("GET", "/v0.4/jobs?limit=2", "GET /jobs", 200, ()),
        ("GET", "/v0.4/nothing?key=[API key]", None, 404, ()),
        ("GET", "/v0.4/backends", "GET /backends", 200, ()),
    ]
    assert [one.key_id for one in cloud.requests] == [whoami["key_id"]] * 3 + [None] * 2
    passed = [(one.at - cloud.started_at) / timedelta(seconds=1) for one in cloud.requests]
    assert passed == [0, 5, 5, 5, 5]
    assert "any-key" not in repr(cloud.requests)


def test_fired_faults_are_listed_with_their_requests(send, cloud):
    late = cloud.faults.add(faults.latency(2), on="GET /health", skip=1)
    busy = cloud.faults.add(faults.http(429), on="GET /health", skip=1, times=1)
    for _ in range(3):
        send("GET", "/health")
    second, third = cloud.requests[1:]
    assert cloud.faults.fired == [(late, second), (busy, second), (late, third)]
    assert cloud.faults.fired[1].fault == faults.http(429)
    assert second.faults == ("latency", "http")
    assert (second.status, third.status) == (429, 200)
    assert (late.reached, late.fired, busy.reached, busy.fired) == (3, 2, 2, 1)


def test_clearing_keeps_what_fired_and_a_reset_forgets_it(health, cloud):
    def drawn():
        cloud.faults.add(faults.http(503), probability=0.5)
        return health(20)

    first = drawn()
    cloud.faults.clear()
    assert health(2) == [200, 200]
    assert len(cloud.faults.fired) == first.count(503)
    assert drawn() != first  # another rule
    cloud.faults.reset()
    assert (cloud.faults.rules, cloud.faults.fired) == ((), [])
    assert drawn() == first


def test_a_rule_is_removed_once(cloud, health):
    armed = cloud.faults.add(faults.http(503))
    cloud.faults.remove(armed)
    assert health(1) == [200]
    with pytest.raises(ValueError, match="no rule"):
        cloud.faults.remove(armed)


def test_a_cloud_does_not_remember_for_ever(cloud, monkeypatch):
    for _ in range(10_050):
        cloud.handle("GET", "/v0.4/none", {})
    assert len(cloud.requests) == 10_000
