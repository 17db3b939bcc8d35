"""Requests that a web page or another machine may not send to a server.

What a browser sends: https://fetch.spec.whatwg.org (Origin, safelisted types of a body) and
https://w3c.github.io/webappsec-fetch-metadata (Sec-Fetch-Site).
"""

import http.client
import json
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from ionq_toolkit_fake import FakeIonQ, FakeServer
from ionq_toolkit_fake.api.operations import OPERATIONS
from ionq_toolkit_fake.cli import main
from ionq_toolkit_fake.control import CONTROLS
from ionq_toolkit_fake.server.guard import Guard, UnsafeAddressError

ROUTES = [
    *(name.replace("<job_id>", "x").split() for name in CONTROLS),
    *([one.method, f"/v0.4{one.path}".replace("<", "").replace(">", "")] for one in OPERATIONS),
]
PAGES = {
    "a rebound name": {"host": "evil.example:8080"},
    "a rebound name of one word": {"host": "evil"},
    "a name that begins as an address": {"host": "127.0.0.1.evil.example"},
    "a name that ends as localhost": {"host": "evillocalhost"},
    "a host that cannot be read": {"host": "[::1"},
    "another origin": {"origin": "http://evil.example"},
    "another port": {"origin": "http://127.0.0.1:3000"},
    "another scheme": {"origin": "https://127.0.0.1:8080"},
    "an opaque origin": {"origin": "null"},
    "an image of another site": {"sec-fetch-site": "cross-site"},
    "a page on another port": {"sec-fetch-site": "same-site"},
    "its own origin by a rebound name": {
        "host": "evil.example:8080",
        "origin": "http://evil.example:8080",
        "sec-fetch-site": "same-origin",
    },
}
OWN = {"host": "127.0.0.1:8080"}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_another_origin_reaches_no_route(page):
    guard = Guard("127.0.0.1")
    for method, path in ROUTES:
        refusal = guard.refusal(method, path, {**OWN, **PAGES[page]})
        assert getattr(refusal, "status", None) == 403, (method, path)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        OWN,
        {"host": "localhost"},
        {"host": "LOCALHOST.:8080"},
        {"host": "[::1]:8080"},
        {"host": "127.9.9.9"},
        {**OWN, "sec-fetch-site": "none"},
        {**OWN, "origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"},
    ],
)
def test_clients_on_this_computer_reach_all_routes(headers):
    guard = Guard("127.0.0.1")
    assert not [path for method, path in ROUTES if guard.refusal(method, path, headers)]


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "Multipart/Form-Data; boundary=x",
    ],
)
def test_a_form_changes_nothing(kind):
    guard = Guard("127.0.0.1")
    for method, path in ROUTES:
        if path.startswith("/_fake") and method != "GET":
            assert guard.refusal(method, path, {**OWN, "content-type": kind}).status == 415


def test_controls_need_the_token_where_other_machines_reach_them():
    guard = Guard("0.0.0.0", token="a-token-of-the-controls")
    bearer = {"host": "192.0.2.7", "authorization": "Bearer a-token-of-the-controls"}
    for method, path in ROUTES:
        control = path.startswith("/_fake")
        for wrong in ({}, {"authorization": "Bearer other"}, {"authorization": "apiKey k"}):
            refusal = guard.refusal(method, path, {"host": "192.0.2.7", **wrong})
            assert (None if refusal is None else refusal.status) == (401 if control else None)
        assert guard.refusal(method, path, bearer) is None
    assert guard.refusal("GET", "/_fake", {**bearer, "host": "evil.example"}).status == 403
    assert Guard("0.0.0.0", hosts=["lab"]).refusal("GET", "/v0.4/health", {"host": "lab"}) is None
    drawn = {Guard("0.0.0.0").token for _ in range(3)}
    assert len(drawn) == 3
    assert min(map(len, drawn)) >= 20


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7", "example.org"])
def test_a_cloud_that_takes_every_key_is_not_served_to_other_machines(host):
    with pytest.raises(UnsafeAddressError, match=r"--api-key.*insecure=True"):
        FakeServer(FakeIonQ(), host=host)
    FakeServer(FakeIonQ(), host=host, insecure=True)
    FakeServer(FakeIonQ(keys={"a-key": "p"}), host=host)


@pytest.mark.parametrize("options", [[], ["--token", "t"], ["--allow-host", "lab"]])
def test_the_command_asks_for_keys_where_other_machines_reach_it(options):
    done = CliRunner().invoke(main, ["serve", "--host", "0.0.0.0", "--port", "0", *options])
    assert done.exit_code == 2
    assert "--keys FILE" in done.output


def send(server, method, path, body=None, **headers):
    url = urlsplit(server.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, named)
    reply = connection.getresponse()
    found = reply.status, reply.read()
    connection.close()
    return found


def test_over_a_socket_a_page_changes_nothing_and_reads_nothing(job_body):
    key = {"authorization": "apiKey any-key-0123456789"}
    with FakeServer(FakeIonQ(seed=1)) as server:
        body = json.dumps({**job_body(), "name": "a secret name"})
        assert send(server, "POST", "/v0.4/jobs", body, **key)[0] == 201
        before = send(server, "GET", "/_fake/state")
        assert b"a secret name" in before[1]
        for method, path in ROUTES:
            for headers in PAGES.values():
                status, told = send(server, method, path, b"{}", **headers, **key)
                assert status == 403
                assert b"secret" not in told
        assert send(server, "POST", "/_fake/reset", content_type="text/plain")[0] == 415
        assert send(server, "POST", "/_fake/reset", "{}", content_type="text/plain")[0] == 415
        assert send(server, "GET", "/_fake/state") == before


def test_a_file_of_keys_is_the_keys_that_are_taken(tmp_path, monkeypatch):
    file = tmp_path / "keys"
    file.write_text("# the lab\nalice-0123456789 lab\nbob-0123456789 lab # the same\ncarol-0123\n")
    served = []
    serve = "ionq_toolkit_fake.cli.serve"
    monkeypatch.setattr(f"{serve}._serve", lambda cloud, *_: served.append(cloud))
    monkeypatch.setattr(f"{serve}.asyncio.run", lambda _: None)
    arguments = ["serve", "--host", "0.0.0.0", "--keys", str(file), "--api-key", "dave-0123"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "Token of /_fake: " in done.output
    (cloud,) = served

    def project(key):
        status, _, body = cloud.handle("GET", "/v0.4/whoami", {"Authorization": f"apiKey {key}"})
        return json.loads(body)["project_id"] if status == 200 else status

    alice, bob, carol, dave = map(
        project, ("alice-0123456789", "bob-0123456789", "carol-0123", "dave-0123")
    )
    assert alice == bob != carol != dave
    assert project("mallory-0123456789") == 401
