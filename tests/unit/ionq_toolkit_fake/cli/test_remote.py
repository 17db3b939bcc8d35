import contextlib
import http.server
import os
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner

from ionq_toolkit_fake import FakeIonQ, FakeServer
from ionq_toolkit_fake.cli import main


def run(*arguments, **environment):
    done = CliRunner().invoke(main, [*arguments], env=environment)
    assert "Traceback" not in done.output
    assert done.stdout == ""
    return done.exit_code, done.stderr


def test_a_server_that_is_not_reached_is_one_line_with_exit_code_3():
    code, error = run("status", IONQ_FAKE_URL="http://127.0.0.1:9")
    assert code == 3
    assert error.startswith("Error: http://127.0.0.1:9 was not reached (Connection refused): start")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://", "http://[::1", "http://h:port", "http://a:b@h"]
)
def test_an_address_that_is_none_is_a_wrong_option(url):
    code, error = run("status", "--url", url)
    assert (code, "--url" in error) == (2, True)


@contextlib.contextmanager
def other_server(status, headers, body=b"<html>"):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "headers", "message"),
    [
        (200, {}, "is not an ionq-fake server"),
        (200, {"X-IonQ-Fake-Version": "99.0"}, "is not an ionq-fake server"),
        (404, {"X-IonQ-Fake-Version": "99.0"}, "has version 99.0, and this command"),
    ],
)
def test_another_server_or_version_is_named_with_exit_code_6(status, headers, message):
    with other_server(status, headers) as url:
        code, error = run("status", "--url", url)
    assert (code, message in error, error.count("\n")) == (6, True, 1)


@pytest.mark.parametrize("command", [["status"], ["jobs", "list"], ["faults", "list"]])
def test_a_response_of_another_shape_is_of_another_version(command):
    with other_server(200, {"X-IonQ-Fake-Version": "99.0"}, b"{}") as url:
        code, error = run(*command, "--url", url)
    assert (code, "has version 99.0" in error, error.count("\n")) == (6, True, 1)


def test_an_unknown_command_has_the_closest_match():
    code, error = run("reqests")
    assert (code, "Did you mean 'requests'?" in error) == (2, True)


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_is_gone_ends_a_command_quietly():
    script = "from ionq_toolkit_fake.cli import main; main()"
    reader, writer = os.pipe()
    os.close(reader)
    with contextlib.closing(os.fdopen(writer, "wb")) as pipe:
        done = subprocess.run(
            [sys.executable, "-c", script, "faults", "kinds"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")


def test_the_token_is_asked_for_and_never_shown():
    cloud = FakeIonQ(keys={"k": "p"})
    with FakeServer(cloud, host="0.0.0.0", token="the-token") as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        code, error = run("status", "--url", url)
        assert (code, "set IONQ_FAKE_TOKEN" in error) == (4, True)
        code, error = run("status", "--url", url, IONQ_FAKE_TOKEN="a-wrong-token")
        assert (code, "the token is wrong" in error) == (4, True)
        assert "a-wrong-token" not in error
        done = CliRunner().invoke(
            main, ["status", "--url", url], env={"IONQ_FAKE_TOKEN": "the-token"}
        )
        assert done.exit_code == 0
        code, error = run("submit", "-", "--url", url, IONQ_FAKE_KEY="a-wrong-key")
        assert code == 2  # nothing on standard input


def test_a_key_that_is_refused_is_exit_code_4(tmp_path):
    file = tmp_path / "one.json"
    file.write_text('{"qubits": 1, "circuit": []}')
    with FakeServer(FakeIonQ(keys={"k": "p"})) as server:
        code, error = run("submit", str(file), "--url", server.url, IONQ_FAKE_KEY="a-wrong-key")
    assert (code, "set IONQ_FAKE_KEY" in error, "a-wrong-key" in error) == (4, True, False)
