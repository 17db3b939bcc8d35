"""The console of a cloud, without a socket."""

import asyncio
import json

from starlette.applications import Starlette

from ionq_toolkit_fake import console

KEY = "a-secret-key"
BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]


def body(circuit=BELL, qubits=2, backend="simulator", **more):
    return {
        "type": "ionq.circuit.v1",
        "backend": backend,
        "shots": 100,
        "input": {"qubits": qubits, "circuit": circuit},
        **more,
    }


def post(cloud, content=None, key=KEY):
    """Submit a job and return its id."""
    headers = {"Authorization": f"apiKey {key}"}
    sent = json.dumps(body() if content is None else content).encode()
    response = cloud.handle("POST", "/v0.4/jobs", headers, sent)
    assert response.status == 201, response.body
    return json.loads(response.body)["id"]


class Page:
    """Sends requests to the application of a console."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.app = Starlette(routes=console.routes(cloud))

    def send(self, method, url, content=b"", **headers):
        return asyncio.run(self._send(method, url, content, headers))

    async def _send(self, method, url, content, headers):
        path, _, query = url.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "server": ("127.0.0.1", 8080),
            "headers": [
                (b"host", b"127.0.0.1:8080"),
                *((k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()),
            ],
        }
        sent = []

        async def receive():
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message):
            sent.append(message)

        await self.app(scope, receive, send)
        names = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
        return sent[0]["status"], names, b"".join(one.get("body", b"") for one in sent[1:])

    def get(self, url):
        status, _, content = self.send("GET", url)
        assert status == 200, content
        return json.loads(content)

    def post(self, url, content):
        return self.send("POST", url, json.dumps(content).encode(), content_type="application/json")
