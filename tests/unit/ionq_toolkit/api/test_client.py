import json
import logging
import traceback

import pytest

from ionq_toolkit import InProcessTransport, IonQClient, IonQJob, IonQProvider, errors
from ionq_toolkit.api.connection import DEFAULT_TIMEOUT_S

KEY = "s3cret-key-of-somebody"
URL = "https://api.ionq.test/v0.4"


def client_of(cloud):
    return IonQClient(KEY, URL + "/", InProcessTransport(cloud))


@pytest.fixture
def call(scripted):
    """Ask for a job, with the service answering this, and return the error."""

    def call(*reply):
        with pytest.raises(errors.IonQError) as caught:
            client_of(scripted(*reply)).retrieve_job("job-1")
        return caught.value

    return call


def test_requests_carry_key_agent_and_where_to_go(scripted):
    cloud = scripted((200, {"id": "j"}))
    client = client_of(cloud)
    client.retrieve_job("j")
    client.get_results("j", query={"sharpen": "true"})
    client.cancel_job("j")
    client.delete_job("j")
    client.submit_job({"a": 1}, timeout=3)

    assert [(method, url) for method, url, *_ in cloud.requests] == [
        ("GET", URL + "/jobs/j"),
        ("GET", URL + "/jobs/j/results/probabilities?sharpen=true"),
        ("PUT", URL + "/jobs/j/status/cancel"),
        ("DELETE", URL + "/jobs/j"),
        ("POST", URL + "/jobs"),
    ]
    client.submit_job(b'{"as": "it is"}')
    assert cloud.requests.pop()[3] == b'{"as": "it is"}'
    headers, body, timeout = cloud.requests[-1][2:]
    assert headers["Authorization"] == f"apiKey {KEY}"
    assert headers["User-Agent"].startswith("ionq-toolkit/")
    assert headers["Content-Type"] == "application/json"
    assert "Content-Type" not in cloud.requests[0][2]
    assert (json.loads(body), timeout) == ({"a": 1}, 3)
    assert cloud.requests[0][4] == DEFAULT_TIMEOUT_S


@pytest.mark.parametrize(
    ("body", "error_type", "detail"),
    [
        ({"statusCode": 400, "error": "Bad Request", "message": "no."}, "Bad Request", "no."),
        ({"error": {"type": "bad", "message": "no"}}, "bad", "no"),
        ({"error": "Unauthorized"}, None, "Unauthorized"),
        ({"code": 7, "message": "no"}, None, "no"),
        ({}, None, "{}"),
        ([], None, "[]"),
        (None, None, "null"),
        ("text", None, "text"),
        (b"<html>Bad gateway</html>", None, "<html>Bad gateway</html>"),
        (b"\xff\xfe", None, "\ufffd\ufffd"),
        (b"", None, ""),
        (b"x" * 5000, None, "x" * 200),
        ({"error": None, "message": None}, None, '{"error": null, "message": null}'),
        ({"message": ["a"]}, None, '{"message": ["a"]}'),
    ],
)
def test_a_refusal_of_any_shape_is_an_api_error_with_ionqs_message(call, body, error_type, detail):
    error = call((400, body))

    assert isinstance(error, errors.IonQAPIError)
    assert (error.status_code, error.error_type, error.detail) == (400, error_type, detail)
    assert (error.request_id, error.job_id) == ("req-1", "job-1")
    assert detail in str(error)
    assert "400" in str(error)
    assert "request id req-1" in str(error)


@pytest.mark.parametrize(
    "status", [300, 302, 400, 401, 403, 404, 409, 413, 429, 500, 503, 504, 520]
)
def test_every_unsuccessful_status_is_an_api_error(call, status):
    assert call((status, {"message": "no"})).status_code == status


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "IONQ_API_KEY"), (404, "Check the id"), (503, "status.ionq.co")]
)
def test_an_api_error_gives_advice(call, status, advice):
    assert advice in str(call((status, {"message": "no"})))


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"<html>", b"", b"[]", b"null", b'"text"', b"\xff", b"12"]
)
def test_an_unexpected_response_is_a_response_error(call, body):
    error = call((200, body))
    assert isinstance(error, errors.IonQResponseError)
    assert (error.status_code, error.request_id) == (200, "req-1")
    assert "base URL" in str(error)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"0": 0.25, "3": 0.75}', {0: 0.25, 3: 0.75}),
        (b'{"1267650600228229401496703205376": 1}', {2**100: 1.0}),
        (b'{"1": 0.5, "1": 0.25}', {1: 0.25}),
        (b"{}", {}),
        # Anything else is returned as it is, for the reader of histograms to refuse.
        (b'{"01": 1.0}', {"01": 1.0}),
        (b'{"0": 0.5, "x": 0.5}', {"0": 0.5, "x": 0.5}),
        (b'{"0": "1.0"}', {"0": "1.0"}),
        (b'{"0": true}', {"0": True}),
        (b'{"0": null, "1": {"0": 1}}', {"0": None, "1": {"0": 1}}),
        (b'{"0": Infinity}', {"0": float("inf")}),
        (b'{"0": 1e999}', {"0": float("inf")}),
        (b'{"0": 1' + b"0" * 400 + b"}", {"0": 10**400}),
    ],
)
def test_get_results_returns_outcomes_as_ints_where_they_are(scripted, body, found):
    client = client_of(scripted((200, body), (200, b'{"child": ' + body + b"}")))
    assert repr(client.get_results("j", as_ints=True)) == repr(found)
    assert repr(client.get_aggregated_results("j", as_ints=True)) == repr({"child": found})


@pytest.mark.parametrize("body", [b"[", b"", b"\xff", b'{"0": 1} x', b"[" * 100_000, b'[{"0": 1}]'])
def test_results_that_are_not_json_objects_are_a_response_error(scripted, body):
    for as_ints in (True, False):
        with pytest.raises(errors.IonQResponseError):
            client_of(scripted((200, body))).get_results("j", as_ints=as_ints)


@pytest.mark.parametrize(
    ("body", "record"),
    [
        (b'{"shots": NaN}', {"shots": float("nan")}),
        (b'{"shots": -1e999}', {"shots": float("-inf")}),
        (b'{"id": "\\ud800"}', {"id": "\ud800"}),
        (b'{"id": 1, "id": 2}', {"id": 2}),
        (b'{"shots": 18446744073709551617}', {"shots": 2**64 + 1}),
        (b'\xef\xbb\xbf{"id": "j"}', {"id": "j"}),
        ('{"id": "j"}'.encode("utf-16"), {"id": "j"}),
    ],
)
def test_json_that_only_python_reads_is_read(scripted, body, record):
    assert repr(client_of(scripted((200, body))).retrieve_job("j")) == repr(record)


@pytest.mark.parametrize("job_id", ["", "..", ".", "a/b", "a?b", "a b", "\ud800", "j" * 201])
def test_requests_reject_invalid_ids(scripted, job_id):
    cloud = scripted((200, {}))
    for ask in ("retrieve_job", "get_results", "cancel_job", "delete_job"):
        with pytest.raises(errors.IonQClientError, match="not the id of a job"):
            getattr(client_of(cloud), ask)(job_id)
    assert cloud.requests == []


@pytest.mark.parametrize(
    "reply", [{}, {"id": None}, {"id": ""}, {"id": 7}, {"id": ".."}, {"id": "\ud800"}]
)
def test_a_submission_without_an_id_warns_that_the_job_may_exist(scripted, reply):
    with pytest.raises(errors.IonQResponseError, match="may exist"):
        client_of(scripted((201, reply))).submit_job({})


@pytest.mark.parametrize("reply", [b"<html>", [], {}, {"id": 7}, {"id": "../x"}])
def test_a_reply_that_cannot_be_read_leaves_open_whether_there_is_a_session(scripted, reply):
    with pytest.raises(errors.IonQResponseError, match="may have taken effect"):
        client_of(scripted((201, reply))).create_session({"backend": "qpu.forte-1"})


def test_a_submission_whose_reply_cannot_be_read_may_have_taken_effect(scripted):
    with pytest.raises(errors.IonQResponseError, match="may have taken effect"):
        client_of(scripted((200, b"<html>"))).submit_job({})
    with pytest.raises(errors.IonQResponseError) as caught:
        client_of(scripted((200, b"<html>"))).retrieve_job("j")
    assert "taken effect" not in str(caught.value)


@pytest.mark.parametrize("reply", [{"backends": []}, [1], "x"])
def test_a_listing_of_backends_must_be_a_list_of_objects(scripted, reply):
    with pytest.raises(errors.IonQResponseError, match="list of objects"):
        client_of(scripted((200, reply))).get_backends()


def test_a_submission_that_was_never_sent_has_no_effect_to_look_for(scripted):
    with pytest.raises(errors.IonQConnectionError) as caught:
        client_of(scripted(ConnectionRefusedError("no"))).submit_job({})
    assert "taken effect" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "troubled"), [(500, True), (503, True), (524, True), (501, False), (418, False)]
)
def test_only_outages_are_described_as_trouble_of_the_service(call, status, troubled):
    assert ("has trouble" in str(call((status, {"message": "no"})))) is troubled


RETRIABLE = [408, 425, 429, 502, 503, 504, 520, 524, 529]
FINAL = [300, 400, 401, 403, 404, 405, 409, 410, 413, 422, 500, 501, 505, 519, 530]


@pytest.mark.parametrize("status", RETRIABLE + FINAL)
def test_retriable_statuses_have_their_own_error_type(call, status):
    error = call((status, {"message": "no"}))
    assert isinstance(error, errors.IonQAPIError)
    assert isinstance(error, errors.IonQRetriableError) is (status in RETRIABLE)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("30", 30),
        (" 1.5 ", 1.5),
        ("0", 0),
        ("-5", 0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0),
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("Wed, 99 Oct 2026 07:28:30 GMT", None),
    ],
)
def test_a_retriable_error_has_the_seconds_of_retry_after(scripted, retry_after, seconds):
    headers = {"Date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    if retry_after is not None:
        headers["retry-after"] = retry_after
    with pytest.raises(errors.IonQRetriableError) as caught:
        client_of(scripted((429, {"message": "slow"}), headers=headers)).retrieve_job("j")
    assert caught.value.retry_after_s == seconds


def test_a_retry_after_date_needs_the_date_of_the_response(scripted):
    headers = {"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT"}
    with pytest.raises(errors.IonQRetriableError) as caught:
        client_of(scripted((503, {}), headers=headers)).retrieve_job("j")
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize(
    ("status", "asked"),
    [(status, True) for status in (408, 500, 502, 503, 504, 520, 524)]
    + [(status, False) for status in (400, 401, 413, 425, 429, 501)],
)
def test_an_uncertain_submission_error_advises_to_look_first(scripted, status, asked):
    with pytest.raises(errors.IonQAPIError) as caught:
        client_of(scripted((status, b"<html>Bad gateway</html>"))).submit_job({})
    assert ("may have taken effect" in str(caught.value)) is asked


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"code": "TooManyShots", "message": "no"}, "TooManyShots"),
        ({"code": 7, "message": "no"}, "7"),
        ({"error": {"code": "Odd", "type": "bad", "message": "no"}}, "Odd"),
        ({"code": None, "message": "no"}, None),
        ({"code": [1], "message": "no"}, None),
        ({"code": "", "message": "no"}, None),
        ({"message": "no"}, None),
        ("no", None),
    ],
)
def test_the_code_of_a_refusal_is_kept(call, body, code):
    assert call((400, body)).code == code


# --- lists, page by page -----------------------------------------------------------------------


def test_jobs_are_listed_page_by_page_as_they_are_asked_for(scripted):
    cloud = scripted(
        (200, {"jobs": [{"id": "c"}, {"id": "b"}], "next": "a"}),
        (200, {"jobs": [{"id": "a"}], "next": None}),
    )
    listing = client_of(cloud).list_jobs(
        ids=["a", "b"], status="ready", target="simulator", limit=2, session_id="s"
    )
    assert next(listing) == {"id": "c"}
    assert len(cloud.requests) == 1
    assert [job["id"] for job in listing] == ["b", "a"]
    query = "ids=a%2Cb&status=ready&target=simulator&session_id=s&limit=2"
    assert [url for _, url, *_ in cloud.requests] == [
        f"{URL}/jobs?{query}",
        f"{URL}/jobs?{query}&next=a",
    ]


def test_all_jobs_of_a_project_are_listed(provider, bell):
    ids = [provider.get_backend("simulator").run(bell).job_id() for _ in range(60)]
    listed = [job["id"] for job in provider.client.list_jobs(target="simulator")]
    assert listed == ids[::-1]
    assert list(provider.client.list_jobs(target="qpu.forte-1")) == []


@pytest.mark.parametrize(
    "page",
    [
        {"jobs": [], "next": "again"},
        {"jobs": [], "next": 7},
        {"jobs": None, "next": None},
        {"jobs": [1], "next": None},
        {"next": None},
        [],
    ],
)
def test_endless_or_invalid_pages_are_a_response_error(scripted, page):
    with pytest.raises(errors.IonQResponseError):
        list(client_of(scripted((200, page))).list_jobs())


def test_a_list_without_a_next_page_ends(scripted):
    assert list(client_of(scripted((200, {"jobs": []}))).list_jobs()) == []


def test_sessions_are_listed(provider):
    client = provider.client
    first, second = (client.create_session({"backend": "qpu.forte-1"})["id"] for _ in range(2))
    client.end_session(first)
    assert [session["id"] for session in client.list_sessions()] == [second, first]
    assert [session["id"] for session in client.list_sessions(active=True)] == [second]
    assert [session["id"] for session in client.list_sessions(active=False)] == [first]


@pytest.mark.parametrize("reply", [{}, {"sessions": None}, {"sessions": ["x"]}, []])
def test_a_listing_of_sessions_must_be_a_list_of_objects(scripted, reply):
    with pytest.raises(errors.IonQResponseError):
        client_of(scripted((200, reply))).list_sessions()


def test_characterizations_are_asked_for_by_day_and_page(scripted):
    cloud = scripted((200, {"characterizations": [{}], "pages": 3}))
    client = client_of(cloud)
    assert client.get_characterizations("qpu.forte-1") == [{}]
    client.get_characterizations("a/../b", start="2026-01-01", end="2026-02-01", limit=5, page=2)
    assert [url for _, url, *_ in cloud.requests] == [
        f"{URL}/backends/qpu.forte-1/characterizations",
        f"{URL}/backends/a%2F..%2Fb/characterizations?start=2026-01-01&end=2026-02-01&limit=5&page=2",
    ]


@pytest.mark.parametrize("error", [ConnectionError, ConnectionResetError, TimeoutError])
def test_no_answer_is_a_connection_error_and_is_not_sent_again(scripted, error):
    cloud = scripted(error("went wrong"))
    with pytest.raises(errors.IonQConnectionError, match=r"went wrong.*may have taken effect"):
        client_of(cloud).submit_job({})
    assert len(cloud.requests) == 1


def test_a_lost_answer_to_a_question_does_not_warn_of_effects(call):
    error = call(ConnectionError("reset"))
    assert isinstance(error, errors.IonQConnectionError)
    assert "taken effect" not in str(error)
    assert URL in str(error)
    assert "IONQ_API_URL" in str(error)


@pytest.mark.parametrize(
    ("reply", "headers"),
    [
        ((400, {"error": "Bad", "message": f"your header was 'apiKey {KEY}'"}), {}),
        ((400, {"error": KEY, "message": "no"}), {}),
        ((400, b"x" * 190 + KEY.encode()), {}),
        ((400, b'{"message": "' + KEY.encode().replace(b"-", b"\\u002d") + b'"}'), {}),
        ((400, {"message": "no"}), {"X-Request-Id": KEY}),
        ((200, b"<html>"), {"Content-Type": KEY, "X-Request-Id": KEY}),
        ((200, {"status": KEY}), {}),
        ((200, {"status": "failed", "failure": {"code": "X", "message": KEY}}), {}),
        (ConnectionError(f"no route for {KEY}"), {}),
        (TimeoutError(f"late: {KEY}"), {}),
    ],
)
def test_an_echoed_key_is_in_no_error_traceback_or_log(
    scripted, caplog, instant_clock, reply, headers
):
    caplog.set_level(logging.DEBUG)

    class Networked(InProcessTransport):
        requires_key = True

    cloud = scripted(reply, headers={"Content-Type": "application/json", **headers})
    provider = IonQProvider(KEY, transport=Networked(cloud), clock=instant_clock)
    with pytest.raises(errors.IonQError) as caught:
        IonQJob(provider.get_backend("simulator"), "job-1").result(timeout=1)
    error = caught.value
    shown = [str(error), repr(error), repr(vars(error)), caplog.text]
    shown += traceback.format_exception(error)
    assert not [text for text in shown if KEY in text or KEY[:10] in text]


def test_the_key_is_in_no_repr(scripted):
    client = client_of(scripted((200, {})))
    assert KEY not in repr(client) + repr(client.transport) + repr(vars(client.transport))


def test_a_short_key_does_not_spoil_every_text(scripted):
    client = IonQClient("k", URL, InProcessTransport(scripted((400, {"message": "bad key"}))))
    with pytest.raises(errors.IonQAPIError, match="bad key"):
        client.retrieve_job("job-1")


# --- another base URL ------------------------------------------------------------------------

HTML = b"<html>Not here</html>"


@pytest.mark.parametrize("base", ["", "/v0.3", "/v1", "/v0.4/jobs", "/ionq"])
@pytest.mark.parametrize("reply", [(404, {"message": "no"}), (301, b""), (405, HTML), (400, HTML)])
def test_a_base_url_that_is_not_that_of_the_api_is_named(scripted, base, reply):
    client = IonQClient(KEY, f"https://gate.test{base}", InProcessTransport(scripted(reply, reply)))
    for call in (client.get_backends, lambda: client.submit_job({})):
        with pytest.raises(errors.IonQAPIError, match=r"IONQ_API_URL.* ends in /v0\.4") as caught:
            call()
        assert f"https://gate.test{base} does not" in str(caught.value)
        assert "Check the id" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_another_version_is_named_whatever_it_refuses(scripted, status):
    cloud = scripted((status, {"message": "no"}))
    client = IonQClient(KEY, "https://gate.test/v0.3", InProcessTransport(cloud))
    with pytest.raises(errors.IonQAPIError, match=r"https://gate\.test/v0\.3 does not"):
        client.get_backends()


@pytest.mark.parametrize("base", ["", "/ionq", "/v1"])
def test_a_gateway_that_has_answered_is_not_suspected(scripted, base):
    cloud = scripted((200, []), (404, {"message": "no"}))
    client = IonQClient(KEY, f"https://gate.test{base}", InProcessTransport(cloud))
    client.get_backends()
    with pytest.raises(errors.IonQAPIError, match="Check the id") as caught:
        client.retrieve_job("j")
    assert "IONQ_API_URL" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 404])
def test_the_base_url_of_the_api_is_not_suspected(call, status):
    assert "IONQ_API_URL" not in str(call((status, {"message": "no"})))


def test_an_unknown_job_at_an_unproven_gateway_may_have_either_cause(scripted):
    cloud = scripted((404, {"message": "no"}))
    client = IonQClient(KEY, "https://gate.test", InProcessTransport(cloud))
    with pytest.raises(errors.IonQAPIError, match=r"ends in /v0\.4.*Check the id"):
        client.retrieve_job("j")
