"""Keys and identities stay out of recordings."""

import base64
import html
import itertools
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from recordings import KEY, PROJECT, URL, USER, Script, ask, entries, reply

from ionq_toolkit import (
    RecordingTransport,
    ReplayTransport,
)


def encodings(key):
    """Yield the ways in which a key may be written."""
    yield from {key, quote(key), quote(key, safe=""), quote_plus(key), key.lower(), key.upper()}
    yield from {json.dumps(key)[1:-1], html.escape(key), key.encode().hex()}
    yield from in_base64(key)


def in_base64(key):
    """Yield a key in base64, with something before and after it."""
    for before, after in itertools.product(range(3), repeat=2):
        data = b"b" * before + key.encode() + b"a" * after
        yield base64.b64encode(data).decode()
        yield base64.urlsafe_b64encode(data).decode()


def sure_parts(key):
    """Yield what must not be found: of base64 the middle, which is of the key alone."""
    yield from set(encodings(key)) - set(in_base64(key))
    yield from (encoded.rstrip("=")[4:-4] for encoded in in_base64(key))


def appearances(text):
    """Return a file's text, and again as whoever reads its JSON finds it, decoded or not."""
    found = [text]

    def look(value):
        if isinstance(value, dict):
            for name, one in value.items():
                found.append(name)
                if name == "base64":
                    found.append(base64.b64decode(one).decode("latin-1"))
                look(one)
        elif isinstance(value, list):
            for one in value:
                look(one)
        elif isinstance(value, str):
            found.append(value)

    for line in text.splitlines():
        look(json.loads(line))
    return "\n".join(found)


@pytest.mark.slow
@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=16, max_size=40),
    st.sampled_from(["header", "text", "json", "name", "broken", "binary", "url", "request"]),
)
@example(key=">>>???abcdefghij", place="url")  # base64 with both / and +
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_a_key_is_not_in_the_file_in_any_encoding(tmp_path, key, place):
    assume(len(set(key)) > 6 and key == key.strip())
    path = tmp_path / "recording.jsonl"
    path.unlink(missing_ok=True)
    for form in encodings(key):
        echoed = {
            "header": reply([], X_Request_Id=f"id {form}"),
            "text": reply(f"<p>{form}</p>\n<p>x{form}x".encode()),
            "json": reply({"error": [f"no such key: {form}!"]}),
            "name": reply({f"key {form}": 1}),
            "broken": reply(b'{"error": "' + form.encode()),
            "binary": reply(b"\xff\x00" + form.encode() + b"\xfe"),
        }.get(place, reply([]))
        url = f"/jobs/{quote(form)}?next={quote_plus(form)}" if place == "url" else "/jobs"
        body = {"input": [form]} if place == "request" else None
        ask(RecordingTransport(Script(echoed), path), "POST", url, body, key=key)
        text = appearances(path.read_text())
        path.unlink()
        for sought in sure_parts(key):
            assert sought.lower() not in text.lower()


@pytest.mark.parametrize("short", ["k", "any-key"])
def test_a_text_too_short_for_a_key_is_kept(path, short):
    content = {"message": f"unknown {short}"}
    ask(RecordingTransport(Script(reply(content)), path), key=short)
    assert json.loads(ask(ReplayTransport(path)).body) == content


def test_a_key_that_contains_another_is_removed_as_a_whole(path):
    longer = f"{KEY}-and-more"
    transport = RecordingTransport(Script(reply([]), reply([longer, KEY])), path)
    ask(transport, key=KEY)
    transport.send("GET", URL, {"Proxy-Authorization": f"Basic {longer}"}, None, None)
    assert "and-more" not in path.read_text()
    assert len(set(entries(path)[2]["response"]["json"])) == 2


def test_equal_ids_have_equal_placeholders(record, path):
    other = "9a7c0f4e-1111-4222-8333-444455556666"
    text = record(
        (("GET", f"/jobs?submitter_id={USER}"), reply({"jobs": []})),
        (
            ("GET", "/jobs/j"),
            reply({"id": "j", "submitter_id": USER, "project_id": PROJECT, "session_id": None}),
        ),
        (("GET", "/sessions/s"), reply({"creator_id": USER.upper(), "project_id": other})),
        (("GET", "/whoami"), reply({"key_id": other, "key_name": "Alice's", "project": {"id": 5}})),
        (("GET", "/x"), reply({"error": f"Project {PROJECT} is over, {USER} may not"}, 403)),
        (("GET", "/organizations/corp/usage"), reply({"organization": "corp"})),
        (("GET", "/y"), reply(f"<p>Project {other[:-1]}0 and user_id={USER[:-1]}0</p>".encode())),
        (("GET", "/z"), reply({"contact": "mail alice.b@sub.corp.com or support@ionq.co"})),
    )
    for secret in (USER, PROJECT, other, "Alice", "corp"):
        assert secret.lower() not in text.lower()

    _, listed, job, session, whoami, refused, usage, prose, contact = entries(path)
    user = job["response"]["json"]["submitter_id"]
    project = job["response"]["json"]["project_id"]
    assert listed["request"]["url"] == f"/v0.4/jobs?submitter_id={user}"
    assert job["response"]["json"] == {
        "id": "j",
        "submitter_id": "000000000000000000000001",
        "project_id": "00000000-0000-4000-8000-000000000002",
        "session_id": None,
    }
    assert session["response"]["json"]["creator_id"] == user
    assert session["response"]["json"]["project_id"] == whoami["response"]["json"]["key_id"]
    assert session["response"]["json"]["project_id"] != project
    assert refused["response"]["json"]["error"] == f"Project {project} is over, {user} may not"
    organization = usage["response"]["json"]["organization"]
    assert usage["request"]["url"] == f"/v0.4/organizations/{organization}/usage"
    assert USER[:-1] not in str(prose)
    assert other[:-1] not in str(prose)
    assert contact["response"]["json"]["contact"].startswith("mail person-")
    assert contact["response"]["json"]["contact"].endswith("@example.com or support@ionq.co")


def test_an_identity_is_found_in_every_field(record, path):
    record(
        (("GET", "/users/me"), reply({"username": "Alice@corp.com", "text": f"{USER} {USER}ff"})),
        (("GET", "/jobs"), reply({"organisation_id": "corp", "note": "to alice@corp.com"})),
        (("GET", "/x"), reply({"organization": {"id": "corp", "name": "Corp", "size": "big"}})),
        (("GET", "/y"), reply({"submitterId": USER, "text": f"{USER} {USER}ff"})),
        (("GET", "/z"), reply(b"\xff" + USER.encode())),
        (("GET", "/short"), reply({"of": "a@b.co"})),
    )
    _, me, jobs, organization, user, binary, short = (
        {**one.get("request", {}), **one.get("response", {})} for one in entries(path)
    )
    assert me["url"] == "/v0.4/users/me"
    assert jobs["json"]["note"] == f"to {me['json']['username']}"
    assert jobs["json"]["organisation_id"] == organization["json"]["organization"]["id"]
    assert organization["json"]["organization"]["name"] not in {"Corp", "corp"}
    assert organization["json"]["organization"]["size"] == "big"
    # An id is known once a field has said whose it is, and only where it is whole.
    assert me["json"]["text"] == f"{USER} {USER}ff"
    assert user["json"]["text"] == f"{user['json']['submitterId']} {USER}ff"
    # Of what is no text, nothing is taken for an id.
    assert base64.b64decode(binary["base64"]) == b"\xff" + USER.encode()
    assert short["json"]["of"].endswith("@example.com")


def test_a_truncated_response_shows_no_identity(record, path):
    whole = json.dumps({"id": "j", "submitter_id": USER, "key_name": 'Alice\'s "own" key'})
    for end in range(len(whole)):
        path.unlink(missing_ok=True)
        text = record((("GET", "/jobs/j"), reply(whole[:end].encode())))
        assert "Alice" not in text
        assert USER[:8] not in text


def test_job_ids_names_and_metadata_are_kept(record, path):
    """Their ids, and what their owner calls anything."""
    job_id = "019b76da-a800-7953-ba38-97650ed90475"
    record(
        (
            ("POST", "/jobs", {"name": "user 7", "metadata": {"project": "alpha", "user": "7"}}),
            reply({"id": job_id}, 201),
        ),
        (
            ("GET", "/organizations/corp/usage?group_by=job"),
            reply({"group_type": "job", "group_usages": [{"group_id": job_id, "group_name": "b"}]}),
        ),
        (
            ("GET", "/organizations/corp/usage?group_by=user"),
            reply({"group_type": "user", "group_usages": [{"group_id": USER, "group_name": "Al"}]}),
        ),
        (("GET", f"/jobs/{job_id}"), reply({"id": job_id, "metadata": {"project": "alpha"}})),
    )
    _, posted, jobs, users, job = entries(path)

    assert posted["request"]["json"]["name"] == "user 7"
    assert posted["request"]["json"]["metadata"] == {"project": "alpha", "user": "7"}
    assert jobs["response"]["json"]["group_usages"] == [{"group_id": job_id, "group_name": "b"}]
    assert users["response"]["json"]["group_usages"][0]["group_id"] != USER
    assert users["response"]["json"]["group_usages"][0]["group_name"] != "Al"
    assert job["request"]["url"] == f"/v0.4/jobs/{job_id}"
    assert job["response"]["json"]["metadata"] == {"project": "alpha"}


def test_credentials_of_other_services_are_removed(record, path):
    def body(secret):
        return {"external_settings": {"api_credentials": secret, "external_organization": "corp"}}

    text = record(*[(("POST", "/jobs", body("hunter2")), reply({"id": "j"}, 201))] * 2)

    assert "hunter2" not in text
    assert "corp" not in text
    replay = ReplayTransport(path)
    for secret in ("another", "and another"):
        assert ask(replay, "POST", "/jobs", body(secret)).status == 201


@pytest.mark.parametrize(
    "text", ["x" * 200_000, '"ab' * 70_000, "user id " * 30_000, "/a@" * 70_000]
)
def test_redaction_of_a_long_text_is_fast(record, path, text):
    """Not with the square of its length, that is: these would take an hour."""
    record((("GET", "/jobs/j"), reply({"text": text})))
    assert json.loads(ask(ReplayTransport(path), "GET", "/jobs/j").body) == {"text": text}
