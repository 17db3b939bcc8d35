"""How a request is read."""

import pytest

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.api.request import Request, route
from ionq_toolkit_fake.models.accounts import Accounts
from ionq_toolkit_fake.models.identifiers import Identifiers


@pytest.fixture
def read():
    cloud = FakeIonQ(seed=1)

    def read(method, url, headers=(), body=None):
        return Request.read(
            method,
            url,
            dict(headers),
            body,
            accounts=Accounts(Identifiers(1), None),
            facility=cloud.facility,
            deviations=cloud.deviations,
            clock=cloud.clock,
        )

    return read


def test_a_request_is_read_routed_and_authenticated(read):
    request = read("get", "http://x/v0.4/jobs/a%20b?x=1&x=2", {"AUTHORIZATION": "apiKey k"}, b"{}")
    assert (request.method, request.operation.name) == ("GET", "GET /jobs/<job_id>")
    assert request.arguments == {"job_id": "a b"}
    assert (request.query, request.body) == ({"x": ["1", "2"]}, b"{}")
    assert request.owner.name == "key 1"


def test_the_request_keeps_no_key(read):
    secret = "a-secret-key"
    request = read(
        "GET", f"/v0.4/jobs/{secret}?key={secret}", {"Authorization": f"apiKey {secret}"}
    )
    assert request.path == "/v0.4/jobs/[API key]?key=[API key]"
    assert secret not in repr(request._replace(arguments={}, query={}))


@pytest.mark.parametrize(
    "written",
    ["a secret/ké%", "a+secret/k%C3%A9%25", "a%20secret%2Fk%c3%a9%25", "%61+secret%2fk%c3%A9%"],
)
def test_the_request_keeps_no_key_in_any_spelling(read, written):
    request = read("GET", f"/v0.4/x?key={written}&y=1", {"Authorization": "apiKey a secret/ké%"})
    assert request.path == "/v0.4/x?key=[API key]&y=1"


@pytest.mark.parametrize("url", ["/v0.4/nothing", "http://[", "/v0.4/jobs/a%2Fb", ""])
def test_the_key_of_what_is_not_an_operation_is_not_looked_up(read, url):
    request = read("GET", url, {"Authorization": "apiKey k"})
    assert (request.operation, request.key) == (None, None)


def test_a_head_request_is_that_of_get():
    assert route("HEAD", "/v0.4/jobs") == route("GET", "/v0.4/jobs")
    assert route("GET", "/v0.4/jobs")[0].document == "GetJobs"
