"""Test the console in Chromium: `python scripts/console.py [--axe FILE] [--shots FOLDER]`.

It needs `pip install playwright` and a Chromium (`--chromium`, /usr/bin/chromium). It serves a cloud
that has jobs of every status, looks at every view at two widths in light and dark, works with the
keyboard, and walks one way of a user: run qiskit-ionq against the server, watch the job, inject a
failure by a button, copy the test, see it pass and fail. `--axe` takes axe.min.js of the npm package
axe-core; `--jobs 100000` measures the first paint with so many jobs; `--picture` writes the picture
of the README and does nothing else. It exits with 1 if something is wrong.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ionq_toolkit_fake import FakeIonQ, FakeServer

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]
EVIL = "<img src=x onerror=alert(1)>"
VIEWS = ("jobs", "submit", "requests", "simulate", "backends", "account")
PHONE = 390
WINDOWS = [(width, scheme) for width in (1280, PHONE) for scheme in ("light", "dark")]
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

#: The circuit of the tutorial of qiskit-ionq, against the server at {url}.
TUTORIAL = """
from qiskit import QuantumCircuit
from qiskit_ionq import IonQProvider

provider = IonQProvider("any key", url="{url}")
backend = provider.get_backend("{backend}")
circuit = QuantumCircuit(2, 2, name="tutorial {n}")
circuit.h(0)
circuit.cx(0, 1)
circuit.measure([0, 1], [0, 1])
job = backend.run(circuit, shots=1000)
print(job.job_id(), job.get_counts())
"""


class Failure(Exception):  # noqa: N818 - of a check
    """Something is not as it should be."""


def check(right: object, message: str) -> None:
    """Raise `Failure` if something is not right."""
    if not right:
        raise Failure(message)


def call(base: str, method: str, path: str, body: object = None, key: str = "lab") -> Any:  # noqa: ANN401 - JSON
    """Send a request to the server and return the JSON of the response, whatever its status."""
    headers = {"Authorization": f"apiKey {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(base + path, data, headers, method=method)) as response:  # noqa: S310 - this computer
            return json.loads(response.read() or b"{}")
    except HTTPError as error:
        return json.loads(error.read() or b"{}")


def post(base: str, name: str, circuit: object = None, **more: object) -> str:
    """Submit a job and return its id."""
    key, model = str(more.pop("key", "lab")), more.pop("model", "ideal")
    qubits = more.pop("qubits", 2)
    body = {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "shots": 1000,
        "name": name,
        "input": {"qubits": qubits, "circuit": circuit or BELL},
        **more,
    }
    if body["backend"] == "simulator":
        body["noise"] = {"model": model}
    return call(base, "POST", "/v0.4/jobs", body, key).get("id", "")


def qft(n: int) -> list[dict[str, Any]]:
    """Return a quantum Fourier transform, after two gates."""
    gates: list[dict[str, Any]] = [{"gate": "x", "target": 1}]
    gates.append({"gate": "ry", "target": 2, "rotation": 0.7853981633974483})
    for a in range(n):
        gates.append({"gate": "h", "target": a})
        gates += [
            {"gate": "rz", "control": b, "target": a, "rotation": 3.141592653589793 / 2 ** (b - a)}
            for b in range(a + 1, n)
        ]
    return [
        *gates,
        {"gate": "swap", "targets": [0, n - 1]},
        {"gate": "swap", "targets": [1, n - 2]},
    ]


def seed(base: str) -> dict[str, str]:
    """Submit jobs of every status and kind; return the ids of those to look at, by their names."""
    native = [
        {"gate": "gpi2", "target": 0, "phase": 0.25},
        {"gate": "ms", "targets": [0, 1], "phases": [0, 0.25], "angle": 0.25},
        {"gate": "gpi", "target": 1, "phase": 0.5},
    ]
    several = {
        "type": "ionq.multi-circuit.v1", "backend": "simulator", "shots": 200, "name": "Three angles",
        "input": {"qubits": 1, "circuits": [
            {"circuit": [{"gate": "ry", "target": 0, "rotation": 0.5 * n}]} for n in (1, 2, 3)]},
    }  # fmt: skip
    qasm = (ROOT / "examples" / "ghz5.qasm").read_text()
    rules = [
        {"end": {"code": "QuantumComputerError"}, "match": {"name": "VQE step 17"}},
        {"end": {"status": "canceled", "at": "ready"}, "match": {"name": "Calibration sweep"}},
        {"started": "never", "match": {"name": "Waiting"}},
        {"finished": "never", "match": {"name": "Running"}},
        {"ready": "never", "match": {"name": "Submitted"}},
    ]
    for rule in rules:
        call(base, "POST", "/_fake/transitions", rule)
    session = call(
        base,
        "POST",
        "/v0.4/sessions",
        {"backend": "qpu.forte-1", "settings": {"job_count_limit": 5}},
    )
    post(base, "Bell pair")
    post(
        base,
        "Toffoli",
        [{"gate": "x", "targets": [0, 1]}, {"gate": "x", "controls": [0, 1], "target": 2}],
        qubits=3,
    )
    post(base, "In a session", backend="qpu.forte-1", session_id=session["id"])
    post(base, "Calibration sweep", backend="qpu.forte-1")
    post(base, "Waiting", backend="qpu.forte-1")
    found = {
        "native": post(base, "Native gates", input={"gateset": "native", "qubits": 2, "circuit": native}, model="aria-1"),
        "qasm": post(base, "GHZ in OpenQASM 3", type="ionq.qasm3.v1", input={"data": qasm}),
        "several": call(base, "POST", "/v0.4/jobs", several)["id"],
        "wide": post(base, "Random numbers", [{"gate": "h", "target": n} for n in range(12)], qubits=12, model="aria-1", shots=10000, key="students"),
        "evil": post(base, EVIL, metadata={"<script>": "<script>alert(2)</script>"}),
        "failed": post(base, "VQE step 17", backend="qpu.forte-1", key="students"),
        "running": post(base, "Running", backend="qpu.forte-1"),
        "held": post(base, "Submitted"),
        "forte": post(base, "GHZ on Forte", [*BELL, {"gate": "cnot", "control": 1, "target": 2}], qubits=3, backend="qpu.forte-1", shots=500),
        "qft": post(base, "QFT on 4 qubits", qft(4), qubits=4, model="forte-1", metadata={"experiment": "qft", "owner": "alice"}),
    }  # fmt: skip
    call(base, "POST", f"/_fake/jobs/{found['held']}", {"hold": True})
    fault = {"fault": "http", "status": 429, "retry_after": 3, "on": "GET /jobs", "times": 1}
    call(base, "POST", "/_fake/faults", fault)
    call(base, "GET", "/v0.4/jobs")
    return found


class Window:
    """A window of the browser, which keeps the errors of its page."""

    def __init__(
        self, browser: Browser, base: str, width: int = 1280, scheme: str = "light"
    ) -> None:
        self.base, self.errors = base, list[str]()
        size: Any = {"width": width, "height": 800}
        self.context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(f"a dialog: {dialog.message}"))

    def open(self, place: str, shows: str) -> Page:
        """Open a view and wait until it shows something."""
        self.page.goto(f"{self.base}/#/{place}")
        self.page.locator(shows).first.wait_for()
        return self.page

    def close(self) -> None:
        """Close it; errors of its page are failures."""
        self.context.close()
        check(not self.errors, f"errors in the browser: {self.errors[:3]}")


def places(jobs: dict[str, str], base: str) -> dict[str, tuple[str, str]]:
    """Return the places to look at, each with a selector of the last thing that it shows."""
    requests = call(base, "GET", "/_console/requests?text=429")["requests"]
    found = {name: (name, "main h1") for name in VIEWS}
    found |= {name: (f"jobs/{job}", "section[aria-label=Raw] pre") for name, job in jobs.items()}
    found["request"] = (
        f"requests/{requests[0]['request_id']}",
        "section[aria-label='Copy as'] pre",
    )
    return found


def look(browser: Browser, base: str, jobs: dict[str, str], axe: str, shots: Path | None) -> None:
    """Open every view at both widths, light and dark: no error, no overflow, nothing for axe."""
    wrong = []
    for width, scheme in WINDOWS:
        window = Window(browser, base, width, scheme)
        for name, (place, shows) in places(jobs, base).items():
            page = window.open(place, shows)
            page.wait_for_timeout(300)
            if shots is not None:
                page.screenshot(
                    path=shots / f"{name}-{width}-{scheme}.png", full_page=width == PHONE
                )
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append(f"{name} at {width}: it scrolls sideways")
            if axe:
                devtools = window.context.new_cdp_session(page)  # the page's policy forbids scripts
                run = ";axe.run().then(r => JSON.stringify(r.violations.map(v => [v.id, v.impact, v.nodes[0].html])))"
                found = devtools.send(
                    "Runtime.evaluate", {"expression": axe + run, "awaitPromise": True}
                )
                wrong += [
                    f"{name} {width} {scheme}: {one}"
                    for one in json.loads(found["result"]["value"])
                ]
        window.close()
    check(not wrong, "\n".join(wrong[:20]))


def untrusted(browser: Browser, base: str, jobs: dict[str, str]) -> None:
    """Show a job whose texts are markup: they stay texts."""
    window = Window(browser, base)
    page = window.open(f"jobs/{jobs['evil']}", "section[aria-label=Raw] pre")
    expect(page.locator("h2.name")).to_contain_text(EVIL)
    check(page.locator("main img, main script").count() == 0, "markup of a job became elements")
    result = page.evaluate(
        "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'set' } catch (e) { return e.name } })()"
    )
    check(result == "TypeError", f"trusted types are not required: {result}")
    window.errors = [one for one in window.errors if "TrustedHTML" not in one]
    window.close()


def keyboard(browser: Browser, base: str) -> None:
    """Search, move, open and close a job by keys alone."""
    window = Window(browser, base)
    page = window.open("jobs", "table.jobs tbody tr")
    page.keyboard.press("/")
    page.keyboard.type("qft")
    expect(page.locator("table.jobs tbody tr")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h2.name")).to_contain_text("QFT on 4 qubits")
    tab = page.get_by_role("tab", name="curl")
    tab.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="python")).to_have_attribute("aria-selected", "true")
    page.get_by_role("tab", name="python").blur()
    page.keyboard.press("Escape")
    expect(page.locator(".split")).not_to_have_class("split open")
    page.keyboard.press("4")
    expect(page.locator("h1")).to_have_text("Simulate")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    window.close()


def submit(browser: Browser, base: str) -> None:
    """Submit a program by hand in each language; one that is wrong says why."""
    window = Window(browser, base)
    for language in ("OpenQASM 3", "OpenQASM 2", "JSON"):
        page = window.open("submit", "textarea")
        page.get_by_role("tab", name=language).click()
        page.get_by_role("button", name="Submit").click()
        page.locator(".timeline .completed").wait_for()
        expect(page.locator(".histogram tbody tr")).to_have_count(2)
    page = window.open("submit", "textarea")
    page.get_by_role("tab", name="JSON").click()
    page.locator("textarea").fill("{")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not JSON")
    window.close()


def tutorial(base: str, n: int, backend: str = "ionq_simulator") -> "subprocess.Popen[str]":
    """Begin the tutorial of qiskit-ionq in a process of its own."""
    program = TUTORIAL.format(url=f"{base}/v0.4", backend=backend, n=n)
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # fmt: skip


def story(browser: Browser, base: str) -> None:
    """Walk the way of a user, without loading the page again."""
    window = Window(browser, base)
    page = window.open("jobs", "table.jobs tbody tr")
    first = tutorial(base, 1)
    row = page.locator("tbody tr", has_text="tutorial 1")
    row.locator(".badge.completed").wait_for(timeout=60_000)  # seen live
    output = first.communicate(timeout=60)[0]
    check(first.returncode == 0 and "'00'" in output, f"qiskit-ionq: {output[-800:]}")

    page.get_by_role("link", name="Simulate").click()
    page.locator("section[aria-label=Transitions] .codes").get_by_role(
        "button", name="QuantumComputerError", exact=True
    ).click()
    page.locator("section[aria-label='In force'] li", has_text="nth 1").wait_for()
    page.get_by_role("link", name="Jobs").click()
    second = tutorial(base, 2)
    row = page.locator("tbody tr", has_text="tutorial 2")
    row.locator(".badge.failed").wait_for(timeout=60_000)
    output = second.communicate(timeout=60)[0]
    check(
        second.returncode != 0 and "QuantumComputerError" in output, f"no failure: {output[-800:]}"
    )
    row.locator("a").click()
    expect(page.locator(".detail .failure")).to_contain_text("QuantumComputerError")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("pytest", "pytest, failing"):
            page.get_by_role("tab", name=name, exact=True).click()
            file = Path(folder) / f"test_{'failing' if 'failing' in name else 'passing'}.py"
            file.write_text(page.locator("section[aria-label='Copy as'] pre").inner_text() + "\n")
            done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", file],
                                  cwd=folder, capture_output=True, text=True, check=False, timeout=120)  # fmt: skip
            results[name] = (done.returncode, done.stdout)
    check(results["pytest"][0] == 0, results["pytest"][1])
    code, output = results["pytest, failing"]
    check(code == 1 and "QuantumComputerError" in output, output)
    window.close()


def controls(browser: Browser, base: str, jobs: dict[str, str]) -> None:
    """Press buttons: a fault with its line, a failure and a hold of one job, a request with copies."""
    window = Window(browser, base)
    page = window.open("simulate", "section[aria-label=Faults] .line code:not(:empty)")
    card = page.locator("section[aria-label=Faults]")
    card.get_by_role("radio", name="latency").click()
    card.get_by_label("on", exact=True).fill("GET /backends")
    line = 'cloud.faults.add(faults.latency(seconds=2, jitter=0.5), on="GET /backends", times=1)'
    expect(card.locator(".line code")).to_have_text(line)
    card.get_by_label("times", exact=True).fill("0")
    expect(card.locator(".line")).to_have_class("line bad")
    card.get_by_label("times", exact=True).fill("3")
    card.get_by_role("button", name="Inject the fault").click()
    page.locator("section[aria-label='In force'] li", has_text="latency").wait_for()
    added = call(base, "GET", "/_fake/faults")["rules"][-1]
    check((added["fault"], added["times"]) == ("latency", 3), "no fault was added")
    page.get_by_role("button", name="Remove faults").click()
    page = window.open(f"jobs/{jobs['running']}", "section[aria-label=Raw] pre")
    page.get_by_role("button", name="Hold").click()
    page.get_by_role("button", name="Release").wait_for()
    page.get_by_label("Failure code").select_option("SystemCancel")
    page.get_by_role("button", name="Fail", exact=True).click()
    expect(page.locator(".detail .failure")).to_contain_text("SystemCancel")
    page = window.open(f"jobs/{jobs['wide']}", ".histogram tbody tr")
    expect(page.locator(".histogram tbody tr")).to_have_count(16)
    page.get_by_label("How many outcomes").select_option("256")
    expect(page.locator(".histogram tbody tr")).to_have_count(256)
    page.get_by_label("log").check()
    page.locator("section[aria-label=Result] p", has_text="logarithmic scale").wait_for()
    window.close()


def reconnect(browser: Browser, base: str, server: FakeServer) -> None:
    """Stop the server for a moment: the page says so, goes on by itself, and shows the new job."""
    window = Window(browser, base)
    page = window.open("jobs", "table.jobs tbody tr")
    expect(page.locator("#live")).to_have_text("live")
    with server.down():
        expect(page.locator("#live")).to_have_text("no connection")
        content = json.dumps({"type": "ionq.circuit.v1", "backend": "simulator", "name": "Meanwhile",
                              "input": {"qubits": 2, "circuit": BELL}}).encode()  # fmt: skip
        server.cloud.handle("POST", "/v0.4/jobs", {"Authorization": "apiKey lab"}, content)
    page.locator("tbody tr", has_text="Meanwhile").wait_for(timeout=20_000)
    expect(page.locator("#live")).to_have_text("live")
    window.errors = [one for one in window.errors if "ERR_" not in one]
    window.close()


def token(browser: Browser, _: str) -> None:
    """Open a server that other computers can reach: the page asks for the token, once."""
    cloud, secret = FakeIonQ(seed=1, keys={"a-key-of-the-lab": "lab"}), "the-token-of-this-server"
    with FakeServer(cloud, host="0.0.0.0", token=secret) as server:  # noqa: S104 - for a moment
        base = f"http://127.0.0.1:{server.url.split(':')[2].split('/')[0]}"
        window = Window(browser, base)
        urls: list[str] = []
        window.page.on("request", lambda request: urls.append(request.url))
        page = window.page
        page.goto(base)
        for text in ("wrong", secret):
            page.get_by_label("Token", exact=True).last.fill(text)
            page.get_by_role("button", name="Continue").click()
        page.get_by_text("No jobs yet").wait_for()
        expect(page.locator("#live")).to_have_text("live")
        page.reload()
        page.get_by_text("No jobs yet").wait_for()  # it is kept as long as the tab
        check(not [url for url in urls if secret in url], "the token is in a URL")
        check(not window.context.cookies(), "the token is a cookie")
        window.errors = [one for one in window.errors if "401" not in one]
        window.close()


def paint(browser: Browser, base: str, count: int) -> None:
    """Measure the first paint and the first page of jobs."""
    found = []
    for _ in range(4):
        window = Window(browser, base)
        begun = time.perf_counter()
        page = window.open("jobs", "table.jobs tbody tr:nth-child(50)")
        rows = time.perf_counter() - begun
        painted = page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"
        )
        found.append((painted, rows))
        window.close()
    print(
        f"{count} jobs: first paint and 50 rows after",
        ", ".join(f"{a:.2f} and {b:.2f} s" for a, b in found),
    )
    check(min(rows for _, rows in found) < 1, "the first page took a second or longer")


def filled(cloud: FakeIonQ, count: int) -> None:
    """Submit many jobs in this process."""
    body = {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "input": {"qubits": 1, "circuit": []},
    }
    for n in range(count):
        content = json.dumps({**body, "name": f"job {n}"}).encode()
        cloud.handle("POST", "/v0.4/jobs", {"Authorization": f"apiKey key {n % 3}"}, content)


def picture(browser: Browser, base: str, jobs: dict[str, str], path: Path) -> None:
    """Write the picture of the README: a job with its histogram and circuit."""
    window = Window(browser, base)
    window.page.set_viewport_size({"width": 1180, "height": 760})
    call(base, "DELETE", f"/_fake/jobs/{jobs['evil']}")
    page = window.open(f"jobs/{jobs['forte']}", "section[aria-label=Raw] pre")
    page.locator(".histogram tbody tr").first.wait_for()
    page.get_by_label("How many outcomes").select_option("16")
    page.mouse.move(600, 5)
    page.wait_for_timeout(2000)  # new rows are marked for a moment
    page.screenshot(path=path)
    window.close()
    with Image.open(path) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> int:
    """Serve a cloud, and test its console."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--axe", type=Path, help="axe.min.js")
    parser.add_argument("--shots", type=Path, help="a folder for a picture of each view")
    parser.add_argument("--picture", type=Path, help="write the picture of the README to this file")
    parser.add_argument("--jobs", type=int, default=0, help="measure with so many jobs instead")
    options = parser.parse_args()
    axe = "" if options.axe is None else options.axe.read_text()
    if options.shots is not None:
        options.shots.mkdir(parents=True, exist_ok=True)
    cloud = FakeIonQ(seed=7, clock="real", transitions="immediately")
    failed = 0
    with FakeServer(cloud) as server, sync_playwright() as playwright:
        base = server.url.removesuffix("/v0.4")
        browser = playwright.chromium.launch(executable_path=options.chromium, args=list(FLAGS))
        if options.jobs:
            filled(cloud, options.jobs)
            paint(browser, base, options.jobs)
            return 0
        jobs = seed(base)
        if options.picture is not None:
            picture(browser, base, jobs, options.picture)
            return 0
        steps: list[tuple[Callable[..., None], tuple[Any, ...]]] = [
            (look, (jobs, axe, options.shots)),
            (untrusted, (jobs,)),
            (keyboard, ()),
            (submit, ()),
            (controls, (jobs,)),
            (story, ()),
            (token, ()),
            (reconnect, (server,)),
        ]
        for step, arguments in steps:
            try:
                step(browser, base, *arguments)
            except Exception as error:  # noqa: BLE001 - the other steps are worth a look
                failed = 1
                print(f"FAILED: {step.__doc__}\n{error}")
            else:
                print(f"ok: {step.__doc__}")
        browser.close()
    return failed


if __name__ == "__main__":
    sys.exit(main())
