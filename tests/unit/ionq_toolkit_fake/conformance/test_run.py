"""The conformance kit: it finds planted deviations, finds none in ours, and behaves as a guest."""

import itertools
import json

import pytest
from click.testing import CliRunner

from ionq_toolkit_fake import Access, FakeIonQ, FakeServer, Transitions, faults
from ionq_toolkit_fake.cli import main
from ionq_toolkit_fake.conformance import check_conformance
from ionq_toolkit_fake.conformance.checks import CHECKS
from ionq_toolkit_fake.conformance.shapes import differences
from ionq_toolkit_fake.facts.deviations import DEVIATIONS

KEY, URL = "a-secret-key-of-mine", "http://127.0.0.1:8080"
FIRST_PRICE = 25.79  # the least that a job on Forte costs without mitigation


def sender(cloud, change=None):
    """Return the way to a cloud; `change` gets (method, path, reply as a list, ask) of each."""

    def send(method, url, headers, body):
        path = url.removeprefix(URL)
        found = cloud.handle(method, path, dict(headers), body)
        reply = [found.status, dict(found.headers), found.body]
        if change is not None:
            change(method, path, reply, body)
        return tuple(reply)

    return send


def check(cloud, change=None, *, areas=(), **more):
    return check_conformance(
        URL, KEY, areas=areas, send=sender(cloud, change), clock=cloud.clock, **more
    )


def asked(cloud, method, path, body=None, key=KEY):
    data = None if body is None else json.dumps(body).encode()
    return cloud.handle(method, f"/v0.4{path}", {"Authorization": f"apiKey {key}"}, data)


def own_job(cloud, **fields):
    circuit = {"qubits": 1, "circuit": [{"gate": "x", "target": 0}]}
    body = {"type": "ionq.circuit.v1", "backend": "simulator", "input": circuit, **fields}
    return json.loads(asked(cloud, "POST", "/jobs", body).body)["id"]


def test_ours_agrees_in_every_check_and_nothing_is_left():
    cloud = FakeIonQ(seed=3, keys={KEY: "p"})
    kept = own_job(cloud, name="of somebody else")
    report = check(cloud, qpu="qpu.forte-1", max_cost=26)
    assert [result for result in report.results if result.verdict != "agrees"] == []
    assert len(report.results) == len(CHECKS) > 100
    assert (report.agrees, report.left_behind) == (True, [])
    assert report.spent_usd == FIRST_PRICE
    assert [job.id for job in cloud.jobs] == [kept]
    assert KEY not in json.dumps(report.to_dict())
    paid = [one for one in cloud.requests if one.operation == "POST /jobs"]
    assert len(paid) > 50


@pytest.mark.slow
def test_by_default_no_job_is_for_a_qpu():
    cloud, backends = FakeIonQ(seed=3, keys={KEY: "p"}), set()

    def note(method, path, reply, body):
        if (method, reply[0]) == ("POST", 201) and path == "/v0.4/jobs":
            backends.add(json.loads(body).get("backend", "simulator"))

    report = check(cloud, note)
    assert backends == {"simulator"}
    assert {result.area for result in report.of("not run")} == {"qpu"}
    assert report.spent_usd == 0


COVERED = {name for check in CHECKS for name in check.deviations}


def test_the_checks_name_deviations_that_there_are():
    assert set(DEVIATIONS) >= COVERED
    assert len(COVERED) >= 20


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(COVERED))
def test_a_cloud_that_follows_the_document_instead_is_found(name):
    areas = {check.area for check in CHECKS if name in check.deviations}
    cloud = FakeIonQ(seed=3, keys={KEY: "p"}, deviations=set(DEVIATIONS) - {name})
    report = check(cloud, areas=sorted(areas), qpu="qpu.forte-1")
    found = report.of("differs")
    assert found
    assert all(name in result.deviations for result in found), report.lines()


# --- planted deviations --------------------------------------------------------------------------


def edited(wanted, edit):
    """Return a change of the JSON of replies: `wanted` tells which, by method, path and status."""

    def change(method, path, reply, body):
        if wanted(method, path, reply[0]):
            data = json.loads(reply[2])
            reply[2] = json.dumps(edit(data) or data).encode()

    return change


def status(wanted, becomes):
    def change(method, path, reply, body):
        if wanted(method, path, reply[0]):
            reply[0] = becomes

    return change


def results(method, path, found):
    return path.endswith("/results/probabilities") and found == 200


def record(method, path, found):
    return method == "GET" and path.startswith("/v0.4/jobs/0") and len(path) == 47 and found == 200


def big_endian(data):
    return {str(int(f"{int(k):02b}"[::-1], 2)): v for k, v in data.items()}


PLANTED = {
    "bits are in the other order": (edited(results, big_endian), "gates", "qis: not"),
    "probabilities are rounded": (
        edited(results, lambda data: {k: round(v, 3) for k, v in data.items()}),
        *("gates", "qis: rx"),
    ),
    "an outcome is listed that is none": (
        edited(results, lambda data: {"01": 0.1} | data),
        *("jobs", "Bell pair are 0.5"),
    ),
    "a job is created by 200": (
        status(lambda m, p, s: s == 201 and p.endswith("/jobs"), 200),
        *("jobs", "its record"),
    ),
    "a wrong key is forbidden": (status(lambda m, p, s: s == 401, 403), "keys", "401"),
    "errors have no message": (
        edited(lambda m, p, s: s == 400, lambda data: data.pop("message") and None),
        *("refusals", "0 shots"),
    ),
    "errors name no field": (
        edited(
            lambda m, p, s: s == 400,
            lambda data: {**data, "message": "Bad Request", "validation": {"keys": []}},
        ),
        *("refusals", "no type"),
    ),
    "errors are text": (
        lambda m, p, reply, b: reply.__setitem__(2, b"<html>") if reply[0] == 404 else None,
        *("refusals", "unknown job"),
    ),
    "a missing job is answered by 200": (status(lambda m, p, s: s == 404, 200), "refusals", "404"),
    "records lack the noise": (
        edited(record, lambda d: d.pop("noise", 1) and None),
        "jobs",
        "recor",
    ),
    "ideal jobs show shots": (edited(record, lambda data: {**data, "shots": 1}), "jobs", "recor"),
    "times have no zone": (
        edited(record, lambda data: {**data, "submitted_at": data["submitted_at"].rstrip("Z")}),
        *("jobs", "its record"),
    ),
    "gate counts are others": (
        edited(record, lambda data: {**data, "stats": {"qubits": 2, "gate_counts": {"1q": 2}}}),
        *("jobs", "its record"),
    ),
    "a list goes backwards": (
        edited(
            lambda m, p, s: p.startswith("/v0.4/jobs?ids="),
            lambda data: {**data, "next": None},
        ),
        *("jobs", "pages of a list"),
    ),
    "the seed is ignored": (None, "noise", "a seed repeats"),
    "counts are lost": (
        edited(
            lambda m, p, s: p.endswith("/results/histogram") and s == 200,
            lambda data: {k: v - 1 for k, v in data.items()},
        ),
        *("noise", "counts, shots"),
    ),
    "the simulator costs money": (
        edited(lambda m, p, s: "/estimate" in p, lambda d: {**d, "estimated_total_cost": 1.5}),
        *("costs", "estimate"),
    ),
    "old results have no URL": (
        edited(
            lambda m, p, s: p.startswith("/v0.3/jobs/0") and "results" not in p and m == "GET",
            lambda data: data.pop("results_url", 1) and None,
        ),
        *("v0.3", "a job"),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_deviation_is_found(name):
    change, area, expected = PLANTED[name]
    cloud = FakeIonQ(seed=3, keys={KEY: "p"})
    if change is None:  # each request has another seed
        numbers, forward = itertools.count(), sender(cloud)

        def send(method, url, headers, body):
            seed = b'"seed": %d' % next(numbers)
            return forward(method, url, headers, body and body.replace(b'"seed": 11', seed))

        report = check_conformance(URL, KEY, areas=[area], send=send, clock=cloud.clock)
    else:
        report = check(cloud, change, areas=[area])
    found = report.of("differs")
    assert [result for result in found if expected in result.name], report.lines()
    assert all(result.details for result in found)


@pytest.mark.parametrize("shown", [["started", "ready"], ["ready", "queued"], ["ready", ""]])
def test_statuses_that_go_back_or_are_unknown_are_found(shown):
    cloud, left = FakeIonQ(seed=3, keys={KEY: "p"}), list(shown)

    def show(data):
        return {**data, "status": left.pop(0)} if left else data

    report = check(cloud, edited(record, show), areas=["tolerances"])
    (first,) = report.of("differs")
    assert f"went from {shown[0]} to {shown[1]!r}" in first.details[0]


def test_a_job_that_does_not_end_is_given_up_and_canceled():
    cloud = FakeIonQ(seed=3, keys={KEY: "p"}, transitions=Transitions(started="never"))
    report = check(cloud, areas=["programs"])
    assert [result.details for result in report.of("not run")] == [
        ("the job is ready after 180 s",)
    ] * 2
    assert not cloud.jobs


def test_three_planted_deviations_are_found_at_once():
    changes = [PLANTED[name][0] for name in (
        "bits are in the other order", "a wrong key is forbidden", "counts are lost",
    )]  # fmt: skip

    def change(*arguments):
        for one in changes:
            one(*arguments)

    report = check(FakeIonQ(seed=3, keys={KEY: "p"}), change, areas=["gates", "keys", "noise"])
    assert {result.area for result in report.of("differs")} == {"gates", "keys", "noise"}


def test_noise_of_another_rate_is_found_by_statistics():
    cloud = FakeIonQ(seed=3, keys={KEY: "p"})

    forward = sender(cloud)

    def send(method, url, headers, body):
        return forward(method, url, headers, body and body.replace(b'"aria-1"', b'"aria-2"'))

    report = check_conformance(URL, KEY, areas=["noise"], send=send, clock=cloud.clock)
    assert "1.33 %" in " ".join(result.name for result in report.of("differs"))


# --- a good guest --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("max_cost", "change", "reason"),
    [
        (0.0, None, "it would cost 25.79 USD, and 0.00 are left"),
        (25.78, None, "it would cost 25.79 USD, and 25.78 are left"),
        (1e9, status(lambda m, p, s: "/estimate" in p, 401), "the price is not known: 401"),
        (
            1e9,
            edited(lambda m, p, s: "/estimate" in p, lambda d: {**d, "estimated_total_cost": "1"}),
            "the price is not known",
        ),
        (
            1e9,
            edited(lambda m, p, s: "/estimate" in p, lambda d: {**d, "estimated_unit": "credit"}),
            "25.79 credit",
        ),
    ],
)
def test_no_more_is_spent_than_allowed(max_cost, change, reason):
    cloud = FakeIonQ(seed=3, keys={KEY: "p"})
    report = check(cloud, change, areas=["qpu"], qpu="qpu.forte-1", max_cost=max_cost)
    (paid,) = [result for result in report.results if result.name == "a paid job"]
    assert paid.verdict == "not run"
    assert reason in paid.details[0]
    assert report.spent_usd == 0
    assert all(project.charges.cents == 0 for project in cloud.projects)


def test_no_job_is_made_where_the_simulator_is_not_free():
    cloud = FakeIonQ(seed=3, keys={KEY: "p"})
    change = edited(lambda m, p, s: "/estimate" in p, lambda d: {**d, "estimated_total_cost": 0.01})
    report = check(cloud, change, areas=["gates", "jobs"])
    assert "POST /jobs" not in {one.operation for one in cloud.requests}
    assert "a job of the simulator costs 0.01 here" in report.of("not run")[0].details


def test_it_stops_at_429_and_cleans_up_after_the_pause():
    cloud = FakeIonQ(seed=3, keys={KEY: "p"})
    kept = own_job(cloud)
    cloud.faults.add(faults.http(429, retry_after=7), on="GET /jobs", times=1)
    began = cloud.clock.monotonic()
    report = check(cloud)
    after = [result for result in report.results if "429, wait 7 s" in str(result.details)]
    assert len(after) > 40
    assert {result.verdict for result in after} == {"not run"}
    assert cloud.clock.monotonic() - began >= 7
    assert [job.id for job in cloud.jobs] == [kept]
    sent = [one.status for one in cloud.requests]
    assert sent.count(429) == 1


def test_what_it_cannot_delete_is_named():
    cloud = FakeIonQ(seed=3, keys={KEY: "p"})
    cloud.faults.add(faults.http(503), on="DELETE /jobs/<job_id>")
    report = check(cloud, areas=["programs"], tag="tag-1")
    assert sorted(report.left_behind) == sorted(job.id for job in cloud.jobs)
    assert "left behind: " in report.summary
    assert "(tag tag-1)" in report.summary


def test_it_deletes_no_job_of_another_though_the_cloud_names_it_as_its_own():
    cloud = FakeIonQ(seed=3, keys={KEY: "p"})
    kept = own_job(cloud, name="precious", metadata={"mine": "1"})
    change = edited(
        lambda m, p, s: m == "POST" and p == "/v0.4/jobs" and s == 201, lambda d: {**d, "id": kept}
    )
    report = check(cloud, change, areas=["jobs", "programs"])
    assert kept in {job.id for job in cloud.jobs}
    assert kept in report.left_behind


@pytest.mark.parametrize("made_up", ["../sessions", "a b", "", "x\x1b[31m", "é", None, 7, ["x"]])
def test_an_id_that_is_none_is_in_no_request(made_up):
    cloud, paths = FakeIonQ(seed=3, keys={KEY: "p"}), []

    def change(method, path, reply, body):
        paths.append(path)
        if method == "POST" and reply[0] == 201:
            reply[2] = json.dumps({**json.loads(reply[2]), "id": made_up}).encode()

    report = check(cloud, change, areas=["jobs", "programs"])
    assert not report.agrees
    assert "\x1b" not in "".join(report.lines())
    assert all(path.isascii() and " " not in path and ".." not in path for path in paths)


def test_a_job_whose_response_is_lost_is_found_by_its_tag_and_deleted():
    cloud = FakeIonQ(seed=3, keys={KEY: "p"})
    kept = own_job(cloud)

    def change(method, path, reply, body):
        if method == "POST" and reply[0] == 201:
            raise ConnectionResetError

    report = check(cloud, change, areas=["programs"])
    assert {result.verdict for result in report.results} == {"differs"}
    assert [job.id for job in cloud.jobs] == [kept]


def test_a_cloud_that_is_silent_is_asked_three_times():
    asked = []

    def send(*arguments):
        asked.append(arguments)
        raise ConnectionRefusedError

    report = check_conformance(URL, KEY, send=send)
    assert len(asked) == 3
    assert not report.agrees
    assert len(report.of("not run")) == len(CHECKS) - 3


def test_the_key_is_in_no_result_and_a_cloud_that_shows_it_is_found():
    cloud = FakeIonQ(seed=3)

    def change(method, path, reply, body):
        reply[2] = reply[2].replace(b'"statusCode"', f'"key":"{KEY}","statusCode"'.encode())

    report = check(cloud, change, areas=["refusals"])
    assert report.of("differs")[-1].name == "no response has the key"
    assert KEY not in str(report.to_dict())
    assert KEY not in "\n".join(report.lines())


def test_a_key_of_few_characters_is_not_taken_for_a_leak():
    cloud = FakeIonQ(seed=3)
    report = check_conformance(URL, "k", areas=["service"], send=sender(cloud), clock=cloud.clock)
    assert report.agrees


@pytest.mark.parametrize("garbage", [b"", b"null", b"[]", b"{}", b'"x"', b"\xff", b"[" * 100_000])
def test_garbage_is_a_difference_and_no_crash(garbage):
    report = check_conformance(
        URL, KEY, send=lambda *_: (200, {}, garbage), qpu="qpu.x", max_cost=9
    )
    assert not report.agrees
    assert report.spent_usd == 0
    assert len(report.results) == len(CHECKS)


def test_a_key_of_one_version_makes_the_other_not_applicable():
    cloud = FakeIonQ(seed=3, keys={KEY: Access("p", versions=["v0.4"])})
    found = {result.verdict for result in check(cloud, areas=["v0.3"]).results}
    assert found == {"not applicable"}
    with pytest.raises(ValueError, match=r"no area 'v3'; there are service"):
        check(cloud, areas=["v3"])


# --- the command ---------------------------------------------------------------------------------


def test_the_command_talks_http_with_the_key_of_the_environment():
    with FakeServer(FakeIonQ(seed=3, keys={KEY: "p"})) as server:
        arguments = ["conformance", server.url, "--area", "backends", "--area", "keys"]
        done = CliRunner().invoke(main, [*arguments, "--json"], env={"IONQ_API_KEY": KEY})
        assert done.exit_code == 0, done.output
        found = json.loads(done.output)
        assert (found["agrees"], found["left_behind"]) == (True, [])
        assert {one["verdict"] for one in found["results"]} == {"agrees"}
        done = CliRunner().invoke(main, arguments, env={"IONQ_API_KEY": "nobodys-key"})
        assert done.exit_code == 0  # none of these needs a key that is taken
        done = CliRunner().invoke(
            main, ["conformance", server.url, "--area", "jobs"], env={"IONQ_API_KEY": "nobodys-key"}
        )
        assert done.exit_code == 1
        assert "differs" in done.output
        assert "nobodys-key" not in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ftp://x"], "a URL such as"),
        (["http://u:p@127.0.0.1"], "a URL such as"),
        (["http://example.org"], "https alone"),
        (["https://example.org"], "IONQ_API_KEY"),
        (["http://127.0.0.1", "--max-cost", "5"], "--qpu"),
        (["http://127.0.0.1", "--max-cost", "-5"], "--max-cost"),
        (["http://127.0.0.1", "--area", "v3"], "v0.3"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(arguments, message):
    done = CliRunner().invoke(main, ["conformance", *arguments], env={"IONQ_API_KEY": ""})
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output


# --- shapes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "value", "message"),
    [
        (int, True, "$ is True, not int"),
        (int, 1.5, "$ is 1.5, not int"),
        (True, 1, "$ is 1, not True"),
        (0, False, "$ is False, not 0"),
        ([int], {}, "$ is {}, not a list"),
        ([int], [1, "2"], "$[1] is '2', not int"),
        ([], [1], "$ is [1], not an empty list"),
        ({"a": int}, {}, "$ has no a"),
        ({"a?": int}, {"a": ""}, "$.a is '', not int"),
        (("a", "b"), "c", "$ is 'c', not 'a'"),
        ((int, None), "", "$ is '', not int"),
    ],
)
def test_shapes_say_where_a_value_differs(shape, value, message):
    assert list(differences(shape, value)) == [message]


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        ((int, float), 1),
        ({"a": 1.0}, {"a": 1}),
        ({"a?": int}, {}),
        ((int, None), None),
        ([int], []),
    ],
)
def test_shapes_fit(shape, value):
    assert list(differences(shape, value)) == []
