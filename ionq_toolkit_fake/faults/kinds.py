"""The kinds of faults: a constructor and a row of `KINDS` for each."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ionq_toolkit_fake.faults import effects, statuses
from ionq_toolkit_fake.validation import number, unknown, whole, wrong

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from ionq_toolkit_fake.faults.exchange import Exchange

_LARGEST_STATUS = 599

#: Statuses of responses without a body.
_BODILESS = frozenset({204, 205, 304})

#: The ways to lose a response, beside an error of a gateway.
_WAYS_TO_LOSE = (None, "reset", "timeout")


@dataclass(frozen=True)
class Fault:
    """A fault; made by `faults.http(429)` and the like.

    Attributes:
        kind: Its name in `KINDS`.
        parameters: The parameters that it was made with.
    """

    kind: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.parameters.items())
        return f"faults.{self.kind}({given})"

    def act(self, exchange: Exchange, chance: random.Random) -> Exchange:
        """Return the exchange with the fault, which draws from the random stream `chance`."""
        changed = KINDS[self.kind].act(exchange, chance, **self.parameters)
        return changed._replace(faults=(*exchange.faults, self.kind))


class Kind(NamedTuple):
    """One kind of fault.

    ::

        faults.KINDS["timeout"].summary  # -> 'The client never gets a byte.'

    Attributes:
        make: Makes a fault of it; checks its parameters.
        act: Its effect on an exchange; see `ionq_toolkit_fake.faults.effects`.
        example: An example.
        after_effect: Whether the request takes effect nevertheless; None: a rule decides, and by
            default it does not.
        methods: The HTTP methods that it can happen to; empty: all.
        in_process: The observation of a client in the same process.
        on_socket: The observation of a client on a socket.
    """

    make: Callable[..., Fault]
    act: Callable[..., Exchange]
    example: str
    after_effect: bool | None = None
    methods: tuple[str, ...] = ()
    in_process: str = "the response"
    on_socket: str = "the response"

    @property
    def summary(self) -> str:
        """The first line of its description."""
        return (inspect.getdoc(self.make) or "").partition("\n")[0]


def http(status: int, retry_after: float | str | None = None) -> Fault:
    """The service, or a gateway in front of it, responds with an error.

    ::

        cloud.faults.add(faults.http(429, retry_after=3), on="POST /jobs", times=2)
        backend.run(circuit)  # the client waits, and submits again
        cloud.assert_requested("POST /jobs", status=429, times=2)

    Args:
        status: From 400 to 529. Below 520 the body is IonQ's JSON, above a page of Cloudflare;
            `STATUSES` has the messages of those that are known to come.
        retry_after: Seconds for a header ``Retry-After``; a string is sent as it is.

    Raises:
        ValueError: The status is unknown, or not valid in a header.
    """
    return _fault("http", status=_status(status), retry_after=_retry_after(retry_after))


def latency(seconds: float, jitter: float = 0.0) -> Fault:
    """The request takes effect at once, and the response is late.

    The delay passes on the cloud's clock. A client in the same process whose timeout is not longer
    gets a `TimeoutError` after its timeout.

    ::

        cloud.faults.add(faults.latency(120), on="GET *")
        try:
            provider.job(job.job_id(), timeout=60)
        except IonQConnectionError as error:
            print(error)

    Args:
        seconds: The delay.
        jitter: The largest deviation from it in seconds, evenly distributed.

    Raises:
        ValueError: The delay is zero or infinite, or the jitter is larger.
    """
    number("seconds", seconds, above=0)
    number("jitter", jitter, least=0, most=seconds)
    return _fault("latency", seconds=seconds, jitter=jitter or None)


def timeout() -> Fault:
    """The client never gets a byte.

    ::

        cloud.faults.add(faults.timeout(), on="GET /jobs/<job_id>", times=1)
        provider.job(job.job_id())  # the client asks again
    """
    return _fault("timeout")


def refused() -> Fault:
    """The connection is refused, and the request is not sent.

    ::

        cloud.faults.add(faults.refused(), times=1)
        backend.run(circuit)  # nothing was sent, so that the client submits again
    """
    return _fault("refused")


def reset() -> Fault:
    """The connection is reset after the request.

    ::

        cloud.faults.add(faults.reset(), on="POST /jobs", times=1)
        try:
            backend.run(circuit)
        except IonQSubmissionUnknownError as error:
            error.tag  # -> '...'
    """
    return _fault("reset")


def lost_answer(how: str | None = None, *, status: int | None = None) -> Fault:
    """The request takes effect, and its response is lost.

    ::

        cloud.faults.add(faults.lost_answer(), on="POST /jobs", times=1)
        found = backend.run(circuit)  # the client finds the job by its tag
        len(cloud.jobs)  # -> 2

    Args:
        how: "reset" (the default) or "timeout".
        status: The status of a gateway that responds instead, such as 504; as of `http`.

    Raises:
        ValueError: Both are given, or one of them is unknown.
    """
    if how is not None and status is not None:
        raise ValueError("an answer is lost in one way: give how=... or status=..., not both")
    if status is not None:
        return _fault("lost_answer", status=_status(status))
    if how not in _WAYS_TO_LOSE:
        raise unknown("way to lose an answer", how, _WAYS_TO_LOSE[1:])
    return _fault("lost_answer", how=how)


def truncated(bytes: int | None = None) -> Fault:  # noqa: A002 - what it is called everywhere
    """The connection is closed before the body is complete.

    ::

        cloud.faults.add(faults.truncated(bytes=10), on="GET /backends", times=1)
        backend.status()  # -> True

    Args:
        bytes: The number of bytes that arrive, at least one fewer than all; by default, half.

    Raises:
        ValueError: It is not a number of bytes.
    """
    return _fault("truncated", bytes=bytes if bytes is None else whole("bytes", bytes, 0))


def dribble(bytes: int = 64, seconds: float = 0.1) -> Fault:  # noqa: A002 - as above
    """The body arrives in pieces, with pauses between them.

    The timeout of most clients is for each part of the response, so that only a pause exceeds it.

    ::

        cloud.faults.add(faults.dribble(bytes=100, seconds=1), on="GET /backends")
        backend.status()  # -> True

    Args:
        bytes: The size of a piece.
        seconds: The length of each pause, on the cloud's clock.

    Raises:
        ValueError: A piece has no bytes, or a pause is negative or infinite.
    """
    return _fault(
        "dribble", bytes=whole("bytes", bytes, 1), seconds=number("seconds", seconds, least=0)
    )


def malformed() -> Fault:
    """The body is JSON that ends in the middle; its Content-Length matches.

    ::

        cloud.faults.add(faults.malformed(), on="GET /backends")
        try:
            backend.status()
        except IonQResponseError as error:
            print(error)
    """
    return _fault("malformed")


def empty() -> Fault:
    """The body is empty; status and headers are correct.

    ::

        cloud.faults.add(faults.empty(), on="GET /backends")
        try:
            backend.status()
        except IonQResponseError as error:
            error.status_code  # -> 200
    """
    return _fault("empty")


def html(status: int = 200) -> Fault:
    """A network in between responds with a page of its own, as a login page.

    ::

        cloud.faults.add(faults.html(), on="GET /backends")
        try:
            backend.status()
        except IonQResponseError as error:
            print(error)

    Args:
        status: Its HTTP status.

    Raises:
        ValueError: The status is unknown, or has no body.
    """
    if whole("status", status, 200, _LARGEST_STATUS) in _BODILESS:
        raise ValueError(f"a reply with status {status} has no body, and so no page")
    return _fault("html", status=status)


def content_type(value: str = "text/plain") -> Fault:
    """The response is correct except for its content type.

    ::

        cloud.faults.add(faults.content_type("text/plain"), on="GET /backends")
        backend.status()  # -> True

    Args:
        value: The content type.

    Raises:
        ValueError: The value is not valid in a header.
    """
    return _fault("content_type", value=_header("value", value))


def stale(by: int = 1) -> Fault:
    """A read gets an earlier response, as from a replica that lags behind.

    ::

        cloud.faults.add(faults.stale(by=2), on="GET /jobs", times=1)
        provider.jobs()  # -> []

    Args:
        by: The number of states that it lags behind: 1 is the last response to the same read, 2 the
            one before it. Before the oldest known state, the project has no jobs and sessions.

    Raises:
        ValueError: It is not a positive number.
    """
    return _fault("stale", by=whole("by", by, 1))


def duplicated() -> Fault:
    """The request arrives twice and takes effect twice; the client gets one response.

    ::

        cloud.faults.add(faults.duplicated(), on="POST /jobs", times=1)
        backend.run(circuit)
        len(cloud.jobs)  # -> 3
    """
    return _fault("duplicated")


def make(kind: str, parameters: Mapping[str, Any]) -> Fault:
    """Return a fault of a kind by its name.

    Raises:
        ValueError: The kind or one of the parameters is unknown.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise unknown("fault", kind, KINDS)
    constructor = KINDS[kind].make
    try:
        inspect.signature(constructor).bind(**parameters)
    except TypeError as error:
        raise ValueError(f"faults.{kind}: {error}") from error
    return constructor(**parameters)


def _fault(kind: str, **parameters: Any) -> Fault:  # noqa: ANN401 - any plain data
    return Fault(kind, {name: value for name, value in parameters.items() if value is not None})


def _status(status: int) -> int:
    return whole("status", status, statuses.FIRST, statuses.LAST)


def _retry_after(value: float | str | None) -> float | str | None:
    if isinstance(value, str):
        return _header("retry_after", value)
    return value if value is None else number("retry_after", value, least=0)


def _header(name: str, value: object) -> str:
    if not (isinstance(value, str) and value.isascii() and value.isprintable() and value.strip()):
        raise wrong(name, "printable ASCII, to be sent in a header", value)
    return value.strip()


#: Every kind of fault.
KINDS: Mapping[str, Kind] = {
    "http": Kind(http, effects.http, "faults.http(429, retry_after=3)"),
    "latency": Kind(
        latency,
        effects.latency,
        "faults.latency(2, jitter=0.5)",
        after_effect=True,
        in_process="the cloud's clock moves; TimeoutError if that is beyond the client's timeout",
        on_socket="the time passes on the cloud's clock before the first byte: really, if that is "
        "real",
    ),
    "timeout": Kind(
        timeout,
        effects.timeout,
        "faults.timeout()",
        in_process="the clock moves by the client's timeout; TimeoutError",
        on_socket="silence until the client gives up",
    ),
    "refused": Kind(
        refused,
        effects.refused,
        "faults.refused()",
        after_effect=False,
        in_process="ConnectionRefusedError",
        on_socket="a reset, since the connection of the request exists already; "
        "`FakeServer.down()` refuses connections",
    ),
    "reset": Kind(
        reset,
        effects.reset,
        "faults.reset()",
        in_process="ConnectionResetError",
        on_socket="RST",
    ),
    "lost_answer": Kind(
        lost_answer,
        effects.lost_answer,
        "faults.lost_answer()",
        after_effect=True,
        in_process="ConnectionResetError, TimeoutError, or the response of a gateway",
        on_socket="RST, silence, or the response of a gateway",
    ),
    "truncated": Kind(
        truncated,
        effects.truncated,
        "faults.truncated(bytes=10)",
        after_effect=True,
        in_process="ConnectionError, whose cause is http.client.IncompleteRead",
        on_socket="fewer bytes than Content-Length, and the end of the connection",
    ),
    "dribble": Kind(
        dribble,
        effects.dribble,
        "faults.dribble(bytes=64, seconds=0.1)",
        after_effect=True,
        in_process="the clock moves; TimeoutError if a pause is beyond the client's timeout",
        on_socket="the pieces, the pauses on the cloud's clock",
    ),
    "malformed": Kind(malformed, effects.malformed, "faults.malformed()", after_effect=True),
    "empty": Kind(empty, effects.empty, "faults.empty()", after_effect=True),
    "html": Kind(html, effects.html, "faults.html()"),
    "content_type": Kind(
        content_type, effects.content_type, 'faults.content_type("text/plain")', after_effect=True
    ),
    "stale": Kind(stale, effects.none, "faults.stale()", after_effect=True, methods=("GET",)),
    "duplicated": Kind(
        duplicated,
        effects.none,
        "faults.duplicated()",
        after_effect=True,
        methods=("POST", "PUT", "DELETE"),
    ),
}
