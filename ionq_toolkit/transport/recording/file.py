"""The file of a recording: one JSON object after the other, to be read, compared and edited."""

from __future__ import annotations

import base64
import errno
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ionq_toolkit.transport.recording.exchange import DECODER, Exchange, Request, encode

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping


FORMAT, VERSION = "ionq-toolkit recording", 1

#: The width of a line.
_WIDTH = 100

#: What a transport raises where there is no reply: see `Transport.send`.
ERRORS: Mapping[str, type[OSError]] = {
    kind.__name__: kind
    for kind in (
        BrokenPipeError,
        ConnectionAbortedError,
        ConnectionError,
        ConnectionRefusedError,
        ConnectionResetError,
        TimeoutError,
    )
}


class RecordingError(Exception):
    """A recording cannot be used.

    It is no error of the network and none of the service: nothing that retries those, or goes
    on without them, may take it for one.
    """


class RecordingFileError(RecordingError):
    """A file is no recording, a damaged one, of a version not known here, or not to be written.

    Attributes:
        path: The file.
        line: The line, from 1; 0 where it is none in particular.
    """

    def __init__(self, message: str, path: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.path = path
        self.line = line


class Recording(NamedTuple):
    """What is in a file.

    Attributes:
        exchanges: In the order in which they were recorded.
        breaks_off_at: The line from which on an exchange is not there to its end, or None.
    """

    exchanges: list[Exchange]
    breaks_off_at: int | None


def create(path: Path) -> None:
    """Begin a recording.

    Raises:
        FileExistsError: There is a file already.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(_document({"format": FORMAT, "version": VERSION}))
    except FileExistsError as error:
        raise FileExistsError(
            errno.EEXIST,
            "There is a recording already, which may have cost something: replay it with "
            "ReplayTransport, or delete it to record anew",
            str(path),
        ) from error


def append(path: Path, exchange: Exchange) -> None:
    """Add an exchange to the end of a recording: the whole of it, or nothing.

    Raises:
        OSError: It could not be written.
    """
    rest = memoryview(_document(_described(exchange)))
    # Not "ab", which would make a file anew that somebody took away.
    with path.open("r+b", buffering=0) as file:
        end = file.seek(0, 2)
        try:
            while rest:
                rest = rest[file.write(rest) or 0 :]
        except BaseException:
            file.truncate(end)
            raise


def read(path: str | os.PathLike[str]) -> Recording:
    """Read a recording.

    The last exchange may not be there to its end: whoever recorded it was killed while it was
    written. It is left out.

    Raises:
        FileNotFoundError: There is no such file.
        RecordingFileError: It is no recording, or damaged, or of another version.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            errno.ENOENT, "There is no recording; RecordingTransport makes one", str(path)
        ) from error
    return _Reader(str(path), data).read()


def _described(exchange: Exchange) -> dict[str, Any]:
    request = exchange.request
    asked = {"method": request.method, "url": request.url, **_content(request.body)}
    if exchange.error is not None:
        return {"request": asked, "error": exchange.error.__name__}
    replied = {
        "status": exchange.status,
        "headers": dict(exchange.headers),
        **_content(exchange.body),
    }
    return {"request": asked, "response": replied}


def _content(body: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    if body is None:
        return {}
    if isinstance(body, bytes):
        return {"base64": base64.b64encode(body).decode()}
    if isinstance(body, str):
        return {"text": body.split("\n") if "\n" in body else body}
    return {"json": body}


def _document(value: dict[str, Any]) -> bytes:
    """Return JSON that begins with a line ``{`` and ends with a line ``}``."""
    return f"{_layout(value, 0, 0)}\n".encode()


def _layout(value: Any, indent: int, room: int) -> str:  # noqa: ANN401 - any JSON
    """Return JSON; what does not fit into `room` characters has a line for each of its parts."""
    line = json.dumps(value)
    if len(line) <= room or not value or not isinstance(value, dict | list):
        return line
    inner = indent + 2
    parts: Iterable[str]
    if isinstance(value, dict):
        names = [f"{json.dumps(name)}: " for name in value]
        parts = (
            name + _layout(one, inner, _WIDTH - inner - len(name) - 1)
            for name, one in zip(names, value.values(), strict=True)
        )
    else:
        parts = (_layout(one, inner, _WIDTH - inner - 1) for one in value)
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    between = ",\n" + " " * inner
    return f"{opening}\n{' ' * inner}{between.join(parts)}\n{' ' * indent}{closing}"


class _Reader:
    """Reads a file's text from one object to the next, and knows the line for what is wrong."""

    def __init__(self, path: str, data: bytes) -> None:
        self._path = path
        try:
            self._text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise self._error("is no text in UTF-8", line) from error
        self._at = 0
        self._line = 1

    def read(self) -> Recording:
        head = self._object() if self._more() else None
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise self._error(f'is no recording: it has no {{"format": "{FORMAT}"}} in front', 1)
        if head.get("version") != VERSION:
            raise self._error(
                f"is a recording of version {json.dumps(head.get('version'))}, and this version of "
                f"ionq-toolkit reads version {VERSION}: record it anew, or update ionq-toolkit",
                1,
            )
        exchanges: list[Exchange] = []
        while self._more():
            line = self._line
            try:
                value = self._object()
            except RecordingFileError:
                if _LAST_LINE.search(self._text, self._at):
                    raise
                return Recording(exchanges, line)
            try:
                exchanges.append(_exchange(value)._replace(line=line))
            except ValueError as error:
                what = f"is damaged: {error} (in the exchange that begins here)"
                raise self._error(what, line) from error
        return Recording(exchanges, None)

    def _more(self) -> bool:
        """Go on to what is no white space, and return whether there is any."""
        found = _NO_SPACE.search(self._text, self._at)
        self._go_to(len(self._text) if found is None else found.start())
        return found is not None

    def _object(self) -> Any:  # noqa: ANN401 - any JSON
        try:
            value, end = DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            raise self._error(f"is damaged: {error.msg}", error.lineno) from error
        except (ValueError, RecursionError) as error:
            what = f"is damaged: {error} (in what begins here)"
            raise self._error(what, self._line) from error
        self._go_to(end)
        return value

    def _go_to(self, position: int) -> None:
        self._line += self._text.count("\n", self._at, position)
        self._at = position

    def _error(self, what: str, line: int) -> RecordingFileError:
        return RecordingFileError(f"{self._path}, line {line}: the file {what}.", self._path, line)


_BODIES = ("json", "text", "base64")
_NO_SPACE = re.compile(r"\S")

#: The last line of an exchange: written in one piece, it is the last to arrive.
_LAST_LINE = re.compile(r"^}", re.MULTILINE)


def _exchange(value: Any) -> Exchange:  # noqa: ANN401 - any JSON
    fields = _object(value, "an exchange", {"request", "response", "error"})
    if sorted(fields) not in (["request", "response"], ["error", "request"]):
        raise ValueError("an exchange has a request, and either a response or an error")
    asked = _object(fields["request"], "a request", {"method", "url", *_BODIES})
    request = Request.of(_text(asked, "method"), _text(asked, "url"), encode(_body(asked)))
    if "error" in fields:
        name = _text(fields, "error")
        if name not in ERRORS:
            raise ValueError(f"the error {name!r} is none of {', '.join(ERRORS)}")
        return Exchange(request, error=ERRORS[name])
    replied = _object(fields["response"], "a response", {"status", "headers", *_BODIES})
    status, headers = replied.get("status"), replied.get("headers", {})
    if not isinstance(status, int) or isinstance(status, bool):
        raise ValueError("the status of a response is not a whole number")  # noqa: TRY004 - as below
    if not isinstance(headers, dict) or not all(isinstance(one, str) for one in headers.values()):
        raise ValueError("the headers of a response are not an object of strings")
    return Exchange(request, status, headers, _body(replied))


def _object(value: Any, what: str, fields: set[str]) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not an object")  # noqa: TRY004 - of the file's text
    unknown = sorted(set(value) - fields)
    if unknown:
        raise ValueError(f"{what} has no field {unknown[0]!r}, but {', '.join(sorted(fields))}")
    return value


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"the {name} is not a string")  # noqa: TRY004 - of the file's text
    return value


def _body(fields: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    given = [name for name in _BODIES if name in fields]
    if not given:
        return None
    if len(given) > 1:
        raise ValueError(f"there is one body, not {' and '.join(given)}")
    value = fields[given[0]]
    if given[0] == "json":
        if not isinstance(value, dict | list):
            raise ValueError("the json of a body is neither an object nor a list")
        return value
    if given[0] == "text" and isinstance(value, list) and all(isinstance(v, str) for v in value):
        value = "\n".join(value)
    if not isinstance(value, str):
        raise ValueError(f"the {given[0]} of a body is not a string")  # noqa: TRY004 - as above
    if given[0] == "base64":
        return base64.b64decode(value, validate=True)
    value.encode()  # a lone surrogate is a ValueError
    return value
