"""The file of a recording, in JSON Lines: a header, then one exchange per line."""

from __future__ import annotations

import builtins
import codecs
import contextlib
import errno
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ionq_toolkit.transport.recording.exchange import DECODER, Exchange, Request, encode

if TYPE_CHECKING:
    import os

FORMAT, VERSION = "ionq-toolkit recording", 1

#: The built-in errors that a transport raises: see `Transport.send`.
_ERRORS: dict[str, type[OSError]] = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, ConnectionError | TimeoutError)
}


class RecordingError(Exception):
    """A recording cannot be used.

    It is neither an `OSError` nor an `IonQError`, so no code that retries or tolerates those
    handles it.
    """


class RecordingFileError(RecordingError):
    """A file is not a recording, is damaged, has an unknown version, or cannot be written.

    Attributes:
        path: The file.
        line: The line, from 1; 0 if the error concerns no line in particular.
    """

    def __init__(self, message: str, path: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.path = path
        self.line = line


class _Content(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    json: dict[str, Any] | list[Any] | None = None
    text: str | None = None
    base64: bytes | None = None


class _Asked(_Content):
    method: str
    url: str


class _Replied(_Content):
    status: int
    headers: dict[str, str] = {}


class _Line(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    request: _Asked
    response: _Replied | None = None
    error: str | None = None


def create(path: Path) -> None:
    """Begin a recording in a new file that its owner alone can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise FileExistsError(
            errno.EEXIST,
            "There is a recording already, which may have cost something: replay it with "
            "ReplayTransport, or delete it to record anew",
            str(path),
        ) from error
    _write(path, {"format": FORMAT, "version": VERSION})


def append(path: Path, exchange: Exchange) -> None:
    """Add an exchange to the end of a recording: the whole line, or nothing."""
    method, url, body = exchange.request.method, exchange.request.url, exchange.request.body
    line = _Line(_Asked(method=method, url=url, **_content(body)))
    if exchange.error is not None:
        line.error = exchange.error.__name__
    else:
        status, headers = exchange.status, dict(exchange.headers)
        line.response = _Replied(status=status, headers=headers, **_content(exchange.body))
    _write(path, msgspec.to_builtins(line))


def read(path: str | os.PathLike[str]) -> tuple[list[Exchange], int | None]:
    """Return the exchanges of a recording, and the number of an incomplete last line or None."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            errno.ENOENT, "There is no recording; RecordingTransport makes one", str(path)
        ) from error
    lines = data.removeprefix(codecs.BOM_UTF8).split(b"\n")
    _check_header(lines[0], str(path))
    exchanges: list[Exchange] = []
    for number, line in enumerate(lines[1:], 2):
        try:
            if line.strip():
                exchanges.append(_exchange(DECODER.decode(line.decode()), number))
        except json.JSONDecodeError as error:
            if number == len(lines):
                return exchanges, number
            raise _error(f"is damaged: {error.msg}, column {error.colno}", path, number) from error
        except (ValueError, RecursionError, msgspec.ValidationError) as error:
            raise _error(f"is damaged: {error}", path, number) from error
    return exchanges, None


def _write(path: Path, line: dict[str, Any]) -> None:
    rest = memoryview(json.dumps(line).encode() + b"\n")
    # Not "ab", which would create a file that was deleted in the meantime.
    with path.open("r+b", buffering=0) as file:
        end = file.seek(0, 2)
        try:
            while rest:
                rest = rest[file.write(rest) or 0 :]
        except BaseException:
            file.truncate(end)
            raise


def _content(body: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    kind = "text" if isinstance(body, str) else "base64" if isinstance(body, bytes) else "json"
    return {kind: body}


def _check_header(line: bytes, path: str) -> None:
    header = None
    with contextlib.suppress(ValueError, RecursionError):
        header = DECODER.decode(line.decode())
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        what = f'is not a recording: it does not begin with {{"format": "{FORMAT}", ...}}'
        raise _error(what, path, 1)
    if header.get("version") != VERSION:
        raise _error(
            f"is a recording of version {json.dumps(header.get('version'))}, and this version of "
            f"ionq-toolkit reads version {VERSION}: record it anew, or update ionq-toolkit",
            path,
            1,
        )


def _exchange(value: Any, number: int) -> Exchange:  # noqa: ANN401 - any JSON
    line = msgspec.convert(value, _Line)
    request = Request.of(line.request.method, line.request.url, encode(_body(line.request)))
    if (line.response is None) == (line.error is None):
        raise ValueError("an exchange has a request, and either a response or an error")
    if line.response is not None:
        headers, body = line.response.headers, _body(line.response)
        return Exchange(request, line.response.status, headers, body, line=number)
    if line.error not in _ERRORS:
        raise ValueError(f"the error {line.error!r} is none of {', '.join(_ERRORS)}")
    return Exchange(request, error=_ERRORS[line.error], line=number)


def _body(content: _Content) -> Any:  # noqa: ANN401 - any JSON
    given = [b for b in (content.json, content.text, content.base64) if b is not None]
    if len(given) > 1:
        raise ValueError("a body is either json, text or base64")
    body = given[0] if given else None
    encode(body)  # checks it
    return body


def _error(what: str, path: str | os.PathLike[str], line: int) -> RecordingFileError:
    return RecordingFileError(f"{path}, line {line}: the file {what}.", str(path), line)
