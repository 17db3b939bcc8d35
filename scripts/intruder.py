"""Show Chromium a page of another origin that tries every route of a server; needs `chromium`.

The page stands at a name of its own, and again at a name that is rebound: the proxy of the browser
shows the page first and the server then, at the same name and port. Exits with 1 if the page read
anything that a client had sent, or if the server's cloud is another afterwards.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit

from ionq_toolkit_fake import console, control
from ionq_toolkit_fake.api.operations import OPERATIONS
from ionq_toolkit_fake.cloud import FakeIonQ

PAGE = Path(__file__).with_name("intruder.html").read_bytes()
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--proxy-bypass-list=<-loopback>",
)
KEY = {"Authorization": "apiKey k-0123456789abcdef", "Content-Type": "application/json"}
#: The name of a job; a page that has it has read what is not its own.
NAME = "the-name-of-a-job"
LIMIT_S = 900.0


class Proxy(BaseHTTPRequestHandler):
    """The proxy of the browser: the page, its report, and the rest from where it is asked for."""

    def __init__(
        self, server: str, reports: list[list[str]], done: threading.Event, *rest: object
    ) -> None:
        self.fake, self.reports, self.done = server, reports, done
        super().__init__(*rest)  # type: ignore[arg-type]

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        name = (parts.hostname or "").removeprefix("rebound.")
        if name == "evil.test" and parts.path == "/intruder":
            self._send(200, PAGE, "text/html")
        elif name == "evil.test" and parts.path == "/report":
            self.reports.append(json.loads(body))
            self._send(200, b"", "text/plain")
            self.done.set()
        elif name.endswith("evil.test") and parts.hostname == "evil.test":
            self._send(404, b"", "text/plain")
        else:
            self._forward(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = _answer  # noqa: N815

    def _forward(self, body: bytes) -> None:
        url = urlsplit(self.path)
        connection = HTTPConnection(self.fake, timeout=30)
        headers = {
            name: value for name, value in self.headers.items() if name != "Proxy-Connection"
        }
        path = url.path + (f"?{url.query}" if url.query else "")
        try:
            connection.request(self.command, path or "/", body or None, headers)
            reply = connection.getresponse()
            if reply.getheader("Content-Type", "").startswith("text/event-stream"):
                content = reply.fp.readline()  # a stream has no end
            else:
                content = reply.read()
            self._send(
                reply.status, content, reply.getheader("Content-Type", ""), reply.getheaders()
            )
        except OSError:
            with contextlib.suppress(OSError):  # the browser has left
                self._send(502, b"", "text/plain")
        finally:
            connection.close()

    def _send(
        self, status: int, body: bytes, kind: str, more: list[tuple[str, str]] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in more or ():
            if name.lower().startswith(
                ("access-control", "content-security", "x-", "cross-", "set-")
            ):
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class ProxyServer(ThreadingHTTPServer):
    """The server of the proxy; a browser breaks off as it likes."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Print nothing."""


def routes(job_id: str) -> list[tuple[str, str]]:
    """Return method and path of every route of the API, the controls and the console."""
    found = [tuple(name.split(" ", 1)) for name in control.CONTROLS]
    found += [(one.method, f"/v0.{version}{one.path}") for one in OPERATIONS for version in (3, 4)]
    for route in console.routes(FakeIonQ(seed=1)):
        found += [(method, route.path) for method in getattr(route, "methods", None) or ("GET",)]
    found += [("GET", path) for path in ("/", "/health", "/metrics")]
    return sorted({(method, re.sub(r"[<{][^>}]*[>}]", job_id, path)) for method, path in found})


def ask(base: str, path: str, body: object = None) -> bytes:
    """Return the body of a response to a client of this computer."""
    connection = HTTPConnection(urlsplit(base).netloc, timeout=30)
    method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
    connection.request(method, path, data, KEY)
    return connection.getresponse().read()


def state(base: str) -> object:
    """Return what a page must not change."""
    paths = ("/_fake/state", "/_fake/transitions", "/_fake/faults", "/v0.4/jobs")
    return [json.loads(ask(base, path)) for path in paths]


def main() -> int:
    """Return 1 if a page read or changed something."""
    command = [str(Path(sys.executable).with_name("ionq-fake")), "serve", "--port", "0"]
    reports: list[list[str]] = []
    options = ["--clock", "virtual", "--workers", "1"]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=log, text=True
        ) as server,
    ):
        try:
            line = server.stdout.readline() if server.stdout else ""
            base = re.findall(r"http://[^/\s]+", line)[0]
            circuit = {"qubits": 1, "circuit": [{"gate": "h", "target": 0}]}
            body = {"type": "ionq.circuit.v1", "backend": "simulator", "name": NAME}
            job_id = json.loads(ask(base, "/v0.4/jobs", {**body, "input": circuit}))["id"]
            # A job that is being simulated changes by itself.
            while json.loads(ask(base, f"/v0.4/jobs/{job_id}"))["status"] != "completed":
                time.sleep(0.1)
            before = state(base)
            port, asked = base.rsplit(":", 1)[1], routes(job_id)
            for origin, targets in (
                ("http://evil.test", [base, f"http://localhost:{port}"]),
                (f"http://rebound.evil.test:{port}", [f"http://rebound.evil.test:{port}"]),
            ):
                done = threading.Event()
                handler = partial(Proxy, base.removeprefix("http://"), reports, done)
                proxy = ProxyServer(("127.0.0.1", 0), handler)
                threading.Thread(target=proxy.serve_forever, daemon=True).start()
                told = quote(json.dumps({"targets": targets, "routes": asked, "secret": NAME}))
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
                    browser = subprocess.Popen(
                        [
                            *(BROWSER, *OPTIONS, f"--user-data-dir={profile}"),
                            f"--proxy-server=http://127.0.0.1:{proxy.server_port}",
                            f"{origin}/intruder#{told}",
                        ],
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                    seen = done.wait(LIMIT_S)
                    browser.kill()
                    browser.wait()
                proxy.shutdown()
                read = reports[-1] if seen else ["the page sent no report"]
                print(f"{origin}: {len(asked)} routes, read: {read or 'nothing'}")
                reports[:] = [[]] if seen and not read else [read]
                if read:
                    return 1
            after = state(base)
            changed = after != before
            if changed:
                print(f"before: {before}\nafter: {after}")
            print("the cloud is", "another" if changed else "as it was")
            log.seek(0)
            crashed = "Traceback" in log.read()
            print("the server's log has", "a traceback" if crashed else "no traceback")
            return int(changed or crashed)
        finally:
            server.terminate()


if __name__ == "__main__":
    sys.exit(main())
