"""Keys: what they may do, and what they see."""

import pytest

from ionq_toolkit_fake import Access, FakeIonQ
from ionq_toolkit_fake.api.operations import OPERATIONS
from ionq_toolkit_fake.models.accounts import SCOPES

SCOPED = [operation for operation in OPERATIONS if operation.scope]


@pytest.mark.parametrize("operation", SCOPED, ids=lambda operation: operation.name)
def test_a_key_without_the_scope_is_403_before_anything_is_looked_at(sender, operation):
    scopes = set(SCOPES) - {operation.scope}
    send = sender(FakeIonQ(seed=1, keys={"k": Access("p", scopes=scopes)}), "k")
    assert send(operation.method, operation.path) == (
        403,
        {"statusCode": 403, "error": "Forbidden", "message": "Insufficient Scope"},
    )


@pytest.mark.parametrize("operation", SCOPED, ids=lambda operation: operation.name)
def test_a_key_with_that_scope_alone_is_let_through(sender, operation):
    send = sender(FakeIonQ(seed=1, keys={"k": Access("p", scopes=[operation.scope])}), "k")
    assert send(operation.method, operation.path)[0] not in {401, 403}


def test_every_scope_is_of_some_operation():
    assert {operation.scope for operation in SCOPED} == set(SCOPES)


def test_a_backend_that_a_key_may_not_use_is_403(sender, job_body):
    keys = {"k": Access("p", targets=["simulator", "qpu.forte-1"])}
    send = sender(FakeIonQ(seed=1, keys=keys), "k")
    assert send("POST", "/jobs", job_body(backend="qpu.forte-1"))[0] == 201
    status, reply = send("POST", "/jobs", job_body(backend="qpu.forte-enterprise-1"))
    assert (status, reply["error"]) == (403, "Forbidden")
    assert "qpu.forte-enterprise-1" in reply["message"]
    (project,) = send("GET", "/projects")[1]["projects"]
    assert project["allowedTargets"] == ["qpu.forte-1"]  # as recorded: without the simulator


def test_a_scope_that_there_is_not_is_an_error():
    with pytest.raises(ValueError, match="there is no scope 'jobs:eat'; there are jobs:read"):
        FakeIonQ(keys={"k": Access("p", scopes=["jobs:eat"])})


def test_a_key_is_nowhere_in_what_is_kept_or_shown(sender, job_body):
    secret = "very-secret-key"
    cloud = FakeIonQ(seed=1, keys={secret: "p"})
    send = sender(cloud, secret)
    replies = [send("GET", "/whoami"), send("POST", "/jobs", job_body()), send("GET", "/jobs")]
    kept = [repr(cloud), repr(cloud.jobs), repr(cloud.projects), repr(vars(cloud._accounts))]
    assert secret not in "".join(map(str, replies + kept))


def test_credentials_for_another_service_are_not_kept(sender, send, cloud):
    graph = {"nodes": [{"id": 0}, {"id": 1}], "adjacency": [[{"id": 1}], [{"id": 0}]]}
    body = {
        "type": "qctrl.qaoa.v1",
        "backend": "simulator",
        "input": {"problem_type": "maxcut", "problem": graph},
        "external_settings": {"api_credentials": "q-ctrl-secret"},
    }
    _, created = send("POST", "/jobs", body)
    assert "q-ctrl-secret" not in repr(cloud.jobs)
    status, clone = send("POST", f"/jobs/{created['id']}/clone", {})
    assert status == 201
    assert send("GET", f"/jobs/{clone['id']}")[1]["status"] == "completed"
