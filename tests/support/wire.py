"""A client of a few lines: it sends JSON to a cloud as it stands, and returns what comes back."""

from __future__ import annotations

import json


class Wire:
    """A client of one cloud."""

    def __init__(self, cloud):
        self.cloud = cloud

    def ask(self, method, path, body=None):
        """Send one request, which must succeed, and return the JSON of the reply."""
        url = f"https://api.ionq.co/v0.4{path}"
        content = None if body is None else json.dumps(body).encode()
        reply = self.cloud.handle(method, url, {"Authorization": "apiKey any-key"}, content, 30.0)
        assert reply.status < 300, reply.body
        return json.loads(reply.body)

    def submit(self, circuit, backend="simulator", *, shared=None, **fields):
        """Submit a circuit, several in a list, or OpenQASM 3, and return the job's record.

        Several circuits inherit what is `shared`.
        """
        kind, content = "ionq.circuit.v1", circuit
        if isinstance(circuit, list):
            kind, content = "ionq.multi-circuit.v1", {**(shared or {}), "circuits": circuit}
        elif isinstance(circuit, str):
            kind, content = "ionq.qasm3.v1", {"data": circuit}
        body = {"type": kind, "backend": backend, "input": content, **fields}
        return self.ask("GET", f"/jobs/{self.ask('POST', '/jobs', body)['id']}")

    def run(self, circuit, backend="simulator", **fields):
        """Submit what must be completed, and return the job's record."""
        job = self.submit(circuit, backend, **fields)
        assert job["status"] == "completed", job["failure"]
        return job

    def result(self, job, kind="probabilities", query=""):
        """Fetch results by their url."""
        path = job["results"][kind]["url"].removeprefix("/v0.4")
        return self.ask("GET", path + query)

    def artifact(self, job, descriptor):
        """Fetch an artifact by its descriptor."""
        return self.ask("GET", f"/jobs/{job['id']}/artifacts/{descriptor['id']}")

    def compiled(self, job):
        """Fetch the native circuit that a job was compiled to."""
        circuits = job["output"]["compilation"]["compiled_circuits"]
        return self.artifact(job, circuits["ionq.native.v1"])
