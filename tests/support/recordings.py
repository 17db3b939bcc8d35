"""A scripted transport, and requests that are recorded and replayed."""

import json

from ionq_toolkit import Response

KEY = "Zq8/pT+w3k!9Lm0x&Rv'2c"
URL = "https://api.ionq.co/v0.4"
USER, PROJECT = "64b03577072d45001c85e9c4", "1333d459-cf47-4a5e-acc1-8d4eb4f7b025"


class Script:
    """A transport that gives one outcome after the other: a reply, or an error to raise."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.sent = []

    def send(self, method, url, headers, body, timeout):
        self.sent.append((method, url, headers, body, timeout))
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self):
        self.outcomes.clear()


def reply(content=b"", status=200, **headers):
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"Content-Type": "application/json", **headers}, content)


def ask(transport, method="GET", path="/jobs", body=None, *, key=KEY, timeout=None, url=URL):
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    headers = {"Authorization": f"apiKey {key}", "Cookie": "session=mine"}
    return transport.send(method, url + path, headers, body, timeout)


def entries(path):
    """Return the JSON of a file, one value per line."""
    return [json.loads(line) for line in path.read_text().splitlines()]
