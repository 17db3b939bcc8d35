"""A transport that answers from a recording."""

from __future__ import annotations

import difflib
import itertools
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ionq_toolkit.forks import ForkLock, cached_property
from ionq_toolkit.transport.base import Response, Transport
from ionq_toolkit.transport.recording.exchange import Exchange, Request, encode
from ionq_toolkit.transport.recording.file import RecordingError, read
from ionq_toolkit.transport.recording.redaction import SECRET, Scrubber, is_placeholder

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping

    from ionq_toolkit.transport.base import Headers

#: Methods that change nothing, so the number of requests need not match.
_SAFE = frozenset({"GET", "HEAD"})

#: Limits of the difference that a miss shows: its lines, their length, and the lines compared.
_SHOWN_LINES, _SHOWN_CHARS, _COMPARED_LINES = 20, 100, 400

#: The lengths of texts that identify a job, such as UUIDs. A shorter text, such as a number, may
#: be part of anything; a longer one describes the job.
_TAG_CHARS = range(16, 65)


class RecordingMissError(RecordingError):
    """A request is not in the recording."""


def essentials(request: Request) -> Request:
    """Return the parts of a request that must match a recorded request.

    Names, metadata and the seed of the noise of a job are left out: Qiskit numbers its circuits,
    and seeds are random.
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


class ReplayTransport(Transport):
    """Answers with the recorded responses, in this process, in no time and without a key.

    ::

        with RecordingTransport(InProcessTransport(cloud), "bell.jsonl") as recorder:
            IonQProvider(transport=recorder).get_backend("simulator").run(circuit).get_counts()
        provider = IonQProvider(transport=ReplayTransport("bell.jsonl"))
        provider.get_backend("simulator").run(circuit).get_counts()  # -> {'00': ..., '11': ...}

    A request matches a recorded one by method, path, query and body, whatever the host. Several
    responses to the same request, such as the statuses of a job, come in the recorded order; the
    last response to a GET repeats, any other comes as often as it was recorded. If several
    recorded requests match and one of them is also equal in the parts that `match` leaves out,
    such as names, that one is used. An error is raised as the same built-in error.

    A recording contains no ids of people, projects and organizations. An id in a request stands
    for the first in the recording that it can be, and from then on for that one only.

    Metadata by which a job is known, such as its random tag, comes back as it was sent. The seed
    of its counts comes back as it was recorded, and so do the counts.

    Several threads may use it.
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
            match: Returns, as plain data, the parts of a request that must match, such as
                ``lambda request: request[:2]`` for method and path. It sees ``"*"`` instead of
                ids of people, projects and organizations; with a function of your own, other
                ids match if no recorded request has the same.

        Raises:
            FileNotFoundError: The file does not exist.
            RecordingFileError: The file is not a recording, is damaged, or has another version.
        """
        self._path = path
        self._match = match
        self._lock = ForkLock()
        exchanges, self._breaks_off_at = read(path)
        self._by_key: dict[str, list[_Sequence]] = {}
        for exchange in exchanges:
            self._add(exchange)
        self._meaning: dict[str, str] = {}
        self._echo: dict[str, str] = {}
        self.clock: _ReplayClock = _ReplayClock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._path)!r})"

    def send(
        self, method: str, url: str, headers: Headers, body: bytes | None, timeout: float | None
    ) -> Response:
        """Answer one request; see `Transport.send`."""
        sent = _Form(Request.of(method, url, body), self._match, headers)
        with self._lock:
            played = self._next(sent)
            echo = dict(self._echo)
        if played.error is None:
            body = _echoed(played.body, echo) if echo else played.body
            return Response(played.status, dict(played.headers), encode(body))
        if played.error is TimeoutError and timeout is not None and 0 <= timeout < math.inf:
            # The client's deadline comes nearer, as it did when the timeout was recorded.
            self.clock.sleep(timeout)
        raise played.error(f"as recorded in {self._path}, line {played.line}")

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
        # Those that are equal in everything go first.
        for of in ([one for one in possible if one.form.whole == sent.whole], possible):
            left = [sequence for sequence in of if sequence.played < len(sequence.exchanges)]
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
        exchange = found.next
        found.played += 1
        for was, is_now in _echo(sent.request, exchange.request):
            # A text that stands for two different ones stays as it was recorded.
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
            if is_placeholder(ours):  # a replayed response contained it: it is another id
                return False
            if self._meaning.get(ours, theirs) != theirs or taken.get(theirs, ours) != ours:
                return False
        return True

    def _missed(self, sent: _Form, possible: list[_Sequence]) -> str:
        if possible:
            lines = ", ".join(str(one.line) for sequence in possible for one in sequence.exchanges)
            return (
                f"{sent.masked} was replayed as often as it is in {self._path} (line {lines}). It "
                "may change something, so it is not answered again unless that was recorded."
            )
        message = f"{sent.masked} is not in the recording {self._path}"
        recorded = [sequence for same in self._by_key.values() for sequence in same]
        if recorded:
            near = min(recorded, key=lambda sequence: _distance(sequence.form, sent))
            message += f". The nearest request is {near.form.masked} in line {near.next.line}:\n"
            message += _difference(near.form, sent) + "\n"
        else:
            message += ", which is empty. "
        if self._breaks_off_at is not None:
            message += f"The recording breaks off in line {self._breaks_off_at}. "
        return (
            f"{message}If the request is intended, delete the file and record anew; to ignore a "
            "difference, pass match=."
        )


class _Form:
    """A request in the forms in which it is compared."""

    def __init__(
        self, request: Request, match: Callable[[Request], object], headers: Headers | None = None
    ) -> None:
        #: The ids of people, projects and organizations in the request.
        self.ids: list[str] = []
        scrubber = Scrubber(self._mask)
        scrubber.learn_key(headers or {})
        self.request = request
        #: The request without those ids.
        self.masked = scrubber.request(request._replace(body=_plain(request.body)))
        #: The parts that must match.
        self.matched = match(self.masked)
        self.key = _canonical(self.matched)
        self.whole = _canonical(self.masked)

    def _mask(self, kind: str, value: str) -> str:
        if kind != SECRET:
            self.ids.append(value)
        return "*"

    @cached_property
    def lines(self) -> list[str]:
        """The parts that must match, as lines of JSON to be compared and shown."""
        value = self.matched._asdict() if isinstance(self.matched, Request) else self.matched
        return json.dumps(value, indent=1, sort_keys=True, default=repr).splitlines()


@dataclass
class _Sequence:
    """The exchanges recorded for one request, in order, and how many of them were replayed."""

    form: _Form
    exchanges: list[Exchange] = field(default_factory=list)
    played: int = 0

    @property
    def next(self) -> Exchange:
        """The next exchange: after the end, the last again."""
        return self.exchanges[min(self.played, len(self.exchanges) - 1)]


class _ReplayClock:
    """A clock on which waiting takes no time."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._lock = ForkLock()

    def monotonic(self) -> float:
        """Return the sum of all sleeps, in seconds."""
        with self._lock:
            return self._elapsed_s

    def sleep(self, seconds: float) -> None:
        """Advance this clock by `seconds`."""
        if not 0 <= seconds < math.inf:  # NaN is not either
            raise ValueError(f"cannot sleep for {seconds} s")
        with self._lock:
            self._elapsed_s += seconds


def _echo(sent: Request, recorded: Request) -> Iterator[tuple[str, str]]:
    """Yield the texts in metadata by which a job is known, as recorded and as sent."""
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
    """Return JSON with one form for equal values: 1.0 as 1, fields sorted by name."""
    if isinstance(value, dict):
        return {name: _plain(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _distance(recorded: _Form, sent: _Form) -> tuple[float, float]:
    paths = difflib.SequenceMatcher(None, recorded.masked.path, sent.masked.path, autojunk=False)
    lines = difflib.SequenceMatcher(None, recorded.lines, sent.lines)
    return -paths.ratio(), -lines.quick_ratio()


def _difference(recorded: _Form, sent: _Form) -> str:
    """Return the first lines in which two requests differ."""
    was, sends = recorded.lines, sent.lines
    pairs = enumerate(itertools.zip_longest(was, sends))
    first = next((index for index, (ours, theirs) in pairs if ours != theirs), None)
    if first is None:
        return "it names another user, project, organization or key."
    part = slice(max(0, first - 1), first + _COMPARED_LINES)
    lines = difflib.unified_diff(was[part], sends[part], "recorded", "sent", n=1, lineterm="")
    shown = [line[:_SHOWN_CHARS] for line in lines if not line.startswith("@@")]
    return "\n".join(shown[:_SHOWN_LINES] + ["..."] * (len(shown) > _SHOWN_LINES))
