"""The API key is in no output of a failing test, whichever runner prints its local variables."""

import base64
import contextlib
import io
import json
import os
import pprint
import subprocess
import sys
import traceback
from urllib.parse import quote

import pytest
import rich.console
import rich.traceback
from _pytest._io.saferepr import saferepr, saferepr_unlimited
from qiskit import QuantumCircuit

from ionq_toolkit import (
    HttpTransport,
    InProcessTransport,
    IonQClient,
    IonQProvider,
    RecordingTransport,
    errors,
)
from ionq_toolkit.api.credentials import ApiKey
from ionq_toolkit.errors import printable
from ionq_toolkit.transport.base import in_base64
from ionq_toolkit_fake import FakeIonQ, FakeServer, faults
from ionq_toolkit_fake.chaos.environment import SecretDetector
from ionq_toolkit_fake.clock import SystemClock

KEY = "sk+n0b0dy/may=see-this.key!0123456789"
LONG = KEY * 9


def encoded(secret):
    content = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        content.hex(),
        *(base64.b64encode(bytes(n) + content).decode()[6:-6] for n in range(3)),
    }


def circuit():
    made = QuantumCircuit(1, 1)
    made.measure(0, 0)
    return made


def backend(key, port):
    provider = IonQProvider(key, f"http://127.0.0.1:{port}/v0.4", retry=None)
    return provider.get_backend("simulator")


class Interrupted(BaseException):
    pass


def closed(key):
    backend(key, 9).run(circuit())


def bad_url(key):
    IonQProvider(key, "http://no good")


def unknown_transport(key):
    IonQProvider(key, transport="pigeon")


def not_ascii(key):
    IonQProvider(f"{key}é")


def not_ascii_in_the_environment(key):
    os.environ["IONQ_API_KEY"] = f"{key}é"
    try:
        IonQProvider().client.get_backends()
    finally:
        del os.environ["IONQ_API_KEY"]


def client_without_use(key):
    IonQClient(f"{key}\n\x00", "http://127.0.0.1:9/v0.4", HttpTransport())


def served(fault=None, action=lambda backend: backend.run(circuit(), timeout=0.3), clock=None):
    def run(key):
        cloud = FakeIonQ(seed=1, clock=clock)
        if fault is not None:
            cloud.faults.add(fault)
        with FakeServer(cloud) as server:
            action(backend(key, server.url.rpartition(":")[2].partition("/")[0]))

    return run


def echo(status, body):
    def run(key):
        class Echo:
            def handle(self, *_):
                return status, {"content-type": key}, body(key).encode()

        transport = InProcessTransport(Echo())
        IonQProvider(key, transport=transport, retry=None).client.get_backends()

    return run


def interrupt(key):
    class Interrupting(InProcessTransport):
        def send(self, *request):
            raise Interrupted

    provider = IonQProvider(key, transport=Interrupting(FakeIonQ()))
    provider.get_backend("simulator").run(circuit())


FAILURES = {
    "nothing listens": closed,
    "not a URL": bad_url,
    "no transport": unknown_transport,
    "a key that cannot be sent": not_ascii,
    "one in the environment": not_ascii_in_the_environment,
    "one of a client": client_without_use,
    "a refusal": served(faults.http(401)),
    "a reset connection": served(faults.reset()),
    "a late reply": served(
        faults.latency(60), lambda b: b.run(circuit(), timeout=0.2), SystemClock()
    ),
    "a truncated reply": served(faults.truncated()),
    "an unknown job": served(None, lambda b: b.retrieve_job("none")),
    "an echo": echo(400, lambda key: json.dumps({"message": key})),
    "an echo in base64": echo(
        400, lambda key: json.dumps({"message": base64.b64encode(key.encode()).decode()})
    ),
    "an echo that is no JSON": echo(200, lambda key: f"<{key}>"),
    "an interrupt": interrupt,
}


def frames(error):
    """Yield the frames of an error and those behind it, but for those of this file."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                yield frame
        error = error.__cause__ or error.__context__


def shown(error):
    """Return what runners show of an error: texts, and local variables in all their ways."""
    yield "".join(traceback.format_exception(error))
    ways = [repr, saferepr, saferepr_unlimited, pprint.pformat, lambda value: f"{value!r:.60}"]
    for frame in frames(error):
        for name, value in list(frame.f_locals.items()):
            for way in ways:
                with contextlib.suppress(AttributeError):  # an object that is half made
                    yield f"{frame.f_code.co_name} {name} {way(value)}"


@pytest.mark.parametrize("key", [KEY, LONG], ids=["short", "long"])
@pytest.mark.parametrize("failure", FAILURES)
def test_no_error_or_local_variable_shows_the_key(failure, key):
    with pytest.raises((errors.IonQError, Interrupted)) as caught:
        FAILURES[failure](key)
    secret = KEY if key == KEY else LONG[:60]
    for text in shown(caught.value):
        found = [form for form in encoded(secret) if form in text]
        assert not found, text.replace(secret, "***")[:200]
    detector = SecretDetector([KEY], ["ionq_toolkit"])
    detector.inspect_error(caught.value)
    assert detector.leaks == []


def test_a_key_is_hidden_but_works():
    key = ApiKey(KEY)
    assert key.header == f"apiKey {KEY}"
    assert key.reveal() == KEY
    assert KEY not in f"{key!r}{key.header!r}{key.header[3:]!r}{key.forms!r}{[key.reveal()]!r}"
    cloud = FakeIonQ(seed=1, keys={KEY: "p"})
    with FakeServer(cloud) as server:
        assert IonQProvider(KEY, server.url).client.get_backends()


@pytest.mark.parametrize("form", [KEY, KEY.encode().hex(), quote(KEY), *in_base64(KEY.encode())])
def test_the_chaos_check_finds_a_key_in_each_form(form):
    detector = SecretDetector([KEY])
    detector.inspect("a log", f"before {form} after")
    assert detector.leaks == ["a log"]


PROGRAM = """
import os, unittest
from ionq_toolkit import IonQProvider
from qiskit import QuantumCircuit

def act():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with IonQProvider(url="http://127.0.0.1:9/v0.4", retry=None) as provider:
        provider.get_backend("simulator").run(circuit)

def test_plain():
    act()

class Cases(unittest.TestCase):
    def test(self):
        act()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "runner", [["pytest"], ["pytest", "--showlocals", "-vv"], ["unittest", "--locals"]]
)
def test_a_failing_test_does_not_print_the_key(tmp_path, runner):
    file = tmp_path / "test_failing.py"
    file.write_text(PROGRAM)
    options = ["-p", "no:cacheprovider"] if runner[0] == "pytest" else []
    done = subprocess.run(
        [sys.executable, "-m", *runner, *options, file.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "IONQ_API_KEY": KEY, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    output = done.stdout + done.stderr
    assert "IonQConnectionError" in output
    assert not [form for form in encoded(KEY) if form in output]


def test_rich_does_not_print_the_key():
    output = io.StringIO()
    try:
        closed(ApiKey(LONG).reveal())
    except errors.IonQConnectionError as error:
        found = rich.traceback.Traceback.from_exception(
            type(error), error, error.__traceback__, show_locals=True
        )
        rich.console.Console(file=output, width=300).print(found)
    assert "IonQConnectionError" in output.getvalue()
    assert KEY[:30] not in output.getvalue()


@pytest.mark.parametrize("text", ["\x1b[2J", "a\r\nb", "\x9b31m", "\u202eabc", "\x00", "\ud800"])
def test_texts_of_the_service_act_on_no_terminal(text):
    body = json.dumps({"message": f"before {text} after", "error": "x"}).encode()

    class Speaking:
        def handle(self, *_):
            return 400, {"x-request-id": text}, body

    provider = IonQProvider(transport=InProcessTransport(Speaking()), retry=None)
    with pytest.raises(errors.IonQAPIError) as caught:
        provider.client.get_backends()
    assert str(caught.value).isprintable()
    assert "before" in str(caught.value)
    assert printable("tab\tand plain é") == "tab\tand plain é"


def test_a_list_of_jobs_without_an_end_ends():
    class Endless:
        asked = 0

        def handle(self, *_):
            self.asked += 1
            return 200, {}, json.dumps({"jobs": [], "next": str(self.asked)}).encode()

    cloud = Endless()
    provider = IonQProvider(transport=InProcessTransport(cloud), retry=None)
    with pytest.raises(errors.IonQResponseError, match="page"):
        provider.find_submission("a-tag")
    assert cloud.asked < 200


def test_a_recording_is_its_owners_alone(tmp_path):
    path = tmp_path / "bell.jsonl"
    transport = RecordingTransport(InProcessTransport(FakeIonQ(seed=1)), path)
    IonQProvider(KEY, transport=transport).get_backend("simulator").run(circuit()).result()
    assert not [form for form in encoded(KEY) if form in path.read_text()]
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0
