"""The file of a recording."""

import json
import os
import pickle

import pytest
from recordings import ask, reply

from ionq_toolkit import (
    ReplayTransport,
    Response,
    errors,
)
from ionq_toolkit.transport import RecordingFileError, RecordingMissError


def test_the_file_is_json_lines(record):
    circuit = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]
    text = record(
        (("POST", "/jobs", {"shots": 100, "input": {"circuit": circuit}}), reply({"id": "ü"}, 201)),
        (("GET", "/jobs?limit=2&status=ready"), reply(b"<p>\n  busy</p>", 503)),
        (("GET", "/jobs/j/artifacts/a"), Response(200, {}, b"\xff\x00")),
        (("GET", "/jobs/j"), TimeoutError()),
    )
    assert text == (
        """\
{"format": "ionq-toolkit recording", "version": 1}
{"request": {"method": "POST", "url": "/v0.4/jobs", "json": {"shots": 100, "input": {"circuit": \
[{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]}}}, \
"response": {"status": 201, "headers": {"content-type": "application/json"}, \
"json": {"id": "\\u00fc"}}}
{"request": {"method": "GET", "url": "/v0.4/jobs?limit=2&status=ready"}, \
"response": {"status": 503, "headers": {"content-type": "application/json"}, \
"text": "<p>\\n  busy</p>"}}
{"request": {"method": "GET", "url": "/v0.4/jobs/j/artifacts/a"}, \
"response": {"status": 200, "base64": "/wA="}}
{"request": {"method": "GET", "url": "/v0.4/jobs/j"}, "error": "TimeoutError"}
"""
    )


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX file modes")
def test_only_the_owner_can_read_the_file(record, path):
    record()
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_incomplete_last_line_is_left_out_and_reported(record, path):
    requests = [("POST", "/jobs", {"a": "}\n{"}), ("GET", "/jobs/j"), ("GET", "/jobs/k")]
    data = record(*((request, reply({"id": "x}"})) for request in requests)).encode()
    ends = [n for n in range(len(data)) if data[n : n + 1] == b"\n"]
    assert len(ends) == 4

    for cut in range(ends[0] + 1, len(data)):
        path.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends[1:])
        replay = ReplayTransport(path)
        for request in requests[:whole]:
            ask(replay, *request)
        for request in requests[whole:]:
            with pytest.raises(RecordingMissError) as caught:
                ask(replay, *request)
            torn = data[ends[whole] : cut].strip() != b""
            assert (f"breaks off in line {whole + 2}." in str(caught.value)) == torn


def test_a_missing_file_is_reported(path):
    with pytest.raises(FileNotFoundError, match=r"RecordingTransport makes one.*recording\.jsonl"):
        ReplayTransport(path)


HEAD = '{"format": "ionq-toolkit recording", "version": 1}\n'
GOOD = '{"request": {"method": "GET", "url": "/v0.4/jobs"}, "error": "TimeoutError"}\n'


def line(request='{"method": "GET", "url": "/"}', **fields):
    parts = [f'"{name}": {value}' for name, value in {"request": request, **fields}.items()]
    return f"{{{', '.join(parts)}}}"


def content(fields):
    return line(response=f'{{"status": 200, {fields}}}')


@pytest.mark.parametrize(
    ("text", "number", "complaint"),
    [
        ("", 1, "is not a recording"),
        ("\n" + HEAD, 1, "is not a recording"),
        ("interactions:\n- request: {}\n", 1, "is not a recording"),
        ('{"log": {"version": "1.2"}}', 1, "is not a recording"),
        ("[" * 100_000, 1, "is not a recording"),
        (HEAD[:20], 1, "is not a recording"),
        (HEAD.replace("1", "2"), 1, "version 2, and this version of ionq-toolkit reads version 1"),
        (HEAD.replace("1", '"1"'), 1, 'version "1"'),
        (HEAD + "<<<<<<< HEAD\n" + GOOD, 2, "is damaged: Expecting value"),
        (HEAD + GOOD + GOOD.replace(", ", " ") + GOOD, 3, "Expecting ',' delimiter, column 30"),
        (HEAD + GOOD + "\n\n" + "[" * 100_000 + "\n", 5, "is damaged"),
        (HEAD + "[]", 2, "is damaged: Expected `object`"),
        (HEAD + "{}", 2, "required field `request`"),
        (HEAD + line(), 2, "either a response or an error"),
        (HEAD + line(error='"TimeoutError"', response='{"status": 1}'), 2, "either a response"),
        (HEAD + line(error='"TimeoutError"', time="5"), 2, "unknown field `time`"),
        (HEAD + line(response='{"status": "200"}'), 2, "got `str` - at `$.response.status`"),
        (HEAD + content('"headers": {"a": 1}'), 2, "`$.response.headers"),
        (HEAD + content('"json": 5'), 2, "`$.response.json`"),
        (HEAD + content('"base64": "%"'), 2, "base64"),
        (HEAD + content('"text": "\\ud800"'), 2, "surrogates"),
        (HEAD + content('"json": {}, "text": ""'), 2, "either json, text or base64"),
        (HEAD + content('"json": {"a": NaN}'), 2, "Out of range float"),
        (HEAD + content('"json": {"a": 1, "a": 2}'), 2, "twice"),
        (HEAD + line(error='"KeyError"'), 2, "the error 'KeyError' is none of"),
        (HEAD + line('{"url": "/"}', error='"TimeoutError"'), 2, "required field `method`"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_the_line(path, text, number, complaint):
    path.write_text(text)
    with pytest.raises(RecordingFileError) as caught:
        ReplayTransport(path)
    assert caught.value.line == number
    assert caught.value.path == str(path)
    assert str(caught.value).startswith(f"{path}, line {number}: the file ")
    assert complaint in str(caught.value)
    assert not isinstance(caught.value, OSError | errors.IonQError)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.line) == (str(caught.value), number)


def test_a_file_that_is_not_utf8_is_damaged(path):
    path.write_bytes(HEAD.encode() + GOOD.encode() + b'{"request": "\xff"')
    with pytest.raises(RecordingFileError, match="line 3: the file is damaged: 'utf-8' codec"):
        ReplayTransport(path)


def test_a_file_may_be_edited(path):
    """With a byte order mark, the line ends of Windows, empty lines and no line end at the end."""
    exchange = {
        "request": {"method": "get", "url": "/v0.4/jobs"},
        "response": {"status": 200, "json": [1]},
    }
    text = HEAD + "\n" + json.dumps(exchange, ensure_ascii=False)
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert ask(ReplayTransport(path)) == Response(200, {}, b"[1]")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"1.10",
        b'"text"',
        b"  5 ",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[ " * 100 + b"]" * 100,
        b"[ " * 400 + b"]" * 400,
        b"[" * 100_000,
        b'{"a": 1} and more',
        b"\xef\xbb\xbf{}",
        b"a\r\nb\n\nc\n",
        b"\n",
        "ü😀\u2028".encode(),
        "[1]".encode("utf-16"),
        bytes(range(256)),
    ],
)
def test_a_body_that_is_not_plain_json_is_kept_to_the_byte(record, path, body):
    record((("POST", "/jobs", body), reply(body)))
    assert ask(ReplayTransport(path), "POST", "/jobs", body).body == body
