"""A transport that answers with what was recorded."""

from __future__ import annotations

import difflib
import itertools
import json
import math
import threading
from typing import TYPE_CHECKING, Any

from ionq_toolkit.transport.base import Response
from ionq_toolkit.transport.recording.exchange import Exchange, Request, encode
from ionq_toolkit.transport.recording.file import RecordingError, read
from ionq_toolkit.transport.recording.redaction import Masks, Scrubber, is_placeholder

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping

    from ionq_toolkit.clock import Clock


#: The methods that change nothing, so that one request more or fewer does not matter.
_SAFE = frozenset({"GET", "HEAD"})

#: How many differences are told, and how much of each value.
_MOST_DIFFERENCES, _EXCERPT_CHARS = 5, 60

#: How many differences are counted, to see which request is nearest.
_MOST_COUNTED = 1000

#: The lengths of what tells a job from others: UUIDs and the like. What is shorter, such as a
#: number, may be a word of anything else; what is longer describes the job.
_TAG_CHARS = range(16, 65)

_ABSENT = object()


class RecordingMissError(RecordingError):
    """A request was made that is not in the recording."""


def essentials(request: Request) -> Request:
    """Return what of a request tells which recorded one it is the same as.

    Of a job, names, metadata and the seed of the noise are left out: Qiskit numbers its circuits,
    and seeds are drawn.
    """
    body = request.body
    if not isinstance(body, dict):
        return request
    body = {name: value for name, value in body.items() if name not in {"name", "metadata"}}
    if isinstance(body.get("noise"), dict):
        body["noise"] = {k: v for k, v in body["noise"].items() if k != "seed"}
    program = body.get("input")
    if isinstance(program, dict) and isinstance(program.get("circuits"), list):
        circuits = [
            {k: v for k, v in one.items() if k != "name"} if isinstance(one, dict) else one
            for one in program["circuits"]
        ]
        body["input"] = {**program, "circuits": circuits}
    return request._replace(body=body)


class ReplayTransport:
    """Answers with what was recorded, in this process, in no time and without a key.

    ::

        provider = IonQProvider(transport=ReplayTransport("bell.json"))

    A request is answered if it was recorded: by method, path, query and body, whatever the
    host. What was recorded for the same request several times, such as the statuses of a job,
    comes in that order; the last reply to a GET comes again and again, and anything else once
    for each time that it was recorded. Of requests that are the same but for what `match` leaves
    out, such as names, one is answered as the one that is the same in that as well, if there is
    one. An error is raised as the same built-in one.

    Ids of people, projects and organisations are not in a recording. One in a request is taken
    for the first in the recording that it can be, and from then on for that one only.

    What a job carries in its metadata to be known by, such as a tag that is drawn, comes back as
    it was sent, not as it was recorded. The seed of its counts comes back as it was recorded, and
    so do the counts.

    It may be used from several threads.
    """

    requires_key = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        match: Callable[[Request], object] = essentials,
    ) -> None:
        """Read a recording.

        Args:
            path: The file.
            match: Returns, as plain data, what two requests have in common that are the same,
                such as ``lambda request: request[:2]`` for method and path. Ids of somebody
                are ``"*"`` in what it is given; those of others are taken as well if there is
                nothing else.

        Raises:
            FileNotFoundError: There is no such file.
            RecordingFileError: It is no recording, or damaged, or of another version.
        """
        self._path = path
        self._match = match
        self._lock = threading.Lock()
        recording = read(path)
        self._breaks_off_at = recording.breaks_off_at
        self._by_key: dict[str, list[_Sequence]] = {}
        for exchange in recording.exchanges:
            self._add(exchange)
        self._meaning: dict[str, str] = {}
        self._echo: dict[str, str] = {}
        #: What a client waits on: no wait takes any time.
        self.clock: Clock = _ReplayClock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._path)!r})"

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float | None,
    ) -> Response:
        """Answer one request; see `Transport.send`.

        Raises:
            RecordingMissError: It was not recorded; the message says what comes nearest to it.
        """
        sent = _Form(Request.of(method, url, body), self._match, headers)
        with self._lock:
            played = self._next(sent)
            echo = dict(self._echo)
        if played.error is None:
            body = _echoed(played.body, echo) if echo else played.body
            return Response(played.status, dict(played.headers), encode(body))
        if played.error is TimeoutError and timeout is not None and 0 <= timeout < math.inf:
            # So that a client that has a deadline finds it as near as it was.
            self.clock.sleep(timeout)
        raise played.error(f"as recorded in {self._path}, line {played.line}")

    def close(self) -> None:
        """Do nothing: the recording is read, and stays as far as it was played."""

    def _add(self, exchange: Exchange) -> None:
        form = _Form(exchange.request, self._match)
        same = self._by_key.setdefault(form.key, [])
        found = [one for one in same if (one.form.whole, one.form.ids) == (form.whole, form.ids)]
        if not found:
            found = [_Sequence(form)]
            same.extend(found)
        found[0].exchanges.append(exchange)

    def _next(self, sent: _Form) -> Exchange:
        same = self._by_key.get(sent.key, [])
        possible = [one for one in same if self._may_be(sent.ids, one.form.ids)]
        if not possible and self._match is not essentials:
            possible = same
        # Those that are the same in everything go first.
        for of in ([one for one in possible if one.form.whole == sent.whole], possible):
            left = [sequence for sequence in of if not sequence.at_end]
            if left:
                found = min(left, key=lambda sequence: sequence.next.line)
                break
            if of and sent.masked.method in _SAFE:
                found = max(of, key=lambda sequence: sequence.next.line)
                break
        else:
            raise RecordingMissError(self._missed(sent, possible))
        if self._may_be(sent.ids, found.form.ids):
            pairs = zip(sent.ids, found.form.ids, strict=True)
            self._meaning.update((ours, theirs) for ours, theirs in pairs if ours != theirs)
        exchange = found.play()
        for was, is_now in _echo(sent.request, exchange.request):
            # What stood for one thing and now stands for another is left as it was recorded.
            self._echo[was] = is_now if self._echo.get(was, is_now) == is_now else was
        return exchange

    def _may_be(self, sent: list[str], recorded: list[str]) -> bool:
        """Return whether the ids of a request can stand for those of a recorded one."""
        if len(sent) != len(recorded):
            return False
        taken = {theirs: ours for ours, theirs in self._meaning.items()}
        for ours, theirs in zip(sent, recorded, strict=True):
            if ours == theirs:
                continue
            if is_placeholder(ours):  # it came with a reply, and is somebody else's
                return False
            if self._meaning.get(ours, theirs) != theirs or taken.get(theirs, ours) != ours:
                return False
        return True

    def _missed(self, sent: _Form, possible: list[_Sequence]) -> str:
        request = sent.masked
        if possible:
            lines = ", ".join(str(one.line) for sequence in possible for one in sequence.exchanges)
            return (
                f"{request} was played as often as it is in {self._path} (line {lines}). It may "
                "change something, so that it is not answered again unless that was recorded."
            )
        message = f"{request} is not in the recording {self._path}"
        sequences = [sequence for same in self._by_key.values() for sequence in same]
        if not sequences:
            return f"{message}, which is empty."
        near = min(sequences, key=lambda sequence: _distance(sequence.form, sent))
        differences = list(_differences(near.form.matched, sent.matched, ""))
        more = len(differences) - _MOST_DIFFERENCES
        told = "; ".join(differences[:_MOST_DIFFERENCES]) or "it is about somebody else"
        message += f". Nearest to it is {near.form.masked} in line {near.exchanges[0].line}: {told}"
        message += f"; and {more} more." if more > 0 else "."
        if self._breaks_off_at is not None:
            message += f" The recording breaks off in line {self._breaks_off_at}."
        return (
            f"{message} If the request is meant, delete the file and record anew; if this need not "
            "be the same, say so with match=."
        )


class _Form:
    """A request in the forms in which it is compared."""

    def __init__(
        self,
        request: Request,
        match: Callable[[Request], object],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        masks = Masks()
        scrubber = Scrubber(masks)
        scrubber.learn_key(headers or {})
        self.request = request
        #: Without ids of somebody.
        self.masked = scrubber.request(request._replace(body=_plain(request.body)))
        #: The ids of somebody in it.
        self.ids = masks.found
        #: What is compared of it.
        self.matched = match(self.masked)
        self.key = _canonical(self.matched)
        self.whole = _canonical(self.masked)


class _Sequence:
    """What was recorded for one request, in order, and how far it was played."""

    def __init__(self, form: _Form) -> None:
        self.form = form
        self.exchanges: list[Exchange] = []
        self._played = 0

    @property
    def at_end(self) -> bool:
        """Whether all of it was played."""
        return self._played == len(self.exchanges)

    @property
    def next(self) -> Exchange:
        """What is played next: at the end, the last once more."""
        return self.exchanges[min(self._played, len(self.exchanges) - 1)]

    def play(self) -> Exchange:
        """Return what is next, and go on."""
        exchange = self.next
        self._played += not self.at_end
        return exchange


class _ReplayClock:
    """A clock on which waiting takes no time."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        """Return the seconds that were slept so far."""
        with self._lock:
            return self._elapsed_s

    def sleep(self, seconds: float) -> None:
        """Let `seconds` have passed."""
        if not 0 <= seconds < math.inf:  # NaN is not either
            raise ValueError(f"cannot sleep for {seconds} s")
        with self._lock:
            self._elapsed_s += seconds


def _echo(sent: Request, recorded: Request) -> Iterator[tuple[str, str]]:
    """Yield what a job carries to be known by, as it was recorded and as it was sent."""
    ours, theirs = (
        one.body.get("metadata") if isinstance(one.body, dict) else None for one in (sent, recorded)
    )
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in ours.keys() & theirs.keys():
            was, is_now = theirs[name], ours[name]
            if isinstance(was, str) and isinstance(is_now, str) and len(was) in _TAG_CHARS:
                yield was, is_now


def _echoed(value: Any, echo: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {name: _echoed(one, echo) for name, one in value.items()}
    if isinstance(value, list):
        return [_echoed(one, echo) for one in value]
    return echo.get(value, value) if isinstance(value, str) else value


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON in one form for all that is the same: 1.0 as 1, fields by name."""
    if isinstance(value, dict):
        return {name: _plain(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _distance(recorded: _Form, sent: _Form) -> tuple[float, int]:
    """Return how far a recorded request is from one that was sent."""
    paths = (recorded.masked.path, sent.masked.path)
    alike = difflib.SequenceMatcher(None, *paths, autojunk=False).ratio()
    differences = _differences(recorded.matched, sent.matched, "")
    return -alike, sum(1 for _ in itertools.islice(differences, _MOST_COUNTED))


def _differences(recorded: object, sent: object, where: str) -> Iterator[str]:
    """Yield in what two values differ, part by part."""
    if isinstance(recorded, Request) and isinstance(sent, Request):
        recorded, sent = (
            {**request._asdict(), "query": _by_name(request.query)} for request in (recorded, sent)
        )
    if isinstance(recorded, dict) and isinstance(sent, dict):
        for name in sorted({*recorded, *sent}, key=str):
            below = f"{where}.{name}" if where else str(name)
            yield from _differences(recorded.get(name, _ABSENT), sent.get(name, _ABSENT), below)
    elif isinstance(recorded, list | tuple) and isinstance(sent, list | tuple):
        for index in range(max(len(recorded), len(sent))):
            ours, theirs = (one[index] if index < len(one) else _ABSENT for one in (recorded, sent))
            yield from _differences(ours, theirs, f"{where}[{index}]")
    elif sent is _ABSENT:
        yield f"{where} was recorded as {_brief(recorded)} and is not sent"
    elif recorded is _ABSENT:
        yield f"{where} was not recorded and is {_brief(sent)}"
    elif _canonical(recorded) != _canonical(sent):
        yield f"{where} was recorded as {_brief(recorded)} and is {_brief(sent)}"


def _by_name(query: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in query:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _brief(value: object) -> str:
    text = _canonical(value)
    return text if len(text) <= _EXCERPT_CHARS else f"{text[:_EXCERPT_CHARS]}..."
