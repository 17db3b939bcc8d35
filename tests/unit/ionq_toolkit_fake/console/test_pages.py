"""The page of the console: its policy, its files, its refusals.

https://www.w3.org/TR/CSP3 and https://www.w3.org/TR/trusted-types: under this policy a browser runs
no inline script or style, loads nothing from other hosts, and makes markup of no text.
"""

import json
import re
from importlib import resources

import pytest
from consoles import BELL, KEY, Page, body, post
from qiskit import QuantumCircuit, qasm2, qasm3

from ionq_toolkit_fake import FakeIonQ, console, control
from ionq_toolkit_fake.console import pages
from ionq_toolkit_fake.server.guard import Guard

STATIC = {
    file.name: file.read_text()
    for file in resources.files("ionq_toolkit_fake.console").joinpath("static").iterdir()
}
EVIL = "</script><img src=x onerror=alert(1)>"


def test_every_response_has_the_policy(page):
    urls = ["/", *(f"/_static/{name}" for name in STATIC if name != "index.html")]
    urls += [f"/_console/{name.format(job_id='x', id='x')}" for name in pages.READS]
    for url in urls:
        status, headers, _ = page.send("GET", url)
        assert status in {200, 404}, url
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';"), url
        assert "unsafe" not in policy
        assert "*" not in policy
        assert "http" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "require-trusted-types-for" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_the_page_has_no_inline_script_style_or_handler_and_no_other_host():
    html = STATIC["index.html"]
    assert re.findall(r"<script(?![^>]*\ssrc=)", html) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", html) == []
    for name, text in STATIC.items():
        hosts = set(re.findall(r"(?:https?:)?//([a-z0-9.-]+\.[a-z]{2,})", text))
        assert hosts <= {"www.w3.org"}, name  # the namespace of SVG


def test_scripts_make_markup_of_no_text():
    banned = (
        r"(inner|outer|insertAdjacent)HTML|document\.write|\beval\(|Function\(|srcdoc|DOMParser"
    )
    for name, text in STATIC.items():
        assert re.findall(banned, text) == [], name


def test_every_file_that_the_page_names_exists(page):
    named = {name for text in STATIC.values() for name in re.findall(r"/_static/([\w.]+)", text)}
    named |= {name for text in STATIC.values() for name in re.findall(r'"\./([\w.]+\.js)"', text)}
    assert named == set(STATIC) - {"index.html"}
    for name in named:
        status, headers, content = page.send("GET", f"/_static/{name}")
        assert (status, content.decode()) == (200, STATIC[name])
        assert headers["content-type"].startswith(("text/css", "text/javascript", "image/svg+xml"))


def test_no_path_leads_out_of_the_static_files(page):
    for path in (
        "/_static/../pages.py",
        "/_static/..%2fpages.py",
        "/_static//etc/passwd",
        "/_static/",
    ):
        assert page.send("GET", path)[0] == 404


def test_texts_of_a_job_come_back_as_they_are_in_json(page, cloud):
    job = post(cloud, body(name=EVIL, metadata={EVIL: EVIL}))
    _, headers, content = page.send("GET", f"/_console/jobs/{job}")
    assert headers["content-type"].startswith("application/json")
    found = json.loads(content)
    assert (found["name"], found["metadata"]) == (EVIL, {EVIL: EVIL})


def test_no_response_has_the_key(page, cloud):
    secret = KEY.encode()
    job = post(cloud)
    cloud.handle("GET", f"/v0.4/jobs?api_key={KEY}", {"Authorization": f"apiKey {KEY}"})
    cloud.handle(
        "POST", "/v0.4/jobs", {"Authorization": f"apiKey {KEY}"}, json.dumps({"k": KEY}).encode()
    )
    requests = page.get("/_console/requests")["requests"]
    assert len(requests) == 3
    urls = [f"/_console/requests/{one['request_id']}" for one in requests]
    for url in [*urls, f"/_console/jobs/{job}", "/_console/requests", "/_console/account"]:
        assert secret not in page.send("GET", url)[2], url


@pytest.mark.parametrize("path", pages.ACTIONS)
def test_an_action_takes_json_alone(page, path):
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert page.send("POST", f"/_console/{path}", b"{}", content_type=kind)[0] == 415
    for content, status in ((b"[]", 400), (b"{", 400), (b'"' + b"x" * 10**6 + b'"', 413)):
        found = page.send("POST", f"/_console/{path}", content, content_type="application/json")
        assert found[0] == status
    assert page.send("GET", f"/_console/{path}")[0] == 405


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "offset=-1", "limit=x", "offset=1e3", "offset=²"]
)
def test_a_number_out_of_range_gets_400_that_names_it(page, query):
    status, _, content = page.send("GET", f"/_console/jobs?{query}")
    assert status == 400
    assert query.partition("=")[0] in json.loads(content)["message"]


def test_what_is_not_there_gets_404(page):
    for url in ("/_console/jobs/x", "/_console/jobs/x/histogram", "/_console/requests/x"):
        status, _, content = page.send("GET", url)
        assert status == 404
        assert json.loads(content)["message"]


def test_a_scenario_is_applied_by_its_name_alone(page, cloud, tmp_path):
    file = tmp_path / "own.toml"
    file.write_text('[[faults]]\nfault = "reset"\n')
    assert page.post("/_console/scenario", {"scenario": str(file)})[0] == 400
    assert page.post("/_console/scenario", {"scenario": 1})[0] == 400
    assert cloud.faults.rules == ()
    assert page.post("/_console/scenario", {"scenario": "rate-limited"})[0] == 200
    assert [armed.rule.fault.kind for armed in cloud.faults.rules] == ["http"]


def test_openqasm_2_is_translated_and_includes_no_file(page, tmp_path):
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    _, _, content = page.post("/_console/qasm2", {"source": qasm2.dumps(circuit)})
    assert qasm3.loads(json.loads(content)["qasm3"]) == circuit
    (tmp_path / "secret.inc").write_text("a secret")
    hostile = [
        f'OPENQASM 2.0; include "{tmp_path}/secret.inc";',
        "OPENQASM 2.0; qreg q[99999999];",
        "x" * 10**5,
        7,
    ]
    for source in hostile:
        status, _, content = page.post("/_console/qasm2", {"source": source})
        assert status in {400, 413}
        assert b"a secret" not in content


def test_data_needs_the_token_and_the_page_does_not():
    guard = Guard("0.0.0.0", token="t")
    headers = {"host": "10.0.0.1"}
    closed = [
        "/_console",
        *(f"/_console/{name}" for name in [*pages.READS, *pages.ACTIONS, "events"]),
    ]
    for url in closed:
        assert guard.refusal("GET", url, headers).status == 401, url
        assert guard.refusal("GET", url, {**headers, "authorization": "Bearer t"}) is None
    for url in ("/", *(f"/_static/{name}" for name in STATIC)):
        assert guard.refusal("GET", url, headers) is None
    assert not console.takes("/_consoles")
    assert not console.takes("http://[")


def test_a_defect_of_the_console_is_no_traceback(page, cloud, monkeypatch):
    monkeypatch.setattr(control, "faults", lambda _: 1 / 0)
    status, _, content = page.send("GET", "/_console/rules")
    assert status == 500
    assert b"Traceback" not in content
    assert b"division" not in content


def test_the_cloud_to_show_may_change():
    clouds = [FakeIonQ(seed=1), FakeIonQ(seed=2)]
    page = Page(lambda: clouds[0])
    assert page.get("/_console/catalogue")["seed"] == 1
    clouds.reverse()
    assert page.get("/_console/catalogue")["seed"] == 2
    post(clouds[0], body(BELL))
    (request,) = page.get("/_console/requests")["requests"]
    assert page.get(f"/_console/requests/{request['request_id']}")["bodies"]["size"] > 0
