"""Transitions: when jobs go on from each status to the next, and their end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.facts.failures import FAILURES, JobFailure
from ionq_toolkit_fake.transitions.lifecycle import (
    FINAL,
    IMMEDIATELY,
    LIFECYCLE,
    NEVER,
    POLLS,
    PREDICTED,
    SECONDS,
    End,
    Step,
)
from ionq_toolkit_fake.validation import number, only, unknown, whole, wrong

if TYPE_CHECKING:
    from ionq_toolkit_fake.facts.failures import FailureWord
    from ionq_toolkit_fake.transitions.lifecycle import OpenStatus

#: The most seconds a step can wait for: thirty years.
MOST_SECONDS = 10**9

#: The steps of a job's life, each by the status that it leads to.
STEPS = ("ready", "started", "finished")

#: The steps that are said by a word.
_WORDS = (IMMEDIATELY, PREDICTED, NEVER)

#: The longest status, and the similarity to one of IonQ's that is taken for a typing error.
_LONGEST_WORD, _NEAR = 40, 0.8


def after(*, polls: int | None = None, seconds: float | None = None, jitter: float = 0.0) -> Step:
    """Return a step that is taken after so many polls, or so many seconds.

    ::

        in_queue = Transitions(started=after(seconds=3600, jitter=600))
        backend = ionq_toolkit_fake.backend("forte-1", transitions=in_queue)
        backend.run(circuit).status().name  # -> 'QUEUED'

    Args:
        polls: How many times a job is asked for by itself, and shows the status that it goes on
            from; 0 is immediately.
        seconds: How long it stays in that status, on the cloud's clock.
        jitter: By how many seconds that is shorter or longer at most, evenly distributed; sampled
            for each job when it is submitted, so that what is predicted for it holds.

    Raises:
        ValueError: Neither or both are given, it is no such number, or there is jitter of polls or
            more of it than seconds.
    """
    if (polls is None) == (seconds is None):
        raise ValueError("after(polls=...) or after(seconds=...), one of them")
    if polls is not None:
        whole("polls", polls, 0)
        if jitter:
            raise ValueError("jitter is of seconds, not of polls: after(seconds=60, jitter=20)")
        return Step(POLLS, polls) if polls else Step(IMMEDIATELY)
    length = number("seconds", seconds, least=0, most=MOST_SECONDS)
    return Step(SECONDS, length, number("jitter", jitter, least=0, most=length))


def failed(code: FailureWord, message: str | None = None, *, at: OpenStatus | None = None) -> End:
    """Return the end of a job that fails.

    ::

        cloud.transitions.set(Transitions(end=failed("SystemCancel")))
        backend.run(circuit).errored()  # -> True

    Args:
        code: One of IonQ's failure codes: `FAILURES`.
        message: Its message; None: that of `FAILURES`.
        at: The status that it fails from, `submitted`, `ready` or `started`; None: that of the
            code in `FAILURES`.

    Raises:
        ValueError: There is no such code, or no such status.
    """
    if not isinstance(code, str) or code not in FAILURES:
        raise unknown("failure code", code, FAILURES)
    known = FAILURES[code]
    if message is not None and not isinstance(message, str):
        raise wrong("message", "a text", message)
    failure = JobFailure(code, known.message if message is None else message)
    return End("failed", failure, _status_at(known.at if at is None else at))


def canceled(*, at: OpenStatus = "started") -> End:
    """Return the end of a job that the system cancels.

    ::

        cloud.transitions.set(Transitions(end=canceled(at="ready")))
        backend.run(circuit).cancelled()  # -> True

    Args:
        at: The status that it is canceled from: `submitted`, `ready` or `started`.

    Raises:
        ValueError: There is no such status.
    """
    return End("canceled", at=_status_at(at))


@dataclass(frozen=True, kw_only=True)
class Transitions:
    """When a job goes on, and its end. A field that is None is as for all other jobs.

    A job is submitted, becomes ready, is started and finished. Each of these steps is taken
    `"immediately"` (when the job is next asked for), `after` so many polls or seconds, `"never"`
    or, the last two, as `"predicted"`: after the time that the record of a job on a QPU
    predicts; then jobs wait for each other. A dry run waits for no QPU: of the last two it
    waits for the polls alone.

    ::

        Transitions(ready=after(polls=2), started=after(seconds=3600), end=failed("SystemCancel"))

    Attributes:
        ready: When it becomes ready: it is checked and compiled.
        started: When it is started: it was in the queue until then.
        finished: When it comes to its end.
        end: Its end: `"completed"`, `failed(code)`, `canceled()`, or any other word,
            which it shows from then on.
        steps: The steps that are given, by their names.
        planned_end: The end; `completed` where no end is given.
    """

    ready: Step | str | None = None
    started: Step | str | None = None
    finished: Step | str | None = None
    end: End | str | None = None
    steps: Mapping[str, Step] = field(init=False, repr=False, compare=False)
    planned_end: End = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        steps = {name: _step(name, getattr(self, name)) for name in STEPS}
        end = None if self.end is None else end_of(self.end)
        given = {name: step for name, step in steps.items() if step is not None}
        computed = {**steps, "end": end, "steps": given, "planned_end": end or End()}
        for name, value in computed.items():
            object.__setattr__(self, name, value)

    def check(self) -> None:
        """Refuse an end that never comes."""
        if self.end is None:
            return
        for name in STEPS[: self.planned_end.place]:
            if self.steps.get(name) == Step(NEVER):
                status = self.planned_end.status
                raise ValueError(f"a job that is never {name} never comes to its end, {status!r}")

    @classmethod
    def polls(cls, count: int, *, end: End | str | None = None) -> Transitions:
        """Return transitions in which a job shows each status for so many polls.

        ::

            cloud = FakeIonQ(transitions=Transitions.polls(2))

        Args:
            count: The polls before each step; 0 is immediately.
            end: The end of the job; None: as for all other jobs.

        Raises:
            ValueError: The count is not a whole number, or is negative.
        """
        step = after(polls=count)
        return cls(ready=step, started=step, finished=step, end=end)

    @classmethod
    def of(cls, given: Transitions | Mapping[str, Any] | str | None) -> Transitions:
        """Return the transitions that a word, plain data or None stand for.

        ::

            Transitions.of("predicted").started.kind  # -> 'predicted'

        Args:
            given: `"immediately"`, `"predicted"`, or data as `from_dict` reads it.

        Raises:
            ValueError: It is another word, or not such data.
        """
        if given is None or isinstance(given, Transitions):
            return given or cls()
        if isinstance(given, Mapping):
            return cls.from_dict(given)
        if given == IMMEDIATELY:
            return cls(ready=given, started=given, finished=given)
        if given == PREDICTED:
            return cls(ready=IMMEDIATELY, started=given, finished=given)
        raise unknown("pace", given, (IMMEDIATELY, PREDICTED))

    def over(self, others: Transitions) -> Transitions:
        """Return these transitions and, where they say nothing, those of the others."""
        mine = {name: getattr(self, name) for name in (*STEPS, "end")}
        return replace(others, **{name: value for name, value in mine.items() if value is not None})

    def as_dict(self) -> dict[str, Any]:
        """Return them as plain data, which `from_dict` reads."""
        body: dict[str, Any] = {name: _step_as_data(step) for name, step in self.steps.items()}
        if isinstance(self.end, End):
            body["end"] = _end_as_data(self.end)
        return body

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Transitions:
        """Read plain data, as TOML and JSON have it.

        A step is a word or ``{"polls": 2}`` or ``{"seconds": 3600, "jitter": 600}``; the end is a
        status or ``{"status": "failed", "code": "SystemCancel", "message": "...", "at": "ready"}``.

        ::

            Transitions.from_dict({"started": {"seconds": 3600}, "end": "canceled"})

        Raises:
            ValueError: That is no such data.
        """
        only(data, (*STEPS, "end"), "transition")
        steps = {name: _step_of_data(name, data[name]) for name in STEPS if name in data}
        return cls(**steps, end=end_from_data(data["end"]) if "end" in data else None)


def end_from_data(data: object) -> End:
    """Read the end of a job: a status, or an object with `status` and what belongs to it."""
    if isinstance(data, str):
        return end_of(data)
    if not isinstance(data, Mapping):
        raise wrong("end", "a status, or an object with one", data)
    only(data, ("status", "code", "message", "at"), "part of an end")
    fields = {"status": "failed" if "code" in data else None, **data}
    status = fields.pop("status")
    if status == "failed":
        if "code" not in fields:
            raise ValueError("a job that fails has a code: {status = 'failed', code = '...'}")
        return failed(**fields)
    if {"code", "message"} & set(fields):
        raise ValueError("only a job that fails has a code and a message")
    return _word(status, **fields)


def end_of(given: End | str) -> End:
    """Return the end that a status stands for."""
    if isinstance(given, End):
        return given
    if given == "failed":
        raise ValueError("a job that fails has a code: failed('InternalError')")
    return _word(given)


def _step(name: str, given: Step | str | None) -> Step | None:
    if given is None or isinstance(given, Step):
        step = given
    elif isinstance(given, str):
        if given not in _WORDS:
            raise unknown(f"step of {name}", given, _WORDS)
        step = Step(given)
    else:
        raise wrong(name, f"one of {', '.join(_WORDS)}, or after(...)", given)
    if name == STEPS[0] and step == Step(PREDICTED):
        raise ValueError("nothing predicts when a job is ready: say after(seconds=...)")
    return step


def _step_of_data(name: str, data: object) -> Step | None:
    if isinstance(data, str):
        return _step(name, data)
    if not isinstance(data, Mapping):
        raise wrong(name, f"one of {', '.join(_WORDS)}, or an object with polls or seconds", data)
    only(data, (POLLS, SECONDS, "jitter"), "part of a step")
    return after(**data)


def _step_as_data(step: Step) -> dict[str, float] | str:
    if step.kind not in {POLLS, SECONDS}:
        return step.kind
    return {step.kind: step.amount, **({"jitter": step.jitter} if step.jitter else {})}


def _word(status: object, at: str = "started") -> End:
    """Return an end by its status."""
    if not isinstance(status, str) or not 0 < len(status) <= _LONGEST_WORD:
        raise wrong("a status", f"a word of up to {_LONGEST_WORD} letters", status)
    if status in LIFECYCLE[:-1]:
        raise ValueError(
            f"a job does not end {status!r}; if it should stay so, its next step is 'never'"
        )
    near = get_close_matches(status, FINAL, n=1, cutoff=_NEAR)
    if near and status not in FINAL:
        raise ValueError(f"the status {status!r} is too near to {near[0]!r}: is that meant?")
    return End(status, at=_status_at(at))


def _end_as_data(end: End) -> dict[str, str] | str:
    if end.failure is not None:
        code, message = end.failure
        return {"status": end.status, "code": code, "message": message, "at": end.at}
    return end.status if end.at == End().at else {"status": end.status, "at": end.at}


def _status_at(at: str) -> str:
    if at not in LIFECYCLE[:-1]:
        raise unknown("status before the end", at, LIFECYCLE[:-1])
    return at
